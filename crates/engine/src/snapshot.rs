//! Snapshots: the state of all databases at one moment, as records of an RDB file or as commands,
//! read out slice by slice while commands go on.
//!
//! Whoever writes files asks for slices; what a snapshot is for, when one is due and what is told
//! of it is in `save`. Compression, checksums and disks are the shell's business.

mod commands;
mod load;
mod pass;
mod pieces;
mod record;
mod save;
mod shared;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
mod walk;

use alloc::vec::Vec;

use vk_rdb::{
    Facts, TextSpan, VERSION_FUNCTIONS_MIN, VERSION_REDIS_MAX, VERSION_TRANSCRIBED_MIN,
    VERSION_VALKEY,
};
use vk_resp::Blob;

use crate::{Engine, LogLevel, config::id, version};

pub use commands::record_commands;
pub(crate) use load::Loading;
pub use load::{LoadError, LoadOptions, LoadStep};
pub(crate) use pass::Pass;
pub use save::{BackgroundSave, SaveFault};
pub(crate) use save::{SaveState, scheduled};

/// Names a pass over the databases, and nothing once it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotId(pub(crate) u64);

/// What the records of a snapshot are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotForm {
    /// Records of an RDB file.
    Records,
    /// Commands that make the same keys, in RESP.
    Commands,
}

/// A piece of a snapshot.
#[derive(Debug, Default)]
pub struct SnapshotChunk {
    /// Records or commands. Only the one of a large value goes on in the next piece.
    pub bytes: Vec<u8>,
    /// Where strings lie in them that are worth compressing.
    pub texts: Vec<TextSpan>,
    /// A long string that follows, as the value of the last key: a record has it with its length,
    /// a command without.
    pub tail: Option<Blob>,
    /// The last key is not complete: it goes on in the next piece.
    pub goes_on: bool,
}

/// How far a pass is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotStep {
    /// More is to come.
    More,
    /// This was the last piece; the pass is over.
    Ended,
    /// A value could not be found any more, which is a defect: what was read is of no use. The pass
    /// is given up.
    Lost,
}

/// What a file of a snapshot begins with.
#[derive(Debug, Clone)]
pub struct SnapshotPlan {
    /// The version of the format that all records keep to.
    pub version: u16,
    /// Facts about the file.
    pub facts: Facts,
    /// The code of libraries of functions that a file brought and that go into the next one.
    pub functions: Vec<Vec<u8>>,
}

/// Another pass is in progress: there is one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotBusy;

impl Engine {
    /// Fixes the state of all databases at this moment, to be read out with
    /// [`Engine::snapshot_poll`]. Constant time but for the number of databases.
    ///
    /// # Errors
    /// When another pass is in progress.
    pub fn snapshot_begin(&mut self, form: SnapshotForm) -> Result<SnapshotId, SnapshotBusy> {
        if self.pass.is_some() || !self.dbs.cut_begin() {
            return Err(SnapshotBusy);
        }
        self.snapshots_begun += 1;
        self.saves.copied_peak_bytes = 0;
        let id = SnapshotId(self.snapshots_begun);
        self.pass = Some(Pass::new(self, id, form));
        Ok(id)
    }

    /// Whether a pass is still in progress.
    #[must_use]
    pub fn snapshot_is_active(&self, id: SnapshotId) -> bool {
        self.pass.as_ref().is_some_and(|pass| pass.id() == id)
    }

    /// Keys that the pass in progress has read out, or 0 without one.
    #[must_use]
    pub fn snapshot_keys_done(&self) -> usize {
        self.pass.as_ref().map_or(0, |pass| pass.progress().0)
    }

    /// Gives a pass up. An id of a pass that has ended does nothing.
    pub fn snapshot_abort(&mut self, id: SnapshotId) {
        if let Some(pass) = self.pass.take_if(|pass| pass.id() == id) {
            self.dbs.cut_abort(pass.unread());
        }
    }

    /// What a file begins with that holds the state of this moment.
    #[must_use]
    pub fn snapshot_plan(&mut self, is_aof_base: bool) -> SnapshotPlan {
        let version = self.saved_version();
        let named = self.config.int(id::RDB_VERSION);
        if named > 0 && named < i64::from(version) {
            let text = alloc::format!(
                "rdb-version {named} has no form for some of the data: version {version} is written"
            );
            self.log(LogLevel::Warning, text);
        }
        SnapshotPlan {
            version,
            facts: Facts {
                server_version: version::VALKEY.into(),
                created_s: self.wall.0.div_euclid(1_000_000),
                used_memory_bytes: self.used_memory_bytes(),
                is_aof_base,
                replication: None,
            },
            functions: self.functions.clone(),
        }
    }

    /// Forgets all keys, as before a file is loaded in their place. Nobody is told.
    pub fn forget_all(&mut self) {
        for db in 0..self.dbs.count() as u32 {
            self.dbs.flush(db);
        }
        self.functions.clear();
    }

    /// The version that is asked for, or the oldest that has all that the data needs.
    fn saved_version(&self) -> u16 {
        let needed = if self.dbs.iter().any(|(_, db)| db.expiring_parts_len() > 0) {
            VERSION_VALKEY
        } else if self.functions.is_empty() {
            VERSION_TRANSCRIBED_MIN
        } else {
            VERSION_FUNCTIONS_MIN
        };
        let named = u16::try_from(self.config.int(id::RDB_VERSION)).ok();
        let named = named.filter(|named| *named > 0);
        needed.max(named.unwrap_or(VERSION_REDIS_MAX))
    }

    fn saved_manner(&self) -> record::Manner {
        record::Manner {
            uses: self.saved_uses(),
            version: self.saved_version(),
        }
    }

    /// Whether records of use go into the file, and which.
    fn saved_uses(&self) -> record::Uses {
        let policy = self.config.choice(id::MAXMEMORY_POLICY);
        if policy.ends_with("-lfu") {
            let minutes = self.minutes();
            let decay_minutes = self.config.int(id::LFU_DECAY_TIME);
            record::Uses::Frequency {
                minutes,
                decay_minutes,
            }
        } else if policy.ends_with("-lru") {
            let seconds = self.seconds();
            record::Uses::Idle { seconds }
        } else {
            record::Uses::None
        }
    }
}
