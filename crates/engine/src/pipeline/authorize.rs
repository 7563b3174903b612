//! Second and third stage: whether the session may run the command on these keys, and whether the
//! keys are ours.

use vk_resp::Request;
use vk_spec::{Begin, Find, Flags, KeyFlags, KeySpec};

use super::{Rejection, channels::authorize_channels, find_keys, resolve::Resolved};
use crate::{
    Engine, Error, SessionId,
    access::{KeyRef, KeyRefs},
    cmd::{Command, CommandId},
    ctx::Origin,
    session::Session,
};

/// A request that its session may run, with permission for each of its keys.
#[derive(Debug)]
pub(crate) struct Authorized<'r> {
    pub(super) command: &'static Command,
    pub(super) id: CommandId,
    pub(super) request: Request<'r>,
    pub(super) keys: KeyRefs<'r>,
    /// The session queues what it sends.
    pub(super) in_multi: bool,
}

/// A request whose keys belong to this server.
#[derive(Debug)]
pub(crate) struct Routed<'r>(pub(super) Authorized<'r>);

/// What a client sent, and not what a transaction held back, is the session's last command.
#[inline(always)]
pub(super) fn authorize<'r>(
    engine: &mut Engine,
    session: SessionId,
    resolved: Resolved<'r>,
    origin: Origin,
) -> Result<Authorized<'r>, Rejection> {
    let Resolved {
        command,
        id,
        request,
    } = resolved;
    let refused = |error| Rejection::Refused(Some(id), error);
    let Some(state) = engine.sessions.find_mut(session) else {
        return Err(Rejection::Hostile);
    };
    if origin == Origin::Client {
        state.last_command = Some(id);
    }
    if !state.is_authenticated() && !command.spec.flags.contains(Flags::NO_AUTH) {
        return Err(refused(Error::NO_AUTH));
    }
    let in_multi = state.multi.is_some();
    if in_multi && command.spec.flags.contains(Flags::NO_MULTI) {
        return Err(refused(Error::NO_MULTI));
    }
    let (db, user) = (state.db, state.user);
    authorize_channels(engine, user, &command.spec, request).map_err(refused)?;
    let keys = mint(engine, db, command, request);
    Ok(Authorized {
        command,
        id,
        request,
        keys,
        in_multi,
    })
}

/// Makes the permissions for the keys of a request.
#[inline]
fn mint<'r>(engine: &Engine, db: u32, command: &Command, request: Request<'r>) -> KeyRefs<'r> {
    let mut keys = KeyRefs::new();
    if command.spec.keys.is_empty() {
        return keys;
    }
    let mut add = |bytes: &'r [u8], flags| {
        let hash = engine.dbs.seed().hash(bytes);
        keys.push(KeyRef::new(db, bytes, hash, flags));
    };
    if let [only] = command.spec.keys
        && let Some(word) = one_word(only)
    {
        if let Some(bytes) = request.arg(word) {
            add(bytes, only.flags);
        }
        return keys;
    }
    // Arguments that no key spec fits name no key; the handler then refuses them itself.
    for found in find_keys(&command.spec, request).unwrap_or_default() {
        if found.flags.contains(KeyFlags::NOT_KEY) {
            continue;
        }
        if let Some(bytes) = request.arg(found.word) {
            add(bytes, found.flags);
        }
    }
    keys
}

/// The number of the word, if the spec always names one and the same.
#[inline]
fn one_word(spec: &KeySpec) -> Option<usize> {
    match (spec.begin, spec.find) {
        (Begin::Index(first), Find::Range { last: 0, step, .. }) if step > 0 => {
            usize::try_from(first).ok()
        }
        _ => None,
    }
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
