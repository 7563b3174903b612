//! Holding requests back: CLIENT PAUSE, and a transaction that waits in its middle.
//!
//! Held requests are data in their sessions; here is only who waits, in which order.

use alloc::vec::Vec;

use crate::{MonoMicros, SessionId};

/// What is held back, and for how long.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    until: Option<MonoMicros>,
    all: bool,
    /// A transaction that waits in its middle: no other session runs.
    exclusive: Option<SessionId>,
    held: Vec<SessionId>,
}

impl Pause {
    /// CLIENT PAUSE. Of two pauses the later end and the stricter mode hold.
    pub(crate) fn start(&mut self, now: MonoMicros, until: MonoMicros, all: bool) {
        let running = self.is_active(now);
        self.all = all || (running && self.all);
        self.until = match self.until {
            Some(end) if running => Some(end.max(until)),
            _ => Some(until),
        };
    }

    /// CLIENT UNPAUSE.
    pub(crate) fn stop(&mut self) {
        self.until = None;
        self.all = false;
    }

    /// Whether a pause is on; nothing expires meanwhile.
    pub(crate) fn is_active(&self, now: MonoMicros) -> bool {
        self.until.is_some_and(|end| end > now)
    }

    /// Whether the pause that is on holds reads, too.
    pub(crate) fn is_for_all(&self, now: MonoMicros) -> bool {
        self.is_active(now) && self.all
    }

    /// End of the pause that is on.
    pub(crate) fn end(&self, now: MonoMicros) -> Option<MonoMicros> {
        self.until.filter(|end| *end > now)
    }

    /// Whether a request has to wait.
    pub(crate) fn holds(&self, now: MonoMicros, session: SessionId, writes: bool) -> bool {
        if self.exclusive.is_some_and(|owner| owner != session) {
            return true;
        }
        self.is_active(now) && (self.all || writes)
    }

    /// Whether a request that changes keys and whose session is not the one of a transaction that
    /// waits in its middle has to wait.
    pub(crate) fn holds_writes(&self, now: MonoMicros) -> bool {
        self.exclusive.is_some() || self.is_active(now)
    }

    /// A session waits.
    pub(crate) fn hold(&mut self, session: SessionId) {
        self.held.push(session);
    }

    /// A session is gone.
    pub(crate) fn forget(&mut self, session: SessionId) {
        self.held.retain(|id| *id != session);
        self.end_exclusive(session);
    }

    /// How many sessions wait.
    pub(crate) fn held_len(&self) -> usize {
        self.held.len()
    }

    /// From here on only this session runs.
    pub(crate) fn begin_exclusive(&mut self, session: SessionId) {
        self.exclusive = Some(session);
    }

    /// Whether a transaction waits in its middle.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.exclusive.is_some()
    }

    /// Ends what [`Pause::begin_exclusive`] began.
    pub(crate) fn end_exclusive(&mut self, session: SessionId) {
        if self.exclusive == Some(session) {
            self.exclusive = None;
        }
    }

    /// Whether somebody waits who need not any more.
    pub(crate) fn has_released(&self, now: MonoMicros) -> bool {
        !self.held.is_empty() && self.exclusive.is_none() && !self.is_active(now)
    }

    /// The sessions to go on with, in the order in which they came; those that have to wait
    /// still are held again.
    pub(crate) fn take_held(&mut self, now: MonoMicros) -> Vec<SessionId> {
        if self.has_released(now) {
            core::mem::take(&mut self.held)
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pause;
    use crate::MonoMicros;

    #[test]
    fn the_later_end_and_the_stricter_mode_hold() {
        let mut pause = Pause::default();
        pause.start(MonoMicros(0), MonoMicros(100), true);
        pause.start(MonoMicros(10), MonoMicros(50), false);
        assert_eq!(pause.end(MonoMicros(20)), Some(MonoMicros(100)));
        assert!(pause.is_for_all(MonoMicros(99)));
        assert!(!pause.is_active(MonoMicros(100)));
        pause.start(MonoMicros(200), MonoMicros(300), false);
        assert!(pause.is_active(MonoMicros(250)) && !pause.is_for_all(MonoMicros(250)));
        pause.stop();
        assert!(!pause.is_active(MonoMicros(250)));
    }
}
