//! What a command has changed of the keys that are watched and waited for. Found by comparing the
//! keys before and after; what a write does to a key that looks the same is not known.

use crate::server::{DbKey, Server};
use crate::{Model, ModelReply};

/// Whether something has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sure {
    No,
    Perhaps,
    Yes,
}

/// Commands that change nothing.
const READING: &[&str] = &[
    "dbsize",
    "exists",
    "get",
    "getrange",
    "hget",
    "hgetall",
    "hlen",
    "keys",
    "lindex",
    "llen",
    "lrange",
    "mget",
    "object|encoding",
    "pexpiretime",
    "pttl",
    "scard",
    "select",
    "sismember",
    "smembers",
    "strlen",
    "touch",
    "ttl",
    "type",
    "xlen",
    "xrange",
    "xread",
    "zcard",
    "zrange",
    "zscore",
];

/// Commands that have changed nothing where their reply is 0.
const NOTHING_AT_ZERO: &[&str] = &[
    "copy", "del", "expire", "hdel", "move", "persist", "pexpire", "renamenx", "sadd", "setnx",
    "smove", "srem", "unlink", "xdel", "zrem",
];

/// Whether a command with this reply has certainly changed nothing.
pub(crate) fn changes_nothing(name: &str, reply: &ModelReply) -> bool {
    READING.contains(&name)
        || matches!(reply, ModelReply::Error(_))
        || (NOTHING_AT_ZERO.contains(&name) && *reply == ModelReply::Int(0))
}

impl Server {
    /// Compares what is watched and waited for with what it was. `written` are the words of a
    /// command that may have changed something though it looks the same.
    pub(crate) fn note_changes(&mut self, before: &Model, name: &str, written: &[Vec<u8>]) {
        let (after, now_ms) = (&self.model, self.now_ms);
        let differs = |(db, key): &DbKey| {
            let entries = [before, after].map(|model| model.dbs[*db].peek(now_ms, key));
            match entries {
                [None, None] => false,
                [Some(was), Some(is)] => !was.is_same(is),
                _ => true,
            }
        };
        let is_swap = name == "swapdb";
        let was_there = |(db, key): &DbKey| before.dbs[*db].peek(now_ms, key).is_some();
        for watched in self
            .sessions
            .iter_mut()
            .flatten()
            .flat_map(|s| &mut s.watched)
        {
            let (_, key) = &watched.key;
            let is_touched = if differs(&watched.key) {
                // What counts as a change of a group is not known.
                let of_group = name.starts_with("xreadgroup") || name.starts_with("xack");
                if of_group { Sure::Perhaps } else { Sure::Yes }
            } else if is_swap && was_there(&watched.key) {
                Sure::Yes
            } else if written.contains(key) {
                Sure::Perhaps
            } else {
                Sure::No
            };
            watched.is_touched = watched.is_touched.max(is_touched);
        }
        let mut changed: Vec<DbKey> = Vec::new();
        for wait in &self.waits {
            let session = self.sessions[wait.who].as_ref();
            let db = session.map_or(0, |session| session.db);
            let ends_it = |(db, key): &DbKey| {
                let entry = after.dbs[*db].peek(now_ms, key);
                wait.waiting.ends_with_key()
                    || entry.is_some_and(|entry| wait.waiting.is_served_by(&entry.value))
            };
            let keys = wait.waiting.keys.iter().map(|key| (db, key.clone()));
            changed.extend(keys.filter(|key| differs(key) && ends_it(key)));
        }
        // In the order of the request; where it names none, in the order of the keys.
        let place = |(_, key): &DbKey| written.iter().position(|word| word == key);
        changed.sort_by_key(|key| (place(key), key.clone()));
        for key in changed {
            if !self.ready.contains(&key) {
                self.ready.push(key);
            }
        }
    }
}
