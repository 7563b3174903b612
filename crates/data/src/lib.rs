//! Value types, their structures and the keyspace table. No commands, no sessions, no I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

pub mod bits;
pub mod bounds;
pub mod combine;
pub mod entry;
pub mod geo;
pub mod glob;
pub mod hash;
pub mod hll;
pub mod intset;
pub mod keyspace;
pub mod lcs;
pub mod list;
pub mod listpack;
pub mod long_double;
pub mod num;
pub mod pack;
pub mod pieces;
pub mod set;
pub mod siphash;
pub mod stream;
pub mod table;
pub mod value;
mod windows;
pub mod zset;
