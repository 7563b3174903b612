//! Directives of the keyspace: expiry, freeing, notifications, access frequency.
//!
//! Not eviction (see [`super::limits`]).

use super::{INT_MAX, directives};
use vk_spec::config::{ConfigSpec as C, Special};

directives! { after super::limits::END;
    /// How much work expired keys get, from 1 to 10.
    ACTIVE_EXPIRE_EFFORT = C::int("active-expire-effort", 1, 10, "1");
    /// Moves the main table while idle.
    ACTIVEREHASHING = C::bool("activerehashing", "yes")
        .tunes("the table grows in small steps by itself");
    /// Frees evicted values in the background.
    LAZYFREE_LAZY_EVICTION = C::bool("lazyfree-lazy-eviction", "yes");
    /// Frees expired values in the background.
    LAZYFREE_LAZY_EXPIRE = C::bool("lazyfree-lazy-expire", "yes");
    /// Frees values that commands replace in the background.
    LAZYFREE_LAZY_SERVER_DEL = C::bool("lazyfree-lazy-server-del", "yes");
    /// Makes DEL free in the background.
    LAZYFREE_LAZY_USER_DEL = C::bool("lazyfree-lazy-user-del", "yes");
    /// Makes FLUSHALL, FLUSHDB and the like free in the background.
    LAZYFREE_LAZY_USER_FLUSH = C::bool("lazyfree-lazy-user-flush", "yes");
    /// Classes of keyspace events that are published.
    NOTIFY_KEYSPACE_EVENTS = C::special("notify-keyspace-events", Special::Events, "").engine();
    /// How slowly the access counter of LFU saturates.
    LFU_LOG_FACTOR = C::int("lfu-log-factor", 0, INT_MAX, "10");
    /// Minutes after which the access counter of LFU halves.
    LFU_DECAY_TIME = C::int("lfu-decay-time", 0, INT_MAX, "1");
    /// Keeps keys from expiring while data is imported.
    IMPORT_MODE = C::bool("import-mode", "no");
    /// What is checked when a serialized value arrives.
    SANITIZE_DUMP_PAYLOAD = C::choice("sanitize-dump-payload",
        &[("no", 0), ("yes", 1), ("clients", 2)], "no");
}
