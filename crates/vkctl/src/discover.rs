//! Finds the server of this machine: its socket, CA certificate and admin password.
//! Not a scan: a short list of places, each checked for its owner before it is trusted.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::error::{UsageError, io_text};
use crate::secret::Secret;
use crate::terminal;

/// The port whose socket has no number in its name.
pub(crate) const DEFAULT_PORT: u16 = 6379;

/// Longest password file that is read.
const PASSWORD_FILE_BYTES_MAX: u64 = 64 * 1024;

const SYSTEM_RUN: &str = "/run/vkd";
const SYSTEM_CONFIG: &str = "/etc/vkd";
const SYSTEMD_SECRETS: &str = "/var/lib/vkd-secrets";

/// Folders that depend on the person and on the environment.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    uid: u32,
    run: Vec<PathBuf>,
    /// Folders that may hold `ca.crt`, each with the folder of its `admin.password`.
    config: Vec<(PathBuf, PathBuf)>,
    /// `VKCTL_SOCKET`: the only candidate when set.
    socket: Option<PathBuf>,
    /// `VKCTL_CACERT`.
    ca_file: Option<PathBuf>,
}

impl Places {
    /// Reads the environment. A relative or empty XDG variable counts as unset.
    pub(crate) fn of_process() -> Self {
        let folder = |name: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = folder("HOME");
        let under_home = |tail: &str| home.as_ref().map(|home| home.join(tail));
        let run = [
            folder("XDG_RUNTIME_DIR").map(|path| path.join("vkd")),
            folder("XDG_STATE_HOME")
                .or_else(|| under_home(".local/state"))
                .map(|path| path.join("vkd/run")),
        ];
        let config = folder("XDG_CONFIG_HOME").or_else(|| under_home(".config"));
        let variable = |name: &str| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let mut places = Self::new(
            rustix::process::geteuid().as_raw(),
            run.into_iter().flatten().collect(),
            config,
        );
        places.socket = variable("VKCTL_SOCKET");
        places.ca_file = variable("VKCTL_CACERT");
        places
    }

    fn new(uid: u32, user_run: Vec<PathBuf>, user_config: Option<PathBuf>) -> Self {
        let mut run = user_run;
        let system_config = Path::new(SYSTEM_CONFIG);
        let mut config: Vec<(PathBuf, PathBuf)> = Vec::new();
        if let Some(user) = user_config.map(|path| path.join("vkd")) {
            config.push((user.clone(), user.join("secrets")));
            config.push((user.join("secrets"), user.join("secrets")));
        }
        let system = [
            (system_config.to_owned(), system_config.join("secrets")),
            (system_config.join("secrets"), system_config.join("secrets")),
            (
                PathBuf::from(SYSTEMD_SECRETS),
                PathBuf::from(SYSTEMD_SECRETS),
            ),
        ];
        if uid == 0 {
            run.insert(0, PathBuf::from(SYSTEM_RUN));
            config.splice(0..0, system);
        } else {
            run.push(PathBuf::from(SYSTEM_RUN));
            config.extend(system);
        }
        Self {
            uid,
            run,
            config,
            socket: None,
            ca_file: None,
        }
    }

    /// Sockets that exist and that a stranger cannot have put there, best first.
    pub(crate) fn sockets(&self, port: u16) -> Vec<PathBuf> {
        if let Some(path) = &self.socket {
            return vec![path.clone()];
        }
        let name = match port {
            DEFAULT_PORT => "vkd.sock".to_owned(),
            port => format!("vkd-{port}.sock"),
        };
        let candidates = self.run.iter().map(|folder| folder.join(&name));
        candidates
            .filter(|path| self.is_trusted_socket(path))
            .collect()
    }

    fn is_trusted_socket(&self, path: &Path) -> bool {
        let Ok(facts) = fs::symlink_metadata(path) else {
            return false;
        };
        if !facts.file_type().is_socket() {
            return false;
        }
        facts.uid() == self.uid || facts.uid() == 0 || self.is_service_socket(path, facts.uid())
    }

    /// A service's own socket: its folder is its owner's, and the folder above is root's.
    fn is_service_socket(&self, path: &Path, owner: u32) -> bool {
        let owner_of = |path: &Path| fs::symlink_metadata(path).ok().map(|facts| facts.uid());
        let folder = path.parent();
        let above = folder.and_then(Path::parent);
        folder.and_then(owner_of) == Some(owner) && above.and_then(owner_of) == Some(0)
    }

