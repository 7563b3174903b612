//! Sorted sets: a listpack while they are small, else members in an arena, ordered by a counted B+
//! tree and found by a hash index. No command semantics: what a range or a score looks like as text
//! is the caller's business.
//!
//! The order is that of the scores, then that of the bytes of the members. Scores are never NaN.

mod arena;
mod build;
mod cut;
mod edit;
mod index;
mod iter;
mod pack;
mod paged;
mod probe;
mod range;
mod structure;
mod tree;

#[doc(hidden)]
pub mod check;
#[cfg(test)]
mod tests;

use core::ops::Range;

use crate::bounds::PACK_ENTRIES_MAX;
use crate::entry::DbEntry;
use crate::listpack::Listpack;
use crate::pack::{Body, PackKind};
use crate::table::HashSeed;
use crate::value::{Object, View};

pub use crate::listpack::Item as Member;
pub use build::{NewZSet, ZSetBuilder};
pub use edit::ZSetMut;
pub use iter::ZSetIter;
pub(crate) use pack::PackLookup;
pub use range::{Lex, LexRange, ScoreRange};
pub use structure::ZSet;

/// What decides the encoding, from the configuration, and the secret of the hash index.
#[derive(Clone, Copy, Debug)]
pub struct ZSetLimits {
    /// The most elements of a listpack (`zset-max-listpack-entries`).
    pub entries: usize,
    /// The longest member of a listpack in bytes (`zset-max-listpack-value`).
    pub value_bytes: usize,
    /// The key of the hash index of structures that come into being.
    pub seed: HashSeed,
}

impl ZSetLimits {
    /// The same, cut down to the bounds of the encodings.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            entries: self.entries.min(PACK_ENTRIES_MAX),
            ..self
        }
    }

    /// A listpack may have `entries` elements of which the longest has `value_bytes`.
    #[must_use]
    pub const fn allow(&self, entries: usize, value_bytes: usize) -> bool {
        entries <= self.entries && value_bytes <= self.value_bytes
    }
}

/// What became of an element that was to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The member is new.
    Added,
    /// The member has another score now.
    Updated,
    /// The member has that score already; nothing changed.
    Same,
    /// The caller decided to leave things as they are; nothing changed.
    Skipped,
}

/// A look at a sorted set of either encoding.
#[derive(Clone, Copy, Debug)]
pub struct ZSetRef<'a>(Form<'a>);

#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    Pack(Listpack<'a>),
    Big(&'a ZSet),
}

impl<'a> View<'a> for ZSetRef<'a> {
    fn of(entry: &'a DbEntry) -> Option<Self> {
        Self::of_body(entry.body()?)
    }
}

impl<'a> ZSetRef<'a> {
    /// The sorted set that the body is, if it is one.
    #[must_use]
    pub fn of_body(body: Body<'a>) -> Option<Self> {
        match body {
            Body::Pack(PackKind::ZSet, bytes) => Some(Self::of_pack(bytes)),
            Body::Object(Object::ZSet(zset)) => Some(Self::of_structure(zset)),
            _ => None,
        }
    }

    /// A listpack of members and scores.
    #[must_use]
    pub fn of_pack(bytes: &'a [u8]) -> Self {
        Self(Form::Pack(Listpack::new(bytes)))
    }

    /// A structure.
    #[must_use]
    pub const fn of_structure(zset: &'a ZSet) -> Self {
        Self(Form::Big(zset))
    }

    /// Whether it is a structure, not a listpack.
    #[must_use]
    pub const fn is_structure(self) -> bool {
        matches!(self.0, Form::Big(_))
    }

    /// Elements.
    #[must_use]
    pub fn len(self) -> usize {
        match self.0 {
            Form::Pack(pack) => pack::len(pack),
            Form::Big(zset) => zset.len(),
        }
    }

