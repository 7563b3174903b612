//! Upper bounds of the compact encodings. Not the configured limits: those lie below, or are cut
//! down to these.
//!
//! Listpacks and intsets are searched and moved as a whole. The configuration takes any limit for
//! them, as Valkey does; were it followed literally, one command of one element could take seconds.
//! With these bounds it takes well under a millisecond, and one of many elements at most some
//! milliseconds more than on a structure.

/// Bytes of the listpack of a set, hash or sorted set, and of a node of a stream. A larger value is
/// a structure, a stream gets another node. (A single entry of a stream may be longer.)
pub const PACK_BYTES_MAX: usize = 1 << 20;

/// Elements (members, fields) of the listpack of a set, hash or sorted set: every look walks it.
pub const PACK_ENTRIES_MAX: usize = 2048;

/// Members of an intset, which is searched by halves, but moved by every insertion.
pub const INTSET_ENTRIES_MAX: usize = 16_384;

/// Entries of a node of a stream, deleted ones included: looks for an id walk the node.
pub const STREAM_NODE_ENTRIES_MAX: u64 = 8192;
