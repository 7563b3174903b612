//! `backup create`: lets the server write a snapshot, and takes a copy of it that is known to be
//! whole. The file is opened once: a later snapshot takes its name, never its bytes.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::IsTerminal;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use vk_resp::Reply;

use super::Create;
use super::drill::drill;
use super::record::{Record, SNAPSHOT};
use super::survey::{self, Survey};
use crate::error::Failure;
use crate::modes::{checked, say, text, unexpected};
use crate::new_file::{Existing, NewFile, file_failure, path_text, sync_folder};
use crate::session::Session;
use crate::terminal;

/// Time between two questions about the snapshot.
const PERIOD: Duration = Duration::from_millis(100);

/// For how long a snapshot may not have begun although nothing is in its way.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes a backup.
pub(super) fn run(job: &Create, session: &mut Session) -> Result<(), Failure> {
    let folder = NewFolder::create(&job.folder)?;
    let path = match &job.server_file {
        Some(path) => path.clone(),
        None => server_file(session)?,
    };
    let before = fs::metadata(&path).ok();
    let version = field(
        &ask_info(session, "server")?,
        "valkey_version",
        "redis_version",
    );
    let begun_s = server_time_s(session);
    snapshot(session)?;
    let file = changed_file(&path, before.as_ref())?;
    let mut copy = NewFile::create(&folder.path.join(SNAPSHOT), Existing::Kept)?;
    let survey = Survey::take(&path, file, &job.keys, Some(&mut copy))?;
    if let (Some(asked_s), Some(begun_s)) = (begun_s, survey.begun_s)
        && begun_s < asked_s
    {
        return Err(Failure::Reply(format!(
            "{}: it was made before the backup was asked for: is this the server's file?",
            path_text(&path)
        )));
    }
    copy.finish()?;
    let mut record = Record::of(&survey, version);
    if let Some(options) = &job.drill {
        let path = folder.path.join(SNAPSHOT);
        record.digest = drill(&path, options, &survey, &job.keys)?.digest;
    }
    record.write(&folder.path)?;
    folder.finish()?;
    let summary = survey.summary(&job.folder);
    say(&format!("{summary}, SHA-256 {}\n", survey.sha256))
}

/// Where the server puts its snapshots.
fn server_file(session: &mut Session) -> Result<PathBuf, Failure> {
    let mut value = |name: &str| -> Result<Vec<u8>, Failure> {
        let reply = session.ask(&[b"CONFIG", b"GET", name.as_bytes()])?;
        let reply = checked("CONFIG GET (name the file with --server-file)", reply)?;
        let value = match &reply {
            Reply::Array(words) => words.get(1),
            Reply::Map(pairs) => pairs.first().map(|(_, value)| value),
            _ => None,
        };
        let value = value.and_then(text).map(<[u8]>::to_vec);
        value.ok_or_else(|| unexpected("CONFIG GET"))
    };
    let path = |bytes: Vec<u8>| {
        use std::os::unix::ffi::OsStringExt;
        PathBuf::from(std::ffi::OsString::from_vec(bytes))
    };
    let folder = path(value("dir")?);
    if !folder.is_dir() {
        return Err(Failure::Reply(format!(
            "The server's data folder {} is not on this machine: run the backup there, or name the \
             file with --server-file",
            path_text(&folder)
        )));
    }
    Ok(folder.join(path(value("dbfilename")?)))
}

/// The server's own clock, which notes when a snapshot was begun.
fn server_time_s(session: &mut Session) -> Option<i64> {
    match session.ask(&[b"TIME"]) {
        Ok(Reply::Array(parts)) => {
            let seconds = parts.first().and_then(text)?;
            std::str::from_utf8(seconds).ok()?.parse().ok()
        }
        // It may be forbidden.
        _ => None,
    }
}

fn ask_info(session: &mut Session, section: &str) -> Result<HashMap<String, String>, Failure> {
    let reply = checked("INFO", session.ask(&[b"INFO", section.as_bytes()])?)?;
    let all = text(&reply).ok_or_else(|| unexpected("INFO"))?;
    let all = String::from_utf8_lossy(all);
    let fields = all.lines().filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| {
        let value = terminal::escape_line(value.as_bytes());
        (name.to_owned(), value)
    });
    Ok(fields.collect())
}

