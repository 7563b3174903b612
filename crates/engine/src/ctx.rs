//! What a handler sees of the machine.
//!
//! Three contexts, by what a command may do: [`ReadCtx`] looks keys up, [`WriteCtx`] changes them
//! through a [`Writer`], [`SessionCtx`] deals with sessions and the server. A handler has no other
//! way to the keyspace.

mod session;
mod writer;

use core::ops::{Deref, DerefMut};

use vk_data::{
    entry::DbEntry,
    value::{StrRef, View},
};
use vk_spec::KeyFlags;

pub(crate) use session::SessionCtx;
pub(crate) use writer::{Expire, Writer};

use crate::{
    Engine, Error, Host, SessionId,
    access::KeyRef,
    cmd::CommandId,
    config::{Config, EventFlags},
};

/// How a request came to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A client sent it.
    Client,
    /// EXEC runs it.
    Exec,
    /// It is an effect that is replayed: nothing expires, wakes or is checked.
    Replay,
}

/// What every context has.
#[expect(missing_debug_implementations, reason = "borrows the whole machine")]
pub struct Ctx<'c> {
    pub(crate) engine: &'c mut Engine,
    pub(crate) host: &'c mut dyn Host,
    pub(crate) session: SessionId,
    pub(crate) db: u32,
    pub(crate) command: CommandId,
    pub(crate) origin: Origin,
    pub(crate) keys: &'c [KeyRef<'c>],
}

impl<'c> Ctx<'c> {
    /// The keys of the request, in the order of the key specs.
    #[must_use]
    pub fn keys(&self) -> &'c [KeyRef<'c>] {
        self.keys
    }

    /// Key number `at`; the arity and the key specs guarantee that it is there.
    ///
    /// # Errors
    /// A syntax error if the request has fewer keys.
    pub fn key(&self, at: usize) -> Result<KeyRef<'c>, Error> {
        self.keys.get(at).copied().ok_or(Error::SYNTAX)
    }

    /// Wall-clock time in Unix milliseconds; the same during one request or transaction.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.engine.now_ms()
    }

    /// The time by which keys that are listed have expired or not, in Unix milliseconds: now, or
    /// the beginning of time for the source of an import.
    pub(crate) fn expiry_horizon_ms(&self) -> i64 {
        if self.engine.sees_expired(self.session) {
            return i64::MIN;
        }
        self.now_ms()
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.engine.config
    }

    /// The selected database.
    #[must_use]
    pub fn db(&self) -> u32 {
        self.db
    }

    /// A key that was found while running (SORT BY, a script's call), authorised now.
    ///
    /// # Errors
    /// What the authorisation stage says.
    pub fn authorize_derived<'k>(
        &self,
        bytes: &'k [u8],
        flags: KeyFlags,
    ) -> Result<KeyRef<'k>, Error> {
        crate::pipeline::authorize_key(self.engine, self.session, self.db, bytes, flags)
    }
}

/// The context of a command that reads.
#[expect(missing_debug_implementations, reason = "borrows the whole machine")]
pub struct ReadCtx<'c>(pub(crate) Ctx<'c>);

/// How a key is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// For its value: counts as a hit or a miss and as a use.
    Use,
    /// Before a change: counts as a use.
    Change,
    /// For what is known about it: counts as nothing.
    Peek,
}

