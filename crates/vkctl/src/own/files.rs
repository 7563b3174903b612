//! The commands for files, declared for clap. What they do is in the modules of their names.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use crate::aof::{AofJob, Manner, Mend};
use crate::backup::{BackupJob, Create, Drill, Restore, Verify};
use crate::new_file::Existing;
use crate::options::Mode;
use crate::rdb::{Convert, DumpForm, Filter, RdbJob, Version};
use crate::sealed::KeySource;

/// Types of values, as TYPE tells them.
const TYPES: [&str; 6] = ["string", "list", "set", "hash", "zset", "stream"];

#[derive(Subcommand)]
pub(super) enum RdbVerb {
    /// Read all of a file and say whether it is right
    #[command(override_usage = "vkctl rdb check <FILE>")]
    Check {
        /// RDB file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        path: PathBuf,
        #[command(flatten)]
        keys: KeyArguments,
    },
    /// Say what is in a file: versions, facts, keys by database and type, the largest keys
    #[command(override_usage = "vkctl rdb info [--json] <FILE>")]
    Info {
        /// RDB file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        path: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        keys: KeyArguments,
    },
    /// Print the keys of a file as commands that make them
    #[command(override_usage = "vkctl rdb dump [OPTIONS] <FILE>")]
    Dump(DumpArguments),
    /// Write the data of a file in another version of the format
    #[command(override_usage = "vkctl rdb convert [OPTIONS] <FROM> <TO>")]
    Convert(ConvertArguments),
}

#[derive(Args)]
pub(super) struct DumpArguments {
    /// RDB file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    path: PathBuf,
    /// How: a command on each line, raw commands for --pipe, or a JSON object on each line
    #[arg(long, value_name = "FORM", value_enum, default_value_t = FormWord::Text)]
    form: FormWord,
    /// Only the keys that match; with -n only those of a database
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pattern: Option<OsString>,
    /// Only the keys of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = TYPES)]
    type_name: Option<String>,
    #[command(flatten)]
    keys: KeyArguments,
}

#[derive(Args)]
#[command(next_help_heading = "Encryption")]
pub(super) struct KeyArguments {
    /// File with the key of an encrypted file
    // Another option of the connection is called so inside.
    #[arg(id = "seal_key_file", long = "key-file", value_name = "FILE")]
    #[arg(value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// File with the passphrase of an encrypted file
    #[arg(
        id = "seal_passphrase_file",
        long = "passphrase-file",
        value_name = "FILE"
    )]
    #[arg(value_hint = ValueHint::FilePath)]
    passphrase: Option<PathBuf>,
}

