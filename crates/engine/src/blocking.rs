//! Waiting for keys: who waits for which, who is served first, and how a wait ends.
//!
//! A blocked session is data: its request, the keys that it waits for and a deadline. When a key
//! changes it is noted as ready; after the command (or the whole transaction) that changed it, the
//! requests that wait for it run again in the order in which they came. A request that finds
//! nothing even then keeps its place.

use alloc::{boxed::Box, collections::BTreeSet, string::String, vec::Vec};
use core::time::Duration;

use vk_data::{
    entry::DbEntry,
    long_double::LongDouble,
    num::{parse_f64, parse_i64},
    value::ValueType,
};
use vk_resp::{Mark, OwnedRequest, ReplyBuf, Request};

use crate::{
    Disposition, Engine, Error, Host, MonoMicros, Output, SessionId, UnixMicros,
    access::KeyRef,
    cmd::CommandId,
    ctx::{Ctx, Origin},
    key_sessions::{DbKey, KeySessions},
    observe::Ran,
    pipeline,
    session::{Parked, Session, SessionFlags},
};

/// What a request waits for.
#[derive(Debug)]
pub(crate) struct Block<'k> {
    /// Any of these keys ends the wait.
    pub(crate) keys: &'k [KeyRef<'k>],
    /// The type that can serve it.
    pub(crate) serves: ValueType,
    /// How long; `None` is for ever. See [`seconds`] and [`milliseconds`].
    pub(crate) timeout: Option<Duration>,
    /// The request to run again, where it is not the one that came (XREAD with `$`).
    pub(crate) request: Option<OwnedRequest>,
    /// Runs again, too, when a key is gone or of another type (XREADGROUP).
    pub(crate) ends_with_key: bool,
}

/// A request that waits, as its session keeps it.
#[derive(Debug)]
pub(crate) struct Blocked {
    command: CommandId,
    pub(crate) request: OwnedRequest,
    keys: Vec<DbKey>,
    serves: ValueType,
    ends_with_key: bool,
    pub(crate) deadline: Option<MonoMicros>,
}

/// A [`Block`] between the handler and the end of its request.
#[derive(Debug)]
pub(crate) struct NewBlock {
    request: Option<OwnedRequest>,
    keys: Vec<DbKey>,
    serves: ValueType,
    ends_with_key: bool,
    deadline: Option<MonoMicros>,
}

/// Who waits for which key.
#[derive(Debug, Default)]
pub(crate) struct Blocking {
    waiters: KeySessions,
    /// Keys that changed so that they may end a wait, in order, each once.
    ready: Vec<DbKey>,
    /// The same, to be found.
    noted: BTreeSet<DbKey>,
}

impl Blocked {
    /// Bytes of the request and the keys.
    pub(crate) fn held_bytes(&self) -> usize {
        let keys = self.keys.iter().map(|(_, key)| key.len());
        let names: usize = keys.sum();
        size_of::<Self>() + self.request.held_bytes() + self.keys.len() * size_of::<DbKey>() + names
    }
}

impl Blocking {
    fn note(&mut self, key: DbKey) {
        if self.noted.insert(key.clone()) {
            self.ready.push(key);
        }
    }

    fn take_ready(&mut self) -> Vec<DbKey> {
        self.noted.clear();
        core::mem::take(&mut self.ready)
    }

    /// Distinct keys that somebody waits for.
    pub(crate) fn keys_len(&self) -> usize {
        self.waiters.len()
    }

    /// Bytes of the keys that are waited for and of who waits.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.waiters.memory_bytes()
    }

    /// What [`Blocking::memory_bytes`] has to be, by a walk over all keys.
    pub(crate) fn recount_bytes(&self) -> usize {
        self.waiters.recount_bytes()
    }

    /// Pairs of a key and a session that waits for it: for checks.
    pub(crate) fn pairs_len(&self) -> usize {
        self.waiters.pairs_len()
    }

    /// How many keys a session waits for: for checks.
    ///
    /// # Errors
    /// A key does not know of it.
    pub(crate) fn waits_of(&self, id: SessionId, session: &Session) -> Result<usize, String> {
        let Some(Parked::Blocked(blocked)) = &session.parked else {
            return Ok(0);
        };
        let keys: BTreeSet<&DbKey> = blocked.keys.iter().collect();
        let knows = |key: &&DbKey| self.waiters.sessions(key).contains(&id);
        match keys.iter().find(|key| !knows(key)) {
            Some(key) => Err(alloc::format!("{key:?} does not know that {id:?} waits")),
            None => Ok(keys.len()),
        }
    }

    fn add(&mut self, keys: &[DbKey], session: SessionId) {
        for key in keys {
            // A request may name a key twice.
            if !self.waiters.sessions(key).contains(&session) {
                self.waiters.add(key.clone(), session);
            }
        }
    }

    fn remove(&mut self, keys: &[DbKey], session: SessionId) {
        for key in keys {
            self.waiters.remove(key, session);
        }
    }
}

