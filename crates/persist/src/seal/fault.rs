//! What can be wrong with an encrypted file, as the second half of a sentence that begins with its
//! name.

use core::fmt;

use super::{Hex, KeyId, Kind};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealFault {
    /// It does not begin as an encrypted file does.
    Plain,
    /// It ends within its header.
    ShortHeader,
    /// It is of a version that is not known.
    Version(u8),
    /// It is encrypted under a key that is not there.
    UnknownKey(KeyId),
    /// The header is not what was written.
    Header,
    /// It is an authentic file of another kind.
    Kind {
        /// What it is.
        found: u8,
        /// What it should be.
        wanted: Kind,
    },
    /// It belongs to another dataset.
    Dataset,
    /// The part that begins at this offset is not what was written, or not in its place.
    Changed(u64),
    /// Its end is missing.
    Truncated,
    /// Something follows its end at this offset.
    Continued(u64),
    /// A signed text without its last line.
    Unsigned,
    /// A signed text that is not what was written.
    Text,
    /// More than one file can hold.
    TooLong,
}

impl fmt::Display for SealFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("is not encrypted"),
            Self::ShortHeader => f.write_str("ends within the header of an encrypted file"),
            Self::Version(version) => {
                write!(f, "is encrypted in a format that is not known ({version})")
            }
            Self::UnknownKey(id) => {
                write!(
                    f,
                    "needs the key {}, which is not among those given",
                    Hex(&id.0)
                )
            }
            Self::Header => f.write_str("has a header that was changed"),
            Self::Kind { found, wanted } => {
                write!(
                    f,
                    "is another file (of kind {found}) in the place of {wanted}"
                )
            }
            Self::Dataset => f.write_str("belongs to another dataset"),
            Self::Changed(offset) => write!(f, "was changed, at or after offset {offset}"),
            Self::Truncated => f.write_str("was cut off: its end is missing"),
            Self::Continued(offset) => {
                write!(
                    f,
                    "goes on behind its end at offset {offset}: it was changed"
                )
            }
            Self::Unsigned => f.write_str("has no signature"),
            Self::Text => f.write_str("was changed: its signature is wrong"),
            Self::TooLong => f.write_str("would be too long to be encrypted"),
        }
    }
}

impl core::error::Error for SealFault {}
