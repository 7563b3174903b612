//! The machine itself: its state, and the calls that the shell makes.

mod apply;
mod completion;
mod digest;
mod fields;
pub(crate) mod keyspace;
mod replay;

pub use digest::Digest;
pub(crate) use digest::value_digest;

use alloc::{
    collections::{BTreeSet, VecDeque},
    string::String,
    vec::Vec,
};
use core::time::Duration;

use vk_data::table::HashSeed;
use vk_rdb::Checksum;
use vk_resp::{Limits, ProtocolError, ReplyBuf, Request};

use crate::{
    BootUsers, CloseReason, Directive, Disposition, Env, Event, LogLevel, MonoMicros, Output, Peer,
    Refusal, SessionClass, SessionId, Ticket, Ticks, UnixMicros, WorkBudget,
    aof::AofState,
    blocking::{Blocking, NewBlock},
    cmd::CommandTable,
    config::{Config, EventFlags, id},
    databases::Databases,
    effects::{EffectBuf, EffectLog},
    evict::Eviction,
    key_sessions::KeySessions,
    observe::Observers,
    pause::Pause,
    pipeline::{self, Prepared},
    pubsub::PubSub,
    random::Random,
    session::{HostFacts, NetUsage, Parked, Session, SessionFlags, Sessions},
    snapshot::{Loading, Pass, SaveState},
    stats::{Rate, Stats},
    tracking::Tracking,
    users::Users,
};

/// Facts about this process that never change.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Path of the executable.
    pub executable: String,
    /// Path of the configuration file, or empty.
    pub config_file: String,
    /// Process id.
    pub process_id: u32,
    /// Operating system, its release and the machine, as `uname` tells.
    pub os: String,
    /// Version of the compiler.
    pub compiler: String,
    /// Name of the allocator with its version.
    pub allocator: String,
    /// `no`, `systemd` or `upstart`.
    pub supervised: String,
    /// Physical memory in bytes.
    pub system_memory_bytes: u64,
    /// What the listeners are bound to, one line each, as INFO tells.
    pub listeners: Vec<String>,
}

/// What a machine is made of.
#[derive(Debug)]
pub struct EngineConfig {
    /// The configuration.
    pub config: Config,
    /// Facts about the process.
    pub identity: Identity,
    /// Who may come in.
    pub users: BootUsers,
}

/// Entropy, drawn by the shell.
#[derive(Debug, Clone)]
pub struct Seeds {
    /// Key of the hash function.
    pub hash: HashSeed,
    /// State of the random generator; not all zero.
    pub random: [u64; 4],
    /// Forty hexadecimal digits that name this run.
    pub run_id: String,
}

/// What the shell has to know of a session before it reads on.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Limits of the request parser.
    pub parser: Limits,
    /// Whether the session said who it is; until then requests are parsed one at a time.
    pub authenticated: bool,
    /// Close a session that says nothing for so long; zero for never.
    pub idle_timeout: Duration,
}

/// What the request that is running has done so far.
#[derive(Debug, Default)]
pub(crate) struct RunState {
    /// Changes.
    pub(crate) dirty: u64,
    /// The handler said what the effects are.
    pub(crate) explicit_effects: bool,
    /// The handler blocks.
    pub(crate) block: Option<NewBlock>,
}

