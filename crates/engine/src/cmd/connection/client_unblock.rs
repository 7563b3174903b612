//! CLIENT UNBLOCK: ends the wait of another session.

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags};

use super::client::BASE;
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::SessionCtx,
    session::Session,
};

pub(super) const UNBLOCK: Command = Command {
    spec: CommandSpec {
        name: "unblock",
        since: "5.0.0",
        summary: "Ends the wait of a session, as if its time were over or with an error.",
        complexity: "O(N), N being the number of sessions",
        arity: -3,
        flags: BASE.flags.union(Flags::ADMIN),
        args: &[
            ArgSpec::integer("client-id"),
            ArgSpec::one_of(
                "unblock-type",
                &[
                    ArgSpec::pure_token("timeout", "TIMEOUT"),
                    ArgSpec::pure_token("error", "ERROR"),
                ],
            )
            .optional(),
        ],
        ..BASE
    },
    run: Run::Session(unblock),
};

const WRONG_REASON: Error = Error::Fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");

fn unblock(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let with_error = match request.arg(3) {
        _ if request.len() > 4 => return Err(Error::SYNTAX),
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"timeout") => false,
        Some(word) if word.eq_ignore_ascii_case(b"error") => true,
        Some(_) => return Err(WRONG_REASON),
    };
    let client_id = request.arg(2).and_then(parse_i64);
    let client_id = client_id.ok_or(Error::NOT_AN_INTEGER)?;
    let engine = ctx.engine();
    let mut all = engine.sessions.iter();
    let is_it = |state: &Session| i64::try_from(state.client_id) == Ok(client_id);
    let found = all
        .find(|(_, state)| is_it(state))
        .map(|(session, _)| session);
    drop(all);
    let ended = found.is_some_and(|id| engine.unblock(id, with_error));
    reply.int(i64::from(ended));
    Ok(())
}
