//! Publish and subscribe as sessions see it.
#![expect(clippy::unwrap_used, reason = "tests")]

use alloc::{format, string::String, vec, vec::Vec};

use crate::{
    CloseReason, Disposition, Output, SessionClass, SessionId,
    config::EventFlags,
    testkit::{Kit, show_all},
};

/// What was sent to a session outside its replies, in order.
fn pushed(kit: &mut Kit, session: SessionId) -> Vec<String> {
    let lines = |bytes| {
        let shown = show_all(bytes);
        shown.lines().map(String::from).collect::<Vec<_>>()
    };
    let mut told = Vec::new();
    for output in &kit.outputs {
        match output {
            Output::Push { session: to, bytes } if *to == session => told.extend(lines(bytes)),
            Output::Broadcast {
                receivers,
                except,
                bytes,
            } if receivers.contains(&session) && *except != Some(session) => {
                told.extend(lines(bytes));
            }
            _ => {}
        }
    }
    told
}

#[test]
fn channels_and_patterns_are_counted_together_and_shard_channels_apart() {
    let mut kit = Kit::new();
    let told = kit.run("SUBSCRIBE a b a");
    let expected = [
        "[\"subscribe\", \"a\", (integer) 1]",
        "[\"subscribe\", \"b\", (integer) 2]",
        "[\"subscribe\", \"a\", (integer) 2]",
    ];
    assert_eq!(told, expected.join("\n"));
    assert_eq!(
        kit.run("PSUBSCRIBE p*"),
        "[\"psubscribe\", \"p*\", (integer) 3]"
    );
    assert_eq!(
        kit.run("SSUBSCRIBE s"),
        "[\"ssubscribe\", \"s\", (integer) 1]"
    );
    let other = kit.connect();
    let counts = kit.run_as(other, "PUBSUB NUMSUB a none");
    assert_eq!(counts, "[\"a\", (integer) 1, \"none\", (integer) 0]");
    assert_eq!(kit.run_as(other, "PUBSUB NUMPAT"), "(integer) 1");
    assert_eq!(kit.run_as(other, "PUBSUB SHARDCHANNELS"), "[\"s\"]");
    assert_eq!(
        kit.run_as(other, "PUBSUB SHARDNUMSUB s"),
        "[\"s\", (integer) 1]"
    );
    assert_eq!(kit.run_as(other, "PUBSUB CHANNELS b*"), "[\"b\"]");
    let info = kit.run_as(other, "INFO everything");
    for line in [
        "pubsub_clients:1",
        "pubsub_channels:2",
        "pubsub_patterns:1",
        "pubsubshard_channels:1",
    ] {
        assert!(info.contains(line), "{line}");
    }
    let list = kit.run_as(other, "CLIENT LIST TYPE pubsub");
    assert!(list.contains(" flags=PU ") && list.contains(" sub=2 psub=1 ssub=1 "));
    assert!(
        !kit.run_as(other, "CLIENT LIST TYPE normal")
            .contains("sub=2")
    );
}

#[test]
fn all_are_ended_in_the_order_in_which_they_were_begun() {
    let mut kit = Kit::new();
    kit.run("SUBSCRIBE c a b");
    kit.run("PSUBSCRIBE x*");
    let expected = [
        "[\"unsubscribe\", \"c\", (integer) 3]",
        "[\"unsubscribe\", \"a\", (integer) 2]",
        "[\"unsubscribe\", \"b\", (integer) 1]",
    ];
    assert_eq!(kit.run("UNSUBSCRIBE"), expected.join("\n"));
    assert_eq!(
        kit.run("UNSUBSCRIBE"),
        "[\"unsubscribe\", (nil), (integer) 1]"
    );
    assert_eq!(
        kit.run("SUNSUBSCRIBE"),
        "[\"sunsubscribe\", (nil), (integer) 0]"
    );
    let told = kit.run("PUNSUBSCRIBE none x*");
    let expected = [
        "[\"punsubscribe\", \"none\", (integer) 1]",
        "[\"punsubscribe\", \"x*\", (integer) 0]",
    ];
    assert_eq!(told, expected.join("\n"));
    assert_eq!(
        kit.run("PUNSUBSCRIBE x*"),
        "[\"punsubscribe\", \"x*\", (integer) 0]"
    );
    assert_eq!(kit.run("PUBSUB NUMPAT"), "(integer) 0");
}

