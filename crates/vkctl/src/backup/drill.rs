//! The restore drill: a server of its own, in a private folder and on a private socket, loads the
//! snapshot and says what it has. It never touches the backup, and ends with the drill.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use vk_resp::Reply;

use super::Drill;
use super::record::SNAPSHOT;
use super::survey::{self, Survey};
use crate::endpoint::{Address, Endpoint};
use crate::error::Failure;
use crate::modes::{checked, say, text, unexpected};
use crate::new_file::{file_failure, path_text};
use crate::options::Options;
use crate::persona::Persona;
use crate::sealed::KeySource;
use crate::session::Session;
use crate::terminal;

/// Time between two looks at a server that starts or ends.
const PERIOD: Duration = Duration::from_millis(20);

/// For how long a server may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(30);

/// For how long a server may not answer at all: it answers while it loads.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Databases that a server has at least.
const DATABASES_MIN: u64 = 16;

/// The last bytes of a server's log that are repeated.
const LOG_BYTES_MAX: usize = 2000;

/// What a server said that has loaded the snapshot.
#[derive(Debug)]
pub(super) struct Drilled {
    /// Its answer to DEBUG DIGEST and the number of keys, if it answered.
    pub(super) digest: Option<(String, u64)>,
}

/// Lets a server load a snapshot and compares what it has with what is in the file.
pub(super) fn drill(
    snapshot: &Path,
    options: &Drill,
    survey: &Survey,
    keys: &KeySource,
) -> Result<Drilled, Failure> {
    let program = options.program.clone().unwrap_or_else(server_program);
    let mut server = Server::start(&program, snapshot, survey, keys)?;
    let mut session = server.session();
    server.wait_until_loaded(&mut session)?;
    let has = keyspace(&mut session)?;
    let digest = match session.ask(&[b"DEBUG", b"DIGEST"])? {
        Reply::Simple(digest) | Reply::Bulk(digest) => Some(terminal::escape_line(&digest)),
        _ => None,
    };
    server.end(&mut session)?;
    let mut expected = survey.live();
    if has != expected {
        // Keys may have expired since the file was read.
        let again = Survey::take(snapshot, survey::open(snapshot)?, keys, None)?;
        let is_between = |db: &u64, keys: &u64| {
            let least = again.live().get(db).copied().unwrap_or(0);
            let most = survey.live().get(db).copied().unwrap_or(0);
            (least..=most).contains(keys)
        };
        expected = again.live();
        let is_all_there = expected.keys().all(|db| has.contains_key(db));
        if !is_all_there || !has.iter().all(|(db, keys)| is_between(db, keys)) {
            return Err(Failure::Reply(format!(
                "Restore drill: the server has {}, the file {}",
                told(&has),
                told(&expected)
            )));
        }
    }
    let total = has
        .values()
        .fold(0_u64, |sum, keys| sum.saturating_add(*keys));
    say(&format!(
        "Restore drill: the server has loaded {}\n",
        told(&has)
    ))?;
    Ok(Drilled {
        digest: digest.map(|digest| (digest, total)),
    })
}

/// The keys for a server that reads an encrypted file and writes none. The file belongs to a
/// dataset, of which nothing else is there.
fn key_arguments(keys: &KeySource) -> Result<Vec<OsString>, Failure> {
    let mut arguments = vec!["--at-rest-encryption".into(), "no".into()];
    let sources = [
        ("--at-rest-key-file", &keys.key_file),
        ("--at-rest-passphrase-file", &keys.passphrase_file),
    ];
    for (name, path) in sources {
        if let Some(path) = path {
            let real = fs::canonicalize(path).map_err(|error| file_failure(path, &error))?;
            arguments.push(name.into());
            arguments.push(real.into_os_string());
        }
    }
    Ok(arguments)
}

/// The server's program beside this one, else the one that the system finds.
fn server_program() -> PathBuf {
    let own = std::env::current_exe().and_then(fs::canonicalize);
    let beside = own.map(|own| own.with_file_name("vkd"));
    match beside {
        Ok(path) if path.is_file() => path,
        _ => PathBuf::from("vkd"),
    }
}

fn told(keys: &BTreeMap<u64, u64>) -> String {
    if keys.is_empty() {
        return "no keys".to_owned();
    }
    let each = keys
        .iter()
        .map(|(db, keys)| format!("{keys} keys in db{db}"));
    each.collect::<Vec<_>>().join(", ")
}

