//! Adding elements at an end: LPUSH, RPUSH and their variants that make no list.

use vk_data::{
    list::{End, ListRef},
    listpack::EMPTY,
    pack::PackKind,
    value::NewValue,
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{change, check_elements, limits};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const LPUSH: Command = Command {
    spec: CommandSpec {
        name: "lpush",
        since: "1.0.0",
        summary: "Adds elements at the head of a list, which is made if it is not there.",
        history: SEVERAL_SINCE_2_4,
        ..PUSH
    },
    run: Run::Write(lpush),
};

pub(super) const LPUSHX: Command = Command {
    spec: CommandSpec {
        name: "lpushx",
        since: "2.2.0",
        summary: "Adds elements at the head of a list that is there.",
        history: SEVERAL_SINCE_4,
        ..PUSH
    },
    run: Run::Write(lpushx),
};

pub(super) const RPUSH: Command = Command {
    spec: CommandSpec {
        name: "rpush",
        since: "1.0.0",
        summary: "Adds elements at the tail of a list, which is made if it is not there.",
        history: SEVERAL_SINCE_2_4,
        ..PUSH
    },
    run: Run::Write(rpush),
};

pub(super) const RPUSHX: Command = Command {
    spec: CommandSpec {
        name: "rpushx",
        since: "2.2.0",
        summary: "Adds elements at the tail of a list that is there.",
        history: SEVERAL_SINCE_4,
        ..PUSH
    },
    run: Run::Write(rpushx),
};

/// What the four commands have in common.
const PUSH: CommandSpec = CommandSpec {
    group: Group::List,
    complexity: "O(N) where N is the number of added elements",
    arity: -3,
    flags: Flags::DENYOOM.union(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[
        ArgSpec::key("key", 0),
        ArgSpec::string("element").multiple(),
    ],
    ..CommandSpec::NEW
};

const SEVERAL_SINCE_2_4: &[History] = &[History {
    version: "2.4.0",
    change: SEVERAL,
}];
const SEVERAL_SINCE_4: &[History] = &[History {
    version: "4.0.0",
    change: SEVERAL,
}];
const SEVERAL: &str = "Takes several elements.";

fn lpush(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    push(ctx, request, End::Head, true, reply)
}

fn lpushx(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    push(ctx, request, End::Head, false, reply)
}

fn rpush(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    push(ctx, request, End::Tail, true, reply)
}

fn rpushx(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    push(ctx, request, End::Tail, false, reply)
}

fn push(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    end: End,
    makes: bool,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let limits = limits(ctx);
    let elements = request.skip(2);
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let is_new = writer.view::<ListRef<'_>>()?.is_none();
    if is_new && !makes {
        reply.int(0);
        return Ok(());
    }
    check_elements(elements)?;
    if is_new {
        let empty = NewValue::Pack(PackKind::List, &EMPTY);
        writer.modify_or_put(empty);
    }
    let push = |mut list: vk_data::list::ListMut<'_>| list.push(end, elements.into_iter(), limits);
    let len = change(&mut writer, push).unwrap_or(0);
    writer.commit(&[push_event(end)]);
    reply.int(i64::try_from(len).unwrap_or(i64::MAX));
    Ok(())
}

/// The event of elements that are added at an end.
pub(super) const fn push_event(end: End) -> (EventFlags, &'static str) {
    match end {
        End::Head => (EventFlags::LIST, "lpush"),
        End::Tail => (EventFlags::LIST, "rpush"),
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn elements_are_added_one_by_one() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("RPUSH l a b c"), "(integer) 3");
        assert_eq!(kit.run("LPUSH l 1 2"), "(integer) 5");
        assert_eq!(kit.run("LRANGE l 0 -1"), r#"["2", "1", "a", "b", "c"]"#);
        assert_eq!(kit.run("OBJECT ENCODING l"), "\"listpack\"");
        assert_eq!(kit.run("LPUSHX none a"), "(integer) 0");
        assert_eq!(kit.run("RPUSHX none a"), "(integer) 0");
        assert_eq!(kit.run("EXISTS none"), "(integer) 0");
        assert_eq!(kit.run("RPUSHX l z"), "(integer) 6");
        assert_eq!(kit.run("LPUSHX l \"\" y"), "(integer) 8");
        assert_eq!(kit.run("LRANGE l 0 2"), r#"["y", "", "2"]"#);
        kit.run("SET s v");
        let wrong = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
        for line in ["LPUSH s a", "RPUSHX s a"] {
            assert_eq!(kit.run(line), wrong);
        }
    }

    #[test]
    fn a_long_list_has_nodes() {
        let mut kit = Kit::new();
        kit.run("CONFIG SET list-max-listpack-size 3");
        kit.run("RPUSH l 1 2 3");
        assert_eq!(kit.run("OBJECT ENCODING l"), "\"listpack\"");
        kit.run("LPUSH l 0");
        assert_eq!(kit.run("OBJECT ENCODING l"), "\"quicklist\"");
        for n in 4..40 {
            kit.run(&alloc::format!("RPUSH l {n}"));
        }
        assert_eq!(kit.run("LLEN l"), "(integer) 40");
        assert_eq!(kit.run("LRANGE l 17 19"), r#"["17", "18", "19"]"#);
        assert_eq!(kit.run("LTRIM l -1 -1"), "OK");
        assert_eq!(kit.run("OBJECT ENCODING l"), "\"listpack\"");
    }
}
