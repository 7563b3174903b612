//! Reading files that arrive in pieces. A record is read when all of it is there; what it means for
//! the databases is the reader's user's business.

use alloc::vec::Vec;

use vk_data::value::NewValue;

use super::skip::Skip;
use super::{FileError, FileFault, VERSION_CHECKSUM, opcode};
use crate::{
    Crc64, LoadLimits, Loaded, RdbError, Reader, Text, VERSION_REDIS_MAX, VERSION_VALKEY,
    ValueCode, load,
};

/// Bytes of the signature with the version.
const HEADER_BYTES: usize = 9;
/// The codes of values that only modules read.
const MODULE_CODES: [u8; 2] = [6, 7];
/// Room that is kept though nothing is in it.
const ROOM_BYTES_MAX: usize = 4 << 20;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// The checksum has to be right, or 0, which says that there is none.
    pub checks_sum: bool,
    /// Files of versions that are unknown are tried.
    pub takes_any_version: bool,
}

/// Something that a file says.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileEvent<'a> {
    /// It begins; the version of the format.
    Begin(u16),
    /// A fact about it.
    Fact(Text<'a>, Text<'a>),
    /// The keys that follow are of this database.
    SelectDb(u64),
    /// That database has so many keys, and so many of them expire. A hint.
    Size {
        /// All keys.
        keys: u64,
        /// Those that expire.
        volatile: u64,
    },
    /// A library of functions.
    Function(Text<'a>),
    /// A key.
    Key(KeyRecord<'a>),
    /// A key whose value has no elements, which cannot be.
    Empty(Text<'a>),
    /// It ends. The checksum is right, or there is none.
    End {
        /// There is one.
        has_checksum: bool,
    },
}

/// A key with its value.
#[derive(Debug)]
pub struct KeyRecord<'a> {
    /// Its name.
    pub key: Text<'a>,
    /// When it expires, in Unix milliseconds.
    pub expire_ms: Option<i64>,
    /// How it was used.
    pub last_use: Option<RecordUse>,
    /// Its value.
    pub value: RecordValue<'a>,
}

/// A record of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordUse {
    /// Seconds since the last one.
    Idle(u64),
    /// A logarithmic counter.
    Frequency(u8),
}

/// A value that was read.
#[derive(Debug)]
pub enum RecordValue<'a> {
    /// A string.
    Text(Text<'a>),
    /// A collection.
    Loaded(Loaded),
}

impl RecordValue<'_> {
    /// Hands the value to whoever stores it.
    pub fn store<R>(self, store: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self {
            Self::Loaded(loaded) => loaded.store(store),
            Self::Text(text) => match (text.int(), text) {
                (Some(value), _) => store(NewValue::Int(value)),
                (None, Text::Plain(bytes)) => store(NewValue::Bytes(bytes)),
                (None, text) => Loaded::String(text.into_vec()).store(store),
            },
        }
    }
}

/// A file that is being read.
///
/// Order: [`FileReader::feed`] with a piece, [`FileReader::next`] or [`FileReader::batch`] until
/// there is nothing more, and so on; [`FileReader::finish`] when no more pieces come. Nothing is
/// reserved beyond what was fed, and the work is linear in it however it is cut.
#[derive(Debug)]
pub struct FileReader {
    /// What was fed and is still needed.
    bytes: Vec<u8>,
    state: State,
}

#[derive(Debug)]
struct State {
    options: ReadOptions,
    /// Bytes of the file that are no longer kept.
    gone: u64,
    /// Where the next record begins in what is kept.
    at: usize,
    /// What is kept was summed up to here.
    summed: usize,
    sum: Crc64,
    phase: Phase,
    /// No more bytes come.
    is_finished: bool,
    version: u16,
    /// Belongs to the next key.
    expire_ms: Option<i64>,
    last_use: Option<RecordUse>,
    /// The next record, if it was found not to be there as a whole.
    skip: Option<Skip>,
    failure: Option<FileError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Header,
    Records,
    Ended,
}

/// What was found at the next place.
enum Step<'a> {
    Event(FileEvent<'a>),
    /// Something that belongs to the next key.
    Attribute,
    /// Not all of it is there.
    More,
}

impl FileReader {
    /// Before the first byte.
    #[must_use]
    pub fn new(options: ReadOptions) -> Self {
        let state = State {
            options,
            gone: 0,
            at: 0,
            summed: 0,
            sum: Crc64::new(),
            phase: Phase::Header,
            is_finished: false,
            version: 0,
            expire_ms: None,
            last_use: None,
            skip: None,
            failure: None,
        };
        Self {
            bytes: Vec::new(),
            state,
        }
    }

