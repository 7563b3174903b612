//! MEMORY: where the memory is.

use alloc::{format, string::String};

use vk_data::num::{human_bytes, parse_i64};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::{
    Directive, Engine, Error, LogLevel,
    cmd::{Command, Run, help::help},
    ctx::{ReadCtx, SessionCtx},
    memory::{Fragmentation, MemoryOverview},
};

pub(super) const MEMORY: Command = Command {
    spec: CommandSpec {
        name: "memory",
        summary: "Commands about memory.",
        complexity: "That of the subcommand.",
        arity: -2,
        ..BASE
    },
    run: Run::Container(&[DOCTOR, HELP, MALLOC_STATS, PURGE, STATS, USAGE]),
};

const BASE: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "4.0.0",
    arity: 2,
    ..CommandSpec::NEW
};

const REPORT_TIPS: &[&str] = &[
    "nondeterministic_output",
    "request_policy:all_shards",
    "response_policy:special",
];

const MAYBE_SLOW: &str = "O(1) here; the allocator may take its time";

const DOCTOR: Command = Command {
    spec: CommandSpec {
        name: "doctor",
        summary: "Says what looks wrong with the use of memory.",
        tips: REPORT_TIPS,
        ..BASE
    },
    run: Run::Session(doctor),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        summary: "Prints the subcommands.",
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(help),
};

const MALLOC_STATS: Command = Command {
    spec: CommandSpec {
        name: "malloc-stats",
        summary: "Tells the figures of the allocator.",
        complexity: MAYBE_SLOW,
        tips: REPORT_TIPS,
        ..BASE
    },
    run: Run::Session(malloc_stats),
};

const PURGE: Command = Command {
    spec: CommandSpec {
        name: "purge",
        summary: "Gives memory that is free back to the system.",
        complexity: MAYBE_SLOW,
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        ..BASE
    },
    run: Run::Session(purge),
};

const STATS: Command = Command {
    spec: CommandSpec {
        name: "stats",
        summary: "Tells where the memory is, in figures.",
        tips: REPORT_TIPS,
        ..BASE
    },
    run: Run::Session(stats),
};

const USAGE: Command = Command {
    spec: CommandSpec {
        name: "usage",
        summary: "Tells how many bytes a key takes with its value.",
        complexity: "O(1): every value knows its size",
        arity: -3,
        keys: &[KeySpec::one(2, KeyFlags::RO)],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("count").token("SAMPLES").optional(),
        ],
        ..BASE
    },
    run: Run::Read(usage),
};

/// The place of an entry in the table.
const SLOT_BYTES: usize = 8;

