//! Tests of the hints over small grammars of every kind. Not a test of any command's own grammar.

use super::*;
use crate::catalog::Doc;

fn arg(name: &str, kind: ArgKind) -> Arg {
    Arg {
        name: name.to_owned(),
        kind,
        token: None,
        optional: false,
        multiple: false,
        multiple_token: false,
        inner: Vec::new(),
    }
}

fn word(name: &str) -> Arg {
    arg(name, ArgKind::Word)
}

fn token(token: &str, inner: Arg) -> Arg {
    Arg {
        token: Some(token.to_owned()),
        ..inner
    }
}

fn pure(name: &str) -> Arg {
    token(name, arg("", ArgKind::PureToken))
}

fn optional(inner: Arg) -> Arg {
    Arg {
        optional: true,
        ..inner
    }
}

fn multiple(inner: Arg) -> Arg {
    Arg {
        multiple: true,
        ..inner
    }
}

fn group(kind: ArgKind, inner: Vec<Arg>) -> Arg {
    Arg {
        inner,
        ..arg("", kind)
    }
}

/// `PUT key [IF|UNLESS] [AFTER seconds|KEEP] field value [field value ...]`
fn put() -> Vec<Arg> {
    let pair = group(ArgKind::Block, vec![word("field"), word("value")]);
    let after = token("AFTER", arg("seconds", ArgKind::Integer));
    vec![
        word("key"),
        optional(group(ArgKind::OneOf, vec![pure("IF"), pure("UNLESS")])),
        optional(group(ArgKind::OneOf, vec![after, pure("KEEP")])),
        multiple(pair),
    ]
}

/// `SEEK key [WITH word [word ...]] [NEAR distance [EXACT]]`
fn seek() -> Vec<Arg> {
    let near = vec![arg("distance", ArgKind::Double), optional(pure("EXACT"))];
    vec![
        word("key"),
        optional(multiple(token("WITH", word("word")))),
        optional(token("NEAR", group(ArgKind::Block, near))),
    ]
}

/// `JOIN key [key ...] to|""`
fn join() -> Vec<Arg> {
    vec![multiple(word("key"))]
}

fn catalog() -> Catalog {
    let doc = |name: &str, args| Doc {
        words: name.split(' ').map(str::to_owned).collect(),
        summary: String::new(),
        since: String::new(),
        group: String::new(),
        args,
    };
    let quotes = vec![group(ArgKind::OneOf, vec![word("key"), pure("")])];
    Catalog::sorted(vec![
        doc("PUT", put()),
        doc("SEEK", seek()),
        doc("JOIN", join()),
        doc("BOX", Vec::new()),
        doc("BOX OPEN", quotes),
    ])
}

fn expect(line: &str, expected: &str) {
    assert_eq!(
        hint(&catalog(), line.as_bytes()).as_deref(),
        Some(expected),
        "{line}"
    );
}

#[test]
fn the_grammar_is_shown_whole_at_first() {
    expect(
        "put ",
        "key [IF|UNLESS] [AFTER seconds|KEEP] field value [field value ...]",
    );
    expect(
        "seek ",
        "key [WITH word [word ...]] [NEAR distance [EXACT]]",
    );
    expect("join ", "key [key ...]");
    expect("box open ", "key|\"\"");
}

#[test]
fn what_was_typed_is_left_out() {
    expect(
        "PUT k ",
        "[IF|UNLESS] [AFTER seconds|KEEP] field value [field value ...]",
    );
    expect(
        "PUT k IF ",
        "[AFTER seconds|KEEP] field value [field value ...]",
    );
    expect(
        "PUT k AFTER ",
        "seconds [IF|UNLESS] field value [field value ...]",
    );
    expect("PUT k AFTER 5 IF ", "field value [field value ...]");
    expect("PUT k f ", "value [field value ...]");
    expect("PUT k f v ", "[field value ...]");
    expect("JOIN a b ", "[key ...]");
}

#[test]
fn a_word_counts_when_a_blank_follows() {
    expect(
        "PUT k AFT",
        "[IF|UNLESS] [AFTER seconds|KEEP] field value [field value ...]",
    );
    assert_eq!(hint(&catalog(), b"PUT"), None);
}

#[test]
fn optional_arguments_come_in_any_order() {
    expect("SEEK k NEAR 1.5 ", "[EXACT] [WITH word [word ...]]");
    expect("SEEK k NEAR 1.5 EXACT ", "[WITH word [word ...]]");
    expect("SEEK k WITH a b ", "[word ...]] [NEAR distance [EXACT]]");
}

#[test]
fn words_that_do_not_fit_end_the_hints() {
    expect("SEEK k NEAR far ", "");
    expect("SEEK k SOMETHING ", "");
    assert_eq!(hint(&catalog(), b"nosuch "), None);
    assert_eq!(hint(&catalog(), b"put \"open "), None);
}

#[test]
fn the_longest_name_wins() {
    expect("BOX OPEN k ", "");
    expect("BOX other ", "");
}
