//! `daemonize yes`: the server goes on in the background, detached from the terminal.
//!
//! There is no fork: the program starts itself once more in a new session, and the first process
//! waits until the second one serves or has failed, so that its exit code tells which. Both talk
//! over a socket that is the second one's standard input.

pub(crate) mod pidfile;

use std::env;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Marks the second process.
const MARK: &str = "VKD_DETACHED";
/// What the second process says when it serves.
const READY: &[u8] = b"R";
/// A report of failure is a few lines.
const REPORT_BYTES_MAX: u64 = 64 << 10;
/// How long a process that closed its socket may take to end.
const END_TRIES: u32 = 100;
const END_PAUSE: Duration = Duration::from_millis(50);

/// How the second process fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It serves.
    Ready,
    /// It ended, or said why it cannot serve.
    Failed {
        /// For the error stream; may be empty.
        report: String,
        /// The exit code to end with; never 0.
        code: u8,
    },
}

/// Starts the program again in the background with the same arguments, hands it what was read
/// from the standard input, and waits until it serves.
///
/// # Errors
///
/// It could not be started at all.
pub(crate) fn detach(argv: &[OsString], stdin: &[u8]) -> io::Result<Outcome> {
    let program = env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let mut command = Command::new(program);
    command.args(argv.iter().skip(1));
    if let Some(name) = argv.first() {
        // The name decides how the program behaves.
        command.arg0(name);
    }
    detach_as(command, stdin)
}

fn detach_as(mut command: Command, stdin: &[u8]) -> io::Result<Outcome> {
    let (mut ours, theirs) = UnixStream::pair()?;
    let mut child = command
        .env(MARK, "1")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        // As with Valkey, a log without a file is lost in the background. Errors of the start
        // still reach the terminal.
        .stdout(Stdio::null())
        .spawn()?;
    // The command holds the other end as well: with it open, the end of the child would not show.
    drop(command);
    let sent = ours
        .write_all(stdin)
        .and_then(|()| ours.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    let received = (&ours).take(REPORT_BYTES_MAX).read_to_end(&mut answer);
    if answer == READY {
        return Ok(Outcome::Ready);
    }
    let code = wait(&mut child)?;
    let mut report = String::from_utf8_lossy(&answer).into_owned();
    if let (true, Err(error)) = (report.is_empty(), sent.and(received)) {
        report = format!("The background process cannot be reached: {error}\n");
    }
    Ok(Outcome::Failed { report, code })
}

fn wait(child: &mut Child) -> io::Result<u8> {
    for _ in 0..END_TRIES {
        if let Some(status) = child.try_wait()? {
            let code = status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1);
            return Ok(code.max(1));
        }
        std::thread::sleep(END_PAUSE);
    }
    // It lives but hung up without a word: a start that never ends is a failure too.
    child.kill()?;
    child.wait()?;
    Ok(1)
}

/// The second process' end of the line.
#[derive(Debug)]
pub(crate) struct Background {
    line: UnixStream,
}

impl Background {
    /// Whether this process is the second one; if so it leaves the terminal's session. To be
    /// called first of all.
    ///
    /// # Errors
    ///
    /// The socket that should be the standard input is not usable.
    pub(crate) fn enter() -> io::Result<Option<Self>> {
        if env::var_os(MARK).is_none() {
            return Ok(None);
        }
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        if !is_socket(&input)? {
            // Somebody has the variable in the environment; nobody waits for us.
            return Ok(None);
        }
        // This fails for the leader of a group, who has a session of its own then.
        let _ = rustix::process::setsid();
        Ok(Some(Self {
            line: UnixStream::from(input),
        }))
    }

    /// What the first process read from its standard input.
    ///
    /// # Errors
    ///
    /// The first process is gone.
    pub(crate) fn stdin_text(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        self.line.read_to_end(&mut text)?;
        Ok(text)
    }

    /// The server serves: lets the first process end well, and lets go of the terminal.
    ///
    /// # Errors
    ///
    /// `/dev/null` cannot be opened.
    pub(crate) fn ready(mut self) -> io::Result<()> {
        let null = null()?;
        rustix::stdio::dup2_stdin(&null)?;
        rustix::stdio::dup2_stdout(&null)?;
        rustix::stdio::dup2_stderr(&null)?;
        // A first process that was killed meanwhile does not matter to the server.
        let _ = self.line.write_all(READY);
        Ok(())
    }

    /// The server cannot serve: lets the first process say why.
    pub(crate) fn failed(mut self, report: &str) {
        let _ = self.line.write_all(report.as_bytes());
    }
}

fn is_socket(fd: &OwnedFd) -> io::Result<bool> {
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode);
    Ok(kind == rustix::fs::FileType::Socket)
}

fn null() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}

/// Lets no file that this process makes be open to others, whatever its maker asks for.
pub(crate) fn restrict_umask() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// A shell in the place of the second process; its standard input is the line.
    fn outcome(script: &str, stdin: &[u8]) -> Outcome {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script);
        detach_as(command, stdin).unwrap()
    }

    #[test]
    fn ready_is_ready() {
        assert_eq!(outcome("printf R >&0", b""), Outcome::Ready);
    }

    #[test]
    fn a_failure_brings_its_report_and_code() {
        let failed = |report: &str, code| Outcome::Failed {
            report: report.to_owned(),
            code,
        };
        assert_eq!(
            outcome("printf 'port taken\\n' >&0; exit 3", b""),
            failed("port taken\n", 3)
        );
        assert_eq!(outcome("exit 7", b""), failed("", 7));
        // Even an end without an error is one: nobody serves.
        assert_eq!(outcome("exit 0", b""), failed("", 1));
        assert_eq!(outcome("kill -9 $$", b""), failed("", 1));
    }

    #[test]
    fn the_standard_input_is_handed_on() {
        let script = "text=$(cat); test \"$text\" = 'port 1' && printf R >&0";
        assert_eq!(outcome(script, b"port 1\n"), Outcome::Ready);
        assert!(matches!(
            outcome(script, b"port 2\n"),
            Outcome::Failed { .. }
        ));
    }

    #[test]
    fn the_mark_is_in_the_environment() {
        assert_eq!(
            outcome("test \"$VKD_DETACHED\" = 1 && printf R >&0", b""),
            Outcome::Ready
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(detach_as(Command::new("/no/such/program"), b"").is_err());
    }
}
