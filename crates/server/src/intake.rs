//! Reading and parsing: from ready sockets into one flat batch of requests.
//! Running them is `hub`'s part.

use std::io::{ErrorKind, Read as _};

use smallvec::SmallVec;
use vk_engine::{SessionId, TlsPeer};
use vk_net::{Opening, ReceiveError, identity_of, limits};
use vk_resp::{Batch, Request};

use crate::{
    clients::{ClientIndex, Phase},
    hub::{Hub, Run},
    listen::system_text,
    log::Level,
    usage,
};

/// Plaintext of one turn, for all connections.
const SCRATCH_BYTES: usize = 1024 * 1024;

/// Requests whose keys are hashed and fetched ahead together: as many as a core has misses in
/// flight.
const GROUP: usize = 64;

/// Requests in a batch from which on it is run before more is read.
const BATCH_REQUESTS_MAX: usize = 8 * 1024;

/// What a plaintext client is told on a TLS port.
pub(crate) const SPEAKS_TLS_REPLY: &[u8] = b"-ERR this port speaks TLS\r\n";

/// Input of one turn.
#[derive(Debug)]
pub(crate) struct Intake {
    scratch: Box<[u8]>,
    /// Bytes of `scratch` that requests of this turn point into.
    used: usize,
    ciphertext: Box<[u8]>,
    batch: Batch,
    /// The session of each request in the batch.
    owners: Vec<SessionId>,
    runs: Vec<Run>,
    /// Answer plaintext on a TLS port with a line that explains it.
    pub(crate) explains_tls: bool,
}

/// What reading from a connection came to.
enum Read {
    /// This much plaintext is at the end of the scratch.
    Bytes(usize),
    /// The same, and the peer will send no more.
    Last(usize),
    /// Nothing for now, or the connection is gone.
    Nothing,
}

impl Intake {
    pub(crate) fn new() -> Self {
        Self {
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            used: 0,
            ciphertext: vec![0; limits::CIPHERTEXT_BYTES_PER_TURN_MAX].into_boxed_slice(),
            batch: Batch::new(),
            owners: Vec::new(),
            runs: Vec::new(),
            explains_tls: false,
        }
    }

    /// Reads what a connection has, and parses it.
    pub(crate) fn take(&mut self, hub: &mut Hub, index: ClientIndex) {
        let room = self.scratch.len().saturating_sub(self.used);
        if room < limits::READ_BYTES_PER_TURN_MAX || self.batch.len() >= BATCH_REQUESTS_MAX {
            self.execute(hub);
        }
        let Some(client) = hub.clients.find(index) else {
            return;
        };
        match client.phase {
            // What its run leaves behind comes before what the socket has.
            Phase::Open if client.is_in_batch => return hub.make_ready(index),
            Phase::Open => {}
            Phase::Closing if client.is_peer_closed => return hub.doom(index),
            _ => return,
        }
        let is_full = !client.is_authenticated
            && client.conn.queued_bytes() > limits::UNAUTHENTICATED_OUTPUT_BYTES_MAX;
        if is_full {
            return;
        }
        let read = if client.conn.has_stash() {
            self.unstash(hub, index)
        } else if client.may_read {
            self.read(hub, index)
        } else {
            Read::Nothing
        };
        match read {
            Read::Bytes(count) => self.parse(hub, index, count, false),
            Read::Last(count) => self.parse(hub, index, count, true),
            Read::Nothing => {}
        }
    }

    /// Brings back what was put aside; then the socket is asked in the next turn.
    fn unstash(&mut self, hub: &mut Hub, index: ClientIndex) -> Read {
        if !hub.run_stashed(index) {
            return Read::Nothing;
        }
        let Some(client) = hub.clients.find(index) else {
            return Read::Nothing;
        };
        let room = &mut self.scratch[self.used..];
        let room_len = room.len().min(limits::READ_BYTES_PER_TURN_MAX);
        let count = client.conn.unstash(&mut room[..room_len]);
        if client.may_read || client.is_peer_closed || client.conn.has_stash() {
            client.may_read |= client.is_peer_closed;
            hub.make_ready(index);
        }
        Read::Bytes(count)
    }

