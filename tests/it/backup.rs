//! Backups of the real server: taken while it works, checked up to a server that loads them, and
//! put back whatever the server is configured to look for.

use crate::{info, simple, text};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use vk_compat::{Client, TempDir};
use vk_resp::Reply;
use vk_tests::{Ended, Launch, Server, run_bounded, vkctl, vkd, wait_until};

const TIME: Duration = Duration::from_secs(30);

fn run(args: &[&str]) -> Ended {
    let mut command = Command::new(vkctl());
    run_bounded(command.env_clear().args(args), "")
}

/// Runs vkctl on a server.
fn run_on(server: &Server, args: &[&str]) -> Ended {
    let port = server.port().to_string();
    let mut all = vec!["-h", "127.0.0.1", "-p", &port];
    all.extend_from_slice(args);
    run(&all)
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

fn fill(client: &mut Client, keys: usize) {
    for key in 0..keys {
        let reply = client.run(&format!("SET key:{key} {key}")).unwrap();
        assert_eq!(reply, simple("OK"));
    }
    for line in [
        "SELECT 20",
        "RPUSH list a b c",
        "SET volatile x EX 10000",
        "SELECT 0",
    ] {
        let reply = client.run(line).unwrap();
        assert!(!matches!(reply, Reply::Error(_)), "{line}: {reply:?}");
    }
}

fn launch() -> Launch {
    Launch::compatible(&["--save", "", "--databases", "32"])
}

fn server_program() -> String {
    vkd().display().to_string()
}

#[test]
fn a_backup_of_a_working_server_is_one_moment_and_comes_back() {
    let folder = TempDir::new("it").unwrap();
    let server = launch().args(&["--rdb-key-save-delay", "100"]).start();
    let mut client = server.client();
    fill(&mut client, 1000);
    let backup = path(&folder, "backup");
    let created = std::thread::scope(|scope| {
        let create = scope.spawn(|| {
            let vkd = server_program();
            run_on(
                &server,
                &["backup", "create", "--drill", "--vkd", &vkd, &backup],
            )
        });
        wait_until("it writes", TIME, || {
            info(&mut client, "rdb_bgsave_in_progress") == "1" || create.is_finished()
        });
        for key in 0..1000 {
            client.run(&format!("SET key:{key} changed")).unwrap();
            client.run(&format!("SET new:{key} x")).unwrap();
        }
        client.run("CONFIG SET rdb-key-save-delay 0").unwrap();
        create.join().unwrap()
    });
    assert_eq!(created.code, 0, "{}", created.output);
    assert!(
        created.output.contains("1002 keys in 2 databases"),
        "{}",
        created.output
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let vkd = server_program();
    let verified = run(&["backup", "verify", "--drill", "--vkd", &vkd, &backup]);
    assert_eq!(verified.code, 0, "{}", verified.output);
    verified.line_with(&["the server has loaded 1000 keys in db0, 2 keys in db20"]);
    verified.line_with(&["the digest is the recorded one"]);
    for more in [&[][..], &["--appendonly", "yes"]] {
        let there = launch().args(more);
        let data = there.folder().display().to_string();
        let restored = run(&["backup", "restore", "--data-dir", &data, &backup]);
        assert_eq!(restored.code, 0, "{}", restored.output);
        let server = there.start();
        let mut client = server.client();
        wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
        assert_eq!(client.run("DBSIZE").unwrap(), Reply::Int(1000), "{more:?}");
        assert_eq!(client.run("GET key:7").unwrap(), crate::bulk("7"));
        client.run("SELECT 20").unwrap();
        assert_eq!(client.run("LLEN list").unwrap(), Reply::Int(3));
        // What the server writes from then on is its own business, not the backup's.
        client.run("SET after x").unwrap();
        assert_eq!(client.run("SAVE").unwrap(), simple("OK"));
    }
    assert_eq!(run(&["backup", "verify", &backup]).code, 0);
}

#[test]
fn a_changed_backup_is_found() {
    let folder = TempDir::new("it").unwrap();
    let server = launch().start();
    fill(&mut server.client(), 10);
    let backup = path(&folder, "backup");
    assert_eq!(run_on(&server, &["backup", "create", &backup]).code, 0);
    let (file, list) = (
        Path::new(&backup).join("dump.rdb"),
        Path::new(&backup).join("backup.json"),
    );
    let (bytes, record) = (fs::read(&file).unwrap(), fs::read_to_string(&list).unwrap());
    let verify = || {
        let ended = run(&["backup", "verify", &backup]);
        let data = path(&folder, "data");
        let restored = run(&["backup", "restore", "--data-dir", &data, &backup]);
        assert_eq!(restored.code, ended.code, "{}", restored.output);
        let files = fs::read_dir(&data).map_or(0, Iterator::count);
        assert_eq!(files == 0, ended.code == 1, "{}", restored.output);
        fs::remove_dir_all(&data).ok();
        ended
    };
    assert_eq!(verify().code, 0);
    // A checksum of zero says that there is none, so that SHA-256 alone can find it.
    let mut unsummed = bytes.clone();
    let end = unsummed.len() - 8;
    unsummed[end..].fill(0);
    fs::write(&file, &unsummed).unwrap();
    let ended = verify();
    assert!(ended.output.contains("the SHA-256 is"), "{}", ended.output);
    for at in [3, bytes.len() / 2, bytes.len() - 1] {
        let mut wrong = bytes.clone();
        wrong[at] ^= 4;
        fs::write(&file, wrong).unwrap();
        assert_eq!(verify().code, 1, "{at}");
    }
    fs::write(&file, [&bytes[..], b"x"].concat()).unwrap();
    assert!(verify().output.contains("1 bytes follow the end"));
    fs::write(&file, &bytes).unwrap();
    for (old, new) in [
        ("\"keys\": 10", "\"keys\": 11"),
        ("verikey-backup", "else"),
        ("{", ""),
    ] {
        fs::write(&list, record.replacen(old, new, 1)).unwrap();
        assert_eq!(verify().code, 1, "{new}");
    }
    fs::write(&list, &record).unwrap();
    assert_eq!(verify().code, 0);
}

#[test]
fn what_stands_in_the_way_of_a_backup_is_told() {
    let folder = TempDir::new("it").unwrap();
    let server = launch().start();
    let mut client = server.client();
    fill(&mut client, 10);
    let backup = path(&folder, "backup");
    let refused = |args: &[&str], reason: &str| {
        let ended = run_on(&server, args);
        assert_eq!(ended.code, 1, "{}", ended.output);
        assert!(ended.output.contains(reason), "{reason}: {}", ended.output);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{reason}");
    };
    let other = server.folder().join("other.rdb");
    fs::write(&other, "x").unwrap();
    let other = other.display().to_string();
    refused(
        &["backup", "create", "--server-file", &other, &backup],
        "did not change",
    );
    fs::remove_file(server.folder().join("dump.rdb")).unwrap();
    fs::create_dir(server.folder().join("dump.rdb")).unwrap();
    refused(&["backup", "create", &backup], "could not write a snapshot");
    fs::remove_dir(server.folder().join("dump.rdb")).unwrap();
    let args = [
        "backup",
        "create",
        "--drill",
        "--vkd",
        "/bin/false",
        &backup,
    ];
    refused(&args, "Restore drill: the server ended");
    assert_eq!(run_on(&server, &["backup", "create", &backup]).code, 0);
    let again = run_on(&server, &["backup", "create", &backup]);
    assert!(
        again.output.contains("there is something of this name"),
        "{}",
        again.output
    );
}

#[test]
fn nothing_is_restored_over_data_or_under_a_server() {
    let folder = TempDir::new("it").unwrap();
    let server = launch().args(&["--appendonly", "yes"]).start();
    let mut client = server.client();
    fill(&mut client, 10);
    let backup = path(&folder, "backup");
    assert_eq!(run_on(&server, &["backup", "create", &backup]).code, 0);
    client.run("SET late x").unwrap();
    let data = server.folder().display().to_string();
    let args = ["backup", "restore", "--force", "--data-dir", &data, &backup];
    let refused = run(&args);
    assert_eq!(refused.code, 1);
    refused.line_with(&["A server works in", "vkd"]);
    let there = server.stop();
    let refused = run(&["backup", "restore", "--data-dir", &data, &backup]);
    assert_eq!(refused.code, 1);
    refused.line_with(&["There is data already", "dump.rdb", "appendonlydir"]);
    let restored = run(&args);
    assert_eq!(restored.code, 0, "{}", restored.output);
    restored.line_with(&["appendonlydir is now", "before-restore-"]);
    let server = there.start();
    let mut client = server.client();
    wait_until("loaded", TIME, || info(&mut client, "loading") == "0");
    assert_eq!(client.run("DBSIZE").unwrap(), Reply::Int(10));
    let names = fs::read_dir(&data).unwrap();
    let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
    let aside: Vec<String> = names
        .filter(|name| name.contains(".before-restore-"))
        .collect();
    assert_eq!(aside.len(), 2, "{aside:?}");
    assert_eq!(text(&client.run("TYPE late").unwrap()), "none");
}
