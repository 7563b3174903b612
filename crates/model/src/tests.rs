//! Tests of the model itself: the documented examples and the corners of each command. Agreement
//! with a server is checked where there is one.

use super::*;

const NOW: i64 = 1_700_000_000_000;

pub(crate) struct Script {
    pub(crate) model: Model,
    pub(crate) now_ms: i64,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self {
            model: Model::new(),
            now_ms: NOW,
        }
    }

    /// Runs a line of words in database 0 and shows the reply as text.
    pub(crate) fn run(&mut self, line: &str) -> String {
        self.run_in(0, line)
    }

    fn run_in(&mut self, db: usize, line: &str) -> String {
        let args: Vec<Vec<u8>> = line
            .split(' ')
            .map(|word| word.replace('~', "").into_bytes())
            .collect();
        show(&self.model.apply(db, self.now_ms, &args))
    }

    pub(crate) fn check(&mut self, steps: &[(&str, &str)]) {
        for (line, expected) in steps {
            assert_eq!(self.run(line), *expected, "{line}");
        }
    }
}

fn show(reply: &ModelReply) -> String {
    match reply {
        ModelReply::Ok => "OK".into(),
        ModelReply::Simple(text) => format!("+{text}"),
        ModelReply::Int(value) => value.to_string(),
        ModelReply::Bulk(None) => "nil".into(),
        ModelReply::Bulk(Some(bytes)) => format!("{:?}", String::from_utf8_lossy(bytes)),
        ModelReply::Array(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" "))
        }
        ModelReply::NilArray => "nil[]".into(),
        ModelReply::Bag(items, _) => {
            format!(
                "{{{}}}",
                items.iter().map(show).collect::<Vec<_>>().join(" ")
            )
        }
        ModelReply::Error(text) => format!("-{text}"),
        ModelReply::Unsure => "?".into(),
    }
}

const NOT_INT: &str = "-ERR value is not an integer or out of range";

#[test]
fn set_and_its_options() {
    Script::new().check(&[
        ("SET k v", "OK"),
        ("GET k", "\"v\""),
        ("SET k w NX", "nil"),
        ("SET k w XX GET", "\"v\""),
        ("SET k x IFEQ v", "nil"),
        ("SET k x IFEQ w GET", "\"w\""),
        ("SET n x IFEQ w", "nil"),
        ("SET k v NX XX", "-ERR syntax error"),
        ("SET k v IFEQ x NX", "-ERR syntax error"),
        ("SET k v EX", "-ERR syntax error"),
        ("SET k v EX 10 PX 10", "-ERR syntax error"),
        ("SET k v EX 10 EX 20", "OK"),
        ("TTL k", "20"),
        ("SET k v2 KEEPTTL", "OK"),
        ("TTL k", "20"),
        ("SET k v3", "OK"),
        ("TTL k", "-1"),
        ("SET k v EX 0", "-ERR invalid expire time in 'set' command"),
        (
            "SET k v EX 9223372036854775807",
            "-ERR invalid expire time in 'set' command",
        ),
        ("SET k v PX x", NOT_INT),
        ("SET k v PXAT 1", "OK"),
        ("EXISTS k", "0"),
        ("SET k v NX GET", "nil"),
        ("GET k", "\"v\""),
        ("SET k", "-ERR wrong number of arguments for 'set' command"),
    ]);
}

#[test]
fn expiry_and_the_clock() {
    let mut script = Script::new();
    script.check(&[
        ("PSETEX k 100 v", "OK"),
        ("SETEX k2 1 v", "OK"),
        (
            "SETEX k2 0 v",
            "-ERR invalid expire time in 'setex' command",
        ),
        ("PTTL k", "100"),
        ("PEXPIRETIME k", "1700000000100"),
        ("EXPIRE k 10 XX", "1"),
        ("EXPIRE k 5 GT", "0"),
        ("EXPIRE k 5 LT", "1"),
        ("EXPIRE k 5 NX", "0"),
        (
            "EXPIRE k 5 GT LT",
            "-ERR GT and LT options at the same time are not compatible",
        ),
        (
            "EXPIRE k 5 NX GT",
            "-ERR NX and XX, GT or LT options at the same time are not compatible",
        ),
        ("EXPIRE k 5 ZZ", "-ERR Unsupported option ZZ"),
        (
            "EXPIRE k 9223372036854775807",
            "-ERR invalid expire time in 'expire' command",
        ),
        ("TTL k", "5"),
        ("TTL none", "-2"),
        ("EXPIRE none 5", "0"),
    ]);
    script.now_ms += 1_001;
    script.check(&[
        ("TTL k2", "-2"),
        ("TTL k", "4"),
        ("PERSIST k", "1"),
        ("PERSIST k", "0"),
        ("EXPIREAT k 1", "1"),
        ("GET k", "nil"),
    ]);
}

