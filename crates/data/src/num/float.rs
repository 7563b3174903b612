//! Doubles as text: what commands accept as a score, and the form in which replies show one.
//!
//! Replies show the shortest digits that read back as the same double. Not for INCRBYFLOAT, whose
//! arithmetic and form are those of the 80-bit format in `long_double`.

use super::binary::{Binary, FloatText, Rounded, scan_float};
use super::{INT_TEXT_MAX, format_i64};

/// Room for the longest text that [`format_f64`] writes: sign, `0.`, five zeros, 17 digits.
pub const F64_TEXT_MAX: usize = 32;

/// The double format.
const F64: Binary = Binary {
    precision: 53,
    exp_min: -1074,
    exp_max: 971,
};

/// Significand digits that a double holds exactly, whatever they are.
const EXACT_DIGITS: usize = 15;

/// The double that the whole of `text` denotes, in the syntax of C's `strtod`: decimal or
/// hexadecimal (`0x1p3`), `inf` and `infinity` in any case.
///
/// None for NaN, blanks, and finite text that overflows, or that is not zero but rounds to it.
#[must_use]
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    if text.len() <= EXACT_DIGITS && !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
        let value = text.iter().fold(0u64, |value, b| {
            value.wrapping_mul(10).wrapping_add(u64::from(b & 15))
        });
        return Some(value as f64);
    }
    let (negative, shape) = scan_float(text)?;
    let value = match shape {
        FloatText::Infinity => {
            return Some(if negative {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            });
        }
        FloatText::Hex(hex) => {
            let value = to_f64(F64.round(hex))?;
            if value == 0.0 && hex.sig != 0 {
                return None;
            }
            if negative { -value } else { value }
        }
        FloatText::Decimal { int, frac, .. } => {
            let value: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
            if value == 0.0 && !int.iter().chain(frac).all(|&b| b == b'0') {
                return None;
            }
            value
        }
    };
    value.is_finite().then_some(value)
}

/// A rounded value as a double; None when it is too large.
fn to_f64(rounded: Rounded) -> Option<f64> {
    const IMPLICIT: u64 = 1 << 52;
    let Rounded::Finite { sig, exp } = rounded else {
        return None;
    };
    let biased = match sig.checked_sub(IMPLICIT) {
        Some(fraction) => {
            // The exponent field of a normal number is 1 where its last bit is the smallest one.
            let field = u64::try_from(exp.checked_add(1075)?).ok()?;
            field << 52 | fraction
        }
        None => sig,
    };
    Some(f64::from_bits(biased))
}

/// The text of a double in replies: `inf`, `-inf`, `nan`, `-0`, integers up to about 4.6e18 in
/// full, otherwise the shortest digits that read back, with an exponent where it is far from zero.
#[must_use]
pub fn format_f64(value: f64, buf: &mut [u8; F64_TEXT_MAX]) -> &[u8] {
    const INT_END: f64 = (i64::MAX / 2) as f64;
    if value.is_nan() {
        return b"nan";
    }
    if value.is_infinite() {
        return if value < 0.0 { b"-inf" } else { b"inf" };
    }
    if value == 0.0 {
        return if value.is_sign_negative() {
            b"-0"
        } else {
            b"0"
        };
    }
    if (-INT_END..=INT_END).contains(&value) && value as i64 as f64 == value {
        let mut digits = [0; INT_TEXT_MAX];
        let text = format_i64(value as i64, &mut digits);
        return copy_to(buf, &[text]);
    }
    let mut scratch = ryu::Buffer::new();
    let shortest = scratch.format_finite(value);
    let mut digits = Digits::default();
    digits.read(shortest.as_bytes());
    digits.write(value < 0.0, buf)
}

/// The shortest digits of a double: `0.DIGITS * 10^point`.
#[derive(Default)]
struct Digits {
    digits: [u8; 20],
    len: usize,
    point: i32,
}

impl Digits {
    /// Reads `[-]ddd[.ddd][e[-]dd]`.
    fn read(&mut self, text: &[u8]) {
        let mut behind_point = false;
        let mut bytes = text.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'.' => behind_point = true,
                b'0'..=b'9' => {
                    let leading = self.len == 0 && byte == b'0';
                    if let (false, Some(slot)) = (leading, self.digits.get_mut(self.len)) {
                        *slot = byte;
                        self.len += 1;
                    }
                    if behind_point == leading {
                        self.point += if behind_point { -1 } else { 1 };
                    }
                }
                b'e' => {
                    let exp = super::parse_i64(bytes.as_slice()).unwrap_or(0);
                    self.point += exp as i32;
                    break;
                }
                _ => {}
            }
        }
        while let Some(b'0') = self
            .len
            .checked_sub(1)
            .and_then(|last| self.digits.get(last))
        {
            self.len -= 1;
        }
    }

    fn write(self, negative: bool, buf: &mut [u8; F64_TEXT_MAX]) -> &[u8] {
        const ZEROS: &[u8] = b"0000000000000000";
        let digits = self.digits.get(..self.len).unwrap_or_default();
        let zeros = |count: i32| ZEROS.get(..count.unsigned_abs() as usize).unwrap_or(ZEROS);
        let sign: &[u8] = if negative { b"-" } else { b"" };
        let len = digits.len() as i32;
        // `shift` is the power of ten of the last digit, `exp` that of the first.
        let (shift, exp) = (self.point - len, self.point - 1);
        if shift >= 0 && exp.abs() < len + 7 {
            return copy_to(buf, &[sign, digits, zeros(shift)]);
        }
        if shift < 0 && (shift > -7 || exp.abs() < 4) {
            return match digits.split_at_checked(usize::try_from(self.point).unwrap_or(0)) {
                Some((int, frac)) if self.point > 0 => copy_to(buf, &[sign, int, b".", frac]),
                _ => copy_to(buf, &[sign, b"0.", zeros(self.point), digits]),
            };
        }
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, &[]));
        let point: &[u8] = if rest.is_empty() { b"" } else { b"." };
        let mark: &[u8] = if exp < 0 { b"e-" } else { b"e+" };
        let mut power = [0; INT_TEXT_MAX];
        let power = format_i64(exp.unsigned_abs().into(), &mut power);
        copy_to(buf, &[sign, first, point, rest, mark, power])
    }
}

