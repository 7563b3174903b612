//! The encoder of replies, in RESP2 or RESP3, into one buffer per connection. It is the only
//! place that writes lines, so a CR or LF from a user's text cannot become a line of its own.
//! Not the socket: the chunks are for the caller to write.

use super::digits::{SHORT_BYTES_MAX, put_bulk_int, put_line, put_short_bulk, put_signed_line};
use crate::{Blob, DoubleText};
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;
use core::ops::Range;

/// A blob's part of this many bytes or more goes out by reference; a shorter one is copied, which
/// costs less than another entry of a vectored write.
pub const BLOB_REFERENCE_BYTES_MIN: usize = 16 * 1024;

/// The version of the protocol that a connection speaks (HELLO).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// RESP2, where maps, sets and pushes are arrays and most types are bulk strings.
    #[default]
    Resp2,
    /// RESP3.
    Resp3,
}

/// Encoded replies in order: bytes, and blobs by reference in between.
#[derive(Clone, Default)]
pub struct ReplyBuf {
    pub(super) bytes: Vec<u8>,
    pub(super) inserts: Vec<Insert>,
    referenced: usize,
    protocol: Protocol,
    /// See [`ReplyBuf::is_full`].
    bytes_max: Option<NonZeroUsize>,
}

/// A part of a blob that stands before `bytes[at]`.
#[derive(Clone)]
pub(super) struct Insert {
    pub(super) at: usize,
    blob: Blob,
    range: Range<usize>,
}

/// A place to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    bytes: usize,
    inserts: usize,
    referenced: usize,
}

impl ReplyBuf {
    /// An empty buffer.
    #[must_use]
    pub const fn new(protocol: Protocol) -> Self {
        Self {
            bytes: Vec::new(),
            inserts: Vec::new(),
            referenced: 0,
            protocol,
            bytes_max: None,
        }
    }

    /// Says from how many bytes on the replies are not sent anyway; `None` for never.
    #[inline]
    pub const fn set_bytes_max(&mut self, bytes_max: Option<NonZeroUsize>) {
        self.bytes_max = bytes_max;
    }

    /// What [`ReplyBuf::set_bytes_max`] said.
    #[must_use]
    pub const fn bytes_max(&self) -> Option<NonZeroUsize> {
        self.bytes_max
    }

    /// Whether the replies are not sent anyway, so that whoever writes more and more of them may
    /// stop in the middle. Nothing is refused.
    #[inline]
    #[must_use]
    pub const fn is_full(&self) -> bool {
        match self.bytes_max {
            Some(bytes_max) => self.len() > bytes_max.get(),
            None => false,
        }
    }

