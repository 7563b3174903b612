//! LATENCY: when something took long, and how long commands take. What is kept is in
//! [`crate::observe`] and [`crate::info`].

use alloc::string::String;

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group};

use super::latency_report::{advice, graph};
use crate::{
    Engine, Error,
    cmd::{Command, CommandId, Run, help::help},
    ctx::SessionCtx,
    info::Histogram,
};

pub(super) const LATENCY: Command = Command {
    spec: CommandSpec {
        name: "latency",
        summary: "Commands about latency.",
        complexity: "That of the subcommand.",
        arity: -2,
        flags: Flags::empty(),
        tips: &[],
        ..BASE
    },
    run: Run::Container(&[DOCTOR, GRAPH, HELP, HISTOGRAM, HISTORY, LATEST, RESET]),
};

const BASE: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "2.8.13",
    arity: 2,
    flags: Flags::ADMIN
        .union(Flags::NOSCRIPT)
        .union(Flags::LOADING)
        .union(Flags::STALE),
    tips: &[
        "nondeterministic_output",
        "request_policy:all_nodes",
        "response_policy:special",
    ],
    ..CommandSpec::NEW
};

const DOCTOR: Command = Command {
    spec: CommandSpec {
        name: "doctor",
        summary: "Says what the events mean and what may be done.",
        ..BASE
    },
    run: Run::Session(doctor),
};

const GRAPH: Command = Command {
    spec: CommandSpec {
        name: "graph",
        summary: "Draws the events of a kind.",
        arity: 3,
        args: &[ArgSpec::string("event")],
        ..BASE
    },
    run: Run::Session(draw),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        summary: "Prints the subcommands.",
        flags: Flags::LOADING.union(Flags::STALE),
        tips: &[],
        ..BASE
    },
    run: Run::Session(help),
};

const HISTOGRAM: Command = Command {
    spec: CommandSpec {
        name: "histogram",
        since: "7.0.0",
        summary: "Tells how long commands take.",
        complexity: "O(N), N being the number of commands told",
        arity: -2,
        args: &[ArgSpec::string("COMMAND").multiple().optional()],
        ..BASE
    },
    run: Run::Session(histogram),
};

const HISTORY: Command = Command {
    spec: CommandSpec {
        name: "history",
        summary: "Tells the events of a kind.",
        arity: 3,
        args: &[ArgSpec::string("event")],
        ..BASE
    },
    run: Run::Session(history),
};

const LATEST: Command = Command {
    spec: CommandSpec {
        name: "latest",
        summary: "Tells the last event of each kind.",
        ..BASE
    },
    run: Run::Session(latest),
};

