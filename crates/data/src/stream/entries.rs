//! The entries of a stream with what is remembered of those that are gone. Not the groups.

use super::chunks::{At, Chunks};
use super::node::{Entry, NewEntry, Node, Walk};
use super::overlay::{Overlay, OwnCut};
use super::{NodeLimits, StreamId};

/// The entries of a stream in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    nodes: Chunks<Node>,
    node_bytes: usize,
    len: u64,
    info: StreamInfo,
    /// The cut that reads the nodes, if one does.
    pub(super) cut: OwnCut<Overlay<Node>>,
}

/// What a stream remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamInfo {
    /// The largest id that an entry had, or a larger one that was set.
    pub last_id: StreamId,
    /// The first live entry's id; 0-0 without one.
    pub first_id: StreamId,
    /// The largest id that was deleted singly.
    pub max_deleted_id: StreamId,
    /// Entries ever added.
    pub entries_added: u64,
}

impl Entries {
    /// Live entries.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// There is no live entry.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What is remembered.
    #[inline]
    #[must_use]
    pub const fn info(&self) -> StreamInfo {
        self.info
    }

    /// Sets what is remembered, as it was when the stream was saved.
    pub const fn set_info(&mut self, info: StreamInfo) {
        self.info = info;
    }

    /// Nodes.
    #[must_use]
    pub const fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes in order: id and listpack.
    pub fn nodes(&self) -> impl Iterator<Item = (StreamId, &[u8])> {
        self.nodes.iter().map(|node| (node.first, &*node.bytes))
    }

    /// The id for an entry that comes now; `None` if all ids are used up.
    #[inline]
    #[must_use]
    pub fn next_id(&self, now_ms: i64) -> Option<StreamId> {
        let now = u64::try_from(now_ms).unwrap_or(0);
        if now > self.info.last_id.ms {
            return Some(StreamId::new(now, 0));
        }
        self.info.last_id.next()
    }

    /// The id for an entry of this millisecond; `None` if there is none that is larger than the
    /// last one.
    #[must_use]
    pub fn next_id_in(&self, ms: u64) -> Option<StreamId> {
        let last = self.info.last_id;
        if last.ms == ms {
            return Some(StreamId::new(ms, last.seq.checked_add(1)?));
        }
        (ms > last.ms).then_some(StreamId::new(ms, 0))
    }

    /// Adds an entry; tells whether `id` is larger than the last one, without which it does
    /// nothing.
    pub fn append<'w, I: Iterator<Item = &'w [u8]> + Clone>(
        &mut self,
        id: StreamId,
        entry: &NewEntry<I>,
        limits: NodeLimits,
    ) -> bool {
        if id <= self.info.last_id {
            return false;
        }
        if let Some(end) = self.nodes.end() {
            self.touch(end);
        }
        let fits = self.nodes.last_mut().is_some_and(|node| {
            let before = node.heap_bytes();
            let fits = node.append(id, entry, limits);
            self.node_bytes = self.node_bytes - before + node.heap_bytes();
            fits
        });
        if !fits {
            self.push(Node::new(id, entry));
        }
        self.len += 1;
        self.info.entries_added = self.info.entries_added.wrapping_add(1);
        self.info.last_id = id;
        if self.len == 1 {
            self.info.first_id = id;
        }
        true
    }

    /// Adds a node behind the last one as it was saved; see [`super::validate_node`]. Tells whether
    /// its id is larger than those before, without which it does nothing. The rest is set by
    /// [`Self::set_info`].
    pub fn push_node(&mut self, first: StreamId, bytes: &[u8], live: u64) -> bool {
        if self.nodes.last().is_some_and(|last| last.first >= first) {
            return false;
        }
        let bytes = bytes.to_vec();
        self.push(Node { first, bytes });
        self.len = self.len.saturating_add(live);
        true
    }

    pub(super) fn push(&mut self, node: Node) {
        if let Some(cut) = &mut self.cut.0 {
            cut.touch(node.first, || None);
        }
        self.node_bytes += node.heap_bytes();
        self.nodes.push(node);
    }

