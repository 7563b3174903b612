//! Sets against a model, on both sides of every limit; samples; memory.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::ControlFlow;
use std::format;

use proptest::prelude::*;

use super::*;
use crate::pack::BodyMut;
use crate::value::{Encoding, NewValue};

const SEED: HashSeed = HashSeed { k0: 7, k1: 9 };

fn limits(intset: usize, listpack: usize, value: usize) -> SetLimits {
    SetLimits {
        intset_entries: intset,
        listpack_entries: listpack,
        listpack_value_bytes: value,
        seed: SEED,
    }
}

fn entry_of(value: NewValue<'_>) -> DbEntry {
    DbEntry::new(b"key", value, None, vk_mem::Access::from_bits(0))
}

/// An entry with these members, added one by one.
fn entry(members: &[Vec<u8>], limits: &SetLimits) -> DbEntry {
    let first = members.first().map_or(&b""[..], Vec::as_slice);
    let mut entry = entry_of(SetMut::begin(first, 1, limits));
    for member in members {
        change(&mut entry, |set| set.add(member, limits));
    }
    entry
}

fn change<R>(entry: &mut DbEntry, with: impl FnOnce(&mut SetMut<'_>) -> R) -> R {
    let body: BodyMut<'_> = entry.body_mut().unwrap();
    with(&mut SetMut::of(body).unwrap())
}

fn view(entry: &DbEntry) -> SetRef<'_> {
    SetRef::of(entry).unwrap()
}

fn bytes(item: Item<'_>) -> Vec<u8> {
    item.bytes(&mut [0; INT_TEXT_MAX]).to_vec()
}

/// The members, each of which is told once.
fn members(set: SetRef<'_>) -> BTreeSet<Vec<u8>> {
    let all: Vec<_> = set.iter().map(bytes).collect();
    let distinct: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(all.len(), distinct.len());
    assert_eq!(all.len(), set.len());
    distinct
}

fn check_memory(set: SetRef<'_>) {
    if let SetRef::Table(set) = set {
        let all: usize = set
            .iter()
            .map(|m| vk_mem::Thin::new(m).allocated_bytes())
            .sum();
        let table = set.table_bytes();
        let own = vk_mem::size_class(size_of::<Set>());
        assert_eq!(set.memory_bytes(), own + table + all);
    }
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (-40_i64..40).prop_map(|n| format!("{n}").into_bytes()),
        any::<i64>().prop_map(|n| format!("{n}").into_bytes()),
        prop::collection::vec(b'a'..b'd', 0..4),
        (0_usize..3).prop_map(|more| alloc::vec![b'x'; 7 + more]),
        Just(b"007".to_vec()),
    ]
}

fn words(max: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(word(), 1..max)
}

fn small_limits() -> impl Strategy<Value = SetLimits> {
    let number = || prop_oneof![0_usize..6, Just(512)];
    (
        number(),
        number(),
        prop_oneof![Just(3_usize), Just(8), Just(64)],
    )
        .prop_map(|(ints, pack, value)| limits(ints, pack, value))
}

/// The encoding after the same additions, by the rules told in words: an intset while there are
/// integers alone and not too many; a listpack while there are few short members; and no way back.
fn encoding_by_rule(words: &[Vec<u8>], limits: &SetLimits) -> Encoding {
    let is_int = |word: &Vec<u8>| parse_i64(word).is_some();
    let mut encoding = match words.first() {
        Some(first) if is_int(first) && limits.intset_entries >= 1 => Encoding::Intset,
        _ if limits.listpack_entries >= 1 => Encoding::Listpack,
        _ => Encoding::Hashtable,
    };
    let mut seen = BTreeSet::new();
    for word in words {
        let before = seen.len();
        if !seen.insert(word.clone()) {
            continue;
        }
        let short = |word: &Vec<u8>| word.len() <= limits.listpack_value_bytes;
        let fits = before < limits.listpack_entries && short(word);
        encoding = match encoding {
            Encoding::Intset if is_int(word) => {
                if seen.len() > limits.intset_entries {
                    Encoding::Hashtable
                } else {
                    Encoding::Intset
                }
            }
            Encoding::Intset if fits && seen.iter().filter(|w| is_int(w)).all(short) => {
                Encoding::Listpack
            }
            Encoding::Listpack if fits => Encoding::Listpack,
            _ => Encoding::Hashtable,
        };
    }
    encoding
}

