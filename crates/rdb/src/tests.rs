//! Values through the codec: known bytes, round trips on both sides of every limit, broken bytes.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;
use vk_data::entry::DbEntry;
use vk_data::hash::HashRef;
use vk_data::list::ListRef;
use vk_data::num::INT_TEXT_MAX;
use vk_data::set::SetRef;
use vk_data::stream::{Stream, StreamId};
use vk_data::value::{Encoding, NewValue, Object, ValueType, View};
use vk_data::zset::ZSetRef;

use super::*;
use crate::check::{check_restore, entry_of, limits, small_limits};

fn read(code: ValueCode, bytes: &[u8]) -> Result<DbEntry, RdbError> {
    let mut reader = Reader::new(bytes);
    let loaded = load(code, &mut reader, &small_limits())?;
    reader.end()?;
    Ok(entry_of(loaded))
}

fn written(entry: &DbEntry) -> Vec<u8> {
    let mut writer = Writer::new(Compression::Lzf);
    save(entry, &mut writer);
    writer.take()
}

fn string(entry: &DbEntry) -> Vec<u8> {
    entry.str().unwrap().bytes(&mut [0; INT_TEXT_MAX]).to_vec()
}

/// All elements as text, in the order of the value; pairs one behind the other.
fn elements(entry: &DbEntry) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let text = |item: vk_data::listpack::Item<'_>| item.bytes(&mut [0; INT_TEXT_MAX]).to_vec();
    match entry.value_type() {
        ValueType::List => all.extend(ListRef::of(entry).unwrap().iter().map(text)),
        ValueType::Set => all.extend(SetRef::of(entry).unwrap().iter().map(text)),
        ValueType::ZSet => {
            for (member, score) in ZSetRef::of(entry).unwrap().iter() {
                all.push(text(member));
                all.push(score.to_string().into_bytes());
            }
        }
        ValueType::Hash => HashRef::of(entry)
            .unwrap()
            .for_each_stored(&mut |name, value, at| {
                all.push(name.bytes(&mut [0; INT_TEXT_MAX]).to_vec());
                all.push(value.bytes(&mut [0; INT_TEXT_MAX]).to_vec());
                all.push(at.unwrap_or(-1).to_string().into_bytes());
            }),
        _ => all.push(string(entry)),
    }
    all
}

