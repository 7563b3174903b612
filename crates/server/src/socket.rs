//! A connected stream socket of either family, as the event loop sees it.
//! It only passes calls on; nothing is buffered here.

use std::{
    io::{self, IoSlice, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::Duration,
};

use mio::{
    Interest, Registry, Token,
    event::Source,
    net::{TcpStream, UnixStream},
};
use socket2::{SockRef, TcpKeepalive};

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Socket {
    /// TCP, version 4 or 6.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
}

impl Socket {
    /// Descriptor number, for listings alone.
    pub(crate) fn descriptor(&self) -> i32 {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }

    /// Both ends as the log has them, with a blank in front; nothing for a Unix socket.
    pub(crate) fn addresses(&self) -> String {
        let Self::Tcp(stream) = self else {
            return String::new();
        };
        match (stream.peer_addr(), stream.local_addr()) {
            (Ok(remote), Ok(local)) => format!(" (addr={remote} laddr={local})"),
            _ => String::new(),
        }
    }

    /// Switches Nagle's algorithm off and keep-alive probes on (0 seconds: none). What the kernel
    /// refuses is not worth a connection.
    pub(crate) fn tune(&self, keepalive_s: u64) {
        let Self::Tcp(stream) = self else { return };
        let _ = stream.set_nodelay(true);
        if keepalive_s > 0 {
            // Valkey's timing: the first probe after the interval, three more at a third of it.
            let step = Duration::from_secs((keepalive_s / 3).max(1));
            let probes = TcpKeepalive::new()
                .with_time(Duration::from_secs(keepalive_s))
                .with_interval(step)
                .with_retries(3);
            let _ = SockRef::from(stream).set_tcp_keepalive(&probes);
        }
    }

    /// Tells the peer that no more will come.
    pub(crate) fn shut_down_write(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(std::net::Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(std::net::Shutdown::Write),
        };
    }

    /// Asks to be told when there is something to read.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.register(registry, token, Interest::READABLE),
            Self::Unix(stream) => stream.register(registry, token, Interest::READABLE),
        }
    }

    /// Asks to be told when there is something to read, and perhaps when it takes more, too.
    pub(crate) fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        writes: bool,
    ) -> io::Result<()> {
        let interest = match writes {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        };
        match self {
            Self::Tcp(stream) => stream.reregister(registry, token, interest),
            Self::Unix(stream) => stream.reregister(registry, token, interest),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for Socket {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    #[inline]
    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(slices),
            Self::Unix(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
