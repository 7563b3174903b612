//! A byte string behind one thin pointer. Not growable: whoever wants another length makes another
//! one.
#![expect(
    unsafe_code,
    reason = "a string is a hand-laid block behind one pointer"
)]

use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::slice;

use crate::block;
use crate::prefetch::prefetch_address;
use crate::size_class::size_class;

/// An owned byte string: `[length][bytes]` in one block of a size class, where the length takes one
/// byte for each seven bits of it.
///
/// `Option<Thin>` is as large as a pointer.
pub struct Thin {
    block: NonNull<u8>,
}

// SAFETY: a string owns its block like a `Box` would; nothing is shared.
// JUSTIFICATION: tables of strings are handed to other threads for release.
unsafe impl Send for Thin {}
// SAFETY: through `&Thin` memory is only read.
// JUSTIFICATION: as above.
unsafe impl Sync for Thin {}

/// The longest length field: ten times seven bits hold a `usize`.
const LENGTH_BYTES_MAX: usize = 10;

impl Thin {
    /// A copy of `bytes`.
    #[inline]
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self::concat([bytes])
    }

    /// A copy of the parts, one behind the other.
    #[inline]
    #[must_use]
    pub fn concat<const N: usize>(parts: [&[u8]; N]) -> Self {
        // No sum of lengths in memory overflows unless parts repeat, and then no block is had.
        let len = parts
            .iter()
            .fold(0, |sum: usize, part| sum.saturating_add(part.len()));
        let head = length_bytes(len);
        let block = block::allocate(size_class(head.saturating_add(len)));
        let mut at = block.as_ptr();
        let mut left = len;
        for _ in 1..head {
            // SAFETY: the block holds `head` bytes of length.
            // JUSTIFICATION: the field has no fixed size.
            unsafe {
                at.write(left as u8 | MORE);
                at = at.add(1);
            }
            left >>= 7;
        }
        // SAFETY: the last byte of the length, then the parts, for whose sum the block has room; it
        // is new, hence distinct from them.
        // JUSTIFICATION: one allocation per string.
        unsafe {
            at.write(left as u8);
            at = at.add(1);
            for part in parts {
                ptr::copy_nonoverlapping(part.as_ptr(), at, part.len());
                at = at.add(part.len());
            }
        }
        Self { block }
    }

    /// Bytes that the block occupies in the allocator: its size class.
    #[inline]
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        let (head, len) = self.lengths();
        size_class(head + len)
    }

    /// Hints that the string is about to be read.
    #[inline(always)]
    pub fn prefetch(&self) {
        prefetch_address(self.block.as_ptr());
    }

    /// Bytes of the length field, and bytes of the string.
    #[inline(always)]
    fn lengths(&self) -> (usize, usize) {
        // SAFETY: every block starts with an initialised length.
        // JUSTIFICATION: a field of the block.
        let first = unsafe { self.block.as_ptr().read() };
        if first & MORE == 0 {
            return (1, first.into());
        }
        self.long_lengths()
    }

    fn long_lengths(&self) -> (usize, usize) {
        let mut len = 0_usize;
        for index in 0..LENGTH_BYTES_MAX {
            // SAFETY: each byte but the last of a length says that one more follows, so this one
            // is part of it.
            // JUSTIFICATION: a field of the block.
            let byte = unsafe { self.block.as_ptr().add(index).read() };
            // What a shift would lose was zero when it was written.
            len |= usize::from(byte & !MORE)
                .checked_shl(7 * index as u32)
                .unwrap_or(0);
            if byte & MORE == 0 {
                return (index + 1, len);
            }
        }
        (LENGTH_BYTES_MAX, len)
    }
}

/// In a byte of the length: another one follows.
const MORE: u8 = 0x80;

/// Bytes of the length field.
const fn length_bytes(len: usize) -> usize {
    match len.checked_ilog2() {
        Some(log) => log as usize / 7 + 1,
        None => 1,
    }
}

impl Deref for Thin {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        let (head, len) = self.lengths();
        // SAFETY: the bytes lie behind the length and were written when the block was built.
        // JUSTIFICATION: a view into the block.
        unsafe { slice::from_raw_parts(self.block.as_ptr().add(head), len) }
    }
}

impl DerefMut for Thin {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        let (head, len) = self.lengths();
        // SAFETY: as in `deref`; the string is borrowed mutably for the life of the slice.
        // JUSTIFICATION: a view into the block.
        unsafe { slice::from_raw_parts_mut(self.block.as_ptr().add(head), len) }
    }
}

impl Drop for Thin {
    #[inline]
    fn drop(&mut self) {
        let size = self.allocated_bytes();
        // SAFETY: the block has this size class and is not used afterwards.
        // JUSTIFICATION: the block is owned.
        unsafe { block::release(self.block, size) }
    }
}

impl Clone for Thin {
    fn clone(&self) -> Self {
        Self::new(self)
    }
}

impl fmt::Debug for Thin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Thin").field(&&self[..]).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Thin;
    use crate::size_class;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn strings_of_every_length_class_are_kept() {
        assert_eq!(size_of::<Option<Thin>>(), size_of::<usize>());
        let mut lengths: Vec<usize> = (0..140).collect();
        lengths.extend([16_383, 16_384, 2_097_151, 2_097_152]);
        if cfg!(miri) {
            lengths.truncate(141);
        }
        for len in lengths {
            let text: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mut thin = Thin::new(&text);
            assert_eq!(&thin[..], &text[..]);
            let head = 1 + usize::from(len > 127) + usize::from(len > 16_383);
            let head = head + usize::from(len > 2_097_151);
            assert_eq!(thin.allocated_bytes(), size_class(head + len), "{len}");
            let copy = thin.clone();
            if let Some(last) = thin.last_mut() {
                *last ^= 0xFF;
                assert_ne!(copy[..], thin[..]);
            }
            thin.prefetch();
            assert_eq!(&copy[..], &text[..]);
        }
    }

    #[test]
    fn parts_follow_one_another() {
        assert_eq!(&Thin::concat([b"ab", b"", b"c"])[..], b"abc");
        assert_eq!(&Thin::concat([])[..], b"");
        let long = vec![1; 100];
        assert_eq!(Thin::concat([&long, &long])[..], [1; 200]);
    }
}
