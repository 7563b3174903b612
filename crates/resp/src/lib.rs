//! RESP2 and RESP3 on bytes: the request parser of a server, the encoder of replies, and the
//! parser of replies for clients. Not here: sockets, TLS, command names, limits' configuration.
//!
//! Source: <https://valkey.io/topics/protocol/>. The texts of protocol errors are Valkey's, since
//! clients and test suites match on them.
//!
//! A server's way through it: [`Parser::parse`] turns received bytes into a [`Batch`] of frames
//! that point into the receive buffer; [`Batch::request`] gives each as a [`Request`]; the answer
//! is written to a [`ReplyBuf`], whose [`ReplyBuf::chunks`] go to one vectored write.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod blob;
#[doc(hidden)]
pub mod check;
mod double;
mod error;
mod grow;
mod reply;
mod request;

pub use blob::Blob;
pub use double::{DOUBLE_TEXT_MAX, DoubleText};
pub use error::ProtocolError;
pub use reply::{
    BLOB_REFERENCE_BYTES_MIN, Chunks, Deferred, Mark, Protocol, Reply, ReplyBuf, ReplyError,
    ReplyLimits, ReplyParser, encode_command,
};
pub use request::{Args, Batch, INLINE_BYTES_MAX, Limits, OwnedRequest, Parser, Request, Span};

/// An argument of this many bytes or more arrives as a [`Blob`].
pub const BLOB_BYTES_MIN: usize = 32 * 1024;

/// Nothing is reserved beyond what has arrived plus this many bytes.
pub const RESERVE_AHEAD_BYTES: usize = 64 * 1024;