    #[inline]
    fn read(&mut self, hub: &mut Hub, index: ClientIndex) -> Read {
        let Some(client) = hub.clients.find(index) else {
            return Read::Nothing;
        };
        if client.conn.is_tls() {
            return self.read_tls(hub, index);
        }
        let most = if client.is_authenticated {
            limits::READ_BYTES_PER_TURN_MAX
        } else {
            limits::UNAUTHENTICATED_READ_BYTES_MAX
        };
        let room = &mut self.scratch[self.used..][..most];
        hub.counters.reads = hub.counters.reads.wrapping_add(1);
        let count = match client.socket.read(room) {
            Ok(0) => return Read::Last(0),
            Ok(count) => count,
            Err(error) => return give_up_reading(hub, index, &error),
        };
        hub.counters.input_bytes = hub.counters.input_bytes.wrapping_add(count as u64);
        if client.conn.inspect(&room[..count]) == Opening::ClientHello {
            let text = format!(
                "Possible TLS client on a plaintext port: the connection is closed. Connect to \
                 tls-port instead.{}",
                client.socket.addresses()
            );
            hub.log.log(Level::Warning, &text);
            hub.doom(index);
            return Read::Nothing;
        }
        note_length(hub, index, count, most);
        Read::Bytes(count)
    }

    fn read_tls(&mut self, hub: &mut Hub, index: ClientIndex) -> Read {
        let Some(client) = hub.clients.find(index) else {
            return Read::Nothing;
        };
        let most = if client.is_authenticated {
            self.ciphertext.len()
        } else {
            limits::UNAUTHENTICATED_READ_BYTES_MAX
        };
        let room = &mut self.ciphertext[..most];
        hub.counters.reads = hub.counters.reads.wrapping_add(1);
        let count = match client.socket.read(room) {
            Ok(0) => return Read::Last(0),
            Ok(count) => count,
            Err(error) => return give_up_reading(hub, index, &error),
        };
        hub.counters.input_bytes = hub.counters.input_bytes.wrapping_add(count as u64);
        let received = client
            .conn
            .receive(&room[..count], &mut self.scratch[self.used..]);
        let received = match received {
            Ok(received) => received,
            Err(error) => {
                self.refuse_tls(hub, index, &error);
                return Read::Nothing;
            }
        };
        note_length(hub, index, count, most);
        if received.is_handshake_done && !meet(hub, index) {
            return Read::Nothing;
        }
        // Answers of the handshake, of a key update: nobody else would send them.
        hub.flush(index);
        match received.is_finished {
            true => Read::Last(received.bytes),
            false => Read::Bytes(received.bytes),
        }
    }

    fn refuse_tls(&self, hub: &mut Hub, index: ClientIndex, error: &ReceiveError) {
        let Some(client) = hub.clients.find(index) else {
            return;
        };
        let text = format!(
            "Error accepting a client connection: {error}{}",
            client.socket.addresses()
        );
        hub.log.log(Level::Warning, &text);
        let Some(client) = hub.clients.find(index) else {
            return;
        };
        if matches!(error, ReceiveError::NotTls) {
            if self.explains_tls {
                // Best effort: the connection ends in any case.
                let _ = std::io::Write::write(&mut client.socket, SPEAKS_TLS_REPLY);
            }
        } else {
            let _ = client.conn.flush(&mut client.socket);
        }
        client.socket.shut_down_write();
        hub.doom(index);
    }

