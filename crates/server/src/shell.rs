//! The event loop: one thread, one turn after the other.
//!
//! A turn waits, reads and parses every ready connection, runs the batch, sends the replies, does
//! what the engine asks for, and buries what ended. Each of these is another file.

use std::{
    io,
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mio::{Events, Poll, Token, Waker};
use rustix::event::{PollFd, PollFlags, Timespec};
use vk_engine::{HostFacts, MonoMicros, config::id};
use vk_net::limits;

use crate::{
    accept::{Doors, LISTENERS_MAX},
    aof::AppendOnly,
    apply::Settings,
    at_rest::AtRest,
    clients::{ClientIndex, Phase},
    host::Gauges,
    hub::Hub,
    intake::Intake,
    log::Level,
    notify::Supervisor,
    settings,
    signals::{Request as SignalRequest, Signals},
    snapshot::{Background, Load},
    work::{ReadOut, Slices},
};

const TOKEN_SIGNALS: Token = Token(0);
/// Threads that have done their work.
const TOKEN_WAKER: Token = Token(1);
/// The number of the first listener.
pub(crate) const LISTENERS_FROM: usize = 2;
/// The number of the first connection.
pub(crate) const CLIENTS_FROM: usize = LISTENERS_FROM + LISTENERS_MAX;

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 4096;

/// Time between two looks at memory, deadlines and buffers.
const TICK: Duration = Duration::from_millis(100);

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// As asked; the code is 0.
    Clean,
    /// At once, with an error code.
    Insisted,
    /// Start again with the same arguments.
    Restart,
}

/// Everything of a running server.
pub(crate) struct Shell {
    pub(crate) poll: Poll,
    events: Events,
    pub(crate) hub: Hub,
    pub(crate) intake: Intake,
    pub(crate) doors: Doors,
    pub(crate) signals: Signals,
    gauges: Gauges,
    /// What the engine was last told.
    facts: HostFacts,
    pub(crate) settings: Settings,
    pub(crate) supervisor: Supervisor,
    /// What the engine does on its own in a turn.
    slices: Slices,
    /// How long it reads out a snapshot in a turn.
    pub(crate) read_out: ReadOut,
    next_tick: MonoMicros,
    last_tick: MonoMicros,
    next_watchdog: Option<MonoMicros>,
    /// The end was asked for and has begun.
    pub(crate) is_ending: bool,
    /// What a signal has asked for and what is not done yet.
    pub(crate) signalled: Option<SignalRequest>,
    /// The signal that ends the server at the next tick.
    ends_by: Option<SignalRequest>,
    /// Wakes the loop from a thread.
    pub(crate) waker: Arc<Waker>,
    /// Encryption of what is written.
    pub(crate) at_rest: Arc<AtRest>,
    /// The snapshot that is being written.
    pub(crate) background: Option<Background>,
    /// The file that is being loaded.
    pub(crate) load: Option<Load>,
    /// The append-only file.
    pub(crate) aof: Option<AppendOnly>,
    /// The files of one that is off, while they are rewritten.
    pub(crate) unlogged: Option<AppendOnly>,
    /// Until then replies may wait for others, so that one write to the disk is for all of them.
    gathers_until: Option<MonoMicros>,
    /// Set from outside when the certificate files are new.
    pub(crate) is_renewed: Option<Arc<AtomicBool>>,
    pub(crate) exit: Option<Exit>,
}

