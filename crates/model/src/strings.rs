//! Strings: storing, reading, conditions, ranges. The arithmetic is in `counters`.

use crate::access::wrong_type;
use crate::db::Entry;
use crate::options::{Accepts, Condition, Expiry};
use crate::{Call, ModelReply, Outcome, STRING_LEN_MAX, syntax_error};

const SET: Accepts = Accepts {
    nx_xx: true,
    ifeq: true,
    get: true,
    keepttl: true,
    persist: false,
};
const GETEX: Accepts = Accepts {
    nx_xx: false,
    ifeq: false,
    get: false,
    keepttl: false,
    persist: true,
};
const MSETEX: Accepts = Accepts {
    nx_xx: true,
    ifeq: false,
    get: false,
    keepttl: true,
    persist: false,
};

impl Call<'_> {
    /// Stores the value under the key at `position`, without an expiry.
    fn store(&mut self, position: usize, value: &[u8]) {
        let key = self.args[position].clone();
        self.db().put(&key, Entry::stored(value));
    }
}

pub(crate) fn get(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::Bulk(call.value(1)?))
}

pub(crate) fn set(call: &mut Call<'_>) -> Outcome {
    let options = call.options(3, SET)?;
    let at = call.expiry_ms(options.expiry)?;
    let old_expiry = call.entry(1).and_then(|entry| entry.expire_ms);
    let is_there = call.entry(1).is_some();
    // Another type is overwritten, unless the old value is asked for.
    let looks = options.get || matches!(options.condition, Condition::Equal(_));
    let old = if looks { call.value(1)? } else { None };
    let met = match &options.condition {
        Condition::Always => true,
        Condition::Absent => !is_there,
        Condition::Present => is_there,
        Condition::Equal(value) => old.as_ref() == Some(value),
    };
    if met {
        let (now_ms, key) = (call.now_ms, call.args[1].clone());
        let mut entry = Entry::stored(&call.args[2]);
        entry.expire_ms = if options.expiry == Expiry::Keep {
            old_expiry
        } else {
            at
        };
        match options.expiry {
            Expiry::Keep => call.db().put(&key, entry),
            _ => call.db().put_unless_past(now_ms, &key, entry),
        }
    }
    Ok(match (options.get, met) {
        (true, _) => ModelReply::Bulk(old),
        (false, true) => ModelReply::Ok,
        (false, false) => ModelReply::Bulk(None),
    })
}

pub(crate) fn setnx(call: &mut Call<'_>) -> Outcome {
    if call.entry(1).is_some() {
        return Ok(ModelReply::Int(0));
    }
    let value = call.args[2].clone();
    call.store(1, &value);
    Ok(ModelReply::Int(1))
}

pub(crate) fn setex(call: &mut Call<'_>) -> Outcome {
    set_for(call, "EX")
}

pub(crate) fn psetex(call: &mut Call<'_>) -> Outcome {
    set_for(call, "PX")
}

fn set_for(call: &mut Call<'_>, word: &str) -> Outcome {
    let at = call.absolute_ms(word, call.int(2)?)?;
    let mut entry = Entry::stored(&call.args[3]);
    entry.expire_ms = Some(at);
    let key = call.args[1].clone();
    call.db().put(&key, entry);
    Ok(ModelReply::Ok)
}

pub(crate) fn getex(call: &mut Call<'_>) -> Outcome {
    let options = call.options(2, GETEX)?;
    let Some(value) = call.value(1)? else {
        return Ok(ModelReply::Bulk(None));
    };
    let at = call.expiry_ms(options.expiry)?;
    let (now_ms, key) = (call.now_ms, call.args[1].clone());
    if at.is_some_and(|at| at <= now_ms) {
        call.db().take(now_ms, &key);
    } else if let Some(entry) = call.entry(1) {
        match options.expiry {
            Expiry::Remove => entry.expire_ms = None,
            Expiry::At(..) => entry.expire_ms = at,
            Expiry::Unsaid | Expiry::Keep => {}
        }
    }
    Ok(ModelReply::Bulk(Some(value)))
}

pub(crate) fn getdel(call: &mut Call<'_>) -> Outcome {
    let value = call.value(1)?;
    let (now_ms, key) = (call.now_ms, call.args[1].clone());
    call.db().take(now_ms, &key);
    Ok(ModelReply::Bulk(value))
}

pub(crate) fn getset(call: &mut Call<'_>) -> Outcome {
    let old = call.value(1)?;
    let value = call.args[2].clone();
    call.store(1, &value);
    Ok(ModelReply::Bulk(old))
}

pub(crate) fn delifeq(call: &mut Call<'_>) -> Outcome {
    let value = call.args[2].clone();
    delete_if(call, |stored| stored == value)
}

pub(crate) fn delex(call: &mut Call<'_>) -> Outcome {
    let value = call.args[3].clone();
    if call.is_word(2, "IFEQ") {
        delete_if(call, |stored| stored == value)
    } else if call.is_word(2, "IFNE") {
        delete_if(call, |stored| stored != value)
    } else {
        Err(syntax_error())
    }
}

fn delete_if(call: &mut Call<'_>, condition: impl Fn(&[u8]) -> bool) -> Outcome {
    let met = call.value(1)?.is_some_and(|value| condition(&value));
    if met {
        let (now_ms, key) = (call.now_ms, call.args[1].clone());
        call.db().take(now_ms, &key);
    }
    Ok(ModelReply::Int(met.into()))
}

