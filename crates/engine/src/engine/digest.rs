//! Fingerprints of values and of the whole dataset: equal contents, equal digest, whatever the
//! order of tables, the encodings, and what is cached about entries.

use sha2::{Digest as _, Sha256};
use vk_data::{
    entry::DbEntry,
    hash::HashRef,
    list::ListRef,
    num::INT_TEXT_MAX,
    set::SetRef,
    stream::StreamRef,
    value::{StrRef, View},
    zset::ZSetRef,
};

use crate::Engine;

/// Fingerprint of all databases; independent of order and of what is cached about entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest(pub [u8; 20]);

impl Engine {
    /// Fingerprint of all databases: equal contents, equal digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut sum = [0_u8; 20];
        for (index, db) in self.dbs.iter() {
            db.for_each(&mut |entry| {
                for (to, from) in sum.iter_mut().zip(entry_digest(index, entry)) {
                    *to ^= from;
                }
            });
        }
        Digest(sum)
    }
}

/// Fingerprint of one key with its database, value and expiry.
pub(crate) fn entry_digest(db: u32, entry: &DbEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(db.to_le_bytes());
    hash.update((entry.key().len() as u64).to_le_bytes());
    hash.update(entry.key());
    hash.update(entry.expire_ms().unwrap_or(-1).to_le_bytes());
    hash.update(value_digest(entry));
    hash.finalize().into()
}

/// Fingerprint of a value alone.
pub(crate) fn value_digest(entry: &DbEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    let text = &mut [0; INT_TEXT_MAX];
    hash.update(entry.value_type().name());
    if let Some(string) = StrRef::of(entry) {
        hash.update(string.bytes(text));
    } else if let Some(list) = ListRef::of(entry) {
        list.iter()
            .for_each(|item| part(&mut hash, item.bytes(text)));
    } else if let Some(set) = SetRef::of(entry) {
        let mut sum = [0; 32];
        set.iter().for_each(|member| {
            mix(&mut sum, |one| one.update(member.bytes(text)));
        });
        hash.update(sum);
    } else if let Some(fields) = HashRef::of(entry) {
        let mut sum = [0; 32];
        fields.for_each_stored(&mut |field, value, expire_ms| {
            mix(&mut sum, |one| {
                part(one, field.bytes(text));
                part(one, value.bytes(text));
                one.update(expire_ms.unwrap_or(-1).to_le_bytes());
            });
        });
        hash.update(sum);
    } else if let Some(zset) = ZSetRef::of(entry) {
        for (member, score) in zset.iter() {
            part(&mut hash, member.bytes(text));
            hash.update(score.to_bits().to_le_bytes());
        }
    } else if let Some(stream) = StreamRef::of(entry) {
        stream.feed(&mut |bytes| hash.update(bytes));
    }
    hash.finalize().into()
}

/// Adds a part of a sequence, so that no other division into parts gives the same.
fn part(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Adds an element whose place does not matter.
fn mix(sum: &mut [u8; 32], feed: impl FnOnce(&mut Sha256)) {
    let mut one = Sha256::new();
    feed(&mut one);
    for (to, from) in sum.iter_mut().zip(one.finalize()) {
        *to ^= from;
    }
}
