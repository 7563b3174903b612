//! The machine of one connection. The socket, the session and the clock are the shell's.

use std::{collections::VecDeque, fmt, io, io::Write, sync::Arc};

use rustls::{ServerConfig, pki_types::CertificateDer};
use vk_resp::{Batch, Limits, OwnedRequest, Parser, ProtocolError, ReplyBuf};

use crate::{
    output::{Direct, OutputQueue, Progress, Source, transmit},
    sniff::Opening,
    tls::Tls,
};

/// One connection between its socket and its session. See the crate for the order of the calls.
#[derive(Debug, Default)]
pub struct Connection {
    parser: Parser,
    output: OutputQueue,
    tls: Option<Box<Tls>>,
    /// Set while something that was received waits to run; most connections never need it.
    waiting: Option<Box<Waiting>>,
    input_bytes: u64,
    output_bytes: u64,
    /// The first bytes have been looked at.
    is_opened: bool,
    /// Nothing may be queued any more.
    is_closing: bool,
}

/// What was received but may not run yet, in order.
#[derive(Debug, Default)]
struct Waiting {
    /// Parsed requests behind one that parked the session.
    requests: VecDeque<OwnedRequest>,
    /// Plaintext that has not been parsed.
    bytes: Vec<u8>,
    /// Where in `bytes` it begins.
    from: usize,
}

/// What a piece of input came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Received {
    /// Plaintext bytes at the front of the buffer that was given.
    pub bytes: usize,
    /// The TLS handshake ended with this input.
    pub is_handshake_done: bool,
    /// The peer has said that it will send no more.
    pub is_finished: bool,
}