    /// Deletes an entry; tells whether it was there.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some(at) = self.node_of(id) else {
            return false;
        };
        self.touch(at);
        let Some(node) = self.nodes.get_mut(at) else {
            return false;
        };
        let before = node.heap_bytes();
        if !node.delete(id) {
            return false;
        }
        self.node_bytes = self.node_bytes - before + node.heap_bytes();
        if node.counts().0 == 0 {
            self.remove_node(at);
        }
        self.len = self.len.saturating_sub(1);
        if id == self.info.first_id || self.len == 0 {
            self.find_first();
        }
        self.info.max_deleted_id = self.info.max_deleted_id.max(id);
        true
    }

    /// The live entry with this id.
    #[must_use]
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.range(id, id).next()
    }

    /// The live entries from `start` to `end`, both included.
    #[inline]
    #[must_use]
    pub fn range(&self, start: StreamId, end: StreamId) -> Range<'_> {
        let at = self.node_of(start).unwrap_or_else(|| self.nodes.begin());
        Range {
            entries: self,
            at: Some(at),
            walk: self.nodes.get(at).and_then(Walk::new),
            start,
            end,
        }
    }

    /// As [`Self::range`], the last one first.
    #[must_use]
    pub fn range_back(&self, start: StreamId, end: StreamId) -> RangeBack<'_> {
        let at = self.node_of(end);
        let node = at.and_then(|at| self.nodes.get(at));
        RangeBack {
            entries: self,
            at,
            walk: node.and_then(Walk::new),
            start,
            end,
        }
    }

    /// The last live entry.
    #[must_use]
    pub fn last(&self) -> Option<Entry<'_>> {
        self.range_back(StreamId::MIN, StreamId::MAX).next()
    }

    /// The first entry of the first node, deleted or not; the largest id without one. This is what
    /// a trim by id is told to have come to.
    #[must_use]
    pub fn edge_id(&self) -> StreamId {
        let walk = self.nodes.first().and_then(Walk::new);
        let first = walk.and_then(|mut walk| walk.next());
        first.map_or(StreamId::MAX, |entry| entry.id())
    }

    /// Sets the last id (XSETID); no live entry's is larger.
    pub const fn set_last_id(&mut self, last_id: StreamId) {
        self.info.last_id = last_id;
    }

    /// Bytes of nodes and listpacks, rounded to size classes.
    pub(super) const fn heap_bytes(&self) -> usize {
        self.nodes.heap_bytes() + self.node_bytes
    }

    /// As [`Self::heap_bytes`], counted from the nodes.
    #[cfg(test)]
    pub(super) fn counted_bytes(&self) -> usize {
        self.nodes.heap_bytes() + self.nodes.iter().map(Node::heap_bytes).sum::<usize>()
    }

    /// Frees the last node; tells whether there was one.
    pub(super) fn drop_node(&mut self) -> bool {
        let node = self.nodes.pop();
        self.node_bytes -= node.as_ref().map_or(0, Node::heap_bytes);
        node.is_some()
    }

    /// The first node.
    pub(super) fn first_node(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// Takes the first node out, which has so many live entries.
    pub(super) fn take_first_node(&mut self, live: u64) -> Option<Node> {
        self.len = self.len.saturating_sub(live);
        self.remove_node(self.nodes.begin())
    }

    /// Takes entries off the first node while `wanted` says so. Returns how many.
    pub(super) fn cut_first_node(&mut self, wanted: impl FnMut(StreamId) -> bool) -> u64 {
        let at = self.nodes.begin();
        self.touch(at);
        let Some(node) = self.nodes.get_mut(at) else {
            return 0;
        };
        let before = node.heap_bytes();
        let gone = node.delete_while(wanted);
        self.node_bytes = self.node_bytes - before + node.heap_bytes();
        if node.counts().0 == 0 {
            self.remove_node(at);
        }
        self.len = self.len.saturating_sub(gone);
        gone
    }

    /// Looks for the first live entry.
    pub(super) fn find_first(&mut self) {
        let first = self.range(StreamId::MIN, StreamId::MAX).next();
        self.info.first_id = first.map_or(StreamId::MIN, |entry| entry.id());
    }

    fn remove_node(&mut self, at: At) -> Option<Node> {
        let mut node = self.nodes.remove(at)?;
        self.node_bytes -= node.heap_bytes();
        if let Some(cut) = &mut self.cut.0 {
            // Nobody reads a node that is removed but the cut, which need not copy it.
            let (first, bytes) = (node.first, &mut node.bytes);
            cut.touch(first, || {
                let bytes = core::mem::take(bytes);
                Some(Node { first, bytes })
            });
        }
        Some(node)
    }

    /// The hook of every change of a node.
    #[inline]
    fn touch(&mut self, at: At) {
        if let Some(cut) = &mut self.cut.0
            && let Some(node) = self.nodes.get(at)
        {
            cut.touch(node.first, || Some(node.clone()));
        }
    }

    /// The nodes behind the one with this id.
    pub(super) fn nodes_behind(&self, id: Option<StreamId>) -> impl Iterator<Item = &Node> {
        let from = match id.map(|id| self.nodes.search(|node| node.first.cmp(&id))) {
            None => self.nodes.begin(),
            Some(Ok(at)) => self.nodes.next(at),
            Some(Err(at)) => self.nodes.settle(at),
        };
        self.nodes.iter_from(from)
    }

    /// The node in which an entry with this id would be.
    #[inline]
    fn node_of(&self, id: StreamId) -> Option<At> {
        match self.nodes.search(|node| node.first.cmp(&id)) {
            Ok(at) => Some(at),
            Err(at) => self.nodes.prev(at),
        }
    }
}

/// Live entries of a range in order.
#[derive(Clone)]
pub struct Range<'a> {
    entries: &'a Entries,
    at: Option<At>,
    walk: Option<Walk<'a>>,
    start: StreamId,
    end: StreamId,
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some(entry) = self.walk.as_mut()?.next() else {
                let at = self.entries.nodes.next(self.at?);
                self.at = Some(at);
                self.walk = self.entries.nodes.get(at).and_then(Walk::new);
                continue;
            };
            if entry.id() > self.end {
                self.walk = None;
                return None;
            }
            if entry.id() >= self.start && !entry.is_deleted() {
                return Some(entry);
            }
        }
    }
}

impl core::fmt::Debug for Range<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Range({:?} to {:?})", self.start, self.end)
    }
}

/// Live entries of a range, the last one first.
#[derive(Clone)]
pub struct RangeBack<'a> {
    entries: &'a Entries,
    at: Option<At>,
    walk: Option<Walk<'a>>,
    start: StreamId,
    end: StreamId,
}

impl<'a> Iterator for RangeBack<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some(entry) = self.walk.as_mut()?.next_back() else {
                self.at = self.entries.nodes.prev(self.at?);
                let node = self.at.and_then(|at| self.entries.nodes.get(at));
                self.walk = node.and_then(Walk::new);
                continue;
            };
            if entry.id() < self.start {
                self.walk = None;
                return None;
            }
            if entry.id() <= self.end && !entry.is_deleted() {
                return Some(entry);
            }
        }
    }
}

impl core::fmt::Debug for RangeBack<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "RangeBack({:?} to {:?})", self.start, self.end)
    }
}
