//! Encryption of snapshots with real files: what is written is read, and whatever is changed,
//! missing or old is told with the name of the file.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{rig::Rig, *};

const MARKER: &[u8] = b"a-text-that-must-not-be-seen";

fn contents() -> Vec<u8> {
    MARKER.repeat(20_000)
}

#[test]
fn what_is_written_is_read_and_tells_nothing() {
    let rig = Rig::new();
    assert_eq!(rig.load(), Ok(Vec::new()));
    rig.save(&contents());
    let read = rig.load().unwrap();
    assert!(read.starts_with(b"REDIS0011"));
    assert!(read.windows(MARKER.len()).any(|part| part == MARKER));
    for entry in fs::read_dir(rig.data.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|part| part == &MARKER[..8]));
        assert!(!bytes.windows(5).any(|part| part == b"REDIS"));
    }
}

#[test]
fn each_of_a_thousand_changed_bytes_is_noticed() {
    let rig = Rig::new();
    rig.save(&contents()[..200_000]);
    let paths = [rig.dump(), rig.data.path().join(Register::FILE)];
    let mut next = rig::numbers();
    for round in 0..1000 {
        // One in ten in the small file; some in the header of the other.
        let path = &paths[usize::from(round % 10 == 0)];
        let bytes = fs::read(path).unwrap();
        let at = next(if round % 10 == 1 { 128 } else { bytes.len() });
        let mut changed = bytes.clone();
        changed[at] ^= u8::try_from(1 + next(255)).unwrap();
        fs::write(path, &changed).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = rig.load().unwrap_err();
        assert!(text.contains(name), "{round}: byte {at}: {text}");
        fs::write(path, bytes).unwrap();
    }
    assert!(rig.load().is_ok());
}

#[test]
fn other_keys_open_nothing_and_earlier_ones_do() {
    let mut rig = Rig::new();
    rig.save(b"one");
    rig.key("other", &["22"]);
    rig.refused(&[Register::FILE, "needs the key", "at-rest-old-key-file"]);
    rig.key("both", &["22", "11"]);
    assert!(rig.load().is_ok());
    // The next snapshot is under the new key, and then the old one is not needed.
    rig.save(b"two");
    rig.key("other", &["22"]);
    assert!(rig.load().is_ok());
    let old = rig.secret("old", &"11".repeat(32));
    rig.key("new", &["33"]);
    rig.set(id::AT_REST_OLD_KEY_FILE, &old);
    rig.refused(&["needs the key"]);
}

#[test]
fn what_is_missing_or_old_is_noticed() {
    let mut rig = Rig::new();
    rig.save(b"first");
    let first = fs::read(rig.dump()).unwrap();
    rig.save(b"second");
    let second = fs::read(rig.dump()).unwrap();
    fs::write(rig.dump(), &first).unwrap();
    rig.refused(&["dump.rdb", "generation 1, not 2", "at-rest-accept-older"]);
    fs::remove_file(rig.dump()).unwrap();
    rig.refused(&["dump.rdb is missing"]);
    fs::write(rig.dump(), &second[..second.len() - 1]).unwrap();
    rig.refused(&["dump.rdb"]);
    fs::write(rig.dump(), &second).unwrap();
    let register = rig.data.path().join(Register::FILE);
    let text = fs::read(&register).unwrap();
    fs::remove_file(&register).unwrap();
    rig.refused(&[Register::FILE, "is missing"]);
    // Another dataset under the same key.
    let other = Rig::new();
    other.save(b"other");
    fs::copy(other.data.path().join(Register::FILE), &register).unwrap();
    rig.refused(&["dump.rdb", "another dataset"]);
    fs::write(&register, text).unwrap();
    assert!(rig.load().is_ok());
    // Told so, a server goes on with what there is, and is strict again after the next snapshot.
    fs::write(rig.dump(), &first).unwrap();
    rig.set(id::AT_REST_ACCEPT_OLDER, "yes");
    assert!(rig.load().is_ok());
    rig.save(b"third");
    rig.set(id::AT_REST_ACCEPT_OLDER, "no");
    assert!(rig.load().is_ok());
    fs::write(rig.dump(), &second).unwrap();
    rig.refused(&["generation 2, not 3"]);
}

