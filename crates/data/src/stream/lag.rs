//! How far a group is behind: counting without walking. Not exact where entries were deleted
//! singly, and then it says so.

use super::{Entries, Group, GroupMut, StreamId};

impl Entries {
    /// How many entries the group has still to read; `None` if that cannot be told.
    #[must_use]
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let added = self.info().entries_added;
        if added == 0 {
            return Some(0);
        }
        let read = match group.entries_read {
            Some(read) if !self.may_have_gaps(group.last_id) => read,
            _ => self.added_until(group.last_id)?,
        };
        Some((added as i64).wrapping_sub(read as i64))
    }

    /// How many entries were ever added up to `id`, if that can be told: for the last id, for the
    /// first one, and for what is before the first one.
    #[must_use]
    pub fn added_until(&self, id: StreamId) -> Option<u64> {
        let info = self.info();
        if info.entries_added == 0 {
            return Some(0);
        }
        if id == info.last_id || (self.is_empty() && id < info.last_id) {
            return Some(info.entries_added);
        }
        let gaps = !info.max_deleted_id.is_zero() && info.max_deleted_id >= info.first_id;
        if id > info.last_id || gaps || id > info.first_id {
            return None;
        }
        let before = info.entries_added.wrapping_sub(self.len());
        Some(before.wrapping_add(u64::from(id == info.first_id)))
    }

    /// An entry with this id or a larger one may have been deleted singly.
    fn may_have_gaps(&self, id: StreamId) -> bool {
        let info = self.info();
        let deleted = info.max_deleted_id;
        !self.is_empty() && !deleted.is_zero() && deleted >= info.first_id && deleted >= id
    }
}

impl GroupMut<'_> {
    /// An entry of the stream is delivered to the group: if it is a new one, the group's last id
    /// and its count follow. Tells whether they did.
    pub fn advance(&mut self, id: StreamId) -> bool {
        if id <= self.last_id {
            return false;
        }
        let entries = self.entries();
        match self.entries_read {
            Some(read) if !entries.may_have_gaps(id) => {
                self.entries_read = Some(read.wrapping_add(1));
            }
            _ if entries.info().entries_added > 0 => self.entries_read = entries.added_until(id),
            _ => {}
        }
        self.last_id = id;
        true
    }
}
