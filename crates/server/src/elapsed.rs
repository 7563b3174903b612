//! Elapsed time for the engine's statistics, and the engine's other services.
//!
//! The time is asked for with every request, and reading the kernel's clock is a large part of what
//! a small request costs. The processor's counter is read in a fraction of that. It is used
//! where the processor promises a constant rate and the kernel has found it alike on all cores, and
//! its rate is measured against the clock again and again: after a jump (a suspended machine, a
//! virtual one that has moved) the clock serves until the rate is known again. What is shown never
//! goes backwards. Data, order and deadlines do not depend on it.

use std::{
    fs,
    time::{Duration, Instant},
};

use vk_engine::{Host, Ticks};

/// The shortest time over which the rate is measured.
const WINDOW_MIN: Duration = Duration::from_millis(100);
/// A measurement counts if reading both clocks took at most this part of the window.
const GAP_PART_MAX: u64 = 1_000;
/// A rate that differs from the one before by more than this part is a jump.
const JUMP_PART: u64 = 64;
/// Nanoseconds per count are kept in units of 2^-32.
const SCALE_BITS: u32 = 32;

/// The services that the engine calls.
#[derive(Debug)]
pub(crate) struct LoopHost {
    origin: Instant,
    /// Added to the clock, so that it continues what the counter has shown.
    ahead_nanos: u64,
    counter: Option<Counter>,
}

/// The processor's counter against the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counter {
    /// The counter at the last measurement.
    count: u64,
    /// The time at the last measurement in nanoseconds.
    nanos: u64,
    /// Nanoseconds per count in units of 2^-32; 0 while it is not known.
    scale: u64,
}

/// Both clocks at about the same moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    count_before: u64,
    nanos: u64,
    count_after: u64,
}

impl Host for LoopHost {
    #[inline]
    fn ticks(&self) -> Ticks {
        if let Some(counter) = &self.counter
            && counter.scale != 0
            && let Some(count) = vk_mem::cycle_counter()
        {
            return Ticks(counter.nanos_at(count));
        }
        Ticks(self.clock_nanos())
    }

