//! LZF, the compression of strings in RDB. The compressor finds what Marc Lehmann's liblzf finds in
//! its fast form, so that equal values give equal payloads on every server.
//!
//! ```text
//! 000lllll             l + 1 literal bytes follow
//! lllooooo oooooooo    l + 2 bytes, copied from o + 1 bytes back; l is 1 to 6
//! 111ooooo llllllll oooooooo    l + 9 bytes, copied from o + 1 bytes back
//! ```

use alloc::vec;
use alloc::vec::Vec;

/// Most literal bytes of a run.
const LITERALS_MAX: usize = 32;
/// How far back a copy may reach.
const REACH: usize = 1 << 13;
/// The longest copy is two bytes longer.
const COPY_MAX: usize = (1 << 8) + (1 << 3);
/// Bits of the hash of three bytes.
const HASH_BITS: u32 = 16;
/// No compressed byte gives more bytes than this: three give at most 264.
const EXPANSION_MAX: usize = COPY_MAX / 3;

/// What compresses; it keeps its table, which is worth keeping between strings.
#[derive(Debug, Default)]
pub struct Compressor {
    /// For each hash: where it occurred last, counted from `base`. Empty before its first use.
    table: Vec<u32>,
    /// Entries up to here are those of earlier strings.
    base: u32,
}

/// Strings up to this length get along with a table that is quickly cleared.
const SHORT_MAX: usize = 512;
const SHORT_SLOTS: usize = 1024;

/// Where hashes occurred last. The first byte of a string is never copied, so 0 is nowhere.
trait Places {
    /// Notes a place; returns the one before.
    fn exchange(&mut self, hash: u16, at: usize) -> usize;
}

/// A small table with open addressing: hash and place.
struct Short([(u16, u16); SHORT_SLOTS]);

impl Places for Short {
    #[inline]
    fn exchange(&mut self, hash: u16, at: usize) -> usize {
        let mut slot = usize::from(hash) % SHORT_SLOTS;
        // At most one slot is filled for each byte of the string, so half of them stay free. The
        // place is stored plus one, so that a slot with 0 is free.
        loop {
            let (known, place) = &mut self.0[slot];
            if *place == 0 || *known == hash {
                let before = usize::from(*place).saturating_sub(1);
                (*known, *place) = (hash, at as u16 + 1);
                return before;
            }
            slot = (slot + 1) % SHORT_SLOTS;
        }
    }
}

/// A table with a slot for each hash.
struct Long<'t> {
    table: &'t mut [u32],
    base: u32,
}

impl Places for Long<'_> {
    #[inline]
    fn exchange(&mut self, hash: u16, at: usize) -> usize {
        let Some(slot) = self.table.get_mut(usize::from(hash)) else {
            return 0;
        };
        let before = slot.checked_sub(self.base).unwrap_or(0);
        *slot = self.base + at as u32;
        before as usize
    }
}

impl Compressor {
    /// One that has nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            table: Vec::new(),
            base: 0,
        }
    }

    /// Appends the compressed form of `input` to `out`; `false`, and nothing is appended, if it
    /// would not be shorter than `bytes_max` allows.
    pub fn compress(&mut self, input: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let Ok(len) = u32::try_from(input.len()) else {
            return false;
        };
        let done = if input.is_empty() || bytes_max == 0 {
            false
        } else if input.len() <= SHORT_MAX {
            let mut short = Short([(0, 0); SHORT_SLOTS]);
            Run::new(input, start, bytes_max, out).compress(&mut short)
        } else {
            if self.table.is_empty() || self.base.checked_add(len).is_none() {
                self.table = vec![0; 1 << HASH_BITS];
                self.base = 0;
            }
            let mut long = Long {
                table: &mut self.table,
                base: self.base,
            };
            let done = Run::new(input, start, bytes_max, out).compress(&mut long);
            self.base += len;
            done
        };
        if !done {
            out.truncate(start);
        }
        done
    }
}

/// One string on its way.
struct Run<'a> {
    input: &'a [u8],
    out: &'a mut Vec<u8>,
    /// Where the compressed form begins in `out`.
    start: usize,
    bytes_max: usize,
    /// Literals since the last copy; their count goes into the byte before them.
    literals: usize,
    at: usize,
}

