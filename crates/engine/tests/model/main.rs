//! The machine against the reference model: random sequences of commands on values of every type,
//! keys, expiry and databases, small and usual limits of compact storage, one session, time that
//! goes by (often exactly to the edge of an expiry), and
//! transactions. Every reply is compared, and at the end every key, on a replica too. What the
//! model does not know for certain is not sent.
#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../support/replies.rs"]
mod replies;
mod steps;
mod types;
mod words;

use std::fmt;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use vk_engine::{
    Disposition, EffectBuf, SessionId,
    check::{Rig, START_MS, replay},
};
use vk_model::{Limits, Model, ModelReply};
use vk_resp::Reply;

use replies::{assert_same, only_reply};
use steps::{Step, Words};

/// Databases of a server by default.
const DATABASES: usize = 16;

/// Nobody waits for an expiry that is further away: the clock of the machine has an end.
const WAIT_MS_MAX: i64 = 366 * 24 * 3_600_000;

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: 2048,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_machine_answers_as_the_model_does(sequential 1..60 => Machine);
}

#[test]
fn every_command_of_the_model_is_one_of_the_machine() {
    for name in Model::commands() {
        let (name, sub) = name.split_once('|').unwrap_or((name, ""));
        let command = vk_engine::specs().find(|command| command.spec.name == name);
        let command = command.unwrap_or_else(|| panic!("{name} is missing"));
        let mut subs = command.subcommands().iter();
        assert!(
            sub.is_empty() || subs.any(|command| command.spec.name == sub),
            "{name} {sub} is missing"
        );
    }
}

/// The model with a session of its own, and what the last step answered.
#[derive(Clone)]
struct Expected {
    model: Model,
    now_ms: i64,
    db: usize,
    replies: Vec<ModelReply>,
    /// Collections change their encoding after a few elements.
    has_small_limits: bool,
}

impl fmt::Debug for Expected {
    /// Every sequence begins with the same state but for this, so that a failure need not show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let small = self.has_small_limits;
        write!(f, "Expected with small limits: {small}")
    }
}

/// Limits that are reached soon, and the settings that make them.
const SMALL: Limits = Limits {
    set_ints: 4,
    set_entries: 4,
    set_bytes: 8,
    hash_entries: 4,
    hash_bytes: 8,
    zset_entries: 4,
    zset_bytes: 8,
    list_entries: Some(4),
};
const SMALL_SETTINGS: [&str; 10] = [
    "set-max-intset-entries 4",
    "set-max-listpack-entries 4",
    "set-max-listpack-value 8",
    "hash-max-listpack-entries 4",
    "hash-max-listpack-value 8",
    "zset-max-listpack-entries 4",
    "zset-max-listpack-value 8",
    "list-max-listpack-size 4",
    "stream-node-max-entries 3",
    "hll-sparse-max-bytes 40",
];

impl Expected {
    fn run(&mut self, words: &Words) -> ModelReply {
        let args = words.at(self.now_ms);
        let reply = self.model.apply(self.db, self.now_ms, &args);
        let selects = args
            .first()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"select"));
        if selects && reply == ModelReply::Ok {
            self.db = args
                .get(1)
                .and_then(|index| std::str::from_utf8(index).ok()?.parse().ok())
                .unwrap_or(self.db);
        }
        reply
    }

    /// When a key of the selected database expires.
    fn expiry_ms(&self, key: &[u8]) -> Option<i64> {
        let ask = [b"PEXPIRETIME".to_vec(), key.to_vec()];
        match self.model.clone().apply(self.db, self.now_ms, &ask) {
            ModelReply::Int(at) if at >= 0 => Some(at),
            _ => None,
        }
    }
}

