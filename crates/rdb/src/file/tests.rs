//! Files that are written and read, and files that are wrong.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{format, string::String, vec, vec::Vec};

use proptest::prelude::*;

use super::{Facts, FileFault, FileWriter, ReplicationFacts, TextSpan, opcode};
use crate::check::{check_file, file_events, limits};
use crate::{Compression, RdbError, ValueCode, Writer};

/// The events of a file without the first, which tells the version.
fn told(version: &str, records: &[u8]) -> String {
    let mut file = version.as_bytes().to_vec();
    file.extend_from_slice(records);
    check_file(&file);
    file_events(&file, file.len(), &limits(4, 8), true)
        .0
        .join(" ")
}

fn fault(file: &[u8]) -> (u64, FileFault) {
    check_file(file);
    let error = file_events(file, 1, &limits(4, 8), true).1.unwrap();
    (error.offset, error.fault)
}

/// A record of a string.
fn string_record(key: &[u8], value: &[u8], writer: &mut Writer) {
    writer.raw(&[ValueCode::String as u8]);
    writer.string(key);
    writer.string(value);
}

fn sample(version: u16, compression: Compression, checksum: bool) -> Vec<u8> {
    let mut file = FileWriter::new(version, compression, checksum);
    let mut out = Vec::new();
    let facts = Facts {
        server_version: b"8.1.0".to_vec(),
        created_s: 1_700_000_000,
        used_memory_bytes: 123_456,
        is_aof_base: false,
        replication: Some(ReplicationFacts {
            stream_db: 0,
            id: vec![b'a'; 40],
            offset: 7,
        }),
    };
    file.begin(&facts, &mut out);
    file.function(b"#!lua name=x\n", &mut out);
    let mut records = Writer::new(Compression::None);
    records.raw(&[opcode::SELECT_DB, 3, opcode::RESIZE_DB, 2, 1]);
    records.raw(&[opcode::EXPIRE_MS]);
    records.time_ms(5);
    records.raw(&[opcode::FREQ, 200]);
    string_record(b"short", b"12", &mut records);
    records.raw(&[ValueCode::String as u8]);
    records.string(b"long");
    let at = records.bytes().len();
    records.string(&[b'x'; 300]);
    let texts = [TextSpan { at, len: 300 }];
    file.records(records.bytes(), &texts, &mut out);
    file.end(&mut out);
    out
}

#[test]
fn what_is_written_is_read() {
    for (version, header) in [(11, "REDIS0011"), (10, "REDIS0010"), (80, "VALKEY080")] {
        for compression in [Compression::None, Compression::Lzf] {
            for checksum in [true, false] {
                let file = sample(version, compression, checksum);
                assert!(file.starts_with(header.as_bytes()));
                assert_eq!(file.len() > 500, compression == Compression::None);
                check_file(&file);
                let (events, error) = file_events(&file, 7, &limits(4, 8), true);
                assert_eq!(error, None);
                let events = events.join(" ");
                for part in [
                    &format!("Begin({version})"),
                    "SelectDb(3) Size { keys: 2, volatile: 1 }",
                    "expire_ms: Some(5), last_use: Some(Frequency(200)), value: Text(Int(12))",
                    "expire_ms: None, last_use: None",
                    &format!("End {{ has_checksum: {checksum} }}"),
                ] {
                    assert!(events.contains(part), "{part} {events}");
                }
                assert_eq!(events.matches("Function").count(), 1);
                assert_eq!(events.matches("Fact").count(), 8);
            }
        }
    }
}

#[test]
fn every_changed_byte_of_a_file_is_found() {
    let file = sample(11, Compression::Lzf, true);
    for at in 0..file.len() {
        let mut wrong = file.clone();
        wrong[at] ^= 0x10;
        let (events, error) = file_events(&wrong, 64, &limits(4, 8), true);
        let is_of_sum = file.len() - at <= 8;
        assert!(error.is_some(), "{at} {is_of_sum} {events:?}");
        check_file(&wrong);
    }
}

#[test]
fn every_beginning_of_a_file_is_truncated() {
    let file = sample(11, Compression::Lzf, true);
    for len in 0..file.len() {
        let fault = fault(&file[..len]).1;
        assert_eq!(fault, FileFault::Truncated, "{len}");
    }
}

