//! Which session may hold which key in a cache of its own, and who is told when it changes.
//!
//! A session that tracks is remembered with every key that it reads, and told once when the key
//! changes; one that broadcasts names prefixes instead and is told of every change under them, once
//! per turn. Names of keys count, databases do not. How it is told is in `send`, CLIENT TRACKING in
//! `cmd::connection`.

mod keys;
mod prefixes;
mod send;
mod session;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};

use vk_data::table::HashSeed;

pub(crate) use prefixes::{Overlap, overlap};
pub(crate) use session::{Modes, Redirect, SessionTracking};

use keys::{KeyTable, Tracked};
use prefixes::Prefixes;
use send::Names;

use crate::{Engine, SessionId, access::KeyRef, session::Parked};

/// Keys that are forgotten at once when there are too many; as many more each time that this is
/// not enough.
const EVICT_KEYS: usize = 100;

/// What the machine knows of the caches of its clients.
#[derive(Debug)]
pub(crate) struct Tracking {
    /// Sessions that track. While it is zero nothing is remembered.
    sessions: usize,
    keys: KeyTable,
    prefixes: Prefixes,
    /// `tracking-table-max-keys`; zero is no limit.
    keys_max: usize,
    /// How often in a row the work of one call did not bring the table under its limit.
    overruns: usize,
}

impl Tracking {
    pub(crate) fn new(seed: HashSeed) -> Self {
        Self {
            sessions: 0,
            keys: KeyTable::new(seed),
            prefixes: Prefixes::default(),
            keys_max: 0,
            overruns: 0,
        }
    }

    /// Whether any session tracks.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.sessions > 0
    }

    /// Sessions that track.
    pub(crate) fn sessions_len(&self) -> usize {
        self.sessions
    }

    /// Distinct keys that are remembered.
    pub(crate) fn keys_len(&self) -> usize {
        self.keys.len()
    }

    /// Remembered pairs of a key and a session.
    pub(crate) fn items_len(&self) -> usize {
        self.keys.items_len()
    }

    /// Distinct prefixes that some session broadcasts.
    pub(crate) fn prefixes_len(&self) -> usize {
        self.prefixes.len()
    }

    pub(crate) fn set_keys_max(&mut self, keys_max: usize) {
        self.keys_max = keys_max;
    }

    /// Whether more keys are remembered than may be.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.keys_max > 0 && self.keys.len() > self.keys_max
    }

    /// Whether something has changed that is told when the turn ends.
    #[inline]
    pub(crate) fn has_broadcasts(&self) -> bool {
        self.prefixes.has_changed()
    }

    /// Bytes of everything that is remembered, and of what waits to be freed.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.keys.memory_bytes() + self.prefixes.memory_bytes()
    }

    /// What [`Tracking::memory_bytes`] has to be, by a walk over everything.
    pub(crate) fn recount_bytes(&self) -> usize {
        self.keys.recount_bytes() + self.prefixes.recount_bytes()
    }

    /// Whether something waits to be freed.
    pub(crate) fn is_freeing(&self) -> bool {
        self.keys.is_freeing()
    }

    /// Frees some of what was forgotten as a whole.
    pub(crate) fn free_slice(&mut self, entries_max: usize) {
        self.keys.free_slice(entries_max);
    }
}

impl Engine {
    /// CLIENT TRACKING ON: prefixes are added to those that the session has, the rest is replaced.
    pub(crate) fn start_tracking(
        &mut self,
        id: SessionId,
        modes: Modes,
        redirect: Option<Redirect>,
        prefixes: &[&[u8]],
    ) {
        let Some(state) = self.sessions.find_mut(id) else {
            return;
        };
        self.tracking.sessions += usize::from(state.tracking.is_none());
        let tracking = state.tracking.get_or_insert_default();
        tracking.modes = modes | (tracking.modes & Modes::CACHING);
        tracking.redirect = redirect;
        if !modes.contains(Modes::BROADCAST) {
            return;
        }
        let whole: &[&[u8]] = &[b""];
        for prefix in if prefixes.is_empty() { whole } else { prefixes } {
            if tracking.add_prefix(prefix) {
                self.tracking.prefixes.add(prefix, id);
            }
        }
    }

    /// The session tracks no more. Keys that are remembered for it are forgotten when they change,
    /// when room is needed, or when nobody tracks.
    pub(crate) fn stop_tracking(&mut self, id: SessionId) {
        let Some(tracking) = self
            .sessions
            .find_mut(id)
            .and_then(|state| state.tracking.take())
        else {
            return;
        };
        for prefix in tracking.prefixes() {
            self.tracking.prefixes.remove(prefix, id);
        }
        self.tracking.sessions = self.tracking.sessions.saturating_sub(1);
        if self.tracking.sessions == 0 {
            self.tracking.keys.clear();
        }
    }

