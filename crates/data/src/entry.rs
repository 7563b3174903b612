//! An entry of a keyspace: a key, its expiry and access field, and a value of some type. How the
//! bytes lie is vk-mem's business.

use core::ops::Range;

use vk_mem::{Access, Entry, ValueRef};
use vk_resp::Blob;

use crate::num::{INT_TEXT_MAX, format_i64};
use crate::pack::{self, Body, BodyMut, OwnPack, PackBuf, PackKind};
use crate::pieces::Image;
use crate::table::{CutId, HashSeed, KeyHash, Slot};
use crate::value::{EMBSTR_BYTES_MAX, Encoding, NewValue, Object, StrRef, ValueType};
use crate::{intset, listpack};

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
    pub(super) const LIST: u8 = 4;
    pub(super) const SET_INTS: u8 = 5;
    pub(super) const SET: u8 = 6;
    pub(super) const HASH: u8 = 7;
    pub(super) const ZSET: u8 = 8;
}

const fn pack_kind(kind: u8) -> Option<PackKind> {
    Some(match kind {
        kind::LIST => PackKind::List,
        kind::SET_INTS => PackKind::SetInts,
        kind::SET => PackKind::Set,
        kind::HASH => PackKind::Hash,
        kind::ZSET => PackKind::ZSet,
        _ => return None,
    })
}

