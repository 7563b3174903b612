//! PFSELFTEST: registers keep what is put into them, both encodings agree, and estimates are as
//! good as the theory says.

use super::hash::pattern;
use super::{DENSE_BYTES, HEADER_BYTES, Hll, HllBuf, HllEncoding, REGISTERS, Registers, dense};

/// How many times all registers are written and read.
const CYCLES: usize = 100;
/// Elements that are counted.
const ELEMENTS: u64 = 10_000_000;

/// Runs the test with numbers from `random`.
///
/// # Errors
/// What was found, as the reply tells it.
pub fn self_test(
    random: &mut dyn FnMut() -> u64,
    sparse_bytes_max: usize,
) -> Result<(), alloc::string::String> {
    registers_hold(random)?;
    estimates_hold(random(), sparse_bytes_max)
}

fn registers_hold(random: &mut dyn FnMut() -> u64) -> Result<(), alloc::string::String> {
    let mut expected = Registers::new();
    for _ in 0..CYCLES {
        let mut packed = alloc::vec![0; DENSE_BYTES - HEADER_BYTES];
        for (index, value) in expected.0.iter_mut().enumerate() {
            *value = (random() >> 32) as u8 & 63;
            dense::raise(&mut packed, index, *value);
        }
        for (index, &value) in expected.0.iter().enumerate() {
            let found = dense::register(&packed, index);
            if found != value {
                return Err(alloc::format!(
                    "TESTFAILED Register {index} should be {value} but is {found}"
                ));
            }
        }
    }
    Ok(())
}

fn estimates_hold(seed: u64, sparse_bytes_max: usize) -> Result<(), alloc::string::String> {
    let (mut sparse, mut dense) = (HllBuf::new(), HllBuf::new());
    dense.make_dense();
    let mut checkpoint = 1;
    for number in 1..=ELEMENTS {
        let (index, rank) = pattern(&(number ^ seed).to_le_bytes());
        sparse.raise(index, rank, sparse_bytes_max);
        dense.raise(index, rank, sparse_bytes_max);
        if number != checkpoint {
            continue;
        }
        if number < sparse_bytes_max as u64 / 2 && sparse.encoding() != HllEncoding::Sparse {
            return Err("TESTFAILED sparse encoding not used".into());
        }
        let estimate = |hll: &HllBuf| Hll::new(hll.bytes()).and_then(Hll::count).unwrap_or(0);
        let estimated = estimate(&dense);
        if estimate(&sparse) != estimated {
            return Err("TESTFAILED dense/sparse disagree".into());
        }
        // Six times the standard error, 1.04 / sqrt(registers); small sets have collisions.
        let error_max = match number {
            10 => 1,
            _ => libm::ceil(1.04 / libm::sqrt(REGISTERS as f64) * 6.0 * number as f64) as u64,
        };
        let error = number.abs_diff(estimated);
        if error > error_max {
            return Err(alloc::format!(
                "TESTFAILED Too big error. card:{number} abserr:{error}"
            ));
        }
        checkpoint *= 10;
    }
    Ok(())
}
