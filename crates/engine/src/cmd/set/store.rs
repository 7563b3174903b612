//! Sets put together and stored: SINTERSTORE, SUNIONSTORE, SDIFFSTORE.

use alloc::vec::Vec;
use core::ops::ControlFlow;

use vk_data::set::{
    BuiltSet, SetBuilder, SetLimits, SetRef, difference_by_lookup, difference_by_removal,
    intersection, removal_is_cheaper,
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{limits, live_sets, views};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Expire, WriteCtx},
};

pub(super) const SINTERSTORE: Command = Command {
    spec: CommandSpec {
        name: "sinterstore",
        group: Group::Set,
        since: "1.0.0",
        summary: "Stores the members that all of several sets have.",
        complexity: "O(N*M) at worst where N is the length of the smallest set and M the \
            number of sets",
        arity: -3,
        flags: Flags::DENYOOM,
        categories: Categories::SET,
        keys: STORE_KEYS,
        args: STORE_ARGS,
        ..CommandSpec::NEW
    },
    run: Run::Write(sinterstore),
};

pub(super) const SUNIONSTORE: Command = Command {
    spec: CommandSpec {
        name: "sunionstore",
        group: Group::Set,
        since: "1.0.0",
        summary: "Stores the members that any of several sets has.",
        complexity: "O(N) where N is the number of members of all sets",
        arity: -3,
        flags: Flags::DENYOOM,
        categories: Categories::SET,
        keys: STORE_KEYS,
        args: STORE_ARGS,
        ..CommandSpec::NEW
    },
    run: Run::Write(sunionstore),
};

pub(super) const SDIFFSTORE: Command = Command {
    spec: CommandSpec {
        name: "sdiffstore",
        group: Group::Set,
        since: "1.0.0",
        summary: "Stores the members of a set that none of several others has.",
        complexity: "O(N) where N is the number of members of all sets",
        arity: -3,
        flags: Flags::DENYOOM,
        categories: Categories::SET,
        keys: STORE_KEYS,
        args: STORE_ARGS,
        ..CommandSpec::NEW
    },
    run: Run::Write(sdiffstore),
};

const STORE_KEYS: &[KeySpec] = &[
    KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
    KeySpec::range(2, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
];
const STORE_ARGS: &[ArgSpec] = &[
    ArgSpec::key("destination", 0),
    ArgSpec::key("key", 1).multiple(),
];

/// How sets are put together; a key that is not there is `None`.
type Combine = fn(&[Option<SetRef<'_>>], SetLimits) -> SetBuilder;

fn sinterstore(
    ctx: &mut WriteCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let combine: Combine = |sets, limits| {
        let mut result = SetBuilder::new(limits);
        let all: Option<Vec<SetRef<'_>>> = sets.iter().copied().collect();
        let _ = intersection(&all.unwrap_or_default(), limits.seed, &mut |found| {
            result.push_found(found);
            ControlFlow::Continue(())
        });
        result
    };
    store(ctx, reply, combine, "sinterstore")
}

fn sunionstore(
    ctx: &mut WriteCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let combine: Combine = |sets, limits| {
        let sets: Vec<SetRef<'_>> = sets.iter().flatten().copied().collect();
        SetBuilder::union(&sets, limits)
    };
    store(ctx, reply, combine, "sunionstore")
}

fn sdiffstore(
    ctx: &mut WriteCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let combine: Combine = |sets, limits| {
        let mut result = SetBuilder::new(limits);
        if let Some((Some(first), others)) = sets.split_first() {
            let others: Vec<SetRef<'_>> = others.iter().flatten().copied().collect();
            if removal_is_cheaper(*first, &others) {
                let left = difference_by_removal(*first, &others, limits.seed);
                return SetBuilder::from_set(left, limits);
            }
            let mut push = |found| result.push_found(found);
            difference_by_lookup(*first, &others, limits.seed, &mut push);
        }
        result
    };
    store(ctx, reply, combine, "sdiffstore")
}

/// Puts the sets of all keys but the first together and stores the result there.
fn store(
    ctx: &mut WriteCtx<'_>,
    reply: &mut ReplyBuf,
    combine: Combine,
    event: &'static str,
) -> Result<(), Error> {
    let target = ctx.key(0)?;
    let sources = ctx.keys().get(1..).unwrap_or_default();
    let live = live_sets(ctx, sources)?;
    let result = combine(&views(ctx, &live), limits(ctx));
    let len = result.len();
    let mut writer = ctx.write(target);
    if len > 0 {
        let built: BuiltSet = result.finish();
        writer.put(built.into_value(&mut Vec::new()), Expire::Never);
        writer.commit(&[(EventFlags::SET, event)]);
    } else if writer.remove() {
        writer.commit(&[(EventFlags::GENERIC, "del")]);
    }
    reply.int(i64::try_from(len).unwrap_or(i64::MAX));
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::testkit::Kit;

    #[test]
    fn results_are_stored_in_the_best_encoding() {
        let mut kit = Kit::new();
        kit.run("SADD a 3 1 2 x");
        kit.run("SADD b 3 2 1");
        kit.run("SADD c y");
        assert_eq!(kit.run("SINTERSTORE d a b"), "(integer) 3");
        assert_eq!(kit.run("OBJECT ENCODING d"), "\"intset\"");
        assert_eq!(kit.run("SMEMBERS d"), "[\"1\", \"2\", \"3\"]");
        assert_eq!(kit.run("SUNIONSTORE d a b c"), "(integer) 5");
        assert_eq!(kit.run("OBJECT ENCODING d"), "\"listpack\"");
        assert_eq!(kit.run("SDIFFSTORE d a b"), "(integer) 1");
        assert_eq!(kit.run("SMEMBERS d"), "[\"x\"]");
        for i in 0..600 {
            kit.run(&format!("SADD big {i}"));
        }
        assert_eq!(kit.run("SUNIONSTORE d big a"), "(integer) 601");
        assert_eq!(kit.run("OBJECT ENCODING d"), "\"hashtable\"");
        assert_eq!(kit.run("SINTERSTORE d big a"), "(integer) 3");
        assert_eq!(kit.run("OBJECT ENCODING d"), "\"intset\"");
        assert_eq!(kit.run("SDIFFSTORE d big b"), "(integer) 597");
        assert_eq!(kit.run("SCARD d"), "(integer) 597");
    }

    #[test]
    fn an_empty_result_removes_the_target_and_the_target_may_be_a_source() {
        let mut kit = Kit::new();
        kit.run("SADD a 1 2");
        kit.run("SADD b 2 3");
        kit.run("SET d x EX 100");
        assert_eq!(kit.run("SINTERSTORE d a b"), "(integer) 1");
        assert_eq!(kit.run("TTL d"), "(integer) -1");
        assert_eq!(kit.run("SUNIONSTORE a a b"), "(integer) 3");
        assert_eq!(kit.run("SMEMBERS a"), "[\"1\", \"2\", \"3\"]");
        assert_eq!(kit.run("SINTERSTORE d a nope"), "(integer) 0");
        assert_eq!(kit.run("EXISTS d"), "(integer) 0");
        assert_eq!(kit.run("SDIFFSTORE a a a"), "(integer) 0");
        assert_eq!(kit.run("EXISTS a"), "(integer) 0");
        kit.run("SET s 1");
        kit.run("SADD d z");
        let refused = kit.run("SUNIONSTORE d b s");
        assert!(refused.starts_with("(error) WRONGTYPE"));
        assert_eq!(kit.run("SMEMBERS d"), "[\"z\"]");
    }
}
