//! What happens when memory is full: keys are evicted by the configured policy, requests that
//! would add more are refused, and sessions that take too much are closed (in `sessions`).
//!
//! Nothing here looks at a clock or at the allocator: the limit is compared with what the engine
//! counts itself, and work is bounded by numbers, so that equal inputs evict equal keys.

mod policy;
mod pool;
mod sessions;
#[cfg(test)]
mod tests;

use alloc::{format, string::String, vec::Vec};
use core::num::NonZeroUsize;

use vk_data::{keyspace::Keyspace, table::Kind};
use vk_resp::Request;
use vk_spec::{Flags, KeyFlags};

use crate::{
    Engine, Host, MonoMicros, SessionId,
    access::KeyRef,
    cmd::Command,
    config::{EventFlags, id},
};

use policy::{Order, Policy, Uses};
use pool::Pool;

/// Where eviction stands.
#[derive(Debug, Default)]
pub(crate) struct Eviction {
    policy: Policy,
    /// The best candidates so far, for the policies with an order.
    pool: Pool,
    /// The database that a random victim was taken from last.
    last_db: u32,
    /// There was more to evict than one call may do.
    is_unfinished: bool,
    /// Since when memory has been above the limit.
    exceeded_since: Option<MonoMicros>,
    /// `maxmemory` is set.
    bounds_memory: bool,
    /// What all sessions may take together.
    sessions_bytes_max: Option<usize>,
    /// A reply of more is not sent.
    reply_bytes_max: Option<NonZeroUsize>,
}

/// Whether a request may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryVerdict {
    /// It may.
    Admitted,
    /// It would add to memory that is full.
    OutOfMemory,
    /// Its session has to go.
    Evicted,
}

/// What an attempt to make room came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Memory is below the limit, or nothing may be evicted now.
    Enough,
    /// Above it, and there is more to evict.
    Unfinished,
    /// Above it, and nothing to evict.
    None,
}

/// Replies up to this many bytes never count against `client-output-buffer-limit`: so much goes
/// into the fixed buffer that each of Valkey's connections has.
pub const REPLY_BYTES_UNLIMITED: usize = 16 * 1024;

/// Removed elements that are freed before a request while they hold memory above the limit.
const FREE_PER_REQUEST: usize = 256;

impl Eviction {
    /// Whether any limit is set.
    #[inline]
    pub(crate) fn is_limited(&self) -> bool {
        self.bounds_memory || self.sessions_bytes_max.is_some()
    }

    /// From how many bytes on a session that asks is not sent the reply; `None` for no limit.
    #[inline]
    pub(crate) fn reply_bytes_max(&self) -> Option<NonZeroUsize> {
        self.reply_bytes_max
    }

    /// Whether the work goes on without a request.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    /// Whether keys bear a counter of use instead of a time of use.
    #[inline]
    pub(crate) fn uses_lfu(&self) -> bool {
        self.policy.order == Order::Frequency
    }
}

impl Engine {
    /// Takes over the directives about memory.
    pub(crate) fn memory_limits_changed(&mut self) {
        let policy = Policy::of(self.config.int(id::MAXMEMORY_POLICY));
        if policy != self.eviction.policy {
            self.eviction.policy = policy;
            self.eviction.pool.clear();
        }
        self.eviction.bounds_memory = self.config.size(id::MAXMEMORY) > 0;
        self.eviction.is_unfinished = self.eviction.bounds_memory;
        self.eviction.sessions_bytes_max = self.sessions_bytes_max();
        self.eviction.reply_bytes_max = self.reply_bytes_max();
        let is_bounded = self.eviction.sessions_bytes_max.is_some();
        self.sessions.set_ranking(is_bounded);
    }

    fn reply_bytes_max(&self) -> Option<NonZeroUsize> {
        let [normal, ..] = self.config.output_limits();
        let hard = NonZeroUsize::new(usize::try_from(normal.hard_bytes).ok()?)?;
        Some(hard.saturating_add(REPLY_BYTES_UNLIMITED.saturating_sub(hard.get())))
    }

