//! The tools for encrypted files of the real server: a folder is compared with what its signed
//! texts say, an encrypted log is checked and cut off, and a server loads an encrypted backup.

use crate::sealed::{TIME, digest, files, fill, key, last_increment, launch, loaded};
use crate::{info, simple};
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vk_compat::{Client, TempDir};
use vk_resp::Reply;
use vk_tests::{Ended, Launch, Server, run_bounded, vkctl, vkd, wait_until};

fn run(words: &[&str]) -> Ended {
    run_bounded(Command::new(vkctl()).env_clear().args(words), "")
}

fn keys_verify(key: &str, folder: &Path) -> Ended {
    run(&["keys", "verify", "--key-file", key, &shown(folder)])
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn log_folder(stopped: &Launch) -> PathBuf {
    stopped.folder().join("appendonlydir")
}

fn list(stopped: &Launch) -> PathBuf {
    log_folder(stopped).join("appendonly.aof.manifest")
}

fn end(mut server: Server, client: &mut Client, command: &str) -> Launch {
    client
        .send_raw(format!("{command}\r\n").as_bytes())
        .unwrap();
    assert_eq!(server.wait_for_end(), 0);
    server.stop()
}

fn kill(mut server: Server) -> Launch {
    server.signal(Signal::KILL);
    server.wait_for_end();
    server.relaunch()
}

fn keys_after(launch: Launch) -> (Reply, Server) {
    let server = launch.start();
    let mut client = server.client();
    loaded(&mut client);
    (client.run("DBSIZE").unwrap(), server)
}

/// A folder with two snapshots and two lists in its past.
struct Past {
    _keys: TempDir,
    key: String,
    stopped: Launch,
    older_snapshot: Vec<u8>,
    older_list: Vec<u8>,
}

impl Past {
    fn new() -> Self {
        let (keys, key) = key("11");
        let server = launch(&key, &["--appendonly", "yes"]).start();
        let mut client = server.client();
        fill(&mut client);
        client.run("SAVE").unwrap();
        let older_snapshot = fs::read(server.folder().join("dump.rdb")).unwrap();
        client.run("SAVE").unwrap();
        let stopped = end(server, &mut client, "SHUTDOWN NOSAVE");
        let older_list = fs::read(list(&stopped)).unwrap();
        // A start writes another list, and another increment.
        let (_, server) = keys_after(stopped);
        let mut client = server.client();
        client.run("SET last x").unwrap();
        let stopped = end(server, &mut client, "SHUTDOWN NOSAVE");
        Self {
            _keys: keys,
            key,
            stopped,
            older_snapshot,
            older_list,
        }
    }

    fn folder(&self) -> &Path {
        self.stopped.folder()
    }

    /// With other contents of a file, or without it, there is a fault with these words.
    fn wrong(&self, what: &Path, contents: Option<&[u8]>, parts: &[&str]) {
        let before = fs::read(what).unwrap();
        match contents {
            Some(contents) => fs::write(what, contents).unwrap(),
            None => fs::remove_file(what).unwrap(),
        }
        let ended = keys_verify(&self.key, self.folder());
        assert_eq!(ended.code, 1, "{parts:?}: {}", ended.output);
        ended.line_with(parts);
        fs::write(what, before).unwrap();
    }

    fn first_increment(&self) -> Vec<u8> {
        let all = files(&log_folder(&self.stopped));
        let first = all.iter().find(|path| shown(path).ends_with(".1.incr.aof"));
        fs::read(first.unwrap()).unwrap()
    }
}

#[test]
fn what_is_missing_or_older_is_named() {
    let past = Past::new();
    let dump = past.folder().join("dump.rdb");
    let rolled_back = "rolled back: it is of generation";
    past.wrong(
        &dump,
        Some(&past.older_snapshot),
        &["dump.rdb", rolled_back],
    );
    past.wrong(
        &dump,
        None,
        &["the last snapshot, of generation", "is missing"],
    );
    let register = past.folder().join("dataset.seal");
    past.wrong(&register, None, &["dataset.seal: missing"]);
    let list = list(&past.stopped);
    past.wrong(&list, Some(&past.older_list), &["manifest", rolled_back]);
    let missing = ["the list of the append-only file", "is missing"];
    past.wrong(&list, None, &missing);
    let last = last_increment(past.folder());
    let name = last.file_name().unwrap().to_str().unwrap();
    past.wrong(&last, None, &[name, "missing, although the list names it"]);
    past.wrong(&last, Some(b"x"), &[name, "a plain file in the place of"]);
    let whole = fs::read(&last).unwrap();
    past.wrong(&last, Some(&whole[..128]), &[name, "was cut off"]);
    let other = past.first_increment();
    let not_it = "not the file that was written under";
    past.wrong(&last, Some(&other), &[name, not_it]);
}

#[test]
fn what_nothing_needs_is_named_and_is_no_fault() {
    let past = Past::new();
    let right = keys_verify(&past.key, past.folder());
    assert_eq!(right.code, 0, "{}", right.output);
    right.line_with(&["all of them authentic and none missing; 0 extra"]);
    fs::write(past.folder().join("copy.rdb"), &past.older_snapshot).unwrap();
    let part = &past.first_increment()[..200];
    fs::write(log_folder(&past.stopped).join("copy.aof"), part).unwrap();
    let ended = keys_verify(&past.key, past.folder());
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["copy.rdb: extra, an older snapshot"]);
    ended.line_with(&["copy.aof: extra, not in the list of the log"]);
    ended.line_with(&["none missing; 2 extra"]);
}

