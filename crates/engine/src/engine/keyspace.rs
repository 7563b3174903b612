//! What the machine does with keys beside storing them: expiry on access, records of use, WATCH,
//! notifications, flushes.

use vk_data::{entry::DbEntry, table::Loc};
use vk_mem::Access;

use crate::{
    Engine, SessionId,
    access::KeyRef,
    config::{EventFlags, id},
    ctx::{Lookup, Origin},
    session::SessionFlags,
};

/// A key that is used less often than this is told by LFU to be so at first.
const LFU_INITIAL: u32 = 5;

impl Engine {
    /// Finds a key that is there and not expired.
    pub(crate) fn lookup(
        &mut self,
        session: SessionId,
        origin: Origin,
        key: &KeyRef<'_>,
        how: Lookup,
    ) -> Option<&DbEntry> {
        let loc = self.locate(session, origin, key, how)?;
        self.dbs.db(key.db)?.at(loc)
    }

    /// Where a key is that is there and not expired.
    #[inline]
    pub(crate) fn locate(
        &mut self,
        session: SessionId,
        origin: Origin,
        key: &KeyRef<'_>,
        how: Lookup,
    ) -> Option<Loc> {
        let live = self.locate_live(session, origin, key, how);
        if how == Lookup::Use && origin != Origin::Replay {
            self.count_lookup(key, live.is_some());
        }
        let (loc, access) = live?;
        if how != Lookup::Peek && !self.keeps_access(session) {
            let used = self.used_access(access);
            if used != access {
                self.dbs.db_mut(key.db)?.mark_at(loc, used);
            }
        }
        Some(loc)
    }

    #[inline]
    fn locate_live(
        &mut self,
        session: SessionId,
        origin: Origin,
        key: &KeyRef<'_>,
        how: Lookup,
    ) -> Option<(Loc, Access)> {
        let db = self.dbs.db(key.db)?;
        let loc = db.locate(key.hash, key.bytes)?;
        let entry = db.at(loc)?;
        let access = entry.access();
        if let Some(at) = entry.expire_ms()
            && at < self.now_ms()
            && origin != Origin::Replay
            && !self.sees_expired(session)
        {
            // Before a change the key has to be gone, even in a pause that a transaction began.
            if how == Lookup::Change || !self.expire_is_paused() {
                self.delete_expired(key);
            }
            return None;
        }
        Some((loc, access))
    }

    fn count_lookup(&mut self, key: &KeyRef<'_>, hit: bool) {
        if hit {
            self.stats.keyspace_hits += 1;
        } else {
            self.stats.keyspace_misses += 1;
            self.notify(key.db, EventFlags::KEY_MISS, "keymiss", key.bytes);
        }
    }

    fn keeps_access(&self, session: SessionId) -> bool {
        let session = self.sessions.find(session);
        session.is_some_and(|session| session.flags.contains(SessionFlags::NO_TOUCH))
    }

    /// CLIENT PAUSE holds expiry back, so that nothing changes meanwhile; so does an import, whose
    /// source says what is deleted.
    pub(crate) fn expire_is_paused(&self) -> bool {
        self.pause.is_active(self.mono) || self.config.bool(id::IMPORT_MODE)
    }

    /// Whether a session is the source of an import, to which nothing has expired.
    pub(crate) fn sees_expired(&self, session: SessionId) -> bool {
        self.config.bool(id::IMPORT_MODE)
            && self
                .sessions
                .find(session)
                .is_some_and(|state| state.flags.contains(SessionFlags::IMPORT_SOURCE))
    }

    /// Removes a key whose time has come, with all that follows.
    pub(crate) fn delete_expired(&mut self, key: &KeyRef<'_>) {
        if !self.dbs.delete(key) {
            return;
        }
        self.stats.expired_keys += 1;
        self.dirty += 1;
        self.effects.begin();
        self.effects
            .add(key.db, [b"DEL".as_slice(), key.bytes].into_iter());
        self.effects.end();
        self.key_lapsed(key.db, key.bytes);
        self.notify(key.db, EventFlags::EXPIRED, "expired", key.bytes);
    }

    /// The running request has changed a key: whoever watches it, waits for it or may have it in a
    /// cache is told.
    #[inline]
    pub(crate) fn key_changed(&mut self, db: u32, key: &[u8]) {
        self.changed(db, key, self.running);
    }

    /// As [`Engine::key_changed`], for a change that is nobody's, whoever noticed it.
    pub(crate) fn key_lapsed(&mut self, db: u32, key: &[u8]) {
        self.changed(db, key, None);
    }

    #[inline]
    fn changed(&mut self, db: u32, key: &[u8], author: Option<SessionId>) {
        self.note_ready(db, key);
        if self.tracking.is_on() {
            self.tell_changed(key, author);
        }
        if self.watch.is_empty() {
            return;
        }
        let hash = self.dbs.seed().hash(key);
        let gone = self
            .dbs
            .db(db)
            .is_none_or(|db| db.find(hash, key).is_none());
        for id in self.watch.sessions(&(db, key.into())) {
            if let Some(session) = self.sessions.find_mut(*id) {
                // The removal of a key that had expired when it was watched is no change.
                let watched = session
                    .watched
                    .iter_mut()
                    .find(|w| w.db == db && *w.key == *key);
                match watched {
                    Some(watched) if watched.expired && gone => watched.expired = false,
                    _ => session.flags.insert(SessionFlags::DIRTY_CAS),
                }
            }
        }
    }