impl ReferenceStateMachine for Expected {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let state = |has_small_limits| Self {
            model: Model::new().with_limits(if has_small_limits {
                SMALL
            } else {
                Limits::DEFAULT
            }),
            now_ms: START_MS,
            db: 0,
            replies: Vec::new(),
            has_small_limits,
        };
        any::<bool>().prop_map(state).boxed()
    }

    fn transitions(_state: &Self) -> BoxedStrategy<Step> {
        steps::any_step()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        let after = Self::apply(state.clone(), step);
        let sure = |reply: &ModelReply| *reply != ModelReply::Unsure;
        // A wrong number of arguments is found while queueing and fails the whole transaction.
        let queued = |reply: &ModelReply| match reply {
            ModelReply::Error(text) => !text.contains("wrong number of arguments"),
            _ => true,
        };
        let is_transaction = matches!(step, Step::Together(_));
        let mut replies = after.replies.iter();
        replies.all(|reply| sure(reply) && (!is_transaction || queued(reply)))
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.replies.clear();
        match step {
            Step::Run(words) => {
                let reply = state.run(words);
                state.replies.push(reply);
            }
            Step::Together(all) => {
                for words in all {
                    let reply = state.run(words);
                    state.replies.push(reply);
                }
            }
            Step::Wait { ms, .. } => state.now_ms += ms,
            Step::WaitForExpiry { key, beyond_ms, .. } => {
                let soon = |at: &i64| *at - state.now_ms < WAIT_MS_MAX;
                if let Some(at) = state.expiry_ms(key.bytes()).filter(soon) {
                    state.now_ms = state.now_ms.max(at + beyond_ms);
                }
            }
        }
        state
    }
}

/// The machine, with one session and somebody who listens to its effects.
struct Machine {
    rig: Rig,
    session: SessionId,
    now_ms: i64,
}

impl StateMachineTest for Machine {
    type SystemUnderTest = Self;
    type Reference = Expected;

    fn init_test(state: &Expected) -> Self {
        let mut rig = Rig::new();
        rig.engine.set_effects_wanted(true);
        let session = rig.connect().expect("a local client is never refused");
        let mut machine = Self {
            rig,
            session,
            now_ms: state.now_ms,
        };
        if state.has_small_limits {
            for setting in SMALL_SETTINGS {
                let words = ["CONFIG", "SET"].into_iter().chain(setting.split(' '));
                let words: Vec<_> = words.map(|word| word.as_bytes().to_vec()).collect();
                assert_eq!(machine.run(&words), Reply::Simple(b"OK".to_vec()));
            }
        }
        machine
    }

    fn apply(mut machine: Self, state: &Expected, step: Step) -> Self {
        let waited_ms = u64::try_from(state.now_ms - machine.now_ms).expect("time goes forward");
        machine.rig.sleep(waited_ms * 1000);
        machine.now_ms = state.now_ms;
        match &step {
            Step::Run(words) => {
                let reply = machine.run(&words.at(state.now_ms));
                let expected = state.replies.first().expect("one command, one reply");
                assert_same(&words.show(state.now_ms), expected, &reply);
            }
            Step::Together(all) => machine.run_together(state, all),
            Step::Wait { ticks, .. } | Step::WaitForExpiry { ticks, .. } => {
                if *ticks {
                    machine.rig.tick(2);
                }
            }
        }
        machine
    }

    fn teardown(mut machine: Self, mut state: Expected) {
        while state.model.is_on_edge(state.now_ms) {
            state.now_ms += 1;
            machine.now_ms += 1;
            machine.rig.sleep(1000);
        }
        machine.compare_contents(&mut state, "the machine");
        let mut effects = EffectBuf::default();
        machine.rig.engine.take_effects(&mut effects);
        let rig = replay(&effects, machine.rig.mono_micros());
        let mut rig = rig.unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(machine.rig.engine.digest(), rig.engine.digest());
        let session = rig.connect().expect("a local client is never refused");
        // Back to the time of the comparison: the replica was filled long after.
        let late = rig.mono_micros() - machine.rig.mono_micros();
        rig.jump(-i64::try_from(late).expect("some days"));
        let mut copy = Self {
            rig,
            session,
            now_ms: machine.now_ms,
        };
        copy.compare_contents(&mut state, "a replica");
    }
}

