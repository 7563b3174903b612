//! Requests as bytes over TCP: pieces, pipelines, what is behind an AUTH in the same write.

use crate::{bulk, simple, text};
use std::time::Duration;
use vk_compat::Client;
use vk_resp::{Reply, encode_command};
use vk_tests::Launch;

const PASSWORD: &str = "a password of some length";

/// A stream of requests with a value of every byte, and its replies.
fn conversation() -> (Vec<u8>, Vec<Reply>) {
    let value: Vec<u8> = (0..=255).collect();
    let mut bytes = encode_command(&[b"SET", b"key", &value]);
    bytes.extend(encode_command(&[b"GET", b"key"]));
    bytes.extend(b"PING 'inline words'\r\n*0\r\n");
    bytes.extend(encode_command(&[b"INCR", b"counter"]));
    bytes.extend(encode_command(&[b"DEL", b"counter", b"key"]));
    let replies = vec![
        simple("OK"),
        Reply::Bulk(value),
        bulk("inline words"),
        Reply::Int(1),
        Reply::Int(2),
    ];
    (bytes, replies)
}

fn check_replies(client: &mut Client, expected: &[Reply], what: &str) {
    for reply in expected {
        assert_eq!(client.receive().unwrap().as_ref(), Some(reply), "{what}");
    }
}

#[test]
fn a_conversation_may_be_split_anywhere() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    let (bytes, replies) = conversation();
    for at in 1..bytes.len() {
        let (first, second) = bytes.split_at(at);
        client.send_raw(first).unwrap();
        // Time for the first part to be read alone.
        std::thread::sleep(Duration::from_millis(1));
        client.send_raw(second).unwrap();
        check_replies(&mut client, &replies, &format!("split at {at}"));
    }
    for byte in &bytes {
        client.send_raw(std::slice::from_ref(byte)).unwrap();
    }
    check_replies(&mut client, &replies, "byte by byte");
}

#[test]
fn a_long_pipeline_is_answered_in_order() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    const REQUESTS: i64 = 20_000;
    let requests = encode_command(&[b"INCR", b"n"]).repeat(REQUESTS as usize);
    let mut writer = Client::over(client.stream().try_clone().unwrap());
    let sending = std::thread::spawn(move || writer.send_raw(&requests).unwrap());
    for number in 1..=REQUESTS {
        assert_eq!(client.receive().unwrap(), Some(Reply::Int(number)));
    }
    sending.join().unwrap();
}

#[test]
fn big_values_travel_both_ways() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    for bytes in [16 * 1024 - 1, 32 * 1024, 1024 * 1024 + 7, 24 * 1024 * 1024] {
        let value: Vec<u8> = (0..bytes).map(|i| (i % 251) as u8).collect();
        assert_eq!(
            client.call(&[&b"SET"[..], b"big", &value]).unwrap(),
            simple("OK")
        );
        assert_eq!(client.run("GET big").unwrap(), Reply::Bulk(value));
    }
}

#[test]
fn a_big_set_in_the_same_write_as_its_auth() {
    let server = Launch::compatible(&["--requirepass", PASSWORD]).start();
    let value = vec![b'v'; 1024 * 1024];
    for auth in [
        vec![&b"AUTH"[..], PASSWORD.as_bytes()],
        vec![&b"AUTH"[..], b"default", PASSWORD.as_bytes()],
    ] {
        let mut client = server.client();
        let mut bytes = encode_command(&auth);
        bytes.extend(encode_command(&[b"SET", b"big", &value]));
        bytes.extend(encode_command(&[b"STRLEN", b"big"]));
        client.send_raw(&bytes).unwrap();
        check_replies(
            &mut client,
            &[simple("OK"), simple("OK"), Reply::Int(1024 * 1024)],
            "behind AUTH",
        );
    }
}

#[test]
fn requests_in_the_same_write_as_hello_auth() {
    let server = Launch::compatible(&["--requirepass", PASSWORD]).start();
    let mut client = server.client();
    let name = vec![b'n'; 20];
    let mut bytes = encode_command(&[
        b"HELLO",
        b"3",
        b"AUTH",
        b"default",
        PASSWORD.as_bytes(),
        b"SETNAME",
        &name,
    ]);
    let keys: Vec<Vec<u8>> = (0..20).map(|i| format!("key{i}").into_bytes()).collect();
    let mut mget: Vec<&[u8]> = vec![b"MGET"];
    mget.extend(keys.iter().map(Vec::as_slice));
    bytes.extend(encode_command(&mget));
    bytes.extend(encode_command(&[b"SET", b"big", &vec![b'v'; 1024 * 1024]]));
    bytes.extend(encode_command(&[b"CLIENT", b"GETNAME"]));
    client.send_raw(&bytes).unwrap();
    let Some(Reply::Map(pairs)) = client.receive().unwrap() else {
        panic!("HELLO 3 gives a map")
    };
    assert!(pairs.contains(&(bulk("proto"), Reply::Int(3))), "{pairs:?}");
    let nulls = Reply::Array(vec![Reply::Null; 20]);
    check_replies(
        &mut client,
        &[nulls, simple("OK"), Reply::Bulk(name)],
        "behind HELLO",
    );
}

#[test]
fn a_failed_auth_lets_nothing_through() {
    let server = Launch::compatible(&["--requirepass", PASSWORD]).start();
    let mut client = server.client();
    let mut bytes = encode_command(&[b"AUTH", b"wrong"]);
    bytes.extend(encode_command(&[b"SET", b"a", b"1"]));
    bytes.extend(encode_command(&[b"SET", b"a", &vec![b'v'; 1024 * 1024]]));
    // The server may close before all is sent.
    drop(client.send_raw(&bytes));
    assert!(text(&client.receive().unwrap().unwrap()).starts_with("WRONGPASS"));
    assert!(text(&client.receive().unwrap().unwrap()).starts_with("NOAUTH"));
    let last = text(&client.receive().unwrap().unwrap());
    assert_eq!(last, "ERR Protocol error: unauthenticated bulk length");
    assert_eq!(client.receive().unwrap(), None);
    let mut client = server.client();
    client.call(&["AUTH", PASSWORD]).unwrap();
    assert_eq!(client.run("EXISTS a").unwrap(), Reply::Int(0));
}

#[test]
fn an_unauthenticated_client_is_held_to_small_requests() {
    let server = Launch::compatible(&["--requirepass", PASSWORD]).start();
    for (bytes, error) in [
        ("*11\r\n", "unauthenticated multibulk length"),
        (
            "*2\r\n$4\r\nAUTH\r\n$16385\r\n",
            "unauthenticated bulk length",
        ),
    ] {
        let mut client = server.client();
        client.send_raw(bytes.as_bytes()).unwrap();
        let reply = client.receive().unwrap().unwrap();
        assert_eq!(text(&reply), format!("ERR Protocol error: {error}"));
        assert_eq!(client.receive().unwrap(), None);
    }
    let mut client = server.client();
    let longest = vec![b'x'; 16384];
    let reply = client.call(&[&b"AUTH"[..], b"default", &longest]).unwrap();
    assert!(text(&reply).starts_with("WRONGPASS"), "{reply:?}");
}

#[test]
fn a_half_closed_connection_gets_its_replies() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    client.send_raw(b"PING\r\nPING\r\n").unwrap();
    client.stream().shutdown(std::net::Shutdown::Write).unwrap();
    check_replies(
        &mut client,
        &[simple("PONG"), simple("PONG")],
        "after a half close",
    );
    assert_eq!(client.receive().unwrap(), None);
}
