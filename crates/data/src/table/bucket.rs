//! One cache line of the table: seven slots with a tag byte each. It knows nothing of homes,
//! segments or hashes beyond the tag.

/// Slots per bucket.
pub(super) const SLOTS: usize = 7;

/// A bucket. `meta` holds, in its low byte, one bit per slot "this entry's home is the sibling" and
/// in bit 7 "entries of this home are elsewhere"; byte `i + 1` is the tag of slot `i`, 0 if empty.
#[repr(C, align(64))]
pub(super) struct Bucket<E> {
    meta: u64,
    slots: [Option<E>; SLOTS],
}

const OVERFLOW: u64 = 0x80;
const LOW_BITS: u64 = 0x0101_0101_0101_0101;
/// The high bit of every tag byte; the flag byte takes no part.
const TAG_HIGH_BITS: u64 = 0x8080_8080_8080_8000;

impl<E> Bucket<E> {
    pub(super) const fn new() -> Self {
        Self {
            meta: 0,
            slots: [const { None }; SLOTS],
        }
    }

    /// Slots whose tag may equal `tag`: every equal one, rarely another one.
    #[inline(always)]
    pub(super) fn candidates(&self, tag: u8) -> Candidates {
        // The low byte is forced non-zero so that no borrow runs from the flags into slot 0.
        let differs = (self.meta ^ u64::from(tag).wrapping_mul(LOW_BITS)) | 0xFF;
        Candidates(differs.wrapping_sub(LOW_BITS) & !differs & TAG_HIGH_BITS)
    }

    /// The first empty slot below `limit`.
    #[inline(always)]
    pub(super) fn free_slot(&self, limit: usize) -> Option<usize> {
        // The lowest candidate for a zero byte is always exact.
        self.candidates(0).next().filter(|&slot| slot < limit)
    }

    #[inline(always)]
    pub(super) fn get(&self, slot: usize) -> Option<&E> {
        self.slots.get(slot)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut E> {
        self.slots.get_mut(slot)?.as_mut()
    }

    /// Fills an empty slot.
    #[inline]
    pub(super) fn put(&mut self, slot: usize, tag: u8, displaced: bool, entry: E) {
        self.meta |= u64::from(tag) << tag_shift(slot);
        self.meta |= u64::from(displaced) << slot;
        self.slots[slot] = Some(entry);
    }

    /// Empties a slot.
    pub(super) fn take(&mut self, slot: usize) -> Option<E> {
        let entry = self.slots.get_mut(slot)?.take();
        self.meta &= !(0xFF << tag_shift(slot) | 1 << slot);
        entry
    }

    /// The entry in this slot has its home in the sibling bucket.
    #[inline(always)]
    pub(super) fn is_displaced(&self, slot: usize) -> bool {
        self.meta >> slot & 1 != 0
    }

    /// Some entry here has its home in the sibling bucket.
    pub(super) fn has_displaced(&self) -> bool {
        self.displaced() != 0
    }

    /// Entries of this home may be in the sibling, the stash or the spill.
    #[inline(always)]
    pub(super) fn overflows(&self) -> bool {
        self.meta & OVERFLOW != 0
    }

    pub(super) fn set_overflows(&mut self, overflows: bool) {
        self.meta = if overflows {
            self.meta | OVERFLOW
        } else {
            self.meta & !OVERFLOW
        };
    }

    /// Occupied slots with their entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &E)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }

    /// As [`Self::iter`], to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut E)> {
        self.slots
            .iter_mut()
            .enumerate()
            .filter_map(|(slot, entry)| Some((slot, entry.as_mut()?)))
    }

    /// The slots whose entries have their home in the sibling bucket, by bit.
    fn displaced(&self) -> u64 {
        self.meta & (OVERFLOW - 1)
    }

    /// The entries that are displaced, or those that are not, to be changed.
    pub(super) fn sorted_out_mut(&mut self, displaced: bool) -> impl Iterator<Item = &mut E> {
        let bits = self.displaced();
        self.iter_mut()
            .filter(move |(slot, _)| (bits >> slot & 1 != 0) == displaced)
            .map(|(_, entry)| entry)
    }

    /// A copy of another bucket; this one is empty.
    pub(super) fn fill_from(&mut self, other: &Self)
    where
        E: Clone,
    {
        self.meta = other.meta;
        self.slots.clone_from(&other.slots);
    }

    /// Empties the bucket.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = E> + '_ {
        self.meta = 0;
        self.slots.iter_mut().filter_map(Option::take)
    }
}

fn tag_shift(slot: usize) -> usize {
    slot * 8 + 8
}

/// Slot numbers, ascending.
pub(super) struct Candidates(u64);

impl Iterator for Candidates {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = (self.0.trailing_zeros() / 8) as usize - 1;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Bucket, SLOTS};

    #[test]
    fn a_bucket_of_boxes_is_one_cache_line() {
        assert_eq!(size_of::<Bucket<std::boxed::Box<u8>>>(), 64);
    }

    #[test]
    fn every_tag_is_found_whatever_its_neighbours() {
        for tag in 1..=u8::MAX {
            for other in [0, 1, tag, tag ^ 1, tag.wrapping_add(1), 0x7F, 0x80, 0xFF] {
                for at in 0..SLOTS {
                    let mut bucket = Bucket::new();
                    for slot in 0..SLOTS {
                        let tag = if slot == at { tag } else { other };
                        if tag != 0 {
                            bucket.put(slot, tag, slot % 2 == 0, slot);
                        }
                    }
                    assert!(bucket.candidates(tag).any(|slot| slot == at));
                    let free = (other == 0).then(|| usize::from(at == 0));
                    assert_eq!(bucket.free_slot(SLOTS), free);
                    assert_eq!(bucket.take(at).unwrap(), at);
                    assert!(!bucket.is_displaced(at));
                    assert_eq!(
                        bucket.free_slot(SLOTS),
                        Some(if other == 0 { 0 } else { at })
                    );
                }
            }
        }
    }
}
