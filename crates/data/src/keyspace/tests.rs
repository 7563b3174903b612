//! The keyspace against a `BTreeMap` of plain values.

use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use vk_mem::Access;
use vk_resp::Blob;

use super::Keyspace;
use crate::entry::DbEntry;
use crate::num::INT_TEXT_MAX;
use crate::pieces::Image;
use crate::table::{CutId, ExpiryPosition, HashSeed, Saved};
use crate::value::{Encoding, NewValue, StrRef};

const SEED: HashSeed = HashSeed { k0: 3, k1: 4 };

#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    text: Vec<u8>,
    encoding: Encoding,
    expire_ms: Option<i64>,
}

#[derive(Clone, Debug)]
enum Call {
    Put(u8, Value, Option<i64>),
    SetStr(u8, Value),
    Expire(u8, Option<i64>),
    Update(u8, usize, u8),
    Remove(u8, bool),
    Rename(u8, u8),
    Copy(u8, u8),
}

#[derive(Clone, Debug)]
enum Value {
    Int(i64),
    Bytes(Vec<u8>),
    Raw(Vec<u8>),
    Blob(Vec<u8>),
}

impl Value {
    fn new_value(&self) -> NewValue<'_> {
        match self {
            Self::Int(value) => NewValue::Int(*value),
            Self::Bytes(bytes) => NewValue::Bytes(bytes),
            Self::Raw(bytes) => NewValue::Raw(bytes),
            Self::Blob(bytes) => NewValue::Blob(Blob::from(bytes.clone())),
        }
    }

    fn model(&self, expire_ms: Option<i64>) -> Model {
        let (text, encoding) = match self {
            Self::Int(value) => (std::format!("{value}").into_bytes(), Encoding::Int),
            Self::Bytes(bytes) if bytes.len() <= 44 => (bytes.clone(), Encoding::Embstr),
            Self::Bytes(bytes) | Self::Raw(bytes) | Self::Blob(bytes) => {
                (bytes.clone(), Encoding::Raw)
            }
        };
        Model {
            text,
            encoding,
            expire_ms,
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let bytes = || {
        let small = proptest::collection::vec(any::<u8>(), 0..60);
        prop_oneof![4 => small, 1 => (0_usize..3_000).prop_map(|len| vec![b'x'; len])]
    };
    prop_oneof![
        1 => any::<i64>().prop_map(Value::Int),
        3 => bytes().prop_map(Value::Bytes),
        1 => bytes().prop_map(Value::Raw),
        1 => bytes().prop_map(Value::Blob),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let expiry = || prop_oneof![Just(None), (0_i64..100).prop_map(Some)];
    let key = || 0_u8..40;
    prop_oneof![
        4 => (key(), value(), expiry()).prop_map(|(k, v, e)| Call::Put(k, v, e)),
        2 => (key(), value()).prop_map(|(k, v)| Call::SetStr(k, v)),
        2 => (key(), expiry()).prop_map(|(k, e)| Call::Expire(k, e)),
        3 => (key(), 0_usize..2_000, any::<u8>()).prop_map(|(k, n, b)| Call::Update(k, n, b)),
        2 => (key(), any::<bool>()).prop_map(|(k, guard)| Call::Remove(k, guard)),
        1 => (key(), key()).prop_map(|(from, to)| Call::Rename(from, to)),
        1 => (key(), key()).prop_map(|(from, to)| Call::Copy(from, to)),
    ]
}

/// Some keys are longer than the narrow header allows.
fn name(key: u8) -> Vec<u8> {
    if key.is_multiple_of(9) {
        vec![key; 300]
    } else {
        std::format!("key:{key}").into_bytes()
    }
}

fn apply(keyspace: &mut Keyspace, model: &mut BTreeMap<Vec<u8>, Model>, call: &Call) {
    match call {
        Call::Put(key, value, expire_ms) => {
            let key = name(*key);
            let hash = keyspace.hash(&key);
            let mark = |access: Option<Access>| access.unwrap_or(Access::from_bits(9));
            let old = keyspace.put(hash, &key, value.new_value(), *expire_ms, mark);
            let before = model.insert(key, value.model(*expire_ms));
            assert_eq!(
                old.map(|old| old.expire_ms),
                before.map(|before| before.expire_ms)
            );
        }
        Call::SetStr(key, value) => {
            let key = name(*key);
            if let Some(mut entry) = keyspace.entry_mut(keyspace.hash(&key), &key) {
                entry.set_str(value.new_value());
                let expire_ms = model[&key].expire_ms;
                model.insert(key, value.model(expire_ms));
            }
        }
        Call::Expire(key, expire_ms) => {
            let key = name(*key);
            if let Some(mut entry) = keyspace.entry_mut(keyspace.hash(&key), &key) {
                entry.set_expire(*expire_ms);
                assert_eq!(entry.expire_ms(), *expire_ms);
                model.get_mut(&key).unwrap().expire_ms = *expire_ms;
            }
        }
        Call::Update(key, len, byte) => update(keyspace, model, name(*key), *len, *byte),
        Call::Remove(key, guard) => {
            let key = name(*key);
            let hash = keyspace.hash(&key);
            let removed = if *guard {
                keyspace
                    .entry_mut(hash, &key)
                    .and_then(super::EntryMut::remove)
            } else {
                keyspace.remove(hash, &key)
            };
            assert_eq!(removed.as_ref().map(parts), model.remove(&key));
        }
        Call::Rename(from, to) => {
            let (from, to) = (name(*from), name(*to));
            if let Some(entry) = keyspace.remove(keyspace.hash(&from), &from) {
                keyspace.insert_entry(keyspace.hash(&to), entry.renamed(&to));
                let moved = model.remove(&from).unwrap();
                model.insert(to, moved);
            }
        }
        Call::Copy(from, to) => {
            let (from, to) = (name(*from), name(*to));
            if let Some(entry) = keyspace.find(keyspace.hash(&from), &from) {
                let copy = entry.duplicate(&to);
                keyspace.insert_entry(keyspace.hash(&to), copy);
                model.insert(to, model[&from].clone());
            }
        }
    }
}

fn update(
    keyspace: &mut Keyspace,
    model: &mut BTreeMap<Vec<u8>, Model>,
    key: Vec<u8>,
    len: usize,
    byte: u8,
) {
    let Some(mut entry) = keyspace.entry_mut(keyspace.hash(&key), &key) else {
        return;
    };
    let last = len.saturating_sub(1)..len;
    let bytes = entry.bytes_for_update(len, &[last]).unwrap();
    assert_eq!(bytes.len(), len);
    let model = model.get_mut(&key).unwrap();
    model.encoding = Encoding::Raw;
    model.text.resize(len, 0);
    if let (Some(last), Some(model_last)) = (bytes.last_mut(), model.text.last_mut()) {
        (*last, *model_last) = (byte, byte);
    }
}

fn parts(entry: &DbEntry) -> Model {
    let mut digits = [0; INT_TEXT_MAX];
    let value = entry.str().unwrap();
    let text = value.bytes(&mut digits).to_vec();
    assert_eq!(value.byte_len(), text.len());
    Model {
        text,
        encoding: entry.encoding(),
        expire_ms: entry.expire_ms(),
    }
}

fn contents(keyspace: &Keyspace) -> BTreeMap<Vec<u8>, Model> {
    let mut contents = BTreeMap::new();
    keyspace.for_each(&mut |entry| {
        assert!(
            contents
                .insert(entry.key().to_vec(), parts(entry))
                .is_none()
        );
    });
    contents
}

fn check(keyspace: &Keyspace, model: &BTreeMap<Vec<u8>, Model>) {
    assert_eq!(&contents(keyspace), model);
    assert_eq!(keyspace.len(), model.len());
    assert_eq!(
        keyspace.volatile_len(),
        model.values().filter(|m| m.expire_ms.is_some()).count()
    );
    let mut entry_bytes = 0;
    keyspace.for_each(&mut |entry| entry_bytes += entry.allocated_bytes());
    let table_bytes = keyspace.memory_bytes() - entry_bytes;
    assert!(
        table_bytes <= 8_192,
        "{table_bytes} bytes are not those of entries"
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_keyspace_is_a_map(calls in proptest::collection::vec(call(), 0..200)) {
        let mut keyspace = Keyspace::new(SEED);
        let mut model = BTreeMap::new();
        for call in &calls {
            apply(&mut keyspace, &mut model, call);
        }
        check(&keyspace, &model);
    }

    #[test]
    fn a_cut_of_strings_is_one_moment(
        before in proptest::collection::vec(call(), 0..200),
        during in proptest::collection::vec(call(), 0..200),
        flush_at in proptest::option::of(0_usize..200),
    ) {
        let mut keyspace = Keyspace::new(SEED);
        let mut model = BTreeMap::new();
        before.iter().for_each(|call| apply(&mut keyspace, &mut model, call));
        let (expected, mut found) = (model.clone(), BTreeMap::new());
        prop_assert!(keyspace.cut_begin(CutId::default()));
        let mut detached = None;
        let mut sink = |saved: Saved<'_, DbEntry>| {
            let entry = match &saved {
                Saved::Live(entry) => entry,
                Saved::Image(Image::Whole(entry)) => entry,
                Saved::Image(Image::InPieces(_)) => panic!("a string is no large value"),
            };
            assert!(found.insert(entry.key().to_vec(), parts(entry)).is_none());
        };
        for (at, call) in during.iter().enumerate() {
            if flush_at == Some(at) {
                detached = Some(keyspace.take());
                model.clear();
            }
            match &mut detached {
                None => keyspace.cut_slice(1, &mut sink),
                Some(detached) => detached.contents_mut().cut_slice(1, &mut sink),
            };
            apply(&mut keyspace, &mut model, call);
        }
        while !keyspace.cut_slice(1, &mut sink) {}
        if let Some(detached) = &mut detached {
            while !detached.contents_mut().cut_slice(1, &mut sink) {}
        }
        prop_assert_eq!(found, expected);
        check(&keyspace, &model);
    }
}

#[test]
fn small_strings_have_the_planned_size() {
    let entry = |value, expire_ms| DbEntry::new(&[b'k'; 16], value, expire_ms, Access::default());
    assert_eq!(size_of::<Option<DbEntry>>(), size_of::<usize>());
    assert!(size_of::<crate::value::Object>() <= 16);
    assert_eq!(
        entry(NewValue::Bytes(&[b'v'; 16]), None).allocated_bytes(),
        40
    );
    assert_eq!(
        entry(NewValue::Bytes(&[b'v'; 16]), Some(1 << 41)).allocated_bytes(),
        48
    );
    assert_eq!(entry(NewValue::Int(7), None).allocated_bytes(), 32);
    assert_eq!(entry(NewValue::Int(7), Some(1 << 41)).allocated_bytes(), 40);
}

#[test]
fn appending_is_amortised_and_copies_shared_blobs() {
    let mut keyspace = Keyspace::new(SEED);
    let hash = keyspace.hash(b"k");
    keyspace.put(
        hash,
        b"k",
        NewValue::Blob(Blob::from(vec![1; 5_000])),
        None,
        |_| Access::default(),
    );
    let Some(StrRef::Blob(reply)) = keyspace.find(hash, b"k").unwrap().str() else {
        panic!("a large value is a blob");
    };
    let reply = reply.clone();
    let mut blocks = Vec::new();
    for len in 5_001..9_000 {
        let mut entry = keyspace.entry_mut(hash, b"k").unwrap();
        let place = len - 1..len;
        let bytes = entry.bytes_for_update(len, &[place]).unwrap();
        bytes[len - 1] = 2;
        blocks.push(bytes.as_ptr());
    }
    blocks.dedup();
    assert!(blocks.len() < 5, "{} blocks", blocks.len());
    assert_eq!(
        &reply[..],
        &[1; 5_000],
        "what a reply shares does not change"
    );
    assert!(keyspace.memory_bytes() >= 9_000);
}

#[test]
fn a_flushed_database_is_freed_in_slices() {
    let mut keyspace = Keyspace::new(SEED);
    for key in 0..5_000_u32 {
        let key = key.to_le_bytes();
        let hash = keyspace.hash(&key);
        keyspace.insert_new(hash, &key, NewValue::Int(1), None, Access::default());
    }
    let mut detached = keyspace.take();
    assert!(keyspace.is_empty());
    assert_eq!(keyspace.memory_bytes(), 0);
    let mut left = detached.len();
    assert_eq!(left, 5_000);
    while !detached.drop_slice(100, &mut |_| {}) {
        assert!(left - detached.len() <= 100 + 441);
        left = detached.len();
    }
    assert!(detached.is_empty());
}

#[test]
fn reads_mark_the_access_field_and_due_keys_are_found() {
    let mut keyspace = Keyspace::new(SEED);
    let hash = keyspace.hash(b"k");
    keyspace.insert_new(hash, b"k", NewValue::Int(1), Some(50), Access::from_bits(1));
    let next = |entry: &DbEntry| Access::from_bits(entry.access().bits() + 1);
    assert_eq!(
        keyspace
            .find_marked(hash, b"k", next)
            .unwrap()
            .access()
            .bits(),
        2
    );
    assert!(keyspace.find_marked(hash, b"other", next).is_none());
    let mut due = Vec::new();
    let mut position = ExpiryPosition::default();
    let mut note = |entry: &DbEntry| due.push(entry.key().to_vec());
    assert!(keyspace.expired_slice(49, 10, &mut position, &mut note));
    assert!(keyspace.expired_slice(50, 10, &mut position, &mut note));
    assert_eq!(due, [b"k"]);
    assert_eq!(keyspace.avg_ttl_ms(20), 30);
    assert_eq!(keyspace.random(1).unwrap().key(), b"k");
    let mut seen = 0;
    assert_eq!(keyspace.scan(0, 10, &mut |_| seen += 1), 0);
    assert_eq!(seen, 1);
}
