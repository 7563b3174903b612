//! A byte buffer of 16 bytes that holds a word for its owner and keeps no slack beyond its size
//! class. Not a vector: nothing doubles, and a buffer of 4 GiB is refused.
#![expect(
    unsafe_code,
    reason = "a buffer is a hand-laid block behind one pointer"
)]

use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::slice;

use crate::block;
use crate::size_class::size_class;

/// Owned bytes and a tag, whose meaning is the owner's.
///
/// The block always has the size class of the length, so that its size need not be kept.
pub struct Buf {
    /// Dangling while the length is zero.
    block: NonNull<u8>,
    len: u32,
    tag: u32,
}

const _: () = assert!(size_of::<Buf>() <= 16 && size_of::<Option<Buf>>() == size_of::<Buf>());

// SAFETY: a buffer owns its block like a `Box` would; nothing is shared.
// JUSTIFICATION: values are handed to other threads for release.
unsafe impl Send for Buf {}
// SAFETY: through `&Buf` memory is only read.
// JUSTIFICATION: as above.
unsafe impl Sync for Buf {}

/// A buffer cannot have this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a buffer holds fewer than 4 GiB")
    }
}

impl core::error::Error for TooLong {}

impl Buf {
    /// A copy of `bytes`.
    ///
    /// # Errors
    ///
    /// The length does not fit 32 bits.
    #[inline]
    pub fn new(bytes: &[u8], tag: u32) -> Result<Self, TooLong> {
        let len = u32::try_from(bytes.len()).map_err(|_| TooLong)?;
        let mut buf = Self::empty(tag);
        if len > 0 {
            buf.block = block::allocate(size_class(bytes.len()));
            // SAFETY: the block is new and has room for the bytes.
            // JUSTIFICATION: copying into a block.
            unsafe {
                ptr::copy_nonoverlapping(bytes.as_ptr(), buf.block.as_ptr(), bytes.len());
            }
            buf.len = len;
        }
        Ok(buf)
    }

    /// No bytes, and no block.
    #[must_use]
    pub const fn empty(tag: u32) -> Self {
        Self {
            block: NonNull::<u64>::dangling().cast(),
            len: 0,
            tag,
        }
    }

    /// The owner's word.
    #[inline(always)]
    #[must_use]
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Changes the owner's word.
    #[inline(always)]
    pub const fn set_tag(&mut self, tag: u32) {
        self.tag = tag;
    }

    /// Takes `removed` bytes out at `at` and makes room for `added` there: returns the room, whose
    /// content is unspecified. Removes less if there is less.
    ///
    /// # Errors
    ///
    /// The new length does not fit 32 bits; nothing has changed.
    pub fn open(&mut self, at: usize, removed: usize, added: usize) -> Result<&mut [u8], TooLong> {
        let before = self.len as usize;
        let at = at.min(before);
        let removed = removed.min(before - at);
        let after = (before - removed).checked_add(added).ok_or(TooLong)?;
        let len = u32::try_from(after).map_err(|_| TooLong)?;
        let tail = before - at - removed;
        if after > before {
            self.resize(before, after);
            // SAFETY: the block has room for `after` bytes now.
            // JUSTIFICATION: bytes that nobody has written must not be lent.
            unsafe {
                self.block
                    .as_ptr()
                    .add(before)
                    .write_bytes(0, after - before)
            };
        }
        if removed != added && tail > 0 {
            // SAFETY: the tail lies below `before`, its new place below `after`, and the block has
            // room for the longer of the two.
            // JUSTIFICATION: the one move of an edit.
            unsafe {
                let from = self.block.as_ptr().add(at + removed);
                ptr::copy(from, self.block.as_ptr().add(at + added), tail);
            }
        }
        if after < before {
            self.resize(before, after);
        }
        self.len = len;
        // SAFETY: the room ends where the tail begins; every byte below `after` has been written.
        // JUSTIFICATION: a view into the block.
        Ok(unsafe { slice::from_raw_parts_mut(self.block.as_ptr().add(at), added) })
    }

    /// Bytes that the block occupies in the allocator: the size class of the length.
    #[inline]
    #[must_use]
    pub const fn allocated_bytes(&self) -> usize {
        size_class(self.len as usize)
    }

