//! When snapshots are saved, and what is known of the last ones: SAVE, BGSAVE, save points. The
//! writing itself is the shell's.

use alloc::string::String;
use core::time::Duration;

use super::{SnapshotForm, SnapshotId, SnapshotPlan};
use crate::{Engine, Env, LogLevel, MonoMicros, Output, config::id};

/// A snapshot in the background is not tried again so soon after one that failed.
const RETRY_AFTER: Duration = Duration::from_secs(5);
const MICROS_PER_SECOND: u64 = 1_000_000;

/// A snapshot that is to be written while commands go on.
#[derive(Debug)]
pub struct BackgroundSave {
    /// The pass to be read out.
    pub id: SnapshotId,
    /// What the file begins with.
    pub plan: SnapshotPlan,
}

/// Why a snapshot was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaveFault {
    /// The file could not be written.
    Failed,
    /// Nobody wants it any more.
    Cancelled,
}

/// What is known about snapshots that were saved.
#[derive(Debug)]
pub(crate) struct SaveState {
    job: Option<Job>,
    /// A snapshot in the background begins as soon as one can.
    pub(crate) is_scheduled: bool,
    /// Unix time of the last snapshot, at first of the start.
    pub(crate) last_s: i64,
    /// When one was last begun in the background.
    tried: Option<MonoMicros>,
    /// The last one in the background was written.
    pub(crate) is_ok: bool,
    /// How long the last one in the background took.
    pub(crate) last_took_s: Option<u64>,
    /// Snapshots that were saved.
    pub(crate) count: u64,
    /// What writes have copied during the last one, in bytes.
    pub(crate) last_copied_bytes: usize,
    /// The most that writes have copied during the pass in progress or the last one, in bytes.
    pub(crate) copied_peak_bytes: usize,
    /// Keys of the last file that was loaded: taken, and dropped because they had expired.
    pub(crate) loaded: (u64, u64),
}

/// A snapshot that is being written in the background.
#[derive(Debug)]
struct Job {
    id: SnapshotId,
    begun: MonoMicros,
    /// Changes that the snapshot has.
    dirty: u64,
}

impl Default for SaveState {
    fn default() -> Self {
        Self {
            job: None,
            is_scheduled: false,
            last_s: 0,
            tried: None,
            is_ok: true,
            last_took_s: None,
            count: 0,
            last_copied_bytes: 0,
            copied_peak_bytes: 0,
            loaded: (0, 0),
        }
    }
}

impl Engine {
    /// A snapshot is being written in the background.
    pub(crate) fn is_saving(&self) -> bool {
        self.saves.job.is_some()
    }

    /// For how many seconds one has been written.
    pub(crate) fn saving_for_s(&self) -> Option<u64> {
        let job = self.saves.job.as_ref()?;
        Some(self.mono.0.saturating_sub(job.begun.0) / MICROS_PER_SECOND)
    }

    /// Begins a snapshot in the background; `false` if another pass is in progress.
    pub(crate) fn begin_save(&mut self) -> bool {
        let plan = self.snapshot_plan(false);
        let Ok(id) = self.snapshot_begin(SnapshotForm::Records) else {
            return false;
        };
        self.saves.is_scheduled = false;
        self.saves.tried = Some(self.mono);
        self.saves.job = Some(Job {
            id,
            begun: self.mono,
            dirty: self.dirty,
        });
        let pid = self.identity.process_id;
        let text = alloc::format!("Background saving started by pid {pid}");
        self.log(LogLevel::Notice, text);
        let save = BackgroundSave { id, plan };
        self.outputs.push_back(Output::BackgroundSave(save));
        true
    }

    /// Gives up the snapshot that is being written in the background.
    pub(crate) fn cancel_save(&mut self) {
        if let Some(job) = &self.saves.job {
            self.outputs.push_back(Output::CancelSave(job.id));
        }
    }

