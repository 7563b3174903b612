//! Tests of the patterns: each form, and that it refuses what is near it.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Bindings, Pattern, fits};
use vk_resp::Reply;

fn check(pattern: &str, reply: &Reply, resp3: bool) -> bool {
    Pattern::parse(pattern)
        .unwrap()
        .matches(reply, resp3, &mut Bindings::new())
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

#[test]
fn scalars() {
    let cases = [
        ("+OK", Reply::Simple(b"OK".to_vec())),
        (
            "-ERR syntax error",
            Reply::Error(b"ERR syntax error".to_vec()),
        ),
        ("-~ERR * error", Reply::Error(b"ERR any error".to_vec())),
        (":1", Reply::Int(1)),
        (":~0..2", Reply::Int(1)),
        (":~", Reply::Int(-5)),
        ("\"a\\x00\"", Reply::Bulk(b"a\0".to_vec())),
        ("~\"a*\"", bulk("abc")),
        ("nil", Reply::Null),
        ("nil-array", Reply::NullArray),
        (",1.5", Reply::Double(1.5)),
        ("#t", Reply::Bool(true)),
        ("(12", Reply::BigNumber(b"12".to_vec())),
        (
            "=\"x*\"",
            Reply::Verbatim {
                format: *b"txt",
                data: b"xy".to_vec(),
            },
        ),
        ("any", bulk("")),
        (":1\n| nil", Reply::Null),
    ];
    for (index, (pattern, reply)) in cases.iter().enumerate() {
        assert!(check(pattern, reply, false), "{pattern}");
        for (other, (_, wrong)) in cases.iter().enumerate() {
            let overlaps = matches!(*pattern, "any" | ":~" | ":~0..2" | "~\"a*\"" | ":1\n| nil")
                || matches!((wrong, *pattern), (Reply::Int(1) | Reply::Null, _))
                || pattern.starts_with("-~");
            if other != index && !overlaps {
                assert!(!check(pattern, wrong, false), "{pattern} {wrong:?}");
            }
        }
    }
    assert!(!check(":~2..", &Reply::Int(1), false));
    assert!(!check("any", &Reply::Error(b"ERR".to_vec()), false));
    assert!(!check("+ok", &Reply::Simple(b"OK".to_vec()), false));
}

#[test]
fn aggregates() {
    let pair = Reply::Array(vec![bulk("a"), Reply::Int(1)]);
    assert!(check("[\"a\" :1]", &pair, false));
    assert!(check("[\n \"a\"\n :1\n]", &pair, false));
    assert!(!check("[:1 \"a\"]", &pair, false));
    assert!(check("unordered [:1 \"a\"]", &pair, false));
    assert!(!check("unordered [:1 :1]", &pair, false));
    assert!(check("[\"a\" ...]", &pair, false));
    assert!(!check("[\"a\"]", &pair, false));
    assert!(!check("[\"a\" :1 :2]", &pair, false));
    assert!(check("{\"a\": :1}", &pair, false));
    assert!(!check("{\"a\": :1}", &pair, true));
    assert!(!check("{\"a\": :2}", &pair, false));
    let map = Reply::Map(vec![(bulk("b"), bulk("2")), (bulk("a"), Reply::Int(1))]);
    assert!(check("{\"a\": :1 \"b\": \"2\"}", &map, true));
    assert!(check("{\"a\": :1 ...}", &map, true));
    assert!(!check("{\"a\": :1}", &map, true));
    assert!(!check("{\"a\": :1 ...}", &map, false));
    assert!(check("<:1 \"a\">", &pair, false));
    assert!(check("<\"x\">", &Reply::Set(vec![bulk("x")]), true));
    assert!(check("[]", &Reply::Array(vec![]), false));
    assert!(check("[[] [+OK -\"ERR a b\"]]", &nested(), false));
}

fn nested() -> Reply {
    let inner = vec![
        Reply::Simple(b"OK".to_vec()),
        Reply::Error(b"ERR a b".to_vec()),
    ];
    Reply::Array(vec![Reply::Array(vec![]), Reply::Array(inner)])
}

#[test]
fn bindings_hold() {
    let pattern = Pattern::parse("[$id $id]").unwrap();
    let mut bindings = Bindings::new();
    let same = Reply::Array(vec![Reply::Int(7), bulk("7")]);
    assert!(pattern.matches(&same, false, &mut bindings));
    assert_eq!(bindings.get("id").unwrap(), b"7");
    let other = Reply::Array(vec![Reply::Int(7), Reply::Int(8)]);
    assert!(!pattern.matches(&other, false, &mut Bindings::new()));
}

#[test]
fn globs() {
    for (glob, text) in [
        ("", ""),
        ("*", ""),
        ("a*c", "abbc"),
        ("*b*b*", "xbyb"),
        ("a?c", "abc"),
    ] {
        assert!(fits(glob.as_bytes(), text.as_bytes()), "{glob} {text}");
    }
    for (glob, text) in [
        ("", "a"),
        ("a*c", "abb"),
        ("a?c", "ac"),
        ("\\*", "a"),
        ("ab", "a"),
    ] {
        assert!(!fits(glob.as_bytes(), text.as_bytes()), "{glob} {text}");
    }
    assert!(fits(b"\\*a", b"*a"));
}

#[test]
fn broken_notation() {
    for text in [
        "",
        "nill",
        ":x",
        "[\"a\"",
        "{\"a\"}",
        "\"a\" \"b\"",
        "~a",
        "foo",
    ] {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}
