//! Large values that a cut reads in pieces and that are no longer where they were at the cut, and
//! what is held for them. Not the reading.

use alloc::collections::BTreeMap;

use crate::entry::DbEntry;
use crate::pieces::CutWeight;
use crate::table::{CutId, KeyHash};
use crate::value::Object;

/// Where large values of a cut went.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// A cut is in progress, in this keyspace or another.
    pub(super) is_cutting: bool,
    /// The keys of values that were moved here.
    places: BTreeMap<CutId, KeyHash>,
    /// Values that no key has any more.
    orphans: BTreeMap<CutId, Object>,
    orphan_bytes: usize,
    /// Held: by the values that are here. Saved: by those that were here when it happened.
    weight: CutWeight,
}

impl Moved {
    /// A value goes away from its key.
    pub(super) fn leaves(&mut self, object: &Object) {
        if let Some(id) = object.cut_id() {
            self.places.remove(&id);
            self.weight.held_bytes -= object.cut_weight().held_bytes;
        }
    }

    /// A value is no longer a key's; what it holds is accounted for elsewhere.
    pub(super) fn forget_place(&mut self, object: &Object) {
        if let Some(id) = object.cut_id() {
            self.places.remove(&id);
        }
    }

    /// An entry was taken out.
    #[inline]
    pub(super) fn note_removed(&mut self, entry: &DbEntry) {
        if self.is_cutting
            && let Some(object) = entry.object()
        {
            self.leaves(object);
        }
    }

    /// A value has come to the key of this hash.
    pub(super) fn arrives(&mut self, hash: KeyHash, object: &Object) {
        if let Some(id) = object.cut_id() {
            self.places.insert(id, hash);
            self.weight.held_bytes += object.cut_weight().held_bytes;
        }
    }

    /// A value that no key has any more waits to be read; given back if nothing reads it.
    pub(super) fn adopt(&mut self, object: Object) -> Option<Object> {
        let Some(id) = object.cut_id() else {
            return Some(object);
        };
        self.weight.held_bytes += object.cut_weight().held_bytes;
        self.orphan_bytes += object.memory_bytes();
        self.orphans.insert(id, object)
    }

    /// A value here was changed, or read.
    pub(super) fn weigh(&mut self, before: CutWeight, after: CutWeight) {
        let held = &mut self.weight.held_bytes;
        *held = *held - before.held_bytes + after.held_bytes;
        // A cut that has ended has nothing saved.
        self.weight.saved_bytes += after.saved_bytes.saturating_sub(before.saved_bytes);
    }

    /// Bytes that a cut has saved in a table.
    pub(super) fn note_saved(&mut self, bytes: usize) {
        self.weight.saved_bytes += bytes;
    }

    pub(super) fn forget_saved(&mut self) {
        self.weight.saved_bytes = 0;
    }

    pub(super) fn saved_bytes(&self) -> usize {
        self.weight.saved_bytes
    }

    /// Bytes of values that no key has and of what is saved.
    pub(super) fn held_bytes(&self) -> usize {
        self.weight.held_bytes + self.orphan_bytes
    }

    /// What [`Self::held_bytes`] has to be but for what the values of keys hold: for checks.
    pub(super) fn recount_orphan_bytes(&self) -> usize {
        let bytes = |object: &Object| object.memory_bytes() + object.recount_held_bytes();
        self.orphans.values().map(bytes).sum()
    }

    pub(super) fn orphan_mut(&mut self, id: CutId) -> Option<&mut Object> {
        self.orphans.get_mut(&id)
    }

    pub(super) fn place(&self, id: CutId) -> Option<KeyHash> {
        self.places.get(&id).copied()
    }

    /// The value is read.
    pub(super) fn close(&mut self, id: CutId) -> Option<Object> {
        self.places.remove(&id);
        let object = self.orphans.remove(&id)?;
        self.orphan_bytes -= object.memory_bytes();
        Some(object)
    }

    /// Some value is still to be read that has come here, or that no key has.
    pub(super) fn is_waiting(&self) -> bool {
        !self.places.is_empty() || !self.orphans.is_empty()
    }
}
