//! The model with sessions: each has its database, its transaction and its watched keys, and may
//! wait for keys. What a command does is told in the order in which it happens.

use crate::changes::{Sure, changes_nothing};
use crate::db::Entry;
use crate::waits::{self, Waiting};
use crate::{Model, ModelReply, fits_arity, full_name, naive, wrong_arity_of};

/// What came of one step.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// The reply; none if the session waits.
    pub reply: Option<ModelReply>,
    /// Sessions whose wait has ended, with their replies, in order.
    pub woken: Vec<(usize, ModelReply)>,
    /// Sessions that are closed.
    pub closed: Vec<usize>,
    /// Something of it is not known for certain, and the server has not changed.
    pub is_unsure: bool,
}

/// A key of a database.
pub(crate) type DbKey = (usize, Vec<u8>);

/// A key that a session watches.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) key: DbKey,
    /// What it was at first.
    was: Option<Entry>,
    pub(crate) is_touched: Sure,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    id: i64,
    pub(crate) db: usize,
    /// The commands of a transaction.
    queued: Option<Vec<Vec<Vec<u8>>>>,
    /// One of them was refused.
    is_broken: bool,
    pub(crate) watched: Vec<Watched>,
}

/// A session that waits.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) who: usize,
    pub(crate) waiting: Waiting,
    deadline_ms: Option<i64>,
}

/// Sessions in so many places around a [`Model`].
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) model: Model,
    pub(crate) now_ms: i64,
    next_id: i64,
    pub(crate) sessions: Vec<Option<Session>>,
    /// In the order in which they came.
    pub(crate) waits: Vec<Wait>,
    /// Keys that have changed and are waited for, in order.
    pub(crate) ready: Vec<DbKey>,
}

/// Commands of sessions, with their arity.
const OF_SESSIONS: &[(&str, i64)] = &[
    ("client|id", 2),
    ("client|kill", -3),
    ("client|unblock", -3),
    ("discard", 1),
    ("exec", 1),
    ("multi", 1),
    ("unwatch", 1),
    ("watch", -2),
];

impl Server {
    /// Empty databases, and places for so many sessions.
    #[must_use]
    pub fn new(model: Model, places: usize, now_ms: i64) -> Self {
        Self {
            model,
            now_ms,
            next_id: 1,
            sessions: vec![None; places],
            waits: Vec::new(),
            ready: Vec::new(),
        }
    }

    /// A session comes to a free place.
    pub fn connect(&mut self, who: usize) {
        let id = self.next_id;
        self.next_id += 1;
        self.sessions[who] = Some(Session {
            id,
            ..Session::default()
        });
    }

    /// A session goes.
    pub fn disconnect(&mut self, who: usize) {
        self.waits.retain(|wait| wait.who != who);
        self.sessions[who] = None;
    }

    /// Time goes by, and nothing is done.
    pub fn sleep(&mut self, ms: i64) {
        self.now_ms += ms;
    }

    /// What is due is done: waits end, and keys that have expired go.
    pub fn tick(&mut self) -> Turn {
        let before = self.clone();
        let mut turn = Turn::default();
        let is_due = |wait: &&Wait| wait.deadline_ms.is_some_and(|at| at <= self.now_ms);
        let mut due: Vec<(Option<i64>, usize)> = self
            .waits
            .iter()
            .filter(is_due)
            .map(|wait| (wait.deadline_ms, wait.who))
            .collect();
        due.sort_unstable();
        for (_, who) in due {
            self.waits.retain(|wait| wait.who != who);
            turn.woken.push((who, ModelReply::NilArray));
        }
        let overdue: Vec<DbKey> = self.overdue();
        self.model.sweep(self.now_ms);
        // In which order they are found is the server's business.
        turn.is_unsure = overdue.len() > 1;
        self.ready.extend(overdue);
        self.serve(&mut turn);
        self.settle(before, turn)
    }

