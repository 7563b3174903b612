//! Keys as commands that make them: what a rewritten append-only file without a snapshot at its
//! beginning holds.

use alloc::vec::Vec;

use vk_data::{
    entry::DbEntry,
    hash::HashRef,
    list::ListRef,
    listpack::Item,
    num::{F64_TEXT_MAX, INT_TEXT_MAX, format_f64, format_i64},
    set::SetRef,
    stream::{Entry, Group, ID_TEXT_MAX, Pending, Stream, StreamId, StreamInfo, StreamRef},
    value::{StrRef, View},
    zset::ZSetRef,
};
use vk_rdb::KeyRecord;

use crate::effects::put_header;

/// Elements of one command.
const ELEMENTS_MAX: usize = 64;

/// One command.
fn command<'a>(out: &mut Vec<u8>, words: impl IntoIterator<Item = &'a [u8]>) {
    let words: Vec<&[u8]> = words.into_iter().collect();
    put_header(out, b'*', words.len());
    words.into_iter().for_each(|word| put_word(out, word));
}

fn put_word(out: &mut Vec<u8>, word: &[u8]) {
    put_header(out, b'$', word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Commands of the form `name key element..`, with a bounded number of elements each.
#[derive(Debug)]
pub(super) struct Series {
    name: &'static [u8],
    /// Words of an element.
    width: usize,
    left: usize,
    in_command: usize,
}

impl Series {
    /// Of `count` elements.
    pub(super) const fn new(name: &'static [u8], count: usize, width: usize) -> Self {
        Self {
            name,
            width,
            left: count,
            in_command: 0,
        }
    }

    /// One more element.
    pub(super) fn add(&mut self, out: &mut Vec<u8>, key: &[u8], words: &[&[u8]]) {
        if self.in_command == 0 {
            self.in_command = self.left.min(ELEMENTS_MAX);
            put_header(out, b'*', 2 + self.in_command * self.width);
            put_word(out, self.name);
            put_word(out, key);
        }
        words.iter().for_each(|word| put_word(out, word));
        self.in_command = self.in_command.saturating_sub(1);
        self.left = self.left.saturating_sub(1);
    }

    /// The last command is complete: another one may follow.
    pub(super) const fn is_between(&self) -> bool {
        self.in_command == 0
    }
}

/// The commands that make a key of a file, in RESP: those that a rewritten append-only file has.
pub fn record_commands(record: KeyRecord<'_>, out: &mut Vec<u8>) {
    put_key(&record.into_entry(), out);
}

/// The selection of a database.
pub(super) fn put_database(number: u32, out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    command(
        out,
        [b"SELECT".as_slice(), digits.format(number).as_bytes()],
    );
}

/// A key with its expiry.
pub(super) fn put_key(entry: &DbEntry, out: &mut Vec<u8>) {
    let key = entry.key();
    let text = &mut [0; INT_TEXT_MAX];
    if let Some(string) = StrRef::of(entry) {
        command(out, [b"SET".as_slice(), key, string.bytes(text)]);
    } else if let Some(list) = ListRef::of(entry) {
        let mut elements = Series::new(b"RPUSH", list.len(), 1);
        list.iter()
            .for_each(|item| elements.add(out, key, &[item.bytes(text)]));
    } else if let Some(set) = SetRef::of(entry) {
        let mut elements = Series::new(b"SADD", set.len(), 1);
        set.iter()
            .for_each(|item| elements.add(out, key, &[item.bytes(text)]));
    } else if let Some(hash) = HashRef::of(entry) {
        put_hash(key, hash, out);
    } else if let Some(zset) = ZSetRef::of(entry) {
        let mut elements = Series::new(b"ZADD", zset.len(), 2);
        for (member, score) in zset.iter() {
            put_scored(&mut elements, (key, member, score), out);
        }
    } else if let Some(stream) = StreamRef::of(entry) {
        put_stream(key, &stream, out);
    }
    put_expiry(entry, out);
}

/// The beginning of the command that sets a string of so many bytes, up to these.
pub(super) fn begin_string(key: &[u8], bytes: usize, out: &mut Vec<u8>) {
    put_header(out, b'*', 3);
    put_word(out, b"SET");
    put_word(out, key);
    put_header(out, b'$', bytes);
}

/// What stands behind those.
pub(super) fn end_string(entry: &DbEntry, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
    put_expiry(entry, out);
}

/// The expiry of a key that is there.
pub(super) fn put_expiry(entry: &DbEntry, out: &mut Vec<u8>) {
    if let Some(at_ms) = entry.expire_ms() {
        let text = &mut [0; INT_TEXT_MAX];
        let at = format_i64(at_ms, text);
        command(out, [b"PEXPIREAT".as_slice(), entry.key(), at]);
    }
}

pub(super) fn put_scored(
    elements: &mut Series,
    (key, member, score): (&[u8], Item<'_>, f64),
    out: &mut Vec<u8>,
) {
    let (text, digits) = (&mut [0; INT_TEXT_MAX], &mut [0; F64_TEXT_MAX]);
    let words = [format_f64(score, digits), member.bytes(text)];
    elements.add(out, key, &words);
}

fn put_hash(key: &[u8], hash: HashRef<'_>, out: &mut Vec<u8>) {
    let mut expiring: Vec<(Vec<u8>, i64)> = Vec::new();
    let mut elements = Series::new(b"HMSET", hash.len(), 2);
    hash.for_each_stored(&mut |name, value, expire_ms| {
        let (name_text, value_text) = (&mut [0; INT_TEXT_MAX], &mut [0; INT_TEXT_MAX]);
        let name = name.bytes(name_text);
        elements.add(out, key, &[name, value.bytes(value_text)]);
        if let Some(at_ms) = expire_ms {
            expiring.push((name.to_vec(), at_ms));
        }
    });
    for (name, at_ms) in expiring {
        put_field_expiry(key, &name, at_ms, out);
    }
}

/// The expiry of a field that is there.
pub(super) fn put_field_expiry(key: &[u8], name: &[u8], at_ms: i64, out: &mut Vec<u8>) {
    let text = &mut [0; INT_TEXT_MAX];
    let at = format_i64(at_ms, text);
    command(
        out,
        [b"HPEXPIREAT".as_slice(), key, at, b"FIELDS", b"1", name],
    );
}

fn put_stream(key: &[u8], stream: &Stream, out: &mut Vec<u8>) {
    let (entries, info) = (stream.entries(), stream.entries().info());
    for entry in entries.range(StreamId::MIN, StreamId::MAX) {
        put_entry(key, &entry, out);
    }
    put_stream_info(key, entries.len(), info, out);
    stream.groups().for_each(|group| put_group(key, group, out));
}

/// An entry of a stream.
pub(super) fn put_entry(key: &[u8], entry: &Entry<'_>, out: &mut Vec<u8>) {
    let text = &mut [0; ID_TEXT_MAX];
    let mut words: Vec<Vec<u8>> = Vec::new();
    for (name, value) in entry.fields() {
        let digits = &mut [0; INT_TEXT_MAX];
        words.push(name.bytes(digits).to_vec());
        words.push(value.bytes(digits).to_vec());
    }
    let head = [b"XADD".as_slice(), key, entry.id().format(text)];
    command(out, head.into_iter().chain(words.iter().map(Vec::as_slice)));
}

/// What a stream remembers, behind its `len` entries.
pub(super) fn put_stream_info(key: &[u8], len: u64, info: StreamInfo, out: &mut Vec<u8>) {
    let text = &mut [0; ID_TEXT_MAX];
    if len == 0 {
        // Without an entry a stream comes into being by one that is trimmed at once.
        let id = if info.last_id == StreamId::MIN {
            StreamId { ms: 0, seq: 1 }
        } else {
            info.last_id
        };
        let id = id.format(text);
        command(
            out,
            [b"XADD".as_slice(), key, b"MAXLEN", b"0", id, b"x", b"y"],
        );
    }
    let (digits, deleted) = (&mut [0; INT_TEXT_MAX], &mut [0; ID_TEXT_MAX]);
    command(
        out,
        [
            b"XSETID".as_slice(),
            key,
            info.last_id.format(text),
            b"ENTRIESADDED",
            format_i64(number(info.entries_added), digits),
            b"MAXDELETEDID",
            info.max_deleted_id.format(deleted),
        ],
    );
}

fn put_group(key: &[u8], group: &Group, out: &mut Vec<u8>) {
    let (id, read) = (group.last_id, group.entries_read);
    put_group_head(key, group.name(), (id, read), out);
    for (_, consumer) in group.consumers() {
        let name = consumer.name();
        put_consumer(key, group.name(), name, out);
        for id in consumer.pending_from(StreamId::MIN) {
            let Some(pending) = group.pending(id) else {
                continue;
            };
            put_pending(key, (group.name(), name), pending, out);
        }
    }
}

/// A group of a stream: the last entry that was delivered, and how many were.
pub(super) fn put_group_head(
    key: &[u8],
    name: &[u8],
    (last_id, entries_read): (StreamId, Option<u64>),
    out: &mut Vec<u8>,
) {
    let (text, digits) = (&mut [0; ID_TEXT_MAX], &mut [0; INT_TEXT_MAX]);
    let (id, read) = (last_id.format(text), entries_read.map_or(-1, number));
    let words = [b"XGROUP".as_slice(), b"CREATE", key, name, id];
    let read = [b"ENTRIESREAD".as_slice(), format_i64(read, digits)];
    command(out, words.into_iter().chain(read));
}

/// A consumer of a group.
pub(super) fn put_consumer(key: &[u8], group: &[u8], name: &[u8], out: &mut Vec<u8>) {
    command(
        out,
        [b"XGROUP".as_slice(), b"CREATECONSUMER", key, group, name],
    );
}

/// A pending entry of a group and a consumer.
pub(super) fn put_pending(
    key: &[u8],
    (group, owner): (&[u8], &[u8]),
    pending: Pending,
    out: &mut Vec<u8>,
) {
    let text = &mut [0; ID_TEXT_MAX];
    let (time, count) = (&mut [0; INT_TEXT_MAX], &mut [0; INT_TEXT_MAX]);
    command(
        out,
        [
            b"XCLAIM".as_slice(),
            key,
            group,
            owner,
            b"0",
            pending.id.format(text),
            b"TIME",
            format_i64(pending.delivered_ms, time),
            b"RETRYCOUNT",
            format_i64(number(pending.deliveries), count),
            b"JUSTID",
            b"FORCE",
        ],
    );
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
