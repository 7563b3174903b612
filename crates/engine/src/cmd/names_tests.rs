//! Commands under other names, as their clients, the log and those who look on see them.
//!
//! Not which names can be given (see `names.rs`).

#![expect(clippy::unwrap_used, reason = "tests")]

use alloc::{string::String, vec::Vec};

use vk_rdb::crc64;
use vk_spec::config::Profile;

use crate::{
    BootUsers, EffectBuf, Output,
    config::{Config, Origin, Source, load},
    testkit::{Kit, show_all},
};

fn config(lines: &str) -> Config {
    let source = Source {
        name: "vk.conf",
        text: lines.as_bytes(),
        origin: Origin::File,
    };
    let loaded = load(Profile::Compatible, &[source], &mut |_| Ok(Vec::new())).unwrap();
    assert_eq!(loaded.warnings, []);
    loaded.config
}

fn kit(lines: &str) -> Kit {
    Kit::with(config(lines), BootUsers::default())
}

#[test]
fn a_command_answers_under_its_new_name_only() {
    let mut kit = kit("rename-command SET put\nrename-command GET \"\"\n\
                       rename-command CLIENT kunde\nrename-command config \"a|b\"\n");
    assert!(
        kit.run("SET a 1")
            .starts_with("(error) ERR unknown command 'SET'")
    );
    assert!(
        kit.run("get a")
            .starts_with("(error) ERR unknown command 'get'")
    );
    assert_eq!(kit.run("PUT a 1"), "OK");
    assert_eq!(kit.run("GETRANGE a 0 -1"), "\"1\"");
    // The errors of the command itself name what it is.
    let arity = "(error) ERR wrong number of arguments for 'set' command";
    assert_eq!(kit.run("put a"), arity);
    assert_eq!(
        kit.run("kunde id x"),
        "(error) ERR wrong number of arguments for 'client|id' command"
    );
    // Those that tell where help is name what would find it.
    assert_eq!(
        kit.run("kunde foo"),
        "(error) ERR unknown subcommand 'foo'. Try KUNDE HELP."
    );
    assert!(kit.run("kunde help").starts_with("[KUNDE <subcommand>"));
    assert_eq!(kit.run("a|b GET port"), "[\"port\", \"6379\"]");
    assert!(kit.run("kunde list").contains("cmd=client|list"));
}

#[test]
fn transactions_and_waits_go_by_the_new_names() {
    let mut kit = kit("rename-command multi mm\nrename-command exec run\n\
                       rename-command blpop hold\nrename-command rpush add\n");
    kit.run("mm");
    assert_eq!(kit.run("ADD l 1 2"), "QUEUED");
    assert!(kit.run("EXEC").starts_with("(error) ERR unknown command"));
    assert_eq!(
        kit.run("run"),
        "(error) EXECABORT Transaction discarded because of previous errors."
    );
    let other = kit.connect();
    kit.run_as(other, "hold l 0");
    kit.run("mm");
    assert_eq!(kit.run("add l 1"), "QUEUED");
    assert_eq!(kit.run("run"), "[(integer) 1]");
    assert_eq!(kit.run("EXISTS l"), "(integer) 0");
}

#[test]
fn command_tells_of_what_can_be_called() {
    let mut kit = kit("rename-command set put\nrename-command get \"\"\n\
                       rename-command client kunde\nrename-command object \"\"\n");
    let all = crate::cmd::specs().count();
    assert_eq!(
        kit.run("COMMAND COUNT"),
        alloc::format!("(integer) {}", all - 2)
    );
    let list = kit.run("COMMAND LIST");
    assert!(list.contains("\"set\"") && list.contains("\"client|id\""));
    assert!(!list.contains("\"get\"") && !list.contains("\"object"));
    let info = kit.run("COMMAND INFO put set get kunde|id client|id");
    assert!(info.starts_with("[[\"set\", (integer) -3"), "{info}");
    assert!(info.contains(", (nil), (nil), [\"client|id\", "), "{info}");
    assert!(info.ends_with(", (nil)]"), "{info}");
    assert!(kit.run("COMMAND DOCS put").starts_with("[\"set\", "));
    assert_eq!(kit.run("COMMAND DOCS set get"), "[]");
    assert_eq!(kit.run("COMMAND GETKEYS put a b"), "[\"a\"]");
    assert!(kit.run("COMMAND GETKEYS set a b").starts_with("(error)"));
}

