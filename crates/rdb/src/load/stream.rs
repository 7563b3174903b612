//! Streams in all their encodings.

use alloc::boxed::Box;

use vk_data::num::INT_TEXT_MAX;
use vk_data::stream::{Entries, GroupMut, Stream, StreamId, StreamInfo, validate_node};
use vk_data::value::Object;

use super::Loaded;
use crate::save::stream::{NEVER_MS, READS_UNKNOWN};
use crate::{RdbError, Reader};

/// What a stream remembers, by its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// Its last id.
    First,
    /// Its first id, the largest deleted one, and how many entries it ever had; groups know how
    /// many they have read.
    Second,
    /// When consumers got something last.
    Third,
}

/// Bytes of an id.
const ID_BYTES: usize = 16;
/// The fewest bytes of a pending entry: id, time, count.
const PENDING_BYTES_MIN: usize = ID_BYTES + 9;

pub(super) fn stream(reader: &mut Reader<'_>, form: Form) -> Result<Loaded, RdbError> {
    let mut stream = Stream::default();
    let last = nodes(reader, stream.entries_mut())?;
    let info = info(reader, form, stream.entries(), last)?;
    stream.entries_mut().set_info(info);
    for _ in 0..reader.count(1)? {
        group(reader, form, &mut stream)?;
    }
    Ok(Loaded::Object(Object::Stream(Box::new(stream))))
}

/// Reads the nodes; returns the last id in them, deleted or not.
fn nodes(reader: &mut Reader<'_>, entries: &mut Entries) -> Result<StreamId, RdbError> {
    let mut last = None;
    for _ in 0..reader.count(ID_BYTES + 1)? {
        let name = reader.string()?.into_vec();
        let first = <[u8; ID_BYTES]>::try_from(name.as_slice()).map_err(|_| RdbError::Stream)?;
        let first = StreamId::from_be_bytes(first);
        let node = reader.string()?.into_vec();
        let facts = validate_node(first, &node).map_err(|_| RdbError::Stream)?;
        // A node goes with its last live entry.
        let in_order = facts
            .first
            .is_some_and(|id| last.is_none_or(|last| last < id))
            && last.is_none_or(|last| last < first);
        if facts.live == 0 || !in_order || !entries.push_node(first, &node, facts.live) {
            return Err(RdbError::Stream);
        }
        last = facts.last;
    }
    Ok(last.unwrap_or(StreamId::MIN))
}

fn info(
    reader: &mut Reader<'_>,
    form: Form,
    entries: &Entries,
    last: StreamId,
) -> Result<StreamInfo, RdbError> {
    let len = reader.number()?;
    let last_id = id(reader)?;
    if len != entries.len() || last_id < last {
        return Err(RdbError::Stream);
    }
    let mut info = StreamInfo {
        last_id,
        first_id: first_id(entries),
        max_deleted_id: StreamId::MIN,
        entries_added: len,
    };
    if form >= Form::Second {
        // The first id follows from the entries.
        id(reader)?;
        info.max_deleted_id = id(reader)?;
        info.entries_added = reader.number()?;
    }
    Ok(info)
}

fn first_id(entries: &Entries) -> StreamId {
    let first = entries.range(StreamId::MIN, StreamId::MAX).next();
    first.map_or(StreamId::MIN, |entry| entry.id())
}

fn id(reader: &mut Reader<'_>) -> Result<StreamId, RdbError> {
    Ok(StreamId::new(reader.number()?, reader.number()?))
}

fn raw_id(reader: &mut Reader<'_>) -> Result<StreamId, RdbError> {
    reader.array().map(StreamId::from_be_bytes)
}

fn group(reader: &mut Reader<'_>, form: Form, stream: &mut Stream) -> Result<(), RdbError> {
    let name = reader.string()?;
    let last_id = id(reader)?;
    let entries_read = if form >= Form::Second {
        Some(reader.number()?).filter(|read| *read != READS_UNKNOWN)
    } else {
        stream.entries().added_until(last_id)
    };
    let mut group = stream
        .create_group(name.bytes(&mut [0; INT_TEXT_MAX]), last_id, entries_read)
        .ok_or(RdbError::Duplicate)?;
    for _ in 0..reader.count(PENDING_BYTES_MIN)? {
        let id = raw_id(reader)?;
        let delivered_ms = reader.time_ms()?;
        let deliveries = reader.number()?;
        if !group.load_pending(id, delivered_ms, deliveries) {
            return Err(RdbError::Stream);
        }
    }
    for _ in 0..reader.count(1)? {
        consumer(reader, form, &mut group)?;
    }
    if group.is_loaded() {
        Ok(())
    } else {
        Err(RdbError::Stream)
    }
}

fn consumer(reader: &mut Reader<'_>, form: Form, group: &mut GroupMut<'_>) -> Result<(), RdbError> {
    let name = reader.string()?;
    let seen_ms = reader.time_ms()?;
    let active_ms = if form >= Form::Third {
        Some(reader.time_ms()?).filter(|active| *active != NEVER_MS)
    } else {
        // The best that is known.
        Some(seen_ms)
    };
    let (consumer, created) = group
        .add_consumer(name.bytes(&mut [0; INT_TEXT_MAX]), seen_ms)
        .ok_or(RdbError::Stream)?;
    if !created {
        return Err(RdbError::DuplicateConsumer);
    }
    group.set_times(consumer, seen_ms, active_ms);
    for _ in 0..reader.count(ID_BYTES)? {
        let id = raw_id(reader)?;
        if !group.load_owner(id, consumer) {
            return Err(RdbError::Stream);
        }
    }
    Ok(())
}
