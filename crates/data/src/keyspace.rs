//! One numbered database: keys to values, with expiry, scan, random choice, cuts and accounting.
//! It decides nothing about commands: no lazy expiry, no eviction, no notification.

mod cut;
mod detached;
mod entry_mut;
mod moved;

pub use cut::Reading;
pub use detached::Detached;
pub use entry_mut::EntryMut;

use vk_mem::Access;

use moved::Moved;

use crate::entry::DbEntry;
use crate::table::{ExpiryPosition, HashSeed, KeyHash, Kind, Loc, Table, TableStats};
use crate::value::{NewValue, Object, ValueType};

/// A database.
#[derive(Debug)]
pub struct Keyspace {
    table: Table<DbEntry>,
    moved: Moved,
}

/// What [`Keyspace::put`] replaced.
#[derive(Debug)]
pub struct Old {
    /// The type that the key had.
    pub value_type: ValueType,
    /// The expiry that the key had.
    pub expire_ms: Option<i64>,
    /// The value, if it lived outside of its entry: the caller decides where it is dropped.
    pub object: Option<Object>,
}

impl Keyspace {
    /// An empty database, which owns no memory. All databases of a server share one seed.
    #[must_use]
    pub fn new(seed: HashSeed) -> Self {
        Self {
            table: Table::new(seed),
            moved: Moved::default(),
        }
    }

    /// Keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// There is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Keys that expire.
    #[must_use]
    pub fn volatile_len(&self) -> usize {
        self.table.volatile_len()
    }

    /// Keys with a field that expires.
    #[must_use]
    pub fn expiring_parts_len(&self) -> usize {
        self.table.expiring_parts_len()
    }

    /// Mean time to live of the keys that expire.
    #[must_use]
    pub fn avg_ttl_ms(&self, now_ms: i64) -> u64 {
        self.table.ttl_mean_ms(now_ms)
    }

    /// Bytes of everything: entries and values rounded to size classes, segments, directory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }

    /// What [`Self::memory_bytes`] has to be, by a walk over everything: for checks.
    #[must_use]
    pub fn recount_bytes(&self) -> usize {
        self.table.recount_bytes()
    }

