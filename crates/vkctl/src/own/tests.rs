//! Command lines under our own name and what they become.
#![expect(clippy::unwrap_used, reason = "tests")]

use clap::CommandFactory;

use super::*;
use crate::aof::Mend;
use crate::backup::{BackupJob, Drill};
use crate::health::Probe;
use crate::options::{OutputMode, ProtocolChoice};
use crate::rdb::{DumpForm, RdbJob, Version};
use crate::sealed::KeySource;

fn parse(arguments: &[&str]) -> Result<(Options, Vec<Vec<u8>>), UsageError> {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    super::parse(&arguments)
}

fn options(arguments: &[&str]) -> Options {
    parse(arguments).unwrap().0
}

fn message(arguments: &[&str]) -> String {
    parse(arguments).unwrap_err().to_string()
}

fn page(arguments: &[&str]) -> String {
    match options(arguments).mode {
        Mode::Say { text } => text,
        other => format!("no page: {other:?}"),
    }
}

#[test]
fn the_declaration_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn the_command_begins_at_the_first_word() {
    let (options, command) = parse(&["-h", "db", "-p", "7000", "set", "-x", "--tls"]).unwrap();
    assert_eq!(
        (options.host.as_deref(), options.port),
        (Some("db"), Some(7000))
    );
    assert!(!options.stdin_last_argument && !options.tls.enabled);
    assert_eq!(
        command,
        [b"set".to_vec(), b"-x".to_vec(), b"--tls".to_vec()]
    );
    let (options, command) = parse(&["-n", "3", "SET", "k", "-v", "--", "--help"]).unwrap();
    assert_eq!((options.database, command.len()), (3, 5));
    let (_, command) = parse(&["--", "health", "--live"]).unwrap();
    assert_eq!(command, [b"health".to_vec(), b"--live".to_vec()]);
}

#[test]
fn arguments_of_a_command_may_be_any_bytes() {
    let key = OsString::from_vec(vec![0xff, b'\n']);
    let (_, command) = super::parse(&["get".into(), key.clone()]).unwrap();
    assert_eq!(command.get(1), Some(&key.clone().into_vec()));
    let (options, _) = super::parse(&["-a".into(), key.clone()]).unwrap();
    assert_eq!(options.password, Some(Secret::new(key.into_vec())));
}

#[test]
fn values_may_begin_with_a_hyphen_where_they_have_a_meaning() {
    assert_eq!(options(&["-r", "-1", "ping"]).repeat, -1);
    assert_eq!(options(&["-n", "-1"]).database, -1);
    assert_eq!(
        options(&["-a", "-p"]).password,
        Some(Secret::new(b"-p".to_vec()))
    );
    assert_eq!(options(&["-d", "--", "get", "k"]).element_delimiter, b"--");
    assert_eq!(options(&["-D", ""]).reply_delimiter, b"");
    assert_eq!(
        options(&["--scan", "--pattern", "-*"]).pattern.unwrap(),
        b"-*"
    );
    let line = b"-x".to_vec();
    assert_eq!(
        options(&["--test_hint", "-x"]).mode,
        Mode::TestHint { line }
    );
}

#[test]
fn mistakes_are_one_line_that_names_them() {
    for (arguments, names) in [
        (&["--no-such"][..], &["'--no-such'", "see vkctl --help"][..]),
        (&["--no-rwa"], &["'--no-rwa'", "did you mean '--no-raw'?"]),
        (&["-X"], &["'-X <TAG>'"]),
        (&["-p", "70000"], &["'70000'", "--port"]),
        (&["-p", "-1"], &["'-1'", "--port"]),
        (&["-t", "-1"], &["'-1'", "--timeout", "negative"]),
        (&["-i", "nan"], &["'nan'", "-i <SECONDS>"]),
        (&["-r", "99999999999999999999"], &["-r <COUNT>"]),
        (&["--count", "-1"], &["'-1'", "--count"]),
        (&["--show-pushes", "perhaps"], &["'perhaps'", "yes|no"]),
        (&["-x", "-X", "t"], &["'-x'", "'-X <TAG>'"]),
        (&["-c", "-s", "p"], &["'-c'", "--socket"]),
        (&["-2", "-3"], &["'-2'", "'-3'"]),
        (&["-4", "-6"], &["'-4'", "'-6'"]),
        (&["--scan", "--stat"], &["'--scan'", "'--stat'"]),
        (&["--scan", "--latency-history"], &["--latency-history"]),
        (&["--quoted-pattern", "\"a"], &["--quoted-pattern"]),
        (&["--eval", "f", "help"], &["--"]),
        (&["-u", "http://h"], &["Invalid URI scheme"]),
        (&["health"], &["--live", "--ready"]),
        (&["health", "--live", "--ready"], &["'--live'", "'--ready'"]),
        (&["health", "--live", "now"], &["'now'"]),
        (&["connect"], &["--for <CLIENT>"]),
        (
            &["connect", "--for", "cobol"],
            &["'cobol'", "redis-py", "StackExchange.Redis"],
        ),
        (&["--\x1b[2J\x07\n\u{9b}x"], &["unexpected argument"]),
    ] {
        let text = message(arguments);
        for name in names {
            assert!(text.contains(name), "{arguments:?}: {text}");
        }
        assert!(
            !text.chars().any(char::is_control),
            "{arguments:?}: {text:?}"
        );
    }
}

