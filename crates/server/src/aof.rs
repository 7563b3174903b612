//! The append-only file in the shell: effects are written before replies leave, a thread gives them
//! to the disk, rewrites are carried out. What is written is vk-persist's business.

mod append_only;
mod folder;
mod gather;
mod load;
mod sync;

pub(crate) use append_only::AppendOnly;
pub(crate) use load::LogLoad;

use std::{path::PathBuf, sync::Arc, time::Duration};

use vk_engine::{
    AofFacts, AofRewrite, EffectBuf, MonoMicros, SaveFault, SnapshotForm, SnapshotId,
    config::{Config, id},
};
use vk_persist::{Aof, FileOp, FsyncPolicy, LogOptions, Names, Recovered, seal::Kind};

use append_only::Rewriting;
use folder::Folder;
use gather::Gathering;
use sync::Syncer;

use crate::{
    at_rest::{AtRest, SealedLog, SealedWriter},
    hub::Hub,
    listen::system_text,
    log::Level,
    settings,
    shell::{Exit, Shell},
    snapshot::{Background, Body, SnapshotFile},
};

/// What is written is given to the disk so often.
const SYNC_MICROS: u64 = 1_000_000;
/// A disk that takes longer holds replies back: what is acknowledged must not be further ahead.
const SYNC_MICROS_MAX: u64 = 2_000_000;
/// Time between two attempts after a failure.
const RETRY_MICROS: u64 = 1_000_000;

/// The settings of the log.
fn options(config: &Config) -> LogOptions {
    LogOptions {
        policy: match config.int(id::APPENDFSYNC) {
            1 => FsyncPolicy::Always,
            2 => FsyncPolicy::EverySecond,
            _ => FsyncPolicy::No,
        },
        notes_time: config.bool(id::AOF_TIMESTAMP_ENABLED),
    }
}

fn names(config: &Config) -> Names {
    Names::new(&config.text(id::APPENDFILENAME))
}

fn folder(config: &Config, at_rest: &Arc<AtRest>) -> Folder {
    let path = settings::path(config, id::APPENDDIRNAME);
    let path = path.unwrap_or_else(|| PathBuf::from("appendonlydir"));
    Folder::new(path, SealedLog::new(at_rest, &names(config)))
}

