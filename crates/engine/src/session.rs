//! Sessions: what the machine knows of each connection.
//!
//! Sessions are named by generational ids across every border, so that an id that outlived its
//! session finds nothing.

mod account;

use alloc::{boxed::Box, collections::VecDeque, string::String, vec::Vec};

use bitflags::bitflags;
use vk_resp::{OwnedRequest, Protocol, ReplyBuf};

use account::{Counted, Totals};

use crate::{
    MonoMicros, Peer,
    blocking::Blocked,
    cmd::CommandId,
    pubsub::Subscriptions,
    tracking::SessionTracking,
    users::{DEFAULT_USER, UserId},
};

/// Names a session for as long as it lives, and nothing afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    index: u32,
    generation: u32,
}

impl SessionId {
    /// A small number, unique among the living sessions: for a table of the shell.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

/// What kind of peer a session serves: the classes of `client-output-buffer-limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionClass {
    /// Requests and replies.
    Normal,
    /// At least one subscription.
    PubSub,
}

/// Buffers of a connection, as the shell measures them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetUsage {
    /// Bytes of requests that are not complete yet or not run yet.
    pub query_bytes: usize,
    /// Room behind them.
    pub query_free_bytes: usize,
    /// Size of the buffer that replies are written into.
    pub reply_buffer_bytes: usize,
    /// The most that this buffer held of late.
    pub reply_buffer_peak_bytes: usize,
    /// Bytes of replies in that buffer that wait to be sent.
    pub reply_used_bytes: usize,
    /// Blocks of replies that did not fit the buffer.
    pub reply_list_len: usize,
    /// Their bytes.
    pub reply_list_bytes: usize,
    /// Memory of the TLS session.
    pub tls_bytes: usize,
    /// Bytes received since the connection began.
    pub input_bytes_total: u64,
    /// Bytes sent since the connection began.
    pub output_bytes_total: u64,
}

/// Figures of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// Resident bytes.
    pub rss_bytes: u64,
    /// Bytes that the allocator has handed out.
    pub allocator_allocated_bytes: u64,
    /// Bytes in pages that hold allocations.
    pub allocator_active_bytes: u64,
    /// Bytes that the allocator keeps resident.
    pub allocator_resident_bytes: u64,
    /// Bytes in pages that may be reclaimed lazily.
    pub allocator_muzzy_bytes: u64,
    /// User time of the process in microseconds.
    pub cpu_user_micros: u64,
    /// System time of the process in microseconds.
    pub cpu_system_micros: u64,
    /// User time of ended children in microseconds.
    pub cpu_user_children_micros: u64,
    /// System time of ended children in microseconds.
    pub cpu_system_children_micros: u64,
    /// User time of the main thread in microseconds.
    pub cpu_user_main_thread_micros: u64,
    /// System time of the main thread in microseconds.
    pub cpu_system_main_thread_micros: u64,
    /// Bytes received over all connections.
    pub input_bytes_total: u64,
    /// Bytes sent over all connections.
    pub output_bytes_total: u64,
    /// Reads from sockets.
    pub reads_total: u64,
    /// Writes to sockets.
    pub writes_total: u64,
    /// Turns of the event loop.
    pub eventloop_cycles: u64,
    /// Time spent in them, waiting excluded, in microseconds.
    pub eventloop_micros: u64,
    /// The longest turn since these figures were told before, in microseconds.
    pub eventloop_max_micros: u64,
    /// The most requests of a turn since these figures were told before.
    pub eventloop_requests_max: u64,
    /// Connections turned away because there were too many.
    pub rejected_connections: u64,
    /// Failures to accept.
    pub accept_errors: u64,
}

bitflags! {
    /// Properties of a session that are on or off.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct SessionFlags: u32 {
        /// Said who it is, or need not.
        const AUTHENTICATED = 1;
        /// CLIENT REPLY OFF.
        const REPLY_OFF = 1 << 1;
        /// CLIENT REPLY SKIP: the next reply is dropped.
        const REPLY_SKIP_NEXT = 1 << 2;
        /// The reply of the running request is dropped.
        const REPLY_SKIP = 1 << 3;
        /// CLIENT NO-EVICT ON.
        const NO_EVICT = 1 << 4;
        /// CLIENT NO-TOUCH ON.
        const NO_TOUCH = 1 << 5;
        /// A watched key changed.
        const DIRTY_CAS = 1 << 6;
        /// A command was refused while queueing.
        const DIRTY_EXEC = 1 << 7;
        /// CLIENT CAPA redirect.
        const CAPA_REDIRECT = 1 << 8;
        /// READONLY.
        const READONLY = 1 << 9;
        /// Will be closed once the reply is out.
        const CLOSING = 1 << 10;
        /// The connection is gone, but a transaction of it has not ended.
        const GONE = 1 << 11;
        /// Is being closed by the machine, and takes no part in anything.
        const LEAVING = 1 << 12;
        /// MONITOR.
        const MONITOR = 1 << 24;
        /// CLIENT IMPORT-SOURCE ON: sees what has expired while data is imported.
        const IMPORT_SOURCE = 1 << 25;
    }
}

