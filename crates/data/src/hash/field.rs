//! One field of a hash in a table: name, value and expiry in one allocation. Not small hashes, and
//! not the order or the number of fields.

use vk_mem::{Access, Entry, ValueRef, size_class};
use vk_resp::Blob;

use crate::table::{CutId, HashSeed, KeyHash, Slot};
use crate::value::StrRef;

/// Longer values lie in a blob, which replies share.
const INLINE_BYTES_MAX: usize = 4 * 1024;
/// Two reference counts and a vector.
const BLOB_HEADER_BYTES: usize = 2 * size_of::<usize>() + size_of::<alloc::vec::Vec<u8>>();

/// The value for a field.
#[derive(Clone, Copy, Debug)]
pub enum FieldValue<'a> {
    /// Bytes, to be copied.
    Bytes(&'a [u8]),
    /// Bytes in an allocation of their own: shared if they stay in one, else copied.
    Blob(&'a Blob),
}

impl<'a> FieldValue<'a> {
    /// The bytes.
    #[inline]
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Blob(blob) => blob,
        }
    }

    /// The blob to be stored, if the value is too long to lie in the field.
    fn outside(self) -> Option<Blob> {
        match self {
            Self::Blob(blob) if blob.len() > INLINE_BYTES_MAX => Some(blob.clone()),
            Self::Bytes(bytes) if bytes.len() > INLINE_BYTES_MAX => {
                Some(Blob::from(bytes.to_vec()))
            }
            _ => None,
        }
    }
}

/// A field with its value and expiry: 8 bytes.
#[derive(Clone, Debug)]
pub(super) struct Field(Entry<Blob>);

/// Every field has the same kind, and no record of use.
const KIND: u8 = 0;

impl Field {
    pub(super) fn new(name: &[u8], value: FieldValue<'_>, expire_ms: Option<i64>) -> Self {
        let access = Access::default();
        Self(match value.outside() {
            Some(blob) => Entry::new_boxed(name, KIND, access, expire_ms, blob),
            None => Entry::new_bytes(name, KIND, access, expire_ms, value.bytes()),
        })
    }

    #[inline]
    pub(super) fn name(&self) -> &[u8] {
        self.0.key()
    }

    #[inline]
    pub(super) fn value(&self) -> StrRef<'_> {
        match self.0.value() {
            ValueRef::Bytes(bytes) => StrRef::Bytes(bytes),
            ValueRef::Boxed(blob) => StrRef::Blob(blob),
        }
    }

    #[inline]
    pub(super) fn expires_ms(&self) -> Option<i64> {
        self.0.expire_ms()
    }

    /// It has not expired: a field lives through the millisecond of its expiry.
    #[inline]
    pub(super) fn lives(&self, now_ms: i64) -> bool {
        self.0.expire_ms().is_none_or(|at_ms| now_ms <= at_ms)
    }

    /// Replaces value and expiry.
    pub(super) fn set(&mut self, value: FieldValue<'_>, expire_ms: Option<i64>) {
        match value.outside() {
            Some(blob) => self.0.overwrite_boxed(KIND, expire_ms, blob),
            None => self.0.overwrite_bytes(KIND, expire_ms, value.bytes()),
        }
    }

    pub(super) fn set_expires_ms(&mut self, expire_ms: Option<i64>) {
        self.0.set_expire_ms(expire_ms);
    }
}

impl Slot for Field {
    type Image = Self;

    #[inline]
    fn hash(&self, seed: &HashSeed) -> KeyHash {
        seed.hash(self.name())
    }

    #[inline]
    fn expire_ms(&self) -> Option<i64> {
        self.0.expire_ms()
    }

    #[inline]
    fn memory_bytes(&self) -> usize {
        let outside = match self.0.value() {
            ValueRef::Bytes(_) => 0,
            ValueRef::Boxed(blob) => size_class(BLOB_HEADER_BYTES) + size_class(blob.capacity()),
        };
        self.0.allocated_bytes() + outside
    }

    #[inline]
    fn prefetch(&self) {
        self.0.prefetch();
    }

    fn image(&mut self, _: CutId) -> Self {
        self.clone()
    }

    fn image_bytes(image: &Self) -> usize {
        image.memory_bytes()
    }
}