    /// A snapshot in the background has come to its end. An id that is not that of the one in
    /// progress is ignored.
    pub fn handle_saved(&mut self, env: &Env<'_>, id: SnapshotId, result: Result<(), SaveFault>) {
        self.set_time(env);
        self.note_copied();
        self.snapshot_abort(id);
        let Some(job) = self.saves.job.take_if(|job| job.id == id) else {
            return;
        };
        let took_s = self.mono.0.saturating_sub(job.begun.0) / MICROS_PER_SECOND;
        self.saves.last_took_s = Some(took_s);
        self.saves.last_copied_bytes = self.saves.copied_peak_bytes;
        match result {
            Ok(()) => {
                self.note_saved(job.dirty);
                let text = "Background saving terminated with success";
                self.log(LogLevel::Notice, text.into());
            }
            Err(SaveFault::Cancelled) => {
                let text = "Background saving was cancelled";
                self.log(LogLevel::Warning, text.into());
            }
            Err(_) => {
                self.saves.is_ok = false;
                self.log(LogLevel::Warning, "Background saving error".into());
            }
        }
    }

    /// All keys were saved in the foreground, or could not be.
    pub fn handle_saved_all(&mut self, env: &Env<'_>, is_saved: bool) {
        self.set_time(env);
        if is_saved {
            self.note_saved(self.dirty);
        }
    }

    fn note_saved(&mut self, dirty: u64) {
        self.dirty = self.dirty.saturating_sub(dirty);
        self.saves.last_s = self.wall.0.div_euclid(1_000_000);
        self.saves.is_ok = true;
        self.saves.count += 1;
    }

    /// A pass has gone on.
    pub(crate) fn note_copied(&mut self) {
        let (bytes, _) = self.copied_bytes();
        self.saves.copied_peak_bytes = self.saves.copied_peak_bytes.max(bytes);
    }

    /// What writes have copied for the pass in progress and what was not read out yet, and the most
    /// of it so far, in bytes.
    pub(crate) fn copied_bytes(&self) -> (usize, usize) {
        if self.pass.is_none() {
            return (0, 0);
        }
        let bytes = self.dbs.cut_saved_bytes();
        (bytes, bytes.max(self.saves.copied_peak_bytes))
    }

    /// Writes are refused because snapshots are wanted and the last one failed.
    pub(crate) fn refuses_unsaved(&self) -> bool {
        !self.saves.is_ok
            && self.config.bool(id::STOP_WRITES_ON_BGSAVE_ERROR)
            && !self.config.save_points().is_empty()
    }

    /// After FLUSHALL: a file of what is no more would be loaded again. The one that is being
    /// written is given up, and where snapshots are wanted an empty one replaces the last.
    pub(crate) fn save_after_flush(&mut self) {
        self.cancel_save();
        if !self.config.save_points().is_empty() {
            self.outputs.push_back(Output::SaveAll);
        }
    }
}

/// Begins the snapshots that are due.
pub(crate) fn scheduled(engine: &mut Engine) {
    engine.note_copied();
    if engine.is_saving() || engine.is_loading() {
        return;
    }
    let saves = &engine.saves;
    let may_try = saves.is_ok
        || saves
            .tried
            .is_none_or(|tried| tried.after(RETRY_AFTER) < engine.mono);
    if !may_try {
        return;
    }
    if saves.is_scheduled {
        engine.begin_save();
        return;
    }
    let now_s = engine.wall.0.div_euclid(1_000_000);
    let since_s = now_s.saturating_sub(saves.last_s);
    let mut points = engine.config.save_points().iter();
    let due = points.find(|point| {
        let changes = u64::try_from(point.changes).unwrap_or(0);
        engine.dirty >= changes && since_s > point.seconds
    });
    if let Some(point) = due.copied() {
        let text: String = alloc::format!(
            "{} changes in {} seconds. Saving...",
            point.changes,
            point.seconds
        );
        engine.log(LogLevel::Notice, text);
        engine.begin_save();
    }
}
