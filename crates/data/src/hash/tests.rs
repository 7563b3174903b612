//! Hashes against the obvious model: a sorted map of names to a value and a time.

use std::collections::{BTreeMap, BTreeSet};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use vk_mem::Access;
use vk_resp::Blob;

use super::{
    Expiring, FieldExpire, FieldValue, Hash, HashBuilder, HashLimits, HashMut, HashRef, Persisted,
    Put,
};
use crate::keyspace::Keyspace;
use crate::listpack::EMPTY;
use crate::num::INT_TEXT_MAX;
use crate::pack::PackKind;
use crate::table::{HashSeed, Slot};
use crate::value::{Encoding, NewValue, StrRef, View};

const SEED: HashSeed = HashSeed { k0: 1, k1: 2 };
const LIMITS: HashLimits = HashLimits {
    entries: 5,
    value_bytes: 8,
    seed: SEED,
};
const NOW: i64 = 1_700_000_000_000;

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

#[derive(Clone, Debug)]
enum Step {
    Set(Vec<u8>, Vec<u8>, FieldExpire, bool),
    Remove(Vec<u8>),
    Purge(Vec<u8>),
    Expire(Vec<u8>, i64, bool),
    Persist(Vec<u8>),
    Slice(usize),
    Wait(i64),
    Prepare(usize),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0..12_u8).prop_map(|n| vec![b'f', b'a' + n]),
        2 => prop::sample::select(vec![&b"1"[..], b"-5", b"007", b"", b"9223372036854775807"])
            .prop_map(<[u8]>::to_vec),
        1 => (0..3_usize).prop_map(|n| vec![b'n'; 8 + n]),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..9),
        2 => any::<i64>().prop_map(|n| std::format!("{n}").into_bytes()),
        1 => (7..12_usize).prop_map(|n| vec![b'v'; n]),
        1 => (4090..4100_usize).prop_map(|n| vec![b'w'; n]),
    ]
}

fn time() -> impl Strategy<Value = i64> {
    NOW - 5..NOW + 60
}

fn step() -> impl Strategy<Value = Step> {
    let expire = prop_oneof![
        10 => Just(FieldExpire::Never),
        2 => Just(FieldExpire::Keep),
        1 => time().prop_map(FieldExpire::At),
    ];
    prop_oneof![
        8 => (name(), value(), expire, any::<bool>())
            .prop_map(|(n, v, e, b)| Step::Set(n, v, e, b)),
        3 => name().prop_map(Step::Remove),
        1 => name().prop_map(Step::Purge),
        2 => (name(), time(), any::<bool>()).prop_map(|(n, at, nx)| Step::Expire(n, at, nx)),
        1 => name().prop_map(Step::Persist),
        1 => (1..20_usize).prop_map(Step::Slice),
        1 => (1..20_i64).prop_map(Step::Wait),
        1 => (3..8_usize).prop_map(Step::Prepare),
    ]
}

/// A hash under the key `k`, the model of it, and the time.
struct World {
    keys: Keyspace,
    model: Model,
    now: i64,
    is_large: bool,
}

impl World {
    fn new() -> Self {
        let mut keys = Keyspace::new(SEED);
        let empty = NewValue::Pack(PackKind::Hash, &EMPTY);
        keys.put(keys.hash(b"k"), b"k", empty, None, |_| Access::default());
        Self {
            keys,
            model: Model::new(),
            now: NOW,
            is_large: false,
        }
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut HashMut<'_>) -> R) -> R {
        let hash = self.keys.hash(b"k");
        let mut entry = self.keys.entry_mut(hash, b"k").unwrap();
        let mut hash = HashMut::of(entry.body_mut().unwrap()).unwrap();
        change(&mut hash)
    }

