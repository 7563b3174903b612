//! A list of several nodes. Not lists that are one listpack.

use vk_mem::size_class;

use super::limits::ListLimits;
use super::node::{Node, NodeBuf};
use super::nodes::{Nodes, Place};
use super::{End, Side};
use crate::listpack::{self, EMPTY, Item, Listpack, Pos};

/// A list that is more than one listpack.
#[derive(Clone, Debug, Default)]
pub struct List {
    pub(super) nodes: Nodes,
}

/// Nodes are freed by the page, which costs as much as so many elements do.
pub const ELEMENTS_PER_NODE: usize = 4;

impl List {
    /// Elements.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.items()
    }

    /// There is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the value outside of its entry, the structure itself included, rounded to size
    /// classes. Constant time.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_class(size_of::<Self>()) + self.nodes.memory_bytes()
    }

    /// Frees about `budget` elements; `true` when nothing is left. The first call ends the value's
    /// life: only this is called afterwards.
    pub fn drop_slice(&mut self, budget: usize) -> bool {
        self.nodes.drop_slice(budget / ELEMENTS_PER_NODE)
    }

    /// Nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes from the head.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = Node<'_>> {
        self.nodes.iter().map(NodeBuf::node)
    }

    /// Adds a node behind the last one, as it is. Listpacks must be well-formed and not empty,
    /// elements at most [`super::ELEMENT_BYTES_MAX`] bytes long.
    pub fn push_node(&mut self, node: Node<'_>) {
        let node = match node {
            Node::Packed(pack, count) => NodeBuf::packed(pack.bytes(), count),
            Node::Plain(element) => NodeBuf::plain(element),
        };
        self.nodes.insert(self.nodes.len(), node);
    }

    /// Adds elements one by one at an end.
    pub(super) fn push<'a>(
        &mut self,
        end: End,
        elements: impl Iterator<Item = &'a [u8]> + Clone,
        limits: ListLimits,
    ) {
        let mut left = elements;
        loop {
            let last = self.nodes.len().saturating_sub(1);
            let index = if end == End::Head { 0 } else { last };
            let room = self.nodes.get(index).map(|node| (node.len(), node));
            let fits = match room {
                Some((bytes, node)) if !node.is_plain() => {
                    run(bytes, node.items(), left.clone(), limits)
                }
                _ => 0,
            };
            if fits > 0 {
                let elements = left.clone().take(fits);
                self.nodes.edit(index, |node| extend(node, end, elements));
                // The same iterator goes on behind them.
                if left.nth(fits - 1).is_none() {
                    return;
                }
                continue;
            }
            let Some(element) = left.next() else { return };
            let index = if end == End::Head {
                0
            } else {
                self.nodes.len()
            };
            self.nodes.insert(index, node_for(element, limits));
        }
    }

    /// As [`List::push`] of one element.
    #[inline]
    pub(super) fn push_one(&mut self, end: End, element: &[u8], limits: ListLimits) {
        let count = self.nodes.len();
        let (edge, beside) = match end {
            End::Head => (0, 0),
            End::Tail => (count.saturating_sub(1), count),
        };
        let fits = self.nodes.edit(edge, |node| {
            let items = node.items();
            let fits = !node.is_plain()
                && !limits.is_large(element.len())
                && limits.has_room(node.len(), items, element.len());
            if fits {
                let item = [Item::Bytes(element)];
                match end {
                    End::Head => listpack::prepend(node, &item),
                    End::Tail => listpack::append(node, &item),
                }
                node.set_items(items + 1);
            }
            fits
        });
        if fits != Some(true) {
            self.nodes.insert(beside, node_for(element, limits));
        }
    }

    /// Removes elements from `start` on.
    pub(super) fn remove_range(&mut self, start: usize, count: usize) {
        let Some(place) = self.nodes.seek(start) else {
            return;
        };
        let (mut offset, mut left) = (place.offset, count);
        let mut index = place.index;
        while left > 0 {
            let Some(held) = self.nodes.get(index).map(NodeBuf::items) else {
                return;
            };
            let removed = left.min(held - offset);
            if removed == held {
                self.nodes.remove(index);
            } else {
                self.nodes.edit(index, |node| {
                    let view = Listpack::new(node);
                    if let Some(pos) = seek_in(view, held, offset) {
                        listpack::remove(node, pos, removed);
                    }
                    node.set_items(held - removed);
                });
                index += 1;
            }
            left -= removed;
            offset = 0;
        }
    }

    /// Replaces the element with this index, which is there.
    pub(super) fn set(&mut self, index: usize, element: &[u8], limits: ListLimits) {
        let Some(place) = self.nodes.seek(index) else {
            return;
        };
        let Some(node) = self.nodes.at(place) else {
            return;
        };
        let at = place.index;
        match (node.is_plain(), limits.is_large(element.len())) {
            (false, false) => {
                let held = node.items();
                self.nodes.edit(at, |node| {
                    if let Some(pos) = seek_in(Listpack::new(node), held, place.offset) {
                        listpack::replace(node, pos, Item::Bytes(element));
                    }
                });
            }
            (true, true) => {
                // Not an edit: what a cut needs of it would be copied whole.
                self.nodes.remove(at);
                self.nodes.insert(at, NodeBuf::plain(element));
            }
            (true, false) => {
                self.insert_beside(place, Side::After, element, limits);
                self.nodes.remove(at);
            }
            (false, true) => {
                let right = self.split(place, place.offset + 1);
                // What is left of the node ends with the element to be replaced.
                self.remove_in_node(at, place.offset);
                let center = if self.has_items(at) { at + 1 } else { at };
                if center == at {
                    self.nodes.remove(at);
                }
                self.nodes.insert(center, NodeBuf::plain(element));
                if let Some(right) = right {
                    self.nodes.insert(center + 1, right);
                }
                self.merge_around(center, limits);
            }
        }
    }

    /// Inserts an element beside the first one that equals `pivot`; `false` if none does.
    pub(super) fn insert(
        &mut self,
        pivot: &[u8],
        side: Side,
        element: &[u8],
        limits: ListLimits,
    ) -> bool {
        let mut before = 0;
        let found = self.nodes.iter().find_map(|node| {
            let offset = match node.node() {
                Node::Plain(own) => (own == pivot).then_some(0),
                Node::Packed(pack, _) => pack.first().and_then(|first| {
                    let pos = pack.find(first, pivot, 1)?;
                    Some(pack.between(first, pos).count())
                }),
            };
            match offset {
                Some(offset) => Some(before + offset),
                None => {
                    before += node.items();
                    None
                }
            }
        });
        let Some(place) = found.and_then(|index| self.nodes.seek(index)) else {
            return false;
        };
        self.insert_beside(place, side, element, limits);
        true
    }

    fn insert_beside(&mut self, place: Place, side: Side, element: &[u8], limits: ListLimits) {
        let Some(node) = self.nodes.at(place) else {
            return;
        };
        let at = place.index;
        let (held, plain) = (node.items(), node.is_plain());
        let large = limits.is_large(element.len());
        let after = side == Side::After;
        let offset = place.offset + usize::from(after);
        // The new element is the first or the last one of the node, or its neighbour.
        let at_edge = offset == if after { held } else { 0 };
        let beside = if after { at + 1 } else { at };
        if large && (plain || at_edge) {
            self.nodes.insert(beside, NodeBuf::plain(element));
        } else if large {
            let right = self.split(place, offset);
            self.nodes.insert(at + 1, NodeBuf::plain(element));
            if let Some(right) = right {
                self.nodes.insert(at + 2, right);
            }
        } else if self.allows(Some(at), element, limits) {
            self.insert_in_node(at, offset, element);
        } else if !at_edge {
            let right = self.split(place, offset);
            if let Some(right) = right {
                self.nodes.insert(at + 1, right);
            }
            let (target, end) = if after {
                (at + 1, End::Head)
            } else {
                (at, End::Tail)
            };
            let elements = core::iter::once(element);
            self.nodes.edit(target, |node| extend(node, end, elements));
            self.merge_around(if after { at } else { at + 1 }, limits);
        } else {
            let neighbour = if after {
                Some(at + 1)
            } else {
                at.checked_sub(1)
            };
            match neighbour.filter(|_| self.allows(neighbour, element, limits)) {
                Some(neighbour) => {
                    let end = if after { End::Head } else { End::Tail };
                    let elements = core::iter::once(element);
                    self.nodes
                        .edit(neighbour, |node| extend(node, end, elements));
                }
                None => self.nodes.insert(beside, node_for(element, limits)),
            }
        }
    }

    /// Removes elements that equal `needle`, at most `most` of them.
    pub(super) fn remove_equal(&mut self, needle: &[u8], most: usize, from: End) -> usize {
        let mut removed = 0;
        let mut index = if from == End::Head {
            0
        } else {
            self.nodes.len()
        };
        while removed < most {
            let at = match from {
                End::Head => index,
                End::Tail => match index.checked_sub(1) {
                    Some(at) => at,
                    None => break,
                },
            };
            let Some(node) = self.nodes.get(at) else {
                break;
            };
            let gone = match node.node() {
                Node::Plain(own) => usize::from(own == needle),
                // What a cut needs is not copied for nothing.
                Node::Packed(pack, _) if self.cut_id().is_some() && !has(pack, needle) => 0,
                Node::Packed(..) => {
                    let most = most - removed;
                    let change = |node: &mut NodeBuf| {
                        let gone = remove_equal(node, needle, most, from);
                        node.set_items(node.items().saturating_sub(gone));
                        gone
                    };
                    self.nodes.edit(at, change).unwrap_or(0)
                }
            };
            removed += gone;
            let emptied = gone > 0 && (self.is_plain_at(at) || !self.has_items(at));
            if emptied {
                self.nodes.remove(at);
            }
            match from {
                End::Head => index = at + usize::from(!emptied),
                End::Tail => index = at,
            }
        }
        removed
    }

    /// Takes the elements of `start..end` out as a list of their own. What is left over is no
    /// longer of use but to be dropped.
    pub(super) fn take_range(&mut self, start: usize, end: usize) -> Self {
        let after = self.nodes.items().saturating_sub(end);
        if let Some(place) = self.nodes.seek(start) {
            let mut kept = self.nodes.split_off(place.index);
            let behind = kept.items() - place.offset - (end - start);
            if let Some(last) = kept.seek(place.offset + (end - start) - 1) {
                self.nodes.append(kept.split_off(last.index + 1));
            }
            let mut kept = Self { nodes: kept };
            kept.remove_range(0, place.offset);
            // What of the `behind` elements lay in whole nodes is away already.
            let spare = kept.len() - (end - start);
            debug_assert!(behind == after && spare <= behind);
            kept.remove_range(end - start, spare);
            return kept;
        }
        Self::default()
    }

    /// Cuts the node of a place before item number `offset` of it; the right part comes back, if
    /// it has any items.
    fn split(&mut self, place: Place, offset: usize) -> Option<NodeBuf> {
        let held = self.nodes.at(place).map(NodeBuf::items)?;
        let cut = |node: &mut NodeBuf| {
            let view = Listpack::new(node);
            let pos = seek_in(view, held, offset)?;
            let mut right = NodeBuf::packed(&EMPTY, held - offset);
            let end = Listpack::new(&right).end();
            let tail = view.encoded(pos, view.end());
            listpack::insert_encoded(&mut right, end, tail, held - offset);
            listpack::remove(node, pos, held - offset);
            node.set_items(offset);
            Some(right)
        };
        self.nodes.edit(place.index, cut).flatten()
    }

    /// Joins nodes around one where two fit into one: those before it, those behind it, then it
    /// with its neighbours.
    fn merge_around(&mut self, center: usize, limits: ListLimits) {
        let mut center = center;
        if center >= 2 && self.merge(center - 2, limits) {
            center -= 1;
        }
        self.merge(center + 1, limits);
        if center >= 1 && self.merge(center - 1, limits) {
            center -= 1;
        }
        self.merge(center, limits);
    }

    /// Joins a node with the one behind it if both fit into one.
    fn merge(&mut self, at: usize, limits: ListLimits) -> bool {
        let (Some(left), Some(right)) = (self.nodes.get(at), self.nodes.get(at + 1)) else {
            return false;
        };
        if left.is_plain() || right.is_plain() {
            return false;
        }
        let count = left.items() + right.items();
        let bytes = left.len() + right.len() - EMPTY.len();
        if limits.exceeds(bytes, count) {
            return false;
        }
        let Some(right) = self.nodes.take(at + 1) else {
            return false;
        };
        let items = right.items();
        let right = Listpack::new(&right);
        self.nodes.edit(at, |node| {
            let end = Listpack::new(node).end();
            let Some(first) = right.first() else { return };
            listpack::insert_encoded(node, end, right.encoded(first, right.end()), items);
            node.set_items(count);
        });
        true
    }

    fn allows(&self, at: Option<usize>, element: &[u8], limits: ListLimits) -> bool {
        at.and_then(|at| self.nodes.get(at)).is_some_and(|node| {
            !node.is_plain()
                && !limits.is_large(element.len())
                && limits.has_room(node.len(), node.items(), element.len())
        })
    }

    fn insert_in_node(&mut self, at: usize, offset: usize, element: &[u8]) {
        self.nodes.edit(at, |node| {
            let view = Listpack::new(node);
            let held = node.items();
            let pos = seek_in(view, held, offset).unwrap_or_else(|| view.end());
            listpack::insert(node, pos, &[Item::Bytes(element)]);
            node.set_items(held + 1);
        });
    }

    fn remove_in_node(&mut self, at: usize, offset: usize) {
        self.nodes.edit(at, |node| {
            let held = node.items();
            if let Some(pos) = seek_in(Listpack::new(node), held, offset) {
                listpack::remove(node, pos, 1);
                node.set_items(held - 1);
            }
        });
    }

    fn has_items(&self, at: usize) -> bool {
        self.nodes.get(at).is_some_and(|node| node.items() > 0)
    }

    fn is_plain_at(&self, at: usize) -> bool {
        self.nodes.get(at).is_some_and(NodeBuf::is_plain)
    }
}

