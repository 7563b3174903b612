//! The way of a request: resolve, authorize, route, admit, execute, commit.
//!
//! Each stage takes the token of the one before by value, and only the stage can make its token, so
//! that a check that was skipped does not compile. The order of the checks is Valkey's: which error
//! comes first can be observed.

mod admit;
mod authorize;
mod channels;
mod execute;
mod keys;
mod prepare;
mod resolve;

use alloc::string::String;

use vk_resp::{Mark, ReplyBuf, Request};

pub(crate) use authorize::authorize_key;
pub(crate) use execute::{count_command, finish_exec, resume, run_exec, run_held, run_queued};
pub(crate) use keys::{FoundKeys, find_keys};
pub(crate) use prepare::{Prepared, prepare};
pub(crate) use resolve::wrong_arity;

use admit::Admission;

use crate::{
    Disposition, Engine, Error, Host, LogLevel, SessionId,
    cmd::CommandId,
    ctx::Origin,
    session::{Parked, SessionFlags},
};

/// What a connection from outside is told while protected mode refuses it.
pub(crate) const PROTECTED_MODE_REPLY: &[u8] = b"-DENIED This server runs in protected mode and \
no password is set for the default user, so only connections from this machine are accepted. To \
connect from elsewhere, do one of the following: 1) on this machine, switch protected mode off \
with 'CONFIG SET protected-mode no', and add CONFIG REWRITE to keep it so; do not do this where \
the server can be reached from an untrusted network. 2) Set 'protected-mode no' in the \
configuration file and restart. 3) Start the server with '--protected-mode no' for a test. 4) Set \
a password for the default user. One of these is enough.\r\n";

/// Why a request does not run.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// With an error reply; counted for this command if it is known.
    Refused(Option<CommandId>, Error),
    /// The connection is closed without a word.
    Hostile,
}

