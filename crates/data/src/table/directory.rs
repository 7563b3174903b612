//! From a hash to its segment: a root of chunks, a chunk of segments. It moves segments about and
//! never looks into them, but for their depth.
//!
//! Two levels bound the work of growth: doubling copies one chunk of at most 2^10 four-byte
//! entries, or the root, which has one four-byte entry per chunk.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::position::{Position, prefix};
use super::segment::Segment;
use super::slot::{KeyHash, Slot};

/// Bits of a chunk's own directory, at most.
pub(super) const CHUNK_BITS_MAX: u8 = 10;
/// The earliest expiry of a segment without volatile entries.
pub(super) const NEVER_MS: i64 = i64::MAX;

pub(super) struct Directory<E> {
    /// Chunk numbers by hash prefix.
    root: Vec<u32>,
    root_bits: u8,
    chunk_bits_max: u8,
    chunks: Vec<Chunk<E>>,
    segments: usize,
    segment_bytes: usize,
    /// Bytes of the lists that the chunks hold, kept up to date so that nobody walks the chunks.
    list_bytes: usize,
}

/// The segments of one hash prefix.
struct Chunk<E> {
    /// The lowest hash of the chunk's range.
    hash: KeyHash,
    depth: u8,
    bits: u8,
    /// Segments by the `bits` bits behind the first `depth`.
    entries: Vec<DirEntry>,
    segments: Vec<Box<Segment<E>>>,
    /// Per segment, a lower bound of the earliest expiry: a pass over it touches no segment.
    earliest_ms: Vec<i64>,
}

/// What a lookup needs of a segment, so that it reads no header.
#[derive(Clone, Copy)]
struct DirEntry {
    segment: u16,
    depth: u8,
    regular: u8,
}

/// A segment's place in the directory; valid until the directory changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    chunk: u32,
    segment: u16,
    /// Bits that all hashes of the segment share.
    pub(super) depth: u8,
    /// Home buckets of the segment.
    pub(super) regular: u8,
}

impl<E: Slot> Directory<E> {
    pub(super) fn new(chunk_bits_max: u8) -> Self {
        Self {
            root: Vec::new(),
            root_bits: 0,
            chunk_bits_max: chunk_bits_max.clamp(1, CHUNK_BITS_MAX),
            chunks: Vec::new(),
            segments: 0,
            segment_bytes: 0,
            list_bytes: 0,
        }
    }

    /// The segment that owns this hash; `None` only in a table without any segment.
    #[inline(always)]
    pub(super) fn spot(&self, hash: KeyHash) -> Option<Spot> {
        let chunk_at = *self.root.get(prefix(hash, 0, self.root_bits))?;
        let chunk = self.chunks.get(chunk_at as usize)?;
        let entry = chunk.entries.get(prefix(hash, chunk.depth, chunk.bits))?;
        Some(Spot {
            chunk: chunk_at,
            segment: entry.segment,
            depth: entry.depth,
            regular: entry.regular,
        })
    }

    #[inline(always)]
    pub(super) fn segment(&self, spot: Spot) -> &Segment<E> {
        &self.chunks[spot.chunk as usize].segments[usize::from(spot.segment)]
    }

    #[inline(always)]
    pub(super) fn segment_mut(&mut self, spot: Spot) -> &mut Segment<E> {
        &mut self.chunks[spot.chunk as usize].segments[usize::from(spot.segment)]
    }

    pub(super) fn earliest_ms(&self, spot: Spot) -> i64 {
        self.chunks[spot.chunk as usize].earliest_ms[usize::from(spot.segment)]
    }

    pub(super) fn set_earliest_ms(&mut self, spot: Spot, earliest_ms: i64) {
        self.chunks[spot.chunk as usize].earliest_ms[usize::from(spot.segment)] = earliest_ms;
    }

    pub(super) fn earliest_due_ms(&self) -> i64 {
        let all = self.chunks.iter().flat_map(|chunk| &chunk.earliest_ms);
        all.copied().min().unwrap_or(NEVER_MS)
    }

    /// If `here` is the start of the chunk of `spot`: the chunk's depth, its segments, and whether
    /// none of them has anything due by `now_ms`.
    pub(super) fn chunk_at(
        &self,
        spot: Spot,
        here: Position,
        now_ms: i64,
    ) -> Option<(u8, usize, bool)> {
        let chunk = &self.chunks[spot.chunk as usize];
        if Position::of(chunk.hash) != here {
            return None;
        }
        let rests = chunk
            .earliest_ms
            .iter()
            .all(|&earliest_ms| earliest_ms > now_ms);
        Some((chunk.depth, chunk.segments.len(), rests))
    }

