//! Records to the local syslog: datagrams to `/dev/log` (RFC 3164 as the C library sends them).
//!
//! Best effort: a syslog that is not there, or is full, never holds the server up.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use super::line::{self, Civil, Format, Level, Stamp};

/// The longest text of one datagram: syslog daemons cut at 8 KiB or less.
const TEXT_BYTES_MAX: usize = 8_000;

/// A syslog facility (`syslog-facility`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facility(u8);

impl Facility {
    /// The facility of `user` or `local0` to `local7`, in any case.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        if word == "user" {
            return Some(Self(1));
        }
        let number: u8 = word.strip_prefix("local")?.parse().ok()?;
        (number <= 7 && word.len() == 6).then(|| Self(number.saturating_add(16)))
    }
}

/// How records are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyslogSettings {
    /// `syslog-ident`.
    pub(crate) ident: String,
    /// `syslog-facility`.
    pub(crate) facility: Facility,
    /// The daemon's socket: `/dev/log`.
    pub(crate) socket: PathBuf,
}

/// A connection to the daemon, made when it is needed.
#[derive(Debug)]
pub(super) struct Syslog {
    settings: SyslogSettings,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    pub(super) fn new(settings: SyslogSettings) -> Self {
        Self {
            settings,
            socket: None,
        }
    }

    /// Sends one record; a daemon that was restarted is found again.
    pub(super) fn send(&mut self, level: Level, stamp: Stamp, text: &str) {
        let message = self.message(level, stamp, text);
        for _ in 0..2 {
            if self.socket.is_none() {
                self.socket = self.connect().ok();
            }
            let Some(socket) = &self.socket else { return };
            match socket.send(message.as_bytes()) {
                Ok(_) => return,
                // Full: this record is lost for syslog.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.socket = None,
            }
        }
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.settings.socket)?;
        Ok(socket)
    }

    fn message(&self, level: Level, stamp: Stamp, text: &str) -> String {
        let severity = match level {
            Level::Debug => 7,
            Level::Verbose => 6,
            Level::Notice => 5,
            Level::Warning | Level::Nothing => 4,
        };
        let priority = u32::from(self.settings.facility.0) * 8 + severity;
        let at = Civil::new(stamp);
        let mut out = format!(
            "<{priority}>{} {:2} {:02}:{:02}:{:02} ",
            at.month_name(),
            at.day,
            at.hour,
            at.minute,
            at.second
        );
        line::escape(&mut out, &self.settings.ident, Format::Legacy);
        out.push_str(&format!("[{}]: ", std::process::id()));
        let mut end = text.len().min(TEXT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        line::escape(
            &mut out,
            text.get(..end).unwrap_or_default(),
            Format::Legacy,
        );
        if end < text.len() {
            out.push_str("...");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_dir::TestDir;
    use std::fs;

    const STAMP: Stamp = Stamp {
        unix_ms: 1_795_442_706_007,
        offset_s: 0,
    };

    fn receive(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 9_000];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn facilities() {
        assert_eq!(Facility::from_word("USER"), Some(Facility(1)));
        assert_eq!(Facility::from_word("local0"), Some(Facility(16)));
        assert_eq!(Facility::from_word("local7"), Some(Facility(23)));
        assert_eq!(Facility::from_word("local8"), None);
        assert_eq!(Facility::from_word("local+1"), None);
    }

    #[test]
    fn records_arrive_and_a_restarted_daemon_is_found_again() {
        let dir = TestDir::new();
        let path = dir.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let settings = SyslogSettings {
            ident: "vkd".to_owned(),
            facility: Facility(16),
            socket: path.clone(),
        };
        let mut syslog = Syslog::new(settings);
        syslog.send(Level::Warning, STAMP, "a\nb");
        let pid = std::process::id();
        assert_eq!(
            receive(&daemon),
            format!("<132>Nov 23 14:05:06 vkd[{pid}]: a\\nb")
        );
        drop(daemon);
        fs::remove_file(&path).unwrap();
        syslog.send(Level::Notice, STAMP, "lost");
        let daemon = UnixDatagram::bind(&path).unwrap();
        syslog.send(Level::Notice, STAMP, "found");
        assert!(receive(&daemon).ends_with("found"));
        let long = "\u{e9}".repeat(8_000);
        syslog.send(Level::Notice, STAMP, &long);
        assert!(receive(&daemon).ends_with("\u{e9}..."));
    }
}
