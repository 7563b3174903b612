//! Folders of the strict profile, and the one file that is there for everybody.
//!
//! Folders are made private; one that is ours and open is closed, since its name says that it is
//! for this server alone. What belongs to others is never changed.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FolderError {
    /// The operating system refused.
    #[error("cannot make the folder {}: {source}; let the server's user write there, or name \
        another folder with --dir or --unixsocket", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else could put files there.
    #[error("{} belongs to uid {uid} and others may write there; run `chmod go-w {}`",
        path.display(), path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// Something else has its name.
    #[error("{} is not a folder; move it away", path.display())]
    Kind {
        /// The path.
        path: PathBuf,
    },
}

/// Makes a folder of mode 0700, with those above it, or checks the one that is there.
pub(super) fn ensure_private(path: &Path) -> Result<(), FolderError> {
    let fail = |source| FolderError::Io {
        path: path.to_owned(),
        source,
    };
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(fail(error)),
    }
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_dir() {
        return Err(FolderError::Kind {
            path: path.to_owned(),
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.uid() == rustix::process::geteuid().as_raw() {
        // The group may be let in to the socket (0750); others may not.
        if mode & 0o027 != 0 {
            fs::set_permissions(path, Permissions::from_mode(mode & 0o7750)).map_err(fail)?;
        }
    } else if mode & 0o022 != 0 {
        return Err(FolderError::Foreign {
            path: path.to_owned(),
            uid: metadata.uid(),
        });
    }
    Ok(())
}

/// Copies a file to where everybody may read it, at one stroke.
pub(super) fn copy_public(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let mut fresh = to.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let _ = fs::remove_file(&fresh);
    let result = write_public(&fresh, &bytes).and_then(|()| fs::rename(&fresh, to));
    if result.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    result
}

fn write_public(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)?;
    file.write_all(bytes)?;
    // Whatever the umask took away.
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()
}
