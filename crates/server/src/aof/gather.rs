//! How long a write to the disk waits for more to write: whoever was answered after the last one
//! is likely to ask again at once, and one write for all takes as long as one for some.
//! Only times and numbers; which connections these are is `hold`'s business.

use std::time::Duration;

use vk_engine::MonoMicros;

/// However slow the disk is, it is waited no longer.
const WAIT_MAX: Duration = Duration::from_millis(5);
/// A wait is no longer than this part of what the disk takes.
const WAIT_SHARE: u32 = 2;
/// What a new figure counts for in the average.
const AVERAGE_OF: u32 = 8;
/// After waits for nothing in a row there are none for at most so many writes.
const SKIPPED_MAX: u32 = 64;

/// When the next write to the disk begins.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// What the disk takes, on average.
    sync_time: Duration,
    /// Connections that the last write was for.
    last: usize,
    /// Since when it is waited, and for how many who had come back before.
    waiting: Option<(MonoMicros, usize)>,
    /// Writes that are not waited with, because it was for nothing.
    skips: u32,
    /// As many are skipped next time.
    penalty: u32,
}

impl Gathering {
    /// Whether to wait, when `returned` of those that the last write was for have asked again:
    /// for how long at most.
    pub(super) fn wait(&mut self, now: MonoMicros, returned: usize) -> Option<Duration> {
        if returned >= self.last || self.skips > 0 {
            return None;
        }
        let (since, _) = *self.waiting.get_or_insert((now, returned));
        let most = (self.sync_time / WAIT_SHARE).min(WAIT_MAX);
        let waited = Duration::from_micros(now.0.saturating_sub(since.0));
        most.checked_sub(waited).filter(|left| !left.is_zero())
    }

    /// The disk took `time` for something that so many connections wait for, of which `returned`
    /// had waited for the write before.
    pub(super) fn handle_synced(&mut self, time: Duration, connections: usize, returned: usize) {
        self.skips = self.skips.saturating_sub(1);
        if let Some((_, before)) = self.waiting.take() {
            // At least half of those who were missing have come.
            let is_worth_it = (returned - before.min(returned)) * 2 >= self.last - before;
            self.penalty = if is_worth_it {
                0
            } else {
                (self.penalty * 2).clamp(1, SKIPPED_MAX)
            };
            self.skips = self.penalty;
        }
        self.last = connections;
        self.sync_time = if self.sync_time.is_zero() {
            time
        } else {
            (self.sync_time * (AVERAGE_OF - 1) + time) / AVERAGE_OF
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: Duration = Duration::from_micros(1000);

    fn at(micros: u64) -> MonoMicros {
        MonoMicros(micros)
    }

    fn after_one_of(connections: usize) -> Gathering {
        let mut gathering = Gathering::default();
        gathering.handle_synced(SYNC, connections, 0);
        gathering
    }

    #[test]
    fn it_is_waited_until_all_are_back() {
        let mut gathering = after_one_of(3);
        assert_eq!(
            gathering.wait(at(10), 1),
            Some(Duration::from_micros(500)),
            "half of what the disk takes"
        );
        assert_eq!(gathering.wait(at(110), 2), Some(Duration::from_micros(400)));
        assert_eq!(gathering.wait(at(120), 3), None);
        gathering.handle_synced(SYNC, 5, 3);
        assert!(gathering.wait(at(200), 4).is_some());
        assert_eq!(gathering.wait(at(210), 5), None);
    }

    #[test]
    fn nobody_waits_alone_or_without_end() {
        let mut gathering = after_one_of(1);
        assert_eq!(gathering.wait(at(10), 1), None);
        let mut gathering = after_one_of(2);
        assert!(gathering.wait(at(10), 1).is_some());
        assert_eq!(gathering.wait(at(510), 1), None);
        let mut slow = Gathering::default();
        slow.handle_synced(Duration::from_secs(10), 2, 0);
        assert_eq!(slow.wait(at(10), 1), Some(WAIT_MAX));
    }

    #[test]
    fn waits_for_nothing_become_rare() {
        let mut gathering = after_one_of(1);
        let (mut waits, mut now) = (0, 0);
        for _ in 0..1000 {
            // Each time it is somebody else.
            now += 10_000;
            if gathering.wait(at(now), 0).is_some() {
                waits += 1;
                assert_eq!(gathering.wait(at(now + 500), 0), None);
            }
            gathering.handle_synced(SYNC, 1, 0);
        }
        assert!((15..30).contains(&waits), "{waits}");
        // Once it is worth it again, it is waited each time.
        while gathering.wait(at(now), 0).is_none() {
            gathering.handle_synced(SYNC, 1, 1);
        }
        gathering.handle_synced(SYNC, 1, 1);
        assert!(gathering.wait(at(now), 0).is_some());
    }
}
