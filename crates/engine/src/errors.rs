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
    /// The user may not use a channel.
    NO_CHANNEL = "NOPERM No permissions to access a channel";
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
    /// HINCRBY of a field that holds something else.
    HASH_NOT_AN_INTEGER = "ERR hash value is not an integer";
    /// HINCRBYFLOAT of a field that holds something else.
    HASH_NOT_A_FLOAT = "ERR hash value is not a float";
    /// HINCRBYFLOAT by what is no amount.
    NAN_OR_INFINITY = "ERR value is NaN or Infinity";
    /// FIELDS with another number of fields than it says.
    BAD_FIELD_COUNT =
        "ERR numfields should be greater than 0 and match the provided number of fields";
    /// A count so large that twice as many elements cannot be counted.
    OUT_OF_RANGE = "ERR value is out of range";
    /// A time to wait in seconds that is no number.
    TIMEOUT_NOT_A_FLOAT = "ERR timeout is not a float or out of range";
    /// ZADD with NX and XX.
    ZADD_NX_AND_XX = "ERR XX and NX options at the same time are not compatible";
    /// ZADD with GT, LT or NX beside another of them.
    ZADD_GT_LT_NX = "ERR GT, LT, and/or NX options at the same time are not compatible";
    /// ZADD with INCR and several members.
    ZADD_INCR_SINGLE = "ERR INCR option supports a single increment-element pair";
    /// Infinities of both signs were added.
    SCORE_NAN = "ERR resulting score is not a number (NaN)";
    /// A range of scores that are none.
    BOUNDS_NOT_FLOATS = "ERR min or max is not a float";
    /// A range of names that are none.
    BOUNDS_NOT_NAMES = "ERR min or max not valid string range item";
    /// ZRANGE of ranks with LIMIT.
    ZRANGE_LIMIT = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE \
        or BYLEX";
    /// ZRANGE of names with WITHSCORES.
    ZRANGE_SCORES =
        "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
    /// WEIGHTS with something else than numbers.
    WEIGHT_NOT_A_FLOAT = "ERR weight value is not a float";
    /// A center of a search that is not in the sorted set.
    GEO_NO_MEMBER = "ERR could not decode requested zset member";
    /// An unknown unit of distance.
    GEO_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI";
    /// A radius that is no number.
    GEO_RADIUS_NOT_A_FLOAT = "ERR need numeric radius";
    /// A radius below zero.
    GEO_RADIUS_NEGATIVE = "ERR radius cannot be negative";
    /// A width that is no number.
    GEO_WIDTH_NOT_A_FLOAT = "ERR need numeric width";
    /// A height that is no number.
    GEO_HEIGHT_NOT_A_FLOAT = "ERR need numeric height";
    /// A box with a side below zero.
    GEO_BOX_NEGATIVE = "ERR height or width cannot be negative";
    /// A number of results below one.
    GEO_COUNT = "ERR COUNT must be > 0";
    /// ANY without a number of results.
    GEO_ANY = "ERR the ANY argument requires COUNT argument";
    /// A number of corners that is none.
    GEO_VERTICES_NOT_AN_INTEGER = "ERR invalid number of vertices";
    /// A polygon of two corners, or with fewer than it says.
    GEO_VERTICES = "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices";
    /// A number of elements below one.
    COUNT_NOT_POSITIVE = "ERR count should be greater than 0";
    /// The request would add to memory that is full.
    OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
    /// CLIENT UNBLOCK with ERROR.
    UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
    /// A time to wait that is no number.
    TIMEOUT_NOT_AN_INTEGER = "ERR timeout is not an integer or out of range";
    /// A time to wait that is below zero.
    TIMEOUT_NEGATIVE = "ERR timeout is negative";
    /// A time to wait that ends beyond what can be counted.
    TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range";
    /// A number that may not be negative.
    NOT_POSITIVE = "ERR value is out of range, must be positive";
    /// SINTERCARD and its kin without keys.
    NUMKEYS_NOT_POSITIVE = "ERR numkeys should be greater than 0";
    /// SINTERCARD and its kin with fewer words than keys.
    TOO_MANY_KEYS = "ERR Number of keys can't be greater than number of args";
    /// SINTERCARD and its kin.
    LIMIT_NEGATIVE = "ERR LIMIT can't be negative";
    /// SORT by what is no number.
    SORT_NOT_NUMBERS = "ERR One or more scores can't be converted into double";
    /// LSET beyond the list.
    INDEX_OUT_OF_RANGE = "ERR index out of range";
    /// LPOS with a rank of zero.
    RANK_ZERO = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second \
        ... or use negative to start from the end of the list";
    /// LPOS with a count that is no number or negative.
    COUNT_NEGATIVE = "ERR COUNT can't be negative";
    /// LPOS with a length that is no number or negative.
    MAXLEN_NEGATIVE = "ERR MAXLEN can't be negative";
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
    /// Commands while a file is loaded.
    LOADING = "LOADING Valkey is loading the dataset in memory";
    /// Writes after a snapshot has failed.
    NOT_SAVED = "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to \
                 persist to disk. Commands that may modify the data set are disabled, because this \
                 instance is configured to report errors during writes if RDB snapshotting fails \
                 (stop-writes-on-bgsave-error option). Please check the Valkey logs for details \
                 about the RDB error.";
    /// SAVE and BGSAVE beside one another.
    SAVE_IN_PROGRESS = "ERR Background save already in progress";
    /// BGSAVE while the append-only file is rewritten.
    OTHER_PASS = "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE \
                  SCHEDULE in order to schedule a BGSAVE whenever possible.";
    /// BGREWRITEAOF beside another one.
    REWRITE_IN_PROGRESS = "ERR Background append only file rewriting already in progress";
    /// BGSAVE CANCEL of nothing.
    NO_SAVE = "ERR Background saving is currently not in progress or scheduled";
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
    /// DEBUG QUICKLIST-PACKED-THRESHOLD of no size.
    DEBUG_NO_MEMORY_VALUE = "ERR argument must be a memory value";
    /// DEBUG RELOAD with an unknown option.
    DEBUG_RELOAD_OPTION = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.";
    /// DEBUG LISTPACK of another value.
    DEBUG_NO_LISTPACK = "ERR Not a listpack encoded object.";
    /// DEBUG PROTOCOL push to a session that cannot receive one.
    DEBUG_RESP2 = "ERR RESP2 is not supported by this command";
    /// DEBUG PROTOCOL of an unknown type.
    DEBUG_PROTOCOL_TYPE = "ERR Wrong protocol type name. Please use one of the following: \
        string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";
    /// GETBIT, SETBIT and BITFIELD.
    BAD_BIT_OFFSET = "ERR bit offset is not an integer or out of range";
    /// SETBIT of something else than 0 or 1.
    BAD_BIT = "ERR bit is not an integer or out of range";
    /// BITPOS of something else than 0 or 1.
    BITPOS_BIT = "ERR The bit argument must be 1 or 0.";
    /// BITOP NOT of several keys.
    BITOP_NOT_ONE = "ERR BITOP NOT must be called with a single source key.";
    /// BITFIELD with a type that is none.
    BITFIELD_TYPE = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
        supported but i64 is.";
    /// BITFIELD with an unknown way to treat overflows.
    BITFIELD_OVERFLOW = "ERR Invalid OVERFLOW type specified";
    /// BITFIELD_RO that would write.
    BITFIELD_RO_WRITES = "ERR BITFIELD_RO only supports the GET subcommand";
    /// A string that does not look like a HyperLogLog.
    NOT_HLL = "WRONGTYPE Key is not a valid HyperLogLog string value.";
    /// A string that looks like a HyperLogLog and is none.
    HLL_CORRUPTED = "INVALIDOBJ Corrupted HLL object detected";
    /// PFDEBUG of a key that is not there.
    PFDEBUG_NO_KEY = "ERR The specified key does not exist";
    /// PFDEBUG DECODE of a dense HyperLogLog.
    HLL_NOT_SPARSE = "ERR HLL encoding is not sparse";
    /// RESTORE of a key that is there.
    BUSY_KEY = "BUSYKEY Target key name already exists.";
    /// RESTORE of bytes whose footer is wrong.
    DUMP_FOOTER = "ERR DUMP payload version or checksum are wrong";
    /// RESTORE of bytes that are no value.
    DUMP_FORMAT = "ERR Bad data format";
    /// RESTORE with a negative time to live.
    RESTORE_TTL = "ERR Invalid TTL value, must be >= 0";
    /// RESTORE with a negative idle time.
    RESTORE_IDLETIME = "ERR Invalid IDLETIME value, must be >= 0";
    /// RESTORE with a frequency that is none.
    RESTORE_FREQ = "ERR Invalid FREQ value, must be >= 0 and <= 255";
    /// A word that is no id of a stream.
    BAD_STREAM_ID = "ERR Invalid stream ID specified as stream command argument";
    /// A range of ids that begins after the largest one.
    BAD_START_ID = "ERR invalid start ID for the interval";
    /// A range of ids that ends before the smallest one.
    BAD_END_ID = "ERR invalid end ID for the interval";
    /// XADD with an id that no entry can have.
    XADD_ID_ZERO = "ERR The ID specified in XADD must be greater than 0-0";
    /// XADD with an id that is not larger than the last one.
    XADD_ID_SMALL = "ERR The ID specified in XADD is equal or smaller than the target stream top \
        item";
    /// XADD behind the largest id.
    XADD_EXHAUSTED = "ERR The stream has exhausted the last possible ID, unable to add more items";
    /// XADD of more than a node can hold.
    XADD_TOO_LARGE = "ERR Elements are too large to be stored";
    /// XADD and XTRIM with two strategies.
    TRIM_TWICE = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
    /// XADD and XTRIM with a negative length.
    TRIM_MAXLEN_NEGATIVE = "ERR The MAXLEN argument must be >= 0.";
    /// XADD and XTRIM with a negative limit.
    TRIM_LIMIT_NEGATIVE = "ERR The LIMIT argument must be >= 0.";
    /// XADD with a limit of nothing.
    TRIM_LIMIT_ALONE =
        "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
    /// XADD and XTRIM with a limit of an exact trim.
    TRIM_LIMIT_EXACT = "ERR syntax error, LIMIT cannot be used without the special ~ option";
    /// XTRIM without saying what stays.
    XTRIM_NO_STRATEGY = "ERR syntax error, XTRIM must be called with a trimming strategy";
    /// XREAD as if it were XREADGROUP.
    XREAD_GROUP =
        "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.";
    /// XREAD as if it were XREADGROUP.
    XREAD_NOACK =
        "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.";
    /// XREAD of what a group has not read.
    XREAD_NEW = "ERR The > ID can be specified only when calling XREADGROUP using the GROUP \
        <group> <consumer> option.";
    /// XREAD of the last entry of a stream that never had one.
    XREAD_NO_LAST = "ERR the stream last element ID is 0-0";
    /// XREADGROUP without a group.
    XREADGROUP_NO_GROUP = "ERR Missing GROUP option for XREADGROUP";
    /// XREADGROUP from the end.
    XREADGROUP_END = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read \
        the history of this consumer by specifying a proper ID, or use the > ID to get new \
        messages. The $ ID would just return an empty result set.";
    /// XREADGROUP of the last entry.
    XREADGROUP_LAST = "ERR The + ID is meaningless in the context of XREADGROUP: you want to read \
        the history of this consumer by specifying a proper ID, or use the > ID to get new \
        messages. The + ID would just return an empty result set.";
    /// XGROUP of a key that is not there.
    XGROUP_NO_KEY = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you \
        may want to use the MKSTREAM option to create an empty stream automatically.";
    /// XGROUP with a number of entries below zero.
    ENTRIESREAD_NEGATIVE = "ERR value for ENTRIESREAD must be positive or -1";
    /// XGROUP CREATE of a group that is there.
    BUSY_GROUP = "BUSYGROUP Consumer Group name already exists";
    /// XSETID with a number of entries below zero.
    XSETID_ADDED_NEGATIVE = "ERR entries_added must be positive";
    /// XSETID with a deleted id behind the last one.
    XSETID_BELOW_GIVEN_DELETED =
        "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
    /// XSETID before an id that was deleted.
    XSETID_BELOW_DELETED =
        "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
    /// XSETID before an entry.
    XSETID_BELOW_LAST =
        "ERR The ID specified in XSETID is smaller than the target stream top item";
    /// XSETID with fewer entries than there are.
    XSETID_BELOW_LEN =
        "ERR The entries_added specified in XSETID is smaller than the target stream length";
    /// XAUTOCLAIM of no entries.
    XAUTOCLAIM_COUNT = "ERR COUNT must be > 0";
    /// XCLAIM with an idle time that is no number.
    XCLAIM_MIN_IDLE = "ERR Invalid min-idle-time argument for XCLAIM";
    /// XAUTOCLAIM with an idle time that is no number.
    XAUTOCLAIM_MIN_IDLE = "ERR Invalid min-idle-time argument for XAUTOCLAIM";
    /// XCLAIM with a number that is none.
    XCLAIM_IDLE = "ERR Invalid IDLE option argument for XCLAIM";
    /// XCLAIM with a number that is none.
    XCLAIM_TIME = "ERR Invalid TIME option argument for XCLAIM";
    /// XCLAIM with a number that is none.
    XCLAIM_RETRYCOUNT = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
    /// XDELEX and XACKDEL with a number of ids that is none.
    IDS_NOT_POSITIVE = "ERR Number of IDs must be a positive integer";
    /// XDELEX and XACKDEL with another number of ids than they say.
    IDS_MISMATCH = "ERR The `numids` parameter must match the number of arguments";
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Error {}
