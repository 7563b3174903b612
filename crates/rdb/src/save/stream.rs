//! Writing streams: nodes as they are, then what is remembered, then groups.

use vk_data::stream::{Group, Stream, StreamId};

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
        writer.string(&first.to_be_bytes());
        writer.string(node);
    }
    let info = entries.info();
    writer.number(entries.len());
    number_id(info.last_id, writer);
    if form >= Form::Second {
        number_id(info.first_id, writer);
        number_id(info.max_deleted_id, writer);
        writer.number(info.entries_added);
    }
    writer.count(stream.group_count());
    for group in stream.groups() {
        save_group(group, form, writer);
    }
}

fn number_id(id: StreamId, writer: &mut Writer) {
    writer.number(id.ms);
    writer.number(id.seq);
}

fn save_group(group: &Group, form: Form, writer: &mut Writer) {
    writer.string(group.name());
    number_id(group.last_id, writer);
    if form >= Form::Second {
        writer.number(group.entries_read.unwrap_or(READS_UNKNOWN));
    }
    writer.count(group.pending_count());
    for pending in group.pending_from(StreamId::MIN) {
        writer.raw(&pending.id.to_be_bytes());
        writer.time_ms(pending.delivered_ms);
        writer.number(pending.deliveries);
    }
    writer.count(group.consumer_count());
    for (_, consumer) in group.consumers() {
        writer.string(consumer.name());
        writer.time_ms(consumer.seen_ms());
        if form >= Form::Third {
            writer.time_ms(consumer.active_ms().unwrap_or(NEVER_MS));
        }
        writer.count(consumer.pending_count());
        for id in consumer.pending_from(StreamId::MIN) {
            writer.raw(&id.to_be_bytes());
        }
    }
}
