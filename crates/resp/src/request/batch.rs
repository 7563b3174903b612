//! Parsed requests waiting to be executed, flat and reused from turn to turn. Not a queue.

use super::view::{OwnedRequest, Request, Span};
use crate::{BLOB_BYTES_MIN, Blob};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// The requests of one call or more of [`crate::Parser::parse`] over the same input buffer.
#[derive(Default)]
pub struct Batch {
    spans: Vec<Span>,
    frames: Vec<Frame>,
    blobs: Vec<Blob>,
    owned: Vec<OwnedRequest>,
}

enum Frame {
    /// Lay complete in the input.
    Borrowed(Range<usize>),
    /// Came in pieces: index among the owned ones.
    Owned(usize),
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            spans: Vec::new(),
            frames: Vec::new(),
            blobs: Vec::new(),
            owned: Vec::new(),
        }
    }

    /// Forgets the requests; the room for spans is kept.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.frames.clear();
        self.blobs.clear();
        self.owned.clear();
    }

    /// Number of requests.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there is no request.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Request `index`; `input` is the buffer that was parsed. Empty if there is no such request.
    #[inline]
    #[must_use]
    pub fn request<'a>(&'a self, index: usize, input: &'a [u8]) -> Request<'a> {
        match self.frames.get(index) {
            Some(Frame::Borrowed(range)) => {
                let spans = self.spans.get(range.clone()).unwrap_or_default();
                Request::new(input, spans, &self.blobs)
            }
            Some(Frame::Owned(at)) => self.owned.get(*at).map_or(EMPTY, OwnedRequest::view),
            None => EMPTY,
        }
    }

    /// All requests in order.
    pub fn iter<'a>(&'a self, input: &'a [u8]) -> impl Iterator<Item = Request<'a>> {
        (0..self.len()).map(move |index| self.request(index, input))
    }

    pub(super) fn push_owned(&mut self, request: OwnedRequest) {
        self.frames.push(Frame::Owned(self.owned.len()));
        self.owned.push(request);
    }

    #[inline]
    pub(super) const fn spans_mut(&mut self) -> &mut Vec<Span> {
        &mut self.spans
    }

    /// Makes a frame of the spans from `first` on.
    #[inline]
    pub(super) fn push_borrowed(&mut self, first: usize) {
        self.frames.push(Frame::Borrowed(first..self.spans.len()));
    }

    /// Copies the long arguments among the spans from `first` on into blobs.
    #[cold]
    pub(super) fn lift_blobs(&mut self, first: usize, input: &[u8]) {
        for span in self.spans.iter_mut().skip(first) {
            if span.inline_len() >= BLOB_BYTES_MIN
                && let Some(bytes) = span.bytes(input)
            {
                *span = Span::of_blob(self.blobs.len());
                self.blobs.push(Blob::from(bytes.to_vec()));
            }
        }
    }
}

const EMPTY: Request<'static> = Request::new(&[], &[], &[]);

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} requests)", self.len())
    }
}
