//! What the sessions take, kept up to date: the sum, and the sessions by size.
//!
//! A session is counted anew whenever it may have changed. What a session takes is told by
//! [`session_bytes`]; who has to go is decided in `evict`.

use alloc::collections::BTreeSet;

use super::{Place, Session, SessionFlags, SessionId, Sessions};
use crate::cmd::connection::session_bytes;

/// What the totals hold of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counted {
    bytes: usize,
    /// It may be evicted.
    is_ranked: bool,
    /// It is being closed.
    is_leaving: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Totals {
    bytes: usize,
    /// Of these, the bytes of sessions that are being closed.
    leaving_bytes: usize,
    /// Sessions that may be evicted by their bytes; empty while nobody wants to know.
    by_size: BTreeSet<(usize, SessionId)>,
    is_ranking: bool,
}

impl Totals {
    pub(super) fn forget(&mut self, id: SessionId, counted: Counted) {
        self.bytes -= counted.bytes;
        if counted.is_leaving {
            self.leaving_bytes -= counted.bytes;
        }
        if counted.is_ranked {
            self.by_size.remove(&(counted.bytes, id));
        }
    }

    fn take(&mut self, id: SessionId, counted: Counted) {
        self.bytes += counted.bytes;
        if counted.is_leaving {
            self.leaving_bytes += counted.bytes;
        }
        if counted.is_ranked {
            self.by_size.insert((counted.bytes, id));
        }
    }
}

impl Sessions {
    /// Takes what a session has become into the totals.
    pub(crate) fn recount(&mut self, id: SessionId) {
        let is_ranking = self.totals.is_ranking;
        let Some(session) = self.find_mut(id).filter(|session| session.client_id > 0) else {
            return;
        };
        let is = |flag| session.flags.contains(flag);
        let is_leaving = is(SessionFlags::LEAVING);
        let now = Counted {
            bytes: session_bytes(session),
            is_ranked: is_ranking && !is_leaving && !is(SessionFlags::NO_EVICT),
            is_leaving,
        };
        let before = session.counted;
        if before != now {
            session.counted = now;
            self.totals.forget(id, before);
            self.totals.take(id, now);
        }
    }

    /// Bytes of all sessions, as of their last count.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.totals.bytes
    }

    /// Bytes of the sessions that are not being closed.
    pub(crate) fn staying_bytes(&self) -> usize {
        self.totals.bytes - self.totals.leaving_bytes
    }

    /// Bytes of the table of sessions without the sessions.
    pub(crate) fn table_bytes(&self) -> usize {
        let places = self.places.capacity() * size_of::<Place>();
        let live = self.len() * size_of::<Session>();
        let ranks = self.totals.by_size.len() * size_of::<(usize, SessionId)>();
        places.saturating_sub(live) + self.free.capacity() * size_of::<u32>() + ranks
    }

    /// Whether sessions are ranked by size from now on.
    pub(crate) fn set_ranking(&mut self, is_ranking: bool) {
        if self.totals.is_ranking != is_ranking {
            self.totals.is_ranking = is_ranking;
            let all: alloc::vec::Vec<_> = self.iter().map(|(id, _)| id).collect();
            all.into_iter().for_each(|id| self.recount(id));
        }
    }

    /// The session that takes the most and may be evicted; among equals the one in the last place.
    pub(crate) fn largest(&self) -> Option<SessionId> {
        self.totals.by_size.last().map(|(_, id)| *id)
    }

    /// What [`Sessions::memory_bytes`] has to be, by a walk over all sessions.
    pub(crate) fn recount_bytes(&self) -> usize {
        self.iter().map(|(_, session)| session_bytes(session)).sum()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::{NetUsage, session::SessionFlags, testkit::Kit};

    #[test]
    fn totals_follow_every_session() {
        let mut kit = Kit::new();
        let small = kit.connect();
        let large = kit.connect();
        let usage = |query_bytes| NetUsage {
            query_bytes,
            ..NetUsage::default()
        };
        let sessions = |kit: &Kit| {
            let sessions = &kit.engine.sessions;
            assert_eq!(sessions.memory_bytes(), sessions.recount_bytes());
            (sessions.memory_bytes(), sessions.largest())
        };
        let (before, none) = sessions(&kit);
        assert_eq!(none, None);
        kit.engine.sessions.set_ranking(true);
        kit.engine.handle_usage(large, usage(3000));
        kit.engine.handle_usage(small, usage(1000));
        assert_eq!(sessions(&kit), (before + 4000, Some(large)));
        kit.engine.handle_usage(large, usage(10));
        assert_eq!(sessions(&kit), (before + 1010, Some(small)));
        kit.run_as(small, "CLIENT NO-EVICT on");
        assert_eq!(sessions(&kit).1, Some(large));
        let state = kit.engine.sessions.find_mut(large).unwrap();
        state.flags.insert(SessionFlags::LEAVING);
        kit.engine.sessions.recount(large);
        assert_eq!(sessions(&kit).1, Some(kit.session));
        let staying = kit.engine.sessions.staying_bytes();
        assert!(kit.engine.sessions.remove(large).is_some());
        assert_eq!(kit.engine.sessions.staying_bytes(), staying);
        assert_eq!(sessions(&kit).0, staying);
        kit.engine.sessions.set_ranking(false);
        assert_eq!(sessions(&kit).1, None);
    }
}
