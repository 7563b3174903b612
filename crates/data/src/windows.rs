//! A long string while a cut reads it: window by window, and what a command changes in place is
//! saved before, window by window too. Without a cut it is as any blob.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::ops::Range;

use vk_mem::size_class;
use vk_resp::Blob;

use crate::pieces::{CutWeight, Piece};
use crate::table::CutId;

/// Strings of so many bytes and more are read in windows. To copy a shorter one takes a fraction of
/// a millisecond, so it is shared with whoever writes the snapshot.
pub(crate) const WINDOWED_BYTES_MIN: usize = 1 << 20;
/// Bytes of a window.
const WINDOW_BYTES: usize = 8 << 10;
/// Elements that a window counts as.
const ELEMENTS_PER_WINDOW: usize = 16;

/// A long string.
#[derive(Debug)]
pub struct Windows {
    blob: Blob,
    cut: Option<Cut>,
}

/// A cut of a string.
#[derive(Debug)]
struct Cut {
    id: CutId,
    /// Bytes that the string had.
    len: usize,
    /// The first window that is not read.
    next: usize,
    /// Windows as they were.
    saved: BTreeMap<usize, Box<[u8]>>,
    weight: CutWeight,
}

impl Windows {
    /// Fixes the bytes of this moment. Constant time.
    pub(crate) fn cut_begin(blob: Blob, id: CutId) -> Self {
        let cut = Cut {
            id,
            len: blob.len(),
            next: 0,
            saved: BTreeMap::new(),
            weight: CutWeight::default(),
        };
        Self {
            blob,
            cut: Some(cut),
        }
    }

    /// The string as it is now.
    pub(crate) fn blob(&self) -> &Blob {
        &self.blob
    }

    /// The string to be changed in these places, and made `new_len` bytes long.
    pub(crate) fn blob_for_update(&mut self, new_len: usize, places: &[Range<usize>]) -> &mut Blob {
        if let Some(cut) = &mut self.cut {
            for place in places {
                cut.save(&self.blob, place.clone());
            }
            cut.save(&self.blob, new_len..self.blob.len());
        }
        &mut self.blob
    }

    /// See [`crate::value::Object::cut_id`].
    pub(crate) fn cut_id(&self) -> Option<CutId> {
        self.cut.as_ref().map(|cut| cut.id)
    }

    /// What the cut has saved.
    pub(crate) fn cut_weight(&self) -> CutWeight {
        self.cut
            .as_ref()
            .map_or_else(Default::default, |cut| cut.weight)
    }

    /// What the cut holds, counted again: for checks.
    pub(crate) fn recount_held_bytes(&self) -> usize {
        let saved = self.cut.iter().flat_map(|cut| cut.saved.values());
        saved.map(|window| size_class(window.len())).sum()
    }

    /// Reads as many windows as count for `elements`; `true` when all are read.
    pub(crate) fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        let Some(cut) = &mut self.cut else {
            return true;
        };
        for _ in 0..elements.div_ceil(ELEMENTS_PER_WINDOW) {
            let place = cut.place_of(cut.next);
            if place.is_empty() {
                break;
            }
            let saved = cut.saved.remove(&cut.next);
            if let Some(saved) = &saved {
                cut.weight.held_bytes -= size_class(saved.len());
            }
            let now = || self.blob.get(place).unwrap_or_default();
            sink(Piece::Window(saved.as_deref().unwrap_or_else(now)));
            cut.next += 1;
        }
        let ended = cut.place_of(cut.next).is_empty();
        if ended {
            self.cut = None;
        }
        ended
    }
}

impl Cut {
    /// Where a window lies; nowhere behind the end.
    fn place_of(&self, window: usize) -> Range<usize> {
        let from = window.saturating_mul(WINDOW_BYTES).min(self.len);
        from..from.saturating_add(WINDOW_BYTES).min(self.len)
    }

