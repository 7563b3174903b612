//! Publish and subscribe: who listens to which channel, and how a message gets there.
//!
//! A name with at least one subscriber is a [`Topic`]: a channel, a shard channel or a pattern.
//! Topics know their subscribers and sessions their topics, so that each change is a look-up on
//! both sides, and a session that ends costs what it has subscribed to. The commands are in `cmd`,
//! their permissions in the pipeline.

mod deliver;
mod events;
mod patterns;
mod topic;
mod topics;

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc};

use vk_data::table::HashSeed;

pub(crate) use deliver::Message;
use patterns::Patterns;
pub(crate) use topic::Topic;
pub(crate) use topics::Topics;

use crate::{CloseReason, Engine, SessionId, session::Session, users::UserId};

/// The name of a channel or a pattern, shared by its topic and the sessions that listen to it.
pub(crate) type Name = Arc<[u8]>;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A channel of the whole server.
    Channel,
    /// All channels that match.
    Pattern,
    /// A channel of a slot's shard.
    Shard,
}

/// Everything that is subscribed to.
#[derive(Debug)]
pub(crate) struct PubSub {
    pub(crate) channels: Topics,
    pub(crate) shards: Topics,
    pub(crate) patterns: Patterns,
    /// Sessions with a subscription.
    sessions: usize,
    /// Goes up when a session with a subscription changes its protocol.
    epoch: u64,
    /// Room for the channel of a keyspace event.
    event_channel: alloc::vec::Vec<u8>,
}

impl PubSub {
    pub(crate) fn new(seed: HashSeed) -> Self {
        Self {
            channels: Topics::new(seed),
            shards: Topics::new(seed),
            patterns: Patterns::default(),
            sessions: 0,
            epoch: 0,
            event_channel: alloc::vec::Vec::new(),
        }
    }

    /// Sessions with a subscription.
    pub(crate) const fn sessions(&self) -> usize {
        self.sessions
    }

    /// Bytes of names and of what is kept for each subscription.
    pub(crate) fn memory_bytes(&self) -> usize {
        let tables = self.channels.memory_bytes() + self.shards.memory_bytes();
        tables + self.patterns.memory_bytes()
    }

    /// What [`PubSub::memory_bytes`] has to be, by a walk over all topics.
    pub(crate) fn recount_bytes(&self) -> usize {
        let tables = self.channels.recount_bytes() + self.shards.recount_bytes();
        tables + self.patterns.iter().map(Topic::bytes).sum::<usize>()
    }

    /// Subscriptions of all sessions, by a walk over all topics.
    pub(crate) fn pairs_len(&self) -> usize {
        let plain = self.channels.iter().chain(self.shards.iter());
        plain
            .chain(self.patterns.iter())
            .map(Topic::subscribers)
            .sum()
    }

    /// Adds a subscriber; `None` if the session is one already.
    fn add(&mut self, kind: Kind, name: &[u8], id: SessionId, number: u64) -> Option<Name> {
        match kind {
            Kind::Channel => self.channels.add(name, id, number),
            Kind::Shard => self.shards.add(name, id, number),
            Kind::Pattern => self.patterns.add(name, id, number),
        }
    }

    /// Removes a subscriber; the number under which the session knows the subscription.
    fn remove(&mut self, kind: Kind, name: &[u8], id: SessionId) -> Option<u64> {
        match kind {
            Kind::Channel => self.channels.remove(name, id),
            Kind::Shard => self.shards.remove(name, id),
            Kind::Pattern => self.patterns.remove(name, id),
        }
    }
}

/// What one session listens to, each kind in the order in which it was subscribed to.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    channels: BTreeMap<u64, Name>,
    patterns: BTreeMap<u64, Name>,
    shards: BTreeMap<u64, Name>,
    next: u64,
}

/// What a session keeps for one subscription in bytes, beside the name.
const SUBSCRIPTION_BYTES: usize = 32;

impl Subscriptions {
    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }

    pub(crate) fn patterns(&self) -> usize {
        self.patterns.len()
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Bytes held, without the names.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.total() * SUBSCRIPTION_BYTES + size_of::<Self>()
    }

    fn total(&self) -> usize {
        self.channels.len() + self.patterns.len() + self.shards.len()
    }

    /// The count that a confirmation tells: shard channels are counted for themselves.
    fn told(&self, kind: Kind) -> usize {
        match kind {
            Kind::Channel | Kind::Pattern => self.channels.len() + self.patterns.len(),
            Kind::Shard => self.shards.len(),
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut BTreeMap<u64, Name> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shards,
        }
    }

    /// Every name with whether it is a pattern.
    fn names(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let plain = self.channels.values().chain(self.shards.values());
        let patterns = self.patterns.values().map(|name| (&**name, true));
        plain.map(|name| (&**name, false)).chain(patterns)
    }
}

