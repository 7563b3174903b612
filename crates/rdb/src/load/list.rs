//! Lists in all their encodings.

use alloc::boxed::Box;

use vk_data::list::{ELEMENT_BYTES_MAX, List, ListBuilder, Node};
use vk_data::num::INT_TEXT_MAX;
use vk_data::pack::PackKind;
use vk_data::value::Object;

use super::ziplist::Ziplist;
use super::{LoadLimits, Loaded, checked_listpack};
use crate::save::{PACKED_NODE, PLAIN_NODE};
use crate::{RdbError, Reader};

pub(super) fn elements(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let mut list = ListBuilder::new(limits.list);
    for _ in 0..reader.count(1)? {
        let element = reader.string()?;
        push(&mut list, element.bytes(&mut [0; INT_TEXT_MAX]))?;
    }
    finish(list)
}

pub(super) fn ziplist(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let mut list = ListBuilder::new(limits.list);
    push_ziplist(reader, &mut list)?;
    finish(list)
}

pub(super) fn ziplists(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let mut list = ListBuilder::new(limits.list);
    for _ in 0..reader.count(1)? {
        push_ziplist(reader, &mut list)?;
    }
    finish(list)
}

fn push_ziplist(reader: &mut Reader<'_>, list: &mut ListBuilder) -> Result<(), RdbError> {
    let bytes = reader.string()?.into_vec();
    for item in Ziplist::new(&bytes)?.iter() {
        push(list, item.bytes(&mut [0; INT_TEXT_MAX]))?;
    }
    Ok(())
}

fn push(list: &mut ListBuilder, element: &[u8]) -> Result<(), RdbError> {
    if element.len() > ELEMENT_BYTES_MAX {
        return Err(RdbError::Length);
    }
    list.push(element);
    Ok(())
}

fn finish(list: ListBuilder) -> Result<Loaded, RdbError> {
    if list.is_empty() {
        return Err(RdbError::Empty);
    }
    Ok(list.finish().store(Loaded::of))
}

/// The nodes stay as they are; a single one may be a small list.
pub(super) fn nodes(reader: &mut Reader<'_>, limits: &LoadLimits) -> Result<Loaded, RdbError> {
    let mut list = List::default();
    for _ in 0..reader.count(2)? {
        let kind = reader.number()?;
        let bytes = reader.string()?.into_vec();
        if bytes.len() > ELEMENT_BYTES_MAX {
            return Err(RdbError::Length);
        }
        match kind {
            PLAIN_NODE if bytes.is_empty() => return Err(RdbError::Node),
            PLAIN_NODE => list.push_node(Node::Plain(&bytes)),
            PACKED_NODE => {
                let (pack, count) = checked_listpack(&bytes)?;
                if count > 0 {
                    list.push_node(Node::Packed(pack, count));
                }
            }
            _ => return Err(RdbError::Node),
        }
    }
    let mut nodes = list.nodes();
    match (nodes.next(), nodes.next()) {
        (None, _) => Err(RdbError::Empty),
        (Some(Node::Packed(pack, count)), None) if !limits.list.exceeds(pack.byte_len(), count) => {
            Ok(Loaded::Pack(PackKind::List, pack.bytes().to_vec()))
        }
        _ => {
            drop(nodes);
            Ok(Loaded::Object(Object::List(Box::new(list))))
        }
    }
}