/// The machine.
///
/// Order of calls, once per turn of the shell's loop, with one [`Env`] for the whole turn:
///
/// 1. [`Engine::handle_connect`], [`Engine::handle_disconnect`] for what came and went;
/// 2. [`Engine::prepare`] for a batch of requests, then [`Engine::handle_request`] for each in
///    order; after [`Disposition::Parked`] nothing more of that session until [`Output::Wake`];
/// 3. [`Engine::handle_timeout`] when [`Engine::poll_timeout`] is due;
/// 4. [`Engine::handle_turn_end`], when nothing more is handled in this turn;
/// 5. [`Engine::poll_output`] until it is empty, and [`Engine::take_effects`].
///
/// `Env::mono` never goes backwards; `Env::wall` may jump.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) run_id: String,
    /// Names the history of the dataset in replication: forty hexadecimal digits.
    pub(crate) repl_id: String,
    pub(crate) commands: CommandTable,
    pub(crate) dbs: Databases,
    pub(crate) sessions: Sessions,
    /// The session as which effects run.
    replayer: Option<SessionId>,
    pub(crate) users: Users,
    pub(crate) watch: KeySessions,
    pub(crate) tracking: Tracking,
    pub(crate) pubsub: PubSub,
    pub(crate) blocking: Blocking,
    /// The request that runs had blocked before.
    pub(crate) run_again: bool,
    /// How long DEBUG SLEEP has held the machine up since requests that wait ran last.
    pub(crate) stalled: Duration,
    /// DEBUG QUICKLIST-PACKED-THRESHOLD.
    pub(crate) list_packed_threshold: Option<usize>,
    /// DEBUG SET-SKIP-CHECKSUM-VALIDATION.
    pub(crate) dump_checksum: Checksum,
    pub(crate) pause: Pause,
    pub(crate) eviction: Eviction,
    /// The running request may have changed what its session takes.
    pub(crate) session_touched: bool,
    /// Sessions that wait for a time.
    pub(crate) timers: BTreeSet<(MonoMicros, SessionId)>,
    pub(crate) effects: EffectLog,
    pub(crate) stats: Stats,
    pub(crate) host: HostFacts,
    pub(crate) run: RunState,
    /// Whose request runs.
    pub(crate) running: Option<SessionId>,
    /// What that request pushes to its own session.
    pub(crate) own_pushes: ReplyBuf,
    pub(crate) prepared: Prepared,
    /// When the last request of this turn ended, and whose it was: if the next one is of the same
    /// session, nothing has happened between.
    pub(crate) last_ticks: Option<(SessionId, Ticks)>,
    pub(crate) notify: EventFlags,
    pub(crate) wall: UnixMicros,
    pub(crate) mono: MonoMicros,
    pub(crate) started: MonoMicros,
    pub(crate) started_wall: UnixMicros,
    /// Changes since the last save.
    pub(crate) dirty: u64,
    /// A signal has asked for the end, and nobody has taken it back.
    pub(crate) shutdown_signalled: bool,
    /// What is known about snapshots that were saved.
    pub(crate) saves: SaveState,
    /// What is known about the append-only file.
    pub(crate) aof: AofState,
    /// The pass over all databases that is in progress.
    pub(crate) pass: Option<Pass>,
    /// How many there have been.
    pub(crate) snapshots_begun: u64,
    /// The file that is being loaded.
    pub(crate) loading: Option<Loading>,
    /// Code of libraries of functions: kept from a file that was loaded for the next one.
    pub(crate) functions: Vec<Vec<u8>>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) next_ticket: u64,
    pub(crate) pending: Vec<completion::Pending>,
    pub(crate) random: Random,
    pub(crate) rates: Rates,
    pub(crate) cron: crate::cron::Cron,
    /// What is recorded about commands.
    pub(crate) observe: Observers,
}

/// Rates that INFO tells.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    pub(crate) commands: Rate,
    pub(crate) input: Rate,
    pub(crate) output: Rate,
    /// Turns of the event loop.
    pub(crate) cycles: Rate,
    /// Microseconds spent in them.
    pub(crate) busy: Rate,
}

