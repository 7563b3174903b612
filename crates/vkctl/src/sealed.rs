//! Files that may be encrypted at rest, read as what is in them. Nothing is written here, and no
//! key is ever shown.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use vk_persist::seal::frames::{FrameEnd, FrameEvent, FrameReader};
use vk_persist::seal::stream::StreamReader;
use vk_persist::seal::{
    AesGcm, Closed, DatasetId, FileId, FileNote, Header, Key, Keyring, Kind, MAGIC, SealFault,
};

use crate::error::{Failure, UsageError};
use crate::new_file::{file_failure, path_text};

/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;

/// The largest file of keys, many times what anybody has.
const KEYS_BYTES_MAX: u64 = 1 << 20;

/// Where the operator's key is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeySource {
    /// A file of keys.
    pub(crate) key_file: Option<PathBuf>,
    /// A file with a passphrase.
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// A file of either sort.
pub(crate) struct Input<R> {
    file: R,
    form: Form,
    /// Which file it is, if it is encrypted.
    id: Option<FileId>,
    /// What was read of it and not handed out.
    ready: Vec<u8>,
    at: usize,
    buffer: Vec<u8>,
}

enum Form {
    Plain,
    /// Written in one go.
    Stream(StreamReader),
    /// Grown by batches.
    Frames(Box<Frames>),
}

/// A file that grows.
struct Frames {
    reader: FrameReader,
    /// Where a batch begins on disk whose end is missing.
    torn: Option<u64>,
    /// What was changed: nothing behind it is handed out.
    fault: Option<SealFault>,
    /// Where it must come along at least, until it has.
    wanted: Option<Closed>,
}

/// A place in a file that grows at which a batch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchEnd {
    /// Bytes of what is in the file, up to it.
    pub(crate) plain: u64,
    /// Where it is on disk, and the last tag before it.
    pub(crate) at: Closed,
}

impl<R> fmt::Debug for Input<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Input").finish_non_exhaustive()
    }
}

impl Input<File> {
    /// Opens a file; gives its bytes on disk too.
    pub(crate) fn open(path: &Path, keys: &KeySource) -> Result<(Self, u64), Failure> {
        let failed = |error| file_failure(path, &error);
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        Ok((Self::begin(file, path, keys)?, bytes))
    }
}

impl<R: Read> Input<R> {
    /// Reads the beginning of a file; the path is for people.
    pub(crate) fn begin(mut file: R, path: &Path, keys: &KeySource) -> Result<Self, Failure> {
        let mut head = Vec::new();
        let wanted = Header::BYTES as u64;
        let read = file.by_ref().take(wanted).read_to_end(&mut head);
        read.map_err(|error| file_failure(path, &error))?;
        let mut input = Self {
            file,
            form: Form::Plain,
            id: None,
            ready: head,
            at: 0,
            buffer: Vec::new(),
        };
        if input.ready.starts_with(&MAGIC) {
            let (id, form) = unseal(&input.ready, path, keys)?;
            (input.id, input.form) = (Some(id), form);
            input.ready.clear();
            input.buffer = vec![0; READ_BYTES];
        }
        Ok(input)
    }

    /// The file is encrypted.
    pub(crate) fn is_sealed(&self) -> bool {
        !matches!(self.form, Form::Plain)
    }

    /// Sees that the file is the one that a list names, up to where the list says; nothing of a
    /// file that grows may have been read.
    pub(crate) fn expect(&mut self, note: FileNote, path: &Path) -> Result<(), Failure> {
        if self.id != Some(note.file) {
            let path = path_text(path);
            return Err(Failure::Reply(format!(
                "{path} is not the file that was written under this name"
            )));
        }
        if let Form::Frames(frames) = &mut self.form {
            frames.wanted = note.closed;
            frames.see();
        }
        Ok(())
    }

    /// A file that grows ends in the middle of a batch; known at the end.
    pub(crate) fn is_torn(&self) -> bool {
        self.frames().is_some_and(|frames| frames.torn.is_some())
    }

    /// A file that grows was changed: what is behind the last good batch was not handed out.
    pub(crate) fn is_changed(&self) -> bool {
        self.frames().is_some_and(|frames| frames.fault.is_some())
    }

