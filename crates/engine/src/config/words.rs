//! Words of a configuration line: splitting, quoting, plain numbers.
//!
//! The grammar of Valkey's files and of inline requests to quote arguments: blanks separate,
//! "double quotes" know escapes, 'single quotes' only \'. Not a shell: no variables, no globs.

use alloc::vec::Vec;

/// A quote that is not closed, or is followed by something other than a blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbalanced;

/// Splits a line into words.
///
/// # Errors
/// [`Unbalanced`] when quotes do not match; nothing is known about the line then.
pub fn split_words(line: &[u8]) -> Result<Vec<Vec<u8>>, Unbalanced> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        // A vertical tab is a blank here but not for `trim_ascii_start`.
        while let [0x0b, tail @ ..] = rest {
            rest = tail.trim_ascii_start();
        }
        if rest.is_empty() {
            return Ok(words);
        }
        let (word, tail) = next_word(rest)?;
        words.push(word);
        rest = tail;
    }
}

fn next_word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    let mut word = Vec::new();
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | 0 => return Ok((word, tail)),
            b'"' => return double_quoted(word, tail),
            b'\'' => return single_quoted(word, tail),
            _ => word.push(byte),
        }
        rest = tail;
    }
    Ok((word, rest))
}

fn double_quoted(mut word: Vec<u8>, mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    loop {
        rest = match rest {
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex(*high).wrapping_mul(16).wrapping_add(hex(*low)));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(unescape(*escaped));
                tail
            }
            [b'"', tail @ ..] => return closed(word, tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
            [] => return Err(Unbalanced),
        };
    }
}

fn single_quoted(mut word: Vec<u8>, mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    loop {
        rest = match rest {
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                tail
            }
            [b'\'', tail @ ..] => return closed(word, tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
            [] => return Err(Unbalanced),
        };
    }
}

fn closed(word: Vec<u8>, tail: &[u8]) -> Result<(Vec<u8>, &[u8]), Unbalanced> {
    match tail.first() {
        None => Ok((word, tail)),
        Some(byte) if byte.is_ascii_whitespace() || *byte == 0x0b => Ok((word, tail)),
        Some(_) => Err(Unbalanced),
    }
}

const fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit.wrapping_sub(b'0'),
        b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

/// Appends `word` in double quotes, so that [`split_words`] gives it back.
pub fn push_quoted(out: &mut Vec<u8>, word: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => out.extend([b'\\', byte]),
            b'\n' => out.extend(*b"\\n"),
            b'\r' => out.extend(*b"\\r"),
            b'\t' => out.extend(*b"\\t"),
            7 => out.extend(*b"\\a"),
            8 => out.extend(*b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => {
                let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
                out.extend([b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out.push(b'"');
}

/// Appends `word` as it is where that is safe, else in quotes.
pub fn push_word(out: &mut Vec<u8>, word: &[u8]) {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !word.is_empty() && word.iter().all(plain) {
        out.extend_from_slice(word);
    } else {
        push_quoted(out, word);
    }
}

/// Reads a whole number in its one canonical decimal form: no plus, no leading zero.
#[must_use]
pub fn canonical_int(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    match digits {
        b"0" if digits.len() == word.len() => Some(0),
        [b'1'..=b'9', tail @ ..] if tail.iter().all(u8::is_ascii_digit) => {
            core::str::from_utf8(word).ok()?.parse().ok()
        }
        _ => None,
    }
}

/// Reads a whole number as C's `strtoll` does where the whole word must be used: the empty word
/// is 0, a plus and leading zeros are fine.
#[must_use]
pub fn lenient_int(word: &[u8]) -> Option<i64> {
    if word.is_empty() {
        Some(0)
    } else {
        core::str::from_utf8(word).ok()?.parse().ok()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        split_words(line.as_bytes()).unwrap()
    }

    #[test]
    fn blanks_and_quotes_separate() {
        assert_eq!(words("  a\tb  c\r\n"), [b"a", b"b", b"c"]);
        assert_eq!(words(r#"save "" 'x y'"#), [&b"save"[..], b"", b"x y"]);
        assert_eq!(
            words(r#"a "\x41\n\"\q" 'it\'s'"#),
            [&b"a"[..], b"A\n\"q", b"it's"]
        );
        assert_eq!(words(r#"pre"fix" 'a\n'"#), [&b"prefix"[..], b"a\\n"]);
        assert_eq!(words(""), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn open_quotes_are_refused() {
        for line in [r#"a "b"#, "a 'b", r#"a "b"c"#, "a 'b'c", "\"\\"] {
            assert_eq!(split_words(line.as_bytes()), Err(Unbalanced), "{line}");
        }
    }

    #[test]
    fn numbers_are_canonical_or_lenient() {
        for (word, value) in [
            ("0", Some(0)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
        ] {
            assert_eq!(canonical_int(word.as_bytes()), value);
        }
        for word in ["", "-", "-0", "01", "+1", "1 ", "9223372036854775808", "x"] {
            assert_eq!(canonical_int(word.as_bytes()), None, "{word}");
        }
        assert_eq!(lenient_int(b"+07"), Some(7));
        assert_eq!(lenient_int(b"7x"), None);
    }

    proptest! {
        #[test]
        fn quoting_round_trips(
            list in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..6),
        ) {
            let mut line = Vec::new();
            for (at, word) in list.iter().enumerate() {
                if at % 2 == 0 { push_quoted(&mut line, word) } else { push_word(&mut line, word) }
                line.push(b' ');
            }
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(split_words(&line).unwrap(), list);
        }

        #[test]
        fn splitting_is_total(line in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = split_words(&line);
        }
    }
}
