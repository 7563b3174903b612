//! The sections Persistence and Replication, the latter of a server that stands alone.

use super::Lines;
use crate::{Engine, config::id, snapshot::Pass};

pub(super) fn persistence(engine: &Engine, lines: &mut Lines) {
    lines.heading("Persistence");
    lines.field("loading", u8::from(engine.is_loading()));
    let is_sealed = engine.config.bool(id::AT_REST_ENCRYPTION);
    lines.field("at_rest_encryption", u8::from(is_sealed));
    lines.field("async_loading", 0);
    let saves = &engine.saves;
    let (copied, copied_most) = engine.copied_bytes();
    lines.field("current_cow_peak", copied_most);
    lines.field("current_cow_size", copied);
    lines.field("current_cow_size_age", 0);
    let (done, total) = engine.pass.as_ref().map_or((0, 0), Pass::progress);
    let percent = done as f64 * 100.0 / total.max(1) as f64;
    lines.field("current_fork_perc", format_args!("{percent:.2}"));
    lines.field("current_save_keys_processed", done);
    lines.field("current_save_keys_total", total);
    lines.field("rdb_changes_since_last_save", engine.dirty);
    lines.field("rdb_bgsave_in_progress", u8::from(engine.is_saving()));
    lines.field("rdb_last_save_time", saves.last_s);
    lines.field("rdb_last_bgsave_status", status(saves.is_ok));
    lines.field("rdb_last_bgsave_time_sec", seconds(saves.last_took_s));
    lines.field(
        "rdb_current_bgsave_time_sec",
        seconds(engine.saving_for_s()),
    );
    lines.field("rdb_saves", saves.count);
    lines.field("rdb_last_cow_size", saves.last_copied_bytes);
    let (keys, expired) = saves.loaded;
    lines.field("rdb_last_load_keys_expired", expired);
    lines.field("rdb_last_load_keys_loaded", keys);
    tell_aof(engine, lines);
    lines.zeros(&["module_fork_in_progress", "module_fork_last_cow_size"]);
    tell_aof_sizes(engine, lines);
    if let Some(loading) = &engine.loading {
        let used_memory = loading.used_memory_when_made();
        let micros = loading.micros(engine.mono);
        tell_loading(loading.begun_s, micros, loading.bytes(), used_memory, lines);
    } else if let Some(loading) = &engine.aof.loading {
        let micros = engine.mono.0.saturating_sub(loading.begun.0);
        let bytes = (loading.done_bytes, loading.total_bytes);
        tell_loading(loading.begun_s, micros, bytes, 0, lines);
    }
}

fn tell_aof(engine: &Engine, lines: &mut Lines) {
    let (aof, facts) = (&engine.aof, &engine.aof.facts);
    lines.field("aof_enabled", u8::from(facts.is_enabled));
    lines.field("aof_rewrite_in_progress", u8::from(engine.is_rewriting()));
    lines.field("aof_rewrite_scheduled", u8::from(aof.is_scheduled));
    lines.field("aof_last_rewrite_time_sec", seconds(aof.last_took_s));
    lines.field(
        "aof_current_rewrite_time_sec",
        seconds(engine.rewriting_for_s()),
    );
    lines.field("aof_last_bgrewrite_status", status(aof.is_ok));
    lines.field("aof_rewrites", aof.count);
    lines.field("aof_rewrites_consecutive_failures", aof.failures);
    lines.field("aof_last_write_status", status(facts.fault.is_none()));
    lines.field("aof_last_cow_size", aof.last_copied_bytes);
}

fn tell_aof_sizes(engine: &Engine, lines: &mut Lines) {
    let facts = &engine.aof.facts;
    if !facts.is_enabled {
        return;
    }
    lines.field("aof_current_size", facts.current_bytes);
    lines.field("aof_base_size", facts.base_bytes);
    lines.field("aof_pending_rewrite", u8::from(engine.aof.is_scheduled));
    lines.field("aof_buffer_length", facts.buffer_bytes);
    lines.field("aof_pending_bio_fsync", u8::from(facts.is_syncing));
    lines.field("aof_delayed_fsync", facts.delayed_syncs);
}

fn status(is_ok: bool) -> &'static str {
    if is_ok { "ok" } else { "err" }
}

fn seconds(time: Option<u64>) -> i64 {
    time.map_or(-1, |s| i64::try_from(s).unwrap_or(i64::MAX))
}

fn tell_loading(
    begun_s: i64,
    micros: u64,
    (done, total): (u64, u64),
    used_memory: u64,
    lines: &mut Lines,
) {
    lines.field("loading_start_time", begun_s);
    lines.field("loading_total_bytes", total);
    lines.field("loading_rdb_used_mem", used_memory);
    lines.field("loading_loaded_bytes", done);
    let percent = done as f64 * 100.0 / total.max(1) as f64;
    lines.field("loading_loaded_perc", format_args!("{percent:.2}"));
    // As fast as it went so far.
    let left = u128::from(total.saturating_sub(done));
    let micros = u128::from(micros) * left / u128::from(done.max(1));
    lines.field("loading_eta_seconds", micros.div_ceil(1_000_000));
}

pub(super) fn replication(engine: &Engine, lines: &mut Lines) {
    const NO_ID: &str = "0000000000000000000000000000000000000000";
    lines.heading("Replication");
    lines.field("role", "master");
    lines.field("connected_slaves", 0);
    if engine.config.int(id::MIN_REPLICAS_TO_WRITE) > 0
        && engine.config.int(id::MIN_REPLICAS_MAX_LAG) > 0
    {
        lines.field("min_slaves_good_slaves", 0);
    }
    lines.field("replicas_waiting_psync", 0);
    lines.field("master_failover_state", "no-failover");
    lines.field("master_replid", &engine.repl_id);
    lines.field("master_replid2", NO_ID);
    lines.field("master_repl_offset", 0);
    lines.field("second_repl_offset", -1);
    lines.field("repl_backlog_active", 0);
    lines.field(
        "repl_backlog_size",
        engine.config.size(id::REPL_BACKLOG_SIZE),
    );
    lines.zeros(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
}
