//! Words of requests: few keys, so that commands meet, and values and numbers at every boundary.
//! Times are relative to the moment at which they are sent, so that a sequence still makes sense
//! when a part of it is left out.

use std::fmt;

use proptest::{prelude::*, sample::select};

/// One word of a request.
#[derive(Clone, PartialEq)]
pub(crate) enum Word {
    Bytes(Vec<u8>),
    /// The present time and so many milliseconds, in milliseconds of Unix time.
    Millis(i64),
    /// The present time and so many seconds, in seconds of Unix time.
    Seconds(i64),
}

impl Word {
    pub(crate) fn new(text: impl AsRef<[u8]>) -> Self {
        Self::Bytes(text.as_ref().to_vec())
    }

    /// The bytes at a present time.
    pub(crate) fn at(&self, now_ms: i64) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Millis(offset) => (now_ms + offset).to_string().into_bytes(),
            Self::Seconds(offset) => (now_ms / 1000 + offset).to_string().into_bytes(),
        }
    }

    /// The bytes of a word that holds no time.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Millis(_) | Self::Seconds(_) => b"",
        }
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Self::Millis(offset) => write!(f, "<now {offset:+} ms>"),
            Self::Seconds(offset) => write!(f, "<now {offset:+} s>"),
        }
    }
}

/// Words of a request, or of a part of it.
pub(crate) type Part = BoxedStrategy<Vec<Word>>;

/// Always this word.
pub(crate) fn literal(text: &'static str) -> Part {
    Just(vec![Word::new(text)]).boxed()
}

pub(crate) fn one_of(words: &'static [&'static str]) -> Part {
    select(words).prop_map(|word| vec![Word::new(word)]).boxed()
}

/// Nothing, or this.
pub(crate) fn maybe(part: Part) -> Part {
    prop_oneof![Just(Vec::new()), part].boxed()
}

/// One part behind the other.
pub(crate) fn all(parts: Vec<Part>) -> Part {
    parts.prop_map(|parts| parts.concat()).boxed()
}

/// The same kind of part so many times.
pub(crate) fn repeated(part: Part, times: std::ops::Range<usize>) -> Part {
    prop::collection::vec(part, times)
        .prop_map(|parts| parts.concat())
        .boxed()
}

pub(crate) fn either(parts: Vec<Part>) -> Part {
    proptest::strategy::Union::new(parts).boxed()
}

const KEYS: &[&str] = &["a", "b", "ab", "", "a key that is longer than the others"];

/// Keys that mostly hold a collection of one type: list, set, hash, sorted set, stream, bits,
/// HyperLogLog.
const TYPED_KEYS: &[&str] = &[
    "l1", "l2", "t1", "t2", "h1", "h2", "z1", "z2", "x1", "x2", "s1", "s2", "p1", "p2",
];

pub(crate) fn key() -> Part {
    prop_oneof![3 => one_of(KEYS), 2 => one_of(TYPED_KEYS)].boxed()
}

/// A key that mostly holds a value of the type with this letter.
pub(crate) fn key_of(letter: char) -> Part {
    let own: Vec<&str> = TYPED_KEYS
        .iter()
        .copied()
        .filter(|key| key.starts_with(letter))
        .collect();
    let own = select(own).prop_map(|key| vec![Word::new(key)]);
    prop_oneof![16 => own, 1 => key()].boxed()
}

/// The name of a key, as one word.
pub(crate) fn key_word() -> BoxedStrategy<Word> {
    prop_oneof![select(KEYS), select(TYPED_KEYS)]
        .prop_map(Word::new)
        .boxed()
}

/// A member of a collection: few, so that they meet; numbers, words, and long ones.
pub(crate) fn member() -> Part {
    let small = (-3_i64..12).prop_map(|n| vec![Word::new(n.to_string())]);
    let long =
        select(&[8, 9, 63, 64, 65, 300][..]).prop_map(|len| vec![Word::new("m".repeat(len))]);
    let odd = one_of(&[
        "",
        "01",
        "-0",
        "32768",
        "9223372036854775807",
        "9223372036854775808",
    ]);
    prop_oneof![
        6 => small,
        6 => one_of(&["a", "b", "c", "d", "e", "f"]),
        1 => long,
        1 => odd,
    ]
    .boxed()
}

/// A score, or what is none.
pub(crate) fn score() -> Part {
    let near = (-6_i64..12, any::<bool>())
        .prop_map(|(n, half)| vec![Word::new(format!("{n}{}", if half { ".5" } else { "" }))]);
    prop_oneof![8 => near, 1 => one_of(&["inf", "-inf", "+inf", "nan", "x", "", "100000"])].boxed()
}

