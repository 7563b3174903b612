//! Replies as text, byte for byte as Valkey's client prints them. Not what a terminal may be
//! shown: `printer` escapes that afterwards.

use vk_resp::Reply;

use crate::options::OutputMode;
use crate::words;

/// How a reply is formatted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style<'a> {
    pub(crate) mode: OutputMode,
    /// Between the elements of a raw reply.
    pub(crate) element_delimiter: &'a [u8],
    /// After a raw reply.
    pub(crate) reply_delimiter: &'a [u8],
}

/// Appends a reply and what ends it.
pub(crate) fn format(reply: &Reply, style: Style<'_>, out: &mut Vec<u8>) {
    match style.mode {
        OutputMode::Standard => standard(reply, b"", out),
        OutputMode::Raw => {
            raw(reply, style.element_delimiter, out);
            out.extend_from_slice(style.reply_delimiter);
        }
        OutputMode::Csv => {
            csv(reply, out);
            out.push(b'\n');
        }
        OutputMode::Json | OutputMode::QuotedJson => {
            json(reply, style.mode == OutputMode::QuotedJson, out);
            out.push(b'\n');
        }
    }
}

/// A view that treats the kinds alike that print alike.
enum Shape<'a> {
    Error(&'a [u8]),
    Status(&'a [u8]),
    Text(&'a [u8]),
    Verbatim(&'a [u8]),
    Integer(i64),
    Double(String),
    BigNumber(&'a [u8]),
    Bool(bool),
    Null,
    List(Kind, &'a [Reply]),
    Map(&'a [(Reply, Reply)]),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    Set,
    Push,
}

fn shape(reply: &Reply) -> Shape<'_> {
    match reply {
        Reply::Simple(text) => Shape::Status(text),
        Reply::Error(text) | Reply::BulkError(text) => Shape::Error(text),
        Reply::Int(number) => Shape::Integer(*number),
        Reply::Bulk(text) => Shape::Text(text),
        Reply::Null | Reply::NullArray => Shape::Null,
        Reply::Array(items) => Shape::List(Kind::Array, items),
        Reply::Set(items) => Shape::List(Kind::Set, items),
        Reply::Push(items) => Shape::List(Kind::Push, items),
        Reply::Map(pairs) => Shape::Map(pairs),
        Reply::Double(number) => Shape::Double(double(*number)),
        Reply::Bool(value) => Shape::Bool(*value),
        Reply::BigNumber(digits) => Shape::BigNumber(digits),
        Reply::Verbatim { data, .. } => Shape::Verbatim(data),
        Reply::Attribute { reply, .. } => shape(reply),
        // A kind that a later version of the protocol brings is shown as nothing known.
        _ => Shape::Null,
    }
}

/// The shortest digits that read back the same.
fn double(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-5..1e17).contains(&magnitude) {
        let text = format!("{number:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                format!("{digits}e+{exponent}")
            }
            _ => text,
        };
    }
    format!("{number}")
}

fn standard(reply: &Reply, prefix: &[u8], out: &mut Vec<u8>) {
    match shape(reply) {
        Shape::Error(text) => push_all(out, &[b"(error) ", text]),
        Shape::Status(text) | Shape::Verbatim(text) => out.extend_from_slice(text),
        Shape::Text(text) => words::quote(text, out),
        Shape::Integer(number) => push_text(out, &format!("(integer) {number}")),
        Shape::Double(number) => push_text(out, &format!("(double) {number}")),
        Shape::BigNumber(digits) => push_all(out, &[b"(big number) ", digits]),
        Shape::Bool(value) => push_text(out, if value { "(true)" } else { "(false)" }),
        Shape::Null => push_text(out, "(nil)"),
        Shape::List(kind, []) => push_text(out, empty(kind)),
        Shape::Map([]) => push_text(out, "(empty hash)"),
        Shape::List(kind, items) => return standard_list(kind, items, prefix, out),
        Shape::Map(pairs) => return standard_map(pairs, prefix, out),
    }
    out.push(b'\n');
}

fn empty(kind: Kind) -> &'static str {
    match kind {
        Kind::Array => "(empty array)",
        Kind::Set => "(empty set)",
        Kind::Push => "(empty push)",
    }
}

fn standard_list(kind: Kind, items: &[Reply], prefix: &[u8], out: &mut Vec<u8>) {
    let separator = if kind == Kind::Set { '~' } else { ')' };
    let width = digits(items.len());
    let inner = inner_prefix(prefix, width);
    for (position, item) in items.iter().enumerate() {
        // Whoever called has printed the place of the first element.
        if position > 0 {
            out.extend_from_slice(prefix);
        }
        let number = position.saturating_add(1);
        push_text(out, &format!("{number:>width$}{separator} "));
        standard(item, &inner, out);
    }
}

fn standard_map(pairs: &[(Reply, Reply)], prefix: &[u8], out: &mut Vec<u8>) {
    let width = digits(pairs.len());
    let inner = inner_prefix(prefix, width);
    for (position, (key, value)) in pairs.iter().enumerate() {
        if position > 0 {
            out.extend_from_slice(prefix);
        }
        let number = position.saturating_add(1);
        push_text(out, &format!("{number:>width$}# "));
        standard(key, &inner, out);
        // The key ended its line; the value goes on there.
        out.pop();
        push_text(out, " => ");
        if is_multiline(value) {
            out.push(b'\n');
            out.extend_from_slice(&inner);
        }
        standard(value, &inner, out);
    }
}

fn is_multiline(reply: &Reply) -> bool {
    match shape(reply) {
        Shape::List(_, [item]) => is_multiline(item),
        Shape::List(_, items) => !items.is_empty(),
        Shape::Map([(_, value)]) => is_multiline(value),
        Shape::Map(pairs) => !pairs.is_empty(),
        _ => false,
    }
}

fn digits(count: usize) -> usize {
    count.to_string().len()
}

fn inner_prefix(prefix: &[u8], width: usize) -> Vec<u8> {
    let mut inner = prefix.to_vec();
    inner.resize(prefix.len().saturating_add(width).saturating_add(2), b' ');
    inner
}

/// The bytes of a reply and nothing else.
pub(crate) fn raw(reply: &Reply, delimiter: &[u8], out: &mut Vec<u8>) {
    match shape(reply) {
        Shape::Null => {}
        Shape::Error(text) => push_all(out, &[text, b"\n"]),
        Shape::Status(text) | Shape::Text(text) | Shape::Verbatim(text) => {
            out.extend_from_slice(text);
        }
        Shape::Integer(number) => push_text(out, &number.to_string()),
        Shape::Double(number) => push_text(out, &number),
        Shape::BigNumber(digits) => out.extend_from_slice(digits),
        Shape::Bool(value) => push_text(out, if value { "(true)" } else { "(false)" }),
        Shape::List(_, items) => {
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.extend_from_slice(delimiter);
                }
                raw(item, delimiter, out);
            }
        }
        Shape::Map(pairs) => {
            for (position, (key, value)) in pairs.iter().enumerate() {
                if position > 0 {
                    out.extend_from_slice(delimiter);
                }
                raw(key, delimiter, out);
                out.push(b' ');
                raw(value, delimiter, out);
            }
        }
    }
}

