//! The cut of all databases, wherever they and their large values go meanwhile.

use alloc::vec::Vec;

use vk_data::{
    entry::DbEntry,
    keyspace::{Keyspace, Reading},
    pieces::{Outline, Piece},
    table::{CutId, Saved},
    value::Object,
};

use super::{Databases, is_big};

/// What is known of the cut in progress.
#[derive(Debug)]
pub(super) struct CutState {
    /// Large values of it may be anywhere.
    is_active: bool,
    /// Cuts so far.
    passes: u64,
    /// By place of the database: the number that it had at the cut, if it is in it.
    numbers: Vec<Option<u32>>,
    /// Large values whose cuts are to be given up.
    given_up: Vec<Outline>,
}

/// What reading a large value came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PieceStep {
    /// There is more to be read.
    More,
    /// Everything is read.
    Ended,
    /// The value is nowhere: a defect.
    Lost,
}

impl CutState {
    pub(super) fn new(count: usize) -> Self {
        Self {
            is_active: false,
            passes: 0,
            numbers: alloc::vec![None; count],
            given_up: Vec::new(),
        }
    }

    pub(super) fn swap(&mut self, a: usize, b: usize) {
        self.numbers.swap(a, b);
    }

    /// The database at this place is emptied.
    pub(super) fn take_number(&mut self, at: usize) -> Option<u32> {
        self.numbers.get_mut(at).and_then(Option::take)
    }
}

impl Databases {
    /// Fixes the state of all databases at this moment. `false` if a cut is in progress already.
    pub(crate) fn cut_begin(&mut self) -> bool {
        if self.cut.numbers.iter().any(Option::is_some) || self.detached_is_read() {
            return false;
        }
        // What is left of a pass that was given up a moment ago.
        while self.is_giving_up() {
            self.give_up_slice(usize::MAX);
        }
        self.set_cutting(true);
        self.cut.passes += 1;
        for (at, db) in self.all.iter_mut().enumerate() {
            let id = CutId {
                pass: self.cut.passes,
                database: at as u32,
                image: 0,
            };
            let is_part = !db.is_empty() && db.cut_begin(id);
            if let Some(number) = self.cut.numbers.get_mut(at) {
                *number = is_part.then_some(at as u32);
            }
        }
        true
    }

    fn detached_is_read(&self) -> bool {
        let mut detached = self.detached.iter();
        detached.any(|flushed| flushed.cut_number.is_some())
    }

    fn set_cutting(&mut self, is_active: bool) {
        self.cut.is_active = is_active;
        self.places_mut().for_each(|db| db.set_cutting(is_active));
    }

    /// Everything that has keys, or had.
    fn places(&self) -> impl Iterator<Item = &Keyspace> {
        let flushed = self.detached.iter();
        let flushed = flushed.map(|flushed| flushed.contents.contents());
        self.all.iter().chain(flushed)
    }

    fn places_mut(&mut self) -> impl Iterator<Item = &mut Keyspace> {
        let flushed = self.detached.iter_mut();
        let flushed = flushed.map(|flushed| flushed.contents.contents_mut());
        self.all.iter_mut().chain(flushed)
    }

    /// Reads out a slice of the database that had this number at the cut, wherever it is now. Large
    /// values come as outlines, to be read with [`Databases::read_piece`]. `true` when it is read
    /// to its end.
    pub(crate) fn cut_slice(
        &mut self,
        number: u32,
        buckets: usize,
        sink: &mut impl FnMut(Saved<'_, DbEntry>),
    ) -> bool {
        let wanted = Some(number);
        let place = self.cut.numbers.iter().position(|at| *at == wanted);
        if let Some(at) = place {
            let db = self.all.get_mut(at);
            return db.is_none_or(|db| db.cut_slice(buckets, sink));
        }
        let mut flushed = self.detached.iter_mut();
        let flushed = flushed.find(|flushed| flushed.cut_number == wanted);
        flushed.is_none_or(|flushed| flushed.contents.contents_mut().cut_slice(buckets, sink))
    }

    /// The database that had this number is read, and so are all of its large values.
    pub(crate) fn cut_close(&mut self, number: u32) {
        let numbers = self.cut.numbers.iter_mut();
        let flushed = self.detached.iter_mut();
        for place in numbers.chain(flushed.map(|flushed| &mut flushed.cut_number)) {
            place.take_if(|at| *at == number);
        }
    }

    /// All databases are read.
    pub(crate) fn cut_end(&mut self) {
        self.set_cutting(false);
    }

    /// Reads about `elements` elements of a large value, wherever it is.
    pub(crate) fn read_piece(
        &mut self,
        outline: &Outline,
        elements: usize,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> PieceStep {
        self.with_place(|place| place.read_piece(outline, elements, sink))
    }

    fn with_place(&mut self, mut act: impl FnMut(&mut Keyspace) -> Reading) -> PieceStep {
        let found = self
            .places_mut()
            .map(&mut act)
            .find(|reading| !matches!(reading, Reading::Elsewhere));
        match found {
            None | Some(Reading::Elsewhere) => PieceStep::Lost,
            Some(Reading::More) => PieceStep::More,
            Some(Reading::Ended(orphan)) => {
                // It is no removal: nobody has to pay for it.
                orphan
                    .filter(is_big)
                    .into_iter()
                    .for_each(|object| self.keep(object));
                PieceStep::Ended
            }
        }
    }

    /// Gives the cut up, with the large values that were to be read.
    pub(crate) fn cut_abort(&mut self, unread: impl Iterator<Item = Outline>) {
        let mut given_up: Vec<Outline> = unread.collect();
        self.places_mut()
            .for_each(|db| db.cut_abort(&mut |outline| given_up.push(outline)));
        self.cut.given_up.append(&mut given_up);
        self.cut.numbers.fill(None);
        for flushed in &mut self.detached {
            flushed.cut_number = None;
        }
        if !self.is_giving_up() {
            self.set_cutting(false);
        }
    }

    pub(super) fn is_giving_up(&self) -> bool {
        !self.cut.given_up.is_empty()
    }

    /// Goes on with giving up.
    pub(super) fn give_up_slice(&mut self, elements: usize) {
        let Some(outline) = self.cut.given_up.pop() else {
            return;
        };
        let step = self.with_place(|place| place.stop_reading(&outline, elements));
        if step == PieceStep::More {
            self.cut.given_up.push(outline);
        }
        if !self.is_giving_up() {
            self.set_cutting(false);
        }
    }

    /// Keeps a value that no key has any more if a cut is to read it; else gives it back.
    #[inline]
    pub(super) fn unless_read(&mut self, object: Object) -> Option<Object> {
        if !self.cut.is_active {
            return Some(object);
        }
        match self.all.first_mut() {
            Some(db) => db.adopt(object),
            None => Some(object),
        }
    }

    /// Bytes that writes have saved for the last cut.
    pub(crate) fn cut_saved_bytes(&self) -> usize {
        self.places().map(Keyspace::cut_saved_bytes).sum()
    }

    /// Bytes of what the cut in progress still holds.
    pub(super) fn cut_held_bytes(&self) -> usize {
        if !self.cut.is_active {
            return 0;
        }
        self.places().map(Keyspace::cut_held_bytes).sum()
    }

    /// What it has to be, by a walk over everything.
    pub(super) fn recount_held_bytes(&self) -> usize {
        self.places().map(Keyspace::recount_held_bytes).sum()
    }
}
