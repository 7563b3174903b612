//! Streams: listpack nodes in a sorted sequence, consumer groups, pending entries. No command
//! semantics.

mod check;
mod chunks;
mod cut;
mod entries;
mod group;
mod group_cut;
mod id;
mod lag;
mod node;
mod overlay;
mod slab;
mod trim;

use alloc::boxed::Box;
use core::ops::{Deref, DerefMut};

use vk_mem::size_class;

use crate::entry::DbEntry;
use crate::num::INT_TEXT_MAX;
use crate::pack::{Body, BodyMut};
use crate::pieces::CutWeight;
use crate::value::{Object, View};

pub use check::{BadNode, NodeFacts, validate_node};
pub use cut::{StreamPiece, StreamShape};
pub use entries::{Entries, Range, RangeBack, StreamInfo};
pub use group::{Consumer, ConsumerId, Group, Pending};
pub use id::{ID_TEXT_MAX, StreamId};
pub use node::{ENTRY_BYTES_MAX, Entry, Fields, NewEntry, entries_of_node};
pub use trim::{Threshold, Trim, Trimmed};

use chunks::{At, Chunks};
use cut::StreamCut;
use overlay::OwnCut;

/// How large the nodes of a stream become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeLimits {
    /// Bytes of a node; 0 for [`PACK_BYTES_MAX`](crate::bounds::PACK_BYTES_MAX), which is the most.
    pub bytes_max: usize,
    /// Entries of a node, deleted ones included; 0 for
    /// [`STREAM_NODE_ENTRIES_MAX`](crate::bounds::STREAM_NODE_ENTRIES_MAX), which is the most.
    pub entries_max: u64,
}

/// A stream.
#[derive(Debug, Default)]
pub struct Stream {
    entries: Entries,
    /// In the order of their names.
    groups: Chunks<Box<Group>>,
    group_bytes: usize,
    /// The cut that reads the stream, if one does.
    cut: OwnCut<StreamCut>,
}

impl Stream {
    /// Live entries.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.entries.len()).unwrap_or(usize::MAX)
    }

    /// There is no live entry. Groups may be there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the value outside of its entry, the structure itself included, rounded to size
    /// classes. Constant time.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let groups = self.groups.heap_bytes() + self.group_bytes;
        size_class(size_of::<Self>()) + self.entries.heap_bytes() + groups
    }

    /// Frees about `budget` elements; `true` when nothing is left. The first call ends the value's
    /// life: only this is called afterwards.
    pub fn drop_slice(&mut self, budget: usize) -> bool {
        if !self.cut_stop(budget) {
            return false;
        }
        let mut left = budget.max(1);
        while left > 0 {
            let cost = if self.entries.drop_node() {
                1
            } else if let Some(group) = self.groups.last_mut() {
                let before = group.heap_bytes();
                let part = group.drop_part();
                let after = group.heap_bytes();
                if part.is_none() {
                    self.groups.pop();
                }
                self.group_bytes -= if part.is_some() {
                    before - after
                } else {
                    before
                };
                part.unwrap_or(1)
            } else {
                return true;
            };
            left = left.saturating_sub(cost);
        }
        false
    }

    /// The stream that is the value of an entry.
    pub fn of_body<'b>(body: &'b mut BodyMut<'_>) -> Option<&'b mut Self> {
        match body.object_mut() {
            Some(Object::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    /// The entries.
    #[inline]
    #[must_use]
    pub const fn entries(&self) -> &Entries {
        &self.entries
    }

    /// The entries, to be changed.
    #[inline]
    pub const fn entries_mut(&mut self) -> &mut Entries {
        &mut self.entries
    }

    /// How many groups there are.
    #[must_use]
    pub const fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The groups in the order of their names.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().map(|group| &**group)
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        let at = self.search(name).ok()?;
        self.groups.get(at).map(|group| &**group)
    }

    /// The group of this name, to be changed.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<GroupMut<'_>> {
        let at = self.search(name).ok()?;
        self.group_at(at)
    }

    /// Calls `change` with each group.
    pub fn for_each_group_mut(&mut self, change: &mut impl FnMut(&mut Group)) {
        let mut at = Some(self.groups.begin());
        while at.is_some() {
            if let Some(mut group) = at.and_then(|at| self.group_at(at)) {
                change(&mut group);
            }
            at = at.map(|at| self.groups.next(at));
            at = at.filter(|at| self.groups.get(*at).is_some());
        }
    }

    /// Adds a group; `None` if there is one of this name.
    pub fn create_group(
        &mut self,
        name: &[u8],
        last_id: StreamId,
        entries_read: Option<u64>,
    ) -> Option<GroupMut<'_>> {
        let at = self.search(name).err()?;
        let mut group = Box::new(Group::new(name, last_id, entries_read));
        if let Some(cut) = &mut self.cut.0 {
            cut.note_new(&mut group);
        }
        self.group_bytes += group.heap_bytes();
        self.groups.insert(at, group);
        self.group_mut(name)
    }

    /// Takes the group of this name out. It comes as a value of its own, to be freed like one;
    /// `None` if there is no such group, or if a cut has still to read it.
    pub fn remove_group(&mut self, name: &[u8]) -> Option<Object> {
        let at = self.search(name).ok()?;
        let group = self.groups.remove(at)?;
        self.group_bytes -= group.heap_bytes();
        let group = match &mut self.cut.0 {
            Some(cut) => cut.keep(group)?,
            None => group,
        };
        let mut rest = Box::<Self>::default();
        rest.group_bytes = group.heap_bytes();
        rest.groups.push(group);
        Some(Object::Stream(rest))
    }

    /// As a value of its own: nodes that a stream does not have any more.
    fn of_rest(entries: Entries) -> Object {
        Object::Stream(Box::new(Self {
            entries,
            ..Self::default()
        }))
    }

    /// Some group may still deliver the entry, or has delivered it and waits for the
    /// acknowledgement.
    #[must_use]
    pub fn is_referenced(&self, id: StreamId) -> bool {
        self.groups()
            .any(|group| group.last_id < id || group.pending(id).is_some())
    }

    /// Hands all that makes up the value to `sink`, piece by piece, so that equal values give equal
    /// pieces: a digest. How entries lie in nodes is left out, and so is when consumers were seen,
    /// which is not handed on to replicas.
    pub fn feed(&self, sink: &mut impl FnMut(&[u8])) {
        let info = self.entries.info();
        for id in [info.last_id, info.max_deleted_id] {
            sink(&id.to_be_bytes());
        }
        sink(&info.entries_added.to_be_bytes());
        sink(&self.entries.len().to_be_bytes());
        for entry in self.entries.range(StreamId::MIN, StreamId::MAX) {
            sink(&entry.id().to_be_bytes());
            sink(&(entry.field_count() as u64).to_be_bytes());
            for (name, value) in entry.fields() {
                for item in [name, value] {
                    feed_text(sink, item.bytes(&mut [0; INT_TEXT_MAX]));
                }
            }
        }
        for group in self.groups() {
            feed_group(group, sink);
        }
    }

    fn group_at(&mut self, at: At) -> Option<GroupMut<'_>> {
        let group = self.groups.get_mut(at)?;
        if let Some(cut) = &mut self.cut.0 {
            cut.touch(group);
        }
        Some(GroupMut {
            entries: &self.entries,
            before: group.heap_bytes(),
            weight: group.cut_weight(),
            cut: self.cut.0.as_deref_mut(),
            group,
            total: &mut self.group_bytes,
        })
    }

    fn search(&self, name: &[u8]) -> Result<At, At> {
        self.groups.search(|group| group.name().cmp(name))
    }
}

