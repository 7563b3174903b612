//! Changes of the tree, from the root down and back: what a child has become is seen by its parent
//! before the call returns.

use core::mem;

use super::leaf::{LEAF_MAX, LEAF_MIN, Leaf};
use super::node::{FANOUT, FANOUT_MIN, Kid, Kids, Node};
use super::{Edges, Taken, Target, Work};
use crate::zset::paged;
use crate::zset::probe::Probe;

impl Node {
    /// Adds an element at the place; returns what has been split off to the right.
    pub(super) fn insert(
        &mut self,
        work: &mut Work<'_>,
        probe: &Probe<'_>,
        handle: u32,
        edges: Edges,
    ) -> Option<Self> {
        if self.len() == 0 {
            let leaf = Leaf::of(work.arena, core::iter::once(handle), work.bytes);
            self.add(work, 0, Kid::Leaf(leaf));
            return None;
        }
        let at = self.child_for(work.arena, probe);
        let below = edges.of_child(at, self.len());
        let order = probe.order.unwrap_or_default();
        let (split, is_first) = match &mut self.kids {
            Kids::Nodes(nodes) => {
                let child = nodes.get_mut(at)?;
                let right = child.insert(work, probe, handle, below);
                (right.map(Kid::Node), child.first() == handle)
            }
            Kids::Leaves(leaves) => {
                let leaf = leaves.get_mut(at)?;
                let place = leaf.place(work.arena, probe);
                let right = insert_in_leaf(leaf, work, place, (order, handle), below);
                (right.map(Kid::Leaf), place == 0)
            }
        };
        if let Some(kid) = split {
            self.refresh(work.arena, at);
            self.add(work, at + 1, kid);
            if self.len() > FANOUT {
                let place = if at == 0 { 0 } else { at + 2 };
                return Some(self.split(work, edges.split_at(place, self.len())));
            }
            return None;
        }
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        if is_first
            && let (Some(first), Some(place)) = (self.firsts.get_mut(at), self.orders.get_mut(at))
        {
            (*first, *place) = (handle, order);
        }
        None
    }

    /// Keeps the first `at` children; the rest becomes a node.
    fn split(&mut self, work: &mut Work<'_>, at: usize) -> Self {
        let mut right = self.sibling();
        move_children(self, &mut right, at, work);
        right
    }

    /// As the root: becomes the parent of what it was and of what was split off.
    pub(super) fn grow(&mut self, work: &mut Work<'_>, right: Self) {
        let mut root = Self::new();
        root.kids = Kids::Nodes(alloc::vec::Vec::new());
        let left = mem::replace(self, root);
        self.add(work, 0, Kid::Node(left));
        self.add(work, 1, Kid::Node(right));
    }

    /// As the root: becomes its only child, as long as that is a node.
    pub(super) fn lower(&mut self, work: &mut Work<'_>) {
        loop {
            match &mut self.kids {
                Kids::Nodes(nodes) if nodes.len() == 1 => {
                    if let Some(child) = nodes.pop() {
                        *work.bytes -= self.own_bytes();
                        *self = child;
                    }
                }
                Kids::Nodes(nodes) if nodes.is_empty() => {
                    *work.bytes -= self.own_bytes();
                    *self = Self::new();
                }
                _ => return,
            }
        }
    }

    /// Takes the target out.
    pub(super) fn cut(&mut self, work: &mut Work<'_>, target: &Target<'_>, taken: &mut Taken) {
        if self.len() == 0 {
            return;
        }
        let mut below = *target;
        let at = match &mut below {
            Target::Element(probe) => self.child_for(work.arena, probe),
            Target::Ranks(rank, _) => self.child_at(rank),
        };
        let few = match &mut self.kids {
            Kids::Nodes(nodes) => {
                let Some(child) = nodes.get_mut(at) else {
                    return;
                };
                child.cut(work, &below, taken);
                child.len() < FANOUT_MIN
            }
            Kids::Leaves(leaves) => {
                let Some(leaf) = leaves.get_mut(at) else {
                    return;
                };
                let (place, count) = match &below {
                    Target::Element(probe) => {
                        let behind = leaf.place(work.arena, probe);
                        (behind.saturating_sub(1), behind.min(1))
                    }
                    Target::Ranks(rank, count) => (*rank, (*count).min(LEAF_MAX)),
                };
                leaf.remove(place, count, work.bytes, |handle| taken.push(handle));
                leaf.len() < LEAF_MIN
            }
        };
        self.settle(work, at, few);
    }

