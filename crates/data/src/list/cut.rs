//! A list of several nodes as a cut reads it: from the head, while nodes are changed, added and
//! removed.
//!
//! The nodes of the cut have numbers. Of the nodes that there are now it is known which of them are
//! still as they were, in runs; a node is saved under its number before it is changed or removed.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::List;
use super::node::NodeBuf;
use super::nodes::Nodes;
use crate::pieces::{CutWeight, Piece, Shape};
use crate::table::CutId;

/// A cut in progress.
#[derive(Debug)]
pub(super) struct Cut {
    id: CutId,
    /// All nodes that there are now, from the head.
    runs: Vec<Run>,
    /// Nodes as they were.
    images: BTreeMap<usize, NodeBuf>,
    /// The number of the node that is read next.
    next: usize,
    /// Nodes at the cut.
    total: usize,
    weight: CutWeight,
}

/// Nodes one after the other.
#[derive(Clone, Copy, Debug)]
struct Run {
    nodes: usize,
    /// The number of the first of them; nothing if they were changed or are new.
    first: Option<usize>,
}

impl Cut {
    pub(super) fn new(id: CutId, total: usize) -> Self {
        let first = Run {
            nodes: total,
            first: Some(0),
        };
        Self {
            id,
            runs: alloc::vec![first],
            images: BTreeMap::new(),
            next: 0,
            total,
            weight: CutWeight::default(),
        }
    }

    pub(super) fn id(&self) -> CutId {
        self.id
    }

    pub(super) fn weight(&self) -> CutWeight {
        self.weight
    }

    pub(super) fn recount_held_bytes(&self) -> usize {
        self.images.values().map(NodeBuf::allocated_bytes).sum()
    }

    /// Node number `index` of `len` is about to be changed or removed; under which number it is to
    /// be saved, if at all.
    #[must_use]
    pub(super) fn touch(&mut self, index: usize, len: usize) -> Option<usize> {
        let (at, offset) = self.locate(index, len)?;
        let number = self.runs.get(at)?.first? + offset;
        self.split(at, offset);
        let at = at + usize::from(offset > 0);
        self.split(at, 1);
        if let Some(run) = self.runs.get_mut(at) {
            run.first = None;
        }
        self.join(at + 1);
        self.join(at);
        (number >= self.next).then_some(number)
    }

    pub(super) fn save(&mut self, number: usize, node: NodeBuf) {
        let bytes = node.allocated_bytes();
        self.weight.held_bytes += bytes;
        self.weight.saved_bytes += bytes;
        self.images.insert(number, node);
    }

    /// A node was put before node number `index` of `len`.
    pub(super) fn inserted(&mut self, index: usize, len: usize) {
        let new = Run {
            nodes: 1,
            first: None,
        };
        let at = match self.locate(index, len) {
            Some((at, offset)) => {
                self.split(at, offset);
                at + usize::from(offset > 0)
            }
            None => self.runs.len(),
        };
        self.runs.insert(at, new);
        self.join(at + 1);
        self.join(at);
    }

    /// Node number `index` of `len` was removed, which is no longer as it was.
    pub(super) fn removed(&mut self, index: usize, len: usize) {
        let Some((at, _)) = self.locate(index, len) else {
            return;
        };
        if let Some(run) = self.runs.get_mut(at) {
            run.nodes -= 1;
            if run.nodes == 0 {
                self.runs.remove(at);
            }
        }
    }

    /// The run of node number `index` of `len`, and the node's place in it.
    fn locate(&self, index: usize, len: usize) -> Option<(usize, usize)> {
        if index < len / 2 {
            let mut left = index;
            for (at, run) in self.runs.iter().enumerate() {
                if left < run.nodes {
                    return Some((at, left));
                }
                left -= run.nodes;
            }
            return None;
        }
        let mut left = len.checked_sub(index).filter(|left| *left > 0)?;
        for (at, run) in self.runs.iter().enumerate().rev() {
            if left <= run.nodes {
                return Some((at, run.nodes - left));
            }
            left -= run.nodes;
        }
        None
    }

