//! A disk that fails below the real server: no room, names that are refused, an fsync that says no.
//! What was acknowledged is there afterwards, and clients are told.

use crate::{info, simple, text};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::time::Duration;
use vk_resp::Reply;
use vk_tests::{Launch, Server, wait_until};

const TIME: Duration = Duration::from_secs(30);
/// Bytes that a file may have where there is little room.
const ROOM_BYTES: u64 = 64 << 10;

fn launch(args: &[&str]) -> Launch {
    Launch::compatible(&["--save", "", "--appendonly", "yes"]).args(args)
}

fn file(launch: &Launch, name: &str) -> PathBuf {
    launch.folder().join("appendonlydir").join(name)
}

fn kill(mut server: Server) -> Launch {
    server.signal(Signal::KILL);
    server.wait_for_end();
    server.relaunch()
}

/// With little room: whoever writes more is told so.
fn with_little_room(launch: Launch) -> Launch {
    let path = launch.folder().join("little-room");
    let script = format!(
        "#!/bin/sh\ntrap '' XFSZ\nulimit -S -f {}\nexec '{}' \"$@\"\n",
        ROOM_BYTES / 512,
        vk_tests::vkd().display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    launch.program(&path)
}

/// Writes values of a kilobyte until one is not acknowledged at once; how many were.
fn fill(server: &Server) -> (usize, vk_compat::Client) {
    let mut client = server.client();
    let value = "x".repeat(1000);
    for key in 0..1000 {
        client
            .send_raw(format!("SET key:{key} {value}\r\n").as_bytes())
            .unwrap();
        let mut other = server.client();
        if text(&other.run("PING").unwrap()).starts_with("MISCONF") {
            return (key, client);
        }
        assert_eq!(client.receive().unwrap(), Some(simple("OK")), "{key}");
    }
    panic!("there was room for everything");
}

#[test]
fn without_room_writes_wait_and_are_refused_until_there_is_some() {
    for policy in ["everysec", "no"] {
        let server = with_little_room(launch(&["--appendfsync", policy])).start();
        let (acknowledged, mut waiting) = fill(&server);
        assert!(acknowledged > 10, "{acknowledged}");
        let mut client = server.client();
        let refused = text(&client.run("SET a 1").unwrap());
        assert!(
            refused.starts_with("MISCONF Errors writing to the AOF file: File too large"),
            "{refused}"
        );
        assert_eq!(info(&mut client, "aof_last_write_status"), "err");
        assert_eq!(client.run("EXISTS key:0").unwrap(), Reply::Int(1));
        let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
        let room = Rlimit {
            current: None,
            maximum: None,
        };
        prlimit(pid, Resource::Fsize, room).unwrap();
        // What waited is acknowledged now, and written once.
        assert_eq!(waiting.receive().unwrap(), Some(simple("OK")));
        wait_until("solved", TIME, || {
            info(&mut client, "aof_last_write_status") == "ok"
        });
        assert_eq!(client.run("SET a 1").unwrap(), simple("OK"));
        let server = kill(server).program(&vk_tests::vkd()).start();
        let mut client = server.client();
        wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
        let keys = Reply::Int(i64::try_from(acknowledged).unwrap() + 2);
        assert_eq!(client.run("DBSIZE").unwrap(), keys, "{policy}");
    }
}

#[test]
fn without_room_a_server_that_promised_always_ends() {
    let mut server = with_little_room(launch(&["--appendfsync", "always"])).start();
    let mut client = server.client();
    let value = "x".repeat(1000);
    let mut acknowledged = 0;
    while client
        .run(&format!("SET key:{acknowledged} {value}"))
        .is_ok_and(|reply| reply == simple("OK"))
    {
        acknowledged += 1;
    }
    assert!(acknowledged > 10, "{acknowledged}");
    assert_eq!(server.wait_for_end(), 1);
    let server = server.relaunch().program(&vk_tests::vkd()).start();
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    assert_eq!(client.run("DBSIZE").unwrap(), Reply::Int(acknowledged));
}

#[test]
fn a_rewrite_whose_names_are_refused_changes_nothing() {
    // The new base has no place, or the list of files has none.
    for name in ["appendonly.aof.2.base.rdb", "temp_appendonly.aof.manifest"] {
        let server = launch(&[]).start();
        let mut client = server.client();
        client.run("SET a 1").unwrap();
        let folder = server.folder().join("appendonlydir");
        std::fs::create_dir_all(folder.join(name).join("in-the-way")).unwrap();
        client.run("BGREWRITEAOF").unwrap();
        wait_until("failed", TIME, || {
            info(&mut client, "aof_rewrite_in_progress") == "0"
                && info(&mut client, "aof_last_bgrewrite_status") == "err"
        });
        assert_eq!(client.run("SET b 2").unwrap(), simple("OK"), "{name}");
        let launch = kill(server);
        let server = launch.start();
        let mut client = server.client();
        wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
        assert_eq!(client.run("EXISTS a b").unwrap(), Reply::Int(2), "{name}");
        std::fs::remove_dir_all(folder.join(name)).unwrap();
        client.run("BGREWRITEAOF").unwrap();
        wait_until("rewritten", TIME, || {
            info(&mut client, "aof_rewrite_in_progress") == "0"
                && info(&mut client, "aof_last_bgrewrite_status") == "ok"
        });
        client.run("SET c 3").unwrap();
        let server = kill(server).start();
        let mut client = server.client();
        wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
        assert_eq!(client.run("EXISTS a b c").unwrap(), Reply::Int(3), "{name}");
    }
}

#[test]
fn an_fsync_that_fails_stops_the_start_and_the_next_one_writes_everything_anew() {
    let server = launch(&[]).start();
    let mut client = server.client();
    client.run("SET a 1").unwrap();
    let launch = kill(server);
    let increment = file(&launch, "appendonly.aof.1.incr.aof");
    let aside = file(&launch, "aside");
    std::fs::rename(&increment, &aside).unwrap();
    // It is empty, and cannot be given to any disk.
    symlink("/dev/null", &increment).unwrap();
    let ended = launch.run();
    assert_eq!(ended.code, 1, "{}", ended.output);
    ended.line_with(&["fsync of appendonly.aof.1.incr.aof"]);
    let mark = file(&launch, "appendonly.aof.unsynced");
    assert!(mark.exists());
    std::fs::rename(&aside, &increment).unwrap();
    let server = launch.start();
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    assert_eq!(text(&client.run("GET a").unwrap()), "1");
    assert!(server.log().contains("all that was loaded is written anew"));
    assert!(!mark.exists());
    let list = std::fs::read_to_string(
        server
            .folder()
            .join("appendonlydir/appendonly.aof.manifest"),
    );
    assert_eq!(
        list.unwrap(),
        "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n"
    );
}

/// Makes every fdatasync of a process fail, at once or later, where the machine has a tool that can
/// and lets it.
struct FailingDisk(std::process::Child);

impl FailingDisk {
    fn below(server: &Server, delay: Duration) -> Option<Self> {
        let pid = server.pid().to_string();
        let log = server.folder().join("strace.log");
        let child = std::process::Command::new("strace")
            .args(["-f", "-o", &log.display().to_string(), "-p", &pid])
            .args(["-e", "trace=fdatasync", "-e"])
            .arg(format!(
                "inject=fdatasync:error=EIO:delay_enter={}",
                delay.as_micros()
            ))
            .stderr(std::process::Stdio::null())
            .spawn()
            .ok()?;
        let mut disk = Self(child);
        std::thread::sleep(Duration::from_secs(1));
        let is_there = disk.0.try_wait().is_ok_and(|ended| ended.is_none());
        is_there.then_some(disk)
    }
}

impl Drop for FailingDisk {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap_or(0));
        // It lets go of the process then.
        let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::TERM));
        let _ = self.0.wait();
    }
}

