//! The signed list of an encrypted log: what it says of each file, and how it is signed anew where
//! less of a file is there than it says, because the operator has cut it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use vk_persist::Manifest;
use vk_persist::seal::{Closed, DatasetId, FileNote, Keyring, LogList, Register, signed};

use crate::error::{Failure, io_text};
use crate::modes::say;
use crate::new_file::{Existing, NewFile, file_failure, give_to_owner, path_text};
use crate::sealed::KeySource;

/// Held by a server that encrypts.
const LOCK_FILE: &str = "dataset.lock";

/// A list whose signature is right.
#[derive(Debug)]
pub(super) struct SignedList {
    path: PathBuf,
    manifest: Manifest,
    list: LogList,
    keyring: Keyring,
}

impl SignedList {
    /// Looks at the signature of a list; nothing if there is none, or no key to check it with.
    pub(super) fn read(
        path: &Path,
        text: &[u8],
        manifest: &Manifest,
        keys: &KeySource,
    ) -> Result<Option<Self>, Failure> {
        if !signed::is_signed(text) {
            return Ok(None);
        }
        if keys.is_empty() {
            say(
                "The manifest is signed; without a key (--key-file) its signature is not checked\n",
            )?;
            return Ok(None);
        }
        let dataset = LogList::claimed_dataset(text).unwrap_or(DatasetId([0; 16]));
        let keyring = keys.keyring(dataset)?;
        let (list, _) = LogList::parse(text, &keyring)
            .map_err(|fault| Failure::Reply(format!("{} {fault}", path_text(path))))?;
        say("The signature of the manifest is right\n")?;
        Ok(Some(Self {
            path: path.to_owned(),
            manifest: manifest.clone(),
            list,
            keyring,
        }))
    }

    /// What it says of a file.
    pub(super) fn note(&self, path: &Path) -> Option<FileNote> {
        let name = path.file_name()?.to_str()?;
        self.list.files.get(name).copied()
    }

    /// Signs that a file ends here, if it says now that more of it is there.
    pub(super) fn shorten(&self, path: &Path, end: Closed) -> Result<(), Failure> {
        let mut list = self.list.clone();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(note) = name.and_then(|name| list.files.get_mut(name)) else {
            return Ok(());
        };
        if note.closed.is_none_or(|closed| closed.bytes <= end.bytes) {
            return Ok(());
        }
        note.closed = Some(end);
        list.generation = self.generation().saturating_add(1);
        let text = String::from_utf8_lossy(&self.manifest.encode()).into_owned();
        let text = list
            .sign(&text, &self.keyring)
            .map_err(|fault| Failure::Reply(format!("{} {fault}", path_text(&self.path))))?;
        let before = fs::metadata(&self.path).map_err(|error| file_failure(&self.path, &error))?;
        let mut file = NewFile::create(&self.path, Existing::Replaced)?;
        file.write(text.as_bytes())?;
        file.finish()?;
        give_to_owner(&self.path, &before)
            .and_then(|()| fs::set_permissions(&self.path, before.permissions()))
            .map_err(|error| file_failure(&self.path, &error))?;
        say("The manifest is signed anew: it said that more of this file is there\n")
    }

    /// The greatest generation that is known, so that a newer list is told from an older one.
    fn generation(&self) -> u64 {
        let register = self.data_folder().join(Register::FILE);
        let register = fs::read(register).ok();
        let register = register.and_then(|text| Register::parse(&text, &self.keyring).ok());
        let known = register.map_or(0, |(register, _)| register.generation);
        known.max(self.list.generation)
    }

    /// The folder of the log lies in that of the data.
    fn data_folder(&self) -> PathBuf {
        let folder = self.path.parent().unwrap_or_else(|| Path::new(""));
        folder.join("..")
    }

    /// Keeps servers away as long as the result lives; one that runs is a failure.
    pub(super) fn lock(&self) -> Result<Option<File>, Failure> {
        let path = self.data_folder().join(LOCK_FILE);
        let Ok(file) = File::options().write(true).open(&path) else {
            return Ok(None);
        };
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            Failure::Reply(format!(
                "{}: a server uses this folder; stop it first ({})",
                path_text(&path),
                io_text(&error.into())
            ))
        })?;
        Ok(Some(file))
    }
}
