//! A consumer group: what was delivered to whom and is not acknowledged. Not the entries.

use alloc::boxed::Box;

use vk_mem::size_class;

use super::StreamId;
use super::chunks::{At, Chunks};
use super::group_cut::GroupCut;
use super::overlay::OwnCut;
use super::slab::Slab;
use crate::pieces::CutWeight;
use crate::table::CutId;

/// Names a consumer of one group, until it is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConsumerId(pub(super) u32);

impl ConsumerId {
    /// What is pending of nobody, while a group is being loaded.
    const NOBODY: Self = Self(u32::MAX);
}

/// An entry that was delivered and is not acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending {
    /// The entry, which may be deleted by now.
    pub id: StreamId,
    /// When it was delivered last, in Unix milliseconds.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
    /// To whom.
    pub consumer: ConsumerId,
}

/// A member of a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    name: Box<[u8]>,
    seen_ms: i64,
    active_ms: Option<i64>,
    pending: Chunks<StreamId>,
}

impl Consumer {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// When it asked for something last, in Unix milliseconds.
    #[must_use]
    pub const fn seen_ms(&self) -> i64 {
        self.seen_ms
    }

    /// When it got something last, if ever, in Unix milliseconds.
    #[must_use]
    pub const fn active_ms(&self) -> Option<i64> {
        self.active_ms
    }

    /// How many entries are pending.
    #[must_use]
    pub const fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// The ids of the pending entries from `start` on.
    pub fn pending_from(&self, start: StreamId) -> impl Iterator<Item = StreamId> {
        self.pending
            .iter_from(place(self.pending.search(|id| id.cmp(&start))))
            .copied()
    }

    fn heap_bytes(&self) -> usize {
        size_class(self.name.len()) + self.pending.heap_bytes()
    }
}

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    name: Box<[u8]>,
    /// The last entry that was delivered to the group.
    pub last_id: StreamId,
    /// How many entries were, counted from the first one that the stream ever had; `None` if that
    /// is not known.
    pub entries_read: Option<u64>,
    pending: Chunks<Pending>,
    consumers: Slab<Consumer>,
    /// The consumers in the order of their names.
    by_name: Chunks<ConsumerId>,
    /// Bytes that consumers own beside their places.
    consumer_bytes: usize,
    /// Pending entries of nobody, while the group is being loaded.
    unowned: usize,
    /// How it was at a cut that reads it, or that it is no part of.
    pub(super) cut: OwnCut<GroupCut>,
}

