//! Sets: intset, listpack, table. No command semantics.
//!
//! A set begins as an intset if its first member is an integer, else as a listpack; it becomes a
//! table when it outgrows the limits of both. It never turns back by itself.

mod algebra;
mod big;
mod build;
mod cut;
mod edit;
mod iter;
mod sample;

pub use algebra::{
    Found, difference_by_lookup, difference_by_removal, intersection, removal_is_cheaper, union,
};
pub use big::Set;
pub use build::{BuiltSet, SetBuilder};
pub use edit::SetMut;

use crate::bounds::{INTSET_ENTRIES_MAX, PACK_ENTRIES_MAX};
use crate::entry::DbEntry;
use crate::intset::Intset;
use crate::listpack::{self, Item, Listpack};
use crate::num::{INT_TEXT_MAX, parse_i64};
use crate::pack::{Body, PackKind};
use crate::table::HashSeed;
use crate::value::{Object, View};

use sample::SplitMix;

/// How large the small encodings may become.
#[derive(Clone, Copy, Debug)]
pub struct SetLimits {
    /// Members of an intset.
    pub intset_entries: usize,
    /// Members of a listpack.
    pub listpack_entries: usize,
    /// Bytes of a member of a listpack.
    pub listpack_value_bytes: usize,
    /// The hash key of a table.
    pub seed: HashSeed,
}

impl SetLimits {
    /// The same, cut down to the bounds of the encodings.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            intset_entries: self.intset_entries.min(INTSET_ENTRIES_MAX),
            listpack_entries: self.listpack_entries.min(PACK_ENTRIES_MAX),
            ..self
        }
    }
}

/// A set to be read.
#[derive(Clone, Copy, Debug)]
pub enum SetRef<'a> {
    /// Integers alone.
    Ints(Intset<'a>),
    /// A few short members.
    Pack(Listpack<'a>),
    /// All others.
    Table(&'a Set),
}

impl<'a> SetRef<'a> {
    /// The set in a body, if it is one.
    #[inline]
    fn of_body(body: Body<'a>) -> Option<Self> {
        Some(match body {
            Body::Pack(PackKind::SetInts, bytes) => Self::Ints(Intset::new(bytes)),
            Body::Pack(PackKind::Set, bytes) => Self::Pack(Listpack::new(bytes)),
            Body::Object(Object::Set(set)) => Self::Table(set),
            _ => return None,
        })
    }

    /// Members.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Ints(ints) => ints.len(),
            Self::Pack(pack) => pack.len(),
            Self::Table(set) => set.len(),
        }
    }

    /// There is no member.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether these bytes are a member.
    #[inline]
    #[must_use]
    pub fn contains(self, member: &[u8]) -> bool {
        match self {
            Self::Ints(ints) => parse_i64(member).is_some_and(|value| ints.contains(value)),
            Self::Pack(pack) => find(pack, member).is_some(),
            Self::Table(set) => set.contains(member),
        }
    }

    /// Whether this item of another set is a member.
    #[must_use]
    pub fn contains_item(self, member: Item<'_>) -> bool {
        match (self, member) {
            (Self::Ints(ints), Item::Int(value)) => ints.contains(value),
            _ => self.contains(member.bytes(&mut [0; INT_TEXT_MAX])),
        }
    }

    /// The members, in no stated order: ascending for an intset, as they came for a listpack.
    pub fn iter(self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        iter::members(self)
    }

    /// Member number `at` of a small set; tables have no order.
    fn nth(self, at: usize) -> Option<Item<'a>> {
        match self {
            Self::Ints(ints) => ints.get(at).map(Item::Int),
            Self::Pack(pack) => Some(pack.get(pack.seek(i64::try_from(at).ok()?)?)),
            Self::Table(_) => None,
        }
    }

    /// A member chosen by `seed`, each with about the same probability.
    #[must_use]
    pub fn random(self, seed: u64) -> Option<Item<'a>> {
        match self {
            Self::Table(set) => set.random(seed).map(Item::Bytes),
            small => {
                let at = SplitMix::new(seed).below(small.len());
                small.nth(at)
            }
        }
    }

    /// Calls `visit` for `count` different members chosen by `seed`, all of them if there are no
    /// more; every choice is equally likely, its order is not random.
    pub fn sample(self, count: usize, seed: u64, visit: &mut impl FnMut(Item<'a>)) {
        sample::distinct(self, count, seed, visit);
    }

    /// Calls `visit` for `count` members chosen by `seed`, each of them among all.
    pub fn draw(self, count: usize, seed: u64, visit: &mut impl FnMut(Item<'a>)) {
        sample::repeated(self, count, seed, visit);
    }

    /// A step of SSCAN, see [`Table::scan`](crate::table::Table::scan). Small sets are told whole.
    pub fn scan(self, cursor: u64, items_min: usize, visit: &mut impl FnMut(Item<'_>)) -> u64 {
        match self {
            Self::Table(set) => set.scan(cursor, items_min, &mut |member| {
                visit(Item::Bytes(member));
            }),
            small => {
                small.iter().for_each(visit);
                0
            }
        }
    }
}

impl<'a> View<'a> for SetRef<'a> {
    #[inline]
    fn of(entry: &'a DbEntry) -> Option<Self> {
        Self::of_body(entry.body()?)
    }
}

#[inline]
fn find(pack: Listpack<'_>, member: &[u8]) -> Option<listpack::Pos> {
    pack.find(pack.first()?, member, 1)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
