//! Why a file is refused. What may be wrong with a value is in [`crate::RdbError`].

use core::fmt;

use crate::RdbError;

/// What is wrong with a file, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileError {
    /// Bytes before the record that is wrong, from the start of the file.
    pub offset: u64,
    /// What is wrong.
    pub fault: FileFault,
}

/// What is wrong with a file. Whoever wrote it is at fault, or the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFault {
    /// It does not begin as a file of this format does.
    Signature,
    /// The version is not read here.
    Version(u16),
    /// It ends before its end is marked.
    Truncated,
    /// A record is wrong.
    Record(RdbError),
    /// Something that is neither a key nor known.
    Opcode(u8),
    /// A value or another thing that only a module can read; the name of its type.
    Module([u8; 9]),
    /// Functions of a release candidate of 7.0.
    FunctionPreRelease,
    /// A migration of slots that a cluster has to finish.
    SlotImport,
    /// The checksum is another one.
    Checksum {
        /// Of the bytes.
        computed: u64,
        /// In the file.
        stored: u64,
    },
}

impl From<RdbError> for FileFault {
    fn from(error: RdbError) -> Self {
        Self::Record(error)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset {})", self.fault, self.offset)
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str("wrong signature"),
            Self::Version(version) => write!(f, "can't handle RDB format version {version}"),
            Self::Truncated => f.write_str("unexpected end of file"),
            Self::Record(error) => write!(f, "{error}"),
            Self::Opcode(code) => write!(f, "unknown type or opcode {code}"),
            Self::Module(name) => {
                let name = core::str::from_utf8(name).unwrap_or("?");
                write!(f, "data of the module type '{name}', which is not here")
            }
            Self::FunctionPreRelease => f.write_str("pre-release function format not supported"),
            Self::SlotImport => f.write_str("an unfinished migration of slots"),
            Self::Checksum { computed, stored } => write!(
                f,
                "wrong checksum: ({computed:x}) expected but ({stored:x}) found"
            ),
        }
    }
}

impl core::error::Error for FileError {}
