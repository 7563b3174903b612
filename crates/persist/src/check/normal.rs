//! One form for all states that go on alike, so that each is looked at once.
//!
//! What is made the same: figures that nothing decides by; writes that are nowhere and were not
//! promised; neighbours that stand, whole and surely on disk, one behind the other wherever one of
//! them stands, and between which nothing ends that was promised, written or rewritten (such a row
//! of writes is read as a whole or not at all, as one write is, and a later base has all of it);
//! and ids of writes. For neighbours that are in no file this needs one thing of the protocol: a
//! base is not read that is not on disk. Where that step is left out, a base of one write is torn
//! instead of one of several. The numbers of files stay what they are.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{
    disk::Inode,
    hash::hash_of,
    world::{FIRST_ID, World, Write},
};

/// Which states are one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// Those that go on alike.
    #[default]
    Normal,
    /// Those that are equal.
    Plain,
}

impl Form {
    pub(super) fn give(self, world: &mut World) {
        if self == Self::Normal {
            world.forget_figures();
            let places = Places::of(world);
            world.forget_lost(&places);
            world.join(&places);
            world.rename();
        }
    }

    pub(super) fn hash_of(self, world: &World) -> u128 {
        let mut world = world.clone();
        self.give(&mut world);
        hash_of(&world)
    }
}

/// A write that is whole in a file, with what belongs to it.
#[derive(Debug, Clone, Copy)]
struct Span {
    id: u8,
    from: usize,
    to: usize,
    /// How often its id is there.
    ids: usize,
}

/// Where writes stand.
struct Places {
    /// In every file those at its beginning that are surely on disk.
    spans: Vec<Vec<Span>>,
    /// How often an id is there.
    met: Vec<usize>,
    /// How often in these spans.
    settled: Vec<usize>,
}

impl Places {
    fn of(world: &World) -> Self {
        let mut places = Self {
            spans: Vec::new(),
            met: alloc::vec![0; usize::from(u8::MAX) + 1],
            settled: alloc::vec![0; usize::from(u8::MAX) + 1],
        };
        for inode in &world.disk.inodes {
            let spans = spans(settled_part(inode));
            let copies = 1 + usize::from(inode.longer.is_some());
            for span in &spans {
                places.settled[usize::from(span.id)] += span.ids * copies;
            }
            for byte in inode.bytes.iter().chain(inode.longer.iter().flatten()) {
                places.met[usize::from(*byte)] += 1;
            }
            places.spans.push(spans);
        }
        for byte in world.aof.iter().flat_map(|aof| aof.unwritten()) {
            places.met[usize::from(*byte)] += 1;
        }
        places
    }

    /// Wherever it is, it is whole and surely on disk.
    fn is_settled(&self, id: u8) -> bool {
        self.met[usize::from(id)] == self.settled[usize::from(id)]
    }

    /// Where one of them is, the other is next to it.
    fn are_together(&self, first: u8, second: u8) -> bool {
        self.spans.iter().all(|spans| {
            let place = |id| spans.iter().position(|span| span.id == id);
            place(first).map(|place| place + 1) == place(second)
        })
    }
}

/// The beginning of a file that is there whatever happens.
fn settled_part(inode: &Inode) -> &[u8] {
    let holes = inode.holes.iter().map(|(from, _)| *from);
    let len = holes.fold(inode.firm, usize::min);
    let part = inode.bytes.get(..len).unwrap_or_default();
    match &inode.longer {
        Some(longer) if !longer.starts_with(part) => &[],
        _ => part,
    }
}

/// The writes at the beginning of a file.
fn spans(bytes: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut rest = bytes;
    while let Some((id, ids, behind)) = write(rest) {
        let from = bytes.len() - rest.len();
        let to = bytes.len() - behind.len();
        spans.push(Span { id, from, to, ids });
        rest = behind;
    }
    spans
}

/// A write, as the log or a base has it: its id, how often that is there, and what is behind it.
fn write(bytes: &[u8]) -> Option<(u8, usize, &[u8])> {
    let bytes = selected(bytes);
    let Some(bytes) = bytes.strip_prefix(b"*1\r\n$5\r\nMULTI\r\n") else {
        let (id, bytes) = effect(bytes, b'-')?;
        return Some((id, 1, bytes));
    };
    let (first, bytes) = effect(selected(bytes), b'a')?;
    let (second, bytes) = effect(bytes, b'b')?;
    let bytes = bytes.strip_prefix(b"*1\r\n$4\r\nEXEC\r\n")?;
    (first == second).then_some((first, 2, bytes))
}

fn selected(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n") {
        bytes = rest;
    }
    bytes
}

fn effect(bytes: &[u8], part: u8) -> Option<(u8, &[u8])> {
    let bytes = bytes.strip_prefix(b"*3\r\n$1\r\nW\r\n$1\r\n")?;
    let bytes = bytes.strip_prefix(&[part])?;
    let (id, bytes) = bytes.strip_prefix(b"\r\n$1\r\n")?.split_first()?;
    Some((*id, bytes.strip_prefix(b"\r\n")?))
}