#[test]
fn a_crash_before_the_note_is_no_fault() {
    let rig = Rig::new();
    let register = rig.data.path().join(Register::FILE);
    rig.at_rest().unwrap().begin_stream(Kind::Snapshot).unwrap();
    let empty = fs::read(&register).unwrap();
    rig.save(b"first");
    let before = fs::read(&register).unwrap();
    fs::write(&register, empty).unwrap();
    assert!(rig.load().is_ok());
    fs::write(&register, &before).unwrap();
    rig.save(b"second");
    fs::write(&register, before).unwrap();
    assert!(rig.load().is_ok());
}

#[test]
fn plain_files_and_back() {
    let mut rig = Rig::new();
    rig.set(id::AT_REST_ENCRYPTION, "no");
    rig.save(b"plain");
    assert!(fs::read(rig.dump()).unwrap().starts_with(b"REDIS"));
    rig.set(id::AT_REST_ENCRYPTION, "yes");
    rig.refused(&["dump.rdb is not encrypted", "at-rest-accept-plain"]);
    rig.set(id::AT_REST_ACCEPT_PLAIN, "yes");
    assert!(rig.load().is_ok());
    rig.save(b"sealed");
    rig.set(id::AT_REST_ACCEPT_PLAIN, "no");
    assert!(rig.load().is_ok());
    rig.set(id::AT_REST_ENCRYPTION, "no");
    assert!(rig.load().is_ok(), "the key is there");
    rig.set(id::AT_REST_KEY_FILE, "");
    rig.refused(&["dump.rdb", "needs the key"]);
    rig.key("key", &["11"]);
    rig.save(b"plain again");
    rig.set(id::AT_REST_KEY_FILE, "");
    assert!(rig.load().unwrap().starts_with(b"REDIS"));
}

#[test]
fn secrets_must_be_secret() {
    let mut rig = Rig::new();
    let inside = rig.data.path().join("key");
    fs::copy(rig.keys.path().join("key"), &inside).unwrap();
    rig.set(id::AT_REST_KEY_FILE, &inside.display().to_string());
    rig.refused(&["at-rest-key-file", "lies in the data folder"]);
    let open = rig.secret("open", &"11".repeat(32));
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    rig.set(id::AT_REST_KEY_FILE, &open);
    rig.refused(&["at-rest-key-file", "chmod 600"]);
    let bad = rig.secret("bad", "# a key\nsecret-words");
    rig.set(id::AT_REST_KEY_FILE, &bad);
    rig.refused(&["at-rest-key-file", "line 2"]);
    assert!(!rig.load().unwrap_err().contains("secret-words"));
    rig.set(id::AT_REST_KEY_FILE, "");
    rig.refused(&["needs a key"]);
    rig.set(id::AT_REST_KEY_CREDENTIAL, "key");
    rig.refused(&["at-rest-key-credential", "CREDENTIALS_DIRECTORY"]);
}

#[test]
fn a_passphrase_goes_with_its_dataset() {
    let mut rig = Rig::new();
    let path = rig.secret("words", "correct horse battery staple\n");
    rig.set(id::AT_REST_KEY_FILE, "");
    rig.set(id::AT_REST_PASSPHRASE_FILE, &path);
    rig.save(b"sealed");
    assert!(rig.load().is_ok());
    let path = rig.secret("others", "correct horse battery stable\n");
    rig.set(id::AT_REST_PASSPHRASE_FILE, &path);
    rig.refused(&["needs the key"]);
}

#[test]
fn a_folder_has_one_user() {
    let rig = Rig::new();
    let first = rig.at_rest().unwrap();
    let text = rig.at_rest().unwrap_err();
    assert!(text.contains("Another process"), "{text}");
    drop(first);
    assert!(rig.at_rest().is_ok());
}
