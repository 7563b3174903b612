//! SCAN: a cursor is a hash position, so what lies before it has been returned, however the table
//! grows and shrinks meanwhile: splits and merges only refine and coarsen the ranges of positions.

use super::Table;
use super::position::{POSITION_BITS, Position};
use super::slot::Slot;

/// Buckets visited per wanted item, at most.
const BUCKETS_PER_ITEM_MAX: usize = 10;

impl<E: Slot> Table<E> {
    /// Visits whole home buckets from `cursor` on until `items_min` entries were visited or ten
    /// times as many buckets. Returns the cursor to go on with; 0 is the start and the end.
    ///
    /// Guarantee: an entry that is in the table from the call with 0 to the call that returns 0 is
    /// visited at least once. Cursors are below 2^48; a greater one visits nothing and ends.
    pub fn scan(&self, cursor: u64, items_min: usize, visit: &mut impl FnMut(&E)) -> u64 {
        if cursor >> POSITION_BITS != 0 {
            return 0;
        }
        let mut position = Position(cursor);
        let mut items = 0;
        let steps_max = items_min.max(1).saturating_mul(BUCKETS_PER_ITEM_MAX);
        for _ in 0..steps_max {
            let Some(next) = self.scan_step(position, &mut items, visit) else {
                return 0;
            };
            position = next;
            if items >= items_min {
                break;
            }
        }
        position.0
    }

    /// Visits one home bucket, or passes over one empty segment.
    fn scan_step(
        &self,
        position: Position,
        items: &mut usize,
        visit: &mut impl FnMut(&E),
    ) -> Option<Position> {
        let spot = self.directory.spot(position.hash())?;
        let segment = self.directory.segment(spot);
        if segment.header.count == 0 {
            return position.segment_end(spot.depth);
        }
        let home = position.home(spot.depth, spot.regular);
        // A merge may have put the cursor into the middle of a bucket, whose first part has been
        // visited already.
        let whole = position.home_start(spot.depth, spot.regular, home) == position;
        segment.for_home(home, &self.seed, &mut |entry| {
            if whole || Position::of(entry.hash(&self.seed)) >= position {
                *items += 1;
                visit(entry);
            }
        });
        position.home_end(spot.depth, spot.regular, home)
    }
}