/// Takes a request from its arrival to its reply.
pub(crate) fn handle(
    engine: &mut Engine,
    host: &mut dyn Host,
    session: SessionId,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Disposition {
    let mono = engine.mono;
    let Some(state) = engine.sessions.find_mut(session) else {
        return Disposition::CloseNow;
    };
    state.active = mono;
    if state
        .flags
        .intersects(SessionFlags::CLOSING | SessionFlags::LEAVING)
    {
        return closing(state.flags);
    }
    // The shell has one buffer for all sessions.
    reply.set_protocol(state.protocol);
    reply.set_bytes_max(engine.eviction.reply_bytes_max());
    engine.running = Some(session);
    engine.session_touched = false;
    if engine.tracking.is_over() {
        engine.limit_tracking();
        engine.take_own_pushes(reply);
    }
    let mut mark = reply.mark();
    let disposition = match stages(engine, host, session, request, reply, &mut mark) {
        Ok(disposition) => disposition,
        Err(Rejection::Hostile) => Disposition::CloseNow,
        Err(Rejection::Refused(command, error)) => {
            reject(engine, session, command, &error, request, reply);
            Disposition::Done
        }
    };
    let mut disposition = settle_reply(engine, session, reply, mark, disposition);
    if engine.session_touched {
        disposition = take_stock(engine, session, disposition);
    }
    engine.running = None;
    engine.take_own_pushes(reply);
    if engine.tracking.is_on() {
        engine.end_caching(session);
    }
    if engine.has_ready_keys() {
        crate::blocking::serve(engine, host);
    }
    disposition
}

/// A session that is about to be closed gets nothing more.
#[cold]
fn closing(flags: SessionFlags) -> Disposition {
    if flags.contains(SessionFlags::LEAVING) {
        Disposition::CloseNow
    } else {
        Disposition::Close
    }
}

/// Counts what the session takes after its request; it may be too much.
fn take_stock(engine: &mut Engine, session: SessionId, disposition: Disposition) -> Disposition {
    engine.sessions.recount(session);
    engine.evict_sessions();
    let state = engine.sessions.find(session);
    match state {
        Some(state) if state.flags.contains(SessionFlags::LEAVING) => Disposition::CloseNow,
        _ => disposition,
    }
}

#[inline]
fn stages(
    engine: &mut Engine,
    host: &mut dyn Host,
    session: SessionId,
    request: Request<'_>,
    reply: &mut ReplyBuf,
    mark: &mut Mark,
) -> Result<Disposition, Rejection> {
    let resolved = resolve::resolve(engine, session, request, Origin::Client)?;
    let authorized = authorize::authorize(engine, session, resolved, Origin::Client)?;
    let routed = authorize::route(authorized);
    let admission = admit::admit(engine, &*host, session, routed);
    if !engine.own_pushes.is_empty() {
        // What had to be evicted for the request is told before its reply, wanted or not.
        engine.take_own_pushes(reply);
        *mark = reply.mark();
    }
    match admission? {
        Admission::Run(admitted) => Ok(execute::execute(
            engine,
            host,
            session,
            admitted,
            Origin::Client,
            reply,
        )),
        Admission::Queued => {
            reply.queued();
            Ok(Disposition::Done)
        }
        Admission::Held(request) => {
            park(engine, session, request);
            Ok(Disposition::Parked)
        }
    }
}

#[cold]
fn park(engine: &mut Engine, session: SessionId, request: Request<'_>) {
    if let Some(state) = engine.sessions.find_mut(session) {
        state.parked = Some(Parked::Paused(request.to_owned()));
        engine.session_touched = true;
        engine.pause.hold(session);
    }
}

/// Writes the error of a request that does not run.
#[cold]
fn reject(
    engine: &mut Engine,
    session: SessionId,
    command: Option<CommandId>,
    error: &Error,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) {
    if let Some(state) = engine.sessions.find_mut(session) {
        state.last_command = command;
    }
    if let Some(stats) = command.and_then(|id| engine.stats.command(id)) {
        stats.rejected += 1;
    }
    let is_exec = command.is_some_and(|id| engine.commands.full_name(id) == "exec");
    if is_exec {
        engine.discard(session);
        engine.session_touched = true;
        let why = error.text();
        let why = why.strip_prefix("ERR ").unwrap_or(why);
        let text = alloc::format!("EXECABORT Transaction discarded because of: {why}");
        engine.stats.count_error(&text);
        reply.error(&text);
        if let Some(id) = command {
            engine.show_monitors(session, id, request);
        }
        return;
    }
    if let Some(state) = engine.sessions.find_mut(session)
        && state.multi.is_some()
    {
        state.flags.insert(SessionFlags::DIRTY_EXEC);
    }
    engine.stats.count_error(error.text());
    reply.error(error.text());
}

/// Drops the reply of a session that wants none, and sees to a session that ends.
#[inline]
pub(crate) fn settle_reply(
    engine: &mut Engine,
    session: SessionId,
    reply: &mut ReplyBuf,
    mark: Mark,
    disposition: Disposition,
) -> Disposition {
    let Some(state) = engine.sessions.find_mut(session) else {
        return Disposition::CloseNow;
    };
    let quiet = SessionFlags::REPLY_OFF | SessionFlags::REPLY_SKIP | SessionFlags::REPLY_SKIP_NEXT;
    if state.flags.intersects(quiet) && disposition != Disposition::Parked {
        if state
            .flags
            .intersects(SessionFlags::REPLY_OFF | SessionFlags::REPLY_SKIP)
        {
            reply.rollback(mark);
        }
        let skip = state.flags.contains(SessionFlags::REPLY_SKIP_NEXT);
        state.flags.set(SessionFlags::REPLY_SKIP, skip);
        state.flags.remove(SessionFlags::REPLY_SKIP_NEXT);
    }
    if disposition == Disposition::Close {
        state.flags.insert(SessionFlags::CLOSING);
    }
    disposition
}

/// Notes that somebody speaks another protocol at us.
fn hostile(engine: &mut Engine, session: SessionId, request: Request<'_>) -> Rejection {
    let who = engine.client_line(session).unwrap_or_default();
    let word = request
        .arg(0)
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    let text = alloc::format!(
        "Possible SECURITY ATTACK detected. A client sent the HTTP word '{word}', which a browser \
         that was lured into talking to this port would send. Connection aborted: {who}"
    );
    engine.log(LogLevel::Warning, text);
    Rejection::Hostile
}
