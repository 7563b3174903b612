//! Changing a list of either form, and from one form to the other.

use alloc::boxed::Box;

use super::big::{List, remove_equal};
use super::build::BuiltList;
use super::limits::ListLimits;
use super::node::{Node, NodeBuf};
use super::view::ListRef;
use super::{End, Side};
use crate::listpack::{self, EMPTY, Item, Listpack};
use crate::pack::{Body, BodyMut, PackBuf, PackKind};
use crate::value::Object;

/// A list to be changed. Elements are at most [`super::ELEMENT_BYTES_MAX`] bytes long.
#[derive(Debug)]
pub struct ListMut<'a>(BodyMut<'a>);

impl<'a> ListMut<'a> {
    /// The list, if it is one.
    #[must_use]
    pub fn of(body: BodyMut<'a>) -> Option<Self> {
        match body.body()? {
            Body::Pack(PackKind::List, _) | Body::Object(Object::List(_)) => Some(Self(body)),
            _ => None,
        }
    }

    /// The list as it is now.
    #[must_use]
    pub fn view(&self) -> ListRef<'_> {
        match self.0.body() {
            Some(Body::Pack(_, bytes)) => ListRef::Pack(Listpack::new(bytes)),
            Some(Body::Object(Object::List(list))) => ListRef::Nodes(list),
            // `of` lets nothing else in.
            _ => ListRef::Pack(Listpack::new(&EMPTY)),
        }
    }

    /// Adds elements one by one at an end: at the head the last one becomes the first. Returns the
    /// new length.
    pub fn push<'e>(
        &mut self,
        end: End,
        elements: impl Iterator<Item = &'e [u8]> + Clone,
        limits: ListLimits,
    ) -> usize {
        let mut rest = elements.clone();
        if let Some(only) = rest.next()
            && rest.next().is_none()
        {
            return self.push_one(end, only, limits);
        }
        self.grow(elements.clone(), limits);
        match self.nodes_mut() {
            Some(list) => list.push(end, elements, limits),
            None => {
                let items = elements.map(Item::Bytes);
                match end {
                    End::Head => listpack::prepend_each(&mut self.0, items),
                    End::Tail => listpack::append_all(&mut self.0, items),
                }
            }
        }
        self.view().len()
    }

    /// As [`ListMut::push`] of one element.
    fn push_one(&mut self, end: End, element: &[u8], limits: ListLimits) -> usize {
        if let Some(list) = self.nodes_mut() {
            list.push_one(end, element, limits);
            return list.len();
        }
        let elements = core::iter::once(element);
        if self.grow(elements, limits) {
            return self.push_one(end, element, limits);
        }
        let item = [Item::Bytes(element)];
        match end {
            End::Head => listpack::prepend(&mut self.0, &item),
            End::Tail => listpack::append(&mut self.0, &item),
        }
        self.view().len()
    }

    /// Removes at most `count` elements from `start` on.
    pub fn remove_range(&mut self, start: usize, count: usize, limits: ListLimits) {
        if count == 0 {
            return;
        }
        match self.nodes_mut() {
            Some(list) => list.remove_range(start, count),
            None => {
                let view = Listpack::new(self.0.bytes());
                if let Some(pos) = i64::try_from(start).ok().and_then(|at| view.seek(at)) {
                    listpack::remove(&mut self.0, pos, count);
                }
            }
        }
        self.shrink(limits);
    }

    /// Replaces the element with this index; `false` if there is none. Negative indexes count from
    /// the tail.
    pub fn set(&mut self, index: i64, element: &[u8], limits: ListLimits) -> bool {
        let len = self.view().len();
        let Some(at) = absolute(index, len).filter(|at| *at < len) else {
            return false;
        };
        self.grow(core::iter::once(element), limits);
        match self.nodes_mut() {
            Some(list) => list.set(at, element, limits),
            None => {
                let view = Listpack::new(self.0.bytes());
                if let Some(pos) = view.seek(index) {
                    listpack::replace(&mut self.0, pos, Item::Bytes(element));
                }
            }
        }
        self.shrink(limits);
        true
    }

    /// Inserts an element beside the first one that equals `pivot`. Returns the new length, or
    /// `None` if none does.
    pub fn insert(
        &mut self,
        pivot: &[u8],
        side: Side,
        element: &[u8],
        limits: ListLimits,
    ) -> Option<usize> {
        if let ListRef::Pack(pack) = self.view() {
            let pos = pack.find(pack.first()?, pivot, 1)?;
            let pos = match side {
                Side::Before => pos,
                Side::After => pack.after(pos)?,
            };
            if !self.grow(core::iter::once(element), limits) {
                listpack::insert(&mut self.0, pos, &[Item::Bytes(element)]);
                return Some(self.view().len());
            }
        }
        let inserted = self.nodes_mut()?.insert(pivot, side, element, limits);
        inserted.then(|| self.view().len())
    }

    /// Removes the elements that equal `needle`, at most `most` of them, beginning at an end.
    /// Returns how many.
    pub fn remove_equal(
        &mut self,
        needle: &[u8],
        most: usize,
        from: End,
        limits: ListLimits,
    ) -> usize {
        let removed = match self.nodes_mut() {
            Some(list) => list.remove_equal(needle, most, from),
            None => remove_equal(&mut self.0, needle, most, from),
        };
        if removed > 0 {
            self.shrink(limits);
        }
        removed
    }

    /// Takes the elements of `start..end` out as a list of its own, where so many nodes would go
    /// otherwise that they had better be freed piecemeal; `None` changes nothing. Afterwards what
    /// is left is only to be replaced by the result.
    pub fn take_range(
        &mut self,
        start: usize,
        end: usize,
        limits: ListLimits,
    ) -> Option<BuiltList> {
        let list = self.nodes_mut()?;
        let inside = start < end && end <= list.len();
        // A cut saves what is removed, node by node.
        let is_read = list.cut_id().is_some();
        if !inside || is_read || list.node_count() <= NODES_FREED_AT_ONCE {
            return None;
        }
        let going = list.len() - (end - start);
        let per_node = list.len() / list.node_count();
        if going / per_node.max(1) <= NODES_FREED_AT_ONCE {
            return None;
        }
        let kept = list.take_range(start, end);
        Some(BuiltList::of(kept, limits, true))
    }

    fn nodes_mut(&mut self) -> Option<&mut List> {
        match self.0.object_mut() {
            Some(Object::List(list)) => Some(list),
            _ => None,
        }
    }

    /// Turns a listpack into nodes if it could become too long by these elements; tells whether it
    /// did.
    fn grow<'e>(&mut self, added: impl Iterator<Item = &'e [u8]>, limits: ListLimits) -> bool {
        let ListRef::Pack(pack) = self.view() else {
            return false;
        };
        let held = pack.len();
        let (mut bytes, mut count) = (pack.byte_len(), held);
        for element in added {
            bytes = bytes.saturating_add(element.len());
            count = count.saturating_add(1);
        }
        if !limits.exceeds(bytes, count) {
            return false;
        }
        let mut list = List::default();
        if held > 0 {
            list.push_node(Node::Packed(pack, held));
        }
        self.0.become_object(Object::List(Box::new(list)));
        true
    }

    /// Turns nodes into one listpack again if one node is left that is short enough.
    fn shrink(&mut self, limits: ListLimits) {
        let Some(list) = self.nodes_mut().filter(|list| list.node_count() == 1) else {
            return;
        };
        if let Some(Node::Packed(pack, held)) = list.nodes.get(0).map(NodeBuf::node)
            && limits.suits_one(pack.byte_len(), held, true)
            && let Some(node) = list.nodes.take(0)
        {
            self.0.become_pack(PackKind::List, &node);
        }
    }
}

/// Fewer nodes than that are freed where they are removed.
const NODES_FREED_AT_ONCE: usize = 128;

/// The index from the head.
fn absolute(index: i64, len: usize) -> Option<usize> {
    if index >= 0 {
        return usize::try_from(index).ok();
    }
    len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
}
