//! What is recorded about the commands that run: the command log, latency events, what MONITOR
//! shows, hot keys.
//!
//! All of it is told to people and decides nothing: it stands outside of the accounted memory, of
//! the digest and of the effects. A command that is of no interest costs a few comparisons.

mod command_log;
mod hot_keys;
mod latency_events;
mod monitor;
mod redact;

use alloc::vec::Vec;
use core::time::Duration;

use vk_resp::Request;
use vk_spec::Flags;

pub(crate) use command_log::{CommandLog, LogKind};
pub(crate) use hot_keys::HotKeys;
pub(crate) use latency_events::{LatencyEvents, Series, Summary};
pub(crate) use redact::{REDACTED, Secrets};

use crate::{
    Engine, SessionId,
    access::KeyRef,
    cmd::{Command, CommandId, connection::address},
    config::{Config, id},
};

/// Everything that is recorded.
#[derive(Debug, Default)]
pub(crate) struct Observers {
    pub(crate) log: CommandLog,
    pub(crate) latency: LatencyEvents,
    pub(crate) hot_keys: HotKeys,
    /// Sessions that MONITOR, in the order in which they began.
    pub(crate) monitors: Vec<SessionId>,
}

/// A command that has run to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran<'r> {
    pub(crate) session: SessionId,
    pub(crate) id: CommandId,
    pub(crate) request: Request<'r>,
    /// How long it took.
    pub(crate) nanos: u64,
    /// Size of its reply.
    pub(crate) reply_bytes: u64,
}

impl Observers {
    /// Follows the directives.
    pub(crate) fn configure(&mut self, config: &Config) {
        self.log.configure(config);
        let threshold_ms = config.int(id::LATENCY_MONITOR_THRESHOLD);
        self.latency.set_threshold_ms(threshold_ms.unsigned_abs());
        let count = |id| usize::try_from(config.int(id)).unwrap_or(0);
        self.hot_keys.configure(hot_keys::Settings {
            top_k: count(id::HOTKEYS_TOP_K),
            window: Duration::from_secs(config.int(id::HOTKEYS_WINDOW_SECONDS).unsigned_abs()),
            percent: config.int(id::HOTKEYS_SAMPLING_PERCENTAGE).unsigned_abs(),
        });
    }

    /// Whether a command may belong into a log.
    #[inline]
    fn is_notable(&self, ran: &Ran<'_>) -> bool {
        ran.nanos >= self.latency.least_nanos() || self.log.is_notable(ran)
    }
}

impl Engine {
    /// Records a command that has run to its end.
    #[inline]
    pub(crate) fn observe(&mut self, ran: &Ran<'_>) {
        if self.observe.is_notable(ran) {
            self.record(ran);
        }
    }

    #[cold]
    fn record(&mut self, ran: &Ran<'_>) {
        let command = self.commands.command(ran.id);
        let event = if command.spec.flags.contains(Flags::FAST) {
            "fast-command"
        } else {
            "command"
        };
        self.latency_event(event, ran.nanos);
        if command.spec.flags.contains(Flags::SKIP_SLOWLOG) {
            return;
        }
        let Some(state) = self.sessions.find(ran.session) else {
            return;
        };
        let (from, name) = (address(state), state.name.clone());
        let secrets = Secrets::of(self.commands.full_name(ran.id), &command.spec, ran.request);
        let now = self.wall;
        self.observe.log.note(ran, &secrets, now, &from, &name);
    }

    /// Takes the time of something that may hold everybody up: `command`, `fast-command`,
    /// `command-unblocking`, `expire-cycle`, `eviction-cycle`, `eviction-del` and what else LATENCY
    /// is to tell of.
    #[inline]
    pub(crate) fn latency_event(&mut self, event: &'static str, nanos: u64) {
        if nanos >= self.observe.latency.least_nanos() {
            let seconds = self.wall.0.div_euclid(1_000_000);
            self.observe.latency.record(event, seconds, nanos);
        }
    }

    /// Counts the uses of the keys of a command, where hot keys are looked for. Commands that ask
    /// about a key are no use of it.
    #[inline]
    pub(crate) fn observe_keys(&mut self, id: CommandId, keys: &[KeyRef<'_>]) {
        if self.observe.hot_keys.is_on() {
            self.count_keys(self.commands.command(id), keys);
        }
    }

    #[cold]
    fn count_keys(&mut self, command: &Command, keys: &[KeyRef<'_>]) {
        const ASKING: [&str; 5] = ["encoding", "freq", "idletime", "refcount", "usage"];
        let uses = command.is_read() || command.is_write();
        if !uses || ASKING.contains(&command.spec.name) {
            return;
        }
        for key in keys {
            self.observe.hot_keys.count(self.mono, key.db, key.bytes);
        }
    }
}

#[cfg(test)]
mod tests;
