//! The numbered databases, with expiry on access.
//!
//! What a change of a key entails (WATCH, notification, effect) is in `ctx`; here is only storage.

use alloc::vec::Vec;

use vk_data::{
    entry::DbEntry,
    keyspace::{Detached, Keyspace},
    table::HashSeed,
};

use crate::access::KeyRef;

/// All databases, and what is left of flushed ones.
#[derive(Debug)]
pub(crate) struct Databases {
    all: Vec<Keyspace>,
    seed: HashSeed,
    /// Emptied tables that are freed bit by bit.
    detached: Vec<Detached>,
}

impl Databases {
    pub(crate) fn new(count: usize, seed: HashSeed) -> Self {
        let all = (0..count).map(|_| Keyspace::new(seed)).collect();
        Self {
            all,
            seed,
            detached: Vec::new(),
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
        if keys > 0 {
            self.detached.push(db.take());
        }
        keys
    }

    /// Frees some of what was flushed.
    pub(crate) fn free_slice(&mut self, entries_max: usize) {
        if let Some(last) = self.detached.last_mut()
            && last.drop_slice(entries_max)
        {
            self.detached.pop();
        }
    }

    /// Whether flushed entries wait to be freed.
    pub(crate) fn is_freeing(&self) -> bool {
        !self.detached.is_empty()
    }

    /// Flushed entries that wait to be freed.
    pub(crate) fn pending_entries(&self) -> usize {
        self.detached.iter().map(Detached::len).sum()
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
