//! HyperLogLogs: what is certain of them without computing one.

use crate::access::wrong_type;
use crate::db::{Entry, Value};
use crate::{Call, ModelReply, Outcome};
use std::collections::BTreeSet;

/// The elements that were added; a string that is none may be one by its bytes.
fn elements(call: &mut Call<'_>, position: usize) -> Result<Option<BTreeSet<Vec<u8>>>, ModelReply> {
    match call.entry(position).map(|entry| &entry.value) {
        None => Ok(None),
        Some(Value::HyperLogLog(elements)) => Ok(Some(elements.clone())),
        Some(Value::String(..)) => Err(ModelReply::Unsure),
        Some(_) => Err(wrong_type()),
    }
}

fn put(call: &mut Call<'_>, elements: BTreeSet<Vec<u8>>) {
    let expire_ms = call.entry(1).and_then(|entry| entry.expire_ms);
    let value = Value::HyperLogLog(elements);
    let key = call.args[1].clone();
    call.db().put(&key, Entry { value, expire_ms });
}

/// PFADD: the first elements of a key change it, what is in it already does not.
pub(crate) fn pfadd(call: &mut Call<'_>) -> Outcome {
    let added: BTreeSet<Vec<u8>> = call.rest(2).into_iter().collect();
    let Some(before) = elements(call, 1)? else {
        put(call, added);
        return Ok(ModelReply::Int(1));
    };
    if added.is_subset(&before) {
        return Ok(ModelReply::Int(0));
    }
    // Of two different elements the registers may be the same.
    if before.is_empty() {
        put(call, added);
        return Ok(ModelReply::Int(1));
    }
    Err(ModelReply::Unsure)
}

/// PFCOUNT: none and one are exact.
pub(crate) fn pfcount(call: &mut Call<'_>) -> Outcome {
    let mut all = BTreeSet::new();
    for position in 1..call.args.len() {
        all.extend(elements(call, position)?.unwrap_or_default());
    }
    if all.len() > 1 {
        return Err(ModelReply::Unsure);
    }
    Ok(ModelReply::len(all.len()))
}

pub(crate) fn pfmerge(call: &mut Call<'_>) -> Outcome {
    let mut all = BTreeSet::new();
    for position in 1..call.args.len() {
        all.extend(elements(call, position)?.unwrap_or_default());
    }
    put(call, all);
    Ok(ModelReply::Ok)
}
