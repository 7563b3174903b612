//! When fields expire: HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, HPERSIST.

use alloc::vec::Vec;

use vk_data::hash::{Expiring, HashRef, Persisted};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{
    EXPIRED, commit_removal, count_expired, edit, effect, effect_fields,
    fields::{FIELDS, fields_behind, fields_word, fixed_fields, time_ms},
    limits, now_ms,
};
use crate::{
    Error,
    cmd::{
        Command, Run,
        generic::{
            expire::{CONDITION, Conditions},
            times::{TimeForm, has_passed},
        },
    },
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const HEXPIRE: Command = Command {
    spec: CommandSpec {
        name: "hexpire",
        summary: "Sets the time to live of fields in seconds.",
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("seconds"),
            CONDITION,
            FIELDS,
        ],
        ..SPEC
    },
    run: Run::Write(hexpire),
};

pub(super) const HEXPIREAT: Command = Command {
    spec: CommandSpec {
        name: "hexpireat",
        summary: "Sets the Unix time in seconds at which fields expire.",
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::unix_time("unix-time-seconds"),
            CONDITION,
            FIELDS,
        ],
        ..SPEC
    },
    run: Run::Write(hexpireat),
};

pub(super) const HPEXPIRE: Command = Command {
    spec: CommandSpec {
        name: "hpexpire",
        summary: "Sets the time to live of fields in milliseconds.",
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("milliseconds"),
            CONDITION,
            FIELDS,
        ],
        ..SPEC
    },
    run: Run::Write(hpexpire),
};

pub(super) const HPEXPIREAT: Command = Command {
    spec: CommandSpec {
        name: "hpexpireat",
        summary: "Sets the Unix time in milliseconds at which fields expire.",
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::unix_time("unix-time-milliseconds"),
            CONDITION,
            FIELDS,
        ],
        ..SPEC
    },
    run: Run::Write(hpexpireat),
};

pub(super) const HPERSIST: Command = Command {
    spec: CommandSpec {
        name: "hpersist",
        summary: "Makes fields stay that would expire.",
        arity: -5,
        args: &[ArgSpec::key("key", 0), FIELDS],
        ..SPEC
    },
    run: Run::Write(hpersist),
};

/// What these commands have in common.
const SPEC: CommandSpec = CommandSpec {
    group: Group::Hash,
    since: "9.0.0",
    complexity: "O(N) where N is the number of fields named",
    arity: -6,
    flags: Flags::FAST,
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    ..CommandSpec::NEW
};

/// The replies about one field.
pub(super) const NO_FIELD: i64 = -2;
/// It does not expire.
pub(super) const NO_EXPIRY: i64 = -1;
const NOT_MET: i64 = 0;
const DONE: i64 = 1;
const GONE_AT_ONCE: i64 = 2;

fn hexpire(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    expire_in(TimeForm::EX, ctx, request, reply)
}

fn hpexpire(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    expire_in(TimeForm::PX, ctx, request, reply)
}

fn hexpireat(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    expire_in(TimeForm::EXAT, ctx, request, reply)
}

fn hpexpireat(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    expire_in(TimeForm::PXAT, ctx, request, reply)
}

fn expire_in(
    form: TimeForm,
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let word = fields_word(request, 3)?;
    let conditions = Conditions::parse((3..word).filter_map(|at| request.arg(at)))?;
    let names = fields_behind(request, word, 1)?;
    let at = time_ms(ctx, form, request.arg(2).unwrap_or_default())?;
    let passed = has_passed(ctx, at);
    let (limits, now, key) = (limits(ctx), now_ms(ctx), ctx.key(0)?);
    let mut writer = ctx.write(key);
    if writer.view::<HashRef<'_>>()?.is_none() {
        tell_no_field(names, reply);
        return Ok(());
    }
    reply.array(names.len());
    let mut changed: Vec<&[u8]> = Vec::new();
    edit(&mut writer, |hash| {
        for name in names {
            let allows = |old| conditions.are_met(old, at);
            let result = hash.expire(name, (at, passed), now, &limits, allows);
            if matches!(result, Expiring::Set | Expiring::Removed) {
                changed.push(name);
            }
            reply.int(match result {
                Expiring::Absent => NO_FIELD,
                Expiring::Refused => NOT_MET,
                Expiring::Set => DONE,
                Expiring::Removed => GONE_AT_ONCE,
            });
        }
    });
    if changed.is_empty() {
        writer.unchanged();
        return Ok(());
    }
    if passed {
        commit_removal(writer, EXPIRED);
        count_expired(ctx, changed.len());
    } else {
        writer.commit(&[(EventFlags::HASH, "hexpire")]);
    }
    if ctx.wants_effects() {
        hand_on_expiry(ctx, key.bytes(), (at, passed), &changed);
    }
    Ok(())
}

