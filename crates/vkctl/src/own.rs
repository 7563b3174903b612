//! The command line under our own name, declared for clap. Not the one of Valkey's client, which
//! is `compat`; both end in the same `Options`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use clap::builder::{BoolishValueParser, OsStringValueParser, PossibleValuesParser};
use clap::builder::{TypedValueParser, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;
use vk_engine::version::VERIKEY;

use self::files::{AofVerb, BackupVerb, RdbVerb};
use self::keys::KeysVerb;
use crate::error::UsageError;
use crate::options::{self, Mode, NAME_BYTES_MAX, Options, PIPE_TIMEOUT_SECS, SCAN_COUNT};
use crate::secret::Secret;
use crate::snippets::{SNIPPETS, Snippet};
use crate::{connect, terminal};

/// Bytes of a mistaken argument that its message repeats.
const SHOWN_BYTES_MAX: usize = 64;

/// The ways to print; of several the last one counts.
const OUTPUTS: [&str; 5] = ["raw", "no_raw", "csv", "json", "quoted_json"];

/// Where clap lists the options that belong to no group.
const NO_HEADING: Option<&str> = None;

const AFTER_HELP: &str = "\
Any other word is a command of the server; what follows it are its arguments, so that options \
stand before it. Without a command and on a terminal there is a prompt; otherwise every line of \
standard input is a command.

Without -h, -s, -u or --tls the server of this machine is found by itself: by its Unix socket, \
else on the loopback address, with TLS if its CA certificate is found.

The password may be in the environment: VKCTL_AUTH, VALKEYCLI_AUTH or REDISCLI_AUTH.";

/// Parses a command line without the program's name; gives the options and the command's words.
pub(crate) fn parse(arguments: &[OsString]) -> Result<(Options, Vec<Vec<u8>>), UsageError> {
    let program = OsString::from("vkctl");
    match CommandLine::try_parse_from([&program].into_iter().chain(arguments)) {
        Ok(line) => line.into_options(),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(say(&error)),
            // A lone -h asks for help, as it does everywhere else.
            ErrorKind::InvalidValue if lacks_host(&error) => help_page(&[]),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Err(UsageError::new(
                "A command is missing behind the last word; see vkctl --help",
            )),
            _ => Err(UsageError::new(one_line(&error))),
        },
    }
}

