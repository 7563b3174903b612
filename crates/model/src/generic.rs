//! Keys of any type, and whole databases.

use crate::{Call, ModelReply, Outcome, naive, syntax_error};

pub(crate) fn del(call: &mut Call<'_>) -> Outcome {
    let mut count = 0;
    for position in 1..call.args.len() {
        let (now_ms, key) = (call.now_ms, call.args[position].clone());
        count += i64::from(call.db().take(now_ms, &key).is_some());
    }
    Ok(ModelReply::Int(count))
}

/// EXISTS and TOUCH: a key that is named twice counts twice.
pub(crate) fn exists(call: &mut Call<'_>) -> Outcome {
    let present = (1..call.args.len()).filter(|&position| call.entry(position).is_some());
    Ok(ModelReply::Int(present.count() as i64))
}

pub(crate) fn type_of(call: &mut Call<'_>) -> Outcome {
    let name = call
        .entry(1)
        .map_or("none", |entry| entry.value.type_name());
    Ok(ModelReply::Simple(name.to_string()))
}

pub(crate) fn object_encoding(call: &mut Call<'_>) -> Outcome {
    let Some(entry) = call.entry(2) else {
        return Ok(ModelReply::Bulk(None));
    };
    let name = entry.value.encoding_name().ok_or(ModelReply::Unsure)?;
    Ok(ModelReply::bulk(name.as_bytes()))
}

/// KEYS, in any order.
pub(crate) fn keys(call: &mut Call<'_>) -> Outcome {
    let (now_ms, pattern) = (call.now_ms, call.args[1].clone());
    let every = pattern == b"*";
    call.check_ghosts()?;
    let keys = call
        .db()
        .keys(now_ms)
        .filter(|key| every || naive::glob(&pattern, key));
    Ok(ModelReply::bag(keys.cloned()))
}

pub(crate) fn rename(call: &mut Call<'_>) -> Outcome {
    move_name(call)?;
    Ok(ModelReply::Ok)
}

pub(crate) fn renamenx(call: &mut Call<'_>) -> Outcome {
    // The source is looked for first: its absence is the error.
    if call.entry(1).is_some() && call.entry(2).is_some() {
        return Ok(ModelReply::Int(0));
    }
    move_name(call)?;
    Ok(ModelReply::Int(1))
}

fn move_name(call: &mut Call<'_>) -> Result<(), ModelReply> {
    let (now_ms, from, to) = (call.now_ms, call.args[1].clone(), call.args[2].clone());
    let entry = call
        .db()
        .take(now_ms, &from)
        .ok_or_else(|| ModelReply::error("no such key"))?;
    call.db().put(&to, entry);
    Ok(())
}

pub(crate) fn copy(call: &mut Call<'_>) -> Outcome {
    let (mut target, mut replace, mut at) = (call.db, false, 3);
    while at < call.args.len() {
        if call.is_word(at, "REPLACE") {
            replace = true;
        } else if call.is_word(at, "DB") && at + 1 < call.args.len() {
            target = call.db_index(at + 1)?;
            at += 1;
        } else {
            return Err(syntax_error());
        }
        at += 1;
    }
    let to = call.args[2].clone();
    if target == call.db && call.args[1] == to {
        return Err(same_object());
    }
    let now_ms = call.now_ms;
    let Some(entry) = call.entry(1).cloned() else {
        return Ok(ModelReply::Int(0));
    };
    let target = &mut call.model.dbs[target];
    if target.find(now_ms, &to).is_some() && !replace {
        return Ok(ModelReply::Int(0));
    }
    target.put(&to, entry);
    Ok(ModelReply::Int(1))
}

pub(crate) fn move_key(call: &mut Call<'_>) -> Outcome {
    let target = call.db_index(2)?;
    if target == call.db {
        return Err(same_object());
    }
    let (now_ms, key) = (call.now_ms, call.args[1].clone());
    if call.entry(1).is_none() || call.model.dbs[target].find(now_ms, &key).is_some() {
        return Ok(ModelReply::Int(0));
    }
    if let Some(entry) = call.db().take(now_ms, &key) {
        call.model.dbs[target].put(&key, entry);
    }
    Ok(ModelReply::Int(1))
}

fn same_object() -> ModelReply {
    ModelReply::error("source and destination objects are the same")
}

pub(crate) fn swapdb(call: &mut Call<'_>) -> Outcome {
    let index = |position: usize, error: &str| {
        let id = call
            .int(position)
            .ok()
            .filter(|&id| i32::try_from(id).is_ok());
        id.ok_or_else(|| ModelReply::error(error))
    };
    let first = index(1, "invalid first DB index")?;
    let second = index(2, "invalid second DB index")?;
    let (first, second) = (call.existing_db(first)?, call.existing_db(second)?);
    call.model.dbs.swap(first, second);
    Ok(ModelReply::Ok)
}

pub(crate) fn select(call: &mut Call<'_>) -> Outcome {
    call.db_index(1)?;
    Ok(ModelReply::Ok)
}

/// DBSIZE counts keys that have expired but were not found out; when that is, is the server's
/// business.
pub(crate) fn dbsize(call: &mut Call<'_>) -> Outcome {
    let now_ms = call.now_ms;
    call.check_ghosts()?;
    let len = call.db().len(now_ms).ok_or(ModelReply::Unsure)?;
    Ok(ModelReply::Int(len as i64))
}

impl Call<'_> {
    /// Nothing is known about how many keys there are while a hash may be there or not.
    fn check_ghosts(&mut self) -> Result<(), ModelReply> {
        let now_ms = self.now_ms;
        if self.db().ghosts(now_ms).next().is_some() {
            return Err(ModelReply::Unsure);
        }
        Ok(())
    }
}

pub(crate) fn flushdb(call: &mut Call<'_>) -> Outcome {
    check_flush(call)?;
    call.db().clear();
    Ok(ModelReply::Ok)
}

pub(crate) fn flushall(call: &mut Call<'_>) -> Outcome {
    check_flush(call)?;
    call.model.dbs.iter_mut().for_each(crate::Db::clear);
    Ok(ModelReply::Ok)
}

fn check_flush(call: &Call<'_>) -> Result<(), ModelReply> {
    match call.args.len() {
        1 => Ok(()),
        2 if call.is_word(1, "ASYNC") || call.is_word(1, "SYNC") => Ok(()),
        _ => Err(syntax_error()),
    }
}
