//! The order of the elements: a counted B+ tree of handles. It owns no record; what compares reads
//! the arena.
//!
//! Inner nodes hold for every child its first element (order of the score, and handle) and how many
//! elements it has, so that ranks and places are found on one way down. There is no way up: a walk
//! goes from leaf to leaf by rank.

mod edit;
mod leaf;
mod node;

use alloc::vec::Vec;

use super::arena::Arena;
use super::probe::{Probe, order_of};
use leaf::{LEAF_MAX, Leaf};
use node::{Kids, Node};

/// Elements in their order.
pub(super) struct Tree {
    root: Node,
    /// Size classes of all nodes' memory.
    bytes: usize,
}

/// What a change works with, on all levels.
struct Work<'a> {
    arena: &'a Arena,
    bytes: &'a mut usize,
}

/// Handles that were taken out, at most those of one leaf.
pub(super) struct Taken {
    handles: [u32; LEAF_MAX],
    len: usize,
}

impl Taken {
    /// The handles, in order.
    pub(super) fn handles(&self) -> &[u32] {
        self.handles.get(..self.len).unwrap_or_default()
    }

    /// As [`Taken::handles`], to be put into another order.
    pub(super) fn handles_mut(&mut self) -> &mut [u32] {
        self.handles.get_mut(..self.len).unwrap_or_default()
    }
}

impl Tree {
    pub(super) const fn new() -> Self {
        Self {
            root: Node::new(),
            bytes: 0,
        }
    }

    pub(super) const fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// Elements before the place.
    pub(super) fn rank(&self, arena: &Arena, probe: &Probe<'_>) -> usize {
        let mut node = &self.root;
        let mut rank = 0;
        loop {
            let at = node.child_for(arena, probe);
            rank += node.elements_before(at);
            match &node.kids {
                Kids::Nodes(nodes) => match nodes.get(at) {
                    Some(child) => node = child,
                    None => return rank,
                },
                Kids::Leaves(leaves) => {
                    let place = leaves.get(at).map(|leaf| leaf.place(arena, probe));
                    return rank + place.unwrap_or(0);
                }
            }
        }
    }

    /// The entries of the leaf that has the element of that rank, and which of them it is. The low
    /// half of an entry is a handle.
    pub(super) fn leaf_at(&self, rank: usize) -> (&[u64], usize) {
        let mut node = &self.root;
        let mut left = rank;
        loop {
            let at = node.child_at(&mut left);
            match &node.kids {
                Kids::Nodes(nodes) => match nodes.get(at) {
                    Some(child) => node = child,
                    None => return (&[], 0),
                },
                Kids::Leaves(leaves) => {
                    let entries = leaves.get(at).map(Leaf::entries).unwrap_or_default();
                    return (entries, left);
                }
            }
        }
    }

    /// Adds an element that is not there.
    pub(super) fn insert(&mut self, arena: &Arena, handle: u32) {
        let (score, member) = arena.element(handle);
        let probe = Probe::behind(score, member);
        let mut work = Work {
            arena,
            bytes: &mut self.bytes,
        };
        if let Some(right) = self.root.insert(&mut work, &probe, handle, Edges::BOTH) {
            self.root.grow(&mut work, right);
        }
    }

    /// Takes out the element of that handle, whose record still is as it was.
    pub(super) fn remove(&mut self, arena: &Arena, handle: u32) {
        let (score, member) = arena.element(handle);
        let target = Target::Element(Probe::behind(score, member));
        let mut taken = Taken::none();
        self.cut(arena, &target, &mut taken);
        debug_assert_eq!(taken.handles(), [handle]);
    }

    /// Takes out up to `count` elements from that rank on, as many as are in one leaf.
    pub(super) fn take(&mut self, arena: &Arena, rank: usize, count: usize) -> Taken {
        let mut taken = Taken::none();
        self.cut(arena, &Target::Ranks(rank, count), &mut taken);
        taken
    }

    fn cut(&mut self, arena: &Arena, target: &Target<'_>, taken: &mut Taken) {
        let mut work = Work {
            arena,
            bytes: &mut self.bytes,
        };
        self.root.cut(&mut work, target, taken);
        self.root.lower(&mut work);
    }

