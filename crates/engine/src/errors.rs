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
    /// EXEC on its own.
    EXEC_WITHOUT_MULTI = "ERR EXEC without MULTI";
    /// DISCARD on its own.
    DISCARD_WITHOUT_MULTI = "ERR DISCARD without MULTI";
    /// A command was refused while queueing.
    EXEC_ABORT = "EXECABORT Transaction discarded because of previous errors.";
    /// DECRBY of the smallest integer.
    DECR_OVERFLOW = "ERR decrement would overflow";
    /// A count of keys that is no number or does not fit.
    BAD_KEY_COUNT = "ERR invalid numkeys value or out of range";
    /// INCREX with ENX and no time.
    ENX_WITHOUT_EXPIRY = "ERR ENX flag requires an expiration";
    /// INCREX with bounds that leave nothing between them.
    BOUNDS_CROSSED = "ERR LBOUND is greater than UBOUND";
    /// LCS of other types.
    LCS_NOT_STRINGS = "ERR The specified keys must contain string values";
    /// LCS with LEN and IDX.
    LCS_LEN_AND_IDX = "ERR If you want both the length and indexes, please just use IDX.";
    /// LCS of strings of 4 GiB.
    LCS_TOO_LONG = "ERR String too long for LCS";
    /// LCS whose table would be larger than a string may be.
    LCS_LIMIT =
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
    /// LCS without memory for its table.
    LCS_NO_MEMORY =
        "ERR Insufficient memory, failed allocating transient memory for LCS";
    /// EXPIRE with NX beside another condition.
    EXPIRE_NX_AND_OTHERS =
        "ERR NX and XX, GT or LT options at the same time are not compatible";
    /// EXPIRE with GT and LT.
    EXPIRE_GT_AND_LT = "ERR GT and LT options at the same time are not compatible";
    /// SWAPDB's first argument.
    BAD_FIRST_DB = "ERR invalid first DB index";
    /// SWAPDB's second argument.
    BAD_SECOND_DB = "ERR invalid second DB index";
    /// OBJECT IDLETIME while uses are counted.
    LFU_SELECTED = "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note \
        that when switching between policies at runtime LRU and LFU data will take some time to \
        adjust.";
    /// OBJECT FREQ while uses are not counted.
    LFU_NOT_SELECTED = "ERR An LFU maxmemory policy is not selected, access frequency not \
        tracked. Please note that when switching between policies at runtime LRU and LFU data \
        will take some time to adjust.";
    /// HSCAN's option elsewhere.
    NOVALUES_OUTSIDE_HSCAN = "ERR NOVALUES option can only be used in HSCAN";
    /// ZSCAN's option elsewhere.
    NOSCORES_OUTSIDE_ZSCAN = "ERR NOSCORES option can only be used in ZSCAN";
    /// A time to wait that is no number.
    TIMEOUT_NOT_AN_INTEGER = "ERR timeout is not an integer or out of range";
    /// A time to wait that is below zero.
    TIMEOUT_NEGATIVE = "ERR timeout is negative";
    /// A time to wait that ends beyond what can be counted.
    TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range";
    /// A number that may not be negative.
    NOT_POSITIVE = "ERR value is out of range, must be positive";
    /// WAITAOF without a log.
    WAITAOF_WITHOUT_AOF =
        "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    /// Cluster commands of a server alone.
    CLUSTER_DISABLED = "ERR This instance has cluster support disabled";
    /// MODULE LOAD and LOADEX.
    MODULE_NOT_LOADED = "ERR Error loading the extension. Please check the server logs.";
    /// MODULE UNLOAD.
    NO_SUCH_MODULE = "ERR Error unloading module: no such module with that name";
    /// REPLICAOF with a port that is none.
    BAD_PRIMARY_PORT = "ERR Invalid master port";
    /// REPLICAOF another server.
    NO_REPLICATION = "ERR replication is not supported by this version";
    /// SHUTDOWN ABORT.
    NO_SHUTDOWN = "ERR No shutdown in progress.";
    /// SHUTDOWN that cannot do what it should do first.
    SHUTDOWN_FAILED = "ERR Errors trying to SHUTDOWN. Check logs.";
    /// SHUTDOWN FAILOVER of a server alone.
    SHUTDOWN_FAILOVER = "ERR SHUTDOWN FAILOVER requires cluster mode.";
    /// CONFIG REWRITE without a file.
    NO_CONFIG_FILE = "ERR The server is running without a config file";
    /// COMMAND GETKEYS of no command.
    GETKEYS_INVALID_COMMAND = "ERR Invalid command specified";
    /// COMMAND GETKEYS of a command without keys.
    GETKEYS_NO_KEYS = "ERR The command has no key arguments";
    /// COMMAND GETKEYS with too many or too few words.
    GETKEYS_ARITY = "ERR Invalid number of arguments specified for command";
    /// COMMAND GETKEYS of arguments that name no keys.
    GETKEYS_INVALID_ARGUMENTS = "ERR Invalid arguments specified for command";
    /// DEBUG HTSTATS of a database that is none.
    DEBUG_DB_OUT_OF_RANGE = "ERR Out of range database";
    /// DEBUG HTSTATS-KEY of a value without a table.
    DEBUG_NO_HASH_TABLE =
        "ERR The value stored at the specified key is not represented using an hash table";
    /// DEBUG PROTOCOL push to a session that cannot receive one.
    DEBUG_RESP2 = "ERR RESP2 is not supported by this command";
    /// DEBUG PROTOCOL of an unknown type.
    DEBUG_PROTOCOL_TYPE = "ERR Wrong protocol type name. Please use one of the following: \
        string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Error {}
