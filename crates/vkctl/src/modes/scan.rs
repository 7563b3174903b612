//! `--scan`: lists keys; and the cursor that the modes over all keys share.

use std::thread;

use vk_resp::Reply;

use super::{checked, text, unexpected};
use crate::error::Failure;
use crate::options::{Options, OutputMode};
use crate::session::Session;
use crate::words;

/// A walk over all keys of the database.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Opaque to us; `None` at the end.
    cursor: Option<Vec<u8>>,
    pattern: Option<Vec<u8>>,
    count: String,
}

impl Scan {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            cursor: Some(b"0".to_vec()),
            pattern: options.pattern.clone(),
            count: options.count.to_string(),
        }
    }

    /// The keys of the next step, which may be none; `None` after the last step.
    pub(crate) fn next(&mut self, session: &mut Session) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let mut command: Vec<&[u8]> = vec![b"SCAN", cursor];
        if let Some(pattern) = &self.pattern {
            command.extend([b"MATCH".as_slice(), pattern]);
        }
        command.extend([b"COUNT".as_slice(), self.count.as_bytes()]);
        let Reply::Array(parts) = checked("SCAN error", session.ask(&command)?)? else {
            return Err(unexpected("SCAN"));
        };
        let [cursor, Reply::Array(keys)] = parts.as_slice() else {
            return Err(unexpected("SCAN"));
        };
        let cursor = text(cursor).ok_or_else(|| unexpected("SCAN"))?;
        let keys: Option<Vec<Vec<u8>>> = keys
            .iter()
            .map(|key| text(key).map(<[u8]>::to_vec))
            .collect();
        self.cursor = (cursor != b"0").then(|| cursor.to_vec());
        keys.ok_or_else(|| unexpected("SCAN")).map(Some)
    }
}

/// Prints every key on a line of its own.
pub(crate) fn run(session: &mut Session, options: &Options) -> Result<(), Failure> {
    let mut scan = Scan::new(options);
    while let Some(keys) = scan.next(session)? {
        let mut out = Vec::new();
        for key in keys {
            match session.printer.mode() {
                OutputMode::Standard => words::quote(&key, &mut out),
                _ => out.extend_from_slice(&key),
            }
            out.push(b'\n');
        }
        session.printer.bytes(&out, false)?;
        if !options.interval.is_zero() {
            thread::sleep(options.interval);
        }
    }
    Ok(())
}
