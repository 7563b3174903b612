//! Writing values. Keys, expiries and records of use are the business of whoever writes the file.

mod pieces;
pub(crate) mod stream;

use vk_data::entry::DbEntry;
use vk_data::hash::HashRef;
use vk_data::list::{List, Node};
use vk_data::pack::{Body, PackKind};
use vk_data::value::{Object, View};
use vk_data::zset::{ZSet, ZSetRef};

pub use pieces::{code_of_shape, save_piece, save_shape};

use crate::load::stream::Form;
use crate::{
    LoadLimits, Loaded, RdbError, Reader, VERSION_REDIS_MAX, VERSION_VALKEY, ValueCode, Writer,
    load,
};

/// What a node of a list says that it is.
pub(crate) const PLAIN_NODE: u64 = 1;
/// See [`PLAIN_NODE`].
pub(crate) const PACKED_NODE: u64 = 2;

/// The expiry of a field that does not expire, where others do.
pub(crate) const NO_EXPIRY_MS: i64 = -1;

/// The code of the entry's value, in the encoding that it has.
#[must_use]
pub fn code_of(entry: &DbEntry) -> ValueCode {
    match entry.body() {
        None => ValueCode::String,
        Some(Body::Pack(kind, _)) => match kind {
            PackKind::List => ValueCode::ListQuicklist2,
            PackKind::SetInts => ValueCode::SetIntset,
            PackKind::Set => ValueCode::SetListpack,
            PackKind::Hash => ValueCode::HashListpack,
            PackKind::ZSet => ValueCode::ZSetListpack,
        },
        Some(Body::Object(object)) => match object {
            Object::List(_) => ValueCode::ListQuicklist2,
            Object::Set(_) => ValueCode::Set,
            Object::Hash(hash) if hash.volatile_len() > 0 => ValueCode::HashExpiring,
            Object::Hash(_) => ValueCode::Hash,
            Object::ZSet(_) => ValueCode::ZSet,
            Object::Stream(_) => ValueCode::Stream3,
            _ => ValueCode::String,
        },
    }
}

/// The oldest version of the format that has all that the value needs.
#[must_use]
pub fn version_for(entry: &DbEntry) -> u16 {
    match code_of(entry) {
        ValueCode::HashExpiring => VERSION_VALKEY,
        _ => VERSION_REDIS_MAX,
    }
}

/// Writes the value of an entry and returns its code, which belongs before it.
pub fn save(entry: &DbEntry, writer: &mut Writer) -> ValueCode {
    let code = code_of(entry);
    if let Some(string) = entry.str() {
        writer.value(string);
        return code;
    }
    match entry.body() {
        None => {}
        Some(Body::Pack(PackKind::List, bytes)) => {
            writer.count(1);
            writer.number(PACKED_NODE);
            writer.string(bytes);
        }
        Some(Body::Pack(_, bytes)) => writer.string(bytes),
        Some(Body::Object(object)) => match object {
            Object::List(list) => save_list(list, writer),
            Object::Set(set) => {
                writer.count(set.len());
                set.iter().for_each(|member| writer.string(member));
            }
            Object::Hash(_) => save_hash(entry, code, writer),
            Object::ZSet(zset) => save_zset(zset, writer),
            Object::Stream(stream) => stream::save_stream(stream, Form::Third, writer),
            _ => {}
        },
    }
    code
}

fn save_list(list: &List, writer: &mut Writer) {
    writer.count(list.node_count());
    list.nodes().for_each(|node| save_node(node, writer));
}

fn save_node(node: Node<'_>, writer: &mut Writer) {
    match node {
        Node::Packed(pack, _) => {
            writer.number(PACKED_NODE);
            writer.string(pack.bytes());
        }
        Node::Plain(element) => {
            writer.number(PLAIN_NODE);
            writer.string(element);
        }
    }
}

/// Fields that have expired and are still there are written too: what is written is what is.
fn save_hash(entry: &DbEntry, code: ValueCode, writer: &mut Writer) {
    let Some(hash) = HashRef::of(entry) else {
        return;
    };
    writer.count(hash.len());
    hash.for_each_stored(&mut |name, value, expire_ms| {
        writer.value(name);
        writer.value(value);
        if code == ValueCode::HashExpiring {
            writer.time_ms(expire_ms.unwrap_or(NO_EXPIRY_MS));
        }
    });
}

/// From the highest element to the lowest, as it always was.
fn save_zset(zset: &ZSet, writer: &mut Writer) {
    let zset = ZSetRef::of_structure(zset);
    writer.count(zset.len());
    for (member, score) in zset.iter_from_rank(0, true) {
        writer.item(member);
        writer.double(score);
    }
}

/// Writes a value and reads it back: what a restart would make of it.
///
/// # Errors
/// Never, unless the value breaks a rule of its type.
pub fn round_trip(
    entry: &DbEntry,
    limits: &LoadLimits,
    writer: &mut Writer,
) -> Result<Loaded, RdbError> {
    let start = writer.bytes().len();
    let code = save(entry, writer);
    let mut reader = Reader::new(writer.bytes().get(start..).unwrap_or_default());
    let loaded = load(code, &mut reader, limits)?;
    reader.end()?;
    Ok(loaded)
}
