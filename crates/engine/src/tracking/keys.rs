//! Keys and who has read them. Nothing about sessions but their ids.

use alloc::{boxed::Box, vec::Vec};

use smallvec::SmallVec;
use vk_data::table::{CutId, HashSeed, KeyHash, Slot, Table};
use vk_mem::size_class;

use crate::SessionId;

/// A table of at most so many keys is freed at once.
const FREE_AT_ONCE_MAX: usize = 64;
/// From so many readers on, those that are gone are looked for before more room is taken.
const SWEEP_FROM: usize = 8;

/// A key that sessions have read.
#[derive(Debug)]
pub(super) struct Tracked {
    key: Box<[u8]>,
    /// In order, each once.
    sessions: SmallVec<[SessionId; 2]>,
}

impl Tracked {
    /// The name of the key.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Who has read it; some may be gone.
    pub(super) fn sessions(&self) -> &[SessionId] {
        &self.sessions
    }

    /// Adds a reader that is not there. Where that would take more room, those that are gone are
    /// removed first, so that there is never more than twice the room that the others need.
    fn add(&mut self, session: SessionId, is_live: impl Fn(SessionId) -> bool) {
        let len = self.sessions.len();
        if len >= SWEEP_FROM && len == self.sessions.capacity() {
            self.sessions.retain(|id| is_live(*id));
        }
        if let Err(at) = self.sessions.binary_search(&session) {
            self.sessions.insert(at, session);
        }
    }
}

impl Slot for Box<Tracked> {
    type Image = ();

    fn hash(&self, seed: &HashSeed) -> KeyHash {
        seed.hash(&self.key)
    }

    fn expire_ms(&self) -> Option<i64> {
        None
    }

    fn memory_bytes(&self) -> usize {
        let outside = if self.sessions.spilled() {
            size_class(self.sessions.capacity() * size_of::<SessionId>())
        } else {
            0
        };
        size_class(size_of::<Tracked>()) + size_class(self.key.len()) + outside
    }

    fn prefetch(&self) {}

    fn image(&mut self, _: CutId) -> Self::Image {}

    fn image_bytes((): &()) -> usize {
        0
    }
}

/// Readers by key.
#[derive(Debug)]
pub(super) struct KeyTable {
    table: Table<Box<Tracked>>,
    /// Pairs of a key and a reader.
    items: usize,
    /// Tables that nothing is looked up in any more.
    detached: Vec<Table<Box<Tracked>>>,
}

impl KeyTable {
    pub(super) fn new(seed: HashSeed) -> Self {
        Self {
            table: Table::new(seed),
            items: 0,
            detached: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn items_len(&self) -> usize {
        self.items
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let detached = self.detached.iter().map(Table::memory_bytes);
        self.table.memory_bytes() + detached.sum::<usize>()
    }

    /// What [`KeyTable::memory_bytes`] has to be, by a walk over everything.
    pub(super) fn recount_bytes(&self) -> usize {
        let detached = self.detached.iter().map(Table::recount_bytes);
        self.table.recount_bytes() + detached.sum::<usize>()
    }

    /// Notes a reader of a key. `is_live` tells which of the others are still there.
    pub(super) fn remember(
        &mut self,
        hash: KeyHash,
        key: &[u8],
        session: SessionId,
        is_live: impl Fn(SessionId) -> bool,
    ) {
        let Some(loc) = self.table.locate(hash, |tracked| *tracked.key == *key) else {
            let sessions = SmallVec::from_slice(&[session]);
            let key = key.into();
            self.table.insert(hash, Box::new(Tracked { key, sessions }));
            self.items += 1;
            return;
        };
        let known = self.table.at(loc).map_or(&[][..], |t| t.sessions());
        if known.binary_search(&session).is_ok() {
            return;
        }
        let before = known.len();
        let after = self.table.update(loc, |tracked| {
            tracked.add(session, is_live);
            tracked.sessions.len()
        });
        self.items = self.items - before + after.unwrap_or(before);
    }

    /// Forgets a key.
    pub(super) fn take(&mut self, hash: KeyHash, key: &[u8]) -> Option<Box<Tracked>> {
        let taken = self.table.remove(hash, |tracked| *tracked.key == *key)?;
        self.items -= taken.sessions.len();
        Some(taken)
    }

    /// Forgets a key that `seed` chooses.
    pub(super) fn take_random(&mut self, seed: u64) -> Option<Box<Tracked>> {
        let key = self.table.random(seed)?.key.clone();
        self.take(self.table.seed().hash(&key), &key)
    }

    /// Forgets everything at once; the memory is freed by [`KeyTable::free_slice`].
    pub(super) fn clear(&mut self) {
        let seed = self.table.seed();
        let table = core::mem::replace(&mut self.table, Table::new(seed));
        self.items = 0;
        if table.len() > FREE_AT_ONCE_MAX {
            self.detached.push(table);
        }
    }

    pub(super) fn is_freeing(&self) -> bool {
        !self.detached.is_empty()
    }

    /// Frees about so many keys of what was forgotten as a whole.
    pub(super) fn free_slice(&mut self, entries_max: usize) {
        if let Some(last) = self.detached.last_mut()
            && last.drop_slice(entries_max, &mut drop)
        {
            self.detached.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use vk_data::table::HashSeed;

    use super::KeyTable;
    use crate::{SessionId, session::Sessions};

    fn ids(count: usize) -> alloc::vec::Vec<SessionId> {
        let mut sessions = Sessions::default();
        let add = |_| sessions.add(crate::session::tests::session);
        (0..count).map(add).collect()
    }

    #[test]
    fn readers_that_are_gone_make_room() {
        let seed = HashSeed { k0: 1, k1: 2 };
        let mut keys = KeyTable::new(seed);
        let ids = ids(10_000);
        for (at, id) in ids.iter().enumerate() {
            // At any time only the last three are there.
            let first = ids.get(at.saturating_sub(2)).copied();
            keys.remember(seed.hash(b"k"), b"k", *id, |id| Some(id) >= first);
            keys.remember(seed.hash(b"k"), b"k", *id, |_| true);
            assert!(keys.items_len() <= 16, "{}", keys.items_len());
        }
        assert_eq!(keys.len(), 1);
        let taken = keys.take(seed.hash(b"k"), b"k");
        assert!(taken.is_some_and(|t| t.sessions().is_sorted() && t.key() == b"k"));
        assert_eq!((keys.len(), keys.items_len()), (0, 0));
        assert_eq!(keys.memory_bytes(), keys.table.table_bytes());
    }

    #[test]
    fn a_big_table_is_freed_in_slices() {
        let seed = HashSeed { k0: 1, k1: 2 };
        let mut keys = KeyTable::new(seed);
        let id = ids(1).pop();
        for number in 0..5000 {
            let key = format!("key:{number}");
            let id = id.into_iter();
            id.for_each(|id| {
                keys.remember(seed.hash(key.as_bytes()), key.as_bytes(), id, |_| true)
            });
        }
        assert!(keys.take_random(7).is_some());
        assert_eq!((keys.len(), keys.items_len()), (4999, 4999));
        let bytes = keys.memory_bytes();
        keys.clear();
        assert_eq!((keys.len(), keys.items_len()), (0, 0));
        assert_eq!(keys.memory_bytes(), bytes);
        let mut slices = 0;
        while keys.is_freeing() {
            keys.free_slice(100);
            slices += 1;
        }
        assert!(slices > 3, "{slices}");
        assert_eq!(keys.memory_bytes(), 0);
    }
}