proptest! {
    #[test]
    fn a_set_is_a_set(words in words(60), limits in small_limits(), removed in words(30)) {
        let mut model = BTreeSet::new();
        let first = words.first().unwrap();
        let mut entry = entry_of(SetMut::begin(first, 1, &limits));
        for word in &words {
            let is_new = change(&mut entry, |set| set.add(word, &limits));
            prop_assert_eq!(is_new, model.insert(word.clone()));
        }
        prop_assert_eq!(entry.encoding(), encoding_by_rule(&words, &limits));
        prop_assert_eq!(&members(view(&entry)), &model);
        check_memory(view(&entry));
        for word in &removed {
            let was_there = change(&mut entry, |set| set.remove(word));
            prop_assert_eq!(was_there, model.remove(word));
        }
        for word in words.iter().chain(&removed) {
            let set = view(&entry);
            prop_assert_eq!(set.contains(word), model.contains(word));
            prop_assert_eq!(set.contains_item(Item::Bytes(word).compact()), model.contains(word));
        }
        prop_assert_eq!(&members(view(&entry)), &model);
        check_memory(view(&entry));
        let copy = entry.duplicate(b"copy");
        prop_assert_eq!(&members(view(&copy)), &model);
        check_memory(view(&copy));
        prop_assert_eq!(entry.is_empty_collection(), model.is_empty());
    }

    #[test]
    fn sets_combine_as_sets_do(
        sets in prop::collection::vec((words(40), small_limits()), 1..6),
        target in small_limits(),
    ) {
        let entries: Vec<_> = sets.iter().map(|(words, limits)| entry(words, limits)).collect();
        let views: Vec<_> = entries.iter().map(view).collect();
        let models: Vec<_> = views.iter().map(|set| members(*set)).collect();
        let (first, others) = views.split_first().unwrap();
        let (model, other_models) = models.split_first().unwrap();

        let mut told = Vec::new();
        let _ = intersection(&views, SEED, &mut |found| {
            told.push(bytes(found.member));
            ControlFlow::Continue(())
        });
        let expected: BTreeSet<_> = model.iter()
            .filter(|m| other_models.iter().all(|other| other.contains(*m))).cloned().collect();
        prop_assert_eq!(told.len(), expected.len());
        prop_assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), expected);

        let mut told = Vec::new();
        union(&views, SEED, &mut |found| told.push(bytes(found.member)));
        let expected: BTreeSet<_> = models.iter().flatten().cloned().collect();
        prop_assert_eq!(told.len(), expected.len());
        prop_assert_eq!(&told.into_iter().collect::<BTreeSet<_>>(), &expected);
        check_built(SetBuilder::union(&views, target), &expected, &target)?;

        let mut told = Vec::new();
        difference_by_lookup(*first, others, SEED, &mut |found| told.push(bytes(found.member)));
        let expected: BTreeSet<_> = model.iter()
            .filter(|m| !other_models.iter().any(|other| other.contains(*m))).cloned().collect();
        prop_assert_eq!(told.len(), expected.len());
        prop_assert_eq!(&told.into_iter().collect::<BTreeSet<_>>(), &expected);
        let left = difference_by_removal(*first, others, SEED);
        prop_assert_eq!(&members(SetRef::Table(&left)), &expected);
        check_built(SetBuilder::from_set(left, target), &expected, &target)?;
    }

    #[test]
    fn samples_and_pops_are_exact(
        words in words(80),
        limits in small_limits(),
        count in 0_usize..90,
        seed: u64,
    ) {
        let mut entry = entry(&words, &limits);
        let all = members(view(&entry));
        let mut told = Vec::new();
        view(&entry).sample(count, seed, &mut |item| told.push(bytes(item)));
        prop_assert_eq!(told.len(), count.min(all.len()));
        let told: BTreeSet<_> = told.into_iter().collect();
        prop_assert_eq!(told.len(), count.min(all.len()));
        prop_assert!(told.is_subset(&all));
        let mut drawn = Vec::new();
        view(&entry).draw(count, seed, &mut |item| drawn.push(bytes(item)));
        prop_assert_eq!(drawn.len(), count);
        prop_assert!(drawn.iter().all(|member| all.contains(member)));
        let mut popped = BTreeSet::new();
        change(&mut entry, |set| {
            set.pop(count, seed, &limits, &mut |item| assert!(popped.insert(bytes(item))));
        });
        prop_assert_eq!(popped.len(), count.min(all.len()));
        let left = members(view(&entry));
        prop_assert_eq!(left.len() + popped.len(), all.len());
        prop_assert_eq!(&(&left | &popped), &all);
        check_memory(view(&entry));
    }
}

