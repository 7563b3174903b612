//! The table of commands: each is declared once, in its family's file, and everything that is told
//! about commands comes from here.
//!
//! A family file holds the declarations, the argument structures with their `parse`, the handlers
//! and their tests. Handlers parse, call into `vk-data` and reply; algorithms live there.

mod bitmap;
pub(crate) mod connection;
mod generic;
mod geo;
mod hash;
mod help;
mod hyperloglog;
mod list;
mod names;
mod pubsub;
mod server;
mod set;
mod sort;
mod sorted_set;
mod stream;
mod string;
mod table;
mod transactions;

use vk_rdb::LoadLimits;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{Categories, CommandSpec, Flags};

use crate::{
    Engine, Error,
    ctx::{ReadCtx, SessionCtx, WriteCtx},
};

pub use names::{CommandNames, RenameError};
pub use table::CommandId;
pub(crate) use table::CommandTable;

/// Up to where a value that is read from a file or a payload gets a small encoding.
pub(crate) fn load_limits(engine: &Engine) -> LoadLimits {
    LoadLimits {
        list: list::limits_of(engine),
        set: set::limits_of(engine),
        hash: hash::limits_of(engine),
        zset: sorted_set::limits_of(engine),
    }
}

/// A handler that only reads the keyspace.
pub type ReadFn = fn(&mut ReadCtx<'_>, Request<'_>, &mut ReplyBuf) -> Result<(), Error>;
/// A handler that may change the keyspace.
pub type WriteFn = fn(&mut WriteCtx<'_>, Request<'_>, &mut ReplyBuf) -> Result<(), Error>;
/// A handler about sessions or the server.
pub type SessionFn = fn(&mut SessionCtx<'_>, Request<'_>, &mut ReplyBuf) -> Result<(), Error>;

/// How a command runs, which decides what it may do.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// Reads keys. A refreshed cache inside a value (PFCOUNT) is not a change.
    Read(ReadFn),
    /// Reads and changes keys.
    Write(WriteFn),
    /// Deals with sessions, configuration or the server.
    Session(SessionFn),
    /// Has subcommands only.
    Container(&'static [Command]),
    /// Has subcommands, and does something without one, too (COMMAND).
    Both(SessionFn, &'static [Command]),
}

/// A command: what is said about it and how it runs.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// What is said about it.
    pub spec: CommandSpec,
    /// How it runs.
    pub run: Run,
}

impl Command {
    /// Whether it may change the keyspace.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        matches!(self.run, Run::Write(_))
    }

    /// Whether it may have something for replicas, so that a pause of writes holds it.
    #[must_use]
    pub const fn may_replicate(&self) -> bool {
        self.is_write() || self.spec.flags.contains(Flags::MAY_REPLICATE)
    }

    /// Whether it reads the keyspace and never changes it.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        matches!(self.run, Run::Read(_))
    }

    /// Its subcommands.
    #[must_use]
    pub const fn subcommands(&self) -> &'static [Self] {
        match self.run {
            Run::Container(inner) | Run::Both(_, inner) => inner,
            _ => &[],
        }
    }

    /// ACL categories: those declared and those that follow from what it does.
    #[must_use]
    pub const fn categories(&self) -> Categories {
        let flags = self.spec.flags;
        let mut all = self.spec.categories;
        if self.is_write() {
            all = all.union(Categories::WRITE);
        }
        if self.is_read() && !all.contains(Categories::SCRIPTING) {
            all = all.union(Categories::READ);
        }
        if flags.contains(Flags::ADMIN) {
            all = all.union(Categories::ADMIN).union(Categories::DANGEROUS);
        }
        if flags.contains(Flags::PUBSUB) {
            all = all.union(Categories::PUBSUB);
        }
        if flags.contains(Flags::BLOCKING) {
            all = all.union(Categories::BLOCKING);
        }
        let speed = if flags.contains(Flags::FAST) {
            Categories::FAST
        } else {
            Categories::SLOW
        };
        all.union(speed)
    }
}

/// The commands in the order of their groups.
pub const GROUPS: &[&[Command]] = &[
    string::COMMANDS,
    list::COMMANDS,
    set::COMMANDS,
    hash::COMMANDS,
    sorted_set::COMMANDS,
    stream::COMMANDS,
    bitmap::COMMANDS,
    hyperloglog::COMMANDS,
    geo::COMMANDS,
    sort::COMMANDS,
    generic::COMMANDS,
    pubsub::COMMANDS,
    transactions::COMMANDS,
    connection::COMMANDS,
    server::COMMANDS,
];

/// Every top-level command.
pub fn specs() -> impl Iterator<Item = &'static Command> {
    GROUPS.iter().copied().flatten()
}

const _: () = table::check(GROUPS);
