//! The members of a set of any encoding, as one iterator.

use super::SetRef;
use crate::listpack::Item;

/// The members of a set.
pub(super) fn members<'a>(set: SetRef<'a>) -> impl Iterator<Item = Item<'a>> + use<'a> {
    match set {
        SetRef::Ints(ints) => OneOf::Ints(ints.iter().map(Item::Int)),
        SetRef::Pack(pack) => OneOf::Pack(pack.iter()),
        SetRef::Table(set) => OneOf::Table(set.iter().map(Item::Bytes)),
    }
}

enum OneOf<A, B, C> {
    Ints(A),
    Pack(B),
    Table(C),
}

impl<T, A, B, C> Iterator for OneOf<A, B, C>
where
    A: Iterator<Item = T>,
    B: Iterator<Item = T>,
    C: Iterator<Item = T>,
{
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match self {
            Self::Ints(ints) => ints.next(),
            Self::Pack(pack) => pack.next(),
            Self::Table(table) => table.next(),
        }
    }

    /// The loops inside are tighter than `next` can be.
    fn fold<R, F: FnMut(R, T) -> R>(self, first: R, step: F) -> R {
        match self {
            Self::Ints(ints) => ints.fold(first, step),
            Self::Pack(pack) => pack.fold(first, step),
            Self::Table(table) => table.fold(first, step),
        }
    }
}
