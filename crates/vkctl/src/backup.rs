//! `vkctl backup`: a snapshot of a live server with what is needed to trust it, a check of such a
//! backup up to a server that loads it, and its way back into a data folder.
//!
//! A backup is a folder with the server's RDB file and `backup.json`, which says what has to be in
//! it. What was written after the snapshot is not in a backup.

mod create;
mod drill;
mod record;
mod restore;
mod survey;
mod verify;

use std::path::PathBuf;

use crate::error::Failure;
use crate::sealed::KeySource;
use crate::session::Session;

/// What is to be done with a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BackupJob {
    /// Make one.
    Create(Create),
    /// Check one.
    Verify(Verify),
    /// Put one into a data folder.
    Restore(Restore),
}

/// A backup that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Create {
    pub(crate) folder: PathBuf,
    /// The file that the server writes, if it is another one than the server says.
    pub(crate) server_file: Option<PathBuf>,
    pub(crate) keys: KeySource,
    pub(crate) drill: Option<Drill>,
}

/// A backup that is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verify {
    pub(crate) folder: PathBuf,
    pub(crate) keys: KeySource,
    pub(crate) drill: Option<Drill>,
}

/// A restore drill: a server of its own loads the backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Drill {
    /// The server's program; without it the one beside this program.
    pub(crate) program: Option<PathBuf>,
}

/// A backup that goes into a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restore {
    pub(crate) folder: PathBuf,
    pub(crate) keys: KeySource,
    pub(crate) data_folder: PathBuf,
    /// Data that is there is set aside.
    pub(crate) sets_aside: bool,
    /// `dbfilename` of the server.
    pub(crate) file_name: String,
    /// `appenddirname` of the server.
    pub(crate) log_folder: String,
    /// `appendfilename` of the server.
    pub(crate) log_name: String,
}

/// Makes a backup of the server that the session is connected to.
pub(crate) fn create(job: &Create, session: &mut Session) -> Result<(), Failure> {
    create::run(job, session)
}

/// Checks a backup.
pub(crate) fn verify(job: &Verify) -> Result<(), Failure> {
    verify::run(job)
}

/// Puts a backup into a data folder.
pub(crate) fn restore(job: &Restore) -> Result<(), Failure> {
    restore::run(job)
}
