//! Reading a file from its first byte to its end: what it says goes to a visitor, what is wrong
//! with it is told with its place and key. Not what is made of it.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::path::Path;

use vk_rdb::{
    FileEvent, FileFault, FileReader, LoadLimits, RdbError, ReadOptions, Reader, Text, ValueCode,
};

use crate::error::{Failure, io_text};
use crate::new_file::path_text;
use crate::progress::Progress;
use crate::sealed::{Input, KeySource};
use crate::terminal;

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// Bytes that are collected for one write to standard output.
const PRINT_BYTES: usize = 64 << 10;

/// Room for the digits of an integer.
const DIGITS: usize = 20;

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct RdbFile<R> {
    name: String,
    input: R,
    reader: FileReader,
    limits: LoadLimits,
    buffer: Vec<u8>,
    /// What is to be printed.
    out: Vec<u8>,
    pub(crate) progress: Progress,
}

/// Takes what a file says.
pub(crate) trait Visitor {
    /// Something that it says.
    fn event(&mut self, event: FileEvent<'_>) -> Result<(), Failure>;
    /// All bytes of that, with what belongs to it. What is put into `out` is printed.
    fn passed(&mut self, record: Range<u64>, out: &mut Vec<u8>) -> Result<(), Failure>;
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Where the record begins that is wrong.
    pub(crate) offset: u64,
    pub(crate) fault: FileFault,
    /// The byte that stands before the record.
    pub(crate) code: Option<u8>,
    /// The key whose value is wrong.
    pub(crate) key: Option<Vec<u8>>,
}

/// What was behind the end of a file.
pub(crate) struct Tail<R> {
    /// Where the end was.
    pub(crate) offset: u64,
    /// What was read of it.
    pub(crate) read: Vec<u8>,
    /// The rest.
    pub(crate) input: R,
    pub(crate) progress: Progress,
}

impl RdbFile<Input<File>> {
    /// Opens a file, which may be encrypted.
    pub(crate) fn open(path: &Path, keys: &KeySource) -> Result<Self, Failure> {
        let (input, bytes) = Input::open(path, keys)?;
        Ok(Self::new(path_text(path), input, bytes))
    }
}

impl<R: Read> RdbFile<R> {
    /// A file of so many bytes; the name is for people.
    pub(crate) fn new(name: String, input: R, bytes: u64) -> Self {
        // Whoever wrote the file does not know it.
        let seed = [0, 1].map(|_| RandomState::new().build_hasher().finish());
        Self {
            progress: Progress::new(name.clone(), bytes),
            name,
            input,
            reader: FileReader::new(ReadOptions {
                checks_sum: true,
                takes_any_version: false,
            }),
            limits: LoadLimits::of_defaults(seed),
            buffer: vec![0; READ_BYTES],
            out: Vec::new(),
        }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Reads up to the end that the file marks, or to what is wrong with it.
    pub(crate) fn walk(&mut self, visitor: &mut dyn Visitor) -> Result<Option<Damage>, Failure> {
        let mut begun = 0;
        loop {
            let is_event = match self.reader.next(&self.limits) {
                Ok(Some(event)) => {
                    visitor.event(event)?;
                    true
                }
                Ok(None) => false,
                Err(error) => {
                    self.print()?;
                    let damage = Damage::new(error.offset, error.fault, self.reader.rest());
                    return Ok(Some(damage));
                }
            };
            if is_event {
                let end = self.reader.offset();
                visitor.passed(begun..end, &mut self.out)?;
                begun = end;
                if self.out.len() >= PRINT_BYTES {
                    self.print()?;
                }
            } else if self.reader.is_ended() {
                self.print()?;
                return Ok(None);
            } else {
                self.read()?;
            }
        }
    }

    fn read(&mut self) -> Result<(), Failure> {
        // What was said before is seen before a long wait.
        self.print()?;
        let count = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let count =
            count.map_err(|error| Failure::Reply(format!("{}: {}", self.name, io_text(&error))))?;
        if count == 0 {
            self.reader.finish();
        } else {
            self.progress.advance(count);
            self.reader
                .feed(self.buffer.get(..count).unwrap_or_default());
        }
        Ok(())
    }

    fn print(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        self.progress.clear();
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.out)?;
        stdout.flush()?;
        self.out.clear();
        Ok(())
    }

    /// What is behind the end, after it was reached.
    pub(crate) fn into_tail(self) -> Tail<R> {
        Tail {
            offset: self.reader.offset(),
            read: self.reader.rest().to_vec(),
            input: self.input,
            progress: self.progress,
        }
    }
}

impl Damage {
    fn new(offset: u64, fault: FileFault, record: &[u8]) -> Self {
        let is_record = !matches!(
            fault,
            FileFault::Signature | FileFault::Version(_) | FileFault::Checksum { .. }
        );
        let code = record.first().copied().filter(|_| is_record);
        let has_key = |code: u8| ValueCode::of(code).is_some() || matches!(code, 6 | 7);
        let key = code.filter(|code| has_key(*code)).and_then(|_| {
            let key = Reader::new(record.get(1..)?).string().ok()?;
            Some(bytes_of(&key))
        });
        Self {
            offset,
            fault,
            code,
            key,
        }
    }

    /// In one line what is wrong.
    pub(crate) fn text(&self) -> String {
        match self.fault {
            FileFault::Signature => "Wrong signature trying to load DB from file".to_owned(),
            FileFault::Version(version) => format!("Can't handle RDB format version {version}"),
            FileFault::Truncated | FileFault::Record(RdbError::Truncated) => {
                "Unexpected EOF reading RDB file".to_owned()
            }
            FileFault::Opcode(code) => format!("Invalid object type: {code}"),
            FileFault::Checksum { computed, stored } => {
                format!("RDB CRC error: the checksum is {computed:x}, the file has {stored:x}")
            }
            fault => terminal::escape_line(fault.to_string().as_bytes()),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.text(), self.offset)?;
        match &self.key {
            None => Ok(()),
            Some(key) => write!(f, ", key '{}'", terminal::escape_line(key)),
        }
    }
}

/// The bytes of a string.
pub(crate) fn bytes_of(text: &Text<'_>) -> Vec<u8> {
    text.bytes(&mut [0; DIGITS]).to_vec()
}

/// A string that can be printed.
pub(crate) fn shown(text: &Text<'_>) -> String {
    terminal::escape_line(text.bytes(&mut [0; DIGITS]))
}
