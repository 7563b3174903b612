//! Word to the service manager: systemd's notification socket, and upstart's stop signal.
//!
//! It implements the protocol of `sd_notify(3)` over a datagram socket; it starts nothing and
//! decides nothing about the server's state. Sending is best effort, as the manual advises.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The `supervised` directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Supervision {
    /// Nobody waits for us.
    No,
    /// Whoever the environment names.
    Auto,
    /// Upstart: stop ourselves once to say that we are ready.
    Upstart,
    /// systemd, or anything that speaks its protocol.
    Systemd,
}

impl Supervision {
    /// The mode of a directive's word, in any case.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "no" => Some(Self::No),
            "auto" => Some(Self::Auto),
            "upstart" => Some(Self::Upstart),
            "systemd" => Some(Self::Systemd),
            _ => None,
        }
    }
}

/// The variables by which a service manager speaks to us.
#[derive(Debug, Clone, Default)]
pub(crate) struct ManagerVariables {
    /// `NOTIFY_SOCKET`.
    pub(crate) notify_socket: Option<OsString>,
    /// `UPSTART_JOB`.
    pub(crate) upstart_job: Option<OsString>,
    /// `WATCHDOG_USEC`.
    pub(crate) watchdog_usec: Option<OsString>,
    /// `WATCHDOG_PID`.
    pub(crate) watchdog_pid: Option<OsString>,
}

impl ManagerVariables {
    /// Those of this process.
    pub(crate) fn from_env() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            notify_socket: var("NOTIFY_SOCKET"),
            upstart_job: var("UPSTART_JOB"),
            watchdog_usec: var("WATCHDOG_USEC"),
            watchdog_pid: var("WATCHDOG_PID"),
        }
    }
}

/// Who supervises the process, if anybody does.
#[derive(Default)]
pub(crate) struct Supervisor {
    systemd: Option<(UnixDatagram, SocketAddr)>,
    upstart: bool,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// Finds the manager that the directive asks for. The text, if any, is for the log: a
    /// supervision that was asked for by name and is not there is worth a warning (`Err`), one
    /// that was found a notice (`Ok`).
    pub(crate) fn detect(
        mode: Supervision,
        variables: &ManagerVariables,
    ) -> (Self, Option<Result<String, String>>) {
        let mode = match mode {
            Supervision::Auto if variables.upstart_job.is_some() => Supervision::Upstart,
            Supervision::Auto if variables.notify_socket.is_some() => Supervision::Systemd,
            Supervision::Auto => Supervision::No,
            other => other,
        };
        match mode {
            Supervision::No | Supervision::Auto => (Self::default(), None),
            Supervision::Upstart if variables.upstart_job.is_none() => {
                let text = "upstart supervision requested, but UPSTART_JOB not found!";
                (Self::default(), Some(Err(text.to_owned())))
            }
            Supervision::Upstart => {
                let text = "supervised by upstart, will stop to signal readiness.";
                let supervisor = Self {
                    upstart: true,
                    ..Self::default()
                };
                (supervisor, Some(Ok(text.to_owned())))
            }
            Supervision::Systemd => Self::systemd(variables),
        }
    }

    fn systemd(variables: &ManagerVariables) -> (Self, Option<Result<String, String>>) {
        let Some(name) = &variables.notify_socket else {
            let text = "systemd supervision requested, but NOTIFY_SOCKET not found!";
            return (Self::default(), Some(Err(text.to_owned())));
        };
        match open(name) {
            Ok(systemd) => {
                let watchdog = watchdog(variables, std::process::id());
                let supervisor = Self {
                    systemd: Some(systemd),
                    upstart: false,
                    watchdog,
                };
                supervisor.status("vkd is loading...");
                let text = "Supervised by systemd. Please make sure you set appropriate values \
                            for TimeoutStartSec and TimeoutStopSec in your service unit.";
                (supervisor, Some(Ok(text.to_owned())))
            }
            Err(error) => {
                let text = format!("systemd supervision: {}: {error}", name.display());
                (Self::default(), Some(Err(text)))
            }
        }
    }

    /// Whether a manager was found; `daemonize` does not apply then.
    pub(crate) const fn is_supervised(&self) -> bool {
        self.systemd.is_some() || self.upstart
    }

    /// The server accepts clients; said once.
    pub(crate) fn ready(&self, status: &str) {
        let pid = std::process::id();
        self.send(&format!(
            "READY=1\nMAINPID={pid}\nSTATUS={}",
            one_line(status)
        ));
        if self.upstart {
            // Upstart takes the stop as the sign and continues us.
            let signal = rustix::process::Signal::STOP;
            let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
        }
    }

