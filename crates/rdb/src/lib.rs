//! The RDB format: values as they lie in DUMP payloads, and files of them with their keys. What an
//! operating system calls a file is not known here.
//!
//! Everything that is read is checked before a value comes of it, and nothing is reserved for what
//! the bytes merely promise. Source of the format: <https://rdb.fnordig.de/file_format.html>.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[doc(hidden)]
pub mod check;
mod crc64;
mod dump;
mod error;
mod file;
mod load;
mod lzf;
mod reader;
mod save;
#[cfg(test)]
mod tests;
mod transcribe;
mod types;
mod writer;

pub use crc64::{Crc64, crc64};
pub use dump::{Checksum, DUMP_VERSION_MAX, RestoreError, dump, restore};
pub use error::RdbError;
pub use file::{
    Facts, FileError, FileEvent, FileFault, FileReader, FileWriter, KeyRecord, ReadOptions,
    RecordUse, RecordValue, ReplicationFacts, TextSpan, VERSION_MIN,
};
pub use load::{LoadLimits, Loaded, load};
pub use lzf::{Compressor, decompress};
pub use reader::{Length, Reader, Text};
pub use save::{code_of, code_of_shape, round_trip, save, save_piece, save_shape, version_for};
pub use transcribe::{
    Inexpressible, VERSION_FUNCTIONS_MIN, VERSION_TRANSCRIBED_MIN, code_in, save_as, transcribe,
};
pub use types::{VERSION_REDIS_MAX, VERSION_VALKEY, ValueCode};
pub use writer::{Compression, Writer};
