//! The sections Commandstats, Errorstats and Latencystats.

use alloc::string::String;
use core::fmt::Write as _;

use super::{Lines, Safe};
use crate::{Engine, config::id};

pub(super) fn commandstats(engine: &Engine, lines: &mut Lines) {
    lines.heading("Commandstats");
    for id in engine.commands.ids() {
        let Some(stats) = engine.stats.by_command.get(id.index()) else {
            continue;
        };
        if stats.calls == 0 && stats.rejected == 0 && stats.failed == 0 {
            continue;
        }
        let micros = stats.nanos / 1000;
        let mean = match stats.calls {
            0 => 0.0,
            calls => micros as f64 / calls as f64,
        };
        lines.field(
            &alloc::format!("cmdstat_{}", engine.commands.full_name(id)),
            format_args!(
                "calls={},usec={micros},usec_per_call={mean:.2},rejected_calls={},failed_calls={}",
                stats.calls, stats.rejected, stats.failed
            ),
        );
    }
}

pub(super) fn errorstats(engine: &Engine, lines: &mut Lines) {
    lines.heading("Errorstats");
    for (code, count) in &engine.stats.errors {
        let name = alloc::format!("errorstat_{}", Safe(code));
        lines.field(&name, format_args!("count={count}"));
    }
    if engine.stats.errors_overflowed > 0 {
        let count = engine.stats.errors_overflowed;
        lines.field(
            "errorstat_ERRORSTATS_OVERFLOW",
            format_args!("count={count}"),
        );
    }
}

pub(super) fn latencystats(engine: &Engine, lines: &mut Lines) {
    lines.heading("Latencystats");
    if !engine.config.bool(id::LATENCY_TRACKING) {
        return;
    }
    for id in engine.commands.ids() {
        let Some(histogram) = engine.stats.latency(id) else {
            continue;
        };
        let mut text = String::new();
        for percentile in engine.config.percentiles() {
            let gap = if text.is_empty() { "" } else { "," };
            let micros = histogram.percentile_nanos(*percentile) as f64 / 1000.0;
            // A string takes whatever is written to it.
            let _ = write!(text, "{gap}p{percentile}={micros:.3}");
        }
        let name = alloc::format!("latency_percentiles_usec_{}", engine.commands.full_name(id));
        lines.field(&name, text);
    }
}
