//! Hot keys: which keys are used most, by the Space-Saving algorithm over windows of time.
//!
//! Metwally, Agrawal, El Abbadi: Efficient computation of frequent and top-k elements in data
//! streams, ICDT 2005. Of `n` uses, every key with more than `n / k` of them is among the `k` that
//! are counted, and each count is too high by at most its error.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::time::Duration;

use crate::MonoMicros;

const MICROS_PER_SECOND: u128 = 1_000_000;
const WHOLE_PERCENT: u64 = 100;
/// Any odd number: which uses are looked at must not depend on the machine's random numbers, nor
/// they on it.
const SAMPLER_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// The directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Settings {
    /// Keys that are counted; 0 for off.
    pub(super) top_k: usize,
    pub(super) window: Duration,
    /// Of 100 uses so many are looked at.
    pub(super) percent: u64,
}

/// A key and how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counter {
    key: (u32, Box<[u8]>),
    count: u64,
    error: u64,
}

/// The counters of one window.
#[derive(Debug, Default)]
struct Window {
    counters: Vec<Counter>,
    places: BTreeMap<(u32, Box<[u8]>), usize>,
    /// Counts with the places of their counters, smallest first.
    order: BTreeSet<(u64, usize)>,
    /// Uses that were seen.
    total: u64,
}

/// A window that is over.
#[derive(Debug, Default)]
struct Frozen {
    counters: Vec<Counter>,
    total: u64,
    micros: u64,
    percent: u64,
}

/// A hot key as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HotKey {
    pub(crate) db: u32,
    pub(crate) key: Box<[u8]>,
    /// Estimated uses per second.
    pub(crate) per_second: u64,
}

/// What is known of hot keys.
#[derive(Debug)]
pub(crate) struct HotKeys {
    settings: Settings,
    live: Window,
    /// When the live window began: with its first use, or the end of the one before.
    began: Option<MonoMicros>,
    frozen: Frozen,
    sampler: u64,
}

impl Default for HotKeys {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            live: Window::default(),
            began: None,
            frozen: Frozen::default(),
            sampler: SAMPLER_SEED,
        }
    }
}

impl HotKeys {
    /// Whether keys are counted.
    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        self.settings.top_k > 0
    }

    /// New settings begin a new window; the last one that is over can still be asked for.
    pub(super) fn configure(&mut self, settings: Settings) {
        if settings == self.settings {
            return;
        }
        self.settings = settings;
        self.live = Window::default();
        self.began = None;
        if !self.is_on() {
            self.frozen = Frozen::default();
        }
    }

    /// HOTKEYS RESET.
    pub(crate) fn reset(&mut self, now: MonoMicros) {
        self.live = Window::default();
        self.frozen = Frozen::default();
        self.began = Some(now);
    }

    /// A database was emptied.
    pub(crate) fn forget_db(&mut self, db: u32) {
        if self.is_on() {
            self.frozen.counters.retain(|counter| counter.key.0 != db);
            self.live.forget_db(db);
        }
    }

    /// Counts a use, if it is one of those that are looked at.
    pub(super) fn count(&mut self, now: MonoMicros, db: u32, key: &[u8]) {
        self.turn(now);
        if self.settings.percent < WHOLE_PERCENT {
            // xorshift64: cheap, and good enough to choose by.
            let mut x = self.sampler;
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            self.sampler = x;
            if (x >> 32) % WHOLE_PERCENT >= self.settings.percent {
                return;
            }
        }
        self.live.count(db, key, self.settings.top_k);
    }

    /// Ends the live window when its time is over. One that could not be ended for more than twice
    /// its time says nothing about now.
    pub(crate) fn turn(&mut self, now: MonoMicros) {
        if !self.is_on() {
            return;
        }
        let Some(began) = self.began else {
            self.began = Some(now);
            return;
        };
        let window = u64::try_from(self.settings.window.as_micros()).unwrap_or(u64::MAX);
        let micros = now.0.saturating_sub(began.0);
        if micros < window {
            return;
        }
        let live = core::mem::take(&mut self.live);
        self.began = Some(now);
        self.frozen = if micros > window.saturating_mul(2) {
            Frozen::default()
        } else {
            Frozen {
                counters: live.counters,
                total: live.total,
                micros,
                percent: self.settings.percent,
            }
        };
    }

    /// The hottest keys of the last window that is over, hottest first.
    pub(crate) fn hottest(&self) -> Vec<HotKey> {
        let mut keys: Vec<HotKey> = self
            .frozen
            .counters
            .iter()
            .map(|counter| HotKey {
                db: counter.key.0,
                key: counter.key.1.clone(),
                per_second: self.frozen.per_second(counter),
            })
            .collect();
        keys.sort_by(|a, b| b.per_second.cmp(&a.per_second).then(a.key.cmp(&b.key)));
        keys.truncate(self.settings.top_k);
        keys
    }

    /// Uses that were looked at in the last window that is over, and its length in milliseconds.
    pub(crate) fn last_window(&self) -> (u64, u64) {
        (self.frozen.total, self.frozen.micros / 1000)
    }
}

