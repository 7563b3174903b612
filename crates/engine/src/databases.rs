//! The numbered databases, with expiry on access.
//!
//! What a change of a key entails (WATCH, notification, effect) is in `ctx`; here is only storage.

use alloc::vec::Vec;

use vk_data::{
    entry::DbEntry,
    keyspace::{Detached, Keyspace},
    table::HashSeed,
    value::Object,
};

use crate::access::KeyRef;

/// All databases, and what is left of flushed ones.
#[derive(Debug)]
pub(crate) struct Databases {
    all: Vec<Keyspace>,
    seed: HashSeed,
    /// Emptied tables that are freed bit by bit.
    detached: Vec<Detached>,
    /// Big values that were removed and are freed bit by bit.
    buried: Vec<Object>,
    /// Of flushed databases and buried values: how many entries were freed so far.
    pub(crate) freed_entries: u64,
}

/// Values with more elements than this are freed bit by bit.
const FREE_AT_ONCE_MAX: usize = 64;

impl Databases {
    pub(crate) fn new(count: usize, seed: HashSeed) -> Self {
        let all = (0..count).map(|_| Keyspace::new(seed)).collect();
        Self {
            all,
            seed,
            detached: Vec::new(),
            buried: Vec::new(),
            freed_entries: 0,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn seed(&self) -> HashSeed {
        self.seed
    }

    pub(crate) fn db(&self, index: u32) -> Option<&Keyspace> {
        self.all.get(index as usize)
    }

    pub(crate) fn db_mut(&mut self, index: u32) -> Option<&mut Keyspace> {
        self.all.get_mut(index as usize)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Keyspace)> {
        self.all
            .iter()
            .enumerate()
            .map(|(index, db)| (index as u32, db))
    }

    /// The entry of a key, expired or not.
    pub(crate) fn find(&self, key: &KeyRef<'_>) -> Option<&DbEntry> {
        self.db(key.db)?.find(key.hash, key.bytes)
    }

    pub(crate) fn remove(&mut self, key: &KeyRef<'_>) -> Option<DbEntry> {
        self.db_mut(key.db)?.remove(key.hash, key.bytes)
    }

    /// Removes a key whose value nobody wants; tells whether it was there.
    pub(crate) fn delete(&mut self, key: &KeyRef<'_>) -> bool {
        let removed = self.remove(key);
        let was_there = removed.is_some();
        self.bury(removed.and_then(DbEntry::into_object));
        was_there
    }

    /// SWAPDB.
    pub(crate) fn swap(&mut self, a: u32, b: u32) {
        let count = self.all.len();
        if (a as usize) < count && (b as usize) < count {
            self.all.swap(a as usize, b as usize);
        }
    }

    /// Empties a database at once; the memory is freed by [`Databases::free_slice`]. Returns how
    /// many keys there were.
    pub(crate) fn flush(&mut self, index: u32) -> usize {
        let Some(db) = self.all.get_mut(index as usize) else {
            return 0;
        };
        let keys = db.len();
        let contents = db.take();
        self.detach(contents);
        keys
    }

    /// Takes over what a database held, to be freed.
    pub(crate) fn detach(&mut self, contents: Detached) {
        if !contents.is_empty() {
            self.detached.push(contents);
        }
    }

    /// Frees a value that no key has any more: at once if it is small, else by
    /// [`Databases::free_slice`].
    #[inline]
    pub(crate) fn bury(&mut self, object: Option<Object>) {
        if let Some(object) = object
            && object.element_count() > FREE_AT_ONCE_MAX
        {
            self.buried.push(object);
        }
    }

    /// Frees some of what was flushed and removed.
    pub(crate) fn free_slice(&mut self, entries_max: usize) {
        if let Some(last) = self.buried.last_mut() {
            if last.drop_slice(entries_max) {
                self.buried.pop();
                self.freed_entries += 1;
            }
            return;
        }
        let buried = &mut self.buried;
        let mut keep = |object: Object| {
            if object.element_count() > FREE_AT_ONCE_MAX {
                buried.push(object);
            }
        };
        if let Some(last) = self.detached.last_mut() {
            let before = last.len();
            let ended = last.drop_slice(entries_max, &mut keep);
            self.freed_entries += (before - last.len()) as u64;
            if ended {
                self.detached.pop();
            }
        }
    }

    /// Whether something waits to be freed.
    pub(crate) fn is_freeing(&self) -> bool {
        !self.detached.is_empty() || !self.buried.is_empty()
    }

    /// Entries that wait to be freed.
    pub(crate) fn pending_entries(&self) -> usize {
        self.detached.iter().map(Detached::len).sum::<usize>() + self.buried.len()
    }

    /// Bytes that wait to be freed.
    pub(crate) fn pending_bytes(&self) -> usize {
        let detached = self.detached.iter().map(Detached::memory_bytes);
        let buried = self.buried.iter().map(Object::memory_bytes);
        detached.sum::<usize>() + buried.sum::<usize>()
    }

    /// Bytes of all entries and tables.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.all.iter().map(Keyspace::memory_bytes).sum()
    }

    /// Keys in all databases.
    pub(crate) fn keys(&self) -> usize {
        self.all.iter().map(Keyspace::len).sum()
    }
}
