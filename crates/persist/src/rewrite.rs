//! What a rewrite does to the files of the log, and what is left when something of it fails.

use alloc::{string::String, vec::Vec};

use crate::{
    Aof, FileOp, FsyncPolicy, Manifest, Step,
    log::{Place, Rewrite, Way},
    step::Then,
};

impl Aof {
    /// What has to be done so that commands go to an increment behind all that there is: the first
    /// one of a log, at its start.
    #[must_use]
    pub fn first_increment(&self) -> Step {
        self.next_increment(false)
    }

    /// What has to be done so that a rewrite begins. The effects before it are written.
    ///
    /// A log whose files are complete goes on in a new increment. One that was switched on just
    /// now, or that has lost something, must not: its files are not what the new commands go on
    /// from. There the commands go to a file apart, which comes into the list together with the
    /// base.
    #[must_use]
    pub fn begin_rewrite(&self) -> Step {
        if self.place == Place::Listed && !self.is_lost {
            return self.next_increment(true);
        }
        Step {
            ops: alloc::vec![FileOp::Create(self.names.temporary_increment())],
            then: Then::Apart,
        }
    }

    fn next_increment(&self, rewrites: bool) -> Step {
        let (next, name) = self.manifest.with_increment(&self.names);
        let mut ops = Vec::new();
        // The one before may not end in a hole once there is another behind it.
        ops.extend(self.increment().map(|name| FileOp::Sync(name.into())));
        ops.push(FileOp::Create(name));
        // A list must not be on disk before what it names.
        ops.push(FileOp::SyncFolder);
        ops.extend(self.store(&next));
        Step {
            ops,
            then: Then::Increment { next, rewrites },
        }
    }

    /// A rewrite of files that no command is written to.
    pub fn begin_rewrite_alone(&mut self) {
        self.place = Place::Nowhere;
        self.rewrite = Some(Rewrite {
            way: Way::Alone,
            position: self.position,
            bytes: 0,
            is_spoilt: false,
        });
    }

    /// What has to be done so that the base of so many bytes in the file `temporary`, which is on
    /// disk, takes the place of all that it covers. Nothing if what goes on from it is lost.
    #[must_use]
    pub fn end_rewrite(&self, temporary: &str, is_rdb: bool, bytes: u64) -> Option<Step> {
        let way = match &self.rewrite {
            Some(rewrite) if rewrite.is_spoilt => return None,
            Some(rewrite) => rewrite.way,
            // The first base, before there is any increment.
            None => Way::Alone,
        };
        // Increments of rewrites that failed are in this base, too.
        let kept = usize::from(way == Way::Behind);
        let (mut next, name) = self.manifest.with_base(&self.names, is_rdb, kept);
        let mut ops = alloc::vec![FileOp::Rename(temporary.into(), name)];
        if way == Way::Apart {
            let (with, name) = next.with_increment(&self.names);
            ops.push(FileOp::Rename(self.names.temporary_increment(), name));
            next = with;
        }
        ops.push(FileOp::SyncFolder);
        ops.extend(self.store(&next));
        if way != Way::Behind {
            // All that there is was written anew.
            ops.push(FileOp::Remove(self.names.distrust()));
        }
        Some(Step {
            ops,
            then: Then::Base { next, bytes },
        })
    }

    /// What has to be done so that files go that nobody needs.
    #[must_use]
    pub fn without_history(&self) -> Option<Step> {
        if self.manifest.history.is_empty() {
            return None;
        }
        let mut next = self.manifest.clone();
        let parts = next.history.drain(..);
        let mut ops: Vec<FileOp> = parts.map(|part| FileOp::Remove(part.name)).collect();
        ops.extend(self.store(&next));
        Some(Step {
            ops,
            then: Then::Pruned { next },
        })
    }

    fn store(&self, manifest: &Manifest) -> [FileOp; 4] {
        store(&self.names, manifest)
    }

    /// All of it was done.
    pub fn handle_step(&mut self, step: Step) {
        match step.then {
            Then::Increment { next, rewrites } => {
                self.synced = self.status.written;
                self.status.durable = self.status.durable.max(self.synced);
                self.manifest = next;
                self.go_on_in(Place::Listed);
                if rewrites {
                    self.begin(Way::Behind);
                }
            }
            Then::Apart => {
                self.synced = self.status.written;
                self.go_on_in(Place::Apart);
                self.begin(Way::Apart);
            }
            Then::Base { next, bytes } => {
                self.manifest = next;
                self.install(bytes);
            }
            Then::Pruned { next } => self.manifest = next,
        }
    }

