//! SET and the commands that it took the place of: SETNX, SETEX, PSETEX, GETSET.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{
    ArgSpec, Categories, CommandSpec, Deprecation, Flags, Group, History, KeyFlags, KeySpec,
};

use super::{
    new_value,
    options::{Condition, Known, Options},
    reply_string,
};
use crate::{
    Error,
    access::KeyRef,
    cmd::{
        Command, Run,
        generic::times::{TimeForm, delete_passed, expiry_ms, has_passed},
    },
    config::EventFlags,
    ctx::{Expire, WriteCtx},
};

pub(super) const SET: Command = Command {
    spec: CommandSpec {
        name: "set",
        group: Group::String,
        since: "1.0.0",
        summary: "Stores a string under a key, whatever was there.",
        complexity: "O(1)",
        history: &[
            History {
                version: "2.6.12",
                change: "The options `EX`, `PX`, `NX` and `XX` came.",
            },
            History {
                version: "6.0.0",
                change: "The option `KEEPTTL` came.",
            },
            History {
                version: "6.2.0",
                change: "The options `GET`, `EXAT` and `PXAT` came.",
            },
            History {
                version: "7.0.0",
                change: "`NX` and `GET` may stand together.",
            },
            History {
                version: "8.1.0",
                change: "The option `IFEQ` came.",
            },
        ],
        arity: -3,
        flags: Flags::DENYOOM,
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW
                .union(KeyFlags::ACCESS)
                .union(KeyFlags::UPDATE)
                .union(KeyFlags::VARIABLE_FLAGS),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("value"),
            ArgSpec::one_of(
                "condition",
                &[
                    ArgSpec::pure_token("nx", "NX"),
                    ArgSpec::pure_token("xx", "XX"),
                    ArgSpec::string("comparison-value")
                        .token("IFEQ")
                        .since("8.1.0"),
                ],
            )
            .since("2.6.12")
            .optional(),
            ArgSpec::pure_token("get", "GET").since("6.2.0").optional(),
            ArgSpec::one_of(
                "expiration",
                &[
                    ArgSpec::integer("seconds").token("EX").since("2.6.12"),
                    ArgSpec::integer("milliseconds").token("PX").since("2.6.12"),
                    ArgSpec::unix_time("unix-time-seconds")
                        .token("EXAT")
                        .since("6.2.0"),
                    ArgSpec::unix_time("unix-time-milliseconds")
                        .token("PXAT")
                        .since("6.2.0"),
                    ArgSpec::pure_token("keepttl", "KEEPTTL").since("6.0.0"),
                ],
            )
            .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(set),
};

pub(super) const GETSET: Command = Command {
    spec: CommandSpec {
        name: "getset",
        group: Group::String,
        since: "1.0.0",
        summary: "Stores a string and tells the one that was there.",
        complexity: "O(1)",
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`SET` with the `!GET` argument",
        }),
        arity: 3,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("value")],
        ..CommandSpec::NEW
    },
    run: Run::Write(getset),
};

