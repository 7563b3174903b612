//! The append-only file as the machine sees it: when it is rewritten, what is told of it, who waits
//! for it. Files are the shell's, and what is in them is vk-persist's.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use vk_resp::ReplyBuf;

use crate::{
    Disposition, EffectError, EffectGroup, Engine, Env, Error, LogLevel, MonoMicros, Output,
    SaveFault, SessionId, SnapshotForm, SnapshotId, SnapshotPlan, config::id, session::Parked,
};

const MICROS_PER_SECOND: u64 = 1_000_000;
/// After so many failures in a row a rewrite is not begun by itself at once.
const FAILURES_MAX: u32 = 3;
/// The longest time that it is put off then.
const PUT_OFF_MAX: Duration = Duration::from_secs(3600);

/// A rewrite of the append-only file that is to be carried out.
#[derive(Debug)]
pub struct AofRewrite {
    /// The pass to be read out.
    pub id: SnapshotId,
    /// What the pass yields.
    pub form: SnapshotForm,
    /// What a file of records begins with.
    pub plan: SnapshotPlan,
    /// Of the groups of effects that were not taken yet: how many the pass has already. The rest
    /// goes to the increment behind it.
    pub groups_before: usize,
}

/// What the shell knows of the append-only file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AofFacts {
    /// It is written.
    pub is_enabled: bool,
    /// It was switched on, and its first rewrite is not complete.
    pub is_waiting: bool,
    /// Bytes of all files that would be loaded.
    pub current_bytes: u64,
    /// Bytes after the last rewrite, or at the start.
    pub base_bytes: u64,
    /// Bytes that were not written yet.
    pub buffer_bytes: usize,
    /// Something is being given to the disk.
    pub is_syncing: bool,
    /// How often the disk was not done when it was to be given more.
    pub delayed_syncs: u64,
    /// Why writes are refused: what the system said.
    pub fault: Option<String>,
    /// Effects up to this position are on disk.
    pub durable: u64,
}

/// What is known about rewrites, and who waits.
#[derive(Debug)]
pub(crate) struct AofState {
    pub(crate) facts: AofFacts,
    job: Option<(SnapshotId, MonoMicros)>,
    /// A rewrite begins as soon as one can.
    pub(crate) is_scheduled: bool,
    /// The last rewrite came to its end.
    pub(crate) is_ok: bool,
    /// How long it took.
    pub(crate) last_took_s: Option<u64>,
    /// What writes have copied during it, in bytes.
    pub(crate) last_copied_bytes: usize,
    /// Rewrites that were begun.
    pub(crate) count: u64,
    /// Rewrites that have failed since the last good one.
    pub(crate) failures: u32,
    /// No rewrite begins by itself before.
    not_before: MonoMicros,
    waiters: Vec<Waiter>,
    /// Every write to the file is put off so long (DEBUG).
    pub(crate) flush_delay: Duration,
    /// The log that is being loaded.
    pub(crate) loading: Option<LogLoading>,
}

/// A log of commands that is being loaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogLoading {
    pub(crate) begun_s: i64,
    pub(crate) begun: MonoMicros,
    pub(crate) done_bytes: u64,
    pub(crate) total_bytes: u64,
}

/// A session that waits until its writes are on disk.
#[derive(Debug)]
struct Waiter {
    session: SessionId,
    position: u64,
    /// Nothing else is waited for.
    is_all: bool,
}

impl Default for AofState {
    fn default() -> Self {
        Self {
            facts: AofFacts::default(),
            job: None,
            is_scheduled: false,
            is_ok: true,
            last_took_s: None,
            last_copied_bytes: 0,
            count: 0,
            failures: 0,
            not_before: MonoMicros(0),
            waiters: Vec::new(),
            flush_delay: Duration::ZERO,
            loading: None,
        }
    }
}

impl Engine {
    /// The append-only file is being rewritten.
    pub(crate) fn is_rewriting(&self) -> bool {
        self.aof.job.is_some()
    }

    /// For how many seconds.
    pub(crate) fn rewriting_for_s(&self) -> Option<u64> {
        let (_, begun) = self.aof.job?;
        Some(self.mono.0.saturating_sub(begun.0) / MICROS_PER_SECOND)
    }

