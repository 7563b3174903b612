//! The guard through which every change of a key goes.
//!
//! [`Writer::commit`] emits dirty count, WATCH and tracking invalidation and keyspace notification
//! together; the effect follows when the command ends. A change that is not committed is a defect:
//! tests stop at it, and in production it is committed without an event.

use core::ops::Range;

use vk_data::{
    entry::DbEntry,
    keyspace::EntryMut,
    table::Loc,
    value::{NewValue, StrRef, View},
};

use crate::{Engine, Error, access::KeyRef, config::EventFlags};

/// What a new value does to the expiry of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expire {
    /// The expiry stays as it is.
    Keep,
    /// The key does not expire.
    Never,
    /// The key expires at this Unix time in milliseconds.
    At(i64),
}

/// A key that is open for a change.
#[must_use = "a change counts when it is committed"]
#[expect(missing_debug_implementations, reason = "borrows the whole machine")]
pub struct Writer<'w> {
    engine: &'w mut Engine,
    key: KeyRef<'w>,
    place: Place,
    changed: bool,
}

/// What is known of where the entry is.
#[derive(Clone, Copy)]
enum Place {
    At(Loc),
    Absent,
    /// Something was added or removed since it was looked for.
    Unknown,
}

impl<'w> Writer<'w> {
    pub(super) fn new(engine: &'w mut Engine, key: KeyRef<'w>, loc: Option<Loc>) -> Self {
        Self {
            engine,
            key,
            place: loc.map_or(Place::Absent, Place::At),
            changed: false,
        }
    }

    /// The entry, if the key is there.
    #[must_use]
    pub fn entry(&self) -> Option<&DbEntry> {
        match self.place {
            Place::At(loc) => self.engine.dbs.db(self.key.db)?.at(loc),
            Place::Absent => None,
            Place::Unknown => self.engine.dbs.find(&self.key),
        }
    }