impl Ctx<'_> {
    /// Makes the session wait; the handler has nothing more to do. In a transaction and in a replay
    /// nobody waits: the null array of a wait whose time is over is the reply.
    pub(crate) fn block(&mut self, block: Block<'_>, reply: &mut ReplyBuf) {
        if self.origin != Origin::Client {
            reply.null_array();
            return;
        }
        let mono = self.engine.mono;
        let keys = block.keys.iter().map(|key| (key.db, key.bytes.into()));
        self.engine.run.block = Some(NewBlock {
            request: block.request,
            keys: keys.collect(),
            serves: block.serves,
            ends_with_key: block.ends_with_key,
            deadline: block.timeout.map(|time| mono.after(time)),
        });
    }
}

impl Engine {
    /// The running request blocks: it is kept in its session.
    pub(crate) fn begin_block(
        &mut self,
        id: SessionId,
        command: CommandId,
        block: NewBlock,
        request: Request<'_>,
    ) {
        let blocked = Blocked {
            command,
            request: block.request.unwrap_or_else(|| request.to_owned()),
            keys: block.keys,
            serves: block.serves,
            ends_with_key: block.ends_with_key,
            deadline: block.deadline,
        };
        if let Some(state) = self.sessions.find_mut(id) {
            self.blocking.add(&blocked.keys, id);
            if let Some(deadline) = blocked.deadline {
                self.timers.insert((deadline, id));
            }
            state.parked = Some(Parked::Blocked(Box::new(blocked)));
            self.session_touched = true;
        }
    }

    /// The session waits no more; the request that it waited with, if it did.
    pub(crate) fn end_block(&mut self, id: SessionId) -> Option<Box<Blocked>> {
        let state = self.sessions.find_mut(id)?;
        if !matches!(state.parked, Some(Parked::Blocked(_))) {
            return None;
        }
        let Some(Parked::Blocked(blocked)) = state.parked.take() else {
            return None;
        };
        self.blocking.remove(&blocked.keys, id);
        if let Some(deadline) = blocked.deadline {
            self.timers.remove(&(deadline, id));
        }
        Some(blocked)
    }

    /// Counts a command that ended without having run to its end.
    fn count_ended(&mut self, session: SessionId, blocked: &Blocked, failed: bool) {
        pipeline::count_command(self, session);
        // To wait takes none of the machine's time.
        self.observe(&Ran {
            session,
            id: blocked.command,
            request: blocked.request.view(),
            nanos: 0,
            reply_bytes: 0,
        });
        if let Some(stats) = self.stats.command(blocked.command) {
            stats.calls += 1;
            stats.failed += u64::from(failed);
        }
    }

    /// Ends a wait whose time is over.
    pub(crate) fn time_out(&mut self, id: SessionId) {
        if let Some(blocked) = self.end_block(id) {
            self.count_ended(id, &blocked, false);
            self.answer(id, |reply| reply.null_array());
        }
    }

    /// CLIENT UNBLOCK: ends a wait as if its time were over, or with an error. `false` if the
    /// session does not wait.
    pub(crate) fn unblock(&mut self, id: SessionId, with_error: bool) -> bool {
        let Some(state) = self.sessions.find_mut(id) else {
            return false;
        };
        let mut waiting = None;
        match state.parked {
            Some(Parked::Blocked(_)) => {}
            Some(Parked::Timer(_)) => {
                if let Some(Parked::Timer(reply)) = state.parked.take() {
                    waiting = Some(reply);
                }
                self.timers.retain(|(_, session)| *session != id);
            }
            _ => return false,
        }
        let blocked = self.end_block(id);
        if let Some(blocked) = &blocked {
            self.count_ended(id, blocked, with_error);
        }
        if with_error {
            self.stats.count_error(Error::UNBLOCKED.text());
        }
        self.answer(id, |reply| {
            if with_error {
                reply.error(Error::UNBLOCKED.text());
            } else if blocked.is_some() {
                reply.null_array();
            } else if let Some(waiting) = waiting {
                reply.append(&waiting);
            }
        });
        true
    }

