//! A pass over all databases as they were at one moment, in slices.

use alloc::collections::VecDeque;

use vk_rdb::Writer;

use super::{
    SnapshotChunk, SnapshotForm, SnapshotId, SnapshotStep, commands, record, record::Uses,
};
use crate::{Engine, WorkBudget, config::id};

/// Buckets that are read out between two looks at how much there is.
const BUCKETS_PER_STEP: usize = 4;
/// A piece of about so many bytes is large enough to be handed on.
const CHUNK_BYTES: usize = 256 << 10;
/// Room that is kept for the next piece.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// A pass in progress.
#[derive(Debug)]
pub(crate) struct Pass {
    id: SnapshotId,
    uses: Uses,
    output: Output,
    /// Databases that have not begun.
    waiting: VecDeque<Head>,
    /// The database that is being read.
    current: Option<u32>,
    keys_done: usize,
    keys_total: usize,
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

    pub(super) fn put(&mut self, entry: &vk_data::entry::DbEntry, uses: Uses) {
        match self {
            Self::Records(writer) => record::put_key(entry, uses, writer),
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
            uses: engine.saved_uses(),
            output: Output::new(form, engine.config.bool(id::RDBCOMPRESSION)),
            keys_total: waiting.iter().map(|head| head.keys).sum(),
            keys_done: 0,
            waiting,
            current: None,
        }
    }

    pub(super) fn id(&self) -> SnapshotId {
        self.id
    }

    /// Keys that were read out, and all of them.
    pub(crate) fn progress(&self) -> (usize, usize) {
        (self.keys_done, self.keys_total)
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
            chunk.bytes.clear();
            chunk.texts.clear();
            return SnapshotStep::Ended;
        };
        let keys_before = pass.keys_done;
        let step = loop {
            let Some(number) = pass.current else {
                let Some(head) = pass.waiting.pop_front() else {
                    break SnapshotStep::Ended;
                };
                pass.output.begin(head.number, head.keys, head.volatile);
                pass.current = Some(head.number);
                continue;
            };
            let (output, uses, done) = (&mut pass.output, pass.uses, &mut pass.keys_done);
            let ended = self.dbs.cut_slice(number, BUCKETS_PER_STEP, &mut |saved| {
                output.put(saved.entry(), uses);
                *done += 1;
            });
            if ended {
                pass.current = None;
            }
            let is_enough = pass.keys_done - keys_before >= budget.entries_max.max(1);
            if is_enough || pass.output.bytes().len() >= CHUNK_BYTES {
                break SnapshotStep::More;
            }
        };
        pass.output.hand_over(chunk);
        if step == SnapshotStep::More {
            self.pass = Some(pass);
        }
        step
    }
}
