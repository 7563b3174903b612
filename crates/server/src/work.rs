//! How much of the engine's own work is done in a turn of the loop.

use std::time::Duration;

use vk_engine::WorkBudget;

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

#[cfg(test)]
mod tests {
    use super::*;

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
