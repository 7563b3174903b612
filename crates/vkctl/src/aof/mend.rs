//! Cutting off what is not good, or too new: only at the end of the last file, only after a yes,
//! and only if the file is still the one that was read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::scan::{Scan, changed, is_unchanged};
use super::{Manner, Part};
use crate::error::Failure;
use crate::modes::say;
use crate::new_file::{Existing, NewFile, file_failure, path_text};

/// Bytes that are copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 1024;

/// Cuts off what is behind the good part.
pub(super) fn fix(part: &Part<'_>, scan: &Scan, manner: &Manner) -> Result<(), Failure> {
    let name = &part.name;
    if !part.is_last {
        let text = format!("Failed to truncate AOF {name} because it is not the last file\n");
        return refused(&text);
    }
    let (size, good) = (scan.size, scan.good);
    let behind = size.saturating_sub(good);
    say(&format!(
        "This will shrink the AOF {name} from {size} bytes, with {behind} bytes, to {good} bytes\n"
    ))?;
    if !manner.is_agreed && !is_agreed()? {
        return refused("Aborting...\n");
    }
    cut(part.path, scan, good, manner)?;
    say(&format!("Successfully truncated AOF {name}\n"))
}

/// Cuts off what was written after a time.
pub(super) fn truncate_to(
    part: &Part<'_>,
    scan: &Scan,
    offset: u64,
    time: i64,
    manner: &Manner,
) -> Result<(), Failure> {
    let name = &part.name;
    if !part.is_last {
        let (path, program) = (path_text(part.path), manner.program);
        return refused(&format!(
            "Failed to truncate AOF {path} to timestamp {time} to offset {offset} because it is \
             not the last file.\nIf that is what you want, remove the files that follow it in the \
             manifest, with their lines there, and call {program} again.\n"
        ));
    }
    if offset == 0 {
        let text = format!("AOF {name} has nothing before timestamp {time}, aborting...\n");
        return refused(&text);
    }
    cut(part.path, scan, offset, manner)?;
    say(&format!(
        "Successfully truncated AOF {name} to timestamp {time}\n"
    ))
}

/// A failure whose reason goes where the report goes.
fn refused<T>(text: &str) -> Result<T, Failure> {
    say(text)?;
    Err(Failure::Reply(String::new()))
}

fn is_agreed() -> Result<bool, Failure> {
    say("Continue? [y/N]: ")?;
    io::stdout().flush()?;
    let mut answer = Vec::new();
    let mut byte = [0; 1];
    let mut stdin = io::stdin().lock().take(ANSWER_BYTES_MAX);
    while stdin.read(&mut byte)? == 1 && byte != *b"\n" {
        answer.extend_from_slice(&byte);
    }
    Ok(answer
        .first()
        .is_some_and(|byte| byte.eq_ignore_ascii_case(&b'y')))
}

fn cut(path: &Path, scan: &Scan, offset: u64, manner: &Manner) -> Result<(), Failure> {
    if !is_unchanged(path, scan)? {
        return Err(changed(path));
    }
    if manner.keeps_tail {
        let kept = keep_tail(path, offset)?;
        say(&format!(
            "What is cut off is kept in {}\n",
            path_text(&kept)
        ))?;
        if !is_unchanged(path, scan)? {
            return Err(changed(path));
        }
    }
    let cut = OpenOptions::new().write(true).open(path).and_then(|file| {
        file.set_len(offset)?;
        file.sync_all()
    });
    cut.map_err(|error| file_failure(path, &error))
}

/// Copies what is cut off, so that it is not lost to a mistake.
fn keep_tail(path: &Path, offset: u64) -> Result<PathBuf, Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".cut-at-{offset}"));
    let kept = path.with_file_name(name);
    let mut copy = NewFile::create(&kept, Existing::Kept)?;
    let failed = |error| file_failure(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(failed)?,
        };
        if read == 0 {
            break;
        }
        copy.write(buffer.get(..read).unwrap_or_default())?;
    }
    copy.finish()?;
    Ok(kept)
}
