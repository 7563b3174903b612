//! A file that grows: what was written together is a batch of frames, each of which says its place
//! and which one is before it, so that none can be taken out, exchanged or come from elsewhere.
//!
//! ```text
//! length, 4 bytes | kind, 1 byte | tag of these five | contents, encrypted | tag of the contents
//! ```
//!
//! The first tag covers the tag of the frame before, the second one the first. The length has a
//! tag of its own because a changed length must not look like a file that ends too early: only the
//! tail of the last file may be missing, and that is told apart from damage. A nonce is the number
//! of the frame and which of its two tags is meant; the key is that of the file alone.
//!
//! What cannot be noticed here is that whole batches are missing at the end of a file that was
//! not closed. A list of the files with their last tags says so for the others.

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, mem};

use super::{Aead, NONCE_BYTES, SealFault, TAG_BYTES, Tag};

/// Bytes of a frame's contents at most.
const FRAME_BYTES_MAX: usize = 16 << 20;
/// Bytes of length and kind.
const LENGTH_BYTES: usize = 5;
/// Bytes before the contents.
const HEAD_BYTES: usize = LENGTH_BYTES + TAG_BYTES;
/// The contents end a batch.
const ENDS_BATCH: u8 = 1;
/// The batch goes on in the next frame.
const GOES_ON: u8 = 2;
/// The file ends: nothing follows.
const ENDS_FILE: u8 = 3;

/// Which of the two tags of a frame.
#[derive(Clone, Copy)]
enum Half {
    Head = 0,
    Body = 1,
}

/// Where a row of frames stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Chain {
    number: u64,
    last: Tag,
}

impl Chain {
    fn nonce(&self, half: Half) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        let [first, _, _, _, number @ ..] = &mut nonce;
        *first = half as u8;
        number.copy_from_slice(&self.number.to_be_bytes());
        nonce
    }

    fn head_aad(&self, head: &[u8]) -> Vec<u8> {
        [self.last.0.as_slice(), head].concat()
    }

    fn go_on(&mut self, last: Tag) -> Result<(), SealFault> {
        self.last = last;
        self.number = self.number.checked_add(1).ok_or(SealFault::TooLong)?;
        Ok(())
    }
}

/// Encrypts batches behind the header of a file.
pub struct FrameWriter {
    aead: Box<dyn Aead>,
    chain: Chain,
    frame_bytes_max: usize,
}

impl fmt::Debug for FrameWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameWriter")
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

impl FrameWriter {
    /// Encrypts under this key, which encrypts nothing else.
    #[must_use]
    pub fn new(aead: Box<dyn Aead>) -> Self {
        Self::with_frames_of(aead, FRAME_BYTES_MAX)
    }

    pub(super) fn with_frames_of(aead: Box<dyn Aead>, frame_bytes_max: usize) -> Self {
        Self {
            aead,
            chain: Chain::default(),
            frame_bytes_max,
        }
    }

    /// Appends a batch to `out`: it will be read whole or not at all. What was appended is written
    /// as it is, and never encrypted again.
    ///
    /// # Errors
    /// The file is too long.
    pub fn batch(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SealFault> {
        let mut pieces = bytes.chunks(self.frame_bytes_max).peekable();
        while let Some(piece) = pieces.next() {
            let is_last = pieces.peek().is_none();
            self.frame(if is_last { ENDS_BATCH } else { GOES_ON }, piece, out)?;
        }
        Ok(())
    }

    /// Appends the end to `out`: nothing can follow.
    ///
    /// # Errors
    /// As [`FrameWriter::batch`].
    pub fn close(mut self, out: &mut Vec<u8>) -> Result<Tag, SealFault> {
        self.frame(ENDS_FILE, &[], out)?;
        Ok(self.chain.last)
    }

    /// The tag of the last frame.
    #[must_use]
    pub fn last(&self) -> Tag {
        self.chain.last
    }

    fn frame(&mut self, kind: u8, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SealFault> {
        let length = u32::try_from(bytes.len()).map_err(|_| SealFault::TooLong)?;
        let mut head = length.to_be_bytes().to_vec();
        head.push(kind);
        let nonce = self.chain.nonce(Half::Head);
        let aad = self.chain.head_aad(&head);
        let head_tag = self.aead.seal(&nonce, &aad, &mut [])?;
        out.reserve(HEAD_BYTES + bytes.len() + TAG_BYTES);
        out.extend_from_slice(&head);
        out.extend_from_slice(&head_tag.0);
        let begin = out.len();
        out.extend_from_slice(bytes);
        let nonce = self.chain.nonce(Half::Body);
        let contents = out.get_mut(begin..).unwrap_or_default();
        let tag = self.aead.seal(&nonce, &head_tag.0, contents)?;
        out.extend_from_slice(&tag.0);
        self.chain.go_on(tag)
    }
}

/// What a file holds, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameEvent {
    /// What was written together.
    Batch(Vec<u8>),
    /// The end that was written when the file was closed.
    Closed,
    /// More bytes are needed.
    More,
}

/// How a file ended that is otherwise what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameEnd {
    /// It was closed.
    Closed,
    /// It ends behind a batch.
    Open,
    /// It ends within a batch, which begins at this offset.
    Torn(u64),
}

