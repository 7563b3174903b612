//! A request as a list of arguments: borrowed from a buffer, or owned. Not its parsing.

use crate::{BLOB_BYTES_MIN, Blob, grow};
use alloc::vec::Vec;
use core::fmt;

/// Where one argument lies: in the bytes beside it, or among the blobs.
#[derive(Clone, Copy)]
pub struct Span {
    /// Offset of the first byte, or the index of the blob.
    start: usize,
    /// Length in bytes, or [`Span::BLOB`].
    len: u32,
}

impl Span {
    /// Marks a blob. No argument in a buffer is that long: from [`BLOB_BYTES_MIN`] on it is a
    /// blob, and an inline line is shorter too.
    const BLOB: u32 = u32::MAX;

    pub(super) const fn of_blob(index: usize) -> Self {
        Self {
            start: index,
            len: Self::BLOB,
        }
    }

    /// `len` is below 4 GiB by construction of the callers; a longer one would be cut.
    #[inline]
    pub(super) fn of_bytes(start: usize, len: usize) -> Self {
        Self {
            start,
            len: u32::try_from(len).unwrap_or(Self::BLOB.wrapping_sub(1)),
        }
    }

    /// Bytes in the buffer; 0 for a blob.
    #[inline]
    pub(super) const fn inline_len(self) -> usize {
        if self.len == Self::BLOB {
            0
        } else {
            self.len as usize
        }
    }

    #[inline]
    const fn blob_index(self) -> Option<usize> {
        if self.len == Self::BLOB {
            Some(self.start)
        } else {
            None
        }
    }

    #[inline]
    pub(super) fn bytes(self, buffer: &[u8]) -> Option<&[u8]> {
        buffer.get(self.start..)?.get(..self.len as usize)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.blob_index() {
            Some(index) => write!(f, "blob {index}"),
            None => write!(f, "{}+{}", self.start, self.len),
        }
    }
}

/// One request: the command's name and its arguments. Copying it copies three references.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
    blobs: &'a [Blob],
}

impl<'a> Request<'a> {
    #[inline]
    pub(super) const fn new(bytes: &'a [u8], spans: &'a [Span], blobs: &'a [Blob]) -> Self {
        Self {
            bytes,
            spans,
            blobs,
        }
    }

