//! Directives that bound memory, clients and threads.
//!
//! Not the sizes at which a value changes its encoding (see [`super::encoding`]).

use super::{INT_MAX, LONG_MAX, UINT_MAX, ULONG_MAX, directives};
use vk_spec::config::{ConfigKind, ConfigSpec as C, IntUnit, ShellArea, Special, TextRule};

const DEFRAG: &str = "memory is not defragmented; remove the line";
const THREADS: &str = "one thread serves all clients in this version";
const PRIORITY: &str = "clients are not told apart by network in this version";
const MIB: i128 = 1024 * 1024;

/// The choices of `maxmemory-policy`.
pub const POLICIES: &[(&str, i64)] = &[
    ("volatile-lru", 0),
    ("volatile-lfu", 1),
    ("volatile-random", 2),
    ("volatile-ttl", 3),
    ("allkeys-lru", 4),
    ("allkeys-lfu", 5),
    ("allkeys-random", 6),
    ("noeviction", 7),
];

directives! { after super::process::END;
    /// The most clients at a time.
    MAXCLIENTS = C::int("maxclients", 1, UINT_MAX, "10000").shell(ShellArea::MaxClients);
    /// Clients that are reserved for priority subnets.
    MAXCLIENTS_RESERVED = C::int("maxclients-reserved", 0, UINT_MAX, "0").tunes(PRIORITY);
    /// Subnets that reserved clients come from.
    PRIORITY_SUBNETS = C::text("priority-subnets", TextRule::Optional, "").tunes(PRIORITY);
    /// Microseconds between looks at priority clients.
    PRIORITY_PREEMPTIVE_POLL_INTERVAL_US =
        C::int("priority-preemptive-poll-interval-us", 0, INT_MAX, "0").tunes(PRIORITY);
    /// The most bytes of one bulk of a request.
    PROTO_MAX_BULK_LEN = C::memory("proto-max-bulk-len", MIB, LONG_MAX, "536870912").engine();
    /// The most bytes of a request that is not complete.
    CLIENT_QUERY_BUFFER_LIMIT = C::memory("client-query-buffer-limit", MIB, LONG_MAX, "1073741824")
        .engine();
    /// The most bytes of replies that wait for a client, by class.
    CLIENT_OUTPUT_BUFFER_LIMIT = C::special("client-output-buffer-limit", Special::OutputLimits,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60")
        .strict("normal 268435456 67108864 60 slave 268435456 67108864 60 \
                 pubsub 33554432 8388608 60").engine();
    /// The most memory of all clients, in bytes or percent of maxmemory.
    MAXMEMORY_CLIENTS = C::new("maxmemory-clients",
        ConfigKind::Int { min: -100, max: LONG_MAX, unit: IntUnit::MemoryOrPercent }, "0")
        .strict("10%").engine();
    /// The most memory of the data set in bytes; 0 for no limit.
    MAXMEMORY = C::memory("maxmemory", 0, ULONG_MAX, "0").engine();
    /// What is evicted when memory is full.
    MAXMEMORY_POLICY = C::choice("maxmemory-policy", POLICIES, "noeviction").engine();
    /// Keys that are compared to choose one to evict.
    MAXMEMORY_SAMPLES = C::int("maxmemory-samples", 1, 64, "5");
    /// How much time eviction may take.
    MAXMEMORY_EVICTION_TENACITY = C::int("maxmemory-eviction-tenacity", 0, 100, "10");
    /// The most memory of cached scripts in bytes; 0 for no limit.
    MAXMEMORY_SCRIPTS = C::memory("maxmemory-scripts", 0, ULONG_MAX, "0")
        .tunes("the memory of scripts is not bounded by itself in this version");
    /// The most keys that are remembered for client-side caching; 0 for no limit.
    TRACKING_TABLE_MAX_KEYS = C::int("tracking-table-max-keys", 0, LONG_MAX, "1000000").engine();
    /// Defragments memory while serving.
    ACTIVEDEFRAG = C::bool("activedefrag", "no").tunes(DEFRAG);
    /// Percent of a CPU that defragmentation takes at least.
    ACTIVE_DEFRAG_CYCLE_MIN = C::int("active-defrag-cycle-min", 1, 99, "1").tunes(DEFRAG);
    /// Percent of a CPU that defragmentation takes at most.
    ACTIVE_DEFRAG_CYCLE_MAX = C::int("active-defrag-cycle-max", 1, 99, "25").tunes(DEFRAG);
    /// Microseconds of one step of defragmentation.
    ACTIVE_DEFRAG_CYCLE_US = C::int("active-defrag-cycle-us", 0, 100_000, "500").tunes(DEFRAG);
    /// Bytes of waste below which there is no defragmentation.
    ACTIVE_DEFRAG_IGNORE_BYTES = C::memory("active-defrag-ignore-bytes", 1, LONG_MAX, "104857600")
        .tunes(DEFRAG);
    /// Percent of waste at which defragmentation starts.
    ACTIVE_DEFRAG_THRESHOLD_LOWER = C::int("active-defrag-threshold-lower", 0, 1000, "10")
        .tunes(DEFRAG);
    /// Percent of waste at which defragmentation works hardest.
    ACTIVE_DEFRAG_THRESHOLD_UPPER = C::int("active-defrag-threshold-upper", 0, 1000, "100")
        .tunes(DEFRAG);
    /// Elements above which a collection is defragmented in steps.
    ACTIVE_DEFRAG_MAX_SCAN_FIELDS = C::int("active-defrag-max-scan-fields", 1, LONG_MAX, "1000")
        .tunes(DEFRAG);
    /// Lets the allocator return memory from a thread of its own.
    JEMALLOC_BG_THREAD = C::bool("jemalloc-bg-thread", "yes").shell(ShellArea::Process);
    /// Threads that serve clients.
    IO_THREADS = C::int("io-threads", 1, 256, "1").tunes(THREADS);
    /// Keeps the threads that serve clients awake.
    IO_THREADS_ALWAYS_ACTIVE = C::bool("io-threads-always-active", "no").hidden().tunes(THREADS);
    /// Events for which one more thread is woken.
    EVENTS_PER_IO_THREAD = C::int("events-per-io-thread", 0, INT_MAX, "2").tunes(THREADS);
    /// Threads from which replies are sent without a copy.
    MIN_IO_THREADS_AVOID_COPY_REPLY =
        C::int("min-io-threads-avoid-copy-reply", 0, INT_MAX, "7").hidden().tunes(THREADS);
    /// Bytes from which a reply is sent without a copy.
    MIN_STRING_SIZE_AVOID_COPY_REPLY =
        C::memory("min-string-size-avoid-copy-reply", 0, LONG_MAX, "16384").hidden()
        .tunes("the size is fixed in this version");
    /// Bytes from which a reply is sent without a copy by a thread.
    MIN_STRING_SIZE_AVOID_COPY_REPLY_THREADED =
        C::memory("min-string-size-avoid-copy-reply-threaded", 0, LONG_MAX, "65536").hidden()
        .tunes(THREADS);
    /// Requests whose keys are fetched from memory together.
    PREFETCH_BATCH_MAX_SIZE = C::int("prefetch-batch-max-size", 0, 128, "16")
        .tunes("the number is fixed in this version");
    /// Hot keys that are listed; 0 for none.
    HOTKEYS_TOP_K = C::int("hotkeys-top-k", 0, 1000, "0").alias("hotkey-top-k").engine();
    /// Seconds over which hot keys are counted.
    HOTKEYS_WINDOW_SECONDS = C::int("hotkeys-window-seconds", 1, 300, "1")
        .alias("hotkey-window-seconds").engine();
    /// Percent of the uses of keys that are looked at for hot keys.
    HOTKEYS_SAMPLING_PERCENTAGE = C::int("hotkeys-sampling-percentage", 1, 100, "1")
        .alias("hotkey-sampling-percentage").engine();
}
