//! Lists of one listpack, until there are longer ones.

use alloc::vec::Vec;
use core::ops::Range;
use vk_data::{entry::DbEntry, listpack::{self, Item, Listpack}, pack::{Body, PackKind}, value::NewValue};

#[derive(Clone, Copy)]
pub(super) struct ListRef<'a>(Listpack<'a>);
impl<'a> ListRef<'a> {
    pub(super) fn of(entry: &'a DbEntry) -> Option<Self> {
        match entry.body()? {
            Body::Pack(PackKind::List, bytes) => Some(Self(Listpack::new(bytes))),
            _ => None,
        }
    }
    pub(super) fn len(self) -> usize { self.0.len() }
    pub(super) fn iter(self) -> impl Iterator<Item = Item<'a>> { self.0.iter() }
    pub(super) fn range(self, window: Range<usize>, reverse: bool, take: &mut impl FnMut(Item<'a>)) {
        let len = window.len();
        if reverse {
            self.0.iter().rev().skip(window.start).take(len).for_each(take);
        } else {
            self.0.iter().skip(window.start).take(len).for_each(take);
        }
    }
}
pub(super) struct ListBuilder(Vec<u8>);
impl ListBuilder {
    pub(super) fn new() -> Self { Self(listpack::EMPTY.to_vec()) }
    pub(super) fn push(&mut self, bytes: &[u8]) { listpack::append(&mut self.0, &[Item::Bytes(bytes)]); }
    pub(super) fn finish(&self) -> NewValue<'_> { NewValue::Pack(PackKind::List, &self.0) }
}
