//! The machine against the model with several sessions: transactions, WATCH, waiting for keys,
//! expiry and the end of sessions, interleaved. Compared after every step: the reply, who was woken
//! in which order with what, who was closed; and that every account agrees with a recount. At the
//! end all keys, on a replica too.
#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../support/replies.rs"]
mod replies;
mod steps;

use std::fmt;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use vk_engine::{
    Disposition, EffectBuf, Output, SessionId,
    check::{Rig, START_MS, check_accounts, replay},
};
use vk_model::{Model, ModelReply, Server, Turn};

use replies::{assert_same, only_reply};
use steps::{DATABASES, KEYS, SESSIONS, Step};

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: 1024,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sessions_meet_as_in_the_model(sequential 1..120 => Machine);
}

/// The model, and what came of the last step.
#[derive(Clone)]
struct Expected {
    server: Server,
    turn: Turn,
    /// The words of the last step, if it was a request.
    sent: Vec<Vec<u8>>,
}

impl fmt::Debug for Expected {
    /// Every sequence begins with the same state, so that a failure need not show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expected")
    }
}

impl ReferenceStateMachine for Expected {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let mut server = Server::new(Model::new(), SESSIONS, START_MS);
        (0..SESSIONS).for_each(|who| server.connect(who));
        let turn = Turn::default();
        let sent = Vec::new();
        Just(Self { server, turn, sent }).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        let server = &state.server;
        let is_free = |who: &usize| server.is_connected(*who) && !server.is_waiting(*who);
        steps::any_step(&(0..SESSIONS).filter(is_free).collect::<Vec<_>>())
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        match step {
            Step::Connect(who) => !state.server.is_connected(*who),
            Step::Disconnect(who) => state.server.is_connected(*who),
            step => !Self::apply(state.clone(), step).turn.is_unsure,
        }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        let server = &mut state.server;
        state.turn = Turn::default();
        match step {
            Step::Request(who, words) => {
                state.sent = words.at(server);
                state.turn = server.request(*who, &state.sent);
            }
            Step::Sleep(ms) => server.sleep(*ms),
            Step::SleepToExpiry { key, beyond_ms } => {
                if let Some(at) = server.expiry_ms(key.as_bytes()) {
                    server.sleep((at - server.now_ms() + beyond_ms).max(0));
                }
            }
            Step::Tick => state.turn = server.tick(),
            Step::Connect(who) => server.connect(*who),
            Step::Disconnect(who) => server.disconnect(*who),
        }
        state
    }
}

/// The machine, and who is in which place.
struct Machine {
    rig: Rig,
    sessions: Vec<Option<SessionId>>,
    now_ms: i64,
    effects: EffectBuf,
}

impl StateMachineTest for Machine {
    type SystemUnderTest = Self;
    type Reference = Expected;

    fn init_test(_state: &Expected) -> Self {
        let mut rig = Rig::new();
        rig.engine.set_effects_wanted(true);
        let sessions = (0..SESSIONS).map(|_| rig.connect()).collect();
        Self {
            rig,
            sessions,
            now_ms: START_MS,
            effects: EffectBuf::default(),
        }
    }

    fn apply(mut machine: Self, state: &Expected, step: Step) -> Self {
        let slept_ms = u64::try_from(state.server.now_ms() - machine.now_ms);
        machine
            .rig
            .sleep(slept_ms.expect("time goes forward") * 1000);
        machine.now_ms = state.server.now_ms();
        match &step {
            Step::Request(who, _) => machine.request(*who, &state.sent, &state.turn),
            Step::Sleep(_) | Step::SleepToExpiry { .. } => {}
            Step::Tick => {
                machine.rig.tick(1000);
                machine.hear(&state.turn, false);
            }
            Step::Connect(who) => machine.sessions[*who] = machine.rig.connect(),
            Step::Disconnect(who) => {
                machine.disconnect(*who);
                machine.hear(&state.turn, true);
            }
        }
        machine.rig.engine.take_effects(&mut machine.effects);
        if let Err(why) = check_accounts(&machine.rig.engine) {
            panic!("{why}");
        }
        machine
    }

    fn teardown(mut machine: Self, state: Expected) {
        let copy = replay(&machine.effects, machine.rig.mono_micros());
        let mut copy = copy.unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(machine.rig.engine.digest(), copy.engine.digest());
        let mut model = state.server.model().clone();
        compare_keys(&mut machine.rig, &mut model, machine.now_ms);
        // Back to the time of the comparison: the replica was filled long after.
        let late = copy.mono_micros() - machine.rig.mono_micros();
        copy.jump(-i64::try_from(late).expect("some days"));
        compare_keys(&mut copy, &mut model, machine.now_ms);
    }
}

