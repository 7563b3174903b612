//! INCREX: a counter with bounds, a condition and an expiry.
//!
//! The reply is the new value and what was added. A sum beyond a bound is refused, which leaves
//! the key as it is, or cut to the bound (SATURATE). Source:
//! <https://valkey.io/commands/increx/>.

use alloc::{format, string::String};
use core::cmp::Ordering;

use vk_data::{long_double::LongDouble, num::parse_i64, value::NewValue};
use vk_resp::{Protocol, ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{
    counters,
    options::{Expiry, Known, Options},
};
use crate::{
    Error,
    access::KeyRef,
    cmd::{
        Command, Run,
        generic::times::{delete_passed, has_passed},
    },
    config::EventFlags,
    ctx::{Expire, WriteCtx, Writer},
};

pub(super) const INCREX: Command = Command {
    spec: CommandSpec {
        name: "increx",
        group: Group::String,
        since: "9.2.0",
        summary: "Adds to the number of a key, within bounds, and may change its expiry.",
        arity: -2,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of(
                "condition",
                &[
                    ArgSpec::pure_token("nx", "NX"),
                    ArgSpec::pure_token("xx", "XX"),
                ],
            )
            .optional(),
            ArgSpec::one_of(
                "expiration",
                &[
                    ArgSpec::integer("ex").token("EX"),
                    ArgSpec::integer("px").token("PX"),
                    ArgSpec::unix_time("unix-time-seconds").token("EXAT"),
                    ArgSpec::unix_time("unix-time-milliseconds").token("PXAT"),
                    ArgSpec::pure_token("persist", "PERSIST"),
                ],
            )
            .optional(),
            ArgSpec::pure_token("enx", "ENX").optional(),
            ArgSpec::one_of(
                "value",
                &[
                    ArgSpec::integer("integer").token("BYINT"),
                    ArgSpec::double("float").token("BYFLOAT"),
                ],
            )
            .optional(),
            ArgSpec::string("lowerbound").token("LBOUND").optional(),
            ArgSpec::string("upperbound").token("UBOUND").optional(),
            ArgSpec::pure_token("saturate", "SATURATE").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(increx),
};

fn increx(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let counter = Counter::parse(request)?;
    let mut expire = counter.options.expire(ctx, Expire::Keep)?;
    let mut passed = matches!(expire, Expire::At(at) if has_passed(ctx, at));
    let key = ctx.key(0)?;
    let writer = ctx.write(key);
    if !counter.options.condition.is_met(&writer)? {
        reply.null();
        return Ok(());
    }
    let had_expiry = expires(&writer);
    if counter.only_new_expiry && had_expiry {
        (expire, passed) = (Expire::Keep, false);
    }
    let (by, bounds) = counter.numbers()?;
    if passed {
        drop(writer);
        delete_passed(ctx, key);
        reply.null();
        return Ok(());
    }
    let old = writer.string()?;
    let outcome = match by {
        Number::Int(by) => {
            let old = old.map_or(Ok(0), counters::integer)?;
            step_int(old, by, &bounds)?
        }
        Number::Float(by) => {
            let old = old.map_or(Ok(LongDouble::ZERO), counters::float)?;
            step_float(old, by, &bounds)?
        }
    };
    reply.array(2);
    outcome.value.tell(reply);
    outcome.added.tell(reply);
    if outcome.stored {
        let text = store(writer, outcome.value, expire);
        if ctx.wants_effects() {
            hand_on(ctx, key, text.as_bytes(), expire);
        }
    }
    Ok(())
}

fn expires(writer: &Writer<'_>) -> bool {
    writer.entry().and_then(|entry| entry.expire_ms()).is_some()
}

/// Stores the number; its text is returned.
fn store(mut writer: Writer<'_>, value: Number, expire: Expire) -> String {
    let had_expiry = expires(&writer);
    let (text, event) = match value {
        Number::Int(value) => {
            writer.put(NewValue::Int(value), expire);
            (itoa::Buffer::new().format(value).into(), "incrby")
        }
        Number::Float(value) => {
            let text: String = value.to_human();
            writer.put(NewValue::Bytes(text.as_bytes()), expire);
            (text, "incrbyfloat")
        }
    };
    let event = (EventFlags::STRING, event);
    match expire {
        Expire::At(_) => writer.commit(&[event, (EventFlags::GENERIC, "expire")]),
        Expire::Never if had_expiry => writer.commit(&[event, (EventFlags::GENERIC, "persist")]),
        Expire::Never | Expire::Keep => writer.commit(&[event]),
    }
    text
}

/// The sum is handed on, so that nobody has to add in the same way.
fn hand_on(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, text: &[u8], expire: Expire) {
    match expire {
        Expire::At(at) => {
            let mut digits = itoa::Buffer::new();
            let at = digits.format(at).as_bytes();
            ctx.effect([b"SET", key.bytes(), text, b"PXAT", at]);
        }
        Expire::Keep => ctx.effect([b"SET", key.bytes(), text, b"KEEPTTL"]),
        Expire::Never => ctx.effect([b"SET", key.bytes(), text]),
    }
}

/// The number that is counted with.
#[derive(Debug, Clone, Copy)]
enum Number {
    Int(i64),
    Float(LongDouble),
}

impl Number {
    /// An integer, or a double by its digits.
    fn tell(self, reply: &mut ReplyBuf) {
        match self {
            Self::Int(number) => reply.int(number),
            Self::Float(number) => {
                let text = number.to_human();
                match reply.protocol() {
                    Protocol::Resp2 => reply.bulk(text.as_bytes()),
                    // More digits than a double has: the encoder of doubles would drop some.
                    Protocol::Resp3 => reply.raw(format!(",{text}\r\n").as_bytes()),
                }
            }
        }
    }

    fn int(self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(number),
            Self::Float(_) => None,
        }
    }

    fn float(self) -> Option<LongDouble> {
        match self {
            Self::Int(_) => None,
            Self::Float(number) => Some(number),
        }
    }
}

/// What a step comes to.
struct Outcome {
    /// The value that the key holds afterwards.
    value: Number,
    added: Number,
    /// Whether the value is new.
    stored: bool,
}

/// Between which numbers the sum may be, of the same kind as the step.
struct Bounds {
    low: Option<Number>,
    high: Option<Number>,
    saturate: bool,
}

fn step_int(old: i64, by: i64, bounds: &Bounds) -> Result<Outcome, Error> {
    let low = bounds.low.and_then(Number::int);
    let high = bounds.high.and_then(Number::int);
    let sum = i128::from(old) + i128::from(by);
    let (least, most) = (low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX));
    let stays = Outcome {
        value: Number::Int(old),
        added: Number::Int(0),
        stored: false,
    };
    let new = match i64::try_from(sum) {
        Ok(new) if (least..=most).contains(&new) => new,
        _ if bounds.saturate && sum > i128::from(most) => most,
        _ if bounds.saturate => least,
        Ok(_) => return Ok(stays),
        Err(_) if (sum > 0 && high.is_some()) || (sum < 0 && low.is_some()) => return Ok(stays),
        Err(_) => return Err(Error::INCR_OVERFLOW),
    };
    // Cut from one end of the range to the other, the difference may be beyond it.
    let added = i128::from(new) - i128::from(old);
    let added = added.clamp(i64::MIN.into(), i64::MAX.into());
    Ok(Outcome {
        value: Number::Int(new),
        added: Number::Int(i64::try_from(added).unwrap_or(by)),
        stored: true,
    })
}

