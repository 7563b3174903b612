//! The section Memory.

use vk_data::num::human_bytes;

use super::Lines;
use crate::{
    Engine,
    config::id,
    memory::{Fragmentation, Waste},
};

pub(super) fn memory(engine: &Engine, lines: &mut Lines) {
    let overview = engine.memory_overview();
    let host = &engine.host;
    lines.heading("Memory");
    with_human(lines, "used_memory", overview.used_bytes);
    with_human(lines, "used_memory_rss", host.rss_bytes);
    with_human(lines, "used_memory_peak", overview.peak_bytes);
    let percent = overview.peak_percent();
    lines.field("used_memory_peak_perc", format_args!("{percent:.2}%"));
    lines.fields(&[
        ("used_memory_overhead", overview.overhead_bytes()),
        ("used_memory_startup", overview.startup_bytes),
        ("used_memory_dataset", overview.dataset_bytes()),
    ]);
    let percent = overview.dataset_percent();
    lines.field("used_memory_dataset_perc", format_args!("{percent:.2}%"));
    lines.fields(&[
        ("allocator_allocated", host.allocator_allocated_bytes),
        ("allocator_active", host.allocator_active_bytes),
        ("allocator_resident", host.allocator_resident_bytes),
        ("allocator_muzzy", host.allocator_muzzy_bytes),
    ]);
    with_human(
        lines,
        "total_system_memory",
        engine.identity.system_memory_bytes,
    );
    scripts(lines);
    with_human(lines, "maxmemory", engine.config.size(id::MAXMEMORY));
    lines.field(
        "maxmemory_policy",
        engine.config.choice(id::MAXMEMORY_POLICY),
    );
    fragmentation(engine, overview.used_bytes, lines);
    lines.field("mem_not_counted_for_evict", engine.uncounted_bytes());
    lines.zeros(&[
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_replicas_repl_buffer",
        "mem_clients_slaves",
    ]);
    lines.field("mem_clients_normal", overview.sessions_bytes);
    lines.zeros(&["mem_cluster_links", "mem_aof_buffer"]);
    lines.field("mem_allocator", &engine.identity.allocator);
    // Growth splits one segment at a time: there is never a second table.
    lines.zeros(&[
        "mem_overhead_db_hashtable_rehashing",
        "active_defrag_running",
    ]);
    lines.field("lazyfree_pending_objects", engine.dbs.pending_entries());
    lines.field("lazyfreed_objects", engine.dbs.freed_entries);
}

fn with_human(lines: &mut Lines, name: &str, bytes: u64) {
    lines.field(name, bytes);
    lines.field(&alloc::format!("{name}_human"), human_bytes(bytes));
}

/// There are no scripts.
fn scripts(lines: &mut Lines) {
    lines.zeros(&["used_memory_lua", "used_memory_vm_eval"]);
    lines.field("used_memory_lua_human", human_bytes(0));
    lines.zeros(&[
        "used_memory_scripts_eval",
        "number_of_cached_scripts",
        "number_of_functions",
        "number_of_libraries",
        "used_memory_vm_functions",
        "used_memory_vm_total",
    ]);
    lines.field("used_memory_vm_total_human", human_bytes(0));
    lines.zeros(&["used_memory_functions", "used_memory_scripts"]);
    lines.field("used_memory_scripts_human", human_bytes(0));
}

fn fragmentation(engine: &Engine, used_bytes: u64, lines: &mut Lines) {
    let all = Fragmentation::of(&engine.host, used_bytes);
    for (name, waste) in [
        ("allocator_frag", all.allocator),
        ("allocator_rss", all.allocator_rss),
        ("rss_overhead", all.rss_overhead),
        ("mem_fragmentation", all.whole),
    ] {
        let Waste { ratio, bytes } = waste;
        lines.field(&alloc::format!("{name}_ratio"), format_args!("{ratio:.2}"));
        lines.field(&alloc::format!("{name}_bytes"), bytes);
    }
}
