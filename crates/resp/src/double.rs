//! Doubles as Valkey prints them in replies. Not the fixed-point text of INCRBYFLOAT.

use core::fmt;
use core::ops::Deref;

/// Longest text of a double: sign, 17 digits, point, `e`, sign and three digits of exponent.
pub const DOUBLE_TEXT_MAX: usize = 32;

/// Integers below 2^62 are printed as such.
const INTEGER_MAX: f64 = 4_611_686_018_427_387_904.0;

/// Decimals of up to 15 digits are below this.
const DECIMAL_MAX: f64 = 1e15;

/// The text of one double: the shortest digits that read back as the same number; whole numbers
/// below 2^62 without point or exponent; `inf`, `-inf`, `nan`, `-0`.
#[derive(Clone, Copy)]
pub struct DoubleText {
    bytes: [u8; DOUBLE_TEXT_MAX],
    len: usize,
}

impl DoubleText {
    /// Formats `value`.
    #[must_use]
    pub fn new(value: f64) -> Self {
        let mut text = Self {
            bytes: [0; DOUBLE_TEXT_MAX],
            len: 0,
        };
        if value.is_nan() {
            text.put(b"nan");
        } else if value.is_infinite() {
            text.put(if value > 0.0 { b"inf" } else { b"-inf" });
        } else if value == 0.0 {
            text.put(if value.is_sign_negative() {
                b"-0"
            } else {
                b"0"
            });
        } else {
            text.finite(value);
        }
        text
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn finite(&mut self, value: f64) {
        if (-INTEGER_MAX..=INTEGER_MAX).contains(&value) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "in range; checked by the way back"
            )]
            let whole = value as i64;
            #[expect(clippy::cast_precision_loss, reason = "equality decides")]
            if whole as f64 == value {
                self.put(itoa::Buffer::new().format(whole).as_bytes());
                return;
            }
        }
        if value < 0.0 {
            self.put(b"-");
        }
        if !self.short_decimal(value.abs()) {
            self.shortest(value.abs());
        }
    }

    /// Writes a number that has few digits behind the point, as most scores do; `false` if it is
    /// none. At most 15 digits that read as `value` are its shortest ones, since no two decimals
    /// of 15 digits read as the same double; a quotient of exact integers is rounded correctly.
    fn short_decimal(&mut self, value: f64) -> bool {
        for scale in [1_000_u64, 1_000_000] {
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            let divisor = scale as f64;
            let scaled = value * divisor + 0.5;
            if scaled >= DECIMAL_MAX {
                return false;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "in range"
            )]
            let digits = scaled as u64;
            #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
            if digits > 0 && digits as f64 / divisor == value {
                self.put(itoa::Buffer::new().format(digits / scale).as_bytes());
                // The 1 in front keeps the zeros behind the point.
                let mut fraction = itoa::Buffer::new();
                let fraction = fraction.format((digits % scale).saturating_add(scale));
                let fraction = fraction.get(1..).unwrap_or_default().trim_end_matches('0');
                self.put(b".");
                self.put(fraction.as_bytes());
                return true;
            }
        }
        false
    }

    /// Writes the shortest digits of any positive number.
    fn shortest(&mut self, value: f64) {
        let digits = Digits::of(value);
        self.layout(digits.significant(), digits.exponent);
    }

    /// Lays out `digits * 10^exponent`: plain where that stays short, else scientific. The
    /// thresholds are those of the reference, since clients compare scores as text.
    fn layout(&mut self, digits: &[u8], exponent: i32) {
        let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
        let scientific = exponent.saturating_add(count).saturating_sub(1);
        if exponent >= 0 && scientific.abs() < count.saturating_add(7) {
            self.put(digits);
            self.zeros(exponent);
        } else if exponent < 0 && (exponent > -7 || scientific.abs() < 4) {
            let point = count.saturating_add(exponent);
            if point <= 0 {
                self.put(b"0.");
                self.zeros(point.saturating_neg());
                self.put(digits);
            } else {
                let (whole, fraction) = digits
                    .split_at_checked(usize::try_from(point).unwrap_or(0))
                    .unwrap_or_default();
                self.put(whole);
                self.put(b".");
                self.put(fraction);
            }
        } else {
            let (first, rest) = digits.split_at_checked(1).unwrap_or_default();
            self.put(first);
            if !rest.is_empty() {
                self.put(b".");
                self.put(rest);
            }
            self.put(if scientific < 0 { b"e-" } else { b"e+" });
            self.put(
                itoa::Buffer::new()
                    .format(scientific.unsigned_abs())
                    .as_bytes(),
            );
        }
    }

    fn zeros(&mut self, count: i32) {
        for _ in 0..count {
            self.put(b"0");
        }
    }

    fn put(&mut self, text: &[u8]) {
        let end = self.len.saturating_add(text.len());
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(text);
            self.len = end;
        }
    }
}

