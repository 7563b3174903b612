//! The directives that choose protocol versions and cipher suites, in OpenSSL's words.
//!
//! rustls has the suites that are still safe and no others, so a word can only take some of
//! them away or name one that is not there; the latter is a warning as long as one is left.

use rustls::SupportedCipherSuite;
use rustls::SupportedProtocolVersion;
use rustls::crypto::aws_lc_rs::cipher_suite as suite;

use super::TlsError;

/// One TLS 1.2 suite with the words of OpenSSL's cipher lists that include it.
struct Suite12 {
    name: &'static str,
    words: &'static [&'static str],
    suite: SupportedCipherSuite,
}

/// In the order of preference.
static TLS12: [Suite12; 6] = [
    Suite12 {
        name: "ECDHE-ECDSA-AES256-GCM-SHA384",
        words: &[
            "aECDSA",
            "ECDSA",
            "AES256",
            "AESGCM",
            "SHA384",
            "AES",
            "SUITEB192",
        ],
        suite: suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    },
    Suite12 {
        name: "ECDHE-ECDSA-AES128-GCM-SHA256",
        words: &[
            "aECDSA",
            "ECDSA",
            "AES128",
            "AESGCM",
            "SHA256",
            "AES",
            "SUITEB128",
        ],
        suite: suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    },
    Suite12 {
        name: "ECDHE-ECDSA-CHACHA20-POLY1305",
        words: &["aECDSA", "ECDSA", "CHACHA20"],
        suite: suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    },
    Suite12 {
        name: "ECDHE-RSA-AES256-GCM-SHA384",
        words: &["aRSA", "RSA", "AES256", "AESGCM", "SHA384", "AES"],
        suite: suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    },
    Suite12 {
        name: "ECDHE-RSA-AES128-GCM-SHA256",
        words: &["aRSA", "RSA", "AES128", "AESGCM", "SHA256", "AES"],
        suite: suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    },
    Suite12 {
        name: "ECDHE-RSA-CHACHA20-POLY1305",
        words: &["aRSA", "RSA", "CHACHA20"],
        suite: suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    },
];

/// The words that every one of our suites answers to.
const COMMON_WORDS: [&str; 10] = [
    "ALL", "DEFAULT", "HIGH", "ECDHE", "EECDH", "kECDHE", "kEECDH", "TLSv1.2", "AEAD", "FIPS",
];

impl Suite12 {
    /// Whether an element such as `ECDHE+AESGCM` includes this suite.
    fn matches(&self, element: &str) -> bool {
        element.split('+').all(|word| {
            self.name.eq_ignore_ascii_case(word)
                || self.words.contains(&word)
                || COMMON_WORDS.contains(&word)
        })
    }
}

static TLS13: [(&str, SupportedCipherSuite); 3] = [
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
];

/// `tls-protocols`: words parted by spaces; empty means TLS 1.2 and 1.3.
pub(super) fn versions(
    text: &str,
    warnings: &mut Vec<String>,
) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    let mut words = text.split_whitespace().peekable();
    if words.peek().is_none() {
        return Ok(vec![&rustls::version::TLS13, &rustls::version::TLS12]);
    }
    let mut versions = Vec::new();
    for word in words {
        let version = match word.to_ascii_lowercase().as_str() {
            "tlsv1.3" => &rustls::version::TLS13,
            "tlsv1.2" => &rustls::version::TLS12,
            "tlsv1" | "tlsv1.1" => {
                warnings.push(format!(
                    "WARNING: tls-protocols: {word} is broken and not offered; \
                     clients need TLSv1.2 or TLSv1.3"
                ));
                continue;
            }
            _ => {
                return Err(TlsError(format!(
                    "Invalid tls-protocols specified: `{word}`. Use a combination of \
                     'TLSv1.2' and 'TLSv1.3'."
                )));
            }
        };
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    if versions.is_empty() {
        return Err(TlsError(format!(
            "tls-protocols \"{text}\" leaves no protocol; use \"TLSv1.2 TLSv1.3\""
        )));
    }
    Ok(versions)
}

/// `tls-ciphersuites`: names parted by colons; empty means all.
pub(super) fn tls13(
    text: &str,
    warnings: &mut Vec<String>,
) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    let mut chosen = Vec::new();
    for name in text.split([':', ',', ' ']).filter(|name| !name.is_empty()) {
        match TLS13
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            Some((_, suite)) if !chosen.contains(suite) => chosen.push(*suite),
            Some(_) => {}
            None => warnings.push(format!(
                "WARNING: tls-ciphersuites: `{name}` is not offered"
            )),
        }
    }
    if text.trim().is_empty() {
        return Ok(TLS13.iter().map(|(_, suite)| *suite).collect());
    }
    if chosen.is_empty() {
        let known = TLS13.each_ref().map(|(name, _)| *name).join(":");
        return Err(TlsError(format!(
            "tls-ciphersuites leaves none; use some of {known}"
        )));
    }
    Ok(chosen)
}

