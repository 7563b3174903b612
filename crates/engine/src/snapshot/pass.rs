//! A pass over all databases as they were at one moment, in slices.

use alloc::{boxed::Box, collections::VecDeque};

use vk_data::{
    entry::DbEntry,
    pieces::{Image, Outline},
    table::Saved,
};
use vk_rdb::Writer;

use super::{
    SnapshotChunk, SnapshotForm, SnapshotId, SnapshotStep, commands,
    pieces::Opened,
    record,
    record::Manner,
    shared::{self, Copying},
};
use crate::{
    Engine, WorkBudget,
    config::id,
    databases::{Databases, PieceStep},
};

/// Buckets that are read out between two looks at how much there is.
const BUCKETS_PER_STEP: usize = 4;
/// Elements of a large value that are read out between two such looks.
const ELEMENTS_PER_STEP: usize = 64;
/// A piece of about so many bytes is large enough to be handed on.
const CHUNK_BYTES: usize = 256 << 10;
/// Room that is kept for the next piece.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// A pass in progress.
#[derive(Debug)]
pub(crate) struct Pass {
    id: SnapshotId,
    manner: Manner,
    output: Output,
    /// Databases that have not begun.
    waiting: VecDeque<Head>,
    /// The database that is being read.
    current: Option<u32>,
    /// Its buckets are read.
    is_scanned: bool,
    /// Large values of it whose turn is to come.
    large: VecDeque<Large>,
    /// The large value that is being read.
    open: Option<Opened>,
    /// The long string that is being copied.
    copying: Option<Copying>,
    /// The key with a long string that is being written.
    string: Option<DbEntry>,
    keys_done: usize,
    keys_total: usize,
}

/// A large value whose turn is to come.
#[derive(Debug)]
enum Large {
    /// It is read in pieces.
    InPieces(Box<Outline>),
    /// A long string.
    String(DbEntry),
}

#[derive(Debug)]
struct Head {
    number: u32,
    keys: usize,
    volatile: usize,
}

/// Where keys go.
#[derive(Debug)]
pub(super) enum Output {
    Records(Writer),
    Commands(alloc::vec::Vec<u8>),
}

impl Output {
    pub(super) fn new(form: SnapshotForm, compresses: bool) -> Self {
        match form {
            SnapshotForm::Records if compresses => Self::Records(Writer::noting_texts()),
            SnapshotForm::Records => Self::Records(Writer::new(vk_rdb::Compression::None)),
            SnapshotForm::Commands => Self::Commands(alloc::vec::Vec::new()),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Records(writer) => writer.bytes(),
            Self::Commands(bytes) => bytes,
        }
    }

    pub(super) fn begin(&mut self, number: u32, keys: usize, volatile: usize) {
        match self {
            Self::Records(writer) => record::put_database(number, keys, volatile, writer),
            Self::Commands(out) => commands::put_database(number, out),
        }
    }

    pub(super) fn put(&mut self, entry: &DbEntry, manner: Manner) {
        match self {
            Self::Records(writer) => record::put_key(entry, manner, writer),
            Self::Commands(out) => commands::put_key(entry, out),
        }
    }

    /// Moves everything into `chunk`, whose room is used again.
    pub(super) fn hand_over(&mut self, chunk: &mut SnapshotChunk) {
        chunk.bytes.clear();
        chunk.texts.clear();
        chunk.bytes.extend_from_slice(self.bytes());
        match self {
            Self::Records(writer) => {
                chunk.texts.extend_from_slice(writer.texts());
                writer.clear();
                if chunk.bytes.len() > KEPT_BYTES_MAX {
                    // One large value is no reason to keep the room for another.
                    writer.take();
                }
            }
            Self::Commands(bytes) => {
                bytes.clear();
                bytes.shrink_to(KEPT_BYTES_MAX);
            }
        }
    }
}

impl Pass {
    /// A pass of the cut that has just begun.
    pub(super) fn new(engine: &Engine, id: SnapshotId, form: SnapshotForm) -> Self {
        let heads = engine.dbs.iter().filter(|(_, db)| !db.is_empty());
        let waiting: VecDeque<Head> = heads
            .map(|(number, db)| Head {
                number,
                keys: db.len(),
                volatile: db.volatile_len(),
            })
            .collect();
        Self {
            id,
            manner: engine.saved_manner(),
            output: Output::new(form, engine.config.bool(id::RDBCOMPRESSION)),
            keys_total: waiting.iter().map(|head| head.keys).sum(),
            keys_done: 0,
            waiting,
            current: None,
            is_scanned: false,
            large: VecDeque::new(),
            open: None,
            copying: None,
            string: None,
        }
    }

    pub(super) fn id(&self) -> SnapshotId {
        self.id
    }

    /// Keys that were read out, and all of them.
    pub(crate) fn progress(&self) -> (usize, usize) {
        (self.keys_done, self.keys_total)
    }

