//! Changes of a listpack: each is one move of the bytes behind it. No allocation of its own.

use crate::pack::PackBuf;

use super::codec::{Item, compact_len, step, write};
use super::{COUNT_UNKNOWN, EMPTY, HEADER_BYTES, Listpack, Pos, counted, end_of};

/// Adds items behind the last one.
#[inline]
pub fn append(buf: &mut impl PackBuf, items: &[Item<'_>]) {
    let at = end_of(buf.bytes());
    splice(buf, at, 0, 0, items);
}

/// As [`append`], for items that lie in no slice; they are gone through twice.
pub fn append_all<'a>(buf: &mut impl PackBuf, items: impl Iterator<Item = Item<'a>> + Clone) {
    let at = end_of(buf.bytes());
    let mut room = buf.open(at, 0, compact_sum(items.clone()));
    let mut count = 0;
    for item in items {
        room = write(room, item.compact());
        count += 1;
    }
    set_header(buf, 0, count);
}

/// Adds items one by one before the first one, so that the last one becomes the first; they are
/// gone through twice.
pub fn prepend_each<'a>(buf: &mut impl PackBuf, items: impl Iterator<Item = Item<'a>> + Clone) {
    let room = buf.open(HEADER_BYTES, 0, compact_sum(items.clone()));
    let (mut end, mut count) = (room.len(), 0);
    for item in items {
        let item = item.compact();
        end = end.saturating_sub(compact_len(item));
        write(&mut room[end..], item);
        count += 1;
    }
    set_header(buf, 0, count);
}

/// Adds items before the first one; they keep their order.
#[inline]
pub fn prepend(buf: &mut impl PackBuf, items: &[Item<'_>]) {
    splice(buf, HEADER_BYTES, 0, 0, items);
}

/// Adds items before the one at `pos`, which may be the end; they keep their order.
#[inline]
pub fn insert(buf: &mut impl PackBuf, pos: Pos, items: &[Item<'_>]) {
    splice(buf, pos.0, 0, 0, items);
}

/// Puts an item in the place of the one at `pos`.
#[inline]
pub fn replace(buf: &mut impl PackBuf, pos: Pos, item: Item<'_>) {
    let rest = buf.bytes().get(pos.0..).unwrap_or_default();
    let Some(removed) = step(rest).filter(|len| *len < rest.len()) else {
        return;
    };
    let item = item.compact();
    if compact_len(item) == removed {
        let place = buf.bytes_mut().get_mut(pos.0..).unwrap_or_default();
        write(place, item);
        return;
    }
    splice(buf, pos.0, removed, 1, &[item]);
}

/// Takes `count` items out, the one at `pos` first; fewer if there are fewer.
pub fn remove(buf: &mut impl PackBuf, pos: Pos, count: usize) {
    let bytes = buf.bytes();
    let end = end_of(bytes);
    let (mut at, mut removed) = (pos.0, 0);
    if at == HEADER_BYTES && counted(bytes).is_some_and(|all| all <= count) {
        (at, removed) = (end, counted(bytes).unwrap_or(count));
    }
    while removed < count && at < end {
        let Some(len) = bytes.get(at..end).and_then(step) else {
            break;
        };
        at = at.saturating_add(len).min(end);
        removed += 1;
    }
    if removed > 0 {
        buf.open(pos.0, at - pos.0, 0);
        set_header(buf, removed, 0);
    }
}

/// Puts `count` items before the one at `pos`, which may be the end; `encoded` is what
/// [`Listpack::encoded`] has given for them.
pub fn insert_encoded(buf: &mut impl PackBuf, pos: Pos, encoded: &[u8], count: usize) {
    if !encoded.is_empty() {
        buf.splice(pos.0, 0, encoded);
        set_header(buf, 0, count);
    }
}

/// Puts items in the place of `removed` bytes at `at`, which are `removed_items` items.
#[inline]
fn splice(
    buf: &mut impl PackBuf,
    at: usize,
    removed: usize,
    removed_items: usize,
    items: &[Item<'_>],
) {
    if let [item] = items {
        // The common case looks for an integer once.
        let item = item.compact();
        write(buf.open(at, removed, compact_len(item)), item);
    } else {
        let added = compact_sum(items.iter().copied());
        let mut room = buf.open(at, removed, added);
        for item in items {
            room = write(room, item.compact());
        }
    }
    set_header(buf, removed_items, items.len());
}

/// Bytes that the items take together.
fn compact_sum<'a>(items: impl Iterator<Item = Item<'a>>) -> usize {
    items
        .map(|item| compact_len(item.compact()))
        .fold(0, usize::saturating_add)
}

/// Corrects length and number of items after a change.
#[inline]
fn set_header(buf: &mut impl PackBuf, removed: usize, added: usize) {
    let bytes = buf.bytes_mut();
    let total = bytes.len();
    let count = match counted(bytes) {
        Some(count) => count.saturating_sub(removed).saturating_add(added),
        // Few enough bytes that there may be few enough items again.
        None if removed > 0 && total.saturating_sub(EMPTY.len()) < COUNTED_BYTES_END => {
            Listpack::new(bytes).iter().count()
        }
        None => usize::MAX,
    };
    let count = u16::try_from(count).unwrap_or(COUNT_UNKNOWN);
    if let Some([a, b, c, d, e, f]) = bytes.first_chunk_mut() {
        [*a, *b, *c, *d] = u32::try_from(total).unwrap_or(u32::MAX).to_le_bytes();
        [*e, *f] = count.to_le_bytes();
    }
}

/// Fewer bytes of items, of which the shortest have two, are fewer items than [`COUNT_UNKNOWN`].
const COUNTED_BYTES_END: usize = 2 * COUNT_UNKNOWN as usize;
