//! The world changes at every step of what takes several: while sessions wait for keys, while a
//! transaction is queued, and while one waits in its middle. Whatever happens, everybody gets one
//! answer or is closed, who came first is served first, nothing is lost, a transaction happens
//! whole or not at all, and every account agrees with a recount.
#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod world;

use vk_engine::SessionId;
use vk_resp::Reply;

use world::World;

/// Every command that waits for keys, what serves one that waits, and what has to be there before.
const WAITS: [(&str, &str, &str); 10] = [
    ("BLPOP none k 0", "RPUSH k v", "PING"),
    ("BRPOP k k none 0", "LPUSH k v", "PING"),
    ("BLMOVE k moved LEFT RIGHT 0", "RPUSH k v", "PING"),
    ("BRPOPLPUSH k moved 0", "RPUSH k v", "PING"),
    ("BLMPOP 0 2 none k LEFT COUNT 1", "RPUSH k v", "PING"),
    ("BZPOPMIN none k 0", "ZADD k 1 v", "PING"),
    ("BZPOPMAX k 0", "ZADD k 1 v", "PING"),
    ("BZMPOP 0 1 k MIN", "ZADD k 1 v", "PING"),
    ("XREAD BLOCK 0 STREAMS k $", "XADD k * f v", "PING"),
    (
        "XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS k >",
        "XADD k * f v",
        "XGROUP CREATE k g $ MKSTREAM",
    ),
];

/// Sessions that wait for the same key.
const WAITERS: usize = 7;

/// What happens to the world.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mutation {
    Nothing,
    Kill,
    KillAll,
    Disconnect,
    TimeOut,
    UnblockWithError,
    Flush,
    FlushDatabase,
    Swap,
    SwapTwice,
    Forwards,
    Backwards,
    OtherType,
    Rename,
    Evict,
    BoundSessions,
    Pause,
    KillAndServe,
    ServeAndTakeAway,
}

const MUTATIONS: [Mutation; 19] = [
    Mutation::Nothing,
    Mutation::Kill,
    Mutation::KillAll,
    Mutation::Disconnect,
    Mutation::TimeOut,
    Mutation::UnblockWithError,
    Mutation::Flush,
    Mutation::FlushDatabase,
    Mutation::Swap,
    Mutation::SwapTwice,
    Mutation::Forwards,
    Mutation::Backwards,
    Mutation::OtherType,
    Mutation::Rename,
    Mutation::Evict,
    Mutation::BoundSessions,
    Mutation::Pause,
    Mutation::KillAndServe,
    Mutation::ServeAndTakeAway,
];

impl Mutation {
    /// Does it; `victim` is the session that it is about, if it is about one, and `serve` what
    /// would serve one that waits.
    fn happen(self, world: &mut World, victim: SessionId, serve: &str) {
        let number = world.number(victim);
        let lines: Vec<String> = match self {
            Self::Nothing => Vec::new(),
            Self::Disconnect => return world.disconnect(victim),
            Self::Forwards => return world.jump(1_000_000_000),
            Self::Backwards => return world.jump(-1_000_000_000),
            Self::Kill => vec![format!("CLIENT KILL ID {number}")],
            Self::KillAll => vec!["CLIENT KILL TYPE normal SKIPME yes".into()],
            Self::TimeOut => vec![format!("CLIENT UNBLOCK {number}")],
            Self::UnblockWithError => vec![format!("CLIENT UNBLOCK {number} ERROR")],
            Self::Flush => vec!["FLUSHALL".into()],
            Self::FlushDatabase => vec!["FLUSHDB ASYNC".into()],
            Self::Swap => vec!["SWAPDB 0 1".into()],
            Self::SwapTwice => vec!["SWAPDB 0 1".into(), "SWAPDB 1 0".into()],
            Self::OtherType => vec![
                "SADD other m".into(),
                "COPY other k REPLACE".into(),
                "DEL k".into(),
            ],
            Self::Rename => vec![
                "SET other 1".into(),
                "RENAME other k".into(),
                "DEL k".into(),
            ],
            Self::Evict => vec![
                "CONFIG SET maxmemory-policy allkeys-lru maxmemory 1".into(),
                "PING".into(),
                "CONFIG SET maxmemory 0".into(),
            ],
            Self::BoundSessions => {
                world.ask("CONFIG SET maxmemory-clients 1");
                world.grow(victim);
                vec!["CONFIG SET maxmemory-clients 0".into()]
            }
            Self::Pause => {
                world.ask("CLIENT PAUSE 100 WRITE");
                world.pass(200);
                vec!["CLIENT UNPAUSE".into()]
            }
            Self::KillAndServe => vec![
                "MULTI".into(),
                format!("CLIENT KILL ID {number}"),
                serve.into(),
                "EXEC".into(),
            ],
            Self::ServeAndTakeAway => {
                vec!["MULTI".into(), serve.into(), "DEL k".into(), "EXEC".into()]
            }
        };
        for line in lines {
            world.ask(&line);
        }
    }