#[test]
fn a_megabyte_of_name_is_refused_shortly() {
    let long = "n".repeat(1024 * 1024);
    for option in ["-h", "--user", "-s", "--sni"] {
        let text = message(&[option, &long]);
        assert!(text.contains("longer than 1024 bytes"), "{option}");
        assert!(text.len() < 512, "{option}: {}", text.len());
    }
    let uri = format!("valkey://{long}");
    assert!(message(&["-u", &uri]).contains("longer than 1024 bytes"));
    for unknown in [format!("--{long}"), format!("-p{long}")] {
        assert!(message(&[&unknown]).len() < 512);
    }
}

#[test]
fn no_message_repeats_a_password() {
    assert!(!message(&["-u", "redis://u:hunter2@h:x"]).contains("hunter2"));
    assert!(!message(&["-a", "hunter2", "-X"]).contains("hunter2"));
}

#[test]
fn options_win_over_the_parts_of_a_uri() {
    let (options, _) = parse(&["-p", "7", "-u", "rediss://u:p@h:6/5", "--user", "v"]).unwrap();
    assert_eq!(
        (options.host.as_deref(), options.port),
        (Some("h"), Some(7))
    );
    assert_eq!((options.user.as_deref(), options.database), (Some("v"), 5));
    assert_eq!(options.password, Some(Secret::new(b"p".to_vec())));
    assert!(options.tls.enabled);
}

#[test]
fn of_several_outputs_the_last_one_counts() {
    assert_eq!(
        options(&["--json", "--raw", "--csv"]).output,
        Some(OutputMode::Csv)
    );
    assert_eq!(
        options(&["--csv", "--no-raw"]).output,
        Some(OutputMode::Standard)
    );
    assert_eq!(
        options(&["-p", "1", "-p", "2", "--tls", "--tls"]).port,
        Some(2)
    );
}

#[test]
fn json_prefers_resp3_unless_told() {
    assert_eq!(options(&["--json"]).protocol, ProtocolChoice::PreferResp3);
    assert_eq!(options(&["--json", "-2"]).protocol, ProtocolChoice::Resp2);
    assert_eq!(
        options(&["-3", "--quoted-json"]).protocol,
        ProtocolChoice::Resp3
    );
    assert_eq!(
        options(&["--json", "--raw"]).protocol,
        ProtocolChoice::Unset
    );
}

#[test]
fn jobs() {
    assert_eq!(
        options(&["--latency", "--latency-history"]).mode,
        Mode::Latency { history: true }
    );
    let samples = ["--memkeys", "--memkeys-samples", "5"];
    assert_eq!(options(&samples).mode, Mode::MemKeys { samples: 5 });
    let (options, words) = parse(&["--eval", "f.lua", "k", ",", "-a"]).unwrap();
    let path = "f.lua".to_owned();
    assert_eq!((options.mode, words.len()), (Mode::Eval { path }, 3));
    let (options, _) = parse(&["--scan", "--count", "7"]).unwrap();
    assert_eq!((options.mode, options.count), (Mode::Scan, 7));
}

#[test]
fn our_own_commands_take_options_on_both_sides() {
    let words = [
        "-p", "7", "health", "--ready", "-h", "db", "--tls", "-t", "0.5", "-a", "-x",
    ];
    let options_ = options(&words);
    assert_eq!(
        options_.mode,
        Mode::Health {
            probe: Probe::Ready
        }
    );
    assert_eq!(
        (options_.host.as_deref(), options_.port),
        (Some("db"), Some(7))
    );
    assert!(options_.tls.enabled && options_.password.is_some());
    assert_eq!(options_.connect_timeout, Some(Duration::from_millis(500)));
    let words = [
        "connect",
        "--cacert",
        "/ca",
        "--for",
        "stackexchange.redis",
        "--user",
        "u",
    ];
    let options = options(&words);
    assert_eq!(options.tls.ca_file.as_deref(), Some("/ca"));
    let Mode::Connect { client } = options.mode else {
        unreachable!()
    };
    assert_eq!(client.name, "StackExchange.Redis");
}