    /// Segments.
    pub(super) fn len(&self) -> usize {
        self.segments
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Segment<E>> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.segments.iter().map(|segment| &**segment))
    }

    /// Bytes of segments and directory.
    #[inline]
    pub(super) fn memory_bytes(&self) -> usize {
        self.segment_bytes
            + self.root.capacity() * size_of::<u32>()
            + self.chunks.capacity() * size_of::<Chunk<E>>()
            + self.list_bytes
    }

    /// What [`Self::memory_bytes`] has to be, by a walk over everything.
    pub(super) fn recount_bytes(&self) -> usize {
        let segments = self.iter().map(Segment::block_bytes).sum::<usize>();
        segments
            + self.root.capacity() * size_of::<u32>()
            + self.chunks.capacity() * size_of::<Chunk<E>>()
            + self.chunks.iter().map(Chunk::list_bytes).sum::<usize>()
    }

    /// Makes `segment`, of depth 0, the only segment. Returns the one before.
    pub(super) fn replace_only(
        &mut self,
        segment: Box<Segment<E>>,
        earliest_ms: i64,
    ) -> Option<Box<Segment<E>>> {
        let before = self.chunks.pop().and_then(|mut chunk| chunk.segments.pop());
        self.segments = 1;
        self.segment_bytes = segment.block_bytes();
        self.root.clear();
        self.root.push(0);
        self.root_bits = 0;
        self.chunks.clear();
        let chunk = Chunk::of_one(KeyHash(0), segment, earliest_ms);
        self.list_bytes = chunk.list_bytes();
        self.chunks.push(chunk);
        before
    }

    /// Splits the place of the segment of `hash`: its lower half becomes `left`, its upper half
    /// `right`, both of the depth one further. Returns the segment that was there.
    pub(super) fn split(
        &mut self,
        hash: KeyHash,
        left: (Box<Segment<E>>, i64),
        right: (Box<Segment<E>>, i64),
    ) -> Option<Box<Segment<E>>> {
        let depth = self.spot(hash)?.depth;
        while {
            let spot = self.spot(hash)?;
            let chunk = &self.chunks[spot.chunk as usize];
            depth + 1 - chunk.depth > chunk.bits
        } {
            self.deepen(hash)?;
        }
        self.segments += 1;
        self.segment_bytes += right.0.block_bytes();
        let spot = self.spot(hash)?;
        let chunk = &mut self.chunks[spot.chunk as usize];
        self.list_bytes -= chunk.list_bytes();
        let regular = right.0.regular();
        let old = core::mem::replace(&mut chunk.segments[usize::from(spot.segment)], left.0);
        chunk.earliest_ms[usize::from(spot.segment)] = left.1;
        let right_at = chunk.segments.len() as u16;
        chunk.segments.push(right.0);
        chunk.earliest_ms.push(right.1);
        let range = chunk.range(hash, depth);
        let middle = range.start + range.len() / 2;
        for at in range {
            let segment = if at < middle { spot.segment } else { right_at };
            chunk.entries[at] = DirEntry {
                segment,
                depth: depth + 1,
                regular,
            };
        }
        self.list_bytes += chunk.list_bytes();
        Some(old)
    }

    /// Replaces the two segments of `hash` and its buddy by `merged`, of the depth one less. The
    /// caller has asked `buddies`; without them nothing happens.
    pub(super) fn merge(
        &mut self,
        hash: KeyHash,
        merged: Box<Segment<E>>,
        earliest_ms: i64,
    ) -> Option<()> {
        let (spot, buddy) = self.buddies(hash)?;
        let regular = merged.regular();
        self.segments -= 1;
        self.segment_bytes -= merged.block_bytes();
        let chunk = &mut self.chunks[spot.chunk as usize];
        self.list_bytes -= chunk.list_bytes();
        chunk.segments[usize::from(spot.segment)] = merged;
        chunk.earliest_ms[usize::from(spot.segment)] = earliest_ms;
        for at in chunk.range(hash, spot.depth - 1) {
            chunk.entries[at] = DirEntry {
                segment: spot.segment,
                depth: spot.depth - 1,
                regular,
            };
        }
        chunk.remove_segment(buddy.segment);
        chunk.halve();
        self.list_bytes += chunk.list_bytes();
        self.merge_chunks(hash);
        Some(())
    }

    /// The segment of `hash` and the one that it can merge with.
    pub(super) fn buddies(&self, hash: KeyHash) -> Option<(Spot, Spot)> {
        let spot = self.spot(hash)?;
        let buddy = self.spot(buddy_hash(hash, spot.depth)?)?;
        (buddy.depth == spot.depth && buddy.chunk == spot.chunk).then_some((spot, buddy))
    }

    /// Takes any segment out. Only for tearing the directory down: lookups are over.
    pub(super) fn pop(&mut self) -> Option<Box<Segment<E>>> {
        self.root.clear();
        loop {
            let chunk = self.chunks.last_mut()?;
            self.list_bytes -= chunk.entries.capacity() * size_of::<DirEntry>();
            chunk.entries = Vec::new();
            if let Some(segment) = chunk.segments.pop() {
                self.segments -= 1;
                self.segment_bytes -= segment.block_bytes();
                return Some(segment);
            }
            self.list_bytes -= chunk.list_bytes();
            self.chunks.pop();
        }
    }

    /// A copy. Adds what its entries account for to `bytes`.
    pub(super) fn twin(&self, bytes: &mut usize) -> Self
    where
        E: Clone,
    {
        let mut twin_of = |segment: &Segment<E>| segment.twin(bytes);
        let chunks = self.chunks.iter().map(|chunk| Chunk {
            entries: chunk.entries.clone(),
            segments: chunk.segments.iter().map(|own| twin_of(own)).collect(),
            earliest_ms: chunk.earliest_ms.clone(),
            ..*chunk
        });
        Self {
            chunks: chunks.collect(),
            root: self.root.clone(),
            ..*self
        }
    }

    /// Gives the chunk of `hash` one more bit, by doubling it or by cutting it in two.
    fn deepen(&mut self, hash: KeyHash) -> Option<()> {
        let chunk_at = self.spot(hash)?.chunk as usize;
        let chunk = &mut self.chunks[chunk_at];
        self.list_bytes -= chunk.list_bytes();
        if chunk.bits < self.chunk_bits_max {
            chunk.entries = chunk.entries.iter().flat_map(|&entry| [entry; 2]).collect();
            chunk.bits += 1;
            self.list_bytes += chunk.list_bytes();
            return Some(());
        }
        let right = chunk.cut();
        self.list_bytes += chunk.list_bytes() + right.list_bytes();
        let depth = right.depth;
        if depth > self.root_bits {
            self.root = self.root.iter().flat_map(|&at| [at; 2]).collect();
            self.root_bits += 1;
        }
        let right_at = self.chunks.len() as u32;
        let first = prefix(right.hash, 0, depth) << (self.root_bits - depth);
        let width = 1 << (self.root_bits - depth);
        self.root[first..first + width].fill(right_at);
        self.chunks.push(right);
        Some(())
    }

    /// Joins the chunk of `hash` with its buddy while both are small.
    fn merge_chunks(&mut self, hash: KeyHash) {
        while self.merge_chunk(hash).is_some() {}
        while self.root_bits > 0 && self.chunks.iter().all(|chunk| chunk.depth < self.root_bits) {
            self.root = self.root.iter().copied().step_by(2).collect();
            self.root_bits -= 1;
        }
    }

    fn merge_chunk(&mut self, hash: KeyHash) -> Option<()> {
        let here = self.spot(hash)?.chunk as usize;
        let depth = self.chunks[here].depth;
        let there = self.spot(buddy_hash(hash, depth)?)?.chunk as usize;
        // One bit is left free, so that a split right after the merge does not cut again.
        let bits_max = (self.chunk_bits_max - 1).max(1);
        let bits = self.chunks[here].bits.max(self.chunks[there].bits) + 1;
        if self.chunks[there].depth != depth || bits > bits_max {
            return None;
        }
        let is_left = prefix(hash, depth - 1, 1) == 0;
        let (left_at, right_at) = if is_left {
            (here, there)
        } else {
            (there, here)
        };
        self.rename_chunk(right_at, left_at);
        let right = self.chunks.swap_remove(right_at);
        let moved_from = self.chunks.len();
        self.rename_chunk(moved_from, right_at);
        let left_at = if left_at == moved_from {
            right_at
        } else {
            left_at
        };
        let left = &mut self.chunks[left_at];
        self.list_bytes -= left.list_bytes() + right.list_bytes();
        left.join(right);
        self.list_bytes += left.list_bytes();
        Some(())
    }

    fn rename_chunk(&mut self, from: usize, to: usize) {
        for at in self.root.iter_mut().filter(|at| **at == from as u32) {
            *at = to as u32;
        }
    }
}

