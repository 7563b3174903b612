//! The file that holds the process id for init scripts.
//!
//! Best effort, as with Valkey: a server without its file still serves. It is no lock.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file that was written by this process.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    text: String,
}

impl PidFile {
    /// Writes the file, over one that an earlier process left.
    ///
    /// # Errors
    ///
    /// It cannot be written, or its name is a link: a folder that others may write to must not
    /// lead us to another file.
    pub(crate) fn write(path: &Path) -> io::Result<Self> {
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let text = format!("{}\n", std::process::id());
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .custom_flags(no_follow)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        // The working directory changes later.
        let path = std::path::absolute(path)?;
        Ok(Self { path, text })
    }

    /// Removes the file if it is still this process' one.
    pub(crate) fn remove(self) {
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_dir::TestDir;

    #[test]
    fn written_over_and_removed() {
        let dir = TestDir::new();
        let path = dir.path().join("vkd.pid");
        fs::write(&path, "99999999 and more\n").unwrap();
        let file = PidFile::write(&path).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("{}\n", std::process::id())
        );
        file.remove();
        assert!(!path.exists());
    }

    #[test]
    fn anothers_file_stays() {
        let dir = TestDir::new();
        let path = dir.path().join("vkd.pid");
        let file = PidFile::write(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        file.remove();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn links_are_not_followed() {
        let dir = TestDir::new();
        let path = dir.path().join("vkd.pid");
        fs::write(dir.path().join("precious"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("precious"), &path).unwrap();
        assert!(PidFile::write(&path).is_err());
        assert_eq!(fs::read(dir.path().join("precious")).unwrap(), b"x");
    }
}
