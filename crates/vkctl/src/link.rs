//! One connection: socket, TLS and the reply parser, driven by poll. It knows nothing of
//! commands; `session` does. Blocking calls are loops over `step`, so that Ctrl-C is seen.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt;
use rustls::ClientConnection;
use vk_resp::{Reply, ReplyLimits, ReplyParser};

use crate::endpoint::Address;
use crate::error::LinkError;
use crate::interrupt::Interrupts;
use crate::tls::TlsSetup;

/// Nesting of a reply.
const REPLY_DEPTH_MAX: usize = 128;

/// Bytes of one reply: many times the largest value, and less than a machine's memory.
const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024 * 1024;

/// Elements of one reply, all levels together.
const REPLY_ELEMENTS_MAX: u64 = 64 * 1024 * 1024;

/// Bytes per read.
const READ_BYTES: usize = 64 * 1024;

/// Idle time after which the kernel probes the peer, so that a long wait finds a dead one.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Time for a TLS handshake: a server that speaks no TLS says nothing at all.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// How addresses of a name are ordered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Preferences {
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) ipv4_first: bool,
    pub(crate) ipv6_first: bool,
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The socket could be read or written.
    Socket,
    /// Standard input has something.
    Input,
    /// Ctrl-C.
    Interrupt,
    /// The time is up.
    Timeout,
}

/// What is waited for besides the socket.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Watch<'a> {
    pub(crate) interrupts: Option<&'a Interrupts>,
    pub(crate) input: bool,
    pub(crate) timeout: Option<Duration>,
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// An open connection.
pub(crate) struct Link {
    socket: Socket,
    tls: Option<Box<ClientConnection>>,
    /// Bytes for the socket; with TLS they wait in the TLS machine instead.
    output: Vec<u8>,
    written: usize,
    parser: ReplyParser,
    scratch: Vec<u8>,
    closed: bool,
}

impl Link {
    /// Connects and, with TLS, completes the handshake.
    pub(crate) fn open(
        address: &Address,
        tls: Option<&TlsSetup>,
        preferences: Preferences,
    ) -> Result<Self, LinkError> {
        let patience = preferences.connect_timeout.unwrap_or(HANDSHAKE_TIMEOUT);
        let deadline = Instant::now().checked_add(patience);
        let (socket, tls) = match address {
            Address::Unix(path) => (Socket::Unix(UnixStream::connect(path)?), None),
            Address::Tcp { host, port } => {
                let stream = connect_tcp(host, *port, preferences)?;
                let tls = tls.map(|setup| setup.connect(host)).transpose();
                let mut tls = tls.map_err(LinkError::Tls)?.map(Box::new);
                if let Some(tls) = &mut tls {
                    tls.set_buffer_limit(None);
                }
                (Socket::Tcp(stream), tls)
            }
        };
        socket.set_nonblocking()?;
        let limits = ReplyLimits {
            depth_max: REPLY_DEPTH_MAX,
            bytes_max: REPLY_BYTES_MAX,
            elements_max: REPLY_ELEMENTS_MAX,
        };
        let mut link = Self {
            socket,
            tls,
            output: Vec::new(),
            written: 0,
            parser: ReplyParser::new(limits),
            scratch: vec![0; READ_BYTES],
            closed: false,
        };
        link.handshake(deadline)?;
        Ok(link)
    }

