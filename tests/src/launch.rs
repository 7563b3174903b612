//! How a server is started: arguments, environment, user and folder. Not what it does then.

use crate::process::Server;
use std::fs::File;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use vk_compat::TempDir;

/// Longest time for a process to end that is expected to.
const END_TIMEOUT: Duration = Duration::from_secs(30);

/// The user nobody, under which strict starts run when the tests run as root: root's files of
/// the system are not touched.
const NOBODY: u32 = 65534;

/// A start that is being put together.
#[derive(Debug)]
pub struct Launch {
    args: Vec<String>,
    env: Vec<(String, String)>,
    folder: TempDir,
    program: PathBuf,
    unprivileged: bool,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; -1 after a signal.
    pub code: i32,
    /// Both output streams.
    pub output: String,
}

impl Ended {
    /// Checks that one line of the output contains all of these.
    ///
    /// # Panics
    /// There is no such line.
    pub fn line_with(&self, parts: &[&str]) {
        let mut lines = self.output.lines();
        let found = lines.any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(found, "no line with {parts:?} in:\n{}", self.output);
    }
}

impl Launch {
    /// `vkd` with nothing but these arguments, in a folder of its own.
    #[must_use]
    pub fn bare(args: &[&str]) -> Self {
        let folder = TempDir::new("it").expect("a temporary folder");
        let program = crate::vkd();
        let launch = Self {
            args: Vec::new(),
            env: Vec::new(),
            folder,
            program,
            unprivileged: false,
        };
        launch.args(args)
    }

    /// As a drop-in on loopback, with its folder as the data folder.
    #[must_use]
    pub fn compatible(args: &[&str]) -> Self {
        let launch = Self::bare(&["--security-profile", "compatible", "--bind", "127.0.0.1"]);
        let dir = launch.folder().display().to_string();
        launch.args(&["--dir", &dir]).args(args)
    }

    /// In the strict profile, all files below the folder. Run by root it runs as nobody.
    #[must_use]
    pub fn strict(args: &[&str]) -> Self {
        let mut launch = Self::bare(&["--security-profile", "strict"]);
        for (name, part) in [
            ("HOME", "home"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            let path = launch.folder().join(part);
            std::fs::create_dir(&path).expect("a folder");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("mode");
            launch.give_away(&path);
            launch = launch.env(name, &path.display().to_string());
        }
        if rustix::process::geteuid().is_root() {
            // The build folder may be closed to others.
            let program = launch.folder().join("vkd");
            std::fs::copy(&launch.program, &program).expect("a copy of the server");
            launch.program = program;
            launch.unprivileged = true;
            let folder = launch.folder().to_owned();
            launch.give_away(&folder);
        }
        launch.args(args)
    }

    /// Makes a path the server's user's own.
    pub fn give_away(&self, path: &Path) {
        if rustix::process::geteuid().is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give files away");
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts this program instead, with the same arguments.
    #[must_use]
    pub fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where its output goes.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.folder().join("output.log")
    }

    pub(crate) fn spawn(&self, more: &[&str]) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("log");
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .args(more)
            .env_remove("NOTIFY_SOCKET")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log"))
            .stderr(log);
        if self.unprivileged {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()))
    }

    /// Starts it on a free port and waits until it is ready.
    #[must_use]
    pub fn start(self) -> Server {
        Server::start(self, "--port")
    }

    /// Starts it on a free TLS port and waits until it is ready.
    #[must_use]
    pub fn start_tls(self) -> Server {
        Server::start(self, "--tls-port")
    }

    /// Starts it with no further argument and waits until it is ready.
    #[must_use]
    pub fn start_without_port(self) -> Server {
        Server::start(self, "")
    }

    /// Starts it, and leaves it to the caller to see when it is ready.
    #[must_use]
    pub fn start_unseen(self) -> Server {
        Server::start_unseen(self)
    }

    /// Runs it to its end, which must come by itself.
    #[must_use]
    pub fn run(&self) -> Ended {
        let before = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let mut child = self.spawn(&[]);
        let code = wait_for_end(&mut child);
        let output = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let output = output
            .strip_prefix(before.as_str())
            .unwrap_or(&output)
            .to_owned();
        Ended {
            code: code.unwrap_or_else(|| panic!("still running after:\n{output}")),
            output,
        }
    }
}

/// The exit code; a process that does not end is killed, and none returned.
pub(crate) fn wait_for_end(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + END_TIMEOUT;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("our own child") {
            return Some(status.code().unwrap_or(-1));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(child.kill());
    drop(child.wait());
    None
}

/// Runs a tool to its end with this text as its input.
///
/// # Panics
/// It cannot be started or does not end.
#[must_use]
pub fn run_bounded(command: &mut Command, input: &str) -> Ended {
    use std::io::Write as _;
    let folder = TempDir::new("it").expect("a temporary folder");
    let path = folder.path().join("output");
    let log = File::create(&path).expect("a file");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    // A tool that ends without reading its input is judged by its output.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let code = wait_for_end(&mut child);
    let output = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
    Ended {
        code: code.unwrap_or_else(|| panic!("{command:?} does not end:\n{output}")),
        output,
    }
}
