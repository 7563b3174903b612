//! A consumer group as a cut reads it: what it was like, then its pending entries, then its
//! consumers with the ids of theirs.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use vk_mem::size_class;

use super::group::{ConsumerId, Group, Pending};
use super::overlay::{Found, Overlay};
use super::{StreamId, StreamPiece};
use crate::pieces::{CutWeight, Piece};
use crate::table::CutId;

/// A group at a cut.
#[derive(Debug)]
pub(super) struct GroupCut {
    id: CutId,
    last_id: StreamId,
    entries_read: Option<u64>,
    pending_count: usize,
    /// In the order of their names.
    consumers: Vec<Head>,
    /// The place of a consumer among them.
    places: BTreeMap<u32, usize>,
    head_bytes: usize,
    pub(super) pending: Overlay<Pending>,
    stage: Stage,
}

/// A consumer at a cut.
#[derive(Debug)]
struct Head {
    name: Box<[u8]>,
    seen_ms: i64,
    active_ms: Option<i64>,
    /// What is pending of it, as far as it is read.
    pending: Vec<StreamId>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The group was not there.
    New,
    Begin,
    Pending,
    Consumers,
    /// The ids of a consumer, from one of them on.
    Consumer(usize, usize),
    Clearing,
}

fn pending_bytes(_: &Pending) -> usize {
    size_of::<(StreamId, Pending)>()
}

impl GroupCut {
    /// The group as it is.
    pub(super) fn of(group: &Group, id: CutId) -> Self {
        let mut cut = Self {
            id,
            last_id: group.last_id,
            entries_read: group.entries_read,
            pending_count: group.pending_count(),
            consumers: Vec::with_capacity(group.consumer_count()),
            places: BTreeMap::new(),
            head_bytes: 0,
            pending: Overlay::new(pending_bytes),
            stage: Stage::Begin,
        };
        for (number, consumer) in group.consumers() {
            cut.places.insert(number.number(), cut.consumers.len());
            cut.head_bytes += size_class(consumer.name().len()) + size_of::<Head>();
            cut.consumers.push(Head {
                name: consumer.name().into(),
                seen_ms: consumer.seen_ms(),
                active_ms: consumer.active_ms(),
                pending: Vec::new(),
            });
        }
        cut
    }

    /// A group that has come into being since.
    pub(super) fn of_new(group: &Group, id: CutId) -> Self {
        Self {
            pending: Overlay::of_new(pending_bytes),
            stage: Stage::New,
            ..Self::of(group, id)
        }
    }

    pub(super) fn id(&self) -> CutId {
        self.id
    }

    /// The cut has this group.
    pub(super) fn is_part(&self) -> bool {
        !matches!(self.stage, Stage::New)
    }

    pub(super) fn weight(&self) -> CutWeight {
        let pending = self.pending.weight();
        CutWeight {
            held_bytes: self.head_bytes + pending.held_bytes,
            saved_bytes: self.head_bytes + pending.saved_bytes,
        }
    }

    pub(super) fn recount_held_bytes(&self) -> usize {
        self.head_bytes + self.pending.recount_held_bytes()
    }

    /// Reads about `elements` things; `true` when everything is read.
    pub(super) fn read(
        &mut self,
        group: &Group,
        elements: usize,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> bool {
        let mut put = |piece: StreamPiece<'_>| sink(Piece::Stream(piece));
        match self.stage {
            Stage::New => return true,
            Stage::Begin => {
                put(StreamPiece::Group {
                    name: group.name(),
                    last_id: self.last_id,
                    entries_read: self.entries_read,
                    pending: self.pending_count,
                });
                self.stage = Stage::Pending;
            }
            Stage::Pending => {
                if self.read_pending(group, elements, &mut put) {
                    self.stage = Stage::Consumers;
                }
            }
            Stage::Consumers => {
                put(StreamPiece::Consumers(self.consumers.len()));
                self.stage = Stage::Consumer(0, 0);
            }
            Stage::Consumer(place, from) => {
                self.stage = self.read_consumer(place, from, elements, &mut put);
            }
            Stage::Clearing => return self.pending.clear(elements),
        }
        false
    }

    fn read_pending(
        &mut self,
        group: &Group,
        elements: usize,
        put: &mut impl FnMut(StreamPiece<'_>),
    ) -> bool {
        let Self {
            pending,
            consumers,
            places,
            ..
        } = self;
        let live = group.pending_behind(pending.read_to());
        let live = live.map(|pending| (pending.id, pending));
        pending.read(live, elements, &mut |found| {
            let (Found::Live(pending) | Found::Saved(pending)) = found;
            let place = places.get(&pending.consumer.number());
            let owner = place.and_then(|place| consumers.get_mut(*place));
            if let Some(owner) = owner {
                owner.pending.push(pending.id);
                let owner = &owner.name;
                put(StreamPiece::Pending { pending, owner });
            }
        })
    }

    /// Returns with what to go on.
    fn read_consumer(
        &mut self,
        place: usize,
        from: usize,
        elements: usize,
        put: &mut impl FnMut(StreamPiece<'_>),
    ) -> Stage {
        let Some(consumer) = self.consumers.get_mut(place) else {
            return Stage::Clearing;
        };
        if from == 0 {
            put(StreamPiece::Consumer {
                name: &consumer.name,
                seen_ms: consumer.seen_ms,
                active_ms: consumer.active_ms,
                pending: consumer.pending.len(),
            });
        }
        let behind = consumer.pending.iter().skip(from);
        behind
            .take(elements.max(1))
            .for_each(|id| put(StreamPiece::ConsumerPending(*id)));
        let from = from.saturating_add(elements.max(1));
        if from < consumer.pending.len() {
            return Stage::Consumer(place, from);
        }
        consumer.pending = Vec::new();
        Stage::Consumer(place + 1, 0)
    }
}

impl ConsumerId {
    /// The number, which another consumer gets when this one is gone.
    pub(super) fn number(self) -> u32 {
        self.0
    }
}
