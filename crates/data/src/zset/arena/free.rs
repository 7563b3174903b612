//! Freed places: what stands in them, and where the lists of each size begin.

use alloc::vec::Vec;

use super::GRANULE;
use crate::zset::paged;

/// The handle of no block.
pub(super) const NO_BLOCK: u32 = u32::MAX;

/// What stands in a freed place of 12 bytes or more. Its first eight bytes would be a NaN as a
/// score, which no record has.
pub(super) struct Block {
    /// Bytes of the place.
    pub(super) size: usize,
    /// The block before it in the list of its size.
    pub(super) prev: u32,
    /// The block behind it.
    pub(super) next: u32,
}

/// The first 16 bits of a score that says that the place is free.
const MARK: u64 = 0xFFFF;

impl Block {
    /// A block in no list.
    pub(super) const fn alone(size: usize) -> Self {
        Self {
            size,
            prev: NO_BLOCK,
            next: NO_BLOCK,
        }
    }

    /// The block at the start of `bytes`, unless a record is there.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk()?;
        let head = u64::from_ne_bytes(*head);
        if head >> 48 != MARK {
            return None;
        }
        Some(Self {
            size: (head >> 32 & 0xFFFF) as usize * GRANULE,
            prev: head as u32,
            next: u32::from_ne_bytes(*rest.first_chunk()?),
        })
    }

    /// Writes the block over the start of `bytes`.
    #[inline]
    pub(super) fn write(&self, bytes: &mut [u8]) {
        let granules = (self.size / GRANULE) as u64;
        let head = MARK << 48 | granules << 32 | u64::from(self.prev);
        if let Some((first, rest)) = bytes.split_first_chunk_mut()
            && let Some(second) = rest.first_chunk_mut()
        {
            *first = head.to_ne_bytes();
            *second = self.next.to_ne_bytes();
        }
    }
}

/// The first block of every size.
pub(super) struct FreeLists {
    /// Size in bytes and handle, by size.
    heads: Vec<(u32, u32)>,
    bytes: usize,
}

impl FreeLists {
    pub(super) const fn new() -> Self {
        Self {
            heads: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first block of this size.
    #[inline]
    pub(super) fn head(&self, size: usize) -> Option<u32> {
        let at = self.place(size).ok()?;
        let (_, head) = *self.heads.get(at)?;
        (head != NO_BLOCK).then_some(head)
    }

    /// Makes `handle` the first block of its size; the one that was.
    pub(super) fn push(&mut self, size: usize, handle: u32) -> u32 {
        match self.place(size) {
            Ok(at) => match self.heads.get_mut(at) {
                Some((_, head)) => core::mem::replace(head, handle),
                None => NO_BLOCK,
            },
            Err(at) => {
                paged::insert(&mut self.heads, at, (size as u32, handle), &mut self.bytes);
                NO_BLOCK
            }
        }
    }

    /// Makes `handle`, which may be none, the first block of its size.
    pub(super) fn set_head(&mut self, size: usize, handle: u32) {
        if let Ok(at) = self.place(size)
            && let Some((_, head)) = self.heads.get_mut(at)
        {
            *head = handle;
        }
    }

    #[inline]
    fn place(&self, size: usize) -> Result<usize, usize> {
        self.heads
            .binary_search_by_key(&(size as u32), |&(size, _)| size)
    }

    pub(super) fn twin(&self) -> Self {
        Self {
            heads: paged::twin(&self.heads),
            bytes: self.bytes,
        }
    }
}
