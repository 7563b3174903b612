//! An inner node: its children, and what is known of each without looking into it.

use alloc::vec::Vec;

use super::leaf::{LEAF_PLANTED, Leaf};
use super::{Work, order_in};
use crate::zset::arena::Arena;
use crate::zset::paged;
use crate::zset::probe::Probe;

/// The most children.
pub(super) const FANOUT: usize = 64;
/// A node of fewer is merged with a neighbour.
pub(super) const FANOUT_MIN: usize = 16;
/// Children of a node that is made of sorted elements.
pub(in crate::zset) const FANOUT_PLANTED: usize = 48;

/// Children in order, with the order of the score and the handle of the first element of each, and
/// how many elements it has.
pub(super) struct Node {
    pub(super) orders: Vec<u64>,
    pub(super) firsts: Vec<u32>,
    pub(super) counts: Vec<u32>,
    pub(super) kids: Kids,
}

/// The children; all leaves of a tree are equally deep.
pub(super) enum Kids {
    Leaves(Vec<Leaf>),
    Nodes(Vec<Node>),
}

impl Node {
    pub(super) const fn new() -> Self {
        Self {
            orders: Vec::new(),
            firsts: Vec::new(),
            counts: Vec::new(),
            kids: Kids::Leaves(Vec::new()),
        }
    }

    /// Without children, at the level of `self`.
    pub(super) fn sibling(&self) -> Self {
        Self {
            kids: match self.kids {
                Kids::Leaves(_) => Kids::Leaves(Vec::new()),
                Kids::Nodes(_) => Kids::Nodes(Vec::new()),
            },
            ..Self::new()
        }
    }

    /// Children.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Elements.
    pub(super) fn elements(&self) -> usize {
        self.elements_before(self.len())
    }

    /// Elements of the children before one.
    #[inline]
    pub(super) fn elements_before(&self, at: usize) -> usize {
        let before = self.counts.get(..at).unwrap_or_default();
        before.iter().map(|&count| count as usize).sum()
    }

    /// The child in which the element right before the place is; the first if there is none.
    #[inline]
    pub(super) fn child_for(&self, arena: &Arena, probe: &Probe<'_>) -> usize {
        paged::prefetch(&self.orders);
        let (start, end) = match probe.order {
            Some(order) => {
                let start = self.orders.partition_point(|&first| first < order);
                let equal = self.orders.get(start..).unwrap_or_default();
                let equal = match equal.first() {
                    Some(&first) if first == order => {
                        equal.partition_point(|&first| first == order)
                    }
                    _ => 0,
                };
                (start, start + equal)
            }
            None => (0, self.firsts.len()),
        };
        let undecided = self.firsts.get(start..end).unwrap_or_default();
        let passing = undecided.partition_point(|&handle| probe.passes(arena, handle));
        (start + passing).saturating_sub(1)
    }

    /// The child that has the element of rank `left`, which becomes the rank in it. The last child
    /// if there are not so many.
    #[inline]
    pub(super) fn child_at(&self, left: &mut usize) -> usize {
        let mut at = 0;
        for &count in &self.counts {
            if *left < count as usize || at + 1 == self.counts.len() {
                break;
            }
            *left -= count as usize;
            at += 1;
        }
        at
    }

    /// Adds a child at `at`.
    pub(super) fn add(&mut self, work: &mut Work<'_>, at: usize, kid: Kid) {
        let (first, elements) = match &kid {
            Kid::Leaf(leaf) => (leaf.first(), leaf.len()),
            Kid::Node(node) => (node.first(), node.elements()),
        };
        let bytes = &mut *work.bytes;
        let order = order_in(work.arena, first);
        paged::insert(&mut self.orders, at, order, bytes);
        paged::insert(&mut self.firsts, at, first, bytes);
        paged::insert(&mut self.counts, at, elements as u32, bytes);
        match (&mut self.kids, kid) {
            (Kids::Leaves(leaves), Kid::Leaf(leaf)) => paged::insert(leaves, at, leaf, bytes),
            (Kids::Nodes(nodes), Kid::Node(node)) => paged::insert(nodes, at, node, bytes),
            // Levels do not mix.
            _ => {}
        }
    }

    /// Drops the child at `at`, which is empty.
    pub(super) fn drop_child(&mut self, work: &mut Work<'_>, at: usize) {
        self.orders.remove(at);
        self.firsts.remove(at);
        self.counts.remove(at);
        let bytes = &mut *work.bytes;
        match &mut self.kids {
            Kids::Leaves(leaves) => *bytes -= leaves.remove(at).memory_bytes(),
            Kids::Nodes(nodes) => *bytes -= nodes.remove(at).own_bytes(),
        }
        self.trim(work);
    }

