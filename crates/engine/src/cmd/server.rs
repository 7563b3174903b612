//! Commands about the server itself: what it can do, how it is configured, how it fares.
//!
//! Not here: DBSIZE, FLUSHALL, FLUSHDB and SWAPDB, which are about keys (`generic`).

mod command;
mod command_docs;
mod command_info;
mod command_keys;
mod command_log;
mod config;
mod debug;
mod debug_object;
mod debug_process;
mod debug_protocol;
mod debug_value;
mod hotkeys;
mod info;
mod latency;
mod latency_report;
mod lolwut;
mod memory;
mod module;
mod monitor;
mod replication;
mod rewrite_aof;
mod save;
mod shutdown;
mod time;

use super::Command;

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    rewrite_aof::BGREWRITEAOF,
    save::BGSAVE,
    command::COMMAND,
    command_log::COMMANDLOG,
    config::CONFIG,
    debug::DEBUG,
    hotkeys::HOTKEYS,
    info::INFO,
    time::LASTSAVE,
    latency::LATENCY,
    lolwut::LOLWUT,
    memory::MEMORY,
    module::MODULE,
    monitor::MONITOR,
    replication::REPLICAOF,
    replication::ROLE,
    save::SAVE,
    shutdown::SHUTDOWN,
    replication::SLAVEOF,
    command_log::SLOWLOG,
    time::TIME,
];
