//! Listening sockets: Valkey's `bind` and `port` grammar, Unix sockets, and safe replacement.
//! Accepting is the event loop's part.

use std::{
    fmt, fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use mio::{
    Interest, Registry, Token,
    event::Source,
    net::{TcpListener, UnixListener},
};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket as RawSocket, Type};
use vk_engine::ListenerKind;

use crate::socket::Socket;

/// Where to listen, as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// Plaintext port; 0 is none.
    pub(crate) port: u16,
    /// TLS port; 0 is none.
    pub(crate) tls_port: u16,
    /// Addresses in `bind`'s grammar: `*`, `::*`, a name or an address, a leading `-` if it may
    /// be missing on this machine.
    pub(crate) bind: Vec<String>,
    /// Path of the Unix socket.
    pub(crate) unix: Option<UnixWanted>,
    /// Queue of connections that wait to be accepted.
    pub(crate) backlog: i32,
}

/// A Unix socket, as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnixWanted {
    /// Path.
    pub(crate) path: PathBuf,
    /// Permission bits; 0 leaves them to the umask.
    pub(crate) mode: u32,
    /// Group that the socket is given to.
    pub(crate) group: Option<String>,
}

/// One listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    /// What it speaks.
    pub(crate) kind: ListenerKind,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// Listening failed.
#[derive(Debug)]
pub(crate) struct ListenError {
    /// The port that could not be had; 0 for a Unix socket.
    pub(crate) port: u16,
    /// What is said about the kind of listener.
    pub(crate) kind: ListenerKind,
    /// One line for each address that failed, as Valkey words it.
    pub(crate) lines: Vec<String>,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lines.last() {
            Some(line) => f.write_str(line),
            None => write!(f, "Failed listening on port {}", self.port),
        }
    }
}

impl Listener {
    /// Accepts one connection; the address is that of a TCP peer.
    pub(crate) fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match &self.inner {
            Inner::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                Ok((Socket::Tcp(stream), Some(address)))
            }
            Inner::Unix(listener, _) => {
                let (stream, _) = listener.accept()?;
                Ok((Socket::Unix(stream), None))
            }
        }
    }

    /// The path, for a Unix socket.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.inner {
            Inner::Unix(_, path) => Some(path),
            Inner::Tcp(_) => None,
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.inner {
            Inner::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Inner::Unix(listener, _) => listener.register(registry, token, Interest::READABLE),
        }
    }

    pub(crate) fn deregister(&mut self, registry: &Registry) {
        let _ = match &mut self.inner {
            Inner::Tcp(listener) => listener.deregister(registry),
            Inner::Unix(listener, _) => listener.deregister(registry),
        };
    }
}

/// Valkey's word for a kind of listener, as its log has it.
pub(crate) const fn kind_name(kind: ListenerKind) -> &'static str {
    match kind {
        ListenerKind::Tcp => "tcp",
        ListenerKind::Tls => "tls",
        ListenerKind::Unix => "unix",
    }
}

/// Opens the listeners of one TCP port on all addresses. Lines about addresses that were skipped
/// go to `skipped`.
pub(crate) fn open_tcp(
    kind: ListenerKind,
    port: u16,
    wanted: &Wanted,
    skipped: &mut Vec<String>,
) -> Result<Vec<Listener>, ListenError> {
    let mut opened = Vec::new();
    if port == 0 {
        return Ok(opened);
    }
    for name in &wanted.bind {
        let (name, is_optional) = match name.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (name.as_str(), false),
        };
        match open_address(name, port, wanted.backlog) {
            Ok(listener) => opened.push(Listener {
                kind,
                inner: Inner::Tcp(listener),
            }),
            Err((step, error)) => {
                let line = format!(
                    "Warning: Could not create server TCP listening socket {name}:{port}: \
                     {step}{}",
                    system_text(&error)
                );
                skipped.push(line);
                if !may_skip(&error, is_optional) {
                    return Err(ListenError {
                        port,
                        kind,
                        lines: std::mem::take(skipped),
                    });
                }
            }
        }
    }
    Ok(opened)
}

/// Without IPv6, say, the other addresses still serve.
fn may_skip(error: &io::Error, is_optional: bool) -> bool {
    let Some(errno) = Errno::from_io_error(error) else {
        return false;
    };
    (is_optional && errno == Errno::ADDRNOTAVAIL)
        || [
            Errno::NOPROTOOPT,
            Errno::PROTONOSUPPORT,
            Errno::SOCKTNOSUPPORT,
            Errno::PFNOSUPPORT,
            Errno::AFNOSUPPORT,
        ]
        .contains(&errno)
}

/// Opens one address; an error carries the step that failed as a prefix of its text.
fn open_address(
    name: &str,
    port: u16,
    backlog: i32,
) -> Result<TcpListener, (&'static str, io::Error)> {
    let address = resolve(name, port).map_err(|error| ("", error))?;
    let socket = RawSocket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )
    .map_err(|error| ("socket: ", error))?;
    let configure = || {
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)
    };
    configure().map_err(|error| ("setsockopt: ", error))?;
    socket
        .bind(&SockAddr::from(address))
        .map_err(|error| ("bind: ", error))?;
    socket
        .listen(backlog)
        .map_err(|error| ("listen: ", error))?;
    Ok(TcpListener::from_std(socket.into()))
}

