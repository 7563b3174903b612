//! Strings as rows of bits, the highest bit of a byte first.

use crate::db::Entry;
use crate::{Call, ModelReply, Outcome, naive, syntax_error};

/// Bits that a string may have.
const BITS_MAX: u64 = 1 << 32;

/// The bits of a string.
fn bits(bytes: &[u8]) -> Vec<bool> {
    let of_byte = |byte: &u8| {
        (0..8)
            .rev()
            .map(|place| byte >> place & 1 == 1)
            .collect::<Vec<_>>()
    };
    bytes.iter().flat_map(of_byte).collect()
}

fn bytes(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| {
        let places = bits.iter().enumerate();
        places.fold(0_u8, |byte, (place, bit)| {
            byte | u8::from(*bit) << (7 - place)
        })
    };
    bits.chunks(8).map(byte).collect()
}

fn offset(call: &Call<'_>, position: usize) -> Result<usize, ModelReply> {
    let wrong = || ModelReply::error("bit offset is not an integer or out of range");
    let offset = naive::parse_int(&call.args[position]).ok_or_else(wrong)?;
    let offset = u64::try_from(offset).map_err(|_| wrong())?;
    if offset >= BITS_MAX {
        return Err(wrong());
    }
    // Longer strings are right, and slow here.
    usize::try_from(offset)
        .ok()
        .filter(|offset| *offset < 1 << 16)
        .ok_or(ModelReply::Unsure)
}

pub(crate) fn setbit(call: &mut Call<'_>) -> Outcome {
    let offset = offset(call, 2)?;
    let new = match call.int(3) {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(ModelReply::error("bit is not an integer or out of range")),
    };
    let mut row = bits(&call.value(1)?.unwrap_or_default());
    if row.len() <= offset {
        row.resize(offset / 8 * 8 + 8, false);
    }
    let old = std::mem::replace(&mut row[offset], new);
    let expire_ms = call.entry(1).and_then(|entry| entry.expire_ms);
    let key = call.args[1].clone();
    call.db().put(&key, Entry::raw(bytes(&row), expire_ms));
    Ok(ModelReply::Int(old.into()))
}

pub(crate) fn getbit(call: &mut Call<'_>) -> Outcome {
    let offset = offset(call, 2)?;
    let row = bits(&call.value(1)?.unwrap_or_default());
    Ok(ModelReply::Int(
        row.get(offset).copied().unwrap_or(false).into(),
    ))
}

/// The bits between two indexes of bytes or bits, and where they begin.
fn part(row: &[bool], start: i64, end: i64, by_bits: bool) -> (usize, Vec<bool>) {
    let each = if by_bits { 1 } else { 8 };
    let len = i128::try_from(row.len() / each).unwrap_or_default();
    let (start, end) = (i128::from(start), i128::from(end));
    let place = |index: i128| {
        if index < 0 {
            (index + len).max(0)
        } else {
            index
        }
    };
    let (start, end) = (place(start), place(end).min(len - 1));
    if start > end {
        return (0, Vec::new());
    }
    let (start, end) = (start as usize * each, (end as usize + 1) * each);
    (start, row[start..end].to_vec())
}

fn unit(call: &Call<'_>, position: usize) -> Result<bool, ModelReply> {
    if call.is_word(position, "BIT") {
        Ok(true)
    } else if call.is_word(position, "BYTE") {
        Ok(false)
    } else {
        Err(syntax_error())
    }
}

/// BITCOUNT. Unsure: the order of errors, and a start without an end.
pub(crate) fn bitcount(call: &mut Call<'_>) -> Outcome {
    let wrong = |_| ModelReply::Unsure;
    let (start, end, by_bits) = match call.args.len() {
        2 => (0, -1, false),
        4 => (
            call.int(2).map_err(wrong)?,
            call.int(3).map_err(wrong)?,
            false,
        ),
        5 => (
            call.int(2).map_err(wrong)?,
            call.int(3).map_err(wrong)?,
            unit(call, 4).map_err(wrong)?,
        ),
        _ => return Err(ModelReply::Unsure),
    };
    let row = bits(&call.value(1)?.unwrap_or_default());
    if start < 0 && end < 0 && start > end {
        return Ok(ModelReply::Int(0));
    }
    let (_, part) = part(&row, start, end, by_bits);
    Ok(ModelReply::len(part.into_iter().filter(|bit| *bit).count()))
}

