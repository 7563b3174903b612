//! Values as the keyspace stores and shows them: types, encodings, views. Strings so far. No
//! command semantics, and no parsing: what is an integer is decided by the caller.

use vk_mem::size_class;
use vk_resp::Blob;

/// A value that lives outside its entry.
///
/// At most 16 bytes, so that an entry stays small; what is larger is boxed inside.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Object {
    /// String bytes, shared with replies that are being sent.
    Blob(Blob),
}

impl Object {
    /// Bytes that the value owns outside of its entry, rounded to size classes. A shared blob is
    /// counted in full.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Blob(blob) => size_class(BLOB_HEADER_BYTES) + size_class(blob.capacity()),
        }
    }
}

/// Two reference counts and a vector.
const BLOB_HEADER_BYTES: usize = 2 * size_of::<usize>() + size_of::<alloc::vec::Vec<u8>>();

/// The type that TYPE reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// Bytes or an integer.
    String,
}

impl ValueType {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
        }
    }
}

/// The encoding that OBJECT ENCODING reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// A 64-bit integer.
    Int,
    /// At most [`EMBSTR_BYTES_MAX`] bytes, never changed in place.
    Embstr,
    /// Other strings.
    Raw,
}

/// The longest string that reports `embstr`.
pub const EMBSTR_BYTES_MAX: usize = 44;

impl Encoding {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Embstr => "embstr",
            Self::Raw => "raw",
        }
    }
}

/// A view of a string value.
#[derive(Clone, Copy, Debug)]
pub enum StrRef<'a> {
    /// Stored as an integer; its text is the decimal form.
    Int(i64),
    /// Bytes inside the entry.
    Bytes(&'a [u8]),
    /// Bytes outside of it, which a reply may share.
    Blob(&'a Blob),
}

impl<'a> StrRef<'a> {
    /// The string's bytes; `text` holds the digits of an integer.
    #[must_use]
    pub fn bytes(self, text: &'a mut [u8; crate::num::INT_TEXT_MAX]) -> &'a [u8] {
        match self {
            Self::Int(value) => crate::num::format_i64(value, text),
            Self::Bytes(bytes) => bytes,
            Self::Blob(blob) => blob,
        }
    }

    /// Bytes of the string.
    #[must_use]
    pub fn byte_len(self) -> usize {
        match self {
            Self::Int(value) => {
                crate::num::format_i64(value, &mut [0; crate::num::INT_TEXT_MAX]).len()
            }
            Self::Bytes(bytes) => bytes.len(),
            Self::Blob(blob) => blob.len(),
        }
    }
}

/// A string value to be stored.
#[derive(Debug)]
pub enum NewValue<'a> {
    /// An integer in 8 bytes.
    Int(i64),
    /// Bytes: in the entry if that stays small, else in a blob.
    Bytes(&'a [u8]),
    /// As `Bytes`, for results of changes in place: the encoding is `raw` whatever the length.
    Raw(&'a [u8]),
    /// Bytes that have their own allocation already: adopted, not copied.
    Blob(Blob),
}
