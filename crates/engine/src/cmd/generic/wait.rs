//! WAIT and WAITAOF of a server that has no replicas: who waits for some gets the answer when the
//! time is over; who waits for the disk, when what was written is there.

use core::time::Duration;

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group};

use crate::{
    Disposition, Error,
    blocking::milliseconds,
    cmd::{Command, Run},
    config::id,
    ctx::{Ctx, SessionCtx},
};

pub(super) const WAIT: Command = Command {
    spec: CommandSpec {
        name: "wait",
        group: Group::Generic,
        since: "3.0.0",
        summary: "Tells how many replicas have the writes of this session.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::BLOCKING,
        categories: Categories::CONNECTION,
        tips: &["request_policy:all_shards", "response_policy:agg_min"],
        args: &[ArgSpec::integer("numreplicas"), ArgSpec::integer("timeout")],
        ..CommandSpec::NEW
    },
    run: Run::Session(wait),
};

pub(super) const WAITAOF: Command = Command {
    spec: CommandSpec {
        name: "waitaof",
        group: Group::Generic,
        since: "7.2.0",
        summary: "Tells whether the writes of this session are on disk, here and on replicas.",
        complexity: "O(1)",
        arity: 4,
        flags: Flags::BLOCKING,
        categories: Categories::CONNECTION,
        tips: &["request_policy:all_shards", "response_policy:agg_min"],
        args: &[
            ArgSpec::integer("numlocal"),
            ArgSpec::integer("numreplicas"),
            ArgSpec::integer("timeout"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Session(waitaof),
};

fn wait(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let replicas = integer(request, 1)?;
    let time = timeout(ctx, request, 2)?;
    let mut answer = ReplyBuf::new(reply.protocol());
    answer.int(0);
    answer_later(ctx, replicas > 0, time, answer, reply)
}

fn waitaof(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let local = integer(request, 1)?;
    if !(0..=1).contains(&local) {
        return Err(Error::told(format_args!(
            "ERR value is out of range, value must between 0 and 1"
        )));
    }
    if integer(request, 2)? < 0 {
        return Err(Error::NOT_POSITIVE);
    }
    let time = timeout(ctx, request, 3)?;
    let session = ctx.session_id();
    let is_on = ctx.config().bool(id::APPENDONLY);
    if local > 0 && !is_on {
        return Err(Error::WAITAOF_WITHOUT_AOF);
    }
    let is_durable = ctx.engine().is_durable(session);
    let mut answer = ReplyBuf::new(reply.protocol());
    answer.array(2);
    answer.int(is_durable.into());
    answer.int(0);
    let replicas = integer(request, 2)? > 0;
    let waits_here = local > 0 && !is_durable;
    answer_later(ctx, replicas || waits_here, time, answer, reply)?;
    if ctx.disposition == Disposition::Parked && is_on && !is_durable {
        ctx.engine().wait_for_disk(session, !replicas && local > 0);
    }
    Ok(())
}

/// Answers at once if nothing is waited for, else when the time is over: no replica will come.
fn answer_later(
    ctx: &mut SessionCtx<'_>,
    waits: bool,
    time: Option<Duration>,
    answer: ReplyBuf,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let now = if waits {
        ctx.park_for_time(time, answer)?
    } else {
        Some(answer)
    };
    if let Some(answer) = now {
        reply.append(&answer);
    }
    Ok(())
}

fn integer(request: Request<'_>, word: usize) -> Result<i64, Error> {
    request
        .arg(word)
        .and_then(parse_i64)
        .ok_or(Error::NOT_AN_INTEGER)
}

fn timeout(ctx: &Ctx<'_>, request: Request<'_>, word: usize) -> Result<Option<Duration>, Error> {
    milliseconds(request.arg(word).unwrap_or_default(), ctx.now_ms())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn nobody_acknowledges() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("WAIT 0 0"), "(integer) 0");
        assert_eq!(kit.run("WAITAOF 0 0 0"), "[(integer) 0, (integer) 0]");
        assert_eq!(kit.run("WAIT 1 50"), "");
        kit.advance_ms(49);
        assert!(kit.outputs.is_empty());
        kit.advance_ms(1);
        assert_eq!(kit.woken(), "(integer) 0");
        kit.run("MULTI");
        kit.run("WAIT 1 0");
        assert_eq!(kit.run("EXEC"), "[(integer) 0]");
        assert_eq!(kit.run("WAIT 0 -1"), "(error) ERR timeout is negative");
        assert_eq!(
            kit.run("WAITAOF 1 0 0"),
            "(error) ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
        );
        assert_eq!(
            kit.run("WAITAOF 2 0 0"),
            "(error) ERR value is out of range, value must between 0 and 1"
        );
    }
}
