//! The modes of CLIENT TRACKING, one by one, and what is told when.

use alloc::{format, string::String, vec::Vec};

use crate::{Output, SessionId, testkit::Kit};

/// A machine whose first session reads and writes, and one that tracks with these options.
fn tracking(options: &str) -> (Kit, SessionId) {
    let mut kit = Kit::new();
    let reader = kit.connect();
    kit.run_as(reader, "HELLO 3");
    assert_eq!(
        kit.run_as(reader, format!("CLIENT TRACKING ON {options}").trim()),
        "OK"
    );
    (kit, reader)
}

/// What was pushed to a session since the last call, outside its own requests.
fn pushed(kit: &mut Kit, session: SessionId) -> Vec<String> {
    kit.end_turn();
    let mut found = Vec::new();
    kit.outputs.retain(|output| match output {
        Output::Push { session: to, bytes } if *to == session => {
            found.push(crate::testkit::show_all(bytes));
            false
        }
        _ => true,
    });
    found
}

fn invalidated(key: &str) -> String {
    format!(">[\"invalidate\", [\"{key}\"]]")
}

const ALL: &str = ">[\"invalidate\", (nil)]";

fn stat(kit: &mut Kit, name: &str) -> String {
    let info = kit.run("INFO everything");
    let line = info.split("\r\n").find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.strip_prefix(':'))
        .map(String::from)
        .unwrap_or_default()
}

#[test]
fn a_key_that_was_read_is_told_once() {
    let (mut kit, reader) = tracking("");
    kit.run_as(reader, "MGET a b");
    assert_eq!(stat(&mut kit, "tracking_total_keys"), "2");
    assert_eq!(stat(&mut kit, "tracking_clients"), "1");
    kit.run("SET a 1");
    kit.run("SET a 2");
    kit.run("SET other 2");
    assert_eq!(pushed(&mut kit, reader), [invalidated("a")]);
    // What is written is not cached.
    kit.run_as(reader, "APPEND c x");
    kit.run_as(reader, "SORT l STORE d");
    kit.run("MSET c 1 d 1");
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
    // A read of another database, and one that fails.
    kit.run_as(reader, "SELECT 3");
    kit.run_as(reader, "LLEN c");
    kit.run("SET c 1");
    assert_eq!(pushed(&mut kit, reader), [invalidated("c")]);
    assert_eq!(kit.run_as(reader, "CLIENT TRACKING OFF"), "OK");
    kit.run("SET b 1");
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
    assert_eq!(stat(&mut kit, "tracking_total_keys"), "0");
}

#[test]
fn own_changes_are_told_behind_the_reply() {
    let (mut kit, reader) = tracking("");
    kit.run_as(reader, "GET a");
    let told = format!("OK\n{}", invalidated("a"));
    assert_eq!(kit.run_as(reader, "SET a 1"), told);
    kit.run_as(reader, "GET a");
    kit.run_as(reader, "MULTI");
    for line in ["INCR a", "GET b", "FLUSHDB", "GET a"] {
        kit.run_as(reader, line);
    }
    let told = format!(
        "[(integer) 2, (nil), OK, (nil)]\n{}\n{ALL}",
        invalidated("a")
    );
    assert_eq!(kit.run_as(reader, "EXEC"), told);
    kit.run_as(reader, "CLIENT REPLY OFF");
    assert_eq!(kit.run_as(reader, "SET a 1"), invalidated("a"));
}

