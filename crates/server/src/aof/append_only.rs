//! The log of a running server: its files, what is to be written, and what the disk has.

use std::{fs::File, io, time::Instant};

use vk_engine::{
    AofFacts, EffectBuf, GroupMark, MonoMicros, SaveFault, SnapshotId,
    config::{Config, id},
};
use vk_persist::{Aof, FileOp, FsyncPolicy, Group, Step};

use super::{
    folder::{self, Folder},
    gather::Gathering,
    sync::Syncer,
};
use crate::{
    host::Clock,
    hub::Hub,
    listen::system_text,
    log::{Level, Logger},
    snapshot::Target,
};

/// The append-only file of a running server.
pub(crate) struct AppendOnly {
    pub(super) log: Aof,
    pub(super) folder: Folder,
    /// The increment that is written to; none until the first rewrite has begun.
    pub(super) file: Option<File>,
    pub(super) file_name: Option<String>,
    pub(super) syncer: Syncer,
    pub(super) effects: EffectBuf,
    pub(super) rewrite: Option<Rewriting>,
    /// Files that a rewrite has replaced are not removed.
    pub(super) keeps_replaced: bool,
    /// What the disk was given last: when.
    pub(super) synced_at: MonoMicros,
    /// What is being given to the disk: up to where, and since when.
    pub(super) syncing: Option<(u64, MonoMicros)>,
    /// With `always`: when the next write to the disk begins.
    pub(super) gathering: Gathering,
    pub(super) delayed_syncs: u64,
    pub(super) fault: Option<String>,
    pub(super) retry_at: Option<MonoMicros>,
    pub(super) told: AofFacts,
}

/// A rewrite that is going on.
pub(super) struct Rewriting {
    pub(super) id: SnapshotId,
    pub(super) temporary: String,
    pub(super) is_rdb: bool,
}

impl AppendOnly {
    /// Where the base of a rewrite is written.
    pub(super) fn base_target(&self, temporary: &str, config: &Config) -> Target {
        let path = self.folder.path(temporary);
        Target {
            temporary: path.clone(),
            path,
            syncs_often: config.bool(id::AOF_REWRITE_INCREMENTAL_FSYNC),
        }
    }

    /// Takes over effects: all, or the first groups; the rest stays in `effects`.
    pub(super) fn take(&mut self, hub: &mut Hub, groups_max: Option<usize>) {
        hub.engine.take_effects(&mut self.effects);
        let wall_s = hub.clock.wall.0.div_euclid(1_000_000);
        let count = groups_max
            .unwrap_or(usize::MAX)
            .min(self.effects.groups.len());
        let left = self.effects.bytes.len() - self.end_of(count);
        let position = hub.engine.effects_position().saturating_sub(left as u64);
        append(&mut self.log, &self.effects, count, position, wall_s);
        if groups_max.is_none() {
            self.effects.bytes.clear();
            self.effects.groups.clear();
        } else {
            self.drop_groups(count);
        }
    }

    /// Takes over what [`AppendOnly::take`] has left.
    pub(super) fn take_rest(&mut self, hub: &Hub) {
        let wall_s = hub.clock.wall.0.div_euclid(1_000_000);
        let position = hub.engine.effects_position();
        let count = self.effects.groups.len();
        append(&mut self.log, &self.effects, count, position, wall_s);
        self.effects.bytes.clear();
        self.effects.groups.clear();
    }

    /// Where so many groups end.
    fn end_of(&self, count: usize) -> usize {
        count
            .checked_sub(1)
            .and_then(|last| self.effects.groups.get(last))
            .map_or(0, |group| group.end)
    }

    fn drop_groups(&mut self, count: usize) {
        let end = self.end_of(count);
        self.effects.bytes.drain(..end);
        self.effects.groups.drain(..count);
        for group in &mut self.effects.groups {
            group.end = group.end.saturating_sub(end);
        }
    }

