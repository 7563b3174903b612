//! What a data folder should hold, as its signed texts say, beside what it holds: files that are
//! missing, that are older than the last ones, that nobody has written under their name, and those
//! that nothing needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vk_persist::Manifest;
use vk_persist::seal::{Closed, FileNote, Header, Keyring, Kind, LogList, Register};

use super::files::{Contents, Found, told};
use crate::error::Failure;

/// What is to be said of the files of a folder.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Of files that are there.
    roles: BTreeMap<PathBuf, Role>,
    /// Of those that are not, and of those that are plain.
    pub(super) others: Vec<(PathBuf, Verdict)>,
}

/// What a file is to the dataset.
#[derive(Debug, Clone, Default)]
pub(super) struct Role {
    /// Where a list says that it ends.
    pub(super) closed: Option<Closed>,
    /// What is to be said of it, if anything.
    pub(super) verdict: Option<Verdict>,
}

/// What is said of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A server would not start with it, or would start with less than was written.
    Fault(String),
    /// Nothing needs it: whatever is in it, the dataset is whole without it.
    Extra(String),
    /// Good to know.
    Note(String),
}

/// An authentic list of the files of a log.
struct Listed<'f> {
    path: &'f Path,
    list: LogList,
    manifest: Manifest,
}

impl Comparison {
    /// Compares; texts that are not authentic count as not there.
    pub(super) fn of(folder: &Path, found: &[Found], ring: &Keyring) -> Result<Self, Failure> {
        let mut this = Self::default();
        let (mut register, mut lists) = (None, Vec::new());
        for file in found {
            let Contents::Signed(_) = file.contents else {
                continue;
            };
            let text = fs::read(&file.path).map_err(|error| told(&file.path, &error))?;
            if let Ok((known, _)) = Register::parse(&text, ring) {
                if file.path == folder.join(Register::FILE) {
                    register = Some(known);
                } else {
                    let verdict = Verdict::Extra("another dataset's".to_owned());
                    this.role(&file.path).verdict = Some(verdict);
                }
            } else if let Ok((list, _)) = LogList::parse(&text, ring)
                && let Ok(manifest) = Manifest::parse(&text)
            {
                let path = &file.path;
                lists.push(Listed {
                    path,
                    list,
                    manifest,
                });
            }
        }
        let Some(register) = register else {
            let path = folder.join(Register::FILE);
            if !found.is_empty() && !found.iter().any(|file| file.path == path) {
                let text = "missing, although there are files that it belongs to";
                this.others.push((path, Verdict::Fault(text.to_owned())));
            }
            return Ok(this);
        };
        for file in found {
            if let Contents::Sealed(header) = &file.contents
                && header.dataset != register.dataset
            {
                let verdict = Verdict::Fault("belongs to another dataset".to_owned());
                this.role(&file.path).verdict = Some(verdict);
            }
        }
        this.snapshots(folder, found, &register);
        this.logs(folder, found, &register, lists);
        Ok(this)
    }

    /// What a file is to the dataset.
    pub(super) fn of_file(&self, path: &Path) -> Role {
        self.roles.get(path).cloned().unwrap_or_default()
    }

    fn role(&mut self, path: &Path) -> &mut Role {
        self.roles.entry(path.to_owned()).or_default()
    }

    fn snapshots(&mut self, folder: &Path, found: &[Found], register: &Register) {
        let snapshots = || sealed(found, register, Kind::Snapshot);
        let Some(note) = register.snapshot else {
            for (path, _) in snapshots() {
                let text = "a snapshot that was not noted, as after a crash";
                self.role(path).verdict = Some(Verdict::Note(text.to_owned()));
            }
            return;
        };
        let is_last = |header: &Header| header.file == note.file;
        let is_newer = |header: &Header| header.generation > note.generation;
        let has_last = snapshots().any(|(_, header)| is_last(header));
        let counts = |path: &Path, header: &Header| is_newer(header) && !is_temporary(path);
        let is_there = has_last || snapshots().any(|(path, header)| counts(path, header));
        for (path, header) in snapshots() {
            let (generation, last) = (header.generation, note.generation);
            let verdict = if is_last(header) {
                continue;
            } else if is_newer(header) {
                let text = format!("a snapshot that was not noted (generation {generation})");
                match has_last || is_temporary(path) {
                    true => Verdict::Extra(text),
                    false => Verdict::Note(text),
                }
            } else if is_there {
                Verdict::Extra(format!("an older snapshot (generation {generation})"))
            } else {
                Verdict::Fault(format!(
                    "rolled back: it is of generation {generation}, the last snapshot of {last}"
                ))
            };
            self.role(path).verdict = Some(verdict);
        }
        if snapshots().all(|(path, _)| is_temporary(path)) {
            let text = format!(
                "the last snapshot, of generation {}, is missing",
                note.generation
            );
            self.others.push((folder.to_owned(), Verdict::Fault(text)));
        }
    }

