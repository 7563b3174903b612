//! XLEN, XRANGE, XREVRANGE: what a stream holds.

use vk_data::stream::{StreamId, StreamRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{integer, is, number, put_entry, range_end, range_start};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const XLEN: Command = Command {
    spec: CommandSpec {
        name: "xlen",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells how many entries a stream has.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(xlen),
};

pub(super) const XRANGE: Command = Command {
    spec: CommandSpec {
        name: "xrange",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells the entries between two ids.",
        complexity: "O(N) for N told entries.",
        history: &[History {
            version: "6.2.0",
            change: "Ends may be excluded.",
        }],
        arity: -4,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("start"),
            ArgSpec::string("end"),
            ArgSpec::integer("count").token("COUNT").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(xrange),
};

pub(super) const XREVRANGE: Command = Command {
    spec: CommandSpec {
        name: "xrevrange",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells the entries between two ids, the last one first.",
        complexity: "O(N) for N told entries.",
        history: &[History {
            version: "6.2.0",
            change: "Ends may be excluded.",
        }],
        arity: -4,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("end"),
            ArgSpec::string("start"),
            ArgSpec::integer("count").token("COUNT").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(xrevrange),
};

fn xlen(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let stream = ctx.view::<StreamRef<'_>>(key)?;
    reply.int(stream.map_or(0, |stream| number(stream.entries().len())));
    Ok(())
}

fn xrange(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    range(ctx, request, reply, false)
}

fn xrevrange(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    range(ctx, request, reply, true)
}

struct Args {
    start: StreamId,
    end: StreamId,
    count: Option<usize>,
}

impl Args {
    fn parse(request: Request<'_>, backward: bool) -> Result<Self, Error> {
        let (start_at, end_at) = if backward { (3, 2) } else { (2, 3) };
        let start = range_start(request.arg(start_at).unwrap_or_default())?;
        let end = range_end(request.arg(end_at).unwrap_or_default())?;
        let mut count = None;
        let rest = request.skip(4);
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let value = words.next().filter(|_| is(word, "COUNT"));
            let value = integer(value.ok_or(Error::SYNTAX)?)?;
            count = Some(usize::try_from(value.max(0)).unwrap_or(usize::MAX));
        }
        Ok(Self { start, end, count })
    }
}

fn range(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
    backward: bool,
) -> Result<(), Error> {
    let args = Args::parse(request, backward)?;
    let key = ctx.key(0)?;
    let Some(stream) = ctx.view::<StreamRef<'_>>(key)? else {
        reply.array(0);
        return Ok(());
    };
    if args.count == Some(0) {
        reply.null_array();
        return Ok(());
    }
    let entries = stream.entries();
    let most = args.count.unwrap_or(usize::MAX);
    let array = reply.deferred_array();
    let mut told = 0;
    let mut tell = |entry| {
        put_entry(reply, &entry);
        told += 1;
    };
    if backward {
        entries
            .range_back(args.start, args.end)
            .take(most)
            .for_each(&mut tell);
    } else {
        entries
            .range(args.start, args.end)
            .take(most)
            .for_each(&mut tell);
    }
    reply.finish(array, told);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn ranges() {
        let mut kit = Kit::new();
        for n in ["1-1", "1-2", "2-0", "3-5"] {
            kit.run(&alloc::format!("XADD s {n} f {n}"));
        }
        let ids = |kit: &mut Kit, line: &str| {
            let reply = kit.run(line);
            let ids = reply
                .split("\"f\", ")
                .skip(1)
                .filter_map(|part| part.split('"').nth(1));
            ids.collect::<alloc::vec::Vec<_>>().join(" ")
        };
        assert_eq!(kit.run("XRANGE s 1-2 1-2"), "[[\"1-2\", [\"f\", \"1-2\"]]]");
        assert_eq!(ids(&mut kit, "XRANGE s - +"), "1-1 1-2 2-0 3-5");
        assert_eq!(ids(&mut kit, "XRANGE s 1 2"), "1-1 1-2 2-0");
        assert_eq!(ids(&mut kit, "XRANGE s (1-1 (2-0"), "1-2");
        assert_eq!(ids(&mut kit, "XRANGE s (1 (2"), "1-1 1-2 2-0");
        assert_eq!(ids(&mut kit, "XRANGE s - + COUNT 2"), "1-1 1-2");
        assert_eq!(ids(&mut kit, "XREVRANGE s + - COUNT 2"), "3-5 2-0");
        assert_eq!(ids(&mut kit, "XREVRANGE s (3-5 1-2"), "2-0 1-2");
        assert_eq!(kit.run("XRANGE s + -"), "[]");
        assert_eq!(kit.run("XRANGE s - + COUNT 0"), "(nil)");
        assert_eq!(kit.run("XRANGE s - + COUNT -5"), "(nil)");
        assert_eq!(kit.run("XRANGE none - +"), "[]");
        assert_eq!(kit.run("XLEN s"), "(integer) 4");
        assert_eq!(kit.run("XLEN none"), "(integer) 0");
        let last = "18446744073709551615-18446744073709551615";
        for (line, text) in [
            ("XRANGE s x +", "Invalid stream ID"),
            ("XRANGE s (- +", "Invalid stream ID"),
            (
                &*alloc::format!("XRANGE s ({last} +"),
                "invalid start ID for the interval",
            ),
            ("XRANGE s - (0-0", "invalid end ID for the interval"),
            ("XRANGE s - + COUNT", "syntax error"),
            ("XRANGE s - + FOO 1", "syntax error"),
            ("XRANGE s - + COUNT x", "not an integer"),
        ] {
            assert!(kit.run(line).contains(text), "{line}");
        }
    }
}