    /// Opens the last increment at the start, or makes the first one.
    pub(super) fn open_increment(&mut self, logger: &Logger) -> Result<(), String> {
        let sealed = &self.folder.sealed;
        let last = self.log.increment();
        let is_there = last.is_some_and(|name| !sealed.must_not_grow(name));
        if is_there {
            self.reopen()?;
        } else {
            let step = self.log.first_increment();
            self.take_step(step, logger)?;
        }
        let name = self.log.increment().unwrap_or_default();
        let begun = if is_there { "Opening" } else { "Creating" };
        let text = format!("{begun} AOF incr file {name} on server start");
        logger.log(Level::Notice, &text);
        Ok(())
    }

    /// A rewrite begins: commands go to a new file.
    pub(super) fn begin_increment(&mut self, logger: &Logger) -> Result<(), String> {
        let step = self.log.begin_rewrite();
        self.take_step(step, logger)?;
        let text = match (self.log.increment(), self.log.apart()) {
            (Some(name), _) => format!("Creating AOF incr file {name} on background rewrite"),
            (None, Some(name)) => {
                format!("Creating AOF incr file {name} temporarily on background rewrite")
            }
            (None, None) => return Ok(()),
        };
        logger.log(Level::Notice, &text);
        Ok(())
    }

    /// Does what a step needs, and tells the log.
    pub(super) fn take_step(&mut self, step: Step, logger: &Logger) -> Result<(), String> {
        let syncs =
            |op: &FileOp| matches!(op, FileOp::Sync(name) if self.file_name.as_ref() == Some(name));
        if step.ops.iter().any(syncs) {
            self.finish_sync(logger)?;
        }
        match self.folder.perform(&step.ops) {
            Ok(()) => {
                self.log.handle_step(step);
                self.reopen()
            }
            Err(error) => {
                let was_lost = self.log.is_lost();
                let ops = self.log.handle_step_failed(&step, error.at);
                if self.log.is_lost() && !was_lost {
                    self.tell_lost(&error.text, logger);
                }
                self.folder.clean_up(&ops, logger);
                self.reopen()?;
                Err(error.text)
            }
        }
    }

    fn tell_lost(&mut self, text: &str, logger: &Logger) {
        self.fault.get_or_insert_with(|| text.to_owned());
        let text = format!(
            "Fail to fsync the AOF file: {text}. Writes are refused until a rewrite has written \
             everything anew."
        );
        logger.log(Level::Warning, &text);
    }

    /// Commands go to the file that the log names.
    pub(super) fn reopen(&mut self) -> Result<(), String> {
        let apart = self.log.apart();
        let name = apart.as_deref().or_else(|| self.log.increment());
        if name == self.file_name.as_deref() {
            return Ok(());
        }
        let opened = name.map(|name| {
            self.folder.append_to(name).map_err(|error| {
                let text = system_text(&error);
                format!("Can't open the append-only file {name}: {text}")
            })
        });
        let opened = opened.transpose()?;
        let name = name.map(str::to_owned);
        if let Some(name) = &name {
            self.folder.sealed.handle_opened(name);
        }
        // What the thread still gives to the disk is of the file before.
        self.syncing = None;
        self.syncer.forget();
        self.file = opened;
        self.file_name = name;
        Ok(())
    }

