//! Streams against a vector of entries, with every byte of memory counted again.

#![expect(clippy::unwrap_used, reason = "tests")]

use alloc::vec::Vec;

use proptest::prelude::*;
use vk_mem::size_class;

use super::{
    Group, NewEntry, NodeLimits, Pending, Stream, StreamId, Threshold, Trim, validate_node,
};
use crate::num::INT_TEXT_MAX;

type Model = Vec<(StreamId, Vec<Vec<u8>>)>;

const LIMITS: NodeLimits = NodeLimits {
    bytes_max: 4096,
    entries_max: 100,
};

fn id(ms: u64) -> StreamId {
    StreamId::new(ms, 0)
}

fn add(stream: &mut Stream, id: StreamId, words: &[&[u8]], limits: NodeLimits) -> bool {
    let entry = NewEntry::new(words.iter().copied()).unwrap();
    stream.entries_mut().append(id, &entry, limits)
}

fn shown(entry: super::Entry<'_>) -> (StreamId, Vec<Vec<u8>>) {
    let fields = entry.fields();
    let words: Vec<Vec<u8>> = fields
        .flat_map(|(name, value)| {
            [name, value].map(|item| item.bytes(&mut [0; INT_TEXT_MAX]).to_vec())
        })
        .collect();
    assert_eq!(words.len(), entry.field_count() * 2);
    (entry.id(), words)
}

fn all(stream: &Stream) -> Model {
    let range = stream.entries().range(StreamId::MIN, StreamId::MAX);
    range.map(shown).collect()
}

/// Everything that is kept beside the entries is right.
fn check(stream: &Stream, model: &Model) {
    let entries = stream.entries();
    assert_eq!(&all(stream), model);
    let back = entries.range_back(StreamId::MIN, StreamId::MAX);
    let mut back: Model = back.map(shown).collect();
    back.reverse();
    assert_eq!(&back, model);
    assert_eq!(entries.len(), model.len() as u64);
    let first = model.first().map_or(StreamId::MIN, |(id, _)| *id);
    assert_eq!(entries.info().first_id, first);
    let mut loaded = Stream::default();
    for (first, bytes) in entries.nodes() {
        let facts = validate_node(first, bytes).unwrap();
        assert!(facts.live > 0);
        assert!(loaded.entries_mut().push_node(first, bytes, facts.live));
        assert!(!loaded.entries_mut().push_node(first, bytes, facts.live));
    }
    loaded.entries_mut().set_info(entries.info());
    assert_eq!(all(&loaded), *model);
    let copy = stream.clone();
    assert_eq!(digest(&copy), digest(stream));
    let groups: usize = stream.groups.iter().map(|group| group.heap_bytes()).sum();
    let chunks = stream.groups.heap_bytes();
    let expected = size_class(size_of::<Stream>()) + entries.counted_bytes() + groups + chunks;
    assert_eq!(stream.memory_bytes(), expected);
    for group in stream.groups() {
        check_group(group);
    }
}

/// Both lists of what is pending agree, and so do the bytes.
fn check_group(group: &Group) {
    let mut of_consumers = Vec::new();
    for (at, consumer) in group.consumers() {
        assert_eq!(group.find_consumer(consumer.name()), Some(at));
        for id in consumer.pending_from(StreamId::MIN) {
            assert_eq!(group.pending(id).unwrap().consumer, at);
            of_consumers.push(id);
        }
    }
    of_consumers.sort();
    let of_group: Vec<StreamId> = group.pending_from(StreamId::MIN).map(|p| p.id).collect();
    assert_eq!(of_group, of_consumers);
    assert_eq!(group.pending_count(), of_group.len());
    assert_eq!(group.counted_bytes(), group.heap_bytes());
    assert!(group.is_loaded());
}

fn digest(stream: &Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.feed(&mut |piece| bytes.extend_from_slice(piece));
    bytes
}

fn hex(bytes: &[u8]) -> alloc::string::String {
    bytes
        .iter()
        .map(|byte| alloc::format!("{byte:02x}"))
        .collect()
}