pub(crate) fn strlen(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::Int(
        call.value(1)?.unwrap_or_default().len() as i64
    ))
}

pub(crate) fn append(call: &mut Call<'_>) -> Outcome {
    let tail = call.args[2].clone();
    let Some(mut value) = call.value(1)? else {
        call.store(1, &tail);
        return Ok(ModelReply::len(tail.len()));
    };
    check_len(value.len() as u64, &tail)?;
    value.extend(tail);
    let len = value.len();
    put_raw(call, value);
    Ok(ModelReply::len(len))
}

/// Stores a string that was changed in place; the key keeps its expiry.
fn put_raw(call: &mut Call<'_>, value: Vec<u8>) {
    let expire_ms = call.entry(1).and_then(|entry| entry.expire_ms);
    let key = call.args[1].clone();
    call.db().put(&key, Entry::raw(value, expire_ms));
}

pub(crate) fn setrange(call: &mut Call<'_>) -> Outcome {
    let offset = call.int(2)?;
    let patch = call.args[3].clone();
    let Ok(from) = usize::try_from(offset) else {
        return Err(ModelReply::error("offset is out of range"));
    };
    let mut value = call.value(1)?.unwrap_or_default();
    if patch.is_empty() {
        return Ok(ModelReply::len(value.len()));
    }
    check_len(from as u64, &patch)?;
    let end = from + patch.len();
    if value.len() < end {
        value.resize(end, 0);
    }
    value[from..end].copy_from_slice(&patch);
    let len = value.len();
    put_raw(call, value);
    Ok(ModelReply::len(len))
}

fn check_len(before: u64, added: &[u8]) -> Result<(), ModelReply> {
    if before.saturating_add(added.len() as u64) > STRING_LEN_MAX as u64 {
        let text = "string exceeds maximum allowed size (proto-max-bulk-len)";
        return Err(ModelReply::error(text));
    }
    Ok(())
}

pub(crate) fn getrange(call: &mut Call<'_>) -> Outcome {
    let (start, end) = (i128::from(call.int(2)?), i128::from(call.int(3)?));
    let value = call.value(1)?.unwrap_or_default();
    let len = value.len() as i128;
    if start < 0 && end < 0 && start > end {
        return Ok(ModelReply::bulk(b""));
    }
    let place = |index: i128| {
        if index < 0 {
            (index + len).max(0)
        } else {
            index
        }
    };
    let (start, end) = (place(start), place(end).min(len - 1));
    let wanted = value
        .iter()
        .enumerate()
        .filter(|(i, _)| (start..=end).contains(&(*i as i128)));
    Ok(ModelReply::Bulk(Some(
        wanted.map(|(_, byte)| *byte).collect(),
    )))
}

pub(crate) fn mget(call: &mut Call<'_>) -> Outcome {
    let mut values = Vec::new();
    for position in 1..call.args.len() {
        values.push(match call.value(position) {
            // A key of another type is as if it were not there.
            Err(error) if error == wrong_type() => ModelReply::Bulk(None),
            value => ModelReply::Bulk(value?),
        });
    }
    Ok(ModelReply::Array(values))
}

pub(crate) fn mset(call: &mut Call<'_>) -> Outcome {
    if call.args.len().is_multiple_of(2) {
        return Err(call.wrong_arity());
    }
    for position in (1..call.args.len()).step_by(2) {
        let value = call.args[position + 1].clone();
        call.store(position, &value);
    }
    Ok(ModelReply::Ok)
}

pub(crate) fn msetnx(call: &mut Call<'_>) -> Outcome {
    if call.args.len().is_multiple_of(2) {
        return Err(call.wrong_arity());
    }
    if (1..call.args.len())
        .step_by(2)
        .any(|position| call.entry(position).is_some())
    {
        return Ok(ModelReply::Int(0));
    }
    mset(call)?;
    Ok(ModelReply::Int(1))
}

pub(crate) fn msetex(call: &mut Call<'_>) -> Outcome {
    // How a wrong count is worded is not known for certain.
    let count = call
        .int(1)
        .ok()
        .and_then(|count| usize::try_from(count).ok());
    let fits = |count: &usize| *count >= 1 && *count <= (call.args.len() - 2) / 2;
    let count = count.filter(fits).ok_or(ModelReply::Unsure)?;
    let options = call.options(2 + 2 * count, MSETEX)?;
    let at = call.expiry_ms(options.expiry)?;
    let keys: Vec<usize> = (0..count).map(|i| 2 + 2 * i).collect();
    let present = keys
        .iter()
        .filter(|&&position| call.entry(position).is_some())
        .count();
    let met = match options.condition {
        Condition::Absent => present == 0,
        Condition::Present => present == count,
        Condition::Always | Condition::Equal(_) => true,
    };
    if !met {
        return Ok(ModelReply::Int(0));
    }
    for position in keys {
        let old_expiry = call.entry(position).and_then(|entry| entry.expire_ms);
        let mut entry = Entry::stored(&call.args[position + 1]);
        let (now_ms, key) = (call.now_ms, call.args[position].clone());
        if options.expiry == Expiry::Keep {
            entry.expire_ms = old_expiry;
            call.db().put(&key, entry);
        } else {
            entry.expire_ms = at;
            call.db().put_unless_past(now_ms, &key, entry);
        }
    }
    Ok(ModelReply::Int(1))
}
