//! Encryption at rest with real files: what is written is read, and whatever is changed, missing or
//! old is told with the name of the file.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;

use vk_engine::{SnapshotChunk, SnapshotPlan};
use vk_rdb::Compression;
use vk_spec::config::Profile;

use super::*;
use crate::{
    snapshot::{Body, SnapshotFile, Target},
    test_dir::TestDir,
};

const MARKER: &[u8] = b"a-text-that-must-not-be-seen";

/// A data folder and a folder of keys.
struct Rig {
    data: TestDir,
    keys: TestDir,
    config: Config,
}

impl Rig {
    fn new() -> Self {
        let mut rig = Self {
            data: TestDir::new(),
            keys: TestDir::new(),
            config: Config::new(Profile::Compatible),
        };
        rig.set(id::AT_REST_ENCRYPTION, "yes");
        rig.key("key", &["11"]);
        rig
    }

    fn set(&mut self, id: vk_engine::config::ConfigId, value: &str) {
        self.config.correct(id, value.as_bytes()).unwrap();
    }

    /// Gives a key file with keys of these bytes.
    fn key(&mut self, name: &str, bytes: &[&str]) {
        let lines: Vec<String> = bytes.iter().map(|byte| byte.repeat(32)).collect();
        let path = self.secret(name, &lines.join("\n"));
        self.set(id::AT_REST_KEY_FILE, &path);
    }

    fn secret(&self, name: &str, text: &str) -> String {
        let path = self.keys.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    fn at_rest(&self) -> Result<Arc<AtRest>, String> {
        AtRest::of_folder(&self.config, self.data.path()).map(Arc::new)
    }

    fn dump(&self) -> PathBuf {
        self.data.path().join("dump.rdb")
    }

    fn save(&self, bytes: &[u8]) {
        let at_rest = self.at_rest().unwrap();
        let body = body().sealed(at_rest.begin_stream(Kind::Snapshot).unwrap());
        let target = Target {
            temporary: self.data.path().join("temp.rdb"),
            path: self.dump(),
            syncs_often: false,
        };
        let mut file = SnapshotFile::create(target, body).unwrap();
        for bytes in bytes.chunks(300_000) {
            let chunk = SnapshotChunk {
                bytes: bytes.to_vec(),
                ..SnapshotChunk::default()
            };
            file.write(&chunk).unwrap();
        }
        let told = file.finish().unwrap();
        assert_eq!(told, fs::metadata(self.dump()).unwrap().len());
    }

    /// What is read back of the snapshot.
    fn load(&self) -> Result<Vec<u8>, String> {
        let at_rest = self.at_rest()?;
        let Ok(file) = File::open(self.dump()) else {
            at_rest.expect_no_snapshot("dump.rdb")?;
            return Ok(Vec::new());
        };
        let mut source = at_rest.open(file, "dump.rdb", Kind::Snapshot)?;
        let (mut all, mut piece) = (Vec::new(), Vec::new());
        loop {
            match source.read(&mut piece) {
                Ok(()) if piece.is_empty() => return Ok(all),
                Ok(()) => all.extend_from_slice(&piece),
                Err(SourceError::Changed(text)) => return Err(text),
                Err(SourceError::Io(error)) => return Err(error.to_string()),
            }
        }
    }

    fn refused(&self, parts: &[&str]) {
        let text = self.load().unwrap_err();
        for part in parts {
            assert!(text.contains(part), "{part} in: {text}");
        }
    }
}

fn body() -> Body {
    let plan = SnapshotPlan {
        version: 11,
        facts: vk_rdb::Facts::default(),
        functions: Vec::new(),
    };
    Body::records(&plan, Compression::None, true)
}

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
    // A fixed row of numbers (Knuth's MMIX generator), so that a failure can be repeated.
    let mut state = 0x5eed_u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
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
    rig.save(b"first");
    let register = rig.data.path().join(Register::FILE);
    let before = fs::read(&register).unwrap();
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
