//! Which profile a start without a `security-profile` line is in.
//!
//! Pure: the decision from what was typed. A line in the file or the arguments wins over it and
//! is read by the loader of the configuration.

use crate::args::{Invocation, Program};

/// The profile of a start, and why: the log says both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DefaultProfile {
    /// No configuration and no directive of Valkey's.
    Strict,
    /// It is used as Valkey is.
    Compatible {
        /// What shows it.
        because: &'static str,
    },
    /// `--dev`.
    Dev,
}

/// The default profile of a command line.
pub(crate) fn default_profile(invocation: &Invocation) -> DefaultProfile {
    let because = match invocation {
        _ if invocation.dev => return DefaultProfile::Dev,
        Invocation {
            program: Program::Server,
            ..
        } => "called by a Valkey or Redis name",
        Invocation {
            config_file: Some(_),
            ..
        } => "started with a configuration file",
        Invocation {
            read_stdin: true, ..
        } => "started with a configuration",
        Invocation {
            has_valkey_directive: true,
            ..
        } => "started with Valkey directives",
        _ => return DefaultProfile::Strict,
    };
    DefaultProfile::Compatible { because }
}

/// The directives of `--dev`: read before all others, so that a port can still be chosen.
pub(crate) const DEV_TEXT: &str =
    "security-profile compatible\nbind 127.0.0.1 -::1\nprotected-mode yes\nsave \"\"\n";

/// What `--dev` says of itself in the log.
pub(crate) const DEV_WARNING: &str = "WARNING: --dev: plaintext on the loopback interface, one \
     user without a password; never use it with data that matters";

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use super::*;
    use crate::args::version::VersionFacts;
    use crate::args::{Action, parse};

    fn of(arguments: &[&str]) -> DefaultProfile {
        let facts = VersionFacts {
            version: "1",
            compatible_with: "8",
            allocator: "x",
        };
        let argv: Vec<_> = arguments.iter().map(std::ffi::OsString::from).collect();
        match parse(&argv, &facts) {
            Action::Start(invocation) => default_profile(&invocation),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_bare_start_is_strict() {
        assert_eq!(of(&["vkd"]), DefaultProfile::Strict);
        assert_eq!(
            of(&["vkd", "--tls-san", "db.example.org"]),
            DefaultProfile::Strict
        );
        assert_eq!(of(&["vkd", "--check-config"]), DefaultProfile::Strict);
        assert_eq!(of(&["vkd", "--dev", "--port", "1"]), DefaultProfile::Dev);
        for arguments in [
            &["valkey-server"][..],
            &["redis-server", "--tls-san", "x"],
            &["vkd", "v.conf"],
            &["vkd", "-"],
            &["vkd", "--port", "1"],
        ] {
            assert!(
                matches!(of(arguments), DefaultProfile::Compatible { .. }),
                "{arguments:?}"
            );
        }
    }
}
