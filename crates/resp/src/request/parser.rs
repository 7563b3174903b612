//! The request parser's front: the fast way, the resumable way, and what stops both. Not the
//! rules themselves; `grammar` and `partial` have them.

use super::batch::Batch;
use super::fast;
use super::partial::{Partial, Step};
use crate::ProtocolError;
use alloc::boxed::Box;
use core::fmt;

/// What a client may send; smaller before it is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Arguments of one request.
    pub args_max: i64,
    /// Bytes of one argument.
    pub bulk_bytes_max: u64,
    /// Whether the limits are those before authentication, which have their own error texts.
    pub unauthenticated: bool,
    /// Bytes on the wire of one request.
    pub query_bytes_max: usize,
}

impl Limits {
    /// Before authentication: 10 arguments of 16 KiB.
    pub const UNAUTHENTICATED: Self = Self {
        args_max: 10,
        bulk_bytes_max: 16 * 1024,
        unauthenticated: true,
        query_bytes_max: 1024 * 1024,
    };

    /// Valkey's defaults for an authenticated client: 2^20 arguments, 512 MiB, 1 GiB.
    pub const DEFAULT: Self = Self {
        args_max: 1024 * 1024,
        bulk_bytes_max: 512 * 1024 * 1024,
        unauthenticated: false,
        query_bytes_max: 1024 * 1024 * 1024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The request parser of one connection. It holds nothing between requests; a request that is
/// cut by the end of the input is taken over, so the input buffer can be reused at once.
///
/// Order of calls: [`Parser::parse`] until it returns the length of the input, reading the batch
/// in between. The frames of a batch that came before an error are good.
#[derive(Default)]
pub struct Parser {
    partial: Option<Box<Partial>>,
    failed: Option<ProtocolError>,
}

impl Parser {
    /// A parser at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            partial: None,
            failed: None,
        }
    }

    /// Parses up to `frames_max` requests from `input[from..]` and appends them to `batch`; empty
    /// ones (`*0`, `*-1`, a blank line) are skipped. Returns the new position: the end of the
    /// last of `frames_max` requests, or else the end of the input.
    ///
    /// # Errors
    /// The peer broke the protocol. The parser stays in error: nothing after it is parsed.
    pub fn parse(
        &mut self,
        input: &[u8],
        from: usize,
        limits: &Limits,
        frames_max: usize,
        batch: &mut Batch,
    ) -> Result<usize, ProtocolError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let full = batch.len().saturating_add(frames_max);
        let mut at = from.min(input.len());
        while at < input.len() && batch.len() < full {
            if self.partial.is_none()
                && let Some(end) = fast::frame(input, at, limits, batch)
            {
                at = end;
                continue;
            }
            let rest = input.get(at..).unwrap_or_default();
            at = at.saturating_add(self.resume(rest, limits, batch)?);
        }
        Ok(at)
    }

    /// Bytes of memory held for an unfinished request.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.partial
            .as_ref()
            .map_or(0, |partial| partial.held_bytes())
    }

    /// Bytes of the arguments of an unfinished request that have arrived.
    #[must_use]
    pub fn argument_bytes(&self) -> usize {
        self.partial
            .as_ref()
            .map_or(0, |partial| partial.argument_bytes())
    }

    /// Whether the stream stands between two requests.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.partial.is_none() && self.failed.is_none()
    }

    /// One run of the resumable parser: to the end of a request or of the input.
    #[inline(never)]
    fn resume(
        &mut self,
        rest: &[u8],
        limits: &Limits,
        batch: &mut Batch,
    ) -> Result<usize, ProtocolError> {
        let partial = self.partial.get_or_insert_default();
        // Showing it no byte beyond the limit makes the verdict independent of the cuts.
        let room = limits
            .query_bytes_max
            .saturating_sub(partial.received_bytes());
        let visible = rest.get(..room).unwrap_or(rest);
        let outcome = match partial.feed(visible, limits) {
            Ok((_, Step::More)) if visible.len() < rest.len() => {
                Err(ProtocolError::QueryBufferLimit)
            }
            other => other,
        };
        match outcome {
            Ok((used, Step::More)) => Ok(used),
            Ok((used, Step::Empty)) => {
                self.partial = None;
                Ok(used)
            }
            Ok((used, Step::Complete)) => {
                if let Some(partial) = self.partial.take() {
                    batch.push_owned(partial.into_request());
                }
                Ok(used)
            }
            Err(error) => {
                self.partial = None;
                self.failed = Some(error);
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failed {
            Some(error) => write!(f, "Parser(failed: {error})"),
            None => write!(f, "Parser({} bytes held)", self.held_bytes()),
        }
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
