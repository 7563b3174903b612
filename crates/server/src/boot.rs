//! What happens between the command line and the first socket: profile, folders, secrets.
//!
//! It reads the configuration's texts, makes the strict profile's first start, and refuses what
//! that profile does not allow. It parses no directive and opens no listener.

mod folders;
pub(crate) mod paths;
pub(crate) mod profile;
pub(crate) mod sources;
pub(crate) mod strict;

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::secrets::{self, AdminPassword, Secrets, SecretsError, SecretsRequest};
use paths::{Layout, Surroundings};

/// The longest path of a Unix socket (`sun_path` without its end).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// What a strict start is given: the directives that were set, nothing where they were not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StrictRequest<'a> {
    /// Who and where we are.
    pub(crate) surroundings: &'a Surroundings,
    /// `secrets-dir`.
    pub(crate) secrets_dir: Option<&'a Path>,
    /// `dir`.
    pub(crate) data_dir: Option<&'a Path>,
    /// `unixsocket`.
    pub(crate) unix_socket: Option<&'a Path>,
    /// `tls-san`.
    pub(crate) tls_san: &'a [String],
    /// The port that clients use: it names the socket.
    pub(crate) port: u16,
    /// `tls-cert-file` was set: the operator brings the certificate.
    pub(crate) own_certificate: bool,
    /// The time of the day.
    pub(crate) now: SystemTime,
}

