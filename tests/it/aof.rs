//! The append-only file of the real server: what was acknowledged survives the end of the process,
//! whatever it was doing; what cannot be written is told.

use crate::{info, simple, text};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vk_compat::Client;
use vk_resp::Reply;
use vk_tests::{Launch, Server, wait_until};

const TIME: Duration = Duration::from_secs(30);

pub(crate) fn launch(args: &[&str]) -> Launch {
    Launch::compatible(&[
        "--enable-debug-command",
        "yes",
        "--save",
        "",
        "--appendonly",
        "yes",
    ])
    .args(args)
}

pub(crate) fn digest(client: &mut Client) -> String {
    text(&client.run("DEBUG DIGEST").unwrap())
}

pub(crate) fn files(folder: &Path) -> PathBuf {
    folder.join("appendonlydir")
}

/// The path of the last increment.
fn increment(folder: &Path) -> PathBuf {
    let list = std::fs::read_to_string(files(folder).join("appendonly.aof.manifest")).unwrap();
    let line = list.lines().rfind(|line| line.ends_with("type i")).unwrap();
    files(folder).join(line.split(' ').nth(1).unwrap())
}

pub(crate) fn loaded(server: &Server) -> Client {
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    client
}

fn change_a_little_of_everything(client: &mut Client) {
    for line in [
        "SET text hello EX 10000",
        "INCRBYFLOAT number 1.5",
        "RPUSH list a b c",
        "LPOP list",
        "SADD set a b c d e f",
        "SPOP set 2",
        "HSET hash f v g w",
        "HEXPIRE hash 10000 FIELDS 1 f",
        "ZADD zset 1 a 2.5 b -inf c",
        "ZPOPMIN zset",
        "DEL stream",
        "XADD stream * f v",
        "XGROUP CREATE stream group 0",
        "XREADGROUP GROUP group consumer STREAMS stream >",
        "SETEX gone 1 x",
        "SELECT 3",
        "SET other 3",
        "MULTI",
        "INCR other",
        "SELECT 0",
        "RENAME text renamed",
        "EXEC",
        "APPEND renamed !",
    ] {
        let reply = client.run(line).unwrap();
        assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply:?}");
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    for policy in ["always", "everysec", "no"] {
        for preamble in ["yes", "no"] {
            let args = ["--appendfsync", policy, "--aof-use-rdb-preamble", preamble];
            let server = launch(&args).start();
            let mut client = server.client();
            change_a_little_of_everything(&mut client);
            client.run("BGREWRITEAOF").unwrap();
            wait_until("rewritten", TIME, || {
                info(&mut client, "aof_rewrite_in_progress") == "0"
            });
            change_a_little_of_everything(&mut client);
            let before = digest(&mut client);
            let server = kill(server).start();
            let mut client = loaded(&server);
            assert_eq!(digest(&mut client), before, "{policy} {preamble}");
            assert_eq!(client.run("DEBUG LOADAOF").unwrap(), simple("OK"));
            assert_eq!(digest(&mut client), before, "{policy} {preamble}");
        }
    }
}

/// Ends a server at once, and gives back how it was started.
pub(crate) fn kill(mut server: Server) -> Launch {
    server.signal(Signal::KILL);
    server.wait_for_end();
    server.relaunch()
}

/// Writes counters as fast as it goes until the connection breaks; the last that was acknowledged.
fn write_until_killed(mut client: Client, key: &str) -> u64 {
    let mut acknowledged = 0;
    let mut sent = 0;
    loop {
        let batch: String = (0..20)
            .map(|_| {
                sent += 1;
                format!("SET {key} {sent}\r\n")
            })
            .collect();
        if client.send_raw(batch.as_bytes()).is_err() {
            return acknowledged;
        }
        for _ in 0..20 {
            match client.receive() {
                Ok(Some(reply)) if reply == simple("OK") => acknowledged += 1,
                _ => return acknowledged,
            }
        }
    }
}

#[test]
fn a_kill_under_load_loses_nothing_that_was_acknowledged() {
    let rounds = std::env::var("VK_KILL_ROUNDS").map_or(6, |text| text.parse().unwrap());
    let mut launch = launch(&["--auto-aof-rewrite-min-size", "1mb"]);
    for round in 0..rounds {
        let policy = ["everysec", "always", "no"][(round % 3) as usize];
        let server = launch.args(&["--appendfsync", policy]).start();
        drop(loaded(&server));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let client = server.client();
                let key = format!("{round}:{writer}");
                std::thread::spawn(move || write_until_killed(client, &key))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(100 + round % 6 * 70));
        // A rewrite, a snapshot, or one that waits for the other.
        for command in [["BGREWRITEAOF", "BGSAVE"], ["BGSAVE", "BGREWRITEAOF"]]
            [(round % 2) as usize]
            .iter()
            .take((round / 2 % 3) as usize)
        {
            server.client().run(command).unwrap();
        }
        std::thread::sleep(Duration::from_millis(round * 7 % 40));
        launch = kill(server);
        let acknowledged: Vec<u64> = writers.into_iter().map(|w| w.join().unwrap()).collect();
        let server = launch.start();
        let mut client = loaded(&server);
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            let found = text(&client.run(&format!("GET {round}:{writer}")).unwrap());
            let found: u64 = found.parse().unwrap();
            assert!(
                found >= *acknowledged,
                "round {round} {policy}: {acknowledged} acknowledged, {found} found"
            );
            assert!(*acknowledged > 0, "round {round}: nothing was written");
        }
        launch = server.stop();
        if round % 20 == 19 {
            eprintln!("{} of {rounds} rounds", round + 1);
        }
    }
}

