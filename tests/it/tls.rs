//! TLS listeners: ordinary use, the wrong protocol on either port, certificates at run time.

use crate::{simple, text};
use std::time::Duration;
use vk_compat::free_port;
use vk_tests::{Certificates, Launch, Server, tls_client, wait_until};

fn server(more: &[&str]) -> (Server, Certificates) {
    let launch = Launch::compatible(&["--port", "0"]);
    let files = Certificates::create(launch.folder());
    let directives = files.directives();
    let directives: Vec<&str> = directives.iter().map(String::as_str).collect();
    let args = ["--tls-auth-clients", "no"];
    (
        launch.args(&directives).args(&args).args(more).start_tls(),
        files,
    )
}

#[test]
fn commands_over_tls() {
    let (server, files) = server(&[]);
    let mut client = tls_client(server.address(), &files.ca);
    assert_eq!(client.run("SET a 1").unwrap(), simple("OK"));
    let value = vec![b'v'; 3 * 1024 * 1024];
    assert_eq!(
        client.call(&[&b"SET"[..], b"big", &value]).unwrap(),
        simple("OK")
    );
    assert_eq!(client.run("GET big").unwrap(), vk_resp::Reply::Bulk(value));
    for byte in b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n" {
        client.send_raw(&[*byte]).unwrap();
    }
    assert_eq!(client.receive().unwrap(), Some(crate::bulk("1")));
}

#[test]
fn a_pipeline_over_tls() {
    let (server, files) = server(&[]);
    let mut client = tls_client(server.address(), &files.ca);
    client.send_raw(&b"INCR n\r\n".repeat(5000)).unwrap();
    for number in 1..=5000 {
        assert_eq!(client.receive().unwrap(), Some(vk_resp::Reply::Int(number)));
    }
}

#[test]
fn an_unknown_authority_is_not_trusted() {
    let (server, _files) = server(&[]);
    let folder = vk_compat::TempDir::new("it").unwrap();
    let others = Certificates::create(folder.path());
    let mut client = tls_client(server.address(), &others.ca);
    assert!(client.run("PING").is_err());
    wait_until("the server goes on", Duration::from_secs(5), || {
        std::net::TcpStream::connect(server.address()).is_ok()
    });
}

#[test]
fn client_certificates_are_asked_for_by_default() {
    let launch = Launch::compatible(&["--port", "0"]);
    let files = Certificates::create(launch.folder());
    let directives = files.directives();
    let directives: Vec<&str> = directives.iter().map(String::as_str).collect();
    let server = launch.args(&directives).start_tls();
    let mut client = tls_client(server.address(), &files.ca);
    assert!(
        client.run("PING").is_err(),
        "without a certificate nobody comes in"
    );
}

#[test]
fn a_client_hello_on_a_plain_port_is_one_log_line() {
    let server = Launch::compatible(&[]).start();
    let folder = vk_compat::TempDir::new("it").unwrap();
    let files = Certificates::create(folder.path());
    let before = server.log().lines().count();
    let mut client = tls_client(server.address(), &files.ca);
    assert!(client.run("PING").is_err());
    wait_until("a log line", Duration::from_secs(5), || {
        server.log().lines().count() > before
    });
    std::thread::sleep(Duration::from_millis(200));
    let log = server.log();
    let new: Vec<&str> = log.lines().skip(before).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    assert!(new[0].contains("TLS"), "{new:?}");
    assert_eq!(server.client().run("PING").unwrap(), simple("PONG"));
}

#[test]
fn resp_on_a_tls_port_ends() {
    let (server, files) = server(&[]);
    let mut client = server.client();
    client.send_raw(b"*1\r\n$4\r\nPING\r\n").unwrap();
    // An alert or nothing, as Valkey; never an answer to the command.
    if let Ok(Some(reply)) = client.receive() {
        assert!(reply.is_error(), "{reply:?}");
    }
    let mut good = tls_client(server.address(), &files.ca);
    assert_eq!(good.run("PING").unwrap(), simple("PONG"));
}

#[test]
fn a_half_handshake_holds_nobody_up() {
    let (server, files) = server(&[]);
    let mut half = server.client();
    half.send_raw(b"\x16\x03\x01\x02\x00\x01").unwrap();
    let mut good = tls_client(server.address(), &files.ca);
    assert_eq!(good.run("PING").unwrap(), simple("PONG"));
}

#[test]
fn both_ports_at_once() {
    let plain_port = free_port().unwrap().to_string();
    let launch = Launch::compatible(&["--port", &plain_port, "--tls-auth-clients", "no"]);
    let files = Certificates::create(launch.folder());
    let directives = files.directives();
    let directives: Vec<&str> = directives.iter().map(String::as_str).collect();
    let server = launch.args(&directives).start_tls();
    let mut secure = tls_client(server.address(), &files.ca);
    assert_eq!(secure.run("SET a 1").unwrap(), simple("OK"));
    let address = ([127, 0, 0, 1], plain_port.parse::<u16>().unwrap()).into();
    let mut plain = vk_compat::Client::connect(address).unwrap();
    assert_eq!(text(&plain.run("GET a").unwrap()), "1");
}

#[test]
fn the_same_path_again_reads_the_certificate_again() {
    let (server, files) = server(&[]);
    let mut old = tls_client(server.address(), &files.ca);
    assert_eq!(old.run("PING").unwrap(), simple("PONG"));
    let folder = vk_compat::TempDir::new("it").unwrap();
    let renewed = Certificates::create(folder.path());
    std::fs::copy(&renewed.cert, &files.cert).unwrap();
    // A certificate without its key is refused, and the old one stays.
    let set = format!("CONFIG SET tls-cert-file {}", files.cert.display());
    assert!(old.run(&set).unwrap().is_error());
    assert_eq!(
        tls_client(server.address(), &files.ca).run("PING").unwrap(),
        simple("PONG")
    );
    std::fs::copy(&renewed.key, &files.key).unwrap();
    assert_eq!(old.run(&set).unwrap(), simple("OK"));
    assert_eq!(
        tls_client(server.address(), &renewed.ca)
            .run("PING")
            .unwrap(),
        simple("PONG")
    );
    assert!(tls_client(server.address(), &files.ca).run("PING").is_err());
    assert_eq!(old.run("PING").unwrap(), simple("PONG"));
}
