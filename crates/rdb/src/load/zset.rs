//! Sorted sets in all their encodings. They are built anew, so that their order is right whatever
//! order they came in.

use vk_data::listpack::Item;
use vk_data::num::{INT_TEXT_MAX, parse_f64};
use vk_data::pack::PackKind;
use vk_data::value::Object;
use vk_data::zset::{NewZSet, ZSetBuilder};

use super::ziplist::Ziplist;
use super::{LoadLimits, Loaded, checked_listpack};
use crate::{RdbError, Reader};

/// Members one by one, each with a score as `score` reads it.
pub(super) fn members<'a>(
    reader: &mut Reader<'a>,
    limits: &LoadLimits,
    score: fn(&mut Reader<'a>) -> Result<f64, RdbError>,
) -> Result<Loaded, RdbError> {
    let mut zset = ZSetBuilder::new(limits.zset.seed);
    for _ in 0..reader.count(2)? {
        let member = reader.string()?;
        let score = score(reader)?;
        insert(&mut zset, member.bytes(&mut [0; INT_TEXT_MAX]), score)?;
    }
    finish(zset, limits)
}

pub(super) fn ziplist(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let bytes = reader.string()?.into_vec();
    let ziplist = Ziplist::new(&bytes)?;
    if ziplist.len() % 2 == 1 {
        return Err(RdbError::Ziplist);
    }
    pairs(ziplist.iter(), limits)
}

pub(super) fn listpack(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let bytes = reader.string()?.into_vec();
    let (pack, count) = checked_listpack(&bytes)?;
    if count % 2 == 1 {
        return Err(RdbError::Listpack);
    }
    pairs(pack.iter(), limits)
}

fn pairs<'a>(
    mut items: impl Iterator<Item = Item<'a>>,
    limits: &LoadLimits,
) -> Result<Loaded, RdbError> {
    let mut zset = ZSetBuilder::new(limits.zset.seed);
    while let (Some(member), Some(score)) = (items.next(), items.next()) {
        let score = match score {
            // As text it would be read as the same double.
            Item::Int(value) => value as f64,
            Item::Bytes(text) => parse_f64(text).ok_or(RdbError::Number)?,
        };
        insert(&mut zset, member.bytes(&mut [0; INT_TEXT_MAX]), score)?;
    }
    finish(zset, limits)
}

fn insert(zset: &mut ZSetBuilder, member: &[u8], score: f64) -> Result<(), RdbError> {
    if zset.insert(member, score) {
        Ok(())
    } else {
        Err(RdbError::Duplicate)
    }
}

fn finish(zset: ZSetBuilder, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    Ok(match zset.finish(&limits.zset).ok_or(RdbError::Empty)? {
        NewZSet::Pack(bytes) => Loaded::Pack(PackKind::ZSet, bytes),
        NewZSet::Structure(zset) => Loaded::Object(Object::ZSet(zset)),
    })
}