impl<'a> Run<'a> {
    fn new(input: &'a [u8], start: usize, bytes_max: usize, out: &'a mut Vec<u8>) -> Self {
        out.push(0);
        Self {
            input,
            out,
            start,
            bytes_max,
            literals: 0,
            at: 0,
        }
    }

    /// Bytes so far, the count of the literals included.
    fn len(&self) -> usize {
        self.out.len() - self.start
    }

    fn byte(&self, at: usize) -> u8 {
        self.input.get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn hash(&self, at: usize) -> u16 {
        let Some(&[a, b, c]) = self.input.get(at..).and_then(|rest| rest.first_chunk()) else {
            return 0;
        };
        let bytes = u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c);
        // Bytes further back only reach bits that are cut off here.
        (bytes >> (24 - HASH_BITS)).wrapping_sub(bytes.wrapping_mul(5)) as u16
    }

    fn compress(mut self, places: &mut impl Places) -> bool {
        let end = self.input.len();
        let last = end.saturating_sub(2);
        while self.at < last {
            let from = places.exchange(self.hash(self.at), self.at);
            if self.matches(from) {
                if !self.copy(from) {
                    return false;
                }
                if self.at >= last {
                    break;
                }
                for at in [self.at - 2, self.at - 1] {
                    places.exchange(self.hash(at), at);
                }
            } else {
                if self.len() >= self.bytes_max {
                    return false;
                }
                self.literal();
            }
        }
        // The last bytes, at most three.
        if self.len() + 3 > self.bytes_max {
            return false;
        }
        while self.at < end {
            self.literal();
        }
        self.end_literals();
        true
    }

    #[inline]
    fn matches(&self, from: usize) -> bool {
        from > 0
            && self.at - from <= REACH
            && self.input.get(from..from + 3) == self.input.get(self.at..self.at + 3)
    }

    fn literal(&mut self) {
        let byte = self.byte(self.at);
        self.out.push(byte);
        self.at += 1;
        self.literals += 1;
        if self.literals == LITERALS_MAX {
            self.end_literals();
            self.out.push(0);
        }
    }

    /// Writes the count of the literals, or takes back the byte for it if there are none.
    fn end_literals(&mut self) {
        if self.literals == 0 {
            self.out.pop();
        } else {
            let count_at = self.out.len() - self.literals - 1;
            if let Some(count) = self.out.get_mut(count_at) {
                *count = (self.literals - 1) as u8;
            }
        }
        self.literals = 0;
    }

    fn copy(&mut self, from: usize) -> bool {
        let unused = usize::from(self.literals == 0);
        if self.len() - unused + 4 >= self.bytes_max {
            return false;
        }
        self.end_literals();
        let (offset, extra) = (self.at - from - 1, self.equal(from) - 2);
        if extra < 7 {
            self.out.push((offset >> 8) as u8 | (extra as u8) << 5);
        } else {
            self.out.push((offset >> 8) as u8 | 7 << 5);
            self.out.push((extra - 7) as u8);
        }
        self.out.push(offset as u8);
        self.out.push(0);
        self.at += extra + 2;
        true
    }

    /// Bytes that are the same here and at `from`, of which three are known to be. The first
    /// sixteen are compared without a look at the end where that is safe, which makes a copy near
    /// the end up to two bytes longer; others depend on the exact form.
    fn equal(&self, from: usize) -> usize {
        let most = (self.input.len() - self.at - 2).min(COPY_MAX);
        let same = |len: usize| self.byte(from + len) == self.byte(self.at + len);
        let mut len = 2;
        if most > 16 {
            for _ in 0..16 {
                len += 1;
                if !same(len) {
                    return len;
                }
            }
        }
        loop {
            len += 1;
            if len >= most || !same(len) {
                return len;
            }
        }
    }
}

