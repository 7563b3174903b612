//! Bitmaps against lists of truths.
#![expect(clippy::unwrap_used, reason = "tests")]

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::field::{FieldType, Overflow};
use super::*;

fn truths(bytes: &[u8]) -> Vec<bool> {
    (0..bytes.len() as u64 * 8)
        .map(|at| bit(bytes, at))
        .collect()
}

#[test]
fn ranges_resolve_as_documented() {
    let range = |start, end, unit| {
        let range = BitRange::resolve(start, end, unit, 4)?;
        Some((range.start, range.end))
    };
    assert_eq!(range(0, -1, Unit::Byte), Some((0, 32)));
    assert_eq!(range(1, 1, Unit::Byte), Some((8, 16)));
    assert_eq!(range(-2, -1, Unit::Byte), Some((16, 32)));
    assert_eq!(range(-100, 100, Unit::Byte), Some((0, 32)));
    assert_eq!(range(5, 30, Unit::Bit), Some((5, 31)));
    assert_eq!(range(-5, -1, Unit::Bit), Some((27, 32)));
    assert_eq!(range(3, 1, Unit::Byte), None);
    assert_eq!(range(4, 4, Unit::Byte), None);
    assert_eq!(range(i64::MIN, i64::MAX, Unit::Bit), Some((0, 32)));
    assert_eq!(range(i64::MAX, i64::MAX, Unit::Byte), None);
    assert_eq!(BitRange::all(0), None);
}

#[test]
fn types_of_fields() {
    for text in ["i1", "i64", "u1", "u63", "i8"] {
        assert!(FieldType::parse(text.as_bytes()).is_some(), "{text}");
    }
    for text in [
        "", "i", "i0", "i65", "u64", "u0", "x8", "i08", "u-1", "I8", "i8 ",
    ] {
        assert!(FieldType::parse(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn numbers_that_do_not_fit() {
    let cases: &[(&str, i64, i64, [Option<i64>; 3])] = &[
        ("i8", 127, 1, [Some(-128), Some(127), None]),
        ("i8", -128, -1, [Some(127), Some(-128), None]),
        ("u8", 255, 1, [Some(0), Some(255), None]),
        ("u8", 0, -1, [Some(255), Some(0), None]),
        ("i64", i64::MAX, 1, [Some(i64::MIN), Some(i64::MAX), None]),
        ("i64", i64::MIN, -1, [Some(i64::MAX), Some(i64::MIN), None]),
        (
            "u63",
            i64::MAX,
            i64::MAX,
            [Some(i64::MAX - 1), Some(i64::MAX), None],
        ),
        ("i1", 0, 1, [Some(-1), Some(0), None]),
        ("u2", 3, -1, [Some(2), Some(2), Some(2)]),
    ];
    for (kind, value, by, expected) in cases {
        let kind = FieldType::parse(kind.as_bytes()).unwrap();
        let policies = [Overflow::Wrap, Overflow::Saturate, Overflow::Fail];
        assert_eq!(
            policies.map(|policy| kind.add(*value, *by, policy)),
            *expected
        );
    }
    let u8 = FieldType::parse(b"u8").unwrap();
    assert_eq!(u8.set(-1, Overflow::Saturate), Some(255));
    assert_eq!(u8.set(-1, Overflow::Wrap), Some(255));
    assert_eq!(u8.set(257, Overflow::Wrap), Some(1));
}

fn strings() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 1..6)
}

proptest! {
    #[test]
    fn counting_and_searching(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(prop::sample::select(&[0_u8, 0xff][..]), 0..300),
        ],
        start in -330_i64..2500, end in -330_i64..2500, in_bits: bool,
    ) {
        let unit = if in_bits { Unit::Bit } else { Unit::Byte };
        let all = truths(&bytes);
        let Some(range) = BitRange::resolve(start, end, unit, bytes.len()) else {
            return Ok(());
        };
        let part = &all[range.start as usize..range.end as usize];
        prop_assert_eq!(count(&bytes, range), part.iter().filter(|on| **on).count() as u64);
        for on in [false, true] {
            let expected = part.iter().position(|each| *each == on);
            let expected = expected.map(|at| at as u64 + range.start);
            prop_assert_eq!(position(&bytes, range, on), expected);
        }
    }

    #[test]
    fn single_bits(mut bytes in prop::collection::vec(any::<u8>(), 1..20), at: u16, on: bool) {
        let at = u64::from(at) % (bytes.len() as u64 * 8);
        let mut expected = truths(&bytes);
        expected[at as usize] = on;
        set_bit(&mut bytes, at, on);
        prop_assert_eq!(truths(&bytes), expected);
        prop_assert!(!bit(&bytes, bytes.len() as u64 * 8));
    }

    #[test]
    fn combining(sources in strings()) {
        let len = sources.iter().map(Vec::len).max().unwrap();
        let slices: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
        let column = |at: usize| sources.iter().map(move |s| s.get(at).copied().unwrap_or(0));
        let cases: [(Operation, Vec<u8>); 4] = [
            (Operation::And, (0..len).map(|at| column(at).fold(0xff, |a, b| a & b)).collect()),
            (Operation::Or, (0..len).map(|at| column(at).fold(0, |a, b| a | b)).collect()),
            (Operation::Xor, (0..len).map(|at| column(at).fold(0, |a, b| a ^ b)).collect()),
            (Operation::Not, (0..len).map(|at| !column(at).next().unwrap()).collect()),
        ];
        for (operation, expected) in cases {
            prop_assert_eq!(combine(operation, &slices), expected);
        }
    }

    #[test]
    fn fields(
        mut bytes in prop::collection::vec(any::<u8>(), 10..20),
        offset in 0_u64..80, bits in 1_u32..65, signed: bool, value: i64,
    ) {
        let bits = if signed { bits } else { bits.min(63) };
        let text = std::format!("{}{bits}", if signed { 'i' } else { 'u' });
        let kind = FieldType::parse(text.as_bytes()).unwrap();
        bytes.resize(20, 0x5a);
        let before = truths(&bytes);
        let number = |all: &[bool]| {
            let bits = all[offset as usize..][..bits as usize].iter();
            let raw = bits.fold(0_i128, |sum, on| sum * 2 + i128::from(*on));
            let negative = signed && all[offset as usize];
            if negative { raw - (1_i128 << kind.bits()) } else { raw }
        };
        prop_assert_eq!(i128::from(kind.read(&bytes, offset)), number(&before));
        let stored = kind.set(value, Overflow::Wrap).unwrap();
        kind.write(&mut bytes, offset, stored);
        let after = truths(&bytes);
        prop_assert_eq!(i128::from(kind.read(&bytes, offset)), i128::from(stored));
        prop_assert_eq!(number(&after), i128::from(stored));
        let field = offset as usize..offset as usize + bits as usize;
        for at in 0..before.len() {
            prop_assert!(field.contains(&at) || before[at] == after[at]);
        }
    }
}

#[test]
fn blocks_of_long_strings_meet() {
    let a = vec![0b1100_u8; 3 * BLOCK_BYTES + 5];
    let b = vec![0b1010_u8; BLOCK_BYTES + 7];
    let result = combine(Operation::Xor, &[&a, &b]);
    assert_eq!(result.len(), a.len());
    assert!(result[..b.len()].iter().all(|byte| *byte == 0b0110));
    assert!(result[b.len()..].iter().all(|byte| *byte == 0b1100));
    let result = combine(Operation::And, &[&b, &a]);
    assert!(result[..b.len()].iter().all(|byte| *byte == 0b1000));
    assert!(result[b.len()..].iter().all(|byte| *byte == 0));
}
