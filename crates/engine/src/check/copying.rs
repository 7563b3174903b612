//! A snapshot that a history takes of itself, slice by slice between its steps: what is read back
//! from it has to be the state at its beginning.

use alloc::{format, string::String, vec::Vec};

use vk_rdb::{Compression, FileWriter};
use vk_resp::{Batch, Limits, Parser};

use super::rig::Rig;
use crate::{
    BackgroundSave, Digest, LoadOptions, LoadStep, SnapshotChunk, SnapshotId, SnapshotStep,
    WorkBudget,
};

/// A snapshot in progress.
pub(super) struct Copying {
    id: SnapshotId,
    /// None where it consists of commands.
    file: Option<FileWriter>,
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
            out,
            file: Some(file),
            ..Self::of_commands(rig, save.id)
        }
    }

    /// One of commands that has just begun.
    pub(super) fn of_commands(rig: &Rig, id: SnapshotId) -> Self {
        Self {
            id,
            file: None,
            out: Vec::new(),
            chunk: SnapshotChunk::default(),
            digest: rig.engine.digest(),
        }
    }

    pub(super) fn id(&self) -> SnapshotId {
        self.id
    }

    /// Reads out the smallest slice. `true` at the end.
    ///
    /// # Errors
    /// A value is lost.
    pub(super) fn go_on(&mut self, rig: &mut Rig) -> Result<bool, String> {
        let budget = WorkBudget { entries_max: 1 };
        let step = rig.engine.snapshot_poll(self.id, budget, &mut self.chunk);
        let Self {
            file, out, chunk, ..
        } = self;
        match file {
            Some(file) => {
                file.records(&chunk.bytes, &chunk.texts, out);
                chunk.tail.iter().for_each(|tail| file.text(tail, out));
            }
            None => {
                out.extend_from_slice(&chunk.bytes);
                chunk
                    .tail
                    .iter()
                    .for_each(|tail| out.extend_from_slice(tail));
            }
        }
        match step {
            SnapshotStep::More => Ok(false),
            SnapshotStep::Ended => Ok(true),
            SnapshotStep::Lost => Err("a snapshot cannot find a value".into()),
        }
    }

    /// Reads the rest, loads the file and compares.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn end(mut self, rig: &mut Rig) -> Result<(), String> {
        while !self.go_on(rig)? {}
        let copy = match self.file.take() {
            Some(mut file) => {
                file.end(&mut self.out);
                let id = self.id;
                rig.with_env(|engine, env| engine.handle_saved(env, id, Ok(())));
                loaded(&self.out)?
            }
            None => replayed(&self.out)?,
        };
        if copy.engine.digest() == self.digest {
            return Ok(());
        }
        Err("a snapshot is not the state at its beginning".into())
    }
}

/// A machine into which the file was loaded.
fn loaded(out: &[u8]) -> Result<Rig, String> {
    let mut copy = Rig::new();
    let options = LoadOptions {
        // Keys that have expired are part of the state.
        is_aof_base: true,
        total_bytes: out.len() as u64,
        ..LoadOptions::default()
    };
    copy.with_env(|engine, env| {
        engine.load_begin(env, options);
        engine.load_feed(out);
        engine.load_finish();
        while engine
            .load_step(env, 1000)
            .map_err(|error| format!("a snapshot is not loaded: {error}"))?
            != LoadStep::Ended
        {}
        engine.load_end();
        Ok::<(), String>(())
    })?;
    Ok(copy)
}

/// A machine that has run the commands. It is at the beginning of its time, when nothing that
/// expires has expired.
fn replayed(out: &[u8]) -> Result<Rig, String> {
    let mut copy = Rig::new();
    let session = copy.connect().ok_or("no session")?;
    let mut batch = Batch::default();
    let parsed = Parser::new().parse(out, 0, &Limits::DEFAULT, usize::MAX, &mut batch);
    if parsed.ok() != Some(out.len()) {
        return Err("a snapshot does not consist of commands".into());
    }
    for at in 0..batch.len() {
        let words: Vec<&[u8]> = batch.request(at, out).iter().collect();
        let (reply, _) = copy.request(session, words.iter().copied(), false);
        if reply
            .chunks()
            .next()
            .is_some_and(|chunk| chunk.starts_with(b"-"))
        {
            return Err(format!("a command of a snapshot was refused: {words:?}"));
        }
    }
    Ok(copy)
}
