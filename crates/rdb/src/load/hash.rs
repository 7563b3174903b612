//! Hashes in all their encodings.

use vk_data::bounds::PACK_BYTES_MAX;
use vk_data::hash::{FieldExpire, FieldValue, HashBuilder, Put};
use vk_data::listpack::{Item, Listpack};
use vk_data::num::INT_TEXT_MAX;
use vk_data::pack::PackKind;

use super::ziplist::Ziplist;
use super::zipmap::Zipmap;
use super::{LoadLimits, Loaded, checked_listpack, is_canonical_and_distinct};
use crate::save::NO_EXPIRY_MS;
use crate::{RdbError, Reader};

/// Fields one by one, each with an expiry if they have one.
pub(super) fn fields(
    reader: &mut Reader<'_>,
    limits: &LoadLimits,
    expiring: bool,
) -> Result<Loaded, RdbError> {
    let count = reader.count(2)?;
    let mut hash = HashBuilder::new(limits.hash, count, reader.left());
    for _ in 0..count {
        let (name, value) = (reader.string()?, reader.string()?);
        let expire = match expiring.then(|| reader.time_ms()).transpose()? {
            None | Some(NO_EXPIRY_MS) => FieldExpire::Never,
            Some(at_ms) if at_ms >= 0 => FieldExpire::At(at_ms),
            Some(_) => return Err(RdbError::Expiry),
        };
        let (mut digits, mut more) = ([0; INT_TEXT_MAX], [0; INT_TEXT_MAX]);
        let value = FieldValue::Bytes(value.bytes(&mut more));
        set(&mut hash, name.bytes(&mut digits), value, expire)?;
    }
    finish(hash)
}

pub(super) fn zipmap(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let bytes = reader.string()?.into_vec();
    let zipmap = Zipmap::new(&bytes)?;
    let mut hash = HashBuilder::new(limits.hash, zipmap.len(), bytes.len());
    for (name, value) in zipmap.iter() {
        set(
            &mut hash,
            name,
            FieldValue::Bytes(value),
            FieldExpire::Never,
        )?;
    }
    finish(hash)
}

pub(super) fn ziplist(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let bytes = reader.string()?.into_vec();
    let ziplist = Ziplist::new(&bytes)?;
    if ziplist.len() % 2 == 1 {
        return Err(RdbError::Ziplist);
    }
    pairs(ziplist.iter(), ziplist.len(), bytes.len(), limits)
}

pub(super) fn listpack(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let bytes = reader.string()?.into_vec();
    let (pack, count) = checked_listpack(&bytes)?;
    if count % 2 == 1 {
        return Err(RdbError::Listpack);
    }
    let is_small = count / 2 <= limits.hash.entries && bytes.len() <= PACK_BYTES_MAX;
    let fits = count > 0 && is_small;
    if fits && is_canonical(pack) && is_canonical_and_distinct(pack.iter().step_by(2)) {
        return Ok(Loaded::Pack(PackKind::Hash, bytes));
    }
    pairs(pack.iter(), count, bytes.len(), limits)
}

fn is_canonical(pack: Listpack<'_>) -> bool {
    pack.iter().all(|item| item.compact() == item)
}

fn pairs<'a>(
    mut items: impl Iterator<Item = Item<'a>>,
    count: usize,
    bytes: usize,
    limits: &LoadLimits,
) -> Result<Loaded, RdbError> {
    let mut hash = HashBuilder::new(limits.hash, count / 2, bytes);
    while let (Some(name), Some(value)) = (items.next(), items.next()) {
        let (mut digits, mut more) = ([0; INT_TEXT_MAX], [0; INT_TEXT_MAX]);
        let value = FieldValue::Bytes(value.bytes(&mut more));
        set(
            &mut hash,
            name.bytes(&mut digits),
            value,
            FieldExpire::Never,
        )?;
    }
    finish(hash)
}

fn set(
    hash: &mut HashBuilder,
    name: &[u8],
    value: FieldValue<'_>,
    expire: FieldExpire,
) -> Result<(), RdbError> {
    match hash.set(name, value, expire) {
        Put::Added => Ok(()),
        _ => Err(RdbError::Duplicate),
    }
}

fn finish(mut hash: HashBuilder) -> Result<Loaded, RdbError> {
    if hash.is_empty() {
        return Err(RdbError::Empty);
    }
    Ok(Loaded::of(hash.finish()))
}
