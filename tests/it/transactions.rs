//! Transactions and pauses among several clients at once. Single-client semantics are in the
//! compatibility corpus.

use crate::simple;
use std::time::{Duration, Instant};
use vk_resp::Reply;
use vk_tests::Launch;

const CLIENTS: usize = 4;
const ROUNDS: usize = 200;

/// Optimistic increments: WATCH, GET, MULTI, SET, EXEC until it succeeds.
#[test]
fn watched_increments_are_never_lost() {
    let server = Launch::compatible(&[]).start();
    let workers: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = server.client();
            std::thread::spawn(move || {
                for _ in 0..ROUNDS {
                    loop {
                        client.run("WATCH n").unwrap();
                        let old: u64 = match client.run("GET n").unwrap() {
                            Reply::Null => 0,
                            reply => crate::text(&reply).parse().unwrap(),
                        };
                        client.run("MULTI").unwrap();
                        client.run(&format!("SET n {}", old + 1)).unwrap();
                        match client.run("EXEC").unwrap() {
                            Reply::NullArray => {}
                            reply => {
                                assert_eq!(reply, Reply::Array(vec![simple("OK")]));
                                break;
                            }
                        }
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    let sum = (CLIENTS * ROUNDS).to_string();
    assert_eq!(server.client().run("GET n").unwrap(), crate::bulk(&sum));
}

#[test]
fn a_transaction_is_never_seen_in_part() {
    let server = Launch::compatible(&[]).start();
    let mut writer = server.client();
    let writing = std::thread::spawn(move || {
        for _ in 0..500 {
            writer
                .send_raw(b"MULTI\r\nINCR a\r\nINCR b\r\nEXEC\r\n")
                .unwrap();
            for _ in 0..4 {
                assert!(!writer.receive().unwrap().unwrap().is_error());
            }
        }
    });
    let mut reader = server.client();
    while !writing.is_finished() {
        let Reply::Array(pair) = reader.run("MGET a b").unwrap() else {
            panic!("MGET")
        };
        assert_eq!(pair[0], pair[1]);
    }
    writing.join().unwrap();
    assert_eq!(reader.run("GET b").unwrap(), crate::bulk("500"));
}

#[test]
fn a_connection_that_ends_takes_its_transaction_along() {
    let server = Launch::compatible(&[]).start();
    let mut first = server.client();
    first.send_raw(b"MULTI\r\nSET a 1\r\n").unwrap();
    assert_eq!(first.receive().unwrap(), Some(simple("OK")));
    assert_eq!(first.receive().unwrap(), Some(simple("QUEUED")));
    drop(first);
    assert_eq!(server.client().run("GET a").unwrap(), Reply::Null);
}

#[test]
fn a_pause_holds_writes_for_its_time() {
    let server = Launch::compatible(&[]).start();
    let mut admin = server.client();
    let (mut writer, mut reader) = (server.client(), server.client());
    let start = Instant::now();
    assert_eq!(admin.run("CLIENT PAUSE 400 WRITE").unwrap(), simple("OK"));
    writer.send_raw(b"SET a 1\r\nSET a 2\r\nGET a\r\n").unwrap();
    assert_eq!(reader.run("GET a").unwrap(), Reply::Null);
    let reading = start.elapsed();
    assert_eq!(writer.receive().unwrap(), Some(simple("OK")));
    let written = start.elapsed();
    assert!(
        reading < Duration::from_millis(400),
        "reads pass: {reading:?}"
    );
    assert!(
        written >= Duration::from_millis(380),
        "writes wait: {written:?}"
    );
    assert!(written < Duration::from_secs(5), "{written:?}");
    assert_eq!(writer.receive().unwrap(), Some(simple("OK")));
    assert_eq!(writer.receive().unwrap(), Some(crate::bulk("2")));
}

#[test]
fn a_paused_client_may_leave() {
    let server = Launch::compatible(&[]).start();
    let mut admin = server.client();
    assert_eq!(admin.run("CLIENT PAUSE 300").unwrap(), simple("OK"));
    let mut leaving = server.client();
    leaving.send_raw(b"SET a 1\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    drop(leaving);
    let mut other = server.client();
    assert_eq!(other.run("PING").unwrap(), simple("PONG"));
}
