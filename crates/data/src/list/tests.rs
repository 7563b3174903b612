//! Tests of lists: forms and nodes by Valkey's rules, content against a model.

use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;
use vk_mem::Access;

use super::check::check_list_edits;
use super::{End, ListLimits, ListMut, ListRef, Node, Side};
use crate::entry::DbEntry;
use crate::listpack::EMPTY;
use crate::pack::PackKind;
use crate::value::{Encoding, NewValue, View};

const fn by_count(count: i32) -> ListLimits {
    ListLimits {
        fill: count,
        large_bytes: None,
    }
}

fn fresh() -> DbEntry {
    let value = NewValue::Pack(PackKind::List, &EMPTY);
    DbEntry::new(b"key", value, None, Access::default())
}

fn list_mut(entry: &mut DbEntry) -> ListMut<'_> {
    entry.body_mut().and_then(ListMut::of).unwrap()
}

fn push(entry: &mut DbEntry, words: &[&str], limits: ListLimits) -> usize {
    let words = words.iter().map(|word| word.as_bytes());
    list_mut(entry).push(End::Tail, words, limits)
}

/// The nodes with their items; a node that is one element has a star.
fn nodes(entry: &DbEntry) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(3)]).into_owned();
    let mut shown: Vec<String> = Vec::new();
    match ListRef::of(entry) {
        Some(ListRef::Nodes(list)) => {
            for node in list.nodes() {
                shown.push(match node {
                    Node::Plain(element) => std::format!("*{}", text(element)),
                    Node::Packed(pack, _) => pack
                        .iter()
                        .map(|item| text(item.bytes(&mut [0; 20])))
                        .collect::<Vec<_>>()
                        .join(","),
                });
            }
        }
        other => shown.push(std::format!("{other:?}")),
    }
    shown.join(" | ")
}

#[test]
fn a_list_grows_into_nodes_and_comes_back_below_half() {
    let limits = by_count(4);
    let mut entry = fresh();
    push(&mut entry, &["1", "2", "3", "4"], limits);
    assert_eq!(entry.encoding(), Encoding::Listpack);
    push(&mut entry, &["5"], limits);
    assert_eq!(
        (entry.encoding(), nodes(&entry)),
        (Encoding::Quicklist, "1,2,3,4 | 5".into())
    );
    list_mut(&mut entry).remove_range(4, 1, limits);
    list_mut(&mut entry).remove_range(0, 1, limits);
    assert_eq!(
        (entry.encoding(), nodes(&entry)),
        (Encoding::Quicklist, "2,3,4".into())
    );
    list_mut(&mut entry).remove_range(0, 1, limits);
    assert_eq!(entry.encoding(), Encoding::Listpack);
    assert_eq!(ListRef::of(&entry).unwrap().len(), 2);
}

#[test]
fn a_limit_of_one_never_comes_back() {
    let mut entry = fresh();
    push(&mut entry, &["a", "b"], by_count(1));
    list_mut(&mut entry).remove_range(0, 1, by_count(1));
    assert_eq!(
        (entry.encoding(), nodes(&entry)),
        (Encoding::Quicklist, "b".into())
    );
}

#[test]
fn negative_limits_are_bytes() {
    for (fill, bytes) in [
        (-1, 4096),
        (-2, 8192),
        (-3, 16_384),
        (-4, 32_768),
        (-5, 65_536),
    ] {
        let limits = by_count(fill);
        let mut entry = fresh();
        // The frame has seven bytes: this is the longest that stays.
        let longest = "x".repeat(bytes - 7);
        push(&mut entry, &[&longest], limits);
        assert_eq!(entry.encoding(), Encoding::Listpack, "{fill}");
        let mut entry = fresh();
        push(&mut entry, &[&longest, "y"], limits);
        assert_eq!(entry.encoding(), Encoding::Quicklist, "{fill}");
        assert!(!limits.exceeds(bytes, usize::MAX) && limits.exceeds(bytes + 1, 1));
    }
    assert_eq!(
        by_count(-9).exceeds(65_536, 9),
        by_count(-5).exceeds(65_536, 9)
    );
    // A limit of items has one of bytes beside it.
    assert!(!by_count(9).exceeds(8192, 9) && by_count(9).exceeds(8193, 1));
    assert!(by_count(0).exceeds(1, 2) && !by_count(0).exceeds(1, 1));
}

