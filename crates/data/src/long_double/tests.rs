//! Tests of the 80-bit arithmetic: recorded replies of a server, and properties. Not the big
//! numbers, which have their own.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::num::parse_i64;
use alloc::format;
use alloc::vec::Vec;
use proptest::prelude::*;

/// As the command reads a stored value: an integer where the text is one.
fn read(text: &str) -> Option<LongDouble> {
    match parse_i64(text.as_bytes()) {
        Some(int) => Some(LongDouble::from(int)),
        None => LongDouble::parse(text.as_bytes()),
    }
}

fn sum(a: &str, b: &str) -> String {
    match (read(a), read(b)) {
        (Some(a), Some(b)) if (a + b).is_finite() => (a + b).to_human(),
        (Some(_), Some(_)) => String::from("finite"),
        _ => String::from("float"),
    }
}

#[test]
fn equals_the_recorded_replies() {
    let mut count = 0;
    for line in include_str!("vectors.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let [a, b, expected] = line.split('|').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(sum(a, b), expected, "{a} + {b}");
        count += 1;
    }
    assert!(count >= 200);
}

#[test]
fn limits_of_the_format() {
    assert!(
        LongDouble::parse(b"1.18973149535723176502e4932")
            .unwrap()
            .is_finite()
    );
    assert!(LongDouble::parse(b"1.18973149535723176509e4932").is_none());
    assert!(LongDouble::parse(b"1e4933").is_none());
    assert!(LongDouble::parse(b"1.9e-4951").is_some());
    assert!(LongDouble::parse(b"1.8e-4951").is_none());
    assert!(LongDouble::parse(b"1e-999999999999999999999999").is_none());
    assert!(LongDouble::parse(b"0e999999999999999999999999").is_some());
    assert!(LongDouble::parse(&[b'1'; TEXT_END - 1]).is_none());
    assert!(LongDouble::parse(&[b'0'; TEXT_END - 1]).is_some());
    assert!(LongDouble::parse(&[b'0'; TEXT_END]).is_none());
    let largest = LongDouble::parse(b"0xffffffffffffffffp16320").unwrap();
    assert_eq!(largest.to_human().len(), 4_933);
    assert!(!(largest + largest).is_finite());
}

#[test]
fn infinities_and_nan() {
    let inf = LongDouble::parse(b"inf").unwrap();
    let neg = LongDouble::parse(b"-Infinity").unwrap();
    assert_eq!((inf + inf).to_human(), "inf");
    assert_eq!((neg + LongDouble::from(1)).to_human(), "-inf");
    assert_eq!((inf + neg).to_human(), "nan");
    assert_eq!((LongDouble::from(f64::NAN) + inf).to_human(), "nan");
}

#[test]
fn doubles_are_exact() {
    assert_eq!(LongDouble::from(0.1).to_human(), "0.10000000000000001");
    assert_eq!(LongDouble::from(-0.0).to_human(), "0");
    assert_eq!(
        LongDouble::from(13.361_389_338_970_184).to_human(),
        "13.36138933897018433"
    );
    assert_eq!(
        LongDouble::from(f64::MAX).to_human(),
        format!("{:.0}", f64::MAX)
    );
    assert_eq!(LongDouble::from(5e-324).to_human(), "0");
}

/// The 17-decimals text of a double by the standard library's exact formatting.
fn fixed(value: f64) -> String {
    let text = format!("{value:.17}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    String::from(if text == "-0" { "0" } else { text })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn formats_as_the_exact_value(bits: u64, ordinary in -1e9f64..1e9) {
        for value in [f64::from_bits(bits), ordinary] {
            if value.is_finite() {
                prop_assert_eq!(LongDouble::from(value).to_human(), fixed(value));
            }
        }
    }

    #[test]
    fn integers_add_exactly(a: i64, b: i64) {
        let total = i128::from(a) + i128::from(b);
        // One more bit than the significand has may need rounding.
        prop_assume!(total.unsigned_abs() >> 64 == 0);
        prop_assert_eq!((LongDouble::from(a) + LongDouble::from(b)).to_human(), format!("{total}"));
    }

    #[test]
    fn addition_commutes(a in any::<f64>(), b in any::<f64>()) {
        let (a, b) = (LongDouble::from(a), LongDouble::from(b));
        prop_assert_eq!((a + b).to_human(), (b + a).to_human());
    }

    /// With the significands of doubles close enough together the sum is exact in 64 bits.
    #[test]
    fn close_sums_are_exact(
        a in -(1i64 << 52)..1 << 52,
        b in -(1i64 << 52)..1 << 52,
        down in 0u32..11,
    ) {
        let unit = f64::from(1u32 << down).recip();
        let sum = LongDouble::from(a as f64) + LongDouble::from(b as f64 * unit);
        let exact = (i128::from(a) << down) + i128::from(b);
        let back = sum + LongDouble::from(-(a as f64));
        prop_assert_eq!(back.to_human(), LongDouble::from(b as f64 * unit).to_human());
        prop_assert_eq!(sum.to_human().starts_with('-'), exact < 0);
    }

    #[test]
    fn parses_what_it_writes(int: i64, frac in 0u64..100_000_000) {
        let text = format!("{int}.{frac:08}");
        let written = LongDouble::parse(text.as_bytes()).unwrap().to_human();
        let again = LongDouble::parse(written.as_bytes()).unwrap().to_human();
        prop_assert_eq!(again, written);
    }

    #[test]
    fn never_panics(
        text in prop::collection::vec(prop::sample::select(&b"0x1e9p-+.finAF "[..]), 0..24),
        any: Vec<u8>,
    ) {
        for text in [&text, &any] {
            if let Some(value) = LongDouble::parse(text) {
                let _ = (value + LongDouble::from(1)).to_human();
            }
        }
    }
}