/// What is evicted for a request is told before its reply, though the session wants no reply or
/// the request is refused; what the request changes itself comes behind.
#[test]
fn what_was_evicted_for_a_request_is_told_before_its_reply() {
    let (mut kit, reader) = tracking("");
    kit.run("CONFIG SET maxmemory-policy volatile-random");
    let mut evicts = |line: &str| {
        kit.run("CONFIG SET maxmemory 0");
        kit.run("SET gone x EX 10000");
        kit.run("SET own x");
        kit.run_as(reader, "MGET gone own");
        kit.run("CONFIG SET maxmemory 1");
        kit.run_as(reader, line)
    };
    let gone = invalidated("gone");
    assert_eq!(evicts("EXISTS own"), format!("{gone}\n(integer) 1"));
    let own = invalidated("own");
    assert_eq!(evicts("DEL own"), format!("{gone}\n(integer) 1\n{own}"));
    let oom = "(error) OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(evicts("SET own 1"), format!("{gone}\n{oom}"));
    assert_eq!(evicts("CLIENT REPLY OFF"), gone);
    assert_eq!(evicts("EXISTS own"), gone);
}

#[test]
fn pushes_of_a_transaction_that_waits_come_behind_its_reply() {
    let mut kit = Kit::with_file();
    let other = kit.connect();
    kit.run("HELLO 3");
    kit.run("CLIENT TRACKING ON");
    kit.run("MGET a b");
    kit.run("MULTI");
    for line in ["SET a 1", "CONFIG REWRITE", "SET b 1"] {
        kit.run(line);
    }
    assert_eq!(kit.run("EXEC"), "");
    assert_eq!(kit.run_as(other, "PING"), "");
    kit.complete(crate::Completion::Done);
    let told = format!("[OK, OK, OK]\n{}\n{}", invalidated("a"), invalidated("b"));
    assert_eq!(kit.woken(), told);
}

#[test]
fn no_loop_leaves_out_own_changes() {
    let (mut kit, reader) = tracking("NOLOOP");
    kit.run_as(reader, "MGET a b c");
    assert_eq!(kit.run_as(reader, "SET a 1"), "OK");
    kit.run("MSET a 1 b 1");
    assert_eq!(pushed(&mut kit, reader), [invalidated("b")]);
    // A key that expires is nobody's change, whoever finds it.
    kit.run_as(reader, "SET c 1 PX 10");
    kit.run_as(reader, "GET c");
    kit.sleep_ms(20);
    assert_eq!(
        kit.run_as(reader, "EXISTS c"),
        format!("(integer) 0\n{}", invalidated("c"))
    );
}

#[test]
fn expiry_is_told_however_it_comes() {
    let (mut kit, reader) = tracking("");
    kit.run("SET a 1 PX 10");
    kit.run("SET b 1 PX 10");
    kit.run("HSET h f v");
    kit.run("HPEXPIRE h 10 FIELDS 1 f");
    kit.run_as(reader, "MGET a b");
    kit.run_as(reader, "HGETALL h");
    kit.sleep_ms(20);
    kit.run("GET a");
    assert_eq!(pushed(&mut kit, reader), [invalidated("a")]);
    kit.advance_ms(10);
    let mut told = pushed(&mut kit, reader);
    told.sort();
    assert_eq!(told, [invalidated("b"), invalidated("h")]);
}

#[test]
fn flushes_and_swaps_tell_everybody_everything() {
    let (mut kit, reader) = tracking("");
    let prefixed = kit.connect();
    kit.run_as(prefixed, "HELLO 3");
    kit.run_as(prefixed, "CLIENT TRACKING ON BCAST PREFIX x NOLOOP");
    for line in ["FLUSHALL", "FLUSHDB ASYNC", "SWAPDB 0 1"] {
        kit.run_as(reader, "GET a");
        kit.run(line);
        assert_eq!(pushed(&mut kit, reader), [ALL]);
        assert_eq!(pushed(&mut kit, prefixed), [ALL]);
        assert_eq!(stat(&mut kit, "tracking_total_items"), "0");
    }
    kit.run("SWAPDB 1 1");
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
}