#[test]
fn large_elements_have_nodes_of_their_own() {
    let limits = by_count(-1);
    let large = "L".repeat(5000);
    let mut entry = fresh();
    push(&mut entry, &["a", &large, "b"], limits);
    assert_eq!(nodes(&entry), "a | *LLL | b");
    assert!(list_mut(&mut entry).set(1, b"s", limits));
    assert_eq!(nodes(&entry), "a | s,b");
    assert!(list_mut(&mut entry).set(1, large.as_bytes(), limits));
    assert_eq!(nodes(&entry), "a | *LLL | b");
    push(&mut entry, &["c", "d"], limits);
    list_mut(&mut entry).insert(b"c", Side::Before, large.as_bytes(), limits);
    assert_eq!(nodes(&entry), "a | *LLL | b | *LLL | c,d");
    assert!(list_mut(&mut entry).set(-1, large.as_bytes(), limits));
    assert_eq!(nodes(&entry), "a | *LLL | b | *LLL | c | *LLL");
    assert!(!list_mut(&mut entry).set(6, b"x", limits));
    assert!(!list_mut(&mut entry).set(-7, b"x", limits));
}

#[test]
fn a_threshold_makes_small_elements_large() {
    let limits = ListLimits {
        fill: 3,
        large_bytes: Some(2),
    };
    let mut entry = fresh();
    push(&mut entry, &["a", "bb", "c", "d"], limits);
    assert_eq!(nodes(&entry), "a | *bb | c,d");
    list_mut(&mut entry).insert(b"bb", Side::After, b"e", limits);
    assert_eq!(nodes(&entry), "a | *bb | e,c,d");
    list_mut(&mut entry).insert(b"bb", Side::After, b"f", limits);
    assert_eq!(nodes(&entry), "a | *bb | f | e,c,d");
}

#[test]
fn a_full_node_is_cut_and_its_parts_joined_with_neighbours() {
    let limits = by_count(4);
    let mut entry = fresh();
    push(
        &mut entry,
        &["1", "2", "3", "4", "5", "6", "7", "8", "9"],
        limits,
    );
    assert_eq!(nodes(&entry), "1,2,3,4 | 5,6,7,8 | 9");
    list_mut(&mut entry).insert(b"6", Side::After, b"x", limits);
    assert_eq!(nodes(&entry), "1,2,3,4 | 5,6 | x,7,8,9");
    list_mut(&mut entry).insert(b"7", Side::Before, b"y", limits);
    assert_eq!(nodes(&entry), "1,2,3,4 | 5,6,x,y | 7,8,9");
    list_mut(&mut entry).insert(b"1", Side::Before, b"z", limits);
    assert_eq!(nodes(&entry), "z | 1,2,3,4 | 5,6,x,y | 7,8,9");
    list_mut(&mut entry).insert(b"y", Side::After, b"w", limits);
    assert_eq!(nodes(&entry), "z | 1,2,3,4 | 5,6,x,y | w,7,8,9");
}

#[test]
fn many_nodes_are_found_counted_and_taken() {
    let limits = by_count(1);
    let mut entry = fresh();
    let words: Vec<String> = (0..5000).map(|n| std::format!("{n}")).collect();
    let refs: Vec<&str> = words.iter().map(|word| &word[..]).collect();
    assert_eq!(push(&mut entry, &refs, limits), 5000);
    for pivot in ["0", "700", "2500", "4999"] {
        list_mut(&mut entry).insert(pivot.as_bytes(), Side::Before, b"i", limits);
    }
    assert_eq!(
        list_mut(&mut entry).remove_equal(b"i", usize::MAX, End::Tail, limits),
        4
    );
    let view = ListRef::of(&entry).unwrap();
    let ListRef::Nodes(list) = view else {
        unreachable!()
    };
    list.nodes.check();
    for index in [0, 1, 511, 512, 513, 2499, 2500, 4998, 4999] {
        assert_eq!(
            view.get(index).unwrap().bytes(&mut [0; 20]),
            words[index as usize].as_bytes()
        );
    }
    let kept = list_mut(&mut entry).take_range(1000, 4000, limits).unwrap();
    let entry = kept.store(|value| DbEntry::new(b"key", value, None, Access::default()));
    let view = ListRef::of(&entry).unwrap();
    assert_eq!(view.len(), 3000);
    assert!(
        view.iter()
            .map(|item| item.bytes(&mut [0; 20]).to_vec())
            .eq(words[1000..4000]
                .iter()
                .map(|word| word.as_bytes().to_vec()))
    );
    let ListRef::Nodes(list) = view else {
        unreachable!()
    };
    list.nodes.check();
    let mut going = list.clone();
    let mut calls = 1;
    while !going.drop_slice(400) {
        calls += 1;
    }
    assert!((25..=40).contains(&calls), "{calls}");
}

#[test]
fn memory_is_what_is_allocated() {
    let mut entry = fresh();
    let before = entry.allocated_bytes();
    let element = [b'x'; 100];
    let refs: Vec<&[u8]> = (0..1000).map(|_| &element[..]).collect();
    list_mut(&mut entry).push(End::Head, refs.into_iter(), ListLimits::DEFAULT);
    let grown = entry.allocated_bytes() - before;
    assert!((103_000..130_000).contains(&grown), "{grown}");
}

proptest! {
    #[test]
    fn edits_follow_the_model(script in proptest::collection::vec(any::<u8>(), 0..600)) {
        check_list_edits(&script);
    }
}
