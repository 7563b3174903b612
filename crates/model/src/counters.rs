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
    match call.value(1)? {
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
    let old = call.value(1)?.unwrap_or_else(|| b"0".to_vec());
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

/// A number of the request, or what is wrong with it.
type Number = Result<i64, ModelReply>;

/// The options of INCREX beside condition and expiry.
#[derive(Default)]
struct Bounds {
    by: Option<Number>,
    low: Option<Number>,
    high: Option<Number>,
    saturate: bool,
    enx: bool,
}

/// INCREX on integers. Unsure: floats, overflow of the type, a condition that is not met, an expiry
/// in the past, whether a step that was clamped to nothing touches the expiry, and which of several
/// errors comes first.
pub(crate) fn increx(call: &mut Call<'_>) -> Outcome {
    let (options, bounds) = increx_options(call)?;
    let present = call.entry(1).is_some();
    match options.condition {
        Condition::Absent if present => return Err(ModelReply::Unsure),
        Condition::Present if !present => return Err(ModelReply::Unsure),
        _ => {}
    }
    let by = bounds.by.unwrap_or(Ok(1));
    let (low, high) = (
        bounds.low.unwrap_or(Ok(i64::MIN)),
        bounds.high.unwrap_or(Ok(i64::MAX)),
    );
    let (at, old) = (call.expiry_ms(options.expiry), current_int(call));
    let now_ms = call.now_ms;
    let crossed = matches!((&low, &high), (Ok(low), Ok(high)) if low > high);
    if crossed || matches!(at, Ok(Some(at)) if at <= now_ms) {
        return Err(ModelReply::Unsure);
    }
    let mut errors: Vec<&ModelReply> = [&by, &low, &high, &old]
        .into_iter()
        .filter_map(|number| number.as_ref().err())
        .chain(at.as_ref().err())
        .collect();
    errors.dedup();
    if errors.len() > 1 || (bounds.enx && !matches!(options.expiry, Expiry::At(..))) {
        return Err(ModelReply::Unsure);
    }
    let (by, low, high, old, at) = (by?, low?, high?, old?, at?);
    let wanted = old.checked_add(by).ok_or(ModelReply::Unsure)?;
    let new = if bounds.saturate {
        wanted.clamp(low, high)
    } else {
        wanted
    };
    if !(low..=high).contains(&new) {
        return Ok(pair(old, 0));
    }
    let applied = new.checked_sub(old).ok_or(ModelReply::Unsure)?;
    let turned = applied.signum() * by.signum() < 0;
    if turned || (applied == 0 && by != 0) {
        return Err(ModelReply::Unsure);
    }
    let key = call.args[1].clone();
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

/// Reads the options. Only the grammar is checked: numbers are kept with what is wrong with them.
fn increx_options(call: &Call<'_>) -> Result<(Options, Bounds), ModelReply> {
    let (mut options, mut bounds) = (Options::default(), Bounds::default());
    let mut numbers_wrong = false;
    let mut at = 2;
    while at < call.args.len() {
        let word = at;
        at += 1;
        let place = if call.is_word(word, "BYINT") {
            &mut bounds.by
        } else if call.is_word(word, "LBOUND") {
            &mut bounds.low
        } else if call.is_word(word, "UBOUND") {
            &mut bounds.high
        } else if call.is_word(word, "SATURATE") {
            bounds.saturate = true;
            continue;
        } else if call.is_word(word, "ENX") {
            bounds.enx = true;
            continue;
        } else if call.is_word(word, "BYFLOAT") {
            return Err(ModelReply::Unsure);
        } else {
            let read = options.read(call, word, INCREX);
            at = read.ok_or_else(|| wrong_grammar(numbers_wrong))?;
            continue;
        };
        if at >= call.args.len() {
            return Err(wrong_grammar(numbers_wrong));
        }
        let number = call.int(at);
        numbers_wrong |= number.is_err();
        *place = Some(number);
        at += 1;
    }
    Ok((options, bounds))
}

fn wrong_grammar(numbers_wrong: bool) -> ModelReply {
    if numbers_wrong {
        ModelReply::Unsure
    } else {
        syntax_error()
    }
}
