//! Tests of intsets: bytes against the format, edits against a model.

use std::vec::Vec;

use proptest::prelude::*;

use super::check::{check_intset_bytes, check_intset_edits};
use super::{EMPTY, Intset, Malformed, from_ints, insert, remove, remove_at, validate};

fn set_of(values: &[i64]) -> Vec<u8> {
    let mut set = EMPTY.to_vec();
    for value in values {
        insert(&mut set, *value);
    }
    set
}

#[test]
fn bytes_are_those_of_the_format() {
    assert_eq!(set_of(&[5, -2]), [2, 0, 0, 0, 2, 0, 0, 0, 0xFE, 0xFF, 5, 0]);
    assert_eq!(
        set_of(&[5, -2, 32_768]),
        [
            4, 0, 0, 0, 3, 0, 0, 0, 0xFE, 255, 255, 255, 5, 0, 0, 0, 0, 0x80, 0, 0
        ]
    );
    assert_eq!(
        set_of(&[5, -2_147_483_649]),
        [
            8, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 0x7F, 255, 255, 255, 255, 5, 0, 0, 0, 0, 0, 0, 0
        ]
    );
}

#[test]
fn a_width_stays_when_the_wide_member_goes() {
    let mut set = set_of(&[1, 2, 1 << 40]);
    assert!(remove(&mut set, 1 << 40));
    assert!(!remove(&mut set, 1 << 40));
    assert_eq!((set[0], Intset::new(&set).len()), (8, 2));
    assert!(!insert(&mut set, 2));
    assert!(insert(&mut set, -3));
    assert_eq!(Intset::new(&set).iter().collect::<Vec<_>>(), [-3, 1, 2]);
    remove_at(&mut set, 1);
    remove_at(&mut set, 2);
    assert_eq!(Intset::new(&set).iter().collect::<Vec<_>>(), [-3, 2]);
}

#[test]
fn broken_bytes_are_refused() {
    let good = set_of(&[1, 2, 3]);
    assert_eq!(validate(&good), Ok(3));
    assert_eq!(validate(&EMPTY), Ok(0));
    for (at, byte, why) in [
        (0, 3, Malformed::Header),
        (0, 4, Malformed::Header),
        (1, 1, Malformed::Header),
        (4, 2, Malformed::Header),
        (8, 2, Malformed::Order),
        (10, 9, Malformed::Order),
    ] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert_eq!(validate(&bad), Err(why), "{at}");
    }
    assert_eq!(validate(&good[..7]), Err(Malformed::Header));
    assert_eq!(validate(&good[..13]), Err(Malformed::Header));
}

fn any_int() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -40_i64..40, 1 => -100_000_i64..100_000, 1 => any::<i64>()]
}

proptest! {
    #[test]
    fn made_at_once_it_is_what_insertions_make(ints in prop::collection::vec(any_int(), 0..40)) {
        let mut ascending = ints.clone();
        ascending.sort_unstable();
        prop_assert_eq!(from_ints(ints), set_of(&ascending));
    }

    #[test]
    fn a_search_from_anywhere_finds_the_same(
        ints in prop::collection::vec(any_int(), 0..60),
        value in any_int(),
        from in 0_usize..70,
    ) {
        let bytes = from_ints(ints);
        let set = Intset::new(&bytes);
        prop_assert_eq!(set.find_from(value, from), set.find(value));
    }
}

proptest! {
    #[test]
    fn edits_follow_the_model(script in proptest::collection::vec(any::<u8>(), 0..400)) {
        check_intset_edits(&script);
    }

    #[test]
    fn any_bytes_can_be_read(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..60),
        width in any::<u8>(),
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = [2, 4, 8, width][usize::from(width % 4)];
        }
        check_intset_bytes(&bytes);
    }
}
