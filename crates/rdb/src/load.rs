//! Reading values. A value comes into being only after all of its bytes were found right.

mod hash;
mod list;
mod set;
pub(crate) mod stream;
mod ziplist;
mod zipmap;
mod zset;

use alloc::vec::Vec;

use vk_data::entry::EMBEDDED_BYTES_MAX;
use vk_data::hash::HashLimits;
use vk_data::list::ListLimits;
use vk_data::listpack::{self, Item, Listpack};
use vk_data::pack::PackKind;
use vk_data::set::SetLimits;
use vk_data::value::{NewValue, Object};
use vk_data::zset::ZSetLimits;
use vk_resp::Blob;

use crate::{RdbError, Reader, ValueCode};

/// Up to where collections get a small encoding.
#[derive(Clone, Copy, Debug)]
pub struct LoadLimits {
    /// Nodes of lists.
    pub list: ListLimits,
    /// Sets.
    pub set: SetLimits,
    /// Hashes.
    pub hash: HashLimits,
    /// Sorted sets.
    pub zset: ZSetLimits,
}

/// A value that was read.
#[derive(Debug)]
pub enum Loaded {
    /// A string that is an integer.
    Int(i64),
    /// A string.
    String(Vec<u8>),
    /// A small collection.
    Pack(PackKind, Vec<u8>),
    /// Another collection.
    Object(Object),
}

impl Loaded {
    /// Hands the value to whoever stores it.
    pub fn store<R>(self, store: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self {
            Self::Int(value) => store(NewValue::Int(value)),
            Self::String(bytes) if bytes.len() > EMBEDDED_BYTES_MAX => {
                store(NewValue::Blob(Blob::from(bytes)))
            }
            Self::String(bytes) => store(NewValue::Bytes(&bytes)),
            Self::Pack(kind, bytes) => store(NewValue::Pack(kind, &bytes)),
            Self::Object(object) => store(NewValue::Object(object)),
        }
    }

    /// The same as a value that borrows nothing.
    fn of(value: NewValue<'_>) -> Self {
        match value {
            NewValue::Int(value) => Self::Int(value),
            NewValue::Bytes(bytes) | NewValue::Raw(bytes) => Self::String(bytes.to_vec()),
            NewValue::Blob(blob) => Self::Object(Object::Blob(blob)),
            NewValue::Pack(kind, bytes) => Self::Pack(kind, bytes.to_vec()),
            NewValue::Object(object) => Self::Object(object),
        }
    }
}

/// Reads a value of this code.
///
/// # Errors
/// What is wrong with it first.
pub fn load(
    code: ValueCode,
    reader: &mut Reader<'_>,
    limits: &LoadLimits,
) -> Result<Loaded, RdbError> {
    match code {
        ValueCode::String => string(reader),
        ValueCode::List => list::elements(reader, limits),
        ValueCode::ListZiplist => list::ziplist(reader, limits),
        ValueCode::ListQuicklist => list::ziplists(reader, limits),
        ValueCode::ListQuicklist2 => list::nodes(reader, limits),
        ValueCode::Set => set::members(reader, limits),
        ValueCode::SetIntset => set::intset(reader, limits),
        ValueCode::SetListpack => set::listpack(reader, limits),
        ValueCode::Hash => hash::fields(reader, limits, false),
        ValueCode::HashExpiring => hash::fields(reader, limits, true),
        ValueCode::HashZipmap => hash::zipmap(reader, limits),
        ValueCode::HashZiplist => hash::ziplist(reader, limits),
        ValueCode::HashListpack => hash::listpack(reader, limits),
        ValueCode::ZSetText => zset::members(reader, limits, Reader::double_text),
        ValueCode::ZSet => zset::members(reader, limits, Reader::double),
        ValueCode::ZSetZiplist => zset::ziplist(reader, limits),
        ValueCode::ZSetListpack => zset::listpack(reader, limits),
        ValueCode::Stream1 => stream::stream(reader, stream::Form::First),
        ValueCode::Stream2 => stream::stream(reader, stream::Form::Second),
        ValueCode::Stream3 => stream::stream(reader, stream::Form::Third),
    }
}

fn string(reader: &mut Reader<'_>) -> Result<Loaded, RdbError> {
    let text = reader.string()?;
    Ok(match text.int() {
        Some(value) => Loaded::Int(value),
        None => Loaded::String(text.into_vec()),
    })
}

/// A listpack that was found right, and its number of items.
fn checked_listpack(bytes: &[u8]) -> Result<(Listpack<'_>, usize), RdbError> {
    let count = listpack::validate(bytes).map_err(|_| RdbError::Listpack)?;
    Ok((Listpack::new(bytes), count))
}

/// Every item is in its shortest form, and no two are the same.
fn is_canonical_and_distinct<'a>(items: impl Iterator<Item = Item<'a>>) -> bool {
    let mut all: Vec<Item<'_>> = Vec::new();
    for item in items {
        if item.compact() != item {
            return false;
        }
        all.push(item);
    }
    all.sort_unstable_by(|a, b| match (a, b) {
        (Item::Int(a), Item::Int(b)) => a.cmp(b),
        (Item::Bytes(a), Item::Bytes(b)) => a.cmp(b),
        (Item::Int(_), Item::Bytes(_)) => core::cmp::Ordering::Less,
        (Item::Bytes(_), Item::Int(_)) => core::cmp::Ordering::Greater,
    });
    all.windows(2).all(|pair| pair.first() != pair.last())
}
