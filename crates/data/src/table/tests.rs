//! The table against a `BTreeMap`, in the production geometry and in tiny ones.

mod cut;
mod model;

use std::boxed::Box;
use std::collections::BTreeMap;
use std::vec::Vec;

use super::{CutId, ExpiryPosition, HashSeed, KeyHash, Kind, Slot, Table, Tuning};

const SEED: HashSeed = HashSeed { k0: 1, k1: 2 };

/// A key, its hash, a value, perhaps an expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    key: u64,
    hash: KeyHash,
    value: u64,
    expire_ms: Option<i64>,
}

impl Item {
    fn new(key: u64, hash: KeyHash, value: u64, expire_ms: Option<i64>) -> Self {
        Self(Box::new(Parts {
            key,
            hash,
            value,
            expire_ms,
        }))
    }
}

impl Slot for Item {
    type Image = Self;

    fn hash(&self, _: &HashSeed) -> KeyHash {
        self.0.hash
    }

    fn expire_ms(&self) -> Option<i64> {
        self.0.expire_ms
    }

    fn memory_bytes(&self) -> usize {
        40 + self.0.value as usize % 3
    }

    fn prefetch(&self) {}

    fn image(&mut self, _: CutId) -> Self {
        self.clone()
    }

    fn image_bytes(image: &Self) -> usize {
        image.memory_bytes()
    }

    fn is_read_in_pieces(&self) -> bool {
        self.0.key.is_multiple_of(7)
    }
}

fn sip(key: u64) -> KeyHash {
    SEED.hash(&key.to_le_bytes())
}

fn filled(keys: u64) -> Table<Item> {
    let mut table = Table::new(SEED);
    for key in 0..keys {
        table.insert(sip(key), Item::new(key, sip(key), key, None));
    }
    table
}

fn scan_all(table: &Table<Item>, items_min: usize) -> Vec<u64> {
    let (mut keys, mut cursor) = (Vec::new(), 0);
    loop {
        cursor = table.scan(cursor, items_min, &mut |item| keys.push(item.0.key));
        if cursor == 0 {
            return keys;
        }
    }
}

#[test]
fn an_empty_table_owns_nothing() {
    let table = Table::<Item>::new(SEED);
    assert_eq!(table.memory_bytes(), 0);
    assert_eq!(scan_all(&table, 10), []);
    assert!(table.random(7).is_none());
    assert!(table.find(sip(1), |_| true).is_none());
}

#[test]
fn segments_have_the_planned_sizes() {
    let mut table = Table::new(SEED);
    let mut sizes = Vec::new();
    for key in 0..300 {
        table.insert(sip(key), Item::new(key, sip(key), 0, None));
        sizes.push(table.directory.iter().next().unwrap().block_bytes());
    }
    sizes.dedup();
    assert_eq!(sizes, [128, 512, 1024, 2048, 4096]);
}

#[test]
fn growth_is_one_split_per_insert_at_a_high_fill() {
    let table = filled(300_000);
    let stats = table.stats();
    assert_eq!(stats.splits_per_insert_max, 1);
    assert_eq!(stats.spills, 0);
    let fill = stats.split_entries as f64 / stats.splits as f64;
    assert!(
        (355.0..390.0).contains(&fill),
        "segments split at {fill} entries"
    );
    let slots_bytes = table.memory_bytes() - table.totals.entry_bytes;
    assert!(slots_bytes < 300_000 * 25, "{slots_bytes} bytes of slots");
    for key in 0..300_000 {
        assert_eq!(
            table
                .find(sip(key), |item| item.0.key == key)
                .unwrap()
                .0
                .value,
            key
        );
        assert!(table.find(sip(key), |item| item.0.key == key + 1).is_none());
    }
    assert!(
        table
            .find(sip(300_000), |item| item.0.key == 300_000)
            .is_none()
    );
}

