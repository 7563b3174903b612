//! Snapshots of the shell: files are written and read here, and the engine is told how it went.
//! What is in a snapshot and when one is due is the engine's business.

mod background;
mod file;
mod load;

use std::{path::PathBuf, time::Duration};

use vk_engine::{
    AofRewrite, BackgroundSave, MonoMicros, SaveFault, ShutdownFlags, SnapshotForm, SnapshotId,
    config::id,
};
use vk_persist::seal::Kind;
use vk_rdb::Compression;

pub(crate) use background::Background;
pub(crate) use file::{Body, SnapshotFile, Target, sync_folder};
pub(crate) use load::FileLoad;

use crate::{
    aof::LogLoad,
    hub::Hub,
    log::Level,
    shell::{Exit, Shell},
    signals::Request as SignalRequest,
};

/// What the engine asks for about snapshots.
#[derive(Debug)]
pub(crate) enum SaveOrder {
    /// Write one while commands go on.
    Begin(Box<BackgroundSave>),
    /// Give that one up.
    Cancel(SnapshotId),
    /// Write all keys now.
    All,
    /// Rewrite the append-only file while commands go on.
    Rewrite(Box<AofRewrite>),
}

/// What is being loaded.
pub(crate) enum Load {
    /// A snapshot.
    File(FileLoad),
    /// The append-only file.
    Log(Box<LogLoad>),
}

/// Why the server cannot end.
pub(crate) const SHUTDOWN_FAILED: &str = "Errors trying to SHUTDOWN. Check logs.";
/// Bytes of a piece when all keys are written in one go.
const WALK_BYTES: usize = 1 << 20;
/// Why a snapshot before the end is not written.
const INSISTED: &str = "The snapshot is given up, because the end was insisted on";

impl Shell {
    /// Does what was asked about snapshots in this turn.
    pub(crate) fn take_save_orders(&mut self) {
        while let Some(order) = self.hub.save_orders.pop_front() {
            match order {
                SaveOrder::Begin(save) => self.begin_background(*save),
                SaveOrder::Rewrite(rewrite) => self.begin_rewrite(*rewrite),
                SaveOrder::Cancel(id) => self.cancel_background(id),
                SaveOrder::All => {
                    // What went wrong is in the log.
                    let _ = self.save_all();
                }
            }
        }
    }

    fn begin_background(&mut self, save: BackgroundSave) {
        let id = save.id;
        let temporary = format!("temp-{}.rdb", std::process::id());
        let begun = self
            .sealed(self.body(&save.plan), Kind::Snapshot)
            .and_then(|body| SnapshotFile::create(self.target(&temporary), body))
            .and_then(|file| Background::begin(id, file, self.waker.clone()));
        match begun {
            Ok(background) => self.background = Some(background),
            Err(text) => {
                self.hub.log.log(Level::Warning, &text);
                self.end_background(id, Err(SaveFault::Failed));
            }
        }
    }

    fn target(&self, temporary: &str) -> Target {
        let config = self.hub.engine.config();
        Target {
            temporary: PathBuf::from(temporary),
            path: crate::settings::path(config, id::DBFILENAME)
                .unwrap_or_else(|| PathBuf::from("dump.rdb")),
            syncs_often: config.bool(id::RDB_SAVE_INCREMENTAL_FSYNC),
        }
    }

    pub(crate) fn body(&self, plan: &vk_engine::SnapshotPlan) -> Body {
        let config = self.hub.engine.config();
        let compression = if config.bool(id::RDBCOMPRESSION) {
            Compression::Lzf
        } else {
            Compression::None
        };
        Body::records(plan, compression, config.bool(id::RDBCHECKSUM))
    }

    /// The same, encrypted if that is wanted.
    pub(crate) fn sealed(&self, body: Body, kind: Kind) -> Result<Body, String> {
        Ok(body.sealed(self.at_rest.begin_stream(kind)?))
    }

    /// Ends a snapshot in the background for the engine.
    fn end_background(&mut self, id: SnapshotId, result: Result<(), SaveFault>) {
        let env = Hub::env(&self.hub.clock, &mut self.hub.host);
        self.hub.engine.handle_saved(&env, id, result);
        self.hub.drain();
    }

    /// Gives a snapshot in the background up.
    fn cancel_background(&mut self, id: SnapshotId) {
        if let Some(background) = self.background.take_if(|background| background.id() == id) {
            background.cancel();
            self.end_background(id, Err(SaveFault::Cancelled));
        }
    }

