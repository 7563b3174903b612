//! Golden cases of the output formats, taken from what redis-cli prints for the same replies.
//! Not a test of the parsing of replies.

use super::*;

fn bulk(text: &[u8]) -> Reply {
    Reply::Bulk(text.to_vec())
}

fn print(reply: &Reply, mode: OutputMode) -> String {
    let style = Style {
        mode,
        element_delimiter: b"\n",
        reply_delimiter: b"\n",
    };
    let mut out = Vec::new();
    format(reply, style, &mut out);
    out.iter().map(|byte| char::from(*byte)).collect()
}

/// Expected texts: standard, raw, CSV, JSON, quoted JSON.
fn expect(reply: &Reply, texts: [&str; 5]) {
    let modes = [
        OutputMode::Standard,
        OutputMode::Raw,
        OutputMode::Csv,
        OutputMode::Json,
        OutputMode::QuotedJson,
    ];
    for (mode, text) in modes.into_iter().zip(texts) {
        assert_eq!(print(reply, mode), text, "{mode:?} {reply:?}");
    }
}

#[test]
fn single_values() {
    expect(
        &Reply::Simple(b"OK".to_vec()),
        ["OK\n", "OK\n", "\"OK\"\n", "\"OK\"\n", "\"OK\"\n"],
    );
    expect(
        &Reply::Error(b"ERR x".to_vec()),
        [
            "(error) ERR x\n",
            "ERR x\n\n",
            "ERROR,\"ERR x\"\n",
            "error:\"ERR x\"\n",
            "error:\"ERR x\"\n",
        ],
    );
    expect(
        &Reply::Int(-7),
        ["(integer) -7\n", "-7\n", "-7\n", "-7\n", "-7\n"],
    );
    expect(
        &Reply::Null,
        ["(nil)\n", "\n", "NULL\n", "null\n", "null\n"],
    );
    expect(
        &Reply::NullArray,
        ["(nil)\n", "\n", "NULL\n", "null\n", "null\n"],
    );
    expect(
        &Reply::Bool(true),
        ["(true)\n", "(true)\n", "true\n", "true\n", "true\n"],
    );
    expect(
        &Reply::Double(1.5),
        ["(double) 1.5\n", "1.5\n", "1.5\n", "1.5\n", "1.5\n"],
    );
}

#[test]
fn text_is_quoted_where_it_is_meant_for_people() {
    expect(
        &bulk(b"a\"\n\x00\xc3\xbc\\"),
        [
            "\"a\\\"\\n\\x00\\xc3\\xbc\\\\\"\n",
            "a\"\n\u{0}\u{c3}\u{bc}\\\n",
            "\"a\\\"\\n\\x00\\xc3\\xbc\\\\\"\n",
            "\"a\\\"\\n\\u0000\u{c3}\u{bc}\\\\\"\n",
            "\"a\\\\\\\"\\\\n\\\\x00\\\\xc3\\\\xbc\\\\\\\\\"\n",
        ],
    );
}

#[test]
fn nested_arrays_are_numbered_and_aligned() {
    let mut items = vec![Reply::Int(1); 9];
    items.push(Reply::Array(vec![bulk(b"a"), Reply::Array(Vec::new())]));
    let reply = Reply::Array(vec![Reply::Array(items), bulk(b"z")]);
    let expected = "\
1)  1) (integer) 1
    2) (integer) 1
    3) (integer) 1
    4) (integer) 1
    5) (integer) 1
    6) (integer) 1
    7) (integer) 1
    8) (integer) 1
    9) (integer) 1
   10) 1) \"a\"
       2) (empty array)
2) \"z\"
";
    assert_eq!(print(&reply, OutputMode::Standard), expected);
    assert_eq!(
        print(&reply, OutputMode::Json),
        "[[1,1,1,1,1,1,1,1,1,[\"a\",[]]],\"z\"]\n"
    );
    assert_eq!(
        print(&reply, OutputMode::Csv),
        "1,1,1,1,1,1,1,1,1,\"a\",,\"z\"\n"
    );
}

#[test]
fn maps_sets_and_pushes() {
    let map = Reply::Map(vec![
        (bulk(b"one"), Reply::Int(1)),
        (Reply::Int(2), Reply::Array(vec![bulk(b"x"), bulk(b"y")])),
        (bulk(b"m"), Reply::Map(Vec::new())),
    ]);
    expect(
        &map,
        [
            "1# \"one\" => (integer) 1\n2# (integer) 2 => \n   1) \"x\"\n   2) \"y\"\n\
             3# \"m\" => (empty hash)\n",
            "one 1\n2 x\ny\nm \n",
            "\"one\",1,2,\"x\",\"y\",\"m\",\n",
            "{\"one\":1,\"2\":[\"x\",\"y\"],\"m\":{}}\n",
            "{\"one\":1,\"2\":[\"x\",\"y\"],\"m\":{}}\n",
        ],
    );
    let set = Reply::Set(vec![bulk(b"a"), bulk(b"b")]);
    assert_eq!(print(&set, OutputMode::Standard), "1~ \"a\"\n2~ \"b\"\n");
    assert_eq!(
        print(&Reply::Set(Vec::new()), OutputMode::Standard),
        "(empty set)\n"
    );
    let push = Reply::Push(vec![bulk(b"message"), bulk(b"c")]);
    assert_eq!(
        print(&push, OutputMode::Standard),
        "1) \"message\"\n2) \"c\"\n"
    );
}

#[test]
fn verbatim_text_is_not_quoted() {
    let reply = Reply::Verbatim {
        format: *b"txt",
        data: b"a\nb".to_vec(),
    };
    assert_eq!(print(&reply, OutputMode::Standard), "a\nb\n");
    assert_eq!(print(&reply, OutputMode::Json), "\"a\\nb\"\n");
}

#[test]
fn delimiters_of_raw_output() {
    let style = Style {
        mode: OutputMode::Raw,
        element_delimiter: b", ",
        reply_delimiter: b"",
    };
    let mut out = Vec::new();
    format(
        &Reply::Array(vec![Reply::Int(1), Reply::Int(2)]),
        style,
        &mut out,
    );
    assert_eq!(out, b"1, 2");
}

#[test]
fn doubles_have_the_shortest_digits() {
    for (number, text) in [
        (0.1, "0.1"),
        (3.0, "3"),
        (-0.0, "-0"),
        (1e20, "1e+20"),
        (1.5e-7, "1.5e-7"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(double(number), text);
    }
}

#[test]
fn the_json_is_json() {
    let reply = Reply::Map(vec![
        (Reply::Double(1.5), bulk(b"\x01\x7f\"\\/")),
        (
            Reply::Simple(b"k".to_vec()),
            Reply::Array(vec![Reply::Null, Reply::Bool(false)]),
        ),
    ]);
    for mode in [OutputMode::Json, OutputMode::QuotedJson] {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&print(&reply, mode));
        assert!(parsed.is_ok(), "{mode:?}");
    }
}
