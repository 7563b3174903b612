//! How much memory the data and the sessions take, by the engine's own accounting.
//!
//! What the allocator and the kernel say stands beside it in INFO and never decides anything: the
//! engine's own figures are the same for the same requests, theirs are not.

mod recount;

use crate::{
    Engine, HostFacts, MonoMicros, SessionId,
    session::{Parked, Session},
    stats::CommandStats,
};

/// What a row of the table of commands and its index take.
const COMMAND_ROW_BYTES: usize = 96;

/// Where the memory is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MemoryOverview {
    /// Everything that is accounted for.
    pub(crate) used_bytes: u64,
    /// The most that it was.
    pub(crate) peak_bytes: u64,
    /// Of a server without data and sessions.
    pub(crate) startup_bytes: u64,
    /// Sessions and their buffers.
    pub(crate) sessions_bytes: u64,
    /// Tables of the databases without the entries.
    pub(crate) tables_bytes: u64,
    /// Who watches, waits for and caches what, and statistics.
    pub(crate) records_bytes: u64,
    /// Keys in all databases.
    pub(crate) keys: u64,
}

impl MemoryOverview {
    /// What is not keys and values.
    pub(crate) const fn overhead_bytes(&self) -> u64 {
        self.startup_bytes
            .saturating_add(self.sessions_bytes)
            .saturating_add(self.tables_bytes)
            .saturating_add(self.records_bytes)
    }

    /// Keys and values.
    pub(crate) const fn dataset_bytes(&self) -> u64 {
        self.used_bytes.saturating_sub(self.overhead_bytes())
    }

    /// The dataset's part of what is used beyond the start, in percent.
    pub(crate) fn dataset_percent(&self) -> f64 {
        let net = self.used_bytes.saturating_sub(self.startup_bytes).max(1);
        self.dataset_bytes() as f64 * 100.0 / net as f64
    }

    /// What is used now in percent of the peak.
    pub(crate) fn peak_percent(&self) -> f64 {
        ratio(self.used_bytes.saturating_mul(100), self.peak_bytes)
    }

    /// Mean size of a key with its value.
    pub(crate) fn bytes_per_key(&self) -> u64 {
        self.dataset_bytes().checked_div(self.keys).unwrap_or(0)
    }
}

/// One figure of fragmentation: a ratio, and the bytes above 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Waste {
    pub(crate) ratio: f64,
    pub(crate) bytes: i64,
}

impl Waste {
    fn of(have: u64, need: u64) -> Self {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Self {
            ratio: ratio(have, need),
            bytes: signed(have).saturating_sub(signed(need)),
        }
    }
}

/// What lies between the data and the pages of the process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fragmentation {
    /// Pages with allocations against allocations.
    pub(crate) allocator: Waste,
    /// Pages that the allocator keeps against those.
    pub(crate) allocator_rss: Waste,
    /// Pages of the process against those.
    pub(crate) rss_overhead: Waste,
    /// Pages of the process against what the engine accounts for.
    pub(crate) whole: Waste,
}

impl Fragmentation {
    pub(crate) fn of(host: &HostFacts, used_bytes: u64) -> Self {
        Self {
            allocator: Waste::of(host.allocator_active_bytes, host.allocator_allocated_bytes),
            allocator_rss: Waste::of(host.allocator_resident_bytes, host.allocator_active_bytes),
            rss_overhead: Waste::of(host.rss_bytes, host.allocator_resident_bytes),
            whole: Waste::of(host.rss_bytes, used_bytes),
        }
    }
}

/// Zero where nothing is known yet.
fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

impl Engine {
    /// Bytes of all databases rounded to size classes, of sessions with their buffers, queued
    /// transactions and held requests, of what is noted about them, and of what a server has from
    /// the start. Takes constant time: it is asked before every command.
    pub(crate) fn used_memory_bytes(&self) -> u64 {
        self.limited_bytes().saturating_add(self.uncounted_bytes())
    }

    /// The part of it that `maxmemory` bounds: what is about to be freed anyway is left out.
    #[inline]
    pub(crate) fn limited_bytes(&self) -> u64 {
        let parts = self.dbs.memory_bytes() + self.sessions.staying_bytes() + self.records_bytes();
        (parts as u64).saturating_add(self.startup_bytes())
    }

    /// What is about to be freed: removed values, and sessions that are being closed.
    pub(crate) fn uncounted_bytes(&self) -> u64 {
        let leaving = self.sessions.memory_bytes() - self.sessions.staying_bytes();
        (self.dbs.pending_bytes() + leaving) as u64
    }

    /// Tables beside the databases.
    fn records_bytes(&self) -> usize {
        self.sessions.table_bytes()
            + self.watch.memory_bytes()
            + self.blocking.memory_bytes()
            + self.tracking.memory_bytes()
            + self.pubsub.memory_bytes()
            + self.timers.len() * size_of::<(MonoMicros, SessionId)>()
            + self.stats.memory_bytes()
    }

    pub(crate) fn memory_overview(&self) -> MemoryOverview {
        let used_bytes = self.used_memory_bytes();
        let tables: usize = self.dbs.iter().map(|(_, db)| db.table_bytes()).sum();
        MemoryOverview {
            used_bytes,
            peak_bytes: self.stats.memory_peak_bytes.max(used_bytes),
            startup_bytes: self.startup_bytes(),
            sessions_bytes: self.sessions.memory_bytes() as u64,
            tables_bytes: tables as u64,
            records_bytes: self.records_bytes() as u64,
            keys: self.dbs.keys() as u64,
        }
    }

