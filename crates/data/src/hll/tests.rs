//! HyperLogLogs: known bytes, known estimates, hostile strings.
#![expect(clippy::unwrap_used, reason = "tests")]

use alloc::string::ToString;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::check::check_hll;
use super::*;

const LIMIT: usize = 3000;

fn of(elements: impl Iterator<Item = u64>) -> HllBuf {
    let mut hll = HllBuf::new();
    for element in elements {
        hll.add(element.to_string().as_bytes(), LIMIT);
    }
    hll
}

fn count(hll: &HllBuf) -> u64 {
    Hll::new(hll.bytes()).unwrap().count().unwrap()
}

#[test]
fn bytes_are_the_known_ones() {
    let empty = HllBuf::new();
    assert_eq!(empty.bytes(), b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    assert_eq!(Hll::new(empty.bytes()).unwrap().cached_count(), Some(0));
    let mut three = HllBuf::new();
    for element in [b"a", b"b", b"c"] {
        assert!(three.add(element, LIMIT));
        assert!(!three.add(element, LIMIT));
    }
    // As `PFADD k a b c` and `GET k` have it on other servers.
    let expected = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x60\xf3\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a";
    assert_eq!(three.bytes(), expected);
    assert_eq!(count(&three), 3);
    assert_eq!(
        Hll::new(three.bytes()).unwrap().runs().unwrap(),
        "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"
    );
}

#[test]
fn estimates_are_near() {
    for (elements, least, most) in [
        (10, 10, 10),
        (1_000, 990, 1_010),
        (100_000, 98_000, 102_000),
    ] {
        let hll = of(0..elements);
        let estimate = count(&hll);
        assert!((least..=most).contains(&estimate), "{elements}: {estimate}");
    }
}

#[test]
fn long_ones_become_dense() {
    let hll = of(0..20_000);
    assert_eq!(hll.encoding(), HllEncoding::Dense);
    assert_eq!(hll.bytes().len(), DENSE_BYTES);
    assert!(of(0..1_000).bytes().len() <= LIMIT);
    let mut at_once = HllBuf::new();
    at_once.add(b"a", 0);
    assert_eq!(at_once.encoding(), HllEncoding::Dense);
}

#[test]
fn strings_that_are_none() {
    let sparse = of(0..100).into_bytes();
    let mut dense = of(0..100);
    dense.make_dense();
    let dense = dense.into_bytes();
    let is = |bytes: &[u8]| Hll::new(bytes).err();
    assert_eq!(is(b""), Some(HllError::NotHll));
    assert_eq!(is(&sparse[..15]), Some(HllError::NotHll));
    assert_eq!(is(&dense[..dense.len() - 1]), Some(HllError::NotHll));
    assert_eq!(is(&sparse[..16]), Some(HllError::Corrupted));
    assert_eq!(is(&sparse[..sparse.len() - 1]), Some(HllError::Corrupted));
    let mut longer = sparse.clone();
    longer.extend_from_slice(b"hello");
    assert_eq!(is(&longer), Some(HllError::Corrupted));
    let mut other = sparse;
    other[4] = 2;
    assert_eq!(is(&other), Some(HllError::NotHll));
    // Runs of zeros up to beyond the last register.
    let mut beyond = HllBuf::new().into_bytes();
    beyond.splice(16.., [0x7f, 0xfe, 0x80 | 1]);
    assert_eq!(is(&beyond), Some(HllError::Corrupted));
}

#[test]
fn registers_that_no_elements_leave() {
    let mut bytes = HllBuf::new();
    bytes.make_dense();
    let mut bytes = bytes.into_bytes();
    bytes[HEADER_BYTES..].fill(0xff);
    assert_eq!(Hll::new(&bytes).unwrap().count(), Err(HllError::Corrupted));
}

#[test]
fn the_cache() {
    let mut bytes = of(0..3).into_bytes();
    assert_eq!(Hll::new(&bytes).unwrap().cached_count(), None);
    store_count(&mut bytes, 3);
    assert_eq!(Hll::new(&bytes).unwrap().cached_count(), Some(3));
}

#[test]
fn the_self_test_passes() {
    let mut state = 7_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state
    };
    assert_eq!(self_test(&mut random, LIMIT), Ok(()));
}

fn numbers() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0_u64..5_000, 0..600)
}

proptest! {
    #[test]
    fn any_bytes(data: Vec<u8>) {
        check_hll(&data);
    }

    #[test]
    fn damaged_ones(
        limit: u8, count: u8, elements in 0_u64..400, dense: bool,
        damage in prop::collection::vec((any::<u16>(), any::<u8>()), 0..3),
    ) {
        let mut hll = of(0..elements);
        if dense {
            hll.make_dense();
        }
        let mut data = std::vec![limit, count];
        data.extend_from_slice(hll.bytes());
        for (at, byte) in damage {
            let at = 2 + usize::from(at) % (data.len() - 2);
            data[at] = byte;
        }
        check_hll(&data);
    }

    #[test]
    fn unions(a in numbers(), b in numbers()) {
        let (left, right) = (of(a.iter().copied()), of(b.iter().copied()));
        let both = of(a.iter().chain(&b).copied());
        let mut union = Registers::new();
        union.merge(Hll::new(left.bytes()).unwrap());
        union.merge(Hll::new(right.bytes()).unwrap());
        prop_assert_eq!(union.count().unwrap(), count(&both));
        let mut merged = left;
        merged.raise_all(&union, LIMIT);
        prop_assert_eq!(count(&merged), count(&both));
    }
}
