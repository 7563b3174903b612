//! TIME and LASTSAVE.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{Categories, CommandSpec, Flags, Group};

use crate::{
    Error,
    cmd::{Command, Run},
    ctx::SessionCtx,
};

pub(super) const TIME: Command = Command {
    spec: CommandSpec {
        name: "time",
        group: Group::Server,
        since: "2.6.0",
        summary: "Tells the server's Unix time: seconds, and microseconds of the second.",
        arity: 1,
        flags: QUICK,
        tips: &["nondeterministic_output"],
        ..CommandSpec::NEW
    },
    run: Run::Session(time),
};

pub(super) const LASTSAVE: Command = Command {
    spec: CommandSpec {
        name: "lastsave",
        group: Group::Server,
        since: "1.0.0",
        summary: "Tells the Unix time of the last snapshot that was saved, at first the start.",
        arity: 1,
        flags: QUICK,
        categories: Categories::ADMIN.union(Categories::DANGEROUS),
        tips: &["nondeterministic_output"],
        ..CommandSpec::NEW
    },
    run: Run::Session(lastsave),
};

const QUICK: Flags = Flags::LOADING.union(Flags::STALE).union(Flags::FAST);

const MICROS_PER_SECOND: i64 = 1_000_000;

fn time(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let now = ctx.engine().wall.0;
    reply.array(2);
    reply.bulk_int(now.div_euclid(MICROS_PER_SECOND));
    reply.bulk_int(now.rem_euclid(MICROS_PER_SECOND));
    Ok(())
}

fn lastsave(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    reply.int(ctx.engine().saves.last_s);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::{Kit, START_MS};

    #[test]
    fn time_goes_by_and_the_last_save_does_not() {
        let mut kit = Kit::new();
        kit.sleep_ms(2_345);
        let seconds = START_MS / 1000;
        assert_eq!(
            kit.run("TIME"),
            alloc::format!("[\"{}\", \"345000\"]", seconds + 2)
        );
        assert_eq!(kit.run("LASTSAVE"), alloc::format!("(integer) {seconds}"));
    }
}
