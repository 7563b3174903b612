//! The history file: who may read it and what never gets into it. Not the editing of lines.

use std::env;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::command::is;

/// Lines that are kept in memory.
pub(crate) const LINES_MAX: usize = 1_000;

/// Bytes at the end of the file that are read.
const READ_BYTES_MAX: u64 = 1024 * 1024;

/// The file that `variables` name, or `name` in the home folder; `/dev/null` means none.
pub(crate) fn dot_file((variables, name): (&[&str], &str)) -> Option<PathBuf> {
    let set = variables
        .iter()
        .find_map(|name| env::var_os(name).filter(|path| !path.is_empty()));
    if let Some(path) = set {
        return (path != "/dev/null").then(|| PathBuf::from(path));
    }
    let home = env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(Path::new(&home).join(name))
}

/// A file with one line per command, for its owner alone.
#[derive(Debug)]
pub(crate) struct History(PathBuf);

impl History {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The latest lines, oldest first; none when the file is missing or not ours.
    pub(crate) fn load(&self) -> Vec<String> {
        let mut bytes = Vec::new();
        let read = self.open(false).and_then(|mut file| {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(READ_BYTES_MAX)))?;
            file.take(READ_BYTES_MAX).read_to_end(&mut bytes)
        });
        if read.is_err() {
            return Vec::new();
        }
        let text = String::from_utf8_lossy(&bytes);
        let harmless = |line: &&str| !line.is_empty() && !line.chars().any(char::is_control);
        let lines: Vec<&str> = text.lines().filter(harmless).collect();
        let skip = lines.len().saturating_sub(LINES_MAX);
        lines.into_iter().skip(skip).map(str::to_owned).collect()
    }

    /// Adds a line. The file is made for its owner alone under any umask, and made so again when
    /// something loosened it.
    pub(crate) fn append(&self, line: &str) -> io::Result<()> {
        let mut file = self.open(true)?;
        if file.metadata()?.mode() & 0o177 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        file.write_all(format!("{line}\n").as_bytes())
    }

    fn open(&self, write: bool) -> io::Result<File> {
        // A link or a pipe in its place is somebody's trick.
        let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
        let file = OpenOptions::new()
            .read(!write)
            .append(write)
            .create(write)
            .mode(0o600)
            .custom_flags(i32::try_from(flags).unwrap_or(0))
            .open(&self.0)?;
        let facts = file.metadata()?;
        if !facts.is_file() || facts.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("not a file of ours"));
        }
        Ok(file)
    }
}

/// Does the command carry a secret, so that no trace of it may stay?
pub(crate) fn holds_secret(command: &[Vec<u8>]) -> bool {
    let any_from = |from: usize, names: &[&str]| {
        (from..command.len()).any(|place| names.iter().any(|name| is(command, place, name)))
    };
    let hides = |word: &[u8]| {
        let word = word.to_ascii_lowercase();
        let has = |part: &[u8]| word.windows(part.len()).any(|window| window == part);
        has(b"pass") || has(b"auth") || has(b"secret") || has(b"user") || has(b"token")
    };
    if is(command, 0, "auth") {
        return true;
    }
    if is(command, 0, "acl") {
        return any_from(1, &["setuser", "getuser", "deluser", "dryrun"]);
    }
    if is(command, 0, "config") && is(command, 1, "set") {
        return command.iter().skip(2).step_by(2).any(|name| hides(name));
    }
    if is(command, 0, "hello") || is(command, 0, "migrate") {
        return any_from(1, &["auth", "auth2"]);
    }
    if is(command, 0, "sentinel") {
        return is(command, 1, "set") || (is(command, 1, "config") && is(command, 2, "set"));
    }
    crate::built_in::holds_secret(command)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::test_support::Folder;
    use std::fs;

    fn secret(line: &str) -> bool {
        holds_secret(&crate::words::split(line.as_bytes()).unwrap())
    }

    #[test]
    fn secrets_are_known() {
        for line in [
            "AUTH p",
            "auth user p",
            "ACL SETUSER ann >p on",
            "acl getuser ann",
            "CONFIG SET requirepass p",
            "config set maxclients 5 masterauth p",
            "CONFIG SET tls-key-file-pass p",
            "HELLO 3 AUTH default p",
            "hello 3 setname x auth default p",
            "MIGRATE h 6379 \"\" 0 5000 AUTH p KEYS a",
            "migrate h 6379 \"\" 0 5000 copy auth2 u p keys a",
            "SENTINEL SET m auth-pass p",
            "sentinel config set sentinel-pass p",
        ] {
            assert!(secret(line), "{line}");
        }
    }

    #[test]
    fn other_commands_are_kept() {
        for line in [
            "GET auth",
            "SET requirepass x",
            "ACL LIST",
            "CONFIG GET requirepass",
            "CONFIG SET maxmemory 100mb",
            "HELLO 3",
            "MIGRATE h 6379 k 0 5000 COPY",
            "SENTINEL masters",
        ] {
            assert!(!secret(line), "{line}");
        }
    }

    #[test]
    fn the_file_is_for_its_owner_alone() {
        let folder = Folder::new("history");
        let path = folder.path().join("h");
        fs::write(&path, "old\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let history = History::new(path.clone());
        history.append("GET k").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(history.load(), ["old", "GET k"]);
        let fresh = folder.path().join("fresh");
        History::new(fresh.clone()).append("x").unwrap();
        assert_eq!(fs::metadata(&fresh).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn links_are_not_followed() {
        let folder = Folder::new("history-link");
        let target = folder.path().join("target");
        fs::write(&target, "").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(History::new(link).append("x").is_err());
        assert_eq!(fs::read(&target).unwrap(), b"");
    }
}
