//! An entry of a keyspace: a key, its expiry and access field, and a value of some type. How the
//! bytes lie is vk-mem's business.

use vk_mem::{Access, Entry, ValueRef};
use vk_resp::Blob;

use crate::num::{INT_TEXT_MAX, format_i64};
use crate::table::{HashSeed, KeyHash, Slot};
use crate::value::{EMBSTR_BYTES_MAX, Encoding, NewValue, Object, StrRef, ValueType};

/// Values stay in the entry while the whole entry has at most about this many bytes.
pub const EMBEDDED_BYTES_MAX: usize = 1024;
/// Header and expiry of an entry with a value near that limit.
const ENTRY_OVERHEAD_BYTES: usize = 32;

/// The `kind` byte of an entry.
mod kind {
    pub(super) const INT: u8 = 0;
    pub(super) const BYTES: u8 = 1;
    pub(super) const RAW: u8 = 2;
    pub(super) const OBJECT: u8 = 3;
}

/// One key with its value.
#[derive(Clone, Debug)]
pub struct DbEntry(Entry<Object>);

impl DbEntry {
    /// A new entry. `expire_ms` is unix time.
    #[must_use]
    pub fn new(key: &[u8], value: NewValue<'_>, expire_ms: Option<i64>, access: Access) -> Self {
        Self(match stored(key.len(), value) {
            Stored::Int(value) => {
                Entry::new_bytes(key, kind::INT, access, expire_ms, &value.to_ne_bytes())
            }
            Stored::Bytes(kind, bytes) => Entry::new_bytes(key, kind, access, expire_ms, bytes),
            Stored::Object(object) => {
                Entry::new_boxed(key, kind::OBJECT, access, expire_ms, object)
            }
        })
    }

    /// The key.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.0.key()
    }

    /// Unix time in milliseconds at which the key expires, if it does.
    #[inline]
    #[must_use]
    pub fn expire_ms(&self) -> Option<i64> {
        self.0.expire_ms()
    }

    /// The value, if it is a string.
    #[inline]
    #[must_use]
    pub fn str(&self) -> Option<StrRef<'_>> {
        Some(match self.0.value() {
            ValueRef::Bytes(bytes) if self.0.kind() == kind::INT => StrRef::Int(int_of(bytes)),
            ValueRef::Bytes(bytes) => StrRef::Bytes(bytes),
            ValueRef::Boxed(Object::Blob(blob)) => StrRef::Blob(blob),
        })
    }

    /// The value's type.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self.0.value() {
            ValueRef::Bytes(_) | ValueRef::Boxed(Object::Blob(_)) => ValueType::String,
        }
    }

    /// The encoding to report.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        match (self.0.kind(), self.0.value()) {
            (kind::INT, _) => Encoding::Int,
            (kind::BYTES, ValueRef::Bytes(bytes)) if bytes.len() <= EMBSTR_BYTES_MAX => {
                Encoding::Embstr
            }
            _ => Encoding::Raw,
        }
    }

    /// The access field: 24 bits of LRU clock or LFU counter.
    #[inline]
    #[must_use]
    pub fn access(&self) -> Access {
        self.0.access()
    }

    /// Writes the access field.
    #[inline]
    pub fn set_access(&mut self, access: Access) {
        self.0.set_access(access);
    }

    /// Bytes of the entry and of what its value owns elsewhere, rounded to size classes.
    #[inline]
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        let outside = match self.0.value() {
            ValueRef::Bytes(_) => 0,
            ValueRef::Boxed(object) => object.memory_bytes(),
        };
        self.0.allocated_bytes() + outside
    }

    /// The same value, expiry and access field under another key.
    #[must_use]
    pub fn renamed(self, key: &[u8]) -> Self {
        Self(self.0.renamed(key))
    }

    /// A copy under another key. Blobs are shared until one of the two changes.
    #[must_use]
    pub fn duplicate(&self, key: &[u8]) -> Self {
        Self(self.0.duplicate(key))
    }

    /// Takes the value out if it lives outside of the entry; `None` drops the entry whole.
    #[must_use]
    pub fn into_object(self) -> Option<Object> {
        self.0.into_boxed().ok()
    }

    /// Replaces value and expiry; in place if the size class stays the same. Returns a value that
    /// lived outside of the entry, so that the caller decides where it is dropped.
    #[inline]
    pub(crate) fn overwrite(
        &mut self,
        value: NewValue<'_>,
        expire_ms: Option<i64>,
    ) -> Option<Object> {
        let (kind, bytes, text);
        match (stored(self.0.key().len(), value), self.0.boxed_mut()) {
            (Stored::Object(object), Some(place)) => {
                let before = core::mem::replace(place, object);
                self.0.set_kind(kind::OBJECT);
                self.0.set_expire_ms(expire_ms);
                return Some(before);
            }
            (Stored::Object(object), None) => {
                self.0.overwrite_boxed(kind::OBJECT, expire_ms, object);
                return None;
            }
            (Stored::Int(value), _) => {
                text = value.to_ne_bytes();
                (kind, bytes) = (kind::INT, &text[..]);
            }
            (Stored::Bytes(new_kind, new_bytes), _) => (kind, bytes) = (new_kind, new_bytes),
        }
        if self.0.kind() != kind::OBJECT {
            self.0.overwrite_bytes(kind, expire_ms, bytes);
            return None;
        }
        let small = Entry::new_bytes(self.0.key(), kind, self.0.access(), expire_ms, bytes);
        core::mem::replace(&mut self.0, small).into_boxed().ok()
    }

    #[inline]
    pub(crate) fn is_int(&self) -> bool {
        self.0.kind() == kind::INT
    }

    /// Replaces an integer in place.
    #[inline]
    pub(crate) fn set_int(&mut self, value: i64) -> bool {
        match self.0.bytes_mut().and_then(|bytes| bytes.first_chunk_mut()) {
            Some(place) => {
                *place = value.to_ne_bytes();
                true
            }
            None => false,
        }
    }

    pub(crate) fn set_expire_ms(&mut self, expire_ms: Option<i64>) {
        self.0.set_expire_ms(expire_ms);
    }

    /// Makes the string `new_len` bytes long (zeros are added, the end is cut off), makes it
    /// `raw`, and lends its bytes. `None` if the value is no string.
    pub(crate) fn bytes_for_update(&mut self, new_len: usize) -> Option<&mut [u8]> {
        let expire_ms = self.0.expire_ms();
        match self.0.kind() {
            kind::INT => {
                let mut text = [0; INT_TEXT_MAX];
                let ValueRef::Bytes(bytes) = self.0.value() else {
                    return None;
                };
                let digits = format_i64(int_of(bytes), &mut text);
                self.0.overwrite_bytes(kind::RAW, expire_ms, digits);
            }
            kind::BYTES => self.0.set_kind(kind::RAW),
            _ => {}
        }
        if let ValueRef::Bytes(bytes) = self.0.value() {
            if embeds(self.0.key().len(), new_len) {
                return self.0.resize_bytes(new_len);
            }
            let kept = bytes.get(..new_len).unwrap_or(bytes);
            let mut grown = alloc::vec::Vec::with_capacity(new_len);
            grown.extend_from_slice(kept);
            let object = Object::Blob(Blob::from(grown));
            self.0.overwrite_boxed(kind::OBJECT, expire_ms, object);
        }
        match self.0.boxed_mut()? {
            Object::Blob(blob) => {
                let bytes = blob.make_mut();
                bytes.resize(new_len, 0);
                Some(bytes)
            }
        }
    }
}

