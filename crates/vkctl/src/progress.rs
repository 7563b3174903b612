//! How far long work is, on standard error if that is a terminal. Nothing depends on it.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Time between two looks of a person.
const PERIOD: Duration = Duration::from_millis(200);

/// Work over a known number of bytes.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    total_bytes: u64,
    done_bytes: u64,
    begun: Instant,
    due: Instant,
    is_shown: bool,
    is_terminal: bool,
}

impl Progress {
    /// Work that begins now; `what` may hold no bytes of others but escaped.
    pub(crate) fn new(what: String, total_bytes: u64) -> Self {
        let begun = Instant::now();
        Self {
            what,
            total_bytes,
            done_bytes: 0,
            begun,
            due: begun.checked_add(PERIOD).unwrap_or(begun),
            is_shown: false,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// So many bytes more are done.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.done_bytes = self.done_bytes.saturating_add(bytes as u64);
        if !self.is_terminal {
            return;
        }
        let now = Instant::now();
        if now < self.due {
            return;
        }
        self.due = now.checked_add(PERIOD).unwrap_or(now);
        self.is_shown = true;
        let line = self.line(now.duration_since(self.begun));
        // A terminal that went away ends the program elsewhere.
        let _ = write!(io::stderr(), "\r{line}\x1b[K");
    }

    /// Takes the line off the terminal, so that something else can be printed.
    pub(crate) fn clear(&mut self) {
        if self.is_shown {
            self.is_shown = false;
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn line(&self, time: Duration) -> String {
        let (what, done) = (&self.what, bytes_text(self.done_bytes));
        let speed = self.done_bytes.saturating_mul(1000);
        let speed = speed.checked_div(u64::try_from(time.as_millis()).unwrap_or(0));
        let speed = bytes_text(speed.unwrap_or(0));
        // A file may grow while it is read.
        let percent = self.done_bytes.saturating_mul(100);
        match percent.checked_div(self.total_bytes) {
            Some(percent) => {
                let (percent, total) = (percent.min(100), bytes_text(self.total_bytes));
                format!("{what}: {percent}% ({done} of {total}, {speed}/s)")
            }
            None => format!("{what}: {done}, {speed}/s"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A number of bytes as people read it: `1.5 GiB`.
pub(crate) fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut unit = "B";
    let mut tenths = u128::from(bytes).saturating_mul(10);
    for next in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = next;
    }
    if unit == "B" {
        return format!("{bytes} B");
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (5 << 20, "5.0 MiB"),
            (u64::MAX, "16383.9 PiB"),
        ] {
            assert_eq!(bytes_text(bytes), text);
        }
    }

    #[test]
    fn the_line_tells_part_and_speed() {
        let mut progress = Progress::new("dump.rdb".to_owned(), 4 << 20);
        progress.advance(1 << 20);
        let line = progress.line(Duration::from_millis(500));
        assert_eq!(line, "dump.rdb: 25% (1.0 MiB of 4.0 MiB, 2.0 MiB/s)");
        let unknown = Progress::new("pipe".to_owned(), 0);
        assert_eq!(unknown.line(Duration::ZERO), "pipe: 0 B, 0 B/s");
    }
}