    /// Where a list says that a file that grows ends, if it does not come that far.
    pub(crate) fn missing(&self) -> Option<Closed> {
        self.frames().and_then(|frames| frames.wanted)
    }

    fn frames(&self) -> Option<&Frames> {
        match &self.form {
            Form::Frames(frames) => Some(frames),
            Form::Plain | Form::Stream(_) => None,
        }
    }

    /// The file itself.
    pub(crate) fn into_file(self) -> R {
        self.file
    }

    /// Reads more of an encrypted file; `false` at its end.
    fn fill(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.at = 0;
        let count = self.file.read(&mut self.buffer)?;
        let bytes = self.buffer.get(..count).unwrap_or_default();
        match &mut self.form {
            Form::Plain => {}
            Form::Stream(reader) if count == 0 => {
                reader.finish(&mut self.ready).map_err(told)?;
            }
            Form::Stream(reader) => reader.feed(bytes, &mut self.ready).map_err(told)?,
            Form::Frames(frames) => frames.take(bytes, &mut self.ready)?,
        }
        Ok(count > 0)
    }
}

impl Frames {
    fn new(reader: FrameReader) -> Self {
        Self {
            reader,
            torn: None,
            fault: None,
            wanted: None,
        }
    }

    /// Takes bytes of the file, none at its end; whole batches are appended to `out`. What was
    /// changed is told when all before it is handed out.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        if let Some(fault) = self.fault {
            return Err(told(fault));
        }
        if bytes.is_empty() {
            self.torn = match self.reader.finish() {
                FrameEnd::Torn(offset) => Some(offset),
                FrameEnd::Closed | FrameEnd::Open => None,
            };
            return Ok(());
        }
        self.reader.feed(bytes);
        loop {
            match self.reader.poll() {
                Ok(FrameEvent::Batch(batch)) => {
                    out.extend_from_slice(&batch);
                    self.see();
                }
                Ok(FrameEvent::More) => return Ok(()),
                Ok(_) => self.see(),
                Err(fault) if out.is_empty() => {
                    self.fault = Some(fault);
                    return Err(told(fault));
                }
                Err(fault) => {
                    self.fault = Some(fault);
                    return Ok(());
                }
            }
        }
    }

    fn good(&self) -> Closed {
        Closed {
            bytes: self.reader.good(),
            tag: self.reader.good_tag(),
        }
    }

    /// The place that it must come along at is behind what was read.
    fn see(&mut self) {
        if self.wanted == Some(self.good()) {
            self.wanted = None;
        }
    }
}

/// The last end of a batch in a file that grows that is not behind so many bytes of what is in it.
pub(crate) fn batch_end_before(
    path: &Path,
    keys: &KeySource,
    plain: u64,
) -> Result<Option<BatchEnd>, Failure> {
    let (input, _) = Input::open(path, keys)?;
    let failed = |error| file_failure(path, &error);
    let (mut file, Form::Frames(frames)) = (input.file, input.form) else {
        return Ok(None);
    };
    let mut reader = frames.reader;
    let mut end = BatchEnd {
        plain: 0,
        at: Closed {
            bytes: reader.good(),
            tag: reader.good_tag(),
        },
    };
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match reader.poll() {
            Ok(FrameEvent::Batch(batch)) => {
                let after = end.plain.saturating_add(batch.len() as u64);
                if after > plain {
                    return Ok(Some(end));
                }
                let (bytes, tag) = (reader.good(), reader.good_tag());
                end = BatchEnd {
                    plain: after,
                    at: Closed { bytes, tag },
                };
            }
            Ok(FrameEvent::More) => {
                let count = file.read(&mut buffer).map_err(failed)?;
                if count == 0 {
                    return Ok(Some(end));
                }
                reader.feed(buffer.get(..count).unwrap_or_default());
            }
            // Nothing good is behind a change.
            Err(_) => return Ok(Some(end)),
            Ok(_) => {}
        }
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let ready = self.ready.get(self.at..).unwrap_or_default();
            if !ready.is_empty() {
                let count = ready.len().min(out.len());
                let (now, _) = ready.split_at(count);
                out.get_mut(..count)
                    .unwrap_or_default()
                    .copy_from_slice(now);
                self.at = self.at.saturating_add(count);
                return Ok(count);
            }
            if !self.is_sealed() {
                return self.file.read(out);
            }
            if !self.fill()? && self.ready.is_empty() {
                return Ok(0);
            }
        }
    }
}

