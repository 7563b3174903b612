//! Fourth stage: whether the server can take the request now: pause, a running transaction of
//! another session, MULTI.

use vk_resp::Request;
use vk_spec::Flags;

use super::{
    Rejection,
    authorize::{Authorized, Routed},
};
use crate::{Engine, SessionId};

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
    let runs_writes = command.is_write()
        || command.spec.flags.contains(Flags::MAY_REPLICATE)
        || (command.spec.name == "exec" && engine.queued_writes(session));
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
        return Ok(Admission::Queued);
    }
    Ok(Admission::Run(Admitted(authorized)))
}

/// Admits a command that EXEC or a pause held back.
pub(super) fn admit_held(authorized: Authorized<'_>) -> Admitted<'_> {
    Admitted(authorized)
}
