//! Directives of snapshots (RDB files).
//!
//! Not those of a full synchronisation (see [`super::replication`]).

use super::{INT_MAX, INT_MIN, directives};
use vk_spec::config::{ConfigSpec as C, Special, TextRule};

const SYNC: &str = "this version does not synchronise";
const TESTING: &str = "the directive exists for tests of other servers";

directives! { after super::script::END;
    /// Seconds and changes after which a snapshot is taken.
    SAVE = C::special("save", Special::Save, "3600 1 300 100 60 10000").engine();
    /// Name of the snapshot in the working folder.
    DBFILENAME = C::text("dbfilename", TextRule::FileName, "dump.rdb").protected();
    /// Compresses strings in snapshots.
    RDBCOMPRESSION = C::bool("rdbcompression", "yes").engine();
    /// Ends snapshots with a checksum.
    RDBCHECKSUM = C::bool("rdbchecksum", "yes").immutable();
    /// Refuses writes after a snapshot has failed.
    STOP_WRITES_ON_BGSAVE_ERROR = C::bool("stop-writes-on-bgsave-error", "yes");
    /// Removes snapshots that were made for a synchronisation.
    RDB_DEL_SYNC_FILES = C::bool("rdb-del-sync-files", "no").tunes(SYNC);
    /// Writes a snapshot to disk bit by bit.
    RDB_SAVE_INCREMENTAL_FSYNC = C::bool("rdb-save-incremental-fsync", "yes");
    /// Whether snapshots of a later version are loaded.
    RDB_VERSION_CHECK = C::choice("rdb-version-check", &[("strict", 0), ("relaxed", 1)], "strict");
    /// The version of the format that snapshots are written in; `auto` is the oldest that needs no
    /// other form of a value. What the named one cannot express gets the version that it needs.
    RDB_VERSION = C::choice("rdb-version",
        &[("auto", 0), ("9", 9), ("10", 10), ("11", 11), ("80", 80)], "auto").engine();
    /// Takes snapshots without a child process.
    FORKLESS_INFRASTRUCTURE_ENABLED = C::bool("forkless-infrastructure-enabled", "no").immutable()
        .tunes("nothing here ever forks");
    /// How a background snapshot is taken.
    BGSAVE_DEFAULT_METHOD = C::choice("bgsave-default-method",
        &[("fork", 0), ("forkless", 1)], "fork").tunes("nothing here ever forks");
    /// Microseconds of delay per key of a snapshot.
    RDB_KEY_SAVE_DELAY = C::int("rdb-key-save-delay", INT_MIN, INT_MAX, "0").hidden();
    /// Microseconds of delay per key that is loaded.
    KEY_LOAD_DELAY = C::int("key-load-delay", INT_MIN, INT_MAX, "0").hidden();
    /// Bytes between looks at clients while loading.
    LOADING_PROCESS_EVENTS_INTERVAL_BYTES =
        C::memory("loading-process-events-interval-bytes", 1024, INT_MAX, "2097152").hidden()
        .tunes(TESTING);
}
