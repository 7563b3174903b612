//! Who a verified client certificate speaks for. It maps nobody to a user and verifies nothing:
//! rustls has done the one, the engine does the other.

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The names in a client certificate that a user can be mapped from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The subject's common name, if there is exactly one and it is clean.
    pub common_name: Option<String>,
    /// URIs among the alternative names that are clean, in their order.
    pub uris: Vec<String>,
}

/// The identity in `certificate`, a DER end-entity certificate. What cannot be read is no
/// identity.
#[must_use]
pub fn identity_of(certificate: &CertificateDer<'_>) -> Identity {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Identity::default();
    };
    let mut names = certificate.subject().iter_common_name();
    let common_name = match (names.next(), names.next()) {
        (Some(name), None) => name
            .as_str()
            .ok()
            .filter(|name| is_clean(name))
            .map(str::to_owned),
        _ => None,
    };
    let uris = match certificate.subject_alternative_name() {
        Ok(Some(names)) => names
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::URI(uri) if is_clean(uri) => Some((*uri).to_owned()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    Identity { common_name, uris }
}

/// A name with a NUL or another control character is a trick, not a name.
fn is_clean(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(char::is_control)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn certificate(name: &str, uris: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        for uri in uris {
            params
                .subject_alt_names
                .push(SanType::URI((*uri).try_into().unwrap()));
        }
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .clone()
    }

    #[test]
    fn names_are_taken_from_the_certificate() {
        let identity = identity_of(&certificate("alice", &["spiffe://a/b", "urn:x"]));
        assert_eq!(identity.common_name.as_deref(), Some("alice"));
        assert_eq!(identity.uris, ["spiffe://a/b", "urn:x"]);
    }

    #[test]
    fn control_characters_make_no_name() {
        assert_eq!(
            identity_of(&certificate("alice\0bob", &[])).common_name,
            None
        );
        assert_eq!(
            identity_of(&certificate("alice\nbob", &[])).common_name,
            None
        );
    }

    #[test]
    fn garbage_is_nobody() {
        assert_eq!(
            identity_of(&CertificateDer::from(vec![0x30, 0x80, 1])),
            Identity::default()
        );
    }
}
