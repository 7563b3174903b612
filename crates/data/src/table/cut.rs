//! A cut: the state of the table at one moment, read out slice by slice while writes go on.
//!
//! A home bucket counts as saved if it lies before the cut's position or its bit is set. Every
//! change of an entry goes through [`Table::touch_for_write`] first, which saves the bucket. A cut
//! does not encode anything. An entry that is too large to be saved whole has an image that says
//! how the rest is to be read: see [`Slot::image`].

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Table;
use super::directory::Spot;
use super::position::Position;
use super::segment::Segment;
use super::slot::{CutId, KeyHash, Slot};

/// A cut in progress.
pub(super) struct Cut<E: Slot> {
    epoch: u32,
    id: CutId,
    /// Images that have a name.
    named: u64,
    /// All homes before it are saved; `None` when all are.
    position: Option<Position>,
    /// Entries as they were, saved by writes and not yet read out.
    images: Vec<E::Image>,
    /// What they account for.
    held_bytes: usize,
    /// The same, those that are read out already included.
    saved_bytes: usize,
}

/// Saved images that are read out for each bucket that may be.
const IMAGES_PER_BUCKET: usize = 8;

/// An entry of a cut.
#[derive(Debug)]
pub enum Saved<'t, E: Slot> {
    /// Unchanged since the cut: read from the table.
    Live(&'t E),
    /// As it was at the cut, before a write changed it, or too large to be read in one go.
    Image(E::Image),
}

impl<E: Slot<Image = E>> Saved<'_, E> {
    /// The entry as it was at the cut.
    pub fn entry(&self) -> &E {
        match self {
            Self::Live(entry) => entry,
            Self::Image(entry) => entry,
        }
    }
}

impl<E: Slot> Cut<E> {
    fn image_of(&mut self, entry: &mut E) -> E::Image {
        self.named += 1;
        entry.image(CutId {
            image: self.named,
            ..self.id
        })
    }
}

impl<E: Slot> Table<E> {
    /// Fixes the state of this moment; images bear the name of the cut and their number. Constant
    /// time. `false` if a cut is in progress already.
    pub fn cut_begin(&mut self, id: CutId) -> bool {
        if self.cut.is_some() {
            return false;
        }
        // Zero is the epoch of segments that no cut has touched.
        self.cut_epoch = self.cut_epoch.checked_add(1).unwrap_or(1);
        self.cut = Some(Box::new(Cut {
            epoch: self.cut_epoch,
            id,
            named: 0,
            position: Some(Position::START),
            images: Vec::new(),
            held_bytes: 0,
            saved_bytes: 0,
        }));
        true
    }

    /// A cut is in progress.
    #[must_use]
    pub fn cut_is_active(&self) -> bool {
        self.cut.is_some()
    }

    /// The name of the cut in progress.
    #[must_use]
    pub fn cut_id(&self) -> Option<CutId> {
        self.cut.as_ref().map(|cut| cut.id)
    }

    /// Bytes of the entries that writes have saved for the cut in progress, those that are read out
    /// already included.
    #[must_use]
    pub fn cut_saved_bytes(&self) -> usize {
        self.cut.as_ref().map_or(0, |cut| cut.saved_bytes)
    }

    /// Bytes of those that are not yet read out.
    #[must_use]
    pub fn cut_held_bytes(&self) -> usize {
        self.cut.as_ref().map_or(0, |cut| cut.held_bytes)
    }

    /// What [`Self::cut_held_bytes`] has to be: for checks.
    #[must_use]
    pub fn recount_held_bytes(&self) -> usize {
        let images = self.cut.iter().flat_map(|cut| &cut.images);
        images.map(E::image_bytes).sum()
    }

