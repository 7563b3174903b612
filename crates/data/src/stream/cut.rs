//! A stream as a cut reads it: its nodes, then its groups in the order of their names, while
//! entries and groups come, change and go.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::group::Group;
use super::group_cut::GroupCut;
use super::node::Node;
use super::overlay::{Found, Overlay};
use super::{Entries, Pending, Stream, StreamId, StreamInfo};
use crate::pieces::{CutWeight, Piece, Shape};
use crate::table::CutId;

/// What a stream was like at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamShape {
    /// Nodes.
    pub nodes: usize,
    /// Live entries.
    pub len: u64,
    /// What it remembered.
    pub info: StreamInfo,
    /// Groups.
    pub groups: usize,
}

/// A piece of a stream, in the order in which they come.
#[derive(Clone, Copy, Debug)]
pub enum StreamPiece<'a> {
    /// A node: its id, its listpack.
    Node(StreamId, &'a [u8]),
    /// All nodes have come.
    EndOfNodes,
    /// A group.
    Group {
        /// Its name.
        name: &'a [u8],
        /// The last entry that was delivered to it.
        last_id: StreamId,
        /// How many entries were.
        entries_read: Option<u64>,
        /// How many pending entries come now.
        pending: usize,
    },
    /// A pending entry of the group, with the name of its consumer.
    Pending {
        /// The entry; its consumer is to be known by the name.
        pending: Pending,
        /// The consumer.
        owner: &'a [u8],
    },
    /// How many consumers come now.
    Consumers(usize),
    /// A consumer of the group.
    Consumer {
        /// Its name.
        name: &'a [u8],
        /// When it asked for something last.
        seen_ms: i64,
        /// When it got something last.
        active_ms: Option<i64>,
        /// How many ids come now.
        pending: usize,
    },
    /// The id of an entry that is pending of the consumer.
    ConsumerPending(StreamId),
}

/// A cut in progress.
#[derive(Debug)]
pub(super) struct StreamCut {
    id: CutId,
    stage: Stage,
    /// The group that was read last.
    read_to: Option<Box<[u8]>>,
    /// Groups that the stream has no more and that are not read.
    removed: BTreeMap<Box<[u8]>, Box<Group>>,
    /// Those that are read, to be freed.
    spent: Vec<Group>,
    /// Of groups, those that the stream has included.
    weight: CutWeight,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Nodes,
    Groups,
    Clearing,
}

impl StreamCut {
    /// A group is about to be changed.
    pub(super) fn touch(&mut self, group: &mut Group) {
        if group.cut_of(self.id).is_some() || !self.is_unread(group.name()) {
            return;
        }
        let cut = GroupCut::of(group, self.id);
        self.weigh(CutWeight::default(), cut.weight());
        group.cut.0 = Some(Box::new(cut));
    }

    /// A group has come into being.
    pub(super) fn note_new(&mut self, group: &mut Group) {
        let cut = GroupCut::of_new(group, self.id);
        self.weigh(CutWeight::default(), cut.weight());
        group.cut.0 = Some(Box::new(cut));
    }

    /// The weight of a group's part has changed.
    pub(super) fn weigh(&mut self, before: CutWeight, after: CutWeight) {
        let weight = &mut self.weight;
        weight.held_bytes = weight.held_bytes - before.held_bytes + after.held_bytes;
        weight.saved_bytes += after.saved_bytes.saturating_sub(before.saved_bytes);
    }

    fn is_unread(&self, name: &[u8]) -> bool {
        match self.stage {
            Stage::Nodes => true,
            Stage::Groups => self.read_to.as_deref().is_none_or(|read| read < name),
            Stage::Clearing => false,
        }
    }

    /// Keeps a group that the stream has no more, if it is to be read; else gives it back.
    pub(super) fn keep(&mut self, mut group: Box<Group>) -> Option<Box<Group>> {
        self.touch(&mut group);
        let is_part = group.cut_of(self.id).is_some_and(GroupCut::is_part);
        if !is_part || !self.is_unread(group.name()) {
            self.weigh(group.cut_weight(), CutWeight::default());
            group.cut.0 = None;
            return Some(group);
        }
        self.weight.held_bytes += group.heap_bytes();
        self.removed.insert(group.name().into(), group);
        None
    }

