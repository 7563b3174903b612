//! From the `tls-*` directives to a TLS server configuration.
//!
//! It reads and checks certificate, key and CA files; it opens no socket and keeps nothing, so
//! that loading again is how a reload is checked before it takes effect. Every error is one line
//! that names the file and the cure.

mod ciphers;
mod key;
mod pem_file;
mod roots;
pub(crate) mod x509;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use zeroize::Zeroizing;

use crate::log::{Level, Logger};
use crate::secrets::permissions;

/// `tls-auth-clients`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthClients {
    /// Clients are not asked for a certificate.
    No,
    /// They may present one; one that does not verify is refused.
    Optional,
    /// They must present one.
    Yes,
}

impl AuthClients {
    /// The mode of a directive's word, in any case.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "no" => Some(Self::No),
            "optional" => Some(Self::Optional),
            "yes" => Some(Self::Yes),
            _ => None,
        }
    }
}

/// The values of the `tls-*` directives; an empty text or no path means "not set".
#[derive(Clone)]
pub(crate) struct TlsSettings {
    /// `tls-cert-file`: the certificate and its chain, leaf first.
    pub(crate) cert_file: Option<PathBuf>,
    /// `tls-key-file`; may be the same file.
    pub(crate) key_file: Option<PathBuf>,
    /// `tls-key-file-pass`.
    pub(crate) key_file_pass: Option<Zeroizing<String>>,
    /// `tls-ca-cert-file`: whom client certificates are checked against.
    pub(crate) ca_cert_file: Option<PathBuf>,
    /// `tls-ca-cert-dir`.
    pub(crate) ca_cert_dir: Option<PathBuf>,
    /// `tls-auth-clients`.
    pub(crate) auth_clients: AuthClients,
    /// `tls-protocols`.
    pub(crate) protocols: String,
    /// `tls-ciphers`: TLS 1.2, OpenSSL's names.
    pub(crate) ciphers: String,
    /// `tls-ciphersuites`: TLS 1.3.
    pub(crate) ciphersuites: String,
    /// `tls-prefer-server-ciphers`.
    pub(crate) prefer_server_ciphers: bool,
    /// `tls-session-caching`.
    pub(crate) session_caching: bool,
    /// `tls-session-cache-size`, in sessions; 0 means the built-in size, as in OpenSSL.
    pub(crate) session_cache_size: usize,
    /// Refuse what is weak (a readable key, an expired certificate) instead of warning.
    pub(crate) strict: bool,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            cert_file: None,
            key_file: None,
            key_file_pass: None,
            ca_cert_file: None,
            ca_cert_dir: None,
            auth_clients: AuthClients::Yes,
            protocols: String::new(),
            ciphers: String::new(),
            ciphersuites: String::new(),
            prefer_server_ciphers: false,
            session_caching: true,
            session_cache_size: 20_480,
            strict: false,
        }
    }
}

impl fmt::Debug for TlsSettings {
    /// Everything but the passphrase.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("cert_file", &self.cert_file)
            .field("key_file", &self.key_file)
            .field("ca_cert_file", &self.ca_cert_file)
            .field("ca_cert_dir", &self.ca_cert_dir)
            .field("auth_clients", &self.auth_clients)
            .finish_non_exhaustive()
    }
}

/// What was loaded.
#[derive(Debug)]
pub(crate) struct TlsMaterial {
    /// For new connections.
    pub(crate) config: Arc<ServerConfig>,
    /// Of the server's own certificate: serial number, validity.
    pub(crate) certificate: x509::CertificateFacts,
    /// One line each, for the log.
    pub(crate) warnings: Vec<String>,
}

/// So long before its end the log warns of a certificate.
const EXPIRY_WARNING_S: i64 = 30 * 86_400;

impl TlsMaterial {
    /// Logs what is to be known about it.
    pub(crate) fn tell(&self, log: &Logger, now: SystemTime) {
        for warning in &self.warnings {
            log.log(Level::Warning, warning);
        }
        let (level, text) = self.validity(seconds(now));
        log.log(level, &text);
    }

