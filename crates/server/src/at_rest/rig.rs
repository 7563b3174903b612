//! A data folder and keys for the tests.

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

/// A data folder and a folder of keys.
pub(super) struct Rig {
    pub(super) data: TestDir,
    pub(super) keys: TestDir,
    config: Config,
}

impl Rig {
    pub(super) fn new() -> Self {
        let mut rig = Self {
            data: TestDir::new(),
            keys: TestDir::new(),
            config: Config::new(Profile::Compatible),
        };
        rig.set(id::AT_REST_ENCRYPTION, "yes");
        rig.key("key", &["11"]);
        rig
    }

    pub(super) fn set(&mut self, id: vk_engine::config::ConfigId, value: &str) {
        self.config.correct(id, value.as_bytes()).unwrap();
    }

    /// Gives a key file with keys of these bytes.
    pub(super) fn key(&mut self, name: &str, bytes: &[&str]) {
        let lines: Vec<String> = bytes.iter().map(|byte| byte.repeat(32)).collect();
        let path = self.secret(name, &lines.join("\n"));
        self.set(id::AT_REST_KEY_FILE, &path);
    }

    pub(super) fn secret(&self, name: &str, text: &str) -> String {
        let path = self.keys.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    pub(super) fn at_rest(&self) -> Result<Arc<AtRest>, String> {
        AtRest::of_folder(&self.config, self.data.path()).map(Arc::new)
    }

    pub(super) fn dump(&self) -> PathBuf {
        self.data.path().join("dump.rdb")
    }

    pub(super) fn save(&self, bytes: &[u8]) {
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
    pub(super) fn load(&self) -> Result<Vec<u8>, String> {
        let at_rest = self.at_rest()?;
        let Ok(file) = File::open(self.dump()) else {
            at_rest.expect_no_snapshot("dump.rdb")?;
            return Ok(Vec::new());
        };
        let mut source = at_rest.open(file, "dump.rdb")?;
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

    pub(super) fn refused(&self, parts: &[&str]) {
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

/// A fixed row of numbers below what is asked for (Knuth's MMIX generator), so that a failure can
/// be repeated.
pub(super) fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 0x5eed_u64;
    move |below| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    }
}