#[test]
fn who_looks_on_sees_what_was_said_and_no_secret() {
    let mut kit = kit("rename-command config hidden\nrename-command set put\n");
    let other = kit.connect();
    kit.run_as(other, "MONITOR");
    kit.run("put a 1");
    kit.run("hidden set requirepass canary slowlog-log-slower-than 0");
    kit.run("put a 2");
    kit.run("hidden set requirepass canary");
    let pushed = kit.outputs.iter().filter_map(|output| match output {
        Output::Push { session, bytes } if *session == other => Some(show_all(bytes)),
        _ => None,
    });
    let seen = pushed.collect::<Vec<_>>().join("\n");
    assert!(seen.contains("\"put\" \"a\" \"1\""), "{seen}");
    let log = kit.run("SLOWLOG GET");
    assert!(log.contains("[\"put\", \"a\", \"2\"]"), "{log}");
    assert!(log.contains("\"hidden\", \"set\", \"requirepass\", \"(redacted)\""));
    assert!(!seen.contains("canary") && !log.contains("canary"));
    assert!(kit.run("INFO commandstats").contains("cmdstat_set:calls=2"));
    assert!(kit.run("LATENCY HISTOGRAM put").starts_with("[\"set\", "));
    assert_eq!(kit.run("LATENCY HISTOGRAM set"), "[]");
}

/// Effects of a server with other names, applied to one with names of its own.
#[test]
fn effects_go_by_the_declared_names() {
    let names = [
        "set get2",
        "incr plus",
        "del \"\"",
        "unlink del",
        "xgroup groups",
        "xadd addto",
        "msetex many",
        "restore back",
        "flushdb badger",
    ];
    let lines = names.map(|names| alloc::format!("rename-command {names}\n"));
    let lines = &lines.concat();
    let mut kit = kit(lines);
    kit.engine.set_effects_wanted(true);
    for line in [
        "badger",
        "get2 a 1",
        "plus a",
        "get2 b 1",
        "del b",
        "groups CREATE s g 0 MKSTREAM",
        "addto s * a b",
        "many 1 m 1 EX 100",
    ] {
        assert!(!kit.run(line).starts_with("(error)"), "{line}");
    }
    let session = kit.session;
    // An integer of 8 bits, as DUMP tells it.
    let value = b"\0\xc0\x01\x0b\0".as_slice();
    let payload = [value, &crc64(value).to_le_bytes()].concat();
    let restored = kit.run_words(session, &[b"back", b"r", b"1000", &payload]);
    assert_eq!(restored, "OK");
    let mut effects = EffectBuf::default();
    kit.engine.take_effects(&mut effects);
    let text = String::from_utf8_lossy(&effects.bytes).to_ascii_lowercase();
    for word in ["get2", "plus", "badger", "groups", "addto", "many", "back"] {
        assert!(!text.contains(word), "{word}");
    }
    let others = "rename-command set incr2\nrename-command incr set\n\
                  rename-command unlink \"\"\nrename-command flushdb \"\"\n";
    for lines in ["", lines, others] {
        let mut copy = Kit::with(config(lines), BootUsers::default());
        copy.replay_all(&effects);
        assert_eq!(kit.engine.digest(), copy.engine.digest(), "{lines}");
    }
}

/// A log may say what the clients of another server said, if this one calls the commands so, too.
#[test]
fn a_log_may_have_the_other_names() {
    let mut kit = kit("rename-command set put\n");
    let bytes = b"*3\r\n$3\r\nPUT\r\n$1\r\na\r\n$1\r\n1\r\n".to_vec();
    let end = bytes.len();
    let group = crate::effects::GroupMark {
        db: 0,
        count: 1,
        end,
    };
    let groups = alloc::vec![group];
    kit.replay_all(&EffectBuf { bytes, groups });
    assert_eq!(kit.run("GET a"), "\"1\"");
}