#[test]
fn after_an_fsync_that_failed_writes_are_refused_until_all_is_written_anew() {
    let server = launch(&["--appendfsync", "everysec"]).start();
    let mut client = server.client();
    let Some(disk) = FailingDisk::below(&server, Duration::ZERO) else {
        eprintln!("SKIPPED: no strace that may trace the server");
        return;
    };
    client.run("SET a 1").unwrap();
    let durable = client.run("WAITAOF 1 0 3000").unwrap();
    assert_eq!(durable, Reply::Array(vec![Reply::Int(0), Reply::Int(0)]));
    let refused = text(&client.run("SET b 2").unwrap());
    assert!(
        refused.starts_with("MISCONF Errors writing to the AOF file: Input/output error"),
        "{refused}"
    );
    drop(disk);
    // That the disk says yes again does not bring back what it has lost.
    std::thread::sleep(Duration::from_millis(1500));
    assert!(text(&client.run("SET b 2").unwrap()).starts_with("MISCONF"));
    let mark = server
        .folder()
        .join("appendonlydir/appendonly.aof.unsynced");
    assert!(mark.exists());
    client.run("BGREWRITEAOF").unwrap();
    wait_until("rewritten", TIME, || {
        info(&mut client, "aof_last_write_status") == "ok"
    });
    assert!(!mark.exists());
    assert_eq!(client.run("SET b 2").unwrap(), simple("OK"));
    let durable = client.run("WAITAOF 1 0 5000").unwrap();
    assert_eq!(durable, Reply::Array(vec![Reply::Int(1), Reply::Int(0)]));
    let server = kill(server).start();
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    assert_eq!(client.run("EXISTS a b").unwrap(), Reply::Int(2));
}

/// The system tells of a failure once, and the thread hears it: a rewrite that gives the same file
/// to the disk meanwhile would hear nothing.
#[test]
fn a_rewrite_does_not_forget_an_fsync_that_is_going_on_and_will_fail() {
    let server = launch(&["--appendfsync", "everysec"]).start();
    let mut client = server.client();
    let Some(disk) = FailingDisk::below(&server, Duration::from_millis(800)) else {
        eprintln!("SKIPPED: no strace that may trace the server");
        return;
    };
    client.run("SET a 1").unwrap();
    wait_until("given to the disk", TIME, || {
        info(&mut client, "aof_pending_bio_fsync") == "1"
    });
    client.run("BGREWRITEAOF").unwrap();
    wait_until("rewritten", TIME, || {
        info(&mut client, "aof_rewrite_in_progress") == "0"
    });
    assert_eq!(info(&mut client, "aof_last_bgrewrite_status"), "err");
    assert!(text(&client.run("SET b 2").unwrap()).starts_with("MISCONF"));
    let mark = server
        .folder()
        .join("appendonlydir/appendonly.aof.unsynced");
    assert!(mark.exists());
    drop(disk);
    client.run("BGREWRITEAOF").unwrap();
    wait_until("rewritten", TIME, || {
        info(&mut client, "aof_last_write_status") == "ok"
    });
    assert!(!mark.exists());
    assert_eq!(client.run("SET b 2").unwrap(), simple("OK"));
    let server = kill(server).start();
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    assert_eq!(client.run("EXISTS a b").unwrap(), Reply::Int(2));
}
