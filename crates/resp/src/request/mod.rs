//! Requests: their shape in memory and the parser that makes them from a client's bytes. Not
//! their meaning: a request here is a list of byte strings.

mod batch;
mod blob_builder;
mod fast;
mod grammar;
mod parser;
mod partial;
mod view;

pub use batch::Batch;
pub use grammar::INLINE_BYTES_MAX;
pub use parser::{Limits, Parser};
pub use view::{Args, OwnedRequest, Request, Span};
