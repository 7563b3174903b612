//! `vkctl aof`: is an append-only file whole, and if not, what is left of it. A list of files, a
//! single file of old, or one part alone. The lines are those of Valkey's checker, which tools look
//! for.

mod kind;
mod listed;
mod mend;
mod scan;

use std::path::{Path, PathBuf};

use vk_persist::{Manifest, ManifestFault};

use self::kind::Kind;
use self::listed::SignedList;
use self::scan::{Scan, Verdict};
use crate::error::Failure;
use crate::modes::say;
use crate::new_file::path_text;
use crate::sealed::KeySource;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AofJob {
    pub(crate) path: PathBuf,
    pub(crate) keys: KeySource,
    pub(crate) mend: Mend,
    pub(crate) manner: Manner,
}

/// What is done with a file that does not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mend {
    /// Nothing.
    No,
    /// What is behind its good part is cut off.
    Fix,
    /// What was written after this Unix time is cut off.
    TruncateTo(i64),
}

/// How it is gone about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// The program that is named in advice.
    pub(crate) program: &'static str,
    /// Nobody is asked before something is cut off.
    pub(crate) is_agreed: bool,
    /// What is cut off goes to a file beside.
    pub(crate) keeps_tail: bool,
    /// Commands that the server does not know make a file wrong.
    pub(crate) knows_commands: bool,
}

/// A file among those of a log.
#[derive(Debug)]
struct Part<'p> {
    path: &'p Path,
    /// What it is called in lines.
    name: String,
    is_last: bool,
    /// The list that names it, if that is signed.
    list: Option<&'p SignedList>,
}

/// Checks a log; one that is not right, or was not mended, is a failure.
pub(crate) fn run(job: &AofJob) -> Result<(), Failure> {
    match Kind::of(&job.path)? {
        Kind::List {
            path,
            text,
            manifest,
        } => {
            let list = SignedList::read(&path, &text, &manifest, &job.keys)?;
            run_list(&path, &manifest, list.as_ref(), job)
        }
        Kind::Single => {
            say("Start checking Old-Style AOF\n")?;
            let name = path_text(&job.path);
            let part = Part {
                path: &job.path,
                name: name.clone(),
                is_last: true,
                list: None,
            };
            match check(&part, job)?.0 {
                Outcome::Whole => say(&format!("AOF {name} is valid\n")),
                Outcome::Empty => say(&format!("AOF {name} is empty\n")),
                Outcome::Mended => Ok(()),
            }
        }
    }
}

fn run_list(
    path: &Path,
    manifest: &Manifest,
    list: Option<&SignedList>,
    job: &AofJob,
) -> Result<(), Failure> {
    say("Start checking Multi Part AOF\n")?;
    let count = manifest.files().count();
    let mut is_increment = false;
    for (at, file) in manifest.files().enumerate() {
        let is_base = manifest.base.as_ref() == Some(file);
        let list_path = path;
        let path = path.with_file_name(&file.name);
        if is_base {
            let form = match kind::is_snapshot(&path, &job.keys)? {
                true => "RDB",
                false => "RESP",
            };
            say(&format!("Start to check BASE AOF ({form} format).\n"))?;
        } else if !is_increment {
            is_increment = true;
            say("Start to check INCR files.\n")?;
        }
        let part = Part {
            path: &path,
            name: crate::terminal::escape_line(file.name.as_bytes()),
            is_last: at.saturating_add(1) == count,
            list,
        };
        let (kind, name) = (if is_base { "BASE" } else { "INCR" }, &part.name);
        let (outcome, is_sealed) = check(&part, job)?;
        if is_sealed && list.is_none() {
            return Err(Failure::Reply(format!(
                "{} is not signed, although {name} is encrypted: it is not what was written",
                path_text(list_path)
            )));
        }
        match outcome {
            Outcome::Whole => say(&format!("{kind} AOF {name} is valid\n"))?,
            Outcome::Empty => say(&format!("{kind} AOF {name} is empty\n"))?,
            Outcome::Mended => {}
        }
    }
    say("All AOF files and manifest are valid\n")
}

/// How a check of a file went that did not fail.
enum Outcome {
    Whole,
    Empty,
    /// It was not whole, and is now.
    Mended,
}

/// Checks a file, and says whether it is encrypted.
fn check(part: &Part<'_>, job: &AofJob) -> Result<(Outcome, bool), Failure> {
    let until = match job.mend {
        Mend::TruncateTo(time) => Some(time),
        Mend::No | Mend::Fix => None,
    };
    let scan = Scan::read(part, &job.keys, until)?;
    let name = &part.name;
    let is_sealed = scan.is_sealed;
    if scan.size == 0 && scan.verdict == Verdict::Whole {
        return Ok((Outcome::Empty, is_sealed));
    }
    let trouble = match scan.verdict {
        Verdict::Later { offset } => {
            let time = until.unwrap_or(0);
            mend::truncate_to(part, &scan, offset, time, job)?;
            return Ok((Outcome::Mended, is_sealed));
        }
        Verdict::Whole => None,
        Verdict::Broken(trouble) => Some(trouble),
    };
    if let Some(trouble) = &trouble {
        say(&trouble.line(name))?;
    }
    if let (None, Some(time)) = (&trouble, until) {
        say(&format!(
            "Truncate nothing in AOF {name} to timestamp {time}\n"
        ))?;
    } else {
        let Scan {
            size, good, line, ..
        } = scan;
        let behind = size.saturating_sub(good);
        say(&format!(
            "AOF analyzed: filename={name}, size={size}, ok_up_to={good}, ok_up_to_line={line}, \
             diff={behind}\n"
        ))?;
    }
    if job.manner.knows_commands {
        say(&scan.contents.text())?;
    }
    match trouble {
        None if job.manner.knows_commands => scan.contents.refuse_unknown(name)?,
        None => {}
        Some(_) if job.mend == Mend::Fix => mend::fix(part, &scan, job)?,
        Some(_) => {
            let text = format!("AOF {name} is not valid. Use the --fix option to try fixing it.\n");
            say(&text)?;
            return Err(Failure::Reply(String::new()));
        }
    }
    let outcome = match scan.verdict {
        Verdict::Whole => Outcome::Whole,
        _ => Outcome::Mended,
    };
    Ok((outcome, is_sealed))
}

/// What is wrong with a list of files, in several lines.
fn list_failure(error: &vk_persist::ManifestError) -> Failure {
    let text = crate::terminal::escape_line(error.text.as_bytes());
    let mut lines = error.fault.to_string();
    if error.fault != ManifestFault::Empty {
        lines = format!(
            "In manifest file, at line {}\n>>> '{text}'\n{lines}",
            error.line
        );
    }
    Failure::Reply(lines)
}
