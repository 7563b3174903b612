//! Moving an element from one list to another, or to the other end of its own: LMOVE, RPOPLPUSH,
//! and those that wait for it.

use smallvec::SmallVec;
use vk_data::{
    list::{End, ListMut, ListRef},
    listpack::EMPTY,
    num::INT_TEXT_MAX,
    pack::PackKind,
    value::{NewValue, ValueType},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{
    ArgSpec, Categories, CommandSpec, Deprecation, Flags, Group, History, KeyFlags, KeySpec,
};

use super::{change, end, limits, pop, pop_event, push::push_event};
use crate::{
    Error,
    access::KeyRef,
    blocking::{Block, seconds},
    cmd::{Command, Run},
    ctx::{Origin, WriteCtx},
};

pub(super) const LMOVE: Command = Command {
    spec: CommandSpec {
        name: "lmove",
        group: Group::List,
        since: "6.2.0",
        summary: "Moves an element from an end of one list to an end of another, and returns it.",
        complexity: "O(1)",
        arity: 5,
        flags: Flags::DENYOOM,
        categories: Categories::LIST,
        keys: KEYS,
        args: &[SOURCE, DESTINATION, FROM, TO],
        ..CommandSpec::NEW
    },
    run: Run::Write(lmove),
};

pub(super) const BLMOVE: Command = Command {
    spec: CommandSpec {
        name: "blmove",
        group: Group::List,
        since: "6.2.0",
        summary: "As LMOVE; waits until the first list is there.",
        complexity: "O(1)",
        arity: 6,
        flags: Flags::DENYOOM.union(Flags::BLOCKING),
        categories: Categories::LIST,
        keys: KEYS,
        args: &[SOURCE, DESTINATION, FROM, TO, ArgSpec::double("timeout")],
        ..CommandSpec::NEW
    },
    run: Run::Write(blmove),
};

pub(super) const RPOPLPUSH: Command = Command {
    spec: CommandSpec {
        name: "rpoplpush",
        group: Group::List,
        since: "1.2.0",
        summary: "Moves the last element of one list to the head of another, and returns it.",
        complexity: "O(1)",
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
        }),
        arity: 3,
        flags: Flags::DENYOOM,
        categories: Categories::LIST,
        keys: KEYS,
        args: &[SOURCE, DESTINATION],
        ..CommandSpec::NEW
    },
    run: Run::Write(rpoplpush),
};

pub(super) const BRPOPLPUSH: Command = Command {
    spec: CommandSpec {
        name: "brpoplpush",
        group: Group::List,
        since: "2.2.0",
        summary: "As RPOPLPUSH; waits until the first list is there.",
        complexity: "O(1)",
        history: &[History {
            version: "6.0.0",
            change: "The time is a number with a fraction.",
        }],
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
        }),
        arity: 4,
        flags: Flags::DENYOOM.union(Flags::BLOCKING),
        categories: Categories::LIST,
        keys: KEYS,
        args: &[SOURCE, DESTINATION, ArgSpec::double("timeout")],
        ..CommandSpec::NEW
    },
    run: Run::Write(brpoplpush),
};

const KEYS: &[KeySpec] = &[
    KeySpec::one(
        1,
        KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
    ),
    KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
];
const SOURCE: ArgSpec = ArgSpec::key("source", 0);
const DESTINATION: ArgSpec = ArgSpec::key("destination", 1);
const FROM: ArgSpec = ArgSpec::one_of("wherefrom", ENDS);
const TO: ArgSpec = ArgSpec::one_of("whereto", ENDS);
const ENDS: &[ArgSpec] = &[
    ArgSpec::pure_token("left", "LEFT"),
    ArgSpec::pure_token("right", "RIGHT"),
];

fn lmove(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (from, to) = (end(request.arg(3))?, end(request.arg(4))?);
    if !transfer(ctx, from, to, reply)? {
        reply.null();
    }
    Ok(())
}

fn rpoplpush(
    ctx: &mut WriteCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    if !transfer(ctx, End::Tail, End::Head, reply)? {
        reply.null();
    }
    Ok(())
}

fn blmove(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (from, to) = (end(request.arg(3))?, end(request.arg(4))?);
    if transfer_or_wait(ctx, request.arg(5), from, to, reply)? && ctx.wants_effects() {
        let words = [b"LMOVE".as_slice()].into_iter();
        let rest = (1..5).map(|at| request.arg(at).unwrap_or_default());
        let words: SmallVec<[&[u8]; 5]> = words.chain(rest).collect();
        ctx.effect_words(words.into_iter());
    }
    Ok(())
}

fn brpoplpush(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let moved = transfer_or_wait(ctx, request.arg(3), End::Tail, End::Head, reply)?;
    if moved && ctx.wants_effects() {
        let (source, destination) = (ctx.key(0)?, ctx.key(1)?);
        ctx.effect([b"RPOPLPUSH", source.bytes(), destination.bytes()]);
    }
    Ok(())
}

/// Moves an element if there is one, and tells whether; else the session waits.
fn transfer_or_wait(
    ctx: &mut WriteCtx<'_>,
    timeout: Option<&[u8]>,
    from: End,
    to: End,
    reply: &mut ReplyBuf,
) -> Result<bool, Error> {
    let timeout = seconds(timeout.unwrap_or_default(), ctx.now_ms())?;
    if transfer(ctx, from, to, reply)? {
        return Ok(true);
    }
    if ctx.origin != Origin::Client {
        // Who may not wait is told the null of LMOVE, not that of a wait whose time is over.
        reply.null();
        return Ok(false);
    }
    let source = ctx.key(0)?;
    ctx.block(
        Block {
            keys: &[source],
            serves: ValueType::List,
            timeout,
            request: None,
            ends_with_key: false,
        },
        reply,
    );
    Ok(false)
}

