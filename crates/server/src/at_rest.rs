//! Encryption at rest in the shell: which files are encrypted under which key, what the folder of
//! the data must hold, and how files are opened and begun. The formats are vk-persist's.

mod cipher;
mod keys;
mod log;
mod memory;
mod source;
mod store;
mod writer;

pub(crate) use log::SealedLog;
pub(crate) use source::{Source, SourceError};
pub(crate) use writer::SealedWriter;

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use vk_engine::config::{Config, id};
use vk_persist::seal::{
    Aead, DatasetId, FileId, FileNote, FileRandom, Header, Keyring, Kind, LogList, Register,
    SealFault, SnapshotNote,
    frames::FrameReader,
    stream::{StreamReader, StreamWriter},
};
use zeroize::Zeroizing;

use cipher::AwsLc;

use crate::{
    listen::system_text,
    log::{Level, Logger},
};

/// Held while a server with encryption at rest uses a folder, and while keys are exchanged.
const LOCK_FILE: &str = "dataset.lock";
/// What to do about a dataset that is less than was promised.
const OLDER: &str = "put it back, or start once with at-rest-accept-older yes to go on without it";
/// What to do about a plain file.
const PLAIN: &str = "start once with at-rest-accept-plain yes to take it, and rewrite it";

/// Encryption at rest of this server. Without keys it still says what is wrong with such files.
#[derive(Debug)]
pub(crate) struct AtRest {
    suite: AwsLc,
    /// The folder of the data.
    folder: PathBuf,
    keyring: Keyring,
    /// What is written is encrypted.
    is_on: bool,
    accepts_plain: bool,
    accepts_older: bool,
    known: Mutex<Known>,
    /// Kept open.
    _lock: Option<File>,
}

/// An encrypted file that is authentic as far as its header says what it is.
struct Opened {
    header: Header,
    aead: Box<dyn Aead>,
}

#[derive(Debug)]
struct Known {
    register: Register,
    /// There is none on disk: which dataset it is shows with the first encrypted file.
    is_new: bool,
}

impl AtRest {
    /// None, and no keys either.
    pub(crate) fn off() -> Self {
        Self {
            suite: AwsLc,
            folder: PathBuf::from("."),
            keyring: Keyring::default(),
            is_on: false,
            accepts_plain: true,
            accepts_older: false,
            known: Mutex::new(Known {
                register: Register::new(DatasetId([0; 16])),
                is_new: true,
            }),
            _lock: None,
        }
    }

