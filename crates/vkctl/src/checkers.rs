//! The checkers of files under the names that Valkey and Redis give them: the same arguments, exit
//! codes and lines. Not the clients of those names; `persona` has them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use vk_engine::version;

use crate::aof::{self, AofJob, Manner, Mend};
use crate::error::{Failure, UsageError};
use crate::modes::say;
use crate::rdb::{self, RdbJob};
use crate::sealed::KeySource;

/// A checker that we were called as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checker {
    program: &'static str,
    version: &'static str,
    is_for_logs: bool,
}

/// What a checker is to do.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Say(String),
    Rdb(RdbJob),
    Aof(AofJob),
}

impl Checker {
    /// Decides by the file name in `argv[0]`.
    pub(crate) fn of(program: &OsStr) -> Option<Self> {
        let name = Path::new(program).file_name()?;
        let checker = |program, version, is_for_logs| Self {
            program,
            version,
            is_for_logs,
        };
        Some(match name.as_encoded_bytes() {
            b"valkey-check-rdb" => checker("valkey-check-rdb", version::VALKEY, false),
            b"redis-check-rdb" => checker("redis-check-rdb", version::REDIS, false),
            b"valkey-check-aof" => checker("valkey-check-aof", version::VALKEY, true),
            b"redis-check-aof" => checker("redis-check-aof", version::REDIS, true),
            _ => return None,
        })
    }

    /// Does what the arguments say.
    pub(crate) fn run(self, arguments: &[OsString]) -> Result<(), Failure> {
        match self.task(arguments)? {
            Task::Say(text) => say(&text),
            Task::Rdb(job) => rdb::run(&job),
            Task::Aof(job) => aof::run(&job),
        }
    }

    fn task(self, arguments: &[OsString]) -> Result<Task, UsageError> {
        let Self {
            program, version, ..
        } = self;
        match arguments {
            [word] if word == "-v" || word == "--version" => {
                Ok(Task::Say(format!("{program} {version}\n")))
            }
            _ if self.is_for_logs => self.log_task(arguments),
            [path] => Ok(Task::Rdb(RdbJob::Check {
                path: PathBuf::from(path),
                keys: KeySource::default(),
            })),
            _ => Err(UsageError::new(format!("Usage: {program} <rdb-file-name>"))),
        }
    }

    fn log_task(self, arguments: &[OsString]) -> Result<Task, UsageError> {
        let program = self.program;
        let (mend, path) = match arguments {
            [path] => (Mend::No, path),
            [fix, path] if fix == "--fix" => (Mend::Fix, path),
            [option, time, path] if option == "--truncate-to-timestamp" => {
                let time = time.to_str().and_then(|time| time.parse().ok());
                let time = time.filter(|time| *time > 0);
                let time = time.ok_or_else(|| UsageError::new("Invalid timestamp, aborting..."))?;
                (Mend::TruncateTo(time), path)
            }
            _ => {
                return Err(UsageError::new(format!(
                    "Usage: {program} [--fix|--truncate-to-timestamp $timestamp] \
                     <file.manifest|file.aof>"
                )));
            }
        };
        Ok(Task::Aof(AofJob {
            path: PathBuf::from(path),
            keys: KeySource::default(),
            mend,
            manner: Manner {
                program,
                is_agreed: false,
                keeps_tail: false,
                knows_commands: false,
            },
        }))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn task(program: &str, arguments: &[&str]) -> Result<Task, String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let checker = Checker::of(OsStr::new(program)).unwrap();
        checker.task(&arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_file_name_decides() {
        for name in ["vkctl", "valkey-cli", "", "valkey-check-rdb/x", "check-aof"] {
            assert_eq!(Checker::of(OsStr::new(name)), None, "{name}");
        }
        let version = format!("redis-check-aof {}\n", version::REDIS);
        assert_eq!(
            task("/usr/bin/redis-check-aof", &["-v"]),
            Ok(Task::Say(version))
        );
        let version = format!("valkey-check-rdb {}\n", version::VALKEY);
        assert_eq!(
            task("valkey-check-rdb", &["--version"]),
            Ok(Task::Say(version))
        );
    }

    #[test]
    fn arguments_are_those_of_the_originals() {
        for arguments in [&[][..], &["a", "b"], &["a", "b", "c"]] {
            let text = task("valkey-check-rdb", arguments).unwrap_err();
            assert_eq!(text, "Usage: valkey-check-rdb <rdb-file-name>");
        }
        let path = PathBuf::from("--help");
        assert_eq!(
            task("redis-check-rdb", &["--help"]),
            Ok(Task::Rdb(RdbJob::Check {
                path,
                keys: KeySource::default()
            }))
        );
        for arguments in [
            &[][..],
            &["--no-fix", "f"],
            &["--truncate-to-timestamp", "1"],
            &["--fix", "f", "g"],
        ] {
            let text = task("valkey-check-aof", arguments).unwrap_err();
            assert!(
                text.starts_with("Usage: valkey-check-aof [--fix|"),
                "{text}"
            );
        }
        let text = task("valkey-check-aof", &["--truncate-to-timestamp", "x", "f"]).unwrap_err();
        assert_eq!(text, "Invalid timestamp, aborting...");
        let mend = |arguments: &[&str]| match task("valkey-check-aof", arguments) {
            Ok(Task::Aof(job)) => job.mend,
            other => unreachable!("{other:?}"),
        };
        assert_eq!(mend(&["f"]), Mend::No);
        assert_eq!(mend(&["--fix", "f"]), Mend::Fix);
        assert_eq!(
            mend(&["--truncate-to-timestamp", "7", "f"]),
            Mend::TruncateTo(7)
        );
    }
}
