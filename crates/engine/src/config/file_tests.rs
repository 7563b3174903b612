//! Tests of reading the configuration.
//!
//! Not of single values (see the wire texts in `set.rs`).

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use table::{limits, network, process, replication, snapshot};

fn none(_: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    Ok(Vec::new())
}

fn load_text(profile: Profile, text: &str) -> Result<Loaded, LoadError> {
    let source = Source {
        name: "vk.conf",
        text: text.as_bytes(),
        origin: Origin::File,
    };
    load(profile, &[source], &mut none)
}

fn compatible(text: &str) -> Loaded {
    load_text(Profile::Compatible, text).unwrap()
}

fn error(text: &str) -> String {
    load_text(Profile::Compatible, text)
        .unwrap_err()
        .to_string()
}

#[test]
fn lines_comments_quotes_and_cases() {
    let text = "# a comment\n\n  PORT 7000  \r\nlogfile \"a b\"\nbind 127.0.0.1 -::1\n\
                slave-priority 7\nmaxmemory-policy ALLKEYS-lru\nport 7001\n";
    let Loaded { config, warnings } = compatible(text);
    assert_eq!(config.int(network::PORT), 7001);
    assert_eq!(config.text(process::LOGFILE), "a b");
    assert_eq!(config.words(network::BIND), [&b"127.0.0.1"[..], b"-::1"]);
    assert_eq!(config.int(replication::REPLICA_PRIORITY), 7);
    assert_eq!(config.choice(limits::MAXMEMORY_POLICY), "allkeys-lru");
    assert_eq!(config.origin(network::PORT), Origin::File);
    let told: Vec<_> = warnings
        .iter()
        .map(|warning| (warning.directive, warning.line))
        .collect();
    assert_eq!(told, [("replica-priority", 6)]);
}

#[test]
fn errors_have_the_known_shape() {
    assert_eq!(
        error("hz 10\nfoo bar\n"),
        concat!(
            "\n*** FATAL CONFIG FILE ERROR (Verikey ",
            env!("CARGO_PKG_VERSION"),
            ") ***\nReading the configuration file, at line 2\n>>> 'foo bar'\n\
             Bad directive or wrong number of arguments (vk.conf)"
        )
    );
    for (text, reason) in [
        ("port 1 2", "wrong number of arguments"),
        ("port", "wrong number of arguments"),
        ("port \"1", "Unbalanced quotes in configuration line"),
        ("bind \"'a\"", "Unbalanced quotes in configuration line"),
        (
            "port 70000",
            "argument must be between 0 and 65535 inclusive",
        ),
        ("user", "Bad directive"),
        ("rename-command a", "Bad directive"),
        ("rename-command get b c", "Bad directive"),
        ("rename-command a b", "No such command in rename-command"),
        (
            "rename-command get x\nrename-command GET y",
            "No such command in rename-command",
        ),
        (
            "rename-command get SET",
            "Target command name already exists",
        ),
        ("include a b", "Bad directive"),
        ("loadmodule x.so", "native modules are not loaded"),
        ("search.x 1", "native modules are not supported"),
        (
            "sentinel monitor m 127.0.0.1 6379 2",
            "sentinel directive while not in sentinel mode",
        ),
        ("sentinel", "no Sentinel mode"),
        (
            "replicaof h 1\ncluster-enabled yes",
            "not allowed in cluster mode",
        ),
        (
            "dbfilename a/b",
            "dbfilename can't be a path, just a filename",
        ),
        ("port 1\0", "NUL byte"),
    ] {
        assert!(error(text).contains(reason), "{text}: {}", error(text));
    }
}

#[test]
fn secrets_are_not_shown() {
    for text in [
        "requirepass \"canary",
        "requirepass canary canary",
        "user",
        "\"MASTERAUTH\" canary x",
    ] {
        assert!(!error(text).contains("canary"), "{}", error(text));
    }
    assert!(error("requirepass \"canary").contains(">>> 'requirepass (redacted)'"));
    let loaded = compatible("user default >canary\nmasterauth canary\n");
    assert_eq!(loaded.warnings.len(), 2);
    assert!(
        loaded
            .warnings
            .iter()
            .all(|warning| !warning.to_string().contains("canary"))
    );
}

#[test]
fn save_lines_add_up_after_the_first() {
    let points =
        |text: &str| String::from_utf8(compatible(text).config.render(snapshot::SAVE)).unwrap();
    assert_eq!(points(""), "3600 1 300 100 60 10000");
    assert_eq!(points("save 900 1\nsave 60 5 30 2"), "900 1 60 5 30 2");
    assert_eq!(points("save 900 1\nsave \"\"\nsave 5 5"), "5 5");
    assert_eq!(points("save \"900 1\""), "900 1");
    assert_eq!(points("save \"\""), "");
    assert_eq!(compatible("save \"\"").warnings, []);
    assert_eq!(compatible("save 3600 1 300 100 60 10000").warnings, []);
    assert_eq!(compatible("save 900 1").warnings, []);
}