/// A transaction that is being queued.
#[derive(Debug, Default)]
pub(crate) struct Multi {
    /// The commands in order.
    pub(crate) queued: Vec<(CommandId, OwnedRequest)>,
    /// Bytes that the queued requests hold.
    pub(crate) bytes: usize,
}

impl Multi {
    /// Bytes of the queue and of what it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes + self.queued.capacity() * size_of::<(CommandId, OwnedRequest)>()
    }
}

/// A key that the session watches.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) db: u32,
    pub(crate) key: Box<[u8]>,
    /// It had expired already when it was watched.
    pub(crate) expired: bool,
}

/// A transaction that waits in its middle for work outside.
#[derive(Debug)]
pub(crate) struct ExecRest {
    /// The commands that are still to run.
    pub(crate) queued: VecDeque<OwnedRequest>,
    /// The replies so far.
    pub(crate) reply: ReplyBuf,
    /// What they push to the session itself.
    pub(crate) pushes: ReplyBuf,
}

/// Why a session waits.
#[derive(Debug)]
pub(crate) enum Parked {
    /// Until CLIENT UNPAUSE; then the request runs.
    Paused(OwnedRequest),
    /// Until a piece of work outside has ended.
    Work,
    /// Until a time, or for ever; then this is the reply.
    Timer(ReplyBuf),
    /// Until a key can serve the request.
    Blocked(Box<Blocked>),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    /// The number that CLIENT ID answers.
    pub(crate) client_id: u64,
    pub(crate) peer: Peer,
    pub(crate) user: UserId,
    pub(crate) flags: SessionFlags,
    pub(crate) db: u32,
    pub(crate) protocol: Protocol,
    pub(crate) name: String,
    pub(crate) lib_name: String,
    pub(crate) lib_version: String,
    pub(crate) created: MonoMicros,
    /// Time of the last request.
    pub(crate) active: MonoMicros,
    pub(crate) last_command: Option<CommandId>,
    pub(crate) commands_total: u64,
    /// Where the effects of its last change end.
    pub(crate) write_position: u64,
    pub(crate) multi: Option<Multi>,
    pub(crate) watched: Vec<Watched>,
    /// Bytes of the watched keys.
    pub(crate) watched_bytes: usize,
    /// Bytes of the request that runs, where it may be looked at.
    pub(crate) request_bytes: usize,
    /// What it listens to; nothing, if there is nothing.
    pub(crate) subscriptions: Option<Box<Subscriptions>>,
    pub(crate) parked: Option<Parked>,
    pub(crate) exec_rest: Option<ExecRest>,
    /// CLIENT TRACKING, while it is on.
    pub(crate) tracking: Option<Box<SessionTracking>>,
    pub(crate) usage: NetUsage,
    /// What the totals hold of this session.
    counted: Counted,
}

impl Session {
    pub(crate) fn new(client_id: u64, peer: Peer, now: MonoMicros) -> Self {
        Self {
            client_id,
            peer,
            user: DEFAULT_USER,
            flags: SessionFlags::empty(),
            db: 0,
            protocol: Protocol::Resp2,
            name: String::new(),
            lib_name: String::new(),
            lib_version: String::new(),
            created: now,
            active: now,
            last_command: None,
            commands_total: 0,
            write_position: 0,
            multi: None,
            watched: Vec::new(),
            watched_bytes: 0,
            request_bytes: 0,
            subscriptions: None,
            parked: None,
            exec_rest: None,
            tracking: None,
            usage: NetUsage::default(),
            counted: Counted::default(),
        }
    }

    pub(crate) fn is_authenticated(&self) -> bool {
        self.flags.contains(SessionFlags::AUTHENTICATED)
    }