impl ReadCtx<'_> {
    /// The entry of a key that is there and not expired.
    pub fn lookup(&mut self, key: KeyRef<'_>) -> Option<&DbEntry> {
        let (session, origin) = (self.0.session, self.0.origin);
        self.0.engine.lookup(session, origin, &key, Lookup::Use)
    }

    /// As [`ReadCtx::lookup`], without counting as a use, a hit or a miss.
    pub fn peek(&mut self, key: KeyRef<'_>) -> Option<&DbEntry> {
        let (session, origin) = (self.0.session, self.0.origin);
        self.0.engine.lookup(session, origin, &key, Lookup::Peek)
    }

    /// The string value of a key.
    ///
    /// # Errors
    /// [`Error::WRONG_TYPE`] if the value is no string.
    pub fn string(&mut self, key: KeyRef<'_>) -> Result<Option<StrRef<'_>>, Error> {
        debug_assert!(key.may_read(), "a look without permission");
        match self.lookup(key) {
            None => Ok(None),
            Some(entry) => entry.str().map(Some).ok_or(Error::WRONG_TYPE),
        }
    }

    /// The value of a key as a view of one type; `None` if the key is not there.
    ///
    /// # Errors
    /// [`Error::WRONG_TYPE`] if the value is of another type.
    pub fn view<'v, V: View<'v>>(&'v mut self, key: KeyRef<'_>) -> Result<Option<V>, Error> {
        debug_assert!(key.may_read(), "a look without permission");
        match self.lookup(key) {
            None => Ok(None),
            Some(entry) => V::of(entry).map(Some).ok_or(Error::WRONG_TYPE),
        }
    }
}

impl<'c> Deref for ReadCtx<'c> {
    type Target = Ctx<'c>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for ReadCtx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// The context of a command that writes.
#[expect(missing_debug_implementations, reason = "borrows the whole machine")]
pub struct WriteCtx<'c>(pub(crate) ReadCtx<'c>);

impl<'c> WriteCtx<'c> {
    /// Opens a key for a change. An expired entry is removed first.
    pub fn write<'w>(&'w mut self, key: KeyRef<'w>) -> Writer<'w> {
        let (session, origin) = (self.session, self.origin);
        let loc = self.engine.locate(session, origin, &key, Lookup::Change);
        Writer::new(self.engine, key, loc)
    }

    /// Whether anybody listens to effects; without listeners there is no need to build them.
    #[must_use]
    pub fn wants_effects(&self) -> bool {
        self.engine.effects.is_wanted()
    }

    /// Replaces the request as the effect of this command; called for each of several effects.
    /// Needed wherever the request holds a choice still to be made: a relative time, a random
    /// pick, a condition.
    pub fn effect<const N: usize>(&mut self, words: [&[u8]; N]) {
        self.effect_words(words.into_iter());
    }

    /// As [`WriteCtx::effect`], for any number of words.
    pub fn effect_words<'a>(&mut self, words: impl ExactSizeIterator<Item = &'a [u8]>) {
        let db = self.db;
        self.engine.run.explicit_effects = true;
        self.engine.effects.add(db, words);
    }

    /// As [`WriteCtx::effect`], for the words of the request with some of them replaced: the first
    /// one becomes the name that every server knows the command by.
    pub fn effect_as_requested(&mut self, mut words: alloc::vec::Vec<&[u8]>) {
        if let Some(name) = self.engine.commands.declared_word(self.command)
            && let Some(word) = words.first_mut()
        {
            *word = name;
        }
        self.effect_words(words.into_iter());
    }

    /// What was committed counts as so many changes (one for each commit, without this).
    pub fn count_changes(&mut self, changes: u64) {
        self.engine.run.dirty = changes;
    }

    /// The command changed something but has no effect to hand on.
    pub fn no_effect(&mut self) {
        self.engine.run.explicit_effects = true;
    }

    /// Exchanges two databases and tells whoever watches their keys.
    pub fn swap_databases(&mut self, a: u32, b: u32) {
        self.engine.swap_databases(a, b);
    }

    /// Empties one database, or all of them; returns the number of keys.
    pub fn flush(&mut self, db: Option<u32>) -> usize {
        self.engine.flush(db)
    }

    /// Announces an event that no [`Writer`] commits (a second event of a key, say).
    pub fn notify(&mut self, key: KeyRef<'_>, class: EventFlags, event: &'static str) {
        self.engine.notify(key.db, class, event, key.bytes);
    }
}

impl<'c> Deref for WriteCtx<'c> {
    type Target = ReadCtx<'c>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for WriteCtx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
