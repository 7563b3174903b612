//! Taking elements from an end: LPOP, RPOP, LMPOP, and those that wait for them.

use vk_data::{
    list::{End, ListRef},
    num::{INT_TEXT_MAX, format_i64, parse_i64},
    value::ValueType,
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{end, limits, pop, write_element, write_from};
use crate::{
    Error,
    access::KeyRef,
    blocking::{Block, seconds},
    cmd::{Command, Run},
    ctx::WriteCtx,
};

pub(super) const LPOP: Command = Command {
    spec: CommandSpec {
        name: "lpop",
        summary: "Removes and returns elements from the head of a list.",
        ..POP
    },
    run: Run::Write(lpop),
};

pub(super) const RPOP: Command = Command {
    spec: CommandSpec {
        name: "rpop",
        summary: "Removes and returns elements from the tail of a list.",
        ..POP
    },
    run: Run::Write(rpop),
};

/// What LPOP and RPOP have in common.
const POP: CommandSpec = CommandSpec {
    group: Group::List,
    since: "1.0.0",
    complexity: "O(N) where N is the number of returned elements",
    history: &[History {
        version: "6.2.0",
        change: "Takes a number of elements.",
    }],
    arity: -2,
    flags: Flags::FAST,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, TAKEN)],
    args: &[
        ArgSpec::key("key", 0),
        ArgSpec::integer("count").since("6.2.0").optional(),
    ],
    ..CommandSpec::NEW
};

pub(super) const BLPOP: Command = Command {
    spec: CommandSpec {
        name: "blpop",
        summary: "As LPOP of the first list that is there; waits until there is one.",
        ..BLOCKING_POP
    },
    run: Run::Write(blpop),
};

pub(super) const BRPOP: Command = Command {
    spec: CommandSpec {
        name: "brpop",
        summary: "As RPOP of the first list that is there; waits until there is one.",
        ..BLOCKING_POP
    },
    run: Run::Write(brpop),
};

/// What BLPOP and BRPOP have in common.
const BLOCKING_POP: CommandSpec = CommandSpec {
    group: Group::List,
    since: "2.0.0",
    complexity: "O(N) where N is the number of keys",
    history: &[History {
        version: "6.0.0",
        change: "The time is a number with a fraction.",
    }],
    arity: -3,
    flags: Flags::BLOCKING,
    categories: Categories::LIST,
    keys: &[KeySpec::range(1, -2, 1, TAKEN)],
    args: &[
        ArgSpec::key("key", 0).multiple(),
        ArgSpec::double("timeout"),
    ],
    ..CommandSpec::NEW
};

pub(super) const LMPOP: Command = Command {
    spec: CommandSpec {
        name: "lmpop",
        group: Group::List,
        since: "7.0.0",
        summary: "Removes and returns elements from the first of several lists that is there.",
        complexity: "O(N+M) where N is the number of keys and M that of returned elements",
        arity: -4,
        categories: Categories::LIST,
        keys: &[KeySpec::counted(1, 1, TAKEN)],
        args: &[
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            WHERE,
            COUNT,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(lmpop),
};

pub(super) const BLMPOP: Command = Command {
    spec: CommandSpec {
        name: "blmpop",
        group: Group::List,
        since: "7.0.0",
        summary: "As LMPOP; waits until one of the lists is there.",
        complexity: "O(N+M) where N is the number of keys and M that of returned elements",
        arity: -5,
        flags: Flags::BLOCKING,
        categories: Categories::LIST,
        keys: &[KeySpec::counted(2, 1, TAKEN)],
        args: &[
            ArgSpec::double("timeout"),
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            WHERE,
            COUNT,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(blmpop),
};

const TAKEN: KeyFlags = KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE);
const WHERE: ArgSpec = ArgSpec::one_of(
    "where",
    &[
        ArgSpec::pure_token("left", "LEFT"),
        ArgSpec::pure_token("right", "RIGHT"),
    ],
);
const COUNT: ArgSpec = ArgSpec::integer("count").token("COUNT").optional();

fn lpop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    pop_one_key(ctx, request, End::Head, reply)
}

fn rpop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    pop_one_key(ctx, request, End::Tail, reply)
}

fn pop_one_key(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    from: End,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    if request.len() > 3 {
        let name = if from == End::Head { "lpop" } else { "rpop" };
        return Err(Error::told(format_args!(
            "ERR wrong number of arguments for '{name}' command"
        )));
    }
    let count = match request.arg(2) {
        Some(word) => Some(natural(word).ok_or(Error::NOT_POSITIVE)?),
        None => None,
    };
    let limits = limits(ctx);
    let key = ctx.key(0)?;
    let writer = ctx.write(key);
    let Some(list) = writer.view::<ListRef<'_>>()? else {
        match count {
            Some(_) => reply.null_array(),
            None => reply.null(),
        }
        return Ok(());
    };
    let len = list.len();
    let taken = count.unwrap_or(1).min(len);
    if count.is_some() {
        write_from(reply, list, from, taken);
    } else {
        write_edge(reply, list, from);
    }
    if taken > 0 {
        pop(writer, from, taken, len, limits);
    }
    Ok(())
}

