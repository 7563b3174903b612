//! A leaf: handles in order, each beside a digest of its score that decides most comparisons
//! without a look at the record.
//!
//! The digest is where the score lies in a window that the leaf has chosen around its scores; what
//! lies outside gets the digest of the window's end. So digests never contradict the order: where
//! they are equal, the records decide.

use alloc::vec::Vec;

use super::order_in;
use crate::zset::arena::Arena;
use crate::zset::paged;
use crate::zset::probe::Probe;

/// Entries of a full leaf: with the window, 512 bytes.
pub(super) const LEAF_MAX: usize = 63;
/// A leaf of fewer is merged with a neighbour.
pub(super) const LEAF_MIN: usize = 16;
/// Two leaves become one of up to this many; others share their entries.
const LEAF_MERGED: usize = 47;
/// Entries of a leaf that is made of sorted elements: 448 bytes.
pub(in crate::zset) const LEAF_PLANTED: usize = 55;
/// Bits by which the window is wider than the scores in it.
const SPARE_BITS: u32 = 7;
/// Bits in which the window holds its width.
const SHIFT_BITS: u32 = 6;

/// The first word is the window; then the entries: digest in the high half, handle in the low one.
pub(super) struct Leaf(Vec<u64>);

/// Which orders of scores have which digests.
#[derive(Clone, Copy)]
struct Window(u64);

impl Window {
    /// A window around these orders.
    fn around(first: u64, last: u64) -> Self {
        let span_bits = u64::BITS - last.saturating_sub(first).leading_zeros();
        let shift = (span_bits + SPARE_BITS).saturating_sub(32).min(32);
        let half = 1_u64 << (31 + shift);
        let middle = first / 2 + last / 2;
        // The lowest bits give their place to the shift; the window only gets a little lower.
        let base = middle.saturating_sub(half) >> SHIFT_BITS << SHIFT_BITS;
        Self(base | u64::from(shift))
    }

    const fn shift(self) -> u32 {
        self.0 as u32 & ((1 << SHIFT_BITS) - 1)
    }

    #[inline(always)]
    fn digest(self, order: u64) -> u64 {
        let base = self.0 >> SHIFT_BITS << SHIFT_BITS;
        let digest = order.saturating_sub(base) >> self.shift();
        digest.min(u32::MAX.into())
    }

    /// Another window would tell these orders apart much better.
    fn is_poor_for(self, first: u64, last: u64) -> bool {
        let best = Self::around(first, last);
        self.shift() > best.shift() + SPARE_BITS
            || self.digest(first) == 0 && first != last
            || self.digest(last) == u32::MAX.into() && first != last
    }
}

impl Leaf {
    /// A leaf of elements in order.
    pub(super) fn of(
        arena: &Arena,
        handles: impl ExactSizeIterator<Item = u32> + DoubleEndedIterator + Clone,
        bytes: &mut usize,
    ) -> Self {
        let mut words = Vec::new();
        paged::reserve(&mut words, handles.len() + 1, bytes);
        let mut ends = handles.clone();
        let first = ends.next().unwrap_or(0);
        let last = ends.next_back().unwrap_or(first);
        let window = Window::around(order_in(arena, first), order_in(arena, last));
        words.push(window.0);
        words.extend(handles.map(|handle| entry(window, order_in(arena, handle), handle)));
        Self(words)
    }

    /// As [`Leaf::of`], of elements whose orders are known.
    pub(super) fn of_ordered(elements: &[(u64, u32)], bytes: &mut usize) -> Self {
        let mut words = Vec::new();
        paged::reserve(&mut words, elements.len() + 1, bytes);
        let order = |element: Option<&(u64, u32)>| element.map_or(0, |&(order, _)| order);
        let window = Window::around(order(elements.first()), order(elements.last()));
        words.push(window.0);
        words.extend(
            elements
                .iter()
                .map(|&(order, handle)| entry(window, order, handle)),
        );
        Self(words)
    }

    fn window(&self) -> Window {
        Window(self.0.first().copied().unwrap_or(0))
    }

