//! A machine with a clock that is moved by hand and a host that does nothing. Not a shell: nothing
//! is done about outputs.

use alloc::string::ToString as _;
use core::time::Duration;

use vk_data::table::HashSeed;
use vk_resp::{OwnedRequest, Protocol, ReplyBuf};
use vk_spec::config::Profile;

use crate::{
    BootUsers, Disposition, Engine, EngineConfig, Env, Host, Identity, ListenerKind, Local,
    MonoMicros, Peer, Remote, Seeds, SessionId, Ticks, UnixMicros, WorkBudget,
    config::{Config, id, table::limits::POLICIES},
};

/// Wall-clock time at which every rig begins, in Unix milliseconds.
pub const START_MS: i64 = 1_700_000_000_000;

/// A host whose clock stands still.
#[derive(Debug)]
struct StillHost;

impl Host for StillHost {
    fn ticks(&self) -> Ticks {
        Ticks(0)
    }
    fn stall(&mut self, _time: Duration) {}
}

/// A machine under test.
#[derive(Debug)]
pub struct Rig {
    /// The machine.
    pub engine: Engine,
    mono_micros: u64,
    wall_micros: i64,
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig {
    /// A machine with empty databases, the compatible profile and seeds that never change.
    #[must_use]
    pub fn new() -> Self {
        let config = EngineConfig {
            config: Config::new(Profile::Compatible),
            // With a file there is something to rewrite.
            identity: Identity {
                config_file: "/etc/test.conf".into(),
                ..Identity::default()
            },
            users: BootUsers::default(),
        };
        let seeds = Seeds {
            hash: HashSeed {
                k0: 0x1234,
                k1: 0x5678,
            },
            random: [1, 2, 3, 4],
            run_id: "0".repeat(40),
        };
        let mut rig = Self {
            engine: Engine::new(config, seeds),
            mono_micros: 0,
            wall_micros: START_MS.saturating_mul(1000),
        };
        rig.with_env(|engine, env| engine.handle_start(env));
        rig
    }

    /// Bounds memory to little more than the machine takes now, with this number of a policy.
    pub(super) fn bound_memory(&mut self, policy: u8) {
        /// Room for some dozen small keys.
        const ROOM_BYTES: u64 = 3 * 1024;
        let limit = self.engine.limited_bytes().saturating_add(ROOM_BYTES);
        let config = &mut self.engine.config;
        let name = POLICIES
            .get(usize::from(policy))
            .map_or("noeviction", |(name, _)| *name);
        let set = [
            (id::MAXMEMORY, limit.to_string()),
            (id::MAXMEMORY_POLICY, name.to_string()),
            // Histograms would take all the room.
            (id::LATENCY_TRACKING, "no".to_string()),
        ];
        for (id, value) in set {
            // The values are good ones, so nothing can be wrong with them.
            let _ = config.correct(id, value.as_bytes());
        }
        self.engine.memory_limits_changed();
    }

    /// Calls the machine at the present time.
    pub fn with_env<T>(&mut self, call: impl FnOnce(&mut Engine, &mut Env<'_>) -> T) -> T {
        let mut host = StillHost;
        let mut env = Env {
            wall: UnixMicros(self.wall_micros),
            mono: MonoMicros(self.mono_micros),
            host: &mut host,
        };
        call(&mut self.engine, &mut env)
    }

    /// Monotonic time in microseconds.
    #[must_use]
    pub fn mono_micros(&self) -> u64 {
        self.mono_micros
    }

    /// Connects a client on this machine. `None` if it was refused, which it never is.
    pub fn connect(&mut self) -> Option<SessionId> {
        let peer = Peer {
            remote: Remote::Unix,
            local: Local::Unix("/run/test.sock".into()),
            listener: ListenerKind::Unix,
            unix: None,
            tls: None,
            proxy: None,
            fd: 3,
        };
        self.with_env(|engine, env| engine.handle_connect(env, peer).ok())
    }

    /// Runs a request, with the reply in the protocol that the session speaks by then.
    pub fn request<'w>(
        &mut self,
        session: SessionId,
        words: impl IntoIterator<Item = &'w [u8]>,
        prepares: bool,
    ) -> (ReplyBuf, Disposition) {
        let request = OwnedRequest::from_args(words);
        let mut reply = ReplyBuf::new(self.protocol(session));
        let disposition = self.with_env(|engine, env| {
            if prepares {
                engine.prepare(&[(session, request.view())]);
            }
            engine.handle_request(env, session, request.view(), &mut reply)
        });
        (reply, disposition)
    }

    fn protocol(&self, session: SessionId) -> Protocol {
        let state = self.engine.sessions.find(session);
        state.map_or(Protocol::Resp2, |state| state.protocol)
    }

    /// Time goes by, and nothing is done.
    pub fn sleep(&mut self, micros: u64) {
        self.mono_micros = self.mono_micros.saturating_add(micros);
        self.jump(i64::try_from(micros).unwrap_or(i64::MAX));
    }

    /// The wall clock is set.
    pub fn jump(&mut self, micros: i64) {
        self.wall_micros = self.wall_micros.saturating_add(micros).max(0);
    }

    /// What is due is done, with a budget of so many entries.
    pub fn tick(&mut self, entries_max: usize) {
        self.with_env(|engine, env| engine.handle_timeout(env, WorkBudget { entries_max }));
    }
}
