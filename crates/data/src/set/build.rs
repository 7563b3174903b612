//! Making a set of many members at once, in the encoding that suits them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::edit::{self, Home};
use super::{Set, SetLimits, SetRef, union};
use crate::intset;
use crate::listpack::{self, Item, Listpack};
use crate::num::{INT_TEXT_MAX, parse_i64};
use crate::pack::{PackBuf, PackKind};
use crate::value::{NewValue, Object};

/// A set that is being made.
#[derive(Debug)]
pub struct SetBuilder {
    limits: SetLimits,
    own: Own,
    /// Nothing but integers so far.
    ints_only: bool,
}

impl SetBuilder {
    /// An empty set.
    #[must_use]
    pub fn new(limits: SetLimits) -> Self {
        Self {
            limits,
            own: Own {
                bytes: listpack::EMPTY.to_vec(),
                table: None,
            },
            ints_only: true,
        }
    }

    /// A set of these members.
    #[must_use]
    pub fn from_set(set: Set, limits: SetLimits) -> Self {
        let mut builder = Self::new(limits);
        builder.ints_only = set.iter().all(|member| parse_i64(member).is_some());
        builder.own.table = Some(Box::new(set));
        builder
    }

    /// The union of sets.
    #[must_use]
    pub fn union(sets: &[SetRef<'_>], limits: SetLimits) -> Self {
        let mut builder = Self::new(limits);
        union(sets, limits.seed, &mut |member| builder.push(member));
        builder
    }

    /// Adds a member that is not there yet.
    pub fn push(&mut self, member: Item<'_>) {
        self.ints_only = self.ints_only && matches!(member.compact(), Item::Int(_));
        match &mut self.own.table {
            Some(set) => set.insert_unique(member.bytes(&mut [0; INT_TEXT_MAX])),
            None => edit::add_to_pack(&mut self.own, member, &self.limits),
        }
    }

    /// Members so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.own.shape().len()
    }

    /// There is no member so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set, in the encoding that suits it.
    #[must_use]
    pub fn finish(self) -> BuiltSet {
        let len = self.len();
        if self.ints_only && len <= self.limits.intset_entries {
            return BuiltSet::Pack(PackKind::SetInts, sorted_ints(self.own.shape()));
        }
        match self.own.table {
            None => BuiltSet::Pack(PackKind::Set, self.own.bytes),
            Some(set) => match edit::packed(&set, &self.limits) {
                Some(pack) => BuiltSet::Pack(PackKind::Set, pack),
                None => BuiltSet::Table(set),
            },
        }
    }
}

/// A set that was made, to be stored.
#[derive(Debug)]
pub enum BuiltSet {
    /// An intset or a listpack.
    Pack(PackKind, Vec<u8>),
    /// A table.
    Table(Box<Set>),
}

impl BuiltSet {
    /// The set as a new value; the bytes of a small one are kept in `bytes`.
    #[must_use]
    pub fn into_value(self, bytes: &mut Vec<u8>) -> NewValue<'_> {
        match self {
            Self::Pack(kind, pack) => {
                *bytes = pack;
                NewValue::Pack(kind, bytes)
            }
            Self::Table(set) => NewValue::Object(Object::Set(set)),
        }
    }
}

/// An intset of members that are all integers.
fn sorted_ints(set: SetRef<'_>) -> Vec<u8> {
    let mut ints: Vec<i64> = set
        .iter()
        .filter_map(|member| match member.compact() {
            Item::Int(value) => Some(value),
            Item::Bytes(_) => None,
        })
        .collect();
    ints.sort_unstable();
    let mut pack = intset::EMPTY.to_vec();
    for value in ints {
        intset::insert(&mut pack, value);
    }
    pack
}

/// A set that belongs to nobody yet: a listpack until it is a table.
#[derive(Debug)]
struct Own {
    bytes: Vec<u8>,
    table: Option<Box<Set>>,
}

impl PackBuf for Own {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn open(&mut self, at: usize, removed: usize, added: usize) -> &mut [u8] {
        self.bytes.open(at, removed, added)
    }
}

impl Home for Own {
    fn shape(&self) -> SetRef<'_> {
        match &self.table {
            Some(set) => SetRef::Table(set),
            None => SetRef::Pack(Listpack::new(&self.bytes)),
        }
    }

    fn table(&mut self) -> Option<&mut Set> {
        self.table.as_deref_mut()
    }

    fn become_table(&mut self, set: Set) {
        self.bytes = Vec::new();
        self.table = Some(Box::new(set));
    }
}
