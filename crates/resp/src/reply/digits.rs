//! Lines that are a mark and a number, `:1\r\n` or `$16\r\n`: nearly every reply has one. Small
//! numbers come from a table that the compiler fills. Short bulk strings as well, line and content
//! at once. Not the doubles.

use alloc::vec::Vec;

/// Numbers below this one are in the table.
const SMALL_COUNT: usize = 1000;

/// `?<n>\r\n` padded to eight bytes, so that copying it is one store.
static SMALL: [[u8; 8]; SMALL_COUNT] = small_lines();

/// Appends `<mark><number>\r\n`.
#[inline]
pub(super) fn put_line(out: &mut Vec<u8>, mark: u8, number: u64) {
    let small = usize::try_from(number).ok().and_then(|at| SMALL.get(at));
    match small {
        Some(line) => {
            let mut line = *line;
            line[0] = mark;
            let len = 4_usize + usize::from(number > 9) + usize::from(number > 99);
            out.extend_from_slice(&line);
            out.truncate(out.len().wrapping_sub(8).wrapping_add(len));
        }
        None => put_long(out, mark, itoa::Buffer::new().format(number)),
    }
}

/// Appends `<mark><number>\r\n`.
#[inline]
pub(super) fn put_signed_line(out: &mut Vec<u8>, mark: u8, number: i64) {
    match u64::try_from(number) {
        Ok(number) => put_line(out, mark, number),
        Err(_) => put_long(out, mark, itoa::Buffer::new().format(number)),
    }
}

/// Bulk strings of up to so many bytes are short.
pub(super) const SHORT_BYTES_MAX: usize = 32;
/// Line, content and end of the longest short one.
const SHORT_ROOM: usize = 40;

/// Appends a bulk string of at most [`SHORT_BYTES_MAX`] bytes.
///
/// It is written over zeros in pieces of fixed sizes that overlap, each of which is one store,
/// where a copy of any length would be a call.
#[inline(always)]
pub(super) fn put_short_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    let (len, start) = (bytes.len(), out.len());
    let head = 4 + usize::from(len > 9);
    out.extend_from_slice(&[0; SHORT_ROOM]);
    let room = out.get_mut(start..).unwrap_or_default();
    if let (Some(place), Some(line)) = (room.first_chunk_mut(), SMALL.get(len)) {
        *place = *line;
        place[0] = b'$';
    }
    if let Some(content) = room.get_mut(head..).filter(|room| room.len() >= len + 2) {
        let done = put_ends::<16>(content, bytes)
            || put_ends::<8>(content, bytes)
            || put_ends::<4>(content, bytes);
        if !done {
            content
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
        }
        if let Some(end) = content
            .get_mut(len..)
            .and_then(|rest| rest.first_chunk_mut())
        {
            *end = *b"\r\n";
        }
    }
    out.truncate(start.wrapping_add(head + len + 2));
}

/// Appends a bulk string of the decimal digits of `number`.
///
/// One of up to eight digits is a register's worth: line, digits and end are put together there and
/// written by one store.
#[inline]
pub(super) fn put_bulk_int(out: &mut Vec<u8>, number: i64) {
    let Some((digits, len)) = u32::try_from(number).ok().and_then(eight_digits) else {
        return put_other_bulk_int(out, number);
    };
    let line = u128::from(u32::from_le_bytes(*b"$0\r\n") | len << 8);
    let end = u128::from(u16::from_le_bytes(*b"\r\n"));
    let whole = line | u128::from(digits) << 32 | end << (32 + 8 * len);
    let start = out.len();
    out.extend_from_slice(&whole.to_le_bytes());
    out.truncate(start.wrapping_add(6).wrapping_add(len as usize));
}

#[inline(never)]
fn put_other_bulk_int(out: &mut Vec<u8>, number: i64) {
    put_short_bulk(out, itoa::Buffer::new().format(number).as_bytes());
}

