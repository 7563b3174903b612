//! The sections Persistence and Replication of a server that has neither.

use super::Lines;
use crate::{Engine, config::id};

pub(super) fn persistence(engine: &Engine, lines: &mut Lines) {
    lines.heading("Persistence");
    lines.zeros(&[
        "loading",
        "async_loading",
        "current_cow_peak",
        "current_cow_size",
        "current_cow_size_age",
    ]);
    lines.field("current_fork_perc", "0.00");
    lines.zeros(&["current_save_keys_processed", "current_save_keys_total"]);
    lines.field("rdb_changes_since_last_save", engine.dirty);
    lines.field("rdb_bgsave_in_progress", 0);
    let saved = engine.started_wall.0.div_euclid(1_000_000);
    lines.field("rdb_last_save_time", saved);
    lines.field("rdb_last_bgsave_status", "ok");
    lines.field("rdb_last_bgsave_time_sec", -1);
    lines.field("rdb_current_bgsave_time_sec", -1);
    lines.zeros(&[
        "rdb_saves",
        "rdb_last_cow_size",
        "rdb_last_load_keys_expired",
        "rdb_last_load_keys_loaded",
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
