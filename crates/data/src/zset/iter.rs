//! Walking over elements by rank, up or down.

use super::arena::Reader;
use super::{Member, ZSet, pack};
use crate::listpack::{self, Listpack};

/// Elements whose records are fetched ahead of the one that is returned.
const AHEAD: usize = 16;

/// Elements with their scores, in order or against it.
#[derive(Clone, Debug)]
pub struct ZSetIter<'a> {
    walk: Walk<'a>,
    reverse: bool,
    left: usize,
}

#[derive(Clone, Debug)]
enum Walk<'a> {
    Pack(listpack::Iter<'a>),
    /// What is left of one leaf.
    Tree(&'a ZSet, &'a [u64]),
}

impl<'a> ZSetIter<'a> {
    pub(super) fn of_pack(pack: Listpack<'a>, rank: usize, reverse: bool) -> Self {
        let len = pack::len(pack);
        let left = len.saturating_sub(rank);
        let first = if reverse { left } else { rank };
        let at = match i64::try_from(first.saturating_mul(2)) {
            Ok(index) if first < len => pack.seek(index).unwrap_or_else(|| pack.end()),
            _ => pack.end(),
        };
        let walk = match pack.first() {
            Some(start) if reverse => pack.between(start, at),
            _ => pack.iter_from(at),
        };
        Self {
            walk: Walk::Pack(walk),
            reverse,
            left,
        }
    }

    pub(super) fn of_structure(zset: &'a ZSet, rank: usize, reverse: bool) -> Self {
        Self {
            walk: Walk::Tree(zset, &[]),
            reverse,
            left: zset.len().saturating_sub(rank),
        }
    }

    /// Calls `each` with the next `count` elements: cheaper than one [`Iterator::next`] for each.
    #[inline]
    pub fn visit(mut self, count: usize, mut each: impl FnMut(Member<'a>, f64)) {
        let Walk::Tree(zset, _) = self.walk else {
            self.take(count)
                .for_each(|(member, score)| each(member, score));
            return;
        };
        let mut run = Run {
            zset,
            reader: zset.reader(),
            each: |member, score| each(Member::Bytes(member), score),
        };
        let mut count = count.min(self.left);
        while count > 0 {
            let leaf = Self::rest_of_leaf(zset, self.reverse, self.left);
            let met = count.min(leaf.len());
            if self.reverse {
                run.go(leaf.iter().rev().take(met));
            } else {
                run.go(leaf.iter().take(met));
            }
            if met == 0 {
                return;
            }
            count -= met;
            self.left -= met;
        }
    }

    /// The next element of the tree.
    #[inline]
    fn step(
        zset: &'a ZSet,
        leaf: &mut &'a [u64],
        reverse: bool,
        left: usize,
    ) -> Option<(Member<'a>, f64)> {
        if leaf.is_empty() {
            *leaf = Self::enter(zset, reverse, left);
        }
        let (&entry, rest, ahead) = if reverse {
            let (entry, rest) = leaf.split_last()?;
            (entry, rest, rest.len().checked_sub(AHEAD))
        } else {
            let (entry, rest) = leaf.split_first()?;
            (entry, rest, Some(AHEAD - 1))
        };
        if let Some(&ahead) = ahead.and_then(|at| rest.get(at)) {
            zset.prefetch(ahead as u32);
        }
        *leaf = rest;
        let (score, member) = zset.element(entry as u32);
        Some((Member::Bytes(member), score))
    }

    /// The rest of the leaf in which the walk goes on.
    #[cold]
    fn enter(zset: &'a ZSet, reverse: bool, left: usize) -> &'a [u64] {
        let leaf = Self::rest_of_leaf(zset, reverse, left);
        if reverse {
            prefetch_ahead(zset, &mut leaf.iter().rev());
        } else {
            prefetch_ahead(zset, &mut leaf.iter());
        }
        leaf
    }

    fn rest_of_leaf(zset: &'a ZSet, reverse: bool, left: usize) -> &'a [u64] {
        let rank = if reverse { left - 1 } else { zset.len() - left };
        let (entries, at) = zset.leaf_at(rank);
        let leaf = if reverse {
            entries.get(..=at)
        } else {
            entries.get(at..)
        };
        leaf.unwrap_or_default()
    }
}

/// Fetches the first records of a leaf.
fn prefetch_ahead<'e>(zset: &ZSet, entries: &mut impl Iterator<Item = &'e u64>) {
    let first = entries.take(AHEAD);
    first.for_each(|entry| zset.prefetch(*entry as u32));
}

/// A walk that calls back.
struct Run<'a, F> {
    zset: &'a ZSet,
    reader: Reader<'a>,
    each: F,
}

impl<'a, F: FnMut(&'a [u8], f64)> Run<'a, F> {
    /// Entries of one leaf.
    #[inline]
    fn go<'e>(&mut self, entries: impl Iterator<Item = &'e u64> + Clone) {
        let is_far = self.zset.is_far();
        let mut ahead = entries.clone();
        if is_far {
            prefetch_ahead(self.zset, &mut ahead);
        }
        for entry in entries {
            if is_far && let Some(entry) = ahead.next() {
                self.zset.prefetch(*entry as u32);
            }
            let (score, member) = self.reader.element(*entry as u32);
            (self.each)(member, score);
        }
    }
}

impl<'a> Iterator for ZSetIter<'a> {
    type Item = (Member<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let next = match &mut self.walk {
            Walk::Tree(zset, leaf) => Self::step(zset, leaf, self.reverse, self.left),
            Walk::Pack(items) if self.reverse => match (items.next_back(), items.next_back()) {
                (Some(score), Some(member)) => Some((member, pack::score_of(score))),
                _ => None,
            },
            Walk::Pack(items) => match (items.next(), items.next()) {
                (Some(member), Some(score)) => Some((member, pack::score_of(score))),
                _ => None,
            },
        };
        self.left -= 1;
        next
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for ZSetIter<'_> {}
