//! The outcome of a run, readable: which cases failed, what was sent, expected and got.

use crate::Version;
use std::fmt;
use vk_resp::Reply;

/// A case that failed.
#[derive(Debug)]
pub struct Failure {
    /// `file/title`.
    pub case: String,
    /// Line in the file.
    pub line: usize,
    /// What was sent.
    pub sent: String,
    /// What was expected, in the corpus' notation.
    pub expected: String,
    /// What came, in the same notation, or the error of the connection.
    pub got: String,
}

/// The outcome of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The version that cases were chosen by.
    pub version: Version,
    /// Cases that held.
    pub passed: usize,
    /// Cases of other versions.
    pub skipped: usize,
    /// Cases that fail as the list of deviations says.
    pub deviating: usize,
    /// Cases that failed.
    pub failures: Vec<Failure>,
    /// Cases of the list of deviations that hold.
    pub no_longer_deviating: Vec<String>,
}

impl Report {
    /// Whether there is nothing to mend.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.failures.is_empty() && self.no_longer_deviating.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            let file = failure.case.split('/').next().unwrap_or_default();
            writeln!(f, "FAILED {} ({file}.txt:{})", failure.case, failure.line)?;
            writeln!(f, "  sent      {}", indented(&failure.sent))?;
            writeln!(f, "  expected  {}", indented(&failure.expected))?;
            writeln!(f, "  got       {}", indented(&failure.got))?;
        }
        for case in &self.no_longer_deviating {
            writeln!(f, "HOLDS {case}: take it off the list of deviations")?;
        }
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed,
            self.failures.len() + self.no_longer_deviating.len(),
            self.skipped
        )?;
        if self.deviating > 0 {
            write!(f, ", {} deviating as listed", self.deviating)?;
        }
        write!(f, " (as version {})", self.version)
    }
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n            ")
}

/// Longest string shown of one value.
const SHOWN_BYTES_MAX: usize = 600;

/// A reply in the corpus' notation.
#[must_use]
pub fn render(reply: &Reply) -> String {
    let list = |open: &str, items: &[Reply], close: &str| {
        let items: Vec<String> = items.iter().map(nested).collect();
        format!("{open}{}{close}", items.join(" "))
    };
    match reply {
        Reply::Simple(text) => format!("+{}", String::from_utf8_lossy(text)),
        Reply::Error(text) => format!("-{}", String::from_utf8_lossy(text)),
        Reply::BulkError(text) => format!("-{} (bulk error)", String::from_utf8_lossy(text)),
        Reply::Int(number) => format!(":{number}"),
        Reply::Bulk(text) => quoted(text),
        Reply::Null => "nil".into(),
        Reply::NullArray => "nil-array".into(),
        Reply::Array(items) => list("[", items, "]"),
        Reply::Set(items) => list("<", items, ">"),
        Reply::Push(items) => list("push [", items, "]"),
        Reply::Map(pairs) => {
            // Behind a quoted key a colon is easier to read; behind a number it is part of it.
            let pair = |(key, value): &(Reply, Reply)| {
                let colon = if matches!(key, Reply::Bulk(_)) {
                    ":"
                } else {
                    ""
                };
                format!("{}{colon} {}", nested(key), nested(value))
            };
            let pairs: Vec<String> = pairs.iter().map(pair).collect();
            format!("{{{}}}", pairs.join(" "))
        }
        Reply::Double(number) => format!(",{number}"),
        Reply::Bool(true) => "#t".into(),
        Reply::Bool(false) => "#f".into(),
        Reply::BigNumber(digits) => format!("({}", String::from_utf8_lossy(digits)),
        Reply::Verbatim { format, data } => {
            format!(
                "={} (format {})",
                quoted(data),
                String::from_utf8_lossy(format)
            )
        }
        other => format!("{other:?}"),
    }
}

/// As it is written inside brackets.
fn nested(reply: &Reply) -> String {
    match reply {
        Reply::Simple(text) if text.contains(&b' ') => format!("+{}", quoted(text)),
        Reply::Error(text) => format!("-{}", quoted(text)),
        other => render(other),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let shown = bytes.get(..SHOWN_BYTES_MAX).unwrap_or(bytes);
    let mut text = String::from("\"");
    for &byte in shown {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text.push('"');
    if shown.len() < bytes.len() {
        text.push_str(&format!(" and {} bytes more", bytes.len() - shown.len()));
    }
    text
}

/// A command as it is written in the corpus.
pub(crate) fn render_command(words: &[Vec<u8>]) -> String {
    let plain = |word: &[u8]| {
        !word.is_empty()
            && word
                .iter()
                .all(|b| b.is_ascii_graphic() && !b"\"'\\".contains(b))
    };
    let words: Vec<String> = words
        .iter()
        .map(|word| {
            if plain(word) {
                String::from_utf8_lossy(word).into_owned()
            } else {
                quoted(word)
            }
        })
        .collect();
    let text = words.join(" ");
    match text.char_indices().nth(SHOWN_BYTES_MAX) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{render, render_command};
    use crate::{Bindings, Pattern};
    use vk_resp::Reply;

    #[test]
    fn rendered_replies_match_themselves() {
        let inner = vec![
            Reply::Error(b"ERR a b".to_vec()),
            Reply::Int(-1),
            Reply::Null,
        ];
        let reply = Reply::Map(vec![
            (Reply::Bulk(b"k\"\0".to_vec()), Reply::Array(inner)),
            (
                Reply::Simple(b"a b".to_vec()),
                Reply::Set(vec![Reply::Bool(true)]),
            ),
            (Reply::Double(0.5), Reply::Push(vec![])),
        ]);
        let pattern = Pattern::parse(&render(&reply)).unwrap();
        assert!(
            pattern.matches(&reply, true, &mut Bindings::new()),
            "{pattern:?}"
        );
    }

    #[test]
    fn commands() {
        let words = [
            b"SET".to_vec(),
            b"a b".to_vec(),
            b"".to_vec(),
            b"\n".to_vec(),
        ];
        assert_eq!(render_command(&words), "SET \"a b\" \"\" \"\\n\"");
        assert!(render_command(&[vec![b'x'; 5000]]).len() < 700);
    }
}
