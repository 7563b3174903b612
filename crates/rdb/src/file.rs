//! RDB files: header, records of keys and of other things, end and checksum. No files of an
//! operating system: bytes in, events out, and the other way round.
//!
//! ```text
//! REDIS0011 | VALKEY080
//! 250 name value          facts about the file (AUX)
//! 245 code                a library of functions
//! 254 number              database of the keys that follow (SELECTDB)
//! 251 keys volatile       how many there are (RESIZEDB)
//! [253 s | 252 ms] [248 idle | 249 count] code key value
//! 255 checksum            the end
//! ```

mod error;
mod reader;
mod skip;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{FileError, FileFault};
pub use reader::{FileEvent, FileReader, KeyRecord, ReadOptions, RecordUse, RecordValue};
pub use writer::{Facts, FileWriter, ReplicationFacts, TextSpan};

/// The oldest version that is written: that of Redis 7.0, the first with listpacks.
pub const VERSION_MIN: u16 = 10;
/// The first version with a checksum at its end.
const VERSION_CHECKSUM: u16 = 5;

/// What stands before things that are no keys.
pub(crate) mod opcode {
    /// A migration of slots that was going on.
    pub(crate) const SLOT_IMPORT: u8 = 243;
    /// Counts of a slot, a hint.
    pub(crate) const SLOT_INFO: u8 = 244;
    /// A library of functions.
    pub(crate) const FUNCTION: u8 = 245;
    /// The same in release candidates of 7.0.
    pub(crate) const FUNCTION_PRE_GA: u8 = 246;
    /// What a module keeps beside its values.
    pub(crate) const MODULE_AUX: u8 = 247;
    /// Seconds since the last use of the key that follows.
    pub(crate) const IDLE: u8 = 248;
    /// The counter of uses of the key that follows.
    pub(crate) const FREQ: u8 = 249;
    /// A fact about the file.
    pub(crate) const AUX: u8 = 250;
    /// How many keys the database has.
    pub(crate) const RESIZE_DB: u8 = 251;
    /// The expiry of the key that follows, in milliseconds.
    pub(crate) const EXPIRE_MS: u8 = 252;
    /// The same in seconds.
    pub(crate) const EXPIRE_S: u8 = 253;
    /// The database of the keys that follow.
    pub(crate) const SELECT_DB: u8 = 254;
    /// The end.
    pub(crate) const EOF: u8 = 255;
}
