//! The list of an append-only file's files, signed: the manifest as it is, and in comments behind
//! it which encrypted file each name stands for and where those end that nothing is added to.
//!
//! ```text
//! file appendonly.aof.1.base.rdb seq 1 type b
//! file appendonly.aof.1.incr.aof seq 1 type i
//! #log 17 00112233445566778899aabbccddeeff
//! #sealed ffee.. - - appendonly.aof.1.base.rdb
//! #sealed ddcc.. 4711 a0b1.. appendonly.aof.1.incr.aof
//! #signed 0123.. 89ab..
//! ```

use alloc::{borrow::ToOwned as _, collections::BTreeMap, format, string::String};

use super::{DatasetId, FileId, Hex, KeyId, Keyring, SealFault, Tag, hex::array_from_hex, signed};

/// A file that is no longer written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Its bytes.
    pub bytes: u64,
    /// The tag of its last frame.
    pub tag: Tag,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileNote {
    /// The encrypted file.
    pub file: FileId,
    /// Where it ends, if that is settled.
    pub closed: Option<Closed>,
}

/// The files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogList {
    /// The dataset that they belong to.
    pub dataset: DatasetId,
    /// Grows with every file of the dataset.
    pub generation: u64,
    /// Encrypted files by name.
    pub files: BTreeMap<String, FileNote>,
}

impl LogList {
    /// The manifest with the list behind it.
    ///
    /// # Errors
    /// There is no key.
    pub fn sign(&self, manifest: &str, keyring: &Keyring) -> Result<String, SealFault> {
        let mut text = format!(
            "{manifest}#log {} {}\n",
            self.generation,
            Hex(&self.dataset.0)
        );
        for (name, note) in &self.files {
            let end = match note.closed {
                Some(closed) => format!("{} {}", closed.bytes, Hex(&closed.tag.0)),
                None => "- -".to_owned(),
            };
            text.push_str(&format!("#sealed {} {end} {name}\n", Hex(&note.file.0)));
        }
        signed::sign(text, keyring)
    }

    /// The dataset that a text names, before anybody knows whether that is true.
    #[must_use]
    pub fn claimed_dataset(bytes: &[u8]) -> Option<DatasetId> {
        let line = bytes
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(b"#log "))?;
        let id = line.split(|byte| *byte == b' ').nth(1)?;
        array_from_hex(id).map(DatasetId)
    }

    /// Reads a signed manifest, and says which key signed it.
    ///
    /// # Errors
    /// It is not what was written.
    pub fn parse(bytes: &[u8], keyring: &Keyring) -> Result<(Self, KeyId), SealFault> {
        let (text, key) = signed::verify(bytes, keyring)?;
        Self::of_text(text)
            .map(|list| (list, key))
            .ok_or(SealFault::Text)
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut list = None;
        let mut files = BTreeMap::new();
        for line in text.lines() {
            if let Some(line) = line.strip_prefix("#log ") {
                let (generation, dataset) = line.split_once(' ')?;
                let dataset = DatasetId(array_from_hex(dataset.as_bytes())?);
                list = Some((generation.parse().ok()?, dataset));
            } else if let Some(line) = line.strip_prefix("#sealed ") {
                let (name, note) = note(line)?;
                files.insert(name, note);
            }
        }
        let (generation, dataset) = list?;
        Some(Self {
            dataset,
            generation,
            files,
        })
    }
}

fn note(line: &str) -> Option<(String, FileNote)> {
    let mut words = line.splitn(4, ' ');
    let file = FileId(array_from_hex(words.next()?.as_bytes())?);
    let (bytes, tag, name) = (words.next()?, words.next()?, words.next()?);
    let closed = match (bytes, tag) {
        ("-", "-") => None,
        _ => Some(Closed {
            bytes: bytes.parse().ok()?,
            tag: Tag(array_from_hex(tag.as_bytes())?),
        }),
    };
    Some((name.to_owned(), FileNote { file, closed }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Manifest, seal::check};

    #[test]
    fn a_manifest_is_signed_and_remains_one() {
        let text = "file \"a b.aof.1.base.rdb\" seq 1 type b\nfile a.aof.2.incr.aof seq 2 type i\n";
        let closed = Closed {
            bytes: 4711,
            tag: Tag([8; 16]),
        };
        let notes = [
            ("a b.aof.1.base.rdb", [1; 16], None),
            ("a.aof.2.incr.aof", [2; 16], Some(closed)),
        ];
        let list = LogList {
            dataset: DatasetId([3; 16]),
            generation: 17,
            files: notes
                .into_iter()
                .map(|(name, id, closed)| {
                    let file = FileId(id);
                    (name.to_owned(), FileNote { file, closed })
                })
                .collect(),
        };
        let ring = check::keyring(&[1]);
        let signed = list.sign(text, &ring).unwrap().into_bytes();
        assert_eq!(LogList::parse(&signed, &ring).unwrap().0, list);
        assert_eq!(LogList::claimed_dataset(&signed), Some(list.dataset));
        let manifest = Manifest::parse(&signed).unwrap();
        assert_eq!(manifest, Manifest::parse(text.as_bytes()).unwrap());
        for at in 0..signed.len() {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            assert!(LogList::parse(&changed, &ring).is_err(), "{at}");
            assert!(LogList::parse(&signed[..at], &ring).is_err(), "{at}");
        }
        let plain = LogList::parse(text.as_bytes(), &ring);
        assert_eq!(plain, Err(SealFault::Unsigned));
    }
}
