//! Lines that are a mark and a number, `:1\r\n` or `$16\r\n`: nearly every reply has one. Small
//! numbers come from a table that the compiler fills. Not the doubles.

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