    /// Whether a group may be gone afterwards, which ends the wait for it.
    fn ends_groups(self) -> bool {
        matches!(
            self,
            Self::Flush
                | Self::FlushDatabase
                | Self::Swap
                | Self::OtherType
                | Self::Rename
                | Self::Evict
                | Self::ServeAndTakeAway
        )
    }
}

/// Elements of the key and of where they may have been moved to.
fn elements(world: &mut World) -> i64 {
    let mut count = 0;
    for key in ["k", "moved"] {
        let Reply::Simple(kind) = world.ask(&format!("TYPE {key}")) else {
            panic!("TYPE answers a status");
        };
        let line = match kind.as_slice() {
            b"list" => "LLEN",
            b"zset" => "ZCARD",
            _ => continue,
        };
        if let Reply::Int(len) = world.ask(&format!("{line} {key}")) {
            count += len;
        }
    }
    count
}

/// Who got an element or entry, in order.
fn served(world: &World) -> Vec<SessionId> {
    let is_value =
        |reply: &Reply| !matches!(reply, Reply::NullArray | Reply::Null | Reply::Error(_));
    let served = world.woken.iter().filter(|(_, reply)| is_value(reply));
    served.map(|(session, _)| *session).collect()
}

fn waits_through(wait: (&str, &str, &str), mutation: Mutation, victim: usize, after: usize) {
    let (line, serve, before) = wait;
    let what = format!("{line}: {mutation:?} of {victim} after {after}");
    let of_stream = line.starts_with('X');
    let moves = line.starts_with("BLMOVE") || line.starts_with("BRPOPLPUSH");
    let mut world = World::new();
    world.ask(before);
    let waiters: Vec<SessionId> = (0..WAITERS).map(|_| world.connect()).collect();
    for waiter in &waiters {
        assert_eq!(world.ask_as(*waiter, line), None, "{what}");
    }
    let mut sent = 0;
    for _ in 0..after {
        world.ask(serve);
        sent += 1;
    }
    // What a session got that waited is still there where it is moved.
    let taken = |world: &World| if moves { 0 } else { served(world).len() as i64 };
    let before_elements = elements(&mut world) + taken(&world);
    mutation.happen(&mut world, waiters[victim], serve);
    let pushed = i64::from(mutation == Mutation::KillAndServe);
    sent += pushed;
    let lost = before_elements + pushed - elements(&mut world) - taken(&world);
    // Everybody who still waits is served, one after the other.
    for _ in 0..=WAITERS {
        if world.parked.is_empty() {
            break;
        }
        if mutation.ends_groups() && line.starts_with("XREADGROUP") {
            panic!("{what}: waits for a group that is gone");
        }
        world.ask(serve);
        sent += 1;
    }
    assert!(world.parked.is_empty(), "{what}: {:?} wait", world.parked);
    let got = served(&world);
    let mut in_order = got.clone();
    in_order.sort_by_key(|session| waiters.iter().position(|waiter| waiter == session));
    assert_eq!(got, in_order, "{what}: out of order");
    let is_gone = |waiter: &SessionId| {
        world.closed.contains(waiter)
            || (mutation == Mutation::Disconnect && *waiter == waiters[victim])
    };
    let is_answered = |waiter: &SessionId| world.woken.iter().any(|(woken, _)| woken == waiter);
    let mut all = waiters.iter();
    assert!(
        all.all(|waiter| is_gone(waiter) || is_answered(waiter)),
        "{what}"
    );
    if !of_stream {
        assert_eq!(
            elements(&mut world) + taken(&world) + lost,
            sent,
            "{what}: something is lost"
        );
    }
    world.check_end();
}

