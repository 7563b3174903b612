//! The command line, declared once: the table feeds the parser and the help page.
//! Not the values' meaning for a connection; `endpoint` decides that.

use std::time::Duration;

use crate::error::UsageError;
use crate::persona::Persona;
use crate::secret::Secret;
use crate::uri::ServerUri;
use crate::words;

/// How replies are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputMode {
    /// For people: types, quotes, numbered elements.
    Standard,
    /// Bytes as they are.
    Raw,
    /// One line of comma separated values.
    Csv,
    /// JSON with the reply's text as it is.
    Json,
    /// JSON in pure ASCII: bytes that are not printable are quoted as `\xHH` first.
    QuotedJson,
}

/// What the program is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Run the command in the arguments, or prompt without one.
    Command,
    /// Copy raw protocol from standard input.
    Pipe,
    /// List keys.
    Scan,
    /// Rolling statistics.
    Stat,
    /// Sample the latency; with history, a line per interval.
    Latency {
        history: bool,
    },
    /// Largest keys by number of elements.
    BigKeys,
    /// Largest keys by memory; 0 samples is the server's default.
    MemKeys {
        samples: u32,
    },
    /// Most used keys.
    HotKeys,
    /// Measure the pauses of this machine, in seconds.
    IntrinsicLatency {
        seconds: u32,
    },
    /// Run a script file.
    Eval {
        path: String,
    },
    /// Print the hint for an incomplete command.
    TestHint {
        line: Vec<u8>,
    },
    /// Check hints against a file of cases.
    TestHintFile {
        path: String,
    },
    Help,
    Version,
    /// Known to Valkey's client, not to this version of ours.
    Unsupported {
        option: &'static str,
    },
}

/// TLS options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TlsOptions {
    pub(crate) enabled: bool,
    pub(crate) sni: Option<String>,
    pub(crate) ca_file: Option<String>,
    pub(crate) ca_dir: Option<String>,
    pub(crate) cert_file: Option<String>,
    pub(crate) key_file: Option<String>,
    pub(crate) ciphers: Option<String>,
    pub(crate) ciphersuites: Option<String>,
    /// Skip all checks of the server's certificate.
    pub(crate) insecure: bool,
}

/// Which protocol version to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProtocolChoice {
    /// What the server begins with.
    Unset,
    Resp2,
    /// Failure to switch is an error.
    Resp3,
    /// JSON output prefers RESP3, but does without.
    PreferResp3,
}

/// Everything that the options say.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) socket: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) password_file: Option<String>,
    pub(crate) ask_password: bool,
    pub(crate) auth_warning: bool,
    pub(crate) database: i32,
    pub(crate) tls: TlsOptions,
    pub(crate) protocol: ProtocolChoice,
    pub(crate) cluster: bool,
    pub(crate) prefer_ipv4: bool,
    pub(crate) prefer_ipv6: bool,
    /// Negative repeats for ever.
    pub(crate) repeat: i64,
    pub(crate) interval: Duration,
    pub(crate) stdin_last_argument: bool,
    pub(crate) stdin_tag: Option<Vec<u8>>,
    pub(crate) quoted_input: bool,
    pub(crate) error_exit: bool,
    pub(crate) output: Option<OutputMode>,
    pub(crate) element_delimiter: Vec<u8>,
    pub(crate) reply_delimiter: Vec<u8>,
    pub(crate) show_pushes: Option<bool>,
    pub(crate) verbose: bool,
    pub(crate) mode: Mode,
    pub(crate) pattern: Option<Vec<u8>>,
    pub(crate) count: u32,
    pub(crate) pipe_timeout_secs: u32,
}

/// Bytes of a host name, user name or path that make sense; more is a mistake.
const NAME_BYTES_MAX: usize = 1024;

/// Seconds that `--pipe` waits for replies after its input ended.
const PIPE_TIMEOUT_SECS: u32 = 30;

/// Longest interval or time limit, one year: beyond it a number is a mistake.
const SECONDS_MAX: f64 = 31_536_000.0;

impl Default for Options {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            socket: None,
            connect_timeout: None,
            user: None,
            password: None,
            password_file: None,
            ask_password: false,
            auth_warning: true,
            database: 0,
            tls: TlsOptions::default(),
            protocol: ProtocolChoice::Unset,
            cluster: false,
            prefer_ipv4: false,
            prefer_ipv6: false,
            repeat: 1,
            interval: Duration::ZERO,
            stdin_last_argument: false,
            stdin_tag: None,
            quoted_input: false,
            error_exit: false,
            output: None,
            element_delimiter: b"\n".to_vec(),
            reply_delimiter: b"\n".to_vec(),
            show_pushes: None,
            verbose: false,
            mode: Mode::Command,
            pattern: None,
            count: 10,
            pipe_timeout_secs: PIPE_TIMEOUT_SECS,
        }
    }
}

