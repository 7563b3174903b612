//! Keys that go elsewhere: RENAME, RENAMENX, MOVE, COPY.

use vk_data::{entry::DbEntry, num::parse_i64};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Ctx, WriteCtx},
};

pub(super) const COPY: Command = Command {
    spec: CommandSpec {
        name: "copy",
        group: Group::Generic,
        since: "6.2.0",
        summary: "Copies the value and the expiry of a key to another one.",
        complexity: "O(N) where N is the number of elements of the value, O(1) for a string",
        arity: -3,
        flags: Flags::DENYOOM,
        categories: Categories::KEYSPACE,
        keys: &[
            KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS)),
            KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
        ],
        args: &[
            ArgSpec::key("source", 0),
            ArgSpec::key("destination", 1),
            ArgSpec::integer("destination-db").token("DB").optional(),
            ArgSpec::pure_token("replace", "REPLACE").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(copy),
};

pub(super) const MOVE: Command = Command {
    spec: CommandSpec {
        name: "move",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Moves a key to another database, where it must not be yet.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[ArgSpec::key("key", 0), ArgSpec::integer("db")],
        ..CommandSpec::NEW
    },
    run: Run::Write(move_key),
};

pub(super) const RENAME: Command = Command {
    spec: CommandSpec {
        name: "rename",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Gives a key another name; a key that has it already is replaced.",
        complexity: "O(1)",
        arity: 3,
        categories: Categories::KEYSPACE,
        keys: &[
            KeySpec::one(
                1,
                KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
            ),
            KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
        ],
        args: &[ArgSpec::key("key", 0), ArgSpec::key("newkey", 1)],
        ..CommandSpec::NEW
    },
    run: Run::Write(rename),
};

pub(super) const RENAMENX: Command = Command {
    spec: CommandSpec {
        name: "renamenx",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Gives a key another name that no key has yet.",
        complexity: "O(1)",
        history: &[History {
            version: "3.2.0",
            change: "The reply is no error any more if both names are the same.",
        }],
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[
            KeySpec::one(
                1,
                KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
            ),
            KeySpec::one(2, KeyFlags::OW.union(KeyFlags::INSERT)),
        ],
        args: &[ArgSpec::key("key", 0), ArgSpec::key("newkey", 1)],
        ..CommandSpec::NEW
    },
    run: Run::Write(renamenx),
};

fn rename(
    ctx: &mut WriteCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    rename_key(ctx, true)?;
    reply.ok();
    Ok(())
}

fn renamenx(
    ctx: &mut WriteCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let renamed = rename_key(ctx, false)?;
    reply.int(renamed.into());
    Ok(())
}

/// Renames a key if its new name is free or may be taken; tells whether it was renamed.
fn rename_key(ctx: &mut WriteCtx<'_>, replaces: bool) -> Result<bool, Error> {
    let (from, to) = (ctx.key(0)?, ctx.key(1)?);
    if ctx.write(from).entry().is_none() {
        return Err(Error::NO_SUCH_KEY);
    }
    if from.bytes() == to.bytes() || (!replaces && ctx.write(to).entry().is_some()) {
        return Ok(false);
    }
    relocate(ctx, from, to, ["rename_from", "rename_to"]);
    Ok(true)
}

fn move_key(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let db = database(ctx, request.arg(2).unwrap_or_default())?;
    if db == ctx.db() {
        return Err(Error::SAME_OBJECT);
    }
    let from = ctx.key(0)?;
    let to = from.in_db(db);
    let moves = ctx.write(from).entry().is_some() && ctx.write(to).entry().is_none();
    if moves {
        relocate(ctx, from, to, ["move_from", "move_to"]);
    }
    reply.int(moves.into());
    Ok(())
}

/// Moves an entry; what was there before is replaced. One change of two keys.
fn relocate(
    ctx: &mut WriteCtx<'_>,
    from: KeyRef<'_>,
    to: KeyRef<'_>,
    [from_event, to_event]: [&'static str; 2],
) {
    let mut source = ctx.write(from);
    let Some(entry) = source.take() else {
        return;
    };
    source.commit(&[]);
    place(ctx, to, entry.renamed(to.bytes()));
    ctx.engine.run.dirty = ctx.engine.run.dirty.saturating_sub(1);
    ctx.notify(from, EventFlags::GENERIC, from_event);
    ctx.notify(to, EventFlags::GENERIC, to_event);
}

/// Puts an entry in the place of whatever was there: to those who listen a new key.
fn place(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, entry: DbEntry) {
    let mut target = ctx.write(key);
    target.remove();
    target.put_entry(entry);
    target.commit(&[]);
}

fn copy(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (mut db, mut replaces) = (ctx.db(), false);
    let rest = request.skip(3);
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"REPLACE") {
            replaces = true;
        } else if word.eq_ignore_ascii_case(b"DB") {
            db = database(ctx, words.next().ok_or(Error::SYNTAX)?)?;
        } else {
            return Err(Error::SYNTAX);
        }
    }
    let (from, to) = (ctx.key(0)?, ctx.key(1)?.in_db(db));
    if from.db() == to.db() && from.bytes() == to.bytes() {
        return Err(Error::SAME_OBJECT);
    }
    if ctx.lookup(from).is_none() || (!replaces && ctx.write(to).entry().is_some()) {
        reply.int(0);
        return Ok(());
    }
    place_copy(ctx, from, to);
    ctx.notify(to, EventFlags::GENERIC, "copy_to");
    reply.int(1);
    Ok(())
}

