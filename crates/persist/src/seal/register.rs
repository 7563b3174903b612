//! What a dataset consists of, in a signed text beside its files: without it nobody would notice
//! that a whole file is missing or has been replaced by an older one.
//!
//! ```text
//! #verikey dataset 1
//! id 00112233445566778899aabbccddeeff
//! generation 17
//! snapshot 16 ffeeddccbbaa99887766554433221100
//! log 17
//! #signed 0123456789abcdef0123456789abcdef 89ab..
//! ```
//!
//! A file is written first and noted then: one that is newer than its note is what a crash between
//! the two leaves behind, one that is older is not what the server has promised.

use alloc::{format, string::String};

use super::{DatasetId, FileId, Hex, KeyId, Keyring, SealFault, hex::array_from_hex, signed};

const FIRST_LINE: &str = "#verikey dataset 1";

/// The last snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotNote {
    /// Its generation.
    pub generation: u64,
    /// Its name.
    pub file: FileId,
}

/// The list of the files of the append-only file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogNote {
    /// Its generation.
    pub generation: u64,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Register {
    /// Names the dataset.
    pub dataset: DatasetId,
    /// The greatest generation that was given to a file.
    pub generation: u64,
    /// The last snapshot, once there is one.
    pub snapshot: Option<SnapshotNote>,
    /// The append-only file, once there is one.
    pub log: Option<LogNote>,
}

impl Register {
    /// The name of the file, in the folder of the data.
    pub const FILE: &'static str = "dataset.seal";

    /// A dataset that has nothing yet.
    #[must_use]
    pub fn new(dataset: DatasetId) -> Self {
        Self {
            dataset,
            generation: 0,
            snapshot: None,
            log: None,
        }
    }

    /// The text as it is written.
    ///
    /// # Errors
    /// There is no key.
    pub fn encode(&self, keyring: &Keyring) -> Result<String, SealFault> {
        let mut text = format!(
            "{FIRST_LINE}\nid {}\ngeneration {}\n",
            Hex(&self.dataset.0),
            self.generation
        );
        if let Some(note) = self.snapshot {
            text.push_str(&format!(
                "snapshot {} {}\n",
                note.generation,
                Hex(&note.file.0)
            ));
        }
        if let Some(note) = self.log {
            text.push_str(&format!("log {}\n", note.generation));
        }
        signed::sign(text, keyring)
    }

    /// The dataset that a text names, before anybody knows whether that is true: the key of a
    /// passphrase depends on it.
    #[must_use]
    pub fn claimed_dataset(bytes: &[u8]) -> Option<DatasetId> {
        let line = bytes
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(b"id "))?;
        array_from_hex(line).map(DatasetId)
    }

    /// Reads a text, and says which key signed it.
    ///
    /// # Errors
    /// It is not what was written.
    pub fn parse(bytes: &[u8], keyring: &Keyring) -> Result<(Self, KeyId), SealFault> {
        let (text, key) = signed::verify(bytes, keyring)?;
        Self::of_text(text)
            .map(|register| (register, key))
            .ok_or(SealFault::Text)
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let (mut dataset, mut generation, mut snapshot, mut log) = (None, None, None, None);
        for line in lines {
            let (name, value) = line.split_once(' ')?;
            match name {
                "id" => dataset = Some(DatasetId(array_from_hex(value.as_bytes())?)),
                "generation" => generation = Some(value.parse().ok()?),
                "snapshot" => {
                    let (generation, file) = value.split_once(' ')?;
                    snapshot = Some(SnapshotNote {
                        generation: generation.parse().ok()?,
                        file: FileId(array_from_hex(file.as_bytes())?),
                    });
                }
                "log" => {
                    let generation = value.parse().ok()?;
                    log = Some(LogNote { generation });
                }
                _ => return None,
            }
        }
        Some(Self {
            dataset: dataset?,
            generation: generation?,
            snapshot,
            log,
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::seal::check;

    fn register() -> Register {
        Register {
            generation: 17,
            snapshot: Some(SnapshotNote {
                generation: 16,
                file: FileId([5; 16]),
            }),
            log: Some(LogNote { generation: 17 }),
            ..Register::new(DatasetId([3; 16]))
        }
    }

    #[test]
    fn it_survives() {
        let ring = check::keyring(&[1]);
        for register in [Register::new(DatasetId([9; 16])), register()] {
            let text = register.encode(&ring).unwrap();
            let (again, key) = Register::parse(text.as_bytes(), &ring).unwrap();
            assert_eq!((again, Some(key)), (register, ring.current()));
            assert_eq!(
                Register::claimed_dataset(text.as_bytes()),
                Some(register.dataset)
            );
        }
        assert_eq!(
            register().encode(&Keyring::default()),
            Err(SealFault::UnknownKey(KeyId([0; 16])))
        );
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let ring = check::keyring(&[1]);
        let text = register().encode(&ring).unwrap().into_bytes();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                assert!(Register::parse(&changed, &ring).is_err(), "{at} {bit}");
            }
            assert!(Register::parse(&text[..at], &ring).is_err(), "{at}");
        }
        let other = check::keyring(&[2]);
        let fault = Register::parse(&text, &other).unwrap_err();
        assert_eq!(fault, SealFault::UnknownKey(ring.current().unwrap()));
        let unsigned = Register::parse(b"id 00\n", &ring);
        assert_eq!(unsigned.unwrap_err(), SealFault::Unsigned);
        assert!(!signed::is_signed(b"") && signed::is_signed(&text));
    }
}
