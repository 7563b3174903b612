//! What a session that tracks has chosen.

use alloc::{boxed::Box, collections::BTreeSet};

use bitflags::bitflags;
use vk_mem::size_class;

use crate::SessionId;

bitflags! {
    /// How a session tracks.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub(crate) struct Modes: u8 {
        /// BCAST: every change under a prefix.
        const BROADCAST = 1;
        /// OPTIN: keys are remembered after CLIENT CACHING YES only.
        const OPT_IN = 1 << 1;
        /// OPTOUT: keys are remembered but after CLIENT CACHING NO.
        const OPT_OUT = 1 << 2;
        /// NOLOOP: nothing is told of the session's own changes.
        const NO_LOOP = 1 << 3;
        /// CLIENT CACHING was given for the next request.
        const CACHING = 1 << 4;
        /// The session that gets the invalidations is gone.
        const BROKEN = 1 << 5;
    }
}

/// Who gets the invalidations of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// The number that the session named.
    pub(crate) client_id: u64,
    /// Whom it stood for then.
    pub(crate) session: SessionId,
}

/// A session that tracks.
#[derive(Debug, Default)]
pub(crate) struct SessionTracking {
    pub(crate) modes: Modes,
    pub(crate) redirect: Option<Redirect>,
    prefixes: BTreeSet<Box<[u8]>>,
    prefix_bytes: usize,
}

impl SessionTracking {
    /// Whether keys that the session reads now are remembered.
    pub(crate) fn remembers(&self) -> bool {
        let is = |mode| self.modes.contains(mode);
        if is(Modes::OPT_IN) {
            return is(Modes::CACHING);
        }
        !is(Modes::BROADCAST) && !is(Modes::OPT_OUT | Modes::CACHING)
    }

    /// The number of the session that gets the invalidations: 0 for the session itself, -1 if it
    /// does not track.
    pub(crate) fn redirect_number(tracking: Option<&Self>) -> i64 {
        tracking.map_or(-1, |tracking| {
            let client_id = tracking.redirect.map_or(0, |redirect| redirect.client_id);
            i64::try_from(client_id).unwrap_or(i64::MAX)
        })
    }

    /// The prefixes that it broadcasts, in order.
    pub(crate) fn prefixes(&self) -> &BTreeSet<Box<[u8]>> {
        &self.prefixes
    }

    /// Adds a prefix; `false` if it was there.
    pub(super) fn add_prefix(&mut self, prefix: &[u8]) -> bool {
        let is_new = self.prefixes.insert(prefix.into());
        if is_new {
            self.prefix_bytes += size_class(prefix.len()) + size_of::<Box<[u8]>>();
        }
        is_new
    }

    /// What [`SessionTracking::memory_bytes`] has to be, by a walk over the prefixes.
    pub(crate) fn recount_bytes(&self) -> usize {
        let prefixes = self.prefixes.iter();
        let bytes = prefixes.map(|prefix| size_class(prefix.len()) + size_of::<Box<[u8]>>());
        size_class(size_of::<Self>()) + bytes.sum::<usize>()
    }

    /// Bytes that the session's choice takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_class(size_of::<Self>()) + self.prefix_bytes
    }
}