const fn kind_of(pack: PackKind) -> u8 {
    match pack {
        PackKind::List => kind::LIST,
        PackKind::SetInts => kind::SET_INTS,
        PackKind::Set => kind::SET,
        PackKind::Hash => kind::HASH,
        PackKind::ZSet => kind::ZSET,
    }
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
            Stored::Object(kind, object) => Entry::new_boxed(key, kind, access, expire_ms, object),
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

    /// Its time is over. A key lives through the millisecond of its expiry.
    #[inline]
    #[must_use]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expire_ms().is_some_and(|at_ms| at_ms < now_ms)
    }

    /// The value, if it is a string.
    #[inline]
    #[must_use]
    pub fn str(&self) -> Option<StrRef<'_>> {
        Some(match (self.0.kind(), self.0.value()) {
            (kind::INT, ValueRef::Bytes(bytes)) => StrRef::Int(int_of(bytes)),
            (kind::BYTES | kind::RAW, ValueRef::Bytes(bytes)) => StrRef::Bytes(bytes),
            (_, ValueRef::Boxed(object)) => StrRef::Blob(object.as_blob()?),
            _ => return None,
        })
    }

    /// The value, unless it is a string.
    #[inline]
    #[must_use]
    pub fn body(&self) -> Option<Body<'_>> {
        Some(match (pack_kind(self.0.kind()), self.0.value()) {
            (Some(kind), ValueRef::Bytes(bytes)) => Body::Pack(kind, bytes),
            (Some(kind), ValueRef::Boxed(Object::Pack(bytes))) => Body::Pack(kind, bytes),
            (_, ValueRef::Boxed(Object::Blob(_) | Object::Windows(_)))
            | (None, ValueRef::Bytes(_)) => return None,
            (_, ValueRef::Boxed(object)) => Body::Object(object),
        })
    }

    /// The value's type.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self.body() {
            None | Some(Body::Object(Object::Blob(_) | Object::Windows(_) | Object::Pack(_))) => {
                ValueType::String
            }
            Some(Body::Pack(kind, _)) => kind.value_type(),
            Some(Body::Object(Object::List(_))) => ValueType::List,
            Some(Body::Object(Object::Set(_))) => ValueType::Set,
            Some(Body::Object(Object::Hash(_))) => ValueType::Hash,
            Some(Body::Object(Object::ZSet(_))) => ValueType::ZSet,
            Some(Body::Object(Object::Stream(_))) => ValueType::Stream,
        }
    }

    /// The encoding to report.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        match self.body() {
            None | Some(Body::Object(Object::Blob(_) | Object::Windows(_) | Object::Pack(_))) => {
                self.string_encoding()
            }
            Some(Body::Pack(kind, _)) => kind.encoding(),
            Some(Body::Object(Object::List(_))) => Encoding::Quicklist,
            Some(Body::Object(Object::Set(_) | Object::Hash(_))) => Encoding::Hashtable,
            Some(Body::Object(Object::ZSet(_))) => Encoding::Skiplist,
            Some(Body::Object(Object::Stream(_))) => Encoding::Stream,
        }
    }

    fn string_encoding(&self) -> Encoding {
        match (self.0.kind(), self.0.value()) {
            (kind::INT, _) => Encoding::Int,
            (kind::BYTES, ValueRef::Bytes(bytes)) if bytes.len() <= EMBSTR_BYTES_MAX => {
                Encoding::Embstr
            }
            _ => Encoding::Raw,
        }
    }

    /// A collection without elements, which the keyspace must not keep.
    #[must_use]
    pub fn is_empty_collection(&self) -> bool {
        match self.body() {
            None => false,
            Some(Body::Pack(PackKind::SetInts, bytes)) => bytes.len() <= intset::EMPTY.len(),
            Some(Body::Pack(_, bytes)) => bytes.len() <= listpack::EMPTY.len(),
            // A stream stays when its last entry goes.
            Some(Body::Object(Object::Stream(_))) => false,
            Some(Body::Object(object)) => object.element_count() == 0,
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
            (Stored::Object(kind, object), Some(place)) => {
                let before = core::mem::replace(place, object);
                self.0.set_kind(kind);
                self.0.set_expire_ms(expire_ms);
                return Some(before);
            }
            (Stored::Object(kind, object), None) => {
                self.0.overwrite_boxed(kind, expire_ms, object);
                return None;
            }
            (Stored::Int(value), _) => {
                text = value.to_ne_bytes();
                (kind, bytes) = (kind::INT, &text[..]);
            }
            (Stored::Bytes(new_kind, new_bytes), _) => (kind, bytes) = (new_kind, new_bytes),
        }
        if self.0.boxed_mut().is_none() {
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
    /// `raw`, and lends its bytes, to be changed in `places`. `None` if the value is no string.
    pub(crate) fn bytes_for_update(
        &mut self,
        new_len: usize,
        places: &[Range<usize>],
    ) -> Option<&mut [u8]> {
        if self.body().is_some() {
            return None;
        }
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
        let blob = match self.0.boxed_mut()? {
            Object::Blob(blob) => blob,
            Object::Windows(windows) => windows.blob_for_update(new_len, places),
            _ => return None,
        };
        let bytes = blob.make_mut();
        bytes.resize(new_len, 0);
        Some(bytes)
    }

    pub(crate) fn body_mut(&mut self) -> Option<BodyMut<'_>> {
        self.body().is_some().then_some(BodyMut {
            entry: self,
            replaced: None,
        })
    }

    /// As [`Self::body_mut`]; a structure in whose place something else is put goes to `replaced`.
    pub(crate) fn body_mut_keeping<'a>(
        &'a mut self,
        replaced: &'a mut Option<Object>,
    ) -> Option<BodyMut<'a>> {
        self.body().is_some().then_some(BodyMut {
            entry: self,
            replaced: Some(replaced),
        })
    }

    /// The structure that the value is, if it is one.
    #[inline]
    pub(crate) fn object(&self) -> Option<&Object> {
        match self.0.value() {
            ValueRef::Boxed(object) if self.0.kind() == kind::OBJECT => Some(object),
            _ => None,
        }
    }

    /// The name of the cut that reads the value in pieces.
    pub(crate) fn cut_id(&self) -> Option<CutId> {
        self.object()?.cut_id()
    }

    pub(crate) fn object_mut(&mut self) -> Option<&mut Object> {
        self.0.boxed_mut()
    }

    /// Returns the structure that was there.
    pub(crate) fn become_object(&mut self, object: Object) -> Option<Object> {
        self.overwrite(NewValue::Object(object), self.0.expire_ms())
    }

    /// Returns the structure that was there.
    pub(crate) fn become_pack(&mut self, kind: PackKind, bytes: &[u8]) -> Option<Object> {
        self.overwrite(NewValue::Pack(kind, bytes), self.0.expire_ms())
    }

    pub(crate) fn pack_bytes_mut(&mut self) -> &mut [u8] {
        match self.0.value() {
            ValueRef::Bytes(_) if pack_kind(self.0.kind()).is_some() => {
                self.0.bytes_mut().unwrap_or_default()
            }
            ValueRef::Bytes(_) => &mut [],
            ValueRef::Boxed(_) => self.own_pack().map_or(&mut [], |pack| pack),
        }
    }

    /// See [`PackBuf::open`]; the bytes leave the entry when it would become too long, and come
    /// back to it when they are much shorter.
    pub(crate) fn pack_open(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        let (before, boxed) = match self.0.value() {
            ValueRef::Bytes(bytes) => (bytes.len(), false),
            ValueRef::Boxed(Object::Pack(pack)) => (pack.len(), true),
            ValueRef::Boxed(_) => return &mut [],
        };
        let after = before - removed + added;
        let stays_out =
            boxed && (after >= EMBEDDED_BYTES_MAX / 2 || !embeds(self.0.key().len(), before));
        if stays_out || !boxed && !embeds(self.0.key().len(), after) {
            return self.open_outside(at, removed, added);
        }
        if boxed {
            self.pack_enter();
        }
        if added < removed
            && let Some(bytes) = self.0.bytes_mut()
        {
            bytes.copy_within(at + removed.., at + added);
        }
        let Some(bytes) = self.0.resize_bytes(after) else {
            return &mut [];
        };
        if added > removed {
            bytes.copy_within(at + removed..before, at + added);
        }
        &mut bytes[at..at + added]
    }

    /// As [`PackBuf::open`] of a pack that has memory of its own, or gets it now.
    #[inline]
    fn open_outside(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        if self.own_pack().is_none() {
            let (kind, expire_ms) = (self.0.kind(), self.0.expire_ms());
            let moved = pack::boxed(self.pack_bytes_mut());
            self.0.overwrite_boxed(kind, expire_ms, moved);
        }
        let pack = self.own_pack();
        pack.map_or(&mut [], |pack| pack.open(at, removed, added))
    }

    #[inline]
    fn own_pack(&mut self) -> Option<&mut OwnPack> {
        match self.0.boxed_mut()? {
            Object::Pack(pack) => Some(pack),
            _ => None,
        }
    }

    /// Takes the pack into the entry.
    #[cold]
    fn pack_enter(&mut self) {
        let (kind, expire_ms) = (self.0.kind(), self.0.expire_ms());
        let bytes = self.pack_bytes_mut().to_vec();
        *self = Self(Entry::new_bytes(
            self.0.key(),
            kind,
            self.0.access(),
            expire_ms,
            &bytes,
        ));
    }
}

