//! The operator's keys, read from files.

use std::fs;
use std::io;
use std::path::Path;

use vk_persist::seal::{DatasetId, Key, Keyring, LogList, Register};

use super::KeySources;
use super::files::{Contents, Found, told};
use crate::error::{Failure, UsageError};

/// Reads the keys; a passphrase needs the dataset, which the files name.
pub(super) fn read(sources: &KeySources, found: &[Found]) -> Result<Keyring, Failure> {
    let mut ring = Keyring::default();
    if let Some(path) = &sources.key_file {
        add_file(path, &mut ring)?;
    }
    if let Some(path) = &sources.passphrase_file {
        let bytes = fs::read(path).map_err(|error| told(path, &error))?;
        let passphrase = Key::parse_passphrase(&bytes)
            .ok_or_else(|| invalid(path, "has an empty first line"))?;
        let dataset = dataset(found)
            .ok_or_else(|| UsageError::new("no encrypted file names the passphrase's dataset"))?;
        let key = Key::of_passphrase(&passphrase, dataset);
        ring.add(&key.ok_or_else(|| UsageError::new("no key can be derived"))?);
    }
    if let Some(path) = &sources.old_key_file {
        add_file(path, &mut ring)?;
    }
    if ring.current().is_none() {
        return Err(UsageError::new("give --key-file or --passphrase-file").into());
    }
    Ok(ring)
}

fn add_file(path: &Path, ring: &mut Keyring) -> Result<(), Failure> {
    let bytes = fs::read(path).map_err(|error| told(path, &error))?;
    let keys = Key::parse_file(&bytes).map_err(|fault| invalid(path, &fault.to_string()))?;
    keys.iter().for_each(|key| ring.add(key));
    Ok(())
}

fn dataset(found: &[Found]) -> Option<DatasetId> {
    found.iter().find_map(|file| match &file.contents {
        Contents::Sealed(header) => Some(header.dataset),
        Contents::Signed(_) => {
            let text = fs::read(&file.path).ok()?;
            Register::claimed_dataset(&text).or_else(|| LogList::claimed_dataset(&text))
        }
    })
}

fn invalid(path: &Path, text: &str) -> Failure {
    let shown = path.display();
    Failure::Local(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{shown} {text}"),
    ))
}