    /// The next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.state.forget(&mut self.bytes);
        self.bytes.extend_from_slice(bytes);
    }

    /// No more bytes come: what is not there now never will be.
    pub const fn finish(&mut self) {
        self.state.is_finished = true;
    }

    /// Whether the end was read.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state.phase == Phase::Ended
    }

    /// What was fed and is behind the end of the file.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.state.at..).unwrap_or_default()
    }

    /// Bytes of the file that were read.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.state.gone + self.state.at as u64
    }

    /// The next thing that the file says; `None` if more has to be fed, or after the end.
    ///
    /// # Errors
    /// What is wrong with the file. The same again from then on.
    pub fn next(&mut self, limits: &LoadLimits) -> Result<Option<FileEvent<'_>>, FileError> {
        let Self { bytes, state } = self;
        state.next(bytes, limits)
    }

    /// As [`FileReader::next`], up to `events_max` at once. An error comes after all that precedes
    /// it was handed out.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn batch(
        &mut self,
        limits: &LoadLimits,
        events_max: usize,
    ) -> Result<Vec<FileEvent<'_>>, FileError> {
        let Self { bytes, state } = self;
        let mut events = Vec::new();
        while events.len() < events_max {
            match state.next(bytes, limits) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) if events.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(events)
    }
}

impl State {
    /// Drops what was read, if it is worth the copy of the rest.
    fn forget(&mut self, bytes: &mut Vec<u8>) {
        if self.at < bytes.len().div_ceil(2) {
            return;
        }
        self.add_up(bytes);
        bytes.drain(..self.at);
        self.gone += self.at as u64;
        (self.at, self.summed) = (0, 0);
        if bytes.is_empty() && bytes.capacity() > ROOM_BYTES_MAX {
            *bytes = Vec::new();
        }
    }

    /// Sums what was read.
    fn add_up(&mut self, bytes: &[u8]) {
        if self.options.checks_sum && self.phase != Phase::Ended {
            self.sum
                .update(bytes.get(self.summed..self.at).unwrap_or_default());
        }
        self.summed = self.at;
    }

