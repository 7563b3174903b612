//! Standard input as lines, when it is no terminal. Unlike the standard library's reader it can
//! be waited for together with a socket, for it says what it already holds.

use std::io;

use rustix::io::{Errno, read};

/// Longest line: a command of a largest value in quotes fits.
const LINE_BYTES_MAX: usize = 4 * 512 * 1024 * 1024;

/// Bytes per read.
const READ_BYTES: usize = 64 * 1024;

/// Lines of standard input.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    held: Vec<u8>,
    /// Everything before was given out.
    start: usize,
    /// Everything before was searched for a line's end.
    searched: usize,
    ended: bool,
}

impl Lines {
    /// Is there a line, or the end, without waiting?
    pub(crate) fn is_ready(&self) -> bool {
        self.ended
            || self
                .held
                .get(self.start..)
                .is_some_and(|rest| rest.contains(&b'\n'))
    }

    /// The next line without its end; `None` at the end of input.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let unsearched = self.held.get(self.searched..).unwrap_or(&[]);
            if let Some(found) = unsearched.iter().position(|byte| *byte == b'\n') {
                let end = self.searched.saturating_add(found);
                let line = self.held.get(self.start..end).unwrap_or(&[]).to_vec();
                self.start = end.saturating_add(1);
                self.searched = self.start;
                return Ok(Some(line));
            }
            self.searched = self.held.len();
            if self.ended {
                let rest = self.held.get(self.start..).unwrap_or(&[]).to_vec();
                self.start = self.held.len();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.held.drain(..self.start);
        self.searched = self.searched.saturating_sub(self.start);
        self.start = 0;
        if self.held.len() > LINE_BYTES_MAX {
            return Err(io::Error::other("A line of standard input is too long"));
        }
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match read(io::stdin(), &mut buffer) {
                Ok(0) => self.ended = true,
                Ok(count) => self
                    .held
                    .extend_from_slice(buffer.get(..count).unwrap_or(&[])),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            return Ok(());
        }
    }
}
