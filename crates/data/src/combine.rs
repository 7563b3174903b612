//! Union, intersection and difference over sets and sorted sets together, with scores. A member of
//! a set counts as one with the score 1. Not the storing of results, and not the commands.

mod finder;

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::entry::DbEntry;
use crate::num::INT_TEXT_MAX;
use crate::set::SetRef;
use crate::table::HashSeed;
use crate::value::View;
use crate::zset::{Member, ZSetBuilder, ZSetRef};

pub use finder::Element;

use finder::Finder;

/// The score of the members of a set.
const SET_SCORE: f64 = 1.0;

/// A set or a sorted set.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A set.
    Set(SetRef<'a>),
    /// A sorted set.
    ZSet(ZSetRef<'a>),
}

impl<'a> View<'a> for Source<'a> {
    fn of(entry: &'a DbEntry) -> Option<Self> {
        let zset = ZSetRef::of(entry).map(Self::ZSet);
        zset.or_else(|| SetRef::of(entry).map(Self::Set))
    }
}

impl<'a> Source<'a> {
    /// Members.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Set(set) => set.len(),
            Self::ZSet(zset) => zset.len(),
        }
    }

    /// There is no member.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Visits the members until `each` returns `false`.
    fn visit(self, mut each: impl FnMut(Member<'a>, f64) -> bool) {
        match self {
            Self::Set(set) => {
                set.iter().all(|member| each(member, SET_SCORE));
            }
            Self::ZSet(zset) => {
                zset.iter().all(|(member, score)| each(member, score));
            }
        }
    }
}

/// One of the operands.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// None is empty.
    pub source: Option<Source<'a>>,
    /// What its scores are multiplied by.
    pub weight: f64,
}

impl Input<'_> {
    fn len(&self) -> usize {
        self.source.map_or(0, Source::len)
    }
}

/// What becomes of the scores that a member has in several operands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregate {
    /// The sum; 0 for infinities of both signs.
    #[default]
    Sum,
    /// The lowest one.
    Min,
    /// The highest one.
    Max,
}

impl Aggregate {
    fn of(self, score: f64, other: f64) -> f64 {
        match self {
            Self::Sum => or_zero(score + other),
            Self::Min if other < score => other,
            Self::Max if other > score => other,
            Self::Min | Self::Max => score,
        }
    }
}

/// Scores are numbers: infinity times zero and the like count as zero.
fn or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The members of all operands.
#[must_use]
pub fn union(inputs: &mut [Input<'_>], aggregate: Aggregate, seed: HashSeed) -> ZSetBuilder {
    let mut all = ZSetBuilder::new(seed);
    // The order decides how sums are rounded.
    inputs.sort_by_key(Input::len);
    for input in inputs {
        let Some(source) = input.source else {
            continue;
        };
        let mut text = [0; INT_TEXT_MAX];
        source.visit(|member, score| {
            let score = or_zero(score * input.weight);
            let member = member.bytes(&mut text);
            all.merge(member, score, |before| aggregate.of(before, score));
            true
        });
    }
    all
}

/// Visits the members that are in every operand, in no stated order, until `each` returns `false`.
pub fn intersection<'a>(
    inputs: &mut [Input<'a>],
    aggregate: Aggregate,
    seed: HashSeed,
    each: &mut impl FnMut(Element<'a>) -> bool,
) {
    inputs.sort_by_key(Input::len);
    let Some((smallest, others)) = inputs.split_first() else {
        return;
    };
    let finder = |other: &Input<'a>| {
        let finder = Finder::of(other.source?, smallest.len(), seed);
        Some((finder, other.weight))
    };
    let others: Option<Vec<_>> = others.iter().map(finder).collect();
    let (Some(source), Some(others)) = (smallest.source, others) else {
        return;
    };
    source.visit(|member, score| {
        let mut element = Element::new(member, or_zero(score * smallest.weight));
        for (other, weight) in &others {
            let Some(score) = other.score(&mut element) else {
                return true;
            };
            element.score = aggregate.of(element.score, score * weight);
        }
        each(element)
    });
}

/// Visits the members of the first operand that are in none of the others, in no stated order.
/// Weights do not count.
pub fn difference<'a>(inputs: &[Input<'a>], seed: HashSeed, each: &mut impl FnMut(Element<'a>)) {
    let Some((first, others)) = inputs.split_first() else {
        return;
    };
    let Some(source) = first.source else {
        return;
    };
    let mut others: Vec<Source<'_>> = others.iter().filter_map(|input| input.source).collect();
    let members: usize = others.iter().map(|source| source.len()).sum();
    let lookups = source.len().saturating_mul(others.len());
    let mut text = [0; INT_TEXT_MAX];
    if lookups / 2 > source.len().saturating_add(members) {
        // Many operands: one index of all their members saves most of the lookups.
        let mut gone = ZSetBuilder::new(seed);
        for other in others {
            other.visit(|member, _| {
                gone.insert(member.bytes(&mut text), SET_SCORE);
                true
            });
        }
        source.visit(|member, score| {
            if gone.score(member.bytes(&mut text)).is_none() {
                each(Element::new(member, score));
            }
            true
        });
        return;
    }
    // In the largest one a member is most likely to be found.
    others.sort_by_key(|other| core::cmp::Reverse(other.len()));
    let others = others.into_iter();
    let finder = |other| Finder::of(other, source.len(), seed);
    let others: Vec<Finder<'_>> = others.map(finder).collect();
    source.visit(|member, score| {
        let mut element = Element::new(member, score);
        if !others
            .iter()
            .any(|other| other.score(&mut element).is_some())
        {
            each(element);
        }
        true
    });
}

/// Puts elements in the order of a sorted set: by score, then by the bytes of the member.
pub fn sort(elements: &mut [(Member<'_>, f64)]) {
    elements.sort_unstable_by(|(a, a_score), (b, b_score)| {
        let by_score = a_score.partial_cmp(b_score).unwrap_or(Ordering::Equal);
        by_score.then_with(|| {
            let (mut a_text, mut b_text) = ([0; INT_TEXT_MAX], [0; INT_TEXT_MAX]);
            a.bytes(&mut a_text).cmp(b.bytes(&mut b_text))
        })
    });
}

#[cfg(test)]
mod tests;