/// The `len` bytes that `input` stands for; `None` if it stands for something else.
#[must_use]
pub fn decompress(input: &[u8], len: usize) -> Option<Vec<u8>> {
    if len > input.len().saturating_mul(EXPANSION_MAX) {
        return None;
    }
    let mut out = Vec::with_capacity(len);
    let mut rest = input;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        let count = usize::from(first >> 5);
        if count == 0 {
            let (literals, behind) = rest.split_at_checked(usize::from(first) + 1)?;
            if literals.len() > len - out.len() {
                return None;
            }
            out.extend_from_slice(literals);
            rest = behind;
            continue;
        }
        let mut copied = count + 2;
        if count == 7 {
            let (&more, behind) = rest.split_first()?;
            copied += usize::from(more);
            rest = behind;
        }
        let (&low, behind) = rest.split_first()?;
        rest = behind;
        let back = (usize::from(first & 31) << 8 | usize::from(low)) + 1;
        let from = out.len().checked_sub(back)?;
        if copied > len - out.len() {
            return None;
        }
        if back == 1 {
            let byte = *out.last()?;
            out.resize(out.len() + copied, byte);
            continue;
        }
        // The copy may run into what it writes: what is there repeats, twice as much each time.
        let mut left = copied;
        while left > 0 {
            let there = (out.len() - from).min(left);
            out.extend_from_within(from..from + there);
            left -= there;
        }
    }
    (out.len() == len).then_some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compressed(compressor: &mut Compressor, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut out = std::vec![1, 2, 3];
        let done = compressor.compress(bytes, bytes.len().saturating_sub(4), &mut out);
        assert_eq!(out.get(..3), Some(&[1, 2, 3][..]));
        out.drain(..3);
        assert_eq!(done, !out.is_empty());
        done.then_some(out)
    }

    #[test]
    fn known_forms() {
        let mut compressor = Compressor::new();
        // As DUMP of `a` * 30 has it.
        let expected: &[u8] = &[1, b'a', b'a', 0xe0, 17, 0, 1, b'a', b'a'];
        assert_eq!(
            compressed(&mut compressor, &[b'a'; 30]).as_deref(),
            Some(expected)
        );
        assert_eq!(
            compressed(&mut compressor, b"abcdefghijklmnopqrstuvwxyz"),
            None
        );
    }

    #[test]
    fn broken_forms() {
        for (input, len) in [
            (&[][..], 1),
            (&[5, 1, 2], 6),
            (&[0x20, 0], 3),
            (&[0, 7, 0xe0], 12),
            (&[0, 7, 0x20, 1], 4),
            (&[0, 7, 0x20, 0], 5),
            (&[0, 7, 0x20, 0], 3),
            (&[0, 7], usize::MAX),
        ] {
            assert_eq!(decompress(input, len), None, "{input:?}");
        }
        assert_eq!(decompress(&[0, 7, 0x20, 0], 4), Some(std::vec![7; 4]));
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        const WORDS: &[&[u8]] = &[b"a", b"bc", b"hello ", b"\0\0\0\0", b"0123456789"];
        let word = prop::sample::select(WORDS);
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100),
            prop::collection::vec(word, 0..400).prop_map(|words| words.concat()),
            (0_usize..20_000, any::<u8>()).prop_map(|(len, byte)| std::vec![byte; len]),
        ]
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(texts in prop::collection::vec(text(), 1..4)) {
            let mut compressor = Compressor::new();
            for text in texts {
                if let Some(short) = compressed(&mut compressor, &text) {
                    prop_assert!(short.len() + 4 <= text.len());
                    prop_assert_eq!(decompress(&short, text.len()), Some(text.clone()));
                    // What was compressed before changes nothing.
                    prop_assert_eq!(compressed(&mut Compressor::new(), &text), Some(short));
                }
            }
        }

        #[test]
        fn both_tables_find_the_same(bytes in text()) {
            let bytes = &bytes[..bytes.len().min(SHORT_MAX)];
            if bytes.is_empty() {
                return Ok(());
            }
            let (mut short, mut long) = (Vec::new(), Vec::new());
            let limit = bytes.len();
            let mut slots = Short([(0, 0); SHORT_SLOTS]);
            let mut table = std::vec![0; 1 << HASH_BITS];
            let mut places = Long { table: &mut table, base: 0 };
            let done = Run::new(bytes, 0, limit, &mut short).compress(&mut slots);
            prop_assert_eq!(Run::new(bytes, 0, limit, &mut long).compress(&mut places), done);
            prop_assert_eq!(short, long);
        }

        #[test]
        fn any_bytes(input: Vec<u8>, len in 0_usize..4000) {
            if let Some(bytes) = decompress(&input, len) {
                prop_assert_eq!(bytes.len(), len);
            }
        }
    }
}