    /// Writes at the end of the file what was not written, encrypted or as it is.
    fn write_file(&mut self) -> Result<(), String> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let sealed = &mut self.folder.sealed;
        if sealed.is_growing() {
            let bytes = sealed
                .encrypt(self.log.unwritten())
                .map_err(|fault| format!("it {fault}"))?;
            let written = folder::append(file, bytes);
            let landed = written
                .as_ref()
                .map_or_else(|(_, landed)| *landed, |()| usize::MAX);
            sealed.handle_written(landed);
            return written.map_err(|(error, _)| system_text(&error));
        }
        folder::append(file, self.log.unwritten()).map_err(|(error, landed)| {
            self.log.handle_write_failed(landed);
            system_text(&error)
        })
    }

    /// Writes the buffer; with `always` it is on disk afterwards. So many connections wait for it,
    /// and so many of them have waited for the write before.
    pub(super) fn write(
        &mut self,
        clock: &Clock,
        (connections, returned): (usize, usize),
        logger: &Logger,
    ) -> Result<(), String> {
        if self.file.is_none() {
            return Ok(());
        }
        self.write_file()?;
        self.log.handle_written();
        if self.log.policy() == FsyncPolicy::Always {
            self.finish_sync(logger)?;
            let Some(file) = &self.file else {
                return Ok(());
            };
            let begun = Instant::now();
            let synced = file.sync_data().map_err(|error| system_text(&error));
            synced.inspect_err(|text| self.lose(text, logger))?;
            let written = self.log.status().written;
            self.log.handle_synced(written);
            self.synced_at = clock.mono;
            self.gathering
                .handle_synced(begun.elapsed(), connections, returned);
        }
        Ok(())
    }

    /// Nothing will be written to the file any more: an encrypted one says so itself.
    pub(super) fn end_file(&mut self, logger: &Logger) -> Result<(), String> {
        self.finish_sync(logger)?;
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let ended = match self.folder.sealed.close() {
            Some(end) => folder::append(file, &end).map_err(|(error, _)| error),
            None => Ok(()),
        };
        let synced = ended.and_then(|()| file.sync_all());
        synced.map_err(|error| system_text(&error))
    }

    /// All is on disk: the list says where the file ends, so that nothing of it can be taken away.
    pub(super) fn note_end(&mut self, logger: &Logger) {
        if !self.folder.sealed.is_growing() || self.log.increment().is_none() {
            return;
        }
        self.folder.sealed.note_synced();
        let names = self.log.names();
        let (temporary, name) = (names.temporary_manifest(), names.manifest());
        let ops = [
            FileOp::Write(temporary.clone(), self.log.manifest().encode()),
            FileOp::Sync(temporary.clone()),
            FileOp::Rename(temporary, name),
            FileOp::SyncFolder,
        ];
        // What was there before is right, too.
        self.folder.clean_up(&ops, logger);
    }

    /// The disk has failed for the file that is written to.
    fn lose(&mut self, text: &str, logger: &Logger) {
        let ops = self.log.handle_sync_failed();
        self.folder.clean_up(&ops, logger);
        self.syncing = None;
        self.file = None;
        self.file_name = None;
        self.tell_lost(text, logger);
    }

    pub(super) fn begin_sync(&mut self, now: MonoMicros) {
        let Some(Ok(file)) = self.file.as_ref().map(File::try_clone) else {
            return;
        };
        self.synced_at = now;
        if self.syncer.sync(file) {
            self.syncing = Some((self.log.status().written, now));
        }
    }

    /// The thread has given to the disk what it was told to, or could not.
    pub(super) fn end_sync(
        &mut self,
        result: io::Result<()>,
        logger: &Logger,
    ) -> Result<(), String> {
        let Some((position, _)) = self.syncing.take() else {
            return Ok(());
        };
        let result = result.map_err(|error| system_text(&error));
        result.inspect_err(|text| self.lose(text, logger))?;
        self.log.handle_synced(position);
        Ok(())
    }

    /// Waits for what the thread is at. The system tells of a failure once: who gives the file to
    /// the disk when the thread has been told hears nothing of it.
    pub(super) fn finish_sync(&mut self, logger: &Logger) -> Result<(), String> {
        if self.syncing.is_none() {
            return Ok(());
        }
        match self.syncer.wait() {
            Some(result) => self.end_sync(result, logger),
            None => Ok(()),
        }
    }

    /// Puts a base that was written into its place.
    pub(super) fn install(
        &mut self,
        result: Result<u64, SaveFault>,
        logger: &Logger,
    ) -> Result<(), SaveFault> {
        let rewrite = self.rewrite.take();
        let (bytes, rewrite) = match (result, rewrite) {
            (Ok(bytes), Some(rewrite)) => (bytes, rewrite),
            (result, _) => {
                self.fail_rewrite(logger);
                return result.map(|_| ());
            }
        };
        logger.log(
            Level::Notice,
            "Background AOF rewrite terminated with success",
        );
        let step = self
            .log
            .end_rewrite(&rewrite.temporary, rewrite.is_rdb, bytes);
        let Some(step) = step else {
            let text = "The disk has failed for what came after the AOF base file began";
            logger.log(Level::Warning, text);
            self.fail_rewrite(logger);
            self.discard(&rewrite.temporary, logger);
            return Err(SaveFault::Failed);
        };
        let base = step.manifest().and_then(|next| next.base.as_ref());
        let name = base.map(|part| part.name.clone()).unwrap_or_default();
        if let Err(text) = self.take_step(step, logger) {
            logger.log(Level::Warning, &text);
            self.discard(&rewrite.temporary, logger);
            return Err(SaveFault::Failed);
        }
        let text = format!(
            "Successfully renamed the temporary AOF base file {} into {name}",
            rewrite.temporary
        );
        logger.log(Level::Notice, &text);
        self.prune(logger);
        Ok(())
    }

    fn discard(&mut self, temporary: &str, logger: &Logger) {
        self.folder
            .clean_up(&[FileOp::Remove(temporary.to_owned())], logger);
    }

    fn fail_rewrite(&mut self, logger: &Logger) {
        if let Some(name) = self.log.apart() {
            let text = format!("Removing the temp incr aof file {name} in the background");
            logger.log(Level::Notice, &text);
        }
        let ops = self.log.handle_rewrite_failed();
        self.folder.clean_up(&ops, logger);
        if let Err(text) = self.reopen() {
            logger.log(Level::Warning, &text);
        }
    }

    /// Removes files that nobody needs.
    pub(crate) fn prune(&mut self, logger: &Logger) {
        if self.keeps_replaced {
            return;
        }
        if let Some(step) = self.log.without_history() {
            for part in &self.log.manifest().history {
                let text = format!("Removing the history file {} in the background", part.name);
                logger.log(Level::Notice, &text);
            }
            if let Err(text) = self.take_step(step, logger) {
                logger.log(Level::Warning, &text);
            }
        }
    }
}

