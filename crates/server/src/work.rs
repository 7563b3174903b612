//! How much of the engine's own work is done in a turn of the loop.

use std::time::Duration;

use vk_engine::{MonoMicros, WorkBudget};

/// Who asks waits for no slice that takes much longer.
const SLICE: Duration = Duration::from_micros(500);
/// So little is done at least, and what a slice begins with.
const ENTRIES_MIN: usize = 128;
/// So much is done at most: a slice that was short because there was nothing to do says nothing of
/// the next one.
const ENTRIES_MAX: usize = 2048;

/// The size of slices, found by the time they take. Freeing an entry takes some nanoseconds or,
/// when nothing of it is cached, half a microsecond.
#[derive(Debug)]
pub(crate) struct Slices {
    entries: usize,
}

impl Slices {
    pub(crate) fn new() -> Self {
        Self {
            entries: ENTRIES_MIN,
        }
    }

    /// What the next slice may do.
    pub(crate) fn budget(&self) -> WorkBudget {
        WorkBudget {
            entries_max: self.entries,
        }
    }

    /// The slice took so long.
    pub(crate) fn took(&mut self, time: Duration) {
        let entries = if time > SLICE {
            self.entries / 2
        } else if time < SLICE / 2 {
            self.entries * 2
        } else {
            self.entries
        };
        self.entries = entries.clamp(ENTRIES_MIN, ENTRIES_MAX);
    }
}

/// A snapshot is read out in a turn with requests for as long as they took, within these bounds.
const BUSY_MIN: Duration = Duration::from_micros(100);
const BUSY_MAX: Duration = Duration::from_micros(400);
/// In a turn without, while others are still to be expected.
const QUIET: Duration = Duration::from_micros(200);
/// And when nobody has asked for this long.
const IDLE: Duration = Duration::from_millis(1);
const IDLE_AFTER: Duration = Duration::from_millis(100);

/// How long a snapshot is read out in a turn: who asks waits for that.
#[derive(Debug, Default)]
pub(crate) struct ReadOut {
    asked_at: MonoMicros,
}

impl ReadOut {
    /// The time for it in a turn that began at `began`, if it has got so far now.
    pub(crate) fn slice(&mut self, began: MonoMicros, now: MonoMicros, is_asked: bool) -> Duration {
        if is_asked {
            self.asked_at = now;
            let took = Duration::from_micros(now.0.saturating_sub(began.0));
            return took.clamp(BUSY_MIN, BUSY_MAX);
        }
        if now >= self.asked_at.after(IDLE_AFTER) {
            IDLE
        } else {
            QUIET
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_takes_what_the_requests_leave() {
        let mut read_out = ReadOut::default();
        let at = |micros: u64| MonoMicros(1_000_000 + micros);
        assert_eq!(read_out.slice(at(0), at(1), false), IDLE);
        assert_eq!(read_out.slice(at(10), at(20), true), BUSY_MIN);
        assert_eq!(read_out.slice(at(30), at(30), false), QUIET);
        let long = read_out.slice(at(100), at(350), true);
        assert_eq!(long, Duration::from_micros(250));
        assert_eq!(read_out.slice(at(400), at(2000), true), BUSY_MAX);
        assert_eq!(read_out.slice(at(101_999), at(101_999), false), QUIET);
        assert_eq!(read_out.slice(at(102_000), at(102_000), false), IDLE);
    }

    #[test]
    fn slices_become_as_long_as_they_may_be() {
        for nanos_per_entry in [1, 10, 100, 500, 1_000, 100_000] {
            let mut slices = Slices::new();
            let time = |slices: &Slices| {
                Duration::from_nanos(slices.budget().entries_max as u64 * nanos_per_entry)
            };
            for _ in 0..10 {
                slices.took(time(&slices));
            }
            let (entries, time) = (slices.budget().entries_max, time(&slices));
            assert!(
                time <= SLICE || entries == ENTRIES_MIN,
                "{entries} {time:?}"
            );
            assert!(
                time >= SLICE / 2 || entries == ENTRIES_MAX,
                "{entries} {time:?}"
            );
        }
    }
}
