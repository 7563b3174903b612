//! One node of a stream: a listpack in Valkey's own layout. Reading, appending, marking as deleted;
//! not the sequence of the nodes.
//!
//! The listpack begins with a master entry: live entries, deleted entries, number of fields, the
//! fields' names, a zero. Then the entries: flags, the differences of both parts of the id to the
//! node's own id, (number of fields, and before each value its name, unless the flag says that
//! they are the master entry's,) the values, and how many items the entry has before this one, so
//! that it can be walked from the end.

use alloc::vec::Vec;

use vk_mem::size_class;

use super::{NodeLimits, StreamId};
use crate::bounds::{PACK_BYTES_MAX, STREAM_NODE_ENTRIES_MAX};
use crate::listpack::{self, Item, Iter, Listpack, Pos};

/// The entry is deleted.
pub(super) const DELETED: i64 = 1;
/// The entry has the master entry's fields.
pub(super) const SAME_FIELDS: i64 = 2;

/// The longest entry in bytes of its names and values.
pub const ENTRY_BYTES_MAX: usize = 1 << 30;

/// Items that are appended in one go.
const BATCH_ITEMS: usize = 16;

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The id that the differences are to; no entry's is smaller.
    pub(super) first: StreamId,
    pub(super) bytes: Vec<u8>,
}

/// Names and values of a new entry, in turns, with what has to be known of them beforehand.
#[derive(Clone, Debug)]
pub struct NewEntry<I> {
    words: I,
    fields: usize,
    bytes: usize,
}

impl<'w, I: Iterator<Item = &'w [u8]> + Clone> NewEntry<I> {
    /// `None` if the entry would be longer than [`ENTRY_BYTES_MAX`]. A name without a value at the
    /// end is left out.
    #[must_use]
    pub fn new(words: I) -> Option<Self> {
        let (mut count, mut bytes) = (0_usize, 0_usize);
        for word in words.clone() {
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(word.len());
        }
        (bytes <= ENTRY_BYTES_MAX).then_some(Self {
            words,
            fields: count / 2,
            bytes,
        })
    }
}

/// What the master entry says.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    lp: Listpack<'a>,
    pub(super) live: u64,
    pub(super) deleted: u64,
    fields: usize,
    /// The first name.
    names: Pos,
    /// The first entry, or the end.
    entries: Pos,
    live_at: Pos,
    deleted_at: Pos,
}

impl<'a> Head<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let lp = Listpack::new(bytes);
        let live_at = lp.first()?;
        let deleted_at = lp.next(live_at)?;
        let fields_at = lp.next(deleted_at)?;
        let names = lp.next(fields_at)?;
        let fields = usize::try_from(int(lp.get(fields_at))?).ok()?;
        let zero = lp.skip(names, fields)?;
        (int(lp.get(zero))? == 0).then_some(())?;
        Some(Self {
            lp,
            live: u64::try_from(int(lp.get(live_at))?).ok()?,
            deleted: u64::try_from(int(lp.get(deleted_at))?).ok()?,
            fields,
            names,
            entries: lp.after(zero)?,
            live_at,
            deleted_at,
        })
    }

    /// The entry at `at`, and the place behind it.
    fn entry(&self, first: StreamId, at: Pos) -> Option<(Entry<'a>, Pos)> {
        let lp = self.lp;
        let flags = int(lp.get(at))?;
        let ms_at = lp.next(at)?;
        let seq_at = lp.next(ms_at)?;
        let mut body = lp.next(seq_at)?;
        let same = flags & SAME_FIELDS != 0;
        let mut fields = self.fields;
        if !same {
            fields = usize::try_from(int(lp.get(body))?).ok()?;
            body = lp.next(body)?;
        }
        let items = if same { fields } else { fields.checked_mul(2)? };
        let behind = lp.after(lp.skip(body, items)?)?;
        let id = StreamId {
            ms: first.ms.wrapping_add(int(lp.get(ms_at))? as u64),
            seq: first.seq.wrapping_add(int(lp.get(seq_at))? as u64),
        };
        let names = same.then_some(self.names);
        let entry = Entry {
            lp,
            id,
            flags,
            at,
            fields,
            names,
            body,
        };
        Some((entry, behind))
    }
}

/// An entry of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    lp: Listpack<'a>,
    id: StreamId,
    flags: i64,
    at: Pos,
    fields: usize,
    names: Option<Pos>,
    body: Pos,
}

