//! Caches of clients over random histories: a client that does what it is told never has a value
//! that is not the server's.
//!
//! Each client tracks in another mode and keeps what it reads; the bytes that reach it are all that
//! it goes by. After every step its cache is compared with what a client without one reads.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use vk_engine::{Output, SessionId, check::Rig};
use vk_resp::{Reply, ReplyBuf, ReplyLimits, ReplyParser};

const KEYS: [&str; 4] = ["a:1", "a:2", "b:1", "c"];

/// How the clients track, and under which prefixes one that broadcasts keeps keys.
const MODES: [(&str, &[&str]); 6] = [
    ("ON", &[""]),
    ("ON NOLOOP", &[""]),
    ("ON OPTIN", &[""]),
    ("ON OPTOUT", &[""]),
    ("ON BCAST PREFIX a: PREFIX c", &["a:", "c"]),
    ("ON BCAST NOLOOP", &[""]),
];
/// The client whose invalidations go to another connection.
const REDIRECTED: usize = MODES.len();
const CLIENTS: usize = MODES.len() + 1;

#[derive(Debug, Clone)]
enum Op {
    Get(usize),
    /// Looks without reading.
    Exists(usize),
    Set(usize, u8),
    Delete(usize),
    Rename(usize, usize),
    Expire(usize, u16),
    Flush,
    Swap,
}

#[derive(Debug, Clone)]
enum Step {
    One(usize, Op, bool),
    Transaction(usize, Vec<Op>, bool),
    /// A client without a cache.
    Other(Op),
    Wait(u16, bool),
    KeysMax(u8),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..KEYS.len();
    prop_oneof![
        8 => key().prop_map(Op::Get),
        2 => key().prop_map(Op::Exists),
        4 => (key(), any::<u8>()).prop_map(|(key, value)| Op::Set(key, value)),
        1 => key().prop_map(Op::Delete),
        1 => (key(), key()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => (key(), 0..2000_u16).prop_map(|(key, ms)| Op::Expire(key, ms)),
        1 => Just(Op::Flush),
        1 => Just(Op::Swap),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0..CLIENTS;
    let transaction = prop::collection::vec(op(), 0..6);
    prop_oneof![
        8 => (client(), op(), any::<bool>()).prop_map(|(c, op, caches)| Step::One(c, op, caches)),
        2 => (client(), transaction, any::<bool>())
            .prop_map(|(c, ops, caches)| Step::Transaction(c, ops, caches)),
        4 => op().prop_map(Step::Other),
        1 => (0..2000_u16, any::<bool>()).prop_map(|(ms, ticks)| Step::Wait(ms, ticks)),
        1 => (0..4_u8).prop_map(Step::KeysMax),
    ]
}

impl Op {
    fn line(&self) -> String {
        let name = |key: &usize| KEYS[*key];
        match self {
            Self::Get(key) => format!("GET {}", name(key)),
            Self::Exists(key) => format!("EXISTS {}", name(key)),
            Self::Set(key, value) => format!("SET {} {value}", name(key)),
            Self::Delete(key) => format!("DEL {}", name(key)),
            Self::Rename(from, to) => format!("RENAME {} {}", name(from), name(to)),
            Self::Expire(key, ms) => format!("PEXPIRE {} {ms}", name(key)),
            Self::Flush => "FLUSHALL".into(),
            Self::Swap => "SWAPDB 0 1".into(),
        }
    }

    /// The keys that it may change.
    fn changes(&self) -> Vec<&'static str> {
        match self {
            Self::Get(_) | Self::Exists(_) => Vec::new(),
            Self::Set(key, _) | Self::Delete(key) | Self::Expire(key, _) => vec![KEYS[*key]],
            Self::Rename(from, to) => vec![KEYS[*from], KEYS[*to]],
            Self::Flush | Self::Swap => KEYS.to_vec(),
        }
    }
}

struct Client {
    session: SessionId,
    cache: BTreeMap<String, Reply>,
}

struct World {
    rig: Rig,
    clients: Vec<Client>,
    /// The connection that gets what is told to the redirected client.
    ears: SessionId,
    observer: SessionId,
    /// Cached values that were compared.
    compared: usize,
}

fn frames(bytes: &ReplyBuf) -> VecDeque<Reply> {
    let mut parser = ReplyParser::new(ReplyLimits::default());
    parser.feed(&bytes.to_vec());
    std::iter::from_fn(|| parser.poll().unwrap()).collect()
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("no text: {other:?}"),
    }
}

impl Client {
    /// Takes a push.
    fn hear(&mut self, push: &Reply) {
        let Reply::Push(items) = push else {
            panic!("no push: {push:?}")
        };
        assert_eq!(text(&items[0]), "invalidate");
        match &items[1] {
            Reply::Null => self.cache.clear(),
            Reply::Array(keys) => {
                for key in keys {
                    self.cache.remove(&text(key));
                }
            }
            other => panic!("no keys: {other:?}"),
        }
    }
}

impl World {
    fn new() -> Self {
        let mut rig = Rig::new();
        let [observer, ears] = [(); 2].map(|()| rig.connect().unwrap());
        let clients = (0..CLIENTS).map(|_| Client {
            session: rig.connect().unwrap(),
            cache: BTreeMap::new(),
        });
        let clients: Vec<Client> = clients.collect();
        let mut world = Self {
            rig,
            clients,
            ears,
            observer,
            compared: 0,
        };
        world.send(ears, "HELLO 3");
        for at in 0..CLIENTS {
            let session = world.clients[at].session;
            world.send(session, "HELLO 3");
            let options = MODES
                .get(at)
                .map_or("ON REDIRECT 2", |(options, _)| options);
            let reply = world.send(session, &format!("CLIENT TRACKING {options}"));
            assert_eq!(reply, [Reply::Simple(b"OK".as_slice().into())]);
        }
        world
    }

