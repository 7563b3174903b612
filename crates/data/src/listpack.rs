//! Listpacks: Valkey's compact sequence of strings and integers, byte for byte. Reading here,
//! changing in `edit`. Not limits: how long a listpack may become is decided by its type.
//!
//! Six bytes of header (length in bytes as u32, items as u16, both little-endian), the items, one
//! byte 0xFF. An item is its encoding, its data, and the length of both once more, backwards, so
//! that the sequence can be walked from the end.

use core::fmt;

#[doc(hidden)]
pub mod check;
mod codec;
mod edit;
mod lookup;

pub use codec::{Item, encoded_len};
pub use edit::{
    append, append_all, insert, insert_encoded, prepend, prepend_each, remove, replace,
};
pub use lookup::Lookup;

use codec::{back_step, decode, step};

use crate::num::parse_i64;

/// A listpack without items.
pub const EMPTY: [u8; 7] = [7, 0, 0, 0, 0, 0, END];

/// No listpack may become longer than this many bytes; the types turn to other encodings long
/// before.
pub const BYTES_MAX: usize = 1 << 30;

/// Bytes before the first item.
const HEADER_BYTES: usize = 6;
/// The last byte, which no item begins with.
const END: u8 = 0xFF;
/// In the header: count the items to know how many they are.
const COUNT_UNKNOWN: u16 = u16::MAX;

/// A listpack to be read.
///
/// Bytes that are no listpack (see [`validate`]) give wrong items or none, but no panic and no
/// endless walk.
#[derive(Clone, Copy, Debug)]
pub struct Listpack<'a> {
    bytes: &'a [u8],
}

/// The place of an item: its offset in bytes, so that the places of one listpack are in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos(usize);

impl Pos {
    /// Bytes from the start of the listpack.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.0
    }
}

impl<'a> Listpack<'a> {
    /// A view of `bytes`.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Items. Constant time up to 65,534 of them.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match counted(self.bytes) {
            Some(count) => count,
            None => self.iter().count(),
        }
    }

    /// There is no item.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.bytes.len() <= EMPTY.len()
    }

    /// Bytes of the whole listpack.
    #[inline]
    #[must_use]
    pub const fn byte_len(self) -> usize {
        self.bytes.len()
    }

    /// The bytes of the whole listpack.
    #[inline]
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The first item.
    #[inline]
    #[must_use]
    pub fn first(self) -> Option<Pos> {
        self.is_item(HEADER_BYTES)
    }

    /// The last item.
    #[inline]
    #[must_use]
    pub fn last(self) -> Option<Pos> {
        self.prev(self.end())
    }

    /// The place behind the last item.
    #[inline]
    #[must_use]
    pub const fn end(self) -> Pos {
        Pos(end_of(self.bytes))
    }

    /// The item after `pos`.
    #[inline]
    #[must_use]
    pub fn next(self, pos: Pos) -> Option<Pos> {
        self.is_item(self.after(pos)?.0)
    }

    /// The item before `pos`, which may be the end.
    #[inline]
    #[must_use]
    pub fn prev(self, pos: Pos) -> Option<Pos> {
        back_step(self.bytes, pos.0).map(Pos)
    }

    /// The place behind the item at `pos`: an item's or the end.
    #[inline]
    #[must_use]
    pub fn after(self, pos: Pos) -> Option<Pos> {
        let len = step(self.bytes.get(pos.0..)?)?;
        Some(Pos(pos.0.saturating_add(len)))
    }

    /// The item at `pos`; no bytes if there is none.
    #[inline]
    #[must_use]
    pub fn get(self, pos: Pos) -> Item<'a> {
        match self.bytes.get(pos.0..).and_then(decode) {
            Some((item, _)) => item,
            None => Item::Bytes(&[]),
        }
    }

    /// The item with this index; negative from the end, where -1 is the last one. Walks from the
    /// nearer end.
    #[must_use]
    pub fn seek(self, index: i64) -> Option<Pos> {
        let count = counted(self.bytes);
        let from_end = index < 0;
        let steps = usize::try_from(if from_end { !index } else { index }).ok()?;
        match count {
            Some(count) if steps >= count => None,
            Some(count) if steps > count / 2 => {
                // The other way is shorter; `steps` is below `count`.
                self.walk(!from_end, count - 1 - steps)
            }
            _ => self.walk(from_end, steps),
        }
    }

    /// The item `count` items after `pos`.
    #[must_use]
    pub fn skip(self, pos: Pos, count: usize) -> Option<Pos> {
        let mut at = pos;
        for _ in 0..count {
            at = self.after(at)?;
        }
        self.is_item(at.0)
    }

    /// The items in order.
    #[inline]
    #[must_use]
    pub const fn iter(self) -> Iter<'a> {
        self.between(Pos(HEADER_BYTES), self.end())
    }

    /// The items from `pos` on.
    #[inline]
    #[must_use]
    pub const fn iter_from(self, pos: Pos) -> Iter<'a> {
        self.between(pos, self.end())
    }

    /// The items from `from` to before `to`.
    #[inline]
    #[must_use]
    pub const fn between(self, from: Pos, to: Pos) -> Iter<'a> {
        Iter {
            bytes: self.bytes,
            front: from.0,
            back: to.0,
        }
    }

    /// The encoded items from `from` to before `to`, to be put elsewhere by [`insert_encoded`].
    #[must_use]
    pub fn encoded(self, from: Pos, to: Pos) -> &'a [u8] {
        self.bytes.get(from.0..to.0).unwrap_or_default()
    }

    /// The first item from `from` on that is `bytes`; compares every `stride`-th one only (1 or 0:
    /// all).
    #[must_use]
    pub fn find(self, from: Pos, bytes: &[u8], stride: usize) -> Option<Pos> {
        let int = parse_i64(bytes);
        let mut at = from.0;
        loop {
            let (item, len) = decode(self.bytes.get(at..)?)?;
            let equal = match item {
                Item::Bytes(item) => item == bytes,
                Item::Int(item) => int == Some(item),
            };
            if equal {
                return Some(Pos(at));
            }
            at = at.saturating_add(len);
            for _ in 1..stride {
                at = at.saturating_add(step(self.bytes.get(at..)?)?);
            }
        }
    }

    /// `steps` items from the first or the last one.
    fn walk(self, from_end: bool, steps: usize) -> Option<Pos> {
        if !from_end {
            return self.skip(Pos(HEADER_BYTES), steps);
        }
        let mut at = self.last()?;
        for _ in 0..steps {
            at = self.prev(at)?;
        }
        Some(at)
    }

    #[inline]
    fn is_item(self, at: usize) -> Option<Pos> {
        (at < end_of(self.bytes)).then_some(Pos(at))
    }
}