/// Hands the first groups of effects to the log. Single ones of a database that follow each other
/// are handed over in one piece.
fn append(log: &mut Aof, effects: &EffectBuf, count: usize, position: u64, wall_s: i64) {
    let mut from = 0;
    let marks = effects.groups.get(..count).unwrap_or_default();
    let are_alike =
        |one: &GroupMark, next: &GroupMark| one.count == 1 && next.count == 1 && one.db == next.db;
    let runs = marks.chunk_by(are_alike);
    let groups = runs.filter_map(|run| {
        let (first, last) = (run.first()?, run.last()?);
        let bytes = effects.bytes.get(from..last.end).unwrap_or_default();
        from = last.end;
        Some(Group {
            db: first.db,
            is_atomic: first.count > 1,
            bytes,
        })
    });
    log.append(groups, position, wall_s);
}

#[cfg(test)]
mod tests {
    use vk_persist::{LogOptions, Manifest, Names};

    use super::*;

    #[test]
    fn transactions_and_databases_stay_apart_and_single_commands_go_in_one_piece() {
        let options = LogOptions {
            policy: FsyncPolicy::EverySecond,
            notes_time: false,
        };
        let manifest = Manifest::default();
        let mut log = Aof::new(options, Names::new("a"), manifest, 0);
        let step = log.first_increment();
        log.handle_step(step);
        let mut effects = EffectBuf::default();
        for (db, effect, count) in [
            (0, "a", 1),
            (0, "b", 1),
            (1, "c", 1),
            (1, "de", 2),
            (1, "fg", 2),
            (1, "h", 1),
            (1, "i", 1),
        ] {
            effects.bytes.extend_from_slice(effect.as_bytes());
            let end = effects.bytes.len();
            effects.groups.push(GroupMark { db, count, end });
        }
        append(&mut log, &effects, 7, 9, 0);
        let all = log.unwritten().len();
        append(&mut log, &effects, 2, 9, 0);
        let text = String::from_utf8_lossy(log.unwritten()).replace("\r\n", " ");
        let last = format!("{}ab", "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n");
        assert_eq!(log.unwritten().get(all..), Some(last.as_bytes()));
        let select = |db| format!("*2 $6 SELECT $1 {db} ");
        let (multi, exec) = ("*1 $5 MULTI ", "*1 $4 EXEC ");
        let (first, second) = (select(0), select(1));
        let whole = format!("{first}ab{second}c{multi}de{exec}{multi}{second}fg{exec}{second}hi");
        assert_eq!(text, format!("{whole}{first}ab"));
    }
}
