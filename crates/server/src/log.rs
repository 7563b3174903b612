//! The log: one line a record, to the standard output or a file, and to syslog if asked.
//!
//! Records are text that is already made; what may be logged (and what is redacted) is decided
//! by whoever makes it. A record can never span lines or carry terminal controls, whoever's
//! bytes are in it.

pub(crate) mod line;
mod sink;
mod syslog;
mod zone;

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use line::{Format, Level, TimestampFormat};
use sink::Sink;
pub(crate) use syslog::{Facility, SyslogSettings};
use zone::Zone;

/// Everything about the log that the configuration decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// `loglevel`.
    pub(crate) level: Level,
    /// `log-format`.
    pub(crate) format: Format,
    /// `log-timestamp-format`.
    pub(crate) timestamps: TimestampFormat,
    /// `logfile`; none for the standard output.
    pub(crate) file: Option<PathBuf>,
    /// `syslog-enabled` with its identity and facility.
    pub(crate) syslog: Option<SyslogSettings>,
    /// No group or others bits on a log file that is created (strict profile).
    pub(crate) private: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: Level::Notice,
            format: Format::Legacy,
            timestamps: TimestampFormat::Legacy,
            file: None,
            syslog: None,
            private: false,
        }
    }
}

/// The log of the process, shared by its threads.
pub(crate) struct Logger {
    level: AtomicU8,
    inner: Mutex<Inner>,
}

struct Inner {
    settings: LogSettings,
    sink: Sink,
    syslog: Option<syslog::Syslog>,
    zone: Zone,
    pid: u32,
    buffer: String,
    /// Records that could not be written and were not told of yet: a full disk, a closed pipe.
    lost: u64,
}

impl Logger {
    /// Opens the log. To be called before the first thread starts: only then can the time zone
    /// be read; later it would be UTC.
    ///
    /// # Errors
    ///
    /// The log file cannot be opened for appending.
    pub(crate) fn new(settings: LogSettings) -> io::Result<Self> {
        let zone = Zone::local(SystemTime::now());
        let inner = Inner {
            sink: Sink::open(settings.file.as_deref(), settings.private)?,
            syslog: settings.syslog.clone().map(syslog::Syslog::new),
            pid: std::process::id(),
            buffer: String::new(),
            lost: 0,
            zone,
            settings,
        };
        let level = AtomicU8::new(inner.settings.level as u8);
        Ok(Self {
            level,
            inner: Mutex::new(inner),
        })
    }

    /// Puts new settings in force, all or nothing.
    ///
    /// # Errors
    ///
    /// The new log file cannot be opened; the old settings hold.
    pub(crate) fn reconfigure(&self, settings: LogSettings) -> io::Result<()> {
        let mut inner = self.lock();
        if settings.file != inner.settings.file {
            inner.sink = Sink::open(settings.file.as_deref(), settings.private)?;
        }
        if settings.syslog != inner.settings.syslog {
            inner.syslog = settings.syslog.clone().map(syslog::Syslog::new);
        }
        self.level.store(settings.level as u8, Ordering::Relaxed);
        inner.settings = settings;
        Ok(())
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> LogSettings {
        self.lock().settings.clone()
    }

    /// Whether a record of this level would be written: asked before its text is made.
    pub(crate) fn enabled(&self, level: Level) -> bool {
        level != Level::Nothing && level as u8 >= self.level.load(Ordering::Relaxed)
    }

    /// Writes one record.
    pub(crate) fn log(&self, level: Level, text: &str) {
        if self.enabled(level) {
            self.write(level, text, SystemTime::now());
        }
    }

    /// Writes text as it is, without time and level: banners, made by ourselves alone.
    pub(crate) fn raw(&self, text: &str) {
        if self.enabled(Level::Warning) {
            let mut inner = self.lock();
            if inner.sink.write(text.as_bytes()).is_err() {
                inner.lost = inner.lost.saturating_add(1);
            }
        }
    }

    /// Whether somebody looks at the log on a terminal right now.
    pub(crate) fn is_terminal(&self) -> bool {
        let inner = self.lock();
        inner.settings.file.is_none() && inner.syslog.is_none() && io::stdout().is_terminal()
    }

    fn write(&self, level: Level, text: &str, now: SystemTime) {
        let unix_ms = now.duration_since(UNIX_EPOCH).map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        });
        let mut inner = self.lock();
        let mut buffer = std::mem::take(&mut inner.buffer);
        buffer.clear();
        let offset_s = inner.zone.offset_s(unix_ms.div_euclid(1_000));
        let stamp = line::Stamp { unix_ms, offset_s };
        let shape = (inner.settings.format, inner.settings.timestamps);
        line::write(&mut buffer, shape, stamp, inner.pid, level, text);
        if inner.sink.write(buffer.as_bytes()).is_err() {
            // A log that cannot be written must not stop the service; it says so once it can.
            inner.lost = inner.lost.saturating_add(1);
        } else if inner.lost > 0 {
            let text = format!("{} log records before could not be written", inner.lost);
            buffer.clear();
            line::write(&mut buffer, shape, stamp, inner.pid, Level::Warning, &text);
            if inner.sink.write(buffer.as_bytes()).is_ok() {
                inner.lost = 0;
            }
        }
        if let Some(syslog) = inner.syslog.as_mut() {
            syslog.send(level, stamp, text);
        }
        inner.buffer = buffer;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger")
            .field("settings", &self.settings())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_dir::TestDir;
    use std::fs;