    /// The session has read these keys.
    pub(crate) fn remember_keys(&mut self, id: SessionId, keys: &[KeyRef<'_>]) {
        let sessions = &self.sessions;
        let tracks = |id| {
            sessions
                .find(id)
                .and_then(|state| state.tracking.as_deref())
        };
        if !tracks(id).is_some_and(SessionTracking::remembers) {
            return;
        }
        for key in keys {
            let is_live = |id| tracks(id).is_some();
            self.tracking
                .keys
                .remember(key.hash, key.bytes, id, is_live);
        }
    }

    /// A key has changed, by a request of `author` or by itself.
    pub(crate) fn tell_changed(&mut self, key: &[u8], author: Option<SessionId>) {
        self.tracking.prefixes.note(key, author);
        let hash = self.dbs.seed().hash(key);
        if let Some(tracked) = self.tracking.keys.take(hash, key) {
            self.tell_readers(&tracked, author);
        }
    }

    fn tell_readers(&mut self, tracked: &Tracked, author: Option<SessionId>) {
        let names = Names::new([tracked.key()].into_iter());
        for id in tracked.sessions() {
            let state = self.sessions.find(*id);
            let Some(tracking) = state.and_then(|state| state.tracking.as_deref()) else {
                continue;
            };
            let is_own = author == Some(*id) && tracking.modes.contains(Modes::NO_LOOP);
            if !is_own && !tracking.modes.contains(Modes::BROADCAST) {
                self.send_invalidation(*id, Some(&names));
            }
        }
    }

    /// Every key may have changed.
    pub(crate) fn tell_all_changed(&mut self) {
        if !self.tracking.is_on() {
            return;
        }
        let all = self.sessions.by_age().into_iter();
        let tracking = all.filter(|(_, state)| state.tracking.is_some());
        let tracking: Vec<SessionId> = tracking.map(|(id, _)| id).collect();
        for id in tracking {
            self.send_invalidation(id, None);
        }
        self.tracking.keys.clear();
    }

    /// Tells the sessions that broadcast what has changed under their prefixes since the last call.
    pub(crate) fn tell_prefixes(&mut self) {
        for (sessions, changed) in self.tracking.prefixes.take_changed() {
            let all = Names::new(changed.iter().map(|(key, _)| &**key));
            for id in sessions {
                let state = self.sessions.find(id);
                let Some(tracking) = state.and_then(|state| state.tracking.as_deref()) else {
                    continue;
                };
                let is_by_other = |(_, author): &&(Box<[u8]>, _)| *author != Some(id);
                if tracking.modes.contains(Modes::NO_LOOP)
                    && !changed.iter().all(|c| is_by_other(&c))
                {
                    let others = changed.iter().filter(is_by_other);
                    let others = Names::new(others.map(|(key, _)| &**key));
                    self.send_invalidation(id, Some(&others));
                } else {
                    self.send_invalidation(id, Some(&all));
                }
            }
        }
    }

    /// Forgets keys at random, as if they had changed, until no more are left than may be or the
    /// work of one call is done.
    pub(crate) fn limit_tracking(&mut self) {
        let work = EVICT_KEYS.saturating_mul(self.tracking.overruns.saturating_add(1));
        for _ in 0..work {
            if !self.tracking.is_over() {
                break;
            }
            let Some(tracked) = self.tracking.keys.take_random(self.random.next()) else {
                break;
            };
            self.tell_readers(&tracked, None);
        }
        let is_over = self.tracking.is_over();
        self.tracking.overruns = if is_over {
            self.tracking.overruns.saturating_add(1)
        } else {
            0
        };
    }

    /// A request of the session has ended, for which CLIENT CACHING held. It holds on in a
    /// transaction, and after a subcommand of CLIENT.
    pub(crate) fn end_caching(&mut self, id: SessionId) {
        let Some(state) = self.sessions.find_mut(id) else {
            return;
        };
        let goes_on = matches!(
            state.parked,
            Some(Parked::Blocked(_) | Parked::Paused(_) | Parked::Work)
        );
        let is_client = state
            .last_command
            .is_some_and(|id| self.commands.full_name(id).starts_with("client"));
        if let Some(tracking) = &mut state.tracking
            && !goes_on
            && !is_client
            && state.multi.is_none()
        {
            tracking.modes.remove(Modes::CACHING);
        }
    }
}
