//! Removing members: ZREM, and by rank, score or name.

use core::ops::Range;

use vk_data::zset::{ZSetMut, ZSetRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{
    bounds::{lex_range, rank_range, score_range},
    commit_removal, number,
};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const ZREM: Command = Command {
    spec: CommandSpec {
        name: "zrem",
        group: Group::SortedSet,
        since: "1.2.0",
        summary: "Removes members from a sorted set.",
        complexity: "O(M*log(N)) for M members of N",
        history: &[History {
            version: "2.4.0",
            change: "Several members can be removed at once.",
        }],
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("member").multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Write(zrem),
};

pub(super) const ZREMRANGEBYLEX: Command = Command {
    spec: CommandSpec {
        name: "zremrangebylex",
        group: Group::SortedSet,
        since: "2.8.9",
        summary: "Removes the members of a range of names, where all scores are equal.",
        complexity: "O(log(N)+M) for N elements of which M are removed",
        arity: 4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("min"),
            ArgSpec::string("max"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zremrangebylex),
};

pub(super) const ZREMRANGEBYRANK: Command = Command {
    spec: CommandSpec {
        name: "zremrangebyrank",
        group: Group::SortedSet,
        since: "2.0.0",
        summary: "Removes the members of a range of ranks.",
        complexity: "O(log(N)+M) for N elements of which M are removed",
        arity: 4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("start"),
            ArgSpec::integer("stop"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zremrangebyrank),
};

pub(super) const ZREMRANGEBYSCORE: Command = Command {
    spec: CommandSpec {
        name: "zremrangebyscore",
        group: Group::SortedSet,
        since: "1.2.0",
        summary: "Removes the members of a range of scores.",
        complexity: "O(log(N)+M) for N elements of which M are removed",
        arity: 4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::double("min"),
            ArgSpec::double("max"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zremrangebyscore),
};

fn zrem(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let mut writer = ctx.write(ctx.key(0)?);
    writer.view::<ZSetRef<'_>>()?;
    let mut removed = 0;
    if let Some(mut entry) = writer.modify()
        && let Some(mut zset) = entry.body_mut().and_then(ZSetMut::of)
    {
        for member in request.iter().skip(2) {
            removed += i64::from(zset.remove(member).is_some());
        }
    }
    if removed == 0 {
        writer.unchanged();
    } else {
        commit_removal(writer, "zrem");
    }
    reply.int(removed);
    Ok(())
}

fn zremrangebyrank(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let range = rank_range(request, 2, 3)?;
    let ranks = |zset: ZSetRef<'_>| range.of(zset.len());
    remove_ranks(ctx, ranks, "zremrangebyrank", reply)
}

fn zremrangebyscore(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let range = score_range(request, 2, 3)?;
    let ranks = |zset: ZSetRef<'_>| zset.score_ranks(&range);
    remove_ranks(ctx, ranks, "zremrangebyscore", reply)
}

fn zremrangebylex(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let range = lex_range(request, 2, 3)?;
    let ranks = |zset: ZSetRef<'_>| zset.lex_ranks(&range);
    remove_ranks(ctx, ranks, "zremrangebylex", reply)
}

/// Removes the members of the ranks that `ranks` finds, and tells how many they were.
fn remove_ranks(
    ctx: &mut WriteCtx<'_>,
    ranks: impl FnOnce(ZSetRef<'_>) -> Range<usize>,
    event: &'static str,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let mut writer = ctx.write(ctx.key(0)?);
    let zset: Option<ZSetRef<'_>> = writer.view()?;
    let len = zset.map_or(0, ZSetRef::len);
    let ranks = zset.map_or(0..0, ranks);
    if ranks.start == 0 && ranks.end >= len && len > 0 {
        // All of it: freed as a whole, little by little.
        writer.remove();
        writer.commit(&[(EventFlags::ZSET, event), (EventFlags::GENERIC, "del")]);
        reply.int(number(len));
        return Ok(());
    }
    if ranks.is_empty() {
        reply.int(0);
        return Ok(());
    }
    let mut removed = 0;
    if let Some(mut entry) = writer.modify()
        && let Some(mut zset) = entry.body_mut().and_then(ZSetMut::of)
    {
        removed = zset.remove_ranks(ranks, &mut |_, _| {});
    }
    commit_removal(writer, event);
    reply.int(number(removed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{cmd::string::effects_of, testkit::Kit};

    #[test]
    fn removes_members_and_the_last_with_its_key() {
        let mut kit = Kit::new();
        kit.run("ZADD z 1 a 2 b 3 c");
        assert_eq!(kit.run("ZREM z a x a"), "(integer) 1");
        assert_eq!(kit.run("ZREM none a"), "(integer) 0");
        assert_eq!(effects_of(&mut kit, "ZREM z x"), "");
        assert_eq!(effects_of(&mut kit, "ZREM z b c"), "ZREM z b c");
        assert_eq!(kit.run("EXISTS z"), "(integer) 0");
    }

    #[test]
    fn removes_ranges() {
        let mut kit = Kit::new();
        for (line, removed, rest) in [
            ("ZREMRANGEBYRANK z 0 0", 1, "[\"b\", \"c\", \"d\"]"),
            ("ZREMRANGEBYRANK z -2 -1", 2, "[\"a\", \"b\"]"),
            ("ZREMRANGEBYRANK z 3 1", 0, "[\"a\", \"b\", \"c\", \"d\"]"),
            ("ZREMRANGEBYSCORE z (1 3", 2, "[\"a\", \"d\"]"),
            ("ZREMRANGEBYSCORE z -inf +inf", 4, "[]"),
        ] {
            kit.run("DEL z");
            kit.run("ZADD z 1 a 2 b 3 c 4 d");
            assert_eq!(
                kit.run(line),
                alloc::format!("(integer) {removed}"),
                "{line}"
            );
            assert_eq!(kit.run("ZRANGE z 0 -1"), rest, "{line}");
        }
        assert_eq!(kit.run("EXISTS z"), "(integer) 0");
        kit.run("ZADD l 0 a 0 b 0 c");
        assert_eq!(kit.run("ZREMRANGEBYLEX l [b (c"), "(integer) 1");
        assert_eq!(kit.run("ZREMRANGEBYLEX l - +"), "(integer) 2");
        assert_eq!(
            kit.run("ZREMRANGEBYLEX l x +"),
            "(error) ERR min or max not valid string range item"
        );
        assert_eq!(
            kit.run("ZREMRANGEBYSCORE l 1 x"),
            "(error) ERR min or max is not a float"
        );
    }
}