#[test]
fn old_files_are_read() {
    // Seconds, no checksum before version 5.
    let text = told(
        "REDIS0002",
        b"\xfe\x00\xfd\x0a\x00\x00\x00\x00\x01k\x01v\xff",
    );
    assert!(text.contains("expire_ms: Some(10000)"), "{text}");
    assert!(text.ends_with("End { has_checksum: false }"), "{text}");
    // What a slot holds is a hint.
    let text = told("REDIS0011", b"\xf4\x01\x02\x03\xff\0\0\0\0\0\0\0\0");
    assert_eq!(text, "Begin(11) End { has_checksum: false }");
    let text = told("REDIS0009", b"\x02\x01k\x00\xff\0\0\0\0\0\0\0\0");
    assert!(text.contains("Empty(Plain([107]))"), "{text}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    assert_eq!(fault(b"RADIS0011"), (0, FileFault::Signature));
    assert_eq!(fault(b"RED1"), (0, FileFault::Signature));
    assert_eq!(fault(b"REDIS00x1"), (0, FileFault::Signature));
    assert_eq!(fault(b"REDIS0012"), (0, FileFault::Version(12)));
    assert_eq!(fault(b"REDIS0080"), (0, FileFault::Version(80)));
    assert_eq!(fault(b"VALKEY011"), (0, FileFault::Version(11)));
    assert_eq!(fault(b"VALKEY081"), (0, FileFault::Version(81)));
    assert_eq!(fault(b"REDIS0000"), (0, FileFault::Version(0)));
    assert_eq!(
        fault(b"REDIS0011\xfe\x00\xf0"),
        (11, FileFault::Opcode(0xf0))
    );
    assert_eq!(fault(b"REDIS0011\x16"), (9, FileFault::Opcode(22)));
    assert_eq!(fault(b"REDIS0010\xf6"), (9, FileFault::FunctionPreRelease));
    let module = b"REDIS0010\xf7\x81\x00\x10\x83\x10\x51\x87\x20\x00";
    assert!(matches!(fault(module), (9, FileFault::Module(_))));
    let value = b"REDIS0010\x07\x01k\x05";
    assert_eq!(fault(value), (9, FileFault::Module(*b"AAAAAAAAA")));
    let length = b"REDIS0011\x00\x82";
    assert_eq!(fault(length), (9, FileFault::Record(RdbError::Length)));
    let twice = b"REDIS0011\x02\x01k\x02\x01a\x01a\xff";
    assert_eq!(fault(twice), (9, FileFault::Record(RdbError::Duplicate)));
    let sum = b"REDIS0011\xff\x01\0\0\0\0\0\0\0";
    assert!(matches!(
        fault(sum),
        (10, FileFault::Checksum { stored: 1, .. })
    ));
}

#[test]
fn a_big_record_in_small_pieces_costs_little() {
    let mut writer = Writer::new(Compression::None);
    writer.raw(b"REDIS0011");
    writer.raw(&[ValueCode::Set as u8]);
    writer.string(b"k");
    writer.count(50_000);
    for member in 0..50_000 {
        writer.string(format!("member:{member}").as_bytes());
    }
    writer.raw(&[opcode::EOF, 0, 0, 0, 0, 0, 0, 0, 0]);
    let (events, error) = file_events(writer.bytes(), 16, &limits(4, 8), false);
    assert_eq!((events.len(), error), (3, None));
}

/// Records of every form, put together at random; some are cut or changed.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => 0..24_u8,
        2 => 243..=255_u8,
        1 => 0x80..0x84_u8,
        2 => 0xc0..0xc4_u8,
        2 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..80)
}

proptest! {
    #[test]
    fn any_bytes_are_read_the_same_however_they_are_cut(
        version in prop::sample::select(vec!["REDIS0003", "REDIS0011", "VALKEY080", "RED"]),
        bytes in bytes(),
    ) {
        let mut file = version.as_bytes().to_vec();
        file.extend_from_slice(&bytes);
        check_file(&file);
    }
}
