//! A large hash as a cut reads it. The table does the work.

use super::{Field, Hash};
use crate::pieces::{CutWeight, Piece, Shape};
use crate::table::{CutId, Saved};

/// Fields that a home bucket has, about.
const FIELDS_PER_BUCKET: usize = 4;

impl Hash {
    /// Fixes the fields of this moment. Constant time.
    pub(crate) fn cut_begin(&mut self, id: CutId) -> Shape {
        self.table.cut_begin(id);
        Shape::Hash {
            len: self.len(),
            expires: self.volatile_len() > 0,
        }
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

    /// Reads about `elements` fields; `true` when all are read.
    pub(crate) fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        let buckets = elements.div_ceil(FIELDS_PER_BUCKET);
        self.table
            .cut_slice(buckets, &mut |saved: Saved<'_, Field>| {
                let field = saved.entry();
                sink(Piece::Field {
                    name: field.name(),
                    value: field.value(),
                    expire_ms: field.expires_ms(),
                });
            })
    }

    /// Gives the cut up bit by bit.
    pub(crate) fn cut_stop(&mut self, budget: usize) -> bool {
        self.table.cut_stop(budget, &mut drop)
    }
}
