//! The sections Persistence and Replication, the latter of a server that stands alone.

use super::Lines;
use crate::{
    Engine,
    config::id,
    snapshot::{Loading, Pass},
};

pub(super) fn persistence(engine: &Engine, lines: &mut Lines) {
    lines.heading("Persistence");
    lines.field("loading", u8::from(engine.is_loading()));
    lines.field("async_loading", 0);
    let saves = &engine.saves;
    lines.field("current_cow_peak", saves.copied_peak_bytes);
    lines.field("current_cow_size", engine.saving_copied_bytes());
    lines.field("current_cow_size_age", 0);
    let (done, total) = engine.pass.as_ref().map_or((0, 0), Pass::progress);
    let percent = done as f64 * 100.0 / total.max(1) as f64;
    lines.field("current_fork_perc", format_args!("{percent:.2}"));
    lines.field("current_save_keys_processed", done);
    lines.field("current_save_keys_total", total);
    lines.field("rdb_changes_since_last_save", engine.dirty);
    lines.field("rdb_bgsave_in_progress", u8::from(engine.is_saving()));
    lines.field("rdb_last_save_time", saves.last_s);
    let status = |is_ok| if is_ok { "ok" } else { "err" };
    lines.field("rdb_last_bgsave_status", status(saves.is_ok));
    let seconds = |time: Option<u64>| time.map_or(-1, |s| i64::try_from(s).unwrap_or(i64::MAX));
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
    lines.zeros(&[
        "aof_enabled",
        "aof_rewrite_in_progress",
        "aof_rewrite_scheduled",
    ]);
    lines.field("aof_last_rewrite_time_sec", -1);
    lines.field("aof_current_rewrite_time_sec", -1);
    lines.field("aof_last_bgrewrite_status", "ok");
    lines.zeros(&["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    lines.field("aof_last_write_status", "ok");
    lines.zeros(&[
        "aof_last_cow_size",
        "module_fork_in_progress",
        "module_fork_last_cow_size",
    ]);
    if let Some(loading) = &engine.loading {
        tell_loading(engine, loading, lines);
    }
}

fn tell_loading(engine: &Engine, loading: &Loading, lines: &mut Lines) {
    let (done, total) = loading.bytes();
    lines.field("loading_start_time", loading.begun_s);
    lines.field("loading_total_bytes", total);
    lines.field("loading_rdb_used_mem", loading.used_memory_when_made());
    lines.field("loading_loaded_bytes", done);
    let percent = done as f64 * 100.0 / total.max(1) as f64;
    lines.field("loading_loaded_perc", format_args!("{percent:.2}"));
    let micros = loading.micros(engine.mono) as f64;
    let left_s = micros / done.max(1) as f64 * total.saturating_sub(done) as f64 / 1e6;
    lines.field("loading_eta_seconds", left_s.ceil() as u64);
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
