//! Changing a sorted set where it is stored, in either encoding, and going from a listpack to a
//! structure. The way back is not taken, as in Valkey.

use alloc::boxed::Box;
use core::ops::Range;

use super::{Change, Form, Member, ZSet, ZSetLimits, ZSetRef, pack};
use crate::bounds::PACK_BYTES_MAX;
use crate::listpack::{self, Listpack};
use crate::pack::{Body, BodyMut, PackBuf, PackKind};
use crate::value::Object;

/// A sorted set, to be changed.
#[derive(Debug)]
pub struct ZSetMut<'a>(BodyMut<'a>);

impl<'a> ZSetMut<'a> {
    /// The sorted set that the body is, if it is one.
    #[must_use]
    pub fn of(body: BodyMut<'a>) -> Option<Self> {
        ZSetRef::of_body(body.body()?)?;
        Some(Self(body))
    }

    /// The sorted set as it is now.
    #[must_use]
    pub fn view(&self) -> ZSetRef<'_> {
        match self.0.body().and_then(ZSetRef::of_body) {
            Some(view) => view,
            // `of` has seen that it is one, and nothing here makes it something else.
            None => ZSetRef(Form::Pack(Listpack::new(&listpack::EMPTY))),
        }
    }

    /// Takes the encoding that fits `entries` elements of which the longest has `value_bytes`: a
    /// hint from what is about to be added, as Valkey takes it from the arguments of a command.
    pub fn expect(&mut self, entries: usize, value_bytes: usize, limits: &ZSetLimits) {
        if !limits.allow(entries, value_bytes) {
            self.make_structure(limits);
        }
    }

    /// Sets the score of `member`, which is added if it is new.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: &ZSetLimits) -> Change {
        self.update(member, limits, |_| Some(score))
    }

    /// Gives `decide` the score of `member` (`None` if it is new) and sets the score that it
    /// returns; `None` leaves things as they are. A NaN counts as `None`.
    pub fn update(
        &mut self,
        member: &[u8],
        limits: &ZSetLimits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Change {
        if let Some(Object::ZSet(zset)) = self.0.object_mut() {
            return zset.update(member, decide);
        }
        let known = Listpack::new(self.0.bytes());
        let found = pack::find(known, member);
        let decided = decide(found.map(|(_, score)| score)).filter(|score| !score.is_nan());
        let Some(score) = decided else {
            return Change::Skipped;
        };
        if let Some((at, before)) = found {
            if before == score {
                return Change::Same;
            }
            pack::update(&mut self.0, at, member, score);
            return Change::Updated;
        }
        let bytes = known.byte_len().saturating_add(member.len());
        let bytes = bytes.saturating_add(pack::ELEMENT_OVERHEAD_BYTES);
        if limits.allow(pack::len(known) + 1, member.len()) && bytes <= PACK_BYTES_MAX {
            pack::insert(&mut self.0, member, score);
            return Change::Added;
        }
        self.make_structure(limits);
        match self.0.object_mut() {
            Some(Object::ZSet(zset)) => zset.update(member, |_| Some(score)),
            _ => Change::Skipped,
        }
    }

    /// Removes `member`; returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        if let Some(Object::ZSet(zset)) = self.0.object_mut() {
            return zset.remove(member);
        }
        let (at, score) = pack::find(Listpack::new(self.0.bytes()), member)?;
        listpack::remove(&mut self.0, at, 2);
        Some(score)
    }

    /// Removes the elements of those ranks, from the lowest; `each` sees them from the lowest of
    /// them on. Returns how many there were.
    pub fn remove_ranks(
        &mut self,
        ranks: Range<usize>,
        each: &mut (impl FnMut(Member<'_>, f64) + ?Sized),
    ) -> usize {
        if let Some(Object::ZSet(zset)) = self.0.object_mut() {
            return zset.remove_ranks(ranks, false, each);
        }
        let view = self.view();
        let end = ranks.end.min(view.len());
        let count = end.saturating_sub(ranks.start);
        for (member, score) in view.iter_from_rank(ranks.start, false).take(count) {
            each(member, score);
        }
        self.cut(ranks.start, count)
    }

    /// Removes the `count` lowest elements, from the lowest on. Returns how many there were.
    pub fn pop_min(
        &mut self,
        count: usize,
        each: &mut (impl FnMut(Member<'_>, f64) + ?Sized),
    ) -> usize {
        self.remove_ranks(0..count, each)
    }

    /// Removes the `count` highest elements, from the highest on. Returns how many there were.
    pub fn pop_max(
        &mut self,
        count: usize,
        each: &mut (impl FnMut(Member<'_>, f64) + ?Sized),
    ) -> usize {
        if let Some(Object::ZSet(zset)) = self.0.object_mut() {
            let len = zset.len();
            return zset.remove_ranks(len.saturating_sub(count)..len, true, each);
        }
        let view = self.view();
        let count = count.min(view.len());
        let start = view.len() - count;
        for (member, score) in view.iter_from_rank(0, true).take(count) {
            each(member, score);
        }
        self.cut(start, count)
    }

    /// Cuts `count` elements out of a listpack, none of which need be there.
    fn cut(&mut self, start: usize, count: usize) -> usize {
        let at = i64::try_from(start.saturating_mul(2)).ok();
        match at.and_then(|at| Listpack::new(self.0.bytes()).seek(at)) {
            Some(at) if count > 0 => {
                listpack::remove(&mut self.0, at, 2 * count);
                count
            }
            _ => 0,
        }
    }

    fn make_structure(&mut self, limits: &ZSetLimits) {
        if let Some(Body::Pack(PackKind::ZSet, bytes)) = self.0.body() {
            let zset = ZSet::from_pack(limits.seed, Listpack::new(bytes));
            self.0.become_object(Object::ZSet(Box::new(zset)));
        }
    }
}