fn csv(reply: &Reply, out: &mut Vec<u8>) {
    match shape(reply) {
        Shape::Error(text) => {
            push_text(out, "ERROR,");
            words::quote(text, out);
        }
        Shape::Status(text) | Shape::Text(text) | Shape::Verbatim(text) => words::quote(text, out),
        Shape::Integer(number) => push_text(out, &number.to_string()),
        Shape::Double(number) => push_text(out, &number),
        Shape::BigNumber(digits) => out.extend_from_slice(digits),
        Shape::Bool(value) => push_text(out, if value { "true" } else { "false" }),
        Shape::Null => push_text(out, "NULL"),
        Shape::List(_, items) => {
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                csv(item, out);
            }
        }
        // CSV knows no maps: a flat list has to do.
        Shape::Map(pairs) => {
            for (position, (key, value)) in pairs.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                csv(key, out);
                out.push(b',');
                csv(value, out);
            }
        }
    }
}

fn json(reply: &Reply, quoted: bool, out: &mut Vec<u8>) {
    match shape(reply) {
        Shape::Error(text) => {
            push_text(out, "error:");
            json_text(text, quoted, out);
        }
        Shape::Status(text) | Shape::Text(text) | Shape::Verbatim(text) => {
            json_text(text, quoted, out);
        }
        Shape::Integer(number) => push_text(out, &number.to_string()),
        Shape::Double(number) => push_text(out, &number),
        Shape::BigNumber(digits) => out.extend_from_slice(digits),
        Shape::Bool(value) => push_text(out, if value { "true" } else { "false" }),
        Shape::Null => push_text(out, "null"),
        Shape::List(_, items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                json(item, quoted, out);
            }
            out.push(b']');
        }
        Shape::Map(pairs) => json_map(pairs, quoted, out),
    }
}

fn json_map(pairs: &[(Reply, Reply)], quoted: bool, out: &mut Vec<u8>) {
    out.push(b'{');
    for (position, (key, value)) in pairs.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        match shape(key) {
            Shape::Error(_) | Shape::Status(_) | Shape::Text(_) | Shape::Verbatim(_) => {
                json(key, quoted, out);
            }
            // JSON has keys of text alone.
            _ => {
                out.push(b'"');
                json(key, quoted, out);
                out.push(b'"');
            }
        }
        out.push(b':');
        json(value, quoted, out);
    }
    out.push(b'}');
}

fn json_text(text: &[u8], quoted: bool, out: &mut Vec<u8>) {
    if quoted {
        let mut ascii = Vec::with_capacity(text.len().saturating_add(2));
        words::quote(text, &mut ascii);
        // The quoted text is a JSON string again; only its own two quotes stand for themselves.
        let inner = ascii.get(1..ascii.len().saturating_sub(1)).unwrap_or(&[]);
        out.push(b'"');
        for byte in inner {
            if matches!(byte, b'\\' | b'"') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'"');
        return;
    }
    out.push(b'"');
    for byte in text {
        match byte {
            b'\\' | b'"' => push_all(out, &[b"\\", &[*byte]]),
            b'\n' => push_text(out, "\\n"),
            b'\r' => push_text(out, "\\r"),
            b'\t' => push_text(out, "\\t"),
            0x08 => push_text(out, "\\b"),
            0x0c => push_text(out, "\\f"),
            0..=0x1f => push_text(out, &format!("\\u{byte:04x}")),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn push_all(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
