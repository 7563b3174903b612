//! Second and third stage: whether the session may run the command on these keys, and whether the
//! keys are ours.

use vk_resp::Request;
use vk_spec::{Flags, KeyFlags};

use super::{Rejection, find_keys, resolve::Resolved};
use crate::{
    Engine, Error, SessionId,
    access::{KeyRef, KeyRefs},
    cmd::{Command, CommandId},
    session::Session,
};

/// A request that its session may run, with permission for each of its keys.
#[derive(Debug)]
pub(crate) struct Authorized<'r> {
    pub(super) command: &'static Command,
    pub(super) id: CommandId,
    pub(super) request: Request<'r>,
    pub(super) keys: KeyRefs<'r>,
}

/// A request whose keys belong to this server.
#[derive(Debug)]
pub(crate) struct Routed<'r>(pub(super) Authorized<'r>);

#[inline]
pub(super) fn authorize<'r>(
    engine: &Engine,
    session: SessionId,
    resolved: Resolved<'r>,
) -> Result<Authorized<'r>, Rejection> {
    let Resolved {
        command,
        id,
        request,
    } = resolved;
    let refused = |error| Rejection::Refused(Some(id), error);
    let Some(state) = engine.sessions.find(session) else {
        return Err(Rejection::Hostile);
    };
    if !state.is_authenticated() && !command.spec.flags.contains(Flags::NO_AUTH) {
        return Err(refused(Error::NO_AUTH));
    }
    if state.multi.is_some() && command.spec.flags.contains(Flags::NO_MULTI) {
        return Err(refused(Error::NO_MULTI));
    }
    let keys = mint(engine, state.db, command, request);
    Ok(Authorized {
        command,
        id,
        request,
        keys,
    })
}

/// Makes the permissions for the keys of a request.
#[inline]
fn mint<'r>(engine: &Engine, db: u32, command: &Command, request: Request<'r>) -> KeyRefs<'r> {
    let mut keys = KeyRefs::new();
    if command.spec.keys.is_empty() {
        return keys;
    }
    // Arguments that no key spec fits name no key; the handler then refuses them itself.
    for found in find_keys(&command.spec, request).unwrap_or_default() {
        if let Some(bytes) = request.arg(found.word) {
            let hash = engine.dbs.seed().hash(bytes);
            keys.push(KeyRef::new(db, bytes, hash, found.flags));
        }
    }
    keys
}

/// Permission for a key that a command found while it ran.
pub(crate) fn authorize_key<'k>(
    engine: &Engine,
    session: SessionId,
    db: u32,
    bytes: &'k [u8],
    flags: KeyFlags,
) -> Result<KeyRef<'k>, Error> {
    let allowed = engine
        .sessions
        .find(session)
        .is_some_and(Session::is_authenticated);
    let hash = engine.dbs.seed().hash(bytes);
    allowed
        .then_some(KeyRef::new(db, bytes, hash, flags))
        .ok_or(Error::NO_AUTH)
}

/// A server alone owns every slot.
#[inline]
pub(super) fn route(authorized: Authorized<'_>) -> Routed<'_> {
    Routed(authorized)
}
