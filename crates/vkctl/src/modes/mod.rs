//! The special modes: whole jobs instead of single commands. Each is a loop over a session.

pub(crate) mod eval;
pub(crate) mod hints;
pub(crate) mod keys;
pub(crate) mod latency;
pub(crate) mod pipe;
pub(crate) mod scan;
pub(crate) mod stat;

use vk_resp::Reply;

use crate::error::{Failure, LinkError};
use crate::terminal;

/// The reply, unless it is an error, which ends a mode.
pub(crate) fn checked(what: &str, reply: Reply) -> Result<Reply, Failure> {
    match reply {
        Reply::Error(text) | Reply::BulkError(text) => Err(Failure::Reply(format!(
            "{what}: {}",
            terminal::escape_line(&text)
        ))),
        other => Ok(other),
    }
}

/// A reply that is not what the command answers with.
pub(crate) fn unexpected(what: &str) -> Failure {
    Failure::Link(LinkError::Protocol(format!("unexpected reply to {what}")))
}

/// The bytes of a text of any kind.
pub(crate) fn text(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::Bulk(text) | Reply::Simple(text) | Reply::Verbatim { data: text, .. } => Some(text),
        _ => None,
    }
}

/// Writes to standard output at once, so that a pipe sees it.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}
