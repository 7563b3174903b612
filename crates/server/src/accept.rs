//! Taking connections in: how many per turn, how many at all, and who is turned away.
//! Opening the listeners is `listen`'s part.

use std::{
    fs::File,
    io::{self, ErrorKind, Write as _},
    net::SocketAddr,
    sync::Arc,
};

use mio::{Registry, Token};
use rustix::io::Errno;
use rustls::ServerConfig;
use vk_engine::{ListenerKind, Local, Peer, Remote, UnixPeer};
use vk_net::{Connection, limits};

use crate::{
    clients::{Client, ClientIndex, Phase},
    hub::Hub,
    listen::{Listener, inode_of, remove_unix, system_text},
    log::Level,
    socket::Socket,
    writable::token_of,
};

/// What is sent to a connection too many.
const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";

/// The listeners and the rules of the door.
pub(crate) struct Doors {
    places: Vec<Option<Place>>,
    /// Descriptors have run out, so accepting waits for the next tick.
    is_starved: bool,
    /// A descriptor that is given up to turn connections away when there is no other.
    spare: Option<File>,
    /// For new TLS connections.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) maxclients: usize,
    pub(crate) accepts_per_turn: usize,
    pub(crate) tls_accepts_per_turn: usize,
    pub(crate) keepalive_s: u64,
    /// Deadlines and limits of the strict profile for who is not authenticated.
    pub(crate) is_strict: bool,
    unauthenticated: usize,
}

struct Place {
    listener: Listener,
    /// An edge came and the queue has not been emptied since.
    is_pending: bool,
    inode: Option<u64>,
}

