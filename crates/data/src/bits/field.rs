//! Integers of 1 to 64 bits anywhere in a string, the most significant bit first. Not where they
//! are: offsets are resolved by the command.

use crate::num::parse_i64;

/// The type of a field: width and sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldType {
    signed: bool,
    bits: u32,
}

/// What happens to a number that does not fit its field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Its low bits are taken.
    #[default]
    Wrap,
    /// The nearest number that fits is taken.
    Saturate,
    /// Nothing is done.
    Fail,
}

/// Bytes that a field can touch: 64 bits that begin within a byte.
const TOUCHED_MAX: usize = 9;

impl FieldType {
    /// `i1` to `i64` or `u1` to `u63`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (sign, digits) = text.split_first()?;
        let signed = match sign {
            b'i' => true,
            b'u' => false,
            _ => return None,
        };
        let most = if signed { 64 } else { 63 };
        let bits = u32::try_from(parse_i64(digits)?).ok()?;
        (1..=most).contains(&bits).then_some(Self { signed, bits })
    }

    /// Width in bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// The number at bit `offset`; bits beyond the end are zero.
    #[must_use]
    pub fn read(self, bytes: &[u8], offset: u64) -> i64 {
        let window = window(bytes, offset);
        let raw = (window >> self.shift(offset)) as u64 & self.mask();
        if self.signed {
            let unused = 64 - self.bits;
            ((raw << unused) as i64) >> unused
        } else {
            // At most 63 bits.
            raw as i64
        }
    }

    /// Writes the low bits of `value` at bit `offset`, as far as the string goes.
    pub fn write(self, bytes: &mut [u8], offset: u64, value: i64) {
        let shift = self.shift(offset);
        let mask = u128::from(self.mask()) << shift;
        let raw = (u128::from(value as u64) << shift) & mask;
        let changed = ((window(bytes, offset) & !mask) | raw) << 56;
        let start = usize::try_from(offset / 8).unwrap_or(usize::MAX);
        let place = bytes.get_mut(start..).unwrap_or_default();
        for (to, from) in place.iter_mut().zip(&changed.to_be_bytes()[..TOUCHED_MAX]) {
            *to = *from;
        }
    }

    /// What a field holds after it is set to `value`; `None` if that fails. An unsigned field takes
    /// a negative number for a very large one.
    #[must_use]
    pub fn set(self, value: i64, overflow: Overflow) -> Option<i64> {
        let value = if self.signed {
            i128::from(value)
        } else {
            i128::from(value as u64)
        };
        self.fit(value, overflow)
    }

    /// What a field that holds `value` holds after `by` is added; `None` if that fails.
    #[must_use]
    pub fn add(self, value: i64, by: i64, overflow: Overflow) -> Option<i64> {
        self.fit(i128::from(value) + i128::from(by), overflow)
    }

    fn fit(self, value: i128, overflow: Overflow) -> Option<i64> {
        let (least, most) = if self.signed {
            let half = 1_i128 << (self.bits - 1);
            (-half, half - 1)
        } else {
            (0, (1_i128 << self.bits) - 1)
        };
        // What fits the field fits 64 bits.
        if (least..=most).contains(&value) {
            return Some(value as i64);
        }
        match overflow {
            Overflow::Wrap => {
                let unused = 128 - self.bits;
                Some(if self.signed {
                    ((value << unused) >> unused) as i64
                } else {
                    (((value as u128) << unused) >> unused) as i64
                })
            }
            Overflow::Saturate if value > most => Some(most as i64),
            Overflow::Saturate => Some(least as i64),
            Overflow::Fail => None,
        }
    }

    const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    /// Bits of the window behind the field.
    const fn shift(self, offset: u64) -> u32 {
        72 - (offset % 8) as u32 - self.bits
    }
}

/// Nine bytes from the byte of `offset` on as a number of 72 bits.
fn window(bytes: &[u8], offset: u64) -> u128 {
    let start = usize::try_from(offset / 8).unwrap_or(usize::MAX);
    let mut near = [0; TOUCHED_MAX];
    let there = bytes.get(start..).unwrap_or_default();
    for (to, from) in near.iter_mut().zip(there) {
        *to = *from;
    }
    near.iter()
        .fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}
