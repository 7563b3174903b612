//! Commands on sets.
//!
//! Here is what the families of this group share: the limits of the encodings, and sets that are
//! read together. The commands themselves are in the files below.

mod change;
mod combine;
mod members;
mod random;
mod scan;
mod store;

use alloc::vec::Vec;

use vk_data::{set::SetLimits, set::SetRef, value::View};

use super::Command;
use crate::{
    Engine, Error,
    access::KeyRef,
    config::id,
    ctx::{Ctx, ReadCtx},
};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    change::SADD,
    members::SCARD,
    combine::SDIFF,
    store::SDIFFSTORE,
    combine::SINTER,
    combine::SINTERCARD,
    store::SINTERSTORE,
    members::SISMEMBER,
    members::SMEMBERS,
    members::SMISMEMBER,
    change::SMOVE,
    random::SPOP,
    random::SRANDMEMBER,
    change::SREM,
    scan::SSCAN,
    combine::SUNION,
    store::SUNIONSTORE,
];

/// How large the small encodings may become.
pub(in crate::cmd) fn limits(ctx: &Ctx<'_>) -> SetLimits {
    limits_of(ctx.engine)
}

/// As [`limits`], outside of any request.
pub(in crate::cmd) fn limits_of(engine: &Engine) -> SetLimits {
    let config = &engine.config;
    let number = |id| usize::try_from(config.int(id)).unwrap_or(usize::MAX);
    SetLimits {
        intset_entries: number(id::SET_MAX_INTSET_ENTRIES),
        listpack_entries: number(id::SET_MAX_LISTPACK_ENTRIES),
        listpack_value_bytes: number(id::SET_MAX_LISTPACK_VALUE),
        seed: engine.dbs.seed(),
    }
    .bounded()
}

/// Looks sets up that are to be read together; a key that is not there is `None`. Every type is
/// checked before anything is done.
fn live_sets<'k>(
    ctx: &mut ReadCtx<'_>,
    keys: &[KeyRef<'k>],
) -> Result<Vec<Option<KeyRef<'k>>>, Error> {
    let mut live = Vec::with_capacity(keys.len());
    for key in keys {
        live.push(ctx.view::<SetRef<'_>>(*key)?.map(|_| *key));
    }
    Ok(live)
}

/// The sets of keys that [`live_sets`] has seen.
fn views<'v>(ctx: &'v Ctx<'_>, live: &[Option<KeyRef<'_>>]) -> Vec<Option<SetRef<'v>>> {
    let view = |key: &KeyRef<'_>| SetRef::of(ctx.engine.dbs.find(key)?);
    live.iter().map(|key| key.as_ref().and_then(view)).collect()
}

/// Writes a member.
#[inline]
fn put_member(reply: &mut vk_resp::ReplyBuf, member: vk_data::listpack::Item<'_>) {
    match member {
        vk_data::listpack::Item::Bytes(bytes) => reply.bulk(bytes),
        vk_data::listpack::Item::Int(value) => reply.bulk_int(value),
    }
}
