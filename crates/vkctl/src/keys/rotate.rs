//! Another key for all files of a folder: only the headers change, since the key of a file is in
//! its header, wrapped. What a crash leaves behind is files under the one key and under the other;
//! with both the server starts, and the next run goes on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};
use vk_persist::seal::{AesGcm, Header, Keyring, NONCE_BYTES, signed};

use super::files::{Contents, Found, told, wrong};
use crate::error::Failure;
use crate::new_file::{MODE, give_to_owner};

/// Held by a server that uses the folder.
const LOCK_FILE: &str = "dataset.lock";

/// Puts all files under the first key.
pub(super) fn run(folder: &Path, found: &[Found], ring: &Keyring) -> Result<(), Failure> {
    let lock_path = folder.join(LOCK_FILE);
    // A link that somebody put there is refused, not followed.
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&lock_path)
        .map_err(|error| told(&lock_path, &error))?;
    fs::metadata(folder)
        .and_then(|owner| give_to_owner(&lock_path, &owner))
        .map_err(|error| told(&lock_path, &error))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
        let text = format!("a server uses this folder; stop it first ({error})");
        told(&lock_path, &io::Error::other(text))
    })?;
    let mut changed = 0;
    for file in found {
        let is_changed = match &file.contents {
            Contents::Sealed(header) => sealed(&file.path, header.clone(), ring)?,
            Contents::Signed(_) => text(&file.path, ring)?,
        };
        changed += usize::from(is_changed);
    }
    let key = ring.current().map(|key| key.text()).unwrap_or_default();
    let mut out = io::stdout().lock();
    let count = found.len();
    writeln!(out, "{changed} of {count} files are now under key {key}").map_err(Failure::Local)
}

fn sealed(path: &Path, mut header: Header, ring: &Keyring) -> Result<bool, Failure> {
    if Some(header.key) == ring.current() {
        return Ok(false);
    }
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|error| told(path, &io::Error::other(error)))?;
    header
        .rewrap(nonce, &AesGcm, ring)
        .map_err(|fault| wrong(path, fault))?;
    replace(path, |file| {
        io::copy(&mut File::open(path)?, file)?;
        file.rewind()?;
        file.write_all(&header.encode())
    })?;
    Ok(true)
}

fn text(path: &Path, ring: &Keyring) -> Result<bool, Failure> {
    let bytes = fs::read(path).map_err(|error| told(path, &error))?;
    let (text, key) = signed::verify(&bytes, ring).map_err(|fault| wrong(path, fault))?;
    if Some(key) == ring.current() {
        return Ok(false);
    }
    let text = signed::sign(text.to_owned(), ring).map_err(|fault| wrong(path, fault))?;
    replace(path, |file| file.write_all(text.as_bytes()))?;
    Ok(true)
}

/// Puts what `write` makes in the place of a file: after a crash one of the two is there.
fn replace(path: &Path, write: impl Fn(&mut File) -> io::Result<()>) -> Result<(), Failure> {
    let temporary = path.with_added_extension("rotating");
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let complete = || {
        let before = fs::metadata(path)?;
        let mut file = begin(&temporary)?;
        write(&mut file)?;
        file.set_permissions(before.permissions())?;
        file.sync_all()?;
        give_to_owner(&temporary, &before)
    };
    let replaced = complete()
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| File::open(folder)?.sync_all());
    replaced.map_err(|error| {
        // The file itself is as it was.
        let _ = fs::remove_file(&temporary);
        told(path, &error)
    })
}

/// A file of its own: what a crash has left goes, and a link that somebody puts there is not
/// followed.
fn begin(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::test_support::Folder;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let folder = Folder::new("rotate-link");
        let (path, other) = (folder.path().join("f"), folder.path().join("other"));
        fs::write(&path, "before").unwrap();
        fs::write(&other, "not ours").unwrap();
        symlink(&other, folder.path().join("f.rotating")).unwrap();
        replace(&path, |file| file.write_all(b"after")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"after");
        assert!(!path.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&other).unwrap(), b"not ours");
        symlink(&other, folder.path().join(LOCK_FILE)).unwrap();
        let ring = Keyring::default();
        assert!(run(folder.path(), &[], &ring).is_err());
        assert_eq!(fs::read(&other).unwrap(), b"not ours");
    }
}