impl Machine {
    fn request(&mut self, who: usize, words: &[Vec<u8>], turn: &Turn) {
        let session = self.sessions[who].expect("only who is there sends");
        let (reply, disposition) = self
            .rig
            .request(session, words.iter().map(Vec::as_slice), true);
        let what = show(who, words);
        match &turn.reply {
            None => assert_eq!(disposition, Disposition::Parked, "{what}"),
            Some(expected) => {
                assert_eq!(disposition, Disposition::Done, "{what}");
                assert_same(&what, expected, &only_reply(&reply));
            }
        }
        self.hear(turn, true);
    }

    /// Takes what the machine says to others, which is what the model says.
    fn hear(&mut self, turn: &Turn, in_order: bool) {
        self.rig.engine.handle_turn_end();
        let (mut woken, mut closed) = (Vec::new(), Vec::new());
        while let Some(output) = self.rig.engine.poll_output() {
            match output {
                Output::Wake { session, reply, .. } => {
                    woken.push((self.place(session), only_reply(&reply)));
                }
                Output::Close { session, .. } => closed.push(self.place(session)),
                // FLUSHALL leaves an empty file where there are save points.
                Output::SaveAll => self
                    .rig
                    .with_env(|engine, env| engine.handle_saved_all(env, true)),
                other => panic!("nobody asked for {other:?}"),
            }
        }
        let mut expected = turn.woken.clone();
        if !in_order {
            woken.sort_by_key(|(who, _)| *who);
            expected.sort_by_key(|(who, _)| *who);
        }
        let who = |all: &[(usize, _)]| all.iter().map(|(who, _)| *who).collect::<Vec<_>>();
        let expected_order: Vec<usize> = expected.iter().map(|(who, _)| *who).collect();
        assert_eq!(
            who(&woken),
            expected_order,
            "left: woken, right: by the model"
        );
        for ((who, reply), (_, expected)) in woken.iter().zip(&expected) {
            assert_same(&format!("what wakes {who}"), expected, reply);
        }
        assert_eq!(closed, turn.closed, "left: closed, right: by the model");
        closed.into_iter().for_each(|who| self.disconnect(who));
    }

    fn place(&self, session: SessionId) -> usize {
        let is_it = |place: &Option<SessionId>| *place == Some(session);
        self.sessions
            .iter()
            .position(is_it)
            .expect("a known session")
    }

    fn disconnect(&mut self, who: usize) {
        if let Some(session) = self.sessions[who].take() {
            self.rig
                .with_env(|engine, env| engine.handle_disconnect(env, session));
        }
    }
}

fn show(who: usize, words: &[Vec<u8>]) -> String {
    let words: Vec<_> = words
        .iter()
        .map(|word| String::from_utf8_lossy(word))
        .collect();
    format!("{who}> {}", words.join(" "))
}

/// Compares every key with the model, in all databases that are used.
fn compare_keys(rig: &mut Rig, model: &mut Model, now_ms: i64) {
    let session = rig.connect().expect("a local client is never refused");
    let mut ask = |db: usize, words: &[&str]| {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let (reply, _) = rig.request(session, words.iter().map(Vec::as_slice), true);
        let expected = model.apply(db, now_ms, &words);
        assert_same(&show(db, &words), &expected, &only_reply(&reply));
        expected
    };
    for db in 0..DATABASES {
        ask(db, &["SELECT", &db.to_string()]);
        ask(db, &["KEYS", "*"]);
        for key in KEYS {
            let ModelReply::Simple(kind) = ask(db, &["TYPE", key]) else {
                panic!("TYPE answers a status");
            };
            let everything: &[&str] = match kind.as_str() {
                "list" => &["LRANGE", key, "0", "-1"],
                "zset" => &["ZRANGE", key, "0", "-1", "WITHSCORES"],
                "stream" => &["XRANGE", key, "-", "+"],
                "set" => &["SMEMBERS", key],
                _ => &["GET", key],
            };
            ask(db, everything);
            ask(db, &["PEXPIRETIME", key]);
        }
    }
}

/// What the sequences are about does happen in them.
#[test]
fn sessions_wait_and_are_woken() {
    let mut server = Server::new(Model::new(), 2, START_MS);
    server.connect(0);
    server.connect(1);
    let words = |line: &str| -> Vec<Vec<u8>> {
        line.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    };
    assert_eq!(server.request(0, &words("BLPOP l 0")).reply, None);
    let turn = server.request(1, &words("RPUSH l a b"));
    assert_eq!(turn.reply, Some(ModelReply::Int(2)));
    let item = |text: &str| ModelReply::Bulk(Some(text.into()));
    let popped = ModelReply::Array(vec![item("l"), item("a")]);
    assert_eq!(turn.woken, [(0, popped)]);
    server.request(0, &words("WATCH l"));
    server.request(0, &words("MULTI"));
    server.request(1, &words("RPUSH l c"));
    assert_eq!(
        server.request(0, &words("EXEC")).reply,
        Some(ModelReply::NilArray)
    );
}
