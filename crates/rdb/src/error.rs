//! Why bytes are no value.

use alloc::{format, string::String};
use core::fmt;

use crate::ValueCode;

/// What is wrong with bytes that should be a value. The sender is at fault, or the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RdbError {
    /// They end too early.
    Truncated,
    /// They go on behind the value.
    Trailing,
    /// A length or count has no valid form, or is larger than what follows.
    Length,
    /// A string has an unknown encoding.
    Encoding(u8),
    /// Compressed bytes do not give what they promise.
    Lzf,
    /// The type is unknown, or one that only modules can read.
    Type(u8),
    /// A collection without elements.
    Empty,
    /// A member, field or group occurs twice.
    Duplicate,
    /// A consumer occurs twice in its group.
    DuplicateConsumer,
    /// A number is none, or is one that the type does not allow.
    Number,
    /// A listpack is broken, or has an odd number of items where pairs belong.
    Listpack,
    /// An intset is broken.
    Intset,
    /// A ziplist is broken, or has an odd number of entries where pairs belong.
    Ziplist,
    /// A zipmap is broken.
    Zipmap,
    /// A node of a list is of an unknown kind.
    Node,
    /// A stream contradicts itself.
    Stream,
    /// An expiry lies before 1970.
    Expiry,
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the bytes end too early",
            Self::Trailing => "there are bytes behind the value",
            Self::Length => "a length is wrong",
            Self::Encoding(kind) => return write!(f, "a string has the unknown encoding {kind}"),
            Self::Lzf => "compressed bytes are broken",
            Self::Type(code) => return write!(f, "the value has the unknown type {code}"),
            Self::Empty => "a collection has no elements",
            Self::Duplicate => "an element occurs twice",
            Self::DuplicateConsumer => "a consumer of a group occurs twice",
            Self::Number => "a number is none",
            Self::Listpack => "a listpack is broken",
            Self::Intset => "an intset is broken",
            Self::Ziplist => "a ziplist is broken",
            Self::Zipmap => "a zipmap is broken",
            Self::Node => "a node of a list is of an unknown kind",
            Self::Stream => "a stream contradicts itself",
            Self::Expiry => "an expiry is none",
        })
    }
}

impl core::error::Error for RdbError {}

impl RdbError {
    /// For the log of who reads it: what of a value with this code did not pass, in the words that
    /// tools search for.
    #[must_use]
    pub fn told_of(self, code: u8) -> String {
        let part = match ValueCode::of(code) {
            Some(ValueCode::HashZipmap) => "Zipmap",
            Some(ValueCode::ListZiplist | ValueCode::ListQuicklist) => "List ziplist",
            Some(ValueCode::SetIntset) => "Set intset",
            Some(ValueCode::ZSetZiplist) => "Zset ziplist",
            Some(ValueCode::HashZiplist) => "Hash ziplist",
            Some(ValueCode::HashListpack) => "Hash listpack",
            Some(ValueCode::ZSetListpack) => "Zset listpack",
            Some(ValueCode::SetListpack) => "Set listpack",
            Some(ValueCode::ListQuicklist2) => "List listpack",
            Some(ValueCode::Stream1 | ValueCode::Stream2 | ValueCode::Stream3) => "Stream listpack",
            _ => "Value",
        };
        match self {
            Self::Duplicate => format!("{part} with dup elements: integrity check failed"),
            Self::DuplicateConsumer => {
                "Duplicate stream consumer detected: integrity check failed".into()
            }
            error => format!("{part} integrity check failed: {error}"),
        }
    }
}
