//! A machine to talk to in unit tests: lines in, readable replies out.

use alloc::{format, string::String, vec::Vec};
use core::{cell::Cell, time::Duration};

use vk_data::table::HashSeed;
use vk_rdb::{Compression, FileWriter};
use vk_resp::{Batch, Limits, OwnedRequest, Parser, Reply, ReplyBuf, ReplyLimits, ReplyParser};
use vk_spec::config::Profile;

use crate::{
    BootUsers, Completion, Disposition, Engine, EngineConfig, Env, Host, Identity, ListenerKind,
    LoadOptions, LoadStep, Local, MonoMicros, Output, Peer, Remote, SaveFault, Seeds, SessionId,
    SnapshotChunk, SnapshotId, SnapshotStep, Ticks, UnixMicros, WorkBudget,
    config::{Config, id},
};

/// A host whose clock stands still, or goes on a little each time that it is read.
#[derive(Default)]
pub(crate) struct StillHost {
    nanos: Cell<u64>,
    step_nanos: u64,
}

impl Host for StillHost {
    fn ticks(&self) -> Ticks {
        let now = self.nanos.get();
        self.nanos.set(now + self.step_nanos);
        Ticks(now)
    }
    fn stall(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.set(self.nanos.get() + nanos);
    }
}

/// A machine with one session and a clock that is moved by hand.
pub(crate) struct Kit {
    pub(crate) engine: Engine,
    pub(crate) session: SessionId,
    pub(crate) outputs: Vec<Output>,
    pub(crate) disposition: Disposition,
    host: StillHost,
    now_ms: i64,
}

/// Wall-clock time at which every kit begins, in Unix milliseconds.
pub(crate) const START_MS: i64 = 1_700_000_000_000;

#[expect(clippy::unwrap_used, clippy::panic, reason = "test support")]
impl Kit {
    pub(crate) fn new() -> Self {
        Self::with(Config::new(Profile::Compatible), BootUsers::default())
    }

    /// A kit whose sessions may use DEBUG.
    pub(crate) fn with_debug() -> Self {
        let mut config = Config::new(Profile::Compatible);
        config.correct(id::ENABLE_DEBUG_COMMAND, b"yes").unwrap();
        Self::with(config, BootUsers::default())
    }

    pub(crate) fn with(config: Config, users: BootUsers) -> Self {
        let config = EngineConfig {
            config,
            identity: Identity::default(),
            users,
        };
        let seeds = Seeds {
            hash: HashSeed { k0: 1, k1: 2 },
            random: [1, 2, 3, 4],
            run_id: "0".repeat(40),
        };
        let mut engine = Engine::new(config, seeds);
        let mut host = StillHost::default();
        let env = Env {
            wall: UnixMicros(START_MS * 1000),
            mono: MonoMicros(0),
            host: &mut host,
        };
        engine.handle_start(&env);
        let session = engine.handle_connect(&env, unix_peer()).unwrap();
        let (outputs, disposition) = (Vec::new(), Disposition::Done);
        Self {
            engine,
            session,
            outputs,
            disposition,
            host,
            now_ms: START_MS,
        }
    }

    /// Another session.
    pub(crate) fn connect(&mut self) -> SessionId {
        let (wall, mono) = self.times();
        let env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        self.engine.handle_connect(&env, unix_peer()).unwrap()
    }

    /// A kit with a configuration file, so that there is work outside to wait for.
    pub(crate) fn with_file() -> Self {
        let mut kit = Self::new();
        kit.engine.identity.config_file = "/etc/kit.conf".into();
        kit
    }

    /// The connection of a session is gone.
    pub(crate) fn disconnect(&mut self, session: SessionId) {
        let (wall, mono) = self.times();
        let env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        self.engine.handle_disconnect(&env, session);
        self.drain();
    }

    /// The turn of the shell's loop ends.
    pub(crate) fn end_turn(&mut self) {
        self.engine.handle_turn_end();
        self.drain();
    }

    fn times(&self) -> (UnixMicros, MonoMicros) {
        let mono = (self.now_ms - START_MS).unsigned_abs() * 1000;
        (UnixMicros(self.now_ms * 1000), MonoMicros(mono))
    }

