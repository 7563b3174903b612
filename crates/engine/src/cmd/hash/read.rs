//! Reading hashes: HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HSTRLEN, HEXISTS.

use vk_data::{hash::HashRef, value::StrRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{length, now_ms, tell, tell_or_null};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const HEXISTS: Command = Command {
    spec: CommandSpec {
        name: "hexists",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Tells whether a hash has a field.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("field")],
        ..CommandSpec::NEW
    },
    run: Run::Read(hexists),
};

pub(super) const HGET: Command = Command {
    spec: CommandSpec {
        name: "hget",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Tells the value of a field.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("field")],
        ..CommandSpec::NEW
    },
    run: Run::Read(hget),
};

pub(super) const HGETALL: Command = Command {
    spec: CommandSpec {
        name: "hgetall",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Tells all fields with their values.",
        complexity: "O(N) where N is the number of fields",
        arity: 2,
        categories: Categories::HASH,
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(hgetall),
};

pub(super) const HKEYS: Command = Command {
    spec: CommandSpec {
        name: "hkeys",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Tells the names of all fields.",
        complexity: "O(N) where N is the number of fields",
        arity: 2,
        categories: Categories::HASH,
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(hkeys),
};

pub(super) const HLEN: Command = Command {
    spec: CommandSpec {
        name: "hlen",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Tells the number of fields.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(hlen),
};

pub(super) const HMGET: Command = Command {
    spec: CommandSpec {
        name: "hmget",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Tells the values of several fields.",
        complexity: "O(N) where N is the number of fields asked for",
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("field").multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(hmget),
};

pub(super) const HSTRLEN: Command = Command {
    spec: CommandSpec {
        name: "hstrlen",
        group: Group::Hash,
        since: "3.2.0",
        summary: "Tells the number of bytes of a field's value.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("field")],
        ..CommandSpec::NEW
    },
    run: Run::Read(hstrlen),
};

pub(super) const HVALS: Command = Command {
    spec: CommandSpec {
        name: "hvals",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Tells the values of all fields.",
        complexity: "O(N) where N is the number of fields",
        arity: 2,
        categories: Categories::HASH,
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(hvals),
};

fn hget(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell_or_null(reply, value(ctx, request)?);
    Ok(())
}

fn hstrlen(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let bytes = value(ctx, request)?.map_or(0, StrRef::byte_len);
    reply.int(length(bytes));
    Ok(())
}

fn hexists(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    reply.int(value(ctx, request)?.is_some().into());
    Ok(())
}

/// The value of the field that word 2 names.
#[inline]
fn value<'v>(ctx: &'v mut ReadCtx<'_>, request: Request<'_>) -> Result<Option<StrRef<'v>>, Error> {
    let (key, now) = (ctx.key(0)?, now_ms(ctx));
    let name = request.arg(2).unwrap_or_default();
    let hash = ctx.view::<HashRef<'_>>(key)?;
    Ok(hash.and_then(|hash| hash.get(name, now)))
}

fn hmget(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (key, now) = (ctx.key(0)?, now_ms(ctx));
    let hash = ctx.view::<HashRef<'_>>(key)?;
    let names = request.skip(2);
    reply.array(names.len());
    for name in names {
        tell_or_null(reply, hash.and_then(|hash| hash.get(name, now)));
    }
    Ok(())
}

fn hlen(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let hash = ctx.view::<HashRef<'_>>(key)?;
    reply.int(length(hash.map_or(0, HashRef::len)));
    Ok(())
}

fn hgetall(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell_all(ctx, reply, Part::Pairs)
}

fn hkeys(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell_all(ctx, reply, Part::Names)
}

fn hvals(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell_all(ctx, reply, Part::Values)
}

/// What is told of each field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Names,
    Values,
    Pairs,
}

fn tell_all(ctx: &mut ReadCtx<'_>, reply: &mut ReplyBuf, part: Part) -> Result<(), Error> {
    let (key, now) = (ctx.key(0)?, now_ms(ctx));
    let Some(hash) = ctx.view::<HashRef<'_>>(key)? else {
        header(reply, part, 0);
        return Ok(());
    };
    if !hash.has_expiry() {
        header(reply, part, hash.len());
        tell_fields(hash, now, reply, part);
        return Ok(());
    }
    // How many of the fields have expired is known only when all were looked at.
    let deferred = match part {
        Part::Pairs => reply.deferred_map(),
        Part::Names | Part::Values => reply.deferred_array(),
    };
    let told = tell_fields(hash, now, reply, part);
    reply.finish(deferred, told);
    Ok(())
}

fn header(reply: &mut ReplyBuf, part: Part, len: usize) {
    match part {
        Part::Pairs => reply.map(len),
        Part::Names | Part::Values => reply.array(len),
    }
}

/// Tells the fields that live, and how many they are.
fn tell_fields(hash: HashRef<'_>, now_ms: i64, reply: &mut ReplyBuf, part: Part) -> usize {
    let mut told = 0_usize;
    hash.for_each(now_ms, &mut |name, value| {
        told = told.wrapping_add(1);
        if part != Part::Values {
            tell(reply, name);
        }
        if part != Part::Names {
            tell(reply, value);
        }
    });
    told
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, format, string::String};

    use crate::testkit::Kit;

    #[test]
    fn reads_what_was_stored() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("HSET h a 1 b two c \"\""), "(integer) 3");
        assert_eq!(kit.run("HGET h a"), "\"1\"");
        assert_eq!(kit.run("HGET h c"), "\"\"");
        assert_eq!(kit.run("HGET h none"), "(nil)");
        assert_eq!(kit.run("HGET none a"), "(nil)");
        assert_eq!(
            kit.run("HMGET h b none a a"),
            "[\"two\", (nil), \"1\", \"1\"]"
        );
        assert_eq!(kit.run("HMGET none a b"), "[(nil), (nil)]");
        assert_eq!(kit.run("HLEN h"), "(integer) 3");
        assert_eq!(kit.run("HLEN none"), "(integer) 0");
        assert_eq!(kit.run("HSTRLEN h b"), "(integer) 3");
        assert_eq!(kit.run("HSTRLEN h none"), "(integer) 0");
        assert_eq!(kit.run("HEXISTS h c"), "(integer) 1");
        assert_eq!(kit.run("HEXISTS h none"), "(integer) 0");
        assert_eq!(kit.run("HKEYS h"), "[\"a\", \"b\", \"c\"]");
        assert_eq!(kit.run("HVALS h"), "[\"1\", \"two\", \"\"]");
        assert_eq!(
            kit.run("HGETALL h"),
            "[\"a\", \"1\", \"b\", \"two\", \"c\", \"\"]"
        );
        assert_eq!(kit.run("HGETALL none"), "[]");
        kit.run("HELLO 3");
        assert_eq!(
            kit.run("HGETALL h"),
            "{\"a\": \"1\", \"b\": \"two\", \"c\": \"\"}"
        );
        assert_eq!(kit.run("HGETALL none"), "{}");
    }

    #[test]
    fn a_large_hash_tells_the_same() {
        let mut kit = Kit::new();
        for at in 0..600 {
            kit.run(&format!("HSET h f{at} v{at}"));
        }
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"hashtable\"");
        assert_eq!(kit.run("HLEN h"), "(integer) 600");
        assert_eq!(kit.run("HGET h f599"), "\"v599\"");
        let all = kit.run("HGETALL h");
        let words: BTreeSet<String> = all.split('"').skip(1).step_by(2).map(Into::into).collect();
        assert_eq!(words.len(), 1200);
        assert_eq!(kit.run("HKEYS h").matches("\"f").count(), 600);
        assert_eq!(kit.run("HVALS h").matches("\"v").count(), 600);
    }

    #[test]
    fn other_types_are_refused() {
        let mut kit = Kit::new();
        kit.run("SET s x");
        let wrong = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
        for line in [
            "HGET s f",
            "HMGET s f",
            "HGETALL s",
            "HKEYS s",
            "HVALS s",
            "HLEN s",
            "HSTRLEN s f",
            "HEXISTS s f",
            "HSET s f v",
            "HMSET s f v",
            "HSETNX s f v",
            "HDEL s f",
            "HINCRBY s f 1",
            "HINCRBYFLOAT s f 1",
            "HRANDFIELD s",
            "HRANDFIELD s 2",
            "HSCAN s 0",
            "HEXPIRE s 1 FIELDS 1 f",
            "HTTL s FIELDS 1 f",
            "HPERSIST s FIELDS 1 f",
            "HSETEX s FIELDS 1 f v",
            "HGETEX s FIELDS 1 f",
            "HGETEX s PERSIST FIELDS 1 f",
            "HGETDEL s FIELDS 1 f",
        ] {
            assert_eq!(kit.run(line), wrong, "{line}");
        }
    }
}
