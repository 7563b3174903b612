//! A segment: a header line and up to 63 buckets, 4 KiB at most, 64-byte aligned. It places and
//! finds entries; it does not decide when to split, and it does not know its neighbours.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::bucket::{Bucket, SLOTS};
use super::position::Position;
use super::slot::{HashSeed, KeyHash, Slot};

/// (home buckets, stash buckets) per size. With the header line the blocks have 128, 512, 1024,
/// 2048 and 4096 bytes. Each number of homes divides the next, so homes nest when a segment grows.
const CLASSES: [(u8, u8); 5] = [(1, 0), (5, 2), (15, 0), (30, 1), (60, 3)];
/// The size of a full segment.
pub(super) const CLASS_MAX: u8 = 4;
/// Stash slots of the largest class.
const STASH_SLOTS: usize = 21;
/// How many buckets ahead entries are asked for in a walk.
const AHEAD: usize = 2;
/// The bucket number of entries that found no slot at all.
const SPILL: u16 = u16::MAX;

pub(super) struct Header<E> {
    /// Homes that the cut of `epoch` has saved, by bit.
    pub(super) saved: u64,
    /// The cut that `saved` belongs to.
    pub(super) epoch: u32,
    pub(super) count: u32,
    pub(super) volatile: u32,
    pub(super) depth: u8,
    class: u8,
    /// The home of each stash slot's entry.
    stash_homes: [u8; STASH_SLOTS],
    /// Homes with entries in the stash or the spill, by bit.
    stashed: u64,
    /// Entries for which home, sibling and stash were full right after a split. Practically
    /// always absent; it bounds an insert to one split whatever the hashes are.
    spill: Option<Box<Spill<E>>>,
}

struct Spill<E> {
    entries: Vec<E>,
}

/// See the module. `T` is always the slice, but for the moment of allocation.
#[repr(C, align(64))]
pub(super) struct Segment<E, T: ?Sized = [Bucket<E>]> {
    pub(super) header: Header<E>,
    buckets: T,
}

/// A place inside a segment; valid until an entry is placed or taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    bucket: u16,
    slot: u32,
}

impl<E: Slot> Segment<E> {
    pub(super) fn new(class: u8, depth: u8) -> Box<Self> {
        match class {
            0 => boxed::<E, 1>(class, depth),
            1 => boxed::<E, 7>(class, depth),
            2 => boxed::<E, 15>(class, depth),
            3 => boxed::<E, 31>(class, depth),
            _ => boxed::<E, 63>(CLASS_MAX, depth),
        }
    }

    pub(super) fn class(&self) -> u8 {
        self.header.class
    }

    /// Home buckets.
    pub(super) fn regular(&self) -> u8 {
        CLASSES[usize::from(self.header.class)].0
    }

    /// Bytes of the block.
    pub(super) fn block_bytes(&self) -> usize {
        size_of_val(self)
    }

    pub(super) fn buckets(&self) -> &[Bucket<E>] {
        &self.buckets
    }

    #[inline]
    pub(super) fn home(&self, hash: KeyHash) -> usize {
        Position::of(hash).home(self.header.depth, self.regular())
    }

    /// Finds an entry of home `home`, which must be that of the segment's geometry.
    #[inline]
    pub(super) fn find(
        &self,
        home: usize,
        tag: u8,
        mut eq: impl FnMut(&E) -> bool,
    ) -> Option<Place> {
        let bucket = self.buckets.get(home)?;
        if let Some(slot) = find_in(bucket, tag, &mut eq) {
            return Some(Place {
                bucket: home as u16,
                slot,
            });
        }
        if bucket.overflows() {
            self.find_elsewhere(home, tag, &mut eq)
        } else {
            None
        }
    }

