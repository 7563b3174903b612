//! What clients that misbehave by the thousand can make the server hold, and how long others wait
//! meanwhile.

use crate::simple;
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use vk_compat::Client;
use vk_tests::{Launch, Server, quiet};

const PASSWORD: &str = "a password of some length";

/// The longest that one unauthenticated connection may hold, in bytes.
const UNAUTHENTICATED_BYTES_MAX: u64 = 128 * 1024;

/// The longest wait of a PING.
const PING_MAX: Duration = Duration::from_millis(100);

/// Time for the server to take in what was sent.
const SETTLE: Duration = Duration::from_millis(700);

fn server() -> Server {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit
        .maximum
        .map_or(Some(65536), |most| Some(most.min(65536)));
    setrlimit(Resource::Nofile, limit).unwrap();
    Launch::compatible(&["--requirepass", PASSWORD]).start()
}

fn authenticated(server: &Server) -> Client {
    let mut client = server.client();
    assert_eq!(client.call(&["AUTH", PASSWORD]).unwrap(), simple("OK"));
    client
}

/// The longest wait of 50 PINGs.
fn worst_ping(client: &mut Client) -> Duration {
    let times = (0..50).map(|_| {
        let start = Instant::now();
        assert_eq!(client.run("PING").unwrap(), simple("PONG"));
        start.elapsed()
    });
    times.max().unwrap_or_default()
}

/// Other work on the machine can make any single round slow, the server alone makes all slow.
fn check_ping(client: &mut Client) {
    let rounds: Vec<Duration> = (0..3).map(|_| worst_ping(client)).collect();
    let best = rounds.iter().min().unwrap();
    assert!(*best < PING_MAX, "worst PING of each round: {rounds:?}");
}

/// Connections that each send these bytes and never read.
fn flood(server: &Server, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    (0..count)
        .map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            // A small window keeps replies from piling up in the kernel.
            socket.set_recv_buffer_size(4096).unwrap();
            socket.connect(&server.address().into()).unwrap();
            let mut stream = TcpStream::from(socket);
            stream.set_nonblocking(true).unwrap();
            // A server that stops reading or closes is doing its job.
            drop(stream.write_all(bytes));
            stream
        })
        .collect()
}

fn check_growth(server: &Server, before: u64, bound: u64) {
    let after = server.rss_bytes();
    let growth = after.saturating_sub(before);
    assert!(
        growth <= bound,
        "from {before} to {after} bytes: {growth} over {bound}"
    );
}

#[test]
fn unauthenticated_connections_that_promise_huge_arrays() {
    let _quiet = quiet();
    let server = server();
    let mut client = authenticated(&server);
    worst_ping(&mut client);
    let before = server.rss_bytes();
    let flood = flood(&server, 1024, b"*1000000\r\n$1000000\r\n");
    check_ping(&mut client);
    std::thread::sleep(SETTLE);
    check_growth(&server, before, 1024 * UNAUTHENTICATED_BYTES_MAX);
    check_ping(&mut client);
    drop(flood);
}

#[test]
fn unauthenticated_connections_that_fill_what_they_may() {
    let _quiet = quiet();
    let server = server();
    let mut client = authenticated(&server);
    let before = server.rss_bytes();
    let mut bytes = b"*10\r\n".to_vec();
    for _ in 0..9 {
        bytes.extend(b"$16384\r\n");
        bytes.extend([b'x'; 16384]);
        bytes.extend(b"\r\n");
    }
    let flood = flood(&server, 1024, &bytes);
    check_ping(&mut client);
    std::thread::sleep(SETTLE);
    check_growth(&server, before, 1024 * UNAUTHENTICATED_BYTES_MAX);
    drop(flood);
}

#[test]
fn unauthenticated_connections_that_never_read() {
    let _quiet = quiet();
    let server = server();
    let mut client = authenticated(&server);
    let before = server.rss_bytes();
    let requests = b"GET a\r\n".repeat(20_000);
    let mut flood = flood(&server, 1024, &requests);
    check_ping(&mut client);
    for _ in 0..4 {
        std::thread::sleep(SETTLE / 4);
        for stream in &mut flood {
            drop(stream.write(&requests));
        }
    }
    check_growth(&server, before, 1024 * UNAUTHENTICATED_BYTES_MAX);
    check_ping(&mut client);
    drop(flood);
}

#[test]
fn authenticated_connections_that_promise_a_million_arguments() {
    let _quiet = quiet();
    let server = server();
    let mut client = authenticated(&server);
    let before = server.rss_bytes();
    let bytes = format!(
        "*2\r\n$4\r\nAUTH\r\n${}\r\n{PASSWORD}\r\n*1000000\r\n",
        PASSWORD.len()
    );
    let flood = flood(&server, 200, bytes.as_bytes());
    std::thread::sleep(SETTLE);
    assert_eq!(crate::info(&mut client, "connected_clients"), "201");
    check_growth(&server, before, 200 * 64 * 1024);
    check_ping(&mut client);
    drop(flood);
}

#[test]
fn a_promised_value_costs_what_has_arrived() {
    let _quiet = quiet();
    let server = server();
    let mut client = authenticated(&server);
    let before = server.rss_bytes();
    let auth = format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{PASSWORD}\r\n", PASSWORD.len());
    let set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870912\r\nsome bytes";
    let flood = flood(&server, 200, format!("{auth}{set}").as_bytes());
    std::thread::sleep(SETTLE);
    assert_eq!(crate::info(&mut client, "connected_clients"), "201");
    check_growth(&server, before, 200 * 128 * 1024);
    drop(flood);
}
