//! One channel or pattern with its subscribers.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use vk_data::table::{CutId, HashSeed, KeyHash, Slot};
use vk_resp::Protocol;

use super::Name;
use crate::{SessionId, session::Sessions};

/// A channel or pattern that somebody listens to.
#[derive(Debug)]
pub(crate) struct Topic {
    name: Name,
    /// Each with the number under which it knows the subscription itself.
    subscribers: BTreeMap<SessionId, u64>,
    /// The subscribers by protocol, until something about them changes.
    audience: Option<Audience>,
}

/// Subscribers by protocol, so that a message is encoded once for each.
#[derive(Debug)]
pub(super) struct Audience {
    epoch: u64,
    groups: [(Protocol, Arc<[SessionId]>); 2],
}

/// What a topic and the index of topics take, beside the name, in bytes.
const TOPIC_BYTES: usize = size_of::<Topic>() + 32;
/// What is kept for one subscriber, its place in the audience included.
const SUBSCRIBER_BYTES: usize = 32;

impl Topic {
    pub(super) fn new(name: &[u8]) -> Self {
        Self {
            name: name.into(),
            subscribers: BTreeMap::new(),
            audience: None,
        }
    }

    pub(crate) const fn name(&self) -> &Name {
        &self.name
    }

    /// How many listen.
    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers.len()
    }

    pub(super) fn has(&self, id: SessionId) -> bool {
        self.subscribers.contains_key(&id)
    }

    /// Adds a subscriber; `false` if it is one already.
    pub(super) fn add(&mut self, id: SessionId, number: u64) -> bool {
        if self.has(id) {
            return false;
        }
        self.subscribers.insert(id, number);
        self.audience = None;
        true
    }

    pub(super) fn remove(&mut self, id: SessionId) -> Option<u64> {
        let number = self.subscribers.remove(&id)?;
        self.audience = None;
        Some(number)
    }

    /// The subscribers by protocol, as of `epoch`.
    pub(super) fn audience(
        &mut self,
        sessions: &Sessions,
        epoch: u64,
    ) -> &[(Protocol, Arc<[SessionId]>)] {
        if self.audience.as_ref().is_none_or(|a| a.epoch != epoch) {
            self.audience = None;
        }
        let subscribers = &self.subscribers;
        let audience = self.audience.get_or_insert_with(|| {
            let of = |protocol| {
                let speaks = |id: &&SessionId| {
                    let state = sessions.find(**id);
                    state.is_some_and(|state| state.protocol == protocol)
                };
                let group: Vec<SessionId> = subscribers.keys().filter(speaks).copied().collect();
                (protocol, group.into())
            };
            let groups = [of(Protocol::Resp2), of(Protocol::Resp3)];
            Audience { epoch, groups }
        });
        &audience.groups
    }

    /// Bytes held for the topic.
    pub(super) fn bytes(&self) -> usize {
        TOPIC_BYTES + self.name.len() + self.subscribers.len() * SUBSCRIBER_BYTES
    }
}

impl Slot for alloc::boxed::Box<Topic> {
    type Image = ();

    fn hash(&self, seed: &HashSeed) -> KeyHash {
        seed.hash(&self.name)
    }

    fn expire_ms(&self) -> Option<i64> {
        None
    }

    fn memory_bytes(&self) -> usize {
        self.bytes()
    }

    fn prefetch(&self) {}

    fn image(&mut self, _: CutId) {}

    fn image_bytes((): &()) -> usize {
        0
    }
}
