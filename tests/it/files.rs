//! The tools for RDB files: what they say of right and of broken ones, under their own name and
//! under those of Valkey and Redis, and that the real server reads what they write.

use crate::{info, simple, text};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use vk_compat::{Client, TempDir, free_port};
use vk_resp::Reply;
use vk_tests::{Ended, Launch, run_bounded, vkctl, wait_until};

const TIME: Duration = Duration::from_secs(30);

/// Runs vkctl with an answer on its standard input.
pub(crate) fn run_with(args: &[&str], input: &str) -> Ended {
    let mut command = Command::new(vkctl());
    run_bounded(command.env_clear().args(args), input)
}

pub(crate) fn run(args: &[&str]) -> Ended {
    run_with(args, "")
}

/// Runs vkctl under another name.
pub(crate) fn run_as(name: &str, args: &[&str], input: &str) -> Ended {
    let folder = TempDir::new("it").unwrap();
    let program = folder.path().join(name);
    std::os::unix::fs::symlink(vkctl(), &program).unwrap();
    run_bounded(Command::new(&program).env_clear().args(args), input)
}

/// Checks that the output has these parts one behind the other.
pub(crate) fn assert_parts(ended: &Ended, parts: &[&str]) {
    let mut rest = ended.output.as_str();
    for part in parts {
        let at = rest.find(part);
        let at = at.unwrap_or_else(|| panic!("no {part:?} in its place:\n{}", ended.output));
        rest = &rest[at + part.len()..];
    }
}

pub(crate) fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// Some of everything.
pub(crate) fn fill(client: &mut Client) {
    for line in [
        "SET text hello",
        "SET number 12345",
        "RPUSH list a b 3",
        "SADD ints 1 2 3",
        "SADD words a b c",
        "HSET hash f v g 7",
        "ZADD zset 1 a 2.5 b",
        "XADD stream 1-1 f v",
        "XGROUP CREATE stream group 0",
        "XREADGROUP GROUP group consumer STREAMS stream >",
        "SET volatile x PXAT 9999999999999",
        "SELECT 3",
        "SET other 3",
        "SELECT 0",
    ] {
        let reply = client.run(line).unwrap();
        assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply:?}");
    }
    for element in 0..300 {
        let member = format!("member-of-some-length-{element:040}");
        for line in [
            format!("RPUSH biglist {member}"),
            format!("SADD bigset {member}"),
            format!("HSET bighash {member}{member} {member}"),
            format!("ZADD bigzset {element} {member}"),
        ] {
            client.run(&line).unwrap();
        }
    }
}

const DEBUGS: [&str; 4] = ["--enable-debug-command", "yes", "--save", ""];

fn digest(client: &mut Client) -> String {
    text(&client.run("DEBUG DIGEST").unwrap())
}

/// A file of a server with some of everything, and the digest of that.
fn saved() -> (TempDir, String, String) {
    let folder = TempDir::new("it").unwrap();
    let server = Launch::compatible(&DEBUGS).start();
    let mut client = server.client();
    fill(&mut client);
    let before = digest(&mut client);
    assert_eq!(client.run("SAVE").unwrap(), simple("OK"));
    let to = path(&folder, "dump.rdb");
    fs::copy(server.folder().join("dump.rdb"), &to).unwrap();
    (folder, to, before)
}

/// The digest of what a server loads from a file.
fn digest_of(file: &str) -> String {
    let launch = Launch::compatible(&DEBUGS);
    fs::copy(file, launch.folder().join("dump.rdb")).unwrap();
    let server = launch.start();
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    digest(&mut client)
}

#[test]
fn a_right_file_is_told_as_the_original_tells_it() {
    let (_folder, file, _) = saved();
    let own = run(&["rdb", "check", &file]);
    assert_eq!(own.code, 0, "{}", own.output);
    let parts = [
        "[offset 0] Checking RDB file ",
        "AUX FIELD valkey-ver = '",
        "Selecting DB ID 0\n",
        "Selecting DB ID 3\n",
        "] Checksum OK\n",
        "\\o/ RDB looks OK! \\o/\n[info] 14 keys read\n",
        "[info] 1 expires\n[info] 0 already expired\n",
    ];
    assert_parts(&own, &parts);
    for name in ["valkey-check-rdb", "redis-check-rdb"] {
        let ended = run_as(name, &[&file], "");
        assert_eq!((ended.code, &ended.output), (0, &own.output), "{name}");
    }
    // The real checker of the version before says the same of a file that it knows.
    let (_other, old) = redis_file();
    let peer = run_bounded(Command::new("redis-check-rdb").arg(&old), "");
    let ours = run_as("redis-check-rdb", &[&old], "");
    assert_eq!((peer.code, &peer.output), (0, &ours.output));
}

