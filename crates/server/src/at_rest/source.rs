//! A file that is read from its beginning to its end, encrypted or not.

use std::{
    fs::File,
    io::{self, Read as _},
};

use vk_persist::seal::{
    Closed, FileNote, Header, SealFault,
    frames::{FrameEnd, FrameEvent, FrameReader},
    stream::StreamReader,
};

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// The file.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    name: String,
    seal: Seal,
    /// What was read and is not decrypted yet.
    buffer: Vec<u8>,
    /// Its bytes so far, as they are stored.
    bytes: u64,
}

#[derive(Debug)]
enum Seal {
    None,
    Stream(StreamReader),
    Frames(Box<Frames>),
}

#[derive(Debug)]
struct Frames {
    reader: FrameReader,
    /// Where it must come along at least, until it has.
    wanted: Option<Closed>,
    is_ended: bool,
}

/// Why reading cannot go on.
#[derive(Debug)]
pub(crate) enum SourceError {
    /// The system refuses.
    Io(io::Error),
    /// The file is not what was written; what to tell the operator.
    Changed(String),
}

/// How an encrypted file that grows has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrownEnd {
    /// It ends within what was written together.
    pub(crate) is_torn: bool,
    /// Behind the last whole piece: where, and its tag.
    pub(crate) good: Closed,
}

impl Source {
    /// A plain file.
    pub(super) fn plain(file: File, name: &str) -> Self {
        Self {
            file,
            name: name.to_owned(),
            seal: Seal::None,
            buffer: Vec::new(),
            bytes: 0,
        }
    }

    /// An encrypted file behind its header.
    pub(super) fn stream(file: File, name: &str, reader: StreamReader) -> Self {
        Self {
            seal: Seal::Stream(reader),
            bytes: Header::BYTES as u64,
            ..Self::plain(file, name)
        }
    }

    /// The same of one that grows, which must come along at the place that a list names.
    pub(super) fn frames(
        file: File,
        name: &str,
        reader: FrameReader,
        note: Option<FileNote>,
    ) -> Self {
        let mut frames = Frames {
            reader,
            wanted: note.and_then(|note| note.closed),
            is_ended: false,
        };
        frames.see();
        Self {
            seal: Seal::Frames(Box::new(frames)),
            bytes: Header::BYTES as u64,
            ..Self::plain(file, name)
        }
    }

    /// What comes next, in the place of what is in `out`; nothing at the end of the file.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written.
    pub(crate) fn read(&mut self, out: &mut Vec<u8>) -> Result<(), SourceError> {
        if matches!(self.seal, Seal::None) {
            return self.fill(out);
        }
        out.clear();
        while out.is_empty() && !self.is_ended() {
            let mut buffer = std::mem::take(&mut self.buffer);
            if !self.next_batch(out)? && !self.is_ended() {
                self.fill(&mut buffer)?;
                let read = match (&mut self.seal, buffer.is_empty()) {
                    (Seal::Stream(reader), true) => reader.finish(out),
                    (Seal::Stream(reader), false) => reader.feed(&buffer, out),
                    (Seal::Frames(frames), true) => frames.finish(),
                    (Seal::Frames(frames), false) => {
                        frames.reader.feed(&buffer);
                        Ok(())
                    }
                    (Seal::None, _) => Ok(()),
                };
                read.map_err(|fault| self.told(fault))?;
            }
            self.buffer = buffer;
        }
        Ok(())
    }

    /// Reads up to the end: what follows was never looked at if this is not called.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written.
    pub(crate) fn finish(&mut self) -> Result<(), SourceError> {
        if matches!(self.seal, Seal::None) {
            return Ok(());
        }
        let mut rest = Vec::new();
        self.read(&mut rest)?;
        while !rest.is_empty() {
            self.read(&mut rest)?;
        }
        Ok(())
    }

    /// Its bytes so far, as they are stored.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How it has ended, if it is an encrypted file that grows.
    pub(crate) fn grown_end(&self) -> Option<GrownEnd> {
        let Seal::Frames(frames) = &self.seal else {
            return None;
        };
        Some(GrownEnd {
            is_torn: matches!(frames.reader.finish(), FrameEnd::Torn(_)),
            good: frames.good(),
        })
    }

    fn is_ended(&self) -> bool {
        match &self.seal {
            Seal::None => false,
            Seal::Stream(reader) => reader.is_finished(),
            Seal::Frames(frames) => frames.is_ended,
        }
    }

    /// What was written together and is there.
    fn next_batch(&mut self, out: &mut Vec<u8>) -> Result<bool, SourceError> {
        let Seal::Frames(frames) = &mut self.seal else {
            return Ok(false);
        };
        match frames.next(out) {
            Ok(is_any) => Ok(is_any),
            Err(fault) => Err(self.told(fault)),
        }
    }

    fn fill(&mut self, out: &mut Vec<u8>) -> Result<(), SourceError> {
        out.resize(READ_BYTES, 0);
        let count = self.file.read(out).map_err(SourceError::Io)?;
        out.truncate(count);
        self.bytes = self.bytes.saturating_add(count as u64);
        Ok(())
    }

    fn told(&self, fault: SealFault) -> SourceError {
        SourceError::Changed(super::told(&self.name, fault))
    }
}

impl Frames {
    fn good(&self) -> Closed {
        Closed {
            bytes: self.reader.good(),
            tag: self.reader.good_tag(),
        }
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, SealFault> {
        loop {
            let event = self.reader.poll()?;
            self.see();
            match event {
                FrameEvent::Batch(batch) => {
                    *out = batch;
                    return Ok(true);
                }
                FrameEvent::Closed => {}
                _ => return Ok(false),
            }
        }
    }

    /// The place that it must come along at is behind what was read.
    fn see(&mut self) {
        if self.wanted == Some(self.good()) {
            self.wanted = None;
        }
    }

    fn finish(&mut self) -> Result<(), SealFault> {
        self.is_ended = true;
        if self.wanted.is_some() {
            return Err(SealFault::Truncated);
        }
        Ok(())
    }
}
