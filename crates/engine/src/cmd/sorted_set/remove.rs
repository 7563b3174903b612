//! Removing members: ZREM, and by rank, score or name.

use core::ops::Range;

use vk_data::num::INT_TEXT_MAX;
use vk_data::zset::{NewZSet, ZSetBuilder, ZSetLimits, ZSetMut, ZSetRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{
    bounds::{lex_range, rank_range, score_range},
    commit_removal, limits, number,
};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Expire, WriteCtx},
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
    let limits = limits(ctx);
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
    if let Some(rest) = zset.and_then(|zset| few_kept(zset, &ranks, &limits)) {
        rest.store(|value| writer.put(value, Expire::Keep));
        writer.commit(&[(EventFlags::ZSET, event)]);
        reply.int(number(ranks.len()));
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

/// From so many elements on a range is not removed member by member if little is left.
const REMOVED_SINGLY_MAX: usize = 4096;

/// What is left without these ranks, as a sorted set of its own, where that is so little that the
/// old one had better be freed as a whole, piecemeal.
fn few_kept(zset: ZSetRef<'_>, ranks: &Range<usize>, limits: &ZSetLimits) -> Option<NewZSet> {
    let kept = zset.len().saturating_sub(ranks.len());
    if ranks.len() <= REMOVED_SINGLY_MAX || kept > ranks.len() / 2 || !zset.is_structure() {
        return None;
    }
    let mut rest = ZSetBuilder::new(limits.seed);
    let below = zset.iter_from_rank(0, false).take(ranks.start);
    let above = zset.iter_from_rank(ranks.end, false);
    let mut text = [0; INT_TEXT_MAX];
    for (member, score) in below.chain(above) {
        rest.insert(member.bytes(&mut text), score);
    }
    // A structure stays one.
    rest.finish(&ZSetLimits {
        entries: 0,
        ..*limits
    })
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

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

    /// What is left of a large sorted set is the same, however it comes about; and what goes is
    /// freed afterwards.
    #[test]
    fn little_is_left_of_a_large_one() {
        let mut kit = Kit::new();
        let pairs: String = (0..6000).map(|n| format!(" {n} m{n}")).collect();
        kit.run(&format!("ZADD z{pairs}"));
        kit.run("EXPIRE z 1000");
        let effect = effects_of(&mut kit, "ZREMRANGEBYRANK z 3 -3");
        assert_eq!(effect, "ZREMRANGEBYRANK z 3 -3");
        assert!(kit.engine.dbs.is_freeing());
        assert_eq!(
            kit.run("ZRANGE z 0 -1"),
            "[\"m0\", \"m1\", \"m2\", \"m5998\", \"m5999\"]"
        );
        assert_eq!(kit.run("ZRANK z m5998"), "(integer) 3");
        assert_eq!(kit.run("ZSCORE z m5"), "(nil)");
        assert_eq!(kit.run("OBJECT ENCODING z"), "\"skiplist\"");
        assert_eq!(kit.run("TTL z"), "(integer) 1000");
        for _ in 0..10 {
            kit.advance_ms(1);
            assert_eq!(kit.engine.check_memory(), Ok(()));
        }
        assert!(!kit.engine.dbs.is_freeing());
        // More is left than goes.
        kit.run("DEL z");
        kit.run(&format!("ZADD z{pairs}"));
        assert_eq!(kit.run("ZREMRANGEBYSCORE z 0 2000"), "(integer) 2001");
        assert!(!kit.engine.dbs.is_freeing());
        assert_eq!(kit.run("ZCARD z"), "(integer) 3999");
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
            assert_eq!(kit.run(line), format!("(integer) {removed}"), "{line}");
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
