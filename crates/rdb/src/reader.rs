//! Reading lengths, strings and numbers. Not values: see [`crate::load()`].

use alloc::vec::Vec;

use vk_data::num::{INT_TEXT_MAX, format_i64, parse_f64, parse_i64};

use crate::{RdbError, decompress};

/// What a length says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many.
    Plain(u64),
    /// No length: a string in this special encoding follows.
    Special(u8),
}

/// A string that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// An integer; the string is its decimal form.
    Int(i64),
    /// Bytes as they lie there.
    Plain(&'a [u8]),
    /// Bytes that were compressed.
    Inflated(Vec<u8>),
}

impl Text<'_> {
    /// The string's bytes; `digits` holds those of an integer.
    #[must_use]
    pub fn bytes<'b>(&'b self, digits: &'b mut [u8; INT_TEXT_MAX]) -> &'b [u8] {
        match self {
            Self::Int(value) => format_i64(*value, digits),
            Self::Plain(bytes) => bytes,
            Self::Inflated(bytes) => bytes,
        }
    }

    /// The integer that the string is, if it is one.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        let bytes: &[u8] = match self {
            Self::Int(value) => return Some(*value),
            Self::Plain(bytes) => bytes,
            Self::Inflated(bytes) => bytes,
        };
        let is_short = bytes.len() <= INT_TEXT_MAX;
        is_short.then(|| parse_i64(bytes)).flatten()
    }

    /// The string's bytes in an allocation of their own.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Inflated(bytes) => bytes,
            other => other.bytes(&mut [0; INT_TEXT_MAX]).to_vec(),
        }
    }
}

/// Bytes that are read from the front.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes that are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Everything was read.
    ///
    /// # Errors
    /// If there are bytes left.
    pub const fn end(&self) -> Result<(), RdbError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(RdbError::Trailing)
        }
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], RdbError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(RdbError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(RdbError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The next byte.
    ///
    /// # Errors
    /// If there is none.
    pub fn byte(&mut self) -> Result<u8, RdbError> {
        self.array().map(|[byte]| byte)
    }

    /// A length in any form.
    ///
    /// # Errors
    /// If it is cut off or has an unknown form.
    pub fn length(&mut self) -> Result<Length, RdbError> {
        let first = self.byte()?;
        let low = first & 0x3f;
        Ok(match first >> 6 {
            0 => Length::Plain(low.into()),
            1 => Length::Plain(u64::from(low) << 8 | u64::from(self.byte()?)),
            2 => Length::Plain(match low {
                0 => u32::from_be_bytes(self.array()?).into(),
                1 => u64::from_be_bytes(self.array()?),
                _ => return Err(RdbError::Length),
            }),
            _ => Length::Special(low),
        })
    }

    /// A number in the form of a length.
    ///
    /// # Errors
    /// If it is none.
    pub fn number(&mut self) -> Result<u64, RdbError> {
        match self.length()? {
            Length::Plain(number) => Ok(number),
            Length::Special(_) => Err(RdbError::Length),
        }
    }

    /// A count of things that follow, each of which has at least `bytes_min` bytes; so the count
    /// is never larger than what is there.
    ///
    /// # Errors
    /// If it is none, or if there is no room for so many.
    pub fn count(&mut self, bytes_min: usize) -> Result<usize, RdbError> {
        let count = usize::try_from(self.number()?).map_err(|_| RdbError::Length)?;
        match count.checked_mul(bytes_min.max(1)) {
            Some(bytes) if bytes <= self.left() => Ok(count),
            _ => Err(RdbError::Length),
        }
    }

    /// A string.
    ///
    /// # Errors
    /// If it is cut off, of an unknown encoding, or compressed wrongly.
    pub fn string(&mut self) -> Result<Text<'a>, RdbError> {
        Ok(match self.length()? {
            Length::Plain(len) => {
                let len = usize::try_from(len).map_err(|_| RdbError::Length)?;
                Text::Plain(self.take(len)?)
            }
            Length::Special(0) => Text::Int(i8::from_le_bytes(self.array()?).into()),
            Length::Special(1) => Text::Int(i16::from_le_bytes(self.array()?).into()),
            Length::Special(2) => Text::Int(i32::from_le_bytes(self.array()?).into()),
            Length::Special(3) => {
                let packed = self.count_of_lzf()?;
                let len = usize::try_from(self.number()?).map_err(|_| RdbError::Length)?;
                let packed = self.take(packed)?;
                Text::Inflated(decompress(packed, len).ok_or(RdbError::Lzf)?)
            }
            Length::Special(kind) => return Err(RdbError::Encoding(kind)),
        })
    }

    fn count_of_lzf(&mut self) -> Result<usize, RdbError> {
        usize::try_from(self.number()?).map_err(|_| RdbError::Length)
    }

    /// A double in 8 bytes, which is a number.
    ///
    /// # Errors
    /// If it is cut off or NaN.
    pub fn double(&mut self) -> Result<f64, RdbError> {
        let value = f64::from_le_bytes(self.array()?);
        if value.is_nan() {
            return Err(RdbError::Number);
        }
        Ok(value)
    }

    /// A double as text with its length before it, which is a number.
    ///
    /// # Errors
    /// If it is cut off or no number.
    pub fn double_text(&mut self) -> Result<f64, RdbError> {
        match self.byte()? {
            253 => Err(RdbError::Number),
            254 => Ok(f64::INFINITY),
            255 => Ok(f64::NEG_INFINITY),
            len => parse_f64(self.take(len.into())?).ok_or(RdbError::Number),
        }
    }

    /// A time in milliseconds in 8 bytes.
    ///
    /// # Errors
    /// If it is cut off.
    pub fn time_ms(&mut self) -> Result<i64, RdbError> {
        self.array().map(i64::from_le_bytes)
    }
}
