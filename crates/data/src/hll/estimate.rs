//! From registers to an estimate.

use core::f64::consts::LN_2;

use super::{INDEX_BITS, REGISTERS};

/// How many values a register of 6 bits can have.
pub(super) const RANKS: usize = 64;
/// How often each value of a register occurs.
pub(super) type Histogram = [u32; RANKS];

/// Bits of a hash beyond those that choose the register.
const HASH_BITS: usize = (u64::BITS - INDEX_BITS) as usize;

/// Counts the values of registers that have a byte each.
pub(super) fn tally(registers: &[u8], histogram: &mut Histogram) {
    // Neighbours are often equal; four counters of each value do not wait for each other.
    let mut parts = [[0_u32; RANKS]; 4];
    let (quads, rest) = registers.as_chunks::<4>();
    for quad in quads {
        for (part, value) in parts.iter_mut().zip(quad) {
            part[usize::from(value & 63)] += 1;
        }
    }
    for value in rest {
        parts[0][usize::from(value & 63)] += 1;
    }
    for part in parts {
        for (sum, count) in histogram.iter_mut().zip(part) {
            *sum += count;
        }
    }
}

/// The estimate; `None` where the registers give no finite one.
pub(super) fn count(histogram: &Histogram) -> Option<u64> {
    let m = REGISTERS as f64;
    let of = |rank: usize| f64::from(histogram.get(rank).copied().unwrap_or(0));
    let mut z = m * tau((m - of(HASH_BITS + 1)) / m);
    for rank in (1..=HASH_BITS).rev() {
        z += of(rank);
        z *= 0.5;
    }
    z += m * sigma(of(0) / m);
    let estimate = (0.5 / LN_2) * m * m / z;
    // The cache has 63 bits for it.
    (estimate < i64::MAX as f64).then(|| rounded(estimate))
}

/// To the nearest integer, halves away from zero.
fn rounded(value: f64) -> u64 {
    let floor = value as u64;
    floor + u64::from(value - floor as f64 >= 0.5)
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = libm::sqrt(x);
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
