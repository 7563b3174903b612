//! The log of a running server: its files, what is to be written, and what the disk has.

use std::{fs::File, io, time::Instant};

use vk_engine::{
    AofFacts, EffectBuf, MonoMicros, SaveFault, SnapshotId,
    config::{Config, id},
};
use vk_persist::{Aof, FsyncPolicy, Group};

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
    pub(super) syncer: Syncer,
    pub(super) effects: EffectBuf,
    /// Switched on while the server runs: the files are complete after the first rewrite.
    pub(super) is_waiting: bool,
    pub(super) rewrite: Option<Rewriting>,
    /// What the disk was given last: when.
    pub(super) synced_at: MonoMicros,
    /// What is being given to the disk: up to where, and since when.
    pub(super) syncing: Option<(u64, MonoMicros)>,
    /// With `always`: when the next write to the disk begins.
    pub(super) gathering: Gathering,
    pub(super) delayed_syncs: u64,
    pub(super) fault: Option<String>,
    /// A failure of the disk: nothing is durable any more until all was written anew.
    pub(super) is_lost: bool,
    pub(super) retry_at: Option<MonoMicros>,
    pub(super) told: AofFacts,
}

/// A rewrite that is going on.
pub(super) struct Rewriting {
    pub(super) id: SnapshotId,
    pub(super) temporary: String,
    pub(super) is_rdb: bool,
    /// Increments that stay behind the new base.
    pub(super) kept: usize,
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
        append(&mut self.log, &self.effects, 0..count, position, wall_s);
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
        append(&mut self.log, &self.effects, 0..count, position, wall_s);
        self.effects.bytes.clear();
        self.effects.groups.clear();
    }

    /// Drops effects that a base has.
    pub(super) fn forget(&mut self, hub: &mut Hub, groups: usize) {
        hub.engine.take_effects(&mut self.effects);
        self.drop_groups(groups.min(self.effects.groups.len()));
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
        if let Some(name) = self.log.increment() {
            let text = format!("Opening AOF incr file {name} on server start");
            logger.log(Level::Notice, &text);
            self.open_last()?;
            // What was loaded from it may be in the system's memory only.
            let synced = self.file.as_ref().map_or(Ok(()), File::sync_all);
            return synced.map_err(|error| system_text(&error));
        }
        let (ops, next) = self.log.new_increment();
        self.folder.perform(&ops).map_err(|error| error.text)?;
        self.log.handle_increment(next, false);
        self.open_last()?;
        let name = self.log.increment().unwrap_or_default();
        let text = format!("Creating AOF incr file {name} on server start");
        logger.log(Level::Notice, &text);
        Ok(())
    }

    /// A rewrite begins: commands go to a new increment.
    pub(super) fn begin_increment(&mut self, logger: &Logger) -> Result<(), String> {
        let (ops, next) = self.log.new_increment();
        self.folder.perform(&ops).map_err(|error| error.text)?;
        self.log.handle_increment(next, true);
        self.open_last()?;
        let name = self.log.increment().unwrap_or_default();
        let text = format!("Creating AOF incr file {name} on background rewrite");
        logger.log(Level::Notice, &text);
        Ok(())
    }

    fn open_last(&mut self) -> Result<(), String> {
        let name = self.log.increment().unwrap_or_default();
        let file = self.folder.append_to(name).map_err(|error| {
            let text = system_text(&error);
            format!("Can't open the append-only file {name}: {text}")
        })?;
        // What the thread still gives to the disk is of the file before.
        self.syncing = None;
        self.syncer.forget();
        self.file = Some(file);
        Ok(())
    }

    /// Writes the buffer; with `always` it is on disk afterwards. So many connections wait for it,
    /// and so many of them have waited for the write before.
    pub(super) fn write(
        &mut self,
        clock: &Clock,
        (connections, returned): (usize, usize),
    ) -> Result<(), String> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        folder::append(file, self.log.unwritten()).map_err(|error| system_text(&error))?;
        self.log.handle_written();
        if self.log.policy() == FsyncPolicy::Always {
            let begun = Instant::now();
            file.sync_data().map_err(|error| {
                self.is_lost = true;
                system_text(&error)
            })?;
            let written = self.log.status().written;
            self.log.handle_synced(written);
            self.synced_at = clock.mono;
            self.gathering
                .handle_synced(begun.elapsed(), connections, returned);
        }
        Ok(())
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

    pub(super) fn end_sync(&mut self, result: io::Result<()>, logger: &Logger) {
        let Some((position, _)) = self.syncing.take() else {
            return;
        };
        match result {
            Ok(()) => self.log.handle_synced(position),
            Err(error) => {
                // Nobody knows what of it is on disk, and asking again would hide that.
                let text = system_text(&error);
                self.is_lost = true;
                self.fault.get_or_insert_with(|| text.clone());
                logger.log(
                    Level::Warning,
                    &format!("Fail to fsync the AOF file: {text}"),
                );
            }
        }
    }

    /// Puts a base that was written into its place.
    pub(super) fn install(
        &mut self,
        result: Result<u64, SaveFault>,
        is_logging: bool,
        logger: &Logger,
    ) -> Result<(), SaveFault> {
        let rewrite = self.rewrite.take();
        let (Ok(bytes), Some(rewrite)) = (&result, rewrite) else {
            self.log.handle_rewrite_failed();
            return result.map(|_| ());
        };
        logger.log(
            Level::Notice,
            "Background AOF rewrite terminated with success",
        );
        let kept = if is_logging {
            // Increments of rewrites that failed are in this base, too.
            rewrite.kept
        } else {
            0
        };
        let (ops, next) = self.log.new_base(&rewrite.temporary, rewrite.is_rdb, kept);
        if let Err(error) = self.folder.perform(&ops) {
            logger.log(Level::Warning, &error.text);
            self.log.handle_rewrite_failed();
            return Err(SaveFault::Failed);
        }
        let name = next.base.as_ref().map_or("", |part| part.name.as_str());
        let text = format!(
            "Successfully renamed the temporary AOF base file {} into {name}",
            rewrite.temporary
        );
        logger.log(Level::Notice, &text);
        self.log.handle_base(next, *bytes);
        self.prune(logger);
        Ok(())
    }

    /// Removes files that nobody needs.
    pub(crate) fn prune(&mut self, logger: &Logger) {
        if let Some((ops, next)) = self.log.without_history() {
            for part in &self.log.manifest().history {
                let text = format!("Removing the history file {} in the background", part.name);
                logger.log(Level::Notice, &text);
            }
            match self.folder.perform(&ops) {
                Ok(()) => self.log.handle_pruned(next),
                Err(error) => logger.log(Level::Warning, &error.text),
            }
        }
    }
}

/// Hands groups of effects to the log.
fn append(
    log: &mut Aof,
    effects: &EffectBuf,
    range: std::ops::Range<usize>,
    position: u64,
    wall_s: i64,
) {
    let mut from = 0;
    let groups = effects.groups.get(range).unwrap_or_default().iter();
    let groups = groups.map(|mark| {
        let bytes = effects.bytes.get(from..mark.end).unwrap_or_default();
        from = mark.end;
        Group {
            db: mark.db,
            count: mark.count,
            bytes,
        }
    });
    log.append(groups, position, wall_s);
}
