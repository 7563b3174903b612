//! Running one command of a person's: sending it, printing its replies, following redirections
//! and noting what it changed. Not the reading of the command.

use std::thread;
use std::time::Duration;

use vk_resp::Reply;

use crate::endpoint::Address;
use crate::error::{Failure, LinkError, UsageError};
use crate::options::OutputMode;
use crate::printer::Reading;
use crate::session::Session;
use crate::terminal;

/// Redirections that one command may meet; more is a ring of servers that point at each other.
const REDIRECTIONS_MAX: usize = 16;

/// Longest host name in a redirection.
const HOST_BYTES_MAX: usize = 255;

/// Where a cluster says the key is.
#[derive(Debug, PartialEq, Eq)]
struct Redirection {
    slot: u32,
    /// `None`: the same host.
    host: Option<String>,
    port: u16,
    asking: bool,
}

impl Session {
    /// Runs a command `repeat` times (for ever when negative) and prints its replies.
    pub(crate) fn run(
        &mut self,
        command: &[Vec<u8>],
        repeat: i64,
        interval: Duration,
    ) -> Result<(), Failure> {
        if is(command, 0, "sync") || is(command, 0, "psync") {
            let text = "SYNC and PSYNC are for replicas: this client does not speak their protocol";
            return Err(UsageError::new(text).into());
        }
        if !self.is_connected() {
            self.connect()?;
        }
        for _ in 0..=REDIRECTIONS_MAX {
            match self.attempt(command, repeat, interval) {
                Ok(None) => return Ok(()),
                Ok(Some(redirection)) => self.follow(&redirection)?,
                Err(Failure::Link(LinkError::Interrupted)) if self.interactive => {
                    self.connect()?;
                    return Ok(());
                }
                Err(Failure::Link(LinkError::Closed | LinkError::Io(_)))
                    if is(command, 0, "shutdown") =>
                {
                    self.disconnect();
                    return Ok(());
                }
                Err(failure @ Failure::Link(_)) => {
                    self.disconnect();
                    return Err(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(UsageError::new("The servers of the cluster redirect in a circle").into())
    }

    fn attempt(
        &mut self,
        command: &[Vec<u8>],
        repeat: i64,
        interval: Duration,
    ) -> Result<Option<Redirection>, Failure> {
        let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
        let encoded = vk_resp::encode_command(&words);
        let mut left = repeat;
        while left != 0 {
            left = if left < 0 {
                left
            } else {
                left.saturating_sub(1)
            };
            self.send(&encoded)?;
            if is(command, 0, "monitor") {
                return self.monitor();
            }
            if let Some(redirection) = self.read_replies(command)? {
                return Ok(Some(redirection));
            }
            if !interval.is_zero() {
                thread::sleep(interval);
            }
        }
        Ok(None)
    }

    fn monitor(&mut self) -> Result<Option<Redirection>, Failure> {
        loop {
            let reply = self.next_reply()?;
            self.show(&reply, Reading::ByMode)?;
            if is_error(&reply) {
                return Ok(None);
            }
        }
    }

    /// Prints what arrives up to the reply of the command itself.
    fn read_replies(&mut self, command: &[Vec<u8>]) -> Result<Option<Redirection>, Failure> {
        let subscribes = ["subscribe", "psubscribe", "ssubscribe"];
        let unsubscribes = ["unsubscribe", "punsubscribe", "sunsubscribe"];
        let any = |names: [&str; 3]| names.iter().any(|name| is(command, 0, name));
        let (subscribe, unsubscribe) = (any(subscribes), any(unsubscribes));
        let mut confirmations = 0;
        if subscribe || unsubscribe {
            // One for every channel, and at least one; as pushes in RESP3.
            confirmations = command.len().saturating_sub(1).max(1);
            self.state.pushes_in_band = true;
        }
        loop {
            let reply = self.next_reply()?;
            if let Some(redirection) = self.redirection(&reply)? {
                return Ok(Some(redirection));
            }
            self.show(&reply, reading(command))?;
            if self.state.subscribed || confirmations > 0 {
                if is_message(&reply, self.state.resp3) {
                    if confirmations == 0 || !confirms(&reply, command) {
                        continue;
                    }
                    self.state.subscribed |= subscribe;
                    confirmations = confirmations.saturating_sub(1);
                    if confirmations > 0 {
                        continue;
                    }
                } else if matches!(reply, Reply::Push(_)) {
                    continue;
                }
            }
            self.note(command, &reply)?;
            if (subscribe || unsubscribe) && !self.state.subscribed {
                self.state.pushes_in_band = false;
            }
            return Ok(None);
        }
    }

    /// Prints a reply; an error ends the program when the person asked for that.
    fn show(&self, reply: &Reply, reading: Reading) -> Result<(), Failure> {
        if let Reply::Error(text) | Reply::BulkError(text) = reply
            && self.fails_on_error
            && !self.interactive
        {
            return Err(Failure::Reply(terminal::escape_line(text)));
        }
        self.printer.reply(reply, reading)?;
        Ok(())
    }

    /// Remembers what a command did to the connection.
    fn note(&mut self, command: &[Vec<u8>], reply: &Reply) -> Result<(), Failure> {
        let failed = is_error(reply);
        let alone = command.len() == 1;
        if is(command, 0, "select") && command.len() == 2 && !failed {
            let number = command
                .get(1)
                .and_then(|number| std::str::from_utf8(number).ok());
            self.state.database = number.and_then(|number| number.parse().ok()).unwrap_or(0);
            self.wanted_database = self.state.database;
        } else if is(command, 0, "auth") && matches!(command.len(), 2 | 3) {
            self.select()?;
        } else if is(command, 0, "multi") && alone && !failed {
            self.state.in_multi = true;
            self.state.database_before_multi = self.state.database;
        } else if is(command, 0, "exec") && alone && self.state.in_multi {
            self.state.in_multi = false;
            if failed || matches!(reply, Reply::Null | Reply::NullArray) {
                self.forget_selection();
            }
        } else if is(command, 0, "discard") && alone && !failed {
            self.state.in_multi = false;
            self.forget_selection();
        } else if is(command, 0, "reset") && alone && !failed {
            self.state = crate::session::State::default();
            self.wanted_database = 0;
        } else if is(command, 0, "hello") {
            match reply {
                Reply::Map(_) => self.state.resp3 = true,
                Reply::Array(_) => self.state.resp3 = false,
                _ => {}
            }
        }
        Ok(())
    }

    fn forget_selection(&mut self) {
        self.state.database = self.state.database_before_multi;
        self.wanted_database = self.state.database;
    }

    fn redirection(&self, reply: &Reply) -> Result<Option<Redirection>, Failure> {
        let (Reply::Error(text) | Reply::BulkError(text), true) =
            (reply, self.follows_redirections)
        else {
            return Ok(None);
        };
        if !text.starts_with(b"MOVED ") && !text.starts_with(b"ASK ") {
            return Ok(None);
        }
        let parsed = parse_redirection(text);
        parsed.map(Some).ok_or_else(|| {
            let text = format!("Unusable redirection: {}", terminal::escape_line(text));
            UsageError::new(text).into()
        })
    }

    fn follow(&mut self, redirection: &Redirection) -> Result<(), Failure> {
        let host = match (&redirection.host, self.address()) {
            (Some(host), _) => host.clone(),
            (None, Address::Tcp { host, .. }) => host.clone(),
            (None, Address::Unix(_)) => "127.0.0.1".to_owned(),
        };
        let port = redirection.port;
        if self.interactive {
            let slot = redirection.slot;
            let text = format!("-> Redirected to slot [{slot}] located at {host}:{port}\n");
            self.printer.bytes(text.as_bytes(), false)?;
        }
        self.set_address(Address::Tcp { host, port });
        self.connect()?;
        if redirection.asking {
            let reply = self.call(&[b"ASKING"])?;
            if let Reply::Error(text) = reply {
                let text = format!("ASKING failed: {}", terminal::escape_line(&text));
                return Err(Failure::Reply(text));
            }
        }
        Ok(())
    }

    /// Prints messages for ever; for a subscription that is not interactive.
    pub(crate) fn print_messages(&mut self) -> Result<(), Failure> {
        while self.state.subscribed {
            let reply = self.next_reply()?;
            self.show(&reply, Reading::ByMode)?;
        }
        Ok(())
    }

    /// Is the output meant for people?
    pub(crate) fn prints_standard(&self) -> bool {
        self.printer.mode() == OutputMode::Standard
    }
}

/// Is the word at `place` this name, in any case?
pub(crate) fn is(command: &[Vec<u8>], place: usize, name: &str) -> bool {
    command
        .get(place)
        .is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}

fn is_error(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(_) | Reply::BulkError(_))
}

/// Commands whose reply is a text for people.
fn reading(command: &[Vec<u8>]) -> Reading {
    const TEXTS: [(&str, &str, usize); 10] = [
        ("debug", "htstats", usize::MAX),
        ("debug", "htstats-key", usize::MAX),
        ("debug", "client-eviction", usize::MAX),
        ("memory", "malloc-stats", usize::MAX),
        ("memory", "doctor", usize::MAX),
        ("cluster", "nodes", 2),
        ("cluster", "info", 2),
        ("client", "list", usize::MAX),
        ("client", "info", usize::MAX),
        ("latency", "doctor", 2),
    ];
    if is(command, 0, "lolwut") {
        return Reading::ColoredText;
    }
    let listed = TEXTS.iter().any(|(name, sub, words)| {
        is(command, 0, name) && is(command, 1, sub) && command.len() <= *words
    });
    let graph = command.len() == 3 && is(command, 0, "latency") && is(command, 1, "graph");
    if is(command, 0, "info") || listed || graph {
        Reading::Text
    } else {
        Reading::ByMode
    }
}

/// The elements of a message of publish and subscribe.
fn is_message(reply: &Reply, resp3: bool) -> bool {
    message_kind(reply, resp3)
        .is_some_and(|kind| kind.ends_with(b"message") || kind.ends_with(b"subscribe"))
}

fn message_kind(reply: &Reply, resp3: bool) -> Option<&[u8]> {
    let items = match (reply, resp3) {
        (Reply::Push(items), true) | (Reply::Array(items), false) if items.len() >= 3 => items,
        _ => return None,
    };
    match items.first() {
        Some(Reply::Bulk(kind)) => Some(kind),
        _ => None,
    }
}

fn confirms(reply: &Reply, command: &[Vec<u8>]) -> bool {
    let (Reply::Push(items) | Reply::Array(items)) = reply else {
        return false;
    };
    match (items.first(), command.first()) {
        (Some(Reply::Bulk(kind)), Some(name)) => kind.eq_ignore_ascii_case(name),
        _ => false,
    }
}

/// `MOVED 3999 127.0.0.1:6381`; the host may be missing, and may be an IPv6 address.
fn parse_redirection(text: &[u8]) -> Option<Redirection> {
    let mut words = std::str::from_utf8(text).ok()?.split(' ');
    let asking = words.next()? == "ASK";
    let slot = words.next()?.parse().ok()?;
    let (host, port) = words.next()?.rsplit_once(':')?;
    if host.len() > HOST_BYTES_MAX || host.chars().any(char::is_control) {
        return None;
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = (!host.is_empty()).then(|| host.to_owned());
    Some(Redirection {
        slot,
        host,
        port: port.parse().ok()?,
        asking,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_are_read() {
        let host = |host: &str| Some(host.to_owned());
        let moved = Redirection {
            slot: 3999,
            host: host("h.x"),
            port: 6381,
            asking: false,
        };
        assert_eq!(parse_redirection(b"MOVED 3999 h.x:6381"), Some(moved));
        let ask = Redirection {
            slot: 1,
            host: host("::1"),
            port: 7,
            asking: true,
        };
        assert_eq!(parse_redirection(b"ASK 1 ::1:7"), Some(ask));
        let same = Redirection {
            slot: 5,
            host: None,
            port: 9,
            asking: false,
        };
        assert_eq!(parse_redirection(b"MOVED 5 :9"), Some(same));
        let long = format!("MOVED 5 {}:9", "h".repeat(1024 * 1024));
        for bad in [
            "MOVED",
            "MOVED x h:1",
            "MOVED 1 h",
            "MOVED 1 h:99999",
            long.as_str(),
        ] {
            assert_eq!(parse_redirection(bad.as_bytes()), None);
        }
    }

    #[test]
    fn texts_for_people_are_known() {
        let words = |line: &str| crate::words::split(line.as_bytes()).unwrap_or_default();
        assert_eq!(reading(&words("INFO server")), Reading::Text);
        assert_eq!(reading(&words("client LIST")), Reading::Text);
        assert_eq!(reading(&words("cluster nodes x")), Reading::ByMode);
        assert_eq!(reading(&words("latency graph e")), Reading::Text);
        assert_eq!(reading(&words("lolwut 5 1 2 3")), Reading::ColoredText);
        assert_eq!(reading(&words("get info")), Reading::ByMode);
    }
}
