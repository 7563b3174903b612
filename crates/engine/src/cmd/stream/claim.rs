//! XCLAIM: what is pending of a consumer that does not come back goes to another. XAUTOCLAIM uses
//! the same [`Claimer`].

use alloc::{boxed::Box, vec::Vec};

use vk_data::stream::{ConsumerId, GroupMut, Pending, StreamId, StreamRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{
    effects::{Claimed, News, Target},
    exact_id, is, no_key_or_group, put_entry, put_id, text, with_group,
};
use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    ctx::{Origin, WriteCtx, Writer},
};

pub(super) const XCLAIM: Command = Command {
    spec: CommandSpec {
        name: "xclaim",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Gives pending entries of a group to another consumer.",
        complexity: "O(log N) for each entry, with N pending ones.",
        arity: -6,
        flags: Flags::FAST,
        categories: Categories::STREAM,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            ArgSpec::string("consumer"),
            ArgSpec::string("min-idle-time"),
            ArgSpec::string("ID").multiple(),
            ArgSpec::integer("ms").token("IDLE").optional(),
            ArgSpec::unix_time("unix-time-milliseconds")
                .token("TIME")
                .optional(),
            ArgSpec::integer("count").token("RETRYCOUNT").optional(),
            ArgSpec::pure_token("force", "FORCE").optional(),
            ArgSpec::pure_token("justid", "JUSTID").optional(),
            ArgSpec::string("lastid").token("LASTID").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(xclaim),
};

/// The options of XCLAIM.
struct ClaimArgs {
    min_idle_ms: i64,
    ids: Vec<StreamId>,
    /// IDLE or TIME, as a Unix time.
    delivered_ms: Option<i64>,
    deliveries: Option<u64>,
    force: bool,
    just_id: bool,
    last_id: StreamId,
}

impl ClaimArgs {
    fn parse(request: Request<'_>, now_ms: i64) -> Result<Self, Error> {
        let parse = |word: &[u8], error| vk_data::num::parse_i64(word).ok_or(error);
        let min_idle_ms = parse(request.arg(4).unwrap_or_default(), Error::XCLAIM_MIN_IDLE)?;
        let rest = request.skip(5);
        let ids: Vec<StreamId> = rest.iter().map_while(|word| exact_id(word).ok()).collect();
        let options = rest.skip(ids.len());
        let mut args = Self {
            min_idle_ms: min_idle_ms.max(0),
            ids,
            delivered_ms: None,
            deliveries: None,
            force: false,
            just_id: false,
            last_id: StreamId::MIN,
        };
        let mut words = options.iter();
        while let Some(word) = words.next() {
            if is(word, "FORCE") {
                args.force = true;
                continue;
            }
            if is(word, "JUSTID") {
                args.just_id = true;
                continue;
            }
            let unknown = || {
                let word = text(word);
                Error::told(format_args!("ERR Unrecognized XCLAIM option '{word}'"))
            };
            let value = words.next().ok_or_else(unknown)?;
            if is(word, "IDLE") {
                let idle_ms = parse(value, Error::XCLAIM_IDLE)?;
                args.delivered_ms = Some(now_ms.wrapping_sub(idle_ms));
            } else if is(word, "TIME") {
                args.delivered_ms = Some(parse(value, Error::XCLAIM_TIME)?);
            } else if is(word, "RETRYCOUNT") {
                let count = parse(value, Error::XCLAIM_RETRYCOUNT)?;
                args.deliveries = u64::try_from(count).ok();
            } else if is(word, "LASTID") {
                args.last_id = exact_id(value)?;
            } else {
                return Err(unknown());
            }
        }
        // -1 is the same as nothing.
        args.delivered_ms = args.delivered_ms.filter(|ms| *ms != -1);
        Ok(args)
    }
}

/// Moves pending entries of one group to one consumer.
pub(super) struct Claimer {
    pub(super) consumer: ConsumerId,
    pub(super) now_ms: i64,
    /// The time of delivery to set.
    pub(super) delivered_ms: i64,
    pub(super) deliveries: Option<u64>,
    pub(super) min_idle_ms: i64,
    pub(super) just_id: bool,
    pub(super) wants_effects: bool,
    pub(super) news: News,
}

impl Claimer {
    pub(super) fn is_idle(&self, pending: &Pending) -> bool {
        let idle_ms = self.now_ms.wrapping_sub(pending.delivered_ms);
        self.min_idle_ms == 0 || idle_ms >= self.min_idle_ms
    }

    /// The entry is deleted: nobody can do anything about it any more.
    pub(super) fn give_up(&mut self, group: &mut GroupMut<'_>, pending: Pending) {
        if self.wants_effects {
            let owner = group
                .consumer(pending.consumer)
                .map(|owner| owner.name().into());
            self.note(group, pending, owner);
        }
        group.remove_pending(pending.id);
        self.news.changed = true;
        self.news.advanced = None;
    }

    pub(super) fn claim(
        &mut self,
        group: &mut GroupMut<'_>,
        before: Pending,
        reply: &mut ReplyBuf,
    ) {
        let pending = Pending {
            id: before.id,
            delivered_ms: self.delivered_ms,
            deliveries: match self.deliveries {
                Some(deliveries) => deliveries,
                None if self.just_id => before.deliveries,
                None => before.deliveries.wrapping_add(1),
            },
            consumer: self.consumer,
        };
        group.set_pending(pending);
        if self.wants_effects {
            self.note(group, pending, None);
        }
        match group.entries().get(before.id) {
            Some(entry) if !self.just_id => put_entry(reply, &entry),
            _ => put_id(reply, before.id),
        }
        group.set_times(self.consumer, self.now_ms, Some(self.now_ms));
        self.news.changed = true;
        self.news.advanced = None;
    }

    fn note(&mut self, group: &GroupMut<'_>, pending: Pending, owner: Option<Box<[u8]>>) {
        self.news.claimed.push(Claimed {
            pending,
            owner,
            last_id: group.last_id,
        });
    }
}

fn xclaim(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (key, target) = target(ctx, request)?;
    let (now_ms, wants_effects, replays) = (
        ctx.now_ms(),
        ctx.wants_effects(),
        ctx.origin == Origin::Replay,
    );
    let mut writer = ctx.write(key);
    check(&writer, target)?;
    let args = ClaimArgs::parse(request, now_ms)?;
    let name = request.arg(3).unwrap_or_default();
    let delivered_ms = match args.delivered_ms {
        // What is replayed is what it is, whatever the clock says.
        Some(ms) if replays || (0..=now_ms).contains(&ms) => ms,
        _ => now_ms,
    };
    let now_ms = if replays { delivered_ms } else { now_ms };
    let news = with_group(&mut writer, target.group, |mut group| {
        let (consumer, created) = group.add_consumer(name, now_ms)?;
        group.set_times(consumer, now_ms, None);
        let mut claimer = Claimer {
            consumer,
            now_ms,
            delivered_ms,
            deliveries: args.deliveries,
            min_idle_ms: args.min_idle_ms,
            just_id: args.just_id,
            wants_effects,
            news: News {
                created,
                ..News::default()
            },
        };
        if args.last_id > group.last_id {
            group.last_id = args.last_id;
            claimer.news.changed = true;
            claimer.news.advanced = Some((group.last_id, group.entries_read));
        }
        let array = reply.deferred_array();
        let told = claim_ids(&mut claimer, &mut group, &args, reply);
        reply.finish(array, told);
        Some(claimer.news)
    });
    let news = news.flatten().unwrap_or_default();
    news.commit(writer);
    news.hand_on(ctx, target, name);
    Ok(())
}

/// Claims the entries that are named; returns how many were told.
fn claim_ids(
    claimer: &mut Claimer,
    group: &mut GroupMut<'_>,
    args: &ClaimArgs,
    reply: &mut ReplyBuf,
) -> usize {
    let mut told = 0;
    for id in &args.ids {
        let pending = group.pending(*id);
        if group.entries().get(*id).is_none() {
            if let Some(pending) = pending {
                claimer.give_up(group, pending);
            }
            continue;
        }
        let forced = Pending {
            id: *id,
            delivered_ms: claimer.now_ms,
            deliveries: 1,
            consumer: claimer.consumer,
        };
        let before = match pending {
            Some(pending) => Some(pending).filter(|pending| claimer.is_idle(pending)),
            None => args.force.then_some(forced),
        };
        if let Some(before) = before {
            claimer.claim(group, before, reply);
            told += 1;
        }
    }
    told
}

/// The key, and what effects name.
pub(super) fn target<'k, 'c: 'k>(
    ctx: &WriteCtx<'c>,
    request: Request<'k>,
) -> Result<(KeyRef<'k>, Target<'k>), Error> {
    let key = ctx.key(0)?;
    let group = request.arg(2).unwrap_or_default();
    let target = Target {
        key: key.bytes(),
        group,
    };
    Ok((key, target))
}

