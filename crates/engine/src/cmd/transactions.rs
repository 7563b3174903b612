//! MULTI, EXEC, DISCARD, WATCH, UNWATCH: a transaction is one group of effects.

#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{Command, Run};
use crate::{
    Disposition, Engine, Error, SessionId,
    ctx::SessionCtx,
    pipeline,
    session::{ExecRest, Multi, SessionFlags, Watched},
};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[DISCARD, EXEC, MULTI, UNWATCH, WATCH];

const DISCARD: Command = Command {
    spec: CommandSpec {
        name: "discard",
        group: Group::Transactions,
        since: "2.0.0",
        summary: "Drops the commands that were queued since MULTI.",
        complexity: "O(N), N being the number of queued commands",
        arity: 1,
        flags: CONTROL.union(Flags::FAST).union(Flags::ALLOW_BUSY),
        categories: Categories::TRANSACTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(discard),
};

const EXEC: Command = Command {
    spec: CommandSpec {
        name: "exec",
        group: Group::Transactions,
        since: "1.2.0",
        summary: "Runs the commands that were queued since MULTI, as one.",
        complexity: "That of the queued commands together",
        arity: 1,
        flags: CONTROL.union(Flags::SKIP_SLOWLOG),
        categories: Categories::TRANSACTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(exec),
};

const MULTI: Command = Command {
    spec: CommandSpec {
        name: "multi",
        group: Group::Transactions,
        since: "1.2.0",
        summary: "Begins a transaction: what follows is queued until EXEC.",
        complexity: "O(1)",
        arity: 1,
        flags: CONTROL
            .union(Flags::FAST)
            .union(Flags::NO_MULTI)
            .union(Flags::ALLOW_BUSY),
        categories: Categories::TRANSACTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(multi),
};

const UNWATCH: Command = Command {
    spec: CommandSpec {
        name: "unwatch",
        group: Group::Transactions,
        since: "2.2.0",
        summary: "Forgets the keys that were watched.",
        complexity: "O(1)",
        arity: 1,
        flags: CONTROL.union(Flags::FAST).union(Flags::ALLOW_BUSY),
        categories: Categories::TRANSACTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(unwatch),
};

const WATCH: Command = Command {
    spec: CommandSpec {
        name: "watch",
        group: Group::Transactions,
        since: "2.2.0",
        summary: "Makes the next EXEC fail if one of these keys has changed by then.",
        complexity: "O(1) for each key",
        arity: -2,
        flags: CONTROL
            .union(Flags::FAST)
            .union(Flags::NO_MULTI)
            .union(Flags::ALLOW_BUSY),
        categories: Categories::TRANSACTION,
        keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Session(watch),
};

/// Transactions are controlled by clients, whatever state the dataset is in.
const CONTROL: Flags = Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE);

fn multi(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    // A second MULTI never comes here: NO_MULTI refuses it while the first is queueing.
    ctx.session()?.multi = Some(Multi::default());
    reply.ok();
    Ok(())
}

fn discard(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    if ctx.session()?.multi.is_none() {
        return Err(Error::DISCARD_WITHOUT_MULTI);
    }
    let id = ctx.session_id();
    ctx.engine().discard(id);
    reply.ok();
    Ok(())
}

fn exec(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let id = ctx.session_id();
    let watched_expired = ctx.engine().watched_key_expired(id);
    let session = ctx.session()?;
    let Some(multi) = session.multi.take() else {
        return Err(Error::EXEC_WITHOUT_MULTI);
    };
    let flags = session.flags;
    ctx.engine().discard(id);
    if flags.contains(SessionFlags::DIRTY_EXEC) {
        return Err(Error::EXEC_ABORT);
    }
    if flags.contains(SessionFlags::DIRTY_CAS) || watched_expired {
        reply.null_array();
        return Ok(());
    }
    let protocol = ctx.session()?.protocol;
    let mut whole = ReplyBuf::new(protocol);
    whole.set_bytes_max(reply.bytes_max());
    whole.array(multi.queued.len());
    let queued: VecDeque<_> = multi
        .queued
        .into_iter()
        .map(|(_, request)| request)
        .collect();
    let rest = ExecRest {
        queued,
        reply: whole,
        pushes: ReplyBuf::new(protocol),
    };
    let base = &mut ctx.base;
    base.engine.effects.begin();
    match pipeline::run_exec(base.engine, base.host, id, rest) {
        Ok((whole, ended)) => {
            pipeline::finish_exec(base.engine, id);
            reply.append(&whole);
            ctx.disposition = ended;
        }
        Err(()) => ctx.disposition = Disposition::Parked,
    }
    Ok(())
}

fn watch(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (id, keys) = (ctx.session_id(), ctx.keys());
    // A session that has lost already need not watch any further.
    if !ctx.session()?.flags.contains(SessionFlags::DIRTY_CAS) {
        for key in keys {
            ctx.engine().watch_key(id, key.db(), key.bytes());
        }
    }
    reply.ok();
    Ok(())
}

fn unwatch(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let id = ctx.session_id();
    ctx.engine().unwatch_all(id);
    ctx.session()?.flags.remove(SessionFlags::DIRTY_CAS);
    reply.ok();
    Ok(())
}

impl Engine {
    /// Ends a transaction without running it, and forgets what was watched.
    pub(crate) fn discard(&mut self, id: SessionId) {
        self.unwatch_all(id);
        if let Some(session) = self.sessions.find_mut(id) {
            session.multi = None;
            session
                .flags
                .remove(SessionFlags::DIRTY_CAS | SessionFlags::DIRTY_EXEC);
        }
    }

    /// Whether the transaction of a session holds a command that waits while writes do.
    pub(crate) fn queued_writes(&self, id: SessionId) -> bool {
        self.queued_any(id, Command::may_replicate)
    }

    /// Whether the transaction of a session holds a command of this kind.
    pub(crate) fn queued_any(&self, id: SessionId, is: fn(&Command) -> bool) -> bool {
        let multi = self
            .sessions
            .find(id)
            .and_then(|session| session.multi.as_ref());
        multi.is_some_and(|multi| {
            let mut queued = multi.queued.iter();
            queued.any(|(id, _)| is(self.commands.command(*id)))
        })
    }

    fn watch_key(&mut self, id: SessionId, db: u32, key: &[u8]) {
        let Some(session) = self.sessions.find_mut(id) else {
            return;
        };
        if session.watched.iter().any(|w| w.db == db && *w.key == *key) {
            return;
        }
        let hash = self.dbs.seed().hash(key);
        let now = self.wall.0.div_euclid(1000);
        let entry = self.dbs.db(db).and_then(|space| space.find(hash, key));
        let expired = entry.is_some_and(|entry| entry.is_expired(now));
        session.watched_bytes += key.len() + size_of::<Watched>();
        session.watched.push(Watched {
            db,
            key: key.into(),
            expired,
        });
        self.watch.add((db, key.into()), id);
    }

    pub(crate) fn unwatch_all(&mut self, id: SessionId) {
        let Some(session) = self.sessions.find_mut(id) else {
            return;
        };
        session.watched_bytes = 0;
        for watched in core::mem::take(&mut session.watched) {
            self.watch.remove(&(watched.db, watched.key), id);
        }
    }

    /// Whether a watched key has expired since, though nobody has removed it yet. A key that had
    /// expired when it was watched does not count: its removal is no change.
    fn watched_key_expired(&self, id: SessionId) -> bool {
        let Some(session) = self.sessions.find(id) else {
            return false;
        };
        let now = self.now_ms();
        session
            .watched
            .iter()
            .filter(|watched| !watched.expired)
            .any(|watched| {
                let hash = self.dbs.seed().hash(&watched.key);
                let entry = self
                    .dbs
                    .db(watched.db)
                    .and_then(|db| db.find(hash, &watched.key));
                entry.is_some_and(|entry| entry.is_expired(now))
            })
    }
}
