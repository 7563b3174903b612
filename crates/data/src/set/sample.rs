//! Choosing members at random: the numbers, and samples without repetition. Not from where the
//! seed comes.

use alloc::{collections::BTreeSet, vec::Vec};

use super::SetRef;
use crate::listpack::Item;

/// From one member in this many on, a walk over all is cheaper than drawing, which waits for memory
/// at every draw.
const SCAN_INSTEAD: usize = 64;

/// See [`SetRef::sample`].
pub(super) fn distinct<'a>(
    set: SetRef<'a>,
    count: usize,
    seed: u64,
    visit: &mut impl FnMut(Item<'a>),
) {
    match set {
        SetRef::Table(table) if count.saturating_mul(SCAN_INSTEAD) <= table.len() => {
            let mut random = SplitMix::new(seed);
            let mut seen = BTreeSet::new();
            // Less than two draws per member on average, and far fewer than this.
            let draws_max = count.saturating_mul(DRAWS_PER_MEMBER_MAX);
            for _ in 0..draws_max {
                if seen.len() >= count {
                    return;
                }
                let member = table.random(random.next()).unwrap_or_default();
                if seen.insert(member.as_ptr().addr()) {
                    visit(Item::Bytes(member));
                }
            }
        }
        _ => {
            let mut chooser = Chooser::new(count, set.len(), seed);
            let chosen = set.iter().filter(|_| chooser.next());
            chosen.for_each(visit);
        }
    }
}

/// See [`SetRef::draw`].
pub(super) fn repeated<'a>(
    set: SetRef<'a>,
    count: usize,
    seed: u64,
    visit: &mut impl FnMut(Item<'a>),
) {
    let mut random = SplitMix::new(seed);
    match set {
        SetRef::Table(table) => (0..count)
            .filter_map(|_| table.random(random.next()))
            .for_each(|member| visit(Item::Bytes(member))),
        SetRef::Ints(ints) => (0..count)
            .filter_map(|_| ints.get(random.below(ints.len())))
            .for_each(|value| visit(Item::Int(value))),
        // A walk for each draw would cost more than the places of all members.
        SetRef::Pack(pack) => {
            let members: Vec<Item<'a>> = pack.iter().collect();
            (0..count)
                .filter_map(|_| members.get(random.below(members.len())))
                .for_each(|member| visit(*member));
        }
    }
}

/// Draws per wanted member before a sample stays incomplete: at 1/64 of the members, a draw finds a
/// new one with a probability of more than 98 %.
const DRAWS_PER_MEMBER_MAX: usize = 64;

/// Chooses `wanted` of `left` things that come one by one; every choice is equally likely. Knuth,
/// "The Art of Computer Programming", volume 2, 3.4.2, algorithm S.
pub(super) struct Chooser {
    wanted: usize,
    left: usize,
    random: SplitMix,
}

impl Chooser {
    pub(super) fn new(wanted: usize, of: usize, seed: u64) -> Self {
        Self {
            wanted: wanted.min(of),
            left: of,
            random: SplitMix::new(seed),
        }
    }

    /// Whether the next thing is chosen.
    #[inline]
    pub(super) fn next(&mut self) -> bool {
        let chosen = self.wanted > 0 && self.random.below(self.left) < self.wanted;
        self.left = self.left.saturating_sub(1);
        self.wanted -= usize::from(chosen);
        chosen
    }
}

/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
pub(super) struct SplitMix(u64);

impl SplitMix {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, 0 if that is 0.
    #[inline]
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}
