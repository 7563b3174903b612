//! A file that is being written encrypted, in one go.

use std::sync::Arc;

use vk_persist::seal::{FileId, FileNote, Header, Kind, SealFault, stream::StreamWriter};

use super::AtRest;

/// Encrypts a file.
#[derive(Debug)]
pub(crate) struct SealedWriter {
    at_rest: Arc<AtRest>,
    kind: Kind,
    file: FileId,
    generation: u64,
    /// None once it has ended.
    stream: Option<StreamWriter>,
    /// Encrypted bytes that were not given to the system yet.
    out: Vec<u8>,
}

impl SealedWriter {
    pub(super) fn new(
        at_rest: Arc<AtRest>,
        kind: Kind,
        header: &Header,
        stream: StreamWriter,
    ) -> Self {
        Self {
            at_rest,
            kind,
            file: header.file,
            generation: header.generation,
            stream: Some(stream),
            out: header.encode(),
        }
    }

    /// What a list says of the file.
    pub(crate) fn file_note(&self) -> FileNote {
        FileNote {
            file: self.file,
            closed: None,
        }
    }

    /// Takes what is in `plain`, and gives what is to be written in its place.
    ///
    /// # Errors
    /// The file is too long.
    pub(crate) fn encrypt(&mut self, plain: &mut Vec<u8>) -> Result<(), SealFault> {
        if let Some(stream) = &mut self.stream {
            stream.write(plain, &mut self.out)?;
        }
        plain.clear();
        std::mem::swap(plain, &mut self.out);
        Ok(())
    }

    /// The same for the last bytes of the file.
    ///
    /// # Errors
    /// The file is too long.
    pub(crate) fn encrypt_last(&mut self, plain: &mut Vec<u8>) -> Result<(), SealFault> {
        if let Some(mut stream) = self.stream.take() {
            stream.write(plain, &mut self.out)?;
            stream.finish(&mut self.out)?;
        }
        plain.clear();
        std::mem::swap(plain, &mut self.out);
        Ok(())
    }

    /// The file is in its place.
    ///
    /// # Errors
    /// It is not noted that it must be there; what to tell the operator.
    pub(crate) fn note(&self) -> Result<(), String> {
        if self.kind != Kind::Snapshot {
            return Ok(());
        }
        self.at_rest.note_snapshot(self.generation, self.file)
    }
}