fn check_built(
    builder: SetBuilder,
    expected: &BTreeSet<Vec<u8>>,
    limits: &SetLimits,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(builder.len(), expected.len());
    let mut pack = Vec::new();
    let entry = entry_of(builder.finish().into_value(&mut pack));
    prop_assert_eq!(&members(view(&entry)), expected);
    check_memory(view(&entry));
    let ints = expected.iter().all(|word| parse_i64(word).is_some());
    let short = expected
        .iter()
        .all(|word| word.len() <= limits.listpack_value_bytes);
    let best = if ints && expected.len() <= limits.intset_entries {
        Encoding::Intset
    } else if short && expected.len() <= limits.listpack_entries {
        Encoding::Listpack
    } else {
        Encoding::Hashtable
    };
    prop_assert_eq!(entry.encoding(), best);
    Ok(())
}

fn numbered(len: usize) -> Set {
    let mut set = Set::new(SEED);
    for i in 0..len {
        assert!(set.insert(format!("member:{i:010}").as_bytes()));
    }
    set
}

#[test]
fn every_way_to_pop_takes_members_once() {
    for count in [1, 100, 3_000, 9_000, 9_999, 10_000] {
        let mut set = numbered(10_000);
        let all: BTreeSet<_> = set.iter().map(<[u8]>::to_vec).collect();
        let mut popped = BTreeSet::new();
        set.pop(count, 3, &mut |member| {
            assert!(popped.insert(member.to_vec()))
        });
        assert_eq!(popped.len(), count);
        let left = members(SetRef::Table(&set));
        assert_eq!(&left | &popped, all);
        assert_eq!(left.len(), 10_000 - count);
        check_memory(SetRef::Table(&set));
    }
}

#[test]
fn few_that_stay_of_many_become_a_listpack() {
    let limits = limits(512, 128, 64);
    for (stay, expected) in [(128, Encoding::Listpack), (129, Encoding::Hashtable)] {
        let mut entry = entry_of(NewValue::Object(Object::Set(numbered(2_000).into())));
        change(&mut entry, |set| {
            set.pop(2_000 - stay, 1, &limits, &mut |_| ())
        });
        assert_eq!(entry.encoding(), expected);
        assert_eq!(view(&entry).len(), stay);
    }
}

#[test]
fn draws_are_fair() {
    let set = numbered(1_000);
    let rank =
        |member: &[u8]| -> usize { core::str::from_utf8(&member[7..]).unwrap().parse().unwrap() };
    let mut drawn = std::vec![0_u32; 1_000];
    SetRef::Table(&set).draw(200_000, 5, &mut |item| drawn[rank(&bytes(item))] += 1);
    let mut sampled = std::vec![0_u32; 1_000];
    for seed in 0..2_000 {
        // Both ways: by draws and by a walk.
        let count = if seed % 2 == 0 { 10 } else { 190 };
        SetRef::Table(&set).sample(count, seed, &mut |item| sampled[rank(&bytes(item))] += 1);
    }
    for counts in [drawn, sampled] {
        // 200 each on average; six standard deviations.
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(*least > 110 && *most < 290, "{least} {most}");
    }
}

#[test]
fn a_walk_tells_every_member() {
    let set = numbered(5_000);
    let (mut cursor, mut told) = (0, BTreeSet::new());
    loop {
        let mut visit = |item: Item<'_>| assert!(told.insert(bytes(item)));
        cursor = SetRef::Table(&set).scan(cursor, 10, &mut visit);
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(told.len(), 5_000);
}

#[test]
fn freeing_goes_piece_by_piece() {
    let mut set = numbered(5_000);
    let mut before = set.memory_bytes();
    let mut slices = 0;
    while !set.drop_slice(100) {
        assert!(set.memory_bytes() < before);
        before = set.memory_bytes();
        slices += 1;
    }
    assert!(slices > 5);
    assert!(set.is_empty());
}

#[test]
fn a_member_of_17_bytes_costs_less_than_45() {
    let mut worst = 0;
    let (mut sum, mut sizes) = (0, 0);
    for len in (10_000..200_000).step_by(10_000) {
        let bytes = numbered(len).memory_bytes() / len;
        worst = worst.max(bytes);
        sum += bytes;
        sizes += 1;
    }
    assert!(sum / sizes <= 40, "{}", sum / sizes);
    assert!(worst <= 45, "{worst}");
}
