//! The CLI against a real server.

use std::process::Command;
use vk_tests::{Ended, Launch, Server, run_bounded, vkctl};

fn run(server: &Server, args: &[&str], input: &str) -> Ended {
    let mut command = Command::new(vkctl());
    // Nothing of the person who runs the tests.
    command.env_clear().env("HOME", server.folder());
    command
        .args(["-h", "127.0.0.1", "-p", &server.port().to_string()])
        .args(args);
    run_bounded(&mut command, input)
}

#[test]
fn a_command_in_the_arguments() {
    let server = Launch::compatible(&[]).start();
    let ended = run(&server, &["SET", "a", "two words"], "");
    assert_eq!((ended.code, ended.output.trim_end()), (0, "OK"));
    let ended = run(&server, &["GET", "a"], "");
    assert_eq!((ended.code, ended.output.trim_end()), (0, "two words"));
    let ended = run(&server, &["--no-raw", "GET", "a"], "");
    assert_eq!(ended.output.trim_end(), "\"two words\"");
    let ended = run(&server, &["--no-raw", "STRLEN", "a"], "");
    assert_eq!(ended.output.trim_end(), "(integer) 9");
    let ended = run(&server, &["--json", "MGET", "a", "missing"], "");
    let json: serde_json::Value = serde_json::from_str(&ended.output).unwrap();
    assert_eq!(json, serde_json::json!(["two words", null]));
    let ended = run(&server, &["-e", "INCR", "a"], "");
    assert_ne!(ended.code, 0);
    assert!(ended.output.contains("not an integer"), "{}", ended.output);
}

#[test]
fn commands_from_a_pipe() {
    let server = Launch::compatible(&[]).start();
    let ended = run(&server, &[], "SET a 1\nINCR a\nGET a\n");
    assert_eq!((ended.code, ended.output.as_str()), (0, "OK\n2\n2\n"));
    let ended = run(&server, &["-x", "SET", "b"], "from the pipe");
    assert_eq!(ended.code, 0, "{}", ended.output);
    let ended = run(&server, &["GET", "b"], "");
    assert_eq!(ended.output.trim_end(), "from the pipe");
}

#[test]
fn scan_pipe_and_repeat() {
    let server = Launch::compatible(&[]).start();
    let requests: String = (0..300)
        .map(|i| format!("*3\r\n$3\r\nSET\r\n$4\r\nk{i:03}\r\n$1\r\nv\r\n"))
        .collect();
    let ended = run(&server, &["--pipe"], &requests);
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["errors: 0", "replies: 300"]);
    let ended = run(&server, &["--scan", "--pattern", "k00*"], "");
    assert_eq!(ended.output.lines().count(), 10, "{}", ended.output);
    let ended = run(&server, &["-r", "3", "INCR", "n"], "");
    assert_eq!(ended.output, "1\n2\n3\n");
}

#[test]
fn health_by_exit_code() {
    let mut server = Launch::compatible(&["--requirepass", "sesame"]).start();
    assert_eq!(run(&server, &["health", "--live"], "").code, 0);
    assert_ne!(run(&server, &["-e", "-a", "wrong", "GET", "a"], "").code, 0);
    let ended = run(&server, &["-a", "sesame", "health", "--ready"], "");
    assert_eq!(ended.code, 0, "{}", ended.output);
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.wait_for_end(), 0);
    assert_ne!(run(&server, &["health", "--live"], "").code, 0);
    assert_ne!(run(&server, &["health", "--ready"], "").code, 0);
}

#[test]
fn a_refused_connection_is_one_line() {
    let server = Launch::compatible(&[]).start();
    let port = server.port();
    drop(server);
    let mut command = Command::new(vkctl());
    let ended = run_bounded(
        command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "PING"]),
        "",
    );
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.output.trim_end().lines().count(),
        1,
        "{}",
        ended.output
    );
    assert!(ended.output.contains(&port.to_string()), "{}", ended.output);
}

#[test]
fn it_finds_a_strict_server_by_itself() {
    let server = Launch::strict(&[]).start_tls();
    let folder = server.folder();
    let port = server.port().to_string();
    let mut command = Command::new(vkctl());
    command.env_clear().env("HOME", folder.join("home"));
    command.env(
        "VKCTL_SOCKET",
        folder.join(format!("run/vkd/vkd-{port}.sock")),
    );
    let ended = run_bounded(command.args(["SET", "a", "1"]), "");
    assert_eq!(
        (ended.code, ended.output.trim_end()),
        (0, "OK"),
        "{}",
        server.log()
    );
    // Over TLS, with the authority and the password that the server has made.
    let secret = folder.join("config/vkd/secrets/admin.password");
    let secret = std::fs::read_to_string(secret).unwrap();
    let mut command = Command::new(vkctl());
    command
        .env_clear()
        .env("HOME", folder.join("home"))
        .env("VALKEYCLI_AUTH", secret.trim_end());
    command.args([
        "-h",
        "localhost",
        "-p",
        &port,
        "--tls",
        "--user",
        "admin",
        "--cacert",
    ]);
    let ended = run_bounded(
        command
            .arg(folder.join("config/vkd/ca.crt"))
            .args(["GET", "a"]),
        "",
    );
    assert_eq!(
        (ended.code, ended.output.trim_end()),
        (0, "1"),
        "{}",
        server.log()
    );
}
