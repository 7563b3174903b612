//! One item of a listpack: its encodings and the length behind it. Not the sequence.

use crate::num::{INT_TEXT_MAX, format_i64, i64_text_len, parse_i64};

use super::HEADER_BYTES;

/// An item: what looks like an integer is stored as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item<'a> {
    /// An integer, whose text is the decimal form.
    Int(i64),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> Item<'a> {
    /// The item's bytes; `text` holds the digits of an integer.
    #[inline]
    #[must_use]
    pub fn bytes<'b>(self, text: &'b mut [u8; INT_TEXT_MAX]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Int(value) => format_i64(value, text),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The item has these bytes.
    #[inline]
    #[must_use]
    pub fn is(self, bytes: &[u8]) -> bool {
        match self {
            Self::Int(value) => parse_i64(bytes) == Some(value),
            Self::Bytes(own) => own == bytes,
        }
    }

    /// Bytes of the item as text.
    #[inline]
    #[must_use]
    pub fn byte_len(self) -> usize {
        match self {
            Self::Int(value) => i64_text_len(value),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// As it is stored: bytes that are the canonical form of an integer become that integer.
    #[inline]
    #[must_use]
    pub fn compact(self) -> Self {
        match self {
            Self::Int(_) => self,
            Self::Bytes(bytes) => match parse_i64(bytes) {
                Some(value) => Self::Int(value),
                None => self,
            },
        }
    }
}

impl<'a> From<&'a [u8]> for Item<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<i64> for Item<'_> {
    #[inline]
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// Bytes that the item takes in a listpack.
#[inline]
#[must_use]
pub fn encoded_len(item: Item<'_>) -> usize {
    compact_len(item.compact())
}

/// As [`encoded_len`], of an item that is compact.
#[inline]
pub(super) fn compact_len(item: Item<'_>) -> usize {
    let len = match item {
        Item::Int(value) => int_len(value),
        Item::Bytes(bytes) => match bytes.len() {
            len @ 0..SHORT_END => 1 + len,
            len @ SHORT_END..MIDDLE_END => 2 + len,
            len => 5_usize.saturating_add(len),
        },
    };
    len.saturating_add(back_len(len))
}

/// Strings of fewer bytes have one byte of encoding.
const SHORT_END: usize = 64;
/// Strings of fewer bytes have two bytes of encoding, others five.
const MIDDLE_END: usize = 4096;

/// First bytes of the encodings. Below 0x80 it is the integer itself.
const SHORT_STR: u8 = 0x80;
const INT_13: u8 = 0xC0;
const MIDDLE_STR: u8 = 0xE0;
const LONG_STR: u8 = 0xF0;
const INT_16: u8 = 0xF1;
const INT_24: u8 = 0xF2;
const INT_32: u8 = 0xF3;
const INT_64: u8 = 0xF4;

const fn int_len(value: i64) -> usize {
    match value {
        0..=0x7F => 1,
        -0x1000..=0xFFF => 2,
        -0x8000..=0x7FFF => 3,
        -0x80_0000..=0x7F_FFFF => 4,
        -0x8000_0000..=0x7FFF_FFFF => 5,
        _ => 9,
    }
}

/// Bytes of the length behind an item of `len` bytes. The limits of two bytes and more are one
/// less than they could be: so the format has it.
#[inline]
const fn back_len(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// The item at the start of `rest` and the bytes that it takes in all.
#[inline(always)]
pub(super) fn decode(rest: &[u8]) -> Option<(Item<'_>, usize)> {
    let (&head, tail) = rest.split_first()?;
    let (item, len) = match head {
        0..SHORT_STR => return Some((Item::Int(head.into()), 2)),
        SHORT_STR..INT_13 => {
            let len = usize::from(head & 0x3F);
            // One byte of length behind it, always.
            return Some((Item::Bytes(tail.get(..len)?), len + 2));
        }
        INT_13..MIDDLE_STR => {
            let bits = u16::from(head & 0x1F) << 8 | u16::from(*tail.first()?);
            // The sign is bit 12: up to the top and back.
            return Some((Item::Int((((bits << 3) as i16) >> 3).into()), 3));
        }
        MIDDLE_STR..LONG_STR => {
            let (&low, text) = tail.split_first()?;
            let len = usize::from(head & 0xF) << 8 | usize::from(low);
            (Item::Bytes(text.get(..len)?), len + 2)
        }
        LONG_STR => {
            let (len, text) = tail.split_first_chunk()?;
            let len = u32::from_le_bytes(*len) as usize;
            (Item::Bytes(text.get(..len)?), len.saturating_add(5))
        }
        INT_16 => {
            let value = i16::from_le_bytes(*tail.first_chunk()?);
            return Some((Item::Int(value.into()), 4));
        }
        INT_24 => {
            let [a, b, c] = *tail.first_chunk()?;
            let value = i32::from_le_bytes([0, a, b, c]) >> 8;
            return Some((Item::Int(value.into()), 5));
        }
        INT_32 => {
            let value = i32::from_le_bytes(*tail.first_chunk()?);
            return Some((Item::Int(value.into()), 6));
        }
        INT_64 => {
            let value = i64::from_le_bytes(*tail.first_chunk()?);
            return Some((Item::Int(value), 10));
        }
        _ => return None,
    };
    Some((item, len.saturating_add(back_len(len))))
}

/// The bytes that the item at the start of `rest` takes in all; they may be more than there are.
#[inline]
pub(super) fn step(rest: &[u8]) -> Option<usize> {
    let len = data_len(rest)?;
    Some(len.saturating_add(back_len(len)))
}

/// As [`step`], without the length behind it.
#[inline]
fn data_len(rest: &[u8]) -> Option<usize> {
    let (&head, tail) = rest.split_first()?;
    Some(match head {
        0..SHORT_STR => 1,
        SHORT_STR..INT_13 => 1 + usize::from(head & 0x3F),
        INT_13..MIDDLE_STR => 2,
        MIDDLE_STR..LONG_STR => {
            let low = usize::from(*tail.first()?);
            2 + (usize::from(head & 0xF) << 8 | low)
        }
        LONG_STR => {
            let len = u32::from_le_bytes(*tail.first_chunk()?) as usize;
            len.saturating_add(5)
        }
        INT_16 => 3,
        INT_24 => 4,
        INT_32 => 5,
        INT_64 => 9,
        _ => return None,
    })
}

/// As [`step`], of bytes that nobody has checked: they are all there, and the length behind the
/// data is the one before it in its one spelling.
pub(super) fn checked_len(rest: &[u8]) -> Option<usize> {
    let len = data_len(rest)?;
    let back = rest.get(len..len.checked_add(back_len(len))?)?;
    let mut expected = [0; BACK_BYTES_MAX];
    (back == write_back(&mut expected, len)).then(|| len.saturating_add(back.len()))
}

/// The offset of the item that ends before `at`; smaller than `at`.
#[inline]
pub(super) fn back_step(bytes: &[u8], at: usize) -> Option<usize> {
    if at <= HEADER_BYTES {
        return None;
    }
    let mut len = 0_usize;
    let before = bytes.get(HEADER_BYTES..at)?;
    for (index, &byte) in before.iter().rev().take(BACK_BYTES_MAX).enumerate() {
        // At most 28 bits to the left: what falls out at 32 bits would be malformed anyway.
        len |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let start = at.checked_sub(len.saturating_add(back_len(len)))?;
    (start >= HEADER_BYTES).then_some(start)
}

/// The longest length behind an item.
const BACK_BYTES_MAX: usize = 5;

/// Writes a compact item into the start of `room`, and returns what is left of it.
#[inline]
pub(super) fn write<'r>(room: &'r mut [u8], item: Item<'_>) -> &'r mut [u8] {
    let len = match item {
        Item::Int(value) => write_int(room, value),
        Item::Bytes(bytes) => {
            let head = match bytes.len() {
                len @ 0..SHORT_END => {
                    room[0] = SHORT_STR | len as u8;
                    1
                }
                len @ SHORT_END..MIDDLE_END => {
                    room[0] = MIDDLE_STR | (len >> 8) as u8;
                    room[1] = len as u8;
                    2
                }
                len => {
                    room[0] = LONG_STR;
                    // Callers keep items far below [`super::BYTES_MAX`].
                    room[1..5].copy_from_slice(&(len as u32).to_le_bytes());
                    5
                }
            };
            room[head..head + bytes.len()].copy_from_slice(bytes);
            head + bytes.len()
        }
    };
    let room = &mut room[len..];
    if len < 128 {
        room[0] = len as u8;
        return &mut room[1..];
    }
    let mut back = [0; BACK_BYTES_MAX];
    let back = write_back(&mut back, len);
    let (place, room) = room.split_at_mut(back.len());
    place.copy_from_slice(back);
    room
}

fn write_int(room: &mut [u8], value: i64) -> usize {
    let len = int_len(value);
    let bytes = value.to_le_bytes();
    let head = match len {
        1 => {
            room[0] = bytes[0];
            return 1;
        }
        2 => {
            room[0] = INT_13 | bytes[1] & 0x1F;
            room[1] = bytes[0];
            return 2;
        }
        3 => INT_16,
        4 => INT_24,
        5 => INT_32,
        _ => INT_64,
    };
    room[0] = head;
    room[1..len].copy_from_slice(&bytes[..len - 1]);
    len
}

/// The length behind an item: seven bits a byte, the lowest in the last one, and the top bit of a
/// byte says that one more is before it.
fn write_back(to: &mut [u8; BACK_BYTES_MAX], len: usize) -> &[u8] {
    let count = back_len(len);
    let place = to.get_mut(..count).unwrap_or_default();
    let mut left = len;
    for (index, byte) in place.iter_mut().rev().enumerate() {
        let more = if index + 1 < count { 0x80 } else { 0 };
        *byte = (left & 0x7F) as u8 | more;
        left >>= 7;
    }
    place
}
