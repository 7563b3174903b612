//! Reading a list: LINDEX, LLEN, LPOS, LRANGE.

use vk_data::{
    list::{End, ListRef},
    listpack::Item,
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{integer, range, signed_count, write_element};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const LINDEX: Command = Command {
    spec: CommandSpec {
        name: "lindex",
        group: Group::List,
        since: "1.0.0",
        summary: "Returns the element with an index.",
        complexity: "O(N) where N is the number of elements between the nearer end and the index",
        arity: 3,
        categories: Categories::LIST,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::integer("index")],
        ..CommandSpec::NEW
    },
    run: Run::Read(lindex),
};

pub(super) const LLEN: Command = Command {
    spec: CommandSpec {
        name: "llen",
        group: Group::List,
        since: "1.0.0",
        summary: "Returns the length of a list.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::LIST,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(llen),
};

pub(super) const LPOS: Command = Command {
    spec: CommandSpec {
        name: "lpos",
        group: Group::List,
        since: "6.0.6",
        summary: "Returns the indexes of elements that are equal to one.",
        complexity: "O(N) where N is the number of elements that are looked at",
        arity: -3,
        categories: Categories::LIST,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("element"),
            ArgSpec::integer("rank").token("RANK").optional(),
            ArgSpec::integer("num-matches").token("COUNT").optional(),
            ArgSpec::integer("len").token("MAXLEN").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(lpos),
};

pub(super) const LRANGE: Command = Command {
    spec: CommandSpec {
        name: "lrange",
        group: Group::List,
        since: "1.0.0",
        summary: "Returns the elements between two indexes.",
        complexity: "O(S+N) where S is the distance of the range from the nearer end and N the \
            number of its elements",
        arity: 4,
        categories: Categories::LIST,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("start"),
            ArgSpec::integer("stop"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(lrange),
};

fn lindex(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    // The index of a list that is not there is not looked at.
    let Some(list) = ctx.view::<ListRef<'_>>(key)? else {
        reply.null();
        return Ok(());
    };
    match list.get(integer(request.arg(2))?) {
        Some(item) => write_element(reply, item),
        None => reply.null(),
    }
    Ok(())
}

fn llen(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let len = ctx.view::<ListRef<'_>>(key)?.map_or(0, ListRef::len);
    reply.int(number(len));
    Ok(())
}

fn lrange(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (start, stop) = (integer(request.arg(2))?, integer(request.arg(3))?);
    let key = ctx.key(0)?;
    let Some(list) = ctx.view::<ListRef<'_>>(key)? else {
        reply.array(0);
        return Ok(());
    };
    let (start, count) = range(start, stop, list.len());
    reply.array(count);
    list.visit(start, count, End::Head, |item| match item {
        Item::Int(value) => reply.bulk_int(value),
        Item::Bytes(bytes) => reply.bulk_in_loop(bytes),
    });
    Ok(())
}

/// What LPOS looks for.
struct Search {
    from: End,
    /// The first match that counts, from 1 on.
    rank: u64,
    /// Matches to be told, 0 for all; without it one is told, and not in an array.
    count: Option<usize>,
    /// Elements to be looked at.
    scanned: usize,
}

impl Search {
    fn parse(options: Request<'_>) -> Result<Self, Error> {
        let mut search = Self {
            from: End::Head,
            rank: 1,
            count: None,
            scanned: usize::MAX,
        };
        let mut words = options.into_iter();
        while let Some(word) = words.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let known = is("rank") || is("count") || is("maxlen");
            let value = words.next().filter(|_| known).ok_or(Error::SYNTAX)?;
            if is("rank") {
                let rank = signed_count(Some(value))?;
                if rank == 0 {
                    return Err(Error::RANK_ZERO);
                }
                search.from = if rank < 0 { End::Tail } else { End::Head };
                search.rank = rank.unsigned_abs();
            } else if is("count") {
                search.count = Some(natural(value).ok_or(Error::COUNT_NEGATIVE)?);
            } else {
                search.scanned = match natural(value).ok_or(Error::MAXLEN_NEGATIVE)? {
                    0 => usize::MAX,
                    scanned => scanned,
                };
            }
        }
        Ok(search)
    }
}

fn lpos(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let needle = request.arg(2).unwrap_or_default();
    let search = Search::parse(request.skip(3))?;
    let key = ctx.key(0)?;
    let Some(list) = ctx.view::<ListRef<'_>>(key)? else {
        match search.count {
            Some(_) => reply.array(0),
            None => reply.null(),
        }
        return Ok(());
    };
    let mut before = search.rank - 1;
    let Some(count) = search.count else {
        let mut first = None;
        list.positions(needle, search.from, search.scanned, |index| {
            first = (before == 0).then_some(index);
            before = before.saturating_sub(1);
            first.is_none()
        });
        match first {
            Some(index) => reply.int(number(index)),
            None => reply.null(),
        }
        return Ok(());
    };
    let array = reply.deferred_array();
    let mut told = 0;
    list.positions(needle, search.from, search.scanned, |index| {
        if before > 0 {
            before -= 1;
            return true;
        }
        reply.int(number(index));
        told += 1;
        told != count
    });
    reply.finish(array, told);
    Ok(())
}

