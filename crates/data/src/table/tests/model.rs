//! Any sequence of calls against the same calls on a `BTreeMap`.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use proptest::prelude::*;

use super::{
    ExpiryPosition, HashSeed, Item, KeyHash, Kind, SEED, Slot, Table, Tuning, scan_all, sip,
};

#[derive(Clone, Debug)]
enum Call {
    Insert(u64, u64, Option<i64>),
    Remove(u64),
    Update(u64, u64, Option<i64>),
    Expire(i64, usize),
    Scan(usize),
}

fn call(keys: u64) -> impl Strategy<Value = Call> {
    let expiry = || {
        prop_oneof![8 => Just(None), 4 => (0_i64..100).prop_map(Some),
        1 => Just(Some(i64::MAX))]
    };
    prop_oneof![
        6 => (0..keys, any::<u64>(), expiry()).prop_map(|(k, v, e)| Call::Insert(k, v, e)),
        4 => (0..keys).prop_map(Call::Remove),
        2 => (0..keys, any::<u64>(), expiry()).prop_map(|(k, v, e)| Call::Update(k, v, e)),
        1 => (0_i64..100, 1_usize..50).prop_map(|(now, budget)| Call::Expire(now, budget)),
        2 => (1_usize..20).prop_map(Call::Scan),
    ]
}

fn tuning() -> impl Strategy<Value = Tuning> {
    (0_u8..=4, 1_u8..=7, 1_u8..=3, 0_u8..=100).prop_map(|(class_max, slots, bits, percent)| {
        Tuning {
            class_max,
            slots_per_bucket: slots,
            chunk_bits_max: bits,
            merge_percent: percent,
        }
    })
}

/// The table, its model, and a SCAN in progress.
struct Pair {
    table: Table<Item>,
    model: BTreeMap<u64, Item>,
    hash: fn(u64) -> KeyHash,
    cursor: u64,
    /// Keys that have been there since the scan began, and keys that it returned.
    steady: BTreeSet<u64>,
    returned: BTreeSet<u64>,
    position: ExpiryPosition,
}

impl Pair {
    fn new(tuning: Tuning, hash: fn(u64) -> KeyHash) -> Self {
        Self {
            table: Table::with_tuning(SEED, tuning),
            model: BTreeMap::new(),
            hash,
            cursor: 0,
            steady: BTreeSet::new(),
            returned: BTreeSet::new(),
            position: ExpiryPosition::default(),
        }
    }

    fn apply(&mut self, call: Call) {
        match call {
            Call::Insert(key, value, expire_ms) => {
                let item = Item::new(key, (self.hash)(key), value, expire_ms);
                if self.model.contains_key(&key) {
                    return;
                }
                self.model.insert(key, item.clone());
                let loc = self.table.insert((self.hash)(key), item.clone());
                assert_eq!(self.table.at(loc), Some(&item));
            }
            Call::Remove(key) => self.remove(key),
            Call::Update(key, value, expire_ms) => self.update(key, value, expire_ms),
            Call::Expire(now_ms, budget) => self.expire(now_ms, budget),
            Call::Scan(items_min) => self.scan(items_min),
        }
    }

    fn remove(&mut self, key: u64) {
        let removed = self
            .table
            .remove((self.hash)(key), |item| item.0.key == key);
        assert_eq!(removed, self.model.remove(&key));
        self.steady.remove(&key);
    }

    fn update(&mut self, key: u64, value: u64, expire_ms: Option<i64>) {
        let loc = self
            .table
            .locate((self.hash)(key), |item| item.0.key == key);
        assert_eq!(loc.is_some(), self.model.contains_key(&key));
        if let (Some(loc), Some(model)) = (loc, self.model.get_mut(&key)) {
            (model.0.value, model.0.expire_ms) = (value, expire_ms);
            let change = |item: &mut Item| (item.0.value, item.0.expire_ms) = (value, expire_ms);
            assert!(self.table.update(loc, change).is_some());
        }
    }

    fn expire(&mut self, now_ms: i64, budget: usize) {
        let from_start = self.position == ExpiryPosition::default();
        let mut due = Vec::new();
        let done = self
            .table
            .expired_slice(now_ms, budget, &mut self.position, &mut |item| {
                due.push(item.clone())
            });
        assert!(
            due.iter()
                .all(|item| item.0.expire_ms.is_some_and(|ms| ms <= now_ms))
        );
        for item in due {
            self.remove(item.0.key);
        }
        if from_start && done {
            let left = self.model.values().filter_map(Slot::expire_ms).min();
            assert!(left.is_none_or(|ms| ms > now_ms));
        }
    }

