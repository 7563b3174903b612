//! Taking the first or last members out: ZPOPMIN, ZPOPMAX, ZMPOP.

use vk_data::{
    num::parse_i64,
    zset::{ZSetMut, ZSetRef},
};
use vk_resp::{Protocol, ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{commit_removal, reply_member};
use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    ctx::WriteCtx,
};

/// Which end.
pub(super) const WHERE: ArgSpec = ArgSpec::one_of(
    "where",
    &[
        ArgSpec::pure_token("min", "MIN"),
        ArgSpec::pure_token("max", "MAX"),
    ],
);

pub(super) const ZMPOP: Command = Command {
    spec: CommandSpec {
        name: "zmpop",
        group: Group::SortedSet,
        since: "7.0.0",
        summary: "Takes the first or last members of the first sorted set that has any.",
        complexity: "O(K)+O(M*log(N)) for K keys and M members of N",
        arity: -4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::counted(
            1,
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            WHERE,
            ArgSpec::integer("count").token("COUNT").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zmpop),
};

pub(super) const ZPOPMIN: Command = Command {
    spec: CommandSpec {
        name: "zpopmin",
        group: Group::SortedSet,
        since: "5.0.0",
        summary: "Removes and tells the members with the lowest scores.",
        complexity: "O(log(N)*M) for M members of N",
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[ArgSpec::key("key", 0), ArgSpec::integer("count").optional()],
        ..CommandSpec::NEW
    },
    run: Run::Write(zpopmin),
};

pub(super) const ZPOPMAX: Command = Command {
    spec: CommandSpec {
        name: "zpopmax",
        group: Group::SortedSet,
        since: "5.0.0",
        summary: "Removes and tells the members with the highest scores.",
        complexity: "O(log(N)*M) for M members of N",
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[ArgSpec::key("key", 0), ArgSpec::integer("count").optional()],
        ..CommandSpec::NEW
    },
    run: Run::Write(zpopmax),
};

/// The end that members are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Min,
    Max,
}

impl End {
    /// The command that takes them from there, in capitals and as the event is called.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Min => ("ZPOPMIN", "zpopmin"),
            Self::Max => ("ZPOPMAX", "zpopmax"),
        }
    }
}

/// How the elements stand in the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Member, score, member, score.
    Flat,
    /// An array of arrays of member and score.
    Nested,
    /// The key, member, score.
    FlatWithKey,
    /// The key, and an array as `Nested`.
    NestedWithKey,
}

impl Layout {
    fn begin(self, reply: &mut ReplyBuf, key: KeyRef<'_>, count: usize) {
        match self {
            Self::Flat => reply.array(2 * count),
            Self::Nested => reply.array(count),
            Self::FlatWithKey => {
                reply.array(2 * count + 1);
                reply.bulk(key.bytes());
            }
            Self::NestedWithKey => {
                reply.array(2);
                reply.bulk(key.bytes());
                reply.array(count);
            }
        }
    }
}

fn zpopmin(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    pop_one(ctx, request, End::Min, reply)
}

fn zpopmax(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    pop_one(ctx, request, End::Max, reply)
}

fn pop_one(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    end: End,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let count = match (request.len(), request.arg(2)) {
        (2, _) => None,
        (3, Some(word)) => {
            let count = parse_i64(word).and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(Error::NOT_POSITIVE)?)
        }
        _ => return Err(Error::SYNTAX),
    };
    let layout = match (count, reply.protocol()) {
        (Some(_), Protocol::Resp3) => Layout::Nested,
        _ => Layout::Flat,
    };
    if pop(ctx, ctx.key(0)?, end, count.unwrap_or(1), layout, reply)?.is_none() {
        reply.array(0);
    }
    Ok(())
}

/// Takes up to `count` members out and tells them; returns how many, or `None` (and nothing is
/// told) if there is none to take.
pub(super) fn pop(
    ctx: &mut WriteCtx<'_>,
    key: KeyRef<'_>,
    end: End,
    count: usize,
    layout: Layout,
    reply: &mut ReplyBuf,
) -> Result<Option<usize>, Error> {
    let mut writer = ctx.write(key);
    let len = writer.view()?.map_or(0, ZSetRef::len);
    let count = count.min(len);
    if count == 0 {
        return Ok(None);
    }
    layout.begin(reply, key, count);
    if let Some(mut entry) = writer.modify()
        && let Some(mut zset) = entry.body_mut().and_then(ZSetMut::of)
    {
        let mut tell = |member: vk_data::zset::Member<'_>, score| {
            if matches!(layout, Layout::Nested | Layout::NestedWithKey) {
                reply.array(2);
            }
            reply_member(reply, member);
            reply.double(score);
        };
        match end {
            End::Min => zset.pop_min(count, &mut tell),
            End::Max => zset.pop_max(count, &mut tell),
        };
    }
    commit_removal(writer, end.names().1);
    Ok(Some(count))
}

/// The effect of having taken members out: what was found by waiting or by trying keys is certain.
pub(super) fn hand_on(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, end: End, count: Option<usize>) {
    if !ctx.wants_effects() {
        return;
    }
    let name = end.names().0.as_bytes();
    match count {
        None => ctx.effect([name, key.bytes()]),
        Some(count) => {
            let mut digits = itoa::Buffer::new();
            ctx.effect([name, key.bytes(), digits.format(count).as_bytes()]);
        }
    }
}