/// BITPOS. Unsure: the order of errors.
pub(crate) fn bitpos(call: &mut Call<'_>) -> Outcome {
    let wrong = |_| ModelReply::Unsure;
    let wanted = match call.int(2).map_err(wrong)? {
        0 => false,
        1 => true,
        _ => return Err(ModelReply::Unsure),
    };
    let number = |position| call.int(position).map_err(wrong);
    let (start, end, by_bits, has_end) = match call.args.len() {
        3 => (0, -1, false, false),
        4 => (number(3)?, -1, false, false),
        5 => (number(3)?, number(4)?, false, true),
        6 => (number(3)?, number(4)?, unit(call, 5).map_err(wrong)?, true),
        _ => return Err(ModelReply::Unsure),
    };
    let Some(value) = call.value(1)? else {
        return Ok(ModelReply::Int(if wanted { -1 } else { 0 }));
    };
    let row = bits(&value);
    let (from, part) = part(&row, start, end, by_bits);
    if part.is_empty() {
        return Ok(ModelReply::Int(-1));
    }
    Ok(match part.iter().position(|bit| *bit == wanted) {
        Some(place) => ModelReply::len(from + place),
        // Behind the end there are only zeros.
        None if !wanted && !has_end => ModelReply::len(from + part.len()),
        None => ModelReply::Int(-1),
    })
}

pub(crate) fn bitop(call: &mut Call<'_>) -> Outcome {
    let word = String::from_utf8_lossy(&call.args[1]).to_uppercase();
    let operation: fn(u8, u8) -> u8 = match word.as_str() {
        "AND" => |a, b| a & b,
        "OR" => |a, b| a | b,
        "XOR" => |a, b| a ^ b,
        "NOT" if call.args.len() == 4 => |a, _| !a,
        "NOT" => {
            let text = "BITOP NOT must be called with a single source key.";
            return Err(ModelReply::error(text));
        }
        // Later versions know more of them.
        _ => return Err(ModelReply::Unsure),
    };
    let mut sources = Vec::new();
    for position in 3..call.args.len() {
        sources.push(call.value(position)?.unwrap_or_default());
    }
    let len = sources.iter().map(Vec::len).max().unwrap_or(0);
    let at = |source: &Vec<u8>, place: usize| source.get(place).copied().unwrap_or(0);
    let byte = |place: usize| {
        let first = at(&sources[0], place);
        match sources.len() {
            1 if word == "NOT" => operation(first, 0),
            _ => sources[1..]
                .iter()
                .fold(first, |byte, source| operation(byte, at(source, place))),
        }
    };
    let result: Vec<u8> = (0..len).map(byte).collect();
    let (now_ms, key) = (call.now_ms, call.args[2].clone());
    if result.is_empty() {
        call.db().take(now_ms, &key);
    } else {
        call.db().put(&key, Entry::raw(result, None));
    }
    Ok(ModelReply::len(len))
}

/// A number of `width` bits.
struct Field {
    signed: bool,
    width: u32,
    at: usize,
}

/// `u8`, `i16` and so on, and an offset, `#2` meaning the third of them.
fn field(call: &Call<'_>, position: usize) -> Result<Field, ModelReply> {
    let text = call
        .args
        .get(position..position + 2)
        .ok_or(ModelReply::Unsure)?;
    let (signed, width) = match text[0].split_first() {
        Some((b'i', width)) => (true, width),
        Some((b'u', width)) => (false, width),
        _ => return Err(ModelReply::Unsure),
    };
    let width = naive::parse_int(width).and_then(|width| u32::try_from(width).ok());
    let width = width.ok_or(ModelReply::Unsure)?;
    if width == 0 || width > if signed { 64 } else { 63 } {
        return Err(ModelReply::Unsure);
    }
    let (text, each) = match text[1].split_first() {
        Some((b'#', rest)) => (rest, width as usize),
        _ => (text[1].as_slice(), 1),
    };
    let offset = naive::parse_int(text).and_then(|at| usize::try_from(at).ok());
    let offset = offset.filter(|at| *at < 4096).ok_or(ModelReply::Unsure)?;
    Ok(Field {
        signed,
        width,
        at: offset * each,
    })
}

