//! The records of the members: score, length, bytes. A record has a handle of 32 bits, so that the
//! tree and the index need four bytes for an element. Not their order, and not how they are found.
//!
//! Records lie in chunks of up to 64 KiB, in units of four bytes; what is freed is used again for
//! records of exactly that size. When too much lies idle, because the sizes have changed or the
//! sorted set has shrunk, the emptiest chunk is evacuated a few records at a time.

mod chunk;
mod free;
mod large;

use chunk::{CHUNK_BYTES, Chunk};
use free::{Block, FreeLists, NO_BLOCK};
use large::Large;

use super::paged::Paged;

/// Handles are multiples of this many bytes.
const GRANULE: usize = 4;
/// Bits of the place in a chunk, in granules.
const PLACE_BITS: u32 = (CHUNK_BYTES / GRANULE).ilog2();
/// Handles with this bit are of large records.
const LARGE: u32 = 1 << 31;
/// Chunks that handles can name.
const CHUNKS_MAX: usize = 1 << (31 - PLACE_BITS);
/// Longer records have their own memory.
const SMALL_BYTES_MAX: usize = 4096;
/// Records of no more bytes are read in a row, or are near already: fetching them ahead would cost
/// as much as reading them.
const NEAR_BYTES_MAX: usize = 32 * 1024;
/// Idle bytes that are not worth an evacuation.
const IDLE_BYTES_MIN: usize = CHUNK_BYTES / 8;

/// The records of one sorted set.
pub(super) struct Arena {
    chunks: Paged<Chunk>,
    /// Numbers of chunks that have no memory.
    vacant: alloc::vec::Vec<u32>,
    /// The chunk in which new records are put.
    current: Option<u32>,
    /// The chunk that is being evacuated, and where the search for records goes on in it.
    victim: Option<(u32, usize)>,
    free: FreeLists,
    large: Large,
    /// Bytes of chunks in use by records or freed ones, and by records alone.
    used: usize,
    live: usize,
    /// Size classes of the chunks' memory.
    chunk_bytes: usize,
}