#[test]
fn expired_keys_make_the_size_unsure() {
    let mut script = Script::new();
    script.check(&[("SET a 1", "OK"), ("PSETEX b 1 1", "OK"), ("DBSIZE", "2")]);
    script.now_ms += 2;
    script.check(&[
        ("DBSIZE", "?"),
        ("KEYS *", "{\"a\"}"),
        ("EXISTS b a a", "2"),
        ("DBSIZE", "1"),
    ]);
}

#[test]
fn ranges() {
    Script::new().check(&[
        ("APPEND k Hello", "5"),
        ("APPEND k -World", "11"),
        ("GETRANGE k 0 4", "\"Hello\""),
        ("SUBSTR k -5 -1", "\"World\""),
        ("GETRANGE k -1 -5", "\"\""),
        ("GETRANGE k 6 100", "\"World\""),
        ("GETRANGE k 100 200", "\"\""),
        ("GETRANGE none 0 -1", "\"\""),
        ("SETRANGE k 6 Redis", "11"),
        ("GET k", "\"Hello-Redis\""),
        ("SETRANGE k -1 x", "-ERR offset is out of range"),
        ("SETRANGE none 0 ~", "0"),
        ("EXISTS none", "0"),
        ("SETRANGE p 2 x", "3"),
        ("GET p", "\"\\0\\0x\""),
        (
            "SETRANGE p 536870912 x",
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ),
        ("STRLEN p", "3"),
        ("OBJECT ENCODING p", "\"raw\""),
    ]);
}

#[test]
fn counters() {
    Script::new().check(&[
        ("INCR c", "1"),
        ("INCRBY c 41", "42"),
        ("DECR c", "41"),
        ("DECRBY c 1", "40"),
        (
            "DECRBY c -9223372036854775808",
            "-ERR decrement would overflow",
        ),
        (
            "INCRBY c 9223372036854775807",
            "-ERR increment or decrement would overflow",
        ),
        ("OBJECT ENCODING c", "\"int\""),
        ("INCRBYFLOAT c 10.5", "\"50.5\""),
        ("INCRBYFLOAT c -0.5", "\"50\""),
        ("OBJECT ENCODING c", "\"embstr\""),
        ("INCR c", "51"),
        ("INCRBYFLOAT c 0.1", "?"),
        ("INCRBYFLOAT c a,b", "-ERR value is not a valid float"),
        ("SET s 01", "OK"),
        ("INCR s", NOT_INT),
        ("INCREX e", "[1 1]"),
        ("INCREX e BYINT 5 UBOUND 4", "[1 0]"),
        ("INCREX e BYINT 5 UBOUND 4 SATURATE EX 10", "[4 3]"),
        ("TTL e", "10"),
        ("INCREX e EX 20 ENX", "[5 1]"),
        ("TTL e", "10"),
        ("INCREX e PERSIST", "[6 1]"),
        ("TTL e", "-1"),
        ("INCREX e PERSIST EX 1", "-ERR syntax error"),
        ("INCREX e BYINT", "-ERR syntax error"),
        ("INCREX e BYINT x", NOT_INT),
        ("INCREX e NX", "?"),
    ]);
}

#[test]
fn many_keys() {
    Script::new().check(&[
        ("MSET a 1 b 2", "OK"),
        (
            "MSET a 1 b",
            "-ERR wrong number of arguments for 'mset' command",
        ),
        ("MSETNX b 3 c 4", "0"),
        ("MSETNX c 4 d 5", "1"),
        ("MGET a b x d", "[\"1\" \"2\" nil \"5\"]"),
        ("MSETEX 2 a x z y XX", "0"),
        ("MSETEX 2 a x b y XX EX 7", "1"),
        ("TTL b", "7"),
        ("MSETEX 1 b y KEEPTTL", "1"),
        ("TTL b", "7"),
        ("MSETEX 1 b y NX XX", "-ERR syntax error"),
        ("DEL a b b", "2"),
        ("KEYS ?", "{\"c\" \"d\"}"),
        ("KEYS [^c]", "{\"d\"}"),
    ]);
}

