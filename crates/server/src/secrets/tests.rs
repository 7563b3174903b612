//! Tests of the first start, of the second one, and of everything that goes wrong between.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{renew::Renewal, *};
use crate::test_dir::TestDir;

const DAY: Duration = Duration::from_secs(86_400);

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_442_706)
}

fn request<'a>(dir: &'a Path, tls_san: &'a [String], now: SystemTime) -> SecretsRequest<'a> {
    SecretsRequest {
        dir,
        host_name: "db7",
        tls_san,
        now,
    }
}

/// The facts of the certificate that is in use now.
fn certificate(folder: &Path) -> CertificateFacts {
    leaf_facts(&folder.join(SERVER_FILE)).unwrap()
}

fn listing(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_first_start_makes_and_the_second_loads() {
    let dir = TestDir::new();
    let folder = dir.path().join("etc/vkd/secrets");
    let first = open(&request(&folder, &[], start())).unwrap();
    let first_certificate = certificate(&folder);
    let shown = first.created.unwrap();
    assert_eq!(password::verifier(&shown.0), first.admin_verifier);
    assert_eq!(
        listing(&folder),
        ["admin.password", "admin.verifier", "ca.crt", "server.pem"]
    );
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    for name in listing(&folder) {
        assert_eq!(
            fs::metadata(folder.join(name)).unwrap().mode() & 0o777,
            0o600
        );
    }
    let line = fs::read_to_string(folder.join(PASSWORD_FILE)).unwrap();
    assert_eq!(line, format!("{}\n", *shown.0));
    let second = open(&request(&folder, &[], start() + DAY)).unwrap();
    assert!(
        second.created.is_none() && second.notes.is_empty(),
        "{:?}",
        second.notes
    );
    assert_eq!(second.admin_verifier, first.admin_verifier);
    assert_eq!(certificate(&folder), first_certificate);
    assert_eq!(listing(folder.parent().unwrap()), ["secrets"]);
}

#[test]
fn an_empty_folder_that_exists_is_filled() {
    let dir = TestDir::new();
    let folder = dir.path().join("volume");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let error = open(&request(&folder, &[], start()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("chmod 700"), "{error}");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(
        open(&request(&folder, &[], start()))
            .unwrap()
            .created
            .is_some()
    );
    assert_eq!(listing(&folder).len(), 4);
}

/// A disk that is full at the n-th file, after half of it.
fn full_at(file: u32) -> impl Fn(&Path, &[u8]) -> io::Result<()> {
    let written = Cell::new(0_u32);
    move |path, bytes| {
        written.set(written.get() + 1);
        if written.get() == file {
            store::write_private(path, &bytes[..bytes.len() / 2])?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        store::write_private(path, bytes)
    }
}

#[test]
fn a_full_disk_leaves_nothing() {
    for file in 1..=4 {
        let dir = TestDir::new();
        let folder = dir.path().join("etc/vkd/secrets");
        let error = store::ensure(&request(&folder, &[], start()), &full_at(file)).unwrap_err();
        assert!(error.to_string().contains("free some space"), "{error}");
        assert!(
            listing(dir.path()).is_empty(),
            "file {file}: {:?}",
            listing(dir.path())
        );
    }
    for file in 1..=5 {
        let dir = TestDir::new();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let result = store::ensure(&request(dir.path(), &[], start()), &full_at(file));
        assert!(result.is_err());
        assert!(
            listing(dir.path()).is_empty(),
            "file {file}: {:?}",
            listing(dir.path())
        );
    }
}

#[test]
fn a_refused_folder_leaves_nothing() {
    let dir = TestDir::new();
    fs::write(dir.path().join("file"), "x").unwrap();
    let folder = dir.path().join("file/secrets");
    assert!(open(&request(&folder, &[], start())).is_err());
    assert_eq!(listing(dir.path()), ["file"]);
    let error = open(&request(&dir.path().join("file"), &[], start())).unwrap_err();
    assert!(error.to_string().contains("not a folder"), "{error}");
    if rustix::process::geteuid().is_root() {
        // Modes do not hold root back; /proc refuses everybody.
        let error = open(&request(Path::new("/proc/vkd/secrets"), &[], start())).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot make the folder /proc/vkd"),
            "{error}"
        );
        return;
    }
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    assert!(open(&request(&closed.join("secrets"), &[], start())).is_err());
    assert!(listing(&closed).is_empty());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn what_a_killed_start_left_is_cleaned() {
    let dir = TestDir::new();
    let folder = dir.path().join("secrets");
    let left = dir.path().join(".secrets.new-1");
    fs::create_dir(&left).unwrap();
    fs::write(left.join(CA_FILE), "half").unwrap();
    assert!(
        open(&request(&folder, &[], start()))
            .unwrap()
            .created
            .is_some()
    );
    assert_eq!(listing(dir.path()), ["secrets"]);
    // The same inside a folder that existed before.
    let volume = dir.path().join("volume");
    fs::create_dir(&volume).unwrap();
    fs::set_permissions(&volume, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(volume.join(".incomplete"), "").unwrap();
    fs::write(volume.join(SERVER_FILE), "half").unwrap();
    assert!(
        open(&request(&volume, &[], start()))
            .unwrap()
            .created
            .is_some()
    );
    assert_eq!(listing(&volume).len(), 4);
}

#[test]
fn what_is_not_whole_is_refused_and_kept() {
    let dir = TestDir::new();
    let folder = dir.path().join("secrets");
    open(&request(&folder, &[], start())).unwrap();
    fs::remove_file(folder.join(VERIFIER_FILE)).unwrap();
    let error = open(&request(&folder, &[], start()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("lacks admin.verifier"), "{error}");
    assert_eq!(listing(&folder).len(), 3);
    let foreign = dir.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.tex"), "x").unwrap();
    let error = open(&request(&foreign, &[], start())).unwrap_err();
    assert!(matches!(error, SecretsError::Foreign { .. }), "{error}");
    assert_eq!(listing(&foreign), ["thesis.tex"]);
}

#[test]
fn exposed_and_damaged_files_are_named() {
    let dir = TestDir::new();
    let folder = dir.path().join("secrets");
    open(&request(&folder, &[], start())).unwrap();
    let server = folder.join(SERVER_FILE);
    fs::set_permissions(&server, fs::Permissions::from_mode(0o644)).unwrap();
    let error = open(&request(&folder, &[], start()))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("chmod 600 {}", server.display())),
        "{error}"
    );
    fs::set_permissions(&server, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(folder.join(VERIFIER_FILE), "zz\n").unwrap();
    let error = open(&request(&folder, &[], start())).unwrap_err();
    assert!(matches!(error, SecretsError::Damaged { .. }), "{error}");
}

#[test]
fn the_password_file_may_go_and_a_wrong_one_is_noted() {
    let dir = TestDir::new();
    let folder = dir.path().join("secrets");
    open(&request(&folder, &[], start())).unwrap();
    fs::write(folder.join(PASSWORD_FILE), "guess\n").unwrap();
    let secrets = open(&request(&folder, &[], start())).unwrap();
    assert!(secrets.notes.iter().any(|note| note.starts_with("WARNING")));
    fs::remove_file(folder.join(PASSWORD_FILE)).unwrap();
    let secrets = open(&request(&folder, &[], start())).unwrap();
    assert!(secrets.created.is_none() && !secrets.notes.is_empty());
}

#[test]
fn the_certificate_renews_in_two_steps() {
    let dir = TestDir::new();
    let folder = dir.path().join("secrets");
    let bundle =
        |folder: &Path| issue::sections(&fs::read_to_string(folder.join(CA_FILE)).unwrap()).len();
    let first = open(&request(&folder, &[], start())).unwrap();
    let first_certificate = certificate(&folder);
    let at = |days: u32| start() + DAY * days;
    assert_eq!(
        renew(&request(&folder, &[], at(600))).unwrap(),
        Renewal::NotDue
    );
    let staged = open(&request(&folder, &[], at(650))).unwrap();
    assert_eq!(certificate(&folder), first_certificate);
    assert!(
        staged.notes.iter().any(|note| note.contains("new CA")),
        "{:?}",
        staged.notes
    );
    assert_eq!(bundle(&folder), 2);
    // Nothing more happens until the change-over.
    assert_eq!(
        renew(&request(&folder, &[], at(660))).unwrap(),
        Renewal::NotDue
    );
    assert!(matches!(
        renew(&request(&folder, &[], at(705))),
        Ok(Renewal::Switched { .. })
    ));
    let second = open(&request(&folder, &[], at(706))).unwrap();
    assert_ne!(certificate(&folder), first_certificate);
    assert_eq!(second.admin_verifier, first.admin_verifier);
    assert_eq!(bundle(&folder), 2);
    assert!(!folder.join(NEXT_FILE).exists());
    // After years of rest: a new one at once, and the bundle without what has expired.
    let third = open(&request(&folder, &[], at(3_000))).unwrap();
    assert!(third.notes.iter().any(|note| note.starts_with("WARNING")));
    assert_eq!(bundle(&folder), 1);
    assert_eq!(
        renew(&request(&folder, &[], at(3_001))).unwrap(),
        Renewal::NotDue
    );
}

#[test]
fn names_are_taken_on_and_wrong_ones_refused() {
    let dir = TestDir::new();
    let folder = dir.path().join("secrets");
    open(&request(&folder, &[], start())).unwrap();
    let first_certificate = certificate(&folder);
    let pem = fs::read_to_string(folder.join(SERVER_FILE)).unwrap();
    let own = ["db7", "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    assert!(issue::covers(&pem, &own));
    let more = ["db.example.org", "*.example.net", "10.0.0.7"].map(str::to_owned);
    assert!(!issue::covers(&pem, &more));
    open(&request(&folder, &more, start())).unwrap();
    assert_ne!(certificate(&folder), first_certificate);
    let pem = fs::read_to_string(folder.join(SERVER_FILE)).unwrap();
    assert!(issue::covers(&pem, &more) && issue::covers(&pem, &own));
    assert_eq!(
        renew(&request(&folder, &more, start())).unwrap(),
        Renewal::NotDue
    );
    let wrong = ["not a name".to_owned()];
    let error = open(&request(&dir.path().join("other"), &wrong, start())).unwrap_err();
    assert!(error.to_string().contains("`not a name`"), "{error}");
    assert_eq!(listing(dir.path()), ["secrets"]);
}

#[test]
fn two_first_starts_at_once_make_one_set() {
    let dir = TestDir::new();
    let folder = dir.path().join("secrets");
    let verifiers: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| open(&request(&folder, &[], start())).unwrap()))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    let made = verifiers
        .iter()
        .filter(|secrets| secrets.created.is_some())
        .count();
    assert_eq!(made, 1);
    let Some(first) = verifiers.first() else {
        panic!("none")
    };
    assert!(
        verifiers
            .iter()
            .all(|one| one.admin_verifier == first.admin_verifier)
    );
    assert_eq!(listing(dir.path()), ["secrets"]);
}
