//! SipHash-1-3: the keyed hash of everything that a peer can name. One-shot over a byte slice.
//!
//! Not a `core::hash::Hasher`: keys here are whole byte strings, and the one-shot form saves the
//! buffering that a streaming hasher needs. The key must be random and secret; it is the caller's.
//! Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with one compression
//! and three finalization rounds.

/// The 64-bit SipHash-1-3 of `data` under the 128-bit key `(k0, k1)` (little-endian halves).
#[must_use]
#[inline]
pub fn siphash13(k0: u64, k1: u64, data: &[u8]) -> u64 {
    let mut state = State {
        v0: k0 ^ 0x736f_6d65_7073_6575,
        v1: k1 ^ 0x646f_7261_6e64_6f6d,
        v2: k0 ^ 0x6c79_6765_6e65_7261,
        v3: k1 ^ 0x7465_6462_7974_6573,
    };
    let (words, tail) = data.as_chunks::<8>();
    for word in words {
        state.absorb(u64::from_le_bytes(*word));
    }
    // The last word carries the length, modulo 256, in its top byte.
    state.absorb(tail_word(tail) | ((data.len() as u64) << 56));
    state.v2 ^= 0xff;
    state.round();
    state.round();
    state.round();
    state.v0 ^ state.v1 ^ state.v2 ^ state.v3
}

/// The four lanes of the permutation.
struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline(always)]
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    #[inline(always)]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }
}

/// Up to seven bytes as a little-endian word. Overlapping fixed-size reads instead of a loop,
/// because most keys are short and the tail is a good part of the whole.
#[inline(always)]
pub(crate) fn tail_word(tail: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (tail.first_chunk::<4>(), tail.last_chunk::<4>()) {
        let shift = 8 * (tail.len() as u32 - 4);
        return u64::from(u32::from_le_bytes(*first))
            | (u64::from(u32::from_le_bytes(*last)) << shift);
    }
    match *tail {
        [a, b, c] => u64::from(a) | (u64::from(b) << 8) | (u64::from(c) << 16),
        [a, b] => u64::from(a) | (u64::from(b) << 8),
        [a] => u64::from(a),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::hash::Hasher;
    use proptest::prelude::*;

    fn reference(k0: u64, k1: u64, data: &[u8]) -> u64 {
        let mut hasher = siphasher::sip::SipHasher13::new_with_keys(k0, k1);
        hasher.write(data);
        hasher.finish()
    }

    #[test]
    fn equals_the_reference_at_every_short_length() {
        let data: Vec<u8> = (0..=255).collect();
        for len in 0..=data.len() {
            let (k0, k1) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
            assert_eq!(
                siphash13(k0, k1, &data[..len]),
                reference(k0, k1, &data[..len]),
                "{len}"
            );
        }
    }

    proptest! {
        #[test]
        fn equals_the_reference(
            k0: u64,
            k1: u64,
            data in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            prop_assert_eq!(siphash13(k0, k1, &data), reference(k0, k1, &data));
        }
    }
}