/// The items of a listpack.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (item, len) = decode(self.bytes.get(self.front..)?)?;
        self.front = self.front.saturating_add(len);
        Some(item)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let at = back_step(self.bytes, self.back)?;
        if at < self.front {
            return None;
        }
        self.back = at;
        decode(self.bytes.get(at..)?).map(|(item, _)| item)
    }
}

/// Why bytes are no listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The header or the last byte is wrong, or there are not enough bytes for both.
    Frame,
    /// The item at this offset does not fit, or its two lengths differ.
    Item(usize),
    /// The header has another number of items.
    Count,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame => f.write_str("the frame of the listpack is broken"),
            Self::Item(at) => write!(f, "the listpack's item at byte {at} is broken"),
            Self::Count => f.write_str("the listpack has another number of items than it says"),
        }
    }
}

impl core::error::Error for Malformed {}

/// Checks every byte that gives structure, and returns the number of items. The rest of this
/// module takes such bytes for granted.
///
/// # Errors
///
/// What is wrong first.
pub fn validate(bytes: &[u8]) -> Result<usize, Malformed> {
    let said = match bytes.first_chunk::<4>() {
        Some(total) => u32::from_le_bytes(*total) as usize,
        None => return Err(Malformed::Frame),
    };
    if said != bytes.len() || bytes.len() < EMPTY.len() || bytes.last() != Some(&END) {
        return Err(Malformed::Frame);
    }
    let end = end_of(bytes);
    let (mut at, mut count) = (HEADER_BYTES, 0_usize);
    while at < end {
        let rest = bytes.get(at..end).unwrap_or_default();
        let len = codec::checked_len(rest).ok_or(Malformed::Item(at))?;
        at = at.saturating_add(len);
        count = count.saturating_add(1);
    }
    match counted(bytes) {
        Some(said) if said != count => Err(Malformed::Count),
        _ => Ok(count),
    }
}

/// The items by the header, if it knows.
#[inline]
fn counted(bytes: &[u8]) -> Option<usize> {
    match bytes.get(4..HEADER_BYTES)?.first_chunk() {
        Some(count) => match u16::from_le_bytes(*count) {
            COUNT_UNKNOWN => None,
            count => Some(count.into()),
        },
        None => None,
    }
}

/// The offset of the last byte; never inside the header.
const fn end_of(bytes: &[u8]) -> usize {
    let end = bytes.len().saturating_sub(1);
    if end < HEADER_BYTES {
        HEADER_BYTES
    } else {
        end
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