/// Hands on that fields expire at a time, or went because it has passed.
pub(super) fn hand_on_expiry(
    ctx: &mut WriteCtx<'_>,
    key: &[u8],
    (at_ms, passed): (i64, bool),
    names: &[&[u8]],
) {
    if passed {
        effect(ctx, &[b"HDEL", key], names);
    } else {
        let mut digits = itoa::Buffer::new();
        let at = digits.format(at_ms).as_bytes();
        effect_fields(ctx, &[b"HPEXPIREAT", key, at], names);
    }
}

/// Tells that none of the fields is there.
pub(super) fn tell_no_field(names: Request<'_>, reply: &mut ReplyBuf) {
    reply.array(names.len());
    names.iter().for_each(|_| reply.int(NO_FIELD));
}

fn hpersist(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let names = fixed_fields(request)?;
    let (now, key) = (now_ms(ctx), ctx.key(0)?);
    let mut writer = ctx.write(key);
    if writer.view::<HashRef<'_>>()?.is_none() {
        tell_no_field(names, reply);
        return Ok(());
    }
    reply.array(names.len());
    let mut changed: Vec<&[u8]> = Vec::new();
    edit(&mut writer, |hash| {
        for name in names {
            reply.int(match hash.persist(name, now) {
                Persisted::Absent => NO_FIELD,
                Persisted::Unchanged => NO_EXPIRY,
                Persisted::Done => {
                    changed.push(name);
                    DONE
                }
            });
        }
    });
    if changed.is_empty() {
        writer.unchanged();
        return Ok(());
    }
    writer.commit(&[(EventFlags::HASH, "hpersist")]);
    if ctx.wants_effects() {
        effect_fields(ctx, &[b"HPERSIST", key.bytes()], &changed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{
        cmd::string::effects_of,
        testkit::{Kit, START_MS},
    };

    #[test]
    fn conditions_compare_with_the_present_expiry() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1 b 2");
        let one = |n: i64| format!("[(integer) {n}]");
        assert_eq!(kit.run("HEXPIRE h 100 XX FIELDS 1 a"), one(0));
        assert_eq!(kit.run("HEXPIRE h 100 GT FIELDS 1 a"), one(0));
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"listpack\"");
        assert_eq!(kit.run("HEXPIRE h 100 LT FIELDS 1 a"), one(1));
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"hashtable\"");
        assert_eq!(kit.run("HEXPIRE h 200 NX FIELDS 1 a"), one(0));
        assert_eq!(kit.run("HEXPIRE h 100 GT FIELDS 1 a"), one(0));
        assert_eq!(kit.run("HEXPIRE h 200 XX GT FIELDS 1 a"), one(1));
        assert_eq!(kit.run("HPEXPIRE h 199999 LT FIELDS 1 a"), one(1));
        assert_eq!(
            kit.run("HPTTL h FIELDS 3 a b none"),
            "[(integer) 199999, (integer) -1, (integer) -2]"
        );
        assert_eq!(
            kit.run("HPERSIST h FIELDS 3 a b none"),
            "[(integer) 1, (integer) -1, (integer) -2]"
        );
        assert_eq!(kit.run("HPTTL h FIELDS 1 a"), one(-1));
        assert_eq!(kit.run("HEXPIRE none 100 FIELDS 1 a"), one(-2));
        assert_eq!(kit.run("HPERSIST none FIELDS 1 a"), one(-2));
        kit.run("HSET small a 1");
        assert_eq!(kit.run("HPERSIST small FIELDS 1 a"), one(-1));
        assert_eq!(kit.run("HPERSIST small FIELDS 1 b"), one(-2));
    }

    #[test]
    fn a_time_that_has_passed_removes_the_field() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1 b 2 c 3");
        assert_eq!(
            kit.run("HEXPIRE h 0 FIELDS 2 a none"),
            "[(integer) 2, (integer) -2]"
        );
        assert_eq!(kit.run("HEXPIREAT h 1 NX FIELDS 1 b"), "[(integer) 2]");
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"listpack\"");
        assert_eq!(
            kit.run("HPEXPIREAT h 0 FIELDS 2 c c"),
            "[(integer) 2, (integer) -2]"
        );
        assert_eq!(kit.run("EXISTS h"), "(integer) 0");
    }

    #[test]
    fn fields_go_when_their_time_comes() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1 b 2");
        kit.run("HPEXPIRE h 100 FIELDS 1 a");
        kit.sleep_ms(100);
        // A field lives through the millisecond of its expiry.
        assert_eq!(kit.run("HGET h a"), "\"1\"");
        kit.sleep_ms(1);
        assert_eq!(kit.run("HGET h a"), "(nil)");
        assert_eq!(kit.run("HGETALL h"), "[\"b\", \"2\"]");
        assert_eq!(kit.run("HEXISTS h a"), "(integer) 0");
        assert_eq!(kit.run("HSTRLEN h a"), "(integer) 0");
        assert_eq!(kit.run("HTTL h FIELDS 1 a"), "[(integer) -2]");
        assert_eq!(kit.run("HEXPIRE h 9 FIELDS 1 a"), "[(integer) -2]");
        assert_eq!(kit.run("HPERSIST h FIELDS 1 a"), "[(integer) -2]");
        // It is still stored, and counts as such.
        assert_eq!(kit.run("HLEN h"), "(integer) 2");
    }

    #[test]
    fn expired_fields_are_removed_in_time() {
        let mut kit = Kit::new();
        kit.run("HSETEX h PX 10 FIELDS 2 a 1 b 2");
        kit.run("HSET h c 3");
        kit.run("HSETEX gone PX 10 FIELDS 2 a 1 b 2");
        kit.advance_ms(10);
        assert_eq!(kit.run("HLEN h"), "(integer) 3");
        kit.advance_ms(1);
        assert_eq!(kit.run("HLEN h"), "(integer) 1");
        assert_eq!(kit.run("EXISTS gone"), "(integer) 0");
        kit.run("HSET h d 4");
        kit.advance_ms(1000);
        assert_eq!(kit.run("HLEN h"), "(integer) 2");
        // The time of the key and those of its fields do not get into each other's way.
        kit.run("HSETEX h PX 10 FIELDS 1 c 3");
        kit.run("PEXPIRE h 1000");
        kit.advance_ms(11);
        assert_eq!(kit.run("HGETALL h"), "[\"d\", \"4\"]");
        assert_eq!(kit.run("PTTL h"), "(integer) 989");
        kit.run("HPEXPIRE h 5000 FIELDS 1 d");
        kit.advance_ms(990);
        assert_eq!(kit.run("EXISTS h"), "(integer) 0");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1");
        let count = "(error) ERR numfields should be greater than 0 and match the provided \
                     number of fields";
        for line in [
            "HEXPIRE h 1 FIELDS 0 a",
            "HEXPIRE h 1 FIELDS 2 a",
            "HEXPIRE h 1 FIELDS -1 a",
            "HEXPIRE h 1 FIELDS 1 a b",
            "HEXPIRE h 1 NX 1 a",
            "HEXPIRE h 1 1 a FIELDS",
            "HPERSIST h FIELDS 2 a",
        ] {
            assert_eq!(kit.run(line), count, "{line}");
        }
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("HEXPIRE h 1 FIELDS x a"), no_int);
        assert_eq!(kit.run("HEXPIRE h x FIELDS 1 a"), no_int);
        assert_eq!(kit.run("HPERSIST h FIELDS x a"), no_int);
        assert_eq!(
            kit.run("HEXPIRE h 1 FOO FIELDS 1 a"),
            "(error) ERR Unsupported option FOO"
        );
        assert_eq!(
            kit.run("HEXPIRE h 1 NX XX FIELDS 1 a"),
            "(error) ERR NX and XX, GT or LT options at the same time are not compatible"
        );
        assert_eq!(
            kit.run("HEXPIRE h 1 GT LT FIELDS 1 a"),
            "(error) ERR GT and LT options at the same time are not compatible"
        );
        let invalid = |name| format!("(error) ERR invalid expire time in '{name}' command");
        assert_eq!(kit.run("HEXPIRE h -1 FIELDS 1 a"), invalid("hexpire"));
        assert_eq!(
            kit.run("HEXPIREAT h 9223372036854776 FIELDS 1 a"),
            invalid("hexpireat")
        );
        assert_eq!(
            kit.run("HPEXPIRE h 9223372036854775807 FIELDS 1 a"),
            invalid("hpexpire")
        );
        assert_eq!(kit.run("HPEXPIREAT h -1 FIELDS 1 a"), invalid("hpexpireat"));
        assert_eq!(kit.run("HTTL h FIELDS 1 a"), "[(integer) -1]");
    }

    #[test]
    fn hands_on_absolute_times() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1 b 2 c 3");
        let at = START_MS + 10_000;
        assert_eq!(
            effects_of(&mut kit, "HEXPIRE h 10 NX FIELDS 3 a none b"),
            format!("HPEXPIREAT h {at} FIELDS 2 a b")
        );
        assert_eq!(effects_of(&mut kit, "HEXPIRE h 20 NX FIELDS 2 a b"), "");
        assert_eq!(
            effects_of(&mut kit, "HPERSIST h FIELDS 2 a c"),
            "HPERSIST h FIELDS 1 a"
        );
        assert_eq!(effects_of(&mut kit, "HPERSIST h FIELDS 2 a c"), "");
        assert_eq!(
            effects_of(&mut kit, "HEXPIRE h 0 FIELDS 3 a none c"),
            "HDEL h a c"
        );
        assert_eq!(effects_of(&mut kit, "HEXPIRE h 0 FIELDS 1 a"), "");
    }
}
