//! `rdb convert`: the same data as a file of another version, with or without compression and
//! checksum. A file that cannot be expressed in the version is refused and nothing is left of it.

use std::ops::Range;

use vk_engine::version;
use vk_rdb::{
    Compression, Facts, FileEvent, FileWriter, Inexpressible, ReplicationFacts, Text,
    VERSION_FUNCTIONS_MIN, VERSION_REDIS_MAX, VERSION_TRANSCRIBED_MIN, VERSION_VALKEY, Writer,
    transcribe,
};

use super::file::bytes_of;
use super::{Convert, Damage, RdbFile, Version, Visitor};
use crate::error::{Failure, UsageError};
use crate::modes::say;
use crate::new_file::{NewFile, path_text};
use crate::progress::bytes_text;
use crate::terminal;

/// Bytes that are collected for one write.
const WRITE_BYTES: usize = 1 << 20;

/// The versions that are written, the oldest first.
const VERSIONS: [u16; 4] = [
    VERSION_TRANSCRIBED_MIN,
    VERSION_FUNCTIONS_MIN,
    VERSION_REDIS_MAX,
    VERSION_VALKEY,
];

/// The data on its way into a file.
struct Copy<'f> {
    version: u16,
    file: &'f mut NewFile,
    writer: FileWriter,
    records: Writer,
    out: Vec<u8>,
    /// Facts that were read while the beginning was not written.
    facts: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    bytes: u64,
    keys: u64,
    empty: u64,
    refused: Option<(Inexpressible, String)>,
}

/// Writes the file anew.
pub(super) fn run(convert: &Convert) -> Result<(), Failure> {
    let versions: &[u16] = match convert.version {
        Version::AsServer => &[VERSION_REDIS_MAX, VERSION_VALKEY],
        Version::Oldest => &VERSIONS,
        Version::Exactly(version) if VERSIONS.contains(&version) => &[version],
        Version::Exactly(version) => {
            let text = format!(
                "Version {version} is not written; there are {VERSIONS:?}, of Redis 5.0, \
                 Redis 7.0, Redis 7.2 (and Valkey up to 8.1) and Valkey 9.0"
            );
            return Err(UsageError::new(text).into());
        }
    };
    let mut file = NewFile::create(&convert.to, convert.existing)?;
    let mut refused = None;
    for version in versions {
        file.start_over()?;
        match attempt(convert, *version, &mut file)? {
            Ok(done) => {
                file.finish()?;
                return say(&done);
            }
            Err(reason) => refused = Some(reason),
        }
    }
    Err(Failure::Reply(refused.unwrap_or_default()))
}

/// Tries a version; what cannot be expressed in it is told.
fn attempt(
    convert: &Convert,
    version: u16,
    file: &mut NewFile,
) -> Result<Result<String, String>, Failure> {
    let mut from = RdbFile::open(&convert.from, &convert.keys)?;
    let compression = match convert.compresses {
        true => Compression::Lzf,
        false => Compression::None,
    };
    let mut copy = Copy {
        version,
        file,
        writer: FileWriter::new(version, compression, convert.sums),
        records: Writer::noting_texts(),
        out: Vec::new(),
        facts: Some(Vec::new()),
        bytes: 0,
        keys: 0,
        empty: 0,
        refused: None,
    };
    let walked = from.walk(&mut copy);
    let name = from.name().to_owned();
    if let Some((reason, what)) = copy.refused {
        let text = format!("{name}: version {version} cannot express {what}: {reason}");
        return Ok(Err(text));
    }
    if let Some(damage) = walked? {
        return Err(refusal(&name, &damage));
    }
    let to = path_text(&convert.to);
    let mut text = format!(
        "{to}: RDB version {version}, {} keys, {}\n",
        copy.keys,
        bytes_text(copy.bytes)
    );
    if copy.empty > 0 {
        let empty = copy.empty;
        text.push_str(&format!(
            "{empty} keys without elements were left out, which cannot be\n"
        ));
    }
    Ok(Ok(text))
}

fn refusal(name: &str, damage: &Damage) -> Failure {
    Failure::Reply(format!("{name}: {damage}; nothing was written"))
}

impl Visitor for Copy<'_> {
    fn event(&mut self, event: FileEvent<'_>) -> Result<(), Failure> {
        match (&event, &mut self.facts) {
            (FileEvent::Begin(_), _) => return Ok(()),
            (FileEvent::Fact(name, value), Some(facts)) => {
                facts.push((bytes_of(name), bytes_of(value)));
                return Ok(());
            }
            _ => self.begin(),
        }
        let what = match &event {
            FileEvent::Key(record) => {
                self.keys = self.keys.saturating_add(1);
                Some(bytes_of(&record.key))
            }
            FileEvent::Empty(_) => {
                self.empty = self.empty.saturating_add(1);
                None
            }
            FileEvent::End { .. } => {
                self.hand_over();
                self.writer.end(&mut self.out);
                return self.write_out();
            }
            _ => None,
        };
        transcribe(event, self.version, &mut self.records).map_err(|reason| {
            let what = what.map_or_else(
                || "the functions".to_owned(),
                |key| format!("the key '{}'", terminal::escape_line(&key)),
            );
            self.refused = Some((reason, what));
            Failure::Reply(String::new())
        })
    }

    fn passed(&mut self, _: Range<u64>, _: &mut Vec<u8>) -> Result<(), Failure> {
        if self.records.bytes().len() < WRITE_BYTES {
            return Ok(());
        }
        self.hand_over();
        self.write_out()
    }
}

impl Copy<'_> {
    /// Writes the beginning, unless that was done: facts that a server writes are written as it
    /// does, others as they were.
    fn begin(&mut self) {
        let Some(read) = self.facts.take() else {
            return;
        };
        let mut facts = Facts {
            server_version: version::VALKEY.into(),
            ..Facts::default()
        };
        let mut replication = ReplicationFacts::default();
        let mut others = Vec::new();
        for (name, value) in &read {
            let number = || std::str::from_utf8(value).ok()?.parse::<i64>().ok();
            match name.as_slice() {
                b"redis-ver" | b"valkey-ver" | b"redis-bits" => {}
                b"ctime" => facts.created_s = number().unwrap_or(0),
                b"used-mem" => {
                    let bytes = number().and_then(|number| u64::try_from(number).ok());
                    facts.used_memory_bytes = bytes.unwrap_or(0);
                }
                b"aof-base" | b"aof-preamble" => facts.is_aof_base = number() == Some(1),
                b"repl-stream-db" => replication.stream_db = number().unwrap_or(0),
                b"repl-offset" => replication.offset = number().unwrap_or(0),
                b"repl-id" => replication.id.clone_from(value),
                _ => others.push((name, value)),
            }
        }
        facts.replication = (!replication.id.is_empty()).then_some(replication);
        self.writer.begin(&facts, &mut self.out);
        for (name, value) in others {
            let fact = FileEvent::Fact(Text::Plain(name), Text::Plain(value));
            // Every version has facts.
            let _ = transcribe(fact, self.version, &mut self.records);
        }
    }

    fn hand_over(&mut self) {
        self.writer
            .records(self.records.bytes(), self.records.texts(), &mut self.out);
        self.records.clear();
    }

    fn write_out(&mut self) -> Result<(), Failure> {
        self.file.write(&self.out)?;
        self.bytes = self.bytes.saturating_add(self.out.len() as u64);
        self.out.clear();
        Ok(())
    }
}
