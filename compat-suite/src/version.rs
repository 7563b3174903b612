//! The version that a server announces, by which cases are chosen. Not our own version.

use std::fmt;

/// Major, minor, patch. Redis up to 7.2 and Valkey from 7.2 on form one line of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Version {
    /// Later than all.
    pub const MAX: Self = Self {
        major: u16::MAX,
        minor: 0,
        patch: 0,
    };

    /// Parses `8`, `8.1` or `8.1.0`; missing parts are zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.');
        let major = parts.next()?.parse().ok()?;
        let mut next = || parts.next().map_or(Some(0), |part| part.parse().ok());
        let version = Self {
            major,
            minor: next()?,
            patch: next()?,
        };
        parts.next().is_none().then_some(version)
    }

    /// The version in the text of `INFO server`: Valkey's if there is one, else Redis'.
    #[must_use]
    pub fn of_info(info: &str) -> Option<Self> {
        let field = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        Self::parse(field("valkey_version").or_else(|| field("redis_version"))?)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn orders_and_reads() {
        assert!(Version::parse("7.0.15") < Version::parse("7.2"));
        assert_eq!(Version::parse("8.1"), Version::parse("8.1.0"));
        assert_eq!(Version::parse("8.x"), None);
        assert_eq!(Version::parse("8.1.0.0"), None);
        let info = "# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.0\r\n";
        assert_eq!(Version::of_info(info), Version::parse("8.1"));
        assert_eq!(
            Version::of_info("redis_version:7.0.15\r\n"),
            Version::parse("7.0.15")
        );
        assert_eq!(Version::of_info("nothing"), None);
    }
}
