//! A set in a table: one allocation per member, 8 bytes of slot. No encodings, no limits.

use alloc::vec::Vec;

use vk_mem::{Thin, size_class};

use super::sample::{Chooser, SplitMix};
use crate::table::{CutId, HashSeed, KeyHash, Slot, Table};

/// A set in a table.
pub struct Set {
    pub(super) table: Table<Member>,
    /// Bytes of all members.
    member_bytes: usize,
    /// Bytes of the table itself, as of `shape`.
    table_bytes: usize,
    shape: Shape,
}

/// While this stays the same, so does the memory of a table without its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shape {
    segments: usize,
    changes: u64,
}

/// One member.
#[derive(Clone, Debug)]
pub(super) struct Member(Thin);

impl Set {
    /// An empty set.
    #[must_use]
    pub fn new(seed: HashSeed) -> Self {
        Self {
            table: Table::new(seed),
            member_bytes: 0,
            table_bytes: 0,
            shape: Shape::default(),
        }
    }

    /// Members.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// There is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the value outside of its entry, the structure itself included, rounded to size
    /// classes. Constant time.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_class(size_of::<Self>()) + self.table_bytes + self.member_bytes
    }

    /// Frees about `budget` members; `true` when nothing is left. The first call ends the value's
    /// life: only this is called afterwards.
    pub fn drop_slice(&mut self, budget: usize) -> bool {
        let member_bytes = &mut self.member_bytes;
        let done = self.table.drop_slice(budget, &mut |member: Member| {
            *member_bytes -= member.memory_bytes();
        });
        self.note_shape();
        done
    }

    /// The hash key.
    #[inline]
    #[must_use]
    pub fn seed(&self) -> HashSeed {
        self.table.seed()
    }

    /// Whether these bytes are a member.
    #[inline]
    #[must_use]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.contains_hashed(self.seed().hash(member), |own| own == member)
    }

    /// Adds a member; `false` if it is there.
    #[inline]
    pub fn insert(&mut self, member: &[u8]) -> bool {
        let hash = self.seed().hash(member);
        let is_new = !self.contains_hashed(hash, |own| own == member);
        if is_new {
            self.insert_member(hash, Member::new(member));
        }
        is_new
    }

    /// Takes a member out; `false` if it is not there.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.seed().hash(member);
        self.take(hash, |own| own.bytes() == member).is_some()
    }

    /// The members in no stated order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.table.iter().map(Member::bytes)
    }

    /// A member chosen by `seed`, each with about the same probability.
    #[must_use]
    pub fn random(&self, seed: u64) -> Option<&[u8]> {
        self.table.random(seed).map(Member::bytes)
    }

    /// A step of SSCAN, see [`Table::scan`].
    pub fn scan(&self, cursor: u64, items_min: usize, visit: &mut impl FnMut(&[u8])) -> u64 {
        let mut visit = |member: &Member| visit(member.bytes());
        self.table.scan(cursor, items_min, &mut visit)
    }

    /// Takes `count` members out that `seed` chooses and calls `popped` with each.
    pub(super) fn pop(&mut self, count: usize, seed: u64, popped: &mut impl FnMut(&[u8])) {
        let count = count.min(self.len());
        if count.saturating_mul(SCAN_INSTEAD) <= self.len() {
            self.pop_by_drawing(count, seed, popped);
        } else if count <= self.len() / 2 || self.cut_id().is_some() {
            // A cut saves what is removed, one by one.
            self.pop_by_scanning(count, seed, popped);
        } else {
            self.pop_by_keeping(count, seed, popped);
        }
    }

    /// Few members of many: drawn one by one.
    fn pop_by_drawing(&mut self, count: usize, seed: u64, popped: &mut impl FnMut(&[u8])) {
        let mut random = SplitMix::new(seed);
        for _ in 0..count {
            let Some(member) = self.table.random(random.next()) else {
                return;
            };
            let (hash, address) = (member.hash(&self.seed()), member.address());
            if let Some(member) = self.take(hash, |own| own.address() == address) {
                popped(member.bytes());
            }
        }
    }

    /// A good part of the members: chosen in one walk, then removed.
    fn pop_by_scanning(&mut self, count: usize, seed: u64, popped: &mut impl FnMut(&[u8])) {
        let mut chooser = Chooser::new(count, self.len(), seed);
        let mut chosen = Vec::with_capacity(count);
        for member in self.table.iter() {
            if chooser.next() {
                chosen.push((member.hash(&self.seed()), member.address()));
            }
        }
        for (hash, address) in chosen {
            if let Some(member) = self.take(hash, |own| own.address() == address) {
                popped(member.bytes());
            }
        }
    }

    /// Most members: the others move to a table of their own.
    fn pop_by_keeping(&mut self, count: usize, seed: u64, popped: &mut impl FnMut(&[u8])) {
        let mut chooser = Chooser::new(count, self.len(), seed);
        let mut kept = Self::new(self.seed());
        self.table.drop_slice(usize::MAX, &mut |member: Member| {
            if chooser.next() {
                popped(member.bytes());
            } else {
                kept.insert_member(member.hash(&kept.seed()), member);
            }
        });
        *self = kept;
    }

    /// Whether a member with this hash is accepted by `is`.
    #[inline]
    pub(crate) fn contains_hashed(&self, hash: KeyHash, is: impl Fn(&[u8]) -> bool) -> bool {
        self.table.find(hash, |own| is(own.bytes())).is_some()
    }

    /// Adds a member that is not there.
    pub(super) fn insert_unique(&mut self, member: &[u8]) {
        self.insert_member(self.seed().hash(member), Member::new(member));
    }

    /// As [`Set::insert_unique`], of a member whose hash is known.
    pub(super) fn insert_hashed(&mut self, hash: KeyHash, member: &[u8]) {
        self.insert_member(hash, Member::new(member));
    }

    /// First stage of a group prefetch: the bucket of a hash.
    #[inline]
    pub(super) fn prefetch_bucket(&self, hash: KeyHash) {
        self.table.prefetch_bucket(hash);
    }

    /// Second stage: the members in it that may have this hash.
    #[inline]
    pub(super) fn prefetch_members(&self, hash: KeyHash) {
        self.table.prefetch_entry(hash);
    }

    /// Bytes of the table itself.
    #[cfg(test)]
    pub(super) fn table_bytes(&self) -> usize {
        self.table.table_bytes()
    }

    #[inline]
    fn insert_member(&mut self, hash: KeyHash, member: Member) {
        self.member_bytes += member.memory_bytes();
        self.table.insert(hash, member);
        self.note_shape();
    }

    #[inline]
    fn take(&mut self, hash: KeyHash, is: impl Fn(&Member) -> bool) -> Option<Member> {
        let member = self.table.remove(hash, is)?;
        self.member_bytes -= member.memory_bytes();
        self.note_shape();
        Some(member)
    }

    #[inline]
    fn note_shape(&mut self) {
        let stats = self.table.stats();
        let shape = Shape {
            segments: self.table.segments(),
            changes: stats.splits + stats.enlargements + stats.merges,
        };
        if shape != self.shape {
            self.shape = shape;
            self.table_bytes = self.table.table_bytes();
        }
    }
}

