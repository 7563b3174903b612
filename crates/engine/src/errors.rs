//! The error texts of the wire, each in one place.
//!
//! A text is what stands behind the `-` of an error reply: an error code in capitals, a space and
//! a sentence. Clients match on them, so they are Valkey's own.

use alloc::string::String;
use core::fmt;

/// An error reply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A text of the table below.
    Fixed(&'static str),
    /// A text that names something of the request. Line breaks in it are neutralised on the wire.
    Told(String),
    /// Already written into the reply by the handler.
    Written,
}

impl Error {
    /// A text that names something of the request.
    #[must_use]
    pub fn told(text: fmt::Arguments<'_>) -> Self {
        Self::Told(alloc::fmt::format(text))
    }

    /// The line behind the `-`.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Told(text) => text,
            Self::Written => "",
        }
    }
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        impl Error {
            $($(#[$doc])* pub const $name: Self = Self::Fixed($text);)*
        }
    };
}

errors! {
    /// The key holds a value of another type.
    WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
    /// An option is unknown, misplaced or given twice.
    SYNTAX = "ERR syntax error";
    /// A number is no integer or out of range.
    NOT_AN_INTEGER = "ERR value is not an integer or out of range";
    /// A number is no float.
    NOT_A_FLOAT = "ERR value is not a valid float";
    /// The key must exist.
    NO_SUCH_KEY = "ERR no such key";
    /// Authentication comes first.
    NO_AUTH = "NOAUTH Authentication required.";
    /// A wrong user or password, or a user that is off.
    WRONG_PASS = "WRONGPASS invalid username-password pair or user is disabled.";
    /// A command that never runs in a transaction.
    NO_MULTI = "ERR Command not allowed inside a transaction";
    /// Two equal objects where different ones are needed.
    SAME_OBJECT = "ERR source and destination objects are the same";
    /// A database number out of range.
    DB_OUT_OF_RANGE = "ERR DB index is out of range";
    /// A position out of range.
    INDEX_OUT_OF_RANGE = "ERR index out of range";
    /// Strings are bounded by proto-max-bulk-len.
    STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    /// INCR and its kin.
    INCR_OVERFLOW = "ERR increment or decrement would overflow";
    /// INCRBYFLOAT.
    INCR_NAN = "ERR increment would produce NaN or Infinity";
    /// SETRANGE and GETRANGE.
    OFFSET_OUT_OF_RANGE = "ERR offset is out of range";
    /// A cursor that is no number.
    BAD_CURSOR = "ERR invalid cursor";
    /// Memory is full.
    OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
    /// The dataset is loading.
    LOADING = "LOADING Valkey is loading the dataset in memory";
    /// MULTI inside MULTI.
    NESTED_MULTI = "ERR MULTI calls can not be nested";
    /// EXEC on its own.
    EXEC_WITHOUT_MULTI = "ERR EXEC without MULTI";
    /// DISCARD on its own.
    DISCARD_WITHOUT_MULTI = "ERR DISCARD without MULTI";
    /// A command was refused while queueing.
    EXEC_ABORT = "EXECABORT Transaction discarded because of previous errors.";
    /// WATCH inside MULTI.
    WATCH_IN_MULTI = "ERR WATCH inside MULTI is not allowed";
    /// Cluster commands of a server alone.
    CLUSTER_DISABLED = "ERR This instance has cluster support disabled";
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Error {}
