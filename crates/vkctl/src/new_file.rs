//! Files that come into being whole or not at all, and what goes wrong with files, told by name.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, lchown};
use std::path::{Path, PathBuf};

use crate::error::{Failure, io_text};
use crate::terminal;

/// The mode of what is written: data is nobody else's business.
pub(crate) const MODE: u32 = 0o600;

/// What happens to a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays, and the new one is refused.
    Kept,
    /// The new one takes its place.
    Replaced,
}

/// A file that is being written under another name. Dropped before its end it leaves nothing.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    existing: Existing,
    is_complete: bool,
}

impl NewFile {
    /// Begins a file.
    pub(crate) fn create(path: &Path, existing: Existing) -> Result<Self, Failure> {
        if existing == Existing::Kept && path.symlink_metadata().is_ok() {
            let error = io::ErrorKind::AlreadyExists.into();
            return Err(file_failure(path, &error));
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&temporary)
            .map_err(|error| file_failure(&temporary, &error))?;
        Ok(Self {
            file,
            temporary,
            path: path.to_owned(),
            existing,
            is_complete: false,
        })
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all(bytes)
            .map_err(|error| file_failure(&self.temporary, &error))
    }

    /// Forgets what was written.
    pub(crate) fn start_over(&mut self) -> Result<(), Failure> {
        use std::io::Seek;
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .map_err(|error| file_failure(&self.temporary, &error))
    }

    /// Gives it to the disk and then its name.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let placed = self.file.sync_all().and_then(|()| match self.existing {
            Existing::Replaced => fs::rename(&self.temporary, &self.path),
            // Unlike a rename a link never takes the place of something.
            Existing::Kept => fs::hard_link(&self.temporary, &self.path)
                .and_then(|()| fs::remove_file(&self.temporary)),
        });
        placed.map_err(|error| file_failure(&self.path, &error))?;
        self.is_complete = true;
        sync_folder(&self.path).map_err(|error| file_failure(&self.path, &error))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_complete {
            // Nobody needs a part of it, and there may be no room.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes sure that the folder of a path knows its name after a crash.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

/// Gives a file to the owner that another one has: root works for the user of the server.
pub(crate) fn give_to_owner(path: &Path, owner: &Metadata) -> io::Result<()> {
    let now = fs::symlink_metadata(path)?;
    if (now.uid(), now.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    // Who may write into the folder could have put a link to some other file there.
    lchown(path, Some(owner.uid()), Some(owner.gid()))
}

/// A path that can be printed.
pub(crate) fn path_text(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    terminal::escape_line(path.as_os_str().as_bytes())
}

/// What went wrong with a file.
pub(crate) fn file_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::Reply(format!("{}: {}", path_text(path), io_text(error)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::test_support::Folder;

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let folder = Folder::new("new-file");
        let path = folder.path().join("f");
        let files = || fs::read_dir(folder.path()).unwrap().count();
        let mut file = NewFile::create(&path, Existing::Kept).unwrap();
        file.write(b"half").unwrap();
        assert_eq!(files(), 1);
        drop(file);
        assert_eq!(files(), 0);
        let mut file = NewFile::create(&path, Existing::Kept).unwrap();
        file.write(b"forgotten").unwrap();
        file.start_over().unwrap();
        file.write(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(files(), 1);
    }

    #[test]
    fn what_is_there_is_replaced_only_if_wanted() {
        let folder = Folder::new("kept-file");
        let path = folder.path().join("f");
        let late = NewFile::create(&path, Existing::Kept).unwrap();
        fs::write(&path, "first").unwrap();
        assert!(late.finish().is_err());
        let error = NewFile::create(&path, Existing::Kept).unwrap_err();
        assert!(error.to_string().contains("exists"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let mut file = NewFile::create(&path, Existing::Replaced).unwrap();
        file.write(b"second").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