fn field(fields: &HashMap<String, String>, name: &str, other: &str) -> String {
    let value = fields.get(name).or_else(|| fields.get(other));
    value.cloned().unwrap_or_else(|| "unknown".to_owned())
}

/// What a server says of its snapshots.
#[derive(Debug, PartialEq, Eq)]
struct Saves {
    count: u64,
    last_s: i64,
    is_running: bool,
    /// Something else runs that it waits for.
    is_held_up: bool,
    status: String,
}

impl Saves {
    fn ask(session: &mut Session) -> Result<Self, Failure> {
        let fields = ask_info(session, "persistence")?;
        let is_on = |name: &str| fields.get(name).is_some_and(|value| value == "1");
        if is_on("loading") {
            return Err(Failure::Reply("The server is loading its data".to_owned()));
        }
        let number = |name: &str| fields.get(name).and_then(|value| value.parse().ok());
        Ok(Self {
            count: number("rdb_saves")
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(0),
            last_s: number("rdb_last_save_time").unwrap_or(0),
            is_running: is_on("rdb_bgsave_in_progress"),
            is_held_up: is_on("aof_rewrite_in_progress"),
            status: field(&fields, "rdb_last_bgsave_status", "rdb_last_bgsave_status"),
        })
    }

    /// A snapshot was completed since.
    fn is_after(&self, before: &Self) -> bool {
        self.count > before.count || self.last_s > before.last_s
    }
}

/// Lets the server write a snapshot that begins now, and waits for its end.
fn snapshot(session: &mut Session) -> Result<(), Failure> {
    if std::io::stderr().is_terminal() {
        eprintln!("The server writes a snapshot");
    }
    let mut before = Saves::ask(session)?;
    // One that runs already is of an earlier moment.
    while before.is_running {
        thread::sleep(PERIOD);
        before = Saves::ask(session)?;
    }
    checked("BGSAVE", session.ask(&[b"BGSAVE", b"SCHEDULE"])?)?;
    let mut has_run = false;
    let mut idle_since = Instant::now();
    loop {
        thread::sleep(PERIOD);
        let now = Saves::ask(session)?;
        if now.is_after(&before) && !now.is_running {
            return Ok(());
        }
        // One that fails at once is never seen running.
        has_run |= now.is_running || now.status != before.status;
        if now.is_running || now.is_held_up {
            idle_since = Instant::now();
        } else if has_run || idle_since.elapsed() > BEGIN_TIMEOUT {
            let status = now.status;
            return Err(Failure::Reply(format!(
                "The server could not write a snapshot (rdb_last_bgsave_status: {status}); its log \
                 says why"
            )));
        }
    }
}

/// The server's file, which has to be another one than before.
fn changed_file(path: &Path, before: Option<&Metadata>) -> Result<File, Failure> {
    let file = survey::open(path)?;
    let now = file
        .metadata()
        .map_err(|error| file_failure(path, &error))?;
    let is_same = before.is_some_and(|before| {
        before.ino() == now.ino()
            && (before.mtime(), before.mtime_nsec()) == (now.mtime(), now.mtime_nsec())
    });
    if is_same {
        return Err(Failure::Reply(format!(
            "{} did not change although the server wrote a snapshot: is it on another machine?",
            path_text(path)
        )));
    }
    Ok(file)
}

/// A folder that gets its name when all of it is there.
struct NewFolder<'p> {
    path: PathBuf,
    target: &'p Path,
    is_complete: bool,
}

impl<'p> NewFolder<'p> {
    fn create(target: &'p Path) -> Result<Self, Failure> {
        if target.symlink_metadata().is_ok() {
            let text = format!("{}: there is something of this name", path_text(target));
            return Err(Failure::Reply(text));
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{}.tmp", std::process::id()));
        let path = target.with_file_name(name);
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| file_failure(&path, &error))?;
        Ok(Self {
            path,
            target,
            is_complete: false,
        })
    }

    fn finish(mut self) -> Result<(), Failure> {
        let placed = fs::rename(&self.path, self.target);
        placed.map_err(|error| file_failure(self.target, &error))?;
        self.is_complete = true;
        sync_folder(self.target).map_err(|error| file_failure(self.target, &error))
    }
}

impl Drop for NewFolder<'_> {
    fn drop(&mut self) {
        if !self.is_complete {
            // A part of a backup is none.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
