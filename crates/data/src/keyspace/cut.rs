//! The cut of a database, and reading large values that belong to a cut of this one or another.

use super::Keyspace;
use super::moved::Moved;
use crate::entry::DbEntry;
use crate::pieces::{CutWeight, Outline, Piece};
use crate::table::{CutId, KeyHash, Saved, Table};
use crate::value::Object;

/// What reading a large value came to.
#[derive(Debug)]
pub enum Reading {
    /// The value is not here.
    Elsewhere,
    /// There is more to be read.
    More,
    /// Everything is read. A value that no key has any more is to be dropped now.
    Ended(Option<Object>),
}

impl Keyspace {
    /// Fixes the state of this moment, see [`Table::cut_begin`].
    pub fn cut_begin(&mut self, id: CutId) -> bool {
        self.table.cut_begin(id)
    }

    /// A cut of some database has begun, or is over: large values of it may come here.
    pub fn set_cutting(&mut self, is_cutting: bool) {
        let begins = is_cutting && !self.moved.is_cutting;
        self.moved.is_cutting = is_cutting;
        if begins {
            self.moved.forget_saved();
        }
    }

    /// Reads out a slice of the cut, see [`Table::cut_slice`].
    pub fn cut_slice(&mut self, buckets: usize, sink: &mut impl FnMut(Saved<'_, DbEntry>)) -> bool {
        let saved_bytes = self.table.cut_saved_bytes();
        let ended = self.table.cut_slice(buckets, sink);
        if ended {
            self.moved.note_saved(saved_bytes);
        }
        ended
    }

    /// A cut still reads the contents, or some value of it that has come here.
    #[must_use]
    pub fn cut_is_active(&self) -> bool {
        self.table.cut_is_active() || self.moved.is_waiting()
    }

    /// Bytes that writes have saved for the cut in progress so far.
    #[must_use]
    pub fn cut_saved_bytes(&self) -> usize {
        self.table.cut_saved_bytes() + self.moved.saved_bytes()
    }

    /// Bytes of what the cut in progress still holds, values that no key has any more included.
    #[must_use]
    pub fn cut_held_bytes(&self) -> usize {
        self.table.cut_held_bytes() + self.moved.held_bytes()
    }

    /// What [`Self::cut_held_bytes`] has to be, by a walk over everything: for checks.
    #[must_use]
    pub fn recount_held_bytes(&self) -> usize {
        let mut bytes = self.table.recount_held_bytes() + self.moved.recount_orphan_bytes();
        self.table.for_each(&mut |entry| {
            bytes += entry.object().map_or(0, Object::recount_held_bytes);
        });
        bytes
    }

    /// Gives the cut up; `unread` is told the large values whose own cuts are to be given up too.
    pub fn cut_abort(&mut self, unread: &mut impl FnMut(Outline)) {
        self.moved.note_saved(self.table.cut_saved_bytes());
        self.table.cut_stop(usize::MAX, &mut |image| {
            if let crate::pieces::Image::InPieces(outline) = image {
                unread(*outline);
            }
        });
    }

    /// Keeps a value that no key has any more for the cut that reads it; given back if none does.
    pub fn adopt(&mut self, object: Object) -> Option<Object> {
        self.moved.adopt(object)
    }

    /// Reads about `elements` elements of a large value, if it is here.
    pub fn read_piece(
        &mut self,
        outline: &Outline,
        elements: usize,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> Reading {
        self.with_value(outline, |object| object.cut_slice(elements, sink))
    }

    /// Gives up the cut of a large value bit by bit, if it is here.
    pub fn stop_reading(&mut self, outline: &Outline, budget: usize) -> Reading {
        self.with_value(outline, |object| object.cut_stop(budget))
    }

    fn with_value(&mut self, outline: &Outline, act: impl FnOnce(&mut Object) -> bool) -> Reading {
        let (id, home) = (outline.id(), self.hash(outline.head().key()));
        let Some(object) = find(&mut self.table, &mut self.moved, id, home) else {
            return Reading::Elsewhere;
        };
        let before = object.cut_weight();
        let ended = act(object);
        let after = object.cut_weight();
        self.moved.weigh(before, after);
        if ended {
            Reading::Ended(self.moved.close(id))
        } else {
            Reading::More
        }
    }
}

/// A value without a key, or the value of the key to which it was moved, or that it always had.
fn find<'k>(
    table: &'k mut Table<DbEntry>,
    moved: &'k mut Moved,
    id: CutId,
    home: KeyHash,
) -> Option<&'k mut Object> {
    let hash = moved.place(id).unwrap_or(home);
    if let Some(orphan) = moved.orphan_mut(id) {
        return Some(orphan);
    }
    let loc = table.locate(hash, |entry| entry.cut_id() == Some(id))?;
    table.at_mut(loc)?.object_mut()
}

/// What the cut of an entry's value has saved, if cuts are of interest at all.
#[inline]
pub(super) fn weight_of(entry: Option<&DbEntry>, moved: &Moved) -> CutWeight {
    if !moved.is_cutting {
        return CutWeight::default();
    }
    let object = entry.and_then(DbEntry::object);
    object.map_or_else(CutWeight::default, Object::cut_weight)
}
