//! Servers that play a script, and the running of the program. Not a RESP implementation: a
//! request is a list of words as the client sends them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

/// Time after which a client that waits for more is left alone.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves connections on a port of its own, each with `serve` on a thread of its own.
pub(crate) fn server<F>(serve: F) -> u16
where
    F: Fn(TcpStream) + Send + Clone + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Answers every request with what `answer` says to its words in upper case.
pub(crate) fn answering<F>(answer: F) -> u16
where
    F: Fn(&str) -> Vec<u8> + Send + Clone + 'static,
{
    server(move |stream| answer_all(&mut BufReader::new(stream), &answer))
}

/// The same for any stream.
pub(crate) fn answer_all<S: Read + Write>(
    stream: &mut BufReader<S>,
    answer: &dyn Fn(&str) -> Vec<u8>,
) {
    while let Some(words) = request(stream) {
        let reply = answer(&words.join(" ").to_uppercase());
        if reply.is_empty() || stream.get_mut().write_all(&reply).is_err() {
            return;
        }
        let _ = stream.get_mut().flush();
    }
}

/// Reads one request; `None` at the end.
pub(crate) fn request<R: Read>(stream: &mut BufReader<R>) -> Option<Vec<String>> {
    let count = number(stream, '*')?;
    let words = (0..count).map(|_| {
        let length = number(stream, '$')?;
        let mut word = vec![0; length + 2];
        stream.read_exact(&mut word).ok()?;
        word.truncate(length);
        Some(String::from_utf8_lossy(&word).into_owned())
    });
    words.collect()
}

fn number<R: Read>(stream: &mut BufReader<R>, kind: char) -> Option<usize> {
    let mut line = String::new();
    while line.trim_end().is_empty() {
        line.clear();
        // A server skips empty lines between requests.
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
    }
    line.trim_end().strip_prefix(kind)?.parse().ok()
}

/// A folder of its own for one test, with the program under several names.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vkctl-cli-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        for program in ["vkctl", "valkey-cli", "redis-cli"] {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vkctl"), path.join(program)).unwrap();
        }
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A command with an environment that holds nothing of the person who runs the tests.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.0.join(program));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", &self.0)
            .env("XDG_RUNTIME_DIR", self.0.join("run"))
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().unwrap()
    }

    /// Runs with lines on standard input, printing as if for a person.
    pub(crate) fn type_in(&self, program: &str, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(program, arguments);
        command.env("FAKETTY", "1").stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
