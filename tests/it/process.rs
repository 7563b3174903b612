//! The process among others: signals, service managers, background starts, Unix sockets, limits on
//! connections.

use crate::{simple, text};
use rustix::process::{Pid, Signal, kill_process};
use std::net::UdpSocket;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;
use vk_compat::{Client, free_port};
use vk_tests::{Launch, wait_until};

#[test]
fn termination_signals_end_it_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Launch::compatible(&[]).start();
        let mut client = server.client();
        assert_eq!(client.run("SET a 1").unwrap(), simple("OK"));
        server.signal(signal);
        assert_eq!(server.wait_for_end(), 0);
        let log = server.log();
        assert!(log.contains("User requested shutdown"), "{log}");
        assert!(log.contains("bye bye"), "{log}");
        assert_eq!(client.receive().unwrap(), None);
    }
}

#[test]
fn other_signals_are_ignored() {
    let server = Launch::compatible(&[]).start();
    for signal in [Signal::HUP, Signal::PIPE, Signal::USR1] {
        server.signal(signal);
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(server.client().run("PING").unwrap(), simple("PONG"));
}

#[test]
fn shutdown_by_command() {
    for command in ["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN NOW FORCE"] {
        let mut server = Launch::compatible(&["--save", ""]).start();
        let mut client = server.client();
        client
            .send_raw(format!("{command}\r\n").as_bytes())
            .unwrap();
        assert_eq!(client.receive().unwrap(), None, "{command}");
        assert_eq!(server.wait_for_end(), 0, "{command}");
    }
}

/// The datagrams of a service, until one fits.
fn wait_for_word(socket: &UnixDatagram, word: &str) -> String {
    let mut all = String::new();
    let mut buffer = [0; 4096];
    while !all.contains(word) {
        let count = socket
            .recv(&mut buffer)
            .unwrap_or_else(|e| panic!("{e}, after {all:?}"));
        all.push_str(&String::from_utf8_lossy(&buffer[..count]));
        all.push('\n');
    }
    all
}

#[test]
fn a_service_manager_hears_ready_and_stopping() {
    for supervised in ["systemd", "auto"] {
        let launch = Launch::compatible(&["--supervised", supervised]);
        let path = launch.folder().join("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut server = launch
            .env("NOTIFY_SOCKET", &path.display().to_string())
            .start();
        wait_for_word(&socket, "READY=1");
        assert_eq!(server.client().run("PING").unwrap(), simple("PONG"));
        server.signal(Signal::TERM);
        wait_for_word(&socket, "STOPPING=1");
        assert_eq!(server.wait_for_end(), 0);
    }
}

#[test]
fn in_the_background() {
    let port = free_port().unwrap();
    let launch = Launch::compatible(&["--daemonize", "yes", "--port", &port.to_string()]);
    let file = |name: &str| launch.folder().join(name).display().to_string();
    let (pidfile, logfile) = (file("vkd.pid"), file("vkd.log"));
    let launch = launch.args(&["--pidfile", &pidfile, "--logfile", &logfile]);
    let ended = launch.run();
    let log = || std::fs::read_to_string(&logfile).unwrap_or_default();
    assert_eq!(ended.code, 0, "{}\n{}", ended.output, log());
    let pid: i32 = std::fs::read_to_string(&pidfile)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    // The parent ends when the server is ready, so that the first connection succeeds.
    let outcome = Client::connect(([127, 0, 0, 1], port).into()).and_then(|mut client| {
        let pong = client.run("PING")?;
        client.send_raw(b"SHUTDOWN NOSAVE\r\n")?;
        client.receive()?;
        Ok(pong)
    });
    if outcome.is_err() {
        let pid = Pid::from_raw(pid).unwrap();
        kill_process(pid, Signal::KILL).ok();
    }
    assert_eq!(outcome.unwrap(), simple("PONG"), "{}", log());
    wait_until("the pid file goes", Duration::from_secs(10), || {
        std::fs::metadata(&pidfile).is_err()
    });
}

#[test]
fn a_background_start_that_fails_says_so() {
    let holder = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let launch = Launch::compatible(&["--daemonize", "yes", "--port", &port]);
    let ended = launch.run();
    assert_eq!(ended.code, 1, "{}", ended.output);
}

#[test]
fn a_unix_socket() {
    let launch = Launch::compatible(&["--port", "0", "--unixsocketperm", "700"]);
    let path = launch.folder().join("vkd.sock");
    let launch = launch.args(&["--unixsocket", &path.display().to_string()]);
    // What a server that was killed leaves behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let server = launch.start_without_port();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    let stream = UnixStream::connect(&path).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut client = Client::over(stream);
    assert_eq!(client.run("SET a 1").unwrap(), simple("OK"));
    let line = text(&client.run("CLIENT INFO").unwrap());
    assert!(
        line.contains(&format!("{}:0", path.display())) && line.contains("flags=U"),
        "{line}"
    );
    drop(server.stop());
    assert!(
        std::fs::metadata(&path).is_err(),
        "the socket goes with the server"
    );
}

#[test]
fn more_clients_than_allowed() {
    let server = Launch::compatible(&["--maxclients", "3"]).start();
    let mut clients: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.run("PING").unwrap(), simple("PONG"));
    }
    let mut refused = server.client();
    let reply = refused.receive().unwrap().unwrap();
    assert_eq!(text(&reply), "ERR max number of clients reached");
    assert_eq!(refused.receive().unwrap(), None);
    assert_eq!(crate::info(&mut clients[0], "rejected_connections"), "1");
    clients.pop();
    wait_until("a place is free", Duration::from_secs(5), || {
        server
            .client()
            .run("PING")
            .is_ok_and(|reply| reply == simple("PONG"))
    });
    assert_eq!(
        clients[0].run("CONFIG SET maxclients 100").unwrap(),
        simple("OK")
    );
    let mut more: Vec<Client> = (0..10).map(|_| server.client()).collect();
    for client in &mut more {
        assert_eq!(client.run("PING").unwrap(), simple("PONG"));
    }
}

