//! Encryption at rest of the real server: nothing in its folder tells what it holds, and it does
//! not start with other files than it has written.

use crate::{info, simple, text};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use vk_compat::{Client, TempDir};
use vk_tests::{Launch, run_bounded, vkctl, wait_until};

pub(crate) const TIME: Duration = Duration::from_secs(30);
const MARKER: &str = "a-text-that-must-not-be-seen-in-any-file";

/// A folder with a key file in it.
pub(crate) fn key(byte: &str) -> (TempDir, String) {
    let folder = TempDir::new("keys").unwrap();
    let path = folder.path().join("key");
    fs::write(&path, byte.repeat(32)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

pub(crate) fn launch(key: &str, more: &[&str]) -> Launch {
    Launch::compatible(&["--enable-debug-command", "yes", "--save", ""])
        .args(&["--at-rest-encryption", "yes", "--at-rest-key-file", key])
        .args(more)
}

pub(crate) fn fill(client: &mut Client) {
    for number in 0..3000 {
        client
            .run(&format!("SET {MARKER}:{number} {MARKER}-{number}"))
            .unwrap();
    }
    client.run(&format!("SADD set {MARKER} other")).unwrap();
}

pub(crate) fn digest(client: &mut Client) -> String {
    text(&client.run("DEBUG DIGEST").unwrap())
}

pub(crate) fn loaded(client: &mut Client) {
    wait_until("loaded", TIME, || info(client, "loading") == "0");
}

/// All files below a folder, but for the server's output.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().unwrap() != "output.log" {
            found.push(path);
        }
    }
    found
}

fn tells_nothing(folder: &Path) {
    let files = files(folder);
    assert!(files.len() >= 2, "{files:?}");
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let part = &MARKER.as_bytes()[..12];
        let is_seen = bytes.windows(part.len()).any(|bytes| bytes == part);
        assert!(!is_seen, "{}", path.display());
    }
}

#[test]
fn an_encrypted_snapshot_comes_back() {
    let (_keys, key) = key("11");
    for command in ["SAVE", "BGSAVE", "SHUTDOWN SAVE"] {
        let mut server = launch(&key, &[]).start();
        let mut client = server.client();
        fill(&mut client);
        assert_eq!(info(&mut client, "at_rest_encryption"), "1");
        let before = digest(&mut client);
        if command == "SHUTDOWN SAVE" {
            client.send_raw(b"SHUTDOWN SAVE\r\n").unwrap();
        } else {
            client.run(command).unwrap();
            wait_until(command, TIME, || info(&mut client, "rdb_saves") == "1");
            client.send_raw(b"SHUTDOWN NOSAVE\r\n").unwrap();
        }
        assert_eq!(server.wait_for_end(), 0);
        let stopped = server.stop();
        tells_nothing(stopped.folder());
        let server = stopped.start();
        let mut client = server.client();
        loaded(&mut client);
        assert_eq!(digest(&mut client), before, "{command}");
        assert_eq!(client.run("DEBUG RELOAD").unwrap(), simple("OK"));
        assert_eq!(digest(&mut client), before, "{command}");
    }
}

#[test]
fn a_start_with_other_files_is_refused_by_name() {
    let (_keys, right) = key("11");
    let (_others, wrong) = key("22");
    let mut server = launch(&right, &[]).start();
    let mut client = server.client();
    fill(&mut client);
    client.run("SAVE").unwrap();
    let dump = server.folder().join("dump.rdb");
    let older = fs::read(&dump).unwrap();
    client.run("SAVE").unwrap();
    let newest = fs::read(&dump).unwrap();
    client.send_raw(b"SHUTDOWN NOSAVE\r\n").unwrap();
    assert_eq!(server.wait_for_end(), 0);
    let mut stopped = server.stop();
    let refuse = |launch: &Launch, part: &str| {
        let ended = launch.run();
        assert_eq!(ended.code, 1, "{}", ended.output);
        ended.line_with(&[part]);
    };
    stopped = stopped.args(&["--at-rest-key-file", &wrong]);
    refuse(&stopped, "dataset.seal needs the key");
    stopped = stopped.args(&["--at-rest-key-file", &right]);
    let mut changed = newest.clone();
    changed[newest.len() / 2] ^= 1;
    fs::write(&dump, changed).unwrap();
    refuse(&stopped, "dump.rdb was changed");
    fs::write(&dump, &older).unwrap();
    refuse(&stopped, "dump.rdb is not the last snapshot");
    fs::write(&dump, b"REDIS0011").unwrap();
    refuse(&stopped, "dump.rdb is not encrypted");
    fs::remove_file(&dump).unwrap();
    refuse(&stopped, "dump.rdb is missing");
    fs::write(&dump, &newest).unwrap();
    let server = stopped.start();
    loaded(&mut server.client());
}

