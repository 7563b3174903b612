//! Values as the keyspace stores and shows them: types, encodings, views. No command semantics, and
//! no parsing: what is an integer is decided by the caller.

use alloc::boxed::Box;
use alloc::vec::Vec;

use vk_mem::size_class;
use vk_resp::Blob;

use crate::entry::DbEntry;
use crate::pack::{OwnPack, PackKind};
use crate::{hash::Hash, list::List, set::Set, stream::Stream, windows::Windows, zset::ZSet};

/// A value that lives outside its entry.
///
/// At most 16 bytes, so that an entry stays small; what is larger is boxed inside.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Object {
    /// String bytes, shared with replies that are being sent.
    Blob(Blob),
    /// String bytes that a cut reads in windows, or has read.
    Windows(Box<Windows>),
    /// A listpack or intset that is too long for its entry; the entry says of which type.
    Pack(Box<OwnPack>),
    /// A list of several nodes.
    List(Box<List>),
    /// A set in a table.
    Set(Box<Set>),
    /// A hash in a table.
    Hash(Box<Hash>),
    /// A sorted set in a table and a tree.
    ZSet(Box<ZSet>),
    /// A stream.
    Stream(Box<Stream>),
}

impl Object {
    /// Bytes that the value owns outside of its entry, rounded to size classes. A shared blob is
    /// counted in full. Constant time.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Blob(blob) => blob_bytes(blob),
            // What a cut needs besides is gone with it.
            Self::Windows(windows) => blob_bytes(windows.blob()),
            Self::Pack(pack) => size_class(size_of::<OwnPack>()) + pack.allocated_bytes(),
            Self::List(list) => list.memory_bytes(),
            Self::Set(set) => set.memory_bytes(),
            Self::Hash(hash) => hash.memory_bytes(),
            Self::ZSet(zset) => zset.memory_bytes(),
            Self::Stream(stream) => stream.memory_bytes(),
        }
    }

    /// The bytes, if it is a string.
    #[inline]
    #[must_use]
    pub fn as_blob(&self) -> Option<&Blob> {
        match self {
            Self::Blob(blob) => Some(blob),
            Self::Windows(windows) => Some(windows.blob()),
            _ => None,
        }
    }

    /// Elements, 1 for what is freed at once.
    #[must_use]
    pub fn element_count(&self) -> usize {
        match self {
            Self::Blob(_) | Self::Windows(_) | Self::Pack(_) => 1,
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::Hash(hash) => hash.len(),
            Self::ZSet(zset) => zset.len(),
            Self::Stream(stream) => stream.len(),
        }
    }

    /// Frees about `budget` elements; `true` when nothing is left. Only this is called afterwards.
    pub fn drop_slice(&mut self, budget: usize) -> bool {
        match self {
            Self::Blob(_) | Self::Windows(_) | Self::Pack(_) => true,
            Self::List(list) => list.drop_slice(budget),
            Self::Set(set) => set.drop_slice(budget),
            Self::Hash(hash) => hash.drop_slice(budget),
            Self::ZSet(zset) => zset.drop_slice(budget),
            Self::Stream(stream) => stream.drop_slice(budget),
        }
    }
}

fn blob_bytes(blob: &Blob) -> usize {
    size_class(BLOB_HEADER_BYTES) + size_class(blob.capacity())
}

/// A look at a value of one type.
pub trait View<'a>: Sized {
    /// The value of the entry, if it is of this type.
    fn of(entry: &'a DbEntry) -> Option<Self>;
}

/// Two reference counts and a vector.
const BLOB_HEADER_BYTES: usize = 2 * size_of::<usize>() + size_of::<Vec<u8>>();

/// The type that TYPE reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// Bytes or an integer.
    String,
    /// A sequence.
    List,
    /// Distinct members.
    Set,
    /// Fields with values.
    Hash,
    /// Members in the order of their scores.
    ZSet,
    /// Entries in the order of their ids.
    Stream,
}

impl ValueType {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Hash => "hash",
            Self::ZSet => "zset",
            Self::Stream => "stream",
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
    /// A sorted array of integers.
    Intset,
    /// One listpack.
    Listpack,
    /// A list of several nodes.
    Quicklist,
    /// A table.
    Hashtable,
    /// A table and an ordered structure, by its name in Valkey.
    Skiplist,
    /// The nodes of a stream.
    Stream,
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
            Self::Intset => "intset",
            Self::Listpack => "listpack",
            Self::Quicklist => "quicklist",
            Self::Hashtable => "hashtable",
            Self::Skiplist => "skiplist",
            Self::Stream => "stream",
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

impl<'a> View<'a> for StrRef<'a> {
    fn of(entry: &'a DbEntry) -> Option<Self> {
        entry.str()
    }
}

/// A value to be stored.
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
    /// A listpack or intset: in the entry if that stays small, else on its own.
    Pack(PackKind, &'a [u8]),
    /// A value that lives outside of its entry; not [`Object::Pack`].
    Object(Object),
}
