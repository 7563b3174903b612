//! Zipmaps: what small hashes were until Redis 2.4. Read only, to be converted.
//!
//! One byte with the number of fields (254 and more: count them), the fields, one byte 0xFF. A
//! field is a length and the name, a length, a byte that says how many unused bytes follow the
//! value, and the value.

use crate::{RdbError, Reader};

const END: u8 = 0xff;
/// A length in the four bytes that follow; in the header: count the fields.
const LONG: u8 = 0xfe;

/// A zipmap that was found right.
#[derive(Clone, Debug)]
pub(super) struct Zipmap<'a> {
    fields: Reader<'a>,
    len: usize,
}

impl<'a> Zipmap<'a> {
    /// Checks every byte that gives structure.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, RdbError> {
        let (said, body) = match bytes {
            [said, body @ .., END] => (*said, body),
            _ => return Err(RdbError::Zipmap),
        };
        let mut fields = Reader::new(body);
        let mut len = 0;
        while fields.left() > 0 {
            field(&mut fields).map_err(|_| RdbError::Zipmap)?;
            len += 1;
        }
        if said < LONG && usize::from(said) != len {
            return Err(RdbError::Zipmap);
        }
        Ok(Self {
            fields: Reader::new(body),
            len,
        })
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut fields = self.fields.clone();
        core::iter::from_fn(move || field(&mut fields).ok())
    }
}

fn field<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8]), RdbError> {
    let len = length(reader)?;
    let name = reader.take(len)?;
    let len = length(reader)?;
    let unused = reader.byte()?;
    let value = reader.take(len)?;
    reader.take(unused.into())?;
    Ok((name, value))
}

fn length(reader: &mut Reader<'_>) -> Result<usize, RdbError> {
    match reader.byte()? {
        END => Err(RdbError::Zipmap),
        LONG => Ok(u32::from_le_bytes(reader.array()?) as usize),
        len => Ok(len.into()),
    }
}
