//! What a start makes of a disk, whether it is what was promised, and the enumeration of everything
//! that may happen.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};
use core::hash::{Hash, Hasher};

use super::{
    disk::Disk,
    image::each_image,
    world::{BASE, Event, NAME, Omission, Seen, World, Write, names, options, outside},
};
use crate::{Aof, FileOp, Found, LogEvent, LogReader, Recovery};

/// What does not hold, and in which state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

/// How much is enumerated.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Events of a history at most.
    pub events_max: usize,
    /// Of these, failures.
    pub faults_max: usize,
    /// Of these, ends of the process or of the power.
    pub crashes_max: usize,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Histories that lead to different states.
    pub worlds: usize,
    /// States of a disk after a crash.
    pub starts: usize,
}

/// Starts from states of a disk.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// The states that were met.
    met: BTreeSet<u128>,
    /// What came of the new ones.
    pub(super) found: Vec<World>,
}

/// Lets everything happen that may, up to the bounds, in the mode of this number, and starts the
/// server from every state that a crash may leave.
///
/// # Errors
/// The first violation.
pub fn explore(policy: u8, omission: Omission, bounds: Bounds) -> Result<Report, Violation> {
    let mut report = Report::default();
    let mut starts = Starts::default();
    let mut met = BTreeSet::new();
    let mut levels: Vec<Vec<(World, Bounds)>> = alloc::vec![Vec::new(); bounds.events_max + 3];
    for is_old in [false, true] {
        let world = World::new(policy, omission, is_old);
        check_crashes(&world, &mut starts)?;
    }
    levels[0].extend(starts.found.drain(..).map(|world| (world, bounds)));
    for level in 0..bounds.events_max {
        for (world, left) in core::mem::take(&mut levels[level]) {
            let budget = (left.faults_max, left.crashes_max);
            if !met.insert(hash_of(&(&world, budget))) {
                continue;
            }
            report.worlds += 1;
            for event in world.events(left.faults_max > 0) {
                step(&world, left, event, &mut starts, level, &mut levels)?;
            }
        }
    }
    report.starts = starts.met.len();
    Ok(report)
}

/// Lets one event happen to a world, and puts what comes of it where it is gone on with.
fn step(
    world: &World,
    mut left: Bounds,
    event: Event,
    starts: &mut Starts,
    level: usize,
    levels: &mut [Vec<(World, Bounds)>],
) -> Result<(), Violation> {
    let mut fault = None;
    let mut after = world.clone();
    after.run(event, &mut |seen| {
        if fault.is_none() {
            fault = check_crashes(seen, starts).err();
        }
    })?;
    if let Some(Violation(text)) = fault {
        return Err(Violation(format!("{event:?}: {text}")));
    }
    left.faults_max -= usize::from(event.is_fault());
    if left.crashes_max > 0 {
        let left = Bounds {
            crashes_max: left.crashes_max - 1,
            ..left
        };
        // The event, and the crash in its middle or behind it.
        levels[level + 2].extend(starts.found.drain(..).map(|world| (world, left)));
    }
    starts.found.clear();
    if event != Event::Crash {
        levels[level + 1].push((after, left));
    }
    Ok(())
}

/// Starts the server from every state that a crash of this one may leave, and again from every
/// state that a crash of such a start may leave.
pub(super) fn check_crashes(world: &World, starts: &mut Starts) -> Result<(), Violation> {
    let mut fault = None;
    each_crash(world, &mut |crashed| {
        if fault.is_some() {
            return;
        }
        if !starts.met.insert(hash_of(&crashed)) {
            return;
        }
        let mut again = Vec::new();
        match crashed.start(&mut |seen| again.push(seen.clone())) {
            Ok(started) => starts.found.push(started),
            Err(violation) => fault = Some(violation),
        }
        for world in again {
            each_crash(&world, &mut |crashed| {
                if fault.is_none() && starts.met.insert(hash_of(&crashed)) {
                    fault = crashed.start(&mut |_| {}).err();
                }
            });
        }
    });
    fault.map_or(Ok(()), Err)
}

