//! What the world tells the machine: time, and a host for the two things that are not data.
//!
//! No clock is read here; the shell reads both once per turn of its loop.

use core::time::Duration;

/// Wall-clock time in microseconds since the Unix epoch. May jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UnixMicros(pub i64);

/// Time in microseconds from a fixed point of this process. Never goes backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct MonoMicros(pub u64);

impl MonoMicros {
    /// This time and `delay` more.
    #[must_use]
    pub const fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay.as_micros() as u64))
    }
}

/// Elapsed time in nanoseconds, for statistics alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticks(pub u64);

/// Services of the shell that are calls by nature.
pub trait Host {
    /// Elapsed time. Goes into statistics, never into state, order or digest.
    fn ticks(&self) -> Ticks;
    /// Stops everything for `time` (DEBUG SLEEP).
    fn stall(&mut self, time: Duration);
}

/// The world at one turn of the shell's loop.
#[expect(missing_debug_implementations, reason = "a host need not be printable")]
pub struct Env<'h> {
    /// Wall-clock time.
    pub wall: UnixMicros,
    /// Monotonic time; never less than at the call before.
    pub mono: MonoMicros,
    /// The shell.
    pub host: &'h mut dyn Host,
}

/// How much work a call may do that is not asked for by a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkBudget {
    /// Entries that may be visited or freed.
    pub entries_max: usize,
}
