//! The sections Stats and Debug.

use super::Lines;
use crate::{Engine, HostFacts};

pub(super) fn stats(engine: &Engine, lines: &mut Lines) {
    lines.heading("Stats");
    traffic(engine, lines);
    keys(engine, lines);
    replies(engine, lines);
    loops(engine, lines);
    let stats = &engine.stats;
    lines.field("acl_access_denied_auth", stats.acl_denied_auth);
    lines.field("acl_access_denied_cmd", stats.acl_denied_cmd);
    lines.zeros(&[
        "acl_access_denied_key",
        "acl_access_denied_channel",
        "acl_access_denied_tls_cert",
    ]);
}

/// A figure of the shell since the counters were set back.
fn since_reset(engine: &Engine, figure: fn(&HostFacts) -> u64) -> u64 {
    figure(&engine.host).saturating_sub(figure(&engine.stats.host_base))
}

fn traffic(engine: &Engine, lines: &mut Lines) {
    let (stats, rates) = (&engine.stats, &engine.rates);
    let kilo = |per_second: u64| per_second as f64 / 1024.0;
    lines.field("total_connections_received", stats.connections);
    lines.field("total_commands_processed", stats.commands);
    lines.field("instantaneous_ops_per_sec", rates.commands.per_second());
    let input = since_reset(engine, |host| host.input_bytes_total);
    lines.field("total_net_input_bytes", input);
    let output = since_reset(engine, |host| host.output_bytes_total);
    lines.field("total_net_output_bytes", output);
    lines.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    for (name, rate) in [
        ("instantaneous_input_kbps", rates.input.per_second()),
        ("instantaneous_output_kbps", rates.output.per_second()),
        ("instantaneous_input_repl_kbps", 0),
        ("instantaneous_output_repl_kbps", 0),
    ] {
        lines.field(name, format_args!("{:.2}", kilo(rate)));
    }
    let rejected = since_reset(engine, |host| host.rejected_connections);
    lines.field("rejected_connections", rejected);
    lines.zeros(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
}

fn keys(engine: &Engine, lines: &mut Lines) {
    let stats = &engine.stats;
    lines.field("expired_keys", stats.expired_keys);
    lines.field(
        "expired_stale_perc",
        format_args!("{:.2}", stats.stale_percent),
    );
    lines.field(
        "expired_time_cap_reached_count",
        stats.expired_time_cap_reached,
    );
    lines.field(
        "expire_cycle_cpu_milliseconds",
        stats.expire_cycle_cpu_nanos / 1_000_000,
    );
    let exceeded_micros = engine.eviction_exceeded_micros();
    lines.fields(&[
        ("evicted_keys", stats.evicted_keys),
        ("evicted_clients", stats.evicted_clients),
        ("evicted_scripts", 0),
        (
            "total_eviction_exceeded_time",
            (stats.eviction_exceeded_micros + exceeded_micros) / 1000,
        ),
        ("current_eviction_exceeded_time", exceeded_micros / 1000),
    ]);
    lines.field("keyspace_hits", stats.keyspace_hits);
    lines.field("keyspace_misses", stats.keyspace_misses);
    lines.field("pubsub_channels", engine.pubsub.channels.len());
    lines.field("pubsub_patterns", engine.pubsub.patterns.len());
    lines.field("pubsubshard_channels", engine.pubsub.shards.len());
    // Nothing forks: what a fork is for is a pass over the databases.
    lines.zeros(&["latest_fork_usec"]);
    lines.field("total_forks", engine.snapshots_begun);
    lines.zeros(&[
        "migrate_cached_sockets",
        "slave_expires_tracked_keys",
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
    ]);
    let tracking = &engine.tracking;
    lines.field("tracking_total_keys", tracking.keys_len());
    lines.field("tracking_total_items", tracking.items_len());
    lines.field("tracking_total_prefixes", tracking.prefixes_len());
}

fn replies(engine: &Engine, lines: &mut Lines) {
    let stats = &engine.stats;
    lines.field("unexpected_error_replies", stats.unexpected_error_replies);
    lines.field("total_error_replies", stats.error_replies);
    lines.field("dump_payload_sanitizations", 0);
    let reads = since_reset(engine, |host| host.reads_total);
    lines.field("total_reads_processed", reads);
    let writes = since_reset(engine, |host| host.writes_total);
    lines.field("total_writes_processed", writes);
    lines.zeros(&[
        "io_threaded_reads_processed",
        "io_threaded_writes_processed",
        "io_threaded_freed_objects",
        "io_threaded_poll_processed",
        "io_threaded_total_prefetch_batches",
        "io_threaded_total_prefetch_entries",
    ]);
    lines.field(
        "client_query_buffer_limit_disconnections",
        stats.query_limit_closed,
    );
    lines.field(
        "client_output_buffer_limit_disconnections",
        stats.output_limit_closed,
    );
    lines.zeros(&["reply_buffer_shrinks", "reply_buffer_expands"]);
}

fn loops(engine: &Engine, lines: &mut Lines) {
    let nanos = engine.stats.by_command.iter().map(|command| command.nanos);
    let nanos = nanos.fold(0, u64::saturating_add);
    let cycles = since_reset(engine, |host| host.eventloop_cycles);
    lines.field("eventloop_cycles", cycles);
    let busy = since_reset(engine, |host| host.eventloop_micros);
    lines.field("eventloop_duration_sum", busy);
    lines.field("eventloop_duration_cmd_sum", nanos / 1000);
    let (cycles, busy) = (
        engine.rates.cycles.per_second(),
        engine.rates.busy.per_second(),
    );
    lines.field("instantaneous_eventloop_cycles_per_sec", cycles);
    lines.field(
        "instantaneous_eventloop_duration_usec",
        busy.checked_div(cycles).unwrap_or(0),
    );
}

pub(super) fn hotkeys(engine: &Engine, lines: &mut Lines) {
    let (samples, duration_ms) = engine.observe.hot_keys.last_window();
    lines.heading("Hotkeys");
    lines.field("hotkeys_last_window_samples", samples);
    lines.field("hotkeys_last_window_duration_ms", duration_ms);
}

pub(super) fn debug(engine: &Engine, lines: &mut Lines) {
    lines.heading("Debug");
    lines.fields(&[
        ("eventloop_duration_aof_sum", 0),
        (
            "eventloop_duration_cron_sum",
            engine.stats.cron_nanos / 1000,
        ),
        ("eventloop_duration_max", engine.stats.eventloop_max_micros),
        (
            "eventloop_cmd_per_cycle_max",
            engine.stats.eventloop_requests_max,
        ),
    ]);
}

#[cfg(test)]
mod tests {
    use crate::{HostFacts, testkit::Kit};

    #[test]
    fn figures_of_the_shell_begin_at_the_last_reset() {
        let mut kit = Kit::new();
        let mut host = HostFacts {
            input_bytes_total: 100,
            eventloop_cycles: 7,
            eventloop_max_micros: 9,
            ..HostFacts::default()
        };
        kit.engine.handle_host(host);
        assert!(
            kit.run("INFO stats")
                .contains("total_net_input_bytes:100\r\n")
        );
        assert!(
            kit.run("INFO debug")
                .contains("eventloop_duration_max:9\r\n")
        );
        kit.run("CONFIG RESETSTAT");
        assert!(
            kit.run("INFO debug")
                .contains("eventloop_duration_max:0\r\n")
        );
        host.input_bytes_total = 130;
        kit.engine.handle_host(host);
        let info = kit.run("INFO stats");
        assert!(info.contains("total_net_input_bytes:30\r\n"));
        assert!(info.contains("\r\neventloop_cycles:0\r\n"));
        assert!(!info.contains("eventloop_duration_max"));
    }

    #[test]
    fn rates_begin_at_the_last_reset() {
        let mut kit = Kit::new();
        let info = |kit: &mut Kit, cycles| {
            kit.engine.handle_host(HostFacts {
                eventloop_cycles: cycles,
                ..HostFacts::default()
            });
            kit.advance_ms(100);
            kit.run("INFO stats")
        };
        let rate = |cycles| alloc::format!("instantaneous_eventloop_cycles_per_sec:{cycles}\r\n");
        // 1,600 cycles within a tenth of a second are a sixteenth of 16,000 in a second.
        assert!(info(&mut kit, 1600).contains(&rate(1000)));
        kit.run("CONFIG RESETSTAT");
        assert!(kit.run("INFO stats").contains(&rate(0)));
        assert!(info(&mut kit, 1601).contains(&rate(0)));
        assert!(info(&mut kit, 1617).contains(&rate(10)));
    }
}
