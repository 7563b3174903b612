//! The append-only file: which files it consists of, what is written to them and when, and how they
//! are read; and the encryption of these and of snapshots. Files themselves are not known here:
//! what is to be done with them is data.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod check;
mod log;
mod manifest;
mod names;
mod reader;
mod recovery;
mod rewrite;
pub mod seal;
mod step;

pub use log::{Aof, FsyncPolicy, Group, LogOptions, LogStatus};
pub use manifest::{Manifest, ManifestError, ManifestFault};
pub use names::Names;
pub use reader::{LogEvent, LogFault, LogReader};
pub use recovery::{Found, Recovered, Recovery, RecoveryFault};
pub use step::{FileOp, Step};
