//! One bit: GETBIT, SETBIT.

use vk_data::{
    bits,
    num::{INT_TEXT_MAX, parse_i64},
    value::{NewValue, StrRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::bit_offset;
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Expire, ReadCtx, WriteCtx},
};

pub(super) const GETBIT: Command = Command {
    spec: CommandSpec {
        name: "getbit",
        group: Group::Bitmap,
        since: "2.2.0",
        summary: "Tells one bit of a string.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::BITMAP,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::integer("offset")],
        ..CommandSpec::NEW
    },
    run: Run::Read(getbit),
};

pub(super) const SETBIT: Command = Command {
    spec: CommandSpec {
        name: "setbit",
        group: Group::Bitmap,
        since: "2.2.0",
        summary: "Sets or clears one bit of a string, which is made or made longer as needed.",
        complexity: "O(1)",
        arity: 4,
        flags: Flags::DENYOOM,
        categories: Categories::BITMAP,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("offset"),
            ArgSpec::integer("value"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(setbit),
};

fn getbit(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let offset = bit_offset(ctx, request.arg(2).unwrap_or_default(), 1)?;
    let key = ctx.key(0)?;
    let value = ctx.string(key)?;
    let is_on = value.is_some_and(|value| bits::bit(value.bytes(&mut [0; INT_TEXT_MAX]), offset));
    reply.int(is_on.into());
    Ok(())
}

fn setbit(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let offset = bit_offset(ctx, request.arg(2).unwrap_or_default(), 1)?;
    let on = match request.arg(3).and_then(parse_i64) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Error::BAD_BIT),
    };
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let old_len = writer.string()?.map(StrRef::byte_len);
    let needed = usize::try_from(offset / 8 + 1).map_err(|_| Error::BAD_BIT_OFFSET)?;
    if old_len.is_none() {
        writer.put(NewValue::Raw(b""), Expire::Never);
    }
    let mut was_on = false;
    let len = needed.max(old_len.unwrap_or(0));
    let place = needed - 1..needed;
    writer.update_bytes(len, &[place], |bytes| {
        was_on = bits::bit(bytes, offset);
        bits::set_bit(bytes, offset, on);
    });
    if was_on != on || old_len.is_none_or(|old| old < needed) {
        writer.commit(&[(EventFlags::STRING, "setbit")]);
    } else {
        writer.unchanged();
    }
    reply.int(was_on.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn bits_are_set_and_told() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("SETBIT k 7 1"), "(integer) 0");
        assert_eq!(kit.run("SETBIT k 7 1"), "(integer) 1");
        assert_eq!(kit.run("GET k"), "\"\u{1}\"");
        assert_eq!(kit.run("GETBIT k 7"), "(integer) 1");
        assert_eq!(kit.run("GETBIT k 8"), "(integer) 0");
        assert_eq!(kit.run("GETBIT none 8"), "(integer) 0");
        assert_eq!(kit.run("SETBIT k 20 0"), "(integer) 0");
        assert_eq!(kit.run("STRLEN k"), "(integer) 3");
        kit.run("SET n 12");
        assert_eq!(kit.run("GETBIT n 3"), "(integer) 1");
        assert_eq!(kit.run("SETBIT n 3 0"), "(integer) 1");
        assert_eq!(kit.run("GET n"), "\"!2\"");
    }

    #[test]
    fn words_that_are_no_bits() {
        let mut kit = Kit::new();
        let offset = "(error) ERR bit offset is not an integer or out of range";
        for line in [
            "SETBIT k -1 1",
            "SETBIT k x 1",
            "SETBIT k 4294967296 1",
            "GETBIT k 4294967296",
            "GETBIT k 9223372036854775807",
        ] {
            assert_eq!(kit.run(line), offset, "{line}");
        }
        let bit = "(error) ERR bit is not an integer or out of range";
        for value in ["2", "-1", "x"] {
            assert_eq!(kit.run(&alloc::format!("SETBIT k 0 {value}")), bit);
        }
        assert_eq!(kit.run("EXISTS k"), "(integer) 0");
    }

    #[test]
    fn only_changes_count() {
        let mut kit = Kit::new();
        let effects = |kit: &mut Kit, line: &str| crate::cmd::string::effects_of(kit, line);
        assert_eq!(effects(&mut kit, "SETBIT k 9 0"), "SETBIT k 9 0");
        assert_eq!(effects(&mut kit, "SETBIT k 9 0"), "");
        assert_eq!(effects(&mut kit, "SETBIT k 9 1"), "SETBIT k 9 1");
    }
}
