//! The command line of Valkey's client, for those who call us by its name: a table of options
//! as that client takes them, lone `-h` included. Not the one under our own name, which is `own`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;
use std::time::Duration;

use crate::compat_table::{OPTIONS, Opt, OptionSpec};
use crate::error::UsageError;
use crate::help;
use crate::options::{self, Mode, NAME_BYTES_MAX, Options, OutputMode, ProtocolChoice};
use crate::persona::Persona;
use crate::secret::Secret;
use crate::uri::ServerUri;
use crate::words;

/// Parses the options in front of the command; gives them and the command's words.
pub(crate) fn parse(
    persona: Persona,
    arguments: &[OsString],
) -> Result<(Options, Vec<Vec<u8>>), UsageError> {
    let mut parser = Parser {
        persona,
        options: Options::default(),
    };
    let mut rest = arguments;
    while let Some((argument, after)) = rest.split_first() {
        let argument = argument.as_bytes();
        if argument.first() != Some(&b'-') {
            break;
        }
        let spec = find(argument).ok_or_else(|| unrecognized(argument))?;
        rest = match (spec.value, after.split_first()) {
            (None, _) => {
                parser.apply(spec.id, b"")?;
                after
            }
            (Some(_), Some((value, after))) => {
                parser.apply(spec.id, value.as_bytes())?;
                after
            }
            // A lone -h asks for help, as it does everywhere else.
            (Some(_), None) if spec.id == Opt::Host => {
                parser.apply(Opt::Help, b"")?;
                after
            }
            (Some(_), None) => return Err(unrecognized(argument)),
        };
    }
    check(&parser.options)?;
    let command = rest.iter().map(|word| word.as_bytes().to_vec()).collect();
    Ok((parser.options, command))
}

struct Parser {
    persona: Persona,
    options: Options,
}

impl Parser {
    fn apply(&mut self, id: Opt, value: &[u8]) -> Result<(), UsageError> {
        match id {
            Opt::Host => self.options.host = Some(name(value, "host name")?),
            Opt::Port => self.options.port = Some(number(value, "Invalid server port.")?),
            Opt::Socket => self.options.socket = Some(name(value, "socket path")?),
            Opt::ConnectTimeout => {
                let timeout = seconds(value, "Invalid connection timeout for -t.")?;
                self.options.connect_timeout = (!timeout.is_zero()).then_some(timeout);
            }
            Opt::Uri => self
                .options
                .apply_uri(&ServerUri::parse(&text(value, "URI")?)?)?,
            Opt::User => self.options.user = Some(name(value, "user name")?),
            Opt::Password => self.options.password = Some(Secret::new(value.to_vec())),
            Opt::AskPassword => self.options.ask_password = true,
            Opt::NoAuthWarning => self.options.auth_warning = false,
            Opt::Database => {
                let database: i32 = number(value, "Invalid database number for -n.")?;
                self.options.database = database;
            }
            Opt::Cluster => self.options.cluster = true,
            Opt::PreferIpv4 => self.options.prefer_ipv4 = true,
            Opt::PreferIpv6 => self.options.prefer_ipv6 = true,
            Opt::Resp2 => self.set_protocol(ProtocolChoice::Resp2)?,
            Opt::Resp3 => self.set_protocol(ProtocolChoice::Resp3)?,
            Opt::Tls => self.options.tls.enabled = true,
            Opt::Sni => self.options.tls.sni = Some(name(value, "server name")?),
            Opt::CaFile => self.options.tls.ca_file = Some(text(value, "path")?),
            Opt::CaDir => self.options.tls.ca_dir = Some(text(value, "path")?),
            Opt::CertFile => self.options.tls.cert_file = Some(text(value, "path")?),
            Opt::KeyFile => self.options.tls.key_file = Some(text(value, "path")?),
            Opt::Ciphers => self.options.tls.ciphers = Some(text(value, "cipher list")?),
            Opt::Ciphersuites => self.options.tls.ciphersuites = Some(text(value, "cipher list")?),
            Opt::Insecure => self.options.tls.insecure = true,
            other => return self.apply_output(other, value),
        }
        Ok(())
    }