fn zmpop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let several = Several::parse(request, 1)?;
    for key in ctx.keys() {
        if several.pop(ctx, *key, reply)? {
            return Ok(());
        }
    }
    reply.null_array();
    Ok(())
}

/// What ZMPOP and BZMPOP are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Several {
    end: End,
    count: usize,
}

impl Several {
    /// Reads the words from the number of keys on.
    pub(super) fn parse(request: Request<'_>, at: usize) -> Result<Self, Error> {
        let positive = |word: Option<&[u8]>| {
            let number = word.and_then(parse_i64).filter(|number| *number > 0)?;
            Some(usize::try_from(number).unwrap_or(usize::MAX))
        };
        let keys = positive(request.arg(at)).ok_or(Error::NUMKEYS_NOT_POSITIVE)?;
        let at = at.saturating_add(keys).saturating_add(1);
        let end = match request.arg(at) {
            Some(word) if word.eq_ignore_ascii_case(b"MIN") => End::Min,
            Some(word) if word.eq_ignore_ascii_case(b"MAX") => End::Max,
            _ => return Err(Error::SYNTAX),
        };
        let rest = request.skip(at + 1);
        let count = match (rest.len(), rest.arg(0)) {
            (0, _) => 1,
            (len, Some(word)) if len > 1 && word.eq_ignore_ascii_case(b"COUNT") => {
                let count = positive(rest.arg(1)).ok_or(Error::COUNT_NOT_POSITIVE)?;
                if len > 2 {
                    return Err(Error::SYNTAX);
                }
                count
            }
            _ => return Err(Error::SYNTAX),
        };
        Ok(Self { end, count })
    }

    /// Takes members of one key; tells whether there were any.
    pub(super) fn pop(
        self,
        ctx: &mut WriteCtx<'_>,
        key: KeyRef<'_>,
        reply: &mut ReplyBuf,
    ) -> Result<bool, Error> {
        let layout = Layout::NestedWithKey;
        let popped = pop(ctx, key, self.end, self.count, layout, reply)?;
        if popped.is_some() {
            hand_on(ctx, key, self.end, popped);
        }
        Ok(popped.is_some())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{cmd::string::effects_of, testkit::Kit};

    #[test]
    fn takes_members_out() {
        let mut kit = Kit::new();
        for entries in [128, 0] {
            kit.run(&format!("CONFIG SET zset-max-listpack-entries {entries}"));
            kit.run("ZADD z 1 a 2 b 3 c 4 d 5 e");
            assert_eq!(kit.run("ZPOPMIN z"), "[\"a\", \"1\"]");
            assert_eq!(kit.run("ZPOPMAX z 2"), "[\"e\", \"5\", \"d\", \"4\"]");
            assert_eq!(kit.run("ZPOPMIN z 0"), "[]");
            assert_eq!(effects_of(&mut kit, "ZPOPMIN z 9"), "ZPOPMIN z 9");
            assert_eq!(kit.run("EXISTS z"), "(integer) 0");
            assert_eq!(kit.run("ZPOPMIN z 5"), "[]");
        }
        kit.run("HELLO 3");
        kit.run("ZADD z 1 a 2 b");
        assert_eq!(kit.run("ZPOPMIN z"), "[\"a\", Double(1.0)]");
        assert_eq!(kit.run("ZPOPMIN z 1"), "[[\"b\", Double(2.0)]]");
    }

    #[test]
    fn takes_from_the_first_key_that_has_any() {
        let mut kit = Kit::new();
        kit.run("ZADD y 1 a 2 b");
        kit.run("ZADD z 3 c");
        let line = "ZMPOP 3 x y z MAX COUNT 5";
        assert_eq!(effects_of(&mut kit, line), "ZPOPMAX y 2");
        assert_eq!(kit.run("ZMPOP 2 y z min"), "[\"z\", [[\"c\", \"3\"]]]");
        assert_eq!(kit.run("ZMPOP 2 y z min"), "(nil)");
        kit.run("SET s 1");
        assert!(kit.run("ZMPOP 2 y s min").starts_with("(error) WRONGTYPE"));
    }

    #[test]
    fn refuses_what_is_no_count() {
        let mut kit = Kit::new();
        let positive = "value is out of range, must be positive";
        let numkeys = "numkeys should be greater than 0";
        let count = "count should be greater than 0";
        for (line, text) in [
            ("ZPOPMIN z -1", positive),
            ("ZPOPMIN z x", positive),
            ("ZPOPMIN z 1 2", "syntax error"),
            ("ZMPOP 0 z MIN", numkeys),
            ("ZMPOP x z MIN", numkeys),
            ("ZMPOP 1 z FOO", "syntax error"),
            ("ZMPOP 2 z MIN", "syntax error"),
            ("ZMPOP 9223372036854775807 z MIN", "syntax error"),
            ("ZMPOP 1 z MIN COUNT 0", count),
            ("ZMPOP 1 z MIN COUNT", "syntax error"),
            ("ZMPOP 1 z MIN COUNT 1 COUNT 1", "syntax error"),
        ] {
            assert_eq!(kit.run(line), format!("(error) ERR {text}"), "{line}");
        }
    }
}
