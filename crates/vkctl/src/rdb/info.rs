//! `rdb info`: versions, facts, and how much of what there is in which database.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};
use vk_rdb::FileEvent;

use super::file::{bytes_of, shown};
use super::{RdbFile, Visitor};
use crate::error::Failure;
use crate::modes::say;
use crate::progress::bytes_text;
use crate::sealed::KeySource;
use crate::terminal;

/// The largest keys that are told.
const LARGEST_MAX: usize = 10;

/// Bytes of a key's name that are told.
const NAME_BYTES_MAX: usize = 256;

/// What is in a file.
#[derive(Debug, Default)]
struct Contents {
    version: u16,
    has_checksum: bool,
    bytes: u64,
    facts: Vec<(String, String)>,
    functions: Vec<String>,
    databases: BTreeMap<u64, Database>,
    database: u64,
    /// The last record, if it is a key.
    last: Option<Last>,
    /// Bytes, database and name.
    largest: Vec<(u64, u64, String)>,
}

#[derive(Debug)]
struct Last {
    type_name: &'static str,
    is_volatile: bool,
    name: Vec<u8>,
}

#[derive(Debug, Default)]
struct Database {
    keys: u64,
    volatile: u64,
    bytes: u64,
    types: BTreeMap<&'static str, Amount>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Amount {
    keys: u64,
    bytes: u64,
}

/// Says what is in a file. One that is damaged is told up to there, and is a failure.
pub(super) fn run(path: &Path, keys: &KeySource, as_json: bool) -> Result<(), Failure> {
    let mut file = RdbFile::open(path, keys)?;
    let mut contents = Contents::default();
    let damage = file.walk(&mut contents)?;
    file.progress.clear();
    let text = if as_json {
        format!("{}\n", contents.json())
    } else {
        contents.text(file.name())
    };
    say(&text)?;
    match damage {
        None => Ok(()),
        Some(damage) => Err(Failure::Reply(format!(
            "{}: {damage}; this is what is before it",
            file.name()
        ))),
    }
}

impl Visitor for Contents {
    fn event(&mut self, event: FileEvent<'_>) -> Result<(), Failure> {
        self.last = None;
        match event {
            FileEvent::Begin(version) => self.version = version,
            FileEvent::Fact(name, value) => self.facts.push((shown(&name), shown(&value))),
            FileEvent::SelectDb(number) => self.database = number,
            FileEvent::Function(code) => self.functions.push(library(&bytes_of(&code))),
            FileEvent::Key(record) => {
                self.last = Some(Last {
                    type_name: record.value.type_name(),
                    is_volatile: record.expire_ms.is_some(),
                    name: bytes_of(&record.key),
                });
            }
            FileEvent::End { has_checksum } => self.has_checksum = has_checksum,
            _ => {}
        }
        Ok(())
    }

    fn passed(&mut self, record: Range<u64>, _: &mut Vec<u8>) -> Result<(), Failure> {
        self.bytes = record.end;
        let Some(last) = self.last.take() else {
            return Ok(());
        };
        let bytes = record.end.saturating_sub(record.start);
        let database = self.databases.entry(self.database).or_default();
        database.keys = database.keys.saturating_add(1);
        database.bytes = database.bytes.saturating_add(bytes);
        database.volatile = database.volatile.saturating_add(last.is_volatile.into());
        let amount = database.types.entry(last.type_name).or_default();
        amount.keys = amount.keys.saturating_add(1);
        amount.bytes = amount.bytes.saturating_add(bytes);
        let place = self.largest.partition_point(|(other, ..)| *other >= bytes);
        if place < LARGEST_MAX {
            let name = last.name.get(..NAME_BYTES_MAX).unwrap_or(&last.name);
            let name = terminal::escape_line(name);
            self.largest.insert(place, (bytes, self.database, name));
            self.largest.truncate(LARGEST_MAX);
        }
        Ok(())
    }
}

impl Contents {
    fn text(&self, name: &str) -> String {
        let mut out = format!(
            "{name}: RDB version {}, {}, {}\n",
            self.version,
            bytes_text(self.bytes),
            if self.has_checksum {
                "checksum right"
            } else {
                "no checksum"
            }
        );
        for (name, value) in &self.facts {
            let _ = writeln!(out, "{name}: {value}");
        }
        for library in &self.functions {
            let _ = writeln!(out, "function library: {library}");
        }
        for (number, database) in &self.databases {
            let _ = writeln!(
                out,
                "db{number}: {} keys, {} expire, {}",
                database.keys,
                database.volatile,
                bytes_text(database.bytes)
            );
            for (type_name, amount) in &database.types {
                let bytes = bytes_text(amount.bytes);
                let _ = writeln!(out, "  {type_name}: {} keys, {bytes}", amount.keys);
            }
        }
        if !self.largest.is_empty() {
            out.push_str("largest keys in the file:\n");
        }
        for (bytes, number, name) in &self.largest {
            let _ = writeln!(out, "  {} db{number} '{name}'", bytes_text(*bytes));
        }
        out
    }

    fn json(&self) -> Value {
        let facts: serde_json::Map<String, Value> = self
            .facts
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let databases: serde_json::Map<String, Value> = self
            .databases
            .iter()
            .map(|(number, database)| (number.to_string(), database.json()))
            .collect();
        let largest: Vec<Value> = self
            .largest
            .iter()
            .map(|(bytes, number, name)| json!({"key": name, "db": number, "bytes": bytes}))
            .collect();
        json!({
            "version": self.version,
            "bytes": self.bytes,
            "checksum": self.has_checksum,
            "facts": facts,
            "functions": self.functions,
            "databases": databases,
            "largest": largest,
        })
    }
}

impl Database {
    fn json(&self) -> Value {
        let types: serde_json::Map<String, Value> = self
            .types
            .iter()
            .map(|(name, amount)| {
                let amount = json!({"keys": amount.keys, "bytes": amount.bytes});
                ((*name).to_owned(), amount)
            })
            .collect();
        json!({
            "keys": self.keys,
            "volatile": self.volatile,
            "bytes": self.bytes,
            "types": types,
        })
    }
}

/// The name of a library, which stands in the first line of its code.
fn library(code: &[u8]) -> String {
    let line = code.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.get(..NAME_BYTES_MAX).unwrap_or(line);
    let name = line
        .split(|byte| *byte == b' ')
        .find_map(|word| word.strip_prefix(b"name="));
    terminal::escape_line(name.unwrap_or(line))
}
