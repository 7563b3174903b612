//! Properties of the whole machine, for property tests and fuzzers alike. Not part of the API.
//!
//! Any bytes become a history: sessions send requests that the command table's grammar gives,
//! time goes by, connections come and go, work outside ends well or badly. Whatever happens:
//! equal inputs give equal outputs and digests, effects bring an empty machine to the same state,
//! an error changes nothing, and the accounts agree with a recount.

mod grammar;

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use vk_data::table::HashSeed;
use vk_resp::{Batch, Limits, OwnedRequest, Parser, Protocol, ReplyBuf};
use vk_spec::config::Profile;

use crate::{
    BootUsers, Completion, Disposition, EffectBuf, EffectGroup, Engine, EngineConfig, Env, Host,
    Identity, ListenerKind, Local, MonoMicros, Output, Peer, Remote, Seeds, SessionId, Ticks,
    UnixMicros, WorkBudget, config::Config,
};

use grammar::Source;

/// The most steps of one history; longer inputs are cut.
const STEPS_MAX: usize = 256;
const SESSIONS: usize = 3;
const START_MICROS: i64 = 1_700_000_000_000_000;

/// A host whose clock stands still.
struct StillHost;

impl Host for StillHost {
    fn ticks(&self) -> Ticks {
        Ticks(0)
    }
    fn stall(&mut self, _time: Duration) {}
}

/// Runs the history that `data` stands for and checks every property.
///
/// # Panics
/// When a property does not hold.
#[expect(clippy::panic, reason = "a check reports by panicking")]
pub fn check_commands(data: &[u8]) {
    let (first, second) = (History::run(data), History::run(data));
    if first.transcript != second.transcript {
        panic!("the same history gave other replies");
    }
    let digest = first.engine.digest();
    if digest != second.engine.digest() {
        panic!("the same history gave another digest");
    }
    let copy = replay(&first.effects, first.now);
    if digest != copy.digest() {
        panic!("effects did not bring an empty machine to the same state");
    }
    for engine in [&first.engine, &copy] {
        let mut recount = 0;
        let mut keys = 0;
        for (_, db) in engine.dbs.iter() {
            db.for_each(&mut |entry| {
                recount += entry.allocated_bytes();
                keys += 1;
            });
        }
        if keys != engine.dbs.keys() || recount > engine.dbs.memory_bytes() {
            panic!("the accounts do not agree with a recount");
        }
    }
}

/// One run of a history.
struct History {
    engine: Engine,
    host: StillHost,
    sessions: [Option<SessionId>; SESSIONS],
    parked: Vec<SessionId>,
    now: u64,
    transcript: Vec<u8>,
    effects: EffectBuf,
}

impl History {
    fn run(data: &[u8]) -> Self {
        let mut host = StillHost;
        let mut engine = new_engine();
        engine.set_effects_wanted(true);
        engine.handle_start(&env_at(0, &mut host));
        let mut history = Self {
            engine,
            host,
            sessions: [None; SESSIONS],
            parked: Vec::new(),
            now: 0,
            transcript: Vec::new(),
            effects: EffectBuf::default(),
        };
        let mut source = Source::new(data);
        for _ in 0..STEPS_MAX {
            let Some(step) = source.byte() else { break };
            history.step(step, &mut source);
        }
        history.engine.take_effects(&mut history.effects);
        history
    }

    fn step(&mut self, step: u8, source: &mut Source<'_>) {
        match step {
            0..=7 => self.pass(source.number() % 5_000_000),
            8..=9 => self.disconnect(usize::from(step) % SESSIONS),
            _ => {
                let session = self.session(usize::from(step) % SESSIONS);
                let words = grammar::request(source);
                if !self.parked.contains(&session) {
                    self.request(session, &words);
                }
            }
        }
        self.drain(source);
        self.engine.take_effects(&mut self.effects);
    }

    fn session(&mut self, slot: usize) -> SessionId {
        if let Some(Some(id)) = self.sessions.get(slot) {
            return *id;
        }
        let env = env_at(self.now, &mut self.host);
        // A Unix peer is never refused, so the loop ends in its first turn.
        loop {
            if let Ok(id) = self.engine.handle_connect(&env, peer()) {
                if let Some(place) = self.sessions.get_mut(slot) {
                    *place = Some(id);
                }
                return id;
            }
        }
    }

    fn disconnect(&mut self, slot: usize) {
        if let Some(id) = self.sessions.get_mut(slot).and_then(Option::take) {
            let env = env_at(self.now, &mut self.host);
            self.engine.handle_disconnect(&env, id);
            self.parked.retain(|parked| *parked != id);
        }
    }

    fn pass(&mut self, micros: u64) {
        self.now += micros;
        let mut env = env_at(self.now, &mut self.host);
        self.engine
            .handle_timeout(&mut env, WorkBudget { entries_max: 16 });
    }