/// As [`Listpack::seek`], for a listpack whose count is known beside it.
pub(super) fn seek_in(pack: Listpack<'_>, held: usize, offset: usize) -> Option<Pos> {
    if offset >= held {
        return None;
    }
    pack.seek(offset as i64)
}

fn has(pack: Listpack<'_>, needle: &[u8]) -> bool {
    pack.first()
        .is_some_and(|first| pack.find(first, needle, 1).is_some())
}

/// How many of the elements a node can take one by one.
fn run<'a>(
    bytes: usize,
    count: usize,
    elements: impl Iterator<Item = &'a [u8]>,
    limits: ListLimits,
) -> usize {
    let (mut bytes, mut fits) = (bytes, 0);
    for element in elements {
        let len = element.len();
        if limits.is_large(len) || !limits.has_room(bytes, count + fits, len) {
            break;
        }
        bytes += listpack::encoded_len(Item::Bytes(element));
        fits += 1;
    }
    fits
}

/// Adds elements one by one at an end of a packed node.
fn extend<'a>(node: &mut NodeBuf, end: End, elements: impl Iterator<Item = &'a [u8]> + Clone) {
    let added = elements.clone().count();
    let items = elements.map(Item::Bytes);
    match end {
        End::Head => listpack::prepend_each(node, items),
        End::Tail => listpack::append_all(node, items),
    }
    node.set_items(node.items() + added);
}