    #[inline]
    pub(super) fn entries(&self) -> &[u64] {
        self.0.get(1..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// The handles in order.
    pub(super) fn handles(
        &self,
    ) -> impl ExactSizeIterator<Item = u32> + DoubleEndedIterator + Clone {
        self.entries().iter().map(|&entry| entry as u32)
    }

    /// The first handle.
    pub(super) fn first(&self) -> u32 {
        self.0.get(1).map_or(0, |&entry| entry as u32)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        paged::bytes_of(&self.0)
    }

    /// Entries before the place.
    #[inline]
    pub(super) fn place(&self, arena: &Arena, probe: &Probe<'_>) -> usize {
        paged::prefetch(&self.0);
        let entries = self.entries();
        let (start, end) = match probe.order {
            Some(order) => {
                let digest = self.window().digest(order);
                let start = entries.partition_point(|entry| entry >> 32 < digest);
                let equal = entries.get(start..).unwrap_or_default();
                let equal = match equal.first() {
                    Some(entry) if entry >> 32 == digest => {
                        equal.partition_point(|entry| entry >> 32 == digest)
                    }
                    _ => 0,
                };
                (start, start + equal)
            }
            None => (0, entries.len()),
        };
        let undecided = entries.get(start..end).unwrap_or_default();
        start + undecided.partition_point(|&entry| probe.passes(arena, entry as u32))
    }

    /// Puts an element at `place`, which [`Leaf::place`] has given.
    pub(super) fn insert(&mut self, place: usize, order: u64, handle: u32, bytes: &mut usize) {
        let entry = entry(self.window(), order, handle);
        paged::insert(&mut self.0, place + 1, entry, bytes);
    }

    /// Puts another handle in the place of one.
    pub(super) fn replace(&mut self, arena: &Arena, probe: &Probe<'_>, from: u32, to: u32) {
        let place = self.place(arena, probe);
        if let Some(entry) = self.0.get_mut(place)
            && *entry as u32 == from
        {
            *entry = *entry >> 32 << 32 | u64::from(to);
        }
    }

    /// Moves the entry of an element to another place inside of the leaf, but not to its ends or
    /// from the first one, of which the parent knows; whether it was moved.
    pub(super) fn shift(
        &mut self,
        arena: &Arena,
        from: &Probe<'_>,
        to: &Probe<'_>,
        handle: u32,
    ) -> bool {
        let (behind, place) = (self.place(arena, from), self.place(arena, to));
        let last = self.len();
        if behind < 2 || place == 0 || place >= last {
            return false;
        }
        let entry = entry(self.window(), to.order.unwrap_or_default(), handle);
        // The entry is at `behind` among the words, and goes before the one at `place + 1`.
        let words = if behind <= place {
            self.0.get_mut(behind..=place)
        } else {
            self.0.get_mut(place + 1..=behind)
        };
        let Some(words) = words else {
            return false;
        };
        if behind <= place {
            words.rotate_left(1);
            if let Some(word) = words.last_mut() {
                *word = entry;
            }
        } else {
            words.rotate_right(1);
            if let Some(word) = words.first_mut() {
                *word = entry;
            }
        }
        true
    }

    /// Takes out entries.
    pub(super) fn remove(
        &mut self,
        place: usize,
        count: usize,
        bytes: &mut usize,
        mut each: impl FnMut(u32),
    ) {
        let end = (place + 1 + count).min(self.0.len());
        self.0
            .drain((place + 1).min(end)..end)
            .for_each(|entry| each(entry as u32));
        paged::trim(&mut self.0, bytes);
    }

    /// Keeps the first `at` entries; the rest becomes a leaf.
    pub(super) fn split(&mut self, arena: &Arena, at: usize, bytes: &mut usize) -> Self {
        let mut words = Vec::new();
        let moved = self.0.get(at + 1..).unwrap_or_default();
        paged::reserve(&mut words, moved.len() + 1, bytes);
        words.push(self.window().0);
        words.extend_from_slice(moved);
        let mut right = Self(words);
        self.0.truncate(at + 1);
        paged::trim(&mut self.0, bytes);
        right.refit(arena);
        self.refit(arena);
        right
    }

    /// Chooses another window if that is worth it.
    fn refit(&mut self, arena: &Arena) {
        let (first, last) = (self.first(), self.handles().next_back().unwrap_or(0));
        let (first, last) = (order_in(arena, first), order_in(arena, last));
        if !self.window().is_poor_for(first, last) {
            return;
        }
        let window = Window::around(first, last);
        for &entry in self.entries() {
            arena.prefetch(entry as u32);
        }
        if let Some((head, entries)) = self.0.split_first_mut() {
            *head = window.0;
            for place in entries {
                let handle = *place as u32;
                *place = entry(window, order_in(arena, handle), handle);
            }
        }
    }

    /// Merges two neighbours into one (then the second is empty), or shares their entries evenly.
    pub(super) fn balance(left: &mut Self, right: &mut Self, arena: &Arena, bytes: &mut usize) {
        let handles: Vec<u32> = left.handles().chain(right.handles()).collect();
        for &handle in &handles {
            arena.prefetch(handle);
        }
        let at = if handles.len() <= LEAF_MERGED {
            handles.len()
        } else {
            handles.len() / 2
        };
        *bytes -= left.memory_bytes() + right.memory_bytes();
        let (first, second) = handles.split_at(at);
        *left = Self::of(arena, first.iter().copied(), bytes);
        *right = if second.is_empty() {
            Self(Vec::new())
        } else {
            Self::of(arena, second.iter().copied(), bytes)
        };
    }

    pub(super) fn twin(&self) -> Self {
        Self(paged::twin(&self.0))
    }

    /// Checks that the digests are those of the records.
    pub(super) fn recount(&self, arena: &Arena) {
        let window = self.window();
        for &found in self.entries() {
            let handle = found as u32;
            assert_eq!(found, entry(window, order_in(arena, handle), handle));
        }
    }
}

#[inline]
fn entry(window: Window, order: u64, handle: u32) -> u64 {
    window.digest(order) << 32 | u64::from(handle)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Window;

    proptest! {
        #[test]
        fn digests_never_contradict_the_order(first: u64, last: u64, a: u64, b: u64) {
            let window = Window::around(first.min(last), first.max(last));
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(window.digest(low) <= window.digest(high));
        }

        #[test]
        fn a_window_tells_its_scores_apart(first: u64, span in 0_u32..64) {
            let last = first.saturating_add((1 << span) - 1);
            let window = Window::around(first, last);
            prop_assert!(first == last || !window.is_poor_for(first, last));
            let step = (last - first) >> 20;
            if step > 0 {
                for part in 0..32 {
                    let order = first + step * part;
                    prop_assert!(window.digest(order) < window.digest(order + step));
                }
            }
        }
    }
}
