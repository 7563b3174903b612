//! Reading a list of either form.

use super::End;
use super::big::{List, seek_in};
use super::node::{Node, NodeBuf};
use crate::entry::DbEntry;
use crate::listpack::{self, Item, Listpack};
use crate::num::parse_i64;
use crate::pack::{Body, PackKind};
use crate::value::{Object, View};

/// A list to be read.
#[derive(Clone, Copy, Debug)]
pub enum ListRef<'a> {
    /// One listpack.
    Pack(Listpack<'a>),
    /// Several nodes.
    Nodes(&'a List),
}

impl<'a> View<'a> for ListRef<'a> {
    #[inline]
    fn of(entry: &'a DbEntry) -> Option<Self> {
        match entry.body()? {
            Body::Pack(PackKind::List, bytes) => Some(Self::Pack(Listpack::new(bytes))),
            Body::Object(Object::List(list)) => Some(Self::Nodes(list)),
            _ => None,
        }
    }
}

impl<'a> ListRef<'a> {
    /// Elements.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Pack(pack) => pack.len(),
            Self::Nodes(list) => list.len(),
        }
    }

    /// There is no element.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element with this index; negative from the tail, where -1 is the last one.
    #[must_use]
    pub fn get(self, index: i64) -> Option<Item<'a>> {
        let list = match self {
            Self::Pack(pack) => return pack.seek(index).map(|pos| pack.get(pos)),
            Self::Nodes(list) => list,
        };
        let index = if index < 0 {
            let back = usize::try_from(index.unsigned_abs()).ok()?;
            list.len().checked_sub(back)?
        } else {
            usize::try_from(index).ok()?
        };
        let place = list.nodes.seek(index)?;
        match list.nodes.at(place)?.node() {
            Node::Plain(element) => Some(Item::Bytes(element)),
            Node::Packed(pack, held) => seek_in(pack, held, place.offset).map(|pos| pack.get(pos)),
        }
    }

    /// Goes through `count` elements beginning with the one at `start`, towards the tail, or
    /// towards the head if `from` is the tail.
    #[inline]
    pub fn visit(self, start: usize, count: usize, from: End, mut visit: impl FnMut(Item<'a>)) {
        let list = match self {
            Self::Pack(pack) => {
                visit_pack(pack, start, count, from, &mut visit);
                return;
            }
            Self::Nodes(list) => list,
        };
        let Some(place) = list.nodes.seek(start) else {
            return;
        };
        let (mut left, mut offset) = (count, Some(place.offset));
        let each = |node: &'a NodeBuf| {
            if left == 0 {
                return false;
            }
            match node.node() {
                Node::Plain(element) => {
                    visit(Item::Bytes(element));
                    left -= 1;
                }
                Node::Packed(pack, held) => {
                    let edge = if from == End::Head { 0 } else { held - 1 };
                    let offset = offset.take().unwrap_or(edge);
                    let there = match from {
                        End::Head => held - offset,
                        End::Tail => offset + 1,
                    };
                    let count = left.min(there);
                    visit_pack(pack, offset, count, from, &mut visit);
                    left -= count;
                }
            }
            offset = None;
            left > 0
        };
        match from {
            End::Head => list.nodes.visit(place, each),
            End::Tail => list.nodes.visit_back(place, each),
        }
    }

    /// The elements in order.
    #[must_use]
    pub fn iter(self) -> ListIter<'a> {
        match self {
            Self::Pack(pack) => ListIter(Form::Pack(pack.iter())),
            Self::Nodes(list) => ListIter(Form::Nodes {
                list,
                next: 0,
                run: Listpack::new(&[]).iter(),
            }),
        }
    }

    /// The indexes of elements that equal `needle` in the order in which they are met from an end,
    /// among the first `scanned` ones that are met. `found` says whether to go on.
    pub fn positions(
        self,
        needle: &[u8],
        from: End,
        scanned: usize,
        mut found: impl FnMut(usize) -> bool,
    ) {
        let int = parse_i64(needle);
        let len = self.len();
        let (mut met, mut goes_on) = (0, true);
        let mut meet = |item: Item<'_>| {
            let equal = match item {
                Item::Bytes(bytes) => bytes == needle,
                Item::Int(value) => int == Some(value),
            };
            if equal && goes_on {
                let index = if from == End::Head {
                    met
                } else {
                    len - 1 - met
                };
                goes_on = found(index);
            }
            met += 1;
            goes_on
        };
        let scanned = scanned.min(len);
        match self {
            Self::Pack(pack) => {
                each(pack.iter(), from, scanned, &mut meet);
            }
            Self::Nodes(list) => {
                let mut left = scanned;
                let mut node = |node: &NodeBuf| {
                    let (count, more) = match node.node() {
                        Node::Plain(element) => (1, left > 0 && meet(Item::Bytes(element))),
                        Node::Packed(pack, held) => {
                            (held, each(pack.iter(), from, left, &mut meet))
                        }
                    };
                    left = left.saturating_sub(count);
                    more && left > 0
                };
                let _ = match from {
                    End::Head => list.nodes.iter().all(&mut node),
                    End::Tail => list.nodes.iter().rev().all(&mut node),
                };
            }
        }
    }
}

/// Goes through at most `most` items until `meet` says `false`; tells whether it never did.
fn each<'a>(
    items: listpack::Iter<'a>,
    from: End,
    most: usize,
    meet: &mut impl FnMut(Item<'a>) -> bool,
) -> bool {
    match from {
        End::Head => items.take(most).all(meet),
        End::Tail => items.rev().take(most).all(meet),
    }
}

#[inline]
fn visit_pack<'a>(
    pack: Listpack<'a>,
    start: usize,
    count: usize,
    from: End,
    visit: &mut impl FnMut(Item<'a>),
) {
    let Some(pos) = i64::try_from(start).ok().and_then(|at| pack.seek(at)) else {
        return;
    };
    match from {
        End::Head => pack.iter_from(pos).take(count).for_each(visit),
        End::Tail => {
            let (Some(first), Some(end)) = (pack.first(), pack.after(pos)) else {
                return;
            };
            pack.between(first, end).rev().take(count).for_each(visit);
        }
    }
}

/// The elements of a list.
#[derive(Clone, Debug)]
pub struct ListIter<'a>(Form<'a>);

#[derive(Clone, Debug)]
enum Form<'a> {
    Pack(listpack::Iter<'a>),
    Nodes {
        list: &'a List,
        /// The number of the node after the one that `run` goes through.
        next: usize,
        run: listpack::Iter<'a>,
    },
}

impl<'a> Iterator for ListIter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        let (list, next, run) = match &mut self.0 {
            Form::Pack(items) => return items.next(),
            Form::Nodes { list, next, run } => (*list, next, run),
        };
        loop {
            if let Some(item) = run.next() {
                return Some(item);
            }
            let node = list.nodes.get(*next)?;
            *next += 1;
            match node.node() {
                Node::Plain(element) => return Some(Item::Bytes(element)),
                Node::Packed(pack, _) => *run = pack.iter(),
            }
        }
    }
}
