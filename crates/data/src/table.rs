//! The hash table behind keyspaces: extendible hashing in the order of hash prefixes.
//!
//! Growth splits one 4 KiB segment, shrinking merges two: no insert does more than one split, and
//! no doubling ever copies the table. It stores entries; it knows neither commands nor values.

mod bucket;
mod cut;
mod directory;
mod expiry;
mod iter;
mod position;
mod presize;
mod random;
mod scan;
mod segment;
mod slot;

use alloc::boxed::Box;

pub use cut::Saved;
pub use expiry::ExpiryPosition;
pub use random::Kind;
pub use slot::{CutId, HashSeed, KeyHash, Slot};

use bucket::SLOTS;
use cut::Cut;
use directory::{CHUNK_BITS_MAX, Directory, NEVER_MS, Spot, buddy_hash};
use position::{DEPTH_MAX, Position};
use segment::{CLASS_MAX, Place, Segment, capacity};

/// A table of entries, found by hash and a comparison of the caller's.
///
/// The same calls with the same seed give the same layout. An empty table owns no memory.
pub struct Table<E: Slot> {
    directory: Directory<E>,
    seed: HashSeed,
    tuning: Tuning,
    totals: Totals,
    stats: TableStats,
    cut: Option<Box<Cut<E>>>,
    cut_epoch: u32,
}

/// Bits of depth beyond those that random hashes need.
const DEPTH_SPARE: u8 = 10;

/// Where an entry is. Valid until the table is changed through anything but [`Table::at_mut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loc {
    hash: KeyHash,
    spot: Spot,
    place: Place,
}

impl Loc {
    /// The hash that led here.
    #[inline]
    pub(crate) fn hash(self) -> KeyHash {
        self.hash
    }
}

/// The geometry of a table. The default is for production; the proofs use smaller ones, in which a
/// handful of keys splits and merges.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// The size class (0 to 4: 1, 5, 15, 30, 60 home buckets) at which segments split.
    pub class_max: u8,
    /// Slots in use per bucket, 1 to 7.
    pub slots_per_bucket: u8,
    /// Bits of one directory chunk, 1 to 10.
    pub chunk_bits_max: u8,
    /// Two buddies merge when together they fill at most this part of one segment, 0 to 100.
    pub merge_percent: u8,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            class_max: CLASS_MAX,
            slots_per_bucket: SLOTS as u8,
            chunk_bits_max: CHUNK_BITS_MAX,
            merge_percent: 25,
        }
    }
}

/// What a table has done and holds, for DEBUG and tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Segments split.
    pub splits: u64,
    /// Segments enlarged in place of a split.
    pub enlargements: u64,
    /// Pairs of segments merged, and segments made smaller.
    pub merges: u64,
    /// Entries that found no slot right after a split.
    pub spills: u64,
    /// The most splits and enlargements that one insert did: 1 by construction.
    pub splits_per_insert_max: u32,
    /// Sum of the entries of segments at the moment of their split: divided by `splits`, the fill.
    pub split_entries: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    len: usize,
    volatile: usize,
    /// Entries with a time at which they are due; at least the volatile ones.
    due: usize,
    /// Entries with a part that expires.
    expiring_parts: usize,
    entry_bytes: usize,
    /// Sum of all expiry times.
    expire_sum_ms: i128,
}

/// What the table has noted of an entry; a change of the entry must be reconciled with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    bytes: usize,
    expire_ms: Option<i64>,
    due_ms: Option<i64>,
    has_expiring_parts: bool,
}

impl Facts {
    #[inline]
    pub(crate) fn of(entry: &impl Slot) -> Self {
        Self {
            bytes: entry.memory_bytes(),
            expire_ms: entry.expire_ms(),
            due_ms: entry.due_ms(),
            has_expiring_parts: entry.has_expiring_parts(),
        }
    }
}

impl<E: Slot + Clone> Clone for Table<E> {
    /// A copy of every entry in its place, without a cut. Linear.
    fn clone(&self) -> Self {
        let mut totals = self.totals;
        totals.entry_bytes = 0;
        Self {
            directory: self.directory.twin(&mut totals.entry_bytes),
            totals,
            cut: None,
            cut_epoch: 0,
            ..*self
        }
    }
}

impl<E: Slot> Table<E> {
    /// An empty table. No memory is allocated before the first entry.
    #[must_use]
    pub fn new(seed: HashSeed) -> Self {
        Self::with_tuning(seed, Tuning::default())
    }

    /// An empty table of another geometry; values out of range are brought into it.
    #[must_use]
    pub fn with_tuning(seed: HashSeed, tuning: Tuning) -> Self {
        let tuning = Tuning {
            class_max: tuning.class_max.min(CLASS_MAX),
            slots_per_bucket: tuning.slots_per_bucket.clamp(1, SLOTS as u8),
            merge_percent: tuning.merge_percent.min(100),
            ..tuning
        };
        Self {
            directory: Directory::new(tuning.chunk_bits_max),
            seed,
            tuning,
            totals: Totals::default(),
            stats: TableStats::default(),
            cut: None,
            cut_epoch: 0,
        }
    }

