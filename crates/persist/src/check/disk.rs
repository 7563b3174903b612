//! A disk that honours what it was told to keep, and nothing else. What was written and not
//! synced may be there after a crash, in part or not at all; names that were changed in a folder
//! that was not synced may be the old ones or the new ones, each on its own. What a failed sync
//! was about is never sure again, although it can be read until the crash: later syncs do not ask
//! for it.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

/// The contents of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Inode {
    /// As they are read now.
    pub(super) bytes: Vec<u8>,
    /// So many of them are on disk, but for the holes.
    pub(super) firm: usize,
    /// What a sync has failed for.
    pub(super) holes: Vec<(usize, usize)>,
    /// The last sync has failed.
    pub(super) is_stuck: bool,
    /// Ends of what was written at once.
    pub(super) marks: Vec<usize>,
    /// What it was before it was cut off, as long as that is not synced.
    pub(super) longer: Option<Vec<u8>>,
}

impl Inode {
    fn of(bytes: Vec<u8>) -> Self {
        Self {
            marks: alloc::vec![bytes.len()],
            bytes,
            ..Self::default()
        }
    }
}

/// Names that change together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Change {
    pub(super) names: Vec<(String, Option<usize>)>,
    pub(super) state: Durability,
}

/// Whether a change is there after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Durability {
    /// Perhaps, until the folder is synced.
    Perhaps,
    /// Perhaps for ever: the folder's sync has failed.
    Never,
    /// Surely.
    Surely,
}

/// Files under names in one folder; the folder outside is named by a slash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    pub(super) inodes: Vec<Inode>,
    pub(super) names: BTreeMap<String, usize>,
    /// Names on disk, before the changes.
    pub(super) firm: BTreeMap<String, usize>,
    pub(super) changes: Vec<Change>,
}

impl Disk {
    /// Files that are all on disk.
    pub(super) fn of(files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in files {
            let firm = bytes.len();
            disk.firm.insert(name, disk.inodes.len());
            disk.inodes.push(Inode {
                bytes,
                firm,
                ..Inode::default()
            });
        }
        disk.names = disk.firm.clone();
        disk
    }

    pub(super) fn read(&self, name: &str) -> Option<&[u8]> {
        let inode = self.inodes.get(*self.names.get(name)?)?;
        Some(&inode.bytes)
    }

    /// Forgets names that are not needed, and files that have no name any more, but for `held`.
    /// Equal disks are equal values then.
    pub(super) fn tidy(&mut self, held: &mut [&mut usize], is_needed: impl Fn(&str) -> bool) {
        self.names.retain(|name, _| is_needed(name));
        self.firm.retain(|name, _| is_needed(name));
        for change in &mut self.changes {
            change.names.retain(|(name, _)| is_needed(name));
        }
        self.changes.retain(|change| !change.names.is_empty());
        let mut places = BTreeMap::new();
        let changed = self.changes.iter_mut().flat_map(|change| &mut change.names);
        let changed = changed.filter_map(|(_, inode)| inode.as_mut());
        let named = self.names.values_mut().chain(self.firm.values_mut());
        let held = held.iter_mut().map(|inode| &mut **inode);
        for inode in named.chain(changed).chain(held) {
            let next = places.len();
            *inode = *places.entry(*inode).or_insert(next);
        }
        let mut inodes = alloc::vec![Inode::default(); places.len()];
        for (old, new) in places {
            inodes[new] = core::mem::take(&mut self.inodes[old]);
        }
        self.inodes = inodes;
    }

    pub(super) fn inode(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    fn change(&mut self, names: Vec<(String, Option<usize>)>) {
        for (name, inode) in &names {
            match inode {
                Some(inode) => self.names.insert(name.clone(), *inode),
                None => self.names.remove(name),
            };
        }
        let state = Durability::Perhaps;
        self.changes.push(Change { names, state });
    }

    /// A new file.
    pub(super) fn create(&mut self, name: &str, bytes: Vec<u8>) {
        self.inodes.push(Inode::of(bytes));
        self.change(alloc::vec![(name.into(), Some(self.inodes.len() - 1))]);
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(inode) = self.inode(from) {
            self.change(alloc::vec![(from.into(), None), (to.into(), Some(inode))]);
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if self.names.contains_key(name) {
            self.change(alloc::vec![(name.into(), None)]);
        }
    }

    pub(super) fn append(&mut self, inode: usize, bytes: &[u8]) {
        if let Some(inode) = self.inodes.get_mut(inode) {
            inode.bytes.extend_from_slice(bytes);
            inode.marks.push(inode.bytes.len());
        }
    }

    pub(super) fn cut(&mut self, inode: usize, len: usize) {
        if let Some(inode) = self.inodes.get_mut(inode)
            && len < inode.bytes.len()
        {
            inode.longer.get_or_insert_with(|| inode.bytes.clone());
            inode.bytes.truncate(len);
            inode.firm = inode.firm.min(len);
            inode.marks.retain(|mark| *mark <= len);
        }
    }

    /// The first `len` bytes of a file are on disk, or the disk says so.
    pub(super) fn sync(&mut self, inode: usize, len: usize) {
        let Some(inode) = self.inodes.get_mut(inode) else {
            return;
        };
        let len = len.min(inode.bytes.len());
        // What a sync has failed for is clean in the eyes of the system, and is not written again.
        inode.is_stuck = false;
        inode.firm = inode.firm.max(len);
        inode.longer = None;
        let firm = inode.firm;
        inode.marks.retain(|mark| *mark > firm);
    }

    /// A sync of a file has failed.
    pub(super) fn fail_sync(&mut self, inode: usize) {
        if let Some(inode) = self.inodes.get_mut(inode)
            && inode.firm < inode.bytes.len()
            && !inode.is_stuck
        {
            inode.is_stuck = true;
            inode.holes.push((inode.firm, inode.bytes.len()));
        }
    }

    pub(super) fn sync_folder(&mut self) {
        for change in &mut self.changes {
            if change.state == Durability::Perhaps {
                change.state = Durability::Surely;
            }
        }
        while let Some(first) = self.changes.first()
            && first.state == Durability::Surely
        {
            let first = self.changes.remove(0);
            apply(&mut self.firm, &first);
        }
    }

    pub(super) fn fail_sync_folder(&mut self) {
        for change in &mut self.changes {
            if change.state == Durability::Perhaps {
                change.state = Durability::Never;
            }
        }
    }
}

pub(super) fn apply(names: &mut BTreeMap<String, usize>, change: &Change) {
    for (name, inode) in &change.names {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}
