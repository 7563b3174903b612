//! Ziplists: what small collections were until Redis 7.0. Read only, to be converted.
//!
//! Ten bytes of header (length in bytes and offset of the last entry as u32, entries as u16, all
//! little-endian), the entries, one byte 0xFF. An entry is the length of the one before (1 or 5
//! bytes), its encoding, its data.

use vk_data::listpack::Item;

use crate::{RdbError, Reader};

const HEADER_BYTES: usize = 10;
const END: u8 = 0xff;
/// The length of the entry before has four more bytes.
const LONG_BEFORE: u8 = 0xfe;
/// In the header: count the entries to know how many they are.
const COUNT_UNKNOWN: u16 = u16::MAX;

/// A ziplist that was found right.
#[derive(Clone, Debug)]
pub(super) struct Ziplist<'a> {
    entries: Reader<'a>,
    len: usize,
}

impl<'a> Ziplist<'a> {
    /// Checks every byte that gives structure.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, RdbError> {
        let mut header = Reader::new(bytes);
        let broken = |_| RdbError::Ziplist;
        let total = u32::from_le_bytes(header.array().map_err(broken)?);
        let tail = u32::from_le_bytes(header.array().map_err(broken)?);
        let said = u16::from_le_bytes(header.array().map_err(broken)?);
        let body = bytes
            .split_last()
            .filter(|(end, _)| **end == END && total as usize == bytes.len())
            .and_then(|(_, body)| body.get(HEADER_BYTES..))
            .ok_or(RdbError::Ziplist)?;
        let mut entries = Reader::new(body);
        let (mut len, mut before, mut last) = (0, 0, 0);
        while entries.left() > 0 {
            let left = entries.left();
            let (before_said, _) = entry(&mut entries).map_err(broken)?;
            if before_said != before {
                return Err(RdbError::Ziplist);
            }
            last = body.len() - left;
            before = left - entries.left();
            len += 1;
        }
        let counted = said == COUNT_UNKNOWN || usize::from(said) == len;
        if !counted || tail as usize != HEADER_BYTES + last {
            return Err(RdbError::Ziplist);
        }
        Ok(Self {
            entries: Reader::new(body),
            len,
        })
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let mut entries = self.entries.clone();
        core::iter::from_fn(move || entry(&mut entries).ok().map(|(_, item)| item))
    }
}

/// The entry that begins here, and how long it says that the one before is.
fn entry<'a>(reader: &mut Reader<'a>) -> Result<(usize, Item<'a>), RdbError> {
    let before = match reader.byte()? {
        LONG_BEFORE => u32::from_le_bytes(reader.array()?) as usize,
        END => return Err(RdbError::Ziplist),
        before => before.into(),
    };
    let first = reader.byte()?;
    let low = usize::from(first & 0x3f);
    let item = match first {
        0..=0x3f => Item::Bytes(reader.take(low)?),
        0x40..=0x7f => {
            let len = low << 8 | usize::from(reader.byte()?);
            Item::Bytes(reader.take(len)?)
        }
        0x80 => {
            let len = u32::from_be_bytes(reader.array()?);
            Item::Bytes(reader.take(len as usize)?)
        }
        0xc0 => Item::Int(i16::from_le_bytes(reader.array()?).into()),
        0xd0 => Item::Int(i32::from_le_bytes(reader.array()?).into()),
        0xe0 => Item::Int(i64::from_le_bytes(reader.array()?)),
        0xf0 => {
            let [a, b, c] = reader.array()?;
            Item::Int((i32::from_le_bytes([0, a, b, c]) >> 8).into())
        }
        0xfe => Item::Int(i8::from_le_bytes(reader.array()?).into()),
        0xf1..=0xfd => Item::Int(i64::from(first & 0x0f) - 1),
        _ => return Err(RdbError::Ziplist),
    };
    Ok((before, item))
}
