//! Fifth and sixth stage: the handler runs, and what it changed is committed.

use vk_resp::{ReplyBuf, Request};

use super::{
    Rejection,
    admit::{Admitted, admit_held},
    authorize::{Authorized, authorize},
    resolve::resolve,
};
use crate::{
    Disposition, Engine, Error, Host, SessionId, Ticks,
    cmd::{CommandId, Run},
    ctx::{Ctx, Origin, ReadCtx, SessionCtx, WriteCtx},
    engine::RunState,
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
    let Some(state) = engine.sessions.find_mut(session) else {
        return Disposition::CloseNow;
    };
    state.commands_total += 1;
    let db = state.db;
    let begun = match engine.last_ticks {
        Some((last, ticks)) if last == session => ticks,
        _ => host.ticks(),
    };
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
            let mut ctx = SessionCtx {
                base: ctx,
                disposition,
            };
            let result = run(&mut ctx, request, reply);
            disposition = ctx.disposition;
            result
        }
        Run::Container(_) => Err(Error::SYNTAX),
    };
    commit(engine, db, request);
    let failed = result.is_err();
    if let Err(error) = &result
        && *error != Error::Written
    {
        reply.rollback(mark);
        engine.stats.count_error(error.text());
        reply.error(error.text());
    }
    let ended = host.ticks();
    engine.last_ticks = Some((session, ended));
    if engine.run.block.is_some() {
        return park(engine, session, id, request);
    }
    count(engine, id, begun, ended, failed);
    disposition
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
fn commit(engine: &mut Engine, db: u32, request: Request<'_>) {
    let dirty = core::mem::take(&mut engine.run.dirty);
    let is_told = core::mem::take(&mut engine.run.explicit_effects);
    engine.dirty = engine.dirty.saturating_add(dirty);
    if dirty > 0 && !is_told && engine.effects.is_wanted() {
        let words: alloc::vec::Vec<&[u8]> = request.iter().collect();
        engine.effects.add(db, words.into_iter());
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

#[inline]
fn count(engine: &mut Engine, id: CommandId, begun: Ticks, ended: Ticks, failed: bool) {
    let nanos = ended.0.saturating_sub(begun.0);
    engine.stats.commands += 1;
    if let Some(stats) = engine.stats.command(id) {
        stats.calls += 1;
        stats.nanos = stats.nanos.saturating_add(nanos);
        stats.failed += u64::from(failed);
    }
    if engine.config.bool(crate::config::id::LATENCY_TRACKING) {
        engine.stats.record_latency(id, nanos);
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
    let checked = resolve(engine, session, request)
        .and_then(|resolved| authorize(engine, session, resolved, origin));
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
    match run_exec(engine, host, session, rest) {
        Err(()) => Disposition::Parked,
        Ok((whole, ended)) => {
            reply.clear();
            reply.append(&whole);
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
        if disposition != Disposition::Parked {
            engine.outputs.push_back(crate::Output::Wake {
                session,
                reply,
                disposition,
            });
        }
    }
}
