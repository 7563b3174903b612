//! The operations against maps that do the same by force, over every kind of operand.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::set::{SetBuilder, SetLimits};
use crate::zset::{NewZSet, ZSetLimits};
use alloc::collections::BTreeMap;
use proptest::prelude::*;
use vk_mem::Access;

const SEED: HashSeed = HashSeed { k0: 3, k1: 4 };

type Map = BTreeMap<Vec<u8>, f64>;

/// An operand as it lies in a keyspace; small limits make structures of most.
fn operand(map: &Map, is_set: bool, limit: usize) -> DbEntry {
    let access = Access::from_bits(0);
    if is_set {
        let mut builder = SetBuilder::new(SetLimits {
            intset_entries: limit,
            listpack_entries: limit,
            listpack_value_bytes: 64,
            seed: SEED,
        });
        for member in map.keys() {
            builder.push(Member::Bytes(member));
        }
        let mut bytes = Vec::new();
        return DbEntry::new(b"s", builder.finish().into_value(&mut bytes), None, access);
    }
    let mut builder = ZSetBuilder::new(SEED);
    for (member, score) in map {
        builder.insert(member, *score);
    }
    let made = builder.finish(&limits(limit)).unwrap();
    made.store(|value| DbEntry::new(b"z", value, None, access))
}

fn limits(entries: usize) -> ZSetLimits {
    ZSetLimits {
        entries,
        value_bytes: 64,
        seed: SEED,
    }
}

fn contents(built: Option<NewZSet>) -> Map {
    let Some(built) = built else {
        return Map::new();
    };
    let access = Access::from_bits(0);
    let entry = built.store(|value| DbEntry::new(b"z", value, None, access));
    let view = ZSetRef::of(&entry).unwrap();
    let owned =
        |(member, score): (Member<'_>, f64)| (member.bytes(&mut [0; INT_TEXT_MAX]).to_vec(), score);
    view.iter().map(owned).collect()
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (-3_i64..12).prop_map(|number| alloc::format!("{number}").into_bytes()),
        prop::collection::vec(prop::sample::select(&b"ab0-"[..]), 0..3),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-8_i32..8).prop_map(f64::from),
        Just(0.5),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
}

fn maps() -> impl Strategy<Value = Vec<(Map, bool, usize, f64)>> {
    let map = prop::collection::btree_map(member(), score(), 0..20);
    let limit = prop::sample::select(&[0, 4, 128][..]);
    prop::collection::vec((map, any::<bool>(), limit, score()), 1..6)
}

proptest! {
    #[test]
    fn equal_the_obvious(
        operands in maps(),
        aggregate in prop::sample::select(&[Aggregate::Sum, Aggregate::Min, Aggregate::Max][..]),
        limit in prop::sample::select(&[0_usize, 3, 128][..]),
    ) {
        let entries: Vec<Option<DbEntry>> = operands
            .iter()
            .map(|(map, is_set, limit, _)| {
                (!map.is_empty()).then(|| operand(map, *is_set, *limit))
            })
            .collect();
        let mut inputs: Vec<Input<'_>> = entries
            .iter()
            .zip(&operands)
            .map(|(entry, (.., weight))| Input {
                source: entry.as_ref().and_then(Source::of),
                weight: *weight,
            })
            .collect();
        let scored = |at: usize, member: &[u8]| {
            let (map, is_set, _, weight): &(Map, bool, usize, f64) = &operands[at];
            let score = map.get(member).map(|score| if *is_set { 1.0 } else { *score });
            score.map(|score| (score, score * weight))
        };
        let mut order: Vec<usize> = (0..operands.len()).collect();
        order.sort_by_key(|at| operands[*at].0.len());
        // In a union what is no number counts as zero before it is aggregated.
        let folded = |member: &[u8], clean: fn(f64) -> f64| {
            let mut all = order.iter().filter_map(|at| scored(*at, member));
            let (_, first) = all.next().unwrap();
            let rest = all.map(|(_, weighted)| clean(weighted));
            rest.fold(or_zero(first), |score, other| aggregate.of(score, other))
        };
        let members: Vec<&Vec<u8>> = operands.iter().flat_map(|(map, ..)| map.keys()).collect();

        let mut gone = Vec::new();
        difference(&inputs, SEED, &mut |element| {
            gone.push((element.member, element.score));
        });
        sort(&mut gone);
        prop_assert!(gone.is_sorted_by(|(_, a), (_, b)| a <= b));
        let found: Map = gone
            .iter()
            .map(|(m, s)| (m.bytes(&mut [0; INT_TEXT_MAX]).to_vec(), *s))
            .collect();
        let elsewhere = |m: &[u8]| (1..operands.len()).any(|at| operands[at].0.contains_key(m));
        let expected: Map = operands[0].0.keys().filter(|m| !elsewhere(m))
            .map(|m| (m.clone(), scored(0, m).unwrap().0)).collect();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(found.len(), gone.len());

        let all = union(&mut inputs, aggregate, SEED);
        let expected: Map = members.iter().map(|m| ((*m).clone(), folded(m, or_zero))).collect();
        prop_assert_eq!(contents(all.finish(&limits(limit))), expected);

        let mut common = Map::new();
        intersection(&mut inputs, aggregate, SEED, &mut |element| {
            let member = element.member.bytes(&mut [0; INT_TEXT_MAX]).to_vec();
            common.insert(member, element.score);
            true
        });
        let in_all = |m: &[u8]| operands.iter().all(|(map, ..)| map.contains_key(m));
        let names: Vec<_> = members.iter().filter(|m| in_all(m)).collect();
        prop_assert_eq!(common.len(), operands[0].0.keys().filter(|m| in_all(m)).count());
        for name in names {
            prop_assert_eq!(common[*name], folded(name, |score| score));
        }
    }
}

#[test]
fn an_intersection_can_be_stopped() {
    let map: Map = (0..50_u8).map(|n| (alloc::vec![n], 1.0)).collect();
    let entry = operand(&map, false, 0);
    let input = Input {
        source: Source::of(&entry),
        weight: 1.0,
    };
    let mut seen = 0;
    intersection(&mut [input, input], Aggregate::Sum, SEED, &mut |element| {
        assert_eq!(element.score, 2.0);
        seen += 1;
        seen < 7
    });
    assert_eq!(seen, 7);
    let mut left = 0;
    difference(&[input; 8], SEED, &mut |_| left += 1);
    assert_eq!(left, 0);
}