impl Shell {
    pub(crate) fn new(
        poll: Poll,
        mut signals: Signals,
        hub: Hub,
        doors: Doors,
        settings: Settings,
        supervisor: Supervisor,
    ) -> io::Result<Self> {
        signals.register(poll.registry(), TOKEN_SIGNALS)?;
        let waker = Arc::new(Waker::new(poll.registry(), TOKEN_WAKER)?);
        let mut intake = Intake::new();
        intake.explains_tls = doors.is_strict;
        let (gauges, mut facts) = (Gauges::open(), HostFacts::default());
        gauges.read(&mut facts);
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            slices: Slices::new(),
            read_out: ReadOut::default(),
            next_tick: hub.clock.mono,
            last_tick: hub.clock.mono,
            next_watchdog: supervisor.watchdog_interval().map(|_| hub.clock.mono),
            hub,
            intake,
            doors,
            signals,
            gauges,
            facts,
            settings,
            supervisor,
            is_ending: false,
            signalled: None,
            ends_by: None,
            waker,
            at_rest: Arc::new(AtRest::off()),
            background: None,
            load: None,
            aof: None,
            unlogged: None,
            gathers_until: None,
            is_renewed: None,
            exit: None,
        })
    }

    /// Serves until the end is asked for.
    ///
    /// # Errors
    /// When the kernel refuses to wait for events.
    pub(crate) fn run(&mut self) -> io::Result<Exit> {
        loop {
            self.turn()?;
            if let Some(exit) = self.exit {
                return Ok(exit);
            }
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        let timeout = self.wait_for_others();
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => self.events.clear(),
            Err(error) => return Err(error),
        }
        self.hub.clock.read();
        let began = self.hub.clock.mono;
        self.take_events();
        // The counters are cheap, and who asks for them wants those of now.
        self.tell_facts();
        self.intake.execute(&mut self.hub);
        self.hub.drain();
        self.take_time();
        self.direct();
        self.take_save_orders();
        self.take_signalled();
        self.go_on_saving();
        self.go_on_loading();
        self.hub.engine.handle_turn_end();
        self.hub.drain();
        let gathers_for = self.gather();
        self.gathers_until = gathers_for.map(|time| self.hub.clock.now().after(time));
        if self.gathers_until.is_none() {
            self.write_log();
            self.flush_dirty();
        }
        self.go_on_with_log();
        self.hub.drain();
        self.hub.bury();
        if self.doors.is_pending() {
            self.doors.accept(&mut self.hub, self.poll.registry());
            self.hub.bury();
        }
        let busy = self.hub.clock.now().0.saturating_sub(began.0);
        self.hub.counters.end_turn(busy);
        Ok(())
    }

    #[inline]
    fn tell_facts(&mut self) {
        self.hub.counters.tell(&mut self.facts);
        self.hub.engine.handle_host(self.facts);
    }

    /// How long the loop may wait: not at all while something is to be gone on with.
    fn timeout(&self) -> Duration {
        let has_output = !self.hub.dirty.is_empty() || !self.hub.fanout.is_empty();
        if !self.hub.ready.is_empty() || has_output || self.doors.is_pending() {
            return Duration::ZERO;
        }
        let due = match self.hub.engine.poll_timeout() {
            Some(due) => due.min(self.next_tick),
            None => self.next_tick,
        };
        let others = [
            self.saving_due(),
            self.loading_due(),
            self.log_due(),
            self.gathers_until,
        ];
        let due = others.into_iter().flatten().fold(due, MonoMicros::min);
        Duration::from_micros(due.0.saturating_sub(self.hub.clock.now().0))
    }

    /// Waits where that has to be more precise than the milliseconds that [`Poll`] knows; the
    /// time that is left to wait.
    fn wait_for_others(&mut self) -> Duration {
        let timeout = self.timeout();
        if self.gathers_until.is_none() || timeout.is_zero() {
            return timeout;
        }
        let wanted = Timespec {
            tv_sec: 0,
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let mut ready = [PollFd::new(self.poll.registry(), PollFlags::IN)];
        // If it cannot be waited like that, there is nothing to wait for.
        let _ = rustix::event::poll(&mut ready, Some(&wanted));
        Duration::ZERO
    }

    fn take_events(&mut self) {
        let ready = std::mem::take(&mut self.hub.ready);
        for index in &ready {
            if let Some(client) = self.hub.clients.find(*index) {
                client.is_in_ready = false;
            }
        }
        for event in &self.events {
            match event.token() {
                TOKEN_SIGNALS => self.signalled = self.signals.take().or(self.signalled),
                // What the threads have done is looked at in every turn.
                TOKEN_WAKER => {}
                Token(number) if number < CLIENTS_FROM => {
                    self.doors.note(number.saturating_sub(LISTENERS_FROM));
                }
                Token(number) => {
                    let number = number.saturating_sub(CLIENTS_FROM);
                    let index = ClientIndex(u32::try_from(number).unwrap_or(u32::MAX));
                    let Some(client) = self.hub.clients.find(index) else {
                        continue;
                    };
                    if event.is_writable() && client.is_blocked {
                        self.hub.flush(index);
                    }
                    let Some(client) = self.hub.clients.find(index) else {
                        continue;
                    };
                    if event.is_read_closed() || event.is_error() {
                        client.is_peer_closed = true;
                        if !client.is_authenticated {
                            // What it sent may run as long as the replies are taken, but not for
                            // ever.
                            let end = self.hub.clock.mono.after(limits::CLOSING_TIME_MAX);
                            client.deadline.get_or_insert(end);
                        }
                        if client.phase == Phase::Parked {
                            // Nothing that it sent before can run any more.
                            self.hub.note_closed(index);
                            self.hub.doom(index);
                            continue;
                        }
                        client.may_read = true;
                        self.intake.take(&mut self.hub, index);
                    } else if event.is_readable() {
                        client.may_read = true;
                        self.intake.take(&mut self.hub, index);
                    }
                }
            }
        }
        for index in &ready {
            self.intake.take(&mut self.hub, *index);
        }
        // The list's memory is used again unless something was put on it meanwhile.
        if self.hub.ready.is_empty() {
            self.hub.ready = ready;
            self.hub.ready.clear();
        }
    }

    /// Timers: the engine's own, the tick, the watchdog.
    fn take_time(&mut self) {
        let now = self.hub.clock.mono;
        if self.hub.engine.poll_timeout().is_some_and(|due| due <= now) {
            let began = self.hub.clock.now();
            let mut env = Hub::env(&self.hub.clock, &mut self.hub.host);
            let budget = self.slices.budget();
            self.hub.engine.handle_timeout(&mut env, budget);
            let micros = self.hub.clock.now().0.saturating_sub(began.0);
            self.slices.took(Duration::from_micros(micros));
            self.hub.drain();
            self.next_tick = beside_engine(self.last_tick, now);
        }
        if self.next_tick <= now {
            self.last_tick = now;
            self.next_tick = now.after(TICK);
            self.tick(now);
        }
    }

    fn tick(&mut self, now: MonoMicros) {
        self.end_by_signal();
        self.gauges.read(&mut self.facts);
        self.tell_facts();
        self.hub.host.calibrate();
        self.hub.report_usage();
        let unauthenticated = self.hub.enforce_deadlines(now);
        self.doors.retry(unauthenticated);
        if self
            .is_renewed
            .as_ref()
            .is_some_and(|flag| flag.swap(false, Ordering::AcqRel))
        {
            // What went wrong is in the log; the old certificate serves on.
            let _ = self.reload_tls();
        }
        if let (Some(due), Some(interval)) =
            (self.next_watchdog, self.supervisor.watchdog_interval())
            && due <= now
        {
            self.supervisor.alive();
            self.next_watchdog = Some(now.after(interval));
        }
    }

    /// A second SIGINT ends the server at once; anything else waits for the next tick, until when
    /// it can be taken back.
    fn take_signalled(&mut self) {
        self.forget_taken_back();
        if self.signalled == Some(SignalRequest::Interrupt) && self.is_ending {
            self.hub
                .log
                .log(Level::Warning, "You insist... exiting now.");
            self.exit = Some(Exit::Insisted);
        } else if self.signalled.is_some() && !self.is_ending {
            self.is_ending = true;
            self.hub.engine.handle_shutdown_signal();
            self.ends_by = self.signalled.take();
        }
    }

    /// An end that was taken back counts no more: the next SIGINT is the first one again.
    fn forget_taken_back(&mut self) {
        if self.ends_by.is_some() && !self.hub.engine.shutdown_is_wanted() {
            self.ends_by = None;
            self.is_ending = false;
        }
    }

    /// SIGTERM and the first SIGINT end the server in order.
    fn end_by_signal(&mut self) {
        self.forget_taken_back();
        let Some(request) = self.ends_by else {
            return;
        };
        if self.hub.engine.cron_is_paused() {
            return;
        }
        self.ends_by = None;
        self.hub.engine.handle_shutdown_begun();
        let (id, text) = match request {
            SignalRequest::Interrupt => (id::SHUTDOWN_ON_SIGINT, "SIGINT"),
            SignalRequest::Terminate => (id::SHUTDOWN_ON_SIGTERM, "SIGTERM"),
        };
        let line = format!("Received {text} scheduling shutdown...");
        self.hub.log.log(Level::Warning, &line);
        let flags = settings::shutdown_flags(self.hub.engine.config(), id);
        if self.shut_down(flags).is_err() {
            let line = format!(
                "{text} received but errors trying to shut down the server, check the logs for \
                 more information"
            );
            self.hub.log.log(Level::Warning, &line);
            if self.signalled != Some(SignalRequest::Interrupt) {
                self.is_ending = false;
            }
        }
    }

    fn flush_dirty(&mut self) {
        let dirty = std::mem::take(&mut self.hub.dirty);
        for index in &dirty {
            if let Some(client) = self.hub.clients.find(*index) {
                client.is_in_dirty = false;
                self.hub.flush(*index);
            }
        }
        let is_last = self.exit.is_some() || self.is_ending;
        self.hub.flush_fanout(is_last);
    }
}