    /// Hands out saved images, eight for each bucket, and the entries of up to `buckets` home
    /// buckets. Every entry of the cut comes exactly once. `true` when the cut is complete, and
    /// over.
    pub fn cut_slice(&mut self, buckets: usize, sink: &mut impl FnMut(Saved<'_, E>)) -> bool {
        let Some(mut cut) = self.cut.take() else {
            return true;
        };
        let images_max = buckets.max(1).saturating_mul(IMAGES_PER_BUCKET);
        let from = cut.images.len().saturating_sub(images_max);
        for image in cut.images.drain(from..) {
            cut.held_bytes -= E::image_bytes(&image);
            sink(Saved::Image(image));
        }
        for _ in 0..buckets.max(1) {
            let Some(position) = cut.position else {
                break;
            };
            cut.position = self.cut_step(&mut cut, position, sink);
        }
        if cut.position.is_none() && cut.images.is_empty() {
            return true;
        }
        self.cut = Some(cut);
        false
    }

    /// Ends a cut whose result is not wanted any more: nothing more is saved, and about `budget` of
    /// the images are handed to `unread`. `true` when none is left.
    pub fn cut_stop(&mut self, budget: usize, unread: &mut impl FnMut(E::Image)) -> bool {
        let Some(cut) = &mut self.cut else {
            return true;
        };
        cut.position = None;
        let from = cut.images.len().saturating_sub(budget.max(1));
        for image in cut.images.drain(from..) {
            cut.held_bytes -= E::image_bytes(&image);
            unread(image);
        }
        if cut.images.is_empty() {
            self.cut = None;
        }
        self.cut.is_none()
    }

    /// The hook of every change: called with the hash of an entry before it is added, changed or
    /// removed. Without a cut it is one predictable branch.
    #[inline(always)]
    pub(crate) fn touch_for_write(&mut self, hash: KeyHash) {
        if self.cut.is_some() {
            self.cut_save(hash);
        }
    }

    /// Reads out one home bucket, unless it is saved, or passes over an empty segment.
    fn cut_step(
        &mut self,
        cut: &mut Cut<E>,
        position: Position,
        sink: &mut impl FnMut(Saved<'_, E>),
    ) -> Option<Position> {
        let spot = self.directory.spot(position.hash())?;
        let segment = self.directory.segment_mut(spot);
        if segment.header.count == 0 {
            return position.segment_end(spot.depth);
        }
        let home = position.home(spot.depth, spot.regular);
        if !has_bit(segment, cut.epoch, home) {
            segment.for_home_mut(home, &self.seed, &mut |entry: &mut E| {
                if entry.is_read_in_pieces() {
                    sink(Saved::Image(cut.image_of(entry)));
                } else {
                    sink(Saved::Live(entry));
                }
            });
        }
        position.home_end(spot.depth, spot.regular, home)
    }

    #[cold]
    fn cut_save(&mut self, hash: KeyHash) {
        if let Some(spot) = self.directory.spot(hash) {
            let home = Position::of(hash).home(spot.depth, spot.regular);
            self.cut_save_home(spot, Position::of(hash), home);
        }
    }

    /// Saves what is unsaved of the segment that holds `within`: its buckets are about to be
    /// joined with others, and a bucket is either saved or not.
    pub(super) fn cut_save_segment(&mut self, spot: Spot, within: Position) {
        if self.cut.is_some() {
            for home in 0..usize::from(spot.regular) {
                self.cut_save_home(spot, within, home);
            }
        }
    }

    /// Marks the segment of `hash` as saved, after `cut_save_segment` of all that went into it.
    pub(super) fn cut_mark_all(&mut self, hash: KeyHash) {
        if let Some(cut) = &self.cut
            && let Some(spot) = self.directory.spot(hash)
        {
            let header = &mut self.directory.segment_mut(spot).header;
            header.epoch = cut.epoch;
            header.saved = u64::MAX;
        }
    }

    fn cut_save_home(&mut self, spot: Spot, within: Position, home: usize) {
        let Some(cut) = self.cut.as_deref_mut() else {
            return;
        };
        // Homes lie wholly before or wholly behind the position, or in a segment all saved.
        let start = within.home_start(spot.depth, spot.regular, home);
        if cut.position.is_none_or(|position| start < position) {
            return;
        }
        let segment = self.directory.segment_mut(spot);
        if has_bit(segment, cut.epoch, home) {
            return;
        }
        segment.for_home_mut(home, &self.seed, &mut |entry: &mut E| {
            let image = cut.image_of(entry);
            let bytes = E::image_bytes(&image);
            cut.held_bytes += bytes;
            cut.saved_bytes += bytes;
            cut.images.push(image);
        });
        if segment.header.epoch != cut.epoch {
            segment.header.epoch = cut.epoch;
            segment.header.saved = 0;
        }
        segment.header.saved |= 1 << home;
    }
}

/// Copies the saved bits to a segment that takes part `part` of `parts` of the old one's range:
/// every new home lies inside one old home and is saved if that is.
pub(super) fn inherit_saved<E: Slot>(
    old: &Segment<E>,
    new: &mut Segment<E>,
    part: usize,
    parts: usize,
) {
    new.header.epoch = old.header.epoch;
    new.header.saved = 0;
    let (old_homes, new_homes) = (usize::from(old.regular()), usize::from(new.regular()));
    for home in 0..new_homes {
        let within = ((part * new_homes + home) * old_homes) / (parts * new_homes);
        new.header.saved |= (old.header.saved >> within & 1) << home;
    }
}

fn has_bit<E: Slot>(segment: &Segment<E>, epoch: u32, home: usize) -> bool {
    segment.header.epoch == epoch && segment.header.saved >> home & 1 != 0
}