impl Clone for Set {
    fn clone(&self) -> Self {
        let table = self.table.clone();
        let table_bytes = table.table_bytes();
        Self {
            member_bytes: table.memory_bytes() - table_bytes,
            table_bytes,
            shape: self.shape,
            table,
        }
    }
}

impl core::fmt::Debug for Set {
    /// Tells sizes alone: members are users' data.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Set").field(&self.table).finish()
    }
}

/// From one member in this many on, choosing in a walk over all is cheaper than drawing, which
/// waits for memory at every member.
const SCAN_INSTEAD: usize = 32;

impl Member {
    #[inline]
    fn new(bytes: &[u8]) -> Self {
        Self(Thin::new(bytes))
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Where the bytes are, which tells equal members of two sets apart.
    fn address(&self) -> usize {
        self.bytes().as_ptr().addr()
    }
}

impl Slot for Member {
    type Image = Self;

    #[inline]
    fn hash(&self, seed: &HashSeed) -> KeyHash {
        seed.hash(self.bytes())
    }

    #[inline]
    fn expire_ms(&self) -> Option<i64> {
        None
    }

    #[inline]
    fn memory_bytes(&self) -> usize {
        self.0.allocated_bytes()
    }

    #[inline]
    fn prefetch(&self) {
        self.0.prefetch();
    }

    fn image(&mut self, _: CutId) -> Self {
        self.clone()
    }

    fn image_bytes(image: &Self) -> usize {
        image.memory_bytes()
    }
}
