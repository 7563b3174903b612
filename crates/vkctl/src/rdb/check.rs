//! `rdb check`: reads all of a file and says what it meets. The lines are those of Valkey's
//! checker, which tools look for.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use vk_rdb::{FileEvent, FileFault};

use super::file::shown;
use super::{Damage, RdbFile, Visitor};
use crate::error::Failure;
use crate::modes::say;
use crate::new_file::file_failure;
use crate::sealed::KeySource;
use crate::terminal;

/// The first version that ends with a checksum.
const VERSION_CHECKSUM: u16 = 5;

/// The line that tools look for.
const HEADING: &str = "--- RDB ERROR DETECTED ---";

/// What was met so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) keys: u64,
    pub(crate) volatile: u64,
    pub(crate) expired: u64,
    pub(crate) functions: u64,
    /// Keys without elements, which no server makes.
    empty: u64,
    version: u16,
    now_ms: i64,
    /// What is told once the place behind it is known.
    told: Option<String>,
}

/// Checks a file; one that is not right is a failure whose reason has been said.
pub(super) fn run(path: &Path, keys: &KeySource) -> Result<(), Failure> {
    let mut file = RdbFile::open(path, keys)?;
    if !check(&mut file)? {
        return Err(Failure::Reply(String::new()));
    }
    let mut tail = file.into_tail();
    // An encrypted file is known to be whole at its end alone.
    let rest = io::copy(&mut tail.input, &mut io::sink());
    let rest = rest.map_err(|error| file_failure(path, &error))?;
    match rest.saturating_add(tail.read.len() as u64) {
        0 => Ok(()),
        more => say(&format!("[info] {more} bytes follow the end\n")),
    }
}

/// Checks a file up to the end that it marks; whether it is right.
pub(crate) fn check<R: Read>(file: &mut RdbFile<R>) -> Result<bool, Failure> {
    let mut report = Report::new();
    say(&format!("[offset 0] Checking RDB file {}\n", file.name()))?;
    let damage = file.walk(&mut report)?;
    file.progress.clear();
    let mut out = match &damage {
        Some(damage) => told(damage),
        None if report.empty > 0 => format!("{HEADING}\n"),
        None => String::new(),
    };
    out.push_str(&report.summary());
    say(&out)?;
    Ok(damage.is_none() && report.empty == 0)
}

impl Report {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.map_or(0, |time| {
            i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
        });
        Self {
            now_ms,
            ..Self::default()
        }
    }

    fn summary(&self) -> String {
        let Self {
            keys,
            volatile,
            expired,
            ..
        } = self;
        let mut out = format!(
            "[info] {keys} keys read\n[info] {volatile} expires\n[info] {expired} already expired\n"
        );
        if self.empty > 0 {
            let empty = self.empty;
            out.push_str(&format!("[info] {empty} keys without elements\n"));
        }
        if self.functions > 0 {
            out.push_str(&format!("[info] {} function libraries\n", self.functions));
        }
        out
    }

    fn end(&self, has_checksum: bool) -> String {
        let sum = match has_checksum {
            true => "Checksum OK\n",
            false if self.version < VERSION_CHECKSUM => "",
            false => "RDB file was saved with checksum disabled: no check performed.\n",
        };
        let verdict = match self.empty {
            0 => "\\o/ RDB looks OK! \\o/",
            _ => "Some keys have no elements, which cannot be",
        };
        format!("{sum}{verdict}")
    }
}

impl Visitor for Report {
    fn event(&mut self, event: FileEvent<'_>) -> Result<(), Failure> {
        self.told = match event {
            FileEvent::Begin(version) => {
                self.version = version;
                None
            }
            FileEvent::Fact(name, value) => {
                Some(format!("AUX FIELD {} = '{}'", shown(&name), shown(&value)))
            }
            FileEvent::SelectDb(number) => Some(format!("Selecting DB ID {number}")),
            FileEvent::Function(_) => {
                self.functions = self.functions.saturating_add(1);
                None
            }
            FileEvent::Key(record) => {
                self.keys = self.keys.saturating_add(1);
                if let Some(at_ms) = record.expire_ms {
                    self.volatile = self.volatile.saturating_add(1);
                    let is_over = at_ms < self.now_ms;
                    self.expired = self.expired.saturating_add(is_over.into());
                }
                None
            }
            FileEvent::Empty(key) => {
                self.empty = self.empty.saturating_add(1);
                Some(format!("The key '{}' has no elements", shown(&key)))
            }
            FileEvent::End { has_checksum } => Some(self.end(has_checksum)),
            _ => None,
        };
        Ok(())
    }

    fn passed(&mut self, record: Range<u64>, out: &mut Vec<u8>) -> Result<(), Failure> {
        let told = self.told.take().unwrap_or_default();
        for line in told.lines() {
            out.extend_from_slice(format!("[offset {}] {line}\n", record.end).as_bytes());
        }
        Ok(())
    }
}

/// What is wrong, in several lines.
fn told(damage: &Damage) -> String {
    let doing = match (&damage.fault, damage.code) {
        (FileFault::Checksum { .. }, _) => "check-sum",
        (FileFault::Signature | FileFault::Version(_), _) => "start",
        _ if damage.key.is_some() => "read-object-value",
        (_, Some(code)) => doing(code),
        _ => "read-type",
    };
    let mut out = format!(
        "{HEADING}\n[offset {}] {}\n[additional info] While doing: {doing}\n",
        damage.offset,
        damage.text()
    );
    if let (Some(key), Some(code)) = (&damage.key, damage.code) {
        out.push_str(&format!(
            "[additional info] Reading key '{}'\n[additional info] Reading type {code} ({})\n",
            terminal::escape_line(key),
            type_name(code)
        ));
    }
    out
}

/// What a byte before a record says that follows, in the words of Valkey's checker.
const fn doing(code: u8) -> &'static str {
    match code {
        250 => "read-aux",
        245..=247 => "read-function-or-module-aux",
        251..=254 => "read-len",
        0..=22 => "read-key",
        _ => "read-type",
    }
}

/// The name of a type and encoding, in the words of Valkey's checker.
fn type_name(code: u8) -> &'static str {
    const NAMES: [&str; 23] = [
        "string",
        "list-linked",
        "set-hashtable",
        "zset-v1",
        "hash-hashtable",
        "zset-v2",
        "module-pre-release",
        "module-value",
        "",
        "hash-zipmap",
        "list-ziplist",
        "set-intset",
        "zset-ziplist",
        "hash-ziplist",
        "quicklist",
        "stream",
        "hash-listpack",
        "zset-listpack",
        "quicklist-v2",
        "stream-v2",
        "set-listpack",
        "stream-v3",
        "hash-with-field-expiry",
    ];
    NAMES.get(usize::from(code)).copied().unwrap_or("unknown")
}
