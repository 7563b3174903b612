//! Intersection, union and difference of sets of any encodings. Not where the result goes: members
//! are handed to the caller as they are found.

use alloc::vec::Vec;
use core::ops::ControlFlow;

use super::{Set, SetRef};
use crate::intset::Intset;
use crate::listpack::{Item, Lookup};
use crate::num::INT_TEXT_MAX;
use crate::table::{HashSeed, KeyHash};

/// A member that was found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The member.
    pub member: Item<'a>,
    /// Its hash under the key of all tables, if it was needed.
    pub(super) hash: Option<KeyHash>,
}

/// Calls `take` for each member that all sets have, until it breaks.
pub fn intersection<'a>(
    sets: &[SetRef<'a>],
    seed: HashSeed,
    take: &mut impl FnMut(Found<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut ascending = sets.to_vec();
    ascending.sort_by_key(|set| set.len());
    match ascending.split_first() {
        Some((smallest, others)) => sift(*smallest, others, Rule::InAll, seed, take),
        None => ControlFlow::Continue(()),
    }
}

/// Calls `take` once for each member that any set has.
pub fn union<'a>(sets: &[SetRef<'a>], seed: HashSeed, take: &mut impl FnMut(Found<'a>)) {
    let mut descending = sets.to_vec();
    descending.sort_by_key(|set| core::cmp::Reverse(set.len()));
    if !lookups_are_cheap(&descending) {
        let mut seen = Set::new(seed);
        for member in descending.iter().flat_map(|set| set.iter()) {
            if seen.insert(member.bytes(&mut [0; INT_TEXT_MAX])) {
                take(Found { member, hash: None });
            }
        }
        return;
    }
    let mut take = |found| {
        take(found);
        ControlFlow::Continue(())
    };
    for (at, set) in descending.iter().enumerate() {
        let before = descending.get(..at).unwrap_or_default();
        let _ = sift(*set, before, Rule::InNone, seed, &mut take);
    }
}

/// Calls `take` for each member of `first` that none of `others` has; looks every member of `first`
/// up in the others.
pub fn difference_by_lookup<'a>(
    first: SetRef<'a>,
    others: &[SetRef<'a>],
    seed: HashSeed,
    take: &mut impl FnMut(Found<'a>),
) {
    let mut descending = others.to_vec();
    descending.sort_by_key(|set| core::cmp::Reverse(set.len()));
    let _ = sift(first, &descending, Rule::InNone, seed, &mut |found| {
        take(found);
        ControlFlow::Continue(())
    });
}

/// The members of `first` that none of `others` has; takes every member of the others out of a
/// copy of `first`.
#[must_use]
pub fn difference_by_removal(first: SetRef<'_>, others: &[SetRef<'_>], seed: HashSeed) -> Set {
    let mut left = Set::new(seed);
    for member in first.iter() {
        left.insert_unique(member.bytes(&mut [0; INT_TEXT_MAX]));
    }
    for other in others {
        if left.is_empty() {
            break;
        }
        other.iter().for_each(|member| {
            left.remove(member.bytes(&mut [0; INT_TEXT_MAX]));
        });
    }
    left
}

/// Whether [`difference_by_removal`] does less work than [`difference_by_lookup`]. Lookups end
/// early where sets share members, which counts as half of their work; the copy costs an
/// allocation per member.
#[must_use]
pub fn removal_is_cheaper(first: SetRef<'_>, others: &[SetRef<'_>]) -> bool {
    let lookups = first.len().saturating_mul(others.len() + 1) / 2;
    let others_len = others.iter().map(|set| set.len());
    let removals = others_len.fold(first.len(), usize::saturating_add);
    lookups > removals
}

/// Whether a union costs less if each member is looked up in the sets before its own than if all
/// are put into a set of their own: that costs an allocation, too.
fn lookups_are_cheap(descending: &[SetRef<'_>]) -> bool {
    let (mut members, mut lookups) = (0_usize, 0_usize);
    for (at, set) in descending.iter().enumerate() {
        members = members.saturating_add(set.len());
        lookups = lookups.saturating_add(set.len().saturating_mul(at));
    }
    lookups <= members.saturating_mul(LOOKUPS_PER_INSERT)
}

/// Lookups in the time of an insertion with its allocation.
const LOOKUPS_PER_INSERT: usize = 4;

/// Which members stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Those that all other sets have.
    InAll,
    /// Those that no other set has.
    InNone,
}