impl KeyArguments {
    fn into_source(self) -> KeySource {
        KeySource {
            key_file: self.file,
            passphrase_file: self.passphrase,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormWord {
    Text,
    Resp,
    Json,
}

#[derive(Args)]
pub(super) struct ConvertArguments {
    /// RDB file
    #[arg(value_name = "FROM", value_hint = ValueHint::FilePath)]
    from: PathBuf,
    /// File to be written
    #[arg(value_name = "TO", value_hint = ValueHint::FilePath)]
    to: PathBuf,
    /// 9 (Redis 5.0), 10 (Redis 7.0), 11 (Redis 7.2, Valkey 7.2 to 8.1), 80 (Valkey 9.0), or
    /// oldest: the first that can express the data [default: 11 if that can, else 80]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    rdb_version: Option<Version>,
    /// Do not compress strings
    #[arg(long)]
    no_compression: bool,
    /// Do not put a checksum at the end
    #[arg(long)]
    no_checksum: bool,
    /// Replace the file to be written if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    keys: KeyArguments,
}

#[derive(Subcommand)]
pub(super) enum AofVerb {
    /// Read all files of a log and say whether they are right; cut off what is not, or too new
    #[command(override_usage = "vkctl aof check [--fix | --truncate-to <UNIX_TIME>] <PATH>")]
    Check(AofArguments),
}

#[derive(Args)]
pub(super) struct AofArguments {
    /// Manifest, folder with one, or a single file
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    path: PathBuf,
    /// Cut off what follows the good part of the last file
    #[arg(long, conflicts_with = "truncate_to")]
    fix: bool,
    /// Cut off what was written after this time, if times are noted (aof-timestamp-enabled)
    #[arg(long, value_name = "UNIX_TIME", alias = "truncate-to-timestamp")]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    truncate_to: Option<i64>,
    /// Cut without asking
    #[arg(long)]
    yes: bool,
    /// Keep no copy of what is cut off (it goes to FILE.cut-at-OFFSET)
    #[arg(long)]
    no_copy: bool,
    #[command(flatten)]
    keys: KeyArguments,
}

#[derive(Subcommand)]
pub(super) enum BackupVerb {
    /// Let the server write a snapshot and put a checked copy into a new folder
    #[command(override_usage = "vkctl backup create [OPTIONS] <FOLDER>")]
    Create {
        /// Folder to be made
        #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
        /// The file that the server writes, if it is to be found elsewhere than the server says
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        server_file: Option<PathBuf>,
        #[command(flatten)]
        drill: DrillArguments,
        #[command(flatten)]
        keys: KeyArguments,
    },
    /// Read all of a backup and compare it with its record
    #[command(override_usage = "vkctl backup verify [--drill] <FOLDER>")]
    Verify {
        /// Backup
        #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        folder: PathBuf,
        #[command(flatten)]
        drill: DrillArguments,
        #[command(flatten)]
        keys: KeyArguments,
    },
    /// Put a backup into the data folder of a server that does not run
    #[command(override_usage = "vkctl backup restore --data-dir <FOLDER> <BACKUP>")]
    Restore(RestoreArguments),
}

#[derive(Args)]
pub(super) struct DrillArguments {
    /// Let a server of its own load the backup, on a private socket, and compare what it has
    #[arg(long)]
    drill: bool,
    /// The server's program for the drill [default: vkd beside this program]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::ExecutablePath, requires = "drill")]
    vkd: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct RestoreArguments {
    /// Backup
    #[arg(value_name = "BACKUP", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    /// The server's data folder (its dir)
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    data_dir: PathBuf,
    /// Set data that is there aside, under another name
    #[arg(long)]
    force: bool,
    /// The server's dbfilename
    #[arg(long, value_name = "NAME", default_value = "dump.rdb")]
    dbfilename: String,
    /// The server's appenddirname
    #[arg(long, value_name = "NAME", default_value = "appendonlydir")]
    appenddirname: String,
    /// The server's appendfilename
    #[arg(long, value_name = "NAME", default_value = "appendonly.aof")]
    appendfilename: String,
    #[command(flatten)]
    keys: KeyArguments,
}

impl RdbVerb {
    /// What is to be done; `database` is the one that the options name.
    pub(super) fn into_mode(self, database: Option<i32>) -> Mode {
        Mode::Rdb(match self {
            Self::Check { path, keys } => RdbJob::Check {
                path,
                keys: keys.into_source(),
            },
            Self::Info { path, json, keys } => RdbJob::Info {
                path,
                keys: keys.into_source(),
                as_json: json,
            },
            Self::Dump(arguments) => RdbJob::Dump {
                path: arguments.path,
                keys: arguments.keys.into_source(),
                filter: Filter {
                    // No key is in a negative database.
                    database: database.map(|number| u64::try_from(number).unwrap_or(u64::MAX)),
                    pattern: arguments.pattern.map(OsString::into_vec),
                    type_name: arguments.type_name,
                },
                form: match arguments.form {
                    FormWord::Text => DumpForm::Text,
                    FormWord::Resp => DumpForm::Resp,
                    FormWord::Json => DumpForm::Json,
                },
            },
            Self::Convert(arguments) => RdbJob::Convert(Convert {
                from: arguments.from,
                keys: arguments.keys.into_source(),
                to: arguments.to,
                version: arguments.rdb_version.unwrap_or(Version::AsServer),
                compresses: !arguments.no_compression,
                sums: !arguments.no_checksum,
                existing: existing(arguments.force),
            }),
        })
    }
}

impl AofVerb {
    /// What is to be done.
    pub(super) fn into_mode(self) -> Mode {
        let Self::Check(arguments) = self;
        let mend = match arguments.truncate_to {
            Some(time) => Mend::TruncateTo(time),
            None if arguments.fix => Mend::Fix,
            None => Mend::No,
        };
        Mode::Aof(AofJob {
            path: arguments.path,
            keys: arguments.keys.into_source(),
            mend,
            manner: Manner {
                program: "vkctl aof check",
                is_agreed: arguments.yes,
                keeps_tail: !arguments.no_copy,
                knows_commands: true,
            },
        })
    }
}

impl BackupVerb {
    /// What is to be done.
    pub(super) fn into_mode(self) -> Mode {
        Mode::Backup(match self {
            Self::Create {
                folder,
                server_file,
                drill,
                keys,
            } => BackupJob::Create(Create {
                folder,
                server_file,
                keys: keys.into_source(),
                drill: drill.into_drill(),
            }),
            Self::Verify {
                folder,
                drill,
                keys,
            } => BackupJob::Verify(Verify {
                folder,
                keys: keys.into_source(),
                drill: drill.into_drill(),
            }),
            Self::Restore(arguments) => BackupJob::Restore(Restore {
                folder: arguments.folder,
                keys: arguments.keys.into_source(),
                data_folder: arguments.data_dir,
                sets_aside: arguments.force,
                file_name: arguments.dbfilename,
                log_folder: arguments.appenddirname,
                log_name: arguments.appendfilename,
            }),
        })
    }
}

impl DrillArguments {
    fn into_drill(self) -> Option<Drill> {
        self.drill.then_some(Drill { program: self.vkd })
    }
}

fn existing(replaces: bool) -> Existing {
    match replaces {
        true => Existing::Replaced,
        false => Existing::Kept,
    }
}

fn version(text: &str) -> Result<Version, &'static str> {
    match text {
        "oldest" => Ok(Version::Oldest),
        number => number
            .parse()
            .map(Version::Exactly)
            .map_err(|_| "it is a number or 'oldest'"),
    }
}