fn texts(words: &str) -> Vec<Vec<u8>> {
    words
        .split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// Strings one behind the other, with their count before them.
fn counted(count: usize, strings: &[&[u8]]) -> Vec<u8> {
    let mut writer = Writer::new(Compression::None);
    writer.count(count);
    strings.iter().for_each(|text| writer.string(text));
    writer.take()
}

#[test]
fn strings_have_known_bytes() {
    let cases: &[(&[u8], &[u8])] = &[
        (b"", &[0]),
        (b"0", &[0xc0, 0]),
        (b"-128", &[0xc0, 0x80]),
        (b"128", &[0xc1, 0x80, 0]),
        (b"-32769", &[0xc2, 0xff, 0x7f, 0xff, 0xff]),
        (b"2147483647", &[0xc2, 0xff, 0xff, 0xff, 0x7f]),
        (b"2147483648", b"\x0a2147483648"),
        (b"01", b"\x0201"),
        (b"hello", b"\x05hello"),
        (&[b'a'; 20], b"\x14aaaaaaaaaaaaaaaaaaaa"),
        (
            &[b'a'; 30],
            &[0xc3, 9, 30, 1, b'a', b'a', 0xe0, 17, 0, 1, b'a', b'a'],
        ),
    ];
    for (text, bytes) in cases {
        let mut writer = Writer::new(Compression::Lzf);
        writer.string(text);
        assert_eq!(writer.bytes(), *bytes);
        let entry = read(ValueCode::String, bytes).unwrap();
        assert_eq!(string(&entry), *text);
        assert_eq!(written(&entry), *bytes);
    }
}

#[test]
fn lengths_have_known_bytes() {
    for (number, bytes) in [
        (63, &[0x3f][..]),
        (64, &[0x40, 0x40]),
        (16_383, &[0x7f, 0xff]),
        (16_384, &[0x80, 0, 0, 0x40, 0]),
        (u64::from(u32::MAX), &[0x80, 0xff, 0xff, 0xff, 0xff]),
        (1 << 32, &[0x81, 0, 0, 0, 1, 0, 0, 0, 0]),
    ] {
        let mut writer = Writer::new(Compression::None);
        writer.number(number);
        assert_eq!(writer.bytes(), bytes);
        assert_eq!(Reader::new(bytes).number(), Ok(number));
        let cut = bytes.split_last().unwrap().1;
        assert_eq!(Reader::new(cut).number(), Err(RdbError::Truncated));
    }
    assert_eq!(Reader::new(&[0x82]).number(), Err(RdbError::Length));
    assert_eq!(Reader::new(&[0xc0, 1]).number(), Err(RdbError::Length));
}

#[test]
fn payloads_have_known_bytes() {
    let entry = entry_of(Loaded::Int(1));
    let payload = dump(&entry, Compression::Lzf);
    assert_eq!(payload.get(..5), Some(&[0, 0xc0, 1, 11, 0][..]));
    // As version 7.0 of Redis has it after `SET k 1`.
    let known = b"\x00\xc0\x01\x0a\x00\x26\x78\xe7\xb6\xd1\x01\x11\xfc";
    assert!(restore(known, Checksum::Checked, &small_limits()).is_ok());
    let mut other = known.to_vec();
    other[6] ^= 1;
    let refused = restore(&other, Checksum::Checked, &small_limits());
    assert_eq!(refused.err(), Some(RestoreError::Footer));
    assert!(restore(&other, Checksum::Ignored, &small_limits()).is_ok());
}

#[test]
fn old_encodings_are_converted() {
    // Three entries: "abc", 7 (in its encoding), 300; two of them with the length before.
    let ziplist = |entries: &[&[u8]]| {
        let mut body = Vec::new();
        let (mut before, mut last) = (0_u8, 10);
        for entry in entries {
            last = 10 + body.len();
            body.push(before);
            body.extend_from_slice(entry);
            before = entry.len() as u8 + 1;
        }
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&(11 + body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(last as u32).to_le_bytes());
        bytes.extend_from_slice(&(entries.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes.push(0xff);
        bytes
    };
    let abc: &[u8] = b"\x03abc";
    let bytes = ziplist(&[
        abc,
        &[0xf8],
        &[0xc0, 44, 1],
        &[0xfe, 0xff],
        &[0xf0, 0, 0, 0x80],
    ]);
    let list = counted(1, &[&bytes]);
    let expected = texts("abc 7 300 -1 -8388608");
    let entry = read(ValueCode::ListQuicklist, &list).unwrap();
    assert_eq!(elements(&entry), expected);
    let entry = read(ValueCode::ListZiplist, list.get(1..).unwrap()).unwrap();
    assert_eq!(elements(&entry), expected);

    let pairs = counted(0, &[&ziplist(&[abc, &[0xf8]])]);
    let pairs = pairs.get(1..).unwrap();
    assert_eq!(
        elements(&read(ValueCode::HashZiplist, pairs).unwrap()),
        texts("abc 7 -1")
    );
    assert_eq!(
        elements(&read(ValueCode::ZSetZiplist, pairs).unwrap()),
        texts("abc 7")
    );
    let odd = counted(0, &[&ziplist(&[abc])]);
    for code in [ValueCode::HashZiplist, ValueCode::ZSetZiplist] {
        assert_eq!(
            read(code, odd.get(1..).unwrap()).err(),
            Some(RdbError::Ziplist)
        );
    }

    let zipmap = b"\x02\x01a\x02\x01bb-\x02cc\x01\x00d\xff";
    let bytes = counted(0, &[zipmap]);
    let entry = read(ValueCode::HashZipmap, bytes.get(1..).unwrap()).unwrap();
    assert_eq!(elements(&entry), texts("a bb -1 cc d -1"));

    let zset = [&[2, 1, b'a', 4][..], b"-1.5", &[1, b'b', 254]].concat();
    let entry = read(ValueCode::ZSetText, &zset).unwrap();
    assert_eq!(elements(&entry), texts("a -1.5 b inf"));
    let nan = [&[1, 1, b'a', 253][..]].concat();
    assert_eq!(
        read(ValueCode::ZSetText, &nan).err(),
        Some(RdbError::Number)
    );
}

#[test]
fn every_byte_of_a_ziplist_counts() {
    let good = [&[16, 0, 0, 0, 12, 0, 0, 0, 2, 0, 0, 0xf2, 2, 0xfe, 5, 0xff][..]].concat();
    let is = |bytes: &[u8]| {
        read(
            ValueCode::ListZiplist,
            counted(0, &[bytes]).get(1..).unwrap(),
        )
    };
    assert_eq!(elements(&is(&good).unwrap()), texts("1 5"));
    for at in [0, 4, 8, 10, 12, 15] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(is(&bad).err(), Some(RdbError::Ziplist), "{at}");
    }
    for len in 0..good.len() {
        assert!(is(good.get(..len).unwrap()).is_err());
    }
}

#[test]
fn collections_obey_the_rules_of_their_types() {
    let twice = counted(2, &[b"a", b"a"]);
    let pairs_twice = counted(2, &[b"a", b"1", b"a", b"2"]);
    let mut scores_twice = counted(2, &[b"a"]);
    scores_twice.extend_from_slice(&1_f64.to_le_bytes());
    scores_twice.extend_from_slice(b"\x01a");
    scores_twice.extend_from_slice(&2_f64.to_le_bytes());
    let mut nan = counted(1, &[b"a"]);
    nan.extend_from_slice(&f64::NAN.to_le_bytes());
    let many_twice = counted(6, &[b"a", b"b", b"c", b"d", b"e", b"a"]);
    let mut before_1970 = counted(1, &[b"a", b"1"]);
    before_1970.extend_from_slice(&(-2_i64).to_le_bytes());
    for (code, bytes, error) in [
        (ValueCode::Set, &twice, RdbError::Duplicate),
        (ValueCode::Set, &many_twice, RdbError::Duplicate),
        (ValueCode::Hash, &pairs_twice, RdbError::Duplicate),
        (ValueCode::ZSet, &scores_twice, RdbError::Duplicate),
        (ValueCode::ZSet, &nan, RdbError::Number),
        (ValueCode::HashExpiring, &before_1970, RdbError::Expiry),
    ] {
        assert_eq!(read(code, bytes).err(), Some(error), "{code:?}");
    }
    for code in [
        ValueCode::List,
        ValueCode::Set,
        ValueCode::Hash,
        ValueCode::ZSet,
    ] {
        assert_eq!(read(code, &[0]).err(), Some(RdbError::Empty), "{code:?}");
        assert_eq!(
            read(code, &[0x3f]).err(),
            Some(RdbError::Length),
            "{code:?}"
        );
        let huge = [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(read(code, &huge).err(), Some(RdbError::Length), "{code:?}");
    }
    assert_eq!(
        read(ValueCode::ListQuicklist2, &[1, 3, 1, b'a']).err(),
        Some(RdbError::Node)
    );
    assert_eq!(ValueCode::of(6), None);
    assert_eq!(ValueCode::of(23), None);
}

#[test]
fn fields_that_expire_need_the_newer_version() {
    let mut bytes = counted(2, &[b"a", b"1"]);
    bytes.extend_from_slice(&5_i64.to_le_bytes());
    bytes.extend_from_slice(b"\x01b\xc0\x02");
    bytes.extend_from_slice(&(-1_i64).to_le_bytes());
    let entry = read(ValueCode::HashExpiring, &bytes).unwrap();
    let mut all: Vec<Vec<Vec<u8>>> = elements(&entry).chunks(3).map(<[_]>::to_vec).collect();
    all.sort();
    assert_eq!(all, [texts("a 1 5"), texts("b 2 -1")]);
    assert_eq!(version_for(&entry), 80);
    let payload = dump(&entry, Compression::Lzf);
    assert_eq!(payload.first(), Some(&22));
    assert_eq!(
        payload.get(payload.len() - 10..payload.len() - 8),
        Some(&[80, 0][..])
    );
    assert!(restore(&payload, Checksum::Checked, &small_limits()).is_ok());
}

/// A value of each shape, from strings.
fn value(kind: u8, strings: &[Vec<u8>]) -> (ValueCode, Vec<u8>) {
    let mut writer = Writer::new(Compression::Lzf);
    let code = match kind {
        0 => ValueCode::List,
        1 => ValueCode::Set,
        2 => ValueCode::Hash,
        3 => ValueCode::HashExpiring,
        _ => ValueCode::ZSet,
    };
    writer.count(strings.len());
    for (at, text) in strings.iter().enumerate() {
        writer.string(text);
        match code {
            ValueCode::Hash => writer.string(text.get(1..).unwrap_or_default()),
            ValueCode::HashExpiring => {
                writer.int(at as i64);
                writer.time_ms(if at % 3 == 0 { -1 } else { at as i64 });
            }
            ValueCode::ZSet => writer.double(f64::from(u32::try_from(at % 4).unwrap()) / 3.0),
            _ => {}
        }
    }
    (code, writer.take())
}

fn strings() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let text = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        (-5_i64..500).prop_map(|value| value.to_string().into_bytes()),
        prop::collection::vec(prop::sample::select(&b"ab"[..]), 10..90),
    ];
    prop::collection::hash_set(text, 1..40).prop_map(|all| all.into_iter().collect())
}

proptest! {
    #[test]
    fn values_come_back(kind in 0_u8..5, strings in strings(), wide: bool) {
        let limits = if wide { limits(128, 64) } else { small_limits() };
        let (code, bytes) = value(kind, &strings);
        let entry = entry_of(load(code, &mut Reader::new(&bytes), &limits).unwrap());
        let mut expected = elements(&entry);
        let mut writer = Writer::new(Compression::Lzf);
        let again = entry_of(round_trip(&entry, &limits, &mut writer).unwrap());
        prop_assert_eq!(again.encoding(), entry.encoding());
        let mut found = elements(&again);
        let each = match entry.value_type() {
            ValueType::Hash => 3,
            ValueType::ZSet => 2,
            _ => 1,
        };
        prop_assert_eq!(expected.len(), strings.len() * each);
        if entry.encoding() == Encoding::Hashtable {
            expected.sort();
            found.sort();
        } else {
            // What has an order keeps it, and gives the same bytes.
            prop_assert_eq!(written(&again), written(&entry));
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn values_that_are_cut_off(kind in 0_u8..5, strings in strings()) {
        let (code, bytes) = value(kind, &strings);
        for len in 0..bytes.len() {
            prop_assert!(read(code, &bytes[..len]).is_err());
        }
        let mut longer = bytes;
        longer.push(0);
        prop_assert_eq!(read(code, &longer).err(), Some(RdbError::Trailing));
    }

    #[test]
    fn any_bytes(code in 0_u8..24, data: Vec<u8>) {
        let mut payload = vec![code];
        payload.extend_from_slice(&data);
        check_restore(&payload);
    }

    #[test]
    fn damaged_values(
        kind in 0_u8..6, strings in strings(), wide: bool,
        damage in prop::collection::vec((any::<u16>(), any::<u8>()), 1..4),
    ) {
        let entry = if kind == 5 {
            stream_entry()
        } else {
            let (code, bytes) = value(kind, &strings);
            let limits = if wide { limits(128, 64) } else { small_limits() };
            entry_of(load(code, &mut Reader::new(&bytes), &limits).unwrap())
        };
        let mut writer = Writer::new(Compression::None);
        writer.raw(&[0]);
        let code = save(&entry, &mut writer);
        let mut data = writer.take();
        data[0] = code as u8;
        for (at, byte) in damage {
            let at = usize::from(at) % data.len();
            data[at] = byte;
        }
        check_restore(&data);
    }
}

/// A stream with deleted entries, two groups, pending entries.
fn stream_entry() -> DbEntry {
    let mut stream = Stream::default();
    let limits = vk_data::stream::NodeLimits {
        bytes_max: 200,
        entries_max: 5,
    };
    for ms in 1..20_u64 {
        let words: Vec<String> = vec!["field".into(), ms.to_string()];
        let entry = words.iter().map(|word| word.as_bytes());
        assert!(append(&mut stream, StreamId::new(ms, 0), entry, limits));
    }
    assert!(stream.entries_mut().delete(StreamId::new(3, 0)));
    stream
        .create_group(b"idle", StreamId::new(2, 0), None)
        .unwrap();
    let mut group = stream
        .create_group(b"busy", StreamId::new(5, 0), Some(5))
        .unwrap();
    let (alice, _) = group.add_consumer(b"alice", 1_000).unwrap();
    group.set_times(alice, 1_000, Some(900));
    group.add_consumer(b"bob", 2_000).unwrap();
    for ms in [4, 5] {
        group.set_pending(vk_data::stream::Pending {
            id: StreamId::new(ms, 0),
            delivered_ms: 900,
            deliveries: ms,
            consumer: alice,
        });
    }
    drop(group);
    let access = vk_mem::Access::from_bits(0);
    let value = NewValue::Object(Object::Stream(std::boxed::Box::new(stream)));
    DbEntry::new(b"key", value, None, access)
}

fn append<'w>(
    stream: &mut Stream,
    id: StreamId,
    words: impl Iterator<Item = &'w [u8]> + Clone,
    limits: vk_data::stream::NodeLimits,
) -> bool {
    let entry = vk_data::stream::NewEntry::new(words);
    entry.is_some_and(|entry| stream.entries_mut().append(id, &entry, limits))
}

#[test]
fn streams_come_back() {
    let entry = stream_entry();
    let mut writer = Writer::new(Compression::Lzf);
    let again = entry_of(round_trip(&entry, &small_limits(), &mut writer).unwrap());
    let bytes = written(&entry);
    assert_eq!(written(&again), bytes);
    let mut fed = [Vec::new(), Vec::new()];
    for (entry, fed) in [&entry, &again].into_iter().zip(&mut fed) {
        let view = vk_data::stream::StreamRef::of(entry).unwrap();
        view.feed(&mut |piece| fed.extend_from_slice(piece));
    }
    assert_eq!(fed[0], fed[1]);
    for len in 0..bytes.len() {
        assert!(
            read(ValueCode::Stream3, bytes.get(..len).unwrap()).is_err(),
            "{len}"
        );
    }
}

#[test]
fn older_streams_are_read() {
    // One entry, one group with one consumer that has it; then the same as version 6.2 had it.
    let node = {
        let mut stream = Stream::default();
        let limits = vk_data::stream::NodeLimits {
            bytes_max: 0,
            entries_max: 0,
        };
        let words = [&b"f"[..], b"v"];
        assert!(append(
            &mut stream,
            StreamId::new(7, 1),
            words.into_iter(),
            limits
        ));
        stream.entries().nodes().next().unwrap().1.to_vec()
    };
    for form in [ValueCode::Stream1, ValueCode::Stream2] {
        let mut writer = Writer::new(Compression::None);
        writer.count(1);
        writer.string(&StreamId::new(7, 1).to_be_bytes());
        writer.string(&node);
        for number in [1, 7, 1] {
            writer.number(number);
        }
        if form == ValueCode::Stream2 {
            for number in [7, 1, 0, 0, 1] {
                writer.number(number);
            }
        }
        writer.count(1);
        writer.string(b"group");
        writer.number(7);
        writer.number(1);
        if form == ValueCode::Stream2 {
            writer.number(1);
        }
        writer.count(1);
        writer.raw(&StreamId::new(7, 1).to_be_bytes());
        writer.time_ms(123);
        writer.number(2);
        writer.count(1);
        writer.string(b"me");
        writer.time_ms(456);
        writer.count(1);
        writer.raw(&StreamId::new(7, 1).to_be_bytes());
        let entry = read(form, writer.bytes()).unwrap();
        let view = vk_data::stream::StreamRef::of(&entry).unwrap();
        assert_eq!(view.entries().info().first_id, StreamId::new(7, 1));
        let group = view.group(b"group").unwrap();
        assert_eq!(group.entries_read, Some(1));
        let pending = group.pending(StreamId::new(7, 1)).unwrap();
        assert_eq!((pending.delivered_ms, pending.deliveries), (123, 2));
        let consumer = group.consumer(pending.consumer).unwrap();
        assert_eq!((consumer.seen_ms(), consumer.active_ms()), (456, Some(456)));
    }
}
