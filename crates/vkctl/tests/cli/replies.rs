//! What the program does with the replies of a well-behaved server: output, exit codes,
//! redirections, subscriptions, probes.

use crate::fake::{Place, answering, stderr, stdout};

fn server() -> String {
    let port = answering(|request| {
        let reply: &str = match request {
            "PING" => "+PONG\r\n",
            "GET K" => "$3\r\na\nb\r\n",
            "SET K FROM STDIN" => "+OK\r\n",
            "AUTH P" | "AUTH ANN P" => "+OK\r\n",
            "SELECT 5" => "+OK\r\n",
            "SUBSCRIBE A B" => {
                "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n\
                 *3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
            }
            "SUBSCRIBE ONE" => {
                "*3\r\n$9\r\nsubscribe\r\n$3\r\none\r\n:1\r\n\
                 *3\r\n$7\r\nmessage\r\n$3\r\none\r\n$2\r\nhi\r\n"
            }
            "GET PUSHED" => ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n$1\r\nv\r\n",
            "SHUTDOWN" => "",
            _ => "-ERR unknown\r\n",
        };
        reply.as_bytes().to_vec()
    });
    port.to_string()
}

#[test]
fn output_for_pipes_and_for_people() {
    let (place, port) = (Place::new("output"), server());
    let to = ["-h", "127.0.0.1", "-p", &port];
    let get = |extra: &[&str]| stdout(&place.run("vkctl", &[&to, extra, &["get", "k"]].concat()));
    assert_eq!(get(&[]), "a\nb\n");
    assert_eq!(get(&["--no-raw"]), "\"a\\nb\"\n");
    assert_eq!(get(&["--csv"]), "\"a\\nb\"\n");
    assert_eq!(get(&["-D", ""]), "a\nb");
    assert_eq!(get(&["-r", "2", "-i", "0.001"]), "a\nb\na\nb\n");
}

#[test]
fn exit_codes() {
    let (place, port) = (Place::new("codes"), server());
    let to = ["-h", "127.0.0.1", "-p", &port];
    let run = |words: &[&str]| place.run("vkctl", &[&to, words].concat());
    let error = run(&["nosuch"]);
    assert_eq!(
        (stdout(&error).as_str(), error.status.code()),
        ("ERR unknown\n\n", Some(0))
    );
    let error = run(&["-e", "nosuch"]);
    assert_eq!(
        (stderr(&error).as_str(), error.status.code()),
        ("ERR unknown\n", Some(1))
    );
    assert_eq!(run(&["shutdown"]).status.code(), Some(0));
    let closed = place.run("redis-cli", &["-h", "127.0.0.1", "-p", "1", "ping"]);
    let text = "Could not connect to Redis at 127.0.0.1:1: Connection refused\n";
    assert_eq!(
        (stderr(&closed).as_str(), closed.status.code()),
        (text, Some(1))
    );
}

#[test]
fn bad_usage_is_one_line_and_exit_code_1() {
    let place = Place::new("usage");
    for program in ["vkctl", "valkey-cli"] {
        for words in [&["--nosuch"][..], &["-p", "70000", "ping"], &["-X"]] {
            let usage = place.run(program, words);
            assert_eq!(usage.status.code(), Some(1), "{program} {words:?}");
            assert_eq!(stdout(&usage), "", "{program} {words:?}");
            let text = stderr(&usage);
            assert_eq!(text.lines().count(), 1, "{program} {words:?}: {text}");
        }
    }
}

#[test]
fn help_and_versions_need_no_server() {
    let place = Place::new("help");
    for (program, version) in [
        ("vkctl", vk_engine::version::VERIKEY),
        ("valkey-cli", vk_engine::version::VALKEY),
        ("redis-cli", vk_engine::version::REDIS),
    ] {
        let output = place.run(program, &["--version"]);
        assert_eq!(stdout(&output), format!("{program} {version}\n"));
        for words in [&["--help"][..], &["-h"]] {
            let output = place.run(program, words);
            assert_eq!(output.status.code(), Some(0), "{program}");
            assert!(stdout(&output).contains("--quoted-json"), "{program}");
        }
    }
    let page = stdout(&place.run("vkctl", &["help"]));
    assert!(page.contains("Usage: vkctl"), "{page}");
    let page = stdout(&place.run("vkctl", &["-s", "/nonexistent", "help", "get"]));
    assert!(page.contains("summary:"), "{page}");
}

#[test]
fn lines_of_standard_input_are_commands() {
    let (place, port) = (Place::new("lines"), server());
    let lines = "ping\n2 ping\nget \"k\nselect 5\nauth p\nget pushed\nquit\nping\n";
    let output = place.type_in("vkctl", &["-h", "127.0.0.1", "-p", &port], lines);
    let expected = "PONG\nPONG\nPONG\nInvalid argument(s)\nOK\nOK\n-> invalidate: 'k'\n\"v\"\n";
    assert_eq!(stdout(&output), expected);
}

