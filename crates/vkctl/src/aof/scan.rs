//! Reading one file of a log from its beginning to what is wrong with it. It is read by what the
//! server reads it with, so that both agree on what is good.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::Path;

use vk_persist::{LogEvent, LogFault, LogReader};
use vk_resp::OwnedRequest;

use super::{Part, kind};
use crate::error::Failure;
use crate::modes::say;
use crate::new_file::{file_failure, path_text};
use crate::progress::Progress;
use crate::rdb::{self, RdbFile};
use crate::sealed::{Input, KeySource};
use crate::terminal;

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// Bytes of an unknown command's name that are told.
const NAME_BYTES_MAX: usize = 64;

/// What was found.
#[derive(Debug)]
pub(super) struct Scan {
    /// The file as it was then.
    pub(super) facts: Metadata,
    pub(super) size: u64,
    /// It is encrypted: all places are those of what is in it.
    pub(super) is_sealed: bool,
    /// Bytes up to the end of the last thing that is whole.
    pub(super) good: u64,
    /// The line of the commands where reading ended, from 1 on.
    pub(super) line: u64,
    pub(super) verdict: Verdict,
    pub(super) contents: Contents,
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With something whole.
    Whole,
    /// From here on it was written after the time that was asked for; what follows was not read.
    Later { offset: u64 },
    /// Not as it should.
    Broken(Trouble),
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Here is no command.
    Format { offset: u64 },
    /// It ends in a command that begins here.
    Truncated { offset: u64 },
    /// It ends in a transaction.
    Unended { offset: u64 },
    /// Here ends a transaction that was not begun.
    Unbegun { offset: u64 },
    /// Behind this place an encrypted file is not what was written.
    Changed { offset: u64 },
    /// A signed list says that more follows.
    Missing { offset: u64, bytes: u64 },
}

/// What is in a file.
#[derive(Debug, Default)]
pub(super) struct Contents {
    commands: u64,
    transactions: u64,
    /// The first and the last time that is noted.
    times: Option<(i64, i64)>,
    unknown: u64,
    /// Name and place of the first command that is not known.
    first_unknown: Option<(String, u64)>,
}

impl Trouble {
    /// What is said of it.
    pub(super) fn line(&self, name: &str) -> String {
        let (offset, text) = match self {
            Self::Format { .. } => return format!("AOF {name} format error\n"),
            Self::Truncated { offset } => (offset, "Unexpected end of file".to_owned()),
            Self::Unended { offset } => (
                offset,
                "Reached EOF before reading EXEC for MULTI".to_owned(),
            ),
            Self::Unbegun { offset } => (offset, format!("Unexpected EXEC in AOF {name}")),
            Self::Changed { offset } => {
                let text = format!("What follows in AOF {name} is not what was written");
                (offset, text)
            }
            Self::Missing { offset, bytes } => {
                let text = format!("AOF {name} was cut off: {bytes} bytes of it were written");
                (offset, text)
            }
        };
        format!("0x{offset:16x}: {text}\n")
    }
}

impl Scan {
    /// Reads a file; with `until` only up to what was written after that Unix time.
    pub(super) fn read(
        part: &Part<'_>,
        keys: &KeySource,
        until: Option<i64>,
    ) -> Result<Self, Failure> {
        let path = part.path;
        let is_snapshot = kind::is_snapshot(path, keys)?;
        let failed = |error| file_failure(path, &error);
        let facts = fs::metadata(path).map_err(failed)?;
        let (mut input, bytes) = Input::open(path, keys)?;
        let is_sealed = input.is_sealed();
        if let Some(note) = part.list.and_then(|list| list.note(path)) {
            input.expect(note, path)?;
        }
        let mut log = if is_snapshot {
            after_snapshot(part, input, bytes)?
        } else {
            let progress = Progress::new(part.name.clone(), bytes);
            Log::new(input, 0, Vec::new(), progress)
        };
        let begin = log.reader.good();
        let mut contents = Contents::default();
        let verdict = log.go_through(until, &mut contents).map_err(failed)?;
        let good = match verdict {
            Verdict::Later { offset } | Verdict::Broken(Trouble::Unbegun { offset }) => offset,
            _ => log.reader.good(),
        };
        // What is encrypted is told by the places of its contents.
        let size = if is_sealed { log.end } else { bytes };
        let end = match verdict {
            Verdict::Broken(Trouble::Format { offset }) => offset,
            Verdict::Later { offset } => offset,
            _ => size,
        };
        drop(log);
        Ok(Self {
            line: lines(path, keys, begin, end)?.saturating_add(1),
            facts,
            size,
            is_sealed,
            good,
            verdict,
            contents,
        })
    }
}

/// The commands of a file.
struct Log {
    reader: LogReader,
    input: Input<File>,
    /// Bytes that were read, those of a snapshot too.
    end: u64,
    buffer: Vec<u8>,
    progress: Progress,
    known: HashSet<String>,
}

/// A file that begins with a snapshot, behind it.
fn after_snapshot(part: &Part<'_>, input: Input<File>, bytes: u64) -> Result<Log, Failure> {
    let mut snapshot = RdbFile::new(part.name.clone(), input, bytes);
    if !rdb::check(&mut snapshot)? {
        let text = "RDB preamble of AOF file is not sane, aborting.";
        return Err(Failure::Reply(text.to_owned()));
    }
    say("RDB preamble is OK, proceeding with AOF tail...\n")?;
    let tail = snapshot.into_tail();
    Ok(Log::new(tail.input, tail.offset, tail.read, tail.progress))
}

