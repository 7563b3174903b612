//! XGROUP: groups and their consumers come and go.

use alloc::boxed::Box;

use vk_data::{
    stream::{Stream, StreamId, StreamRef},
    value::{NewValue, Object},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{bound_id, exact_id, integer, is, no_group, number, with_group, with_stream};
use crate::{
    Error,
    cmd::{
        Command, Run,
        help::{bad_subcommand, help},
    },
    config::EventFlags,
    ctx::{Expire, WriteCtx, Writer},
};

pub(super) const XGROUP: Command = Command {
    spec: CommandSpec {
        name: "xgroup",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Manages the groups of a stream.",
        complexity: "Depends on the subcommand.",
        arity: -2,
        ..CommandSpec::NEW
    },
    run: Run::Container(&[
        XGROUP_CREATE,
        XGROUP_CREATECONSUMER,
        XGROUP_DELCONSUMER,
        XGROUP_DESTROY,
        XGROUP_HELP,
        XGROUP_SETID,
    ]),
};

const XGROUP_CREATE: Command = Command {
    spec: CommandSpec {
        name: "create",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Creates a group.",
        complexity: "O(1)",
        history: &[History {
            version: "7.0.0",
            change: "The option `ENTRIESREAD` came.",
        }],
        arity: -5,
        flags: Flags::DENYOOM,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            ArgSpec::one_of(
                "id-selector",
                &[ArgSpec::string("id"), ArgSpec::pure_token("new-id", "$")],
            ),
            ArgSpec::pure_token("mkstream", "MKSTREAM").optional(),
            ArgSpec::integer("entriesread")
                .token("ENTRIESREAD")
                .display("entries-read")
                .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(create),
};

const XGROUP_CREATECONSUMER: Command = Command {
    spec: CommandSpec {
        name: "createconsumer",
        group: Group::Stream,
        since: "6.2.0",
        summary: "Creates a consumer of a group.",
        complexity: "O(1)",
        arity: 5,
        flags: Flags::DENYOOM,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            ArgSpec::string("consumer"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(create_consumer),
};

const XGROUP_DELCONSUMER: Command = Command {
    spec: CommandSpec {
        name: "delconsumer",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Removes a consumer of a group with what is pending of it.",
        complexity: "O(N) for N pending entries.",
        arity: 5,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            ArgSpec::string("consumer"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(delete_consumer),
};

const XGROUP_DESTROY: Command = Command {
    spec: CommandSpec {
        name: "destroy",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Removes a group.",
        complexity: "O(N) for N pending entries of the group.",
        arity: 4,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("group")],
        ..CommandSpec::NEW
    },
    run: Run::Write(destroy),
};

const XGROUP_HELP: Command = Command {
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

const XGROUP_SETID: Command = Command {
    spec: CommandSpec {
        name: "setid",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Sets up to where a group has read.",
        complexity: "O(1)",
        history: &[History {
            version: "7.0.0",
            change: "The option `ENTRIESREAD` came.",
        }],
        arity: -5,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            ArgSpec::one_of(
                "id-selector",
                &[ArgSpec::string("id"), ArgSpec::pure_token("new-id", "$")],
            ),
            ArgSpec::integer("entriesread")
                .token("ENTRIESREAD")
                .display("entries-read")
                .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(set_id),
};

/// The options of CREATE and SETID.
#[derive(Debug, Default)]
struct Options {
    make_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(request: Request<'_>, creates: bool) -> Result<Self, Error> {
        let mut options = Self::default();
        let rest = request.skip(5);
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            if creates && is(word, "MKSTREAM") {
                options.make_stream = true;
            } else if is(word, "ENTRIESREAD")
                && let Some(value) = words.next()
            {
                let read = integer(value)?;
                if read < -1 {
                    return Err(Error::ENTRIESREAD_NEGATIVE);
                }
                options.entries_read = u64::try_from(read).ok();
            } else {
                return Err(unknown(request));
            }
        }
        Ok(options)
    }
}

fn unknown(request: Request<'_>) -> Error {
    bad_subcommand("XGROUP", request.arg(1).unwrap_or_default())
}

/// The stream whose groups are meant.
fn existing<'w>(writer: &'w Writer<'_>) -> Result<StreamRef<'w>, Error> {
    writer.view::<StreamRef<'_>>()?.ok_or(Error::XGROUP_NO_KEY)
}

fn create(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let options = Options::parse(request, true)?;
    let name = request.arg(3).unwrap_or_default();
    let mut writer = ctx.write(ctx.key(0)?);
    let stream = writer.view::<StreamRef<'_>>()?;
    if stream.is_none() && !options.make_stream {
        return Err(Error::XGROUP_NO_KEY);
    }
    if request.len() > 8 {
        return Err(unknown(request));
    }
    let last_id = match request.arg(4).unwrap_or_default() {
        b"$" => stream.map_or(StreamId::MIN, |stream| stream.entries().info().last_id),
        word => exact_id(word)?,
    };
    match stream {
        Some(stream) if stream.group(name).is_some() => return Err(Error::BUSY_GROUP),
        Some(_) => {}
        None => {
            let stream = Object::Stream(Box::<Stream>::default());
            writer.put(NewValue::Object(stream), Expire::Never);
        }
    }
    with_stream(&mut writer, |stream| {
        stream
            .create_group(name, last_id, options.entries_read)
            .is_some()
    });
    writer.commit(&[(EventFlags::STREAM, "xgroup-create")]);
    reply.ok();
    Ok(())
}

fn set_id(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let options = Options::parse(request, false)?;
    let (key, name) = (ctx.key(0)?, request.arg(3).unwrap_or_default());
    let mut writer = ctx.write(key);
    let stream = existing(&writer)?;
    if stream.group(name).is_none() {
        return Err(no_group(key.bytes(), name));
    }
    if request.len() > 7 {
        return Err(unknown(request));
    }
    let last_id = match request.arg(4).unwrap_or_default() {
        b"$" => stream.entries().info().last_id,
        word => bound_id(word, 0)?,
    };
    with_group(&mut writer, name, |mut group| {
        group.last_id = last_id;
        group.entries_read = options.entries_read;
    });
    writer.commit(&[(EventFlags::STREAM, "xgroup-setid")]);
    reply.ok();
    Ok(())
}

fn destroy(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let name = request.arg(3).unwrap_or_default();
    let mut writer = ctx.write(ctx.key(0)?);
    if existing(&writer)?.group(name).is_none() {
        reply.int(0);
        return Ok(());
    }
    let group = with_stream(&mut writer, |stream| stream.remove_group(name));
    writer.commit(&[(EventFlags::STREAM, "xgroup-destroy")]);
    ctx.engine.dbs.bury(group.flatten());
    reply.int(1);
    Ok(())
}

fn create_consumer(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (key, name) = (ctx.key(0)?, request.arg(3).unwrap_or_default());
    let consumer = request.arg(4).unwrap_or_default();
    let now = ctx.now_ms();
    let mut writer = ctx.write(key);
    let group = existing(&writer)?.stream().group(name);
    let group = group.ok_or_else(|| no_group(key.bytes(), name))?;
    if group.find_consumer(consumer).is_some() {
        reply.int(0);
        return Ok(());
    }
    with_group(&mut writer, name, |mut group| {
        group.add_consumer(consumer, now).is_some()
    });
    writer.commit(&[(EventFlags::STREAM, "xgroup-createconsumer")]);
    reply.int(1);
    Ok(())
}

fn delete_consumer(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (key, name) = (ctx.key(0)?, request.arg(3).unwrap_or_default());
    let consumer = request.arg(4).unwrap_or_default();
    let mut writer = ctx.write(key);
    let group = existing(&writer)?.stream().group(name);
    let group = group.ok_or_else(|| no_group(key.bytes(), name))?;
    if group.find_consumer(consumer).is_none() {
        reply.int(0);
        return Ok(());
    }
    let removed = with_group(&mut writer, name, |mut group| {
        group.remove_consumer(consumer)
    });
    writer.commit(&[(EventFlags::STREAM, "xgroup-delconsumer")]);
    reply.int(number(removed.flatten().unwrap_or(0)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn groups_come_and_go() {
        let mut kit = Kit::new();
        assert!(
            kit.run("XGROUP CREATE s g $")
                .contains("requires the key to exist")
        );
        assert_eq!(kit.run("XGROUP CREATE s g $ MKSTREAM"), "OK");
        assert_eq!(kit.run("TYPE s"), "stream");
        assert_eq!(
            kit.run("XGROUP CREATE s g $"),
            "(error) BUSYGROUP Consumer Group name already exists"
        );
        assert_eq!(kit.run("XGROUP CREATECONSUMER s g c"), "(integer) 1");
        assert_eq!(kit.run("XGROUP CREATECONSUMER s g c"), "(integer) 0");
        kit.run("XADD s 1 f v");
        kit.run("XADD s 2 f v");
        kit.run("XREADGROUP GROUP g c STREAMS s >");
        assert_eq!(kit.run("XGROUP SETID s g 1 ENTRIESREAD 1"), "OK");
        assert!(kit.run("XINFO GROUPS s").contains("\"lag\", (integer) 1"));
        assert_eq!(kit.run("XGROUP DELCONSUMER s g c"), "(integer) 2");
        assert_eq!(kit.run("XGROUP DELCONSUMER s g c"), "(integer) 0");
        assert_eq!(kit.run("XGROUP DESTROY s g"), "(integer) 1");
        assert_eq!(kit.run("XGROUP DESTROY s g"), "(integer) 0");
        kit.run("SET str 1");
        let no_group = "NOGROUP No such consumer group 'g' for key name 's'";
        for (line, text) in [
            ("XGROUP SETID s g 1", no_group),
            ("XGROUP CREATECONSUMER s g c", no_group),
            ("XGROUP DELCONSUMER s g c", no_group),
            ("XGROUP DESTROY none g", "requires the key to exist"),
            ("XGROUP CREATE str g 0 MKSTREAM", "WRONGTYPE"),
            ("XGROUP CREATE s g x", "Invalid stream ID"),
            ("XGROUP CREATE s g -", "Invalid stream ID"),
            (
                "XGROUP CREATE s g 0 ENTRIESREAD -2",
                "must be positive or -1",
            ),
            (
                "XGROUP CREATE s g 0 FOO",
                "unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
            ),
            (
                "XGROUP SETID s g 0 MKSTREAM",
                "for 'SETID'. Try XGROUP HELP.",
            ),
            (
                "XGROUP CREATE s g",
                "wrong number of arguments for 'xgroup|create' command",
            ),
        ] {
            assert!(kit.run(line).contains(text), "{line}: {}", kit.run(line));
        }
        assert!(kit.run("XGROUP HELP").contains("CREATECONSUMER"));
    }
}
