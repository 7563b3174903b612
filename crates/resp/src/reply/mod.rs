//! Replies: their encoder for a server, and their values and parser for a client.

mod buffer;
mod deferred;
mod digits;
mod frame;
mod parser;
mod value;

pub use buffer::{BLOB_REFERENCE_BYTES_MIN, Chunks, Mark, Protocol, ReplyBuf};
pub use deferred::Deferred;
pub use parser::{ReplyError, ReplyLimits, ReplyParser};
pub use value::{Reply, encode_command};
