//! Room for entries that are known to come: the splits that their number needs, done at once while
//! there is nothing to be moved.

use super::Table;
use super::directory::NEVER_MS;
use super::segment::Segment;
use super::slot::{KeyHash, Slot};

/// Random hashes split a segment when about so much of it is full.
const FULL_PERCENT: usize = 83;
/// No more is done at once: 2^14 segments are 64 MiB, and take some milliseconds.
const DEPTH_MAX: u8 = 14;

impl<E: Slot> Table<E> {
    /// Makes room for about `len` entries, or for as many as it takes no long time to make room
    /// for. A table that holds anything stays as it is.
    pub fn presize(&mut self, len: usize) {
        if !self.is_empty() || self.cut_is_active() {
            return;
        }
        let class = self.tuning.class_max;
        let full = self.capacity(class) as usize * FULL_PERCENT / 100;
        // As many segments as there would be if none of them was about to split.
        let depth = (len / full.max(1)).checked_ilog2().unwrap_or(0) as u8;
        if depth == 0 {
            return;
        }
        let empty = |depth| (Segment::new(class, depth), NEVER_MS);
        let (segment, earliest_ms) = empty(0);
        self.directory.replace_only(segment, earliest_ms);
        for depth in 0..depth.min(DEPTH_MAX) {
            for number in 0..1_u64 << depth {
                // The shift is none for the one segment of depth 0.
                let hash = KeyHash(number << 1 << (63 - depth));
                self.directory
                    .split(hash, empty(depth + 1), empty(depth + 1));
            }
        }
    }

    /// As [`Table::prefetch_bucket`], for an entry that will be inserted.
    #[inline]
    pub fn prefetch_insert(&self, hash: KeyHash) {
        if let Some(spot) = self.directory.spot(hash) {
            vk_mem::prefetch_read(&self.directory.segment(spot).header);
        }
        self.prefetch_bucket(hash);
    }
}
