//! Fifth and sixth stage: the handler runs, and what it changed is committed.

use vk_resp::{Mark, ReplyBuf, Request};

use super::{
    Rejection,
    admit::{Admitted, admit_held, check_memory},
    authorize::{Authorized, authorize},
    resolve::resolve,
};
use crate::{
    Disposition, Engine, Error, Host, SessionId, Ticks,
    access::KeyRef,
    cmd::{CommandId, Run},
    ctx::{Ctx, Origin, ReadCtx, SessionCtx, WriteCtx},
    engine::RunState,
    observe::Ran,
    session::{ExecRest, Parked},
};

#[inline]
pub(super) fn execute(
    engine: &mut Engine,
    host: &mut dyn Host,
    session: SessionId,
    admitted: Admitted<'_>,
    origin: Origin,
    reply: &mut ReplyBuf,
) -> Disposition {
    // By reference: the keys are not moved once more.
    let Admitted(Authorized {
        command,
        id,
        request,
        keys,
        ..
    }) = &admitted;
    let (id, request) = (*id, *request);
    let Some(db) = engine.sessions.find(session).map(|state| state.db) else {
        return Disposition::CloseNow;
    };
    let begun = begin(engine, host, session);
    let mark = reply.mark();
    reset(&mut engine.run);
    engine.effects.begin();
    let mut disposition = Disposition::Done;
    let ctx = Ctx {
        engine,
        host,
        session,
        db,
        command: id,
        origin,
        keys,
    };
    let result = match command.run {
        Run::Read(run) => run(&mut ReadCtx(ctx), request, reply),
        Run::Write(run) => run(&mut WriteCtx(ReadCtx(ctx)), request, reply),
        Run::Session(run) | Run::Both(run, _) => {
            let mut ctx = SessionCtx::begin(ctx, request);
            let result = run(&mut ctx, request, reply);
            disposition = ctx.disposition;
            result
        }
        Run::Container(_) => Err(Error::SYNTAX),
    };
    remember(engine, session, command.run, keys);
    engine.end_session_request(session);
    commit(engine, session, db, id, request);
    let failed = result.is_err();
    if let Err(error) = &result {
        tell_error(engine, error, mark, reply);
    }
    let ended = host.ticks();
    engine.last_ticks = Some((session, ended));
    let ran = Ran {
        session,
        id,
        request,
        nanos: ended.0.saturating_sub(begun.0),
        reply_bytes: reply.len_since(mark) as u64,
    };
    show(engine, &ran, origin, keys);
    if engine.run.block.is_some() {
        return park(engine, session, id, request);
    }
    close_books(engine, &ran, origin, failed);
    disposition
}

/// When the command began: if it follows another one of its session, when that ended.
#[inline]
fn begin(engine: &Engine, host: &dyn Host, session: SessionId) -> Ticks {
    match engine.last_ticks {
        Some((last, ticks)) if last == session => ticks,
        _ => host.ticks(),
    }
}

/// Writes the error in the place of what the handler may have written, unless it is there already.
#[cold]
fn tell_error(engine: &mut Engine, error: &Error, mark: Mark, reply: &mut ReplyBuf) {
    if *error != Error::Written {
        reply.rollback(mark);
        engine.stats.count_error(error.text());
        reply.error(error.text());
    }
}

/// Notes what the session may have in its cache from now on, whatever the reply is.
#[inline]
fn remember(engine: &mut Engine, session: SessionId, run: Run, keys: &[KeyRef<'_>]) {
    if engine.tracking.is_on() && matches!(run, Run::Read(_)) {
        engine.remember_keys(session, keys);
    }
}

/// Lets the session wait. The command counts when it is served.
#[cold]
fn park(
    engine: &mut Engine,
    session: SessionId,
    id: CommandId,
    request: Request<'_>,
) -> Disposition {
    if let Some(block) = engine.run.block.take()
        && !engine.run_again
    {
        engine.begin_block(session, id, block, request);
    }
    Disposition::Parked
}

/// Hands the change on: what the handler said, or else the request itself.
#[inline]
fn commit(engine: &mut Engine, session: SessionId, db: u32, id: CommandId, request: Request<'_>) {
    let dirty = core::mem::take(&mut engine.run.dirty);
    let is_told = core::mem::take(&mut engine.run.explicit_effects);
    engine.dirty = engine.dirty.saturating_add(dirty);
    if dirty > 0 && !is_told && engine.effects.is_wanted() {
        let declared = engine.commands.declared_word(id);
        match (declared, request.wire()) {
            (None, Some(wire)) => engine.effects.add_wire(db, wire),
            (None, None) => engine.effects.add(db, request.iter()),
            (Some(name), _) => {
                let word = |(at, word)| if at == 0 { name } else { word };
                let words = request.iter().enumerate().map(word);
                engine.effects.add(db, words);
            }
        }
    }
    if dirty > 0 && engine.effects.is_wanted() {
        let position = engine.effects.position();
        if let Some(state) = engine.sessions.find_mut(session) {
            state.write_position = position;
        }
    }
    engine.effects.end();
}

/// Nothing has been done. Field by field: the state is larger than what is ever set.
#[inline]
fn reset(run: &mut RunState) {
    run.dirty = 0;
    run.explicit_effects = false;
    run.block = None;
}

/// Shows a command that has run, or blocks; once, though it may run again.
#[inline]
fn show(engine: &mut Engine, ran: &Ran<'_>, origin: Origin, keys: &[KeyRef<'_>]) {
    if origin != Origin::Replay && !engine.run_again {
        engine.show_monitors(ran.session, ran.id, ran.request);
        engine.observe_keys(ran.id, keys);
    }
}

