//! What is written to the log and when: groups of effects become commands, commands become writes,
//! writes become durable. What a rewrite does to the files is in `rewrite.rs`.
//!
//! The contract: with `always` a reply leaves after its effects are on disk; with `everysec` and
//! `no` after they were written to the system, so that the end of the process loses nothing that
//! was acknowledged.

use alloc::{format, vec::Vec};

use crate::{Manifest, Names};

/// When what was written is given to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FsyncPolicy {
    /// Before a reply leaves.
    Always,
    /// Once per second.
    EverySecond,
    /// When the system wants to.
    No,
}

/// Settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogOptions {
    /// When what was written is given to the disk.
    pub policy: FsyncPolicy,
    /// The time is noted between the commands.
    pub notes_time: bool,
}

/// Effects one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct Group<'b> {
    /// The database that the first of them applies to; all of them, if they are not one.
    pub db: u32,
    /// All of them hold, or none does.
    pub is_atomic: bool,
    /// The effects, as RESP arrays one behind the other.
    pub bytes: &'b [u8],
}

/// Figures of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct LogStatus {
    /// Bytes of all files that would be loaded.
    pub current_bytes: u64,
    /// Bytes after the last rewrite, or at the start.
    pub base_bytes: u64,
    /// Bytes that were not written yet.
    pub buffer_bytes: usize,
    /// Effects up to this position were written to the system.
    pub written: u64,
    /// Effects up to this position are on disk.
    pub durable: u64,
}

/// The log of a server that has one.
#[derive(Debug, Clone, Hash)]
pub struct Aof {
    pub(crate) options: LogOptions,
    pub(crate) names: Names,
    pub(crate) manifest: Manifest,
    pub(crate) place: Place,
    pub(crate) rewrite: Option<Rewrite>,
    /// The disk has failed: what was written since the last rewrite may be lost.
    pub(crate) is_lost: bool,
    /// Replies wait for effects that are in no file, up to the next base.
    pub(crate) is_withheld: bool,
    /// Commands that were not written yet.
    pub(crate) buffer: Vec<u8>,
    /// The position of the effects behind the buffer.
    pub(crate) position: u64,
    /// Effects up to this position are on disk, if the file that they went to is in the list.
    pub(crate) synced: u64,
    /// The database that the file's commands apply to; unknown where a file begins.
    pub(crate) selected: Option<u32>,
    noted_s: i64,
    pub(crate) status: LogStatus,
}

/// Where commands go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Nowhere: the next rewrite's base has them.
    Nowhere,
    /// To the last increment of the list.
    Listed,
    /// To a file that comes into the list together with a base.
    Apart,
}

/// A rewrite that is going on.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Rewrite {
    pub(crate) way: Way,
    /// Effects up to this position are in its base.
    pub(crate) position: u64,
    /// Bytes of the increment that stays.
    pub(crate) bytes: u64,
    /// What goes on from its base is lost.
    pub(crate) is_spoilt: bool,
}

/// What goes on behind the base of a rewrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// The increment of the list that began with it.
    Behind,
    /// The file apart.
    Apart,
    /// Nothing.
    Alone,
}

impl Aof {
    /// A log of these files, which hold `bytes`.
    #[must_use]
    pub fn new(options: LogOptions, names: Names, manifest: Manifest, bytes: u64) -> Self {
        Self {
            options,
            names,
            manifest,
            place: Place::Listed,
            rewrite: None,
            is_lost: false,
            is_withheld: false,
            buffer: Vec::new(),
            position: 0,
            synced: 0,
            selected: None,
            noted_s: 0,
            status: LogStatus {
                current_bytes: bytes,
                base_bytes: bytes,
                ..LogStatus::default()
            },
        }
    }

    /// A log that is switched on while there are data already: it begins with a rewrite, and until
    /// that is complete its files are what they were.
    #[must_use]
    pub fn switched_on(options: LogOptions, names: Names, manifest: Manifest) -> Self {
        Self {
            place: Place::Nowhere,
            ..Self::new(options, names, manifest, 0)
        }
    }

