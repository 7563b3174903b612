//! Directives of the sizes at which a value changes its encoding.
//!
//! Not limits: a value above one of them is stored all the same, in another form.

use super::{INT_MAX, INT_MIN, LONG_MAX, directives};
use vk_spec::config::ConfigSpec as C;

directives! { after super::keyspace::END;
    /// Fields up to which a hash is a listpack.
    HASH_MAX_LISTPACK_ENTRIES = C::int("hash-max-listpack-entries", 0, LONG_MAX, "512")
        .alias("hash-max-ziplist-entries").engine();
    /// Bytes of a field or value up to which a hash is a listpack.
    HASH_MAX_LISTPACK_VALUE = C::memory("hash-max-listpack-value", 0, LONG_MAX, "64")
        .alias("hash-max-ziplist-value").engine();
    /// Size of the nodes of a list: elements, or below zero a class of bytes.
    LIST_MAX_LISTPACK_SIZE = C::int("list-max-listpack-size", INT_MIN, INT_MAX, "-2")
        .alias("list-max-ziplist-size").engine();
    /// Nodes at either end of a list that are not compressed; 0 for no compression.
    LIST_COMPRESS_DEPTH = C::int("list-compress-depth", 0, INT_MAX, "0")
        .tunes("lists are not compressed in this version");
    /// Members up to which a set of integers is an intset.
    SET_MAX_INTSET_ENTRIES = C::int("set-max-intset-entries", 0, LONG_MAX, "512").engine();
    /// Members up to which a set is a listpack.
    SET_MAX_LISTPACK_ENTRIES = C::int("set-max-listpack-entries", 0, LONG_MAX, "128").engine();
    /// Bytes of a member up to which a set is a listpack.
    SET_MAX_LISTPACK_VALUE = C::int("set-max-listpack-value", 0, LONG_MAX, "64").engine();
    /// Members up to which a sorted set is a listpack.
    ZSET_MAX_LISTPACK_ENTRIES = C::int("zset-max-listpack-entries", 0, LONG_MAX, "128")
        .alias("zset-max-ziplist-entries").engine();
    /// Bytes of a member up to which a sorted set is a listpack.
    ZSET_MAX_LISTPACK_VALUE = C::memory("zset-max-listpack-value", 0, LONG_MAX, "64")
        .alias("zset-max-ziplist-value").engine();
    /// Bytes up to which a HyperLogLog is sparse.
    HLL_SPARSE_MAX_BYTES = C::memory("hll-sparse-max-bytes", 0, LONG_MAX, "3000").engine();
    /// Bytes of a node of a stream; 0 for no limit.
    STREAM_NODE_MAX_BYTES = C::memory("stream-node-max-bytes", 0, LONG_MAX, "4096").engine();
    /// Entries of a node of a stream; 0 for no limit.
    STREAM_NODE_MAX_ENTRIES = C::int("stream-node-max-entries", 0, LONG_MAX, "100").engine();
}
