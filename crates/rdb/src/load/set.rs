//! Sets in all their encodings.

use alloc::vec::Vec;

use vk_data::bounds::PACK_BYTES_MAX;
use vk_data::intset::{self, Intset};
use vk_data::listpack::Item;
use vk_data::num::INT_TEXT_MAX;
use vk_data::pack::PackKind;
use vk_data::set::{BuiltSet, Set, SetBuilder};
use vk_data::value::Object;

use super::{LoadLimits, Loaded, checked_listpack, is_canonical_and_distinct};
use crate::{RdbError, Reader};

/// Few members keep their order, which shows in a listpack; many go into a table at once.
pub(super) fn members(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let count = reader.count(1)?;
    if count > limits.set.intset_entries.max(limits.set.listpack_entries) {
        let mut set = Set::new(limits.set.seed);
        for _ in 0..count {
            let member = reader.string()?;
            insert(&mut set, member.bytes(&mut [0; INT_TEXT_MAX]))?;
        }
        return Ok(built(SetBuilder::from_set(set, limits.set)));
    }
    let mut texts = Vec::new();
    for _ in 0..count {
        texts.push(reader.string()?.into_vec());
    }
    let items = || texts.iter().map(|text| Item::Bytes(text).compact());
    if !is_canonical_and_distinct(items()) {
        return Err(RdbError::Duplicate);
    }
    small(items(), limits)
}

pub(super) fn intset(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let bytes = reader.string()?.into_vec();
    let count = intset::validate(&bytes).map_err(|_| RdbError::Intset)?;
    if count > 0 && count <= limits.set.intset_entries {
        return Ok(Loaded::Pack(PackKind::SetInts, bytes));
    }
    // A valid intset is in order, so no member occurs twice.
    small(Intset::new(&bytes).iter().map(Item::Int), limits)
}

pub(super) fn listpack(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let bytes = reader.string()?.into_vec();
    let (pack, count) = checked_listpack(&bytes)?;
    if count == 0 {
        return Err(RdbError::Empty);
    }
    let fits = count <= limits.set.listpack_entries && bytes.len() <= PACK_BYTES_MAX;
    if fits && is_canonical_and_distinct(pack.iter()) {
        return Ok(Loaded::Pack(PackKind::Set, bytes));
    }
    let mut set = Set::new(limits.set.seed);
    for member in pack.iter() {
        insert(&mut set, member.bytes(&mut [0; INT_TEXT_MAX]))?;
    }
    Ok(built(SetBuilder::from_set(set, limits.set)))
}

fn insert(set: &mut Set, member: &[u8]) -> Result<(), RdbError> {
    if set.insert(member) {
        Ok(())
    } else {
        Err(RdbError::Duplicate)
    }
}

/// A set of members that are all different.
fn small<'a>(
    members: impl Iterator<Item = Item<'a>>,
    limits: &LoadLimits,
) -> Result<Loaded, RdbError> {
    let mut builder = SetBuilder::new(limits.set);
    members.for_each(|member| builder.push(member));
    if builder.is_empty() {
        return Err(RdbError::Empty);
    }
    Ok(built(builder))
}

fn built(builder: SetBuilder) -> Loaded {
    match builder.finish() {
        BuiltSet::Pack(kind, bytes) => Loaded::Pack(kind, bytes),
        BuiltSet::Table(set) => Loaded::Object(Object::Set(set)),
    }
}