    /// Bytes of segments and directory alone.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        self.table.table_bytes()
    }

    /// What the table has done, for DEBUG.
    #[must_use]
    pub fn stats(&self) -> TableStats {
        self.table.stats()
    }

    /// Segments of the table, for DEBUG.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.table.segments()
    }

    /// The hash of a key.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        self.table.seed().hash(key)
    }

    /// First stage of a group prefetch.
    #[inline]
    pub fn prefetch_bucket(&self, hash: KeyHash) {
        self.table.prefetch_bucket(hash);
    }

    /// Makes room for about so many keys, if there is none yet; see [`Table::presize`].
    pub fn presize(&mut self, keys: usize) {
        self.table.presize(keys);
    }

    /// As [`Self::prefetch_bucket`], for a key that will be added.
    #[inline]
    pub fn prefetch_insert(&self, hash: KeyHash) {
        self.table.prefetch_insert(hash);
    }

    /// Second stage of a group prefetch, after the first stage of the whole group.
    #[inline]
    pub fn prefetch_entry(&self, hash: KeyHash) {
        self.table.prefetch_entry(hash);
    }

    /// The entry of a key, expired or not.
    #[inline]
    #[must_use]
    pub fn find(&self, hash: KeyHash, key: &[u8]) -> Option<&DbEntry> {
        self.table.find(hash, |entry| entry.key() == key)
    }

    /// Where a key is, to be looked at and changed without another search. Valid until a key is
    /// added or removed.
    #[inline]
    #[must_use]
    pub fn locate(&self, hash: KeyHash, key: &[u8]) -> Option<Loc> {
        self.table.locate(hash, |entry| entry.key() == key)
    }

    /// The entry at a place.
    #[inline]
    #[must_use]
    pub fn at(&self, loc: Loc) -> Option<&DbEntry> {
        self.table.at(loc)
    }

    /// Writes the access field of the entry at a place.
    #[inline]
    pub fn mark_at(&mut self, loc: Loc, access: Access) {
        if let Some(entry) = self.table.at_mut(loc) {
            entry.set_access(access);
        }
    }

    /// The entry at a place, to be changed or removed.
    #[inline]
    pub fn at_mut(&mut self, loc: Loc) -> Option<EntryMut<'_>> {
        EntryMut::new(&mut self.table, &mut self.moved, loc)
    }

    /// Replaces the integer at a place by another; `false` if there is no integer. Neither size nor
    /// expiry change, so the totals stay as they are.
    #[inline]
    pub fn set_int_at(&mut self, loc: Loc, value: i64) -> bool {
        if !self.table.at(loc).is_some_and(DbEntry::is_int) {
            return false;
        }
        self.table.touch_for_write(loc.hash());
        self.table
            .at_mut(loc)
            .is_some_and(|entry| entry.set_int(value))
    }

    /// Replaces value and expiry of the entry at a place; the access field stays. Returns the
    /// value before, if it lived outside of its entry.
    #[inline]
    pub fn overwrite_at(
        &mut self,
        loc: Loc,
        value: NewValue<'_>,
        expire_ms: Option<i64>,
    ) -> Option<Object> {
        let mut entry = self.at_mut(loc)?;
        let access = entry.access();
        entry.overwrite(value, expire_ms, access)
    }

    /// As [`Self::find`] for a command's read: `mark` turns the access field into the new one.
    #[inline]
    pub fn find_marked(
        &mut self,
        hash: KeyHash,
        key: &[u8],
        mark: impl FnOnce(&DbEntry) -> Access,
    ) -> Option<&DbEntry> {
        let loc = self.table.locate(hash, |entry| entry.key() == key)?;
        let entry = self.table.at_mut(loc)?;
        let access = mark(entry);
        entry.set_access(access);
        Some(entry)
    }

    /// The entry of a key, to be changed or removed.
    #[inline]
    pub fn entry_mut(&mut self, hash: KeyHash, key: &[u8]) -> Option<EntryMut<'_>> {
        let loc = self.table.locate(hash, |entry| entry.key() == key)?;
        EntryMut::new(&mut self.table, &mut self.moved, loc)
    }

    /// Sets a key, whatever it was; `expire_ms` replaces the expiry too. `mark` makes the access
    /// field from the one of the entry before, if there was one.
    #[inline]
    pub fn put(
        &mut self,
        hash: KeyHash,
        key: &[u8],
        value: NewValue<'_>,
        expire_ms: Option<i64>,
        mark: impl FnOnce(Option<Access>) -> Access,
    ) -> Option<Old> {
        let Some(mut entry) = self.entry_mut(hash, key) else {
            self.table
                .insert(hash, DbEntry::new(key, value, expire_ms, mark(None)));
            return None;
        };
        let access = mark(Some(entry.access()));
        let (value_type, before_ms) = (entry.value_type(), entry.expire_ms());
        let object = entry.overwrite(value, expire_ms, access);
        Some(Old {
            value_type,
            expire_ms: before_ms,
            object,
        })
    }

    /// Adds a key that is known to be absent.
    pub fn insert_new(
        &mut self,
        hash: KeyHash,
        key: &[u8],
        value: NewValue<'_>,
        expire_ms: Option<i64>,
        access: Access,
    ) {
        self.table
            .insert(hash, DbEntry::new(key, value, expire_ms, access));
    }

    /// Moves a whole entry in (RENAME, MOVE, RESTORE). Returns the entry that had its key.
    pub fn insert_entry(&mut self, hash: KeyHash, entry: DbEntry) -> Option<DbEntry> {
        let before = self.remove(hash, entry.key());
        if self.moved.is_cutting
            && let Some(object) = entry.object()
        {
            self.moved.arrives(hash, object);
        }
        self.table.insert(hash, entry);
        before
    }

    /// Removes a key.
    pub fn remove(&mut self, hash: KeyHash, key: &[u8]) -> Option<DbEntry> {
        let removed = self.table.remove(hash, |entry| entry.key() == key)?;
        self.moved.note_removed(&removed);
        Some(removed)
    }

    /// A slice of a SCAN, see [`Table::scan`].
    pub fn scan(&self, cursor: u64, items_min: usize, visit: &mut impl FnMut(&DbEntry)) -> u64 {
        self.table.scan(cursor, items_min, visit)
    }

    /// A key chosen by `seed`, all with about the same probability.
    #[must_use]
    pub fn random(&self, seed: u64) -> Option<&DbEntry> {
        self.table.random(seed)
    }

    /// Some keys from a place chosen by `seed`, for eviction; see [`Table::sample`].
    pub fn sample(
        &self,
        seed: u64,
        kind: Kind,
        count_min: usize,
        visit: &mut impl FnMut(&DbEntry),
    ) -> usize {
        self.table.sample(seed, kind, count_min, visit)
    }

    /// Finds keys that have expired, see [`Table::expired_slice`].
    pub fn expired_slice(
        &mut self,
        now_ms: i64,
        budget: usize,
        position: &mut ExpiryPosition,
        due: &mut impl FnMut(&DbEntry),
    ) -> bool {
        self.table.expired_slice(now_ms, budget, position, due)
    }

    /// Calls `visit` for every key. Unbounded work.
    pub fn for_each(&self, visit: &mut impl FnMut(&DbEntry)) {
        self.table.for_each(visit);
    }

    /// Empties the database in constant time. What it held, with a cut in progress, goes on in
    /// the result, to be released slice by slice or elsewhere.
    #[must_use]
    pub fn take(&mut self) -> Detached {
        let mut empty = Self::new(self.table.seed());
        empty.set_cutting(self.moved.is_cutting);
        Detached::new(core::mem::replace(self, empty))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests;