/// The pieces one after the other.
fn copy_to<'b>(buf: &'b mut [u8; F64_TEXT_MAX], pieces: &[&[u8]]) -> &'b [u8] {
    let mut len = 0;
    for piece in pieces {
        if let Some(room) = buf
            .get_mut(len..)
            .and_then(|rest| rest.get_mut(..piece.len()))
        {
            room.copy_from_slice(piece);
            len += piece.len();
        }
    }
    buf.get(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn text_of(value: f64) -> String {
        let mut buf = [0; F64_TEXT_MAX];
        String::from_utf8(format_f64(value, &mut buf).to_vec()).unwrap()
    }

    #[test]
    fn accepted() {
        for (text, value) in [
            ("0", 0.0),
            ("3", 3.0),
            ("+3", 3.0),
            ("-1.5", -1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("0x10", 16.0),
            ("0x1p3", 8.0),
            ("-0X.8P1", -1.0),
            ("0x0p99999999999999999999", 0.0),
            ("0x1p-1074", 5e-324),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x1.00000000000008p0", 1.0),
            (
                "0x1.000000000000080000000000000000000001p0",
                1.000_000_000_000_000_2,
            ),
            ("5e-324", 5e-324),
            ("0e-99999", 0.0),
            ("1e-400000000000000000000000000e", f64::NAN),
            ("inf", f64::INFINITY),
            ("+INFINITY", f64::INFINITY),
            ("-Inf", f64::NEG_INFINITY),
            ("00012", 12.0),
            ("123456789012345", 123_456_789_012_345.0),
        ] {
            if value.is_nan() {
                assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
            } else {
                assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
            }
        }
        assert!(parse_f64(b"-0").unwrap().is_sign_negative());
        assert!(parse_f64(b"-0x0").unwrap().is_sign_negative());
    }

    #[test]
    fn refused() {
        for text in [
            "",
            " 1",
            "1 ",
            "nan",
            "-nan",
            "nan(1)",
            "1e400",
            "-1e400",
            "1e-400",
            "0x1p1024",
            "0x1p-1076",
            "0x1p-1075",
            "0x1.fffffffffffff8p1023",
            "abc",
            "1,5",
            "1\0",
            "0x",
            "e5",
            "1e99999999999999999999",
        ] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn layout() {
        for (value, text) in [
            (0.1, "0.1"),
            (3.0, "3"),
            (-3.5, "-3.5"),
            (1e17, "100000000000000000"),
            (4e18, "4000000000000000000"),
            (5e18, "5e+18"),
            (1.5e19, "1.5e+19"),
            (12_345_678_901_234_567_890.0, "12345678901234567000"),
            (1e100, "1e+100"),
            (-1.25e-9, "-1.25e-9"),
            (1e-5, "0.00001"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-6, "1.5e-6"),
            (1.5e-5, "0.000015"),
            (1.234_567_8e-3, "0.0012345678"),
            (1.234_567_8e-4, "1.2345678e-4"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (-2.225_073_858_507_201_4e-308, "-2.2250738585072014e-308"),
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (0.3, "0.3"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-123.456, "-123.456"),
        ] {
            assert_eq!(text_of(value), text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn shortest_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            let text = text_of(value);
            prop_assert!(text.len() <= 26);
            prop_assert_eq!(parse_f64(text.as_bytes()).unwrap().to_bits(), bits, "{}", text);
        }

        #[test]
        fn ordinary_numbers_read_back(int in -1_000_000i64..1_000_000, scale in 0i32..12) {
            let value = int as f64 / 10f64.powi(scale);
            prop_assert_eq!(parse_f64(text_of(value).as_bytes()), Some(value));
        }

        #[test]
        fn hex_equals_the_value(bits: u64) {
            let value = f64::from_bits(bits & !(1 << 63));
            prop_assume!(value.is_finite());
            let (field, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
            let (sig, exp) = match field {
                0 => (fraction, -1074),
                field => (fraction | 1 << 52, field - 1075),
            };
            let text = alloc::format!("0x{sig:x}p{exp}");
            prop_assert_eq!(parse_f64(text.as_bytes()), Some(value));
        }

        #[test]
        fn never_panics(
            text in prop::collection::vec(prop::sample::select(&b"0x1e9p-+.finAF "[..]), 0..20),
            any: Vec<u8>,
        ) {
            let _ = parse_f64(&text);
            let _ = parse_f64(&any);
        }
    }
}