    /// Frees about `budget` parts of groups; `true` when nothing is left.
    fn clear(&mut self, budget: usize) -> bool {
        self.stage = Stage::Clearing;
        while let Some((_, group)) = self.removed.pop_last() {
            self.spend(group);
        }
        let mut left = budget.max(1);
        while left > 0 {
            let Some(group) = self.spent.last_mut() else {
                return true;
            };
            let before = group.heap_bytes();
            match group.drop_part() {
                Some(cost) => {
                    self.weight.held_bytes -= before - group.heap_bytes();
                    left = left.saturating_sub(cost.max(1));
                }
                None => {
                    self.weight.held_bytes -= before;
                    self.spent.pop();
                    left -= 1;
                }
            }
        }
        false
    }

    fn spend(&mut self, mut group: Box<Group>) {
        self.weigh(group.cut_weight(), CutWeight::default());
        group.cut.0 = None;
        self.spent.push(*group);
    }

    fn recount_held_bytes(&self) -> usize {
        let removed = self.removed.values().map(|group| &**group);
        let kept = removed.chain(&self.spent);
        kept.map(|group| group.heap_bytes() + group.recount_held_bytes())
            .sum()
    }
}

impl Stream {
    /// Fixes the state of this moment. Constant time.
    pub(crate) fn cut_begin(&mut self, id: CutId) -> Shape {
        self.entries.cut_begin();
        self.cut.0 = Some(Box::new(StreamCut {
            id,
            stage: Stage::Nodes,
            read_to: None,
            removed: BTreeMap::new(),
            spent: Vec::new(),
            weight: CutWeight::default(),
        }));
        Shape::Stream(StreamShape {
            nodes: self.entries.node_count(),
            len: self.entries.len(),
            info: self.entries.info(),
            groups: self.group_count(),
        })
    }

    /// See [`crate::value::Object::cut_id`].
    pub(crate) fn cut_id(&self) -> Option<CutId> {
        self.cut.0.as_ref().map(|cut| cut.id)
    }

    /// What the cut has saved.
    pub(crate) fn cut_weight(&self) -> CutWeight {
        let nodes = self.entries.cut_weight();
        let cut = self.cut.0.as_ref();
        let groups = cut.map_or_else(CutWeight::default, |cut| cut.weight);
        CutWeight {
            held_bytes: nodes.held_bytes + groups.held_bytes,
            saved_bytes: nodes.saved_bytes + groups.saved_bytes,
        }
    }

    /// What the cut holds, counted again: for checks.
    pub(crate) fn recount_held_bytes(&self) -> usize {
        let Some(cut) = &self.cut.0 else {
            return 0;
        };
        let groups = self.groups.iter().map(|group| group.recount_held_bytes());
        self.entries.recount_held_bytes() + groups.sum::<usize>() + cut.recount_held_bytes()
    }

