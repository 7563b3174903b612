//! The folder of the append-only file: performs what the log asks for.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use vk_persist::{FileOp, Manifest, Names};

use crate::listen::system_text;

/// A folder with the files of a log.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// A piece of work that failed.
#[derive(Debug)]
pub(super) struct FolderError {
    /// What to tell the operator.
    pub(super) text: String,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
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
    pub(super) fn manifest(&self, names: &Names) -> Result<Option<Manifest>, String> {
        let path = self.path(&names.manifest());
        match fs::read(&path) {
            Ok(bytes) => Manifest::parse(&bytes).map(Some).map_err(|error| {
                format!(
                    "*** FATAL AOF MANIFEST FILE ERROR ***\nReading the manifest file, at line \
                     {}\n>>> '{}'\n{}",
                    error.line, error.text, error.fault
                )
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!(
                "Fatal error: can't open the AOF manifest file {} for reading: {}",
                path.display(),
                system_text(&error)
            )),
        }
    }

    /// Opens a file to write at its end.
    pub(super) fn append_to(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().append(true).open(self.path(name))
    }

    /// Does one thing after the other, up to the first that fails.
    pub(super) fn perform(&self, ops: &[FileOp]) -> Result<(), FolderError> {
        ops.iter().try_for_each(|op| {
            self.perform_one(op).map_err(|error| FolderError {
                text: format!(
                    "{} ({op}): {}",
                    self.name(),
                    system_text(&error),
                    op = told(op)
                ),
            })
        })
    }

    fn perform_one(&self, op: &FileOp) -> io::Result<()> {
        match op {
            FileOp::Create(name) => File::create(self.path(name)).map(|_| ()),
            FileOp::Write(name, bytes) => fs::write(self.path(name), bytes),
            FileOp::Sync(name) => File::open(self.path(name))?.sync_all(),
            FileOp::SyncFolder => File::open(&self.path)?.sync_all(),
            FileOp::Rename(from, to) => fs::rename(self.path(from), self.path(to)),
            FileOp::Remove(name) => match fs::remove_file(self.path(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }
}

/// What was to be done, for the operator.
fn told(op: &FileOp) -> String {
    match op {
        FileOp::Create(name) => format!("creating {name}"),
        FileOp::Write(name, _) => format!("writing {name}"),
        FileOp::Sync(name) => format!("fsync of {name}"),
        FileOp::SyncFolder => "fsync of the folder".to_owned(),
        FileOp::Rename(from, to) => format!("renaming {from} to {to}"),
        FileOp::Remove(name) => format!("removing {name}"),
    }
}

/// Writes at the end of a file: all, or nothing at all.
pub(super) fn append(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let before = file.metadata()?.len();
    file.write_all(bytes).inspect_err(|_| {
        // Half a command in the middle of the file would be its end when it is loaded.
        let _ = file.set_len(before);
    })
}

/// Cuts a file off.
pub(super) fn truncate(path: &Path, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(bytes)?;
    file.sync_all()
}
