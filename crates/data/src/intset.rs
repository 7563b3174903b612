//! Intsets: Valkey's sorted array of integers, byte for byte. Not limits: how many members one may
//! have is decided by the set.
//!
//! Eight bytes of header (bytes per member as u32: 2, 4 or 8; members as u32), then the members in
//! ascending order. Everything is little-endian.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use crate::pack::PackBuf;

#[doc(hidden)]
pub mod check;

/// An intset without members.
pub const EMPTY: [u8; 8] = [2, 0, 0, 0, 0, 0, 0, 0];

/// An intset to be read.
///
/// Bytes that are no intset (see [`validate`]) give wrong members or none, but no panic.
#[derive(Clone, Copy, Debug)]
pub struct Intset<'a> {
    members: Members<'a>,
}

/// The members by their width.
#[derive(Clone, Copy, Debug)]
enum Members<'a> {
    Two(&'a [[u8; 2]]),
    Four(&'a [[u8; 4]]),
    Eight(&'a [[u8; 8]]),
}

impl<'a> Intset<'a> {
    /// A view of `bytes`.
    #[inline]
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
        let members = match width_of(bytes) {
            Width::Two => Members::Two(body.as_chunks().0),
            Width::Four => Members::Four(body.as_chunks().0),
            Width::Eight => Members::Eight(body.as_chunks().0),
        };
        Self { members }
    }

    /// Members.
    #[inline]
    #[must_use]
    pub const fn len(self) -> usize {
        match self.members {
            Members::Two(members) => members.len(),
            Members::Four(members) => members.len(),
            Members::Eight(members) => members.len(),
        }
    }

    /// There is no member.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The member with this index in ascending order.
    #[inline]
    #[must_use]
    pub fn get(self, index: usize) -> Option<i64> {
        match self.members {
            Members::Two(members) => members.get(index).map(|m| i16::from_le_bytes(*m).into()),
            Members::Four(members) => members.get(index).map(|m| i32::from_le_bytes(*m).into()),
            Members::Eight(members) => members.get(index).map(|m| i64::from_le_bytes(*m)),
        }
    }

    /// The index of a member.
    ///
    /// # Errors
    ///
    /// The index that it would have.
    #[inline]
    pub fn find(self, value: i64) -> Result<usize, usize> {
        // Members outside of the range of a width are rare questions; widening asks right.
        match self.members {
            Members::Two(members) => {
                members.binary_search_by_key(&value, |m| i16::from_le_bytes(*m).into())
            }
            Members::Four(members) => {
                members.binary_search_by_key(&value, |m| i32::from_le_bytes(*m).into())
            }
            Members::Eight(members) => {
                members.binary_search_by_key(&value, |m| i64::from_le_bytes(*m))
            }
        }
    }

    /// As [`Intset::find`], which is cheap if the value lies little behind the index `from`.
    ///
    /// # Errors
    ///
    /// The index that it would have.
    pub fn find_from(self, value: i64, from: usize) -> Result<usize, usize> {
        let (mut low, mut step) = (from, 1_usize);
        let is_behind = low.checked_sub(1).and_then(|before| self.get(before));
        if low > 0 && is_behind.is_none_or(|before| before >= value) {
            return self.find(value);
        }
        while self
            .get(low + step - 1)
            .is_some_and(|member| member < value)
        {
            low += step;
            step = step.saturating_mul(2);
        }
        let mut high = low.saturating_add(step).min(self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle).unwrap_or(i64::MAX).cmp(&value) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// The value is a member.
    #[inline]
    #[must_use]
    pub fn contains(self, value: i64) -> bool {
        self.find(value).is_ok()
    }

    /// The members in ascending order.
    #[inline]
    pub fn iter(
        self,
    ) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + Clone + use<'a> {
        (0..self.len()).map(move |index| self.get(index).unwrap_or_default())
    }

    /// The smallest member.
    #[inline]
    #[must_use]
    pub fn min(self) -> Option<i64> {
        self.get(0)
    }

    /// The largest member.
    #[inline]
    #[must_use]
    pub fn max(self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }
}

/// The intset of integers in any order.
#[must_use]
pub fn from_ints(mut ints: Vec<i64>) -> Vec<u8> {
    ints.sort_unstable();
    ints.dedup();
    let ends = [ints.first(), ints.last()].map(|end| Width::of(end.copied().unwrap_or(0)));
    let width = ends[0].max(ends[1]);
    let mut bytes = EMPTY.to_vec();
    bytes.reserve_exact(ints.len().saturating_mul(width.bytes()));
    for value in &ints {
        bytes.extend_from_slice(&value.to_le_bytes()[..width.bytes()]);
    }
    set_header(&mut bytes, width, ints.len());
    bytes
}

/// Adds a member; `false` if it is there. A member that needs more bytes makes all of them wider,
/// for good.
pub fn insert(buf: &mut impl PackBuf, value: i64) -> bool {
    let own = width_of(buf.bytes());
    let needed = Width::of(value);
    if needed > own {
        widen(buf, own, needed, value);
        return true;
    }
    let set = Intset::new(buf.bytes());
    let count = set.len();
    let index = match set.max() {
        // Ascending input is common, and needs no search.
        Some(max) if value > max => count,
        _ => match set.find(value) {
            Ok(_) => return false,
            Err(index) => index,
        },
    };
    let at = HEADER_BYTES + index * own.bytes();
    let room = buf.open(at, 0, own.bytes());
    room.copy_from_slice(&value.to_le_bytes()[..own.bytes()]);
    set_header(buf, own, count + 1);
    true
}

/// Takes a member out; `false` if it is not there.
pub fn remove(buf: &mut impl PackBuf, value: i64) -> bool {
    match Intset::new(buf.bytes()).find(value) {
        Ok(index) => {
            remove_at(buf, index);
            true
        }
        Err(_) => false,
    }
}

/// Takes the member with this index out, if there is one.
pub fn remove_at(buf: &mut impl PackBuf, index: usize) {
    let own = width_of(buf.bytes());
    let count = Intset::new(buf.bytes()).len();
    if index < count {
        buf.open(HEADER_BYTES + index * own.bytes(), own.bytes(), 0);
        set_header(buf, own, count - 1);
    }
}

/// Bytes of an intset that `value` has been added to, at most.
#[must_use]
pub fn bytes_with(bytes: &[u8], value: i64) -> usize {
    let width = width_of(bytes).max(Width::of(value));
    let count = Intset::new(bytes).len().saturating_add(1);
    count
        .saturating_mul(width.bytes())
        .saturating_add(HEADER_BYTES)
}

/// Why bytes are no intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// There is no header, its width is none, or its count does not fit the bytes.
    Header,
    /// The members do not ascend.
    Order,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "the header of the intset does not fit its bytes",
            Self::Order => "the members of the intset do not ascend",
        })
    }
}

