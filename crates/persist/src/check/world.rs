//! A server around the log, as far as files and promises go: what it holds in memory, what it has
//! acknowledged, and what happens to it. It does what the real shell does, on a disk that is a
//! value.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use super::{disk::Disk, explore::Violation};
use crate::{Aof, FileOp, FsyncPolicy, Group, LogOptions, Manifest, Names, Step};

/// A write of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Write {
    /// A byte that nothing else in a file has, so that it can be found in any part of one.
    pub(super) id: u8,
    /// It has two effects, which belong together.
    pub(super) is_pair: bool,
}

/// Ids of writes begin here.
pub(super) const FIRST_ID: u8 = 0x80;

impl Write {
    /// Its effects.
    pub(super) fn encode(self) -> Vec<u8> {
        let parts: &[u8] = if self.is_pair { b"ab" } else { b"-" };
        let mut out = Vec::new();
        for part in parts {
            out.extend_from_slice(b"*3\r\n$1\r\nW\r\n$1\r\n");
            out.push(*part);
            out.extend_from_slice(b"\r\n$1\r\n");
            out.push(self.id);
            out.extend_from_slice(b"\r\n");
        }
        out
    }
}

/// Something that happens. A failure is that of the piece of work with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A client writes: one effect, or two that belong together.
    Write {
        /// Two effects.
        is_pair: bool,
    },
    /// A client writes, and the system does not take it all.
    WriteFails {
        /// Half of it stays in the file.
        lands: bool,
    },
    /// A client writes, and the disk does not take it, where a reply waits for it.
    SyncedWriteFails,
    /// What was not written is tried again.
    Retry,
    /// What was written is given to the disk.
    SyncBegins,
    /// The disk has it, or has failed.
    SyncEnds {
        /// It has it.
        is_ok: bool,
    },
    /// A rewrite begins.
    RewriteBegins {
        /// What fails.
        fails_at: Option<u8>,
    },
    /// Its base is written and put into its place.
    RewriteEnds {
        /// What fails.
        fails_at: Option<u8>,
    },
    /// It is given up.
    RewriteFails,
    /// The log is switched off.
    Off,
    /// The log is switched on.
    On,
    /// The process ends, or the power fails, and the server starts again.
    Crash,
}

impl Event {
    /// Something of it goes wrong.
    pub(super) fn is_fault(self) -> bool {
        matches!(
            self,
            Self::WriteFails { .. }
                | Self::SyncedWriteFails
                | Self::SyncEnds { is_ok: false }
                | Self::RewriteBegins { fails_at: Some(_) }
                | Self::RewriteEnds { fails_at: Some(_) }
        )
    }
}

/// A step that a protocol lacks, to see that it is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Omission {
    /// It lacks nothing.
    Nothing,
    /// Names are never given to the disk.
    FolderSync,
    /// Names are given to the disk at the end alone, not before the list that has them.
    FolderSyncBeforeList,
    /// The increment before is not given to the disk.
    IncrementSync,
    /// The list is not given to the disk before it is in its place.
    ListSync,
    /// The base is not given to the disk before it is in its place.
    BaseSync,
    /// A start gives nothing to the disk.
    Settling,
    /// Nothing tells the next start that the disk has failed.
    Distrust,
    /// A log that is switched on goes on behind the files that there are.
    Apart,
}

/// Files that lists name, if all lists can be read. Others are as good as gone: whoever lists one
/// has made it anew, and if that is not on disk before the list is, a file is missing.
struct Listed(Option<BTreeSet<String>>);

impl Listed {
    fn has(&self, name: &str) -> bool {
        let is_numbered = name.ends_with(".base.aof") || name.ends_with(".incr.aof");
        let listed = self.0.as_ref().filter(|_| is_numbered);
        listed.is_none_or(|listed| listed.contains(name))
    }
}

/// What happens to files on the way is shown to this.
pub(super) type Seen<'s> = dyn FnMut(&World) + 's;

/// A server with its disk.
#[derive(Debug, Clone, Hash)]
pub struct World {
    pub(super) policy: FsyncPolicy,
    pub(super) omission: Omission,
    /// Writes that were given an id.
    pub(super) ids: u8,
    pub(super) disk: Disk,
    /// None while it is switched off.
    pub(super) aof: Option<Aof>,
    /// The file that commands go to.
    pub(super) file: Option<usize>,
    /// Everything in memory, in the order in which it came.
    pub(super) applied: Vec<Write>,
    /// So much of it was promised to survive the end of the process.
    pub(super) promised_process: usize,
    /// So much of it was promised to survive the power's failure.
    pub(super) promised_power: usize,
    /// What the base of the rewrite has.
    pub(super) pass: Option<usize>,
    /// What the disk was given: position, file, bytes.
    pub(super) syncing: Option<(u64, usize, usize)>,
    /// Writes are refused.
    pub(super) has_fault: bool,
    /// The process has ended by itself.
    pub(super) is_dead: bool,
}