impl Options {
    /// Parses the options in front of the command; gives them and the command's words.
    ///
    /// The first word that does not begin with `-` ends the options: the rest is the command.
    pub(crate) fn parse(
        persona: Persona,
        arguments: &[Vec<u8>],
    ) -> Result<(Self, Vec<Vec<u8>>), UsageError> {
        let mut options = Self::default();
        let mut rest = arguments;
        while let Some((argument, after)) = rest.split_first() {
            if argument.first() != Some(&b'-') {
                break;
            }
            let spec = find(persona, argument).ok_or_else(|| unrecognized(argument))?;
            rest = match (spec.value, after.split_first()) {
                (None, _) => {
                    options.apply(spec.id, b"")?;
                    after
                }
                (Some(_), Some((value, after))) => {
                    options.apply(spec.id, value)?;
                    after
                }
                // A lone -h asks for help, as it does everywhere else.
                (Some(_), None) if spec.id == Opt::Host => {
                    options.mode = Mode::Help;
                    after
                }
                (Some(_), None) => return Err(unrecognized(argument)),
            };
        }
        options.check()?;
        Ok((options, rest.to_vec()))
    }

    fn check(&self) -> Result<(), UsageError> {
        let exclusive = |one: bool, other: bool, names: &str| {
            if one && other {
                Err(UsageError::new(format!(
                    "Options {names} are mutually exclusive."
                )))
            } else {
                Ok(())
            }
        };
        exclusive(self.socket.is_some(), self.cluster, "-c and -s")?;
        exclusive(
            self.stdin_last_argument,
            self.stdin_tag.is_some(),
            "-x and -X",
        )?;
        exclusive(self.prefer_ipv4, self.prefer_ipv6, "-4 and -6")
    }

    fn apply(&mut self, id: Opt, value: &[u8]) -> Result<(), UsageError> {
        match id {
            Opt::Host => self.host = Some(name(value, "host name")?),
            Opt::Port => self.port = Some(number(value, "Invalid server port.")?),
            Opt::Socket => self.socket = Some(name(value, "socket path")?),
            Opt::ConnectTimeout => {
                let timeout = seconds(value, "Invalid connection timeout for -t.")?;
                self.connect_timeout = (!timeout.is_zero()).then_some(timeout);
            }
            Opt::Uri => self.apply_uri(&ServerUri::parse(&text(value, "URI")?)?)?,
            Opt::User => self.user = Some(name(value, "user name")?),
            Opt::Password => self.password = Some(Secret::new(value.to_vec())),
            Opt::PasswordFile => self.password_file = Some(text(value, "path")?),
            Opt::AskPassword => self.ask_password = true,
            Opt::NoAuthWarning => self.auth_warning = false,
            Opt::Database => {
                let database: i32 = number(value, "Invalid database number for -n.")?;
                self.database = database;
            }
            Opt::Cluster => self.cluster = true,
            Opt::PreferIpv4 => self.prefer_ipv4 = true,
            Opt::PreferIpv6 => self.prefer_ipv6 = true,
            Opt::Resp2 => self.set_protocol(ProtocolChoice::Resp2)?,
            Opt::Resp3 => self.set_protocol(ProtocolChoice::Resp3)?,
            Opt::Tls => self.tls.enabled = true,
            Opt::Sni => self.tls.sni = Some(name(value, "server name")?),
            Opt::CaFile => self.tls.ca_file = Some(text(value, "path")?),
            Opt::CaDir => self.tls.ca_dir = Some(text(value, "path")?),
            Opt::CertFile => self.tls.cert_file = Some(text(value, "path")?),
            Opt::KeyFile => self.tls.key_file = Some(text(value, "path")?),
            Opt::Ciphers => self.tls.ciphers = Some(text(value, "cipher list")?),
            Opt::Ciphersuites => self.tls.ciphersuites = Some(text(value, "cipher list")?),
            Opt::Insecure => self.tls.insecure = true,
            other => return self.apply_output(other, value),
        }
        Ok(())
    }

