//! What SORT sorts: the elements of a list, a set or a sorted set, and their number.

use core::ops::Range;

use vk_data::{
    entry::DbEntry,
    list::{End, ListRef},
    listpack::Item,
    set::SetRef,
    value::View,
    zset::ZSetRef,
};

use super::order::Words;

/// A collection that can be sorted.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    List(ListRef<'a>),
    Set(SetRef<'a>),
    SortedSet(ZSetRef<'a>),
}

impl<'a> Source<'a> {
    /// The collection in an entry, if it is of such a type.
    pub(super) fn of(entry: &'a DbEntry) -> Option<Self> {
        let set = || SetRef::of(entry).map(Self::Set);
        let zset = || ZSetRef::of(entry).map(Self::SortedSet);
        ListRef::of(entry)
            .map(Self::List)
            .or_else(set)
            .or_else(zset)
    }

    pub(super) fn len(self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Set(set) => set.len(),
            Self::SortedSet(zset) => zset.len(),
        }
    }

    /// Hands every element to `take`.
    pub(super) fn for_each(self, mut take: impl FnMut(Item<'a>)) {
        match self {
            Self::List(list) => list.iter().for_each(take),
            Self::Set(set) => set.iter().for_each(take),
            Self::SortedSet(zset) => zset.iter().for_each(|(member, _)| take(member)),
        }
    }

    /// The elements of `window` in the order of the collection, or against it; a set has one order
    /// only.
    pub(super) fn natural(self, window: Range<usize>, descending: bool) -> Words {
        let mut words = Words::with_capacity(window.len());
        let mut take = |item: Item<'a>| words.push_item(item);
        let len = window.len();
        match self {
            Self::List(_) if len == 0 => {}
            Self::List(list) if descending => {
                let start = list.len().saturating_sub(window.start + 1);
                list.visit(start, len, End::Tail, take);
            }
            Self::List(list) => list.visit(window.start, len, End::Head, take),
            Self::Set(set) => set.iter().skip(window.start).take(len).for_each(take),
            Self::SortedSet(zset) => {
                let elements = zset.iter_from_rank(window.start, descending);
                elements.take(len).for_each(|(member, _)| take(member));
            }
        }
        words
    }
}
