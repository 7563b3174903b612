//! Reading a log of commands: what is complete, what is a transaction, where the good part ends.

use alloc::vec::Vec;
use core::fmt;

use vk_data::num::parse_i64;
use vk_resp::{Batch, Limits, OwnedRequest, Parser};

/// What a log holds, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogEvent {
    /// Commands that belong together, in this database: one, or those of a transaction.
    Group {
        /// The database that the first of them applies to.
        db: u32,
        /// The commands.
        commands: Vec<OwnedRequest>,
    },
    /// The time at which what follows was written, in Unix seconds.
    Time(i64),
    /// More bytes are needed.
    More,
}

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFault {
    /// At this offset is no command.
    Format(u64),
    /// It ends in the middle of a command or of a transaction.
    Truncated,
}

impl fmt::Display for LogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(offset) => write!(f, "bad file format (at offset {offset})"),
            Self::Truncated => f.write_str("unexpected end of file"),
        }
    }
}

impl core::error::Error for LogFault {}

/// Limits of a log of our own: nothing is reserved for what is merely promised.
const LIMITS: Limits = Limits {
    args_max: i32::MAX as i64,
    bulk_bytes_max: u64::MAX >> 2,
    query_bytes_max: usize::MAX,
    ..Limits::DEFAULT
};
/// The longest annotation.
const NOTE_BYTES_MAX: usize = 1024;

/// A log that is being read.
///
/// Order: [`LogReader::feed`] and [`LogReader::poll`] until it needs more; at the end of the
/// file [`LogReader::finish`].
#[derive(Default)]
pub struct LogReader {
    bytes: Vec<u8>,
    at: usize,
    parser: Parser,
    batch: Batch,
    /// Bytes that were read and forgotten.
    gone: u64,
    /// Where the command that is being read begins.
    begun: u64,
    is_inside: bool,
    good: u64,
    db: u32,
    /// The transaction that is open, and the database that it began in.
    open: Option<(u32, Vec<OwnedRequest>)>,
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader")
            .field("good", &self.good)
            .finish_non_exhaustive()
    }
}

impl LogReader {
    /// A log that begins at this offset of its file.
    #[must_use]
    pub fn new(offset: u64) -> Self {
        Self {
            gone: offset,
            good: offset,
            ..Self::default()
        }
    }

    /// Bytes of the file, in order.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.gone += self.at as u64;
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Up to here the file is whole: behind the last complete command or transaction.
    #[must_use]
    pub fn good(&self) -> u64 {
        self.good
    }

    /// A transaction was begun and not ended.
    #[must_use]
    pub fn is_in_transaction(&self) -> bool {
        self.open.is_some()
    }

    fn offset(&self) -> u64 {
        self.gone + self.at as u64
    }