pub(super) const PSETEX: Command = Command {
    spec: CommandSpec {
        name: "psetex",
        group: Group::String,
        since: "2.6.0",
        summary: "Stores a string that expires after some milliseconds.",
        complexity: "O(1)",
        deprecated: Some(Deprecation {
            since: "2.6.12",
            replaced_by: "`SET` with the `PX` argument",
        }),
        arity: 4,
        flags: Flags::DENYOOM,
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("milliseconds"),
            ArgSpec::string("value"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(psetex),
};

pub(super) const SETEX: Command = Command {
    spec: CommandSpec {
        name: "setex",
        group: Group::String,
        since: "2.0.0",
        summary: "Stores a string that expires after some seconds.",
        complexity: "O(1)",
        deprecated: Some(Deprecation {
            since: "2.6.12",
            replaced_by: "`SET` with the `EX` argument",
        }),
        arity: 4,
        flags: Flags::DENYOOM,
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("seconds"),
            ArgSpec::string("value"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(setex),
};

pub(super) const SETNX: Command = Command {
    spec: CommandSpec {
        name: "setnx",
        group: Group::String,
        since: "1.0.0",
        summary: "Stores a string if the key is not there.",
        complexity: "O(1)",
        deprecated: Some(Deprecation {
            since: "2.6.12",
            replaced_by: "`SET` with the `NX` argument",
        }),
        arity: 3,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::INSERT))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("value")],
        ..CommandSpec::NEW
    },
    run: Run::Write(setnx),
};

/// The events of a value that was stored, with or without an expiry.
const STORED: &[(EventFlags, &str)] = &[(EventFlags::STRING, "set")];
const STORED_TO_EXPIRE: &[(EventFlags, &str)] =
    &[(EventFlags::STRING, "set"), (EventFlags::GENERIC, "expire")];

fn set(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    if request.len() > 3 {
        return set_with_options(ctx, request, reply);
    }
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    writer.put(new_value(request, 2), Expire::Never);
    writer.commit(STORED);
    reply.ok();
    Ok(())
}

fn set_with_options(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    const KNOWN: Known = Known {
        exists: true,
        old_value: true,
        keep: true,
        persist: false,
    };
    let options = Options::parse(request, 3, KNOWN)?;
    let assignment = Assignment {
        request,
        value_word: 2,
        condition: options.condition,
        expire: options.expire(ctx, Expire::Never)?,
    };
    let key = ctx.key(0)?;
    if options.tells_old {
        tell(ctx, key, reply)?;
    }
    let met = assignment.run(ctx, key)?;
    if !options.tells_old {
        if met {
            reply.ok();
        } else {
            reply.null();
        }
    }
    let is_plain = !options.tells_old && !matches!(options.condition, Condition::Equal(_));
    if !met || is_plain || !ctx.wants_effects() {
        return Ok(());
    }
    let value = request.arg(2).unwrap_or_default();
    match assignment.expire {
        // Said by the assignment.
        Expire::At(_) => {}
        Expire::Keep => ctx.effect([b"SET", key.bytes(), value, b"KEEPTTL"]),
        Expire::Never => ctx.effect([b"SET", key.bytes(), value]),
    }
    Ok(())
}

fn setex(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    set_to_expire(ctx, request, TimeForm::EX, reply)
}

fn psetex(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    set_to_expire(ctx, request, TimeForm::PX, reply)
}

fn set_to_expire(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    form: TimeForm,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let at = expiry_ms(ctx, form, request.arg(2).unwrap_or_default())?;
    let key = ctx.key(0)?;
    let assignment = Assignment {
        request,
        value_word: 3,
        condition: Condition::Always,
        expire: Expire::At(at),
    };
    assignment.run(ctx, key)?;
    reply.ok();
    Ok(())
}

fn setnx(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let assignment = Assignment {
        request,
        value_word: 2,
        condition: Condition::Absent,
        expire: Expire::Never,
    };
    let stored = assignment.run(ctx, key)?;
    reply.int(stored.into());
    Ok(())
}

fn getset(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    tell(ctx, key, reply)?;
    let mut writer = ctx.write(key);
    writer.put(new_value(request, 2), Expire::Never);
    writer.commit(STORED);
    if ctx.wants_effects() {
        let value = request.arg(2).unwrap_or_default();
        ctx.effect([b"SET", key.bytes(), value]);
    }
    Ok(())
}

/// Tells the string of a key, or the null.
fn tell(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    match ctx.string(key)? {
        Some(value) => reply_string(reply, value),
        None => reply.null(),
    }
    Ok(())
}

/// A value to be stored.
struct Assignment<'r> {
    request: Request<'r>,
    /// Number of the word that holds the value.
    value_word: usize,
    condition: Condition<'r>,
    expire: Expire,
}