    /// Marks the sessions that watch keys of `db` which appear, vanish or become another when
    /// `other` takes its place, or nothing. A key that has expired counts as none.
    fn databases_changed(&mut self, db: u32, other: Option<u32>) {
        let now = self.now_ms();
        for ((_, key), watchers) in self.watch.of_db(db) {
            let hash = self.dbs.seed().hash(key);
            let find = |db| self.dbs.db(db).and_then(|db| db.find(hash, key));
            let next = other.and_then(find);
            let will_be = next.is_some_and(|next| !next.is_expired(now));
            let is_stored = find(db).is_some();
            for id in watchers {
                let Some(session) = self.sessions.find_mut(*id) else {
                    continue;
                };
                let mut watched = session.watched.iter_mut();
                match watched.find(|w| w.db == db && w.key == *key) {
                    Some(watched) if !will_be && (watched.expired || !is_stored) => {
                        watched.expired = next.is_some();
                    }
                    _ => session.flags.insert(SessionFlags::DIRTY_CAS),
                }
            }
        }
    }

    pub(crate) fn swap_databases(&mut self, a: u32, b: u32) {
        self.databases_changed(a, Some(b));
        self.databases_changed(b, Some(a));
        self.dbs.swap(a, b);
        self.note_all_ready(a);
        self.note_all_ready(b);
        self.tell_all_changed();
        self.run.dirty += 1;
    }

    pub(crate) fn flush(&mut self, db: Option<u32>) -> usize {
        let all = match db {
            Some(db) => db..db.saturating_add(1),
            None => 0..self.dbs.count() as u32,
        };
        let mut keys = 0;
        for db in all {
            self.databases_changed(db, None);
            keys += self.dbs.flush(db);
            self.observe.hot_keys.forget_db(db);
            self.note_all_ready(db);
        }
        self.tell_all_changed();
        keys
    }

    #[inline]
    fn uses_lfu(&self) -> bool {
        self.eviction.uses_lfu()
    }

    pub(crate) fn minutes(&self) -> u32 {
        (self.now_ms() / 60_000) as u32 & 0xffff
    }

    pub(crate) fn seconds(&self) -> u32 {
        (self.now_ms() / 1000) as u32 & 0x00ff_ffff
    }

    /// The record of use of a new key: 24 bits, seconds (LRU) or minutes and a counter (LFU).
    pub(crate) fn initial_access(&self) -> Access {
        let lfu = || self.minutes() << 8 | LFU_INITIAL;
        Access::from_bits(if self.uses_lfu() {
            lfu()
        } else {
            self.seconds()
        })
    }

    /// The record of use after one more use.
    fn used_access(&mut self, access: Access) -> Access {
        if !self.uses_lfu() {
            return Access::from_bits(self.seconds());
        }
        let counter = self.lfu_counter(access);
        let above = f64::from(counter.saturating_sub(LFU_INITIAL));
        let factor = self.config.int(id::LFU_LOG_FACTOR) as f64;
        let chance = 1.0 / (above * factor + 1.0);
        let grown = counter < 255 && self.random.unit() < chance;
        Access::from_bits(self.minutes() << 8 | (counter + u32::from(grown)))
    }

    /// The LFU counter with the decay since the last use.
    pub(crate) fn lfu_counter(&self, access: Access) -> u32 {
        lfu_decayed(access, self.minutes(), self.config.int(id::LFU_DECAY_TIME))
    }

    /// Milliseconds since the last use, by the LRU record.
    pub(crate) fn idle_ms(&self, access: Access) -> u64 {
        u64::from(idle_seconds(access, self.seconds())) * 1000
    }
}

/// How records of use are made at this moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UseClock {
    initial: u32,
    counts: bool,
}

impl Engine {
    /// How records of use are made at this moment.
    pub(crate) fn use_clock(&self) -> UseClock {
        UseClock {
            initial: self.initial_access().bits(),
            counts: self.uses_lfu(),
        }
    }
}

impl UseClock {
    /// The record of a new key.
    pub(crate) fn initial(self) -> Access {
        Access::from_bits(self.initial)
    }

    /// The record of a key that was not used for so long, if times are recorded. The clock has
    /// 24 bits.
    pub(crate) fn idle(self, seconds: u64) -> Option<Access> {
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).min(0x00ff_ffff);
        let bits = self.initial.wrapping_sub(seconds) & 0x00ff_ffff;
        (!self.counts).then(|| Access::from_bits(bits))
    }

    /// The record of a key with this counter of uses, if uses are counted.
    pub(crate) fn frequency(self, counter: u8) -> Option<Access> {
        let bits = self.initial & !0xff | u32::from(counter);
        self.counts.then(|| Access::from_bits(bits))
    }
}

/// An LFU counter with its decay: one for each `decay_minutes` since the last use; 0 for never.
pub(crate) fn lfu_decayed(access: Access, minutes: u32, decay_minutes: i64) -> u32 {
    let access = access.bits();
    let elapsed = minutes.wrapping_sub(access >> 8) & 0xffff;
    let periods = u64::from(elapsed).checked_div(decay_minutes.unsigned_abs());
    let periods = u32::try_from(periods.unwrap_or(0)).unwrap_or(u32::MAX);
    (access & 0xff).saturating_sub(periods)
}

/// Seconds since the last use by an LRU record, which wraps after 194 days.
pub(crate) fn idle_seconds(access: Access, seconds: u32) -> u32 {
    seconds.wrapping_sub(access.bits()) & 0x00ff_ffff
}
