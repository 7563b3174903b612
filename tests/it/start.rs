//! Starts: configuration files good and bad, ports that are taken, certificates that cannot be
//! read, and the other ways to call the program.

use crate::{bulk, simple, text};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use vk_compat::free_port;
use vk_resp::Reply;
use vk_tests::{Certificates, Ended, Launch, run_bounded, vkd};

/// Writes a configuration file into a start's folder, which becomes its first argument.
fn with_file(lines: &str, more: &[&str]) -> (Launch, PathBuf) {
    let launch = Launch::bare(&[]);
    let path = launch.folder().join("vkd.conf");
    std::fs::write(&path, lines).unwrap();
    let launch = launch.args(&[&path.display().to_string()]).args(more);
    (launch, path)
}

fn fails(lines: &str, parts: &[&str]) -> Ended {
    let (launch, _) = with_file(lines, &["--port", &free_port().unwrap().to_string()]);
    let ended = launch.run();
    assert_eq!(ended.code, 1, "{lines:?}: {}", ended.output);
    for part in parts {
        assert!(
            ended.output.contains(part),
            "{lines:?}: no {part:?} in {}",
            ended.output
        );
    }
    ended
}

#[test]
fn a_file_of_directives() {
    let lines = "# a comment\nbind 127.0.0.1\nMAXCLIENTS 321\nhz \"20\"\nsave \"\"\n";
    let (launch, path) = with_file(lines, &["--loglevel", "verbose"]);
    let server = launch.start();
    let mut client = server.client();
    let get = |client: &mut vk_compat::Client, name: &str| {
        let reply = client.run(&format!("CONFIG GET {name}")).unwrap();
        let Reply::Array(pair) = reply else {
            panic!("{reply:?}")
        };
        text(&pair[1])
    };
    assert_eq!(get(&mut client, "maxclients"), "321");
    assert_eq!(get(&mut client, "hz"), "20");
    assert_eq!(get(&mut client, "loglevel"), "verbose");
    assert_eq!(
        crate::info(&mut client, "config_file"),
        path.display().to_string()
    );
    assert_eq!(crate::info(&mut client, "security_profile"), "compatible");
}

#[test]
fn includes_and_later_lines_win() {
    let launch = Launch::bare(&[]);
    let (main, part) = (
        launch.folder().join("vkd.conf"),
        launch.folder().join("part.conf"),
    );
    std::fs::write(&part, "maxclients 111\ntimeout 7\n").unwrap();
    let lines = format!(
        "bind 127.0.0.1\ntimeout 3\ninclude {}\nmaxclients 222\n",
        part.display()
    );
    std::fs::write(&main, lines).unwrap();
    let server = launch.args(&[&main.display().to_string()]).start();
    let pair = |name: &str, value: &str| Reply::Array(vec![bulk(name), bulk(value)]);
    let mut client = server.client();
    assert_eq!(
        client.run("CONFIG GET maxclients").unwrap(),
        pair("maxclients", "222")
    );
    assert_eq!(
        client.run("CONFIG GET timeout").unwrap(),
        pair("timeout", "7")
    );
}

#[test]
fn bad_files_are_refused_with_the_line() {
    fails(
        "bind 127.0.0.1\nmaxclients many\n",
        &["FATAL CONFIG FILE ERROR", "line 2", "many"],
    );
    fails(
        "\n\nnosuchdirective 1\n",
        &["FATAL CONFIG FILE ERROR", "line 3", "nosuchdirective"],
    );
    fails(
        "requirepass \"open\nport 0\n",
        &["FATAL CONFIG FILE ERROR", "line 1"],
    );
    fails("hz\n", &["FATAL CONFIG FILE ERROR", "line 1", "hz"]);
    fails(
        "include /nonexistent/file.conf\n",
        &["/nonexistent/file.conf"],
    );
}

#[test]
fn a_file_that_is_not_there() {
    let ended = Launch::bare(&["/nonexistent/vkd.conf"]).run();
    assert_eq!(ended.code, 1);
    ended.line_with(&["/nonexistent/vkd.conf"]);
}

#[test]
fn a_bad_argument() {
    let ended = Launch::bare(&["--nosuchdirective", "1"]).run();
    assert_eq!(ended.code, 1);
    assert!(ended.output.contains("nosuchdirective"), "{}", ended.output);
}

#[test]
fn a_taken_port() {
    let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let ended = Launch::compatible(&["--port", &port]).run();
    assert_eq!(ended.code, 1, "{}", ended.output);
    ended.line_with(&[&port, "in use"]);
}

#[test]
fn a_certificate_that_cannot_be_used() {
    let port = free_port().unwrap().to_string();
    let launch = Launch::compatible(&["--port", "0", "--tls-port", &port]);
    let good = Certificates::create(launch.folder());
    let garbage = launch.folder().join("garbage.pem");
    std::fs::write(&garbage, "no certificate\n").unwrap();
    let missing = launch.folder().join("missing.pem");
    for (cert, key, culprit) in [
        (&missing, &good.key, &missing),
        (&good.cert, &missing, &missing),
        (&garbage, &good.key, &garbage),
        (&good.cert, &garbage, &garbage),
        (&good.ca, &good.key, &good.ca),
    ] {
        let args = ["--tls-cert-file", "--tls-key-file", "--tls-ca-cert-file"];
        let ended = Launch::compatible(&["--port", "0", "--tls-port", &port])
            .args(&[
                args[0],
                &cert.display().to_string(),
                args[1],
                &key.display().to_string(),
            ])
            .args(&[args[2], &good.ca.display().to_string()])
            .run();
        assert_eq!(ended.code, 1, "{culprit:?}: {}", ended.output);
        ended.line_with(&[&culprit.display().to_string()]);
    }
}