    fn handshake(&mut self, deadline: Option<Instant>) -> Result<(), LinkError> {
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            let timeout = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            let wake = self.step(Watch {
                timeout,
                ..Watch::default()
            })?;
            if wake == Wake::Timeout {
                let text = "no answer to the TLS handshake: does this port speak TLS?";
                return Err(LinkError::Tls(text.to_owned()));
            }
            if self.closed {
                return Err(LinkError::Closed);
            }
        }
        Ok(())
    }

    /// Is this connection encrypted?
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Is the other end on this machine, by a Unix socket?
    pub(crate) fn is_unix(&self) -> bool {
        matches!(self.socket, Socket::Unix(_))
    }

    /// Takes bytes to be sent by the next steps.
    pub(crate) fn queue(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(bytes)?,
            None => self.output.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// Is something still to be sent?
    pub(crate) fn has_output(&self) -> bool {
        self.written < self.output.len() || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Sends everything; replies that arrive meanwhile are kept, so that neither side gets stuck.
    pub(crate) fn send(&mut self, bytes: &[u8], watch: Watch<'_>) -> Result<(), LinkError> {
        self.queue(bytes)?;
        while self.has_output() {
            match self.step(watch)? {
                Wake::Interrupt => return Err(LinkError::Interrupted),
                Wake::Timeout => return Err(LinkError::TimedOut),
                Wake::Socket | Wake::Input if self.closed => return Err(LinkError::Closed),
                Wake::Socket | Wake::Input => {}
            }
        }
        Ok(())
    }

    /// The next reply that has arrived completely, if there is one.
    pub(crate) fn ready_reply(&mut self) -> Result<Option<Reply>, LinkError> {
        let reply = self
            .parser
            .poll()
            .map_err(|error| LinkError::Protocol(error.to_string()))?;
        match reply {
            None if self.closed => Err(LinkError::Closed),
            reply => Ok(reply),
        }
    }

    /// Waits for a reply. `watch.timeout` is between two arrivals of bytes.
    pub(crate) fn reply(&mut self, watch: Watch<'_>) -> Result<Reply, LinkError> {
        loop {
            if let Some(reply) = self.ready_reply()? {
                return Ok(reply);
            }
            match self.step(watch)? {
                Wake::Interrupt => return Err(LinkError::Interrupted),
                Wake::Timeout => return Err(LinkError::TimedOut),
                Wake::Socket | Wake::Input => {}
            }
        }
    }

    /// Waits once, then writes and reads what the socket takes and has.
    pub(crate) fn step(&mut self, watch: Watch<'_>) -> Result<Wake, LinkError> {
        let wake = self.wait(watch)?;
        if wake == Wake::Socket {
            self.write_some()?;
            self.read_some()?;
        }
        Ok(wake)
    }

    fn wait(&self, watch: Watch<'_>) -> Result<Wake, LinkError> {
        let mut interest = PollFlags::IN;
        if self.has_output() {
            interest |= PollFlags::OUT;
        }
        let stdin = io::stdin();
        let mut fds = Vec::with_capacity(3);
        fds.push(PollFd::new(&self.socket, interest));
        if let Some(interrupts) = watch.interrupts {
            fds.push(PollFd::new(interrupts, PollFlags::IN));
        }
        if watch.input {
            fds.push(PollFd::new(&stdin, PollFlags::IN));
        }
        let timeout = watch.timeout.map(|time| Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(time.subsec_nanos()),
        });
        loop {
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) => return Ok(Wake::Timeout),
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if watch.interrupts.is_some_and(Interrupts::take) {
            return Ok(Wake::Interrupt);
        }
        let socket = fds.first().is_some_and(|fd| !fd.revents().is_empty());
        Ok(if socket || !watch.input {
            Wake::Socket
        } else {
            Wake::Input
        })
    }

    fn write_some(&mut self) -> Result<(), LinkError> {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Ok(_) => {}
                    Err(error) if is_retry(&error) => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
            }
            return Ok(());
        }
        while let Some(rest) = self
            .output
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            match self.socket.write(rest) {
                Ok(count) => self.written = self.written.saturating_add(count),
                Err(error) if is_retry(&error) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }

    fn read_some(&mut self) -> Result<(), LinkError> {
        if self.tls.is_some() {
            return self.read_tls();
        }
        match self.socket.read(&mut self.scratch) {
            Ok(0) => self.closed = true,
            Ok(count) => self.parser.feed(self.scratch.get(..count).unwrap_or(&[])),
            Err(error) if is_retry(&error) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn read_tls(&mut self) -> Result<(), LinkError> {
        let Some(tls) = &mut self.tls else {
            return Ok(());
        };
        match tls.read_tls(&mut self.socket) {
            Ok(0) => self.closed = true,
            Ok(_) => {}
            Err(error) if is_retry(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = tls.process_new_packets() {
            // The alert tells the server why; whether it arrives is not our concern.
            let _ = tls.write_tls(&mut self.socket);
            return Err(LinkError::Tls(error.to_string()));
        }
        loop {
            match tls.reader().read(&mut self.scratch) {
                Ok(0) => {
                    self.closed = true;
                    return Ok(());
                }
                Ok(count) => self.parser.feed(self.scratch.get(..count).unwrap_or(&[])),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // A close without close_notify: what came before it is still good.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.closed = true;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is_retry(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

fn connect_tcp(host: &str, port: u16, preferences: Preferences) -> Result<TcpStream, LinkError> {
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    if preferences.ipv4_first || preferences.ipv6_first {
        addresses.sort_by_key(|address| address.is_ipv4() != preferences.ipv4_first);
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "No address for this name");
    for address in addresses {
        let stream = match preferences.connect_timeout {
            None => TcpStream::connect(address),
            Some(timeout) => TcpStream::connect_timeout(&address, timeout),
        };
        match stream {
            Ok(stream) => {
                set_options(&stream);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(match last.kind() {
        io::ErrorKind::TimedOut => LinkError::TimedOut,
        _ => LinkError::Io(last),
    })
}

/// A connection without these is slower or notices less, but works.
fn set_options(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, KEEPALIVE);
    let _ = sockopt::set_tcp_keepintvl(stream, KEEPALIVE / 3);
    let _ = sockopt::set_tcp_keepcnt(stream, 3);
}

impl Socket {
    fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(true),
            Self::Unix(stream) => stream.set_nonblocking(true),
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
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Link")
            .field("tls", &self.is_tls())
            .field("unix", &self.is_unix())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
