//! When keys expire: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST.

use alloc::string::String;

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::times::{TimeForm, deadline_ms, delete_passed, has_passed};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const EXPIRE: Command = Command {
    spec: CommandSpec {
        name: "expire",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Sets the time to live of a key in seconds.",
        complexity: "O(1)",
        history: CONDITION_HISTORY,
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("seconds"),
            CONDITION.since("7.0.0"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(expire),
};

pub(super) const EXPIREAT: Command = Command {
    spec: CommandSpec {
        name: "expireat",
        group: Group::Generic,
        since: "1.2.0",
        summary: "Sets the Unix time in seconds at which a key expires.",
        complexity: "O(1)",
        history: CONDITION_HISTORY,
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::unix_time("unix-time-seconds"),
            CONDITION.since("7.0.0"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(expireat),
};

pub(super) const PERSIST: Command = Command {
    spec: CommandSpec {
        name: "persist",
        group: Group::Generic,
        since: "2.2.0",
        summary: "Makes a key stay that would expire.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Write(persist),
};

pub(super) const PEXPIRE: Command = Command {
    spec: CommandSpec {
        name: "pexpire",
        group: Group::Generic,
        since: "2.6.0",
        summary: "Sets the time to live of a key in milliseconds.",
        complexity: "O(1)",
        history: CONDITION_HISTORY,
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("milliseconds"),
            CONDITION.since("7.0.0"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(pexpire),
};

pub(super) const PEXPIREAT: Command = Command {
    spec: CommandSpec {
        name: "pexpireat",
        group: Group::Generic,
        since: "2.6.0",
        summary: "Sets the Unix time in milliseconds at which a key expires.",
        complexity: "O(1)",
        history: CONDITION_HISTORY,
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::unix_time("unix-time-milliseconds"),
            CONDITION.since("7.0.0"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(pexpireat),
};

/// The options that tell when an expiry is changed.
pub(in crate::cmd) const CONDITION: ArgSpec = ArgSpec::one_of(
    "condition",
    &[
        ArgSpec::pure_token("nx", "NX"),
        ArgSpec::pure_token("xx", "XX"),
        ArgSpec::pure_token("gt", "GT"),
        ArgSpec::pure_token("lt", "LT"),
    ],
)
.optional();

const CONDITION_HISTORY: &[History] = &[History {
    version: "7.0.0",
    change: "The options `NX`, `XX`, `GT` and `LT` came.",
}];

fn expire(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    expire_in(TimeForm::EX, ctx, request, reply)
}

fn pexpire(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    expire_in(TimeForm::PX, ctx, request, reply)
}

fn expireat(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    expire_in(TimeForm::EXAT, ctx, request, reply)
}

fn pexpireat(
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
    let conditions = Conditions::parse(request.skip(3).iter())?;
    let at = deadline_ms(ctx, form, request.arg(2).unwrap_or_default())?;
    let passed = has_passed(ctx, at);
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let now_at = writer.entry().map(|entry| entry.expire_ms());
    if !now_at.is_some_and(|now_at| conditions.are_met(now_at, at)) {
        reply.int(0);
        return Ok(());
    }
    reply.int(1);
    if passed {
        drop(writer);
        delete_passed(ctx, key);
        return Ok(());
    }
    writer.set_expire(Some(at));
    writer.commit(&[(EventFlags::GENERIC, "expire")]);
    if ctx.wants_effects() {
        let mut digits = itoa::Buffer::new();
        ctx.effect([b"PEXPIREAT", key.bytes(), digits.format(at).as_bytes()]);
    }
    Ok(())
}

fn persist(
    ctx: &mut WriteCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let expires = writer.entry().and_then(|entry| entry.expire_ms()).is_some();
    if expires {
        writer.set_expire(None);
        writer.commit(&[(EventFlags::GENERIC, "persist")]);
    }
    reply.int(expires.into());
    Ok(())
}

/// When an expiry, of a key or of a field, is changed.
#[derive(Default)]
pub(in crate::cmd) struct Conditions {
    /// NX: there is none.
    absent: bool,
    /// XX: there is one.
    present: bool,
    /// GT: the new one is later.
    later: bool,
    /// LT: the new one is earlier.
    earlier: bool,
}

impl Conditions {
    /// Reads options.
    pub(in crate::cmd) fn parse<'r>(words: impl Iterator<Item = &'r [u8]>) -> Result<Self, Error> {
        let mut all = Self::default();
        for word in words {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("NX") {
                all.absent = true;
            } else if is("XX") {
                all.present = true;
            } else if is("GT") {
                all.later = true;
            } else if is("LT") {
                all.earlier = true;
            } else {
                let word = String::from_utf8_lossy(word);
                return Err(Error::told(format_args!("ERR Unsupported option {word}")));
            }
        }
        if all.absent && (all.present || all.later || all.earlier) {
            return Err(Error::EXPIRE_NX_AND_OTHERS);
        }
        if all.later && all.earlier {
            return Err(Error::EXPIRE_GT_AND_LT);
        }
        Ok(all)
    }

    /// Whether an expiry may become another one. What does not expire expires later than anything
    /// else.
    pub(in crate::cmd) fn are_met(&self, now_at: Option<i64>, at: i64) -> bool {
        match now_at {
            None => !self.present && !self.later,
            Some(now_at) => {
                let fits_later = !self.later || at > now_at;
                let fits_earlier = !self.earlier || at < now_at;
                !self.absent && fits_later && fits_earlier
            }
        }
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
    fn conditions_compare_with_the_present_expiry() {
        let mut kit = Kit::new();
        kit.run("SET k v");
        assert_eq!(kit.run("EXPIRE k 100 XX"), "(integer) 0");
        assert_eq!(kit.run("EXPIRE k 100 GT"), "(integer) 0");
        assert_eq!(kit.run("EXPIRE k 100 LT"), "(integer) 1");
        assert_eq!(kit.run("EXPIRE k 200 NX"), "(integer) 0");
        assert_eq!(kit.run("EXPIRE k 100 GT"), "(integer) 0");
        assert_eq!(kit.run("EXPIRE k 200 GT XX"), "(integer) 1");
        assert_eq!(kit.run("PEXPIRE k 199999 LT"), "(integer) 1");
        assert_eq!(kit.run("PTTL k"), "(integer) 199999");
        assert_eq!(kit.run("PERSIST k"), "(integer) 1");
        assert_eq!(kit.run("PERSIST k"), "(integer) 0");
        assert_eq!(kit.run("EXPIRE none 100"), "(integer) 0");
        assert_eq!(kit.run("EXPIREAT k 1"), "(integer) 1");
        assert_eq!(kit.run("EXISTS k"), "(integer) 0");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut kit = Kit::new();
        kit.run("SET k v");
        assert_eq!(
            kit.run("EXPIRE k 1 FOO"),
            "(error) ERR Unsupported option FOO"
        );
        assert_eq!(
            kit.run("EXPIRE k 1 NX GT"),
            "(error) ERR NX and XX, GT or LT options at the same time are not compatible"
        );
        assert_eq!(
            kit.run("EXPIRE k 1 LT GT"),
            "(error) ERR GT and LT options at the same time are not compatible"
        );
        let invalid = |name| format!("(error) ERR invalid expire time in '{name}' command");
        assert_eq!(kit.run("EXPIRE k 9223372036854776"), invalid("expire"));
        assert_eq!(kit.run("EXPIRE k -9223372036854776"), invalid("expire"));
        assert_eq!(kit.run("PEXPIRE k 9223372036854770000"), invalid("pexpire"));
        assert_eq!(kit.run("PEXPIREAT k 9223372036854775807"), "(integer) 1");
        assert_eq!(kit.run("PEXPIRETIME k"), "(integer) 9223372036854775807");
    }

    #[test]
    fn hands_on_absolute_times() {
        let mut kit = Kit::new();
        kit.run("SET k v");
        let at = START_MS + 10_000;
        assert_eq!(
            effects_of(&mut kit, "EXPIRE k 10 NX"),
            format!("PEXPIREAT k {at}")
        );
        assert_eq!(effects_of(&mut kit, "EXPIRE k 20 NX"), "");
        assert_eq!(effects_of(&mut kit, "PERSIST k"), "PERSIST k");
        assert_eq!(effects_of(&mut kit, "EXPIRE k -1"), "UNLINK k");
    }
}
