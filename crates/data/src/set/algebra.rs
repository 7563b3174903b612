//! Intersection, union and difference of sets of any encodings. Not where the result goes: members
//! are handed to the caller as they are found.

use core::ops::ControlFlow;

use super::{Set, SetRef};
use crate::listpack::Item;
use crate::num::INT_TEXT_MAX;
use crate::table::{HashSeed, KeyHash};

/// Calls `take` for each member that all sets have, until it breaks.
pub fn intersection<'a>(
    sets: &[SetRef<'a>],
    take: &mut impl FnMut(Item<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut ascending = sets.to_vec();
    ascending.sort_by_key(|set| set.len());
    match ascending.split_first() {
        Some((smallest, others)) => sift(*smallest, others, Rule::InAll, take),
        None => ControlFlow::Continue(()),
    }
}

/// Calls `take` once for each member that any set has.
pub fn union<'a>(sets: &[SetRef<'a>], seed: HashSeed, take: &mut impl FnMut(Item<'a>)) {
    let mut descending = sets.to_vec();
    descending.sort_by_key(|set| core::cmp::Reverse(set.len()));
    if !lookups_are_cheap(&descending) {
        let mut seen = Set::new(seed);
        for member in descending.iter().flat_map(|set| set.iter()) {
            if seen.insert(member.bytes(&mut [0; INT_TEXT_MAX])) {
                take(member);
            }
        }
        return;
    }
    let mut take = |member| {
        take(member);
        ControlFlow::Continue(())
    };
    for (at, set) in descending.iter().enumerate() {
        let before = descending.get(..at).unwrap_or_default();
        let _ = sift(*set, before, Rule::InNone, &mut take);
    }
}

/// Calls `take` for each member of `first` that none of `others` has; looks every member of `first`
/// up in the others.
pub fn difference_by_lookup<'a>(
    first: SetRef<'a>,
    others: &[SetRef<'a>],
    take: &mut impl FnMut(Item<'a>),
) {
    let mut descending = others.to_vec();
    descending.sort_by_key(|set| core::cmp::Reverse(set.len()));
    let _ = sift(first, &descending, Rule::InNone, &mut |member| {
        take(member);
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
        let cost = |before: &SetRef<'_>| match before {
            SetRef::Pack(pack) => 1 + pack.len() / PACK_ITEMS_PER_LOOKUP,
            _ => 1,
        };
        let before = descending.get(..at).unwrap_or_default();
        let costs: usize = before.iter().map(cost).sum();
        lookups = lookups.saturating_add(set.len().saturating_mul(costs));
    }
    lookups <= members.saturating_mul(LOOKUPS_PER_INSERT)
}

/// Items of a listpack that are compared in the time of a lookup in a table.
const PACK_ITEMS_PER_LOOKUP: usize = 16;
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
    take: &mut impl FnMut(Item<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if others.is_empty() {
        return first.iter().try_for_each(take);
    }
    let mut members = first.iter();
    let mut group = Group::new();
    while group.fill(&mut members) {
        for other in others {
            group.retain(*other, rule);
        }
        for member in group.items.get(..group.len).unwrap_or_default() {
            take(*member)?;
        }
    }
    ControlFlow::Continue(())
}

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
    fn retain(&mut self, other: SetRef<'_>, rule: Rule) {
        let wanted = rule == Rule::InAll;
        let SetRef::Table(set) = other else {
            self.keep(|member, _| other.contains_item(member) == wanted);
            return;
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

    fn keep(&mut self, passes: impl Fn(Item<'a>, KeyHash) -> bool) {
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

    /// Hashes the members, unless that was done with this key.
    fn hash(&mut self, seed: HashSeed) {
        let is_done = self
            .hashed
            .is_some_and(|done| (done.k0, done.k1) == (seed.k0, seed.k1));
        if !is_done {
            self.hashed = Some(seed);
            for (hash, item) in self.hashes.iter_mut().zip(self.items).take(self.len) {
                *hash = seed.hash(item.bytes(&mut [0; INT_TEXT_MAX]));
            }
        }
    }
}
