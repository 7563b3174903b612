//! Making a list from its elements. Not storing it.

use alloc::boxed::Box;

use super::End;
use super::big::List;
use super::limits::ListLimits;
use super::node::{Node, NodeBuf};
use crate::pack::PackKind;
use crate::value::{NewValue, Object};

/// Collects the elements of a new list.
#[derive(Debug)]
pub struct ListBuilder {
    list: List,
    limits: ListLimits,
}

impl ListBuilder {
    /// No elements yet.
    #[must_use]
    pub fn new(limits: ListLimits) -> Self {
        Self {
            list: List::default(),
            limits,
        }
    }

    /// Adds an element at the tail; at most [`super::ELEMENT_BYTES_MAX`] bytes.
    pub fn push(&mut self, element: &[u8]) {
        let elements = core::iter::once(element);
        self.list.push(End::Tail, elements, self.limits);
    }

    /// Adds many elements at the tail, which costs less than one by one.
    pub fn extend<'e>(&mut self, elements: impl Iterator<Item = &'e [u8]> + Clone) {
        self.list.push(End::Tail, elements, self.limits);
    }

    /// Elements so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// There is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The list in the form that suits it.
    #[must_use]
    pub fn finish(self) -> BuiltList {
        BuiltList::of(self.list, self.limits, false)
    }
}

/// A list that is to be stored.
#[derive(Debug)]
pub struct BuiltList(Form);

#[derive(Debug)]
enum Form {
    Pack(NodeBuf),
    Nodes(Box<List>),
}

impl BuiltList {
    /// The form that suits `list`; see [`ListLimits::suits_one`] for `shrinking`.
    pub(super) fn of(mut list: List, limits: ListLimits, shrinking: bool) -> Self {
        if list.node_count() == 1
            && let Some(Node::Packed(pack, held)) = list.nodes.get(0).map(NodeBuf::node)
            && limits.suits_one(pack.byte_len(), held, shrinking)
            && let Some(node) = list.nodes.take(0)
        {
            return Self(Form::Pack(node));
        }
        Self(Form::Nodes(Box::new(list)))
    }

    /// Hands it to whoever stores it.
    pub fn store<R>(self, store: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self.0 {
            Form::Pack(pack) => store(NewValue::Pack(PackKind::List, &pack)),
            Form::Nodes(list) => store(NewValue::Object(Object::List(list))),
        }
    }
}
