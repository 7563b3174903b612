//! CLIENT PAUSE and UNPAUSE: requests wait.

use core::time::Duration;

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, History};

use super::client::BASE;
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::SessionCtx,
};

pub(super) const PAUSE: Command = Command {
    spec: CommandSpec {
        name: "pause",
        since: "3.0.0",
        summary: "Lets the requests of clients wait.",
        history: &[History {
            version: "6.2.0",
            change: "The mode WRITE, and the name of ALL.",
        }],
        arity: -3,
        flags: BASE.flags.union(Flags::ADMIN),
        args: &[
            ArgSpec::integer("timeout"),
            ArgSpec::one_of(
                "mode",
                &[
                    ArgSpec::pure_token("write", "WRITE"),
                    ArgSpec::pure_token("all", "ALL"),
                ],
            )
            .since("6.2.0")
            .optional(),
        ],
        ..BASE
    },
    run: Run::Session(pause),
};

pub(super) const UNPAUSE: Command = Command {
    spec: CommandSpec {
        name: "unpause",
        since: "6.2.0",
        summary: "Lets the requests that wait go on.",
        complexity: "O(N), N being the number of waiting sessions",
        flags: BASE.flags.union(Flags::ADMIN),
        ..BASE
    },
    run: Run::Session(unpause),
};

const NOT_AN_INTEGER: Error = Error::Fixed("ERR timeout is not an integer or out of range");
const NEGATIVE: Error = Error::Fixed("ERR timeout is negative");
const WRONG_MODE: Error = Error::Fixed("ERR CLIENT PAUSE mode must be WRITE or ALL");

fn pause(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let all = match request.arg(3) {
        _ if request.len() > 4 => return Err(Error::SYNTAX),
        None => true,
        Some(word) if word.eq_ignore_ascii_case(b"all") => true,
        Some(word) if word.eq_ignore_ascii_case(b"write") => false,
        Some(_) => return Err(WRONG_MODE),
    };
    let ms = request.arg(2).and_then(parse_i64).ok_or(NOT_AN_INTEGER)?;
    let ms = u64::try_from(ms).map_err(|_| NEGATIVE)?;
    let engine = ctx.engine();
    let until = engine.mono.after(Duration::from_millis(ms));
    engine.pause.start(engine.mono, until, all);
    reply.ok();
    Ok(())
}

fn unpause(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.engine().pause.stop();
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Disposition, testkit::Kit};

    #[test]
    fn writes_wait_and_go_on_in_order() {
        let mut kit = Kit::new();
        let (a, b) = (kit.connect(), kit.connect());
        assert_eq!(kit.run("CLIENT PAUSE 1000 WRITE"), "OK");
        assert_eq!(kit.run_as(a, "SET k 1"), "");
        assert_eq!(kit.disposition, Disposition::Parked);
        assert_eq!(kit.run_as(b, "APPEND k 2"), "");
        assert_eq!(kit.run("GET k"), "(nil)");
        kit.advance_ms(999);
        assert_eq!(kit.run("GET k"), "(nil)");
        kit.advance_ms(2);
        assert_eq!(
            (kit.woken(), kit.woken()),
            ("OK".into(), "(integer) 2".into())
        );
        assert_eq!(kit.run("GET k"), "\"12\"");
    }

    #[test]
    fn nothing_expires_meanwhile() {
        let mut kit = Kit::new();
        kit.run("SET k v PX 10");
        kit.run("CLIENT PAUSE 1000 WRITE");
        kit.advance_ms(100);
        assert_eq!(kit.run("GET k"), "(nil)");
        assert_eq!(kit.run("DBSIZE"), "(integer) 1");
        kit.run("CLIENT UNPAUSE");
        kit.advance_ms(1);
        assert_eq!(kit.run("DBSIZE"), "(integer) 0");
    }

    #[test]
    fn a_transaction_replaces_an_expired_key_in_its_own_pause() {
        let mut kit = Kit::new();
        kit.run("SET n 5 PX 10");
        kit.sleep_ms(100);
        kit.run("MULTI");
        kit.run("CLIENT PAUSE 1000 WRITE");
        kit.run("INCR n");
        assert_eq!(kit.run("EXEC"), "[OK, (integer) 1]");
        assert_eq!(kit.run("DBSIZE"), "(integer) 1");
        assert_eq!(kit.run("TTL n"), "(integer) -1");
    }

    #[test]
    fn arguments_are_checked() {
        let mut kit = Kit::new();
        assert!(
            kit.run("CLIENT PAUSE x")
                .contains("timeout is not an integer")
        );
        assert!(kit.run("CLIENT PAUSE -1").contains("timeout is negative"));
        assert!(
            kit.run("CLIENT PAUSE 1 SOME")
                .contains("must be WRITE or ALL")
        );
    }
}