#[test]
fn plain_becomes_encrypted_and_back() {
    let (_keys, key) = key("11");
    let mut server = launch(&key, &["--at-rest-encryption", "no"]).start();
    let mut client = server.client();
    fill(&mut client);
    let before = digest(&mut client);
    for (encryption, more) in [("yes", "yes"), ("no", "no")] {
        client.run("SAVE").unwrap();
        client.send_raw(b"SHUTDOWN NOSAVE\r\n").unwrap();
        assert_eq!(server.wait_for_end(), 0);
        server = server
            .stop()
            .args(&["--at-rest-encryption", encryption])
            .args(&["--at-rest-accept-plain", more])
            .start();
        client = server.client();
        loaded(&mut client);
        assert_eq!(digest(&mut client), before);
    }
    client.run("SAVE").unwrap();
    let dump = fs::read(server.folder().join("dump.rdb")).unwrap();
    assert!(dump.starts_with(b"REDIS") || dump.starts_with(b"VALKEY"));
}

#[test]
fn vkctl_looks_after_the_keys() {
    let (_keys, old) = key("11");
    let (_others, new) = key("22");
    let mut server = launch(&old, &[]).start();
    let mut client = server.client();
    fill(&mut client);
    let before = digest(&mut client);
    client.run("SAVE").unwrap();
    let folder = server.folder().display().to_string();
    let keys = |words: &[&str]| {
        let mut command = Command::new(vkctl());
        run_bounded(command.arg("keys").args(words).arg(&folder), "")
    };
    let rotate = ["rotate", "--key-file", &new, "--old-key-file", &old];
    let ended = keys(&rotate);
    assert_ne!(ended.code, 0);
    ended.line_with(&["dataset.lock", "a server uses this folder"]);
    client.send_raw(b"SHUTDOWN NOSAVE\r\n").unwrap();
    assert_eq!(server.wait_for_end(), 0);
    let stopped = server.stop();
    let ended = keys(&["verify", "--key-file", &old]);
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["dump.rdb: authentic and whole"]);
    // Root exchanges keys for the user of the server.
    let dump = stopped.folder().join("dump.rdb");
    stopped.give_away(&dump);
    let owner = || fs::metadata(&dump).unwrap().uid();
    let before_owner = owner();
    let ended = keys(&rotate);
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["2 of 2 files"]);
    assert_eq!(owner(), before_owner);
    keys(&rotate).line_with(&["0 of 2 files"]);
    keys(&["status"]).line_with(&["dump.rdb: a snapshot, generation 1"]);
    let ended = keys(&["verify", "--key-file", &old]);
    assert_ne!(ended.code, 0);
    ended.line_with(&["needs the key"]);
    assert_eq!(keys(&["verify", "--key-file", &new]).code, 0);
    let server = stopped.args(&["--at-rest-key-file", &new]).start();
    let mut client = server.client();
    loaded(&mut client);
    assert_eq!(digest(&mut client), before);
}

/// The kernel gives what it tells of a process that may not be dumped to root.
fn is_shut(pid: u32) -> bool {
    fs::metadata(format!("/proc/{pid}/stat")).unwrap().uid() == 0
}

#[test]
fn a_server_with_keys_is_not_dumped_and_still_sets_its_score() {
    let (keys, key) = key("11");
    let scores = [
        "--oom-score-adj",
        "absolute",
        "--oom-score-adj-values",
        "11 12 13",
    ];
    let launch = Launch::strict(&scores);
    launch.give_away(keys.path());
    launch.give_away(Path::new(&key));
    let score = |pid: u32| fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
    let server = launch.start_tls();
    assert!(!is_shut(server.pid()));
    assert_eq!(score(server.pid()), "11\n");
    let sealed = ["--at-rest-encryption", "yes", "--at-rest-key-file", &key];
    // The first one has left a plain snapshot.
    let accepts = ["--at-rest-accept-plain", "yes"];
    let server = server.stop().args(&sealed).args(&accepts).start_tls();
    assert!(is_shut(server.pid()));
    assert_eq!(score(server.pid()), "11\n");
}

/// The increment with the greatest number.
pub(crate) fn last_increment(folder: &Path) -> PathBuf {
    let mut found: Vec<(usize, PathBuf)> = files(&folder.join("appendonlydir"))
        .into_iter()
        .filter(|path| path.display().to_string().ends_with(".incr.aof"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let number = name.trim_start_matches("appendonly.aof.");
            let number = number.trim_end_matches(".incr.aof");
            (number.parse().unwrap(), path)
        })
        .collect();
    found.sort();
    found.pop().unwrap().1
}

