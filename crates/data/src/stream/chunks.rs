//! A sorted sequence in chunks: nodes, pending entries, names. It knows positions, not keys; the
//! order is the business of the user.
//!
//! A log appends at the end and drops at the start, so chunks are rings, full but for the last.
//! No chunk is larger than [`ITEMS_MAX`] items, so that neither growth nor a change in the middle
//! moves much.

use alloc::collections::VecDeque;
use core::cmp::Ordering;

use vk_mem::size_class;

/// Items of a chunk, at most.
const ITEMS_MAX: usize = 256;
/// Room of a chunk that comes behind a full one.
const ITEMS_NEXT: usize = 32;
/// Less room than this is not given back.
const ROOM_KEPT: usize = 8;

/// A sequence of `T`.
#[derive(Debug)]
pub(super) struct Chunks<T> {
    chunks: VecDeque<VecDeque<T>>,
    len: usize,
    heap_bytes: usize,
}

/// The place of an item, or of one to be inserted; valid until something is inserted or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    chunk: usize,
    item: usize,
}

impl<T> Chunks<T> {
    pub(super) const fn new() -> Self {
        Self {
            chunks: VecDeque::new(),
            len: 0,
            heap_bytes: 0,
        }
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the sequence itself, rounded to size classes; not what its items own.
    #[inline]
    pub(super) const fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    /// The place of the item for which `order` (the item compared with what is wanted) is equal,
    /// or else the place where it belongs.
    #[inline]
    pub(super) fn search(&self, mut order: impl FnMut(&T) -> Ordering) -> Result<At, At> {
        let Some(last) = self.chunks.back() else {
            return Err(At { chunk: 0, item: 0 });
        };
        // What is new belongs at the end.
        if last.back().is_none_or(|item| order(item).is_lt()) {
            let (chunk, item) = (self.chunks.len().saturating_sub(1), last.len());
            return Err(At { chunk, item });
        }
        let starts_before = |chunk: &VecDeque<T>| chunk.front().is_some_and(|i| order(i).is_le());
        let chunk = self.chunks.partition_point(starts_before).saturating_sub(1);
        let found = self
            .chunks
            .get(chunk)
            .map_or(Err(0), |c| c.binary_search_by(order));
        match found {
            Ok(item) => Ok(At { chunk, item }),
            Err(item) => Err(At { chunk, item }),
        }
    }

    #[inline]
    pub(super) fn get(&self, at: At) -> Option<&T> {
        self.chunks.get(at.chunk)?.get(at.item)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: At) -> Option<&mut T> {
        self.chunks.get_mut(at.chunk)?.get_mut(at.item)
    }

    #[inline]
    pub(super) fn first(&self) -> Option<&T> {
        self.chunks.front()?.front()
    }

    #[inline]
    pub(super) fn last(&self) -> Option<&T> {
        self.chunks.back()?.back()
    }

    #[inline]
    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.chunks.back_mut()?.back_mut()
    }

    /// The place of the first item.
    pub(super) const fn begin(&self) -> At {
        At { chunk: 0, item: 0 }
    }

    /// The place of the last item.
    pub(super) fn end(&self) -> Option<At> {
        let chunk = self.chunks.len().checked_sub(1)?;
        let item = self.chunks.back()?.len().checked_sub(1)?;
        Some(At { chunk, item })
    }

    /// The place after `at`; one that lies behind a chunk's items is that of the next one's first.
    pub(super) fn next(&self, at: At) -> At {
        self.settle(At {
            chunk: at.chunk,
            item: at.item.saturating_add(1),
        })
    }

    /// The same place, by the name that [`Self::get`] knows.
    pub(super) fn settle(&self, at: At) -> At {
        match self.chunks.get(at.chunk) {
            Some(chunk) if at.item >= chunk.len() => At {
                chunk: at.chunk.saturating_add(1),
                item: 0,
            },
            _ => at,
        }
    }

