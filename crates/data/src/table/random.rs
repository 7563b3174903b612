//! Random entries, for RANDOMKEY and for the samples of eviction. Uniform as long as segments are
//! about as full as their depth suggests, which a keyed hash makes them.

use super::Table;
use super::bucket::SLOTS;
use super::directory::NEVER_MS;
use super::position::Position;
use super::segment::capacity;
use super::slot::{KeyHash, Slot};

/// Draws before a random entry is taken from wherever there is one.
const DRAWS_MAX: u32 = 128;

/// Buckets that a sample looks at while it has found something: those of two segments.
const SAMPLE_BUCKETS_MAX: usize = 120;

/// Which entries a sample is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All.
    All,
    /// Those that expire.
    Volatile,
}

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

    /// Calls `visit` for the entries of `kind` in whole home buckets, from a place chosen by `seed`
    /// on until there were `count_min` of them, or enough was looked at to have met one at least.
    /// Returns how many there were: 0 only if the table holds none. Neighbours in hash order have
    /// nothing else in common, and lie in neighbouring lines of the cache.
    pub fn sample(
        &self,
        seed: u64,
        kind: Kind,
        count_min: usize,
        visit: &mut impl FnMut(&E),
    ) -> usize {
        let held = match kind {
            Kind::All => self.len(),
            Kind::Volatile => self.volatile_len(),
        };
        let count_min = count_min.clamp(1, held.max(1));
        let Some(start) = self.home_of(Position::of(KeyHash(SplitMix(seed).next()))) else {
            return 0;
        };
        let (mut position, mut has_wrapped) = (start, false);
        let (mut found, mut buckets) = (0, 0);
        while held > 0 && found < count_min && (found == 0 || buckets < SAMPLE_BUCKETS_MAX) {
            if has_wrapped && position >= start {
                break;
            }
            let next = match self.skip(position, kind) {
                Some(next) => next,
                None => {
                    buckets += 1;
                    self.sample_step(position, kind, &mut found, visit)
                }
            };
            // What is skipped may hold the place of the start.
            if next.is_none() && has_wrapped {
                break;
            }
            has_wrapped |= next.is_none();
            position = next.unwrap_or(Position::START);
        }
        found
    }

    /// The first position of the home bucket that holds `position`.
    fn home_of(&self, position: Position) -> Option<Position> {
        let spot = self.directory.spot(position.hash())?;
        let home = position.home(spot.depth, spot.regular);
        Some(position.home_start(spot.depth, spot.regular, home))
    }

    /// Where to go on if the place at `position` is known to hold nothing of `kind`.
    fn skip(&self, position: Position, kind: Kind) -> Option<Option<Position>> {
        let spot = self.directory.spot(position.hash())?;
        let is_empty = match kind {
            Kind::All => self.directory.segment(spot).header.count == 0,
            Kind::Volatile => {
                let chunk = self.directory.chunk_at(spot, position, NEVER_MS - 1);
                if let Some((depth, _, true)) = chunk {
                    return Some(position.segment_end(depth));
                }
                self.directory.earliest_ms(spot) == NEVER_MS
            }
        };
        is_empty.then(|| position.segment_end(spot.depth))
    }

    /// Visits one home bucket; returns where the next begins.
    fn sample_step(
        &self,
        position: Position,
        kind: Kind,
        found: &mut usize,
        visit: &mut impl FnMut(&E),
    ) -> Option<Position> {
        let spot = self.directory.spot(position.hash())?;
        let home = position.home(spot.depth, spot.regular);
        let segment = self.directory.segment(spot);
        if let Some(bucket) = segment.buckets().get(home) {
            bucket.iter().for_each(|(_, entry)| entry.prefetch());
        }
        segment.for_home(home, &self.seed, &mut |entry| {
            if kind == Kind::All || entry.expire_ms().is_some() {
                *found += 1;
                visit(entry);
            }
        });
        position.home_end(spot.depth, spot.regular, home)
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
