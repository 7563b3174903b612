//! Numbers as text: the strict integers of the protocol, sizes of memory, and (in `float`) doubles.
//!
//! Not a general parser: what is refused here (a plus sign, leading zeros, blanks) is refused
//! because a value that would not print back the same may not be stored as a number.

use alloc::format;
use alloc::string::String;

mod binary;
mod float;

pub(crate) use binary::{Binary, FloatText, HexFloat, Rounded, scan_float, shift_right_even};
pub use float::{F64_TEXT_MAX, format_f64, parse_f64};

/// Longest text of an `i64` or `u64` in bytes.
pub const INT_TEXT_MAX: usize = 20;

/// Digits that fit an `i64` whatever they are.
const SAFE_DIGITS: usize = 18;

/// The integer that `text` is the canonical decimal form of: no plus, no leading zero, no `-0`.
#[must_use]
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    if digits.len() > SAFE_DIGITS {
        let value = long_u64(digits)?;
        return if negative {
            0i64.checked_sub_unsigned(value)
        } else {
            i64::try_from(value).ok()
        };
    }
    let mut value = 0i64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
    }
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// The integer that `text` is the canonical decimal form of: no sign, no leading zero.
#[must_use]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] => long_u64(text),
        _ => None,
    }
}

/// Decimal digits with every step checked.
fn long_u64(digits: &[u8]) -> Option<u64> {
    if digits.len() > INT_TEXT_MAX {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            None
        } else {
            value.checked_mul(10)?.checked_add(digit.into())
        }
    })
}

/// The canonical decimal form of `value`, written into `buf`.
#[must_use]
#[inline]
pub fn format_i64(value: i64, buf: &mut [u8; INT_TEXT_MAX]) -> &[u8] {
    let mut left = value.unsigned_abs();
    let mut at = INT_TEXT_MAX;
    loop {
        at = at.saturating_sub(1);
        if let Some(slot) = buf.get_mut(at) {
            *slot = b'0' + (left % 10) as u8;
        }
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if value < 0 {
        at = at.saturating_sub(1);
        if let Some(slot) = buf.get_mut(at) {
            *slot = b'-';
        }
    }
    buf.get(at..).unwrap_or_default()
}

/// Length in bytes of what [`format_i64`] writes.
#[must_use]
pub const fn i64_text_len(value: i64) -> usize {
    let digits = match value.unsigned_abs().checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    };
    digits + (value < 0) as usize
}

/// A size as INFO shows it: `512B`, `1.23M`, up to petabytes; powers of 1,024.
#[must_use]
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    let exponent = bytes.checked_ilog2().unwrap_or(0) / 10;
    match (exponent as usize)
        .checked_sub(1)
        .and_then(|at| UNITS.get(at))
    {
        Some(unit) => {
            // Two decimals need far fewer bits than a double has.
            let scaled = bytes as f64 / (1u64 << (10 * exponent)) as f64;
            format!("{scaled:.2}{unit}")
        }
        None => format!("{bytes}B"),
    }
}