/// The name that files are named after.
pub(super) const NAME: &str = "l";
/// The base of a rewrite while it is written.
pub(super) const BASE: &str = "temp-base";

pub(super) fn names() -> Names {
    Names::new(NAME)
}

pub(super) fn options(policy: FsyncPolicy) -> LogOptions {
    LogOptions {
        policy,
        notes_time: false,
    }
}

impl World {
    /// A server on an empty disk, or on one with the single file of an older version that holds a
    /// write, in the mode of this number: always, once per second, never.
    #[must_use]
    pub fn new(policy: u8, omission: Omission, is_old: bool) -> Self {
        let policy = match policy % 4 {
            0 | 3 => FsyncPolicy::Always,
            1 => FsyncPolicy::EverySecond,
            _ => FsyncPolicy::No,
        };
        let mut world = Self {
            policy,
            omission,
            ids: 0,
            disk: Disk::default(),
            aof: None,
            file: None,
            applied: Vec::new(),
            promised_process: 0,
            promised_power: 0,
            pass: None,
            syncing: None,
            has_fault: false,
            is_dead: true,
        };
        if is_old {
            let write = world.next_write(false);
            world.promised_process = 1;
            let bytes = write.encode();
            // An older version may have written it just before.
            world.disk.create(&outside(NAME), bytes);
            world.disk.sync_folder();
        }
        world
    }

    /// The mode.
    #[must_use]
    pub fn policy(&self) -> FsyncPolicy {
        self.policy
    }

    /// What may happen now; with `faults`, what may go wrong, too.
    #[must_use]
    pub fn events(&self, faults: bool) -> Vec<Event> {
        let mut events = alloc::vec![Event::Crash];
        if self.is_dead {
            return events;
        }
        let Some(aof) = &self.aof else {
            events.extend([Event::Write { is_pair: false }, Event::On]);
            return events;
        };
        if !self.has_fault && !aof.is_lost() {
            events.extend([false, true].map(|is_pair| Event::Write { is_pair }));
            if self.file.is_some() && faults {
                events.extend([false, true].map(|lands| Event::WriteFails { lands }));
                if self.policy == FsyncPolicy::Always {
                    events.push(Event::SyncedWriteFails);
                }
            }
        }
        if self.has_fault && !aof.unwritten().is_empty() {
            events.push(Event::Retry);
        }
        if self.policy == FsyncPolicy::EverySecond && self.syncing.is_none() && aof.is_unsynced() {
            events.push(Event::SyncBegins);
        }
        if self.syncing.is_some() {
            events.push(Event::SyncEnds { is_ok: true });
            events.extend(faults.then_some(Event::SyncEnds { is_ok: false }));
        }
        let fails = |most: u8| (0..if faults { most } else { 0 }).map(Some).chain([None]);
        if self.pass.is_some() {
            events.extend(fails(16).map(|fails_at| Event::RewriteEnds { fails_at }));
            events.push(Event::RewriteFails);
        } else if aof.unwritten().is_empty() {
            events.extend(fails(7).map(|fails_at| Event::RewriteBegins { fails_at }));
        }
        events.push(Event::Off);
        events
    }

    /// Lets it happen; `seen` is shown the world whenever something on the disk has changed.
    ///
    /// # Errors
    /// What does not hold.
    pub fn run(&mut self, event: Event, seen: &mut Seen<'_>) -> Result<(), Violation> {
        match event {
            Event::Crash => seen(self),
            Event::Write { is_pair } => {
                self.apply(is_pair);
                self.write(seen);
            }
            Event::WriteFails { lands } => {
                self.apply(false);
                self.fail_write(lands, seen);
            }
            Event::SyncedWriteFails => {
                self.apply(false);
                self.append(usize::MAX, seen);
                self.lose(seen);
                self.is_dead = true;
            }
            Event::Retry => self.write(seen),
            Event::SyncBegins => {
                let len = self
                    .file
                    .map_or(0, |file| self.disk.inodes[file].bytes.len());
                let written = self.aof.as_ref().map_or(0, |aof| aof.status().written);
                self.syncing = self.file.map(|file| (written, file, len));
            }
            Event::SyncEnds { is_ok } => self.end_sync(is_ok, seen),
            Event::RewriteBegins { fails_at } => self.begin_rewrite(fails_at, seen),
            Event::RewriteEnds { fails_at } => self.end_rewrite(fails_at, seen),
            Event::RewriteFails => self.fail_rewrite(seen),
            Event::Off => self.turn_off(seen),
            Event::On => self.turn_on(),
        }
        self.acknowledge();
        self.tidy();
        seen(self);
        Ok(())
    }

