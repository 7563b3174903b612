//! Reading the small tokens that commands and expectations share: quoted strings with escapes and
//! repetition, plain words, names of bindings. Not the structure around them.

use anyhow::{Context as _, Result, bail};

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What an earlier reply bound to this name.
    Bound(String),
}

/// Most bytes that a repetition (`"x"*1000`) may make.
const REPEATED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A position in a text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(crate) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let found = chars.next();
        self.rest = chars.as_str();
        found
    }

    /// Takes `prefix` if it stands here.
    pub(crate) fn take(&mut self, prefix: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(prefix) else {
            return false;
        };
        self.rest = rest;
        true
    }

    /// Everything up to the line's end.
    pub(crate) fn line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line.trim_end()
    }

    /// Characters up to white space or one of `stops`.
    pub(crate) fn word(&mut self, stops: &str) -> &'a str {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || stops.contains(c))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// The content of a quoted string; its opening quote stands here.
    pub(crate) fn quoted(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if self.take("'") {
            loop {
                match self.next().context("a ' is not closed")? {
                    '\'' => break,
                    c => push(&mut bytes, c),
                }
            }
        } else if self.take("\"") {
            loop {
                match self.next().context("a \" is not closed")? {
                    '"' => break,
                    '\\' => bytes.push(self.escape()?),
                    c => push(&mut bytes, c),
                }
            }
        } else {
            bail!("a quoted string is due at {:?}", self.rest);
        }
        self.repeated(bytes)
    }

    fn repeated(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        if !self.take("*") {
            return Ok(bytes);
        }
        let count: usize = self
            .word("]}>,")
            .parse()
            .context("a count is due behind *")?;
        if bytes.len().saturating_mul(count) > REPEATED_BYTES_MAX {
            bail!("{count} times {} bytes are too many", bytes.len());
        }
        Ok(bytes.repeat(count))
    }

    fn escape(&mut self) -> Result<u8> {
        Ok(match self.next().context("a \\ ends the text")? {
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'a' => 7,
            'b' => 8,
            'x' => {
                let digits: String = [self.next(), self.next()].into_iter().flatten().collect();
                u8::from_str_radix(&digits, 16).context("two hex digits are due behind \\x")?
            }
            c @ ('\\' | '"') => c as u8,
            c => bail!("there is no escape \\{c}"),
        })
    }
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Splits a command into words: `SET k "a\x00b" $id`.
///
/// # Errors
/// A quote is open, an escape unknown, or the line empty.
pub fn split_words(line: &str) -> Result<Vec<Word>> {
    let mut scanner = Scanner::new(line);
    let mut words = Vec::new();
    loop {
        scanner.skip_space();
        match scanner.peek() {
            None => break,
            Some('"' | '\'') => words.push(Word::Bytes(scanner.quoted()?)),
            Some(_) => words.push(plain(scanner.word(""))),
        }
        if scanner.peek().is_some_and(|c| !c.is_whitespace()) {
            bail!("white space is due after a quoted word");
        }
    }
    if words.is_empty() {
        bail!("a command is due");
    }
    Ok(words)
}

/// `$name` is a binding; `$6` and all else are plain words.
fn plain(word: &str) -> Word {
    match word.strip_prefix('$') {
        Some(name) if is_name(name) => Word::Bound(name.to_owned()),
        _ => Word::Bytes(word.as_bytes().to_vec()),
    }
}

/// Whether it can name a binding.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Word, split_words};

    fn bytes(line: &str) -> Vec<Vec<u8>> {
        let words = split_words(line).unwrap().into_iter();
        words
            .map(|word| match word {
                Word::Bytes(bytes) => bytes,
                Word::Bound(name) => format!("<{name}>").into_bytes(),
            })
            .collect()
    }

    #[test]
    fn words_quotes_and_bindings() {
        assert_eq!(bytes("SET a 1"), [&b"SET"[..], b"a", b"1"]);
        assert_eq!(
            bytes(r#"SET "a b" "\x00\n\"""#),
            [&b"SET"[..], b"a b", b"\0\n\""]
        );
        assert_eq!(bytes(r"ECHO 'a\n'"), [&b"ECHO"[..], b"a\\n"]);
        assert_eq!(bytes(r#"ECHO "ab"*3"#), [&b"ECHO"[..], b"ababab"]);
        assert_eq!(bytes("GET $id $6"), [&b"GET"[..], b"<id>", b"$6"]);
        assert_eq!(bytes(r#"ECHO """#), [&b"ECHO"[..], b""]);
    }

    #[test]
    fn broken_lines() {
        for line in [
            "",
            "ECHO \"a",
            "ECHO 'a",
            "ECHO \"a\"b",
            r#"ECHO "\q""#,
            r#"ECHO "\x1""#,
        ] {
            assert!(split_words(line).is_err(), "{line}");
        }
        assert!(split_words("ECHO \"0123456789\"*99999999").is_err());
    }
}
