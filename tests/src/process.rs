//! A running server: its address, log, memory and end.

use crate::launch::{Launch, wait_for_end};
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};
use vk_compat::{Client, free_port};

/// Longest time for a server to be ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// The line that tools wait for.
const READY_LINE: &str = "Ready to accept connections";

/// Starts with another port after the first was taken by somebody else.
const PORT_ATTEMPTS: u32 = 3;

/// A running server that is killed with its owner.
#[derive(Debug)]
pub struct Server {
    child: Child,
    launch: Launch,
    port: u16,
}

/// Waits until something holds.
///
/// # Panics
/// It does not hold in time.
pub fn wait_until(what: &str, timeout: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + timeout;
    while !holds() {
        assert!(
            Instant::now() < deadline,
            "{what} did not happen within {timeout:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Server {
    pub(crate) fn start(launch: Launch, port_directive: &str) -> Self {
        let mut attempt = 1;
        let before = std::fs::read_to_string(launch.log_path()).unwrap_or_default();
        loop {
            let port = free_port().expect("a free port");
            let number = port.to_string();
            let more: &[&str] = if port_directive.is_empty() {
                &[]
            } else {
                &[port_directive, &number]
            };
            let mut child = launch.spawn(more);
            match wait_for_ready(&mut child, &launch, before.len()) {
                Ok(()) => {
                    return Self {
                        child,
                        launch,
                        port,
                    };
                }
                Err(log) if log.contains("in use") && attempt < PORT_ATTEMPTS => attempt += 1,
                Err(log) => panic!("the server ended or is not ready:\n{log}"),
            }
        }
    }

    pub(crate) fn start_unseen(launch: Launch) -> Self {
        Self {
            child: launch.spawn(&[]),
            launch,
            port: 0,
        }
    }

    /// The port that it was started with.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address on loopback.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// A new connection.
    ///
    /// # Panics
    /// It is refused.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::connect(self.address()).unwrap_or_else(|error| panic!("{error:#}\n{}", self.log()))
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.launch.log_path()).unwrap_or_default()
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.launch.folder()
    }

    /// How it was started.
    #[must_use]
    pub const fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our own child").is_none()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// There is no such process.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the server runs");
    }

    /// The exit code of a server that is about to end.
    ///
    /// # Panics
    /// It does not end.
    pub fn wait_for_end(&mut self) -> i32 {
        let code = wait_for_end(&mut self.child);
        code.unwrap_or_else(|| panic!("the server does not end:\n{}", self.log()))
    }

    /// Ends it as a service manager does, unless it has ended, and gives back how it was started.
    ///
    /// # Panics
    /// It does not end, or not with 0.
    #[must_use]
    pub fn stop(mut self) -> Launch {
        if self.is_running() {
            self.signal(Signal::TERM);
        }
        assert_eq!(self.wait_for_end(), 0, "{}", self.log());
        self.relaunch()
    }

    /// How it was started, after it has ended.
    #[must_use]
    pub fn relaunch(mut self) -> Launch {
        std::mem::replace(&mut self.launch, Launch::bare(&[]))
    }

    /// Its own pages in memory, in bytes.
    ///
    /// # Panics
    /// The kernel does not tell.
    #[must_use]
    pub fn rss_bytes(&self) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = std::fs::read_to_string(path).expect("the kernel tells a process' memory");
        let field = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        (field("Private_Clean:") + field("Private_Dirty:")) * 1024
    }
}

fn wait_for_ready(child: &mut Child, launch: &Launch, skip: usize) -> Result<(), String> {
    let deadline = Instant::now() + READY_TIMEOUT;
    loop {
        let log = std::fs::read_to_string(launch.log_path()).unwrap_or_default();
        let log = log.get(skip..).unwrap_or_default();
        if log.contains(READY_LINE) {
            return Ok(());
        }
        let ended = child.try_wait().expect("our own child");
        if ended.is_some() || Instant::now() > deadline {
            drop(child.kill());
            drop(child.wait());
            return Err(log.to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
