//! XINFO: what is known of a stream, its groups and their consumers.

use vk_data::stream::{Consumer, Group as StreamGroup, Stream, StreamId, StreamRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{integer, is, no_group, number, put_entry, put_id};
use crate::{
    Error,
    cmd::{
        Command, Run,
        help::{bad_subcommand, help},
    },
    ctx::ReadCtx,
};

pub(super) const XINFO: Command = Command {
    spec: CommandSpec {
        name: "xinfo",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells what is known of streams.",
        complexity: "Depends on the subcommand.",
        arity: -2,
        ..CommandSpec::NEW
    },
    run: Run::Container(&[XINFO_CONSUMERS, XINFO_GROUPS, XINFO_HELP, XINFO_STREAM]),
};

const XINFO_CONSUMERS: Command = Command {
    spec: CommandSpec {
        name: "consumers",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells what is known of the consumers of a group.",
        complexity: "O(N) for N consumers.",
        history: &[History {
            version: "7.2.0",
            change: "`inactive` came.",
        }],
        arity: 4,
        categories: Categories::STREAM,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("group")],
        ..CommandSpec::NEW
    },
    run: Run::Read(consumers),
};

const XINFO_GROUPS: Command = Command {
    spec: CommandSpec {
        name: "groups",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells what is known of the groups of a stream.",
        complexity: "O(N) for N groups.",
        history: &[History {
            version: "7.0.0",
            change: "`entries-read` and `lag` came.",
        }],
        arity: 3,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(groups),
};

const XINFO_HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells about the subcommands.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        categories: Categories::STREAM,
        ..CommandSpec::NEW
    },
    run: Run::Session(help),
};

const XINFO_STREAM: Command = Command {
    spec: CommandSpec {
        name: "stream",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells what is known of a stream.",
        complexity: "O(1), with FULL O(N) for what is told.",
        history: &[
            History {
                version: "6.0.0",
                change: "The option `FULL` came.",
            },
            History {
                version: "7.0.0",
                change: "The ids and counts of deleted entries came, and the lag of groups.",
            },
            History {
                version: "7.2.0",
                change: "`active-time` came; `seen-time` means every attempt.",
            },
        ],
        arity: -3,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::block(
                "full-block",
                &[
                    ArgSpec::pure_token("full", "FULL"),
                    ArgSpec::integer("count").token("COUNT").optional(),
                ],
            )
            .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(stream),
};

/// Entries and pending entries that FULL tells, unless it is said.
const COUNT_DEFAULT: usize = 10;

fn consumers(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (key, name) = (ctx.key(0)?, request.arg(3).unwrap_or_default());
    let now_ms = ctx.now_ms();
    let stream = ctx.view::<StreamRef<'_>>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    let group = stream.stream().group(name);
    let group = group.ok_or_else(|| no_group(key.bytes(), name))?;
    reply.array(group.consumer_count());
    for (_, consumer) in group.consumers() {
        let since = |ms: i64| now_ms.wrapping_sub(ms);
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        reply.bulk(b"pending");
        reply.int(number(consumer.pending_count()));
        reply.bulk(b"idle");
        reply.int(since(consumer.seen_ms()).max(0));
        reply.bulk(b"inactive");
        reply.int(consumer.active_ms().map_or(-1, since));
    }
    Ok(())
}

fn groups(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let stream = ctx.view::<StreamRef<'_>>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    reply.array(stream.group_count());
    for group in stream.groups() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(group.name());
        reply.bulk(b"consumers");
        reply.int(number(group.consumer_count()));
        reply.bulk(b"pending");
        reply.int(number(group.pending_count()));
        put_progress(&stream, group, reply);
    }
    Ok(())
}

/// How far a group is: three pairs.
fn put_progress(stream: &Stream, group: &StreamGroup, reply: &mut ReplyBuf) {
    reply.bulk(b"last-delivered-id");
    put_id(reply, group.last_id);
    reply.bulk(b"entries-read");
    match group.entries_read {
        Some(read) => reply.int(number(read)),
        None => reply.null(),
    }
    reply.bulk(b"lag");
    match stream.entries().lag(group) {
        Some(lag) => reply.int(lag),
        None => reply.null(),
    }
}