    /// Number of arguments, the command's name included.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no argument at all.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `index`; the command's name is argument 0.
    #[inline]
    #[must_use]
    pub fn arg(&self, index: usize) -> Option<&'a [u8]> {
        self.resolve(*self.spans.get(index)?)
    }

    /// Argument `index` as shared bytes, if it arrived as such (see [`BLOB_BYTES_MIN`]).
    #[inline]
    #[must_use]
    pub fn blob(&self, index: usize) -> Option<&'a Blob> {
        self.blobs.get(self.spans.get(index)?.blob_index()?)
    }

    /// All arguments in order.
    #[inline]
    #[must_use]
    pub const fn iter(&self) -> Args<'a> {
        Args {
            request: *self,
            front: 0,
            back: self.spans.len(),
        }
    }

    /// The same request without its first `count` arguments.
    #[inline]
    #[must_use]
    pub fn skip(&self, count: usize) -> Self {
        Self {
            spans: self.spans.get(count..).unwrap_or_default(),
            ..*self
        }
    }

    /// Bytes of this request as an array of bulk strings, which is how almost all arrive.
    #[must_use]
    pub fn wire_bytes(&self) -> usize {
        let arguments = self
            .iter()
            .map(|arg| header_bytes(arg.len()) + arg.len() + 2);
        arguments.fold(header_bytes(self.len()), usize::saturating_add)
    }

    /// The request as it lies in the buffer, if it came as a short array of bulk strings: encoding
    /// it anew would give the same bytes.
    #[inline]
    #[must_use]
    pub fn wire(&self) -> Option<&'a [u8]> {
        let (first, rest) = self.spans.split_first()?;
        let (count, len) = (self.len(), first.len as usize);
        if count > 9 || len > 9 {
            return None;
        }
        let [count, digit] = [count, len].map(|n| b'0' + n as u8);
        let head = [b'*', count, b'\r', b'\n', b'$', digit, b'\r', b'\n'];
        let from = first.start.checked_sub(head.len())?;
        if !self.bytes.get(from..)?.starts_with(&head) {
            return None;
        }
        let mut end = first.start + len;
        for span in rest {
            if span.blob_index().is_some() {
                return None;
            }
            // A line has no such gap, and a longer one has a longer number in it.
            let gap = self.bytes.get(end..span.start)?;
            let len = span.len as usize;
            if gap.len() != header_bytes(len) + 2 || !gap.starts_with(b"\r\n$") {
                return None;
            }
            end = span.start + len;
        }
        let wire = self.bytes.get(from..end.checked_add(2)?)?;
        wire.ends_with(b"\r\n").then_some(wire)
    }

    /// Whether [`Request::wire_bytes`] is at least `bytes`. Quick where the answer is plain from
    /// the number of the arguments: each that is not shared is shorter than [`BLOB_BYTES_MIN`].
    #[inline]
    #[must_use]
    pub fn is_at_least(&self, bytes: u64) -> bool {
        const ARGUMENT_BYTES_MAX: usize = BLOB_BYTES_MIN + HEADER_BYTES_MAX;
        let bound = (self.len() + 1).saturating_mul(ARGUMENT_BYTES_MAX) as u64;
        if bound < bytes && self.blobs.is_empty() {
            return false;
        }
        self.wire_bytes() as u64 >= bytes
    }

    /// A copy that outlives the buffer. Blobs are shared, not copied.
    #[must_use]
    pub fn to_owned(&self) -> OwnedRequest {
        let arena_len = self.spans.iter().map(|span| span.inline_len()).sum();
        let mut owned = OwnedRequest {
            arena: Vec::with_capacity(arena_len),
            spans: Vec::with_capacity(self.len()),
            ..OwnedRequest::default()
        };
        for (index, arg) in self.iter().enumerate() {
            match self.blob(index) {
                Some(blob) => owned.push_blob(blob.clone()),
                None => owned.push_bytes(arg),
            }
        }
        owned
    }

    #[inline]
    fn resolve(&self, span: Span) -> Option<&'a [u8]> {
        match span.blob_index() {
            Some(index) => self.blobs.get(index).map(|blob| &**blob),
            None => span.bytes(self.bytes),
        }
    }
}

/// The most that the header of an argument and the end of it take on the wire.
const HEADER_BYTES_MAX: usize = 32;

/// Bytes of `$<n>\r\n`.
#[inline]
fn header_bytes(n: usize) -> usize {
    if n < 10 {
        return 4;
    }
    let digits = n.checked_ilog10().unwrap_or(0).saturating_add(1);
    (digits as usize).saturating_add(3)
}

/// Shows the number of arguments alone: they may be secrets.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} arguments)", self.len())
    }
}

impl<'a> IntoIterator for Request<'a> {
    type Item = &'a [u8];
    type IntoIter = Args<'a>;

    fn into_iter(self) -> Args<'a> {
        self.iter()
    }
}

/// The arguments of a [`Request`] in order.
#[derive(Clone, Debug)]
pub struct Args<'a> {
    request: Request<'a>,
    front: usize,
    back: usize,
}

impl<'a> Iterator for Args<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.front >= self.back {
            return None;
        }
        let arg = self.request.arg(self.front);
        self.front = self.front.wrapping_add(1);
        arg
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.back.saturating_sub(self.front);
        (left, Some(left))
    }
}

impl DoubleEndedIterator for Args<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = self.back.wrapping_sub(1);
        self.request.arg(self.back)
    }
}

impl ExactSizeIterator for Args<'_> {}

/// A request that holds its own bytes: one that arrived in pieces, or one that has to wait.
#[derive(Clone, Default)]
pub struct OwnedRequest {
    arena: Vec<u8>,
    spans: Vec<Span>,
    blobs: Vec<Blob>,
    /// Bytes of the blobs: asked for after every read, so kept.
    blob_bytes: usize,
}

