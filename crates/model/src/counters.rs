//! Strings as numbers: the INCR family. Floating point only where every format agrees exactly.

use crate::db::Entry;
use crate::naive::{self, Float};
use crate::options::{Accepts, Condition, Expiry, Options};
use crate::{Call, ModelReply, Outcome, not_an_integer, syntax_error};

const INCREX: Accepts = Accepts {
    nx_xx: true,
    ifeq: false,
    get: false,
    keepttl: false,
    persist: true,
};

pub(crate) fn incr(call: &mut Call<'_>) -> Outcome {
    add(call, 1)
}

pub(crate) fn decr(call: &mut Call<'_>) -> Outcome {
    add(call, -1)
}

pub(crate) fn incrby(call: &mut Call<'_>) -> Outcome {
    let by = call.int(2)?;
    add(call, by)
}

pub(crate) fn decrby(call: &mut Call<'_>) -> Outcome {
    let by = call.int(2)?.checked_neg();
    add(
        call,
        by.ok_or_else(|| ModelReply::error("decrement would overflow"))?,
    )
}

fn add(call: &mut Call<'_>, by: i64) -> Outcome {
    let old = current_int(call)?;
    let overflow = || ModelReply::error("increment or decrement would overflow");
    let new = old.checked_add(by).ok_or_else(overflow)?;
    replace(call, Entry::stored(new.to_string().as_bytes()));
    Ok(ModelReply::Int(new))
}

fn current_int(call: &mut Call<'_>) -> Result<i64, ModelReply> {
    match call.value(1) {
        None => Ok(0),
        Some(value) => naive::parse_int(&value).ok_or_else(not_an_integer),
    }
}

/// Stores a new value and keeps the expiry.
fn replace(call: &mut Call<'_>, mut entry: Entry) {
    entry.expire_ms = call.entry(1).and_then(|old| old.expire_ms);
    let key = call.args[1].clone();
    call.db().put(&key, entry);
}

pub(crate) fn incrbyfloat(call: &mut Call<'_>) -> Outcome {
    let old = call.value(1).unwrap_or_else(|| b"0".to_vec());
    let new = match (naive::parse_float(&old), naive::parse_float(&call.args[2])) {
        (Float::Invalid, _) | (_, Float::Invalid) => return Err(not_a_float()),
        (Float::Exact(old), Float::Exact(by)) => naive::exact(old + by),
        _ => Float::Unsure,
    };
    let Float::Exact(units) = new else {
        return Err(ModelReply::Unsure);
    };
    let text = naive::format_units(units);
    replace(call, Entry::text(text.as_bytes()));
    Ok(ModelReply::bulk(text.as_bytes()))
}

fn not_a_float() -> ModelReply {
    ModelReply::error("value is not a valid float")
}

/// The options of INCREX beside condition and expiry.
#[derive(Default)]
struct Bounds {
    by: i64,
    low: Option<i64>,
    high: Option<i64>,
    saturate: bool,
    enx: bool,
}

/// INCREX on integers. Unsure: floats, overflow of the type, a condition that is not met, and
/// whether a step that was clamped to nothing touches the expiry.
pub(crate) fn increx(call: &mut Call<'_>) -> Outcome {
    let (options, bounds) = increx_options(call)?;
    let at = call.expiry_ms(options.expiry)?;
    if bounds.enx && at.is_none() {
        return Err(ModelReply::Unsure);
    }
    let present = call.entry(1).is_some();
    match options.condition {
        Condition::Absent if present => return Err(ModelReply::Unsure),
        Condition::Present if !present => return Err(ModelReply::Unsure),
        _ => {}
    }
    let old = current_int(call)?;
    let wanted = old.checked_add(bounds.by).ok_or(ModelReply::Unsure)?;
    let (low, high) = (
        bounds.low.unwrap_or(i64::MIN),
        bounds.high.unwrap_or(i64::MAX),
    );
    if low > high {
        return Err(ModelReply::Unsure);
    }
    let new = if bounds.saturate {
        wanted.clamp(low, high)
    } else {
        wanted
    };
    if !(low..=high).contains(&new) {
        return Ok(pair(old, 0));
    }
    let applied = new.checked_sub(old).ok_or(ModelReply::Unsure)?;
    let turned = applied.signum() * bounds.by.signum() < 0;
    if turned || (applied == 0 && bounds.by != 0) {
        return Err(ModelReply::Unsure);
    }
    let (now_ms, key) = (call.now_ms, call.args[1].clone());
    let old_expiry = call.entry(1).and_then(|entry| entry.expire_ms);
    let mut entry = Entry::stored(new.to_string().as_bytes());
    match options.expiry {
        Expiry::At(..) if !(bounds.enx && old_expiry.is_some()) => {
            entry.expire_ms = at;
            call.db().put_unless_past(now_ms, &key, entry);
        }
        Expiry::Remove => call.db().put(&key, entry),
        _ => replace(call, entry),
    }
    Ok(pair(new, applied))
}

fn pair(value: i64, applied: i64) -> ModelReply {
    ModelReply::Array(vec![ModelReply::Int(value), ModelReply::Int(applied)])
}

fn increx_options(call: &Call<'_>) -> Result<(Options, Bounds), ModelReply> {
    let mut options = Options::default();
    let mut bounds = Bounds {
        by: 1,
        ..Bounds::default()
    };
    let mut at = 2;
    while at < call.args.len() {
        at += 1;
        // `at` is now the number of the options that have one.
        let number = || {
            if at < call.args.len() {
                call.int(at)
            } else {
                Err(syntax_error())
            }
        };
        if call.is_word(at - 1, "SATURATE") {
            bounds.saturate = true;
        } else if call.is_word(at - 1, "ENX") {
            bounds.enx = true;
        } else if call.is_word(at - 1, "BYFLOAT") {
            return Err(ModelReply::Unsure);
        } else if call.is_word(at - 1, "BYINT") {
            bounds.by = number()?;
            at += 1;
        } else if call.is_word(at - 1, "LBOUND") {
            bounds.low = Some(number()?);
            at += 1;
        } else if call.is_word(at - 1, "UBOUND") {
            bounds.high = Some(number()?);
            at += 1;
        } else {
            at = options
                .read(call, at - 1, INCREX)
                .ok_or_else(syntax_error)?;
        }
    }
    Ok((options, bounds))
}