const RESET: Command = Command {
    spec: CommandSpec {
        name: "reset",
        summary: "Forgets the events of some kinds, or of all.",
        arity: -2,
        tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
        args: &[ArgSpec::string("event").multiple().optional()],
        ..BASE
    },
    run: Run::Session(reset),
};

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn doctor(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let text = advice(ctx.engine());
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn draw(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let event = request.arg(2).unwrap_or_default();
    let engine = ctx.engine();
    let Some(series) = engine.observe.latency.find(event) else {
        let event = String::from_utf8_lossy(event);
        return Err(Error::told(format_args!(
            "ERR No samples available for event '{event}'"
        )));
    };
    let event = String::from_utf8_lossy(event);
    let text = graph(&event, series, engine.wall.0.div_euclid(1_000_000));
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn history(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let event = request.arg(2).unwrap_or_default();
    let Some(series) = ctx.engine().observe.latency.find(event) else {
        reply.array(0);
        return Ok(());
    };
    reply.array(series.samples.len());
    for sample in &series.samples {
        reply.array(2);
        reply.int(sample.unix_seconds);
        reply.int(signed(sample.ms));
    }
    Ok(())
}

fn latest(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let all = ctx.engine().observe.latency.iter();
    reply.array(all.len());
    for (event, series) in all {
        let last = series.samples.back();
        reply.array(4);
        reply.bulk(event.as_bytes());
        reply.int(last.map_or(0, |sample| sample.unix_seconds));
        reply.int(signed(last.map_or(0, |sample| sample.ms)));
        reply.int(signed(series.max_ms));
    }
    Ok(())
}

fn reset(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let latency = &mut ctx.engine().observe.latency;
    let count = if request.len() == 2 {
        latency.reset(None)
    } else {
        let events = request.iter().skip(2);
        events.map(|event| latency.reset(Some(event))).sum()
    };
    reply.int(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

fn histogram(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let engine = ctx.engine();
    let whole = reply.deferred_map();
    let mut told = 0;
    let mut tell = |id: CommandId| {
        if let Some(histogram) = engine.stats.latency(id) {
            reply.bulk(engine.commands.full_name(id).as_bytes());
            write_histogram(histogram, reply);
            told += 1;
        }
    };
    if request.len() == 2 {
        engine.commands.ids().for_each(&mut tell);
    } else {
        for name in request.iter().skip(2) {
            with_subcommands(engine, name, &mut tell);
        }
    }
    reply.finish(whole, told);
    Ok(())
}

/// The command of this name, and its subcommands.
fn with_subcommands(engine: &Engine, name: &[u8], tell: &mut impl FnMut(CommandId)) {
    let Some(id) = engine.commands.find_full(name) else {
        return;
    };
    tell(id);
    for sub in engine.commands.command(id).subcommands() {
        let sub = engine.commands.find_sub(id, sub.spec.name.as_bytes());
        sub.into_iter().for_each(&mut *tell);
    }
}

fn write_histogram(histogram: &Histogram, reply: &mut ReplyBuf) {
    reply.map(2);
    reply.bulk(b"calls");
    reply.int(signed(histogram.calls()));
    reply.bulk(b"histogram_usec");
    let rows = reply.deferred_map();
    let mut count = 0;
    for (micros, calls) in histogram.doublings() {
        reply.int(signed(micros));
        reply.int(signed(calls));
        count += 1;
    }
    reply.finish(rows, count);
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn events_are_recorded_from_the_threshold_on() {
        let mut kit = Kit::with_debug();
        kit.run("DEBUG SLEEP 1");
        assert_eq!(kit.run("LATENCY LATEST"), "[]");
        assert!(
            kit.run("LATENCY DOCTOR")
                .contains("latency-monitor-threshold")
        );
        kit.run("CONFIG SET latency-monitor-threshold 200");
        assert!(kit.run("LATENCY DOCTOR").contains("No event"));
        kit.run("DEBUG SLEEP 0.199");
        kit.run("DEBUG SLEEP 0.3");
        kit.run("DEBUG SLEEP 0.25");
        kit.sleep_ms(2000);
        kit.run("DEBUG SLEEP 0.2");
        assert_eq!(
            kit.run("LATENCY HISTORY command"),
            "[[(integer) 1700000000, (integer) 300], [(integer) 1700000002, (integer) 200]]"
        );
        assert_eq!(
            kit.run("LATENCY LATEST"),
            "[[\"command\", (integer) 1700000002, (integer) 200, (integer) 300]]"
        );
        assert_eq!(kit.run("LATENCY HISTORY none"), "[]");
        assert!(kit.run("LATENCY DOCTOR").contains("command"));
        assert_eq!(kit.run("LATENCY RESET none"), "(integer) 0");
        assert_eq!(kit.run("LATENCY RESET none command"), "(integer) 1");
        assert_eq!(kit.run("LATENCY LATEST"), "[]");
        kit.run("CONFIG SET latency-monitor-threshold 0");
        kit.run("DEBUG SLEEP 5");
        assert_eq!(kit.run("LATENCY RESET"), "(integer) 0");
    }

    #[test]
    fn a_graph_has_the_figures_in_its_heading() {
        let mut kit = Kit::with_debug();
        kit.run("CONFIG SET latency-monitor-threshold 1");
        for seconds in ["0.3", "0.1", "0.9"] {
            kit.run(&alloc::format!("DEBUG SLEEP {seconds}"));
            kit.sleep_ms(1000);
        }
        let graph = kit.run("LATENCY GRAPH command");
        assert!(
            graph.contains("command - high 900 ms, low 100 ms (all time high 900 ms)"),
            "{graph}"
        );
        assert_eq!(
            kit.run("LATENCY GRAPH x"),
            "(error) ERR No samples available for event 'x'"
        );
        assert!(kit.run("LATENCY GRAPH").contains("'latency|graph' command"));
    }

    #[test]
    fn histograms_are_told_by_command_and_container() {
        let mut kit = Kit::with_debug();
        kit.run("SET a 1");
        kit.run("DEBUG SLEEP 0.000005");
        kit.run("CLIENT ID");
        kit.run("CLIENT GETNAME");
        assert_eq!(
            kit.run("LATENCY HISTOGRAM set none"),
            "[\"set\", [\"calls\", (integer) 1, \"histogram_usec\", [(integer) 1, (integer) 1]]]"
        );
        assert_eq!(
            kit.run("LATENCY HISTOGRAM debug"),
            "[\"debug\", [\"calls\", (integer) 1, \"histogram_usec\", [(integer) 8, (integer) 1]]]"
        );
        let client = kit.run("LATENCY HISTOGRAM client");
        assert!(client.contains("\"client|id\"") && client.contains("\"client|getname\""));
        let one = kit.run("LATENCY HISTOGRAM client|id");
        assert!(one.contains("\"client|id\"") && !one.contains("getname"));
        assert_eq!(kit.run("LATENCY HISTOGRAM none"), "[]");
        assert!(kit.run("LATENCY HISTOGRAM").contains("\"set\""));
        kit.run("CONFIG RESETSTAT");
        assert_eq!(kit.run("LATENCY HISTOGRAM set"), "[]");
    }
}