impl Log {
    fn new(input: Input<File>, offset: u64, read: Vec<u8>, progress: Progress) -> Self {
        let mut reader = LogReader::new(offset);
        reader.feed(&read);
        let names = vk_engine::specs().map(|command| command.spec.name.to_ascii_lowercase());
        Self {
            reader,
            input,
            end: offset.saturating_add(read.len() as u64),
            buffer: vec![0; READ_BYTES],
            progress,
            known: names.collect(),
        }
    }

    fn go_through(
        &mut self,
        until: Option<i64>,
        contents: &mut Contents,
    ) -> std::io::Result<Verdict> {
        loop {
            let offset = self.reader.good();
            match self.reader.poll() {
                Ok(LogEvent::Group { commands, .. }) => {
                    if is_lone_exec(&commands) {
                        return Ok(Verdict::Broken(Trouble::Unbegun { offset }));
                    }
                    self.count(&commands, offset, contents);
                }
                Ok(LogEvent::Time(time)) => {
                    if until.is_some_and(|until| time > until) {
                        return Ok(Verdict::Later { offset });
                    }
                    let first = contents.times.map_or(time, |(first, _)| first);
                    contents.times = Some((first, time));
                }
                Ok(LogEvent::More) => match self.read() {
                    Ok(true) => {}
                    Ok(false) => return Ok(self.verdict(offset)),
                    Err(_) if self.input.is_changed() => {
                        return Ok(Verdict::Broken(Trouble::Changed { offset }));
                    }
                    Err(error) => return Err(error),
                },
                Ok(_) => {}
                Err(LogFault::Format(offset)) => {
                    return Ok(Verdict::Broken(Trouble::Format { offset }));
                }
                Err(_) => return Ok(self.verdict(offset)),
            }
        }
    }

    fn verdict(&self, offset: u64) -> Verdict {
        match self.reader.finish() {
            Ok(()) if self.input.is_torn() => Verdict::Broken(Trouble::Truncated { offset }),
            Ok(()) => match self.input.missing() {
                Some(closed) => Verdict::Broken(Trouble::Missing {
                    offset,
                    bytes: closed.bytes,
                }),
                None => Verdict::Whole,
            },
            Err(_) if self.reader.is_in_transaction() => {
                Verdict::Broken(Trouble::Unended { offset })
            }
            Err(_) => Verdict::Broken(Trouble::Truncated { offset }),
        }
    }

    /// Reads on; `false` at the end.
    fn read(&mut self) -> std::io::Result<bool> {
        let count = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.progress.advance(count);
        self.end = self.end.saturating_add(count as u64);
        self.reader
            .feed(self.buffer.get(..count).unwrap_or_default());
        Ok(count > 0)
    }

    fn count(&self, commands: &[OwnedRequest], offset: u64, contents: &mut Contents) {
        contents.commands = contents.commands.saturating_add(commands.len() as u64);
        let is_transaction = commands.len() > 1;
        contents.transactions = contents.transactions.saturating_add(is_transaction.into());
        for command in commands {
            let name = command.view().arg(0).unwrap_or_default();
            let is_ours = std::str::from_utf8(name)
                .is_ok_and(|name| self.known.contains(&name.to_ascii_lowercase()));
            if !is_ours {
                contents.unknown = contents.unknown.saturating_add(1);
                let name = name.get(..NAME_BYTES_MAX).unwrap_or(name);
                let first = (terminal::escape_line(name), offset);
                contents.first_unknown.get_or_insert(first);
            }
        }
    }
}

fn is_lone_exec(commands: &[OwnedRequest]) -> bool {
    match commands {
        [command] => command
            .view()
            .arg(0)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"exec")),
        _ => false,
    }
}

/// The ends of lines between two places of a file.
fn lines(path: &Path, keys: &KeySource, begin: u64, end: u64) -> Result<u64, Failure> {
    let (mut input, _) = Input::open(path, keys)?;
    let count = || -> std::io::Result<u64> {
        std::io::copy(&mut input.by_ref().take(begin), &mut std::io::sink())?;
        let mut rest = input.take(end.saturating_sub(begin));
        let mut buffer = vec![0; READ_BYTES];
        let mut lines = 0_u64;
        loop {
            let read = match rest.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(lines);
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
            lines = lines.saturating_add(ends as u64);
        }
    };
    count().map_err(|error| file_failure(path, &error))
}

impl Contents {
    /// What is in the file, for people.
    pub(super) fn text(&self) -> String {
        let (commands, transactions) = (self.commands, self.transactions);
        let mut text = format!("[info] {commands} commands, {transactions} transactions\n");
        if let Some((first, last)) = self.times {
            text.push_str(&format!("[info] times are noted from {first} to {last}\n"));
        }
        text
    }

    /// A file is of no use to a server that does not know its commands.
    pub(super) fn refuse_unknown(&self, file: &str) -> Result<(), Failure> {
        let Some((name, offset)) = &self.first_unknown else {
            return Ok(());
        };
        let unknown = self.unknown;
        Err(Failure::Reply(format!(
            "AOF {file} has {unknown} commands that this version does not know; the first is \
             '{name}' at offset {offset}"
        )))
    }
}

/// Whether a file is still the one that was read.
pub(super) fn is_unchanged(path: &Path, scan: &Scan) -> Result<bool, Failure> {
    use std::os::unix::fs::MetadataExt;
    let now = fs::metadata(path).map_err(|error| file_failure(path, &error))?;
    let before = &scan.facts;
    Ok(now.ino() == before.ino()
        && now.len() == before.len()
        && (now.mtime(), now.mtime_nsec()) == (before.mtime(), before.mtime_nsec()))
}

/// A failure that names the file.
pub(super) fn changed(path: &Path) -> Failure {
    let path = path_text(path);
    Failure::Reply(format!(
        "{path} has changed since it was read: is a server running? Nothing was cut off"
    ))
}
