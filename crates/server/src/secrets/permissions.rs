//! Who may read or change a secret: the modes and owners of its file and folder.
//!
//! Judges only; it changes no mode, since whoever set it may have had a reason.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What is wrong with a path, and the cure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Fault {
    /// It cannot be looked at.
    #[error("cannot look at {}: {source}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its mode lets others in.
    #[error("{} has mode {mode:04o}, which lets others in; run `chmod {cure:o} {}`",
        path.display(), path.display())]
    Mode {
        /// The path.
        path: PathBuf,
        /// The permission bits.
        mode: u32,
        /// The bits that are right.
        cure: u32,
    },
    /// It belongs to somebody else, who could change it.
    #[error("{} belongs to uid {uid}; run `chown {own} {}`", path.display(), path.display())]
    Owner {
        /// The path.
        path: PathBuf,
        /// Its owner.
        uid: u32,
        /// Our user.
        own: u32,
    },
    /// It is not a folder, or not a file.
    #[error("{} is not a {wanted}; move it away", path.display())]
    Kind {
        /// The path.
        path: PathBuf,
        /// What it should be.
        wanted: &'static str,
    },
}

/// A file with a secret: nothing for others, and nothing for a group that is not one of ours
/// (Kubernetes hands secrets out by our own group). Links are followed: what counts is the file.
pub(crate) fn check_private(path: &Path) -> Result<(), Fault> {
    let metadata = look(path)?;
    if !metadata.is_file() {
        return Err(Fault::Kind {
            path: path.to_owned(),
            wanted: "file",
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    let group_is_ours = is_own_group(metadata.gid());
    let forbidden = if group_is_ours { 0o027 } else { 0o077 };
    if mode & forbidden != 0 {
        return Err(Fault::Mode {
            path: path.to_owned(),
            mode,
            cure: 0o600,
        });
    }
    Ok(())
}

/// The secrets folder: ours (or root's), with nothing for others.
pub(crate) fn check_folder(path: &Path) -> Result<(), Fault> {
    let metadata = look(path)?;
    if !metadata.is_dir() {
        return Err(Fault::Kind {
            path: path.to_owned(),
            wanted: "folder",
        });
    }
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own && metadata.uid() != 0 {
        return Err(Fault::Owner {
            path: path.to_owned(),
            uid: metadata.uid(),
            own,
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    // A mounted volume is often root's with our group allowed in.
    let forbidden = if is_own_group(metadata.gid()) {
        0o007
    } else {
        0o077
    };
    if mode & forbidden != 0 {
        return Err(Fault::Mode {
            path: path.to_owned(),
            mode,
            cure: 0o700,
        });
    }
    Ok(())
}

fn look(path: &Path) -> Result<fs::Metadata, Fault> {
    fs::metadata(path).map_err(|source| Fault::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn is_own_group(gid: u32) -> bool {
    rustix::process::getegid().as_raw() == gid
        || rustix::process::getgroups()
            .is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_dir::TestDir;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn modes_of_files() {
        let dir = TestDir::new();
        let path = dir.path().join("key");
        fs::write(&path, "x").unwrap();
        for (mode, good) in [
            (0o600, true),
            (0o400, true),
            (0o440, true),
            (0o640, true),
            (0o660, false),
        ] {
            set(&path, mode);
            assert_eq!(check_private(&path).is_ok(), good, "{mode:o}");
        }
        set(&path, 0o644);
        let text = check_private(&path).unwrap_err().to_string();
        let shown = path.display();
        assert_eq!(
            text,
            format!("{shown} has mode 0644, which lets others in; run `chmod 600 {shown}`")
        );
        std::os::unix::fs::symlink(&path, dir.path().join("link")).unwrap();
        assert!(check_private(&dir.path().join("link")).is_err());
        set(&path, 0o600);
        assert!(check_private(&dir.path().join("link")).is_ok());
        assert!(matches!(check_private(dir.path()), Err(Fault::Kind { .. })));
        assert!(matches!(
            check_private(&dir.path().join("no")),
            Err(Fault::Unreadable { .. })
        ));
    }

    #[test]
    fn modes_of_folders() {
        let dir = TestDir::new();
        for (mode, good) in [(0o700, true), (0o750, true), (0o755, false), (0o701, false)] {
            set(dir.path(), mode);
            assert_eq!(check_folder(dir.path()).is_ok(), good, "{mode:o}");
        }
        set(dir.path(), 0o700);
    }
}