    fn apply_output(&mut self, id: Opt, value: &[u8]) -> Result<(), UsageError> {
        match id {
            Opt::Repeat => self.repeat = number(value, "Invalid repeat count for -r.")?,
            Opt::Interval => self.interval = seconds(value, "Invalid interval for -i.")?,
            Opt::StdinLast => self.stdin_last_argument = true,
            Opt::StdinTag => self.stdin_tag = Some(value.to_vec()),
            Opt::QuotedInput => self.quoted_input = true,
            Opt::ErrorExit => self.error_exit = true,
            Opt::ElementDelimiter => self.element_delimiter = value.to_vec(),
            Opt::ReplyDelimiter => self.reply_delimiter = value.to_vec(),
            Opt::Raw => self.output = Some(OutputMode::Raw),
            Opt::NoRaw => self.output = Some(OutputMode::Standard),
            Opt::Csv => self.output = Some(OutputMode::Csv),
            Opt::Json => self.set_json(OutputMode::Json),
            Opt::QuotedJson => self.set_json(OutputMode::QuotedJson),
            Opt::ShowPushes => match value.first() {
                Some(b'y' | b'Y') => self.show_pushes = Some(true),
                Some(b'n' | b'N') => self.show_pushes = Some(false),
                _ => return Err(UsageError::new("--show-pushes takes yes or no")),
            },
            Opt::Verbose => self.verbose = true,
            Opt::Pattern => self.pattern = Some(value.to_vec()),
            Opt::QuotedPattern => {
                let pattern = words::unquote(value).ok_or_else(|| {
                    UsageError::new("Invalid quoted string specified for --quoted-pattern.")
                })?;
                self.pattern = Some(pattern);
            }
            Opt::Count => self.count = number(value, "Invalid count for --count.")?,
            Opt::PipeTimeout => {
                self.pipe_timeout_secs = number(value, "Invalid time for --pipe-timeout.")?;
            }
            other => self.mode = self.mode_of(other, value)?,
        }
        Ok(())
    }

    fn mode_of(&self, id: Opt, value: &[u8]) -> Result<Mode, UsageError> {
        Ok(match id {
            Opt::Pipe => Mode::Pipe,
            Opt::Scan => Mode::Scan,
            Opt::Stat => Mode::Stat,
            Opt::Latency => Mode::Latency {
                history: self.mode == Mode::Latency { history: true },
            },
            Opt::LatencyHistory => Mode::Latency { history: true },
            Opt::BigKeys => Mode::BigKeys,
            Opt::MemKeys => Mode::MemKeys { samples: 0 },
            Opt::MemKeysSamples => {
                let samples = number(value, "Invalid number for --memkeys-samples.")?;
                Mode::MemKeys { samples }
            }
            Opt::HotKeys => Mode::HotKeys,
            Opt::IntrinsicLatency => {
                let seconds = number(value, "Invalid number for --intrinsic-latency.")?;
                Mode::IntrinsicLatency { seconds }
            }
            Opt::Eval => Mode::Eval {
                path: text(value, "path")?,
            },
            Opt::TestHint => Mode::TestHint {
                line: value.to_vec(),
            },
            Opt::TestHintFile => Mode::TestHintFile {
                path: text(value, "path")?,
            },
            Opt::Version => Mode::Version,
            Opt::Unsupported(option) => Mode::Unsupported { option },
            _ => Mode::Help,
        })
    }

    fn apply_uri(&mut self, uri: &ServerUri) -> Result<(), UsageError> {
        self.tls.enabled |= uri.tls;
        if let Some(host) = &uri.host {
            self.host = Some(name(host.as_bytes(), "host name")?);
        }
        // A URI names a host even by silence: the local socket is not what it means.
        self.host.get_or_insert_with(|| "127.0.0.1".to_owned());
        self.port = uri.port.or(self.port);
        if let Some(user) = &uri.user {
            self.user = Some(name(user.as_bytes(), "user name")?);
        }
        self.password = uri.password.clone().or_else(|| self.password.take());
        self.database = uri.database.unwrap_or(self.database);
        Ok(())
    }

    fn set_protocol(&mut self, choice: ProtocolChoice) -> Result<(), UsageError> {
        let clash = (self.protocol == ProtocolChoice::Resp2 && choice == ProtocolChoice::Resp3)
            || (self.protocol == ProtocolChoice::Resp3 && choice == ProtocolChoice::Resp2);
        if clash {
            return Err(UsageError::new("Options -2 and -3 are mutually exclusive."));
        }
        self.protocol = choice;
        Ok(())
    }