#[test]
fn idle_clients_are_closed() {
    let server = Launch::compatible(&["--timeout", "1"]).start();
    let mut idle = server.client();
    assert_eq!(idle.run("PING").unwrap(), simple("PONG"));
    let mut busy = server.client();
    for _ in 0..8 {
        assert_eq!(busy.run("PING").unwrap(), simple("PONG"));
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(idle.receive().unwrap(), None);
}

/// An address of this machine that is not loopback; nothing is sent.
fn outer_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn protected_mode_refuses_strangers() {
    let Some(address) = outer_address() else {
        eprintln!("SKIPPED: this machine has no address but loopback");
        return;
    };
    let server = Launch::bare(&["--security-profile", "compatible", "--bind", "*"]).start();
    let mut stranger = Client::connect((address, server.port()).into()).unwrap();
    let reply = text(&stranger.receive().unwrap().unwrap());
    assert!(reply.starts_with("DENIED"), "{reply}");
    assert_eq!(stranger.receive().unwrap(), None);
    let mut local = server.client();
    assert_eq!(
        local.run("CONFIG SET requirepass secret").unwrap(),
        simple("OK")
    );
    let mut stranger = Client::connect((address, server.port()).into()).unwrap();
    assert!(text(&stranger.run("PING").unwrap()).starts_with("NOAUTH"));
}

#[test]
fn a_log_file_that_is_moved_away_is_made_again() {
    let launch = Launch::compatible(&["--loglevel", "verbose"]);
    let path = launch.folder().join("vkd.log");
    let port = free_port().unwrap().to_string();
    let launch = launch.args(&["--logfile", &path.display().to_string(), "--port", &port]);
    let server = launch.start_unseen();
    wait_until("the log", Duration::from_secs(20), || {
        std::fs::read_to_string(&path).is_ok_and(|log| log.contains("Ready to accept connections"))
    });
    std::fs::rename(&path, path.with_extension("old")).unwrap();
    let mut client = Client::connect(([127, 0, 0, 1], port.parse().unwrap()).into()).unwrap();
    client.send_raw(b"SHUTDOWN NOSAVE\r\n").unwrap();
    assert_eq!(client.receive().unwrap(), None);
    wait_until("a new log", Duration::from_secs(10), || {
        std::fs::read_to_string(&path).is_ok_and(|log| log.contains("bye bye"))
    });
    drop(server);
}