impl Doors {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            is_starved: false,
            spare: File::open("/dev/null").ok(),
            tls: None,
            maxclients: 10_000,
            accepts_per_turn: 10,
            tls_accepts_per_turn: limits::TLS_ACCEPTS_PER_TURN_MAX,
            keepalive_s: 300,
            is_strict: false,
            unauthenticated: 0,
        }
    }

    /// Listeners are numbered from `base`; returns the number behind the last place.
    pub(crate) fn add(
        &mut self,
        mut listener: Listener,
        registry: &Registry,
        base: usize,
    ) -> io::Result<()> {
        let free = self.places.iter().position(Option::is_none);
        let at = free.unwrap_or(self.places.len());
        listener.register(registry, Token(base.saturating_add(at)))?;
        let inode = listener.path().and_then(inode_of);
        let place = Some(Place {
            listener,
            is_pending: true,
            inode,
        });
        match self.places.get_mut(at) {
            Some(free) => *free = place,
            None => self.places.push(place),
        }
        Ok(())
    }

    /// Closes the listeners of one kind; a Unix socket's file goes, too.
    pub(crate) fn close(&mut self, kind: ListenerKind, registry: &Registry) -> io::Result<()> {
        let mut result = Ok(());
        for place in &mut self.places {
            if let Some(mut closed) = place.take_if(|place| place.listener.kind == kind) {
                closed.listener.deregister(registry);
                if let Some(path) = closed.listener.path() {
                    result = remove_unix(path, closed.inode);
                }
            }
        }
        result
    }

    /// Kinds of listeners that are open, in Valkey's order.
    pub(crate) fn kinds(&self) -> Vec<ListenerKind> {
        let all = [ListenerKind::Tcp, ListenerKind::Unix, ListenerKind::Tls];
        let is_open = |kind: &ListenerKind| {
            self.places
                .iter()
                .flatten()
                .any(|place| place.listener.kind == *kind)
        };
        all.into_iter().filter(is_open).collect()
    }

    /// An edge on the listener at this place.
    pub(crate) fn note(&mut self, at: usize) {
        if let Some(Some(place)) = self.places.get_mut(at) {
            place.is_pending = true;
        }
    }

    /// A tick has passed: descriptors may be free again.
    pub(crate) fn retry(&mut self, unauthenticated: usize) {
        self.is_starved = false;
        self.unauthenticated = unauthenticated;
        if self.spare.is_none() {
            self.spare = File::open("/dev/null").ok();
        }
    }

    /// Whether connections wait that were not accepted in this turn.
    pub(crate) fn is_pending(&self) -> bool {
        !self.is_starved && self.places.iter().flatten().any(|place| place.is_pending)
    }

    /// Takes in a turn's share from every listener.
    pub(crate) fn accept(&mut self, hub: &mut Hub, registry: &Registry) {
        for at in 0..self.places.len() {
            self.accept_from(at, hub, registry);
        }
    }

    fn accept_from(&mut self, at: usize, hub: &mut Hub, registry: &Registry) {
        let share = match self.places.get(at) {
            Some(Some(place)) if place.is_pending => match place.listener.kind {
                ListenerKind::Tls => self.tls_accepts_per_turn,
                ListenerKind::Tcp | ListenerKind::Unix => self.accepts_per_turn,
            },
            _ => return,
        };
        for _ in 0..share {
            let Some(Some(place)) = self.places.get_mut(at) else {
                return;
            };
            let kind = place.listener.kind;
            let path = place.listener.path().map(|path| path.display().to_string());
            match place.listener.accept() {
                Ok((socket, address)) => {
                    note_accepted(hub, address, path.as_deref());
                    self.admit(hub, registry, kind, socket, address, path);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    place.is_pending = false;
                    return;
                }
                // The peer was gone before it was accepted: the next one is not.
                Err(error) if is_of_one_peer(&error) => {
                    hub.counters.accept_errors = hub.counters.accept_errors.wrapping_add(1);
                }
                Err(error) => return self.starve(at, hub, &error),
            }
        }
    }

    /// Out of descriptors: one connection is turned away with the spare one, so that it does not
    /// wait for nothing, and the listener rests until the next tick.
    fn starve(&mut self, at: usize, hub: &mut Hub, error: &io::Error) {
        hub.counters.accept_errors = hub.counters.accept_errors.wrapping_add(1);
        let text = format!(
            "Accepting client connection: accept: {}",
            system_text(error)
        );
        hub.log.log(Level::Warning, &text);
        self.is_starved = true;
        if self.spare.take().is_some()
            && let Some(Some(place)) = self.places.get(at)
            && let Ok((mut socket, _)) = place.listener.accept()
            && place.listener.kind != ListenerKind::Tls
        {
            hub.counters.rejected = hub.counters.rejected.wrapping_add(1);
            let _ = socket.write(TOO_MANY);
        }
        self.spare = File::open("/dev/null").ok();
    }

    fn admit(
        &mut self,
        hub: &mut Hub,
        registry: &Registry,
        kind: ListenerKind,
        mut socket: Socket,
        address: Option<SocketAddr>,
        path: Option<String>,
    ) {
        if hub.clients.len() >= self.maxclients {
            return turn_away(hub, kind, &mut socket, TOO_MANY);
        }
        if self.is_strict && self.unauthenticated >= limits::UNAUTHENTICATED_CONNECTIONS_MAX {
            return turn_away(hub, kind, &mut socket, TOO_MANY);
        }
        let conn = match (kind, &self.tls) {
            (ListenerKind::Tls, Some(config)) => match Connection::tls(Arc::clone(config)) {
                Ok(conn) => conn,
                Err(error) => {
                    hub.log.log(
                        Level::Warning,
                        &format!("Error accepting a client: {error}"),
                    );
                    return;
                }
            },
            (ListenerKind::Tls, None) => return,
            (ListenerKind::Tcp | ListenerKind::Unix, _) => Connection::plain(),
        };
        socket.tune(self.keepalive_s);
        let peer = peer_of(kind, &socket, address, path);
        let index = hub.clients.add(Client::new(socket, conn));
        let Some(client) = hub.clients.find(index) else {
            return;
        };
        if client.socket.register(registry, token_of(index)).is_err() {
            hub.doom(index);
            return;
        }
        if kind == ListenerKind::Tls {
            client.peer = Some(Box::new(peer));
            client.deadline = Some(hub.clock.mono.after(limits::TLS_HANDSHAKE_TIME_MAX));
            self.unauthenticated = self.unauthenticated.saturating_add(1);
        } else if hub.introduce(index, peer)
            && hub
                .clients
                .find(index)
                .is_some_and(|client| !client.is_authenticated)
        {
            self.unauthenticated = self.unauthenticated.saturating_add(1);
        }
    }
}