    fn answer(&mut self, session: SessionId, write: impl FnOnce(&mut ReplyBuf)) {
        let Some(state) = self.sessions.find_mut(session) else {
            return;
        };
        let mut reply = ReplyBuf::new(state.protocol);
        let mark = reply.mark();
        write(&mut reply);
        self.wake(session, reply, mark, Disposition::Done);
    }

    /// The session goes on with this reply, unless it wants none.
    fn wake(
        &mut self,
        session: SessionId,
        mut reply: ReplyBuf,
        mark: Mark,
        disposition: Disposition,
    ) {
        let disposition = pipeline::settle_reply(self, session, &mut reply, mark, disposition);
        if self.tracking.is_on() {
            self.end_caching(session);
        }
        self.sessions.recount(session);
        self.outputs.push_back(Output::Wake {
            session,
            reply,
            disposition,
        });
    }

    /// Whether a key that somebody waits for has changed since [`serve`].
    #[inline]
    pub(crate) fn has_ready_keys(&self) -> bool {
        !self.blocking.ready.is_empty()
    }

    /// Distinct keys whose disappearance is waited for, too.
    pub(crate) fn nokey_waits(&self) -> usize {
        let blocked = self
            .sessions
            .iter()
            .filter_map(|(_, state)| match &state.parked {
                Some(Parked::Blocked(blocked)) if blocked.ends_with_key => Some(&blocked.keys),
                _ => None,
            });
        blocked.flatten().collect::<BTreeSet<_>>().len()
    }

    /// A key has changed: it is noted if it may end a wait as it is now.
    #[inline]
    pub(crate) fn note_ready(&mut self, db: u32, key: &[u8]) {
        if !self.blocking.waiters.is_empty() {
            self.note_waited((db, Box::from(key)));
        }
    }

    /// Every key of a database may have changed.
    pub(crate) fn note_all_ready(&mut self, db: u32) {
        let waited = self.blocking.waiters.of_db(db).map(|(key, _)| key.clone());
        for key in waited.collect::<Vec<_>>() {
            self.note_waited(key);
        }
    }

    fn note_waited(&mut self, key: DbKey) {
        let waiters = self.blocking.waiters.sessions(&key);
        if waiters.is_empty() {
            return;
        }
        let kind = self.kind_of(&key);
        if waiters.iter().any(|session| self.can_serve(kind, *session)) {
            self.blocking.note(key);
        }
    }

    /// The type of a key that is there.
    fn kind_of(&self, key: &DbKey) -> Option<ValueType> {
        let hash = self.dbs.seed().hash(&key.1);
        let entry = self.dbs.db(key.0).and_then(|db| db.find(hash, &key.1));
        entry.map(DbEntry::value_type)
    }

    /// Whether a value of this type, or none, can end the wait of a session.
    fn can_serve(&self, kind: Option<ValueType>, session: SessionId) -> bool {
        let Some(state) = self.sessions.find(session) else {
            return false;
        };
        let Some(Parked::Blocked(blocked)) = &state.parked else {
            return false;
        };
        if state.flags.contains(SessionFlags::LEAVING) {
            return false;
        }
        kind == Some(blocked.serves) || blocked.ends_with_key
    }
}

/// Runs the requests again that wait for keys which have changed; what they change may make
/// others ready.
pub(crate) fn serve(engine: &mut Engine, host: &mut dyn Host) {
    // What stood still meanwhile (DEBUG SLEEP) has taken time, in which a key may have expired.
    let stalled = core::mem::take(&mut engine.stalled);
    engine.mono = engine.mono.after(stalled);
    let micros = i64::try_from(stalled.as_micros()).unwrap_or(i64::MAX);
    engine.wall = UnixMicros(engine.wall.0.saturating_add(micros));
    while engine.has_ready_keys() {
        if engine.pause.holds_writes(engine.mono) {
            return;
        }
        for key in engine.blocking.take_ready() {
            let waiters = engine.blocking.waiters.sessions(&key).to_vec();
            // Most of many waiters get nothing: they do not look for the key.
            let mut kind = engine.kind_of(&key);
            for session in waiters {
                if engine.can_serve(kind, session) {
                    run_again(engine, host, session);
                    kind = engine.kind_of(&key);
                }
            }
        }
    }
}

