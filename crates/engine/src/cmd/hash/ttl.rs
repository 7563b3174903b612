//! How long fields live: HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME.

use vk_data::hash::HashRef;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{
    expire::{NO_EXPIRY, NO_FIELD, tell_no_field},
    fields::{FIELDS, fixed_fields},
    now_ms,
};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const HEXPIRETIME: Command = Command {
    spec: CommandSpec {
        name: "hexpiretime",
        summary: "Tells the Unix time in seconds at which fields expire.",
        ..SPEC
    },
    run: Run::Read(hexpiretime),
};

pub(super) const HPEXPIRETIME: Command = Command {
    spec: CommandSpec {
        name: "hpexpiretime",
        summary: "Tells the Unix time in milliseconds at which fields expire.",
        ..SPEC
    },
    run: Run::Read(hpexpiretime),
};

pub(super) const HPTTL: Command = Command {
    spec: CommandSpec {
        name: "hpttl",
        summary: "Tells the time to live of fields in milliseconds.",
        ..SPEC
    },
    run: Run::Read(hpttl),
};

pub(super) const HTTL: Command = Command {
    spec: CommandSpec {
        name: "httl",
        summary: "Tells the time to live of fields in seconds.",
        ..SPEC
    },
    run: Run::Read(httl),
};

/// What these commands have in common.
const SPEC: CommandSpec = CommandSpec {
    group: Group::Hash,
    since: "9.0.0",
    complexity: "O(N) where N is the number of fields named",
    arity: -5,
    flags: Flags::FAST,
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[ArgSpec::key("key", 0), FIELDS],
    ..CommandSpec::NEW
};

fn httl(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell(ctx, request, reply, |at, now| {
        rounded_seconds(left(at, now))
    })
}

fn hpttl(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell(ctx, request, reply, left)
}

fn hexpiretime(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell(ctx, request, reply, |at, _| rounded_seconds(at))
}

fn hpexpiretime(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell(ctx, request, reply, |at, _| at)
}

/// Tells what `form` makes of each expiry and the present time, both in Unix milliseconds.
fn tell(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
    form: impl Fn(i64, i64) -> i64,
) -> Result<(), Error> {
    let names = match fixed_fields(request) {
        // These four say it in another way than their kin.
        Err(error) if error == Error::BAD_FIELD_COUNT => return Err(Error::SYNTAX),
        names => names?,
    };
    let (key, now, real_now) = (ctx.key(0)?, now_ms(ctx), ctx.now_ms());
    let Some(hash) = ctx.view::<HashRef<'_>>(key)? else {
        tell_no_field(names, reply);
        return Ok(());
    };
    reply.array(names.len());
    for name in names {
        reply.int(match hash.expiry(name, now) {
            None => NO_FIELD,
            Some(None) => NO_EXPIRY,
            Some(Some(at)) => form(at, real_now),
        });
    }
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
        kit.run("HSET h a 1 b 2");
        kit.run("HPEXPIRE h 1499 FIELDS 1 a");
        assert_eq!(kit.run("HTTL h FIELDS 1 a"), "[(integer) 1]");
        assert_eq!(kit.run("HPTTL h FIELDS 1 a"), "[(integer) 1499]");
        let at = START_MS + 1499;
        assert_eq!(
            kit.run("HPEXPIRETIME h FIELDS 1 a"),
            format!("[(integer) {at}]")
        );
        assert_eq!(
            kit.run("HEXPIRETIME h FIELDS 1 a"),
            format!("[(integer) {}]", (at + 500) / 1000)
        );
        for name in ["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"] {
            assert_eq!(
                kit.run(&format!("{name} h fields 2 b c")),
                "[(integer) -1, (integer) -2]"
            );
            assert_eq!(
                kit.run(&format!("{name} none FIELDS 2 b c")),
                "[(integer) -2, (integer) -2]"
            );
            let syntax = "(error) ERR syntax error";
            assert_eq!(kit.run(&format!("{name} h FIELDS 2 b")), syntax);
            assert_eq!(kit.run(&format!("{name} h FIELDS 0 b")), syntax);
            assert_eq!(kit.run(&format!("{name} h FOO 1 b")), syntax);
            assert_eq!(
                kit.run(&format!("{name} h FIELDS x b")),
                "(error) ERR value is not an integer or out of range"
            );
        }
        kit.sleep_ms(1499);
        assert_eq!(kit.run("HPTTL h FIELDS 1 a"), "[(integer) 0]");
        kit.sleep_ms(1);
        assert_eq!(kit.run("HPTTL h FIELDS 1 a"), "[(integer) -2]");
    }
}