/// Decrypts batches behind the header of a file.
///
/// Order: [`FrameReader::feed`] and [`FrameReader::poll`] until it needs more; at the end of the
/// file [`FrameReader::finish`].
pub struct FrameReader {
    aead: Box<dyn Aead>,
    chain: Chain,
    bytes: Vec<u8>,
    at: usize,
    /// Where `bytes` begin in the file.
    gone: u64,
    /// Behind the last whole batch: where, and its tag.
    good: u64,
    good_tag: Tag,
    /// A batch that goes on.
    batch: Vec<u8>,
    is_closed: bool,
}

impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader")
            .field("chain", &self.chain)
            .field("good", &self.good)
            .finish_non_exhaustive()
    }
}

impl FrameReader {
    /// Decrypts under this key what begins at `offset` of its file.
    #[must_use]
    pub fn new(aead: Box<dyn Aead>, offset: usize) -> Self {
        Self {
            aead,
            chain: Chain::default(),
            bytes: Vec::new(),
            at: 0,
            gone: offset as u64,
            good: offset as u64,
            good_tag: Tag::default(),
            batch: Vec::new(),
            is_closed: false,
        }
    }

    /// Bytes of the file, in order.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.gone = self.gone.saturating_add(self.at as u64);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Up to here the file is whole: behind the last batch, or behind its end.
    #[must_use]
    pub fn good(&self) -> u64 {
        self.good
    }

    /// The tag of what ends there.
    #[must_use]
    pub fn good_tag(&self) -> Tag {
        self.good_tag
    }

    fn offset(&self) -> u64 {
        self.gone.saturating_add(self.at as u64)
    }

    /// What comes next.
    ///
    /// # Errors
    /// Where the file was changed.
    pub fn poll(&mut self) -> Result<FrameEvent, SealFault> {
        loop {
            if self.is_closed {
                if self.at < self.bytes.len() {
                    return Err(SealFault::Continued(self.offset()));
                }
                return Ok(FrameEvent::More);
            }
            let Some((kind, length)) = self.head()? else {
                return Ok(FrameEvent::More);
            };
            if !self.body(length)? {
                return Ok(FrameEvent::More);
            }
            match kind {
                GOES_ON => continue,
                ENDS_BATCH => {
                    self.note_good();
                    return Ok(FrameEvent::Batch(mem::take(&mut self.batch)));
                }
                _ => {
                    self.note_good();
                    self.is_closed = true;
                    return Ok(FrameEvent::Closed);
                }
            }
        }
    }

    fn note_good(&mut self) {
        self.good = self.offset();
        self.good_tag = self.chain.last;
    }

    /// Kind and length of the next frame, once its head is there.
    fn head(&self) -> Result<Option<(u8, usize)>, SealFault> {
        let changed = SealFault::Changed(self.offset());
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some((head, tag)) = rest
            .get(..HEAD_BYTES)
            .and_then(|head| head.split_first_chunk::<LENGTH_BYTES>())
        else {
            return Ok(None);
        };
        let mut tag = tag.to_vec();
        let (nonce, aad) = (self.chain.nonce(Half::Head), self.chain.head_aad(head));
        self.aead.open(&nonce, &aad, &mut tag).ok_or(changed)?;
        let [length @ .., kind] = head;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| changed)?;
        // A batch that ends the file or is of another kind was never written.
        let is_known = match *kind {
            ENDS_BATCH | GOES_ON => length > 0,
            ENDS_FILE => length == 0 && self.batch.is_empty(),
            _ => false,
        };
        is_known.then_some(Some((*kind, length))).ok_or(changed)
    }

    /// Decrypts the contents of the next frame, once they are there.
    fn body(&mut self, length: usize) -> Result<bool, SealFault> {
        let changed = SealFault::Changed(self.offset());
        let begin = self.at + HEAD_BYTES;
        let end = begin + length + TAG_BYTES;
        if self.bytes.len() < end {
            return Ok(false);
        }
        let nonce = self.chain.nonce(Half::Body);
        let head_tag = self.bytes.get(self.at + LENGTH_BYTES..begin);
        let head_tag = head_tag.unwrap_or_default().to_vec();
        let tag = self.bytes.get(..end).and_then(<[u8]>::last_chunk).copied();
        let sealed = self.bytes.get_mut(begin..end).unwrap_or_default();
        let opened = self.aead.open(&nonce, &head_tag, sealed).ok_or(changed)?;
        self.batch.extend_from_slice(opened);
        self.at = end;
        self.chain.go_on(Tag(tag.unwrap_or_default()))?;
        Ok(true)
    }

    /// The file has ended. What was torn may be all that there ever was, if nothing follows the
    /// file; [`FrameReader::good`] says where it begins.
    #[must_use]
    pub fn finish(&self) -> FrameEnd {
        if self.is_closed {
            FrameEnd::Closed
        } else if self.at >= self.bytes.len() && self.batch.is_empty() {
            FrameEnd::Open
        } else {
            FrameEnd::Torn(self.good)
        }
    }
}