fn told(fault: SealFault) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("it {fault}"))
}

fn unseal(head: &[u8], path: &Path, keys: &KeySource) -> Result<(FileId, Form), Failure> {
    let name = path_text(path);
    let failed = |fault: SealFault| Failure::Reply(format!("{name} {fault}"));
    let header = Header::parse(head).map_err(failed)?;
    if keys.is_empty() {
        let id = header.key.text();
        return Err(Failure::Reply(format!(
            "{name} is encrypted under the key {id}: name it with --key-file or --passphrase-file"
        )));
    }
    let keyring = keys.keyring(header.dataset)?;
    let kind = header.kind().unwrap_or(Kind::Snapshot);
    let aead = header.open(kind, &AesGcm, &keyring).map_err(failed)?;
    let form = match kind {
        Kind::Snapshot | Kind::Base => Form::Stream(StreamReader::new(aead, Header::BYTES)),
        Kind::Increment => {
            let reader = FrameReader::new(aead, Header::BYTES);
            Form::Frames(Box::new(Frames::new(reader)))
        }
    };
    Ok((header.file, form))
}

impl KeySource {
    /// No key is named.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The keys; that of a passphrase depends on the dataset.
    pub(crate) fn keyring(&self, dataset: DatasetId) -> Result<Keyring, Failure> {
        let mut keyring = Keyring::default();
        if let Some(path) = &self.key_file {
            let keys = Key::parse_file(&secret(path)?)
                .map_err(|fault| UsageError::new(format!("{} {fault}", path_text(path))))?;
            keys.iter().for_each(|key| keyring.add(key));
        }
        if let Some(path) = &self.passphrase_file {
            let key = Key::parse_passphrase(&secret(path)?)
                .and_then(|phrase| Key::of_passphrase(&phrase, dataset));
            let key = key.ok_or_else(|| {
                UsageError::new(format!("{} holds no passphrase", path_text(path)))
            })?;
            keyring.add(&key);
        }
        Ok(keyring)
    }
}

