//! What the loop tells the engine about the world: time, memory, processor time.
//! Reading it is cheap enough for every tick; nothing here may fail the server.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};
use vk_engine::{HostFacts, MonoMicros, UnixMicros};

use crate::allocator::Sampler;

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

/// What the loop counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) input_bytes: u64,
    pub(crate) output_bytes: u64,
    pub(crate) requests: u64,
    pub(crate) turns: u64,
    pub(crate) busy_micros: u64,
    /// The longest turn since the engine was last told.
    busy_micros_max: u64,
    /// The most requests of a turn since the engine was last told.
    requests_max: u64,
    /// Requests before this turn.
    requests_before: u64,
    pub(crate) rejected: u64,
    pub(crate) accept_errors: u64,
}

impl Counters {
    /// Ends a turn that took so long.
    pub(crate) fn end_turn(&mut self, busy_micros: u64) {
        self.turns = self.turns.wrapping_add(1);
        self.busy_micros = self.busy_micros.wrapping_add(busy_micros);
        self.busy_micros_max = self.busy_micros_max.max(busy_micros);
        let requests = self.requests.wrapping_sub(self.requests_before);
        self.requests_max = self.requests_max.max(requests);
        self.requests_before = self.requests;
    }

    /// Requests have come in this turn.
    pub(crate) fn is_busy(&self) -> bool {
        self.requests != self.requests_before
    }

    /// Puts the counters in; the greatest values begin anew.
    pub(crate) fn tell(&mut self, facts: &mut HostFacts) {
        facts.input_bytes_total = self.input_bytes;
        facts.output_bytes_total = self.output_bytes;
        facts.reads_total = self.reads;
        facts.writes_total = self.writes;
        facts.eventloop_cycles = self.turns;
        facts.eventloop_micros = self.busy_micros;
        facts.eventloop_max_micros = std::mem::take(&mut self.busy_micros_max);
        facts.eventloop_requests_max = std::mem::take(&mut self.requests_max);
        facts.rejected_connections = self.rejected;
        facts.accept_errors = self.accept_errors;
    }
}

/// Reads the figures of the process.
#[derive(Debug)]
pub(crate) struct Gauges {
    statm: Option<File>,
    page_bytes: u64,
    allocator: Sampler,
}

impl Gauges {
    pub(crate) fn open() -> Self {
        Self {
            statm: File::open("/proc/self/statm").ok(),
            page_bytes: rustix::param::page_size() as u64,
            allocator: Sampler::begin(),
        }
    }

    /// Puts the figures of this moment in, but for those of the allocator, which are a tick old.
    pub(crate) fn read(&self, facts: &mut HostFacts) {
        facts.rss_bytes = self.rss_bytes();
        self.allocator.tell(facts);
        add_processor(facts);
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
        let mut facts = HostFacts::default();
        Gauges::open().read(&mut facts);
        assert!(facts.rss_bytes > 100_000, "{facts:?}");
        assert!(system_memory_bytes() > facts.rss_bytes);
    }

    #[test]
    fn the_greatest_turn_is_told_once() {
        let (mut counters, mut facts) = (Counters::default(), HostFacts::default());
        for (requests, micros) in [(3, 10), (5, 7)] {
            counters.requests += requests;
            counters.end_turn(micros);
        }
        counters.tell(&mut facts);
        assert_eq!((facts.eventloop_cycles, facts.eventloop_micros), (2, 17));
        let max = |facts: &HostFacts| (facts.eventloop_max_micros, facts.eventloop_requests_max);
        assert_eq!(max(&facts), (10, 5));
        counters.end_turn(4);
        counters.tell(&mut facts);
        assert_eq!(max(&facts), (4, 0));
    }

    #[test]
    fn the_monotonic_clock_goes_on() {
        let mut clock = Clock::start();
        let before = clock.mono;
        std::thread::sleep(std::time::Duration::from_millis(2));
        clock.read();
        assert!(clock.mono > before && clock.wall.0 > 1_600_000_000_000_000);
    }
}
