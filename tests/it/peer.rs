//! Files between this server and redis-server, both ways: what one has written the other loads.

use crate::snapshot::{Peer, contents, fill_common};
use crate::{info, simple};
use std::path::Path;
use std::time::Duration;
use vk_compat::Client;
use vk_tests::{Launch, wait_until};

const TIME: Duration = Duration::from_secs(30);

fn launch(args: &[&str]) -> Launch {
    // redis-server 7.0 reads up to version 10.
    let all = [
        "--save",
        "",
        "--rdb-version",
        "10",
        "--enable-debug-command",
        "yes",
    ];
    Launch::compatible(&all).args(args)
}

fn wait_for_load(client: &mut Client) {
    wait_until("loaded", TIME, || info(client, "loading") == "0");
}

fn rewrite(client: &mut Client) {
    client.run("BGREWRITEAOF").unwrap();
    wait_until("rewritten", TIME, || {
        info(client, "aof_rewrite_in_progress") == "0"
            && info(client, "aof_rewrite_scheduled") == "0"
    });
}

/// The version that the file says.
fn version(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap();
    String::from_utf8_lossy(&bytes[..9]).into_owned()
}

#[test]
fn redis_server_loads_our_snapshots() {
    for compression in ["yes", "no"] {
        let server = launch(&["--rdbcompression", compression]).start();
        let mut client = server.client();
        fill_common(&mut client);
        assert_eq!(client.run("SAVE").unwrap(), simple("OK"));
        let expected = contents(&mut client);
        assert_eq!(version(&server.folder().join("dump.rdb")), "REDIS0010");
        let launch = server.stop();
        let peer = Peer::start(launch.folder(), &[]);
        let mut other = peer.client();
        wait_for_load(&mut other);
        assert_eq!(contents(&mut other), expected, "{compression}");
    }
}

#[test]
fn an_older_version_is_written_and_read_back() {
    for named in ["9", "10", "11", "80"] {
        let server = launch(&["--rdb-version", named]).start();
        let mut client = server.client();
        fill_common(&mut client);
        let before = contents(&mut client);
        assert_eq!(client.run("DEBUG RELOAD").unwrap(), simple("OK"));
        assert_eq!(contents(&mut client), before, "{named}");
        let head = version(&server.folder().join("dump.rdb"));
        assert!(head.ends_with(&format!("{named:0>3}")), "{named}: {head}");
        // What it has no form for gets the version that it needs.
        client.run("HSET expiring f v").unwrap();
        client.run("HEXPIRE expiring 1000 FIELDS 1 f").unwrap();
        assert_eq!(client.run("SAVE").unwrap(), simple("OK"));
        let head = version(&server.folder().join("dump.rdb"));
        assert!(head.ends_with("080"), "{named}: {head}");
        let is_told = server.log().contains("has no form for some of the data");
        assert_eq!(is_told, named != "80", "{named}");
    }
}

#[test]
fn append_only_files_go_both_ways() {
    for preamble in ["yes", "no"] {
        let args = ["--appendonly", "yes", "--aof-use-rdb-preamble", preamble];
        let server = launch(&args).start();
        let mut client = server.client();
        fill_common(&mut client);
        rewrite(&mut client);
        client.run("RPUSH list d").unwrap();
        client.run("MULTI").unwrap();
        client.run("SADD words d").unwrap();
        client.run("INCR number").unwrap();
        client.run("EXEC").unwrap();
        let expected = contents(&mut client);
        let ours = server.stop();
        let peer = Peer::start(ours.folder(), &args);
        let mut other = peer.client();
        wait_for_load(&mut other);
        assert_eq!(contents(&mut other), expected, "theirs, {preamble}");
        // And back, with what the other has written.
        rewrite(&mut other);
        other.run("RPUSH list e").unwrap();
        other.run("ZADD zset 7 z").unwrap();
        let expected = contents(&mut other);
        other.send_raw(b"SHUTDOWN\r\n").unwrap();
        peer.wait();
        let server = ours.start();
        let mut client = server.client();
        wait_for_load(&mut client);
        assert_eq!(contents(&mut client), expected, "ours, {preamble}");
    }
}