#[test]
fn an_encrypted_log_is_checked_and_its_torn_end_is_cut_off() {
    let (_keys, key) = key("11");
    let (_others, wrong) = crate::sealed::key("22");
    let server = launch(&key, &["--appendonly", "yes", "--aof-load-truncated", "no"]).start();
    let mut client = server.client();
    for number in 0..10 {
        client.run(&format!("SET {number} x")).unwrap();
    }
    let stopped = kill(server);
    let (list, last) = (list(&stopped), last_increment(stopped.folder()));
    let check = |key: &str, more: &[&str]| {
        let list = shown(&list);
        let words = [&["aof", "check", "--key-file", key], more, &[&list]].concat();
        run(&words)
    };
    let right = check(&key, &[]);
    assert_eq!(right.code, 0, "{}", right.output);
    right.line_with(&["The signature of the manifest is right"]);
    right.line_with(&["All AOF files and manifest are valid"]);
    let text = fs::read(&list).unwrap();
    fs::write(&list, [&b"#\n"[..], &text].concat()).unwrap();
    check(&key, &[]).line_with(&["manifest was changed: its signature is wrong"]);
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let unsigned: Vec<u8> = lines
        .filter(|line| !line.starts_with(b"#"))
        .flatten()
        .copied()
        .collect();
    fs::write(&list, unsigned).unwrap();
    check(&key, &[]).line_with(&["is not signed, although"]);
    fs::write(&list, &text).unwrap();
    let whole = fs::read(&last).unwrap();
    for bytes in [whole.len() - 3, whole.len() - 40] {
        fs::write(&last, &whole[..bytes]).unwrap();
        let ended = check(&key, &[]);
        assert_eq!(ended.code, 1, "{}", ended.output);
        ended.line_with(&["Unexpected end of file"]);
    }
    // Nobody cuts without the key.
    for ended in [
        run(&["aof", "check", "--fix", "--yes", &shown(&list)]),
        check(&wrong, &["--fix", "--yes"]),
        run(&[
            "aof",
            "check",
            "--key-file",
            &key,
            "--fix",
            "--yes",
            &shown(&last),
        ]),
    ] {
        assert_eq!(ended.code, 1, "{}", ended.output);
        assert_eq!(fs::metadata(&last).unwrap().len(), whole.len() as u64 - 40);
    }
    assert_eq!(
        stopped.run().code,
        1,
        "the server cuts nothing off by itself"
    );
    let ended = check(&key, &["--fix", "--yes"]);
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["Successfully truncated AOF"]);
    let cut = fs::metadata(&last).unwrap().len();
    assert!(cut < whole.len() as u64 - 40);
    let kept = fs::read(format!("{}.cut-at-{cut}", shown(&last))).unwrap();
    assert_eq!(kept, whole[usize::try_from(cut).unwrap()..whole.len() - 40]);
    let (keys, _server) = keys_after(stopped);
    assert_eq!(keys, Reply::Int(9));
}