/// Why a connection cannot go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The peer does not speak TLS on a TLS port.
    NotTls,
    /// The peer broke TLS; an alert waits to be flushed.
    Tls(rustls::Error),
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls => f.write_str("the peer does not speak TLS"),
            Self::Tls(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReceiveError {}

impl Connection {
    /// A connection without encryption.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// A connection that begins with a TLS handshake under `config`; a later change of the
    /// server's configuration does not reach it.
    ///
    /// # Errors
    /// When rustls refuses the configuration.
    pub fn tls(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self {
            tls: Some(Box::new(Tls::new(config)?)),
            ..Self::default()
        })
    }

    /// Whether bytes from the socket must pass [`Connection::receive`] first.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether the TLS handshake has not ended yet.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// The peer's verified certificate, once the handshake is done.
    #[must_use]
    pub fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.tls.as_ref()?.peer_certificate()
    }

    /// Takes `received` from the socket and puts the plaintext to the front of `plaintext`, which
    /// must be larger by one TLS record (17 KiB).
    ///
    /// # Errors
    /// The connection is to be flushed (an alert may wait) and closed.
    pub fn receive(
        &mut self,
        received: &[u8],
        plaintext: &mut [u8],
    ) -> Result<Received, ReceiveError> {
        self.input_bytes = self.input_bytes.saturating_add(received.len() as u64);
        let was_opened = std::mem::replace(&mut self.is_opened, true);
        let Some(tls) = &mut self.tls else {
            let bytes = received.len().min(plaintext.len());
            plaintext[..bytes].copy_from_slice(&received[..bytes]);
            return Ok(Received {
                bytes,
                ..Received::default()
            });
        };
        if !was_opened && Opening::of(received) != Opening::ClientHello {
            return Err(ReceiveError::NotTls);
        }
        let was_handshaking = tls.is_handshaking();
        let (bytes, is_finished) = tls
            .decrypt(received, plaintext)
            .map_err(ReceiveError::Tls)?;
        let is_handshake_done = was_handshaking && !tls.is_handshaking();
        Ok(Received {
            bytes,
            is_handshake_done,
            is_finished,
        })
    }

    /// Looks at `received`, which was read from a plaintext socket straight into the shared
    /// buffer, and counts it. A ClientHello at the beginning means that the peer is at the wrong
    /// port.
    #[inline]
    pub fn inspect(&mut self, received: &[u8]) -> Opening {
        self.input_bytes = self.input_bytes.saturating_add(received.len() as u64);
        if self.is_opened || received.is_empty() {
            return Opening::Other;
        }
        self.is_opened = true;
        Opening::of(received)
    }

    /// Parses at most `requests_max` complete requests from `input[from..]` into `batch`; returns
    /// where it stopped. The beginning of an incomplete request is taken over.
    ///
    /// # Errors
    /// The peer broke the protocol; nothing may be parsed any more.
    #[inline]
    pub fn parse(
        &mut self,
        input: &[u8],
        from: usize,
        limits: &Limits,
        requests_max: usize,
        batch: &mut Batch,
    ) -> Result<usize, ProtocolError> {
        self.parser.parse(input, from, limits, requests_max, batch)
    }

    /// Puts plaintext aside that may not be parsed yet.
    pub fn stash(&mut self, rest: &[u8]) {
        if !rest.is_empty() {
            self.waiting
                .get_or_insert_default()
                .bytes
                .extend_from_slice(rest);
        }
    }

    /// Puts a parsed request aside that may not run yet. It goes before all stashed bytes.
    pub fn stash_request(&mut self, request: OwnedRequest) {
        self.waiting
            .get_or_insert_default()
            .requests
            .push_back(request);
    }

    /// The next request that was put aside.
    pub fn unstash_request(&mut self) -> Option<OwnedRequest> {
        let waiting = self.waiting.as_mut()?;
        let request = waiting.requests.pop_front();
        self.forget_waiting_if_empty();
        request
    }

    /// Moves bytes that were put aside to the front of `plaintext`; returns how many. To be called
    /// only when no request waits.
    pub fn unstash(&mut self, plaintext: &mut [u8]) -> usize {
        let Some(waiting) = &mut self.waiting else {
            return 0;
        };
        let rest = waiting.bytes.get(waiting.from..).unwrap_or_default();
        let count = rest.len().min(plaintext.len());
        plaintext[..count].copy_from_slice(&rest[..count]);
        waiting.from = waiting.from.saturating_add(count);
        self.forget_waiting_if_empty();
        count
    }

    fn forget_waiting_if_empty(&mut self) {
        let is_empty =
            |waiting: &Waiting| waiting.requests.is_empty() && waiting.from >= waiting.bytes.len();
        if self.waiting.as_deref().is_some_and(is_empty) {
            self.waiting = None;
        }
    }

    /// Whether something was put aside.
    #[inline]
    #[must_use]
    pub const fn has_stash(&self) -> bool {
        self.waiting.is_some()
    }

    /// Drops what was put aside.
    pub fn drop_stash(&mut self) {
        self.waiting = None;
    }

    /// Sends `reply` behind all that waits already, as far as `sink` takes it; the rest is queued.
    /// `reply` is empty afterwards.
    ///
    /// # Errors
    /// When the sink fails; the connection is lost.
    #[inline]
    pub fn send<W: Write + ?Sized>(
        &mut self,
        reply: &mut ReplyBuf,
        sink: &mut W,
    ) -> io::Result<Progress> {
        if self.is_closing {
            reply.clear();
        }
        if self.output.remaining() > 0 {
            self.output.push(reply, 0);
            return self.flush(sink);
        }
        let mut direct = Direct::new(reply);
        let result = match &mut self.tls {
            None => transmit(&mut direct, sink, &mut self.output_bytes),
            Some(tls) => tls.transmit(&mut direct, sink, &mut self.output_bytes),
        };
        let sent = direct.sent();
        match result {
            Ok(Progress::Drained) => reply.clear(),
            Ok(_) => self.output.push(reply, sent),
            Err(_) => reply.clear(),
        }
        result
    }

    /// Queues `reply` for the next flush and leaves it empty.
    pub fn queue(&mut self, reply: &mut ReplyBuf) {
        if self.is_closing {
            reply.clear();
        } else {
            self.output.push(reply, 0);
        }
    }

    /// Queues for the next flush what other connections are sent, too.
    pub fn queue_shared(&mut self, shared: &ReplyBuf) {
        if !self.is_closing {
            self.output.push_shared(shared);
        }
    }

    /// Sends what waits, as far as `sink` takes it.
    ///
    /// # Errors
    /// When the sink fails; the connection is lost.
    pub fn flush<W: Write + ?Sized>(&mut self, sink: &mut W) -> io::Result<Progress> {
        match &mut self.tls {
            None => transmit(&mut self.output, sink, &mut self.output_bytes),
            Some(tls) => tls.transmit(&mut self.output, sink, &mut self.output_bytes),
        }
    }

    /// Nothing is queued from now on. To be called once the last reply is flushed; TLS then has
    /// its close_notify to flush, too.
    pub fn say_goodbye(&mut self) {
        if !std::mem::replace(&mut self.is_closing, true)
            && let Some(tls) = &mut self.tls
        {
            tls.send_close_notify();
        }
    }

    /// Drops all replies that wait.
    pub fn drop_output(&mut self) {
        self.output.clear();
    }

    /// Reply bytes that have not left, with what is encrypted already.
    #[inline]
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        let ahead = self.tls.as_ref().map_or(0, |tls| tls.ahead_bytes());
        self.output.remaining().saturating_add(ahead)
    }

    /// Buffers in the output queue.
    #[must_use]
    pub fn queued_buffers(&self) -> usize {
        self.output.pieces()
    }

    /// Input bytes that are held: an incomplete request and what was put aside.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let waiting = self.waiting.as_ref().map_or(0, |waiting| {
            let requests: usize = waiting.requests.iter().map(OwnedRequest::held_bytes).sum();
            requests.saturating_add(waiting.bytes.len().saturating_sub(waiting.from))
        });
        self.parser.held_bytes().saturating_add(waiting)
    }

    /// The part of [`Self::held_bytes`] that is room and nothing has arrived for.
    #[must_use]
    pub fn spare_bytes(&self) -> usize {
        let parser = &self.parser;
        parser.held_bytes().saturating_sub(parser.argument_bytes())
    }

    /// Bytes from the socket so far.
    #[must_use]
    pub const fn input_bytes_total(&self) -> u64 {
        self.input_bytes
    }

    /// Bytes to the socket so far.
    #[must_use]
    pub const fn output_bytes_total(&self) -> u64 {
        self.output_bytes
    }
}
