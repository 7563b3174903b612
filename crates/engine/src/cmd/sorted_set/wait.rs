//! Taking members out, and waiting for them: BZPOPMIN, BZPOPMAX, BZMPOP.

use core::time::Duration;

use vk_data::value::ValueType;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::pop::{End, Layout, Several, WHERE, hand_on, pop};
use crate::{
    Error,
    blocking::{Block, seconds},
    cmd::{Command, Run},
    ctx::WriteCtx,
};

pub(super) const BZMPOP: Command = Command {
    spec: CommandSpec {
        name: "bzmpop",
        group: Group::SortedSet,
        since: "7.0.0",
        summary: "As `ZMPOP`, and waits until one of the sorted sets has members.",
        complexity: "O(K)+O(M*log(N)) for K keys and M members of N",
        arity: -5,
        flags: Flags::BLOCKING,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::counted(
            2,
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[
            ArgSpec::double("timeout"),
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            WHERE,
            ArgSpec::integer("count").token("COUNT").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(bzmpop),
};

pub(super) const BZPOPMIN: Command = Command {
    spec: CommandSpec {
        name: "bzpopmin",
        group: Group::SortedSet,
        since: "5.0.0",
        summary: "Takes the member with the lowest score of some sorted sets, or waits for one.",
        complexity: "O(log(N)) for N elements",
        history: &[History {
            version: "6.0.0",
            change: "The time to wait may have a fraction.",
        }],
        arity: -3,
        flags: Flags::FAST.union(Flags::BLOCKING),
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::range(
            1,
            -2,
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[
            ArgSpec::key("key", 0).multiple(),
            ArgSpec::double("timeout"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(bzpopmin),
};

pub(super) const BZPOPMAX: Command = Command {
    spec: CommandSpec {
        name: "bzpopmax",
        group: Group::SortedSet,
        since: "5.0.0",
        summary: "Takes the member with the highest score of some sorted sets, or waits for one.",
        complexity: "O(log(N)) for N elements",
        history: &[History {
            version: "6.0.0",
            change: "The time to wait may have a fraction.",
        }],
        arity: -3,
        flags: Flags::FAST.union(Flags::BLOCKING),
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::range(
            1,
            -2,
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[
            ArgSpec::key("key", 0).multiple(),
            ArgSpec::double("timeout"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(bzpopmax),
};

fn bzpopmin(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    pop_first(ctx, request, End::Min, reply)
}

fn bzpopmax(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    pop_first(ctx, request, End::Max, reply)
}

fn pop_first(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    end: End,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let word = request.arg(request.len() - 1).unwrap_or_default();
    let timeout = seconds(word, ctx.now_ms())?;
    for key in ctx.keys() {
        if pop(ctx, *key, end, 1, Layout::FlatWithKey, reply)?.is_some() {
            hand_on(ctx, *key, end, None);
            return Ok(());
        }
    }
    wait(ctx, timeout, reply);
    Ok(())
}

fn bzmpop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let several = Several::parse(request, 2)?;
    let timeout = seconds(request.arg(1).unwrap_or_default(), ctx.now_ms())?;
    for key in ctx.keys() {
        if several.pop(ctx, *key, reply)? {
            return Ok(());
        }
    }
    wait(ctx, timeout, reply);
    Ok(())
}

/// Waits until one of the keys is a sorted set.
fn wait(ctx: &mut WriteCtx<'_>, timeout: Option<Duration>, reply: &mut ReplyBuf) {
    let block = Block {
        keys: ctx.keys(),
        serves: ValueType::ZSet,
        timeout,
        request: None,
        ends_with_key: false,
    };
    ctx.block(block, reply);
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{Disposition, cmd::string::effects_of, testkit::Kit};

    #[test]
    fn takes_at_once_what_is_there() {
        let mut kit = Kit::new();
        kit.run("ZADD z 1 a 2 b 3 c 4 d");
        assert_eq!(kit.run("BZPOPMIN y z 0"), "[\"z\", \"a\", \"1\"]");
        assert_eq!(kit.run("BZPOPMAX y z 0"), "[\"z\", \"d\", \"4\"]");
        let line = "BZMPOP 0 2 y z MIN COUNT 9";
        assert_eq!(effects_of(&mut kit, line), "ZPOPMIN z 2");
        kit.run("ZADD z 1 a");
        assert_eq!(effects_of(&mut kit, "BZPOPMIN z 1"), "ZPOPMIN z");
    }

    #[test]
    fn waits_for_a_sorted_set() {
        let mut kit = Kit::new();
        let other = kit.connect();
        assert_eq!(kit.run_as(other, "BZPOPMIN y z 0"), "");
        assert_eq!(kit.disposition, Disposition::Parked);
        kit.run("SET y 1");
        kit.run("DEL y");
        kit.run("LPUSH z x");
        kit.run("DEL z");
        assert_eq!(kit.run("ZADD z 1 a 2 b"), "(integer) 2");
        assert_eq!(kit.woken(), "[\"z\", \"a\", \"1\"]");
        assert_eq!(kit.run("ZCARD z"), "(integer) 1");
        kit.run("DEL z");
        kit.run_as(other, "BZMPOP 0.5 1 z MAX COUNT 2");
        kit.advance_ms(501);
        assert_eq!(kit.woken(), "(nil)");
        kit.run_as(other, "BZMPOP 0.5 1 z MAX COUNT 2");
        kit.run("ZADD z 1 a 2 b 3 c");
        assert_eq!(kit.woken(), "[\"z\", [[\"c\", \"3\"], [\"b\", \"2\"]]]");
    }

    #[test]
    fn is_served_by_every_way_a_sorted_set_comes() {
        for (before, line) in [
            ("ZADD a 1 m", "ZUNIONSTORE z 1 a"),
            ("ZADD a 1 m", "RENAME a z"),
            ("ZADD a 1 m", "ZRANGESTORE z a 0 -1"),
            ("PING", "ZINCRBY z 1 m"),
            ("PING", "GEOADD z 1 1 m"),
        ] {
            let mut kit = Kit::new();
            let other = kit.connect();
            kit.run(before);
            kit.run_as(other, "BZPOPMAX z 0");
            kit.run(line);
            assert!(kit.woken().starts_with("[\"z\", \"m\""), "{line}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        let mut kit = Kit::new();
        let no_float = "timeout is not a float or out of range";
        for (line, text) in [
            ("BZPOPMIN z x", no_float),
            ("BZPOPMIN z -1", "timeout is negative"),
            ("BZMPOP x 1 z MIN", no_float),
            ("BZMPOP x 0 z MIN", "numkeys should be greater than 0"),
            ("BZMPOP 0 1 z FOO", "syntax error"),
        ] {
            assert_eq!(kit.run(line), format!("(error) ERR {text}"), "{line}");
        }
        kit.run("SET s 1");
        assert!(kit.run("BZPOPMIN y s 0").starts_with("(error) WRONGTYPE"));
    }
}