    /// The CA file of this machine's server, and the password file that belongs to it.
    pub(crate) fn ca_file(&self) -> Option<(PathBuf, Option<PathBuf>)> {
        if let Some(path) = &self.ca_file {
            return Some((path.clone(), None));
        }
        let candidates = self
            .config
            .iter()
            .map(|(folder, secrets)| (folder.join("ca.crt"), Some(secrets.join("admin.password"))));
        candidates
            .into_iter()
            .find(|(ca_file, _)| File::open(ca_file).is_ok())
    }
}

/// The admin password beside the CA, when it is there and nobody else can read it.
pub(crate) fn admin_password(path: &Path) -> Option<Secret> {
    let file = File::open(path).ok()?;
    let facts = file.metadata().ok()?;
    if facts.mode() & 0o077 != 0 || !facts.is_file() {
        return None;
    }
    let password = terminal::read_password(&mut file.take(PASSWORD_FILE_BYTES_MAX)).ok()?;
    (!password.reveal().is_empty()).then_some(password)
}

/// Reads the password file that the person named; warns through the second value when others
/// may read it too.
pub(crate) fn password_file(path: &str) -> Result<(Secret, Option<String>), UsageError> {
    let fault =
        |error: &std::io::Error| UsageError::new(format!("Cannot read {path}: {}", io_text(error)));
    let file = File::open(path).map_err(|error| fault(&error))?;
    let mode = file.metadata().map_err(|error| fault(&error))?.mode();
    let password = terminal::read_password(&mut file.take(PASSWORD_FILE_BYTES_MAX))
        .map_err(|error| fault(&error))?;
    if password.reveal().is_empty() {
        return Err(UsageError::new(format!("{path} holds no password")));
    }
    let warning = (mode & 0o004 != 0).then(|| {
        format!("Warning: everybody on this machine can read {path}; cure: chmod 600 {path}")
    });
    Ok((password, warning))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::test_support::Folder;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    fn places(folder: &Folder) -> Places {
        let uid = rustix::process::geteuid().as_raw();
        Places::new(
            uid,
            vec![folder.path().join("run")],
            Some(folder.path().join("config")),
        )
    }

    #[test]
    fn sockets_are_found_by_port_and_checked() {
        let folder = Folder::new("discover-sockets");
        let places = places(&folder);
        fs::create_dir_all(folder.path().join("run")).unwrap();
        let socket = folder.path().join("run/vkd-7001.sock");
        fs::write(&socket, b"").unwrap();
        assert!(
            !places.sockets(7001).contains(&socket),
            "a plain file is no socket"
        );
        fs::remove_file(&socket).unwrap();
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(places.sockets(7001).contains(&socket));
        assert!(!places.sockets(7002).contains(&socket));
        let link = folder.path().join("run/vkd-7002.sock");
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        assert!(
            !places.sockets(7002).contains(&link),
            "a link may lead anywhere"
        );
    }

    #[test]
    fn the_admin_password_must_be_private() {
        let folder = Folder::new("discover-password");
        let path = folder.path().join("admin.password");
        fs::write(&path, "vks_admin_x\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(admin_password(&path), None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            admin_password(&path),
            Some(Secret::new(b"vks_admin_x".to_vec()))
        );
    }

    #[test]
    fn the_ca_comes_with_its_password_file() {
        let folder = Folder::new("discover-ca");
        let config = folder.path().join("config/vkd");
        fs::create_dir_all(&config).unwrap();
        fs::write(config.join("ca.crt"), "x").unwrap();
        let mut places = places(&folder);
        places
            .config
            .retain(|(path, _)| path.starts_with(folder.path()));
        let (ca_file, password) = places.ca_file().unwrap();
        assert_eq!(ca_file, config.join("ca.crt"));
        assert_eq!(password, Some(config.join("secrets/admin.password")));
    }

    #[test]
    fn a_named_password_file_is_read_with_a_warning() {
        let folder = Folder::new("discover-named");
        let path = folder.path().join("password");
        fs::write(&path, "p\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let (password, warning) = password_file(path.to_str().unwrap()).unwrap();
        assert_eq!(password.reveal(), b"p");
        assert!(warning.unwrap().contains("chmod 600"));
        fs::write(&path, "\n").unwrap();
        assert!(password_file(path.to_str().unwrap()).is_err());
    }
}
