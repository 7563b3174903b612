//! Snapshots of the real server: what is saved comes back, whatever happens meanwhile; what cannot
//! be saved or loaded is told.

use crate::{bulk, info, simple, text};
use rustix::process::Signal;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use vk_compat::{Client, free_port};
use vk_resp::Reply;
use vk_tests::{Launch, wait_until};

const TIME: Duration = Duration::from_secs(30);

/// Fills the databases with a little of everything.
fn fill(client: &mut Client, keys: usize) {
    fill_common(client);
    run_all(
        client,
        &[
            "HPEXPIREAT hash 9999999999999 FIELDS 1 f",
            "SELECT 3",
            "SET other 3",
            "SELECT 0",
        ],
    );
    for key in 0..keys {
        client.run(&format!("SET key:{key} {key}")).unwrap();
    }
}

/// Runs commands that must not fail.
fn run_all(client: &mut Client, lines: &[&str]) {
    for line in lines {
        let reply = client.run(line).unwrap();
        assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply:?}");
    }
}

/// Makes a value of each type that is larger than what is packed.
fn fill_large(client: &mut Client) {
    for element in 0..200 {
        let member = format!("member-of-some-length-{element:040}");
        for line in [
            format!("RPUSH biglist {member}"),
            format!("SADD bigset {member}"),
            format!("HSET bighash {member} {member}"),
            format!("ZADD bigzset {element} {member}"),
        ] {
            client.run(&line).unwrap();
        }
    }
}

fn digest(client: &mut Client) -> String {
    text(&client.run("DEBUG DIGEST").unwrap())
}

fn launch(args: &[&str]) -> Launch {
    Launch::compatible(&["--enable-debug-command", "yes", "--save", ""]).args(args)
}

#[test]
fn what_is_saved_comes_back() {
    for command in ["SAVE", "BGSAVE", "SHUTDOWN SAVE"] {
        let mut server = launch(&[]).start();
        let mut client = server.client();
        fill(&mut client, 2000);
        let before = digest(&mut client);
        if command == "SHUTDOWN SAVE" {
            client.send_raw(b"SHUTDOWN SAVE\r\n").unwrap();
            assert_eq!(server.wait_for_end(), 0);
        } else {
            client.run(command).unwrap();
            wait_until(command, TIME, || info(&mut client, "rdb_saves") == "1");
            client.run("FLUSHDB").unwrap();
            client.send_raw(b"SHUTDOWN NOSAVE\r\n").unwrap();
            assert_eq!(server.wait_for_end(), 0);
        }
        let server = server.stop().start();
        let mut client = server.client();
        wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
        assert_eq!(digest(&mut client), before, "{command}");
        assert_eq!(client.run("DEBUG RELOAD").unwrap(), simple("OK"));
        assert_eq!(digest(&mut client), before, "{command}");
    }
}

#[test]
fn a_snapshot_under_writes_is_one_moment() {
    let mut server = launch(&["--rdb-key-save-delay", "100"]).start();
    let mut client = server.client();
    fill(&mut client, 3000);
    let before = digest(&mut client);
    assert_eq!(
        client.run("BGSAVE").unwrap(),
        simple("Background saving started")
    );
    assert_eq!(info(&mut client, "rdb_bgsave_in_progress"), "1");
    for key in 0..3000 {
        client.run(&format!("SET key:{key} changed")).unwrap();
        client.run(&format!("HSET bighash {key} changed")).unwrap();
    }
    client.run("SWAPDB 0 3").unwrap();
    client.run("FLUSHDB").unwrap();
    client.run("CONFIG SET rdb-key-save-delay 0").unwrap();
    wait_until("saved", TIME, || info(&mut client, "rdb_saves") == "1");
    client.send_raw(b"SHUTDOWN NOSAVE\r\n").unwrap();
    assert_eq!(server.wait_for_end(), 0);
    let server = server.stop().start();
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    assert_eq!(digest(&mut client), before);
}

#[test]
fn clients_are_told_that_a_file_is_loaded() {
    let delayed = [
        "--key-load-delay",
        "2000",
        "--enable-protected-configs",
        "yes",
    ];
    let mut server = launch(&delayed).start();
    let mut client = server.client();
    fill(&mut client, 200);
    client.send_raw(b"SHUTDOWN SAVE\r\n").unwrap();
    assert_eq!(server.wait_for_end(), 0);
    let port = free_port().unwrap();
    let launch = server.stop().args(&["--port", &port.to_string()]);
    let _server = launch.start_unseen();
    let mut client = client_at(port);
    let reply = client.run("GET text").unwrap();
    assert_eq!(
        text(&reply),
        "LOADING Valkey is loading the dataset in memory"
    );
    assert_eq!(info(&mut client, "loading"), "1");
    assert!(
        info(&mut client, "loading_total_bytes")
            .parse::<u64>()
            .unwrap()
            > 1000
    );
    assert_eq!(
        client.run("CONFIG SET loglevel debug").unwrap(),
        simple("OK")
    );
    let level = [bulk("loglevel"), bulk("debug")];
    let told = client.run("CONFIG GET loglevel").unwrap();
    assert_eq!(told, Reply::Array(level.to_vec()));
    for refused in ["CONFIG SET dir .", "CONFIG SET hz 20 appendonly yes"] {
        let reply = text(&client.run(refused).unwrap());
        assert!(reply.starts_with("LOADING "), "{refused}: {reply}");
    }
    assert_eq!(info(&mut client, "configured_hz"), "10", "all or nothing");
    assert_eq!(info(&mut client, "loading"), "1");
    client.run("CONFIG SET key-load-delay 0").unwrap();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    assert_eq!(client.run("GET text").unwrap(), bulk("hello"));
}

