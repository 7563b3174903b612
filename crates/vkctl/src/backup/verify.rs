//! `backup verify`: all of a backup is read and compared with its record; with a drill a server has
//! to load it and to have what the server had that loaded it first.

use super::Verify;
use super::drill::drill;
use super::record::{Record, SNAPSHOT};
use super::survey::{self, Survey};
use crate::error::Failure;
use crate::modes::say;

/// The first version of the format in which fields of hashes may have expired meanwhile.
const VERSION_FIELD_EXPIRY: u16 = 80;

/// Checks a backup.
pub(super) fn run(job: &Verify) -> Result<(), Failure> {
    let record = Record::read(&job.folder)?;
    let path = job.folder.join(SNAPSHOT);
    let survey = Survey::take(&path, survey::open(&path)?, &job.keys, None)?;
    record.compare(&survey, &path)?;
    let (summary, created_s) = (survey.summary(&job.folder), record.created_s);
    say(&format!(
        "{summary}, of {created_s} (Unix time), checksums and record are right\n"
    ))?;
    let Some(options) = &job.drill else {
        return Ok(());
    };
    let drilled = drill(&path, options, &survey, &job.keys)?;
    let (Some(recorded), Some(here)) = (&record.digest, &drilled.digest) else {
        return say("Restore drill: no digest was recorded to compare with\n");
    };
    // A digest is of what is there: after keys have expired it is another one.
    if record.rdb_version >= VERSION_FIELD_EXPIRY || recorded.1 != here.1 {
        return say(
            "Restore drill: digests are not compared, since data has expired or may have\n",
        );
    }
    if recorded.0 != here.0 {
        return Err(Failure::Reply(format!(
            "Restore drill: the digest is {}, the record says {}",
            here.0,
            crate::terminal::escape_line(recorded.0.as_bytes())
        )));
    }
    say("Restore drill: the digest is the recorded one\n")
}