impl Hub {
    /// Tells the engine of buffers that have changed since the last tick.
    fn report_usage(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        for index in &touched {
            let Some(client) = self.clients.find(*index) else {
                continue;
            };
            client.is_in_touched = false;
            if client.session.is_some() {
                self.report(*index);
                self.check_output_limit(*index);
            }
        }
        self.touched = touched;
        self.touched.clear();
        self.drain();
    }

    /// Ends what has taken too long; returns how many connections are not authenticated.
    fn enforce_deadlines(&mut self, now: MonoMicros) -> usize {
        let mut late = Vec::new();
        let mut unauthenticated = 0_usize;
        for (index, client) in self.clients.iter_mut() {
            if client.soft_since.is_some() {
                late.push((index, false));
            }
            if let Some(deadline) = client.deadline {
                if client.is_authenticated && client.phase == Phase::Open {
                    client.deadline = None;
                } else {
                    unauthenticated = unauthenticated.saturating_add(1);
                    if deadline <= now {
                        late.push((index, true));
                    }
                }
            }
        }
        for (index, is_over) in late {
            if is_over {
                self.log
                    .log(Level::Verbose, "Closing a client that took too long");
                self.doom(index);
            } else {
                self.check_output_limit(index);
            }
        }
        unauthenticated
    }
}

