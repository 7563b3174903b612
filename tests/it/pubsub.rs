//! Messages to many, to those who do not read, and from many subscriptions that end at once.
//! What single commands answer is in the compatibility corpus.

use crate::{simple, text};
use socket2::{Domain, Socket, Type};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};
use vk_compat::Client;
use vk_resp::Reply;
use vk_tests::{Launch, Server, wait_until};

/// A subscriber of `channel` whose own end takes little.
fn subscriber(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.address().into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream
        .write_all(b"*2\r\n$9\r\nSUBSCRIBE\r\n$7\r\nchannel\r\n")
        .unwrap();
    let mut confirmation = [0; 36];
    stream.read_exact(&mut confirmation).unwrap();
    stream
}

fn set_limit(client: &mut Client, limit: &str) {
    let reply = client.call(&["CONFIG", "SET", "client-output-buffer-limit", limit]);
    assert_eq!(reply.unwrap(), simple("OK"));
}

fn publish(client: &mut Client, payload: &[u8]) -> i64 {
    match client.call(&[b"PUBLISH".as_slice(), b"channel", payload]) {
        Ok(Reply::Int(receivers)) => receivers,
        other => panic!("{other:?}"),
    }
}

/// Replies that wait for the only subscriber.
fn waiting_bytes(client: &mut Client) -> u64 {
    let list = text(&client.run("CLIENT LIST TYPE pubsub").unwrap());
    let omem = list
        .split(' ')
        .find_map(|field| field.strip_prefix("omem="));
    omem.map_or(0, |omem| omem.parse().unwrap())
}

#[test]
fn who_does_not_read_is_closed_at_the_hard_limit() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    set_limit(&mut client, "pubsub 1mb 0 0");
    let lazy = subscriber(&server);
    let payload = [b'x'; 20_000];
    let sent = (0..2000).take_while(|_| publish(&mut client, &payload) == 1);
    let sent = sent.count();
    assert!(sent < 2000, "never closed");
    assert!(sent > 50, "closed after {sent} messages, below the limit");
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.contains("output buffer limits"));
    let line = line.unwrap_or_else(|| panic!("not told:\n{log}"));
    assert!(
        line.contains(" flags=P ") && line.contains(" sub=1 "),
        "{line}"
    );
    assert_eq!(
        crate::info(&mut client, "client_output_buffer_limit_disconnections"),
        "1"
    );
    assert_eq!(crate::info(&mut client, "pubsub_channels"), "0");
    drop(lazy);
}

#[test]
fn who_does_not_read_is_closed_when_the_soft_limit_has_lasted() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    set_limit(&mut client, "pubsub 0 100kb 2");
    let lazy = subscriber(&server);
    let payload = [b'x'; 20_000];
    let begun = Instant::now();
    for _ in 0..2000 {
        assert_eq!(publish(&mut client, &payload), 1);
        if waiting_bytes(&mut client) > 200_000 {
            break;
        }
    }
    assert!(waiting_bytes(&mut client) > 200_000);
    let over = Instant::now();
    wait_until("the close", Duration::from_secs(8), || {
        crate::info(&mut client, "pubsub_clients") == "0"
    });
    assert!(over.elapsed() + (over - begun) >= Duration::from_secs(2));
    drop(lazy);
}

#[test]
fn who_reads_again_gets_everything_in_order() {
    const MESSAGES: usize = 3000;
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    set_limit(&mut client, "pubsub 0 0 0");
    let mut slow = subscriber(&server);
    let filler = "x".repeat(3000);
    let mut expected = Vec::new();
    for number in 0..MESSAGES {
        let payload = format!("{number} {filler}");
        let header = format!(
            "*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n${}\r\n",
            payload.len()
        );
        expected.extend_from_slice(header.as_bytes());
        expected.extend_from_slice(payload.as_bytes());
        expected.extend_from_slice(b"\r\n");
        assert_eq!(publish(&mut client, payload.as_bytes()), 1);
    }
    assert!(waiting_bytes(&mut client) > 0, "nothing ever waited");
    let mut got = vec![0; expected.len()];
    slow.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    slow.read_exact(&mut got).unwrap();
    assert!(got == expected);
}

/// While messages are on their way to many, others are served, and more is published.
#[test]
fn two_hundred_get_every_message_in_order_while_more_are_published() {
    const SUBSCRIBERS: usize = 200;
    const MESSAGES: usize = 300;
    for options in [&[][..], &["--appendonly", "yes", "--appendfsync", "always"]] {
        let server = Launch::compatible(options).start();
        let mut client = server.client();
        let mut all: Vec<TcpStream> = (0..SUBSCRIBERS).map(|_| subscriber(&server)).collect();
        let mut expected = Vec::new();
        for number in 0..MESSAGES {
            let payload = format!("{number:0100}");
            let message = "*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$100\r\n";
            expected.extend_from_slice(format!("{message}{payload}\r\n").as_bytes());
            assert_eq!(publish(&mut client, payload.as_bytes()), 200);
            if number % 10 == 0 {
                assert_eq!(client.call(&["SET", "key", "value"]).unwrap(), simple("OK"));
            }
        }
        let mut got = vec![0; expected.len()];
        for stream in &mut all {
            let time = Duration::from_secs(20);
            stream.set_read_timeout(Some(time)).unwrap();
            stream.read_exact(&mut got).unwrap();
            assert!(got == expected);
        }
    }
}

#[test]
fn a_message_reaches_five_hundred_and_big_ones_are_not_copied_for_each() {
    const SUBSCRIBERS: usize = 500;
    const BYTES: usize = 4 << 20;
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    set_limit(&mut client, "pubsub 0 0 0");
    let mut all: Vec<TcpStream> = (0..SUBSCRIBERS).map(|_| subscriber(&server)).collect();
    let before = server.rss_bytes();
    let receivers = publish(&mut client, &vec![b'x'; BYTES]);
    assert_eq!(receivers, 500);
    let growth = server.rss_bytes().saturating_sub(before);
    assert!(growth < 100 << 20, "{growth} bytes for one message");
    assert_eq!(publish(&mut client, b"end"), 500);
    for stream in &mut all {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut left = 40 + BYTES + 2;
        let mut room = vec![0; 1 << 16];
        while left > 0 {
            let most = left.min(room.len());
            left -= stream.read(&mut room[..most]).unwrap();
        }
    }
}

#[test]
fn a_hundred_thousand_subscriptions_end_without_a_stall() {
    const NAMES: usize = 100_000;
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    let mut many = server.client();
    for part in 0..10 {
        let names = (0..NAMES / 10).map(|at| format!("channel:{}", part * NAMES / 10 + at));
        let words: Vec<String> = std::iter::once("SUBSCRIBE".to_owned())
            .chain(names)
            .collect();
        many.send(&words).unwrap();
        for _ in 0..NAMES / 10 {
            many.receive().unwrap();
        }
    }
    assert_eq!(crate::info(&mut client, "pubsub_channels"), "100000");
    drop(many);
    let mut worst = Duration::ZERO;
    wait_until("the end of all", Duration::from_secs(10), || {
        let begun = Instant::now();
        let left = crate::info(&mut client, "pubsub_channels");
        worst = worst.max(begun.elapsed());
        left == "0"
    });
    assert!(worst < Duration::from_millis(500), "{worst:?}");
}
