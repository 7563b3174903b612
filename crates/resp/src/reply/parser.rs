//! The parser of replies: a client's side, for which the server is the untrusted one. Resumable
//! and without recursion. Not the transport.

use super::frame::{Frame, Header};
use super::value::Reply;
use crate::grow;
use alloc::vec::Vec;
use core::fmt;

/// What a server may make a client hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Aggregates within aggregates; an attribute counts as one.
    pub depth_max: usize,
    /// Bytes on the wire of one reply.
    pub bytes_max: usize,
    /// Elements of one reply, those of nested aggregates included.
    pub elements_max: u64,
}

impl Default for ReplyLimits {
    /// 128 deep, 1 GiB, 2^27 elements.
    fn default() -> Self {
        Self {
            depth_max: 128,
            bytes_max: 1024 * 1024 * 1024,
            elements_max: 1 << 27,
        }
    }
}

/// A stream that is no sequence of replies, or more than the client wants to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// A reply began with this byte.
    UnknownType(u8),
    /// A line has a CR or LF inside, or a bulk string no CR LF behind it.
    InvalidCrlf,
    /// A count or length is no number, or out of range.
    InvalidLength,
    /// The content of a number, boolean, null or verbatim string.
    InvalidValue,
    /// Beyond [`ReplyLimits::depth_max`].
    TooDeep,
    /// Beyond [`ReplyLimits::bytes_max`].
    TooLong,
    /// Beyond [`ReplyLimits::elements_max`].
    TooManyElements,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownType(byte) => {
                return write!(f, "the server sent a reply of unknown type 0x{byte:02x}");
            }
            Self::InvalidCrlf => "the server sent a reply with a bad line end",
            Self::InvalidLength => "the server sent a reply with a bad length",
            Self::InvalidValue => "the server sent a reply with a bad value",
            Self::TooDeep => "the server sent a reply that is nested too deeply",
            Self::TooLong => "the server sent a reply that is too long",
            Self::TooManyElements => "the server sent a reply of too many elements",
        })
    }
}

impl core::error::Error for ReplyError {}

/// Replies from a stream of bytes: [`Self::feed`], then [`Self::poll`] until it has none.
pub struct ReplyParser {
    limits: ReplyLimits,
    buffer: Vec<u8>,
    /// Everything before is parsed.
    at: usize,
    /// Bytes behind `at` that were searched for a line end without success.
    searched: usize,
    /// The bulk string that is due: its type and length.
    bulk: Option<(u8, usize)>,
    /// Aggregates that are not complete, outermost first.
    stack: Vec<Frame>,
    /// Bytes and elements of the reply that is being read.
    bytes: usize,
    elements: u64,
    failed: Option<ReplyError>,
}

impl ReplyParser {
    /// A parser at the start of a stream.
    #[must_use]
    pub const fn new(limits: ReplyLimits) -> Self {
        Self {
            limits,
            buffer: Vec::new(),
            at: 0,
            searched: 0,
            bulk: None,
            stack: Vec::new(),
            bytes: 0,
            elements: 0,
            failed: None,
        }
    }