    /// The place before `at`.
    pub(super) fn prev(&self, at: At) -> Option<At> {
        if let Some(item) = at.item.checked_sub(1) {
            return Some(At { item, ..at });
        }
        let chunk = at.chunk.checked_sub(1)?;
        let item = self.chunks.get(chunk)?.len().checked_sub(1)?;
        Some(At { chunk, item })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// The items from `at` on.
    pub(super) fn iter_from(&self, at: At) -> impl Iterator<Item = &T> {
        let first = self.chunks.get(at.chunk);
        let first = first
            .into_iter()
            .flat_map(move |c| c.range(at.item.min(c.len())..));
        let behind = at.chunk.saturating_add(1).min(self.chunks.len());
        first.chain(self.chunks.range(behind..).flatten())
    }

    /// Puts an item where [`Self::search`] says it belongs.
    #[inline]
    pub(super) fn insert(&mut self, at: At, item: T) {
        let at = self.with_room(at);
        if let Some(chunk) = self.chunks.get_mut(at.chunk) {
            let before = chunk_bytes(chunk);
            make_room(chunk, 1, ITEMS_MAX);
            chunk.insert(at.item, item);
            self.heap_bytes = self.heap_bytes - before + chunk_bytes(chunk);
            self.len += 1;
        }
    }

    /// Puts an item behind the last one.
    #[inline]
    pub(super) fn push(&mut self, item: T) {
        let at = match self.chunks.back() {
            None => At { chunk: 0, item: 0 },
            Some(last) => At {
                chunk: self.chunks.len().saturating_sub(1),
                item: last.len(),
            },
        };
        self.insert(at, item);
    }

    /// Takes the item at `at` out.
    pub(super) fn remove(&mut self, at: At) -> Option<T> {
        let chunk = self.chunks.get_mut(at.chunk)?;
        let item = chunk.remove(at.item)?;
        self.len -= 1;
        if chunk.is_empty() {
            self.remove_chunk(at.chunk);
        } else if chunk.len() < chunk.capacity() / 4 {
            self.thin(at.chunk);
        }
        Some(item)
    }

    /// Takes the last item out.
    pub(super) fn pop(&mut self) -> Option<T> {
        let at = self.end()?;
        self.remove(at)
    }

    /// Drops the last chunk; returns how many items it had, or `None` if nothing is left.
    pub(super) fn drop_chunk(&mut self) -> Option<usize> {
        let last = self.chunks.len().checked_sub(1)?;
        let items = self.chunks.get(last).map_or(0, VecDeque::len);
        self.remove_chunk(last);
        self.len -= items;
        Some(items)
    }

    /// Makes a place where one more item fits: a full chunk is divided, or one is added.
    fn with_room(&mut self, at: At) -> At {
        let chunks = self.chunks.len();
        let Some(chunk) = self.chunks.get_mut(at.chunk) else {
            self.add_chunk(at.chunk, VecDeque::new());
            return At { item: 0, ..at };
        };
        if chunk.len() < ITEMS_MAX {
            return at;
        }
        let behind = at.chunk.saturating_add(1);
        if at.item >= ITEMS_MAX && behind == chunks {
            self.add_chunk(behind, VecDeque::with_capacity(ITEMS_NEXT));
            return At {
                chunk: behind,
                item: 0,
            };
        }
        let before = chunk_bytes(chunk);
        let upper = chunk.split_off(ITEMS_MAX / 2);
        self.heap_bytes = self.heap_bytes - before + chunk_bytes(chunk);
        self.add_chunk(behind, upper);
        match at.item.checked_sub(ITEMS_MAX / 2) {
            Some(item) => At {
                chunk: behind,
                item,
            },
            None => at,
        }
    }

    /// Merges a chunk that has few items left with a neighbour, or gives room back.
    #[cold]
    fn thin(&mut self, at: usize) {
        let len = |at: usize| self.chunks.get(at).map_or(ITEMS_MAX, VecDeque::len);
        let own = len(at);
        let (left, right) = (at.checked_sub(1), at.saturating_add(1));
        if let Some(left) = left.filter(|left| len(*left) + own <= ITEMS_MAX / 2) {
            self.merge(left);
        } else if len(right) + own <= ITEMS_MAX / 2 {
            self.merge(at);
        } else if let Some(chunk) = self.chunks.get_mut(at) {
            self.heap_bytes -= chunk_bytes(chunk);
            give_back(chunk);
            self.heap_bytes += chunk_bytes(chunk);
        }
    }

    /// Appends the chunk behind `at` to that one.
    fn merge(&mut self, at: usize) {
        let Some(mut right) = self.remove_chunk(at.saturating_add(1)) else {
            return;
        };
        if let Some(chunk) = self.chunks.get_mut(at) {
            self.heap_bytes -= chunk_bytes(chunk);
            make_room(chunk, right.len(), ITEMS_MAX);
            chunk.append(&mut right);
            self.heap_bytes += chunk_bytes(chunk);
        }
    }

    fn add_chunk(&mut self, at: usize, chunk: VecDeque<T>) {
        self.heap_bytes += chunk_bytes(&chunk);
        self.heap_bytes -= chunk_bytes(&self.chunks);
        make_room(&mut self.chunks, 1, usize::MAX);
        self.chunks.insert(at, chunk);
        self.heap_bytes += chunk_bytes(&self.chunks);
    }

    fn remove_chunk(&mut self, at: usize) -> Option<VecDeque<T>> {
        let chunk = self.chunks.remove(at)?;
        self.heap_bytes -= chunk_bytes(&chunk) + chunk_bytes(&self.chunks);
        if self.chunks.len() < self.chunks.capacity() / 4 {
            give_back(&mut self.chunks);
        }
        self.heap_bytes += chunk_bytes(&self.chunks);
        Some(chunk)
    }
}

impl<T: Clone> Clone for Chunks<T> {
    fn clone(&self) -> Self {
        let chunks = self.chunks.clone();
        let inner: usize = chunks.iter().map(chunk_bytes).sum();
        Self {
            heap_bytes: inner + chunk_bytes(&chunks),
            len: self.len,
            chunks,
        }
    }
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[inline]
fn chunk_bytes<U>(chunk: &VecDeque<U>) -> usize {
    size_class(chunk.capacity() * size_of::<U>())
}

/// Room for `more` items, by doubling from one on: most streams are small.
#[inline]
fn make_room<U>(chunk: &mut VecDeque<U>, more: usize, max: usize) {
    let (len, room) = (chunk.len(), chunk.capacity());
    if room - len < more {
        let wanted = room.saturating_mul(2).min(max).max(len + more);
        chunk.reserve_exact(wanted - len);
    }
}

/// Halves the room.
fn give_back<U>(chunk: &mut VecDeque<U>) {
    let room = chunk.capacity();
    if room > ROOM_KEPT {
        chunk.shrink_to(room / 2);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{Chunks, chunk_bytes};

    fn check(chunks: &Chunks<u32>, model: &[u32]) {
        assert_eq!(chunks.len(), model.len());
        assert_eq!(chunks.iter().copied().collect::<Vec<_>>(), model);
        let inner: usize = chunks.chunks.iter().map(chunk_bytes).sum();
        assert_eq!(chunks.heap_bytes(), inner + chunk_bytes(&chunks.chunks));
        assert_eq!(chunks.last(), model.last());
        assert_eq!(chunks.first(), model.first());
    }

    fn step(chunks: &mut Chunks<u32>, model: &mut Vec<u32>, remove: bool, value: u32) {
        let found = chunks.search(|item| item.cmp(&value));
        let expected = model.binary_search(&value);
        assert_eq!(found.is_ok(), expected.is_ok());
        match (found, expected, remove) {
            (Ok(at), Ok(index), true) => {
                assert_eq!(chunks.remove(at), Some(value));
                model.remove(index);
            }
            (Err(at), Err(index), false) => {
                chunks.insert(at, value);
                model.insert(index, value);
            }
            (Ok(at), Ok(index), false) => {
                assert_eq!(chunks.get(at), Some(&value));
                let rest: Vec<u32> = chunks.iter_from(at).copied().collect();
                assert_eq!(Some(&*rest), model.get(index..));
                let next = model.get(index.saturating_add(1));
                assert_eq!(chunks.get(chunks.next(at)), next);
                let before = index.checked_sub(1).and_then(|index| model.get(index));
                assert_eq!(chunks.prev(at).and_then(|at| chunks.get(at)), before);
            }
            (Err(at), Err(index), true) => {
                assert_eq!(chunks.get(chunks.settle(at)), model.get(index));
            }
            _ => {}
        }
    }

    #[test]
    fn a_log_appends_at_the_end_and_drops_at_the_start() {
        let mut chunks = Chunks::new();
        for value in 0..10_000_u32 {
            chunks.push(value);
            if value >= 1000 {
                assert_eq!(chunks.remove(chunks.begin()), Some(value - 1000));
            }
        }
        let model: Vec<u32> = (9000..10_000).collect();
        check(&chunks, &model);
        check(&chunks.clone(), &model);
        while chunks.pop().is_some() {}
        check(&chunks, &[]);
        assert!(chunks.heap_bytes() <= 256, "{}", chunks.heap_bytes());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn equals_a_sorted_vector(
            steps in prop::collection::vec((any::<bool>(), 0..3000_u32), 0..4000),
            fill in 0..3000_u32,
        ) {
            let mut chunks = Chunks::new();
            let mut model = Vec::new();
            for value in 0..fill {
                step(&mut chunks, &mut model, false, value);
            }
            for (remove, value) in &steps {
                step(&mut chunks, &mut model, *remove, *value);
            }
            check(&chunks, &model);
            for value in 0..3000 {
                if value % 16 != 0 {
                    step(&mut chunks, &mut model, true, value);
                }
            }
            check(&chunks, &model);
            let items: usize = core::iter::from_fn(|| chunks.drop_chunk()).sum();
            prop_assert_eq!(items, model.len());
        }
    }
}
