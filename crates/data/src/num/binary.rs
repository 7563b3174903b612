//! What the two float formats share: the shape of a float's text as C's `strtod` reads it, exact
//! hexadecimal floats, and the one rounding step from an exact binary value to a format.
//!
//! No decimal conversion here; that is the format's own business.

/// The shape of a float's text, the sign taken off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FloatText<'a> {
    /// `inf` or `infinity` in any case.
    Infinity,
    /// `0x...`, already read.
    Hex(HexFloat),
    /// Digits, with a point and an exponent perhaps: the value is `int.frac * 10^exp`.
    Decimal {
        /// Digits before the point.
        int: &'a [u8],
        /// Digits behind the point.
        frac: &'a [u8],
        /// The exponent, clamped far outside of any format.
        exp: i64,
    },
}

/// A value `sig * 2^exp`, plus less than one unit of `sig` when `sticky`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HexFloat {
    /// The leading bits.
    pub(crate) sig: u128,
    /// Whether a bit behind `sig` was dropped.
    pub(crate) sticky: bool,
    /// Power of two of the last bit of `sig`.
    pub(crate) exp: i64,
}

/// Exponents are clamped to this; digits before it are counted in a `usize`, so it is above what
/// any text can shift back into range.
const EXP_CLAMP: i64 = 1 << 60;

/// Takes a float's text apart: whether it is negative, and its shape.
///
/// None for what `strtod` would not read to the end, for blanks in front, and for NaN, which no
/// command accepts.
pub(crate) fn scan_float(text: &[u8]) -> Option<(bool, FloatText<'_>)> {
    let (negative, body) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") {
        return Some((negative, FloatText::Infinity));
    }
    if let [b'0', b'x' | b'X', hex @ ..] = body {
        return Some((negative, FloatText::Hex(scan_hex(hex)?)));
    }
    let (int, rest) = split_while(body, u8::is_ascii_digit);
    let (frac, rest) = split_fraction(rest, u8::is_ascii_digit);
    if int.is_empty() && frac.is_empty() {
        return None;
    }
    let exp = scan_exponent(rest, b'e')?;
    Some((negative, FloatText::Decimal { int, frac, exp }))
}

fn scan_hex(text: &[u8]) -> Option<HexFloat> {
    let (int, rest) = split_while(text, u8::is_ascii_hexdigit);
    let (frac, rest) = split_fraction(rest, u8::is_ascii_hexdigit);
    if int.is_empty() && frac.is_empty() {
        return None;
    }
    let mut value = HexFloat {
        sig: 0,
        sticky: false,
        exp: scan_exponent(rest, b'p')?,
    };
    let digits = int
        .iter()
        .map(|b| (b, 0))
        .chain(frac.iter().map(|b| (b, 4)));
    for (&byte, behind_point) in digits {
        let digit = u128::from(hex_digit(byte));
        value.exp = value.exp.saturating_sub(behind_point);
        if value.sig >> 124 == 0 {
            value.sig = value.sig << 4 | digit;
        } else {
            value.sticky |= digit != 0;
            value.exp = value.exp.saturating_add(4);
        }
    }
    Some(value)
}

const fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => 0,
    }
}

fn split_while(text: &[u8], accept: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !accept(b)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

/// A point and the digits behind it, if the text goes on with a point.
fn split_fraction(text: &[u8], accept: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    match text {
        [b'.', rest @ ..] => split_while(rest, accept),
        rest => (&[], rest),
    }
}

/// The exponent that ends a float: nothing, or the letter, a sign perhaps, and digits.
fn scan_exponent(text: &[u8], letter: u8) -> Option<i64> {
    let Some((&first, rest)) = text.split_first() else {
        return Some(0);
    };
    if first.to_ascii_lowercase() != letter {
        return None;
    }
    let (negative, digits) = match rest {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0i64, |value, byte| {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        value
            .saturating_mul(10)
            .saturating_add(digit)
            .min(EXP_CLAMP)
    });
    Some(if negative { -value } else { value })
}

/// A binary format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binary {
    /// Significand bits of a normal number.
    pub(crate) precision: u32,
    /// Power of two of the smallest subnormal.
    pub(crate) exp_min: i64,
    /// Power of two of the last bit of the largest number.
    pub(crate) exp_max: i64,
}

/// What rounding gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rounded {
    /// `sig * 2^exp`; `sig` has the format's precision in bits unless it is subnormal or zero.
    Finite {
        /// The significand.
        sig: u64,
        /// Power of two of its last bit.
        exp: i64,
    },
    /// Too large for the format.
    Overflow,
}