impl Engine {
    /// A machine with empty databases.
    #[must_use]
    pub fn new(config: EngineConfig, seeds: Seeds) -> Self {
        let EngineConfig {
            config,
            identity,
            users,
        } = config;
        let commands = CommandTable::new(config.command_names());
        let databases = usize::try_from(config.int(id::DATABASES)).unwrap_or(1);
        let mut engine = Self {
            users: Users::new(users, config.bytes(id::REQUIREPASS)),
            notify: EventFlags::NONE,
            dbs: Databases::new(databases, seeds.hash),
            stats: Stats::new(commands.len()),
            config,
            identity,
            repl_id: crate::info::repl_id(seeds.run_id.as_bytes()),
            run_id: seeds.run_id,
            commands,
            sessions: Sessions::default(),
            replayer: None,
            watch: KeySessions::default(),
            tracking: Tracking::new(seeds.hash),
            pubsub: PubSub::new(seeds.hash),
            blocking: Blocking::default(),
            run_again: false,
            stalled: Duration::ZERO,
            list_packed_threshold: None,
            dump_checksum: Checksum::Checked,
            pause: Pause::default(),
            eviction: Eviction::default(),
            session_touched: false,
            timers: BTreeSet::new(),
            effects: EffectLog::default(),
            host: HostFacts::default(),
            run: RunState::default(),
            running: None,
            own_pushes: Self::no_pushes(),
            prepared: Prepared::default(),
            last_ticks: None,
            wall: UnixMicros(0),
            mono: MonoMicros(0),
            started: MonoMicros(0),
            started_wall: UnixMicros(0),
            dirty: 0,
            shutdown_signalled: false,
            saves: SaveState::default(),
            aof: AofState::default(),
            pass: None,
            snapshots_begun: 0,
            loading: None,
            functions: Vec::new(),
            outputs: VecDeque::new(),
            next_ticket: 1,
            pending: Vec::new(),
            random: Random::new(seeds.random),
            rates: Rates::default(),
            cron: crate::cron::Cron::default(),
            observe: Observers::default(),
        };
        engine.config_changed_all();
        engine
    }

    /// Says when the machine began to serve. Called once, before anything else is handled.
    pub fn handle_start(&mut self, env: &Env<'_>) {
        self.set_time(env);
        self.started = env.mono;
        self.started_wall = env.wall;
        self.saves.last_s = env.wall.0.div_euclid(1_000_000);
        self.cron.start(env.mono);
    }

    /// A connection was accepted.
    ///
    /// # Errors
    /// The refusal to send before the connection is closed.
    pub fn handle_connect(&mut self, env: &Env<'_>, peer: Peer) -> Result<SessionId, Refusal> {
        self.set_time(env);
        if let Some(refusal) = self.refuse(&peer) {
            return Err(refusal);
        }
        self.stats.connections += 1;
        let unix_user = peer.unix.and_then(|unix| self.users.by_unix_uid(unix.uid));
        let open = self.users.default_is_open();
        let mono = self.mono;
        let resp3 = self.config.int(id::CLIENT_DEFAULT_RESP) == 3;
        Ok(self.sessions.add(|client_id| {
            let mut session = Session::new(client_id, peer, mono);
            if let Some(user) = unix_user {
                session.user = user;
                // Who administers this machine comes in though the sessions take too much.
                session.flags.insert(SessionFlags::NO_EVICT);
            }
            if resp3 {
                session.protocol = vk_resp::Protocol::Resp3;
            }
            session
                .flags
                .set(SessionFlags::AUTHENTICATED, open || unix_user.is_some());
            session
        }))
    }

    fn refuse(&self, peer: &Peer) -> Option<Refusal> {
        let open = self.config.bool(id::PROTECTED_MODE) && self.users.default_is_open();
        (open && !peer.is_local()).then_some(Refusal {
            reply: pipeline::PROTECTED_MODE_REPLY,
        })
    }

    /// A connection is gone. A transaction of it that waits for work outside is finished first:
    /// there is no half of one.
    pub fn handle_disconnect(&mut self, env: &Env<'_>, session: SessionId) {
        self.set_time(env);
        match self.sessions.find_mut(session) {
            Some(state) if state.exec_rest.is_some() => state.flags.insert(SessionFlags::GONE),
            _ => self.close_session(session),
        }
    }

    /// The session closes here and nowhere else.
    fn close_session(&mut self, session: SessionId) {
        self.withdraw(session);
        self.sessions.remove(session);
    }