    /// Reads about `elements` things; `true` when everything is read.
    pub(crate) fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        let Some(mut cut) = self.cut.0.take() else {
            return true;
        };
        match cut.stage {
            Stage::Nodes => {
                if self.entries.cut_slice(elements, sink) {
                    sink(Piece::Stream(StreamPiece::EndOfNodes));
                    cut.stage = Stage::Groups;
                }
            }
            Stage::Groups => self.read_group(&mut cut, elements, sink),
            Stage::Clearing => {
                if self.entries.cut_stop(elements) && cut.clear(elements) {
                    self.forget_new_groups();
                    return true;
                }
            }
        }
        self.cut.0 = Some(cut);
        false
    }

    /// Reads some of the first group that is not yet read.
    fn read_group(
        &mut self,
        cut: &mut StreamCut,
        elements: usize,
        sink: &mut impl FnMut(Piece<'_>),
    ) {
        let live = self.next_group(cut);
        let removed = cut.removed.first_entry().map(|entry| entry.key().clone());
        match (live, removed) {
            (None, None) => cut.stage = Stage::Clearing,
            (live, Some(name)) if live.as_ref().is_none_or(|live| name < *live) => {
                let Some(mut group) = cut.removed.remove(&name) else {
                    return;
                };
                if read_some(&mut group, cut, elements, sink) {
                    cut.read_to = Some(name);
                    cut.spend(group);
                } else {
                    cut.removed.insert(name, group);
                }
            }
            (Some(name), _) => {
                let at = self.search(&name).ok();
                let Some(group) = at.and_then(|at| self.groups.get_mut(at)) else {
                    return;
                };
                cut.touch(group);
                if read_some(group, cut, elements, sink) {
                    cut.weigh(group.cut_weight(), CutWeight::default());
                    group.cut.0 = None;
                    cut.read_to = Some(name);
                }
            }
            (None, Some(_)) => {}
        }
    }

    /// The name of the first group of the stream that is part of the cut and not read.
    fn next_group(&self, cut: &StreamCut) -> Option<Box<[u8]>> {
        let from = match cut.read_to.as_deref().map(|name| self.search(name)) {
            None => self.groups.begin(),
            Some(Ok(at)) => self.groups.next(at),
            Some(Err(at)) => at,
        };
        let is_part = |group: &&Group| group.cut_of(cut.id).is_none_or(GroupCut::is_part);
        let mut groups = self.groups.iter_from(from).map(|group| &**group);
        let group = groups.find(is_part)?;
        Some(group.name().into())
    }

    /// Those that have come into being since the cut are groups as any other for the next one.
    fn forget_new_groups(&mut self) {
        let mut at = self.groups.begin();
        while let Some(group) = self.groups.get_mut(at) {
            group.cut.0 = None;
            at = self.groups.next(at);
        }
    }

    /// Gives the cut up bit by bit.
    pub(crate) fn cut_stop(&mut self, budget: usize) -> bool {
        let Some(mut cut) = self.cut.0.take() else {
            return true;
        };
        if !matches!(cut.stage, Stage::Clearing) {
            let mut at = self.groups.begin();
            while let Some(group) = self.groups.get_mut(at) {
                cut.weigh(group.cut_weight(), CutWeight::default());
                group.cut.0 = None;
                at = self.groups.next(at);
            }
        }
        let ended = cut.clear(budget) && self.entries.cut_stop(budget);
        if !ended {
            self.cut.0 = Some(cut);
        }
        ended
    }
}

fn read_some(
    group: &mut Group,
    cut: &mut StreamCut,
    elements: usize,
    sink: &mut impl FnMut(Piece<'_>),
) -> bool {
    let Some(mut own) = group.cut.0.take() else {
        return true;
    };
    let before = own.weight();
    let ended = own.read(group, elements, sink);
    cut.weigh(before, own.weight());
    group.cut.0 = Some(own);
    ended
}

/// Nodes are larger than what else is read.
const ELEMENTS_PER_NODE: usize = 16;

impl Entries {
    fn cut_begin(&mut self) {
        self.cut.0 = Some(Box::new(Overlay::new(Node::heap_bytes)));
    }

    fn cut_weight(&self) -> CutWeight {
        let cut = self.cut.0.as_ref();
        cut.map_or_else(CutWeight::default, |cut| cut.weight())
    }

    fn recount_held_bytes(&self) -> usize {
        let cut = self.cut.0.as_ref();
        cut.map_or(0, |cut| cut.recount_held_bytes())
    }

    /// Reads some nodes; `true` when all are read.
    fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        let Some(mut cut) = self.cut.0.take() else {
            return true;
        };
        let live = self.nodes_behind(cut.read_to());
        let live = live.map(|node| (node.first, node));
        let ended = cut.read(live, elements.div_ceil(ELEMENTS_PER_NODE), &mut |found| {
            let node = match &found {
                Found::Live(node) => *node,
                Found::Saved(node) => node,
            };
            sink(Piece::Stream(StreamPiece::Node(node.first, &node.bytes)));
        });
        self.cut.0 = Some(cut);
        ended
    }

    fn cut_stop(&mut self, budget: usize) -> bool {
        if self.cut.0.as_mut().is_none_or(|cut| cut.clear(budget)) {
            self.cut.0 = None;
        }
        self.cut.0.is_none()
    }
}