impl Engine {
    /// Subscribes a session, once for each name; the count for its confirmation.
    pub(crate) fn subscribe(&mut self, id: SessionId, kind: Kind, name: &[u8]) -> usize {
        let Some(state) = self.sessions.find_mut(id) else {
            return 0;
        };
        if state.subscriptions.is_none() {
            self.pubsub.sessions += 1;
        }
        let mine = state.subscriptions.get_or_insert_with(Box::default);
        if let Some(name) = self.pubsub.add(kind, name, id, mine.next) {
            let number = mine.next;
            mine.next += 1;
            mine.of_mut(kind).insert(number, name);
        }
        mine.told(kind)
    }

    /// Ends a subscription, if there is one; the count for its confirmation.
    pub(crate) fn unsubscribe(&mut self, id: SessionId, kind: Kind, name: &[u8]) -> usize {
        let Some(state) = self.sessions.find_mut(id) else {
            return 0;
        };
        let Some(mine) = &mut state.subscriptions else {
            return 0;
        };
        if let Some(number) = self.pubsub.remove(kind, name, id) {
            mine.of_mut(kind).remove(&number);
        }
        let told = mine.told(kind);
        if mine.total() == 0 {
            state.subscriptions = None;
            self.pubsub.sessions -= 1;
        }
        told
    }

    /// Ends the oldest subscription of a kind; its name, and the count for its confirmation.
    pub(crate) fn unsubscribe_oldest(
        &mut self,
        id: SessionId,
        kind: Kind,
    ) -> Option<(Name, usize)> {
        let mine = self.sessions.find_mut(id)?.subscriptions.as_mut()?;
        let name = mine.of_mut(kind).first_entry()?.get().clone();
        let told = self.unsubscribe(id, kind, &name);
        Some((name, told))
    }

    /// The count that a confirmation tells of a session.
    pub(crate) fn subscriptions_told(&self, id: SessionId, kind: Kind) -> usize {
        let mine = self
            .sessions
            .find(id)
            .and_then(|state| state.subscriptions.as_ref());
        mine.map_or(0, |mine| mine.told(kind))
    }

    /// Whether a session listens to a channel.
    pub(crate) fn listens_to(&self, id: SessionId, channel: &[u8]) -> bool {
        self.pubsub.channels.has(channel, id)
    }

    /// Ends all subscriptions of a session without a word.
    pub(crate) fn unsubscribe_all(&mut self, id: SessionId) {
        let Some(mine) = self
            .sessions
            .find_mut(id)
            .and_then(|state| state.subscriptions.take())
        else {
            return;
        };
        self.pubsub.sessions -= 1;
        for name in mine.channels.values() {
            self.pubsub.remove(Kind::Channel, name, id);
        }
        for name in mine.patterns.values() {
            self.pubsub.remove(Kind::Pattern, name, id);
        }
        for name in mine.shards.values() {
            self.pubsub.remove(Kind::Shard, name, id);
        }
    }

    /// The protocol of a session has changed, and with it the form of its messages.
    pub(crate) fn protocol_changed(&mut self, id: SessionId) {
        let state = self.sessions.find(id);
        if state.is_some_and(Session::is_subscribed) {
            self.pubsub.epoch += 1;
        }
    }

    /// Closes the sessions of a user who may not listen any more to all that they listen to.
    pub(crate) fn close_unpermitted_subscribers(&mut self, user: UserId) {
        let Some(permissions) = self.users.user(user) else {
            return;
        };
        let may_stay = |state: &Session| {
            let mut names = state.subscriptions.iter().flat_map(|mine| mine.names());
            names.all(|(name, is_pattern)| permissions.may_use_channel(name, is_pattern))
        };
        let lost: alloc::vec::Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, state)| state.user == user && !may_stay(state))
            .map(|(id, _)| id)
            .collect();
        for session in lost {
            self.dismiss(session, CloseReason::UserGone);
        }
    }
}

#[cfg(test)]
#[path = "pubsub/tests.rs"]
mod tests;
