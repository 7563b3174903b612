//! WATCH: which sessions look at which keys.
//!
//! A change of a watched key marks the sessions; what follows from the mark is EXEC's business.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use crate::SessionId;

/// A key of a database.
pub(crate) type WatchedKey = (u32, Box<[u8]>);

/// Sessions by watched key.
#[derive(Debug, Default)]
pub(crate) struct WatchTable {
    keys: BTreeMap<WatchedKey, Vec<SessionId>>,
    bytes: usize,
}

/// What a key takes without its name and its watchers.
const KEY_BYTES: usize = size_of::<WatchedKey>() + size_of::<Vec<SessionId>>();

impl WatchTable {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Number of distinct watched keys.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Bytes of the keys and of who watches them.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// What [`WatchTable::memory_bytes`] has to be, by a walk over all keys.
    pub(crate) fn recount_bytes(&self) -> usize {
        let of_key = |((_, key), watchers): (&WatchedKey, &Vec<SessionId>)| {
            KEY_BYTES + key.len() + watchers.len() * size_of::<SessionId>()
        };
        self.keys.iter().map(of_key).sum()
    }

    /// Adds a watcher.
    pub(crate) fn add(&mut self, key: WatchedKey, session: SessionId) {
        let name_bytes = key.1.len();
        let watchers = self.keys.entry(key).or_default();
        if watchers.is_empty() {
            self.bytes += KEY_BYTES + name_bytes;
        }
        self.bytes += size_of::<SessionId>();
        watchers.push(session);
    }

    /// Removes a watcher.
    pub(crate) fn remove(&mut self, key: &WatchedKey, session: SessionId) {
        if let Some(watchers) = self.keys.get_mut(key) {
            let before = watchers.len();
            watchers.retain(|id| *id != session);
            self.bytes -= (before - watchers.len()) * size_of::<SessionId>();
            if watchers.is_empty() {
                self.bytes -= KEY_BYTES + key.1.len();
                self.keys.remove(key);
            }
        }
    }

    /// The sessions that watch a key.
    pub(crate) fn watchers(&self, db: u32, key: &[u8]) -> &[SessionId] {
        if self.keys.is_empty() {
            return &[];
        }
        self.keys.get(&(db, key.into())).map_or(&[], Vec::as_slice)
    }

    /// Every watched key of a database with its watchers.
    pub(crate) fn of_db(&self, db: u32) -> impl Iterator<Item = (&[u8], &[SessionId])> {
        let from = (db, Box::<[u8]>::default());
        self.keys
            .range(from..)
            .take_while(move |((at, _), _)| *at == db)
            .map(|((_, key), watchers)| (&**key, watchers.as_slice()))
    }
}
