//! DEBUG subcommands about the structures inside of values.

use vk_data::{
    listpack::Listpack,
    num::{INT_TEXT_MAX, parse_memory},
    pack::{Body, PackKind},
};
use vk_rdb::{Checksum, Compression, Writer, round_trip};
use vk_resp::{ReplyBuf, Request};

use super::{debug::switch, debug_object::find};
use crate::{Error, cmd::generic::load_limits, ctx::SessionCtx};

/// Writes every value as a snapshot has it, reads it back, and goes on with what was read. Keys
/// that have expired are gone afterwards, as after a restart.
pub(super) fn reload(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    for option in request.iter().skip(2) {
        // Nothing is written to a file, so that neither option makes a difference.
        if !option.eq_ignore_ascii_case(b"merge") && !option.eq_ignore_ascii_case(b"noflush") {
            return Err(Error::DEBUG_RELOAD_OPTION);
        }
    }
    let limits = load_limits(ctx);
    let now_ms = ctx.now_ms();
    let dbs = &mut ctx.engine().dbs;
    let mut writer = Writer::new(Compression::Lzf);
    for index in 0..dbs.count() as u32 {
        let Some(db) = dbs.db_mut(index) else {
            continue;
        };
        let before = db.take();
        let mut result = Ok(());
        before.for_each(&mut |entry| {
            if entry.is_expired(now_ms) || result.is_err() {
                return;
            }
            writer.take();
            result = round_trip(entry, &limits, &mut writer).map(|value| {
                let (hash, key) = (db.hash(entry.key()), entry.key());
                value.store(|value| {
                    db.insert_new(hash, key, value, entry.expire_ms(), entry.access());
                });
            });
        });
        dbs.detach(before);
        // A value that cannot be read back is a defect of this server.
        result.map_err(|error| Error::told(format_args!("ERR Error trying to reload: {error}")))?;
    }
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