    /// Whether it listens to a channel or a pattern.
    pub(crate) const fn is_subscribed(&self) -> bool {
        self.subscriptions.is_some()
    }

    /// Whether it may send little else than what concerns its subscriptions.
    pub(crate) fn is_in_subscribed_mode(&self) -> bool {
        self.is_subscribed() && self.protocol == Protocol::Resp2
    }

    pub(crate) const fn class(&self) -> SessionClass {
        if self.is_subscribed() {
            SessionClass::PubSub
        } else {
            SessionClass::Normal
        }
    }
}

#[derive(Debug)]
struct Place {
    generation: u32,
    session: Option<Session>,
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    places: Vec<Place>,
    free: Vec<u32>,
    next_client_id: u64,
    /// Sessions of the machine's own.
    hidden: usize,
    totals: Totals,
}

impl Sessions {
    /// Adds a session; `make` gets its client number.
    pub(crate) fn add(&mut self, make: impl FnOnce(u64) -> Session) -> SessionId {
        self.next_client_id += 1;
        let session = Some(make(self.next_client_id));
        let id = self.place(session);
        self.recount(id);
        id
    }

    fn place(&mut self, session: Option<Session>) -> SessionId {
        if let Some(index) = self.free.pop()
            && let Some(place) = self.places.get_mut(index as usize)
        {
            place.session = session;
            return SessionId {
                index,
                generation: place.generation,
            };
        }
        self.places.push(Place {
            generation: 0,
            session,
        });
        SessionId {
            index: self.places.len() as u32 - 1,
            generation: 0,
        }
    }

    pub(crate) fn find(&self, id: SessionId) -> Option<&Session> {
        let place = self.places.get(id.index())?;
        if place.generation != id.generation {
            return None;
        }
        place.session.as_ref()
    }

    pub(crate) fn find_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        let place = self.places.get_mut(id.index())?;
        if place.generation != id.generation {
            return None;
        }
        place.session.as_mut()
    }

    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let place = self.places.get_mut(id.index())?;
        if place.generation != id.generation {
            return None;
        }
        let session = place.session.take()?;
        self.totals.forget(id, session.counted);
        place.generation = place.generation.wrapping_add(1);
        self.free.push(id.index);
        Some(session)
    }

    /// Adds a session of the machine's own, with client number 0, which no list shows.
    pub(crate) fn add_hidden(&mut self, make: impl FnOnce(u64) -> Session) -> SessionId {
        self.hidden += 1;
        self.places.push(Place {
            generation: 0,
            session: Some(make(0)),
        });
        SessionId {
            index: self.places.len() as u32 - 1,
            generation: 0,
        }
    }

    /// Living sessions.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len() - self.hidden
    }

    /// All living sessions that are not about to be closed, oldest first.
    pub(crate) fn by_age(&self) -> Vec<(SessionId, &Session)> {
        let is_leaving = |session: &Session| session.flags.contains(SessionFlags::LEAVING);
        let stays = |(_, session): &(_, &Session)| !is_leaving(session);
        let mut all: Vec<_> = self.iter().filter(stays).collect();
        all.sort_by_key(|(_, session)| session.client_id);
        all
    }

    /// All living sessions in no particular, but repeatable, order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.places.iter().enumerate().filter_map(|(index, place)| {
            let id = SessionId {
                index: index as u32,
                generation: place.generation,
            };
            let session = place
                .session
                .as_ref()
                .filter(|session| session.client_id > 0);
            session.map(|session| (id, session))
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Session, Sessions};
    use crate::{ListenerKind, Local, MonoMicros, Peer, Remote};

    pub(crate) fn session(client_id: u64) -> Session {
        let peer = Peer {
            remote: Remote::Internal,
            local: Local::Internal,
            listener: ListenerKind::Unix,
            unix: None,
            tls: None,
            proxy: None,
            fd: 0,
        };
        Session::new(client_id, peer, MonoMicros(0))
    }

    #[test]
    fn an_old_id_finds_nothing() {
        let mut sessions = Sessions::default();
        let first = sessions.add(session);
        assert!(sessions.remove(first).is_some());
        let second = sessions.add(session);
        assert_eq!(first.index(), second.index());
        assert!(sessions.find(first).is_none());
        assert!(sessions.remove(first).is_none());
        assert_eq!(sessions.find(second).map(|s| s.client_id), Some(2));
        assert_eq!(sessions.len(), 1);
    }
}