    fn settings(dir: &TestDir) -> LogSettings {
        LogSettings {
            file: Some(dir.path().join("vkd.log")),
            ..LogSettings::default()
        }
    }

    #[test]
    fn levels_filter_and_lines_are_whole() {
        let dir = TestDir::new();
        let logger = Logger::new(settings(&dir)).unwrap();
        logger.log(Level::Debug, "unseen");
        logger.log(Level::Notice, "one\ntwo");
        logger.log(Level::Nothing, "never");
        logger.log(Level::Warning, "three");
        let text = fs::read_to_string(dir.path().join("vkd.log")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let pid = std::process::id();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].starts_with(&format!("{pid}:M ")) && lines[0].ends_with(" * one\\ntwo"));
        assert!(lines[1].starts_with(&format!("{pid}:M ")) && lines[1].ends_with(" # three"));
    }

    #[test]
    fn nothing_silences_everything() {
        let dir = TestDir::new();
        let logger = Logger::new(LogSettings {
            level: Level::Nothing,
            ..settings(&dir)
        })
        .unwrap();
        logger.log(Level::Warning, "unseen");
        logger.raw("unseen");
        assert_eq!(fs::read(dir.path().join("vkd.log")).unwrap(), b"");
    }

    #[test]
    fn a_rotated_file_is_followed() {
        let dir = TestDir::new();
        let file = dir.path().join("vkd.log");
        let logger = Logger::new(settings(&dir)).unwrap();
        logger.log(Level::Notice, "first");
        fs::rename(&file, dir.path().join("vkd.log.1")).unwrap();
        logger.log(Level::Notice, "second");
        fs::remove_file(&file).unwrap();
        logger.log(Level::Notice, "third");
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.ends_with("* third\n") && text.lines().count() == 1,
            "{text}"
        );
        let old = fs::read_to_string(dir.path().join("vkd.log.1")).unwrap();
        assert!(
            old.ends_with("* first\n") && old.lines().count() == 1,
            "{old}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_opened_changes_nothing() {
        let dir = TestDir::new();
        let logger = Logger::new(settings(&dir)).unwrap();
        let wrong = LogSettings {
            file: Some(dir.path().join("no/such/folder/log")),
            level: Level::Debug,
            ..LogSettings::default()
        };
        assert!(logger.reconfigure(wrong.clone()).is_err());
        assert_eq!(logger.settings(), settings(&dir));
        assert!(Logger::new(wrong).is_err());
        let json = LogSettings {
            format: Format::Json,
            ..settings(&dir)
        };
        logger.reconfigure(json).unwrap();
        logger.log(Level::Notice, "x");
        let text = fs::read_to_string(dir.path().join("vkd.log")).unwrap();
        assert!(text.starts_with("{\"pid\":"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lines_that_are_lost_are_told_of_later() {
        let dir = TestDir::new();
        let full = LogSettings {
            file: Some("/dev/full".into()),
            ..LogSettings::default()
        };
        let logger = Logger::new(full).unwrap();
        logger.log(Level::Notice, "x");
        logger.log(Level::Notice, "y");
        logger.reconfigure(settings(&dir)).unwrap();
        logger.log(Level::Notice, "room again");
        logger.log(Level::Notice, "and on");
        let text = fs::read_to_string(dir.path().join("vkd.log")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].ends_with("* room again") && lines[2].ends_with("* and on"));
        assert!(lines[1].ends_with("# 2 log records before could not be written"));
    }
}