/// What a strict start came to.
#[derive(Debug)]
pub(crate) struct StrictStart {
    /// The secrets, loaded or made.
    pub(crate) secrets: Secrets,
    /// The values of path directives that were not set, by name.
    pub(crate) directives: Vec<(&'static str, PathBuf)>,
    /// Where the public copy of the CA bundle lies, if it could be written.
    pub(crate) public_ca_file: Option<PathBuf>,
    /// Users of the Unix socket: system user id and user name.
    pub(crate) unix_users: Vec<(u32, &'static str)>,
    /// One line each, for the log; those that begin with `WARNING` are warnings.
    pub(crate) notes: Vec<String>,
}

/// The name of the user that the first start makes.
pub(crate) const ADMIN: &str = "admin";

/// Why a strict start failed; one text with the cure in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BootError {
    /// No place for the files is known.
    #[error("{0}")]
    Paths(#[from] paths::PathsError),
    /// A folder cannot be made or is open to others.
    #[error("{0}")]
    Folder(#[from] folders::FolderError),
    /// The secrets cannot be made or loaded.
    #[error("{0}")]
    Secrets(#[from] SecretsError),
    /// The secrets would be copied with every backup of the data.
    #[error(
        "the secrets folder {} lies in the data folder {}; give another secrets-dir",
        secrets.display(), data.display()
    )]
    SecretsInData {
        /// The secrets folder.
        secrets: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// The kernel takes only short names.
    #[error(
        "the Unix socket's path {} is longer than {SOCKET_PATH_BYTES_MAX} bytes; \
         give a shorter one as unixsocket", path.display()
    )]
    SocketPath {
        /// The path.
        path: PathBuf,
    },
}

/// Makes folders and secrets as needed and tells the paths that follow.
///
/// # Errors
///
/// See [`BootError`]. What was made before a failure is whole and used by the next start.
pub(crate) fn strict_start(request: &StrictRequest<'_>) -> Result<StrictStart, BootError> {
    let layout = Layout::new(request.surroundings);
    let secrets_dir = pick(request.secrets_dir, layout.secrets_dir(), "secrets-dir")?;
    let data_dir = pick(request.data_dir, layout.data_dir(), "dir")?;
    let socket = match request.unix_socket {
        Some(path) => path.to_owned(),
        None => pick(None, layout.socket(request.port), "unixsocket")?,
    };
    if socket.as_os_str().as_bytes().len() > SOCKET_PATH_BYTES_MAX {
        return Err(BootError::SocketPath { path: socket });
    }
    if secrets_dir.starts_with(&data_dir) {
        return Err(BootError::SecretsInData {
            secrets: secrets_dir,
            data: data_dir,
        });
    }
    folders::ensure_private(&data_dir)?;
    if request.unix_socket.is_none()
        && let Some(folder) = socket.parent()
    {
        folders::ensure_private(folder)?;
    }
    let mut secrets = secrets::open(&SecretsRequest {
        dir: &secrets_dir,
        host_name: &request.surroundings.host_name,
        tls_san: request.tls_san,
        now: request.now,
    })?;
    let mut notes = std::mem::take(&mut secrets.notes);
    let public_ca_file = publish_ca(&secrets, &layout, &mut notes);
    Ok(StrictStart {
        directives: directives(request, &secrets, data_dir, socket),
        secrets,
        public_ca_file,
        unix_users: unix_users(request.surroundings.euid),
        notes,
    })
}

/// Copies the bundle to where every user of the machine may read it. Also called after a renewal.
/// That it fails is no fault: a service's user may not write there.
pub(crate) fn publish_ca(
    secrets: &Secrets,
    layout: &Layout<'_>,
    notes: &mut Vec<String>,
) -> Option<PathBuf> {
    let to = layout.public_ca_file()?;
    // Only beside our own default folder: elsewhere nobody would look for it.
    if layout.secrets_dir()? != secrets.dir {
        return None;
    }
    match folders::copy_public(&secrets.file(secrets::CA_FILE), &to) {
        Ok(()) => Some(to),
        Err(error) => {
            notes.push(format!(
                "The CA bundle is not copied to {}: {error}",
                to.display()
            ));
            None
        }
    }
}

fn pick(
    set: Option<&Path>,
    default: Option<PathBuf>,
    directive: &'static str,
) -> Result<PathBuf, paths::PathsError> {
    match (set, default) {
        (Some(path), _) => Ok(path.to_owned()),
        (None, Some(path)) => Ok(path),
        (None, None) => Err(paths::PathsError { directive }),
    }
}

fn directives(
    request: &StrictRequest<'_>,
    secrets: &Secrets,
    data_dir: PathBuf,
    socket: PathBuf,
) -> Vec<(&'static str, PathBuf)> {
    let mut out = Vec::new();
    if request.data_dir.is_none() {
        out.push(("dir", data_dir));
    }
    if request.unix_socket.is_none() {
        out.push(("unixsocket", socket));
    }
    if request.secrets_dir.is_none() {
        out.push(("secrets-dir", secrets.dir.clone()));
    }
    if !request.own_certificate {
        out.push(("tls-cert-file", secrets.file(secrets::SERVER_FILE)));
        out.push(("tls-key-file", secrets.file(secrets::SERVER_FILE)));
        out.push(("tls-ca-cert-file", secrets.file(secrets::CA_FILE)));
    }
    out
}

/// Root and the server's own user are the admin on the Unix socket.
fn unix_users(euid: u32) -> Vec<(u32, &'static str)> {
    let mut users = vec![(0, ADMIN)];
    if euid != 0 {
        users.push((euid, ADMIN));
    }
    users
}

impl StrictStart {
    /// What a person is told after the first start. The password itself is only shown on a
    /// terminal; a log gets the path of its file.
    pub(crate) fn announcement(&self, on_terminal: bool) -> Option<String> {
        let AdminPassword(password) = self.secrets.created.as_ref()?;
        let file = self.secrets.file(secrets::PASSWORD_FILE);
        let ca_file = self
            .public_ca_file
            .clone()
            .unwrap_or_else(|| self.secrets.file(secrets::CA_FILE));
        let mut text = String::from("First start: made a private CA, a certificate and a user.\n");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  user      {ADMIN}");
        let _ = if on_terminal {
            writeln!(text, "  password  {} (shown this once)", **password)
        } else {
            writeln!(text, "  password  in {}", file.display())
        };
        if on_terminal {
            let _ = writeln!(
                text,
                "            also in {}: move it to a safe place",
                file.display()
            );
        }
        let _ = writeln!(text, "  CA file   {}", ca_file.display());
        let _ = writeln!(text, "  here      vkctl (no password needed for you)");
        Some(text)
    }
}

#[cfg(test)]
mod tests;
