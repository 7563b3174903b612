//! The longest common subsequence of two byte strings, as the command LCS reports it.
//!
//! Not a diff: no edit script, only the subsequence, its length and the stretches that match. Which
//! of several longest subsequences is reported is part of the wire contract: the walk goes from
//! the ends, and where both neighbours are equally good it shortens the second string.
//!
//! Time is O(a * b). The memory is one bit per cell plus two rows, where the command's contract
//! counts a 32-bit table; the caller's limit is checked against that contractual size, so that the
//! same inputs are refused, and so that the limit bounds the work too.
//! Source: <https://valkey.io/commands/lcs/>.

use alloc::vec::Vec;

/// Why a comparison is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LcsError {
    /// A string is `u32::MAX - 1` bytes or longer.
    TooLong,
    /// The 32-bit table would take more bytes than the limit.
    ExceedsLimit,
    /// The allocator had no memory.
    OutOfMemory,
}

/// One stretch of equal bytes; all ends are inclusive byte positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LcsMatch {
    /// First byte in the first string.
    pub a_first: u32,
    /// Last byte in the first string.
    pub a_last: u32,
    /// First byte in the second string.
    pub b_first: u32,
    /// Last byte in the second string.
    pub b_last: u32,
}

impl LcsMatch {
    /// Length of the stretch in bytes; at least 1.
    #[must_use]
    pub const fn match_len(&self) -> u64 {
        self.a_last.saturating_sub(self.a_first) as u64 + 1
    }

    /// Moves both beginnings back by one, if `(a, b)` is the pair just before them.
    fn extend_back(&mut self, a: u32, b: u32) -> bool {
        let adjacent =
            a.checked_add(1) == Some(self.a_first) && b.checked_add(1) == Some(self.b_first);
        if adjacent {
            self.a_first = a;
            self.b_first = b;
        }
        adjacent
    }
}

/// Length of the longest common subsequence; needs memory for one row of the shorter string.
///
/// # Errors
/// See [`LcsError`]; `memory_max` is in bytes of the contractual table.
pub fn lcs_len(a: &[u8], b: &[u8], memory_max: u64) -> Result<u64, LcsError> {
    check_size(a, b, memory_max)?;
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let mut row = zeros(short.len())?;
    for &x in long {
        fill_row(x, short, &mut row, |_, _| {});
    }
    Ok(row.last().copied().unwrap_or(0).into())
}

/// The longest common subsequence itself.
///
/// # Errors
/// See [`LcsError`]; `memory_max` is in bytes of the contractual table.
pub fn lcs_bytes(a: &[u8], b: &[u8], memory_max: u64) -> Result<Vec<u8>, LcsError> {
    let table = Table::build(a, b, memory_max)?;
    let mut out = Vec::new();
    out.try_reserve_exact(table.len as usize)
        .map_err(|_| LcsError::OutOfMemory)?;
    table.walk(a, b, |_, _, byte| out.push(byte));
    out.reverse();
    Ok(out)
}

/// The length, and the matching stretches of at least `match_len_min` bytes, last one first.
///
/// # Errors
/// See [`LcsError`]; `memory_max` is in bytes of the contractual table.
pub fn lcs_matches(
    a: &[u8],
    b: &[u8],
    match_len_min: u64,
    memory_max: u64,
) -> Result<(u64, Vec<LcsMatch>), LcsError> {
    let table = Table::build(a, b, memory_max)?;
    let mut matches = Vec::new();
    let mut open: Option<LcsMatch> = None;
    let mut close = |stretch: Option<LcsMatch>| {
        matches.extend(stretch.filter(|m| m.match_len() >= match_len_min));
    };
    table.walk(a, b, |i, j, _| {
        if !open
            .as_mut()
            .is_some_and(|stretch| stretch.extend_back(i, j))
        {
            close(open.replace(LcsMatch {
                a_first: i,
                a_last: i,
                b_first: j,
                b_last: j,
            }));
        }
    });
    close(open);
    Ok((table.len.into(), matches))
}

