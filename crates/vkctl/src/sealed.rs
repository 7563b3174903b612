//! Files that may be encrypted at rest, read as what is in them. Nothing is written here, and no
//! key is ever shown.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use vk_persist::seal::frames::{FrameEnd, FrameEvent, FrameReader};
use vk_persist::seal::stream::StreamReader;
use vk_persist::seal::{AesGcm, Header, Key, Keyring, Kind, MAGIC, SealFault};

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
    /// What was read of it and not handed out.
    ready: Vec<u8>,
    at: usize,
    buffer: Vec<u8>,
}

enum Form {
    Plain,
    /// Written in one go.
    Stream(StreamReader),
    /// Grown by batches; where a batch begins whose end is missing.
    Frames(FrameReader, Option<u64>),
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
            ready: head,
            at: 0,
            buffer: Vec::new(),
        };
        if input.ready.starts_with(&MAGIC) {
            input.form = unseal(&input.ready, path, keys)?;
            input.ready.clear();
            input.buffer = vec![0; READ_BYTES];
        }
        Ok(input)
    }

    /// The file is encrypted.
    pub(crate) fn is_sealed(&self) -> bool {
        !matches!(self.form, Form::Plain)
    }

    /// Where a batch begins on disk that the file ends in the middle of; known at the end.
    pub(crate) fn torn(&self) -> Option<u64> {
        match self.form {
            Form::Frames(_, torn) => torn,
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
            Form::Frames(reader, torn) if count == 0 => {
                *torn = match reader.finish() {
                    FrameEnd::Torn(offset) => Some(offset),
                    FrameEnd::Closed | FrameEnd::Open => None,
                };
            }
            Form::Frames(reader, _) => {
                reader.feed(bytes);
                loop {
                    match reader.poll().map_err(told)? {
                        FrameEvent::Batch(batch) => self.ready.extend_from_slice(&batch),
                        FrameEvent::More => break,
                        _ => {}
                    }
                }
            }
        }
        Ok(count > 0)
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

fn unseal(head: &[u8], path: &Path, keys: &KeySource) -> Result<Form, Failure> {
    let name = path_text(path);
    let failed = |fault: SealFault| Failure::Reply(format!("{name} {fault}"));
    let header = Header::parse(head).map_err(failed)?;
    if *keys == KeySource::default() {
        let id = header.key.text();
        return Err(Failure::Reply(format!(
            "{name} is encrypted under the key {id}: name it with --key-file or --passphrase-file"
        )));
    }
    let keyring = keys.keyring(&header)?;
    let kind = header.kind().unwrap_or(Kind::Snapshot);
    let aead = header.open(kind, &AesGcm, &keyring).map_err(failed)?;
    Ok(match kind {
        Kind::Snapshot | Kind::Base => Form::Stream(StreamReader::new(aead, Header::BYTES)),
        Kind::Increment => Form::Frames(FrameReader::new(aead, Header::BYTES), None),
    })
}

impl KeySource {
    /// The keys; that of a passphrase depends on the dataset.
    fn keyring(&self, header: &Header) -> Result<Keyring, Failure> {
        let mut keyring = Keyring::default();
        if let Some(path) = &self.key_file {
            let keys = Key::parse_file(&secret(path)?)
                .map_err(|fault| UsageError::new(format!("{} {fault}", path_text(path))))?;
            keys.iter().for_each(|key| keyring.add(key));
        }
        if let Some(path) = &self.passphrase_file {
            let key = Key::parse_passphrase(&secret(path)?)
                .and_then(|phrase| Key::of_passphrase(&phrase, header.dataset));
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

    fn read(file: &[u8], keys: &KeySource) -> Result<(Vec<u8>, Option<u64>), String> {
        let input = Input::begin(file, Path::new("file"), keys);
        let mut input = input.map_err(|error| error.to_string())?;
        let mut out = Vec::new();
        let all = input.read_to_end(&mut out);
        all.map_err(|error| error.to_string())?;
        Ok((out, input.torn()))
    }

    #[test]
    fn what_is_encrypted_is_read_with_the_key_alone() {
        let folder = Folder::new("sealed");
        let contents: Vec<u8> = (0..300_000_u32).map(|n| n.to_be_bytes()[3]).collect();
        let keys = key_source(&folder, "0");
        for kind in [Kind::Snapshot, Kind::Base, Kind::Increment] {
            let file = sealed(kind, &contents);
            assert_eq!(read(&file, &keys), Ok((contents.clone(), None)));
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
        assert_eq!(read(&contents, &keys), Ok((contents.clone(), None)));
        assert_eq!(read(b"", &keys), Ok((Vec::new(), None)));
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
        let (read, torn) = read(&file[..file.len() - 1], &keys).unwrap();
        assert_eq!(read.len(), 200);
        assert!(torn.is_some_and(|torn| torn > 200 && torn < file.len() as u64));
    }
}