    /// The string value.
    ///
    /// # Errors
    /// [`Error::WRONG_TYPE`] if the value is no string.
    pub fn string(&self) -> Result<Option<StrRef<'_>>, Error> {
        debug_assert!(self.key.may_read(), "a look without permission");
        match self.entry() {
            None => Ok(None),
            Some(entry) => entry.str().map(Some).ok_or(Error::WRONG_TYPE),
        }
    }

    /// The value as a view of one type; `None` if the key is not there.
    ///
    /// # Errors
    /// [`Error::WRONG_TYPE`] if the value is of another type.
    pub fn view<'v, V: View<'v>>(&'v self) -> Result<Option<V>, Error> {
        debug_assert!(self.key.may_read(), "a look without permission");
        match self.entry() {
            None => Ok(None),
            Some(entry) => V::of(entry).map(Some).ok_or(Error::WRONG_TYPE),
        }
    }

    /// Opens the value for a change in place: through [`EntryMut::body_mut`], while the result
    /// lives. `None` if the key is not there. Either [`Writer::commit`] or, if it came to nothing,
    /// [`Writer::unchanged`] ends it.
    pub fn modify(&mut self) -> Option<EntryMut<'_>> {
        self.changed = true;
        self.entry_mut()
    }

    /// As [`Writer::modify`], but stores `value` first if the key is not there.
    pub fn modify_or_put(&mut self, value: NewValue<'_>) -> Option<EntryMut<'_>> {
        if self.entry().is_none() {
            self.put(value, Expire::Never);
        }
        self.modify()
    }

    /// Nothing was changed after all; there is nothing to commit.
    pub fn unchanged(mut self) {
        self.changed = false;
    }

    /// Removes the key if its collection has no element left; tells whether it did.
    pub fn remove_if_empty(&mut self) -> bool {
        self.entry().is_some_and(DbEntry::is_empty_collection) && self.remove()
    }

    /// Stores a value, whatever was there. Keeps the record of use where there was one.
    pub fn put(&mut self, value: NewValue<'_>, expire: Expire) {
        self.changed = true;
        if let (Place::At(loc), NewValue::Int(number), Expire::Keep) = (self.place, &value, expire)
            && let Some(db) = self.engine.dbs.db_mut(self.key.db)
            && db.set_int_at(loc, *number)
        {
            return;
        }
        let expire_ms = match expire {
            Expire::Never => None,
            Expire::At(at) => Some(at),
            Expire::Keep => self.entry().and_then(DbEntry::expire_ms),
        };
        let first = self.engine.initial_access();
        let (hash, bytes) = (self.key.hash, self.key.bytes);
        let place = self.place;
        let Some(db) = self.engine.dbs.db_mut(self.key.db) else {
            return;
        };
        let is_new = match place {
            Place::At(loc) => {
                let before = db.overwrite_at(loc, value, expire_ms);
                self.engine.dbs.bury(before);
                false
            }
            Place::Absent => {
                db.insert_new(hash, bytes, value, expire_ms, first);
                true
            }
            Place::Unknown => {
                let mark = |old: Option<_>| old.unwrap_or(first);
                let old = db.put(hash, bytes, value, expire_ms, mark);
                let is_new = old.is_none();
                self.engine.dbs.bury(old.and_then(|old| old.object));
                is_new
            }
        };
        if is_new {
            self.place = Place::Unknown;
            self.engine
                .notify(self.key.db, EventFlags::NEW, "new", bytes);
        }
    }

    /// Changes the bytes of the string value in place: makes them `len` long (what is new is zero)
    /// and lends them to `change`, which changes no more of them than `places`. The key must be
    /// there and hold a string.
    pub fn update_bytes(
        &mut self,
        len: usize,
        places: &[Range<usize>],
        change: impl FnOnce(&mut [u8]),
    ) {
        self.changed = true;
        if let Some(mut entry) = self.entry_mut()
            && let Some(bytes) = entry.bytes_for_update(len, places)
        {
            change(bytes);
        }
    }

    fn entry_mut(&mut self) -> Option<EntryMut<'_>> {
        let (hash, bytes) = (self.key.hash, self.key.bytes);
        let db = self.engine.dbs.db_mut(self.key.db)?;
        match self.place {
            Place::At(loc) => db.at_mut(loc),
            Place::Absent => None,
            Place::Unknown => db.entry_mut(hash, bytes),
        }
    }

    /// Sets or removes the expiry; the key must be there.
    pub fn set_expire(&mut self, at_ms: Option<i64>) {
        self.changed = true;
        if let Some(mut entry) = self.entry_mut() {
            entry.set_expire(at_ms);
        }
    }

    /// Removes the key; tells whether it was there.
    pub fn remove(&mut self) -> bool {
        let was_there = self.engine.dbs.delete(&self.key);
        self.place = Place::Unknown;
        self.changed |= was_there;
        was_there
    }

    /// Removes the key and hands its entry out, to be stored elsewhere.
    pub fn take(&mut self) -> Option<DbEntry> {
        let taken = self.engine.dbs.remove(&self.key);
        self.place = Place::Unknown;
        self.changed |= taken.is_some();
        taken
    }

    /// Stores an entry, which must bear this key, with the expiry that it brings.
    pub fn put_entry(&mut self, entry: DbEntry) {
        self.changed = true;
        let (hash, bytes) = (self.key.hash, self.key.bytes);
        let Some(db) = self.engine.dbs.db_mut(self.key.db) else {
            return;
        };
        self.place = Place::Unknown;
        match db.insert_entry(hash, entry) {
            Some(before) => self.engine.dbs.bury(before.into_object()),
            None => self
                .engine
                .notify(self.key.db, EventFlags::NEW, "new", bytes),
        }
    }

    /// Makes the change count, with its notifications in order.
    pub fn commit(mut self, events: &[(EventFlags, &'static str)]) {
        self.changed = false;
        debug_assert!(self.key.flags.writes(), "a change without permission");
        self.engine.key_changed(self.key.db, self.key.bytes);
        self.engine.run.dirty += 1;
        for (class, event) in events {
            self.engine
                .notify(self.key.db, *class, event, self.key.bytes);
        }
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if self.changed {
            debug_assert!(false, "a change was not committed");
            self.engine.key_changed(self.key.db, self.key.bytes);
            self.engine.run.dirty += 1;
        }
    }
}
