//! Unit tests of the request parser: texts of errors, limits, blobs, memory.

use super::*;
use crate::check::parse_in_pieces;
use crate::{BLOB_BYTES_MIN, INLINE_BYTES_MAX, RESERVE_AHEAD_BYTES, encode_command};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

fn error_text(bytes: &[u8], limits: &Limits) -> Option<String> {
    let whole = parse_in_pieces(bytes, &[], limits, usize::MAX).error;
    let bytewise = parse_in_pieces(bytes, &vec![1; bytes.len()], limits, 1).error;
    assert_eq!(whole, bytewise);
    whole.map(|error| error.to_string())
}

#[test]
fn every_error_text() {
    let long = vec![b'1'; INLINE_BYTES_MAX + 1];
    let line = |mark: &[u8]| [mark, &long].concat();
    let cases: [(Vec<u8>, &str); 22] = [
        (line(b"a"), "too big inline request"),
        (line(b"*"), "too big mbulk count string"),
        (line(b"*1\r\n$"), "too big bulk count string"),
        (line(b"*1\r\n"), "too big bulk count string"),
        (b"*1000000000000\r\n".into(), "invalid multibulk length"),
        (b"*1048577\r\n".into(), "invalid multibulk length"),
        (b"*x\r\n".into(), "invalid multibulk length"),
        (b"*\r\n".into(), "invalid multibulk length"),
        (b"*+1\r\n".into(), "invalid multibulk length"),
        (b"*1\n\r\n".into(), "invalid multibulk length"),
        (b"*1\r\nfoo\r\n".into(), "expected '$', got 'f'"),
        (b"*1\r\n\r\n".into(), "expected '$', got ' '"),
        (b"*1\r\n\x07\r\n".into(), "expected '$', got '?'"),
        (b"*1\r\n$-10\r\n".into(), "invalid bulk length"),
        (b"*1\r\n$x\r\n".into(), "invalid bulk length"),
        (b"*1\r\n$2000000000\r\n".into(), "invalid bulk length"),
        (
            b"*1\r\n$99999999999999999999\r\n".into(),
            "invalid bulk length",
        ),
        (b"*1\r\n$1\r\naXX".into(), "invalid CRLF in request"),
        (b"*1\r\n$1\r\na\rX".into(), "invalid CRLF in request"),
        (b"*1\rX".into(), "invalid CRLF in request"),
        (b"*1\r\n$1\rX".into(), "invalid CRLF in request"),
        (b"set \"a\r\n".into(), "unbalanced quotes in request"),
    ];
    for (bytes, text) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(32)]).into_owned();
        let expected = format!("Protocol error: {text}");
        assert_eq!(
            error_text(&bytes, &Limits::DEFAULT),
            Some(expected),
            "{shown:?}"
        );
    }
}

#[test]
fn smaller_limits_before_authentication() {
    let limits = Limits::UNAUTHENTICATED;
    let cases: [(&[u8], Option<&str>); 7] = [
        (b"*10\r\n$16384\r\n", None),
        (b"*11\r\n", Some("unauthenticated multibulk length")),
        (b"*3000000000\r\n", Some("invalid multibulk length")),
        (b"*1\r\n$16385\r\n", Some("unauthenticated bulk length")),
        (b"*1\r\n$-1\r\n", Some("invalid bulk length")),
        (b"1 2 3 4 5 6 7 8 9 10\r\n", None),
        (
            b"1 2 3 4 5 6 7 8 9 10 11\r\n",
            Some("unauthenticated multibulk length"),
        ),
    ];
    for (bytes, text) in cases {
        let expected = text.map(|text| format!("Protocol error: {text}"));
        assert_eq!(error_text(bytes, &limits), expected, "{bytes:?}");
    }
}

#[test]
fn a_line_of_the_maximum_passes() {
    let mut inline = vec![b'a'; INLINE_BYTES_MAX];
    inline.push(b'\n');
    assert_eq!(error_text(&inline, &Limits::DEFAULT), None);
    let outcome = parse_in_pieces(&inline, &[200; 400], &Limits::DEFAULT, 1);
    assert_eq!(outcome.requests, 1);
}

