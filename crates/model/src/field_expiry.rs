//! Expiry of hash fields: setting, asking, removing. What is said about wrong arguments is mostly
//! not known for certain.

use crate::db::Form;
use crate::hashes::{Field, Hash, check_type, names, read};
use crate::{Call, ModelReply, Outcome};

pub(crate) fn hexpire(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, "EX")
}

pub(crate) fn hpexpire(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, "PX")
}

pub(crate) fn hexpireat(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, "EXAT")
}

pub(crate) fn hpexpireat(call: &mut Call<'_>) -> Outcome {
    set_expiry(call, "PXAT")
}

/// A time that lies surely ahead; others are not known for certain.
fn future_ms(call: &Call<'_>, word: &str, position: usize) -> Result<i64, ModelReply> {
    let number = call.int(position).map_err(|_| ModelReply::Unsure)?;
    let at = call
        .absolute_ms(word, number)
        .map_err(|_| ModelReply::Unsure)?;
    if at <= call.now_ms || at > 1 << 46 {
        return Err(ModelReply::Unsure);
    }
    Ok(at)
}

fn set_expiry(call: &mut Call<'_>, word: &str) -> Outcome {
    check_type(call)?;
    let at = future_ms(call, word, 2)?;
    let options = ["NX", "XX", "GT", "LT"];
    let option = options.into_iter().find(|option| call.is_word(3, option));
    let names = names(call, 3 + usize::from(option.is_some()), 1)?;
    let mut hash = read(call)?;
    let answers = names.iter().map(|name| {
        let Some(field) = hash.fields.get_mut(name) else {
            return ModelReply::Int(-2);
        };
        let old = field.expire_ms;
        let met = match option {
            Some("NX") => old.is_none(),
            Some("XX") => old.is_some(),
            Some("GT") => old.is_some_and(|old| at > old),
            Some("LT") => old.is_none_or(|old| at < old),
            _ => true,
        };
        if met {
            field.expire_ms = Some(at);
            hash.form = Form::Unknown;
        }
        ModelReply::Int(met.into())
    });
    let answers: Vec<ModelReply> = answers.collect();
    if answers.contains(&ModelReply::Int(1)) {
        call.write(1, hash);
    }
    Ok(ModelReply::Array(answers))
}

pub(crate) fn httl(call: &mut Call<'_>) -> Outcome {
    let now_ms = call.now_ms;
    ask(call, |at| (at - now_ms + 500) / 1000)
}

pub(crate) fn hpttl(call: &mut Call<'_>) -> Outcome {
    let now_ms = call.now_ms;
    ask(call, |at| at - now_ms)
}

pub(crate) fn hexpiretime(call: &mut Call<'_>) -> Outcome {
    ask(call, |at| (at + 500) / 1000)
}

pub(crate) fn hpexpiretime(call: &mut Call<'_>) -> Outcome {
    ask(call, |at| at)
}

fn ask(call: &mut Call<'_>, show: impl Fn(i64) -> i64) -> Outcome {
    check_type(call)?;
    let names = names(call, 2, 1)?;
    let hash = read(call)?;
    let answers = names.iter().map(|name| match hash.fields.get(name) {
        None => -2,
        Some(field) => field.expire_ms.map_or(-1, &show),
    });
    Ok(ModelReply::Array(answers.map(ModelReply::Int).collect()))
}

pub(crate) fn hpersist(call: &mut Call<'_>) -> Outcome {
    check_type(call)?;
    let names = names(call, 2, 1)?;
    let mut hash = read(call)?;
    let answers = names.iter().map(|name| {
        let field = hash.fields.get_mut(name);
        field.map_or(-2, |field| match field.expire_ms.take() {
            Some(_) => 1,
            None => -1,
        })
    });
    let answers: Vec<i64> = answers.collect();
    if answers.contains(&1) {
        call.write(1, hash);
    }
    Ok(ModelReply::Array(
        answers.into_iter().map(ModelReply::Int).collect(),
    ))
}

/// What HSETEX and HGETEX do to expiry.
enum Change {
    Unsaid,
    Keep,
    Remove,
    At(i64),
}

/// One expiry option, if one stands at `at`, and where it ends.
fn change(call: &Call<'_>, at: usize, keeps: &str) -> Result<(Change, usize), ModelReply> {
    if at < call.args.len() && call.is_word(at, keeps) {
        let change = if keeps == "PERSIST" {
            Change::Remove
        } else {
            Change::Keep
        };
        return Ok((change, at + 1));
    }
    for word in ["EX", "PX", "EXAT", "PXAT"] {
        if at + 1 < call.args.len() && call.is_word(at, word) {
            return Ok((Change::At(future_ms(call, word, at + 1)?), at + 2));
        }
    }
    Ok((Change::Unsaid, at))
}

pub(crate) fn hsetex(call: &mut Call<'_>) -> Outcome {
    check_type(call)?;
    let (condition, at) = if call.is_word(2, "FNX") {
        (Some(false), 3)
    } else if call.is_word(2, "FXX") {
        (Some(true), 3)
    } else {
        (None, 2)
    };
    let (change, at) = change(call, at, "KEEPTTL")?;
    let (words, limits) = (names(call, at, 2)?, call.model.limits);
    let mut hash = read(call)?;
    let mut names = words.iter().step_by(2);
    let met = match condition {
        None => true,
        Some(wanted) => names.all(|name| hash.fields.contains_key(name) == wanted),
    };
    if !met {
        return Ok(ModelReply::Int(0));
    }
    for pair in words.chunks(2) {
        let old = hash.fields.get(&pair[0]).and_then(|field| field.expire_ms);
        hash.set(&pair[0], &pair[1], &limits);
        if let Some(field) = hash.fields.get_mut(&pair[0]) {
            field.expire_ms = match change {
                Change::At(at) => Some(at),
                Change::Keep => old,
                Change::Unsaid | Change::Remove => None,
            };
        }
    }
    hash.form = Form::Unknown;
    call.write(1, hash);
    Ok(ModelReply::Int(1))
}

fn values(hash: &Hash, names: &[Vec<u8>]) -> ModelReply {
    let value = |name| {
        hash.fields
            .get(name)
            .map(|field: &Field| field.value.clone())
    };
    ModelReply::Array(names.iter().map(value).map(ModelReply::Bulk).collect())
}

pub(crate) fn hgetex(call: &mut Call<'_>) -> Outcome {
    check_type(call)?;
    let (change, at) = change(call, 2, "PERSIST")?;
    let names = names(call, at, 1)?;
    let mut hash = read(call)?;
    let answer = values(&hash, &names);
    for name in &names {
        if let Some(field) = hash.fields.get_mut(name) {
            match change {
                Change::Remove => field.expire_ms = None,
                Change::At(at) => {
                    field.expire_ms = Some(at);
                    hash.form = Form::Unknown;
                }
                Change::Unsaid | Change::Keep => {}
            }
        }
    }
    if !hash.fields.is_empty() {
        call.write(1, hash);
    }
    Ok(answer)
}

pub(crate) fn hgetdel(call: &mut Call<'_>) -> Outcome {
    check_type(call)?;
    let names = names(call, 2, 1)?;
    let mut hash = read(call)?;
    let answer = values(&hash, &names);
    let before = hash.fields.len();
    hash.fields.retain(|name, _| !names.contains(name));
    if hash.fields.len() < before {
        call.write(1, hash);
    }
    Ok(answer)
}
