//! Tests of the loader on files as people have them, and of handshakes with what it loads.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ServerConnection};

use super::*;
use crate::test_dir::TestDir;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_442_706)
}

/// A folder with a CA, a server's and a client's certificate and keys.
struct Files {
    dir: TestDir,
    client: (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
}

impl Files {
    fn new() -> Self {
        let dir = TestDir::new();
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(ca, ca_key);
        let leaf = |name: &str, last_year| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.not_after = date_time_ymd(last_year, 1, 1);
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, key) = leaf("localhost", 2_090);
        let (old, old_key) = leaf("localhost", 2_020);
        let (client, client_key) = leaf("client", 2_090);
        let files = Self {
            dir,
            client: (
                vec![client.der().clone()],
                PrivateKeyDer::try_from(client_key.serialize_der()).unwrap(),
            ),
        };
        files.write("ca.crt", &ca_pem);
        files.write("server.crt", &server.pem());
        files.write("server.key", &key.serialize_pem());
        files.write("old.crt", &old.pem());
        files.write("old.key", &old_key.serialize_pem());
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn settings(&self) -> TlsSettings {
        TlsSettings {
            cert_file: Some(self.path("server.crt")),
            key_file: Some(self.path("server.key")),
            ca_cert_file: Some(self.path("ca.crt")),
            strict: true,
            ..TlsSettings::default()
        }
    }

    fn error(&self, settings: &TlsSettings) -> String {
        match load(settings, now()) {
            Ok(_) => panic!("loads"),
            Err(error) => {
                assert!(!error.0.contains('\n'), "{error}");
                error.0
            }
        }
    }

    /// Whether a client gets through the handshake, with or without its certificate.
    fn handshake(&self, settings: &TlsSettings, with_certificate: bool) -> bool {
        let material = load(settings, now()).unwrap();
        let mut roots = RootCertStore::empty();
        roots::add_file(&mut roots, &self.path("ca.crt")).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = if with_certificate {
            let (chain, key) = &self.client;
            builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .unwrap()
        } else {
            builder.with_no_client_auth()
        };
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut server = ServerConnection::new(material.config).unwrap();
        for _ in 0..8 {
            if pass(&mut client, &mut server).is_err() || pass(&mut server, &mut client).is_err() {
                return false;
            }
        }
        !client.is_handshaking() && !server.is_handshaking()
    }
}

/// Carries what one side has to say to the other.
fn pass<A, B>(
    from: &mut impl std::ops::DerefMut<Target = rustls::ConnectionCommon<A>>,
    to: &mut impl std::ops::DerefMut<Target = rustls::ConnectionCommon<B>>,
) -> io::Result<()> {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire)?;
    }
    let mut wire = wire.as_slice();
    while !wire.is_empty() {
        to.read_tls(&mut wire)?;
        to.process_new_packets().map_err(io::Error::other)?;
    }
    Ok(())
}

#[test]
fn clients_prove_themselves_as_the_mode_demands() {
    let files = Files::new();
    for (auth_clients, without, with) in [
        (AuthClients::Yes, false, true),
        (AuthClients::Optional, true, true),
        (AuthClients::No, true, true),
    ] {
        let settings = TlsSettings {
            auth_clients,
            ..files.settings()
        };
        assert_eq!(
            files.handshake(&settings, false),
            without,
            "{auth_clients:?}"
        );
        assert_eq!(files.handshake(&settings, true), with, "{auth_clients:?}");
    }
    for protocols in ["TLSv1.2", "TLSv1.3"] {
        let settings = TlsSettings {
            protocols: protocols.to_owned(),
            ..files.settings()
        };
        assert!(files.handshake(&settings, true), "{protocols}");
    }
}

