//! Just enough big natural numbers to convert between decimal text and 80-bit floats.
//!
//! Bounded by the callers: an operand never has more than some 40,000 bits.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// A natural number: 32-bit limbs, least significant first, the last one not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Big {
    limbs: Vec<u32>,
}

impl Big {
    /// The number of a decimal digit string.
    pub(super) fn from_digits<'d>(digits: impl Iterator<Item = &'d u8>) -> Self {
        let mut value = Self::default();
        let (mut chunk, mut scale) = (0u32, 1u32);
        for &byte in digits {
            chunk = chunk
                .wrapping_mul(10)
                .wrapping_add(byte.wrapping_sub(b'0').into());
            scale = scale.wrapping_mul(10);
            if scale == TEN_POW_9 {
                value.multiply_add(scale, chunk);
                (chunk, scale) = (0, 1);
            }
        }
        value.multiply_add(scale, chunk);
        value
    }

    pub(super) fn from_u64(value: u64) -> Self {
        let mut big = Self {
            limbs: Vec::from([value as u32, (value >> 32) as u32]),
        };
        big.trim();
        big
    }

    /// `10^power`.
    pub(super) fn power_of_ten(power: u32) -> Self {
        let mut value = Self {
            limbs: Vec::from([1]),
        };
        value.multiply_power_of_ten(power);
        value
    }

    pub(super) fn multiply_power_of_ten(&mut self, power: u32) {
        for _ in 0..power / 9 {
            self.multiply_add(TEN_POW_9, 0);
        }
        self.multiply_add(10u32.pow(power % 9), 0);
    }

    pub(super) const fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// Position behind the highest bit that is set.
    pub(super) fn bits(&self) -> u64 {
        let below = (self.limbs.len() as u64).saturating_sub(1) * 32;
        self.limbs
            .last()
            .map_or(0, |top| below + u64::from(32 - top.leading_zeros()))
    }

    pub(super) fn shift_left(&mut self, count: u64) {
        if self.is_zero() {
            return;
        }
        let bits = (count % 32) as u32;
        let mut carry = 0u32;
        for limb in &mut self.limbs {
            let wide = u64::from(*limb) << bits | u64::from(carry);
            (*limb, carry) = (wide as u32, (wide >> 32) as u32);
        }
        if carry != 0 {
            self.limbs.push(carry);
        }
        let whole = (count / 32) as usize;
        self.limbs.splice(..0, core::iter::repeat_n(0, whole));
    }

    /// Subtracts `other` if it is not larger; whether it did.
    pub(super) fn subtract_if_possible(&mut self, other: &Self) -> bool {
        if self.compare(other) == Ordering::Less {
            return false;
        }
        let mut borrow = false;
        let others = other.limbs.iter().copied().chain(core::iter::repeat(0));
        for (limb, subtrahend) in self.limbs.iter_mut().zip(others) {
            let (first, under1) = limb.overflowing_sub(subtrahend);
            let (second, under2) = first.overflowing_sub(borrow.into());
            (*limb, borrow) = (second, under1 || under2);
        }
        self.trim();
        true
    }

    /// The lowest 128 bits.
    pub(super) fn low_u128(&self) -> u128 {
        self.limbs
            .iter()
            .take(4)
            .rev()
            .fold(0, |value, &limb| value << 32 | u128::from(limb))
    }

    /// Whether a bit below position `end` is set.
    pub(super) fn any_bit_below(&self, end: u64) -> bool {
        let whole = (end / 32) as usize;
        let partial = (1u32 << (end % 32)) - 1;
        self.limbs.iter().take(whole).any(|&limb| limb != 0)
            || self
                .limbs
                .get(whole)
                .is_some_and(|limb| limb & partial != 0)
    }

    /// Drops the lowest `count` bits.
    pub(super) fn shift_right(&mut self, count: u64) {
        let whole = ((count / 32) as usize).min(self.limbs.len());
        self.limbs.drain(..whole);
        let bits = (count % 32) as u32;
        let mut above = 0u32;
        for limb in self.limbs.iter_mut().rev() {
            let wide = (u64::from(above) << 32 | u64::from(*limb)) >> bits;
            above = *limb;
            *limb = wide as u32;
        }
        self.trim();
    }

    /// Divides by 10^9 in place; the remainder.
    pub(super) fn divide_ten_pow_9(&mut self) -> u32 {
        let mut rest = 0u64;
        for limb in self.limbs.iter_mut().rev() {
            let wide = rest << 32 | u64::from(*limb);
            *limb = (wide / u64::from(TEN_POW_9)) as u32;
            rest = wide % u64::from(TEN_POW_9);
        }
        self.trim();
        rest as u32
    }

    fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = addend;
        for limb in &mut self.limbs {
            let wide = u64::from(*limb) * u64::from(factor) + u64::from(carry);
            (*limb, carry) = (wide as u32, (wide >> 32) as u32);
        }
        if carry != 0 {
            self.limbs.push(carry);
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_len = self.limbs.len().cmp(&other.limbs.len());
        by_len.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }
}

/// The largest power of ten in a limb.
const TEN_POW_9: u32 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn big(value: u128) -> Big {
        let mut limbs: Vec<u32> = (0..4).map(|i| (value >> (32 * i)) as u32).collect();
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Big { limbs }
    }

    proptest! {
        #[test]
        fn equals_the_machine(a: u128, b: u128, shift in 0u64..128) {
            let text = alloc::format!("{a}");
            prop_assert_eq!(Big::from_digits(text.as_bytes().iter()), big(a));
            prop_assert_eq!(big(a).bits(), u64::from(128 - a.leading_zeros()));
            prop_assert_eq!(big(a).low_u128(), a);
            let mut x = big(a);
            prop_assert_eq!(x.subtract_if_possible(&big(b)), a >= b);
            prop_assert_eq!(x, big(a.checked_sub(b).unwrap_or(a)));
            let mut x = big(a);
            x.shift_right(shift);
            prop_assert_eq!(&x, &big(a >> shift));
            prop_assert_eq!(big(a).any_bit_below(shift), a & ((1 << shift) - 1) != 0);
            x.shift_left(shift);
            prop_assert_eq!(x, big(a >> shift << shift));
            let mut x = big(a);
            prop_assert_eq!(u128::from(x.divide_ten_pow_9()), a % 1_000_000_000);
            prop_assert_eq!(x, big(a / 1_000_000_000));
        }

        #[test]
        fn powers_of_ten(power in 0u32..39) {
            prop_assert_eq!(Big::power_of_ten(power), big(10u128.pow(power)));
        }
    }
}
