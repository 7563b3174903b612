//! Registers as runs of equal ones:
//!
//! ```text
//! 00llllll           l + 1 registers of 0
//! 01llllll llllllll  l + 1 registers of 0
//! 1vvvvvll           l + 1 registers of v + 1
//! ```
//!
//! Reading here; [`super::edit`] changes them.

use alloc::string::String;
use core::fmt::Write as _;

use super::REGISTERS;
use super::estimate::Histogram;

/// The highest value that a run can have.
pub(super) const VALUE_MAX: u8 = 32;
/// The longest run of a value.
pub(super) const VALUE_LEN_MAX: usize = 4;
/// The longest run of zeros in one byte.
pub(super) const ZERO_LEN_MAX: usize = 64;

/// Equal registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// 0 for registers that nothing has raised.
    pub(super) value: u8,
    /// Registers.
    pub(super) len: usize,
    /// Bytes of the run: 2 for the long form of zeros.
    pub(super) bytes: usize,
}

/// The run that begins at `at`; `None` at the end, or where a run is cut off.
#[inline]
pub(super) fn run(runs: &[u8], at: usize) -> Option<Run> {
    let first = *runs.get(at)?;
    Some(match first >> 6 {
        0 => Run {
            value: 0,
            len: usize::from(first) + 1,
            bytes: 1,
        },
        1 => Run {
            value: 0,
            len: (usize::from(first & 63) << 8 | usize::from(*runs.get(at + 1)?)) + 1,
            bytes: 2,
        },
        _ => Run {
            value: (first >> 2 & 31) + 1,
            len: usize::from(first & 3) + 1,
            bytes: 1,
        },
    })
}

/// Whether the runs are whole and cover the registers exactly.
pub(super) fn is_complete(runs: &[u8]) -> bool {
    let (mut at, mut covered) = (0, 0);
    while covered < REGISTERS {
        let Some(run) = run(runs, at) else {
            return false;
        };
        covered += run.len;
        at += run.bytes;
    }
    covered == REGISTERS && at == runs.len()
}

fn each(runs: &[u8]) -> impl Iterator<Item = Run> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let run = run(runs, at)?;
        at += run.bytes;
        Some(run)
    })
}

/// One register.
pub(super) fn register(runs: &[u8], index: usize) -> u8 {
    let mut end = 0;
    let covers = |run: &Run| {
        end += run.len;
        index < end
    };
    each(runs).find(covers).map_or(0, |run| run.value)
}

/// Counts the values.
pub(super) fn histogram(runs: &[u8], histogram: &mut Histogram) {
    for run in each(runs) {
        histogram[usize::from(run.value)] += run.len as u32;
    }
}

/// Raises each register of `union` to the one here.
pub(super) fn merge(runs: &[u8], union: &mut [u8; REGISTERS]) {
    let mut start = 0;
    for run in each(runs) {
        let end = start + run.len;
        if run.value > 0 {
            for register in union.get_mut(start..end).unwrap_or_default() {
                *register = (*register).max(run.value);
            }
        }
        start = end;
    }
}

/// The runs for people.
pub(super) fn text(runs: &[u8]) -> String {
    let mut text = String::new();
    for run in each(runs) {
        if !text.is_empty() {
            text.push(' ');
        }
        let _ = match (run.value, run.bytes) {
            (0, 1) => write!(text, "z:{}", run.len),
            (0, _) => write!(text, "Z:{}", run.len),
            (value, _) => write!(text, "v:{value},{}", run.len),
        };
    }
    text
}

/// Writes a run in its shortest form into `place`; returns its length in bytes.
pub(super) fn write(place: &mut [u8; 2], value: u8, len: usize) -> usize {
    let less = len - 1;
    if value > 0 {
        place[0] = 0x80 | (value - 1) << 2 | less as u8;
        1
    } else if len <= ZERO_LEN_MAX {
        place[0] = less as u8;
        1
    } else {
        *place = [0x40 | (less >> 8) as u8, less as u8];
        2
    }
}
