//! OBJECT: how values are stored and used.

use vk_data::{entry::DbEntry, value::StrRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::inspect::inspect_quietly;
use crate::{
    Error,
    cmd::{Command, Run, help::help},
    config::{Config, id},
    ctx::ReadCtx,
};

pub(super) const OBJECT: Command = Command {
    spec: CommandSpec {
        name: "object",
        group: Group::Generic,
        since: "2.2.3",
        summary: "Tells how values are stored and used.",
        complexity: "Depends on subcommand.",
        arity: -2,
        ..CommandSpec::NEW
    },
    run: Run::Container(&[
        OBJECT_ENCODING,
        OBJECT_FREQ,
        OBJECT_HELP,
        OBJECT_IDLETIME,
        OBJECT_REFCOUNT,
    ]),
};

pub(super) const OBJECT_ENCODING: Command = Command {
    spec: CommandSpec {
        name: "encoding",
        group: Group::Generic,
        since: "2.2.3",
        summary: "Tells how the value of a key is stored.",
        complexity: "O(1)",
        arity: 3,
        categories: Categories::KEYSPACE,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(2, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(encoding),
};

pub(super) const OBJECT_FREQ: Command = Command {
    spec: CommandSpec {
        name: "freq",
        group: Group::Generic,
        since: "4.0.0",
        summary: "Tells how often a key is used, on a logarithmic scale.",
        complexity: "O(1)",
        arity: 3,
        categories: Categories::KEYSPACE,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(2, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(freq),
};

pub(super) const OBJECT_HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        group: Group::Generic,
        since: "6.2.0",
        summary: "Tells about the subcommands.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        categories: Categories::KEYSPACE,
        ..CommandSpec::NEW
    },
    run: Run::Session(help),
};

pub(super) const OBJECT_IDLETIME: Command = Command {
    spec: CommandSpec {
        name: "idletime",
        group: Group::Generic,
        since: "2.2.3",
        summary: "Tells for how many seconds a key was not used.",
        complexity: "O(1)",
        arity: 3,
        categories: Categories::KEYSPACE,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(2, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(idletime),
};

pub(super) const OBJECT_REFCOUNT: Command = Command {
    spec: CommandSpec {
        name: "refcount",
        group: Group::Generic,
        since: "2.2.3",
        summary: "Tells how many users the value of a key has.",
        complexity: "O(1)",
        arity: 3,
        categories: Categories::KEYSPACE,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(2, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(refcount),
};

/// What Valkey tells of a value that any number of keys share.
const SHARED: i64 = i32::MAX as i64;
/// Integers below this one are shared in Valkey. They take no memory of their own here, either.
const SHARED_INTEGERS: i64 = 10_000;

fn encoding(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    match inspect_quietly(ctx, key) {
        None => reply.null(),
        Some(entry) => reply.bulk(entry.encoding().name().as_bytes()),
    }
    Ok(())
}

fn refcount(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let shares = shares_integers(ctx.config());
    match inspect_quietly(ctx, key) {
        None => reply.null(),
        Some(entry) if shares && is_small_integer(entry) => reply.int(SHARED),
        Some(_) => reply.int(1),
    }
    Ok(())
}

fn idletime(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let Some(access) = inspect_quietly(ctx, key).map(DbEntry::access) else {
        reply.null();
        return Ok(());
    };
    if uses_lfu(ctx.config()) {
        return Err(Error::LFU_SELECTED);
    }
    let seconds = ctx.engine.idle_ms(access) / 1000;
    reply.int(i64::try_from(seconds).unwrap_or(i64::MAX));
    Ok(())
}

fn freq(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let Some(access) = inspect_quietly(ctx, key).map(DbEntry::access) else {
        reply.null();
        return Ok(());
    };
    if !uses_lfu(ctx.config()) {
        return Err(Error::LFU_NOT_SELECTED);
    }
    reply.int(ctx.engine.lfu_counter(access).into());
    Ok(())
}

fn uses_lfu(config: &Config) -> bool {
    config.choice(id::MAXMEMORY_POLICY).ends_with("-lfu")
}

/// Values that are shared cannot have a record of use of their own.
fn shares_integers(config: &Config) -> bool {
    let policy = config.choice(id::MAXMEMORY_POLICY);
    let needs_record = policy.ends_with("-lfu") || policy.ends_with("-lru");
    config.size(id::MAXMEMORY) == 0 || !needs_record
}

fn is_small_integer(entry: &DbEntry) -> bool {
    matches!(entry.str(), Some(StrRef::Int(0..SHARED_INTEGERS)))
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn tells_encodings() {
        let mut kit = Kit::new();
        kit.run("MSET i 12 e abc");
        kit.run(&alloc::format!("SET r {}", "x".repeat(45)));
        assert_eq!(kit.run("OBJECT ENCODING i"), "\"int\"");
        assert_eq!(kit.run("OBJECT ENCODING e"), "\"embstr\"");
        assert_eq!(kit.run("OBJECT ENCODING r"), "\"raw\"");
        kit.run("APPEND e d");
        assert_eq!(kit.run("OBJECT ENCODING e"), "\"raw\"");
        assert_eq!(kit.run("OBJECT ENCODING none"), "(nil)");
        assert_eq!(kit.run("OBJECT REFCOUNT e"), "(integer) 1");
        assert_eq!(kit.run("OBJECT REFCOUNT i"), "(integer) 2147483647");
        assert!(kit.run("OBJECT HELP").contains("ENCODING"));
    }

    #[test]
    fn uses_are_told_as_they_are_recorded() {
        let mut kit = Kit::new();
        kit.run("SET a 1");
        assert!(kit.run("OBJECT FREQ a").starts_with("(error) ERR An LFU"));
        kit.sleep_ms(3000);
        assert_eq!(kit.run("OBJECT IDLETIME a"), "(integer) 3");
        let set = "CONFIG SET maxmemory-policy allkeys-lfu";
        assert_eq!(kit.run(set), "OK");
        kit.run("SET b 1");
        assert_eq!(kit.run("OBJECT FREQ b"), "(integer) 5");
        assert!(
            kit.run("OBJECT IDLETIME b")
                .starts_with("(error) ERR An LFU")
        );
        assert_eq!(kit.run("OBJECT FREQ none"), "(nil)");
    }
}