    fn startup_bytes(&self) -> u64 {
        let row = size_of::<CommandStats>() + COMMAND_ROW_BYTES;
        (size_of::<Self>() + self.commands.len() * row) as u64
    }
}

/// Bytes of a request that is held back, and of the replies of a transaction that waits.
pub(crate) fn waiting_bytes(session: &Session) -> usize {
    let held = match &session.parked {
        Some(Parked::Paused(request)) => request.held_bytes(),
        Some(Parked::Blocked(blocked)) => blocked.held_bytes(),
        Some(Parked::Timer(reply)) => reply.held_bytes(),
        Some(Parked::Work) | None => 0,
    };
    let rest = session.exec_rest.as_ref().map_or(0, |rest| {
        let queued: usize = rest.queued.iter().map(|request| request.held_bytes()).sum();
        let replies = rest.reply.held_bytes() + rest.pushes.held_bytes();
        queued.saturating_add(replies)
    });
    held.saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use super::{Fragmentation, MemoryOverview};
    use crate::{HostFacts, testkit::Kit};

    #[test]
    fn sums_up() {
        let overview = MemoryOverview {
            used_bytes: 1000,
            peak_bytes: 2000,
            startup_bytes: 200,
            sessions_bytes: 100,
            tables_bytes: 250,
            records_bytes: 50,
            keys: 4,
        };
        assert_eq!(overview.overhead_bytes(), 600);
        assert_eq!(overview.dataset_bytes(), 400);
        assert_eq!(overview.bytes_per_key(), 100);
        assert!((overview.dataset_percent() - 50.0).abs() < 1e-9);
        assert!((overview.peak_percent() - 50.0).abs() < 1e-9);
        let host = HostFacts {
            rss_bytes: 3000,
            ..HostFacts::default()
        };
        let waste = Fragmentation::of(&host, 1000);
        assert!((waste.whole.ratio - 3.0).abs() < 1e-9);
        assert_eq!(waste.whole.bytes, 2000);
        assert!(waste.allocator.ratio.abs() < 1e-9);
    }

    #[test]
    fn grows_with_data_and_sessions() {
        let mut kit = Kit::new();
        let empty = kit.engine.memory_overview();
        assert!(empty.startup_bytes > 0 && empty.keys == 0);
        let other = kit.connect();
        let with_session = kit.engine.memory_overview();
        assert!(with_session.sessions_bytes > empty.sessions_bytes);
        assert!(with_session.used_bytes >= empty.used_bytes);
        kit.run_as(other, "MULTI");
        kit.run_as(other, "PING a-message-that-takes-some-room");
        assert!(kit.engine.used_memory_bytes() > with_session.used_bytes);
    }

    /// Whatever is added and taken away, the totals are what a walk finds, and INFO and MEMORY
    /// STATS tell them.
    #[test]
    fn figures_add_up_to_the_byte() {
        let mut kit = Kit::new();
        let other = kit.connect();
        let words: String = (0..200).map(|n| format!(" member:{n}")).collect();
        let lines = [
            "CONFIG SET latency-tracking no",
            "SET a 1",
            "APPEND a xyz",
            "SELECT 3",
            "SET b x EX 100",
            &format!("SADD s{words}"),
            &format!("RPUSH l{words}"),
            &format!("HSET h{words}"),
            "XADD x 1-1 f v",
            "XGROUP CREATE x g 0",
            "WATCH b s none",
            "CLIENT SETNAME somebody",
            "SWAPDB 3 4",
            "SELECT 4",
            "RENAME s t",
            "UNLINK t",
            "MULTI",
            "GET b",
            "DISCARD",
            "CONFIG RESETSTAT",
            "PING",
            "FLUSHALL",
        ];
        for line in lines {
            kit.run(line);
            assert_eq!(kit.engine.check_memory(), Ok(()), "{line}");
        }
        for line in ["BLPOP a b 0", "WAIT 1 0"] {
            let waiting = kit.connect();
            kit.run_as(waiting, line);
            assert_eq!(kit.engine.check_memory(), Ok(()), "{line}");
        }
        kit.run_as(other, "RPUSH b 1");
        kit.advance_ms(200);
        assert_eq!(kit.engine.check_memory(), Ok(()));
        let info = kit.run("INFO memory");
        let used = kit.engine.used_memory_bytes();
        assert!(
            info.contains(&format!("\r\nused_memory:{used}\r\n")),
            "{used} {info}"
        );
        let stats = kit.run("MEMORY STATS");
        let used = kit.engine.used_memory_bytes();
        assert!(stats.contains(&format!("\"total.allocated\", (integer) {used},")));
        let overview = kit.engine.memory_overview();
        let sum = overview.overhead_bytes() + overview.dataset_bytes();
        assert_eq!(sum, overview.used_bytes);
        let data = kit.engine.dbs.memory_bytes() as u64 - overview.tables_bytes;
        assert_eq!(
            overview.dataset_bytes(),
            data + kit.engine.uncounted_bytes()
        );
    }
}
