//! How buffers that a peer fills may grow: with what has arrived, never with what was announced.

use crate::RESERVE_AHEAD_BYTES;
use alloc::vec::Vec;

/// An eighth of the length is reserved beyond the need once that is more than
/// [`RESERVE_AHEAD_BYTES`]: with a fixed step the moves of a big buffer would add up to O(n^2).
const GROWTH_SHIFT: u32 = 3;

/// The first allocation of a buffer, in bytes: a short request then needs one, not three.
const FIRST_BYTES: usize = 64;

/// Makes room for `more` items. Small vectors double; big ones get [`RESERVE_AHEAD_BYTES`] or an
/// eighth of their length, whichever is more, so that the spare room stays small.
#[inline]
pub(crate) fn reserve<T>(items: &mut Vec<T>, more: usize) {
    let free = items.capacity().saturating_sub(items.len());
    if free >= more {
        return;
    }
    let item_bytes = size_of::<T>().max(1);
    let doubling = items.len().max(FIRST_BYTES / item_bytes);
    let ahead = doubling
        .min(RESERVE_AHEAD_BYTES / item_bytes)
        .max(items.len() >> GROWTH_SHIFT);
    items.reserve_exact(more.max(ahead));
}

/// Appends `bytes` under the same rule.
#[inline]
pub(crate) fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    reserve(buffer, bytes.len());
    buffer.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spare_room_is_bounded_and_moves_are_few() {
        let (mut buffer, mut moves, mut last) = (Vec::new(), 0, 0);
        for _ in 0..8 * 1024 {
            append(&mut buffer, &[7; 1024]);
            let spare_max = RESERVE_AHEAD_BYTES.max(buffer.len() >> GROWTH_SHIFT);
            assert!(buffer.capacity() <= buffer.len() + spare_max + 1024);
            if buffer.capacity() != last {
                (moves, last) = (moves + 1, buffer.capacity());
            }
        }
        assert!(moves < 60, "{moves}");
    }
}