    fn go_on_in(&mut self, place: Place) {
        self.place = place;
        self.selected = None;
    }

    fn begin(&mut self, way: Way) {
        self.rewrite = Some(Rewrite {
            way,
            position: self.position,
            bytes: 0,
            is_spoilt: false,
        });
    }

    fn install(&mut self, bytes: u64) {
        let rewrite = self.rewrite.take();
        let behind = rewrite.as_ref().map_or(0, |rewrite| rewrite.bytes);
        self.status.current_bytes = bytes + behind;
        self.status.base_bytes = self.status.current_bytes;
        if let Some(rewrite) = rewrite
            && rewrite.way == Way::Apart
        {
            self.place = Place::Listed;
            self.is_lost = false;
            self.is_withheld = false;
            let durable = self.synced.max(rewrite.position);
            self.status.durable = self.status.durable.max(durable);
        }
    }

    /// The piece of work at this place has failed, and nothing behind it was done. What is to be
    /// cleaned up, where that is possible.
    #[must_use]
    pub fn handle_step_failed(&mut self, step: &Step, at: usize) -> Vec<FileOp> {
        let increment = self.increment();
        let is_lost = match step.ops.get(at) {
            Some(FileOp::SyncFolder) => true,
            Some(FileOp::Sync(name)) => Some(name.as_str()) == increment,
            _ => false,
        };
        let mut ops = Vec::new();
        if is_lost {
            ops.extend(self.handle_sync_failed());
        }
        if let Some(next) = step.manifest() {
            // Nobody knows which list is on disk, so the names of the other are not used again.
            self.manifest.give_up(next);
        }
        if matches!(step.then, Then::Base { .. }) {
            ops.extend(self.handle_rewrite_failed());
        }
        ops
    }

    /// The rewrite has failed, or was given up; an increment in the list that it began stays. What
    /// is to be cleaned up.
    #[must_use]
    pub fn handle_rewrite_failed(&mut self) -> Vec<FileOp> {
        let way = self.rewrite.take().map(|rewrite| rewrite.way);
        if way != Some(Way::Apart) {
            return Vec::new();
        }
        self.give_buffer_up();
        self.go_on_in(Place::Nowhere);
        alloc::vec![FileOp::Remove(self.names.temporary_increment())]
    }

    /// The disk has not taken what it was given: nobody knows what of it is there, and to ask again
    /// would hide that. Nothing more is written until a rewrite has written everything anew. The
    /// next start is told not to trust what it reads, as far as that is possible.
    #[must_use]
    pub fn handle_sync_failed(&mut self) -> Vec<FileOp> {
        self.is_lost = true;
        // With `always` nothing of what is not on disk was acknowledged yet.
        let is_promised = self.options.policy == FsyncPolicy::Always;
        self.is_withheld |= is_promised && self.synced < self.status.written;
        self.give_buffer_up();
        self.go_on_in(Place::Nowhere);
        if let Some(rewrite) = &mut self.rewrite {
            rewrite.is_spoilt |= rewrite.way == Way::Apart;
        }
        alloc::vec![FileOp::Create(self.names.distrust())]
    }

    /// Effects are in no file whose replies have not left: they wait for the next base.
    pub fn withhold(&mut self) {
        self.is_withheld = true;
    }

    /// What was not written will not be. Where that was promised, replies wait for the next base.
    fn give_buffer_up(&mut self) {
        self.is_withheld |= self.is_lost && !self.buffer.is_empty();
        self.buffer.clear();
    }

    /// The file apart from the list that commands go to.
    #[must_use]
    pub fn apart(&self) -> Option<String> {
        (self.place == Place::Apart).then(|| self.names.temporary_increment())
    }
}

/// What has to be done so that this is the list of files.
pub(crate) fn store(names: &crate::Names, manifest: &Manifest) -> [FileOp; 4] {
    let temporary = names.temporary_manifest();
    [
        FileOp::Write(temporary.clone(), manifest.encode()),
        FileOp::Sync(temporary.clone()),
        FileOp::Rename(temporary, names.manifest()),
        FileOp::SyncFolder,
    ]
}
