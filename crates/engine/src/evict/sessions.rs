//! Closing sessions that take too much memory together: the largest first, until the rest fits
//! `maxmemory-clients`. Which figures count is told by the accounts of the sessions.

use vk_resp::Request;

use crate::{CloseReason, Engine, LogLevel, SessionId, config::id, session::SessionFlags};

/// Requests up to this many bytes come and go in a buffer that all sessions share.
const REQUEST_BYTES_SHARED: usize = 16 * 1024;

/// Less than this is no limit that anybody could work with.
const LIMIT_BYTES_MIN: u64 = 128 * 1024;

fn argument_bytes(request: Request<'_>) -> usize {
    request.iter().map(<[u8]>::len).sum()
}

impl Engine {
    /// What all sessions may take together; `None` for no limit. A part of `maxmemory` is none
    /// while there is no `maxmemory`.
    pub(super) fn sessions_bytes_max(&self) -> Option<usize> {
        let limit = self.config.int(id::MAXMEMORY_CLIENTS);
        let bytes = match (limit, self.config.size(id::MAXMEMORY)) {
            (0, _) | (..0, 0) => return None,
            (1.., _) => limit.unsigned_abs(),
            (_, whole) => {
                let part = u128::from(whole) * u128::from(limit.unsigned_abs()) / 100;
                u64::try_from(part).unwrap_or(u64::MAX)
            }
        };
        usize::try_from(bytes.max(LIMIT_BYTES_MIN)).ok()
    }

    /// Counts a request that is about to run as memory of its session. Whether the session has to
    /// go because of it.
    pub(super) fn evicts_for(&mut self, session: SessionId, request: Request<'_>) -> bool {
        let Some(bytes_max) = self.eviction.sessions_bytes_max else {
            return false;
        };
        let request_bytes = argument_bytes(request);
        let whole = self.sessions.staying_bytes().saturating_add(request_bytes);
        if request_bytes <= REQUEST_BYTES_SHARED || whole <= bytes_max {
            return false;
        }
        self.note_request(session, request_bytes);
        self.sessions.recount(session);
        self.evict_sessions();
        self.note_request(session, 0);
        self.sessions.recount(session);
        let state = self.sessions.find(session);
        state.is_none_or(|state| state.flags.contains(SessionFlags::LEAVING))
    }

    /// The request that runs may look at its session and change it.
    #[inline]
    pub(crate) fn begin_session_request(&mut self, session: SessionId, request: Request<'_>) {
        self.session_touched = true;
        self.note_request(session, argument_bytes(request));
    }

    /// The request has run.
    #[inline]
    pub(crate) fn end_session_request(&mut self, session: SessionId) {
        if self.session_touched {
            self.note_request(session, 0);
        }
    }

    fn note_request(&mut self, session: SessionId, bytes: usize) {
        if let Some(state) = self.sessions.find_mut(session) {
            state.request_bytes = bytes;
        }
    }

    /// Closes the largest sessions until the others fit.
    #[inline]
    pub(crate) fn evict_sessions(&mut self) {
        if let Some(bytes_max) = self.eviction.sessions_bytes_max
            && self.sessions.staying_bytes() > bytes_max
        {
            self.evict_largest(bytes_max);
        }
    }

    #[cold]
    fn evict_largest(&mut self, bytes_max: usize) {
        while self.sessions.staying_bytes() > bytes_max {
            let Some(session) = self.sessions.largest() else {
                return;
            };
            let who = self.client_line(session).unwrap_or_default();
            self.log(LogLevel::Notice, alloc::format!("Evicting client: {who}"));
            self.stats.evicted_clients += 1;
            self.dismiss(session, CloseReason::Evicted);
        }
    }
}
