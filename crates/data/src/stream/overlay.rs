//! What was changed in a sequence in the order of ids since a cut, so that it can be read as it was
//! while it changes. Not the sequence.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

use super::StreamId;
use crate::pieces::CutWeight;

/// What is known of the changes.
#[derive(Debug)]
pub(super) struct Overlay<V> {
    /// Everything up to this id is read.
    read: Option<StreamId>,
    /// Everything is.
    is_read: bool,
    /// What was added, changed or removed.
    touched: BTreeSet<StreamId>,
    /// How it was, as far as it is not read.
    images: BTreeMap<StreamId, V>,
    weight: CutWeight,
    bytes_of: fn(&V) -> usize,
}

/// Something of the cut.
#[derive(Debug)]
pub(super) enum Found<L, V> {
    /// As it is in the sequence.
    Live(L),
    /// As it was before a change.
    Saved(V),
}

/// What a touched id takes.
const TOUCHED_BYTES: usize = 2 * size_of::<StreamId>();

impl<V> Overlay<V> {
    /// Nothing has changed. `bytes_of` tells what a saved thing accounts for.
    pub(super) fn new(bytes_of: fn(&V) -> usize) -> Self {
        Self {
            read: None,
            is_read: false,
            touched: BTreeSet::new(),
            images: BTreeMap::new(),
            weight: CutWeight::default(),
            bytes_of,
        }
    }

    /// Of a sequence that the cut does not have.
    pub(super) fn of_new(bytes_of: fn(&V) -> usize) -> Self {
        Self {
            is_read: true,
            ..Self::new(bytes_of)
        }
    }

    pub(super) fn weight(&self) -> CutWeight {
        self.weight
    }

    pub(super) fn recount_held_bytes(&self) -> usize {
        let images = self.images.values().map(self.bytes_of);
        images.sum::<usize>() + self.touched.len() * TOUCHED_BYTES
    }

    /// Something is about to be added, changed or removed; `before` is how it is.
    pub(super) fn touch(&mut self, id: StreamId, before: impl FnOnce() -> Option<V>) {
        if self.is_read || !self.touched.insert(id) {
            return;
        }
        let mut bytes = TOUCHED_BYTES;
        if self.read.is_none_or(|read| read < id)
            && let Some(image) = before()
        {
            bytes += (self.bytes_of)(&image);
            self.images.insert(id, image);
        }
        self.weight.held_bytes += bytes;
        self.weight.saved_bytes += bytes;
    }

    /// Up to where everything is read.
    pub(super) fn read_to(&self) -> Option<StreamId> {
        self.read
    }

    /// Reads about `count` things in order; `live` is what the sequence has behind
    /// [`Self::read_to`]. `true` when everything is read.
    pub(super) fn read<L>(
        &mut self,
        live: impl Iterator<Item = (StreamId, L)>,
        count: usize,
        sink: &mut impl FnMut(Found<L, V>),
    ) -> bool {
        let mut live = live.peekable();
        for _ in 0..count.max(1) {
            if self.is_read {
                break;
            }
            let next = live.peek().map(|(id, _)| *id);
            let saved = self.images.first_entry();
            let saved = saved.filter(|saved| next.is_none_or(|next| *saved.key() <= next));
            if let Some((id, image)) = saved.map(|saved| saved.remove_entry()) {
                self.weight.held_bytes -= (self.bytes_of)(&image);
                self.read = Some(id);
                sink(Found::Saved(image));
            } else if let Some((id, thing)) = live.next() {
                self.read = Some(id);
                if !self.touched.contains(&id) {
                    sink(Found::Live(thing));
                }
            } else {
                self.is_read = true;
            }
        }
        self.is_read
    }

    /// Nothing more is read: clears about `budget` things away. `true` when nothing is left.
    pub(super) fn clear(&mut self, budget: usize) -> bool {
        self.is_read = true;
        for _ in 0..budget.max(1) {
            if self.touched.pop_last().is_some() {
                self.weight.held_bytes -= TOUCHED_BYTES;
            } else if let Some((_, image)) = self.images.pop_last() {
                self.weight.held_bytes -= (self.bytes_of)(&image);
            } else {
                return true;
            }
        }
        false
    }
}

/// The cut of something, which a copy of it does not have.
#[derive(Debug)]
pub(super) struct OwnCut<T>(pub(super) Option<Box<T>>);

impl<T> OwnCut<T> {
    pub(super) const NONE: Self = Self(None);
}

impl<T> Default for OwnCut<T> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<T> Clone for OwnCut<T> {
    fn clone(&self) -> Self {
        Self::NONE
    }
}
