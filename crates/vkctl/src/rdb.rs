//! `vkctl rdb`: what is in an RDB file, whether it is whole, and the same in another version.
//! Works on files alone, without a server, and never holds more of a file than its largest key.

mod check;
mod convert;
mod dump;
mod file;
mod info;

use std::path::PathBuf;

use crate::error::Failure;
use crate::new_file::Existing;
use crate::sealed::KeySource;

pub(crate) use self::check::check;
pub(crate) use self::file::{Damage, RdbFile, Visitor};

/// What is to be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RdbJob {
    /// Read all of it and say whether it is right.
    Check { path: PathBuf, keys: KeySource },
    /// Say what is in it.
    Info {
        path: PathBuf,
        keys: KeySource,
        as_json: bool,
    },
    /// Print its keys.
    Dump {
        path: PathBuf,
        keys: KeySource,
        filter: Filter,
        form: DumpForm,
    },
    /// Write it anew.
    Convert(Convert),
}

/// Which keys are printed; without a word all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) database: Option<u64>,
    pub(crate) pattern: Option<Vec<u8>>,
    pub(crate) type_name: Option<String>,
}

/// How keys are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DumpForm {
    /// A command on each line, as the prompt takes them.
    Text,
    /// The same commands as a server takes them.
    Resp,
    /// A JSON object on each line.
    Json,
}

/// A file that is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Convert {
    pub(crate) from: PathBuf,
    pub(crate) keys: KeySource,
    pub(crate) to: PathBuf,
    pub(crate) version: Version,
    pub(crate) compresses: bool,
    pub(crate) sums: bool,
    pub(crate) existing: Existing,
}

/// Which version of the format is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The one that a server would write.
    AsServer,
    /// The oldest that can express the data.
    Oldest,
    /// This one.
    Exactly(u16),
}

/// Does it.
pub(crate) fn run(job: &RdbJob) -> Result<(), Failure> {
    match job {
        RdbJob::Check { path, keys } => check::run(path, keys),
        RdbJob::Info {
            path,
            keys,
            as_json,
        } => info::run(path, keys, *as_json),
        RdbJob::Dump {
            path,
            keys,
            filter,
            form,
        } => dump::run(path, keys, filter, *form),
        RdbJob::Convert(convert) => convert::run(convert),
    }
}
