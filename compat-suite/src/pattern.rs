//! What a reply should be, and whether one is. The notation is described in `README.md` beside the
//! corpus. Not the reading of the network.

use crate::scan::{Scanner, is_name};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use vk_resp::Reply;

/// What replies have been bound to names in a case.
pub type Bindings = BTreeMap<String, Vec<u8>>;

/// An expected reply.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Pattern {
    /// A status line.
    Simple(Vec<u8>),
    /// A status line that fits a glob.
    SimpleGlob(Vec<u8>),
    /// An error line.
    Error(Vec<u8>),
    /// An error line that fits a glob.
    ErrorGlob(Vec<u8>),
    /// An integer between two, both included.
    Int(i64, i64),
    /// A bulk string.
    Bulk(Vec<u8>),
    /// A bulk or verbatim string that fits a glob.
    Glob(Vec<u8>),
    /// The null of a string, or RESP3's null.
    Nil,
    /// The null of an array, or RESP3's null.
    NilArray,
    /// A RESP3 double.
    Double(f64),
    /// A RESP3 boolean.
    Bool(bool),
    /// A RESP3 big number.
    BigNumber(Vec<u8>),
    /// A RESP3 verbatim string of format `txt` that fits a glob.
    Verbatim(Vec<u8>),
    /// An array in this order.
    Array(Items),
    /// An array in any order.
    Unordered(Items),
    /// A RESP3 set, or a RESP2 array, in any order.
    Set(Items),
    /// A RESP3 push.
    Push(Items),
    /// A RESP3 map, or a RESP2 array of keys and values, in any order.
    Map {
        /// Keys and values.
        pairs: Vec<(Self, Self)>,
        /// Further pairs may follow.
        open: bool,
    },
    /// Anything but an error.
    Any,
    /// Any scalar; the first time it is bound to the name, later it must be equal.
    Bind(String),
    /// One of these.
    OneOf(Vec<Self>),
}

/// Elements of an expected array.
#[derive(Debug, Clone, PartialEq)]
pub struct Items {
    /// The elements.
    pub items: Vec<Pattern>,
    /// Further elements may follow.
    pub open: bool,
}

impl Pattern {
    /// Parses the lines under a command.
    ///
    /// # Errors
    /// The notation is broken.
    pub fn parse(text: &str) -> Result<Self> {
        let mut scanner = Scanner::new(text);
        let mut choices = vec![Self::value(&mut scanner, true)?];
        loop {
            scanner.skip_space();
            if scanner.is_done() {
                break;
            }
            if !scanner.take("| ") {
                bail!("more than one reply is expected: {text:?}");
            }
            choices.push(Self::value(&mut scanner, true)?);
        }
        match choices.pop() {
            Some(only) if choices.is_empty() => Ok(only),
            Some(last) => {
                choices.push(last);
                Ok(Self::OneOf(choices))
            }
            None => bail!("a reply is due"),
        }
    }

    fn value(scanner: &mut Scanner<'_>, whole_line: bool) -> Result<Self> {
        scanner.skip_space();
        let Some(first) = scanner.peek() else {
            bail!("a reply is due")
        };
        match first {
            '"' => return Ok(Self::Bulk(scanner.quoted()?)),
            '[' => return Ok(Self::Array(Items::parse(scanner, '[', ']')?)),
            '<' => return Ok(Self::Set(Items::parse(scanner, '<', '>')?)),
            '{' => return Self::map(scanner),
            _ => {}
        }
        if scanner.take("unordered") {
            scanner.skip_space();
            return Ok(Self::Unordered(Items::parse(scanner, '[', ']')?));
        }
        if scanner.take("push") {
            scanner.skip_space();
            return Ok(Self::Push(Items::parse(scanner, '[', ']')?));
        }
        if scanner.take("~") {
            return Ok(Self::Glob(scanner.quoted()?));
        }
        if scanner.take("=") {
            return Ok(Self::Verbatim(scanner.quoted()?));
        }
        if scanner.take("+") {
            let glob = scanner.take("~");
            let text = line(scanner, whole_line)?;
            return Ok(if glob {
                Self::SimpleGlob(text)
            } else {
                Self::Simple(text)
            });
        }
        if scanner.take("-") {
            let glob = scanner.take("~");
            let text = line(scanner, whole_line)?;
            return Ok(if glob {
                Self::ErrorGlob(text)
            } else {
                Self::Error(text)
            });
        }
        Self::atom(scanner.word("]}>"))
    }

