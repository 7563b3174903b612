//! The part of the loop that moves requests into the engine and replies out of it.
//! Where bytes come from is `intake`'s part, what a directive does is `apply`'s.

use std::{collections::VecDeque, time::Duration};

use mio::Registry;
use vk_engine::{
    CloseReason, Directive, Disposition, Engine, Env, Event, LogLevel, Output,
    REPLY_BYTES_UNLIMITED, SessionId, Ticket,
};
use vk_net::{Progress, limits};
use vk_resp::{Batch, ProtocolError, ReplyBuf, Request};

use crate::{
    broadcast::Fanout,
    clients::{ClientIndex, Clients, Phase},
    elapsed::LoopHost,
    hold::Held,
    host::{Clock, Counters},
    log::{Level, Logger},
    snapshot::SaveOrder,
    usage,
};

/// The engine with everything that it is told and asked through.
pub(crate) struct Hub {
    pub(crate) engine: Engine,
    pub(crate) clients: Clients,
    /// Where sockets are registered.
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    pub(crate) host: LoopHost,
    pub(crate) counters: Counters,
    /// Replies of the run that is being executed.
    pub(crate) reply: ReplyBuf,
    /// Requests that are parsed one by one.
    pub(crate) step: Batch,
    /// Connections to be looked at in the next turn without an event.
    pub(crate) ready: Vec<ClientIndex>,
    /// Connections with replies that were queued outside a run.
    pub(crate) dirty: Vec<ClientIndex>,
    /// Connections with messages of others; they are on this list or on the one before.
    pub(crate) fanout: Fanout,
    /// Connections whose buffers have changed since the last tick.
    pub(crate) touched: Vec<ClientIndex>,
    /// Connections that end with this turn.
    pub(crate) doomed: Vec<ClientIndex>,
    pub(crate) directives: VecDeque<(Ticket, Directive)>,
    pub(crate) save_orders: VecDeque<SaveOrder>,
    /// Effects are written before the replies that follow them leave.
    pub(crate) is_logging: bool,
    /// Connections whose replies wait until effects are written.
    pub(crate) held: Held,
    /// How long a connection may take to authenticate; without end in the compatible profile.
    pub(crate) authenticate_time_max: Option<Duration>,
    pub(crate) log: &'static Logger,
}

/// Where a run of requests of one connection ends, and what is to be done then.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) client: ClientIndex,
    /// Number of the request behind the last one of this run.
    pub(crate) end: usize,
    /// Plaintext behind the last request that has not been parsed.
    pub(crate) rest: std::ops::Range<usize>,
    pub(crate) error: Option<ProtocolError>,
    /// The peer will send no more.
    pub(crate) is_finished: bool,
}

