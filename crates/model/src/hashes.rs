//! Hashes: fields in order, each with its value and perhaps an expiry. When an expired field is
//! removed is the server's business, so what would show it is not known.

use crate::access::wrong_type;
use crate::db::Form;
use crate::{Call, Limits, ModelReply, Outcome, naive};
use std::collections::BTreeMap;

/// A field's value and expiry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) value: Vec<u8>,
    /// Milliseconds of Unix time.
    pub(crate) expire_ms: Option<i64>,
}

/// A hash.
#[derive(Clone, Debug)]
pub(crate) struct Hash {
    pub(crate) fields: BTreeMap<Vec<u8>, Field>,
    pub(crate) form: Form,
    /// Whether fields have expired that the server may still count.
    stale: bool,
}

impl Hash {
    pub(crate) const fn new() -> Self {
        Self {
            fields: BTreeMap::new(),
            form: Form::Pack,
            stale: false,
        }
    }

    /// Removes what has expired before a command looks. At the very moment of an expiry, and when
    /// nothing is left, nothing is known.
    pub(crate) fn look(&mut self, now_ms: i64) -> Result<(), ModelReply> {
        if self.is_on_edge(now_ms) || self.is_ghost(now_ms) {
            return Err(ModelReply::Unsure);
        }
        let before = self.fields.len();
        self.fields
            .retain(|_, field| field.expire_ms.is_none_or(|at| at > now_ms));
        self.stale |= self.fields.len() < before;
        Ok(())
    }

    /// Whether every field may have expired.
    pub(crate) fn is_ghost(&self, now_ms: i64) -> bool {
        self.fields
            .values()
            .all(|field| field.expire_ms.is_some_and(|at| at <= now_ms))
    }

    /// Whether a field expires at this very moment.
    pub(crate) fn is_on_edge(&self, now_ms: i64) -> bool {
        self.fields
            .values()
            .any(|field| field.expire_ms == Some(now_ms))
    }

    /// Removes what has expired, and nothing of it is left on the server either.
    pub(crate) fn sweep(&mut self, now_ms: i64) {
        self.fields
            .retain(|_, field| field.expire_ms.is_none_or(|at| at >= now_ms));
        self.stale = false;
    }

    /// Sets a value; the field does not expire.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8], limits: &Limits) -> bool {
        let expire_ms = None;
        let value = value.to_vec();
        let old = self
            .fields
            .insert(name.to_vec(), Field { value, expire_ms });
        if self.fields.len() > limits.hash_entries && self.form == Form::Pack {
            self.form = Form::Big;
        }
        let had_expiry = old.as_ref().is_some_and(|old| old.expire_ms.is_some());
        if had_expiry {
            self.form = Form::Unknown;
        }
        old.is_none()
    }

    /// A listpack takes neither long words nor many at once.
    fn expect(&mut self, words: &[Vec<u8>], limits: &Limits) {
        let too_long = words.iter().any(|word| word.len() > limits.hash_bytes);
        if self.form == Form::Pack && (too_long || words.len() / 2 > limits.hash_entries) {
            self.form = Form::Big;
        }
    }
}

/// A hash that may be missing.
pub(crate) fn read(call: &mut Call<'_>) -> Result<Hash, ModelReply> {
    Ok(call.read::<Hash>(1)?.unwrap_or_else(Hash::new))
}

pub(crate) fn hset(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::len(set_all(call)?))
}

pub(crate) fn hmset(call: &mut Call<'_>) -> Outcome {
    set_all(call)?;
    Ok(ModelReply::Ok)
}

fn set_all(call: &mut Call<'_>) -> Result<usize, ModelReply> {
    if !call.args.len().is_multiple_of(2) {
        return Err(call.wrong_arity());
    }
    let (words, limits) = (call.rest(2), call.model.limits);
    let mut hash = read(call)?;
    hash.expect(&words, &limits);
    let new = words
        .chunks(2)
        .filter(|pair| hash.set(&pair[0], &pair[1], &limits))
        .count();
    call.write(1, hash);
    Ok(new)
}

pub(crate) fn hsetnx(call: &mut Call<'_>) -> Outcome {
    let (words, limits) = (call.rest(2), call.model.limits);
    let mut hash = read(call)?;
    if hash.fields.contains_key(&words[0]) {
        return Ok(ModelReply::Int(0));
    }
    hash.expect(&words, &limits);
    hash.set(&words[0], &words[1], &limits);
    call.write(1, hash);
    Ok(ModelReply::Int(1))
}

fn value_of(hash: &Hash, name: &[u8]) -> ModelReply {
    ModelReply::Bulk(hash.fields.get(name).map(|field| field.value.clone()))
}

pub(crate) fn hget(call: &mut Call<'_>) -> Outcome {
    Ok(value_of(&read(call)?, &call.args[2]))
}

pub(crate) fn hmget(call: &mut Call<'_>) -> Outcome {
    let hash = read(call)?;
    let values = call.rest(2).into_iter().map(|name| value_of(&hash, &name));
    Ok(ModelReply::Array(values.collect()))
}

pub(crate) fn hgetall(call: &mut Call<'_>) -> Outcome {
    let pairs = read(call)?.fields.into_iter();
    let flat =
        pairs.flat_map(|(name, field)| [ModelReply::bulk(&name), ModelReply::bulk(&field.value)]);
    Ok(ModelReply::Bag(flat.collect(), 2))
}