/// The key and the group must be there.
pub(super) fn check(writer: &Writer<'_>, target: Target<'_>) -> Result<(), Error> {
    let stream = writer.view::<StreamRef<'_>>()?;
    if stream.is_none_or(|stream| stream.group(target.group).is_none()) {
        return Err(no_key_or_group(target.key, target.group));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        cmd::string::effects_of,
        testkit::{Kit, START_MS},
    };

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
    fn xclaim_moves_what_is_idle() {
        let mut kit = filled();
        assert_eq!(kit.run("XCLAIM s g b 200 1"), "[]");
        assert_eq!(
            kit.run("XCLAIM s g b 100 1 9"),
            "[[\"1-0\", [\"f\", \"v\"]]]"
        );
        assert_eq!(kit.run("XCLAIM s g b 0 1 2 JUSTID"), "[\"1-0\", \"2-0\"]");
        let told = kit.run("XPENDING s g - + 9");
        assert!(
            told.contains("[\"1-0\", \"b\", (integer) 0, (integer) 2]"),
            "{told}"
        );
        assert!(
            told.contains("[\"2-0\", \"b\", (integer) 0, (integer) 1]"),
            "{told}"
        );
        kit.run("XCLAIM s g b 0 1 IDLE 500 RETRYCOUNT 7");
        kit.run("XCLAIM s g b 0 2 TIME 1000");
        kit.run("XCLAIM s g b 0 4 FORCE");
        let told = kit.run("XPENDING s g - + 9");
        assert!(
            told.contains("[\"1-0\", \"b\", (integer) 500, (integer) 7]"),
            "{told}"
        );
        assert!(
            told.contains("[\"4-0\", \"b\", (integer) 0, (integer) 2]"),
            "{told}"
        );
        assert!(told.contains(&alloc::format!(
            "(integer) {}, (integer) 2",
            START_MS + 100 - 1000
        )));
        kit.run("XDEL s 2");
        assert_eq!(kit.run("XCLAIM s g c 0 2"), "[]");
        assert!(!kit.run("XPENDING s g - + 9").contains("2-0"));
        assert_eq!(kit.run("XCLAIM s g c 0 9 LASTID 9"), "[]");
        assert!(
            kit.run("XINFO GROUPS s")
                .contains("\"last-delivered-id\", \"9-0\"")
        );
        for (line, text) in [
            (
                "XCLAIM s g c x 1",
                "Invalid min-idle-time argument for XCLAIM",
            ),
            (
                "XCLAIM s g c 0 1 IDLE x",
                "Invalid IDLE option argument for XCLAIM",
            ),
            (
                "XCLAIM s g c 0 1 TIME x",
                "Invalid TIME option argument for XCLAIM",
            ),
            (
                "XCLAIM s g c 0 1 RETRYCOUNT x",
                "Invalid RETRYCOUNT option argument for XCLAIM",
            ),
            ("XCLAIM s g c 0 1 LASTID x", "Invalid stream ID"),
            ("XCLAIM s g c 0 1 FOO 5", "Unrecognized XCLAIM option 'FOO'"),
            ("XCLAIM s g c 0 1 IDLE", "Unrecognized XCLAIM option 'IDLE'"),
            (
                "XCLAIM s none c 0 1",
                "NOGROUP No such key 's' or consumer group 'none'",
            ),
            ("XCLAIM none g c 0 1", "NOGROUP"),
        ] {
            assert!(kit.run(line).contains(text), "{line}: {}", kit.run(line));
        }
    }

    #[test]
    fn effects_have_absolute_times() {
        let mut kit = filled();
        let now = START_MS + 100;
        let claim = |who: &str, id: u32, time: i64, count: u32| {
            alloc::format!(
                "XCLAIM s g {who} 0 {id}-0 TIME {time} RETRYCOUNT {count} FORCE JUSTID LASTID 3-0"
            )
        };
        assert_eq!(
            effects_of(&mut kit, "XCLAIM s g b 0 1 IDLE 7"),
            alloc::format!("XGROUP CREATECONSUMER s g b; {}", claim("b", 1, now - 7, 2))
        );
        kit.run("XDEL s 2");
        assert_eq!(
            effects_of(&mut kit, "XAUTOCLAIM s g b 0 0"),
            [
                claim("b", 1, now, 3),
                claim("a", 2, START_MS, 1),
                claim("b", 3, now, 2)
            ]
            .join("; ")
        );
        assert_eq!(effects_of(&mut kit, "XAUTOCLAIM s g b 999 0"), "");
        assert_eq!(
            effects_of(&mut kit, "XCLAIM s g b 999 1 LASTID 3-5"),
            "XGROUP SETID s g 3-5 ENTRIESREAD 3"
        );
        assert_eq!(effects_of(&mut kit, "XCLAIM s g b 999 1"), "");
    }
}