/// The worlds in which the process has ended here, or the power has failed.
fn each_crash(world: &World, told: &mut dyn FnMut(World)) {
    let mut ended = world.clone();
    ended.aof = None;
    ended.file = None;
    ended.pass = None;
    ended.syncing = None;
    ended.has_fault = false;
    ended.is_dead = true;
    ended.disk.tidy(&mut [], true);
    let mut off = ended.clone();
    told(ended);
    each_image(&world.disk, &mut |image| {
        off.disk = Disk::of(image);
        // What it is to survive is what was promised for this.
        off.promised_process = world.promised_power;
        told(off.clone());
    });
}

fn hash_of(value: &impl Hash) -> u128 {
    let mut hash = Mix {
        a: 0x243f_6a88_85a3_08d3,
        b: 0x1319_8a2e_0370_7344,
    };
    value.hash(&mut hash);
    u128::from(hash.a) << 64 | u128::from(hash.b)
}

/// A fast hash of 128 bits: equal states are met often, and different ones must not be taken for
/// equal.
struct Mix {
    a: u64,
    b: u64,
}

impl Mix {
    fn add(&mut self, word: u64) {
        let product = u128::from(self.a ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        self.a = (product >> 64) as u64 ^ self.b;
        self.b = (product as u64).rotate_left(23) ^ word.wrapping_mul(0xa409_3822_299f_31d1);
    }
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
        self.add(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.add(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.add(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }

    fn write_isize(&mut self, value: isize) {
        self.add(value as u64);
    }

    fn finish(&self) -> u64 {
        self.a
    }
}

impl World {
    /// Starts the server on its disk.
    fn start(mut self, seen: &mut Seen<'_>) -> Result<Self, Violation> {
        let names = names();
        let list = self.disk.read(&names.manifest()).map(<[u8]>::to_vec);
        let found = Found {
            manifest: list.as_deref(),
            is_single_inside: self.disk.inode(NAME).is_some(),
            is_single_outside: self.disk.inode(&outside(NAME)).is_some(),
            is_distrusted: self.disk.inode(&names.distrust()).is_some(),
        };
        let recovery = Recovery::new(&names, found);
        let mut recovery = recovery.map_err(|error| self.violation(&error))?;
        let ops = recovery.take_over().to_vec();
        self.must(&ops, seen)?;
        let writes = self.load(&mut recovery)?;
        if !self.applied.starts_with(&writes) {
            return Err(self.violation(&format!("no prefix: {writes:?}")));
        }
        if writes.len() < self.promised_process {
            return Err(self.violation(&format!("lost: {writes:?}")));
        }
        // Whatever happens to this start, the next one finds as much while there is power.
        self.promised_process = writes.len();
        let recovered = recovery.finish();
        self.must(&recovered.ops, seen)?;
        let mut aof = Aof::new(
            options(self.policy),
            names,
            recovered.manifest,
            recovered.bytes,
        );
        aof.begin_at(writes.len() as u64);
        let is_empty = aof.manifest().files().next().is_none();
        self.aof = Some(aof);
        if is_empty || recovered.is_distrusted {
            self.write_first_base(writes.len(), seen)?;
        }
        let first = self.aof.as_ref().filter(|aof| aof.increment().is_none());
        if let Some(step) = first.map(Aof::first_increment) {
            self.must_take(step, seen)?;
        }
        self.prune(&mut None, seen);
        self.reopen();
        self.applied = writes;
        self.promised_power = self.applied.len();
        self.run = self.run.saturating_add(1);
        self.is_dead = false;
        self.tidy();
        Ok(self)
    }

    fn write_first_base(&mut self, count: usize, seen: &mut Seen<'_>) -> Result<(), Violation> {
        let bytes = self.base(count);
        let size = bytes.len() as u64;
        let ops = [FileOp::Write(BASE.into(), bytes), FileOp::Sync(BASE.into())];
        self.must(&ops, seen)?;
        let step = self
            .aof
            .as_ref()
            .and_then(|aof| aof.end_rewrite(BASE, false, size));
        step.map_or(Ok(()), |step| self.must_take(step, seen))
    }

    fn must(&mut self, ops: &[FileOp], seen: &mut Seen<'_>) -> Result<(), Violation> {
        let done = self.perform(ops, &mut None, seen);
        done.map_err(|at| self.violation(&format!("{:?} failed", ops.get(at))))
    }

    fn must_take(&mut self, step: crate::Step, seen: &mut Seen<'_>) -> Result<(), Violation> {
        if self.take(step, &mut None, seen) {
            return Ok(());
        }
        Err(self.violation(&"a step failed"))
    }

    fn violation(&self, what: &dyn core::fmt::Display) -> Violation {
        let Self {
            disk,
            applied,
            promised_process,
            promised_power,
            ..
        } = self;
        let files: Vec<String> = disk
            .names
            .iter()
            .filter_map(|(name, inode)| {
                let bytes = String::from_utf8_lossy(&disk.inodes.get(*inode)?.bytes);
                Some(format!("{name}: {bytes:?}"))
            })
            .collect();
        let promised = (promised_process, promised_power);
        Violation(format!("{what}\n{promised:?} of {applied:?}\n{files:#?}"))
    }

    /// Reads the files as a start does.
    fn load(&self, recovery: &mut Recovery) -> Result<Vec<Write>, Violation> {
        let files: Vec<String> = recovery.files().map(String::from).collect();
        let mut sizes = Vec::new();
        for name in &files {
            let bytes = self.disk.read(name);
            let bytes = bytes.ok_or_else(|| self.violation(&format!("{name} is missing")))?;
            sizes.push(bytes.len() as u64);
        }
        recovery.handle_sizes(sizes);
        let mut writes = Vec::new();
        while let Some((name, _)) = recovery.poll_file() {
            let bytes = self.disk.read(name).unwrap_or_default();
            let mut reader = LogReader::new(0);
            reader.feed(bytes);
            let ended = loop {
                match reader.poll() {
                    Ok(LogEvent::More) => break reader.finish(),
                    Ok(LogEvent::Group { commands, .. }) => {
                        let write = self.write_of(&commands)?;
                        writes.extend(write);
                    }
                    Ok(LogEvent::Time(_)) => {}
                    Err(fault) => break Err(fault),
                }
            };
            let ended = recovery.handle_end(bytes.len() as u64, reader.good(), ended, true);
            ended.map_err(|fault| self.violation(&fault))?;
        }
        Ok(writes)
    }

    /// The write that a group of commands is; none for SELECT.
    fn write_of(&self, commands: &[vk_resp::OwnedRequest]) -> Result<Option<Write>, Violation> {
        let mut parts = Vec::new();
        let mut id = None;
        for command in commands {
            let command = command.view();
            if command.arg(0) == Some(b"SELECT".as_slice()) {
                continue;
            }
            parts.extend(command.arg(1).and_then(|part| part.first()).copied());
            id = command.arg(2).map(<[u8]>::to_vec);
        }
        let Some(id) = id else {
            return Ok(None);
        };
        let all = self
            .applied
            .iter()
            .find(|write| write.encode().ends_with(&line(&id)));
        let is_pair = all.is_some_and(|write| write.is_pair);
        let is_whole = parts == b"-" || parts == b"ab";
        match all {
            Some(write) if is_whole && (parts == b"ab") == is_pair => Ok(Some(*write)),
            _ => Err(self.violation(&format!("{parts:?} of {id:?} are no write"))),
        }
    }
}

fn line(text: &[u8]) -> Vec<u8> {
    [b"\r\n", text, b"\r\n"].concat()
}
