//! Counting in fields: HINCRBY, HINCRBYFLOAT.

use vk_data::{
    hash::{FieldExpire, FieldValue, HashRef, Put},
    listpack::EMPTY,
    long_double::LongDouble,
    num::{INT_TEXT_MAX, format_i64, parse_i64},
    pack::PackKind,
    value::{NewValue, StrRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{EXPIRED, count_expired, edit, limits, now_ms};
use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const HINCRBY: Command = Command {
    spec: CommandSpec {
        name: "hincrby",
        group: Group::Hash,
        since: "2.0.0",
        summary: "Adds to the integer of a field, which begins at 0.",
        complexity: "O(1)",
        arity: 4,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::HASH,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("field"),
            ArgSpec::integer("increment"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(hincrby),
};

pub(super) const HINCRBYFLOAT: Command = Command {
    spec: CommandSpec {
        name: "hincrbyfloat",
        group: Group::Hash,
        since: "2.6.0",
        summary: "Adds to the floating-point number of a field, which begins at 0.",
        complexity: "O(1)",
        arity: 4,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::HASH,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("field"),
            ArgSpec::double("increment"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(hincrbyfloat),
};

fn hincrby(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let by = request
        .arg(3)
        .and_then(parse_i64)
        .ok_or(Error::NOT_AN_INTEGER)?;
    let (key, name) = (ctx.key(0)?, request.arg(2).unwrap_or_default());
    let sum = change(ctx, key, name, "hincrby", |old| {
        let old = old.map_or(Ok(0), integer)?;
        let sum = old.checked_add(by).ok_or(Error::INCR_OVERFLOW)?;
        Ok((sum, Digits::of(sum)))
    })?;
    reply.int(sum.value);
    if sum.may_differ {
        sum.hand_on(ctx, key, name, sum.text.bytes());
    }
    Ok(())
}

fn hincrbyfloat(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let by = request.arg(3).and_then(LongDouble::parse);
    let by = by.ok_or(Error::NOT_A_FLOAT)?;
    if !by.is_finite() {
        return Err(Error::NAN_OR_INFINITY);
    }
    let (key, name) = (ctx.key(0)?, request.arg(2).unwrap_or_default());
    let sum = change(ctx, key, name, "hincrbyfloat", |old| {
        let sum = old.map_or(Ok(LongDouble::ZERO), float)? + by;
        if !sum.is_finite() {
            return Err(Error::INCR_NAN);
        }
        Ok(((), sum.to_human()))
    })?;
    reply.bulk(sum.text.as_bytes());
    // The sum is handed on, so that nobody has to add in the same way.
    sum.hand_on(ctx, key, name, sum.text.as_bytes());
    Ok(())
}

/// What a field holds after a change.
struct Changed<V, T> {
    value: V,
    text: T,
    /// When the field expires.
    expire_ms: Option<i64>,
    /// Fields of the hash expire, so the same change elsewhere may begin with another value.
    may_differ: bool,
}

impl<V, T> Changed<V, T> {
    /// Hands the result on as an effect.
    fn hand_on(&self, ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, name: &[u8], text: &[u8]) {
        if !ctx.wants_effects() {
            return;
        }
        let Some(at_ms) = self.expire_ms else {
            ctx.effect([b"HSET", key.bytes(), name, text]);
            return;
        };
        let mut digits = itoa::Buffer::new();
        let at = digits.format(at_ms).as_bytes();
        let key = key.bytes();
        ctx.effect([b"HSETEX", key, b"PXAT", at, b"FIELDS", b"1", name, text]);
    }
}

/// Replaces the value of a field by what `compute` makes of it; the expiry stays.
fn change<V, T: AsRef<[u8]>>(
    ctx: &mut WriteCtx<'_>,
    key: KeyRef<'_>,
    name: &[u8],
    event: &'static str,
    compute: impl FnOnce(Option<StrRef<'_>>) -> Result<(V, T), Error>,
) -> Result<Changed<V, T>, Error> {
    let (limits, now) = (limits(ctx), now_ms(ctx));
    let mut writer = ctx.write(key);
    let hash = writer.view::<HashRef<'_>>()?;
    let (value, text) = compute(hash.and_then(|hash| hash.get(name, now)))?;
    let may_differ = hash.is_some_and(HashRef::has_expiry);
    let expiry = hash.filter(|_| may_differ);
    let expire_ms = expiry.and_then(|hash| hash.expiry(name, now)).flatten();
    if hash.is_none() {
        drop(writer.modify_or_put(NewValue::Pack(PackKind::Hash, &EMPTY)));
    }
    let put = edit(&mut writer, |hash| {
        let value = FieldValue::Bytes(text.as_ref());
        hash.set(name, value, FieldExpire::Keep, now, &limits)
    });
    if put == Some(Put::AddedOverExpired) {
        writer.commit(&[EXPIRED, (EventFlags::HASH, event)]);
        count_expired(ctx, 1);
    } else {
        writer.commit(&[(EventFlags::HASH, event)]);
    }
    Ok(Changed {
        value,
        text,
        expire_ms,
        may_differ,
    })
}

/// The decimal form of an integer.
struct Digits {
    text: [u8; INT_TEXT_MAX],
    len: usize,
}

impl Digits {
    fn of(number: i64) -> Self {
        let mut text = [0; INT_TEXT_MAX];
        let mut digits = [0; INT_TEXT_MAX];
        let shown = format_i64(number, &mut digits);
        for (to, from) in text.iter_mut().zip(shown) {
            *to = *from;
        }
        Self {
            text,
            len: shown.len(),
        }
    }

    fn bytes(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for Digits {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

/// A stored value as an integer.
fn integer(value: StrRef<'_>) -> Result<i64, Error> {
    match value {
        StrRef::Int(number) => Some(number),
        StrRef::Bytes(bytes) => parse_i64(bytes),
        StrRef::Blob(_) => None,
    }
    .ok_or(Error::HASH_NOT_AN_INTEGER)
}

/// A stored value as a floating-point number.
fn float(value: StrRef<'_>) -> Result<LongDouble, Error> {
    let mut text = [0; INT_TEXT_MAX];
    LongDouble::parse(value.bytes(&mut text)).ok_or(Error::HASH_NOT_A_FLOAT)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{
        cmd::string::effects_of,
        testkit::{Kit, START_MS},
    };

    #[test]
    fn counts() {
        let mut kit = Kit::new();
        for entries in [0, 512] {
            kit.run(&format!("CONFIG SET hash-max-listpack-entries {entries}"));
            kit.run("DEL h");
            assert_eq!(kit.run("HINCRBY h n 5"), "(integer) 5");
            assert_eq!(kit.run("HINCRBY h n -15"), "(integer) -10");
            assert_eq!(kit.run("HINCRBYFLOAT h n 0.5"), "\"-9.5\"");
            assert_eq!(kit.run("HINCRBYFLOAT h new 3.0e2"), "\"300\"");
            assert_eq!(kit.run("HINCRBY h new 1"), "(integer) 301");
            assert_eq!(kit.run("HGETALL h").matches('"').count(), 8);
        }
    }

    #[test]
    fn refuses_what_is_no_number_or_too_large() {
        let mut kit = Kit::new();
        kit.run("HSET h s abc max 9223372036854775807 min -9223372036854775808 spaced");
        kit.run("HSET h s abc max 9223372036854775807 min -9223372036854775808");
        let overflow = "(error) ERR increment or decrement would overflow";
        assert_eq!(kit.run("HINCRBY h max 1"), overflow);
        assert_eq!(kit.run("HINCRBY h min -1"), overflow);
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("HINCRBY h s 1.5"), no_int);
        assert_eq!(kit.run("HINCRBY h s x"), no_int);
        assert_eq!(
            kit.run("HINCRBY h s 1"),
            "(error) ERR hash value is not an integer"
        );
        assert_eq!(
            kit.run("HINCRBYFLOAT h s 1"),
            "(error) ERR hash value is not a float"
        );
        let no_float = "(error) ERR value is not a valid float";
        assert_eq!(kit.run("HINCRBYFLOAT h max x"), no_float);
        assert_eq!(
            kit.run("HINCRBYFLOAT h max inf"),
            "(error) ERR value is NaN or Infinity"
        );
        assert_eq!(kit.run("HGET h max"), "\"9223372036854775807\"");
        assert_eq!(kit.run("HLEN h"), "(integer) 3");
    }

    #[test]
    fn hands_on_what_it_came_to() {
        let mut kit = Kit::new();
        assert_eq!(effects_of(&mut kit, "HINCRBY h n 1"), "HINCRBY h n 1");
        assert_eq!(effects_of(&mut kit, "HINCRBYFLOAT h n 1.5"), "HSET h n 2.5");
        let at = START_MS + 100;
        kit.run("HSETEX h PX 100 FIELDS 1 e 7");
        assert_eq!(effects_of(&mut kit, "HINCRBY h m 1"), "HSET h m 1");
        assert_eq!(
            effects_of(&mut kit, "HINCRBY h e 1"),
            format!("HSETEX h PXAT {at} FIELDS 1 e 8")
        );
        assert_eq!(
            effects_of(&mut kit, "HINCRBYFLOAT h e 1"),
            format!("HSETEX h PXAT {at} FIELDS 1 e 9")
        );
        assert_eq!(kit.run("HPTTL h FIELDS 1 e"), "[(integer) 100]");
        kit.sleep_ms(101);
        assert_eq!(effects_of(&mut kit, "HINCRBY h e 1"), "HSET h e 1");
        assert_eq!(kit.run("HPTTL h FIELDS 1 e"), "[(integer) -1]");
    }
}
