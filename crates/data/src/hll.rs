//! HyperLogLogs: estimates of how many distinct elements were seen, as strings that are byte for
//! byte Valkey's. 16,384 registers of 6 bits, either all of them (dense) or as runs (sparse).
//! No keys, no replies.
//!
//! Sixteen bytes of header: `HYLL`, the encoding, three unused bytes, and the last estimate as a
//! little-endian number whose most significant bit says that it is out of date. Estimator:
//! Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284.

pub mod check;
mod dense;
mod edit;
mod estimate;
mod hash;
mod self_test;
mod sparse;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::string::String;

pub use edit::HllBuf;
pub use self_test::self_test;

use hash::pattern;

/// Number of registers.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// Length of a dense HyperLogLog in bytes.
pub const DENSE_BYTES: usize = HEADER_BYTES + REGISTERS * REGISTER_BITS / 8;

const INDEX_BITS: u32 = 14;
const REGISTER_BITS: usize = 6;
const HEADER_BYTES: usize = 16;
const MAGIC: &[u8; 4] = b"HYLL";
const ENCODING_AT: usize = 4;
const CACHE_AT: usize = 8;
/// In the last byte of the header.
const OUT_OF_DATE: u8 = 0x80;

/// Why a string is no HyperLogLog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HllError {
    /// It does not even look like one.
    NotHll,
    /// Its header is right and its registers are not.
    Corrupted,
}

/// How the registers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HllEncoding {
    /// Each with 6 bits.
    Dense,
    /// As runs of equal ones.
    Sparse,
}

impl HllEncoding {
    const DENSE: u8 = 0;
    const SPARSE: u8 = 1;

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Sparse => "sparse",
        }
    }
}

/// A HyperLogLog to be read; its structure was checked.
#[derive(Clone, Copy, Debug)]
pub struct Hll<'a> {
    bytes: &'a [u8],
    encoding: HllEncoding,
}

impl<'a> Hll<'a> {
    /// Checks the structure of a string, in at most one step per register.
    ///
    /// # Errors
    /// If it is no HyperLogLog.
    pub fn new(bytes: &'a [u8]) -> Result<Self, HllError> {
        if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) {
            return Err(HllError::NotHll);
        }
        let encoding = match bytes.get(ENCODING_AT) {
            Some(&HllEncoding::DENSE) if bytes.len() == DENSE_BYTES => HllEncoding::Dense,
            Some(&HllEncoding::SPARSE) => HllEncoding::Sparse,
            _ => return Err(HllError::NotHll),
        };
        let hll = Self { bytes, encoding };
        if encoding == HllEncoding::Sparse && !sparse::is_complete(hll.registers()) {
            return Err(HllError::Corrupted);
        }
        Ok(hll)
    }

    /// How the registers are stored.
    #[must_use]
    pub const fn encoding(self) -> HllEncoding {
        self.encoding
    }

    /// The last estimate, if nothing was added since.
    #[must_use]
    pub fn cached_count(self) -> Option<u64> {
        let cache = self.bytes.get(CACHE_AT..)?.first_chunk()?;
        let count = u64::from_le_bytes(*cache);
        (count >> 63 == 0).then_some(count)
    }

    /// The estimate, computed anew.
    ///
    /// # Errors
    /// If the registers hold what no elements can have left there.
    pub fn count(self) -> Result<u64, HllError> {
        let mut histogram = [0; estimate::RANKS];
        match self.encoding {
            HllEncoding::Dense => dense::histogram(self.registers(), &mut histogram),
            HllEncoding::Sparse => sparse::histogram(self.registers(), &mut histogram),
        }
        estimate::count(&histogram).ok_or(HllError::Corrupted)
    }

    /// Whether adding this element would change a register.
    #[must_use]
    pub fn lacks(self, element: &[u8]) -> bool {
        let (index, rank) = pattern(element);
        let register = match self.encoding {
            HllEncoding::Dense => dense::register(self.registers(), index),
            HllEncoding::Sparse => sparse::register(self.registers(), index),
        };
        register < rank
    }

    /// The runs of a sparse one, as PFDEBUG DECODE tells them.
    #[must_use]
    pub fn runs(self) -> Option<String> {
        (self.encoding == HllEncoding::Sparse).then(|| sparse::text(self.registers()))
    }

    fn registers(self) -> &'a [u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }
}

/// Adds elements to a dense HyperLogLog in its place; tells whether a register changed. Bytes that
/// are none are left alone.
pub fn add_dense<'e>(bytes: &mut [u8], elements: impl Iterator<Item = &'e [u8]>) -> bool {
    if bytes.len() != DENSE_BYTES {
        return false;
    }
    let (header, registers) = bytes.split_at_mut(HEADER_BYTES);
    let mut changed = false;
    for element in elements {
        let (index, rank) = pattern(element);
        changed |= dense::raise(registers, index, rank);
    }
    if changed {
        invalidate(header);
    }
    changed
}

/// Puts an estimate into the header of a HyperLogLog.
pub fn store_count(bytes: &mut [u8], count: u64) {
    let place = bytes.get_mut(CACHE_AT..).and_then(|b| b.first_chunk_mut());
    if let Some(place) = place {
        *place = count.to_le_bytes();
    }
}

fn invalidate(header: &mut [u8]) {
    if let Some(last) = header.get_mut(HEADER_BYTES - 1) {
        *last |= OUT_OF_DATE;
    }
}

/// The registers of a union, one byte each.
#[derive(Clone, Debug)]
pub struct Registers(Box<[u8; REGISTERS]>);

impl Registers {
    /// Those of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::new([0; REGISTERS]))
    }

    /// Joins a HyperLogLog to the union.
    pub fn merge(&mut self, hll: Hll<'_>) {
        match hll.encoding {
            HllEncoding::Dense => dense::merge(hll.registers(), &mut self.0),
            HllEncoding::Sparse => sparse::merge(hll.registers(), &mut self.0),
        }
    }

    /// The estimate.
    ///
    /// # Errors
    /// If the registers hold what no elements can have left there.
    pub fn count(&self) -> Result<u64, HllError> {
        let mut histogram = [0; estimate::RANKS];
        estimate::tally(&self.0[..], &mut histogram);
        estimate::count(&histogram).ok_or(HllError::Corrupted)
    }

    /// All registers in order.
    #[must_use]
    pub fn values(&self) -> &[u8; REGISTERS] {
        &self.0
    }
}

impl Default for Registers {
    fn default() -> Self {
        Self::new()
    }
}
