//! Signals as an event of the loop: a handler only sets a flag and writes into a socket pair.

use std::{
    io::{self, Read},
    os::unix::net::UnixStream as StdUnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use mio::{Interest, Registry, Token, event::Source, net::UnixStream};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1},
    flag,
    low_level::pipe,
};

/// A signal that asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// Installed handlers.
#[derive(Debug)]
pub(crate) struct Signals {
    receiver: UnixStream,
    interrupt: Arc<AtomicBool>,
    terminate: Arc<AtomicBool>,
}

impl Signals {
    /// Installs all handlers. SIGHUP and SIGUSR1 do nothing, but do not end the process either;
    /// the runtime ignores SIGPIPE already.
    pub(crate) fn install() -> io::Result<Self> {
        let (sender, receiver) = StdUnixStream::pair()?;
        receiver.set_nonblocking(true)?;
        let interrupt = Arc::new(AtomicBool::new(false));
        let terminate = Arc::new(AtomicBool::new(false));
        for (signal, asked) in [(SIGINT, &interrupt), (SIGTERM, &terminate)] {
            // The flag first: whoever is woken by the byte must find it set.
            flag::register(signal, Arc::clone(asked))?;
            pipe::register(signal, sender.try_clone()?)?;
        }
        for signal in [SIGHUP, SIGUSR1] {
            flag::register(signal, Arc::new(AtomicBool::new(false)))?;
        }
        Ok(Self {
            receiver: UnixStream::from_std(receiver),
            interrupt,
            terminate,
        })
    }

    /// Wakes the loop with `token` whenever a signal has come.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.receiver.register(registry, token, Interest::READABLE)
    }

    /// What was asked since the last call; of two signals SIGINT first.
    pub(crate) fn take(&mut self) -> Option<Request> {
        let mut bytes = [0; 64];
        while self
            .receiver
            .read(&mut bytes)
            .is_ok_and(|count| count == bytes.len())
        {}
        if self.interrupt.swap(false, Ordering::AcqRel) {
            Some(Request::Interrupt)
        } else if self.terminate.swap(false, Ordering::AcqRel) {
            Some(Request::Terminate)
        } else {
            None
        }
    }
}