#[test]
fn a_log_that_is_switched_on_during_a_snapshot_has_everything_once() {
    let server = launch(&["--appendonly", "no", "--rdb-key-save-delay", "10000"]).start();
    let mut client = server.client();
    for key in 0..200 {
        client.run(&format!("SET key:{key} x")).unwrap();
    }
    client.run("INCR counter").unwrap();
    client.run("BGSAVE").unwrap();
    assert_eq!(
        client.run("CONFIG SET appendonly yes").unwrap(),
        simple("OK")
    );
    // The rewrite waits for the snapshot; these are in its base then.
    for _ in 0..5 {
        client.run("INCR counter").unwrap();
    }
    client.run("CONFIG SET rdb-key-save-delay 0").unwrap();
    let is_over = |client: &mut Client| {
        let waits = [
            "rdb_bgsave_in_progress",
            "aof_rewrite_scheduled",
            "aof_rewrite_in_progress",
        ];
        waits.iter().all(|field| info(client, field) == "0")
    };
    wait_until("rewritten", TIME, || is_over(&mut client));
    client.run("INCR counter").unwrap();
    let server = kill(server).args(&["--appendonly", "yes"]).start();
    let mut client = loaded(&server);
    assert_eq!(text(&client.run("GET counter").unwrap()), "7");
}

#[test]
fn a_log_that_is_switched_on_is_what_it_was_until_it_is_complete() {
    let server = launch(&[]).start();
    let mut client = server.client();
    client.run("SET a 1").unwrap();
    client.run("CONFIG SET appendonly no").unwrap();
    client.run("SET b 2").unwrap();
    for key in 0..200 {
        client.run(&format!("SET key:{key} x")).unwrap();
    }
    client.run("CONFIG SET rdb-key-save-delay 100000").unwrap();
    client.run("CONFIG SET appendonly yes").unwrap();
    client.run("SET c 3").unwrap();
    assert_eq!(info(&mut client, "aof_rewrite_in_progress"), "1");
    // With c and without b it would be no state that there ever was.
    let server = kill(server).start();
    let mut client = loaded(&server);
    assert_eq!(client.run("EXISTS a").unwrap(), Reply::Int(1));
    assert_eq!(client.run("EXISTS b c").unwrap(), Reply::Int(0));
}

#[test]
fn a_torn_end_is_cut_off_and_damage_stops_the_start() {
    let server = launch(&[]).start();
    let mut client = server.client();
    client.run("SET a 1").unwrap();
    client.run("MULTI").unwrap();
    client.run("SET b 2").unwrap();
    client.run("SET c 3").unwrap();
    client.run("EXEC").unwrap();
    let mut launch = kill(server);
    let path = increment(launch.folder());
    let whole = std::fs::read(&path).unwrap();
    for lost in [1, 20, 45] {
        std::fs::write(&path, &whole[..whole.len() - lost]).unwrap();
        let server = launch.start();
        let mut client = loaded(&server);
        assert_eq!(text(&client.run("GET a").unwrap()), "1", "{lost}");
        assert_eq!(client.run("EXISTS b c").unwrap(), Reply::Int(0), "{lost}");
        launch = kill(server);
        let left = std::fs::read(&path).unwrap();
        assert!(whole.starts_with(&left) && left.len() < whole.len() - lost);
    }
    let mut bad = whole.clone();
    bad[5] = b'x';
    std::fs::write(&path, &bad).unwrap();
    let ended = launch.run();
    assert_eq!(ended.code, 1, "{}", ended.output);
    ended.line_with(&["Bad file format reading the append only file"]);
    assert_eq!(std::fs::read(&path).unwrap(), bad, "nothing was changed");
}

#[test]
fn it_is_switched_on_and_off_while_commands_go_on() {
    let server = launch(&["--appendonly", "no"]).start();
    let mut client = server.client();
    change_a_little_of_everything(&mut client);
    let reply = client.run("WAITAOF 1 0 0").unwrap();
    assert!(text(&reply).contains("appendonly is disabled"));
    assert_eq!(
        client.run("CONFIG SET appendonly yes").unwrap(),
        simple("OK")
    );
    client.run("SET after 1").unwrap();
    wait_until("rewritten", TIME, || {
        info(&mut client, "aof_rewrite_in_progress") == "0"
    });
    let begun = Instant::now();
    let durable = client.run("WAITAOF 1 0 5000").unwrap();
    assert_eq!(durable, Reply::Array(vec![Reply::Int(1), Reply::Int(0)]));
    assert!(begun.elapsed() < Duration::from_secs(4), "everysec");
    let before = digest(&mut client);
    client.run("CONFIG SET appendonly no").unwrap();
    client.run("SET unlogged 1").unwrap();
    assert_eq!(info(&mut client, "aof_enabled"), "0");
    let server = kill(server).args(&["--appendonly", "yes"]).start();
    assert_eq!(digest(&mut loaded(&server)), before);
}

#[test]
fn the_single_file_of_old_is_taken_over() {
    let launch = launch(&[]);
    let old = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    std::fs::write(launch.folder().join("appendonly.aof"), old).unwrap();
    let server = launch.start();
    let mut client = loaded(&server);
    assert_eq!(text(&client.run("GET a").unwrap()), "1");
    client.run("SET b 2").unwrap();
    assert!(!server.folder().join("appendonly.aof").exists());
    let server = kill(server).start();
    let mut client = loaded(&server);
    assert_eq!(client.run("EXISTS a b").unwrap(), Reply::Int(2));
}
