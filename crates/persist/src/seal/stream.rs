//! A file that is written in one go: pieces of 64 KiB, each authenticated, in their order, the last
//! one marked (STREAM: Hoang, Reyhanitabar, Rogaway, Vizar 2015). What is cut off, exchanged,
//! repeated or appended is noticed, and nothing is handed out that was not looked at.
//!
//! A piece's nonce is its number in 11 bytes and a byte that is 1 for the last one; the key is
//! that of the file alone.

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, mem};

use super::{Aead, NONCE_BYTES, SealFault, TAG_BYTES};

/// Bytes of a piece, but for the last, which may be shorter and is empty only if the file is.
pub const CHUNK_BYTES: usize = 64 << 10;
/// Bytes of a piece as it is stored.
const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Within,
    Last,
}

fn nonce(number: u64, place: Place) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    let [_, _, _, middle @ .., last] = &mut nonce;
    middle.copy_from_slice(&number.to_be_bytes());
    *last = u8::from(place == Place::Last);
    nonce
}

/// Encrypts a file behind its header.
pub struct StreamWriter {
    aead: Box<dyn Aead>,
    number: u64,
    /// The piece that may be the last.
    chunk: Vec<u8>,
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl StreamWriter {
    /// Encrypts under this key, which encrypts nothing else.
    #[must_use]
    pub fn new(aead: Box<dyn Aead>) -> Self {
        Self {
            aead,
            number: 0,
            chunk: Vec::new(),
        }
    }

    /// Takes bytes of the file; what is complete is appended to `out`.
    ///
    /// # Errors
    /// The file is too long.
    pub fn write(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SealFault> {
        while !bytes.is_empty() {
            // A full piece waits until it is known that another one follows.
            if self.chunk.len() == CHUNK_BYTES {
                self.seal(Place::Within, out)?;
            }
            // What is known to be within the file need not wait, and is copied once.
            if self.chunk.is_empty()
                && let Some((piece, rest)) = bytes.split_at_checked(CHUNK_BYTES)
                && !rest.is_empty()
            {
                self.seal_piece(piece, Place::Within, out)?;
                bytes = rest;
                continue;
            }
            let room = CHUNK_BYTES - self.chunk.len();
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    /// The file has ended: the last piece is appended to `out`.
    ///
    /// # Errors
    /// As [`StreamWriter::write`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), SealFault> {
        self.seal(Place::Last, out)
    }

    /// The piece that was collected.
    fn seal(&mut self, place: Place, out: &mut Vec<u8>) -> Result<(), SealFault> {
        let mut chunk = mem::take(&mut self.chunk);
        self.seal_piece(&chunk, place, out)?;
        chunk.clear();
        self.chunk = chunk;
        Ok(())
    }

    fn seal_piece(
        &mut self,
        piece: &[u8],
        place: Place,
        out: &mut Vec<u8>,
    ) -> Result<(), SealFault> {
        let nonce = nonce(self.number, place);
        let begin = out.len();
        out.extend_from_slice(piece);
        let sealed = out.get_mut(begin..).unwrap_or_default();
        match self.aead.seal(&nonce, b"", sealed) {
            Ok(tag) => out.extend_from_slice(&tag.0),
            Err(fault) => {
                // What is not encrypted goes nowhere.
                out.truncate(begin);
                return Err(fault);
            }
        }
        self.number = self.number.checked_add(1).ok_or(SealFault::TooLong)?;
        Ok(())
    }
}

/// Decrypts a file behind its header.
///
/// Order: [`StreamReader::feed`] for bytes as they come, [`StreamReader::finish`] at the end of the
/// file. Whoever does not call it does not know whether the file is whole.
pub struct StreamReader {
    aead: Box<dyn Aead>,
    number: u64,
    /// Where the piece that is collected begins in the file.
    offset: u64,
    bytes: Vec<u8>,
    is_finished: bool,
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl StreamReader {
    /// Decrypts under this key what begins at `offset` of its file.
    #[must_use]
    pub fn new(aead: Box<dyn Aead>, offset: usize) -> Self {
        Self {
            aead,
            number: 0,
            offset: offset as u64,
            bytes: Vec::new(),
            is_finished: false,
        }
    }

    /// Bytes of the file, in order; what was looked at is appended to `out`.
    ///
    /// # Errors
    /// Where the file was changed.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), SealFault> {
        self.bytes.extend_from_slice(bytes);
        let mut at = 0;
        // A piece is not the last one if anything follows it.
        while self.bytes.len() - at > SEALED_BYTES {
            let sealed = self.bytes.get_mut(at..at + SEALED_BYTES);
            let opened = sealed.and_then(|sealed| {
                let nonce = nonce(self.number, Place::Within);
                self.aead.open(&nonce, b"", sealed)
            });
            out.extend_from_slice(opened.ok_or(SealFault::Changed(self.offset))?);
            at += SEALED_BYTES;
            self.offset = self.offset.saturating_add(SEALED_BYTES as u64);
            self.number = self.number.checked_add(1).ok_or(SealFault::TooLong)?;
        }
        self.bytes.drain(..at);
        Ok(())
    }

    /// The file has ended. The rest of it is appended to `out`; afterwards it is known that all of
    /// the file is what was written.
    ///
    /// # Errors
    /// It was changed or cut off.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), SealFault> {
        if self.is_finished {
            return Ok(());
        }
        let is_alone = self.number == 0;
        let mut last = self.bytes.clone();
        let opened = self
            .aead
            .open(&nonce(self.number, Place::Last), b"", &mut last);
        match opened {
            Some(opened) if is_alone || !opened.is_empty() => {
                out.extend_from_slice(opened);
                self.is_finished = true;
                self.bytes = Vec::new();
                Ok(())
            }
            _ => Err(self.ending()),
        }
    }

    /// Why the end is none: a piece of the middle ends the file if it was cut off behind it.
    fn ending(&mut self) -> SealFault {
        let number = self.number;
        let inner = nonce(number, Place::Within);
        let is_whole = self.bytes.len() == SEALED_BYTES;
        if self.bytes.is_empty()
            || is_whole && self.aead.open(&inner, b"", &mut self.bytes).is_some()
        {
            return SealFault::Truncated;
        }
        SealFault::Changed(self.offset)
    }

    /// The end was seen, and all of the file is what was written.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }
}
