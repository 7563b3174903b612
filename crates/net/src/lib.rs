//! One connection as a machine: TLS, what has not been parsed yet, and what has not been sent yet.
//!
//! There is no socket here. The shell hands over the bytes that it has read and a sink to write
//! to; the machine never blocks, has no clock, and logs nothing. It does not know commands either:
//! requests leave it through [`vk_resp::Batch`] and replies come back as [`vk_resp::ReplyBuf`].
//!
//! The life of a connection, as its driver sees it:
//!
//! 1. [`Connection::plain`] or [`Connection::tls`];
//! 2. bytes have come: [`Connection::receive`] turns them into plaintext at the end of a buffer
//!    that all connections share (a plaintext connection may be read there directly, followed by
//!    [`Connection::inspect`]);
//! 3. [`Connection::parse`] takes complete requests out of that buffer; what must wait is put
//!    aside with [`Connection::stash`] and brought back with [`Connection::unstash`];
//! 4. replies go out with [`Connection::send`], later ones with [`Connection::queue`] and
//!    [`Connection::flush`];
//! 5. [`Connection::say_goodbye`], a last flush, and the connection is dropped.
#![forbid(unsafe_code)]

mod connection;
mod identity;
pub mod limits;
mod output;
mod sniff;
mod tls;

pub use connection::{Connection, ReceiveError, Received};
pub use identity::{Identity, identity_of};
pub use limits::OutputLimit;
pub use output::Progress;
pub use sniff::Opening;
