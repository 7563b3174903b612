//! XAUTOCLAIM: what is idle for long goes to another consumer, and what is deleted goes.

use alloc::vec::Vec;

use vk_data::{
    num::parse_i64,
    stream::{GroupMut, StreamId},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{
    claim::{Claimer, check, target},
    effects::News,
    is, put_id, range_start, with_group,
};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::WriteCtx,
};

pub(super) const XAUTOCLAIM: Command = Command {
    spec: CommandSpec {
        name: "xautoclaim",
        group: Group::Stream,
        since: "6.2.0",
        summary: "Gives the pending entries that are idle for long to another consumer.",
        complexity: "O(N) for a count of N.",
        history: &[History {
            version: "7.0.0",
            change: "Deleted entries are told on their own, and are no longer pending then.",
        }],
        arity: -6,
        flags: Flags::FAST,
        categories: Categories::STREAM,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            ArgSpec::string("consumer"),
            ArgSpec::string("min-idle-time"),
            ArgSpec::string("start"),
            ArgSpec::integer("count").token("COUNT").optional(),
            ArgSpec::pure_token("justid", "JUSTID").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(xautoclaim),
};

/// Pending entries that XAUTOCLAIM looks at for each that it may tell.
const ATTEMPTS: usize = 10;
/// Entries that XAUTOCLAIM tells, unless it is said.
const COUNT_DEFAULT: usize = 100;
/// The most that may be said.
const COUNT_MAX: i64 = i64::MAX / 16;

/// The options of XAUTOCLAIM.
struct AutoArgs {
    min_idle_ms: i64,
    start: StreamId,
    count: usize,
    just_id: bool,
}

impl AutoArgs {
    fn parse(request: Request<'_>) -> Result<Self, Error> {
        let word = |at: usize| request.arg(at).unwrap_or_default();
        let min_idle_ms = parse_i64(word(4)).ok_or(Error::XAUTOCLAIM_MIN_IDLE)?;
        let mut args = Self {
            min_idle_ms: min_idle_ms.max(0),
            start: range_start(word(5))?,
            count: COUNT_DEFAULT,
            just_id: false,
        };
        let rest = request.skip(6);
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            if is(word, "JUSTID") {
                args.just_id = true;
                continue;
            }
            let value = words
                .next()
                .filter(|_| is(word, "COUNT"))
                .ok_or(Error::SYNTAX)?;
            let count = parse_i64(value);
            let count = count.filter(|count| (1..=COUNT_MAX).contains(count));
            let count = count.and_then(|count| usize::try_from(count).ok());
            args.count = count.ok_or(Error::XAUTOCLAIM_COUNT)?;
        }
        Ok(args)
    }
}

fn xautoclaim(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let args = AutoArgs::parse(request)?;
    let (key, target) = target(ctx, request)?;
    let name = request.arg(3).unwrap_or_default();
    let (now_ms, wants_effects) = (ctx.now_ms(), ctx.wants_effects());
    let mut writer = ctx.write(key);
    check(&writer, target)?;
    let news = with_group(&mut writer, target.group, |mut group| {
        let (consumer, created) = group.add_consumer(name, now_ms)?;
        group.set_times(consumer, now_ms, None);
        let mut claimer = Claimer {
            consumer,
            now_ms,
            delivered_ms: now_ms,
            deliveries: None,
            min_idle_ms: args.min_idle_ms,
            just_id: args.just_id,
            wants_effects,
            news: News {
                created,
                ..News::default()
            },
        };
        claim_from(&mut claimer, &mut group, &args, reply);
        Some(claimer.news)
    });
    let news = news.flatten().unwrap_or_default();
    news.commit(writer);
    news.hand_on(ctx, target, name);
    Ok(())
}

/// Claims what is idle, from the start on, and tells where to go on.
fn claim_from(
    claimer: &mut Claimer,
    group: &mut GroupMut<'_>,
    args: &AutoArgs,
    reply: &mut ReplyBuf,
) {
    let mut claimed = ReplyBuf::new(reply.protocol());
    let mut deleted = Vec::new();
    let (mut told, mut left) = (0, args.count);
    let mut next = group.pending_from(args.start).next();
    for _ in 0..args.count.saturating_mul(ATTEMPTS) {
        let Some(pending) = next.filter(|_| left > 0) else {
            break;
        };
        if group.entries().get(pending.id).is_none() {
            claimer.give_up(group, pending);
            deleted.push(pending.id);
            left -= 1;
        } else if claimer.is_idle(&pending) {
            claimer.claim(group, pending, &mut claimed);
            told += 1;
            left -= 1;
        }
        next = pending
            .id
            .next()
            .and_then(|id| group.pending_from(id).next());
    }
    reply.array(3);
    put_id(reply, next.map_or(StreamId::MIN, |pending| pending.id));
    reply.array(told);
    reply.append(&claimed);
    reply.array(deleted.len());
    for id in deleted {
        put_id(reply, id);
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    fn filled() -> Kit {
        let mut kit = Kit::new();
        for n in 1..=4 {
            kit.run(&alloc::format!("XADD s {n} f v"));
        }
        kit.run("XGROUP CREATE s g 0");
        kit.run("XREADGROUP GROUP g a COUNT 3 STREAMS s >");
        kit.sleep_ms(100);
        kit
    }

    #[test]
    fn xautoclaim_goes_through_what_is_pending() {
        let mut kit = filled();
        kit.run("XDEL s 2");
        assert_eq!(
            kit.run("XAUTOCLAIM s g b 50 - COUNT 2"),
            "[\"3-0\", [[\"1-0\", [\"f\", \"v\"]]], [\"2-0\"]]"
        );
        assert_eq!(
            kit.run("XAUTOCLAIM s g b 50 3 JUSTID"),
            "[\"0-0\", [\"3-0\"], []]"
        );
        assert_eq!(kit.run("XAUTOCLAIM s g b 50 0"), "[\"0-0\", [], []]");
        assert_eq!(
            kit.run("XAUTOCLAIM s g b 0 (1 COUNT 1 JUSTID"),
            "[\"0-0\", [\"3-0\"], []]"
        );
        for (line, text) in [
            (
                "XAUTOCLAIM s g b x 0",
                "Invalid min-idle-time argument for XAUTOCLAIM",
            ),
            ("XAUTOCLAIM s g b 0 x", "Invalid stream ID"),
            ("XAUTOCLAIM s g b 0 0 COUNT 0", "COUNT must be > 0"),
            ("XAUTOCLAIM s g b 0 0 COUNT x", "COUNT must be > 0"),
            ("XAUTOCLAIM s g b 0 0 COUNT", "syntax error"),
            ("XAUTOCLAIM s g b 0 0 FOO", "syntax error"),
            ("XAUTOCLAIM s none b 0 0", "NOGROUP"),
        ] {
            assert!(kit.run(line).contains(text), "{line}: {}", kit.run(line));
        }
    }
}
