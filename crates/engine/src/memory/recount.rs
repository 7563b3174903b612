//! The running totals of memory against a walk over everything. For checks alone: nothing decides
//! by it.

use alloc::{format, string::String};

use crate::{
    Engine, MonoMicros, SessionId,
    session::{Session, Watched},
};

impl Engine {
    /// Compares the running totals with a walk over everything: for checks.
    ///
    /// # Errors
    /// Which of them is wrong.
    pub(crate) fn check_memory(&self) -> Result<(), String> {
        let data = self.dbs.memory_bytes() + self.dbs.pending_bytes();
        let sessions = &self.sessions;
        let pairs = [
            ("databases", data, self.dbs.recount_bytes()),
            (
                "sessions",
                sessions.memory_bytes(),
                sessions.recount_bytes(),
            ),
            (
                "watched keys",
                self.watch.memory_bytes(),
                self.watch.recount_bytes(),
            ),
            (
                "keys that are waited for",
                self.blocking.memory_bytes(),
                self.blocking.recount_bytes(),
            ),
            (
                "tracked keys",
                self.tracking.memory_bytes(),
                self.tracking.recount_bytes(),
            ),
            (
                "subscriptions",
                self.pubsub.memory_bytes(),
                self.pubsub.recount_bytes(),
            ),
            (
                "statistics",
                self.stats.memory_bytes(),
                self.stats.recount_bytes(),
            ),
        ];
        for (what, counted, found) in pairs {
            same(what, counted, found)?;
        }
        for (id, session) in sessions.iter() {
            check_session(session).map_err(|why| format!("session {id:?}: {why}"))?;
        }
        let mut sum = self.startup_bytes();
        sum += pairs.iter().map(|(_, _, found)| *found as u64).sum::<u64>();
        sum += sessions.table_bytes() as u64;
        sum += (self.timers.len() * size_of::<(MonoMicros, SessionId)>()) as u64;
        if sum == self.used_memory_bytes() {
            return Ok(());
        }
        Err(format!(
            "{sum} bytes of parts are {} together",
            self.used_memory_bytes()
        ))
    }

    /// Compares what sessions know of keys and channels with what these know of the sessions: for
    /// checks.
    ///
    /// # Errors
    /// Which side knows more.
    pub(crate) fn check_references(&self) -> Result<(), String> {
        let [
            mut watched,
            mut waited,
            mut told,
            mut listening,
            mut tracking,
        ] = [0; 5];
        for (id, session) in self.sessions.iter() {
            watched += session.watched.len();
            tracking += usize::from(session.tracking.is_some());
            listening += usize::from(session.is_subscribed());
            if let Some(mine) = &session.subscriptions {
                told += mine.channels() + mine.patterns() + mine.shards();
            }
            waited += self.blocking.waits_of(id, session)?;
        }
        same("watched keys", watched, self.watch.pairs_len())?;
        same("waits", waited, self.blocking.pairs_len())?;
        same("subscriptions", told, self.pubsub.pairs_len())?;
        same("subscribed sessions", listening, self.pubsub.sessions())?;
        same("tracking sessions", tracking, self.tracking.sessions_len())
    }
}

fn check_session(session: &Session) -> Result<(), String> {
    if let Some(multi) = &session.multi {
        let queued = multi.queued.iter().map(|(_, request)| request.held_bytes());
        same("queued requests", multi.bytes, queued.sum())?;
    }
    let of_watched = |watched: &Watched| watched.key.len() + size_of::<Watched>();
    let watched = session.watched.iter().map(of_watched).sum();
    same("watched keys", session.watched_bytes, watched)?;
    match &session.tracking {
        Some(tracking) => same(
            "prefixes",
            tracking.memory_bytes(),
            tracking.recount_bytes(),
        ),
        None => Ok(()),
    }
}

fn same(what: &str, counted: usize, found: usize) -> Result<(), String> {
    if counted == found {
        return Ok(());
    }
    Err(format!("{what}: {counted} are counted, {found} found"))
}
