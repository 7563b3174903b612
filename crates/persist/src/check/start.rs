//! What a start makes of a disk, and whether it is what was promised.

use alloc::{format, string::String, vec::Vec};

use super::{
    explore::Violation,
    world::{BASE, NAME, Seen, World, Write, names, options, outside},
};
use crate::{Aof, FileOp, Found, LogEvent, LogReader, Recovery};

impl World {
    /// Starts the server on its disk.
    pub(super) fn start(mut self, seen: &mut Seen<'_>) -> Result<Self, Violation> {
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
                let bytes = disk.inodes.get(*inode)?.bytes.escape_ascii();
                Some(format!("{name}: {bytes}"))
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
            id = command.arg(2).and_then(|id| id.first()).copied();
        }
        let Some(id) = id else {
            return Ok(None);
        };
        let all = self.applied.iter().find(|write| write.id == id);
        let is_pair = all.is_some_and(|write| write.is_pair);
        let is_whole = parts == b"-" || parts == b"ab";
        match all {
            Some(write) if is_whole && (parts == b"ab") == is_pair => Ok(Some(*write)),
            _ => Err(self.violation(&format!("{parts:?} of {id:?} are no write"))),
        }
    }
}
