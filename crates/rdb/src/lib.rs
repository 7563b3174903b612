//! The RDB format: values as they lie in snapshots and in DUMP payloads. No files, no keys: how
//! values follow each other in a file is not known here.
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
mod load;
mod lzf;
mod reader;
mod save;
#[cfg(test)]
mod tests;
mod types;
mod writer;

pub use crc64::{Crc64, crc64};
pub use dump::{Checksum, DUMP_VERSION_MAX, RestoreError, dump, restore};
pub use error::RdbError;
pub use load::{LoadLimits, Loaded, load};
pub use lzf::{Compressor, decompress};
pub use reader::{Length, Reader, Text};
pub use save::{round_trip, save, version_for};
pub use types::ValueCode;
pub use writer::{Compression, Writer};