/// Puts a copy of an entry in the place of whatever was there. That goes first, so that the copy
/// is made in its memory while it is warm.
fn place_copy(ctx: &mut WriteCtx<'_>, from: KeyRef<'_>, to: KeyRef<'_>) {
    let mut target = ctx.write(to);
    target.remove();
    // One change with the copy, which is committed below.
    target.unchanged();
    let access = ctx.engine.initial_access();
    let entry = ctx.engine.dbs.find(&from);
    let copy = entry.map(|entry| entry.duplicate(to.bytes()));
    let mut target = ctx.write(to);
    if let Some(mut copy) = copy {
        copy.set_access(access);
        target.put_entry(copy);
    }
    target.commit(&[]);
}

/// The number of a database that there is.
pub(in crate::cmd) fn database(ctx: &Ctx<'_>, word: &[u8]) -> Result<u32, Error> {
    let number = parse_i64(word).ok_or(Error::NOT_AN_INTEGER)?;
    let number = i32::try_from(number).map_err(|_| {
        let (least, most) = (i32::MIN, i32::MAX);
        Error::told(format_args!(
            "ERR value is out of range, value must between {least} and {most}"
        ))
    })?;
    u32::try_from(number)
        .ok()
        .filter(|db| ctx.engine.dbs.db(*db).is_some())
        .ok_or(Error::DB_OUT_OF_RANGE)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use crate::{
        Output,
        config::EventFlags,
        testkit::{Kit, show_all},
    };

    #[test]
    fn a_renamed_key_keeps_value_and_expiry() {
        let mut kit = Kit::new();
        kit.run("SET a 1 PX 5000");
        kit.run("SET b 2");
        assert_eq!(kit.run("RENAMENX a b"), "(integer) 0");
        assert_eq!(kit.run("RENAME a b"), "OK");
        assert_eq!(kit.run("MGET a b"), "[(nil), \"1\"]");
        assert_eq!(kit.run("PTTL b"), "(integer) 5000");
        assert_eq!(kit.run("RENAME b b"), "OK");
        assert_eq!(kit.run("RENAMENX b b"), "(integer) 0");
        assert_eq!(kit.run("RENAME x x"), "(error) ERR no such key");
    }

    #[test]
    fn keys_go_to_other_databases() {
        let mut kit = Kit::new();
        kit.run("SET a 1 PX 5000");
        assert_eq!(kit.run("COPY a a DB 3"), "(integer) 1");
        assert_eq!(kit.run("COPY a a DB 3"), "(integer) 0");
        assert_eq!(kit.run("MOVE a 3"), "(integer) 0");
        assert_eq!(kit.run("MOVE a 2"), "(integer) 1");
        assert_eq!(kit.run("EXISTS a"), "(integer) 0");
        kit.run("SELECT 2");
        assert_eq!(kit.run("PTTL a"), "(integer) 5000");
        assert_eq!(kit.run("COPY a a DB 3 REPLACE"), "(integer) 1");
        let same = "(error) ERR source and destination objects are the same";
        assert_eq!(kit.run("COPY a a"), same);
        assert_eq!(kit.run("MOVE a 2"), same);
        let range = "(error) ERR DB index is out of range";
        assert_eq!(kit.run("MOVE a 16"), range);
        assert_eq!(kit.run("COPY a b DB -1"), range);
        assert_eq!(
            kit.run("MOVE a 3000000000"),
            "(error) ERR value is out of range, value must between -2147483648 and 2147483647"
        );
    }

    #[test]
    fn a_move_is_one_change_with_two_events() {
        let mut kit = Kit::new();
        kit.engine.notify = EventFlags::parse(b"KEAn").unwrap_or(EventFlags::NONE);
        kit.run("MSET a 1 b 2");
        let listener = kit.connect();
        kit.run_as(listener, "PSUBSCRIBE __keyevent*");
        kit.outputs.clear();
        let dirty = kit.engine.dirty;
        kit.run("RENAME a b");
        assert_eq!(kit.engine.dirty, dirty + 1);
        let events: Vec<_> = kit
            .outputs
            .iter()
            .filter_map(|output| match output {
                Output::Broadcast { bytes, .. } => Some(show_all(bytes)),
                _ => None,
            })
            .collect();
        let expected =
            [("new", "b"), ("rename_from", "a"), ("rename_to", "b")].map(|(event, key)| {
                alloc::format!(
                    "[\"pmessage\", \"__keyevent*\", \"__keyevent@0__:{event}\", \"{key}\"]"
                )
            });
        assert_eq!(events.join("\n"), expected.join("\n"));
    }
}