impl Window {
    fn count(&mut self, db: u32, key: &[u8], top_k: usize) {
        self.total = self.total.saturating_add(1);
        let key = (db, Box::from(key));
        if let Some(at) = self.places.get(&key).copied() {
            if let Some(counter) = self.counters.get_mut(at) {
                self.order.remove(&(counter.count, at));
                counter.count = counter.count.saturating_add(1);
                self.order.insert((counter.count, at));
            }
            return;
        }
        let (at, least) = if self.counters.len() < top_k {
            (self.counters.len(), 0)
        } else {
            // The smallest count is inherited: it bounds what was missed of the new key.
            let Some((least, at)) = self.order.pop_first() else {
                return;
            };
            (at, least)
        };
        let counter = Counter {
            key: key.clone(),
            count: least.saturating_add(1),
            error: least,
        };
        self.order.insert((counter.count, at));
        self.places.insert(key, at);
        match self.counters.get_mut(at) {
            None => self.counters.push(counter),
            Some(place) => {
                let old = core::mem::replace(place, counter);
                self.places.remove(&old.key);
            }
        }
    }

    fn forget_db(&mut self, db: u32) {
        self.counters.retain(|counter| counter.key.0 != db);
        let places = self.counters.iter().enumerate();
        self.places = places.map(|(at, c)| (c.key.clone(), at)).collect();
        let places = self.counters.iter().enumerate();
        self.order = places.map(|(at, c)| (c.count, at)).collect();
    }
}

impl Frozen {
    /// From the middle between what is certain and what was counted.
    fn per_second(&self, counter: &Counter) -> u64 {
        let twice = u128::from(counter.count) * 2 - u128::from(counter.error);
        let over = 2 * u128::from(self.percent) * u128::from(self.micros);
        let scaled = twice * u128::from(WHOLE_PERCENT) * MICROS_PER_SECOND;
        let rounded = (scaled + over / 2).checked_div(over).unwrap_or(0);
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};
    use core::time::Duration;

    use super::{HotKeys, Settings};
    use crate::MonoMicros;

    fn keys(top_k: usize, percent: u64) -> HotKeys {
        let mut keys = HotKeys::default();
        keys.configure(Settings {
            top_k,
            window: Duration::from_secs(1),
            percent,
        });
        keys.turn(MonoMicros(0));
        keys
    }

    fn told(keys: &HotKeys) -> Vec<(String, u64)> {
        let hottest = keys.hottest();
        let told = hottest
            .iter()
            .map(|key| (String::from_utf8_lossy(&key.key).into(), key.per_second));
        told.collect()
    }

    #[test]
    fn a_frequent_key_is_found_among_many() {
        let mut keys = keys(8, 100);
        for n in 0..10_000_u32 {
            let name = if n % 3 == 0 { 0 } else { n };
            keys.count(MonoMicros(0), 0, &name.to_le_bytes());
        }
        keys.turn(MonoMicros(1_000_000));
        let hottest = keys.hottest();
        assert_eq!(hottest.len(), 8);
        // 3,334 uses, and a count that is too high by no more than n / k.
        let first = hottest.first().map(|key| (&*key.key, key.per_second));
        assert!(
            first.is_some_and(|(key, n)| *key == 0_u32.to_le_bytes() && n.abs_diff(3334) <= 625),
            "{first:?}"
        );
        assert_eq!(keys.last_window(), (10_000, 1000));
    }

    #[test]
    fn counts_are_exact_while_there_is_room() {
        let mut keys = keys(4, 100);
        for (key, uses) in [("a", 5), ("b", 30), ("c", 1)] {
            for _ in 0..uses {
                keys.count(MonoMicros(9), 0, key.as_bytes());
            }
        }
        assert_eq!(told(&keys), []);
        keys.turn(MonoMicros(2_000_000));
        let expected = [("b", 15), ("a", 3), ("c", 1)];
        assert_eq!(told(&keys), expected.map(|(key, n)| (key.into(), n)));
        keys.forget_db(0);
        assert_eq!(told(&keys), []);
    }

    #[test]
    fn a_window_that_lasted_too_long_is_dropped() {
        let mut keys = keys(4, 100);
        keys.count(MonoMicros(0), 0, b"a");
        keys.turn(MonoMicros(2_000_001));
        assert_eq!((told(&keys), keys.last_window()), (alloc::vec![], (0, 0)));
    }

    #[test]
    fn a_part_of_the_uses_is_scaled_up() {
        let mut keys = keys(4, 10);
        for _ in 0..100_000 {
            keys.count(MonoMicros(0), 3, b"a");
        }
        keys.turn(MonoMicros(1_000_000));
        let hottest = keys.hottest();
        assert!(
            hottest
                .first()
                .is_some_and(|key| key.db == 3 && key.per_second.abs_diff(100_000) < 5_000)
        );
    }
}
