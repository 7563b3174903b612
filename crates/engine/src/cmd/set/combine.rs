//! Sets put together and told: SINTER, SINTERCARD, SUNION, SDIFF.

use alloc::vec::Vec;
use core::ops::ControlFlow;

use vk_data::{
    num::parse_i64,
    set::{
        SetRef, difference_by_lookup, difference_by_removal, intersection, removal_is_cheaper,
        union,
    },
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, KeyFlags, KeySpec};

use super::{live_sets, put_member, views};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const SINTER: Command = Command {
    spec: CommandSpec {
        name: "sinter",
        group: Group::Set,
        since: "1.0.0",
        summary: "Tells the members that all of several sets have.",
        complexity: "O(N*M) at worst where N is the length of the smallest set and M the \
            number of sets",
        arity: -2,
        categories: Categories::SET,
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::range(
            1,
            -1,
            1,
            KeyFlags::RO.union(KeyFlags::ACCESS),
        )],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(sinter),
};

pub(super) const SINTERCARD: Command = Command {
    spec: CommandSpec {
        name: "sintercard",
        group: Group::Set,
        since: "7.0.0",
        summary: "Counts the members that all of several sets have.",
        complexity: "O(N*M) at worst where N is the length of the smallest set and M the \
            number of sets",
        arity: -3,
        categories: Categories::SET,
        keys: &[KeySpec::counted(1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            ArgSpec::integer("limit").token("LIMIT").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(sintercard),
};

pub(super) const SUNION: Command = Command {
    spec: CommandSpec {
        name: "sunion",
        group: Group::Set,
        since: "1.0.0",
        summary: "Tells the members that any of several sets has.",
        complexity: "O(N) where N is the number of members of all sets",
        arity: -2,
        categories: Categories::SET,
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::range(
            1,
            -1,
            1,
            KeyFlags::RO.union(KeyFlags::ACCESS),
        )],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(sunion),
};

pub(super) const SDIFF: Command = Command {
    spec: CommandSpec {
        name: "sdiff",
        group: Group::Set,
        since: "1.0.0",
        summary: "Tells the members of a set that none of several others has.",
        complexity: "O(N) where N is the number of members of all sets",
        arity: -2,
        categories: Categories::SET,
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::range(
            1,
            -1,
            1,
            KeyFlags::RO.union(KeyFlags::ACCESS),
        )],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(sdiff),
};

fn sinter(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let live = live_sets(ctx, ctx.keys())?;
    // Without one of them there is nothing that all have.
    let Some(sets) = views(ctx, &live).into_iter().collect::<Option<Vec<_>>>() else {
        reply.set(0);
        return Ok(());
    };
    let header = reply.deferred_set();
    let mut found = 0;
    let _ = intersection(&sets, ctx.engine.dbs.seed(), &mut |item| {
        put_member(reply, item.member);
        found += 1;
        ControlFlow::Continue(())
    });
    reply.finish(header, found);
    Ok(())
}

fn sintercard(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let limit = parse_limit(request)?;
    let live = live_sets(ctx, ctx.keys())?;
    let mut found = 0;
    if let Some(sets) = views(ctx, &live).into_iter().collect::<Option<Vec<_>>>() {
        let _ = intersection(&sets, ctx.engine.dbs.seed(), &mut |_| {
            found += 1;
            if found == limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }
    reply.int(found);
    Ok(())
}

/// The arguments of SINTERCARD beside the keys: where counting ends, 0 for nowhere.
fn parse_limit(request: Request<'_>) -> Result<i64, Error> {
    let keys = request.arg(1).and_then(parse_i64);
    let keys = keys.filter(|keys| *keys > 0);
    let keys = keys.ok_or(Error::NUMKEYS_NOT_POSITIVE)?;
    let keys = usize::try_from(keys).unwrap_or(usize::MAX);
    if keys > request.len().saturating_sub(2) {
        return Err(Error::TOO_MANY_KEYS);
    }
    let mut limit = 0;
    let rest = request.skip(keys.saturating_add(2));
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or(Error::SYNTAX)?;
        if !word.eq_ignore_ascii_case(b"LIMIT") {
            return Err(Error::SYNTAX);
        }
        let number = parse_i64(value).filter(|limit| *limit >= 0);
        limit = number.ok_or(Error::LIMIT_NEGATIVE)?;
    }
    Ok(limit)
}

fn sunion(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let live = live_sets(ctx, ctx.keys())?;
    let sets: Vec<SetRef<'_>> = views(ctx, &live).into_iter().flatten().collect();
    let header = reply.deferred_set();
    let mut found = 0;
    union(&sets, ctx.engine.dbs.seed(), &mut |item| {
        put_member(reply, item.member);
        found += 1;
    });
    reply.finish(header, found);
    Ok(())
}

fn sdiff(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let live = live_sets(ctx, ctx.keys())?;
    let mut sets = views(ctx, &live).into_iter();
    let Some(first) = sets.next().flatten() else {
        reply.set(0);
        return Ok(());
    };
    let others: Vec<SetRef<'_>> = sets.flatten().collect();
    if removal_is_cheaper(first, &others) {
        let left = difference_by_removal(first, &others, ctx.engine.dbs.seed());
        reply.set(left.len());
        left.iter().for_each(|member| reply.bulk(member));
        return Ok(());
    }
    let header = reply.deferred_set();
    let mut found = 0;
    difference_by_lookup(first, &others, ctx.engine.dbs.seed(), &mut |item| {
        put_member(reply, item.member);
        found += 1;
    });
    reply.finish(header, found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn sets_are_put_together() {
        let mut kit = Kit::new();
        kit.run("SADD a 1 2 3 4");
        kit.run("SADD b 3 4 5 x");
        kit.run("SADD c 4 x");
        assert_eq!(kit.run("SINTER a b c"), "[\"4\"]");
        assert_eq!(kit.run("SINTER a b nope"), "[]");
        assert_eq!(kit.run("SINTER a a"), "[\"1\", \"2\", \"3\", \"4\"]");
        assert_eq!(kit.run("SDIFF a b c"), "[\"1\", \"2\"]");
        assert_eq!(kit.run("SDIFF a a"), "[]");
        assert_eq!(kit.run("SDIFF nope a"), "[]");
        assert_eq!(kit.run("SDIFF a nope"), "[\"1\", \"2\", \"3\", \"4\"]");
        let union = kit.run("SUNION a b c nope");
        assert_eq!(union.matches('"').count(), 12);
        assert_eq!(kit.run("SUNION nope"), "[]");
        assert_eq!(kit.run("SINTERCARD 2 a b"), "(integer) 2");
        assert_eq!(kit.run("SINTERCARD 2 a b LIMIT 1"), "(integer) 1");
        assert_eq!(kit.run("SINTERCARD 2 a b LIMIT 0"), "(integer) 2");
        assert_eq!(kit.run("SINTERCARD 1 nope"), "(integer) 0");
        kit.run("SET s 1");
        for line in [
            "SINTER nope s",
            "SUNION a s",
            "SDIFF nope s",
            "SINTERCARD 2 nope s",
        ] {
            assert!(kit.run(line).starts_with("(error) WRONGTYPE"), "{line}");
        }
    }

    #[test]
    fn sintercard_checks_its_numbers() {
        let mut kit = Kit::new();
        let greater = "(error) ERR numkeys should be greater than 0";
        assert_eq!(kit.run("SINTERCARD 0 a"), greater);
        assert_eq!(kit.run("SINTERCARD x a"), greater);
        assert_eq!(
            kit.run("SINTERCARD 2 a"),
            "(error) ERR Number of keys can't be greater than number of args"
        );
        let negative = "(error) ERR LIMIT can't be negative";
        assert_eq!(kit.run("SINTERCARD 1 a LIMIT -1"), negative);
        assert_eq!(kit.run("SINTERCARD 1 a LIMIT x"), negative);
        assert_eq!(kit.run("SINTERCARD 1 a LIMIT"), "(error) ERR syntax error");
        assert_eq!(kit.run("SINTERCARD 1 a b 1"), "(error) ERR syntax error");
    }
}
