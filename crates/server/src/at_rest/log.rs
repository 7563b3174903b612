//! The encrypted files of an append-only file: which name stands for which of them, and what is
//! to be written at the end of the one that commands go to.

use std::{collections::BTreeMap, fs::File, sync::Arc};

use vk_persist::{
    Manifest, Names,
    seal::{
        Closed, FileNote, Header, Kind, LogList, LogNote, SealFault, frames::FrameWriter, signed,
    },
};

use super::{AtRest, OLDER, PLAIN, Source, told};

impl AtRest {
    /// The encrypted files of a manifest, which must be authentic; nothing without one.
    ///
    /// # Errors
    /// It is not what was written last. What to tell the operator.
    fn open_list(
        &self,
        manifest: Option<&[u8]>,
        name: &str,
    ) -> Result<BTreeMap<String, FileNote>, String> {
        let Some(bytes) = manifest else {
            let is_promised = self.known().register.log.is_some();
            if self.is_on && is_promised && !self.accepts_older {
                return Err(format!(
                    "{name} is missing, although it was written: {OLDER}"
                ));
            }
            return Ok(BTreeMap::new());
        };
        if !signed::is_signed(bytes) {
            if self.accepts_plain {
                return Ok(BTreeMap::new());
            }
            return Err(format!("{name} is not signed: {PLAIN}"));
        }
        let (list, _) = LogList::parse(bytes, &self.keyring).map_err(|fault| told(name, fault))?;
        self.admit(list.dataset, list.generation, name)?;
        let note = self.known().register.log;
        if let Some(note) = note
            && list.generation < note.generation
            && !self.accepts_older
        {
            return Err(format!(
                "{name} is not the last one that was written (generation {}, not {}): {OLDER}",
                list.generation, note.generation
            ));
        }
        Ok(list.files)
    }

    /// The list as it is to be written, and its generation if it is signed.
    fn sign_log(
        &self,
        manifest: &[u8],
        files: BTreeMap<String, FileNote>,
    ) -> Result<(Vec<u8>, Option<u64>), String> {
        if !self.is_on && files.is_empty() {
            return Ok((manifest.to_vec(), None));
        }
        let mut known = self.known();
        known.register.generation = known.register.generation.saturating_add(1);
        let list = LogList {
            dataset: known.register.dataset,
            generation: known.register.generation,
            files,
        };
        let text = String::from_utf8_lossy(manifest);
        let signed = list.sign(&text, &self.keyring);
        let signed = signed.map_err(|fault| told("the manifest", fault))?;
        Ok((signed.into_bytes(), Some(list.generation)))
    }

    /// A signed manifest is in its place, and on disk: from now on it must not be missing.
    fn note_log(&self, generation: u64) -> Result<(), String> {
        let mut known = self.known();
        known.register.log = Some(LogNote { generation });
        self.write_register(&mut known)
    }
}

/// The files of a log that is being written.
#[derive(Debug)]
pub(crate) struct SealedLog {
    at_rest: Arc<AtRest>,
    names: Names,
    files: BTreeMap<String, FileNote>,
    /// The list that was written last and is not in its place yet.
    signed_generation: Option<u64>,
    /// The file that commands go to; none while that is a plain one.
    current: Option<Growing>,
    /// The file that they will go to.
    next: Option<Growing>,
}

/// A file that grows.
#[derive(Debug)]
struct Growing {
    name: String,
    writer: FrameWriter,
    /// Its bytes, with those that wait.
    bytes: u64,
    /// Encrypted and not written yet. It is never encrypted again: a nonce is used once.
    waiting: Vec<u8>,
    /// How much of what the log has not written is in `waiting`.
    covered: usize,
}

impl SealedLog {
    /// Without a list yet.
    pub(crate) fn new(at_rest: &Arc<AtRest>, names: &Names) -> Self {
        Self {
            at_rest: Arc::clone(at_rest),
            names: names.clone(),
            files: BTreeMap::new(),
            current: None,
            next: None,
            signed_generation: None,
        }
    }

