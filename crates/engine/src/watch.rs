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
}

impl WatchTable {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Number of distinct watched keys.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Adds a watcher.
    pub(crate) fn add(&mut self, key: WatchedKey, session: SessionId) {
        self.keys.entry(key).or_default().push(session);
    }

    /// Removes a watcher.
    pub(crate) fn remove(&mut self, key: &WatchedKey, session: SessionId) {
        if let Some(watchers) = self.keys.get_mut(key) {
            watchers.retain(|id| *id != session);
            if watchers.is_empty() {
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