    /// Entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.totals.len
    }

    /// There is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.totals.len == 0
    }

    /// Entries of which a part expires.
    #[must_use]
    pub fn expiring_parts_len(&self) -> usize {
        self.totals.expiring_parts
    }

    /// The hash key.
    #[must_use]
    pub fn seed(&self) -> HashSeed {
        self.seed
    }

    /// Segments in use.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.directory.len()
    }

    /// What the table has done so far.
    #[must_use]
    pub fn stats(&self) -> TableStats {
        self.stats
    }

    /// Bytes of entries, segments and directory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.totals.entry_bytes + self.directory.memory_bytes()
    }

    /// Bytes of segments and directory alone.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        self.directory.memory_bytes()
    }

    /// What [`Self::memory_bytes`] has to be, by a walk over everything: for checks.
    #[must_use]
    pub fn recount_bytes(&self) -> usize {
        let mut bytes = self.directory.recount_bytes();
        self.for_each(&mut |entry| bytes += entry.memory_bytes());
        bytes
    }

    /// Finds the entry of this hash that `eq` accepts.
    #[inline]
    pub fn locate(&self, hash: KeyHash, eq: impl FnMut(&E) -> bool) -> Option<Loc> {
        let spot = self.directory.spot(hash)?;
        let home = Position::of(hash).home(spot.depth, spot.regular);
        let place = self.directory.segment(spot).find(home, hash.tag(), eq)?;
        Some(Loc { hash, spot, place })
    }

    /// The entry of this hash that `eq` accepts.
    #[inline]
    pub fn find(&self, hash: KeyHash, mut eq: impl FnMut(&E) -> bool) -> Option<&E> {
        let spot = self.directory.spot(hash)?;
        let home = Position::of(hash).home(spot.depth, spot.regular);
        let segment = self.directory.segment(spot);
        segment.get(segment.find(home, hash.tag(), &mut eq)?)
    }

    /// The entry at a place.
    #[inline]
    #[must_use]
    pub fn at(&self, loc: Loc) -> Option<&E> {
        self.directory.segment(loc.spot).get(loc.place)
    }

    /// The entry at a place, for changes that neither the accounting nor a cut cares about (an
    /// access field).
    #[inline]
    pub fn at_mut(&mut self, loc: Loc) -> Option<&mut E> {
        self.directory.segment_mut(loc.spot).get_mut(loc.place)
    }

    /// Changes an entry through `change`, with everything that a change entails.
    pub fn update<R>(&mut self, loc: Loc, change: impl FnOnce(&mut E) -> R) -> Option<R> {
        self.touch_for_write(loc.hash);
        let entry = self.at_mut(loc)?;
        let before = Facts::of(entry);
        let result = change(entry);
        self.reconcile(loc, before);
        Some(result)
    }

    /// Adds an entry whose key is not in the table.
    pub fn insert(&mut self, hash: KeyHash, entry: E) -> Loc {
        let spot = self.spot_for_insert(hash);
        self.touch_for_write(hash);
        let facts = Facts::of(&entry);
        let slots = usize::from(self.tuning.slots_per_bucket);
        let (spot, place) = match self.directory.segment_mut(spot).place(hash, slots, entry) {
            Ok(place) => (spot, place),
            Err(entry) => self.insert_after_growth(hash, spot, entry),
        };
        self.account_in(spot, facts);
        Loc { hash, spot, place }
    }

    /// Removes the entry of this hash that `eq` accepts.
    pub fn remove(&mut self, hash: KeyHash, eq: impl FnMut(&E) -> bool) -> Option<E> {
        let loc = self.locate(hash, eq)?;
        self.remove_at(loc)
    }

    /// Removes the entry at a place.
    pub fn remove_at(&mut self, loc: Loc) -> Option<E> {
        self.touch_for_write(loc.hash);
        let home = Position::of(loc.hash).home(loc.spot.depth, loc.spot.regular);
        let entry = self
            .directory
            .segment_mut(loc.spot)
            .take(home, loc.place, &self.seed)?;
        self.account_out(loc.spot, Facts::of(&entry));
        self.shrink(loc.hash, loc.spot);
        Some(entry)
    }

    /// Calls `visit` for every entry, in no stated order. Unbounded work: not for the hot path.
    pub fn for_each(&self, visit: &mut impl FnMut(&E)) {
        self.directory
            .iter()
            .for_each(|segment| segment.iter().for_each(&mut *visit));
    }

    /// Hands about `budget` entries or more to `dropped_one`, whole segments at a time. `true` when
    /// none is left.
    /// The first call ends the table's life as a table: only this is called afterwards.
    pub fn drop_slice(&mut self, budget: usize, dropped_one: &mut impl FnMut(E)) -> bool {
        if !self.cut_stop(budget, &mut drop) {
            return false;
        }
        let mut dropped = 0;
        while dropped < budget.max(1) {
            let Some(mut segment) = self.directory.pop() else {
                return true;
            };
            dropped += segment.header.count as usize;
            segment.drain(|entry| {
                self.totals.len -= 1;
                self.totals.entry_bytes -= entry.memory_bytes();
                dropped_one(entry);
            });
        }
        false
    }

    /// First stage of a group prefetch: the home bucket.
    #[inline]
    pub fn prefetch_bucket(&self, hash: KeyHash) {
        if let Some(bucket) = self.home_bucket(hash) {
            vk_mem::prefetch_read(bucket);
        }
    }

    /// Second stage, some hundred nanoseconds later: the entries whose tag fits.
    #[inline]
    pub fn prefetch_entry(&self, hash: KeyHash) {
        if let Some(bucket) = self.home_bucket(hash) {
            for slot in bucket.candidates(hash.tag()) {
                if let Some(entry) = bucket.get(slot) {
                    entry.prefetch();
                }
            }
        }
    }

    #[inline]
    fn home_bucket(&self, hash: KeyHash) -> Option<&bucket::Bucket<E>> {
        let spot = self.directory.spot(hash)?;
        let home = Position::of(hash).home(spot.depth, spot.regular);
        self.directory.segment(spot).buckets().get(home)
    }

    /// Notes that the entry at `loc` has changed since `before` was taken.
    #[inline]
    pub(crate) fn reconcile(&mut self, loc: Loc, before: Facts) {
        let Some(after) = self.at(loc).map(Facts::of) else {
            return;
        };
        self.totals.entry_bytes -= before.bytes;
        self.totals.entry_bytes += after.bytes;
        if before.expire_ms != after.expire_ms || before.due_ms != after.due_ms {
            self.expire_out(loc.spot, before);
            self.expire_in(loc.spot, after);
        }
        if before.has_expiring_parts != after.has_expiring_parts {
            self.totals.expiring_parts -= usize::from(before.has_expiring_parts);
            self.totals.expiring_parts += usize::from(after.has_expiring_parts);
        }
    }

    #[inline]
    fn account_in(&mut self, spot: Spot, facts: Facts) {
        self.totals.len += 1;
        self.totals.entry_bytes += facts.bytes;
        self.totals.expiring_parts += usize::from(facts.has_expiring_parts);
        self.expire_in(spot, facts);
    }

    #[inline]
    fn account_out(&mut self, spot: Spot, facts: Facts) {
        self.totals.len -= 1;
        self.totals.entry_bytes -= facts.bytes;
        self.totals.expiring_parts -= usize::from(facts.has_expiring_parts);
        self.expire_out(spot, facts);
    }

    /// The segment for a new entry: the first one is made here.
    fn spot_for_insert(&mut self, hash: KeyHash) -> Spot {
        loop {
            if let Some(spot) = self.directory.spot(hash) {
                return spot;
            }
            self.directory.replace_only(Segment::new(0, 0), NEVER_MS);
        }
    }

    #[cold]
    fn insert_after_growth(&mut self, hash: KeyHash, spot: Spot, entry: E) -> (Spot, Place) {
        let class = self.directory.segment(spot).class();
        let mut grown = 0;
        if spot.depth == 0 && class < self.tuning.class_max {
            self.change_class(class + 1);
            self.stats.enlargements += 1;
            grown += 1;
        } else if spot.depth < self.depth_max() {
            self.split(hash, spot);
            grown += 1;
        }
        self.stats.splits_per_insert_max = self.stats.splits_per_insert_max.max(grown);
        let spot = self.spot_for_insert(hash);
        let slots = usize::from(self.tuning.slots_per_bucket);
        let segment = self.directory.segment_mut(spot);
        match segment.place(hash, slots, entry) {
            Ok(place) => (spot, place),
            Err(entry) => {
                self.stats.spills += 1;
                (spot, segment.spill(hash, entry))
            }
        }
    }

    /// How deep a segment may lie. Hashes that are equal in so many bits more than their number
    /// needs are not told apart by one bit more, and the directory doubles with each; they spill.
    fn depth_max(&self) -> u8 {
        let needed = self.totals.len.max(1).ilog2() as u8;
        DEPTH_MAX.min(needed.saturating_add(DEPTH_SPARE))
    }

    /// Splits the segment of `hash` in two.
    fn split(&mut self, hash: KeyHash, spot: Spot) {
        let old = self.directory.segment_mut(spot);
        self.stats.splits += 1;
        self.stats.split_entries += u64::from(old.header.count);
        let class = self.tuning.class_max;
        let mut left = Filling::new(class, spot.depth + 1, self.tuning);
        let mut right = Filling::new(class, spot.depth + 1, self.tuning);
        cut::inherit_saved(old, &mut left.segment, 0, 2);
        cut::inherit_saved(old, &mut right.segment, 1, 2);
        let bit = 1 << (63 - u32::from(spot.depth));
        let seed = &self.seed;
        old.drain(|entry| {
            let hash = entry.hash(seed);
            let half = if hash.0 & bit == 0 {
                &mut left
            } else {
                &mut right
            };
            half.add(hash, entry);
        });
        self.stats.spills += left.spills + right.spills;
        let (left, right) = (left.finish(), right.finish());
        self.directory.split(hash, left, right);
    }

    /// Rebuilds the only segment in another size class.
    fn change_class(&mut self, class: u8) {
        let Some(spot) = self.directory.spot(KeyHash(0)) else {
            return;
        };
        let old = self.directory.segment_mut(spot);
        let mut new = Filling::new(class, 0, self.tuning);
        cut::inherit_saved(old, &mut new.segment, 0, 1);
        let seed = &self.seed;
        old.drain(|entry| new.add(entry.hash(seed), entry));
        self.stats.spills += new.spills;
        let (segment, earliest_ms) = new.finish();
        self.directory.replace_only(segment, earliest_ms);
    }

    /// Merges or reduces segments that have become sparse. Rarely more than one step: a second
    /// one happens when the neighbourhood was sparse already.
    #[inline]
    fn shrink(&mut self, hash: KeyHash, spot: Spot) {
        let count = self.directory.segment(spot).header.count;
        if count <= self.merge_limit() {
            while self.shrink_step(hash).is_some() {}
        }
    }

    fn merge_limit(&self) -> u32 {
        self.capacity(self.tuning.class_max) * u32::from(self.tuning.merge_percent) / 100
    }

    fn capacity(&self, class: u8) -> u32 {
        capacity(class, usize::from(self.tuning.slots_per_bucket))
    }

    #[cold]
    fn shrink_step(&mut self, hash: KeyHash) -> Option<()> {
        let spot = self.directory.spot(hash)?;
        if spot.depth == 0 {
            let segment = self.directory.segment(spot);
            let class = segment.class().checked_sub(1)?;
            let percent = (u32::from(self.tuning.merge_percent) * 2).min(100);
            if segment.header.count > self.capacity(class) * percent / 100 {
                return None;
            }
            self.cut_save_segment(spot, Position::START);
            self.change_class(class);
        } else {
            self.merge(hash)?;
        }
        self.cut_mark_all(hash);
        self.stats.merges += 1;
        Some(())
    }

    /// Merges the segment of `hash` with its buddy if both are sparse.
    fn merge(&mut self, hash: KeyHash) -> Option<()> {
        let (spot, buddy) = self.directory.buddies(hash)?;
        let count = |spot| self.directory.segment(spot).header.count;
        if count(spot) + count(buddy) > self.merge_limit() {
            return None;
        }
        self.cut_save_segment(spot, Position::of(hash));
        self.cut_save_segment(buddy, Position::of(buddy_hash(hash, spot.depth)?));
        let mut merged = Filling::new(self.tuning.class_max, spot.depth - 1, self.tuning);
        let seed = &self.seed;
        for spot in [spot, buddy] {
            let segment = self.directory.segment_mut(spot);
            segment.drain(|entry| merged.add(entry.hash(seed), entry));
        }
        self.stats.spills += merged.spills;
        let (segment, earliest_ms) = merged.finish();
        self.directory.merge(hash, segment, earliest_ms)
    }
}

impl<E: Slot> core::fmt::Debug for Table<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Table")
            .field("len", &self.totals.len)
            .field("segments", &self.directory.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// A segment that is being filled with the entries of others.
struct Filling<E> {
    segment: Box<Segment<E>>,
    slots: usize,
    earliest_ms: i64,
    spills: u64,
}

impl<E: Slot> Filling<E> {
    fn new(class: u8, depth: u8, tuning: Tuning) -> Self {
        Self {
            segment: Segment::new(class, depth),
            slots: usize::from(tuning.slots_per_bucket),
            earliest_ms: NEVER_MS,
            spills: 0,
        }
    }

    fn add(&mut self, hash: KeyHash, entry: E) {
        if let Some(due_ms) = entry.due_ms() {
            self.segment.header.volatile += 1;
            self.earliest_ms = self.earliest_ms.min(expiry::bound(due_ms));
        }
        if let Err(entry) = self.segment.place(hash, self.slots, entry) {
            self.segment.spill(hash, entry);
            self.spills += 1;
        }
    }

    fn finish(self) -> (Box<Segment<E>>, i64) {
        (self.segment, self.earliest_ms)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