#[test]
fn a_table_of_known_size_splits_little() {
    let grown = filled(100_000);
    let mut table = Table::new(SEED);
    table.presize(100_000);
    for key in 0..100_000 {
        table.insert(sip(key), Item::new(key, sip(key), key, None));
    }
    assert!(table.stats().splits <= grown.stats().splits / 2);
    let (one, other) = (table.segments(), grown.segments());
    assert!(one <= other + other / 20, "no more memory: {one}, {other}");
    // What it holds is not moved, and what does not fit a segment is no reason for two.
    let before = table.segments();
    table.presize(1_000_000);
    assert_eq!(table.segments(), before);
    let mut small = Table::<Item>::new(SEED);
    small.presize(300);
    assert_eq!(small.memory_bytes(), 0);
    // However many are promised, the work is bounded.
    small.presize(usize::MAX);
    assert_eq!(small.segments(), 1 << 14);
}

#[test]
fn a_full_scan_returns_every_key_once() {
    let table = filled(50_000);
    for items_min in [1, 10, 1_000, usize::MAX] {
        let mut keys = scan_all(&table, items_min);
        keys.sort_unstable();
        assert!(keys.into_iter().eq(0..50_000), "items_min {items_min}");
    }
}

#[test]
fn a_scan_call_is_bounded() {
    let table = filled(100_000);
    let mut cursor = 0;
    loop {
        let mut items = 0;
        cursor = table.scan(cursor, 10, &mut |_| items += 1);
        assert!(items < 10 + 4 * 7, "{items}");
        assert!(cursor < 1 << 48);
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(table.scan(1 << 48, 10, &mut |_| unreachable!()), 0);
    assert_eq!(table.scan(u64::MAX, 10, &mut |_| unreachable!()), 0);
}

#[test]
fn removal_gives_the_memory_back() {
    let mut table = filled(100_000);
    let full = table.memory_bytes();
    for key in 0..99_990 {
        assert_eq!(
            table
                .remove(sip(key), |item| item.0.key == key)
                .unwrap()
                .0
                .key,
            key
        );
    }
    assert_eq!(table.len(), 10);
    assert!(table.segments() < 8, "{} segments", table.segments());
    assert!(table.memory_bytes() < full / 100);
    for key in 99_990..100_000 {
        assert!(table.find(sip(key), |item| item.0.key == key).is_some());
    }
}

#[test]
fn overflow_marks_do_not_pile_up() {
    let mut table = filled(20_000);
    // A steady state: every key is replaced five times over, the number stays.
    for key in 20_000..120_000 {
        let old = key - 20_000;
        assert!(table.remove(sip(old), |item| item.0.key == old).is_some());
        table.insert(sip(key), Item::new(key, sip(key), 0, None));
    }
    let marked: u32 = table.directory.iter().map(|s| s.stashed_homes()).sum();
    let homes = table.segments() as u32 * 60;
    assert!(
        marked < homes / 10,
        "{marked} of {homes} homes look into the stash"
    );
}

#[test]
fn random_is_about_uniform() {
    for keys in [3_u64, 100, 700, 3_000] {
        let table = filled(keys);
        let draws = keys * 200;
        let mut hits = BTreeMap::new();
        for draw in 0..draws {
            *hits
                .entry(table.random(draw * 77).unwrap().0.key)
                .or_insert(0_u64) += 1;
        }
        assert_eq!(hits.len() as u64, keys);
        // Mean 200 and deviation 14 if uniform; a factor of two between segments would show.
        let chi: f64 = hits
            .values()
            .map(|&n| (n as f64 - 200.0).powi(2) / 200.0)
            .sum();
        assert!(
            chi < keys as f64 * 1.5 + 30.0,
            "{keys} keys: chi square {chi}"
        );
    }
}

#[test]
fn expired_keys_are_found_and_only_they() {
    let mut table = Table::new(SEED);
    for key in 0..20_000 {
        let expire_ms = (key % 2 == 0).then_some(1_000 + key as i64);
        table.insert(sip(key), Item::new(key, sip(key), 0, expire_ms));
    }
    assert_eq!(table.volatile_len(), 10_000);
    assert_eq!(table.ttl_mean_ms(0), 1_000 + 9_999);
    let mut position = ExpiryPosition::default();
    assert!(table.expired_slice(999, usize::MAX, &mut position, &mut |_| unreachable!()));
    let mut found = Vec::new();
    let mut slices = 0;
    loop {
        let mut due = Vec::new();
        let done = table.expired_slice(5_999, 500, &mut position, &mut |item| due.push(item.0.key));
        assert!(due.len() < 500 + 441);
        for key in &due {
            assert!(table.remove(sip(*key), |item| item.0.key == *key).is_some());
        }
        found.append(&mut due);
        slices += 1;
        if done {
            break;
        }
    }
    found.sort_unstable();
    assert!(found.into_iter().eq((0..5_000).step_by(2)));
    assert!(slices > 10);
    assert_eq!(table.volatile_len(), 7_500);
}

#[test]
fn an_expiry_pass_touches_nothing_that_is_not_due() {
    let mut table = Table::new(SEED);
    for key in 0..100_000 {
        table.insert(sip(key), Item::new(key, sip(key), 0, Some(1_000_000)));
    }
    table.insert(sip(100_000), Item::new(100_000, sip(100_000), 0, Some(5)));
    let mut due = 0;
    let mut position = ExpiryPosition::default();
    // One segment is opened; the others cost a fraction of a step each.
    assert!(table.expired_slice(5, 1_000, &mut position, &mut |_| due += 1));
    assert_eq!(due, 1);
}

#[test]
fn the_same_calls_give_the_same_layout() {
    let build = || {
        let mut table = filled(5_000);
        for key in (0..5_000).step_by(3) {
            table.remove(sip(key), |item| item.0.key == key);
        }
        table
    };
    let order = |table: &Table<Item>| {
        let mut keys = Vec::new();
        table.for_each(&mut |item| keys.push(item.0.key));
        (
            keys,
            scan_all(table, 1),
            table.random(3).cloned(),
            table.memory_bytes(),
        )
    };
    assert_eq!(order(&build()), order(&build()));
}

#[test]
fn equal_hashes_are_kept_apart_and_found() {
    let mut table = Table::with_tuning(SEED, Tuning::default());
    let hash = KeyHash(0x8000_0000_0000_0000);
    for key in 0..1_000 {
        table.insert(hash, Item::new(key, hash, key, None));
    }
    assert_eq!(table.stats().splits_per_insert_max, 1);
    assert!(table.stats().spills > 0);
    let mut keys = scan_all(&table, 1);
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..1_000));
    for key in (0..1_000).rev() {
        assert!(table.remove(hash, |item| item.0.key == key).is_some());
        assert!(table.find(hash, |item| item.0.key == key).is_none());
    }
    assert!(table.is_empty());
}