    /// A session sends a request. One of a session that is not there or waits is not sure.
    pub fn request(&mut self, who: usize, args: &[Vec<u8>]) -> Turn {
        let before = self.clone();
        let mut turn = Turn::default();
        let is_waiting = self.waits.iter().any(|wait| wait.who == who);
        if self.sessions[who].is_none() || is_waiting || !self.overdue().is_empty() {
            turn.is_unsure = true;
            return turn;
        }
        turn.reply = self.handle(who, args, &mut turn);
        self.serve(&mut turn);
        for gone in turn.closed.clone() {
            self.disconnect(gone);
        }
        self.settle(before, turn)
    }

    /// The present time.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The number that CLIENT ID answers in a place.
    #[must_use]
    pub fn client_id(&self, who: usize) -> i64 {
        self.sessions[who].as_ref().map_or(0, |session| session.id)
    }

    /// Whether a session is there.
    #[must_use]
    pub fn is_connected(&self, who: usize) -> bool {
        self.sessions[who].is_some()
    }

    /// Whether a session waits.
    #[must_use]
    pub fn is_waiting(&self, who: usize) -> bool {
        self.waits.iter().any(|wait| wait.who == who)
    }

    /// When a key of database 0 expires.
    #[must_use]
    pub fn expiry_ms(&self, key: &[u8]) -> Option<i64> {
        self.model.dbs[0].peek(self.now_ms, key)?.expire_ms
    }

    /// The keys alone.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Nothing has happened where not everything is sure.
    fn settle(&mut self, before: Self, mut turn: Turn) -> Turn {
        let replies = turn.woken.iter().map(|(_, reply)| reply);
        let mut replies = replies.chain(turn.reply.iter());
        turn.is_unsure |= replies.any(is_unsure);
        if turn.is_unsure {
            *self = before;
        }
        turn
    }

