//! What the strict profile refuses at the start, with the cure in each refusal.
//!
//! Pure but for a look at the modes of secret files. It decides about values that are already
//! parsed; the directives that this build does not act on are refused by the loader.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use crate::secrets::permissions;

/// The shortest password that is not refused (NIST SP 800-63B-4 for a password alone).
pub(crate) const PASSWORD_CHARS_MIN: usize = 15;
/// Fewer different characters than this is a pattern, not a password.
const DISTINCT_CHARS_MIN: usize = 6;

/// The values that decide who can come in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exposure<'a> {
    /// `port`: the plaintext one; 0 for none.
    pub(crate) port: u16,
    /// `bind`, one word each.
    pub(crate) bind: &'a [String],
    /// The user `default` is on and needs no password.
    pub(crate) default_is_open: bool,
    /// Other users that are on and need no password.
    pub(crate) open_users: &'a [String],
    /// Passwords that are known in clear text: directive or user, and the password.
    pub(crate) passwords: &'a [(&'a str, &'a str)],
    /// Files with secrets, by the directive that names them.
    pub(crate) secret_files: &'a [(&'a str, &'a Path)],
}

/// One thing that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What it is.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) cure: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.cure)
    }
}

impl Refusal {
    fn new(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            cure: cure.into(),
        }
    }
}

/// Everything that is not allowed; empty when the start may go on.
pub(crate) fn refusals(exposure: &Exposure<'_>) -> Vec<Refusal> {
    let mut out = Vec::new();
    if exposure.port != 0
        && let Some(address) = exposure.bind.iter().find(|address| !is_loopback(address))
    {
        out.push(Refusal::new(
            format!(
                "port {}: plaintext on {address}, beyond this machine",
                exposure.port
            ),
            "set `port 0` and `tls-port`, or `bind 127.0.0.1 -::1`, or \
             `security-profile compatible`",
        ));
    }
    if exposure.default_is_open {
        out.push(Refusal::new(
            "the user default needs no password",
            "set `user default off`, or a password by `requirepass`",
        ));
    }
    for user in exposure.open_users {
        out.push(Refusal::new(
            format!("the user {user} needs no password (nopass)"),
            format!("give it one, or set `user {user} off`"),
        ));
    }
    for (holder, password) in exposure.passwords {
        if let Some(weakness) = weakness(password, holder) {
            out.push(Refusal::new(
                format!("the password of {holder} {weakness}"),
                format!("use at least {PASSWORD_CHARS_MIN} characters, best from `ACL GENPASS`"),
            ));
        }
    }
    for (directive, path) in exposure.secret_files {
        match permissions::check_private(path) {
            // A file that is not there is told of by whoever needs it.
            Ok(()) | Err(permissions::Fault::Unreadable { .. }) => {}
            Err(fault) => {
                let text = fault.to_string();
                let (what, cure) = text.split_once("; ").unwrap_or((&text, "make it private"));
                out.push(Refusal::new(format!("{directive}: {what}"), cure));
            }
        }
    }
    out
}

/// Whether an address of `bind` can be reached from this machine only.
pub(crate) fn is_loopback(address: &str) -> bool {
    // A leading dash means that the address may be absent.
    let address = address.strip_prefix('-').unwrap_or(address);
    if address.eq_ignore_ascii_case("localhost") {
        return true;
    }
    match address.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback()
                || address
                    .to_ipv4_mapped()
                    .is_some_and(|address| address.is_loopback())
        }
        Err(_) => false,
    }
}

/// Why a password is weak; none if it is not. Length counts most; no rule asks for a mixture of
/// characters, since those make passwords worse.
pub(crate) fn weakness(password: &str, holder: &str) -> Option<&'static str> {
    let lower = password.to_lowercase();
    let chars: Vec<char> = lower.chars().collect();
    if chars.len() < PASSWORD_CHARS_MIN {
        return Some("is too short");
    }
    let mut distinct = chars.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < DISTINCT_CHARS_MIN {
        return Some("has too few different characters");
    }
    let is_periodic = (1..=chars.len() / 2).any(|period| {
        chars
            .iter()
            .zip(chars.iter().skip(period))
            .all(|(one, two)| one == two)
    });
    if is_periodic {
        return Some("repeats itself");
    }
    // A run like abcdef or 987654 adds nothing after its first character.
    let steps = chars.iter().zip(chars.iter().skip(1));
    let runs = steps
        .filter(|(one, two)| u32::from(**one).abs_diff(u32::from(**two)) <= 1)
        .count();
    if runs.saturating_mul(3) > chars.len().saturating_mul(2) {
        return Some("is a row of neighbouring characters");
    }
    if without_common_words(&lower, holder).chars().count() < DISTINCT_CHARS_MIN {
        return Some("is made of common words");
    }
    None
}

