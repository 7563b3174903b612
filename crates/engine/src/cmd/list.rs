//! Commands on lists.
//!
//! Here is what the families of this group share: how an end is named, how an element is told, and
//! how elements are taken from a list. The commands themselves are in the files below.

mod change;
mod pop;
mod push;
mod read;
mod transfer;

use vk_data::{
    list::{End, ListLimits, ListMut, ListRef},
    listpack::Item,
    num::parse_i64,
};
use vk_resp::{ReplyBuf, Request};

use super::Command;
use crate::{
    Engine, Error,
    config::{EventFlags, id},
    ctx::{Ctx, Writer},
};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    transfer::BLMOVE,
    pop::BLMPOP,
    pop::BLPOP,
    pop::BRPOP,
    transfer::BRPOPLPUSH,
    read::LINDEX,
    change::LINSERT,
    read::LLEN,
    transfer::LMOVE,
    pop::LMPOP,
    pop::LPOP,
    read::LPOS,
    push::LPUSH,
    push::LPUSHX,
    read::LRANGE,
    change::LREM,
    change::LSET,
    change::LTRIM,
    pop::RPOP,
    transfer::RPOPLPUSH,
    push::RPUSH,
    push::RPUSHX,
];

/// How much one node may hold.
pub(in crate::cmd) fn limits(ctx: &Ctx<'_>) -> ListLimits {
    limits_of(ctx.engine)
}

/// As [`limits`], outside of any request.
pub(in crate::cmd) fn limits_of(engine: &Engine) -> ListLimits {
    let fill = engine.config.int(id::LIST_MAX_LISTPACK_SIZE);
    ListLimits {
        fill: i32::try_from(fill).unwrap_or(ListLimits::DEFAULT.fill),
        large_bytes: engine.list_packed_threshold,
    }
}

/// Writes an element.
#[inline]
pub(in crate::cmd) fn write_element(reply: &mut ReplyBuf, item: Item<'_>) {
    match item {
        Item::Int(value) => reply.bulk_int(value),
        Item::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// The end that a word names, LEFT or RIGHT.
fn end(word: Option<&[u8]>) -> Result<End, Error> {
    let word = word.unwrap_or_default();
    if word.eq_ignore_ascii_case(b"left") {
        Ok(End::Head)
    } else if word.eq_ignore_ascii_case(b"right") {
        Ok(End::Tail)
    } else {
        Err(Error::SYNTAX)
    }
}

/// The integer in a word.
fn integer(word: Option<&[u8]>) -> Result<i64, Error> {
    word.and_then(parse_i64).ok_or(Error::NOT_AN_INTEGER)
}

/// The integer in a word, whose magnitude is one as well.
fn signed_count(word: Option<&[u8]>) -> Result<i64, Error> {
    match integer(word)? {
        i64::MIN => Err(Error::told(format_args!(
            "ERR value is out of range, value must between -{max} and {max}",
            max = i64::MAX
        ))),
        count => Ok(count),
    }
}

/// The elements between two indexes, both included, of which negative ones count from the tail:
/// the first of them and how many they are.
fn range(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from_head = |index: i64| {
        if index < 0 {
            index.saturating_add(len)
        } else {
            index
        }
    };
    let start = from_head(start).max(0);
    let stop = from_head(stop).min(len - 1);
    if start > stop {
        return (0, 0);
    }
    let count = stop.saturating_sub(start).saturating_add(1);
    (
        usize::try_from(start).unwrap_or(0),
        usize::try_from(count).unwrap_or(0),
    )
}

/// Refuses elements that no list can hold; they are longer than any client is allowed to send
/// unless proto-max-bulk-len says otherwise.
fn check_elements(elements: Request<'_>) -> Result<(), Error> {
    let too_long = |element: &[u8]| element.len() > vk_data::list::ELEMENT_BYTES_MAX;
    if elements.into_iter().any(too_long) {
        return Err(Error::STRING_TOO_LONG);
    }
    Ok(())
}

/// What a command does to the list of an open key.
fn change<R>(writer: &mut Writer<'_>, change: impl FnOnce(ListMut<'_>) -> R) -> Option<R> {
    let mut entry = writer.modify()?;
    entry.body_mut().and_then(ListMut::of).map(change)
}

/// The events of elements that are taken from an end.
const fn pop_event(from: End) -> (EventFlags, &'static str) {
    match from {
        End::Head => (EventFlags::LIST, "lpop"),
        End::Tail => (EventFlags::LIST, "rpop"),
    }
}

/// Removes `count` elements at an end, which have been told already, and commits that. The last
/// one takes the key with it.
fn pop(mut writer: Writer<'_>, from: End, count: usize, len: usize, limits: ListLimits) {
    if count >= len {
        writer.remove();
        writer.commit(&[pop_event(from), (EventFlags::GENERIC, "del")]);
        return;
    }
    let start = if from == End::Head { 0 } else { len - count };
    change(&mut writer, |mut list| {
        list.remove_range(start, count, limits)
    });
    writer.commit(&[pop_event(from)]);
}

/// Tells `count` elements from an end on, as an array.
fn write_from(reply: &mut ReplyBuf, list: ListRef<'_>, from: End, count: usize) {
    let start = if from == End::Head {
        0
    } else {
        list.len().saturating_sub(1)
    };
    reply.array(count);
    list.visit(start, count, from, |item| write_element(reply, item));
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_clamped() {
        let cases = [
            ((0, -1, 3), (0, 3)),
            ((1, 1, 3), (1, 1)),
            ((-2, -1, 3), (1, 2)),
            ((-9, 9, 3), (0, 3)),
            ((2, 1, 3), (0, 0)),
            ((3, 9, 3), (0, 0)),
            ((0, -4, 3), (0, 0)),
            ((0, -1, 0), (0, 0)),
            ((i64::MIN, i64::MAX, 3), (0, 3)),
            ((i64::MAX, i64::MIN, 3), (0, 0)),
        ];
        for ((start, stop, len), expected) in cases {
            assert_eq!(range(start, stop, len), expected, "{start} {stop} {len}");
        }
    }
}