fn step_float(old: LongDouble, by: LongDouble, bounds: &Bounds) -> Result<Outcome, Error> {
    let sum = old + by;
    let beyond = |bound: Option<Number>, side| {
        let bound = bound.and_then(Number::float)?;
        (sum.partial_cmp(&bound) == Some(side)).then_some(bound)
    };
    let crossed =
        beyond(bounds.low, Ordering::Less).or_else(|| beyond(bounds.high, Ordering::Greater));
    let (value, added, stored) = match crossed {
        None => (sum, by, true),
        Some(bound) if bounds.saturate => (bound, bound + -old, true),
        Some(_) => (old, LongDouble::ZERO, false),
    };
    if !value.is_finite() {
        return Err(Error::INCR_NAN);
    }
    Ok(Outcome {
        value: Number::Float(value),
        added: Number::Float(added),
        stored,
    })
}

/// What INCREX is asked for.
#[derive(Default)]
struct Counter<'r> {
    options: Options<'r>,
    by_int: Option<&'r [u8]>,
    by_float: Option<&'r [u8]>,
    low: Option<&'r [u8]>,
    high: Option<&'r [u8]>,
    saturate: bool,
    /// ENX: the expiry is set if there is none.
    only_new_expiry: bool,
}

impl<'r> Counter<'r> {
    fn parse(request: Request<'r>) -> Result<Self, Error> {
        const KNOWN: Known = Known {
            exists: true,
            old_value: false,
            keep: false,
            persist: true,
        };
        let mut counter = Self::default();
        let rest = request.skip(2);
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let place = if is("BYINT") {
                &mut counter.by_int
            } else if is("BYFLOAT") {
                &mut counter.by_float
            } else if is("LBOUND") {
                &mut counter.low
            } else if is("UBOUND") {
                &mut counter.high
            } else {
                if is("SATURATE") {
                    counter.saturate = true;
                } else if is("ENX") {
                    counter.only_new_expiry = true;
                } else if !counter.options.take(word, &mut words, KNOWN)? {
                    return Err(Error::SYNTAX);
                }
                continue;
            };
            *place = Some(words.next().ok_or(Error::SYNTAX)?);
        }
        let persists = counter.options.expiry == Expiry::Persist;
        if (counter.by_int.is_some() && counter.by_float.is_some())
            || (counter.only_new_expiry && persists)
        {
            return Err(Error::SYNTAX);
        }
        if counter.only_new_expiry && !matches!(counter.options.expiry, Expiry::Time(..)) {
            return Err(Error::ENX_WITHOUT_EXPIRY);
        }
        Ok(counter)
    }

    /// The step and the bounds, all of the kind that the step has.
    fn numbers(&self) -> Result<(Number, Bounds), Error> {
        let number = |word: &[u8]| match self.by_float {
            None => parse_i64(word)
                .map(Number::Int)
                .ok_or(Error::NOT_AN_INTEGER),
            Some(_) => LongDouble::parse(word)
                .map(Number::Float)
                .ok_or(Error::NOT_A_FLOAT),
        };
        let by = number(self.by_float.or(self.by_int).unwrap_or(b"1"))?;
        let bounds = Bounds {
            low: self.low.map(number).transpose()?,
            high: self.high.map(number).transpose()?,
            saturate: self.saturate,
        };
        let crossed = match (bounds.low, bounds.high) {
            (Some(Number::Int(low)), Some(Number::Int(high))) => low > high,
            (Some(Number::Float(low)), Some(Number::Float(high))) => low > high,
            _ => false,
        };
        if crossed {
            return Err(Error::BOUNDS_CROSSED);
        }
        Ok((by, bounds))
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn counts_within_bounds() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("INCREX n"), "[(integer) 1, (integer) 1]");
        assert_eq!(
            kit.run("INCREX n BYINT 5 UBOUND 4"),
            "[(integer) 1, (integer) 0]"
        );
        assert_eq!(
            kit.run("INCREX n BYINT 5 UBOUND 4 SATURATE EX 10"),
            "[(integer) 4, (integer) 3]"
        );
        assert_eq!(kit.run("TTL n"), "(integer) 10");
        assert_eq!(kit.run("INCREX n EX 20 ENX"), "[(integer) 5, (integer) 1]");
        assert_eq!(kit.run("TTL n"), "(integer) 10");
        assert_eq!(kit.run("INCREX n PERSIST"), "[(integer) 6, (integer) 1]");
        assert_eq!(kit.run("TTL n"), "(integer) -1");
        assert_eq!(
            kit.run("INCREX n BYINT -9 LBOUND 0 SATURATE"),
            "[(integer) 0, (integer) -6]"
        );
        assert_eq!(kit.run("INCREX n NX"), "(nil)");
        assert_eq!(kit.run("INCREX m XX"), "(nil)");
        assert_eq!(kit.run("INCREX n PXAT 1"), "(nil)");
        assert_eq!(kit.run("EXISTS n m"), "(integer) 0");
    }

    #[test]
    fn counts_with_floats() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("INCREX f BYFLOAT 1.5"), "[\"1.5\", \"1.5\"]");
        assert_eq!(
            kit.run("INCREX f BYFLOAT 0.75 UBOUND 2"),
            "[\"1.5\", \"0\"]"
        );
        assert_eq!(
            kit.run("INCREX f BYFLOAT 0.75 UBOUND 2 SATURATE"),
            "[\"2\", \"0.5\"]"
        );
        assert_eq!(
            kit.run("INCREX f BYFLOAT -inf"),
            "(error) ERR increment would produce NaN or Infinity"
        );
        assert_eq!(kit.run("INCREX f BYFLOAT 0.5"), "[\"2.5\", \"0.5\"]");
        assert_eq!(
            kit.run("INCREX f"),
            "(error) ERR value is not an integer or out of range"
        );
        kit.run("HELLO 3");
        assert!(kit.run("INCREX f BYFLOAT 0.25").contains("2.75"));
    }

    #[test]
    fn refuses_what_contradicts_itself() {
        let mut kit = Kit::new();
        kit.run("SET n 9223372036854775807");
        let overflow = "(error) ERR increment or decrement would overflow";
        assert_eq!(kit.run("INCREX n"), overflow);
        assert_eq!(
            kit.run("INCREX n SATURATE"),
            "[(integer) 9223372036854775807, (integer) 0]"
        );
        for line in [
            "INCREX n BYINT",
            "INCREX n PERSIST EX 1",
            "INCREX n ENX PERSIST",
            "INCREX n BYINT 1 BYFLOAT 1",
            "INCREX n NX XX",
            "INCREX n KEEPTTL",
            "INCREX n LBOUND",
        ] {
            assert_eq!(kit.run(line), "(error) ERR syntax error", "{line}");
        }
        let no_time = "(error) ERR ENX flag requires an expiration";
        assert_eq!(kit.run("INCREX n ENX"), no_time);
        let crossed = "(error) ERR LBOUND is greater than UBOUND";
        assert_eq!(kit.run("INCREX n LBOUND 2 UBOUND 1"), crossed);
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("INCREX n UBOUND 1.5"), no_int);
    }
}
