//! XREADGROUP: a consumer gets what nobody of its group has got yet, or again what is pending of
//! it.

use smallvec::SmallVec;
use vk_data::{
    stream::{ConsumerId, GroupMut, Pending, StreamId, StreamRef},
    value::ValueType,
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Begin, Categories, CommandSpec, Find, Flags, Group, KeyFlags, KeySpec};

use super::{
    effects::{Claimed, News, Target},
    exact_id, put_entry, put_id,
    read::{Args, Streams},
    text, with_group,
};
use crate::{
    Error,
    access::KeyRef,
    blocking::Block,
    cmd::{Command, Run},
    ctx::{ReadCtx, WriteCtx},
};

pub(super) const XREADGROUP: Command = Command {
    spec: CommandSpec {
        name: "xreadgroup",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Delivers entries of streams to a consumer of a group, and may wait for them.",
        complexity: "O(N) for N delivered entries, for each stream.",
        arity: -7,
        flags: Flags::BLOCKING,
        categories: Categories::STREAM,
        keys: &[KeySpec {
            begin: Begin::Keyword("STREAMS", 4),
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 2,
            },
            flags: KeyFlags::RO.union(KeyFlags::ACCESS),
            notes: "",
        }],
        args: &[
            ArgSpec::block(
                "group-block",
                &[ArgSpec::string("group"), ArgSpec::string("consumer")],
            )
            .token("GROUP"),
            ArgSpec::integer("count").token("COUNT").optional(),
            ArgSpec::integer("milliseconds").token("BLOCK").optional(),
            ArgSpec::pure_token("noack", "NOACK").optional(),
            ArgSpec::block(
                "streams",
                &[
                    ArgSpec::key("key", 0).multiple(),
                    ArgSpec::string("ID").multiple(),
                ],
            )
            .token("STREAMS"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(xreadgroup),
};

/// What a consumer asks for.
#[derive(Debug, Clone, Copy)]
enum From {
    /// `>`: what the group has not read.
    New,
    /// Of its own pending entries those behind this id.
    Pending(StreamId),
}

type AllWanted<'k> = SmallVec<[(KeyRef<'k>, From); 4]>;

fn xreadgroup(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let args = Args::parse(ctx, request, true)?;
    let (group, consumer) = args.group.ok_or(Error::XREADGROUP_NO_GROUP)?;
    let mut wanted = AllWanted::new();
    for at in 0..args.streams {
        let (key, word) = args.stream(ctx, request, at)?;
        wanted.push((key, check(ctx, key, group, word)?));
    }
    let mut streams = Streams::default();
    for (key, from) in &wanted {
        let mut reader = Reader {
            args: &args,
            now_ms: ctx.now_ms(),
            wants_effects: ctx.wants_effects(),
            news: News::default(),
        };
        let mut writer = ctx.write(key.for_delivery());
        with_group(&mut writer, group, |opened| {
            reader.read(opened, consumer, (key, *from), &mut streams, reply);
        });
        let news = reader.news;
        news.commit(writer);
        let target = Target {
            key: key.bytes(),
            group,
        };
        news.hand_on(ctx, target, consumer);
    }
    if streams.end(reply) {
        return Ok(());
    }
    let Some(timeout) = args.wait else {
        reply.null_array();
        return Ok(());
    };
    let keys: SmallVec<[KeyRef<'_>; 4]> = wanted.iter().map(|(key, _)| *key).collect();
    let block = Block {
        keys: &keys,
        serves: ValueType::Stream,
        timeout,
        request: None,
        ends_with_key: true,
    };
    ctx.block(block, reply);
    Ok(())
}

/// Checks one stream before anything is changed.
fn check(ctx: &mut ReadCtx<'_>, key: KeyRef<'_>, group: &[u8], word: &[u8]) -> Result<From, Error> {
    let stream = ctx.view::<StreamRef<'_>>(key)?;
    if stream.is_none_or(|stream| stream.group(group).is_none()) {
        let (key, group) = (text(key.bytes()), text(group));
        return Err(Error::told(format_args!(
            "NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with \
             GROUP option"
        )));
    }
    match word {
        b">" => Ok(From::New),
        b"$" => Err(Error::XREADGROUP_END),
        b"+" => Err(Error::XREADGROUP_LAST),
        _ => exact_id(word).map(|id| match id {
            // The largest id has nothing behind it; Valkey takes it for `>`.
            StreamId::MAX => From::New,
            id => From::Pending(id),
        }),
    }
}

/// Reads one stream for one consumer.
struct Reader<'r> {
    args: &'r Args<'r>,
    now_ms: i64,
    wants_effects: bool,
    news: News,
}