/// The command line of Verikey.
#[derive(Parser)]
#[command(
    name = "vkctl",
    version = VERIKEY,
    after_help = AFTER_HELP,
    override_usage = "vkctl [OPTIONS] [COMMAND [ARGUMENT]...]",
    // -h is the host, and help knows the server's commands.
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    args_override_self = true,
    max_term_width = 100
)]
struct CommandLine {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    login: LoginOptions,
    #[command(flatten)]
    tls: Tls,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    job: Job,
    #[command(flatten)]
    scan: Scan,
    /// Print this page
    #[arg(long = "help", global = true, action = ArgAction::Help, help_heading = NO_HEADING)]
    _help: Option<bool>,
    /// Print the version
    #[arg(short = 'v', long = "version", short_alias = 'V')]
    #[arg(action = ArgAction::Version, help_heading = NO_HEADING)]
    _version: Option<bool>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Say by the exit code whether the server is there, or may be used
    #[command(override_usage = "vkctl health <--live|--ready> [OPTIONS]")]
    Health(Probes),
    /// Print a snippet that connects a client library to the server
    #[command(override_usage = "vkctl connect --for <CLIENT> [OPTIONS]")]
    Connect {
        /// Client library or framework
        #[arg(long = "for", value_name = "CLIENT", ignore_case = true, value_parser = client())]
        client: &'static Snippet,
    },
    /// Look into RDB files, without a server: check, info, dump, convert
    #[command(subcommand_required = true, override_usage = "vkctl rdb <COMMAND>")]
    Rdb {
        #[command(subcommand)]
        verb: RdbVerb,
    },
    /// Check and mend append-only files, without a server
    #[command(
        subcommand_required = true,
        override_usage = "vkctl aof check [OPTIONS] <PATH>"
    )]
    Aof {
        #[command(subcommand)]
        verb: AofVerb,
    },
    /// Back a live server up, check backups, put them back
    #[command(subcommand_required = true, override_usage = "vkctl backup <COMMAND>")]
    Backup {
        #[command(subcommand)]
        verb: BackupVerb,
    },
    /// Look after the keys of encrypted files, without a server: status, verify, rotate. KEYS of
    /// the server with any other word
    #[command(override_usage = "vkctl keys <status|verify|rotate> [OPTIONS] <FOLDER>")]
    Keys {
        #[command(subcommand)]
        verb: Option<KeysVerb>,
    },
    /// Say what a command of the server does and takes
    #[command(override_usage = "vkctl [OPTIONS] help [COMMAND]...")]
    Help {
        /// Words of a command, or @ and a group of commands
        #[arg(value_name = "COMMAND")]
        words: Vec<OsString>,
    },
    /// Print the completions of a shell
    #[command(hide = true)]
    Completions { shell: Shell },
    #[command(external_subcommand)]
    Server(Vec<OsString>),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Probes {
    /// It answers, whatever state its data is in
    #[arg(long)]
    live: bool,
    /// It serves commands
    #[arg(long)]
    ready: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Connection")]
struct Connection {
    /// Server host name or address
    #[arg(short = 'h', long, global = true, value_parser = name)]
    host: Option<String>,
    /// Server port [default: 6379]
    #[arg(short, long, global = true, allow_negative_numbers = true)]
    port: Option<u16>,
    /// Unix socket of the server
    #[arg(short, long, global = true, value_name = "PATH", value_parser = name)]
    socket: Option<String>,
    /// valkey://user:password@host:port/db, valkeys:// for TLS; other options win over its parts
    #[arg(short, long, global = true)]
    uri: Option<String>,
    /// Time limit for connecting; 0 is none
    #[arg(short, long, global = true, value_name = "SECONDS")]
    #[arg(allow_negative_numbers = true, value_parser = seconds)]
    timeout: Option<Duration>,
    /// Database number
    #[arg(
        short = 'n',
        long,
        global = true,
        value_name = "NUMBER",
        allow_negative_numbers = true
    )]
    db: Option<i32>,
    /// Follow the redirections of a cluster
    #[arg(short = 'c', global = true, conflicts_with = "socket")]
    cluster: bool,
    /// Prefer IPv4 addresses
    #[arg(short = '4', global = true, conflicts_with = "ipv6")]
    ipv4: bool,
    /// Prefer IPv6 addresses
    #[arg(short = '6', global = true)]
    ipv6: bool,
    /// Speak RESP2
    #[arg(short = '2', global = true, conflicts_with = "resp3")]
    resp2: bool,
    /// Speak RESP3
    #[arg(short = '3', global = true)]
    resp3: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Authentication")]
struct LoginOptions {
    /// User to authenticate as
    #[arg(long, global = true, value_name = "NAME", value_parser = name)]
    user: Option<String>,
    /// Password; others can see it: prefer the environment
    #[arg(short = 'a', long = "pass", global = true, value_name = "PASSWORD")]
    #[arg(allow_hyphen_values = true, value_parser = secret())]
    password: Option<Secret>,
    /// Read the password from the first line of a file
    #[arg(long, global = true, value_name = "PATH")]
    password_file: Option<String>,
    /// Ask for the password at the terminal
    #[arg(long = "askpass", global = true)]
    ask_password: bool,
    /// No warning about a password in arguments
    #[arg(long, global = true)]
    no_auth_warning: bool,
}

