//! An entry that may be changed: accounting, expiry summary and cut follow by themselves.

use core::ops::{Deref, Range};

use vk_mem::Access;

use crate::entry::DbEntry;
use crate::keyspace::cut::weight_of;
use crate::keyspace::moved::Moved;
use crate::pack::BodyMut;
use crate::pieces::CutWeight;
use crate::table::{Facts, Loc, Table};
use crate::value::{NewValue, Object};

/// Exclusive access to one entry of a keyspace. The cut in progress, if any, saves the entry before
/// the first change; the totals are brought up to date when this is dropped.
#[derive(Debug)]
pub struct EntryMut<'t> {
    table: &'t mut Table<DbEntry>,
    moved: &'t mut Moved,
    loc: Loc,
    /// What the totals hold of the entry; `None` once it is removed.
    before: Option<Facts>,
    /// What a cut has saved of the value.
    weight: CutWeight,
    /// A structure that a cut reads and that the entry has no more.
    replaced: Option<Object>,
    touched: bool,
}

impl<'t> EntryMut<'t> {
    #[inline]
    pub(super) fn new(
        table: &'t mut Table<DbEntry>,
        moved: &'t mut Moved,
        loc: Loc,
    ) -> Option<Self> {
        let before = table.at(loc).map(Facts::of)?;
        let weight = weight_of(table.at(loc), moved);
        Some(Self {
            table,
            moved,
            loc,
            before: Some(before),
            weight,
            replaced: None,
            touched: false,
        })
    }

    /// Replaces the value, keeps the expiry. In place if the size class stays the same. Returns a
    /// value that lived outside of the entry, so that the caller decides where it is dropped.
    pub fn set_str(&mut self, value: NewValue<'_>) -> Option<Object> {
        let entry = self.write()?;
        let expire_ms = entry.expire_ms();
        let before = entry.overwrite(value, expire_ms);
        self.forget_place(before)
    }

    /// Sets, changes or removes the expiry (unix time in milliseconds).
    pub fn set_expire(&mut self, expire_ms: Option<i64>) {
        if let Some(entry) = self.write() {
            entry.set_expire_ms(expire_ms);
        }
    }

    /// The string's bytes, made `new_len` long (filled with zeros, or cut off), to be changed. The
    /// encoding becomes `raw`; growth is amortised; a blob that a reply shares is copied first. Of
    /// what there is, no more than `places` may be changed: a cut saves them. `None` if the value
    /// is no string.
    pub fn bytes_for_update(
        &mut self,
        new_len: usize,
        places: &[Range<usize>],
    ) -> Option<&mut [u8]> {
        self.write()?.bytes_for_update(new_len, places)
    }

    /// The value to be changed, unless it is a string.
    pub fn body_mut(&mut self) -> Option<BodyMut<'_>> {
        self.touch();
        self.table
            .at_mut(self.loc)?
            .body_mut_keeping(&mut self.replaced)
    }

    /// Writes the access field. No change that a cut cares about.
    pub fn set_access(&mut self, access: Access) {
        if let Some(entry) = self.table.at_mut(self.loc) {
            entry.set_access(access);
        }
    }

    /// Removes the entry.
    pub fn remove(mut self) -> Option<DbEntry> {
        self.settle();
        let removed = self.table.remove_at(self.loc)?;
        self.moved.note_removed(&removed);
        Some(removed)
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
        let before = entry.overwrite(value, expire_ms);
        self.forget_place(before)
    }

    #[inline]
    fn touch(&mut self) {
        if !self.touched {
            self.touched = true;
            self.table.touch_for_write(self.loc.hash());
        }
    }

    #[inline]
    fn write(&mut self) -> Option<&mut DbEntry> {
        self.touch();
        self.table.at_mut(self.loc)
    }

    /// The entry's value was taken out.
    fn forget_place(&mut self, before: Option<Object>) -> Option<Object> {
        if self.moved.is_cutting
            && let Some(object) = &before
        {
            self.moved.forget_place(object);
        }
        before
    }

    /// Brings everything up to date that is known of the entry.
    #[inline]
    fn settle(&mut self) {
        let Some(before) = self.before.take() else {
            return;
        };
        self.table.reconcile(self.loc, before);
        if self.moved.is_cutting {
            self.settle_cut();
        }
    }

    #[cold]
    fn settle_cut(&mut self) {
        let after = weight_of(self.table.at(self.loc), self.moved);
        self.moved.weigh(self.weight, after);
        if let Some(object) = self.forget_replaced() {
            // Nobody is told when it is dropped, so it waits here.
            self.moved.adopt(object);
        }
    }

    fn forget_replaced(&mut self) -> Option<Object> {
        let replaced = self.replaced.take();
        self.forget_place(replaced)
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
        if self.touched {
            self.settle();
        }
    }
}
