//! Rewrites of the append-only file and its list of files: what a failure leaves, what is kept and
//! removed, the log switched on and off around them.

use crate::aof::{digest, files, kill, launch, loaded};
use crate::{info, simple, text};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vk_compat::Client;
use vk_resp::Reply;
use vk_tests::{Server, wait_until};

const TIME: Duration = Duration::from_secs(30);

fn manifest_path(folder: &Path) -> PathBuf {
    files(folder).join("appendonly.aof.manifest")
}

/// The list of files in short: `2b 3i` is the second base with the third increment.
fn list(server: &Server) -> String {
    let text = std::fs::read_to_string(manifest_path(server.folder())).unwrap();
    let parts = text.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let name = files(server.folder()).join(words[1]);
        assert!(name.exists(), "{line}");
        format!("{}{}", words[3], words[5])
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// The names of all files of the log.
fn names(server: &Server) -> Vec<String> {
    let names = std::fs::read_dir(files(server.folder())).unwrap();
    let mut names: Vec<String> = names
        .map(|name| name.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn ok(client: &mut Client, line: &str) {
    let reply = client.run(line).unwrap();
    assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply:?}");
}

fn wait_for_rewrite(client: &mut Client) {
    wait_until("the end of the rewrite", TIME, || {
        info(client, "aof_rewrite_in_progress") == "0"
            && info(client, "aof_rewrite_scheduled") == "0"
    });
}

fn rewrite(client: &mut Client) {
    ok(client, "BGREWRITEAOF");
    wait_for_rewrite(client);
}

/// What is loaded is what there is.
fn check_reload(client: &mut Client) {
    let before = digest(client);
    assert_eq!(client.run("DEBUG LOADAOF").unwrap(), simple("OK"));
    assert_eq!(digest(client), before);
}

/// A folder with the name of the file that a rewrite begins with.
struct Obstacle(PathBuf);

impl Obstacle {
    fn new(server: &Server) -> Self {
        let name = format!("temp-rewriteaof-bg-{}.aof", server.pid());
        let folder = files(server.folder());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::create_dir(folder.join(&name)).unwrap();
        Self(folder.join(name))
    }
}

impl Drop for Obstacle {
    fn drop(&mut self) {
        std::fs::remove_dir(&self.0).unwrap();
    }
}

#[test]
fn rewrites_that_fail_leave_increments_and_wait_longer() {
    let server = launch(&["--auto-aof-rewrite-percentage", "0"]).start();
    let mut client = server.client();
    ok(&mut client, "RPUSH list 0");
    let obstacle = Obstacle::new(&server);
    for element in 1..4 {
        rewrite(&mut client);
        assert_eq!(info(&mut client, "aof_last_bgrewrite_status"), "err");
        ok(&mut client, &format!("RPUSH list {element}"));
    }
    assert_eq!(list(&server), "1b 1i 2i 3i 4i");
    let count = |what: &str| server.log().matches(what).count();
    assert_eq!(count("triggered the limit"), 1);
    // It would be due, but not so soon after so many failures.
    ok(&mut client, "CONFIG SET auto-aof-rewrite-min-size 1kb");
    ok(&mut client, "CONFIG SET auto-aof-rewrite-percentage 1");
    ok(&mut client, &format!("SET x {}", "x".repeat(2000)));
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(list(&server), "1b 1i 2i 3i 4i");
    check_reload(&mut client);
    drop(obstacle);
    // Who asks for one gets it at once.
    ok(&mut client, "CONFIG SET auto-aof-rewrite-percentage 0");
    rewrite(&mut client);
    assert_eq!(info(&mut client, "aof_last_bgrewrite_status"), "ok");
    assert_eq!(list(&server), "2b 5i");
    let left = names(&server);
    let expected = [
        "appendonly.aof.2.base.rdb",
        "appendonly.aof.5.incr.aof",
        "appendonly.aof.manifest",
    ];
    assert_eq!(left, expected);
    check_reload(&mut client);
    let before = digest(&mut client);
    let server = kill(server).start();
    assert_eq!(digest(&mut loaded(&server)), before);
}

#[test]
fn a_log_that_is_off_is_rewritten_without_an_increment() {
    let server = launch(&[]).start();
    let mut client = server.client();
    ok(&mut client, "SET a 1");
    ok(&mut client, "CONFIG SET appendonly no");
    ok(&mut client, "SET b 1");
    rewrite(&mut client);
    assert_eq!(list(&server), "2b");
    check_reload(&mut client);
    ok(&mut client, "CONFIG SET appendonly yes");
    wait_for_rewrite(&mut client);
    assert_eq!(list(&server), "3b 1i");
    ok(&mut client, "SET c 1");
    check_reload(&mut client);
    // Numbers go on after the files were read.
    rewrite(&mut client);
    assert_eq!(list(&server), "4b 2i");
}

#[test]
fn replaced_files_stay_as_long_as_that_is_wanted() {
    let server = launch(&["--aof-disable-auto-gc", "yes"]).start();
    let mut client = server.client();
    rewrite(&mut client);
    rewrite(&mut client);
    // The last that was replaced comes first.
    assert_eq!(list(&server), "3b 2h 2h 1h 1h 3i");
    ok(&mut client, "CONFIG SET aof-disable-auto-gc no");
    assert_eq!(list(&server), "3b 3i");
    assert_eq!(names(&server).len(), 3);
    // What an earlier run has left is removed at the start.
    ok(&mut client, "CONFIG SET aof-disable-auto-gc yes");
    rewrite(&mut client);
    assert_eq!(list(&server), "4b 3h 3h 4i");
    let launch = kill(server).args(&["--aof-disable-auto-gc", "no"]);
    let server = launch.start();
    drop(loaded(&server));
    assert_eq!(list(&server), "4b 4i");
    assert_eq!(names(&server).len(), 3);
}

#[test]
fn a_log_that_is_switched_on_during_a_snapshot_begins_after_it() {
    let args = ["--appendonly", "no", "--rdb-key-save-delay", "10000000"];
    let server = launch(&args).start();
    let mut client = server.client();
    ok(&mut client, "RPUSH list a");
    ok(&mut client, "BGSAVE");
    ok(&mut client, "CONFIG SET appendonly yes");
    assert_eq!(info(&mut client, "aof_rewrite_scheduled"), "1");
    assert!(!manifest_path(server.folder()).exists());
    ok(&mut client, "RPUSH list b");
    let durable = client.run("WAITAOF 1 0 50").unwrap();
    assert_eq!(durable, Reply::Array(vec![Reply::Int(0), Reply::Int(0)]));
    ok(&mut client, "CONFIG SET rdb-key-save-delay 0");
    client.run("BGSAVE CANCEL").unwrap();
    wait_until("a log", TIME, || manifest_path(server.folder()).exists());
    wait_for_rewrite(&mut client);
    assert_eq!(list(&server), "1b 1i");
    // What came before the base is not in the increment once more, and it is durable.
    let durable = client.run("WAITAOF 1 0 5000").unwrap();
    assert_eq!(durable, Reply::Array(vec![Reply::Int(1), Reply::Int(0)]));
    ok(&mut client, "RPUSH list c");
    check_reload(&mut client);
    assert_eq!(client.run("LLEN list").unwrap(), Reply::Int(3));
}

#[test]
fn a_first_rewrite_that_fails_leaves_the_files_as_they_were() {
    let server = launch(&[]).start();
    let mut client = server.client();
    ok(&mut client, "RPUSH list a");
    let old = digest(&mut client);
    ok(&mut client, "CONFIG SET appendonly no");
    ok(&mut client, "RPUSH list b");
    let obstacle = Obstacle::new(&server);
    ok(&mut client, "CONFIG SET appendonly yes");
    ok(&mut client, "RPUSH list c");
    wait_until("a failure", TIME, || {
        server.log().contains("Removing the temp incr aof file")
    });
    assert_eq!(list(&server), "1b 1i");
    assert!(!names(&server).contains(&"temp-appendonly.aof.incr".to_owned()));
    let durable = client.run("WAITAOF 1 0 50").unwrap();
    assert_eq!(durable, Reply::Array(vec![Reply::Int(0), Reply::Int(0)]));
    drop(obstacle);
    let server = kill(server).start();
    let mut client = loaded(&server);
    assert_eq!(digest(&mut client), old);
}

#[test]
fn a_first_rewrite_is_tried_again() {
    let server = launch(&["--appendonly", "no"]).start();
    let mut client = server.client();
    ok(&mut client, "RPUSH list a");
    let obstacle = Obstacle::new(&server);
    ok(&mut client, "CONFIG SET appendonly yes");
    wait_until("failures", TIME, || {
        server.log().contains("triggered the limit")
    });
    assert_eq!(info(&mut client, "aof_last_bgrewrite_status"), "err");
    ok(&mut client, "RPUSH list b");
    drop(obstacle);
    // After so many failures it waits, but whoever asks gets one.
    rewrite(&mut client);
    assert_eq!(list(&server), "1b 1i");
    ok(&mut client, "RPUSH list c");
    let before = digest(&mut client);
    let server = kill(server).args(&["--appendonly", "yes"]).start();
    let mut client = loaded(&server);
    assert_eq!(digest(&mut client), before);
    assert_eq!(client.run("LLEN list").unwrap(), Reply::Int(3));
}

#[test]
fn switching_it_off_gives_up_the_rewrite() {
    let args = ["--appendonly", "no", "--rdb-key-save-delay", "10000000"];
    let server = launch(&args).start();
    let mut client = server.client();
    ok(&mut client, "SET a 1");
    ok(&mut client, "CONFIG SET appendonly yes");
    assert_eq!(info(&mut client, "aof_rewrite_in_progress"), "1");
    let refused = text(&client.run("BGREWRITEAOF").unwrap());
    assert!(refused.contains("already in progress"), "{refused}");
    ok(&mut client, "CONFIG SET appendonly no");
    assert!(server.log().contains("Killing AOF child"));
    assert_eq!(info(&mut client, "aof_rewrite_in_progress"), "0");
    assert_eq!(info(&mut client, "aof_rewrite_scheduled"), "0");
    assert_eq!(names(&server), Vec::<String>::new());
}

#[test]
fn an_upgrade_that_was_interrupted_is_completed() {
    let launch = launch(&[]);
    let old = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    std::fs::write(launch.folder().join("appendonly.aof"), old).unwrap();
    std::fs::create_dir(files(launch.folder())).unwrap();
    let known = "file appendonly.aof seq 1 type b\n";
    std::fs::write(manifest_path(launch.folder()), known).unwrap();
    let server = launch.start();
    let mut client = loaded(&server);
    assert_eq!(text(&client.run("GET a").unwrap()), "1");
    assert_eq!(list(&server), "1b 1i");
    assert!(!server.folder().join("appendonly.aof").exists());
}