impl Shell {
    /// Opens the log behind what was loaded, or makes a new one of what is there.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn open_log(
        &mut self,
        (recovered, mut folder): (Recovered, Folder),
    ) -> Result<(), String> {
        let config = self.hub.engine.config();
        let names = names(config);
        folder.create().map_err(|error| {
            let text = system_text(&error);
            format!(
                "Can't open or create append-only dir {}: {text}",
                folder.name()
            )
        })?;
        let logger = self.hub.log;
        if let Err(error) = folder.perform(&recovered.ops) {
            // Asking the disk again at the next start would only hide it.
            folder.clean_up(&[FileOp::Create(names.distrust())], logger);
            return Err(error.text);
        }
        let Recovered {
            manifest, bytes, ..
        } = recovered;
        let is_empty = manifest.files().next().is_none();
        let log = Aof::new(options(config), names, manifest, bytes);
        let mut aof = self.append_only(log, folder)?;
        if is_empty || recovered.is_distrusted {
            if recovered.is_distrusted {
                let text =
                    "The disk has failed in an earlier run: all that was loaded is written anew";
                logger.log(Level::Warning, text);
            }
            self.write_first_base(&mut aof)?;
        }
        aof.open_increment(logger)?;
        aof.prune(logger);
        self.hub.engine.set_effects_wanted(true);
        aof.log.begin_at(self.hub.engine.effects_position());
        self.aof = Some(aof);
        self.hub.is_logging = true;
        self.tell_aof();
        Ok(())
    }

    fn append_only(&self, log: Aof, folder: Folder) -> Result<AppendOnly, String> {
        let syncer = Syncer::begin(self.waker.clone())
            .map_err(|error| format!("Can't start the thread of the AOF: {error}"))?;
        Ok(AppendOnly {
            log,
            folder,
            file: None,
            file_name: None,
            syncer,
            effects: EffectBuf::default(),
            rewrite: None,
            keeps_replaced: self.hub.engine.config().bool(id::AOF_DISABLE_AUTO_GC),
            synced_at: self.hub.clock.mono,
            syncing: None,
            gathering: Gathering::default(),
            delayed_syncs: 0,
            fault: None,
            retry_at: None,
            told: AofFacts::default(),
        })
    }

    /// A server that starts with a log begins it with a base of what it has.
    fn write_first_base(&mut self, aof: &mut AppendOnly) -> Result<(), String> {
        let plan = self.hub.engine.snapshot_plan(true);
        let temporary = Names::temporary_base(std::process::id());
        let form = self.rewrite_form();
        let target = aof.base_target(&temporary, self.hub.engine.config());
        let seal = self.at_rest.begin_stream(Kind::Base)?;
        let note = seal.as_ref().map(SealedWriter::file_note);
        aof.folder.sealed.handle_base(&temporary, note);
        let body = self.base_body(&plan, form).sealed(seal);
        let mut file = SnapshotFile::create(target, body)?;
        let mut result = Ok(());
        self.hub.engine.snapshot_walk(form, 1 << 20, &mut |chunk| {
            if result.is_ok() {
                result = file.write(chunk);
            }
        });
        result?;
        let bytes = file.finish()?;
        let is_rdb = form == SnapshotForm::Records;
        let step = aof.log.end_rewrite(&temporary, is_rdb, bytes);
        let step = step.ok_or("there is no AOF")?;
        aof.take_step(step, self.hub.log)?;
        let base = aof.log.manifest().base.as_ref();
        let base = base.map_or("", |part| part.name.as_str());
        let text = format!("Creating AOF base file {base} on server start");
        self.hub.log.log(Level::Notice, &text);
        Ok(())
    }

    fn rewrite_form(&self) -> SnapshotForm {
        if self.hub.engine.config().bool(id::AOF_USE_RDB_PREAMBLE) {
            SnapshotForm::Records
        } else {
            SnapshotForm::Commands
        }
    }

    fn base_body(&self, plan: &vk_engine::SnapshotPlan, form: SnapshotForm) -> Body {
        match form {
            SnapshotForm::Records => self.body(plan),
            SnapshotForm::Commands => {
                let notes_time = self.hub.engine.config().bool(id::AOF_TIMESTAMP_ENABLED);
                Body::commands(notes_time.then_some(plan.facts.created_s))
            }
        }
    }

    /// Follows `appendonly` and the other directives.
    ///
    /// # Errors
    /// The log cannot be switched on.
    pub(crate) fn follow_append_only(&mut self) -> Result<(), String> {
        let config = self.hub.engine.config();
        let (is_wanted, options) = (config.bool(id::APPENDONLY), options(config));
        let keeps_replaced = config.bool(id::AOF_DISABLE_AUTO_GC);
        if let Some(aof) = &mut self.aof {
            aof.log.set_options(options);
            aof.keeps_replaced = keeps_replaced;
            aof.prune(self.hub.log);
        }
        match (is_wanted, self.aof.is_some()) {
            (true, false) => self.turn_on(),
            (false, true) => {
                self.turn_off();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn turn_on(&mut self) -> Result<(), String> {
        const FAILED: &str = "Unable to turn on AOF. Check server logs.";
        let config = self.hub.engine.config();
        let (mut folder, names) = (folder(config, &self.at_rest), names(config));
        let made = folder.create().map_err(|error| {
            let text = system_text(&error);
            format!(
                "Can't open or create append-only dir {}: {text}",
                folder.name()
            )
        });
        let opened = made
            .and_then(|()| folder.manifest(&names))
            .and_then(|manifest| {
                let manifest = manifest.unwrap_or_default();
                let options = options(self.hub.engine.config());
                let log = Aof::switched_on(options, names, manifest);
                self.append_only(log, folder)
            });
        match opened {
            Ok(aof) => {
                self.aof = Some(aof);
                self.hub.is_logging = true;
            }
            Err(text) => {
                self.hub.log.log(Level::Warning, &text);
                return Err(FAILED.to_owned());
            }
        }
        self.hub.engine.set_effects_wanted(true);
        // Another pass may be going on: then it begins when that is over.
        if !self.hub.engine.begin_rewrite() {
            let text = "AOF was enabled but there is already another background operation. An \
                        AOF background was scheduled to start when possible.";
            self.hub.log.log(Level::Notice, text);
        }
        self.hub.drain();
        self.tell_aof();
        Ok(())
    }

    /// Writes what is to be written, and closes the log.
    pub(crate) fn turn_off(&mut self) {
        self.write_log();
        if self.aof.as_ref().is_some_and(|aof| aof.rewrite.is_some()) {
            let text = format!("Killing AOF child: {}", std::process::id());
            self.hub.log.log(Level::Notice, &text);
            self.cancel_rewrite();
        }
        if let Some(mut aof) = self.aof.take()
            && let Err(error) = aof.end_file(self.hub.log)
        {
            let text = format!("Fail to fsync the AOF file: {error}");
            self.hub.log.log(Level::Warning, &text);
        }
        self.hub.is_logging = false;
        self.hub.engine.set_effects_wanted(false);
        self.hub.engine.take_effects(&mut EffectBuf::default());
        self.release_held();
        self.hub.engine.handle_aof(AofFacts::default());
        self.hub.drain();
    }

    /// With `always`: whether what was done waits for more, so that one write to the disk is for
    /// all of it; for how long at most. Meanwhile no reply leaves.
    pub(crate) fn gather(&mut self) -> Option<Duration> {
        let aof = self.aof.as_mut()?;
        let is_wanted = aof.log.policy() == FsyncPolicy::Always && !self.is_ending;
        if !is_wanted || !self.hub.engine.has_effects() {
            return None;
        }
        self.hub.hold_dirty();
        let (_, returned) = self.hub.held.counts();
        aof.gathering.wait(self.hub.clock.now(), returned)
    }

    /// Takes the effects of this turn and writes them; replies that wait for them may leave then.
    pub(crate) fn write_log(&mut self) {
        let Some(aof) = &mut self.aof else {
            return;
        };
        aof.take(&mut self.hub, None);
        self.write_out();
    }

    fn write_out(&mut self) {
        let (now, logger) = (self.hub.clock.mono, self.hub.log);
        let Some(aof) = &mut self.aof else {
            return;
        };
        let is_due = aof.retry_at.is_none_or(|at| at <= now);
        let is_wanted = !aof.log.unwritten().is_empty() || aof.retry_at.is_some();
        if is_wanted && is_due {
            std::thread::sleep(self.hub.engine.aof_flush_delay());
            match aof.write(&self.hub.clock, self.hub.held.counts(), logger) {
                Ok(()) => {
                    if aof.retry_at.take().is_some() && !aof.log.is_lost() {
                        aof.fault = None;
                        let text = "AOF write error looks solved. The server can write again.";
                        self.hub.log.log(Level::Warning, text);
                    }
                }
                Err(text) => {
                    aof.retry_at = Some(now.after(Duration::from_micros(RETRY_MICROS)));
                    aof.fault.get_or_insert_with(|| text.clone());
                    let line = format!("Error writing to the AOF file: {text}");
                    self.hub.log.log(Level::Warning, &line);
                    if aof.log.policy() == FsyncPolicy::Always {
                        let line = "Can't recover from AOF write error when the AOF fsync policy \
                                    is 'always'. Exiting...";
                        self.hub.log.log(Level::Warning, line);
                        self.exit = Some(Exit::Insisted);
                        self.hub.hold_dirty();
                        return;
                    }
                }
            }
        }
        let is_behind = aof.log.is_behind();
        let is_late = aof
            .syncing
            .is_some_and(|(_, since)| now.0.saturating_sub(since.0) > SYNC_MICROS_MAX);
        if is_behind || is_late {
            self.hub.hold_dirty();
        } else {
            self.release_held();
        }
    }

    fn release_held(&mut self) {
        self.hub.release_held();
    }

    /// Sees what the disk has done, gives it more when that is due, and tells the engine.
    pub(crate) fn go_on_with_log(&mut self) {
        let now = self.hub.clock.mono;
        let Some(aof) = &mut self.aof else {
            return;
        };
        if let Some(result) = aof.syncer.poll() {
            // What is lost is told by the log.
            let _ = aof.end_sync(result, self.hub.log);
        }
        let waits = aof.log.is_unsynced();
        let is_due = now.0.saturating_sub(aof.synced_at.0) >= SYNC_MICROS;
        let is_kept_back = self.hub.engine.config().bool(id::NO_APPENDFSYNC_ON_REWRITE)
            && (aof.rewrite.is_some() || self.background.is_some());
        let is_wanted = aof.log.policy() == FsyncPolicy::EverySecond && !is_kept_back;
        if waits && is_due && is_wanted {
            if aof.syncing.is_some() {
                aof.delayed_syncs = aof.delayed_syncs.saturating_add(1);
                aof.synced_at = now;
            } else {
                aof.begin_sync(now);
            }
        }
        self.tell_aof();
    }

    /// When the log is to be gone on with.
    pub(crate) fn log_due(&self) -> Option<MonoMicros> {
        let aof = self.aof.as_ref()?;
        let status = aof.log.status();
        let waits = aof.log.is_unsynced() && aof.syncing.is_none();
        let sync = (waits && aof.log.policy() == FsyncPolicy::EverySecond)
            .then(|| MonoMicros(aof.synced_at.0.saturating_add(SYNC_MICROS)));
        let retry = aof.retry_at.filter(|_| status.buffer_bytes > 0);
        sync.into_iter().chain(retry).min()
    }

    fn tell_aof(&mut self) {
        let Some(aof) = &mut self.aof else {
            return;
        };
        let status = aof.log.status();
        let facts = AofFacts {
            is_enabled: true,
            is_waiting: aof.log.is_waiting(),
            current_bytes: status.current_bytes,
            base_bytes: status.base_bytes,
            buffer_bytes: status.buffer_bytes,
            is_syncing: aof.syncing.is_some(),
            delayed_syncs: aof.delayed_syncs,
            fault: aof.fault.clone(),
            durable: status.durable,
        };
        if facts != aof.told {
            aof.told = facts.clone();
            self.hub.engine.handle_aof(facts);
            self.hub.drain();
        }
    }

    /// Begins the rewrite that the engine asks for.
    pub(crate) fn begin_rewrite(&mut self, rewrite: AofRewrite) {
        let id = rewrite.id;
        match self.prepare_rewrite(rewrite) {
            Ok(background) => self.background = Some(background),
            Err(text) => {
                self.hub.log.log(Level::Warning, &text);
                self.end_rewrite(id, Err(SaveFault::Failed));
            }
        }
    }

    fn prepare_rewrite(&mut self, rewrite: AofRewrite) -> Result<Background, String> {
        let temporary = Names::temporary_base(std::process::id());
        let is_rdb = rewrite.form == SnapshotForm::Records;
        if self.aof.is_none() {
            // Without a log the files are rewritten all the same, as Valkey does.
            let config = self.hub.engine.config();
            let (mut folder, names) = (folder(config, &self.at_rest), names(config));
            folder.create().map_err(|error| system_text(&error))?;
            let manifest = folder.manifest(&names)?.unwrap_or_default();
            let log = Aof::switched_on(options(self.hub.engine.config()), names, manifest);
            self.unlogged = Some(self.append_only(log, folder)?);
        }
        let is_logging = self.aof.is_some();
        let logger = self.hub.log;
        let seal = self.at_rest.begin_stream(Kind::Base)?;
        let note = seal.as_ref().map(SealedWriter::file_note);
        let body = self.base_body(&rewrite.plan, rewrite.form).sealed(seal);
        let Some(aof) = self.aof.as_mut().or(self.unlogged.as_mut()) else {
            return Err("there is no AOF".to_owned());
        };
        if is_logging {
            aof.take(&mut self.hub, Some(rewrite.groups_before));
            if !aof.log.unwritten().is_empty() && aof.file.is_some() {
                aof.write(&self.hub.clock, self.hub.held.counts(), logger)?;
            }
            let begun = aof.begin_increment(logger);
            // What comes behind the rewrite's beginning is written all the same, if it can be.
            if aof.log.is_lost() && begun.is_err() && !aof.effects.groups.is_empty() {
                aof.log.withhold();
            }
            aof.take_rest(&self.hub);
            begun?;
        } else {
            aof.log.begin_rewrite_alone();
        }
        aof.rewrite = Some(Rewriting {
            id: rewrite.id,
            temporary: temporary.clone(),
            is_rdb,
        });
        aof.folder.sealed.handle_base(&temporary, note);
        let target = aof.base_target(&temporary, self.hub.engine.config());
        let file = SnapshotFile::create(target, body)?;
        Background::begin(rewrite.id, file, self.waker.clone())
    }

    /// The base of a rewrite is written, or is not.
    pub(crate) fn end_rewrite(&mut self, id: SnapshotId, result: Result<u64, SaveFault>) {
        let mut unlogged = self.unlogged.take();
        let result = match self.aof.as_mut().or(unlogged.as_mut()) {
            Some(aof) => aof.install(result, self.hub.log),
            None => result.map(|_| ()),
        };
        if result.is_ok()
            && let Some(aof) = &mut self.aof
            && aof.retry_at.is_none()
            && !aof.log.is_lost()
        {
            // Everything that there is was written anew.
            aof.fault = None;
        }
        let env = Hub::env(&self.hub.clock, &mut self.hub.host);
        self.hub.engine.handle_rewritten(&env, id, result);
        self.hub.drain();
        self.tell_aof();
    }

    /// Whether the pass of this id is a rewrite's.
    pub(crate) fn is_rewrite(&self, id: SnapshotId) -> bool {
        let logs = [self.aof.as_ref(), self.unlogged.as_ref()];
        let mut rewrites = logs
            .into_iter()
            .flatten()
            .filter_map(|aof| aof.rewrite.as_ref());
        rewrites.any(|rewrite| rewrite.id == id)
    }

    /// Gives a rewrite up that is going on.
    pub(crate) fn cancel_rewrite(&mut self) {
        let id = self.background.as_ref().map(Background::id);
        if let Some(id) = id.filter(|id| self.is_rewrite(*id)) {
            if let Some(background) = self.background.take() {
                background.cancel();
            }
            self.end_rewrite(id, Err(SaveFault::Cancelled));
        }
    }

    /// Writes what is to be written and gives it to the disk, before the end.
    ///
    /// # Errors
    /// It is not on disk.
    pub(crate) fn finish_log(&mut self) -> Result<(), String> {
        self.write_log();
        self.cancel_rewrite();
        let Some(aof) = &mut self.aof else {
            return Ok(());
        };
        let log = self.hub.log;
        log.log(Level::Notice, "Calling fsync() on the AOF file.");
        aof.finish_sync(log)?;
        let Some(file) = &aof.file else {
            return Ok(());
        };
        file.sync_all().map_err(|error| {
            let text = format!("Fail to fsync the AOF file: {}.", system_text(&error));
            log.log(Level::Warning, &text);
            text
        })?;
        aof.note_end(log);
        Ok(())
    }

    /// The first rewrite after the log was switched on is not complete: an end now loses it.
    pub(crate) fn log_is_waiting(&self) -> bool {
        self.aof.as_ref().is_some_and(|aof| aof.log.is_waiting())
    }
}
