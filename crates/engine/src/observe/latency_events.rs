//! Latency events: when something took longer than `latency-monitor-threshold`, by kind.
//!
//! Not the histograms of commands (see [`crate::info`]), which know of every call.

use alloc::collections::{BTreeMap, VecDeque};

/// Samples of a kind that are kept; there is at most one for each second.
const SAMPLES_MAX: usize = 160;

const NANOS_PER_MS: u64 = 1_000_000;

/// The worst event of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) unix_seconds: i64,
    pub(crate) ms: u64,
}

/// The events of one kind.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// Oldest first; never empty.
    pub(crate) samples: VecDeque<Sample>,
    /// The worst since the last reset.
    pub(crate) max_ms: u64,
}

/// Figures of a [`Series`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) mean_ms: u64,
    /// Mean distance from the mean.
    pub(crate) deviation_ms: u64,
    pub(crate) low_ms: u64,
    pub(crate) high_ms: u64,
    /// Mean time between events.
    pub(crate) period_seconds: f64,
}

/// All kinds.
#[derive(Debug)]
pub(crate) struct LatencyEvents {
    least_nanos: u64,
    by_event: BTreeMap<&'static str, Series>,
}

impl Default for LatencyEvents {
    fn default() -> Self {
        Self {
            least_nanos: u64::MAX,
            by_event: BTreeMap::new(),
        }
    }
}

impl LatencyEvents {
    /// 0 for never.
    pub(super) fn set_threshold_ms(&mut self, ms: u64) {
        self.least_nanos = match ms {
            0 => u64::MAX,
            ms => ms.saturating_mul(NANOS_PER_MS),
        };
    }

    /// The least time that is recorded.
    #[inline]
    pub(super) const fn least_nanos(&self) -> u64 {
        self.least_nanos
    }

    /// Whether anything is recorded.
    pub(crate) const fn is_on(&self) -> bool {
        self.least_nanos != u64::MAX
    }

    pub(super) fn record(&mut self, event: &'static str, unix_seconds: i64, nanos: u64) {
        let series = self.by_event.entry(event).or_default();
        series.push(unix_seconds, nanos / NANOS_PER_MS);
    }

    pub(crate) fn find(&self, event: &[u8]) -> Option<&Series> {
        let event = core::str::from_utf8(event).ok()?;
        self.by_event.get(event)
    }

    /// By name.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Series)> {
        self.by_event.iter().map(|(event, series)| (*event, series))
    }

    /// Forgets the events of one kind, or of all; how many kinds there were.
    pub(crate) fn reset(&mut self, event: Option<&[u8]>) -> usize {
        let before = self.by_event.len();
        let is_meant =
            |name: &str| event.is_none_or(|wanted| wanted.eq_ignore_ascii_case(name.as_bytes()));
        self.by_event.retain(|name, _| !is_meant(name));
        before - self.by_event.len()
    }
}

impl Series {
    pub(crate) fn push(&mut self, unix_seconds: i64, ms: u64) {
        self.max_ms = self.max_ms.max(ms);
        if let Some(last) = self.samples.back_mut()
            && last.unix_seconds == unix_seconds
        {
            last.ms = last.ms.max(ms);
            return;
        }
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { unix_seconds, ms });
    }

    pub(crate) fn summary(&self, now_seconds: i64) -> Summary {
        let count = self.samples.len() as u64;
        let all = || self.samples.iter().map(|sample| sample.ms);
        let mean = |sum: u64| sum.checked_div(count).unwrap_or(0);
        let mean_ms = mean(all().fold(0, u64::saturating_add));
        let distances = all().map(|ms| ms.abs_diff(mean_ms));
        let oldest = self.samples.front().map_or(now_seconds, |s| s.unix_seconds);
        let seconds = now_seconds.saturating_sub(oldest).max(1);
        Summary {
            count,
            mean_ms,
            deviation_ms: mean(distances.fold(0, u64::saturating_add)),
            low_ms: all().min().unwrap_or(0),
            high_ms: all().max().unwrap_or(0),
            period_seconds: seconds as f64 / count.max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LatencyEvents, SAMPLES_MAX};

    const MS: u64 = 1_000_000;

    #[test]
    fn the_worst_of_each_second_is_kept() {
        let mut events = LatencyEvents::default();
        for (seconds, ms) in [(10, 5), (10, 9), (10, 7), (12, 3)] {
            events.record("command", seconds, ms * MS);
        }
        let series = events.find(b"command");
        let samples = series.map(|s| s.samples.iter().map(|s| (s.unix_seconds, s.ms)).collect());
        assert_eq!(samples, Some(alloc::vec![(10, 9), (12, 3)]));
        assert_eq!(series.map(|s| s.max_ms), Some(9));
        let summary = series.map(|s| s.summary(14));
        assert_eq!(
            summary.map(|s| (s.count, s.mean_ms, s.deviation_ms, s.low_ms, s.high_ms)),
            Some((2, 6, 3, 3, 9))
        );
        assert_eq!(summary.map(|s| s.period_seconds), Some(2.0));
    }

    #[test]
    fn old_samples_give_way_and_kinds_are_reset() {
        let mut events = LatencyEvents::default();
        for seconds in 0..1000 {
            events.record("command", seconds, MS);
            events.record("fast-command", seconds, MS);
        }
        let len = events.find(b"command").map(|s| s.samples.len());
        assert_eq!(len, Some(SAMPLES_MAX));
        assert_eq!(events.reset(Some(b"none")), 0);
        assert_eq!(events.reset(Some(b"COMMAND")), 1);
        assert_eq!(events.reset(None), 1);
        assert_eq!(events.iter().len(), 0);
    }
}