#[test]
fn opt_in_remembers_what_caching_says() {
    let (mut kit, reader) = tracking("OPTIN");
    kit.run_as(reader, "GET a");
    assert_eq!(kit.run_as(reader, "CLIENT CACHING YES"), "OK");
    kit.run_as(reader, "CLIENT ID");
    kit.run_as(reader, "GET b");
    kit.run_as(reader, "GET c");
    kit.run("MSET a 1 b 1 c 1");
    assert_eq!(pushed(&mut kit, reader), [invalidated("b")]);
    // The whole transaction.
    kit.run_as(reader, "CLIENT CACHING YES");
    for line in ["MULTI", "GET a", "GET b", "EXEC", "GET c"] {
        kit.run_as(reader, line);
    }
    kit.run("MSET a 1 b 1 c 1");
    assert_eq!(
        pushed(&mut kit, reader),
        [invalidated("a"), invalidated("b")]
    );
    // From its place in the transaction on.
    for line in [
        "MULTI",
        "GET a",
        "CLIENT CACHING YES",
        "GET b",
        "EXEC",
        "GET c",
    ] {
        kit.run_as(reader, line);
    }
    kit.run("MSET a 1 b 1 c 1");
    assert_eq!(pushed(&mut kit, reader), [invalidated("b")]);
    // A request that is refused, or that is none, uses it up.
    for line in ["NOPE", "GET"] {
        kit.run_as(reader, "CLIENT CACHING YES");
        kit.run_as(reader, line);
        kit.run_as(reader, "GET a");
        kit.run("SET a 1");
        assert_eq!(pushed(&mut kit, reader), [""; 0]);
    }
}

#[test]
fn opt_out_remembers_all_but_what_caching_says() {
    let (mut kit, reader) = tracking("OPTOUT");
    kit.run_as(reader, "GET a");
    kit.run_as(reader, "CLIENT CACHING NO");
    kit.run_as(reader, "GET b");
    kit.run("MSET a 1 b 1");
    assert_eq!(pushed(&mut kit, reader), [invalidated("a")]);
}

#[test]
fn a_wait_is_remembered_when_it_ends() {
    let (mut kit, reader) = tracking("OPTIN");
    kit.run_as(reader, "CLIENT CACHING YES");
    assert_eq!(kit.run_as(reader, "XREAD BLOCK 0 STREAMS s 0"), "");
    kit.run("XADD s 1-1 f v");
    assert!(kit.woken().contains("1-1"));
    assert_eq!(pushed(&mut kit, reader), [invalidated("s")]);
    kit.run("XADD s 1-2 f v");
    assert_eq!(pushed(&mut kit, reader), [invalidated("s")]);
    kit.run_as(reader, "XREAD STREAMS s 0");
    kit.run("XADD s 1-3 f v");
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
}

#[test]
fn a_wait_that_ends_is_answered_before_its_changes_are_told() {
    let (mut kit, reader) = tracking("");
    kit.run("RPUSH dst a");
    kit.run_as(reader, "LRANGE dst 0 -1");
    kit.run_as(reader, "BLMOVE src dst LEFT LEFT 0");
    kit.run("RPUSH src x");
    let order: Vec<bool> = kit
        .outputs
        .iter()
        .map(|o| matches!(o, Output::Wake { .. }))
        .collect();
    assert_eq!(order, [true, false]);
    assert_eq!(pushed(&mut kit, reader), [invalidated("dst")]);
}

