//! How long keys live: TTL, PTTL, EXPIRETIME, PEXPIRETIME.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::inspect::inspect;
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const EXPIRETIME: Command = Command {
    spec: CommandSpec {
        name: "expiretime",
        group: Group::Generic,
        since: "7.0.0",
        summary: "Tells the Unix time in seconds at which a key expires.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(expiretime),
};

pub(super) const PEXPIRETIME: Command = Command {
    spec: CommandSpec {
        name: "pexpiretime",
        group: Group::Generic,
        since: "7.0.0",
        summary: "Tells the Unix time in milliseconds at which a key expires.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(pexpiretime),
};

pub(super) const PTTL: Command = Command {
    spec: CommandSpec {
        name: "pttl",
        group: Group::Generic,
        since: "2.6.0",
        summary: "Tells the time to live of a key in milliseconds.",
        complexity: "O(1)",
        history: &[History {
            version: "2.8.0",
            change: "The reply is -2 if the key is not there.",
        }],
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(pttl),
};

pub(super) const TTL: Command = Command {
    spec: CommandSpec {
        name: "ttl",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Tells the time to live of a key in seconds.",
        complexity: "O(1)",
        history: &[History {
            version: "2.8.0",
            change: "The reply is -2 if the key is not there.",
        }],
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(ttl),
};

/// The reply about a key that is not there.
const NO_KEY: i64 = -2;
/// The reply about a key that does not expire.
const NO_EXPIRY: i64 = -1;

fn ttl(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell(ctx, reply, |at, now| rounded_seconds(left(at, now)))
}

fn pttl(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell(ctx, reply, left)
}

fn expiretime(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell(ctx, reply, |at, _| rounded_seconds(at))
}

fn pexpiretime(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell(ctx, reply, |at, _| at)
}

/// Tells what `form` makes of the expiry and the present time, both in Unix milliseconds.
fn tell(
    ctx: &mut ReadCtx<'_>,
    reply: &mut ReplyBuf,
    form: impl Fn(i64, i64) -> i64,
) -> Result<(), Error> {
    let (key, now) = (ctx.key(0)?, ctx.now_ms());
    let expiry = inspect(ctx, key).map(|entry| entry.expire_ms());
    reply.int(match expiry {
        None => NO_KEY,
        Some(None) => NO_EXPIRY,
        Some(Some(at)) => form(at, now).max(0),
    });
    Ok(())
}

fn left(at_ms: i64, now_ms: i64) -> i64 {
    at_ms.saturating_sub(now_ms).max(0)
}

fn rounded_seconds(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::testkit::{Kit, START_MS};

    #[test]
    fn tells_what_is_left() {
        let mut kit = Kit::new();
        kit.run("MSET a 1 b 1");
        kit.run("PEXPIRE a 1499");
        assert_eq!(kit.run("TTL a"), "(integer) 1");
        assert_eq!(kit.run("PTTL a"), "(integer) 1499");
        let at = START_MS + 1499;
        assert_eq!(kit.run("PEXPIRETIME a"), format!("(integer) {at}"));
        assert_eq!(
            kit.run("EXPIRETIME a"),
            format!("(integer) {}", (at + 500) / 1000)
        );
        kit.sleep_ms(1499);
        // A key lives through the millisecond of its expiry.
        assert_eq!(kit.run("PTTL a"), "(integer) 0");
        kit.sleep_ms(1);
        for name in ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"] {
            assert_eq!(kit.run(&format!("{name} a")), "(integer) -2");
            assert_eq!(kit.run(&format!("{name} b")), "(integer) -1");
        }
    }
}
