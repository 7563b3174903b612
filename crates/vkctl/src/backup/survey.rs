//! One pass over the file of a backup: its digest, how many keys there are, and a copy on the way.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use vk_rdb::FileEvent;

use crate::error::{Failure, io_text};
use crate::new_file::{NewFile, file_failure, path_text};
use crate::progress::bytes_text;
use crate::rdb::{RdbFile, Visitor};
use crate::sealed::{Input, KeySource};

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// It is encrypted.
    pub(super) is_sealed: bool,
    pub(super) version: u16,
    /// When it was begun, in Unix seconds.
    pub(super) begun_s: Option<i64>,
    pub(super) functions: u64,
    pub(super) databases: BTreeMap<u64, Keys>,
    /// The time that `Keys::live` is about.
    pub(super) now_ms: i64,
    database: u64,
}

/// Keys of a database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) all: u64,
    pub(super) volatile: u64,
    /// Those that have not expired.
    pub(super) live: u64,
}

impl Survey {
    /// Reads an open file to its end, of which a copy is made if wanted. The name is for people.
    pub(super) fn take(
        path: &Path,
        file: File,
        keys: &KeySource,
        copy: Option<&mut NewFile>,
    ) -> Result<Self, Failure> {
        let failed = |error| file_failure(path, &error);
        let bytes = file.metadata().map_err(failed)?.len();
        let hashing = Hashing {
            input: file,
            sum: Sha256::new(),
            bytes: 0,
            copy,
        };
        let input = Input::begin(hashing, path, keys)?;
        let mut survey = Self {
            bytes: 0,
            sha256: String::new(),
            is_sealed: input.is_sealed(),
            version: 0,
            begun_s: None,
            functions: 0,
            databases: BTreeMap::new(),
            now_ms: now_ms(),
            database: 0,
        };
        let mut snapshot = RdbFile::new(path_text(path), input, bytes);
        if let Some(damage) = snapshot.walk(&mut survey)? {
            return Err(Failure::Reply(format!("{}: {damage}", snapshot.name())));
        }
        let mut tail = snapshot.into_tail();
        let more = io::copy(&mut tail.input, &mut io::sink()).map_err(failed)?;
        let more = more.saturating_add(tail.read.len() as u64);
        if more > 0 {
            let path = path_text(path);
            let text = format!("{path}: {more} bytes follow the end of the snapshot");
            return Err(Failure::Reply(text));
        }
        let hashing = tail.input.into_file();
        survey.bytes = hashing.bytes;
        for byte in hashing.sum.finalize() {
            let _ = write!(survey.sha256, "{byte:02x}");
        }
        Ok(survey)
    }

    /// What is in the file, as the beginning of a line about a folder.
    pub(super) fn summary(&self, folder: &Path) -> String {
        format!(
            "{}: {} keys in {} databases, {}",
            path_text(folder),
            self.keys(),
            self.databases.len(),
            bytes_text(self.bytes)
        )
    }

    /// All keys.
    fn keys(&self) -> u64 {
        let keys = self.databases.values().map(|keys| keys.all);
        keys.fold(0, u64::saturating_add)
    }

    /// The keys that are left now, by database.
    pub(super) fn live(&self) -> BTreeMap<u64, u64> {
        let databases = self.databases.iter();
        let live = databases.map(|(number, keys)| (*number, keys.live));
        live.filter(|(_, keys)| *keys > 0).collect()
    }
}

/// The time in Unix milliseconds.
pub(super) fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |time| {
        i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
    })
}

impl Visitor for Survey {
    fn event(&mut self, event: FileEvent<'_>) -> Result<(), Failure> {
        match event {
            FileEvent::Begin(version) => self.version = version,
            FileEvent::Fact(name, value) if name.bytes(&mut [0; 20]) == b"ctime" => {
                self.begun_s = value.int();
            }
            FileEvent::SelectDb(number) => self.database = number,
            FileEvent::Function(_) => self.functions = self.functions.saturating_add(1),
            FileEvent::Key(record) => {
                let keys = self.databases.entry(self.database).or_default();
                keys.all = keys.all.saturating_add(1);
                let is_volatile = record.expire_ms.is_some();
                keys.volatile = keys.volatile.saturating_add(is_volatile.into());
                let is_live = record.expire_ms.is_none_or(|at_ms| at_ms > self.now_ms);
                keys.live = keys.live.saturating_add(is_live.into());
            }
            _ => {}
        }
        Ok(())
    }

    fn passed(&mut self, _: Range<u64>, _: &mut Vec<u8>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Sums, counts and copies what is read.
struct Hashing<'c> {
    input: File,
    sum: Sha256,
    bytes: u64,
    copy: Option<&'c mut NewFile>,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        self.sum.update(bytes);
        self.bytes = self.bytes.saturating_add(count as u64);
        if let Some(copy) = &mut self.copy {
            copy.write(bytes).map_err(|failure| match failure {
                Failure::Local(error) => error,
                failure => io::Error::other(failure.to_string()),
            })?;
        }
        Ok(count)
    }
}

/// Opens a file for a survey.
pub(super) fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| {
        let error = io_text(&error);
        Failure::Reply(format!("{}: {error}", path_text(path)))
    })
}