#[test]
fn prefixes_are_told_once_a_turn() {
    let (mut kit, reader) = tracking("BCAST PREFIX a: PREFIX b:");
    for line in [
        "SET b:2 1",
        "SET a:1 1",
        "SET a:0 1",
        "SET a:1 2",
        "SET c:1 1",
    ] {
        kit.run(line);
    }
    let told = [
        ">[\"invalidate\", [\"a:0\", \"a:1\"]]",
        ">[\"invalidate\", [\"b:2\"]]",
    ];
    assert_eq!(pushed(&mut kit, reader), told);
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
    assert_eq!(stat(&mut kit, "tracking_total_prefixes"), "2");
    // What it reads is of no account, and own changes are told when the turn ends, too.
    kit.run_as(reader, "GET c:1");
    assert_eq!(stat(&mut kit, "tracking_total_keys"), "0");
    assert_eq!(kit.run_as(reader, "SET a:1 1"), "OK");
    assert_eq!(pushed(&mut kit, reader), [invalidated("a:1")]);
    assert_eq!(
        kit.run_as(reader, "CLIENT TRACKING ON BCAST PREFIX c:"),
        "OK"
    );
    kit.run("SET c:1 1");
    kit.run("SET a:1 1");
    assert_eq!(
        pushed(&mut kit, reader),
        [invalidated("a:1"), invalidated("c:1")]
    );
    let info = kit.run_as(reader, "CLIENT TRACKINGINFO");
    assert!(
        info.ends_with("\"prefixes\": [\"a:\", \"b:\", \"c:\"]}"),
        "{info}"
    );
    kit.run("SET a:1 1");
    kit.run_as(reader, "RESET");
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
    assert_eq!(stat(&mut kit, "tracking_total_prefixes"), "0");
    assert_eq!(kit.engine.tracking.memory_bytes(), 0);
}

#[test]
fn no_loop_leaves_out_keys_that_the_session_changed_last() {
    let (mut kit, reader) = tracking("BCAST NOLOOP");
    let other = kit.connect();
    kit.run_as(other, "HELLO 3");
    kit.run_as(other, "CLIENT TRACKING ON BCAST");
    kit.run("MSET a 1 b 1");
    kit.run_as(reader, "MSET b 2 c 2");
    assert_eq!(pushed(&mut kit, reader), [invalidated("a")]);
    assert_eq!(
        pushed(&mut kit, other),
        [">[\"invalidate\", [\"a\", \"b\", \"c\"]]"]
    );
    kit.run_as(reader, "SET c 2");
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
    assert_eq!(pushed(&mut kit, other), [invalidated("c")]);
}

#[test]
fn another_session_is_told_instead() {
    let (mut kit, target) = tracking("");
    kit.run_as(target, "CLIENT TRACKING OFF");
    let reader = kit.connect();
    assert_eq!(kit.run_as(reader, "CLIENT TRACKING ON REDIRECT 2"), "OK");
    assert_eq!(kit.run_as(reader, "CLIENT GETREDIR"), "(integer) 2");
    kit.run_as(reader, "GET a");
    kit.run("SET a 1");
    assert_eq!(pushed(&mut kit, target), [invalidated("a")]);
    // Who has not said who it is is told no names.
    kit.run("CONFIG SET requirepass x");
    let flags = crate::session::SessionFlags::AUTHENTICATED;
    for name in ["a", "b"] {
        kit.run_as(reader, &format!("GET {name}"));
        if let Some(state) = kit.engine.sessions.find_mut(target) {
            state.flags.set(flags, name == "b");
        }
        kit.run("MSET a 1 b 1");
    }
    assert_eq!(pushed(&mut kit, target), [invalidated("b")]);
    kit.disconnect(target);
    kit.run_as(reader, "GET a");
    kit.run("SET a 1");
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
    let info = kit.run_as(reader, "CLIENT TRACKINGINFO");
    assert!(info.contains("[\"on\", \"broken_redirect\"]"), "{info}");
    assert!(kit.run_as(reader, "CLIENT INFO").contains("flags=tRU "));
    kit.run_as(reader, "HELLO 3");
    kit.run_as(reader, "GET a");
    kit.run("SET a 1");
    let broken = ">[\"tracking-redir-broken\", (integer) 2]";
    assert_eq!(pushed(&mut kit, reader), [broken]);
    kit.run_as(reader, "CLIENT TRACKING ON");
    let list = kit.run("CLIENT LIST");
    let line = list.lines().find(|line| line.contains("id=3 "));
    let line = line.unwrap_or_default();
    assert!(
        line.contains("flags=tU ") && line.contains(" redir=0 resp=3 "),
        "{list}"
    );
}