    fn scan(&mut self, items_min: usize) {
        if self.cursor == 0 {
            self.steady = self.model.keys().copied().collect();
            self.returned.clear();
        }
        let (model, returned) = (&self.model, &mut self.returned);
        self.cursor = self.table.scan(self.cursor, items_min, &mut |item| {
            assert_eq!(model.get(&item.0.key), Some(item));
            returned.insert(item.0.key);
        });
        if self.cursor == 0 {
            assert!(self.steady.is_subset(&self.returned), "a key was missed");
        }
    }

    fn check(&self) {
        assert_eq!(self.table.len(), self.model.len());
        let volatile = self.model.values().filter_map(Slot::expire_ms);
        assert_eq!(self.table.volatile_len(), volatile.clone().count());
        assert_eq!(
            self.table.totals.expire_sum_ms,
            volatile.map(i128::from).sum()
        );
        let bytes: usize = self.model.values().map(Slot::memory_bytes).sum();
        assert_eq!(self.table.totals.entry_bytes, bytes);
        assert_eq!(self.table.memory_bytes(), self.table.recount_bytes());
        for seed in 0..4 {
            self.check_sample(seed, Kind::All, self.table.len());
            self.check_sample(seed, Kind::Volatile, self.table.volatile_len());
        }
        assert!(self.table.stats().splits_per_insert_max <= 1);
        for (key, item) in &self.model {
            let found = self
                .table
                .find((self.hash)(*key), |item| item.0.key == *key);
            assert_eq!(found, Some(item));
        }
        let mut keys = scan_all(&self.table, 3);
        keys.sort_unstable();
        assert!(
            keys.iter().eq(self.model.keys()),
            "a full scan returns every key once"
        );
        assert_eq!(self.table.random(7).is_some(), !self.model.is_empty());
    }

    fn check_sample(&self, seed: u64, kind: Kind, held: usize) {
        let mut sampled = BTreeSet::new();
        let found = self.table.sample(seed, kind, 5, &mut |item| {
            assert_eq!(self.model.get(&item.0.key), Some(item));
            assert!(kind == Kind::All || item.0.expire_ms.is_some());
            assert!(sampled.insert(item.0.key), "a key was sampled twice");
        });
        assert_eq!(found, sampled.len());
        assert!(found >= held.min(1), "nothing found among {held}");
    }
}

/// Few different hashes, so that buckets, stash and spill fill up.
fn crowded(key: u64) -> KeyHash {
    KeyHash(sip(key % 7).0 & 0xF000_0000_0000_0003)
}

fn check_calls(tuning: Tuning, hash: fn(u64) -> KeyHash, calls: Vec<Call>) {
    let pair = run_calls(Pair::new(tuning, hash), calls);
    assert!(
        pair.table.segments() <= 2,
        "an emptied table is small again"
    );
}

/// Runs the calls, and removes everything.
fn run_calls(mut pair: Pair, calls: Vec<Call>) -> Pair {
    for (at, call) in calls.into_iter().enumerate() {
        pair.apply(call);
        if at % 16 == 0 {
            pair.check();
        }
    }
    pair.check();
    let keys: Vec<_> = pair.model.keys().copied().collect();
    keys.into_iter().for_each(|key| pair.remove(key));
    pair.check();
    pair
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn tables_are_maps(tuning in tuning(), calls in proptest::collection::vec(call(300), 0..900)) {
        check_calls(tuning, sip, calls);
    }

    #[test]
    fn presized_tables_are_maps(
        tuning in tuning(),
        len in 0..2000_usize,
        calls in proptest::collection::vec(call(300), 0..900),
    ) {
        let mut pair = Pair::new(tuning, sip);
        pair.table.presize(len);
        run_calls(pair, calls);
    }

    #[test]
    fn crowded_tables_are_maps(
        tuning in tuning(),
        calls in proptest::collection::vec(call(60), 0..300),
    ) {
        check_calls(tuning, crowded, calls);
    }
}

#[test]
fn the_seed_does_not_matter_to_test_items() {
    let item = Item::new(1, sip(1), 0, None);
    assert_eq!(item.hash(&HashSeed::default()), sip(1));
}