    /// Runs one line, words divided by spaces; `""` is an empty word.
    pub(crate) fn run(&mut self, line: &str) -> String {
        self.run_as(self.session, line)
    }

    /// Runs one line as another session.
    pub(crate) fn run_as(&mut self, session: SessionId, line: &str) -> String {
        let words: Vec<&[u8]> = line
            .split(' ')
            .map(|word| {
                if word == "\"\"" {
                    b"".as_slice()
                } else {
                    word.as_bytes()
                }
            })
            .collect();
        self.run_words(session, &words)
    }

    /// Runs a request of any bytes.
    pub(crate) fn run_words(&mut self, session: SessionId, words: &[&[u8]]) -> String {
        let request = OwnedRequest::from_args(words.iter().copied());
        let protocol = self
            .engine
            .sessions
            .find(session)
            .map(|s| s.protocol)
            .unwrap();
        let mut reply = ReplyBuf::new(protocol);
        let (wall, mono) = self.times();
        let mut env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        self.disposition =
            self.engine
                .handle_request(&mut env, session, request.view(), &mut reply);
        self.drain();
        show_all(&reply)
    }

    /// Time goes by, and what is due is done.
    pub(crate) fn advance_ms(&mut self, ms: i64) {
        self.now_ms += ms;
        let (wall, mono) = self.times();
        let mut env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        self.engine
            .handle_timeout(&mut env, WorkBudget { entries_max: 1000 });
        self.drain();
    }

    /// Applies a group of effects.
    pub(crate) fn replay(&mut self, group: crate::EffectGroup<'_>) {
        let (wall, mono) = self.times();
        let mut env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        self.engine.handle_effects(&mut env, group).unwrap();
    }

    /// Applies what a machine has handed on, group by group.
    pub(crate) fn replay_all(&mut self, effects: &crate::EffectBuf) {
        let mut from = 0;
        for group in &effects.groups {
            let bytes = effects.bytes.get(from..group.end).unwrap();
            from = group.end;
            let mut batch = Batch::default();
            let parsed = Parser::new().parse(bytes, 0, &Limits::DEFAULT, usize::MAX, &mut batch);
            assert_eq!(parsed.ok(), Some(bytes.len()));
            let requests: Vec<_> = batch.iter(bytes).collect();
            assert_eq!(requests.len(), group.count as usize);
            self.replay(crate::EffectGroup {
                db: group.db,
                effects: &requests,
            });
        }
    }

    /// Every look at the clock takes so long from now on.
    pub(crate) fn make_ticks_pass(&mut self, step_nanos: u64) {
        self.host.step_nanos = step_nanos;
    }

    /// Time goes by, and nothing is done.
    pub(crate) fn sleep_ms(&mut self, ms: i64) {
        self.now_ms += ms;
    }

    /// Ends the work behind the oldest directive that is still among the outputs.
    pub(crate) fn complete(&mut self, result: Completion) {
        let is_directive = |o: &Output| matches!(o, Output::Directive { .. });
        let at = self.outputs.iter().position(is_directive).unwrap();
        let Output::Directive { ticket, .. } = self.outputs.remove(at) else {
            panic!()
        };
        let (wall, mono) = self.times();
        let mut env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        self.engine.handle_completion(&mut env, ticket, result);
        self.drain();
    }

    /// The reply that the first wake among the outputs brought.
    pub(crate) fn woken(&mut self) -> String {
        let is_wake = |o: &Output| matches!(o, Output::Wake { .. });
        let at = self.outputs.iter().position(is_wake).unwrap();
        let Output::Wake { reply, .. } = self.outputs.remove(at) else {
            panic!()
        };
        show_all(&reply)
    }

    /// Writes the snapshot that is due in small slices, with `between` after the first of them, and
    /// ends it.
    pub(crate) fn write_snapshot(&mut self, between: impl FnOnce(&mut Self)) -> Vec<u8> {
        let is_save = |o: &Output| matches!(o, Output::BackgroundSave(_));
        let at = self.outputs.iter().position(is_save).unwrap();
        let Output::BackgroundSave(save) = self.outputs.remove(at) else {
            panic!()
        };
        let mut file = FileWriter::new(save.plan.version, Compression::Lzf, true);
        let (mut out, mut chunk) = (Vec::new(), SnapshotChunk::default());
        file.begin(&save.plan.facts, &mut out);
        let mut between = Some(between);
        loop {
            let budget = WorkBudget { entries_max: 1 };
            let step = self.engine.snapshot_poll(save.id, budget, &mut chunk);
            file.records(&chunk.bytes, &chunk.texts, &mut out);
            chunk.tail.iter().for_each(|tail| file.text(tail, &mut out));
            if step == SnapshotStep::Ended {
                break;
            }
            if let Some(between) = between.take() {
                between(self);
            }
        }
        file.end(&mut out);
        self.saved(save.id, Ok(()));
        out
    }

