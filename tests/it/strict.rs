//! The strict profile: what its first start makes, what it refuses, who comes in.

use crate::{simple, text};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vk_compat::{Client, free_port};
use vk_tests::{Launch, Server, tls_client};

fn secrets(folder: &Path) -> PathBuf {
    folder.join("config/vkd/secrets")
}

/// The authority whose copy everybody may read.
fn ca(server: &Server) -> PathBuf {
    server.folder().join("config/vkd/ca.crt")
}

fn password(folder: &Path) -> String {
    let file = secrets(folder).join("admin.password");
    std::fs::read_to_string(file).unwrap().trim_end().to_owned()
}

fn mode(path: &Path) -> u32 {
    let data = std::fs::symlink_metadata(path);
    data.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .mode()
        & 0o7777
}

#[test]
fn the_first_start_makes_secrets_and_the_second_uses_them() {
    let server = Launch::strict(&[]).start_tls();
    let folder = secrets(server.folder());
    assert_eq!(mode(&folder), 0o700);
    let names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["ca.crt", "server.pem", "admin.password", "admin.verifier"] {
        assert!(
            names.iter().any(|found| found == name),
            "{name} in {names:?}"
        );
    }
    for name in &names {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
    assert!(
        !names.iter().any(|name| name.contains("ca.key")),
        "the authority's key stays"
    );
    let secret = password(server.folder());
    assert!(secret.starts_with("vks_admin_") && secret.len() > 30);
    let log = server.log();
    assert!(!log.contains(&secret), "the log is no terminal");
    assert!(log.contains("admin.password"), "{log}");

    let mut client = tls_client(server.address(), &ca(&server));
    assert!(text(&client.run("PING").unwrap()).starts_with("NOAUTH"));
    assert_eq!(
        client.call(&["AUTH", "admin", &secret]).unwrap(),
        simple("OK")
    );
    assert_eq!(client.run("SET a 1").unwrap(), simple("OK"));

    let certificate = std::fs::read(folder.join("server.pem")).unwrap();
    let again = server.stop().start_tls();
    assert_eq!(
        std::fs::read(folder.join("server.pem")).unwrap(),
        certificate
    );
    assert_eq!(password(again.folder()), secret);
    let mut client = tls_client(again.address(), &ca(&again));
    assert_eq!(
        client.call(&["AUTH", "admin", &secret]).unwrap(),
        simple("OK")
    );
}

#[test]
fn the_password_alone_names_its_user() {
    let server = Launch::strict(&[]).start_tls();
    let secret = password(server.folder());
    let mut client = tls_client(server.address(), &ca(&server));
    assert!(text(&client.run("AUTH vks_admin_wrong").unwrap()).starts_with("WRONGPASS"));
    assert!(text(&client.run("AUTH default \"\"").unwrap()).starts_with("WRONGPASS"));
    assert_eq!(client.call(&["AUTH", &secret]).unwrap(), simple("OK"));
    assert!(text(&client.run("CLIENT INFO").unwrap()).contains(" user=admin "));
    let mut other = tls_client(server.address(), &ca(&server));
    assert_eq!(
        other.call(&["AUTH", "default", &secret]).unwrap(),
        simple("OK")
    );
}

#[test]
fn the_unix_socket_knows_its_peers() {
    let server = Launch::strict(&[]).start_tls();
    let path = server
        .folder()
        .join(format!("run/vkd/vkd-{}.sock", server.port()));
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let stream = UnixStream::connect(&path).unwrap_or_else(|e| panic!("{e}\n{}", server.log()));
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut client = Client::over(stream);
    assert_eq!(client.run("SET a 1").unwrap(), simple("OK"));
    assert!(text(&client.run("CLIENT INFO").unwrap()).contains(" user=admin "));
}

#[test]
fn resp_on_the_tls_port_is_told_so() {
    let server = Launch::strict(&[]).start_tls();
    for bytes in [
        &b"*1\r\n$4\r\nPING\r\n"[..],
        b"PING\r\n",
        b"AUTH secret\r\n",
    ] {
        let mut client = server.client();
        client.send_raw(bytes).unwrap();
        let reply = client.receive().unwrap().unwrap();
        assert_eq!(text(&reply), "ERR this port speaks TLS");
        assert_eq!(client.receive().unwrap(), None);
    }
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let launch = Launch::strict(&[]).start_tls().stop();
    let file = secrets(launch.folder()).join("server.pem");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let port = free_port().unwrap().to_string();
    let launch = launch.args(&["--tls-port", &port]);
    let ended = launch.run();
    assert_eq!(ended.code, 1, "{}", ended.output);
    ended.line_with(&[&file.display().to_string(), "0644", "chmod 600"]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    drop(launch.start_without_port());
}

#[test]
fn a_refused_folder_leaves_nothing() {
    let port = free_port().unwrap().to_string();
    let launch = Launch::strict(&["--tls-port", &port]);
    let config = launch.folder().join("config");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o500)).unwrap();
    let ended = launch.run();
    assert_eq!(ended.code, 1, "{}", ended.output);
    ended.line_with(&[&config.display().to_string()]);
    assert_eq!(std::fs::read_dir(&config).unwrap().count(), 0);
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o700)).unwrap();
    drop(launch.start_without_port());
}

#[test]
fn what_strict_refuses_at_the_start() {
    for (args, parts) in [
        (
            &["--port", "7999", "--bind", "0.0.0.0"][..],
            &["plaintext", "tls-port"][..],
        ),
        (&["--requirepass", "secret"], &["requirepass", "at least"]),
        (
            &["--min-replicas-to-write", "1"],
            &["min-replicas-to-write"],
        ),
    ] {
        let port = free_port().unwrap().to_string();
        let ended = Launch::strict(&["--tls-port", &port]).args(args).run();
        assert_eq!(ended.code, 1, "{args:?}: {}", ended.output);
        ended.line_with(parts);
    }
}
