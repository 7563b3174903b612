//! Directives of the append-only file.
//!
//! Not those of snapshots (see [`super::snapshot`]).

use super::{INT_MAX, LONG_MAX, directives};
use vk_spec::config::{ConfigSpec as C, ShellArea, TextRule};

directives! { after super::snapshot::END;
    /// Writes every change to the append-only file.
    APPENDONLY = C::bool("appendonly", "no").deny_loading().shell(ShellArea::AppendOnly);
    /// Name of the append-only file.
    APPENDFILENAME = C::text("appendfilename", TextRule::FileName, "appendonly.aof")
        .immutable();
    /// Folder of the append-only file.
    APPENDDIRNAME = C::text("appenddirname", TextRule::FolderName, "appendonlydir")
        .immutable();
    /// When the append-only file is flushed to disk.
    APPENDFSYNC = C::choice("appendfsync",
        &[("everysec", 2), ("always", 1), ("no", 0)], "everysec").shell(ShellArea::AppendOnly);
    /// Does not flush while the file is rewritten.
    NO_APPENDFSYNC_ON_REWRITE = C::bool("no-appendfsync-on-rewrite", "no");
    /// Percent of growth at which the file is rewritten; 0 for never.
    AUTO_AOF_REWRITE_PERCENTAGE = C::int("auto-aof-rewrite-percentage", 0, INT_MAX, "100");
    /// Bytes below which the file is not rewritten by itself.
    AUTO_AOF_REWRITE_MIN_SIZE = C::memory("auto-aof-rewrite-min-size", 0, LONG_MAX, "67108864");
    /// Loads a file whose end is missing.
    AOF_LOAD_TRUNCATED = C::bool("aof-load-truncated", "yes");
    /// Begins a rewritten file with a snapshot.
    AOF_USE_RDB_PREAMBLE = C::bool("aof-use-rdb-preamble", "yes");
    /// Notes the time in the file.
    AOF_TIMESTAMP_ENABLED = C::bool("aof-timestamp-enabled", "no")
        .shell(ShellArea::AppendOnly);
    /// Writes a rewritten file to disk bit by bit.
    AOF_REWRITE_INCREMENTAL_FSYNC = C::bool("aof-rewrite-incremental-fsync", "yes");
    /// Keeps the files that a rewrite has replaced.
    AOF_DISABLE_AUTO_GC = C::bool("aof-disable-auto-gc", "no")
        .hidden()
        .shell(ShellArea::AppendOnly);
}