/// Tells the element at an end.
fn write_edge(reply: &mut ReplyBuf, list: ListRef<'_>, from: End) {
    match list.get(if from == End::Head { 0 } else { -1 }) {
        Some(item) => write_element(reply, item),
        None => reply.null(),
    }
}

/// What LMPOP and BLMPOP are to do.
struct PopMany {
    from: End,
    count: usize,
}

impl PopMany {
    /// `request` begins with the number of keys.
    fn parse(request: Request<'_>) -> Result<Self, Error> {
        let keys = request.arg(0).and_then(natural).filter(|keys| *keys > 0);
        let keys = keys.ok_or(Error::NUMKEYS_NOT_POSITIVE)?;
        let at = keys.saturating_add(1);
        let from = end(Some(request.arg(at).ok_or(Error::SYNTAX)?))?;
        let mut options = request.skip(at.saturating_add(1)).into_iter();
        let mut count = None;
        while let Some(word) = options.next() {
            if count.is_some() || !word.eq_ignore_ascii_case(b"count") {
                return Err(Error::SYNTAX);
            }
            let value = natural(options.next().ok_or(Error::SYNTAX)?);
            let value = value.filter(|count| *count > 0);
            count = Some(value.ok_or(Error::COUNT_NOT_POSITIVE)?);
        }
        let count = count.unwrap_or(1);
        Ok(Self { from, count })
    }
}

fn lmpop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let PopMany { from, count } = PopMany::parse(request.skip(1))?;
    if !pop_first(ctx, from, Some(count), reply)? {
        reply.null_array();
    }
    Ok(())
}

fn blmpop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let PopMany { from, count } = PopMany::parse(request.skip(2))?;
    let timeout = request.arg(1).unwrap_or_default();
    pop_or_wait(ctx, timeout, from, Some(count), reply)
}

fn blpop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let timeout = request.arg(request.len() - 1).unwrap_or_default();
    pop_or_wait(ctx, timeout, End::Head, None, reply)
}

fn brpop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let timeout = request.arg(request.len() - 1).unwrap_or_default();
    pop_or_wait(ctx, timeout, End::Tail, None, reply)
}

fn pop_or_wait(
    ctx: &mut WriteCtx<'_>,
    timeout: &[u8],
    from: End,
    count: Option<usize>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let timeout = seconds(timeout, ctx.now_ms())?;
    if pop_first(ctx, from, count, reply)? {
        return Ok(());
    }
    let keys = ctx.keys();
    ctx.block(
        Block {
            keys,
            serves: ValueType::List,
            timeout,
            request: None,
            ends_with_key: false,
        },
        reply,
    );
    Ok(())
}

/// Pops from the first key that is there, and tells the key as well; `false` if none is. Without a
/// count it is one element, and not in an array of its own.
fn pop_first(
    ctx: &mut WriteCtx<'_>,
    from: End,
    count: Option<usize>,
    reply: &mut ReplyBuf,
) -> Result<bool, Error> {
    let limits = limits(ctx);
    for key in ctx.keys() {
        let writer = ctx.write(*key);
        let Some(list) = writer.view::<ListRef<'_>>()? else {
            continue;
        };
        let len = list.len();
        let taken = count.unwrap_or(1).min(len);
        reply.array(2);
        reply.bulk(key.bytes());
        match count {
            Some(_) => write_from(reply, list, from, taken),
            None => write_edge(reply, list, from),
        }
        pop(writer, from, taken, len, limits);
        tell_effect(ctx, *key, from, count.map(|_| taken));
        return Ok(true);
    }
    Ok(false)
}

/// The effect names the key that was chosen, and does not wait.
fn tell_effect(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, from: End, count: Option<usize>) {
    if !ctx.wants_effects() {
        return;
    }
    let name: &[u8] = if from == End::Head { b"LPOP" } else { b"RPOP" };
    match count.and_then(|count| i64::try_from(count).ok()) {
        Some(count) => {
            let mut text = [0; INT_TEXT_MAX];
            ctx.effect([name, key.bytes(), format_i64(count, &mut text)]);
        }
        None => ctx.effect([name, key.bytes()]),
    }
}

