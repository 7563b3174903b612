//! A HyperLogLog that grows. The same elements in the same order give the same bytes as in Valkey,
//! which decides how runs are split and joined.

use alloc::vec;
use alloc::vec::Vec;

use super::hash::pattern;
use super::sparse::{Run, VALUE_LEN_MAX, VALUE_MAX, run, write};
use super::{
    DENSE_BYTES, ENCODING_AT, HEADER_BYTES, Hll, HllEncoding, MAGIC, REGISTERS, Registers, dense,
    invalidate, sparse,
};

/// Bytes that one change of a sparse HyperLogLog puts in the place of a run: zeros, a value, zeros.
const SPLIT_BYTES_MAX: usize = 5;
/// Runs that are looked at for two that can be joined.
const JOIN_RUNS: usize = 5;

/// A HyperLogLog of one's own.
#[derive(Clone, Debug)]
pub struct HllBuf {
    bytes: Vec<u8>,
    /// The run before the one that was changed last, and its first register: changes in ascending
    /// order need not start from the front.
    near: (usize, usize),
}

impl HllBuf {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        bytes[ENCODING_AT] = HllEncoding::SPARSE;
        let mut zeros = [0; 2];
        let len = write(&mut zeros, 0, REGISTERS);
        bytes.extend_from_slice(&zeros[..len]);
        Self {
            bytes,
            near: (HEADER_BYTES, 0),
        }
    }

    /// A copy.
    #[must_use]
    pub fn of(hll: Hll<'_>) -> Self {
        Self {
            bytes: hll.bytes.to_vec(),
            near: (HEADER_BYTES, 0),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, to be kept.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How the registers are stored.
    #[must_use]
    pub fn encoding(&self) -> HllEncoding {
        match self.bytes.get(ENCODING_AT) {
            Some(&HllEncoding::DENSE) => HllEncoding::Dense,
            _ => HllEncoding::Sparse,
        }
    }

    /// Adds an element; tells whether that changed a register. A sparse one becomes dense when it
    /// would be longer than `sparse_bytes_max`.
    pub fn add(&mut self, element: &[u8], sparse_bytes_max: usize) -> bool {
        let (index, rank) = pattern(element);
        self.raise(index, rank, sparse_bytes_max)
    }

    /// Says that the estimate in the header is out of date.
    pub fn invalidate(&mut self) {
        invalidate(&mut self.bytes);
    }

    /// Raises all registers to those of a union that this one is part of.
    pub fn raise_all(&mut self, union: &Registers, sparse_bytes_max: usize) {
        if self.encoding() == HllEncoding::Sparse {
            for (index, &rank) in union.values().iter().enumerate() {
                if rank > 0 {
                    self.raise(index, rank, sparse_bytes_max);
                }
                if self.encoding() == HllEncoding::Dense {
                    break;
                }
            }
        }
        if self.encoding() == HllEncoding::Dense {
            dense::pack(union.values(), &mut self.bytes[HEADER_BYTES..]);
        }
        self.invalidate();
    }

    /// Makes it dense; tells whether it was not.
    pub fn make_dense(&mut self) -> bool {
        if self.encoding() == HllEncoding::Dense {
            return false;
        }
        let mut registers = Registers::new();
        sparse::merge(&self.bytes[HEADER_BYTES..], &mut registers.0);
        self.bytes.truncate(HEADER_BYTES);
        self.bytes.resize(DENSE_BYTES, 0);
        self.bytes[ENCODING_AT] = HllEncoding::DENSE;
        dense::pack(&registers.0, &mut self.bytes[HEADER_BYTES..]);
        true
    }

    pub(super) fn raise(&mut self, index: usize, rank: u8, sparse_bytes_max: usize) -> bool {
        let changed = if self.encoding() == HllEncoding::Dense {
            dense::raise(&mut self.bytes[HEADER_BYTES..], index, rank)
        } else if rank > VALUE_MAX {
            self.raise_densely(index, rank)
        } else {
            self.raise_sparsely(index, rank, sparse_bytes_max)
        };
        if changed {
            self.invalidate();
        }
        changed
    }

    fn raise_densely(&mut self, index: usize, rank: u8) -> bool {
        self.make_dense();
        dense::raise(&mut self.bytes[HEADER_BYTES..], index, rank)
    }

    fn raise_sparsely(&mut self, index: usize, rank: u8, sparse_bytes_max: usize) -> bool {
        let Some(found) = self.find(index) else {
            return false;
        };
        let Found { at, first, old, .. } = found;
        if old.value >= rank {
            return false;
        }
        let mut split = [0; SPLIT_BYTES_MAX];
        let mut len = 0;
        let last = first + old.len - 1;
        for (value, registers) in [
            (old.value, index - first),
            (rank, 1),
            (old.value, last - index),
        ] {
            if registers > 0 {
                let mut run = [0; 2];
                let bytes = write(&mut run, value, registers);
                split[len..len + bytes].copy_from_slice(&run[..bytes]);
                len += bytes;
            }
        }
        if len > old.bytes && self.bytes.len() + (len - old.bytes) > sparse_bytes_max {
            return self.raise_densely(index, rank);
        }
        self.bytes
            .splice(at..at + old.bytes, split[..len].iter().copied());
        self.near = found.before;
        self.join(found.before.0);
        true
    }

    /// The run of a register.
    fn find(&self, index: usize) -> Option<Found> {
        let near = self.near;
        if index >= near.1
            && let Some(found) = self.find_from(near, index)
            // What stands before the run that is near is not known.
            && found.at != near.0
        {
            return Some(found);
        }
        self.find_from((HEADER_BYTES, 0), index)
    }

    fn find_from(&self, start: (usize, usize), index: usize) -> Option<Found> {
        let (mut at, mut first) = start;
        let mut before = start;
        loop {
            let old = run(&self.bytes, at)?;
            if index < first + old.len {
                return Some(Found {
                    at,
                    first,
                    old,
                    before,
                });
            }
            before = (at, first);
            at += old.bytes;
            first += old.len;
        }
    }

    /// Joins neighbouring runs of the same value from the run at `at` on.
    fn join(&mut self, mut at: usize) {
        for _ in 0..JOIN_RUNS {
            let Some(left) = run(&self.bytes, at) else {
                return;
            };
            let next = at + left.bytes;
            if left.value > 0
                && let Some(right) = run(&self.bytes, next)
                && right.value == left.value
                && left.len + right.len <= VALUE_LEN_MAX
            {
                let mut joined = [0; 2];
                write(&mut joined, left.value, left.len + right.len);
                self.bytes[at] = joined[0];
                self.bytes.remove(next);
            } else {
                at = next;
            }
        }
    }
}

impl Default for HllBuf {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a register was found.
#[derive(Clone, Copy)]
struct Found {
    /// Offset of its run.
    at: usize,
    /// First register of the run.
    first: usize,
    old: Run,
    /// Offset and first register of the run before; the run itself if it is the first one.
    before: (usize, usize),
}