    fn send(&mut self, session: SessionId, line: &str) -> VecDeque<Reply> {
        let words = line.split(' ').map(str::as_bytes);
        frames(&self.rig.request(session, words, true).0)
    }

    /// Sends a request of a client; pushes before and behind the reply are taken.
    fn ask(&mut self, at: usize, line: &str) -> (Reply, Vec<Reply>) {
        let session = self.clients[at].session;
        let mut replies = self.send(session, line);
        while matches!(replies.front(), Some(Reply::Push(_))) {
            let push = replies.pop_front().unwrap();
            self.clients[at].hear(&push);
        }
        (replies.pop_front().unwrap(), replies.into())
    }

    /// Whether the client keeps what it reads now.
    fn keeps(at: usize, key: &str, caches: bool) -> bool {
        let Some((mode, prefixes)) = MODES.get(at) else {
            return true;
        };
        match *mode {
            "ON OPTIN" => caches,
            "ON OPTOUT" => !caches,
            _ => prefixes.iter().any(|prefix| key.starts_with(prefix)),
        }
    }

    fn take(&mut self, at: usize, op: &Op, reply: Reply, caches: bool) {
        if let Op::Get(key) = op
            && Self::keeps(at, KEYS[*key], caches)
        {
            self.clients[at].cache.insert(KEYS[*key].into(), reply);
            return;
        }
        // A client that does not want to hear of its own changes has to mind them itself.
        if MODES
            .get(at)
            .is_some_and(|(mode, _)| mode.contains("NOLOOP"))
        {
            for key in op.changes() {
                self.clients[at].cache.remove(key);
            }
        }
    }

    fn announce(&mut self, at: usize, caches: bool) {
        let line = match MODES.get(at) {
            Some(("ON OPTIN", _)) => "CLIENT CACHING YES",
            Some(("ON OPTOUT", _)) => "CLIENT CACHING NO",
            _ => return,
        };
        if caches {
            self.ask(at, line);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::One(at, op, caches) => {
                self.announce(*at, *caches);
                let (reply, pushes) = self.ask(*at, &op.line());
                self.take(*at, op, reply, *caches);
                pushes.iter().for_each(|push| self.clients[*at].hear(push));
            }
            Step::Transaction(at, ops, caches) => {
                self.announce(*at, *caches);
                self.ask(*at, "MULTI");
                for op in ops {
                    self.ask(*at, &op.line());
                }
                let (reply, pushes) = self.ask(*at, "EXEC");
                let Reply::Array(replies) = reply else {
                    panic!("no array: {reply:?}")
                };
                for (op, reply) in ops.iter().zip(replies) {
                    self.take(*at, op, reply, *caches);
                }
                pushes.iter().for_each(|push| self.clients[*at].hear(push));
            }
            Step::Other(op) => {
                self.send(self.observer, &op.line());
            }
            Step::Wait(ms, ticks) => {
                self.rig.sleep(u64::from(*ms) * 1000);
                if *ticks {
                    self.rig.tick(100);
                }
            }
            Step::KeysMax(max) => {
                let line = format!("CONFIG SET tracking-table-max-keys {max}");
                self.send(self.observer, &line);
            }
        }
        self.hear_all();
    }

    /// The turn ends, and everybody takes what came.
    fn hear_all(&mut self) {
        self.rig.engine.handle_turn_end();
        while let Some(output) = self.rig.engine.poll_output() {
            let Output::Push { session, bytes } = output else {
                continue;
            };
            let is_it = |client: &Client| client.session == session;
            let at = if session == self.ears {
                REDIRECTED
            } else {
                self.clients.iter().position(is_it).unwrap()
            };
            for push in frames(&bytes) {
                self.clients[at].hear(&push);
            }
        }
    }

    fn check(&mut self) {
        // A key whose time is over goes when it is looked at, and is told then.
        let now: Vec<Reply> = KEYS
            .iter()
            .map(|key| self.send(self.observer, &format!("GET {key}")))
            .map(|mut replies| replies.pop_front().unwrap())
            .collect();
        self.hear_all();
        for (at, client) in self.clients.iter().enumerate() {
            for (key, cached) in &client.cache {
                let place = KEYS.iter().position(|name| name == key).unwrap();
                let (cached, now) = (shown(cached), shown(&now[place]));
                assert_eq!(cached, now, "client {at} has an old value of {key}");
                self.compared += 1;
            }
        }
    }
}

/// A value; RESP2 and RESP3 have other nulls.
fn shown(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Null | Reply::NullArray => None,
        other => Some(text(other)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_cache_is_ever_stale(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.check();
        }
    }
}

/// The property is not empty: every client has something in its cache now and then.
#[test]
fn caches_are_used() {
    let mut world = World::new();
    for at in 0..CLIENTS {
        let caches = MODES.get(at).is_some_and(|(mode, _)| *mode == "ON OPTIN");
        world.step(&Step::One(at, Op::Get(0), caches));
        world.step(&Step::One(at, Op::Get(3), !caches));
    }
    world.check();
    // Two clients keep one key each, the others both.
    assert_eq!(world.compared, 12);
    world.step(&Step::Other(Op::Set(0, 1)));
    world.check();
    assert_eq!(world.compared - 12, 5);
}
