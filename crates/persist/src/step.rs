//! File effects as data: what the shell does to the files of the log, in order, and what comes of
//! it.

use alloc::{string::String, vec::Vec};

use crate::Manifest;

/// A piece of work with a file in the folder of the log. In order, and none after one that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOp {
    /// Makes an empty file, or empties it.
    Create(String),
    /// Makes a file with these contents.
    Write(String, Vec<u8>),
    /// Cuts a file off behind so many bytes.
    Cut(String, u64),
    /// Waits until a file's contents are on disk.
    Sync(String),
    /// Waits until the folder's names are on disk.
    SyncFolder,
    /// Gives a file another name, which may be that of a file that is replaced.
    Rename(String, String),
    /// Removes a file; that it is not there is no failure.
    Remove(String),
    /// Takes a file over from the folder outside, under its name.
    TakeOver(String),
    /// Waits until the names of the folder outside are on disk.
    SyncOutside,
}

/// What has to be done before the log can go on in another way, and how it goes on then.
///
/// Order: everything in `ops`, up to the first that fails; then [`crate::Aof::handle_step`] or
/// [`crate::Aof::handle_step_failed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is to be done.
    pub ops: Vec<FileOp>,
    pub(crate) then: Then,
}

/// How the log goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// Commands go to the last increment of this list; with `rewrites` a rewrite has begun.
    Increment { next: Manifest, rewrites: bool },
    /// Commands go to a file that is in no list yet, and a rewrite has begun.
    Apart,
    /// A base of so many bytes is in this list.
    Base { next: Manifest, bytes: u64 },
    /// The list has no more files that nobody needs.
    Pruned { next: Manifest },
}

impl Step {
    /// The list of files afterwards, where it is another one.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match &self.then {
            Then::Increment { next, .. } | Then::Base { next, .. } | Then::Pruned { next } => {
                Some(next)
            }
            Then::Apart => None,
        }
    }
}
