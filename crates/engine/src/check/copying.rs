//! A snapshot that a history takes of itself, slice by slice between its steps: what is read back
//! from it has to be the state at its beginning.

use alloc::{format, string::String, vec::Vec};

use vk_rdb::{Compression, FileWriter};

use super::rig::Rig;
use crate::{
    BackgroundSave, Digest, LoadOptions, LoadStep, SnapshotChunk, SnapshotId, SnapshotStep,
    WorkBudget,
};

/// A snapshot in progress.
pub(super) struct Copying {
    id: SnapshotId,
    file: FileWriter,
    out: Vec<u8>,
    chunk: SnapshotChunk,
    digest: Digest,
}

impl Copying {
    /// One that has just begun.
    pub(super) fn begin(rig: &Rig, save: &BackgroundSave) -> Self {
        let mut file = FileWriter::new(save.plan.version, Compression::Lzf, true);
        let mut out = Vec::new();
        file.begin(&save.plan.facts, &mut out);
        Self {
            id: save.id,
            file,
            out,
            chunk: SnapshotChunk::default(),
            digest: rig.engine.digest(),
        }
    }

    pub(super) fn id(&self) -> SnapshotId {
        self.id
    }

    /// Reads out the smallest slice. `true` at the end.
    pub(super) fn go_on(&mut self, rig: &mut Rig) -> bool {
        let budget = WorkBudget { entries_max: 1 };
        let step = rig.engine.snapshot_poll(self.id, budget, &mut self.chunk);
        let Self {
            file, out, chunk, ..
        } = self;
        file.records(&chunk.bytes, &chunk.texts, out);
        step == SnapshotStep::Ended
    }

    /// Reads the rest, loads the file and compares.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn end(mut self, rig: &mut Rig) -> Result<(), String> {
        while !self.go_on(rig) {}
        self.file.end(&mut self.out);
        let id = self.id;
        rig.with_env(|engine, env| engine.handle_saved(env, id, Ok(())));
        let mut copy = Rig::new();
        let options = LoadOptions {
            // Keys that have expired are part of the state.
            is_aof_base: true,
            ..LoadOptions::default()
        };
        let out = self.out;
        copy.with_env(|engine, env| {
            engine.load_begin(env, options);
            engine.load_feed(&out);
            engine.load_finish();
            while engine
                .load_step(env, 1000)
                .map_err(|error| format!("a snapshot is not loaded: {error}"))?
                != LoadStep::Ended
            {}
            engine.load_end();
            Ok::<(), String>(())
        })?;
        if copy.engine.digest() == self.digest {
            return Ok(());
        }
        Err("a snapshot is not the state at its beginning".into())
    }
}
