//! The command line of `vkd`: Valkey's own grammar plus a few options of ours.
//!
//! It turns `argv` into an [`Invocation`] or into something to print. It reads no file and checks
//! no directive: the words of `--name value` pairs go to the loader of the configuration.

pub(crate) mod syscheck;
pub(crate) mod version;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use version::VersionFacts;

/// The name that the program was called by; it decides the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// `vkd`, or any name that is not one of those below.
    Vkd,
    /// `valkey-server` or `redis-server`: behaves as they do.
    Server,
}

/// What the process is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Serve clients.
    Serve,
    /// Read the configuration, report, and exit with 0 or 1.
    CheckConfig,
}

/// A command line that starts the server (or checks its configuration).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// By which name it was called.
    pub(crate) program: Program,
    /// Serve or check.
    pub(crate) mode: Mode,
    /// `--dev`: loopback, plaintext, one open user.
    pub(crate) dev: bool,
    /// The configuration file as it was given, relative to the working directory.
    pub(crate) config_file: Option<PathBuf>,
    /// A lone `-`: more configuration is read from the standard input.
    pub(crate) read_stdin: bool,
    /// The words of the directives: `--port`, `7000`, ..., without what stands above.
    pub(crate) directives: Vec<Vec<u8>>,
    /// A directive that Valkey has too is among them.
    pub(crate) has_valkey_directive: bool,
}

/// The directives that Valkey does not have: they do not make a start a compatible one.
const OWN_DIRECTIVES: [&[u8]; 10] = [
    b"security-profile",
    b"secrets-dir",
    b"tls-san",
    b"at-rest-encryption",
    b"at-rest-key-file",
    b"at-rest-key-credential",
    b"at-rest-passphrase-file",
    b"at-rest-old-key-file",
    b"at-rest-accept-plain",
    b"at-rest-accept-older",
];

/// What `main` has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start (or check) with this command line.
    Start(Invocation),
    /// Print this text and exit.
    Print {
        /// The text, with its line ends.
        text: String,
        /// On the error stream rather than on the standard output.
        to_stderr: bool,
        /// The exit code.
        code: u8,
    },
}

impl Action {
    fn print(text: String) -> Self {
        Self::Print {
            text,
            to_stderr: false,
            code: 0,
        }
    }

    fn fail(text: String) -> Self {
        Self::Print {
            text,
            to_stderr: true,
            code: 1,
        }
    }
}

/// Reads the command line; `argv[0]` is the program's name.
pub(crate) fn parse(argv: &[OsString], facts: &VersionFacts<'_>) -> Action {
    let name = argv.first().map(base_name).unwrap_or_default();
    let arguments: Vec<Vec<u8>> = argv
        .iter()
        .skip(1)
        .map(|argument| argument.as_bytes().to_vec())
        .collect();
    if name.contains("check-rdb") || name.contains("check-aof") {
        return Action::fail(format!(
            "{name}: this build of vkd has no persistence files to check.\n"
        ));
    }
    let is_server = name.contains("valkey-server") || name.contains("redis-server");
    let program = if is_server {
        Program::Server
    } else {
        Program::Vkd
    };
    if let Some(action) = alone(&arguments, program, &name, facts) {
        return action;
    }
    let sentinel = arguments.iter().any(|argument| argument == b"--sentinel");
    if sentinel || name.contains("valkey-sentinel") || name.contains("redis-sentinel") {
        return Action::fail(
            "Sentinel mode is not part of this build of vkd. Start it without --sentinel, \
             or keep running the sentinel that you have.\n"
                .to_owned(),
        );
    }
    Action::Start(Walk::new(program).run(&arguments))
}