    /// Reads the keys and what is known of the dataset in the working folder.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn begin(config: &Config, log: &Logger) -> Result<Self, String> {
        let this = Self::of_folder(config, Path::new("."))?;
        if this.is_on || this.keyring.current().is_some() {
            memory::shut(log);
            this.tell(log);
        }
        Ok(this)
    }

    fn of_folder(config: &Config, folder: &Path) -> Result<Self, String> {
        let is_on = config.bool(id::AT_REST_ENCRYPTION);
        if !is_on && !keys::are_given(config) {
            return Ok(Self::off());
        }
        let lock = if is_on { Some(lock(folder)?) } else { None };
        let text = store::read(&folder.join(Register::FILE))?;
        let claimed = text.as_deref().and_then(Register::claimed_dataset);
        let dataset = match claimed.or_else(|| dataset_of_files(config, folder)) {
            Some(dataset) => dataset,
            None => DatasetId(chance()?),
        };
        let keyring = keys::read(config, dataset, folder)?;
        if is_on && keyring.current().is_none() {
            return Err("at-rest-encryption needs a key: set at-rest-key-file, \
                        at-rest-key-credential or at-rest-passphrase-file"
                .to_owned());
        }
        let register = text
            .as_deref()
            .map(|text| Register::parse(text, &keyring))
            .transpose()
            .map_err(|fault| told(Register::FILE, fault))?;
        Ok(Self {
            suite: AwsLc,
            folder: folder.to_owned(),
            keyring,
            is_on,
            accepts_plain: !is_on || config.bool(id::AT_REST_ACCEPT_PLAIN),
            accepts_older: config.bool(id::AT_REST_ACCEPT_OLDER),
            known: Mutex::new(Known {
                is_new: register.is_none(),
                register: register.map_or_else(|| Register::new(dataset), |(known, _)| known),
            }),
            _lock: lock,
        })
    }

    fn tell(&self, log: &Logger) {
        let state = if self.is_on { "on" } else { "off" };
        let key = self.keyring.current().map(|key| key.text());
        let count = self.keyring.ids().count();
        let text = format!(
            "Encryption at rest is {state}: AES-256-GCM, key {}, {count} known",
            key.unwrap_or_default()
        );
        log.log(Level::Notice, &text);
        if self.is_on && self.accepts_plain {
            let text = "WARNING at-rest-accept-plain is on: plain files are loaded as if they \
                        were authentic";
            log.log(Level::Warning, text);
        }
        if self.accepts_older {
            let text = "WARNING at-rest-accept-older is on: files that are missing or older than \
                        they should be are not noticed";
            log.log(Level::Warning, text);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panics ends the process.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a file that is written in one go; nothing if it is to be plain.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn begin_stream(
        self: &Arc<Self>,
        kind: Kind,
    ) -> Result<Option<SealedWriter>, String> {
        if !self.is_on {
            return Ok(None);
        }
        let (header, aead) = self.begin_file(kind)?;
        Ok(Some(SealedWriter::new(
            Arc::clone(self),
            kind,
            &header,
            StreamWriter::new(aead),
        )))
    }

    fn begin_file(&self, kind: Kind) -> Result<(Header, Box<dyn Aead>), String> {
        let random = FileRandom {
            file: chance()?,
            key: Zeroizing::new(chance()?),
            nonce: chance()?,
        };
        let mut known = self.known();
        if known.is_new {
            // It must not be missing where there is an encrypted file, after a crash neither.
            self.write_register(&mut known)?;
        }
        known.register.generation = known.register.generation.saturating_add(1);
        let (dataset, generation) = (known.register.dataset, known.register.generation);
        Header::begin(
            kind,
            dataset,
            generation,
            random,
            &self.suite,
            &self.keyring,
        )
        .map_err(|fault| told("a new file", fault))
    }

    /// A snapshot is in its place: from now on it must not be missing.
    fn note_snapshot(&self, generation: u64, file: FileId) -> Result<(), String> {
        let mut known = self.known();
        // One that was begun earlier and has ended later is not the newest.
        if known
            .register
            .snapshot
            .is_none_or(|note| note.generation < generation)
        {
            known.register.snapshot = Some(SnapshotNote { generation, file });
        }
        self.write_register(&mut known)
    }

    fn write_register(&self, known: &mut Known) -> Result<(), String> {
        let text = known
            .register
            .encode(&self.keyring)
            .map_err(|fault| told(Register::FILE, fault))?;
        store::replace(&self.folder.join(Register::FILE), text.as_bytes())?;
        known.is_new = false;
        Ok(())
    }

    /// Opens what may be an encrypted stream, and sees that it is what it should be.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn open(&self, mut file: File, name: &str) -> Result<Source, String> {
        let Some(Opened { header, aead }) = self.open_header(&mut file, name, Kind::Snapshot)?
        else {
            return Ok(Source::plain(file, name));
        };
        self.compare_snapshot(&header, name)?;
        let reader = StreamReader::new(aead, Header::BYTES);
        Ok(Source::stream(file, name, reader))
    }

    /// Opens a part of an append-only file, which must be what the list says of it.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn open_part(
        &self,
        mut file: File,
        name: &str,
        kind: Kind,
        note: Option<FileNote>,
    ) -> Result<Source, String> {
        let opened = self.open_header(&mut file, name, kind)?;
        let is_other = match (note, &opened) {
            (Some(note), Some(opened)) => note.file != opened.header.file,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if is_other {
            return Err(format!(
                "{name} is not the file that was written under this name"
            ));
        }
        Ok(match opened {
            None => Source::plain(file, name),
            Some(Opened { aead, .. }) if kind == Kind::Increment => {
                Source::frames(file, name, FrameReader::new(aead, Header::BYTES), note)
            }
            Some(Opened { aead, .. }) => {
                Source::stream(file, name, StreamReader::new(aead, Header::BYTES))
            }
        })
    }

    /// Reads what an encrypted file begins with; nothing for a plain one that may be plain.
    fn open_header(
        &self,
        file: &mut File,
        name: &str,
        kind: Kind,
    ) -> Result<Option<Opened>, String> {
        let complain = |error: io::Error| format!("Can't read {name}: {}", system_text(&error));
        let mut head = Vec::new();
        (&mut *file)
            .take(Header::BYTES as u64)
            .read_to_end(&mut head)
            .map_err(complain)?;
        let header = match Header::parse(&head) {
            Err(SealFault::Plain) if self.accepts_plain => {
                file.rewind().map_err(complain)?;
                return Ok(None);
            }
            Err(SealFault::Plain) => return Err(format!("{name} is not encrypted: {PLAIN}")),
            header => header.map_err(|fault| told(name, fault))?,
        };
        let aead = header
            .open(kind, &self.suite, &self.keyring)
            .map_err(|fault| told(name, fault))?;
        self.admit(header.dataset, header.generation, name)?;
        Ok(Some(Opened { header, aead }))
    }

    /// Sees that an authentic file belongs to this dataset.
    fn admit(&self, dataset: DatasetId, generation: u64, name: &str) -> Result<(), String> {
        let mut known = self.known();
        if known.is_new {
            if self.is_on && !self.accepts_older {
                let file = Register::FILE;
                return Err(format!(
                    "{file}, which {name} belongs to, is missing: {OLDER}"
                ));
            }
            known.register.dataset = dataset;
            known.is_new = false;
        }
        if known.register.dataset != dataset {
            return Err(told(name, SealFault::Dataset));
        }
        known.register.generation = known.register.generation.max(generation);
        Ok(())
    }

    fn compare_snapshot(&self, header: &Header, name: &str) -> Result<(), String> {
        let Some(note) = self.known().register.snapshot else {
            return Ok(());
        };
        let is_other = header.generation == note.generation && header.file != note.file;
        if self.accepts_older || header.generation >= note.generation && !is_other {
            return Ok(());
        }
        Err(format!(
            "{name} is not the last snapshot that was written (generation {}, not {}): {OLDER}",
            header.generation, note.generation
        ))
    }

    /// There is no snapshot: sees whether there should be one.
    ///
    /// # Errors
    /// There should; what to tell the operator.
    pub(crate) fn expect_no_snapshot(&self, name: &str) -> Result<(), String> {
        let is_promised = self.known().register.snapshot.is_some();
        if self.is_on && is_promised && !self.accepts_older {
            return Err(format!(
                "{name} is missing, although it was written: {OLDER}"
            ));
        }
        Ok(())
    }
}

