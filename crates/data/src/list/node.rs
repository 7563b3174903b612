//! One node of a list: a listpack or a single element, and how many items it holds. Not its place
//! among the other nodes.

use core::ops::Deref;

use crate::listpack::Listpack;
use crate::pack::{OwnPack, PackBuf};

/// What a node holds.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// A listpack, and its number of items.
    Packed(Listpack<'a>, usize),
    /// One element.
    Plain(&'a [u8]),
}

/// The tag of a node that is one element; of others it is the number of items.
const PLAIN: u32 = u32::MAX;

/// The bytes of a node.
#[derive(Clone, Debug)]
pub(super) struct NodeBuf {
    bytes: OwnPack,
    tag: u32,
}

impl NodeBuf {
    /// A node that is one element, of at most [`super::ELEMENT_BYTES_MAX`] bytes.
    pub(super) fn plain(element: &[u8]) -> Self {
        let bytes = OwnPack::new(element).unwrap_or_else(|_| OwnPack::empty());
        Self { bytes, tag: PLAIN }
    }

    /// A node that is a listpack of `items` items.
    pub(super) fn packed(listpack: &[u8], items: usize) -> Self {
        let tag = u32::try_from(items).unwrap_or(PLAIN - 1);
        match OwnPack::new(listpack) {
            Ok(bytes) => Self { bytes, tag },
            Err(_) => Self {
                bytes: OwnPack::empty(),
                tag: 0,
            },
        }
    }

    /// What it holds.
    #[inline]
    pub(super) fn node(&self) -> Node<'_> {
        match self.tag {
            PLAIN => Node::Plain(&self.bytes),
            items => Node::Packed(Listpack::new(&self.bytes), items as usize),
        }
    }

    /// It is one element.
    #[inline]
    pub(super) const fn is_plain(&self) -> bool {
        self.tag == PLAIN
    }

    /// Its items.
    #[inline]
    pub(super) const fn items(&self) -> usize {
        match self.tag {
            PLAIN => 1,
            items => items as usize,
        }
    }

    /// Says how many items the listpack has now.
    #[inline]
    pub(super) const fn set_items(&mut self, items: usize) {
        // A listpack of fewer than 4 GiB has fewer items than that.
        self.tag = items as u32;
    }

    /// Bytes of memory, by size classes.
    #[inline]
    pub(super) const fn allocated_bytes(&self) -> usize {
        self.bytes.allocated_bytes()
    }
}

impl Deref for NodeBuf {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl PackBuf for NodeBuf {
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.bytes_mut()
    }

    #[inline]
    fn open(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        self.bytes.open(at, removed, added)
    }
}
