//! Storing several strings at once: MSET, MSETNX, MSETEX.

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{
    new_value,
    options::{Condition, Known, Options},
};
use crate::{
    Error,
    cmd::{
        Command, Run,
        generic::times::{delete_passed, has_passed},
    },
    config::EventFlags,
    ctx::{Expire, WriteCtx},
    pipeline::wrong_arity,
};

pub(super) const MSET: Command = Command {
    spec: CommandSpec {
        name: "mset",
        group: Group::String,
        since: "1.0.1",
        summary: "Stores strings under several keys.",
        complexity: "O(N) where N is the number of keys",
        arity: -3,
        flags: Flags::DENYOOM,
        categories: Categories::STRING,
        tips: &[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ],
        keys: &[KeySpec::range(
            1,
            -1,
            2,
            KeyFlags::OW.union(KeyFlags::UPDATE),
        )],
        args: &[
            ArgSpec::block("data", &[ArgSpec::key("key", 0), ArgSpec::string("value")]).multiple(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(mset),
};

pub(super) const MSETNX: Command = Command {
    spec: CommandSpec {
        name: "msetnx",
        group: Group::String,
        since: "1.0.1",
        summary: "Stores strings under several keys if none of them is there.",
        complexity: "O(N) where N is the number of keys",
        arity: -3,
        flags: Flags::DENYOOM,
        categories: Categories::STRING,
        keys: &[KeySpec::range(
            1,
            -1,
            2,
            KeyFlags::OW.union(KeyFlags::INSERT),
        )],
        args: &[
            ArgSpec::block("data", &[ArgSpec::key("key", 0), ArgSpec::string("value")]).multiple(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(msetnx),
};

pub(super) const MSETEX: Command = Command {
    spec: CommandSpec {
        name: "msetex",
        group: Group::String,
        since: "9.1.0",
        summary: "Stores strings under several keys, with one condition and one expiry for all.",
        complexity: "O(N) where N is the number of keys",
        arity: -4,
        flags: Flags::DENYOOM,
        categories: Categories::STRING,
        tips: &[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ],
        keys: &[KeySpec::counted(1, 2, KeyFlags::OW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::integer("numkeys"),
            ArgSpec::block("data", &[ArgSpec::key("key", 0), ArgSpec::string("value")]).multiple(),
            ArgSpec::one_of(
                "condition",
                &[
                    ArgSpec::pure_token("nx", "NX"),
                    ArgSpec::pure_token("xx", "XX"),
                ],
            )
            .optional(),
            ArgSpec::one_of(
                "expiration",
                &[
                    ArgSpec::integer("seconds").token("EX"),
                    ArgSpec::integer("milliseconds").token("PX"),
                    ArgSpec::unix_time("unix-time-seconds").token("EXAT"),
                    ArgSpec::unix_time("unix-time-milliseconds").token("PXAT"),
                    ArgSpec::pure_token("keepttl", "KEEPTTL"),
                ],
            )
            .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(msetex),
};

fn mset(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    check_pairs(request, "mset")?;
    store(ctx, request, 2, Expire::Never);
    reply.ok();
    Ok(())
}

fn msetnx(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    check_pairs(request, "msetnx")?;
    let met = all(ctx, Condition::Absent)?;
    if met {
        store(ctx, request, 2, Expire::Never);
    }
    reply.int(met.into());
    Ok(())
}

fn msetex(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    const KNOWN: Known = Known {
        exists: true,
        old_value: false,
        keep: true,
        persist: false,
    };
    let count = request
        .arg(1)
        .and_then(parse_i64)
        .and_then(|count| i32::try_from(count).ok())
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| *count > 0)
        .ok_or(Error::BAD_KEY_COUNT)?;
    let options_from = count.saturating_mul(2).saturating_add(2);
    if options_from > request.len() {
        return Err(Error::SYNTAX);
    }
    let options = Options::parse(request, options_from, KNOWN)?;
    let expire = options.expire(ctx, Expire::Never)?;
    let met = all(ctx, options.condition)?;
    reply.int(met.into());
    if !met {
        return Ok(());
    }
    let Expire::At(at) = expire else {
        store(ctx, request, 3, expire);
        return Ok(());
    };
    if has_passed(ctx, at) {
        for key in ctx.keys() {
            delete_passed(ctx, *key);
        }
        return Ok(());
    }
    store(ctx, request, 3, expire);
    if ctx.wants_effects() {
        let mut digits = itoa::Buffer::new();
        let tail = [b"PXAT".as_slice(), digits.format(at).as_bytes()];
        let words: alloc::vec::Vec<_> = request.iter().take(options_from).chain(tail).collect();
        ctx.effect_as_requested(words);
    }
    Ok(())
}

/// Keys and values come in pairs behind the name of the command.
fn check_pairs(request: Request<'_>, name: &str) -> Result<(), Error> {
    if request.len().is_multiple_of(2) {
        return Err(wrong_arity(name));
    }
    Ok(())
}

/// Whether every key meets the condition.
fn all(ctx: &mut WriteCtx<'_>, condition: Condition<'_>) -> Result<bool, Error> {
    if condition == Condition::Always {
        return Ok(true);
    }
    for key in ctx.keys() {
        if !condition.is_met(&ctx.write(*key))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Stores a value under every key; the first value is word number `from`, the others are every
/// second one behind it.
fn store(ctx: &mut WriteCtx<'_>, request: Request<'_>, from: usize, expire: Expire) {
    let events: &[(EventFlags, &str)] = match expire {
        Expire::At(_) => &[(EventFlags::STRING, "set"), (EventFlags::GENERIC, "expire")],
        Expire::Keep | Expire::Never => &[(EventFlags::STRING, "set")],
    };
    for (key, word) in ctx.keys().iter().zip((from..).step_by(2)) {
        let mut writer = ctx.write(*key);
        writer.put(new_value(request, word), expire);
        writer.commit(events);
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{
        cmd::string::effects_of,
        testkit::{Kit, START_MS},
    };

    #[test]
    fn all_or_nothing() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("MSETNX a 1 b 2 a 3"), "(integer) 1");
        assert_eq!(kit.run("MSETNX b 9 c 9"), "(integer) 0");
        assert_eq!(kit.run("MSETEX 2 b 9 c 9 NX"), "(integer) 0");
        assert_eq!(kit.run("MSETEX 2 b 9 c 9 XX"), "(integer) 0");
        assert_eq!(kit.run("MGET a b c"), "[\"3\", \"2\", (nil)]");
        assert_eq!(kit.run("MSETEX 2 a 4 b 5 XX EX 7"), "(integer) 1");
        assert_eq!(kit.run("MSETEX 1 b 6 KEEPTTL"), "(integer) 1");
        assert_eq!(kit.run("TTL b"), "(integer) 7");
        assert_eq!(kit.run("MSETEX 1 b 6"), "(integer) 1");
        assert_eq!(kit.run("TTL b"), "(integer) -1");
        assert_eq!(kit.run("MSETEX 2 a 1 b 2 PXAT 1"), "(integer) 1");
        assert_eq!(kit.run("EXISTS a b"), "(integer) 0");
    }

    #[test]
    fn wrong_counts_are_refused() {
        let mut kit = Kit::new();
        let arity = |name| format!("(error) ERR wrong number of arguments for '{name}' command");
        assert_eq!(kit.run("MSET a 1 b"), arity("mset"));
        assert_eq!(kit.run("MSETNX a 1 b"), arity("msetnx"));
        let count = "(error) ERR invalid numkeys value or out of range";
        for line in [
            "MSETEX 0 a 1",
            "MSETEX x a 1",
            "MSETEX -1 a 1",
            "MSETEX 2147483648 a 1",
        ] {
            assert_eq!(kit.run(line), count, "{line}");
        }
        for line in [
            "MSETEX 2 a 1 b",
            "MSETEX 2147483647 a 1",
            "MSETEX 1 a 1 b 2",
        ] {
            assert_eq!(kit.run(line), "(error) ERR syntax error", "{line}");
        }
        assert_eq!(kit.run("DBSIZE"), "(integer) 0");
    }

    #[test]
    fn hands_on_what_was_decided() {
        let mut kit = Kit::new();
        let at = START_MS + 2000;
        assert_eq!(effects_of(&mut kit, "MSET a 1 b 2"), "MSET a 1 b 2");
        assert_eq!(
            effects_of(&mut kit, "MSETEX 2 a 1 b 2 EX 2 XX"),
            format!("MSETEX 2 a 1 b 2 PXAT {at}")
        );
        assert_eq!(
            effects_of(&mut kit, "MSETEX 2 a 1 b 2 EXAT 1"),
            "UNLINK a; UNLINK b"
        );
    }
}
