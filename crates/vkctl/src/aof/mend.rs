//! Cutting off what is not good, or too new: only at the end of the last file, only after a yes,
//! and only if the file is still the one that was read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::listed::SignedList;
use super::scan::{Scan, changed, is_unchanged};
use super::{AofJob, Manner, Part};
use crate::error::Failure;
use crate::modes::say;
use crate::new_file::{Existing, NewFile, file_failure, path_text};
use crate::sealed::{BatchEnd, KeySource, batch_end_before};

/// Bytes that are copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 1024;

/// Where a file is cut off.
struct Place {
    /// On disk.
    offset: u64,
    /// The same for an encrypted file: the end of what was written together.
    end: Option<BatchEnd>,
}

impl Place {
    /// The place of a file's contents; in an encrypted file the last one before it that can be an
    /// end.
    fn of(part: &Part<'_>, scan: &Scan, offset: u64, keys: &KeySource) -> Result<Self, Failure> {
        if !scan.is_sealed {
            return Ok(Self { offset, end: None });
        }
        let name = &part.name;
        if part.list.is_none() {
            return refused(&format!(
                "AOF {name} is encrypted: name its manifest, which is signed and says where the \
                 file ends\n"
            ));
        }
        let Some(end) = batch_end_before(part.path, keys, offset)? else {
            return refused(&format!(
                "AOF {name} was encrypted in one go and cannot be cut off\n"
            ));
        };
        let more = offset.saturating_sub(end.plain);
        if more > 0 {
            say(&format!(
                "AOF {name} is encrypted: {more} bytes of commands before that place go too, \
                 since they were written together with what follows\n"
            ))?;
        }
        Ok(Self {
            offset: end.at.bytes,
            end: Some(end),
        })
    }
}

/// Cuts off what is behind the good part.
pub(super) fn fix(part: &Part<'_>, scan: &Scan, job: &AofJob) -> Result<(), Failure> {
    let name = &part.name;
    if !part.is_last {
        let text = format!("Failed to truncate AOF {name} because it is not the last file\n");
        return refused(&text);
    }
    let place = Place::of(part, scan, scan.good, &job.keys)?;
    let (size, good) = (scan.facts.len(), place.offset);
    let behind = size.saturating_sub(good);
    say(&format!(
        "This will shrink the AOF {name} from {size} bytes, with {behind} bytes, to {good} bytes\n"
    ))?;
    if !job.manner.is_agreed && !is_agreed()? {
        return refused("Aborting...\n");
    }
    cut(part, scan, &place, &job.manner)?;
    say(&format!("Successfully truncated AOF {name}\n"))
}

/// Cuts off what was written after a time.
pub(super) fn truncate_to(
    part: &Part<'_>,
    scan: &Scan,
    offset: u64,
    time: i64,
    job: &AofJob,
) -> Result<(), Failure> {
    let name = &part.name;
    if !part.is_last {
        let (path, program) = (path_text(part.path), job.manner.program);
        return refused(&format!(
            "Failed to truncate AOF {path} to timestamp {time} to offset {offset} because it is \
             not the last file.\nIf that is what you want, remove the files that follow it in the \
             manifest, with their lines there, and call {program} again.\n"
        ));
    }
    let nothing_before = || {
        let text = format!("AOF {name} has nothing before timestamp {time}, aborting...\n");
        refused(&text)
    };
    if offset == 0 {
        return nothing_before();
    }
    let place = Place::of(part, scan, offset, &job.keys)?;
    if place.end.is_some_and(|end| end.plain == 0) {
        return nothing_before();
    }
    cut(part, scan, &place, &job.manner)?;
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

fn cut(part: &Part<'_>, scan: &Scan, place: &Place, manner: &Manner) -> Result<(), Failure> {
    let (path, offset) = (part.path, place.offset);
    let _lock = part.list.map(SignedList::lock).transpose()?;
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
    if let (Some(list), Some(end)) = (part.list, place.end) {
        // Before the cut: a list that says less than there is harms nothing.
        list.shorten(path, end.at)?;
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
