//! Small collections as bytes (listpack, intset) and where they lie: in their entry, or on their
//! own when they are longer. What the bytes mean is the business of the types.

mod own;

use alloc::boxed::Box;
use alloc::vec::Vec;

pub use own::OwnPack;

use crate::entry::DbEntry;
use crate::value::{Encoding, Object, ValueType};

/// The type of a value that is bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackKind {
    /// A list as one listpack.
    List,
    /// A set as an intset.
    SetInts,
    /// A set as a listpack.
    Set,
    /// A hash as a listpack: field, value, field, value.
    Hash,
    /// A sorted set as a listpack: member, score, in order.
    ZSet,
}

impl PackKind {
    /// The type of the value.
    #[must_use]
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::List => ValueType::List,
            Self::SetInts | Self::Set => ValueType::Set,
            Self::Hash => ValueType::Hash,
            Self::ZSet => ValueType::ZSet,
        }
    }

    /// The encoding to report.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::SetInts => Encoding::Intset,
            _ => Encoding::Listpack,
        }
    }
}

/// Bytes that can be edited in place.
pub trait PackBuf {
    /// The bytes.
    fn bytes(&self) -> &[u8];

    /// The bytes, to be changed.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Takes `removed` bytes out at `at` and makes room for `added` there: returns the room, whose
    /// content is unspecified. `at + removed` is at most the length.
    fn open(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8];

    /// Replaces `removed` bytes at `at` by `bytes`.
    fn splice(&mut self, at: usize, removed: usize, bytes: &[u8]) {
        self.open(at, removed, bytes.len()).copy_from_slice(bytes);
    }
}

impl PackBuf for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    fn open(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        let before = self.len();
        let tail = at + removed;
        if added > removed {
            let more = added - removed;
            if self.capacity() - before < more {
                // No doubling: a pack is bounded, and its memory counts.
                self.reserve_exact(vk_mem::size_class(before + more) - before);
            }
            self.resize(before + more, 0);
            self.copy_within(tail..before, at + added);
        } else {
            self.copy_within(tail..before, at + added);
            self.truncate(before - (removed - added));
        }
        &mut self[at..at + added]
    }
}

/// What an entry that is no string holds.
#[derive(Debug)]
pub enum Body<'a> {
    /// A value that is bytes.
    Pack(PackKind, &'a [u8]),
    /// A structure; never [`Object::Blob`] or [`Object::Pack`].
    Object(&'a Object),
}

/// As [`Body`], to be changed.
#[derive(Debug)]
pub struct BodyMut<'a> {
    pub(crate) entry: &'a mut DbEntry,
    /// Where a structure goes that is replaced; it is dropped if there is no such place.
    pub(crate) replaced: Option<&'a mut Option<Object>>,
}

impl BodyMut<'_> {
    /// What it is now.
    #[must_use]
    pub fn body(&self) -> Option<Body<'_>> {
        self.entry.body()
    }

    /// The structure, if it is one.
    pub fn object_mut(&mut self) -> Option<&mut Object> {
        self.entry.object_mut()
    }

    /// Puts a structure in the place of what was there.
    pub fn become_object(&mut self, object: Object) {
        let before = self.entry.become_object(object);
        self.keep(before);
    }

    /// Puts bytes in the place of what was there.
    pub fn become_pack(&mut self, kind: PackKind, bytes: &[u8]) {
        let before = self.entry.become_pack(kind, bytes);
        self.keep(before);
    }

    /// Only a structure that a cut reads is of use to anybody.
    fn keep(&mut self, before: Option<Object>) {
        if let Some(place) = &mut self.replaced
            && before
                .as_ref()
                .is_some_and(|object| object.cut_id().is_some())
        {
            **place = before;
        }
    }
}

impl PackBuf for BodyMut<'_> {
    /// Empty for a structure.
    fn bytes(&self) -> &[u8] {
        match self.entry.body() {
            Some(Body::Pack(_, bytes)) => bytes,
            _ => &[],
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.entry.pack_bytes_mut()
    }

    fn open(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        self.entry.pack_open(at, removed, added)
    }
}

/// A pack on its own.
pub(crate) fn boxed(bytes: &[u8]) -> Object {
    // Packs are bounded far below what is refused here.
    Object::Pack(Box::new(
        OwnPack::new(bytes).unwrap_or_else(|_| OwnPack::empty()),
    ))
}
