//! What the parsed command line says, as `Options`. Not the declaration of the command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use clap::CommandFactory;
use clap_complete::Shell;

use super::keys::KeysVerb;
use super::{CommandLine, Connection, Input, Job, LoginOptions, Output, Tls, Verb, help_page};
use crate::error::UsageError;
use crate::health::Probe;
use crate::options::{Mode, Options, OutputMode, ProtocolChoice, TlsOptions};
use crate::uri::ServerUri;
use crate::words;

/// Those with a page of help of their own; any other name is a command of the server.
const OWN_COMMANDS: [&str; 6] = ["health", "connect", "completions", "rdb", "aof", "backup"];

/// Those of them that have commands of their own.
const OWN_GROUPS: [&str; 3] = ["rdb", "aof", "backup"];

impl CommandLine {
    pub(super) fn into_options(self) -> Result<(Options, Vec<Vec<u8>>), UsageError> {
        let mut options = Options {
            mode: self.job.into_mode()?,
            count: self.scan.count,
            pipe_timeout_secs: self.scan.pipe_timeout,
            pattern: self.scan.pattern.map(OsString::into_vec),
            ..Options::default()
        };
        if let Some(quoted) = self.scan.quoted_pattern {
            let pattern = words::unquote(&quoted.into_vec()).ok_or_else(|| {
                UsageError::new("Invalid quoted string specified for --quoted-pattern.")
            })?;
            options.pattern = Some(pattern);
        }
        let database = self.connection.db;
        self.tls.apply(&mut options);
        self.connection.apply(&mut options)?;
        self.login.apply(&mut options);
        self.input.apply(&mut options);
        self.output.apply(&mut options);
        match self.verb {
            None => Ok((options, Vec::new())),
            Some(Verb::Server(words)) => Ok((options, bytes(words))),
            Some(_) if options.mode != Mode::Command => Err(UsageError::new(
                "The first argument is the name of one of our own commands: write -- before it",
            )),
            Some(Verb::Health(probes)) => {
                let probe = if probes.live {
                    Probe::Live
                } else {
                    Probe::Ready
                };
                options.mode = Mode::Health { probe };
                Ok((options, Vec::new()))
            }
            Some(Verb::Connect { client }) => {
                options.mode = Mode::Connect { client };
                Ok((options, Vec::new()))
            }
            Some(Verb::Rdb { verb }) => {
                options.mode = verb.into_mode(database);
                Ok((options, Vec::new()))
            }
            Some(Verb::Aof { verb }) => {
                options.mode = verb.into_mode();
                Ok((options, Vec::new()))
            }
            Some(Verb::Backup { verb }) => {
                options.mode = verb.into_mode();
                Ok((options, Vec::new()))
            }
            Some(Verb::Keys { verb }) => Ok(keys(verb, options)),
            Some(Verb::Completions { shell }) => {
                let text = completions(shell);
                options.mode = Mode::Say { text };
                Ok((options, Vec::new()))
            }
            Some(Verb::Help { words }) => match words.as_slice() {
                [] => help_page(&[]),
                [word] if OWN_COMMANDS.iter().any(|own| word == own) => help_page(&words),
                [word, _] if OWN_GROUPS.iter().any(|own| word == own) => help_page(&words),
                _ => {
                    let mut command = vec![b"help".to_vec()];
                    command.extend(bytes(words));
                    Ok((options, command))
                }
            },
        }
    }
}

/// What is said about keys of files, or KEYS of the server.
fn keys(verb: Option<KeysVerb>, mut options: Options) -> (Options, Vec<Vec<u8>>) {
    let words = match verb.map(KeysVerb::into_job) {
        Some(Ok(job)) => {
            options.mode = Mode::Keys(job);
            return (options, Vec::new());
        }
        Some(Err(words)) => words,
        None => Vec::new(),
    };
    let mut command = vec![b"keys".to_vec()];
    command.extend(bytes(words));
    (options, command)
}

