//! Lists: one listpack while that suffices, else a sequence of listpack nodes. No command
//! semantics, no compression of nodes.
//!
//! When a list changes its form follows Valkey, since OBJECT ENCODING shows it: it grows into nodes
//! when what is added could exceed the limit of one node, and comes back when a single node is left
//! that holds less than half of the limit.

mod big;
mod build;
#[doc(hidden)]
pub mod check;
mod cut;
mod edit;
mod limits;
mod node;
mod nodes;
mod view;

pub use big::{ELEMENTS_PER_NODE, List};
pub use build::{BuiltList, ListBuilder};
pub use edit::ListMut;
pub use limits::{ELEMENT_BYTES_MAX, ListLimits};
pub use node::Node;
pub use view::{ListIter, ListRef};

/// One of the two ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where index 0 is, `LEFT`.
    Head,
    /// Where index -1 is, `RIGHT`.
    Tail,
}

/// On which side of its pivot an element is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nearer to the head.
    Before,
    /// Nearer to the tail.
    After,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