/// A number that is not negative.
fn natural(word: &[u8]) -> Option<usize> {
    usize::try_from(vk_data::num::parse_i64(word)?).ok()
}

fn number(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn elements_are_found_by_index() {
        for size in ["-2", "2"] {
            let mut kit = Kit::new();
            kit.run(&alloc::format!("CONFIG SET list-max-listpack-size {size}"));
            kit.run("RPUSH l a 1 c 2 e");
            assert_eq!(kit.run("LINDEX l 0"), "\"a\"");
            assert_eq!(kit.run("LINDEX l 3"), "\"2\"");
            assert_eq!(kit.run("LINDEX l -1"), "\"e\"");
            assert_eq!(kit.run("LINDEX l -5"), "\"a\"");
            for index in ["5", "-6", "9223372036854775807", "-9223372036854775808"] {
                assert_eq!(kit.run(&alloc::format!("LINDEX l {index}")), "(nil)");
            }
            assert_eq!(kit.run("LRANGE l 1 3"), r#"["1", "c", "2"]"#);
            assert_eq!(kit.run("LRANGE l -2 9"), r#"["2", "e"]"#);
            assert_eq!(kit.run("LRANGE l 3 1"), "[]");
            assert_eq!(kit.run("LLEN l"), "(integer) 5");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_order() {
        let mut kit = Kit::new();
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("LINDEX none x"), "(nil)");
        assert_eq!(kit.run("LRANGE none x 1"), no_int);
        assert_eq!(kit.run("LRANGE none 0 1"), "[]");
        assert_eq!(kit.run("LLEN none"), "(integer) 0");
        kit.run("RPUSH l a");
        assert_eq!(kit.run("LINDEX l x"), no_int);
        kit.run("SET s v");
        for line in ["LINDEX s x", "LRANGE s 0 1", "LLEN s", "LPOS s a"] {
            assert!(kit.run(line).starts_with("(error) WRONGTYPE"), "{line}");
        }
    }

    #[test]
    fn positions() {
        for size in ["-2", "2"] {
            let mut kit = Kit::new();
            kit.run(&alloc::format!("CONFIG SET list-max-listpack-size {size}"));
            kit.run("RPUSH l a b c 1 2 3 c c");
            let cases = [
                ("c", "(integer) 2"),
                ("c RANK 2", "(integer) 6"),
                ("c RANK -1", "(integer) 7"),
                ("c RANK 4", "(nil)"),
                ("c RANK -4 COUNT 0", "[]"),
                ("c COUNT 0", "[(integer) 2, (integer) 6, (integer) 7]"),
                ("c COUNT 2", "[(integer) 2, (integer) 6]"),
                ("c COUNT 1 RANK 2", "[(integer) 6]"),
                ("c COUNT 2 RANK -1", "[(integer) 7, (integer) 6]"),
                ("c MAXLEN 2", "(nil)"),
                ("c MAXLEN 3", "(integer) 2"),
                ("c MAXLEN 7 RANK -2 COUNT 0", "[(integer) 6, (integer) 2]"),
                ("c MAXLEN 7 COUNT 0", "[(integer) 2, (integer) 6]"),
                ("1", "(integer) 3"),
                ("01", "(nil)"),
                ("x COUNT 1", "[]"),
                ("c MAXLEN 0", "(integer) 2"),
                ("c RANK 9223372036854775807", "(nil)"),
            ];
            for (args, expected) in cases {
                let line = alloc::format!("LPOS l {args}");
                assert_eq!(kit.run(&line), expected, "{line}");
            }
        }
    }

    #[test]
    fn positions_of_nonsense() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("LPOS none a"), "(nil)");
        assert_eq!(kit.run("LPOS none a COUNT 1"), "[]");
        let cases = [
            (
                "RANK 0",
                "ERR RANK can't be zero: use 1 to start from the first match, 2 from \
                the second ... or use negative to start from the end of the list",
            ),
            ("RANK x", "ERR value is not an integer or out of range"),
            (
                "RANK -9223372036854775808",
                "ERR value is out of range, value must between \
                -9223372036854775807 and 9223372036854775807",
            ),
            ("COUNT -1", "ERR COUNT can't be negative"),
            ("COUNT x", "ERR COUNT can't be negative"),
            ("MAXLEN -1", "ERR MAXLEN can't be negative"),
            ("COUNT", "ERR syntax error"),
            ("NONE 1", "ERR syntax error"),
        ];
        for (args, error) in cases {
            let line = alloc::format!("LPOS none a {args}");
            assert_eq!(kit.run(&line), alloc::format!("(error) {error}"), "{line}");
        }
    }
}
