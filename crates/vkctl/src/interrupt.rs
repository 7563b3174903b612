//! Ctrl-C as something that can be waited for. Without it the signal ends the program, which is
//! what a command that is not interactive wants.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::SIGINT;

/// Becomes readable when Ctrl-C is pressed.
#[derive(Debug)]
pub(crate) struct Interrupts(UnixStream);

impl Interrupts {
    /// From now on Ctrl-C does not end the program.
    pub(crate) fn catch() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGINT, write)?;
        Ok(Self(read))
    }

    /// Was it pressed since the last call?
    pub(crate) fn take(&self) -> bool {
        let mut buffer = [0; 64];
        let mut stream = &self.0;
        let mut any = false;
        while matches!(stream.read(&mut buffer), Ok(count) if count > 0) {
            any = true;
        }
        any
    }
}

impl AsFd for Interrupts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