    /// The protocol of what is appended from now on.
    pub const fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// The protocol that is spoken.
    #[inline]
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Bytes to send, referenced ones included.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len().saturating_add(self.referenced)
    }

    /// Whether there is nothing to send.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.inserts.is_empty()
    }

    /// Bytes of memory held, blobs included even if they are shared.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let table = self.inserts.capacity().saturating_mul(size_of::<Insert>());
        self.bytes
            .capacity()
            .saturating_add(table)
            .saturating_add(self.referenced)
    }

    /// Drops the replies; room for `bytes_max` bytes at most is kept.
    pub fn clear_to(&mut self, bytes_max: usize) {
        self.clear();
        self.bytes.shrink_to(bytes_max);
        self.inserts.shrink_to(0);
    }

    /// Drops the replies and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.inserts.clear();
        self.referenced = 0;
    }

    /// The replies, moved out; the buffer is empty then and has no room.
    #[must_use]
    pub fn take(&mut self) -> Self {
        core::mem::replace(self, Self::new(self.protocol))
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.bytes.extend_from_slice(b"+OK\r\n");
    }

    /// `+PONG`.
    #[inline]
    pub fn pong(&mut self) {
        self.bytes.extend_from_slice(b"+PONG\r\n");
    }

    /// `+QUEUED`.
    #[inline]
    pub fn queued(&mut self) {
        self.bytes.extend_from_slice(b"+QUEUED\r\n");
    }

    /// A simple string. CR, LF and NUL become blanks.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error; `text` is the whole line after the `-`, code first. CR, LF and NUL become blanks.
    pub fn error(&mut self, text: &str) {
        self.line(b'-', text.as_bytes());
    }

    /// As [`Self::error`], for a text that quotes bytes of a client.
    pub fn error_bytes(&mut self, text: &[u8]) {
        self.line(b'-', text);
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, number: i64) {
        put_signed_line(&mut self.bytes, b':', number);
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.bulk_in_loop(bytes);
    }

    /// As [`Self::bulk`], for the one place in a loop over many elements: no call for a short one.
    #[inline(always)]
    pub fn bulk_in_loop(&mut self, bytes: &[u8]) {
        if bytes.len() <= SHORT_BYTES_MAX {
            put_short_bulk(&mut self.bytes, bytes);
        } else {
            self.long_bulk(bytes);
        }
    }

    fn long_bulk(&mut self, bytes: &[u8]) {
        // One look at the capacity for header, content and end.
        self.bytes.reserve(bytes.len().saturating_add(32));
        put_line(&mut self.bytes, b'$', bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// A bulk string of the decimal digits of `number`.
    #[inline]
    pub fn bulk_int(&mut self, number: i64) {
        put_bulk_int(&mut self.bytes, number);
    }

    /// A bulk string of a part of a blob, by reference from [`BLOB_REFERENCE_BYTES_MIN`] on. A
    /// range beyond the blob is cut to it.
    pub fn blob(&mut self, blob: &Blob, range: Range<usize>) {
        let end = range.end.min(blob.len());
        let range = range.start.min(end)..end;
        if range.len() < BLOB_REFERENCE_BYTES_MIN {
            self.bulk(blob.get(range).unwrap_or_default());
            return;
        }
        put_line(&mut self.bytes, b'$', range.len() as u64);
        self.referenced = self.referenced.saturating_add(range.len());
        self.inserts.push(Insert {
            at: self.bytes.len(),
            blob: blob.clone(),
            range,
        });
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// The null, `$-1` in RESP2.
    #[inline]
    pub fn null(&mut self) {
        self.either(b"$-1\r\n", b"_\r\n");
    }

    /// The null where an array was asked for, `*-1` in RESP2.
    #[inline]
    pub fn null_array(&mut self) {
        self.either(b"*-1\r\n", b"_\r\n");
    }

    /// The header of an array of `len` elements, which follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        put_line(&mut self.bytes, b'*', len as u64);
    }

    /// The header of a map of `len` pairs; in RESP2 an array of twice as many elements.
    #[inline]
    pub fn map(&mut self, len: usize) {
        self.aggregate(Aggregate::Map, len);
    }

    /// The header of a set; in RESP2 an array.
    #[inline]
    pub fn set(&mut self, len: usize) {
        self.aggregate(Aggregate::Set, len);
    }

    /// The header of an out-of-band push; in RESP2 an array.
    #[inline]
    pub fn push(&mut self, len: usize) {
        self.aggregate(Aggregate::Push, len);
    }

    /// The header of `len` pairs of attributes of the reply that follows them. RESP2 has none:
    /// nothing is written then, and the caller must leave out the pairs if this is `false`.
    #[must_use]
    pub fn attribute(&mut self, len: usize) -> bool {
        let known = self.protocol == Protocol::Resp3;
        if known {
            put_line(&mut self.bytes, b'|', len as u64);
        }
        known
    }

    /// A double; in RESP2 a bulk string of the same text.
    pub fn double(&mut self, number: f64) {
        let text = DoubleText::new(number);
        match self.protocol {
            Protocol::Resp2 => self.bulk(&text),
            Protocol::Resp3 => self.line(b',', &text),
        }
    }

    /// A boolean; in RESP2 1 or 0.
    #[inline]
    pub fn bool(&mut self, truth: bool) {
        match truth {
            true => self.either(b":1\r\n", b"#t\r\n"),
            false => self.either(b":0\r\n", b"#f\r\n"),
        }
    }

    /// A number of any size by its digits; in RESP2 a bulk string.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits.as_bytes()),
            Protocol::Resp3 => self.line(b'(', digits.as_bytes()),
        }
    }

    /// Text with a format of three letters, `txt` or `mkd`; in RESP2 a bulk string. A shorter
    /// format is filled with blanks, a longer one cut.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        if self.protocol == Protocol::Resp2 {
            return self.bulk(text);
        }
        let mut head = *b"   :";
        for (slot, byte) in head.iter_mut().take(3).zip(format.bytes()) {
            *slot = byte;
        }
        put_line(
            &mut self.bytes,
            b'=',
            text.len().saturating_add(head.len()) as u64,
        );
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Appends what another buffer holds; blobs stay references.
    pub fn append(&mut self, other: &Self) {
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.referenced = self.referenced.saturating_add(other.referenced);
        let moved = other.inserts.iter().cloned();
        self.inserts.extend(moved.map(|i| Insert {
            at: i.at.saturating_add(base),
            ..i
        }));
    }

    /// Makes room for so many more bytes at once.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Appends a reply that is encoded already.
    #[inline]
    pub fn raw(&mut self, encoded: &[u8]) {
        self.bytes.extend_from_slice(encoded);
    }

    /// The present end.
    #[inline]
    #[must_use]
    pub const fn mark(&self) -> Mark {
        Mark {
            bytes: self.bytes.len(),
            inserts: self.inserts.len(),
            referenced: self.referenced,
        }
    }

    /// Drops what was appended since `mark`.
    pub fn rollback(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        self.inserts.truncate(mark.inserts);
        self.referenced = self.referenced.min(mark.referenced);
    }

    /// Bytes appended since `mark`, referenced ones included.
    #[must_use]
    pub const fn len_since(&self, mark: Mark) -> usize {
        self.len()
            .saturating_sub(mark.bytes.saturating_add(mark.referenced))
    }

    /// What to send, in order: one entry of a vectored write each. None is empty.
    #[must_use]
    pub fn chunks(&self) -> Chunks<'_> {
        self.chunks_from(0)
    }

    /// As [`Self::chunks`], without the first `sent` bytes.
    #[must_use]
    pub fn chunks_from(&self, sent: usize) -> Chunks<'_> {
        Chunks {
            buffer: self,
            at: 0,
            insert: 0,
            skip: sent,
        }
    }

    /// Everything in one vector; for tests and for small replies.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len());
        self.chunks().for_each(|chunk| all.extend_from_slice(chunk));
        all
    }

    #[inline]
    pub(super) fn aggregate(&mut self, kind: Aggregate, len: usize) {
        let (mark, len) = kind.header(self.protocol, len);
        put_line(&mut self.bytes, mark, len as u64);
    }

    #[inline]
    fn either(&mut self, resp2: &[u8], resp3: &[u8]) {
        self.bytes.extend_from_slice(match self.protocol {
            Protocol::Resp2 => resp2,
            Protocol::Resp3 => resp3,
        });
    }

    fn line(&mut self, mark: u8, text: &[u8]) {
        self.bytes.reserve(text.len().saturating_add(3));
        self.bytes.push(mark);
        self.bytes.extend(text.iter().map(|&byte| match byte {
            b'\r' | b'\n' | b'\0' => b' ',
            other => other,
        }));
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// The aggregates whose header depends on the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Array,
    Map,
    Set,
    Push,
}

