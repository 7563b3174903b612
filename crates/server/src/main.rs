//! `vkd`, the Verikey server: a thin shell around the engine.
//!
//! The shell has the sockets, files, clocks, signals and entropy; every decision about data,
//! sessions and permissions is the engine's. One thread runs one loop.
#![forbid(unsafe_code)]

mod accept;
mod allocator;
mod aof;
mod apply;
mod args;
mod at_rest;
mod boot;
mod broadcast;
mod clients;
mod daemon;
mod descriptors;
mod elapsed;
mod facts;
mod hold;
mod host;
mod hub;
mod intake;
mod listen;
mod log;
mod notify;
mod oom;
mod overflow;
mod secrets;
mod serve;
mod settings;
mod shell;
mod signals;
mod snapshot;
mod socket;
mod start;
#[cfg(test)]
mod test_dir;
mod tls_files;
mod usage;
mod work;
mod writable;

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;
use vk_mem::PaddedAlloc;

/// 8-byte size classes need the padding; see [`PaddedAlloc`].
#[global_allocator]
static ALLOCATOR: PaddedAlloc<Jemalloc> = PaddedAlloc::new(Jemalloc);

fn main() -> ExitCode {
    start::run()
}
