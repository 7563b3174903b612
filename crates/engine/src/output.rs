//! What the machine asks of the shell.
//!
//! Outputs are drained with [`crate::Engine::poll_output`] after every `handle_*` call.

use alloc::{string::String, sync::Arc, vec::Vec};

use vk_resp::ReplyBuf;

use crate::{
    AofRewrite, BackgroundSave, SessionId, SnapshotId,
    config::{Changed, ConfigId},
};

/// Names a piece of work that was asked of the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The reply, if there is one, is complete.
    Done,
    /// The session waits: nothing more of it runs until [`Output::Wake`].
    Parked,
    /// Close the connection once the reply is out.
    Close,
    /// Close the connection now and send nothing.
    CloseNow,
}

/// Why the machine closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// CLIENT KILL.
    Killed,
    /// The `timeout` directive.
    Idle,
    /// The user was removed or switched off.
    UserGone,
    /// The sessions took more memory together than `maxmemory-clients` allows.
    Evicted,
}

/// Something for the shell to do.
#[derive(Debug)]
pub enum Output {
    /// Bytes for a session, outside any request.
    Push {
        /// The receiver.
        session: SessionId,
        /// Encoded pushes.
        bytes: ReplyBuf,
    },
    /// The same bytes for many sessions, outside any request.
    Broadcast {
        /// The receivers; one that is gone gets nothing.
        receivers: Arc<[SessionId]>,
        /// Not this one.
        except: Option<SessionId>,
        /// Encoded pushes.
        bytes: ReplyBuf,
    },
    /// A parked session goes on.
    Wake {
        /// The session.
        session: SessionId,
        /// The reply to the parked request.
        reply: ReplyBuf,
        /// How that request ended.
        disposition: Disposition,
    },
    /// A connection is to be closed; what is queued for it is dropped.
    Close {
        /// The session.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
    /// Work that ends with [`crate::Engine::handle_completion`].
    Directive {
        /// To be handed back.
        ticket: Ticket,
        /// What to do.
        directive: Directive,
    },
    /// A snapshot is to be written while commands go on; ends with
    /// [`crate::Engine::handle_saved`].
    BackgroundSave(BackgroundSave),
    /// Such a snapshot is not wanted any more.
    CancelSave(SnapshotId),
    /// All keys are to be saved before anything else is done; ends with
    /// [`crate::Engine::handle_saved_all`].
    SaveAll,
    /// The append-only file is to be rewritten while commands go on; ends with
    /// [`crate::Engine::handle_rewritten`].
    RewriteAof(AofRewrite),
    /// A record for people.
    Event(Event),
}

/// Work outside the machine.
#[derive(Debug)]
#[non_exhaustive]
pub enum Directive {
    /// Put changed configuration into force; a failure rolls it back.
    ApplyConfig {
        /// What changed, in the order of the request.
        changed: Vec<Changed>,
    },
    /// Write the configuration back into its file.
    RewriteConfig {
        /// Every value, default or not.
        all: bool,
    },
    /// End the process in order.
    Shutdown(ShutdownFlags),
    /// End the process in disorder (DEBUG).
    Crash(CrashKind),
    /// Save all keys before anything else is done (SAVE).
    Save,
    /// Save all keys, forget them, and load the file again (DEBUG RELOAD).
    Reload {
        /// Save first, or else load what an earlier snapshot holds.
        saves: bool,
        /// Forget all keys before the file is loaded.
        flushes: bool,
        /// Keys of the file replace those that are there.
        merges: bool,
    },
    /// Write the append-only file out, forget all keys, and load it again (DEBUG LOADAOF).
    LoadAof,
    /// Give memory that is free back to the system.
    PurgeMemory,
}

/// Arguments of SHUTDOWN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShutdownFlags {
    /// SAVE or NOSAVE, if given.
    pub save: Option<bool>,
    /// NOW: do not wait for replicas.
    pub now: bool,
    /// FORCE: end though something failed.
    pub force: bool,
    /// SAFE: refuse when slots would be lost.
    pub safe: bool,
    /// FAILOVER: hand over first.
    pub failover: bool,
}

/// How DEBUG ends the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CrashKind {
    /// An abort, as after a failed assertion.
    Abort,
    /// By the signal of a wild pointer.
    Segfault,
    /// An immediate exit without any cleaning up.
    Exit,
    /// Start again with the same arguments.
    Restart,
}

/// How the work behind a ticket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// As asked.
    Done,
    /// Not done; the text is what the client is told.
    Failed(String),
    /// Configuration was not put into force.
    NotApplied {
        /// The directive that could not be followed.
        directive: ConfigId,
        /// What is wrong.
        reason: String,
    },
}

/// Severity of a log record, as in the `loglevel` directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// Rarely useful.
    Verbose,
    /// What an operator wants to know.
    Notice,
    /// What an operator must know.
    Warning,
}

/// A record for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A line for the log. May hold any characters: the shell escapes them.
    Log {
        /// Severity.
        level: LogLevel,
        /// The text.
        text: String,
    },
}
