//! The name the program was called by. Not a mode: it changes defaults and texts only.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use vk_engine::version;

/// Ours, or one of the clients that we stand in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persona {
    Vkctl,
    ValkeyCli,
    RedisCli,
}

impl Persona {
    /// Decides by the file name in `argv[0]`.
    pub(crate) fn of(program: &OsStr) -> Self {
        let name = Path::new(program).file_name().unwrap_or(program);
        match name.as_bytes() {
            b"valkey-cli" => Self::ValkeyCli,
            b"redis-cli" => Self::RedisCli,
            _ => Self::Vkctl,
        }
    }

    /// The name in usage texts.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Vkctl => "vkctl",
            Self::ValkeyCli => "valkey-cli",
            Self::RedisCli => "redis-cli",
        }
    }

    /// The version that goes with the name: tools compare it.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Vkctl => version::VERIKEY,
            Self::ValkeyCli => version::VALKEY,
            Self::RedisCli => version::REDIS,
        }
    }

    /// What the server is called in messages.
    pub(crate) fn server(self) -> &'static str {
        match self {
            Self::Vkctl => "Verikey",
            Self::ValkeyCli => "Valkey",
            Self::RedisCli => "Redis",
        }
    }

    /// Environment variables with the password, the first one set wins.
    pub(crate) fn password_variables(self) -> &'static [&'static str] {
        match self {
            Self::Vkctl => &["VKCTL_AUTH", "VALKEYCLI_AUTH", "REDISCLI_AUTH"],
            Self::ValkeyCli | Self::RedisCli => &["VALKEYCLI_AUTH", "REDISCLI_AUTH"],
        }
    }

    /// Environment variables and file name in the home folder of the history.
    pub(crate) fn history(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Vkctl => (&["VKCTL_HISTFILE"], ".vkctl_history"),
            Self::ValkeyCli => (
                &["VALKEYCLI_HISTFILE", "REDISCLI_HISTFILE"],
                ".valkeycli_history",
            ),
            Self::RedisCli => (&["REDISCLI_HISTFILE"], ".rediscli_history"),
        }
    }

    /// The same for the preferences.
    pub(crate) fn preferences(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Vkctl => (&["VKCTL_RCFILE"], ".vkctlrc"),
            Self::ValkeyCli => (&["VALKEYCLI_RCFILE", "REDISCLI_RCFILE"], ".valkeyclirc"),
            Self::RedisCli => (&["REDISCLI_RCFILE"], ".redisclirc"),
        }
    }

    /// The host name of a server's certificate is checked. Valkey's client checks the chain alone,
    /// and probes in the field depend on it.
    pub(crate) fn verifies_host_name(self) -> bool {
        self == Self::Vkctl
    }

    /// A local socket, CA and password are looked for.
    pub(crate) fn discovers(self) -> bool {
        self == Self::Vkctl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_name_decides() {
        for (path, persona) in [
            ("vkctl", Persona::Vkctl),
            ("/usr/bin/valkey-cli", Persona::ValkeyCli),
            ("./redis-cli", Persona::RedisCli),
            ("", Persona::Vkctl),
            ("/redis-cli/x", Persona::Vkctl),
        ] {
            assert_eq!(Persona::of(OsStr::new(path)), persona, "{path}");
        }
    }
}
