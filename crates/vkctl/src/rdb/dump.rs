//! `rdb dump`: the keys of a file as commands that make them, for people, for a server, or as JSON.

use std::ops::Range;
use std::path::Path;

use vk_engine::record_commands;
use vk_persist::{LogEvent, LogReader};
use vk_rdb::{FileEvent, KeyRecord};
use vk_resp::{OwnedRequest, Reply, encode_command};

use super::file::bytes_of;
use super::{DumpForm, Filter, RdbFile, Visitor};
use crate::error::Failure;
use crate::format::{self, Style};
use crate::options::OutputMode;
use crate::sealed::KeySource;
use crate::words;

/// JSON in pure ASCII: what is in a file may be any bytes.
const JSON: Style<'_> = Style {
    mode: OutputMode::QuotedJson,
    element_delimiter: b"\n",
    reply_delimiter: b"\n",
};

/// Prints what was asked for.
struct Dump<'f> {
    filter: &'f Filter,
    form: DumpForm,
    database: u64,
    /// The database that the printed commands apply to.
    selected: Option<u64>,
    /// Takes the commands of keys apart.
    reader: LogReader,
    out: Vec<u8>,
}

/// Prints the keys of a file. One that is damaged is printed up to there, and is a failure.
pub(super) fn run(
    path: &Path,
    keys: &KeySource,
    filter: &Filter,
    form: DumpForm,
) -> Result<(), Failure> {
    let mut file = RdbFile::open(path, keys)?;
    let mut dump = Dump {
        filter,
        form,
        database: 0,
        selected: None,
        reader: LogReader::new(0),
        out: Vec::new(),
    };
    let damage = file.walk(&mut dump)?;
    file.progress.clear();
    match damage {
        None => Ok(()),
        Some(damage) => Err(Failure::Reply(format!("{}: {damage}", file.name()))),
    }
}

impl Visitor for Dump<'_> {
    fn event(&mut self, event: FileEvent<'_>) -> Result<(), Failure> {
        match event {
            FileEvent::SelectDb(number) => self.database = number,
            FileEvent::Function(code) if *self.filter == Filter::default() => {
                self.function(&bytes_of(&code));
            }
            FileEvent::Key(record) if self.filter.takes(self.database, &record) => {
                self.key(record);
            }
            _ => {}
        }
        Ok(())
    }

    fn passed(&mut self, _: Range<u64>, out: &mut Vec<u8>) -> Result<(), Failure> {
        out.append(&mut self.out);
        Ok(())
    }
}

impl Filter {
    fn takes(&self, database: u64, record: &KeyRecord<'_>) -> bool {
        let type_name = record.value.type_name();
        self.database.is_none_or(|number| number == database)
            && self
                .type_name
                .as_deref()
                .is_none_or(|name| name == type_name)
            && self
                .pattern
                .as_deref()
                .is_none_or(|pattern| record.is_match(pattern))
    }
}

