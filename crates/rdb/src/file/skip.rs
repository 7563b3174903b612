//! Finding the end of a record that has not arrived as a whole. Goes over each byte once however
//! the record is cut, and looks at nothing but lengths; what is in it is checked afterwards.

use alloc::vec::Vec;

use super::opcode;
use crate::{Length, RdbError, Reader, ValueCode};

/// A piece of a record.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// A number in the form of a length.
    Number,
    /// A string.
    Text,
    /// So many bytes.
    Fixed(usize),
    /// A double as text.
    DoubleText,
    /// A number, and these parts as often.
    Repeat(&'static [Self]),
}

use self::Part::{DoubleText, Fixed, Number, Repeat, Text};

const TEXT: &[Part] = &[Text];
const TEXTS: &[Part] = &[Repeat(&[Text])];
const PAIRS: &[Part] = &[Repeat(&[Text, Text])];
const EXPIRING: &[Part] = &[Repeat(&[Text, Text, Fixed(8)])];
const SCORED: &[Part] = &[Repeat(&[Text, Fixed(8)])];
const SCORED_TEXT: &[Part] = &[Repeat(&[Text, DoubleText])];
const NODES: &[Part] = &[Repeat(&[Number, Text])];
/// Identifier, time, deliveries.
const PENDING: Part = Repeat(&[Fixed(16), Fixed(8), Number]);
const OWNED: Part = Repeat(&[Fixed(16)]);
const CONSUMERS: Part = Repeat(&[Text, Fixed(8), OWNED]);
const CONSUMERS_3: Part = Repeat(&[Text, Fixed(8), Fixed(8), OWNED]);
const STREAM_1: &[Part] = &[
    Repeat(&[Text, Text]),
    Number,
    Number,
    Number,
    Repeat(&[Text, Number, Number, PENDING, CONSUMERS]),
];
const STREAM_2: &[Part] = &stream(Repeat(&[Text, Number, Number, Number, PENDING, CONSUMERS]));
const STREAM_3: &[Part] = &stream(Repeat(&[
    Text,
    Number,
    Number,
    Number,
    PENDING,
    CONSUMERS_3,
]));

/// A stream since 7.0. The numbers: length; last, first and highest deleted identifier; entries
/// added.
const fn stream(groups: Part) -> [Part; 10] {
    let nodes = Repeat(&[Text, Text]);
    [
        nodes, Number, Number, Number, Number, Number, Number, Number, Number, groups,
    ]
}

const fn parts_of(code: ValueCode) -> &'static [Part] {
    match code {
        ValueCode::String
        | ValueCode::HashZipmap
        | ValueCode::ListZiplist
        | ValueCode::SetIntset
        | ValueCode::ZSetZiplist
        | ValueCode::HashZiplist
        | ValueCode::HashListpack
        | ValueCode::ZSetListpack
        | ValueCode::SetListpack => TEXT,
        ValueCode::List | ValueCode::Set | ValueCode::ListQuicklist => TEXTS,
        ValueCode::Hash => PAIRS,
        ValueCode::HashExpiring => EXPIRING,
        ValueCode::ZSet => SCORED,
        ValueCode::ZSetText => SCORED_TEXT,
        ValueCode::ListQuicklist2 => NODES,
        ValueCode::Stream1 => STREAM_1,
        ValueCode::Stream2 => STREAM_2,
        ValueCode::Stream3 => STREAM_3,
    }
}

/// The parts of a record that is no key.
const fn parts_of_opcode(code: u8) -> Option<&'static [Part]> {
    Some(match code {
        opcode::AUX => &[Text, Text],
        opcode::FUNCTION => TEXT,
        opcode::SELECT_DB | opcode::IDLE => &[Number],
        opcode::RESIZE_DB => &[Number, Number],
        opcode::SLOT_INFO => &[Number, Number, Number],
        opcode::FREQ => &[Fixed(1)],
        opcode::EXPIRE_S => &[Fixed(4)],
        opcode::EXPIRE_MS | opcode::EOF => &[Fixed(8)],
        _ => return None,
    })
}

