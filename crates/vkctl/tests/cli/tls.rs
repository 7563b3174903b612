//! Whose certificates are believed: by vkctl only those for the name that was asked for, by the
//! stand-in for Valkey's client any of a trusted CA.

use std::fs;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::fake::{Place, answer_all, server, stderr, stdout};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

/// A server with a certificate for these names; it serves the password's owner alone.
fn serving(authority: &Authority, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(names).unwrap();
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let port = server(move |stream| {
        let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(tls, stream));
        answer_all(&mut stream, &|request| match request {
            "AUTH ADMIN VKS_ADMIN_X" => b"+OK\r\n".to_vec(),
            _ => b"+PONG\r\n".to_vec(),
        });
    });
    port.to_string()
}

#[test]
fn names_are_checked_by_vkctl_and_not_by_valkey_cli() {
    let place = Place::new("tls-names");
    let authority = authority();
    let ca_file = place.path().join("ca.crt");
    fs::write(&ca_file, &authority.pem).unwrap();
    let ca_file = ca_file.to_str().unwrap();
    let right = serving(&authority, &["localhost", "127.0.0.1"]);
    let wrong = serving(&authority, &["other.example"]);
    for (program, port, extra, works) in [
        ("vkctl", &right, &[][..], true),
        ("vkctl", &wrong, &[], false),
        ("vkctl", &wrong, &["--sni", "other.example"], true),
        ("vkctl", &wrong, &["--insecure"], true),
        ("valkey-cli", &right, &[], true),
        ("valkey-cli", &wrong, &[], true),
        ("redis-cli", &wrong, &[], true),
    ] {
        let to = ["-h", "127.0.0.1", "-p", port, "--tls", "--cacert", ca_file];
        let output = place.run(program, &[&to, extra, &["ping"]].concat());
        assert_eq!(
            output.status.success(),
            works,
            "{program} {extra:?} {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output) == "PONG\n", works, "{program} {extra:?}");
    }
}

#[test]
fn a_stranger_is_believed_by_nobody() {
    let place = Place::new("tls-stranger");
    let ca_file = place.path().join("ca.crt");
    fs::write(&ca_file, &authority().pem).unwrap();
    let ca_file = ca_file.to_str().unwrap();
    let port = serving(&authority(), &["127.0.0.1"]);
    for program in ["vkctl", "valkey-cli"] {
        let words = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "--tls",
            "--cacert",
            ca_file,
            "ping",
        ];
        let output = place.run(program, &words);
        assert_eq!(output.status.code(), Some(1), "{program}");
        assert!(
            stderr(&output).contains("certificate"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn the_local_ca_and_password_are_found() {
    let place = Place::new("tls-local");
    let authority = authority();
    let secrets = place.path().join(".config/vkd/secrets");
    fs::create_dir_all(&secrets).unwrap();
    let password = secrets.join("admin.password");
    fs::write(secrets.join("ca.crt"), &authority.pem).unwrap();
    fs::write(&password, "vks_admin_x\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let port = serving(&authority, &["127.0.0.1"]);
    let snippet = place.run("vkctl", &["connect", "--for", "redis-py", "-p", &port]);
    assert!(!stdout(&snippet).contains("vks_admin_x") && !stderr(&snippet).contains("vks_admin_x"));
    // Where the machine has a server of its own its CA comes first; what follows needs ours.
    if !stdout(&snippet).contains(secrets.to_str().unwrap()) {
        return;
    }
    let output = place.run("vkctl", &["-p", &port, "auth", "admin", "vks_admin_x"]);
    assert_eq!(stdout(&output), "OK\n", "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    assert!(stdout(&snippet).contains("username=\"admin\""));
    assert!(stderr(&snippet).contains("admin.password"));
}
