//! The file of a snapshot: written under another name, and moved to its place when all of it is on
//! disk.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use vk_engine::{SnapshotChunk, SnapshotPlan};
use vk_rdb::{Compression, FileWriter};

use crate::{at_rest::SealedWriter, listen::system_text};

/// Bytes after which what was written is given to the disk, where that is wanted.
const SYNC_BYTES: u64 = 32 << 20;
/// Bytes that are collected for one write.
const WRITE_BYTES: usize = 1 << 20;

/// Where a snapshot goes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Its name while it is written.
    pub(crate) temporary: PathBuf,
    /// Its name when it is complete.
    pub(crate) path: PathBuf,
    /// It is given to the disk bit by bit, so that the end is not one long wait.
    pub(crate) syncs_often: bool,
}

/// What the file is made of.
#[derive(Debug)]
pub(crate) struct Body {
    /// None for commands, which are written as they come.
    writer: Option<FileWriter>,
    beginning: Vec<u8>,
    /// None for a plain file.
    seal: Option<SealedWriter>,
}

impl Body {
    /// An RDB file.
    pub(crate) fn records(plan: &SnapshotPlan, compression: Compression, sums: bool) -> Self {
        let mut writer = FileWriter::new(plan.version, compression, sums);
        let mut beginning = Vec::new();
        writer.begin(&plan.facts, &mut beginning);
        for code in &plan.functions {
            writer.function(code, &mut beginning);
        }
        Self {
            writer: Some(writer),
            beginning,
            seal: None,
        }
    }

    /// A file of commands, which may begin with its time.
    pub(crate) fn commands(time_s: Option<i64>) -> Self {
        let note = time_s.map(|time_s| format!("#TS:{time_s}\r\n"));
        Self {
            writer: None,
            beginning: note.unwrap_or_default().into_bytes(),
            seal: None,
        }
    }

    /// The same, encrypted.
    pub(crate) fn sealed(self, seal: Option<SealedWriter>) -> Self {
        Self { seal, ..self }
    }
}

/// A snapshot that is being written. Dropped before its end it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct SnapshotFile {
    file: File,
    writer: Option<FileWriter>,
    seal: Option<SealedWriter>,
    /// What was not given to the system yet.
    out: Vec<u8>,
    unsynced_bytes: u64,
    bytes: u64,
    claim: Claim,
}

/// What becomes of a file, for the thread that writes it and for whoever may give it up.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    target: Target,
    fate: Arc<Mutex<Fate>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Wanted,
    Complete,
    GivenUp,
}

impl Claim {
    /// The file is not wanted. It is gone on return, and its writer does nothing about its name any
    /// more, since the next file may have the same one. A file that is in its place stays.
    pub(crate) fn give_up(&self) {
        let mut fate = self.lock();
        let is_in_place = *fate == Fate::Complete && self.target.temporary != self.target.path;
        if !is_in_place && *fate != Fate::GivenUp {
            *fate = Fate::GivenUp;
            self.remove();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self) {
        // There may be no room for more, and nobody needs the half of a file.
        let _ = fs::remove_file(&self.target.temporary);
    }
}

impl SnapshotFile {
    /// Begins a file.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn create(target: Target, body: Body) -> Result<Self, String> {
        let file = File::create(&target.temporary).map_err(|error| {
            format!(
                "Failed opening the temp RDB file {} (in server root dir {}) for saving: {}",
                target.temporary.display(),
                here(),
                system_text(&error)
            )
        })?;
        Ok(Self {
            file,
            writer: body.writer,
            seal: body.seal,
            out: body.beginning,
            unsynced_bytes: 0,
            bytes: 0,
            claim: Claim {
                target,
                fate: Arc::new(Mutex::new(Fate::Wanted)),
            },
        })
    }

