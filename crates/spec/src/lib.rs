//! The vocabulary in which commands and configuration are declared.
//!
//! Types and constants only: nothing here runs a command, and nothing here knows which commands
//! exist. The shapes follow what `COMMAND INFO` and `COMMAND DOCS` answer
//! (<https://valkey.io/commands/command-docs/>), because clients depend on them.
#![no_std]
#![forbid(unsafe_code)]

mod args;
mod channels;
mod command;
pub mod config;
mod keys;
mod syntax;

pub use args::{ArgFlags, ArgKind, ArgSpec};
pub use channels::{ChannelAccess, ChannelSpec};
pub use command::{Categories, CommandSpec, Deprecation, Flags, Group, History};
pub use keys::{Begin, Find, KeyFlags, KeySpec};
pub use syntax::Syntax;
