//! Changing a hash where it lies, and making a new one. A small hash becomes a large one here; a
//! large one stays large, as in Valkey.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{
    Expiring, FieldExpire, FieldValue, Hash, HashLimits, HashRef, NOTHING_EXPIRES_MS, Persisted,
    Put, small,
};
use crate::bounds::PACK_BYTES_MAX;
use crate::listpack::{EMPTY, Listpack};
use crate::pack::{Body, BodyMut, PackBuf, PackKind};
use crate::value::{NewValue, Object, StrRef};

/// Bytes that an item needs in a listpack beside its own, at most.
const ITEM_OVERHEAD_BYTES: usize = 10;

/// A hash to be changed.
#[derive(Debug)]
pub struct HashMut<'a>(BodyMut<'a>);

impl<'a> HashMut<'a> {
    /// The hash, if the value is one.
    #[must_use]
    pub fn of(body: BodyMut<'a>) -> Option<Self> {
        let is_hash = matches!(
            body.body(),
            Some(Body::Pack(PackKind::Hash, _) | Body::Object(Object::Hash(_)))
        );
        is_hash.then_some(Self(body))
    }

    /// The hash as it is now.
    #[must_use]
    pub fn view(&self) -> HashRef<'_> {
        let view = self.0.body().and_then(|body| HashRef::of_body(&body));
        view.unwrap_or(HashRef::Small(Listpack::new(&EMPTY)))
    }

    /// Prepares for `fields` fields to be set, new or not: more than a small hash may have make it
    /// large at once.
    pub fn prepare(&mut self, fields: usize, limits: &HashLimits) {
        if fields > limits.entries {
            self.make_large(limits);
        }
    }

    /// Sets a field.
    pub fn set(
        &mut self,
        name: &[u8],
        value: FieldValue<'_>,
        expire: FieldExpire,
        now_ms: i64,
        limits: &HashLimits,
    ) -> Put {
        if let Some(hash) = self.large() {
            return hash.set(name, value, expire, now_ms);
        }
        if fits(self.0.bytes().len(), name, value, expire, limits) {
            let put = set_small(&mut self.0, name, value);
            if small::len(self.0.bytes()) > limits.entries {
                self.make_large(limits);
            }
            return put;
        }
        match self.make_large(limits) {
            Some(hash) => hash.set(name, value, expire, now_ms),
            // It has just become large.
            None => Put::Updated,
        }
    }

    /// Removes a field; tells whether it was there. An expired one stays.
    pub fn remove(&mut self, name: &[u8], now_ms: i64) -> bool {
        match self.large() {
            Some(hash) => hash.remove(name, now_ms),
            None => small::remove(&mut self.0, name),
        }
    }

    /// Removes a field, expired or not; tells whether it was stored.
    pub fn purge(&mut self, name: &[u8]) -> bool {
        self.remove(name, NOTHING_EXPIRES_MS)
    }

    /// Makes a field expire at `at_ms`, or removes it if that has `passed`. `allows` is asked first
    /// with the expiry that the field has.
    pub fn expire(
        &mut self,
        name: &[u8],
        (at_ms, passed): (i64, bool),
        now_ms: i64,
        limits: &HashLimits,
        allows: impl FnOnce(Option<i64>) -> bool,
    ) -> Expiring {
        if self.large().is_none() {
            if small::find(Listpack::new(self.0.bytes()), name).is_none() {
                return Expiring::Absent;
            }
            if !allows(None) {
                return Expiring::Refused;
            }
            if passed {
                small::remove(&mut self.0, name);
                return Expiring::Removed;
            }
            let large = self.make_large(limits);
            return large.map_or(Expiring::Absent, |hash| {
                hash.expire(name, at_ms, passed, now_ms, |_| true)
            });
        }
        self.large().map_or(Expiring::Absent, |hash| {
            hash.expire(name, at_ms, passed, now_ms, allows)
        })
    }

    /// Makes a field stay.
    pub fn persist(&mut self, name: &[u8], now_ms: i64) -> Persisted {
        if let Some(hash) = self.large() {
            return hash.persist(name, now_ms);
        }
        match small::find(Listpack::new(self.0.bytes()), name) {
            Some(_) => Persisted::Unchanged,
            None => Persisted::Absent,
        }
    }

    /// Removes fields whose time has come and tells `expired` their names; about `budget` fields
    /// are looked at. `true` when no expired field is left: then the bound of [`Hash::due_ms`] is
    /// the time of the next.
    pub fn expire_slice(
        &mut self,
        now_ms: i64,
        budget: usize,
        expired: &mut impl FnMut(&[u8]),
    ) -> bool {
        match self.large() {
            Some(hash) => hash.expire_slice(now_ms, budget, expired),
            None => true,
        }
    }

    fn large(&mut self) -> Option<&mut Hash> {
        match self.0.object_mut() {
            Some(Object::Hash(hash)) => Some(hash),
            _ => None,
        }
    }

    fn make_large(&mut self, limits: &HashLimits) -> Option<&mut Hash> {
        if self.large().is_none() {
            let hash = large_of(self.0.bytes(), limits);
            self.0.become_object(Object::Hash(hash));
        }
        self.large()
    }
}

