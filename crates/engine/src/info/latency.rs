//! How long a command takes: counts in buckets whose width grows with the time, so that every
//! figure is right to within 1.6 %. Not a record of single calls.

use alloc::{boxed::Box, vec, vec::Vec};

/// Buckets per power of two.
const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.ilog2();
/// Times beyond a second count as a second.
const NANOS_MAX: u64 = 1_000_000_000;
const BUCKETS: usize = (NANOS_MAX.ilog2() - STEP_BITS + 2) as usize * STEPS as usize;

/// Powers of two, in nanoseconds, of the first and the last time of [`Histogram::doublings`].
const FIRST_DOUBLING: u32 = 10;
const LAST_DOUBLING: u32 = 30;

/// Counts by time.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Box<[u32]>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let counts: Vec<u32> = vec![0; BUCKETS];
        Self {
            counts: counts.into_boxed_slice(),
            total: 0,
        }
    }
}

impl Histogram {
    /// What each takes.
    pub(crate) const MEMORY_BYTES: usize = size_of::<Self>() + BUCKETS * size_of::<u32>();

    pub(crate) fn record(&mut self, nanos: u64) {
        if let Some(count) = self.counts.get_mut(bucket(nanos.min(NANOS_MAX))) {
            *count = count.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
    }

    /// Calls that were recorded.
    pub(crate) const fn calls(&self) -> u64 {
        self.total
    }

    /// By time that doubles from 1.024 microseconds on: the microseconds, and how many calls did
    /// not take longer. Times at which nothing is added are left out.
    pub(crate) fn doublings(&self) -> impl Iterator<Item = (u64, u64)> {
        let (mut told, mut from) = (0, 0);
        let mut calls = 0_u64;
        (FIRST_DOUBLING..=LAST_DOUBLING).filter_map(move |power| {
            let nanos = 1_u64 << power;
            let to = bucket(nanos).saturating_add(1);
            let here = self.counts.get(from..to.min(BUCKETS)).unwrap_or_default();
            calls = here.iter().fold(calls, |sum, n| sum + u64::from(*n));
            from = to;
            let grown = calls > told;
            told = calls;
            // The time is the end of a bucket of 128 to a doubling, as Valkey's are.
            grown.then_some(((nanos + nanos / 128 - 1) / 1000, calls))
        })
    }

    /// The time that this many percent of the calls did not exceed, in nanoseconds.
    pub(crate) fn percentile_nanos(&self, percentile: f64) -> u64 {
        let rank = (percentile / 100.0 * self.total as f64 + 0.5) as u64;
        let mut left = rank.clamp(1, self.total.max(1));
        for (at, count) in self.counts.iter().enumerate() {
            let count = u64::from(*count);
            if count >= left {
                return bucket_end(at as u64);
            }
            left -= count;
        }
        0
    }
}

/// Below [`STEPS`] every number has its own bucket; above, the leading bits choose it.
const fn bucket(nanos: u64) -> usize {
    if nanos < STEPS {
        return nanos as usize;
    }
    let shift = nanos.ilog2() - STEP_BITS;
    (shift as u64 * STEPS + (nanos >> shift)) as usize
}

/// The greatest number in a bucket.
const fn bucket_end(bucket: u64) -> u64 {
    if bucket < 2 * STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    ((bucket - shift * STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, NANOS_MAX, bucket, bucket_end};

    #[test]
    fn every_number_lies_in_a_bucket_that_is_narrow() {
        let mut nanos = 0;
        while nanos <= NANOS_MAX {
            let at = bucket(nanos);
            assert!(at < BUCKETS, "{nanos}");
            let end = bucket_end(at as u64);
            assert!(nanos <= end && end <= nanos + nanos / 64, "{nanos} {end}");
            assert_eq!(bucket(end), at);
            assert_eq!(bucket(end + 1), at + 1);
            nanos += nanos / 50 + 1;
        }
    }

    #[test]
    fn doublings_count_up_and_end_with_all_calls() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.doublings().count(), 0);
        for nanos in [0, 1000, 1500, 40_000, 40_001, u64::MAX] {
            histogram.record(nanos);
        }
        let told: alloc::vec::Vec<_> = histogram.doublings().collect();
        assert_eq!(told, [(1, 2), (2, 3), (66, 5), (1_082_130, 6)]);
        assert_eq!(histogram.calls(), 6);
    }

    #[test]
    fn percentiles() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile_nanos(50.0), 0);
        for nanos in 1..=100 {
            histogram.record(nanos);
        }
        assert_eq!(histogram.percentile_nanos(0.0), 1);
        assert_eq!(histogram.percentile_nanos(50.0), 50);
        assert_eq!(histogram.percentile_nanos(99.0), 99);
        assert_eq!(histogram.percentile_nanos(100.0), 100);
        histogram.record(u64::MAX);
        assert!(histogram.percentile_nanos(100.0) >= NANOS_MAX);
    }
}
