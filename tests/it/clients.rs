//! CLIENT KILL across connections, output limits, keys that expire while nobody looks.

use crate::{simple, text};
use std::time::Duration;
use vk_resp::Reply;
use vk_tests::{Launch, wait_until};

#[test]
fn a_killed_client_is_gone() {
    let server = Launch::compatible(&[]).start();
    let mut admin = server.client();
    let mut victim = server.client();
    let Reply::Int(id) = victim.run("CLIENT ID").unwrap() else {
        panic!("CLIENT ID")
    };
    assert_eq!(
        admin.run(&format!("CLIENT KILL ID {id}")).unwrap(),
        Reply::Int(1)
    );
    assert_eq!(victim.receive().unwrap(), None);
    wait_until("one client is left", Duration::from_secs(5), || {
        crate::info(&mut admin, "connected_clients") == "1"
    });
    let list = text(&admin.run("CLIENT LIST").unwrap());
    assert_eq!(list.lines().count(), 1, "{list}");
}

#[test]
fn a_reader_that_does_not_read_is_closed_at_its_limit() {
    let server = Launch::compatible(&["--client-output-buffer-limit", "normal 8mb 0 0"]).start();
    let mut admin = server.client();
    let value = vec![b'v'; 4 * 1024 * 1024];
    assert_eq!(
        admin.call(&[&b"SET"[..], b"big", &value]).unwrap(),
        simple("OK")
    );
    let mut lazy = server.client();
    lazy.send_raw(&b"GET big\r\n".repeat(40)).unwrap();
    // It may not even be accepted yet, so the number of clients says nothing before this.
    wait_until("the client is closed", Duration::from_secs(10), || {
        crate::info(&mut admin, "client_output_buffer_limit_disconnections") == "1"
    });
    wait_until("one client is left", Duration::from_secs(10), || {
        crate::info(&mut admin, "connected_clients") == "1"
    });
    let log = server.log();
    assert!(
        log.contains("Client id=") && log.contains("for overcoming of output buffer limits."),
        "{log}"
    );
}

#[test]
fn keys_expire_by_themselves() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    for i in 0..2000 {
        client
            .send(&["SET", &format!("k{i}"), "v", "PX", "100"])
            .unwrap();
    }
    for _ in 0..2000 {
        assert_eq!(client.receive().unwrap(), Some(simple("OK")));
    }
    assert_eq!(client.run("SET stays 1").unwrap(), simple("OK"));
    wait_until("all keys expire", Duration::from_secs(10), || {
        client.run("DBSIZE").unwrap() == Reply::Int(1)
    });
    assert_eq!(crate::info(&mut client, "expired_keys"), "2000");
}

#[test]
fn a_scan_sees_every_key() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    for i in 0..5000 {
        client.send(&["SET", &format!("key:{i}"), "v"]).unwrap();
    }
    for _ in 0..5000 {
        assert_eq!(client.receive().unwrap(), Some(simple("OK")));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut cursor = "0".to_owned();
    let mut other = server.client();
    for round in 0.. {
        let reply = client.run(&format!("SCAN {cursor} COUNT 50")).unwrap();
        let Reply::Array(parts) = reply else {
            panic!("SCAN")
        };
        let Reply::Array(keys) = &parts[1] else {
            panic!("SCAN")
        };
        seen.extend(keys.iter().map(text));
        cursor = text(&parts[0]);
        if cursor == "0" {
            break;
        }
        // The table grows and shrinks meanwhile.
        for i in 0..50 {
            other.run(&format!("SET more:{round}:{i} v")).unwrap();
        }
        assert!(round < 10_000, "the scan does not end");
    }
    for i in 0..5000 {
        assert!(seen.contains(&format!("key:{i}")), "key:{i} was missed");
    }
}