#[test]
fn subscriptions_show_that_they_wait() {
    let (place, port) = (Place::new("subscribe"), server());
    let to = ["-h", "127.0.0.1", "-p", &port];
    let output = place.type_in("valkey-cli", &to, "subscribe a b\n");
    let confirmations = "1) \"subscribe\"\n2) \"a\"\n3) (integer) 1\n\
                         1) \"subscribe\"\n2) \"b\"\n3) (integer) 2\n";
    let reading = "Reading messages... (press Ctrl-C to quit or any key to type command)\r";
    assert_eq!(stdout(&output), format!("{confirmations}{reading}\x1b[K"));
}

#[test]
fn messages_are_printed_as_they_come() {
    let (place, port) = (Place::new("messages"), server());
    let mut command = place.command(
        "vkctl",
        &["-h", "127.0.0.1", "-p", &port, "subscribe", "one"],
    );
    let mut child = command.spawn().unwrap();
    let mut text = [0; 31];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut text).unwrap();
    assert_eq!(&text, b"subscribe\none\n1\nmessage\none\nhi\n");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn redirections_are_followed_and_bounded() {
    let place = Place::new("redirect");
    let target = answering(|request| match request {
        "ASKING" | "SET K V" => b"+OK\r\n".to_vec(),
        _ => b"-ERR not asked\r\n".to_vec(),
    });
    let port = answering(move |request| match request {
        "SET K V" => format!("-ASK 7 127.0.0.1:{target}\r\n").into_bytes(),
        _ => b"-MOVED 7 :1\r\n".to_vec(),
    });
    let port = port.to_string();
    let run = |words: &[&str]| {
        place.run(
            "vkctl",
            &[&["-h", "127.0.0.1", "-p", &port], words].concat(),
        )
    };
    assert_eq!(stdout(&run(&["-c", "set", "k", "v"])), "OK\n");
    assert!(stdout(&run(&["set", "k", "v"])).starts_with("ASK 7 "));
    assert!(stderr(&run(&["-c", "get", "k"])).contains("127.0.0.1:1: Connection refused"));
    let ring = std::sync::Arc::new(std::sync::OnceLock::new());
    let at = ring.clone();
    let port = answering(move |_| format!("-MOVED 7 127.0.0.1:{}\r\n", at.wait()).into_bytes());
    ring.set(port).unwrap();
    let port = port.to_string();
    let output = place.run("vkctl", &["-h", "127.0.0.1", "-p", &port, "-c", "get", "k"]);
    assert!(
        stderr(&output).contains("in a circle"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn probes_work_in_any_state_of_authentication() {
    let place = Place::new("health");
    let verdict = |answer: &'static str, probe: &str| {
        let port = answering(move |_| answer.as_bytes().to_vec()).to_string();
        let words = [
            "health",
            probe,
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-t",
            "0.3",
            "-a",
            "x",
        ];
        place.run("vkctl", &words).status.code()
    };
    for (answer, live, ready) in [
        ("+PONG\r\n", 0, 0),
        ("-NOAUTH Authentication required.\r\n", 0, 0),
        ("-LOADING loading\r\n", 0, 1),
        ("-ERR max number of clients reached\r\n", 1, 1),
        ("+PO", 1, 1),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", 1, 1),
    ] {
        assert_eq!(verdict(answer, "--live"), Some(live), "{answer}");
        assert_eq!(verdict(answer, "--ready"), Some(ready), "{answer}");
    }
}

#[test]
fn pipe_counts_replies_and_errors() {
    let place = Place::new("pipe");
    let port = answering(|request| match request.strip_prefix("ECHO ") {
        Some(mark) => format!("${}\r\n{}\r\n", mark.len(), mark.to_lowercase()).into_bytes(),
        None if request == "BAD" => b"-ERR bad\r\n".to_vec(),
        None => b"+OK\r\n".to_vec(),
    });
    let port = port.to_string();
    let pipe =
        |input: &str| place.type_in("vkctl", &["-h", "127.0.0.1", "-p", &port, "--pipe"], input);
    let output = pipe("*1\r\n$3\r\nBAD\r\n*1\r\n$3\r\nSET\r\n");
    assert!(
        stdout(&output).ends_with("errors: 1, replies: 2\n"),
        "{}",
        stdout(&output)
    );
    assert_eq!(
        (stderr(&output).as_str(), output.status.code()),
        ("ERR bad\n", Some(1))
    );
    let output = pipe(&"*1\r\n$3\r\nSET\r\n".repeat(10_000));
    assert!(
        stdout(&output).ends_with("errors: 0, replies: 10000\n"),
        "{}",
        stdout(&output)
    );
    assert_eq!(output.status.code(), Some(0));
}
