//! Writing streams: nodes as they are, then what is remembered, then groups.

use vk_data::stream::{Group, Pending, Stream, StreamId, StreamInfo};

use crate::Writer;
use crate::load::stream::Form;

/// The count of reads of a group that does not know it.
pub(crate) const READS_UNKNOWN: u64 = u64::MAX;
/// The time of a consumer that never got anything.
pub(crate) const NEVER_MS: i64 = -1;

/// Writes a stream in a form, which may forget what later ones remember.
pub(crate) fn save_stream(stream: &Stream, form: Form, writer: &mut Writer) {
    let entries = stream.entries();
    writer.count(entries.node_count());
    for (first, node) in entries.nodes() {
        save_node(first, node, writer);
    }
    save_info(entries.len(), entries.info(), form, writer);
    writer.count(stream.group_count());
    for group in stream.groups() {
        save_group(group, form, writer);
    }
}

pub(super) fn save_node(first: StreamId, node: &[u8], writer: &mut Writer) {
    writer.string(&first.to_be_bytes());
    writer.string(node);
}

/// What stands behind the nodes.
pub(super) fn save_info(len: u64, info: StreamInfo, form: Form, writer: &mut Writer) {
    writer.number(len);
    number_id(info.last_id, writer);
    if form >= Form::Second {
        number_id(info.first_id, writer);
        number_id(info.max_deleted_id, writer);
        writer.number(info.entries_added);
    }
}

fn number_id(id: StreamId, writer: &mut Writer) {
    writer.number(id.ms);
    writer.number(id.seq);
}

fn save_group(group: &Group, form: Form, writer: &mut Writer) {
    save_head(
        group.name(),
        group.last_id,
        group.entries_read,
        form,
        writer,
    );
    writer.count(group.pending_count());
    for pending in group.pending_from(StreamId::MIN) {
        save_pending(pending, writer);
    }
    writer.count(group.consumer_count());
    for (_, consumer) in group.consumers() {
        let (seen_ms, active_ms) = (consumer.seen_ms(), consumer.active_ms());
        save_consumer(consumer.name(), seen_ms, active_ms, form, writer);
        writer.count(consumer.pending_count());
        for id in consumer.pending_from(StreamId::MIN) {
            writer.raw(&id.to_be_bytes());
        }
    }
}

/// What a group begins with.
pub(super) fn save_head(
    name: &[u8],
    last_id: StreamId,
    entries_read: Option<u64>,
    form: Form,
    writer: &mut Writer,
) {
    writer.string(name);
    number_id(last_id, writer);
    if form >= Form::Second {
        writer.number(entries_read.unwrap_or(READS_UNKNOWN));
    }
}

pub(super) fn save_pending(pending: Pending, writer: &mut Writer) {
    writer.raw(&pending.id.to_be_bytes());
    writer.time_ms(pending.delivered_ms);
    writer.number(pending.deliveries);
}

/// What a consumer begins with.
pub(super) fn save_consumer(
    name: &[u8],
    seen_ms: i64,
    active_ms: Option<i64>,
    form: Form,
    writer: &mut Writer,
) {
    writer.string(name);
    writer.time_ms(seen_ms);
    if form >= Form::Third {
        writer.time_ms(active_ms.unwrap_or(NEVER_MS));
    }
}
