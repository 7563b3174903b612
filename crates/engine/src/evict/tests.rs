//! Eviction over a machine whose memory is bounded.

use alloc::{format, string::String, vec::Vec};

use crate::{
    EffectBuf, Output,
    testkit::{Kit, show_all},
};

/// Room for some keys above what the machine takes without any.
const ROOM_BYTES: u64 = 64 * 1024;

fn limited(policy: &str) -> Kit {
    let mut kit = Kit::new();
    kit.run("CONFIG SET latency-tracking no");
    kit.run(&format!("CONFIG SET maxmemory-policy {policy}"));
    let limit = kit.engine.limited_bytes() + ROOM_BYTES;
    assert_eq!(kit.run(&format!("CONFIG SET maxmemory {limit}")), "OK");
    kit
}

/// What one command may add after room was made for it: an entry and a split of the table.
const SLACK_BYTES: u64 = 16 * 1024;

fn is_bounded(kit: &Kit) -> bool {
    let limit = kit.engine.config.size(crate::config::id::MAXMEMORY);
    kit.engine.limited_bytes() <= limit + SLACK_BYTES
}

fn fill(kit: &mut Kit, name: &str, count: usize, tail: &str) -> Vec<String> {
    (0..count)
        .map(|n| kit.run(&format!("SET {name}:{n} {}{tail}", "x".repeat(100))))
        .collect()
}

const OOM: &str = "(error) OOM command not allowed when used memory > 'maxmemory'.";

#[test]
fn without_a_policy_requests_that_add_are_refused() {
    let mut kit = limited("noeviction");
    let replies = fill(&mut kit, "k", 2000, "");
    assert_eq!(replies.first().map(String::as_str), Some("OK"));
    assert_eq!(replies.last().map(String::as_str), Some(OOM));
    assert!(is_bounded(&kit));
    assert_eq!(kit.run("GET k:0").len(), 102);
    assert_eq!(kit.run("LPUSH l x"), OOM);
    assert!(kit.run("INFO stats").contains("\r\nevicted_keys:0\r\n"));
    assert!(kit.run("INFO errorstats").contains("errorstat_OOM:count="));
    assert!(
        kit.run("INFO commandstats")
            .contains("cmdstat_lpush:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1")
    );
    // What takes away is let through, and then there is room again.
    assert_eq!(
        kit.run("DEL k:0 k:1 k:2 k:3 k:4 k:5 k:6 k:7"),
        "(integer) 8"
    );
    assert_eq!(kit.run("SET k:0 x"), "OK");
}

#[test]
fn transactions_are_refused_as_a_whole() {
    let mut kit = limited("noeviction");
    let other = kit.connect();
    kit.run("MULTI");
    assert_eq!(kit.run("SET late x"), "QUEUED");
    kit.run_as(other, "MULTI");
    kit.run_as(other, "GET k:0");
    let third = kit.connect();
    let fills = |kit: &mut Kit, name: &str| {
        (0..2000).any(|n| {
            let line = format!("SET {name}:{n} {}", "x".repeat(100));
            kit.run_as(third, &line) == OOM
        })
    };
    assert!(fills(&mut kit, "f"));
    // Queued before memory was full, it is asked again by EXEC.
    assert_eq!(
        kit.run("EXEC"),
        "(error) EXECABORT Transaction discarded because of: OOM command not allowed when used \
         memory > 'maxmemory'."
    );
    assert_eq!(kit.engine.check_memory(), Ok(()));
    // Only reads.
    assert_eq!(kit.run_as(other, "EXEC"), "[(nil)]");
    // What was queued takes no room any more.
    assert!(fills(&mut kit, "g"));
    // Refused while queueing.
    kit.run("MULTI");
    assert_eq!(kit.run("SET late x"), OOM);
    assert_eq!(kit.run("GET k:0"), "QUEUED");
    assert_eq!(
        kit.run("EXEC"),
        "(error) EXECABORT Transaction discarded because of previous errors."
    );
}

#[test]
fn every_policy_keeps_the_limit_and_evicts_what_it_may() {
    for policy in ["lru", "lfu", "random"] {
        for (kind, tail) in [("allkeys", ""), ("volatile", " EX 1000")] {
            let mut kit = limited(&format!("{kind}-{policy}"));
            for n in 0..2000 {
                let reply = kit.run(&format!("SET k:{n} {}{tail}", "x".repeat(100)));
                assert_eq!(reply, "OK", "{kind}-{policy} {n}");
                assert!(is_bounded(&kit), "{kind}-{policy} {n}");
            }
            assert!(kit.engine.stats.evicted_keys > 1000, "{kind}-{policy}");
            assert_eq!(kit.engine.check_memory(), Ok(()));
        }
    }
}

