//! The policies: which keys may be evicted, in which order, and how many at a time.

use vk_data::{entry::DbEntry, table::Kind};

use crate::engine::keyspace::{idle_seconds, lfu_decayed};

/// `maxmemory-policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) order: Order,
    /// The keys that may go.
    pub(super) kind: Kind,
}

/// Which key goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// None goes.
    Nothing,
    /// The one that was not used for longest.
    Recency,
    /// The one that is used least often.
    Frequency,
    /// The one that expires first.
    Expiry,
    /// Any.
    Random,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            order: Order::Nothing,
            kind: Kind::All,
        }
    }
}

impl Policy {
    /// By the number of the directive's choice.
    pub(super) fn of(choice: i64) -> Self {
        let (order, kind) = match choice {
            0 => (Order::Recency, Kind::Volatile),
            1 => (Order::Frequency, Kind::Volatile),
            2 => (Order::Random, Kind::Volatile),
            3 => (Order::Expiry, Kind::Volatile),
            4 => (Order::Recency, Kind::All),
            5 => (Order::Frequency, Kind::All),
            6 => (Order::Random, Kind::All),
            _ => (Order::Nothing, Kind::All),
        };
        Self { order, kind }
    }
}

/// What scores depend on beside the entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uses {
    /// Now, as an LRU record has it.
    pub(super) seconds: u32,
    /// Now, as an LFU record has it.
    pub(super) minutes: u32,
    /// `lfu-decay-time`.
    pub(super) decay_minutes: i64,
}

impl Order {
    /// The greater, the sooner the entry goes.
    #[inline]
    pub(super) fn score(self, entry: &DbEntry, uses: &Uses) -> u64 {
        let access = entry.access();
        match self {
            Self::Recency => u64::from(idle_seconds(access, uses.seconds)),
            Self::Frequency => {
                let counter = lfu_decayed(access, uses.minutes, uses.decay_minutes);
                u64::from(255_u32.saturating_sub(counter))
            }
            Self::Expiry => {
                let at_ms = entry.expire_ms().unwrap_or(i64::MAX);
                u64::MAX - u64::try_from(at_ms).unwrap_or(0)
            }
            Self::Nothing | Self::Random => 0,
        }
    }
}

/// Evictions of one call at the tenacity from which on it grows geometrically. Valkey gives that
/// tenacity half a millisecond, and an eviction takes about two microseconds.
const EVICTIONS_AT_TEN: u64 = 250;

/// How many keys one call may evict, by `maxmemory-eviction-tenacity`: from 16 at 0 in equal steps
/// to 10, from there on 15 % more with each step, and without end at 100.
pub(super) fn evictions_max(tenacity: i64) -> u64 {
    const AT_LEAST: u64 = 16;
    let tenacity = tenacity.clamp(0, 100).unsigned_abs();
    if tenacity == 100 {
        return u64::MAX;
    }
    let linear = EVICTIONS_AT_TEN / 10 * tenacity.min(10);
    let grown = (10..tenacity).fold(linear, |count, _| count + count * 15 / 100);
    grown.max(AT_LEAST)
}

#[cfg(test)]
mod tests {
    use super::evictions_max;

    #[test]
    fn tenacity_grows_from_little_to_all() {
        assert_eq!([0, 1, 5, 10].map(evictions_max), [16, 25, 125, 250]);
        let steps: alloc::vec::Vec<_> = (0..=100).map(evictions_max).collect();
        assert!(steps.is_sorted());
        // Two minutes of work at the most tenacious that still has an end.
        assert!((50_000_000..80_000_000).contains(&evictions_max(99)));
        assert_eq!(evictions_max(100), u64::MAX);
    }
}