fn base_name(argument: &OsString) -> String {
    Path::new(argument)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The options that stand alone and end the program.
fn alone(
    arguments: &[Vec<u8>],
    program: Program,
    name: &str,
    facts: &VersionFacts<'_>,
) -> Option<Action> {
    let first = arguments.first()?;
    let action = match first.as_slice() {
        b"-v" | b"--version" => Action::print(version::version_line(program, facts)),
        // Upstream prints its usage as an error; people and scripts that call the program by its
        // own name get what is usual elsewhere.
        b"-h" | b"--help" if program == Program::Server => Action::fail(version::usage(name)),
        b"-h" | b"--help" => Action::print(version::usage(name)),
        b"--test-memory" => Action::fail(
            "The memory test is not part of vkd. Use memtest86+ at boot, or `memtester` on a \
             running machine.\n"
                .to_owned(),
        ),
        b"--check-system" => {
            let report = syscheck::run(Path::new("/"));
            Action::Print {
                text: report.text,
                to_stderr: false,
                code: u8::from(!report.good),
            }
        }
        _ => return None,
    };
    Some(action)
}

/// `--security-profile strict` and its like at `index`: a directive of ours that takes one value.
fn own_pair(arguments: &[Vec<u8>], index: usize) -> Option<&[Vec<u8>]> {
    let pair = arguments.get(index..)?.get(..2)?;
    let name = pair.first()?.strip_prefix(b"--")?;
    (name == b"security-profile" || name == b"secrets-dir").then_some(pair)
}

/// The walk over the arguments: which one is an option, which one a value.
struct Walk {
    invocation: Invocation,
    /// The last option has its value (or needs none): `--` begins a new option.
    settled: bool,
}

impl Walk {
    fn new(program: Program) -> Self {
        let invocation = Invocation {
            program,
            mode: Mode::Serve,
            dev: false,
            config_file: None,
            read_stdin: false,
            directives: Vec::new(),
            has_valkey_directive: false,
        };
        Self {
            invocation,
            settled: true,
        }
    }

    fn run(mut self, arguments: &[Vec<u8>]) -> Invocation {
        let mut index = 0;
        // Options of ours may stand before the file, so that a wrapper can put them in front of
        // the arguments that it was given.
        loop {
            if self.own_option(arguments.get(index)) {
                index += 1;
            } else if let Some(pair) = own_pair(arguments, index) {
                self.invocation.directives.extend_from_slice(pair);
                index += pair.len();
            } else {
                break;
            }
        }
        let first = index;
        if let Some(file) = arguments.get(index).filter(|file| !file.starts_with(b"-")) {
            let file = std::ffi::OsStr::from_bytes(file);
            self.invocation.config_file = Some(PathBuf::from(file));
            index += 1;
        }
        while let Some(argument) = arguments.get(index) {
            let last = index + 1 == arguments.len();
            if argument == b"-" && (index == first || last) {
                self.invocation.read_stdin = true;
            } else if self.settled && self.own_option(Some(argument)) {
                // Taken.
            } else if self.settled && argument.starts_with(b"--") {
                self.option(argument, arguments.get(index + 1));
            } else {
                self.invocation.directives.push(argument.clone());
                self.settled = true;
            }
            index += 1;
        }
        self.invocation
    }

    /// The options of ours that are no directives.
    fn own_option(&mut self, argument: Option<&Vec<u8>>) -> bool {
        match argument.map(Vec::as_slice) {
            Some(b"--dev") => self.invocation.dev = true,
            Some(b"--check-config") => self.invocation.mode = Mode::CheckConfig,
            _ => return false,
        }
        true
    }

    fn option(&mut self, argument: &[u8], next: Option<&Vec<u8>>) {
        let word = argument.get(2..).unwrap_or_default();
        let name = word
            .split(u8::is_ascii_whitespace)
            .next()
            .unwrap_or_default();
        let is_own = OWN_DIRECTIVES
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name));
        self.invocation.has_valkey_directive |= !is_own;
        self.invocation.directives.push(argument.to_vec());
        // `--port 7000` in one argument brings its value along, and a list of save points that
        // is empty comes out of scripts as a bare `--save`.
        let bare = next.is_none_or(|next| next.starts_with(b"--"));
        let is_save = argument.eq_ignore_ascii_case(b"--save");
        self.settled = word_count(argument) != 1 || (is_save && bare);
    }
}

