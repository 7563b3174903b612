//! What the loop tells the engine about the world: time, memory, processor time.
//! Reading it is cheap enough for every tick; nothing here may fail the server.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};
use tikv_jemalloc_ctl::{Access as _, AsName as _, epoch, stats};
use vk_engine::{Host, HostFacts, MonoMicros, Ticks, UnixMicros};

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

/// Both clocks, read once per turn.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// Time since the epoch.
    pub(crate) wall: UnixMicros,
    /// Time since the start of the process.
    pub(crate) mono: MonoMicros,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let mut clock = Self {
            origin: Instant::now(),
            wall: UnixMicros(0),
            mono: MonoMicros(0),
        };
        clock.read();
        clock
    }

    /// Begins a turn.
    #[inline]
    pub(crate) fn read(&mut self) {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.wall = UnixMicros(i64::try_from(wall.as_micros()).unwrap_or(i64::MAX));
        self.mono = self.now();
    }

    /// Monotonic time at this moment.
    #[inline]
    pub(crate) fn now(&self) -> MonoMicros {
        MonoMicros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// The services that the engine calls.
#[derive(Debug)]
pub(crate) struct LoopHost;

impl Host for LoopHost {
    #[inline]
    fn ticks(&self) -> Ticks {
        // Twice per request: the kernel's own numbers, without the arithmetic of `Instant`.
        let now = clock_gettime(ClockId::Monotonic);
        Ticks(
            now.tv_sec
                .cast_unsigned()
                .wrapping_mul(NANOS)
                .wrapping_add(now.tv_nsec.cast_unsigned()),
        )
    }

    fn stall(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// What the loop counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) input_bytes: u64,
    pub(crate) output_bytes: u64,
    pub(crate) turns: u64,
    pub(crate) busy_micros: u64,
    pub(crate) rejected: u64,
    pub(crate) accept_errors: u64,
}

/// Reads the figures of the process.
#[derive(Debug)]
pub(crate) struct Gauges {
    statm: Option<File>,
    page_bytes: u64,
}

impl Gauges {
    pub(crate) fn open() -> Self {
        Self {
            statm: File::open("/proc/self/statm").ok(),
            page_bytes: rustix::param::page_size() as u64,
        }
    }

    /// The figures now, with those that the loop counts.
    pub(crate) fn facts(&self, counters: &Counters) -> HostFacts {
        let mut facts = HostFacts {
            rss_bytes: self.rss_bytes(),
            input_bytes_total: counters.input_bytes,
            output_bytes_total: counters.output_bytes,
            reads_total: counters.reads,
            writes_total: counters.writes,
            eventloop_cycles: counters.turns,
            eventloop_micros: counters.busy_micros,
            rejected_connections: counters.rejected,
            accept_errors: counters.accept_errors,
            ..HostFacts::default()
        };
        add_allocator(&mut facts);
        add_processor(&mut facts);
        facts
    }

    /// Pages in memory, the second number of `statm`.
    fn rss_bytes(&self) -> u64 {
        let Some(statm) = &self.statm else { return 0 };
        let mut bytes = [0; 128];
        let count = statm.read_at(&mut bytes, 0).unwrap_or(0);
        let text = std::str::from_utf8(bytes.get(..count).unwrap_or_default()).unwrap_or("");
        let pages: u64 = text
            .split_ascii_whitespace()
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0);
        pages.saturating_mul(self.page_bytes)
    }
}

fn add_allocator(facts: &mut HostFacts) {
    // The allocator's figures are those of the last time its epoch was advanced.
    let _ = epoch::advance();
    facts.allocator_allocated_bytes = stats::allocated::read().unwrap_or(0) as u64;
    facts.allocator_active_bytes = stats::active::read().unwrap_or(0) as u64;
    facts.allocator_resident_bytes = stats::resident::read().unwrap_or(0) as u64;
}

fn add_processor(facts: &mut HostFacts) {
    let micros = |time: TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let rest = u64::try_from(time.tv_usec()).unwrap_or(0);
        seconds.saturating_mul(1_000_000).saturating_add(rest)
    };
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
        facts.cpu_user_micros = micros(usage.user_time());
        facts.cpu_system_micros = micros(usage.system_time());
    }
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) {
        facts.cpu_user_children_micros = micros(usage.user_time());
        facts.cpu_system_children_micros = micros(usage.system_time());
    }
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) {
        facts.cpu_user_main_thread_micros = micros(usage.user_time());
        facts.cpu_system_main_thread_micros = micros(usage.system_time());
    }
}

/// Whether the allocator has the size classes that this build counts on, 8 bytes apart.
pub(crate) fn allocator_quantum_bytes() -> Option<usize> {
    b"arenas.quantum\0".name().read().ok()
}

/// Physical memory in bytes.
pub(crate) fn system_memory_bytes() -> u64 {
    let info = rustix::system::sysinfo();
    (info.totalram as u64).saturating_mul(u64::from(info.mem_unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_this_process_are_not_zero() {
        let facts = Gauges::open().facts(&Counters {
            reads: 7,
            ..Counters::default()
        });
        assert!(facts.rss_bytes > 100_000, "{facts:?}");
        assert_eq!(facts.reads_total, 7);
        assert!(system_memory_bytes() > facts.rss_bytes);
    }

    #[test]
    fn the_monotonic_clock_goes_on() {
        let mut clock = Clock::start();
        let before = clock.mono;
        std::thread::sleep(Duration::from_millis(2));
        clock.read();
        assert!(clock.mono > before && clock.wall.0 > 1_600_000_000_000_000);
    }
}