    /// Gives the block the class of another length; the field `len` stays.
    #[inline]
    fn resize(&mut self, from: usize, to: usize) {
        let (old, new) = (size_class(from), size_class(to));
        if old == new {
            return;
        }
        // SAFETY: a length that is not zero has a block of its class; the old one is not used
        // afterwards.
        // JUSTIFICATION: the counterpart of `block::allocate`.
        self.block = unsafe {
            match (old, new) {
                (0, _) => block::allocate(new),
                (_, 0) => {
                    block::release(self.block, old);
                    NonNull::<u64>::dangling().cast()
                }
                _ => block::resize(self.block, old, new),
            }
        };
    }
}

impl Deref for Buf {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `len` bytes of the block are initialised; none are read if it is dangling.
        // JUSTIFICATION: a view into the block.
        unsafe { slice::from_raw_parts(self.block.as_ptr(), self.len as usize) }
    }
}

impl DerefMut for Buf {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; the buffer is borrowed mutably for the life of the slice.
        // JUSTIFICATION: a view into the block.
        unsafe { slice::from_raw_parts_mut(self.block.as_ptr(), self.len as usize) }
    }
}

impl Drop for Buf {
    #[inline]
    fn drop(&mut self) {
        self.resize(self.len as usize, 0);
    }
}

impl Clone for Buf {
    fn clone(&self) -> Self {
        // The length fits, as it does here.
        Self::new(self, self.tag).unwrap_or_else(|TooLong| Self::empty(self.tag))
    }
}

impl fmt::Debug for Buf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buf")
            .field("tag", &self.tag)
            .field("bytes", &&self[..])
            .finish()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Buf, TooLong};
    use crate::size_class;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    const CHANGES: usize = if cfg!(miri) { 12 } else { 60 };

    proptest! {
        #[test]
        fn buffers_change_as_vectors_do(
            start in proptest::collection::vec(any::<u8>(), 0..40),
            changes in proptest::collection::vec(
                (any::<usize>(), 0..60_usize, prop_oneof![9 => 0..60_usize, 1 => 0..3_000_usize]),
                0..CHANGES,
            ),
        ) {
            let mut model = start.clone();
            let mut buf = Buf::new(&start, 7).unwrap();
            for (step, (at, removed, added)) in changes.into_iter().enumerate() {
                let at = at % (model.len() + 1);
                let removed = removed.min(model.len() - at);
                let fill = vec![step as u8; added];
                buf.open(at, removed, added).unwrap().copy_from_slice(&fill);
                model.splice(at..at + removed, fill);
                prop_assert_eq!(&buf[..], &model[..]);
                prop_assert_eq!(buf.allocated_bytes(), size_class(model.len()));
            }
            let copy = buf.clone();
            drop(buf);
            prop_assert_eq!((&copy[..], copy.tag()), (&model[..], 7));
        }
    }

    #[test]
    fn an_empty_buffer_has_no_block() {
        let mut buf = Buf::empty(1);
        assert_eq!((buf.len(), buf.allocated_bytes()), (0, 0));
        buf.open(9, 9, 3).unwrap().fill(5);
        assert_eq!(&buf[..], [5, 5, 5]);
        assert_eq!(buf.open(1, 9, 0).unwrap().len(), 0);
        assert_eq!(&buf[..], [5]);
        assert!(buf.open(0, 1, 0).unwrap().is_empty());
        buf.set_tag(3);
        assert_eq!((buf.len(), buf.clone().tag()), (0, 3));
        assert_eq!(buf.iter().count(), 0);
    }

    #[test]
    fn a_length_beyond_32_bits_is_refused() {
        let mut buf = Buf::new(b"abc", 0).unwrap();
        assert_eq!(buf.open(0, 0, u32::MAX as usize - 2).unwrap_err(), TooLong);
        assert_eq!(buf.open(0, 3, usize::MAX).unwrap_err(), TooLong);
        assert_eq!(&buf[..], b"abc");
        let lent: Vec<u8> = buf.open(3, 0, 1).map(|room| room.to_vec()).unwrap();
        assert_eq!(lent.len(), 1);
    }
}
