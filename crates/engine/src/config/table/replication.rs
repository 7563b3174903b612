//! Directives of replication.
//!
//! Not the announcements of a cluster node (see [`super::cluster`]).

use super::{INT_MAX, LONG_MAX, PORT_MAX, directives};
use vk_spec::config::{ConfigSpec as C, Special, TextRule};

const REPLICATION: &str = "there is no replication in this version; remove the line";

directives! { after super::aof::END;
    /// The primary that this server follows.
    REPLICAOF = C::special("replicaof", Special::Primary, "").alias("slaveof").immutable()
        .guards(REPLICATION);
    /// User name at the primary.
    PRIMARYUSER = C::text("primaryuser", TextRule::Optional, "").alias("masteruser").sensitive()
        .guards(REPLICATION);
    /// Password at the primary.
    PRIMARYAUTH = C::text("primaryauth", TextRule::Optional, "").alias("masterauth").sensitive()
        .guards(REPLICATION);
    /// Replicas without which writes are refused; 0 for none.
    MIN_REPLICAS_TO_WRITE = C::int("min-replicas-to-write", 0, INT_MAX, "0")
        .alias("min-slaves-to-write").guards(REPLICATION);
    /// Seconds of lag up to which a replica counts.
    MIN_REPLICAS_MAX_LAG = C::int("min-replicas-max-lag", 0, INT_MAX, "10")
        .alias("min-slaves-max-lag").tunes(REPLICATION);
    /// Answers clients while the link to the primary is down.
    REPLICA_SERVE_STALE_DATA = C::bool("replica-serve-stale-data", "yes")
        .alias("slave-serve-stale-data").tunes(REPLICATION);
    /// Refuses writes of clients to a replica.
    REPLICA_READ_ONLY = C::bool("replica-read-only", "yes").alias("slave-read-only")
        .tunes(REPLICATION);
    /// Leaves eviction to the primary.
    REPLICA_IGNORE_MAXMEMORY = C::bool("replica-ignore-maxmemory", "yes")
        .alias("slave-ignore-maxmemory").tunes(REPLICATION);
    /// Empties a replica in the background before a synchronisation.
    REPLICA_LAZY_FLUSH = C::bool("replica-lazy-flush", "yes").alias("slave-lazy-flush")
        .tunes(REPLICATION);
    /// Preference of a replica in a failover; 0 for never.
    REPLICA_PRIORITY = C::int("replica-priority", 0, INT_MAX, "100").alias("slave-priority")
        .tunes(REPLICATION);
    /// Address that a replica tells its primary.
    REPLICA_ANNOUNCE_IP = C::text("replica-announce-ip", TextRule::Optional, "")
        .alias("slave-announce-ip").tunes(REPLICATION);
    /// Port that a replica tells its primary; 0 for its own.
    REPLICA_ANNOUNCE_PORT = C::int("replica-announce-port", 0, PORT_MAX, "0")
        .alias("slave-announce-port").tunes(REPLICATION);
    /// Shows a replica to Sentinels.
    REPLICA_ANNOUNCED = C::bool("replica-announced", "yes").tunes(REPLICATION);
    /// Goes on when a replica cannot write to its disk.
    REPLICA_IGNORE_DISK_WRITE_ERRORS = C::bool("replica-ignore-disk-write-errors", "no")
        .tunes(REPLICATION);
    /// What happens when a command of the primary fails.
    PROPAGATION_ERROR_BEHAVIOR = C::choice("propagation-error-behavior",
        &[("ignore", 0), ("panic", 1), ("panic-on-replicas", 2)], "ignore").tunes(REPLICATION);
    /// Bytes of the stream that are kept for replicas that come back.
    REPL_BACKLOG_SIZE = C::memory("repl-backlog-size", 1, LONG_MAX, "10485760").tunes(REPLICATION);
    /// Seconds after the last replica for which the backlog is kept; 0 for ever.
    REPL_BACKLOG_TTL = C::int("repl-backlog-ttl", 0, LONG_MAX, "3600").tunes(REPLICATION);
    /// Seconds after which a silent link is closed.
    REPL_TIMEOUT = C::int("repl-timeout", 1, INT_MAX, "60").tunes(REPLICATION);
    /// Seconds between the pings of a primary.
    REPL_PING_REPLICA_PERIOD = C::int("repl-ping-replica-period", 1, INT_MAX, "10")
        .alias("repl-ping-slave-period").tunes(REPLICATION);
    /// Lets the kernel gather small packets to replicas.
    REPL_DISABLE_TCP_NODELAY = C::bool("repl-disable-tcp-nodelay", "no").tunes(REPLICATION);
    /// Sends a full synchronisation without a file.
    REPL_DISKLESS_SYNC = C::bool("repl-diskless-sync", "yes").tunes(REPLICATION);
    /// Seconds that a full synchronisation waits for more replicas.
    REPL_DISKLESS_SYNC_DELAY = C::int("repl-diskless-sync-delay", 0, INT_MAX, "5")
        .tunes(REPLICATION);
    /// Replicas for which a full synchronisation does not wait longer; 0 for any.
    REPL_DISKLESS_SYNC_MAX_REPLICAS = C::int("repl-diskless-sync-max-replicas", 0, INT_MAX, "0")
        .tunes(REPLICATION);
    /// How a replica loads a full synchronisation.
    REPL_DISKLESS_LOAD = C::choice("repl-diskless-load",
        &[("disabled", 0), ("on-empty-db", 1), ("swapdb", 2), ("flush-before-load", 3)],
        "disabled").deny_loading().tunes(REPLICATION);
    /// Sends the stream beside the full synchronisation.
    DUAL_CHANNEL_REPLICATION_ENABLED = C::bool("dual-channel-replication-enabled", "no")
        .tunes(REPLICATION);
    /// Multipath TCP to the primary.
    REPL_MPTCP = C::bool("repl-mptcp", "no").tunes(REPLICATION);
    /// Compresses the stream to replicas.
    REPL_COMPRESSION = C::bool("repl-compression", "no").tunes(REPLICATION);
    /// Slows clients down when replicas cannot follow.
    REPL_THROTTLING_ENABLED = C::bool("repl-throttling-enabled", "no").tunes(REPLICATION);
}
