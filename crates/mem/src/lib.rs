//! Memory primitives of the data store: entries in one allocation, prefetch, allocator padding,
//! and the processor's time counter.
//!
//! This is the one crate with unsafe code. It knows bytes and sizes, not commands, value types or
//! tables. No raw pointer leaves it.
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]

extern crate alloc as std_alloc;

#[cfg(test)]
extern crate std;

mod alloc;
mod bits;
mod block;
mod buf;
mod cycles;
mod entry;
mod layout;
mod prefetch;
mod size_class;
mod thin;

pub use alloc::PaddedAlloc;
pub use bits::{
    BitOp, CpuFeatures, combine_bits, first_other_byte, invert_bits, max_bytes, popcount,
    set_cpu_features,
};
pub use buf::{Buf, TooLong};
pub use cycles::cycle_counter;
pub use entry::{Access, Entry, ValueRef};
pub use prefetch::prefetch_read;
pub use size_class::size_class;
pub use thin::Thin;