#[test]
fn commands_for_files() {
    let path = std::path::PathBuf::from("f");
    let mode = options(&["rdb", "check", "f", "--key-file", "k"]).mode;
    let keys = KeySource {
        key_file: Some("k".into()),
        passphrase_file: None,
    };
    assert_eq!(mode, Mode::Rdb(RdbJob::Check { path, keys }));
    let words = [
        "rdb",
        "dump",
        "-n",
        "3",
        "--pattern",
        "-*",
        "--type",
        "set",
        "f",
    ];
    let Mode::Rdb(RdbJob::Dump { filter, form, .. }) = options(&words).mode else {
        unreachable!()
    };
    assert_eq!((filter.database, form), (Some(3), DumpForm::Text));
    assert_eq!(filter.pattern.as_deref(), Some(&b"-*"[..]));
    let Mode::Rdb(RdbJob::Convert(convert)) = options(&["rdb", "convert", "a", "b"]).mode else {
        unreachable!()
    };
    assert!(convert.compresses && convert.sums);
    assert_eq!(convert.version, Version::AsServer);
    let words = ["aof", "check", "--truncate-to", "7", "--no-copy", "f"];
    let Mode::Aof(job) = options(&words).mode else {
        unreachable!()
    };
    assert_eq!(job.mend, Mend::TruncateTo(7));
    assert!(!job.manner.keeps_tail && !job.manner.is_agreed);
    let words = ["-p", "7", "backup", "create", "--drill", "f", "--user", "u"];
    let made = options(&words);
    assert_eq!((made.port, made.user.as_deref()), (Some(7), Some("u")));
    let Mode::Backup(BackupJob::Create(job)) = made.mode else {
        unreachable!()
    };
    assert_eq!(job.drill, Some(Drill::default()));
    for (arguments, names) in [
        (&["rdb"][..], &["command is missing"][..]),
        (&["rdb", "chekc", "f"], &["'chekc'", "'check'"]),
        (
            &["rdb", "convert", "--rdb-version", "x", "a", "b"],
            &["'x'", "oldest"],
        ),
        (&["rdb", "dump", "--type", "tree", "f"], &["'tree'", "zset"]),
        (
            &["aof", "check", "--fix", "--truncate-to", "7", "f"],
            &["--fix"],
        ),
        (
            &["aof", "check", "--truncate-to", "0", "f"],
            &["'0'", "--truncate-to"],
        ),
        (&["backup", "create", "f", "--vkd", "p"], &["--drill"]),
        (&["backup", "restore", "f"], &["--data-dir"]),
    ] {
        let text = message(arguments);
        for name in names {
            assert!(text.contains(name), "{arguments:?}: {text}");
        }
    }
}

#[test]
fn pages_of_help() {
    let whole = page(&["--help"]);
    assert_eq!(whole, page(&["-h"]));
    assert_eq!(whole, page(&["help"]));
    assert_eq!(whole, page(&["--tls", "-h"]));
    for text in [
        "-h, --host <HOST>",
        "--quoted-json",
        "health",
        "connect",
        "VKCTL_AUTH",
        "rdb",
        "aof",
        "backup",
    ] {
        assert!(whole.contains(text), "{text}: {whole}");
    }
    let tail = whole.rfind("Print the version");
    assert!(tail < whole.find("Connection:"), "{whole}");
    assert!(!whole.contains("test_hint") && !whole.contains('\x1b'));
    assert!(whole.lines().all(|line| line.len() <= 100), "{whole}");
    assert!(page(&["health", "--help"]).contains("--live"));
    assert!(page(&["rdb", "--help"]).contains("convert"));
    let convert = page(&["help", "rdb", "convert"]);
    assert!(convert.contains("--no-checksum"), "{convert}");
    assert_eq!(page(&["help", "connect"]), page(&["connect", "--help"]));
    assert_eq!(page(&["--version"]), format!("vkctl {VERIKEY}\n"));
    assert_eq!(page(&["-v"]), page(&["-V"]));
    let (_, command) = parse(&["-p", "7", "help", "config", "set"]).unwrap();
    assert_eq!(
        command,
        [b"help".to_vec(), b"config".to_vec(), b"set".to_vec()]
    );
}

#[test]
fn completions_know_options_and_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = page(&["completions", shell]);
        for word in [
            "quoted-json",
            "health",
            "ready",
            "truncate-to",
            "no-checksum",
        ] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(page(&["completions", "bash"]).contains("redis-py"));
    assert!(message(&["completions", "cmd"]).contains("zsh"));
}