/// A sentence about a file.
fn told(name: &str, fault: SealFault) -> String {
    let cure = match fault {
        SealFault::UnknownKey(_) => {
            "; set at-rest-key-file, at-rest-key-credential or at-rest-passphrase-file, or \
             at-rest-old-key-file for an earlier key"
        }
        _ => "",
    };
    format!("{name} {fault}{cure}")
}

/// Bytes that nobody can guess.
fn chance<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map(|()| bytes)
        .map_err(|error| format!("The system gives no entropy: {error}"))
}

/// The dataset that one of the files names, if the register is lost.
fn dataset_of_files(config: &Config, folder: &Path) -> Option<DatasetId> {
    let path = folder.join(crate::settings::path(config, id::DBFILENAME)?);
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| {
        let mut file = file.take(Header::BYTES as u64);
        file.read_to_end(&mut head)
    });
    if read.is_ok()
        && let Ok(header) = Header::parse(&head)
    {
        return Some(header.dataset);
    }
    let names = vk_persist::Names::new(&config.text(id::APPENDFILENAME));
    let folder = folder.join(crate::settings::path(config, id::APPENDDIRNAME)?);
    let manifest = fs::read(folder.join(names.manifest())).ok()?;
    LogList::claimed_dataset(&manifest)
}

/// Takes the folder for this process.
fn lock(folder: &Path) -> Result<File, String> {
    let file = File::create(folder.join(LOCK_FILE)).map_err(|error| {
        let text = system_text(&error);
        format!("Can't open {LOCK_FILE} in the data folder: {text}")
    })?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(
        |error| {
            let text = system_text(&error.into());
            format!("Another process uses the encrypted files of this folder ({LOCK_FILE}: {text})")
        },
    )?;
    Ok(file)
}

#[cfg(test)]
mod log_tests;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;
