//! Counting: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.

use vk_data::{
    long_double::LongDouble,
    num::{INT_TEXT_MAX, parse_i64},
    value::{NewValue, StrRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Expire, WriteCtx},
};

pub(super) const DECR: Command = Command {
    spec: CommandSpec {
        name: "decr",
        group: Group::String,
        since: "1.0.0",
        summary: "Takes one from the integer of a key, which begins at 0.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Write(decr),
};

pub(super) const DECRBY: Command = Command {
    spec: CommandSpec {
        name: "decrby",
        group: Group::String,
        since: "1.0.0",
        summary: "Takes from the integer of a key, which begins at 0.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[ArgSpec::key("key", 0), ArgSpec::integer("decrement")],
        ..CommandSpec::NEW
    },
    run: Run::Write(decrby),
};

pub(super) const INCR: Command = Command {
    spec: CommandSpec {
        name: "incr",
        group: Group::String,
        since: "1.0.0",
        summary: "Adds one to the integer of a key, which begins at 0.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Write(incr),
};

pub(super) const INCRBY: Command = Command {
    spec: CommandSpec {
        name: "incrby",
        group: Group::String,
        since: "1.0.0",
        summary: "Adds to the integer of a key, which begins at 0.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[ArgSpec::key("key", 0), ArgSpec::integer("increment")],
        ..CommandSpec::NEW
    },
    run: Run::Write(incrby),
};

pub(super) const INCRBYFLOAT: Command = Command {
    spec: CommandSpec {
        name: "incrbyfloat",
        group: Group::String,
        since: "2.6.0",
        summary: "Adds to the floating-point number of a key, which begins at 0.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[ArgSpec::key("key", 0), ArgSpec::double("increment")],
        ..CommandSpec::NEW
    },
    run: Run::Write(incrbyfloat),
};

fn incr(ctx: &mut WriteCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    add(ctx, 1, reply)
}

fn decr(ctx: &mut WriteCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    add(ctx, -1, reply)
}

fn incrby(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    add(ctx, step(request)?, reply)
}

fn decrby(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let by = step(request)?.checked_neg().ok_or(Error::DECR_OVERFLOW)?;
    add(ctx, by, reply)
}

fn step(request: Request<'_>) -> Result<i64, Error> {
    request
        .arg(2)
        .and_then(parse_i64)
        .ok_or(Error::NOT_AN_INTEGER)
}

fn add(ctx: &mut WriteCtx<'_>, by: i64, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let old = writer.string()?.map_or(Ok(0), integer)?;
    let new = old.checked_add(by).ok_or(Error::INCR_OVERFLOW)?;
    writer.put(NewValue::Int(new), Expire::Keep);
    writer.commit(&[(EventFlags::STRING, "incrby")]);
    reply.int(new);
    Ok(())
}

fn incrbyfloat(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let old = writer.string()?.map_or(Ok(LongDouble::ZERO), float)?;
    let by = request.arg(2).and_then(LongDouble::parse);
    let sum = old + by.ok_or(Error::NOT_A_FLOAT)?;
    if !sum.is_finite() {
        return Err(Error::INCR_NAN);
    }
    let text = sum.to_human();
    writer.put(NewValue::Bytes(text.as_bytes()), Expire::Keep);
    writer.commit(&[(EventFlags::STRING, "incrbyfloat")]);
    reply.bulk(text.as_bytes());
    // The sum is handed on, so that nobody has to add in the same way.
    if ctx.wants_effects() {
        ctx.effect([b"SET", key.bytes(), text.as_bytes(), b"KEEPTTL"]);
    }
    Ok(())
}

/// A stored value as an integer.
pub(super) fn integer(value: StrRef<'_>) -> Result<i64, Error> {
    match value {
        StrRef::Int(number) => Some(number),
        StrRef::Bytes(bytes) => parse_i64(bytes),
        StrRef::Blob(blob) => parse_i64(blob),
    }
    .ok_or(Error::NOT_AN_INTEGER)
}

/// A stored value as a floating-point number.
pub(super) fn float(value: StrRef<'_>) -> Result<LongDouble, Error> {
    if let StrRef::Int(number) = value {
        return Ok(LongDouble::from(number));
    }
    let mut text = [0; INT_TEXT_MAX];
    LongDouble::parse(value.bytes(&mut text)).ok_or(Error::NOT_A_FLOAT)
}

#[cfg(test)]
mod tests {
    use crate::{cmd::string::effects_of, testkit::Kit};

    #[test]
    fn counts_and_keeps_the_expiry() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("INCR n"), "(integer) 1");
        kit.run("EXPIRE n 50");
        assert_eq!(kit.run("INCRBY n 9"), "(integer) 10");
        assert_eq!(kit.run("DECR n"), "(integer) 9");
        assert_eq!(kit.run("DECRBY n -1"), "(integer) 10");
        assert_eq!(kit.run("INCRBYFLOAT n 0.5"), "\"10.5\"");
        assert_eq!(kit.run("TTL n"), "(integer) 50");
        assert_eq!(
            effects_of(&mut kit, "INCRBYFLOAT n 0.5"),
            "SET n 11 KEEPTTL"
        );
        assert_eq!(kit.run("INCR n"), "(integer) 12");
        assert_eq!(effects_of(&mut kit, "INCR n"), "INCR n");
    }

    #[test]
    fn refuses_what_is_no_number_or_too_large() {
        let mut kit = Kit::new();
        let no_int = "(error) ERR value is not an integer or out of range";
        let overflow = "(error) ERR increment or decrement would overflow";
        kit.run("MSET s abc max 9223372036854775807 min -9223372036854775808");
        assert_eq!(kit.run("INCR s"), no_int);
        assert_eq!(kit.run("INCRBY max 1.5"), no_int);
        assert_eq!(kit.run("INCR max"), overflow);
        assert_eq!(kit.run("DECR min"), overflow);
        let smallest = "DECRBY s -9223372036854775808";
        assert_eq!(kit.run(smallest), "(error) ERR decrement would overflow");
        let no_float = "(error) ERR value is not a valid float";
        assert_eq!(kit.run("INCRBYFLOAT s 1"), no_float);
        assert_eq!(kit.run("INCRBYFLOAT max x"), no_float);
        let nan = "(error) ERR increment would produce NaN or Infinity";
        assert_eq!(kit.run("INCRBYFLOAT max +inf"), nan);
        assert_eq!(kit.run("GET max"), "\"9223372036854775807\"");
    }
}
