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

/// Clients of all kinds that take more and more, and never give: all together stay below what
/// clients may take, the others are served, and nothing that is stored goes for their sake.
#[test]
fn clients_together_take_no_more_than_they_may() {
    const CLIENTS_BYTES_MAX: u64 = 8 * 1024 * 1024;
    let _quiet = quiet();
    let server = server();
    let mut client = authenticated(&server);
    for words in [
        ["CLIENT", "NO-EVICT", "on"].as_slice(),
        &["SET", "big", &"x".repeat(100_000)],
        &["CONFIG", "SET", "maxmemory", "64mb"],
        &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
        &["CONFIG", "SET", "maxmemory-clients", "8388608"],
    ] {
        assert_eq!(client.call(words).unwrap(), simple("OK"));
    }
    let before = server.rss_bytes();
    let auth = format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{PASSWORD}\r\n", PASSWORD.len());
    // Half a value, half a transaction, replies that nobody reads.
    let value = format!(
        "{auth}*2\r\n$4\r\nPING\r\n$2000000\r\n{}",
        "x".repeat(1_000_000)
    );
    let queued = format!("{auth}MULTI\r\n{}", "SET k 0123456789\r\n".repeat(20_000));
    let unread = format!("{auth}{}", "GET big\r\n".repeat(20));
    let mut floods = Vec::new();
    for bytes in [value, queued, unread] {
        floods.push(flood(&server, 30, bytes.as_bytes()));
        check_ping(&mut client);
    }
    std::thread::sleep(SETTLE);
    let evicted: u64 = crate::info(&mut client, "evicted_clients").parse().unwrap();
    assert!(evicted > 20, "{evicted} clients were evicted");
    let taken: u64 = crate::info(&mut client, "mem_clients_normal")
        .parse()
        .unwrap();
    assert!(taken < CLIENTS_BYTES_MAX, "clients take {taken} bytes");
    assert_eq!(crate::info(&mut client, "evicted_keys"), "0");
    // The allocator keeps for a while what was freed, and the loop its buffers.
    check_growth(&server, before, 8 * CLIENTS_BYTES_MAX);
    drop(floods);
}

/// A reply without end is given up as soon as nobody would get it.
#[test]
fn a_reply_above_the_limit_is_not_made_to_its_end() {
    let _quiet = quiet();
    let server = server();
    let mut client = authenticated(&server);
    let limit = "normal 1000000 0 0";
    let set = ["CONFIG", "SET", "client-output-buffer-limit", limit];
    assert_eq!(client.call(&set).unwrap(), simple("OK"));
    for make in ["HSET h a b", "SADD s a", "ZADD z 1 a"] {
        assert!(client.run(make).is_ok());
    }
    let before = server.rss_bytes();
    for request in [
        "HRANDFIELD h -999999999",
        "SRANDMEMBER s -16000000",
        "ZRANDMEMBER z -999999999",
    ] {
        let mut other = authenticated(&server);
        assert!(other.run(request).is_err(), "{request} got a reply");
        check_ping(&mut client);
    }
    check_growth(&server, before, 32 * 1024 * 1024);
    let closed = crate::info(&mut client, "client_output_buffer_limit_disconnections");
    assert_eq!(closed, "3");
}
