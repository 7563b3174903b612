//! XPENDING and XACK: what was delivered and is not acknowledged.

use vk_data::stream::{Group as StreamGroup, Pending, StreamId, StreamRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{
    count, exact_ids, integer, is, no_key_or_group, number, put_id, range_end, range_start,
    with_group,
};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::{ReadCtx, WriteCtx},
};

pub(super) const XACK: Command = Command {
    spec: CommandSpec {
        name: "xack",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Acknowledges entries that were delivered to a group.",
        complexity: "O(1) for each entry.",
        arity: -4,
        flags: Flags::FAST,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            ArgSpec::string("ID").multiple(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(xack),
};

pub(super) const XPENDING: Command = Command {
    spec: CommandSpec {
        name: "xpending",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells which entries of a group were delivered and not acknowledged.",
        complexity: "O(N) for N entries that are looked at; O(C) for C consumers without a range.",
        history: &[History {
            version: "6.2.0",
            change: "The option `IDLE` came, and ends may be excluded.",
        }],
        arity: -3,
        categories: Categories::STREAM,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            ArgSpec::block(
                "filters",
                &[
                    ArgSpec::integer("min-idle-time")
                        .token("IDLE")
                        .since("6.2.0")
                        .optional(),
                    ArgSpec::string("start"),
                    ArgSpec::string("end"),
                    ArgSpec::integer("count"),
                    ArgSpec::string("consumer").optional(),
                ],
            )
            .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(xpending),
};

fn xack(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let name = request.arg(2).unwrap_or_default();
    let key = ctx.key(0)?;
    // Counts as a look at the value, as a hit or a miss.
    let _ = ctx.lookup(key);
    let mut writer = ctx.write(key);
    let stream = writer.view::<StreamRef<'_>>()?;
    if stream.is_none_or(|stream| stream.group(name).is_none()) {
        reply.int(0);
        return Ok(());
    }
    let ids = exact_ids(request, 3)?;
    let gone = with_group(&mut writer, name, |mut group| {
        ids.iter().filter(|id| group.remove_pending(**id)).count()
    });
    let gone = gone.unwrap_or(0);
    reply.int(number(gone));
    if gone > 0 {
        writer.commit(&[]);
    } else {
        writer.unchanged();
    }
    Ok(())
}

/// Which pending entries are asked for.
struct Filter<'r> {
    start: StreamId,
    end: StreamId,
    count: u64,
    min_idle_ms: i64,
    consumer: Option<&'r [u8]>,
}

impl<'r> Filter<'r> {
    /// `None` if a summary is asked for.
    fn parse(request: Request<'r>) -> Result<Option<Self>, Error> {
        let words = request.len();
        if words == 3 {
            return Ok(None);
        }
        if !(6..=9).contains(&words) {
            return Err(Error::SYNTAX);
        }
        let word = |at: usize| request.arg(at).unwrap_or_default();
        let (mut at, mut min_idle_ms) = (3, 0);
        if is(word(3), "IDLE") {
            min_idle_ms = integer(word(4))?;
            if words < 8 {
                return Err(Error::SYNTAX);
            }
            at = 5;
        }
        let count = count(word(at + 2))?;
        Ok(Some(Self {
            start: range_start(word(at))?,
            end: range_end(word(at + 1))?,
            count,
            min_idle_ms,
            consumer: request.arg(at + 3),
        }))
    }
}

fn xpending(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let filter = Filter::parse(request)?;
    let (key, name) = (ctx.key(0)?, request.arg(2).unwrap_or_default());
    let now_ms = ctx.now_ms();
    let stream = ctx.view::<StreamRef<'_>>(key)?;
    let group = stream.and_then(|stream| stream.stream().group(name));
    let group = group.ok_or_else(|| no_key_or_group(key.bytes(), name))?;
    match filter {
        None => summary(group, reply),
        Some(filter) => list(group, &filter, now_ms, reply),
    }
    Ok(())
}

fn summary(group: &StreamGroup, reply: &mut ReplyBuf) {
    reply.array(4);
    reply.int(number(group.pending_count()));
    let Some((first, last)) = group.pending_bounds() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    put_id(reply, first);
    put_id(reply, last);
    let array = reply.deferred_array();
    let mut told = 0;
    for (_, consumer) in group.consumers().filter(|(_, c)| c.pending_count() > 0) {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk_int(number(consumer.pending_count()));
        told += 1;
    }
    reply.finish(array, told);
}

fn list(group: &StreamGroup, filter: &Filter<'_>, now_ms: i64, reply: &mut ReplyBuf) {
    let array = reply.deferred_array();
    let mut told = 0;
    let mut tell = |pending: Pending| {
        let idle_ms = now_ms.saturating_sub(pending.delivered_ms);
        if filter.min_idle_ms != 0 && idle_ms < filter.min_idle_ms {
            return false;
        }
        reply.array(4);
        put_id(reply, pending.id);
        reply.bulk(
            group
                .consumer(pending.consumer)
                .map_or(&[][..], |c| c.name()),
        );
        reply.int(idle_ms.max(0));
        reply.int(number(pending.deliveries));
        told += 1;
        true
    };
    let most = usize::try_from(filter.count).unwrap_or(usize::MAX);
    let in_range = |id: &StreamId| *id <= filter.end;
    match filter.consumer {
        None => {
            let all = group
                .pending_from(filter.start)
                .take_while(|p| in_range(&p.id));
            all.filter(|pending| tell(*pending))
                .take(most)
                .for_each(drop);
        }
        Some(name) => {
            let consumer = group.find_consumer(name).and_then(|id| group.consumer(id));
            let ids = consumer
                .into_iter()
                .flat_map(|c| c.pending_from(filter.start));
            let all = ids.take_while(in_range).filter_map(|id| group.pending(id));
            all.filter(|pending| tell(*pending))
                .take(most)
                .for_each(drop);
        }
    }
    reply.finish(array, told);
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn what_is_pending_is_told_until_it_is_acknowledged() {
        let mut kit = Kit::new();
        for n in 1..=4 {
            kit.run(&alloc::format!("XADD s {n} f v"));
        }
        kit.run("XGROUP CREATE s g 0");
        assert_eq!(
            kit.run("XPENDING s g"),
            "[(integer) 0, (nil), (nil), (nil)]"
        );
        kit.run("XREADGROUP GROUP g b COUNT 2 STREAMS s >");
        kit.sleep_ms(50);
        kit.run("XREADGROUP GROUP g a COUNT 1 STREAMS s >");
        assert_eq!(
            kit.run("XPENDING s g"),
            "[(integer) 3, \"1-0\", \"3-0\", [[\"a\", \"1\"], [\"b\", \"2\"]]]"
        );
        let (one, two, three) = (
            "[\"1-0\", \"b\", (integer) 50, (integer) 1]",
            "[\"2-0\", \"b\", (integer) 50, (integer) 1]",
            "[\"3-0\", \"a\", (integer) 0, (integer) 1]",
        );
        let all = |parts: &[&str]| alloc::format!("[{}]", parts.join(", "));
        assert_eq!(kit.run("XPENDING s g - + 10"), all(&[one, two, three]));
        assert_eq!(kit.run("XPENDING s g - + 1"), all(&[one]));
        assert_eq!(kit.run("XPENDING s g (1 + 10"), all(&[two, three]));
        assert_eq!(kit.run("XPENDING s g - (3 10 b"), all(&[one, two]));
        assert_eq!(kit.run("XPENDING s g IDLE 10 - + 10"), all(&[one, two]));
        assert_eq!(kit.run("XPENDING s g IDLE 10 - + 1 b"), all(&[one]));
        assert_eq!(kit.run("XPENDING s g - + 10 none"), "[]");
        assert_eq!(kit.run("XPENDING s g - + 0"), "[]");
        assert_eq!(kit.run("XACK s g 1 3 9"), "(integer) 2");
        assert_eq!(kit.run("XACK s g 1"), "(integer) 0");
        assert_eq!(kit.run("XACK s none x"), "(integer) 0");
        assert_eq!(kit.run("XACK none g 1"), "(integer) 0");
        assert_eq!(kit.run("XPENDING s g - + 10"), all(&[two]));
        for (line, text) in [
            ("XACK s g 2 x", "Invalid stream ID"),
            ("XPENDING s g -", "syntax error"),
            ("XPENDING s g IDLE 5 - +", "syntax error"),
            ("XPENDING s g IDLE x - + 5", "not an integer"),
            ("XPENDING s g - + x", "not an integer"),
            ("XPENDING s g x + 5", "Invalid stream ID"),
            (
                "XPENDING s none",
                "NOGROUP No such key 's' or consumer group 'none'",
            ),
            (
                "XPENDING none g",
                "NOGROUP No such key 'none' or consumer group 'g'",
            ),
        ] {
            assert!(kit.run(line).contains(text), "{line}: {}", kit.run(line));
        }
    }
}
