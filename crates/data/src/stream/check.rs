//! Whether bytes from outside are a node of a stream. The other files take that for granted.

use core::fmt;

use super::StreamId;
use super::node::{DELETED, SAME_FIELDS, int};
use crate::listpack::{self, Iter, Listpack, Malformed};

/// Why bytes are no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadNode {
    /// They are no listpack.
    Listpack(Malformed),
    /// The master entry is incomplete or wrong.
    Master,
    /// An entry is incomplete or wrong; its number, deleted ones included.
    Entry(u64),
    /// The ids do not grow.
    Order,
    /// The master entry counts other entries than there are.
    Count,
}

impl fmt::Display for BadNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listpack(why) => why.fmt(f),
            Self::Master => f.write_str("the master entry of the node is broken"),
            Self::Entry(number) => write!(f, "entry {number} of the node is broken"),
            Self::Order => f.write_str("the ids of the node do not grow"),
            Self::Count => f.write_str("the node has another number of entries than it says"),
        }
    }
}

impl core::error::Error for BadNode {}

/// What a valid node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// Live entries.
    pub live: u64,
    /// The first id, deleted or not.
    pub first: Option<StreamId>,
    /// The last id, deleted or not.
    pub last: Option<StreamId>,
}

/// Checks everything that reading a node relies on: the listpack, the master entry, the number of
/// fields and items of each entry, the order of the ids (none below `first`), the counts.
///
/// # Errors
/// What is wrong first.
pub fn validate_node(first: StreamId, bytes: &[u8]) -> Result<NodeFacts, BadNode> {
    listpack::validate(bytes).map_err(BadNode::Listpack)?;
    let mut items = Listpack::new(bytes).iter();
    let master = Master::read(&mut items).ok_or(BadNode::Master)?;
    let mut facts = NodeFacts {
        live: 0,
        first: None,
        last: None,
    };
    let (mut deleted, mut number) = (0_u64, 0_u64);
    loop {
        let mut rest = items.clone();
        if rest.next().is_none() {
            break;
        }
        let (id, flags) = entry(first, master.fields, &mut items).ok_or(BadNode::Entry(number))?;
        if id < first || facts.last.is_some_and(|last| id <= last) {
            return Err(BadNode::Order);
        }
        facts.first = facts.first.or(Some(id));
        facts.last = Some(id);
        number += 1;
        if flags & DELETED == 0 {
            facts.live += 1;
        } else {
            deleted += 1;
        }
    }
    if master.live != facts.live as i64 || master.deleted != deleted as i64 {
        return Err(BadNode::Count);
    }
    Ok(facts)
}

struct Master {
    live: i64,
    deleted: i64,
    fields: usize,
}

impl Master {
    fn read(items: &mut Iter<'_>) -> Option<Self> {
        let live = int(items.next()?)?;
        let deleted = int(items.next()?)?;
        let fields = usize::try_from(int(items.next()?)?).ok()?;
        skip(items, fields)?;
        (int(items.next()?)? == 0).then_some(Self {
            live,
            deleted,
            fields,
        })
    }
}

/// Reads one entry.
fn entry(first: StreamId, master_fields: usize, items: &mut Iter<'_>) -> Option<(StreamId, i64)> {
    let flags = int(items.next()?)?;
    if flags & !(DELETED | SAME_FIELDS) != 0 {
        return None;
    }
    let id = StreamId {
        ms: first.ms.wrapping_add(int(items.next()?)? as u64),
        seq: first.seq.wrapping_add(int(items.next()?)? as u64),
    };
    let count = if flags & SAME_FIELDS != 0 {
        skip(items, master_fields)?;
        master_fields.checked_add(3)?
    } else {
        let fields = usize::try_from(int(items.next()?)?).ok()?;
        let words = fields.checked_mul(2)?;
        skip(items, words)?;
        words.checked_add(4)?
    };
    (usize::try_from(int(items.next()?)?) == Ok(count)).then_some((id, flags))
}

/// Steps over `count` items; `None` if there are fewer.
fn skip(items: &mut Iter<'_>, count: usize) -> Option<()> {
    match count.checked_sub(1) {
        None => Some(()),
        Some(before) => items.nth(before).map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{BadNode, NodeFacts, validate_node};
    use crate::listpack::{EMPTY, Item, append};
    use crate::stream::StreamId;

    fn node(items: &[i64]) -> Vec<u8> {
        let mut bytes = EMPTY.to_vec();
        let items: Vec<Item<'_>> = items.iter().map(|item| Item::Int(*item)).collect();
        append(&mut bytes, &items);
        bytes
    }

    fn check(items: &[i64]) -> Result<NodeFacts, BadNode> {
        validate_node(StreamId::new(10, 5), &node(items))
    }

    #[test]
    fn what_is_wrong_is_told() {
        let id = StreamId::new;
        // One field; a live entry with the same field; a deleted one with two of its own.
        let good = [1, 1, 1, 100, 0, 2, 0, 0, 7, 4, 1, 0, 1, 2, 1, 2, 3, 4, 8];
        let facts = NodeFacts {
            live: 1,
            first: Some(id(10, 5)),
            last: Some(id(10, 6)),
        };
        assert_eq!(check(&good), Ok(facts));
        let with = |at: usize, value: i64| {
            let mut items = good;
            if let Some(item) = items.get_mut(at) {
                *item = value;
            }
            check(&items)
        };
        assert_eq!(with(0, 2), Err(BadNode::Count));
        assert_eq!(with(1, 0), Err(BadNode::Count));
        assert_eq!(with(2, 2), Err(BadNode::Master));
        assert_eq!(with(2, -1), Err(BadNode::Master));
        assert_eq!(with(2, i64::MAX), Err(BadNode::Master));
        assert_eq!(with(4, 1), Err(BadNode::Master));
        assert_eq!(with(5, 4), Err(BadNode::Entry(0)));
        assert_eq!(with(5, 0), Err(BadNode::Entry(0)));
        assert_eq!(with(9, 5), Err(BadNode::Entry(0)));
        assert_eq!(with(12, 0), Err(BadNode::Order));
        assert_eq!(with(6, -1), Err(BadNode::Order));
        assert_eq!(with(13, 3), Err(BadNode::Entry(1)));
        assert_eq!(with(13, i64::MAX), Err(BadNode::Entry(1)));
        assert_eq!(
            check(good.get(..18).unwrap_or_default()),
            Err(BadNode::Entry(1))
        );
        assert_eq!(check(&[]), Err(BadNode::Master));
        assert!(matches!(
            validate_node(id(0, 0), b"x"),
            Err(BadNode::Listpack(_))
        ));
        let mut text = EMPTY.to_vec();
        append(
            &mut text,
            &[Item::Bytes(b"a"), Item::Int(0), Item::Int(0), Item::Int(0)],
        );
        assert_eq!(validate_node(id(0, 0), &text), Err(BadNode::Master));
        // A node whose entries are all gone.
        let none = NodeFacts {
            live: 0,
            first: None,
            last: None,
        };
        assert_eq!(check(&[0, 0, 0, 0]), Ok(none));
    }
}