#[test]
fn an_encrypted_log_that_was_closed_is_cut_off_with_its_list() {
    let (_keys, key) = key("11");
    let server = launch(&key, &["--appendonly", "yes"]).start();
    let mut client = server.client();
    for number in 0..10 {
        client.run(&format!("SET {number} x")).unwrap();
    }
    let stopped = end(server, &mut client, "SHUTDOWN");
    // The frame that closes the file has 37 bytes: what is missing is that and some of a write.
    let last = last_increment(stopped.folder());
    let whole = fs::read(&last).unwrap();
    fs::write(&last, &whole[..whole.len() - 50]).unwrap();
    let server = mended(stopped, &key, 9);
    let mut client = server.client();
    for number in 0..10 {
        client.run(&format!("SET other{number} x")).unwrap();
    }
    let stopped = end(server, &mut client, "SHUTDOWN");
    let last = last_increment(stopped.folder());
    let mut changed = fs::read(&last).unwrap();
    let at = changed.len() - 50;
    changed[at] ^= 1;
    fs::write(&last, changed).unwrap();
    mended(stopped, &key, 18);
}

/// A log that does not load is cut off, and loads then with so many keys.
fn mended(stopped: Launch, key: &str, left: i64) -> Server {
    assert_eq!(stopped.run().code, 1);
    let list = shown(&list(&stopped));
    let ended = run(&["aof", "check", "--key-file", key, &list]);
    assert_eq!(ended.code, 1, "{}", ended.output);
    let ended = run(&["aof", "check", "--key-file", key, "--fix", "--yes", &list]);
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["The manifest is signed anew"]);
    let verified = keys_verify(key, stopped.folder());
    assert_eq!(verified.code, 0, "{}", verified.output);
    let (keys, server) = keys_after(stopped);
    assert_eq!(keys, Reply::Int(left));
    server
}

#[test]
fn an_encrypted_log_goes_back_to_a_time() {
    let (_keys, key) = key("11");
    let more = ["--appendonly", "yes", "--aof-timestamp-enabled", "yes"];
    let server = launch(&key, &more).start();
    let mut client = server.client();
    client.run("SET early x").unwrap();
    let Reply::Array(time) = client.run("TIME").unwrap() else {
        panic!("TIME");
    };
    let time = crate::text(&time[0]);
    wait_until("another second", TIME, || {
        let Reply::Array(now) = client.run("TIME").unwrap() else {
            panic!("TIME");
        };
        crate::text(&now[0]) != time
    });
    client.run("SET late x").unwrap();
    let stopped = end(server, &mut client, "SHUTDOWN");
    let list = shown(&list(&stopped));
    let ended = run(&[
        "aof",
        "check",
        "--key-file",
        &key,
        "--truncate-to",
        &time,
        &list,
    ]);
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["Successfully truncated AOF"]);
    let (keys, server) = keys_after(stopped);
    assert_eq!(keys, Reply::Int(1));
    assert_eq!(server.client().run("GET early").unwrap(), crate::bulk("x"));
}

#[test]
fn a_server_loads_an_encrypted_backup_and_has_the_same() {
    let (_keys, key) = key("11");
    let folder = TempDir::new("it").unwrap();
    let server = launch(&key, &[]).start();
    let mut client = server.client();
    fill(&mut client);
    let before = digest(&mut client);
    let (port, vkd) = (server.port().to_string(), vkd().display().to_string());
    let backup = shown(&folder.path().join("backup"));
    let drill = ["--drill", "--vkd", &vkd];
    let at = [
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "backup",
        "create",
        "--key-file",
        &key,
    ];
    let created = run(&[&at[..], &drill, &[&backup]].concat());
    assert_eq!(created.code, 0, "{}", created.output);
    created.line_with(&["Restore drill: the server has loaded 3001 keys in db0"]);
    let verify = |words: &[&str]| run(&[&["backup", "verify"], words, &[&backup]].concat());
    let verified = verify(&[&["--key-file", &key][..], &drill].concat());
    assert_eq!(verified.code, 0, "{}", verified.output);
    verified.line_with(&["the digest is the recorded one"]);
    let record = fs::read_to_string(folder.path().join("backup/backup.json")).unwrap();
    assert!(record.contains(&before), "{record}");
    let refused = verify(&drill);
    assert_eq!(refused.code, 1);
    refused.line_with(&["is encrypted under the key"]);
    assert_eq!(client.run("SAVE").unwrap(), simple("OK"));
    assert_eq!(info(&mut client, "rdb_last_bgsave_status"), "ok");
}
