//! What is due without a request: expiry, freeing of what was flushed, rates, idle sessions, the
//! end of a pause. Each piece of work is bounded by the budget of the call.

use alloc::vec::Vec;
use core::time::Duration;

use vk_data::table::ExpiryPosition;
use vk_spec::KeyFlags;

use crate::session::Parked;
use crate::{
    CloseReason, Disposition, Engine, Host, LogLevel, MonoMicros, Output, SessionId, WorkBudget,
    access::KeyRef, config::id, engine::Rates, pipeline, stats::Rate,
};

/// Where the periodic work stands.
#[derive(Debug, Default)]
pub(crate) struct Cron {
    /// Time of the last tick.
    last: MonoMicros,
    /// Time of the last sample of the rates.
    sampled: MonoMicros,
    /// Database whose expired keys are looked for next.
    expire_db: u32,
    /// Position in that database.
    expire_position: ExpiryPosition,
    /// More expired keys are known to be there.
    expire_unfinished: bool,
    /// DEBUG SET-ACTIVE-EXPIRE 0.
    pub(crate) expire_off: bool,
    /// DEBUG PAUSE-CRON 1.
    pub(crate) paused: bool,
}

/// Time between samples of the rates.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);
/// Time to the next slice while flushed entries wait to be freed or expired ones to be removed.
const SLICE_EVERY: Duration = Duration::from_millis(1);

impl Cron {
    pub(crate) fn start(&mut self, now: MonoMicros) {
        self.last = now;
        self.sampled = now;
    }

    /// When [`run`] is due next.
    pub(crate) fn due(&self, engine: &Engine) -> Option<MonoMicros> {
        let tick = self.last.after(tick_length(engine));
        let slice = self.last.after(SLICE_EVERY);
        let frees = engine.dbs.is_freeing() || engine.tracking.is_freeing();
        let hurry = frees || (self.expire_unfinished && !self.expire_off);
        let mut due = if hurry { slice.min(tick) } else { tick };
        if engine.eviction.is_unfinished() && !self.paused {
            due = self.last;
        }
        if let Some((timer, _)) = engine.timers.first() {
            due = due.min(*timer);
        }
        if engine.pause.held_len() > 0 {
            due = due.min(engine.pause.end(engine.mono).unwrap_or(engine.mono));
        }
        Some(due)
    }
}

fn tick_length(engine: &Engine) -> Duration {
    let hz = engine.config.int(id::HZ).clamp(1, 500);
    Duration::from_micros(1_000_000 / hz.unsigned_abs())
}

/// Does what is due.
pub(crate) fn run(engine: &mut Engine, host: &mut dyn Host, budget: WorkBudget) {
    let begun = host.ticks();
    due_work(engine, host, budget);
    let took = host.ticks().0.saturating_sub(begun.0);
    engine.stats.cron_nanos = engine.stats.cron_nanos.saturating_add(took);
}

fn due_work(engine: &mut Engine, host: &mut dyn Host, budget: WorkBudget) {
    engine.cron.last = engine.mono;
    if engine.pause.has_released(engine.mono) {
        pipeline::run_held(engine, host);
    }
    wake_timers(engine);
    if engine.cron.paused {
        return;
    }
    // A pass that begins in the middle of a transaction would have half of it.
    if !engine.pause.is_exclusive() {
        crate::snapshot::scheduled(engine);
        crate::aof::scheduled(engine);
    }
    if engine.dbs.is_freeing() {
        engine.dbs.free_slice(budget.entries_max);
    }
    engine.tracking.free_slice(budget.entries_max);
    if engine.tracking.is_over() {
        engine.limit_tracking();
    }
    if !engine.is_loading() {
        expire_slice(engine, host, budget);
        engine.make_room(&*host);
    }
    engine.evict_sessions();
    if engine.has_ready_keys() {
        crate::blocking::serve(engine, host);
    }
    sample(engine);
    close_idle(engine);
}

/// Sends the replies of sessions whose wait is over.
fn wake_timers(engine: &mut Engine) {
    while let Some((due, session)) = engine.timers.first().copied() {
        if due > engine.mono {
            return;
        }
        engine.timers.remove(&(due, session));
        let Some(state) = engine.sessions.find_mut(session) else {
            continue;
        };
        if matches!(state.parked, Some(Parked::Blocked(_))) {
            engine.time_out(session);
            continue;
        }
        if let Some(Parked::Timer(reply)) = state.parked.take() {
            engine.sessions.recount(session);
            let disposition = Disposition::Done;
            engine.outputs.push_back(Output::Wake {
                session,
                reply,
                disposition,
            });
        }
    }
}

