//! Patterns, found by what every match of theirs begins with.
//!
//! Equal patterns are one topic. A message looks at the patterns alone whose literal beginning its
//! channel has, so that thousands of `user:123:*` cost it a few look-ups.

use alloc::{boxed::Box, collections::BTreeMap};

use vk_data::glob::{glob_match, literal_prefix};

use super::{Name, Topic};
use crate::{SessionId, lengths::Lengths};

/// All patterns.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    by_prefix: BTreeMap<Box<[u8]>, BTreeMap<Name, Topic>>,
    /// Those of the prefixes.
    lengths: Lengths,
    len: usize,
    bytes: usize,
}

impl Patterns {
    /// Different patterns.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// All of them, by their literal beginnings.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.by_prefix.values().flat_map(BTreeMap::values)
    }

    pub(super) fn add(&mut self, name: &[u8], id: SessionId, number: u64) -> Option<Name> {
        let prefix = literal_prefix(name);
        let group = match self.by_prefix.get_mut(prefix) {
            Some(group) => group,
            None => {
                self.lengths.add(prefix.len());
                self.by_prefix.entry(prefix.into()).or_default()
            }
        };
        let (before, topic) = match group.get_mut(name) {
            Some(topic) => (topic.bytes(), topic),
            None => {
                self.len += 1;
                let topic = Topic::new(name);
                (0, group.entry(topic.name().clone()).or_insert(topic))
            }
        };
        let added = topic.add(id, number);
        self.bytes += topic.bytes() - before;
        added.then(|| topic.name().clone())
    }

    pub(super) fn remove(&mut self, name: &[u8], id: SessionId) -> Option<u64> {
        let prefix = literal_prefix(name);
        let group = self.by_prefix.get_mut(prefix)?;
        let topic = group.get_mut(name)?;
        let before = topic.bytes();
        let number = topic.remove(id)?;
        if topic.subscribers() > 0 {
            self.bytes -= before - topic.bytes();
            return Some(number);
        }
        self.bytes -= before;
        self.len -= 1;
        group.remove(name);
        if group.is_empty() {
            self.by_prefix.remove(prefix);
            self.lengths.remove(prefix.len());
        }
        Some(number)
    }

    /// Hands over every pattern that a channel matches.
    pub(super) fn for_each_match(&mut self, channel: &[u8], mut visit: impl FnMut(&mut Topic)) {
        for length in self.lengths.up_to(channel.len()) {
            let prefix = channel.get(..length);
            let Some(group) = prefix.and_then(|prefix| self.by_prefix.get_mut(prefix)) else {
                continue;
            };
            for (pattern, topic) in group {
                if glob_match(pattern, channel) {
                    visit(topic);
                }
            }
        }
    }
}