    /// Takes bytes from the server.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        // Parsed bytes leave when they are at least half: every byte moves once on average.
        if self.at > self.buffer.len() / 2 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        grow::append(&mut self.buffer, bytes);
    }

    /// The next reply, or `None` if it is not complete.
    ///
    /// # Errors
    /// The stream is broken. The parser stays in error.
    pub fn poll(&mut self) -> Result<Option<Reply>, ReplyError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let outcome = self.next_reply();
        if let Err(error) = outcome {
            *self = Self {
                failed: Some(error),
                ..Self::new(self.limits)
            };
        }
        outcome
    }

    /// Bytes of memory held for what was fed and not parsed.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// Whether the stream stands between two replies, and no byte waits.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.stack.is_empty() && self.bulk.is_none() && self.at >= self.buffer.len()
    }

    fn next_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        loop {
            let value = match self.bulk {
                Some((kind, len)) => self.bulk_string(kind, len)?,
                None => match self.line()? {
                    None => return self.incomplete(),
                    Some(Header::Value(value)) => Some(value),
                    Some(Header::Bulk { kind, len }) => {
                        if len > self.room() {
                            return Err(ReplyError::TooLong);
                        }
                        self.bulk = Some((kind, len));
                        continue;
                    }
                    Some(Header::Aggregate { kind, elements }) => {
                        self.open(Frame::new(kind, elements))?;
                        None
                    }
                },
            };
            if value.is_none() && self.bulk.is_some() {
                return self.incomplete();
            }
            if let Some(reply) = self.place(value) {
                (self.bytes, self.elements) = (0, 0);
                return Ok(Some(reply));
            }
        }
    }

    /// What waits, up to the limit of one reply: showing no byte beyond makes the verdict
    /// independent of how the bytes were cut.
    fn visible(&self) -> &[u8] {
        let waiting = self.buffer.get(self.at..).unwrap_or_default();
        waiting.get(..self.room()).unwrap_or(waiting)
    }

    /// Bytes that the present reply may still take.
    const fn room(&self) -> usize {
        self.limits.bytes_max.saturating_sub(self.bytes)
    }

    /// More bytes are due: are there too many already?
    fn incomplete(&self) -> Result<Option<Reply>, ReplyError> {
        let waiting = self.buffer.len().saturating_sub(self.at);
        if waiting > self.room() {
            Err(ReplyError::TooLong)
        } else {
            Ok(None)
        }
    }

    /// The next header line, if it is complete.
    fn line(&mut self) -> Result<Option<Header>, ReplyError> {
        let waiting = self.visible();
        let fresh = waiting.get(self.searched..).unwrap_or_default();
        let Some(end) = memchr::memchr2(b'\r', b'\n', fresh) else {
            self.searched = waiting.len();
            return Ok(None);
        };
        let len = self.searched.saturating_add(end);
        match (waiting.get(len), waiting.get(len.saturating_add(1))) {
            (Some(b'\r'), Some(b'\n')) => {}
            (Some(b'\r'), None) => {
                self.searched = len;
                return Ok(None);
            }
            _ => return Err(ReplyError::InvalidCrlf),
        }
        let header = Header::parse(waiting.get(..len).unwrap_or_default())?;
        self.searched = 0;
        self.consume(len.saturating_add(2));
        Ok(Some(header))
    }

    /// The bulk string of `len` bytes that is due, if it and its CR LF are there.
    fn bulk_string(&mut self, kind: u8, len: usize) -> Result<Option<Reply>, ReplyError> {
        let waiting = self.visible();
        let Some((data, end)) = waiting.split_at_checked(len) else {
            return Ok(None);
        };
        match *end {
            [b'\r', b'\n', ..] => {}
            [] | [b'\r'] => return Ok(None),
            _ => return Err(ReplyError::InvalidCrlf),
        }
        let reply = super::frame::bulk_value(kind, data)?;
        self.bulk = None;
        self.consume(len.saturating_add(2));
        Ok(Some(reply))
    }

    const fn consume(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
        self.bytes = self.bytes.saturating_add(count);
    }

    fn open(&mut self, frame: Frame) -> Result<(), ReplyError> {
        self.elements = self.elements.saturating_add(frame.missing());
        if self.elements > self.limits.elements_max {
            return Err(ReplyError::TooManyElements);
        }
        if self.stack.len() >= self.limits.depth_max {
            return Err(ReplyError::TooDeep);
        }
        self.stack.push(frame);
        Ok(())
    }

    /// Puts a value into the innermost aggregate and closes those that are complete; returns the
    /// reply when the outermost is.
    fn place(&mut self, value: Option<Reply>) -> Option<Reply> {
        let mut value = value;
        loop {
            let Some(frame) = self.stack.last_mut() else {
                return value;
            };
            if let Some(value) = value.take() {
                frame.push(value);
            }
            if frame.missing() > 0 {
                return None;
            }
            value = self.stack.pop().map(Frame::finish);
        }
    }
}

/// Shows lengths alone: replies are users' data.
impl fmt::Debug for ReplyParser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.buffer.len().saturating_sub(self.at);
        write!(
            f,
            "ReplyParser({waiting} bytes waiting, depth {})",
            self.stack.len()
        )
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
