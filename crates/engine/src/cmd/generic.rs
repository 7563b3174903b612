//! Commands on keys of any type, and on whole databases.

mod databases;
mod dump;
pub(in crate::cmd) mod expire;
mod inspect;
pub(in crate::cmd) mod move_key;
mod object;
mod remove;
pub(super) mod scan;
pub(in crate::cmd) mod times;
mod ttl;
mod wait;

use super::Command;

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    remove::DEL,
    inspect::EXISTS,
    expire::EXPIRE,
    ttl::TTL,
    move_key::COPY,
    databases::DBSIZE,
    dump::DUMP,
    expire::EXPIREAT,
    ttl::EXPIRETIME,
    databases::FLUSHALL,
    databases::FLUSHDB,
    scan::KEYS,
    move_key::MOVE,
    object::OBJECT,
    expire::PERSIST,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    ttl::PEXPIRETIME,
    ttl::PTTL,
    scan::RANDOMKEY,
    move_key::RENAME,
    move_key::RENAMENX,
    dump::RESTORE,
    dump::RESTORE_ASKING,
    scan::SCAN,
    databases::SWAPDB,
    inspect::TOUCH,
    inspect::TYPE,
    remove::UNLINK,
    wait::WAIT,
    wait::WAITAOF,
];
