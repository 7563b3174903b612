//! Unit tests of the reply parser.

use super::*;
use alloc::boxed::Box;
use alloc::vec;

fn parse(bytes: &[u8]) -> Result<Option<Reply>, ReplyError> {
    let mut parser = ReplyParser::new(ReplyLimits::default());
    parser.feed(bytes);
    parser.poll()
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[test]
fn every_type() {
    let cases = [
        ("+OK\r\n", Reply::Simple(text("OK"))),
        ("-ERR x\r\n", Reply::Error(text("ERR x"))),
        (":-12\r\n", Reply::Int(-12)),
        (":+12\r\n", Reply::Int(12)),
        ("$0\r\n\r\n", Reply::Bulk(vec![])),
        ("$4\r\na\r\nb\r\n", Reply::Bulk(text("a\r\nb"))),
        ("$-1\r\n", Reply::Null),
        ("*-1\r\n", Reply::NullArray),
        ("_\r\n", Reply::Null),
        ("*0\r\n", Reply::Array(vec![])),
        ("*2\r\n:1\r\n*1\r\n_\r\n", {
            Reply::Array(vec![Reply::Int(1), Reply::Array(vec![Reply::Null])])
        }),
        (
            "%1\r\n+k\r\n:1\r\n",
            Reply::Map(vec![(Reply::Simple(text("k")), Reply::Int(1))]),
        ),
        ("~1\r\n:1\r\n", Reply::Set(vec![Reply::Int(1)])),
        (">1\r\n:1\r\n", Reply::Push(vec![Reply::Int(1)])),
        (",1.5e3\r\n", Reply::Double(1500.0)),
        (",-inf\r\n", Reply::Double(f64::NEG_INFINITY)),
        ("#f\r\n", Reply::Bool(false)),
        ("(-123\r\n", Reply::BigNumber(text("-123"))),
        (
            "=6\r\nmkd:hi\r\n",
            Reply::Verbatim {
                format: *b"mkd",
                data: text("hi"),
            },
        ),
        ("!5\r\nERR x\r\n", Reply::BulkError(text("ERR x"))),
        ("|1\r\n+a\r\n:1\r\n:2\r\n", {
            let attributes = vec![(Reply::Simple(text("a")), Reply::Int(1))];
            Reply::Attribute {
                attributes,
                reply: Box::new(Reply::Int(2)),
            }
        }),
        (
            "|0\r\n:2\r\n",
            Reply::Attribute {
                attributes: vec![],
                reply: Box::new(Reply::Int(2)),
            },
        ),
    ];
    for (bytes, reply) in cases {
        assert_eq!(parse(bytes.as_bytes()), Ok(Some(reply)), "{bytes:?}");
        for len in 0..bytes.len() {
            assert_eq!(
                parse(&bytes.as_bytes()[..len]),
                Ok(None),
                "{bytes:?} cut at {len}"
            );
        }
    }
}

#[test]
fn what_is_refused() {
    let cases = [
        ("\r\n", ReplyError::UnknownType(b'\r')),
        ("hello\r\n", ReplyError::UnknownType(b'h')),
        ("+a\nb\r\n", ReplyError::InvalidCrlf),
        ("+a\rb\r\n", ReplyError::InvalidCrlf),
        ("$1\r\nab\r\n", ReplyError::InvalidCrlf),
        ("$-2\r\n", ReplyError::InvalidLength),
        ("*+1\r\n", ReplyError::InvalidLength),
        ("$?\r\n", ReplyError::InvalidLength),
        ("*99999999999999999999\r\n", ReplyError::InvalidLength),
        (":\r\n", ReplyError::InvalidValue),
        ("#x\r\n", ReplyError::InvalidValue),
        ("_x\r\n", ReplyError::InvalidValue),
        ("(12a\r\n", ReplyError::InvalidValue),
        ("=3\r\ntxt\r\n", ReplyError::InvalidValue),
        ("*4000000000\r\n", ReplyError::TooManyElements),
        ("$99999999999\r\n", ReplyError::TooLong),
    ];
    for (bytes, error) in cases {
        assert_eq!(parse(bytes.as_bytes()), Err(error), "{bytes:?}");
    }
    assert_eq!(parse(&b"*1\r\n".repeat(128)), Ok(None));
    assert_eq!(parse(&b"*1\r\n".repeat(129)), Err(ReplyError::TooDeep));
    assert_eq!(parse(&b"|0\r\n".repeat(129)), Err(ReplyError::TooDeep));
}

#[test]
fn promises_reserve_nothing_and_a_long_stream_keeps_nothing() {
    let mut parser = ReplyParser::new(ReplyLimits::default());
    parser.feed(b"*100000000\r\n$500000000\r\n");
    assert_eq!(parser.poll(), Ok(None));
    assert!(parser.held_bytes() < 1024);
    let mut parser = ReplyParser::new(ReplyLimits::default());
    for _ in 0..10_000 {
        parser.feed(b"$10\r\n0123456789\r\n:1");
        assert_eq!(parser.poll(), Ok(Some(Reply::Bulk(text("0123456789")))));
        parser.feed(b"\r\n");
        assert_eq!(
            (parser.poll(), parser.poll()),
            (Ok(Some(Reply::Int(1))), Ok(None))
        );
    }
    assert!(parser.is_idle() && parser.held_bytes() < 1024);
}