impl Machine {
    fn run(&mut self, args: &[Vec<u8>]) -> Reply {
        let words = args.iter().map(Vec::as_slice);
        let (reply, disposition) = self.rig.request(self.session, words, true);
        assert_eq!(disposition, Disposition::Done);
        only_reply(&reply)
    }

    fn run_together(&mut self, state: &Expected, all: &[Words]) {
        assert_eq!(
            self.run(&[b"MULTI".to_vec()]),
            Reply::Simple(b"OK".to_vec())
        );
        for words in all {
            let reply = self.run(&words.at(state.now_ms));
            assert_eq!(reply, Reply::Simple(b"QUEUED".to_vec()), "{words:?}");
        }
        let Reply::Array(replies) = self.run(&[b"EXEC".to_vec()]) else {
            panic!("EXEC answers an array");
        };
        assert_eq!(replies.len(), all.len());
        for ((words, expected), reply) in all.iter().zip(&state.replies).zip(&replies) {
            assert_same(&words.show(state.now_ms), expected, reply);
        }
    }

    /// Compares all keys of all databases: value, expiry, type.
    fn compare_contents(&mut self, state: &mut Expected, who: &str) {
        while self.rig.engine.poll_output().is_some() {}
        // Every expired key is found by then, so that DBSIZE is certain.
        for _ in 0..DATABASES {
            self.rig.tick(100);
        }
        state.model.sweep(state.now_ms);
        for db in 0..DATABASES {
            state.db = db;
            let select = [b"SELECT".to_vec(), db.to_string().into_bytes()];
            assert_eq!(self.run(&select), Reply::Simple(b"OK".to_vec()));
            let keys = self.compare(state, who, &[b"KEYS", b"*"]);
            let ModelReply::Bag(keys, _) = keys else {
                panic!("KEYS answers names, and it is {keys:?}");
            };
            let size = Reply::Int(i64::try_from(keys.len()).expect("few keys"));
            assert_eq!(self.run(&[b"DBSIZE".to_vec()]), size, "DBSIZE of {who}");
            for key in keys {
                let ModelReply::Bulk(Some(key)) = key else {
                    panic!("KEYS answers names");
                };
                self.compare_key(state, who, &key);
            }
        }
    }

    fn compare_key(&mut self, state: &mut Expected, who: &str, key: &[u8]) {
        let ModelReply::Simple(kind) = self.compare(state, who, &[b"TYPE", key]) else {
            panic!("TYPE answers a status");
        };
        let everything: &[&[u8]] = match kind.as_str() {
            "list" => &[b"LRANGE", b"0", b"-1"],
            "set" => &[b"SMEMBERS"],
            "hash" => &[b"HGETALL"],
            "zset" => &[b"ZRANGE", b"0", b"-1", b"WITHSCORES"],
            "stream" => &[b"XRANGE", b"-", b"+"],
            _ => &[b"GET"],
        };
        let mut words = everything.to_vec();
        words.insert(1, key);
        self.compare(state, who, &words);
        for name in ["PEXPIRETIME", "PTTL"] {
            self.compare(state, who, &[name.as_bytes(), key]);
        }
        let count: &[u8] = match kind.as_str() {
            "list" => b"LLEN",
            "set" => b"SCARD",
            "hash" => b"HLEN",
            "zset" => b"ZCARD",
            "stream" => b"XLEN",
            _ => b"STRLEN",
        };
        self.compare(state, who, &[count, key]);
        if who == "the machine" {
            // A replica may keep the same value in another form.
            self.compare(state, who, &[b"OBJECT", b"ENCODING", key]);
        }
    }

    fn compare(&mut self, state: &mut Expected, who: &str, words: &[&[u8]]) -> ModelReply {
        let args: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
        let expected = state.model.apply(state.db, state.now_ms, &args);
        let reply = self.run(&args);
        let shown: Vec<_> = words
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect();
        let what = format!("{} in {who}, database {}", shown.join(" "), state.db);
        if expected != ModelReply::Unsure {
            assert_same(&what, &expected, &reply);
        }
        expected
    }
}
