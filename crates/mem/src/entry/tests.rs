//! Entries against the obvious model: a key, a kind, an optional time, bytes or a box.

use super::{Access, Entry, ValueRef};
use proptest::prelude::*;
use std::boxed::Box;
use std::rc::Rc;
use std::vec;
use std::vec::Vec;

/// Longer than a narrow header can say; Miri, which is slow, sees wide headers by their keys.
const LONG: usize = if cfg!(miri) { 5_300 } else { 70_000 };
const CHANGES: usize = if cfg!(miri) { 12 } else { 40 };

type Boxed = Box<[u8]>;

#[derive(Clone, Debug)]
enum Change {
    Bytes(u8, Option<i64>, Vec<u8>),
    Boxed(u8, Option<i64>, Vec<u8>),
    Expire(Option<i64>),
    Resize(usize),
    Access(u32),
    Kind(u8),
    Rename(Vec<u8>),
    Poke(usize, u8),
    Clone,
}

#[derive(Clone, Debug)]
struct Model {
    key: Vec<u8>,
    kind: u8,
    access: u32,
    expire_ms: Option<i64>,
    value: Result<Vec<u8>, Vec<u8>>,
}

fn bytes(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..100),
        1 => (0..longest).prop_map(|len| vec![7; len]),
    ]
}

fn expiry() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        Just(None),
        (0..1_i64 << 48).prop_map(Some),
        any::<i64>().prop_map(Some),
        Just(Some((1 << 48) - 1)),
        Just(Some(1 << 48)),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<u8>(), expiry(), bytes(LONG)).prop_map(|(k, e, v)| Change::Bytes(k, e, v)),
        2 => (any::<u8>(), expiry(), bytes(200)).prop_map(|(k, e, v)| Change::Boxed(k, e, v)),
        4 => expiry().prop_map(Change::Expire),
        4 => (0_usize..300).prop_map(Change::Resize),
        1 => (LONG - 5_000..LONG).prop_map(Change::Resize),
        1 => any::<u32>().prop_map(Change::Access),
        1 => any::<u8>().prop_map(Change::Kind),
        1 => bytes(400).prop_map(Change::Rename),
        1 => (0_usize..100, any::<u8>()).prop_map(|(at, byte)| Change::Poke(at, byte)),
        1 => Just(Change::Clone),
    ]
}

fn apply(mut entry: Entry<Boxed>, model: &mut Model, change: Change) -> Entry<Boxed> {
    match change {
        Change::Bytes(kind, expire_ms, value) => {
            entry.overwrite_bytes(kind, expire_ms, &value);
            (model.kind, model.expire_ms, model.value) = (kind, expire_ms, Ok(value));
        }
        Change::Boxed(kind, expire_ms, value) => {
            entry.overwrite_boxed(kind, expire_ms, value.clone().into());
            (model.kind, model.expire_ms, model.value) = (kind, expire_ms, Err(value));
        }
        Change::Expire(expire_ms) => {
            entry.set_expire_ms(expire_ms);
            model.expire_ms = expire_ms;
        }
        Change::Resize(len) => {
            let resized = entry.resize_bytes(len).map(|bytes| bytes.len());
            if let Ok(value) = &mut model.value {
                value.resize(len, 0);
                assert_eq!(resized, Some(len));
            } else {
                assert_eq!(resized, None);
            }
        }
        Change::Access(bits) => {
            entry.set_access(Access::from_bits(bits));
            model.access = bits & 0xFF_FFFF;
        }
        Change::Kind(kind) => {
            entry.set_kind(kind);
            model.kind = kind;
        }
        Change::Rename(key) => {
            entry = entry.renamed(&key);
            model.key = key;
        }
        Change::Poke(at, byte) => poke(&mut entry, model, at, byte),
        Change::Clone => entry = entry.clone(),
    }
    entry
}

fn poke(entry: &mut Entry<Boxed>, model: &mut Model, at: usize, byte: u8) {
    match &mut model.value {
        Ok(value) => {
            assert!(entry.boxed_mut().is_none());
            let bytes = entry.bytes_mut().unwrap();
            if at < value.len() {
                (bytes[at], value[at]) = (byte, byte);
            }
        }
        Err(value) => {
            assert!(entry.bytes_mut().is_none());
            *entry.boxed_mut().unwrap() = vec![byte; at].into();
            *value = vec![byte; at];
        }
    }
}

