//! Putting elements in order: what they are compared by, and the sorting itself.

use alloc::vec::Vec;
use core::{cmp::Ordering, ops::Range};

use vk_data::{
    listpack::Item,
    num::{parse_f64, parse_i64},
};

/// Byte strings one behind the other, by number.
#[derive(Debug, Default)]
pub(super) struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Words {
    /// Room for so many.
    pub(super) fn with_capacity(len: usize) -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::with_capacity(len),
        }
    }

    pub(super) fn push(&mut self, word: &[u8]) {
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn push_item(&mut self, item: Item<'_>) {
        match item {
            Item::Bytes(bytes) => self.push(bytes),
            Item::Int(value) => self.push(itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(at);
        let range = start.copied().unwrap_or(0)..end.copied().unwrap_or(0);
        self.bytes.get(range).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Hints that [`Words::prefetch`] of this word follows.
    #[inline]
    pub(super) fn prefetch_place(&self, at: usize) {
        if let Some(end) = self.ends.get(at) {
            vk_mem::prefetch_read(end);
        }
    }

    /// Hints that this word is about to be read.
    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        if let Some(byte) = self.get(at).first() {
            vk_mem::prefetch_read(byte);
        }
    }

    /// All words in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        (0..self.len()).map(|at| self.get(at))
    }
}

/// Bytes that all words begin with.
pub(super) fn common_prefix<'w>(mut words: impl Iterator<Item = &'w [u8]>) -> usize {
    let mut prefix = words.next().unwrap_or_default();
    for word in words {
        let equal = prefix.iter().zip(word).take_while(|(a, b)| a == b);
        prefix = prefix.get(..equal.count()).unwrap_or_default();
        if prefix.is_empty() {
            break;
        }
    }
    prefix.len()
}

/// An element and the first part of what it is compared by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranked {
    key: u64,
    /// The element's number.
    pub(super) index: usize,
}

impl Ranked {
    /// An element with a number, in the order of numbers.
    #[inline]
    pub(super) fn by_number(index: usize, number: f64) -> Self {
        // Adding zero makes one zero of both.
        let bits = (number + 0.0).to_bits();
        let key = if bits >> 63 == 0 {
            bits | 1 << 63
        } else {
            !bits
        };
        Self { key, index }
    }

    /// An element with a text, in the order of the first bytes behind what all texts begin with.
    #[inline]
    pub(super) fn by_text(index: usize, text: &[u8], common_prefix: usize) -> Self {
        let mut first = [0; 8];
        let text = text.get(common_prefix..).unwrap_or_default();
        for (place, byte) in first.iter_mut().zip(text) {
            *place = *byte;
        }
        Self {
            key: u64::from_be_bytes(first),
            index,
        }
    }
}

/// Sorts so that `window` holds what a whole sort would put there. `tie` compares the elements of
/// equal keys; it must tell all elements apart that differ.
pub(super) fn sort(
    ranked: &mut [Ranked],
    window: Range<usize>,
    descending: bool,
    tie: impl Fn(usize, usize) -> Ordering,
) {
    let ascending = |a: &Ranked, b: &Ranked| a.key.cmp(&b.key).then_with(|| tie(a.index, b.index));
    if descending {
        sort_window(ranked, window, &|a, b| ascending(b, a));
    } else {
        sort_window(ranked, window, &ascending);
    }
}

/// A window of this part of all elements or less is picked out before it is sorted.
const PICK_INSTEAD: usize = 4;

fn sort_window(
    ranked: &mut [Ranked],
    window: Range<usize>,
    compare: &impl Fn(&Ranked, &Ranked) -> Ordering,
) {
    let mut part = ranked;
    if window.is_empty() {
        return;
    }
    if window.len() <= part.len() / PICK_INSTEAD {
        if window.end < part.len() {
            part.select_nth_unstable_by(window.end, compare);
            part = part.get_mut(..window.end).unwrap_or_default();
        }
        if window.start > 0 {
            part.select_nth_unstable_by(window.start, compare);
            part = part.get_mut(window.start..).unwrap_or_default();
        }
    }
    part.sort_unstable_by(compare);
}

/// The number that an element is sorted by, if it is one: as C's `strtod` reads it, which skips
/// white space before it and takes no text for zero.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    if let Some(value) = parse_i64(text) {
        return Some(value as f64);
    }
    let end = text.iter().position(|byte| *byte == 0);
    let text = text.get(..end.unwrap_or(text.len()))?;
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte))?;
    parse_f64(text.get(start..)?)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Ranked, common_prefix, number, sort};

    #[test]
    fn numbers_are_read_as_strtod_does() {
        for (text, value) in [("", 0.0), ("5", 5.0), (" \t-1.5e1", -15.0), ("0x10", 16.0)] {
            assert_eq!(number(text.as_bytes()), Some(value), "{text:?}");
        }
        assert_eq!(number(b"1\0x"), Some(1.0));
        assert_eq!(number(b"-inf"), Some(f64::NEG_INFINITY));
        for text in ["x", " ", "1 ", "1x", "nan", "1e400"] {
            assert_eq!(number(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn texts_are_told_apart_behind_what_they_share() {
        let words = ["key:10", "key:1", "key:2"].map(str::as_bytes);
        assert_eq!(common_prefix(words.into_iter()), 4);
        assert_eq!(common_prefix(core::iter::empty()), 0);
        let key = |word: &[u8]| Ranked::by_text(0, word, 4).key;
        assert!(key(words[1]) < key(words[0]) && key(words[0]) < key(words[2]));
    }

    #[test]
    fn keys_are_in_the_order_of_numbers() {
        let numbers = [
            f64::NEG_INFINITY,
            -2.0,
            -1e-300,
            0.0,
            1e-300,
            1.0,
            f64::INFINITY,
        ];
        let keys: Vec<u64> = numbers
            .iter()
            .map(|n| Ranked::by_number(0, *n).key)
            .collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        assert_eq!(
            Ranked::by_number(0, -0.0).key,
            Ranked::by_number(0, 0.0).key
        );
    }

    #[test]
    fn a_window_holds_what_a_whole_sort_puts_there() {
        let all = || -> Vec<Ranked> {
            (0..200)
                .map(|i| Ranked::by_number(i, ((i * 37) % 50) as f64))
                .collect()
        };
        for descending in [false, true] {
            let mut whole = all();
            sort(&mut whole, 0..200, descending, |a, b| a.cmp(&b));
            for window in [0..1, 0..10, 190..200, 100..120, 7..180, 5..5] {
                let mut part = all();
                sort(&mut part, window.clone(), descending, |a, b| a.cmp(&b));
                let indices = |sorted: &[Ranked]| -> Vec<usize> {
                    sorted[window.clone()].iter().map(|r| r.index).collect()
                };
                assert_eq!(indices(&part), indices(&whole), "{window:?}");
            }
        }
    }
}