#[derive(Args)]
#[command(next_help_heading = "TLS")]
struct Tls {
    /// Connect with TLS
    #[arg(long = "tls", global = true)]
    enabled: bool,
    /// Server name to ask for and to check in the certificate
    #[arg(long, global = true, value_name = "NAME", value_parser = name)]
    sni: Option<String>,
    /// PEM file of trusted CA certificates
    #[arg(long = "cacert", global = true, value_name = "PATH")]
    ca_file: Option<String>,
    /// Folder of trusted CA certificates
    #[arg(long = "cacertdir", global = true, value_name = "PATH")]
    ca_dir: Option<String>,
    /// Client certificate
    #[arg(long = "cert", global = true, value_name = "PATH")]
    cert_file: Option<String>,
    /// Private key of the client certificate
    #[arg(long = "key", global = true, value_name = "PATH")]
    key_file: Option<String>,
    /// TLS 1.2 cipher suites, separated by colons
    #[arg(long = "tls-ciphers", global = true, value_name = "LIST")]
    ciphers: Option<String>,
    /// TLS 1.3 cipher suites
    #[arg(long = "tls-ciphersuites", global = true, value_name = "LIST")]
    ciphersuites: Option<String>,
    /// Do not check the server's certificate
    #[arg(long, global = true)]
    insecure: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Command")]
struct Input {
    /// Repeat the command; -1 for ever
    #[arg(
        short,
        value_name = "COUNT",
        default_value_t = 1,
        hide_default_value = true
    )]
    #[arg(allow_negative_numbers = true)]
    repeat: i64,
    /// Pause between repetitions, samples or scans
    #[arg(short, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    interval: Option<Duration>,
    /// Read the last argument from standard input
    #[arg(short = 'x', conflicts_with = "stdin_tag")]
    stdin_last: bool,
    /// Read the argument that equals the tag from standard input
    #[arg(short = 'X', value_name = "TAG", allow_hyphen_values = true)]
    stdin_tag: Option<OsString>,
    /// Arguments are quoted strings
    #[arg(long)]
    quoted_input: bool,
    /// Exit with 1 when a command answers with an error
    #[arg(short = 'e')]
    error_exit: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Print replies as they are (when not on a terminal)
    #[arg(long, overrides_with_all = OUTPUTS)]
    raw: bool,
    /// Print replies for people even into a pipe
    #[arg(long, overrides_with_all = OUTPUTS)]
    no_raw: bool,
    /// Print replies as CSV
    #[arg(long, overrides_with_all = OUTPUTS)]
    csv: bool,
    /// Print replies as JSON (asks for RESP3 unless -2)
    #[arg(long, overrides_with_all = OUTPUTS)]
    json: bool,
    /// The same in ASCII, other bytes quoted
    #[arg(long, overrides_with_all = OUTPUTS)]
    quoted_json: bool,
    /// Between the elements of a raw reply [default: newline]
    #[arg(short = 'd', value_name = "TEXT", allow_hyphen_values = true)]
    element_delimiter: Option<OsString>,
    /// After a raw reply [default: newline]
    #[arg(short = 'D', value_name = "TEXT", allow_hyphen_values = true)]
    reply_delimiter: Option<OsString>,
    /// Print push messages [default: on a terminal]
    #[arg(long, value_name = "yes|no", hide_possible_values = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    show_pushes: Option<bool>,
    #[arg(long, hide = true)]
    verbose: bool,
}

/// At most one of them, except that two refine another.
#[derive(Args)]
#[command(next_help_heading = "Instead of a command")]
struct Job {
    /// Send raw protocol from standard input
    #[arg(long, group = "jobs")]
    pipe: bool,
    /// List keys
    #[arg(long = "scan", group = "jobs")]
    list_keys: bool,
    /// Rolling statistics
    #[arg(long, group = "jobs")]
    stat: bool,
    /// Measure the latency
    #[arg(long, group = "jobs")]
    latency: bool,
    /// The same with a line per 15 seconds or -i
    #[arg(long)]
    latency_history: bool,
    /// Measure this machine's pauses
    #[arg(long, group = "jobs", value_name = "SECONDS")]
    intrinsic_latency: Option<u32>,
    /// Find the keys with most elements
    #[arg(long = "bigkeys", group = "jobs")]
    big_keys: bool,
    /// Find the keys that take most memory
    #[arg(long = "memkeys", group = "jobs")]
    mem_keys: bool,
    /// The same with elements to sample
    #[arg(long = "memkeys-samples", value_name = "COUNT")]
    mem_keys_samples: Option<u32>,
    /// Find the most used keys (needs an LFU policy)
    #[arg(long = "hotkeys", group = "jobs")]
    hot_keys: bool,
    /// Run a script: --eval FILE `[KEY]... [, ARGUMENT...]`
    #[arg(long, group = "jobs", value_name = "FILE")]
    eval: Option<String>,
    #[arg(
        long = "test_hint",
        group = "jobs",
        hide = true,
        allow_hyphen_values = true
    )]
    test_hint: Option<OsString>,
    #[arg(long = "test_hint_file", group = "jobs", hide = true)]
    test_hint_file: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "Of scans and pipes")]