#[test]
fn a_node_has_the_format_of_valkey() {
    let mut stream = Stream::default();
    add(
        &mut stream,
        StreamId::new(1, 1),
        &[b"a", b"1", b"bb", b"x"],
        LIMITS,
    );
    add(
        &mut stream,
        StreamId::new(1, 2),
        &[b"a", b"300", b"bb", b""],
        LIMITS,
    );
    add(&mut stream, StreamId::new(3, 0), &[b"c", b"-1"], LIMITS);
    stream.entries_mut().delete(StreamId::new(1, 2));
    let (first, bytes) = stream.entries().nodes().next().unwrap();
    assert_eq!(first, StreamId::new(1, 1));
    let expected = concat!(
        // Length, items; 2 live, 1 deleted, 2 fields, their names, zero.
        "410000001900",
        "0201",
        "0101",
        "0201",
        "816102",
        "82626203",
        "0001",
        // Same fields: difference of the id, values, items.
        "0201",
        "00010001",
        "0101",
        "817802",
        "0501",
        // The same, deleted; 300 and nothing.
        "0301",
        "00010101",
        "c12c02",
        "8001",
        "0501",
        // Other fields: difference (2, -1), one field, name, value, items.
        "0001",
        "0201dfff02",
        "0101",
        "816302",
        "dfff02",
        "0601",
        "ff",
    );
    assert_eq!(hex(bytes), expected);
}

#[test]
fn ids_follow_the_clock_and_the_last_one() {
    let mut stream = Stream::default();
    let entries = stream.entries_mut();
    assert_eq!(entries.next_id(0), Some(StreamId::new(0, 1)));
    assert_eq!(entries.next_id(-5), Some(StreamId::new(0, 1)));
    assert_eq!(entries.next_id(7), Some(id(7)));
    assert_eq!(entries.next_id_in(0), Some(StreamId::new(0, 1)));
    entries.set_last_id(StreamId::new(9, 3));
    assert_eq!(entries.next_id(7), Some(StreamId::new(9, 4)));
    assert_eq!(entries.next_id_in(9), Some(StreamId::new(9, 4)));
    assert_eq!(entries.next_id_in(8), None);
    entries.set_last_id(StreamId::new(9, u64::MAX));
    assert_eq!(entries.next_id(7), Some(id(10)));
    assert_eq!(entries.next_id_in(9), None);
    entries.set_last_id(StreamId::MAX);
    assert_eq!(entries.next_id(7), None);
}

#[test]
fn nodes_end_at_their_limits() {
    let nodes = |limits: NodeLimits, count: u64, value: &[u8]| {
        let mut stream = Stream::default();
        for ms in 1..=count {
            assert!(add(&mut stream, id(ms), &[b"f", value], limits));
        }
        stream.entries().node_count()
    };
    assert_eq!(nodes(LIMITS, 100, b"v"), 1);
    assert_eq!(nodes(LIMITS, 101, b"v"), 2);
    assert_eq!(nodes(LIMITS, 3, &[b'x'; 4000]), 3);
    let free = NodeLimits {
        bytes_max: 0,
        entries_max: 0,
    };
    assert_eq!(nodes(free, 1000, b"v"), 1);
    let one = NodeLimits {
        bytes_max: 0,
        entries_max: 1,
    };
    assert_eq!(nodes(one, 1000, b"v"), 1000);
}

#[test]
fn long_entries_keep_their_fields() {
    let names: Vec<Vec<u8>> = (0..500_u32)
        .map(|n| alloc::format!("{n}").into_bytes())
        .collect();
    let words: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let mut stream = Stream::default();
    let wide = NodeLimits {
        bytes_max: 0,
        entries_max: 0,
    };
    add(&mut stream, id(1), &words, wide);
    add(&mut stream, id(2), &words, wide);
    let other: Vec<&[u8]> = words.iter().copied().rev().collect();
    add(&mut stream, id(3), &other, wide);
    let owned = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect();
    let model = alloc::vec![
        (id(1), owned(&words)),
        (id(2), owned(&words)),
        (id(3), owned(&other))
    ];
    check(&stream, &model);
    assert_eq!(stream.entries().node_count(), 1);
}

