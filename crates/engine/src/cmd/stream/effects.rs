//! What the changes of groups come to as effects: commands with every choice made, that do the same
//! wherever and whenever they run.

use alloc::{boxed::Box, vec::Vec};

use vk_data::{
    num::{INT_TEXT_MAX, format_i64},
    stream::{ID_TEXT_MAX, Pending, StreamId},
};

use crate::{
    config::EventFlags,
    ctx::{WriteCtx, Writer},
};

/// A key and a group of its stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'r> {
    pub(super) key: &'r [u8],
    pub(super) group: &'r [u8],
}

/// An entry that is pending now, or whose deletion was found out.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) pending: Pending,
    /// Whose it was, if it was not claimed.
    pub(super) owner: Option<Box<[u8]>>,
    /// The last id of the group after it.
    pub(super) last_id: StreamId,
}

/// What a command has changed of a group.
#[derive(Debug, Default)]
pub(super) struct News {
    /// The consumer is a new one.
    pub(super) created: bool,
    /// Something else has changed that counts; when a consumer was seen does not.
    pub(super) changed: bool,
    /// Entries that are pending now, or otherwise; kept only if somebody wants to know.
    pub(super) claimed: Vec<Claimed>,
    /// The group's last id and count, if the claims do not tell them.
    pub(super) advanced: Option<(StreamId, Option<u64>)>,
}

impl News {
    /// Ends the change of the key.
    pub(super) fn commit(&self, writer: Writer<'_>) {
        if self.created {
            writer.commit(&[(EventFlags::STREAM, "xgroup-createconsumer")]);
        } else if self.changed {
            writer.commit(&[]);
        } else {
            writer.unchanged();
        }
    }

    /// Tells what was changed, in the place of the request.
    pub(super) fn hand_on(&self, ctx: &mut WriteCtx<'_>, target: Target<'_>, consumer: &[u8]) {
        ctx.no_effect();
        if !ctx.wants_effects() {
            return;
        }
        if self.created {
            created(ctx, target, consumer);
        }
        for entry in &self.claimed {
            claimed(ctx, target, consumer, entry);
        }
        if let Some((last_id, entries_read)) = self.advanced {
            advanced(ctx, target, last_id, entries_read);
        }
    }
}

/// A consumer was created.
fn created(ctx: &mut WriteCtx<'_>, target: Target<'_>, consumer: &[u8]) {
    ctx.effect([
        b"XGROUP",
        b"CREATECONSUMER",
        target.key,
        target.group,
        consumer,
    ]);
}

/// An entry is pending of a consumer, with this time and this count. Where the entry is deleted,
/// the same words make that known.
fn claimed(ctx: &mut WriteCtx<'_>, target: Target<'_>, consumer: &[u8], claimed: &Claimed) {
    let pending = claimed.pending;
    let deliveries = i64::try_from(pending.deliveries).unwrap_or(i64::MAX);
    ctx.effect([
        b"XCLAIM",
        target.key,
        target.group,
        claimed.owner.as_deref().unwrap_or(consumer),
        b"0",
        pending.id.format(&mut [0; ID_TEXT_MAX]),
        b"TIME",
        format_i64(pending.delivered_ms, &mut [0; INT_TEXT_MAX]),
        b"RETRYCOUNT",
        format_i64(deliveries, &mut [0; INT_TEXT_MAX]),
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        claimed.last_id.format(&mut [0; ID_TEXT_MAX]),
    ]);
}

/// A group has got this far.
fn advanced(
    ctx: &mut WriteCtx<'_>,
    target: Target<'_>,
    last_id: StreamId,
    entries_read: Option<u64>,
) {
    let read = entries_read.map_or(-1, super::number);
    ctx.effect([
        b"XGROUP",
        b"SETID",
        target.key,
        target.group,
        last_id.format(&mut [0; ID_TEXT_MAX]),
        b"ENTRIESREAD",
        format_i64(read, &mut [0; INT_TEXT_MAX]),
    ]);
}
