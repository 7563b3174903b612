//! Finding members: linear hashing over small dense buckets of tags and handles.
//!
//! One insert splits at most one bucket, and no bucket is addressed through a directory, so growth
//! never stalls. Buckets are chosen by the low bits of the hash; the reversed hash is the position
//! that a scan goes by, because then a split divides the positions of a bucket in two halves.
//! Source: Litwin, "Linear hashing: a new tool for file and table addressing" (1980).

mod bucket;

use bucket::Bucket;

use super::arena::Arena;
use super::paged::Paged;
use crate::table::{HashSeed, KeyHash};

/// Elements per bucket above which one more bucket is made.
const LOAD_MAX: usize = 40;
/// Elements per bucket below which the last bucket goes.
const LOAD_MIN: usize = 20;
/// Bits of a position, so that a cursor fits every client's number type.
const POSITION_BITS: u32 = 48;
/// Buckets visited per wanted element, at most.
const BUCKETS_PER_ITEM_MAX: usize = 10;

/// Where the members of a sorted set are.
pub(super) struct Index {
    buckets: Paged<Bucket>,
    seed: HashSeed,
    len: usize,
    /// Size classes of the buckets' memory.
    bucket_bytes: usize,
}

/// The hash of a member.
#[derive(Clone, Copy, Default)]
pub(super) struct MemberHash(u64);

impl MemberHash {
    /// Never 0, which marks places without an element.
    #[inline(always)]
    fn tag(self) -> u8 {
        ((self.0 >> 56) as u8).max(1)
    }
}

impl From<KeyHash> for MemberHash {
    #[inline]
    fn from(hash: KeyHash) -> Self {
        Self(hash.0)
    }
}

