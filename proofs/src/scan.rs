//! SCAN's guarantee over all small tables and all short histories, on the production table with a
//! geometry in which a handful of keys splits, merges, displaces and spills.
//!
//! Bound: 5 keys, every set of them to begin with (built by growth, and by growth and shrinking),
//! then a scan whose first step is followed by every sequence of [`STEPS`] of: toggle a key, take a
//! scan step; then the scan runs to its end. Claim: whatever is present all the time is returned,
//! nothing is returned that is absent at that moment, and no insert does more than one split. It
//! says nothing about larger tables: the property tests of vk-data do.

use vk_data::table::{CutId, HashSeed, KeyHash, Slot, Table, Tuning};

const KEYS: usize = 5;
const STEPS: u32 = 5;
/// Scan steps that a table of this bound may need, with room.
const SCAN_STEPS_MAX: usize = 500;

/// A key that is its index, with a hash of our choice.
#[derive(Clone, Copy)]
struct Item {
    key: u8,
    hash: KeyHash,
}

impl Slot for Item {
    type Image = Self;

    fn hash(&self, _: &HashSeed) -> KeyHash {
        self.hash
    }

    fn expire_ms(&self) -> Option<i64> {
        None
    }

    fn memory_bytes(&self) -> usize {
        1
    }

    fn prefetch(&self) {}

    fn image(&mut self, _: CutId) -> Self {
        *self
    }

    fn image_bytes(image: &Self) -> usize {
        image.memory_bytes()
    }
}

/// A table, what is in it, and a scan in progress; sets are bit masks of keys.
struct State {
    table: Table<Item>,
    hashes: [u64; KEYS],
    present: u32,
    /// Present ever since the scan began.
    steady: u32,
    returned: u32,
    cursor: u64,
    ended: bool,
}

impl State {
    fn new(tuning: Tuning, hashes: [u64; KEYS], present: u32, shrunk: bool) -> Self {
        let table = Table::with_tuning(HashSeed::default(), tuning);
        let (returned, cursor, ended) = (0, 0, false);
        let mut state = Self {
            table,
            hashes,
            present: 0,
            steady: 0,
            returned,
            cursor,
            ended,
        };
        for key in 0..KEYS {
            if shrunk || present >> key & 1 != 0 {
                state.toggle(key);
            }
        }
        for key in 0..KEYS {
            if (state.present ^ present) >> key & 1 != 0 {
                state.toggle(key);
            }
        }
        state.steady = state.present;
        state
    }

    fn toggle(&mut self, key: usize) {
        let hash = KeyHash(self.hashes[key]);
        let is_key = |item: &Item| usize::from(item.key) == key;
        if self.present >> key & 1 != 0 {
            assert!(self.table.remove(hash, is_key).is_some());
        } else {
            assert!(self.table.find(hash, is_key).is_none());
            self.table.insert(
                hash,
                Item {
                    key: key as u8,
                    hash,
                },
            );
        }
        self.present ^= 1 << key;
        self.steady &= self.present;
    }

    /// One bucket of the scan, the smallest step there is.
    fn scan_step(&mut self) {
        if self.ended {
            return;
        }
        let (present, returned) = (self.present, &mut self.returned);
        self.cursor = self.table.scan(self.cursor, 0, &mut |item| {
            assert!(present >> item.key & 1 != 0, "an absent key was returned");
            *returned |= 1 << item.key;
        });
        self.ended = self.cursor == 0;
    }

    fn check(mut self) -> bool {
        for _ in 0..SCAN_STEPS_MAX {
            self.scan_step();
        }
        assert!(self.ended, "the scan does not end");
        assert_eq!(self.steady & !self.returned, 0, "a key was missed");
        assert_eq!(self.table.len(), self.present.count_ones() as usize);
        let stats = self.table.stats();
        assert!(stats.splits_per_insert_max <= 1);
        stats.splits + stats.enlargements > 0 && stats.merges > 0
    }
}

/// Every history of the bound. Returns how many of them both grew and shrank.
fn check_scan(tuning: Tuning, hashes: [u64; KEYS]) -> u64 {
    let choices = KEYS as u32 + 1;
    let mut moved = 0;
    for start in 0..2_u32 << KEYS {
        let (present, shrunk) = (start >> 1, start & 1 != 0);
        for history in 0..choices.pow(STEPS) {
            let mut state = State::new(tuning, hashes, present, shrunk);
            state.scan_step();
            let mut rest = history;
            for _ in 0..STEPS {
                match (rest % choices) as usize {
                    KEYS => state.scan_step(),
                    key => state.toggle(key),
                }
                rest /= choices;
            }
            moved += u64::from(state.check());
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::{KEYS, check_scan};
    use vk_data::table::Tuning;

    /// Keys in distinct halves, quarters, ...
    const SPREAD: [u64; KEYS] = [0x10 << 56, 0x50 << 56, 0x70 << 56, 0x90 << 56, 0xF0 << 56];
    /// Keys that stay together through several splits.
    const CROWDED: [u64; KEYS] = [0x80 << 56, 0x81 << 56, 0x84 << 56, 0x8F << 56, 0xFF << 56];
    /// Keys that nothing separates, and one apart.
    const EQUAL: [u64; KEYS] = [7 << 60, 7 << 60, 7 << 60, 7 << 60, 1 << 60];

    fn check(class_max: u8, slots_per_bucket: u8, merge_percent: u8, hashes: [u64; KEYS]) {
        let tuning = Tuning {
            class_max,
            slots_per_bucket,
            chunk_bits_max: 1,
            merge_percent,
        };
        let moved = check_scan(tuning, hashes);
        assert!(moved > 10_000, "only {moved} histories grew and shrank");
    }

    #[test]
    fn one_home_of_one_slot() {
        check(0, 1, 100, SPREAD);
        check(0, 1, 100, CROWDED);
    }

    #[test]
    fn one_home_of_two_slots() {
        check(0, 2, 50, SPREAD);
        check(0, 2, 100, CROWDED);
    }

    #[test]
    fn five_homes_with_stash() {
        check(1, 1, 50, CROWDED);
    }

    #[test]
    fn equal_hashes() {
        check(0, 2, 50, EQUAL);
    }
}