/// What is left of a password when the words go that everybody tries first.
fn without_common_words(password: &str, holder: &str) -> String {
    const COMMON: [&str; 25] = [
        "administrator",
        "correcthorsebatterystaple",
        "passwort",
        "password",
        "changeme",
        "foobared",
        "redispass",
        "verikey",
        "valkey",
        "qwertyuiop",
        "qwertz",
        "qwerty",
        "asdfgh",
        "zxcvbn",
        "letmein",
        "welcome",
        "default",
        "secret",
        "iloveyou",
        "master",
        "redis",
        "admin",
        "1234567890",
        "123456",
        "2026",
    ];
    let mut rest = password.to_owned();
    let holder = holder.to_lowercase();
    for word in COMMON
        .into_iter()
        .chain([holder.as_str()])
        .filter(|word| word.len() > 3)
    {
        rest = rest.replace(word, "");
    }
    rest.retain(char::is_alphanumeric);
    rest
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_dir::TestDir;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_loopback_is_loopback() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "-::1",
            "localhost",
            "::ffff:127.0.0.1",
        ] {
            assert!(is_loopback(address), "{address}");
        }
        for address in [
            "*",
            "-::*",
            "0.0.0.0",
            "::",
            "10.0.0.1",
            "example.org",
            "127.0.0.1.x",
        ] {
            assert!(!is_loopback(address), "{address}");
        }
    }

    #[test]
    fn weak_passwords_are_told_from_good_ones() {
        for (password, reason) in [
            ("", "short"),
            ("Tr0ub4dor&3", "short"),
            ("aaaaaaaaaaaaaaaaaaaa", "different"),
            ("abcdefghijklmnopqrst", "row"),
            ("orchid7orchid7orchid7", "repeats"),
            ("ValkeyPassword2026!", "common"),
            ("backup-user-is-admin", "common"),
        ] {
            let found = weakness(password, "backup-user");
            assert!(
                found.is_some_and(|text| text.contains(reason)),
                "{password}: {found:?}"
            );
        }
        for password in [
            "plum cactus vivid onion",
            "3fA9-xk2Q-77Lm-0pZr",
            "vks_admin_q2w3e4r5t6",
        ] {
            assert_eq!(weakness(password, "admin"), None, "{password}");
        }
        assert_eq!(
            weakness(&"x9Kd-Qm4Zt".repeat(3)[..29], "a"),
            Some("repeats itself")
        );
    }

    #[test]
    fn each_exposure_has_its_cure() {
        let dir = TestDir::new();
        let key = dir.path().join("tls.key");
        fs::write(&key, "x").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o604)).unwrap();
        let everywhere = ["127.0.0.1".to_owned(), "*".to_owned()];
        let exposure = Exposure {
            port: 6379,
            bind: &everywhere,
            default_is_open: true,
            open_users: &["app".to_owned()],
            passwords: &[("requirepass", "foobared")],
            secret_files: &[
                ("tls-key-file", &key),
                ("aclfile", Path::new("/no/such/file")),
            ],
        };
        let found = refusals(&exposure);
        assert_eq!(found.len(), 5, "{found:?}");
        let text: Vec<String> = found.iter().map(Refusal::to_string).collect();
        assert!(text[0].contains("plaintext on *") && text[0].contains("tls-port"));
        assert!(text[2].contains("user app off"));
        assert!(
            text[4].contains("0604") && text[4].contains(&format!("chmod 600 {}", key.display()))
        );
        let safe = Exposure {
            port: 6379,
            bind: &everywhere[..1],
            ..Exposure::default()
        };
        assert_eq!(refusals(&safe), []);
        assert_eq!(
            refusals(&Exposure {
                port: 0,
                bind: &everywhere,
                ..safe
            }),
            []
        );
    }
}