    /// Large values that the pass knows of and has not read.
    pub(super) fn unread(self) -> impl Iterator<Item = Outline> {
        let open = self.open.map(Opened::into_outline);
        let large = self.large.into_iter().filter_map(|large| match large {
            Large::InPieces(outline) => Some(*outline),
            Large::String(_) => None,
        });
        let copying = self.copying.map(Copying::into_outline);
        large.chain(open).chain(copying)
    }

    /// Reads a little out; `Err` with the end.
    fn step(&mut self, dbs: &mut Databases, elements_max: usize) -> Result<usize, SnapshotStep> {
        if let Some(open) = &mut self.open {
            let elements = elements_max.clamp(1, ELEMENTS_PER_STEP);
            let (step, count) = open.go_on(dbs, elements, &mut self.output);
            match step {
                PieceStep::More => {}
                PieceStep::Ended => {
                    if let Some(open) = self.open.take() {
                        open.end(&mut self.output);
                        self.keys_done += 1;
                    }
                }
                PieceStep::Lost => return Err(SnapshotStep::Lost),
            }
            // What is looked at and not read is work too.
            return Ok(count.max(1));
        }
        if let Some(mut copying) = self.copying.take() {
            let elements = elements_max.clamp(1, ELEMENTS_PER_STEP);
            match copying.go_on(dbs, elements) {
                PieceStep::More => self.copying = Some(copying),
                PieceStep::Ended => self.large.push_front(Large::String(copying.into_entry())),
                PieceStep::Lost => return Err(SnapshotStep::Lost),
            }
            return Ok(elements);
        }
        if let Some(entry) = self.string.take() {
            shared::end(&entry, &mut self.output);
            self.keys_done += 1;
            return Ok(1);
        }
        match self.large.pop_front() {
            None => {}
            Some(Large::InPieces(outline)) => {
                match Copying::new(outline) {
                    Ok(copying) => self.copying = Some(copying),
                    Err(outline) => {
                        self.open = Some(Opened::new(outline, self.manner, &mut self.output));
                    }
                }
                return Ok(1);
            }
            Some(Large::String(entry)) => {
                let bytes = shared::long_string(&entry).map_or(0, |string| string.len());
                shared::begin(&entry, bytes, self.manner.uses, &mut self.output);
                self.string = Some(entry);
                return Ok(1);
            }
        }
        let Some(number) = self.current else {
            let head = self.waiting.pop_front().ok_or(SnapshotStep::Ended)?;
            self.output.begin(head.number, head.keys, head.volatile);
            self.current = Some(head.number);
            self.is_scanned = false;
            return Ok(0);
        };
        if self.is_scanned {
            dbs.cut_close(number);
            self.current = None;
            return Ok(0);
        }
        Ok(self.scan(dbs, number))
    }

    /// Reads a few buckets out; how many keys they had.
    fn scan(&mut self, dbs: &mut Databases, number: u32) -> usize {
        let mut keys = 0;
        let Self {
            output,
            manner,
            large,
            keys_done,
            ..
        } = self;
        self.is_scanned = dbs.cut_slice(number, BUCKETS_PER_STEP, &mut |saved| {
            keys += 1;
            let is_long = |entry: &DbEntry| shared::long_string(entry).is_some();
            match saved {
                Saved::Image(Image::InPieces(outline)) => {
                    return large.push_back(Large::InPieces(outline));
                }
                Saved::Live(entry) if is_long(entry) => {
                    return large.push_back(Large::String(entry.clone()));
                }
                Saved::Image(Image::Whole(entry)) if is_long(&entry) => {
                    return large.push_back(Large::String(entry));
                }
                Saved::Live(entry) => output.put(entry, *manner),
                Saved::Image(Image::Whole(entry)) => output.put(&entry, *manner),
            }
            *keys_done += 1;
        });
        keys
    }
}

impl Engine {
    /// Reads the next piece of a pass into `chunk`, whose contents are forgotten. An id of a pass
    /// that has ended or was given up is at its end.
    pub fn snapshot_poll(
        &mut self,
        id: SnapshotId,
        budget: WorkBudget,
        chunk: &mut SnapshotChunk,
    ) -> SnapshotStep {
        let Some(mut pass) = self.pass.take_if(|pass| pass.id == id) else {
            *chunk = SnapshotChunk::default();
            return SnapshotStep::Ended;
        };
        chunk.tail = None;
        let mut left = budget.entries_max.max(1);
        let step = loop {
            match pass.step(&mut self.dbs, left) {
                Ok(done) => left = left.saturating_sub(done),
                Err(end) => break end,
            }
            let string = pass.string.as_ref().and_then(shared::long_string);
            chunk.tail = string.cloned();
            if left == 0 || chunk.tail.is_some() || pass.output.bytes().len() >= CHUNK_BYTES {
                break SnapshotStep::More;
            }
        };
        pass.output.hand_over(chunk);
        chunk.goes_on = pass.open.is_some() || pass.copying.is_some() || pass.string.is_some();
        match step {
            SnapshotStep::More => self.pass = Some(pass),
            SnapshotStep::Ended => self.dbs.cut_end(),
            SnapshotStep::Lost => self.dbs.cut_abort(pass.unread()),
        }
        step
    }
}