    /// What is not held back is promised.
    fn acknowledge(&mut self) {
        let Some(aof) = &self.aof else {
            return;
        };
        if !self.is_dead && !aof.is_waiting() && !aof.is_lost() && !aof.is_behind() {
            self.promised_process = self.applied.len();
            if self.policy == FsyncPolicy::Always {
                self.promised_power = self.applied.len();
            }
        }
        let durable = usize::try_from(aof.status().durable).unwrap_or(usize::MAX);
        self.promised_power = self.promised_power.max(durable);
    }

    pub(super) fn tidy(&mut self) {
        // These are always made anew before they are given another name.
        let (base, list) = (BASE, names().temporary_manifest());
        let listed = self.listed();
        let is_needed = |name: &str| name != base && name != list && listed.has(name);
        let synced = self.syncing.as_mut().map(|(_, file, _)| file);
        let mut held: Vec<&mut usize> = self.file.iter_mut().chain(synced).collect();
        self.disk.tidy(&mut held, is_needed);
    }

    /// The process has ended here.
    pub(super) fn ended(&self) -> Self {
        let mut ended = Self {
            aof: None,
            file: None,
            pass: None,
            syncing: None,
            has_fault: false,
            is_dead: true,
            ..self.clone()
        };
        let listed = ended.listed();
        let is_needed = |name: &str| !name.starts_with("temp") && listed.has(name);
        ended.disk.tidy(&mut [], is_needed);
        ended
    }

    /// What the lists that there are name.
    fn listed(&self) -> Listed {
        let disk = &self.disk;
        let changed = disk.changes.iter().flat_map(|change| &change.names);
        let changed = changed.filter_map(|(_, inode)| inode.as_ref());
        let named: BTreeSet<&usize> = disk.names.values().chain(disk.firm.values()).collect();
        let lists = named.into_iter().chain(changed);
        let lists = lists.filter_map(|inode| Some(&disk.inodes.get(*inode)?.bytes));
        let lists = lists.filter(|bytes| bytes.starts_with(b"file "));
        let lists: Option<Vec<Manifest>> = lists
            .map(|bytes| Manifest::parse(bytes).ok())
            .chain(self.aof.iter().map(|aof| Some(aof.manifest().clone())))
            .collect();
        let names = |list: &Manifest| list.files().map(|part| part.name.clone()).collect();
        Listed(lists.map(|lists| {
            lists
                .iter()
                .flat_map(names as fn(&_) -> Vec<String>)
                .collect()
        }))
    }

    fn next_write(&mut self, is_pair: bool) -> Write {
        assert!(self.ids < FIRST_ID, "a history is too long");
        let id = FIRST_ID + self.ids;
        self.ids += 1;
        let write = Write { id, is_pair };
        self.applied.push(write);
        write
    }

    fn apply(&mut self, is_pair: bool) {
        let write = self.next_write(is_pair);
        let bytes = write.encode();
        let group = Group {
            db: 0,
            is_atomic: is_pair,
            bytes: &bytes,
        };
        if let Some(aof) = &mut self.aof {
            aof.append([group].into_iter(), self.applied.len() as u64, 0);
        }
    }

    /// Appends the first bytes of what is unwritten, in two halves.
    fn append(&mut self, len: usize, seen: &mut Seen<'_>) {
        let (Some(aof), Some(file)) = (&self.aof, self.file) else {
            return;
        };
        let bytes = aof.unwritten();
        let bytes = bytes.get(..len).unwrap_or(bytes).to_vec();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        for half in [first, second] {
            self.disk.append(file, half);
            seen(self);
        }
        if len == usize::MAX
            && let Some(aof) = &mut self.aof
        {
            aof.handle_written();
        }
    }

    fn write(&mut self, seen: &mut Seen<'_>) {
        if self.file.is_none() {
            return;
        }
        self.append(usize::MAX, seen);
        self.has_fault = false;
        if self.policy == FsyncPolicy::Always
            && let (Some(aof), Some(file)) = (&mut self.aof, self.file)
        {
            self.disk.sync(file, usize::MAX);
            aof.handle_synced(aof.status().written);
            seen(self);
        }
    }

    fn fail_write(&mut self, lands: bool, seen: &mut Seen<'_>) {
        let (Some(aof), Some(file)) = (&self.aof, self.file) else {
            return;
        };
        let half = aof.unwritten().len() / 2;
        let before = self.disk.inodes[file].bytes.len();
        self.append(half, seen);
        if !lands {
            self.disk.cut(file, before);
        }
        if let Some(aof) = &mut self.aof {
            aof.handle_write_failed(if lands { half } else { 0 });
        }
        self.has_fault = true;
        self.is_dead = self.policy == FsyncPolicy::Always;
    }

    fn end_sync(&mut self, is_ok: bool, seen: &mut Seen<'_>) {
        let (Some(aof), Some((position, file, len))) = (&mut self.aof, self.syncing.take()) else {
            return;
        };
        if is_ok {
            self.disk.sync(file, len);
            aof.handle_synced(position);
        } else {
            self.lose(seen);
        }
    }

