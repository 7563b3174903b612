//! Quoting: splits a line into arguments and prints bytes so that they can be read back.
//! Not a shell: there are no variables, no globs and no comments.

/// Splits `line` into arguments as Valkey's own command line does.
///
/// Words are separated by blanks. Double quotes understand `\n \r \t \b \a \xHH` and escaped
/// characters, single quotes only `\'`. `None` when quotes are unbalanced or a closing quote is
/// not followed by a blank.
pub(crate) fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let start = rest.iter().position(|byte| !is_blank(*byte));
        let Some(start) = start else {
            return Some(words);
        };
        let (word, after) = word(rest.get(start..)?)?;
        words.push(word);
        rest = after;
    }
}

/// The one word that a quoted argument stands for; `None` when it is not exactly one.
pub(crate) fn unquote(argument: &[u8]) -> Option<Vec<u8>> {
    let mut words = split(argument)?;
    if words.len() != 1 {
        return None;
    }
    words.pop()
}

/// Appends `bytes` in double quotes, everything but printable ASCII escaped.
pub(crate) fn quote(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(*byte),
            other => push_hex(*other, out),
        }
    }
    out.push(b'"');
}

/// Appends `\xHH`.
pub(crate) fn push_hex(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0)
}

/// Reads one word at the start of `input`; gives the word and what follows it.
fn word(mut input: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    while let Some((byte, rest)) = input.split_first() {
        match byte {
            b'"' => {
                input = double_quoted(rest, &mut out)?;
                return ended(input).then_some((out, input));
            }
            b'\'' => {
                input = single_quoted(rest, &mut out)?;
                return ended(input).then_some((out, input));
            }
            blank if is_blank(*blank) => break,
            other => out.push(*other),
        }
        input = rest;
    }
    Some((out, input))
}

fn ended(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| is_blank(*byte))
}

fn double_quoted<'a>(mut input: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, rest) = input.split_first()?;
        input = match (byte, rest) {
            (b'"', _) => return Some(rest),
            (b'\\', [b'x', high, low, after @ ..]) if hex(*high).is_some() => {
                match (hex(*high), hex(*low)) {
                    (Some(high), Some(low)) => {
                        out.push((high << 4) | low);
                        after
                    }
                    _ => {
                        out.push(b'x');
                        rest.get(1..)?
                    }
                }
            }
            (b'\\', [escaped, after @ ..]) => {
                out.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                after
            }
            _ => {
                out.push(*byte);
                rest
            }
        };
    }
}

fn single_quoted<'a>(mut input: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, rest) = input.split_first()?;
        input = match (byte, rest) {
            (b'\'', _) => return Some(rest),
            (b'\\', [b'\'', after @ ..]) => {
                out.push(b'\'');
                after
            }
            _ => {
                out.push(*byte);
                rest
            }
        };
    }
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        let words = split(line.as_bytes())?;
        Some(
            words
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect(),
        )
    }

    fn expect(line: &str, expected: &[&str]) {
        let expected: Vec<String> = expected.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(words(line), Some(expected), "{line}");
    }

    #[test]
    fn words_and_quotes() {
        expect("", &[]);
        expect("  get \t key\r\n", &["get", "key"]);
        expect(r#"set "a b" 'c d'"#, &["set", "a b", "c d"]);
        expect(r#""\n\t\"\\\x41\xzz" '\'\n'"#, &["\n\t\"\\Axzz", "'\\n"]);
        expect(r#"set key"" bar"#, &["set", "key", "bar"]);
        expect(r#""" ''"#, &["", ""]);
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for line in [
            r#"get ""key"#,
            r#"get "key"x"#,
            "\"",
            "'",
            "'a'b",
            "\"a\\",
            "\"a\\\"",
        ] {
            assert_eq!(words(line), None, "{line}");
        }
    }

    #[test]
    fn one_word_only() {
        assert_eq!(unquote(br#""a b""#), Some(b"a b".to_vec()));
        assert_eq!(unquote(br#""a" "b""#), None);
        assert_eq!(unquote(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn quoting_reads_back(bytes: Vec<u8>) {
            let mut quoted = Vec::new();
            quote(&bytes, &mut quoted);
            proptest::prop_assert!(quoted.iter().all(|byte| (b' '..=b'~').contains(byte)));
            proptest::prop_assert_eq!(unquote(&quoted), Some(bytes));
        }

        #[test]
        fn splitting_is_total(line: Vec<u8>) {
            let _ = split(&line);
        }
    }
}