    /// Begins to rewrite the append-only file; `false` if another pass is in progress, or a
    /// transaction waits in its middle: then it begins as soon as it can.
    pub fn begin_rewrite(&mut self) -> bool {
        if self.pause.is_exclusive() {
            self.aof.is_scheduled = true;
            return false;
        }
        let plan = self.snapshot_plan(true);
        let form = if self.config.bool(id::AOF_USE_RDB_PREAMBLE) {
            SnapshotForm::Records
        } else {
            SnapshotForm::Commands
        };
        let Ok(id) = self.snapshot_begin(form) else {
            self.aof.is_scheduled = true;
            return false;
        };
        self.aof.is_scheduled = false;
        self.aof.job = Some((id, self.mono));
        self.aof.count += 1;
        let pid = self.identity.process_id;
        let text = alloc::format!("Background append only file rewriting started by pid {pid}");
        self.log(LogLevel::Notice, text);
        self.outputs.push_back(Output::RewriteAof(AofRewrite {
            id,
            form,
            plan,
            groups_before: self.effects.groups_done(),
        }));
        true
    }

    /// A rewrite has come to its end. An id that is not that of the one in progress is ignored.
    pub fn handle_rewritten(
        &mut self,
        env: &Env<'_>,
        id: SnapshotId,
        result: Result<(), SaveFault>,
    ) {
        self.set_time(env);
        self.note_copied();
        self.snapshot_abort(id);
        let Some((_, begun)) = self.aof.job.take_if(|(job, _)| *job == id) else {
            return;
        };
        let took_s = self.mono.0.saturating_sub(begun.0) / MICROS_PER_SECOND;
        self.aof.last_took_s = Some(took_s);
        self.aof.last_copied_bytes = self.saves.copied_peak_bytes;
        // Nothing is written until a base is complete.
        self.aof.is_scheduled |= result.is_err() && self.aof.facts.is_waiting;
        match result {
            Ok(()) => {
                self.aof.is_ok = true;
                self.aof.failures = 0;
                self.aof.not_before = MonoMicros(0);
                let text = "Background AOF rewrite finished successfully";
                self.log(LogLevel::Notice, text.into());
            }
            Err(SaveFault::Cancelled) => {
                let text = "Background AOF rewrite terminated by signal 10";
                self.log(LogLevel::Warning, text.into());
            }
            Err(_) => {
                self.aof.is_ok = false;
                self.put_rewrite_off();
                let text = "Background AOF rewrite terminated with error";
                self.log(LogLevel::Warning, text.into());
            }
        }
    }

    /// After some failures in a row the next rewrite waits, longer each time.
    fn put_rewrite_off(&mut self) {
        self.aof.failures = self.aof.failures.saturating_add(1);
        let Some(beyond) = self.aof.failures.checked_sub(FAILURES_MAX) else {
            return;
        };
        let minutes = 1_u64 << beyond.min(6);
        let time = Duration::from_secs(minutes * 60).min(PUT_OFF_MAX);
        self.aof.not_before = self.mono.after(time);
        let minutes = time.as_secs() / 60;
        let text = alloc::format!(
            "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in \
             {minutes} minutes"
        );
        self.log(LogLevel::Warning, text);
    }

    /// What the shell knows of the append-only file has changed.
    pub fn handle_aof(&mut self, facts: AofFacts) {
        let (was_on, is_on) = (self.aof.facts.is_enabled, facts.is_enabled);
        let has_ended = was_on && !is_on;
        let is_further = is_on && (!was_on || facts.durable != self.aof.facts.durable);
        self.aof.facts = facts;
        self.aof.is_scheduled &= !has_ended;
        if !self.aof.waiters.is_empty() && (has_ended || is_further) {
            self.wake_waiters(has_ended);
        }
    }

    /// How long the shell waits before it writes to the append-only file (DEBUG).
    #[must_use]
    pub fn aof_flush_delay(&self) -> Duration {
        self.aof.flush_delay
    }

    /// Where the effects that were made so far end.
    #[must_use]
    pub fn effects_position(&self) -> u64 {
        self.effects.position()
    }

    /// Whether effects wait to be taken.
    #[inline]
    #[must_use]
    pub fn has_effects(&self) -> bool {
        self.effects.is_any_done()
    }

    /// Whether what the session wrote is on disk; without an append-only file nothing is.
    pub(crate) fn is_durable(&self, session: SessionId) -> bool {
        let position = self.sessions.find(session).map_or(0, |s| s.write_position);
        self.aof.facts.is_enabled && position <= self.aof.facts.durable
    }

