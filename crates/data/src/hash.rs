//! Hashes: fields with values, each of which may expire on its own. Not commands: what a missing
//! field, a condition or an emptied hash means to a client is decided by the caller.
//!
//! A small hash is a listpack of field, value, field, value; its fields do not expire. A large one,
//! or one with a field that expires, is a [`struct@Hash`]: a table with one allocation per field.
//!
//! An expired field stays in its table until it is removed, overwritten or found by
//! [`HashMut::expire_slice`]; everything but [`HashRef::len`] and [`HashRef::for_each_stored`]
//! treats it as absent. A field lives through the millisecond of its expiry. Where `now_ms` is
//! [`NOTHING_EXPIRES_MS`] no field is expired.

mod cut;
mod edit;
mod field;
mod small;
mod view;

use alloc::vec::Vec;

use vk_mem::size_class;

use crate::bounds::PACK_ENTRIES_MAX;
use crate::table::{ExpiryPosition, HashSeed, Loc, Table};
use field::Field;

pub use edit::{HashBuilder, HashMut};
pub use field::FieldValue;
pub use view::HashRef;

/// The time to give where decided changes are repeated: every field that is stored counts.
pub const NOTHING_EXPIRES_MS: i64 = i64::MIN;

/// Up to where a hash is a listpack.
#[derive(Clone, Copy, Debug)]
pub struct HashLimits {
    /// Fields (`hash-max-listpack-entries`).
    pub entries: usize,
    /// Bytes of a field or a value (`hash-max-listpack-value`).
    pub value_bytes: usize,
    /// The key of the hash function of a new table.
    pub seed: HashSeed,
}

impl HashLimits {
    /// The same, cut down to the bounds of the encodings.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self {
            entries: self.entries.min(PACK_ENTRIES_MAX),
            ..self
        }
    }
}

/// What a new value does to the expiry of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldExpire {
    /// The field does not expire.
    Never,
    /// It expires when it did before; a new field does not.
    Keep,
    /// It expires at this unix time in milliseconds.
    At(i64),
}

/// What setting a field came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The field is new.
    Added,
    /// The field is new: the one before it had expired, and was still there.
    AddedOverExpired,
    /// The field has another value now.
    Updated,
}

/// What changing the expiry of a field came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiring {
    /// There is no such field.
    Absent,
    /// The caller did not allow it.
    Refused,
    /// The field expires at the new time.
    Set,
    /// The field is gone, because the new time has passed.
    Removed,
}

/// What making a field stay came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persisted {
    /// There is no such field.
    Absent,
    /// It did not expire before either.
    Unchanged,
    /// It does not expire any more.
    Done,
}

/// A hash in a table.
pub struct Hash {
    table: Table<Field>,
    /// No field expires before, if any does. A lower bound: the field that had it may be gone.
    earliest_ms: i64,
    /// Where the pass that looks for expired fields is.
    position: ExpiryPosition,
    /// This pass has removed something, so the bounds of the table want another one.
    pass_removed: bool,
}

impl Hash {
    /// A hash without fields.
    #[must_use]
    pub fn new(seed: HashSeed) -> Self {
        Self {
            table: Table::new(seed),
            earliest_ms: i64::MAX,
            position: ExpiryPosition::default(),
            pass_removed: false,
        }
    }

    /// Fields, expired ones that are still there included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// There is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Fields that expire, those that have expired already included.
    #[must_use]
    pub fn volatile_len(&self) -> usize {
        self.table.volatile_len()
    }

