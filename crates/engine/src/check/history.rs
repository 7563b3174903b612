//! One run of a history, with the properties that are checked after every request. What is
//! compared at its end stands in `check`.

use alloc::{format, string::String, vec::Vec};

use vk_resp::ReplyBuf;

use super::copying::Copying;
use super::{
    Rig,
    answers::{Answers, answers_each_name},
    check_accounts,
    grammar::{Grammar, Source},
};
use crate::{
    Completion, Disposition, EffectBuf, Output, SaveFault, SessionId, Ticket, session::SessionFlags,
};

/// The most steps of one history; longer inputs are cut.
const STEPS_MAX: usize = 256;
const SESSIONS: usize = 3;
/// Requests that a failure shows.
const SHOWN_MAX: usize = 64;

/// In what runs of the same history may differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Requests are announced before they run.
    pub(super) prepares: bool,
    /// Somebody wants the effects.
    pub(super) listens: bool,
    /// The state is looked at around every request, which takes most of the time.
    pub(super) looks: bool,
    /// Memory is bounded, with this number of a policy.
    pub(super) bounded_by: Option<u8>,
}

/// One run of a history.
pub(super) struct History {
    pub(super) rig: Rig,
    /// Everything that was sent to anybody.
    pub(super) transcript: Vec<u8>,
    pub(super) effects: EffectBuf,
    manner: Manner,
    grammar: Grammar,
    sessions: [Option<SessionId>; SESSIONS],
    parked: Vec<SessionId>,
    /// The snapshot that is being taken.
    copying: Option<Copying>,
    /// Work that was asked for and is under way.
    under_way: Vec<Ticket>,
    /// The digest, as long as nothing can have changed it since it was taken.
    digest: Option<[u8; 20]>,
    /// What was done, for the message of a failure.
    done: Vec<Done>,
}

enum Done {
    Request(usize, Vec<Vec<u8>>),
    Disconnect(usize),
    Time(i64),
    Completion(bool),
}

impl History {
    pub(super) fn run(data: &[u8], manner: Manner) -> Self {
        let mut history = Self {
            rig: Rig::new(),
            transcript: Vec::new(),
            effects: EffectBuf::default(),
            manner,
            grammar: Grammar::new(),
            sessions: [None; SESSIONS],
            parked: Vec::new(),
            copying: None,
            under_way: Vec::new(),
            digest: None,
            done: Vec::new(),
        };
        history.rig.engine.set_effects_wanted(manner.listens);
        history.bound_strings();
        if let Some(policy) = manner.bounded_by {
            history.rig.bound_memory(policy);
        }
        let mut source = Source::new(data);
        for _ in 0..STEPS_MAX {
            let Some(step) = source.byte() else { break };
            history.step(step, &mut source);
            history.go_on_copying();
        }
        // Half a transaction has no effects yet.
        while let Some(ticket) = history.under_way.pop() {
            history.complete(ticket, true);
            history.drain(&mut source);
        }
        if let Some(copying) = history.copying.take() {
            history.end_copying(copying);
        }
        history.rig.engine.take_effects(&mut history.effects);
        history
    }

    /// The snapshot that is being taken goes on a little.
    fn go_on_copying(&mut self) {
        if let Some(mut copying) = self.copying.take() {
            match copying.go_on(&mut self.rig) {
                Ok(true) => self.end_copying(copying),
                Ok(false) => self.copying = Some(copying),
                Err(why) => self.fail(&why),
            }
        }
    }

    fn end_copying(&mut self, copying: Copying) {
        if let Err(why) = copying.end(&mut self.rig) {
            self.fail(&why);
        }
    }

    /// A bit far out would make a string of 512 MiB, which takes seconds to digest.
    fn bound_strings(&mut self) {
        let Some(session) = self.rig.connect() else {
            return;
        };
        let words: [&[u8]; 4] = [b"CONFIG", b"SET", b"proto-max-bulk-len", b"1mb"];
        self.rig.request(session, words, false);
        self.rig
            .with_env(|engine, env| engine.handle_disconnect(env, session));
    }

    /// A property does not hold.
    #[expect(clippy::panic, reason = "a check reports by panicking")]
    pub(super) fn fail(&self, why: &str) -> ! {
        let from = self.done.len().saturating_sub(SHOWN_MAX);
        let done: Vec<String> = self.done.iter().skip(from).map(Done::show).collect();
        panic!("{why}\nafter:\n{}", done.join("\n"));
    }