    /// There is no element.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The score of `member`.
    #[must_use]
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self.0 {
            Form::Pack(pack) => pack::find(pack, member).map(|(_, score)| score),
            Form::Big(zset) => zset.score(member),
        }
    }

    /// The structure, if it is one.
    pub(crate) const fn structure(self) -> Option<&'a ZSet> {
        match self.0 {
            Form::Pack(_) => None,
            Form::Big(zset) => Some(zset),
        }
    }

    /// For many lookups in a listpack.
    pub(crate) fn pack_lookup(self, seed: HashSeed) -> Option<PackLookup<'a>> {
        match self.0 {
            Form::Pack(pack) => Some(PackLookup::new(pack, seed)),
            Form::Big(_) => None,
        }
    }

    /// Rank and score of `member`. Rank 0 is the lowest element, with `reverse` the highest.
    #[must_use]
    pub fn rank(self, member: &[u8], reverse: bool) -> Option<(usize, f64)> {
        let (rank, score) = match self.0 {
            Form::Pack(pack) => pack::rank(pack, member)?,
            Form::Big(zset) => zset.rank(member)?,
        };
        if reverse {
            Some((self.len().checked_sub(rank + 1)?, score))
        } else {
            Some((rank, score))
        }
    }

    /// The element of that rank, counted from the lowest.
    #[must_use]
    pub fn at(self, rank: usize) -> Option<(Member<'a>, f64)> {
        self.iter_from_rank(rank, false).next()
    }

    /// The elements from `rank` on. Forward, rank 0 is the lowest element and the walk goes up;
    /// with `reverse`, rank 0 is the highest element and the walk goes down.
    #[must_use]
    pub fn iter_from_rank(self, rank: usize, reverse: bool) -> ZSetIter<'a> {
        match self.0 {
            Form::Pack(pack) => ZSetIter::of_pack(pack, rank, reverse),
            Form::Big(zset) => zset.iter_from_rank(rank, reverse),
        }
    }

    /// All elements, from the lowest.
    #[must_use]
    pub fn iter(self) -> ZSetIter<'a> {
        self.iter_from_rank(0, false)
    }

    /// The ranks (from the lowest element) of what lies in the range of scores; its length is the
    /// count. Logarithmic for structures.
    #[must_use]
    pub fn score_ranks(self, range: &ScoreRange) -> Range<usize> {
        let ranks = match self.0 {
            Form::Pack(pack) => pack::score_ranks(pack, range),
            Form::Big(zset) => zset.score_ranks(range),
        };
        ranks.start..ranks.end.max(ranks.start)
    }

    /// The ranks (from the lowest element) of what lies in the range of members, which means
    /// something only if all scores are equal. Logarithmic for structures.
    #[must_use]
    pub fn lex_ranks(self, range: &LexRange<'_>) -> Range<usize> {
        let ranks = match self.0 {
            Form::Pack(pack) => pack::lex_ranks(pack, range),
            Form::Big(zset) => zset.lex_ranks(range),
        };
        ranks.start..ranks.end.max(ranks.start)
    }

    /// An element chosen by `seed`, each with the same probability. None if there is none.
    #[must_use]
    pub fn random(self, seed: u64) -> Option<(Member<'a>, f64)> {
        let mixed = crate::siphash::siphash13(seed, 0, &[]);
        let rank = (u128::from(mixed) * self.len() as u128) >> 64;
        self.at(usize::try_from(rank).ok()?)
    }

    /// Visits elements from `cursor` on, at least `items_min` or until the end, in the order of
    /// their hashes. Returns the cursor to go on with; 0 is the start and the end.
    ///
    /// Guarantee: an element that is there from the call with 0 to the call that returns 0 is
    /// visited at least once, whatever is added and removed meanwhile. A listpack is visited whole.
    /// Cursors are below 2^48.
    pub fn scan(
        self,
        cursor: u64,
        items_min: usize,
        visit: &mut (impl FnMut(Member<'_>, f64) + ?Sized),
    ) -> u64 {
        match self.0 {
            Form::Pack(_) => {
                for (member, score) in self.iter() {
                    visit(member, score);
                }
                0
            }
            Form::Big(zset) => zset.scan(cursor, items_min, visit),
        }
    }
}
