//! Header lines of replies, and aggregates that are filling. Not the buffer they come from.

use super::parser::ReplyError;
use super::value::Reply;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What one header line says.
pub(super) enum Header {
    /// A whole reply.
    Value(Reply),
    /// A string of `len` bytes follows.
    Bulk { kind: u8, len: usize },
    /// That many values follow; a pair is two.
    Aggregate { kind: Kind, elements: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Map,
    Set,
    Push,
    Attribute,
}

impl Header {
    /// Reads a line without its end.
    pub(super) fn parse(line: &[u8]) -> Result<Self, ReplyError> {
        let Some((&kind, text)) = line.split_first() else {
            return Err(ReplyError::UnknownType(b'\r'));
        };
        let value = match kind {
            b'+' => Reply::Simple(text.to_vec()),
            b'-' => Reply::Error(text.to_vec()),
            b':' => Reply::Int(signed(text).ok_or(ReplyError::InvalidValue)?),
            b'_' if text.is_empty() => Reply::Null,
            b'#' if text == b"t" => Reply::Bool(true),
            b'#' if text == b"f" => Reply::Bool(false),
            b',' => Reply::Double(double(text).ok_or(ReplyError::InvalidValue)?),
            b'(' if is_number(text) => Reply::BigNumber(text.to_vec()),
            b'_' | b'#' | b'(' => return Err(ReplyError::InvalidValue),
            b'$' if text == b"-1" => Reply::Null,
            b'*' if text == b"-1" => Reply::NullArray,
            b'$' | b'=' | b'!' => {
                return Ok(Self::Bulk {
                    kind,
                    len: length(text)?,
                });
            }
            b'*' => return Self::aggregate(Kind::Array, text, 1),
            b'~' => return Self::aggregate(Kind::Set, text, 1),
            b'>' => return Self::aggregate(Kind::Push, text, 1),
            b'%' => return Self::aggregate(Kind::Map, text, 2),
            b'|' => return Self::aggregate(Kind::Attribute, text, 2),
            _ => return Err(ReplyError::UnknownType(kind)),
        };
        Ok(Self::Value(value))
    }

    fn aggregate(kind: Kind, text: &[u8], per_item: u64) -> Result<Self, ReplyError> {
        let count = u64::try_from(length(text)?).map_err(|_| ReplyError::InvalidLength)?;
        let elements = count
            .checked_mul(per_item)
            .ok_or(ReplyError::InvalidLength)?;
        Ok(Self::Aggregate { kind, elements })
    }
}

/// The reply that a string of this type makes.
pub(super) fn bulk_value(kind: u8, data: &[u8]) -> Result<Reply, ReplyError> {
    match (kind, data) {
        (b'=', [a, b, c, b':', data @ ..]) => Ok(Reply::Verbatim {
            format: [*a, *b, *c],
            data: data.to_vec(),
        }),
        (b'=', _) => Err(ReplyError::InvalidValue),
        (b'!', _) => Ok(Reply::BulkError(data.to_vec())),
        _ => Ok(Reply::Bulk(data.to_vec())),
    }
}

/// An aggregate that is filling. Nothing is reserved for elements that have not come.
pub(super) struct Frame {
    kind: Kind,
    missing: u64,
    items: Vec<Reply>,
    pairs: Vec<(Reply, Reply)>,
    /// The first half of a pair.
    key: Option<Reply>,
}

/// First allocation of an aggregate, in elements.
const FIRST_ITEMS: usize = 4;

impl Frame {
    pub(super) const fn new(kind: Kind, elements: u64) -> Self {
        // The reply that attributes belong to is one more value to come.
        let missing = match kind {
            Kind::Attribute => elements.saturating_add(1),
            _ => elements,
        };
        Self {
            kind,
            missing,
            items: Vec::new(),
            pairs: Vec::new(),
            key: None,
        }
    }

    /// Values still to come.
    pub(super) const fn missing(&self) -> u64 {
        self.missing
    }

    pub(super) fn push(&mut self, value: Reply) {
        let last = self.missing == 1;
        let expected = usize::try_from(self.missing)
            .unwrap_or(usize::MAX)
            .min(FIRST_ITEMS);
        self.missing = self.missing.saturating_sub(1);
        let plain = match self.kind {
            Kind::Array | Kind::Set | Kind::Push => true,
            Kind::Map => false,
            Kind::Attribute => last,
        };
        if plain {
            if self.items.capacity() == 0 {
                self.items.reserve_exact(expected);
            }
            self.items.push(value);
        } else if let Some(key) = self.key.take() {
            self.pairs.push((key, value));
        } else {
            self.key = Some(value);
        }
    }

    pub(super) fn finish(self) -> Reply {
        let Self {
            kind,
            mut items,
            pairs,
            ..
        } = self;
        match kind {
            Kind::Array => Reply::Array(items),
            Kind::Set => Reply::Set(items),
            Kind::Push => Reply::Push(items),
            Kind::Map => Reply::Map(pairs),
            Kind::Attribute => {
                let reply = Box::new(items.pop().unwrap_or(Reply::Null));
                Reply::Attribute {
                    attributes: pairs,
                    reply,
                }
            }
        }
    }
}

/// A signed integer; RESP3 allows a `+`.
fn signed(text: &[u8]) -> Option<i64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

fn double(text: &[u8]) -> Option<f64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// A length: digits alone.
fn length(text: &[u8]) -> Result<usize, ReplyError> {
    let digits = text.iter().all(u8::is_ascii_digit);
    let number = core::str::from_utf8(text).ok().filter(|_| digits);
    number
        .and_then(|number| number.parse().ok())
        .ok_or(ReplyError::InvalidLength)
}

fn is_number(text: &[u8]) -> bool {
    let digits = text
        .strip_prefix(b"-")
        .or_else(|| text.strip_prefix(b"+"))
        .unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
