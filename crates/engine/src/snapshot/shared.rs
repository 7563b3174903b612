//! Long strings: their bytes are not copied to the piece, but handed on as they are shared. The
//! writer's thread reads them, while a change in place makes a copy. One that is so long that its
//! copy would hold commands up is copied here, bit by bit, and the copy is handed on.

use alloc::{boxed::Box, vec::Vec};

use vk_data::{
    entry::DbEntry,
    pieces::{Outline, Piece, Shape},
    value::{NewValue, StrRef},
};
use vk_rdb::ValueCode;
use vk_resp::Blob;

use crate::databases::{Databases, PieceStep};

use super::{
    commands,
    pass::Output,
    record::{self, Uses},
};

/// Strings of fewer bytes are copied.
const SHARED_BYTES_MIN: usize = 64 << 10;

/// A string that is being copied.
#[derive(Debug)]
pub(super) struct Copying {
    outline: Box<Outline>,
    bytes: Vec<u8>,
}

impl Copying {
    /// Begins with a string; the outline of another value is given back.
    pub(super) fn new(outline: Box<Outline>) -> Result<Self, Box<Outline>> {
        match outline.shape() {
            Shape::String { len } => Ok(Self {
                outline,
                bytes: Vec::with_capacity(len),
            }),
            _ => Err(outline),
        }
    }

    /// Copies as much as counts for `elements`.
    pub(super) fn go_on(&mut self, dbs: &mut Databases, elements: usize) -> PieceStep {
        let bytes = &mut self.bytes;
        dbs.read_piece(&self.outline, elements, &mut |piece| {
            if let Piece::Window(window) = piece {
                bytes.extend_from_slice(window);
            }
        })
    }

    /// The key with its string, all of which is copied.
    pub(super) fn into_entry(self) -> DbEntry {
        let (head, string) = (self.outline.head(), NewValue::Blob(Blob::from(self.bytes)));
        DbEntry::new(head.key(), string, head.expire_ms(), head.access())
    }

    /// The key, which is not wanted any more.
    pub(super) fn into_outline(self) -> Outline {
        *self.outline
    }
}

/// The string of an entry, if it is so long that it is shared.
pub(super) fn long_string(entry: &DbEntry) -> Option<&Blob> {
    match entry.str() {
        Some(StrRef::Blob(blob)) if blob.len() >= SHARED_BYTES_MIN => Some(blob),
        _ => None,
    }
}

/// Writes what stands before the string.
pub(super) fn begin(entry: &DbEntry, bytes: usize, uses: Uses, output: &mut Output) {
    match output {
        Output::Records(writer) => record::put_head(entry, ValueCode::String, uses, writer),
        Output::Commands(out) => commands::begin_string(entry.key(), bytes, out),
    }
}

/// Writes what stands behind the string.
pub(super) fn end(entry: &DbEntry, output: &mut Output) {
    if let Output::Commands(out) = output {
        commands::end_string(entry, out);
    }
}
