//! Pieces of work with files, on the disk that is a value.

use super::{
    disk::Disk,
    world::{Omission, Seen, World, names, outside},
};
use crate::FileOp;

impl World {
    /// Does one thing after the other, up to the one that fails, whose place is returned.
    pub(super) fn perform(
        &mut self,
        ops: &[FileOp],
        fails_at: &mut Option<usize>,
        seen: &mut Seen<'_>,
    ) -> Result<(), usize> {
        for (at, op) in ops.iter().enumerate() {
            if let Some(left) = fails_at {
                if *left == 0 {
                    *fails_at = None;
                    fail(&mut self.disk, op);
                    // What is left behind by a sync that has failed follows at once: nothing can
                    // tell of it between the two.
                    if !matches!(op, FileOp::Sync(_) | FileOp::SyncFolder) {
                        seen(self);
                    }
                    return Err(at);
                }
                *left -= 1;
            }
            if !self.omits(op, ops.get(at + 1), at) {
                perform(&mut self.disk, op);
                seen(self);
            }
        }
        Ok(())
    }

    fn omits(&self, op: &FileOp, next: Option<&FileOp>, at: usize) -> bool {
        let names = names();
        let is_sync_of = |part: &str| matches!(op, FileOp::Sync(name) if name.contains(part));
        match self.omission {
            Omission::Nothing | Omission::Apart => false,
            Omission::FolderSync => *op == FileOp::SyncFolder,
            Omission::FolderSyncBeforeList => {
                *op == FileOp::SyncFolder && matches!(next, Some(FileOp::Write(..)))
            }
            // A start syncs as well; it is the first of a step here.
            Omission::IncrementSync => {
                is_sync_of("incr") && matches!(next, Some(FileOp::Create(_))) && at == 0
            }
            Omission::ListSync => is_sync_of("manifest"),
            Omission::BaseSync => is_sync_of("temp-base"),
            Omission::Settling => {
                // Nothing else gives files of the list to the disk in this way.
                matches!(op, FileOp::Sync(name) if !name.starts_with("temp"))
                    && !matches!(next, Some(FileOp::Create(_)))
            }
            Omission::Distrust => *op == FileOp::Create(names.distrust()),
        }
    }
}

fn perform(disk: &mut Disk, op: &FileOp) {
    match op {
        FileOp::Create(name) => disk.create(name, alloc::vec::Vec::new()),
        FileOp::Write(name, bytes) => disk.create(name, bytes.clone()),
        FileOp::Cut(name, len) => {
            if let Some(inode) = disk.inode(name) {
                disk.cut(inode, usize::try_from(*len).unwrap_or(usize::MAX));
            }
        }
        FileOp::Sync(name) => {
            if let Some(inode) = disk.inode(name) {
                disk.sync(inode, usize::MAX);
            }
        }
        FileOp::SyncFolder => disk.sync_folder(),
        FileOp::Rename(from, to) => disk.rename(from, to),
        FileOp::Remove(name) => disk.remove(name),
        FileOp::TakeOver(name) => disk.rename(&outside(name), name),
        // Both folders are one here: a name in the one and its absence in the other are one change.
        FileOp::SyncOutside => {}
    }
}

/// What is there of a piece of work that fails.
fn fail(disk: &mut Disk, op: &FileOp) {
    match op {
        FileOp::Write(name, bytes) => {
            let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
            disk.create(name, half.to_vec());
        }
        FileOp::Sync(name) => {
            if let Some(inode) = disk.inode(name) {
                disk.fail_sync(inode);
            }
        }
        FileOp::SyncFolder => disk.fail_sync_folder(),
        _ => {}
    }
}
