//! Commands about connections and sessions.

mod auth;
mod basic;
mod client;
mod client_filter;
mod client_import;
mod client_line;
mod client_list;
mod client_name;
mod client_pause;
mod client_tracking;
mod client_unblock;
mod cluster;

use super::Command;

pub(crate) use client_line::{address, session_bytes};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    auth::AUTH,
    basic::ASKING,
    client::CLIENT,
    cluster::CLUSTER,
    basic::ECHO,
    auth::HELLO,
    basic::PING,
    basic::QUIT,
    basic::READONLY,
    basic::READWRITE,
    basic::RESET,
    basic::SELECT,
];
