//! Dropping the oldest entries: exactly, or whole nodes only.

use super::node::Walk;
use super::{Entries, StreamId};

/// Which entries stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// So many, the newest.
    MaxLen(u64),
    /// Those with this id or a larger one.
    MinId(StreamId),
}

/// What to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// Which entries stay.
    pub threshold: Threshold,
    /// Only whole nodes go, so that somewhat more may stay.
    pub approximate: bool,
    /// No more entries than this go, 0 for all that may.
    pub limit: u64,
}

impl Entries {
    /// Drops entries from the oldest on; returns how many.
    pub fn trim(&mut self, trim: Trim) -> u64 {
        let mut gone = 0_u64;
        while let Some(live) = self.first_node().map(|node| node.counts().0) {
            if let Threshold::MaxLen(max) = trim.threshold
                && self.len() <= max
            {
                break;
            }
            if trim.limit > 0 && gone.saturating_add(live) > trim.limit {
                break;
            }
            if self.first_node_goes(live, trim.threshold) {
                gone += self.cut_first_node(true, |_| true);
                continue;
            }
            if !trim.approximate {
                gone += self.cut(trim.threshold);
            }
            break;
        }
        if gone > 0 {
            self.find_first();
        }
        gone
    }

    /// Nothing of the first node stays.
    fn first_node_goes(&self, live: u64, threshold: Threshold) -> bool {
        match threshold {
            Threshold::MaxLen(max) => self.len().saturating_sub(live) >= max,
            Threshold::MinId(min) => {
                let walk = self.first_node().and_then(Walk::new);
                let last = walk.and_then(|mut walk| walk.next_back());
                last.is_none_or(|last| last.id() < min)
            }
        }
    }

    /// Drops entries of the first node singly.
    fn cut(&mut self, threshold: Threshold) -> u64 {
        match threshold {
            Threshold::MaxLen(max) => {
                let mut left = self.len().saturating_sub(max);
                self.cut_first_node(false, |_| {
                    let goes = left > 0;
                    left = left.saturating_sub(1);
                    goes
                })
            }
            Threshold::MinId(min) => self.cut_first_node(false, |id| id < min),
        }
    }
}
