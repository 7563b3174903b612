//! Sign and order of 80-bit numbers. Not their arithmetic.

use core::cmp::Ordering;
use core::ops::Neg;

use super::{Class, LongDouble};

impl Neg for LongDouble {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            negative: !self.negative,
            class: self.class,
        }
    }
}

impl PartialEq for LongDouble {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for LongDouble {
    /// As IEEE 754 has it: both zeros are equal, NaN has no order.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let difference = match (self.class, other.class) {
            (Class::Infinite, Class::Infinite) if self.negative == other.negative => Self::ZERO,
            // The sign is right even where the difference is rounded, and two different numbers
            // never round to zero apart: subnormals fill the gap.
            _ => *self + -*other,
        };
        match difference.class {
            Class::Nan => None,
            Class::Finite { sig: 0, .. } => Some(Ordering::Equal),
            _ if difference.negative => Some(Ordering::Less),
            _ => Some(Ordering::Greater),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::LongDouble;

    #[test]
    fn numbers_have_the_order_of_the_line() {
        let line = [
            "-inf",
            "-1e4000",
            "-1",
            "-0x1p-16445",
            "0",
            "0x1p-16445",
            "1",
            "1e4000",
            "inf",
        ];
        let line = line.map(|text| LongDouble::parse(text.as_bytes()).unwrap());
        for (i, a) in line.iter().enumerate() {
            for (j, b) in line.iter().enumerate() {
                assert_eq!(a.partial_cmp(b), Some(i.cmp(&j)), "{a:?} {b:?}");
            }
            assert_eq!(-*a, line[line.len() - 1 - i]);
        }
        assert_eq!(-LongDouble::ZERO, LongDouble::ZERO);
        assert_eq!(
            LongDouble::from(f64::NAN).partial_cmp(&LongDouble::ZERO),
            None
        );
    }
}