    /// Looks again at what is known of the child at `at`.
    pub(super) fn refresh(&mut self, arena: &Arena, at: usize) {
        let (first, elements) = match &self.kids {
            Kids::Leaves(leaves) => leaves.get(at).map(|leaf| (leaf.first(), leaf.len())),
            Kids::Nodes(nodes) => nodes.get(at).map(|node| (node.first(), node.elements())),
        }
        .unwrap_or_default();
        if let Some(place) = self.counts.get_mut(at) {
            *place = elements as u32;
        }
        if let (Some(place), Some(order)) = (self.firsts.get_mut(at), self.orders.get_mut(at)) {
            *place = first;
            *order = order_in(arena, first);
        }
    }

    /// The first element.
    pub(super) fn first(&self) -> u32 {
        self.firsts.first().copied().unwrap_or(0)
    }

    /// Gives memory back after children have gone.
    pub(super) fn trim(&mut self, work: &mut Work<'_>) {
        let bytes = &mut *work.bytes;
        paged::trim(&mut self.orders, bytes);
        paged::trim(&mut self.firsts, bytes);
        paged::trim(&mut self.counts, bytes);
        match &mut self.kids {
            Kids::Leaves(leaves) => paged::trim(leaves, bytes),
            Kids::Nodes(nodes) => paged::trim(nodes, bytes),
        }
    }

    /// Bytes of the node without its children's.
    pub(super) fn own_bytes(&self) -> usize {
        let kids = match &self.kids {
            Kids::Leaves(leaves) => paged::bytes_of(leaves),
            Kids::Nodes(nodes) => paged::bytes_of(nodes),
        };
        paged::bytes_of(&self.orders)
            + paged::bytes_of(&self.firsts)
            + paged::bytes_of(&self.counts)
            + kids
    }

    /// A subtree of elements in order, `height` levels above the leaves, evenly filled.
    pub(super) fn plant(work: &mut Work<'_>, elements: &[(u64, u32)], height: u32) -> Self {
        let mut node = Self::new();
        if height > 1 {
            node.kids = Kids::Nodes(Vec::new());
        }
        let room = LEAF_PLANTED.saturating_mul(FANOUT_PLANTED.saturating_pow(height - 1));
        let children = elements.len().div_ceil(room);
        let mut rest = elements;
        for child in 0..children {
            let share = rest.len().div_ceil(children - child);
            let (own, behind) = rest.split_at(share);
            rest = behind;
            let kid = if height > 1 {
                Kid::Node(Self::plant(work, own, height - 1))
            } else {
                Kid::Leaf(Leaf::of_ordered(own, work.bytes))
            };
            node.add(work, child, kid);
        }
        node
    }

    /// Drops the last leaf; whether there was one.
    pub(super) fn drop_leaf(&mut self) -> bool {
        match &mut self.kids {
            Kids::Leaves(leaves) => leaves.pop().is_some(),
            Kids::Nodes(nodes) => {
                while let Some(last) = nodes.last_mut() {
                    if last.drop_leaf() {
                        return true;
                    }
                    nodes.pop();
                }
                false
            }
        }
    }

    pub(super) fn twin(&self) -> Self {
        Self {
            orders: paged::twin(&self.orders),
            firsts: paged::twin(&self.firsts),
            counts: paged::twin(&self.counts),
            kids: match &self.kids {
                Kids::Leaves(leaves) => Kids::Leaves(paged::twin_with(leaves, Leaf::twin)),
                Kids::Nodes(nodes) => Kids::Nodes(paged::twin_with(nodes, Self::twin)),
            },
        }
    }

    /// See [`super::Tree::recount`].
    pub(super) fn recount(
        &self,
        arena: &Arena,
        handles: &mut Vec<u32>,
        bytes: &mut usize,
        is_root: bool,
    ) {
        *bytes += self.own_bytes();
        let len = match &self.kids {
            Kids::Leaves(leaves) => leaves.len(),
            Kids::Nodes(nodes) => nodes.len(),
        };
        assert_eq!((self.orders.len(), self.firsts.len()), (len, len));
        assert_eq!(self.counts.len(), len);
        assert!(len <= FANOUT && (is_root || len > 0), "{len} children");
        for at in 0..len {
            let start = handles.len();
            match &self.kids {
                Kids::Leaves(leaves) => {
                    if let Some(leaf) = leaves.get(at) {
                        leaf.recount(arena);
                        handles.extend(leaf.handles());
                        *bytes += leaf.memory_bytes();
                    }
                }
                Kids::Nodes(nodes) => {
                    if let Some(node) = nodes.get(at) {
                        node.recount(arena, handles, bytes, false);
                    }
                }
            }
            let found = handles.get(start..).unwrap_or_default();
            assert_eq!(self.counts.get(at), Some(&(found.len() as u32)));
            assert_eq!(self.firsts.get(at), found.first());
            let order = found.first().map(|&first| order_in(arena, first));
            assert_eq!(self.orders.get(at).copied(), order);
        }
    }
}

/// A child on its own.
pub(super) enum Kid {
    Leaf(Leaf),
    Node(Node),
}