    fn view(&self) -> HashRef<'_> {
        let entry = self.keys.find(self.keys.hash(b"k"), b"k").unwrap();
        HashRef::of(entry).unwrap()
    }

    fn lives(&self, name: &[u8]) -> bool {
        let at = self.model.get(name).map(|(_, at)| *at);
        at.is_some_and(|at| at.is_none_or(|at| self.now <= at))
    }

    fn run(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Set(name, value, expire, as_blob) => self.set(&name, &value, expire, as_blob),
            Step::Remove(name) => {
                let removed = self.change(|hash| hash.remove(&name, now));
                assert_eq!(removed, self.lives(&name));
                if removed {
                    self.model.remove(&name);
                }
            }
            Step::Purge(name) => {
                let removed = self.change(|hash| hash.purge(&name));
                assert_eq!(removed, self.model.remove(&name).is_some());
            }
            Step::Expire(name, at, nx) => self.expire(&name, at, nx),
            Step::Persist(name) => {
                let found = self.change(|hash| hash.persist(&name, now));
                let lives = self.lives(&name);
                let field = self.model.get_mut(&name).filter(|_| lives);
                let expected = match field {
                    None => Persisted::Absent,
                    Some((_, None)) => Persisted::Unchanged,
                    Some((_, at)) => {
                        *at = None;
                        Persisted::Done
                    }
                };
                assert_eq!(found, expected);
            }
            Step::Slice(budget) => self.slice(budget),
            Step::Wait(ms) => self.now += ms,
            Step::Prepare(fields) => {
                self.change(|hash| hash.prepare(fields, &LIMITS));
                self.is_large |= fields > LIMITS.entries;
            }
        }
    }

    fn set(&mut self, name: &[u8], value: &[u8], expire: FieldExpire, as_blob: bool) {
        let now = self.now;
        let blob = Blob::from(value.to_vec());
        let given = if as_blob {
            FieldValue::Blob(&blob)
        } else {
            FieldValue::Bytes(value)
        };
        let put = self.change(|hash| hash.set(name, given, expire, now, &LIMITS));
        let (lived, before) = (self.lives(name), self.model.get(name).cloned());
        let expected = match (&before, lived) {
            (None, _) => Put::Added,
            (Some(_), true) => Put::Updated,
            (Some(_), false) => Put::AddedOverExpired,
        };
        assert_eq!(put, expected);
        let at = match expire {
            FieldExpire::Never => None,
            FieldExpire::At(at) => Some(at),
            FieldExpire::Keep => before.filter(|_| lived).and_then(|(_, at)| at),
        };
        self.model.insert(name.to_vec(), (value.to_vec(), at));
        self.is_large |= name.len() > LIMITS.value_bytes
            || value.len() > LIMITS.value_bytes
            || matches!(expire, FieldExpire::At(_))
            || self.model.len() > LIMITS.entries;
    }

    fn expire(&mut self, name: &[u8], at: i64, nx: bool) {
        let (now, passed) = (self.now, at <= self.now);
        let found = self.change(|hash| {
            hash.expire(name, (at, passed), now, &LIMITS, |old| !nx || old.is_none())
        });
        let lives = self.lives(name);
        let expected = match self.model.get_mut(name).filter(|_| lives) {
            None => Expiring::Absent,
            Some((_, Some(_))) if nx => Expiring::Refused,
            Some(_) if passed => {
                self.model.remove(name);
                Expiring::Removed
            }
            Some((_, old)) => {
                *old = Some(at);
                self.is_large = true;
                Expiring::Set
            }
        };
        assert_eq!(found, expected);
    }

    fn slice(&mut self, budget: usize) {
        let now = self.now;
        let mut gone = BTreeSet::new();
        for _ in 0..100 {
            let mut take = |name: &[u8]| assert!(gone.insert(name.to_vec()));
            if self.change(|hash| hash.expire_slice(now, budget, &mut take)) {
                break;
            }
        }
        let expired = |name: &&Vec<u8>| !self.lives(name);
        let expected: BTreeSet<_> = self.model.keys().filter(expired).cloned().collect();
        assert_eq!(gone, expected);
        self.model.retain(|name, _| !expected.contains(name));
        if let HashRef::Large(hash) = self.view() {
            // Nothing is due any more, so nobody looks again before something is.
            assert!(hash.due_ms().is_none_or(|due_ms| due_ms >= now));
        }
    }

    fn check(&self) {
        let (view, now) = (self.view(), self.now);
        assert_eq!(matches!(view, HashRef::Large(_)), self.is_large);
        let entry = self.keys.find(self.keys.hash(b"k"), b"k").unwrap();
        let encoding = if self.is_large {
            Encoding::Hashtable
        } else {
            Encoding::Listpack
        };
        assert_eq!(entry.encoding(), encoding);
        assert_eq!(entry.is_empty_collection(), self.model.is_empty());
        assert_eq!(view.len(), self.model.len());
        assert_eq!(stored(view), self.model);
        let live: BTreeSet<_> = self
            .model
            .keys()
            .filter(|name| self.lives(name))
            .cloned()
            .collect();
        assert_eq!(view.live_len(now), live.len());
        let mut seen = Vec::new();
        view.for_each(now, &mut |name, _| seen.push(bytes(name)));
        seen.sort_unstable();
        assert!(seen.iter().eq(&live));
        for (name, (value, at)) in &self.model {
            let lives = live.contains(name);
            assert_eq!(view.contains(name, now), lives);
            let found = view.get(name, now).map(bytes);
            assert_eq!(found, lives.then(|| value.clone()));
            assert_eq!(view.expiry(name, now), lives.then_some(*at));
        }
        assert_eq!(view.get(b"none", now).map(bytes), None);
        let earliest = self.model.values().filter_map(|(_, at)| *at).min();
        assert_eq!(view.has_expiry(), earliest.is_some());
        if let HashRef::Large(hash) = view {
            assert_eq!(hash.due_ms().is_some(), earliest.is_some());
            assert!(hash.due_ms() <= earliest);
            assert_eq!(entry.due_ms(), hash.due_ms());
            assert_eq!(hash.memory_bytes(), recounted(hash));
            let copy = hash.clone();
            assert_eq!(stored(HashRef::Large(&copy)), self.model);
            assert_eq!(copy.due_ms().is_some(), earliest.is_some());
            assert!(copy.due_ms() <= earliest);
        }
        assert_eq!(
            self.keys.memory_bytes(),
            self.keys.table_bytes() + entry.allocated_bytes()
        );
    }
}

