//! A large sorted set as a cut reads it: from the highest element to the lowest, while elements
//! come, change and go.
//!
//! Where an element is follows from its score and its bytes, whatever the tree does. So it is
//! enough to know which members were changed since the cut, and how those of them were that are not
//! yet read: the walk passes over the former and puts in the latter.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use vk_mem::size_class;

use super::probe::{Probe, order_of};
use super::{Member, ZSet, ZSetIter};
use crate::pieces::{CutWeight, Piece, Shape};
use crate::table::CutId;

/// A cut in progress.
pub(super) struct Cut {
    id: CutId,
    /// How far the walk is.
    at: At,
    /// Members that were added, changed or removed since the cut.
    touched: BTreeSet<Box<[u8]>>,
    /// Elements as they were that the walk has not come to: the order of the score, the member.
    images: BTreeMap<(u64, Box<[u8]>), f64>,
    weight: CutWeight,
}

/// How far a walk from the highest element down is.
enum At {
    Begin,
    /// It has come to this place: everything from there on is read.
    Place(f64, Box<[u8]>),
    End,
}

/// What a member takes in a tree of the standard library, about, beside its bytes.
const NODE_BYTES: usize = 32;

fn member_bytes(member: &[u8]) -> usize {
    size_class(member.len()) + NODE_BYTES
}

impl Cut {
    /// An element is about to be added, changed or removed; with the score that it has.
    pub(super) fn touch(&mut self, member: &[u8], score: Option<f64>) {
        if matches!(self.at, At::End) || self.touched.contains(member) {
            return;
        }
        self.touched.insert(member.into());
        let mut bytes = member_bytes(member);
        if let Some(score) = score
            && self.is_unread(order_of(score), member)
        {
            self.images.insert((order_of(score), member.into()), score);
            bytes += member_bytes(member);
        }
        self.weight.held_bytes += bytes;
        self.weight.saved_bytes += bytes;
    }

    fn is_unread(&self, order: u64, member: &[u8]) -> bool {
        match &self.at {
            At::Begin => true,
            At::Place(score, place) => (order, member) < (order_of(*score), &**place),
            At::End => false,
        }
    }

    /// Takes the highest image out that lies above an element.
    fn take_above(&mut self, order: u64, member: &[u8]) -> Option<(Box<[u8]>, f64)> {
        let ((last_order, last), _) = self.images.last_key_value()?;
        if (*last_order, &**last) > (order, member) {
            self.take_last()
        } else {
            None
        }
    }

    fn take_last(&mut self) -> Option<(Box<[u8]>, f64)> {
        let ((_, member), score) = self.images.pop_last()?;
        self.weight.held_bytes -= member_bytes(&member);
        Some((member, score))
    }

    /// Clears about `budget` members away; `true` when nothing is left.
    fn clear(&mut self, budget: usize) -> bool {
        self.at = At::End;
        for _ in 0..budget.max(1) {
            if let Some(member) = self.touched.pop_last() {
                self.weight.held_bytes -= member_bytes(&member);
            } else if self.take_last().is_none() {
                return true;
            }
        }
        false
    }
}

impl ZSet {
    /// Fixes the elements of this moment. Constant time.
    pub(crate) fn cut_begin(&mut self, id: CutId) -> Shape {
        self.cut = Some(Box::new(Cut {
            id,
            at: At::Begin,
            touched: BTreeSet::new(),
            images: BTreeMap::new(),
            weight: CutWeight::default(),
        }));
        Shape::ZSet { len: self.len() }
    }

    /// See [`crate::value::Object::cut_id`].
    pub(crate) fn cut_id(&self) -> Option<CutId> {
        self.cut.as_ref().map(|cut| cut.id)
    }

    /// What the cut has saved.
    pub(crate) fn cut_weight(&self) -> CutWeight {
        let cut = self.cut.as_ref();
        cut.map_or_else(CutWeight::default, |cut| cut.weight)
    }

    /// What the cut holds, counted again: for checks.
    pub(crate) fn recount_held_bytes(&self) -> usize {
        self.cut.as_ref().map_or(0, |cut| {
            let images = cut.images.keys().map(|(_, member)| member);
            let members = cut.touched.iter().chain(images);
            members.map(|member| member_bytes(member)).sum()
        })
    }

    /// The hook of every change.
    #[inline]
    pub(super) fn touch(&mut self, member: &[u8], score: Option<f64>) {
        if let Some(cut) = &mut self.cut {
            cut.touch(member, score);
        }
    }

    /// Reads about `elements` elements, from the highest to the lowest; `true` when all are read.
    pub(crate) fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        let Some(mut cut) = self.cut.take() else {
            return true;
        };
        if matches!(cut.at, At::End) {
            if cut.clear(elements) {
                return true;
            }
        } else {
            self.read(&mut cut, elements.max(1), sink);
        }
        self.cut = Some(cut);
        false
    }

    fn read(&self, cut: &mut Cut, elements: usize, sink: &mut impl FnMut(Piece<'_>)) {
        let mut put = |member: &[u8], score| {
            let member = Member::Bytes(member);
            sink(Piece::Scored { member, score });
        };
        let mut left = elements;
        // Where the walk has come to.
        let mut place: Option<(f64, Vec<u8>)> = None;
        let mut walk = self.iter_below(&cut.at);
        while left > 0 {
            left -= 1;
            let live = walk.clone().next();
            let image = match live {
                Some((Member::Bytes(member), score)) => cut.take_above(order_of(score), member),
                _ => cut.take_last(),
            };
            if let Some((member, score)) = image {
                put(&member, score);
                place = Some((score, member.into_vec()));
                continue;
            }
            let Some((Member::Bytes(member), score)) = live else {
                cut.at = At::End;
                return;
            };
            walk.next();
            if !cut.touched.contains(member) {
                put(member, score);
            }
            let (at_score, at_member) = place.get_or_insert_default();
            *at_score = score;
            at_member.clear();
            at_member.extend_from_slice(member);
        }
        if let Some((score, member)) = place {
            cut.at = At::Place(score, member.into_boxed_slice());
        }
    }

    /// The elements that a walk has still to come to, from the highest.
    fn iter_below(&self, at: &At) -> ZSetIter<'_> {
        let below = match at {
            At::Begin => self.len(),
            At::Place(score, member) => self.tree.rank(&self.arena, &Probe::before(*score, member)),
            At::End => 0,
        };
        ZSetIter::of_structure(self, self.len() - below, true)
    }

    /// Gives the cut up bit by bit.
    pub(crate) fn cut_stop(&mut self, budget: usize) -> bool {
        if self.cut.as_mut().is_none_or(|cut| cut.clear(budget)) {
            self.cut = None;
        }
        self.cut.is_none()
    }
}