/// Calls `take` for those members of `first` that the rule lets pass.
fn sift<'a>(
    first: SetRef<'a>,
    others: &[SetRef<'_>],
    rule: Rule,
    seed: HashSeed,
    take: &mut impl FnMut(Found<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if others.is_empty() {
        let mut unhashed = |member| take(Found { member, hash: None });
        return first.iter().try_for_each(&mut unhashed);
    }
    let others: Vec<Other<'_>> = others
        .iter()
        .map(|other| Other::of(*other, first.len(), seed))
        .collect();
    let mut members = first.iter();
    let mut group = Group::new();
    while group.fill(&mut members) {
        for other in &others {
            group.retain(other, rule);
        }
        let hashed = group.is_hashed(seed);
        let found = group.items.iter().zip(&group.hashes).take(group.len);
        for (member, hash) in found {
            take(Found {
                member: *member,
                hash: hashed.then_some(*hash),
            })?;
        }
    }
    ControlFlow::Continue(())
}

/// A set in which members are looked up, in the way that suits it.
enum Other<'a> {
    Table(&'a Set),
    Ints(Intset<'a>),
    /// A listpack in which many are looked up.
    Indexed(Lookup<'a>),
    Walked(SetRef<'a>),
}

impl<'a> Other<'a> {
    fn of(set: SetRef<'a>, lookups: usize, seed: HashSeed) -> Self {
        match set {
            SetRef::Table(set) => Self::Table(set),
            SetRef::Ints(ints) => Self::Ints(ints),
            SetRef::Pack(pack) if lookups >= INDEX_FROM && pack.len() >= INDEX_FROM => {
                Self::Indexed(Lookup::new(pack, 1, seed))
            }
            SetRef::Pack(_) => Self::Walked(set),
        }
    }
}

/// From so many lookups in so many items on, an index of the items pays.
const INDEX_FROM: usize = 6;

/// Members that are looked up together, so that they wait for memory together.
struct Group<'a> {
    items: [Item<'a>; GROUP_LEN],
    hashes: [KeyHash; GROUP_LEN],
    /// The key of the hashes, once there are any.
    hashed: Option<HashSeed>,
    len: usize,
}

/// As many cache lines as a core asks for at the same time, with some to spare.
const GROUP_LEN: usize = 24;

impl<'a> Group<'a> {
    const fn new() -> Self {
        Self {
            items: [Item::Int(0); GROUP_LEN],
            hashes: [KeyHash(0); GROUP_LEN],
            hashed: None,
            len: 0,
        }
    }

    /// Takes the next members; `false` if there are none.
    fn fill(&mut self, members: &mut impl Iterator<Item = Item<'a>>) -> bool {
        self.len = 0;
        self.hashed = None;
        for (place, member) in self.items.iter_mut().zip(members) {
            *place = member;
            self.len += 1;
        }
        self.len > 0
    }

    /// Drops members that the rule does not let pass because of `other`.
    fn retain(&mut self, other: &Other<'_>, rule: Rule) {
        let wanted = rule == Rule::InAll;
        let set = match other {
            Other::Table(set) => *set,
            Other::Ints(ints) => {
                // Members of an intset ascend, so that the next one is not far.
                let mut at = 0;
                return self.keep(|member, _| {
                    let found = match member.compact() {
                        Item::Int(value) => ints.find_from(value, at),
                        Item::Bytes(_) => Err(at),
                    };
                    at = found.map_or_else(|next| next, |found| found + 1);
                    found.is_ok() == wanted
                });
            }
            Other::Indexed(pack) => {
                return self.keep(|member, _| pack.find(member).is_some() == wanted);
            }
            Other::Walked(set) => {
                return self.keep(|member, _| set.contains_item(member) == wanted);
            }
        };
        self.hash(set.seed());
        let hashes = self.hashes.get(..self.len).unwrap_or_default();
        hashes.iter().for_each(|hash| set.prefetch_bucket(*hash));
        hashes.iter().for_each(|hash| set.prefetch_members(*hash));
        self.keep(|member, hash| {
            let found = match member {
                Item::Bytes(bytes) => set.contains_hashed(hash, |own| own == bytes),
                Item::Int(_) => set.contains_hashed(hash, |own| member.is(own)),
            };
            found == wanted
        });
    }

    fn keep(&mut self, mut passes: impl FnMut(Item<'a>, KeyHash) -> bool) {
        let mut kept = 0;
        for at in 0..self.len {
            let (item, hash) = (self.items[at], self.hashes[at]);
            if passes(item, hash) {
                (self.items[kept], self.hashes[kept]) = (item, hash);
                kept += 1;
            }
        }
        self.len = kept;
    }

    /// The members were hashed with this key.
    fn is_hashed(&self, seed: HashSeed) -> bool {
        self.hashed
            .is_some_and(|done| (done.k0, done.k1) == (seed.k0, seed.k1))
    }

    /// Hashes the members, unless that was done with this key.
    fn hash(&mut self, seed: HashSeed) {
        if !self.is_hashed(seed) {
            self.hashed = Some(seed);
            for (hash, item) in self.hashes.iter_mut().zip(self.items).take(self.len) {
                *hash = seed.hash(item.bytes(&mut [0; INT_TEXT_MAX]));
            }
        }
    }
}