impl World {
    fn forget_figures(&mut self) {
        if let Some(aof) = &mut self.aof {
            aof.status.current_bytes = 0;
            aof.status.base_bytes = 0;
            if let Some(rewrite) = &mut aof.rewrite {
                rewrite.bytes = 0;
            }
        }
    }

    /// After the end of a process nobody knows of what is in no file.
    fn forget_lost(&mut self, places: &Places) {
        if self.is_dead && self.aof.is_none() {
            let is_there = |write: &Write| places.met[usize::from(write.id)] > 0;
            let there = self.applied.iter().rposition(is_there);
            let promised = self.promised_process.max(self.promised_power);
            self.applied
                .truncate(there.map_or(0, |at| at + 1).max(promised));
        }
    }

    /// Makes one write of neighbours that are together, and one effect of two.
    fn join(&mut self, places: &Places) {
        let mut ends = BTreeSet::new();
        self.each_count(&mut |count| _ = ends.insert(*count));
        let mut gone = Vec::new();
        let mut before = None;
        for (at, write) in self.applied.iter_mut().enumerate() {
            let is_settled = places.is_settled(write.id);
            let is_together = |before: u8| places.are_together(before, write.id);
            if is_settled && !ends.contains(&(at as u64)) && before.is_some_and(is_together) {
                gone.push((at as u64, write.id));
            }
            write.is_pair &= !is_settled;
            before = is_settled.then_some(write.id);
        }
        let is_gone = |id: u8| gone.iter().any(|(_, gone)| *gone == id);
        self.each_count(&mut |count| {
            let before = gone.iter().filter(|(at, _)| at < count).count();
            *count -= before as u64;
        });
        self.applied.retain(|write| !is_gone(write.id));
        for (at, spans) in places.spans.iter().enumerate() {
            let written = match &mut self.syncing {
                Some((_, file, len)) if *file == at => Some(len),
                _ => None,
            };
            let id = |span: &Span| match is_gone(span.id) {
                true => None,
                false => Some((span.id, places.is_settled(span.id))),
            };
            join_in(&mut self.disk.inodes[at], spans, &id, written);
        }
    }

    /// Numbers of writes, each counting the first ones.
    fn each_count(&mut self, told: &mut dyn FnMut(&mut u64)) {
        let syncing = self.syncing.as_mut().map(|(count, _, _)| count);
        let mut counts: Vec<&mut u64> = syncing.into_iter().collect();
        if let Some(aof) = &mut self.aof {
            let status = &mut aof.status;
            counts.extend([&mut status.written, &mut status.durable]);
            counts.extend([&mut aof.position, &mut aof.synced]);
            counts.extend(aof.rewrite.as_mut().map(|rewrite| &mut rewrite.position));
        }
        counts.into_iter().for_each(&mut *told);
        let promised = [&mut self.promised_process, &mut self.promised_power];
        for place in promised.into_iter().chain(&mut self.pass) {
            let mut count = *place as u64;
            told(&mut count);
            *place = usize::try_from(count).unwrap_or(usize::MAX);
        }
    }

    /// Gives ids in the order of the history, and then of the files.
    fn rename(&mut self) {
        let mut ids = [0_u8; 256];
        let mut next = FIRST_ID;
        let mut rename = |id: &mut u8| {
            if *id >= FIRST_ID {
                let new = &mut ids[usize::from(*id)];
                if *new == 0 {
                    *new = next;
                    next += 1;
                }
                *id = *new;
            }
        };
        for write in &mut self.applied {
            rename(&mut write.id);
        }
        for inode in &mut self.disk.inodes {
            let longer = inode.longer.iter_mut().flatten();
            inode.bytes.iter_mut().chain(longer).for_each(&mut rename);
        }
        let unwritten = self.aof.iter_mut().flat_map(|aof| &mut aof.buffer);
        unwritten.for_each(&mut rename);
        self.ids = next - FIRST_ID;
    }
}

/// Writes the spans at the beginning of a file anew: `None` for those that are gone, and whether
/// the others are settled. `written` is a length of it.
fn join_in(
    inode: &mut Inode,
    spans: &[Span],
    id: &dyn Fn(&Span) -> Option<(u8, bool)>,
    written: Option<&mut usize>,
) {
    let mut head = Vec::new();
    for span in spans {
        match id(span) {
            None => {}
            Some((id, true)) => head.extend(Write { id, is_pair: false }.encode()),
            Some((_, false)) => head.extend_from_slice(&inode.bytes[span.from..span.to]),
        }
    }
    let end = spans.last().map_or(0, |span| span.to);
    let less = end - head.len();
    let firm = inode.firm;
    inode.marks.retain(|mark| *mark > firm);
    if let Some(written) = written {
        // To give what is on disk to the disk changes nothing.
        *written = (*written).max(firm) - less;
    }
    inode.firm -= less;
    for mark in &mut inode.marks {
        *mark -= less;
    }
    for (from, to) in &mut inode.holes {
        *from -= less;
        *to -= less;
    }
    inode.bytes.splice(..end, head.iter().copied());
    if let Some(longer) = &mut inode.longer {
        longer.splice(..end, head);
    }
}