impl Hub {
    /// The world of this turn.
    pub(crate) fn env<'c>(clock: &Clock, host: &'c mut LoopHost) -> Env<'c> {
        Env {
            wall: clock.wall,
            mono: clock.mono,
            host,
        }
    }

    /// Runs one request. Whether the next one of the same connection may follow.
    #[inline]
    pub(crate) fn perform(
        &mut self,
        index: ClientIndex,
        session: SessionId,
        request: Request<'_>,
    ) -> bool {
        self.counters.requests = self.counters.requests.wrapping_add(1);
        let mut env = Self::env(&self.clock, &mut self.host);
        match self
            .engine
            .handle_request(&mut env, session, request, &mut self.reply)
        {
            Disposition::Done
                if self.reply.len() < limits::REPLY_BYTES_COLLECTED_MAX
                    && self.engine.outputs_len() < OUTPUTS_COLLECTED_MAX =>
            {
                true
            }
            disposition => self.dispose(index, disposition),
        }
    }

    #[cold]
    fn dispose(&mut self, index: ClientIndex, disposition: Disposition) -> bool {
        match disposition {
            Disposition::Done => {
                self.send(index);
                if self.engine.outputs_len() >= OUTPUTS_COLLECTED_MAX {
                    self.drain();
                }
                return self
                    .clients
                    .find(index)
                    .is_some_and(|c| c.phase == Phase::Open);
            }
            Disposition::Parked => self.set_phase(index, Phase::Parked),
            Disposition::Close => self.set_phase(index, Phase::Closing),
            Disposition::CloseNow => {
                self.reply.clear();
                self.doom(index);
            }
        }
        false
    }

    fn set_phase(&mut self, index: ClientIndex, phase: Phase) {
        if let Some(client) = self.clients.find(index)
            && client.phase != Phase::Doomed
        {
            client.phase = phase;
        }
    }

    /// Ends a run: its replies go out, and what it left behind is put where it belongs.
    /// `plaintext` is the buffer that `run.rest` points into.
    pub(crate) fn end_run(&mut self, run: &Run, plaintext: &[u8]) {
        let index = run.client;
        if let Some(client) = self.clients.find(index) {
            client.is_in_batch = false;
        }
        if let Some(error) = &run.error {
            self.refuse_input(index, error);
        }
        self.send(index);
        self.drain();
        let rest = plaintext.get(run.rest.clone()).unwrap_or_default();
        if !rest.is_empty() {
            self.go_on(index, rest);
        }
        self.touch(index);
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if run.is_finished {
            match client.phase {
                Phase::Open if client.conn.has_stash() => client.is_peer_closed = true,
                Phase::Open => {
                    self.note_closed(index);
                    self.begin_closing(index);
                }
                Phase::Parked => {
                    self.note_closed(index);
                    self.doom(index);
                }
                Phase::Closing | Phase::Doomed => {}
            }
        } else if client.phase == Phase::Closing {
            self.begin_closing(index);
        }
    }

    fn refuse_input(&mut self, index: ClientIndex, error: &ProtocolError) {
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if client.phase != Phase::Open {
            return;
        }
        client.phase = Phase::Closing;
        if let Some(session) = client.session {
            let env = Self::env(&self.clock, &mut self.host);
            self.engine
                .handle_protocol_error(&env, session, error, &mut self.reply);
        }
    }

    /// Takes up what a run has not parsed: one request at a time before authentication, because
    /// each of them may change the limits of the next.
    fn go_on(&mut self, index: ClientIndex, rest: &[u8]) {
        let mut from = 0;
        for _ in 0..limits::REQUESTS_PER_TURN_MAX {
            let Some(client) = self.clients.find(index) else {
                return;
            };
            let Some(session) = client.session else {
                return;
            };
            if client.phase == Phase::Closing || client.phase == Phase::Doomed {
                return;
            }
            let is_full =
                !client.is_authenticated && client.conn.queued_bytes() > UNAUTHENTICATED_MAX;
            if client.phase == Phase::Parked || client.conn.has_stash() || is_full {
                break;
            }
            let allowed = self.engine.session_limits(session);
            client.is_authenticated = allowed.authenticated;
            if allowed.authenticated {
                break;
            }
            self.step.clear();
            let parser = limits::before_authentication(allowed.parser);
            let parsed = client.conn.parse(rest, from, &parser, 1, &mut self.step);
            let step = std::mem::take(&mut self.step);
            if !step.is_empty() {
                self.perform(index, session, step.request(0, rest));
            }
            self.step = step;
            match parsed {
                Ok(to) => from = to,
                Err(error) => {
                    self.refuse_input(index, &error);
                    from = rest.len();
                }
            }
            self.send(index);
            self.drain();
            if from >= rest.len() {
                return;
            }
        }
        let Some(client) = self.clients.find(index) else {
            return;
        };
        client.conn.stash(rest.get(from..).unwrap_or_default());
        if client.phase == Phase::Open {
            self.make_ready(index);
        }
    }

    /// Runs requests that were put aside; whether bytes may follow.
    pub(crate) fn run_stashed(&mut self, index: ClientIndex) -> bool {
        for _ in 0..limits::REQUESTS_PER_TURN_MAX {
            let Some(client) = self.clients.find(index) else {
                return false;
            };
            let (Phase::Open, Some(session)) = (client.phase, client.session) else {
                break;
            };
            let Some(request) = client.conn.unstash_request() else {
                return true;
            };
            let may_go_on = self.perform(index, session, request.view());
            self.send(index);
            self.drain();
            if !may_go_on {
                break;
            }
        }
        let Some(client) = self.clients.find(index) else {
            return false;
        };
        match client.phase {
            Phase::Open => self.make_ready(index),
            Phase::Closing => self.begin_closing(index),
            Phase::Parked | Phase::Doomed => {}
        }
        false
    }

    /// Sends the collected replies of a connection.
    pub(crate) fn send(&mut self, index: ClientIndex) {
        let Some(client) = self.clients.find(index) else {
            self.reply.clear();
            return;
        };
        if self.reply.is_empty() {
            return;
        }
        let waiting = client.conn.queued_bytes().saturating_add(self.reply.len());
        if waiting > REPLY_BYTES_UNLIMITED && self.exceeds_output(index, waiting) {
            return;
        }
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if client.is_held || (self.is_logging && self.engine.has_effects()) {
            client.conn.queue(&mut self.reply);
            self.touch(index);
            self.check_output_limit(index);
            self.make_dirty(index);
            return;
        }
        self.counters.writes = self.counters.writes.wrapping_add(1);
        let before = client.conn.output_bytes_total();
        let progress = client.conn.send(&mut self.reply, &mut client.socket);
        let total = client.conn.output_bytes_total();
        let sent = total.wrapping_sub(before);
        self.counters.output_bytes = self.counters.output_bytes.wrapping_add(sent);
        if let Some(session) = client.session {
            self.engine.handle_sent(session, total);
        }
        match progress {
            Ok(Progress::Drained) if client.is_blocked => self.unblock(index),
            Ok(Progress::Drained) => {}
            Ok(progress) => self.after_partial_send(index, progress),
            Err(_) => self.doom(index),
        }
    }

    #[cold]
    fn after_partial_send(&mut self, index: ClientIndex, progress: Progress) {
        match progress {
            Progress::Budget => self.make_dirty(index),
            _ => self.block(index),
        }
        self.touch(index);
        self.check_output_limit(index);
        self.report(index);
    }

    /// Sends what is queued, as far as it goes.
    pub(crate) fn flush(&mut self, index: ClientIndex) {
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if client.phase == Phase::Doomed || client.is_held {
            return;
        }
        self.counters.writes = self.counters.writes.wrapping_add(1);
        let before = client.conn.output_bytes_total();
        let progress = client.conn.flush(&mut client.socket);
        let sent = client.conn.output_bytes_total().wrapping_sub(before);
        self.counters.output_bytes = self.counters.output_bytes.wrapping_add(sent);
        match progress {
            Ok(Progress::Drained) => {
                client.soft_since = None;
                let was_blocked = client.is_blocked;
                let has_input = client.may_read || client.conn.has_stash();
                match client.phase {
                    Phase::Closing => self.finish_closing(index),
                    Phase::Open if has_input => self.make_ready(index),
                    _ => {}
                }
                if was_blocked {
                    self.unblock(index);
                }
                self.report(index);
            }
            Ok(progress) => self.after_partial_send(index, progress),
            Err(_) => self.doom(index),
        }
    }

    /// Closes a connection that nobody drains fast enough.
    pub(crate) fn check_output_limit(&mut self, index: ClientIndex) {
        let limit = self.output_limit(index);
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if client.phase == Phase::Doomed {
            return;
        }
        let queued = client.conn.queued_bytes() as u64;
        let now = self.clock.mono;
        let is_soft_over = if limit.is_soft_exceeded(queued) {
            let since = *client.soft_since.get_or_insert(now);
            now >= since.after(Duration::from_secs(limit.soft_seconds))
        } else {
            client.soft_since = None;
            false
        };
        if limit.is_hard_exceeded(queued) || is_soft_over {
            self.close_at_limit(index);
        }
    }

    #[cold]
    pub(crate) fn close_at_limit(&mut self, index: ClientIndex) {
        let Some(client) = self.clients.find(index) else {
            return;
        };
        // Without a session it gets no more replies, and ends at its deadline.
        let Some(session) = client.session else {
            return;
        };
        self.engine.handle_usage(session, usage::of(client));
        client.conn.drop_output();
        let env = Self::env(&self.clock, &mut self.host);
        self.engine.handle_output_limit(&env, session);
        self.doom(index);
    }

    /// Logs that a peer has closed its connection.
    pub(crate) fn note_closed(&mut self, index: ClientIndex) {
        if self.log.enabled(Level::Verbose)
            && let Some(session) = self.clients.find(index).and_then(|client| client.session)
            && let Some(line) = self.engine.client_line(session)
        {
            let text = format!("Client closed connection {line}");
            self.log.log(Level::Verbose, &text);
        }
    }

    /// The session ends; the connection does once its last replies are out.
    pub(crate) fn begin_closing(&mut self, index: ClientIndex) {
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if client.phase == Phase::Doomed {
            return;
        }
        client.phase = Phase::Closing;
        client.conn.drop_stash();
        client.deadline = Some(self.clock.mono.after(limits::CLOSING_TIME_MAX));
        let is_drained = client.conn.queued_bytes() == 0;
        if let Some(session) = client.session.take() {
            self.disconnect(session);
        }
        if is_drained {
            self.finish_closing(index);
        }
    }

    /// The last bytes of a connection: TLS takes its leave.
    fn finish_closing(&mut self, index: ClientIndex) {
        let Some(client) = self.clients.find(index) else {
            return;
        };
        client.conn.say_goodbye();
        if client.conn.is_tls() {
            let _ = client.conn.flush(&mut client.socket);
        }
        client.socket.shut_down_write();
        self.doom(index);
    }

    /// Ends a connection with this turn.
    pub(crate) fn doom(&mut self, index: ClientIndex) {
        if let Some(client) = self.clients.find(index)
            && client.phase != Phase::Doomed
        {
            client.phase = Phase::Doomed;
            self.doomed.push(index);
        }
    }

    /// The one place where connections end.
    pub(crate) fn bury(&mut self) {
        while let Some(index) = self.doomed.pop() {
            let Some(client) = self.clients.remove(index) else {
                continue;
            };
            if let Some(session) = client.session {
                self.disconnect(session);
                self.drain();
            }
        }
    }

    fn disconnect(&mut self, session: SessionId) {
        self.clients.unlink(session);
        let env = Self::env(&self.clock, &mut self.host);
        self.engine.handle_disconnect(&env, session);
    }

    pub(crate) fn make_ready(&mut self, index: ClientIndex) {
        if let Some(client) = self.clients.find(index)
            && !std::mem::replace(&mut client.is_in_ready, true)
        {
            self.ready.push(index);
        }
    }

    pub(crate) fn make_dirty(&mut self, index: ClientIndex) {
        if let Some(client) = self.clients.find(index)
            && !std::mem::replace(&mut client.is_in_dirty, true)
        {
            self.dirty.push(index);
        }
    }

    fn touch(&mut self, index: ClientIndex) {
        if let Some(client) = self.clients.find(index)
            && !std::mem::replace(&mut client.is_in_touched, true)
        {
            self.touched.push(index);
        }
    }

    /// Takes everything that the engine asks for.
    #[inline]
    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.take_output(output);
        }
    }

    fn take_output(&mut self, output: Output) {
        match output {
            Output::Push { session, mut bytes } => self.push(session, &mut bytes),
            Output::Broadcast {
                receivers,
                except,
                bytes,
            } => self.broadcast(&receivers, except, &bytes),
            Output::Wake {
                session,
                mut reply,
                disposition,
            } => {
                self.wake(session, &mut reply, disposition);
            }
            Output::Close { session, reason } => self.close(session, reason),
            Output::Directive { ticket, directive } => {
                self.directives.push_back((ticket, directive));
            }
            Output::BackgroundSave(save) => {
                self.save_orders.push_back(SaveOrder::Begin(Box::new(save)));
            }
            Output::CancelSave(id) => self.save_orders.push_back(SaveOrder::Cancel(id)),
            Output::RewriteAof(rewrite) => {
                self.save_orders
                    .push_back(SaveOrder::Rewrite(Box::new(rewrite)));
            }
            Output::SaveAll => self.save_orders.push_back(SaveOrder::All),
            Output::Event(Event::Log { level, text }) => {
                self.log.log(level_of(level), &text);
            }
            Output::Event(_) => {}
        }
    }

    fn wake(&mut self, session: SessionId, reply: &mut ReplyBuf, disposition: Disposition) {
        let Some(index) = self.clients.of(session) else {
            return;
        };
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if client.phase != Phase::Parked {
            return;
        }
        if reply.is_full() {
            return self.close_at_limit(index);
        }
        client.conn.queue(reply);
        self.check_output_limit(index);
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if client.phase == Phase::Doomed {
            return;
        }
        let has_input = client.may_read || client.is_peer_closed || client.conn.has_stash();
        match disposition {
            Disposition::Done => client.phase = Phase::Open,
            Disposition::Parked => {}
            Disposition::Close => self.begin_closing(index),
            Disposition::CloseNow => self.doom(index),
        }
        self.make_dirty(index);
        if disposition == Disposition::Done && has_input {
            self.make_ready(index);
        }
    }

    fn close(&mut self, session: SessionId, reason: CloseReason) {
        let Some(index) = self.clients.of(session) else {
            return;
        };
        if reason == CloseReason::Idle {
            self.log.log(Level::Verbose, "Closing idle client");
        }
        self.doom(index);
    }
}

/// What the engine may have asked for before it is seen to though more requests of the same
/// connection follow: a message that many patterns match is as many outputs.
const OUTPUTS_COLLECTED_MAX: usize = 1024;

/// Shorter, for one condition.
const UNAUTHENTICATED_MAX: usize = limits::UNAUTHENTICATED_OUTPUT_BYTES_MAX;

fn level_of(level: LogLevel) -> Level {
    match level {
        LogLevel::Debug => Level::Debug,
        LogLevel::Verbose => Level::Verbose,
        LogLevel::Notice => Level::Notice,
        LogLevel::Warning => Level::Warning,
    }
}
