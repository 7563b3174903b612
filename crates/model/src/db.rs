//! One database: keys in order, each with its value and perhaps an expiry. Expiry is looked at on
//! every access; nothing expires on its own.

use crate::hashes::Hash;
use crate::lists::List;
use crate::naive;
use crate::sets::Set;
use crate::streams::Stream;
use crate::zsets::ZSet;
use std::collections::{BTreeMap, BTreeSet};

/// How the server says that it stores a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Int,
    Embstr,
    Raw,
}

/// How the server says that it stores a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// An intset.
    Ints,
    /// A listpack.
    Pack,
    /// The structure for many elements.
    Big,
    /// Not known for certain.
    Unknown,
}

/// Longest string in bytes that is stored beside its header.
const EMBSTR_LEN_MAX: usize = 44;

/// A value of any type.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    String(Vec<u8>, Encoding),
    List(List),
    Set(Set),
    Hash(Hash),
    ZSet(ZSet),
    Stream(Stream),
    /// A string that counts distinct elements; its bytes are not known here.
    HyperLogLog(BTreeSet<Vec<u8>>),
}

impl Value {
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::String(..) | Self::HyperLogLog(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Hash(_) => "hash",
            Self::ZSet(_) => "zset",
            Self::Stream(_) => "stream",
        }
    }

    /// The name of the encoding, if it is certain.
    pub(crate) fn encoding_name(&self) -> Option<&'static str> {
        Some(match self {
            Self::String(_, Encoding::Int) => "int",
            Self::String(_, Encoding::Embstr) => "embstr",
            Self::String(_, Encoding::Raw) => "raw",
            Self::List(list) => form_name(list.form, "quicklist")?,
            Self::Set(set) => form_name(set.form, "hashtable")?,
            Self::Hash(hash) => form_name(hash.form, "hashtable")?,
            Self::ZSet(zset) => form_name(zset.form, "skiplist")?,
            Self::Stream(_) => "stream",
            Self::HyperLogLog(_) => return None,
        })
    }
}

const fn form_name(form: Form, big: &'static str) -> Option<&'static str> {
    match form {
        Form::Ints => Some("intset"),
        Form::Pack => Some("listpack"),
        Form::Big => Some(big),
        Form::Unknown => None,
    }
}

impl Value {
    /// Whether a client sees no difference but in the encoding.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(a, _), Self::String(b, _)) => a == b,
            (Self::List(a), Self::List(b)) => a.items == b.items,
            (Self::Set(a), Self::Set(b)) => a.members == b.members,
            (Self::Hash(a), Self::Hash(b)) => a.fields == b.fields,
            (Self::ZSet(a), Self::ZSet(b)) => a.pairs == b.pairs,
            (Self::Stream(a), Self::Stream(b)) => a == b,
            (Self::HyperLogLog(a), Self::HyperLogLog(b)) => a == b,
            _ => false,
        }
    }
}

/// A type of collection.
pub(crate) trait Collection: Clone {
    fn of(value: &Value) -> Option<&Self>;
    fn into_value(self) -> Value;
    /// A key does not stay when this is so.
    fn is_gone(&self) -> bool;
}

macro_rules! collection {
    ($type:ident, $gone:expr) => {
        impl Collection for $type {
            fn of(value: &Value) -> Option<&Self> {
                match value {
                    Value::$type(it) => Some(it),
                    _ => None,
                }
            }
            fn into_value(self) -> Value {
                Value::$type(self)
            }
            fn is_gone(&self) -> bool {
                let gone: fn(&Self) -> bool = $gone;
                gone(self)
            }
        }
    };
}

collection!(List, |list| list.items.is_empty());
collection!(Set, |set| set.members.is_empty());
collection!(Hash, |hash| hash.fields.is_empty());
collection!(ZSet, |zset| zset.pairs.is_empty());
collection!(Stream, |_| false);

/// A value with its expiry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    /// Milliseconds of Unix time; the key is there as long as the clock is not beyond it.
    pub(crate) expire_ms: Option<i64>,
}

impl Entry {
    pub(crate) const fn new(value: Value) -> Self {
        Self {
            value,
            expire_ms: None,
        }
    }

    /// A string as SET stores it: integers as integers.
    pub(crate) fn stored(value: &[u8]) -> Self {
        match naive::parse_int(value) {
            Some(_) => Self::new(Value::String(value.to_vec(), Encoding::Int)),
            None => Self::text(value),
        }
    }

    /// A string that is kept as text even where it is an integer.
    pub(crate) fn text(value: &[u8]) -> Self {
        let encoding = if value.len() <= EMBSTR_LEN_MAX {
            Encoding::Embstr
        } else {
            Encoding::Raw
        };
        Self::new(Value::String(value.to_vec(), encoding))
    }

    /// A string that was changed in place.
    pub(crate) const fn raw(value: Vec<u8>, expire_ms: Option<i64>) -> Self {
        Self {
            value: Value::String(value, Encoding::Raw),
            expire_ms,
        }
    }

    /// Whether a client sees no difference but in the encoding.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.expire_ms == other.expire_ms && self.value.is_same(&other.value)
    }

    fn is_expired(&self, now_ms: i64) -> bool {
        self.expire_ms.is_some_and(|at| now_ms > at)
    }

    /// A hash whose fields have all expired, and nobody may have looked.
    fn is_ghost(&self, now_ms: i64) -> bool {
        match &self.value {
            Value::Hash(hash) => hash.is_ghost(now_ms),
            _ => false,
        }
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

    /// The live entry of a key, and nothing is done about one that is not.
    pub(crate) fn peek(&self, now_ms: i64, key: &[u8]) -> Option<&Entry> {
        self.entries
            .get(key)
            .filter(|entry| !entry.is_expired(now_ms))
    }

    /// Whether a key has expired and nobody has looked.
    pub(crate) fn is_overdue(&self, now_ms: i64, key: &[u8]) -> bool {
        self.entries
            .get(key)
            .is_some_and(|entry| entry.is_expired(now_ms))
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

    /// Keys of hashes of which nothing is left, so that nobody knows whether they are there.
    pub(crate) fn ghosts(&self, now_ms: i64) -> impl Iterator<Item = &Vec<u8>> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.is_ghost(now_ms))
            .map(|(key, _)| key)
    }

    /// Whether a field of a hash expires at this very moment.
    pub(crate) fn is_on_edge(&self, now_ms: i64) -> bool {
        let mut values = self.entries.values().map(|entry| &entry.value);
        values.any(|value| matches!(value, Value::Hash(hash) if hash.is_on_edge(now_ms)))
    }

    /// Removes everything that has expired.
    pub(crate) fn sweep(&mut self, now_ms: i64) {
        for entry in self.entries.values_mut() {
            if let Value::Hash(hash) = &mut entry.value {
                hash.sweep(now_ms);
            }
        }
        self.entries
            .retain(|_, entry| !entry.is_expired(now_ms) && !entry.is_ghost(now_ms));
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}