impl Arena {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Paged::new(),
            vacant: alloc::vec::Vec::new(),
            current: None,
            victim: None,
            free: FreeLists::new(),
            large: Large::new(),
            used: 0,
            live: 0,
            chunk_bytes: 0,
        }
    }

    /// Bytes that the records occupy, with all that is idle.
    pub(super) fn memory_bytes(&self) -> usize {
        self.chunk_bytes
            + self.chunks.bytes()
            + super::paged::bytes_of(&self.vacant)
            + self.free.bytes()
            + self.large.bytes()
    }

    /// Score and member of a record.
    #[inline]
    pub(super) fn element(&self, handle: u32) -> (f64, &[u8]) {
        record::read(self.bytes_at(handle)).unwrap_or_default()
    }

    /// Hints that the record is about to be read, where that is likely to help.
    #[inline]
    pub(super) fn prefetch(&self, handle: u32) {
        if self.is_far()
            && let Some(byte) = self.bytes_at(handle).first()
        {
            vk_mem::prefetch_read(byte);
        }
    }

    /// To fetch records ahead is likely to help.
    #[inline]
    pub(super) const fn is_far(&self) -> bool {
        self.chunk_bytes > NEAR_BYTES_MAX
    }

    /// For reading one record after the other.
    #[inline]
    pub(super) const fn reader(&self) -> Reader<'_> {
        Reader {
            arena: self,
            number: u32::MAX,
            bytes: &[],
        }
    }

    /// Writes the score of a record.
    pub(super) fn set_score(&mut self, handle: u32, score: f64) {
        let bytes = if handle & LARGE != 0 {
            self.large.at_mut(handle ^ LARGE)
        } else {
            let (chunk, place) = place_of(handle);
            let chunk = self.chunks.at_mut(chunk as usize);
            chunk.and_then(|chunk| chunk.bytes_mut(place))
        };
        record::write_score(bytes.unwrap_or_default(), score);
    }

    /// A new record; its handle.
    pub(super) fn add(&mut self, score: f64, member: &[u8]) -> u32 {
        let size = record::size(member.len());
        if size <= SMALL_BYTES_MAX
            && let Some(handle) = self.add_small(score, member, size)
        {
            return handle;
        }
        LARGE | self.large.add(record::own(score, member))
    }

    fn add_small(&mut self, score: f64, member: &[u8], size: usize) -> Option<u32> {
        if let Some(handle) = self.free.head(size) {
            let (number, place) = place_of(handle);
            self.unlink(handle);
            let chunk = self.chunks.at_mut(number as usize)?;
            record::write(chunk.bytes_mut(place)?, score, member);
            chunk.live += size;
            self.live += size;
            return Some(handle);
        }
        let number = self.chunk_for(size)?;
        let total = self.used;
        let chunk = self.chunks.at_mut(number as usize)?;
        let before = chunk.memory_bytes();
        let place = chunk.append(score, member, size, total);
        self.chunk_bytes = self.chunk_bytes - before + chunk.memory_bytes();
        self.used += size;
        self.live += size;
        Some(number << PLACE_BITS | (place / GRANULE) as u32)
    }

    /// The chunk with room for `size` bytes at its end; none if no further chunk can be named.
    fn chunk_for(&mut self, size: usize) -> Option<u32> {
        if let Some(current) = self.current
            && let Some(chunk) = self.chunks.at(current as usize)
            && chunk.len() + size <= CHUNK_BYTES
        {
            return Some(current);
        }
        let number = match self.vacant.pop() {
            Some(number) => number,
            None if self.chunks.len() < CHUNKS_MAX => {
                self.chunks.push(Chunk::new());
                (self.chunks.len() - 1) as u32
            }
            None => return None,
        };
        self.current = Some(number);
        Some(number)
    }

    /// Frees a record.
    pub(super) fn remove(&mut self, handle: u32) {
        if handle & LARGE != 0 {
            self.large.remove(handle ^ LARGE);
            return;
        }
        let size = record::size(self.element(handle).1.len());
        let (number, place) = place_of(handle);
        let Some(chunk) = self.chunks.at_mut(number as usize) else {
            return;
        };
        chunk.live -= size;
        self.live -= size;
        let is_victim = self.victim.is_some_and(|(victim, _)| victim == number);
        if chunk.live == 0 {
            self.release(number, is_victim, handle);
            return;
        }
        let mut block = Block::alone(size);
        if !is_victim {
            block.next = self.free.push(size, handle);
        }
        if let Some(bytes) = chunk.bytes_mut(place) {
            block.write(bytes);
        }
        if block.next != NO_BLOCK {
            self.edit_block(block.next, |next| next.prev = handle);
        }
    }

    /// Gives the memory of a chunk back whose last record, `last`, has just been freed.
    fn release(&mut self, number: u32, is_victim: bool, last: u32) {
        if is_victim {
            self.victim = None;
        } else {
            // Its place has to read as a freed one for the walk.
            let size = record::size(self.element(last).1.len());
            let place = place_of(last).1;
            let chunk = self.chunks.at_mut(number as usize);
            if let Some(bytes) = chunk.and_then(|chunk| chunk.bytes_mut(place)) {
                Block::alone(size).write(bytes);
            }
            self.unlink_chunk(number, Some(last));
        }
        if let Some(chunk) = self.chunks.at_mut(number as usize) {
            self.used -= chunk.len();
            self.chunk_bytes -= chunk.memory_bytes();
            *chunk = Chunk::new();
            self.vacant.push(number);
        }
        if self.current == Some(number) {
            self.current = None;
        }
        if self.used == 0 {
            self.chunks = Paged::new();
            self.vacant = alloc::vec::Vec::new();
        }
    }

    /// Takes the freed places of a chunk, but for `except`, out of their lists.
    fn unlink_chunk(&mut self, number: u32, except: Option<u32>) {
        let mut place = 0;
        while let Some(bytes) = self
            .chunks
            .at(number as usize)
            .and_then(|chunk| chunk.bytes(place))
            && !bytes.is_empty()
        {
            let handle = number << PLACE_BITS | (place / GRANULE) as u32;
            match Block::read(bytes) {
                Some(block) => {
                    if except != Some(handle) {
                        self.unlink(handle);
                    }
                    place += block.size;
                }
                None => place += record::size(self.element(handle).1.len()),
            }
        }
    }

    /// Takes a freed place out of its list.
    fn unlink(&mut self, handle: u32) {
        let Some(block) = Block::read(self.bytes_at(handle)) else {
            return;
        };
        if block.prev == NO_BLOCK {
            self.free.set_head(block.size, block.next);
        } else {
            self.edit_block(block.prev, |prev| prev.next = block.next);
        }
        if block.next != NO_BLOCK {
            self.edit_block(block.next, |next| next.prev = block.prev);
        }
    }

    fn edit_block(&mut self, handle: u32, edit: impl FnOnce(&mut Block)) {
        let (chunk, place) = place_of(handle);
        let chunk = self.chunks.at_mut(chunk as usize);
        if let Some(bytes) = chunk.and_then(|chunk| chunk.bytes_mut(place))
            && let Some(mut block) = Block::read(bytes)
        {
            edit(&mut block);
            block.write(bytes);
        }
    }

    /// The next record that has to be moved (by adding it anew and removing it) so that idle memory
    /// can be given back; none if there is nothing to be done.
    pub(super) fn next_to_move(&mut self) -> Option<u32> {
        if self.victim.is_none() {
            let idle = self.used - self.live;
            if idle <= IDLE_BYTES_MIN + self.used / 4 {
                return None;
            }
            self.choose_victim();
        }
        let (number, mut place) = self.victim?;
        loop {
            let chunk = self.chunks.at(number as usize)?;
            let bytes = chunk.bytes(place).filter(|bytes| !bytes.is_empty());
            let Some(bytes) = bytes else {
                // Every record has been handed out and moved, or the chunk would not be here.
                self.victim = None;
                return None;
            };
            let handle = number << PLACE_BITS | (place / GRANULE) as u32;
            if let Some(block) = Block::read(bytes) {
                place += block.size;
                continue;
            }
            self.victim = Some((number, place));
            return Some(handle);
        }
    }

    /// Starts the evacuation of the chunk with the most idle bytes.
    fn choose_victim(&mut self) {
        let emptiest = self
            .chunks
            .iter()
            .enumerate()
            .max_by_key(|(_, chunk)| chunk.len() - chunk.live);
        let Some((number, _)) = emptiest else {
            return;
        };
        let number = number as u32;
        self.unlink_chunk(number, None);
        self.victim = Some((number, 0));
        if self.current == Some(number) {
            self.current = None;
        }
    }

    /// Handles of all records, chunk by chunk.
    pub(super) fn for_each(&self, visit: &mut impl FnMut(u32)) {
        for (number, chunk) in self.chunks.iter().enumerate() {
            let mut place = 0;
            while let Some(bytes) = chunk.bytes(place)
                && !bytes.is_empty()
            {
                match Block::read(bytes) {
                    Some(block) => place += block.size,
                    None => {
                        visit((number as u32) << PLACE_BITS | (place / GRANULE) as u32);
                        let member = record::read(bytes).unwrap_or_default().1;
                        place += record::size(member.len());
                    }
                }
            }
        }
        self.large.for_each(&mut |slot| visit(LARGE | slot));
    }

    /// Drops one chunk or large record; how many records about that were, or none if all is gone.
    pub(super) fn drop_some(&mut self) -> Option<usize> {
        if let Some(chunk) = self.chunks.pop() {
            drop(chunk);
            // One call to the allocator, whatever is in it.
            return Some(16);
        }
        self.large.drop_one().then_some(1)
    }

    #[inline(always)]
    fn bytes_at(&self, handle: u32) -> &[u8] {
        let bytes = if handle & LARGE != 0 {
            self.large.at(handle ^ LARGE)
        } else {
            let (chunk, place) = place_of(handle);
            self.chunks
                .at(chunk as usize)
                .and_then(|chunk| chunk.bytes(place))
        };
        bytes.unwrap_or_default()
    }

    /// A copy in which every record has the same handle.
    pub(super) fn twin(&self) -> Self {
        Self {
            chunks: self.chunks.twin_with(Chunk::twin),
            vacant: super::paged::twin(&self.vacant),
            current: self.current,
            victim: self.victim,
            free: self.free.twin(),
            large: self.large.twin(),
            ..*self
        }
    }
}

/// Reads records; those that lie in the same chunk as the one before are found faster.
pub(super) struct Reader<'a> {
    arena: &'a Arena,
    /// The chunk that was read last, and what is in it.
    number: u32,
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// As [`Arena::element`].
    #[inline(always)]
    pub(super) fn element(&mut self, handle: u32) -> (f64, &'a [u8]) {
        let (number, place) = place_of(handle);
        if number != self.number {
            // That of a large record is no chunk's number.
            if handle & LARGE != 0 {
                return self.arena.element(handle);
            }
            let chunk = self.arena.chunks.at(number as usize);
            self.bytes = chunk.and_then(|chunk| chunk.bytes(0)).unwrap_or_default();
            self.number = number;
        }
        let record = self.bytes.get(place..).and_then(record::read);
        record.unwrap_or_default()
    }
}

/// The number of the chunk, and the offset in it in bytes.
#[inline(always)]
const fn place_of(handle: u32) -> (u32, usize) {
    let place = (handle & ((1 << PLACE_BITS) - 1)) as usize;
    (handle >> PLACE_BITS, place * GRANULE)
}

/// How a record lies in its bytes.
mod record;

#[cfg(test)]
mod tests;