impl core::error::Error for Malformed {}

/// Checks header and order, and returns the number of members. The rest of this module takes such
/// bytes for granted.
///
/// # Errors
///
/// What is wrong first.
pub fn validate(bytes: &[u8]) -> Result<usize, Malformed> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(Malformed::Header)?;
    let [a, b, c, d, e, f, g, h] = *header;
    let width = u32::from_le_bytes([a, b, c, d]);
    let said = u32::from_le_bytes([e, f, g, h]);
    if !matches!(width, 2 | 4 | 8) {
        return Err(Malformed::Header);
    }
    let len = u64::from(said) * u64::from(width) + HEADER_BYTES as u64;
    if len != bytes.len() as u64 {
        return Err(Malformed::Header);
    }
    let set = Intset::new(bytes);
    let ascends = set.iter().zip(set.iter().skip(1)).all(|(a, b)| a < b);
    ascends.then_some(set.len()).ok_or(Malformed::Order)
}

/// Bytes before the first member.
const HEADER_BYTES: usize = 8;

/// Bytes of each member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Two,
    Four,
    Eight,
}

impl Width {
    /// The smallest that holds `value`.
    const fn of(value: i64) -> Self {
        match value {
            -0x8000..=0x7FFF => Self::Two,
            -0x8000_0000..=0x7FFF_FFFF => Self::Four,
            _ => Self::Eight,
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

#[inline]
fn width_of(bytes: &[u8]) -> Width {
    match bytes.first() {
        Some(8) => Width::Eight,
        Some(4) => Width::Four,
        _ => Width::Two,
    }
}

fn set_header(buf: &mut impl PackBuf, width: Width, count: usize) {
    if let Some(header) = buf.bytes_mut().first_chunk_mut::<HEADER_BYTES>() {
        let (left, right) = header.split_at_mut(4);
        left.copy_from_slice(&(width.bytes() as u32).to_le_bytes());
        right.copy_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }
}

/// Makes the members wider and adds one that the old width cannot hold: it is the smallest or the
/// largest.
fn widen(buf: &mut impl PackBuf, from: Width, to: Width, value: i64) {
    let count = Intset::new(buf.bytes()).len();
    let (old, new) = (from.bytes(), to.bytes());
    let grown = (count + 1) * new - count * old;
    buf.open(HEADER_BYTES + count * old, 0, grown);
    let body = buf.bytes_mut().get_mut(HEADER_BYTES..).unwrap_or_default();
    let shift = usize::from(value < 0);
    // From the last one, since the new place of each lies behind its old one.
    for index in (0..count).rev() {
        let mut wide = [0; 8];
        let own = &body[index * old..(index + 1) * old];
        wide[..old].copy_from_slice(own);
        if own.last().is_some_and(|top| top & 0x80 != 0) {
            wide[old..].fill(0xFF);
        }
        body[(index + shift) * new..(index + shift + 1) * new].copy_from_slice(&wide[..new]);
    }
    let at = if value < 0 { 0 } else { count };
    body[at * new..(at + 1) * new].copy_from_slice(&value.to_le_bytes()[..new]);
    set_header(buf, to, count + 1);
}

#[cfg(test)]
mod tests;