#[test]
fn approximate_trims_drop_whole_nodes() {
    let limits = NodeLimits {
        entries_max: 10,
        ..LIMITS
    };
    let filled = || {
        let mut stream = Stream::default();
        for ms in 1..=100 {
            add(&mut stream, id(ms), &[b"f", b"v"], limits);
        }
        stream
    };
    let trim = |threshold, approximate, limit| {
        let mut stream = filled();
        let trimmed = stream.entries_mut().trim(Trim {
            threshold,
            approximate,
            limit,
        });
        (
            trimmed.gone,
            stream.entries().info().first_id.ms,
            stream.entries().edge_id().ms,
        )
    };
    assert_eq!(trim(Threshold::MaxLen(55), true, 0), (40, 41, 41));
    assert_eq!(trim(Threshold::MaxLen(55), false, 0), (45, 46, 41));
    assert_eq!(trim(Threshold::MaxLen(55), true, 30), (30, 31, 31));
    assert_eq!(trim(Threshold::MaxLen(55), true, 29), (20, 21, 21));
    assert_eq!(trim(Threshold::MaxLen(100), false, 0), (0, 1, 1));
    assert_eq!(trim(Threshold::MaxLen(0), false, 0), (100, 0, u64::MAX));
    assert_eq!(trim(Threshold::MinId(id(46)), true, 0), (40, 41, 41));
    assert_eq!(trim(Threshold::MinId(id(46)), false, 0), (45, 46, 41));
    assert_eq!(
        trim(Threshold::MinId(id(500)), false, 0),
        (100, 0, u64::MAX)
    );
}

#[test]
fn lag_is_told_where_it_can_be() {
    let mut stream = Stream::default();
    let group = |last, read| Group::new(b"g", id(last), read);
    let lag = |stream: &Stream, last, read| stream.entries().lag(&group(last, read));
    assert_eq!(lag(&stream, 5, None), Some(0));
    for ms in 1..=5 {
        add(&mut stream, id(ms), &[b"f", b"v"], LIMITS);
    }
    assert_eq!(lag(&stream, 0, None), Some(5));
    assert_eq!(lag(&stream, 1, None), Some(4));
    assert_eq!(lag(&stream, 2, None), None);
    assert_eq!(lag(&stream, 2, Some(2)), Some(3));
    assert_eq!(lag(&stream, 5, None), Some(0));
    assert_eq!(lag(&stream, 6, None), None);
    stream.entries_mut().delete(id(3));
    assert_eq!(lag(&stream, 2, Some(2)), None);
    assert_eq!(lag(&stream, 4, Some(4)), Some(1));
    assert_eq!(lag(&stream, 0, None), None);
    stream.entries_mut().delete(id(1));
    stream.entries_mut().delete(id(2));
    // The deleted ones are all before the first one that is left.
    assert_eq!(lag(&stream, 0, None), Some(2));
    for ms in 4..=5 {
        stream.entries_mut().delete(id(ms));
    }
    assert_eq!(lag(&stream, 0, None), Some(0));
    assert_eq!(lag(&stream, 9, None), None);
}

#[test]
fn groups_are_loaded_as_they_are_saved() {
    let mut stream = Stream::default();
    let mut group = stream.create_group(b"g", id(9), None).unwrap();
    let (a, created) = group.add_consumer(b"a", 5).unwrap();
    assert!(created);
    assert!(group.load_pending(id(1), 100, 2));
    assert!(group.load_pending(id(2), 101, 1));
    assert!(!group.load_pending(id(2), 101, 1));
    assert!(!group.is_loaded());
    assert!(group.load_owner(id(1), a));
    // An entry is pending of one consumer only.
    assert!(!group.load_owner(id(1), a));
    assert!(!group.load_owner(id(7), a));
    assert!(group.load_owner(id(2), a));
    assert!(group.is_loaded());
    drop(group);
    assert!(stream.create_group(b"g", id(9), None).is_none());
    check(&stream, &Vec::new());
    assert!(stream.remove_group(b"g").is_some());
    check(&stream, &Vec::new());
}