/// Bytes of the table of 32-bit lengths that the command's contract counts; None beyond `u64`.
fn table_bytes(a_len: usize, b_len: usize) -> Option<u64> {
    let rows = u64::try_from(a_len).ok()?.checked_add(1)?;
    let columns = u64::try_from(b_len).ok()?.checked_add(1)?;
    rows.checked_mul(columns)?.checked_mul(4)
}

fn check_size(a: &[u8], b: &[u8], memory_max: u64) -> Result<(), LcsError> {
    const LEN_END: u64 = u32::MAX as u64 - 1;
    if a.len() as u64 >= LEN_END || b.len() as u64 >= LEN_END {
        return Err(LcsError::TooLong);
    }
    match table_bytes(a.len(), b.len()) {
        Some(bytes) if bytes <= memory_max => Ok(()),
        _ => Err(LcsError::ExceedsLimit),
    }
}

/// A row of `len` lengths, for the prefixes 1..=len of the column string. (Prefix 0 is always 0.)
fn zeros(len: usize) -> Result<Vec<u32>, LcsError> {
    let mut row = Vec::new();
    row.try_reserve_exact(len)
        .map_err(|_| LcsError::OutOfMemory)?;
    row.resize(len, 0);
    Ok(row)
}

/// Turns the row of the prefix without `x` into the row with it. `up` is told, per column, whether
/// dropping `x` keeps strictly more than dropping the column's byte.
fn fill_row(x: u8, columns: &[u8], row: &mut [u32], mut up: impl FnMut(usize, bool)) {
    let (mut diagonal, mut left) = (0u32, 0u32);
    for (at, (&y, cell)) in columns.iter().zip(row.iter_mut()).enumerate() {
        let above = *cell;
        up(at, above > left);
        *cell = if x == y {
            diagonal.saturating_add(1)
        } else {
            above.max(left)
        };
        (diagonal, left) = (above, *cell);
    }
}

/// One direction bit per cell, enough to walk the way back.
struct Table {
    up: Vec<u64>,
    row_words: usize,
    len: u32,
}

impl Table {
    fn build(a: &[u8], b: &[u8], memory_max: u64) -> Result<Self, LcsError> {
        check_size(a, b, memory_max)?;
        let row_words = b.len().div_ceil(64);
        let words = row_words
            .checked_mul(a.len())
            .ok_or(LcsError::OutOfMemory)?;
        let mut up: Vec<u64> = Vec::new();
        up.try_reserve_exact(words)
            .map_err(|_| LcsError::OutOfMemory)?;
        up.resize(words, 0);
        let mut row = zeros(b.len())?;
        if row_words > 0 {
            for (&x, bits) in a.iter().zip(up.chunks_exact_mut(row_words)) {
                fill_row(x, b, &mut row, |at, is_up| {
                    if let Some(word) = bits.get_mut(at / 64) {
                        *word |= u64::from(is_up) << (at % 64);
                    }
                });
            }
        }
        Ok(Self {
            up,
            row_words,
            len: row.last().copied().unwrap_or(0),
        })
    }

    fn is_up(&self, i: usize, j: usize) -> bool {
        let word = self
            .up
            .get(i.saturating_mul(self.row_words).saturating_add(j / 64));
        word.is_some_and(|bits| bits >> (j % 64) & 1 == 1)
    }