    fn atom(word: &str) -> Result<Self> {
        if let Some(range) = word.strip_prefix(":~") {
            let (low, high) = range.split_once("..").unwrap_or(("", ""));
            let bound = |text: &str, other| {
                if text.is_empty() {
                    Ok(other)
                } else {
                    text.parse().context("a range is due")
                }
            };
            return Ok(Self::Int(bound(low, i64::MIN)?, bound(high, i64::MAX)?));
        }
        if let Some(number) = word.strip_prefix(':') {
            let number = number
                .parse()
                .with_context(|| format!("{word} is no integer"))?;
            return Ok(Self::Int(number, number));
        }
        if let Some(number) = word.strip_prefix(',') {
            return Ok(Self::Double(
                number
                    .parse()
                    .with_context(|| format!("{word} is no double"))?,
            ));
        }
        if let Some(digits) = word.strip_prefix('(') {
            return Ok(Self::BigNumber(digits.as_bytes().to_vec()));
        }
        if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
            return Ok(Self::Bind(name.to_owned()));
        }
        Ok(match word {
            "nil" => Self::Nil,
            "nil-array" => Self::NilArray,
            "any" => Self::Any,
            "#t" => Self::Bool(true),
            "#f" => Self::Bool(false),
            _ => bail!("there is no notation {word:?}"),
        })
    }

    fn map(scanner: &mut Scanner<'_>) -> Result<Self> {
        scanner.take("{");
        let (mut pairs, mut open) = (Vec::new(), false);
        loop {
            scanner.skip_space();
            if scanner.take("}") {
                return Ok(Self::Map { pairs, open });
            }
            if scanner.take("...") {
                open = true;
                continue;
            }
            let key = Self::value(scanner, false)?;
            scanner.take(": ");
            pairs.push((key, Self::value(scanner, false)?));
        }
    }

    /// Whether a reply is as expected. `resp3` tells which of two forms is due.
    pub fn matches(&self, reply: &Reply, resp3: bool, bindings: &mut Bindings) -> bool {
        match (self, reply) {
            (Self::Simple(want), Reply::Simple(got))
            | (Self::Error(want), Reply::Error(got) | Reply::BulkError(got))
            | (Self::Bulk(want), Reply::Bulk(got))
            | (Self::BigNumber(want), Reply::BigNumber(got)) => want == got,
            (Self::SimpleGlob(glob), Reply::Simple(got))
            | (Self::ErrorGlob(glob), Reply::Error(got) | Reply::BulkError(got))
            | (Self::Glob(glob), Reply::Bulk(got) | Reply::Verbatim { data: got, .. }) => {
                fits(glob, got)
            }
            (
                Self::Verbatim(glob),
                Reply::Verbatim {
                    format: [b't', b'x', b't'],
                    data,
                },
            ) => fits(glob, data),
            (Self::Int(low, high), Reply::Int(got)) => (low..=high).contains(&got),
            (Self::Nil, Reply::Null) | (Self::NilArray, Reply::NullArray) => true,
            (Self::NilArray, Reply::Null) => resp3,
            (Self::Double(want), Reply::Double(got)) => {
                want == got || (want.is_nan() && got.is_nan())
            }
            (Self::Bool(want), Reply::Bool(got)) => want == got,
            (Self::Array(want), Reply::Array(got)) => want.ordered(got, resp3, bindings),
            (Self::Push(want), Reply::Push(got)) => want.ordered(got, resp3, bindings),
            (Self::Unordered(want), Reply::Array(got)) => want.unordered(got, resp3, bindings),
            (Self::Set(want), Reply::Set(got)) if resp3 => want.unordered(got, resp3, bindings),
            (Self::Set(want), Reply::Array(got)) if !resp3 => want.unordered(got, resp3, bindings),
            (Self::Map { pairs, open }, Reply::Map(got)) if resp3 => {
                let got: Vec<_> = got.iter().map(|(key, value)| (key, value)).collect();
                map_matches(pairs, *open, &got, resp3, bindings)
            }
            (Self::Map { pairs, open }, Reply::Array(got)) if !resp3 && got.len() % 2 == 0 => {
                let got: Vec<_> = got
                    .chunks_exact(2)
                    .filter_map(|pair| pair.first().zip(pair.last()))
                    .collect();
                map_matches(pairs, *open, &got, resp3, bindings)
            }
            (Self::Any, reply) => !reply.is_error(),
            (Self::Bind(name), reply) => bind(name, reply, bindings),
            (Self::OneOf(choices), reply) => choices.iter().any(|choice| {
                let mut attempt = bindings.clone();
                let fits = choice.matches(reply, resp3, &mut attempt);
                if fits {
                    *bindings = attempt;
                }
                fits
            }),
            _ => false,
        }
    }
}