#[test]
fn a_damaged_file_stops_the_start() {
    let mut server = launch(&[]).start();
    let mut client = server.client();
    fill(&mut client, 10);
    client.send_raw(b"SHUTDOWN SAVE\r\n").unwrap();
    assert_eq!(server.wait_for_end(), 0);
    let path = server.folder().join("dump.rdb");
    let good = std::fs::read(&path).unwrap();
    let launch = server.stop();
    for at in [0, 100, good.len() / 2, good.len() - 3] {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        std::fs::write(&path, &bad).unwrap();
        let ended = launch.run();
        assert_eq!(ended.code, 1, "{at}: {}", ended.output);
        ended.line_with(&["Fatal error loading the DB"]);
        assert_eq!(std::fs::read(&path).unwrap(), bad, "nothing was changed");
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_refuses_writes() {
    let server = launch(&["--save", "3600 1"]).start();
    let mut client = server.client();
    client.run("SET a 1").unwrap();
    std::fs::create_dir(server.folder().join("dump.rdb")).unwrap();
    assert_eq!(text(&client.run("SAVE").unwrap()), "ERR");
    client.run("BGSAVE").unwrap();
    wait_until("failed", TIME, || {
        info(&mut client, "rdb_last_bgsave_status") == "err"
    });
    for line in ["SET a 2", "PING"] {
        assert!(text(&client.run(line).unwrap()).starts_with("MISCONF"));
    }
    let reply = client.run("SHUTDOWN SAVE").unwrap();
    assert_eq!(text(&reply), "ERR Errors trying to SHUTDOWN. Check logs.");
    std::fs::remove_dir(server.folder().join("dump.rdb")).unwrap();
    client.run("BGSAVE").unwrap();
    wait_until("saved", TIME, || info(&mut client, "rdb_saves") == "1");
    assert_eq!(client.run("SET a 2").unwrap(), simple("OK"));
    // Nothing is left of what failed.
    let names = std::fs::read_dir(server.folder()).unwrap();
    let left = names.filter(|name| {
        let name = name.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("temp-")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn the_end_by_a_signal_saves_where_snapshots_are_wanted() {
    for (save, saves) in [("3600 1", true), ("", false)] {
        let mut server = launch(&["--save", save]).start();
        server.client().run("SET a 1").unwrap();
        server.signal(Signal::TERM);
        assert_eq!(server.wait_for_end(), 0);
        assert_eq!(server.folder().join("dump.rdb").exists(), saves);
    }
}

#[test]
fn a_snapshot_is_cancelled_and_leaves_nothing() {
    let mut server = launch(&["--rdb-key-save-delay", "10000000"]).start();
    let mut client = server.client();
    fill(&mut client, 10);
    let temporary = server.folder().join(format!("temp-{}.rdb", server.pid()));
    let none = "ERR Background saving is currently not in progress or scheduled";
    client.run("BGSAVE").unwrap();
    wait_until("a file", TIME, || temporary.exists());
    let reply = client.run("BGSAVE CANCEL").unwrap();
    assert_eq!(reply, simple("Background saving cancelled"));
    wait_until("no file", TIME, || !temporary.exists());
    assert_eq!(info(&mut client, "rdb_bgsave_in_progress"), "0");
    assert_eq!(text(&client.run("BGSAVE CANCEL").unwrap()), none);
    // One that waits for a rewrite.
    client.run("BGREWRITEAOF").unwrap();
    assert_eq!(info(&mut client, "aof_rewrite_in_progress"), "1");
    let refused = text(&client.run("BGSAVE").unwrap());
    assert!(refused.contains("BGSAVE SCHEDULE"), "{refused}");
    let reply = client.run("BGSAVE SCHEDULE").unwrap();
    assert_eq!(reply, simple("Background saving scheduled"));
    let reply = client.run("BGSAVE CANCEL").unwrap();
    assert_eq!(reply, simple("Scheduled background saving cancelled"));
    assert_eq!(text(&client.run("BGSAVE CANCEL").unwrap()), none);
    client.run("CONFIG SET rdb-key-save-delay 0").unwrap();
    wait_until("rewritten", TIME, || {
        info(&mut client, "aof_rewrite_in_progress") == "0"
    });
    // FLUSHALL, and the end.
    for line in ["FLUSHALL", "SHUTDOWN NOSAVE"] {
        client
            .run("CONFIG SET rdb-key-save-delay 10000000")
            .unwrap();
        client.run("SET a 1").unwrap();
        client.run("BGSAVE").unwrap();
        wait_until("a file", TIME, || temporary.exists());
        client.send_raw(format!("{line}\r\n").as_bytes()).unwrap();
        wait_until("no file", TIME, || !temporary.exists());
        if line == "FLUSHALL" {
            assert_eq!(client.receive().unwrap().unwrap(), simple("OK"));
        }
    }
    assert_eq!(server.wait_for_end(), 0);
}

#[test]
fn a_second_interrupt_does_not_wait_for_the_snapshot() {
    let args = ["--save", "3600 1", "--rdb-key-save-delay", "10000000"];
    let mut server = launch(&args).start();
    let mut client = server.client();
    client.run("SET a 1").unwrap();
    client.run("SET b 1").unwrap();
    // One that was taken back is not the first.
    client.run("DEBUG PAUSE-CRON 1").unwrap();
    server.signal(Signal::TERM);
    wait_until("taken back", TIME, || {
        client.run("SHUTDOWN ABORT").unwrap() == simple("OK")
    });
    client.run("DEBUG PAUSE-CRON 0").unwrap();
    client.run("CONFIG SET rdb-key-save-delay 100000").unwrap();
    for key in 0..40 {
        client.run(&format!("SET key:{key} 1")).unwrap();
    }
    let temporary = server.folder().join(format!("temp-{}.rdb", server.pid()));
    server.signal(Signal::INT);
    wait_until("a file", TIME, || temporary.exists());
    server.signal(Signal::INT);
    wait_until("no file", Duration::from_secs(2), || !temporary.exists());
    assert_eq!(server.wait_for_end(), 1);
    assert!(!server.folder().join("dump.rdb").exists());
}

/// A client, as soon as there is somebody to connect to.
fn client_at(port: u16) -> Client {
    let address = ([127, 0, 0, 1], port).into();
    let mut client = None;
    wait_until("a listener", TIME, || {
        client = Client::connect(address).ok();
        client.is_some()
    });
    client.unwrap()
}

/// A redis-server on a folder, ended with the test.
pub(crate) struct Peer {
    process: std::process::Child,
    port: u16,
}

impl Peer {
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        let port = free_port().unwrap();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", "", "--dir"])
            .arg(folder)
            .args(args)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, port }
    }

    pub(crate) fn client(&self) -> Client {
        client_at(self.port)
    }

    /// Waits for its end, which was asked for.
    pub(crate) fn wait(mut self) {
        wait_until("the end of redis-server", TIME, || {
            self.process.try_wait().unwrap().is_some()
        });
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A little of everything that older servers know, too.
pub(crate) fn fill_common(client: &mut Client) {
    run_all(
        client,
        &[
            "SET text hello",
            "SET number 12345",
            "APPEND raw abc",
            "RPUSH list a b c",
            "SADD ints 1 2 3",
            "SADD words a b c",
            "HSET hash f v g w",
            "ZADD zset 1 a 2.5 b -inf c",
            "XADD stream 1-1 f v",
            "XGROUP CREATE stream group 0",
            "XREADGROUP GROUP group consumer STREAMS stream >",
            "SET volatile x PXAT 9999999999999",
        ],
    );
    fill_large(client);
}

/// Values as texts, to be compared between servers.
pub(crate) fn contents(client: &mut Client) -> Vec<String> {
    [
        "GET text",
        "GET number",
        "GET raw",
        "LRANGE list 0 -1",
        "LRANGE biglist 0 -1",
        "SORT ints",
        "SORT words ALPHA",
        "SORT bigset ALPHA",
        "HGET hash f",
        "HLEN bighash",
        "ZRANGE zset 0 -1 WITHSCORES",
        "ZRANGE bigzset 0 -1 WITHSCORES",
        "XRANGE stream - +",
        "XPENDING stream group",
        "PEXPIRETIME volatile",
        "DBSIZE",
    ]
    .iter()
    .map(|line| format!("{line}: {:?}", client.run(line).unwrap()))
    .collect()
}

#[test]
fn files_of_redis_server_are_loaded() {
    let launch = launch(&[]);
    let peer = Peer::start(launch.folder(), &[]);
    let mut other = peer.client();
    fill_common(&mut other);
    assert_eq!(other.run("SAVE").unwrap(), simple("OK"));
    let expected = contents(&mut other);
    let server = launch.start();
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    assert_eq!(contents(&mut client), expected);
}