impl Aggregate {
    /// The mark and the count of the header line.
    pub(super) const fn header(self, protocol: Protocol, len: usize) -> (u8, usize) {
        match (self, protocol) {
            (Self::Map, Protocol::Resp2) => (b'*', len.saturating_mul(2)),
            (Self::Map, Protocol::Resp3) => (b'%', len),
            (Self::Set, Protocol::Resp3) => (b'~', len),
            (Self::Push, Protocol::Resp3) => (b'>', len),
            _ => (b'*', len),
        }
    }
}

/// Shows lengths alone: replies are users' data.
impl fmt::Debug for ReplyBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ReplyBuf({} bytes, {} of them referenced)",
            self.len(),
            self.referenced
        )
    }
}

/// The chunks of a [`ReplyBuf`] in order.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    buffer: &'a ReplyBuf,
    /// Position in the buffer's own bytes.
    at: usize,
    insert: usize,
    /// Bytes still to leave out.
    skip: usize,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let next = self.buffer.inserts.get(self.insert);
            let chunk = match next {
                Some(insert) if insert.at <= self.at => {
                    self.insert = self.insert.saturating_add(1);
                    insert.blob.get(insert.range.clone())?
                }
                _ => {
                    let end = next.map_or(self.buffer.bytes.len(), |insert| insert.at);
                    if next.is_none() && self.at >= end {
                        return None;
                    }
                    let own = self.buffer.bytes.get(self.at..end)?;
                    self.at = end;
                    own
                }
            };
            let skipped = self.skip.min(chunk.len());
            self.skip = self.skip.saturating_sub(skipped);
            match chunk.get(skipped..) {
                Some(rest) if !rest.is_empty() => return Some(rest),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "buffer_tests.rs"]
mod tests;
