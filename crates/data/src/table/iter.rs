//! All entries, one after the other. It waits for no memory where it can ask ahead; it gives no
//! order and survives no change, as SCAN does.

use super::Table;
use super::segment::Segment;
use super::slot::Slot;

/// Buckets whose entries are asked for before they are given out.
const BUCKETS_AHEAD: usize = 3;

impl<E: Slot> Table<E> {
    /// Every entry, in no stated order. Entries are prefetched some buckets ahead.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.directory.iter().flat_map(ahead)
    }
}

fn ahead<E: Slot>(segment: &Segment<E>) -> impl Iterator<Item = &E> {
    let buckets = segment.buckets();
    let prefetch = |at: usize| {
        let entries = buckets.get(at).into_iter().flat_map(|bucket| bucket.iter());
        entries.for_each(|(_, entry)| entry.prefetch());
    };
    (0..BUCKETS_AHEAD).for_each(prefetch);
    let slots = buckets.iter().enumerate().flat_map(move |(at, bucket)| {
        prefetch(at + BUCKETS_AHEAD);
        bucket.iter().map(|(_, entry)| entry)
    });
    slots.chain(segment.spilled())
}