fn waits_of(commands: std::ops::Range<usize>) {
    for wait in WAITS.into_iter().take(commands.end).skip(commands.start) {
        for mutation in MUTATIONS {
            for victim in [0, 1, WAITERS - 1] {
                for after in [0, 1, 2] {
                    waits_through(wait, mutation, victim, after);
                }
            }
        }
    }
}

#[test]
fn whoever_waits_for_a_list_outlives_every_change() {
    waits_of(0..5);
}

#[test]
fn whoever_waits_for_a_sorted_set_outlives_every_change() {
    waits_of(5..8);
}

#[test]
fn whoever_waits_for_a_stream_outlives_every_change() {
    waits_of(8..10);
}

/// A session that was killed takes no part in the rest of the transaction that killed it.
#[test]
fn the_killed_get_nothing() {
    for (line, serve, before) in WAITS {
        let mut world = World::new();
        world.ask(before);
        let waiter = world.connect();
        assert_eq!(world.ask_as(waiter, line), None);
        let number = world.number(waiter);
        world.ask("MULTI");
        world.ask(&format!("CLIENT KILL ID {number}"));
        world.ask(serve);
        world.ask(&format!("CLIENT UNBLOCK {number}"));
        let Reply::Array(replies) = world.ask("EXEC") else {
            panic!("EXEC answers an array");
        };
        assert_eq!(
            (&replies[0], &replies[2]),
            (&Reply::Int(1), &Reply::Int(0)),
            "{line}"
        );
        assert_eq!(world.closed, [waiter], "{line}");
        assert!(world.woken.is_empty(), "{line}");
        assert_eq!(world.ask("EXISTS k"), Reply::Int(1), "{line}");
        world.check_end();
    }
}

/// Many clients on one key: each element goes to the one that has waited longest, and whoever is
/// not served costs little.
#[test]
fn many_wait_for_one_key() {
    const MANY: usize = 2000;
    let mut world = World::new();
    let waiters: Vec<SessionId> = (0..MANY).map(|_| world.connect()).collect();
    for waiter in &waiters {
        world
            .rig
            .request(*waiter, [b"BLPOP".as_slice(), b"k", b"0"], false);
        world.parked.push(*waiter);
    }
    for (at, waiter) in waiters.iter().enumerate().take(200) {
        world.ask("RPUSH k v");
        assert_eq!(world.woken.last().map(|(session, _)| session), Some(waiter));
        assert_eq!(world.woken.len(), at + 1);
    }
    let line = format!("RPUSH k{}", " v".repeat(MANY));
    world.ask(&line);
    assert_eq!(served(&world), waiters);
    assert_eq!(world.ask("LLEN k"), Reply::Int(200));
    world.check_end();
}

/// The steps of a transaction.
const TRANSACTION: [&str; 7] = [
    "WATCH w",
    "MULTI",
    "INCR n",
    "RPUSH l a",
    "BLPOP l 0",
    "SET w 1",
    "EXEC",
];

/// Whether a change of the world is one of the watched key, which is there.
fn changes_watched(mutation: Mutation) -> bool {
    matches!(
        mutation,
        Mutation::Flush
            | Mutation::FlushDatabase
            | Mutation::Swap
            | Mutation::SwapTwice
            | Mutation::Forwards
            | Mutation::Evict
    )
}

#[test]
fn a_transaction_happens_whole_or_not_at_all() {
    for mutation in MUTATIONS {
        for at in 0..TRANSACTION.len() {
            transaction_through(mutation, at);
        }
    }
}