    /// Reads a little more out for the snapshot in the background, and sees whether it is written.
    pub(crate) fn go_on_saving(&mut self) {
        let delay = self.save_delay();
        let Some(background) = &mut self.background else {
            return;
        };
        if let Some(result) = background.poll_result() {
            let id = background.id();
            self.background = None;
            if self.is_rewrite(id) {
                let result = result.map_err(|text| {
                    self.hub.log.log(Level::Warning, &text);
                    SaveFault::Failed
                });
                self.end_rewrite(id, result);
                return;
            }
            let result = match result {
                Ok(_) => {
                    self.hub.log.log(Level::Notice, "DB saved on disk");
                    Ok(())
                }
                Err(text) => {
                    self.hub.log.log(Level::Warning, &text);
                    Err(SaveFault::Failed)
                }
            };
            self.end_background(id, result);
            return;
        }
        let (clock, is_asked) = (&self.hub.clock, self.hub.counters.is_busy());
        let slice = self.read_out.slice(clock.mono, clock.now(), is_asked);
        background.read_out(&mut self.hub, slice, delay);
    }

    /// When the snapshot in the background is to be gone on with.
    pub(crate) fn saving_due(&self) -> Option<MonoMicros> {
        let background = self.background.as_ref()?;
        background.due(self.hub.clock.now(), self.save_delay())
    }