impl Index {
    pub(super) const fn new(seed: HashSeed) -> Self {
        Self {
            buckets: Paged::new(),
            seed,
            len: 0,
            bucket_bytes: 0,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.buckets.bytes() + self.bucket_bytes
    }

    #[inline]
    pub(super) const fn seed(&self) -> HashSeed {
        self.seed
    }

    #[inline]
    pub(super) fn hash(&self, member: &[u8]) -> MemberHash {
        MemberHash::from(self.seed.hash(member))
    }

    /// The handle of `member`.
    #[inline]
    pub(super) fn find(&self, arena: &Arena, hash: MemberHash, member: &[u8]) -> Option<u32> {
        let bucket = self.buckets.at(self.address(hash.0))?;
        bucket.find(hash.tag(), |handle| arena.element(handle).1 == member)
    }

    /// Hints that [`Self::prefetch`] is about to be called.
    #[inline]
    pub(super) fn prefetch_header(&self, hash: MemberHash) {
        if let Some(bucket) = self.buckets.at(self.address(hash.0)) {
            vk_mem::prefetch_read(bucket);
        }
    }

    /// Hints that the member of this hash is about to be looked for.
    #[inline]
    pub(super) fn prefetch(&self, hash: MemberHash) {
        if let Some(bucket) = self.buckets.at(self.address(hash.0)) {
            bucket.prefetch();
        }
    }

    /// Adds a member that is not there.
    #[inline]
    pub(super) fn insert(&mut self, arena: &Arena, hash: MemberHash, handle: u32) {
        if self.len >= self.buckets.len() * LOAD_MAX {
            self.add_bucket(arena);
        }
        let at = self.address(hash.0);
        if let Some(bucket) = self.buckets.at_mut(at) {
            bucket.push(hash.tag(), handle, &mut self.bucket_bytes);
            self.len += 1;
        }
    }

    /// Takes a handle out.
    pub(super) fn remove(&mut self, hash: MemberHash, handle: u32) {
        let at = self.address(hash.0);
        if let Some(bucket) = self.buckets.at_mut(at)
            && bucket.remove(hash.tag(), handle, &mut self.bucket_bytes)
        {
            self.len -= 1;
            if self.len < (self.buckets.len() - 1) * LOAD_MIN {
                self.drop_bucket();
            }
        }
    }

    /// Puts another handle in the place of one.
    pub(super) fn replace(&mut self, hash: MemberHash, from: u32, to: u32) {
        let at = self.address(hash.0);
        if let Some(bucket) = self.buckets.at_mut(at) {
            bucket.replace(hash.tag(), from, to);
        }
    }

    /// The bucket of a hash.
    #[inline(always)]
    fn address(&self, hash: u64) -> usize {
        let count = self.buckets.len().max(1);
        let mask = usize::MAX >> (count - 1).leading_zeros().min(usize::BITS - 1);
        let at = hash as usize & mask;
        if at < count { at } else { at & (mask >> 1) }
    }

    /// Appends a bucket, into which its buddy is split.
    fn add_bucket(&mut self, arena: &Arena) {
        let count = self.buckets.len();
        let mut added = Bucket::new();
        if let Some(bit) = count.checked_ilog2()
            && let Some(buddy) = self.buckets.at_mut(count ^ 1 << bit)
        {
            buddy.for_each(&mut |_, handle| arena.prefetch(handle));
            let seed = &self.seed;
            let moves = |handle| seed.hash(arena.element(handle).1).0 >> bit & 1 == 1;
            buddy.split(&mut added, moves, &mut self.bucket_bytes);
        }
        self.buckets.push(added);
    }

    /// Takes the last bucket away; its elements go back to its buddy.
    fn drop_bucket(&mut self) {
        let Some(mut dropped) = self.buckets.pop() else {
            return;
        };
        let at = self.buckets.len();
        let buddy = at.checked_ilog2().map(|bit| at ^ 1 << bit);
        if let Some(buddy) = buddy.and_then(|at| self.buckets.at_mut(at)) {
            let bytes = &mut self.bucket_bytes;
            dropped.for_each(&mut |tag, handle| buddy.push(tag, handle, bytes));
        }
        self.bucket_bytes -= dropped.memory_bytes();
        dropped.clear();
    }

    /// Visits handles by position, from `cursor` on; see [`super::ZSetRef::scan`].
    pub(super) fn scan(&self, cursor: u64, items_min: usize, visit: &mut impl FnMut(u32)) -> u64 {
        let mut position = cursor;
        let mut items = 0;
        for _ in 0..items_min.max(1).saturating_mul(BUCKETS_PER_ITEM_MAX) {
            if position >> POSITION_BITS != 0 || self.len == 0 {
                return 0;
            }
            let at = self.address((position << (64 - POSITION_BITS)).reverse_bits());
            if let Some(bucket) = self.buckets.at(at) {
                bucket.for_each(&mut |_, handle| {
                    items += 1;
                    visit(handle);
                });
            }
            let spare = POSITION_BITS - self.width(at);
            position = ((position >> spare) + 1) << spare;
            if items >= items_min {
                break;
            }
        }
        if position >> POSITION_BITS != 0 {
            return 0;
        }
        position
    }

    /// The bits of the hash that decide for this bucket.
    fn width(&self, at: usize) -> u32 {
        let count = self.buckets.len();
        let full = count.checked_ilog2().unwrap_or(0);
        let buddy = at | 1 << full;
        // The buckets below the one to be split next have been split already.
        if at >> full != 0 || buddy < count {
            full + 1
        } else {
            full
        }
    }

    /// Drops one bucket; whether there was one.
    pub(super) fn drop_one(&mut self) -> bool {
        self.len = 0;
        self.buckets.pop().is_some()
    }

    /// A copy.
    pub(super) fn twin(&self) -> Self {
        Self {
            buckets: self.buckets.twin_with(Bucket::twin),
            ..*self
        }
    }

    /// What a recount of all buckets finds: elements and bytes. Calls `visit` with the hash that
    /// leads to the bucket.
    pub(super) fn recount(&self, visit: &mut impl FnMut(usize, u8, u32)) -> (usize, usize) {
        let (mut len, mut bytes) = (0, 0);
        for (at, bucket) in self.buckets.iter().enumerate() {
            bucket.for_each(&mut |tag, handle| {
                len += 1;
                visit(at, tag, handle);
            });
            bytes += bucket.memory_bytes();
        }
        (len, bytes + self.buckets.bytes())
    }

    /// The bucket and the tag that a member belongs to.
    pub(super) fn home(&self, member: &[u8]) -> (usize, u8) {
        let hash = self.hash(member);
        (self.address(hash.0), hash.tag())
    }
}

#[cfg(test)]
mod tests;
