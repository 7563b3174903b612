//! The names of the files, all in one folder.

use alloc::{format, string::String};

/// Makes names from `appendfilename`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Names {
    name: String,
}

impl Names {
    /// Names after this one.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into() }
    }

    /// The name itself: that of the one file of old.
    #[must_use]
    pub fn single(&self) -> &str {
        &self.name
    }

    /// The list of all files.
    #[must_use]
    pub fn manifest(&self) -> String {
        format!("{}.manifest", self.name)
    }

    /// The list while it is written.
    #[must_use]
    pub fn temporary_manifest(&self) -> String {
        format!("temp_{}.manifest", self.name)
    }

    /// A base: a snapshot, or commands.
    #[must_use]
    pub fn base(&self, sequence: u64, is_rdb: bool) -> String {
        let kind = if is_rdb { "rdb" } else { "aof" };
        format!("{}.{sequence}.base.{kind}", self.name)
    }

    /// An increment.
    #[must_use]
    pub fn increment(&self, sequence: u64) -> String {
        format!("{}.{sequence}.incr.aof", self.name)
    }

    /// The file that commands go to before it becomes an increment together with a base.
    #[must_use]
    pub fn temporary_increment(&self) -> String {
        format!("temp-{}.incr", self.name)
    }

    /// A file that is there if the disk has failed: what can be read may not be on it.
    #[must_use]
    pub fn distrust(&self) -> String {
        format!("{}.unsynced", self.name)
    }

    /// A base while it is written.
    #[must_use]
    pub fn temporary_base(process_id: u32) -> String {
        format!("temp-rewriteaof-bg-{process_id}.aof")
    }
}
