//! Distances and coordinates as replies show them: fixed-point texts. Not doubles in general.

/// Room for a distance: 19 digits of a 64-bit integer, and a point.
pub const DISTANCE_TEXT_MAX: usize = 24;
/// Room for a coordinate: sign, three digits, point, 17 digits.
pub const COORDINATE_TEXT_MAX: usize = 24;

/// Digits behind the point of a coordinate, at most.
const COORDINATE_DECIMALS: u32 = 17;

/// A distance with four digits behind the point, rounded to nearest, ties to even.
#[must_use]
pub fn distance_text(distance: f64, room: &mut [u8; DISTANCE_TEXT_MAX]) -> &[u8] {
    const SCALE: u64 = 10_000;
    let scaled = libm::rint(distance * SCALE as f64) as u64;
    let mut text = Text { room, len: 0 };
    text.put(itoa(scaled / SCALE, &mut [0; 20]));
    text.put(b".");
    text.put_padded(scaled % SCALE, 4);
    text.finish()
}

/// A coordinate in degrees with at most 17 digits behind the point, of the exact binary value,
/// rounded to nearest, ties to even, without trailing zeros. Never `-0`. At most 2^10 degrees.
#[must_use]
pub fn coordinate_text(degrees: f64, room: &mut [u8; COORDINATE_TEXT_MAX]) -> &[u8] {
    const SCALE: u64 = 10_u64.pow(COORDINATE_DECIMALS);
    const FRACTION: u64 = (1 << 52) - 1;
    let bits = degrees.to_bits();
    let field = (bits >> 52) as u32 & 0x7ff;
    // The value is `significand / 2^shift`, and above 2^-64 if it is to show at all.
    let significand = bits & FRACTION | 1 << 52;
    let shift = 1075_u32.saturating_sub(field).max(43);
    let (mut whole, mut fraction) = (0, 0);
    if shift <= 116 {
        let one = 1_u128 << shift;
        let product = (u128::from(significand) & (one - 1)) * u128::from(SCALE);
        whole = (u128::from(significand) >> shift) as u64;
        fraction = (product >> shift) as u64;
        let rest = product & (one - 1);
        let half = one >> 1;
        if rest > half || (rest == half && fraction & 1 == 1) {
            fraction += 1;
        }
        if fraction == SCALE {
            (whole, fraction) = (whole + 1, 0);
        }
    }
    let mut text = Text { room, len: 0 };
    if degrees < 0.0 && (whole, fraction) != (0, 0) {
        text.put(b"-");
    }
    text.put(itoa(whole, &mut [0; 20]));
    if fraction != 0 {
        text.put(b".");
        text.put_padded(fraction, COORDINATE_DECIMALS as usize);
        text.drop_zeros();
    }
    text.finish()
}

/// Decimal digits.
fn itoa(value: u64, room: &mut [u8; 20]) -> &[u8] {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    crate::num::format_i64(value, room)
}

/// A text that grows; what does not fit is left out.
struct Text<'r, const N: usize> {
    room: &'r mut [u8; N],
    len: usize,
}

impl<'r, const N: usize> Text<'r, N> {
    fn put(&mut self, piece: &[u8]) {
        let free = self.room.get_mut(self.len..).unwrap_or_default();
        for (slot, byte) in free.iter_mut().zip(piece) {
            *slot = *byte;
            self.len += 1;
        }
    }

    /// Digits with zeros before them, `width` in all.
    fn put_padded(&mut self, value: u64, width: usize) {
        let mut room = [0; 20];
        let digits = itoa(value, &mut room);
        for _ in digits.len()..width {
            self.put(b"0");
        }
        self.put(digits);
    }

    fn drop_zeros(&mut self) {
        let text = self.room.get(..self.len).unwrap_or_default();
        let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
        self.len -= zeros;
    }

    fn finish(self) -> &'r [u8] {
        self.room.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::long_double::LongDouble;
    use alloc::{format, string::String};
    use proptest::prelude::*;

    fn distance(value: f64) -> String {
        let mut room = [0; DISTANCE_TEXT_MAX];
        String::from_utf8(distance_text(value, &mut room).to_vec()).unwrap()
    }

    fn coordinate(value: f64) -> String {
        let mut room = [0; COORDINATE_TEXT_MAX];
        String::from_utf8(coordinate_text(value, &mut room).to_vec()).unwrap()
    }

    /// The same by the arithmetic of INCRBYFLOAT, whose format holds every double.
    fn exact(value: f64) -> String {
        let bits = value.abs().to_bits();
        let (field, fraction) = (bits >> 52, bits & ((1 << 52) - 1));
        let (significand, power) = match field {
            0 => (fraction, -1074),
            field => (fraction | 1 << 52, field.cast_signed() - 1075),
        };
        let sign = if value.is_sign_negative() { "-" } else { "" };
        let text = format!("{sign}0x{significand:x}p{power}");
        LongDouble::parse(text.as_bytes()).unwrap().to_human()
    }

    #[test]
    fn distances_have_four_decimals() {
        for (value, text) in [
            (0.0, "0.0000"),
            (0.775_04, "0.7750"),
            (166_274.151_56, "166274.1516"),
            (0.000_05, "0.0000"),
            (0.000_25, "0.0002"),
            (20_015_077.123, "20015077.1230"),
        ] {
            assert_eq!(distance(value), text);
        }
    }

    #[test]
    fn coordinates_are_exact() {
        for value in [
            0.0,
            -0.0,
            180.0,
            -180.0,
            85.051_128_78,
            13.361_389_338_970_184,
            -0.1,
            5e-324,
            1e-17,
            4e-18,
            6e-18,
            -4e-18,
            1.0 / 3.0,
            1_023.999_999_999_999_9,
        ] {
            assert_eq!(coordinate(value), exact(value), "{value}");
        }
    }

    proptest! {
        #[test]
        fn coordinates_equal_the_long_way(value in -180.0..180.0) {
            prop_assert_eq!(coordinate(value), exact(value));
            let small = value / 1e14;
            prop_assert_eq!(coordinate(small), exact(small));
        }
    }
}
