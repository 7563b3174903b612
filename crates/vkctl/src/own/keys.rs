//! The commands for the keys of encrypted files, declared for clap. What they do is in `keys`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use crate::keys::{KeySources, KeysJob};

#[derive(Subcommand)]
pub(super) enum KeysVerb {
    /// List the encrypted files of a data folder with their keys
    #[command(override_usage = "vkctl keys status <FOLDER>")]
    Status {
        /// Data folder of the server
        #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// Read all encrypted files of a data folder and say whether they are what was written, and
    /// which are missing, older than the last ones, or not needed
    #[command(override_usage = "vkctl keys verify [OPTIONS] <FOLDER>")]
    Verify(KeyArguments),
    /// Put all encrypted files of a stopped server under another key; only their headers change
    #[command(override_usage = "vkctl keys rotate [OPTIONS] <FOLDER>")]
    Rotate(KeyArguments),
    /// KEYS, the command of the server
    #[command(external_subcommand)]
    Server(Vec<OsString>),
}

// The names of the fields are ours alone: clap knows those of all groups as one.
#[derive(Args)]
pub(super) struct KeyArguments {
    /// Data folder of the server
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    /// File of keys; the first one encrypts
    #[arg(long = "key-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    own_key_file: Option<PathBuf>,
    /// File whose first line is a passphrase
    #[arg(long = "passphrase-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    own_passphrase_file: Option<PathBuf>,
    /// File of earlier keys
    #[arg(long = "old-key-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    own_old_key_file: Option<PathBuf>,
}

impl KeysVerb {
    /// The work with files, or the words of the server's command.
    pub(super) fn into_job(self) -> Result<KeysJob, Vec<OsString>> {
        Ok(match self {
            Self::Server(words) => return Err(words),
            Self::Status { folder } => KeysJob::Status { folder },
            Self::Verify(arguments) => {
                let (folder, keys) = arguments.into_parts();
                KeysJob::Verify { folder, keys }
            }
            Self::Rotate(arguments) => {
                let (folder, keys) = arguments.into_parts();
                KeysJob::Rotate { folder, keys }
            }
        })
    }
}

impl KeyArguments {
    fn into_parts(self) -> (PathBuf, KeySources) {
        let keys = KeySources {
            key_file: self.own_key_file,
            passphrase_file: self.own_passphrase_file,
            old_key_file: self.own_old_key_file,
        };
        (self.folder, keys)
    }
}
