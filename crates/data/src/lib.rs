//! Value types, their structures and the keyspace table. No commands, no sessions, no I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

pub mod entry;
pub mod glob;
pub mod keyspace;
pub mod lcs;
pub mod long_double;
pub mod num;
pub mod siphash;
pub mod table;
pub mod value;
