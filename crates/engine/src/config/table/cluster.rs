//! Directives of cluster mode.
//!
//! Not those of the links' TLS (see [`super::tls`]).

use super::{INT_MAX, LONG_MAX, PORT_MAX, ULONG_MAX, directives};
use vk_spec::config::{ConfigSpec as C, TextRule};

const CLUSTER: &str = "there is no cluster mode in this version; remove the line";

directives! { after super::replication::END;
    /// Joins a cluster.
    CLUSTER_ENABLED = C::bool("cluster-enabled", "no").immutable().guards(CLUSTER);
    /// File of the cluster's state.
    CLUSTER_CONFIG_FILE = C::text("cluster-config-file", TextRule::NotEmpty, "nodes.conf")
        .immutable().tunes(CLUSTER);
    /// What happens when the cluster's state cannot be saved.
    CLUSTER_CONFIG_SAVE_BEHAVIOR = C::choice("cluster-config-save-behavior",
        &[("sync", 0), ("best-effort", 1)], "sync").tunes(CLUSTER);
    /// Number of databases of a cluster.
    CLUSTER_DATABASES = C::int("cluster-databases", 1, INT_MAX, "1").immutable().tunes(CLUSTER);
    /// Port of the cluster bus; 0 for the client port plus 10000.
    CLUSTER_PORT = C::int("cluster-port", 0, PORT_MAX, "0").immutable().tunes(CLUSTER);
    /// Milliseconds after which a silent node is taken to have failed.
    CLUSTER_NODE_TIMEOUT = C::int("cluster-node-timeout", 0, LONG_MAX, "15000").tunes(CLUSTER);
    /// Milliseconds between pings; 0 for what follows from the timeout.
    CLUSTER_PING_INTERVAL = C::int("cluster-ping-interval", 0, LONG_MAX, "0").hidden()
        .tunes(CLUSTER);
    /// Percent of the nodes that a message tells of.
    CLUSTER_MESSAGE_GOSSIP_PERC = C::int("cluster-message-gossip-perc", 1, 100, "10")
        .tunes(CLUSTER);
    /// Bytes that may wait on a link; 0 for no limit.
    CLUSTER_LINK_SENDBUF_LIMIT = C::memory("cluster-link-sendbuf-limit", 0, ULONG_MAX, "0")
        .tunes(CLUSTER);
    /// Seconds for which a forgotten node is kept out.
    CLUSTER_BLACKLIST_TTL = C::int("cluster-blacklist-ttl", 0, LONG_MAX, "60").tunes(CLUSTER);
    /// Refuses requests while slots have no owner.
    CLUSTER_REQUIRE_FULL_COVERAGE = C::bool("cluster-require-full-coverage", "yes").tunes(CLUSTER);
    /// Answers reads while the cluster is down.
    CLUSTER_ALLOW_READS_WHEN_DOWN = C::bool("cluster-allow-reads-when-down", "no").tunes(CLUSTER);
    /// Serves sharded channels while the cluster is down.
    CLUSTER_ALLOW_PUBSUBSHARD_WHEN_DOWN =
        C::bool("cluster-allow-pubsubshard-when-down", "yes").tunes(CLUSTER);
    /// Lets replicas move to primaries that have none.
    CLUSTER_ALLOW_REPLICA_MIGRATION = C::bool("cluster-allow-replica-migration", "yes")
        .tunes(CLUSTER);
    /// Replicas that a primary keeps when others move.
    CLUSTER_MIGRATION_BARRIER = C::int("cluster-migration-barrier", 0, INT_MAX, "1").tunes(CLUSTER);
    /// How old the data of a replica may be for a failover.
    CLUSTER_REPLICA_VALIDITY_FACTOR = C::int("cluster-replica-validity-factor", 0, INT_MAX, "10")
        .alias("cluster-slave-validity-factor").tunes(CLUSTER);
    /// Keeps a replica from a failover by itself.
    CLUSTER_REPLICA_NO_FAILOVER = C::bool("cluster-replica-no-failover", "no")
        .alias("cluster-slave-no-failover").tunes(CLUSTER);
    /// Milliseconds that a manual failover may take.
    CLUSTER_MANUAL_FAILOVER_TIMEOUT = C::int("cluster-manual-failover-timeout", 1, INT_MAX, "5000")
        .tunes(CLUSTER);
    /// Slot migrations that are remembered.
    CLUSTER_SLOT_MIGRATION_LOG_MAX_LEN =
        C::int("cluster-slot-migration-log-max-len", 0, LONG_MAX, "1000").tunes(CLUSTER);
    /// Bytes that may be open when a slot migration hands over; -1 for any.
    SLOT_MIGRATION_MAX_FAILOVER_REPL_BYTES =
        C::int("slot-migration-max-failover-repl-bytes", -1, LONG_MAX, "0").tunes(CLUSTER);
    /// Counts keys, time and bytes of each slot.
    CLUSTER_SLOT_STATS_ENABLED = C::bool("cluster-slot-stats-enabled", "no").tunes(CLUSTER);
    /// How nodes are named to clients.
    CLUSTER_PREFERRED_ENDPOINT_TYPE = C::choice("cluster-preferred-endpoint-type",
        &[("ip", 0), ("hostname", 1), ("unknown-endpoint", 2)], "ip").tunes(CLUSTER);
    /// Address that a node announces.
    CLUSTER_ANNOUNCE_IP = C::text("cluster-announce-ip", TextRule::Optional, "").tunes(CLUSTER);
    /// IPv4 address that a node announces to clients.
    CLUSTER_ANNOUNCE_CLIENT_IPV4 = C::text("cluster-announce-client-ipv4", TextRule::Ipv4, "")
        .tunes(CLUSTER);
    /// IPv6 address that a node announces to clients.
    CLUSTER_ANNOUNCE_CLIENT_IPV6 = C::text("cluster-announce-client-ipv6", TextRule::Ipv6, "")
        .tunes(CLUSTER);
    /// Host name that a node announces.
    CLUSTER_ANNOUNCE_HOSTNAME = C::text("cluster-announce-hostname", TextRule::HostName, "")
        .tunes(CLUSTER);
    /// Display name that a node announces.
    CLUSTER_ANNOUNCE_HUMAN_NODENAME =
        C::text("cluster-announce-human-nodename", TextRule::NodeName, "").tunes(CLUSTER);
    /// Plaintext port that a node announces; 0 for its own.
    CLUSTER_ANNOUNCE_PORT = C::int("cluster-announce-port", 0, PORT_MAX, "0").tunes(CLUSTER);
    /// TLS port that a node announces; 0 for its own.
    CLUSTER_ANNOUNCE_TLS_PORT = C::int("cluster-announce-tls-port", 0, PORT_MAX, "0")
        .tunes(CLUSTER);
    /// Plaintext port that a node announces to clients; 0 for its own.
    CLUSTER_ANNOUNCE_CLIENT_PORT = C::int("cluster-announce-client-port", 0, PORT_MAX, "0")
        .tunes(CLUSTER);
    /// TLS port that a node announces to clients; 0 for its own.
    CLUSTER_ANNOUNCE_CLIENT_TLS_PORT = C::int("cluster-announce-client-tls-port", 0, PORT_MAX, "0")
        .tunes(CLUSTER);
    /// Bus port that a node announces; 0 for its own.
    CLUSTER_ANNOUNCE_BUS_PORT = C::int("cluster-announce-bus-port", 0, PORT_MAX, "0")
        .tunes(CLUSTER);
}