    fn step(&mut self, step: u8, source: &mut Source<'_>) {
        match step {
            // Long enough for some relative times of the grammar to end, short enough for others.
            0..=2 => self.pass(source.number() % 5_000_000, true),
            3 => self.pass(source.number() % 2_000 * 1000, false),
            4 => self.pass(source.number().saturating_mul(64), true),
            5 => self.jump(source),
            8 => {
                if let Some(ticket) = self.under_way.pop() {
                    self.complete(ticket, source.byte().is_none_or(|byte| byte & 1 == 0));
                }
            }
            6..=7 => self.disconnect(usize::from(step) % SESSIONS),
            _ => {
                let slot = usize::from(step) % SESSIONS;
                let words = self.grammar.request(source);
                if let Some(session) = self.session(slot)
                    && !self.parked.contains(&session)
                {
                    self.request(slot, session, words);
                }
            }
        }
        self.rig.engine.handle_turn_end();
        self.drain(source);
        self.rig.engine.take_effects(&mut self.effects);
        if self.manner.looks
            && let Err(why) = check_accounts(&self.rig.engine)
        {
            self.fail(&why);
        }
    }

    fn session(&mut self, slot: usize) -> Option<SessionId> {
        let place = self.sessions.get_mut(slot)?;
        if place.is_none() {
            *place = self.rig.connect();
        }
        *place
    }

    fn disconnect(&mut self, slot: usize) {
        if let Some(id) = self.sessions.get_mut(slot).and_then(Option::take) {
            self.done.push(Done::Disconnect(slot));
            self.rig
                .with_env(|engine, env| engine.handle_disconnect(env, id));
            self.parked.retain(|parked| *parked != id);
        }
    }

    fn pass(&mut self, micros: u64, tick: bool) {
        self.done.push(Done::Time(micros as i64));
        self.rig.sleep(micros);
        if tick {
            self.digest = None;
            self.rig.tick(16);
        }
    }

    /// The wall clock is set forwards or backwards.
    fn jump(&mut self, source: &mut Source<'_>) {
        let micros = (source.number() as i64 - (1 << 23)) * 64;
        self.done.push(Done::Time(micros));
        self.rig.jump(micros);
    }

    fn request(&mut self, slot: usize, session: SessionId, words: Vec<Vec<u8>>) {
        let before = self.manner.looks.then(|| self.state());
        let was_quiet = self.is_quiet(session);
        let (reply, disposition) = self.rig.request(
            session,
            words.iter().map(Vec::as_slice),
            self.manner.prepares,
        );
        self.done.push(Done::Request(slot, words));
        self.note(&reply);
        self.rig.engine.take_effects(&mut self.effects);
        self.digest = None;
        if let Some(before) = before {
            self.compare(&before, &reply, disposition);
        }
        let may_be_silent = was_quiet || self.is_quiet(session) || disposition != Disposition::Done;
        let may_be_many = self.may_be_many();
        match Answers::of(&reply) {
            Some(answers) if answers.is_one() => {}
            Some(answers) if answers.is_any() && may_be_many => {}
            Some(answers) if answers.replies == 0 && may_be_silent => {}
            got => self.fail(&format!("a request got {got:?}")),
        }
        self.settle(session, disposition);
        if self.manner.bounded_by.is_some() {
            self.digest = None;
            if let Err(why) = self
                .rig
                .with_env(|engine, env| engine.check_room(&*env.host))
            {
                self.fail(&why);
            }
        }
    }

    /// Compares the state with the one before the request that was answered so.
    fn compare(&mut self, before: &State, reply: &ReplyBuf, disposition: Disposition) {
        let after = self.state();
        let failed = reply
            .chunks()
            .next()
            .is_some_and(|chunk| chunk.starts_with(b"-"));
        let removed_by_itself = before.expired != after.expired || before.evicted != after.evicted;
        if failed && !removed_by_itself && *before != after {
            self.fail("an error changed something");
        }
        let unheard = self.manner.listens && before.groups == after.groups;
        if unheard && before.digest != after.digest && disposition != Disposition::Parked {
            self.fail("a change had no effect");
        }
    }

    fn state(&mut self) -> State {
        let engine = &self.rig.engine;
        let digest = *self.digest.get_or_insert_with(|| engine.digest().0);
        State {
            digest,
            dirty: engine.dirty,
            expired: engine.stats.expired_keys,
            evicted: engine.stats.evicted_keys,
            groups: self.effects.groups.len(),
        }
    }