/// Parts that are gone through a number of times.
#[derive(Clone, Copy, Debug)]
struct Level {
    parts: &'static [Part],
    at: usize,
    rounds: u64,
}

/// A record on its way.
#[derive(Clone, Debug)]
pub(super) struct Skip {
    /// Bytes of the record that were gone over.
    done: usize,
    /// Bytes that have to be there before it is worth going on.
    wanted: usize,
    levels: Vec<Level>,
}

impl Skip {
    /// A record that begins with this byte; `None` if it has no known form.
    pub(super) fn new(code: u8) -> Option<Self> {
        let mut levels = Vec::new();
        let rounds = 1;
        let at = 0;
        if let Some(parts) = parts_of_opcode(code) {
            levels.push(Level { parts, at, rounds });
        } else {
            let parts = parts_of(ValueCode::of(code)?);
            levels.push(Level { parts, at, rounds });
            let parts = TEXT;
            levels.push(Level { parts, at, rounds });
        }
        Some(Self {
            done: 1,
            wanted: 0,
            levels,
        })
    }

    /// Bytes of the record that were gone over: all of them once it is complete.
    pub(super) const fn bytes(&self) -> usize {
        self.done
    }

    /// Goes on over `record`, all of it that is there, from its first byte; whether its end is.
    ///
    /// # Errors
    /// A length has no valid form.
    pub(super) fn is_complete(&mut self, record: &[u8]) -> Result<bool, RdbError> {
        if record.len() < self.wanted {
            return Ok(false);
        }
        loop {
            let Some(level) = self.levels.last_mut() else {
                return Ok(true);
            };
            if level.rounds == 0 {
                self.levels.pop();
                continue;
            }
            let Some(part) = level.parts.get(level.at).copied() else {
                level.at = 0;
                level.rounds -= 1;
                continue;
            };
            let rest = record.get(self.done..).unwrap_or_default();
            let mut reader = Reader::new(rest);
            let rounds = match step(part, &mut reader) {
                Ok(rounds) => rounds,
                Err(Stop::More(bytes)) => {
                    self.wanted = self.done.saturating_add(bytes);
                    return Ok(false);
                }
                Err(Stop::Wrong(error)) => return Err(error),
            };
            self.done += rest.len() - reader.left();
            level.at += 1;
            if let Repeat(parts) = part {
                let at = 0;
                self.levels.push(Level { parts, at, rounds });
            }
        }
    }
}

/// Why a part cannot be gone over.
enum Stop {
    /// It needs so many bytes, at least.
    More(usize),
    Wrong(RdbError),
}

impl From<RdbError> for Stop {
    fn from(error: RdbError) -> Self {
        match error {
            RdbError::Truncated => Self::More(0),
            error => Self::Wrong(error),
        }
    }
}

/// Goes over one part; for one that repeats, how often.
fn step(part: Part, reader: &mut Reader<'_>) -> Result<u64, Stop> {
    let before = reader.left();
    let fixed = match part {
        Number => {
            reader.number()?;
            0
        }
        Repeat(_) => return Ok(reader.number()?),
        Fixed(bytes) => bytes,
        DoubleText => match reader.byte()? {
            253.. => 0,
            len => len.into(),
        },
        Text => text_bytes(reader)?,
    };
    if fixed > reader.left() {
        return Err(Stop::More((before - reader.left()).saturating_add(fixed)));
    }
    reader.take(fixed)?;
    Ok(0)
}

/// Bytes of a string behind its length.
fn text_bytes(reader: &mut Reader<'_>) -> Result<usize, Stop> {
    let bytes = match reader.length()? {
        Length::Plain(len) => len,
        Length::Special(0) => 1,
        Length::Special(1) => 2,
        Length::Special(2) => 4,
        Length::Special(3) => {
            let packed = reader.number()?;
            reader.number()?;
            packed
        }
        Length::Special(kind) => return Err(Stop::Wrong(RdbError::Encoding(kind))),
    };
    usize::try_from(bytes).map_err(|_| Stop::Wrong(RdbError::Length))
}