    fn find_elsewhere(
        &self,
        home: usize,
        tag: u8,
        eq: &mut impl FnMut(&E) -> bool,
    ) -> Option<Place> {
        if let Some(sibling) = self.sibling(home)
            && let Some(slot) = find_in(&self.buckets[sibling], tag, eq)
        {
            return Some(Place {
                bucket: sibling as u16,
                slot,
            });
        }
        if self.header.stashed >> home & 1 == 0 {
            return None;
        }
        let regular = usize::from(self.regular());
        for (at, bucket) in self.buckets.iter().enumerate().skip(regular) {
            if let Some(slot) = find_in(bucket, tag, eq) {
                return Some(Place {
                    bucket: at as u16,
                    slot,
                });
            }
        }
        let slot = self.spilled().iter().position(eq)?;
        Some(Place {
            bucket: SPILL,
            slot: slot as u32,
        })
    }

    #[inline]
    pub(super) fn get(&self, place: Place) -> Option<&E> {
        if place.bucket == SPILL {
            return self.spilled().get(place.slot as usize);
        }
        self.buckets
            .get(usize::from(place.bucket))?
            .get(place.slot as usize)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut E> {
        if place.bucket == SPILL {
            return self
                .header
                .spill
                .as_mut()?
                .entries
                .get_mut(place.slot as usize);
        }
        self.buckets
            .get_mut(usize::from(place.bucket))?
            .get_mut(place.slot as usize)
    }

    /// Puts an entry into its home, the sibling or the stash; gives it back if all are full.
    /// Buckets use their first `slots` slots.
    #[inline]
    pub(super) fn place(&mut self, hash: KeyHash, slots: usize, entry: E) -> Result<Place, E> {
        let home = self.home(hash);
        if let Some(slot) = self.buckets[home].free_slot(slots) {
            self.header.count += 1;
            self.buckets[home].put(slot, hash.tag(), false, entry);
            return Ok(Place {
                bucket: home as u16,
                slot: slot as u32,
            });
        }
        self.place_elsewhere(home, hash.tag(), slots, entry)
    }

    fn place_elsewhere(
        &mut self,
        home: usize,
        tag: u8,
        slots: usize,
        entry: E,
    ) -> Result<Place, E> {
        let sibling = self.sibling(home);
        let regular = usize::from(self.regular());
        for at in sibling.into_iter().chain(regular..self.buckets.len()) {
            let Some(slot) = self.buckets[at].free_slot(slots) else {
                continue;
            };
            self.buckets[at].put(slot, tag, at < regular, entry);
            if at >= regular {
                self.header.stashed |= 1 << home;
                self.header.stash_homes[(at - regular) * SLOTS + slot] = home as u8;
            }
            self.buckets[home].set_overflows(true);
            self.header.count += 1;
            return Ok(Place {
                bucket: at as u16,
                slot: slot as u32,
            });
        }
        Err(entry)
    }

    /// Takes an entry for which there is no slot.
    pub(super) fn spill(&mut self, hash: KeyHash, entry: E) -> Place {
        let home = self.home(hash);
        self.buckets[home].set_overflows(true);
        self.header.stashed |= 1 << home;
        self.header.count += 1;
        let spill = self.header.spill.get_or_insert_with(|| {
            Box::new(Spill {
                entries: Vec::new(),
            })
        });
        spill.entries.push(entry);
        Place {
            bucket: SPILL,
            slot: (spill.entries.len() - 1) as u32,
        }
    }

    /// Removes an entry whose home is `home`.
    pub(super) fn take(&mut self, home: usize, place: Place, seed: &HashSeed) -> Option<E> {
        let entry = if place.bucket == SPILL {
            let spill = self.header.spill.as_mut()?;
            let at = place.slot as usize;
            let entry = (at < spill.entries.len()).then(|| spill.entries.swap_remove(at))?;
            if spill.entries.is_empty() {
                self.header.spill = None;
            }
            entry
        } else {
            self.buckets
                .get_mut(usize::from(place.bucket))?
                .take(place.slot as usize)?
        };
        self.header.count -= 1;
        if usize::from(place.bucket) != home {
            self.forget_displaced(home, seed);
        }
        Some(entry)
    }

    /// Clears the overflow marks of a home that has no entry elsewhere any more.
    fn forget_displaced(&mut self, home: usize, seed: &HashSeed) {
        let elsewhere = self.in_stash(home).next().is_some()
            || self
                .spilled()
                .iter()
                .any(|entry| self.home(entry.hash(seed)) == home);
        if !elsewhere {
            self.header.stashed &= !(1 << home);
        }
        let displaced = self
            .sibling(home)
            .is_some_and(|sibling| self.buckets[sibling].has_displaced());
        self.buckets[home].set_overflows(elsewhere || displaced);
    }

    /// Calls `visit` for every entry whose home is `home`, wherever it lies.
    pub(super) fn for_home(&self, home: usize, seed: &HashSeed, visit: &mut impl FnMut(&E)) {
        let Some(bucket) = self.buckets.get(home) else {
            return;
        };
        bucket
            .iter()
            .filter(|(slot, _)| !bucket.is_displaced(*slot))
            .for_each(|(_, e)| visit(e));
        if !bucket.overflows() {
            return;
        }
        if let Some(sibling) = self.sibling(home) {
            let sibling = &self.buckets[sibling];
            let displaced = sibling
                .iter()
                .filter(|(slot, _)| sibling.is_displaced(*slot));
            displaced.for_each(|(_, entry)| visit(entry));
        }
        if self.header.stashed >> home & 1 != 0 {
            self.in_stash(home).for_each(&mut *visit);
            let spilled = self.spilled().iter();
            spilled
                .filter(|entry| self.home(entry.hash(seed)) == home)
                .for_each(visit);
        }
    }

    /// As [`Self::for_home`], to be changed; hashes stay the same.
    pub(super) fn for_home_mut(
        &mut self,
        home: usize,
        seed: &HashSeed,
        visit: &mut impl FnMut(&mut E),
    ) {
        let (regular, depth) = (usize::from(self.regular()), self.header.depth);
        let sibling = self.sibling(home);
        let Some(bucket) = self.buckets.get_mut(home) else {
            return;
        };
        bucket.sorted_out_mut(false).for_each(&mut *visit);
        if !bucket.overflows() {
            return;
        }
        if let Some(sibling) = sibling.and_then(|at| self.buckets.get_mut(at)) {
            sibling.sorted_out_mut(true).for_each(&mut *visit);
        }
        if self.header.stashed >> home & 1 == 0 {
            return;
        }
        let homes = &self.header.stash_homes;
        for (at, bucket) in self.buckets.iter_mut().skip(regular).enumerate() {
            for (slot, entry) in bucket.iter_mut() {
                if usize::from(homes[at * SLOTS + slot]) == home {
                    visit(entry);
                }
            }
        }
        if let Some(spill) = &mut self.header.spill {
            for entry in &mut spill.entries {
                if Position::of(entry.hash(seed)).home(depth, regular as u8) == home {
                    visit(entry);
                }
            }
        }
    }

    /// Every entry.
    pub(super) fn iter(&self) -> impl Iterator<Item = &E> {
        let slots = self
            .buckets
            .iter()
            .flat_map(|bucket| bucket.iter().map(|(_, entry)| entry));
        slots.chain(self.spilled())
    }

    /// A copy, which no cut has touched. Adds what its entries account for to `bytes`.
    pub(super) fn twin(&self, bytes: &mut usize) -> Box<Self>
    where
        E: Clone,
    {
        let mut twin = Self::new(self.header.class, self.header.depth);
        let copied = &mut twin.header;
        copied.count = self.header.count;
        copied.volatile = self.header.volatile;
        copied.stash_homes = self.header.stash_homes;
        copied.stashed = self.header.stashed;
        copied.spill = self.header.spill.as_ref().map(|spill| {
            Box::new(Spill {
                entries: spill.entries.clone(),
            })
        });
        for bucket in self.buckets.iter().take(AHEAD) {
            bucket.iter().for_each(|(_, entry)| entry.prefetch());
        }
        for (at, (to, from)) in twin.buckets.iter_mut().zip(&self.buckets).enumerate() {
            if let Some(bucket) = self.buckets.get(at + AHEAD) {
                bucket.iter().for_each(|(_, entry)| entry.prefetch());
            }
            to.fill_from(from);
            let copies = to.iter().map(|(_, entry)| entry.memory_bytes());
            *bytes += copies.sum::<usize>();
        }
        *bytes += twin.spilled().iter().map(Slot::memory_bytes).sum::<usize>();
        twin
    }

    /// Takes every entry, asking for the entries of later buckets while earlier ones are used.
    pub(super) fn drain(&mut self, mut take: impl FnMut(E)) {
        for bucket in self.buckets.iter().take(AHEAD) {
            bucket.iter().for_each(|(_, entry)| entry.prefetch());
        }
        for at in 0..self.buckets.len() {
            if let Some(bucket) = self.buckets.get(at + AHEAD) {
                bucket.iter().for_each(|(_, entry)| entry.prefetch());
            }
            self.buckets[at].drain().for_each(&mut take);
        }
        if let Some(spill) = self.header.spill.take() {
            spill.entries.into_iter().for_each(take);
        }
        self.header.count = 0;
        self.header.stashed = 0;
    }

    /// Hints that all entries are about to be read, as far as the processor will follow.
    pub(super) fn prefetch(&self) {
        self.iter().for_each(Slot::prefetch);
    }

    /// Homes whose misses look into the stash.
    #[cfg(test)]
    pub(super) fn stashed_homes(&self) -> u32 {
        self.header.stashed.count_ones()
    }

    fn in_stash(&self, home: usize) -> impl Iterator<Item = &E> {
        let stash = self.buckets.iter().skip(usize::from(self.regular()));
        stash.enumerate().flat_map(move |(at, bucket)| {
            let homes = &self.header.stash_homes;
            let here = move |slot: usize| usize::from(homes[at * SLOTS + slot]) == home;
            bucket
                .iter()
                .filter(move |(slot, _)| here(*slot))
                .map(|(_, entry)| entry)
        })
    }

    pub(super) fn spilled(&self) -> &[E] {
        self.header
            .spill
            .as_ref()
            .map_or(&[], |spill| &spill.entries)
    }

    /// The neighbour that takes what a home cannot; the last of an odd number of homes has none.
    #[inline]
    fn sibling(&self, home: usize) -> Option<usize> {
        let sibling = home ^ 1;
        (sibling < usize::from(self.regular())).then_some(sibling)
    }
}

/// Entries that a segment of this class has slots for.
pub(super) fn capacity(class: u8, slots: usize) -> u32 {
    let (regular, stash) = CLASSES[usize::from(class.min(CLASS_MAX))];
    u32::from(regular + stash) * slots as u32
}

#[inline(always)]
fn find_in<E>(bucket: &Bucket<E>, tag: u8, eq: &mut impl FnMut(&E) -> bool) -> Option<u32> {
    for slot in bucket.candidates(tag) {
        // A candidate may be a wrong guess, and the wrong guess may be empty.
        if bucket.get(slot).is_some_and(&mut *eq) {
            return Some(slot as u32);
        }
    }
    None
}

fn boxed<E, const N: usize>(class: u8, depth: u8) -> Box<Segment<E>> {
    Box::new(Segment {
        header: Header {
            saved: 0,
            epoch: 0,
            count: 0,
            volatile: 0,
            depth,
            class,
            stash_homes: [0; STASH_SLOTS],
            stashed: 0,
            spill: None,
        },
        buckets: [const { Bucket::new() }; N],
    })
}
