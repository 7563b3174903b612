//! Fourth stage: whether the server can take the request now: pause, a running transaction of
//! another session, MULTI.

use vk_resp::Request;

use super::{
    Rejection,
    authorize::{Authorized, Routed},
};
use vk_spec::Flags;

use crate::{Engine, Error, Host, SessionId, cmd::Command, evict::MemoryVerdict, session::Session};

/// A request that runs now.
#[derive(Debug)]
pub(crate) struct Admitted<'r>(pub(super) Authorized<'r>);

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Admission<'r> {
    /// It runs.
    Run(Admitted<'r>),
    /// It waits for EXEC.
    Queued,
    /// It waits for the end of a pause.
    Held(Request<'r>),
}

#[inline(always)]
pub(super) fn admit<'r>(
    engine: &mut Engine,
    host: &dyn Host,
    session: SessionId,
    routed: Routed<'r>,
) -> Result<Admission<'r>, Rejection> {
    let Routed(authorized) = routed;
    let Authorized {
        command,
        id,
        request,
        in_multi,
        ..
    } = &authorized;
    check_memory(engine, host, session, &authorized)?;
    check_saved(engine, session, &authorized)?;
    if engine.is_loading() && !command.spec.flags.contains(Flags::LOADING) {
        return Err(Rejection::Refused(Some(*id), Error::LOADING));
    }
    let subscribed = engine.sessions.find(session);
    if subscribed.is_some_and(Session::is_in_subscribed_mode)
        && !SUBSCRIBED_MODE.contains(&command.spec.name)
    {
        let name = engine.commands.full_name(*id);
        return Err(Rejection::Refused(Some(*id), not_while_subscribed(name)));
    }
    let runs_writes =
        command.may_replicate() || (command.spec.name == "exec" && engine.queued_writes(session));
    if engine.pause.holds(engine.mono, session, runs_writes) {
        return Ok(Admission::Held(*request));
    }
    let queues = || {
        let name = command.spec.name;
        !matches!(
            name,
            "exec" | "discard" | "multi" | "watch" | "quit" | "reset"
        )
    };
    if *in_multi
        && queues()
        && let Some(state) = engine.sessions.find_mut(session)
        && let Some(multi) = &mut state.multi
    {
        let owned = request.to_owned();
        multi.bytes = multi.bytes.saturating_add(owned.held_bytes());
        multi.queued.push((*id, owned));
        engine.session_touched = true;
        return Ok(Admission::Queued);
    }
    Ok(Admission::Run(Admitted(authorized)))
}

/// Whether there is room for what the request may add, after making some.
#[inline]
pub(super) fn check_memory(
    engine: &mut Engine,
    host: &dyn Host,
    session: SessionId,
    authorized: &Authorized<'_>,
) -> Result<(), Rejection> {
    if !engine.eviction.is_limited() {
        return Ok(());
    }
    match engine.admit_memory(host, session, authorized.command, authorized.request) {
        MemoryVerdict::Admitted => Ok(()),
        MemoryVerdict::OutOfMemory => Err(Rejection::Refused(
            Some(authorized.id),
            Error::OUT_OF_MEMORY,
        )),
        MemoryVerdict::Evicted => Err(Rejection::Hostile),
    }
}

/// Whether writes are refused because they could not be saved. PING is refused with them, so that
/// whoever looks after the server learns of it.
#[inline]
fn check_saved(
    engine: &Engine,
    session: SessionId,
    authorized: &Authorized<'_>,
) -> Result<(), Rejection> {
    if engine.saves.is_ok && engine.aof.facts.fault.is_none() {
        return Ok(());
    }
    let error = if engine.refuses_unsaved() {
        Some(Error::NOT_SAVED)
    } else {
        engine.aof_fault()
    };
    let command = authorized.command;
    let is_refused = command.is_write()
        || command.spec.name == "ping"
        || (command.spec.name == "exec" && engine.queued_any(session, Command::is_write));
    match error.filter(|_| is_refused) {
        Some(error) => Err(Rejection::Refused(Some(authorized.id), error)),
        None => Ok(()),
    }
}

/// What a session may send in RESP2 while it listens: there a message looks like a reply.
const SUBSCRIBED_MODE: &[&str] = &[
    "ping",
    "subscribe",
    "unsubscribe",
    "psubscribe",
    "punsubscribe",
    "ssubscribe",
    "sunsubscribe",
    "quit",
    "reset",
];

#[cold]
fn not_while_subscribed(name: &str) -> Error {
    Error::told(format_args!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET \
         are allowed in this context"
    ))
}

/// Admits a command that EXEC or a pause held back.
pub(super) fn admit_held(authorized: Authorized<'_>) -> Admitted<'_> {
    Admitted(authorized)
}