    /// Cuts a run in two, unless one of them had no nodes.
    fn split(&mut self, at: usize, offset: usize) {
        let Some(run) = self
            .runs
            .get_mut(at)
            .filter(|run| 0 < offset && offset < run.nodes)
        else {
            return;
        };
        let right = Run {
            nodes: run.nodes - offset,
            first: run.first.map(|first| first + offset),
        };
        run.nodes = offset;
        self.runs.insert(at + 1, right);
    }

    /// Joins a run with the one before it if both are of changed nodes.
    fn join(&mut self, at: usize) {
        let Some(before) = at.checked_sub(1) else {
            return;
        };
        if let (Some(left), Some(right)) = (self.runs.get(before), self.runs.get(at))
            && left.first.is_none()
            && right.first.is_none()
        {
            let nodes = left.nodes + right.nodes;
            self.runs.remove(at);
            if let Some(run) = self.runs.get_mut(before) {
                run.nodes = nodes;
            }
        }
    }

    /// Where the node of this number is now, if it is as it was, and how many of those behind it
    /// are too.
    fn place(&self, number: usize) -> Option<(usize, usize)> {
        let mut index = 0;
        for run in &self.runs {
            if let Some(first) = run.first
                && (first..first + run.nodes).contains(&number)
            {
                return Some((index + number - first, first + run.nodes - number));
            }
            index += run.nodes;
        }
        None
    }

    /// Reads the next node, or several of about `elements` elements. `true` when all are read.
    pub(super) fn read(
        &mut self,
        nodes: &Nodes,
        elements: usize,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> bool {
        let mut left = elements.max(1);
        let mut live: Option<(usize, usize)> = None;
        while left > 0 && self.next < self.total {
            if let Some(image) = self.images.remove(&self.next) {
                self.weight.held_bytes -= image.allocated_bytes();
                sink(Piece::Node(image.node()));
                left = left.saturating_sub(image.items().max(1));
                live = None;
            } else {
                let found = live
                    .filter(|(_, count)| *count > 0)
                    .or_else(|| self.place(self.next));
                let Some((index, count)) = found else {
                    // Every node of the cut is either saved or as it was.
                    debug_assert!(false, "a node of a cut is lost");
                    self.next = self.total;
                    break;
                };
                if let Some(node) = nodes.get(index) {
                    sink(Piece::Node(node.node()));
                    left = left.saturating_sub(node.items().max(1));
                }
                live = Some((index + 1, count - 1));
            }
            self.next += 1;
        }
        self.next >= self.total
    }

    /// Clears about `budget` nodes away; `true` when nothing is left.
    pub(super) fn clear(&mut self, budget: usize) -> bool {
        self.next = self.total;
        for _ in 0..budget.max(1) {
            match self.images.pop_last() {
                Some((_, image)) => self.weight.held_bytes -= image.allocated_bytes(),
                None => return true,
            }
        }
        self.images.is_empty()
    }
}

impl List {
    /// Fixes the nodes of this moment. Constant time.
    pub(crate) fn cut_begin(&mut self, id: CutId) -> Shape {
        self.nodes.cut_begin(id);
        Shape::List {
            nodes: self.nodes.len(),
            len: self.len(),
        }
    }

    /// See [`crate::value::Object::cut_id`].
    pub(crate) fn cut_id(&self) -> Option<CutId> {
        self.nodes.cut().map(Cut::id)
    }

    /// What the cut has saved.
    pub(crate) fn cut_weight(&self) -> CutWeight {
        self.nodes
            .cut()
            .map_or_else(CutWeight::default, Cut::weight)
    }

    /// What the cut holds, counted again: for checks.
    pub(crate) fn recount_held_bytes(&self) -> usize {
        self.nodes.cut().map_or(0, Cut::recount_held_bytes)
    }

    /// Reads about `elements` elements, whole nodes at a time; `true` when all are read.
    pub(crate) fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        self.nodes.cut_slice(elements, sink)
    }

    /// Gives the cut up bit by bit.
    pub(crate) fn cut_stop(&mut self, budget: usize) -> bool {
        self.nodes.cut_stop(budget)
    }
}
