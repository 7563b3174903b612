//! The certification authorities that client certificates are checked against.
//!
//! Files and folders of PEM; what the operating system trusts plays no part here.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::{TlsError, certificates, pem_file};

/// Adds every certificate of a file (`tls-ca-cert-file`).
pub(super) fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let what = "Failed to configure CA certificate(s) file";
    for certificate in certificates(what, path)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::file(what, path, format!("not a usable CA: {error}")))?;
    }
    Ok(())
}

/// Adds the certificates of all files of a folder (`tls-ca-cert-dir`). Names do not matter:
/// what OpenSSL finds by hashed names is found too. Files without a certificate are passed over.
pub(super) fn add_dir(roots: &mut RootCertStore, dir: &Path) -> Result<(), TlsError> {
    let fail =
        |why: &str| TlsError::file("Failed to configure CA certificate(s) directory", dir, why);
    let entries = fs::read_dir(dir).map_err(|error| fail(&error.to_string()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let before = roots.len();
    for path in paths {
        let Ok(pem) = pem_file::read(&path) else {
            continue;
        };
        // Hashed names are links to the same certificates: a second copy does no harm.
        let found = CertificateDer::pem_slice_iter(&pem).flatten();
        roots.add_parsable_certificates(found);
    }
    if roots.len() == before {
        return Err(fail("no CA certificate (PEM) in any of its files"));
    }
    Ok(())
}
