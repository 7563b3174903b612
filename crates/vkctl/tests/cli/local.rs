//! The server of this machine is found without options: its socket first, and nothing that a
//! stranger may have left there.

use std::fs;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::thread;

use crate::fake::{Place, answer_all, stderr, stdout};

#[test]
fn the_socket_of_the_person_is_found_by_port() {
    let place = Place::new("socket");
    fs::create_dir_all(place.path().join("run/vkd")).unwrap();
    let listener = UnixListener::bind(place.path().join("run/vkd/vkd-7999.sock")).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer_all(&mut BufReader::new(stream), &|_| b"+LOCAL\r\n".to_vec());
        }
    });
    assert_eq!(
        stdout(&place.run("vkctl", &["-p", "7999", "ping"])),
        "LOCAL\n"
    );
    // A named host is not this socket, and Valkey's client looks for none.
    for (program, words) in [
        ("vkctl", &["-h", "127.0.0.1", "-p", "7999", "ping"][..]),
        ("valkey-cli", &["-p", "7999", "ping"][..]),
    ] {
        let output = place.run(program, words);
        assert!(
            stderr(&output).contains("127.0.0.1:7999"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn a_stale_socket_is_passed_over() {
    let place = Place::new("stale");
    fs::create_dir_all(place.path().join("run/vkd")).unwrap();
    drop(UnixListener::bind(place.path().join("run/vkd/vkd-1.sock")).unwrap());
    let output = place.run("vkctl", &["-p", "1", "ping"]);
    assert!(
        stderr(&output).contains("127.0.0.1:1: Connection refused"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_password_file_is_read() {
    let place = Place::new("password");
    let port = crate::fake::answering(|request| match request {
        "AUTH FROM-FILE" => b"+OK\r\n".to_vec(),
        "PING" => b"+PONG\r\n".to_vec(),
        _ => b"-ERR wrong\r\n".to_vec(),
    });
    let (file, port) = (place.path().join("password"), port.to_string());
    fs::write(&file, "from-file\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let path = file.to_str().unwrap();
    let words = [
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "--password-file",
        path,
        "ping",
    ];
    let output = place.run("vkctl", &words);
    assert_eq!(
        (stdout(&output).as_str(), stderr(&output).as_str()),
        ("PONG\n", "")
    );
    let mut command = place.command("redis-cli", &["-h", "127.0.0.1", "-p", &port, "ping"]);
    let output = command.env("REDISCLI_AUTH", "from-file").output().unwrap();
    assert_eq!(
        (stdout(&output).as_str(), stderr(&output).as_str()),
        ("PONG\n", "")
    );
}
