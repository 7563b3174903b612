//! The two kinds of failure: what the person asked for makes no sense, or the link failed.
//! Error replies of a server are not failures of the program and are not here.

use std::fmt;
use std::io;

/// A wrong option, argument or local file: the person at the terminal can cure it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsageError(String);

impl UsageError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What ended or prevented a connection.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum LinkError {
    /// The connection could not be made or was lost.
    Io(io::Error),
    /// The server ended the connection in an orderly way.
    Closed,
    /// The TLS handshake or a TLS record failed.
    Tls(String),
    /// What the server sent is no reply, or is beyond the limits.
    Protocol(String),
    /// The person pressed Ctrl-C while a reply was awaited.
    Interrupted,
    /// Nothing arrived within the time allowed.
    TimedOut,
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for LinkError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => formatter.write_str(&io_text(error)),
            Self::Closed => formatter.write_str("Server closed the connection"),
            Self::Tls(text) | Self::Protocol(text) => formatter.write_str(text),
            Self::Interrupted => formatter.write_str("Interrupted"),
            Self::TimedOut => formatter.write_str("Connection timed out"),
        }
    }
}

/// The text of an I/O error without the number that Rust appends.
pub(crate) fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&text);
    match text.split_once(" (os error ") {
        Some((text, _)) => text.to_owned(),
        None => text.to_owned(),
    }
}

/// Either kind, for the functions that meet both.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum Failure {
    Usage(UsageError),
    Link(LinkError),
    /// No connection could be made; the text says where and why.
    Connect(String),
    /// A command answered with an error, and the person wants that to count.
    Reply(String),
    /// Standard output or input failed; a reader that went away is not worth a message.
    Local(io::Error),
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Local(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(formatter),
            Self::Link(error) => write!(formatter, "Error: {error}"),
            Self::Connect(text) | Self::Reply(text) => formatter.write_str(text),
            Self::Local(error) => write!(formatter, "Error: {}", io_text(error)),
        }
    }
}
