//! What a start does with the files that an earlier run has left: which of them are read and in
//! which order, where the end of one may be cut off, and what has to be on disk before anything
//! new is written behind them. Reading them is `reader.rs`.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::{FileOp, LogFault, Manifest, ManifestError, Names, rewrite::store};

/// What there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Found<'b> {
    /// The list of files.
    pub manifest: Option<&'b [u8]>,
    /// The one file of old, in the folder of the log.
    pub is_single_inside: bool,
    /// The one file of old, where older versions have it.
    pub is_single_outside: bool,
    /// The mark that an earlier run leaves when the disk has failed.
    pub is_distrusted: bool,
}

/// Why the files cannot be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryFault {
    /// This is wrong with a file.
    Log(LogFault),
    /// A file is cut off, and there is more behind it.
    NotTheLast,
}

impl fmt::Display for RecoveryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(fault) => fault.fmt(f),
            Self::NotTheLast => f.write_str("the truncated file is not the last file"),
        }
    }
}

impl core::error::Error for RecoveryFault {}

/// A start that is going on.
///
/// Order: [`Recovery::take_over`] is done; [`Recovery::handle_sizes`]; every file of
/// [`Recovery::poll_file`] is read and [`Recovery::handle_end`] told of it; [`Recovery::finish`].
/// Nothing is changed before all files were read, but that the one file of old gets its place.
#[derive(Debug)]
pub struct Recovery {
    manifest: Manifest,
    take_over: Vec<FileOp>,
    is_distrusted: bool,
    sizes: Vec<u64>,
    /// Files that were read.
    read: usize,
    cut: Option<(String, u64)>,
    bytes: u64,
}

/// What a log goes on with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// What has to be done before anything is written.
    pub ops: Vec<FileOp>,
    /// The files.
    pub manifest: Manifest,
    /// Their bytes.
    pub bytes: u64,
    /// What was read may not be on disk, although the disk says so: everything is to be written
    /// anew, with a first base, before anything is promised.
    pub is_distrusted: bool,
}

impl Recovery {
    /// Begins with what there is.
    ///
    /// # Errors
    /// What is wrong with the list.
    pub fn new(names: &Names, found: Found<'_>) -> Result<Self, ManifestError> {
        let listed = found.manifest.map(Manifest::parse).transpose()?;
        let single = names.single();
        let is_old = found.is_single_outside
            && match &listed {
                None => true,
                // A take-over that came no further than the list.
                Some(manifest) => manifest.is_of_single(single) && !found.is_single_inside,
            };
        let mut take_over = Vec::new();
        if is_old {
            if listed.is_none() {
                take_over.extend(store(names, &Manifest::of_single(single)));
            }
            take_over.extend([
                FileOp::TakeOver(single.into()),
                FileOp::SyncOutside,
                FileOp::SyncFolder,
            ]);
        }
        let old = || {
            if is_old {
                Manifest::of_single(single)
            } else {
                Manifest::default()
            }
        };
        Ok(Self {
            manifest: listed.unwrap_or_else(old),
            take_over,
            is_distrusted: found.is_distrusted,
            sizes: Vec::new(),
            read: 0,
            cut: None,
            bytes: 0,
        })
    }

    /// What has to be done so that the one file of old is where the others are.
    #[must_use]
    pub fn take_over(&self) -> &[FileOp] {
        &self.take_over
    }

    /// The files, in the order in which they are read.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.manifest.files().map(|part| part.name.as_str())
    }

    /// The bytes of each of them.
    pub fn handle_sizes(&mut self, sizes: Vec<u64>) {
        self.sizes = sizes;
    }

    /// The file that is to be read next, and whether it is the base.
    #[must_use]
    pub fn poll_file(&self) -> Option<(&str, bool)> {
        let part = self.manifest.files().nth(self.read)?;
        let is_base = self.read == 0 && self.manifest.base.is_some();
        Some((&part.name, is_base))
    }

    /// The file has ended after so many bytes, of which the first `good` are whole, in this way. If
    /// `may_cut`, what is not whole may be cut off at the end of the log.
    ///
    /// # Errors
    /// The start must not go on.
    pub fn handle_end(
        &mut self,
        bytes: u64,
        good: u64,
        ended: Result<(), LogFault>,
        may_cut: bool,
    ) -> Result<(), RecoveryFault> {
        let Some((name, _)) = self.poll_file() else {
            return Ok(());
        };
        match ended {
            Ok(()) => self.bytes += bytes,
            Err(LogFault::Truncated) => {
                // Behind it there may be files to which nothing was written: nothing is missing
                // before them.
                let mut behind = self.sizes.iter().skip(self.read + 1);
                if behind.any(|size| *size > 0) {
                    return Err(RecoveryFault::NotTheLast);
                }
                if !may_cut {
                    return Err(RecoveryFault::Log(LogFault::Truncated));
                }
                self.cut = Some((name.into(), good));
                self.bytes += good;
            }
            Err(fault) => return Err(RecoveryFault::Log(fault)),
        }
        self.read += 1;
        Ok(())
    }

    /// All files were read.
    #[must_use]
    pub fn finish(self) -> Recovered {
        let mut ops = Vec::new();
        if let Some((name, good)) = self.cut {
            ops.push(FileOp::Cut(name, good));
        }
        // An earlier run may have ended before the disk had all of it. What comes now must not be
        // on disk without what was before.
        let files = self.manifest.files();
        ops.extend(files.map(|part| FileOp::Sync(part.name.clone())));
        if !ops.is_empty() {
            ops.push(FileOp::SyncFolder);
        }
        Recovered {
            ops,
            manifest: self.manifest,
            bytes: self.bytes,
            is_distrusted: self.is_distrusted,
        }
    }
}
