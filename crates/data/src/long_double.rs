//! The 80-bit extended format of the x87, in integer arithmetic: what INCRBYFLOAT and HINCRBYFLOAT
//! compute with, bit for bit, on every platform.
//!
//! Only what those commands need: text in, one addition, text out. Not an IEEE 754 library: one
//! rounding mode (to nearest, ties to even), no flags, no signalling.
//!
//! A number is `sig * 2^exp` with 64 significand bits, the top one set unless it is subnormal.

use crate::num::{Binary, FloatText, HexFloat, Rounded, scan_float};
use alloc::string::String;
use core::ops::Add;

mod big;
mod decimal;
mod order;

/// Texts of this length in bytes, or longer, are not read as numbers.
pub const TEXT_END: usize = 5 * 1_024;

/// The format: the smallest normal is 2^-16382, the largest number just below 2^16384.
const EXTENDED: Binary = Binary {
    precision: 64,
    exp_min: -16_445,
    exp_max: 16_320,
};

/// An 80-bit extended floating-point number.
#[derive(Clone, Copy, Debug)]
pub struct LongDouble {
    negative: bool,
    class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Class {
    /// `sig * 2^exp`; zero has `sig` 0.
    Finite {
        sig: u64,
        exp: i64,
    },
    Infinite,
    Nan,
}

impl LongDouble {
    /// Positive zero.
    pub const ZERO: Self = Self {
        negative: false,
        class: Class::Finite { sig: 0, exp: 0 },
    };

    /// The number that the whole of `text` denotes, rounded to nearest: decimal or hexadecimal as
    /// C's `strtold` reads it, `inf` and `infinity` in any case.
    ///
    /// None for NaN, blanks, empty text and text of [`TEXT_END`] bytes or more, and for finite text
    /// that overflows, or that is not zero but rounds to it.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() >= TEXT_END {
            return None;
        }
        let (negative, shape) = scan_float(text)?;
        let exact = match shape {
            FloatText::Infinity => {
                return Some(Self {
                    negative,
                    class: Class::Infinite,
                });
            }
            FloatText::Hex(hex) => hex,
            FloatText::Decimal { int, frac, exp } => decimal::read(int, frac, exp)?,
        };
        let parsed = Self::rounded(negative, exact);
        let vanished = exact.sig != 0 && parsed.is_zero();
        (parsed.is_finite() && !vanished).then_some(parsed)
    }

    /// Neither infinite nor NaN.
    #[must_use]
    pub fn is_finite(self) -> bool {
        matches!(self.class, Class::Finite { .. })
    }

    /// The decimal text with at most 17 digits behind the point, rounded to nearest, without
    /// trailing zeros; never an exponent, never `-0`. `inf`, `-inf` and `nan` for the others.
    #[must_use]
    pub fn to_human(self) -> String {
        match self.class {
            Class::Nan => String::from("nan"),
            Class::Infinite => String::from(if self.negative { "-inf" } else { "inf" }),
            Class::Finite { sig, exp } => decimal::write(self.negative, sig, exp),
        }
    }

    fn is_zero(self) -> bool {
        matches!(self.class, Class::Finite { sig: 0, .. })
    }

    fn rounded(negative: bool, exact: HexFloat) -> Self {
        let class = match EXTENDED.round(exact) {
            Rounded::Finite { sig, exp } => Class::Finite { sig, exp },
            Rounded::Overflow => Class::Infinite,
        };
        Self { negative, class }
    }
}

impl From<i64> for LongDouble {
    /// Exact: 64 bits of significand hold every `i64`.
    fn from(value: i64) -> Self {
        let sig = u128::from(value.unsigned_abs());
        Self::rounded(
            value < 0,
            HexFloat {
                sig,
                sticky: false,
                exp: 0,
            },
        )
    }
}

impl From<f64> for LongDouble {
    /// Exact: the format contains every double.
    fn from(value: f64) -> Self {
        let bits = value.to_bits();
        let negative = value.is_sign_negative();
        let fraction = bits & ((1 << 52) - 1);
        let (sig, exp) = match bits >> 52 & 0x7ff {
            0x7ff if fraction == 0 => {
                return Self {
                    negative,
                    class: Class::Infinite,
                };
            }
            0x7ff => {
                return Self {
                    negative,
                    class: Class::Nan,
                };
            }
            0 => (fraction, -1_074),
            field => (fraction | 1 << 52, (field as i64).wrapping_sub(1_075)),
        };
        Self::rounded(
            negative,
            HexFloat {
                sig: sig.into(),
                sticky: false,
                exp,
            },
        )
    }
}

impl Add for LongDouble {
    type Output = Self;

    /// The sum, rounded once; infinite on overflow, NaN for infinities of different sign.
    fn add(self, other: Self) -> Self {
        match (self.class, other.class) {
            (Class::Nan, _) | (_, Class::Nan) => Self {
                negative: false,
                class: Class::Nan,
            },
            (Class::Infinite, Class::Infinite) if self.negative != other.negative => Self {
                negative: false,
                class: Class::Nan,
            },
            (Class::Infinite, _) => self,
            (_, Class::Infinite) => other,
            (Class::Finite { sig: a, exp: ea }, Class::Finite { sig: b, exp: eb }) => {
                add_finite((self.negative, a, ea), (other.negative, b, eb))
            }
        }
    }
}

/// Adds two finite numbers given as (negative, significand, exponent).
fn add_finite(left: (bool, u64, i64), right: (bool, u64, i64)) -> LongDouble {
    /// Free bits below the significand of the larger one; the top bit stays free for the carry.
    const GUARD: u32 = 62;
    // The order by magnitude is that of (top bit's power, significand); zeros are handled apart,
    // because their exponent says nothing.
    let (big, small) = match (left, right) {
        (zero @ (_, 0, _), other) | (other, zero @ (_, 0, _)) => (other, zero),
        (l, r) if (l.2, l.1) < (r.2, r.1) => (r, l),
        (l, r) => (l, r),
    };
    if small.1 == 0 {
        let negative = if big.1 == 0 { big.0 && small.0 } else { big.0 };
        return LongDouble {
            negative,
            class: Class::Finite {
                sig: big.1,
                exp: big.2,
            },
        };
    }
    let base = u128::from(big.1) << GUARD;
    let shifted = u128::from(small.1) << GUARD;
    // What falls off the end is jammed into the last bit: with 62 guard bits that is far enough
    // from the rounding position to decide every case, and nothing falls off where bits cancel.
    let distance = u32::try_from(big.2.saturating_sub(small.2)).unwrap_or(u32::MAX);
    let (kept, lost) = match shifted.checked_shr(distance) {
        Some(kept) => (kept, kept << distance != shifted),
        None => (0, true),
    };
    let aligned = kept | u128::from(lost);
    let sig = if big.0 == small.0 {
        base + aligned
    } else {
        base.abs_diff(aligned)
    };
    let negative = if sig == 0 {
        false
    } else if aligned > base {
        small.0
    } else {
        big.0
    };
    let exp = big.2.saturating_sub(GUARD.into());
    LongDouble::rounded(
        negative,
        HexFloat {
            sig,
            sticky: false,
            exp,
        },
    )
}

#[cfg(test)]
mod tests;
