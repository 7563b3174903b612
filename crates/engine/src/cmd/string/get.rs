//! Reading strings: GET, MGET, GETRANGE, STRLEN, and GETDEL and GETEX, which change the key too.

use core::ops::Range;

use vk_data::{
    num::{INT_TEXT_MAX, parse_i64},
    value::StrRef,
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Deprecation, Flags, Group, KeyFlags, KeySpec};

use super::{
    length,
    options::{Expiry, Known, Options},
    reply_string,
};
use crate::{
    Error,
    access::KeyRef,
    cmd::{
        Command, Run,
        generic::times::{delete_passed, expiry_ms, has_passed},
    },
    config::EventFlags,
    ctx::{ReadCtx, WriteCtx},
};

pub(super) const GET: Command = Command {
    spec: CommandSpec {
        name: "get",
        group: Group::String,
        since: "1.0.0",
        summary: "Tells the string of a key.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(get),
};

pub(super) const GETDEL: Command = Command {
    spec: CommandSpec {
        name: "getdel",
        group: Group::String,
        since: "6.2.0",
        summary: "Tells the string of a key and removes the key.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Write(getdel),
};

pub(super) const GETEX: Command = Command {
    spec: CommandSpec {
        name: "getex",
        group: Group::String,
        since: "6.2.0",
        summary: "Tells the string of a key and changes its expiry.",
        complexity: "O(1)",
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of(
                "expiration",
                &[
                    ArgSpec::integer("seconds").token("EX"),
                    ArgSpec::integer("milliseconds").token("PX"),
                    ArgSpec::unix_time("unix-time-seconds").token("EXAT"),
                    ArgSpec::unix_time("unix-time-milliseconds").token("PXAT"),
                    ArgSpec::pure_token("persist", "PERSIST"),
                ],
            )
            .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(getex),
};

pub(super) const GETRANGE: Command = Command {
    spec: CommandSpec {
        name: "getrange",
        group: Group::String,
        since: "2.4.0",
        summary: "Tells a part of a string.",
        complexity: "O(N) where N is the number of bytes told",
        arity: 4,
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("start"),
            ArgSpec::integer("end"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(getrange),
};

pub(super) const MGET: Command = Command {
    spec: CommandSpec {
        name: "mget",
        group: Group::String,
        since: "1.0.0",
        summary: "Tells the strings of several keys.",
        complexity: "O(N) where N is the number of keys",
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::STRING,
        tips: &["request_policy:multi_shard"],
        keys: &[KeySpec::range(
            1,
            -1,
            1,
            KeyFlags::RO.union(KeyFlags::ACCESS),
        )],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(mget),
};

pub(super) const STRLEN: Command = Command {
    spec: CommandSpec {
        name: "strlen",
        group: Group::String,
        since: "2.2.0",
        summary: "Tells the number of bytes of a string.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(strlen),
};

pub(super) const SUBSTR: Command = Command {
    spec: CommandSpec {
        name: "substr",
        group: Group::String,
        since: "1.0.0",
        summary: "Tells a part of a string.",
        complexity: "O(N) where N is the number of bytes told",
        deprecated: Some(Deprecation {
            since: "2.0.0",
            replaced_by: "`GETRANGE`",
        }),
        arity: 4,
        categories: Categories::STRING,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("start"),
            ArgSpec::integer("end"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(substr),
};

fn get(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    match ctx.string(key)? {
        Some(value) => reply_string(reply, value),
        None => reply.null(),
    }
    Ok(())
}

fn mget(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let keys = ctx.keys();
    reply.array(keys.len());
    for key in keys {
        match ctx.string(*key) {
            Ok(Some(value)) => reply_string(reply, value),
            _ => reply.null(),
        }
    }
    Ok(())
}

fn strlen(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let bytes = ctx.string(key)?.map_or(0, StrRef::byte_len);
    reply.int(length(bytes));
    Ok(())
}

fn substr(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    getrange(ctx, request, reply)
}

fn getrange(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let index = |word| {
        request
            .arg(word)
            .and_then(parse_i64)
            .ok_or(Error::NOT_AN_INTEGER)
    };
    let (first, last) = (index(2)?, index(3)?);
    let key = ctx.key(0)?;
    match ctx.string(key)? {
        None => reply.bulk(b""),
        Some(StrRef::Blob(blob)) => reply.blob(blob, span(blob.len(), first, last)),
        Some(value) => {
            let mut text = [0; INT_TEXT_MAX];
            let bytes = value.bytes(&mut text);
            let part = bytes.get(span(bytes.len(), first, last));
            reply.bulk(part.unwrap_or_default());
        }
    }
    Ok(())
}

/// The bytes from `first` to `last`, both included; negative ones count from the end.
fn span(len: usize, first: i64, last: i64) -> Range<usize> {
    let bytes = length(len);
    let from_start = |index: i64| {
        let index = if index < 0 {
            bytes.saturating_add(index)
        } else {
            index
        };
        usize::try_from(index).unwrap_or(0)
    };
    if first < 0 && last < 0 && first > last {
        return 0..0;
    }
    let start = from_start(first);
    let end = from_start(last).saturating_add(1).min(len);
    if start < end { start..end } else { 0..0 }
}

fn getdel(
    ctx: &mut WriteCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let Some(value) = ctx.string(key)? else {
        reply.null();
        return Ok(());
    };
    reply_string(reply, value);
    let mut writer = ctx.write(key);
    if writer.remove() {
        writer.commit(&[(EventFlags::GENERIC, "del")]);
        if ctx.wants_effects() {
            ctx.effect([b"DEL", key.bytes()]);
        }
    }
    Ok(())
}

fn getex(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    const KNOWN: Known = Known {
        exists: false,
        old_value: false,
        keep: false,
        persist: true,
    };
    let options = Options::parse(request, 2, KNOWN)?;
    let key = ctx.key(0)?;
    let Some(value) = ctx.string(key)? else {
        reply.null();
        return Ok(());
    };
    reply_string(reply, value);
    match options.expiry {
        Expiry::Unsaid | Expiry::Keep => {}
        Expiry::Persist => persist(ctx, key),
        Expiry::Time(form, word) => {
            let at = expiry_ms(ctx, form, word)?;
            if has_passed(ctx, at) {
                delete_passed(ctx, key);
            } else {
                expire_at(ctx, key, at);
            }
        }
    }
    Ok(())
}

fn persist(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>) {
    let mut writer = ctx.write(key);
    if writer.entry().and_then(|entry| entry.expire_ms()).is_none() {
        return;
    }
    writer.set_expire(None);
    writer.commit(&[(EventFlags::GENERIC, "persist")]);
    if ctx.wants_effects() {
        ctx.effect([b"PERSIST", key.bytes()]);
    }
}

fn expire_at(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, at_ms: i64) {
    let mut writer = ctx.write(key);
    writer.set_expire(Some(at_ms));
    writer.commit(&[(EventFlags::GENERIC, "expire")]);
    if ctx.wants_effects() {
        let mut digits = itoa::Buffer::new();
        ctx.effect([b"PEXPIREAT", key.bytes(), digits.format(at_ms).as_bytes()]);
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::span;
    use crate::{
        cmd::string::effects_of,
        testkit::{Kit, START_MS},
    };

    #[test]
    fn parts_are_counted_from_either_end() {
        assert_eq!(span(5, 0, -1), 0..5);
        assert_eq!(span(5, -3, -2), 2..4);
        assert_eq!(span(5, -100, 1), 0..2);
        assert_eq!(span(5, 3, 100), 3..5);
        for (first, last) in [(5, 9), (3, 2), (-1, -2), (0, -6), (i64::MIN, i64::MIN)] {
            assert!(span(5, first, last).len() <= 1, "{first} {last}");
        }
        assert_eq!(span(5, i64::MIN, i64::MAX), 0..5);
        assert_eq!(span(0, 0, -1), 0..0);
        let mut kit = Kit::new();
        kit.run("MSET k This_is_a_string n 1234");
        assert_eq!(kit.run("GETRANGE k 0 3"), "\"This\"");
        assert_eq!(kit.run("SUBSTR n -2 -1"), "\"34\"");
        assert_eq!(kit.run("GETRANGE none 0 -1"), "\"\"");
        assert_eq!(kit.run("STRLEN n"), "(integer) 4");
        assert_eq!(kit.run("STRLEN none"), "(integer) 0");
    }

    #[test]
    fn getex_changes_the_expiry() {
        let mut kit = Kit::new();
        kit.run("SET k v");
        assert_eq!(kit.run("GETEX k"), "\"v\"");
        assert_eq!(kit.run("TTL k"), "(integer) -1");
        let at = START_MS + 5000;
        assert_eq!(
            effects_of(&mut kit, "GETEX k EX 5"),
            format!("PEXPIREAT k {at}")
        );
        assert_eq!(effects_of(&mut kit, "GETEX k PERSIST"), "PERSIST k");
        assert_eq!(effects_of(&mut kit, "GETEX k PERSIST"), "");
        assert_eq!(effects_of(&mut kit, "GETEX k EXAT 1"), "UNLINK k");
        assert_eq!(kit.run("GETEX k EX x"), "(nil)");
        assert_eq!(kit.run("GETEX k KEEPTTL"), "(error) ERR syntax error");
        kit.run("SET k v");
        let invalid = "(error) ERR invalid expire time in 'getex' command";
        assert_eq!(kit.run("GETEX k PX 0"), invalid);
    }

    #[test]
    fn getdel_removes() {
        let mut kit = Kit::new();
        kit.run("SET k v");
        assert_eq!(effects_of(&mut kit, "GETDEL k"), "DEL k");
        assert_eq!(kit.run("GETDEL k"), "(nil)");
    }
}