#[test]
fn what_is_missing_or_mistaken_is_named() {
    let files = Files::new();
    let good = files.settings();
    let key = files.path("server.key");
    let mut settings = TlsSettings {
        cert_file: None,
        ..good.clone()
    };
    assert_eq!(files.error(&settings), "No tls-cert-file configured!");
    settings = TlsSettings {
        key_file: Some(files.path("no.key")),
        ..good.clone()
    };
    assert!(files.error(&settings).contains("no such file"));
    settings = TlsSettings {
        key_file: Some(files.path("old.key")),
        ..good.clone()
    };
    assert!(
        files
            .error(&settings)
            .contains("does not belong to the certificate")
    );
    settings = TlsSettings {
        cert_file: Some(key.clone()),
        ..good.clone()
    };
    assert!(files.error(&settings).contains("no CERTIFICATE section"));
    settings = TlsSettings {
        key_file: Some(files.path("server.crt")),
        ..good.clone()
    };
    assert!(files.error(&settings).contains("is it the certificate?"));
    settings = TlsSettings {
        ca_cert_file: None,
        ..good.clone()
    };
    assert!(
        files
            .error(&settings)
            .contains("tls-ca-cert-file or tls-ca-cert-dir")
    );
    settings = TlsSettings {
        ca_cert_file: Some(files.dir.path().into()),
        ..good.clone()
    };
    assert!(files.error(&settings).contains("not a regular file"));
    settings = TlsSettings {
        protocols: "TLSv1.1".to_owned(),
        ..good.clone()
    };
    assert!(files.error(&settings).contains("leaves no protocol"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(
        files
            .error(&good)
            .contains(&format!("chmod 600 {}", key.display()))
    );
    let material = load(
        &TlsSettings {
            strict: false,
            ..good
        },
        now(),
    )
    .unwrap();
    assert_eq!(material.warnings.len(), 1, "{:?}", material.warnings);
}

#[test]
fn an_expired_certificate_is_refused_or_warned_about() {
    let files = Files::new();
    let expired = TlsSettings {
        cert_file: Some(files.path("old.crt")),
        key_file: Some(files.path("old.key")),
        ..files.settings()
    };
    assert!(files.error(&expired).contains("has expired"));
    let material = load(
        &TlsSettings {
            strict: false,
            ..expired
        },
        now(),
    )
    .unwrap();
    assert_eq!(material.warnings.len(), 1);
    let end_s = material.certificate.not_after_s;
    assert!(end_s < 1_700_000_000);
    let (level, text) = material.validity(end_s - EXPIRY_WARNING_S + 1);
    assert!(
        level == Level::Warning && text.ends_with(": install a new one"),
        "{text}"
    );
    let (level, text) = material.validity(end_s - EXPIRY_WARNING_S);
    assert!(
        level == Level::Notice && text.contains(" is valid until 20"),
        "{text}"
    );
}

#[test]
fn a_folder_of_cas_needs_no_names() {
    let files = Files::new();
    let folder = files.path("cas");
    fs::create_dir(&folder).unwrap();
    let settings = TlsSettings {
        ca_cert_file: None,
        ca_cert_dir: Some(folder.clone()),
        ..files.settings()
    };
    assert!(files.error(&settings).contains("no CA certificate"));
    fs::copy(files.path("ca.crt"), folder.join("9d66eef0.0")).unwrap();
    fs::write(folder.join("README"), "not a certificate").unwrap();
    assert!(files.handshake(&settings, true));
}

/// The keys were made with `openssl pkcs8 -topk8`, `openssl ec` and `openssl rsa`.
#[test]
fn every_kind_of_key_file_loads() {
    let dir = TestDir::new();
    let path = dir.path().join("key");
    for (name, text, pass) in [
        ("pkcs8", include_str!("testdata/p256.pkcs8.pem"), None),
        ("sec1", include_str!("testdata/p256.sec1.pem"), None),
        ("pkcs1", include_str!("testdata/rsa.pkcs1.pem"), None),
        (
            "aes256",
            include_str!("testdata/p256.aes256.pem"),
            Some("quail-7"),
        ),
        (
            "des3",
            include_str!("testdata/p256.des3.pem"),
            Some("quail-7"),
        ),
        (
            "scrypt",
            include_str!("testdata/p256.scrypt.pem"),
            Some("quail-7"),
        ),
    ] {
        fs::write(&path, text).unwrap();
        let key = key::load(&path, pass).unwrap_or_else(|error| panic!("{name}: {error}"));
        aws_lc_rs::default_provider()
            .key_provider
            .load_private_key(key)
            .unwrap();
        if pass.is_some() {
            let error = key::load(&path, None).unwrap_err();
            assert!(error.0.contains("set tls-key-file-pass"), "{error}");
            let error = key::load(&path, Some("quail-8")).unwrap_err();
            assert!(error.0.contains("does not open it"), "{error}");
        }
    }
    fs::write(&path, include_str!("testdata/rsa.legacy.pem")).unwrap();
    let error = key::load(&path, Some("quail-7")).unwrap_err();
    assert!(error.0.contains("openssl pkcs8 -topk8"), "{error}");
    fs::write(
        &path,
        "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    assert!(key::load(&path, None).unwrap_err().0.contains("broken PEM"));
}