/// The keys of each database, by INFO.
fn keyspace(session: &mut Session) -> Result<BTreeMap<u64, u64>, Failure> {
    let reply = checked("INFO", session.ask(&[b"INFO", b"keyspace"])?)?;
    let all = text(&reply).ok_or_else(|| unexpected("INFO"))?;
    let all = String::from_utf8_lossy(all);
    let mut databases = BTreeMap::new();
    for line in all.lines() {
        let parsed = line.strip_prefix("db").and_then(|line| {
            let (db, facts) = line.split_once(":keys=")?;
            let keys = facts.split(',').next()?;
            Some((db.parse::<u64>().ok()?, keys.parse::<u64>().ok()?))
        });
        databases.extend(parsed);
    }
    Ok(databases)
}

/// A server that ends with its owner.
struct Server {
    child: Child,
    folder: PathBuf,
}

impl Server {
    fn start(
        program: &Path,
        snapshot: &Path,
        survey: &Survey,
        keys: &KeySource,
    ) -> Result<Self, Failure> {
        let key_arguments = match survey.is_sealed {
            true => key_arguments(keys)?,
            false => Vec::new(),
        };
        let folder = private_folder()?;
        let failed = |path: &Path, error: io::Error| {
            let _ = fs::remove_dir_all(&folder);
            file_failure(path, &error)
        };
        let snapshot = fs::canonicalize(snapshot).map_err(|error| failed(snapshot, error))?;
        // Nothing is written under this name: the server saves nothing.
        symlink(&snapshot, folder.join(SNAPSHOT)).map_err(|error| failed(&folder, error))?;
        let log = File::create(folder.join("log")).map_err(|error| failed(&folder, error))?;
        let errors = log.try_clone().map_err(|error| failed(&folder, error))?;
        let highest = survey.databases.keys().next_back().copied().unwrap_or(0);
        let databases = highest.saturating_add(1).max(DATABASES_MIN).to_string();
        let mut command = Command::new(program);
        // The names of Valkey's server have no profiles.
        if program.file_name().is_some_and(|name| name == "vkd") {
            command.args(["--security-profile", "compatible"]);
        }
        command
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .args(["--enable-debug-command", "yes", "--dbfilename", SNAPSHOT])
            .args(["--databases", &databases, "--unixsocketperm", "700"])
            .arg("--unixsocket")
            .arg(folder.join("socket"))
            .arg("--dir")
            .arg(&folder)
            .args(&key_arguments)
            .env_remove("NOTIFY_SOCKET")
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        let child = command.spawn().map_err(|error| failed(program, error))?;
        Ok(Self { child, folder })
    }

    fn session(&self) -> Session {
        let endpoint = Endpoint {
            addresses: vec![Address::Unix(self.folder.join("socket"))],
            tls: None,
            ca_file: None,
            user: None,
            password: None,
            found_password: None,
            found_password_file: None,
        };
        let mut session = Session::new(Persona::Vkctl, &Options::default(), endpoint);
        session.reply_timeout = Some(ANSWER_TIMEOUT);
        session
    }

    fn wait_until_loaded(&mut self, session: &mut Session) -> Result<(), Failure> {
        let mut heard = Instant::now();
        loop {
            if self.child.try_wait()?.is_some() {
                return Err(self.failure("the server ended"));
            }
            match session.ask(&[b"PING"]) {
                Ok(Reply::Simple(_)) => return Ok(()),
                // It is there and loads.
                Ok(_) => heard = Instant::now(),
                Err(_) if heard.elapsed() < ANSWER_TIMEOUT => {}
                Err(_) => return Err(self.failure("the server does not answer")),
            }
            thread::sleep(PERIOD);
        }
    }

    fn failure(&self, what: &str) -> Failure {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        let start = log.len().saturating_sub(LOG_BYTES_MAX);
        let log = terminal::escape(log.get(start..).unwrap_or_default(), false);
        let log = String::from_utf8_lossy(&log).into_owned();
        Failure::Reply(format!(
            "Restore drill: {what}. Its log:\n{}",
            log.trim_end()
        ))
    }

    fn end(&mut self, session: &mut Session) -> Result<(), Failure> {
        // It answers by closing the connection.
        let _ = session.ask(&[b"SHUTDOWN", b"NOSAVE"]);
        let begun = Instant::now();
        while begun.elapsed() < END_TIMEOUT {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(PERIOD);
        }
        Err(self.failure("the server does not end"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder that nobody else looks into; its name is short, since that of a socket has to be.
fn private_folder() -> Result<PathBuf, Failure> {
    let base = std::env::temp_dir();
    let process_id = std::process::id();
    let mut attempt = 0_u32;
    loop {
        let path = base.join(format!("vkctl-{process_id}-{attempt}"));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => {
                attempt = attempt.saturating_add(1);
            }
            Err(error) => {
                let text = format!("No folder for the restore drill: {}", path_text(&path));
                return Err(Failure::Reply(format!("{text}: {error}")));
            }
        }
    }
}
