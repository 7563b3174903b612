//! One database: keys in order, each with its value and perhaps an expiry. Expiry is looked at on
//! every access; nothing expires on its own.

use crate::naive;
use std::collections::BTreeMap;

/// How the server says that it stores a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Int,
    Embstr,
    Raw,
}

/// Longest string in bytes that is stored beside its header.
const EMBSTR_LEN_MAX: usize = 44;

/// A value with its expiry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) value: Vec<u8>,
    pub(crate) encoding: Encoding,
    /// Milliseconds of Unix time; the key is there as long as the clock is not beyond it.
    pub(crate) expire_ms: Option<i64>,
}

impl Entry {
    /// A value as SET stores it: integers as integers.
    pub(crate) fn stored(value: &[u8]) -> Self {
        let mut entry = Self::text(value);
        if naive::parse_int(value).is_some() {
            entry.encoding = Encoding::Int;
        }
        entry
    }

    /// A value that is kept as text even where it is an integer.
    pub(crate) fn text(value: &[u8]) -> Self {
        let encoding = if value.len() <= EMBSTR_LEN_MAX {
            Encoding::Embstr
        } else {
            Encoding::Raw
        };
        Self {
            value: value.to_vec(),
            encoding,
            expire_ms: None,
        }
    }

    fn is_expired(&self, now_ms: i64) -> bool {
        self.expire_ms.is_some_and(|at| now_ms > at)
    }
}

/// One database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Db {
    entries: BTreeMap<Vec<u8>, Entry>,
}

impl Db {
    /// The live entry of a key. One that has expired is removed.
    pub(crate) fn find(&mut self, now_ms: i64, key: &[u8]) -> Option<&mut Entry> {
        if self.entries.get(key)?.is_expired(now_ms) {
            self.entries.remove(key);
        }
        self.entries.get_mut(key)
    }

    /// Stores an entry over whatever is there.
    pub(crate) fn put(&mut self, key: &[u8], entry: Entry) {
        self.entries.insert(key.to_vec(), entry);
    }

    /// Stores an entry, unless its expiry has come already: then the key is gone.
    pub(crate) fn put_unless_past(&mut self, now_ms: i64, key: &[u8], entry: Entry) {
        if entry.expire_ms.is_some_and(|at| at <= now_ms) {
            self.entries.remove(key);
        } else {
            self.put(key, entry);
        }
    }

    /// Takes the live entry of a key out.
    pub(crate) fn take(&mut self, now_ms: i64, key: &[u8]) -> Option<Entry> {
        self.entries
            .remove(key)
            .filter(|entry| !entry.is_expired(now_ms))
    }

    /// Live keys in order.
    pub(crate) fn keys(&self, now_ms: i64) -> impl Iterator<Item = &Vec<u8>> {
        self.entries
            .iter()
            .filter(move |(_, entry)| !entry.is_expired(now_ms))
            .map(|(key, _)| key)
    }

    /// Number of keys; None while some have expired and nobody has looked.
    pub(crate) fn len(&self, now_ms: i64) -> Option<usize> {
        let live = self.keys(now_ms).count();
        (live == self.entries.len()).then_some(live)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}