    /// Ends the snapshot that is due without writing anything.
    pub(crate) fn end_snapshot(&mut self, result: Result<(), SaveFault>) {
        let id = self.outputs.iter().find_map(|output| match output {
            Output::BackgroundSave(save) => Some(save.id),
            _ => None,
        });
        self.outputs
            .retain(|o| !matches!(o, Output::BackgroundSave(_)));
        self.saved(id.unwrap(), result);
    }

    /// Ends the rewrite that is due without writing anything.
    pub(crate) fn end_rewrite(&mut self, result: Result<(), SaveFault>) {
        let id = self.outputs.iter().find_map(|output| match output {
            Output::RewriteAof(rewrite) => Some(rewrite.id),
            _ => None,
        });
        self.outputs.retain(|o| !matches!(o, Output::RewriteAof(_)));
        let (wall, mono) = self.times();
        let env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        self.engine.handle_rewritten(&env, id.unwrap(), result);
        self.drain();
    }

    fn saved(&mut self, id: SnapshotId, result: Result<(), SaveFault>) {
        let (wall, mono) = self.times();
        let env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        self.engine.handle_saved(&env, id, result);
        self.drain();
    }

    /// Loads a file in small pieces.
    pub(crate) fn load(&mut self, file: &[u8]) {
        let (wall, mono) = self.times();
        let env = Env {
            wall,
            mono,
            host: &mut self.host,
        };
        let options = LoadOptions {
            total_bytes: file.len() as u64,
            ..LoadOptions::default()
        };
        self.engine.load_begin(&env, options);
        let mut pieces = file.chunks(100);
        loop {
            match self.engine.load_step(&env, 3).unwrap() {
                LoadStep::NeedsBytes => match pieces.next() {
                    Some(piece) => self.engine.load_feed(piece),
                    None => self.engine.load_finish(),
                },
                LoadStep::More => {}
                LoadStep::Ended => break,
            }
        }
        assert!(self.engine.load_end().is_empty());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.outputs.push(output);
        }
    }
}

fn unix_peer() -> Peer {
    Peer {
        remote: Remote::Unix,
        local: Local::Unix("/run/vkd/vkd.sock".into()),
        listener: ListenerKind::Unix,
        unix: None,
        tls: None,
        proxy: None,
        fd: 8,
    }
}

/// Replies as text: `OK`, `(integer) 1`, `"bytes"`, `(nil)`, `(error) ERR ..`, `[a, b]`.
#[expect(clippy::unwrap_used, reason = "test support")]
pub(crate) fn show_all(reply: &ReplyBuf) -> String {
    let mut parser = ReplyParser::new(ReplyLimits::default());
    for chunk in reply.chunks() {
        parser.feed(chunk);
    }
    let mut out = Vec::new();
    while let Some(reply) = parser.poll().unwrap() {
        out.push(show(&reply));
    }
    out.join("\n")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn list(items: &[Reply]) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn show(reply: &Reply) -> String {
    match reply {
        Reply::Simple(line) => text(line),
        Reply::Error(line) | Reply::BulkError(line) => format!("(error) {}", text(line)),
        Reply::Int(n) => format!("(integer) {n}"),
        Reply::Bulk(bytes) => format!("\"{}\"", text(bytes)),
        Reply::Null | Reply::NullArray => "(nil)".into(),
        Reply::Array(items) => format!("[{}]", list(items)),
        Reply::Set(items) => format!("~[{}]", list(items)),
        Reply::Push(items) => format!(">[{}]", list(items)),
        Reply::Map(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| format!("{}: {}", show(k), show(v)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => format!("{other:?}"),
    }
}