impl Slot for DbEntry {
    type Image = Image;

    #[inline]
    fn hash(&self, seed: &HashSeed) -> KeyHash {
        seed.hash(self.key())
    }

    #[inline]
    fn expire_ms(&self) -> Option<i64> {
        self.0.expire_ms()
    }

    #[inline]
    fn due_ms(&self) -> Option<i64> {
        let own = self.0.expire_ms();
        if self.0.kind() != kind::OBJECT {
            return own;
        }
        match self.0.value() {
            ValueRef::Boxed(Object::Hash(hash)) => match (own, hash.due_ms()) {
                (Some(own), Some(field)) => Some(own.min(field)),
                (own, field) => own.or(field),
            },
            _ => own,
        }
    }

    #[inline]
    fn has_expiring_parts(&self) -> bool {
        if self.0.kind() != kind::OBJECT {
            return false;
        }
        match self.0.value() {
            ValueRef::Boxed(Object::Hash(hash)) => hash.volatile_len() > 0,
            _ => false,
        }
    }

    #[inline]
    fn memory_bytes(&self) -> usize {
        self.allocated_bytes()
    }

    #[inline]
    fn prefetch(&self) {
        self.0.prefetch();
    }

    fn image(&mut self, id: CutId) -> Image {
        Image::of(self, id)
    }

    fn image_bytes(image: &Image) -> usize {
        image.memory_bytes()
    }

    #[inline]
    fn is_read_in_pieces(&self) -> bool {
        self.object().is_some_and(Object::is_read_in_pieces)
    }
}

/// How a value is stored.
enum Stored<'a> {
    Int(i64),
    Bytes(u8, &'a [u8]),
    Object(u8, Object),
}

#[inline]
fn stored(key_len: usize, value: NewValue<'_>) -> Stored<'_> {
    match value {
        NewValue::Int(value) => Stored::Int(value),
        NewValue::Bytes(bytes) if embeds(key_len, bytes.len()) => Stored::Bytes(kind::BYTES, bytes),
        NewValue::Raw(bytes) if embeds(key_len, bytes.len()) => Stored::Bytes(kind::RAW, bytes),
        NewValue::Bytes(bytes) | NewValue::Raw(bytes) => {
            Stored::Object(kind::OBJECT, Object::Blob(Blob::from(bytes.to_vec())))
        }
        NewValue::Blob(blob) => Stored::Object(kind::OBJECT, Object::Blob(blob)),
        NewValue::Pack(kind, bytes) if embeds(key_len, bytes.len()) => {
            Stored::Bytes(kind_of(kind), bytes)
        }
        NewValue::Pack(kind, bytes) => Stored::Object(kind_of(kind), pack::boxed(bytes)),
        NewValue::Object(object) => Stored::Object(kind::OBJECT, object),
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
