//! The keys of encrypted files, without a server: under which key each file is, whether all of them
//! are what was written, and another key for all of them.

mod compare;
mod files;
mod ring;
mod rotate;
mod verify;

use std::io::{self, Write as _};
use std::path::PathBuf;

use vk_persist::seal::KeyId;

use crate::error::Failure;
use files::{Contents, Found, find};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeysJob {
    /// List the files with their keys.
    Status { folder: PathBuf },
    /// Read all of all files, and compare them with the lists.
    Verify { folder: PathBuf, keys: KeySources },
    /// Wrap the keys of all files under another key.
    Rotate { folder: PathBuf, keys: KeySources },
}

/// Where the keys are, as for the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct KeySources {
    /// The key that encrypts, and others behind it.
    pub(crate) key_file: Option<PathBuf>,
    /// A passphrase.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Keys that decrypt only.
    pub(crate) old_key_file: Option<PathBuf>,
}

/// Does it.
pub(crate) fn run(job: &KeysJob) -> Result<(), Failure> {
    match job {
        KeysJob::Status { folder } => status(&find(folder)?),
        KeysJob::Verify { folder, keys } => {
            let found = find(folder)?;
            verify::run(folder, &found, &ring::read(keys, &found)?)
        }
        KeysJob::Rotate { folder, keys } => {
            let found = find(folder)?;
            rotate::run(folder, &found, &ring::read(keys, &found)?)
        }
    }
}

fn status(found: &[Found]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for file in found {
        let (kind, generation, key) = match &file.contents {
            Contents::Sealed(header) => (
                header
                    .kind()
                    .map_or_else(|| "an unknown kind of file".into(), |kind| kind.to_string()),
                header.generation.to_string(),
                header.key.text(),
            ),
            Contents::Signed(key) => (
                "a signed list".to_owned(),
                "-".to_owned(),
                key.as_ref().map_or_else(|| "?".into(), KeyId::text),
            ),
        };
        let shown = file.path.display();
        writeln!(out, "{shown}: {kind}, generation {generation}, key {key}")
            .map_err(Failure::Local)?;
    }
    let count = found.len();
    writeln!(out, "{count} encrypted or signed files").map_err(Failure::Local)
}
