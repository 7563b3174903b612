//! Making a set of many members at once, in the encoding that suits them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::edit::{self, Home};
use super::{Found, Set, SetLimits, SetRef, union};
use crate::intset;
use crate::listpack::{self, Item, Listpack};
use crate::num::{INT_TEXT_MAX, parse_i64};
use crate::pack::{PackBuf, PackKind};
use crate::value::{NewValue, Object};

/// A set that is being made.
#[derive(Debug)]
pub struct SetBuilder {
    limits: SetLimits,
    /// The members, while they are integers that an intset may hold.
    ints: Option<Vec<i64>>,
    /// The members, afterwards.
    own: Own,
    /// There will be at least so many.
    expected: usize,
}

impl SetBuilder {
    /// An empty set.
    #[must_use]
    pub fn new(limits: SetLimits) -> Self {
        Self {
            limits,
            ints: Some(Vec::new()),
            own: Own {
                bytes: Vec::new(),
                table: None,
            },
            expected: 0,
        }
    }

    /// A set of these members.
    #[must_use]
    pub fn from_set(set: Set, limits: SetLimits) -> Self {
        let mut builder = Self::new(limits);
        builder.ints = (set.len() <= limits.intset_entries)
            .then(|| set.iter().map(parse_i64).collect())
            .flatten();
        if builder.ints.is_none() {
            builder.own.table = Some(Box::new(set));
        }
        builder
    }

    /// The union of sets.
    #[must_use]
    pub fn union(sets: &[SetRef<'_>], limits: SetLimits) -> Self {
        let mut builder = Self::new(limits);
        builder.expected = sets.iter().map(|set| set.len()).max().unwrap_or(0);
        union(sets, limits.seed, &mut |found| builder.push_found(found));
        builder
    }

    /// Adds a member that is not there yet.
    #[inline]
    pub fn push(&mut self, member: Item<'_>) {
        self.push_found(Found { member, hash: None });
    }

    /// As [`SetBuilder::push`], of a member that was found in other sets.
    #[inline]
    pub fn push_found(&mut self, found: Found<'_>) {
        if let Some(ints) = &mut self.ints {
            match found.member.compact() {
                Item::Int(value) if ints.len() < self.limits.intset_entries => {
                    return ints.push(value);
                }
                _ => self.leave_ints(),
            }
        }
        self.push_to_own(found);
    }

    fn push_to_own(&mut self, found: Found<'_>) {
        let Some(set) = &mut self.own.table else {
            return edit::add_to_pack(&mut self.own, found.member, &self.limits);
        };
        let mut text = [0; INT_TEXT_MAX];
        let member = found.member.bytes(&mut text);
        match found.hash {
            Some(hash) => set.insert_hashed(hash, member),
            None => set.insert_unique(member),
        }
    }

    /// What comes next does not belong into an intset.
    #[cold]
    fn leave_ints(&mut self) {
        let ints = self.ints.take().unwrap_or_default();
        // With what comes next.
        let expected = self.expected.max(ints.len().saturating_add(1));
        if expected > self.limits.listpack_entries {
            self.own.become_table(Set::new(self.limits.seed));
        } else {
            self.own.bytes = listpack::EMPTY.to_vec();
        }
        for value in ints {
            self.push_to_own(Found {
                member: Item::Int(value),
                hash: None,
            });
        }
    }

    /// Members so far.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.ints {
            Some(ints) => ints.len(),
            None => self.own.shape().len(),
        }
    }

    /// There is no member so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set, in the encoding that suits it.
    #[must_use]
    pub fn finish(self) -> BuiltSet {
        if let Some(ints) = self.ints {
            return BuiltSet::Pack(PackKind::SetInts, intset::from_ints(ints));
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
