//! Random entries, for RANDOMKEY and for the samples of eviction. Uniform as long as segments are
//! about as full as their depth suggests, which a keyed hash makes them.

use super::Table;
use super::bucket::SLOTS;
use super::position::Position;
use super::segment::capacity;
use super::slot::{KeyHash, Slot};

/// Draws before a random entry is taken from wherever there is one.
const DRAWS_MAX: u32 = 128;

impl<E: Slot> Table<E> {
    /// An entry chosen by `seed`, each with about the same probability. `None` if there is none.
    #[must_use]
    pub fn random(&self, seed: u64) -> Option<&E> {
        if self.is_empty() {
            return None;
        }
        let mut random = SplitMix(seed);
        let depth_max = self.usual_depth_max();
        for _ in 0..DRAWS_MAX {
            let spot = self.directory.spot(KeyHash(random.next()))?;
            // A segment of depth d is hit with 2^-d. Accepting it with 2^(d - max) makes all
            // segments equally likely, and an equal draw among slots then all entries.
            let spare_bits = depth_max.saturating_sub(spot.depth);
            let draw = random.next();
            if draw & ((1 << spare_bits) - 1) != 0 {
                continue;
            }
            let buckets = self.directory.segment(spot).buckets();
            let at = ((draw >> 32) * (buckets.len() * SLOTS) as u64) >> 32;
            let (bucket, slot) = (at as usize / SLOTS, at as usize % SLOTS);
            if let Some(entry) = buckets.get(bucket).and_then(|bucket| bucket.get(slot)) {
                return Some(entry);
            }
        }
        self.first_from(Position::of(KeyHash(random.next())))
            .or_else(|| self.first_from(Position::START))
    }

    /// Calls `visit` for the entries of one random home bucket: a sample at the price of one
    /// cache line. It may be empty.
    pub fn sample(&self, seed: u64, visit: &mut impl FnMut(&E)) {
        let position = Position::of(KeyHash(SplitMix(seed).next()));
        if let Some(spot) = self.directory.spot(position.hash()) {
            let home = position.home(spot.depth, spot.regular);
            self.directory
                .segment(spot)
                .for_home(home, &self.seed, visit);
        }
    }

    /// The depth that segments have in a table of this length, with one bit for stragglers.
    fn usual_depth_max(&self) -> u8 {
        let slots = usize::from(self.tuning.slots_per_bucket);
        let full = capacity(self.tuning.class_max, slots) as usize;
        let segments = self.len().div_ceil((full * 4 / 5).max(1));
        if segments <= 1 {
            0
        } else {
            segments.next_power_of_two().ilog2() as u8 + 1
        }
    }

    fn first_from(&self, from: Position) -> Option<&E> {
        let mut position = Some(from);
        while let Some(here) = position {
            let spot = self.directory.spot(here.hash())?;
            if let Some(entry) = self.directory.segment(spot).iter().next() {
                return Some(entry);
            }
            position = here.segment_end(spot.depth);
        }
        None
    }
}

/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
