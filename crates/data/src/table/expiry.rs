//! Expiry by segment: a count of volatile entries and a lower bound of the earliest time, so that
//! finding what is due opens only segments with something due. It removes nothing: whoever finds a
//! due entry has more to do than the table knows.

use super::directory::{NEVER_MS, Spot};
use super::position::Position;
use super::slot::Slot;
use super::{Facts, Table};

/// Segments passed over at the price of one examined entry.
const SEGMENTS_PER_STEP: usize = 64;

/// What a segment notes of an entry's time, so that the end of all times is not taken for none.
#[inline]
pub(super) fn bound(due_ms: i64) -> i64 {
    due_ms.min(NEVER_MS - 1)
}

/// Where an expiry pass is. The default is the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiryPosition(u64);

impl<E: Slot> Table<E> {
    /// Entries that expire.
    #[must_use]
    pub fn volatile_len(&self) -> usize {
        self.totals.volatile
    }

    /// Mean time to live of the entries that expire, 0 if there is none or it has passed.
    #[must_use]
    pub fn ttl_mean_ms(&self, now_ms: i64) -> u64 {
        let Ok(volatile @ 1..) = i128::try_from(self.totals.volatile) else {
            return 0;
        };
        let mean = self.totals.expire_sum_ms / volatile - i128::from(now_ms);
        u64::try_from(mean.max(0)).unwrap_or(u64::MAX)
    }

    /// Calls `due` for entries that are due by `now_ms`, segment by segment from `position`
    /// on, until about `budget` entries were examined (one segment more at most). `true` when the
    /// pass has come round; `position` is then the start again.
    ///
    /// The caller removes what is due; what it leaves is found again in the next pass.
    pub fn expired_slice(
        &mut self,
        now_ms: i64,
        budget: usize,
        position: &mut ExpiryPosition,
        due: &mut impl FnMut(&E),
    ) -> bool {
        let mut spent = 0;
        if self.totals.due == 0 {
            *position = ExpiryPosition::default();
            return true;
        }
        let mut skipped_segments = 0;
        while spent + skipped_segments / SEGMENTS_PER_STEP < budget.max(1) {
            let here = Position(position.0);
            let Some(spot) = self.directory.spot(here.hash()) else {
                break;
            };
            let next = match self.chunk_end_if_resting(here, spot, now_ms) {
                Some((next, segments)) => {
                    skipped_segments += segments;
                    next
                }
                None => {
                    skipped_segments += 1;
                    if self.directory.earliest_ms(spot) <= now_ms {
                        spent += self.open(spot, now_ms, due);
                    }
                    here.segment_end(spot.depth)
                }
            };
            let Some(next) = next else {
                *position = ExpiryPosition::default();
                return true;
            };
            *position = ExpiryPosition(next.0);
        }
        false
    }

    /// At the start of a chunk in which nothing is due: the chunk's end and its segments.
    fn chunk_end_if_resting(
        &self,
        here: Position,
        spot: Spot,
        now_ms: i64,
    ) -> Option<(Option<Position>, usize)> {
        let (depth, segments, rests) = self.directory.chunk_at(spot, here, now_ms)?;
        rests.then(|| (here.segment_end(depth), segments))
    }

    /// Examines one segment and renews its bound. Returns the entries examined.
    fn open(&mut self, spot: Spot, now_ms: i64, due: &mut impl FnMut(&E)) -> usize {
        let mut earliest_ms = NEVER_MS;
        let segment = self.directory.segment(spot);
        segment.prefetch();
        for entry in segment.iter() {
            let Some(due_ms) = entry.due_ms() else {
                continue;
            };
            earliest_ms = earliest_ms.min(bound(due_ms));
            if due_ms <= now_ms {
                due(entry);
            }
        }
        let examined = segment.header.count as usize;
        self.directory.set_earliest_ms(spot, earliest_ms);
        examined
    }

    pub(super) fn expire_in(&mut self, spot: Spot, facts: Facts) {
        if let Some(expire_ms) = facts.expire_ms {
            self.totals.volatile += 1;
            self.totals.expire_sum_ms += i128::from(expire_ms);
        }
        let Some(due_ms) = facts.due_ms else {
            return;
        };
        self.totals.due += 1;
        self.directory.segment_mut(spot).header.volatile += 1;
        if bound(due_ms) < self.directory.earliest_ms(spot) {
            self.directory.set_earliest_ms(spot, bound(due_ms));
        }
    }

    pub(super) fn expire_out(&mut self, spot: Spot, facts: Facts) {
        if let Some(expire_ms) = facts.expire_ms {
            self.totals.volatile -= 1;
            self.totals.expire_sum_ms -= i128::from(expire_ms);
        }
        if facts.due_ms.is_none() {
            return;
        }
        self.totals.due -= 1;
        let header = &mut self.directory.segment_mut(spot).header;
        header.volatile -= 1;
        if header.volatile == 0 {
            self.directory.set_earliest_ms(spot, NEVER_MS);
        }
    }

    /// A time before which no entry is due; far away if none ever is. Looks at every segment.
    #[must_use]
    pub fn earliest_due_ms(&self) -> i64 {
        self.directory.earliest_due_ms()
    }
}