impl Binary {
    /// Rounds the exact value to the format: to nearest, ties to even.
    pub(crate) fn round(self, value: HexFloat) -> Rounded {
        let HexFloat { sig, sticky, exp } = value;
        if sig == 0 {
            return Rounded::Finite {
                sig: 0,
                exp: self.exp_min,
            };
        }
        let bits = i64::from(u128::BITS - sig.leading_zeros());
        // The last bit that the format keeps, as a power of two.
        let keep = exp
            .saturating_add(bits - i64::from(self.precision))
            .max(self.exp_min);
        let drop = keep.saturating_sub(exp);
        let mut keep = keep;
        let mut kept = if drop >= 0 {
            shift_right_even(sig, u32::try_from(drop).unwrap_or(u32::MAX), sticky)
        } else {
            // Fewer bits than the precision: exact, shift them up. (Nothing sticks here, because
            // bits are only dropped behind a full significand.)
            sig << drop.unsigned_abs()
        };
        if kept >> self.precision != 0 {
            kept >>= 1;
            keep = keep.saturating_add(1);
        }
        match u64::try_from(kept) {
            Ok(sig) if keep <= self.exp_max => Rounded::Finite { sig, exp: keep },
            _ => Rounded::Overflow,
        }
    }
}

/// `sig / 2^drop` to nearest, ties to even; `sticky` says that `sig` had dropped bits already.
pub(crate) const fn shift_right_even(sig: u128, drop: u32, sticky: bool) -> u128 {
    if drop == 0 {
        return sig;
    }
    // Beyond the width only "less than half" is left, as at exactly one more than the width.
    if drop > u128::BITS {
        return 0;
    }
    let kept = if drop == u128::BITS { 0 } else { sig >> drop };
    let half = 1u128 << (drop - 1);
    let rest = if drop == u128::BITS {
        sig
    } else {
        sig & ((1 << drop) - 1)
    };
    let up = rest > half || (rest == half && (sticky || kept & 1 == 1));
    kept + up as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    const F64: Binary = Binary {
        precision: 53,
        exp_min: -1074,
        exp_max: 971,
    };

    #[test]
    fn rounds_to_nearest_even() {
        assert_eq!(shift_right_even(0b101, 1, false), 0b10);
        assert_eq!(shift_right_even(0b111, 1, false), 0b100);
        assert_eq!(shift_right_even(0b101, 1, true), 0b11);
        assert_eq!(shift_right_even(1 << 127, 128, false), 0);
        assert_eq!(shift_right_even(u128::MAX, 128, false), 1);
        assert_eq!(shift_right_even(u128::MAX, 129, true), 0);
        let value = HexFloat {
            sig: 3,
            sticky: false,
            exp: -1075,
        };
        assert_eq!(F64.round(value), Rounded::Finite { sig: 2, exp: -1074 });
        let value = HexFloat {
            sig: u128::from(u64::MAX),
            sticky: false,
            exp: 960,
        };
        assert_eq!(F64.round(value), Rounded::Overflow);
        let value = HexFloat {
            sig: 1,
            sticky: false,
            exp: i64::MAX,
        };
        assert_eq!(F64.round(value), Rounded::Overflow);
        let value = HexFloat {
            sig: 1,
            sticky: true,
            exp: i64::MIN,
        };
        assert_eq!(F64.round(value), Rounded::Finite { sig: 0, exp: -1074 });
    }

    #[test]
    fn shapes() {
        assert_eq!(scan_float(b"-InFinity"), Some((true, FloatText::Infinity)));
        let decimal = FloatText::Decimal {
            int: b"1",
            frac: b"5",
            exp: -3,
        };
        assert_eq!(scan_float(b"+1.5E-3"), Some((false, decimal)));
        let hex = HexFloat {
            sig: 0x18,
            sticky: false,
            exp: -1,
        };
        assert_eq!(scan_float(b"0X1.8p+3"), Some((false, FloatText::Hex(hex))));
        for text in [
            "", "+", "-", ".", "e1", "1e", "1e+", "1.2.3", "0x", "0x.", "0x1p", "0x1pz", "nan",
            " 1", "1 ", "infi", "1_0", "--1", "+-1", "1e5.", "0xg",
        ] {
            assert_eq!(scan_float(text.as_bytes()), None, "{text}");
        }
    }
}
