//! Checks of sorted sets that tests and fuzzing share: everything that is counted is counted again,
//! and every operation is compared with a map.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Range;

use super::probe::order_of;
use super::{Change, Lex, LexRange, Member, ScoreRange, ZSet, ZSetBuilder, ZSetLimits, ZSetMut};
use super::{NewZSet, ZSetRef, pack};
use crate::entry::DbEntry;
use crate::listpack;
use crate::num::INT_TEXT_MAX;
use crate::pack::PackKind;
use crate::table::HashSeed;
use crate::value::{NewValue, Object};

/// Asserts that tree, index, arena and counters of a structure agree.
pub fn check_structure(zset: &ZSet) {
    let (handles, tree_bytes) = zset.tree.recount(&zset.arena);
    assert_eq!(handles.len(), zset.len());
    assert_eq!(tree_bytes, zset.tree.memory_bytes());
    let mut stored = Vec::new();
    zset.arena.for_each(&mut |handle| stored.push(handle));
    stored.sort_unstable();
    let mut ordered = handles;
    ordered.sort_unstable();
    assert_eq!(ordered, stored, "the tree and the arena differ");
    let mut indexed = Vec::new();
    let (len, index_bytes) = zset.index.recount(&mut |at, tag, handle| {
        let home = zset.index.home(zset.arena.element(handle).1);
        assert_eq!(home, (at, tag), "a member is in the wrong bucket");
        indexed.push(handle);
    });
    indexed.sort_unstable();
    assert_eq!(indexed, stored, "the index and the arena differ");
    assert_eq!((len, index_bytes), (zset.len(), zset.index.memory_bytes()));
}

/// The same elements, the slow way.
#[derive(Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
    order: BTreeSet<(u64, Vec<u8>)>,
}

impl Model {
    fn set(&mut self, member: &[u8], score: f64) -> Change {
        match self.scores.insert(member.to_vec(), score) {
            Some(before) if before == score => {
                // An equal score leaves the old one, which may be the other zero.
                self.scores.insert(member.to_vec(), before);
                Change::Same
            }
            Some(before) => {
                self.order.remove(&(order_of(before), member.to_vec()));
                self.order.insert((order_of(score), member.to_vec()));
                Change::Updated
            }
            None => {
                self.order.insert((order_of(score), member.to_vec()));
                Change::Added
            }
        }
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.scores.remove(member)?;
        self.order.remove(&(order_of(score), member.to_vec()));
        Some(score)
    }

    fn ranks(&self, ranks: Range<usize>) -> Vec<(Vec<u8>, f64)> {
        let elements = self.order.iter().map(|(_, member)| {
            let score = self.scores.get(member).copied().unwrap_or(f64::NAN);
            (member.clone(), score)
        });
        elements.skip(ranks.start).take(ranks.len()).collect()
    }
}

/// Runs a script of operations that `data` is read as, on a sorted set in an entry and on a map.
///
/// # Panics
///
/// Where the two differ.
pub fn check_zset(data: &[u8]) {
    let mut script = Script(data);
    let limits = ZSetLimits {
        entries: usize::from(script.byte() % 24),
        value_bytes: usize::from(script.byte() % 32),
        seed: HashSeed { k0: 7, k1: 11 },
    };
    let empty = NewValue::Pack(PackKind::ZSet, &listpack::EMPTY);
    let mut entry = DbEntry::new(b"key", empty, None, vk_mem::Access::default());
    let mut model = Model::default();
    let mut step = 0_usize;
    while !script.0.is_empty() {
        apply(&mut script, &limits, &mut entry, &mut model);
        step += 1;
        if step.is_multiple_of(16) || script.0.is_empty() {
            compare(&entry, &model);
        }
    }
    rebuild(&entry, &limits, &model);
}

/// One operation.
fn apply(script: &mut Script<'_>, limits: &ZSetLimits, entry: &mut DbEntry, model: &mut Model) {
    let Some(mut zset) = entry.body_mut().and_then(ZSetMut::of) else {
        unreachable!("the entry holds a sorted set");
    };
    match script.byte() % 16 {
        0..6 => {
            let (member, score) = (script.member(), script.score());
            let change = zset.insert(&member, score, limits);
            assert_eq!(change, model.set(&member, score));
        }
        6..8 => {
            // Many at once, in an order that splits at the edges or in the middle.
            let (count, stride, score) = (script.byte(), script.byte(), script.score());
            for number in 0..u32::from(count) {
                let member = member_of(number.wrapping_mul(u32::from(stride) | 1), 5);
                let score = score + f64::from(number) * f64::from(stride % 3);
                let change = zset.insert(&member, score, limits);
                assert_eq!(change, model.set(&member, score));
            }
        }
        8..11 => {
            let member = script.member();
            let removed = zset.remove(&member).map(f64::to_bits);
            assert_same(removed, model.remove(&member).map(f64::to_bits));
        }
        11 => {
            let start = usize::from(script.byte());
            let ranks = start..start + usize::from(script.byte());
            let expected = model.ranks(ranks.clone());
            take(model, &expected, |each| zset.remove_ranks(ranks, each));
        }
        12 => {
            let count = usize::from(script.byte() % 8);
            let expected = model.ranks(0..count);
            take(model, &expected, |each| zset.pop_min(count, each));
        }
        13 => {
            let count = usize::from(script.byte() % 200);
            let len = model.scores.len();
            let mut expected = model.ranks(len.saturating_sub(count)..len);
            expected.reverse();
            take(model, &expected, |each| zset.pop_max(count, each));
        }
        14 => {
            let (member, score) = (script.member(), script.score());
            let known = model.scores.get(&member).copied();
            let change = zset.update(&member, limits, |before| {
                assert_same(before, known);
                before.map(|before| before + score)
            });
            match known {
                None => assert_eq!(change, Change::Skipped),
                // Infinities of both signs have no sum.
                Some(known) if (known + score).is_nan() => assert_eq!(change, Change::Skipped),
                Some(known) => assert_eq!(change, model.set(&member, known + score)),
            }
        }
        _ => zset.expect(
            usize::from(script.byte()),
            usize::from(script.byte()),
            limits,
        ),
    }
}

