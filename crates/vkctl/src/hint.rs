//! Hints: what may follow the words that were typed, from the grammar of a command's arguments.
//! Only a description: a hint never decides whether a command is sent.

use crate::catalog::{Arg, ArgKind, Catalog};
use crate::words;

/// The hint for an incomplete line; `None` for an unknown command. The last word counts only
/// when a blank follows it.
pub(crate) fn hint(catalog: &Catalog, line: &[u8]) -> Option<String> {
    let mut typed = words::split(line)?;
    if !line.last().is_some_and(u8::is_ascii_whitespace) {
        typed.pop();
    }
    let doc = catalog.find(&typed)?;
    Some(after(
        &doc.args,
        typed.get(doc.words.len()..).unwrap_or(&[]),
    ))
}

/// The whole grammar of a list of arguments.
pub(crate) fn grammar(args: &[Arg]) -> String {
    after(args, &[])
}

fn after(args: &[Arg], typed: &[Vec<u8>]) -> String {
    let mut seen: Vec<Seen> = args.iter().map(Seen::fresh).collect();
    let matched = match_all(typed, args, &mut seen);
    if matched != typed.len() {
        return String::new();
    }
    let mut out = String::new();
    show_all(args, &mut seen, " ", &mut out);
    out
}

/// How much of an argument was typed.
#[derive(Debug, Clone, Default)]
struct Seen {
    words: usize,
    token: bool,
    value: bool,
    complete: bool,
    inner: Vec<Self>,
}

impl Seen {
    fn fresh(arg: &Arg) -> Self {
        Self {
            inner: arg.inner.iter().map(Self::fresh).collect(),
            ..Self::default()
        }
    }

    fn reset(&mut self) {
        self.words = 0;
        self.token = false;
        self.value = false;
        self.complete = false;
        self.inner.iter_mut().for_each(Self::reset);
    }

    fn begun(&self) -> bool {
        self.words > 0
    }
}

/// Matches words against arguments in order; gives the number of words matched, 0 when one that
/// is required does not fit.
fn match_all(typed: &[Vec<u8>], args: &[Arg], seen: &mut [Seen]) -> usize {
    let mut matched = 0;
    let mut place = 0;
    while matched < typed.len() && place < args.len() {
        let rest = typed.get(matched..).unwrap_or(&[]);
        let run = optional_run(args, place);
        if run > 0 {
            let end = place.saturating_add(run);
            if let (Some(args), Some(seen)) = (args.get(place..end), seen.get_mut(place..end)) {
                matched = matched.saturating_add(match_optional(rest, args, seen));
            }
            place = end;
            continue;
        }
        if let (Some(arg), Some(seen)) = (args.get(place), seen.get_mut(place)) {
            let count = match_one(rest, arg, seen);
            if count == 0 {
                return 0;
            }
            matched = matched.saturating_add(count);
        }
        place = place.saturating_add(1);
    }
    matched
}

/// Number of optional arguments from `place` on that follow each other.
fn optional_run(args: &[Arg], place: usize) -> usize {
    args.iter()
        .skip(place)
        .take_while(|arg| arg.optional)
        .count()
}

/// Optional arguments beside each other come in any order.
fn match_optional(typed: &[Vec<u8>], args: &[Arg], seen: &mut [Seen]) -> usize {
    let mut matched: usize = 0;
    let mut last: Option<usize> = None;
    while let Some(rest) = typed.get(matched..).filter(|rest| !rest.is_empty()) {
        let mut found = None;
        for (place, (arg, seen)) in args.iter().zip(seen.iter_mut()).enumerate() {
            if seen.begun() {
                continue;
            }
            let count = match_one(rest, arg, seen);
            if count > 0 {
                found = Some((place, count));
                break;
            }
        }
        let Some((place, count)) = found else {
            break;
        };
        // The next argument has begun, so that the one before is done with.
        if let Some(previous) = last.and_then(|last| seen.get_mut(last)) {
            previous.complete = true;
        }
        last = Some(place);
        matched = matched.saturating_add(count);
    }
    matched
}

/// Matches one argument, repeated as often as it may be.
fn match_one(typed: &[Vec<u8>], arg: &Arg, seen: &mut Seen) -> usize {
    let once = match_once(typed, arg, seen);
    if !arg.multiple {
        return once;
    }
    let mut matched = once;
    while seen.complete && matched < typed.len() {
        let rest = typed.get(matched..).unwrap_or(&[]);
        seen.reset();
        let again = if arg.token.is_some() && !arg.multiple_token {
            let count = match_value(rest, arg, seen);
            // The token stands once, in front of the first.
            seen.token = seen.begun();
            count
        } else {
            match_once(rest, arg, seen)
        };
        matched = matched.saturating_add(again);
    }
    // More of it may follow.
    seen.complete = false;
    matched
}

fn match_once(typed: &[Vec<u8>], arg: &Arg, seen: &mut Seen) -> usize {
    let Some(token) = &arg.token else {
        return match_value(typed, arg, seen);
    };
    let Some((first, rest)) = typed.split_first() else {
        return 0;
    };
    if !token.as_bytes().eq_ignore_ascii_case(first) {
        return 0;
    }
    seen.token = true;
    seen.words = 1;
    if arg.kind == ArgKind::PureToken {
        seen.complete = true;
        return 1;
    }
    if rest.is_empty() {
        return 1;
    }
    match_value(rest, arg, seen)
}

