//! The best candidates for eviction so far, kept between samples: a few random keys at a time
//! come close to the best of all when the good ones are remembered.
//!
//! A candidate is a name, not an entry: it may be gone by the time its turn comes.

use alloc::vec::Vec;

/// Candidates that are remembered, as many as Valkey does.
const CANDIDATES_MAX: usize = 16;

/// A key that may be evicted.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The greater, the sooner.
    pub(super) score: u64,
    pub(super) db: u32,
    pub(super) key: Vec<u8>,
}

/// Candidates by ascending score.
#[derive(Debug, Default)]
pub(super) struct Pool {
    candidates: Vec<Candidate>,
    /// Memory for one more name, so that none is allocated for each.
    spare: Vec<u8>,
}

/// Names above this are not kept for their memory.
const SPARE_BYTES_MAX: usize = 256;

impl Pool {
    /// Takes a candidate in, if it is better than the worst or there is room.
    #[inline]
    pub(super) fn offer(&mut self, score: u64, db: u32, key: &[u8]) {
        let is_full = self.candidates.len() >= CANDIDATES_MAX;
        let worst = self.candidates.first().map_or(0, |worst| worst.score);
        if !is_full || score > worst {
            self.take(score, db, key);
        }
    }

    fn take(&mut self, score: u64, db: u32, key: &[u8]) {
        let known = |one: &Candidate| one.db == db && one.key == key;
        if self.candidates.iter().any(known) {
            return;
        }
        if self.candidates.len() >= CANDIDATES_MAX {
            let worst = self.candidates.remove(0);
            self.recycle(worst.key);
        }
        let mut name = core::mem::take(&mut self.spare);
        name.clear();
        name.extend_from_slice(key);
        let at = self.candidates.partition_point(|one| one.score < score);
        let candidate = Candidate {
            score,
            db,
            key: name,
        };
        self.candidates.insert(at, candidate);
    }

    /// Takes the best one out.
    pub(super) fn pop(&mut self) -> Option<Candidate> {
        self.candidates.pop()
    }

    /// Whether this one is the best.
    pub(super) fn is_best(&self, db: u32, key: &[u8]) -> bool {
        let best = self.candidates.last();
        best.is_some_and(|best| best.db == db && best.key == key)
    }

    /// Gives the memory of a name back.
    pub(super) fn recycle(&mut self, name: Vec<u8>) {
        if name.capacity() <= SPARE_BYTES_MAX {
            self.spare = name;
        }
    }

    /// Forgets all: their scores mean nothing any more.
    pub(super) fn clear(&mut self) {
        self.candidates.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::{CANDIDATES_MAX, Pool};

    #[test]
    fn the_best_of_all_stay() {
        let mut pool = Pool::default();
        for score in [5_u64, 900, 3, 77, 12, 4000, 8, 1, 2, 6]
            .iter()
            .chain(&[7; 3])
        {
            pool.offer(*score, 0, &score.to_le_bytes());
        }
        for score in 100..140 {
            pool.offer(score, 1, &score.to_le_bytes());
        }
        assert_eq!(pool.candidates.len(), CANDIDATES_MAX);
        let mut scores = alloc::vec::Vec::new();
        while let Some(best) = pool.pop() {
            scores.push(best.score);
            pool.recycle(best.key);
        }
        let best: alloc::vec::Vec<u64> = [4000, 900].into_iter().chain((126..140).rev()).collect();
        assert_eq!(scores, best);
    }

    #[test]
    fn a_key_is_there_once_and_databases_are_told_apart() {
        let mut pool = Pool::default();
        for db in [0, 0, 1] {
            pool.offer(7, db, b"key");
        }
        assert_eq!(pool.candidates.len(), 2);
        assert!(pool.is_best(0, b"key") || pool.is_best(1, b"key"));
        pool.clear();
        assert!(pool.pop().is_none());
    }
}