fn bytes(text: StrRef<'_>) -> Vec<u8> {
    text.bytes(&mut [0; INT_TEXT_MAX]).to_vec()
}

fn stored(view: HashRef<'_>) -> Model {
    let mut all = Model::new();
    view.for_each_stored(&mut |name, value, at| {
        let before = all.insert(bytes(name), (bytes(value), at));
        assert_eq!(before, None);
    });
    all
}

fn recounted(hash: &Hash) -> usize {
    let fields: usize = hash.table.iter().map(Slot::memory_bytes).sum();
    vk_mem::size_class(size_of::<Hash>()) + hash.table.table_bytes() + fields
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 600 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_hash_is_a_map_of_names(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
            world.check();
        }
    }

    #[test]
    fn a_builder_makes_the_same_hash(
        fields in prop::collection::vec((name(), value()), 0..9),
    ) {
        let bytes = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        let mut builder = HashBuilder::new(LIMITS, fields.len().min(LIMITS.entries), bytes);
        let mut world = World::new();
        for (name, value) in &fields {
            let put = builder.set(name, FieldValue::Bytes(value), FieldExpire::Never);
            prop_assert_eq!(put == Put::Added, !world.model.contains_key(name));
            world.set(name, value, FieldExpire::Never, false);
        }
        prop_assert_eq!(builder.len(), world.model.len());
        let hash = world.keys.hash(b"built");
        world.keys.put(hash, b"built", builder.finish(), None, |_| Access::default());
        let built = HashRef::of(world.keys.find(hash, b"built").unwrap()).unwrap();
        prop_assert_eq!(stored(built), stored(world.view()));
        let is_large = matches!(built, HashRef::Large(_));
        prop_assert_eq!(is_large, world.is_large);
    }
}

/// A large hash of `fields` fields; every seventh expires at `NOW + 10`.
fn large(fields: usize) -> Hash {
    let mut hash = Hash::new(SEED);
    for at in 0..fields {
        let name = std::format!("field:{at}");
        let expire = if at % 7 == 0 {
            FieldExpire::At(NOW + 10)
        } else {
            FieldExpire::Never
        };
        hash.set(
            name.as_bytes(),
            FieldValue::Bytes(name.as_bytes()),
            expire,
            NOW,
        );
    }
    hash
}