impl<'a> Entry<'a> {
    /// Its id.
    #[inline]
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.id
    }

    /// Pairs of a name and a value.
    #[inline]
    #[must_use]
    pub const fn field_count(&self) -> usize {
        self.fields
    }

    /// Names and values in order.
    #[inline]
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        let names = match self.names {
            Some(names) => Some(self.lp.iter_from(names)),
            None => None,
        };
        Fields {
            left: self.fields,
            names,
            body: self.lp.iter_from(self.body),
        }
    }

    pub(super) const fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }
}

/// The names and values of an entry.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    left: usize,
    names: Option<Iter<'a>>,
    body: Iter<'a>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Item<'a>, Item<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => names.next()?,
            None => self.body.next()?,
        };
        Some((name, self.body.next()?))
    }
}

/// The entries of a node from either end, deleted ones included.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    head: Head<'a>,
    first: StreamId,
    front: Pos,
    back: Pos,
}

impl<'a> Walk<'a> {
    pub(super) fn new(node: &'a Node) -> Option<Self> {
        Self::of(node.first, &node.bytes)
    }

    fn of(first: StreamId, bytes: &'a [u8]) -> Option<Self> {
        let head = Head::of(bytes)?;
        Some(Self {
            head,
            first,
            front: head.entries,
            back: head.lp.end(),
        })
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<Entry<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (entry, behind) = self.head.entry(self.first, self.front)?;
        self.front = behind;
        Some(entry)
    }

    #[inline]
    pub(super) fn next_back(&mut self) -> Option<Entry<'a>> {
        if self.front >= self.back {
            return None;
        }
        let lp = self.head.lp;
        let mut at = lp.prev(self.back)?;
        for _ in 0..int(lp.get(at))? {
            at = lp.prev(at)?;
        }
        // An entry that says it has no items would be found again and again.
        if at < self.front || at >= self.back {
            return None;
        }
        let (entry, _) = self.head.entry(self.first, at)?;
        self.back = at;
        Some(entry)
    }
}

/// The live entries of a node with this id.
pub fn entries_of_node(first: StreamId, bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut walk = Walk::of(first, bytes);
    let entries = core::iter::from_fn(move || walk.as_mut()?.next());
    entries.filter(|entry| !entry.is_deleted())
}

impl Node {
    /// A node with one entry.
    pub(super) fn new<'w, I: Iterator<Item = &'w [u8]> + Clone>(
        id: StreamId,
        entry: &NewEntry<I>,
    ) -> Self {
        let mut bytes = Vec::with_capacity(size_class(listpack::EMPTY.len() + entry.bytes));
        bytes.extend_from_slice(&listpack::EMPTY);
        let mut batch = Batch::new(&mut bytes);
        batch.int(1);
        batch.int(0);
        batch.int(entry.fields as i64);
        for name in entry.words.clone().step_by(2).take(entry.fields) {
            batch.push(Item::Bytes(name));
        }
        batch.int(0);
        put_entry(batch, (0, 0), true, entry);
        Self { first: id, bytes }
    }

    /// Adds an entry behind the last one; tells whether there was room for it by the limits.
    pub(super) fn append<'w, I: Iterator<Item = &'w [u8]> + Clone>(
        &mut self,
        id: StreamId,
        entry: &NewEntry<I>,
        limits: NodeLimits,
    ) -> bool {
        let bytes_max = match limits.bytes_max {
            1..=PACK_BYTES_MAX => limits.bytes_max,
            _ => PACK_BYTES_MAX,
        };
        if self.bytes.len().saturating_add(entry.bytes) >= bytes_max {
            return false;
        }
        let Some(head) = Head::of(&self.bytes) else {
            return false;
        };
        let entries_max = match limits.entries_max {
            1..=STREAM_NODE_ENTRIES_MAX => limits.entries_max,
            _ => STREAM_NODE_ENTRIES_MAX,
        };
        if head.live.saturating_add(head.deleted) >= entries_max {
            return false;
        }
        let mut names = entry.words.clone().step_by(2);
        let mut own = head.lp.iter_from(head.names).take(head.fields);
        let same = head.fields == entry.fields
            && own.all(|name| names.next().is_some_and(|other| name.is(other)));
        let (live_at, live) = (head.live_at, head.live);
        let ms = id.ms.wrapping_sub(self.first.ms) as i64;
        let seq = id.seq.wrapping_sub(self.first.seq) as i64;
        listpack::replace(
            &mut self.bytes,
            live_at,
            Item::Int(live.saturating_add(1) as i64),
        );
        put_entry(Batch::new(&mut self.bytes), (ms, seq), same, entry);
        true
    }

