//! The properties of this crate as functions over bytes, shared by unit tests, fuzz targets and
//! exhaustive proofs. Not an API: a violation is a failed assertion.

mod encoder;
mod reply;
mod request;

pub use encoder::check_encoder_round_trip;
pub use reply::check_reply_bytes;
pub use request::{LIMITS, Outcome, check_request_bytes, parse_in_pieces};

/// Cuts `data` into pieces: their lengths are those in `splits` (0 counts as 1); what is left
/// after them is one piece.
fn pieces<'a>(data: &'a [u8], splits: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = data;
    let mut splits = splits.iter();
    core::iter::from_fn(move || {
        let len = splits
            .next()
            .map_or(rest.len(), |&len| usize::from(len).max(1));
        let (piece, later) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}
