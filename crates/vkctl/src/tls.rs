//! TLS as a client: what is trusted, how the server's certificate is checked, our certificate.
//! Not the connection, which is in `link`.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore,
    SignatureScheme,
};

use crate::error::UsageError;
use crate::options::TlsOptions;

/// What a connection needs to begin a handshake.
#[derive(Debug, Clone)]
pub(crate) struct TlsSetup {
    config: Arc<ClientConfig>,
    /// Asked for and checked in place of the host.
    name: Option<String>,
    check: NameCheck,
}

/// How much of the server's identity is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameCheck {
    /// Chain and host name.
    Full,
    /// Chain alone, as Valkey's client does.
    ChainOnly,
    /// Nothing, by `--insecure`.
    Nothing,
}

impl TlsSetup {
    /// Reads the files that the options name. Without a CA file or folder the system's roots
    /// are trusted.
    pub(crate) fn new(options: &TlsOptions, check: NameCheck) -> Result<Self, UsageError> {
        let provider = Arc::new(provider(options)?);
        let verifier: Arc<dyn ServerCertVerifier> = match check {
            NameCheck::Nothing => Arc::new(AcceptAny(Arc::clone(&provider))),
            _ => Arc::new(Verifier::new(
                trusted(options)?,
                check,
                Arc::clone(&provider),
            )?),
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| UsageError::new("Error while configuring ciphers"))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match certified_key(options, &provider)? {
            None => builder.with_no_client_auth(),
            Some(key) => builder.with_client_cert_resolver(Arc::new(OneKey(Arc::new(key)))),
        };
        // Valkey's client names the server in the handshake only when it is told to.
        config.enable_sni = check == NameCheck::Full || options.sni.is_some();
        Ok(Self {
            config: Arc::new(config),
            name: options.sni.clone(),
            check,
        })
    }

    /// Begins a handshake with `host`.
    pub(crate) fn connect(&self, host: &str) -> Result<ClientConnection, String> {
        let name = self.name.as_deref().unwrap_or(host);
        let name = match ServerName::try_from(name.to_owned()) {
            Ok(name) => name,
            // Where the name is not checked it may be one that no certificate can have.
            Err(_) if self.check != NameCheck::Full => ServerName::try_from("localhost")
                .map_err(|error| error.to_string())?
                .to_owned(),
            Err(_) => {
                return Err(format!(
                    "'{name}' is not a name that a certificate can have"
                ));
            }
        };
        ClientConnection::new(Arc::clone(&self.config), name).map_err(|error| error.to_string())
    }
}

fn provider(options: &TlsOptions) -> Result<CryptoProvider, UsageError> {
    let mut provider = aws_lc_rs::default_provider();
    let old = options.ciphers.as_deref().map(split_list);
    let new = options.ciphersuites.as_deref().map(split_list);
    provider.cipher_suites.retain(|suite| {
        let name = format!("{:?}", suite.suite());
        match suite.tls13() {
            Some(_) => wanted(new.as_deref(), &name.replacen("TLS13_", "TLS_", 1)),
            None => wanted(old.as_deref(), &openssl_name(&name)),
        }
    });
    if provider.cipher_suites.is_empty() {
        return Err(UsageError::new(
            "Error while configuring ciphers: no known suite is left",
        ));
    }
    Ok(provider)
}

fn split_list(list: &str) -> Vec<&str> {
    list.split([':', ',', ' '])
        .filter(|name| !name.is_empty())
        .collect()
}

/// Key words of OpenSSL's lists stand for more than our suites, all of which are strong.
fn wanted(list: Option<&[&str]>, name: &str) -> bool {
    const WORDS: [&str; 5] = ["DEFAULT", "HIGH", "ALL", "SECURE", "ECDHE"];
    list.is_none_or(|list| {
        let key_word = |entry: &str| WORDS.iter().any(|word| entry.starts_with(word));
        list.iter()
            .any(|entry| *entry == name || (key_word(entry) && !entry.contains("SHA")))
    })
}

/// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256` there.
fn openssl_name(name: &str) -> String {
    let name = name
        .trim_start_matches("TLS_")
        .replace("_WITH_", "_")
        .replace('_', "-");
    name.replace("AES-", "AES")
        .replace("POLY1305-SHA256", "POLY1305")
}

fn trusted(options: &TlsOptions) -> Result<Vec<CertificateDer<'static>>, UsageError> {
    let file = options.ca_file.as_deref().map(Path::new);
    let dir = options.ca_dir.as_deref().map(Path::new);
    let found = if file.is_none() && dir.is_none() {
        rustls_native_certs::load_native_certs()
    } else {
        rustls_native_certs::load_certs_from_paths(file, dir)
    };
    if found.certs.is_empty() {
        let reason = found
            .errors
            .first()
            .map_or_else(|| "no certificate found".to_owned(), ToString::to_string);
        let text = format!("Invalid CA Certificate File/Directory: {reason}");
        return Err(UsageError::new(text));
    }
    Ok(found.certs)
}

fn certified_key(
    options: &TlsOptions,
    provider: &CryptoProvider,
) -> Result<Option<CertifiedKey>, UsageError> {
    let (cert_file, key_file) = match (&options.cert_file, &options.key_file) {
        (None, None) => return Ok(None),
        // One PEM file may hold both.
        (Some(cert_file), None) => (cert_file, cert_file),
        (None, Some(key_file)) => (key_file, key_file),
        (Some(cert_file), Some(key_file)) => (cert_file, key_file),
    };
    let fault = |what: &str, path: &str, error: &dyn std::fmt::Display| {
        UsageError::new(format!("Invalid {what} {path}: {error}"))
    };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(cert_file).and_then(Iterator::collect);
    let chain = chain.map_err(|error| fault("client certificate", cert_file, &error))?;
    if chain.is_empty() {
        return Err(fault(
            "client certificate",
            cert_file,
            &"no certificate in the file",
        ));
    }
    let key = PrivateKeyDer::from_pem_file(key_file)
        .map_err(|error| fault("private key", key_file, &error))?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| fault("private key", key_file, &error))?;
    Ok(Some(CertifiedKey::new(chain, key)))
}

/// Offers the one certificate that the person named, whatever the server hints at.
#[derive(Debug)]
struct OneKey(Arc<CertifiedKey>);

impl ResolvesClientCert for OneKey {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// WebPKI's checks, with two differences: the name may be left out, and a certificate that is
/// itself in the list of trusted ones is accepted (servers with a self-signed certificate).
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    check: NameCheck,
}

impl Verifier {
    fn new(
        trusted: Vec<CertificateDer<'static>>,
        check: NameCheck,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, UsageError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.iter().cloned());
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| {
                UsageError::new(format!("Invalid CA Certificate File/Directory: {error}"))
            })?;
        Ok(Self {
            inner,
            trusted,
            check,
        })
    }

    fn is_trusted_itself(&self, certificate: &CertificateDer<'_>) -> bool {
        self.trusted
            .iter()
            .any(|trusted| trusted.as_ref() == certificate.as_ref())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let Err(error) = verdict else {
            return verdict;
        };
        match &error {
            // The chain is checked before the name, so that a wrong name is all that is wrong.
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) if self.check == NameCheck::ChainOnly => Ok(ServerCertVerified::assertion()),
            // Dates are checked before the role: a trusted certificate that is refused for its
            // role alone is within its dates.
            rustls::Error::InvalidCertificate(CertificateError::Other(other))
                if other.to_string().contains("CaUsedAsEndEntity")
                    && self.is_trusted_itself(end_entity) =>
            {
                if self.check == NameCheck::Full {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            _ => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Accepts every certificate; signatures are still checked, so that the record layer is sound.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
