//! Properties of the machine over random histories; the same check is fuzzed. Then histories that
//! chance hardly ever finds.
#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use vk_engine::{
    Completion, Disposition, EffectBuf, Output, SessionId, Ticket,
    check::{
        Rig, check_bad_config, check_bad_input, check_bounded_memory, check_commands,
        check_large_values, replay,
    },
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn histories_keep_every_property(data in prop::collection::vec(any::<u8>(), 0..1500)) {
        check_commands(&data);
    }

    #[test]
    fn histories_keep_every_property_when_memory_is_full(
        data in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        check_bounded_memory(&data);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn snapshots_of_large_values_are_one_moment(
        data in prop::collection::vec(any::<u8>(), 0..1600),
    ) {
        check_large_values(&data);
    }
}

/// A part of the commands each, so that they run side by side.
fn bad_input(part: u32) {
    let of_part = |name: &str| name.bytes().map(u32::from).sum::<u32>() % 4 == part;
    let requests = check_bad_input(of_part);
    assert!(requests > 1000, "only {requests} requests");
}

#[test]
fn bad_input_changes_nothing_1() {
    bad_input(0);
}

#[test]
fn bad_input_changes_nothing_2() {
    bad_input(1);
}

#[test]
fn bad_input_changes_nothing_3() {
    bad_input(2);
}

#[test]
fn bad_input_changes_nothing_4() {
    bad_input(3);
}

#[test]
fn a_refused_config_set_changes_nothing() {
    let (count, refused) = check_bad_config();
    // Some directives take any text, most take few of these.
    assert!(count > 8000 && refused > count / 2, "{refused} of {count}");
}

/// Runs one line and shows the reply as it goes over the wire.
fn run(rig: &mut Rig, session: SessionId, line: &str) -> (String, Disposition) {
    let words = line.split(' ').map(str::as_bytes);
    let (reply, disposition) = rig.request(session, words, true);
    let text = String::from_utf8(reply.to_vec()).expect("ASCII");
    (text, disposition)
}

fn connect(rig: &mut Rig) -> SessionId {
    rig.connect().expect("a local client is never refused")
}

/// The ticket of the work that was asked for.
fn asked(rig: &mut Rig) -> Ticket {
    while let Some(output) = rig.engine.poll_output() {
        if let Output::Directive { ticket, .. } = output {
            return ticket;
        }
    }
    panic!("nothing was asked for");
}

fn assert_effects_are_complete(rig: &mut Rig) {
    let mut effects = EffectBuf::default();
    rig.engine.take_effects(&mut effects);
    let copy = replay(&effects, rig.mono_micros()).expect("effects that can be applied");
    assert_eq!(rig.engine.digest(), copy.engine.digest());
}

/// A transaction that waits for work outside is finished, whoever is gone by then: nothing sees a
/// half of it, and what comes after it has effects as ever.
#[test]
fn a_transaction_outlives_its_session() {
    let mut rig = Rig::new();
    rig.engine.set_effects_wanted(true);
    let (first, other) = (connect(&mut rig), connect(&mut rig));
    for line in [
        "MULTI",
        "SET a 1",
        "CONFIG REWRITE",
        "SET b 2",
        "CONFIG REWRITE",
        "SET c 3",
    ] {
        run(&mut rig, first, line);
    }
    assert_eq!(run(&mut rig, first, "EXEC").1, Disposition::Parked);
    let ticket = asked(&mut rig);
    assert_eq!(run(&mut rig, other, "GET a").1, Disposition::Parked);
    rig.with_env(|engine, env| engine.handle_disconnect(env, first));
    rig.tick(16);
    assert!(
        rig.engine.poll_output().is_none(),
        "half a transaction shows"
    );
    rig.with_env(|engine, env| engine.handle_completion(env, ticket, Completion::Done));
    let ticket = asked(&mut rig);
    rig.with_env(|engine, env| engine.handle_completion(env, ticket, Completion::Done));
    rig.tick(16);
    let mut woken = Vec::new();
    while let Some(output) = rig.engine.poll_output() {
        if let Output::Wake { session, reply, .. } = output {
            woken.push((session, reply.to_vec()));
        }
    }
    assert_eq!(woken, [(other, b"$1\r\n1\r\n".to_vec())]);
    assert_eq!(
        run(&mut rig, other, "MGET b c d").0,
        "*3\r\n$1\r\n2\r\n$1\r\n3\r\n$-1\r\n"
    );
    assert_eq!(run(&mut rig, other, "SET d 4").0, "+OK\r\n");
    assert_effects_are_complete(&mut rig);
    // The place of the session that is gone is free.
    let list = run(&mut rig, other, "CLIENT LIST").0;
    assert_eq!(list.matches("id=").count(), 1);
}