#[test]
fn a_resp2_session_is_told_nothing() {
    let mut kit = Kit::new();
    let reader = kit.connect();
    assert_eq!(kit.run_as(reader, "CLIENT TRACKING ON"), "OK");
    kit.run_as(reader, "GET a");
    kit.run("SET a 1");
    assert_eq!(pushed(&mut kit, reader), [""; 0]);
    kit.run_as(reader, "CLIENT TRACKING OFF");
    assert_eq!(kit.run_as(reader, "CLIENT TRACKING ON REDIRECT 1"), "OK");
    kit.run_as(reader, "GET a");
    assert_eq!(kit.run("SET a 1"), "OK");
}

#[test]
fn too_many_keys_are_forgotten_and_told() {
    let (mut kit, reader) = tracking("NOLOOP");
    for number in 0..500 {
        kit.run_as(reader, &format!("GET key:{number}"));
    }
    kit.run("CONFIG SET tracking-table-max-keys 10");
    assert_eq!(stat(&mut kit, "tracking_total_keys"), "400");
    // As much more each time; what is told of its own comes before the reply.
    let reply = kit.run_as(reader, "PING");
    assert_eq!(reply.matches("invalidate").count(), 200);
    assert!(reply.ends_with("]]\nPONG"));
    kit.advance_ms(100);
    assert_eq!(stat(&mut kit, "tracking_total_keys"), "10");
    let told = pushed(&mut kit, reader);
    assert_eq!(told.len(), 290);
    kit.run_as(reader, "GET one-more");
    kit.run_as(reader, "MULTI");
    let reply = kit.run_as(reader, "PING");
    assert!(reply.starts_with(">[\"invalidate\"") || reply == "QUEUED");
    assert_eq!(stat(&mut kit, "tracking_total_keys"), "10");
    kit.run("CONFIG SET tracking-table-max-keys 0");
    kit.run_as(reader, "EXEC");
    kit.run_as(reader, "MGET a b c d");
    assert_eq!(stat(&mut kit, "tracking_total_keys"), "14");
}

#[test]
fn what_is_remembered_counts_as_used_memory() {
    let (mut kit, reader) = tracking("");
    let before = kit.engine.memory_overview();
    for number in 0..1000 {
        kit.run_as(reader, &format!("GET key:{number}"));
    }
    let full = kit.engine.memory_overview();
    let bytes = kit.engine.tracking.memory_bytes() as u64;
    assert!(bytes > 50_000, "{bytes}");
    assert!(full.used_bytes - before.used_bytes >= bytes);
    assert_eq!(full.dataset_bytes(), before.dataset_bytes());
    kit.disconnect(reader);
    // A thousand keys are not freed within the call.
    assert!(kit.engine.tracking.memory_bytes() > 0);
    kit.advance_ms(100);
    kit.advance_ms(100);
    assert_eq!(kit.engine.tracking.memory_bytes(), 0);
}

