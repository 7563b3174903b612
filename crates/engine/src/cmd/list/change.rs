//! Changing a list elsewhere than at its ends: LINSERT, LREM, LSET, LTRIM.

use vk_data::list::{End, ListMut, ListRef, Side};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{change, check_elements, integer, limits, range, signed_count};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Expire, WriteCtx},
};

pub(super) const LINSERT: Command = Command {
    spec: CommandSpec {
        name: "linsert",
        group: Group::List,
        since: "2.2.0",
        summary: "Inserts an element before or after another one.",
        complexity: "O(N) where N is the number of elements before the other one",
        arity: 5,
        flags: Flags::DENYOOM,
        categories: Categories::LIST,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of(
                "where",
                &[
                    ArgSpec::pure_token("before", "BEFORE"),
                    ArgSpec::pure_token("after", "AFTER"),
                ],
            ),
            ArgSpec::string("pivot"),
            ArgSpec::string("element"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(linsert),
};

pub(super) const LREM: Command = Command {
    spec: CommandSpec {
        name: "lrem",
        group: Group::List,
        since: "1.0.0",
        summary: "Removes elements that are equal to one.",
        complexity: "O(N+M) where N is the length of the list and M the number of removed elements",
        arity: 4,
        categories: Categories::LIST,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("count"),
            ArgSpec::string("element"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(lrem),
};

pub(super) const LSET: Command = Command {
    spec: CommandSpec {
        name: "lset",
        group: Group::List,
        since: "1.0.0",
        summary: "Replaces the element with an index.",
        complexity: "O(N) where N is the number of elements between the nearer end and the index",
        arity: 4,
        flags: Flags::DENYOOM,
        categories: Categories::LIST,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("index"),
            ArgSpec::string("element"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(lset),
};

pub(super) const LTRIM: Command = Command {
    spec: CommandSpec {
        name: "ltrim",
        group: Group::List,
        since: "1.0.0",
        summary: "Keeps the elements between two indexes and removes all others.",
        complexity: "O(N) where N is the number of removed elements",
        arity: 4,
        categories: Categories::LIST,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("start"),
            ArgSpec::integer("stop"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(ltrim),
};

fn linsert(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let word = request.arg(2).unwrap_or_default();
    let side = if word.eq_ignore_ascii_case(b"before") {
        Side::Before
    } else if word.eq_ignore_ascii_case(b"after") {
        Side::After
    } else {
        return Err(Error::SYNTAX);
    };
    let pivot = request.arg(3).unwrap_or_default();
    let element = request.arg(4).unwrap_or_default();
    let limits = limits(ctx);
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    if writer.view::<ListRef<'_>>()?.is_none() {
        reply.int(0);
        return Ok(());
    }
    check_elements(request.skip(4))?;
    let insert = |mut list: ListMut<'_>| list.insert(pivot, side, element, limits);
    match change(&mut writer, insert).flatten() {
        Some(len) => {
            writer.commit(&[(EventFlags::LIST, "linsert")]);
            reply.int(i64::try_from(len).unwrap_or(i64::MAX));
        }
        None => {
            writer.unchanged();
            reply.int(-1);
        }
    }
    Ok(())
}

fn lrem(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let count = signed_count(request.arg(2))?;
    let needle = request.arg(3).unwrap_or_default();
    let from = if count < 0 { End::Tail } else { End::Head };
    let most = match count.unsigned_abs() {
        0 => usize::MAX,
        most => usize::try_from(most).unwrap_or(usize::MAX),
    };
    let limits = limits(ctx);
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    if writer.view::<ListRef<'_>>()?.is_none() {
        reply.int(0);
        return Ok(());
    }
    let remove = |mut list: ListMut<'_>| list.remove_equal(needle, most, from, limits);
    let removed = change(&mut writer, remove).unwrap_or(0);
    let event = (EventFlags::LIST, "lrem");
    if removed == 0 {
        writer.unchanged();
    } else if writer.remove_if_empty() {
        writer.commit(&[event, (EventFlags::GENERIC, "del")]);
    } else {
        writer.commit(&[event]);
    }
    reply.int(i64::try_from(removed).unwrap_or(i64::MAX));
    Ok(())
}

fn lset(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let limits = limits(ctx);
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    writer.view::<ListRef<'_>>()?.ok_or(Error::NO_SUCH_KEY)?;
    let index = integer(request.arg(2))?;
    let element = request.arg(3).unwrap_or_default();
    check_elements(request.skip(3))?;
    let set = |mut list: ListMut<'_>| list.set(index, element, limits);
    if change(&mut writer, set) != Some(true) {
        writer.unchanged();
        return Err(Error::INDEX_OUT_OF_RANGE);
    }
    writer.commit(&[(EventFlags::LIST, "lset")]);
    reply.ok();
    Ok(())
}

fn ltrim(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (start, stop) = (integer(request.arg(2))?, integer(request.arg(3))?);
    let limits = limits(ctx);
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    reply.ok();
    let Some(len) = writer.view::<ListRef<'_>>()?.map(ListRef::len) else {
        return Ok(());
    };
    let event = (EventFlags::LIST, "ltrim");
    let (start, kept) = range(start, stop, len);
    if kept == 0 {
        writer.remove();
        writer.commit(&[event, (EventFlags::GENERIC, "del")]);
        return Ok(());
    }
    let end = start + kept;
    let big = change(&mut writer, |mut list| {
        let big = list.take_range(start, end, limits);
        if big.is_none() {
            list.remove_range(end, len - end, limits);
            list.remove_range(0, start, limits);
        }
        big
    });
    if let Some(kept) = big.flatten() {
        // What is left in the old value is freed piecemeal.
        kept.store(|value| writer.put(value, Expire::Keep));
    }
    writer.commit(&[event]);
    if kept == len {
        // Watchers and listeners hear of it, but there is nothing to hand on.
        ctx.no_effect();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;
    use alloc::format;

    #[test]
    fn elements_are_inserted_beside_others() {
        for size in ["-2", "2"] {
            let mut kit = Kit::new();
            kit.run(&format!("CONFIG SET list-max-listpack-size {size}"));
            kit.run("RPUSH l a b c b");
            assert_eq!(kit.run("LINSERT l before b x"), "(integer) 5");
            assert_eq!(kit.run("LINSERT l AFTER b y"), "(integer) 6");
            assert_eq!(kit.run("LINSERT l AFTER none y"), "(integer) -1");
            assert_eq!(
                kit.run("LRANGE l 0 -1"),
                r#"["a", "x", "b", "y", "c", "b"]"#
            );
            assert_eq!(kit.run("LINSERT none BEFORE a b"), "(integer) 0");
            assert_eq!(kit.run("LINSERT l BESIDE a b"), "(error) ERR syntax error");
        }
    }

    #[test]
    fn equal_elements_are_removed() {
        for size in ["-2", "2"] {
            let mut kit = Kit::new();
            kit.run(&format!("CONFIG SET list-max-listpack-size {size}"));
            kit.run("RPUSH l a b a 1 a a b 1");
            assert_eq!(kit.run("LREM l 1 a"), "(integer) 1");
            assert_eq!(kit.run("LREM l -2 a"), "(integer) 2");
            assert_eq!(kit.run("LRANGE l 0 -1"), r#"["b", "a", "1", "b", "1"]"#);
            assert_eq!(kit.run("LREM l 0 1"), "(integer) 2");
            assert_eq!(kit.run("LREM l 0 none"), "(integer) 0");
            assert_eq!(kit.run("LREM l 9 b"), "(integer) 2");
            assert_eq!(kit.run("LREM l 0 a"), "(integer) 1");
            assert_eq!(kit.run("EXISTS l"), "(integer) 0");
            assert_eq!(kit.run("LREM none 0 a"), "(integer) 0");
        }
    }

    #[test]
    fn elements_are_replaced() {
        for size in ["-2", "2"] {
            let mut kit = Kit::new();
            kit.run(&format!("CONFIG SET list-max-listpack-size {size}"));
            let out = "(error) ERR index out of range";
            assert_eq!(kit.run("LSET none 0 a"), "(error) ERR no such key");
            kit.run("RPUSH l a b c");
            assert_eq!(kit.run("LSET l 1 22"), "OK");
            assert_eq!(kit.run("LSET l -1 last"), "OK");
            assert_eq!(kit.run("LSET l 3 x"), out);
            assert_eq!(kit.run("LSET l -4 x"), out);
            assert!(
                kit.run("LSET l x x")
                    .starts_with("(error) ERR value is not an integer")
            );
            assert_eq!(kit.run("LRANGE l 0 -1"), r#"["a", "22", "last"]"#);
        }
    }

    #[test]
    fn ranges_are_kept() {
        for size in ["-2", "2"] {
            let mut kit = Kit::new();
            kit.run(&format!("CONFIG SET list-max-listpack-size {size}"));
            kit.run("RPUSH l 0 1 2 3 4 5 6");
            assert_eq!(kit.run("LTRIM l 1 -2"), "OK");
            assert_eq!(kit.run("LTRIM l -9 9"), "OK");
            assert_eq!(kit.run("LRANGE l 0 -1"), r#"["1", "2", "3", "4", "5"]"#);
            assert_eq!(kit.run("LTRIM l 2 2"), "OK");
            assert_eq!(kit.run("LRANGE l 0 -1"), r#"["3"]"#);
            assert_eq!(kit.run("LTRIM l 1 0"), "OK");
            assert_eq!(kit.run("EXISTS l"), "(integer) 0");
            assert_eq!(kit.run("LTRIM none 0 1"), "OK");
        }
    }

    #[test]
    fn a_long_list_is_cut_to_a_new_one() {
        let mut kit = Kit::new();
        kit.run("CONFIG SET list-max-listpack-size 1");
        let words: alloc::vec::Vec<_> = (0..1000).map(|n| format!("{n}")).collect();
        kit.run(&format!("RPUSH l {}", words.join(" ")));
        kit.run("EXPIRE l 100");
        assert_eq!(kit.run("LTRIM l 500 502"), "OK");
        assert_eq!(kit.run("LRANGE l 0 -1"), r#"["500", "501", "502"]"#);
        assert_eq!(kit.run("TTL l"), "(integer) 100");
    }
}
