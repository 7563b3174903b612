//! Dropping the oldest entries: exactly, or whole nodes only.

use super::node::{Node, Walk};
use super::{Entries, Stream, StreamId};
use crate::value::Object;

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

/// What a trim came to.
#[derive(Debug, Default)]
pub struct Trimmed {
    /// Entries that are gone.
    pub gone: u64,
    /// The nodes in which they were, if they were more than are freed at once: as a value, to be
    /// freed like one.
    pub rest: Option<Object>,
}

/// Nodes that a trim frees at once.
const FREE_AT_ONCE_MAX: usize = 16;

/// Nodes that are gone from a stream.
#[derive(Default)]
struct Rest {
    freed: usize,
    kept: Entries,
}

impl Rest {
    fn take(&mut self, node: Option<Node>) {
        if self.freed < FREE_AT_ONCE_MAX {
            self.freed += 1;
        } else if let Some(node) = node {
            self.kept.push(node);
        }
    }

    fn into_object(self) -> Option<Object> {
        (self.kept.node_count() > 0).then(|| Stream::of_rest(self.kept))
    }
}

impl Entries {
    /// Drops entries from the oldest on.
    pub fn trim(&mut self, trim: Trim) -> Trimmed {
        let mut gone = 0_u64;
        let mut rest = Rest::default();
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
                gone += live;
                rest.take(self.take_first_node(live));
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
        Trimmed {
            gone,
            rest: rest.into_object(),
        }
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
                self.cut_first_node(|_| {
                    let goes = left > 0;
                    left = left.saturating_sub(1);
                    goes
                })
            }
            Threshold::MinId(min) => self.cut_first_node(|id| id < min),
        }
    }
}