    /// Live and deleted entries.
    pub(super) fn counts(&self) -> (u64, u64) {
        Head::of(&self.bytes).map_or((0, 0), |head| (head.live, head.deleted))
    }

    /// Marks the live entry with this id as deleted; tells whether there was one.
    pub(super) fn delete(&mut self, id: StreamId) -> bool {
        let Some(mut walk) = Walk::new(self) else {
            return false;
        };
        while let Some(entry) = walk.next() {
            if entry.id >= id {
                if entry.id > id || entry.is_deleted() {
                    return false;
                }
                let (at, flags) = (entry.at, entry.flags);
                self.mark(at, flags);
                self.move_counts(1);
                return true;
            }
        }
        false
    }

    /// Marks live entries as deleted, oldest first, while `wanted` says so; returns how many.
    pub(super) fn delete_while(&mut self, mut wanted: impl FnMut(StreamId) -> bool) -> u64 {
        let mut count = 0_u64;
        let mut front = None;
        while let Some(mut walk) = Walk::new(self) {
            walk.front = front.unwrap_or(walk.front);
            // What is deleted already is stepped over.
            let entry = loop {
                match walk.next() {
                    Some(entry) if entry.is_deleted() => {}
                    other => break other,
                }
            };
            let Some(entry) = entry.filter(|entry| wanted(entry.id)) else {
                break;
            };
            // Flags keep their length, and so do all places.
            front = Some(walk.front);
            let (at, flags) = (entry.at, entry.flags);
            self.mark(at, flags);
            count += 1;
        }
        self.move_counts(count);
        count
    }

    /// Bytes of the listpack's memory, rounded to size classes.
    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        size_class(self.bytes.capacity())
    }

    fn mark(&mut self, at: Pos, flags: i64) {
        listpack::replace(&mut self.bytes, at, Item::Int(flags | DELETED));
    }

    /// Counts live entries as deleted.
    fn move_counts(&mut self, count: u64) {
        let Some(head) = Head::of(&self.bytes) else {
            return;
        };
        let live = head.live.saturating_sub(count) as i64;
        let deleted = head.deleted.saturating_add(count) as i64;
        let (live_at, deleted_at) = (head.live_at, head.deleted_at);
        // The one behind first: its place stays.
        listpack::replace(&mut self.bytes, deleted_at, Item::Int(deleted));
        listpack::replace(&mut self.bytes, live_at, Item::Int(live));
    }
}

/// Appends an entry's items.
fn put_entry<'w, I: Iterator<Item = &'w [u8]> + Clone>(
    mut batch: Batch<'_, 'w>,
    (ms, seq): (i64, i64),
    same: bool,
    entry: &NewEntry<I>,
) {
    batch.int(if same { SAME_FIELDS } else { 0 });
    batch.int(ms);
    batch.int(seq);
    let fields = entry.fields as i64;
    if !same {
        batch.int(fields);
    }
    for (index, word) in entry.words.clone().take(entry.fields * 2).enumerate() {
        if !same || index % 2 == 1 {
            batch.push(Item::Bytes(word));
        }
    }
    batch.int(if same { 3 + fields } else { 4 + 2 * fields });
    batch.flush();
}

/// Items on their way to the end of a listpack.
struct Batch<'b, 'i> {
    bytes: &'b mut Vec<u8>,
    items: [Item<'i>; BATCH_ITEMS],
    len: usize,
}

impl<'b, 'i> Batch<'b, 'i> {
    fn new(bytes: &'b mut Vec<u8>) -> Self {
        Self {
            bytes,
            items: [Item::Int(0); BATCH_ITEMS],
            len: 0,
        }
    }

    #[inline]
    fn int(&mut self, value: i64) {
        self.push(Item::Int(value));
    }

    #[inline]
    fn push(&mut self, item: Item<'i>) {
        if self.len == BATCH_ITEMS {
            self.flush();
        }
        if let Some(place) = self.items.get_mut(self.len) {
            *place = item;
            self.len += 1;
        }
    }

    fn flush(&mut self) {
        listpack::append(self.bytes, self.items.get(..self.len).unwrap_or_default());
        self.len = 0;
    }
}

#[inline]
pub(super) const fn int(item: Item<'_>) -> Option<i64> {
    match item {
        Item::Int(value) => Some(value),
        Item::Bytes(_) => None,
    }
}