#[test]
fn later_sources_win() {
    let arguments = super::super::arguments_to_text(&["--port", "7000", "--save"]);
    let sources = [
        Source {
            name: "f",
            text: b"port 1\nsave 9 9\nhz 20",
            origin: Origin::File,
        },
        Source {
            name: "arguments",
            text: &arguments,
            origin: Origin::Arguments,
        },
    ];
    let Loaded { config, warnings } = load(Profile::Compatible, &sources, &mut none).unwrap();
    assert_eq!(config.int(network::PORT), 7000);
    assert_eq!(config.origin(network::PORT), Origin::Arguments);
    assert_eq!(config.origin(process::HZ), Origin::File);
    assert_eq!((config.save_points(), warnings), (&[][..], Vec::new()));
}

#[test]
fn includes_take_their_place() {
    let mut include = |pattern: &[u8]| match pattern {
        b"a" => Ok(alloc::vec![("A".to_string(), b"port 2\nhz 2".to_vec())]),
        b"none*" => Ok(Vec::new()),
        b"loop" => Ok(alloc::vec![("L".to_string(), b"include loop".to_vec())]),
        b"two" => Ok(alloc::vec![
            ("B".to_string(), b"port 3".to_vec()),
            ("C".to_string(), b"nonsense".to_vec()),
        ]),
        _ => Err("Fatal error, can't open config file".to_string()),
    };
    let mut read = |text: &str| {
        let source = Source {
            name: "f",
            text: text.as_bytes(),
            origin: Origin::File,
        };
        load(Profile::Compatible, &[source], &mut include)
    };
    let config = read("port 1\ninclude a\nhz 30\ninclude none*")
        .unwrap()
        .config;
    assert_eq!(
        (config.int(network::PORT), config.int(process::HZ)),
        (2, 30)
    );
    assert!(read("include loop").unwrap_err().reason.contains("16 deep"));
    assert!(
        read("include gone")
            .unwrap_err()
            .reason
            .contains("can't open")
    );
    let (file, line, text) = read("\ninclude two").unwrap_err().at.unwrap();
    assert_eq!((file.as_str(), line, text.as_str()), ("C", 1, "nonsense"));
}

#[test]
fn a_wide_tree_of_includes_ends() {
    let mut include = |_: &[u8]| {
        Ok(alloc::vec![
            ("x".to_string(), b"include x".to_vec()),
            ("y".to_string(), b"hz 1".to_vec()),
        ])
    };
    let text = "include x\n".repeat(2000);
    let source = Source {
        name: "f",
        text: text.as_bytes(),
        origin: Origin::File,
    };
    assert!(load(Profile::Compatible, &[source], &mut include).is_err());
}

#[test]
fn strict_refuses_what_it_cannot_guard() {
    let text = "cluster-enabled yes\nmin-replicas-to-write 1\nio-threads 4\nuser a on nopass\n";
    let refused = load_text(Profile::Strict, text).unwrap_err();
    let shown = refused.to_string();
    for part in [
        "vk.conf",
        "line 4",
        "'user'",
        "'cluster-enabled'",
        "'min-replicas-to-write'",
        "remove the line",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let loaded = compatible(text);
    assert_eq!(
        loaded
            .warnings
            .iter()
            .filter(|warning| warning.loud)
            .count(),
        3
    );
    assert_eq!(loaded.config.int(replication::MIN_REPLICAS_TO_WRITE), 1);
    assert!(load_text(Profile::Strict, "io-threads 4\nmaxmemory 0\nsave \"\"").is_ok());
}

#[test]
fn the_profile_may_be_named_anywhere() {
    let loaded = load_text(Profile::Compatible, "hz 5\nsecurity-profile STRICT").unwrap();
    assert_eq!(loaded.config.profile(), Profile::Strict);
    assert_eq!(loaded.config.int(network::PORT), 0);
    let loaded = load_text(Profile::Strict, "security-profile compatible").unwrap();
    assert_eq!(loaded.config.int(network::PORT), 6379);
    assert_eq!(
        loaded.config.choice(process::SECURITY_PROFILE),
        "compatible"
    );
}

#[test]
fn folders_build_on_each_other() {
    assert_eq!(compatible("dir a\ndir b").config.text(process::DIR), "a/b");
    assert_eq!(compatible("dir a\ndir /b").config.text(process::DIR), "/b");
}

/// The directives of the file that Redis 7.0 ships in Debian, without its comments.
const DISTRIBUTION_FILE: &str = include_str!("../../tests/data/redis-7.0-directives.conf");
/// The directives of the file that Valkey 8.0 ships, without its comments.
const STOCK_FILE: &str = include_str!("../../tests/data/valkey-8.0-directives.conf");

#[test]
fn stock_files_load_in_both_profiles() {
    for (text, quiet) in [
        (DISTRIBUTION_FILE, &["replica-lazy-flush"][..]),
        (STOCK_FILE, &[]),
    ] {
        let loaded = compatible(text);
        let told: Vec<_> = loaded
            .warnings
            .iter()
            .map(|warning| warning.directive)
            .collect();
        assert_eq!(told, quiet);
        assert!(load_text(Profile::Strict, text).is_ok());
    }
}