    /// Puts the handle `to` of a copy of the record in the place of the handle `from`.
    pub(super) fn replace(&mut self, arena: &Arena, from: u32, to: u32) {
        let (score, member) = arena.element(from);
        let probe = Probe::behind(score, member);
        let mut node = &mut self.root;
        loop {
            let at = node.child_for(arena, &probe);
            if let Some(first) = node.firsts.get_mut(at)
                && *first == from
            {
                *first = to;
            }
            match &mut node.kids {
                Kids::Nodes(nodes) => match nodes.get_mut(at) {
                    Some(child) => node = child,
                    None => return,
                },
                Kids::Leaves(leaves) => {
                    if let Some(leaf) = leaves.get_mut(at) {
                        leaf.replace(arena, &probe, from, to);
                    }
                    return;
                }
            }
        }
    }

    /// Moves the element of that handle, whose record still is as it was, to where `score` belongs,
    /// if that is inside of the same leaf; whether it was.
    pub(super) fn shift(&mut self, arena: &Arena, handle: u32, score: f64) -> bool {
        let (before, member) = arena.element(handle);
        let probe = Probe::behind(before, member);
        let mut node = &mut self.root;
        loop {
            let at = node.child_for(arena, &probe);
            match &mut node.kids {
                Kids::Nodes(nodes) => match nodes.get_mut(at) {
                    Some(child) => node = child,
                    None => return false,
                },
                Kids::Leaves(leaves) => {
                    let target = Probe::behind(score, member);
                    let leaf = leaves.get_mut(at);
                    return leaf.is_some_and(|leaf| leaf.shift(arena, &probe, &target, handle));
                }
            }
        }
    }

    /// Makes a tree of elements that come in order, in the place of an empty one.
    pub(super) fn plant(&mut self, arena: &Arena, elements: &[(u64, u32)]) {
        let mut height = 1;
        let mut room = leaf::LEAF_PLANTED * node::FANOUT_PLANTED;
        while elements.len() > room {
            height += 1;
            room *= node::FANOUT_PLANTED;
        }
        let mut work = Work {
            arena,
            bytes: &mut self.bytes,
        };
        self.root = Node::plant(&mut work, elements, height);
    }

    /// Drops one leaf; whether there was one.
    pub(super) fn drop_one(&mut self) -> bool {
        self.root.drop_leaf()
    }

    /// A copy for an arena with the same handles.
    pub(super) fn twin(&self) -> Self {
        Self {
            root: self.root.twin(),
            bytes: self.bytes,
        }
    }

    /// Checks everything that a node says of its children and the order of all elements. Returns
    /// the handles in order and the bytes of all nodes.
    pub(super) fn recount(&self, arena: &Arena) -> (Vec<u32>, usize) {
        let mut handles = Vec::new();
        let mut bytes = 0;
        self.root.recount(arena, &mut handles, &mut bytes, true);
        for pair in handles.windows(2) {
            if let [before, behind] = *pair {
                let (score, member) = arena.element(behind);
                let probe = Probe::behind(score, member);
                assert!(probe.passes(arena, before), "the order is wrong");
            }
        }
        (handles, bytes)
    }
}

impl Taken {
    const fn none() -> Self {
        Self {
            handles: [0; LEAF_MAX],
            len: 0,
        }
    }

    fn push(&mut self, handle: u32) {
        if let Some(place) = self.handles.get_mut(self.len) {
            *place = handle;
            self.len += 1;
        }
    }
}

/// What is to be taken out.
#[derive(Clone, Copy)]
enum Target<'a> {
    /// The element right before this place.
    Element(Probe<'a>),
    /// Elements from a rank on, and how many at most.
    Ranks(usize, usize),
}

/// The ends of the tree that a subtree lies at. There, elements are expected to go on coming in
/// order, so that a split leaves the full half full.
#[derive(Clone, Copy)]
struct Edges {
    left: bool,
    right: bool,
}

impl Edges {
    const BOTH: Self = Self {
        left: true,
        right: true,
    };

    fn of_child(self, at: usize, children: usize) -> Self {
        Self {
            left: self.left && at == 0,
            right: self.right && at + 1 == children,
        }
    }

    /// Where to split `len` things if the next one comes in at `place`.
    fn split_at(self, place: usize, len: usize) -> usize {
        let few = len / 10;
        if self.right && place >= len {
            len - few
        } else if self.left && place == 0 {
            few
        } else {
            len / 2
        }
    }
}

/// The order of an element's score.
fn order_in(arena: &Arena, handle: u32) -> u64 {
    order_of(arena.element(handle).0)
}
