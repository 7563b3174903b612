//! A chunk: bytes that records are appended to. What lies where is the arena's business.

use alloc::vec::Vec;

use vk_mem::size_class;

use super::record;

/// The most bytes of a chunk.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
/// The least memory of a chunk.
const CHUNK_BYTES_MIN: usize = 512;
/// A chunk grows by this part of all chunks, so that no more than that is unused.
const GROWTH_PART: usize = 8;

/// Records one behind the other, live or freed.
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// Bytes of live records.
    pub(super) live: usize,
}

impl Chunk {
    /// Without memory.
    pub(super) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            live: 0,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        super::super::paged::bytes_of(&self.bytes)
    }

    #[inline(always)]
    pub(super) fn bytes(&self, place: usize) -> Option<&[u8]> {
        self.bytes.get(place..)
    }

    #[inline(always)]
    pub(super) fn bytes_mut(&mut self, place: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(place..)
    }

    /// Appends a record of `size` bytes; its offset. `total` is what all chunks have.
    #[inline]
    pub(super) fn append(&mut self, score: f64, member: &[u8], size: usize, total: usize) -> usize {
        let place = self.bytes.len();
        if self.bytes.capacity() - place < size {
            self.grow(size, total);
        }
        record::append(&mut self.bytes, score, member, size);
        self.live += size;
        place
    }

    #[cold]
    fn grow(&mut self, size: usize, total: usize) {
        let len = self.bytes.len();
        let wanted = (len + size).max(len + total / GROWTH_PART);
        let wanted = size_class(wanted.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES));
        self.bytes.reserve_exact(wanted - len);
    }

    pub(super) fn twin(&self) -> Self {
        Self {
            bytes: super::super::paged::twin(&self.bytes),
            live: self.live,
        }
    }
}
