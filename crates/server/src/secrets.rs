//! The secrets of the strict profile: made once at the first start, loaded ever after.
//!
//! One folder holds the private CA's certificate (its key is dropped after issuing), the server's
//! certificate and key, and the admin's password with its verifier. It comes into being whole or
//! not at all. Users, ACLs and key encryption keys are not here.

mod issue;
mod password;
pub(crate) mod permissions;
mod renew;
mod store;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::tls_files::x509::{self, CertificateFacts};

pub(crate) use renew::renew;

/// The CA bundle that clients verify the server by.
pub(crate) const CA_FILE: &str = "ca.crt";
/// The server's certificate and key in one file, so that one rename replaces both.
pub(crate) const SERVER_FILE: &str = "server.pem";
/// The next certificate and key, while clients get to know the next CA.
pub(crate) const NEXT_FILE: &str = "next.pem";
/// The admin's password; its owner may take it away.
pub(crate) const PASSWORD_FILE: &str = "admin.password";
/// The SHA-256 of the admin's password in hexadecimal digits.
pub(crate) const VERIFIER_FILE: &str = "admin.verifier";

/// What the secrets are made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretsRequest<'a> {
    /// The folder (`secrets-dir`).
    pub(crate) dir: &'a Path,
    /// This machine's name.
    pub(crate) host_name: &'a str,
    /// `tls-san`: further names and addresses that the certificate is for.
    pub(crate) tls_san: &'a [String],
    /// The time of the day; it decides validity.
    pub(crate) now: SystemTime,
}

impl SecretsRequest<'_> {
    /// The path of a file in the folder.
    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// The secrets, as they are in the folder.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// The folder.
    pub(crate) dir: PathBuf,
    /// SHA-256 of the admin's password.
    pub(crate) admin_verifier: [u8; 32],
    /// The password, if this call made it: to be shown once.
    pub(crate) created: Option<AdminPassword>,
    /// What happened that the log should tell.
    pub(crate) notes: Vec<String>,
}

impl Secrets {
    /// The path of one of the files.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A password that is wiped when dropped and never shown by `Debug`.
pub(crate) struct AdminPassword(pub(crate) Zeroizing<String>);

impl fmt::Debug for AdminPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminPassword(..)")
    }
}

/// Why there are no secrets: each names the file and the cure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SecretsError {
    /// The operating system refused something.
    #[error("cannot {doing} {}: {source}{}", path.display(), cure(source))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others may read or change a secret.
    #[error("{0}")]
    Exposed(#[from] permissions::Fault),
    /// Some of the files are not there.
    #[error(
        "the secrets folder {} lacks {missing}; put back what was there, or move the folder away \
         and start again for a new set", dir.display()
    )]
    Incomplete {
        /// The folder.
        dir: PathBuf,
        /// The first file that is missing.
        missing: &'static str,
    },
    /// The folder holds something else.
    #[error(
        "the secrets folder {} is not empty and holds no secrets of vkd; give an empty or a new \
         folder as secrets-dir", dir.display()
    )]
    Foreign {
        /// The folder.
        dir: PathBuf,
    },
    /// A file is there but not what it should be.
    #[error(
        "{} is damaged; restore it, or move the secrets folder away for a new set",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A name that no certificate can be for.
    #[error("tls-san: `{name}` is neither a host name nor an address")]
    Name {
        /// The name.
        name: String,
    },
    /// The cryptographic library or the random source failed.
    #[error("cannot make the {what}: {why}")]
    Crypto {
        /// Of what.
        what: &'static str,
        /// The library's text.
        why: String,
    },
    /// Another process makes the secrets and does not come to an end.
    #[error(
        "another process holds {}; stop it, or give this server its own secrets-dir",
        path.display()
    )]
    Busy {
        /// The locked folder.
        path: PathBuf,
    },
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, or give another folder as secrets-dir"
        }
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory => {
            "; let the server's user write there, or give another folder as secrets-dir"
        }
        _ => "",
    }
}

impl SecretsError {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

/// Loads the secrets, or makes them if there are none; renews the certificate if it is due.
///
/// # Errors
///
/// See [`SecretsError`]; when making them failed nothing is left behind.
pub(crate) fn open(request: &SecretsRequest<'_>) -> Result<Secrets, SecretsError> {
    let created = store::ensure(request, &store::write_private)?;
    let renewal = renew(request)?;
    let mut secrets = load(request)?;
    secrets.notes.extend(renewal.note());
    secrets.created = created;
    Ok(secrets)
}

fn load(request: &SecretsRequest<'_>) -> Result<Secrets, SecretsError> {
    permissions::check_folder(request.dir)?;
    for name in [SERVER_FILE, VERIFIER_FILE] {
        permissions::check_private(&request.file(name))?;
    }
    leaf_facts(&request.file(SERVER_FILE))?;
    let admin_verifier = password::read_verifier(&request.file(VERIFIER_FILE))?;
    let mut notes = Vec::new();
    let path = request.file(PASSWORD_FILE);
    match store::read_if_there(&path)? {
        Some(text) => {
            permissions::check_private(&path)?;
            if password::verifier(text.trim_end()) != admin_verifier {
                notes.push(format!(
                    "WARNING: {} does not hold the admin's password any more; the password that \
                     was made at the first start still counts",
                    path.display()
                ));
            }
        }
        None => notes.push(format!("{} was taken away, as it may be", path.display())),
    }
    Ok(Secrets {
        dir: request.dir.to_owned(),
        admin_verifier,
        created: None,
        notes,
    })
}

/// The facts of the first certificate of a PEM file.
fn leaf_facts(path: &Path) -> Result<CertificateFacts, SecretsError> {
    let damaged = || SecretsError::Damaged {
        path: path.to_owned(),
    };
    let pem = store::read(path)?;
    let leaf = issue::certificates(&pem)
        .into_iter()
        .next()
        .ok_or_else(damaged)?;
    x509::facts(&leaf).ok_or_else(damaged)
}

#[cfg(test)]
mod tests;
