//! What a peer can do wrong on the wire, and the text that tells it. Not the errors of commands.

use core::fmt;

/// A request stream that cannot be followed any further: reply, then close the connection.
///
/// `Display` gives the text after `-ERR `. The peer is at fault in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// An inline line of more than [`crate::INLINE_BYTES_MAX`] bytes.
    TooBigInline,
    /// A `*` header line of more than [`crate::INLINE_BYTES_MAX`] bytes.
    TooBigMultibulkCount,
    /// The number of arguments is no number or too large.
    InvalidMultibulkLength,
    /// More arguments than a client may send before it is authenticated.
    UnauthenticatedMultibulkLength,
    /// A `$` header line of more than [`crate::INLINE_BYTES_MAX`] bytes.
    TooBigBulkCount,
    /// This byte stood where the `$` of an argument was due.
    ExpectedDollar(u8),
    /// The length of an argument is no number, negative or too large.
    InvalidBulkLength,
    /// A longer argument than a client may send before it is authenticated.
    UnauthenticatedBulkLength,
    /// An inline request with an open quote, or text right after a closing one.
    UnbalancedQuotes,
    /// A header line or an argument that does not end with CR LF.
    InvalidCrlf,
    /// One request takes more bytes than [`crate::Limits::query_bytes_max`].
    QueryBufferLimit,
}

impl ProtocolError {
    /// Whether the connection is closed without a reply (and the event logged instead).
    #[must_use]
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::QueryBufferLimit)
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match *self {
            Self::TooBigInline => "too big inline request",
            Self::TooBigMultibulkCount => "too big mbulk count string",
            Self::InvalidMultibulkLength => "invalid multibulk length",
            Self::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            Self::TooBigBulkCount => "too big bulk count string",
            Self::InvalidBulkLength => "invalid bulk length",
            Self::UnauthenticatedBulkLength => "unauthenticated bulk length",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::InvalidCrlf => "invalid CRLF in request",
            Self::QueryBufferLimit => "query buffer limit reached",
            Self::ExpectedDollar(byte) => {
                // Control bytes would forge a line of the reply or of a log.
                let shown = match byte {
                    b' '..=b'~' => char::from(byte),
                    b'\r' | b'\n' | b'\0' => ' ',
                    _ => '?',
                };
                return write!(f, "Protocol error: expected '$', got '{shown}'");
            }
        };
        write!(f, "Protocol error: {what}")
    }
}

impl core::error::Error for ProtocolError {}