/// Runs the request of a blocked session; if it blocks again it keeps its place and its deadline.
fn run_again(engine: &mut Engine, host: &mut dyn Host, session: SessionId) {
    let Some(state) = engine.sessions.find_mut(session) else {
        return;
    };
    let mut reply = ReplyBuf::new(state.protocol);
    let mark = reply.mark();
    let Some(Parked::Blocked(blocked)) = state.parked.take() else {
        return;
    };
    let request = blocked.request.view();
    engine.run_again = true;
    engine.running = Some(session);
    let disposition =
        pipeline::run_queued(engine, host, session, request, Origin::Client, &mut reply);
    engine.running = None;
    engine.run_again = false;
    let pushes = engine.own_pushes.take();
    if let Some(state) = engine.sessions.find_mut(session) {
        state.parked = Some(Parked::Blocked(blocked));
    }
    if disposition != Disposition::Parked {
        drop(engine.end_block(session));
        engine.wake(session, reply, mark, disposition);
    }
    engine.push_taken(session, pushes);
}

/// A time to wait in seconds with a fraction; zero is for ever (`None`).
///
/// # Errors
/// It is no number, negative, or ends after the end of time.
pub(crate) fn seconds(text: &[u8], now_ms: i64) -> Result<Option<Duration>, Error> {
    let millis = match parse_f64(text) {
        Some(seconds) => seconds * 1000.0,
        // The range of the long double that Valkey reads is wider.
        None => match LongDouble::parse(text).ok_or(Error::TIMEOUT_NOT_A_FLOAT)? {
            huge if huge > LongDouble::from(f64::MAX) => f64::INFINITY,
            tiny if tiny > LongDouble::ZERO => f64::MIN_POSITIVE,
            low if low < LongDouble::from(f64::MIN) => f64::NEG_INFINITY,
            _ => 0.0,
        },
    };
    if millis >= i64::MAX as f64 {
        return Err(Error::TIMEOUT_OUT_OF_RANGE);
    }
    // Cut off towards zero, so that less than a millisecond below it is no time at all.
    let whole = millis as i64;
    wait_of(whole + i64::from(millis > whole as f64), now_ms)
}

/// A time to wait in milliseconds; zero is for ever (`None`).
///
/// # Errors
/// As [`seconds`].
pub(crate) fn milliseconds(text: &[u8], now_ms: i64) -> Result<Option<Duration>, Error> {
    wait_of(
        parse_i64(text).ok_or(Error::TIMEOUT_NOT_AN_INTEGER)?,
        now_ms,
    )
}

fn wait_of(timeout_ms: i64, now_ms: i64) -> Result<Option<Duration>, Error> {
    if timeout_ms < 0 {
        return Err(Error::TIMEOUT_NEGATIVE);
    }
    if timeout_ms.checked_add(now_ms).is_none() {
        return Err(Error::TIMEOUT_OUT_OF_RANGE);
    }
    let time = Duration::from_millis(timeout_ms.unsigned_abs());
    Ok(Some(time).filter(|time| !time.is_zero()))
}

#[cfg(test)]
mod tests {
    use super::{milliseconds, seconds};
    use core::time::Duration;

    #[test]
    fn waiting_times() {
        let text = |result: Result<Option<Duration>, crate::Error>| match result {
            Ok(time) => alloc::format!("{time:?}"),
            Err(error) => error.text().into(),
        };
        assert_eq!(text(seconds(b"0", 5)), "None");
        assert_eq!(text(seconds(b"0.0001", 5)), "Some(1ms)");
        assert_eq!(text(seconds(b"1.5", 5)), "Some(1.5s)");
        assert_eq!(text(seconds(b"-1", 5)), "ERR timeout is negative");
        assert_eq!(text(seconds(b"inf", 5)), "ERR timeout is out of range");
        assert_eq!(
            text(seconds(b"9223372036854775", i64::MAX / 2)),
            "ERR timeout is out of range"
        );
        assert_eq!(text(seconds(b"1e-400", 5)), "Some(1ms)");
        assert_eq!(text(seconds(b"1e400", 5)), "ERR timeout is out of range");
        assert_eq!(text(seconds(b"-1e400", 5)), "ERR timeout is negative");
        assert_eq!(
            text(seconds(b"a", 5)),
            "ERR timeout is not a float or out of range"
        );
        assert_eq!(
            text(milliseconds(b"1.5", 5)),
            "ERR timeout is not an integer or out of range"
        );
        assert_eq!(text(milliseconds(b"15", 5)), "Some(15ms)");
    }
}
