//! Aggregates whose length is known only after their elements. Not a second buffer: a place is
//! kept for the header, and the tail moves when the header needs more.

use super::buffer::{Aggregate, ReplyBuf};
use super::digits::put_line;
use alloc::vec::Vec;

/// Room for a header of one digit, which most turn out to have.
const PLACEHOLDER: &[u8; 4] = b"*0\r\n";

/// An aggregate that was begun; give it to [`ReplyBuf::finish`].
#[derive(Debug)]
#[must_use = "the header says 0 elements until it is finished"]
pub struct Deferred {
    at: usize,
    kind: Aggregate,
}

impl ReplyBuf {
    /// Begins an array.
    pub fn deferred_array(&mut self) -> Deferred {
        self.defer(Aggregate::Array)
    }

    /// Begins a map.
    pub fn deferred_map(&mut self) -> Deferred {
        self.defer(Aggregate::Map)
    }

    /// Begins a set.
    pub fn deferred_set(&mut self) -> Deferred {
        self.defer(Aggregate::Set)
    }

    /// Begins a push.
    pub fn deferred_push(&mut self) -> Deferred {
        self.defer(Aggregate::Push)
    }

    /// Writes the header of an aggregate of `len` elements, or pairs for a map. Nested ones are
    /// finished before the outer one. One that was rolled back is ignored.
    pub fn finish(&mut self, deferred: Deferred, len: usize) {
        let Deferred { at, kind } = deferred;
        let (mark, len) = kind.header(self.protocol(), len);
        let mut header = Vec::with_capacity(24);
        put_line(&mut header, mark, len as u64);
        let end = at.saturating_add(PLACEHOLDER.len());
        if end > self.bytes.len() {
            return;
        }
        let longer = header.len().saturating_sub(PLACEHOLDER.len());
        self.bytes.splice(at..end, header);
        if longer > 0 {
            let moved = self
                .inserts
                .iter_mut()
                .rev()
                .take_while(|insert| insert.at >= end);
            moved.for_each(|insert| insert.at = insert.at.saturating_add(longer));
        }
    }

    fn defer(&mut self, kind: Aggregate) -> Deferred {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(PLACEHOLDER);
        Deferred { at, kind }
    }
}
