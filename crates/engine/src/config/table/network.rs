//! Directives of listening sockets and of the connections that they accept.
//!
//! Not those of TLS (see [`super::tls`]) nor the limits of clients (see [`super::limits`]).

use super::{INT_MAX, PORT_MAX, UINT_MAX, directives};
use vk_spec::config::{
    ConfigSpec as C, ShellArea::Listeners, ShellArea::Sockets, Special, TextRule,
};

const RDMA: &str = "RDMA is not offered; clients connect by TCP, TLS or the Unix socket";
const MPTCP: &str = "multipath TCP is not offered; connections are plain TCP";

directives! { after 0;
    /// TCP port of plaintext clients; 0 for none.
    PORT = C::int("port", 0, PORT_MAX, "6379").strict("0").shell(Listeners);
    /// Addresses to listen on: `*` for all, a leading `-` for those that may be missing.
    BIND = C::special("bind", Special::Addresses, "* -::*")
        .strict("127.0.0.1 -::1").shell(Listeners);
    /// Address that outgoing connections are bound to.
    BIND_SOURCE_ADDR = C::text("bind-source-addr", TextRule::Optional, "");
    /// Path of the Unix socket.
    UNIXSOCKET = C::text("unixsocket", TextRule::Optional, "").immutable();
    /// Mode of the Unix socket, in octal; 0 leaves it to the umask.
    UNIXSOCKETPERM = C::new("unixsocketperm",
        vk_spec::config::ConfigKind::Int {
            min: 0, max: 0o777, unit: vk_spec::config::IntUnit::Octal,
        }, "0").immutable();
    /// Group of the Unix socket.
    UNIXSOCKETGROUP = C::text("unixsocketgroup", TextRule::Optional, "").immutable();
    /// Length of the queue of connections that wait to be accepted.
    TCP_BACKLOG = C::int("tcp-backlog", 0, INT_MAX, "511").immutable();
    /// Seconds between keepalive probes; 0 for none.
    TCP_KEEPALIVE = C::int("tcp-keepalive", 0, INT_MAX, "300").shell(Sockets);
    /// Seconds after which an idle client is closed; 0 for never.
    TIMEOUT = C::int("timeout", 0, INT_MAX, "0").engine();
    /// Refuses clients from other machines while the default user has no password.
    PROTECTED_MODE = C::bool("protected-mode", "yes");
    /// Connections that are accepted in one turn of the event loop.
    MAX_NEW_CONNECTIONS_PER_CYCLE = C::int("max-new-connections-per-cycle", 1, 1000, "10")
        .shell(vk_spec::config::ShellArea::Loop);
    /// TLS connections that are accepted in one turn of the event loop.
    MAX_NEW_TLS_CONNECTIONS_PER_CYCLE = C::int("max-new-tls-connections-per-cycle", 1, 1000, "1")
        .shell(vk_spec::config::ShellArea::Loop);
    /// Mark that the kernel puts on the packets of listening sockets.
    SOCKET_MARK_ID = C::int("socket-mark-id", 0, UINT_MAX, "0").immutable()
        .tunes("sockets are not marked; match the port in the packet filter instead");
    /// Multipath TCP on listening sockets.
    MPTCP_LISTEN = C::bool("mptcp", "no").immutable().tunes(MPTCP);
    /// Addresses of the RDMA listener.
    RDMA_BIND = C::text("rdma-bind", TextRule::Optional, "").tunes(RDMA);
    /// Port of the RDMA listener; 0 for none.
    RDMA_PORT = C::int("rdma-port", 0, PORT_MAX, "0").tunes(RDMA);
    /// Receive buffer of an RDMA connection in bytes.
    RDMA_RX_SIZE = C::memory("rdma-rx-size", 65_536, 16_777_216, "1048576")
        .immutable().tunes(RDMA);
    /// Completion vector of RDMA connections; -1 for any.
    RDMA_COMPLETION_VECTOR = C::int("rdma-completion-vector", -1, 1024, "-1")
        .immutable().tunes(RDMA);
}
