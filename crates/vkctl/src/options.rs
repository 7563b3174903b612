//! What a command line asks for, by whichever name the program was called. Not the parsing of
//! options, nor the values' meaning for a connection; `endpoint` decides that.

use std::ffi::OsString;
use std::time::Duration;

use crate::aof::AofJob;
use crate::backup::BackupJob;
use crate::error::UsageError;
use crate::health::Probe;
use crate::keys::KeysJob;
use crate::persona::Persona;
use crate::rdb::RdbJob;
use crate::secret::Secret;
use crate::snippets::Snippet;
use crate::uri::ServerUri;
use crate::{compat, own};

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
    Latency { history: bool },
    /// Largest keys by number of elements.
    BigKeys,
    /// Largest keys by memory; 0 samples is the server's default.
    MemKeys { samples: u32 },
    /// Most used keys.
    HotKeys,
    /// Measure the pauses of this machine, in seconds.
    IntrinsicLatency { seconds: u32 },
    /// Run a script file.
    Eval { path: String },
    /// Print the hint for an incomplete command.
    TestHint { line: Vec<u8> },
    /// Check hints against a file of cases.
    TestHintFile { path: String },
    /// Ask whether the server is in service.
    Health { probe: Probe },
    /// Print how a client library connects.
    Connect { client: &'static Snippet },
    /// Look into an RDB file.
    Rdb(RdbJob),
    /// Check an append-only file.
    Aof(AofJob),
    /// Look after the keys of encrypted files.
    Keys(KeysJob),
    /// Make, check or restore a backup.
    Backup(BackupJob),
    /// Print a page of help or the version.
    Say { text: String },
    /// Known to Valkey's client, not to this version of ours.
    Unsupported { option: &'static str },
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
pub(crate) const NAME_BYTES_MAX: usize = 1024;

/// Keys per step of a scan.
pub(crate) const SCAN_COUNT: u32 = 10;

/// Seconds that `--pipe` waits for replies after its input ended.
pub(crate) const PIPE_TIMEOUT_SECS: u32 = 30;

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
            count: SCAN_COUNT,
            pipe_timeout_secs: PIPE_TIMEOUT_SECS,
        }
    }
}

impl Options {
    /// Parses the options in front of the command; gives them and the command's words.
    ///
    /// The first word that is no option ends them: the rest is the command.
    pub(crate) fn parse(
        persona: Persona,
        arguments: &[OsString],
    ) -> Result<(Self, Vec<Vec<u8>>), UsageError> {
        match persona {
            Persona::Vkctl => own::parse(arguments),
            Persona::ValkeyCli | Persona::RedisCli => compat::parse(persona, arguments),
        }
    }

    /// Takes over the parts of a URI that are there.
    pub(crate) fn apply_uri(&mut self, uri: &ServerUri) -> Result<(), UsageError> {
        self.tls.enabled |= uri.tls;
        if let Some(host) = &uri.host {
            self.host = Some(checked_name(host, "host name")?);
        }
        // A URI names a host even by silence: the local socket is not what it means.
        self.host.get_or_insert_with(|| "127.0.0.1".to_owned());
        self.port = uri.port.or(self.port);
        if let Some(user) = &uri.user {
            self.user = Some(checked_name(user, "user name")?);
        }
        self.password = uri.password.clone().or_else(|| self.password.take());
        self.database = uri.database.unwrap_or(self.database);
        Ok(())
    }
}

/// A name that is not too long to be one.
pub(crate) fn checked_name(text: &str, what: &str) -> Result<String, UsageError> {
    if text.len() > NAME_BYTES_MAX {
        let text = format!("The {what} is longer than {NAME_BYTES_MAX} bytes");
        return Err(UsageError::new(text));
    }
    Ok(text.to_owned())
}

/// A time in seconds, fractions allowed; `None` if it is none or beyond reason.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (0.0..=SECONDS_MAX)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}
