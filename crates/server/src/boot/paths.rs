//! Where the strict profile keeps its files when nobody says otherwise.
//!
//! The CLI looks in the same places, so that it comes in without flags. Pure: the environment
//! is an input, and nothing is touched.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::secrets::CA_FILE;

/// The port whose socket needs no number in its name.
const PORT_DEFAULT: u16 = 6379;

/// Who we are and what the environment says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// The effective user.
    pub(crate) euid: u32,
    /// This machine's name.
    pub(crate) host_name: String,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub(crate) state_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub(crate) config_home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub(crate) runtime_dir: Option<PathBuf>,
    /// `STATE_DIRECTORY`, from systemd: absolute paths parted by colons.
    pub(crate) service_state: Vec<PathBuf>,
    /// `RUNTIME_DIRECTORY`, from systemd.
    pub(crate) service_runtime: Vec<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        // A relative or empty path counts as unset, as the XDG specification has it.
        let absolute = |path: &PathBuf| path.is_absolute();
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(absolute);
        let list = |name: &str| split(std::env::var_os(name).unwrap_or_default());
        let uname = rustix::system::uname();
        Self {
            euid: rustix::process::geteuid().as_raw(),
            host_name: uname.nodename().to_string_lossy().into_owned(),
            home: path("HOME"),
            state_home: path("XDG_STATE_HOME"),
            config_home: path("XDG_CONFIG_HOME"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            service_state: list("STATE_DIRECTORY"),
            service_runtime: list("RUNTIME_DIRECTORY"),
        }
    }
}

fn split(list: OsString) -> Vec<PathBuf> {
    list.as_bytes()
        .split(|byte| *byte == b':')
        .map(|part| PathBuf::from(OsString::from_vec(part.to_vec())))
        .filter(|path| path.is_absolute())
        .collect()
}

/// No default can be named.
#[derive(Debug, thiserror::Error)]
#[error("no HOME to keep files in; say where with --{directive} <path>")]
pub(crate) struct PathsError {
    /// The directive that decides instead.
    pub(crate) directive: &'static str,
}

/// The default paths. None where the user has no home.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout<'a> {
    around: &'a Surroundings,
}

impl<'a> Layout<'a> {
    /// The layout of the system for root and for services, that of a person otherwise.
    pub(crate) const fn new(around: &'a Surroundings) -> Self {
        Self { around }
    }

    fn is_system(&self) -> bool {
        self.around.euid == 0
    }

    fn below_home(&self, set: &Option<PathBuf>, default: &str) -> Option<PathBuf> {
        set.clone()
            .or_else(|| Some(self.around.home.as_ref()?.join(default)))
    }

    fn state(&self) -> Option<PathBuf> {
        Some(
            self.below_home(&self.around.state_home, ".local/state")?
                .join("vkd"),
        )
    }

    fn config(&self) -> Option<PathBuf> {
        if self.is_system() {
            return Some(PathBuf::from("/etc/vkd"));
        }
        Some(
            self.below_home(&self.around.config_home, ".config")?
                .join("vkd"),
        )
    }

    /// The data folder.
    pub(crate) fn data_dir(&self) -> Option<PathBuf> {
        if let Some(path) = self.around.service_state.first() {
            return Some(path.clone());
        }
        if self.is_system() {
            return Some(PathBuf::from("/var/lib/vkd"));
        }
        Some(self.state()?.join("data"))
    }

    /// The secrets folder, never inside the data folder.
    pub(crate) fn secrets_dir(&self) -> Option<PathBuf> {
        if let Some(path) = self.around.service_state.get(1) {
            return Some(path.clone());
        }
        Some(self.config()?.join("secrets"))
    }

    /// The copy of the CA bundle that everybody may read.
    pub(crate) fn public_ca_file(&self) -> Option<PathBuf> {
        Some(self.config()?.join(CA_FILE))
    }

    /// The folder of the Unix socket.
    pub(crate) fn socket_dir(&self) -> Option<PathBuf> {
        if let Some(path) = self.around.service_runtime.first() {
            return Some(path.clone());
        }
        if self.is_system() {
            return Some(PathBuf::from("/run/vkd"));
        }
        match &self.around.runtime_dir {
            Some(path) => Some(path.join("vkd")),
            None => Some(self.state()?.join("run")),
        }
    }

    /// The Unix socket of a server on this port.
    pub(crate) fn socket(&self, port: u16) -> Option<PathBuf> {
        let name = match port {
            PORT_DEFAULT => "vkd.sock".to_owned(),
            other => format!("vkd-{other}.sock"),
        };
        Some(self.socket_dir()?.join(Path::new(&name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: Option<PathBuf>) -> String {
        path.map(|path| path.display().to_string())
            .unwrap_or_default()
    }

    fn all(around: &Surroundings) -> [String; 4] {
        let layout = Layout::new(around);
        [
            shown(layout.data_dir()),
            shown(layout.secrets_dir()),
            shown(layout.public_ca_file()),
            shown(layout.socket(6379)),
        ]
    }

    #[test]
    fn root_gets_the_systems_places() {
        let around = Surroundings {
            home: Some("/root".into()),
            ..Surroundings::default()
        };
        let expected = [
            "/var/lib/vkd",
            "/etc/vkd/secrets",
            "/etc/vkd/ca.crt",
            "/run/vkd/vkd.sock",
        ];
        assert_eq!(all(&around), expected);
        assert_eq!(
            shown(Layout::new(&around).socket(7000)),
            "/run/vkd/vkd-7000.sock"
        );
    }

    #[test]
    fn a_person_gets_places_at_home() {
        let mut around = Surroundings {
            euid: 1000,
            home: Some("/home/a".into()),
            ..Surroundings::default()
        };
        assert_eq!(
            all(&around),
            [
                "/home/a/.local/state/vkd/data",
                "/home/a/.config/vkd/secrets",
                "/home/a/.config/vkd/ca.crt",
                "/home/a/.local/state/vkd/run/vkd.sock",
            ]
        );
        around.state_home = Some("/s".into());
        around.config_home = Some("/c".into());
        around.runtime_dir = Some("/run/user/1000".into());
        assert_eq!(
            all(&around),
            [
                "/s/vkd/data",
                "/c/vkd/secrets",
                "/c/vkd/ca.crt",
                "/run/user/1000/vkd/vkd.sock",
            ]
        );
    }

    #[test]
    fn a_service_gets_the_places_that_systemd_made() {
        let around = Surroundings {
            euid: 990,
            service_state: split("/var/lib/vkd:/var/lib/vkd-secrets:relative".into()),
            service_runtime: split("/run/vkd".into()),
            ..Surroundings::default()
        };
        assert_eq!(around.service_state.len(), 2);
        assert_eq!(
            all(&around),
            [
                "/var/lib/vkd",
                "/var/lib/vkd-secrets",
                "",
                "/run/vkd/vkd.sock"
            ]
        );
    }

    #[test]
    fn nobody_without_a_home_has_none() {
        let around = Surroundings {
            euid: 65_534,
            ..Surroundings::default()
        };
        assert_eq!(all(&around), ["", "", "", ""]);
    }
}