impl Slot for DbEntry {
    type Image = Self;

    #[inline]
    fn hash(&self, seed: &HashSeed) -> KeyHash {
        seed.hash(self.key())
    }

    #[inline]
    fn expire_ms(&self) -> Option<i64> {
        self.0.expire_ms()
    }

    #[inline]
    fn memory_bytes(&self) -> usize {
        self.allocated_bytes()
    }

    #[inline]
    fn prefetch(&self) {
        self.0.prefetch();
    }

    fn image(&self) -> Self {
        self.clone()
    }
}

/// How a value is stored.
enum Stored<'a> {
    Int(i64),
    Bytes(u8, &'a [u8]),
    Object(Object),
}

#[inline]
fn stored(key_len: usize, value: NewValue<'_>) -> Stored<'_> {
    match value {
        NewValue::Int(value) => Stored::Int(value),
        NewValue::Bytes(bytes) if embeds(key_len, bytes.len()) => Stored::Bytes(kind::BYTES, bytes),
        NewValue::Raw(bytes) if embeds(key_len, bytes.len()) => Stored::Bytes(kind::RAW, bytes),
        NewValue::Bytes(bytes) | NewValue::Raw(bytes) => {
            Stored::Object(Object::Blob(Blob::from(bytes.to_vec())))
        }
        NewValue::Blob(blob) => Stored::Object(Object::Blob(blob)),
    }
}

/// A value of this length belongs into the entry.
#[inline]
fn embeds(key_len: usize, value_len: usize) -> bool {
    key_len.saturating_add(value_len) <= EMBEDDED_BYTES_MAX - ENTRY_OVERHEAD_BYTES
        // A long key fills the limit by itself, but a blob costs more than a short value.
        || value_len <= EMBSTR_BYTES_MAX
}

#[inline]
fn int_of(bytes: &[u8]) -> i64 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| i64::from_ne_bytes(*bytes))
}
