//! A sorted set that is no longer small: an arena of records, a tree that orders them, an index
//! that finds them.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use vk_mem::size_class;

use super::arena::{Arena, Reader};
use super::cut::Cut;
use super::index::{Index, MemberHash};
use super::probe::{Probe, order_of};
use super::tree::Tree;
use super::{Change, LexRange, Member, ScoreRange, ZSetIter, pack};
use crate::bounds::PACK_BYTES_MAX;
use crate::listpack::Listpack;
use crate::num::INT_TEXT_MAX;
use crate::table::{HashSeed, KeyHash};

/// A sorted set in a table and a tree.
///
/// Growth never stalls: an insert splits at most one bucket of the index and one node per level.
/// The same calls with the same seed give the same structure.
pub struct ZSet {
    pub(super) arena: Arena,
    pub(super) tree: Tree,
    pub(super) index: Index,
    /// The cut that reads it, if one does.
    pub(super) cut: Option<Box<Cut>>,
}

/// Records that a removal moves at most, to give idle memory back.
const MOVES_MAX: usize = 4;

/// A removal of many moves one record for this many that are gone: to move one costs more than to
/// remove one.
const REMOVALS_PER_MOVE: usize = 16;

/// Elements whose places in the index are asked for before the first is removed.
const FORGOTTEN_TOGETHER: usize = 32;

/// What freeing one node or bucket counts, in elements.
const PART_ELEMENTS: usize = 8;

impl ZSet {
    /// Without elements. `seed` is the key of the hash index.
    #[must_use]
    pub const fn new(seed: HashSeed) -> Self {
        Self {
            arena: Arena::new(),
            tree: Tree::new(),
            index: Index::new(seed),
            cut: None,
        }
    }

