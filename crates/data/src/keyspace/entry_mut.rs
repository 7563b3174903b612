//! An entry that may be changed: accounting, expiry summary and cut follow by themselves.

use core::ops::Deref;

use vk_mem::Access;

use crate::entry::DbEntry;
use crate::pack::BodyMut;
use crate::table::{Facts, Loc, Table};
use crate::value::{NewValue, Object};

/// Exclusive access to one entry of a keyspace. The cut in progress, if any, saves the entry before
/// the first change; the totals are brought up to date when this is dropped.
#[derive(Debug)]
pub struct EntryMut<'t> {
    table: &'t mut Table<DbEntry>,
    loc: Loc,
    /// What the totals hold of the entry; `None` once it is removed.
    before: Option<Facts>,
    touched: bool,
}

impl<'t> EntryMut<'t> {
    #[inline]
    pub(super) fn new(table: &'t mut Table<DbEntry>, loc: Loc) -> Option<Self> {
        let before = table.at(loc).map(Facts::of)?;
        Some(Self {
            table,
            loc,
            before: Some(before),
            touched: false,
        })
    }

    /// Replaces the value, keeps the expiry. In place if the size class stays the same. Returns a
    /// value that lived outside of the entry, so that the caller decides where it is dropped.
    pub fn set_str(&mut self, value: NewValue<'_>) -> Option<Object> {
        let entry = self.write()?;
        let expire_ms = entry.expire_ms();
        entry.overwrite(value, expire_ms)
    }

    /// Sets, changes or removes the expiry (unix time in milliseconds).
    pub fn set_expire(&mut self, expire_ms: Option<i64>) {
        if let Some(entry) = self.write() {
            entry.set_expire_ms(expire_ms);
        }
    }

    /// The string's bytes, made `new_len` long (filled with zeros, or cut off), to be changed. The
    /// encoding becomes `raw`; growth is amortised; a blob that a reply shares is copied first.
    /// `None` if the value is no string.
    pub fn bytes_for_update(&mut self, new_len: usize) -> Option<&mut [u8]> {
        self.write()?.bytes_for_update(new_len)
    }

    /// The value to be changed, unless it is a string.
    pub fn body_mut(&mut self) -> Option<BodyMut<'_>> {
        self.write()?.body_mut()
    }

    /// Writes the access field. No change that a cut cares about.
    pub fn set_access(&mut self, access: Access) {
        if let Some(entry) = self.table.at_mut(self.loc) {
            entry.set_access(access);
        }
    }

    /// Removes the entry.
    pub fn remove(mut self) -> Option<DbEntry> {
        if let Some(before) = self.before.take() {
            self.table.reconcile(self.loc, before);
        }
        self.table.remove_at(self.loc)
    }

    /// Replaces value, expiry and access field.
    #[inline]
    pub(super) fn overwrite(
        &mut self,
        value: NewValue<'_>,
        expire_ms: Option<i64>,
        access: Access,
    ) -> Option<Object> {
        let entry = self.write()?;
        entry.set_access(access);
        entry.overwrite(value, expire_ms)
    }

    #[inline]
    fn write(&mut self) -> Option<&mut DbEntry> {
        if !self.touched {
            self.touched = true;
            self.table.touch_for_write(self.loc.hash());
        }
        self.table.at_mut(self.loc)
    }
}

impl Deref for EntryMut<'_> {
    type Target = DbEntry;

    #[inline]
    fn deref(&self) -> &DbEntry {
        match self.table.at(self.loc) {
            Some(entry) => entry,
            // `new` has found the entry there, and the table is borrowed since.
            None => unreachable!("the entry of an EntryMut is in the table"),
        }
    }
}

impl Drop for EntryMut<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(before) = self.before.take()
            && self.touched
        {
            self.table.reconcile(self.loc, before);
        }
    }
}
