//! A server process of our own on a free loopback port, in a folder of its own, that ends with its
//! owner. Not the choice of the server's settings.

use crate::Client;
use anyhow::{Context as _, Result, bail};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest wait for a server to answer after its start.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Time between two looks.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A folder that is removed with its owner.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Creates a folder of a name that nobody has.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn new(label: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vk-{label}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A folder that stays behind is a nuisance, no failure.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A port on loopback that nobody listens on now.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// A running server.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl ServerProcess {
    /// Starts `command` (words separated by white space) with `--port`, `--bind` and `--dir` of our
    /// choice and `args` behind it, and waits until it answers.
    ///
    /// # Errors
    /// It does not start, ends at once, or answers nothing in time; the text has its last output.
    pub fn start(command: &str, args: &[&str]) -> Result<Self> {
        let folder = TempDir::new("compat")?;
        let port = free_port()?;
        let mut words = command.split_whitespace();
        let program = words.next().context("a server's command is due")?;
        let log = File::create(folder.path().join("output.log"))?;
        let child = Command::new(program)
            .args(words)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .arg("--dir")
            .arg(folder.path())
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Self {
            child,
            address,
            folder,
        };
        server.wait_for_answer()?;
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    fn wait_for_answer(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}:\n{}", self.output());
            }
            let answer = Client::connect(self.address).and_then(|mut c| c.run("PING"));
            if answer.is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "the server does not answer on {}:\n{}",
                    self.address,
                    self.output()
                );
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// What it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("output.log")).unwrap_or_default()
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