impl Items {
    fn parse(scanner: &mut Scanner<'_>, open: char, close: char) -> Result<Self> {
        if scanner.next() != Some(open) {
            bail!("{open} is due");
        }
        let mut items = Self {
            items: Vec::new(),
            open: false,
        };
        loop {
            scanner.skip_space();
            if scanner.peek() == Some(close) {
                scanner.next();
                return Ok(items);
            }
            if scanner.take("...") {
                items.open = true;
                continue;
            }
            items.items.push(Pattern::value(scanner, false)?);
        }
    }

    const fn fits_count(&self, count: usize) -> bool {
        count == self.items.len() || (self.open && count > self.items.len())
    }

    fn ordered(&self, got: &[Reply], resp3: bool, bindings: &mut Bindings) -> bool {
        let mut pairs = self.items.iter().zip(got);
        self.fits_count(got.len()) && pairs.all(|(want, got)| want.matches(got, resp3, bindings))
    }

    fn unordered(&self, got: &[Reply], resp3: bool, bindings: &mut Bindings) -> bool {
        let mut left: Vec<&Reply> = got.iter().collect();
        self.fits_count(got.len())
            && self.items.iter().all(|want| {
                let found = left
                    .iter()
                    .position(|reply| want.matches(reply, resp3, bindings));
                found.map(|at| left.swap_remove(at)).is_some()
            })
    }
}

fn map_matches(
    pairs: &[(Pattern, Pattern)],
    open: bool,
    got: &[(&Reply, &Reply)],
    resp3: bool,
    bindings: &mut Bindings,
) -> bool {
    let count_fits = got.len() == pairs.len() || (open && got.len() > pairs.len());
    let mut left = got.to_vec();
    count_fits
        && pairs.iter().all(|(key, value)| {
            let found = left.iter().position(|(k, v)| {
                key.matches(k, resp3, bindings) && value.matches(v, resp3, bindings)
            });
            found.map(|at| left.swap_remove(at)).is_some()
        })
}

fn bind(name: &str, reply: &Reply, bindings: &mut Bindings) -> bool {
    let text = match reply {
        Reply::Int(number) => number.to_string().into_bytes(),
        Reply::Bulk(text) | Reply::Simple(text) => text.clone(),
        _ => return false,
    };
    *bindings
        .entry(name.to_owned())
        .or_insert_with(|| text.clone())
        == text
}

/// The text of a status or an error: the rest of the line, or inside brackets a word or a quoted
/// string.
fn line(scanner: &mut Scanner<'_>, whole_line: bool) -> Result<Vec<u8>> {
    if scanner.peek() == Some('"') {
        return scanner.quoted();
    }
    let text = if whole_line {
        scanner.line()
    } else {
        scanner.word("]}>")
    };
    Ok(text.as_bytes().to_vec())
}

/// Whether a text fits a glob in which `*` is any bytes and `?` any byte; `\` takes the next byte
/// as it is.
pub(crate) fn fits(glob: &[u8], text: &[u8]) -> bool {
    // The place behind the last star, and how much of the text it has swallowed.
    let mut retry: Option<(usize, usize)> = None;
    let (mut g, mut t) = (0, 0);
    while let Some(&byte) = text.get(t) {
        let step = match (glob.get(g), glob.get(g + 1)) {
            (Some(b'*'), _) => {
                retry = Some((g + 1, t));
                g += 1;
                continue;
            }
            (Some(b'?'), _) => 1,
            (Some(b'\\'), Some(&next)) if next == byte => 2,
            (Some(&want), _) if want == byte && want != b'\\' => 1,
            _ => 0,
        };
        if step > 0 {
            (g, t) = (g + step, t + 1);
        } else if let Some((behind, swallowed)) = retry {
            retry = Some((behind, swallowed + 1));
            (g, t) = (behind, swallowed + 1);
        } else {
            return false;
        }
    }
    glob.get(g..)
        .unwrap_or_default()
        .iter()
        .all(|&byte| byte == b'*')
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