#[test]
fn options_are_checked() {
    let mut kit = Kit::new();
    let mut check = |line: &str, reply: &str| {
        let got = kit.run(line);
        let reply = if reply == "OK" {
            "OK".into()
        } else {
            format!("(error) ERR {reply}")
        };
        assert_eq!(got, reply, "{line}");
    };
    let again = "before disabling tracking for this client, and then re-enabling it with a \
                 different mode.";
    let apart = "Prefixes for a single client must not overlap.";
    check("CLIENT TRACKING MAYBE", "syntax error");
    check("CLIENT TRACKING ON MAYBE", "syntax error");
    check("CLIENT TRACKING ON PREFIX", "syntax error");
    check("CLIENT TRACKING ON REDIRECT", "syntax error");
    check(
        "CLIENT TRACKING OFF REDIRECT x",
        "value is not an integer or out of range",
    );
    for number in ["0", "99", "-1"] {
        let line = format!("CLIENT TRACKING ON REDIRECT {number}");
        check(&line, "The client ID you want redirect to does not exist");
    }
    let twice = "A client can only redirect to a single other client";
    check("CLIENT TRACKING ON REDIRECT 1 REDIRECT 1", twice);
    check(
        "CLIENT TRACKING ON PREFIX a",
        "PREFIX option requires BCAST mode to be enabled",
    );
    check(
        "CLIENT TRACKING ON BCAST OPTIN",
        "OPTIN and OPTOUT are not compatible with BCAST",
    );
    check(
        "CLIENT TRACKING ON OPTIN OPTOUT",
        "You can't specify both OPTIN mode and OPTOUT mode",
    );
    let caching = "CLIENT CACHING can be called only when the client is in tracking mode with \
                   OPTIN or OPTOUT mode enabled";
    check("CLIENT CACHING YES", caching);
    check("CLIENT TRACKING ON OPTIN", "OK");
    check("CLIENT CACHING MAYBE", "syntax error");
    let caching = "CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.";
    check("CLIENT CACHING NO", caching);
    check(
        "CLIENT TRACKING ON BCAST",
        &format!("You can't switch BCAST mode on/off {again}"),
    );
    check(
        "CLIENT TRACKING ON OPTOUT",
        &format!("You can't switch OPTIN/OPTOUT mode {again}"),
    );
    check("CLIENT TRACKING ON", "OK");
    check("CLIENT TRACKING ON OPTOUT", "OK");
    let caching = "CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.";
    check("CLIENT CACHING YES", caching);
    check("CLIENT TRACKING OFF BCAST", "OK");
    let overlap = format!("Prefix 'ab' overlaps with another provided prefix 'a'. {apart}");
    check(
        "CLIENT TRACKING ON BCAST PREFIX x PREFIX ab PREFIX a",
        &overlap,
    );
    check("CLIENT TRACKING ON BCAST PREFIX ab PREFIX x", "OK");
    let overlap = format!("Prefix 'a' overlaps with an existing prefix 'ab'. {apart}");
    check("CLIENT TRACKING ON BCAST PREFIX y PREFIX a", &overlap);
    check("CLIENT TRACKING ON BCAST", "OK");
}

#[test]
fn the_session_tells_how_it_tracks() {
    let mut kit = Kit::new();
    let info = |kit: &mut Kit| kit.run("CLIENT TRACKINGINFO");
    let off = "[\"flags\", [\"off\"], \"redirect\", (integer) -1, \"prefixes\", []]";
    assert_eq!(info(&mut kit), off);
    assert_eq!(kit.run("CLIENT GETREDIR"), "(integer) -1");
    assert!(kit.run("CLIENT INFO").contains(" redir=-1 "));
    kit.run("CLIENT TRACKING ON OPTIN NOLOOP");
    assert_eq!(kit.run("CLIENT GETREDIR"), "(integer) 0");
    assert!(info(&mut kit).contains("[\"on\", \"optin\", \"noloop\"]"));
    kit.run("CLIENT CACHING YES");
    assert!(info(&mut kit).contains("[\"on\", \"optin\", \"caching-yes\", \"noloop\"]"));
    kit.run("CLIENT TRACKING OFF");
    kit.run("CLIENT TRACKING ON OPTOUT");
    kit.run("CLIENT CACHING NO");
    assert!(info(&mut kit).contains("[\"on\", \"optout\", \"caching-no\"]"));
    kit.run("PING");
    assert!(info(&mut kit).contains("[\"on\", \"optout\"]"));
    kit.run("CLIENT TRACKING OFF");
    kit.run("CLIENT TRACKING ON BCAST PREFIX b PREFIX a");
    let info = info(&mut kit);
    assert!(
        info.contains("[\"on\", \"bcast\"]") && info.contains("[\"a\", \"b\"]"),
        "{info}"
    );
    assert!(kit.run("CLIENT INFO").contains("flags=tBU "));
}