/// Rare entries are found from any place, and a pass that finds few of them ends.
#[test]
fn a_sample_finds_what_there_is_and_ends() {
    let mut table = Table::new(SEED);
    for key in 0..5_000 {
        table.insert(sip(key), Item::new(key, sip(key), 0, None));
    }
    let rare = [(5_000, i64::MAX), (5_001, 7)];
    for (key, expire_ms) in rare {
        table.insert(sip(key), Item::new(key, sip(key), 0, Some(expire_ms)));
    }
    for seed in 0..500 {
        let mut found = Vec::new();
        let count = table.sample(seed, Kind::Volatile, 5, &mut |item| {
            found.push(item.0.key);
        });
        assert!(count == found.len() && !found.is_empty(), "seed {seed}");
        assert!(found.iter().all(|key| *key >= 5_000));
    }
    for (key, left) in [(5_001, 1), (5_000, 0)] {
        assert!(table.remove(sip(key), |item| item.0.key == key).is_some());
        assert_eq!(table.sample(3, Kind::Volatile, 5, &mut |_| {}), left);
    }
    let none = table.sample(1, Kind::Volatile, 5, &mut |_| unreachable!());
    assert_eq!(none, 0);
    assert!(table.sample(1, Kind::All, 5, &mut |_| {}) >= 5);
}