/// A number that is not negative.
fn natural(word: &[u8]) -> Option<usize> {
    usize::try_from(parse_i64(word)?).ok()
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn elements_are_taken_from_the_ends() {
        for size in ["-2", "2"] {
            let mut kit = Kit::new();
            kit.run(&alloc::format!("CONFIG SET list-max-listpack-size {size}"));
            kit.run("RPUSH l a b c d e f 7");
            assert_eq!(kit.run("LPOP l"), "\"a\"");
            assert_eq!(kit.run("RPOP l"), "\"7\"");
            assert_eq!(kit.run("LPOP l 2"), r#"["b", "c"]"#);
            assert_eq!(kit.run("RPOP l 2"), r#"["f", "e"]"#);
            assert_eq!(kit.run("LPOP l 0"), "[]");
            assert_eq!(kit.run("LPOP l 9"), r#"["d"]"#);
            assert_eq!(kit.run("EXISTS l"), "(integer) 0");
            assert_eq!(kit.run("LPOP l"), "(nil)");
            assert_eq!(kit.run("LPOP l 1"), "(nil)");
        }
    }

    #[test]
    fn counts_that_are_none() {
        let mut kit = Kit::new();
        let positive = "(error) ERR value is out of range, must be positive";
        assert_eq!(kit.run("LPOP l -1"), positive);
        assert_eq!(kit.run("RPOP l x"), positive);
        let arity = "(error) ERR wrong number of arguments for 'rpop' command";
        assert_eq!(kit.run("RPOP l 1 2"), arity);
        assert_eq!(
            kit.run("LMPOP 0 l LEFT"),
            "(error) ERR numkeys should be greater than 0"
        );
        assert_eq!(
            kit.run("LMPOP x l LEFT"),
            "(error) ERR numkeys should be greater than 0"
        );
        let syntax = "(error) ERR syntax error";
        for line in [
            "LMPOP 2 l LEFT",
            "LMPOP 1 l UP",
            "LMPOP 1 l LEFT COUNT",
            "LMPOP 1 l LEFT COUNT 1 COUNT 1",
            "LMPOP 9223372036854775807 l LEFT",
            "BLMPOP 0 1 l LEFT NONE 2",
        ] {
            assert_eq!(kit.run(line), syntax, "{line}");
        }
        let count = "(error) ERR count should be greater than 0";
        assert_eq!(kit.run("LMPOP 1 l LEFT COUNT 0"), count);
        assert_eq!(kit.run("BLMPOP x 1 l LEFT COUNT x"), count);
        let timeout = "(error) ERR timeout is not a float or out of range";
        assert_eq!(kit.run("BLMPOP x 1 l LEFT"), timeout);
        assert_eq!(kit.run("BLPOP l x"), timeout);
        assert_eq!(kit.run("BLPOP l -1"), "(error) ERR timeout is negative");
    }

    #[test]
    fn the_first_list_is_taken_from() {
        let mut kit = Kit::new();
        kit.run("RPUSH b 1 2 3");
        assert_eq!(kit.run("LMPOP 2 a b RIGHT COUNT 2"), r#"["b", ["3", "2"]]"#);
        assert_eq!(kit.run("LMPOP 2 a b LEFT"), r#"["b", ["1"]]"#);
        assert_eq!(kit.run("LMPOP 2 a b LEFT"), "(nil)");
        kit.run("RPUSH b 1 2 3");
        assert_eq!(kit.run("BLPOP a b 0"), r#"["b", "1"]"#);
        assert_eq!(kit.run("BRPOP a b 0"), r#"["b", "3"]"#);
        assert_eq!(kit.run("BLMPOP 1 2 a b LEFT COUNT 5"), r#"["b", ["2"]]"#);
        kit.run("SET s v");
        assert!(kit.run("BLPOP s b 0").starts_with("(error) WRONGTYPE"));
    }

    #[test]
    fn a_waiting_request_is_served() {
        let mut kit = Kit::new();
        let other = kit.connect();
        assert_eq!(kit.run_as(other, "BLPOP a b 5"), "");
        kit.run("RPUSH b 1 2");
        assert_eq!(kit.woken(), r#"["b", "1"]"#);
        assert_eq!(kit.run("LRANGE b 0 -1"), r#"["2"]"#);
        assert_eq!(kit.run_as(other, "BLMPOP 5 1 a RIGHT COUNT 2"), "");
        kit.run("RPUSH a 1 2 3");
        assert_eq!(kit.woken(), r#"["a", ["3", "2"]]"#);
        assert_eq!(kit.run_as(other, "BRPOP none 1"), "");
        kit.advance_ms(1100);
        assert_eq!(kit.woken(), "(nil)");
    }
}
