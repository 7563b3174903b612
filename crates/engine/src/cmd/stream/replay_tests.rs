//! Effects of stream commands, applied elsewhere and later, give the same streams.

use alloc::{format, string::String, vec};

use proptest::prelude::*;

use crate::{EffectBuf, config::id, testkit::Kit};

/// An id that may be there: entries have 1-0, 2-0, ...
fn entry() -> impl Strategy<Value = u64> {
    0..40_u64
}

fn names() -> impl Strategy<Value = (&'static str, &'static str)> {
    let group = prop::sample::select(&["g", "h"][..]);
    let consumer = prop::sample::select(&["a", "b", "c"][..]);
    (group, consumer)
}

fn line() -> impl Strategy<Value = String> {
    let trim = prop::sample::select(
        &[
            "MAXLEN 9",
            "MAXLEN ~ 5",
            "MAXLEN ~ 0 LIMIT 6",
            "MINID 12",
            "MINID ~ 20",
        ][..],
    );
    let references = prop::sample::select(&["", "KEEPREF ", "DELREF ", "ACKED "][..]);
    prop_oneof![
        8 => entry().prop_map(|n| format!("XADD s {n}-* f {n}")),
        2 => (trim.clone(), entry()).prop_map(|(trim, n)| format!("XADD s {trim} {n}-* f v g w")),
        1 => trim.prop_map(|trim| format!("XTRIM s {trim}")),
        3 => (entry(), entry()).prop_map(|(a, b)| format!("XDEL s {a} {b}")),
        2 => (references.clone(), entry(), entry())
            .prop_map(|(how, a, b)| format!("XDELEX s {how}IDS 2 {a} {b}")),
        2 => (references, names(), entry(), entry())
            .prop_map(|(how, (g, _), a, b)| format!("XACKDEL s {g} {how}IDS 2 {a} {b}")),
        1 => entry().prop_map(|n| format!("XSETID s {n}")),
        2 => (names(), entry())
            .prop_map(|((g, _), n)| format!("XGROUP CREATE s {g} {n} MKSTREAM ENTRIESREAD 3")),
        1 => names().prop_map(|(g, _)| format!("XGROUP CREATE s {g} $")),
        1 => names().prop_map(|(g, _)| format!("XGROUP SETID s {g} $")),
        1 => names().prop_map(|(g, _)| format!("XGROUP DESTROY s {g}")),
        1 => names().prop_map(|(g, c)| format!("XGROUP DELCONSUMER s {g} {c}")),
        1 => names().prop_map(|(g, c)| format!("XGROUP CREATECONSUMER s {g} {c}")),
        8 => (names(), 1..5_u8)
            .prop_map(|((g, c), n)| format!("XREADGROUP GROUP {g} {c} COUNT {n} STREAMS s >")),
        1 => names().prop_map(|(g, c)| format!("XREADGROUP GROUP {g} {c} NOACK STREAMS s >")),
        3 => (names(), entry())
            .prop_map(|((g, c), n)| format!("XREADGROUP GROUP {g} {c} STREAMS s {n}")),
        3 => (names(), entry(), entry())
            .prop_map(|((g, _), a, b)| format!("XACK s {g} {a} {b}")),
        2 => (names(), entry()).prop_map(|((g, c), n)| format!("XCLAIM s {g} {c} 10 {n} {n}-1")),
        2 => (names(), entry())
            .prop_map(|((g, c), n)| format!("XCLAIM s {g} {c} 0 {n} FORCE IDLE 77 LASTID {n}-1")),
        2 => (names(), entry()).prop_map(|((g, c), n)| format!("XAUTOCLAIM s {g} {c} 10 {n}")),
        1 => names().prop_map(|(g, c)| format!("XAUTOCLAIM s {g} {c} 0 - COUNT 2 JUSTID")),
        1 => Just("DEL s".into()),
    ]
}

fn kit() -> Kit {
    let mut kit = Kit::new();
    assert_eq!(
        kit.engine.config.correct(id::STREAM_NODE_MAX_ENTRIES, b"4"),
        Ok(())
    );
    kit
}

/// Applies all effects so far to `copy`.
fn hand_over(kit: &mut Kit, copy: &mut Kit) {
    let mut effects = EffectBuf::default();
    kit.engine.take_effects(&mut effects);
    copy.replay_all(&effects);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn effects_give_the_same_streams(
        lines in prop::collection::vec((line(), 0..30_u8), 0..120),
        late_ms in 0..1000_i64,
    ) {
        let (mut kit, mut copy) = (kit(), kit());
        kit.engine.set_effects_wanted(true);
        copy.sleep_ms(late_ms);
        for (line, pause_ms) in &lines {
            let before = kit.engine.digest();
            let reply = kit.run(line);
            prop_assert!(!reply.contains("WRONGTYPE") && !reply.contains("syntax"), "{line}");
            if reply.starts_with("(error)") {
                prop_assert_eq!(before, kit.engine.digest());
            }
            hand_over(&mut kit, &mut copy);
            prop_assert_eq!(kit.engine.digest(), copy.engine.digest(), "{}", line);
            let view = "XINFO GROUPS s";
            prop_assert_eq!(kit.run(view), copy.run(view), "{}", line);
            kit.sleep_ms((*pause_ms).into());
        }
    }
}
