//! A pack with memory of its own, whose spare bytes may lie before it, so that what is added and
//! removed near the head moves the few bytes of the head alone. Not what the bytes mean.

use core::ops::{Deref, DerefMut};

use vk_mem::{Buf, TooLong, size_class};

use super::PackBuf;

/// Bytes that are edited at both ends.
///
/// Never more memory than the size class of the length: the room before the bytes is what the class
/// leaves over. So the memory depends on the length alone, not on the edits that led to it.
#[derive(Clone, Debug)]
pub struct OwnPack {
    /// Its tag is the number of bytes before the first one that counts.
    buf: Buf,
}

impl OwnPack {
    /// A copy of `bytes`.
    ///
    /// # Errors
    ///
    /// The length does not fit 32 bits.
    #[inline]
    pub fn new(bytes: &[u8]) -> Result<Self, TooLong> {
        Buf::new(bytes, 0).map(|buf| Self { buf })
    }

    /// No bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self { buf: Buf::empty(0) }
    }

    /// Bytes of memory: the size class of the length.
    #[inline]
    #[must_use]
    pub const fn allocated_bytes(&self) -> usize {
        self.buf.allocated_bytes()
    }

    /// Bytes before the first one that counts.
    #[inline]
    const fn front(&self) -> usize {
        self.buf.tag() as usize
    }

    #[inline]
    fn set_front(&mut self, front: usize) {
        // Less than a size class, and so than a buffer.
        self.buf.set_tag(u32::try_from(front).unwrap_or(0));
    }

    /// As [`PackBuf::open`] where the head is the longer part, or is long.
    fn open_back(
        &mut self,
        at: usize,
        removed: usize,
        added: usize,
        after: usize,
    ) -> Result<&mut [u8], TooLong> {
        let front = self.front();
        if front == 0 {
            return self.buf.open(at, removed, added);
        }
        if size_class(front + after) == size_class(after) {
            return self.buf.open(front + at, removed, added);
        }
        // The room before the head goes to the tail: what is removed is as much longer.
        self.buf.copy_within(front..front + at, 0);
        self.set_front(0);
        self.buf.open(at, front + removed, added)
    }

    /// Makes the size class of `after` bytes the buffer's and moves the tail to its end, so that
    /// what is added next at the head finds room.
    fn open_front(
        &mut self,
        at: usize,
        removed: usize,
        added: usize,
        after: usize,
    ) -> Result<&mut [u8], TooLong> {
        let front = self.front();
        let whole = size_class(after).min(u32::MAX as usize).max(after);
        let gap = whole - (self.buf.len() - removed);
        self.buf.open(front + at, removed, gap)?;
        let new_front = whole - after;
        self.buf.copy_within(front..front + at, new_front);
        self.set_front(new_front);
        let start = new_front + at;
        Ok(self.buf.get_mut(start..start + added).unwrap_or_default())
    }
}

impl PackBuf for OwnPack {
    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    #[inline]
    fn open(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        let (front, before) = (self.front(), self.len());
        let tail = before - at - removed;
        let after = before - removed + added;
        if at < tail {
            if added <= removed + front && size_class(after) == self.buf.allocated_bytes() {
                let new_front = front + removed - added;
                self.buf.copy_within(front..front + at, new_front);
                self.set_front(new_front);
                let start = new_front + at;
                return self.buf.get_mut(start..start + added).unwrap_or_default();
            }
            if added > removed && u32::try_from(after).is_ok() {
                return self
                    .open_front(at, removed, added, after)
                    .unwrap_or_default();
            }
        }
        // Listpacks and elements are bounded far below what is refused here.
        self.open_back(at, removed, added, after)
            .unwrap_or_default()
    }
}

impl Deref for OwnPack {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.buf.get(self.front()..).unwrap_or_default()
    }
}

impl DerefMut for OwnPack {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        let front = self.front();
        self.buf.get_mut(front..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;
    use vk_mem::size_class;

    use super::{OwnPack, PackBuf};

    proptest! {
        /// Edits do what they do to a vector, and the memory is that of the length.
        #[test]
        fn edits_are_those_of_a_vector(
            edits in prop::collection::vec(
                (0..4_u8, any::<u16>(), 0..40_usize, 0..40_usize),
                0..300,
            )
        ) {
            let mut pack = OwnPack::empty();
            let mut model: Vec<u8> = Vec::new();
            for (step, (place, at, removed, added)) in edits.into_iter().enumerate() {
                let at = match place {
                    0 => 6.min(model.len()),
                    1 => model.len(),
                    _ => usize::from(at) % (model.len() + 1),
                };
                let removed = removed.min(model.len() - at);
                let text: Vec<u8> = (0..added).map(|index| (index + step) as u8).collect();
                pack.splice(at, removed, &text);
                model.splice(at..at + removed, text);
                prop_assert_eq!(&pack[..], &model[..]);
                prop_assert_eq!(pack.allocated_bytes(), size_class(model.len()));
            }
            prop_assert_eq!(&pack.clone()[..], &model[..]);
        }
    }

    #[test]
    fn room_at_the_head_is_used_again() {
        let mut pack = OwnPack::new(&[1; 1100]).unwrap_or_else(|_| OwnPack::empty());
        pack.splice(6, 0, &[2; 10]);
        let front = pack.front();
        assert_eq!(front, 1280 - 1110);
        pack.splice(6, 0, &[3; 100]);
        assert_eq!(pack.front(), front - 100);
        pack.splice(6, 110, &[]);
        assert_eq!(pack.front(), front + 10);
        assert!(pack.iter().all(|byte| *byte == 1));
    }
}
