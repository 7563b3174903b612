//! The list of the files: one base, increments in order, and files that are no longer needed.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.incr.aof seq 1 type h
//! file appendonly.aof.2.incr.aof seq 2 type i
//! ```

use alloc::{borrow::ToOwned as _, format, string::String, vec::Vec};
use core::fmt;

use crate::Names;

/// The longest line.
const LINE_BYTES_MAX: usize = 1024;
/// The longest name that a file can have. In quotes and with an escape for every byte it fits into
/// a line, so what was read can always be written.
const NAME_BYTES_MAX: usize = 255;
/// The greatest number of a file that is to be loaded. With one more for every microsecond it is
/// reached in some 100,000 years.
pub(crate) const SEQUENCE_MAX: u64 = i64::MAX as u64 >> 1;

/// A file with its number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// Its name within the folder.
    pub name: String,
    /// Its number among those of its kind.
    pub sequence: u64,
}

/// The list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Manifest {
    /// The state that the increments go on from.
    pub base: Option<Part>,
    /// Files that a rewrite has replaced and that are to be removed, the last one first.
    pub history: Vec<Part>,
    /// Increments, the oldest first.
    pub increments: Vec<Part>,
    /// The greatest number of a base so far.
    base_sequence: u64,
    /// The greatest number of an increment so far.
    increment_sequence: u64,
}

/// What is wrong with a list, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    /// The line, from 1 on.
    pub line: usize,
    /// The line's text.
    pub text: String,
    /// What is wrong with it.
    pub fault: ManifestFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestFault {
    /// There is none.
    Empty,
    /// It is too long, or has no end.
    Line,
    /// It is not of the form `file NAME seq NUMBER type KIND`.
    Format,
    /// The name has a folder in it.
    Path,
    /// The name is longer than that of any file.
    Name,
    /// There is a second base.
    DuplicateBase,
    /// It is of no kind that is known.
    Kind,
    /// Increments are not in order.
    Order,
}

impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Found an empty AOF manifest",
            Self::Line => "The AOF manifest file contains too long line",
            Self::Format => "Invalid AOF manifest file format",
            Self::Path => "File can't be a path, just a filename",
            Self::Name => "The file name is too long",
            Self::DuplicateBase => "Found duplicate base file information",
            Self::Kind => "Unknown AOF file type",
            Self::Order => "Found a non-monotonic sequence number",
        })
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}: '{}'", self.fault, self.line, self.text)
    }
}

impl core::error::Error for ManifestError {}

