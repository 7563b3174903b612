//! A deque of nodes that knows how many items it holds. Not what a node may hold.
//!
//! The nodes stand in chunks, so that growth moves no more than one chunk, and an item is found by
//! the counts of chunks and then of the nodes of one.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use vk_mem::size_class;

use super::cut::Cut;
use super::node::NodeBuf;
use crate::pieces::Piece;
use crate::table::CutId;

/// Nodes per chunk at most.
const CHUNK_NODES_MAX: usize = 512;

/// The nodes of a list.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    /// None is empty.
    chunks: VecDeque<Chunk>,
    len: usize,
    items: usize,
    /// Bytes of the nodes and of the chunks' tables, by size classes.
    bytes: usize,
    /// The cut that reads the list, if one does.
    cut: Option<Box<Cut>>,
}

#[derive(Debug, Default)]
struct Chunk {
    nodes: VecDeque<NodeBuf>,
    items: usize,
}

/// Where an item is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its node, counted from the head.
    pub(super) index: usize,
    chunk: usize,
    at: usize,
    /// Items before it in its node.
    pub(super) offset: usize,
}

impl Nodes {
    /// Nodes.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Items of all nodes.
    #[inline]
    pub(super) const fn items(&self) -> usize {
        self.items
    }

    /// Bytes of everything outside of this structure, by size classes.
    #[inline]
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes + size_class(self.chunks.capacity() * size_of::<Chunk>())
    }

    /// Node number `index`.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&NodeBuf> {
        let (chunk, at) = self.locate(index)?;
        self.chunks.get(chunk)?.nodes.get(at)
    }

    /// The node at a place.
    #[inline]
    pub(super) fn at(&self, place: Place) -> Option<&NodeBuf> {
        self.chunks.get(place.chunk)?.nodes.get(place.at)
    }

    /// The place of item number `item`, from the nearer end.
    #[inline]
    pub(super) fn seek(&self, item: usize) -> Option<Place> {
        if item >= self.items {
            return None;
        }
        if item <= self.items / 2 {
            self.seek_forwards(item)
        } else {
            self.seek_backwards(self.items - 1 - item)
        }
    }

    fn seek_forwards(&self, item: usize) -> Option<Place> {
        let (mut left, mut index) = (item, 0);
        for (number, chunk) in self.chunks.iter().enumerate() {
            if left >= chunk.items {
                left -= chunk.items;
                index += chunk.nodes.len();
                continue;
            }
            for (at, node) in chunk.nodes.iter().enumerate() {
                let count = node.items();
                if left < count {
                    return Some(Place {
                        index: index + at,
                        chunk: number,
                        at,
                        offset: left,
                    });
                }
                left -= count;
            }
        }
        None
    }

    fn seek_backwards(&self, item: usize) -> Option<Place> {
        let (mut left, mut index) = (item, self.len);
        for (number, chunk) in self.chunks.iter().enumerate().rev() {
            index -= chunk.nodes.len();
            if left >= chunk.items {
                left -= chunk.items;
                continue;
            }
            for (at, node) in chunk.nodes.iter().enumerate().rev() {
                let count = node.items();
                if left < count {
                    return Some(Place {
                        index: index + at,
                        chunk: number,
                        at,
                        offset: count - 1 - left,
                    });
                }
                left -= count;
            }
        }
        None
    }

    /// All nodes from the head.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &NodeBuf> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.nodes.iter())
    }

    /// Goes through the nodes from a place on, until `visit` says `false`.
    pub(super) fn visit<'a>(&'a self, from: Place, mut visit: impl FnMut(&'a NodeBuf) -> bool) {
        let mut at = from.at;
        for chunk in self.chunks.range(from.chunk..) {
            if !chunk.nodes.range(at..).all(&mut visit) {
                return;
            }
            at = 0;
        }
    }

    /// As [`Nodes::visit`], towards the head.
    pub(super) fn visit_back<'a>(
        &'a self,
        from: Place,
        mut visit: impl FnMut(&'a NodeBuf) -> bool,
    ) {
        let mut end = Some(from.at + 1);
        for chunk in self.chunks.range(..=from.chunk).rev() {
            let end = end.take().unwrap_or(chunk.nodes.len());
            if !chunk.nodes.range(..end).rev().all(&mut visit) {
                return;
            }
        }
    }

    /// Changes a node, and corrects the totals. The tag must be right afterwards.
    #[inline]
    pub(super) fn edit<R>(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut NodeBuf) -> R,
    ) -> Option<R> {
        let (chunk, at) = self.locate(index)?;
        let chunk = self.chunks.get_mut(chunk)?;
        let node = chunk.nodes.get_mut(at)?;
        if let Some(cut) = &mut self.cut
            && let Some(number) = cut.touch(index, self.len)
        {
            cut.save(number, node.clone());
        }
        let (items, bytes) = (node.items(), node.allocated_bytes());
        let result = change(node);
        let (items_after, bytes_after) = (node.items(), node.allocated_bytes());
        chunk.items = chunk.items - items + items_after;
        self.items = self.items - items + items_after;
        self.bytes = self.bytes - bytes + bytes_after;
        Some(result)
    }

    /// Puts a node before node number `index`, which may be one beyond the last.
    pub(super) fn insert(&mut self, index: usize, node: NodeBuf) {
        let (mut number, mut at) = match self.locate(index) {
            Some(found) => found,
            // Behind the last one.
            None => match self.chunks.back() {
                Some(last) => (self.chunks.len() - 1, last.nodes.len()),
                None => (0, 0),
            },
        };
        let full = |chunk: &Chunk| chunk.nodes.len() >= CHUNK_NODES_MAX;
        match self.chunks.get_mut(number) {
            None => self.chunks.push_back(Chunk::default()),
            Some(chunk) if full(chunk) && at == chunk.nodes.len() => {
                self.chunks.push_back(Chunk::default());
                (number, at) = (number + 1, 0);
            }
            Some(chunk) if full(chunk) && at == 0 && number == 0 => {
                self.chunks.push_front(Chunk::default());
            }
            Some(chunk) if full(chunk) => {
                let half = chunk.nodes.len() / 2;
                let before = chunk.table_bytes();
                let right = Chunk::new(chunk.nodes.split_off(half));
                chunk.items -= right.items;
                self.bytes = self.bytes - before + chunk.table_bytes() + right.table_bytes();
                self.chunks.insert(number + 1, right);
                if at > half {
                    (number, at) = (number + 1, at - half);
                }
            }
            Some(_) => {}
        }
        if let Some(cut) = &mut self.cut {
            cut.inserted(index, self.len);
        }
        self.len += 1;
        self.items += node.items();
        self.bytes += node.allocated_bytes();
        if let Some(chunk) = self.chunks.get_mut(number) {
            let before = chunk.table_bytes();
            chunk.items += node.items();
            chunk.nodes.insert(at, node);
            self.bytes = self.bytes - before + chunk.table_bytes();
        }
    }

    /// Takes node number `index` out, to be used elsewhere.
    pub(super) fn take(&mut self, index: usize) -> Option<NodeBuf> {
        let (node, number) = self.take_untouched(index)?;
        if let (Some(number), Some(cut)) = (number, &mut self.cut) {
            cut.save(number, node.clone());
        }
        Some(node)
    }

    /// Drops node number `index`.
    pub(super) fn remove(&mut self, index: usize) {
        if let Some((node, Some(number))) = self.take_untouched(index)
            && let Some(cut) = &mut self.cut
        {
            cut.save(number, node);
        }
    }

    /// Takes node number `index` out; under which number it is to be saved, if at all.
    fn take_untouched(&mut self, index: usize) -> Option<(NodeBuf, Option<usize>)> {
        let saved_as = self.cut.as_mut().and_then(|cut| cut.touch(index, self.len));
        let (number, at) = self.locate(index)?;
        let chunk = self.chunks.get_mut(number)?;
        let node = chunk.nodes.remove(at)?;
        let items = node.items();
        chunk.items -= items;
        self.len -= 1;
        self.items -= items;
        self.bytes -= node.allocated_bytes();
        if chunk.nodes.is_empty() {
            self.bytes -= chunk.table_bytes();
            self.chunks.remove(number);
        } else if chunk.nodes.len() < chunk.nodes.capacity() / 4 {
            let before = chunk.table_bytes();
            chunk.nodes.shrink_to(chunk.nodes.len() * 2);
            self.bytes = self.bytes - before + chunk.table_bytes();
        }
        if let Some(cut) = &mut self.cut {
            cut.removed(index, self.len + 1);
        }
        Some((node, saved_as))
    }

    /// Fixes the nodes of this moment.
    pub(super) fn cut_begin(&mut self, id: CutId) {
        self.cut = Some(Box::new(Cut::new(id, self.len)));
    }

    /// The cut in progress.
    pub(super) fn cut(&self) -> Option<&Cut> {
        self.cut.as_deref()
    }

    /// See [`super::List::cut_slice`].
    pub(super) fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        let Some(mut cut) = self.cut.take() else {
            return true;
        };
        let ended = cut.read(self, elements, sink);
        if !ended {
            self.cut = Some(cut);
        }
        ended
    }

    /// See [`super::List::cut_stop`].
    pub(super) fn cut_stop(&mut self, budget: usize) -> bool {
        if self.cut.as_mut().is_none_or(|cut| cut.clear(budget)) {
            self.cut = None;
        }
        self.cut.is_none()
    }

    /// Takes the nodes from number `index` on out; moves no more than one chunk's.
    pub(super) fn split_off(&mut self, index: usize) -> Self {
        let Some((number, at)) = self.locate(index) else {
            return Self::default();
        };
        let mut right = self.chunks.split_off(number);
        let first = if at == 0 { None } else { right.front_mut() };
        if let Some(first) = first {
            let tail = first.nodes.split_off(at);
            let head = core::mem::replace(&mut first.nodes, tail);
            self.chunks.push_back(Chunk::new(head));
            first.items = first.nodes.iter().map(NodeBuf::items).sum();
        }
        let right = Self::of_chunks(right);
        let left = core::mem::take(&mut self.chunks);
        *self = Self::of_chunks(left);
        right
    }

    /// Puts the nodes of `other` behind these.
    pub(super) fn append(&mut self, mut other: Self) {
        self.chunks.append(&mut other.chunks);
        self.len += other.len;
        self.items += other.items;
        self.bytes += other.bytes;
    }

    /// Frees about so many nodes from the tail on; `true` when nothing is left. The totals are not
    /// kept.
    pub(super) fn drop_slice(&mut self, nodes: usize) -> bool {
        if !self.cut_stop(nodes) {
            return false;
        }
        for _ in 0..nodes.max(1) {
            let Some(last) = self.chunks.back_mut() else {
                return true;
            };
            if last.nodes.pop_back().is_none() {
                self.chunks.pop_back();
            }
        }
        self.chunks.is_empty()
    }

    /// Counts again.
    fn of_chunks(chunks: VecDeque<Chunk>) -> Self {
        let nodes = chunks.iter().flat_map(|chunk| &chunk.nodes);
        let node_bytes: usize = nodes.map(NodeBuf::allocated_bytes).sum();
        Self {
            len: chunks.iter().map(|chunk| chunk.nodes.len()).sum(),
            items: chunks.iter().map(|chunk| chunk.items).sum(),
            bytes: node_bytes + chunks.iter().map(Chunk::table_bytes).sum::<usize>(),
            chunks,
            cut: None,
        }
    }

    /// The chunk of a node, and the node in it.
    #[inline]
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        if index < self.len / 2 {
            let mut left = index;
            for (number, chunk) in self.chunks.iter().enumerate() {
                if left < chunk.nodes.len() {
                    return Some((number, left));
                }
                left -= chunk.nodes.len();
            }
        } else {
            let mut left = self.len - index;
            for (number, chunk) in self.chunks.iter().enumerate().rev() {
                if left <= chunk.nodes.len() {
                    return Some((number, chunk.nodes.len() - left));
                }
                left -= chunk.nodes.len();
            }
        }
        None
    }

    /// The totals are what the nodes add up to.
    pub(super) fn check(&self) {
        let recounted = Self::of_chunks(self.chunks.iter().map(Chunk::copy).collect());
        assert_eq!((recounted.len, recounted.items), (self.len, self.items));
        let nodes: usize = self.iter().map(NodeBuf::allocated_bytes).sum();
        let tables: usize = self.chunks.iter().map(Chunk::table_bytes).sum();
        assert_eq!(self.bytes, nodes + tables);
        for chunk in &self.chunks {
            assert!(!chunk.nodes.is_empty() && chunk.nodes.len() <= CHUNK_NODES_MAX);
            assert_eq!(
                chunk.items,
                chunk.nodes.iter().map(NodeBuf::items).sum::<usize>()
            );
        }
    }
}

impl Chunk {
    fn new(nodes: VecDeque<NodeBuf>) -> Self {
        Self {
            items: nodes.iter().map(NodeBuf::items).sum(),
            nodes,
        }
    }

    fn copy(&self) -> Self {
        Self::new(self.nodes.clone())
    }

    #[inline]
    fn table_bytes(&self) -> usize {
        size_class(self.nodes.capacity() * size_of::<NodeBuf>())
    }
}

impl Clone for Nodes {
    fn clone(&self) -> Self {
        Self::of_chunks(self.chunks.iter().map(Chunk::copy).collect())
    }
}