    fn apply_output(&mut self, id: Opt, value: &[u8]) -> Result<(), UsageError> {
        match id {
            Opt::Repeat => self.options.repeat = number(value, "Invalid repeat count for -r.")?,
            Opt::Interval => self.options.interval = seconds(value, "Invalid interval for -i.")?,
            Opt::StdinLast => self.options.stdin_last_argument = true,
            Opt::StdinTag => self.options.stdin_tag = Some(value.to_vec()),
            Opt::QuotedInput => self.options.quoted_input = true,
            Opt::ErrorExit => self.options.error_exit = true,
            Opt::ElementDelimiter => self.options.element_delimiter = value.to_vec(),
            Opt::ReplyDelimiter => self.options.reply_delimiter = value.to_vec(),
            Opt::Raw => self.options.output = Some(OutputMode::Raw),
            Opt::NoRaw => self.options.output = Some(OutputMode::Standard),
            Opt::Csv => self.options.output = Some(OutputMode::Csv),
            Opt::Json => self.set_json(OutputMode::Json),
            Opt::QuotedJson => self.set_json(OutputMode::QuotedJson),
            Opt::ShowPushes => match value.first() {
                Some(b'y' | b'Y') => self.options.show_pushes = Some(true),
                Some(b'n' | b'N') => self.options.show_pushes = Some(false),
                _ => return Err(UsageError::new("--show-pushes takes yes or no")),
            },
            Opt::Verbose => self.options.verbose = true,
            Opt::Pattern => self.options.pattern = Some(value.to_vec()),
            Opt::QuotedPattern => {
                let pattern = words::unquote(value).ok_or_else(|| {
                    UsageError::new("Invalid quoted string specified for --quoted-pattern.")
                })?;
                self.options.pattern = Some(pattern);
            }
            Opt::Count => self.options.count = number(value, "Invalid count for --count.")?,
            Opt::PipeTimeout => {
                self.options.pipe_timeout_secs = number(value, "Invalid time for --pipe-timeout.")?;
            }
            other => self.options.mode = self.mode_of(other, value)?,
        }
        Ok(())
    }

    fn mode_of(&self, id: Opt, value: &[u8]) -> Result<Mode, UsageError> {
        Ok(match id {
            Opt::Pipe => Mode::Pipe,
            Opt::Scan => Mode::Scan,
            Opt::Stat => Mode::Stat,
            Opt::Latency => Mode::Latency {
                history: self.options.mode == Mode::Latency { history: true },
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
            Opt::Version => Mode::Say {
                text: help::version(self.persona),
            },
            Opt::Unsupported(option) => Mode::Unsupported { option },
            _ => Mode::Say {
                text: help::usage(self.persona),
            },
        })
    }

    fn set_protocol(&mut self, choice: ProtocolChoice) -> Result<(), UsageError> {
        let clash = (self.options.protocol == ProtocolChoice::Resp2
            && choice == ProtocolChoice::Resp3)
            || (self.options.protocol == ProtocolChoice::Resp3 && choice == ProtocolChoice::Resp2);
        if clash {
            return Err(UsageError::new("Options -2 and -3 are mutually exclusive."));
        }
        self.options.protocol = choice;
        Ok(())
    }

    fn set_json(&mut self, output: OutputMode) {
        self.options.output = Some(output);
        if self.options.protocol == ProtocolChoice::Unset {
            self.options.protocol = ProtocolChoice::PreferResp3;
        }
    }
}

fn check(options: &Options) -> Result<(), UsageError> {
    let exclusive = |one: bool, other: bool, names: &str| {
        if one && other {
            Err(UsageError::new(format!(
                "Options {names} are mutually exclusive."
            )))
        } else {
            Ok(())
        }
    };
    exclusive(options.socket.is_some(), options.cluster, "-c and -s")?;
    exclusive(
        options.stdin_last_argument,
        options.stdin_tag.is_some(),
        "-x and -X",
    )?;
    exclusive(options.prefer_ipv4, options.prefer_ipv6, "-4 and -6")
}

fn find(argument: &[u8]) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|spec| spec.name.as_bytes() == argument)
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
    options::checked_name(&text(value, what)?, what)
}

fn number<T: FromStr>(value: &[u8], message: &str) -> Result<T, UsageError> {
    let number = std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| UsageError::new(message))
}

fn seconds(value: &[u8], message: &str) -> Result<Duration, UsageError> {
    let text = std::str::from_utf8(value).ok();
    text.and_then(options::seconds)
        .ok_or_else(|| UsageError::new(message))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<(Options, Vec<Vec<u8>>), UsageError> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        super::parse(Persona::ValkeyCli, &arguments)
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
    fn options_of_ours_are_unknown() {
        assert!(parse(&["--password-file", "f"]).is_err());
        let (options, command) = parse(&["health", "--live"]).unwrap();
        assert_eq!((options.mode, command.len()), (Mode::Command, 2));
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
        let text = help::usage(Persona::ValkeyCli);
        assert_eq!(parse(&["-h"]).unwrap().0.mode, Mode::Say { text });
    }
}
