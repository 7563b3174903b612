//! A file that is read from its beginning to its end, encrypted or not.

use std::{
    fs::File,
    io::{self, Read as _},
};

use vk_persist::seal::{SealFault, stream::StreamReader};

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// The file.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    name: String,
    seal: Option<Seal>,
}

#[derive(Debug)]
struct Seal {
    reader: StreamReader,
    /// What was read and is not decrypted yet.
    buffer: Vec<u8>,
}

/// Why reading cannot go on.
#[derive(Debug)]
pub(crate) enum SourceError {
    /// The system refuses.
    Io(io::Error),
    /// The file is not what was written; what to tell the operator.
    Changed(String),
}

impl Source {
    /// A plain file.
    pub(super) fn plain(file: File, name: &str) -> Self {
        Self {
            file,
            name: name.to_owned(),
            seal: None,
        }
    }

    /// An encrypted file behind its header.
    pub(super) fn sealed(file: File, name: &str, reader: StreamReader) -> Self {
        Self {
            seal: Some(Seal {
                reader,
                buffer: Vec::new(),
            }),
            ..Self::plain(file, name)
        }
    }

    /// What comes next, in the place of what is in `out`; nothing at the end of the file.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written.
    pub(crate) fn read(&mut self, out: &mut Vec<u8>) -> Result<(), SourceError> {
        let Some(seal) = &mut self.seal else {
            return read_some(&mut self.file, out).map_err(SourceError::Io);
        };
        out.clear();
        while out.is_empty() && !seal.reader.is_finished() {
            read_some(&mut self.file, &mut seal.buffer).map_err(SourceError::Io)?;
            let read = if seal.buffer.is_empty() {
                seal.reader.finish(out)
            } else {
                seal.reader.feed(&seal.buffer, out)
            };
            read.map_err(|fault| Self::told(&self.name, fault))?;
        }
        Ok(())
    }

    /// Reads up to the end: what follows was never looked at if this is not called.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written.
    pub(crate) fn finish(&mut self) -> Result<(), SourceError> {
        if self.seal.is_none() {
            return Ok(());
        }
        let mut rest = Vec::new();
        self.read(&mut rest)?;
        while !rest.is_empty() {
            self.read(&mut rest)?;
        }
        Ok(())
    }

    fn told(name: &str, fault: SealFault) -> SourceError {
        SourceError::Changed(super::told(name, fault))
    }
}

fn read_some(file: &mut File, out: &mut Vec<u8>) -> io::Result<()> {
    out.resize(READ_BYTES, 0);
    let count = file.read(out)?;
    out.truncate(count);
    Ok(())
}