impl Group {
    pub(super) fn new(name: &[u8], last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            name: name.into(),
            last_id,
            entries_read,
            pending: Chunks::new(),
            consumers: Slab::new(),
            by_name: Chunks::new(),
            consumer_bytes: 0,
            unowned: 0,
            cut: OwnCut::NONE,
        }
    }

    /// The part that the group has in this cut, as far as that is known.
    pub(super) fn cut_of(&self, id: CutId) -> Option<&GroupCut> {
        self.cut.0.as_deref().filter(|cut| cut.id() == id)
    }

    pub(super) fn cut_weight(&self) -> CutWeight {
        let cut = self.cut.0.as_ref();
        cut.map_or_else(CutWeight::default, |cut| cut.weight())
    }

    pub(super) fn recount_held_bytes(&self) -> usize {
        let cut = self.cut.0.as_ref();
        cut.map_or(0, |cut| cut.recount_held_bytes())
    }

    /// The pending entries behind this one.
    pub(super) fn pending_behind(&self, id: Option<StreamId>) -> impl Iterator<Item = Pending> {
        let from = match id.map(|id| self.search(id)) {
            None => self.pending.begin(),
            Some(Ok(at)) => self.pending.next(at),
            Some(Err(at)) => self.pending.settle(at),
        };
        self.pending.iter_from(from).copied()
    }

    /// The hook of every change of a pending entry.
    #[inline]
    fn touch(&mut self, id: StreamId) {
        if let Some(mut cut) = self.cut.0.take() {
            cut.pending.touch(id, || self.pending(id));
            self.cut.0 = Some(cut);
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many consumers there are.
    #[must_use]
    pub const fn consumer_count(&self) -> usize {
        self.by_name.len()
    }

    /// The consumers in the order of their names.
    pub fn consumers(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.by_name
            .iter()
            .filter_map(|id| Some((*id, self.consumer(*id)?)))
    }

    /// The consumer of this name.
    #[must_use]
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        self.by_name.get(self.search_name(name).ok()?).copied()
    }

    /// A consumer by its id.
    #[must_use]
    pub fn consumer(&self, id: ConsumerId) -> Option<&Consumer> {
        self.consumers.get(id.0)
    }

    /// The consumer of this name; tells whether it had to be created, with this time as seen.
    /// `None` if there can be no more.
    pub fn add_consumer(&mut self, name: &[u8], seen_ms: i64) -> Option<(ConsumerId, bool)> {
        let at = match self.search_name(name) {
            Ok(at) => return Some((*self.by_name.get(at)?, false)),
            Err(at) => at,
        };
        let consumer = Consumer {
            name: name.into(),
            seen_ms,
            active_ms: None,
            pending: Chunks::new(),
        };
        self.consumer_bytes += consumer.heap_bytes();
        let id = ConsumerId(self.consumers.insert(consumer)?);
        self.by_name.insert(at, id);
        Some((id, true))
    }

    /// Sets when a consumer asked for something, and, unless `None`, when it got something.
    pub fn set_times(&mut self, id: ConsumerId, seen_ms: i64, active_ms: Option<i64>) {
        if let Some(consumer) = self.consumers.get_mut(id.0) {
            consumer.seen_ms = seen_ms;
            consumer.active_ms = active_ms.or(consumer.active_ms);
        }
    }

    /// Removes a consumer with what is pending of it; returns how many entries that were.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let at = self.search_name(name).ok()?;
        let id = self.by_name.remove(at)?;
        let consumer = self.consumers.remove(id.0)?;
        self.consumer_bytes -= consumer.heap_bytes();
        for pending in consumer.pending.iter() {
            self.touch(*pending);
            if let Ok(at) = self.search(*pending) {
                self.pending.remove(at);
            }
        }
        Some(consumer.pending.len())
    }

    /// How many entries are pending.
    #[must_use]
    pub const fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// The pending entry with this id.
    #[must_use]
    pub fn pending(&self, id: StreamId) -> Option<Pending> {
        self.pending.get(self.search(id).ok()?).copied()
    }

    /// The pending entries from `start` on.
    pub fn pending_from(&self, start: StreamId) -> impl Iterator<Item = Pending> {
        self.pending.iter_from(place(self.search(start))).copied()
    }

    /// The first and the last pending entry.
    #[must_use]
    pub fn pending_bounds(&self) -> Option<(StreamId, StreamId)> {
        Some((self.pending.first()?.id, self.pending.last()?.id))
    }

    /// Makes an entry pending, or changes it if it is; if it belonged to another consumer it goes
    /// over.
    pub fn set_pending(&mut self, pending: Pending) {
        self.touch(pending.id);
        let at = match self.search(pending.id) {
            Err(at) => {
                self.pending.insert(at, pending);
                return self.own(pending.consumer, pending.id);
            }
            Ok(at) => at,
        };
        if let Some(place) = self.pending.get_mut(at) {
            let before = core::mem::replace(place, pending).consumer;
            if before != pending.consumer {
                self.disown(before, pending.id);
                self.own(pending.consumer, pending.id);
            }
        }
    }

    /// An entry is acknowledged or given up; tells whether it was pending.
    pub fn remove_pending(&mut self, id: StreamId) -> bool {
        let Ok(at) = self.search(id) else {
            return false;
        };
        self.touch(id);
        if let Some(pending) = self.pending.remove(at) {
            self.disown(pending.consumer, id);
        }
        true
    }

    /// Adds a pending entry whose consumer is told later by [`Self::load_owner`], as snapshots
    /// have it; tells whether the id is larger than those before, without which it does nothing.
    pub fn load_pending(&mut self, id: StreamId, delivered_ms: i64, deliveries: u64) -> bool {
        let grows = self.pending.last().is_none_or(|last| last.id < id);
        if grows {
            self.unowned += 1;
            self.pending.push(Pending {
                id,
                delivered_ms,
                deliveries,
                consumer: ConsumerId::NOBODY,
            });
        }
        grows
    }

    /// Tells whose a loaded entry is; `false` if there is no such entry or it has a consumer
    /// already.
    pub fn load_owner(&mut self, id: StreamId, consumer: ConsumerId) -> bool {
        let Ok(at) = self.search(id) else {
            return false;
        };
        let Some(pending) = self.pending.get_mut(at) else {
            return false;
        };
        if pending.consumer != ConsumerId::NOBODY {
            return false;
        }
        pending.consumer = consumer;
        self.unowned -= 1;
        self.own(consumer, id);
        true
    }

    /// Every loaded entry has a consumer. A group must not be used otherwise.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        self.unowned == 0
    }

    /// Bytes of the group, its own place included, rounded to size classes.
    pub(super) fn heap_bytes(&self) -> usize {
        size_class(size_of::<Self>())
            + size_class(self.name.len())
            + self.pending.heap_bytes()
            + self.consumers.heap_bytes()
            + self.by_name.heap_bytes()
            + self.consumer_bytes
    }

    /// As [`Self::heap_bytes`], counted from the consumers.
    #[cfg(test)]
    pub(super) fn counted_bytes(&self) -> usize {
        let consumers = self.consumers().map(|(_, consumer)| consumer.heap_bytes());
        self.heap_bytes() - self.consumer_bytes + consumers.sum::<usize>()
    }

    /// Frees a part; returns what it cost in elements, or `None` when nothing is left. Only this
    /// is called afterwards.
    pub(super) fn drop_part(&mut self) -> Option<usize> {
        if self.pending.drop_chunk().is_some() || self.by_name.drop_chunk().is_some() {
            return Some(1);
        }
        if let Some(consumer) = self.consumers.last_mut() {
            let before = consumer.heap_bytes();
            let part = consumer.pending.drop_chunk();
            self.consumer_bytes -= before - consumer.heap_bytes();
            if part.is_some() {
                return Some(1);
            }
            self.consumer_bytes -= consumer.heap_bytes();
        }
        self.consumers.drop_last().then_some(1)
    }

    fn own(&mut self, consumer: ConsumerId, id: StreamId) {
        if let Some(consumer) = self.consumers.get_mut(consumer.0)
            && let Err(at) = consumer.pending.search(|own| own.cmp(&id))
        {
            self.consumer_bytes -= consumer.pending.heap_bytes();
            consumer.pending.insert(at, id);
            self.consumer_bytes += consumer.pending.heap_bytes();
        }
    }

    fn disown(&mut self, consumer: ConsumerId, id: StreamId) {
        if let Some(consumer) = self.consumers.get_mut(consumer.0)
            && let Ok(at) = consumer.pending.search(|own| own.cmp(&id))
        {
            self.consumer_bytes -= consumer.pending.heap_bytes();
            consumer.pending.remove(at);
            self.consumer_bytes += consumer.pending.heap_bytes();
        }
    }

    #[inline]
    fn search(&self, id: StreamId) -> Result<At, At> {
        self.pending.search(|pending| pending.id.cmp(&id))
    }

    fn search_name(&self, name: &[u8]) -> Result<At, At> {
        self.by_name.search(|id| {
            let own = self.consumer(*id).map_or(&[][..], Consumer::name);
            own.cmp(name)
        })
    }

    /// Counts the bytes of the consumers again, after a copy.
    pub(super) fn recount(&mut self) {
        let all = self
            .by_name
            .iter()
            .filter_map(|id| self.consumers.get(id.0));
        self.consumer_bytes = all.map(Consumer::heap_bytes).sum();
    }
}

/// The place, whether something is there or not.
fn place(found: Result<At, At>) -> At {
    match found {
        Ok(at) | Err(at) => at,
    }
}
