//! Commands on streams: logs of entries with ids, and groups of consumers that share the reading.
//!
//! Here is what the families of this group share: how ids are taken from a request, how entries are
//! told, how a stream is opened for a change.

mod add;
mod auto_claim;
mod claim;
mod delete;
mod effects;
mod group;
mod info;
mod pending;
mod range;
mod read;
mod read_group;
mod set_id;
mod trim;

use alloc::string::String;

use vk_data::{
    listpack::Item,
    num::parse_i64,
    stream::{Entry, GroupMut, ID_TEXT_MAX, NodeLimits, Stream, StreamId},
};
use vk_resp::{ReplyBuf, Request};

use super::Command;
use crate::{
    Error,
    config::{Config, id},
    ctx::Writer,
};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    add::XADD,
    delete::XACKDEL,
    pending::XACK,
    auto_claim::XAUTOCLAIM,
    claim::XCLAIM,
    delete::XDEL,
    delete::XDELEX,
    group::XGROUP,
    info::XINFO,
    range::XLEN,
    pending::XPENDING,
    range::XRANGE,
    read::XREAD,
    read_group::XREADGROUP,
    range::XREVRANGE,
    set_id::XSETID,
    trim::XTRIM,
];

/// How large nodes become, by the configuration.
fn node_limits(config: &Config) -> NodeLimits {
    NodeLimits {
        bytes_max: usize::try_from(config.size(id::STREAM_NODE_MAX_BYTES)).unwrap_or(usize::MAX),
        entries_max: config.size(id::STREAM_NODE_MAX_ENTRIES),
    }
}

/// The id in a word; the second part is zero where it is left out.
fn exact_id(word: &[u8]) -> Result<StreamId, Error> {
    StreamId::parse(word, 0).ok_or(Error::BAD_STREAM_ID)
}

/// The ids from word `from` on.
fn exact_ids(request: Request<'_>, from: usize) -> Result<alloc::vec::Vec<StreamId>, Error> {
    request.skip(from).iter().map(exact_id).collect()
}

/// The id in a word, where `-` and `+` stand for the smallest and the largest.
fn bound_id(word: &[u8], missing_seq: u64) -> Result<StreamId, Error> {
    match word {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        _ => StreamId::parse(word, missing_seq).ok_or(Error::BAD_STREAM_ID),
    }
}

/// The first id of a range; `(` excludes it.
fn range_start(word: &[u8]) -> Result<StreamId, Error> {
    match word {
        [b'(', rest @ ..] if !rest.is_empty() => exact_id(rest)?.next().ok_or(Error::BAD_START_ID),
        _ => bound_id(word, 0),
    }
}

/// The last id of a range; `(` excludes it.
fn range_end(word: &[u8]) -> Result<StreamId, Error> {
    match word {
        [b'(', rest @ ..] if !rest.is_empty() => StreamId::parse(rest, u64::MAX)
            .ok_or(Error::BAD_STREAM_ID)?
            .prev()
            .ok_or(Error::BAD_END_ID),
        _ => bound_id(word, u64::MAX),
    }
}

/// A number in a word.
fn integer(word: &[u8]) -> Result<i64, Error> {
    parse_i64(word).ok_or(Error::NOT_AN_INTEGER)
}

/// A count in a word, where what is negative is nothing.
fn count(word: &[u8]) -> Result<u64, Error> {
    integer(word).map(|count| u64::try_from(count).unwrap_or(0))
}

fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

fn put_id(reply: &mut ReplyBuf, id: StreamId) {
    reply.bulk(id.format(&mut [0; ID_TEXT_MAX]));
}

/// An entry as an id and an array of names and values.
fn put_entry(reply: &mut ReplyBuf, entry: &Entry<'_>) {
    reply.array(2);
    put_id(reply, entry.id());
    reply.array(entry.field_count().saturating_mul(2));
    for (name, value) in entry.fields() {
        put_item(reply, name);
        put_item(reply, value);
    }
}

fn put_item(reply: &mut ReplyBuf, item: Item<'_>) {
    match item {
        Item::Int(number) => reply.bulk_int(number),
        Item::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// A number of things as a reply's number.
fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Opens the stream of a key for a change.
fn with_stream<R>(writer: &mut Writer<'_>, change: impl FnOnce(&mut Stream) -> R) -> Option<R> {
    let mut entry = writer.modify()?;
    let mut body = entry.body_mut()?;
    Stream::of_body(&mut body).map(change)
}

/// Opens a group of the stream of a key for a change.
fn with_group<R>(
    writer: &mut Writer<'_>,
    name: &[u8],
    change: impl FnOnce(GroupMut<'_>) -> R,
) -> Option<R> {
    with_stream(writer, |stream| stream.group_mut(name).map(change)).flatten()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Neither a key nor a group may be missing.
fn no_key_or_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (text(key), text(group));
    Error::told(format_args!(
        "NOGROUP No such key '{key}' or consumer group '{group}'"
    ))
}

/// The stream has no such group.
fn no_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (text(key), text(group));
    Error::told(format_args!(
        "NOGROUP No such consumer group '{group}' for key name '{key}'"
    ))
}

#[cfg(test)]
mod replay_tests;