impl Manifest {
    /// Reads a list.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut manifest = Self::default();
        let text = String::from_utf8_lossy(bytes);
        let mut is_any = false;
        for (at, line) in text.split_inclusive('\n').enumerate() {
            is_any = true;
            let error = |fault| ManifestError {
                line: at + 1,
                text: line.trim_end().to_owned(),
                fault,
            };
            if line.starts_with('#') {
                continue;
            }
            if !line.ends_with('\n') || line.len() >= LINE_BYTES_MAX {
                return Err(error(ManifestFault::Line));
            }
            manifest.add_line(line.trim()).map_err(error)?;
        }
        if !is_any {
            return Err(ManifestError {
                line: 0,
                text: String::new(),
                fault: ManifestFault::Empty,
            });
        }
        Ok(manifest)
    }

    fn add_line(&mut self, line: &str) -> Result<(), ManifestFault> {
        let words = words(line).ok_or(ManifestFault::Format)?;
        if words.len() < 6 || words.len() % 2 != 0 {
            return Err(ManifestFault::Format);
        }
        let (mut name, mut sequence, mut kind) = (None, None, None);
        for pair in words.chunks_exact(2) {
            let [key, value] = pair else {
                return Err(ManifestFault::Format);
            };
            match key.to_ascii_lowercase().as_str() {
                "file" => name = Some(value.clone()),
                "seq" => sequence = sequence_of(value),
                "type" => kind = Some(value.clone()),
                // What a later version says of a file.
                _ => {}
            }
        }
        let (Some(name), Some(sequence), Some(kind)) = (name, sequence, kind) else {
            return Err(ManifestFault::Format);
        };
        if name.is_empty() || name.contains('/') || name.contains('\\') {
            return Err(ManifestFault::Path);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(ManifestFault::Name);
        }
        if kind != "h" && sequence > SEQUENCE_MAX {
            return Err(ManifestFault::Format);
        }
        let part = Part { name, sequence };
        match kind.as_str() {
            "b" if self.base.is_some() => return Err(ManifestFault::DuplicateBase),
            "b" => {
                self.base_sequence = sequence;
                self.base = Some(part);
            }
            "i" if sequence <= self.increment_sequence => return Err(ManifestFault::Order),
            "i" => {
                self.increment_sequence = sequence;
                self.increments.push(part);
            }
            "h" => self.history.push(part),
            _ => return Err(ManifestFault::Kind),
        }
        Ok(())
    }

    /// The list as it is written.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = String::new();
        let base = self.base.iter().map(|part| (part, 'b'));
        let history = self.history.iter().map(|part| (part, 'h'));
        let increments = self.increments.iter().map(|part| (part, 'i'));
        for (part, kind) in base.chain(history).chain(increments) {
            let name = quoted(&part.name);
            out.push_str(&format!("file {name} seq {} type {kind}\n", part.sequence));
        }
        out.into_bytes()
    }

    /// The list after an increment was added, and its name.
    #[must_use]
    pub fn with_increment(&self, names: &Names) -> (Self, String) {
        let mut next = self.clone();
        let name = loop {
            next.increment_sequence += 1;
            let name = names.increment(next.increment_sequence);
            if !self.needs(&name) {
                break name;
            }
        };
        // A file of this name that was given up is replaced.
        next.history.retain(|part| part.name != name);
        next.increments.push(Part {
            name: name.clone(),
            sequence: next.increment_sequence,
        });
        (next, name)
    }

    /// The list after a base has replaced all that was before the last `kept` increments, and the
    /// base's name.
    #[must_use]
    pub fn with_base(&self, names: &Names, is_rdb: bool, kept: usize) -> (Self, String) {
        let mut next = self.clone();
        let name = loop {
            next.base_sequence += 1;
            let name = names.base(next.base_sequence, is_rdb);
            if !self.needs(&name) {
                break name;
            }
        };
        next.history.retain(|part| part.name != name);
        let part = Part {
            name: name.clone(),
            sequence: next.base_sequence,
        };
        let split = next.increments.len().saturating_sub(kept);
        let replaced = next.base.replace(part).into_iter();
        for part in replaced.chain(next.increments.drain(..split)) {
            next.history.insert(0, part);
        }
        (next, name)
    }

    /// Another list could not be put into this one's place, or only perhaps: what it has more is to
    /// be removed some time, and its numbers are not given again.
    pub(crate) fn give_up(&mut self, next: &Self) {
        let (base, increment) = (self.base_sequence, self.increment_sequence);
        let bases = next.base.iter().filter(|part| part.sequence > base);
        let increments = next
            .increments
            .iter()
            .filter(|part| part.sequence > increment);
        self.history.extend(bases.chain(increments).cloned());
        self.base_sequence = base.max(next.base_sequence);
        self.increment_sequence = increment.max(next.increment_sequence);
    }

    /// The list of an old single file that becomes the base under its own name.
    #[must_use]
    pub fn of_single(name: &str) -> Self {
        Self {
            base: Some(Part {
                name: name.to_owned(),
                sequence: 1,
            }),
            base_sequence: 1,
            ..Self::default()
        }
    }

    /// It is the list of an old single file, to which nothing was added yet.
    pub(crate) fn is_of_single(&self, name: &str) -> bool {
        self.increments.is_empty() && self.base.as_ref().is_some_and(|base| base.name == name)
    }

    /// A file of this name is to be loaded. Somebody may have named it as no file of its kind is.
    fn needs(&self, name: &str) -> bool {
        self.files().any(|part| part.name == name)
    }

    /// The files to be loaded, in order.
    pub fn files(&self) -> impl Iterator<Item = &Part> {
        self.base.iter().chain(&self.increments)
    }
}

/// A number of a file.
fn sequence_of(word: &str) -> Option<u64> {
    let number = word.parse::<i64>().ok().filter(|number| *number > 0)?;
    u64::try_from(number).ok()
}

