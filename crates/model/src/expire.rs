//! Expiry of keys: setting, asking, removing.

use crate::{Call, ModelReply, Outcome};

pub(crate) fn expire(call: &mut Call<'_>) -> Outcome {
    let now_ms = call.now_ms;
    set_expiry(call, now_ms, 1_000)
}

pub(crate) fn pexpire(call: &mut Call<'_>) -> Outcome {
    let now_ms = call.now_ms;
    set_expiry(call, now_ms, 1)
}

pub(crate) fn expireat(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, 0, 1_000)
}

pub(crate) fn pexpireat(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, 0, 1)
}

#[derive(Default)]
struct Flags {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

fn set_expiry(call: &mut Call<'_>, base_ms: i64, unit: i64) -> Outcome {
    let flags = flags(call)?;
    let time = call
        .int(2)?
        .checked_mul(unit)
        .and_then(|time| time.checked_add(base_ms));
    let time = time.ok_or_else(|| call.invalid_expire())?;
    let Some(entry) = call.entry(1) else {
        return Ok(ModelReply::Int(0));
    };
    let old = entry.expire_ms;
    let refused = (flags.nx && old.is_some())
        || (flags.xx && old.is_none())
        || (flags.gt && old.is_none_or(|old| time <= old))
        || (flags.lt && old.is_some_and(|old| time >= old));
    if refused {
        return Ok(ModelReply::Int(0));
    }
    entry.expire_ms = Some(time);
    let (now_ms, key) = (call.now_ms, call.args[1].clone());
    if time <= now_ms {
        call.db().take(now_ms, &key);
    }
    Ok(ModelReply::Int(1))
}

fn flags(call: &Call<'_>) -> Result<Flags, ModelReply> {
    let mut flags = Flags::default();
    for at in 3..call.args.len() {
        let word = String::from_utf8_lossy(&call.args[at]);
        match word.to_ascii_lowercase().as_str() {
            "nx" => flags.nx = true,
            "xx" => flags.xx = true,
            "gt" => flags.gt = true,
            "lt" => flags.lt = true,
            // How much of such a word the error shows is not known.
            shown if shown.contains('\0') => return Err(ModelReply::Unsure),
            _ => return Err(ModelReply::error(&format!("Unsupported option {word}"))),
        }
    }
    let clash = if flags.nx && (flags.xx || flags.gt || flags.lt) {
        "NX and XX, GT or LT options at the same time are not compatible"
    } else if flags.gt && flags.lt {
        "GT and LT options at the same time are not compatible"
    } else {
        return Ok(flags);
    };
    Err(ModelReply::error(clash))
}

pub(crate) fn ttl(call: &mut Call<'_>) -> Outcome {
    let now_ms = call.now_ms;
    ask(call, |at| rounded_s(at - now_ms))
}

pub(crate) fn pttl(call: &mut Call<'_>) -> Outcome {
    let now_ms = call.now_ms;
    ask(call, |at| Some(at - now_ms))
}

pub(crate) fn expiretime(call: &mut Call<'_>) -> Outcome {
    ask(call, rounded_s)
}

pub(crate) fn pexpiretime(call: &mut Call<'_>) -> Outcome {
    ask(call, Some)
}

/// Seconds, to nearest; how a time is rounded that half a second more takes beyond the range is
/// not known.
fn rounded_s(time_ms: i64) -> Option<i64> {
    time_ms.checked_add(500).map(|time_ms| time_ms / 1_000)
}

fn ask(call: &mut Call<'_>, show: impl Fn(i64) -> Option<i64>) -> Outcome {
    let time = match call.entry(1) {
        None => Some(-2),
        Some(entry) => entry.expire_ms.map_or(Some(-1), show),
    };
    time.map(ModelReply::Int).ok_or(ModelReply::Unsure)
}

pub(crate) fn persist(call: &mut Call<'_>) -> Outcome {
    let had = call.entry(1).and_then(|entry| entry.expire_ms.take());
    Ok(ModelReply::Int(had.is_some().into()))
}