#[test]
fn reading_and_deleting() {
    Script::new().check(&[
        ("SET k 1", "OK"),
        ("GETEX k EX 10", "\"1\""),
        ("TTL k", "10"),
        ("GETEX k PERSIST", "\"1\""),
        ("TTL k", "-1"),
        ("GETEX k EX 1 PERSIST", "-ERR syntax error"),
        ("GETEX none EX 0", "nil"),
        (
            "GETEX k EX 0",
            "-ERR invalid expire time in 'getex' command",
        ),
        ("GETEX k PXAT 5", "\"1\""),
        ("GETDEL k", "nil"),
        ("GETSET k a", "nil"),
        ("GETSET k b", "\"a\""),
        ("DELIFEQ k a", "0"),
        ("DELEX k IFNE b", "0"),
        ("DELEX k IFXX b", "-ERR syntax error"),
        ("DELEX k IFNE a", "1"),
        ("DELIFEQ k b", "0"),
        ("SETNX k v", "1"),
        ("SETNX k v", "0"),
        ("GETDEL k", "\"v\""),
    ]);
}

#[test]
fn databases_and_names() {
    let mut script = Script::new();
    let out_of_range = "-ERR value is out of range, value must between -2147483648 and 2147483647";
    script.check(&[
        ("SET a 1 EX 100", "OK"),
        ("RENAME a b", "OK"),
        ("RENAME a b", "-ERR no such key"),
        ("TTL b", "100"),
        ("SET c 2", "OK"),
        ("RENAMENX b c", "0"),
        ("COPY b c", "0"),
        ("COPY b c REPLACE", "1"),
        ("TTL c", "100"),
        (
            "COPY b b",
            "-ERR source and destination objects are the same",
        ),
        ("COPY b b DB 16", "-ERR DB index is out of range"),
        ("COPY b b DB 3", "1"),
        ("MOVE b 3", "0"),
        ("MOVE c 3", "1"),
        (
            "MOVE b 0",
            "-ERR source and destination objects are the same",
        ),
        ("MOVE b 3000000000", out_of_range),
        ("SWAPDB 0 x", "-ERR invalid second DB index"),
        ("SWAPDB 0 3", "OK"),
        ("KEYS *", "{\"b\" \"c\"}"),
        ("TYPE b", "+string"),
        ("TYPE x", "+none"),
        ("FLUSHDB NOW", "-ERR syntax error"),
        ("FLUSHDB ASYNC", "OK"),
        ("DBSIZE", "0"),
        ("SELECT 16", "-ERR DB index is out of range"),
        ("SELECT 15", "OK"),
        ("NONESUCH", "?"),
    ]);
    assert_eq!(script.run_in(3, "DBSIZE"), "1");
    assert_eq!(script.run("FLUSHALL"), "OK");
    assert_eq!(script.run_in(3, "DBSIZE"), "0");
    assert_eq!(script.run_in(16, "DBSIZE"), "?");
}

#[test]
fn lcs_of_the_documentation() {
    Script::new().check(&[
        ("MSET a ohmytext b mynewtext", "OK"),
        ("LCS a b", "\"mytext\""),
        ("LCS a b LEN", "6"),
        (
            "LCS a b IDX",
            "[\"matches\" [[[4 7] [5 8]] [[2 3] [0 1]]] \"len\" 6]",
        ),
        (
            "LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
            "[\"matches\" [[[4 7] [5 8] 4]] \"len\" 6]",
        ),
        (
            "LCS a b IDX LEN",
            "-ERR If you want both the length and indexes, please just use IDX.",
        ),
        ("LCS a b MINMATCHLEN", "-ERR syntax error"),
        ("LCS a none", "\"\""),
    ]);
}

#[test]
fn floats_that_are_exact() {
    use crate::naive::{Float, format_units, parse_float};
    assert_eq!(parse_float(b"1.5"), Float::Exact(3 << 16));
    assert_eq!(format_units(-3 << 16), "-1.5");
    assert_eq!(format_units(1), "0.00000762939453125");
    for text in [
        "0.1",
        "1e3",
        "inf",
        "0x10",
        ".5",
        "+1",
        "99999999999999999999",
    ] {
        assert_eq!(parse_float(text.as_bytes()), Float::Unsure, "{text}");
    }
    assert_eq!(parse_float(b" 1"), Float::Invalid);
}