#[test]
fn check_config_tells_and_starts_nothing() {
    let (good, _) = with_file("maxclients 10\n", &["--check-config"]);
    let ended = good.run();
    assert_eq!(ended.code, 0, "{}", ended.output);
    assert!(!ended.output.contains("Ready to accept"));
    let (bad, _) = with_file("maxclients x\n", &["--check-config"]);
    let ended = bad.run();
    assert_eq!(ended.code, 1);
    assert!(ended.output.contains("maxclients"), "{}", ended.output);
}

/// The distribution's own file, if this machine has it: daemonised, under /var, on port 6379.
#[test]
fn a_stock_redis_conf_starts_with_warnings_alone() {
    let stock = Path::new("/etc/redis/redis.conf");
    if std::fs::read(stock).is_err() {
        eprintln!("SKIPPED: there is no readable {}", stock.display());
        return;
    }
    let launch = Launch::bare(&[]);
    let folder = launch.folder().display().to_string();
    let pidfile = format!("{folder}/vkd.pid");
    let server = launch
        .args(&[
            &stock.display().to_string(),
            "--bind",
            "127.0.0.1",
            "--dir",
            &folder,
        ])
        .args(&["--daemonize", "no", "--logfile", "", "--pidfile", &pidfile])
        .args(&["--supervised", "no"])
        .start();
    assert_eq!(server.client().run("SET a 1").unwrap(), simple("OK"));
}

/// A file with every directive at the value that the server itself reports.
#[test]
fn a_file_of_all_directives_starts() {
    let server = Launch::compatible(&[]).start();
    let Reply::Array(words) = server.client().run("CONFIG GET *").unwrap() else {
        panic!("CONFIG GET gives an array")
    };
    assert!(words.len() > 300, "{} words", words.len());
    // No file can say that there is no primary.
    let skipped = [
        "port",
        "dir",
        "save",
        "user",
        "bind",
        "replicaof",
        "slaveof",
    ];
    let mut lines = String::from("bind 127.0.0.1\n");
    for pair in words.chunks_exact(2) {
        let (name, value) = (text(&pair[0]), text(&pair[1]));
        if skipped.contains(&name.as_str()) {
            continue;
        }
        let multi = name == "client-output-buffer-limit";
        let value = if multi || !value.contains([' ', '"']) && !value.is_empty() {
            value
        } else {
            format!("\"{value}\"")
        };
        lines.push_str(&format!("{name} {value}\n"));
    }
    let (launch, _) = with_file(&lines, &[]);
    let again = launch.start();
    assert_eq!(again.client().run("PING").unwrap(), simple("PONG"));
}

#[test]
fn version_and_help() {
    for flag in ["--version", "-v"] {
        let ended = run_bounded(Command::new(vkd()).arg(flag), "");
        assert_eq!(ended.code, 0);
        assert_eq!(ended.output.lines().count(), 1);
        ended.line_with(&[" v=", " bits=64"]);
    }
    let ended = run_bounded(Command::new(vkd()).arg("--help"), "");
    assert_eq!(ended.code, 0);
    assert!(ended.output.contains("--check-config"), "{}", ended.output);
}

#[test]
fn the_name_of_the_program_chooses_the_profile() {
    let launch = Launch::bare(&["--bind", "127.0.0.1"]);
    let name = launch.folder().join("valkey-server");
    symlink(vkd(), &name).unwrap();
    let server = launch.program(&name).start();
    let mut client = server.client();
    assert_eq!(crate::info(&mut client, "security_profile"), "compatible");
}

#[test]
fn a_data_folder_that_is_not_there() {
    let port = free_port().unwrap().to_string();
    let ended = Launch::bare(&[
        "--port",
        &port,
        "--bind",
        "127.0.0.1",
        "--dir",
        "/nonexistent/x",
    ])
    .run();
    assert_eq!(ended.code, 1);
    ended.line_with(&["/nonexistent/x"]);
}

#[test]
fn a_configuration_from_standard_input() {
    let port = free_port().unwrap();
    let input = format!("bind 127.0.0.1\nport {port}\nmaxclients x\n");
    let ended = run_bounded(Command::new(vkd()).arg("-"), &input);
    assert_eq!(ended.code, 1);
    assert!(ended.output.contains("maxclients"), "{}", ended.output);
}

#[test]
fn an_unreadable_file() {
    if rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: root reads every file");
        return;
    }
    let (launch, path) = with_file("port 0\n", &[]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let ended = launch.run();
    assert_eq!(ended.code, 1);
    ended.line_with(&[&path.display().to_string()]);
}
