//! Unmodified tools of others: redis-cli and redis-benchmark.

use std::process::Command;
use vk_tests::{Certificates, Launch, run_bounded};

#[test]
fn redis_cli_over_tcp() {
    let server = Launch::compatible(&["--requirepass", "sesame"]).start();
    let port = server.port().to_string();
    let mut command = Command::new("redis-cli");
    command.args(["-p", &port, "-a", "sesame", "--no-auth-warning"]);
    let input = "SET a 1\nINCR a\nGET missing\nMULTI\nINCR a\nEXEC\nHELLO 3\nPING\n";
    let ended = run_bounded(&mut command, input);
    assert_eq!(ended.code, 0, "{}", ended.output);
    let lines: Vec<&str> = ended.output.lines().collect();
    assert_eq!(
        lines[..6],
        ["OK", "2", "", "OK", "QUEUED", "3"],
        "{}",
        ended.output
    );
    assert_eq!(lines.last(), Some(&"PONG"));
}

#[test]
fn redis_cli_over_tls() {
    let launch = Launch::compatible(&["--port", "0", "--tls-auth-clients", "no"]);
    let files = Certificates::create(launch.folder());
    let directives = files.directives();
    let directives: Vec<&str> = directives.iter().map(String::as_str).collect();
    let server = launch.args(&directives).start_tls();
    let mut command = Command::new("redis-cli");
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &server.port().to_string(),
        "--tls",
        "--cacert",
    ]);
    command.arg(&files.ca).args(["SET", "a", "1"]);
    let ended = run_bounded(&mut command, "");
    assert_eq!((ended.code, ended.output.trim()), (0, "OK"));
}

#[test]
fn redis_cli_scans_and_pipes() {
    let server = Launch::compatible(&[]).start();
    let port = server.port().to_string();
    let requests: String = (0..1000)
        .map(|i| format!("*3\r\n$3\r\nSET\r\n$5\r\nk{i:04}\r\n$1\r\nv\r\n"))
        .collect();
    let ended = run_bounded(
        Command::new("redis-cli").args(["-p", &port, "--pipe"]),
        &requests,
    );
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["errors: 0", "replies: 1000"]);
    let mut command = Command::new("redis-cli");
    let ended = run_bounded(
        command.args(["-p", &port, "--scan", "--pattern", "k00*"]),
        "",
    );
    assert_eq!(ended.output.lines().count(), 100, "{}", ended.output);
}

#[test]
fn redis_benchmark_runs() {
    let server = Launch::compatible(&[]).start();
    let mut command = Command::new("redis-benchmark");
    command.args([
        "-p",
        &server.port().to_string(),
        "-n",
        "5000",
        "-c",
        "20",
        "-P",
        "8",
        "-q",
    ]);
    command.args([
        "-r",
        "1000",
        "-t",
        "ping_inline,ping_mbulk,set,get,incr,mset",
    ]);
    let ended = run_bounded(&mut command, "");
    assert_eq!(ended.code, 0, "{}", ended.output);
    for test in ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET"] {
        ended.line_with(&[test, "requests per second"]);
    }
    assert!(!ended.output.contains("ERR"), "{}", ended.output);
    assert!(!ended.output.contains("WARNING"), "{}", ended.output);
}
