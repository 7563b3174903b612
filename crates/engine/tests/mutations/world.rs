//! A machine with clients whose answers are kept, for the tests that change the world under them.

use std::collections::BTreeMap;

use vk_engine::{
    Completion, Disposition, EffectBuf, NetUsage, Output, SessionId, Ticket,
    check::{Rig, check_accounts, replay},
};
use vk_resp::{Reply, ReplyBuf, ReplyLimits, ReplyParser};

/// The machine, and everything that it has said.
pub(crate) struct World {
    pub(crate) rig: Rig,
    /// Whoever changes the world.
    pub(crate) admin: SessionId,
    /// Sessions that wait.
    pub(crate) parked: Vec<SessionId>,
    /// What sessions that waited got, in order.
    pub(crate) woken: Vec<(SessionId, Reply)>,
    /// Sessions that the machine has closed.
    pub(crate) closed: Vec<SessionId>,
    /// Work that was asked for.
    pub(crate) asked: Vec<Ticket>,
    /// Snapshots that were begun.
    pub(crate) snapshots: usize,
    numbers: BTreeMap<SessionId, i64>,
    effects: EffectBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut rig = Rig::new();
        rig.engine.set_effects_wanted(true);
        let admin = rig.connect().expect("a local client is never refused");
        let mut world = Self {
            rig,
            admin,
            parked: Vec::new(),
            woken: Vec::new(),
            closed: Vec::new(),
            asked: Vec::new(),
            snapshots: 0,
            numbers: BTreeMap::new(),
            effects: EffectBuf::default(),
        };
        world.ask("CONFIG SET latency-tracking no");
        world
    }

    pub(crate) fn connect(&mut self) -> SessionId {
        let session = self.rig.connect().expect("a local client is never refused");
        let Some(Reply::Int(number)) = self.ask_as(session, "CLIENT ID") else {
            panic!("CLIENT ID answers a number");
        };
        self.numbers.insert(session, number);
        session
    }

    /// The number that CLIENT ID answers.
    pub(crate) fn number(&self, session: SessionId) -> i64 {
        self.numbers[&session]
    }

    pub(crate) fn disconnect(&mut self, session: SessionId) {
        self.rig
            .with_env(|engine, env| engine.handle_disconnect(env, session));
        self.parked.retain(|parked| *parked != session);
        self.hear();
    }

    /// A request of the admin, which is answered at once.
    pub(crate) fn ask(&mut self, line: &str) -> Reply {
        let reply = self.ask_as(self.admin, line);
        reply.unwrap_or_else(|| panic!("{line} waits"))
    }

    /// A request; none if it waits.
    pub(crate) fn ask_as(&mut self, session: SessionId, line: &str) -> Option<Reply> {
        let words = line.split(' ').map(str::as_bytes);
        let (reply, disposition) = self.rig.request(session, words, true);
        let reply = if disposition == Disposition::Parked {
            self.parked.push(session);
            None
        } else {
            Some(only_reply(&reply))
        };
        self.hear();
        reply
    }

    /// A snapshot is due a second after a change.
    pub(crate) fn save_soon(&mut self) {
        let words: [&[u8]; 4] = [b"CONFIG", b"SET", b"save", b"1 1"];
        let (reply, _) = self.rig.request(self.admin, words, true);
        assert_eq!(only_reply(&reply), Reply::Simple(b"OK".to_vec()));
    }

    /// Time goes by, and what is due is done.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.rig.sleep(ms * 1000);
        for _ in 0..4 {
            self.rig.tick(1000);
        }
        self.hear();
    }

    /// The wall clock is set.
    pub(crate) fn jump(&mut self, seconds: i64) {
        self.rig.jump(seconds * 1_000_000);
        self.rig.tick(1000);
        self.hear();
    }

    /// A session takes much more memory than the others.
    pub(crate) fn grow(&mut self, session: SessionId) {
        let usage = NetUsage {
            query_bytes: 200_000,
            ..NetUsage::default()
        };
        self.rig.engine.handle_usage(session, usage);
        self.hear();
    }

    /// The oldest piece of work has ended.
    pub(crate) fn complete(&mut self) {
        let ticket = self.asked.remove(0);
        self.rig
            .with_env(|engine, env| engine.handle_completion(env, ticket, Completion::Done));
        self.hear();
    }

    /// Takes what the machine says, and checks its accounts.
    fn hear(&mut self) {
        self.rig.engine.handle_turn_end();
        while let Some(output) = self.rig.engine.poll_output() {
            match output {
                Output::Wake { session, reply, .. } => {
                    let before = self.parked.len();
                    self.parked.retain(|parked| *parked != session);
                    assert_eq!(
                        self.parked.len() + 1,
                        before,
                        "only who waits is woken, once"
                    );
                    self.woken.push((session, only_reply(&reply)));
                }
                Output::Close { session, .. } => {
                    self.closed.push(session);
                    self.parked.retain(|parked| *parked != session);
                    self.rig
                        .with_env(|engine, env| engine.handle_disconnect(env, session));
                }
                Output::Directive { ticket, .. } => self.asked.push(ticket),
                Output::BackgroundSave(_) | Output::RewriteAof(_) => self.snapshots += 1,
                Output::SaveAll => self
                    .rig
                    .with_env(|engine, env| engine.handle_saved_all(env, true)),
                Output::Push { .. } | Output::Broadcast { .. } | Output::Event(_) => {}
                other => panic!("nobody asked for {other:?}"),
            }
        }
        self.rig.engine.take_effects(&mut self.effects);
        if let Err(why) = check_accounts(&self.rig.engine) {
            panic!("{why}");
        }
    }

    /// One figure of INFO.
    pub(crate) fn info(&mut self, field: &str) -> String {
        let Reply::Bulk(text) = self.ask("INFO") else {
            panic!("INFO answers text");
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let value = line.and_then(|rest| rest.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("no {field}")).to_owned()
    }

    /// Nobody waits for anything, and the effects bring an empty machine to the same state.
    pub(crate) fn check_end(&mut self) {
        for figure in [
            "blocked_clients",
            "total_blocking_keys",
            "total_watched_keys",
        ] {
            assert_eq!(self.info(figure), "0", "{figure}");
        }
        self.rig.engine.take_effects(&mut self.effects);
        let copy = replay(&self.effects, self.rig.mono_micros());
        let copy = copy.unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(self.rig.engine.digest(), copy.engine.digest());
    }
}

fn only_reply(bytes: &ReplyBuf) -> Reply {
    let mut parser = ReplyParser::new(ReplyLimits::default());
    parser.feed(&bytes.to_vec());
    let reply = parser.poll().expect("well formed").expect("a whole reply");
    assert!(parser.is_idle(), "more than one reply");
    reply
}
