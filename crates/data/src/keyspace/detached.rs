//! What a database held before it was flushed. No key of it can be found any more.

use super::Keyspace;
use crate::entry::DbEntry;
use crate::value::Object;

/// The contents of a flushed database, on their way to be freed.
#[derive(Debug)]
pub struct Detached {
    contents: Keyspace,
}

impl Detached {
    pub(super) fn new(contents: Keyspace) -> Self {
        Self { contents }
    }

    /// The contents, as far as a cut reads them.
    pub fn contents_mut(&mut self) -> &mut Keyspace {
        &mut self.contents
    }

    /// See [`Self::contents_mut`].
    #[must_use]
    pub fn contents(&self) -> &Keyspace {
        &self.contents
    }

    /// Keys not yet freed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contents.len()
    }

    /// Everything is freed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// Bytes not yet freed.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.contents.memory_bytes()
    }

    /// What [`Self::memory_bytes`] has to be, by a walk over everything: for checks.
    #[must_use]
    pub fn recount_bytes(&self) -> usize {
        self.contents.recount_bytes()
    }

    /// Calls `visit` for every entry that is not yet freed.
    pub fn for_each(&self, visit: &mut impl FnMut(&DbEntry)) {
        self.contents.for_each(visit);
    }

    /// Frees about `budget` entries, one segment more at most; values that live outside of their
    /// entries are handed to `object`. `true` when nothing is left. While a cut still reads the
    /// contents nothing is freed.
    pub fn drop_slice(&mut self, budget: usize, object: &mut impl FnMut(Object)) -> bool {
        !self.contents.cut_is_active()
            && self
                .contents
                .table
                .drop_slice(budget, &mut |entry: DbEntry| {
                    if let Some(value) = entry.into_object() {
                        object(value);
                    }
                })
    }
}
