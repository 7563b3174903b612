//! The properties of lists as functions over bytes, shared by tests and fuzz targets. Not an API: a
//! violation is a failed assertion.

use alloc::vec::Vec;

use vk_mem::Access;

use super::{End, ListBuilder, ListLimits, ListMut, ListRef, Side};
use crate::entry::DbEntry;
use crate::listpack::{self, EMPTY, validate};
use crate::num::INT_TEXT_MAX;
use crate::pack::PackKind;
use crate::value::{NewValue, View};

/// Changes by the bytes of `script` do the same to a list as to a vector of strings; the first
/// byte chooses the limits.
pub fn check_list_edits(script: &[u8]) {
    let Some((&first, script)) = script.split_first() else {
        return;
    };
    let limits = ListLimits {
        fill: [-1, 1, 2, 3, 5, 40, -2, 128][usize::from(first % 8)],
        large_bytes: [None, Some(1), Some(12), Some(100)][usize::from(first / 8 % 4)],
    };
    let mut model: Vec<Vec<u8>> = Vec::new();
    let mut entry = fresh();
    let mut script = script.iter().copied();
    while let Some(op) = script.next() {
        step(op, &mut script, &mut entry, &mut model, limits);
        check_content(&entry, &model, limits);
        if model.is_empty() {
            // The keyspace keeps no empty list either.
            entry = fresh();
        }
    }
    let mut builder = ListBuilder::new(limits);
    model.iter().for_each(|element| builder.push(element));
    assert_eq!(builder.len(), model.len());
    let built = builder.finish();
    let entry = built.store(|value| DbEntry::new(b"key", value, None, Access::default()));
    check_content(&entry, &model, limits);
}

fn fresh() -> DbEntry {
    let value = NewValue::Pack(PackKind::List, &EMPTY);
    DbEntry::new(b"key", value, None, Access::default())
}

fn step(
    op: u8,
    script: &mut impl Iterator<Item = u8>,
    entry: &mut DbEntry,
    model: &mut Vec<Vec<u8>>,
    limits: ListLimits,
) {
    let (arg, count) = (script.next().unwrap_or(0), script.next().unwrap_or(1));
    let from = if arg & 1 == 0 { End::Head } else { End::Tail };
    let Some(mut list) = entry.body_mut().and_then(ListMut::of) else {
        return;
    };
    let at = usize::from(arg) * 7 % (model.len() + 1);
    let count = usize::from(count % 16);
    match op % 8 {
        0..=2 => {
            let texts: Vec<Vec<u8>> = (0..count.max(1)).map(|_| text(script)).collect();
            let refs = texts.iter().map(|text| &text[..]);
            let len = list.push(from, refs, limits);
            match from {
                End::Head => drop(model.splice(0..0, texts.into_iter().rev())),
                End::Tail => model.extend(texts),
            }
            assert_eq!(len, model.len());
        }
        3 => {
            list.remove_range(at, count, limits);
            model.drain(at..(at + count).min(model.len()));
        }
        4 => {
            let text = text(script);
            let index = at as i64 - if arg & 1 == 0 { 0 } else { model.len() as i64 };
            let there = list.set(index, &text, limits);
            // As a negative index the length itself is index 0.
            let place = if index < 0 || arg & 1 == 0 { at } else { 0 };
            assert_eq!(there, place < model.len());
            if let Some(old) = model.get_mut(place) {
                *old = text;
            }
        }
        5 => {
            let text = text(script);
            let pivot = model.get(at).cloned().unwrap_or_else(|| b"none".to_vec());
            let side = if arg & 1 == 0 {
                Side::Before
            } else {
                Side::After
            };
            let len = list.insert(&pivot, side, &text, limits);
            let found = model.iter().position(|own| *own == pivot);
            if let Some(found) = found {
                model.insert(found + usize::from(side == Side::After), text);
            }
            assert_eq!(len, found.map(|_| model.len()));
        }
        6 => {
            let needle = model.get(at).cloned().unwrap_or_default();
            let most = if count == 0 { usize::MAX } else { count };
            let removed = list.remove_equal(&needle, most, from, limits);
            assert_eq!(removed, remove_equal(model, &needle, most, from));
        }
        _ => {
            let end = (at + count).min(model.len());
            if let Some(kept) = list.take_range(at, end, limits) {
                *entry = kept.store(|value| DbEntry::new(b"key", value, None, Access::default()));
                *model = model.drain(at..end).collect();
            }
        }
    }
}

