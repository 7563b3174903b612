//! Private keys: PKCS#8, SEC1 and PKCS#1 in PEM, and PKCS#8 under a passphrase.
//!
//! Whether the key fits a certificate is checked by the caller.

use std::path::Path;

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::SecretDocument;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{TlsError, pem_file};

const ENCRYPTED_BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const ENCRYPTED_END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
/// The old way of OpenSSL to encrypt a key, with one round of MD5.
const LEGACY_MARK: &str = "Proc-Type: 4,ENCRYPTED";

/// The first private key of a PEM file.
pub(super) fn load(path: &Path, pass: Option<&str>) -> Result<PrivateKeyDer<'static>, TlsError> {
    let fail = |why: &str| TlsError::file("Failed to load private key", path, why);
    let pem = pem_file::read(path).map_err(|why| fail(&why))?;
    let text = std::str::from_utf8(&pem).map_err(|_| fail("not PEM; convert it from DER"))?;
    if text.contains(LEGACY_MARK) {
        return Err(fail(
            "its old encryption is not supported; convert it with \
             `openssl pkcs8 -topk8 -in OLD -out NEW`",
        ));
    }
    if let Some(section) = encrypted_section(text) {
        let Some(pass) = pass.filter(|pass| !pass.is_empty()) else {
            return Err(fail("it is encrypted; set tls-key-file-pass"));
        };
        return decrypt(section, pass).map_err(fail);
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
        PemError::NoItemsFound => fail("no PRIVATE KEY section; is it the certificate?"),
        _ => fail("broken PEM; copy the file again"),
    })
}

fn encrypted_section(text: &str) -> Option<&str> {
    let start = text.find(ENCRYPTED_BEGIN)?;
    let rest = text.get(start..)?;
    let end = rest
        .find(ENCRYPTED_END)?
        .saturating_add(ENCRYPTED_END.len());
    rest.get(..end)
}

fn decrypt(section: &str, pass: &str) -> Result<PrivateKeyDer<'static>, &'static str> {
    // The decoder wants its line ends regular; files from other systems come with theirs.
    let section = zeroize::Zeroizing::new(section.replace('\r', ""));
    let (_, document) =
        SecretDocument::from_pem(&section).map_err(|_| "broken PEM; copy the file again")?;
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
        .map_err(|_| "its encryption scheme is not known; use `openssl pkcs8 -topk8 -v2 aes256`")?;
    let key = info
        .decrypt(pass)
        .map_err(|_| "tls-key-file-pass does not open it")?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        key.as_bytes().to_vec(),
    )))
}