/// One command more has ended, of the server's and of its session's.
#[inline]
pub(crate) fn count_command(engine: &mut Engine, session: SessionId) {
    engine.stats.commands += 1;
    if let Some(state) = engine.sessions.find_mut(session) {
        state.commands_total += 1;
    }
}

/// Counts and records a command that has run to its end.
#[inline]
fn close_books(engine: &mut Engine, ran: &Ran<'_>, origin: Origin, failed: bool) {
    count_command(engine, ran.session);
    if let Some(stats) = engine.stats.command(ran.id) {
        stats.calls += 1;
        stats.nanos = stats.nanos.saturating_add(ran.nanos);
        stats.failed += u64::from(failed);
    }
    if engine.config.bool(crate::config::id::LATENCY_TRACKING) {
        engine.stats.record_latency(ran.id, ran.nanos);
    }
    if origin != Origin::Replay {
        engine.observe(ran);
    }
}

/// Runs one command of a transaction; what it may do is checked again.
pub(crate) fn run_queued(
    engine: &mut Engine,
    host: &mut dyn Host,
    session: SessionId,
    request: Request<'_>,
    origin: Origin,
    reply: &mut ReplyBuf,
) -> Disposition {
    let checked = resolve(engine, session, request, origin)
        .and_then(|resolved| authorize(engine, session, resolved, origin))
        .and_then(|authorized| {
            // One that has waited for a key has to find room like one that has just come; one of a
            // transaction has been asked already.
            if origin == Origin::Client {
                check_memory(engine, &*host, session, &authorized)?;
            }
            Ok(authorized)
        });
    match checked {
        Ok(authorized) => execute(engine, host, session, admit_held(authorized), origin, reply),
        Err(Rejection::Hostile) => Disposition::CloseNow,
        Err(Rejection::Refused(command, error)) => {
            if let Some(stats) = command.and_then(|id| engine.stats.command(id)) {
                stats.rejected += 1;
            }
            engine.stats.count_error(error.text());
            reply.error(error.text());
            Disposition::Done
        }
    }
}

/// Runs the rest of a transaction. If a command of it waits for work outside, the rest is kept in
/// the session, no other session runs meanwhile, and `reply` is kept with it.
pub(crate) fn run_exec(
    engine: &mut Engine,
    host: &mut dyn Host,
    session: SessionId,
    mut rest: ExecRest,
) -> Result<(ReplyBuf, Disposition), ()> {
    let mut ended = Disposition::Done;
    while let Some(request) = rest.queued.pop_front() {
        match run_queued(
            engine,
            host,
            session,
            request.view(),
            Origin::Exec,
            &mut rest.reply,
        ) {
            Disposition::Done => {}
            Disposition::Parked => {
                engine.pause.begin_exclusive(session);
                engine.take_own_pushes(&mut rest.pushes);
                if let Some(state) = engine.sessions.find_mut(session) {
                    state.exec_rest = Some(rest);
                }
                return Err(());
            }
            close => ended = close,
        }
    }
    Ok((rest.reply, ended))
}

/// Closes the books of a transaction.
pub(crate) fn finish_exec(engine: &mut Engine, session: SessionId) {
    engine.effects.end();
    engine.pause.end_exclusive(session);
}

/// A session goes on whose work outside has ended; `reply` holds what the work came to.
pub(crate) fn resume(
    engine: &mut Engine,
    host: &mut dyn Host,
    session: SessionId,
    reply: &mut ReplyBuf,
) -> Disposition {
    let Some(state) = engine.sessions.find_mut(session) else {
        return Disposition::CloseNow;
    };
    let Some(mut rest) = state.exec_rest.take() else {
        return Disposition::Done;
    };
    rest.reply.append(reply);
    engine.running = Some(session);
    engine.own_pushes.append(&rest.pushes);
    rest.pushes.clear();
    let ended = run_exec(engine, host, session, rest);
    engine.running = None;
    match ended {
        Err(()) => Disposition::Parked,
        Ok((whole, ended)) => {
            reply.clear();
            reply.append(&whole);
            engine.take_own_pushes(reply);
            finish_exec(engine, session);
            crate::blocking::serve(engine, host);
            ended
        }
    }
}

/// Runs the requests that a pause held back, in the order in which they came.
pub(crate) fn run_held(engine: &mut Engine, host: &mut dyn Host) {
    for session in engine.pause.take_held(engine.mono) {
        let Some(state) = engine.sessions.find_mut(session) else {
            continue;
        };
        let Some(Parked::Paused(request)) = state.parked.take() else {
            continue;
        };
        let mut reply = ReplyBuf::new(state.protocol);
        let disposition = super::handle(engine, host, session, request.view(), &mut reply);
        engine.sessions.recount(session);
        if disposition != Disposition::Parked {
            engine.outputs.push_back(crate::Output::Wake {
                session,
                reply,
                disposition,
            });
        }
    }
}