    /// Keeps what is to be changed and was not read.
    fn save(&mut self, blob: &Blob, place: Range<usize>) {
        let end = place.end.min(self.len).div_ceil(WINDOW_BYTES);
        let first = (place.start / WINDOW_BYTES).max(self.next);
        if place.is_empty() || place.start >= self.len {
            return;
        }
        for window in first..end {
            if self.saved.contains_key(&window) {
                continue;
            }
            // One that is not whole any more was saved when the string was cut off.
            if let Some(bytes) = blob.get(self.place_of(window)) {
                self.weight.held_bytes += size_class(bytes.len());
                self.weight.saved_bytes += size_class(bytes.len());
                self.saved.insert(window, bytes.into());
            }
        }
    }
}

/// A copy is no part of the cut.
impl Clone for Windows {
    fn clone(&self) -> Self {
        Self {
            blob: self.blob.clone(),
            cut: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// A change: where, how many bytes, and how much longer or shorter the string becomes then.
    fn changes() -> impl Strategy<Value = Vec<(usize, usize, isize)>> {
        let lens = prop_oneof![3 => Just(0), 1 => -20_000_isize..20_000];
        prop::collection::vec((0_usize..100_000, 0_usize..20_000, lens), 0..24)
    }

    proptest! {
        #[test]
        fn a_cut_reads_what_there_was(
            len in 1_usize..90_000,
            changes in changes(),
            slices in prop::collection::vec(0_usize..3, 24),
        ) {
            let before: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let mut string = Windows::cut_begin(Blob::from(before.clone()), CutId::default());
            let mut now = before.clone();
            let mut read = Vec::new();
            let mut ended = false;
            for ((from, count, more), slices) in changes.into_iter().zip(slices) {
                let new_len = now.len().saturating_add_signed(more).max(1);
                let from = from.min(new_len);
                let to = (from + count).min(new_len);
                let place = from..to;
                let bytes = string.blob_for_update(new_len, &[place]).make_mut();
                for bytes in [bytes, &mut now] {
                    bytes.resize(new_len, 0);
                    bytes[from..to].fill(255);
                }
                prop_assert_eq!(string.cut_weight().held_bytes, string.recount_held_bytes());
                for _ in 0..slices {
                    let mut sink = |piece: Piece<'_>| {
                        if let Piece::Window(bytes) = piece {
                            read.extend_from_slice(bytes);
                        }
                    };
                    ended = ended || string.cut_slice(ELEMENTS_PER_WINDOW, &mut sink);
                }
            }
            while !ended {
                ended = string.cut_slice(40, &mut |piece| {
                    if let Piece::Window(bytes) = piece {
                        read.extend_from_slice(bytes);
                    }
                });
            }
            prop_assert!(read == before, "{} of {} bytes, or others", read.len(), len);
            prop_assert!(string.blob()[..] == now[..]);
            prop_assert_eq!((string.cut_id(), string.recount_held_bytes()), (None, 0));
        }
    }

    #[test]
    fn a_change_saves_its_windows_alone() {
        let len = 100 * WINDOW_BYTES - 5;
        let blob = Blob::from(alloc::vec![1; len]);
        let mut string = Windows::cut_begin(blob, CutId::default());
        let block = string.blob().as_ptr();
        let place = 5 * WINDOW_BYTES - 1..5 * WINDOW_BYTES + 1;
        string.blob_for_update(len, &[place, 0..1, 0..0]).make_mut()[0] = 2;
        assert_eq!(string.blob().as_ptr(), block, "it is not copied");
        assert_eq!(string.cut_weight().held_bytes, 3 * size_class(WINDOW_BYTES));
        // What was not there at the cut is nothing to be saved.
        let behind = len..len + 9;
        string
            .blob_for_update(len + 9, &[behind])
            .make_mut()
            .push(3);
        assert_eq!(
            string.cut_weight().saved_bytes,
            3 * size_class(WINDOW_BYTES)
        );
    }
}