/// How many words one argument holds, quotes respected; 0 when a quote is not closed.
fn word_count(argument: &[u8]) -> usize {
    let (mut words, mut quote, mut inside) = (0_usize, None, false);
    let mut bytes = argument.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => {
                bytes.next();
            }
            (Some(open), _) => {
                if byte == open {
                    quote = None;
                }
            }
            (None, b' ' | b'\t' | b'\n' | b'\r' | 0) => inside = false,
            (None, _) => {
                words = words.saturating_add(usize::from(!inside));
                inside = true;
                if byte == b'"' || byte == b'\'' {
                    quote = Some(byte);
                }
            }
        }
    }
    if quote.is_some() { 0 } else { words }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

    use super::*;

    const FACTS: VersionFacts<'static> = VersionFacts {
        version: "0.1.0",
        compatible_with: "8.0.1",
        allocator: "jemalloc-5.3.0",
    };

    fn action(arguments: &[&str]) -> Action {
        let argv: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        parse(&argv, &FACTS)
    }

    fn start(arguments: &[&str]) -> Invocation {
        match action(arguments) {
            Action::Start(invocation) => invocation,
            other => panic!("{other:?}"),
        }
    }

    fn words(arguments: &[&str]) -> Vec<String> {
        let argv: Vec<&str> = std::iter::once("vkd")
            .chain(arguments.iter().copied())
            .collect();
        start(&argv)
            .directives
            .into_iter()
            .map(|word| String::from_utf8(word).unwrap())
            .collect()
    }

    #[test]
    fn our_own_directives_may_stand_before_the_file() {
        let given = start(&[
            "vkd",
            "--security-profile",
            "compatible",
            "a.conf",
            "--port",
            "1",
        ]);
        assert_eq!(given.config_file.as_deref(), Some(Path::new("a.conf")));
        assert_eq!(given.directives.len(), 4);
        let given = start(&["vkd", "--port", "1", "b"]);
        assert_eq!(given.config_file, None);
    }

    #[test]
    fn directives_are_handed_on_as_they_are() {
        for line in [
            &["--port", "7000"][..],
            &["--port 7000", "--dir", "/x y"],
            &["--save", "900", "1"],
            &["--save", "--port", "1"],
            &["--requirepass", "--dev"],
            &["--requirepass", "--check-config", "--port", "-"],
        ] {
            assert_eq!(
                words(line).len(),
                line.len() - usize::from(line.last() == Some(&"-"))
            );
        }
        assert_eq!(
            words(&["--save", "--dev", "--port", "1"]),
            ["--save", "--port", "1"]
        );
    }

    #[test]
    fn own_directives_are_told_from_valkeys() {
        let valkeys = |arguments: &[&str]| start(arguments).has_valkey_directive;
        assert!(!valkeys(&["vkd"]));
        assert!(!valkeys(&["vkd", "--secrets-dir", "/x", "--TLS-SAN a b"]));
        assert!(!valkeys(&["vkd", "--tls-san", "--port"]));
        assert!(valkeys(&["vkd", "--secrets-dir", "/x", "--port", "1"]));
        assert!(valkeys(&["vkd", "--port 1"]));
    }

    #[test]
    fn the_file_comes_first_and_dash_first_or_last() {
        let invocation = start(&["vkd", "/etc/v.conf", "--port", "1", "-"]);
        assert_eq!(
            invocation.config_file.as_deref(),
            Some(Path::new("/etc/v.conf"))
        );
        assert!(invocation.read_stdin);
        assert_eq!(invocation.directives.len(), 2);
        assert!(start(&["vkd", "-", "--port", "1"]).read_stdin);
        // Elsewhere a dash is a value.
        let invocation = start(&["vkd", "--bind", "-", "--port", "1"]);
        assert!(!invocation.read_stdin);
        assert_eq!(invocation.directives.len(), 4);
    }

    #[test]
    fn own_options_stand_anywhere_but_are_never_values() {
        let invocation = start(&["vkd", "--check-config", "v.conf", "--port", "1", "--dev"]);
        assert_eq!(invocation.mode, Mode::CheckConfig);
        assert!(invocation.dev);
        assert_eq!(invocation.config_file.as_deref(), Some(Path::new("v.conf")));
        assert!(!start(&["vkd", "--requirepass", "--dev"]).dev);
    }

    #[test]
    fn the_name_decides() {
        assert_eq!(start(&["/usr/bin/valkey-server"]).program, Program::Server);
        assert_eq!(start(&["redis-server", "x"]).program, Program::Server);
        assert_eq!(start(&["/opt/redis-server/vkd"]).program, Program::Vkd);
        assert!(matches!(
            action(&["redis-sentinel", "x"]),
            Action::Print { code: 1, .. }
        ));
        assert!(matches!(
            action(&["vkd", "x", "--sentinel"]),
            Action::Print { code: 1, .. }
        ));
        assert!(matches!(
            action(&["redis-check-rdb", "x"]),
            Action::Print { code: 1, .. }
        ));
    }

    #[test]
    fn the_options_that_end_the_program() {
        let Action::Print {
            text,
            to_stderr,
            code,
        } = action(&["valkey-server", "-v"])
        else {
            panic!("prints");
        };
        assert_eq!((to_stderr, code), (false, 0));
        assert!(text.starts_with("Valkey server v=8.0.1 sha="), "{text}");
        assert!(matches!(
            action(&["vkd", "--help"]),
            Action::Print { code: 0, .. }
        ));
        assert!(matches!(
            action(&["valkey-server", "-h"]),
            Action::Print { code: 1, .. }
        ));
        assert!(matches!(
            action(&["vkd", "--test-memory", "9"]),
            Action::Print { code: 1, .. }
        ));
    }

    #[test]
    fn words_of_one_argument() {
        assert_eq!(word_count(b"--port"), 1);
        assert_eq!(word_count(b"--port "), 1);
        assert_eq!(word_count(b"--port 1"), 2);
        assert_eq!(word_count(b"--x \"a b\""), 2);
        assert_eq!(word_count(b"--x \"a b"), 0);
    }
}