#[test]
fn in_resp2_a_subscriber_may_send_little_else() {
    let mut kit = Kit::new();
    kit.run("SSUBSCRIBE s");
    let refused = "(error) ERR Can't execute 'client|list': only (P|S)SUBSCRIBE / \
                   (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
    assert_eq!(kit.run("CLIENT LIST"), refused);
    assert_eq!(kit.run("PING"), "[\"pong\", \"\"]");
    assert_eq!(kit.run("PING x"), "[\"pong\", \"x\"]");
    let session = kit.session;
    assert_eq!(kit.engine.session_class(session), SessionClass::PubSub);
    assert_eq!(kit.run("RESET"), "RESET");
    assert_eq!(kit.engine.session_class(session), SessionClass::Normal);
    assert_eq!(kit.run("PUBSUB SHARDCHANNELS"), "[]");
    kit.run("HELLO 3");
    kit.run("SUBSCRIBE a");
    assert_eq!(kit.run("GET k"), "(nil)");
    assert_eq!(kit.run("PING"), "PONG");
}

#[test]
fn a_message_is_encoded_once_for_each_protocol() {
    let mut kit = Kit::new();
    let (old, new, both) = (kit.connect(), kit.connect(), kit.connect());
    for session in [new, both] {
        kit.run_as(session, "HELLO 3");
    }
    for session in [old, new, both] {
        kit.run_as(session, "SUBSCRIBE a");
    }
    kit.run_as(both, "PSUBSCRIBE a* ?");
    kit.outputs.clear();
    assert_eq!(kit.run("PUBLISH a hello"), "(integer) 5");
    assert_eq!(kit.outputs.len(), 4);
    assert_eq!(pushed(&mut kit, old), ["[\"message\", \"a\", \"hello\"]"]);
    assert_eq!(
        pushed(&mut kit, both),
        [
            ">[\"message\", \"a\", \"hello\"]",
            ">[\"pmessage\", \"?\", \"a\", \"hello\"]",
            ">[\"pmessage\", \"a*\", \"a\", \"hello\"]",
        ]
    );
    kit.outputs.clear();
    kit.run_as(new, "HELLO 2");
    kit.run("PUBLISH a again");
    assert_eq!(pushed(&mut kit, new), ["[\"message\", \"a\", \"again\"]"]);
    kit.outputs.clear();
    assert_eq!(kit.run("SPUBLISH a shard"), "(integer) 0");
    assert_eq!(kit.run("PUBLISH b nobody"), "(integer) 1");
    assert!(pushed(&mut kit, old).is_empty());
}

#[test]
fn an_own_message_comes_behind_its_reply() {
    let mut kit = Kit::new();
    kit.run("HELLO 3");
    kit.run("SUBSCRIBE foo");
    let own = "(integer) 1\n>[\"message\", \"foo\", \"bar\"]";
    assert_eq!(kit.run("PUBLISH foo bar"), own);
    kit.run("MULTI");
    kit.run("PING abc");
    kit.run("PUBLISH foo 1");
    kit.run("PUBLISH foo 2");
    let expected = "[\"abc\", (integer) 1, (integer) 1]\n>[\"message\", \"foo\", \"1\"]\n\
                    >[\"message\", \"foo\", \"2\"]";
    assert_eq!(kit.run("EXEC"), expected);
    assert!(kit.outputs.is_empty());
}

#[test]
fn a_subscriber_that_is_served_gets_the_reply_first() {
    let mut kit = Kit::new();
    kit.engine.notify = EventFlags::parse(b"El").unwrap();
    let waiter = kit.connect();
    kit.run_as(waiter, "HELLO 3");
    kit.run_as(waiter, "PSUBSCRIBE *:lpop");
    kit.run_as(waiter, "BLPOP l 0");
    kit.outputs.clear();
    kit.run("RPUSH l a");
    let order: Vec<bool> = kit
        .outputs
        .iter()
        .map(|output| matches!(output, Output::Wake { .. }))
        .collect();
    assert_eq!(order, [true, false]);
    assert_eq!(
        pushed(&mut kit, waiter),
        [">[\"pmessage\", \"*:lpop\", \"__keyevent@0__:lpop\", \"l\"]"]
    );
}