    /// With it the file can be given up while another thread writes it.
    pub(crate) fn claim(&self) -> Claim {
        self.claim.clone()
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn write(&mut self, chunk: &SnapshotChunk) -> Result<(), String> {
        let tail = chunk.tail.as_deref();
        match &mut self.writer {
            Some(writer) => {
                writer.records(&chunk.bytes, &chunk.texts, &mut self.out);
                if let Some(text) = tail {
                    writer.text(text, &mut self.out);
                }
            }
            None => {
                self.out.extend_from_slice(&chunk.bytes);
                self.out.extend_from_slice(tail.unwrap_or_default());
            }
        }
        if self.out.len() < WRITE_BYTES {
            return Ok(());
        }
        if let Some(seal) = &mut self.seal {
            seal.encrypt(&mut self.out)
                .map_err(|fault| format!("Error while saving DB: it {fault}"))?;
        }
        self.write_out().map_err(|error| write_error(&error))
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.file.write_all(&self.out)?;
        self.unsynced_bytes = self.unsynced_bytes.saturating_add(self.out.len() as u64);
        self.bytes = self.bytes.saturating_add(self.out.len() as u64);
        self.out.clear();
        if self.claim.target.syncs_often && self.unsynced_bytes >= SYNC_BYTES {
            self.file.sync_data()?;
            self.unsynced_bytes = 0;
        }
        Ok(())
    }

    /// Ends the file and moves it to its place, if that is another one. Returns its bytes.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn finish(mut self) -> Result<u64, String> {
        if let Some(writer) = &mut self.writer {
            writer.end(&mut self.out);
        }
        if let Some(seal) = &mut self.seal {
            seal.encrypt_last(&mut self.out)
                .map_err(|fault| format!("Error while saving DB: it {fault}"))?;
        }
        self.write_out()
            .and_then(|()| self.file.sync_all())
            .map_err(|error| write_error(&error))?;
        let Target {
            temporary, path, ..
        } = &self.claim.target;
        let mut fate = self.claim.lock();
        if *fate == Fate::GivenUp {
            return Err("The file was given up".to_owned());
        }
        if temporary == path {
            // Whoever asked for it puts it in its place.
            *fate = Fate::Complete;
            return Ok(self.bytes);
        }
        fs::rename(temporary, path).map_err(|error| {
            format!(
                "Error moving temp DB file {} on the final destination {} (in server root dir \
                 {}): {}",
                temporary.display(),
                path.display(),
                here(),
                system_text(&error)
            )
        })?;
        *fate = Fate::Complete;
        drop(fate);
        sync_folder(path).map_err(|error| {
            let text = system_text(&error);
            format!("Failed to fsync directory while saving DB: {text}")
        })?;
        self.seal.as_ref().map_or(Ok(()), SealedWriter::note)?;
        Ok(self.bytes)
    }
}

impl Drop for SnapshotFile {
    fn drop(&mut self) {
        if *self.claim.lock() == Fate::Wanted {
            self.claim.remove();
        }
    }
}

fn write_error(error: &io::Error) -> String {
    let text = system_text(error);
    format!("Write error while saving DB to the disk: {text}")
}

/// Makes sure that the folder of a file has it under its name after a crash.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

fn here() -> String {
    let here = std::env::current_dir();
    here.map_or_else(|_| "unknown".to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::test_dir::TestDir;

    fn plan() -> SnapshotPlan {
        SnapshotPlan {
            version: 11,
            facts: vk_rdb::Facts::default(),
            functions: vec![b"#!lua name=x\n".to_vec()],
        }
    }

    fn body() -> Body {
        Body::records(&plan(), Compression::Lzf, true)
    }

    #[test]
    fn a_file_comes_to_its_place_whole_or_not_at_all() {
        let folder = TestDir::new();
        let target = Target {
            temporary: folder.path().join("temp.rdb"),
            path: folder.path().join("dump.rdb"),
            syncs_often: true,
        };
        let files = || fs::read_dir(folder.path()).unwrap().count();
        let mut file = SnapshotFile::create(target.clone(), body()).unwrap();
        let chunk = SnapshotChunk {
            bytes: vec![0; WRITE_BYTES],
            ..SnapshotChunk::default()
        };
        file.write(&chunk).unwrap();
        assert!(target.temporary.exists());
        drop(file);
        assert_eq!(files(), 0);
        let file = SnapshotFile::create(target.clone(), body()).unwrap();
        file.finish().unwrap();
        assert_eq!(files(), 1);
        let bytes = fs::read(&target.path).unwrap();
        assert!(bytes.starts_with(b"REDIS0011"));
    }

    #[test]
    fn a_file_that_was_given_up_leaves_the_next_one_alone() {
        let folder = TestDir::new();
        let target = Target {
            temporary: folder.path().join("temp.rdb"),
            path: folder.path().join("dump.rdb"),
            syncs_often: false,
        };
        let first = SnapshotFile::create(target.clone(), body()).unwrap();
        let claim = first.claim();
        claim.give_up();
        assert!(!target.temporary.exists());
        let second = SnapshotFile::create(target.clone(), body()).unwrap();
        // The writer of the first one comes to its end now.
        first.finish().unwrap_err();
        claim.give_up();
        assert!(target.temporary.exists() && !target.path.exists());
        let claim = second.claim();
        second.finish().unwrap();
        claim.give_up();
        assert!(target.path.exists() && !target.temporary.exists());
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let folder = TestDir::new();
        let path = folder.path().join("dump.rdb");
        fs::create_dir(&path).unwrap();
        let target = Target {
            temporary: folder.path().join("none/temp.rdb"),
            path,
            syncs_often: false,
        };
        let error = SnapshotFile::create(target.clone(), body()).unwrap_err();
        assert!(
            error.starts_with("Failed opening the temp RDB file"),
            "{error}"
        );
        let target = Target {
            temporary: folder.path().join("temp.rdb"),
            ..target
        };
        let file = SnapshotFile::create(target.clone(), body()).unwrap();
        let error = file.finish().unwrap_err();
        assert!(error.starts_with("Error moving temp DB file"), "{error}");
        assert!(!target.temporary.exists());
    }
}