/// The digits of a number of up to eight, the first one in the lowest byte, and how many they are.
/// All pairs are divided at once, in lanes of one word.
#[inline]
fn eight_digits(number: u32) -> Option<(u64, u32)> {
    if number >= 100_000_000 {
        return None;
    }
    let fours = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    // The quotients by 100 and by 10, as products that are exact for so few digits.
    let hundreds = ((fours * 10_486) >> 20) & 0x7F_0000_007F;
    let pairs = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
    let digits = tens | (pairs - tens * 10) << 8;
    // The last digit stays even if it is 0.
    let zeros = (digits | 1 << 56).trailing_zeros() / 8;
    Some(((digits | 0x3030_3030_3030_3030) >> (8 * zeros), 8 - zeros))
}

/// Copies the first and the last `N` bytes, which is everything if there are up to twice as many;
/// `false` if there are fewer than `N`.
#[inline(always)]
fn put_ends<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
    let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else {
        return false;
    };
    if let Some(place) = to.first_chunk_mut() {
        *place = *first;
    }
    let rest = to.get_mut(from.len() - N..);
    if let Some(place) = rest.and_then(|rest| rest.first_chunk_mut()) {
        *place = *last;
    }
    true
}

#[inline(never)]
fn put_long(out: &mut Vec<u8>, mark: u8, digits: &str) {
    out.push(mark);
    out.extend_from_slice(digits.as_bytes());
    out.extend_from_slice(b"\r\n");
}

const fn small_lines() -> [[u8; 8]; SMALL_COUNT] {
    let mut lines = [[0; 8]; SMALL_COUNT];
    let mut number = 0;
    while number < SMALL_COUNT {
        #[expect(clippy::cast_possible_truncation, reason = "digits")]
        let digits = [
            b'0' + (number / 100) as u8,
            b'0' + (number / 10 % 10) as u8,
            b'0' + (number % 10) as u8,
        ];
        let mut from = if number > 99 {
            0
        } else if number > 9 {
            1
        } else {
            2
        };
        let mut to = 1;
        while from < 3 {
            lines[number][to] = digits[from];
            from += 1;
            to += 1;
        }
        lines[number][to] = b'\r';
        lines[number][to + 1] = b'\n';
        number += 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn every_length_of_a_short_bulk() {
        for len in 0..=SHORT_BYTES_MAX {
            let bytes: Vec<u8> = (1..).take(len).collect();
            let mut out = Vec::from(*b"x");
            put_short_bulk(&mut out, &bytes);
            let mut expected = format!("x${len}\r\n").into_bytes();
            expected.extend_from_slice(&bytes);
            expected.extend_from_slice(b"\r\n");
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn bulk_integers_of_every_length() {
        let powers = (0..19).map(|power| 10_i64.pow(power));
        let around = powers.flat_map(|power| (-2..=2).map(move |step| power + step));
        let all = (0..20_000).chain((0..100_000_000).step_by(9_973));
        let all = all.chain(around).chain([i64::MIN, i64::MAX]);
        for number in all.flat_map(|number| [number, number.wrapping_neg()]) {
            let mut out = Vec::from(*b"x");
            put_bulk_int(&mut out, number);
            let text = format!("{number}");
            let expected = format!("x${}\r\n{text}\r\n", text.len());
            assert_eq!(out, expected.as_bytes());
        }
    }

    #[test]
    fn every_small_line_and_the_borders() {
        let borders = [1000, 1001, u64::MAX, i64::MAX.unsigned_abs()];
        for number in (0..1100).chain(borders) {
            let mut out = Vec::from(*b"x");
            put_line(&mut out, b'$', number);
            assert_eq!(out, format!("x${number}\r\n").as_bytes());
        }
        for number in [i64::MIN, -1000, -1, 0, 999, i64::MAX] {
            let mut out = Vec::new();
            put_signed_line(&mut out, b':', number);
            assert_eq!(out, format!(":{number}\r\n").as_bytes());
        }
    }
}
