//! The ends of ranges as arguments: ranks, scores, names.

use core::ops::Range;

use vk_data::{
    num::{parse_f64, parse_i64},
    zset::{Lex, LexRange, ScoreRange},
};
use vk_resp::Request;

use crate::Error;

/// A range of ranks; negative ones count from the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct RankRange {
    first: i64,
    last: i64,
}

impl RankRange {
    /// The ranks in a sorted set of so many elements.
    pub(super) fn of(self, len: usize) -> Range<usize> {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        let from_start = |rank: i64| if rank < 0 { len + rank } else { rank };
        let first = from_start(self.first).max(0);
        let end = from_start(self.last).saturating_add(1).clamp(0, len);
        let rank = |rank: i64| usize::try_from(rank).unwrap_or(0);
        rank(first.min(end))..rank(end)
    }
}

/// The ranks in two words.
///
/// # Errors
/// A word is no integer.
pub(super) fn rank_range(
    request: Request<'_>,
    first: usize,
    last: usize,
) -> Result<RankRange, Error> {
    let rank = |word| request.arg(word).and_then(parse_i64);
    match (rank(first), rank(last)) {
        (Some(first), Some(last)) => Ok(RankRange { first, last }),
        _ => Err(Error::NOT_AN_INTEGER),
    }
}

/// The scores in two words, each excluded by a parenthesis before it.
///
/// # Errors
/// A word is no number.
pub(super) fn score_range(
    request: Request<'_>,
    min: usize,
    max: usize,
) -> Result<ScoreRange, Error> {
    let bound = |word| request.arg(word).and_then(score_bound);
    match (bound(min), bound(max)) {
        (Some((min, min_excluded)), Some((max, max_excluded))) => Ok(ScoreRange {
            min,
            max,
            min_excluded,
            max_excluded,
        }),
        _ => Err(Error::BOUNDS_NOT_FLOATS),
    }
}

/// A score, and whether it is outside itself.
fn score_bound(word: &[u8]) -> Option<(f64, bool)> {
    let (word, excluded) = match word {
        [b'(', rest @ ..] => (rest, true),
        word => (word, false),
    };
    let blanks = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = word.iter().take_while(|byte| blanks(byte)).count();
    let text = word.get(start..)?;
    let score = parse_f64(text).or_else(|| rounded_away(text))?;
    Some((score, excluded))
}

/// A bound may be too large or too small for a double: it is infinite or zero then.
fn rounded_away(text: &[u8]) -> Option<f64> {
    let score: f64 = core::str::from_utf8(text).ok()?.parse().ok()?;
    (!score.is_nan()).then_some(score)
}

/// The names in two words: `-`, `+`, or a name behind `[` or `(`.
///
/// # Errors
/// A word is none of these.
pub(super) fn lex_range<'r>(
    request: Request<'r>,
    min: usize,
    max: usize,
) -> Result<LexRange<'r>, Error> {
    let bound = |word| request.arg(word).and_then(lex_bound);
    match (bound(min), bound(max)) {
        (Some(min), Some(max)) => Ok(LexRange { min, max }),
        _ => Err(Error::BOUNDS_NOT_NAMES),
    }
}

fn lex_bound(word: &[u8]) -> Option<Lex<'_>> {
    Some(match word {
        b"-" => Lex::Min,
        b"+" => Lex::Max,
        [b'[', name @ ..] => Lex::Inclusive(name),
        [b'(', name @ ..] => Lex::Exclusive(name),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{RankRange, score_bound};

    #[test]
    fn ranks_count_from_either_end() {
        for (first, last, len, ranks) in [
            (0, -1, 5, 0..5),
            (1, 3, 5, 1..4),
            (-2, -1, 5, 3..5),
            (-9, 1, 5, 0..2),
            (0, -9, 5, 0..0),
            (3, 1, 5, 2..2),
            (9, 12, 5, 5..5),
            (0, i64::MAX, 5, 0..5),
            (i64::MIN, i64::MAX, 5, 0..5),
            (i64::MIN, i64::MIN, 5, 0..0),
            (0, -1, 0, 0..0),
        ] {
            let found = RankRange { first, last }.of(len);
            assert_eq!(found.len(), ranks.len(), "{first} {last} {len}");
            if !ranks.is_empty() {
                assert_eq!(found, ranks, "{first} {last} {len}");
            }
        }
    }

    #[test]
    fn scores_are_read_leniently() {
        for (word, bound) in [
            ("1.5", Some((1.5, false))),
            ("(1.5", Some((1.5, true))),
            ("-inf", Some((f64::NEG_INFINITY, false))),
            ("(+inf", Some((f64::INFINITY, true))),
            (" 1", Some((1.0, false))),
            ("1e400", Some((f64::INFINITY, false))),
            ("1e-400", Some((0.0, false))),
            ("0x10", Some((16.0, false))),
            ("", None),
            ("(", None),
            ("nan", None),
            ("1x", None),
            ("1 ", None),
            ("((1", None),
        ] {
            assert_eq!(score_bound(word.as_bytes()), bound, "{word}");
        }
    }
}
