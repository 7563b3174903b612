//! Directives of the process: service, log, folders, profile, access to dangerous commands.
//!
//! Not its memory and CPU (see [`super::limits`]).

use super::{INT_MAX, directives};
use vk_spec::config::{ConfigKind, ConfigSpec as C, ShellArea, Special, TextRule};

const CPU: &str = "threads are not pinned; use taskset or CPUAffinity= of the service";
const TITLE: &str = "the title of the process is left as it was started; look for its arguments or \
                     its pid file";
const ACL: &str = "users are not read from configuration in this version; remove the line and \
                   protect the default user with requirepass";

const SUPERVISED_MODES: &[(&str, i64)] = &[("upstart", 3), ("systemd", 2), ("auto", 1), ("no", 0)];
const LOG_LEVELS: &[(&str, i64)] = &[
    ("debug", 0),
    ("verbose", 1),
    ("notice", 2),
    ("warning", 3),
    ("nothing", 4),
];
const LOG_FORMATS: &[(&str, i64)] = &[("legacy", 0), ("logfmt", 1), ("json", 2)];
const LOG_TIMES: &[(&str, i64)] = &[("legacy", 0), ("iso8601", 1), ("milliseconds", 2)];
const FACILITIES: &[(&str, i64)] = &[
    ("user", 1),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];
const SHUTDOWN_FLAGS: &[(&str, i64)] = &[
    ("default", 0),
    ("save", 2),
    ("nosave", 1),
    ("now", 4),
    ("force", 8),
];
const OOM_MODES: &[(&str, i64)] = &[("no", 0), ("yes", 1), ("relative", 1), ("absolute", 2)];
const WHO: &[(&str, i64)] = &[("no", 0), ("yes", 1), ("local", 2)];
const PROFILES: &[(&str, i64)] = &[("strict", 1), ("compatible", 0)];
const RESP: i128 = 3;