/// The address behind a name; with a colon it is of version 6, otherwise of version 4.
fn resolve(name: &str, port: u16) -> io::Result<SocketAddr> {
    let is_v6 = name.contains(':');
    match name {
        "*" => return Ok((Ipv4Addr::UNSPECIFIED, port).into()),
        "::*" => return Ok((Ipv6Addr::UNSPECIFIED, port).into()),
        _ => {}
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok((address, port).into());
    }
    (name, port)
        .to_socket_addrs()?
        .find(|address| address.is_ipv6() == is_v6)
        .ok_or_else(|| io::Error::other("no address of that version"))
}

/// Opens a Unix socket. A socket file that nobody listens on is replaced; anything else at that
/// path is not ours to remove.
pub(crate) fn open_unix(wanted: &UnixWanted, backlog: i32) -> Result<Listener, ListenError> {
    let fail = |text: String| ListenError {
        port: 0,
        kind: ListenerKind::Unix,
        lines: vec![format!("Failed opening Unix socket: {text}")],
    };
    let path = &wanted.path;
    remove_stale(path).map_err(&fail)?;
    let address = SockAddr::unix(path).map_err(|_| {
        fail(format!(
            "unix socket path too long ({}), must be under 108",
            path.as_os_str().len()
        ))
    })?;
    let open = || -> io::Result<UnixListener> {
        let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address)?;
        Ok(UnixListener::from_std(listen_on(socket, wanted, backlog)?))
    };
    let listener = open().map_err(|error| fail(format!("bind: {}", system_text(&error))))?;
    Ok(Listener {
        kind: ListenerKind::Unix,
        inner: Inner::Unix(listener, path.clone()),
    })
}

/// Group and permissions are set before the first connection can be made.
fn listen_on(
    socket: RawSocket,
    wanted: &UnixWanted,
    backlog: i32,
) -> io::Result<std::os::unix::net::UnixListener> {
    if let Some(name) = &wanted.group {
        let group = nix::unistd::Group::from_name(name)
            .map_err(io::Error::from)?
            .ok_or_else(|| io::Error::other(format!("no group named '{name}'")))?;
        std::os::unix::fs::chown(&wanted.path, None, Some(group.gid.as_raw()))?;
    }
    if wanted.mode != 0 {
        fs::set_permissions(&wanted.path, fs::Permissions::from_mode(wanted.mode))?;
    }
    socket.listen(backlog)?;
    Ok(socket.into())
}

fn remove_stale(path: &Path) -> Result<(), String> {
    let Ok(facts) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !facts.file_type().is_socket() {
        return Err(format!("{} exists and is not a socket", path.display()));
    }
    // A listener of an instance that runs is taken over as Valkey does: the newest one wins.
    fs::remove_file(path).map_err(|error| format!("{}: {}", path.display(), system_text(&error)))
}

/// Removes the file of a Unix socket that this process opened, if it still is that file.
pub(crate) fn remove_unix(path: &Path, inode: Option<u64>) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(facts) if inode.is_none_or(|inode| facts.ino() == inode) => fs::remove_file(path),
        _ => Ok(()),
    }
}

/// The inode of a path, to tell later whether it is still the same file.
pub(crate) fn inode_of(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|facts| facts.ino())
}

/// What the C library would print for this error, without Rust's number behind it.
pub(crate) fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn wanted(bind: &[&str]) -> Wanted {
        let bind = bind.iter().map(|&name| name.to_owned()).collect();
        Wanted {
            bind,
            backlog: 16,
            ..Wanted::default()
        }
    }

    fn free_port() -> u16 {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        probe.local_addr().unwrap().port()
    }

    #[test]
    fn port_zero_listens_nowhere() {
        let opened = open_tcp(ListenerKind::Tcp, 0, &wanted(&["*"]), &mut Vec::new()).unwrap();
        assert!(opened.is_empty());
    }

    #[test]
    fn an_address_of_another_machine_may_be_missing_only_with_a_dash() {
        let (port, mut skipped) = (free_port(), Vec::new());
        let bind = wanted(&["127.0.0.1", "-192.0.2.7"]);
        let opened = open_tcp(ListenerKind::Tcp, port, &bind, &mut skipped).unwrap();
        assert_eq!((opened.len(), skipped.len()), (1, 1));
        drop(opened);
        let bind = wanted(&["127.0.0.1", "192.0.2.7"]);
        let error = open_tcp(ListenerKind::Tcp, port, &bind, &mut Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "Warning: Could not create server TCP listening socket 192.0.2.7:{port}: \
                 bind: Cannot assign requested address"
            )
        );
    }

    #[test]
    fn a_taken_port_is_an_error() {
        let port = free_port();
        let first = open_tcp(
            ListenerKind::Tcp,
            port,
            &wanted(&["127.0.0.1"]),
            &mut Vec::new(),
        );
        let second = open_tcp(
            ListenerKind::Tcp,
            port,
            &wanted(&["127.0.0.1"]),
            &mut Vec::new(),
        );
        assert_eq!(first.unwrap().len(), 1);
        assert!(
            second
                .unwrap_err()
                .to_string()
                .ends_with("bind: Address already in use")
        );
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_file_is_not() {
        let folder = std::env::temp_dir().join(format!("vkd-listen-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("s.sock");
        let wanted = UnixWanted {
            path: path.clone(),
            mode: 0o600,
            group: None,
        };
        drop(open_unix(&wanted, 16).unwrap());
        let listener = open_unix(&wanted, 16).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(listener.path(), Some(path.as_path()));
        remove_unix(&path, inode_of(&path)).unwrap();
        fs::write(&path, "precious").unwrap();
        assert!(
            open_unix(&wanted, 16)
                .unwrap_err()
                .to_string()
                .contains("not a socket")
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_dir_all(&folder).unwrap();
    }
}
