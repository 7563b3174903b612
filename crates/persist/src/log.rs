//! What is written to the log and when: groups of effects become commands, commands become writes,
//! writes become durable. It also knows what a rewrite does to the files.
//!
//! The contract: with `always` a reply leaves after its effects are on disk; with `everysec` and
//! `no` after they were written to the system, so that the end of the process loses nothing that
//! was acknowledged.

use alloc::{format, string::String, vec::Vec};

use crate::{Manifest, Names};

/// When what was written is given to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsyncPolicy {
    /// Before a reply leaves.
    Always,
    /// Once per second.
    EverySecond,
    /// When the system wants to.
    No,
}

/// Settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// When what was written is given to the disk.
    pub policy: FsyncPolicy,
    /// The time is noted between the commands.
    pub notes_time: bool,
}

/// A piece of work with a file in the folder of the log. In order, and none after one that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOp {
    /// Makes an empty file, or empties it.
    Create(String),
    /// Makes a file with these contents.
    Write(String, Vec<u8>),
    /// Waits until a file's contents are on disk.
    Sync(String),
    /// Waits until the folder's names are on disk.
    SyncFolder,
    /// Gives a file another name, which may be that of a file that is replaced.
    Rename(String, String),
    /// Removes a file; that it is not there is no failure.
    Remove(String),
}

/// Effects that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Group<'b> {
    /// The database that the first of them applies to.
    pub db: u32,
    /// How many there are.
    pub count: u32,
    /// The effects, as RESP arrays one behind the other.
    pub bytes: &'b [u8],
}

/// Figures of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
#[derive(Debug)]
pub struct Aof {
    options: LogOptions,
    names: Names,
    manifest: Manifest,
    /// The manifest when the rewrite that is going on is complete, and where it stands.
    rewrite: Option<Rewrite>,
    /// Commands that were not written yet.
    buffer: Vec<u8>,
    /// The position of the effects behind the buffer.
    position: u64,
    /// The database that the file's commands apply to; unknown where a file begins.
    selected: Option<u32>,
    noted_s: i64,
    status: LogStatus,
}

#[derive(Debug)]
struct Rewrite {
    /// Bytes of the increments that stay.
    bytes: u64,
}

impl Aof {
    /// A log of these files, which hold `bytes`.
    #[must_use]
    pub fn new(options: LogOptions, names: Names, manifest: Manifest, bytes: u64) -> Self {
        Self {
            options,
            names,
            manifest,
            rewrite: None,
            buffer: Vec::new(),
            position: 0,
            selected: None,
            noted_s: 0,
            status: LogStatus {
                current_bytes: bytes,
                base_bytes: bytes,
                ..LogStatus::default()
            },
        }
    }

    /// Effects before this position are not the log's: it begins here.
    pub fn begin_at(&mut self, position: u64) {
        self.position = position;
        self.status.written = position;
        self.status.durable = position;
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

    /// The increment that is written to; none before the first.
    #[must_use]
    pub fn increment(&self) -> Option<&str> {
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
        for group in groups {
            if self.options.notes_time && self.noted_s < wall_s {
                self.noted_s = wall_s;
                self.buffer
                    .extend_from_slice(format!("#TS:{wall_s}\r\n").as_bytes());
            }
            if group.count > 1 {
                self.buffer.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
            }
            if self.selected != Some(group.db) {
                self.select(group.db);
            }
            self.buffer.extend_from_slice(group.bytes);
            if group.count > 1 {
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

    /// What was written up to `position` is on disk.
    pub fn handle_synced(&mut self, position: u64) {
        self.status.durable = self.status.durable.max(position);
    }

    /// What has to be done so that commands go to a new increment. `next` becomes the list of files
    /// when all of it is done, with [`Aof::handle_increment`].
    #[must_use]
    pub fn new_increment(&self) -> (Vec<FileOp>, Manifest) {
        let (next, name) = self.manifest.with_increment(&self.names);
        let mut ops = Vec::new();
        // The one before may not end in a hole once there is another behind it.
        ops.extend(self.increment().map(|name| FileOp::Sync(name.into())));
        ops.push(FileOp::Create(name));
        ops.extend(self.store(&next));
        (ops, next)
    }

    /// Commands go to the new increment from now on; with `rewrites` a rewrite begins with it.
    pub fn handle_increment(&mut self, next: Manifest, rewrites: bool) {
        self.status.durable = self.status.written;
        self.manifest = next;
        self.selected = None;
        if rewrites {
            self.rewrite = Some(Rewrite { bytes: 0 });
        }
    }

    /// A rewrite begins whose base goes before all increments to come: there is none yet.
    pub fn handle_rewrite_of_nothing(&mut self) {
        self.rewrite = Some(Rewrite { bytes: 0 });
    }

    /// What has to be done so that the base in the file `temporary` takes the place of everything
    /// before the last `kept` increments. The list of files afterwards comes with it.
    #[must_use]
    pub fn new_base(&self, temporary: &str, is_rdb: bool, kept: usize) -> (Vec<FileOp>, Manifest) {
        let (next, name) = self.manifest.with_base(&self.names, is_rdb, kept);
        let mut ops = alloc::vec![FileOp::Rename(temporary.into(), name)];
        ops.extend(self.store(&next));
        (ops, next)
    }

    /// The base of so many bytes is in its place, and the rewrite over.
    pub fn handle_base(&mut self, next: Manifest, bytes: u64) {
        let increments = self.rewrite.take().map_or(0, |rewrite| rewrite.bytes);
        self.status.current_bytes = bytes + increments;
        self.status.base_bytes = self.status.current_bytes;
        self.manifest = next;
    }

    /// The rewrite has failed, or was given up. The increment that it began stays.
    pub fn handle_rewrite_failed(&mut self) {
        self.rewrite = None;
    }

    /// What has to be done so that files go that nobody needs; the list of files afterwards.
    #[must_use]
    pub fn without_history(&self) -> Option<(Vec<FileOp>, Manifest)> {
        if self.manifest.history.is_empty() {
            return None;
        }
        let mut next = self.manifest.clone();
        let mut ops: Vec<FileOp> = next
            .history
            .drain(..)
            .map(|part| FileOp::Remove(part.name))
            .collect();
        ops.extend(self.store(&next));
        Some((ops, next))
    }

    /// Those files are gone.
    pub fn handle_pruned(&mut self, next: Manifest) {
        self.manifest = next;
    }

    /// What has to be done so that this is the list of files.
    #[must_use]
    pub fn store(&self, manifest: &Manifest) -> [FileOp; 4] {
        let temporary = self.names.temporary_manifest();
        [
            FileOp::Write(temporary.clone(), manifest.encode()),
            FileOp::Sync(temporary.clone()),
            FileOp::Rename(temporary, self.names.manifest()),
            FileOp::SyncFolder,
        ]
    }
}

/// Room for commands that is kept between two writes.
const KEPT_BYTES_MAX: usize = 1 << 20;