/// The count of FULL; `None` if it is not FULL, 0 for all.
fn full_count(request: Request<'_>) -> Result<Option<usize>, Error> {
    let unknown = || bad_subcommand("XINFO", request.arg(1).unwrap_or_default());
    let word = |at: usize| request.arg(at).unwrap_or_default();
    match request.len() {
        3 => Ok(None),
        4 | 6 if !is(word(3), "FULL") => Err(unknown()),
        4 => Ok(Some(COUNT_DEFAULT)),
        6 if is(word(4), "COUNT") => {
            let count = integer(word(5))?;
            Ok(Some(usize::try_from(count).unwrap_or(COUNT_DEFAULT)))
        }
        _ => Err(unknown()),
    }
}

fn stream(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let stream = ctx.view::<StreamRef<'_>>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    let full = full_count(request)?;
    reply.map(if full.is_some() { 9 } else { 10 });
    put_facts(&stream, reply);
    match full {
        None => put_ends(&stream, reply),
        Some(0) => put_all(&stream, usize::MAX, reply),
        Some(count) => put_all(&stream, count, reply),
    }
    Ok(())
}

/// What both forms tell: seven pairs.
fn put_facts(stream: &Stream, reply: &mut ReplyBuf) {
    let entries = stream.entries();
    let info = entries.info();
    reply.bulk(b"length");
    reply.int(number(entries.len()));
    // There is no radix tree; a tree of one key has two nodes.
    let nodes = entries.node_count();
    reply.bulk(b"radix-tree-keys");
    reply.int(number(nodes));
    reply.bulk(b"radix-tree-nodes");
    reply.int(number(nodes.saturating_add(1)));
    reply.bulk(b"last-generated-id");
    put_id(reply, info.last_id);
    reply.bulk(b"max-deleted-entry-id");
    put_id(reply, info.max_deleted_id);
    reply.bulk(b"entries-added");
    reply.int(number(info.entries_added));
    reply.bulk(b"recorded-first-entry-id");
    put_id(reply, info.first_id);
}

fn put_ends(stream: &Stream, reply: &mut ReplyBuf) {
    let entries = stream.entries();
    reply.bulk(b"groups");
    reply.int(number(stream.group_count()));
    let first = entries.range(StreamId::MIN, StreamId::MAX).next();
    let ends: [(&[u8], _); 2] = [(b"first-entry", first), (b"last-entry", entries.last())];
    for (name, entry) in ends {
        reply.bulk(name);
        match entry {
            Some(entry) => put_entry(reply, &entry),
            None => reply.null(),
        }
    }
}

fn put_all(stream: &Stream, count: usize, reply: &mut ReplyBuf) {
    reply.bulk(b"entries");
    let array = reply.deferred_array();
    let mut told = 0;
    let entries = stream.entries().range(StreamId::MIN, StreamId::MAX);
    for entry in entries.take(count) {
        put_entry(reply, &entry);
        told += 1;
    }
    reply.finish(array, told);
    reply.bulk(b"groups");
    reply.array(stream.group_count());
    for group in stream.groups() {
        reply.map(7);
        reply.bulk(b"name");
        reply.bulk(group.name());
        put_progress(stream, group, reply);
        put_pending(group, count, reply);
        reply.bulk(b"consumers");
        reply.array(group.consumer_count());
        for (_, consumer) in group.consumers() {
            put_consumer(group, consumer, count, reply);
        }
    }
}

fn put_pending(group: &StreamGroup, count: usize, reply: &mut ReplyBuf) {
    let all = group.pending_count();
    reply.bulk(b"pel-count");
    reply.int(number(all));
    reply.bulk(b"pending");
    reply.array(all.min(count));
    for pending in group.pending_from(StreamId::MIN).take(count) {
        reply.array(4);
        put_id(reply, pending.id);
        reply.bulk(
            group
                .consumer(pending.consumer)
                .map_or(&[][..], Consumer::name),
        );
        reply.int(pending.delivered_ms);
        reply.int(number(pending.deliveries));
    }
}