/// Removes keys whose time has come. The tables know where they are, so nothing is sampled.
fn expire_slice(engine: &mut Engine, host: &mut dyn Host, budget: WorkBudget) {
    if engine.cron.expire_off || engine.expire_is_paused() {
        return;
    }
    let begun = host.ticks();
    let now = engine.now_ms();
    let effort = engine
        .config
        .int(id::ACTIVE_EXPIRE_EFFORT)
        .clamp(1, 10)
        .unsigned_abs() as usize;
    let mut left = budget.entries_max.saturating_mul(effort);
    let databases = engine.dbs.count() as u32;
    let mut due: Vec<Vec<u8>> = Vec::new();
    let (mut visited, mut found) = (0, 0);
    while left > 0 && visited < databases {
        let (db, mut position) = (engine.cron.expire_db, engine.cron.expire_position);
        let Some(space) = engine.dbs.db_mut(db) else {
            break;
        };
        // A key lives through the millisecond of its expiry.
        let wrapped = space.expired_slice(now - 1, left, &mut position, &mut |entry| {
            due.push(entry.key().to_vec());
        });
        engine.cron.expire_position = position;
        if wrapped {
            engine.cron.expire_db = (db + 1) % databases;
            engine.cron.expire_position = ExpiryPosition::default();
            visited += 1;
        }
        left = left.saturating_sub(due.len().max(1));
        found += due.len();
        for key in due.drain(..) {
            let hash = engine.dbs.seed().hash(&key);
            let key = KeyRef::new(db, &key, hash, KeyFlags::RM);
            let entry = engine.dbs.find(&key);
            if entry.is_some_and(|entry| entry.is_expired(now)) {
                engine.delete_expired(&key);
            } else if !engine.expire_fields(&key, left) {
                left = 0;
            }
        }
    }
    engine.cron.expire_unfinished = left == 0;
    note_stale(engine, found, left == 0);
    engine.stats.expired_time_cap_reached += u64::from(left == 0);
    let took = host.ticks().0.saturating_sub(begun.0);
    engine.stats.expire_cycle_cpu_nanos += took;
    engine.latency_event("expire-cycle", took);
}

/// Estimates how many expired keys are still there: none when every database was gone through, else
/// as large a part as was found. A running mean, as Valkey's, so that it tells a trend.
fn note_stale(engine: &mut Engine, found: usize, is_cut_off: bool) {
    let part = if is_cut_off {
        let volatile: usize = engine.dbs.iter().map(|(_, db)| db.volatile_len()).sum();
        found as f64 / (found + volatile).max(1) as f64
    } else {
        0.0
    };
    let mean = &mut engine.stats.stale_percent;
    *mean = *mean * 0.95 + part * 100.0 * 0.05;
}

fn sample(engine: &mut Engine) {
    let now = engine.mono;
    if now < engine.cron.sampled.after(SAMPLE_EVERY) {
        return;
    }
    engine.cron.sampled = now;
    engine.observe.hot_keys.turn(now);
    engine.rates.commands.sample(now, engine.stats.commands);
    engine
        .rates
        .input
        .sample(now, engine.host.input_bytes_total);
    engine
        .rates
        .output
        .sample(now, engine.host.output_bytes_total);
    engine
        .rates
        .cycles
        .sample(now, engine.host.eventloop_cycles);
    engine.rates.busy.sample(now, engine.host.eventloop_micros);
    let used = engine.used_memory_bytes();
    engine.stats.memory_peak_bytes = engine.stats.memory_peak_bytes.max(used);
}

/// Forgets the samples of the rates, so that what came before has no part in them.
pub(crate) fn restart_rates(engine: &mut Engine) {
    let (now, host) = (engine.mono, &engine.host);
    engine.rates = Rates {
        commands: Rate::starting(now, engine.stats.commands),
        input: Rate::starting(now, host.input_bytes_total),
        output: Rate::starting(now, host.output_bytes_total),
        cycles: Rate::starting(now, host.eventloop_cycles),
        busy: Rate::starting(now, host.eventloop_micros),
    };
    engine.cron.sampled = now;
}

/// Closes sessions that said nothing for longer than `timeout`; who only listens need not speak.
fn close_idle(engine: &mut Engine) {
    let seconds = engine.config.int(id::TIMEOUT).unsigned_abs();
    if seconds == 0 {
        return;
    }
    let limit = Duration::from_secs(seconds);
    let idle: Vec<SessionId> = engine
        .sessions
        .iter()
        .filter(|(_, s)| {
            s.parked.is_none() && !s.is_subscribed() && s.active.after(limit) < engine.mono
        })
        .map(|(id, _)| id)
        .collect();
    for session in idle {
        engine.stats.idle_closed += 1;
        engine.log(LogLevel::Verbose, "Closing idle client".into());
        engine.dismiss(session, CloseReason::Idle);
    }
}
