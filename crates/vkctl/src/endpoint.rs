//! Where to connect and as whom: options, environment and this machine's own server in one
//! decision. Not the connection.

use std::env;
use std::path::PathBuf;

use crate::discover::{self, DEFAULT_PORT, Places};
use crate::error::UsageError;
use crate::options::Options;
use crate::persona::Persona;
use crate::secret::Secret;
use crate::terminal;
use crate::tls::{NameCheck, TlsSetup};

/// The user that a local server creates at its first start.
pub(crate) const ADMIN_USER: &str = "admin";

/// Address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => {
                write!(formatter, "[{host}]:{port}")
            }
            Self::Tcp { host, port } => write!(formatter, "{host}:{port}"),
            Self::Unix(path) => write!(formatter, "{}", path.display()),
        }
    }
}

/// Everything needed to connect and log in.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Tried in this order; the first that accepts wins. Never empty.
    pub(crate) addresses: Vec<Address>,
    pub(crate) tls: Option<TlsSetup>,
    /// The CA file in use, for people who want to know.
    pub(crate) ca_file: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    /// The password was found beside the CA, not given: it goes over verified TLS alone.
    pub(crate) found_password: Option<Secret>,
    /// Where it was found.
    pub(crate) found_password_file: Option<PathBuf>,
}

impl Endpoint {
    /// Decides; warnings for the person are appended to `warnings`.
    pub(crate) fn decide(
        persona: Persona,
        options: &Options,
        warnings: &mut Vec<String>,
    ) -> Result<Self, UsageError> {
        let places = persona.discovers().then(Places::of_process);
        Self::decide_in(persona, options, places.as_ref(), warnings)
    }

