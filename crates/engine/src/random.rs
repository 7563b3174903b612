//! The machine's random generator: xoshiro256** over seeds from the shell.
//!
//! Deterministic for equal seeds, and not for secrets. Source:
//! <https://prng.di.unimi.it/xoshiro256starstar.c> (public domain), whose state is four words.

/// A generator.
#[derive(Debug, Clone)]
pub(crate) struct Random([u64; 4]);

impl Random {
    /// Starts from four words; all-zero ones would never leave zero and are replaced.
    pub(crate) fn new(seed: [u64; 4]) -> Self {
        Self(if seed == [0; 4] { [1, 2, 3, 4] } else { seed })
    }

    /// Mixes more entropy in.
    pub(crate) fn add(&mut self, seed: [u64; 4]) {
        let mut mixed = self.0;
        for (word, more) in mixed.iter_mut().zip(seed) {
            *word ^= more;
        }
        *self = Self::new(mixed);
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
