//! Setting and removing fields: HSET, HMSET, HSETNX, HDEL.

use alloc::vec::Vec;

use vk_data::hash::{FieldExpire, HashRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{
    ArgSpec, Categories, CommandSpec, Deprecation, Flags, Group, History, KeyFlags, KeySpec,
};

use super::{
    EXPIRED, commit_removal, count_expired, edit, effect, length, limits, now_ms, set_pairs,
};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
    pipeline::wrong_arity,
};

pub(super) const HDEL: Command = Command {
    spec: CommandSpec {
        name: "hdel",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Removes fields, and the key with the last of them.",
        complexity: "O(N) where N is the number of fields to remove",
        history: &[History {
            version: "2.4.0",
            change: "Several fields may be named.",
        }],
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("field").multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Write(hdel),
};

pub(super) const HMSET: Command = Command {
    spec: CommandSpec {
        name: "hmset",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Sets the values of fields.",
        complexity: "O(N) where N is the number of fields to set",
        deprecated: Some(Deprecation {
            since: "4.0.0",
            replaced_by: "`HSET` with multiple field-value pairs",
        }),
        arity: -4,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[ArgSpec::key("key", 0), DATA],
        ..CommandSpec::NEW
    },
    run: Run::Write(hmset),
};

pub(super) const HSET: Command = Command {
    spec: CommandSpec {
        name: "hset",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Sets the values of fields and tells how many of them are new.",
        complexity: "O(N) where N is the number of fields to set",
        history: &[History {
            version: "4.0.0",
            change: "Several fields may be set.",
        }],
        arity: -4,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[ArgSpec::key("key", 0), DATA],
        ..CommandSpec::NEW
    },
    run: Run::Write(hset),
};

pub(super) const HSETNX: Command = Command {
    spec: CommandSpec {
        name: "hsetnx",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Sets the value of a field that is not there.",
        complexity: "O(1)",
        arity: 4,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("field"),
            ArgSpec::string("value"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(hsetnx),
};

/// Fields and values in turn.
const DATA: ArgSpec = ArgSpec::block(
    "data",
    &[ArgSpec::string("field"), ArgSpec::string("value")],
)
.multiple();

/// The event of fields that were set.
const SET: (EventFlags, &str) = (EventFlags::HASH, "hset");
/// The event of fields that were removed.
const REMOVED: (EventFlags, &str) = (EventFlags::HASH, "hdel");

fn hset(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let added = set(ctx, request, "hset")?;
    reply.int(length(added));
    Ok(())
}

fn hmset(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    set(ctx, request, "hmset")?;
    reply.ok();
    Ok(())
}

/// Sets all fields, and tells how many of them are new.
fn set(ctx: &mut WriteCtx<'_>, request: Request<'_>, name: &str) -> Result<usize, Error> {
    if request.len() % 2 == 1 {
        return Err(wrong_arity(name));
    }
    let (limits, now, key) = (limits(ctx), now_ms(ctx), ctx.key(0)?);
    let mut writer = ctx.write(key);
    let pairs = (request, 2);
    let (added, over_expired) = set_pairs(&mut writer, pairs, FieldExpire::Never, now, &limits)?;
    if over_expired.is_empty() {
        writer.commit(&[SET]);
    } else {
        writer.commit(&[EXPIRED, SET]);
        count_expired(ctx, over_expired.len());
    }
    Ok(added)
}

fn hsetnx(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (limits, now, key) = (limits(ctx), now_ms(ctx), ctx.key(0)?);
    let name = request.arg(2).unwrap_or_default();
    let mut writer = ctx.write(key);
    let hash = writer.view::<HashRef<'_>>()?;
    if hash.is_some_and(|hash| hash.contains(name, now)) {
        reply.int(0);
        return Ok(());
    }
    let pairs = (request, 2);
    let (_, over_expired) = set_pairs(&mut writer, pairs, FieldExpire::Never, now, &limits)?;
    reply.int(1);
    if over_expired.is_empty() {
        writer.commit(&[SET]);
        return Ok(());
    }
    writer.commit(&[EXPIRED, SET]);
    count_expired(ctx, over_expired.len());
    // Whoever repeats it has the expired field still, and must not find it in the way.
    if ctx.wants_effects() {
        let value = request.arg(3).unwrap_or_default();
        ctx.effect([b"HSET", key.bytes(), name, value]);
    }
    Ok(())
}

fn hdel(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (now, key) = (now_ms(ctx), ctx.key(0)?);
    let wants_effects = ctx.wants_effects();
    let mut writer = ctx.write(key);
    let Some(hash) = writer.view::<HashRef<'_>>()? else {
        reply.int(0);
        return Ok(());
    };
    // An expired field is not removed here, so it must not be removed elsewhere either.
    let names_matter = wants_effects && hash.has_expiry();
    let (mut removed, mut names) = (0_usize, Vec::new());
    edit(&mut writer, |hash| {
        for name in request.skip(2) {
            if hash.remove(name, now) {
                removed = removed.wrapping_add(1);
                if names_matter {
                    names.push(name);
                }
            }
        }
    });
    reply.int(length(removed));
    if removed == 0 {
        writer.unchanged();
        return Ok(());
    }
    commit_removal(writer, REMOVED);
    if names_matter {
        effect(ctx, &[b"HDEL", key.bytes()], &names);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{cmd::string::effects_of, testkit::Kit};

    #[test]
    fn sets_and_counts_what_is_new() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("HSET h a 1 b 2 a 3"), "(integer) 2");
        assert_eq!(kit.run("HGET h a"), "\"3\"");
        assert_eq!(kit.run("HSET h a 4 c 5"), "(integer) 1");
        assert_eq!(kit.run("HMSET h d 6 a 7"), "OK");
        assert_eq!(kit.run("HGETALL h").matches('"').count(), 16);
        assert_eq!(kit.run("HSETNX h a 9"), "(integer) 0");
        assert_eq!(kit.run("HSETNX h e 9"), "(integer) 1");
        assert_eq!(kit.run("HSETNX new e 9"), "(integer) 1");
        assert_eq!(kit.run("HMGET h a e"), "[\"7\", \"9\"]");
        let arity = |name| format!("(error) ERR wrong number of arguments for '{name}' command");
        assert_eq!(kit.run("HSET h a 1 b"), arity("hset"));
        assert_eq!(kit.run("HMSET h a 1 b"), arity("hmset"));
        assert_eq!(kit.run("HMSET h a"), arity("hmset"));
    }

    #[test]
    fn becomes_a_table_at_the_limits() {
        let mut kit = Kit::new();
        kit.run("CONFIG SET hash-max-listpack-entries 3 hash-max-listpack-value 4");
        kit.run("HSET h a 1 b 2 c 3");
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"listpack\"");
        kit.run("HSET h c 4444");
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"listpack\"");
        kit.run("HSET h d 4");
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"hashtable\"");
        kit.run("HDEL h a b c");
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"hashtable\"");
        kit.run("HSET i a 55555");
        assert_eq!(kit.run("OBJECT ENCODING i"), "\"hashtable\"");
        kit.run("HSET j a 1");
        kit.run("HSETNX j aaaaa 1");
        assert_eq!(kit.run("OBJECT ENCODING j"), "\"hashtable\"");
        kit.run("HSET m a 1 a 2 a 3 a 4");
        assert_eq!(kit.run("OBJECT ENCODING m"), "\"hashtable\"");
        assert_eq!(kit.run("HGETALL m"), "[\"a\", \"4\"]");
    }

    #[test]
    fn the_key_goes_with_the_last_field() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1 b 2");
        assert_eq!(kit.run("HDEL h none"), "(integer) 0");
        assert_eq!(kit.run("HDEL h a none a"), "(integer) 1");
        assert_eq!(kit.run("EXISTS h"), "(integer) 1");
        assert_eq!(kit.run("HDEL h b c"), "(integer) 1");
        assert_eq!(kit.run("EXISTS h"), "(integer) 0");
        assert_eq!(kit.run("HDEL h b"), "(integer) 0");
    }

    #[test]
    fn big_values_are_shared_and_changed() {
        let mut kit = Kit::new();
        let big = "x".repeat(100_000);
        let session = kit.session;
        kit.run_words(session, &[b"HSET", b"h", b"f", big.as_bytes()]);
        assert_eq!(kit.run("HSTRLEN h f"), "(integer) 100000");
        assert_eq!(kit.run("HGET h f"), format!("\"{big}\""));
        kit.run("HSET h f small");
        assert_eq!(kit.run("HGET h f"), "\"small\"");
    }

    #[test]
    fn a_value_takes_the_expiry_of_its_field_away() {
        let mut kit = Kit::new();
        kit.run("HSETEX h PX 100 FIELDS 2 a 1 b 2");
        kit.run("HSET h a 2");
        assert_eq!(
            kit.run("HTTL h FIELDS 2 a b"),
            "[(integer) -1, (integer) 0]"
        );
        kit.sleep_ms(101);
        assert_eq!(kit.run("HGETALL h"), "[\"a\", \"2\"]");
    }

    #[test]
    fn expired_fields_are_absent_for_writes() {
        let mut kit = Kit::new();
        let begin = |kit: &mut Kit| {
            kit.run("DEL h");
            kit.run("HSETEX h PX 10 FIELDS 2 a 1 b 2");
            kit.run("HSET h c 3");
            kit.sleep_ms(11);
        };
        begin(&mut kit);
        assert_eq!(kit.run("HSET h a 2 c 3"), "(integer) 1");
        assert_eq!(kit.run("HTTL h FIELDS 1 a"), "[(integer) -1]");
        begin(&mut kit);
        assert_eq!(effects_of(&mut kit, "HSETNX h a 2"), "HSET h a 2");
        assert_eq!(effects_of(&mut kit, "HSETNX h a 2"), "");
        assert_eq!(effects_of(&mut kit, "HSETNX h d 2"), "HSETNX h d 2");
        begin(&mut kit);
        assert_eq!(effects_of(&mut kit, "HDEL h a b c"), "HDEL h c");
        assert_eq!(kit.run("HLEN h"), "(integer) 2");
        assert_eq!(kit.run("HDEL h a"), "(integer) 0");
    }
}
