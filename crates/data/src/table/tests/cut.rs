//! A cut read out slice by slice, under writes of every kind, is the state at its beginning.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::{CutId, Item, KeyHash, SEED, Table, Tuning, filled, sip};
use crate::table::Saved;

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u64),
    Remove(u64),
    Update(u64, u64),
    Slice(usize),
}

fn step(keys: u64) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..keys).prop_map(Step::Insert),
        5 => (0..keys).prop_map(Step::Remove),
        3 => (0..keys, any::<u64>()).prop_map(|(key, value)| Step::Update(key, value)),
        4 => (1_usize..4).prop_map(Step::Slice),
    ]
}

fn apply(table: &mut Table<Item>, hash: fn(u64) -> KeyHash, step: Step) {
    let locate = |table: &Table<Item>, key| table.locate(hash(key), |item| item.0.key == key);
    match step {
        Step::Insert(key) if locate(table, key).is_none() => {
            table.insert(hash(key), Item::new(key, hash(key), 0, None));
        }
        Step::Remove(key) => {
            table.remove(hash(key), |item| item.0.key == key);
        }
        Step::Update(key, value) => {
            if let Some(loc) = locate(table, key) {
                table.update(loc, |item| item.0.value = value);
            }
        }
        Step::Insert(_) | Step::Slice(_) => {}
    }
}

fn contents(table: &Table<Item>) -> BTreeMap<u64, Item> {
    let mut contents = BTreeMap::new();
    table.for_each(&mut |item| assert!(contents.insert(item.0.key, item.clone()).is_none()));
    contents
}

/// Reads a slice; every entry must come once only.
fn read(table: &mut Table<Item>, buckets: usize, read: &mut BTreeMap<u64, Item>) -> bool {
    table.cut_slice(buckets, &mut |saved| {
        let item = match saved {
            Saved::Live(item) => item.clone(),
            Saved::Image(item) => item,
        };
        let key = item.0.key;
        assert!(read.insert(key, item).is_none(), "key {key} came twice");
    })
}

fn check_cut(table: &mut Table<Item>, hash: fn(u64) -> KeyHash, steps: Vec<Step>) {
    // Two cuts in a row: bits of the first must not count in the second.
    for _ in 0..2 {
        let expected = contents(table);
        assert!(table.cut_begin(CutId::default()));
        assert!(!table.cut_begin(CutId::default()), "one cut at a time");
        let (mut found, mut done) = (BTreeMap::new(), false);
        for step in &steps {
            if let Step::Slice(buckets) = *step
                && !done
            {
                done = read(table, buckets, &mut found);
            }
            apply(table, hash, *step);
            assert_eq!(table.cut_held_bytes(), table.recount_held_bytes());
        }
        while !done {
            done = read(table, 1, &mut found);
        }
        assert_eq!(found, expected);
        assert!(!table.cut_is_active());
    }
}

fn crowded(key: u64) -> KeyHash {
    KeyHash(sip(key % 11).0 & 0xFF00_0000_0000_0003)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_cut_is_one_moment(
        geometry in (0_u8..=4, 1_u8..=7, 1_u8..=2, 0_u8..=100),
        before in 0_u64..200,
        crowd in any::<bool>(),
        steps in proptest::collection::vec(step(200), 0..500),
    ) {
        let (class_max, slots_per_bucket, chunk_bits_max, merge_percent) = geometry;
        let tuning = Tuning { class_max, slots_per_bucket, chunk_bits_max, merge_percent };
        let hash = if crowd { crowded } else { sip };
        let mut table = Table::with_tuning(SEED, tuning);
        (0..before).for_each(|key| apply(&mut table, hash, Step::Insert(key)));
        check_cut(&mut table, hash, steps);
    }
}

#[test]
fn a_cut_survives_growth_and_shrinking_of_a_large_table() {
    let mut table = filled(4_000);
    let grow = (4_000..12_000).map(Step::Insert);
    let shrink = (0..11_500).map(Step::Remove);
    let mut steps = Vec::new();
    for (at, step) in grow.chain(shrink).enumerate() {
        steps.push(step);
        if at % 20 == 0 {
            steps.push(Step::Slice(1));
        }
    }
    check_cut(&mut table, sip, steps);
    assert!(table.stats().splits > 20 && table.stats().merges > 20);
}

#[test]
fn an_aborted_cut_keeps_nothing() {
    let mut table = filled(100);
    assert!(table.cut_begin(CutId::default()));
    apply(&mut table, sip, Step::Remove(7));
    while !table.cut_stop(2, &mut drop) {}
    assert_eq!(table.cut_held_bytes(), 0);
    assert!(table.cut_slice(1, &mut |_| unreachable!()));
    check_cut(&mut table, sip, Vec::new());
}
