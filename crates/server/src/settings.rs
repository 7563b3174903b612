//! What the shell's parts need of the configuration, in their own terms.
//! Nothing is read from or written to the system here.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::PathBuf};

use vk_engine::{
    SessionClass, ShutdownFlags,
    config::{Config, ConfigId, id},
};
use vk_net::OutputLimit;
use vk_spec::config::Profile;
use zeroize::Zeroizing;

use crate::{
    listen::{UnixWanted, Wanted},
    log::{Facility, Format, Level, LogSettings, SyslogSettings, TimestampFormat},
    tls_files::{AuthClients, TlsSettings},
};

/// What a signal means for the end: the flags of `shutdown-on-sigint` and `shutdown-on-sigterm`.
pub(crate) fn shutdown_flags(config: &Config, id: ConfigId) -> ShutdownFlags {
    let words = config.choice(id);
    let has = |wanted: &str| words.split(' ').any(|word| word == wanted);
    let is_said = has("save") || has("nosave");
    ShutdownFlags {
        save: is_said.then(|| has("save")),
        now: has("now"),
        force: has("force"),
        ..ShutdownFlags::default()
    }
}

/// The daemon that `syslog-enabled` speaks to.
const SYSLOG_SOCKET: &str = "/dev/log";

/// A path, unless the directive is empty.
pub(crate) fn path(config: &Config, id: ConfigId) -> Option<PathBuf> {
    let bytes = config.bytes(id);
    (!bytes.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(bytes)))
}

/// A number that its directive's range keeps inside `usize`.
pub(crate) fn count(config: &Config, id: ConfigId) -> usize {
    usize::try_from(config.int(id)).unwrap_or(0)
}

/// Whether the strict profile holds.
pub(crate) fn is_strict(config: &Config) -> bool {
    config.profile() == Profile::Strict
}

/// Where to listen.
pub(crate) fn wanted(config: &Config) -> Wanted {
    let port = |id| u16::try_from(config.int(id)).unwrap_or(0);
    let group = config.text(id::UNIXSOCKETGROUP).into_owned();
    Wanted {
        port: port(id::PORT),
        tls_port: port(id::TLS_PORT),
        bind: config
            .words(id::BIND)
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect(),
        unix: path(config, id::UNIXSOCKET).map(|path| UnixWanted {
            path,
            mode: u32::try_from(config.int(id::UNIXSOCKETPERM)).unwrap_or(0),
            group: (!group.is_empty()).then_some(group),
        }),
        backlog: i32::try_from(config.int(id::TCP_BACKLOG)).unwrap_or(i32::MAX),
    }
}

/// How the log is written.
pub(crate) fn log(config: &Config) -> LogSettings {
    let word = |id| config.choice(id);
    LogSettings {
        level: Level::from_word(&word(id::LOGLEVEL)).unwrap_or(Level::Notice),
        format: Format::from_word(&word(id::LOG_FORMAT)).unwrap_or(Format::Legacy),
        timestamps: TimestampFormat::from_word(&word(id::LOG_TIMESTAMP_FORMAT))
            .unwrap_or(TimestampFormat::Legacy),
        file: path(config, id::LOGFILE),
        syslog: config
            .bool(id::SYSLOG_ENABLED)
            .then(|| syslog(config))
            .flatten(),
        private: is_strict(config),
    }
}

fn syslog(config: &Config) -> Option<SyslogSettings> {
    let facility = Facility::from_word(&config.choice(id::SYSLOG_FACILITY))?;
    let ident = config.text(id::SYSLOG_IDENT).into_owned();
    Some(SyslogSettings {
        ident,
        facility,
        socket: PathBuf::from(SYSLOG_SOCKET),
    })
}

/// The `tls-*` directives.
pub(crate) fn tls(config: &Config) -> TlsSettings {
    let pass = config.text(id::TLS_KEY_FILE_PASS).into_owned();
    TlsSettings {
        cert_file: path(config, id::TLS_CERT_FILE),
        key_file: path(config, id::TLS_KEY_FILE),
        key_file_pass: (!pass.is_empty()).then(|| Zeroizing::new(pass)),
        ca_cert_file: path(config, id::TLS_CA_CERT_FILE),
        ca_cert_dir: path(config, id::TLS_CA_CERT_DIR),
        auth_clients: AuthClients::from_word(&config.choice(id::TLS_AUTH_CLIENTS))
            .unwrap_or(AuthClients::Yes),
        protocols: config.text(id::TLS_PROTOCOLS).into_owned(),
        ciphers: config.text(id::TLS_CIPHERS).into_owned(),
        ciphersuites: config.text(id::TLS_CIPHERSUITES).into_owned(),
        prefer_server_ciphers: config.bool(id::TLS_PREFER_SERVER_CIPHERS),
        session_caching: config.bool(id::TLS_SESSION_CACHING),
        session_cache_size: count(config, id::TLS_SESSION_CACHE_SIZE),
        strict: is_strict(config),
    }
}

/// What may wait to be sent on a connection whose session is of this class.
pub(crate) fn output_limit(config: &Config, class: SessionClass) -> OutputLimit {
    let [normal, _, pubsub] = config.output_limits();
    let limit = match class {
        SessionClass::PubSub => pubsub,
        _ => normal,
    };
    OutputLimit {
        hard_bytes: limit.hard_bytes,
        soft_bytes: limit.soft_bytes,
        soft_seconds: u64::try_from(limit.soft_seconds).unwrap_or(0),
    }
}