fn put_consumer(group: &StreamGroup, consumer: &Consumer, count: usize, reply: &mut ReplyBuf) {
    reply.map(5);
    reply.bulk(b"name");
    reply.bulk(consumer.name());
    reply.bulk(b"seen-time");
    reply.int(consumer.seen_ms());
    reply.bulk(b"active-time");
    reply.int(consumer.active_ms().unwrap_or(-1));
    let all = consumer.pending_count();
    reply.bulk(b"pel-count");
    reply.int(number(all));
    reply.bulk(b"pending");
    reply.array(all.min(count));
    let ids = consumer.pending_from(StreamId::MIN);
    for pending in ids.filter_map(|id| group.pending(id)).take(count) {
        reply.array(3);
        put_id(reply, pending.id);
        reply.int(pending.delivered_ms);
        reply.int(number(pending.deliveries));
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::{Kit, START_MS};

    fn filled() -> Kit {
        let mut kit = Kit::new();
        kit.run("XADD s 1-1 f v");
        kit.run("XADD s 2-0 f v");
        kit.run("XADD s 3-0 f v");
        kit.run("XDEL s 2-0");
        kit.run("XGROUP CREATE s g 0");
        kit.run("XGROUP CREATECONSUMER s g idle");
        kit.sleep_ms(5);
        kit.run("XREADGROUP GROUP g c COUNT 1 STREAMS s >");
        kit
    }

    #[test]
    fn tells_what_is_known() {
        let mut kit = filled();
        let (first, last) = ("[\"1-1\", [\"f\", \"v\"]]", "[\"3-0\", [\"f\", \"v\"]]");
        let facts = "\"length\", (integer) 2, \"radix-tree-keys\", (integer) 1, \
                     \"radix-tree-nodes\", (integer) 2, \"last-generated-id\", \"3-0\", \
                     \"max-deleted-entry-id\", \"2-0\", \"entries-added\", (integer) 3, \
                     \"recorded-first-entry-id\", \"1-1\"";
        assert_eq!(
            kit.run("XINFO STREAM s"),
            alloc::format!(
                "[{facts}, \"groups\", (integer) 1, \"first-entry\", {first}, \
                 \"last-entry\", {last}]"
            )
        );
        let then = START_MS + 5;
        let group = alloc::format!(
            "[\"name\", \"g\", \"last-delivered-id\", \"1-1\", \"entries-read\", (nil), \
             \"lag\", (nil), \"pel-count\", (integer) 1, \"pending\", \
             [[\"1-1\", \"c\", (integer) {then}, (integer) 1]], \"consumers\", \
             [[\"name\", \"c\", \"seen-time\", (integer) {then}, \"active-time\", \
             (integer) {then}, \"pel-count\", (integer) 1, \"pending\", \
             [[\"1-1\", (integer) {then}, (integer) 1]]], \
             [\"name\", \"idle\", \"seen-time\", (integer) {START_MS}, \"active-time\", \
             (integer) -1, \"pel-count\", (integer) 0, \"pending\", []]]]"
        );
        assert_eq!(
            kit.run("XINFO STREAM s FULL"),
            alloc::format!("[{facts}, \"entries\", [{first}, {last}], \"groups\", [{group}]]")
        );
        assert!(
            kit.run("XINFO STREAM s FULL COUNT 1")
                .contains(&alloc::format!("[{first}], \"groups\""))
        );
    }

    #[test]
    fn tells_of_groups_and_consumers() {
        let mut kit = filled();
        assert_eq!(
            kit.run("XINFO GROUPS s"),
            "[[\"name\", \"g\", \"consumers\", (integer) 2, \"pending\", (integer) 1, \
             \"last-delivered-id\", \"1-1\", \"entries-read\", (nil), \"lag\", (nil)]]"
        );
        kit.sleep_ms(5);
        assert_eq!(
            kit.run("XINFO CONSUMERS s g"),
            "[[\"name\", \"c\", \"pending\", (integer) 1, \"idle\", (integer) 5, \
             \"inactive\", (integer) 5], \
             [\"name\", \"idle\", \"pending\", (integer) 0, \"idle\", (integer) 10, \
             \"inactive\", (integer) -1]]"
        );
        kit.run("HELLO 3");
        assert!(
            kit.run("XINFO STREAM s")
                .starts_with("{\"length\": (integer) 2")
        );
        for (line, text) in [
            ("XINFO STREAM none", "no such key"),
            (
                "XINFO STREAM s FOO",
                "unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
            ),
            ("XINFO STREAM s FULL COUNT", "for 'STREAM'. Try XINFO HELP."),
            ("XINFO STREAM s FULL COUNT x", "not an integer"),
            (
                "XINFO CONSUMERS s none",
                "NOGROUP No such consumer group 'none' for key name 's'",
            ),
            ("XINFO GROUPS none", "no such key"),
            ("XINFO FOO s", "unknown subcommand 'FOO'. Try XINFO HELP."),
        ] {
            assert!(kit.run(line).contains(text), "{line}: {}", kit.run(line));
        }
    }
}
