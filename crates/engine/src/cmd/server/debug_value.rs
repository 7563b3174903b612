//! DEBUG subcommands about the structures inside of values.

use core::time::Duration;

use vk_data::{
    listpack::Listpack,
    num::{INT_TEXT_MAX, parse_i64, parse_memory},
    pack::{Body, PackKind},
};
use vk_rdb::Checksum;
use vk_resp::{ReplyBuf, Request};

use super::{debug::switch, debug_object::find};
use crate::{Directive, Error, ctx::SessionCtx};

/// RELOAD: saves all keys, forgets them and loads the file.
pub(super) fn reload(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (mut saves, mut flushes, mut merges) = (true, true, false);
    for option in request.iter().skip(2) {
        match option.to_ascii_lowercase().as_slice() {
            b"merge" => merges = true,
            b"noflush" => flushes = false,
            b"nosave" => saves = false,
            _ => return Err(Error::DEBUG_RELOAD_OPTION),
        }
    }
    if ctx.engine().is_saving() && saves {
        ctx.engine().cancel_save();
    }
    ctx.park_for(Directive::Reload {
        saves,
        flushes,
        merges,
    })?;
    Ok(())
}

/// LOADAOF: forgets all keys and loads the append-only file.
pub(super) fn load_aof(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.park_for(Directive::LoadAof)?;
    Ok(())
}

/// Every write to the append-only file is put off, to see what leaves before it.
pub(super) fn aof_flush_sleep(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let word = request.arg(2).unwrap_or_default();
    let micros = parse_i64(word).ok_or(Error::NOT_AN_INTEGER)?;
    ctx.engine().aof.flush_delay = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
    reply.ok();
    Ok(())
}

/// Elements of a list from this size on get a node of their own; 0 gives the rule of
/// `list-max-listpack-size` back.
pub(super) fn quicklist_packed_threshold(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let bytes = request.arg(2).and_then(parse_memory);
    let bytes = bytes.and_then(|bytes| u32::try_from(bytes).ok());
    let bytes = bytes.ok_or(Error::DEBUG_NO_MEMORY_VALUE)?;
    ctx.engine().list_packed_threshold = Some(bytes as usize).filter(|bytes| *bytes > 0);
    reply.ok();
    Ok(())
}

/// Takes DUMP payloads whose checksum is wrong, to see what the other checks find.
pub(super) fn set_skip_checksum_validation(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.engine().dump_checksum = if switch(request)? {
        Checksum::Ignored
    } else {
        Checksum::Checked
    };
    reply.ok();
    Ok(())
}

/// The items of a listpack, each with its place.
pub(super) fn listpack(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let entry = find(ctx, request.arg(2).unwrap_or_default())?.ok_or(Error::NO_SUCH_KEY)?;
    let pack = match entry.body() {
        Some(Body::Pack(PackKind::SetInts, _)) => None,
        Some(Body::Pack(_, bytes)) => Some(Listpack::new(bytes)),
        _ => None,
    };
    let pack = pack.ok_or(Error::DEBUG_NO_LISTPACK)?;
    let mut text = alloc::format!("{} bytes, {} items\n", pack.byte_len(), pack.len()).into_bytes();
    for item in pack.iter() {
        text.extend_from_slice(item.bytes(&mut [0; INT_TEXT_MAX]));
        text.push(b'\n');
    }
    reply.verbatim("txt", &text);
    Ok(())
}