    fn next<'b>(
        &mut self,
        bytes: &'b [u8],
        limits: &LoadLimits,
    ) -> Result<Option<FileEvent<'b>>, FileError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let step = match self.phase {
                Phase::Header => self.header(rest),
                Phase::Records => self.step(bytes, rest, limits),
                Phase::Ended => return Ok(None),
            };
            let fault = match step {
                Ok(Step::Event(event)) => return Ok(Some(event)),
                Ok(Step::Attribute) => continue,
                Ok(Step::More) if !self.is_finished => return Ok(None),
                Ok(Step::More) => FileFault::Truncated,
                Err(fault) => fault,
            };
            let error = FileError {
                offset: self.gone + self.at as u64,
                fault,
            };
            self.failure = Some(error);
            return Err(error);
        }
    }

    fn header<'b>(&mut self, rest: &'b [u8]) -> Result<Step<'b>, FileFault> {
        let Some(header) = rest.first_chunk::<HEADER_BYTES>() else {
            let is_start = b"REDIS".starts_with(rest.get(..5).unwrap_or(rest))
                || b"VALKEY".starts_with(rest.get(..6).unwrap_or(rest));
            return if is_start {
                Ok(Step::More)
            } else {
                Err(FileFault::Signature)
            };
        };
        let of_valkey = header.strip_prefix(b"VALKEY");
        let digits = of_valkey.or_else(|| header.strip_prefix(b"REDIS"));
        let version = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_digit))
            .map(number_of)
            .ok_or(FileFault::Signature)?;
        let is_known = if of_valkey.is_some() {
            version == VERSION_VALKEY
        } else {
            (1..=VERSION_REDIS_MAX).contains(&version)
        };
        if !is_known && (!self.options.takes_any_version || version == 0) {
            return Err(FileFault::Version(version));
        }
        self.version = version;
        self.at += HEADER_BYTES;
        self.phase = Phase::Records;
        Ok(Step::Event(FileEvent::Begin(version)))
    }

    fn step<'b>(
        &mut self,
        bytes: &'b [u8],
        rest: &'b [u8],
        limits: &LoadLimits,
    ) -> Result<Step<'b>, FileFault> {
        let Some(code) = rest.first().copied() else {
            return Ok(Step::More);
        };
        let mut record = rest;
        if let Some(skip) = &mut self.skip {
            if !skip.is_complete(rest)? {
                return Ok(Step::More);
            }
            record = rest.get(..skip.bytes()).unwrap_or(rest);
            self.skip = None;
        }
        let mut reader = Reader::new(record);
        let result = reader
            .byte()
            .map_err(FileFault::Record)
            .and_then(|code| self.record(code, &mut reader, limits));
        let error = match result {
            Ok(None) => return self.end(bytes, rest),
            Ok(Some(Step::More)) => return Ok(Step::More),
            Ok(Some(step)) => {
                self.at += record.len() - reader.left();
                return Ok(step);
            }
            Err(FileFault::Record(error)) => error,
            Err(fault) => return Err(fault),
        };
        // It is wrong, or not all of it is there: a count beyond what is there is wrong too.
        let Some(mut skip) = Skip::new(code) else {
            return Err(FileFault::Opcode(code));
        };
        if skip.is_complete(rest)? {
            if record.len() == skip.bytes() {
                return Err(FileFault::Record(error));
            }
            // What is behind it has no say in what is wrong with it.
            self.skip = Some(skip);
            return self.step(bytes, rest, limits);
        }
        self.skip = Some(skip);
        Ok(Step::More)
    }

    /// One record behind its code; `None` for the end.
    fn record<'b>(
        &mut self,
        code: u8,
        reader: &mut Reader<'b>,
        limits: &LoadLimits,
    ) -> Result<Option<Step<'b>>, FileFault> {
        let event = match code {
            opcode::EXPIRE_S => {
                let seconds = i32::from_le_bytes(reader.array()?);
                self.expire_ms = Some(i64::from(seconds) * 1000);
                return Ok(Some(Step::Attribute));
            }
            opcode::EXPIRE_MS => {
                self.expire_ms = Some(reader.time_ms()?);
                return Ok(Some(Step::Attribute));
            }
            opcode::FREQ => {
                let count = reader.byte()?;
                self.last_use = Some(RecordUse::Frequency(count));
                return Ok(Some(Step::Attribute));
            }
            opcode::IDLE => {
                let seconds = reader.number()?;
                self.last_use = Some(RecordUse::Idle(seconds));
                return Ok(Some(Step::Attribute));
            }
            opcode::SLOT_INFO => {
                for _ in 0..3 {
                    reader.number()?;
                }
                return Ok(Some(Step::Attribute));
            }
            opcode::EOF => return Ok(None),
            opcode::FUNCTION_PRE_GA => return Err(FileFault::FunctionPreRelease),
            opcode::SLOT_IMPORT => return Err(FileFault::SlotImport),
            opcode::MODULE_AUX => return self.module(reader.number()).map(Some),
            code if MODULE_CODES.contains(&code) => {
                let id = reader.string().and_then(|_| reader.number());
                return self.module(id).map(Some);
            }
            _ => self.told(code, reader, limits)?,
        };
        Ok(Some(Step::Event(event)))
    }

    fn told<'b>(
        &mut self,
        code: u8,
        reader: &mut Reader<'b>,
        limits: &LoadLimits,
    ) -> Result<FileEvent<'b>, FileFault> {
        let mut read = || {
            Ok(match code {
                opcode::AUX => FileEvent::Fact(reader.string()?, reader.string()?),
                opcode::FUNCTION => FileEvent::Function(reader.string()?),
                opcode::SELECT_DB => FileEvent::SelectDb(reader.number()?),
                opcode::RESIZE_DB => FileEvent::Size {
                    keys: reader.number()?,
                    volatile: reader.number()?,
                },
                code => {
                    let code = ValueCode::of(code).ok_or(RdbError::Type(code))?;
                    if code == ValueCode::HashExpiring && self.version < VERSION_VALKEY {
                        return Err(RdbError::Type(code as u8));
                    }
                    let key = reader.string()?;
                    let value = match code {
                        ValueCode::String => RecordValue::Text(reader.string()?),
                        code => match load(code, reader, limits) {
                            Err(RdbError::Empty) => {
                                (self.expire_ms, self.last_use) = (None, None);
                                return Ok(FileEvent::Empty(key));
                            }
                            loaded => RecordValue::Loaded(loaded?),
                        },
                    };
                    FileEvent::Key(KeyRecord {
                        key,
                        expire_ms: self.expire_ms.take(),
                        last_use: self.last_use.take(),
                        value,
                    })
                }
            })
        };
        match read() {
            Err(RdbError::Type(code)) => Err(FileFault::Opcode(code)),
            told => told.map_err(FileFault::Record),
        }
    }

    /// Refuses what only a module can read, by the name of its type.
    fn module<'b>(&self, id: Result<u64, RdbError>) -> Result<Step<'b>, FileFault> {
        match id {
            Err(RdbError::Truncated) if !self.is_finished => Ok(Step::More),
            id => Err(FileFault::Module(module_name(id?))),
        }
    }

    fn end<'b>(&mut self, bytes: &'b [u8], rest: &'b [u8]) -> Result<Step<'b>, FileFault> {
        let mut stored = 0;
        let mut sum_bytes = 0;
        if self.version >= VERSION_CHECKSUM {
            let Some(sum) = rest.get(1..).and_then(|rest| rest.first_chunk()) else {
                return Ok(Step::More);
            };
            stored = u64::from_le_bytes(*sum);
            sum_bytes = sum.len();
        }
        self.at += 1;
        self.add_up(bytes);
        let computed = self.sum.value();
        if self.options.checks_sum && stored != 0 && stored != computed {
            return Err(FileFault::Checksum { computed, stored });
        }
        self.at += sum_bytes;
        self.phase = Phase::Ended;
        let has_checksum = stored != 0;
        Ok(Step::Event(FileEvent::End { has_checksum }))
    }
}

/// The decimal number of a header, which may begin with zeros.
fn number_of(digits: &[u8]) -> u16 {
    let add = |sum: u16, digit: &u8| sum.wrapping_mul(10).wrapping_add(u16::from(digit & 15));
    digits.iter().fold(0, add)
}

/// Nine characters of 6 bits each, then 10 bits of a version.
fn module_name(id: u64) -> [u8; 9] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut name = [b'?'; 9];
    let mut rest = id >> 10;
    for place in name.iter_mut().rev() {
        *place = ALPHABET.get((rest & 63) as usize).copied().unwrap_or(b'?');
        rest >>= 6;
    }
    name
}
