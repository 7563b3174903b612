//! Commands about the server itself: what it can do, how it is configured, how it fares.
//!
//! Not here: DBSIZE, FLUSHALL, FLUSHDB and SWAPDB, which are about keys (`generic`).

mod command;
mod command_docs;
mod command_info;
mod command_keys;
mod config;
mod debug;
mod debug_object;
mod debug_protocol;
mod debug_value;
mod info;
mod lolwut;
mod memory;
mod module;
mod replication;
mod shutdown;
mod time;

use super::Command;

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    command::COMMAND,
    config::CONFIG,
    debug::DEBUG,
    info::INFO,
    time::LASTSAVE,
    lolwut::LOLWUT,
    memory::MEMORY,
    module::MODULE,
    replication::REPLICAOF,
    replication::ROLE,
    shutdown::SHUTDOWN,
    replication::SLAVEOF,
    time::TIME,
];
