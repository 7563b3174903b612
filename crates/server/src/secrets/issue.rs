//! The private CA: one certificate of it, one certificate for the server, and the key is gone.
//!
//! ECDSA P-256, which every TLS library speaks. The CA's private key exists in memory only while
//! it signs once; a later certificate has a later CA.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, DnsName, ServerName};
use rustls::server::ParsedCertificate;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::{SecretsError, SecretsRequest};

const DAY: Duration = Duration::from_secs(86_400);
/// How long a server certificate is valid.
pub(super) const VALID_DAYS: u32 = 730;
/// Clocks of clients may be behind.
const SKEW: Duration = Duration::from_secs(3_600);

/// What one round of issuing gives.
pub(super) struct Issued {
    /// The CA's certificate, PEM.
    pub(super) ca_pem: String,
    /// The server's certificate and its PKCS#8 key, PEM.
    pub(super) server_pem: Zeroizing<String>,
}

/// Makes a CA, lets it sign one server certificate, and drops its key.
pub(super) fn issue(request: &SecretsRequest<'_>) -> Result<Issued, SecretsError> {
    let names = names(request)?;
    let fail = |error: rcgen::Error| SecretsError::Crypto {
        what: "certificate",
        why: error.to_string(),
    };
    let from = OffsetDateTime::from(request.now - SKEW);
    let to = OffsetDateTime::from(request.now + DAY * VALID_DAYS);

    let mut ca = CertificateParams::default();
    // Two CAs of one bundle must not bear the same name: verifiers look issuers up by it.
    let serial = request.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let serial = serial.as_millis();
    ca.distinguished_name = named(&format!("Verikey private CA {} {serial:x}", from.date()));
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (ca.not_before, ca.not_after) = (from, to + DAY);
    let ca_key = KeyPair::generate().map_err(fail)?;
    let ca_pem = ca.self_signed(&ca_key).map_err(fail)?.pem();

    let mut leaf = CertificateParams::default();
    leaf.distinguished_name = named("vkd");
    leaf.subject_alt_names = names;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    (leaf.not_before, leaf.not_after) = (from, to);
    let leaf_key = KeyPair::generate().map_err(fail)?;
    let leaf = leaf
        .signed_by(&leaf_key, &Issuer::new(ca, ca_key))
        .map_err(fail)?;
    let key_pem = Zeroizing::new(leaf_key.serialize_pem());
    let server_pem = Zeroizing::new(format!("{}{}", leaf.pem(), *key_pem));
    Ok(Issued { ca_pem, server_pem })
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// The names that the certificate is for: this machine as itself, by its name, and `tls-san`.
fn names(request: &SecretsRequest<'_>) -> Result<Vec<SanType>, SecretsError> {
    let mut names = Vec::new();
    // A machine may bear a name that no certificate can carry; then it is reached by others.
    let own = Some(request.host_name).filter(|name| DnsName::try_from(*name).is_ok());
    let fixed = ["localhost", "127.0.0.1", "::1"];
    for name in own
        .into_iter()
        .chain(fixed)
        .chain(request.tls_san.iter().map(String::as_str))
    {
        let name = san(name)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn san(name: &str) -> Result<SanType, SecretsError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let wrong = || SecretsError::Name {
        name: name.to_owned(),
    };
    let host = name.strip_prefix("*.").unwrap_or(name);
    DnsName::try_from(host).map_err(|_| wrong())?;
    name.to_owned()
        .try_into()
        .map(SanType::DnsName)
        .map_err(|_| wrong())
}

/// The certificates of a PEM text; sections that are broken are left out.
pub(super) fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .flatten()
        .collect()
}

/// Whether the first certificate of a PEM text is for all names of `tls-san`.
pub(super) fn covers(pem: &str, tls_san: &[String]) -> bool {
    let Some(leaf) = certificates(pem).into_iter().next() else {
        return false;
    };
    let Ok(parsed) = ParsedCertificate::try_from(&leaf) else {
        return false;
    };
    tls_san.iter().all(|name| {
        // A wildcard is asked for by a name that it covers.
        let name = name.replacen('*', "any", 1);
        ServerName::try_from(name)
            .is_ok_and(|name| rustls::client::verify_server_name(&parsed, &name).is_ok())
    })
}

/// The certificate sections of a PEM text, each with its line end.
pub(super) fn sections(pem: &str) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    pem.split_inclusive(END)
        .filter(|part| part.ends_with(END))
        .filter_map(|part| Some(format!("{}\n", part.get(part.rfind(BEGIN)?..)?)))
        .collect()
}