/// Listpacks make no difference between the zeros.
fn assert_same<T: PartialEq + core::fmt::Debug + Zero>(one: Option<T>, other: Option<T>) {
    assert_eq!(one.map(T::one_zero), other.map(T::one_zero));
}

trait Zero {
    fn one_zero(self) -> Self;
}

impl Zero for f64 {
    fn one_zero(self) -> Self {
        self + 0.0
    }
}

impl Zero for u64 {
    fn one_zero(self) -> Self {
        if self == (-0.0_f64).to_bits() {
            0
        } else {
            self
        }
    }
}

/// Removes what `remove` removes, which must be `expected`.
fn take(
    model: &mut Model,
    expected: &[(Vec<u8>, f64)],
    remove: impl FnOnce(&mut dyn FnMut(Member<'_>, f64)) -> usize,
) {
    let mut seen = Vec::new();
    let count = remove(&mut |member, score| {
        seen.push((member.bytes(&mut [0; INT_TEXT_MAX]).to_vec(), score));
    });
    assert_eq!(seen, expected);
    assert_eq!(count, expected.len());
    for (member, _) in expected {
        model.remove(member);
    }
}

/// Compares everything that can be asked.
fn compare(entry: &DbEntry, model: &Model) {
    let Some(view) = entry.body().and_then(ZSetRef::of_body) else {
        unreachable!("the entry holds a sorted set");
    };
    if let Some(crate::pack::Body::Object(Object::ZSet(zset))) = entry.body() {
        check_structure(zset);
        let twin = zset.clone();
        check_structure(&twin);
        assert_eq!(twin.memory_bytes(), zset.memory_bytes());
    }
    let all = model.ranks(0..model.scores.len());
    assert_eq!(view.len(), all.len());
    let owned =
        |(member, score): (Member<'_>, f64)| (member.bytes(&mut [0; INT_TEXT_MAX]).to_vec(), score);
    assert!(view.iter().map(owned).eq(all.iter().cloned()));
    let down = view.iter_from_rank(0, true).map(owned);
    assert!(down.eq(all.iter().rev().cloned()));
    for (rank, (member, score)) in all.iter().enumerate() {
        assert_eq!(view.rank(member, false), Some((rank, *score)));
        assert_eq!(view.score(member), Some(*score));
    }
    for rank in [
        0,
        1,
        all.len() / 2,
        all.len().saturating_sub(1),
        all.len() + 1,
    ] {
        let up = view.iter_from_rank(rank, false).map(owned);
        assert!(up.eq(all.iter().skip(rank).cloned()));
        let down = view.iter_from_rank(rank, true).map(owned);
        assert!(down.eq(all.iter().rev().skip(rank).cloned()));
        for count in [1, all.len() / 2, all.len()] {
            let met = visited(view, rank, count, false);
            assert!(met.iter().eq(all.iter().skip(rank).take(count)));
            let met = visited(view, rank, count, true);
            assert!(met.iter().eq(all.iter().rev().skip(rank).take(count)));
        }
    }
    assert_eq!(view.rank(b"no such member", true), None);
    compare_ranges(view, &all);
    compare_scan(view, &all);
    match view.random(all.len() as u64) {
        Some(element) => assert!(all.contains(&owned(element))),
        None => assert!(all.is_empty()),
    }
}

fn visited(view: ZSetRef<'_>, rank: usize, count: usize, reverse: bool) -> Vec<(Vec<u8>, f64)> {
    let mut met = Vec::new();
    let walk = view.iter_from_rank(rank, reverse);
    walk.visit(count, |member, score| {
        met.push((member.bytes(&mut [0; INT_TEXT_MAX]).to_vec(), score));
    });
    met
}

fn compare_ranges(view: ZSetRef<'_>, all: &[(Vec<u8>, f64)]) {
    let infinite = [f64::NEG_INFINITY, f64::INFINITY];
    let scores = all.iter().map(|&(_, score)| score).step_by(7);
    let bounds: Vec<f64> = infinite.into_iter().chain(scores.take(6)).collect();
    for &min in &bounds {
        for &max in &bounds {
            for excluded in 0..4 {
                let range = ScoreRange {
                    min,
                    max,
                    min_excluded: excluded & 1 != 0,
                    max_excluded: excluded & 2 != 0,
                };
                let inside = all.iter().filter(|(_, score)| range.contains(*score));
                let ranks = view.score_ranks(&range);
                assert_eq!(ranks.len(), inside.count(), "{range:?}");
                if let Some((_, score)) = all.get(ranks.start).filter(|_| !ranks.is_empty()) {
                    assert!(range.contains(*score), "{range:?}");
                }
            }
        }
    }
    let one_score = all.windows(2).all(|pair| match pair {
        [one, other] => one.1 == other.1,
        _ => true,
    });
    let members = all.iter().map(|(member, _)| member.as_slice()).step_by(5);
    let mut bounds = alloc::vec![Lex::Min, Lex::Max, Lex::Inclusive(b"")];
    for member in members.take(5) {
        bounds.extend([Lex::Inclusive(member), Lex::Exclusive(member)]);
    }
    for &min in &bounds {
        for &max in &bounds {
            let range = LexRange { min, max };
            // With several scores the answer means nothing, but it must be a range.
            let ranks = view.lex_ranks(&range);
            assert!(ranks.end <= all.len().max(ranks.start));
            if one_score {
                let inside = all.iter().filter(|(member, _)| range.contains(member));
                assert_eq!(ranks.len(), inside.count(), "{range:?}");
            }
        }
    }
}

fn compare_scan(view: ZSetRef<'_>, all: &[(Vec<u8>, f64)]) {
    let mut seen = Vec::new();
    let mut cursor = 0;
    loop {
        cursor = view.scan(cursor, 10, &mut |member, score| {
            seen.push((member.bytes(&mut [0; INT_TEXT_MAX]).to_vec(), score));
        });
        if cursor == 0 {
            break;
        }
        assert!(cursor >> 48 == 0);
    }
    let mut expected = all.to_vec();
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(seen, expected);
}

/// Builds the same sorted set anew, and frees it.
fn rebuild(entry: &DbEntry, limits: &ZSetLimits, model: &Model) {
    let mut builder = ZSetBuilder::new(limits.seed);
    for (member, score) in &model.scores {
        assert!(builder.insert(member, 1.0));
        assert!(!builder.merge(member, f64::NAN, |one| one * score));
    }
    builder.insert(b"to be taken back, and longer than the others", 1.0);
    builder.remove(b"to be taken back, and longer than the others");
    let all = model.ranks(0..model.scores.len());
    let longest = all.iter().map(|(member, _)| member.len()).max();
    let small = limits.allow(all.len(), longest.unwrap_or(0));
    match builder.finish(limits) {
        None => assert!(all.is_empty()),
        Some(NewZSet::Pack(bytes)) => {
            assert!(small);
            assert!(listpack::validate(&bytes).is_ok());
            let other = pack::build(all.iter().map(|(member, score)| (&member[..], *score)));
            assert_eq!(bytes, other);
        }
        Some(NewZSet::Structure(mut zset)) => {
            assert!(!small);
            check_structure(&zset);
            let elements = ZSetRef::of_structure(&zset);
            for ((member, score), (one, other)) in elements.iter().zip(&all) {
                assert!(member.is(one) && score == *other);
            }
            assert_eq!(elements.len(), all.len());
            while !zset.drop_slice(3) {}
        }
    }
    let twin = entry.duplicate(b"twin");
    compare(&twin, model);
}

/// Operands out of bytes; zeros when there are no more.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    fn member(&mut self) -> Vec<u8> {
        let number = u32::from(self.byte()) << 8 | u32::from(self.byte());
        match number % 64 {
            // A few that are too long for a chunk.
            0 => member_of(number, 5000),
            1 => member_of(number, 40 + number as usize % 200),
            _ => member_of(number % 4096, number as usize % 7),
        }
    }

    fn score(&mut self) -> f64 {
        let byte = self.byte();
        match byte {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => -0.0,
            3 => 1e300,
            4 => 5e-324,
            5 => 1e19,
            6..64 => f64::from(byte) / 10.0,
            64..128 => 0.0,
            128..192 => f64::from(i32::from(byte) - 160),
            _ => f64::from(u16::from(byte) << 8 | u16::from(self.byte())),
        }
    }
}

/// A number as text, and letters up to `len` bytes.
fn member_of(number: u32, len: usize) -> Vec<u8> {
    let mut text = [0; INT_TEXT_MAX];
    let mut member = crate::num::format_i64(number.into(), &mut text).to_vec();
    while member.len() < len {
        member.push(b'a' + (number % 26) as u8);
    }
    member
}
