//! What a path is: a list of the files of a log, or a file with commands.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use vk_persist::Manifest;

use super::list_failure;
use crate::error::{Failure, io_text};
use crate::new_file::{file_failure, path_text};
use crate::sealed::{Input, KeySource};

/// Lines that are looked at before a file counts as one without a list.
const NOTES_MAX: usize = 4096;

/// Bytes of a line that say what it is.
const LINE_BYTES_MAX: u64 = 1024;

/// The largest list, many times what a server writes.
const LIST_BYTES_MAX: u64 = 64 << 20;

/// What there is to be checked.
#[derive(Debug)]
pub(super) enum Kind {
    /// Several files.
    List {
        path: PathBuf,
        /// As it is written.
        text: Vec<u8>,
        manifest: Manifest,
    },
    /// One file.
    Single,
}

impl Kind {
    /// Looks at a file, or for the one list in a folder.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let facts = fs::metadata(path).map_err(|error| cannot_open(path, &error))?;
        if facts.is_dir() {
            return Self::list(list_in(path)?);
        }
        if !facts.is_file() {
            return Err(Failure::Reply(format!(
                "Cannot read file: {}",
                path_text(path)
            )));
        }
        match is_list(path).map_err(|error| cannot_open(path, &error))? {
            true => Self::list(path.to_owned()),
            false => Ok(Self::Single),
        }
    }

    fn list(path: PathBuf) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(LIST_BYTES_MAX).read_to_end(&mut bytes));
        read.map_err(|error| cannot_open(&path, &error))?;
        let manifest = Manifest::parse(&bytes).map_err(|error| list_failure(&error))?;
        Ok(Self::List {
            path,
            text: bytes,
            manifest,
        })
    }
}

fn cannot_open(path: &Path, error: &std::io::Error) -> Failure {
    let error = io_text(error);
    Failure::Reply(format!("Cannot open file {}: {error}", path_text(path)))
}

fn list_in(folder: &Path) -> Result<PathBuf, Failure> {
    let files = fs::read_dir(folder).map_err(|error| file_failure(folder, &error))?;
    let mut lists = Vec::new();
    for file in files {
        let path = file.map_err(|error| file_failure(folder, &error))?.path();
        // What a server that was killed was about to write is none.
        let is_temporary = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"temp_"));
        if path.extension().is_some_and(|end| end == "manifest") && !is_temporary {
            lists.push(path);
        }
    }
    match <[PathBuf; 1]>::try_from(lists) {
        Ok([list]) => Ok(list),
        Err(lists) => Err(Failure::Reply(format!(
            "{}: {} manifests; name the one to be checked",
            path_text(folder),
            lists.len()
        ))),
    }
}

/// Whether the first line that is no comment says which file there is. A log has comments too.
fn is_list(path: &Path) -> std::io::Result<bool> {
    let mut file = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    for _ in 0..NOTES_MAX {
        line.clear();
        file.by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if !line.starts_with(b"#") {
            break;
        }
    }
    Ok(line.starts_with(b"file "))
}

/// Whether a file begins with a snapshot.
pub(super) fn is_snapshot(path: &Path, keys: &KeySource) -> Result<bool, Failure> {
    let file = File::open(path).map_err(|error| {
        let error = io_text(&error);
        let path = path_text(path);
        Failure::Reply(format!("Cannot open file {path}: {error}, aborting..."))
    })?;
    let mut head = Vec::new();
    let mut input = Input::begin(file, path, keys)?;
    match input.by_ref().take(6).read_to_end(&mut head) {
        // Of that the check tells more.
        Err(_) if input.is_changed() => {}
        read => {
            read.map_err(|error| file_failure(path, &error))?;
        }
    }
    Ok(head.starts_with(b"REDIS") || head.starts_with(b"VALKEY"))
}
