//! Helpers of the unit tests: folders that go away by themselves. Not compiled otherwise.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of its own for one test, removed at the end.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    #[expect(clippy::unwrap_used, reason = "tests")]
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vkctl-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