    /// Makes room for a request as far as that goes.
    pub(crate) fn admit_memory(
        &mut self,
        host: &dyn Host,
        session: SessionId,
        command: &Command,
        request: Request<'_>,
    ) -> MemoryVerdict {
        if self.evicts_for(session, request) {
            return MemoryVerdict::Evicted;
        }
        let adds = |command: &Command| command.spec.flags.contains(Flags::DENYOOM);
        if self.make_room(host) != Room::None {
            return MemoryVerdict::Admitted;
        }
        let refuses =
            adds(command) || (command.spec.name == "exec" && self.queued_any(session, adds));
        if refuses {
            MemoryVerdict::OutOfMemory
        } else {
            MemoryVerdict::Admitted
        }
    }

    /// Evicts keys until memory is below `maxmemory`, nothing is left to evict, or enough was
    /// done for one call. A pause holds eviction back, as it does all changes.
    pub(crate) fn make_room(&mut self, host: &dyn Host) -> Room {
        self.eviction.is_unfinished = false;
        let bytes_max = self.config.size(id::MAXMEMORY);
        if bytes_max == 0 || self.pause.holds_writes(self.mono) {
            return Room::Enough;
        }
        let room = if self.limited_bytes() <= bytes_max {
            Room::Enough
        } else {
            self.timed(host, "eviction-cycle", |engine| {
                engine.evict_down_to(host, bytes_max)
            })
        };
        // What is removed and not yet freed is no reason to evict more, but must not pile up.
        if self.dbs.is_freeing() && self.used_memory_bytes() > bytes_max {
            self.dbs.free_slice(FREE_PER_REQUEST);
        }
        self.eviction.is_unfinished = room == Room::Unfinished;
        self.note_exceeded(room);
        room
    }