pub(crate) fn hkeys(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::bag(read(call)?.fields.into_keys()))
}

pub(crate) fn hvals(call: &mut Call<'_>) -> Outcome {
    let values = read(call)?.fields.into_values().map(|field| field.value);
    Ok(ModelReply::bag(values))
}

pub(crate) fn hlen(call: &mut Call<'_>) -> Outcome {
    let hash = read(call)?;
    if hash.stale {
        return Err(ModelReply::Unsure);
    }
    Ok(ModelReply::len(hash.fields.len()))
}

pub(crate) fn hstrlen(call: &mut Call<'_>) -> Outcome {
    let hash = read(call)?;
    let len = hash
        .fields
        .get(&call.args[2])
        .map(|field| field.value.len());
    Ok(ModelReply::len(len.unwrap_or(0)))
}

pub(crate) fn hexists(call: &mut Call<'_>) -> Outcome {
    let is_there = read(call)?.fields.contains_key(&call.args[2]);
    Ok(ModelReply::Int(is_there.into()))
}

pub(crate) fn hdel(call: &mut Call<'_>) -> Outcome {
    let mut hash = read(call)?;
    let names = call.rest(2);
    let removed = names
        .iter()
        .filter(|name| hash.fields.remove(*name).is_some())
        .count();
    if removed > 0 {
        call.write(1, hash);
    }
    Ok(ModelReply::len(removed))
}

pub(crate) fn hincrby(call: &mut Call<'_>) -> Outcome {
    let by = call.int(3)?;
    let limits = call.model.limits;
    let mut hash = read(call)?;
    let name = call.args[2].clone();
    let old = match hash.fields.get(&name) {
        None => 0,
        Some(field) => naive::parse_int(&field.value)
            .ok_or_else(|| ModelReply::error("hash value is not an integer"))?,
    };
    let new = old
        .checked_add(by)
        .ok_or_else(|| ModelReply::error("increment or decrement would overflow"))?;
    update(&mut hash, &name, new.to_string().as_bytes(), &limits);
    call.write(1, hash);
    Ok(ModelReply::Int(new))
}

/// HINCRBYFLOAT, where both numbers are surely exact.
pub(crate) fn hincrbyfloat(call: &mut Call<'_>) -> Outcome {
    let by = naive::parse_float(&call.args[3]);
    if by == naive::Float::Invalid {
        return Err(ModelReply::error("value is not a valid float"));
    }
    if by == naive::Float::Unsure {
        return Err(ModelReply::Unsure);
    }
    let limits = call.model.limits;
    let mut hash = read(call)?;
    let name = call.args[2].clone();
    let old = match hash.fields.get(&name) {
        None => naive::Float::Exact(0),
        Some(field) => naive::parse_float(&field.value),
    };
    let new = match (old, by) {
        (naive::Float::Invalid, _) => {
            return Err(ModelReply::error("hash value is not a float"));
        }
        (naive::Float::Exact(old), naive::Float::Exact(by)) => naive::exact(old + by),
        _ => return Err(ModelReply::Unsure),
    };
    let naive::Float::Exact(units) = new else {
        return Err(ModelReply::Unsure);
    };
    let text = naive::format_units(units);
    update(&mut hash, &name, text.as_bytes(), &limits);
    call.write(1, hash);
    Ok(ModelReply::bulk(text.as_bytes()))
}

/// Changes a value; the field keeps its expiry.
fn update(hash: &mut Hash, name: &[u8], value: &[u8], limits: &Limits) {
    let expire_ms = hash.fields.get(name).and_then(|field| field.expire_ms);
    hash.expect(&[name.to_vec(), value.to_vec()], limits);
    hash.set(name, value, limits);
    if let Some(field) = hash.fields.get_mut(name) {
        field.expire_ms = expire_ms;
    }
}

/// HRANDFIELD is a matter of chance, but for a missing key.
pub(crate) fn hrandfield(call: &mut Call<'_>) -> Outcome {
    let is_missing = call.args.len() == 2 && call.read::<Hash>(1)?.is_none();
    if is_missing {
        Ok(ModelReply::Bulk(None))
    } else {
        Err(ModelReply::Unsure)
    }
}

/// The names behind `FIELDS n` at `at`, which must end the request. What is said about a wrong
/// form is not known.
pub(crate) fn names(call: &Call<'_>, at: usize, each: usize) -> Result<Vec<Vec<u8>>, ModelReply> {
    if at + 2 > call.args.len() || !call.is_word(at, "FIELDS") {
        return Err(ModelReply::Unsure);
    }
    let count = call.int(at + 1).map_err(|_| ModelReply::Unsure)?;
    let count = usize::try_from(count).map_err(|_| ModelReply::Unsure)?;
    let names = call.rest(at + 2);
    if count == 0 || count.checked_mul(each) != Some(names.len()) {
        return Err(ModelReply::Unsure);
    }
    // A name that is said twice may be seen before and after its change.
    let mut once: Vec<&Vec<u8>> = names.iter().step_by(each).collect();
    once.sort();
    once.dedup();
    if once.len() < count {
        return Err(ModelReply::Unsure);
    }
    Ok(names)
}

/// Whether the key holds something that is no hash; the order of errors is not known otherwise.
pub(crate) fn check_type(call: &mut Call<'_>) -> Result<(), ModelReply> {
    match call.read::<Hash>(1) {
        Err(error) if error == wrong_type() => Err(ModelReply::Unsure),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}