    fn set_json(&mut self, output: OutputMode) {
        self.output = Some(output);
        if self.protocol == ProtocolChoice::Unset {
            self.protocol = ProtocolChoice::PreferResp3;
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct OptionSpec {
    pub(crate) id: Opt,
    pub(crate) name: &'static str,
    /// What the value is called in the help; `None` for a switch.
    pub(crate) value: Option<&'static str>,
    /// Empty for aliases, which the help leaves out.
    pub(crate) help: &'static str,
    /// Not there when called by a name of Valkey's or Redis' client.
    pub(crate) own: bool,
}

pub(crate) use crate::option_table::{OPTIONS, Opt};

fn find(persona: Persona, argument: &[u8]) -> Option<&'static OptionSpec> {
    OPTIONS
        .iter()
        .filter(|spec| !spec.own || persona == Persona::Vkctl)
        .find(|spec| spec.name.as_bytes() == argument)
}

fn unrecognized(argument: &[u8]) -> UsageError {
    let shown = String::from_utf8_lossy(argument.get(..NAME_BYTES_MAX).unwrap_or(argument));
    UsageError::new(format!(
        "Unrecognized option or bad number of args for: '{shown}'"
    ))
}

fn text(value: &[u8], what: &str) -> Result<String, UsageError> {
    let text = std::str::from_utf8(value)
        .map_err(|_| UsageError::new(format!("The {what} is not valid UTF-8")))?;
    Ok(text.to_owned())
}

fn name(value: &[u8], what: &str) -> Result<String, UsageError> {
    if value.len() > NAME_BYTES_MAX {
        let text = format!("The {what} is longer than {NAME_BYTES_MAX} bytes");
        return Err(UsageError::new(text));
    }
    text(value, what)
}

fn number<T: std::str::FromStr>(value: &[u8], message: &str) -> Result<T, UsageError> {
    let number = std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| UsageError::new(message))
}

fn seconds(value: &[u8], message: &str) -> Result<Duration, UsageError> {
    let seconds: f64 = number(value, message)?;
    if !(0.0..=SECONDS_MAX).contains(&seconds) {
        return Err(UsageError::new(message));
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<(Options, Vec<Vec<u8>>), UsageError> {
        let arguments: Vec<Vec<u8>> = arguments
            .iter()
            .map(|argument| argument.as_bytes().to_vec())
            .collect();
        Options::parse(Persona::Vkctl, &arguments)
    }

    fn message(arguments: &[&str]) -> String {
        parse(arguments).unwrap_err().to_string()
    }

    #[test]
    fn the_command_begins_at_the_first_word() {
        let (options, command) = parse(&["-h", "db", "-p", "7000", "set", "-x", "-n"]).unwrap();
        assert_eq!(
            (options.host.as_deref(), options.port),
            (Some("db"), Some(7000))
        );
        assert!(!options.stdin_last_argument);
        assert_eq!(command, [b"set".to_vec(), b"-x".to_vec(), b"-n".to_vec()]);
    }

    #[test]
    fn mistakes_have_a_message() {
        let unrecognized = "Unrecognized option or bad number of args for: ";
        assert_eq!(message(&["-X"]), format!("{unrecognized}'-X'"));
        assert_eq!(
            message(&["--no-such"]),
            format!("{unrecognized}'--no-such'")
        );
        assert_eq!(message(&["-p", "70000"]), "Invalid server port.");
        assert_eq!(message(&["-t", "-1"]), "Invalid connection timeout for -t.");
        assert_eq!(message(&["-i", "nan"]), "Invalid interval for -i.");
        assert_eq!(
            message(&["-r", "99999999999999999999"]),
            "Invalid repeat count for -r."
        );
        assert_eq!(message(&["--count", "-1"]), "Invalid count for --count.");
        assert_eq!(
            message(&["-x", "-X", "t"]),
            "Options -x and -X are mutually exclusive."
        );
        assert_eq!(
            message(&["-c", "-s", "p"]),
            "Options -c and -s are mutually exclusive."
        );
        assert_eq!(
            message(&["-2", "-3"]),
            "Options -2 and -3 are mutually exclusive."
        );
    }

    #[test]
    fn a_megabyte_of_name_is_refused() {
        let long = "h".repeat(1024 * 1024);
        for option in ["-h", "--user", "-s", "--sni"] {
            assert!(
                message(&[option, &long]).contains("longer than 1024 bytes"),
                "{option}"
            );
        }
        let uri = format!("valkey://{long}");
        assert!(message(&["-u", &uri]).contains("longer than 1024 bytes"));
        let unknown = format!("-{long}");
        assert!(message(&[&unknown]).len() < 2048);
    }

    #[test]
    fn options_of_ours_are_unknown_to_valkeys_client() {
        let arguments = [b"--password-file".to_vec(), b"f".to_vec()];
        assert!(Options::parse(Persona::Vkctl, &arguments).is_ok());
        assert!(Options::parse(Persona::ValkeyCli, &arguments).is_err());
    }

    #[test]
    fn json_prefers_resp3_unless_told() {
        assert_eq!(
            parse(&["--json"]).unwrap().0.protocol,
            ProtocolChoice::PreferResp3
        );
        assert_eq!(
            parse(&["--json", "-2"]).unwrap().0.protocol,
            ProtocolChoice::Resp2
        );
        assert_eq!(
            parse(&["-3", "--json"]).unwrap().0.protocol,
            ProtocolChoice::Resp3
        );
    }

    #[test]
    fn a_lone_h_asks_for_help() {
        assert_eq!(parse(&["-h"]).unwrap().0.mode, Mode::Help);
    }
}
