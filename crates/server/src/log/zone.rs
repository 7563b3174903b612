//! The local time zone as a table of offsets, read once.
//!
//! The C library's conversion reads the environment and is not safe to call beside other
//! threads, so the changes of the coming years are looked up before the first thread starts.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, UtcOffset};

const DAY_S: i64 = 86_400;
/// How far ahead changes of the offset are known. A server that runs longer without a restart
/// logs with the last offset known.
const DAYS_AHEAD: i64 = 10 * 366;

/// Offsets of local time, by the moment from which they hold.
#[derive(Debug)]
pub(super) struct Zone {
    first_s: i32,
    /// `(unix seconds, offset in seconds)`, in order.
    changes: Vec<(i64, i32)>,
}

impl Zone {
    /// The zone of this process from `now` on; UTC when it cannot be read any more because
    /// other threads run.
    pub(super) fn local(now: SystemTime) -> Self {
        let now_s = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        Self::from_lookup(now_s, |unix_s| {
            let at = OffsetDateTime::from_unix_timestamp(unix_s).ok()?;
            UtcOffset::local_offset_at(at)
                .ok()
                .map(UtcOffset::whole_seconds)
        })
    }

    fn from_lookup(now_s: i64, lookup: impl Fn(i64) -> Option<i32>) -> Self {
        let first_s = lookup(now_s).unwrap_or(0);
        let mut zone = Self {
            first_s,
            changes: Vec::new(),
        };
        let mut offset_s = first_s;
        for day in 0..DAYS_AHEAD {
            let from = now_s.saturating_add(day.saturating_mul(DAY_S));
            let to = from.saturating_add(DAY_S);
            let Some(next_s) = lookup(to) else {
                return zone;
            };
            if next_s != offset_s {
                let at = first_with(from, to, |unix_s| lookup(unix_s) == Some(next_s));
                zone.changes.push((at, next_s));
                offset_s = next_s;
            }
        }
        zone
    }

    /// Local time minus UTC at a moment, in seconds.
    pub(super) fn offset_s(&self, unix_s: i64) -> i32 {
        let index = self.changes.partition_point(|&(from, _)| from <= unix_s);
        index
            .checked_sub(1)
            .and_then(|last| self.changes.get(last))
            .map_or(self.first_s, |&(_, offset_s)| offset_s)
    }
}

/// The first second in `(low, high]` from which `holds` is true.
fn first_with(mut low: i64, mut high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while high.saturating_sub(low) > 1 {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_found_to_the_second() {
        let (summer, winter) = (1_000_000 + 40 * DAY_S + 1_234, 1_000_000 + 200 * DAY_S + 7);
        let rule = |unix_s| {
            Some(if (summer..winter).contains(&unix_s) {
                7_200
            } else {
                3_600
            })
        };
        let zone = Zone::from_lookup(1_000_000, rule);
        for at in [
            1_000_000,
            summer - 1,
            summer,
            winter - 1,
            winter,
            winter + 9_999_999,
        ] {
            assert_eq!(Some(zone.offset_s(at)), rule(at), "{at}");
        }
        assert_eq!(zone.changes.len(), 2);
    }

    #[test]
    fn an_unreadable_zone_is_utc() {
        assert_eq!(Zone::from_lookup(5, |_| None).offset_s(5), 0);
    }
}
