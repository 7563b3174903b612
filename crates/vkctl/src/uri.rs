//! Server URIs: `scheme://[[user:]password@][host[:port]][/db]`, as the provisional IANA entry
//! for redis describes it. Not a general URI parser: queries and fragments have no meaning here.

use crate::error::UsageError;
use crate::secret::Secret;

/// What a URI says; an absent part leaves the default alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerUri {
    /// `valkeys://` and `rediss://`.
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) database: Option<i32>,
}

/// Schemes and whether they mean TLS.
const SCHEMES: [(&str, bool); 4] = [
    ("valkeys://", true),
    ("rediss://", true),
    ("valkey://", false),
    ("redis://", false),
];

impl ServerUri {
    /// Parses a URI; percent encoding is understood in user and password.
    pub(crate) fn parse(text: &str) -> Result<Self, UsageError> {
        let (tls, rest) = scheme(text)?;
        let mut uri = Self {
            tls,
            ..Self::default()
        };
        let rest = match rest.split_once('@') {
            None => rest,
            Some((info, rest)) => {
                let password = match info.split_once(':') {
                    None => info,
                    Some((user, password)) => {
                        let user = String::from_utf8(percent_decode(user)?).map_err(|_| {
                            UsageError::new("The user name in the URI is not UTF-8")
                        })?;
                        uri.user = (!user.is_empty()).then_some(user);
                        password
                    }
                };
                uri.password = Some(Secret::new(percent_decode(password)?));
                rest
            }
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        uri.set_authority(authority)?;
        if !path.is_empty() {
            let number = path.parse().ok().filter(|database| *database >= 0);
            uri.database =
                Some(number.ok_or_else(|| UsageError::new("Invalid database number in the URI"))?);
        }
        Ok(uri)
    }

    fn set_authority(&mut self, authority: &str) -> Result<(), UsageError> {
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                None => return Err(UsageError::new("Missing ']' in the URI")),
                Some((host, after)) => (host, after.strip_prefix(':')),
            },
            None => match authority.split_once(':') {
                None => (authority, None),
                Some((host, port)) => (host, Some(port)),
            },
        };
        if !host.is_empty() {
            self.host = Some(host.to_owned());
        }
        if let Some(port) = port.filter(|port| !port.is_empty()) {
            let port = port
                .parse()
                .map_err(|_| UsageError::new("Invalid server port."))?;
            self.port = Some(port);
        }
        Ok(())
    }
}

fn scheme(text: &str) -> Result<(bool, &str), UsageError> {
    for (scheme, tls) in SCHEMES {
        if let (Some(head), Some(rest)) = (text.get(..scheme.len()), text.get(scheme.len()..))
            && head.eq_ignore_ascii_case(scheme)
        {
            return Ok((tls, rest));
        }
    }
    Err(UsageError::new("Invalid URI scheme"))
}

fn percent_decode(text: &str) -> Result<Vec<u8>, UsageError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else {
            return Err(UsageError::new("Incomplete URI encoding"));
        };
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Err(UsageError::new("Illegal character in URI encoding"));
        };
        out.push((high << 4) | low);
    }
    Ok(out)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(text: &str) -> ServerUri {
        ServerUri::parse(text).unwrap()
    }

    #[test]
    fn every_part_is_optional() {
        assert_eq!(parse("valkey://"), ServerUri::default());
        assert_eq!(parse("REDIS://"), ServerUri::default());
        let uri = parse("rediss://ann:p%40ss%2f@db.example:7000/3");
        assert!(uri.tls);
        assert_eq!(uri.user.as_deref(), Some("ann"));
        assert_eq!(uri.password, Some(Secret::new(b"p@ss/".to_vec())));
        assert_eq!(uri.host.as_deref(), Some("db.example"));
        assert_eq!((uri.port, uri.database), (Some(7000), Some(3)));
    }

    #[test]
    fn a_single_name_before_the_host_is_the_password() {
        let uri = parse("redis://secret@h");
        assert_eq!(uri.user, None);
        assert_eq!(uri.password, Some(Secret::new(b"secret".to_vec())));
        assert_eq!(uri.host.as_deref(), Some("h"));
        let uri = parse("redis://:secret@");
        assert_eq!((uri.user, uri.host), (None, None));
    }

    #[test]
    fn literal_ipv6_addresses() {
        let uri = parse("valkeys://[::1]:6390/1");
        assert_eq!((uri.host.as_deref(), uri.port), (Some("::1"), Some(6390)));
        assert_eq!(parse("valkey://[::1]").host.as_deref(), Some("::1"));
    }

    #[test]
    fn faults_have_a_message() {
        for (uri, text) in [
            ("http://x", "Invalid URI scheme"),
            ("valkey:/x", "Invalid URI scheme"),
            ("redis://a%4@h", "Incomplete URI encoding"),
            ("redis://a%zz@h", "Illegal character in URI encoding"),
            ("redis://h:99999", "Invalid server port."),
            ("redis://h/x", "Invalid database number in the URI"),
            ("redis://[::1", "Missing ']' in the URI"),
        ] {
            assert_eq!(
                ServerUri::parse(uri).unwrap_err().to_string(),
                text,
                "{uri}"
            );
        }
    }
}
