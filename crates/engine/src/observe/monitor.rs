//! What sessions in MONITOR mode are shown: a line for each command, behind its reply.
//!
//! Commands of administrators are not shown, secrets are struck out. A monitor that does not read
//! is bounded by the output limit of its class, as every session is.

use alloc::string::String;
use core::fmt::Write as _;

use vk_resp::Request;
use vk_spec::Flags;

use super::{REDACTED, Secrets};
use crate::{
    Engine, Local, SessionId,
    cmd::{CommandId, connection::address},
    session::{Session, SessionFlags},
};

impl Engine {
    /// A session begins to monitor.
    pub(crate) fn begin_monitor(&mut self, session: SessionId) {
        if let Some(state) = self.sessions.find_mut(session) {
            state.flags.insert(SessionFlags::MONITOR);
            self.observe.monitors.push(session);
        }
    }

    /// A session monitors no more.
    pub(crate) fn end_monitor(&mut self, session: SessionId) {
        if !self.observe.monitors.is_empty() {
            self.observe.monitors.retain(|id| *id != session);
        }
        if let Some(state) = self.sessions.find_mut(session) {
            state.flags.remove(SessionFlags::MONITOR);
        }
    }

    /// Shows a command that has run, or blocks, to those who monitor.
    #[inline]
    pub(crate) fn show_monitors(
        &mut self,
        session: SessionId,
        id: CommandId,
        request: Request<'_>,
    ) {
        if !self.observe.monitors.is_empty() {
            self.show(session, id, request);
        }
    }

    #[cold]
    fn show(&mut self, session: SessionId, id: CommandId, request: Request<'_>) {
        let spec = &self.commands.command(id).spec;
        if spec
            .flags
            .intersects(Flags::SKIP_MONITOR.union(Flags::ADMIN))
        {
            return;
        }
        let Some(state) = self.sessions.find(session) else {
            return;
        };
        let (seconds, micros) = (
            self.wall.0.div_euclid(1_000_000),
            self.wall.0.rem_euclid(1_000_000),
        );
        let secrets = Secrets::of(self.commands.full_name(id), spec, request);
        let (db, who) = (state.db, origin(state));
        let mut line = alloc::format!("{seconds}.{micros:06} [{db} {who}]");
        for (at, word) in request.iter().enumerate() {
            let word = if secrets.contains(at) { REDACTED } else { word };
            line.push(' ');
            push_quoted(&mut line, word);
        }
        for monitor in self.observe.monitors.clone() {
            self.push(monitor, |reply| reply.simple(&line));
        }
    }
}

/// Where a command came from.
fn origin(session: &Session) -> String {
    match &session.peer.local {
        Local::Unix(path) => alloc::format!("unix:{path}"),
        _ => address(session),
    }
}

/// A word in double quotes, every byte that is no printable ASCII escaped.
fn push_quoted(line: &mut String, word: &[u8]) {
    line.push('"');
    for byte in word {
        match byte {
            b'"' | b'\\' => {
                line.push('\\');
                line.push(char::from(*byte));
            }
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            0x07 => line.push_str("\\a"),
            0x08 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(*byte)),
            // A string takes whatever is written to it.
            _ => {
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::push_quoted;

    #[test]
    fn a_line_is_printable_whatever_the_words_are() {
        let mut line = String::new();
        push_quoted(&mut line, b"a\"b\\c\r\n\t\x07\x08\x00\xff ~\x7f");
        assert_eq!(line, "\"a\\\"b\\\\c\\r\\n\\t\\a\\b\\x00\\xff ~\\x7f\"");
    }
}
