//! Bitmaps: strings as sequences of bits, the first one the most significant bit of the first byte.
//! Counting, searching and combining; integers of any width in [`field`]. No keys, no replies.

pub mod field;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use vk_mem::{BitOp, combine_bits, first_other_byte, invert_bits, popcount};

/// What a range counts in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    #[default]
    Byte,
    /// Bits.
    Bit,
}

/// Bits of a string, `start` included, `end` not; never empty and within the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitRange {
    start: u64,
    end: u64,
}

impl BitRange {
    /// All bits of a string of `len` bytes; `None` if it has none.
    #[must_use]
    pub fn all(len: usize) -> Option<Self> {
        Self::resolve(0, -1, Unit::Byte, len)
    }

    /// The bits between two places of a string of `len` bytes, both included, negative ones counted
    /// from its end. `None` if there are none.
    #[must_use]
    pub fn resolve(start: i64, end: i64, unit: Unit, len: usize) -> Option<Self> {
        let bits_each = match unit {
            Unit::Byte => 8,
            Unit::Bit => 1,
        };
        // A string is far shorter than 2^60 bytes.
        let total = (len as u64).saturating_mul(8 / bits_each);
        let start = from_front(start, total);
        let last = from_front(end, total).min(total.checked_sub(1)?);
        (start <= last).then_some(Self {
            start: start.saturating_mul(bits_each),
            end: (last + 1).saturating_mul(bits_each),
        })
    }
}

/// A place counted from the front; one before the front is the front.
fn from_front(place: i64, total: u64) -> u64 {
    if place < 0 {
        total.saturating_sub(place.unsigned_abs())
    } else {
        place.unsigned_abs()
    }
}

/// The bit at `offset`; those beyond the end are not set.
#[must_use]
pub fn bit(bytes: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset / 8)
        .ok()
        .and_then(|at| bytes.get(at));
    byte.is_some_and(|byte| byte & mask(offset) != 0)
}

/// Sets or clears the bit at `offset`, if it is there.
pub fn set_bit(bytes: &mut [u8], offset: u64, on: bool) {
    let at = usize::try_from(offset / 8);
    if let Some(byte) = at.ok().and_then(|at| bytes.get_mut(at)) {
        if on {
            *byte |= mask(offset);
        } else {
            *byte &= !mask(offset);
        }
    }
}

const fn mask(offset: u64) -> u8 {
    0x80 >> (offset % 8)
}

/// How many bits of the range are set.
#[must_use]
pub fn count(bytes: &[u8], range: BitRange) -> u64 {
    let (first, last) = byte_range(range);
    let Some(touched) = bytes.get(first..=last) else {
        return 0;
    };
    let before = touched.first().map_or(0, |byte| byte & !front(range));
    let after = touched.last().map_or(0, |byte| byte & !back(range));
    popcount(touched) - u64::from(before.count_ones()) - u64::from(after.count_ones())
}

/// The offset of the first bit of the range that is `on`.
#[must_use]
pub fn position(bytes: &[u8], range: BitRange, on: bool) -> Option<u64> {
    let (first, last) = byte_range(range);
    let boring = if on { 0 } else { 0xff };
    let mut at = first;
    while at <= last {
        let mut inside = 0xff;
        if at == first {
            inside &= front(range);
        }
        if at == last {
            inside &= back(range);
        }
        let found = (bytes.get(at)? ^ boring) & inside;
        if found != 0 {
            return Some(at as u64 * 8 + u64::from(found.leading_zeros()));
        }
        at += 1;
        let rest = bytes.get(at..last).unwrap_or_default();
        at += first_other_byte(rest, boring).unwrap_or(rest.len());
    }
    None
}

/// The first and the last byte that a range touches.
fn byte_range(range: BitRange) -> (usize, usize) {
    let index = |bit: u64| usize::try_from(bit / 8).unwrap_or(usize::MAX);
    (index(range.start), index(range.end - 1))
}

/// The bits of the first byte that lie in the range, if it is not the last one.
const fn front(range: BitRange) -> u8 {
    0xff >> (range.start % 8)
}

/// The bits of the last byte that lie in the range, if it is not the first one.
const fn back(range: BitRange) -> u8 {
    !((0x7f_u8) >> ((range.end - 1) % 8))
}

/// How strings are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Bits that all have.
    And,
    /// Bits that any has.
    Or,
    /// Bits that an odd number of them has.
    Xor,
    /// Bits that the first one has not.
    Not,
}

/// Bytes that are worked on at a time, so that they stay near the processor.
const BLOCK_BYTES: usize = 32 * 1024;

/// The combination of all sources, as long as the longest; shorter ones go on with zeros.
#[must_use]
pub fn combine(operation: Operation, sources: &[&[u8]]) -> Vec<u8> {
    let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    let mut result = Vec::with_capacity(len);
    let Some((first, rest)) = sources.split_first() else {
        return result;
    };
    for start in (0..len).step_by(BLOCK_BYTES) {
        let end = start.saturating_add(BLOCK_BYTES).min(len);
        result.extend_from_slice(window(first, start, end));
        result.resize(end, 0);
        let block = result.get_mut(start..).unwrap_or_default();
        for source in rest {
            let with = window(source, start, end);
            match operation {
                Operation::And => {
                    combine_bits(BitOp::And, block, with);
                    if let Some(beyond) = block.get_mut(with.len()..) {
                        beyond.fill(0);
                    }
                }
                Operation::Or => combine_bits(BitOp::Or, block, with),
                Operation::Xor => combine_bits(BitOp::Xor, block, with),
                Operation::Not => {}
            }
        }
        if operation == Operation::Not {
            invert_bits(block);
        }
    }
    result
}

/// The part of `bytes` that lies between `start` and `end`.
fn window(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.get(start..end.min(bytes.len())).unwrap_or_default()
}