directives! { after super::network::END;
    /// The set of defaults and refusals: what is safe, or what Valkey does.
    SECURITY_PROFILE = C::choice("security-profile", PROFILES, "compatible")
        .strict("strict").immutable();
    /// Folder of generated keys and passwords; outside the data folder.
    SECRETS_DIR = C::text("secrets-dir", TextRule::Optional, "").immutable();
    /// Runs in the background.
    DAEMONIZE = C::bool("daemonize", "no").immutable();
    /// File that the process id is written to.
    PIDFILE = C::text("pidfile", TextRule::Optional, "").immutable();
    /// The service manager that start and stop are told to.
    SUPERVISED = C::choice("supervised", SUPERVISED_MODES, "no").immutable();
    /// The working folder; files without a path are found there.
    DIR = C::special("dir", Special::Folder, ".")
        .protected().deny_loading().shell(ShellArea::Folder);
    /// Number of databases.
    DATABASES = C::int("databases", 1, INT_MAX, "16").immutable();
    /// The least severe messages that are logged.
    LOGLEVEL = C::choice("loglevel", LOG_LEVELS, "notice").shell(ShellArea::Log);
    /// The log file; empty for standard output.
    LOGFILE = C::text("logfile", TextRule::Any, "").immutable();
    /// How a log line is written.
    LOG_FORMAT = C::choice("log-format", LOG_FORMATS, "legacy").shell(ShellArea::Log);
    /// How the time of a log line is written.
    LOG_TIMESTAMP_FORMAT = C::choice("log-timestamp-format", LOG_TIMES, "legacy")
        .shell(ShellArea::Log);
    /// Sends the log to syslog too.
    SYSLOG_ENABLED = C::bool("syslog-enabled", "no").immutable();
    /// The name under which syslog files the log.
    SYSLOG_IDENT = C::text("syslog-ident", TextRule::Any, "valkey").immutable();
    /// The syslog facility.
    SYSLOG_FACILITY = C::choice("syslog-facility", FACILITIES, "local0").immutable();
    /// Shows the start-up art even when the log is not a terminal.
    ALWAYS_SHOW_LOGO = C::bool("always-show-logo", "no").immutable();
    /// Keeps keys, values and arguments out of the log.
    HIDE_USER_DATA_FROM_LOG = C::bool("hide-user-data-from-log", "yes");
    /// Lets `proc-title-template` decide the title of the process.
    SET_PROC_TITLE = C::bool("set-proc-title", "yes").immutable();
    /// The title of the process.
    PROC_TITLE_TEMPLATE = C::text("proc-title-template", TextRule::TitleTemplate,
        "{title} {listen-addr} {server-mode}").tunes(TITLE);
    /// The collation of SORT ALPHA.
    LOCALE_COLLATE = C::text("locale-collate", TextRule::Any, "")
        .tunes("strings are sorted by their bytes, as in the C locale");
    /// How SIGINT ends the server.
    SHUTDOWN_ON_SIGINT = C::new("shutdown-on-sigint", ConfigKind::Flags(SHUTDOWN_FLAGS), "default");
    /// How SIGTERM ends the server.
    SHUTDOWN_ON_SIGTERM = C::new("shutdown-on-sigterm", ConfigKind::Flags(SHUTDOWN_FLAGS),
        "default");
    /// Seconds that a shutdown waits for lagging replicas.
    SHUTDOWN_TIMEOUT = C::int("shutdown-timeout", 0, INT_MAX, "10");
    /// Times per second that background work is looked after.
    HZ = C::int("hz", 0, INT_MAX, "10").shell(ShellArea::Loop);
    /// Looks after background work more often when there are many clients.
    DYNAMIC_HZ = C::bool("dynamic-hz", "yes");
    /// Seed of the keyspace hash; empty for a random one.
    HASH_SEED = C::text("hash-seed", TextRule::Optional, "").immutable().sensitive();
    /// Where the server stands, as told to clients.
    AVAILABILITY_ZONE = C::text("availability-zone", TextRule::Any, "");
    /// Answers as Redis does where the two names differ.
    EXTENDED_REDIS_COMPATIBILITY = C::bool("extended-redis-compatibility", "no").engine();
    /// Warnings that are not shown at start.
    IGNORE_WARNINGS = C::text("ignore-warnings", TextRule::Any, "")
        .tunes("every warning is shown");
    /// Password of the default user.
    REQUIREPASS = C::text("requirepass", TextRule::Optional, "").sensitive().engine();
    /// File of users.
    ACLFILE = C::text("aclfile", TextRule::Any, "").immutable().guards(ACL);
    /// Whether new users may use all channels.
    ACL_PUBSUB_DEFAULT = C::choice("acl-pubsub-default",
        &[("allchannels", 1), ("resetchannels", 0)], "resetchannels")
        .tunes("new users start without channels; grant them by &pattern");
    /// Who may use DEBUG.
    ENABLE_DEBUG_COMMAND = C::choice("enable-debug-command", WHO, "no").immutable();
    /// Who may use MODULE.
    ENABLE_MODULE_COMMAND = C::choice("enable-module-command", WHO, "no").immutable();
    /// Who may change protected directives.
    ENABLE_PROTECTED_CONFIGS = C::choice("enable-protected-configs", WHO, "no").immutable();
    /// Protocol version of a client that did not choose one.
    CLIENT_DEFAULT_RESP = C::int("client-default-resp", 2, RESP, "2").immutable().hidden();
    /// Whether the kernel's killer is told what to end first.
    OOM_SCORE_ADJ = C::choice("oom-score-adj", OOM_MODES, "no").shell(ShellArea::Process);
    /// Scores of a primary, a replica and a background child.
    OOM_SCORE_ADJ_VALUES = C::special("oom-score-adj-values", Special::OomScores, "0 200 800")
        .shell(ShellArea::Process);
    /// Keeps transparent huge pages off.
    DISABLE_THP = C::bool("disable-thp", "yes").immutable()
        .tunes("the setting of the machine is left as it is");
    /// CPUs of the main thread and of threads for sockets.
    SERVER_CPULIST = C::text("server-cpulist", TextRule::Optional, "")
        .alias("server_cpulist").immutable().tunes(CPU);
    /// CPUs of background threads.
    BIO_CPULIST = C::text("bio-cpulist", TextRule::Optional, "")
        .alias("bio_cpulist").immutable().tunes(CPU);
    /// CPUs of the AOF rewrite.
    AOF_REWRITE_CPULIST = C::text("aof-rewrite-cpulist", TextRule::Optional, "")
        .alias("aof_rewrite_cpulist").immutable().tunes(CPU);
    /// CPUs of background saving.
    BGSAVE_CPULIST = C::text("bgsave-cpulist", TextRule::Optional, "")
        .alias("bgsave_cpulist").immutable().tunes(CPU);
}

/// Directives that are lines of a file and have no value of their own.
pub(in crate::config) const LINES: &[C] = &[
    C::special("include", Special::LineOnly, "").summary("Reads another file at this place."),
    C::special("user", Special::LineOnly, "")
        .summary("Declares a user.")
        .sensitive()
        .guards(ACL),
    C::special("rename-command", Special::LineOnly, "")
        .summary("Gives a command another name, or none.")
        .sensitive(),
    C::special("loadmodule", Special::LineOnly, "")
        .summary("Loads a native module.")
        .guards("native modules are not loaded; remove the line"),
    C::special("sentinel", Special::LineOnly, "")
        .summary("Configures a Sentinel.")
        .guards("there is no Sentinel mode in this version; keep the Sentinel that you run"),
];