/// Numbers that are kept for listeners.
pub(crate) const LISTENERS_MAX: usize = 64;

impl Hub {
    /// Tells the engine about a peer; whether it may stay.
    pub(crate) fn introduce(&mut self, index: ClientIndex, peer: Peer) -> bool {
        let env = Self::env(&self.clock, &mut self.host);
        let answer = self.engine.handle_connect(&env, peer);
        let Some(client) = self.clients.find(index) else {
            return false;
        };
        match answer {
            Ok(session) => {
                client.session = Some(session);
                client.is_authenticated = self.engine.session_limits(session).authenticated;
                if !client.is_authenticated {
                    let time = self.authenticate_time_max;
                    client.deadline = time.map(|time| self.clock.mono.after(time));
                }
                self.clients.link(session, index);
                true
            }
            Err(refusal) => {
                self.counters.rejected = self.counters.rejected.wrapping_add(1);
                self.reply.raw(refusal.reply);
                client.phase = Phase::Closing;
                self.send(index);
                self.begin_closing(index);
                false
            }
        }
    }
}

fn note_accepted(hub: &Hub, address: Option<SocketAddr>, path: Option<&str>) {
    if !hub.log.enabled(Level::Verbose) {
        return;
    }
    let text = match address {
        Some(address) => format!("Accepted {}:{}", address.ip(), address.port()),
        None => format!("Accepted connection to {}", path.unwrap_or_default()),
    };
    hub.log.log(Level::Verbose, &text);
}

/// Nothing is known of a TLS peer's keys yet, so it is told nothing.
fn turn_away(hub: &mut Hub, kind: ListenerKind, socket: &mut Socket, reply: &[u8]) {
    hub.counters.rejected = hub.counters.rejected.wrapping_add(1);
    if kind != ListenerKind::Tls {
        let _ = socket.write(reply);
    }
}

fn peer_of(
    kind: ListenerKind,
    socket: &Socket,
    address: Option<SocketAddr>,
    path: Option<String>,
) -> Peer {
    let (local, unix) = match socket {
        Socket::Tcp(stream) => match stream.local_addr() {
            Ok(address) => (Local::Tcp(address), None),
            Err(_) => (Local::Internal, None),
        },
        Socket::Unix(_) => {
            let credentials = rustix::net::sockopt::socket_peercred(socket).ok();
            let unix = credentials.map(|found| UnixPeer {
                uid: found.uid.as_raw(),
                gid: found.gid.as_raw(),
                pid: found.pid.as_raw_nonzero().get(),
            });
            (Local::Unix(path.unwrap_or_default()), unix)
        }
    };
    Peer {
        remote: address.map_or(Remote::Unix, Remote::Tcp),
        local,
        listener: kind,
        unix,
        tls: None,
        proxy: None,
        fd: socket.descriptor(),
    }
}

/// Errors of accept(2) that are about one connection, not about this process.
fn is_of_one_peer(error: &io::Error) -> bool {
    let Some(errno) = Errno::from_io_error(error) else {
        return false;
    };
    [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::PROTO,
        Errno::PERM,
        Errno::NETDOWN,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::NONET,
        Errno::HOSTUNREACH,
        Errno::OPNOTSUPP,
        Errno::NETUNREACH,
    ]
    .contains(&errno)
}