impl Connection {
    fn apply(self, options: &mut Options) -> Result<(), UsageError> {
        if let Some(uri) = &self.uri {
            // Parsed here and not by clap, whose message would repeat the password.
            options.apply_uri(&ServerUri::parse(uri)?)?;
        }
        options.host = self.host.or_else(|| options.host.take());
        options.port = self.port.or(options.port);
        options.database = self.db.unwrap_or(options.database);
        options.socket = self.socket;
        options.connect_timeout = self.timeout.filter(|timeout| !timeout.is_zero());
        options.cluster = self.cluster;
        options.prefer_ipv4 = self.ipv4;
        options.prefer_ipv6 = self.ipv6;
        options.protocol = match (self.resp2, self.resp3) {
            (true, _) => ProtocolChoice::Resp2,
            (false, true) => ProtocolChoice::Resp3,
            (false, false) => ProtocolChoice::Unset,
        };
        Ok(())
    }
}

impl LoginOptions {
    fn apply(self, options: &mut Options) {
        options.user = self.user.or_else(|| options.user.take());
        options.password = self.password.or_else(|| options.password.take());
        options.password_file = self.password_file;
        options.ask_password = self.ask_password;
        options.auth_warning = !self.no_auth_warning;
    }
}

impl Tls {
    fn apply(self, options: &mut Options) {
        options.tls = TlsOptions {
            enabled: self.enabled,
            sni: self.sni,
            ca_file: self.ca_file,
            ca_dir: self.ca_dir,
            cert_file: self.cert_file,
            key_file: self.key_file,
            ciphers: self.ciphers,
            ciphersuites: self.ciphersuites,
            insecure: self.insecure,
        };
    }
}

impl Input {
    fn apply(self, options: &mut Options) {
        options.repeat = self.repeat;
        options.interval = self.interval.unwrap_or_default();
        options.stdin_last_argument = self.stdin_last;
        options.stdin_tag = self.stdin_tag.map(OsString::into_vec);
        options.quoted_input = self.quoted_input;
        options.error_exit = self.error_exit;
    }
}

impl Output {
    fn apply(self, options: &mut Options) {
        let modes = [
            (self.raw, OutputMode::Raw),
            (self.no_raw, OutputMode::Standard),
            (self.csv, OutputMode::Csv),
            (self.json, OutputMode::Json),
            (self.quoted_json, OutputMode::QuotedJson),
        ];
        options.output = modes.into_iter().find_map(|(on, mode)| on.then_some(mode));
        if (self.json || self.quoted_json) && options.protocol == ProtocolChoice::Unset {
            options.protocol = ProtocolChoice::PreferResp3;
        }
        if let Some(text) = self.element_delimiter {
            options.element_delimiter = text.into_vec();
        }
        if let Some(text) = self.reply_delimiter {
            options.reply_delimiter = text.into_vec();
        }
        options.show_pushes = self.show_pushes;
        options.verbose = self.verbose;
    }
}

impl Job {
    fn into_mode(self) -> Result<Mode, UsageError> {
        let switches = [
            (self.pipe, Mode::Pipe),
            (self.list_keys, Mode::Scan),
            (self.stat, Mode::Stat),
            (self.latency, Mode::Latency { history: false }),
            (self.big_keys, Mode::BigKeys),
            (self.mem_keys, Mode::MemKeys { samples: 0 }),
            (self.hot_keys, Mode::HotKeys),
        ];
        let switch = switches
            .into_iter()
            .find_map(|(on, mode)| on.then_some(mode));
        let line = self.test_hint.map(OsString::into_vec);
        let seconds = self.intrinsic_latency;
        let valued = [
            seconds.map(|seconds| Mode::IntrinsicLatency { seconds }),
            self.eval.map(|path| Mode::Eval { path }),
            line.map(|line| Mode::TestHint { line }),
            self.test_hint_file.map(|path| Mode::TestHintFile { path }),
        ];
        let mode = switch
            .or_else(|| valued.into_iter().flatten().next())
            .unwrap_or(Mode::Command);
        match (mode, self.latency_history, self.mem_keys_samples) {
            (mode, false, None) => Ok(mode),
            (Mode::Command | Mode::Latency { .. }, true, None) => {
                Ok(Mode::Latency { history: true })
            }
            (Mode::Command | Mode::MemKeys { .. }, false, Some(samples)) => {
                Ok(Mode::MemKeys { samples })
            }
            _ => Err(UsageError::new(
                "--latency-history and --memkeys-samples go with no other job",
            )),
        }
    }
}

fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "vkctl", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

fn bytes(words: Vec<OsString>) -> Vec<Vec<u8>> {
    words.into_iter().map(OsString::into_vec).collect()
}