impl<E: Slot> Chunk<E> {
    fn of_one(hash: KeyHash, segment: Box<Segment<E>>, earliest_ms: i64) -> Self {
        let entry = DirEntry {
            segment: 0,
            depth: segment.header.depth,
            regular: segment.regular(),
        };
        Self {
            hash,
            depth: segment.header.depth,
            bits: 0,
            entries: [entry].into(),
            segments: [segment].into(),
            earliest_ms: [earliest_ms].into(),
        }
    }

    /// Bytes of the lists.
    fn list_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<DirEntry>()
            + self.segments.capacity() * size_of::<Box<Segment<E>>>()
            + self.earliest_ms.capacity() * size_of::<i64>()
    }

    /// The entries of the segment of `hash` with this depth.
    fn range(&self, hash: KeyHash, depth: u8) -> core::ops::Range<usize> {
        let own_bits = depth - self.depth;
        let width = 1 << (self.bits - own_bits);
        let first = prefix(hash, self.depth, own_bits) * width;
        first..first + width
    }

    /// Takes a segment out that no entry names; the last one takes its number.
    fn remove_segment(&mut self, segment: u16) {
        self.segments.swap_remove(usize::from(segment));
        self.earliest_ms.swap_remove(usize::from(segment));
        let moved_from = self.segments.len() as u16;
        for entry in &mut self.entries {
            if entry.segment == moved_from {
                entry.segment = segment;
            }
        }
    }

    /// Gives up bits that no segment needs.
    fn halve(&mut self) {
        while self.bits > 0
            && self
                .entries
                .iter()
                .all(|entry| entry.depth < self.depth + self.bits)
        {
            self.entries = self.entries.iter().copied().step_by(2).collect();
            self.bits -= 1;
        }
    }

    /// Keeps the lower half and returns the upper. Every segment lies in one of them, because a
    /// chunk is cut only when its deepest segments are deeper than the chunk.
    fn cut(&mut self) -> Self {
        let middle = self.entries.len() / 2;
        self.depth += 1;
        self.bits -= 1;
        let right_entries = self.entries.split_off(middle);
        let right_hash = KeyHash(self.hash.0 | 1 << (64 - u32::from(self.depth)));
        let mut right = Self {
            hash: right_hash,
            depth: self.depth,
            bits: self.bits,
            entries: right_entries,
            segments: Vec::new(),
            earliest_ms: Vec::new(),
        };
        let mut segments: Vec<_> = core::mem::take(&mut self.segments)
            .into_iter()
            .map(Some)
            .collect();
        let earliest_ms = core::mem::take(&mut self.earliest_ms);
        for half in [self, &mut right] {
            half.adopt(&mut segments, &earliest_ms);
            half.halve();
        }
        right
    }

    /// Takes the segments that the entries name and numbers them anew.
    fn adopt(&mut self, segments: &mut [Option<Box<Segment<E>>>], earliest_ms: &[i64]) {
        for at in 0..self.entries.len() {
            let old = usize::from(self.entries[at].segment);
            if let Some(segment) = segments[old].take() {
                self.segments.push(segment);
                self.earliest_ms.push(earliest_ms[old]);
            }
            self.entries[at].segment = (self.segments.len() - 1) as u16;
        }
    }

    /// Appends the buddy to the right.
    fn join(&mut self, mut right: Self) {
        let bits = self.bits.max(right.bits);
        let first = self.segments.len() as u16;
        let widen = |chunk: &Self| -> Vec<DirEntry> {
            let times = 1 << (bits - chunk.bits);
            chunk
                .entries
                .iter()
                .flat_map(|&e| core::iter::repeat_n(e, times))
                .collect()
        };
        let mut entries = widen(self);
        entries.extend(widen(&right).into_iter().map(|entry| DirEntry {
            segment: entry.segment + first,
            ..entry
        }));
        self.entries = entries;
        self.depth -= 1;
        self.bits = bits + 1;
        self.segments.append(&mut right.segments);
        self.earliest_ms.append(&mut right.earliest_ms);
    }
}

/// A hash of the other half of the parent of a range of this depth; the whole range has none.
pub(super) fn buddy_hash(hash: KeyHash, depth: u8) -> Option<KeyHash> {
    (depth > 0).then(|| KeyHash(hash.0 ^ 1 << (64 - u32::from(depth))))
}
