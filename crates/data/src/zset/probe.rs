//! The order of the elements, and places in it that are looked for.

use core::cmp::Ordering;

use super::arena::Arena;
use super::{Lex, LexRange, ScoreRange};

/// A score as an integer of the same order; both zeros are one.
#[inline(always)]
pub(super) fn order_of(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 0 {
        bits | 1 << 63
    } else {
        !bits
    }
}

/// A place between elements: those before it pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe<'a> {
    /// The order of the score; without one, all elements count as equal in it.
    pub(super) order: Option<u64>,
    edge: Edge<'a>,
}

/// Where among the elements of that order.
#[derive(Clone, Copy, Debug)]
enum Edge<'a> {
    /// Before all.
    Start,
    /// Behind all.
    End,
    /// Before this member.
    Before(&'a [u8]),
    /// Behind this member.
    Behind(&'a [u8]),
}

impl<'a> Probe<'a> {
    /// The place right behind an element, which is there or not.
    #[inline]
    pub(super) fn behind(score: f64, member: &'a [u8]) -> Self {
        Self {
            order: Some(order_of(score)),
            edge: Edge::Behind(member),
        }
    }

    /// The place right before an element, which is there or not.
    pub(super) fn before(score: f64, member: &'a [u8]) -> Self {
        Self {
            order: Some(order_of(score)),
            edge: Edge::Before(member),
        }
    }

    /// The place before the first element of the range.
    pub(super) fn start_of(range: &ScoreRange) -> Self {
        Self {
            order: Some(order_of(range.min)),
            edge: if range.min_excluded {
                Edge::End
            } else {
                Edge::Start
            },
        }
    }

    /// The place behind the last element of the range.
    pub(super) fn end_of(range: &ScoreRange) -> Self {
        Self {
            order: Some(order_of(range.max)),
            edge: if range.max_excluded {
                Edge::Start
            } else {
                Edge::End
            },
        }
    }

    /// The place before the first member of the range.
    pub(super) fn lex_start_of(range: &LexRange<'a>) -> Self {
        Self {
            order: None,
            edge: match range.min {
                Lex::Min => Edge::Start,
                Lex::Max => Edge::End,
                Lex::Inclusive(member) => Edge::Before(member),
                Lex::Exclusive(member) => Edge::Behind(member),
            },
        }
    }

    /// The place behind the last member of the range.
    pub(super) fn lex_end_of(range: &LexRange<'a>) -> Self {
        Self {
            order: None,
            edge: match range.max {
                Lex::Min => Edge::Start,
                Lex::Max => Edge::End,
                Lex::Inclusive(member) => Edge::Behind(member),
                Lex::Exclusive(member) => Edge::Before(member),
            },
        }
    }

    /// The element lies before this place.
    #[inline]
    pub(super) fn passes(&self, arena: &Arena, handle: u32) -> bool {
        let (score, member) = arena.element(handle);
        match self.order.map(|order| order_of(score).cmp(&order)) {
            Some(Ordering::Less) => true,
            Some(Ordering::Greater) => false,
            Some(Ordering::Equal) | None => match self.edge {
                Edge::Start => false,
                Edge::End => true,
                Edge::Before(place) => member < place,
                Edge::Behind(place) => member <= place,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::order_of;

    #[test]
    fn orders_are_those_of_the_scores() {
        let scores = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.5,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            0.0,
            5e-324,
            f64::MIN_POSITIVE,
            1.0,
            1.5,
            f64::MAX,
            f64::INFINITY,
        ];
        for pair in scores.windows(2) {
            assert!(order_of(pair[0]) < order_of(pair[1]), "{pair:?}");
        }
        assert_eq!(order_of(-0.0), order_of(0.0));
    }
}