impl Assignment<'_> {
    /// Stores the value if the condition is met, and tells whether it was. A value whose time has
    /// passed already removes the key instead.
    fn run(&self, ctx: &mut WriteCtx<'_>, key: KeyRef<'_>) -> Result<bool, Error> {
        let passed = matches!(self.expire, Expire::At(at) if has_passed(ctx, at));
        let mut writer = ctx.write(key);
        if !self.condition.is_met(&writer)? {
            return Ok(false);
        }
        if passed {
            drop(writer);
            delete_passed(ctx, key);
            return Ok(true);
        }
        writer.put(new_value(self.request, self.value_word), self.expire);
        let Expire::At(at) = self.expire else {
            writer.commit(STORED);
            return Ok(true);
        };
        writer.commit(STORED_TO_EXPIRE);
        if ctx.wants_effects() {
            let value = self.request.arg(self.value_word).unwrap_or_default();
            let mut digits = itoa::Buffer::new();
            let at = digits.format(at).as_bytes();
            ctx.effect([b"SET", key.bytes(), value, b"PXAT", at]);
        }
        Ok(true)
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
    fn stores_under_conditions() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("SET k 1 XX"), "(nil)");
        assert_eq!(kit.run("SET k 1 NX"), "OK");
        assert_eq!(kit.run("SET k 2 nx GET"), "\"1\"");
        assert_eq!(kit.run("SET k 2 XX get"), "\"1\"");
        assert_eq!(kit.run("SET k 3 IFEQ 1"), "(nil)");
        assert_eq!(kit.run("SET k 3 IFEQ 2"), "OK");
        assert_eq!(kit.run("SET k 4 IFEQ 2 GET"), "\"3\"");
        assert_eq!(kit.run("SET none 4 IFEQ 2 GET"), "(nil)");
        assert_eq!(kit.run("SETNX k 9"), "(integer) 0");
        assert_eq!(kit.run("SETNX n 9"), "(integer) 1");
        assert_eq!(kit.run("GETSET k 5"), "\"3\"");
        assert_eq!(kit.run("MGET k n none"), "[\"5\", \"9\", (nil)]");
    }

    #[test]
    fn sets_keeps_and_drops_the_expiry() {
        let mut kit = Kit::new();
        kit.run("SET k 1 EX 100");
        assert_eq!(kit.run("PTTL k"), "(integer) 100000");
        kit.run("SET k 1 KEEPTTL");
        assert_eq!(kit.run("PTTL k"), "(integer) 100000");
        kit.run("SET k 1");
        assert_eq!(kit.run("PTTL k"), "(integer) -1");
        kit.run("PSETEX k 250 1");
        assert_eq!(kit.run("PTTL k"), "(integer) 250");
        kit.run("SETEX k 3 1");
        assert_eq!(kit.run("TTL k"), "(integer) 3");
        let at = START_MS + 7000;
        kit.run(&format!("SET k 1 PXAT {at}"));
        assert_eq!(kit.run("PEXPIRETIME k"), format!("(integer) {at}"));
        assert_eq!(kit.run("SET k 1 PXAT 1"), "OK");
        assert_eq!(kit.run("EXISTS k"), "(integer) 0");
    }

    #[test]
    fn refuses_what_contradicts_itself() {
        let mut kit = Kit::new();
        for options in [
            "NX XX",
            "EX 1 PX 1",
            "EX 1 KEEPTTL",
            "KEEPTTL PXAT 1",
            "EX",
            "IFEQ",
            "NX IFEQ 1",
            "IFEQ 1 XX",
            "PERSIST",
            "FOO",
        ] {
            let reply = kit.run(&format!("SET k v {options}"));
            assert_eq!(reply, "(error) ERR syntax error", "{options}");
        }
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("SET k v EX x"), no_int);
        let invalid = |name| format!("(error) ERR invalid expire time in '{name}' command");
        for time in [
            "EX 0",
            "PX -1",
            "EXAT 0",
            "EX 9223372036854776",
            "PX 9223372036854775807",
        ] {
            assert_eq!(
                kit.run(&format!("SET k v {time}")),
                invalid("set"),
                "{time}"
            );
        }
        assert_eq!(kit.run("SETEX k 0 v"), invalid("setex"));
        assert_eq!(kit.run("PSETEX k -1 v"), invalid("psetex"));
        assert_eq!(kit.run("EXISTS k"), "(integer) 0");
    }

    #[test]
    fn hands_on_what_was_decided() {
        let mut kit = Kit::new();
        let at = START_MS + 10_000;
        let expiring = format!("SET k v PXAT {at}");
        assert_eq!(effects_of(&mut kit, "SET k v"), "SET k v");
        assert_eq!(effects_of(&mut kit, "SET k v NX"), "");
        assert_eq!(effects_of(&mut kit, "SET k v EX 10"), expiring);
        assert_eq!(effects_of(&mut kit, "SETEX k 10 v"), expiring);
        assert_eq!(effects_of(&mut kit, "PSETEX k 10000 v"), expiring);
        assert_eq!(
            effects_of(&mut kit, "SET k w IFEQ v KEEPTTL"),
            "SET k w KEEPTTL"
        );
        assert_eq!(effects_of(&mut kit, "SET k v XX GET"), "SET k v");
        assert_eq!(effects_of(&mut kit, "GETSET k w"), "SET k w");
        assert_eq!(effects_of(&mut kit, "SET k v PXAT 1"), "UNLINK k");
        assert_eq!(effects_of(&mut kit, "SET k v PXAT 1"), "");
    }
}
