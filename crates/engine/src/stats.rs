//! Counters of the server: what INFO tells and CONFIG RESETSTAT sets back.
//!
//! Statistics never influence what a command does.

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec, vec::Vec};

use crate::{HostFacts, MonoMicros, cmd::CommandId, info::Histogram};

/// Counters of one command.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CommandStats {
    pub(crate) calls: u64,
    /// Time in nanoseconds.
    pub(crate) nanos: u64,
    /// Refused before it ran.
    pub(crate) rejected: u64,
    /// Ended with an error.
    pub(crate) failed: u64,
}

/// Counters since the start or the last CONFIG RESETSTAT.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) connections: u64,
    pub(crate) commands: u64,
    pub(crate) expired_keys: u64,
    pub(crate) expired_fields: u64,
    pub(crate) expire_cycle_cpu_nanos: u64,
    pub(crate) expired_time_cap_reached: u64,
    pub(crate) keyspace_hits: u64,
    pub(crate) keyspace_misses: u64,
    pub(crate) error_replies: u64,
    pub(crate) unexpected_error_replies: u64,
    pub(crate) acl_denied_auth: u64,
    pub(crate) acl_denied_cmd: u64,
    pub(crate) idle_closed: u64,
    pub(crate) query_limit_closed: u64,
    pub(crate) output_limit_closed: u64,
    pub(crate) evicted_keys: u64,
    pub(crate) evicted_clients: u64,
    /// Time above `maxmemory`, up to when it last ended.
    pub(crate) eviction_exceeded_micros: u64,
    /// Running mean: of a hundred keys that expire, how many were due and left for later.
    pub(crate) stale_percent: f64,
    pub(crate) memory_peak_bytes: u64,
    pub(crate) by_command: Vec<CommandStats>,
    /// How long each command takes, from its first call on.
    latencies: Vec<Option<Box<Histogram>>>,
    latency_bytes: usize,
    /// By error code; see [`ERROR_CODES_MAX`].
    pub(crate) errors: BTreeMap<String, u64>,
    /// Error replies whose code was one too many.
    pub(crate) errors_overflowed: u64,
    /// Time of the periodic work in nanoseconds.
    pub(crate) cron_nanos: u64,
    /// The longest turn of the event loop in microseconds.
    pub(crate) eventloop_max_micros: u64,
    /// The most requests of one turn.
    pub(crate) eventloop_requests_max: u64,
    /// The shell's figures when the counters were set back: what INFO tells begins there.
    pub(crate) host_base: HostFacts,
}

/// Distinct error codes at which no more are taken from clients, who could make up any number.
pub(crate) const ERROR_CODES_MAX: usize = 128;

impl Stats {
    pub(crate) fn new(commands: usize) -> Self {
        Self {
            by_command: vec![CommandStats::default(); commands],
            latencies: vec![None; commands],
            ..Self::default()
        }
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&mut self) {
        let memory_peak_bytes = self.memory_peak_bytes;
        *self = Self {
            memory_peak_bytes,
            ..Self::new(self.by_command.len())
        };
    }

    pub(crate) fn command(&mut self, id: CommandId) -> Option<&mut CommandStats> {
        self.by_command.get_mut(id.index())
    }

    /// Takes the time of one call.
    pub(crate) fn record_latency(&mut self, id: CommandId, nanos: u64) {
        if let Some(place) = self.latencies.get_mut(id.index()) {
            if place.is_none() {
                self.latency_bytes += Histogram::MEMORY_BYTES;
            }
            place.get_or_insert_default().record(nanos);
        }
    }

    /// Bytes of what grows with use: histograms and error codes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.latency_bytes + self.errors.len() * size_of::<(String, u64)>()
    }

    /// What [`Stats::memory_bytes`] has to be, by a walk.
    pub(crate) fn recount_bytes(&self) -> usize {
        let histograms = self.latencies.iter().flatten().count();
        histograms * Histogram::MEMORY_BYTES + self.errors.len() * size_of::<(String, u64)>()
    }

    /// How long a command takes, if it was called.
    pub(crate) fn latency(&self, id: CommandId) -> Option<&Histogram> {
        self.latencies.get(id.index())?.as_deref()
    }

    /// Counts an error reply of the server by its code, the first word.
    pub(crate) fn count_error(&mut self, text: &str) {
        self.error_replies += 1;
        let code = text.split(' ').next().unwrap_or("ERR");
        match self.errors.get_mut(code) {
            Some(count) => *count += 1,
            // There are only so many codes of our own.
            None => drop(self.errors.insert(code.into(), 1)),
        }
    }

    /// Counts an error reply whose text is a client's: one code too many is counted as such.
    pub(crate) fn count_foreign_error(&mut self, text: &str) {
        let code = text.split(' ').next().unwrap_or("ERR");
        if self.errors.len() < ERROR_CODES_MAX || self.errors.contains_key(code) {
            self.count_error(text);
        } else {
            self.error_replies += 1;
            self.errors_overflowed += 1;
        }
    }
}

/// Samples kept by a [`Rate`].
const RATE_SAMPLES: usize = 16;

/// A value per second over the last ticks.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    samples: [u64; RATE_SAMPLES],
    next: usize,
    last_total: u64,
    last_time: MonoMicros,
}

impl Rate {
    /// Without samples, from this time and this total on.
    pub(crate) fn starting(now: MonoMicros, total: u64) -> Self {
        Self {
            last_total: total,
            last_time: now,
            ..Self::default()
        }
    }

    /// Takes the running total at this time.
    pub(crate) fn sample(&mut self, now: MonoMicros, total: u64) {
        let micros = now.0.saturating_sub(self.last_time.0);
        let grown = total.saturating_sub(self.last_total);
        let rate = grown
            .saturating_mul(1_000_000)
            .checked_div(micros)
            .unwrap_or(0);
        if let Some(place) = self.samples.get_mut(self.next % RATE_SAMPLES) {
            *place = rate;
        }
        self.next = (self.next + 1) % RATE_SAMPLES;
        self.last_total = total;
        self.last_time = now;
    }

    /// The mean of the samples.
    pub(crate) fn per_second(&self) -> u64 {
        self.samples.iter().sum::<u64>() / RATE_SAMPLES as u64
    }
}
