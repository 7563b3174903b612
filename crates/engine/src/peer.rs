//! Who is at the other end of a connection, as far as the shell could find out.

use alloc::string::String;
use core::net::SocketAddr;

/// The remote end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// An IP address and port.
    Tcp(SocketAddr),
    /// A Unix socket has no address of its own.
    Unix,
    /// No connection at all: the machine's own requests.
    Internal,
}

/// The local end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// An IP address and port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(String),
    /// No connection at all.
    Internal,
}

/// What kind of listener accepted the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenerKind {
    /// Plaintext TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// A Unix socket.
    Unix,
}

/// Credentials of the process at the other end of a Unix socket, as the kernel vouches for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixPeer {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Process id.
    pub pid: i32,
}

/// The verified identity of a TLS client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPeer {
    /// Common name of the subject, if there is exactly one and it holds no NUL.
    pub common_name: Option<String>,
    /// URIs among the subject's alternative names.
    pub uris: alloc::vec::Vec<String>,
}

/// One connection, as it stands when it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The remote end.
    pub remote: Remote,
    /// The local end.
    pub local: Local,
    /// The listener.
    pub listener: ListenerKind,
    /// Set for Unix sockets where the kernel tells.
    pub unix: Option<UnixPeer>,
    /// Set when a client certificate was verified.
    pub tls: Option<TlsPeer>,
    /// The client's address as a trusted proxy told it.
    pub proxy: Option<SocketAddr>,
    /// The file descriptor, for CLIENT LIST.
    pub fd: i32,
}

impl Peer {
    /// The address that counts for the client: a trusted proxy's word before the socket's.
    #[must_use]
    pub fn client_address(&self) -> Option<SocketAddr> {
        match (&self.proxy, &self.remote) {
            (Some(address), _) | (None, Remote::Tcp(address)) => Some(*address),
            _ => None,
        }
    }

    /// Whether the client is on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self.client_address() {
            Some(address) => address.ip().to_canonical().is_loopback(),
            None => true,
        }
    }
}

/// Why a connection is turned away at the door, with the bytes to send before it is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// An encoded error reply.
    pub reply: &'static [u8],
}