    #[expect(clippy::panic, reason = "a check reports by panicking")]
    fn request(&mut self, session: SessionId, words: &[Vec<u8>]) {
        let request = OwnedRequest::from_args(words.iter().map(Vec::as_slice));
        let mut reply = ReplyBuf::new(Protocol::Resp2);
        let before = self.engine.digest();
        let expired = self.engine.stats.expired_keys;
        let mut env = env_at(self.now, &mut self.host);
        self.engine.prepare(&[(session, request.view())]);
        let disposition = self
            .engine
            .handle_request(&mut env, session, request.view(), &mut reply);
        self.note(&reply);
        let failed = reply
            .chunks()
            .next()
            .is_some_and(|chunk| chunk.starts_with(b"-"));
        let nothing_expired = expired == self.engine.stats.expired_keys;
        if failed && nothing_expired && before != self.engine.digest() {
            panic!("an error changed the data: {}", show(words));
        }
        self.settle(session, disposition);
    }

    fn settle(&mut self, session: SessionId, disposition: Disposition) {
        match disposition {
            Disposition::Done => {}
            Disposition::Parked => self.parked.push(session),
            Disposition::Close | Disposition::CloseNow => self.close(session),
        }
    }

    fn close(&mut self, session: SessionId) {
        if let Some(slot) = self.sessions.iter().position(|id| *id == Some(session)) {
            self.disconnect(slot);
        }
    }

    fn drain(&mut self, source: &mut Source<'_>) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Wake {
                    session,
                    reply,
                    disposition,
                } => {
                    self.note(&reply);
                    self.parked.retain(|parked| *parked != session);
                    self.settle(session, disposition);
                }
                Output::Close { session, .. } => self.close(session),
                Output::Directive { ticket, .. } => {
                    let good = source.byte().is_none_or(|byte| byte & 1 == 0);
                    let failed = || Completion::Failed("refused by the test".into());
                    let result = if good { Completion::Done } else { failed() };
                    let mut env = env_at(self.now, &mut self.host);
                    self.engine.handle_completion(&mut env, ticket, result);
                }
                Output::Push { bytes, .. } => self.note(&bytes),
                Output::Event(event) => {
                    self.transcript
                        .extend_from_slice(alloc::format!("{event:?}").as_bytes());
                }
            }
        }
    }

    fn note(&mut self, reply: &ReplyBuf) {
        for chunk in reply.chunks() {
            self.transcript.extend_from_slice(chunk);
        }
    }
}

/// An empty machine to which the effects were applied.
#[expect(clippy::panic, reason = "a check reports by panicking")]
fn replay(effects: &EffectBuf, now: u64) -> Engine {
    let mut host = StillHost;
    let mut engine = new_engine();
    engine.handle_start(&env_at(0, &mut host));
    let mut from = 0;
    for group in &effects.groups {
        let bytes = effects.bytes.get(from..group.end).unwrap_or_default();
        from = group.end;
        let mut batch = Batch::default();
        let parsed = Parser::new().parse(bytes, 0, &Limits::DEFAULT, usize::MAX, &mut batch);
        if parsed.ok() != Some(bytes.len()) || batch.len() != group.count as usize {
            panic!("an effect is no request");
        }
        let requests: Vec<_> = (0..batch.len())
            .map(|at| batch.request(at, bytes))
            .collect();
        let group = EffectGroup {
            db: group.db,
            effects: &requests,
        };
        if let Err(error) = engine.handle_effects(&mut env_at(now, &mut host), group) {
            panic!("an effect was refused: {error:?}");
        }
    }
    engine
}

fn new_engine() -> Engine {
    let config = EngineConfig {
        config: Config::new(Profile::Compatible),
        identity: Identity::default(),
        users: BootUsers::default(),
    };
    let hash = HashSeed {
        k0: 0x1234,
        k1: 0x5678,
    };
    Engine::new(
        config,
        Seeds {
            hash,
            random: [1, 2, 3, 4],
            run_id: "0".repeat(40),
        },
    )
}

fn env_at(now: u64, host: &mut StillHost) -> Env<'_> {
    Env {
        wall: UnixMicros(START_MICROS + now as i64),
        mono: MonoMicros(now),
        host,
    }
}

fn peer() -> Peer {
    Peer {
        remote: Remote::Unix,
        local: Local::Unix("/run/test.sock".into()),
        listener: ListenerKind::Unix,
        unix: None,
        tls: None,
        proxy: None,
        fd: 3,
    }
}

fn show(words: &[Vec<u8>]) -> String {
    let words: Vec<_> = words
        .iter()
        .map(|word| String::from_utf8_lossy(word))
        .collect();
    words.join(" ")
}
