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
    stream::{Group, ID_TEXT_MAX, Stream, StreamId, StreamRef},
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
struct Elements<'o> {
    out: &'o mut Vec<u8>,
    name: &'static [u8],
    key: &'o [u8],
    /// Words of an element.
    width: usize,
    left: usize,
    in_command: usize,
}

impl<'o> Elements<'o> {
    fn new(
        out: &'o mut Vec<u8>,
        (name, key): (&'static [u8], &'o [u8]),
        count: usize,
        width: usize,
    ) -> Self {
        Self {
            out,
            name,
            key,
            width,
            left: count,
            in_command: 0,
        }
    }

    fn add(&mut self, words: &[&[u8]]) {
        if self.in_command == 0 {
            self.in_command = self.left.min(ELEMENTS_MAX);
            put_header(self.out, b'*', 2 + self.in_command * self.width);
            put_word(self.out, self.name);
            put_word(self.out, self.key);
        }
        words.iter().for_each(|word| put_word(self.out, word));
        self.in_command = self.in_command.saturating_sub(1);
        self.left = self.left.saturating_sub(1);
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
        let mut elements = Elements::new(out, (b"RPUSH", key), list.len(), 1);
        list.iter()
            .for_each(|item| elements.add(&[item.bytes(text)]));
    } else if let Some(set) = SetRef::of(entry) {
        let mut elements = Elements::new(out, (b"SADD", key), set.len(), 1);
        set.iter()
            .for_each(|item| elements.add(&[item.bytes(text)]));
    } else if let Some(hash) = HashRef::of(entry) {
        put_hash(key, hash, out);
    } else if let Some(zset) = ZSetRef::of(entry) {
        let mut elements = Elements::new(out, (b"ZADD", key), zset.len(), 2);
        for (member, score) in zset.iter() {
            put_scored(&mut elements, member, score);
        }
    } else if let Some(stream) = StreamRef::of(entry) {
        put_stream(key, &stream, out);
    }
    if let Some(at_ms) = entry.expire_ms() {
        command(out, [b"PEXPIREAT".as_slice(), key, format_i64(at_ms, text)]);
    }
}

fn put_scored(elements: &mut Elements<'_>, member: Item<'_>, score: f64) {
    let (text, digits) = (&mut [0; INT_TEXT_MAX], &mut [0; F64_TEXT_MAX]);
    elements.add(&[format_f64(score, digits), member.bytes(text)]);
}

fn put_hash(key: &[u8], hash: HashRef<'_>, out: &mut Vec<u8>) {
    let mut expiring: Vec<(Vec<u8>, i64)> = Vec::new();
    let mut elements = Elements::new(out, (b"HMSET", key), hash.len(), 2);
    hash.for_each_stored(&mut |name, value, expire_ms| {
        let (name_text, value_text) = (&mut [0; INT_TEXT_MAX], &mut [0; INT_TEXT_MAX]);
        let name = name.bytes(name_text);
        elements.add(&[name, value.bytes(value_text)]);
        if let Some(at_ms) = expire_ms {
            expiring.push((name.to_vec(), at_ms));
        }
    });
    for (name, at_ms) in expiring {
        let at = &mut [0; INT_TEXT_MAX];
        let at = format_i64(at_ms, at);
        command(
            out,
            [b"HPEXPIREAT".as_slice(), key, at, b"FIELDS", b"1", &name],
        );
    }
}

fn put_stream(key: &[u8], stream: &Stream, out: &mut Vec<u8>) {
    let (entries, info) = (stream.entries(), stream.entries().info());
    let text = &mut [0; ID_TEXT_MAX];
    if entries.is_empty() {
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
    for entry in entries.range(StreamId::MIN, StreamId::MAX) {
        let mut words: Vec<Vec<u8>> = Vec::new();
        for (name, value) in entry.fields() {
            let digits = &mut [0; INT_TEXT_MAX];
            words.push(name.bytes(digits).to_vec());
            words.push(value.bytes(digits).to_vec());
        }
        let id = entry.id().format(text);
        let head = [b"XADD".as_slice(), key, id];
        command(out, head.into_iter().chain(words.iter().map(Vec::as_slice)));
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
    stream.groups().for_each(|group| put_group(key, group, out));
}

fn put_group(key: &[u8], group: &Group, out: &mut Vec<u8>) {
    let (text, digits) = (&mut [0; ID_TEXT_MAX], &mut [0; INT_TEXT_MAX]);
    let read = group.entries_read.map_or(-1, number);
    command(
        out,
        [
            b"XGROUP".as_slice(),
            b"CREATE",
            key,
            group.name(),
            group.last_id.format(text),
            b"ENTRIESREAD",
            format_i64(read, digits),
        ],
    );
    for (_, consumer) in group.consumers() {
        let name = consumer.name();
        command(
            out,
            [
                b"XGROUP".as_slice(),
                b"CREATECONSUMER",
                key,
                group.name(),
                name,
            ],
        );
        for id in consumer.pending_from(StreamId::MIN) {
            let Some(pending) = group.pending(id) else {
                continue;
            };
            let (time, count) = (&mut [0; INT_TEXT_MAX], &mut [0; INT_TEXT_MAX]);
            command(
                out,
                [
                    b"XCLAIM".as_slice(),
                    key,
                    group.name(),
                    name,
                    b"0",
                    id.format(text),
                    b"TIME",
                    format_i64(pending.delivered_ms, time),
                    b"RETRYCOUNT",
                    format_i64(number(pending.deliveries), count),
                    b"JUSTID",
                    b"FORCE",
                ],
            );
        }
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