impl Field {
    fn get(&self, row: &[bool]) -> i128 {
        let bit = |place: usize| row.get(place).copied().unwrap_or(false);
        let places = self.at..self.at + self.width as usize;
        let value = places.fold(0_i128, |value, place| value << 1 | i128::from(bit(place)));
        let is_negative = self.signed && bit(self.at);
        if is_negative {
            value - (1 << self.width)
        } else {
            value
        }
    }

    fn set(&self, row: &mut Vec<bool>, value: i128) {
        let end = self.at + self.width as usize;
        if row.len() < end {
            row.resize(end.div_ceil(8) * 8, false);
        }
        for place in 0..self.width {
            row[end - 1 - place as usize] = value >> place & 1 == 1;
        }
    }

    /// The value as it fits, by the way in which it overflows; none if it may not.
    fn fit(&self, value: i128, overflow: &str) -> Option<i128> {
        let (low, high) = if self.signed {
            (-(1_i128 << (self.width - 1)), (1 << (self.width - 1)) - 1)
        } else {
            (0, (1 << self.width) - 1)
        };
        match overflow {
            _ if (low..=high).contains(&value) => Some(value),
            "SAT" => Some(value.clamp(low, high)),
            "WRAP" => {
                let wrapped = (value - low).rem_euclid(1 << self.width);
                Some(wrapped + low)
            }
            _ => None,
        }
    }
}

/// BITFIELD. Unsure: everything about wrong arguments.
pub(crate) fn bitfield(call: &mut Call<'_>) -> Outcome {
    // Wrong arguments are found before a wrong type.
    let value = call.value(1);
    let mut row = bits(&value.clone().ok().flatten().unwrap_or_default());
    let (mut answers, mut overflow, mut at, mut writes) = (Vec::new(), "WRAP", 2, false);
    while at < call.args.len() {
        if call.is_word(at, "OVERFLOW") && at + 1 < call.args.len() {
            let kinds = ["WRAP", "SAT", "FAIL"];
            let kind = kinds.into_iter().find(|kind| call.is_word(at + 1, kind));
            overflow = kind.ok_or(ModelReply::Unsure)?;
            at += 2;
            continue;
        }
        let field = field(call, at + 1)?;
        let old = field.get(&row);
        if call.is_word(at, "GET") {
            answers.push(Some(old));
            at += 3;
            continue;
        }
        if at + 3 >= call.args.len() {
            return Err(ModelReply::Unsure);
        }
        let number = i128::from(call.int(at + 3).map_err(|_| ModelReply::Unsure)?);
        let sets = call.is_word(at, "SET");
        if !sets && !call.is_word(at, "INCRBY") {
            return Err(ModelReply::Unsure);
        }
        // A number below zero in a field without a sign.
        if sets && !field.signed && number < 0 {
            return Err(ModelReply::Unsure);
        }
        let wanted = if sets { number } else { old + number };
        let new = field.fit(wanted, overflow);
        if let Some(new) = new {
            field.set(&mut row, new);
        } else {
            // The string grows all the same.
            field.set(&mut row, old);
        }
        writes = true;
        answers.push(new.map(|new| if sets { old } else { new }));
        at += 4;
    }
    value?;
    if writes {
        let expire_ms = call.entry(1).and_then(|entry| entry.expire_ms);
        let key = call.args[1].clone();
        call.db().put(&key, Entry::raw(bytes(&row), expire_ms));
    }
    let answers = answers.into_iter().map(|answer| match answer {
        None => Ok(ModelReply::Bulk(None)),
        Some(value) => i64::try_from(value)
            .map(ModelReply::Int)
            .map_err(|_| ModelReply::Unsure),
    });
    Ok(ModelReply::Array(answers.collect::<Result<_, _>>()?))
}