/// A node with one element.
fn node_for(element: &[u8], limits: ListLimits) -> NodeBuf {
    if limits.is_large(element.len()) {
        return NodeBuf::plain(element);
    }
    let mut node = NodeBuf::packed(&EMPTY, 1);
    listpack::append(&mut node, &[Item::Bytes(element)]);
    node
}

/// Removes items that equal `needle` from a listpack, at most `most` of them.
pub(super) fn remove_equal(
    pack: &mut impl crate::pack::PackBuf,
    needle: &[u8],
    most: usize,
    from: End,
) -> usize {
    let mut removed = 0;
    if from == End::Tail {
        let mut at = Listpack::new(pack.bytes()).last();
        while let Some(pos) = at
            && removed < most
        {
            let view = Listpack::new(pack.bytes());
            let equal = view.get(pos).is(needle);
            at = view.prev(pos);
            if equal {
                listpack::remove(pack, pos, 1);
                removed += 1;
            }
        }
        return removed;
    }
    let mut at = Listpack::new(pack.bytes()).first();
    while let Some(from) = at
        && removed < most
    {
        let view = Listpack::new(pack.bytes());
        let Some(pos) = view.find(from, needle, 1) else {
            break;
        };
        // Neighbours that are equal as well go in one move.
        let equal = view.iter_from(pos).take(most - removed);
        let count = equal.take_while(|item| item.is(needle)).count();
        listpack::remove(pack, pos, count);
        removed += count;
        at = Some(pos);
    }
    removed
}
