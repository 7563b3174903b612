//! The whole structure: scripts against the model, and sizes that scripts do not reach.

use proptest::prelude::*;
use std::vec::Vec;

use super::check::{check_structure, check_zset};
use super::{Change, ScoreRange, ZSet, ZSetRef};
use crate::table::HashSeed;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn equals_the_model(script in prop::collection::vec(any::<u8>(), 0..600)) {
        check_zset(&script);
    }
}

#[test]
fn every_short_script_equals_the_model() {
    for entries in [0, 1, 2] {
        for first in 0..=15 {
            for second in 0..=255_u8 {
                check_zset(&[
                    entries, 8, first, second, 200, second, 3, first, 9, second, 70,
                ]);
            }
        }
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

fn member(number: u64) -> Vec<u8> {
    std::format!("element:{number:08}").into_bytes()
}

fn new() -> ZSet {
    ZSet::new(HashSeed { k0: 3, k1: 5 })
}

#[test]
fn grows_and_shrinks_through_all_levels() {
    const COUNT: u64 = 60_000;
    let mut zset = new();
    let mut random = Random(1);
    for number in 0..COUNT {
        let score = (random.next() % 100_000) as f64;
        assert_eq!(zset.update(&member(number), |_| Some(score)), Change::Added);
        if number % 9_999 == 0 {
            check_structure(&zset);
        }
    }
    check_structure(&zset);
    let per_element = zset.memory_bytes() as f64 / COUNT as f64;
    assert!(per_element < 45.0, "{per_element} bytes per element");
    for number in 0..COUNT {
        let score = (random.next() % 1000) as f64 - 0.5;
        zset.update(&member(number), |_| Some(score));
    }
    check_structure(&zset);
    let below = ScoreRange {
        max: 499.0,
        ..ScoreRange::ALL
    };
    let ranks = ZSetRef::of_structure(&zset).score_ranks(&below);
    let lower = ZSetRef::of_structure(&zset)
        .iter()
        .filter(|(_, score)| *score < 499.0);
    assert_eq!(ranks, 0..lower.count());
    for number in 0..COUNT {
        if number % 50 != 0 {
            assert!(zset.remove(&member(number)).is_some());
        }
        if number % 7_777 == 0 {
            check_structure(&zset);
        }
    }
    check_structure(&zset);
    assert_eq!(zset.len() as u64, COUNT / 50);
    let per_element = zset.memory_bytes() as f64 / zset.len() as f64;
    assert!(
        per_element < 90.0,
        "{per_element} bytes per element after shrinking"
    );
    assert_eq!(
        zset.remove_ranks(0..zset.len(), false, &mut |_, _| {}) as u64,
        COUNT / 50
    );
    check_structure(&zset);
    assert!(
        zset.memory_bytes() < 1000,
        "{} bytes when empty",
        zset.memory_bytes()
    );
}

#[test]
fn elements_in_order_fill_the_leaves() {
    for descending in [false, true] {
        let mut zset = new();
        for number in 0..30_000_u64 {
            let score = number as f64 * if descending { -1.0 } else { 1.0 };
            zset.update(&member(number), |_| Some(score));
        }
        check_structure(&zset);
        let per_element = zset.memory_bytes() as f64 / 30_000.0;
        assert!(per_element < 46.0, "{per_element} bytes per element");
    }
}

#[test]
fn equal_scores_order_by_member() {
    let mut zset = new();
    let mut random = Random(9);
    for _ in 0..20_000 {
        zset.update(&member(random.next() % 100_000), |_| Some(7.0));
    }
    check_structure(&zset);
    while !zset.is_empty() {
        let number = random.next() % 100_000;
        let rank = (random.next() % zset.len() as u64) as usize;
        zset.remove(&member(number));
        zset.remove_ranks(rank..rank + 40, number.is_multiple_of(2), &mut |_, _| {});
    }
    check_structure(&zset);
}

#[test]
fn churn_of_lengths_gives_memory_back() {
    let mut zset = new();
    let mut random = Random(4);
    let name = |number: u64, len: usize| {
        let mut name = member(number);
        name.resize(len.max(16), b'x');
        name
    };
    for number in 0..40_000_u64 {
        let len = 16 + number as usize / 1000;
        zset.update(&name(number, len), |_| Some((random.next() % 999) as f64));
        if let Some(old) = number.checked_sub(3000) {
            assert!(zset.remove(&name(old, 16 + old as usize / 1000)).is_some());
        }
    }
    check_structure(&zset);
    let per_element = zset.memory_bytes() as f64 / zset.len() as f64;
    assert!(per_element < 120.0, "{per_element} bytes per element");
}

#[test]
fn one_removal_frees_little_and_a_slice_frees_all() {
    let mut zset = new();
    for number in 0..50_000 {
        zset.update(&member(number), |_| Some(number as f64));
    }
    let mut slices = 0;
    while !zset.drop_slice(1000) {
        slices += 1;
    }
    assert!((5..500).contains(&slices), "{slices} slices");
}

#[test]
fn scores_that_change_a_little_stay_in_order() {
    let mut zset = new();
    let mut random = Random(6);
    for number in 0..3000 {
        zset.update(&member(number), |_| Some((random.next() % 500) as f64));
    }
    for _ in 0..30_000 {
        let step = (random.next() % 7) as f64 - 3.0;
        let number = random.next() % 3000;
        zset.update(&member(number), |score| score.map(|score| score + step));
        if random.next().is_multiple_of(1000) {
            check_structure(&zset);
        }
    }
    check_structure(&zset);
}
