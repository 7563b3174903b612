//! Exact conversion between decimal text and a binary significand with an exponent.
//!
//! Only the arithmetic: what counts as a number, signs and rounding to the format are elsewhere.

use super::big::Big;
use crate::num::HexFloat;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Digits behind the point in human text.
const DECIMALS: usize = 17;

/// `10^DECIMALS`.
const SCALE: u128 = 10u128.pow(DECIMALS as u32);

/// No finite number of the format has its first digit at this power of ten or above.
const POWER_END: i64 = 4_940;

/// A number whose first digit is below this power of ten is less than half the smallest one.
const POWER_MIN: i64 = -4_960;

/// Bits of a quotient: 64 for the significand, the rest and a sticky bit to round by.
const QUOTIENT_BITS: u64 = 68;

/// The value of `int.frac * 10^exp` to more bits than the format has. A value that is certainly too
/// large, or too small to be anything but zero, gives None.
pub(super) fn read(int: &[u8], frac: &[u8], exp: i64) -> Option<HexFloat> {
    let exp = exp.saturating_sub(i64::try_from(frac.len()).ok()?);
    let digits = int.iter().chain(frac).skip_while(|&&b| b == b'0');
    let count = i64::try_from(digits.clone().count()).ok()?;
    if count == 0 {
        return Some(HexFloat {
            sig: 0,
            sticky: false,
            exp: 0,
        });
    }
    let power = exp.saturating_add(count);
    if !(POWER_MIN..=POWER_END).contains(&power) {
        return None;
    }
    let scale = u32::try_from(exp.unsigned_abs()).ok()?;
    if exp <= 0 && scale <= SMALL_SCALE && count <= SMALL_DIGITS {
        return Some(small(digits, scale));
    }
    let mut number = Big::from_digits(digits);
    if exp >= 0 {
        number.multiply_power_of_ten(scale);
        return Some(leading_bits(number));
    }
    Some(divide(number, Big::power_of_ten(scale)))
}

/// Digits of a number that surely fits 64 bits.
const SMALL_DIGITS: i64 = 19;

/// A power of ten below 2^60.
const SMALL_SCALE: u32 = 18;

/// `digits / 10^scale` where machine words are enough, as for nearly all texts there are. The
/// dividend has its top bit set and the divisor at most 60 bits, so the quotient has 68 or more.
fn small<'d>(digits: impl Iterator<Item = &'d u8>, scale: u32) -> HexFloat {
    let number = digits.fold(0u128, |value, b| {
        value * 10 + u128::from(b.wrapping_sub(b'0'))
    });
    let up = number.leading_zeros();
    let (number, divisor) = (number << up, 10u128.pow(scale));
    HexFloat {
        sig: number / divisor,
        sticky: number % divisor != 0,
        exp: -i64::from(up),
    }
}

/// The leading bits of a natural number.
fn leading_bits(mut number: Big) -> HexFloat {
    let drop = number.bits().saturating_sub(QUOTIENT_BITS);
    let sticky = number.any_bit_below(drop);
    number.shift_right(drop);
    HexFloat {
        sig: number.low_u128(),
        sticky,
        exp: drop as i64,
    }
}

/// The leading bits of a quotient of two natural numbers that are not zero, by long division.
fn divide(mut number: Big, mut divisor: Big) -> HexFloat {
    let (high, low) = (number.bits(), divisor.bits());
    number.shift_left(low.saturating_sub(high));
    divisor.shift_left(high.saturating_sub(low));
    // Both have the same number of bits now: the quotient is between a half and two.
    let mut sig = 0u128;
    for _ in 0..QUOTIENT_BITS {
        sig = sig << 1 | u128::from(number.subtract_if_possible(&divisor));
        number.shift_left(1);
    }
    let exp = high as i64 - low as i64 - (QUOTIENT_BITS as i64 - 1);
    HexFloat {
        sig,
        sticky: !number.is_zero(),
        exp,
    }
}

/// The text of `sig * 2^exp` with [`DECIMALS`] decimals, rounded to nearest, ties to even, less its
/// trailing zeros, and less the sign where only zero is left.
pub(super) fn write(negative: bool, sig: u64, exp: i64) -> String {
    let mut text = String::new();
    match u32::try_from(exp) {
        Ok(up) => {
            if negative && sig != 0 {
                text.push('-');
            }
            push_shifted(&mut text, sig, up);
        }
        Err(_) => {
            let down = u32::try_from(exp.unsigned_abs()).unwrap_or(u32::MAX);
            let scaled = crate::num::shift_right_even(u128::from(sig) * SCALE, down, false);
            if negative && scaled != 0 {
                text.push('-');
            }
            push_fixed(&mut text, scaled);
        }
    }
    text
}

/// Appends `scaled / SCALE`.
fn push_fixed(text: &mut String, scaled: u128) {
    let (int, mut frac) = (scaled / SCALE, scaled % SCALE);
    // Writing into a String cannot fail.
    let _ = write!(text, "{int}");
    if frac == 0 {
        return;
    }
    let mut width = DECIMALS;
    while frac % 10 == 0 {
        frac /= 10;
        width -= 1;
    }
    let _ = write!(text, ".{frac:0width$}");
}

/// Appends `sig * 2^up`.
fn push_shifted(text: &mut String, sig: u64, up: u32) {
    if up <= 64 {
        let _ = write!(text, "{}", u128::from(sig) << up);
        return;
    }
    let mut number = Big::from_u64(sig);
    number.shift_left(up.into());
    let mut chunks = Vec::new();
    while !number.is_zero() {
        chunks.push(number.divide_ten_pow_9());
    }
    let mut chunks = chunks.into_iter().rev();
    let _ = write!(text, "{}", chunks.next().unwrap_or(0));
    for chunk in chunks {
        let _ = write!(text, "{chunk:09}");
    }
}