/// An element on its way.
type Element = SmallVec<[u8; 64]>;

/// Moves an element and tells it; `false` if the source is not there.
fn transfer(
    ctx: &mut WriteCtx<'_>,
    from: End,
    to: End,
    reply: &mut ReplyBuf,
) -> Result<bool, Error> {
    let limits = limits(ctx);
    let (source, destination) = (ctx.key(0)?, ctx.key(1)?);
    let mut writer = ctx.write(source);
    let Some(list) = writer.view::<ListRef<'_>>()? else {
        return Ok(false);
    };
    let (len, edge) = (list.len(), if from == End::Head { 0 } else { -1 });
    let Some(item) = list.get(edge) else {
        return Ok(false);
    };
    let mut text = [0; INT_TEXT_MAX];
    let element = Element::from_slice(item.bytes(&mut text));
    let one = || core::iter::once(&element[..]);
    if source.bytes() == destination.bytes() {
        let start = if from == End::Head { 0 } else { len - 1 };
        change(&mut writer, |mut list| {
            list.remove_range(start, 1, limits);
            list.push(to, one(), limits);
        });
        writer.commit(&[push_event(to), pop_event(from)]);
    } else {
        drop(writer);
        put(ctx, destination, to, |mut list| {
            list.push(to, one(), limits);
        })?;
        pop(ctx.write(source), from, 1, len, limits);
        // One element moves: one change.
        ctx.count_changes(1);
    }
    reply.bulk(&element);
    Ok(true)
}

/// Changes the list of a key, which is made if it is not there, as a push does.
fn put(
    ctx: &mut WriteCtx<'_>,
    key: KeyRef<'_>,
    to: End,
    push: impl FnOnce(ListMut<'_>),
) -> Result<(), Error> {
    let mut writer = ctx.write(key);
    if writer.view::<ListRef<'_>>()?.is_none() {
        writer.modify_or_put(NewValue::Pack(PackKind::List, &EMPTY));
    }
    change(&mut writer, push);
    writer.commit(&[push_event(to)]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn elements_move_between_lists() {
        for size in ["-2", "2"] {
            let mut kit = Kit::new();
            kit.run(&alloc::format!("CONFIG SET list-max-listpack-size {size}"));
            kit.run("RPUSH a 1 2 3 four");
            assert_eq!(kit.run("LMOVE a b RIGHT LEFT"), "\"four\"");
            assert_eq!(kit.run("LMOVE a b left right"), "\"1\"");
            assert_eq!(kit.run("RPOPLPUSH a b"), "\"3\"");
            assert_eq!(kit.run("LRANGE b 0 -1"), r#"["3", "four", "1"]"#);
            assert_eq!(kit.run("BLMOVE a b LEFT LEFT 0"), "\"2\"");
            assert_eq!(kit.run("EXISTS a"), "(integer) 0");
            assert_eq!(kit.run("LMOVE a b LEFT LEFT"), "(nil)");
            assert_eq!(kit.run("LMOVE b b LEFT RIGHT"), "\"2\"");
            assert_eq!(kit.run("LMOVE b b LEFT LEFT"), "\"3\"");
            assert_eq!(kit.run("LRANGE b 0 -1"), r#"["3", "four", "1", "2"]"#);
        }
    }

    #[test]
    fn a_list_of_one_turns_round() {
        for size in ["-2", "1"] {
            let mut kit = Kit::new();
            kit.run(&alloc::format!("CONFIG SET list-max-listpack-size {size}"));
            kit.run("RPUSH a 1");
            assert_eq!(kit.run("RPOPLPUSH a a"), "\"1\"");
            assert_eq!(kit.run("LRANGE a 0 -1"), r#"["1"]"#);
        }
    }

    #[test]
    fn nothing_moves_when_something_is_wrong() {
        let mut kit = Kit::new();
        kit.run("RPUSH a 1");
        kit.run("SET s v");
        let wrong = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
        assert_eq!(kit.run("LMOVE a s LEFT LEFT"), wrong);
        assert_eq!(kit.run("LMOVE s a LEFT LEFT"), wrong);
        assert_eq!(kit.run("LMOVE none s LEFT LEFT"), "(nil)");
        assert_eq!(kit.run("LMOVE a b UP LEFT"), "(error) ERR syntax error");
        assert_eq!(kit.run("BLMOVE a b LEFT UP x"), "(error) ERR syntax error");
        let timeout = "(error) ERR timeout is not a float or out of range";
        assert_eq!(kit.run("BLMOVE a b LEFT LEFT x"), timeout);
        assert_eq!(kit.run("LRANGE a 0 -1"), r#"["1"]"#);
    }

    #[test]
    fn a_waiting_move_is_served() {
        let mut kit = Kit::new();
        let other = kit.connect();
        assert_eq!(kit.run_as(other, "BRPOPLPUSH a b 0"), "");
        kit.run("RPUSH a 1 2");
        assert_eq!(kit.woken(), "\"2\"");
        assert_eq!(kit.run("LRANGE b 0 -1"), r#"["2"]"#);
        kit.run("DEL a");
        assert_eq!(kit.run_as(other, "BLMOVE a s LEFT LEFT 1"), "");
        kit.run("SET s v");
        kit.run("RPUSH a 1");
        assert!(kit.woken().starts_with("(error) WRONGTYPE"));
        assert_eq!(kit.run("LLEN a"), "(integer) 1");
    }
}