#[test]
fn a_scan_visits_every_field_that_lives() {
    let hash = large(3000);
    for (now, expected) in [(NOW, 3000), (NOW + 11, 3000 - 429)] {
        let mut seen = BTreeSet::new();
        let mut cursor = 0;
        loop {
            cursor = HashRef::Large(&hash).scan(cursor, 10, now, &mut |name, value| {
                assert_eq!(bytes(name), bytes(value));
                seen.insert(bytes(name));
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), expected);
    }
}

#[test]
fn random_fields_live_and_samples_are_different() {
    let hash = large(700);
    let view = HashRef::Large(&hash);
    let mut state = 7_u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state ^ state >> 29
    };
    let later = NOW + 11;
    let mut seen = BTreeSet::new();
    view.random_any(5000, later, &mut draw, &mut |name, _| {
        assert!(view.contains(&bytes(name), later));
        seen.insert(bytes(name));
    });
    // 600 of them live; 5,000 draws leave out about 0.15 of them.
    assert!(seen.len() > 590, "{}", seen.len());
    for count in [0, 1, 5, 599, 600, 601, 9999] {
        let mut sampled = BTreeSet::new();
        view.sample(count, later, &mut draw, &mut |name, _| {
            assert!(view.contains(&bytes(name), later));
            assert!(sampled.insert(bytes(name)));
        });
        assert_eq!(sampled.len(), count.min(600));
    }
    let all_gone = Hash::new(SEED);
    assert!(HashRef::Large(&all_gone).random(NOW, &mut draw).is_none());
}

#[test]
fn samples_are_fair() {
    let mut builder = HashBuilder::new(LIMITS, 5, 50);
    for name in [b"a", b"b", b"c", b"d", b"e"] {
        builder.set(name, FieldValue::Bytes(name), FieldExpire::Never);
    }
    let NewValue::Pack(_, pack) = builder.finish() else {
        panic!("five short fields are a listpack");
    };
    let view = HashRef::Small(crate::listpack::Listpack::new(pack));
    let mut state = 3_u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state ^ state >> 29
    };
    let mut times = BTreeMap::<_, u32>::new();
    for _ in 0..10_000 {
        view.sample(2, NOW, &mut draw, &mut |name, _| {
            *times.entry(bytes(name)).or_default() += 1;
        });
    }
    // 4,000 each, with a standard deviation of 49.
    assert_eq!(times.len(), 5);
    assert!(
        times.values().all(|&n| (3_750..4_250).contains(&n)),
        "{times:?}"
    );
}

#[test]
fn expiry_goes_on_where_a_slice_ended() {
    let mut hash = large(5000);
    assert_eq!(hash.due_ms(), Some(NOW + 10));
    let (mut gone, mut slices) = (0, 0);
    // A field lives through the millisecond of its expiry.
    let early = hash.expire_slice(NOW + 10, 10_000, &mut |_| gone += 1);
    assert_eq!((early, gone), (true, 0));
    while !hash.expire_slice(NOW + 11, 50, &mut |_| gone += 1) {
        slices += 1;
    }
    assert_eq!((gone, hash.len(), hash.due_ms()), (715, 4285, None));
    assert!(slices > 5);
}

#[test]
fn sizes_are_as_planned() {
    let mut hash = Hash::new(SEED);
    let (mut sum, mut samples) = (0.0, 0_u32);
    for at in 1..=100_000_u32 {
        let name = std::format!("field:{at:010}");
        hash.set(
            name.as_bytes(),
            FieldValue::Bytes(&[b'v'; 16]),
            FieldExpire::Never,
            NOW,
        );
        if at >= 10_000 && at % 1000 == 0 {
            let per_field = hash.memory_bytes() as f64 / f64::from(at);
            assert!(per_field < 62.0, "{per_field} with {at} fields");
            (sum, samples) = (sum + per_field, samples + 1);
        }
    }
    assert!(
        sum / f64::from(samples) < 56.5,
        "{}",
        sum / f64::from(samples)
    );
    let mut slices = 0;
    while !hash.drop_slice(1000) {
        slices += 1;
    }
    assert!(slices > 50);
    assert_eq!(hash.len(), 0);
}