#[test]
fn volatile_policies_spare_keys_that_stay() {
    for policy in ["lru", "lfu", "random", "ttl"] {
        let mut kit = limited(&format!("volatile-{policy}"));
        fill(&mut kit, "stays", 100, "");
        let replies = fill(&mut kit, "goes", 1000, " EX 1000");
        assert!(replies.iter().all(|reply| reply == "OK"), "{policy}");
        let replies = fill(&mut kit, "more", 1000, "");
        assert_eq!(replies.last().map(String::as_str), Some(OOM), "{policy}");
        assert_eq!(kit.engine.dbs.db(0).map(|db| db.volatile_len()), Some(0));
        for n in 0..100 {
            assert_eq!(kit.run(&format!("EXISTS stays:{n}")), "(integer) 1");
        }
    }
}

/// How many of the first half of 400 keys are left, after they were made worse than the others.
fn left_of_the_worse(policy: &str, worsen: impl Fn(&mut Kit, usize, bool)) -> (usize, usize) {
    let mut kit = limited(policy);
    for n in 0..400 {
        kit.run(&format!("SET k:{n} {}", "x".repeat(64)));
    }
    assert_eq!(kit.engine.stats.evicted_keys, 0);
    kit.sleep_ms(100_000);
    for n in 0..400 {
        worsen(&mut kit, n, n < 200);
    }
    fill(&mut kit, "new", 350, " EX 100000");
    let mut left = |range: core::ops::Range<usize>| {
        range
            .filter(|n| kit.run(&format!("EXISTS k:{n}")) == "(integer) 1")
            .count()
    };
    (left(0..200), left(200..400))
}

#[test]
fn the_right_keys_go_first() {
    let touch = |kit: &mut Kit, n: usize, is_worse: bool| {
        if !is_worse {
            for _ in 0..20 {
                kit.run(&format!("GET k:{n}"));
            }
        }
    };
    let expire = |kit: &mut Kit, n: usize, is_worse: bool| {
        let seconds = if is_worse { 100 } else { 200_000 };
        kit.run(&format!("EXPIRE k:{n} {seconds}"));
    };
    for (policy, (worse, better)) in [
        ("allkeys-lru", left_of_the_worse("allkeys-lru", touch)),
        ("allkeys-lfu", left_of_the_worse("allkeys-lfu", touch)),
        ("volatile-ttl", left_of_the_worse("volatile-ttl", expire)),
    ] {
        assert!(worse + 100 < better, "{policy}: {worse} and {better} left");
    }
}

#[test]
fn an_eviction_is_a_change_of_its_own() {
    let mut kit = limited("allkeys-lru");
    kit.run("CONFIG SET notify-keyspace-events Ee");
    let listener = kit.connect();
    kit.run_as(listener, "SUBSCRIBE __keyevent@0__:evicted");
    kit.engine.set_effects_wanted(true);
    fill(&mut kit, "k", 400, "");
    kit.run("WATCH k:399");
    let watcher = kit.connect();
    for n in 0..400 {
        kit.run_as(watcher, &format!("WATCH k:{n}"));
    }
    fill(&mut kit, "n", 600, "");
    kit.run_as(watcher, "MULTI");
    assert_eq!(kit.run_as(watcher, "EXEC"), "(nil)");
    let evicted = kit.engine.stats.evicted_keys;
    assert!(evicted > 0);
    let told = kit.outputs.iter().map(|output| match output {
        Output::Broadcast { bytes, .. } => show_all(bytes).lines().count(),
        _ => 0,
    });
    assert_eq!(told.sum::<usize>() as u64, evicted);
    let mut effects = EffectBuf::default();
    kit.engine.take_effects(&mut effects);
    let deletions = effects.bytes.windows(9).filter(|w| w == b"$3\r\nDEL\r\n");
    assert_eq!(deletions.count() as u64, evicted);
    assert!(effects.groups.iter().all(|group| group.count == 1));
}

#[test]
fn what_is_left_undone_goes_on_by_itself() {
    let mut kit = Kit::new();
    for n in 0..10_000 {
        kit.run(&format!("SET n:{n} x"));
    }
    let keys = kit.engine.dbs.keys();
    kit.run("CONFIG SET maxmemory-policy allkeys-random");
    let limit = kit.engine.limited_bytes() / 2;
    kit.run(&format!("CONFIG SET maxmemory {limit}"));
    assert_eq!(kit.run("SET one more"), "OK");
    assert!(kit.engine.stats.evicted_keys >= 250);
    assert!(kit.engine.limited_bytes() > limit);
    for _ in 0..keys / 200 {
        assert!(kit.engine.poll_timeout().is_some());
        kit.advance_ms(1);
    }
    assert!(kit.engine.limited_bytes() <= limit);
    assert!(kit.engine.dbs.keys() > 0);
    let info = kit.run("INFO stats");
    assert!(
        info.contains("\r\ncurrent_eviction_exceeded_time:0\r\n"),
        "{info}"
    );
    assert!(
        !info.contains("\r\ntotal_eviction_exceeded_time:0\r\n"),
        "{info}"
    );
}

