//! Prefixes, who broadcasts them, and what has changed under them in this turn.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::ops::Bound;

use vk_mem::size_class;

use crate::{SessionId, lengths::Lengths};

/// What a node of a sorted map takes for one entry, about.
const NODE_BYTES: usize = 32;

/// A key and whose request changed it last.
type Change = (Box<[u8]>, Option<SessionId>);

#[derive(Debug, Default)]
struct Prefix {
    /// In order, each once.
    sessions: Vec<SessionId>,
    changed: BTreeMap<Box<[u8]>, Option<SessionId>>,
}

/// Sessions by prefix.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    all: BTreeMap<Box<[u8]>, Prefix>,
    /// Those of the prefixes.
    lengths: Lengths,
    /// The prefixes under which something has changed.
    touched: BTreeSet<Box<[u8]>>,
    bytes: usize,
}

impl Prefixes {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes
    }

    /// What [`Prefixes::memory_bytes`] has to be, by a walk over everything.
    pub(super) fn recount_bytes(&self) -> usize {
        let all = self.all.iter().map(|(name, prefix)| {
            let changed = prefix.changed.keys().map(|key| change_bytes(key));
            let sessions = prefix.sessions.len() * size_of::<SessionId>();
            prefix_bytes(name) + sessions + changed.sum::<usize>()
        });
        all.sum()
    }

    /// Adds a session that has not got this prefix yet.
    pub(super) fn add(&mut self, prefix: &[u8], session: SessionId) {
        let entry = self.all.entry(prefix.into()).or_default();
        if entry.sessions.is_empty() {
            self.lengths.add(prefix.len());
            self.bytes += prefix_bytes(prefix);
        }
        if let Err(at) = entry.sessions.binary_search(&session) {
            entry.sessions.insert(at, session);
            self.bytes += size_of::<SessionId>();
        }
    }

    /// Removes a session; a prefix that nobody has any more goes with what has changed under it.
    pub(super) fn remove(&mut self, prefix: &[u8], session: SessionId) {
        let Some(entry) = self.all.get_mut(prefix) else {
            return;
        };
        if let Ok(at) = entry.sessions.binary_search(&session) {
            entry.sessions.remove(at);
            self.bytes -= size_of::<SessionId>();
        }
        if !entry.sessions.is_empty() {
            return;
        }
        self.bytes -= prefix_bytes(prefix);
        self.bytes -= entry
            .changed
            .keys()
            .map(|key| change_bytes(key))
            .sum::<usize>();
        self.all.remove(prefix);
        self.touched.remove(prefix);
        self.lengths.remove(prefix.len());
    }

    /// Notes a changed key under every prefix that it has.
    pub(super) fn note(&mut self, key: &[u8], author: Option<SessionId>) {
        for len in self.lengths.up_to(key.len()) {
            let Some(name) = key.get(..len) else { continue };
            let Some(prefix) = self.all.get_mut(name) else {
                continue;
            };
            if prefix.changed.is_empty() {
                self.touched.insert(name.into());
            }
            if let Some(last) = prefix.changed.get_mut(key) {
                *last = author;
            } else {
                prefix.changed.insert(key.into(), author);
                self.bytes += change_bytes(key);
            }
        }
    }

    /// Whether anything has changed under any prefix.
    #[inline]
    pub(super) fn has_changed(&self) -> bool {
        !self.touched.is_empty()
    }

    /// What has changed under each prefix and who has it, in order of prefixes and of keys.
    pub(super) fn take_changed(&mut self) -> Vec<(Vec<SessionId>, Vec<Change>)> {
        let mut all = Vec::new();
        for name in core::mem::take(&mut self.touched) {
            if let Some(prefix) = self.all.get_mut(&name) {
                let changed = core::mem::take(&mut prefix.changed);
                self.bytes -= changed.keys().map(|key| change_bytes(key)).sum::<usize>();
                all.push((prefix.sessions.clone(), changed.into_iter().collect()));
            }
        }
        all
    }
}

fn prefix_bytes(prefix: &[u8]) -> usize {
    size_class(prefix.len()) + size_of::<Prefix>() + NODE_BYTES
}

fn change_bytes(key: &[u8]) -> usize {
    size_class(key.len()) + NODE_BYTES
}

