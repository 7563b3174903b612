//! Ids of stream entries: their order, their text. Not how the next one is chosen.

use crate::num::parse_i64;

/// The id of an entry: a time in Unix milliseconds and a number that tells apart what came within
/// one millisecond. Ids of a stream only grow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct StreamId {
    /// Milliseconds.
    pub ms: u64,
    /// Sequence number within the millisecond.
    pub seq: u64,
}

/// Longest text of an id in bytes: two numbers and a dash.
pub const ID_TEXT_MAX: usize = 41;

/// Longer words are no ids, whatever is in them.
const ID_WORD_MAX: usize = 127;

impl StreamId {
    /// The smallest id, which no entry has.
    pub const MIN: Self = Self { ms: 0, seq: 0 };
    /// The largest id.
    pub const MAX: Self = Self {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    /// An id of its parts.
    #[must_use]
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The id right after this one; `None` after the largest.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match (self.seq.checked_add(1), self.ms.checked_add(1)) {
            (Some(seq), _) => Some(Self::new(self.ms, seq)),
            (None, Some(ms)) => Some(Self::new(ms, 0)),
            (None, None) => None,
        }
    }

    /// The id right before this one; `None` before the smallest.
    #[must_use]
    pub const fn prev(self) -> Option<Self> {
        match (self.seq.checked_sub(1), self.ms.checked_sub(1)) {
            (Some(seq), _) => Some(Self::new(self.ms, seq)),
            (None, Some(ms)) => Some(Self::new(ms, u64::MAX)),
            (None, None) => None,
        }
    }

    /// It is 0-0.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.ms == 0 && self.seq == 0
    }

    /// The id of a word `ms` or `ms-seq`; `missing_seq` where the second part is left out.
    #[must_use]
    pub fn parse(word: &[u8], missing_seq: u64) -> Option<Self> {
        let (ms, seq) = split(word)?;
        let seq = match seq {
            None => missing_seq,
            Some(seq) => parse_number(seq)?,
        };
        Some(Self::new(parse_number(ms)?, seq))
    }

    /// The milliseconds of a word `ms-*`.
    #[must_use]
    pub fn parse_open(word: &[u8]) -> Option<u64> {
        match split(word)? {
            (ms, Some(b"*")) => parse_number(ms),
            _ => None,
        }
    }

    /// The text `ms-seq`, written into `text`.
    #[inline]
    #[must_use]
    pub fn format(self, text: &mut [u8; ID_TEXT_MAX]) -> &[u8] {
        let mut at = put_digits(text, ID_TEXT_MAX, self.seq).saturating_sub(1);
        if let Some(slot) = text.get_mut(at) {
            *slot = b'-';
        }
        at = put_digits(text, at, self.ms);
        text.get(at..).unwrap_or_default()
    }

    /// Sixteen bytes, big-endian, whose order is that of the ids: as snapshots have them.
    #[must_use]
    pub fn to_be_bytes(self) -> [u8; 16] {
        (u128::from(self.ms) << 64 | u128::from(self.seq)).to_be_bytes()
    }

    /// The id of what [`Self::to_be_bytes`] gives.
    #[must_use]
    pub const fn from_be_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self::new((both >> 64) as u64, both as u64)
    }
}

/// The two parts of a word, which the first dash divides.
fn split(word: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    if word.len() > ID_WORD_MAX {
        return None;
    }
    let Some(dash) = word.iter().position(|byte| *byte == b'-') else {
        return Some((word, None));
    };
    let (ms, rest) = word.split_at_checked(dash)?;
    Some((ms, rest.get(1..)))
}

/// An unsigned number, read as leniently as `strtoull` does: blanks before it, a plus sign and
/// leading zeros are fine.
fn parse_number(word: &[u8]) -> Option<u64> {
    if let Some(number) = parse_i64(word) {
        return u64::try_from(number).ok();
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = word.iter().position(|byte| !is_blank(byte))?;
    let digits = word.get(start..)?;
    let (negative, digits) = match digits {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(digit.into())
    })?;
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

/// Writes digits that end before `end`; returns where they begin.
#[inline]
fn put_digits(text: &mut [u8; ID_TEXT_MAX], end: usize, number: u64) -> usize {
    let (mut at, mut left) = (end, number);
    loop {
        at = at.saturating_sub(1);
        if let Some(slot) = text.get_mut(at) {
            *slot = b'0' + (left % 10) as u8;
        }
        left /= 10;
        if left == 0 {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ID_TEXT_MAX, StreamId};

    fn text(id: StreamId) -> alloc::string::String {
        alloc::string::String::from_utf8_lossy(id.format(&mut [0; ID_TEXT_MAX])).into_owned()
    }

    #[test]
    fn neighbours() {
        let id = StreamId::new;
        assert_eq!(id(1, 2).next(), Some(id(1, 3)));
        assert_eq!(id(1, u64::MAX).next(), Some(id(2, 0)));
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(id(1, 0).prev(), Some(id(0, u64::MAX)));
        assert_eq!(id(1, 4).prev(), Some(id(1, 3)));
        assert_eq!(StreamId::MIN.prev(), None);
    }

    #[test]
    fn words() {
        let id = |word: &str| StreamId::parse(word.as_bytes(), 7);
        let some = |ms, seq| Some(StreamId::new(ms, seq));
        assert_eq!(id("5"), some(5, 7));
        assert_eq!(id("5-6"), some(5, 6));
        assert_eq!(id("0-0"), some(0, 0));
        assert_eq!(
            id("18446744073709551615-18446744073709551615"),
            Some(StreamId::MAX)
        );
        assert_eq!(id("18446744073709551616-0"), None);
        for bad in [
            "", "-", "+", "-5", "5-", "a", "5-a", "5-6-7", "5-*", "*", "5 ", "(5",
        ] {
            assert_eq!(id(bad), None, "{bad}");
        }
        assert_eq!(id("007-+1"), some(7, 1));
        assert_eq!(id(&"0".repeat(127)), some(0, 7));
        assert_eq!(id(&"0".repeat(128)), None);
        assert_eq!(StreamId::parse_open(b"5-*"), Some(5));
        assert_eq!(StreamId::parse_open(b"5-**"), None);
        assert_eq!(StreamId::parse_open(b"*"), None);
        assert_eq!(text(StreamId::MAX).len(), ID_TEXT_MAX);
    }

    proptest! {
        #[test]
        fn text_and_bytes_round_trip(ms: u64, seq: u64, other: (u64, u64)) {
            let id = StreamId::new(ms, seq);
            prop_assert_eq!(text(id), alloc::format!("{ms}-{seq}"));
            prop_assert_eq!(StreamId::parse(text(id).as_bytes(), 0), Some(id));
            prop_assert_eq!(StreamId::from_be_bytes(id.to_be_bytes()), id);
            let other = StreamId::new(other.0, other.1);
            prop_assert_eq!(id.cmp(&other), id.to_be_bytes().cmp(&other.to_be_bytes()));
        }
    }
}