    /// Bytes of the value outside of its entry, the structure itself included, rounded to size
    /// classes. Constant time.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_class(size_of::<Self>()) + self.table.memory_bytes()
    }

    /// Unix time in milliseconds before which no field expires, if any ever does.
    #[must_use]
    pub fn due_ms(&self) -> Option<i64> {
        (self.table.volatile_len() > 0).then_some(self.earliest_ms)
    }

    /// Frees about `budget` elements; `true` when nothing is left. The first call ends the value's
    /// life: only this is called afterwards.
    pub fn drop_slice(&mut self, budget: usize) -> bool {
        self.table.drop_slice(budget, &mut drop)
    }

    fn locate(&self, name: &[u8]) -> Option<Loc> {
        let hash = self.table.seed().hash(name);
        self.table.locate(hash, |field| field.name() == name)
    }

    /// The field, unless it has expired.
    #[inline]
    fn find(&self, name: &[u8], now_ms: i64) -> Option<&Field> {
        let hash = self.table.seed().hash(name);
        self.table
            .find(hash, |field| field.name() == name)
            .filter(|field| field.lives(now_ms))
    }

    fn set(&mut self, name: &[u8], value: FieldValue<'_>, expire: FieldExpire, now_ms: i64) -> Put {
        let hash = self.table.seed().hash(name);
        let found = self.table.locate(hash, |field| field.name() == name);
        let before = found.and_then(|loc| self.table.at(loc));
        let lived = before.is_some_and(|field| field.lives(now_ms));
        let expire_ms = match expire {
            FieldExpire::Never => None,
            FieldExpire::At(at_ms) => Some(at_ms),
            FieldExpire::Keep if lived => before.and_then(Field::expires_ms),
            FieldExpire::Keep => None,
        };
        match found {
            Some(loc) => {
                self.table.update(loc, |field| field.set(value, expire_ms));
            }
            None => {
                self.table.insert(hash, Field::new(name, value, expire_ms));
            }
        }
        self.note(expire_ms);
        match (found, lived) {
            (None, _) => Put::Added,
            (Some(_), true) => Put::Updated,
            (Some(_), false) => Put::AddedOverExpired,
        }
    }

    fn remove(&mut self, name: &[u8], now_ms: i64) -> bool {
        let Some(loc) = self.locate(name) else {
            return false;
        };
        let lives = self.table.at(loc).is_some_and(|field| field.lives(now_ms));
        lives && self.table.remove_at(loc).is_some()
    }

    fn expire(
        &mut self,
        name: &[u8],
        at_ms: i64,
        passed: bool,
        now_ms: i64,
        allows: impl FnOnce(Option<i64>) -> bool,
    ) -> Expiring {
        let Some(loc) = self.locate(name) else {
            return Expiring::Absent;
        };
        match self.table.at(loc).filter(|field| field.lives(now_ms)) {
            None => return Expiring::Absent,
            Some(field) if !allows(field.expires_ms()) => return Expiring::Refused,
            Some(_) => {}
        }
        if passed {
            self.table.remove_at(loc);
            return Expiring::Removed;
        }
        self.table
            .update(loc, |field| field.set_expires_ms(Some(at_ms)));
        self.note(Some(at_ms));
        Expiring::Set
    }

    fn persist(&mut self, name: &[u8], now_ms: i64) -> Persisted {
        let Some(loc) = self.locate(name) else {
            return Persisted::Absent;
        };
        match self.table.at(loc).filter(|field| field.lives(now_ms)) {
            None => return Persisted::Absent,
            Some(field) if field.expires_ms().is_none() => return Persisted::Unchanged,
            Some(_) => {}
        }
        self.table.update(loc, |field| field.set_expires_ms(None));
        Persisted::Done
    }

    /// A field expires at this time from now on.
    fn note(&mut self, expire_ms: Option<i64>) {
        let Some(expire_ms) = expire_ms else { return };
        // The first field that expires makes the bound exact again.
        self.earliest_ms = if self.table.volatile_len() <= 1 {
            expire_ms
        } else {
            self.earliest_ms.min(expire_ms)
        };
    }

    /// See [`HashMut::expire_slice`].
    fn expire_slice(
        &mut self,
        now_ms: i64,
        budget: usize,
        expired: &mut impl FnMut(&[u8]),
    ) -> bool {
        let last_ms = now_ms.saturating_sub(1);
        let mut left = budget.max(1);
        let mut due: Vec<Vec<u8>> = Vec::new();
        while left > 0 {
            let mut take = |field: &Field| due.push(field.name().to_vec());
            let came_round = self
                .table
                .expired_slice(last_ms, left, &mut self.position, &mut take);
            self.pass_removed |= !due.is_empty();
            left = left.saturating_sub(due.len().max(1));
            for name in due.drain(..) {
                if let Some(loc) = self.locate(&name) {
                    self.table.remove_at(loc);
                    expired(&name);
                }
            }
            if !came_round {
                return false;
            }
            // The bounds that a pass leaves are those from before its removals: they are right
            // after a pass that has found nothing.
            if !core::mem::take(&mut self.pass_removed) {
                self.earliest_ms = self.table.earliest_due_ms();
                return true;
            }
        }
        false
    }
}

impl Clone for Hash {
    /// A copy of every field. Linear.
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            earliest_ms: self.earliest_ms,
            position: ExpiryPosition::default(),
            pass_removed: false,
        }
    }
}

impl core::fmt::Debug for Hash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Hash")
            .field("len", &self.len())
            .field("volatile_len", &self.volatile_len())
            .field("due_ms", &self.due_ms())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests;
