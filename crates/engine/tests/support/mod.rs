//! A machine with one session, spoken to through its public calls.

use std::time::Duration;

use vk_data::table::HashSeed;
use vk_engine::{
    BootUsers, Engine, EngineConfig, Env, Host, Identity, ListenerKind, Local, MonoMicros, Peer,
    Remote, Seeds, SessionId, Ticks, UnixMicros, config::Config,
};
use vk_resp::{OwnedRequest, Protocol, Reply, ReplyBuf, ReplyLimits, ReplyParser};
use vk_spec::config::Profile;

struct StillHost;

impl Host for StillHost {
    fn ticks(&self) -> Ticks {
        Ticks(0)
    }
    fn stall(&mut self, _time: Duration) {}
}

pub(crate) struct Server {
    pub(crate) engine: Engine,
    session: SessionId,
}

fn env(host: &mut StillHost) -> Env<'_> {
    Env {
        wall: UnixMicros(1_700_000_000_000_000),
        mono: MonoMicros(0),
        host,
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let config = EngineConfig {
            config: Config::new(Profile::Compatible),
            identity: Identity::default(),
            users: BootUsers::default(),
        };
        let seeds = Seeds {
            hash: HashSeed { k0: 1, k1: 2 },
            random: [1, 2, 3, 4],
            run_id: "0".repeat(40),
        };
        let mut engine = Engine::new(config, seeds);
        let peer = Peer {
            remote: Remote::Unix,
            local: Local::Unix("/run/vkd.sock".into()),
            listener: ListenerKind::Unix,
            unix: None,
            tls: None,
            proxy: None,
            fd: 8,
        };
        let mut host = StillHost;
        engine.handle_start(&env(&mut host));
        let session = engine.handle_connect(&env(&mut host), peer).unwrap();
        Self { engine, session }
    }

    /// The reply to one request, in RESP2.
    pub(crate) fn call(&mut self, words: &[&str]) -> Reply {
        let request = OwnedRequest::from_args(words.iter().map(|word| word.as_bytes()));
        let mut reply = ReplyBuf::new(Protocol::Resp2);
        let mut host = StillHost;
        self.engine.handle_request(
            &mut env(&mut host),
            self.session,
            request.view(),
            &mut reply,
        );
        let mut parser = ReplyParser::new(ReplyLimits::default());
        parser.feed(&reply.to_vec());
        parser.poll().unwrap().unwrap()
    }
}
