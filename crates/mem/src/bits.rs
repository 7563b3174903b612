//! Kernels over the bits of byte strings: counting, searching, combining. Chosen once by what the
//! processor can do; the result never depends on the choice. What a bitmap means is not known here.
//!
//! The loops are plain code, compiled once more for each set of instructions: the compiler makes
//! vector code of all of them.
#![cfg_attr(
    all(target_arch = "x86_64", not(miri)),
    expect(
        unsafe_code,
        reason = "code for instructions that not every processor has is reached by unsafe only"
    )
)]

mod features;

pub use features::{CpuFeatures, set_cpu_features};

#[cfg(all(target_arch = "x86_64", not(miri)))]
use features::{Level, level};

/// How two bytes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOp {
    /// Bits that both have.
    And,
    /// Bits that either has.
    Or,
    /// Bits that one of them has.
    Xor,
}

/// Defines a kernel: the portable loop, its copies for better processors, and the choice.
macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident = $portable:ident, $avx2:ident, $avx512:ident;
     ($($arg:ident: $type:ty),*) $(-> $result:ty)?) => {
        $(#[$doc])*
        pub fn $name($($arg: $type),*) $(-> $result)? {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            match level() {
                Level::Portable => {}
                // SAFETY: the level is recorded only after the processor and the operating system
                // have said that these instructions can be used.
                // JUSTIFICATION: two to eight times as many bytes per second.
                Level::Avx2 => return unsafe { $avx2($($arg),*) },
                // SAFETY: as above.
                // JUSTIFICATION: as above.
                Level::Avx512 => return unsafe { $avx512($($arg),*) },
            }
            $portable($($arg),*)
        }

        #[cfg(all(target_arch = "x86_64", not(miri)))]
        #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
        fn $avx2($($arg: $type),*) $(-> $result)? {
            $portable($($arg),*)
        }

        #[cfg(all(target_arch = "x86_64", not(miri)))]
        #[target_feature(
            enable = "avx2,popcnt,bmi1,bmi2,avx512f,avx512bw,avx512vl,avx512vpopcntdq"
        )]
        fn $avx512($($arg: $type),*) $(-> $result)? {
            $portable($($arg),*)
        }
    };
}

kernel! {
    /// Number of bits that are set.
    #[must_use]
    popcount = popcount_portable, popcount_avx2, popcount_avx512;
    (bytes: &[u8]) -> u64
}

kernel! {
    /// Index of the first byte that is not `byte`.
    #[must_use]
    first_other_byte = first_other_portable, first_other_avx2, first_other_avx512;
    (bytes: &[u8], byte: u8) -> Option<usize>
}

kernel! {
    /// Puts the combination of both into `into`, as far as both go.
    combine_bits = combine_portable, combine_avx2, combine_avx512;
    (op: BitOp, into: &mut [u8], with: &[u8])
}

kernel! {
    /// Turns every bit.
    invert_bits = invert_portable, invert_avx2, invert_avx512;
    (bytes: &mut [u8])
}

kernel! {
    /// Puts the greater byte of both into `into`, as far as both go.
    max_bytes = max_portable, max_avx2, max_avx512;
    (into: &mut [u8], with: &[u8])
}

/// Bytes of a step of the portable loops.
const BLOCK: usize = 64;
const WORD: usize = size_of::<u64>();

#[inline(always)]
fn popcount_portable(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<WORD>();
    let mut sum = 0_u64;
    for word in words {
        sum = sum.wrapping_add(u64::from(u64::from_le_bytes(*word).count_ones()));
    }
    for byte in tail {
        sum = sum.wrapping_add(u64::from(byte.count_ones()));
    }
    sum
}

#[inline(always)]
fn first_other_portable(bytes: &[u8], byte: u8) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let same = blocks.iter().take_while(|block| {
        let mut difference = 0;
        for each in *block {
            difference |= each ^ byte;
        }
        difference == 0
    });
    let skipped = same.count() * BLOCK;
    let rest = bytes.get(skipped..).unwrap_or_default();
    let at = rest.iter().position(|each| *each != byte)?;
    Some(skipped + at)
}

#[inline(always)]
fn combine_portable(op: BitOp, into: &mut [u8], with: &[u8]) {
    match op {
        BitOp::And => into.iter_mut().zip(with).for_each(|(a, b)| *a &= b),
        BitOp::Or => into.iter_mut().zip(with).for_each(|(a, b)| *a |= b),
        BitOp::Xor => into.iter_mut().zip(with).for_each(|(a, b)| *a ^= b),
    }
}

#[inline(always)]
fn invert_portable(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}

#[inline(always)]
fn max_portable(into: &mut [u8], with: &[u8]) {
    for (a, b) in into.iter_mut().zip(with) {
        *a = (*a).max(*b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// All kernels on one input, by the chosen code.
    type Results = (
        u64,
        Option<usize>,
        Option<usize>,
        [Vec<u8>; 3],
        Vec<u8>,
        Vec<u8>,
    );

    fn all(a: &[u8], b: &[u8]) -> Results {
        let combined = [BitOp::And, BitOp::Or, BitOp::Xor].map(|op| {
            let mut into = a.to_vec();
            combine_bits(op, &mut into, b);
            into
        });
        let (mut inverted, mut greater) = (a.to_vec(), a.to_vec());
        invert_bits(&mut inverted);
        max_bytes(&mut greater, b);
        (
            popcount(a),
            first_other_byte(a, 0),
            first_other_byte(a, 0xff),
            combined,
            inverted,
            greater,
        )
    }

    /// The same, byte by byte.
    fn plain(a: &[u8], b: &[u8]) -> Results {
        let each = |f: fn(u8, u8) -> u8| -> Vec<u8> {
            let at = |(i, x): (usize, &u8)| b.get(i).map_or(*x, |y| f(*x, *y));
            a.iter().enumerate().map(at).collect()
        };
        (
            a.iter().map(|x| u64::from(x.count_ones())).sum(),
            a.iter().position(|x| *x != 0),
            a.iter().position(|x| *x != 0xff),
            [each(|x, y| x & y), each(|x, y| x | y), each(|x, y| x ^ y)],
            a.iter().map(|x| !x).collect(),
            each(u8::max),
        )
    }

    fn string() -> impl Strategy<Value = Vec<u8>> {
        let long = if cfg!(miri) { 200 } else { 3000 };
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..long),
            (0..long, 0..long, any::<u8>()).prop_map(|(len, at, byte)| {
                let mut bytes = std::vec![0; len];
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
                bytes
            }),
            (0..long).prop_map(|len| std::vec![0xff; len]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]
        #[test]
        fn every_level_gives_the_plain_result(a in string(), b in string(), cut in 0_usize..70) {
            // Any alignment.
            let a = a.get(cut..).unwrap_or_default();
            let expected = plain(a, &b);
            for features in [
                CpuFeatures::default(),
                CpuFeatures { avx2: true, ..CpuFeatures::default() },
                CpuFeatures { avx2: true, avx512: true },
            ] {
                set_cpu_features(features);
                prop_assert_eq!(&all(a, &b), &expected, "{:?}", features);
            }
        }
    }
}