    /// The session waits until what it wrote is on disk; `is_all` if that is all it waits for.
    pub(crate) fn wait_for_disk(&mut self, session: SessionId, is_all: bool) {
        let position = self.sessions.find(session).map_or(0, |s| s.write_position);
        self.aof.waiters.push(Waiter {
            session,
            position,
            is_all,
        });
    }

    fn wake_waiters(&mut self, has_ended: bool) {
        let durable = self.aof.facts.durable;
        let waiters = core::mem::take(&mut self.aof.waiters);
        for waiter in waiters {
            let Some(state) = self.sessions.find_mut(waiter.session) else {
                continue;
            };
            let Some(Parked::Timer(reply)) = &mut state.parked else {
                continue;
            };
            if !has_ended && waiter.position > durable {
                self.aof.waiters.push(waiter);
                continue;
            }
            let mut answer = ReplyBuf::new(reply.protocol());
            if has_ended {
                answer.error(Error::WAITAOF_WITHOUT_AOF.text());
            } else {
                answer.array(2);
                answer.int(1);
                answer.int(0);
            }
            if !has_ended && !waiter.is_all {
                *reply = answer;
                continue;
            }
            state.parked = None;
            let session = waiter.session;
            self.timers.retain(|(_, id)| *id != session);
            self.sessions.recount(session);
            self.outputs.push_back(Output::Wake {
                session,
                reply: answer,
                disposition: Disposition::Done,
            });
        }
    }

    /// Writes are refused because they could not be written to the append-only file.
    pub(crate) fn aof_fault(&self) -> Option<Error> {
        let fault = self.aof.facts.fault.as_ref()?;
        Some(Error::told(format_args!(
            "MISCONF Errors writing to the AOF file: {fault}"
        )))
    }

    /// A log of commands is being loaded: how far that is, or that it is over.
    pub fn handle_log_loading(&mut self, env: &Env<'_>, bytes: Option<(u64, u64)>) {
        self.set_time(env);
        let before = self.aof.loading;
        self.aof.loading = bytes.map(|(done_bytes, total_bytes)| LogLoading {
            begun_s: before.map_or_else(|| self.wall.0.div_euclid(1_000_000), |l| l.begun_s),
            begun: before.map_or(self.mono, |l| l.begun),
            done_bytes,
            total_bytes,
        });
    }

    /// Applies commands of a log that is loaded, as [`Engine::handle_effects`]. What a command
    /// answers is nobody's business, but it has to be one.
    ///
    /// # Errors
    /// The name that is no command of this server.
    pub fn load_group(&mut self, env: &mut Env<'_>, group: EffectGroup<'_>) -> Result<(), String> {
        let mut first = group.db;
        for effect in group.effects {
            let one = EffectGroup {
                db: first,
                effects: core::slice::from_ref(effect),
            };
            if self.handle_effects(env, one) == Err(EffectError::UnknownCommand) {
                let name = effect.arg(0).unwrap_or_default();
                return Err(String::from_utf8_lossy(name).into_owned());
            }
            first = self.replay_db().unwrap_or(first);
        }
        Ok(())
    }

    fn replay_db(&self) -> Option<u32> {
        let session = self.replayer_id()?;
        self.sessions.find(session).map(|state| state.db)
    }
}

/// Begins the rewrite that is due.
pub(crate) fn scheduled(engine: &mut Engine) {
    if engine.pass.is_some() || engine.is_loading() || engine.is_rewriting() {
        return;
    }
    if engine.mono < engine.aof.not_before {
        return;
    }
    if engine.aof.is_scheduled {
        engine.begin_rewrite();
        return;
    }
    let facts = &engine.aof.facts;
    let percentage = engine
        .config
        .int(id::AUTO_AOF_REWRITE_PERCENTAGE)
        .unsigned_abs();
    let is_large = facts.current_bytes > engine.config.size(id::AUTO_AOF_REWRITE_MIN_SIZE);
    if !facts.is_enabled || percentage == 0 || !is_large {
        return;
    }
    let base = facts.base_bytes.max(1);
    let growth = (facts.current_bytes.saturating_mul(100) / base).saturating_sub(100);
    if growth >= percentage {
        let text = alloc::format!("Starting automatic rewriting of AOF on {growth}% growth");
        engine.log(LogLevel::Notice, text);
        engine.begin_rewrite();
    }
}