    /// Brings up to date what is known of a child from which something has been taken, and merges
    /// it with a neighbour if it has become small.
    fn settle(&mut self, work: &mut Work<'_>, at: usize, few: bool) {
        let empty = match &self.kids {
            Kids::Nodes(nodes) => nodes.get(at).is_some_and(|node| node.len() == 0),
            Kids::Leaves(leaves) => leaves.get(at).is_some_and(|leaf| leaf.len() == 0),
        };
        if empty {
            self.drop_child(work, at);
            return;
        }
        self.refresh(work.arena, at);
        if !few || self.len() < 2 {
            return;
        }
        let left = at.min(self.len() - 2);
        match &mut self.kids {
            Kids::Nodes(nodes) => {
                if let Some([one, other]) = nodes.get_mut(left..left + 2) {
                    balance(one, other, work);
                }
            }
            Kids::Leaves(leaves) => {
                if let Some([one, other]) = leaves.get_mut(left..left + 2) {
                    Leaf::balance(one, other, work.arena, work.bytes);
                }
            }
        }
        self.refresh(work.arena, left);
        if self.is_empty_at(left + 1) {
            self.drop_child(work, left + 1);
        } else {
            self.refresh(work.arena, left + 1);
        }
    }

    fn is_empty_at(&self, at: usize) -> bool {
        match &self.kids {
            Kids::Nodes(nodes) => nodes.get(at).is_none_or(|node| node.len() == 0),
            Kids::Leaves(leaves) => leaves.get(at).is_none_or(|leaf| leaf.len() == 0),
        }
    }
}

/// Puts an element into a leaf, which is split before if it is full; returns the right part.
fn insert_in_leaf(
    leaf: &mut Leaf,
    work: &mut Work<'_>,
    place: usize,
    (order, handle): (u64, u32),
    edges: Edges,
) -> Option<Leaf> {
    if leaf.len() < LEAF_MAX {
        leaf.insert(place, order, handle, work.bytes);
        return None;
    }
    let at = edges.split_at(place, leaf.len());
    let mut right = leaf.split(work.arena, at, work.bytes);
    match place.checked_sub(at) {
        Some(place) if place > 0 || edges.right => right.insert(place, order, handle, work.bytes),
        _ => leaf.insert(place, order, handle, work.bytes),
    }
    Some(right)
}

/// Merges two neighbours into one (then the second is empty), or shares their children evenly.
fn balance(left: &mut Node, right: &mut Node, work: &mut Work<'_>) {
    let total = left.len() + right.len();
    // Room is left for children to be split.
    let wanted = if total <= FANOUT - FANOUT_MIN {
        total
    } else {
        total / 2
    };
    if left.len() > wanted {
        let mut moved = left.sibling();
        move_children(left, &mut moved, wanted, work);
        move_children(right, &mut moved, 0, work);
        *work.bytes -= right.own_bytes();
        *right = moved;
    } else {
        let missing = wanted - left.len();
        let mut rest = right.sibling();
        move_children(right, &mut rest, missing, work);
        move_children(right, left, 0, work);
        *work.bytes -= right.own_bytes();
        *right = rest;
    }
}

/// Moves the children of `from` from `at` on to the end of `to`, which is on the same level.
fn move_children(from: &mut Node, to: &mut Node, at: usize, work: &mut Work<'_>) {
    let count = from.len() - at;
    let bytes = &mut *work.bytes;
    paged::reserve(&mut to.orders, count, bytes);
    paged::reserve(&mut to.firsts, count, bytes);
    paged::reserve(&mut to.counts, count, bytes);
    to.orders.extend(from.orders.drain(at..));
    to.firsts.extend(from.firsts.drain(at..));
    to.counts.extend(from.counts.drain(at..));
    match (&mut from.kids, &mut to.kids) {
        (Kids::Leaves(from), Kids::Leaves(to)) => {
            paged::reserve(to, count, bytes);
            to.extend(from.drain(at..));
        }
        (Kids::Nodes(from), Kids::Nodes(to)) => {
            paged::reserve(to, count, bytes);
            to.extend(from.drain(at..));
        }
        // Levels do not mix.
        _ => {}
    }
    from.trim(work);
}