fn match_value(typed: &[Vec<u8>], arg: &Arg, seen: &mut Seen) -> usize {
    let fits = match arg.kind {
        ArgKind::Block => {
            let count = match_all(typed, &arg.inner, &mut seen.inner);
            seen.words = seen.words.saturating_add(count);
            seen.complete = seen.inner.iter().all(|inner| inner.complete);
            return seen.words;
        }
        ArgKind::OneOf => {
            for (arg, inner) in arg.inner.iter().zip(&mut seen.inner) {
                if match_one(typed, arg, inner) > 0 {
                    seen.words = seen.words.saturating_add(inner.words);
                    seen.complete = inner.complete;
                    break;
                }
            }
            return seen.words;
        }
        ArgKind::Integer => typed.first().is_some_and(|word| begins_with_number(word)),
        ArgKind::Double => typed.first().is_some_and(|word| begins_with_double(word)),
        ArgKind::Word | ArgKind::PureToken => !typed.is_empty(),
    };
    if fits {
        seen.words = seen.words.saturating_add(1);
        seen.value = true;
        seen.complete = true;
    } else {
        seen.words = 0;
        seen.value = false;
    }
    seen.words
}

fn begins_with_number(word: &[u8]) -> bool {
    let digits = word
        .strip_prefix(b"-")
        .or_else(|| word.strip_prefix(b"+"))
        .unwrap_or(word);
    digits.first().is_some_and(u8::is_ascii_digit)
}

fn begins_with_double(word: &[u8]) -> bool {
    let digits = word
        .strip_prefix(b"-")
        .or_else(|| word.strip_prefix(b"+"))
        .unwrap_or(word);
    let digits = digits.strip_prefix(b".").unwrap_or(digits);
    let names: [&[u8]; 2] = [b"inf", b"nan"];
    digits.first().is_some_and(u8::is_ascii_digit)
        || names.iter().any(|name| {
            digits
                .get(..name.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(name))
        })
}

/// Appends what is still to come of all arguments.
fn show_all(args: &[Arg], seen: &mut [Seen], separator: &str, out: &mut String) {
    let mut parts = Vec::new();
    let mut place = 0;
    while place < args.len() {
        let run = optional_run(args, place);
        let end = place.saturating_add(run.max(1));
        let mut order: Vec<usize> = (place..end).collect();
        if run > 0 {
            // What has been begun comes first; the others only while their place is not passed.
            let begun = |at: &usize| {
                seen.get(*at)
                    .is_some_and(|seen| seen.begun() && !seen.complete)
            };
            let passed = seen.get(end).is_some_and(Seen::begun);
            let (first, others): (Vec<usize>, Vec<usize>) = order.iter().partition(|at| begun(at));
            order = first;
            if !passed {
                order.extend(others);
            }
        }
        for at in order {
            if let (Some(arg), Some(seen)) = (args.get(at), seen.get_mut(at)) {
                let mut part = String::new();
                show(arg, seen, &mut part);
                if !part.is_empty() {
                    parts.push(part);
                }
            }
        }
        place = end;
    }
    out.push_str(&parts.join(separator));
}

fn show(arg: &Arg, seen: &mut Seen, out: &mut String) {
    if seen.complete {
        return;
    }
    if arg.optional && !seen.begun() {
        out.push('[');
    }
    if let Some(token) = arg.token.as_deref().filter(|_| !seen.token) {
        out.push_str(or_quotes(token));
        if arg.kind != ArgKind::PureToken {
            out.push(' ');
        }
    }
    match arg.kind {
        ArgKind::OneOf if seen.begun() => {
            for (arg, seen) in arg.inner.iter().zip(&mut seen.inner) {
                if seen.begun() {
                    show(arg, seen, out);
                }
            }
        }
        ArgKind::OneOf => show_all(&arg.inner, &mut seen.inner, "|", out),
        ArgKind::Block => show_all(&arg.inner, &mut seen.inner, " ", out),
        ArgKind::PureToken => {}
        _ if seen.value => {}
        _ => out.push_str(or_quotes(&arg.name)),
    }
    if arg.multiple {
        show_repetition(arg, seen, out);
    }
    // After a repetition nothing counts as typed, so that the bracket of an argument that has been
    // begun is closed a second time. It looks odd, and it is what Valkey's client prints.
    if arg.optional && !seen.begun() {
        out.push(']');
    }
}

fn show_repetition(arg: &Arg, seen: &mut Seen, out: &mut String) {
    // The repetition is shown whole, whatever was typed of the one before.
    seen.reset();
    if !out.is_empty() {
        out.push(' ');
    }
    out.push('[');
    if let Some(token) = arg.token.as_deref().filter(|_| arg.multiple_token) {
        out.push_str(or_quotes(token));
        if arg.kind != ArgKind::PureToken {
            out.push(' ');
        }
    }
    match arg.kind {
        ArgKind::OneOf => show_all(&arg.inner, &mut seen.inner, "|", out),
        ArgKind::Block => show_all(&arg.inner, &mut seen.inner, " ", out),
        ArgKind::PureToken => {}
        _ => out.push_str(or_quotes(&arg.name)),
    }
    out.push_str(" ...]");
}

fn or_quotes(text: &str) -> &str {
    if text.is_empty() { "\"\"" } else { text }
}

#[cfg(test)]
#[path = "hint_tests.rs"]
mod tests;
