//! Commands on sorted sets.
//!
//! Here is what the families of this group share: the limits of the encodings, and how elements are
//! told, stored and removed. The commands themselves are in the files below.

mod add;
pub(super) mod bounds;
mod combine;
mod combine_specs;
mod count;
mod pop;
mod random;
mod range;
mod range_specs;
mod remove;
mod scan;
mod score;
mod wait;

use vk_data::zset::{Member, NewZSet, ZSetLimits};
use vk_resp::{Protocol, ReplyBuf};

use super::Command;
use crate::{
    Engine,
    access::KeyRef,
    config::{EventFlags, id},
    ctx::{Ctx, Expire, WriteCtx, Writer},
};

pub(super) use add::{Addition, Condition};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    add::ZADD,
    score::ZSCORE,
    range_specs::ZRANGE,
    wait::BZMPOP,
    wait::BZPOPMAX,
    wait::BZPOPMIN,
    count::ZCARD,
    count::ZCOUNT,
    combine_specs::ZDIFF,
    combine_specs::ZDIFFSTORE,
    add::ZINCRBY,
    combine_specs::ZINTER,
    combine_specs::ZINTERCARD,
    combine_specs::ZINTERSTORE,
    count::ZLEXCOUNT,
    pop::ZMPOP,
    score::ZMSCORE,
    pop::ZPOPMAX,
    pop::ZPOPMIN,
    random::ZRANDMEMBER,
    range_specs::ZRANGEBYLEX,
    range_specs::ZRANGEBYSCORE,
    range_specs::ZRANGESTORE,
    score::ZRANK,
    remove::ZREM,
    remove::ZREMRANGEBYLEX,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    range_specs::ZREVRANGE,
    range_specs::ZREVRANGEBYLEX,
    range_specs::ZREVRANGEBYSCORE,
    score::ZREVRANK,
    scan::ZSCAN,
    combine_specs::ZUNION,
    combine_specs::ZUNIONSTORE,
];

/// How large a sorted set may become before it changes its encoding.
pub(in crate::cmd) fn limits(ctx: &Ctx<'_>) -> ZSetLimits {
    limits_of(ctx.engine)
}

/// As [`limits`], outside of any request.
pub(in crate::cmd) fn limits_of(engine: &Engine) -> ZSetLimits {
    let config = &engine.config;
    let number = |id| usize::try_from(config.int(id)).unwrap_or(usize::MAX);
    ZSetLimits {
        entries: number(id::ZSET_MAX_LISTPACK_ENTRIES),
        value_bytes: number(id::ZSET_MAX_LISTPACK_VALUE),
        seed: engine.dbs.seed(),
    }
    .bounded()
}

/// Tells a member.
#[inline]
pub(super) fn reply_member(reply: &mut ReplyBuf, member: Member<'_>) {
    match member {
        Member::Bytes(bytes) => reply.bulk(bytes),
        Member::Int(number) => reply.bulk_int(number),
    }
}

/// How elements are told: members alone, or with their scores.
#[derive(Debug, Clone, Copy)]
struct Elements {
    scores: bool,
    /// A member and its score are an array of their own: RESP3.
    nested: bool,
}

impl Elements {
    fn new(reply: &ReplyBuf, scores: bool) -> Self {
        Self {
            scores,
            nested: reply.protocol() == Protocol::Resp3,
        }
    }

    /// The header for so many elements.
    fn begin(self, reply: &mut ReplyBuf, count: usize) {
        let words = if self.scores && !self.nested { 2 } else { 1 };
        reply.array(count.saturating_mul(words));
    }

    #[inline]
    fn put(self, reply: &mut ReplyBuf, member: Member<'_>, score: f64) {
        if self.scores && self.nested {
            reply.array(2);
        }
        reply_member(reply, member);
        if self.scores {
            reply.double(score);
        }
    }
}

/// Stores a result in the place of whatever was there, or removes that if there is no result.
pub(super) fn store(
    ctx: &mut WriteCtx<'_>,
    key: KeyRef<'_>,
    result: Option<NewZSet>,
    event: &'static str,
) {
    let mut writer = ctx.write(key);
    match result {
        Some(zset) => {
            zset.store(|value| writer.put(value, Expire::Never));
            writer.commit(&[(EventFlags::ZSET, event)]);
        }
        None if writer.remove() => writer.commit(&[(EventFlags::GENERIC, "del")]),
        None => {}
    }
}

/// Commits a removal of members; a sorted set without members goes.
fn commit_removal(mut writer: Writer<'_>, event: &'static str) {
    let removed = (EventFlags::ZSET, event);
    if writer.remove_if_empty() {
        writer.commit(&[removed, (EventFlags::GENERIC, "del")]);
    } else {
        writer.commit(&[removed]);
    }
}

/// A count as a reply's number.
pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