    fn decide_in(
        persona: Persona,
        options: &Options,
        places: Option<&Places>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, UsageError> {
        let host = options.host.clone().or_else(|| variable("VALKEYCLI_HOST"));
        let port = port(options)?;
        let mut tls = options.tls.clone();
        let tcp = Address::Tcp {
            host: host.clone().unwrap_or_else(local_host),
            port,
        };
        let mut found = None;
        let mut addresses = Vec::new();
        if let Some(path) = &options.socket {
            addresses.push(Address::Unix(PathBuf::from(path)));
            tls.enabled = false;
        } else if let Some(places) = places {
            let local = host.is_none() && !tls.enabled;
            if local {
                addresses.extend(places.sockets(port).into_iter().map(Address::Unix));
            }
            let given = tls.ca_file.is_some() || tls.ca_dir.is_some();
            if (local || tls.enabled) && !given && !tls.insecure {
                found = use_local_ca(places, &mut tls, local);
            }
        }
        if options.socket.is_none() {
            addresses.push(tcp);
        }
        let password = password(persona, options, warnings)?;
        let check = if tls.insecure {
            NameCheck::Nothing
        } else if persona.verifies_host_name() {
            NameCheck::Full
        } else {
            NameCheck::ChainOnly
        };
        // Scripts that call Valkey's client may take any word on standard error for a failure.
        if tls.enabled && tls.insecure && persona == Persona::Vkctl {
            warnings.push("Warning: --insecure does not check who answers.".to_owned());
        }
        let user_is_admin = options
            .user
            .as_deref()
            .is_none_or(|user| user == ADMIN_USER);
        Ok(Self {
            addresses,
            ca_file: tls.ca_file.clone(),
            tls: tls
                .enabled
                .then(|| TlsSetup::new(&tls, check))
                .transpose()?,
            user: options.user.clone(),
            found_password_file: found.as_ref().map(|(path, _)| path.clone()),
            found_password: found
                .map(|(_, password)| password)
                .filter(|_| password.is_none() && user_is_admin),
            password,
        })
    }
}

/// Trusts the local CA where the person named none; a local server with a CA speaks TLS.
fn use_local_ca(
    places: &Places,
    tls: &mut crate::options::TlsOptions,
    local: bool,
) -> Option<(PathBuf, Secret)> {
    let (ca_file, password_file) = places.ca_file()?;
    tls.ca_file = ca_file.to_str().map(str::to_owned);
    tls.enabled |= local;
    let path = password_file?;
    let password = discover::admin_password(&path)?;
    Some((path, password))
}

fn port(options: &Options) -> Result<u16, UsageError> {
    if let Some(port) = options.port {
        return Ok(port);
    }
    match variable("VALKEYCLI_PORT") {
        None => Ok(DEFAULT_PORT),
        Some(text) => text
            .parse()
            .map_err(|_| UsageError::new("Invalid server port in VALKEYCLI_PORT.")),
    }
}

fn local_host() -> String {
    "127.0.0.1".to_owned()
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The password that the person gave in one way or another.
fn password(
    persona: Persona,
    options: &Options,
    warnings: &mut Vec<String>,
) -> Result<Option<Secret>, UsageError> {
    if options.password.is_some() && options.auth_warning {
        warnings.push(
            "Warning: Using a password with '-a' or '-u' option on the command line interface \
             may not be safe."
                .to_owned(),
        );
    }
    if options.ask_password {
        let password = terminal::ask_password("Please input password: ")
            .map_err(|error| UsageError::new(format!("Cannot read the password: {error}")))?;
        return Ok(Some(password));
    }
    if let Some(password) = &options.password {
        return Ok(Some(password.clone()));
    }
    if let Some(path) = &options.password_file {
        let (password, warning) = discover::password_file(path)?;
        warnings.extend(warning);
        return Ok(Some(password));
    }
    let variables = persona.password_variables();
    Ok(variables.iter().find_map(|name| {
        use std::os::unix::ffi::OsStringExt;
        env::var_os(name).map(|value| Secret::new(value.into_vec()))
    }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn decide(persona: Persona, arguments: &[&str]) -> (Endpoint, Vec<String>) {
        let arguments: Vec<_> = arguments.iter().map(std::ffi::OsString::from).collect();
        let (options, _) = Options::parse(persona, &arguments).unwrap();
        let mut warnings = Vec::new();
        (
            Endpoint::decide_in(persona, &options, None, &mut warnings).unwrap(),
            warnings,
        )
    }

    #[test]
    fn addresses_follow_the_options() {
        let tcp = |host: &str, port| Address::Tcp {
            host: host.to_owned(),
            port,
        };
        let (endpoint, warnings) = decide(Persona::ValkeyCli, &[]);
        assert_eq!(endpoint.addresses, [tcp("127.0.0.1", 6379)]);
        assert!(endpoint.tls.is_none() && warnings.is_empty());
        let (endpoint, _) = decide(Persona::ValkeyCli, &["-h", "::1", "-p", "7"]);
        assert_eq!(endpoint.addresses, [tcp("::1", 7)]);
        assert_eq!(endpoint.addresses.first().unwrap().to_string(), "[::1]:7");
        let (endpoint, _) = decide(Persona::Vkctl, &["-s", "/a.sock", "-h", "x"]);
        assert_eq!(
            endpoint.addresses,
            [Address::Unix(PathBuf::from("/a.sock"))]
        );
    }

    #[test]
    fn passwords_on_the_command_line_are_warned_about_once() {
        let (endpoint, warnings) = decide(Persona::Vkctl, &["-a", "p"]);
        assert_eq!(endpoint.password, Some(Secret::new(b"p".to_vec())));
        assert_eq!(warnings.len(), 1);
        let (_, warnings) = decide(Persona::Vkctl, &["-a", "p", "--no-auth-warning"]);
        assert!(warnings.is_empty());
    }

    #[test]
    fn no_debug_output_shows_the_password() {
        let (endpoint, _) = decide(Persona::Vkctl, &["-u", "redis://u:hunter2@h"]);
        assert!(!format!("{endpoint:?}").contains("hunter2"));
    }

    #[test]
    fn insecure_tls_is_warned_about() {
        let (endpoint, warnings) = decide(Persona::Vkctl, &["--tls", "--insecure"]);
        assert!(endpoint.tls.is_some());
        assert!(
            warnings
                .iter()
                .any(|warning| warning.contains("--insecure"))
        );
    }
}