pub(crate) fn value() -> Part {
    let number = any::<i16>().prop_map(|number| vec![Word::new(number.to_string())]);
    let text = "[a-c]{0,6}".prop_map(|text| vec![Word::new(text)]);
    // Around the lengths at which the form of storage or of a header changes.
    let long = select(
        &[
            19, 20, 21, 43, 44, 45, 63, 64, 65, 128, 255, 256, 4096, 33_000,
        ][..],
    )
    .prop_map(|len| vec![Word::new("x".repeat(len))]);
    let bytes =
        prop::collection::vec(any::<u8>(), 0..24).prop_map(|bytes| vec![Word::Bytes(bytes)]);
    prop_oneof![4 => number, 4 => text, 1 => long, 1 => bytes, 3 => odd_number()].boxed()
}

/// Numbers at boundaries, in forms that are and are not accepted.
pub(crate) fn odd_number() -> Part {
    one_of(&[
        "0",
        "1",
        "-1",
        "2",
        "10",
        "-0",
        "00",
        "+1",
        " 1",
        "1 ",
        "",
        "01",
        "1.0",
        "1.5",
        "-0.25",
        "3.0e2",
        "0x10",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "9223372036854775807",
        "9223372036854775806",
        "-9223372036854775808",
        "-9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "9007199254740993",
        "4294967296",
        "2147483648",
        "127",
        "128",
        "32767",
        "32768",
    ])
}

/// A decimal number that every format holds exactly, and some others.
pub(crate) fn decimal() -> Part {
    let exact = (-100_000_i32..100_000, 0_u32..8)
        .prop_map(|(n, bits)| vec![Word::new((f64::from(n) / f64::from(1 << bits)).to_string())]);
    prop_oneof![4 => exact, 1 => odd_number()].boxed()
}

/// A place in a string; what is accepted by SETRANGE is small, or too big for a string.
pub(crate) fn index() -> Part {
    let near = (-12_i64..24).prop_map(|n| vec![Word::new(n.to_string())]);
    let odd = one_of(&[
        "536870911",
        "536870912",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "x",
        "-0",
    ]);
    prop_oneof![8 => near, 1 => odd].boxed()
}

/// As [`index`], without places that would make a string of half a gigabyte.
pub(crate) fn offset() -> Part {
    let near = (-2_i64..80).prop_map(|n| vec![Word::new(n.to_string())]);
    let odd = one_of(&[
        "536870912",
        "9223372036854775807",
        "-9223372036854775808",
        "x",
        "+1",
    ]);
    prop_oneof![8 => near, 1 => odd].boxed()
}

pub(crate) fn database() -> Part {
    prop_oneof![
        8 => one_of(&["0", "1", "2"]),
        1 => one_of(&["15", "16", "-1", "x", "2147483648", "99999999999999999999", "01"]),
    ]
    .boxed()
}

pub(crate) fn pattern() -> Part {
    one_of(&[
        "*",
        "a*",
        "?",
        "[a-b]",
        "[^a]",
        "[b-a]",
        "\\a",
        "a?",
        "**",
        "",
        "[",
        "[a",
        "*b*",
        "a\\",
        "[^",
        "[]",
        "a key*[nx]?t*",
    ])
}

/// A duration in the unit of the command.
pub(crate) fn duration() -> Part {
    prop_oneof![
        8 => one_of(&["1", "2", "10", "100", "1000", "1500", "60000"]),
        2 => one_of(&["0", "-1", "-1000", "9223372036854775807", "9223372036854775",
                      "-9223372036854775808", "9223370337854775807", "x", "1.5", ""]),
    ]
    .boxed()
}

pub(crate) fn unix_millis() -> Part {
    let near = select(&[-1000, -1, 0, 1, 2, 500, 999, 1000, 1500, 60_000][..])
        .prop_map(|offset| vec![Word::Millis(offset)]);
    prop_oneof![8 => near, 1 => duration()].boxed()
}

pub(crate) fn unix_seconds() -> Part {
    let near = select(&[-1, 0, 1, 2, 10, 60][..]).prop_map(|offset| vec![Word::Seconds(offset)]);
    prop_oneof![8 => near, 1 => duration()].boxed()
}

/// Any word, wherever.
pub(crate) fn any_word() -> Part {
    let token = one_of(&[
        "EX",
        "px",
        "EXAT",
        "PXAT",
        "KEEPTTL",
        "NX",
        "xx",
        "GT",
        "LT",
        "GET",
        "IFEQ",
        "PERSIST",
        "DB",
        "REPLACE",
        "LEN",
        "IDX",
        "SYNC",
        "ASYNC",
        "BYINT",
        "LBOUND",
        "UBOUND",
        "SATURATE",
        "COUNT",
        "LIMIT",
        "WITHSCORES",
        "BYSCORE",
        "REV",
        "FIELDS",
        "STREAMS",
        "LEFT",
        "CH",
    ]);
    prop_oneof![2 => key(), 2 => value(), 3 => token, 1 => odd_number(), 1 => unix_millis()].boxed()
}
