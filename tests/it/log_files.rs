//! The tool for append-only files: it says of them what the original says, cuts only what may be
//! cut, and agrees with the server.

use crate::files::{assert_parts, fill, path, redis_file, run, run_as};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use vk_compat::TempDir;
use vk_resp::encode_command;
use vk_tests::{Ended, Launch, run_bounded};

fn command(words: &[&str]) -> Vec<u8> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    encode_command(&words)
}

/// The files of a log.
struct Log {
    folder: TempDir,
}

impl Log {
    /// A base and an increment with these bytes.
    fn new(base: &[u8], increment: &[u8]) -> Self {
        let log = Self {
            folder: TempDir::new("it").unwrap(),
        };
        fs::write(log.file("appendonly.aof.1.base.aof"), base).unwrap();
        fs::write(log.increment(), increment).unwrap();
        fs::write(
            log.list(),
            "file appendonly.aof.1.base.aof seq 1 type b\n\
             file appendonly.aof.1.incr.aof seq 1 type i\n",
        )
        .unwrap();
        log
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn increment(&self) -> PathBuf {
        self.file("appendonly.aof.1.incr.aof")
    }

    fn list(&self) -> String {
        path(&self.folder, "appendonly.aof.manifest")
    }
}

fn sets(names: &[&str]) -> Vec<u8> {
    names
        .iter()
        .flat_map(|name| command(&["SET", name, "v"]))
        .collect()
}

/// The lines without folders and places: the original counts lines over all files, and names the
/// word where we name the command.
fn comparable(ended: &Ended, log: &Log) -> Vec<String> {
    let folder = format!("{}/", log.folder.path().display());
    let lines = ended.output.lines().map(|line| {
        let line = line.replace(&folder, "");
        let line = line.split(", ok_up_to_line=").collect::<Vec<_>>();
        let rest = line.get(1).and_then(|rest| rest.split_once(','));
        match (line[0].split_once(": "), rest) {
            (Some((place, text)), _) if place.starts_with("0x") => text.to_owned(),
            (_, Some((_, rest))) => format!("{}{rest}", line[0]),
            _ => line[0].to_owned(),
        }
    });
    lines.collect()
}

#[test]
fn a_log_is_checked_as_the_original_checks_it() {
    let short = &sets(&["c"])[..20];
    let multi = [sets(&["a"]), command(&["MULTI"]), sets(&["b"])].concat();
    let lone = [sets(&["a"]), command(&["EXEC"]), sets(&["b"])].concat();
    let bad = [&sets(&["a"])[..], b"!!!"].concat();
    let (_folder, snapshot) = redis_file();
    let snapshot = fs::read(&snapshot).unwrap();
    let behind = [&snapshot[..], &sets(&["a"])].concat();
    let good = sets(&["a", "b"]);
    for (base, increment) in [
        (&good[..], &good[..]),
        (&good, b""),
        (b"", &good),
        (&behind, &good),
        (&good, &multi),
        (&good, &lone),
        (&good, &bad),
        (&bad, &good),
        (&snapshot[..50], &good),
    ] {
        let log = Log::new(base, increment);
        let mut peer = Command::new("redis-check-aof");
        let peer = run_bounded(peer.arg(log.list()), "");
        let ours = run_as("redis-check-aof", &[&log.list()], "");
        assert_eq!(ours.code, peer.code, "{}", ours.output);
        // What it says of a broken snapshot has details of its own.
        if base.len() != 50 {
            assert_eq!(comparable(&ours, &log), comparable(&peer, &log));
        }
    }
    let log = Log::new(&good, &[&good[..], short].concat());
    let ended = run_as("valkey-check-aof", &[&log.list()], "");
    assert_eq!(ended.code, 1);
    let parts = [
        "Start checking Multi Part AOF",
        "BASE AOF appendonly.aof.1.base.aof is valid",
        "Unexpected end of file",
        "size=74, ok_up_to=54, ok_up_to_line=20, diff=20",
        "is not valid. Use the --fix option",
    ];
    assert_parts(&ended, &parts);
    let single = run_as(
        "valkey-check-aof",
        &[&log.increment().display().to_string()],
        "",
    );
    assert_parts(&single, &["Start checking Old-Style AOF", "is not valid"]);
    // A log of commands that look like a list is a log.
    let likeness = command(&["set", "file", "file a seq 1 type b"]);
    fs::write(log.increment(), [b"#TS:1\r\n", &likeness[..]].concat()).unwrap();
    let single = run_as(
        "valkey-check-aof",
        &[&log.increment().display().to_string()],
        "",
    );
    assert_eq!(single.code, 0, "{}", single.output);
}

#[test]
fn a_log_is_mended_after_a_yes() {
    let good = sets(&["a", "b"]);
    let cut = [&good[..], &sets(&["c"])[..20]].concat();
    let log = Log::new(&good, &cut);
    let list = log.list();
    let refused = run_as("valkey-check-aof", &["--fix", &list], "n\n");
    assert_eq!(refused.code, 1);
    assert_parts(
        &refused,
        &["from 74 bytes, with 20 bytes, to 54 bytes", "Aborting..."],
    );
    assert_eq!(fs::read(log.increment()).unwrap(), cut);
    let mended = run_as("valkey-check-aof", &["--fix", &list], "y\n");
    assert_eq!(mended.code, 0, "{}", mended.output);
    let parts = [
        "Continue? [y/N]: ",
        "Successfully truncated AOF",
        "All AOF files",
    ];
    assert_parts(&mended, &parts);
    assert_eq!(fs::read(log.increment()).unwrap(), good);
    assert_eq!(fs::read_dir(log.folder.path()).unwrap().count(), 3);
    assert_eq!(run(&["aof", "check", &list]).code, 0);
    // Under our own name what is cut off is kept, and a folder will do.
    fs::write(log.increment(), &cut).unwrap();
    let folder = log.folder.path().display().to_string();
    let mended = run(&["aof", "check", "--fix", "--yes", &folder]);
    assert_eq!(mended.code, 0, "{}", mended.output);
    let kept = log.file("appendonly.aof.1.incr.aof.cut-at-54");
    assert_eq!(fs::read(kept).unwrap(), cut[54..]);
    assert_eq!(fs::read(log.increment()).unwrap(), good);
    // Only the last file is ever cut.
    let log = Log::new(&cut, &good);
    let refused = run_as("valkey-check-aof", &["--fix", &log.list()], "y\n");
    assert_eq!(refused.code, 1);
    assert!(refused.output.contains("because it is not the last file"));
    assert_eq!(
        fs::read(log.file("appendonly.aof.1.base.aof")).unwrap(),
        cut
    );
}

#[test]
fn a_log_is_cut_at_a_time() {
    let note = |time: u32| format!("#TS:{time}\r\n").into_bytes();
    let parts = [note(100), sets(&["a"]), note(200), sets(&["b"])];
    let all = parts.concat();
    let early = parts[..2].concat();
    for (time, left, line) in [
        (99, &all, "has nothing before timestamp 99, aborting..."),
        (100, &early, "Successfully truncated AOF"),
        (199, &early, "Successfully truncated AOF"),
        (200, &all, "Truncate nothing in AOF"),
    ] {
        let log = Log::new(b"", &all);
        let time = time.to_string();
        let ended = run_as(
            "valkey-check-aof",
            &["--truncate-to-timestamp", &time, &log.list()],
            "",
        );
        assert_parts(&ended, &[line]);
        assert_eq!(ended.code, i32::from(line.contains("aborting")), "{time}");
        assert_eq!(&fs::read(log.increment()).unwrap(), left, "{time}");
        let own = Log::new(b"", &all);
        let ended = run(&["aof", "check", "--truncate-to", &time, &own.list()]);
        assert_parts(&ended, &[line]);
        assert_eq!(&fs::read(own.increment()).unwrap(), left, "{time}");
    }
    let log = Log::new(&all, &all);
    let ended = run(&["aof", "check", "--truncate-to", "150", &log.list()]);
    assert_eq!(ended.code, 1);
    assert_parts(
        &ended,
        &["Failed to truncate AOF", "because it is not the last file"],
    );
    assert_eq!(
        fs::read(log.file("appendonly.aof.1.base.aof")).unwrap(),
        all
    );
}

#[test]
fn a_log_of_a_server_is_right_and_strange_commands_are_not() {
    let launch = Launch::compatible(&["--appendonly", "yes", "--aof-timestamp-enabled", "yes"]);
    let server = launch.start();
    let mut client = server.client();
    fill(&mut client);
    client.run("MULTI").unwrap();
    client.run("SET x 1").unwrap();
    client.run("SET y 1").unwrap();
    client.run("EXEC").unwrap();
    let folder = server.folder().join("appendonlydir").display().to_string();
    // Its folder goes with it.
    let _launch = server.stop();
    let ended = run(&["aof", "check", &folder]);
    assert_eq!(ended.code, 0, "{}", ended.output);
    assert_parts(
        &ended,
        &[" transactions", "times are noted from", "All AOF files"],
    );
    let log = Log::new(&sets(&["a"]), &command(&["NOSUCHCOMMAND", "a"]));
    let ended = run(&["aof", "check", &log.list()]);
    assert_eq!(ended.code, 1);
    assert_parts(&ended, &["does not know", "'NOSUCHCOMMAND' at offset 0"]);
    let theirs = run_as("valkey-check-aof", &[&log.list()], "");
    assert_eq!(theirs.code, 0, "{}", theirs.output);
}