struct Scan {
    /// Only the keys that match
    #[arg(long, allow_hyphen_values = true, conflicts_with = "quoted_pattern")]
    pattern: Option<OsString>,
    /// The same as a quoted string
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    quoted_pattern: Option<OsString>,
    /// Keys per step of a scan
    #[arg(long, default_value_t = SCAN_COUNT, allow_negative_numbers = true)]
    count: u32,
    /// Wait for the last replies; 0 is for ever
    #[arg(long, value_name = "SECONDS", default_value_t = PIPE_TIMEOUT_SECS)]
    pipe_timeout: u32,
}

fn name(text: &str) -> Result<String, String> {
    match text.len() > NAME_BYTES_MAX {
        true => Err(format!("it is longer than {NAME_BYTES_MAX} bytes")),
        false => Ok(text.to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    options::seconds(text).ok_or("seconds are not negative and at most a year")
}

fn secret() -> ValueParser {
    let bytes = OsStringValueParser::new().map(OsString::into_vec);
    bytes.map(Secret::new).into()
}

fn client() -> ValueParser {
    let names = SNIPPETS.iter().map(|snippet| snippet.name);
    let names = PossibleValuesParser::new(names);
    names
        .try_map(|name| connect::client(&name).ok_or("there is no snippet for it"))
        .into()
}

/// The page of `--help`, of the program or of one of our own commands.
fn help_page(words: &[OsString]) -> Result<(Options, Vec<Vec<u8>>), UsageError> {
    let mut arguments = words.to_vec();
    arguments.push(OsString::from("--help"));
    parse(&arguments)
}

/// What clap wants printed is something else than a mistake.
fn say(error: &clap::Error) -> (Options, Vec<Vec<u8>>) {
    let text = error.render();
    let colors = terminal::stdout_is_terminal() && terminal::has_colors();
    let text = match colors {
        true => text.ansi().to_string(),
        false => text.to_string(),
    };
    let mode = Mode::Say { text };
    let options = Options {
        mode,
        ..Options::default()
    };
    (options, Vec::new())
}

fn lacks_host(error: &clap::Error) -> bool {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    text(ContextKind::InvalidArg).starts_with("--host")
        && text(ContextKind::InvalidValue).is_empty()
}

/// Clap's message without its usage and with long arguments cut.
fn one_line(error: &clap::Error) -> String {
    let mut text = error.render().to_string();
    for (_, value) in error.context() {
        if let ContextValue::String(value) = value
            && value.len() > SHOWN_BYTES_MAX
        {
            let end = value.floor_char_boundary(SHOWN_BYTES_MAX);
            let shown = value.get(..end).unwrap_or_default();
            text = text.replace(value.as_str(), &format!("{shown}..."));
        }
    }
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let line = terminal::escape_line(lines.join(" ").as_bytes());
    let near = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(near)) => Some(near),
        _ => match error.get(ContextKind::SuggestedSubcommand) {
            Some(ContextValue::Strings(near)) => near.first(),
            _ => None,
        },
    };
    match near {
        Some(near) => format!("{line}; did you mean '{near}'?"),
        None => format!("{line}; see vkctl --help"),
    }
}

mod files;
mod keys;
mod settings;
#[cfg(test)]
mod tests;
