//! The way of a well-formed request that lies complete in the buffer: spans, no copy. Not the
//! judge of errors: whatever is not plainly in order goes to the resumable parser, which alone
//! decides, so that an answer cannot depend on how the bytes were cut.

use super::batch::Batch;
use super::grammar;
use super::parser::Limits;
use super::view::Span;
use crate::BLOB_BYTES_MIN;
use alloc::vec::Vec;

/// The longest argument that a span can point at.
const SPAN_LEN_MAX: u64 = u32::MAX as u64 - 1;

/// Appends the request at `input[from..]` to `batch` and returns where it ends, or changes
/// nothing and returns `None`.
#[inline]
pub(super) fn frame(
    input: &[u8],
    from: usize,
    limits: &Limits,
    batch: &mut Batch,
) -> Option<usize> {
    let first = batch.spans_mut().len();
    let Some((end, long)) = arguments(input, from, limits, batch.spans_mut()) else {
        batch.spans_mut().truncate(first);
        return None;
    };
    if long {
        batch.lift_blobs(first, input);
    }
    batch.push_borrowed(first);
    Some(end)
}

/// Pushes the spans; returns the end of the request and whether an argument has to be a blob.
#[inline]
fn arguments(
    input: &[u8],
    from: usize,
    limits: &Limits,
    spans: &mut Vec<Span>,
) -> Option<(usize, bool)> {
    let request = input.get(from..)?;
    let (count, header_len) = header(request, b'*')?;
    if count == 0 || count > u64::try_from(limits.args_max).ok()? {
        return None;
    }
    let mut rest = request.get(header_len..)?;
    // A span cannot say more; such an argument goes the other way.
    let len_max = limits.bulk_bytes_max.min(SPAN_LEN_MAX);
    let mut long = false;
    for _ in 0..count {
        let (len, header_len) = header(rest, b'$')?;
        if len > len_max {
            return None;
        }
        let len = usize::try_from(len).ok()?;
        let body = rest.get(header_len..)?;
        let [b'\r', b'\n', after @ ..] = body.get(len..)? else {
            return None;
        };
        spans.push(Span::of_bytes(input.len().wrapping_sub(body.len()), len));
        long |= len >= BLOB_BYTES_MIN;
        rest = after;
    }
    let end = input.len().wrapping_sub(rest.len());
    (end.wrapping_sub(from) <= limits.query_bytes_max).then_some((end, long))
}

/// The number in a header line, and the line's length. One and two digits are the common case.
#[inline(always)]
fn header(bytes: &[u8], mark: u8) -> Option<(u64, usize)> {
    match *bytes {
        [m, d @ b'0'..=b'9', b'\r', b'\n', ..] if m == mark => Some((u64::from(d & 15), 4)),
        [m, d @ b'1'..=b'9', e @ b'0'..=b'9', b'\r', b'\n', ..] if m == mark => {
            Some((u64::from((d & 15).wrapping_mul(10).wrapping_add(e & 15)), 5))
        }
        _ => long_header(bytes, mark),
    }
}

#[inline(never)]
fn long_header(bytes: &[u8], mark: u8) -> Option<(u64, usize)> {
    let (number, line_len) = grammar::header_line(bytes, mark)?;
    Some((u64::try_from(number).ok()?, line_len))
}
