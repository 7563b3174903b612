//! Changing a set, wherever it lies, with the change of its encoding. Not the limits' values.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{
    Set, SetLimits, SetRef, find,
    sample::{Chooser, SplitMix},
};
use crate::bounds::PACK_BYTES_MAX;
use crate::listpack::{self, Item, encoded_len};
use crate::num::{INT_TEXT_MAX, parse_i64};
use crate::pack::{BodyMut, PackBuf, PackKind};
use crate::value::{NewValue, Object};
use crate::{intset, pack::Body};

/// A set to be changed.
#[derive(Debug)]
pub struct SetMut<'a>(BodyMut<'a>);

impl<'a> SetMut<'a> {
    /// The set in this body, if it is one.
    #[must_use]
    pub fn of(body: BodyMut<'a>) -> Option<Self> {
        let is_set = body.body().and_then(SetRef::of_body).is_some();
        is_set.then_some(Self(body))
    }

    /// What a set without members begins as, whose first one will be `first` of `expected`. A set
    /// that will surely outgrow the small encodings begins as a table.
    #[must_use]
    pub fn begin(first: &[u8], expected: usize, limits: &SetLimits) -> NewValue<'static> {
        if expected <= limits.intset_entries && parse_i64(first).is_some() {
            NewValue::Pack(PackKind::SetInts, &intset::EMPTY)
        } else if expected <= limits.listpack_entries {
            NewValue::Pack(PackKind::Set, &listpack::EMPTY)
        } else {
            NewValue::Object(Object::Set(Box::new(Set::new(limits.seed))))
        }
    }

    /// The set to be read.
    #[must_use]
    pub fn view(&self) -> SetRef<'_> {
        self.0.shape()
    }

    /// Turns a small set into a table if it is about to get more members than the limit says.
    pub fn expect(&mut self, added: usize, limits: &SetLimits) {
        let outgrown = match self.0.shape() {
            SetRef::Ints(_) => added > limits.intset_entries,
            SetRef::Pack(_) => added > limits.listpack_entries,
            SetRef::Table(_) => false,
        };
        if outgrown {
            to_table(&mut self.0, limits);
        }
    }

    /// Adds a member; `false` if it is there.
    #[inline]
    pub fn add(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        add(&mut self.0, Item::Bytes(member), limits)
    }

    /// Takes a member out; `false` if it is not there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        remove(&mut self.0, Item::Bytes(member))
    }

    /// Takes `count` members out that `seed` chooses, all of them if there are no more, and calls
    /// `popped` with each. When only a few stay of many, they may become a listpack again.
    pub fn pop(
        &mut self,
        count: usize,
        seed: u64,
        limits: &SetLimits,
        popped: &mut impl FnMut(Item<'_>),
    ) {
        let set = self.0.shape();
        let stay = set.len().saturating_sub(count);
        let Some(table) = self.0.table() else {
            return self.pop_small(count, seed, popped);
        };
        table.pop(count, seed, &mut |member| popped(Item::Bytes(member)));
        if stay > 0 && stay.saturating_mul(FEW_STAY) <= count {
            self.repack(limits);
        }
    }

    /// Takes one member out of a small set.
    fn pop_one(&mut self, seed: u64, popped: &mut impl FnMut(Item<'_>)) {
        let set = self.0.shape();
        let at = SplitMix::new(seed).below(set.len());
        match set {
            SetRef::Ints(ints) => {
                ints.get(at).map(Item::Int).into_iter().for_each(popped);
                intset::remove_at(&mut self.0, at);
            }
            SetRef::Pack(pack) => {
                if let Some(pos) = i64::try_from(at).ok().and_then(|at| pack.seek(at)) {
                    popped(pack.get(pos));
                    listpack::remove(&mut self.0, pos, 1);
                }
            }
            SetRef::Table(_) => {}
        }
    }

    fn pop_small(&mut self, count: usize, seed: u64, popped: &mut impl FnMut(Item<'_>)) {
        if count == 1 {
            return self.pop_one(seed, popped);
        }
        let set = self.0.shape();
        let mut chooser = Chooser::new(count, set.len(), seed);
        let mut kept = Vec::new();
        let kind = match set {
            SetRef::Ints(ints) => {
                kept.extend_from_slice(&intset::EMPTY);
                for value in ints.iter() {
                    if chooser.next() {
                        popped(Item::Int(value));
                    } else {
                        intset::insert(&mut kept, value);
                    }
                }
                PackKind::SetInts
            }
            SetRef::Pack(pack) => {
                kept.reserve_exact(pack.byte_len());
                kept.extend_from_slice(&listpack::EMPTY);
                for item in pack.iter() {
                    if chooser.next() {
                        popped(item);
                    } else {
                        listpack::append(&mut kept, &[item]);
                    }
                }
                PackKind::Set
            }
            SetRef::Table(_) => return,
        };
        self.0.become_pack(kind, &kept);
    }

    /// Makes a listpack of a table if it fits.
    fn repack(&mut self, limits: &SetLimits) {
        if let SetRef::Table(set) = self.0.shape()
            && let Some(pack) = packed(set, limits)
        {
            self.0.become_pack(PackKind::Set, &pack);
        }
    }
}

/// Of a table from which at least this many times as many members are popped as stay, those are put
/// where they fit best.
const FEW_STAY: usize = 5;

/// The members of a table as a listpack, if they are few and short enough.
pub(super) fn packed(set: &Set, limits: &SetLimits) -> Option<Vec<u8>> {
    if set.len() > limits.listpack_entries {
        return None;
    }
    let mut pack = listpack::EMPTY.to_vec();
    for member in set.iter() {
        if !fits(&pack, member.len(), limits) {
            return None;
        }
        listpack::append(&mut pack, &[Item::Bytes(member)]);
    }
    Some(pack)
}

/// A member of this length may be added to a listpack, as far as lengths go.
fn fits(pack: &[u8], member_bytes: usize, limits: &SetLimits) -> bool {
    member_bytes <= limits.listpack_value_bytes
        && pack.len().saturating_add(member_bytes) <= PACK_BYTES_MAX
}

/// Where a set lies that is being changed.
pub(super) trait Home: PackBuf {
    /// The set to be read.
    fn shape(&self) -> SetRef<'_>;

    /// The table, if it is one.
    fn table(&mut self) -> Option<&mut Set>;

    /// Puts a table in its place.
    fn become_table(&mut self, set: Set);
}

impl Home for BodyMut<'_> {
    #[inline]
    fn shape(&self) -> SetRef<'_> {
        let set = self.body().and_then(SetRef::of_body);
        // `SetMut::of` has seen a set.
        set.unwrap_or_else(|| SetRef::Ints(intset::Intset::new(&[])))
    }

    #[inline]
    fn table(&mut self) -> Option<&mut Set> {
        if let Some(Body::Pack(..)) = self.body() {
            return None;
        }
        match self.object_mut() {
            Some(Object::Set(set)) => Some(set),
            _ => None,
        }
    }

    fn become_table(&mut self, set: Set) {
        self.become_object(Object::Set(Box::new(set)));
    }
}

