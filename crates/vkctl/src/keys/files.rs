//! The encrypted and signed files of a data folder: found by how they begin or end, not by name.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use vk_persist::seal::{Header, KeyId, MAGIC, SealFault, from_hex, signed};

use crate::error::Failure;

/// A signed text is not longer.
const TEXT_BYTES_MAX: u64 = 16 << 20;

/// A file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) contents: Contents,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Contents {
    /// An encrypted file.
    Sealed(Header),
    /// A signed text, and under which key.
    Signed(Option<KeyId>),
}

/// All of them, in the folder and in the folders right below it.
pub(super) fn find(folder: &Path) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    let mut folders = Vec::new();
    look(folder, &mut found, Some(&mut folders))?;
    for folder in folders {
        look(&folder, &mut found, None)?;
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn look(
    folder: &Path,
    found: &mut Vec<Found>,
    mut folders: Option<&mut Vec<PathBuf>>,
) -> Result<(), Failure> {
    let complain = |error| told(folder, &error);
    for entry in fs::read_dir(folder).map_err(complain)? {
        let path = entry.map_err(complain)?.path();
        if path.is_dir() {
            if let Some(folders) = &mut folders {
                folders.push(path);
            }
        } else if path.is_file()
            && let Some(contents) = contents(&path)?
        {
            found.push(Found { path, contents });
        }
    }
    Ok(())
}

fn contents(path: &Path) -> Result<Option<Contents>, Failure> {
    let complain = |error| told(path, &error);
    let mut head = Vec::new();
    let mut file = File::open(path).map_err(complain)?;
    let bytes = file.metadata().map_err(complain)?.len();
    (&mut file)
        .take(Header::BYTES as u64)
        .read_to_end(&mut head)
        .map_err(complain)?;
    if head.starts_with(&MAGIC) {
        let header = Header::parse(&head).map_err(|fault| wrong(path, fault))?;
        return Ok(Some(Contents::Sealed(header)));
    }
    if !head.starts_with(b"#verikey") && !head.starts_with(b"file ") || bytes > TEXT_BYTES_MAX {
        return Ok(None);
    }
    file.read_to_end(&mut head).map_err(complain)?;
    Ok(signed::is_signed(&head).then(|| Contents::Signed(claimed_key(&head))))
}

/// The key that the last line names.
fn claimed_key(text: &[u8]) -> Option<KeyId> {
    let last = text.trim_ascii_end().rsplit(|byte| *byte == b'\n').next()?;
    let id = last.split(|byte| *byte == b' ').nth(1)?;
    from_hex(id)?.try_into().ok().map(KeyId)
}

/// The system refuses something about a file.
pub(super) fn told(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    Failure::Local(io::Error::new(error.kind(), format!("{shown}: {error}")))
}

/// A file is not what was written.
pub(super) fn wrong(path: &Path, fault: SealFault) -> Failure {
    let shown = path.display();
    Failure::Local(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{shown} {fault}"),
    ))
}