    /// Walks from the ends to the beginning of one string and shows every matched pair.
    fn walk(&self, a: &[u8], b: &[u8], mut pair: impl FnMut(u32, u32, u8)) {
        let (mut i, mut j) = (a.len(), b.len());
        while let (Some(ai), Some(bj)) = (i.checked_sub(1), j.checked_sub(1)) {
            let (Some(&x), Some(&y)) = (a.get(ai), b.get(bj)) else {
                return;
            };
            if x == y {
                // Both lengths were checked to fit.
                pair(ai as u32, bj as u32, x);
                (i, j) = (ai, bj);
            } else if self.is_up(ai, bj) {
                i = ai;
            } else {
                j = bj;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const MAX: u64 = 512 << 20;

    fn stretch(a_first: u32, a_last: u32, b_first: u32, b_last: u32) -> LcsMatch {
        LcsMatch {
            a_first,
            a_last,
            b_first,
            b_last,
        }
    }

    #[test]
    fn documented_example() {
        let (a, b) = (b"ohmytext", b"mynewtext");
        assert_eq!(lcs_bytes(a, b, MAX).unwrap(), b"mytext");
        assert_eq!(lcs_len(a, b, MAX), Ok(6));
        let all = vec![stretch(4, 7, 5, 8), stretch(2, 3, 0, 1)];
        assert_eq!(lcs_matches(a, b, 0, MAX), Ok((6, all.clone())));
        assert_eq!(lcs_matches(a, b, 4, MAX), Ok((6, all[..1].to_vec())));
        assert_eq!(lcs_matches(a, b, 5, MAX), Ok((6, vec![])));
    }

    #[test]
    fn empty_strings() {
        assert_eq!(lcs_len(b"", b"abc", MAX), Ok(0));
        assert_eq!(lcs_bytes(b"abc", b"", MAX), Ok(vec![]));
        assert_eq!(lcs_matches(b"", b"", 0, MAX), Ok((0, vec![])));
    }

    #[test]
    fn the_limit_is_that_of_the_table() {
        assert_eq!(lcs_len(b"abc", b"ab", 4 * 4 * 3), Ok(2));
        assert_eq!(
            lcs_len(b"abc", b"ab", 4 * 4 * 3 - 1),
            Err(LcsError::ExceedsLimit)
        );
        assert_eq!(lcs_bytes(b"abc", b"ab", 47), Err(LcsError::ExceedsLimit));
        assert_eq!(
            lcs_matches(b"abc", b"ab", 0, 47),
            Err(LcsError::ExceedsLimit)
        );
    }

    /// The textbook table, whole.
    fn naive(a: &[u8], b: &[u8]) -> Vec<Vec<u32>> {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                table[i][j] = if a[i - 1] == b[j - 1] {
                    table[i - 1][j - 1] + 1
                } else {
                    table[i - 1][j].max(table[i][j - 1])
                };
            }
        }
        table
    }

    fn naive_pairs(a: &[u8], b: &[u8]) -> Vec<(u32, u32)> {
        let table = naive(a, b);
        let (mut i, mut j, mut pairs) = (a.len(), b.len(), vec![]);
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                pairs.push((i as u32, j as u32));
            } else if table[i - 1][j] > table[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        pairs
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(&b"abcd"[..]), 0..140)
    }

    proptest! {
        #[test]
        fn equals_the_textbook(a in text(), b in text()) {
            let expected = naive(&a, &b)[a.len()][b.len()];
            let pairs = naive_pairs(&a, &b);
            prop_assert_eq!(lcs_len(&a, &b, MAX).unwrap(), u64::from(expected));
            let bytes: Vec<u8> = pairs.iter().rev().map(|&(i, _)| a[i as usize]).collect();
            prop_assert_eq!(lcs_bytes(&a, &b, MAX).unwrap(), bytes);
            let (len, matches) = lcs_matches(&a, &b, 0, MAX).unwrap();
            prop_assert_eq!(len, u64::from(expected));
            let mut spread = vec![];
            for m in &matches {
                for back in 0..m.match_len() as u32 {
                    spread.push((m.a_last - back, m.b_last - back));
                }
            }
            prop_assert_eq!(spread, pairs);
            // Neighbouring stretches are never one stretch cut in two.
            for pair in matches.windows(2) {
                let (later, earlier) = (pair[0], pair[1]);
                let gap_in_a = earlier.a_last + 1 != later.a_first;
                prop_assert!(gap_in_a || earlier.b_last + 1 != later.b_first);
            }
        }
    }
}