#[test]
fn confirmations_and_messages_come_though_replies_are_off() {
    let mut kit = Kit::new();
    kit.run("HELLO 3");
    assert_eq!(kit.run("CLIENT REPLY OFF"), "");
    assert_eq!(
        kit.run("SUBSCRIBE a"),
        ">[\"subscribe\", \"a\", (integer) 1]"
    );
    assert_eq!(kit.run("PUBLISH a x"), ">[\"message\", \"a\", \"x\"]");
    assert_eq!(
        kit.run("UNSUBSCRIBE"),
        ">[\"unsubscribe\", \"a\", (integer) 0]"
    );
    assert_eq!(kit.run("PING"), "");
}

#[test]
fn transactions_take_two_of_the_three() {
    let mut kit = Kit::new();
    kit.run("MULTI");
    assert_eq!(kit.run("SUBSCRIBE a b"), "QUEUED");
    assert_eq!(kit.run("SSUBSCRIBE s"), "QUEUED");
    assert_eq!(kit.run("SET k v"), "QUEUED");
    let told = kit.run("EXEC");
    assert!(told.contains("\"subscribe\", \"b\", (integer) 2"), "{told}");
    assert!(told.contains("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    assert!(kit.run("GET k").starts_with("(error) ERR Can't execute"));
}

#[test]
fn a_pause_of_writes_holds_messages() {
    let mut kit = Kit::new();
    let (other, third) = (kit.connect(), kit.connect());
    kit.run_as(third, "MULTI");
    kit.run_as(third, "SPUBLISH a b");
    kit.run("CLIENT PAUSE 1000 WRITE");
    kit.run_as(other, "PUBLISH a b");
    assert_eq!(kit.disposition, Disposition::Parked);
    kit.run_as(third, "EXEC");
    assert_eq!(kit.disposition, Disposition::Parked);
    kit.outputs.clear();
    kit.run("CLIENT UNPAUSE");
    kit.advance_ms(1);
    assert_eq!(kit.woken(), "(integer) 0");
}

#[test]
fn nothing_is_left_of_a_session_that_ends() {
    let mut kit = Kit::new();
    let many = kit.connect();
    let before = kit.engine.pubsub.memory_bytes();
    let names: Vec<String> = (0..5000).map(|n| format!("c{n}")).collect();
    for word in ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"] {
        let mut words = vec![word.as_bytes()];
        words.extend(names.iter().map(String::as_bytes));
        kit.run_words(many, &words);
    }
    assert!(kit.engine.pubsub.memory_bytes() > before + 15_000 * 50);
    assert_eq!(kit.run("PUBLISH c1 x"), "(integer) 2");
    kit.outputs.clear();
    kit.disconnect(many);
    assert_eq!(kit.run("PUBLISH c1 x"), "(integer) 0");
    assert!(kit.outputs.is_empty());
    // What is left is the index of two empty tables.
    assert!(kit.engine.pubsub.memory_bytes() < before + 2048);
    assert_eq!(kit.engine.pubsub.sessions(), 0);
    assert_eq!(kit.run("PUBSUB CHANNELS"), "[]");
}

#[test]
fn messages_to_the_same_receivers_leave_together_and_in_order() {
    let mut kit = Kit::new();
    let (one, two) = (kit.connect(), kit.connect());
    kit.run_as(one, "SUBSCRIBE a b");
    kit.run_as(two, "SUBSCRIBE a");
    let publish = |kit: &mut Kit, channel: &[u8], payload: &[u8]| {
        kit.engine.publish(super::Message::new(channel, payload));
    };
    for (channel, payload) in [(b"a", b"1"), (b"a", b"2"), (b"b", b"3"), (b"a", b"4")] {
        publish(&mut kit, channel, payload);
    }
    kit.outputs.clear();
    kit.run("PING");
    assert_eq!(kit.outputs.len(), 3);
    let told = pushed(&mut kit, one).join("\n");
    let expected = ["a 1", "a 2", "b 3", "a 4"].map(|words| {
        let (channel, payload) = words.split_once(' ').unwrap();
        format!("[\"message\", \"{channel}\", \"{payload}\"]")
    });
    assert_eq!(told, expected.join("\n"));
    kit.outputs.clear();
    // The list of receivers is another one from here on.
    publish(&mut kit, b"a", b"5");
    kit.engine.unsubscribe_all(two);
    publish(&mut kit, b"a", b"6");
    kit.run("PING");
    assert_eq!(kit.outputs.len(), 2);
    assert_eq!(pushed(&mut kit, two).len(), 1);
}

#[test]
fn big_messages_are_shared() {
    let mut kit = Kit::new();
    let (one, two) = (kit.connect(), kit.connect());
    kit.run_as(one, "SUBSCRIBE a");
    kit.run_as(two, "SUBSCRIBE a");
    let payload = vec![b'x'; 100_000];
    let session = kit.session;
    kit.outputs.clear();
    let told = kit.run_words(session, &[b"PUBLISH", b"a", &payload]);
    assert_eq!(told, "(integer) 2");
    let [Output::Broadcast { bytes, .. }] = kit.outputs.as_slice() else {
        unreachable!("one output for both")
    };
    assert!(bytes.chunks().any(|chunk| chunk.len() == payload.len()));
}

#[test]
fn every_pattern_that_matches_gets_the_message_once() {
    let mut kit = Kit::new();
    let patterns = [
        "*", "a*", "ab*", "abc", "abcd", "a?c", "[a]bc", "\\abc", "b*", "ab[^c]", "*c", "*d", "?",
    ];
    let listener = kit.connect();
    let mut words = vec!["PSUBSCRIBE".as_bytes()];
    words.extend(patterns.iter().map(|pattern| pattern.as_bytes()));
    kit.run_words(listener, &words);
    for channel in ["abc", "a", "", "abcd", "b", "xd"] {
        let matching = patterns
            .iter()
            .filter(|pattern| vk_data::glob::glob_match(pattern.as_bytes(), channel.as_bytes()));
        let expected = format!("(integer) {}", matching.count());
        let session = kit.session;
        let told = kit.run_words(session, &[b"PUBLISH", channel.as_bytes(), b"x"]);
        assert_eq!(told, expected, "{channel}");
    }
}

#[test]
fn events_are_built_only_for_those_who_listen() {
    let mut kit = Kit::new();
    kit.engine.notify = EventFlags::parse(b"KEA").unwrap();
    kit.run("SET k v");
    assert!(kit.outputs.is_empty());
    let listener = kit.connect();
    kit.run_as(listener, "PSUBSCRIBE __key*");
    kit.outputs.clear();
    kit.run("SET k v EX 10");
    let message = |channel: &str, payload: &str| {
        format!("[\"pmessage\", \"__key*\", \"{channel}\", \"{payload}\"]")
    };
    assert_eq!(
        pushed(&mut kit, listener),
        [
            message("__keyspace@0__:k", "set"),
            message("__keyevent@0__:set", "k"),
            message("__keyspace@0__:k", "expire"),
            message("__keyevent@0__:expire", "k"),
        ]
    );
    kit.outputs.clear();
    kit.advance_ms(20_000);
    assert_eq!(
        pushed(&mut kit, listener),
        [
            message("__keyspace@0__:k", "expired"),
            message("__keyevent@0__:expired", "k"),
        ]
    );
    kit.outputs.clear();
    kit.engine.notify = EventFlags::parse(b"A").unwrap();
    kit.run("SET k v");
    assert!(kit.outputs.is_empty());
}

#[test]
fn who_may_not_use_a_channel_neither_begins_nor_stays() {
    let mut kit = Kit::new();
    let listener = kit.connect();
    kit.run_as(listener, "SUBSCRIBE a");
    let user = crate::users::DEFAULT_USER;
    kit.engine.close_unpermitted_subscribers(user);
    assert!(kit.engine.poll_output().is_none());
    kit.engine.users.set_enabled(user, false);
    kit.engine.close_unpermitted_subscribers(user);
    assert!(matches!(
        kit.engine.poll_output(),
        Some(Output::Close { session, reason: CloseReason::UserGone }) if session == listener
    ));
    assert!(kit.engine.poll_output().is_none());
    let refused = "(error) NOPERM No permissions to access a channel";
    assert_eq!(kit.run("PUBLISH a b"), refused);
    assert_eq!(kit.run("PSUBSCRIBE a"), refused);
    assert_eq!(
        kit.run("UNSUBSCRIBE a"),
        "[\"unsubscribe\", \"a\", (integer) 0]"
    );
}