#[test]
fn a_big_victim_is_not_freed_at_once_and_no_reason_to_evict_more() {
    let mut kit = limited("allkeys-lru");
    kit.run(&format!(
        "CONFIG SET maxmemory {}",
        kit.engine.limited_bytes() + 1_000_000
    ));
    let words: String = (0..5000).map(|n| format!(" member:{n}")).collect();
    kit.run(&format!("SADD big{words}"));
    kit.sleep_ms(10_000);
    // Every key is sampled.
    fill(&mut kit, "k", 20, "");
    kit.run("CONFIG SET maxmemory-samples 64");
    kit.run(&format!(
        "CONFIG SET maxmemory {}",
        kit.engine.limited_bytes() - 100
    ));
    assert_eq!(kit.run("SET one more"), "OK");
    assert_eq!(kit.run("EXISTS big"), "(integer) 0");
    assert_eq!(kit.engine.stats.evicted_keys, 1);
    assert!(kit.engine.used_memory_bytes() > kit.engine.limited_bytes());
    let info = kit.run("INFO memory");
    assert!(
        !info.contains("\r\nmem_not_counted_for_evict:0\r\n"),
        "{info}"
    );
    for _ in 0..100 {
        kit.advance_ms(1);
    }
    assert_eq!(kit.engine.used_memory_bytes(), kit.engine.limited_bytes());
    assert!(
        kit.run("INFO memory")
            .contains("\r\nlazyfreed_objects:1\r\n")
    );
}

#[test]
fn a_pause_holds_eviction_back() {
    let mut kit = limited("allkeys-lru");
    fill(&mut kit, "k", 1000, "");
    let other = kit.connect();
    kit.run("CLIENT PAUSE 1000 WRITE");
    kit.run(&format!(
        "CONFIG SET maxmemory {}",
        kit.engine.limited_bytes() - 5000
    ));
    let evicted = kit.engine.stats.evicted_keys;
    kit.run_as(other, "GET k:0");
    kit.advance_ms(100);
    assert_eq!(kit.engine.stats.evicted_keys, evicted);
    kit.advance_ms(1000);
    assert!(kit.engine.stats.evicted_keys > evicted);
}

#[test]
fn a_request_that_waited_for_a_key_needs_room_too() {
    let mut kit = limited("noeviction");
    let waiting = kit.connect();
    kit.run_as(waiting, "BLMOVE from to LEFT LEFT 0");
    // A script or a replica could make the key while memory is full; here the limit falls.
    kit.run("MULTI");
    kit.run("RPUSH from x");
    kit.run("CONFIG SET maxmemory 1000000");
    kit.run("CONFIG SET maxmemory 1");
    kit.run("EXEC");
    assert_eq!(kit.woken(), OOM);
    assert_eq!(kit.run("LLEN from"), "(integer) 1");
}

mod sessions {
    use alloc::format;

    use crate::{CloseReason, Disposition, NetUsage, Output, testkit::Kit};

    fn usage(query_bytes: usize) -> NetUsage {
        NetUsage {
            query_bytes,
            ..NetUsage::default()
        }
    }

    fn evicted(kit: &mut Kit) -> alloc::vec::Vec<usize> {
        while let Some(output) = kit.engine.poll_output() {
            kit.outputs.push(output);
        }
        let outputs = core::mem::take(&mut kit.outputs);
        let closed = outputs.iter().filter_map(|output| match output {
            Output::Close {
                session,
                reason: CloseReason::Evicted,
            } => Some(session.index()),
            _ => None,
        });
        closed.collect()
    }