#[test]
fn values_are_freed_in_slices() {
    let mut stream = Stream::default();
    for ms in 1..=20_000 {
        add(&mut stream, id(ms), &[b"f", b"v"], LIMITS);
    }
    let mut group = stream.create_group(b"g", id(0), None).unwrap();
    for number in 0..300_u64 {
        let name = number.to_be_bytes();
        let (consumer, _) = group.add_consumer(&name, 0).unwrap();
        group.set_pending(Pending {
            id: id(number),
            delivered_ms: 0,
            deliveries: 1,
            consumer,
        });
    }
    drop(group);
    let mut slices = 1;
    while !stream.drop_slice(50) {
        slices += 1;
    }
    assert!((10..=20).contains(&slices), "{slices}");
}

#[derive(Clone, Debug)]
enum Step {
    Add(u64, usize, Vec<u8>),
    Delete(usize),
    Trim(Trim),
    Deliver(usize, u8),
    Ack(usize),
    Leave(u8),
    Range(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let threshold = prop_oneof![
        (0..60_u64).prop_map(Threshold::MaxLen),
        (0..400_u64).prop_map(|ms| Threshold::MinId(id(ms))),
    ];
    let trim =
        (threshold, any::<bool>(), 0..30_u64).prop_map(|(threshold, approximate, limit)| Trim {
            threshold,
            approximate,
            limit: if approximate { limit } else { 0 },
        });
    let value = prop_oneof![
        Just(b"1".to_vec()),
        Just(b"-123456".to_vec()),
        prop::collection::vec(any::<u8>(), 0..5),
        Just(alloc::vec![b'x'; 200]),
    ];
    let step = prop_oneof![
        6 => (0..4_u64, 0..4_usize, value).prop_map(|(gap, shape, value)| {
            Step::Add(gap, shape, value)
        }),
        3 => any::<usize>().prop_map(Step::Delete),
        1 => trim.prop_map(Step::Trim),
        3 => (any::<usize>(), 0..4_u8).prop_map(|(at, consumer)| Step::Deliver(at, consumer)),
        2 => any::<usize>().prop_map(Step::Ack),
        1 => (0..4_u8).prop_map(Step::Leave),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Step::Range(a, b)),
    ];
    prop::collection::vec(step, 0..200)
}

const SHAPES: [&[&[u8]]; 4] = [&[b"a"], &[b"a", b"b"], &[b"b"], &[b"1", b"x", b"22"]];

fn pick(model: &Model, at: usize) -> Option<StreamId> {
    model.get(at % model.len().max(1)).map(|(id, _)| *id)
}

fn apply(stream: &mut Stream, model: &mut Model, step: Step, limits: NodeLimits) {
    match step {
        Step::Add(gap, shape, value) => {
            let last = stream.entries().info().last_id;
            let new = if gap == 0 {
                last.next().unwrap()
            } else {
                id(last.ms + gap)
            };
            let mut words: Vec<&[u8]> = Vec::new();
            for name in SHAPES.get(shape).copied().unwrap_or_default() {
                words.extend([*name, &value]);
            }
            assert!(add(stream, new, &words, limits));
            assert!(!add(stream, new, &words, limits));
            model.push((new, words.iter().map(|word| word.to_vec()).collect()));
        }
        Step::Delete(at) => {
            let Some(gone) = pick(model, at) else { return };
            assert!(stream.entries_mut().delete(gone));
            assert!(!stream.entries_mut().delete(gone));
            model.retain(|(id, _)| *id != gone);
        }
        Step::Trim(trim) => {
            let before = model.len();
            let gone = usize::try_from(stream.entries_mut().trim(trim).gone).unwrap();
            let exact = match trim.threshold {
                Threshold::MaxLen(max) => before.saturating_sub(max as usize),
                Threshold::MinId(min) => model.iter().filter(|(id, _)| *id < min).count(),
            };
            assert!(gone <= exact && (trim.approximate || gone == exact));
            assert!(trim.limit == 0 || gone as u64 <= trim.limit);
            model.drain(..gone);
        }
        Step::Deliver(..) | Step::Ack(_) | Step::Leave(_) => apply_to_group(stream, model, step),
        Step::Range(a, b) => {
            let (Some(a), Some(b)) = (pick(model, a), pick(model, b)) else {
                return;
            };
            let expected: Model = model
                .iter()
                .filter(|(id, _)| (a..=b).contains(id))
                .cloned()
                .collect();
            let found: Model = stream.entries().range(a, b).map(shown).collect();
            assert_eq!(found, expected);
            let mut found: Model = stream.entries().range_back(a, b).map(shown).collect();
            found.reverse();
            assert_eq!(found, expected);
        }
    }
}