/// A name with a space or another character that divides words is written in quotes.
fn quoted(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !name.is_empty() && name.bytes().all(is_plain) {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    for letter in name.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// The words of a line; those in quotes may hold escapes. `None` if a quote is not closed.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut letters = line.chars().peekable();
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        let Some(first) = letters.peek().copied() else {
            return Some(words);
        };
        let mut word = String::new();
        if first != '"' {
            while let Some(letter) = letters.next_if(|letter| !letter.is_whitespace()) {
                word.push(letter);
            }
        } else {
            letters.next();
            loop {
                match letters.next()? {
                    '"' => break,
                    '\\' => match letters.next()? {
                        'n' => word.push('\n'),
                        'r' => word.push('\r'),
                        't' => word.push('\t'),
                        letter => word.push(letter),
                    },
                    letter => word.push(letter),
                }
            }
        }
        words.push(word);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use alloc::{format, string::ToString as _, vec::Vec};

    use proptest::prelude::*;

    use super::{Manifest, ManifestFault};
    use crate::Names;

    fn fault(text: &str) -> ManifestFault {
        Manifest::parse(text.as_bytes()).unwrap_err().fault
    }

    #[test]
    fn a_new_file_never_takes_the_name_of_one_that_is_needed() {
        let text = "file a.1.incr.aof seq 1 type b\nfile a.1.base.rdb seq 7 type i\n";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        let names = Names::new("a");
        let (next, name) = manifest.with_increment(&names);
        assert_eq!(name, "a.8.incr.aof");
        let (_, name) = next.with_base(&names, true, 1);
        assert_eq!(name, "a.2.base.rdb");
        let text = "file a.1.incr.aof seq 1 type b\nfile b seq 9223372036854775807 type h\n";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(manifest.with_increment(&names).1, "a.2.incr.aof");
        let text = "file a seq 9223372036854775808 type h\n";
        assert_eq!(fault(text), ManifestFault::Format);
    }

    #[test]
    fn what_was_read_can_be_gone_on_with_and_written() {
        let most = super::SEQUENCE_MAX;
        for (sequence, is_read) in [(most - 1, true), (most, true), (most + 1, false)] {
            for kind in ["b", "i"] {
                let text = format!("file a seq {sequence} type {kind}\n");
                let Ok(manifest) = Manifest::parse(text.as_bytes()) else {
                    assert!(!is_read, "{text}");
                    assert_eq!(fault(&text), ManifestFault::Format);
                    continue;
                };
                assert!(is_read, "{text}");
                let names = Names::new("a");
                let (next, _) = manifest.with_increment(&names);
                let (next, _) = next.with_base(&names, true, 1);
                let again = Manifest::parse(&next.encode());
                assert_eq!(again.is_ok(), sequence < most, "{text}");
                assert!(again.is_err() || again == Ok(next));
            }
        }
        // A name that grows when it is written, up to the longest one.
        for letter in ["\u{fffd}", "'", "\u{85}"] {
            let name = letter.repeat(255 / letter.len());
            let text = format!("file {name:?} seq 1 type b\n").replace("\\u{85}", "\u{85}");
            let manifest = Manifest::parse(text.as_bytes()).unwrap();
            assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
            let longer = text.replace(&name, &format!("{name}{letter}"));
            assert_eq!(fault(&longer), ManifestFault::Name);
        }
    }

    #[test]
    fn a_list_of_valkey_is_read() {
        let text = "# a comment\nfile a.aof.2.base.rdb seq 2 type b\n\
                    file a.aof.1.incr.aof seq 1 type h\nfile a.aof.2.incr.aof seq 2 type i\n\
                    file \"a b.aof.3.incr.aof\" seq 3 type i\n";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(manifest.base.as_ref().unwrap().sequence, 2);
        assert_eq!(manifest.increments[1].name, "a b.aof.3.incr.aof");
        assert_eq!(manifest.history.len(), 1);
        let again = Manifest::parse(&manifest.encode()).unwrap();
        assert_eq!(again, manifest);
        let names = Names::new("a.aof");
        let (next, name) = manifest.with_increment(&names);
        assert_eq!(name, "a.aof.4.incr.aof");
        let (next, name) = next.with_base(&names, false, 1);
        assert_eq!(name, "a.aof.3.base.aof");
        assert_eq!(next.increments.len(), 1);
        let history: Vec<&str> = next.history.iter().map(|part| part.name.as_str()).collect();
        let first = ["a b.aof.3.incr.aof", "a.aof.2.incr.aof", "a.aof.2.base.rdb"];
        assert_eq!(history[..3], first);
        assert_eq!(history[3], "a.aof.1.incr.aof");
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert_eq!(fault(""), ManifestFault::Empty);
        assert_eq!(fault("file a seq 1 type b"), ManifestFault::Line);
        assert_eq!(fault(&("x".repeat(2000) + "\n")), ManifestFault::Line);
        for text in [
            "\n",
            "file a seq 1\n",
            "file a seq 0 type b\n",
            "file a seq x type b\n",
            "file \"a seq 1 type b\n",
            "seq 1 type b\n",
        ] {
            assert_eq!(fault(text), ManifestFault::Format, "{text}");
        }
        assert_eq!(fault("file a seq 1 type x\n"), ManifestFault::Kind);
        assert_eq!(fault("file ../a seq 1 type b\n"), ManifestFault::Path);
        let twice = "file a seq 1 type b\nfile b seq 2 type b\n";
        assert_eq!(fault(twice), ManifestFault::DuplicateBase);
        let back = "file a seq 2 type i\nfile b seq 1 type i\n";
        let error = Manifest::parse(back.as_bytes()).unwrap_err();
        assert_eq!(error.fault, ManifestFault::Order);
        assert!(error.to_string().contains("line 2"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list_or_an_error(bytes: Vec<u8>) {
            if let Ok(manifest) = Manifest::parse(&bytes) {
                let again = Manifest::parse(&manifest.encode());
                prop_assert!(manifest == Manifest::default() || again == Ok(manifest));
            }
        }

        #[test]
        fn names_survive(name in "[^/\\\\\u{0}\\p{C}]{1,20}") {
            let manifest = Manifest::of_single(&name);
            prop_assert_eq!(Manifest::parse(&manifest.encode()), Ok(manifest));
        }
    }
}
