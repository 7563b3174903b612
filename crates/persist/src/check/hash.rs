//! A hash for states.

use core::hash::{Hash, Hasher};

/// Of all that makes a state what it is.
pub(super) fn hash_of(value: &impl Hash) -> u128 {
    let mut hash = Mix {
        a: 0x243f_6a88_85a3_08d3,
        b: 0x1319_8a2e_0370_7344,
    };
    value.hash(&mut hash);
    u128::from(hash.a) << 64 | u128::from(hash.b)
}

/// A fast hash of 128 bits: equal states are met often, and different ones must not be taken for
/// equal.
struct Mix {
    a: u64,
    b: u64,
}

impl Mix {
    fn add(&mut self, word: u64) {
        let product = u128::from(self.a ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        self.a = (product >> 64) as u64 ^ self.b;
        self.b = (product as u64).rotate_left(23) ^ word.wrapping_mul(0xa409_3822_299f_31d1);
    }
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
        self.add(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.add(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.add(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }

    fn write_isize(&mut self, value: isize) {
        self.add(value as u64);
    }

    fn finish(&self) -> u64 {
        self.a
    }
}