fn apply_to_group(stream: &mut Stream, model: &Model, step: Step) {
    let mut group = stream.group_mut(b"g").unwrap();
    match step {
        Step::Deliver(at, consumer) => {
            let Some(new) = pick(model, at) else { return };
            let (consumer, _) = group.add_consumer(&[consumer], 1).unwrap();
            group.set_pending(Pending {
                id: new,
                delivered_ms: 1,
                deliveries: 1,
                consumer,
            });
            assert_eq!(group.pending(new).unwrap().consumer, consumer);
        }
        Step::Ack(at) => {
            let Some(id) = pick(model, at) else { return };
            assert_eq!(group.pending(id).is_some(), group.remove_pending(id));
            assert!(group.pending(id).is_none());
        }
        Step::Leave(consumer) => {
            let found = group
                .find_consumer(&[consumer])
                .and_then(|id| group.consumer(id));
            let count = found.map(super::Consumer::pending_count);
            assert_eq!(group.remove_consumer(&[consumer]), count);
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_valid_can_be_walked(
        steps in steps(),
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4),
    ) {
        let limits = NodeLimits { bytes_max: 0, entries_max: 0 };
        let mut stream = Stream::default();
        stream.create_group(b"g", StreamId::MIN, Some(0)).unwrap();
        let mut model = Vec::new();
        for step in steps {
            apply(&mut stream, &mut model, step, limits);
        }
        let node = stream.entries().nodes().next();
        let Some((first, mut bytes)) = node.map(|(id, bytes)| (id, bytes.to_vec())) else {
            return Ok(());
        };
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let mut loaded = Stream::default();
        let Ok(facts) = validate_node(first, &bytes) else {
            // Nothing is promised but that it ends.
            loaded.entries_mut().push_node(first, &bytes, 1);
            let _ = loaded.entries().range(StreamId::MIN, StreamId::MAX).count();
            let _ = loaded.entries().range_back(StreamId::MIN, StreamId::MAX).count();
            return Ok(());
        };
        loaded.entries_mut().push_node(first, &bytes, facts.live);
        let all = all(&loaded);
        prop_assert_eq!(all.len() as u64, facts.live);
        let back = loaded.entries().range_back(StreamId::MIN, StreamId::MAX);
        prop_assert_eq!(back.count() as u64, facts.live);
        for (id, _) in all {
            prop_assert!(loaded.entries_mut().delete(id));
        }
        prop_assert_eq!(loaded.entries().node_count(), usize::from(facts.live == 0));
    }

    #[test]
    fn equals_a_vector(steps in steps(), entries_max in 1..12_u64, bytes_max in 0..600_usize) {
        let limits = NodeLimits { bytes_max, entries_max };
        let mut stream = Stream::default();
        stream.create_group(b"g", StreamId::MIN, Some(0)).unwrap();
        let mut model = Vec::new();
        for step in steps {
            apply(&mut stream, &mut model, step, limits);
            check(&stream, &model);
        }
    }
}
