//! How a record lies in its bytes: the score (8 bytes), the length of the member (LEB128), the
//! member.

use alloc::vec::Vec;

use super::GRANULE;

/// Bytes of the score.
const SCORE_BYTES: usize = 8;

/// Bytes of a record with a member of this length, rounded up to granules.
#[inline]
pub(super) fn size(member_len: usize) -> usize {
    let bytes = SCORE_BYTES + len_bytes(member_len) + member_len;
    bytes.next_multiple_of(GRANULE)
}

/// Bytes of a length.
#[inline]
const fn len_bytes(len: usize) -> usize {
    if len < 1 << 7 {
        1
    } else {
        (len.ilog2() as usize) / 7 + 1
    }
}

/// Score and member of the record at the start of `bytes`.
#[inline(always)]
pub(super) fn read(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let (score, rest) = bytes.split_first_chunk::<SCORE_BYTES>()?;
    let (&first, rest) = rest.split_first()?;
    let member = if first < 0x80 {
        rest.get(..usize::from(first))?
    } else {
        read_long(first, rest)?
    };
    Some((f64::from_ne_bytes(*score), member))
}

/// The member whose length has several bytes.
fn read_long(first: u8, rest: &[u8]) -> Option<&[u8]> {
    let mut len = usize::from(first & 0x7F);
    for (index, &byte) in rest.iter().enumerate().take(5) {
        len |= usize::from(byte & 0x7F) << (7 * (index + 1));
        if byte < 0x80 {
            return rest.get(index + 1..)?.get(..len);
        }
    }
    None
}

/// Writes a record over the start of `bytes`.
pub(super) fn write(bytes: &mut [u8], score: f64, member: &[u8]) {
    let head = Head::of(score, member.len());
    let head = head.bytes();
    if let Some((place, rest)) = bytes.split_at_mut_checked(head.len())
        && let Some(room) = rest.get_mut(..member.len())
    {
        place.copy_from_slice(head);
        room.copy_from_slice(member);
    }
}

/// Appends a record of `size` bytes, which [`size`] has given.
#[inline]
pub(super) fn append(bytes: &mut Vec<u8>, score: f64, member: &[u8], size: usize) {
    let end = bytes.len() + size;
    let head = Head::of(score, member.len());
    bytes.extend_from_slice(head.bytes());
    bytes.extend_from_slice(member);
    let padding = end.saturating_sub(bytes.len());
    bytes.extend_from_slice([0; GRANULE].get(..padding).unwrap_or_default());
}

/// A record with its own memory.
pub(super) fn own(score: f64, member: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.reserve_exact(SCORE_BYTES + len_bytes(member.len()) + member.len());
    bytes.extend_from_slice(Head::of(score, member.len()).bytes());
    bytes.extend_from_slice(member);
    bytes
}

/// Writes the score of the record at the start of `bytes`.
pub(super) fn write_score(bytes: &mut [u8], score: f64) {
    if let Some(place) = bytes.first_chunk_mut() {
        *place = score.to_ne_bytes();
    }
}

/// What comes before the member.
struct Head {
    bytes: [u8; SCORE_BYTES + 10],
    len: usize,
}

impl Head {
    #[inline]
    fn of(score: f64, member_len: usize) -> Self {
        let mut bytes = [0; SCORE_BYTES + 10];
        write_score(&mut bytes, score);
        let mut left = member_len;
        let mut len = SCORE_BYTES;
        for byte in bytes.iter_mut().skip(SCORE_BYTES) {
            len += 1;
            let more = if left < 0x80 { 0 } else { 0x80 };
            *byte = (left & 0x7F) as u8 | more;
            left >>= 7;
            if more == 0 {
                break;
            }
        }
        Self { bytes, len }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
