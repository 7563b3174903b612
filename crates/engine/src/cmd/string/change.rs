//! Changing a part of a string: APPEND, SETRANGE.

use vk_data::{
    num::parse_i64,
    value::{NewValue, StrRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{length, new_value};
use crate::{
    Error,
    cmd::{Command, Run},
    config::{EventFlags, id},
    ctx::{Ctx, Expire, Origin, WriteCtx},
};

pub(super) const APPEND: Command = Command {
    spec: CommandSpec {
        name: "append",
        group: Group::String,
        since: "2.0.0",
        summary: "Adds bytes to the end of a string, which is made if it is not there.",
        complexity: "O(N) where N is the number of added bytes, over many calls",
        arity: 3,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("value")],
        ..CommandSpec::NEW
    },
    run: Run::Write(append),
};

pub(super) const SETRANGE: Command = Command {
    spec: CommandSpec {
        name: "setrange",
        group: Group::String,
        since: "2.2.0",
        summary: "Overwrites a part of a string, which is made or made longer as needed.",
        complexity: "O(N) where N is the number of bytes written, the gap before them included",
        arity: 4,
        flags: Flags::DENYOOM,
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("offset"),
            ArgSpec::string("value"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(setrange),
};

fn append(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    const EVENTS: &[(EventFlags, &str)] = &[(EventFlags::STRING, "append")];
    let added = request.arg(2).unwrap_or_default();
    let limit = string_bytes_max(ctx);
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let Some(old) = writer.string()?.map(StrRef::byte_len) else {
        writer.put(new_value(request, 2), Expire::Never);
        writer.commit(EVENTS);
        reply.int(length(added.len()));
        return Ok(());
    };
    let total = end(old, added.len(), limit)?;
    let place = old..total;
    writer.update_bytes(total, &[place], |bytes| write_at(bytes, old, added));
    writer.commit(EVENTS);
    reply.int(length(total));
    Ok(())
}

fn setrange(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let offset = request
        .arg(2)
        .and_then(parse_i64)
        .ok_or(Error::NOT_AN_INTEGER)?;
    let offset = usize::try_from(offset).map_err(|_| Error::OFFSET_OUT_OF_RANGE)?;
    let bytes = request.arg(3).unwrap_or_default();
    let limit = string_bytes_max(ctx);
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let old = writer.string()?.map(StrRef::byte_len);
    if bytes.is_empty() {
        reply.int(length(old.unwrap_or(0)));
        return Ok(());
    }
    let total = end(offset, bytes.len(), limit)?.max(old.unwrap_or(0));
    if old.is_none() {
        writer.put(NewValue::Raw(b""), Expire::Never);
    }
    let place = offset..offset.saturating_add(bytes.len());
    writer.update_bytes(total, &[place], |all| write_at(all, offset, bytes));
    writer.commit(&[(EventFlags::STRING, "setrange")]);
    reply.int(length(total));
    Ok(())
}

/// The longest string that a client may make. What was accepted once is replayed whatever the
/// limit is by then.
fn string_bytes_max(ctx: &Ctx<'_>) -> usize {
    if ctx.origin == Origin::Replay {
        return usize::MAX;
    }
    usize::try_from(ctx.config().size(id::PROTO_MAX_BULK_LEN)).unwrap_or(usize::MAX)
}

/// The end of `len` bytes at `offset`, if it is within the limit.
fn end(offset: usize, len: usize, limit: usize) -> Result<usize, Error> {
    offset
        .checked_add(len)
        .filter(|end| *end <= limit && i64::try_from(*end).is_ok())
        .ok_or(Error::STRING_TOO_LONG)
}

fn write_at(place: &mut [u8], offset: usize, bytes: &[u8]) {
    if let Some(place) = place.get_mut(offset..) {
        for (to, from) in place.iter_mut().zip(bytes) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn strings_grow() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("APPEND k 12"), "(integer) 2");
        assert_eq!(kit.run("APPEND k 34"), "(integer) 4");
        assert_eq!(kit.run("GET k"), "\"1234\"");
        assert_eq!(kit.run("SETRANGE k 6 x"), "(integer) 7");
        assert_eq!(kit.run("GET k"), "\"1234\0\0x\"");
        assert_eq!(kit.run("SETRANGE k 0 ab"), "(integer) 7");
        assert_eq!(kit.run("GETRANGE k 0 3"), "\"ab34\"");
        assert_eq!(kit.run("SETRANGE k 100 \"\""), "(integer) 7");
        assert_eq!(kit.run("SETRANGE none 100 \"\""), "(integer) 0");
        assert_eq!(kit.run("EXISTS none"), "(integer) 0");
        assert_eq!(kit.run("SETRANGE k 5000 end"), "(integer) 5003");
        assert_eq!(kit.run("GETRANGE k 4999 -1"), "\"\0end\"");
    }

    #[test]
    fn strings_do_not_grow_beyond_the_limit() {
        let mut kit = Kit::new();
        let too_long = "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        kit.run("SET k v");
        for offset in ["536870912", "9223372036854775807"] {
            let line = alloc::format!("SETRANGE k {offset} x");
            assert_eq!(kit.run(&line), too_long);
        }
        assert_eq!(
            kit.run("SETRANGE k -1 x"),
            "(error) ERR offset is out of range"
        );
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("SETRANGE k x x"), no_int);
        assert_eq!(kit.run("GET k"), "\"v\"");
    }
}
