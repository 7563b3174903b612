//! A request that arrives in pieces: a resumable machine, and the only judge of what is wrong
//! with a request. Not the fast way; whatever that does not accept comes here.

use super::blob_builder::BlobBuilder;
use super::grammar::{self, INLINE_BYTES_MAX};
use super::parser::Limits;
use super::view::OwnedRequest;
use crate::{BLOB_BYTES_MIN, ProtocolError, grow};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The largest count that is ever a count; beyond it the text does not depend on who asks.
const COUNT_MAX: i64 = i32::MAX as i64;

/// What a run of the machine came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The input is used up.
    More,
    /// The request is whole.
    Complete,
    /// It was an empty one.
    Empty,
}

/// The state between two pieces.
#[derive(Default)]
pub(super) struct Partial {
    stage: Stage,
    args_left: u64,
    received: usize,
    /// Bytes of the line that is not ended.
    line: Vec<u8>,
    request: OwnedRequest,
}

/// What is due next.
#[derive(Default)]
enum Stage {
    /// An inline request or the header of an array.
    #[default]
    Start,
    /// The header of an argument.
    Header,
    /// The rest of a short argument of `len` bytes.
    Short { len: usize, left: usize },
    /// The rest of a long argument.
    Long(BlobBuilder),
    /// The CR LF after an argument, or its LF.
    End { cr_seen: bool },
}

impl Partial {
    /// Bytes of this request that were fed.
    pub(super) const fn received_bytes(&self) -> usize {
        self.received
    }

    /// Bytes of the arguments that have arrived, and of a header that is cut.
    pub(super) fn argument_bytes(&self) -> usize {
        let building = match &self.stage {
            Stage::Long(builder) => builder.received_bytes(),
            _ => 0,
        };
        let line = self.line.len();
        let arguments = self.request.argument_bytes();
        arguments.saturating_add(building).saturating_add(line)
    }

    /// Bytes of memory held.
    pub(super) fn held_bytes(&self) -> usize {
        let building = match &self.stage {
            Stage::Long(builder) => builder.held_bytes(),
            _ => 0,
        };
        let held = self
            .request
            .held_bytes()
            .saturating_add(self.line.capacity());
        held.saturating_add(building)
            .saturating_add(size_of::<Self>())
    }

    /// The request that was completed.
    pub(super) fn into_request(self) -> OwnedRequest {
        self.request
    }

