//! The folder of the append-only file: performs what the log asks for.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::PathBuf,
};

use vk_persist::{FileOp, Manifest, ManifestError, Names};

use crate::{
    at_rest::SealedLog,
    listen::system_text,
    log::{Level, Logger},
};

/// A folder with the files of a log.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Which of the files are encrypted, and how they go on.
    pub(super) sealed: SealedLog,
}

/// A piece of work that failed.
#[derive(Debug)]
pub(super) struct FolderError {
    /// Its place among those that were to be done.
    pub(super) at: usize,
    /// What to tell the operator.
    pub(super) text: String,
}

impl Folder {
    pub(super) fn new(path: PathBuf, sealed: SealedLog) -> Self {
        Self { path, sealed }
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Makes the folder, unless it is there.
    pub(super) fn create(&self) -> io::Result<()> {
        if self.exists() {
            return Ok(());
        }
        fs::create_dir(&self.path)?;
        crate::snapshot::sync_folder(&self.path)
    }

    /// The list of files, if there is one.
    pub(super) fn manifest(&mut self, names: &Names) -> Result<Option<Manifest>, String> {
        let bytes = self.manifest_bytes(names)?;
        let manifest = bytes.as_deref().map(Manifest::parse).transpose();
        manifest.map_err(|error| bad_manifest(&error))
    }

    /// The list of files as it was written.
    pub(super) fn manifest_bytes(&mut self, names: &Names) -> Result<Option<Vec<u8>>, String> {
        let path = self.path(&names.manifest());
        let bytes = match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!(
                "Fatal error: can't open the AOF manifest file {} for reading: {}",
                path.display(),
                system_text(&error)
            )),
        }?;
        self.sealed.open_list(bytes.as_deref())?;
        Ok(bytes)
    }

    /// Opens a file to write at its end.
    pub(super) fn append_to(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().append(true).open(self.path(name))
    }

    /// Does one thing after the other, up to the first that fails.
    pub(super) fn perform(&mut self, ops: &[FileOp]) -> Result<(), FolderError> {
        ops.iter().enumerate().try_for_each(|(at, op)| {
            self.perform_one(op).map_err(|error| FolderError {
                at,
                text: format!(
                    "{} ({op}): {}",
                    self.name(),
                    system_text(&error),
                    op = told(op)
                ),
            })
        })
    }

    /// Does what can be done of it.
    pub(super) fn clean_up(&mut self, ops: &[FileOp], logger: &Logger) {
        for op in ops {
            if let Err(error) = self.perform_one(op) {
                let text = system_text(&error);
                let text = format!("{} ({}): {text}", self.name(), told(op));
                logger.log(Level::Warning, &text);
            }
        }
    }

    fn perform_one(&mut self, op: &FileOp) -> io::Result<()> {
        match op {
            FileOp::Create(name) => self.begin(name),
            FileOp::Write(name, bytes) => {
                let bytes = self.sealed.sign(bytes).map_err(io::Error::other)?;
                self.create_new(name)?.write_all(&bytes)
            }
            FileOp::Cut(name, bytes) => {
                let file = OpenOptions::new().write(true).open(self.path(name))?;
                file.set_len(*bytes)
            }
            FileOp::Sync(name) => File::open(self.path(name))?.sync_all(),
            FileOp::SyncFolder => File::open(&self.path)?.sync_all(),
            FileOp::Rename(from, to) => self.rename(from, to),
            FileOp::Remove(name) => {
                self.sealed.handle_removed(name);
                self.remove(name)
            }
            FileOp::TakeOver(name) => fs::rename(name, self.path(name)),
            FileOp::SyncOutside => crate::snapshot::sync_folder(&self.path),
        }
    }

    /// A file that is written to, with what an encrypted one begins with: on disk before any list
    /// names it.
    fn begin(&mut self, name: &str) -> io::Result<()> {
        let head = self.sealed.create(name).map_err(io::Error::other)?;
        let mut file = self.create_new(name)?;
        if head.is_empty() {
            return Ok(());
        }
        file.write_all(&head)?;
        file.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))?;
        self.sealed.handle_renamed(from, to);
        if self.sealed.is_list(to) {
            // Noted is only what a crash does not undo.
            File::open(&self.path)?.sync_all()?;
            self.sealed.handle_listed().map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// A file that was not there before: what another one of this name held cannot come back.
    fn create_new(&self, name: &str) -> io::Result<File> {
        self.remove(name)?;
        File::create_new(self.path(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// What is wrong with the list of files, for the operator.
pub(super) fn bad_manifest(error: &ManifestError) -> String {
    format!(
        "*** FATAL AOF MANIFEST FILE ERROR ***\nReading the manifest file, at line {}\n>>> \
         '{}'\n{}",
        error.line, error.text, error.fault
    )
}

/// What was to be done, for the operator.
fn told(op: &FileOp) -> String {
    match op {
        FileOp::Create(name) => format!("creating {name}"),
        FileOp::Write(name, _) => format!("writing {name}"),
        FileOp::Cut(name, bytes) => format!("cutting {name} off at {bytes}"),
        FileOp::Sync(name) => format!("fsync of {name}"),
        FileOp::TakeOver(name) => format!("moving {name} into it"),
        FileOp::SyncOutside => "fsync of the folder around it".to_owned(),
        FileOp::SyncFolder => "fsync of the folder".to_owned(),
        FileOp::Rename(from, to) => format!("renaming {from} to {to}"),
        FileOp::Remove(name) => format!("removing {name}"),
    }
}

/// Cuts off the last bytes of a file.
fn cut_off(file: &File, bytes: usize) -> io::Result<()> {
    let len = file.metadata()?.len();
    file.set_len(len.saturating_sub(bytes as u64))
}

/// Writes at the end of a file: all, or nothing at all. If not even that is possible, the error
/// comes with how much of it stays there.
pub(super) fn append(file: &mut File, bytes: &[u8]) -> Result<(), (io::Error, usize)> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        let error = match file.write(rest) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(count) => {
                written += count;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        // Half a command in the middle of the file would be its end when it is loaded.
        let is_cut = written == 0 || cut_off(file, written).is_ok();
        return Err((error, if is_cut { 0 } else { written }));
    }
    Ok(())
}