    #[test]
    fn the_largest_go_until_the_rest_fits() {
        let mut kit = Kit::new();
        kit.run("CONFIG SET maxmemory-clients 1000000");
        let sizes = [100_000, 400_000, 200_000, 250_000, 300_000];
        let mut sessions = alloc::vec::Vec::new();
        for size in sizes {
            let session = kit.connect();
            sessions.push(session);
            kit.engine.handle_usage(session, usage(size));
        }
        // The fourth was too much: the one of 400,000 went. With the fifth all fit again.
        assert_eq!(evicted(&mut kit), [sessions[1].index()]);
        assert_eq!(kit.run_as(sessions[1], "PING"), "");
        assert_eq!(kit.disposition, Disposition::CloseNow);
        assert!(!kit.run("CLIENT LIST").contains("qbuf=400000"));
        assert!(kit.run("INFO stats").contains("\r\nevicted_clients:1\r\n"));
        kit.run("CONFIG SET maxmemory-clients 400000");
        assert_eq!(
            evicted(&mut kit),
            [sessions[4].index(), sessions[3].index()]
        );
        assert_eq!(kit.engine.check_memory(), Ok(()));
    }

    /// What they take until they are closed costs no key its place.
    #[test]
    fn keys_stay_when_sessions_go() {
        let mut kit = Kit::new();
        for n in 0..100 {
            kit.run(&format!("SET k:{n} {}", "x".repeat(1000)));
        }
        kit.run("CONFIG SET maxmemory-policy allkeys-lru");
        kit.run("CONFIG SET maxmemory-clients 200000");
        kit.run("CONFIG SET maxmemory 600000");
        let large = kit.connect();
        kit.engine.handle_usage(large, usage(1_000_000));
        assert_eq!(evicted(&mut kit), [large.index()]);
        assert_eq!(kit.run("DBSIZE"), "(integer) 100");
        assert!(kit.engine.used_memory_bytes() > 1_000_000);
        assert_eq!(kit.engine.check_memory(), Ok(()));
    }

    #[test]
    fn a_part_of_maxmemory_and_no_eviction() {
        let mut kit = Kit::new();
        let spared = kit.connect();
        kit.run_as(spared, "CLIENT NO-EVICT on");
        kit.run("CONFIG SET maxmemory-clients 10%");
        kit.engine.handle_usage(spared, usage(5_000_000));
        assert!(evicted(&mut kit).is_empty());
        kit.run("CONFIG SET maxmemory 100mb");
        kit.engine.handle_usage(spared, usage(50_000_000));
        // The one that is left has to go, since the large one is spared.
        assert_eq!(evicted(&mut kit), [kit.session.index()]);
        kit.run_as(spared, "CLIENT NO-EVICT off");
        assert_eq!(kit.disposition, Disposition::CloseNow);
    }

    #[test]
    fn requests_and_transactions_count() {
        let mut kit = Kit::new();
        kit.run("CONFIG SET maxmemory-clients 300000");
        let word = "x".repeat(250_000);
        let other = kit.connect();
        assert_eq!(kit.run_as(other, &format!("SET k {word}")), "OK");
        assert_eq!(kit.run_as(other, &format!("MSET k {word} l {word}")), "");
        assert_eq!(kit.disposition, Disposition::CloseNow);
        assert_eq!(evicted(&mut kit), [other.index()]);
        assert_eq!(kit.run("EXISTS l"), "(integer) 0");
        let other = kit.connect();
        kit.run_as(other, "MULTI");
        let word = "x".repeat(90_000);
        assert_eq!(kit.run_as(other, &format!("SET k {word}")), "QUEUED");
        assert_eq!(kit.run_as(other, &format!("SET k {word}")), "QUEUED");
        kit.run_as(other, &format!("SET k {word}{word}"));
        assert_eq!(kit.disposition, Disposition::CloseNow);
    }

    #[test]
    fn one_that_waits_is_served_no_more() {
        let mut kit = Kit::new();
        let waiting = kit.connect();
        kit.run_as(waiting, "BLPOP list 0");
        kit.run("CONFIG SET maxmemory-clients 300000");
        kit.engine.handle_usage(waiting, usage(1_000_000));
        assert_eq!(kit.run("RPUSH list x"), "(integer) 1");
        assert_eq!(kit.run("LLEN list"), "(integer) 1");
        assert_eq!(evicted(&mut kit), [waiting.index()]);
    }
}

/// The time that evictions take is told as two kinds of events, one for a call and one for each
/// key; without a threshold nobody looks at the clock.
#[test]
fn evictions_that_take_long_are_told() {
    for (threshold, kinds) in [(1, 2), (0, 0)] {
        let mut kit = limited("allkeys-random");
        kit.run(&format!("CONFIG SET latency-monitor-threshold {threshold}"));
        fill(&mut kit, "k", 300, "");
        kit.make_ticks_pass(2_000_000);
        fill(&mut kit, "l", 400, "");
        let latest = kit.run("LATENCY LATEST");
        let told = ["eviction-cycle", "eviction-del"];
        let told = told.iter().filter(|kind| latest.contains(**kind)).count();
        assert_eq!(told, kinds, "{latest}");
    }
}