    /// What comes next.
    ///
    /// # Errors
    /// At this place is no command.
    pub fn poll(&mut self) -> Result<LogEvent, LogFault> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(first) = rest.first().copied() else {
                return Ok(LogEvent::More);
            };
            if !self.is_inside {
                self.begun = self.offset();
                match first {
                    b'#' => match self.note()? {
                        Some(Some(time)) => return Ok(LogEvent::Time(time)),
                        Some(None) => continue,
                        None => return Ok(LogEvent::More),
                    },
                    // An empty request, which the parser passes over, is nothing that is written.
                    b'*' => match rest.get(1) {
                        Some(b'1'..=b'9') => self.is_inside = true,
                        Some(_) => return Err(LogFault::Format(self.begun)),
                        None => return Ok(LogEvent::More),
                    },
                    _ => return Err(LogFault::Format(self.begun)),
                }
            }
            self.batch.clear();
            let parsed = self
                .parser
                .parse(&self.bytes, self.at, &LIMITS, 1, &mut self.batch);
            self.at = parsed.map_err(|_| LogFault::Format(self.begun))?;
            if self.batch.is_empty() {
                return Ok(LogEvent::More);
            }
            self.is_inside = false;
            let request = self.batch.request(0, &self.bytes).to_owned();
            if self.open.is_some() && is_command(&request, b"multi") {
                // One inside the other: what was begun first would be lost.
                return Err(LogFault::Format(self.begun));
            }
            if let Some((db, commands)) = self.take(request) {
                return Ok(LogEvent::Group { db, commands });
            }
        }
    }

    /// An annotation: `Some(Some(time))`, `Some(None)` for one that means nothing here, or `None`
    /// if it is not complete.
    fn note(&mut self) -> Result<Option<Option<i64>>, LogFault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(end) = rest
            .iter()
            .take(NOTE_BYTES_MAX)
            .position(|byte| *byte == b'\n')
        else {
            if rest.len() >= NOTE_BYTES_MAX {
                return Err(LogFault::Format(self.begun));
            }
            return Ok(None);
        };
        let line = rest.get(..end).unwrap_or_default();
        let time = line.strip_prefix(b"#TS:").map(<[u8]>::trim_ascii_end);
        let time = time.and_then(parse_i64);
        self.at += end + 1;
        if self.open.is_none() {
            self.good = self.offset();
        }
        Ok(Some(time))
    }

    /// Puts a command where it belongs; a group that is complete is handed out.
    fn take(&mut self, request: OwnedRequest) -> Option<(u32, Vec<OwnedRequest>)> {
        let view = request.view();
        let is = |wanted: &[u8]| is_command(&request, wanted);
        if is(b"multi") {
            self.open = Some((self.db, Vec::new()));
            return None;
        }
        let db_before = self.db;
        if is(b"select")
            && let Some(db) = view.arg(1).and_then(parse_i64)
            && let Ok(db) = u32::try_from(db)
        {
            self.db = db;
        }
        let ended = if is(b"exec") { self.open.take() } else { None };
        let group = match (&mut self.open, ended) {
            (_, Some(group)) => Some(group),
            (Some((_, commands)), None) => {
                commands.push(request);
                return None;
            }
            (None, None) => Some((db_before, alloc::vec![request])),
        };
        self.good = self.offset();
        group
    }

    /// The file has ended.
    ///
    /// # Errors
    /// It ends in the middle of something; [`LogReader::good`] says where.
    pub fn finish(&self) -> Result<(), LogFault> {
        let is_whole = self.at >= self.bytes.len() && !self.is_inside && self.open.is_none();
        is_whole.then_some(()).ok_or(LogFault::Truncated)
    }
}

fn is_command(request: &OwnedRequest, name: &[u8]) -> bool {
    let word = request.view().arg(0).unwrap_or_default();
    word.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use std::{format, vec::Vec};

    use proptest::prelude::*;

    use super::LogFault;
    use crate::check::read_log as read;

    const LOG: &[u8] = b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n#TS:17\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n\
        $1\r\n1\r\n*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n\
        0\r\n*2\r\n$4\r\nINCR\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";

    #[test]
    fn commands_and_transactions_are_told_with_their_database() {
        let (told, good, ended) = read(LOG, LOG.len());
        assert_eq!((good, ended), (LOG.len() as u64, Ok(())));
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(told[1].contains("Time(17)"));
        for (at, db) in [(0, 0), (2, 3), (3, 3), (4, 0)] {
            assert!(told[at].contains(&format!("db: {db}")), "{at} {}", told[at]);
        }
    }

    #[test]
    fn the_good_part_ends_with_a_command_or_a_transaction() {
        let mut ends = Vec::new();
        for len in 0..=LOG.len() {
            let (_, good, ended) = read(&LOG[..len], 7);
            assert_eq!(good == len as u64, ended.is_ok(), "{len}");
            if ends.last() != Some(&good) {
                ends.push(good);
            }
        }
        assert_eq!(ends.len(), 6, "nothing and five events: {ends:?}");
    }

    #[test]
    fn what_is_no_command_is_told() {
        for (log, at) in [
            (b"SET a 1\r\n".as_slice(), 0),
            (b"*1\r\n$4\r\nPING\r\nx", 14),
            (b"*1\r\n:4\r\nPING\r\n", 0),
            (b"*0\r\n", 0),
            (b"*0\r\nPING\r\n", 0),
            (b"*-1\r\n", 0),
            (b"*1\r\n$-1\r\n", 0),
            (b"*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nmulti\r\n", 15),
        ] {
            let (_, _, ended) = read(log, 64);
            assert_eq!(ended, Err(LogFault::Format(at)), "{log:?}");
        }
        let note = [b'#'; 2000];
        assert_eq!(read(&note, 64).2, Err(LogFault::Format(0)));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            cut in 1_usize..60,
            at in 0..LOG.len(),
            byte: u8,
            piece in 1_usize..80,
        ) {
            let mut log = LOG.to_vec();
            log[at] = byte;
            log.truncate(LOG.len() - cut);
            let whole = read(&log, log.len().max(1));
            prop_assert_eq!(read(&log, piece), whole);
        }
    }
}
