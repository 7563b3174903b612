//! The options of Valkey's client with their help. Not their parsing, which is in `compat`.

/// One line of the table.
#[derive(Debug)]
pub(crate) struct OptionSpec {
    pub(crate) id: Opt,
    pub(crate) name: &'static str,
    /// What the value is called in the help; `None` for a switch.
    pub(crate) value: Option<&'static str>,
    /// Empty for aliases, which the help leaves out.
    pub(crate) help: &'static str,
}

/// What an option means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opt {
    Host,
    Port,
    Socket,
    ConnectTimeout,
    Uri,
    User,
    Password,
    AskPassword,
    NoAuthWarning,
    Database,
    Cluster,
    PreferIpv4,
    PreferIpv6,
    Resp2,
    Resp3,
    Tls,
    Sni,
    CaFile,
    CaDir,
    CertFile,
    KeyFile,
    Ciphers,
    Ciphersuites,
    Insecure,
    Repeat,
    Interval,
    StdinLast,
    StdinTag,
    QuotedInput,
    ErrorExit,
    ElementDelimiter,
    ReplyDelimiter,
    Raw,
    NoRaw,
    Csv,
    Json,
    QuotedJson,
    ShowPushes,
    Verbose,
    Pattern,
    QuotedPattern,
    Count,
    Pipe,
    PipeTimeout,
    Scan,
    Stat,
    Latency,
    LatencyHistory,
    BigKeys,
    MemKeys,
    MemKeysSamples,
    HotKeys,
    IntrinsicLatency,
    Eval,
    TestHint,
    TestHintFile,
    Help,
    Version,
    /// The name, for the message.
    Unsupported(&'static str),
}

const fn valued(
    id: Opt,
    name: &'static str,
    value: &'static str,
    help: &'static str,
) -> OptionSpec {
    OptionSpec {
        id,
        name,
        value: Some(value),
        help,
    }
}

const fn switch(id: Opt, name: &'static str, help: &'static str) -> OptionSpec {
    OptionSpec {
        id,
        name,
        value: None,
        help,
    }
}

const fn unsupported(name: &'static str, value: Option<&'static str>) -> OptionSpec {
    OptionSpec {
        id: Opt::Unsupported(name),
        name,
        value,
        help: "",
    }
}

