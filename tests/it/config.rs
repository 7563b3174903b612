//! CONFIG while the server runs: what takes effect at once, and what CONFIG REWRITE leaves.

use crate::{simple, text};
use std::net::TcpListener;
use std::time::Duration;
use vk_compat::{Client, free_port};
use vk_tests::{Launch, wait_until};

#[test]
fn the_port_moves() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    let port = free_port().unwrap();
    assert_eq!(
        client.run(&format!("CONFIG SET port {port}")).unwrap(),
        simple("OK")
    );
    let mut moved = Client::connect(([127, 0, 0, 1], port).into()).unwrap();
    assert_eq!(moved.run("PING").unwrap(), simple("PONG"));
    assert!(
        Client::connect(server.address()).is_err(),
        "the old port is closed"
    );
    assert_eq!(
        client.run("PING").unwrap(),
        simple("PONG"),
        "old connections stay"
    );
}

#[test]
fn a_taken_port_changes_nothing() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = holder.local_addr().unwrap().port();
    let reply = text(
        &client
            .run(&format!("CONFIG SET maxclients 77 port {taken}"))
            .unwrap(),
    );
    assert!(reply.starts_with("ERR CONFIG SET failed"), "{reply}");
    assert_eq!(server.client().run("PING").unwrap(), simple("PONG"));
    let pair = format!("{:?}", client.run("CONFIG GET port maxclients").unwrap());
    let own = server.port().to_string();
    let port = text(&crate::bulk(&own));
    assert!(
        pair.contains(&format!("{:?}", crate::bulk(&port))),
        "{pair}"
    );
    assert!(
        !pair.contains(&format!("{:?}", crate::bulk("77"))),
        "{pair}"
    );
}

#[test]
fn an_address_of_another_machine_changes_nothing() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    // Kept for documentation (RFC 5737), so that no machine has it.
    let reply = text(&client.run("CONFIG SET bind 192.0.2.9").unwrap());
    assert_eq!(
        reply,
        "ERR CONFIG SET failed (possibly related to argument 'bind') - \
         Failed to bind to specified addresses."
    );
    assert_eq!(server.client().run("PING").unwrap(), simple("PONG"));
}

#[test]
fn the_log_level_changes() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    let lines = |server: &vk_tests::Server| server.log().lines().count();
    assert_eq!(
        client.run("CONFIG SET loglevel warning").unwrap(),
        simple("OK")
    );
    let before = lines(&server);
    drop(server.client());
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(lines(&server), before);
    assert_eq!(
        client.run("CONFIG SET loglevel verbose").unwrap(),
        simple("OK")
    );
    drop(server.client());
    wait_until("lines about a connection", Duration::from_secs(10), || {
        let log = server.log();
        log.contains("Accepted 127.0.0.1:") && log.contains("Client closed connection id=")
    });
}

#[test]
fn a_password_set_at_run_time_holds_for_new_connections() {
    let server = Launch::compatible(&[]).start();
    let mut client = server.client();
    assert_eq!(
        client.run("CONFIG SET requirepass sesame").unwrap(),
        simple("OK")
    );
    assert_eq!(client.run("PING").unwrap(), simple("PONG"));
    let mut other = server.client();
    assert!(text(&other.run("PING").unwrap()).starts_with("NOAUTH"));
    assert_eq!(other.run("AUTH sesame").unwrap(), simple("OK"));
}

#[test]
fn rewrite_keeps_the_file_and_survives_a_restart() {
    let launch = Launch::bare(&[]);
    let path = launch.folder().join("vkd.conf");
    let first = "# my own words\nbind 127.0.0.1\nmaxclients 100\n\n# the end\n";
    std::fs::write(&path, first).unwrap();
    let server = launch.args(&[&path.display().to_string()]).start();
    let mut client = server.client();
    let set = "CONFIG SET maxclients 200 timeout 33 requirepass \"two words\"";
    assert_eq!(client.run(set).unwrap(), simple("OK"));
    assert_eq!(client.run("CONFIG REWRITE").unwrap(), simple("OK"));
    let written = std::fs::read_to_string(&path).unwrap();
    for line in [
        "# my own words",
        "bind 127.0.0.1",
        "maxclients 200",
        "# the end",
        "timeout 33",
    ] {
        assert!(
            written.lines().any(|found| found == line),
            "no {line:?} in:\n{written}"
        );
    }
    assert!(written.contains("requirepass \"two words\""), "{written}");
    assert!(!written.contains("maxclients 100"));
    assert_eq!(client.run("CONFIG REWRITE").unwrap(), simple("OK"));
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        written,
        "a second time changes nothing"
    );
    let again = server.stop().start();
    let mut client = again.client();
    assert!(text(&client.run("PING").unwrap()).starts_with("NOAUTH"));
    assert_eq!(client.call(&["AUTH", "two words"]).unwrap(), simple("OK"));
    let pair = client.run("CONFIG GET timeout").unwrap();
    let expected = vk_resp::Reply::Array(vec![crate::bulk("timeout"), crate::bulk("33")]);
    assert_eq!(pair, expected);
    let names: Vec<_> = std::fs::read_dir(again.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!names.iter().any(|name| name.contains("tmp")), "{names:?}");
}

#[test]
fn commands_have_other_names_and_the_log_has_none_of_them() {
    let launch = Launch::bare(&[]);
    let path = launch.folder().join("vkd.conf");
    let lines = "bind 127.0.0.1\nappendonly yes\nrename-command flushdb badger\n\
                 rename-command SET put\nrename-command get \"\"\n";
    std::fs::write(&path, lines).unwrap();
    let file = path.display().to_string();
    let arguments = [&file, "--rename-command", "debug", ""];
    let server = launch.args(&arguments).start();
    let mut client = server.client();
    for gone in ["FLUSHDB", "SET a 1", "GET a", "DEBUG JMAP"] {
        let reply = text(&client.run(gone).unwrap());
        assert!(reply.starts_with("ERR unknown command"), "{reply}");
    }
    assert_eq!(client.run("put gone 1").unwrap(), simple("OK"));
    assert_eq!(client.run("badger").unwrap(), simple("OK"));
    assert_eq!(client.run("put a 1 EX 1000").unwrap(), simple("OK"));
    assert_eq!(client.run("CONFIG REWRITE").unwrap(), simple("OK"));
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written.starts_with(lines), "{written}");
    let again = server.stop().start();
    let mut client = again.client();
    assert!(text(&client.run("FLUSHDB").unwrap()).starts_with("ERR unknown command"));
    assert_eq!(client.run("GETRANGE a 0 -1").unwrap(), crate::bulk("1"));
    assert_eq!(client.run("put b 2").unwrap(), simple("OK"));
    // Every server reads the log, whatever it calls the commands.
    let launch = again.stop();
    std::fs::write(
        &path,
        "bind 127.0.0.1\nappendonly yes\nrename-command set get2\n",
    )
    .unwrap();
    let server = launch.start();
    let mut client = server.client();
    assert_eq!(client.run("DBSIZE").unwrap(), vk_resp::Reply::Int(2));
    assert_eq!(client.run("GET b").unwrap(), crate::bulk("2"));
}

#[test]
fn a_name_that_cannot_be_given_stops_the_start() {
    for (words, reason) in [
        (["nothing", "x"], "No such command in rename-command"),
        (["get", "set"], "Target command name already exists"),
    ] {
        let ended = Launch::compatible(&["--rename-command", words[0], words[1]]).run();
        assert_eq!(ended.code, 1, "{}", ended.output);
        ended.line_with(&[reason]);
    }
}
