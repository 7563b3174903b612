//! `backup.json`: what a backup has to hold. It is read as what somebody else may have written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::survey::{Keys, Survey};
use crate::error::Failure;
use crate::new_file::{Existing, NewFile, file_failure, path_text};
use crate::terminal;

/// The name of the record within a backup.
pub(super) const RECORD: &str = "backup.json";
/// The name of the snapshot within a backup.
pub(super) const SNAPSHOT: &str = "dump.rdb";

/// What stands first in a record.
const FORMAT: &str = "verikey-backup";
/// The version of records that is written and read.
const VERSION: u64 = 1;

/// The largest record, many times what is written.
const RECORD_BYTES_MAX: u64 = 16 << 20;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// When the snapshot was begun, or else when the backup was made, in Unix seconds.
    pub(super) created_s: i64,
    pub(super) server_version: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) rdb_version: u16,
    pub(super) functions: u64,
    /// All keys and those that expire, by database.
    pub(super) databases: BTreeMap<u64, (u64, u64)>,
    /// What a server that had loaded the backup answered to DEBUG DIGEST, and how many keys it had.
    pub(super) digest: Option<(String, u64)>,
}

impl Record {
    /// The record of a file.
    pub(super) fn of(survey: &Survey, server_version: String) -> Self {
        let pair = |keys: &Keys| (keys.all, keys.volatile);
        let databases = survey.databases.iter();
        Self {
            created_s: survey.begun_s.unwrap_or(survey.now_ms / 1000),
            server_version,
            bytes: survey.bytes,
            sha256: survey.sha256.clone(),
            rdb_version: survey.version,
            functions: survey.functions,
            databases: databases.map(|(db, keys)| (*db, pair(keys))).collect(),
            digest: None,
        }
    }

    /// Reads the record of a backup.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(RECORD);
        let mut text = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(RECORD_BYTES_MAX).read_to_end(&mut text))
            .map_err(|error| file_failure(&path, &error))?;
        Self::parse(&text).map_err(|reason| {
            let path = path_text(&path);
            Failure::Reply(format!("{path}: no record of a backup: {reason}"))
        })
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if value["format"] != FORMAT {
            return Err(format!("its format is not {FORMAT}"));
        }
        if value["version"] != VERSION {
            return Err(format!("its version is not {VERSION}"));
        }
        let number = |value: &Value, name: &str| {
            let number = value[name].as_u64();
            number.ok_or_else(|| format!("{name} is no number"))
        };
        let text = |name: &str| {
            let text = value[name].as_str().map(str::to_owned);
            text.ok_or_else(|| format!("{name} is no text"))
        };
        let mut databases = BTreeMap::new();
        let listed = value["databases"].as_object();
        for (db, keys) in listed.ok_or("databases is no object")? {
            let db = db.parse().map_err(|_| "a database is no number")?;
            databases.insert(db, (number(keys, "keys")?, number(keys, "volatile")?));
        }
        let digest = match value["digest"].as_str() {
            None => None,
            Some(digest) => Some((digest.to_owned(), number(&value, "digest_keys")?)),
        };
        let version = number(&value, "rdb_version")?;
        Ok(Self {
            created_s: value["created_s"]
                .as_i64()
                .ok_or("created_s is no number")?,
            server_version: terminal::escape_line(text("server_version")?.as_bytes()),
            bytes: number(&value, "bytes")?,
            sha256: text("sha256")?,
            rdb_version: u16::try_from(version).map_err(|_| "rdb_version is too large")?,
            functions: number(&value, "functions")?,
            databases,
            digest,
        })
    }

    /// Writes the record into a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let mut file = NewFile::create(&folder.join(RECORD), Existing::Kept)?;
        file.write(format!("{:#}\n", self.json()).as_bytes())?;
        file.finish()
    }

    fn json(&self) -> Value {
        let databases: Map<String, Value> = self
            .databases
            .iter()
            .map(|(db, (keys, volatile))| {
                let keys = json!({"keys": keys, "volatile": volatile});
                (db.to_string(), keys)
            })
            .collect();
        let mut value = json!({
            "format": FORMAT,
            "version": VERSION,
            "created_s": self.created_s,
            "server_version": self.server_version,
            "file": SNAPSHOT,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "rdb_version": self.rdb_version,
            "functions": self.functions,
            "databases": databases,
        });
        if let Some((digest, keys)) = &self.digest {
            value["digest"] = json!(digest);
            value["digest_keys"] = json!(keys);
        }
        value
    }

    /// The file is the one that the record is about.
    pub(super) fn compare(&self, survey: &Survey, path: &Path) -> Result<(), Failure> {
        let here = Self::of(survey, String::new());
        let what = if here.bytes != self.bytes {
            format!("{} bytes, the record says {}", here.bytes, self.bytes)
        } else if here.sha256 != self.sha256 {
            format!(
                "the SHA-256 is {}, the record says {}",
                here.sha256, self.sha256
            )
        } else if here.databases != self.databases {
            "there are other numbers of keys than the record says".to_owned()
        } else if (here.rdb_version, here.functions) != (self.rdb_version, self.functions) {
            "it is of another version, or has other functions, than the record says".to_owned()
        } else {
            return Ok(());
        };
        let what = terminal::escape_line(what.as_bytes());
        Err(Failure::Reply(format!("{}: {what}", path_text(path))))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            created_s: 1_700_000_000,
            server_version: "8.1.0".to_owned(),
            bytes: 1234,
            sha256: "ab".repeat(32),
            rdb_version: 11,
            functions: 1,
            databases: BTreeMap::from([(0, (10, 2)), (3, (1, 0))]),
            digest: Some(("cd".repeat(20), 11)),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = record();
        for _ in 0..2 {
            let text = record.json().to_string();
            assert_eq!(Record::parse(text.as_bytes()).unwrap(), record);
            record.digest = None;
        }
    }

    #[test]
    fn what_is_no_record_is_told() {
        let parse = |text: &str| Record::parse(text.as_bytes()).unwrap_err();
        assert!(parse("{").contains("EOF"));
        assert!(parse("[1]").contains("format"));
        for name in [
            "format",
            "version",
            "created_s",
            "server_version",
            "bytes",
            "sha256",
            "rdb_version",
            "functions",
            "databases",
            "digest_keys",
        ] {
            let mut value = record().json();
            value[name] = Value::Null;
            assert!(parse(&value.to_string()).contains(name), "{name}");
        }
        let mut value = record().json();
        value["databases"] = json!({"x": {"keys": 1, "volatile": 0}});
        assert!(parse(&value.to_string()).contains("database"));
    }
}