    /// Until when the certificate serves.
    fn validity(&self, now_s: i64) -> (Level, String) {
        let x509::CertificateFacts {
            serial,
            not_after_s,
            ..
        } = &self.certificate;
        let end = time::OffsetDateTime::from_unix_timestamp(*not_after_s).map_or_else(
            |_| "an unknown day".to_owned(),
            |end| end.date().to_string(),
        );
        let text = format!("TLS certificate {serial} is valid until {end}");
        if not_after_s.saturating_sub(now_s) < EXPIRY_WARNING_S {
            (
                Level::Warning,
                format!("WARNING: {text}: install a new one"),
            )
        } else {
            (Level::Notice, text)
        }
    }
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Why TLS cannot be set up: one line, the file and the cure in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TlsError(pub(crate) String);

impl TlsError {
    fn file(what: &str, path: &Path, why: impl fmt::Display) -> Self {
        Self(format!("{what} {}: {why}", path.display()))
    }
}

/// Reads and checks everything that the settings name.
///
/// # Errors
///
/// The first thing that makes TLS impossible, or that the strict profile refuses.
pub(crate) fn load(settings: &TlsSettings, now: SystemTime) -> Result<TlsMaterial, TlsError> {
    let mut warnings = Vec::new();
    let (provider, versions) = provider(settings, &mut warnings)?;
    let (certified, certificate) = certified_key(settings, &provider, now, &mut warnings)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(provider.clone()))
        .with_protocol_versions(&versions)
        .map_err(|error| {
            TlsError(format!(
                "tls-protocols, tls-ciphers and tls-ciphersuites: {error}"
            ))
        })?;
    let builder = match client_verifier(settings, provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.ignore_client_order = settings.prefer_server_ciphers;
    resumption(&mut config, settings)?;
    Ok(TlsMaterial {
        config: Arc::new(config),
        certificate,
        warnings,
    })
}

/// Session resumption: tickets, whose keys rotate, so that the server keeps no state.
fn resumption(config: &mut ServerConfig, settings: &TlsSettings) -> Result<(), TlsError> {
    if !settings.session_caching {
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        return Ok(());
    }
    const SESSIONS_DEFAULT: usize = 20_480;
    let sessions = match settings.session_cache_size {
        0 => SESSIONS_DEFAULT,
        size => size,
    };
    config.session_storage = ServerSessionMemoryCache::new(sessions);
    config.ticketer = aws_lc_rs::Ticketer::new()
        .map_err(|error| TlsError(format!("TLS session tickets: {error}")))?;
    Ok(())
}

/// The cipher suites and protocol versions of the settings.
fn provider(
    settings: &TlsSettings,
    warnings: &mut Vec<String>,
) -> Result<(CryptoProvider, Vec<&'static SupportedProtocolVersion>), TlsError> {
    let versions = ciphers::versions(&settings.protocols, warnings)?;
    let mut suites = Vec::new();
    if versions.contains(&&rustls::version::TLS13) {
        suites.extend(ciphers::tls13(&settings.ciphersuites, warnings)?);
    }
    if versions.contains(&&rustls::version::TLS12) {
        suites.extend(ciphers::tls12(&settings.ciphers, warnings)?);
    }
    let provider = CryptoProvider {
        cipher_suites: suites,
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
            aws_lc_rs::kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    };
    Ok((provider, versions))
}

fn certified_key(
    settings: &TlsSettings,
    provider: &CryptoProvider,
    now: SystemTime,
    warnings: &mut Vec<String>,
) -> Result<(CertifiedKey, x509::CertificateFacts), TlsError> {
    let Some(cert_file) = settings.cert_file.as_deref() else {
        return Err(TlsError("No tls-cert-file configured!".to_owned()));
    };
    let Some(key_file) = settings.key_file.as_deref() else {
        return Err(TlsError("No tls-key-file configured!".to_owned()));
    };
    let what = "Failed to load certificate";
    let chain = certificates(what, cert_file)?;
    let Some(facts) = chain.first().and_then(|leaf| x509::facts(leaf)) else {
        return Err(TlsError::file(
            what,
            cert_file,
            "the first certificate is not valid X.509",
        ));
    };
    check_validity(settings, cert_file, &facts, now, warnings)?;
    let what = "Failed to load private key";
    match permissions::check_private(key_file) {
        // What cannot be looked at is told of by the reader, in its words.
        Ok(()) | Err(permissions::Fault::Unreadable { .. }) => {}
        Err(fault) if settings.strict => return Err(TlsError(format!("{what}: {fault}"))),
        Err(fault) => warnings.push(format!("WARNING: private key: {fault}")),
    }
    let pass = settings.key_file_pass.as_deref().map(String::as_str);
    let key = key::load(key_file, pass)?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| {
        TlsError::file(
            what,
            key_file,
            "not an RSA, ECDSA (P-256, P-384, P-521) or Ed25519 key",
        )
    })?;
    if key
        .public_key()
        .is_some_and(|public| public.as_ref() != facts.public_key)
    {
        let why = format!(
            "it does not belong to the certificate {}",
            cert_file.display()
        );
        return Err(TlsError::file(what, key_file, why));
    }
    Ok((CertifiedKey::new(chain, key), facts))
}

fn check_validity(
    settings: &TlsSettings,
    path: &Path,
    facts: &x509::CertificateFacts,
    now: SystemTime,
    warnings: &mut Vec<String>,
) -> Result<(), TlsError> {
    let now_s = seconds(now);
    let why = if now_s > facts.not_after_s {
        "it has expired; install a new one"
    } else if now_s < facts.not_before_s {
        "it is not valid yet; check this machine's clock"
    } else {
        return Ok(());
    };
    if settings.strict {
        return Err(TlsError::file("Failed to load certificate", path, why));
    }
    warnings.push(TlsError::file("WARNING: certificate", path, why).0);
    Ok(())
}

/// All certificates of a PEM file, in its order; at least one.
fn certificates(what: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = pem_file::read(path).map_err(|why| TlsError::file(what, path, why))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(TlsError::file(
            what,
            path,
            "no CERTIFICATE section; it must be PEM",
        )),
        Err(_) => Err(TlsError::file(
            what,
            path,
            "broken PEM; copy the file again",
        )),
    }
}

fn client_verifier(
    settings: &TlsSettings,
    provider: CryptoProvider,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    if settings.auth_clients == AuthClients::No {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    if let Some(file) = &settings.ca_cert_file {
        roots::add_file(&mut roots, file)?;
    }
    if let Some(dir) = &settings.ca_cert_dir {
        roots::add_dir(&mut roots, dir)?;
    }
    if roots.is_empty() {
        return Err(TlsError(
            "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when \
             tls-auth-clients is enabled; or set `tls-auth-clients no`"
                .to_owned(),
        ));
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider));
    let builder = match settings.auth_clients {
        AuthClients::Yes => builder,
        AuthClients::Optional | AuthClients::No => builder.allow_unauthenticated(),
    };
    builder
        .build()
        .map(Some)
        .map_err(|error| TlsError(format!("Failed to configure CA certificate(s): {error}")))
}

#[cfg(test)]
mod tests;
