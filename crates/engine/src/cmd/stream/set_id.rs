//! XSETID: what a stream remembers of entries that are gone, for replication and for copies.

use vk_data::stream::{StreamId, StreamRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{exact_id, integer, is, with_stream};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const XSETID: Command = Command {
    spec: CommandSpec {
        name: "xsetid",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Sets what a stream remembers of its ids; for replication.",
        complexity: "O(1)",
        history: &[History {
            version: "7.0.0",
            change: "The options `ENTRIESADDED` and `MAXDELETEDID` came.",
        }],
        arity: -3,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STREAM,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("last-id"),
            ArgSpec::integer("entries-added")
                .token("ENTRIESADDED")
                .since("7.0.0")
                .optional(),
            ArgSpec::string("max-deleted-id")
                .token("MAXDELETEDID")
                .since("7.0.0")
                .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(xsetid),
};

struct Args {
    last_id: StreamId,
    entries_added: Option<u64>,
    max_deleted_id: StreamId,
}

impl Args {
    fn parse(request: Request<'_>) -> Result<Self, Error> {
        let mut args = Self {
            last_id: exact_id(request.arg(2).unwrap_or_default())?,
            entries_added: None,
            max_deleted_id: StreamId::MIN,
        };
        let rest = request.skip(3);
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let value = words.next().ok_or(Error::SYNTAX)?;
            if is(word, "ENTRIESADDED") {
                let added = u64::try_from(integer(value)?);
                args.entries_added = Some(added.map_err(|_| Error::XSETID_ADDED_NEGATIVE)?);
            } else if is(word, "MAXDELETEDID") {
                args.max_deleted_id = exact_id(value)?;
                if args.last_id < args.max_deleted_id {
                    return Err(Error::XSETID_BELOW_GIVEN_DELETED);
                }
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(args)
    }
}

fn xsetid(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let args = Args::parse(request)?;
    let mut writer = ctx.write(ctx.key(0)?);
    let stream = writer.view::<StreamRef<'_>>()?.ok_or(Error::NO_SUCH_KEY)?;
    let entries = stream.entries();
    let mut info = entries.info();
    if args.last_id < info.max_deleted_id {
        return Err(Error::XSETID_BELOW_DELETED);
    }
    if let Some(last) = entries.last() {
        if args.last_id < last.id() {
            return Err(Error::XSETID_BELOW_LAST);
        }
        if args
            .entries_added
            .is_some_and(|added| added < entries.len())
        {
            return Err(Error::XSETID_BELOW_LEN);
        }
    }
    info.last_id = args.last_id;
    info.entries_added = args.entries_added.unwrap_or(info.entries_added);
    if !args.max_deleted_id.is_zero() {
        info.max_deleted_id = args.max_deleted_id;
    }
    with_stream(&mut writer, |stream| stream.entries_mut().set_info(info));
    writer.commit(&[(EventFlags::STREAM, "xsetid")]);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn sets_what_is_remembered() {
        let mut kit = Kit::new();
        kit.run("XADD s 5-0 f v");
        kit.run("XADD s 6-0 f v");
        assert_eq!(
            kit.run("XSETID s 7-1 ENTRIESADDED 9 MAXDELETEDID 4-0"),
            "OK"
        );
        let info = kit.run("XINFO STREAM s");
        for part in [
            "\"last-generated-id\", \"7-1\"",
            "\"max-deleted-entry-id\", \"4-0\"",
            "\"entries-added\", (integer) 9",
        ] {
            assert!(info.contains(part), "{info}");
        }
        for (line, text) in [
            ("XSETID s 5", "smaller than the target stream top item"),
            ("XSETID s 3", "smaller than current max_deleted_entry_id"),
            (
                "XSETID s 9 MAXDELETEDID 10",
                "smaller than the provided max_deleted_entry_id",
            ),
            (
                "XSETID s 9 ENTRIESADDED 1",
                "smaller than the target stream length",
            ),
            (
                "XSETID s 9 ENTRIESADDED -1",
                "entries_added must be positive",
            ),
            ("XSETID s 9 ENTRIESADDED", "syntax error"),
            ("XSETID s 9 FOO 1", "syntax error"),
            ("XSETID s x", "Invalid stream ID"),
            ("XSETID none 1", "no such key"),
        ] {
            assert!(kit.run(line).contains(text), "{line}");
        }
    }
}
