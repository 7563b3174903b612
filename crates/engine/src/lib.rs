//! The command state machine: everything that Verikey does with a request, and nothing else.
//!
//! The machine is told (`handle_*`) and asked (`poll_*`). It has no clock, no socket, no thread and
//! no entropy of its own: time, seeds, buffer sizes and host figures are inputs, so that equal
//! inputs give equal outputs. See [`Engine`] for the order of the calls.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[doc(hidden)]
pub mod check;
pub mod cmd;
pub mod config;

mod access;
mod aof;
mod blocking;
mod cron;
mod ctx;
mod databases;
mod effects;
mod engine;
mod env;
mod errors;
mod evict;
mod info;
mod key_sessions;
mod lengths;
mod memory;
mod observe;
mod output;
mod pause;
mod peer;
mod pipeline;
mod pubsub;
mod push;
mod random;
mod session;
mod slot;
mod snapshot;
mod stats;
#[cfg(test)]
mod testkit;
mod tracking;
mod users;
pub mod version;

pub use aof::{AofFacts, AofRewrite};
pub use cmd::{Command, CommandNames, Run, specs};
pub use effects::{EffectBuf, EffectError, EffectGroup, GroupMark};
pub use engine::{Digest, Engine, EngineConfig, Identity, Seeds, SessionLimits};
pub use env::{Env, Host, MonoMicros, Ticks, UnixMicros, WorkBudget};
pub use errors::Error;
pub use evict::REPLY_BYTES_UNLIMITED;
pub use output::{
    CloseReason, Completion, CrashKind, Directive, Disposition, Event, LogLevel, Output,
    ShutdownFlags, Ticket,
};
pub use peer::{ListenerKind, Local, Peer, Refusal, Remote, TlsPeer, UnixPeer};
pub use session::{HostFacts, NetUsage, SessionClass, SessionId};
pub use snapshot::{
    BackgroundSave, LoadError, LoadOptions, LoadStep, SaveFault, SnapshotBusy, SnapshotChunk,
    SnapshotForm, SnapshotId, SnapshotPlan, SnapshotStep, record_commands,
};
pub use users::{BootUser, BootUsers, sha256};