/// The contents of a secret file; it is as safe as its file.
fn secret(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(KEYS_BYTES_MAX).read_to_end(&mut bytes));
    read.map_err(|error| file_failure(path, &error))?;
    Ok(bytes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use vk_persist::seal::frames::FrameWriter;
    use vk_persist::seal::stream::StreamWriter;
    use vk_persist::seal::{DatasetId, FileRandom, NONCE_BYTES};

    use super::*;
    use crate::test_support::Folder;

    const DATASET: DatasetId = DatasetId([7; 16]);

    /// A file of this kind, encrypted under a key of zeros.
    fn sealed(kind: Kind, contents: &[u8]) -> Vec<u8> {
        let mut keyring = Keyring::default();
        keyring.add(&Key::new([0; 32]));
        let random = FileRandom {
            file: [1; 16],
            key: [2; 32].into(),
            nonce: [3; NONCE_BYTES],
        };
        let (header, aead) = Header::begin(kind, DATASET, 1, random, &AesGcm, &keyring).unwrap();
        let mut out = header.encode();
        if kind == Kind::Increment {
            let mut writer = FrameWriter::new(aead);
            for batch in contents.chunks(100) {
                writer.batch(batch, &mut out).unwrap();
            }
        } else {
            let mut writer = StreamWriter::new(aead);
            writer.write(contents, &mut out).unwrap();
            writer.finish(&mut out).unwrap();
        }
        out
    }

    fn key_source(folder: &Folder, key: &str) -> KeySource {
        let path = folder.path().join("key");
        fs::write(&path, key.repeat(64)).unwrap();
        KeySource {
            key_file: Some(path),
            passphrase_file: None,
        }
    }

    fn read(file: &[u8], keys: &KeySource) -> Result<(Vec<u8>, bool), String> {
        let input = Input::begin(file, Path::new("file"), keys);
        let mut input = input.map_err(|error| error.to_string())?;
        let mut out = Vec::new();
        let all = input.read_to_end(&mut out);
        all.map_err(|error| error.to_string())?;
        Ok((out, input.is_torn()))
    }

    #[test]
    fn what_is_encrypted_is_read_with_the_key_alone() {
        let folder = Folder::new("sealed");
        let contents: Vec<u8> = (0..300_000_u32).map(|n| n.to_be_bytes()[3]).collect();
        let keys = key_source(&folder, "0");
        for kind in [Kind::Snapshot, Kind::Base, Kind::Increment] {
            let file = sealed(kind, &contents);
            assert_eq!(read(&file, &keys), Ok((contents.clone(), false)));
            let error = read(&file, &KeySource::default()).unwrap_err();
            assert!(error.contains("--key-file"), "{error}");
            let error = read(&file, &key_source(&folder, "1")).unwrap_err();
            assert!(error.contains("not among those given"), "{error}");
            key_source(&folder, "0");
            let mut wrong = file.clone();
            wrong[200_000] ^= 1;
            let error = read(&wrong, &keys).unwrap_err();
            assert!(error.contains("was changed"), "{error}");
            assert!(read(&file[..100], &keys).unwrap_err().contains("header"));
        }
        assert_eq!(read(&contents, &keys), Ok((contents.clone(), false)));
        assert_eq!(read(b"", &keys), Ok((Vec::new(), false)));
    }

    #[test]
    fn what_is_before_a_change_is_handed_out() {
        let folder = Folder::new("changed");
        let keys = key_source(&folder, "0");
        let mut file = sealed(Kind::Increment, &[b'x'; 250]);
        let last = file.len() - 1;
        file[last] ^= 1;
        let mut input = Input::begin(file.as_slice(), Path::new("file"), &keys).unwrap();
        let mut out = Vec::new();
        assert!(input.read_to_end(&mut out).is_err() && input.is_changed());
        assert_eq!(out.len(), 200);
    }

    #[test]
    fn a_file_is_the_one_that_a_list_names_up_to_its_end() {
        let folder = Folder::new("listed");
        let keys = key_source(&folder, "0");
        let file = sealed(Kind::Increment, &[b'x'; 250]);
        let path = folder.path().join("f");
        fs::write(&path, &file).unwrap();
        let end = batch_end_before(&path, &keys, 999).unwrap().unwrap();
        let note = FileNote {
            file: FileId([1; 16]),
            closed: Some(end.at),
        };
        for (bytes, is_missing) in [(file.len(), false), (file.len() - 1, true), (128, true)] {
            let part = file.get(..bytes).unwrap();
            let mut input = Input::begin(part, &path, &keys).unwrap();
            input.expect(note, &path).unwrap();
            input.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(input.missing().is_some(), is_missing, "{bytes}");
        }
        let other = FileNote {
            file: FileId([2; 16]),
            ..note
        };
        for file in [&file[..], b"plain"] {
            let mut input = Input::begin(file, &path, &keys).unwrap();
            assert!(input.expect(other, &path).is_err());
        }
    }

    #[test]
    fn an_end_that_is_missing_is_told() {
        let folder = Folder::new("torn");
        let keys = key_source(&folder, "0");
        let contents = vec![b'x'; 250];
        let file = sealed(Kind::Snapshot, &contents);
        let error = read(&file[..file.len() - 1], &keys).unwrap_err();
        assert!(error.contains("changed"), "{error}");
        let file = sealed(Kind::Increment, &contents);
        let (read, is_torn) = read(&file[..file.len() - 1], &keys).unwrap();
        assert_eq!(read.len(), 200);
        assert!(is_torn);
        let path = folder.path().join("f");
        fs::write(&path, &file).unwrap();
        // Ends of batches alone: behind 100 bytes, and behind 200.
        for (plain, end) in [
            (0, 0),
            (99, 0),
            (100, 100),
            (249, 200),
            (250, 250),
            (999, 250),
        ] {
            let found = batch_end_before(&path, &keys, plain).unwrap().unwrap();
            assert_eq!(found.plain, end, "{plain}");
            assert_eq!(end == 250, found.at.bytes == file.len() as u64);
        }
        fs::write(&path, &file[..file.len() - 1]).unwrap();
        let found = batch_end_before(&path, &keys, 999).unwrap().unwrap();
        assert!(found.plain == 200 && found.at.bytes < file.len() as u64);
    }
}