    #[inline]
    fn parse(&mut self, hub: &mut Hub, index: ClientIndex, count: usize, is_finished: bool) {
        let (from, end) = (self.used, self.used.saturating_add(count));
        let Some(client) = hub.clients.find(index) else {
            return;
        };
        let Some(session) = client.session else {
            if is_finished {
                hub.doom(index);
            }
            return;
        };
        let allowed = hub.engine.session_limits(session);
        client.is_authenticated = allowed.authenticated;
        let (parser, requests_max) = if allowed.authenticated {
            (allowed.parser, limits::REQUESTS_PER_TURN_MAX)
        } else {
            (limits::before_authentication(allowed.parser), 1)
        };
        let input = &self.scratch[..end];
        let parsed = client
            .conn
            .parse(input, from, &parser, requests_max, &mut self.batch);
        let (rest, error) = match parsed {
            Ok(stopped) => (stopped..end, None),
            Err(error) => (end..end, Some(error)),
        };
        let usage = usage::of(client);
        hub.engine.handle_usage(session, usage);
        let is_empty = self.batch.len() == self.owners.len();
        if is_empty && rest.is_empty() && error.is_none() && !is_finished {
            return;
        }
        client.is_in_batch = true;
        self.owners.resize(self.batch.len(), session);
        self.used = end;
        let run = Run {
            client: index,
            end: self.batch.len(),
            rest,
            error,
            is_finished,
        };
        self.runs.push(run);
    }

    /// Runs everything that was parsed, and makes room.
    pub(crate) fn execute(&mut self, hub: &mut Hub) {
        let mut runs = self.runs.iter();
        let mut run = runs.next();
        let mut may_go_on = true;
        let mut at = 0;
        'batch: while at < self.batch.len() {
            let end = at.saturating_add(GROUP).min(self.batch.len());
            let mut group: SmallVec<[(SessionId, Request<'_>); GROUP]> = SmallVec::new();
            for (number, owner) in (at..end).zip(&self.owners[at..end]) {
                group.push((*owner, self.batch.request(number, &self.scratch)));
            }
            hub.engine.prepare(&group);
            for &(session, request) in &group {
                while let Some(done) = run.filter(|run| run.end <= at) {
                    hub.end_run(done, &self.scratch);
                    run = runs.next();
                    may_go_on = true;
                }
                let Some(run) = run else { break 'batch };
                if may_go_on {
                    may_go_on = hub.perform(run.client, session, request);
                } else {
                    set_aside(hub, run.client, request);
                }
                at = at.saturating_add(1);
            }
        }
        while let Some(done) = run {
            hub.end_run(done, &self.scratch);
            run = runs.next();
        }
        self.batch.clear();
        self.owners.clear();
        self.runs.clear();
        self.used = 0;
    }
}

/// A request behind one that parked the session waits; behind one that closed it, it is nothing.
#[cold]
fn set_aside(hub: &mut Hub, index: ClientIndex, request: Request<'_>) {
    if let Some(client) = hub.clients.find(index)
        && client.phase == Phase::Parked
    {
        client.conn.stash_request(request.to_owned());
    }
}

/// A short read empties a stream socket, unless its end is still to be read.
#[inline]
fn note_length(hub: &mut Hub, index: ClientIndex, count: usize, most: usize) {
    let Some(client) = hub.clients.find(index) else {
        return;
    };
    if count < most && !client.is_peer_closed {
        client.may_read = false;
    } else {
        hub.make_ready(index);
    }
}

fn give_up_reading(hub: &mut Hub, index: ClientIndex, error: &std::io::Error) -> Read {
    match error.kind() {
        ErrorKind::WouldBlock => {
            if let Some(client) = hub.clients.find(index) {
                client.may_read = false;
            }
        }
        ErrorKind::Interrupted => hub.make_ready(index),
        _ => {
            let text = format!("Reading from client: {}", system_text(error));
            hub.log.log(Level::Verbose, &text);
            hub.doom(index);
        }
    }
    Read::Nothing
}

/// The handshake is done: now the engine hears of the peer.
fn meet(hub: &mut Hub, index: ClientIndex) -> bool {
    let Some(client) = hub.clients.find(index) else {
        return false;
    };
    let Some(mut peer) = client.peer.take() else {
        return false;
    };
    peer.tls = client.conn.peer_certificate().map(|certificate| {
        let identity = identity_of(certificate);
        TlsPeer {
            common_name: identity.common_name,
            uris: identity.uris,
        }
    });
    client.deadline = None;
    hub.introduce(index, *peer)
}