    /// Effects before this position are not the log's: it begins here. What they have made is on
    /// disk, unless the log waits for its first rewrite.
    pub fn begin_at(&mut self, position: u64) {
        self.position = position;
        self.synced = position;
        self.status.written = position;
        if self.place == Place::Listed {
            self.status.durable = position;
        }
    }

    /// Changes the settings.
    pub fn set_options(&mut self, options: LogOptions) {
        self.options = options;
    }

    /// When what is written is given to the disk.
    #[must_use]
    pub fn policy(&self) -> FsyncPolicy {
        self.options.policy
    }

    /// The files.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The names of files.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Figures.
    #[must_use]
    pub fn status(&self) -> LogStatus {
        LogStatus {
            buffer_bytes: self.buffer.len(),
            ..self.status
        }
    }

    /// A rewrite is going on.
    #[must_use]
    pub fn is_rewriting(&self) -> bool {
        self.rewrite.is_some()
    }

    /// The log was switched on, and its first rewrite is not complete.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.place != Place::Listed && !self.is_lost
    }

    /// The disk has failed: nothing is durable any more until a rewrite has written all anew.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Effects that somebody waits for are not written.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.is_withheld || !self.buffer.is_empty()
    }

    /// What was written is not all on disk.
    #[must_use]
    pub fn is_unsynced(&self) -> bool {
        self.place != Place::Nowhere && self.synced < self.status.written
    }

    /// The last increment of the list, if commands go to it; none before the first.
    #[must_use]
    pub fn increment(&self) -> Option<&str> {
        if self.place != Place::Listed {
            return None;
        }
        self.manifest
            .increments
            .last()
            .map(|part| part.name.as_str())
    }

    /// Effects that end at `position`, at this time.
    pub fn append<'b>(
        &mut self,
        groups: impl Iterator<Item = Group<'b>>,
        position: u64,
        wall_s: i64,
    ) {
        if self.place == Place::Nowhere {
            self.position = position;
            self.status.written = position;
            return;
        }
        for group in groups {
            if self.options.notes_time && self.noted_s < wall_s {
                self.noted_s = wall_s;
                self.buffer
                    .extend_from_slice(format!("#TS:{wall_s}\r\n").as_bytes());
            }
            if group.is_atomic {
                self.buffer.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
            }
            if self.selected != Some(group.db) {
                self.select(group.db);
            }
            self.buffer.extend_from_slice(group.bytes);
            if group.is_atomic {
                self.buffer.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
                // It may have gone to another database, and nobody has looked.
                self.selected = None;
            }
        }
        self.position = position;
    }

    fn select(&mut self, db: u32) {
        let digits = format!("{db}");
        let text = format!("*2\r\n$6\r\nSELECT\r\n${}\r\n{digits}\r\n", digits.len());
        self.buffer.extend_from_slice(text.as_bytes());
        self.selected = Some(db);
    }

    /// What is to be written to the increment.
    #[must_use]
    pub fn unwritten(&self) -> &[u8] {
        &self.buffer
    }

    /// All of it was written.
    pub fn handle_written(&mut self) {
        let bytes = self.buffer.len() as u64;
        self.status.current_bytes += bytes;
        if let Some(rewrite) = &mut self.rewrite {
            rewrite.bytes += bytes;
        }
        self.status.written = self.position;
        self.buffer.clear();
        if self.buffer.capacity() > KEPT_BYTES_MAX {
            self.buffer = Vec::new();
        }
    }

    /// It was not written, but for the first `landed` bytes, which could not be cut off again: the
    /// rest follows them.
    pub fn handle_write_failed(&mut self, landed: usize) {
        let landed = landed.min(self.buffer.len());
        self.buffer.drain(..landed);
        self.status.current_bytes += landed as u64;
        if let Some(rewrite) = &mut self.rewrite {
            rewrite.bytes += landed as u64;
        }
    }

    /// What was written up to `position` is on disk.
    pub fn handle_synced(&mut self, position: u64) {
        if self.place == Place::Nowhere {
            return;
        }
        self.synced = self.synced.max(position);
        if self.place == Place::Listed {
            self.status.durable = self.status.durable.max(position);
        }
    }
}

/// Room for commands that is kept between two writes.
const KEPT_BYTES_MAX: usize = 1 << 20;