    /// Makes room, and checks that there is some or that nothing may be evicted: for checks.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check_room(&mut self, host: &dyn Host) -> Result<(), String> {
        let bytes_max = self.config.size(id::MAXMEMORY);
        let is_held_back = self.pause.holds_writes(self.mono) || bytes_max == 0;
        let room = self.make_room(host);
        let Policy { order, kind } = self.eviction.policy;
        let held: usize = self.dbs.iter().map(|(_, db)| held(db, kind)).sum();
        let is_right = match room {
            Room::Enough => is_held_back || self.limited_bytes() <= bytes_max,
            Room::Unfinished => held > 0,
            Room::None => order == Order::Nothing || held == 0,
        };
        is_right.then_some(()).ok_or_else(|| {
            let bytes = self.limited_bytes();
            format!("room: {room:?} with {bytes} bytes of {bytes_max}, {held} keys may go")
        })
    }

    fn note_exceeded(&mut self, room: Room) {
        if room != Room::Enough {
            self.eviction.exceeded_since.get_or_insert(self.mono);
        } else {
            self.stats.eviction_exceeded_micros += self.eviction_exceeded_micros();
            self.eviction.exceeded_since = None;
        }
    }

    /// How long memory has been above the limit, 0 if it is not.
    pub(crate) fn eviction_exceeded_micros(&self) -> u64 {
        let since = self.eviction.exceeded_since;
        since.map_or(0, |since| self.mono.0.saturating_sub(since.0))
    }

    /// Does a piece of work whose time LATENCY tells, where anybody wants to know.
    fn timed<T>(
        &mut self,
        host: &dyn Host,
        event: &'static str,
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        if !self.observe.latency.is_on() {
            return work(self);
        }
        let begun = host.ticks();
        let done = work(self);
        self.latency_event(event, host.ticks().0.saturating_sub(begun.0));
        done
    }

    fn evict_down_to(&mut self, host: &dyn Host, bytes_max: u64) -> Room {
        if self.eviction.policy.order == Order::Nothing {
            return Room::None;
        }
        let tenacity = self.config.int(id::MAXMEMORY_EVICTION_TENACITY);
        let mut left = policy::evictions_max(tenacity);
        while self.limited_bytes() > bytes_max {
            if left == 0 {
                return Room::Unfinished;
            }
            left = left.saturating_sub(1);
            let victim = match self.eviction.policy.order {
                Order::Random => self.random_victim(),
                _ => self.best_victim(),
            };
            let Some((db, key)) = victim else {
                return Room::None;
            };
            self.timed(host, "eviction-del", |engine| engine.evict(db, &key));
            self.eviction.pool.recycle(key);
        }
        Room::Enough
    }

    /// Removes a key, with all that follows.
    fn evict(&mut self, db: u32, key: &[u8]) {
        let key = KeyRef::new(db, key, self.dbs.seed().hash(key), KeyFlags::RM);
        if !self.dbs.delete(&key) {
            return;
        }
        self.stats.evicted_keys += 1;
        self.effects.begin();
        self.effects
            .add(db, [b"DEL".as_slice(), key.bytes].into_iter());
        self.effects.end();
        self.key_lapsed(db, key.bytes);
        self.notify(db, EventFlags::EVICTED, "evicted", key.bytes);
    }

    /// A key of the next database that has one.
    fn random_victim(&mut self) -> Option<(u32, Vec<u8>)> {
        let (kind, count) = (self.eviction.policy.kind, self.dbs.count() as u32);
        for _ in 0..count {
            let next = self.eviction.last_db.wrapping_add(1);
            self.eviction.last_db = next.checked_rem(count)?;
            let db = self.dbs.db(self.eviction.last_db)?;
            let seed = self.random.next();
            let mut key = None;
            match kind {
                Kind::All => key = db.random(seed).map(|entry| entry.key().to_vec()),
                Kind::Volatile => {
                    // A bucket holds a few; the seed's other bits choose one of them.
                    let chosen = seed >> 60 & 3;
                    let mut at = 0;
                    db.sample(seed, kind, 4, &mut |entry| {
                        if at <= chosen {
                            key = Some(entry.key().to_vec());
                        }
                        at += 1;
                    });
                }
            }
            if let Some(key) = key {
                return Some((self.eviction.last_db, key));
            }
        }
        None
    }

    /// The best key of the pool, after every database has offered some.
    fn best_victim(&mut self) -> Option<(u32, Vec<u8>)> {
        loop {
            if !self.offer_samples() {
                return None;
            }
            while let Some(best) = self.eviction.pool.pop() {
                match self.score_of(best.db, &best.key) {
                    // It has been used since it was sampled: it competes again.
                    Some(score) if score < best.score => {
                        let Eviction { pool, .. } = &mut self.eviction;
                        pool.offer(score, best.db, &best.key);
                        if pool.is_best(best.db, &best.key) {
                            pool.pop();
                            return Some((best.db, best.key));
                        }
                        pool.recycle(best.key);
                    }
                    Some(_) => return Some((best.db, best.key)),
                    // Somebody else has removed it, or it does not expire any more.
                    None => self.eviction.pool.recycle(best.key),
                }
            }
        }
    }

    /// Samples every database; `false` if there is nothing to evict.
    fn offer_samples(&mut self) -> bool {
        let uses = self.uses();
        let samples = self.config.int(id::MAXMEMORY_SAMPLES).clamp(1, 64) as usize;
        let Eviction { policy, pool, .. } = &mut self.eviction;
        let mut is_any = false;
        for (index, db) in self.dbs.iter() {
            if held(db, policy.kind) == 0 {
                continue;
            }
            let seed = self.random.next();
            db.sample(seed, policy.kind, samples, &mut |entry| {
                is_any = true;
                let score = policy.order.score(entry, &uses);
                pool.offer(score, index, entry.key());
            });
        }
        is_any
    }

    fn score_of(&self, db: u32, key: &[u8]) -> Option<u64> {
        let hash = self.dbs.seed().hash(key);
        let entry = self.dbs.db(db)?.find(hash, key)?;
        let Policy { order, kind } = self.eviction.policy;
        let fits = kind == Kind::All || entry.expire_ms().is_some();
        fits.then(|| order.score(entry, &self.uses()))
    }

    fn uses(&self) -> Uses {
        Uses {
            seconds: self.seconds(),
            minutes: self.minutes(),
            decay_minutes: self.config.int(id::LFU_DECAY_TIME),
        }
    }
}

fn held(db: &Keyspace, kind: Kind) -> usize {
    match kind {
        Kind::All => db.len(),
        Kind::Volatile => db.volatile_len(),
    }
}