/// Two prefixes of which one begins with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overlap<'p> {
    /// A prefix of the request.
    pub(crate) prefix: &'p [u8],
    /// The other one.
    pub(crate) other: &'p [u8],
    /// Whether the session had the other one before.
    pub(crate) is_old: bool,
}

/// The first of the `new` prefixes that overlaps an `old` one or a later new one. The old ones do
/// not overlap, unless the empty one is among them.
pub(crate) fn overlap<'p>(old: &'p BTreeSet<Box<[u8]>>, new: &[&'p [u8]]) -> Option<Overlap<'p>> {
    let last = last_overlap(new);
    for (at, prefix) in new.iter().enumerate() {
        let mut is_old = true;
        let mut other = overlapped(old, prefix);
        if other.is_none() && last == Some(at) {
            is_old = false;
            let later = new.iter().skip(at + 1);
            other = later.copied().find(|later| overlaps(prefix, later));
        }
        if let Some(other) = other {
            return Some(Overlap {
                prefix,
                other,
                is_old,
            });
        }
    }
    None
}

/// The first place of `new` whose prefix overlaps a later one. From the back, with only such
/// prefixes kept that begin with no other: more are not needed to tell that there is one.
fn last_overlap(new: &[&[u8]]) -> Option<usize> {
    let mut later: BTreeSet<&[u8]> = BTreeSet::new();
    let mut found = None;
    for (at, prefix) in new.iter().enumerate().rev() {
        let before = later.range(..=*prefix).next_back();
        if before.is_some_and(|before| prefix.starts_with(before)) {
            found = Some(at);
            continue;
        }
        while let Some(next) = first_longer(&later, prefix) {
            found = Some(at);
            later.remove(next);
        }
        later.insert(prefix);
    }
    found
}

/// The first of these, in order, that begins with `prefix` and is longer.
fn first_longer<'p>(all: &BTreeSet<&'p [u8]>, prefix: &[u8]) -> Option<&'p [u8]> {
    let longer = (Bound::Excluded(prefix), Bound::Unbounded);
    let next = all.range::<[u8], _>(longer).next().copied();
    next.filter(|next| next.starts_with(prefix))
}

/// The first of the old prefixes, in order, that overlaps a new one.
fn overlapped<'p>(old: &'p BTreeSet<Box<[u8]>>, new: &[u8]) -> Option<&'p [u8]> {
    let to_new = (Bound::Unbounded, Bound::Included(new));
    let from_new = (Bound::Excluded(new), Bound::Unbounded);
    let empty = old.first().filter(|first| first.is_empty());
    let before = || old.range::<[u8], _>(to_new).next_back();
    let after = || old.range::<[u8], _>(from_new).next();
    let found = empty
        .or_else(|| before().filter(|before| new.starts_with(before)))
        .or_else(|| after().filter(|after| after.starts_with(new)));
    found.map(|found| &**found)
}

fn overlaps(a: &[u8], b: &[u8]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

#[cfg(test)]
mod tests {
    use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};

    use proptest::prelude::*;

    use super::{Overlap, overlap, overlaps};

    /// As told by trying every pair in order.
    fn by_trying<'p>(old: &'p BTreeSet<Box<[u8]>>, new: &[&'p [u8]]) -> Option<Overlap<'p>> {
        for (at, prefix) in new.iter().enumerate() {
            let old = old.iter().map(|old| (&**old, true));
            let later = new.iter().skip(at + 1).map(|later| (*later, false));
            for (other, is_old) in old.chain(later) {
                if overlaps(prefix, other) {
                    return Some(Overlap {
                        prefix,
                        other,
                        is_old,
                    });
                }
            }
        }
        None
    }

    fn words(most: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
        let word = prop::collection::vec(prop::sample::select(&b"ab\xff"[..]), 0..5);
        prop::collection::vec(word, 0..most)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn overlaps_are_those_of_every_pair(old in words(6), new in words(8), whole: bool) {
            // What a session can have: prefixes that do not overlap, and the empty one.
            let mut had: BTreeSet<Box<[u8]>> = BTreeSet::new();
            for word in old {
                if !word.is_empty() && !had.iter().any(|had| overlaps(had, &word)) {
                    had.insert(word.into());
                }
            }
            if whole {
                had.insert(Box::default());
            }
            let new: Vec<&[u8]> = new.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(overlap(&had, &new), by_trying(&had, &new));
        }
    }
}
