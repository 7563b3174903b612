//! A reply as a value, for clients, and the encoding of a command. Not the encoder of a server.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// A reply of either protocol. Texts are bytes: a server may quote anything.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// `+`: a status line.
    Simple(Vec<u8>),
    /// `-`: an error line, code first.
    Error(Vec<u8>),
    /// `:`
    Int(i64),
    /// `$`: any bytes.
    Bulk(Vec<u8>),
    /// `$-1` or `_`
    Null,
    /// `*-1`
    NullArray,
    /// `*`
    Array(Vec<Self>),
    /// `%`: pairs in the order in which they came.
    Map(Vec<(Self, Self)>),
    /// `~`: elements in the order in which they came.
    Set(Vec<Self>),
    /// `>`: out of band; its first element names it.
    Push(Vec<Self>),
    /// `,`
    Double(f64),
    /// `#`
    Bool(bool),
    /// `(`: the digits, with a sign or without.
    BigNumber(Vec<u8>),
    /// `=`: text with a format.
    Verbatim {
        /// `txt`, `mkd` or another three bytes.
        format: [u8; 3],
        /// The text.
        data: Vec<u8>,
    },
    /// `!`: an error of any bytes.
    BulkError(Vec<u8>),
    /// `|`: attributes and the reply that they belong to.
    Attribute {
        /// The attributes in the order in which they came.
        attributes: Vec<(Self, Self)>,
        /// The reply.
        reply: Box<Self>,
    },
}

impl Reply {
    /// Whether it is an error of either kind.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_) | Self::BulkError(_))
    }
}

/// A command as a client sends it: an array of bulk strings.
#[must_use]
pub fn encode_command(args: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    super::digits::put_line(&mut out, b'*', args.len() as u64);
    for arg in args {
        super::digits::put_line(&mut out, b'$', arg.len() as u64);
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}
