//! The arithmetic of hash positions: which home bucket a position has, and where buckets end.
//!
//! A position is the top 48 bits of a hash. A segment of depth `d` owns the positions that share
//! their first `d` bits; its homes divide them evenly, in order. Since a split halves the range and
//! keeps the number of homes (or multiplies that number), every new home lies inside one old home.

use super::slot::KeyHash;

/// Bits of a position. Cursors stay below 2^48, so that every client's number type holds them.
pub(super) const POSITION_BITS: u32 = 48;
/// Segments do not get deeper: at this depth a home still has more than one position.
pub(super) const DEPTH_MAX: u8 = 40;

/// A hash position, below `1 << POSITION_BITS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position(pub(super) u64);

impl Position {
    pub(super) const START: Self = Self(0);

    #[inline(always)]
    pub(super) const fn of(hash: KeyHash) -> Self {
        Self(hash.0 >> (64 - POSITION_BITS))
    }

    /// The lowest hash at this position.
    #[inline(always)]
    pub(super) const fn hash(self) -> KeyHash {
        KeyHash(self.0 << (64 - POSITION_BITS))
    }

    /// The home bucket of this position in a segment of `depth` with `regular` homes.
    #[inline(always)]
    pub(super) const fn home(self, depth: u8, regular: u8) -> usize {
        let scaled = (self.0 << depth) & ((1 << POSITION_BITS) - 1);
        ((scaled * regular as u64) >> POSITION_BITS) as usize
    }

    /// The first position of home `home` of the segment that holds this position.
    pub(super) const fn home_start(self, depth: u8, regular: u8, home: usize) -> Self {
        let width = 1_u64 << (POSITION_BITS - depth as u32);
        let base = self.0 & !(width - 1);
        Self(base + (home as u64 * width).div_ceil(regular as u64))
    }

    /// The first position behind `home`; `None` at the end of all positions.
    pub(super) const fn home_end(self, depth: u8, regular: u8, home: usize) -> Option<Self> {
        self.home_start(depth, regular, home + 1).in_range()
    }

    /// The first position behind the segment of `depth` that holds this position.
    pub(super) const fn segment_end(self, depth: u8) -> Option<Self> {
        self.home_start(depth, 1, 1).in_range()
    }

    const fn in_range(self) -> Option<Self> {
        if self.0 >> POSITION_BITS == 0 {
            Some(self)
        } else {
            None
        }
    }
}

/// The first `bits` bits of the part of `hash` behind `skip` bits.
#[inline(always)]
pub(super) const fn prefix(hash: KeyHash, skip: u8, bits: u8) -> usize {
    ((hash.0 << skip) >> 1 >> (63 - bits)) as usize
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::{DEPTH_MAX, Position, prefix};
    use crate::table::slot::KeyHash;

    #[test]
    fn homes_partition_the_positions() {
        for regular in [1, 2, 5, 15, 30, 60] {
            for depth in [0, 1, 2, 7, DEPTH_MAX] {
                let base = Position(0x1234_5678_9ABC).home_start(depth, regular, 0);
                let mut next = Some(base);
                for home in 0..usize::from(regular) {
                    let Some(start) = next else {
                        panic!("positions end before home {home}");
                    };
                    assert_eq!(start.home(depth, regular), home);
                    assert_eq!(start.home_start(depth, regular, home), start);
                    next = start.home_end(depth, regular, home);
                    let last = Position(next.map_or(1 << 48, |next| next.0) - 1);
                    assert_eq!(last.home(depth, regular), home);
                }
                assert_eq!(base.segment_end(depth), next);
            }
        }
    }

    #[test]
    fn prefixes_take_no_bit_and_all_bits() {
        assert_eq!(prefix(KeyHash(u64::MAX), 0, 0), 0);
        assert_eq!(prefix(KeyHash(0xA000_0000_0000_0000), 0, 3), 5);
        assert_eq!(prefix(KeyHash(0xA000_0000_0000_0000), 2, 1), 1);
    }
}
