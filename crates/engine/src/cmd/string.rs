//! Commands on strings: counters, ranges, conditional writes.
//!
//! Here is what the families of this group share: how a value is taken from a request and how it
//! is told. The commands themselves are in the files below.

mod change;
mod counters;
mod delete;
mod get;
mod increx;
mod lcs;
mod many;
mod options;
mod set;

use vk_data::{
    num::{INT_TEXT_MAX, parse_i64},
    value::{NewValue, StrRef},
};
use vk_resp::{ReplyBuf, Request};

use super::Command;

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    set::SET,
    get::GET,
    counters::INCR,
    change::APPEND,
    counters::DECR,
    counters::DECRBY,
    delete::DELEX,
    delete::DELIFEQ,
    get::GETDEL,
    get::GETEX,
    get::GETRANGE,
    set::GETSET,
    counters::INCRBY,
    counters::INCRBYFLOAT,
    increx::INCREX,
    lcs::LCS,
    get::MGET,
    many::MSET,
    many::MSETEX,
    many::MSETNX,
    set::PSETEX,
    set::SETEX,
    set::SETNX,
    change::SETRANGE,
    get::STRLEN,
    get::SUBSTR,
];

/// The value in a word of a request: an integer if it is one in its shortest form, else bytes. A
/// big value that arrived in its own allocation is adopted.
fn new_value(request: Request<'_>, word: usize) -> NewValue<'_> {
    if let Some(blob) = request.blob(word) {
        return NewValue::Blob(blob.clone());
    }
    let bytes = request.arg(word).unwrap_or_default();
    if bytes.len() <= INT_TEXT_MAX
        && let Some(number) = parse_i64(bytes)
    {
        return NewValue::Int(number);
    }
    NewValue::Bytes(bytes)
}

/// Tells a value; a big one goes out by reference.
fn reply_string(reply: &mut ReplyBuf, value: StrRef<'_>) {
    match value {
        StrRef::Int(number) => reply.bulk_int(number),
        StrRef::Bytes(bytes) => reply.bulk(bytes),
        StrRef::Blob(blob) => reply.blob(blob, 0..blob.len()),
    }
}

/// A length as a reply's number.
fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The effects of one line, words divided by spaces, effects by semicolons. For tests.
#[cfg(test)]
pub(in crate::cmd) fn effects_of(
    kit: &mut crate::testkit::Kit,
    line: &str,
) -> alloc::string::String {
    use alloc::{string::String, vec::Vec};
    kit.engine.set_effects_wanted(true);
    let mut effects = crate::EffectBuf::default();
    kit.engine.take_effects(&mut effects);
    effects.bytes.clear();
    kit.run(line);
    kit.engine.take_effects(&mut effects);
    let text = String::from_utf8_lossy(&effects.bytes).into_owned();
    let of_one = |effect: &str| {
        let words: Vec<&str> = effect.split("\r\n").skip(2).step_by(2).collect();
        words.join(" ")
    };
    let all: Vec<String> = text.split('*').skip(1).map(of_one).collect();
    all.join("; ")
}
