//! Expiry of the fields of hashes: what is due goes, slice by slice. Reads never see an expired
//! field, whether or not it is gone already.

use alloc::vec::Vec;

use vk_data::hash::HashMut;

use crate::{Engine, access::KeyRef, config::EventFlags};

impl Engine {
    /// Removes fields of a hash whose time has come, with all that follows; about `budget` fields
    /// are looked at. `true` when no such field is left.
    pub(crate) fn expire_fields(&mut self, key: &KeyRef<'_>, budget: usize) -> bool {
        let now_ms = self.now_ms();
        let mut expired: Vec<Vec<u8>> = Vec::new();
        let Some(db) = self.dbs.db_mut(key.db) else {
            return true;
        };
        let Some(mut entry) = db.entry_mut(key.hash, key.bytes) else {
            return true;
        };
        let Some(mut hash) = entry.body_mut().and_then(HashMut::of) else {
            return true;
        };
        let done = hash.expire_slice(now_ms, budget, &mut |field| expired.push(field.to_vec()));
        let is_empty = entry.is_empty_collection();
        drop(entry);
        if expired.is_empty() {
            return done;
        }
        self.stats.expired_fields += expired.len() as u64;
        self.dirty += expired.len() as u64;
        self.effects.begin();
        let names = expired.iter().map(Vec::as_slice);
        let words: Vec<&[u8]> = [b"HDEL".as_slice(), key.bytes]
            .into_iter()
            .chain(names)
            .collect();
        self.effects.add(key.db, words.into_iter());
        self.effects.end();
        self.key_lapsed(key.db, key.bytes);
        self.notify(key.db, EventFlags::HASH, "hexpired", key.bytes);
        if is_empty {
            self.dbs.delete(key);
            self.notify(key.db, EventFlags::GENERIC, "del", key.bytes);
        }
        done
    }
}