#[test]
fn an_encrypted_log_survives_kills_and_rewrites() {
    let (_keys, key) = key("11");
    for preamble in ["yes", "no"] {
        let more = ["--appendonly", "yes", "--aof-use-rdb-preamble", preamble];
        let mut server = launch(&key, &more).start();
        let mut client = server.client();
        fill(&mut client);
        for round in 0..3 {
            if round == 1 {
                client.run("BGREWRITEAOF").unwrap();
                wait_until("rewritten", TIME, || {
                    info(&mut client, "aof_rewrites") == "1"
                });
            }
            client.run(&format!("APPEND {MARKER} {round}")).unwrap();
            let before = digest(&mut client);
            server.signal(Signal::KILL);
            server.wait_for_end();
            let stopped = server.relaunch();
            tells_nothing(stopped.folder());
            server = stopped.start();
            client = server.client();
            loaded(&mut client);
            assert_eq!(digest(&mut client), before, "{preamble} {round}");
        }
    }
}

#[test]
fn a_log_that_was_changed_or_cut_off_is_refused_by_name() {
    let (_keys, key) = key("11");
    let mut server = launch(&key, &["--appendonly", "yes"]).start();
    let mut client = server.client();
    for number in 0..10 {
        client.run(&format!("SET {number} {MARKER}")).unwrap();
    }
    server.signal(Signal::KILL);
    server.wait_for_end();
    let stopped = server.relaunch();
    // What was being written when the process was killed may be torn: it was not acknowledged.
    let last = last_increment(stopped.folder());
    let whole = fs::read(&last).unwrap();
    fs::write(&last, &whole[..whole.len() - 3]).unwrap();
    let mut server = stopped.start();
    let mut client = server.client();
    loaded(&mut client);
    assert_eq!(client.run("DBSIZE").unwrap(), vk_resp::Reply::Int(9));
    client.run(&format!("SET new {MARKER}")).unwrap();
    client.send_raw(b"SHUTDOWN\r\n").unwrap();
    assert_eq!(server.wait_for_end(), 0);
    let stopped = server.stop();
    let refuse = |part: &[&str]| {
        let ended = stopped.run();
        assert_eq!(ended.code, 1, "{}", ended.output);
        ended.line_with(part);
    };
    let last = last_increment(stopped.folder());
    let name = last.file_name().unwrap().to_str().unwrap().to_owned();
    let whole = fs::read(&last).unwrap();
    // An orderly end: nothing of it may be missing any more.
    fs::write(&last, &whole[..128]).unwrap();
    refuse(&[&name, "was cut off"]);
    let mut changed = whole.clone();
    changed[whole.len() - 5] ^= 1;
    fs::write(&last, changed).unwrap();
    refuse(&[&name, "was changed"]);
    fs::remove_file(&last).unwrap();
    refuse(&[&name, "doesn't exist"]);
    fs::write(&last, &whole).unwrap();
    let list = stopped
        .folder()
        .join("appendonlydir/appendonly.aof.manifest");
    let text = fs::read(&list).unwrap();
    fs::remove_file(&list).unwrap();
    refuse(&["appendonly.aof.manifest is missing"]);
    let mut shorter = text.clone();
    shorter.drain(..text.iter().position(|byte| *byte == b'\n').unwrap() + 1);
    fs::write(&list, shorter).unwrap();
    refuse(&["appendonly.aof.manifest was changed"]);
    fs::write(&list, text).unwrap();
    let server = stopped.start();
    let mut client = server.client();
    loaded(&mut client);
    assert_eq!(client.run("DBSIZE").unwrap(), vk_resp::Reply::Int(10));
}

#[test]
fn a_plain_log_becomes_encrypted_and_back() {
    let (_keys, key) = key("11");
    let mut server = launch(&key, &["--at-rest-encryption", "no", "--appendonly", "yes"]).start();
    let mut client = server.client();
    fill(&mut client);
    let before = digest(&mut client);
    for (encryption, accepts) in [("yes", "yes"), ("yes", "no"), ("no", "no")] {
        client.send_raw(b"SHUTDOWN\r\n").unwrap();
        assert_eq!(server.wait_for_end(), 0);
        server = server
            .stop()
            .args(&["--at-rest-encryption", encryption])
            .args(&["--at-rest-accept-plain", accepts])
            .start();
        client = server.client();
        loaded(&mut client);
        assert_eq!(digest(&mut client), before, "{encryption} {accepts}");
        client.run("BGREWRITEAOF").unwrap();
        wait_until("rewritten", TIME, || {
            info(&mut client, "aof_rewrites") == "1"
        });
        wait_until("pruned", TIME, || {
            files(&server.folder().join("appendonlydir")).len() == 3
        });
        if encryption == "yes" {
            tells_nothing(server.folder());
        }
    }
    client.send_raw(b"SHUTDOWN\r\n").unwrap();
    assert_eq!(server.wait_for_end(), 0);
    let server = server.stop().args(&["--at-rest-key-file", ""]).start();
    let mut client = server.client();
    loaded(&mut client);
    assert_eq!(digest(&mut client), before);
}
