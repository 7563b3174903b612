//! Counting: ZCARD, ZCOUNT, ZLEXCOUNT.

use vk_data::zset::ZSetRef;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{
    bounds::{lex_range, score_range},
    number,
};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const ZCARD: Command = Command {
    spec: CommandSpec {
        name: "zcard",
        group: Group::SortedSet,
        since: "1.2.0",
        summary: "Counts the members of a sorted set.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(zcard),
};

pub(super) const ZCOUNT: Command = Command {
    spec: CommandSpec {
        name: "zcount",
        group: Group::SortedSet,
        since: "2.0.0",
        summary: "Counts the members of a range of scores.",
        complexity: "O(log(N)) for N elements",
        arity: 4,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::double("min"),
            ArgSpec::double("max"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zcount),
};

pub(super) const ZLEXCOUNT: Command = Command {
    spec: CommandSpec {
        name: "zlexcount",
        group: Group::SortedSet,
        since: "2.8.9",
        summary: "Counts the members of a range of names, where all scores are equal.",
        complexity: "O(log(N)) for N elements",
        arity: 4,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("min"),
            ArgSpec::string("max"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zlexcount),
};

fn zcard(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    count(ctx, |zset| zset.len(), reply)
}

fn zcount(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let range = score_range(request, 2, 3)?;
    count(ctx, |zset| zset.score_ranks(&range).len(), reply)
}

fn zlexcount(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let range = lex_range(request, 2, 3)?;
    count(ctx, |zset| zset.lex_ranks(&range).len(), reply)
}

/// Tells what `count` finds, 0 for a key that is not there.
fn count(
    ctx: &mut ReadCtx<'_>,
    count: impl FnOnce(ZSetRef<'_>) -> usize,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let zset = ctx.view(ctx.key(0)?)?;
    reply.int(number(zset.map_or(0, count)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn counts() {
        let mut kit = Kit::new();
        for entries in [128, 0] {
            kit.run("FLUSHALL");
            kit.run(&alloc::format!(
                "CONFIG SET zset-max-listpack-entries {entries}"
            ));
            kit.run("ZADD z 1 a 1 b 2 c inf d");
            for (line, count) in [
                ("ZCARD z", 4),
                ("ZCARD none", 0),
                ("ZCOUNT z -inf +inf", 4),
                ("ZCOUNT z (1 2", 1),
                ("ZCOUNT z 1 (2", 2),
                ("ZCOUNT z 3 1", 0),
                ("ZCOUNT z (2 (inf", 0),
                ("ZLEXCOUNT z - +", 4),
                ("ZLEXCOUNT none - +", 0),
            ] {
                assert_eq!(kit.run(line), alloc::format!("(integer) {count}"), "{line}");
            }
            kit.run("ZADD l 0 a 0 b 0 c");
            assert_eq!(kit.run("ZLEXCOUNT l (a [c"), "(integer) 2");
        }
        assert_eq!(
            kit.run("ZCOUNT z 1 x"),
            "(error) ERR min or max is not a float"
        );
        assert_eq!(
            kit.run("ZLEXCOUNT z 1 x"),
            "(error) ERR min or max not valid string range item"
        );
        kit.run("SET s 1");
        assert!(kit.run("ZCARD s").starts_with("(error) WRONGTYPE"));
    }
}