fn feed_text(sink: &mut impl FnMut(&[u8]), text: &[u8]) {
    sink(&(text.len() as u64).to_be_bytes());
    sink(text);
}

fn feed_group(group: &Group, sink: &mut impl FnMut(&[u8])) {
    feed_text(sink, group.name());
    sink(&group.last_id.to_be_bytes());
    sink(&group.entries_read.unwrap_or(u64::MAX).to_be_bytes());
    for (_, consumer) in group.consumers() {
        feed_text(sink, consumer.name());
    }
    for pending in group.pending_from(StreamId::MIN) {
        sink(&pending.id.to_be_bytes());
        sink(&pending.delivered_ms.to_be_bytes());
        sink(&pending.deliveries.to_be_bytes());
        let owner = group.consumer(pending.consumer);
        feed_text(sink, owner.map_or(&[][..], Consumer::name));
    }
}

impl Clone for Stream {
    fn clone(&self) -> Self {
        let mut groups = self.groups.clone();
        let mut group_bytes = 0;
        let mut at = groups.begin();
        while let Some(group) = groups.get_mut(at) {
            group.recount();
            group_bytes += group.heap_bytes();
            at = groups.next(at);
        }
        let entries = self.entries.clone();
        Self {
            entries,
            groups,
            group_bytes,
            cut: OwnCut::NONE,
        }
    }
}

/// A group that may be changed, with the entries of its stream; the stream's bytes follow.
#[derive(Debug)]
pub struct GroupMut<'a> {
    entries: &'a Entries,
    group: &'a mut Group,
    before: usize,
    weight: CutWeight,
    cut: Option<&'a mut StreamCut>,
    total: &'a mut usize,
}

impl<'a> GroupMut<'a> {
    /// The entries of the stream.
    #[must_use]
    pub const fn entries(&self) -> &'a Entries {
        self.entries
    }
}

impl Deref for GroupMut<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        self.group
    }
}

impl DerefMut for GroupMut<'_> {
    fn deref_mut(&mut self) -> &mut Group {
        self.group
    }
}

impl Drop for GroupMut<'_> {
    fn drop(&mut self) {
        *self.total = *self.total - self.before + self.group.heap_bytes();
        if let Some(cut) = &mut self.cut {
            cut.weigh(self.weight, self.group.cut_weight());
        }
    }
}

/// A look at a stream value.
#[derive(Clone, Copy, Debug)]
pub struct StreamRef<'a>(&'a Stream);

impl<'a> StreamRef<'a> {
    /// The stream, for as long as the entry is borrowed.
    #[inline]
    #[must_use]
    pub const fn stream(self) -> &'a Stream {
        self.0
    }
}

impl Deref for StreamRef<'_> {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        self.0
    }
}

impl<'a> View<'a> for StreamRef<'a> {
    #[inline]
    fn of(entry: &'a DbEntry) -> Option<Self> {
        match entry.body() {
            Some(Body::Object(Object::Stream(stream))) => Some(Self(stream)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