    /// Keys whose end is waited for, and that have expired without anybody having looked.
    fn overdue(&self) -> Vec<DbKey> {
        let mut keys: Vec<DbKey> = Vec::new();
        for wait in &self.waits {
            let db = self.db_of(wait.who);
            for key in &wait.waiting.keys {
                let key = (db, key.clone());
                if self.model.dbs[db].is_overdue(self.now_ms, &key.1) && !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys
    }

    fn db_of(&self, who: usize) -> usize {
        self.sessions[who].as_ref().map_or(0, |session| session.db)
    }

    fn session(&mut self, who: usize) -> &mut Session {
        self.sessions[who].get_or_insert_default()
    }

    /// Queues a request, or runs it.
    fn handle(&mut self, who: usize, args: &[Vec<u8>], turn: &mut Turn) -> Option<ModelReply> {
        let name = full_name(&args[0], args.get(1));
        let of_sessions = OF_SESSIONS.iter().find(|(known, _)| *known == name);
        let of_sessions = of_sessions.map(|(_, arity)| *arity);
        let arity = of_sessions
            .or_else(|| waits::arity(&name))
            .or_else(|| Model::arity(&name));
        let Some(arity) = arity else {
            return Some(ModelReply::Unsure);
        };
        let is_queueing = self.session(who).queued.is_some();
        let refusal = if !fits_arity(args.len(), arity) {
            Some(wrong_arity_of(&name))
        } else if is_queueing && matches!(name.as_str(), "multi" | "watch") {
            Some(ModelReply::error(
                "Command not allowed inside a transaction",
            ))
        } else {
            None
        };
        let session = self.session(who);
        if let Some(refusal) = refusal {
            session.is_broken |= is_queueing;
            return Some(match refusal {
                ModelReply::Error(text) if name == "exec" => {
                    self.session(who).queued = None;
                    self.forget(who);
                    let why = text.trim_start_matches("ERR ");
                    let text = format!("EXECABORT Transaction discarded because of: {why}");
                    ModelReply::Error(text)
                }
                refusal => refusal,
            });
        }
        match &mut session.queued {
            Some(queued) if !matches!(name.as_str(), "exec" | "discard") => {
                queued.push(args.to_vec());
                Some(ModelReply::Simple("QUEUED".into()))
            }
            _ => self.run(who, &name, args, false, turn),
        }
    }

    fn run(
        &mut self,
        who: usize,
        name: &str,
        args: &[Vec<u8>],
        in_exec: bool,
        turn: &mut Turn,
    ) -> Option<ModelReply> {
        if OF_SESSIONS.iter().any(|(known, _)| *known == name) {
            return Some(self.run_of_session(who, name, args, turn));
        }
        match Waiting::parse(name, args) {
            Err(reply) => Some(reply),
            Ok(None) => Some(self.run_plain(who, name, args)),
            Ok(Some(waiting)) => self.run_waiting(who, waiting, in_exec),
        }
    }

    fn run_plain(&mut self, who: usize, name: &str, args: &[Vec<u8>]) -> ModelReply {
        let db = self.db_of(who);
        let before = self.model.clone();
        let reply = self.model.apply(db, self.now_ms, args);
        if name == "select" && reply == ModelReply::Ok {
            let index = std::str::from_utf8(&args[1]).ok();
            let index = index.and_then(|index| index.parse().ok());
            self.session(who).db = index.unwrap_or(db);
        }
        let is_read = changes_nothing(name, &reply);
        self.note_changes(&before, name, if is_read { &[] } else { args });
        reply
    }

    fn run_waiting(
        &mut self,
        who: usize,
        mut waiting: Waiting,
        in_exec: bool,
    ) -> Option<ModelReply> {
        let reply = self.attempt(who, &waiting);
        if reply.is_some() {
            return reply;
        }
        if in_exec {
            return Some(waiting.nothing());
        }
        let (db, now_ms) = (self.db_of(who), self.now_ms);
        waiting.fix_ends(&self.model, db, now_ms);
        let deadline_ms = waiting.wait_ms.map(|ms| now_ms + ms);
        self.waits.push(Wait {
            who,
            waiting,
            deadline_ms,
        });
        None
    }

    fn attempt(&mut self, who: usize, waiting: &Waiting) -> Option<ModelReply> {
        let (db, now_ms) = (self.db_of(who), self.now_ms);
        let before = self.model.clone();
        let reply = waiting.attempt(&mut self.model, db, now_ms);
        // To note a consumer may count as a change or not.
        let name = if waiting.ends_with_key() {
            "xreadgroup"
        } else {
            ""
        };
        self.note_changes(&before, name, &[]);
        reply
    }

    /// Tries the requests that wait for what has changed, until nothing changes any more.
    fn serve(&mut self, turn: &mut Turn) {
        while !self.ready.is_empty() {
            for (db, key) in std::mem::take(&mut self.ready) {
                let waits_for_it = |wait: &&Wait| {
                    self.db_of(wait.who) == db
                        && wait.waiting.keys.contains(&key)
                        && !turn.closed.contains(&wait.who)
                };
                let waiting = self.waits.iter().filter(waits_for_it);
                for wait in waiting.cloned().collect::<Vec<_>>() {
                    let entry = self.model.dbs[db].peek(self.now_ms, &key);
                    let serves = entry.is_some_and(|entry| wait.waiting.is_served_by(&entry.value));
                    if !serves && !wait.waiting.ends_with_key() {
                        continue;
                    }
                    if let Some(reply) = self.attempt(wait.who, &wait.waiting) {
                        self.waits.retain(|other| other.who != wait.who);
                        turn.woken.push((wait.who, reply));
                    }
                }
            }
        }
    }

    fn run_of_session(
        &mut self,
        who: usize,
        name: &str,
        args: &[Vec<u8>],
        turn: &mut Turn,
    ) -> ModelReply {
        match name {
            "client|id" => ModelReply::Int(self.client_id(who)),
            "client|kill" => self.kill(who, args, turn),
            "client|unblock" => self.unblock(args, turn),
            "discard" => match self.session(who).queued.take() {
                None => ModelReply::error("DISCARD without MULTI"),
                Some(_) => {
                    self.forget(who);
                    ModelReply::Ok
                }
            },
            "exec" => self.exec(who, turn),
            "multi" => {
                self.session(who).queued = Some(Vec::new());
                ModelReply::Ok
            }
            "unwatch" => {
                self.session(who).watched.clear();
                ModelReply::Ok
            }
            _ => self.watch(who, args),
        }
    }

    fn forget(&mut self, who: usize) {
        let session = self.session(who);
        session.is_broken = false;
        session.watched.clear();
    }

    fn watch(&mut self, who: usize, args: &[Vec<u8>]) -> ModelReply {
        let (db, now_ms) = (self.db_of(who), self.now_ms);
        for key in args.iter().skip(1) {
            let was = self.model.dbs[db].peek(now_ms, key).cloned();
            let key = (db, key.clone());
            let session = self.session(who);
            if !session.watched.iter().any(|watched| watched.key == key) {
                session.watched.push(Watched {
                    key,
                    was,
                    is_touched: Sure::No,
                });
            }
        }
        ModelReply::Ok
    }

    fn exec(&mut self, who: usize, turn: &mut Turn) -> ModelReply {
        let (now_ms, is_broken) = (self.now_ms, self.session(who).is_broken);
        let Some(queued) = self.session(who).queued.take() else {
            return ModelReply::error("EXEC without MULTI");
        };
        let watched = std::mem::take(&mut self.session(who).watched);
        self.forget(who);
        if is_broken {
            let text = "EXECABORT Transaction discarded because of previous errors.";
            return ModelReply::Error(text.into());
        }
        let lost = |watched: &Watched| {
            let (db, key) = &watched.key;
            let is_there = self.model.dbs[*db].peek(now_ms, key).is_some();
            if watched.was.is_some() && !is_there {
                Sure::Yes
            } else {
                watched.is_touched
            }
        };
        match watched.iter().map(lost).max() {
            Some(Sure::Yes) => return ModelReply::NilArray,
            Some(Sure::Perhaps) => return ModelReply::Unsure,
            _ => {}
        }
        let mut replies = Vec::new();
        for args in queued {
            let name = full_name(&args[0], args.get(1));
            let reply = self.run(who, &name, &args, true, turn);
            replies.push(reply.unwrap_or(ModelReply::Unsure));
        }
        ModelReply::Array(replies)
    }

    /// CLIENT KILL ID n.
    fn kill(&mut self, who: usize, args: &[Vec<u8>], turn: &mut Turn) -> ModelReply {
        let id = args.get(3).and_then(|id| naive::parse_int(id));
        let (Some(id), 4, true) = (id, args.len(), args[2].eq_ignore_ascii_case(b"id")) else {
            return ModelReply::Unsure;
        };
        if id <= 0 {
            return ModelReply::error("client-id should be greater than 0");
        }
        let Some(victim) = self
            .place_of(id)
            .filter(|victim| !turn.closed.contains(victim))
        else {
            return ModelReply::Int(0);
        };
        if victim == who {
            // CLIENT KILL spares whoever sends it, unless it says otherwise.
            return ModelReply::Int(0);
        }
        self.waits.retain(|wait| wait.who != victim);
        turn.closed.push(victim);
        ModelReply::Int(1)
    }

    fn unblock(&mut self, args: &[Vec<u8>], turn: &mut Turn) -> ModelReply {
        let with_error = match args.get(3) {
            _ if args.len() > 4 => return ModelReply::Unsure,
            None => false,
            Some(word) if word.eq_ignore_ascii_case(b"timeout") => false,
            Some(word) if word.eq_ignore_ascii_case(b"error") => true,
            Some(_) => return ModelReply::Unsure,
        };
        let Some(id) = naive::parse_int(&args[2]) else {
            return crate::not_an_integer();
        };
        let waiting = self.place_of(id).filter(|who| self.is_waiting(*who));
        let Some(who) = waiting else {
            return ModelReply::Int(0);
        };
        self.waits.retain(|wait| wait.who != who);
        let text = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
        let reply = if with_error {
            ModelReply::Error(text.into())
        } else {
            ModelReply::NilArray
        };
        turn.woken.push((who, reply));
        ModelReply::Int(1)
    }

    fn place_of(&self, id: i64) -> Option<usize> {
        let is_it = |session: &Option<Session>| session.as_ref().is_some_and(|s| s.id == id);
        self.sessions.iter().position(is_it)
    }
}

/// Whether anything in a reply is not known.
fn is_unsure(reply: &ModelReply) -> bool {
    match reply {
        ModelReply::Unsure => true,
        ModelReply::Array(items) => items.iter().any(is_unsure),
        _ => false,
    }
}
