//! Long strings: their bytes are not copied to the piece, but handed on as they are shared. The
//! writer's thread reads them, while a change in place makes a copy.

use vk_data::{entry::DbEntry, value::StrRef};
use vk_rdb::ValueCode;
use vk_resp::Blob;

use super::{
    commands,
    pass::Output,
    record::{self, Uses},
};

/// Strings of fewer bytes are copied.
const SHARED_BYTES_MIN: usize = 64 << 10;

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
