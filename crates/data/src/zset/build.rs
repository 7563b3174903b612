//! Building a sorted set from elements in any order, for commands that store a result and for
//! loading. Not for changes: the tree is made at the end, from sorted elements, which is much
//! cheaper than growing it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{ZSet, ZSetLimits};
use crate::combine::Element;
use crate::num::INT_TEXT_MAX;
use crate::pack::PackKind;
use crate::table::HashSeed;
use crate::value::{NewValue, Object};

/// Elements on the way to a sorted set.
#[derive(Debug)]
pub struct ZSetBuilder {
    /// Without a tree until the end.
    zset: ZSet,
}

/// A sorted set in the best encoding, to be stored.
#[derive(Debug)]
pub enum NewZSet {
    /// A listpack.
    Pack(Vec<u8>),
    /// A structure.
    Structure(Box<ZSet>),
}

impl NewZSet {
    /// Hands the value to `store`.
    pub fn store<R>(self, store: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self {
            Self::Pack(bytes) => store(NewValue::Pack(PackKind::ZSet, &bytes)),
            Self::Structure(zset) => store(NewValue::Object(Object::ZSet(zset))),
        }
    }
}

impl ZSetBuilder {
    /// No element yet.
    #[must_use]
    pub fn new(seed: HashSeed) -> Self {
        Self {
            zset: ZSet::new(seed),
        }
    }

    /// Elements so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.zset.len()
    }

    /// There is no element yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The score of a member that was added.
    #[must_use]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.zset.score(member)
    }

    /// Adds `member` or replaces its score; whether it was new. A NaN counts as 0.
    pub fn insert(&mut self, member: &[u8], score: f64) -> bool {
        self.merge(member, score, |_| score)
    }

    /// Adds an element that was found in operands and is not there yet. A NaN counts as 0.
    pub fn insert_element(&mut self, mut element: Element<'_>) {
        let member = element.member;
        let mut text = [0; INT_TEXT_MAX];
        let bytes = member.bytes(&mut text);
        let score = if element.score.is_nan() {
            0.0
        } else {
            element.score
        };
        let hash = element.hash(self.zset.seed(), bytes);
        self.zset.insert_unordered(hash, bytes, score);
    }

    /// Adds `member` with `score`; if it is there already, its score becomes what `combine` makes
    /// of the one it has. Whether it was new. A NaN counts as 0.
    pub fn merge(&mut self, member: &[u8], score: f64, combine: impl FnOnce(f64) -> f64) -> bool {
        self.zset.merge_unordered(member, score, combine)
    }

    /// Takes a member back; returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        self.zset.remove_unordered(member)
    }

    /// The sorted set in the encoding that the limits ask for; `None` if it is empty.
    #[must_use]
    pub fn finish(self, limits: &ZSetLimits) -> Option<NewZSet> {
        let mut zset = self.zset;
        if zset.is_empty() {
            return None;
        }
        let order = zset.sorted();
        if zset.len() <= limits.entries && zset.fits_pack(&order, limits.value_bytes) {
            return Some(NewZSet::Pack(zset.to_pack(&order)));
        }
        zset.plant(&order);
        Some(NewZSet::Structure(Box::new(zset)))
    }
}