fn usage(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let mut at = 3;
    while let Some(word) = request.arg(at) {
        let count = request.arg(at + 1);
        let Some(count) = count.filter(|_| word.eq_ignore_ascii_case(b"SAMPLES")) else {
            return Err(Error::SYNTAX);
        };
        // Every value knows its size, so nothing is ever estimated from samples.
        if parse_i64(count).ok_or(Error::NOT_AN_INTEGER)? < 0 {
            return Err(Error::SYNTAX);
        }
        at += 2;
    }
    let key = ctx.key(0)?;
    match ctx.peek(key) {
        None => reply.null(),
        Some(entry) => {
            let bytes = entry.allocated_bytes().saturating_add(SLOT_BYTES);
            reply.int(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }
    Ok(())
}

fn purge(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.engine().log(LogLevel::Verbose, "MEMORY PURGE".into());
    ctx.park_for(Directive::PurgeMemory)?;
    Ok(())
}

fn malloc_stats(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let engine = ctx.engine();
    let host = &engine.host;
    let mut text = format!("Allocator: {}\n", engine.identity.allocator);
    for (name, bytes) in [
        ("allocated", host.allocator_allocated_bytes),
        ("in active pages", host.allocator_active_bytes),
        ("resident", host.allocator_resident_bytes),
        ("muzzy", host.allocator_muzzy_bytes),
        ("resident, whole process", host.rss_bytes),
    ] {
        text.push_str(&format!("Bytes {name}: {bytes} ({})\n", human_bytes(bytes)));
    }
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn stats(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let engine = ctx.engine();
    let overview = engine.memory_overview();
    let whole = reply.deferred_map();
    let mut pairs = write_overview(reply, &overview);
    for (index, db) in engine.dbs.iter().filter(|(_, db)| !db.is_empty()) {
        pairs += 1;
        reply.bulk(format!("db.{index}").as_bytes());
        reply.map(2);
        let table = i64::try_from(db.table_bytes()).unwrap_or(i64::MAX);
        reply.bulk(b"overhead.hashtable.main");
        reply.int(table);
        // Expiry times stand in the entries; there is no table of them.
        reply.bulk(b"overhead.hashtable.expires");
        reply.int(0);
    }
    pairs += write_totals(reply, &overview);
    pairs += write_allocator(reply, engine, &overview);
    reply.finish(whole, pairs);
    Ok(())
}

fn write_ints(reply: &mut ReplyBuf, figures: &[(&str, u64)]) -> usize {
    for (name, figure) in figures {
        reply.bulk(name.as_bytes());
        reply.int(i64::try_from(*figure).unwrap_or(i64::MAX));
    }
    figures.len()
}

fn write_overview(reply: &mut ReplyBuf, overview: &MemoryOverview) -> usize {
    let figures = [
        ("peak.allocated", overview.peak_bytes),
        ("total.allocated", overview.used_bytes),
        ("startup.allocated", overview.startup_bytes),
        ("replication.backlog", 0),
        ("clients.slaves", 0),
        ("clients.normal", overview.sessions_bytes),
        ("cluster.links", 0),
        ("aof.buffer", 0),
        ("lua.caches", 0),
        ("functions.caches", 0),
    ];
    write_ints(reply, &figures)
}

fn write_totals(reply: &mut ReplyBuf, overview: &MemoryOverview) -> usize {
    let figures = [
        ("overhead.db.hashtable.lut", overview.tables_bytes),
        ("overhead.db.hashtable.rehashing", 0),
        ("overhead.total", overview.overhead_bytes()),
        ("db.dict.rehashing.count", 0),
        ("keys.count", overview.keys),
        ("keys.bytes-per-key", overview.bytes_per_key()),
        ("dataset.bytes", overview.dataset_bytes()),
    ];
    let count = write_ints(reply, &figures);
    reply.bulk(b"dataset.percentage");
    reply.double(overview.dataset_percent());
    reply.bulk(b"peak.percentage");
    reply.double(overview.peak_percent());
    count + 2
}

fn write_allocator(reply: &mut ReplyBuf, engine: &Engine, overview: &MemoryOverview) -> usize {
    let host = &engine.host;
    let figures = [
        ("allocator.allocated", host.allocator_allocated_bytes),
        ("allocator.active", host.allocator_active_bytes),
        ("allocator.resident", host.allocator_resident_bytes),
        ("allocator.muzzy", host.allocator_muzzy_bytes),
    ];
    let mut count = write_ints(reply, &figures);
    let waste = Fragmentation::of(host, overview.used_bytes);
    for (ratio, bytes, waste) in [
        (
            "allocator-fragmentation.ratio",
            "allocator-fragmentation.bytes",
            waste.allocator,
        ),
        (
            "allocator-rss.ratio",
            "allocator-rss.bytes",
            waste.allocator_rss,
        ),
        (
            "rss-overhead.ratio",
            "rss-overhead.bytes",
            waste.rss_overhead,
        ),
        ("fragmentation", "fragmentation.bytes", waste.whole),
    ] {
        reply.bulk(ratio.as_bytes());
        reply.double(waste.ratio);
        reply.bulk(bytes.as_bytes());
        reply.int(waste.bytes);
        count += 2;
    }
    count
}

/// Below this nothing can be said about the use of memory.
const DOCTOR_BYTES_MIN: u64 = 5 * 1024 * 1024;
/// Fragmentation below this many bytes is not worth a word.
const WASTE_BYTES_MIN: i64 = 10 * 1024 * 1024;
/// Fragmentation that is.
const WASTE_RATIO_MAX: f64 = 1.4;
/// A peak this much above the present use is told.
const PEAK_RATIO_MAX: f64 = 1.5;
/// Mean memory of a session that is told.
const SESSION_BYTES_MAX: u64 = 200 * 1024;

fn doctor(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let text = findings(ctx.engine());
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn findings(engine: &Engine) -> String {
    let overview = engine.memory_overview();
    if overview.used_bytes < DOCTOR_BYTES_MIN {
        return "There is too little data in memory to say anything about it.\n".into();
    }
    let mut text = String::new();
    let peak_ratio = overview.peak_bytes as f64 / overview.used_bytes as f64;
    if peak_ratio > PEAK_RATIO_MAX {
        text.push_str(&format!(
            "* Memory was {peak_ratio:.1} times what it is now at its peak. The allocator may \
             keep pages from then; MEMORY PURGE gives them back.\n"
        ));
    }
    let waste = Fragmentation::of(&engine.host, overview.used_bytes);
    for (what, waste) in [
        (
            "Allocations are spread over more pages than they fill",
            waste.allocator,
        ),
        (
            "The allocator keeps pages that it does not use",
            waste.allocator_rss,
        ),
        (
            "The process has pages that the allocator does not know",
            waste.rss_overhead,
        ),
    ] {
        if waste.ratio > WASTE_RATIO_MAX && waste.bytes > WASTE_BYTES_MIN {
            let bytes = human_bytes(waste.bytes.unsigned_abs());
            text.push_str(&format!(
                "* {what}: {:.2} times, {bytes} more.\n",
                waste.ratio
            ));
        }
    }
    let sessions = engine.sessions.len() as u64;
    let mean = overview.sessions_bytes.checked_div(sessions).unwrap_or(0);
    if mean > SESSION_BYTES_MAX {
        text.push_str(&format!(
            "* Sessions take {} each on average: clients send large requests or read their \
             replies slowly. CLIENT LIST tells which.\n",
            human_bytes(mean)
        ));
    }
    if text.is_empty() {
        text.push_str("Nothing about the use of memory looks wrong.\n");
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{DOCTOR_BYTES_MIN, findings};
    use crate::{Completion, Directive, HostFacts, Output, testkit::Kit};

    fn kit() -> Kit {
        let mut kit = Kit::with_debug();
        assert_eq!(kit.run("DEBUG POPULATE 1 k 4000"), "OK");
        kit
    }

    #[test]
    fn usage_of_a_key() {
        let mut kit = kit();
        let usage = kit.run("MEMORY USAGE k:0");
        let bytes: u64 = usage.trim_start_matches("(integer) ").parse().unwrap();
        assert!((4000..4300).contains(&bytes), "{usage}");
        assert_eq!(kit.run("MEMORY USAGE k:0 SAMPLES 0"), usage);
        assert_eq!(kit.run("MEMORY USAGE none"), "(nil)");
        for bad in ["SAMPLES", "SAMPLES -1", "x 1", "SAMPLES 1 x"] {
            let line = alloc::format!("MEMORY USAGE k:0 {bad}");
            assert_eq!(kit.run(&line), "(error) ERR syntax error", "{bad}");
        }
        assert!(
            kit.run("MEMORY USAGE k:0 SAMPLES x")
                .contains("not an integer")
        );
    }

    #[test]
    fn figures() {
        let mut kit = kit();
        let stats = kit.run("MEMORY STATS");
        assert!(stats.contains("\"keys.count\", (integer) 1,"), "{stats}");
        assert!(stats.contains("\"db.0\", [\"overhead.hashtable.main\", (integer) "));
        assert!(
            kit.run("MEMORY MALLOC-STATS")
                .contains("Bytes resident: 0 (0B)")
        );
        assert_eq!(kit.run("MEMORY PURGE"), "");
        let asked = |output: &Output| {
            matches!(
                output,
                Output::Directive {
                    directive: Directive::PurgeMemory,
                    ..
                }
            )
        };
        assert!(kit.outputs.iter().any(asked));
        kit.complete(Completion::Done);
        assert_eq!(kit.woken(), "OK");
    }

    #[test]
    fn the_doctor_looks_at_peak_and_pages() {
        let mut kit = kit();
        assert!(kit.run("MEMORY DOCTOR").contains("too little"));
        kit.run("DEBUG POPULATE 2000 big 4000");
        assert!(findings(&kit.engine).contains("Nothing"));
        kit.engine.stats.memory_peak_bytes = 20 * DOCTOR_BYTES_MIN;
        kit.engine.handle_host(HostFacts {
            allocator_allocated_bytes: 30_000_000,
            allocator_active_bytes: 90_000_000,
            ..HostFacts::default()
        });
        let text = findings(&kit.engine);
        assert!(
            text.contains("peak") && text.contains("3.00 times"),
            "{text}"
        );
    }
}