    fn stall(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl LoopHost {
    pub(crate) fn new() -> Self {
        let count = is_trusted().then(vk_mem::cycle_counter).flatten();
        Self {
            origin: Instant::now(),
            ahead_nanos: 0,
            counter: count.map(|count| Counter {
                count,
                nanos: 0,
                scale: 0,
            }),
        }
    }

    /// Measures the counter's rate. To be called with every tick.
    pub(crate) fn calibrate(&mut self) {
        let Some(count_before) = vk_mem::cycle_counter() else {
            return;
        };
        let nanos = self.clock_nanos();
        let sample = Sample {
            count_before,
            nanos,
            count_after: vk_mem::cycle_counter().unwrap_or(count_before),
        };
        if let Some(counter) = &mut self.counter {
            counter.adjust(sample);
            let ahead = counter.nanos.saturating_sub(nanos);
            self.ahead_nanos = self.ahead_nanos.saturating_add(ahead);
        }
    }

    fn clock_nanos(&self) -> u64 {
        let elapsed = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        elapsed.saturating_add(self.ahead_nanos)
    }
}

impl Counter {
    #[inline]
    fn nanos_at(&self, count: u64) -> u64 {
        // Another core may be some counts behind.
        let counts = count.saturating_sub(self.count);
        let nanos = (u128::from(counts) * u128::from(self.scale)) >> SCALE_BITS;
        self.nanos.saturating_add(nanos as u64)
    }

    /// Takes a measurement into account. The time goes on from whichever clock is ahead.
    fn adjust(&mut self, sample: Sample) {
        let window_nanos = sample.nanos.saturating_sub(self.nanos);
        if u128::from(window_nanos) < WINDOW_MIN.as_nanos() {
            return;
        }
        let counts = sample.count_before.saturating_sub(self.count);
        let gap = sample.count_after.saturating_sub(sample.count_before);
        let is_backwards = sample.count_before < self.count;
        if !is_backwards && gap > counts / GAP_PART_MAX {
            // Interrupted between the two clocks: the next tick does better.
            return;
        }
        let scale = (u128::from(window_nanos) << SCALE_BITS)
            .checked_div(u128::from(counts))
            .and_then(|scale| u64::try_from(scale).ok())
            .unwrap_or(0);
        let is_jump = self.scale != 0 && scale.abs_diff(self.scale) > self.scale / JUMP_PART;
        *self = Self {
            count: sample.count_after,
            nanos: sample.nanos.max(self.nanos_at(sample.count_after)),
            scale: if is_jump { 0 } else { scale },
        };
    }
}

/// Whether the counter can serve as a clock: the processor says that its rate is constant and that
/// it never stops, and the kernel has not found it to be otherwise.
fn is_trusted() -> bool {
    let clocks = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    is_invariant(&read("/proc/cpuinfo")) && read(clocks).split_whitespace().any(|c| c == "tsc")
}

fn is_invariant(cpuinfo: &str) -> bool {
    let mut lines = cpuinfo.lines().filter(|line| line.starts_with("flags"));
    let has_both = |line: &str| {
        ["constant_tsc", "nonstop_tsc"]
            .iter()
            .all(|flag| line.split_whitespace().any(|word| word == *flag))
    };
    lines.next().is_some_and(has_both) && lines.all(has_both)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn sample(count: u64, nanos: u64) -> Sample {
        Sample {
            count_before: count,
            nanos,
            count_after: count + 20,
        }
    }

    /// At 2 counts per nanosecond.
    fn known() -> Counter {
        let mut counter = Counter {
            count: 1_000,
            nanos: 0,
            scale: 0,
        };
        counter.adjust(sample(1_000 + 200 * MS, 100 * MS));
        counter
    }

    #[test]
    fn the_rate_is_measured_and_the_time_goes_on() {
        let counter = known();
        assert_eq!((counter.nanos, counter.scale), (100 * MS, 1 << 31));
        assert_eq!(counter.nanos_at(counter.count + 6 * MS), 103 * MS);
        assert_eq!(counter.nanos_at(counter.count - 5), 100 * MS);
    }

    #[test]
    fn a_short_or_interrupted_measurement_changes_nothing() {
        let before = known();
        let mut counter = before;
        counter.adjust(sample(counter.count + 2 * MS, 101 * MS));
        assert_eq!(counter, before);
        let mut late = sample(counter.count + 200 * MS, 200 * MS);
        late.count_after += MS;
        counter.adjust(late);
        assert_eq!(counter, before);
    }

    #[test]
    fn after_a_jump_the_clock_serves_and_nothing_goes_backwards() {
        // A suspended machine: the counter ran on for ten seconds.
        let mut counter = known();
        let count = counter.count + 20_000 * MS;
        let shown = counter.nanos_at(count);
        counter.adjust(sample(count, 200 * MS));
        assert!(counter.scale == 0 && counter.nanos >= shown);
        // A counter that began anew.
        let mut counter = known();
        counter.adjust(sample(7, 300 * MS));
        assert_eq!((counter.scale, counter.nanos), (0, 300 * MS));
        counter.adjust(sample(7 + 400 * MS, 500 * MS));
        assert!(counter.scale.abs_diff(1 << 31) < 1 << 16);
    }

    #[test]
    fn the_host_agrees_with_the_clock() {
        let mut host = LoopHost::new();
        let mut last = 0;
        for _ in 0..3 {
            std::thread::sleep(WINDOW_MIN);
            host.calibrate();
            // The thread may stop between any two of these lines, so both sides ask the clock.
            let outer = Instant::now();
            let from = host.ticks().0;
            let inner = Instant::now();
            let mut at_least = Duration::ZERO;
            while at_least < Duration::from_millis(20) {
                at_least = inner.elapsed();
                let now = host.ticks().0;
                assert!(now >= last);
                last = now;
            }
            let (shown, at_least) = (last - from, at_least.as_nanos() as u64);
            let at_most = outer.elapsed().as_nanos() as u64;
            let is_near = shown > at_least - at_least / 4 && shown < at_most + at_most / 4;
            assert!(is_near, "{at_least} {shown} {at_most}");
        }
    }

    #[test]
    fn all_processors_must_promise() {
        let good = "processor : 0\nflags\t\t: fpu constant_tsc nonstop_tsc\n";
        assert!(is_invariant(good) && is_invariant(&good.repeat(2)));
        assert!(!is_invariant(""));
        assert!(!is_invariant(&format!("{good}flags : fpu constant_tsc\n")));
    }
}
