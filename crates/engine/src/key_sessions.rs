//! Sessions by key: who watches which keys (WATCH), and who waits for which (BLPOP and its kin).
//!
//! What follows when a key changes is the business of whoever asks.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use crate::SessionId;

/// A key of a database.
pub(crate) type DbKey = (u32, Box<[u8]>);

/// The sessions of each key, in the order in which they came, and the memory of all that.
#[derive(Debug, Default)]
pub(crate) struct KeySessions {
    keys: BTreeMap<DbKey, Vec<SessionId>>,
    bytes: usize,
}

/// What a key takes without its name and its sessions.
const KEY_BYTES: usize = size_of::<DbKey>() + size_of::<Vec<SessionId>>();

impl KeySessions {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Number of distinct keys.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Bytes of the keys and of their sessions.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// What [`KeySessions::memory_bytes`] has to be, by a walk over all keys.
    pub(crate) fn recount_bytes(&self) -> usize {
        let of_key = |((_, name), sessions): (&DbKey, &Vec<SessionId>)| {
            KEY_BYTES + name.len() + sessions.len() * size_of::<SessionId>()
        };
        self.keys.iter().map(of_key).sum()
    }

    /// Pairs of a key and a session.
    pub(crate) fn pairs_len(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// Adds a session that the key has not got yet.
    pub(crate) fn add(&mut self, key: DbKey, session: SessionId) {
        let name_bytes = key.1.len();
        let sessions = self.keys.entry(key).or_default();
        if sessions.is_empty() {
            self.bytes += KEY_BYTES + name_bytes;
        }
        self.bytes += size_of::<SessionId>();
        sessions.push(session);
    }

    /// Removes a session, and with the last one the key.
    pub(crate) fn remove(&mut self, key: &DbKey, session: SessionId) {
        if let Some(sessions) = self.keys.get_mut(key) {
            let before = sessions.len();
            sessions.retain(|id| *id != session);
            self.bytes -= (before - sessions.len()) * size_of::<SessionId>();
            if sessions.is_empty() {
                self.bytes -= KEY_BYTES + key.1.len();
                self.keys.remove(key);
            }
        }
    }

    /// The sessions of a key.
    pub(crate) fn sessions(&self, key: &DbKey) -> &[SessionId] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }

    /// Every key of a database with its sessions.
    pub(crate) fn of_db(&self, db: u32) -> impl Iterator<Item = (&DbKey, &[SessionId])> {
        let from = (db, Box::default());
        self.keys
            .range(from..)
            .take_while(move |((at, _), _)| *at == db)
            .map(|(key, sessions)| (key, sessions.as_slice()))
    }
}