impl OwnedRequest {
    /// A request of these arguments, the command's name first. Long ones become blobs.
    pub fn from_args<'a>(args: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut request = Self::default();
        for arg in args {
            request.push(arg);
        }
        request
    }

    /// Appends one argument; from [`BLOB_BYTES_MIN`] bytes on it becomes a blob.
    pub fn push(&mut self, arg: &[u8]) {
        if arg.len() >= BLOB_BYTES_MIN {
            self.push_blob(Blob::from(arg.to_vec()));
        } else {
            self.push_bytes(arg);
        }
    }

    /// Makes room for a blob that begins to arrive, so that its end takes no more memory.
    pub(super) fn reserve_blob(&mut self) {
        grow::reserve(&mut self.spans, 1);
        self.blobs.reserve(1);
    }

    /// Appends one argument without copying it.
    pub fn push_blob(&mut self, blob: Blob) {
        grow::reserve(&mut self.spans, 1);
        self.spans.push(Span::of_blob(self.blobs.len()));
        self.blob_bytes = self.blob_bytes.saturating_add(blob.capacity());
        self.blobs.push(blob);
    }

    /// The request for reading.
    #[inline]
    #[must_use]
    pub fn view(&self) -> Request<'_> {
        Request::new(&self.arena, &self.spans, &self.blobs)
    }

    /// Bytes of all arguments.
    #[must_use]
    pub(super) fn argument_bytes(&self) -> usize {
        self.arena.len().saturating_add(self.blob_bytes)
    }

    /// Bytes of memory held, those of blobs included even if they are shared.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let spans = self.spans.capacity().saturating_mul(size_of::<Span>());
        let table = self.blobs.capacity().saturating_mul(size_of::<Blob>());
        self.arena
            .capacity()
            .saturating_add(self.blob_bytes)
            .saturating_add(spans)
            .saturating_add(table)
    }

    /// Appends part of the argument that is still arriving; [`Self::finish_bytes`] ends it.
    pub(super) fn extend_bytes(&mut self, part: &[u8]) {
        grow::append(&mut self.arena, part);
    }

    /// Makes an argument of the last `len` bytes that [`Self::extend_bytes`] appended.
    pub(super) fn finish_bytes(&mut self, len: usize) {
        grow::reserve(&mut self.spans, 1);
        self.spans
            .push(Span::of_bytes(self.arena.len().saturating_sub(len), len));
    }

    /// Appends an argument to the arena whatever its length.
    pub(super) fn push_bytes(&mut self, arg: &[u8]) {
        self.extend_bytes(arg);
        self.finish_bytes(arg.len());
    }
}

/// Shows the number of arguments alone: they may be secrets.
impl fmt::Debug for OwnedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedRequest({} arguments)", self.spans.len())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn arguments_views_and_copies_agree() {
        let big = vec![b'x'; BLOB_BYTES_MIN];
        let owned = OwnedRequest::from_args([&b"SET"[..], b"", &big, b"EX"]);
        let view = owned.view();
        assert_eq!((view.len(), view.arg(4)), (4, None));
        assert_eq!(view.blob(2).unwrap().len(), BLOB_BYTES_MIN);
        assert!(view.blob(0).is_none());
        let tail = view.skip(1);
        assert_eq!(tail.arg(0), Some(&b""[..]));
        assert!(view.skip(9).is_empty());
        let copy = tail.to_owned();
        assert!(copy.view().iter().eq(view.iter().skip(1)));
        assert!(copy.view().blob(1).unwrap().ptr_eq(view.blob(2).unwrap()));
        assert!(
            view.iter()
                .rev()
                .eq(view.iter().collect::<Vec<_>>().into_iter().rev())
        );
    }

    #[test]
    fn wire_bytes_is_the_length_on_the_wire() {
        let args: [&[u8]; 3] = [b"SET", b"0123456789", b""];
        let owned = OwnedRequest::from_args(args);
        assert_eq!(
            owned.view().wire_bytes(),
            crate::encode_command(&args).len()
        );
    }

    #[test]
    fn a_bound_of_the_size_is_exact() {
        for args in [
            vec![b"GET".to_vec()],
            vec![vec![b'x'; 9]; 40],
            vec![b"SET".to_vec(), vec![b'x'; BLOB_BYTES_MIN]],
        ] {
            let owned = OwnedRequest::from_args(args.iter().map(Vec::as_slice));
            let bytes = owned.view().wire_bytes() as u64;
            assert!(owned.view().is_at_least(bytes) && owned.view().is_at_least(0));
            assert!(!owned.view().is_at_least(bytes + 1));
            assert!(!owned.view().is_at_least(u64::MAX));
        }
    }

    #[test]
    fn debug_does_not_show_arguments() {
        let owned = OwnedRequest::from_args([&b"AUTH"[..], b"hunter2"]);
        assert_eq!(alloc::format!("{:?}", owned.view()), "Request(2 arguments)");
    }
}