impl Reader<'_> {
    fn read(
        &mut self,
        mut group: GroupMut<'_>,
        consumer: &[u8],
        (key, from): (&KeyRef<'_>, From),
        streams: &mut Streams,
        reply: &mut ReplyBuf,
    ) {
        let Some((consumer, created)) = group.add_consumer(consumer, self.now_ms) else {
            return;
        };
        self.news.created = created;
        group.set_times(consumer, self.now_ms, None);
        let told = match from {
            From::Pending(after) => {
                streams.begin(reply, key.bytes());
                self.pending(&mut group, consumer, after, reply)
            }
            From::New => {
                let last = group.entries().last().map(|entry| entry.id());
                if last <= Some(group.last_id) {
                    return;
                }
                streams.begin(reply, key.bytes());
                self.fresh(&mut group, consumer, reply)
            }
        };
        self.news.changed |= told > 0;
    }

    /// Delivers what the group has not read.
    fn fresh(
        &mut self,
        group: &mut GroupMut<'_>,
        consumer: ConsumerId,
        reply: &mut ReplyBuf,
    ) -> usize {
        let array = reply.deferred_array();
        let start = group.last_id.next().unwrap_or(StreamId::MAX);
        let mut told = 0;
        let range = group.entries().range(start, StreamId::MAX);
        for entry in range.take(self.args.count) {
            group.advance(entry.id());
            put_entry(reply, &entry);
            told += 1;
            if !self.args.noack {
                self.deliver(
                    group,
                    Pending {
                        id: entry.id(),
                        delivered_ms: self.now_ms,
                        deliveries: 1,
                        consumer,
                    },
                );
            }
        }
        if told > 0 {
            self.news.advanced = Some((group.last_id, group.entries_read));
            if !self.args.noack {
                group.set_times(consumer, self.now_ms, Some(self.now_ms));
            }
        }
        reply.finish(array, told);
        told
    }

    /// Delivers once more what is pending of the consumer.
    fn pending(
        &mut self,
        group: &mut GroupMut<'_>,
        consumer: ConsumerId,
        after: StreamId,
        reply: &mut ReplyBuf,
    ) -> usize {
        let array = reply.deferred_array();
        let (mut told, mut changed, mut next) = (0, 0, after.next());
        while let Some(start) = next.filter(|_| told < self.args.count) {
            let of_consumer = group.consumer(consumer);
            let Some(id) = of_consumer.and_then(|c| c.pending_from(start).next()) else {
                break;
            };
            next = id.next();
            told += 1;
            let Some(entry) = group.entries().get(id) else {
                // The entry was deleted meanwhile.
                reply.array(2);
                put_id(reply, id);
                reply.null_array();
                continue;
            };
            put_entry(reply, &entry);
            if let Some(mut pending) = group.pending(id) {
                pending.delivered_ms = self.now_ms;
                pending.deliveries = pending.deliveries.wrapping_add(1);
                self.deliver(group, pending);
                changed += 1;
            }
        }
        reply.finish(array, told);
        changed
    }

    fn deliver(&mut self, group: &mut GroupMut<'_>, pending: Pending) {
        group.set_pending(pending);
        if self.wants_effects {
            self.news.claimed.push(Claimed {
                pending,
                owner: None,
                last_id: group.last_id,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        cmd::string::effects_of,
        testkit::{Kit, START_MS},
    };

    fn filled() -> Kit {
        let mut kit = Kit::new();
        for n in 1..=3 {
            kit.run(&alloc::format!("XADD s {n} f v{n}"));
        }
        kit.run("XGROUP CREATE s g 0");
        kit
    }

    #[test]
    fn what_is_new_goes_to_one_consumer() {
        let mut kit = filled();
        assert_eq!(
            kit.run("XREADGROUP GROUP g a COUNT 1 STREAMS s >"),
            "[[\"s\", [[\"1-0\", [\"f\", \"v1\"]]]]]"
        );
        assert_eq!(
            kit.run("XREADGROUP GROUP g b STREAMS s >"),
            "[[\"s\", [[\"2-0\", [\"f\", \"v2\"]], [\"3-0\", [\"f\", \"v3\"]]]]]"
        );
        assert_eq!(kit.run("XREADGROUP GROUP g a STREAMS s >"), "(nil)");
        kit.run("XDEL s 2");
        assert_eq!(
            kit.run("XREADGROUP GROUP g b STREAMS s 0"),
            "[[\"s\", [[\"2-0\", (nil)], [\"3-0\", [\"f\", \"v3\"]]]]]"
        );
        assert_eq!(kit.run("XREADGROUP GROUP g b STREAMS s 3"), "[[\"s\", []]]");
        assert!(
            kit.run("XPENDING s g - + 9")
                .contains("[\"3-0\", \"b\", (integer) 0, (integer) 2]")
        );
        for (line, text) in [
            (
                "XREADGROUP GROUP g a STREAMS none >",
                "NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            ("XREADGROUP GROUP no a STREAMS s >", "NOGROUP"),
            (
                "XREADGROUP GROUP g a STREAMS s $",
                "The $ ID is meaningless",
            ),
            (
                "XREADGROUP GROUP g a STREAMS s +",
                "The + ID is meaningless",
            ),
            ("XREADGROUP GROUP g a STREAMS s x", "Invalid stream ID"),
            (
                "XREADGROUP GROUP g a STREAMS s s >",
                "Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>'",
            ),
            (
                "XREADGROUP COUNT 1 NOACK NOACK STREAMS s >",
                "Missing GROUP option for XREADGROUP",
            ),
        ] {
            assert!(kit.run(line).contains(text), "{line}: {}", kit.run(line));
        }
    }

    #[test]
    fn keys_are_found_behind_odd_names() {
        let mut kit = filled();
        kit.run("XGROUP CREATE s streams 0");
        let reply = kit.run("XREADGROUP COUNT 1 GROUP streams STREAMS STREAMS s >");
        assert!(reply.starts_with("[[\"s\", [[\"1-0\""), "{reply}");
    }

    #[test]
    fn waits_until_the_group_goes() {
        let mut kit = filled();
        kit.run("XREADGROUP GROUP g a STREAMS s >");
        let (one, two) = (kit.connect(), kit.connect());
        assert_eq!(
            kit.run_as(one, "XREADGROUP GROUP g a BLOCK 0 STREAMS s >"),
            ""
        );
        assert_eq!(
            kit.run_as(two, "XREADGROUP GROUP g b BLOCK 0 STREAMS s >"),
            ""
        );
        kit.run("XADD s 4 f v4");
        assert_eq!(kit.woken(), "[[\"s\", [[\"4-0\", [\"f\", \"v4\"]]]]]");
        assert!(kit.run("XPENDING s g - + 9 a").contains("4-0"));
        kit.run("XGROUP DESTROY s g");
        assert!(kit.woken().starts_with("(error) NOGROUP"));
        kit.run("XGROUP CREATE s g $");
        assert_eq!(
            kit.run_as(one, "XREADGROUP GROUP g a BLOCK 0 STREAMS s >"),
            ""
        );
        kit.run("DEL s");
        assert!(kit.woken().starts_with("(error) NOGROUP"));
    }

    #[test]
    fn effects_are_told_entry_by_entry() {
        let mut kit = filled();
        let claim = |id: &str, deliveries: u32| {
            alloc::format!(
                "XCLAIM s g a 0 {id} TIME {START_MS} RETRYCOUNT {deliveries} FORCE JUSTID LASTID \
                 2-0"
            )
        };
        assert_eq!(
            effects_of(&mut kit, "XREADGROUP GROUP g a COUNT 2 STREAMS s >"),
            alloc::format!(
                "XGROUP CREATECONSUMER s g a; {}; {}; XGROUP SETID s g 2-0 ENTRIESREAD 2",
                claim("1-0", 1).replace("LASTID 2-0", "LASTID 1-0"),
                claim("2-0", 1)
            )
        );
        assert_eq!(
            effects_of(&mut kit, "XREADGROUP GROUP g a STREAMS s 1"),
            claim("2-0", 2)
        );
        assert_eq!(
            effects_of(&mut kit, "XREADGROUP GROUP g a NOACK STREAMS s >"),
            "XGROUP SETID s g 3-0 ENTRIESREAD 3"
        );
        assert_eq!(effects_of(&mut kit, "XREADGROUP GROUP g a STREAMS s >"), "");
    }
}