/// A file of redis-server.
pub(crate) fn redis_file() -> (TempDir, String) {
    let folder = TempDir::new("it").unwrap();
    let port = free_port().unwrap();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--save", "", "--dir", &folder.path().display().to_string()]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let address = ([127, 0, 0, 1], port).into();
    wait_until("redis-server listens", TIME, || {
        Client::connect(address).is_ok()
    });
    let mut client = Client::connect(address).unwrap();
    fill(&mut client);
    let saved = client.run("SAVE").unwrap();
    client.send_raw(b"SHUTDOWN NOSAVE\r\n").unwrap();
    child.wait().unwrap();
    assert_eq!(saved, simple("OK"));
    let file = path(&folder, "dump.rdb");
    (folder, file)
}

#[test]
fn a_broken_file_is_told_with_place_and_key() {
    let (folder, file, _) = saved();
    let bytes = fs::read(&file).unwrap();
    let broken = path(&folder, "broken.rdb");
    let check = |bytes: &[u8]| {
        fs::write(&broken, bytes).unwrap();
        let ended = run(&["rdb", "check", &broken]);
        assert_eq!(ended.code, 1, "{}", ended.output);
        assert!(!ended.output.contains("looks OK"), "{}", ended.output);
        ended
    };
    let mut wrong = bytes.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_parts(
        &check(&wrong),
        &["--- RDB ERROR DETECTED ---", "] RDB CRC error"],
    );
    let at = bytes
        .windows(9)
        .position(|part| part == b"\x07biglist\x05")
        .or_else(|| bytes.windows(8).position(|part| part == b"\x07biglist"));
    let ended = check(&bytes[..at.unwrap() + 20]);
    let parts = [
        "Unexpected EOF reading RDB file\n",
        "While doing: read-object-value\n",
        "Reading key 'biglist'\n",
        "Reading type 18 (quicklist-v2)\n",
    ];
    assert_parts(&ended, &parts);
    assert_parts(
        &check(b"REDIS0099"),
        &["Can't handle RDB format version 99"],
    );
    assert_parts(&check(b"not a file"), &["Wrong signature"]);
    let ended = run(&["rdb", "check", &path(&folder, "none")]);
    assert_eq!(ended.code, 1);
    assert!(ended.output.contains("No such file"), "{}", ended.output);
}

#[test]
fn what_is_in_a_file_is_told() {
    let (_folder, file, _) = saved();
    let ended = run(&["rdb", "info", "--json", &file]);
    assert_eq!(ended.code, 0, "{}", ended.output);
    let told: serde_json::Value = serde_json::from_str(&ended.output).unwrap();
    assert_eq!(told["version"], 11);
    assert_eq!(told["checksum"], true);
    assert_eq!(told["bytes"], fs::metadata(&file).unwrap().len());
    assert_eq!(told["databases"]["3"]["keys"], 1);
    let first = &told["databases"]["0"];
    assert_eq!(
        (&first["keys"], &first["volatile"]),
        (&13.into(), &1.into())
    );
    for (name, keys) in [
        ("string", 3),
        ("set", 3),
        ("list", 2),
        ("hash", 2),
        ("stream", 1),
    ] {
        assert_eq!(first["types"][name]["keys"], keys, "{name}");
    }
    assert_eq!(told["largest"].as_array().unwrap().len(), 10);
    let ended = run(&["rdb", "info", &file]);
    assert_parts(
        &ended,
        &["RDB version 11", "valkey-ver: ", "db0: 13 keys, 1 expire"],
    );
}

#[test]
fn printed_keys_come_back() {
    let (_folder, file, before) = saved();
    for form in ["text", "resp"] {
        let printed = run(&["rdb", "dump", "--form", form, &file]);
        assert_eq!(printed.code, 0, "{}", printed.output);
        let server = Launch::compatible(&DEBUGS).start();
        let port = server.port().to_string();
        let mut args = vec!["-h", "127.0.0.1", "-p", &port];
        args.extend((form == "resp").then_some("--pipe"));
        let loaded = run_with(&args, &printed.output);
        assert_eq!(loaded.code, 0, "{}", loaded.output);
        let mut client = server.client();
        assert_eq!(client.run("XPENDING stream group").unwrap(), pending());
        assert_eq!(digest(&mut client), before, "{form}");
    }
    let ended = run(&["rdb", "dump", "--form", "json", &file]);
    let lines: Vec<serde_json::Value> = ended
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 14);
    let key = |name: &str| lines.iter().find(|line| line["key"] == name).unwrap();
    assert_eq!(key("list")["value"], serde_json::json!(["a", "b", "3"]));
    assert_eq!(
        key("hash")["value"],
        serde_json::json!({"f": "v", "g": "7"})
    );
    assert_eq!(
        key("zset")["value"],
        serde_json::json!([["1", "a"], ["2.5", "b"]])
    );
    assert_eq!(key("volatile")["expire_ms"], 9_999_999_999_999_i64);
    assert_eq!(key("other")["db"], 3);
}