fn remove_equal(model: &mut Vec<Vec<u8>>, needle: &[u8], most: usize, from: End) -> usize {
    let mut places: Vec<usize> = (0..model.len()).filter(|at| model[*at] == needle).collect();
    if from == End::Tail {
        places.reverse();
    }
    places.truncate(most);
    places.sort_unstable();
    for at in places.iter().rev() {
        model.remove(*at);
    }
    places.len()
}

/// The list is `model`, from wherever it is looked at.
fn check_content(entry: &DbEntry, model: &[Vec<u8>], limits: ListLimits) {
    let Some(view) = ListRef::of(entry) else {
        assert!(entry.body().is_none(), "another type than a list");
        return;
    };
    let text = |item: listpack::Item<'_>| item.bytes(&mut [0; INT_TEXT_MAX]).to_vec();
    assert_eq!(view.len(), model.len());
    assert!(view.iter().map(text).eq(model.iter().cloned()));
    let len = model.len() as i64;
    let indexes = [0, 1, len / 2, len - 2, len - 1, len, i64::MAX];
    for index in indexes.into_iter().filter(|index| *index >= 0) {
        let expected = usize::try_from(index).ok().and_then(|at| model.get(at));
        assert_eq!(view.get(index).map(text).as_ref(), expected);
        if index < len {
            assert_eq!(view.get(index - len).map(text).as_ref(), expected);
        }
    }
    let (start, count) = (model.len() / 3, model.len() / 2);
    let mut seen = Vec::new();
    view.visit(start, count, End::Head, |item| seen.push(text(item)));
    assert_eq!(seen, model.get(start..start + count).unwrap_or_default());
    let last = model.len().saturating_sub(1 + start / 2);
    seen.clear();
    view.visit(last, count, End::Tail, |item| seen.push(text(item)));
    let backwards = model
        .iter()
        .rev()
        .skip(model.len().saturating_sub(1 + last));
    assert!(seen.iter().eq(backwards.take(count)));
    if let Some(needle) = model.first() {
        let mut met = Vec::new();
        let scanned = model.len().saturating_sub(1);
        view.positions(needle, End::Tail, scanned, |at| {
            met.push(at);
            met.len() < 3
        });
        let all = (1..model.len()).rev().filter(|at| model[*at] == *needle);
        assert!(met.into_iter().eq(all.take(3)));
    }
    match view {
        ListRef::Pack(pack) => assert_eq!(validate(pack.bytes()), Ok(model.len())),
        ListRef::Nodes(list) => {
            list.nodes.check();
            assert_eq!(list.clone().len(), list.len());
            for node in list.nodes() {
                if let super::Node::Packed(pack, held) = node {
                    assert_eq!(validate(pack.bytes()), Ok(held));
                    // A node can be full of what was replaced or of one element, not of pushes.
                    assert!(limits.fill < 0 || held <= limits.fill as usize);
                }
            }
        }
    }
}

/// Few different texts, so that equal ones meet; some of them long.
fn text(script: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    use alloc::string::ToString;
    let byte = script.next().unwrap_or(0);
    match byte {
        0..100 => (i64::from(byte) % 9 * 1000).to_string().into_bytes(),
        100..200 => alloc::vec![b'a' + byte % 3; usize::from(byte % 20)],
        200..240 => alloc::vec![b'm'; usize::from(byte) * 4],
        _ => alloc::vec![b'l'; usize::from(byte - 235) * 1000],
    }
}