#[test]
fn the_query_limit_counts_wire_bytes_and_is_silent() {
    let wire = encode_command(&[b"SET", b"k", &[b'v'; 100]]);
    for (query_bytes_max, passes) in [(wire.len(), true), (wire.len() - 1, false)] {
        let limits = Limits {
            query_bytes_max,
            ..Limits::DEFAULT
        };
        for splits in [&[][..], &[7; 50]] {
            // A second request begins to count anew.
            let outcome = parse_in_pieces(&wire.repeat(2), splits, &limits, usize::MAX);
            assert_eq!(outcome.requests, if passes { 2 } else { 0 });
            assert_eq!(outcome.error.is_some_and(ProtocolError::is_silent), !passes);
        }
    }
}

/// What was sent for each request, where that is lent out.
fn wires(input: &[u8]) -> Vec<Option<Vec<u8>>> {
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let parsed = parser.parse(input, 0, &Limits::DEFAULT, usize::MAX, &mut batch);
    assert_eq!(parsed, Ok(input.len()));
    let requests = batch.iter(input);
    requests
        .map(|request| request.wire().map(<[u8]>::to_vec))
        .collect()
}

#[test]
fn a_request_in_the_plain_form_is_lent_as_it_came() {
    let plain: &[u8] = b"*3\r\n$3\r\nSET\r\n$10\r\n0123456789\r\n$0\r\n\r\n";
    let twice = [plain, plain].concat();
    let as_sent = Some(plain.to_vec());
    assert_eq!(wires(&twice), [as_sent.clone(), as_sent]);
    // A line, and one that is built to be taken for an array.
    assert_eq!(wires(b"SET a b\r\n"), [None]);
    let built = b"PING *3\r\n$3\r\nSET     a     b\r\n";
    assert_eq!(wires(built), [None, None, None]);
}

#[test]
fn empty_requests_leave_no_state() {
    let stream = b"*0\r\n*-1\r\n\r\n  \r\n\n*-5\r\n*1\r\n$4\r\nPING\r\n*0\r\nPING\r\n";
    let outcome = parse_in_pieces(stream, &[], &Limits::UNAUTHENTICATED, usize::MAX);
    assert_eq!(
        (outcome.requests, outcome.error, outcome.idle),
        (2, None, true)
    );
    assert_eq!(outcome.wire, b"*1\r\n$4\r\nPING\r\n".repeat(2));
}

#[test]
fn long_arguments_are_blobs_however_they_come() {
    let value = vec![b'v'; BLOB_BYTES_MIN];
    let wire = encode_command(&[b"SET", b"k", &value, &value[1..]]);
    for step in [wire.len(), 1, 1000] {
        let (mut parser, mut batch) = (Parser::new(), Batch::new());
        let mut last: &[u8] = &[];
        for piece in wire.chunks(step) {
            last = piece;
            assert_eq!(
                parser.parse(piece, 0, &Limits::DEFAULT, 1, &mut batch),
                Ok(piece.len())
            );
        }
        let request = batch.request(0, last);
        assert_eq!(request.blob(2).map(|blob| blob.len()), Some(BLOB_BYTES_MIN));
        assert_eq!(
            request.blob(2).map(crate::Blob::capacity),
            Some(BLOB_BYTES_MIN)
        );
        assert!(request.blob(3).is_none() && request.arg(3) == Some(&value[1..]));
    }
}

#[test]
fn frames_max_stops_before_the_next_byte() {
    let input = b"PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4";
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let mut parse = |from| parser.parse(input, from, &Limits::DEFAULT, 1, &mut batch);
    assert_eq!(
        (parse(0), parse(6), parse(20)),
        (Ok(6), Ok(20), Ok(input.len()))
    );
    assert!(!parser.is_idle());
    assert_eq!(batch.len(), 2);
}

#[test]
fn promises_reserve_nothing() {
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let mut feed = |bytes: &[u8]| {
        let parsed = parser.parse(bytes, 0, &Limits::DEFAULT, 1, &mut batch);
        assert_eq!(parsed, Ok(bytes.len()));
        parser.held_bytes()
    };
    assert!(feed(b"*1000000\r\n") < 1024);
    assert!(feed(b"$536870912\r\n") < 1024);
    let mut received = 0;
    for _ in 0..3_000 {
        let held = feed(&[b'x'; 1_460]);
        received += 1_460;
        assert!(
            held <= received + RESERVE_AHEAD_BYTES + 4096,
            "{held} for {received}"
        );
    }
}
