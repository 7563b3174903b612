//! Where log lines go: the standard output, or a file that may be rotated under us.
//!
//! Valkey opens the file anew for every line; the same freedom for whoever rotates it costs one
//! `stat` here: when the name no longer leads to the open file, the name is opened again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// An open target.
#[derive(Debug)]
pub(super) enum Sink {
    Stdout,
    File {
        path: PathBuf,
        file: File,
        id: (u64, u64),
        private: bool,
    },
}

impl Sink {
    /// Opens a file for appending, or takes the standard output.
    pub(super) fn open(path: Option<&Path>, private: bool) -> io::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::Stdout);
        };
        let file = append_to(path, private)?;
        let metadata = file.metadata()?;
        let id = (metadata.dev(), metadata.ino());
        Ok(Self::File {
            path: path.to_owned(),
            file,
            id,
            private,
        })
    }

    /// Writes whole lines.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            }
            Self::File {
                path,
                file,
                id,
                private,
            } => {
                let there = fs::metadata(&*path)
                    .map(|found| (found.dev(), found.ino()))
                    .ok();
                if there != Some(*id)
                    && let Ok(fresh) = append_to(path, *private)
                    && let Ok(metadata) = fresh.metadata()
                {
                    *id = (metadata.dev(), metadata.ino());
                    *file = fresh;
                }
                // If the name cannot be opened now, the old file is better than no record.
                file.write_all(bytes)
            }
        }
    }
}

fn append_to(path: &Path, private: bool) -> io::Result<File> {
    let mode = if private { 0o600 } else { 0o644 };
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(mode)
        .open(path)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_dir::TestDir;

    #[test]
    fn private_files_are_private() {
        let dir = TestDir::new();
        let path = dir.path().join("log");
        Sink::open(Some(&path), true)
            .unwrap()
            .write(b"x\n")
            .unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_folder_that_is_gone_does_not_lose_the_open_file() {
        let dir = TestDir::new();
        let folder = dir.path().join("logs");
        fs::create_dir(&folder).unwrap();
        let mut sink = Sink::open(Some(&folder.join("log")), false).unwrap();
        sink.write(b"one\n").unwrap();
        fs::rename(&folder, dir.path().join("moved")).unwrap();
        sink.write(b"two\n").unwrap();
        assert_eq!(
            fs::read(dir.path().join("moved/log")).unwrap(),
            b"one\ntwo\n"
        );
        fs::create_dir(&folder).unwrap();
        sink.write(b"three\n").unwrap();
        assert_eq!(fs::read(folder.join("log")).unwrap(), b"three\n");
    }
}
