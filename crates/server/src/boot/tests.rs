//! Tests of a whole strict start in a folder of its own.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::test_dir::TestDir;
use crate::tls_files::{AuthClients, TlsSettings};

fn surroundings(dir: &TestDir) -> Surroundings {
    Surroundings {
        euid: 1000,
        host_name: "db7".to_owned(),
        home: Some(dir.path().to_owned()),
        ..Surroundings::default()
    }
}

fn request(surroundings: &Surroundings) -> StrictRequest<'_> {
    StrictRequest {
        surroundings,
        secrets_dir: None,
        data_dir: None,
        unix_socket: None,
        tls_san: &[],
        port: 6379,
        own_certificate: false,
        now: UNIX_EPOCH + Duration::from_secs(1_795_442_706),
    }
}

#[test]
fn the_first_start_sets_everything_up_and_the_second_finds_it() {
    let dir = TestDir::new();
    let around = surroundings(&dir);
    let start = strict_start(&request(&around)).unwrap();
    let value = |name: &str| {
        start
            .directives
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, path)| path.clone())
    };
    let data = value("dir").unwrap();
    assert_eq!(fs::metadata(&data).unwrap().mode() & 0o777, 0o700);
    let socket = value("unixsocket").unwrap();
    assert_eq!(
        fs::metadata(socket.parent().unwrap()).unwrap().mode() & 0o777,
        0o700
    );
    assert_eq!(start.unix_users, [(0, ADMIN), (1000, ADMIN)]);
    let public = dir.path().join(".config/vkd/ca.crt");
    assert_eq!(start.public_ca_file.as_ref(), Some(&public));
    assert_eq!(fs::metadata(&public).unwrap().mode() & 0o777, 0o644);

    let settings = TlsSettings {
        cert_file: value("tls-cert-file"),
        key_file: value("tls-key-file"),
        ca_cert_file: value("tls-ca-cert-file"),
        auth_clients: AuthClients::Optional,
        strict: true,
        ..TlsSettings::default()
    };
    let material = crate::tls_files::load(&settings, request(&around).now).unwrap();
    assert!(material.warnings.is_empty());

    let password = start.secrets.created.as_ref().unwrap().0.to_string();
    let shown = start.announcement(true).unwrap();
    assert!(shown.contains(&password) && shown.contains(&public.display().to_string()));
    let logged = start.announcement(false).unwrap();
    assert!(!logged.contains(&password) && logged.contains("admin.password"));

    let again = strict_start(&request(&around)).unwrap();
    assert!(
        again.announcement(true).is_none() && again.notes.is_empty(),
        "{:?}",
        again.notes
    );
    assert_eq!(again.secrets.admin_verifier, start.secrets.admin_verifier);
}

#[test]
fn directives_that_are_set_are_obeyed() {
    let dir = TestDir::new();
    let around = surroundings(&dir);
    let (data, secrets) = (dir.path().join("data"), dir.path().join("secrets"));
    let socket = dir.path().join("s");
    let request = StrictRequest {
        data_dir: Some(&data),
        secrets_dir: Some(&secrets),
        unix_socket: Some(&socket),
        own_certificate: true,
        ..request(&around)
    };
    let start = strict_start(&request).unwrap();
    assert!(start.directives.is_empty(), "{:?}", start.directives);
    assert_eq!(start.secrets.dir, secrets);
    // Nobody would look for a copy beside a folder of one's own choice.
    assert_eq!(start.public_ca_file, None);
    assert!(!dir.path().join(".config").exists());
}

#[test]
fn what_cannot_be_is_refused_with_its_cure() {
    let dir = TestDir::new();
    let around = surroundings(&dir);
    let data = dir.path().to_owned();
    let error = strict_start(&StrictRequest {
        data_dir: Some(&data),
        ..request(&around)
    });
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("another secrets-dir")
    );
    let homeless = Surroundings {
        home: None,
        ..around.clone()
    };
    let error = strict_start(&request(&homeless)).unwrap_err().to_string();
    assert!(error.contains("--secrets-dir"), "{error}");
    let far = PathBuf::from(format!("/srv/{}/s", "x".repeat(120)));
    let error = strict_start(&StrictRequest {
        unix_socket: Some(&far),
        ..request(&around)
    });
    assert!(error.unwrap_err().to_string().contains("107"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn an_open_folder_of_ours_is_closed() {
    let dir = TestDir::new();
    let folder = dir.path().join("data");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    folders::ensure_private(&folder).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o750);
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(folders::ensure_private(&file).is_err());
}