/// A new hash, of the best encoding.
#[derive(Debug)]
pub struct HashBuilder {
    limits: HashLimits,
    pack: Vec<u8>,
    large: Option<Box<Hash>>,
}

impl HashBuilder {
    /// For about `fields` fields, whose names and values have `bytes` bytes together. Only the
    /// bytes are reserved, and not more than a small hash has.
    #[must_use]
    pub fn new(limits: HashLimits, fields: usize, bytes: usize) -> Self {
        let mut pack = Vec::new();
        let mut large = None;
        if fields > limits.entries {
            large = Some(Box::new(Hash::new(limits.seed)));
        } else {
            let items_max = limits.value_bytes.saturating_mul(2).saturating_mul(fields);
            let overhead = fields.saturating_mul(2 * ITEM_OVERHEAD_BYTES);
            let room = bytes
                .min(items_max)
                .min(PACK_BYTES_MAX)
                .saturating_add(overhead);
            pack.reserve_exact(room.saturating_add(EMPTY.len()));
            pack.extend_from_slice(&EMPTY);
        }
        Self {
            limits,
            pack,
            large,
        }
    }

    /// Sets a field; a second value for the same one replaces the first.
    pub fn set(&mut self, name: &[u8], value: FieldValue<'_>, expire: FieldExpire) -> Put {
        if let Some(hash) = &mut self.large {
            return hash.set(name, value, expire, NOTHING_EXPIRES_MS);
        }
        if fits(self.pack.len(), name, value, expire, &self.limits) {
            let put = set_small(&mut self.pack, name, value);
            if small::len(&self.pack) > self.limits.entries {
                self.large = Some(large_of(&self.pack, &self.limits));
            }
            return put;
        }
        let hash = large_of(&self.pack, &self.limits);
        let hash = self.large.insert(hash);
        hash.set(name, value, expire, NOTHING_EXPIRES_MS)
    }

    /// Fields so far.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.large {
            Some(hash) => hash.len(),
            None => small::len(&self.pack),
        }
    }

    /// There is no field yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value to be stored. It takes a large hash out of the builder.
    pub fn finish(&mut self) -> NewValue<'_> {
        match self.large.take() {
            Some(hash) => NewValue::Object(Object::Hash(hash)),
            None => NewValue::Pack(PackKind::Hash, &self.pack),
        }
    }
}

/// Whether a small hash of `bytes` may take this field and stay small.
#[inline]
fn fits(
    bytes: usize,
    name: &[u8],
    value: FieldValue<'_>,
    expire: FieldExpire,
    limits: &HashLimits,
) -> bool {
    let value = value.bytes();
    let added = name.len().saturating_add(value.len());
    name.len() <= limits.value_bytes
        && value.len() <= limits.value_bytes
        && !matches!(expire, FieldExpire::At(_))
        && bytes.saturating_add(added) <= PACK_BYTES_MAX - 2 * ITEM_OVERHEAD_BYTES
}

#[inline]
fn set_small(buf: &mut impl PackBuf, name: &[u8], value: FieldValue<'_>) -> Put {
    if small::set(buf, name, value.bytes()) {
        Put::Added
    } else {
        Put::Updated
    }
}

/// A table with the fields of a listpack.
fn large_of(pack: &[u8], limits: &HashLimits) -> Box<Hash> {
    let mut hash = Box::new(Hash::new(limits.seed));
    let (mut a, mut b) = ([0; crate::num::INT_TEXT_MAX], [0; crate::num::INT_TEXT_MAX]);
    for (name, value) in small::pairs(Listpack::new(pack)) {
        let value = FieldValue::Bytes(StrRef::bytes(value, &mut a));
        let name = StrRef::bytes(name, &mut b);
        hash.set(name, value, FieldExpire::Never, NOTHING_EXPIRES_MS);
    }
    hash
}