    /// Elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// There is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the value outside of its entry, the structure itself included, rounded to size
    /// classes. Constant time.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_class(size_of::<Self>())
            + self.arena.memory_bytes()
            + self.tree.memory_bytes()
            + self.index.memory_bytes()
    }

    /// Frees about `budget` elements; `true` when nothing is left. The first call ends the value's
    /// life: only this is called afterwards.
    pub fn drop_slice(&mut self, budget: usize) -> bool {
        if !self.cut_stop(budget) {
            return false;
        }
        let mut left = budget.max(1);
        while left > 0 {
            if self.index.drop_one() || self.tree.drop_one() {
                left = left.saturating_sub(PART_ELEMENTS);
            } else {
                match self.arena.drop_some() {
                    Some(records) => left = left.saturating_sub(records),
                    None => return true,
                }
            }
        }
        false
    }

    /// The elements of a listpack.
    pub(super) fn from_pack(seed: HashSeed, pack: Listpack<'_>) -> Self {
        let mut zset = Self::new(seed);
        let mut text = [0; INT_TEXT_MAX];
        let mut items = pack.iter();
        while let (Some(member), Some(score)) = (items.next(), items.next()) {
            let score = pack::score_of(score);
            zset.merge_unordered(member.bytes(&mut text), score, |_| score);
        }
        let order = zset.sorted();
        zset.plant(&order);
        zset
    }

    /// The elements may be a listpack, if the longest member has at most `value_bytes`.
    pub(super) fn fits_pack(&self, order: &[(u64, u32)], value_bytes: usize) -> bool {
        let len_of = |&(_, handle): &(u64, u32)| self.arena.element(handle).1.len();
        let pack_bytes_of = |element| len_of(element) + pack::ELEMENT_OVERHEAD_BYTES;
        order.iter().all(|element| len_of(element) <= value_bytes)
            && order.iter().map(pack_bytes_of).sum::<usize>() <= PACK_BYTES_MAX
    }

    /// The elements as a listpack; `order` is what [`ZSet::sorted`] has given.
    pub(super) fn to_pack(&self, order: &[(u64, u32)]) -> Vec<u8> {
        pack::build(order.iter().map(|&(_, handle)| {
            let (score, member) = self.arena.element(handle);
            (member, score)
        }))
    }

    #[inline]
    fn find(&self, member: &[u8]) -> Option<(MemberHash, u32)> {
        let hash = self.index.hash(member);
        let handle = self.index.find(&self.arena, hash, member)?;
        Some((hash, handle))
    }

    /// The hash key.
    #[inline]
    pub(crate) const fn seed(&self) -> HashSeed {
        self.index.seed()
    }

    /// The score of a member whose hash is known.
    #[inline]
    pub(crate) fn score_hashed(&self, hash: KeyHash, member: &[u8]) -> Option<f64> {
        let handle = self
            .index
            .find(&self.arena, MemberHash::from(hash), member)?;
        Some(self.arena.element(handle).0)
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        let (_, handle) = self.find(member)?;
        Some(self.arena.element(handle).0)
    }

    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        let behind = self.tree.rank(&self.arena, &Probe::behind(score, member));
        Some((behind.checked_sub(1)?, score))
    }

    pub(super) fn score_ranks(&self, range: &ScoreRange) -> Range<usize> {
        let start = self.tree.rank(&self.arena, &Probe::start_of(range));
        let end = self.tree.rank(&self.arena, &Probe::end_of(range));
        start..end
    }

    pub(super) fn lex_ranks(&self, range: &LexRange<'_>) -> Range<usize> {
        let start = self.tree.rank(&self.arena, &Probe::lex_start_of(range));
        let end = self.tree.rank(&self.arena, &Probe::lex_end_of(range));
        start..end
    }

    pub(super) fn iter_from_rank(&self, rank: usize, reverse: bool) -> ZSetIter<'_> {
        ZSetIter::of_structure(self, rank, reverse)
    }

    /// See [`Tree::leaf_at`].
    pub(super) fn leaf_at(&self, rank: usize) -> (&[u64], usize) {
        self.tree.leaf_at(rank)
    }

    #[inline]
    pub(super) fn element(&self, handle: u32) -> (f64, &[u8]) {
        self.arena.element(handle)
    }

    #[inline]
    pub(super) fn prefetch(&self, handle: u32) {
        self.arena.prefetch(handle);
    }

    /// See [`Arena::reader`].
    #[inline]
    pub(super) const fn reader(&self) -> Reader<'_> {
        self.arena.reader()
    }

    /// See [`Arena::is_far`].
    #[inline]
    pub(super) const fn is_far(&self) -> bool {
        self.arena.is_far()
    }

    pub(super) fn scan(
        &self,
        cursor: u64,
        items_min: usize,
        visit: &mut (impl FnMut(Member<'_>, f64) + ?Sized),
    ) -> u64 {
        self.index.scan(cursor, items_min, &mut |handle| {
            let (score, member) = self.arena.element(handle);
            visit(Member::Bytes(member), score);
        })
    }

    /// See [`super::ZSetMut::update`].
    pub(super) fn update(
        &mut self,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Change {
        let hash = self.index.hash(member);
        let Some(handle) = self.index.find(&self.arena, hash, member) else {
            let Some(score) = decide(None).filter(|score| !score.is_nan()) else {
                return Change::Skipped;
            };
            self.touch(member, None);
            let handle = self.arena.add(score, member);
            self.index.insert(&self.arena, hash, handle);
            self.tree.insert(&self.arena, handle);
            return Change::Added;
        };
        let before = self.arena.element(handle).0;
        let Some(score) = decide(Some(before)).filter(|score| !score.is_nan()) else {
            return Change::Skipped;
        };
        if score == before {
            return Change::Same;
        }
        self.touch(member, Some(before));
        if self.tree.shift(&self.arena, handle, score) {
            self.arena.set_score(handle, score);
        } else {
            self.tree.remove(&self.arena, handle);
            self.arena.set_score(handle, score);
            self.tree.insert(&self.arena, handle);
        }
        Change::Updated
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let (hash, handle) = self.find(member)?;
        let score = self.arena.element(handle).0;
        self.touch(member, Some(score));
        self.tree.remove(&self.arena, handle);
        self.index.remove(hash, handle);
        self.arena.remove(handle);
        self.tidy(MOVES_MAX);
        Some(score)
    }

    /// Removes the elements of those ranks; `each` sees them in order, or against it with
    /// `reverse`. Returns how many there were.
    pub(super) fn remove_ranks(
        &mut self,
        ranks: Range<usize>,
        reverse: bool,
        each: &mut (impl FnMut(Member<'_>, f64) + ?Sized),
    ) -> usize {
        let end = ranks.end.min(self.len());
        let total = end.saturating_sub(ranks.start);
        let mut left = total;
        while left > 0 {
            let (start, count) = if reverse {
                // As many as the leaf of the last one has.
                let (_, place) = self.tree.leaf_at(ranks.start + left - 1);
                let count = left.min(place + 1);
                (ranks.start + left - count, count)
            } else {
                (ranks.start, left)
            };
            let mut taken = self.tree.take(&self.arena, start, count);
            let handles = taken.handles_mut();
            if handles.is_empty() {
                break;
            }
            left = left.saturating_sub(handles.len());
            if reverse {
                handles.reverse();
            }
            self.forget(handles, each);
        }
        // Only now, when chunks are emptier, and few: what is left to do is done by later removals.
        self.tidy((total / REMOVALS_PER_MOVE).max(MOVES_MAX));
        total - left
    }

    /// Removes elements that are no longer in the tree.
    fn forget(&mut self, handles: &[u32], each: &mut (impl FnMut(Member<'_>, f64) + ?Sized)) {
        for &handle in handles {
            self.arena.prefetch(handle);
        }
        let mut hashes = [MemberHash::default(); FORGOTTEN_TOGETHER];
        for handles in handles.chunks(FORGOTTEN_TOGETHER) {
            for (hash, &handle) in hashes.iter_mut().zip(handles) {
                *hash = self.index.hash(self.arena.element(handle).1);
                self.index.prefetch_header(*hash);
            }
            if handles.len() > 1 {
                for &hash in hashes.iter().take(handles.len()) {
                    self.index.prefetch(hash);
                }
            }
            for (&hash, &handle) in hashes.iter().zip(handles) {
                let (score, member) = self.arena.element(handle);
                each(Member::Bytes(member), score);
                if let Some(cut) = &mut self.cut {
                    cut.touch(member, Some(score));
                }
                self.index.remove(hash, handle);
                self.arena.remove(handle);
            }
        }
    }

    /// Moves up to `moves` records out of a chunk that is mostly idle.
    fn tidy(&mut self, moves: usize) {
        for _ in 0..moves {
            let Some(from) = self.arena.next_to_move() else {
                return;
            };
            let (score, member) = self.arena.element(from);
            let hash = self.index.hash(member);
            let member: Box<[u8]> = member.into();
            let to = self.arena.add(score, &member);
            self.tree.replace(&self.arena, from, to);
            self.index.replace(hash, from, to);
            self.arena.remove(from);
        }
    }

    /// As [`super::ZSetBuilder::merge`]: the tree does not hear of it.
    pub(super) fn merge_unordered(
        &mut self,
        member: &[u8],
        score: f64,
        combine: impl FnOnce(f64) -> f64,
    ) -> bool {
        let number = |score: f64| if score.is_nan() { 0.0 } else { score };
        let hash = self.index.hash(member);
        if let Some(handle) = self.index.find(&self.arena, hash, member) {
            let before = self.arena.element(handle).0;
            self.arena.set_score(handle, number(combine(before)));
            return false;
        }
        let handle = self.arena.add(number(score), member);
        self.index.insert(&self.arena, hash, handle);
        true
    }

    /// Adds a member that is not there and whose hash is known: the tree does not hear of it.
    pub(super) fn insert_unordered(&mut self, hash: KeyHash, member: &[u8], score: f64) {
        let handle = self.arena.add(score, member);
        self.index
            .insert(&self.arena, MemberHash::from(hash), handle);
    }

    /// As [`ZSet::remove`]: the tree does not hear of it.
    pub(super) fn remove_unordered(&mut self, member: &[u8]) -> Option<f64> {
        let (hash, handle) = self.find(member)?;
        let score = self.arena.element(handle).0;
        self.index.remove(hash, handle);
        self.arena.remove(handle);
        Some(score)
    }

    /// The orders and handles of all elements, in order.
    pub(super) fn sorted(&self) -> Vec<(u64, u32)> {
        let mut order = Vec::with_capacity(self.len());
        self.arena
            .for_each(&mut |handle| order.push((order_of(self.arena.element(handle).0), handle)));
        order.sort_unstable_by(|one, other| {
            let member = |handle| self.arena.element(handle).1;
            let by_order = one.0.cmp(&other.0);
            by_order.then_with(|| member(one.1).cmp(member(other.1)))
        });
        order
    }

    /// Makes the tree; `order` is what [`ZSet::sorted`] has given.
    pub(super) fn plant(&mut self, order: &[(u64, u32)]) {
        self.tree.plant(&self.arena, order);
    }
}

impl Clone for ZSet {
    /// Linear, and with the same memory.
    fn clone(&self) -> Self {
        Self {
            arena: self.arena.twin(),
            tree: self.tree.twin(),
            index: self.index.twin(),
            cut: None,
        }
    }
}

impl fmt::Debug for ZSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZSet").field("len", &self.len()).finish()
    }
}