/// All options, in the order of the help page.
pub(crate) static OPTIONS: &[OptionSpec] = &[
    valued(Opt::Host, "-h", "host", "Server host name or address"),
    valued(Opt::Port, "-p", "port", "Server port (6379)"),
    valued(Opt::Socket, "-s", "path", "Unix socket of the server"),
    valued(
        Opt::ConnectTimeout,
        "-t",
        "seconds",
        "Time limit for connecting; 0 is none",
    ),
    valued(
        Opt::Uri,
        "-u",
        "uri",
        "valkey://user:password@host:port/db; valkeys:// for TLS",
    ),
    valued(Opt::User, "--user", "name", "User to authenticate as"),
    valued(
        Opt::Password,
        "-a",
        "password",
        "Password; others can see it: prefer the environment",
    ),
    valued(Opt::Password, "--pass", "password", ""),
    switch(
        Opt::AskPassword,
        "--askpass",
        "Ask for the password at the terminal",
    ),
    switch(
        Opt::NoAuthWarning,
        "--no-auth-warning",
        "No warning about a password in arguments",
    ),
    valued(Opt::Database, "-n", "db", "Database number"),
    switch(Opt::Cluster, "-c", "Follow the redirections of a cluster"),
    switch(Opt::PreferIpv4, "-4", "Prefer IPv4 addresses"),
    switch(Opt::PreferIpv6, "-6", "Prefer IPv6 addresses"),
    switch(Opt::Resp2, "-2", "Speak RESP2"),
    switch(Opt::Resp3, "-3", "Speak RESP3"),
    switch(Opt::Tls, "--tls", "Connect with TLS"),
    valued(
        Opt::Sni,
        "--sni",
        "name",
        "Server name to ask for and to check in the certificate",
    ),
    valued(
        Opt::CaFile,
        "--cacert",
        "path",
        "PEM file of trusted CA certificates",
    ),
    valued(
        Opt::CaDir,
        "--cacertdir",
        "path",
        "Folder of trusted CA certificates",
    ),
    valued(Opt::CertFile, "--cert", "path", "Client certificate"),
    valued(
        Opt::KeyFile,
        "--key",
        "path",
        "Private key of the client certificate",
    ),
    valued(
        Opt::Ciphers,
        "--tls-ciphers",
        "list",
        "TLS 1.2 cipher suites, separated by colons",
    ),
    valued(
        Opt::Ciphersuites,
        "--tls-ciphersuites",
        "list",
        "TLS 1.3 cipher suites",
    ),
    switch(
        Opt::Insecure,
        "--insecure",
        "Do not check the server's certificate",
    ),
    valued(
        Opt::Repeat,
        "-r",
        "count",
        "Repeat the command; -1 for ever",
    ),
    valued(
        Opt::Interval,
        "-i",
        "seconds",
        "Pause between repetitions, samples or scans",
    ),
    switch(
        Opt::StdinLast,
        "-x",
        "Read the last argument from standard input",
    ),
    valued(
        Opt::StdinTag,
        "-X",
        "tag",
        "Read the argument that equals the tag from standard input",
    ),
    switch(
        Opt::QuotedInput,
        "--quoted-input",
        "Arguments are quoted strings",
    ),
    switch(
        Opt::ErrorExit,
        "-e",
        "Exit with 1 when a command answers with an error",
    ),
    valued(
        Opt::ElementDelimiter,
        "-d",
        "text",
        "Between the elements of a raw reply (newline)",
    ),
    valued(
        Opt::ReplyDelimiter,
        "-D",
        "text",
        "After a raw reply (newline)",
    ),
    switch(
        Opt::Raw,
        "--raw",
        "Print replies as they are (when not on a terminal)",
    ),
    switch(
        Opt::NoRaw,
        "--no-raw",
        "Print replies for people even into a pipe",
    ),
    switch(Opt::Csv, "--csv", "Print replies as CSV"),
    switch(
        Opt::Json,
        "--json",
        "Print replies as JSON (asks for RESP3 unless -2)",
    ),
    switch(
        Opt::QuotedJson,
        "--quoted-json",
        "The same in ASCII, other bytes quoted",
    ),
    valued(
        Opt::ShowPushes,
        "--show-pushes",
        "yes|no",
        "Print push messages (on a terminal)",
    ),
    switch(Opt::Pipe, "--pipe", "Send raw protocol from standard input"),
    valued(
        Opt::PipeTimeout,
        "--pipe-timeout",
        "seconds",
        "Wait for the last replies (30); 0 is for ever",
    ),
    switch(Opt::Scan, "--scan", "List keys"),
    valued(
        Opt::Pattern,
        "--pattern",
        "pattern",
        "Only the keys that match",
    ),
    valued(
        Opt::QuotedPattern,
        "--quoted-pattern",
        "pattern",
        "The same as a quoted string",
    ),
    valued(
        Opt::Count,
        "--count",
        "count",
        "Keys per step of a scan (10)",
    ),
    switch(Opt::Stat, "--stat", "Rolling statistics"),
    switch(Opt::Latency, "--latency", "Measure the latency"),
    switch(
        Opt::LatencyHistory,
        "--latency-history",
        "The same with a line per 15 seconds or -i",
    ),
    valued(
        Opt::IntrinsicLatency,
        "--intrinsic-latency",
        "seconds",
        "Measure this machine's pauses",
    ),
    switch(
        Opt::BigKeys,
        "--bigkeys",
        "Find the keys with most elements",
    ),
    switch(
        Opt::MemKeys,
        "--memkeys",
        "Find the keys that take most memory",
    ),
    valued(
        Opt::MemKeysSamples,
        "--memkeys-samples",
        "count",
        "The same with elements to sample",
    ),
    switch(
        Opt::HotKeys,
        "--hotkeys",
        "Find the most used keys (needs an LFU policy)",
    ),
    valued(
        Opt::Eval,
        "--eval",
        "file",
        "Run a script: --eval file key ... , arg ...",
    ),
    switch(Opt::Verbose, "--verbose", "Say more"),
    switch(Opt::Help, "--help", "Print this page"),
    switch(Opt::Version, "--version", "Print the version"),
    switch(Opt::Version, "-v", ""),
    valued(Opt::TestHint, "--test_hint", "line", ""),
    valued(Opt::TestHintFile, "--test_hint_file", "file", ""),
    unsupported("--cluster", Some("command")),
    unsupported("--functions-rdb", Some("file")),
    unsupported("--latency-dist", None),
    unsupported("--ldb", None),
    unsupported("--ldb-sync-mode", None),
    unsupported("--lru-test", Some("keys")),
    unsupported("--rdb", Some("file")),
    unsupported("--replica", None),
    unsupported("--slave", None),
];