    /// The session has to go. It takes no part in anything from now on, in the rest of a
    /// transaction either; the shell is told to close its connection.
    pub(crate) fn dismiss(&mut self, session: SessionId, reason: CloseReason) {
        let Some(state) = self.sessions.find_mut(session) else {
            return;
        };
        state.flags.insert(SessionFlags::LEAVING);
        // A transaction that has begun is finished first.
        if state.exec_rest.is_none() {
            self.withdraw(session);
            if let Some(state) = self.sessions.find_mut(session)
                && matches!(state.parked, Some(Parked::Timer(_) | Parked::Paused(_)))
            {
                state.parked = None;
            }
        }
        self.sessions.recount(session);
        self.outputs.push_back(Output::Close { session, reason });
    }

    /// The session waits for nothing, listens to nothing and is told nothing any more.
    fn withdraw(&mut self, session: SessionId) {
        self.unwatch_all(session);
        self.stop_tracking(session);
        self.end_monitor(session);
        self.unsubscribe_all(session);
        drop(self.end_block(session));
        self.pause.forget(session);
        self.timers.retain(|(_, id)| *id != session);
    }

    /// Hashes the keys of requests that come next and fetches what they need into the cache.
    /// Results never depend on it.
    pub fn prepare(&mut self, batch: &[(SessionId, Request<'_>)]) {
        pipeline::prepare(self, batch);
    }

    /// Runs a request; the reply is appended to `reply`.
    pub fn handle_request(
        &mut self,
        env: &mut Env<'_>,
        session: SessionId,
        request: Request<'_>,
        reply: &mut ReplyBuf,
    ) -> Disposition {
        if self.mono != env.mono {
            self.last_ticks = None;
            self.stalled = Duration::ZERO;
        }
        self.wall = env.wall;
        self.mono = env.mono;
        pipeline::handle(self, &mut *env.host, session, request, reply)
    }

    /// A connection sent something that is no request. Writes the reply that goes before the end
    /// of the connection, if there is one.
    pub fn handle_protocol_error(
        &mut self,
        env: &Env<'_>,
        session: SessionId,
        error: &ProtocolError,
        reply: &mut ReplyBuf,
    ) {
        self.set_time(env);
        if error.is_silent() {
            self.stats.query_limit_closed += 1;
        } else {
            let text = alloc::format!("ERR {error}");
            self.stats.count_error(&text);
            reply.error(&text);
        }
        let who = self.client_line(session).unwrap_or_default();
        let text = alloc::format!("Protocol error ({error}) from client: {who}");
        self.log(LogLevel::Verbose, text);
    }

    /// Buffers of a connection have changed.
    pub fn handle_usage(&mut self, session: SessionId, usage: NetUsage) {
        if let Some(state) = self.sessions.find_mut(session) {
            state.usage = usage;
            self.sessions.recount(session);
            self.evict_sessions();
        }
    }

    /// So many bytes have been sent since the connection began.
    pub fn handle_sent(&mut self, session: SessionId, output_bytes_total: u64) {
        if let Some(session) = self.sessions.find_mut(session) {
            session.usage.output_bytes_total = output_bytes_total;
        }
    }

    /// A connection is closed because its peer does not take the replies that wait for it.
    pub fn handle_output_limit(&mut self, env: &Env<'_>, session: SessionId) {
        self.set_time(env);
        self.stats.output_limit_closed += 1;
        let who = self.client_line(session).unwrap_or_default();
        let text = alloc::format!(
            "Client {who} scheduled to be closed ASAP for overcoming of output buffer limits."
        );
        self.log(LogLevel::Warning, text);
    }

    /// Figures of the process, at least once per tick.
    pub fn handle_host(&mut self, facts: HostFacts) {
        let stats = &mut self.stats;
        stats.eventloop_max_micros = stats.eventloop_max_micros.max(facts.eventloop_max_micros);
        stats.eventloop_requests_max = stats
            .eventloop_requests_max
            .max(facts.eventloop_requests_max);
        self.host = facts;
    }

    /// The listeners are bound to this now, one line each as INFO tells.
    pub fn handle_listeners(&mut self, lines: Vec<String>) {
        self.identity.listeners = lines;
    }

    /// A signal asks for the end: it comes at the next tick, unless SHUTDOWN ABORT takes it back.
    pub fn handle_shutdown_signal(&mut self) {
        self.shutdown_signalled = true;
    }

    /// The end that a signal has asked for is still wanted.
    #[must_use]
    pub fn shutdown_is_wanted(&self) -> bool {
        self.shutdown_signalled
    }

    /// That end begins: it cannot be taken back any more.
    pub fn handle_shutdown_begun(&mut self) {
        self.shutdown_signalled = false;
    }

    /// DEBUG PAUSE-CRON holds periodic work back, the end by a signal included.
    #[must_use]
    pub fn cron_is_paused(&self) -> bool {
        self.cron.paused
    }

    /// Adds entropy to the random generator.
    pub fn handle_reseed(&mut self, random: [u64; 4]) {
        self.random.add(random);
    }

    /// Does what is due: expiry, freeing, statistics.
    pub fn handle_timeout(&mut self, env: &mut Env<'_>, budget: WorkBudget) {
        self.set_time(env);
        crate::cron::run(self, &mut *env.host, budget);
    }

    /// The turn ends: what has changed in it is told to the sessions that broadcast prefixes.
    #[inline]
    pub fn handle_turn_end(&mut self) {
        if self.tracking.has_broadcasts() {
            self.tell_prefixes();
        }
    }

    /// When [`Engine::handle_timeout`] is due next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<MonoMicros> {
        self.cron.due(self)
    }

    /// The next thing for the shell to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// How many outputs wait.
    #[inline]
    #[must_use]
    pub fn outputs_len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether effects are built at all; nobody listens at first.
    pub fn set_effects_wanted(&mut self, wanted: bool) {
        self.effects.set_wanted(wanted);
    }

    /// Appends the groups of effects since the last call to `out`.
    pub fn take_effects(&mut self, out: &mut EffectBuf) {
        self.effects.take(out);
    }

    /// What holds for the requests of a session from now on.
    #[must_use]
    pub fn session_limits(&self, session: SessionId) -> SessionLimits {
        let authenticated = self
            .sessions
            .find(session)
            .is_some_and(Session::is_authenticated);
        let bulk = self.config.size(id::PROTO_MAX_BULK_LEN);
        let query = self.config.size(id::CLIENT_QUERY_BUFFER_LIMIT);
        let query = usize::try_from(query).unwrap_or(usize::MAX);
        let parser = if authenticated {
            Limits {
                // Nothing is reserved for what is promised, so the number itself costs nothing.
                args_max: i64::from(i32::MAX),
                bulk_bytes_max: bulk,
                query_bytes_max: query,
                ..Limits::DEFAULT
            }
        } else {
            Limits::UNAUTHENTICATED
        };
        let seconds = self.config.int(id::TIMEOUT).unsigned_abs();
        SessionLimits {
            parser,
            authenticated,
            idle_timeout: Duration::from_secs(seconds),
        }
    }

    /// The class of a session by what it does now.
    #[must_use]
    pub fn session_class(&self, session: SessionId) -> SessionClass {
        let state = self.sessions.find(session);
        state.map_or(SessionClass::Normal, Session::class)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn set_time(&mut self, env: &Env<'_>) {
        self.wall = env.wall;
        self.mono = env.mono;
    }

    /// Wall-clock time in Unix milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.wall.0.div_euclid(1000)
    }

    pub(crate) fn log(&mut self, level: LogLevel, text: String) {
        self.outputs
            .push_back(Output::Event(Event::Log { level, text }));
    }

    /// Asks the shell for work on behalf of a session.
    pub(crate) fn direct(&mut self, session: SessionId, directive: Directive) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let pending = completion::Pending::new(ticket, session, &directive);
        self.pending.push(pending);
        self.outputs
            .push_back(Output::Directive { ticket, directive });
        ticket
    }
}
