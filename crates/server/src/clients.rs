//! The connections of the process by small numbers, with what the loop has to remember of each.
//! What a session may do is the engine's part, what a connection holds is `vk_net`'s.

use vk_engine::{MonoMicros, Peer, SessionId};
use vk_net::Connection;

use crate::socket::Socket;

/// Number of a connection: an index that is used again only after the turn in which it was freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientIndex(pub(crate) u32);

/// How far a connection's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Requests are read and run.
    Open,
    /// The session waits for the engine; nothing is read.
    Parked,
    /// What is queued is sent, then the connection ends. There is no session any more.
    Closing,
    /// Ends with this turn.
    Doomed,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: Socket,
    pub(crate) conn: Connection,
    /// None during a TLS handshake and while closing.
    pub(crate) session: Option<SessionId>,
    /// What the engine is told about the peer, until it is told.
    pub(crate) peer: Option<Box<Peer>>,
    pub(crate) phase: Phase,
    /// When the present phase (a handshake, authentication, closing) must have ended.
    pub(crate) deadline: Option<MonoMicros>,
    /// Since when the output is above its soft limit.
    pub(crate) soft_since: Option<MonoMicros>,
    /// As of the last look; limits are tighter without.
    pub(crate) is_authenticated: bool,
    /// The kernel may hold more input.
    pub(crate) may_read: bool,
    /// The peer has shut its side down: the end of the input comes after what is there.
    pub(crate) is_peer_closed: bool,
    /// It has a run in the batch, which must end before more is read.
    pub(crate) is_in_batch: bool,
    /// The socket took less than it was given, and has not said since that it takes more.
    pub(crate) is_blocked: bool,
    pub(crate) is_in_ready: bool,
    pub(crate) is_in_dirty: bool,
    /// What is queued must not leave yet.
    pub(crate) is_held: bool,
    /// The last write to the disk that it was held for.
    pub(crate) held_round: u32,
    pub(crate) is_in_touched: bool,
}

impl Client {
    pub(crate) fn new(socket: Socket, conn: Connection) -> Self {
        Self {
            socket,
            conn,
            session: None,
            peer: None,
            phase: Phase::Open,
            deadline: None,
            soft_since: None,
            is_authenticated: false,
            may_read: false,
            is_peer_closed: false,
            is_in_batch: false,
            is_blocked: false,
            is_in_ready: false,
            is_in_dirty: false,
            is_held: false,
            held_round: 0,
            is_in_touched: false,
        }
    }
}

/// All connections, and the way from a session to its connection.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    places: Vec<Option<Client>>,
    free: Vec<u32>,
    of_session: Vec<Option<(SessionId, ClientIndex)>>,
}

impl Clients {
    pub(crate) fn add(&mut self, client: Client) -> ClientIndex {
        if let Some(index) = self.free.pop()
            && let Some(place) = self.places.get_mut(index as usize)
        {
            *place = Some(client);
            return ClientIndex(index);
        }
        let index = ClientIndex(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
        self.places.push(Some(client));
        index
    }

    #[inline]
    pub(crate) fn find(&mut self, index: ClientIndex) -> Option<&mut Client> {
        self.places.get_mut(index.0 as usize)?.as_mut()
    }

    pub(crate) fn remove(&mut self, index: ClientIndex) -> Option<Client> {
        let client = self.places.get_mut(index.0 as usize)?.take()?;
        self.free.push(index.0);
        Some(client)
    }

    /// Living connections.
    pub(crate) fn len(&self) -> usize {
        self.places.len().saturating_sub(self.free.len())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ClientIndex, &mut Client)> {
        self.places
            .iter_mut()
            .enumerate()
            .filter_map(|(index, place)| {
                let index = ClientIndex(u32::try_from(index).unwrap_or(u32::MAX));
                place.as_mut().map(|client| (index, client))
            })
    }

    /// Notes that `session` is served by `index`.
    pub(crate) fn link(&mut self, session: SessionId, index: ClientIndex) {
        let at = session.index();
        if self.of_session.len() <= at {
            self.of_session.resize(at.saturating_add(1), None);
        }
        if let Some(place) = self.of_session.get_mut(at) {
            *place = Some((session, index));
        }
    }

    /// Forgets `session`.
    pub(crate) fn unlink(&mut self, session: SessionId) {
        if let Some(place) = self.of_session.get_mut(session.index())
            && place.is_some_and(|(known, _)| known == session)
        {
            *place = None;
        }
    }

    /// The connection of a session that lives.
    pub(crate) fn of(&self, session: SessionId) -> Option<ClientIndex> {
        match self.of_session.get(session.index()) {
            Some(Some((known, index))) if *known == session => Some(*index),
            _ => None,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use mio::net::UnixStream;

    fn client() -> Client {
        let (ours, _) = UnixStream::pair().unwrap();
        Client::new(Socket::Unix(ours), Connection::plain())
    }

    #[test]
    fn numbers_are_used_again_and_stay_small() {
        let mut clients = Clients::default();
        let first = clients.add(client());
        let second = clients.add(client());
        assert!(clients.remove(first).is_some() && clients.find(first).is_none());
        assert!(clients.remove(first).is_none());
        assert_eq!(clients.len(), 1);
        assert_eq!(clients.add(client()), first);
        assert_eq!(
            clients
                .iter_mut()
                .map(|(index, _)| index.0)
                .collect::<Vec<_>>(),
            [0, 1]
        );
        assert!(clients.find(second).is_some());
    }
}