/// `tls-ciphers`: OpenSSL's cipher list for TLS 1.2; empty means all.
///
/// `X` adds, `-X` takes away, `!X` takes away for good, `+X` moves to the end; `@...` has no
/// meaning where there are no weak suites.
pub(super) fn tls12(
    text: &str,
    warnings: &mut Vec<String>,
) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    let all: Vec<&Suite12> = TLS12.iter().collect();
    if text.trim().is_empty() {
        return Ok(all.iter().map(|suite| suite.suite).collect());
    }
    let (mut chosen, mut banned): (Vec<&Suite12>, Vec<&str>) = (Vec::new(), Vec::new());
    let is_in = |list: &[&Suite12], suite: &Suite12| list.iter().any(|one| one.name == suite.name);
    for element in text
        .split([':', ',', ' '])
        .filter(|element| !element.is_empty())
    {
        if element.starts_with('@') {
            continue;
        }
        if let Some(element) = element.strip_prefix('!') {
            chosen.retain(|suite| !suite.matches(element));
            banned.extend(
                all.iter()
                    .filter(|suite| suite.matches(element))
                    .map(|one| one.name),
            );
        } else if let Some(element) = element.strip_prefix('-') {
            chosen.retain(|suite| !suite.matches(element));
        } else if let Some(element) = element.strip_prefix('+') {
            // A stable sort: those that match move behind the others.
            chosen.sort_by_key(|suite| suite.matches(element));
        } else {
            let found: Vec<&Suite12> = all
                .iter()
                .copied()
                .filter(|suite| suite.matches(element))
                .collect();
            if found.is_empty() {
                warnings.push(format!("WARNING: tls-ciphers: `{element}` is not offered"));
            }
            for suite in found {
                if !is_in(&chosen, suite) && !banned.contains(&suite.name) {
                    chosen.push(suite);
                }
            }
        }
    }
    if chosen.is_empty() {
        let known = TLS12.each_ref().map(|suite| suite.name).join(":");
        return Err(TlsError(format!(
            "tls-ciphers leaves none for TLSv1.2; use some of {known}, \
             or set `tls-protocols TLSv1.3`"
        )));
    }
    Ok(chosen.iter().map(|suite| suite.suite).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        let chosen = tls12(text, &mut Vec::new()).unwrap();
        chosen
            .iter()
            .map(|one| TLS12.iter().find(|known| known.suite == *one).unwrap().name)
            .collect()
    }

    #[test]
    fn cipher_lists_of_the_field() {
        assert_eq!(names("").len(), 6);
        assert_eq!(names("DEFAULT:!MEDIUM").len(), 6);
        assert_eq!(names("HIGH:!aNULL:!MD5:@SECLEVEL=2").len(), 6);
        assert_eq!(
            names("ECDHE+AESGCM:!aRSA"),
            [
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-AES128-GCM-SHA256"
            ]
        );
        assert_eq!(
            names("ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA:ECDHE-RSA-CHACHA20-POLY1305"),
            ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"]
        );
        assert_eq!(
            names("CHACHA20:AESGCM:+ECDSA").first(),
            Some(&"ECDHE-RSA-CHACHA20-POLY1305")
        );
        assert_eq!(names("ALL:-AESGCM").len(), 2);
        assert_eq!(names("!CHACHA20:ALL").len(), 4);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let mut warnings = Vec::new();
        assert_eq!(tls12("AES128-SHA:AESGCM", &mut warnings).unwrap().len(), 4);
        assert_eq!(
            warnings,
            ["WARNING: tls-ciphers: `AES128-SHA` is not offered"]
        );
        let error = tls12("AES128-SHA", &mut warnings).unwrap_err();
        assert!(error.0.contains("ECDHE-RSA-AES128-GCM-SHA256"), "{error}");
        assert!(tls13("TLS_AES_128_CCM_SHA256", &mut warnings).is_err());
        let one = tls13("TLS_AES_128_GCM_SHA256:TLS_NO", &mut warnings).unwrap();
        assert_eq!(one, [suite::TLS13_AES_128_GCM_SHA256]);
    }

    #[test]
    fn protocol_words() {
        let mut warnings = Vec::new();
        let both = versions("tlsv1.2 TLSv1.3 TLSv1.2", &mut warnings).unwrap();
        assert_eq!(both.len(), 2);
        assert_eq!(versions("", &mut warnings).unwrap().len(), 2);
        assert!(warnings.is_empty());
        assert_eq!(versions("TLSv1 TLSv1.3", &mut warnings).unwrap().len(), 1);
        assert_eq!(warnings.len(), 1);
        assert!(versions("TLSv1.1", &mut warnings).is_err());
        assert!(versions("SSLv3", &mut warnings).is_err());
    }
}