impl Deref for DoubleText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for DoubleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DoubleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(self.as_bytes()).unwrap_or_default())
    }
}

/// Shortest decimal digits of a positive finite number, as an integer times a power of ten.
struct Digits {
    bytes: [u8; DOUBLE_TEXT_MAX],
    from: usize,
    to: usize,
    exponent: i32,
}

impl Digits {
    /// Ryu's text is `d.ddd`, `ddd.0` or `d.ddde-7`: only its digits and its scale are kept.
    fn of(value: f64) -> Self {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(value);
        let mut digits = Self {
            bytes: [0; DOUBLE_TEXT_MAX],
            from: 0,
            to: 0,
            exponent: 0,
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        digits.exponent = exponent.parse().unwrap_or(0);
        let mut after_point = false;
        for byte in mantissa.bytes() {
            if byte == b'.' {
                after_point = true;
                continue;
            }
            if let Some(slot) = digits.bytes.get_mut(digits.to) {
                *slot = byte;
                digits.to = digits.to.saturating_add(1);
            }
            digits.exponent = digits.exponent.saturating_sub(i32::from(after_point));
        }
        digits.trim();
        digits
    }

    fn trim(&mut self) {
        while self.to > self.from && self.bytes.get(self.to.saturating_sub(1)) == Some(&b'0') {
            self.to = self.to.saturating_sub(1);
            self.exponent = self.exponent.saturating_add(1);
        }
        while self.from < self.to && self.bytes.get(self.from) == Some(&b'0') {
            self.from = self.from.saturating_add(1);
        }
    }

    fn significant(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn prints_as_the_reference_does() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (3.25, "3.25"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.5e-3, "0.0015"),
            (1e-5, "0.00001"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (123_456.789, "123456.789"),
            (-0.001_234_567_8, "-0.0012345678"),
            (0.000_123_456_789, "1.23456789e-4"),
            (-12_345.678_901_2, "-1.23456789012e+4"),
            (1_234.567_890_12, "1234.56789012"),
            (-2.5, "-2.5"),
            (4.611_686_018_427_388e18, "4611686018427387904"),
            (1e19, "1e+19"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (-2.5e-300, "-2.5e-300"),
            (9.007_199_254_740_993e15, "9007199254740992"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (value, text) in cases {
            assert_eq!(DoubleText::new(value).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn both_ways_agree(digits in 1..2_000_000_000_000_000_u64, places in 1..8_i32) {
            let value = digits as f64 / 10_f64.powi(places);
            let mut slow = DoubleText { bytes: [0; DOUBLE_TEXT_MAX], len: 0 };
            slow.shortest(value);
            let mut quick = DoubleText { bytes: [0; DOUBLE_TEXT_MAX], len: 0 };
            let whole = value as u64 as f64 == value;
            if !whole && quick.short_decimal(value) {
                prop_assert_eq!(quick.as_bytes(), slow.as_bytes());
            }
        }

        #[test]
        fn reads_back_as_the_same_number(bits: u64) {
            let value = f64::from_bits(bits);
            let back: f64 = DoubleText::new(value).to_string().parse().unwrap();
            prop_assert!(back.to_bits() == bits || (value.is_nan() && back.is_nan()));
        }
    }
}
