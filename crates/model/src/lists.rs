//! Lists: a deque of byte strings. Blocking commands only where they find something.

use crate::access::span;
use crate::db::Form;
use crate::{Call, ModelReply, Outcome, syntax_error};
use std::collections::VecDeque;

/// A list.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) items: VecDeque<Vec<u8>>,
    pub(crate) form: Form,
}

/// A list of at most so many bytes is certainly one listpack by the default limit.
const SURELY_SMALL_BYTES: usize = 2000;

impl List {
    const fn new() -> Self {
        Self {
            items: VecDeque::new(),
            form: Form::Pack,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Left,
    Right,
}

impl List {
    fn push(&mut self, end: End, item: Vec<u8>) {
        match end {
            End::Left => self.items.push_front(item),
            End::Right => self.items.push_back(item),
        }
    }

    fn pop(&mut self, end: End) -> Option<Vec<u8>> {
        match end {
            End::Left => self.items.pop_front(),
            End::Right => self.items.pop_back(),
        }
    }
}

/// Puts a list back. Where it is not certainly small its encoding is not known.
fn write(call: &mut Call<'_>, position: usize, mut list: List) {
    let bytes: usize = list.items.iter().map(|item| item.len() + 12).sum();
    let limit = call.model.limits.list_entries;
    // One more is counted where an element is replaced or inserted.
    if bytes > SURELY_SMALL_BYTES || limit.is_some_and(|limit| list.items.len() >= limit) {
        list.form = Form::Unknown;
    }
    call.write(position, list);
}

pub(crate) fn lpush(call: &mut Call<'_>) -> Outcome {
    push(call, End::Left, true)
}

pub(crate) fn rpush(call: &mut Call<'_>) -> Outcome {
    push(call, End::Right, true)
}

pub(crate) fn lpushx(call: &mut Call<'_>) -> Outcome {
    push(call, End::Left, false)
}

pub(crate) fn rpushx(call: &mut Call<'_>) -> Outcome {
    push(call, End::Right, false)
}

fn push(call: &mut Call<'_>, end: End, creates: bool) -> Outcome {
    let list = call.read::<List>(1)?;
    if list.is_none() && !creates {
        return Ok(ModelReply::Int(0));
    }
    let mut list = list.unwrap_or_else(List::new);
    for item in call.rest(2) {
        list.push(end, item);
    }
    let len = list.items.len();
    write(call, 1, list);
    Ok(ModelReply::len(len))
}

pub(crate) fn lpop(call: &mut Call<'_>) -> Outcome {
    pop(call, End::Left)
}

pub(crate) fn rpop(call: &mut Call<'_>) -> Outcome {
    pop(call, End::Right)
}

fn pop(call: &mut Call<'_>, end: End) -> Outcome {
    if call.args.len() > 3 {
        return Err(call.wrong_arity());
    }
    let count = if call.args.len() == 3 {
        Some(call.count(2)?)
    } else {
        None
    };
    let Some(mut list) = call.read::<List>(1)? else {
        return Ok(match count {
            None => ModelReply::Bulk(None),
            Some(_) => ModelReply::NilArray,
        });
    };
    let Some(count) = count else {
        let item = list.pop(end);
        write(call, 1, list);
        return Ok(ModelReply::Bulk(item));
    };
    let items = pop_many(&mut list, end, count);
    write(call, 1, list);
    Ok(ModelReply::bulks(items))
}

fn pop_many(list: &mut List, end: End, count: usize) -> Vec<Vec<u8>> {
    let count = count.min(list.items.len());
    (0..count).filter_map(|_| list.pop(end)).collect()
}

pub(crate) fn llen(call: &mut Call<'_>) -> Outcome {
    let len = call.read::<List>(1)?.map_or(0, |list| list.items.len());
    Ok(ModelReply::len(len))
}

pub(crate) fn lindex(call: &mut Call<'_>) -> Outcome {
    let Some(list) = call.read::<List>(1)? else {
        return Ok(ModelReply::Bulk(None));
    };
    let index = call.int(2)?;
    Ok(ModelReply::Bulk(
        at(index, list.items.len()).map(|index| list.items[index].clone()),
    ))
}

/// Where an index is; negative ones count from the end.
fn at(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 {
        i128::from(index) + len as i128
    } else {
        i128::from(index)
    };
    usize::try_from(index).ok().filter(|index| *index < len)
}

pub(crate) fn lset(call: &mut Call<'_>) -> Outcome {
    let list = call.read::<List>(1)?;
    let mut list = list.ok_or_else(|| ModelReply::error("no such key"))?;
    let index = call.int(2)?;
    let out_of_range = || ModelReply::error("index out of range");
    let index = at(index, list.items.len()).ok_or_else(out_of_range)?;
    list.items[index] = call.args[3].clone();
    write(call, 1, list);
    Ok(ModelReply::Ok)
}

pub(crate) fn lrange(call: &mut Call<'_>) -> Outcome {
    let (start, stop) = (call.int(2)?, call.int(3)?);
    let list = call.read::<List>(1)?.unwrap_or_else(List::new);
    let items = list.items.range(span(start, stop, list.items.len()));
    Ok(ModelReply::bulks(items.cloned()))
}

pub(crate) fn ltrim(call: &mut Call<'_>) -> Outcome {
    let (start, stop) = (call.int(2)?, call.int(3)?);
    if let Some(mut list) = call.read::<List>(1)? {
        let kept = span(start, stop, list.items.len());
        list.items = list.items.range(kept).cloned().collect();
        write(call, 1, list);
    }
    Ok(ModelReply::Ok)
}

pub(crate) fn lrem(call: &mut Call<'_>) -> Outcome {
    let count = call.int(2)?;
    if count == i64::MIN {
        // The text names a range.
        return Err(ModelReply::Unsure);
    }
    let item = call.args[3].clone();
    let Some(mut list) = call.read::<List>(1)? else {
        return Ok(ModelReply::Int(0));
    };
    let mut found: Vec<usize> = (0..list.items.len())
        .filter(|index| list.items[*index] == item)
        .collect();
    if count < 0 {
        found.reverse();
    }
    if count != 0 {
        found.truncate(usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX));
    }
    let mut index = 0;
    list.items.retain(|_| {
        index += 1;
        !found.contains(&(index - 1))
    });
    write(call, 1, list);
    Ok(ModelReply::len(found.len()))
}

pub(crate) fn linsert(call: &mut Call<'_>) -> Outcome {
    let behind = if call.is_word(2, "AFTER") {
        1
    } else if call.is_word(2, "BEFORE") {
        0
    } else {
        return Err(syntax_error());
    };
    let Some(mut list) = call.read::<List>(1)? else {
        return Ok(ModelReply::Int(0));
    };
    let pivot = list.items.iter().position(|item| *item == call.args[3]);
    let Some(pivot) = pivot else {
        // The list was made ready for one more.
        list.form = Form::Unknown;
        write(call, 1, list);
        return Ok(ModelReply::Int(-1));
    };
    list.items.insert(pivot + behind, call.args[4].clone());
    let len = list.items.len();
    write(call, 1, list);
    Ok(ModelReply::len(len))
}

/// LPOS. Unsure: what is said about wrong options.
pub(crate) fn lpos(call: &mut Call<'_>) -> Outcome {
    let (mut rank, mut count, mut compared_max) = (1, None, 0);
    let mut at = 3;
    while at < call.args.len() {
        if at + 1 >= call.args.len() {
            return Err(syntax_error());
        }
        let number = call.int(at + 1).map_err(|_| ModelReply::Unsure)?;
        if call.is_word(at, "RANK") {
            rank = number;
        } else if call.is_word(at, "COUNT") {
            count = Some(number);
        } else if call.is_word(at, "MAXLEN") {
            compared_max = number;
        } else {
            return Err(syntax_error());
        }
        if (number < 0 && !call.is_word(at, "RANK")) || rank == 0 || rank == i64::MIN {
            return Err(ModelReply::Unsure);
        }
        at += 2;
    }
    let Some(list) = call.read::<List>(1)? else {
        return Ok(match count {
            None => ModelReply::Bulk(None),
            Some(_) => ModelReply::Array(Vec::new()),
        });
    };
    let mut order: Vec<usize> = (0..list.items.len()).collect();
    if rank < 0 {
        order.reverse();
    }
    if compared_max > 0 {
        order.truncate(usize::try_from(compared_max).unwrap_or(usize::MAX));
    }
    let matches = order
        .into_iter()
        .filter(|index| list.items[*index] == call.args[2])
        .skip(usize::try_from(rank.unsigned_abs() - 1).unwrap_or(usize::MAX));
    let mut found: Vec<ModelReply> = matches.map(ModelReply::len).collect();
    Ok(match count {
        None => found.into_iter().next().unwrap_or(ModelReply::Bulk(None)),
        Some(count) => {
            if count > 0 {
                found.truncate(usize::try_from(count).unwrap_or(usize::MAX));
            }
            ModelReply::Array(found)
        }
    })
}

pub(crate) fn rpoplpush(call: &mut Call<'_>) -> Outcome {
    transfer(call, End::Right, End::Left)
}

pub(crate) fn lmove(call: &mut Call<'_>) -> Outcome {
    let (from, to) = (end(call, 3)?, end(call, 4)?);
    transfer(call, from, to)
}

fn end(call: &Call<'_>, position: usize) -> Result<End, ModelReply> {
    if call.is_word(position, "LEFT") {
        Ok(End::Left)
    } else if call.is_word(position, "RIGHT") {
        Ok(End::Right)
    } else {
        Err(syntax_error())
    }
}

fn transfer(call: &mut Call<'_>, from: End, to: End) -> Outcome {
    let Some(mut source) = call.read::<List>(1)? else {
        return Ok(ModelReply::Bulk(None));
    };
    call.read::<List>(2)?;
    let item = source.pop(from).unwrap_or_default();
    if call.args[1] == call.args[2] {
        source.push(to, item.clone());
        write(call, 1, source);
        return Ok(ModelReply::bulk(&item));
    }
    write(call, 1, source);
    let mut target = call.read::<List>(2)?.unwrap_or_else(List::new);
    target.push(to, item.clone());
    write(call, 2, target);
    Ok(ModelReply::bulk(&item))
}

/// LMPOP. Unsure: what is said about wrong counts.
pub(crate) fn lmpop(call: &mut Call<'_>) -> Outcome {
    let keys = call.keys_of(1)?;
    let at = keys.end;
    if at >= call.args.len() {
        return Err(ModelReply::Unsure);
    }
    let end = end(call, at)?;
    let count = match call.args.len() - at {
        1 => 1,
        3 if call.is_word(at + 1, "COUNT") => match call.int(at + 2) {
            Ok(count) if count > 0 => usize::try_from(count).unwrap_or(usize::MAX),
            _ => return Err(ModelReply::Unsure),
        },
        _ => return Err(ModelReply::Unsure),
    };
    for position in keys {
        if let Some(mut list) = call.read::<List>(position)? {
            let items = pop_many(&mut list, end, count);
            write(call, position, list);
            return Ok(ModelReply::Array(vec![
                ModelReply::bulk(&call.args[position]),
                ModelReply::bulks(items),
            ]));
        }
    }
    Ok(ModelReply::NilArray)
}