    /// Takes the list over that is there, if it is authentic.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn open_list(&mut self, manifest: Option<&[u8]>) -> Result<(), String> {
        self.files = self.at_rest.open_list(manifest, &self.names.manifest())?;
        Ok(())
    }

    /// Opens a file of the list to read it.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn open_part(
        &self,
        file: File,
        name: &str,
        is_base: bool,
    ) -> Result<Source, String> {
        let kind = if is_base { Kind::Base } else { Kind::Increment };
        let note = self.files.get(name).copied();
        self.at_rest.open_part(file, name, kind, note)
    }

    /// How many of so many bytes of a file are contents.
    pub(crate) fn contents_bytes(&self, name: &str, bytes: u64) -> u64 {
        let is_sealed = self.files.contains_key(name);
        bytes.saturating_sub(if is_sealed { Header::BYTES as u64 } else { 0 })
    }

    /// A file was read up to here, and will not be written to any more.
    pub(crate) fn handle_read(&mut self, name: &str, end: Closed) {
        if let Some(note) = self.files.get_mut(name) {
            note.closed = Some(end);
        }
    }

    /// The file of this name is an encrypted one that nothing may be appended to.
    pub(crate) fn must_not_grow(&self, name: &str) -> bool {
        self.at_rest.is_on || self.files.contains_key(name)
    }

    /// What an increment of this name begins with; it is not written to before
    /// [`SealedLog::handle_opened`].
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn create(&mut self, name: &str) -> Result<Vec<u8>, String> {
        // The mark of a disk that has failed is a file that nothing is written to.
        if name == self.names.distrust() {
            return Ok(Vec::new());
        }
        self.files.remove(name);
        self.next = None;
        if !self.at_rest.is_on {
            return Ok(Vec::new());
        }
        let (header, aead) = self.at_rest.begin_file(Kind::Increment)?;
        let (file, closed) = (header.file, None);
        self.files
            .insert(name.to_owned(), FileNote { file, closed });
        let head = header.encode();
        self.next = Some(Growing {
            name: name.to_owned(),
            writer: FrameWriter::new(aead),
            bytes: head.len() as u64,
            waiting: Vec::new(),
            covered: 0,
        });
        Ok(head)
    }

    /// A base is written under this name.
    pub(crate) fn handle_base(&mut self, name: &str, note: Option<FileNote>) {
        self.files.remove(name);
        if let Some(note) = note {
            self.files.insert(name.to_owned(), note);
        }
    }

    /// A file has another name.
    pub(crate) fn handle_renamed(&mut self, from: &str, to: &str) {
        self.files.remove(to);
        if let Some(note) = self.files.remove(from) {
            self.files.insert(to.to_owned(), note);
        }
        for growing in [&mut self.current, &mut self.next].into_iter().flatten() {
            if growing.name == from {
                to.clone_into(&mut growing.name);
            }
        }
    }

    /// A file is gone.
    pub(crate) fn handle_removed(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// Commands go to the file of this name from now on.
    pub(crate) fn handle_opened(&mut self, name: &str) {
        if let Some(next) = self.next.take_if(|next| next.name == name) {
            self.current = Some(next);
        }
    }

    /// Nothing follows in the file that commands go to; what ends it, if all before it is written.
    pub(crate) fn close(&mut self) -> Option<Vec<u8>> {
        let current = self.current.take_if(|current| current.waiting.is_empty())?;
        let mut end = Vec::new();
        current.writer.close(&mut end).ok()?;
        Some(end)
    }

    /// What is to be written so that `plain` is, which begins with what was asked for before and
    /// not written.
    ///
    /// # Errors
    /// The file is too long.
    pub(crate) fn encrypt(&mut self, plain: &[u8]) -> Result<&[u8], SealFault> {
        let Some(current) = &mut self.current else {
            return Ok(&[]);
        };
        let new = plain.get(current.covered..).unwrap_or_default();
        let before = current.waiting.len();
        current.writer.batch(new, &mut current.waiting)?;
        current.covered = plain.len();
        current.bytes += (current.waiting.len() - before) as u64;
        Ok(&current.waiting)
    }

    /// So many bytes of it were written; the rest follows them.
    pub(crate) fn handle_written(&mut self, bytes: usize) {
        if let Some(current) = &mut self.current {
            current.waiting.drain(..bytes.min(current.waiting.len()));
            if current.waiting.is_empty() {
                current.covered = 0;
            }
        }
    }

    /// The list as it is to be written.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn sign(&mut self, manifest: &[u8]) -> Result<Vec<u8>, String> {
        self.signed_generation = None;
        let Ok(list) = Manifest::parse(manifest) else {
            return Ok(manifest.to_vec());
        };
        // Only what is on disk may be promised: the one before is, when another one follows.
        let last = list.increments.last().map(|part| &part.name);
        if self.next.as_ref().map(|next| &next.name) == last && last.is_some() {
            self.note_synced();
        }
        let mut files = BTreeMap::new();
        for part in list.files() {
            if let Some(note) = self.files.get(&part.name) {
                files.insert(part.name.clone(), *note);
            }
        }
        let (bytes, generation) = self.at_rest.sign_log(manifest, files)?;
        self.signed_generation = generation;
        Ok(bytes)
    }

    /// The list is in its place, and on disk.
    ///
    /// # Errors
    /// It is not noted that it must be there; what to tell the operator.
    pub(crate) fn handle_listed(&mut self) -> Result<(), String> {
        match self.signed_generation.take() {
            Some(generation) => self.at_rest.note_log(generation),
            None => Ok(()),
        }
    }

    /// Whether a file of this name is the list.
    pub(crate) fn is_list(&self, name: &str) -> bool {
        name == self.names.manifest()
    }

    /// Commands go to an encrypted file.
    pub(crate) fn is_growing(&self) -> bool {
        self.current.is_some()
    }

    /// All that was written is on disk: less would be a fault from the next list on.
    pub(crate) fn note_synced(&mut self) {
        let Some(current) = &self.current else {
            return;
        };
        // What waits is not written.
        if current.waiting.is_empty()
            && let Some(note) = self.files.get_mut(&current.name)
        {
            note.closed = Some(Closed {
                bytes: current.bytes,
                tag: current.writer.last(),
            });
        }
    }
}
