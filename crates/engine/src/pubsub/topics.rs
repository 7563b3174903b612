//! Channels by name, in the table of the keyspace: no look-up is slow, and none can be made slow.

use alloc::boxed::Box;
use core::fmt;

use vk_data::table::{HashSeed, Table};

use super::{Name, Topic};
use crate::SessionId;

/// The channels of one kind.
pub(crate) struct Topics(Table<Box<Topic>>);

impl Topics {
    pub(super) fn new(seed: HashSeed) -> Self {
        Self(Table::new(seed))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }

    pub(super) fn recount_bytes(&self) -> usize {
        self.0.recount_bytes()
    }

    /// All of them in no particular, but repeatable, order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter().map(|topic| &**topic)
    }

    /// How many listen to a channel.
    pub(crate) fn subscribers(&self, name: &[u8]) -> usize {
        let hash = self.0.seed().hash(name);
        let found = self.0.find(hash, |topic| **topic.name() == *name);
        found.map_or(0, |topic| topic.subscribers())
    }

    /// Whether a session listens to a name.
    pub(super) fn has(&self, name: &[u8], id: SessionId) -> bool {
        let hash = self.0.seed().hash(name);
        let topic = self.0.find(hash, |topic| **topic.name() == *name);
        topic.is_some_and(|topic| topic.has(id))
    }

    pub(super) fn find_mut(&mut self, name: &[u8]) -> Option<&mut Topic> {
        if self.0.is_empty() {
            return None;
        }
        let hash = self.0.seed().hash(name);
        let loc = self.0.locate(hash, |topic| **topic.name() == *name)?;
        self.0.at_mut(loc).map(|topic| &mut **topic)
    }

    pub(super) fn add(&mut self, name: &[u8], id: SessionId, number: u64) -> Option<Name> {
        let hash = self.0.seed().hash(name);
        let loc = match self.0.locate(hash, |topic| **topic.name() == *name) {
            Some(loc) => loc,
            None => self.0.insert(hash, Box::new(Topic::new(name))),
        };
        let add = |topic: &mut Box<Topic>| topic.add(id, number).then(|| topic.name().clone());
        self.0.update(loc, add)?
    }

    pub(super) fn remove(&mut self, name: &[u8], id: SessionId) -> Option<u64> {
        let hash = self.0.seed().hash(name);
        let loc = self.0.locate(hash, |topic| **topic.name() == *name)?;
        let (number, left) = self
            .0
            .update(loc, |topic| (topic.remove(id), topic.subscribers()))?;
        if left == 0 {
            self.0.remove_at(loc);
        }
        number
    }
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topics({})", self.len())
    }
}