    /// What the server is doing, for people.
    pub(crate) fn status(&self, text: &str) {
        self.send(&format!("STATUS={}", one_line(text)));
    }

    /// The server is about to end.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// How often [`Self::alive`] is to be called: twice in the time that systemd waits.
    pub(crate) fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }

    /// The loop still turns.
    pub(crate) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, message: &str) {
        if let Some((socket, address)) = &self.systemd {
            let _ = socket.send_to_addr(message.as_bytes(), address);
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("systemd", &self.systemd.is_some())
            .field("upstart", &self.upstart)
            .field("watchdog", &self.watchdog)
            .finish()
    }
}

/// A path, or a name that begins with `@` in the abstract namespace.
fn open(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => return Err(io::Error::from(io::ErrorKind::InvalidInput)),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(Duration::from_millis(100)))?;
    Ok((socket, address))
}

fn watchdog(variables: &ManagerVariables, pid: u32) -> Option<Duration> {
    let number = |text: &Option<OsString>| text.as_ref()?.to_str()?.parse::<u64>().ok();
    if variables.watchdog_pid.is_some() && number(&variables.watchdog_pid) != Some(pid.into()) {
        return None;
    }
    let interval = Duration::from_micros(number(&variables.watchdog_usec)? / 2);
    (!interval.is_zero()).then_some(interval)
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_dir::TestDir;

    fn receive(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 1_024];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_behind_a_path_hears_everything() {
        let dir = TestDir::new();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let pid = std::process::id();
        let variables = ManagerVariables {
            notify_socket: Some(path.into()),
            watchdog_usec: Some("3000000".into()),
            watchdog_pid: Some(pid.to_string().into()),
            upstart_job: None,
        };
        let (supervisor, note) = Supervisor::detect(Supervision::Auto, &variables);
        assert!(supervisor.is_supervised() && matches!(note, Some(Ok(_))));
        assert_eq!(
            supervisor.watchdog_interval(),
            Some(Duration::from_millis(1_500))
        );
        assert_eq!(receive(&manager), "STATUS=vkd is loading...");
        supervisor.ready("Ready to accept connections\nSTOPPING=1");
        let expected =
            format!("READY=1\nMAINPID={pid}\nSTATUS=Ready to accept connections STOPPING=1");
        assert_eq!(receive(&manager), expected);
        supervisor.alive();
        assert_eq!(receive(&manager), "WATCHDOG=1");
        supervisor.stopping();
        assert_eq!(receive(&manager), "STOPPING=1");
    }

    #[test]
    fn abstract_names_work() {
        let name = format!("vkd-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        let variables = ManagerVariables {
            notify_socket: Some(format!("@{name}").into()),
            ..ManagerVariables::default()
        };
        let (supervisor, _) = Supervisor::detect(Supervision::Systemd, &variables);
        assert!(receive(&manager).starts_with("STATUS="));
        assert_eq!(supervisor.watchdog_interval(), None);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let none = ManagerVariables::default();
        let detect = |mode, variables: &ManagerVariables| {
            let (supervisor, note) = Supervisor::detect(mode, variables);
            (supervisor.is_supervised(), note.map(|note| note.is_ok()))
        };
        assert_eq!(detect(Supervision::No, &none), (false, None));
        assert_eq!(detect(Supervision::Auto, &none), (false, None));
        assert_eq!(detect(Supervision::Systemd, &none), (false, Some(false)));
        assert_eq!(detect(Supervision::Upstart, &none), (false, Some(false)));
        let wrong = ManagerVariables {
            notify_socket: Some("x".into()),
            ..none.clone()
        };
        assert_eq!(detect(Supervision::Auto, &wrong), (false, Some(false)));
        let upstart = ManagerVariables {
            upstart_job: Some("x".into()),
            ..none
        };
        assert_eq!(detect(Supervision::Auto, &upstart), (true, Some(true)));
    }

    #[test]
    fn a_watchdog_of_another_process_is_not_ours() {
        let variables = ManagerVariables {
            watchdog_usec: Some("2000000".into()),
            watchdog_pid: Some("1".into()),
            ..ManagerVariables::default()
        };
        assert_eq!(watchdog(&variables, 2), None);
        assert_eq!(watchdog(&variables, 1), Some(Duration::from_secs(1)));
    }
}