/// A size of memory in the configuration's syntax, in bytes: digits, then nothing, `b`, `k`, `m`,
/// `g` (powers of 1,000) or `kb`, `mb`, `gb` (powers of 1,024), in any case.
///
/// Empty text is zero, as configuration files have it. None when the text is something else, has a
/// unit and no digit, or does not fit 64 bits.
#[must_use]
pub fn parse_memory(text: &[u8]) -> Option<u64> {
    let end = text
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let (&first, _) = unit.split_first().unwrap_or((&b'b', &[]));
    let base: u64 = match unit {
        [] | [_] => 1_000,
        [_, b'b' | b'B'] => 1_024,
        _ => return None,
    };
    let power = match first.to_ascii_lowercase() {
        b'b' if unit.len() <= 1 => 0,
        b'k' => 1,
        b'm' => 2,
        b'g' => 3,
        _ => return None,
    };
    if digits.is_empty() && !unit.is_empty() {
        return None;
    }
    let count = digits.iter().try_fold(0u64, |value, &byte| {
        value
            .checked_mul(10)?
            .checked_add(byte.wrapping_sub(b'0').into())
    })?;
    count.checked_mul(base.pow(power))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn i64_edges() {
        let yes: &[(&[u8], i64)] = &[
            (b"0", 0),
            (b"-1", -1),
            (b"9223372036854775807", i64::MAX),
            (b"-9223372036854775808", i64::MIN),
            (b"999999999999999999", 999_999_999_999_999_999),
            (b"1000000000000000000", 1_000_000_000_000_000_000),
        ];
        for (text, value) in yes {
            assert_eq!(parse_i64(text), Some(*value));
        }
        let no: &[&[u8]] = &[
            b"",
            b"-",
            b"-0",
            b"+1",
            b"01",
            b"-01",
            b" 1",
            b"1 ",
            b"1.0",
            b"0x1",
            b"1\0",
            b"--1",
            b"9223372036854775808",
            b"-9223372036854775809",
            b"99999999999999999999",
            b"18446744073709551616",
            b"100000000000000000000",
            b"12345678901234567a9",
        ];
        for text in no {
            assert_eq!(parse_i64(text), None, "{text:?}");
        }
    }

    #[test]
    fn u64_edges() {
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"0"), Some(0));
        let no: &[&[u8]] = &[b"18446744073709551616", b"-1", b"00", b"", b"1a"];
        for text in no {
            assert_eq!(parse_u64(text), None, "{text:?}");
        }
    }

    #[test]
    fn human() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1536, "1.50K"),
            (1_048_575, "1024.00K"),
            (1_048_576, "1.00M"),
            (1_289_748, "1.23M"),
            (5 << 30, "5.00G"),
            (3 << 40, "3.00T"),
            (7 << 50, "7.00P"),
            (1 << 60, "1152921504606846976B"),
        ] {
            assert_eq!(human_bytes(bytes), text);
        }
    }

    #[test]
    fn memory() {
        for (text, bytes) in [
            ("", 0),
            ("0", 0),
            ("17", 17),
            ("17b", 17),
            ("5K", 5_000),
            ("5kB", 5_120),
            ("10m", 10_000_000),
            ("10mb", 10 << 20),
            ("1G", 1_000_000_000),
            ("1gb", 1 << 30),
            ("007kb", 7 << 10),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_memory(text.as_bytes()), Some(bytes), "{text}");
        }
        for text in [
            "b",
            "gb",
            "-1",
            "1bb",
            "1t",
            "1 mb",
            "1.5gb",
            "1mbx",
            "20000000000gb",
        ] {
            assert_eq!(parse_memory(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn integers_round_trip(value: i64) {
            let mut buf = [0; INT_TEXT_MAX];
            let text = format_i64(value, &mut buf);
            let expected = value.to_string();
            prop_assert_eq!(text, expected.as_bytes());
            prop_assert_eq!(text.len(), i64_text_len(value));
            prop_assert_eq!(parse_i64(text), Some(value));
        }

        #[test]
        fn canonical_or_refused(
            text in prop::collection::vec(prop::sample::select(&b"-0129+ ."[..]), 0..22),
        ) {
            let expected = core::str::from_utf8(&text).unwrap().parse::<i64>().ok()
                .filter(|value| value.to_string().as_bytes() == text);
            prop_assert_eq!(parse_i64(&text), expected);
            let unsigned = core::str::from_utf8(&text).unwrap().parse::<u64>().ok()
                .filter(|value| value.to_string().as_bytes() == text);
            prop_assert_eq!(parse_u64(&text), unsigned);
        }

        #[test]
        fn memory_never_panics(text: Vec<u8>) {
            let _ = parse_memory(&text);
        }
    }

    #[test]
    fn extremes_format() {
        let mut buf = [0; INT_TEXT_MAX];
        assert_eq!(format_i64(i64::MIN, &mut buf), b"-9223372036854775808");
        assert_eq!(i64_text_len(i64::MIN), 20);
        assert_eq!(format_i64(0, &mut buf), b"0");
    }
}