fn transaction_through(mutation: Mutation, at: usize) {
    let what = format!("{mutation:?} before step {at}");
    let mut world = World::new();
    // The watched key expires some day, so that a clock that is set forwards ends it.
    world.ask("SET w 0 EX 1000");
    let client = world.connect();
    let mut last = None;
    for (step, line) in TRANSACTION.iter().enumerate() {
        if step == at {
            mutation.happen(&mut world, client, "PING");
        }
        if world.closed.contains(&client) || (mutation == Mutation::Disconnect && step >= at) {
            break;
        }
        last = world.ask_as(client, line);
    }
    let is_gone = world.closed.contains(&client) || mutation == Mutation::Disconnect;
    let has_run = world.ask("GET w") == Reply::Bulk(b"1".to_vec());
    let counted = world.ask("EXISTS n") == Reply::Int(1);
    assert_eq!(has_run, counted, "{what}: half a transaction");
    let is_expected = !is_gone && (at == 0 || !changes_watched(mutation));
    assert_eq!(has_run, is_expected, "{what}");
    if !is_gone {
        let replies = if has_run { 4 } else { 0 };
        match last {
            Some(Reply::Array(all)) => assert_eq!(all.len(), replies, "{what}"),
            other => assert_eq!((other, replies), (Some(Reply::NullArray), 0), "{what}"),
        }
    }
    world.check_end();
}

/// Memory runs out at every step: then nothing of the transaction happens.
#[test]
fn a_transaction_without_room_changes_nothing() {
    for at in 2..TRANSACTION.len() {
        let mut world = World::new();
        world.ask("SET w 0");
        let client = world.connect();
        let mut last = None;
        for (step, line) in TRANSACTION.iter().enumerate() {
            if step == at {
                world.ask("CONFIG SET maxmemory 1");
            }
            last = world.ask_as(client, line);
        }
        let Some(Reply::Error(text)) = last else {
            panic!("step {at}: {last:?}");
        };
        assert!(
            text.starts_with(b"EXECABORT") || text.starts_with(b"OOM"),
            "{at}"
        );
        world.ask("CONFIG SET maxmemory 0");
        assert_eq!(world.ask("EXISTS n l"), Reply::Int(0), "{at}");
        assert_eq!(world.ask("GET w"), Reply::Bulk(b"0".to_vec()), "{at}");
        world.check_end();
    }
}

/// A transaction that waits in its middle for work outside: nobody sees half of it, no pass over
/// the databases begins, and whoever came meanwhile runs afterwards in order.
#[test]
fn a_transaction_that_waits_in_its_middle_is_not_disturbed() {
    for line in [
        "FLUSHALL",
        "SWAPDB 0 1",
        "INCR n",
        "GET n",
        "CONFIG SET maxmemory-clients 1",
        "BLPOP l 0",
        "SUBSCRIBE ch",
    ] {
        for disconnects in [false, true] {
            disturb(line, disconnects);
        }
    }
}

fn disturb(line: &str, disconnects: bool) {
    let mut world = World::new();
    world.save_soon();
    let [client, other] = [(); 2].map(|()| world.connect());
    for step in ["MULTI", "INCR n", "CONFIG REWRITE", "INCR n", "RPUSH l a"] {
        world.ask_as(client, step);
    }
    assert_eq!(world.ask_as(client, "EXEC"), None, "{line}");
    assert_eq!(world.asked.len(), 1, "{line}");
    assert_eq!(world.ask_as(other, line), None, "{line} runs in between");
    world.pass(5000);
    assert_eq!(world.snapshots, 0, "{line}: a pass has half a transaction");
    if disconnects {
        world.disconnect(client);
    }
    assert!(world.woken.is_empty(), "{line}");
    world.complete();
    world.pass(10);
    let order: Vec<SessionId> = world.woken.iter().map(|(session, _)| *session).collect();
    let expected: &[SessionId] = if disconnects {
        &[other]
    } else {
        &[client, other]
    };
    assert_eq!(order, expected, "{line}");
    if let Some((_, Reply::Array(replies))) = world.woken.first().filter(|_| !disconnects) {
        assert_eq!(replies.len(), 4, "{line}");
    }
    if line == "GET n" {
        assert_eq!(
            world.woken.last().map(|(_, reply)| reply),
            Some(&Reply::Bulk(b"2".to_vec()))
        );
    }
    // FLUSHALL saves by itself, and at once.
    if line != "FLUSHALL" {
        assert_eq!(world.snapshots, 1, "{line}: the pass that was due");
    }
    world.check_end();
}
