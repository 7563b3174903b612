//! A large set as a cut reads it. The table does the work.

use super::big::{Member, Set};
use crate::pieces::{CutWeight, Piece, Shape};
use crate::table::{CutId, Saved};

/// Members that a home bucket has, about.
const MEMBERS_PER_BUCKET: usize = 4;

impl Set {
    /// Fixes the members of this moment. Constant time.
    pub(crate) fn cut_begin(&mut self, id: CutId) -> Shape {
        self.table.cut_begin(id);
        Shape::Set { len: self.len() }
    }

    /// See [`crate::value::Object::cut_id`].
    pub(crate) fn cut_id(&self) -> Option<CutId> {
        self.table.cut_id()
    }

    /// What the cut has saved.
    pub(crate) fn cut_weight(&self) -> CutWeight {
        CutWeight {
            held_bytes: self.table.cut_held_bytes(),
            saved_bytes: self.table.cut_saved_bytes(),
        }
    }

    /// What the cut holds, counted again: for checks.
    pub(crate) fn recount_held_bytes(&self) -> usize {
        self.table.recount_held_bytes()
    }

    /// Reads about `elements` members; `true` when all are read.
    pub(crate) fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        let buckets = elements.div_ceil(MEMBERS_PER_BUCKET);
        self.table
            .cut_slice(buckets, &mut |saved: Saved<'_, Member>| {
                sink(Piece::Member(saved.entry().bytes()));
            })
    }

    /// Gives the cut up bit by bit.
    pub(crate) fn cut_stop(&mut self, budget: usize) -> bool {
        self.table.cut_stop(budget, &mut drop)
    }
}