impl Dump<'_> {
    fn function(&mut self, code: &[u8]) {
        if self.form == DumpForm::Json {
            let pairs = vec![(bulk(b"function"), bulk(code))];
            format::format(&Reply::Map(pairs), JSON, &mut self.out);
        } else {
            let command = [b"FUNCTION".as_slice(), b"LOAD", b"REPLACE", code];
            self.commands(&encode_command(&command));
        }
    }

    fn key(&mut self, record: KeyRecord<'_>) {
        let (name, type_name) = (bytes_of(&record.key), record.value.type_name());
        let expire_ms = record.expire_ms;
        let mut commands = Vec::new();
        record_commands(record, &mut commands);
        if self.form == DumpForm::Json {
            let number = i64::try_from(self.database).unwrap_or(i64::MAX);
            let mut pairs = vec![
                (bulk(b"db"), Reply::Int(number)),
                (bulk(b"key"), bulk(&name)),
                (bulk(b"type"), bulk(type_name.as_bytes())),
            ];
            pairs.extend(expire_ms.map(|at_ms| (bulk(b"expire_ms"), Reply::Int(at_ms))));
            let commands = self.requests(&commands);
            pairs.push(match type_name {
                "stream" => (bulk(b"commands"), all_words(&commands)),
                _ => (bulk(b"value"), value(type_name, &commands)),
            });
            pairs.extend(field_expiries(&commands));
            format::format(&Reply::Map(pairs), JSON, &mut self.out);
            return;
        }
        if self.selected != Some(self.database) {
            self.selected = Some(self.database);
            let number = self.database.to_string();
            self.commands(&encode_command(&[b"SELECT", number.as_bytes()]));
        }
        self.commands(&commands);
    }

    /// The commands that some bytes are, which we have made ourselves.
    fn requests(&mut self, bytes: &[u8]) -> Vec<OwnedRequest> {
        self.reader.feed(bytes);
        let mut requests = Vec::new();
        while let Ok(LogEvent::Group { commands, .. }) = self.reader.poll() {
            requests.extend(commands);
        }
        requests
    }

    /// Prints commands that are in RESP.
    fn commands(&mut self, commands: &[u8]) {
        if self.form == DumpForm::Resp {
            self.out.extend_from_slice(commands);
            return;
        }
        for request in self.requests(commands) {
            for (at, word) in request.view().iter().enumerate() {
                match at {
                    // A name of ours, which needs no quotes.
                    0 => self.out.extend_from_slice(word),
                    _ => {
                        self.out.push(b' ');
                        words::quote(word, &mut self.out);
                    }
                }
            }
            self.out.push(b'\n');
        }
    }
}

fn bulk(bytes: &[u8]) -> Reply {
    Reply::Bulk(bytes.to_vec())
}

/// The words of all commands that say what the value is, behind the key.
fn elements<'r>(commands: &'r [OwnedRequest], name: &str) -> impl Iterator<Item = &'r [u8]> {
    commands
        .iter()
        .map(OwnedRequest::view)
        .filter(move |request| request.arg(0) == Some(name.as_bytes()))
        .flat_map(|request| request.skip(2).iter())
}

/// A value as JSON has it: text, an array, an object of fields, or pairs of score and member.
fn value(type_name: &str, commands: &[OwnedRequest]) -> Reply {
    match type_name {
        "list" => Reply::Array(elements(commands, "RPUSH").map(bulk).collect()),
        "set" => Reply::Array(elements(commands, "SADD").map(bulk).collect()),
        "hash" => Reply::Map(pairs(elements(commands, "HMSET"))),
        "zset" => {
            let pairs = pairs(elements(commands, "ZADD")).into_iter();
            Reply::Array(pairs.map(|(a, b)| Reply::Array(vec![a, b])).collect())
        }
        _ => elements(commands, "SET").next().map_or(Reply::Null, bulk),
    }
}

fn pairs<'r>(mut words: impl Iterator<Item = &'r [u8]>) -> Vec<(Reply, Reply)> {
    let mut pairs = Vec::new();
    while let (Some(first), Some(second)) = (words.next(), words.next()) {
        pairs.push((bulk(first), bulk(second)));
    }
    pairs
}

fn all_words(commands: &[OwnedRequest]) -> Reply {
    let words = |request: &OwnedRequest| Reply::Array(request.view().iter().map(bulk).collect());
    Reply::Array(commands.iter().map(words).collect())
}

/// When fields of a hash expire: `HPEXPIREAT key time FIELDS 1 field`.
fn field_expiries(commands: &[OwnedRequest]) -> Option<(Reply, Reply)> {
    let is_expiry = |request: &&OwnedRequest| request.view().arg(0) == Some(b"HPEXPIREAT");
    let expiries = commands.iter().filter(is_expiry).filter_map(|request| {
        let (at_ms, field) = (request.view().arg(2)?, request.view().arg(5)?);
        Some((bulk(field), bulk(at_ms)))
    });
    let expiries: Vec<(Reply, Reply)> = expiries.collect();
    (!expiries.is_empty()).then(|| (bulk(b"field_expire_ms"), Reply::Map(expiries)))
}