/// The output limit's time is judged by the tick.
const _: () = assert!(limits::CLOSING_TIME_MAX.as_millis() > TICK.as_millis());

/// When the tick comes, now that the engine's timer has come: both in one turn, since a turn for
/// each would wake the process twice as often. However often that timer comes, the tick is neither
/// earlier than three quarters of its time nor later than one and three quarters.
fn beside_engine(last_tick: MonoMicros, now: MonoMicros) -> MonoMicros {
    if now >= last_tick.after(TICK / 4 * 3) {
        now
    } else {
        now.after(TICK)
    }
}

#[cfg(test)]
mod tests {
    use super::{TICK, beside_engine};
    use vk_engine::MonoMicros;

    /// Times of the ticks if the engine's timer comes so often, in milliseconds.
    fn ticks(every: u64, first: u64) -> Vec<u64> {
        let (mut last, mut next) = (MonoMicros(0), MonoMicros(0).after(TICK));
        let mut times = Vec::new();
        for ms in 1..2000 {
            let now = MonoMicros(ms * 1000);
            if ms >= first && (ms - first).is_multiple_of(every) {
                next = beside_engine(last, now);
            }
            if next <= now {
                times.push(ms);
                (last, next) = (now, now.after(TICK));
            }
        }
        times
    }

    #[test]
    fn the_tick_comes_with_the_timer_of_the_engine() {
        for first in [1, 8, 50, 74, 75, 92, 100] {
            let times = ticks(100, first);
            let together = times
                .iter()
                .skip(2)
                .all(|ms| (ms - first).is_multiple_of(100));
            assert!(together, "{first}: {times:?}");
        }
    }

    #[test]
    fn the_tick_comes_however_often_the_engine_wants_to_run() {
        for every in [1, 2, 7, 50, 99, 101, 130, 1000] {
            let times = ticks(every, 1);
            let mut before = 0;
            for ms in &times {
                assert!((75..=175).contains(&(ms - before)), "{every}: {times:?}");
                before = *ms;
            }
            assert!(before > 1800, "{every}: {times:?}");
        }
    }
}