    /// The disk has failed for the file that is written to.
    fn lose(&mut self, seen: &mut Seen<'_>) {
        let (Some(aof), Some(file)) = (&mut self.aof, self.file) else {
            return;
        };
        self.disk.fail_sync(file);
        let ops = aof.handle_sync_failed();
        self.file = None;
        self.clean_up(&ops, seen);
    }

    fn clean_up(&mut self, ops: &[FileOp], seen: &mut Seen<'_>) {
        // What fails here, fails for good.
        let _ = self.perform(ops, &mut None, seen);
    }

    fn begin_rewrite(&mut self, fails_at: Option<u8>, seen: &mut Seen<'_>) {
        let Some(aof) = &self.aof else {
            return;
        };
        let step = aof.begin_rewrite();
        let mut fails_at = fails_at.map(usize::from);
        if self.take(step, &mut fails_at, seen) {
            self.pass = Some(self.applied.len());
        }
    }

    /// Does what a step needs, and tells the log.
    pub(super) fn take(
        &mut self,
        step: Step,
        fails_at: &mut Option<usize>,
        seen: &mut Seen<'_>,
    ) -> bool {
        let done = self.perform(&step.ops, fails_at, seen);
        let Some(aof) = &mut self.aof else {
            return false;
        };
        let ops = match done {
            Ok(()) => {
                aof.handle_step(step);
                Vec::new()
            }
            Err(at) => aof.handle_step_failed(&step, at),
        };
        self.clean_up(&ops, seen);
        self.reopen();
        done.is_ok()
    }

    /// Commands go to the file that the log names.
    pub(super) fn reopen(&mut self) {
        let Some(aof) = &self.aof else {
            return;
        };
        let apart = aof.apart();
        let file = match apart.as_deref().or_else(|| aof.increment()) {
            Some(name) => self.disk.inode(name),
            None => None,
        };
        if file != self.file {
            self.file = file;
            self.syncing = None;
        }
    }

    fn end_rewrite(&mut self, fails_at: Option<u8>, seen: &mut Seen<'_>) {
        let Some(count) = self.pass.take() else {
            return;
        };
        let bytes = self.base(count);
        let size = bytes.len() as u64;
        let mut fails_at = fails_at.map(usize::from);
        let ops = [FileOp::Write(BASE.into(), bytes), FileOp::Sync(BASE.into())];
        let is_written = self.perform(&ops, &mut fails_at, seen).is_ok();
        let Some(aof) = &self.aof else {
            return;
        };
        let step = aof.end_rewrite(BASE, false, size);
        let Some(step) = step.filter(|_| is_written) else {
            self.pass = Some(count);
            return self.fail_rewrite(seen);
        };
        if self.take(step, &mut fails_at, seen) {
            self.prune(&mut fails_at, seen);
        }
    }

    /// The first writes as a base.
    pub(super) fn base(&self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for write in self.applied.iter().take(count) {
            let (begin, end): (&[u8], &[u8]) = match write.is_pair {
                true => (b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"),
                false => (b"", b""),
            };
            bytes.extend([begin, &write.encode(), end].concat());
        }
        bytes
    }

    pub(super) fn prune(&mut self, fails_at: &mut Option<usize>, seen: &mut Seen<'_>) {
        if let Some(step) = self.aof.as_ref().and_then(Aof::without_history) {
            self.take(step, fails_at, seen);
        }
    }

    fn fail_rewrite(&mut self, seen: &mut Seen<'_>) {
        self.pass = None;
        if let Some(aof) = &mut self.aof {
            let ops = aof.handle_rewrite_failed();
            self.clean_up(&ops, seen);
            self.reopen();
            // What was not written into a file that is gone is not tried again.
            self.has_fault &= self.file.is_some();
        }
    }

    fn turn_off(&mut self, seen: &mut Seen<'_>) {
        if self.pass.is_some() {
            self.fail_rewrite(seen);
        }
        self.aof = None;
        self.file = None;
        self.syncing = None;
        self.has_fault = false;
    }

    fn turn_on(&mut self) {
        let manifest = self.disk.read(&names().manifest());
        let manifest = manifest.and_then(|bytes| Manifest::parse(bytes).ok());
        let manifest = manifest.unwrap_or_default();
        let options = options(self.policy);
        let mut aof = if self.omission == Omission::Apart {
            Aof::new(options, names(), manifest, 0)
        } else {
            Aof::switched_on(options, names(), manifest)
        };
        aof.begin_at(self.applied.len() as u64);
        self.aof = Some(aof);
    }
}

/// The name of a file in the folder outside.
pub(super) fn outside(name: &str) -> String {
    format!("/{name}")
}