fn assert_same(entry: &Entry<Boxed>, model: &Model) {
    assert_eq!(entry.key(), model.key);
    assert_eq!(entry.kind(), model.kind);
    assert_eq!(entry.access().bits(), model.access);
    assert_eq!(entry.expire_ms(), model.expire_ms);
    match (entry.value(), &model.value) {
        (ValueRef::Bytes(found), Ok(value)) => assert_eq!(found, value),
        (ValueRef::Boxed(found), Err(value)) => assert_eq!(&found[..], value),
        (found, value) => panic!("{found:?} is not {value:?}"),
    }
    let least = 8 + model.key.len() + model.value.as_ref().map_or(16, Vec::len);
    assert!(entry.allocated_bytes() >= least);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 6 } else { 400 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_entry_is_its_parts(
        key in bytes(400),
        changes in proptest::collection::vec(change(), 0..CHANGES),
    ) {
        let mut entry = Entry::new_bytes(&key, 0, Access::default(), None, b"");
        let mut model =
            Model { key, kind: 0, access: 0, expire_ms: None, value: Ok(Vec::new()) };
        for change in changes {
            entry = apply(entry, &mut model, change);
            assert_same(&entry, &model);
        }
        match (entry.into_boxed(), model.value) {
            (Ok(found), Err(value)) => prop_assert_eq!(&found[..], value),
            (Err(_), Ok(_)) => {}
            (found, value) => panic!("{found:?} is not {value:?}"),
        }
    }
}

#[test]
fn sizes_are_as_planned() {
    assert_eq!(size_of::<Option<Entry<Boxed>>>(), size_of::<usize>());
    let plain: Entry<Boxed> = Entry::new_bytes(&[1; 16], 0, Access::default(), None, &[2; 16]);
    assert_eq!(plain.allocated_bytes(), 40);
    let mut int: Entry<Boxed> = Entry::new_bytes(&[1; 16], 0, Access::default(), None, &[0; 8]);
    assert_eq!(int.allocated_bytes(), 32);
    int.set_expire_ms(Some(1_700_000_000_000));
    assert_eq!(int.allocated_bytes(), 40);
}

#[test]
fn the_same_size_class_keeps_the_block() {
    let mut entry: Entry<Boxed> = Entry::new_bytes(b"key", 0, Access::default(), None, b"12345");
    let (key, size) = (entry.key().as_ptr(), entry.allocated_bytes());
    entry.overwrite_bytes(1, None, b"54321");
    entry.overwrite_bytes(1, None, b"5432");
    assert_eq!((entry.key().as_ptr(), entry.allocated_bytes()), (key, size));
    entry.overwrite_bytes(1, None, &[1; 60]);
    assert_eq!(entry.allocated_bytes(), 80);
    entry.overwrite_bytes(1, None, b"");
    assert_eq!(entry.allocated_bytes(), 16);
}

#[test]
fn a_boxed_value_is_dropped_once() {
    let token = Rc::new(());
    let new = |key: &[u8]| Entry::new_boxed(key, 0, Access::default(), None, Rc::clone(&token));
    drop(new(b"a"));
    let mut entry = new(b"b");
    entry.set_expire_ms(Some(1));
    entry.set_expire_ms(None);
    let mut entry = entry.renamed(&[7; 300]);
    assert_eq!(Rc::strong_count(&token), 2);
    entry.overwrite_boxed(0, None, Rc::clone(&token));
    assert_eq!(Rc::strong_count(&token), 2);
    let copy = entry.clone();
    assert_eq!(Rc::strong_count(&token), 3);
    assert!(copy.into_boxed().is_ok());
    entry.overwrite_bytes(0, None, b"bytes");
    assert_eq!(Rc::strong_count(&token), 1);
    assert!(entry.into_boxed().is_err());
    assert_eq!(Rc::strong_count(&token), 1);
}
