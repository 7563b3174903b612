//! Commands on bitmaps: strings whose bits are numbered from the most significant one of the first
//! byte. Here is what the families of this group share.

mod bit;
mod bitfield;
mod bitop;
mod count;

use vk_data::num::parse_i64;

use super::Command;
use crate::{
    Error,
    config::id,
    ctx::{Ctx, Origin},
};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    bit::SETBIT,
    bit::GETBIT,
    bitfield::BITFIELD,
    bitfield::BITFIELD_RO,
    bitop::BITOP,
    count::BITCOUNT,
    count::BITPOS,
];

/// The offset of a bit in a string that may be there. What was accepted once is replayed whatever
/// the limit is by then.
fn bit_offset(ctx: &Ctx<'_>, word: &[u8], unit_bits: u32) -> Result<u64, Error> {
    let offset = parse_i64(word)
        .and_then(|number| u64::try_from(number).ok())
        .and_then(|number| number.checked_mul(unit_bits.into()))
        .ok_or(Error::BAD_BIT_OFFSET)?;
    let limit = ctx.config().size(id::PROTO_MAX_BULK_LEN);
    if i64::try_from(offset).is_err() || (ctx.origin != Origin::Replay && offset / 8 >= limit) {
        return Err(Error::BAD_BIT_OFFSET);
    }
    Ok(offset)
}

/// A position as a reply's number.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