fn pending() -> Reply {
    let id = || crate::bulk("1-1");
    let consumer = Reply::Array(vec![crate::bulk("consumer"), crate::bulk("1")]);
    Reply::Array(vec![
        Reply::Int(1),
        id(),
        id(),
        Reply::Array(vec![consumer]),
    ])
}

#[test]
fn keys_are_chosen_by_database_pattern_and_type() {
    let (_folder, file, _) = saved();
    let count = |args: &[&str]| {
        let mut all = vec!["rdb", "dump", "--form", "json"];
        all.extend_from_slice(args);
        all.push(&file);
        let ended = run(&all);
        assert_eq!(ended.code, 0, "{}", ended.output);
        ended.output.lines().count()
    };
    assert_eq!(count(&["-n", "3"]), 1);
    assert_eq!(count(&["-n", "4"]), 0);
    assert_eq!(count(&["--pattern", "big*"]), 4);
    assert_eq!(count(&["--type", "set"]), 3);
    assert_eq!(count(&["--type", "set", "--pattern", "[iw]*s"]), 2);
    assert_ne!(run(&["rdb", "dump", "--type", "tree", &file]).code, 0);
}

#[test]
fn a_converted_file_holds_the_same() {
    let (folder, file, before) = saved();
    let mut sizes = Vec::new();
    for (version, more) in [
        ("9", &[][..]),
        ("10", &[]),
        ("11", &[]),
        ("80", &["--no-compression", "--no-checksum"]),
        ("oldest", &[]),
    ] {
        let to = path(&folder, &format!("{version}.rdb"));
        let mut args = vec!["rdb", "convert", "--rdb-version", version];
        args.extend_from_slice(more);
        args.extend([file.as_str(), &to]);
        let ended = run(&args);
        assert_eq!(ended.code, 0, "{}", ended.output);
        let header = String::from_utf8_lossy(&fs::read(&to).unwrap()[..9]).into_owned();
        assert!(
            header.ends_with(&version.replace("oldest", "9")),
            "{header}"
        );
        assert_eq!(digest_of(&to), before, "{version}");
        sizes.push(fs::metadata(&to).unwrap().len());
        // The peer is of version 10.
        if matches!(version, "9" | "10" | "oldest") {
            let peer = run_bounded(Command::new("redis-check-rdb").arg(&to), "");
            assert_eq!(peer.code, 0, "{}", peer.output);
            assert_parts(&peer, &["Checksum OK", "[info] 14 keys read"]);
        }
        let again = run(&["rdb", "convert", &file, &to]);
        assert_ne!(again.code, 0);
        assert!(again.output.contains("exists"), "{}", again.output);
    }
    assert!(sizes[3] > sizes[2] * 2, "{sizes:?}");
    let own = run(&["rdb", "convert", "--force", &file, &path(&folder, "9.rdb")]);
    assert_eq!(own.code, 0, "{}", own.output);
    let version = &fs::read(folder.path().join("9.rdb")).unwrap()[..9];
    assert_eq!(version, b"REDIS0011");
}

#[test]
fn what_a_version_cannot_express_is_refused() {
    let folder = TempDir::new("it").unwrap();
    let server = Launch::compatible(&DEBUGS).start();
    let mut client = server.client();
    client.run("HSET hash f v").unwrap();
    client
        .run("HPEXPIREAT hash 9999999999999 FIELDS 1 f")
        .unwrap();
    assert_eq!(client.run("SAVE").unwrap(), simple("OK"));
    let file = server.folder().join("dump.rdb").display().to_string();
    let to = path(&folder, "to.rdb");
    let ended = run(&["rdb", "convert", "--rdb-version", "11", &file, &to]);
    assert_ne!(ended.code, 0);
    assert_parts(
        &ended,
        &["version 11 cannot express", "'hash'", "fields that expire"],
    );
    let ended = run(&["rdb", "convert", "--rdb-version", "12", &file, &to]);
    assert_ne!(ended.code, 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    for version in [&[][..], &["--rdb-version", "oldest"]] {
        let mut args = vec!["rdb", "convert", "--force"];
        args.extend_from_slice(version);
        args.extend([file.as_str(), &to]);
        assert_eq!(run(&args).code, 0);
        assert!(fs::read(&to).unwrap().starts_with(b"VALKEY080"));
    }
    let ended = run(&["rdb", "dump", "--form", "json", &to]);
    let told: serde_json::Value = serde_json::from_str(&ended.output).unwrap();
    assert_eq!(told["field_expire_ms"]["f"], "9999999999999");
    let mut cut = fs::read(&to).unwrap();
    cut.truncate(cut.len() - 10);
    fs::write(&to, cut).unwrap();
    let whole = path(&folder, "whole.rdb");
    assert_ne!(run(&["rdb", "convert", &to, &whole]).code, 0);
    assert!(!Path::new(&whole).exists());
}
