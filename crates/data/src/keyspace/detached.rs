//! What a database held before it was flushed. No key of it can be found any more.

use crate::entry::DbEntry;
use crate::table::{Saved, Table};
use crate::value::Object;

/// The contents of a flushed database, on their way to be freed.
#[derive(Debug)]
pub struct Detached {
    table: Table<DbEntry>,
}

impl Detached {
    pub(super) fn new(table: Table<DbEntry>) -> Self {
        Self { table }
    }

    /// Keys not yet freed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Everything is freed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Bytes not yet freed.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }

    /// What [`Self::memory_bytes`] has to be, by a walk over everything: for checks.
    #[must_use]
    pub fn recount_bytes(&self) -> usize {
        self.table.recount_bytes()
    }

    /// Calls `visit` for every entry that is not yet freed.
    pub fn for_each(&self, visit: &mut impl FnMut(&DbEntry)) {
        self.table.for_each(visit);
    }

    /// Frees about `budget` entries, one segment more at most; values that live outside of their
    /// entries are handed to `object`. `true` when nothing is left. While a cut still reads the
    /// contents nothing is freed.
    pub fn drop_slice(&mut self, budget: usize, object: &mut impl FnMut(Object)) -> bool {
        !self.table.cut_is_active()
            && self.table.drop_slice(budget, &mut |entry: DbEntry| {
                if let Some(value) = entry.into_object() {
                    object(value);
                }
            })
    }

    /// Reads out a slice of a cut that was in progress at the flush, see [`Table::cut_slice`].
    pub fn cut_slice(&mut self, buckets: usize, sink: &mut impl FnMut(Saved<'_, DbEntry>)) -> bool {
        self.table.cut_slice(buckets, sink)
    }

    /// A cut still reads the contents.
    #[must_use]
    pub fn cut_is_active(&self) -> bool {
        self.table.cut_is_active()
    }

    /// Bytes that such a cut has copied, see [`Table::cut_image_bytes`].
    #[must_use]
    pub fn cut_image_bytes(&self) -> usize {
        self.table.cut_image_bytes()
    }

    /// Gives such a cut up.
    pub fn cut_abort(&mut self) {
        self.table.cut_abort();
    }
}