    /// Whether the last request confirms name by name, or is an EXEC that may hold one that does.
    fn may_be_many(&self) -> bool {
        let is = |done: &Done, wanted: fn(&[u8]) -> bool| match done {
            Done::Request(_, words) => words.first().is_some_and(|name| wanted(name)),
            _ => false,
        };
        let Some(last) = self.done.last() else {
            return false;
        };
        let is_exec = is(last, |name| name.eq_ignore_ascii_case(b"exec"));
        is(last, answers_each_name)
            || (is_exec && self.done.iter().any(|done| is(done, answers_each_name)))
    }

    fn is_quiet(&self, session: SessionId) -> bool {
        let quiet =
            SessionFlags::REPLY_OFF | SessionFlags::REPLY_SKIP | SessionFlags::REPLY_SKIP_NEXT;
        let state = self.rig.engine.sessions.find(session);
        state.is_none_or(|state| state.flags.intersects(quiet))
    }

    fn settle(&mut self, session: SessionId, disposition: Disposition) {
        match disposition {
            Disposition::Done => {}
            Disposition::Parked => self.parked.push(session),
            Disposition::Close | Disposition::CloseNow => self.close(session),
        }
    }

    fn close(&mut self, session: SessionId) {
        if let Some(slot) = self.sessions.iter().position(|id| *id == Some(session)) {
            self.disconnect(slot);
        }
    }

    fn drain(&mut self, source: &mut Source<'_>) {
        while let Some(output) = self.rig.engine.poll_output() {
            match output {
                Output::Wake {
                    session,
                    reply,
                    disposition,
                } => {
                    self.note(&reply);
                    if !self.parked.contains(&session) {
                        self.fail("a session was woken that was not parked");
                    }
                    self.parked.retain(|parked| *parked != session);
                    self.settle(session, disposition);
                }
                Output::Close { session, .. } => self.close(session),
                Output::Directive { ticket, .. } => match source.byte().unwrap_or(0) & 3 {
                    0 | 1 => self.complete(ticket, true),
                    2 => self.complete(ticket, false),
                    _ => self.under_way.push(ticket),
                },
                Output::Push { bytes, .. } => self.note(&bytes),
                Output::Broadcast {
                    receivers, bytes, ..
                } => {
                    let to = format!("{receivers:?}");
                    self.transcript.extend_from_slice(to.as_bytes());
                    self.note(&bytes);
                }
                Output::BackgroundSave(save) => {
                    self.copying = Some(Copying::begin(&self.rig, &save));
                }
                Output::CancelSave(id) => {
                    self.copying.take_if(|copying| copying.id() == id);
                    let fault = Err(SaveFault::Cancelled);
                    self.rig
                        .with_env(|engine, env| engine.handle_saved(env, id, fault));
                }
                Output::RewriteAof(rewrite) => {
                    let id = rewrite.id;
                    self.rig
                        .with_env(|engine, env| engine.handle_rewritten(env, id, Ok(())));
                }
                Output::SaveAll => {
                    self.rig
                        .with_env(|engine, env| engine.handle_saved_all(env, true));
                }
                Output::Event(event) => {
                    self.transcript
                        .extend_from_slice(format!("{event:?}").as_bytes());
                }
            }
        }
    }

    fn complete(&mut self, ticket: Ticket, good: bool) {
        self.done.push(Done::Completion(good));
        self.digest = None;
        let result = if good {
            Completion::Done
        } else {
            Completion::Failed("refused by the test".into())
        };
        self.rig
            .with_env(|engine, env| engine.handle_completion(env, ticket, result));
    }

    fn note(&mut self, reply: &ReplyBuf) {
        for chunk in reply.chunks() {
            self.transcript.extend_from_slice(chunk);
        }
    }
}

/// What no error may change.
#[derive(PartialEq)]
struct State {
    digest: [u8; 20],
    dirty: u64,
    expired: u64,
    evicted: u64,
    groups: usize,
}

impl Done {
    fn show(&self) -> String {
        match self {
            Self::Request(slot, words) => {
                let words: Vec<String> = words
                    .iter()
                    .map(|word| format!("{:?}", String::from_utf8_lossy(word)))
                    .collect();
                format!("{slot}> {}", words.join(" "))
            }
            Self::Disconnect(slot) => format!("{slot} disconnects"),
            Self::Completion(good) => format!("work outside ends, well: {good}"),
            Self::Time(micros) => format!("{micros} microseconds"),
        }
    }
}
