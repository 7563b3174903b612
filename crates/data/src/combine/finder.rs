//! Looking many members up in one operand, in the way that suits it, without hashing a member more
//! than once.

use super::{SET_SCORE, Source};
use crate::listpack::{Item, Lookup};
use crate::num::INT_TEXT_MAX;
use crate::set::SetRef;
use crate::table::{HashSeed, KeyHash};
use crate::zset::{Member, PackLookup, ZSet, ZSetRef};

/// A member on its way through the operands, with its hash once that was needed.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// The member.
    pub member: Member<'a>,
    /// Its score.
    pub score: f64,
    hash: Option<(HashSeed, KeyHash)>,
}

impl<'a> Element<'a> {
    pub(super) const fn new(member: Member<'a>, score: f64) -> Self {
        Self {
            member,
            score,
            hash: None,
        }
    }

    /// The hash of the member, which has these bytes, under a key.
    #[inline]
    pub(crate) fn hash(&mut self, seed: HashSeed, bytes: &[u8]) -> KeyHash {
        match self.hash {
            Some((known, hash)) if (known.k0, known.k1) == (seed.k0, seed.k1) => hash,
            _ => {
                let hash = seed.hash(bytes);
                self.hash = Some((seed, hash));
                hash
            }
        }
    }
}

/// An operand in which members are looked up.
pub(super) enum Finder<'a> {
    Set(SetRef<'a>),
    IndexedSet(Lookup<'a>),
    ZSet(ZSetRef<'a>),
    IndexedZSet(PackLookup<'a>),
    Structure(&'a ZSet),
}

/// From so many lookups in so many elements on, an index of the elements pays.
const INDEX_FROM: usize = 6;

impl<'a> Finder<'a> {
    pub(super) fn of(source: Source<'a>, lookups: usize, seed: HashSeed) -> Self {
        let is_worth_it = lookups >= INDEX_FROM && source.len() >= INDEX_FROM;
        match source {
            Source::Set(SetRef::Pack(pack)) if is_worth_it => {
                Self::IndexedSet(Lookup::new(pack, 1, seed))
            }
            Source::Set(set) => Self::Set(set),
            Source::ZSet(zset) => match zset.structure() {
                Some(structure) => Self::Structure(structure),
                None if is_worth_it => zset
                    .pack_lookup(seed)
                    .map_or(Self::ZSet(zset), Self::IndexedZSet),
                None => Self::ZSet(zset),
            },
        }
    }

    /// The score that the member has here.
    #[inline]
    pub(super) fn score(&self, element: &mut Element<'_>) -> Option<f64> {
        let member = element.member;
        let mut text = [0; INT_TEXT_MAX];
        let bytes = match (self, member) {
            (Self::IndexedSet(set), _) => return set.find(member).map(|_| SET_SCORE),
            (Self::IndexedZSet(zset), _) => return zset.score(member),
            (Self::Set(SetRef::Ints(ints)), Item::Int(value)) => {
                return ints.contains(value).then_some(SET_SCORE);
            }
            _ => member.bytes(&mut text),
        };
        match self {
            Self::Structure(zset) => {
                let hash = element.hash(zset.seed(), bytes);
                zset.score_hashed(hash, bytes)
            }
            Self::Set(SetRef::Table(set)) => {
                let hash = element.hash(set.seed(), bytes);
                let found = set.contains_hashed(hash, |own| own == bytes);
                found.then_some(SET_SCORE)
            }
            Self::Set(set) => set.contains(bytes).then_some(SET_SCORE),
            Self::ZSet(zset) => zset.score(bytes),
            Self::IndexedSet(_) | Self::IndexedZSet(_) => None,
        }
    }
}