    fn logs(
        &mut self,
        folder: &Path,
        found: &[Found],
        register: &Register,
        mut lists: Vec<Listed<'_>>,
    ) {
        lists.sort_by_key(|listed| (!is_temporary(listed.path), listed.list.generation));
        let last = lists.pop_if(|listed| !is_temporary(listed.path));
        for Listed { path, .. } in lists {
            let verdict = Verdict::Extra("a list that does not count".to_owned());
            self.role(path).verdict = Some(verdict);
        }
        let mut named = Vec::new();
        if let Some(listed) = &last {
            let path = listed.path;
            let generation = listed.list.generation;
            if listed.list.dataset != register.dataset {
                let text = "belongs to another dataset".to_owned();
                self.role(path).verdict = Some(Verdict::Fault(text));
            } else if let Some(note) = register.log
                && generation < note.generation
            {
                let last = note.generation;
                let text = format!(
                    "rolled back: it is of generation {generation}, the last list of {last}"
                );
                self.role(path).verdict = Some(Verdict::Fault(text));
            }
            named = self.parts(found, listed);
        } else if let Some(note) = register.log
            && !found.iter().any(is_damaged_list)
        {
            let text = format!(
                "the list of the append-only file, of generation {}, is missing",
                note.generation
            );
            self.others.push((folder.to_owned(), Verdict::Fault(text)));
        }
        if last.is_none() && register.log.is_some() {
            // Which of them are needed nobody knows.
            return;
        }
        for kind in [Kind::Base, Kind::Increment] {
            for (path, _) in sealed(found, register, kind) {
                if !named.iter().any(|named| named == path) {
                    let verdict = Verdict::Extra("not in the list of the log".to_owned());
                    self.role(path).verdict = Some(verdict);
                }
            }
        }
    }

    /// The files that a list names, each with what is wrong with it.
    fn parts(&mut self, found: &[Found], listed: &Listed<'_>) -> Vec<PathBuf> {
        let mut named = Vec::new();
        for part in listed.manifest.files() {
            let path = listed.path.with_file_name(&part.name);
            let note = listed.list.files.get(&part.name);
            let header = found.iter().find_map(|file| match &file.contents {
                Contents::Sealed(header) if file.path == path => Some(header),
                _ => None,
            });
            match (header, note) {
                (Some(header), Some(FileNote { file, closed })) if header.file == *file => {
                    self.role(&path).closed = *closed;
                }
                (Some(_), Some(_)) => {
                    let text = "not the file that was written under this name".to_owned();
                    self.role(&path).verdict = Some(Verdict::Fault(text));
                }
                (Some(_), None) => {
                    let text = "encrypted, although the list has it as a plain file".to_owned();
                    self.role(&path).verdict = Some(Verdict::Note(text));
                }
                (None, _) if !path.exists() => {
                    let text = "missing, although the list names it".to_owned();
                    self.others.push((path.clone(), Verdict::Fault(text)));
                }
                (None, Some(_)) => {
                    let text = "a plain file in the place of an encrypted one".to_owned();
                    self.others.push((path.clone(), Verdict::Fault(text)));
                }
                (None, None) => {
                    let text = "a plain file, as the list says".to_owned();
                    self.others.push((path.clone(), Verdict::Note(text)));
                }
            }
            named.push(path);
        }
        named
    }
}

/// A file gets its name when it counts.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let name = name.as_encoded_bytes();
    name.starts_with(b"temp_") || name.starts_with(b"temp-")
}

/// The encrypted files of a kind that belong to the dataset.
fn sealed<'f>(
    found: &'f [Found],
    register: &Register,
    kind: Kind,
) -> impl Iterator<Item = (&'f Path, &'f Header)> {
    let dataset = register.dataset;
    found.iter().filter_map(move |file| match &file.contents {
        Contents::Sealed(header) if header.kind() == Some(kind) && header.dataset == dataset => {
            Some((file.path.as_path(), header))
        }
        _ => None,
    })
}

/// A list that is there and not authentic is told as that.
fn is_damaged_list(file: &Found) -> bool {
    let is_list = file.path.extension().is_some_and(|end| end == "manifest");
    is_list && matches!(file.contents, Contents::Signed(_))
}