/// Adds a member; `false` if it is there.
#[inline]
fn add(home: &mut BodyMut<'_>, member: Item<'_>, limits: &SetLimits) -> bool {
    let mut text = [0; INT_TEXT_MAX];
    if let Some(set) = home.table() {
        return set.insert(member.bytes(&mut text));
    }
    match home.shape() {
        SetRef::Ints(_) => add_to_ints(home, member, limits),
        SetRef::Pack(pack) => {
            if find(pack, member.bytes(&mut text)).is_some() {
                return false;
            }
            add_to_pack(home, member, limits);
            true
        }
        SetRef::Table(_) => false,
    }
}

fn add_to_ints(home: &mut BodyMut<'_>, member: Item<'_>, limits: &SetLimits) -> bool {
    let bytes = match member.compact() {
        Item::Int(value) => {
            let is_new = intset::insert(home, value);
            if is_new && home.shape().len() > limits.intset_entries {
                to_table(home, limits);
            }
            return is_new;
        }
        Item::Bytes(bytes) => bytes,
    };
    match ints_as_pack(home.shape(), bytes.len(), limits) {
        Some(mut pack) => {
            listpack::append(&mut pack, &[member]);
            home.become_pack(PackKind::Set, &pack);
        }
        None => {
            to_table(home, limits);
            if let Some(set) = home.table() {
                set.insert_unique(bytes);
            }
        }
    }
    true
}

/// The members of an intset as a listpack, if it may be one with one more member of this length.
fn ints_as_pack(set: SetRef<'_>, member_bytes: usize, limits: &SetLimits) -> Option<Vec<u8>> {
    let SetRef::Ints(ints) = set else { return None };
    // The outermost ones have the most digits.
    let ends = [ints.min(), ints.max()].map(|end| Item::Int(end.unwrap_or(0)));
    let text_bytes = ends.map(Item::byte_len).into_iter().max().unwrap_or(0);
    let item_bytes = ends.map(encoded_len).into_iter().max().unwrap_or(0);
    let bytes = item_bytes.saturating_mul(ints.len());
    let may = ints.len() < limits.listpack_entries
        && (ints.is_empty() || text_bytes <= limits.listpack_value_bytes)
        && member_bytes <= limits.listpack_value_bytes
        && bytes.saturating_add(member_bytes) <= PACK_BYTES_MAX;
    if !may {
        return None;
    }
    let mut pack = Vec::with_capacity(bytes + listpack::EMPTY.len());
    pack.extend_from_slice(&listpack::EMPTY);
    for value in ints.iter() {
        listpack::append(&mut pack, &[Item::Int(value)]);
    }
    Some(pack)
}

/// Adds a member that is not there to a listpack, or to the table that it becomes.
pub(super) fn add_to_pack(home: &mut impl Home, member: Item<'_>, limits: &SetLimits) {
    let len = home.shape().len();
    if len < limits.listpack_entries && fits(home.bytes(), member.byte_len(), limits) {
        listpack::append(home, &[member]);
        return;
    }
    to_table(home, limits);
    if let Some(set) = home.table() {
        set.insert_unique(member.bytes(&mut [0; INT_TEXT_MAX]));
    }
}

/// Takes a member out; `false` if it is not there.
fn remove(home: &mut BodyMut<'_>, member: Item<'_>) -> bool {
    let mut text = [0; INT_TEXT_MAX];
    if let Some(set) = home.table() {
        return set.remove(member.bytes(&mut text));
    }
    match home.shape() {
        SetRef::Ints(_) => match member.compact() {
            Item::Int(value) => intset::remove(home, value),
            Item::Bytes(_) => false,
        },
        SetRef::Pack(pack) => match find(pack, member.bytes(&mut text)) {
            Some(at) => {
                listpack::remove(home, at, 1);
                true
            }
            None => false,
        },
        SetRef::Table(_) => false,
    }
}

/// Turns a small set into a table.
fn to_table(home: &mut impl Home, limits: &SetLimits) {
    let mut set = Set::new(limits.seed);
    for member in home.shape().iter() {
        set.insert_unique(member.bytes(&mut [0; INT_TEXT_MAX]));
    }
    home.become_table(set);
}