    /// Goes on with the next bytes; tells how many were used.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> Result<(usize, Step), ProtocolError> {
        let mut rest = input;
        let mut step = Step::More;
        while !rest.is_empty() && step == Step::More {
            step = match &mut self.stage {
                Stage::Start => self.start(&mut rest, limits)?,
                Stage::Header => self.argument_header(&mut rest, limits)?,
                Stage::Short { .. } | Stage::Long(_) => self.argument(&mut rest),
                Stage::End { .. } => self.argument_end(&mut rest)?,
            };
        }
        let used = input.len().saturating_sub(rest.len());
        self.received = self.received.saturating_add(used);
        Ok((used, step))
    }

    fn start(&mut self, rest: &mut &[u8], limits: &Limits) -> Result<Step, ProtocolError> {
        if self.line.first().or_else(|| rest.first()) != Some(&b'*') {
            return self.inline(rest, limits);
        }
        let Some(line) = self.header_line(rest, ProtocolError::TooBigMultibulkCount)? else {
            return Ok(Step::More);
        };
        let count = line.get(1..).and_then(grammar::header_number);
        let count = match count {
            Some(count) if count <= limits.args_max => count,
            Some(count) if limits.unauthenticated && count <= COUNT_MAX => {
                return Err(ProtocolError::UnauthenticatedMultibulkLength);
            }
            _ => return Err(ProtocolError::InvalidMultibulkLength),
        };
        if count <= 0 {
            return Ok(Step::Empty);
        }
        self.args_left = count.unsigned_abs();
        self.stage = Stage::Header;
        Ok(Step::More)
    }

    fn inline(&mut self, rest: &mut &[u8], limits: &Limits) -> Result<Step, ProtocolError> {
        let room = INLINE_BYTES_MAX
            .saturating_add(1)
            .saturating_sub(self.line.len());
        let window = rest.get(..room).unwrap_or(rest);
        let Some(len) = memchr::memchr(b'\n', window) else {
            if self.line.len().saturating_add(window.len()) > INLINE_BYTES_MAX {
                return Err(ProtocolError::TooBigInline);
            }
            grow::append(&mut self.line, window);
            *rest = &[];
            return Ok(Step::More);
        };
        let line = self.whole_line(rest, len, 1);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let args_max = usize::try_from(limits.args_max).unwrap_or(0);
        match grammar::inline_words(line, args_max, &mut self.request) {
            Ok(()) if self.request.view().is_empty() => Ok(Step::Empty),
            Ok(()) => Ok(Step::Complete),
            Err(ProtocolError::InvalidMultibulkLength) if limits.unauthenticated => {
                Err(ProtocolError::UnauthenticatedMultibulkLength)
            }
            Err(error) => Err(error),
        }
    }

    fn argument_header(
        &mut self,
        rest: &mut &[u8],
        limits: &Limits,
    ) -> Result<Step, ProtocolError> {
        let Some(line) = self.header_line(rest, ProtocolError::TooBigBulkCount)? else {
            return Ok(Step::More);
        };
        let number = match line.split_first() {
            Some((b'$', number)) => number,
            Some((&byte, _)) => return Err(ProtocolError::ExpectedDollar(byte)),
            None => return Err(ProtocolError::ExpectedDollar(b'\r')),
        };
        let number = grammar::header_number(number).and_then(|n| u64::try_from(n).ok());
        let len = match number {
            Some(len) if len <= limits.bulk_bytes_max => usize::try_from(len).ok(),
            Some(_) if limits.unauthenticated => {
                return Err(ProtocolError::UnauthenticatedBulkLength);
            }
            _ => None,
        };
        let len = len.ok_or(ProtocolError::InvalidBulkLength)?;
        self.stage = if len >= BLOB_BYTES_MIN {
            self.request.reserve_blob();
            Stage::Long(BlobBuilder::new(len))
        } else if len > 0 {
            Stage::Short { len, left: len }
        } else {
            self.request.push(&[]);
            Stage::End { cr_seen: false }
        };
        Ok(Step::More)
    }

    /// Takes the bytes of an argument, which may be anything.
    fn argument(&mut self, rest: &mut &[u8]) -> Step {
        let missing = match &self.stage {
            Stage::Short { left, .. } => *left,
            Stage::Long(builder) => builder.missing(),
            _ => 0,
        };
        let (now, later) = rest.split_at_checked(missing).unwrap_or((*rest, &[]));
        *rest = later;
        let whole = now.len() == missing;
        match &mut self.stage {
            Stage::Short { len, left } => {
                *left = left.saturating_sub(now.len());
                let len = *len;
                self.request.extend_bytes(now);
                if whole {
                    self.request.finish_bytes(len);
                }
            }
            Stage::Long(builder) => builder.push(now),
            _ => {}
        }
        if whole {
            let end = Stage::End { cr_seen: false };
            if let Stage::Long(builder) = core::mem::replace(&mut self.stage, end) {
                self.request.push_blob(builder.finish());
            }
        }
        Step::More
    }

    fn argument_end(&mut self, rest: &mut &[u8]) -> Result<Step, ProtocolError> {
        let Some((&byte, after)) = rest.split_first() else {
            return Ok(Step::More);
        };
        *rest = after;
        match (&mut self.stage, byte) {
            (
                Stage::End {
                    cr_seen: cr_seen @ false,
                },
                b'\r',
            ) => {
                *cr_seen = true;
                Ok(Step::More)
            }
            (Stage::End { cr_seen: true }, b'\n') => {
                self.args_left = self.args_left.saturating_sub(1);
                self.stage = Stage::Header;
                Ok(if self.args_left == 0 {
                    Step::Complete
                } else {
                    Step::More
                })
            }
            _ => Err(ProtocolError::InvalidCrlf),
        }
    }

    /// The line up to its first CR, which an LF must follow; `None` if it is not ended yet. Bytes
    /// that were searched once are not searched again.
    fn header_line<'i>(
        &mut self,
        rest: &mut &'i [u8],
        too_big: ProtocolError,
    ) -> Result<Option<Cow<'i, [u8]>>, ProtocolError> {
        if let Some((b'\r', line)) = self.line.split_last() {
            if rest.first() != Some(&b'\n') {
                return Err(ProtocolError::InvalidCrlf);
            }
            let line = line.to_vec();
            self.line = Vec::new();
            *rest = rest.get(1..).unwrap_or_default();
            return Ok(Some(Cow::Owned(line)));
        }
        let room = INLINE_BYTES_MAX
            .saturating_add(1)
            .saturating_sub(self.line.len());
        let window = rest.get(..room).unwrap_or(rest);
        let Some(len) = memchr::memchr(b'\r', window) else {
            if self.line.len().saturating_add(window.len()) > INLINE_BYTES_MAX {
                return Err(too_big);
            }
            grow::append(&mut self.line, window);
            *rest = &[];
            return Ok(None);
        };
        match rest.get(len.saturating_add(1)) {
            Some(b'\n') => Ok(Some(self.whole_line(rest, len, 2))),
            Some(_) => Err(ProtocolError::InvalidCrlf),
            None => {
                grow::append(&mut self.line, rest);
                *rest = &[];
                Ok(None)
            }
        }
    }

    /// The line whose last `len` bytes stand at the front of `rest`, before an end of `end_len`.
    fn whole_line<'i>(&mut self, rest: &mut &'i [u8], len: usize, end_len: usize) -> Cow<'i, [u8]> {
        let (now, after) = rest.split_at_checked(len).unwrap_or((*rest, &[]));
        *rest = after.get(end_len..).unwrap_or_default();
        if self.line.is_empty() {
            return Cow::Borrowed(now);
        }
        let mut line = core::mem::take(&mut self.line);
        grow::append(&mut line, now);
        Cow::Owned(line)
    }
}