    /// What every key of a snapshot takes.
    fn save_delay(&self) -> Duration {
        let micros = self.hub.engine.config().int(id::RDB_KEY_SAVE_DELAY);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Writes all keys before anything else is done.
    ///
    /// # Errors
    /// It was not written; the log has the reason.
    pub(crate) fn save_all(&mut self) -> Result<(), String> {
        let plan = self.hub.engine.snapshot_plan(false);
        let temporary = format!("temp-{}.rdb", std::process::id());
        // The background has the same name; only one of the two can be going on.
        let id = self.background.as_ref().map(Background::id);
        if let Some(id) = id.filter(|id| !self.is_rewrite(*id)) {
            self.cancel_background(id);
        }
        let result = self.write_all(&plan, &temporary);
        let env = Hub::env(&self.hub.clock, &mut self.hub.host);
        self.hub.engine.handle_saved_all(&env, result.is_ok());
        match &result {
            Ok(()) => self.hub.log.log(Level::Notice, "DB saved on disk"),
            Err(text) => self.hub.log.log(Level::Warning, text),
        }
        result
    }

    fn write_all(&mut self, plan: &vk_engine::SnapshotPlan, temporary: &str) -> Result<(), String> {
        let delay = self.save_delay();
        let body = self.sealed(self.body(plan), Kind::Snapshot)?;
        let mut file = SnapshotFile::create(self.target(temporary), body)?;
        let mut result = Ok(());
        let engine = &self.hub.engine;
        // With a delay every key is a piece of its own.
        let chunk_bytes = if delay.is_zero() { WALK_BYTES } else { 0 };
        engine.snapshot_walk(SnapshotForm::Records, chunk_bytes, &mut |chunk| {
            if result.is_ok() {
                std::thread::sleep(delay);
                result = file.write(chunk);
                // Who insists does not want to wait for the rest.
                if self.is_ending && self.signals.take() == Some(SignalRequest::Interrupt) {
                    self.signalled = Some(SignalRequest::Interrupt);
                    result = Err(INSISTED.to_owned());
                }
            }
        });
        result?;
        file.finish().map(|_| ())
    }

    /// Does what has to be done before the end, and asks for the end.
    ///
    /// # Errors
    /// The server goes on, because data would be lost; the log has the reason.
    pub(crate) fn shut_down(&mut self, flags: ShutdownFlags) -> Result<(), String> {
        let log = self.hub.log;
        log.log(Level::Notice, "User requested shutdown...");
        if let Some(id) = self.background.as_ref().map(Background::id) {
            if self.is_rewrite(id) {
                if self.log_is_waiting() {
                    if !flags.force {
                        log.log(Level::Warning, "Writing initial AOF, can't exit.");
                        return Err(SHUTDOWN_FAILED.to_owned());
                    }
                    log.log(Level::Warning, "Writing initial AOF. Exit anyway.");
                }
                let text = "There is a child rewriting the AOF. Killing it!";
                log.log(Level::Warning, text);
                self.cancel_rewrite();
            } else {
                let text = "There is a child saving an .rdb. Killing it!";
                log.log(Level::Warning, text);
                self.cancel_background(id);
            }
        }
        if self.finish_log().is_err() && !flags.force {
            return Err(SHUTDOWN_FAILED.to_owned());
        }
        let is_wanted = !self.hub.engine.config().save_points().is_empty();
        let saves = flags.save.unwrap_or(is_wanted) && !self.hub.engine.is_loading();
        if saves {
            let text = "Saving the final RDB snapshot before exiting.";
            log.log(Level::Notice, text);
            self.supervisor.status("Saving the final RDB snapshot");
            if self.save_all().is_err() {
                if !flags.force {
                    let text = "Error trying to save the DB, can't exit.";
                    log.log(Level::Warning, text);
                    self.supervisor
                        .status("Error trying to save the DB, can't exit");
                    return Err(SHUTDOWN_FAILED.to_owned());
                }
                log.log(Level::Warning, "Error trying to save the DB. Exit anyway.");
            }
        }
        self.exit = Some(Exit::Clean);
        Ok(())
    }

    /// DEBUG RELOAD.
    ///
    /// # Errors
    /// What the client is told.
    pub(crate) fn reload(
        &mut self,
        saves: bool,
        flushes: bool,
        merges: bool,
    ) -> Result<(), String> {
        const NOT_LOADED: &str = "Error trying to load the RDB dump, check server logs.";
        if saves {
            self.save_all().map_err(|_| String::new())?;
        }
        if flushes {
            self.hub.engine.forget_all();
        }
        let path = self.target("").path;
        let mut load = match FileLoad::open(&path, &self.at_rest) {
            Ok(Some(load)) => load,
            Ok(None) => return Err(NOT_LOADED.to_owned()),
            Err(text) => {
                self.hub.log.log(Level::Warning, &text);
                return Err(NOT_LOADED.to_owned());
            }
        };
        load.begin(&mut self.hub, merges);
        loop {
            match load.go_on(&mut self.hub, Duration::MAX) {
                Ok(false) => {}
                Ok(true) => break,
                Err(text) => {
                    self.hub.engine.load_end();
                    self.hub.drain();
                    self.hub.log.log(Level::Warning, &text);
                    return Err(NOT_LOADED.to_owned());
                }
            }
        }
        self.hub.drain();
        self.hub
            .log
            .log(Level::Warning, "DB reloaded by DEBUG RELOAD");
        Ok(())
    }

    /// Begins to load what an earlier run has left; `false` if there is nothing.
    ///
    /// # Errors
    /// Why it cannot be read; the server must not start without its data.
    pub(crate) fn begin_loading(&mut self) -> Result<bool, String> {
        if self.hub.engine.config().bool(id::APPENDONLY) {
            let load = LogLoad::open(self.hub.engine.config(), &self.at_rest, self.hub.log)?;
            if !load.is_any() {
                self.open_log(load.into_recovered())?;
                return Ok(false);
            }
            self.load = Some(Load::Log(Box::new(load)));
            return Ok(true);
        }
        let Some(mut load) = FileLoad::open(&self.target("").path, &self.at_rest)? else {
            return Ok(false);
        };
        load.begin(&mut self.hub, false);
        self.hub.drain();
        self.load = Some(Load::File(load));
        Ok(true)
    }

    /// Loads a little more.
    pub(crate) fn go_on_loading(&mut self) {
        /// Time for loading between two looks at the connections.
        const SLICE: Duration = Duration::from_millis(10);
        let step = match &mut self.load {
            None => return,
            Some(Load::File(load)) => load.go_on(&mut self.hub, SLICE),
            Some(Load::Log(load)) => load.go_on(&mut self.hub, SLICE),
        };
        self.hub.drain();
        let ended = match step {
            Ok(false) => return,
            Ok(true) => self.end_loading(),
            Err(text) => Err(text),
        };
        match ended {
            Ok(()) => self.announce_ready(),
            Err(text) => {
                for text in text.lines().chain([
                    "Terminating server after rdb file reading failure.",
                    "Fatal error loading the DB, check server logs. Exiting.",
                ]) {
                    self.hub.log.log(Level::Warning, text);
                }
                self.exit = Some(Exit::Insisted);
            }
        }
    }

    fn end_loading(&mut self) -> Result<(), String> {
        let log = self.hub.log;
        match self.load.take() {
            None => {}
            Some(Load::File(load)) => {
                let seconds = load.seconds();
                let text = format!("DB loaded from disk: {seconds:.3} seconds");
                log.log(Level::Notice, &text);
            }
            Some(Load::Log(load)) => {
                let seconds = load.seconds();
                let text = format!("DB loaded from append only file: {seconds:.3} seconds");
                log.log(Level::Notice, &text);
                self.open_log(load.into_recovered())?;
            }
        }
        Ok(())
    }

    /// DEBUG LOADAOF.
    ///
    /// # Errors
    /// What the client is told.
    pub(crate) fn load_log(&mut self) -> Result<(), String> {
        const NOT_LOADED: &str = "Error trying to load the AOF files, check server logs.";
        self.write_log();
        let mut load = LogLoad::open(self.hub.engine.config(), &self.at_rest, self.hub.log)
            .inspect_err(|text| self.hub.log.log(Level::Warning, text))
            .map_err(|_| NOT_LOADED.to_owned())?;
        self.hub.engine.forget_all();
        while !load
            .go_on(&mut self.hub, Duration::MAX)
            .inspect_err(|text| self.hub.log.log(Level::Warning, text))
            .map_err(|_| NOT_LOADED.to_owned())?
        {}
        self.hub.drain();
        let text = "Append Only File loaded by DEBUG LOADAOF";
        self.hub.log.log(Level::Warning, text);
        Ok(())
    }

    /// When loading is to be gone on with.
    pub(crate) fn loading_due(&self) -> Option<MonoMicros> {
        match self.load.as_ref()? {
            Load::File(load) => Some(load.due()),
            Load::Log(_) => Some(MonoMicros(0)),
        }
    }
}
