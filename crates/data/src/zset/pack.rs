//! A sorted set as one listpack: member, score, member, score, in order. Every operation is a walk:
//! such listpacks are short.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use super::{LexRange, Member, ScoreRange};
use crate::listpack::{self, Listpack, Lookup, Pos};
use crate::num::{F64_TEXT_MAX, INT_TEXT_MAX, format_f64, parse_f64, parse_i64};
use crate::pack::PackBuf;
use crate::table::HashSeed;

/// What an element needs in a listpack beside the bytes of its member, at most.
pub(super) const ELEMENT_OVERHEAD_BYTES: usize = F64_TEXT_MAX + 2 * 10;

/// Elements.
pub(super) fn len(pack: Listpack<'_>) -> usize {
    pack.len() / 2
}

/// The place and the score of `member`.
pub(super) fn find(pack: Listpack<'_>, member: &[u8]) -> Option<(Pos, f64)> {
    let at = pack.find(pack.first()?, member, 2)?;
    Some((at, score_of(pack.get(pack.next(at)?))))
}

/// The scores of a listpack's members, for many lookups.
#[derive(Debug)]
pub(crate) struct PackLookup<'a> {
    pack: Listpack<'a>,
    members: Lookup<'a>,
}

impl<'a> PackLookup<'a> {
    pub(super) fn new(pack: Listpack<'a>, seed: HashSeed) -> Self {
        let members = Lookup::new(pack, 2, seed);
        Self { pack, members }
    }

    /// The score of a member.
    #[inline]
    pub(crate) fn score(&self, member: Member<'_>) -> Option<f64> {
        let at = self.members.find(member)?;
        Some(score_of(self.pack.get(self.pack.next(at)?)))
    }
}

/// The rank and the score of `member`.
pub(super) fn rank(pack: Listpack<'_>, member: &[u8]) -> Option<(usize, f64)> {
    let int = parse_i64(member);
    let is = |item| match item {
        Member::Int(value) => int == Some(value),
        Member::Bytes(bytes) => bytes == member,
    };
    let mut items = pack.iter();
    let mut rank = 0;
    loop {
        let (item, score) = (items.next()?, items.next()?);
        if is(item) {
            return Some((rank, score_of(score)));
        }
        rank += 1;
    }
}

/// The ranks of what lies in the range; the end may lie before the start.
pub(super) fn score_ranks(pack: Listpack<'_>, range: &ScoreRange) -> Range<usize> {
    ranks(pack, |_, score| {
        (
            range.reaches(score_of(score)),
            range.admits(score_of(score)),
        )
    })
}

/// As [`score_ranks`], by members.
pub(super) fn lex_ranks(pack: Listpack<'_>, range: &LexRange<'_>) -> Range<usize> {
    let mut text = [0; INT_TEXT_MAX];
    ranks(pack, |member, _| {
        let member = member.bytes(&mut text);
        (range.reaches(member), range.admits(member))
    })
}

/// The ranks of the elements that `judge` finds not too low and not too high.
fn ranks(
    pack: Listpack<'_>,
    mut judge: impl FnMut(Member<'_>, Member<'_>) -> (bool, bool),
) -> Range<usize> {
    let mut items = pack.iter();
    let (mut start, mut rank) = (None, 0);
    while let (Some(member), Some(score)) = (items.next(), items.next()) {
        let (reached, admitted) = judge(member, score);
        if reached && start.is_none() {
            start = Some(rank);
        }
        if !admitted {
            break;
        }
        rank += 1;
    }
    start.unwrap_or(rank)..rank
}

/// Adds an element, which is not there yet, at its place.
pub(super) fn insert(buf: &mut impl PackBuf, member: &[u8], score: f64) {
    let at = place(Listpack::new(buf.bytes()), member, score);
    let mut text = [0; F64_TEXT_MAX];
    let items = [Member::Bytes(member), item_of(score, &mut text)];
    listpack::insert(buf, at, &items);
}

/// Gives the element at `at` another score, and the place that belongs to it.
pub(super) fn update(buf: &mut impl PackBuf, at: Pos, member: &[u8], score: f64) {
    let pack = Listpack::new(buf.bytes());
    let Some(score_at) = pack.next(at) else {
        return;
    };
    let place = place(pack, member, score);
    if place == at || pack.after(score_at) == Some(place) {
        let mut text = [0; F64_TEXT_MAX];
        listpack::replace(buf, score_at, item_of(score, &mut text));
        return;
    }
    listpack::remove(buf, at, 2);
    insert(buf, member, score);
}

/// A listpack of elements that come in order.
pub(super) fn build<'a>(elements: impl Iterator<Item = (&'a [u8], f64)>) -> Vec<u8> {
    let mut bytes = listpack::EMPTY.to_vec();
    for (member, score) in elements {
        let mut text = [0; F64_TEXT_MAX];
        let items = [Member::Bytes(member), item_of(score, &mut text)];
        listpack::append(&mut bytes, &items);
    }
    bytes
}

/// The place before the first element that comes after this one.
fn place(pack: Listpack<'_>, member: &[u8], score: f64) -> Pos {
    let mut text = [0; INT_TEXT_MAX];
    let mut at = pack.first();
    while let Some(here) = at {
        let Some(score_at) = pack.next(here) else {
            return here;
        };
        let later = match score_of(pack.get(score_at)).partial_cmp(&score) {
            Some(Ordering::Less) | None => false,
            Some(Ordering::Equal) => pack.get(here).bytes(&mut text) > member,
            Some(Ordering::Greater) => true,
        };
        if later {
            return here;
        }
        at = pack.next(score_at);
    }
    pack.end()
}

/// The score that an item denotes; 0 for what is none.
#[inline]
pub(super) fn score_of(item: Member<'_>) -> f64 {
    match item {
        Member::Int(value) => value as f64,
        Member::Bytes(text) => parse_f64(text).unwrap_or(0.0),
    }
}

/// The item that Valkey stores for a score: an integer where it is one, else the shortest text.
#[inline]
fn item_of(score: f64, text: &mut [u8; F64_TEXT_MAX]) -> Member<'_> {
    /// Integers up to here are converted; beyond, Valkey writes text.
    const INT_END: f64 = (i64::MAX / 2) as f64;
    if (-INT_END..=INT_END).contains(&score) && score as i64 as f64 == score {
        Member::Int(score as i64)
    } else {
        Member::Bytes(format_f64(score, text))
    }
}
